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

// ---- Differences --------------------------------------------------------------------------------

static bool same_value(const hd_doc *a, const hd_doc *b) {
  bool numbers = (a->kind == HD_DOC_INT || a->kind == HD_DOC_REAL) &&
                 (b->kind == HD_DOC_INT || b->kind == HD_DOC_REAL);
  if (numbers && (a->kind != b->kind || a->kind == HD_DOC_REAL)) return a->real == b->real;
  if (a->kind != b->kind) return false;
  if (a->kind == HD_DOC_TEXT) return !strcmp(a->text, b->text);
  return a->integer == b->integer;
}

// One line, cut short; "not there".
static void show(const hd_env *env, const hd_doc *doc, char *to, size_t size) {
  hd_text text = {.env = *env};
  if (doc) hd_json_write(&text, doc, -1);
  hd_print(to, size, "%s", !doc ? "not there" : text.failed || !text.at ? "?" : text.at);
  if (text.size >= size) memcpy(to + size - 4, "...", 4);
  hd_text_free(&text);
}

static bool differs(const hd_env *env, const hd_doc *a, const hd_doc *b, const char *path, char *to,
                    size_t size) {
  bool both = a && b && a->kind == b->kind;
  bool maps = both && a->kind == HD_DOC_MAP, lists = both && a->kind == HD_DOC_LIST;
  if (a && b && a->kind < HD_DOC_LIST && same_value(a, b)) return false;
  if (!maps && !lists) {
    char was[80], now[80];
    show(env, a, was, sizeof was);
    show(env, b, now, sizeof now);
    hd_print(to, size, "%s was %s, now %s", *path ? path : "it", was, now);
    return true;
  }
  const hd_doc *x = a->first, *y = b->first;
  for (int i = 0; x || y; i++, x = x ? x->next : NULL, y = y ? y->next : NULL) {
    char inner[300], number[16];
    const hd_doc *was = x, *now = y;
    hd_print(number, sizeof number, "%d", i);
    if (maps && x && y && strcmp(x->key, y->key)) {
      if (!hd_doc_get(b, x->key)) now = NULL;
      else if (!hd_doc_get(a, y->key)) was = NULL;
      else
        return hd_print(to, size, "%s%s%s comes later now, after %s", path, *path ? "." : "",
                        x->key, y->key),
               true;
    }
    hd_print(inner, sizeof inner, "%s%s%s", path, *path ? "." : "",
             lists ? number
             : was ? was->key
                   : now->key);
    if (differs(env, was, now, inner, to, size)) return true;
  }
  return false;
}

bool hd_doc_differs(const hd_env *env, const hd_doc *was, const hd_doc *now, char *to,
                    size_t size) {
  return differs(env, was, now, "", to, size);
}
