// Documents to options structs: types, ranges, "did you mean".
#include "fields.h"

#include <float.h>
#include <math.h>

#include "../../include/hadal/graph.h"

const char *const hd_init_names[] = {
    "default",          "zeros",         "ones",          "constant",
    "uniform",          "normal",        "lecun_uniform", "lecun_normal",
    "glorot_uniform",   "glorot_normal", "he_uniform",    "he_normal",
    "truncated_normal", "orthogonal",    "sparse",        NULL};

int hd_init_numbers(int kind) {
  return kind == HD_CONSTANT ? 1
         : kind == HD_UNIFORM || kind == HD_NORMAL || kind == HD_TRUNCATED_NORMAL ||
                 kind == HD_SPARSE
             ? 2
             : 0;
}

hd_status hd_reader_fail(const hd_reader *r, const hd_doc *at, const char *format, ...) {
  char text[900];
  va_list args;
  va_start(args, format);
  hd_vprint(text, sizeof text, format, args);
  va_end(args);
  int line = at ? at->line : 0;
  if (line < 0 && r->sets)
    return hd_fail(r->err, HD_E_FORMAT, "--set %s: %s", r->sets[-1 - line], text);
  if (line > 0) return hd_fail(r->err, HD_E_FORMAT, "%s:%d: %s", r->name, line, text);
  return hd_fail(r->err, HD_E_FORMAT, "%s: %s", r->name, text);
}

const char *hd_suggest(const char *word, const char *const *known, int count, char *to,
                       size_t size) {
  int nearest = hd_nearest(word, known, count);
  if (nearest >= 0) return hd_print(to, size, "; did you mean \"%s\"?", known[nearest]), to;
  int used = hd_print(to, size, count ? "; known are " : "; there are none");
  for (int i = 0; i < count && used >= 0 && (size_t)used < size; i++)
    used += hd_print(to + used, size - (size_t)used, "%s%s", i ? ", " : "", known[i]);
  return to;
}

const hd_field *hd_field_main(const hd_fields *f) {
  for (int i = 0; f && i < f->count; i++)
    if (f->field[i].main) return &f->field[i];
  return NULL;
}

static size_t size_of(hd_field_kind kind) {
  switch (kind) {
    case HD_FIELD_INT:
    case HD_FIELD_CHOICE: return sizeof(int);
    case HD_FIELD_INT64: return sizeof(int64_t);
    case HD_FIELD_REAL: return sizeof(float);
    case HD_FIELD_BOOL: return sizeof(bool);
    case HD_FIELD_TEXT: return sizeof(char *);
    case HD_FIELD_INIT: return sizeof(hd_init);
    case HD_FIELD_LIST: break;
  }
  return 0;
}

typedef struct reading {
  const hd_reader *r;
  const hd_fields *fields;
  const hd_field *field;
} reading;

static hd_status wrong(const reading *x, const hd_doc *doc, const char *wanted) {
  return hd_reader_fail(x->r, doc, "%s: %s must be %s, not %s", x->fields->name, x->field->name,
                        wanted, hd_doc_what(doc));
}

static hd_status read_number(const reading *x, const hd_doc *doc, bool whole, double *to) {
  const hd_field *f = x->field;
  char text[40];
  if (doc->kind != HD_DOC_INT && (whole || doc->kind != HD_DOC_REAL))
    return wrong(x, doc, whole ? "a whole number" : "a number");
  double v = doc->real, standard;
  if (!isfinite(v)) return wrong(x, doc, "a finite number");
  const char *written = doc->text ? doc->text : (hd_print(text, sizeof text, "%.9g", v), text);
#ifndef HADAL_PLANT_RECIPE  // tools/fuzz --planted leaves this out: the fuzzer must notice
  if ((f->low != 0 || f->high != 0) && (v < f->low || v > f->high))
    return hd_reader_fail(x->r, doc, "%s: %s is %s, must be %s %g", x->fields->name, f->name,
                          written, v < f->low ? "at least" : "at most",
                          v < f->low ? f->low : f->high);
#endif
  if (v == 0 && hd_parse_real(f->standard, f->standard + strlen(f->standard), &standard) &&
      standard != 0)
    return hd_reader_fail(x->r, doc, "%s: %s cannot be 0, which stands for the default, %s",
                          x->fields->name, f->name, f->standard);
  if (!whole && v != 0 && !(fabs(v) >= FLT_MIN && fabs(v) <= FLT_MAX))
    return hd_reader_fail(x->r, doc, "%s: %s is %s, beyond the range of float", x->fields->name,
                          f->name, written);
  if (whole && x->field->kind == HD_FIELD_INT && (v < INT32_MIN || v > INT32_MAX))
    return wrong(x, doc, "a smaller number");
  *to = v;
  return HD_OK;
}

