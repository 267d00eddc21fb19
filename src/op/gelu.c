// y = x P(X <= x) for X normal: x/2 (1 + erf(x / sqrt 2)), or the approximation by tanh
#include "op.h"

#define SQRT_HALF 0.70710678118654752
#define DENSITY 0.39894228040143268  // 1 / sqrt(2 pi)
// 1/2 (1 + tanh(u / 2)) is sigmoid(u), with u = A x + B x^3
#define A 1.5957691216057308  // 2 sqrt(2 / pi)
#define B (0.044715 * A)

HD_REF(gelu) {
  (void)part;
  const hd_gelu_options *o = a->attr;
  const real *x = a->in[0];
  real *y = a->out[0];
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++)
    y[i] = o->tanh ? x[i] / (1 + M_(exp)(-x[i] * ((real)A + (real)B * x[i] * x[i])))
                   : x[i] / 2 * M_(erfc)(-x[i] * (real)SQRT_HALF);
}

#ifndef HD_REF64
static int expand(hd_expand *e, const void *attr, const int *in) {
  const hd_gelu_options *o = attr;
  int x = in[0];
  if (o->tanh) {
    int square = hd_expand_tile(e, HD_TILE_mul, x, x, -1);
    int cubic = hd_expand_tile(e, HD_TILE_mul, square, hd_expand_value(e, B), -1);
    int slope = hd_expand_tile(e, HD_TILE_add, cubic, hd_expand_value(e, A), -1);
    int u = hd_expand_tile(e, HD_TILE_mul, x, slope, -1);
    return hd_expand_tile(e, HD_TILE_mul, x, hd_expand_tile(e, HD_TILE_sigmoid, u, -1, -1), -1);
  }
  int u = hd_expand_tile(e, HD_TILE_mul, x, hd_expand_value(e, SQRT_HALF), -1);
  int erf = hd_expand_tile(e, HD_TILE_erf, u, -1, -1);
  int twice = hd_expand_tile(e, HD_TILE_add, erf, hd_expand_value(e, 1), -1);
  int half = hd_expand_tile(e, HD_TILE_mul, x, hd_expand_value(e, 0.5), -1);
  return hd_expand_tile(e, HD_TILE_mul, half, twice, -1);
}

// y = x p: dy/dx = p + x dp/dx
static void grad(hd_grad_rule *g) {
  const hd_gelu_options *o = g->rule->attr;
  hd_val x = g->rule->value[0], square = hd_square(x), p, slope;
  if (o->tanh) {
    p = hd_sigmoid(hd_mul(x, hd_add_scalar(hd_scale(square, B), A)));
    slope = hd_mul(hd_mul(p, hd_sub(hd_scalar_like(p, 1), p)),
                   hd_add_scalar(hd_scale(square, 3 * B), A));
  } else {
    p = hd_scale(hd_add_scalar(hd_erf(hd_scale(x, SQRT_HALF)), 1), 0.5);
    slope = hd_scale(hd_exp(hd_scale(square, -0.5)), DENSITY);
  }
  g->dx[0] = hd_mul(g->dy[0], hd_add(p, hd_mul(x, slope)));
}

static const hd_field field[] = {
    HD_FIELD(hd_gelu_options, tanh, BOOL, .standard = "false", .main = true,
             .help = "the approximation x sigmoid(1.5958 (x + 0.044715 x^3))")};
static const hd_fields fields = HD_FIELDS("gelu", hd_gelu_options, field);

static const hd_gelu_options approximate = {.tanh = true};
static const hd_case cases[] = {
    {.in = {{HD_F32, {0}}}},
    {.in = {{HD_F32, {1, {7}}}}},
    {.in = {{HD_F32, {3, {3, 5, 3}}}}},
    {.in = {{HD_F32, {3, {3, 5, 3}}}}, .attr = &approximate},
    {.in = {{HD_F32, {1, {9}}}}, .attr = &approximate},
    {.in = {{HD_I32, {1, {4}}}}, .refuse = "input 0 is i32, must be f32 or f64; use hd_cast"},
    {0}};

const hd_op hd_def_gelu = {.name = "gelu",
                           .onnx = "Gelu",
                           .math = "y = x/2 (1 + erf(x / sqrt 2))",
                           .fields = &fields,
                           .min_in = 1,
                           .max_in = 1,
                           .n_out = 1,
                           .shape = hd_rule_same,
                           HD_REFS(gelu),
                           .grad = grad,
                           .expand = expand,
                           .cases = cases};

hd_val(hd_gelu)(hd_val x, hd_gelu_options options) {
  return hd_node_add(&hd_def_gelu, &options, &x, 1);
}
#endif
