// y = x sigmoid(beta x), also called swish
#include "op.h"

static double beta_of(const hd_silu_options *o) { return o->beta ? o->beta : 1; }

HD_REF(silu) {
  (void)part;
  const real beta = (real)beta_of(a->attr), *x = a->in[0];
  real *y = a->out[0];
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++)
    y[i] = x[i] / (1 + M_(exp)(-beta * x[i]));
}

#ifndef HD_REF64
static int expand(hd_expand *e, const void *attr, const int *in) {
  double beta = beta_of(attr);
  int u = beta == 1 ? in[0] : hd_expand_tile(e, HD_TILE_mul, in[0], hd_expand_value(e, beta), -1);
  return hd_expand_tile(e, HD_TILE_mul, in[0], hd_expand_tile(e, HD_TILE_sigmoid, u, -1, -1), -1);
}

// s + beta x s (1 - s) = s + beta y (1 - s)
static void grad(hd_grad_rule *g) {
  double beta = beta_of(g->rule->attr);
  hd_val x = g->rule->value[0], y = g->rule->result[0];
  hd_val s = hd_sigmoid(beta == 1 ? x : hd_scale(x, beta));
  hd_val rest = hd_mul(beta == 1 ? y : hd_scale(y, beta), hd_sub(hd_scalar_like(s, 1), s));
  g->dx[0] = hd_mul(g->dy[0], hd_add(s, rest));
}

static const hd_field field[] = {
    HD_FIELD(hd_silu_options, beta, REAL, .standard = "1", .main = true, .help = "steepness")};
static const hd_fields fields = HD_FIELDS("silu", hd_silu_options, field);

static const hd_silu_options steep = {.beta = 1.7f}, negative = {.beta = -0.5f};
static const hd_case cases[] = {
    {.in = {{HD_F32, {0}}}},
    {.in = {{HD_F32, {1, {7}}}}},
    {.in = {{HD_F32, {3, {3, 5, 3}}}}, .attr = &steep},
    {.in = {{HD_F32, {1, {9}}}}, .attr = &negative},
    {.in = {{HD_I32, {1, {4}}}}, .refuse = "input 0 is i32, must be f32 or f64; use hd_cast"},
    {0}};

const hd_op hd_def_silu = {.name = "silu",
                           .onnx = "Swish",
                           .math = "y = x / (1 + e^(-beta x))",
                           .fields = &fields,
                           .min_in = 1,
                           .max_in = 1,
                           .n_out = 1,
                           .shape = hd_rule_same,
                           HD_REFS(silu),
                           .grad = grad,
                           .expand = expand,
                           .cases = cases};

hd_val(hd_silu)(hd_val x, hd_silu_options options) {
  return hd_node_add(&hd_def_silu, &options, &x, 1);
}
#endif
