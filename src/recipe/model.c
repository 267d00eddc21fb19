// Model files: a network's recipe in the metadata of its weights, and a model from such a file.
#include "recipe.h"

#define KEY "hadal.recipe"

char *hd_recipe_header(const hd_env *env, const hd_recipe *r, const hd_signature *s) {
  hd_arena arena = {.env = env ? *env : (hd_env){0}};
  hd_text text = {.env = arena.env};
  hd_doc *doc = hd_recipe_doc(&arena, r, false);
  if (doc && hd_doc_int(&arena, doc, "version", 1) && hd_signature_doc(&arena, s, doc))
    hd_json_write(&text, doc, -1);
  else text.failed = true;
  hd_arena_free(&arena);
  if (!text.failed) return text.at;
  hd_text_free(&text);
  return NULL;
}

// Everything that the network needs is in the file, and nothing else.
static hd_status check_store(const char *path, hd_model *m, const hd_tensors *file, hd_error *err) {
  hd_graph *g = m->graph;
  hd_status status = hd_name_walk(g, &m->network.answer, 1);
  int known = 0;
  char a[96], b[96];
  for (int i = 1; i < g->count && !status; i++) {
    const hd_variable_info *v = g->node[i]->variable;
    if (!v) continue;
    const hd_parameter *p = hd_store_find(m->store, v->name);
    if (!p) return hd_fail(err, HD_E_FORMAT, "%s: \"%s\" of the network is missing", path, v->name);
    if (p->type.dtype != v->type.dtype || !hd_shape_equal(p->type.shape, v->type.shape))
      return hd_fail(err, HD_E_FORMAT, "%s: \"%s\" is %s %s, the network wants %s %s", path,
                     v->name, hd_dtype_name(p->type.dtype),
                     hd_shape_text(p->type.shape, a, sizeof a), hd_dtype_name(v->type.dtype),
                     hd_shape_text(v->type.shape, b, sizeof b));
    known++;
  }
  if (!status && known != hd_tensors_count(file))
    return hd_fail(err, HD_E_FORMAT, "%s: %d tensors; the network has %d", path,
                   hd_tensors_count(file), known);
  return status ? hd_fail(err, status, "%s: %s", path, hd_graph_error(g)) : HD_OK;
}

hd_status hd_model_open(const hd_env *env, const char *path, hd_model *to, hd_error *err) {
  *to = (hd_model){0};
  hd_tensors *file = hd_tensors_open(env, path, err);
  if (!file) return err && err->status ? err->status : HD_E_FORMAT;
  const char *header = hd_tensors_meta(file, KEY);
  hd_status status =
      header ? HD_OK
             : hd_fail(err, HD_E_FORMAT,
                       "%s: holds weights but no network (no \"" KEY "\" in its metadata)", path);
  if (!status) {
    to->recipe = hd_recipe_parse(env, path, header, strlen(header), err);
    to->graph = hd_graph_new(env);
    to->store = hd_store_new(env);
    if (!to->recipe) status = err && err->status ? err->status : HD_E_FORMAT;
    else if (!to->graph || !to->store)
      status = hd_fail(err, HD_E_MEMORY, "%s: memory is out", path);
    else if (*hd_store_error(to->store))
      status = hd_fail(err, HD_E_ARGUMENT, "%s", hd_store_error(to->store));
  }
  if (!status) status = hd_recipe_signature(to->recipe, &to->signature, err);
  if (!status) status = hd_recipe_build(to->recipe, &to->signature, to->graph, &to->network, err);
  if (!status) status = hd_load_tensors(to->store, file, err);
  if (!status) status = check_store(path, to, file, err);
  hd_tensors_free(file);
  if (status) hd_model_close(to);
  return status;
}

void hd_model_close(hd_model *m) {
  if (!m) return;
  hd_graph_free(m->graph);
  hd_store_free(m->store);
  hd_recipe_free(m->recipe);
  *m = (hd_model){0};
}
