// CSV: a table of numbers, or of words too, with one column to predict. Read twice: once to count
// and check the rows, once, when memory is there, for the values.
#include "csv.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

enum { MOST_CLASSES = 65536 };

// ---- Fields -------------------------------------------------------------------------------------

// At most 40 bytes of a field, for messages.
static int shown(const hd_csv_field *f) { return (int)HD_MIN(f->end - f->at, 40); }

static bool at_blank(const hd_csv_cursor *u) {
  return u->at < u->c->end && (*u->at == ' ' || *u->at == '\t') && *u->at != u->c->separator;
}

static hd_status quoted_field(hd_csv_cursor *u, hd_csv_field *f) {
  const hd_csv *c = u->c;
  f->quoted = true;
  f->at = ++u->at;
  for (;; u->at++) {
#ifndef HADAL_PLANT_CSV  // tools/fuzz --planted leaves this out: the fuzzer must notice
    if (u->at == c->end)
      return hd_fail(c->err, HD_E_FORMAT, "%s:%lld: a quote is opened and never closed", c->name,
                     (long long)f->line);
#endif
    bool line_feed = *u->at == '\n', lone_return = *u->at == '\r';
    if (lone_return && u->at + 1 < c->end && u->at[1] == '\n') lone_return = false;
    if (line_feed || lone_return) u->line++;
    if (*u->at != '"') continue;
    if (u->at + 1 < c->end && u->at[1] == '"') u->at++;  // a doubled quote stands for one
    else break;
  }
  f->end = u->at++;
  while (at_blank(u)) u->at++;
  if (u->at < c->end && *u->at != c->separator && *u->at != '\n' && *u->at != '\r')
    return hd_fail(c->err, HD_E_FORMAT,
                   "%s:%lld: '%c' after a closing quote; '%c' or the end of "
                   "the line must follow",
                   c->name, (long long)u->line, *u->at, c->separator);
  return HD_OK;
}

// The next field; *last when the row ends with it.
hd_status hd_csv_next(hd_csv_cursor *u, hd_csv_field *f, bool *last) {
  const hd_csv *c = u->c;
  while (at_blank(u)) u->at++;
  *f = (hd_csv_field){.at = u->at, .line = u->line};
  if (u->at < c->end && *u->at == '"') {
    hd_status status = quoted_field(u, f);
    if (status) return status;
  } else {
    for (; u->at < c->end && *u->at != c->separator && *u->at != '\n' && *u->at != '\r'; u->at++)
      if (*u->at == '"')
        return hd_fail(c->err, HD_E_FORMAT,
                       "%s:%lld: a quote inside a field: put the whole field "
                       "in quotes and double the inner ones",
                       c->name, (long long)u->line);
    f->end = u->at;
    while (f->end > f->at && (f->end[-1] == ' ' || f->end[-1] == '\t')) f->end--;
  }
  *last = u->at == c->end || *u->at != c->separator;
  if (!*last) {
    u->at++;
  } else if (u->at < c->end) {
    if (*u->at == '\r' && u->at + 1 < c->end && u->at[1] == '\n') u->at++;
    u->at++, u->line++;
  }
  return HD_OK;
}

// The field's characters, doubled quotes made single.
void hd_csv_unquote(const hd_csv_field *f, hd_text *to) {
  to->size = 0;
  hd_text_raw(to, "", 0);
  for (const char *at = f->at; at < f->end;) {
    const char *quote = f->quoted ? memchr(at, '"', (size_t)(f->end - at)) : NULL;
    const char *stop = quote ? quote + 1 : f->end;
    hd_text_raw(to, at, (size_t)(stop - at));
    at = quote ? quote + 2 : f->end;
  }
}

bool hd_csv_is_number(const hd_csv_field *f) {
  double value;
  return hd_parse_real(f->at, f->end, &value);
}

