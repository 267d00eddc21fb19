// --set: one value of a document replaced before it is checked. "train.epochs=3" follows names and,
// within lists, numbers from 0; "model.7.dense.units=100" and "train.optimizer.adam.lr=0.01" also
// where the recipe has the short forms `dense: 120` and `optimizer: adam`.
#include "../../include/hadal/train.h"
#include "../nn/loss.h"
#include "fields.h"

static void replace(hd_doc *to, const hd_doc *by, int line) {
  hd_doc *next = to->next;
  const char *key = to->key;
  *to = *by;
  to->next = next, to->key = key, to->line = line;
}

// The main field's name of what a short form names, or NULL.
static const char *main_of(const char *word) {
  const hd_layer *layer = hd_layer_find(word);
  const hd_optimizer_rule *rule = hd_optimizer_find(word);
  const hd_loss *loss = hd_loss_find(word);
  const hd_field *main = hd_field_main(layer  ? layer->fields
                                       : rule ? hd_optimizer_fields(rule)
                                       : loss ? loss->fields
                                              : NULL);
  if (!strcmp(word, "data")) return "name";
  return main ? main->name : NULL;
}

// Makes a map of what `doc` holds, so that `key` can be a name within it.
static hd_status open_map(const hd_reader *r, hd_doc *doc, const char *key) {
  hd_doc map = {.kind = HD_DOC_MAP, .line = doc->line}, *inner = NULL;
  const char *main = doc->key ? main_of(doc->key) : NULL;
  if (doc->kind == HD_DOC_TEXT && !strcmp(doc->text, key)) {  // optimizer: adam -> {adam: null}
    inner = hd_doc_new(r->arena, &map, key, HD_DOC_NULL);
  } else if (doc->kind == HD_DOC_NULL ||
             (doc->key && (!strcmp(doc->key, "optimizer") || !strcmp(doc->key, "schedule") ||
                           !strcmp(doc->key, "loss")))) {
    inner = hd_doc_new(r->arena, &map, key, HD_DOC_NULL);  // another choice
  } else if (main && strcmp(main, key)) {                  // dense: 120 -> {units: 120, ...}
    inner = hd_doc_copy(r->arena, &map, main, doc);
  } else {
    inner = hd_doc_new(r->arena, &map, key, HD_DOC_NULL);
  }
  if (!inner) return hd_fail(r->err, HD_E_MEMORY, "%s: memory is out", r->name);
  replace(doc, &map, doc->line);
  return HD_OK;
}

static hd_doc *number(hd_doc *list, int64_t n) {
  hd_doc *child = list->first;
  while (child && n-- > 0) child = child->next;
  return child;
}

// The child of that name, made if there is none.
static hd_status step(const hd_reader *r, hd_doc **at, const char *key, const hd_doc *where) {
  hd_doc *doc = *at;
  int64_t n;
  if (doc->kind == HD_DOC_LIST) {
    if (!hd_parse_int(key, key + strlen(key), &n) || n < 0 || n >= doc->count)
      return hd_reader_fail(r, where, "\"%s\": the list has %d entries, numbered from 0", key,
                            doc->count);
    *at = number(doc, n);
    return HD_OK;
  }
  bool single = doc->key && (!strcmp(doc->key, "optimizer") || !strcmp(doc->key, "schedule"));
  bool holds = doc->kind == HD_DOC_MAP && hd_doc_get(doc, key);
  if (doc->kind == HD_DOC_MAP && single && !holds)
    doc->first = NULL, doc->count = 0;  // another optimiser
  bool scalar = doc->kind != HD_DOC_MAP;
  const char *was = doc->kind == HD_DOC_TEXT ? doc->text : hd_doc_what(doc);
  if (scalar && !doc->key && strcmp(was, key))
    return hd_reader_fail(r, where, "\"%s\": that layer is %s", key, was);
  if (doc->kind == HD_DOC_MAP && !doc->key && doc->first && !holds && where->line != doc->line &&
      doc->count == 1 && hd_layer_find(doc->first->key))
    return hd_reader_fail(r, where, "\"%s\": that layer is %s", key, doc->first->key);
  hd_status status = scalar ? open_map(r, doc, key) : HD_OK;
  if (status) return status;
  hd_doc *child = hd_doc_get(doc, key);
  if (!child) child = hd_doc_new(r->arena, doc, key, HD_DOC_NULL);
  if (!child) return hd_fail(r->err, HD_E_MEMORY, "%s: memory is out", r->name);
  if (child->kind == HD_DOC_NULL) child->line = where->line;
  *at = child;
  return HD_OK;
}

// Everything within a value stands where the value does.
static void place(hd_doc *doc, int line) {
  doc->line = line;
  for (hd_doc *child = doc->first; child; child = child->next) place(child, line);
}

hd_status hd_doc_override(const hd_reader *r, hd_doc *doc, int set) {
  const char *text = r->sets[set], *equal = strchr(text, '=');
  hd_doc where = {.line = -1 - set};
  if (!equal || equal == text)
    return hd_reader_fail(r, &where, "give a path and a value, such as train.epochs=3");
  if (doc->kind != HD_DOC_MAP)
    return hd_reader_fail(r, doc, "a recipe is a map with data, model and train, not %s",
                          hd_doc_what(doc));
  char *path = hd_arena_text(r->arena, text);
  hd_doc *value = hd_doc_of_text(r->arena, equal + 1);
  if (!path || !value) return hd_fail(r->err, HD_E_MEMORY, "%s: memory is out", r->name);
  path[equal - text] = 0;
  hd_status status = HD_OK;
  int depth = 0;
  for (char *name = path, *dot; name && !status; name = dot) {
    dot = strchr(name, '.');
    if (dot) *dot++ = 0;
    if (!*name || ++depth > 16)
      return hd_reader_fail(r, &where, "the path has an empty name, or more than 16");
    status = step(r, &doc, name, &where);
  }
  if (!status) place(value, where.line), replace(doc, value, where.line);
  return status;
}
