// Documents made by hand.
#include "doc.h"

hd_doc *hd_doc_new(hd_arena *arena, hd_doc *parent, const char *key, hd_doc_kind kind) {
  hd_doc *doc = hd_arena_alloc(arena, sizeof *doc);
  if (!doc) return NULL;
  doc->kind = kind;
  if (key && !(doc->key = hd_arena_text(arena, key))) return NULL;
  if (!parent) return doc;
  hd_doc **last = &parent->first;
  while (*last) last = &(*last)->next;
  *last = doc;
  parent->count++;
  doc->line = parent->line;
  return doc;
}

hd_doc *hd_doc_text(hd_arena *arena, hd_doc *parent, const char *key, const char *text) {
  const char *copy = hd_arena_text(arena, text);
  hd_doc *doc = copy && parent ? hd_doc_new(arena, parent, key, HD_DOC_TEXT) : NULL;
  if (doc) doc->text = copy;
  return doc;
}

hd_doc *hd_doc_int(hd_arena *arena, hd_doc *parent, const char *key, int64_t value) {
  hd_doc *doc = parent ? hd_doc_new(arena, parent, key, HD_DOC_INT) : NULL;
  if (doc) doc->integer = value, doc->real = (double)value;
  return doc;
}

hd_doc *hd_doc_real(hd_arena *arena, hd_doc *parent, const char *key, double value) {
  hd_doc *doc = parent ? hd_doc_new(arena, parent, key, HD_DOC_REAL) : NULL;
  if (doc) doc->real = value;
  return doc;
}

hd_doc *hd_doc_bool(hd_arena *arena, hd_doc *parent, const char *key, bool value) {
  hd_doc *doc = parent ? hd_doc_new(arena, parent, key, HD_DOC_BOOL) : NULL;
  if (doc) doc->integer = value;
  return doc;
}

hd_doc *hd_doc_copy(hd_arena *arena, hd_doc *parent, const char *key, const hd_doc *of) {
  hd_doc *doc = parent && of ? hd_doc_new(arena, parent, key, of->kind) : NULL;
  if (!doc) return NULL;
  if (of->text && !(doc->text = hd_arena_text(arena, of->text))) return NULL;
  doc->integer = of->integer, doc->real = of->real, doc->line = of->line;
  for (const hd_doc *child = of->first; child; child = child->next)
    if (!hd_doc_copy(arena, doc, child->key, child)) return NULL;
  return doc;
}

const char *hd_doc_what(const hd_doc *doc) {
  static const char *const words[] = {"nothing", "true or false", "a whole number", "a number",
                                      "a word",  "a list",        "a map"};
  return words[doc->kind];
}
