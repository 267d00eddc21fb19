// y = condition ? a : b
#include "op.h"

HD_REF(select) {
  (void)part;
  const hd_shape s = a->out_type->shape;
  const uint8_t *condition = a->in[0];
  real *y = a->out[0];
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++) {
    int from = condition[hd_broadcast_offset(s, a->in_type[0].shape, i)] ? 1 : 2;
    y[i] = ((const real *)a->in[from])[hd_broadcast_offset(s, a->in_type[from].shape, i)];
  }
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  char c[96], a[96], b[96];
  hd_shape s;
  if (r->in[0].dtype != HD_BOOL)
    return hd_refuse(r, "the condition is %s, must be bool: compare, or use hd_cast",
                     hd_dtype_name(r->in[0].dtype));
  if (hd_rule_real(r, 1) || hd_rule_real(r, 2)) return HD_E_SHAPE;
  if (r->in[1].dtype != r->in[2].dtype)
    return hd_refuse(r, "a is %s, b is %s; use hd_cast", hd_dtype_name(r->in[1].dtype),
                     hd_dtype_name(r->in[2].dtype));
  if (!hd_shape_broadcast(r->in[1].shape, r->in[2].shape, &s) ||
      !hd_shape_broadcast(r->in[0].shape, s, &s))
    return hd_refuse(r,
                     "condition %s, a %s and b %s do not broadcast: each axis, from the last, "
                     "must be equal or 1",
                     hd_text_of(r->in[0].shape, c), hd_text_of(r->in[1].shape, a),
                     hd_text_of(r->in[2].shape, b));
  r->out[0] = (hd_type){r->in[1].dtype, s};
  return HD_OK;
}

static int expand(hd_expand *e, const void *attr, const int *in) {
  (void)attr;
  return hd_expand_tile(e, HD_TILE_select, in[0], in[1], in[2]);
}

static void grad(hd_grad_rule *g) {
  hd_val condition = g->rule->value[0], dy = g->dy[0], zero = hd_scalar_like(dy, 0);
  for (int i = 1; i <= 2; i++)
    if (g->want[i])
      g->dx[i] = hd_sum_like(hd_select(condition, i == 1 ? dy : zero, i == 1 ? zero : dy),
                             g->rule->value[i]);
}

#define C_ .fill = {HD_FILL_TRUTH}
static const hd_case cases[] = {
    {.in = {{HD_BOOL, {0}}, {HD_F32, {0}}, {HD_F32, {0}}}, C_},
    {.in = {{HD_BOOL, {2, {3, 5}}}, {HD_F32, {2, {3, 5}}}, {HD_F32, {2, {3, 5}}}}, C_},
    {.in = {{HD_BOOL, {2, {3, 1}}}, {HD_F32, {1, {5}}}, {HD_F32, {0}}}, C_},
    {.in = {{HD_BOOL, {1, {7}}}, {HD_F32, {2, {1, 7}}}, {HD_F32, {3, {2, 3, 1}}}}, C_},
    {.in = {{HD_BOOL, {2, {3, 7}}}, {HD_F32, {0}}, {HD_F32, {0}}}, C_},
    {.in = {{HD_F32, {1, {3}}}, {HD_F32, {1, {3}}}, {HD_F32, {1, {3}}}},
     .refuse = "the condition is f32, must be bool"},
    {.in = {{HD_BOOL, {1, {3}}}, {HD_F32, {1, {4}}}, {HD_F32, {1, {3}}}},
     .refuse = "condition (3), a (4) and b (3) do not broadcast"},
    {0}};

const hd_op hd_def_select = {.name = "select",
                             .onnx = "Where",
                             .math = "y = condition ? a : b",
                             .min_in = 3,
                             .max_in = 3,
                             .n_out = 1,
                             .shape = shape,
                             HD_REFS(select),
                             .grad = grad,
                             .expand = expand,
                             .cases = cases};

hd_val hd_select(hd_val condition, hd_val a, hd_val b) {
  return hd_node_add(&hd_def_select, NULL, (hd_val[]){condition, a, b}, 3);
}
#endif