static hd_status read_choice(const reading *x, const hd_doc *doc, const char *const *choices,
                             int *to) {
  char text[400];
  int count = 0;
  while (choices[count]) count++;
  if (doc->kind != HD_DOC_TEXT) return wrong(x, doc, "one of its words");
  for (int i = 0; i < count; i++)
    if (!strcmp(choices[i], doc->text)) return *to = i, HD_OK;
  return hd_reader_fail(x->r, doc, "%s: unknown %s \"%.80s\"%s", x->fields->name, x->field->name,
                        doc->text, hd_suggest(doc->text, choices, count, text, sizeof text));
}

// he_normal, {constant: 0.1}, {uniform: [-1, 1]}, {normal: [0, 0.01]}
static hd_status read_init(const reading *x, const hd_doc *doc, hd_init *to) {
  const hd_doc *value = NULL;
  hd_doc word = *doc;
  if (doc->kind == HD_DOC_MAP && doc->count == 1)
    value = doc->first, word.kind = HD_DOC_TEXT, word.text = value->key;
  int kind = 0;
  hd_status status = read_choice(x, &word, hd_init_names, &kind);
  if (status) return status;
  int wanted = hd_init_numbers(kind);
  double v[2] = {0, 0};
  const hd_doc *at = value && value->kind == HD_DOC_LIST ? value->first : value;
  int count = 0;
  for (; at && count < 2; at = value->kind == HD_DOC_LIST ? at->next : NULL, count++) {
    if ((at->kind != HD_DOC_INT && at->kind != HD_DOC_REAL) || !(fabs(at->real) < 1e30))
      return wrong(x, at, "made of numbers");
    v[count] = at->real;
  }
  if (count != wanted || at)
    return hd_reader_fail(x->r, doc, "%s: %s %s takes %s", x->fields->name, x->field->name,
                          hd_init_names[kind],
                          wanted == 0          ? "no numbers"
                          : wanted == 1        ? "one number, {constant: 0.1}"
                          : kind == HD_UNIFORM ? "two numbers, {uniform: [low, high]}"
                          : kind == HD_SPARSE ? "two numbers, {sparse: [weights a unit, deviation]}"
                                              : "two numbers, {normal: [mean, deviation]}");
  if (kind == HD_SPARSE && !(v[0] >= 1 && v[1] > 0))
    return wrong(x, doc, "{sparse: [weights a unit, at least 1; deviation, above 0]}");
  *to = (hd_init){(hd_init_kind)kind, (float)v[0], (float)v[1]};
  return HD_OK;
}

static hd_status read_one(const reading *x, const hd_doc *doc, char *to) {
  const hd_field *f = x->field;
  double v = 0;
  int choice = 0;
  hd_status status = HD_OK;
  switch (f->kind) {
    case HD_FIELD_INT:
      if (!(status = read_number(x, doc, true, &v))) memcpy(to, &(int){(int)v}, sizeof(int));
      return status;
    case HD_FIELD_INT64:
      if (!(status = read_number(x, doc, true, &v))) memcpy(to, &doc->integer, sizeof(int64_t));
      return status;
    case HD_FIELD_REAL:
      if (!(status = read_number(x, doc, false, &v))) memcpy(to, &(float){(float)v}, sizeof(float));
      return status;
    case HD_FIELD_BOOL:
      if (doc->kind != HD_DOC_BOOL) return wrong(x, doc, "true or false");
      memcpy(to, &(bool){doc->integer != 0}, sizeof(bool));
      return HD_OK;
    case HD_FIELD_TEXT:
      if (doc->kind != HD_DOC_TEXT) return wrong(x, doc, "a word");
      if (!*doc->text || strlen(doc->text) > 4096)
        return hd_reader_fail(x->r, doc, "%s: %s is empty, or longer than 4096 bytes",
                              x->fields->name, f->name);
      const char *copy = hd_arena_text(x->r->arena, doc->text);
      if (!copy) return hd_fail(x->r->err, HD_E_MEMORY, "%s: memory is out", x->r->name);
      memcpy(to, &copy, sizeof copy);
      return HD_OK;
    case HD_FIELD_CHOICE:
      if (!(status = read_choice(x, doc, f->choices, &choice))) memcpy(to, &choice, sizeof choice);
      return status;
    case HD_FIELD_INIT: {
      hd_init init = {HD_INIT_DEFAULT, 0, 0};
      if (!(status = read_init(x, doc, &init))) memcpy(to, &init, sizeof init);
      return status;
    }
    case HD_FIELD_LIST: break;
  }
  return HD_OK;
}