static hd_status number(const hd_csv *c, const hd_csv_field *f, int column, float *to) {
  double value;
  hd_status bad = HD_E_FORMAT;
  if (f->at == f->end)
    return hd_fail(c->err, bad, "%s:%lld: column %d is empty; a number is expected", c->name,
                   (long long)f->line, column + 1);
  if (!hd_parse_real(f->at, f->end, &value))
    return hd_fail(c->err, bad,
                   "%s:%lld: column %d: \"%.*s\" is not a number (such as 1.5 or -2e3)%s", c->name,
                   (long long)f->line, column + 1, shown(f), f->at,
                   c->words || column == c->label
                       ? ""
                       : "; if the column holds words, read them with `one_hot: true`");
  if (!(fabs(value) <= FLT_MAX))
    return hd_fail(c->err, bad, "%s:%lld: column %d: \"%.*s\" is not a finite number of type f32",
                   c->name, (long long)f->line, column + 1, shown(f), f->at);
  *to = (float)value;
  return HD_OK;
}

// ---- The first pass -----------------------------------------------------------------------------

// Column of line 1 whose name is `name`, or -1.
static hd_status column_of(const hd_csv *c, const char *name, hd_text *scratch, int *to) {
  hd_csv_cursor u = {c, c->text, 1};
  hd_csv_field f;
  *to = -1;
  bool last = false;
  for (int i = 0; !last; i++) {
    hd_status status = hd_csv_next(&u, &f, &last);
    if (status) return status;
    hd_csv_unquote(&f, scratch);
    if (scratch->failed) return hd_fail(c->err, HD_E_MEMORY, "%s: memory is out", c->name);
    if (strcmp(scratch->at, name)) continue;
    if (*to >= 0)
      return hd_fail(c->err, HD_E_FORMAT, "%s:1: columns %d and %d are both called \"%.80s\"",
                     c->name, *to + 1, i + 1, name);
    *to = i;
  }
  return HD_OK;
}

// Which column holds the label. A number is looked for among the names only below a sure header.
static hd_status find_label(hd_csv *c, hd_csv_options o, hd_text *scratch) {
  int64_t position = 0;
  c->label = o.no_label ? -1 : c->width - 1;
  if (o.no_label || !o.label) return HD_OK;
  bool counted = hd_parse_int(o.label, o.label + strlen(o.label), &position);
  int named = -1;
  bool sure = o.header && !strcmp(o.header, "yes"), none = o.header && !strcmp(o.header, "no");
  if (sure || (!none && !counted)) {
    hd_status status = column_of(c, o.label, scratch, &named);
    if (status) return status;
  }
  if (named >= 0) {
    c->label = named;
    c->header = true;
  } else if (counted && position >= 1 && position <= c->width) {
    c->label = (int)(position - 1);
  } else {
    return hd_fail(c->err, HD_E_ARGUMENT,
                   "%s: no label column \"%.80s\": give a name of the header line or a number from "
                   "1 to %d",
                   c->name, o.label, c->width);
  }
  return HD_OK;
}

// Finds the number of columns, the label's, and whether line 1 is a header.
static hd_status first_line(hd_csv *c, hd_csv_options o, hd_text *scratch) {
  hd_csv_cursor u = {c, c->text, 1};
  hd_csv_field f;
  bool last = false;
  for (c->width = 0; !last; c->width++) {
    hd_status status = hd_csv_next(&u, &f, &last);
    if (status) return status;
    if (c->width == INT32_MAX - 1)
      return hd_fail(c->err, HD_E_LIMIT, "%s:1: more than %d columns", c->name, INT32_MAX - 1);
  }
  if (c->width == 1 && !f.quoted && f.at == f.end)
    return hd_fail(c->err, HD_E_FORMAT, "%s:1: the first line is blank", c->name);
  hd_status status = find_label(c, o, scratch);
  if (status) return status;
  if (c->width - (c->label >= 0) < 1)
    return hd_fail(c->err, HD_E_FORMAT,
                   "%s:1: one column, the label's, and none to learn from "
                   "(is the separator '%c'?)",
                   c->name, c->separator);
  if (c->header || o.header) {
    c->header |= o.header && !strcmp(o.header, "yes");
    return HD_OK;
  }
  c->header = true;  // unless a number is among the features, or a word that is known
  const hd_word_list *words = o.words;
  u = (hd_csv_cursor){c, c->text, 1};
  for (int i = 0; i < c->width; i++) {
    status = hd_csv_next(&u, &f, &last);
    if (status) return status;
    if (i == c->label) continue;
    if (hd_csv_is_number(&f)) c->header = false;
    hd_csv_unquote(&f, scratch);
    if (scratch->failed) return hd_fail(c->err, HD_E_MEMORY, "%s: memory is out", c->name);
    for (int k = 0; words && *words && (*words)[k]; k++)
      if (!strcmp((*words)[k], scratch->at)) c->header = false;
    if (words && *words) words++;
  }
  return HD_OK;
}

