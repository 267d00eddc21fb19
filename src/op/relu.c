// y = max(x, 0)
#include "op.h"

HD_REF(relu) {
  (void)part;
  const real *x = a->in[0];
  real *y = a->out[0];
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++)
    y[i] = x[i] > 0 ? x[i] : x[i] != x[i] ? x[i] : 0;
}

#ifndef HD_REF64
static int expand(hd_expand *e, const void *attr, const int *in) {
  (void)attr;
  return hd_expand_tile(e, HD_TILE_relu, in[0], -1, -1);
}

static void grad(hd_grad_rule *g) {
  hd_val y = g->rule->result[0], zero = hd_scalar_like(y, 0);
  g->dx[0] = hd_select(hd_greater(y, zero), g->dy[0], zero);
}

static const hd_case cases[] = {{.in = {{HD_F32, {1, {7}}}}},
                                {.in = {{HD_F32, {3, {3, 5, 2}}}}},
                                {.in = {{HD_I32, {1, {4}}}}, .refuse = "f32 or f64"},
                                {0}};

const hd_op hd_def_relu = {.name = "relu",
                           .onnx = "Relu",
                           .math = "y = max(x, 0)",
                           .min_in = 1,
                           .max_in = 1,
                           .n_out = 1,
                           .shape = hd_rule_same,
                           HD_REFS(relu),
                           .grad = grad,
                           .expand = expand,
                           .cases = cases,
                           .kink = "x = 0: gradient 0"};

hd_val hd_relu(hd_val x) { return hd_node_add(&hd_def_relu, NULL, &x, 1); }
#endif
