// y = min(max(x, -1), 1)
#include "op.h"

HD_REF(hard_tanh) {
  (void)part;
  const real *x = a->in[0];
  real *y = a->out[0];
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++)
    y[i] = x[i] < -1 ? -1 : x[i] > 1 ? 1 : x[i];
}

#ifndef HD_REF64
static int expand(hd_expand *e, const void *attr, const int *in) {
  (void)attr;
  int above = hd_expand_tile(e, HD_TILE_max, in[0], hd_expand_value(e, -1), -1);
  return hd_expand_tile(e, HD_TILE_min, above, hd_expand_value(e, 1), -1);
}

static void grad(hd_grad_rule *g) {
  hd_val y = g->rule->result[0];
  g->dx[0] = hd_select(hd_less(hd_abs(y), hd_scalar_like(y, 1)), g->dy[0], hd_scalar_like(y, 0));
}

static const hd_case cases[] = {
    {.in = {{HD_F32, {0}}}},
    {.in = {{HD_F32, {1, {7}}}}},
    {.in = {{HD_F32, {3, {3, 5, 3}}}}},
    {.in = {{HD_I32, {1, {4}}}}, .refuse = "input 0 is i32, must be f32 or f64; use hd_cast"},
    {0}};

const hd_op hd_def_hard_tanh = {.name = "hard_tanh",
                                .math = "y = min(max(x, -1), 1)",
                                .min_in = 1,
                                .max_in = 1,
                                .n_out = 1,
                                .shape = hd_rule_same,
                                HD_REFS(hard_tanh),
                                .grad = grad,
                                .expand = expand,
                                .cases = cases,
                                .kink = "x = -1 and 1: gradient 0"};

hd_val hd_hard_tanh(hd_val x) { return hd_node_add(&hd_def_hard_tanh, NULL, &x, 1); }
#endif