hd_status hd_csv_skip_header(hd_csv_cursor *u) {
  hd_csv_field f;
  for (bool last = !u->c->header; !last;) {
    hd_status status = hd_csv_next(u, &f, &last);
    if (status) return status;
  }
  return HD_OK;
}

// Counts the rows; each must be as wide as line 1, and blank lines may only come last.
static hd_status count_rows(hd_csv *c) {
  hd_csv_cursor u = {c, c->text, 1};
  int64_t blank = 0, lines = 0;
  while (u.at < c->end) {
    hd_csv_field f;
    bool last = false;
    int64_t line = u.line;
    int64_t width = 0;  // a later row may be wider than an int
    for (; !last; width++) {
      hd_status status = hd_csv_next(&u, &f, &last);
      if (status) return status;
    }
    if (width == 1 && !f.quoted && f.at == f.end) {
      if (!blank) blank = line;
      continue;
    }
    if (blank)
      return hd_fail(c->err, HD_E_FORMAT, "%s:%lld: a blank line, and rows after it", c->name,
                     (long long)blank);
    if (width != c->width)
      return hd_fail(c->err, HD_E_FORMAT, "%s:%lld: the row has %lld fields, line 1 has %d",
                     c->name, (long long)line, (long long)width, c->width);
    lines++;
  }
  c->rows = lines - c->header;
  if (c->rows < 1)
    return hd_fail(c->err, HD_E_FORMAT, "%s: no rows%s", c->name,
                   c->header ? " below the header line" : "");
  return HD_OK;
}

// ---- Classes ------------------------------------------------------------------------------------

static int by_value(const void *a, const void *b) {
  const hd_csv_label *p = *(hd_csv_label *const *)a, *q = *(hd_csv_label *const *)b;
  if (p->value != q->value) return p->value < q->value ? -1 : 1;
  return strcmp(p->text, q->text);
}

// The number of the class: its place among the given ones, or for now its order of appearance.
static hd_status class_of(const hd_csv *c, const hd_csv_field *f, const char *const *given,
                          hd_csv_list *list, hd_text *scratch, int32_t *to) {
  hd_csv_unquote(f, scratch);
  if (scratch->failed) return hd_fail(c->err, HD_E_MEMORY, "%s: memory is out", c->name);
  const char *text = scratch->at;
  if (!given) {
    if (!*text)
      return hd_fail(c->err, HD_E_FORMAT, "%s:%lld: column %d: the label is empty", c->name,
                     (long long)f->line, c->label + 1);
    bool found;
    int place = hd_csv_place(list, text, &found);
    if (!found && list->count == MOST_CLASSES)
      return hd_fail(c->err, HD_E_LIMIT,
                     "%s: more than %d different labels; is the label a number to "
                     "predict (regression)?",
                     c->name, MOST_CLASSES);
    hd_status status = found ? HD_OK : hd_csv_add(list, text, place, c);
    if (!status) *to = list->at[place]->id;
    return status;
  }
  int count = 0;
  for (; given[count]; count++)
    if (strcmp(given[count], text) == 0) return *to = count, HD_OK;
  int near = hd_nearest(text, given, count);
  return hd_fail(c->err, HD_E_FORMAT,
                 "%s:%lld: column %d: \"%.80s\" is none of the %d classes%s%.80s%s", c->name,
                 (long long)f->line, c->label + 1, text, count, near < 0 ? "" : "; did you mean \"",
                 near < 0 ? "" : given[near], near < 0 ? "" : "\"?");
}

