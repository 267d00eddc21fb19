// y = -x
#include "op.h"

HD_REF(neg) {
  (void)part;
  const real *x = a->in[0];
  real *y = a->out[0];
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++) y[i] = -x[i];
}

#ifndef HD_REF64
static int expand(hd_expand *e, const void *attr, const int *in) {
  (void)attr;
  return hd_expand_tile(e, HD_TILE_neg, in[0], -1, -1);
}

static void grad(hd_grad_rule *g) { g->dx[0] = hd_neg(g->dy[0]); }

static const hd_case cases[] = {
    {.in = {{HD_F32, {0}}}},
    {.in = {{HD_F32, {1, {7}}}}},
    {.in = {{HD_F32, {3, {3, 5, 3}}}}},
    {.in = {{HD_I32, {1, {4}}}}, .refuse = "input 0 is i32, must be f32 or f64; use hd_cast"},
    {0}};

const hd_op hd_def_neg = {.name = "neg",
                          .onnx = "Neg",
                          .math = "y = -x",
                          .min_in = 1,
                          .max_in = 1,
                          .n_out = 1,
                          .shape = hd_rule_same,
                          HD_REFS(neg),
                          .grad = grad,
                          .expand = expand,
                          .cases = cases};

hd_val hd_neg(hd_val x) { return hd_node_add(&hd_def_neg, NULL, &x, 1); }
#endif
