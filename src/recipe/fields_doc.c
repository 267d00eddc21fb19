// Options structs back to documents.
#include "fields.h"

// The double of the fewest digits that gives this float: 0.001, not 0.0010000000474974513.
static double short_real(float value) {
  char text[40];
  double back = (double)value;
  for (int digits = 6; digits <= 9; digits++) {
    int length = hd_print(text, sizeof text, "%.*g", digits, (double)value);
    if (hd_parse_real(text, text + length, &back) && (float)back == value) break;
  }
  return back;
}

static hd_doc *add_init(hd_arena *arena, hd_doc *to, const char *key, const hd_init *init) {
  const char *name = hd_init_names[init->kind];
  if (!hd_init_numbers(init->kind)) return hd_doc_text(arena, to, key, name);
  hd_doc *map = hd_doc_new(arena, to, key, HD_DOC_MAP);
  if (!map) return NULL;
  if (init->kind == HD_CONSTANT) return hd_doc_real(arena, map, name, short_real(init->a));
  hd_doc *pair = hd_doc_new(arena, map, name, HD_DOC_LIST);
  if (!pair || !hd_doc_real(arena, pair, NULL, short_real(init->a))) return NULL;
  return hd_doc_real(arena, pair, NULL, short_real(init->b));
}

static hd_doc *add_one(hd_arena *arena, const hd_field *f, const char *from, hd_doc *to,
                       const char *key) {
  int i;
  int64_t l;
  float r;
  bool b;
  const char *t;
  hd_init init;
  switch (f->kind) {
    case HD_FIELD_INT: return memcpy(&i, from, sizeof i), hd_doc_int(arena, to, key, i);
    case HD_FIELD_INT64: return memcpy(&l, from, sizeof l), hd_doc_int(arena, to, key, l);
    case HD_FIELD_REAL:
      return memcpy(&r, from, sizeof r), hd_doc_real(arena, to, key, short_real(r));
    case HD_FIELD_BOOL: return memcpy(&b, from, sizeof b), hd_doc_bool(arena, to, key, b);
    case HD_FIELD_TEXT: return memcpy(&t, from, sizeof t), hd_doc_text(arena, to, key, t ? t : "");
    case HD_FIELD_CHOICE:
      return memcpy(&i, from, sizeof i), hd_doc_text(arena, to, key, f->choices[i]);
    case HD_FIELD_INIT: return memcpy(&init, from, sizeof init), add_init(arena, to, key, &init);
    case HD_FIELD_LIST: break;
  }
  return to;
}

static size_t size_of(const hd_field *f) {
  switch (f->kind) {
    case HD_FIELD_INT64: return sizeof(int64_t);
    case HD_FIELD_REAL: return sizeof(float);
    case HD_FIELD_BOOL: return sizeof(bool);
    case HD_FIELD_TEXT: return sizeof(char *);
    case HD_FIELD_INIT: return sizeof(hd_init);
    default: return sizeof(int);
  }
}

static bool add_array(hd_arena *arena, const hd_field *f, const char *from, hd_doc *to) {
  size_t size = size_of(f);
  int count = f->count;
  bool same = count <= 4;
  for (int i = 1; i < count && same; i++) same = !memcmp(from, from + size * (size_t)i, size);
  if (same) return add_one(arena, f, from, to, f->name);
  if (f->count > 4)  // an open list ends at a zero
    for (count = 0; count < f->count && memcmp(from + size * (size_t)count, &(int64_t){0}, size);)
      count++;
  hd_doc *list = hd_doc_new(arena, to, f->name, HD_DOC_LIST);
  for (int i = 0; i < count && list; i++)
    if (!add_one(arena, f, from + size * (size_t)i, list, NULL)) return false;
  return list;
}

// A default that is a value: a number, a truth or one of the words; others ("of the layer") are
// left out.
static bool add_standard(hd_arena *arena, const hd_field *f, hd_doc *to) {
  double v;
  int64_t n;
  const char *text = f->standard, *end = text + strlen(text);
  if (f->kind == HD_FIELD_BOOL) return hd_doc_bool(arena, to, f->name, !strcmp(text, "true"));
  if ((f->kind == HD_FIELD_INT || f->kind == HD_FIELD_INT64) && hd_parse_int(text, end, &n))
    return hd_doc_int(arena, to, f->name, n);
  if (f->kind == HD_FIELD_REAL && hd_parse_real(text, end, &v))
    return hd_doc_real(arena, to, f->name, v);
  if (f->kind == HD_FIELD_CHOICE) return hd_doc_text(arena, to, f->name, text);
  return true;
}

bool hd_fields_doc(hd_arena *arena, const hd_fields *fields, const void *options, bool all,
                   hd_doc *to) {
  static const char zeros[64];
  for (int i = 0; i < fields->count; i++) {
    const hd_field *f = &fields->field[i];
    const char *from = (const char *)options + f->offset;
    if (f->kind == HD_FIELD_LIST) continue;
    size_t size = size_of(f) * (size_t)f->count;
    if (size > sizeof zeros) continue;
    bool given = memcmp(from, zeros, size) != 0;
    if (!given && !all) continue;
    if (!(given ? f->count > 1 ? add_array(arena, f, from, to)
                               : add_one(arena, f, from, to, f->name) != NULL
                : add_standard(arena, f, to)))
      return false;
  }
  return true;
}