// Numbers in order, else by text; labels from order of appearance to that order.
static hd_status order_classes(hd_csv_list *list, int32_t *labels, int64_t rows, const hd_csv *c) {
  if (list->numbers) qsort(list->at, (size_t)list->count, sizeof *list->at, by_value);
  int32_t *rank = hd_alloc(&list->env, (size_t)list->count * sizeof *rank);
  if (!rank) return hd_fail(c->err, HD_E_MEMORY, "%s: memory is out", c->name);
  for (int i = 0; i < list->count; i++) rank[list->at[i]->id] = i;
  for (int64_t i = 0; i < rows; i++) labels[i] = rank[labels[i]];
  hd_release(&list->env, rank);
  return HD_OK;
}

// The names in order, in the arena that the data keeps.
static hd_status name_classes(hd_csv_list *list, const char *const *given, hd_data *to,
                              const hd_csv *c) {
  int count = 0;
  if (given)
    while (given[count]) count++;
  else count = list->count;
  const char **names = hd_arena_alloc(&list->arena, ((size_t)count + 1) * sizeof *names);
  bool good = names != NULL;
  for (int i = 0; good && i < count; i++) {
    names[i] = given ? hd_arena_text(&list->arena, given[i]) : list->at[i]->text;
    good = names[i] != NULL;
  }
  if (!good) return hd_fail(c->err, HD_E_MEMORY, "%s: memory is out", c->name);
  hd_table *table = to->user;
  table->arena = list->arena;
  list->arena.last = NULL;
  to->classes = count;
  to->class_names = names;
  return HD_OK;
}

// ---- The second pass ----------------------------------------------------------------------------

// The inputs of a field: its number, or a one among the words of its column.
static hd_status read_feature(const hd_csv *c, const hd_csv_field *f, int column,
                              const hd_csv_list *words, float **x, hd_text *scratch) {
  if (!words || !words->count) return number(c, f, column, (*x)++);
  bool found;
  hd_csv_unquote(f, scratch);
  if (scratch->failed) return hd_fail(c->err, HD_E_MEMORY, "%s: memory is out", c->name);
  int place = hd_csv_place(words, scratch->at, &found);
  if (!found) return hd_csv_unknown_word(c, f, column, words, scratch->at);
  memset(*x, 0, (size_t)words->count * sizeof **x);
  (*x)[words->at[place]->id] = 1;
  *x += words->count;
  return HD_OK;
}

static hd_status read_values(const hd_csv *c, hd_csv_options o, const hd_csv_words *w, float *x,
                             void *label, hd_csv_list *list, hd_text *scratch) {
  hd_csv_cursor u = {c, c->text, 1};
  hd_csv_field f;
  bool last;
  hd_status begun = hd_csv_skip_header(&u);
  if (begun) return begun;
  for (int64_t row = 0; row < c->rows; row++) {
    for (int i = 0, column = 0; i < c->width; i++) {
      hd_status status = hd_csv_next(&u, &f, &last);
      if (status) return status;
      if (i != c->label)
        status = read_feature(c, &f, i, w->of ? &w->of[column++] : NULL, &x, scratch);
      else if (o.regression) status = number(c, &f, i, (float *)label + row);
      else status = class_of(c, &f, o.classes, list, scratch, (int32_t *)label + row);
      if (status) return status;
    }
  }
  return HD_OK;
}

