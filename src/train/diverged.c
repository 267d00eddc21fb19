// Where did the NaN come from? The step is run again, forward only, with every value kept; weights
// were not updated by it, since hd_minimize lets no step pass whose loss is not finite.
#include <math.h>

#include "feed.h"

static bool finite_all(const void *p, const hd_type *t) {
  for (int64_t i = 0, n = hd_shape_count(t->shape); i < n; i++)
    if (!isfinite(t->dtype == HD_F64 ? ((const double *)p)[i] : ((const float *)p)[i]))
      return false;
  return true;
}

static bool real(const hd_node *n) {
  return n->out[0].dtype == HD_F32 || n->out[0].dtype == HD_F64;
}

static void describe(const hd_node *n, char *to, size_t size) {
  if (n->leaf == HD_LEAF_VARIABLE)
    hd_print(to, size,
             "parameter \"%s\" is not finite: an earlier step or the file it came from made it so",
             n->variable->name);
  else if (n->leaf == HD_LEAF_INPUT)
    hd_print(to, size, "the data of input \"%s\" is not finite", n->name);
  else if (n->leaf) hd_print(to, size, "a constant is not finite");
  else
    hd_print(to, size, "the first value that is not finite is the result of %s%s%s", n->op->name,
             n->scope ? " in layer " : "",
             n->scope ? n->scope->name ? n->scope->name : n->scope->kind : "");
}

hd_status hd_explain_divergence(hd_store *store, hd_val loss, const hd_feed *at, const char *where,
                                hd_error *err) {
  hd_graph *g = loss.graph;
  const hd_env *env = &store->env;
  char text[400] = "no layer could be found";
  bool labels = false;
  int32_t *order = hd_alloc_raw(env, sizeof *order * (size_t)g->count), count = 0;
  uint8_t *seen = hd_alloc(env, (size_t)g->count);
  hd_val *value = hd_alloc(env, sizeof *value * (size_t)g->count);
  hd_plan *plan = NULL;
  hd_workspace *w = NULL;
  int values = 0;
  if (order && seen && value && !hd_walk(g, loss, order, &count, seen)) {
    for (int32_t i = 0; i < count; i++)
      if (real(g->node[order[i]])) value[values++] = (hd_val){g, order[i], 0};
    plan = hd_compile(store, NULL, .more = value, .mores = values, .mode = HD_TRAIN,
                      .batch = at->batch, .no_statistics = true, .no_fusion = true,
                      .precision = at->plan->precision);
    w = plan ? hd_workspace_new(plan, NULL, NULL) : NULL;
  }
  if (w) {
    for (int i = 0; i < plan->inputs; i++) {
      const void *from = hd_workspace_input(at->workspace, plan->input[i].name, NULL);
      if (from)
        memcpy(hd_workspace_input(w, plan->input[i].name, NULL), from,
               (size_t)hd_type_bytes(&plan->input[i].type));
    }
    hd_workspace_sample(w, at->first);
    store->step--;  // the same random numbers
    if (!hd_run(w, NULL))
      for (int i = 0; i < values; i++) {
        hd_type t;
        const void *p = hd_workspace_fetch(w, i, &t);
        if (finite_all(p, &t)) continue;
        describe(g->node[value[i].node], text, sizeof text);
        const hd_op *op = g->node[value[i].node]->op;
        labels = op && !strncmp(op->name, "cross_entropy", 13);
        break;
      }
    store->step++;
  }
  hd_workspace_free(w);
  hd_plan_free(plan);
  hd_release(env, value);
  hd_release(env, seen);
  hd_release(env, order);
  return hd_fail(err, HD_E_DIVERGED,
                 "%s: the loss is not finite; %s. The weights are those before this step; %stry a "
                 "smaller learning rate",
                 where, text, labels ? "look for labels that are none of the classes, or " : "");
}
