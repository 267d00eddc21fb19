// Documents made by hand: resolved recipes, model headers, --set.
#ifndef RECIPE_DOC_H
#define RECIPE_DOC_H

#include "../base/json.h"

// Each returns NULL when memory is out, and takes a NULL parent as a no-op that returns NULL. key:
// NULL within lists; copied, as texts are.
hd_doc *hd_doc_new(hd_arena *arena, hd_doc *parent, const char *key, hd_doc_kind kind);
hd_doc *hd_doc_text(hd_arena *arena, hd_doc *parent, const char *key, const char *text);
hd_doc *hd_doc_int(hd_arena *arena, hd_doc *parent, const char *key, int64_t value);
hd_doc *hd_doc_real(hd_arena *arena, hd_doc *parent, const char *key, double value);
hd_doc *hd_doc_bool(hd_arena *arena, hd_doc *parent, const char *key, bool value);
// A copy, with its children, as the last child of parent.
hd_doc *hd_doc_copy(hd_arena *arena, hd_doc *parent, const char *key, const hd_doc *of);
// "a number", "a list" ...: for messages.
const char *hd_doc_what(const hd_doc *doc);
// Where two documents first differ: "train.batch was 16, now 32"; false: nowhere.
bool hd_doc_differs(const hd_env *env, const hd_doc *was, const hd_doc *now, char *to, size_t size);
// Block style, with maps and lists of plain values on one line where they are short.
void hd_yaml_write(hd_text *to, const hd_doc *doc);

#endif
