// Words in a table: lists of different texts, and columns of words as an input for each.
#include <math.h>

#include "csv.h"

enum { MOST_INPUTS = 65536, MOST_WORD_BYTES = 128 << 10 };

int hd_csv_place(const hd_csv_list *list, const char *text, bool *found) {
  int low = 0, high = list->count;
  while (low < high) {
    int middle = low + (high - low) / 2, order = strcmp(list->at[middle]->text, text);
    if (order == 0) return *found = true, middle;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  *found = false;
  return low;
}

hd_status hd_csv_add(hd_csv_list *list, const char *text, int place, const hd_csv *c) {
  if (list->count == list->room) {
    int room = list->room ? 2 * list->room : 16;
    void *more = hd_resize(&list->env, list->at, (size_t)room * sizeof *list->at);
    if (!more) return hd_fail(c->err, HD_E_MEMORY, "%s: memory is out", c->name);
    list->at = more, list->room = room;
  }
  hd_csv_label *label = hd_arena_alloc(&list->arena, sizeof *label);
  if (label) label->text = hd_arena_text(&list->arena, text);
  if (!label || !label->text) return hd_fail(c->err, HD_E_MEMORY, "%s: memory is out", c->name);
  label->id = list->count;
  if (!hd_parse_real(text, text + strlen(text), &label->value) || !isfinite(label->value))
    list->numbers = false;
  memmove(list->at + place + 1, list->at + place, (size_t)(list->count - place) * sizeof *list->at);
  list->at[place] = label;
  list->count++;
  return HD_OK;
}

hd_status hd_csv_unknown_word(const hd_csv *c, const hd_csv_field *f, int column,
                              const hd_csv_list *list, const char *word) {
  char known[400];
  size_t used = 0;
  int i = 0;
  for (; i < list->count && used + strlen(list->at[i]->text) + 8 < sizeof known; i++)
    used += (size_t)hd_print(known + used, sizeof known - used, "%s\"%s\"", i ? ", " : "",
                             list->at[i]->text);
  known[used] = 0;
  return hd_fail(c->err, HD_E_FORMAT,
                 "%s:%lld: column %d: \"%.80s\" is none of its %d words; known are %s%s", c->name,
                 (long long)f->line, column + 1, word, list->count, known,
                 i < list->count ? " ..." : "");
}

static hd_status word_new(const hd_csv *c, hd_csv_words *w, hd_csv_list *list, const char *word,
                          const hd_csv_field *f, int column) {
  bool found;
  int place = hd_csv_place(list, word, &found), length;
  if (found) return HD_OK;
  if (!*word)
    return hd_fail(c->err, HD_E_FORMAT, "%s:%lld: column %d is empty; a number or word is expected",
                   c->name, (long long)f->line, column + 1);
  for (const char *at = word, *end = word + strlen(word); at < end; at += length)
    if (!(length = hd_utf8_length(at, end)))
      return hd_fail(c->err, HD_E_FORMAT, "%s:%lld: column %d: the word is not in UTF-8", c->name,
                     (long long)f->line, column + 1);
  w->inputs += list->count > 0;
  w->bytes += (int64_t)strlen(word);
  if (w->inputs > MOST_INPUTS || w->bytes > MOST_WORD_BYTES)
    return hd_fail(c->err, HD_E_LIMIT,
                   "%s:%lld: column %d: word %d, and one_hot takes at most %d inputs and %d KiB of "
                   "words; is the column a name of the row, or are numbers missing in it?",
                   c->name, (long long)f->line, column + 1, list->count + 1, MOST_INPUTS,
                   MOST_WORD_BYTES >> 10);
  return hd_csv_add(list, word, place, c);
}

// Lists the words of the columns that hold any: `mark` finds the columns, then they are listed.
static hd_status find_words(const hd_csv *c, hd_csv_words *w, bool *words, bool mark,
                            hd_text *scratch) {
  hd_csv_cursor u = {c, c->text, 1};
  hd_csv_field f;
  bool last;
  hd_status status = hd_csv_skip_header(&u);
  for (int64_t row = 0; row < c->rows && !status; row++) {
    for (int i = 0, column = 0; i < c->width && !status; i++) {
      status = hd_csv_next(&u, &f, &last);
      if (status || i == c->label) continue;
      int at = column++;
      if (mark) {
        words[at] |= f.at < f.end && !hd_csv_is_number(&f);
      } else if (words[at]) {
        hd_csv_unquote(&f, scratch);
        status = scratch->failed ? hd_fail(c->err, HD_E_MEMORY, "%s: memory is out", c->name)
                                 : word_new(c, w, &w->of[at], scratch->at, &f, i);
      }
    }
  }
  return status;
}

// The given lists, as if they were found; each in the order of its inputs.
static hd_status take_words(const hd_csv *c, hd_csv_words *w, const hd_word_list *given) {
  int count = 0;
  while (given[count]) count++;
  if (count != w->count)
    return hd_fail(c->err, HD_E_SHAPE, "%s: %d columns of features; there must be %d", c->name,
                   w->count, count);
  for (int i = 0; i < count; i++)
    for (int k = 0; given[i][k]; k++) {
      bool found;
      int place = hd_csv_place(&w->of[i], given[i][k], &found);
      if (found)
        return hd_fail(c->err, HD_E_ARGUMENT, "%s: \"%.80s\" is given twice for column %d", c->name,
                       given[i][k], i + 1);
      w->inputs += k > 0;
      if (w->inputs > MOST_INPUTS)
        return hd_fail(c->err, HD_E_LIMIT, "%s: more than %d inputs", c->name, MOST_INPUTS);
      hd_status status = hd_csv_add(&w->of[i], given[i][k], place, c);
      if (status) return status;
    }
  return HD_OK;
}

hd_status hd_csv_list_words(const hd_csv *c, hd_csv_options o, hd_csv_words *w, hd_text *scratch) {
  w->count = c->width - (c->label >= 0);
  w->inputs = w->count;
  if (!c->words) return HD_OK;
  if (w->count > MOST_INPUTS)
    return hd_fail(c->err, HD_E_LIMIT, "%s: more than %d columns of features", c->name,
                   MOST_INPUTS);
  w->of = hd_alloc(c->env, (size_t)w->count * sizeof *w->of);
  bool *words = hd_alloc(c->env, (size_t)w->count * sizeof *words);
  hd_status status =
      w->of && words ? HD_OK : hd_fail(c->err, HD_E_MEMORY, "%s: memory is out", c->name);
  for (int i = 0; i < w->count && w->of; i++)
    if (c->env) w->of[i].env = w->of[i].arena.env = *c->env;
  if (!status && o.words) status = take_words(c, w, o.words);
  else if (!status) {
    status = find_words(c, w, words, true, scratch);
    if (!status) status = find_words(c, w, words, false, scratch);
    for (int i = 0; i < w->count && !status; i++)  // in the order of their bytes
      for (int k = 0; k < w->of[i].count; k++) w->of[i].at[k]->id = k;
  }
  hd_release(c->env, words);
  if (!status && w->inputs > HD_CSV_BYTES / (int64_t)sizeof(float) / c->rows)
    return hd_fail(c->err, HD_E_LIMIT, "%s: %lld rows of %lld inputs are more than 4 GiB", c->name,
                   (long long)c->rows, (long long)w->inputs);
  return status;
}

void hd_csv_free_words(const hd_csv *c, hd_csv_words *w) {
  for (int i = 0; i < w->count && w->of; i++) {
    hd_release(c->env, w->of[i].at);
    hd_arena_free(&w->of[i].arena);
  }
  hd_release(c->env, w->of);
}

// Hands the words over to the data, in an arena of its own.
hd_status hd_csv_name_words(const hd_csv *c, const hd_csv_words *w, hd_data *to) {
  hd_table *table = to->user;
  if (!w->of) return HD_OK;
  hd_word_list *words = hd_arena_alloc(&table->arena, ((size_t)w->count + 1) * sizeof *words);
  bool good = words != NULL;
  for (int i = 0; i < w->count && good; i++) {
    const hd_csv_list *list = &w->of[i];
    const char **word = hd_arena_alloc(&table->arena, ((size_t)list->count + 1) * sizeof *word);
    good = word != NULL;
    for (int k = 0; k < list->count && good; k++) {
      const char *text = hd_arena_text(&table->arena, list->at[k]->text);
      word[list->at[k]->id] = text;
      good = text != NULL;
    }
    words[i] = word;
  }
  if (!good) return hd_fail(c->err, HD_E_MEMORY, "%s: memory is out", c->name);
  to->words = words;
  return HD_OK;
}
