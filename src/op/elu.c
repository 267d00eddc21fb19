// y = x > 0 ? x : alpha (e^x - 1)
#include "op.h"

static double alpha_of(const hd_elu_options *o) { return o->alpha ? o->alpha : 1; }

HD_REF(elu) {
  (void)part;
  const real alpha = (real)alpha_of(a->attr), *x = a->in[0];
  real *y = a->out[0];
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++)
    y[i] = x[i] > 0 ? x[i] : alpha * M_(expm1)(x[i]);
}

#ifndef HD_REF64
// e^x - 1 = 2 t / (1 - t) with t = tanh(x / 2): nothing cancels for x <= 0.
static int expand(hd_expand *e, const void *attr, const int *in) {
  int half = hd_expand_tile(e, HD_TILE_mul, in[0], hd_expand_value(e, 0.5), -1);
  int t = hd_expand_tile(e, HD_TILE_tanh, half, -1, -1);
  int rest = hd_expand_tile(e, HD_TILE_sub, hd_expand_value(e, 1), t, -1);
  int ratio = hd_expand_tile(e, HD_TILE_div, t, rest, -1);
  int below = hd_expand_tile(e, HD_TILE_mul, ratio, hd_expand_value(e, 2 * alpha_of(attr)), -1);
  int above = hd_expand_tile(e, HD_TILE_gt, in[0], hd_expand_value(e, 0), -1);
  return hd_expand_tile(e, HD_TILE_select, above, in[0], below);
}

// Below 0 the slope is alpha e^x = y + alpha; y has the sign of x when alpha is positive.
static void grad(hd_grad_rule *g) {
  double alpha = alpha_of(g->rule->attr);
  hd_val dy = g->dy[0], y = g->rule->result[0], at = alpha > 0 ? y : g->rule->value[0];
  hd_val below = hd_mul(dy, hd_add_scalar(y, alpha));
  g->dx[0] = hd_select(hd_greater(at, hd_scalar_like(at, 0)), dy, below);
}

static const hd_field field[] = {HD_FIELD(hd_elu_options, alpha, REAL, .standard = "1",
                                          .main = true, .help = "minus the value at -infinity")};
static const hd_fields fields = HD_FIELDS("elu", hd_elu_options, field);

static const hd_elu_options third = {.alpha = 0.3f}, negative = {.alpha = -0.5f};
static const hd_case cases[] = {
    {.in = {{HD_F32, {0}}}},
    {.in = {{HD_F32, {1, {7}}}}},
    {.in = {{HD_F32, {3, {3, 5, 3}}}}, .attr = &third},
    {.in = {{HD_F32, {1, {9}}}}, .attr = &negative},
    {.in = {{HD_I32, {1, {4}}}}, .refuse = "input 0 is i32, must be f32 or f64; use hd_cast"},
    {0}};

const hd_op hd_def_elu = {.name = "elu",
                          .onnx = "Elu",
                          .math = "y = x > 0 ? x : alpha (e^x - 1)",
                          .fields = &fields,
                          .min_in = 1,
                          .max_in = 1,
                          .n_out = 1,
                          .shape = hd_rule_same,
                          HD_REFS(elu),
                          .grad = grad,
                          .expand = expand,
                          .cases = cases,
                          .kink = "x = 0, unless alpha is 1: gradient alpha"};

hd_val(hd_elu)(hd_val x, hd_elu_options options) {
  return hd_node_add(&hd_def_elu, &options, &x, 1);
}
#endif
