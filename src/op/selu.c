// y = lambda (x > 0 ? x : alpha (e^x - 1)): mean 0 and variance 1 are its fixed point
#include "op.h"

#define ALPHA 1.6732632423543772
#define LAMBDA 1.0507009873554805

HD_REF(selu) {
  (void)part;
  const real *x = a->in[0], lambda = (real)LAMBDA, below = (real)(LAMBDA * ALPHA);
  real *y = a->out[0];
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++)
    y[i] = x[i] > 0 ? lambda * x[i] : below * M_(expm1)(x[i]);
}

#ifndef HD_REF64
// e^x - 1 = 2 t / (1 - t) with t = tanh(x / 2), as in elu.c
static int expand(hd_expand *e, const void *attr, const int *in) {
  (void)attr;
  int half = hd_expand_tile(e, HD_TILE_mul, in[0], hd_expand_value(e, 0.5), -1);
  int t = hd_expand_tile(e, HD_TILE_tanh, half, -1, -1);
  int rest = hd_expand_tile(e, HD_TILE_sub, hd_expand_value(e, 1), t, -1);
  int ratio = hd_expand_tile(e, HD_TILE_div, t, rest, -1);
  int below = hd_expand_tile(e, HD_TILE_mul, ratio, hd_expand_value(e, 2 * LAMBDA * ALPHA), -1);
  int above = hd_expand_tile(e, HD_TILE_mul, in[0], hd_expand_value(e, LAMBDA), -1);
  int up = hd_expand_tile(e, HD_TILE_gt, in[0], hd_expand_value(e, 0), -1);
  return hd_expand_tile(e, HD_TILE_select, up, above, below);
}

static void grad(hd_grad_rule *g) {
  hd_val y = g->rule->result[0], dy = g->dy[0];
  hd_val below = hd_mul(dy, hd_add_scalar(y, LAMBDA * ALPHA));
  g->dx[0] = hd_select(hd_greater(y, hd_scalar_like(y, 0)), hd_scale(dy, LAMBDA), below);
}

static const hd_case cases[] = {
    {.in = {{HD_F32, {0}}}},
    {.in = {{HD_F32, {1, {7}}}}},
    {.in = {{HD_F32, {3, {3, 5, 3}}}}},
    {.in = {{HD_I32, {1, {4}}}}, .refuse = "input 0 is i32, must be f32 or f64; use hd_cast"},
    {0}};

const hd_op hd_def_selu = {.name = "selu",
                           .onnx = "Selu",
                           .math = "y = 1.0507 (x > 0 ? x : 1.6733 (e^x - 1))",
                           .min_in = 1,
                           .max_in = 1,
                           .n_out = 1,
                           .shape = hd_rule_same,
                           HD_REFS(selu),
                           .grad = grad,
                           .expand = expand,
                           .cases = cases,
                           .kink = "x = 0: gradient 1.7581, that from below"};

hd_val hd_selu(hd_val x) { return hd_node_add(&hd_def_selu, NULL, &x, 1); }
#endif
