// y = min(max(x, 0), 6)
#include "op.h"

HD_REF(relu6) {
  (void)part;
  const real *x = a->in[0];
  real *y = a->out[0];
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++)
    y[i] = x[i] < 0 ? 0 : x[i] > 6 ? 6 : x[i];
}

#ifndef HD_REF64
static int expand(hd_expand *e, const void *attr, const int *in) {
  (void)attr;
  int above = hd_expand_tile(e, HD_TILE_relu, in[0], -1, -1);
  return hd_expand_tile(e, HD_TILE_min, above, hd_expand_value(e, 6), -1);
}

static void grad(hd_grad_rule *g) {
  hd_val y = g->rule->result[0], zero = hd_scalar_like(y, 0);
  hd_val below = hd_select(hd_less(y, hd_scalar_like(y, 6)), g->dy[0], zero);
  g->dx[0] = hd_select(hd_greater(y, zero), below, zero);
}

static const hd_case cases[] = {
    {.in = {{HD_F32, {0}}}},
    {.in = {{HD_F32, {1, {7}}}}},
    {.in = {{HD_F32, {3, {3, 5, 3}}}}},
    {.in = {{HD_I32, {1, {4}}}}, .refuse = "input 0 is i32, must be f32 or f64; use hd_cast"},
    {0}};

const hd_op hd_def_relu6 = {.name = "relu6",
                            .math = "y = min(max(x, 0), 6)",
                            .min_in = 1,
                            .max_in = 1,
                            .n_out = 1,
                            .shape = hd_rule_same,
                            HD_REFS(relu6),
                            .grad = grad,
                            .expand = expand,
                            .cases = cases,
                            .kink = "x = 0 and 6: gradient 0"};

hd_val hd_relu6(hd_val x) { return hd_node_add(&hd_def_relu6, NULL, &x, 1); }
#endif
