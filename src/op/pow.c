// y = a^b
#include "op.h"

HD_REF(pow) {
  (void)part;
  const hd_shape s = a->out_type->shape, *u = &a->in_type[0].shape, *v = &a->in_type[1].shape;
  const real *p = a->in[0], *q = a->in[1];
  real *y = a->out[0];
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++) {
    real x = p[hd_broadcast_offset(s, *u, i)], w = q[hd_broadcast_offset(s, *v, i)];
    y[i] = M_(pow)(x, w);
  }
}

#ifndef HD_REF64
static int expand(hd_expand *e, const void *attr, const int *in) {
  (void)attr;
  return hd_expand_tile(e, HD_TILE_pow, in[0], in[1], -1);
}

static void grad(hd_grad_rule *g) {
  hd_val a = g->rule->value[0], b = g->rule->value[1], dy = g->dy[0], y = g->rule->result[0];
  if (g->want[0]) {
    hd_val slope = hd_mul(b, hd_pow(a, hd_add_scalar(b, -1)));
    g->dx[0] = hd_sum_like(hd_mul(dy, slope), a);
  }
  if (g->want[1]) g->dx[1] = hd_sum_like(hd_mul(dy, hd_mul(y, hd_log(a))), b);
}

static hd_val rewrite(hd_rule *r, bool train) {
  (void)train;
  if (hd_is_constant(r->value[1], 1) && hd_type_equal(&r->in[0], r->out)) return r->value[0];
  return (hd_val){0};
}

static const hd_case cases[] = {
    {.in = {{HD_F32, {0}}, {HD_F32, {0}}}, .fill = {HD_FILL_POSITIVE}},
    {.in = {{HD_F32, {2, {3, 5}}}, {HD_F32, {2, {3, 5}}}}, .fill = {HD_FILL_POSITIVE}},
    {.in = {{HD_F32, {2, {3, 5}}}, {HD_F32, {1, {5}}}}, .fill = {HD_FILL_POSITIVE}},
    {.in = {{HD_F32, {0}}, {HD_F32, {3, {2, 1, 3}}}}, .fill = {HD_FILL_POSITIVE}},
    {.in = {{HD_F32, {2, {4, 1}}}, {HD_F32, {2, {1, 3}}}}, .fill = {HD_FILL_POSITIVE}},
    {.in = {{HD_F32, {3, {1, 3, 1}}}, {HD_F32, {2, {1, 7}}}}, .fill = {HD_FILL_POSITIVE}},
    {.in = {{HD_F32, {2, {2, 3}}}, {HD_F32, {2, {3, 3}}}},
     .refuse = "shapes (2, 3) and (3, 3) do not broadcast"},
    {.in = {{HD_F32, {1, {3}}}, {HD_I32, {1, {3}}}}, .refuse = "use hd_cast"},
    {0}};

const hd_op hd_def_pow = {.name = "pow",
                          .onnx = "Pow",
                          .math = "y = a^b",
                          .min_in = 2,
                          .max_in = 2,
                          .n_out = 1,
                          .shape = hd_rule_broadcast,
                          HD_REFS(pow),
                          .grad = grad,
                          .expand = expand,
                          .rewrite = rewrite,
                          .cases = cases};

hd_val hd_pow(hd_val a, hd_val b) { return hd_node_add(&hd_def_pow, NULL, (hd_val[]){a, b}, 2); }

hd_val hd_power(hd_val x, double exponent) {
  return exponent == 2 ? hd_square(x) : hd_pow(x, hd_scalar_like(x, exponent));
}
#endif
