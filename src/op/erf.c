// y = erf(x) = 2 / sqrt(pi) integral of e^-t^2 from 0 to x
#include "op.h"

HD_REF(erf) {
  (void)part;
  const real *x = a->in[0];
  real *y = a->out[0];
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++) y[i] = M_(erf)(x[i]);
}

#ifndef HD_REF64
static int expand(hd_expand *e, const void *attr, const int *in) {
  (void)attr;
  return hd_expand_tile(e, HD_TILE_erf, in[0], -1, -1);
}

static void grad(hd_grad_rule *g) {
  hd_val bell = hd_exp(hd_neg(hd_square(g->rule->value[0])));
  g->dx[0] = hd_mul(g->dy[0], hd_scale(bell, 1.1283791670955126));  // 2 / sqrt(pi)
}

static const hd_case cases[] = {
    {.in = {{HD_F32, {0}}}},
    {.in = {{HD_F32, {1, {7}}}}},
    {.in = {{HD_F32, {3, {3, 5, 3}}}}},
    {.in = {{HD_I32, {1, {4}}}}, .refuse = "input 0 is i32, must be f32 or f64; use hd_cast"},
    {0}};

const hd_op hd_def_erf = {.name = "erf",
                          .onnx = "Erf",
                          .math = "y = erf(x) = 2 / sqrt(pi) integral of e^-t^2 from 0 to x",
                          .min_in = 1,
                          .max_in = 1,
                          .n_out = 1,
                          .shape = hd_rule_same,
                          HD_REFS(erf),
                          .grad = grad,
                          .expand = expand,
                          .cases = cases};

hd_val hd_erf(hd_val x) { return hd_node_add(&hd_def_erf, NULL, &x, 1); }
#endif
