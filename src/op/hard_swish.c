// y = x min(max(x + 3, 0), 6) / 6
#include "op.h"

HD_REF(hard_swish) {
  (void)part;
  const real *x = a->in[0];
  real *y = a->out[0];
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++)
    y[i] = x[i] * (x[i] < -3 ? 0 : x[i] > 3 ? 1 : (x[i] + 3) / 6);
}

#ifndef HD_REF64
static int expand(hd_expand *e, const void *attr, const int *in) {
  return hd_expand_tile(e, HD_TILE_mul, in[0], hd_def_hard_sigmoid.expand(e, attr, in), -1);
}

static void grad(hd_grad_rule *g) {
  hd_val x = g->rule->value[0], dy = g->dy[0], three = hd_scalar_like(x, 3);
  hd_val middle = hd_mul(dy, hd_add_scalar(hd_scale(x, 1.0 / 3), 0.5));
  hd_val below = hd_select(hd_greater(x, hd_scalar_like(x, -3)), middle, hd_scalar_like(x, 0));
  g->dx[0] = hd_select(hd_less(x, three), below, dy);
}

static const hd_case cases[] = {
    {.in = {{HD_F32, {0}}}},
    {.in = {{HD_F32, {1, {7}}}}},
    {.in = {{HD_F32, {3, {3, 5, 3}}}}},
    {.in = {{HD_I32, {1, {4}}}}, .refuse = "input 0 is i32, must be f32 or f64; use hd_cast"},
    {0}};

const hd_op hd_def_hard_swish = {.name = "hard_swish",
                                 .onnx = "HardSwish",
                                 .math = "y = x min(max(x + 3, 0), 6) / 6",
                                 .min_in = 1,
                                 .max_in = 1,
                                 .n_out = 1,
                                 .shape = hd_rule_same,
                                 HD_REFS(hard_swish),
                                 .grad = grad,
                                 .expand = expand,
                                 .cases = cases,
                                 .kink = "x = -3: gradient 0; x = 3: gradient 1"};

hd_val hd_hard_swish(hd_val x) { return hd_node_add(&hd_def_hard_swish, NULL, &x, 1); }
#endif
