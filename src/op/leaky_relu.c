// y = x > 0 ? x : slope x
#include "op.h"

static double slope_of(const hd_leaky_relu_options *o) { return o->slope ? o->slope : 0.01f; }

HD_REF(leaky_relu) {
  (void)part;
  const real slope = (real)slope_of(a->attr), *x = a->in[0];
  real *y = a->out[0];
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++)
    y[i] = x[i] > 0 ? x[i] : slope * x[i];
}

#ifndef HD_REF64
static int expand(hd_expand *e, const void *attr, const int *in) {
  int zero = hd_expand_value(e, 0), slope = hd_expand_value(e, slope_of(attr));
  int above = hd_expand_tile(e, HD_TILE_gt, in[0], zero, -1);
  int below = hd_expand_tile(e, HD_TILE_mul, in[0], slope, -1);
  return hd_expand_tile(e, HD_TILE_select, above, in[0], below);
}

// y has the sign of x when the slope is positive, and x need not be kept.
static void grad(hd_grad_rule *g) {
  double slope = slope_of(g->rule->attr);
  hd_val dy = g->dy[0], at = slope > 0 ? g->rule->result[0] : g->rule->value[0];
  g->dx[0] = hd_select(hd_greater(at, hd_scalar_like(at, 0)), dy, hd_scale(dy, slope));
}

static const hd_field field[] = {HD_FIELD(hd_leaky_relu_options, slope, REAL, .standard = "0.01",
                                          .main = true, .help = "slope below 0")};
static const hd_fields fields = HD_FIELDS("leaky_relu", hd_leaky_relu_options, field);

static const hd_leaky_relu_options fifth = {.slope = 0.2f}, negative = {.slope = -0.5f};
static const hd_case cases[] = {
    {.in = {{HD_F32, {0}}}},
    {.in = {{HD_F32, {1, {7}}}}},
    {.in = {{HD_F32, {3, {3, 5, 3}}}}, .attr = &fifth},
    {.in = {{HD_F32, {1, {9}}}}, .attr = &negative},
    {.in = {{HD_I32, {1, {4}}}}, .refuse = "input 0 is i32, must be f32 or f64; use hd_cast"},
    {0}};

const hd_op hd_def_leaky_relu = {.name = "leaky_relu",
                                 .onnx = "LeakyRelu",
                                 .math = "y = x > 0 ? x : slope x",
                                 .fields = &fields,
                                 .min_in = 1,
                                 .max_in = 1,
                                 .n_out = 1,
                                 .shape = hd_rule_same,
                                 HD_REFS(leaky_relu),
                                 .grad = grad,
                                 .expand = expand,
                                 .cases = cases,
                                 .kink = "x = 0: gradient slope"};

hd_val(hd_leaky_relu)(hd_val x, hd_leaky_relu_options options) {
  return hd_node_add(&hd_def_leaky_relu, &options, &x, 1);
}
#endif
