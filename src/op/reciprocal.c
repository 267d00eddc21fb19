// y = 1 / x
#include "op.h"

HD_REF(reciprocal) {
  (void)part;
  const real *x = a->in[0];
  real *y = a->out[0];
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++) y[i] = 1 / x[i];
}

#ifndef HD_REF64
static int expand(hd_expand *e, const void *attr, const int *in) {
  (void)attr;
  return hd_expand_tile(e, HD_TILE_recip, in[0], -1, -1);
}

static void grad(hd_grad_rule *g) {
  g->dx[0] = hd_neg(hd_mul(g->dy[0], hd_square(g->rule->result[0])));
}

static const hd_case cases[] = {
    {.in = {{HD_F32, {0}}}, .fill = {HD_FILL_POSITIVE}},
    {.in = {{HD_F32, {1, {7}}}}, .fill = {HD_FILL_POSITIVE}},
    {.in = {{HD_F32, {3, {3, 5, 3}}}}, .fill = {HD_FILL_POSITIVE}},
    {.in = {{HD_I32, {1, {4}}}}, .refuse = "input 0 is i32, must be f32 or f64; use hd_cast"},
    {0}};

const hd_op hd_def_reciprocal = {.name = "reciprocal",
                                 .onnx = "Reciprocal",
                                 .math = "y = 1 / x",
                                 .min_in = 1,
                                 .max_in = 1,
                                 .n_out = 1,
                                 .shape = hd_rule_same,
                                 HD_REFS(reciprocal),
                                 .grad = grad,
                                 .expand = expand,
                                 .cases = cases};

hd_val hd_reciprocal(hd_val x) { return hd_node_add(&hd_def_reciprocal, NULL, &x, 1); }
#endif