// A scalar fills an array of up to four; longer ones are lists that end at a zero.
static hd_status read_field(const reading *x, const hd_doc *doc, void *options) {
  const hd_field *f = x->field;
  char *to = (char *)options + f->offset;
  size_t size = size_of(f->kind);
  hd_status status = HD_OK;
  if (f->kind == HD_FIELD_LIST) return HD_OK;
  if (f->count == 1) return read_one(x, doc, to);
  bool open = f->count > 4;
  if (doc->kind != HD_DOC_LIST) {
    for (int i = 0; i < (open ? 1 : f->count) && !status; i++)
      status = read_one(x, doc, to + size * (size_t)i);
    return status;
  }
  if (doc->count < 1 || doc->count > f->count || (!open && doc->count != f->count))
    return hd_reader_fail(x->r, doc, "%s: %s takes %s%d values, not %d", x->fields->name, f->name,
                          open ? "1 to " : "one value or ", f->count, doc->count);
  for (const hd_doc *child = doc->first; child && !status; child = child->next, to += size)
    status = read_one(x, child, to);
  return status;
}

static hd_status unknown(const hd_reader *r, const hd_fields *f, const hd_doc *at,
                         const char *word) {
  const char *names[64];
  char text[600];
  int count = 0;
  for (; count < f->count && count < 64; count++) names[count] = f->field[count].name;
  return hd_reader_fail(r, at, "%s: unknown field \"%.80s\"%s", f->name, word,
                        hd_suggest(word, names, count, text, sizeof text));
}

static const hd_field *find(const hd_fields *f, const char *name) {
  for (int i = 0; i < f->count; i++)
    if (!strcmp(f->field[i].name, name)) return &f->field[i];
  return NULL;
}

static bool zero(const char *at, size_t size) {
  while (size > 0 && at[size - 1] == 0) size--;
  return size == 0;
}

hd_status hd_fields_read(const hd_reader *r, const hd_fields *f, const hd_doc *doc, void *options) {
  hd_status status = HD_OK;
  const hd_field *main = hd_field_main(f);
  if (doc && doc->kind == HD_DOC_MAP) {
    for (const hd_doc *child = doc->first; child && !status; child = child->next) {
      reading x = {r, f, find(f, child->key)};
      status = x.field ? read_field(&x, child, options) : unknown(r, f, child, child->key);
    }
  } else if (doc && doc->kind != HD_DOC_NULL) {
    if (!main)
      return hd_reader_fail(r, doc, "%s: takes a map of fields, not %s", f->name, hd_doc_what(doc));
    status = read_field(&(reading){r, f, main}, doc, options);
  }
  for (int i = 0; i < f->count && !status; i++) {
    const hd_field *field = &f->field[i];
    if (!*field->standard && field->kind != HD_FIELD_LIST &&
        zero((char *)options + field->offset, size_of(field->kind)))
      status = hd_reader_fail(r, doc, "%s: %s is missing: %s", f->name, field->name, field->help);
  }
  return status;
}

hd_doc *hd_doc_of_text(hd_arena *arena, const char *text) {
  hd_doc *doc = NULL;
  if (!hd_json_parse(arena, "value", text, strlen(text), &doc, NULL)) return doc;
  doc = hd_doc_new(arena, NULL, NULL, HD_DOC_TEXT);
  return doc && (doc->text = hd_arena_text(arena, text)) ? doc : NULL;
}

hd_status hd_fields_set(const hd_fields *f, hd_arena *arena, const char *text, void *options,
                        hd_error *err) {
  const char *equal = strchr(text, '=');
  hd_reader r = {.name = f->name, .arena = arena, .err = err};
  if (!equal || equal == text)
    return hd_fail(err, HD_E_ARGUMENT, "\"%.200s\": give name=value", text);
  char name[64];
  hd_print(name, sizeof name, "%.*s", (int)HD_MIN(equal - text, 63), text);
  reading x = {&r, f, find(f, name)};
  if (!x.field) return unknown(&r, f, NULL, name);
  hd_doc *doc = hd_doc_of_text(arena, equal + 1);
  if (!doc) return hd_fail(err, HD_E_MEMORY, "%s: memory is out", f->name);
  doc->line = 0;
  return read_field(&x, doc, options);
}
