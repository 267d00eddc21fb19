// y = sqrt(x)
#include "op.h"

HD_REF(sqrt) {
  (void)part;
  const real *x = a->in[0];
  real *y = a->out[0];
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++) y[i] = M_(sqrt)(x[i]);
}

#ifndef HD_REF64
static int expand(hd_expand *e, const void *attr, const int *in) {
  (void)attr;
  return hd_expand_tile(e, HD_TILE_sqrt, in[0], -1, -1);
}

static void grad(hd_grad_rule *g) {
  g->dx[0] = hd_div(hd_scale(g->dy[0], 0.5), g->rule->result[0]);
}

static const hd_case cases[] = {
    {.in = {{HD_F32, {0}}}, .fill = {HD_FILL_POSITIVE}},
    {.in = {{HD_F32, {1, {7}}}}, .fill = {HD_FILL_POSITIVE}},
    {.in = {{HD_F32, {3, {3, 5, 3}}}}, .fill = {HD_FILL_POSITIVE}},
    {.in = {{HD_I32, {1, {4}}}}, .refuse = "input 0 is i32, must be f32 or f64; use hd_cast"},
    {0}};

const hd_op hd_def_sqrt = {.name = "sqrt",
                           .onnx = "Sqrt",
                           .math = "y = sqrt(x)",
                           .min_in = 1,
                           .max_in = 1,
                           .n_out = 1,
                           .shape = hd_rule_same,
                           HD_REFS(sqrt),
                           .grad = grad,
                           .expand = expand,
                           .cases = cases};

hd_val hd_sqrt(hd_val x) { return hd_node_add(&hd_def_sqrt, NULL, &x, 1); }
#endif
