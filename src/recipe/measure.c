// What a layer costs: parameters and multiply-adds, from the nodes it made.
#include "recipe.h"

// The type for one sample: the batch is 1.
static hd_type single(hd_type t) {
  for (int i = 0; i < t.shape.rank; i++)
    if (t.shape.d[i] < 0) t.shape.d[i] = 1;
  return t;
}

static double multiply_adds(const hd_graph *g, const hd_node *n) {
  bool product = !strcmp(n->op->name, "matmul") || !strcmp(n->op->name, "conv2d");
  if (!product || !n->op->cost) return 0;
  hd_type in[HD_MAX_IN], out[HD_MAX_OUT];
  for (int i = 0; i < n->n_in; i++) in[i] = single(*hd_type_of(n->in[i]));
  for (int i = 0; i < n->n_out; i++) out[i] = single(n->out[i]);
  hd_rule rule = {.graph = (hd_graph *)g,
                  .op = n->op,
                  .attr = n->attr,
                  .n_in = n->n_in,
                  .n_out = n->n_out,
                  .in = in,
                  .out = out};
  double flop = 0;
  n->op->cost(&rule, &flop);
  return flop / 2;
}

void hd_layer_measure(const hd_graph *g, int32_t first, int32_t last, hd_layer_cost *to) {
  *to = (hd_layer_cost){0};
  for (int32_t i = first; i < last && i < g->count; i++) {
    const hd_node *n = g->node[i];
    if (n->variable && n->variable->role == HD_WEIGHT) {
      int64_t count = hd_shape_count(n->out[0].shape);
      to->parameters += count;
      if (!n->variable->frozen) to->trainable += count;
    }
    if (!n->op) continue;
    to->multiply_adds += multiply_adds(g, n);
    to->type = n->out[0];
    if (n->scope) to->name = n->scope->name;
    hd_type t = single(n->out[0]);
    if (!n->op->alias) to->bytes += hd_shape_count(t.shape) * (int64_t)hd_dtype_size(t.dtype);
  }
}
