// y = max(a, b)
#include "op.h"

HD_REF(maximum) {
  (void)part;
  const hd_shape s = a->out_type->shape, *u = &a->in_type[0].shape, *v = &a->in_type[1].shape;
  const real *p = a->in[0], *q = a->in[1];
  real *y = a->out[0];
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++) {
    real x = p[hd_broadcast_offset(s, *u, i)], w = q[hd_broadcast_offset(s, *v, i)];
    y[i] = x > w || x != x ? x : w;
  }
}

#ifndef HD_REF64
static int expand(hd_expand *e, const void *attr, const int *in) {
  (void)attr;
  return hd_expand_tile(e, HD_TILE_max, in[0], in[1], -1);
}

static void grad(hd_grad_rule *g) {
  hd_val a = g->rule->value[0], b = g->rule->value[1], dy = g->dy[0];
  hd_val zero = hd_scalar_like(dy, 0), first = hd_greater_equal(a, b);
  if (g->want[0]) g->dx[0] = hd_sum_like(hd_select(first, dy, zero), a);
  if (g->want[1]) g->dx[1] = hd_sum_like(hd_select(first, zero, dy), b);
}

static const hd_case cases[] = {
    {.in = {{HD_F32, {0}}, {HD_F32, {0}}}, .fill = {HD_FILL_DISTINCT, HD_FILL_DISTINCT}},
    {.in = {{HD_F32, {2, {3, 5}}}, {HD_F32, {2, {3, 5}}}},
     .fill = {HD_FILL_DISTINCT, HD_FILL_DISTINCT}},
    {.in = {{HD_F32, {2, {3, 5}}}, {HD_F32, {1, {5}}}},
     .fill = {HD_FILL_DISTINCT, HD_FILL_DISTINCT}},
    {.in = {{HD_F32, {0}}, {HD_F32, {3, {2, 1, 3}}}}, .fill = {HD_FILL_DISTINCT, HD_FILL_DISTINCT}},
    {.in = {{HD_F32, {2, {4, 1}}}, {HD_F32, {2, {1, 3}}}},
     .fill = {HD_FILL_DISTINCT, HD_FILL_DISTINCT}},
    {.in = {{HD_F32, {3, {1, 3, 1}}}, {HD_F32, {2, {1, 7}}}},
     .fill = {HD_FILL_DISTINCT, HD_FILL_DISTINCT}},
    {.in = {{HD_F32, {2, {2, 3}}}, {HD_F32, {2, {3, 3}}}},
     .refuse = "shapes (2, 3) and (3, 3) do not broadcast"},
    {.in = {{HD_F32, {1, {3}}}, {HD_I32, {1, {3}}}}, .refuse = "use hd_cast"},
    {0}};

const hd_op hd_def_maximum = {.name = "maximum",
                              .onnx = "Max",
                              .math = "y = max(a, b)",
                              .min_in = 2,
                              .max_in = 2,
                              .n_out = 1,
                              .shape = hd_rule_broadcast,
                              HD_REFS(maximum),
                              .grad = grad,
                              .expand = expand,
                              .cases = cases,
                              .kink = "a = b: the gradient goes to a"};

hd_val hd_maximum(hd_val a, hd_val b) {
  return hd_node_add(&hd_def_maximum, NULL, (hd_val[]){a, b}, 2);
}
#endif
