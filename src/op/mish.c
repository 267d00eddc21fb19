// y = x tanh(ln(1 + e^x))
#include "op.h"

HD_REF(mish) {
  (void)part;
  const real *x = a->in[0];
  real *y = a->out[0];
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++)
    y[i] = x[i] * M_(tanh)((x[i] > 0 ? x[i] : 0) + M_(log1p)(M_(exp)(-M_(fabs)(x[i]))));
}

#ifndef HD_REF64
static int expand(hd_expand *e, const void *attr, const int *in) {
  (void)attr;
  int soft = hd_expand_tile(e, HD_TILE_softplus, in[0], -1, -1);
  return hd_expand_tile(e, HD_TILE_mul, in[0], hd_expand_tile(e, HD_TILE_tanh, soft, -1, -1), -1);
}

// t + x (1 - t^2) sigmoid(x), t = tanh(softplus(x))
static void grad(hd_grad_rule *g) {
  hd_val x = g->rule->value[0], t = hd_tanh(hd_softplus(x));
  hd_val slope = hd_mul(hd_sub(hd_scalar_like(t, 1), hd_square(t)), hd_sigmoid(x));
  g->dx[0] = hd_mul(g->dy[0], hd_add(t, hd_mul(x, slope)));
}

static const hd_case cases[] = {
    {.in = {{HD_F32, {0}}}},
    {.in = {{HD_F32, {1, {7}}}}},
    {.in = {{HD_F32, {3, {3, 5, 3}}}}},
    {.in = {{HD_I32, {1, {4}}}}, .refuse = "input 0 is i32, must be f32 or f64; use hd_cast"},
    {0}};

const hd_op hd_def_mish = {.name = "mish",
                           .onnx = "Mish",
                           .math = "y = x tanh(ln(1 + e^x))",
                           .min_in = 1,
                           .max_in = 1,
                           .n_out = 1,
                           .shape = hd_rule_same,
                           HD_REFS(mish),
                           .grad = grad,
                           .expand = expand,
                           .cases = cases};

hd_val hd_mish(hd_val x) { return hd_node_add(&hd_def_mish, NULL, &x, 1); }
#endif