static hd_status make_table(const hd_csv *c, hd_csv_options o, const hd_csv_words *w,
                            hd_csv_list *list, hd_text *scratch, hd_data *to) {
  bool labelled = c->label >= 0, classes = labelled && !o.regression;
  const char *const names[] = {"x", classes ? "label" : "target"};
  hd_shape one = classes ? HD_SHAPE(c->rows) : HD_SHAPE(c->rows, 1);
  hd_tensor t[2] = {hd_tensor_new(c->env, HD_F32, HD_SHAPE(c->rows, w->inputs), c->err)};
  if (!t[0].data) return hd_fail_in(c->err, HD_E_MEMORY, "%s", c->name);
  hd_status status = HD_OK;
  if (labelled) {
    t[1] = hd_tensor_new(c->env, classes ? HD_I32 : HD_F32, one, c->err);
    if (!t[1].data) status = hd_fail_in(c->err, HD_E_MEMORY, "%s", c->name);
  }
  if (!status) status = read_values(c, o, w, t[0].data, t[1].data, list, scratch);
  if (!status && classes && !o.classes) status = order_classes(list, t[1].data, c->rows, c);
  if (!status) status = hd_data_from_tensors(c->env, names, t, 1 + labelled, to, c->err);
  if (!status && classes) status = name_classes(list, o.classes, to, c);
  if (!status) status = hd_csv_name_words(c, w, to);
  if (status) hd_data_free(to);
  hd_tensor_free(&t[0]);  // no-ops once they are taken over
  hd_tensor_free(&t[1]);
  return status;
}

static hd_status check_text(const hd_csv *c, hd_csv_options o) {
  if (strchr("\"\r\n", c->separator))
    return hd_fail(c->err, HD_E_ARGUMENT, "csv: a quote or a line end cannot be the separator");
  if (o.header && strcmp(o.header, "yes") && strcmp(o.header, "no"))
    return hd_fail(c->err, HD_E_ARGUMENT,
                   "csv: header is \"yes\", \"no\" or nothing, not \"%.80s\"", o.header);
  if (c->text == c->end) return hd_fail(c->err, HD_E_FORMAT, "%s: the file is empty", c->name);
  const char *zero = memchr(c->text, 0, (size_t)(c->end - c->text));
  if (zero)
    return hd_fail(c->err, HD_E_FORMAT, "%s: offset %lld: a zero byte; this is not a text file",
                   c->name, (long long)(zero - c->text));
  return HD_OK;
}

hd_status hd_csv_parse(const hd_env *env, const char *name, const char *text, size_t count,
                       hd_csv_options options, hd_data *to, hd_error *err) {
  *to = (hd_data){0};
  if (!text) text = "", count = 0;
  hd_csv c = {.env = env,
              .name = name ? name : "csv",
              .err = err,
              .text = text,
              .end = text + count,
              .separator = options.separator ? options.separator : ',',
              .words = options.one_hot || options.words};
  hd_status status = check_text(&c, options);
  if (status) return status;
  if (count >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) c.text += 3;  // UTF-8's mark
  if (c.text == c.end) return hd_fail(err, HD_E_FORMAT, "%s: the file is empty", c.name);
  hd_csv_list list = {.numbers = true};
  hd_csv_words words = {.of = NULL};
  hd_text scratch = {.at = NULL};
  if (env) list.env = list.arena.env = scratch.env = *env;
  status = first_line(&c, options, &scratch);
  if (!status) status = count_rows(&c);
  if (!status) status = hd_csv_list_words(&c, options, &words, &scratch);
  if (!status) status = make_table(&c, options, &words, &list, &scratch, to);
  hd_text_free(&scratch);
  hd_csv_free_words(&c, &words);
  hd_release(&list.env, list.at);
  hd_arena_free(&list.arena);
  return status;
}

hd_status hd_csv_read(const hd_env *env, const char *path, hd_csv_options options, hd_data *to,
                      hd_error *err) {
  void *text;
  size_t count;
  *to = (hd_data){0};
  hd_status status = hd_file_read(env, path, HD_CSV_BYTES, &text, &count, err);
  if (status) return status;
  status = hd_csv_parse(env, path, text, count, options, to, err);
  hd_release(env, text);
  return status;
}
