// The input gradient of cross_entropy for class indices: dx = (p - one_hot(label)) dy, row by row;
// inputs p = softmax(logits), label, dy
#include "op.h"

HD_REF(cross_entropy_input) {
  (void)part;
  hd_shape s = a->in_type[0].shape;
  int64_t width = s.d[s.rank - 1], rows = hd_args_count(&a->in_type[2]);
  const real *p = a->in[0], *dy = a->in[2];
  const int32_t *label = a->in[1];
  real *dx = a->out[0];
  for (int64_t r = 0; r < rows; r++)
    for (int64_t k = 0; k < width; k++)
      dx[r * width + k] = (p[r * width + k] - (k == label[r] ? 1 : 0)) * dy[r];
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  hd_shape rows = r->in[0].shape;
  char tp[96], tl[96], ty[96];
  if (hd_rule_real(r, 0)) return HD_E_SHAPE;
  if (!rows.rank || rows.d[rows.rank - 1] < 1)
    return hd_refuse(r, "p must be (..., K) with a known number K of classes, got %s",
                     hd_text_of(rows, tp));
  rows.rank--;
  bool fits = r->in[1].shape.rank == rows.rank && r->in[2].shape.rank == rows.rank &&
              r->in[2].dtype == r->in[0].dtype;
  for (int i = 0; fits && i < rows.rank; i++)
    fits =
        hd_dim_fits(rows.d[i], r->in[1].shape.d[i]) && hd_dim_fits(rows.d[i], r->in[2].shape.d[i]);
  if (!fits || r->in[1].dtype != HD_I32)
    return hd_refuse(r,
                     "p (..., K) takes i32 labels and dy of its rows, got p %s, label %s %s, dy %s",
                     hd_text_of(r->in[0].shape, tp), hd_dtype_name(r->in[1].dtype),
                     hd_text_of(r->in[1].shape, tl), hd_text_of(r->in[2].shape, ty));
  r->out[0] = r->in[0];
  return HD_OK;
}

static void grad(hd_grad_rule *g) {
  hd_val p = g->rule->value[0], label = g->rule->value[1], dy = g->rule->value[2], d = g->dy[0];
  hd_shape s = hd_type_of(p)->shape;
  if (g->want[0]) g->dx[0] = hd_mul(d, hd_expand_like(dy, p, .axes = HD_AXIS(s.rank - 1)));
  if (!g->want[2]) return;
  hd_val hot = hd_one_hot(label, s.d[s.rank - 1]);
  if (hd_type_of(p)->dtype != HD_F32) hot = hd_cast(hot, hd_type_of(p)->dtype);
  g->dx[2] = hd_sum(hd_mul(d, hd_sub(p, hot)), .axes = HD_LAST_AXIS);
}

enum { BLOCK = 8192 };  // elements of a part
static int64_t rows_of(const hd_type *p) {
  return HD_MAX(1, BLOCK / p->shape.d[p->shape.rank - 1]);
}
static void run(const hd_args *a, int64_t part) {
  int64_t width = a->in_type[0].shape.d[a->in_type[0].shape.rank - 1], block = rows_of(a->in_type),
          rows = hd_args_count(&a->in_type[2]), end = HD_MIN((part + 1) * block, rows);
  const int32_t *label = a->in[1];
  for (int64_t r = part * block; r < end; r++) {
    const float *p = (const float *)a->in[0] + r * width;
    float *dx = (float *)a->out[0] + r * width, dy = ((const float *)a->in[2])[r];
    for (int64_t k = 0; k < width; k++) dx[k] = p[k] * dy;
    if (label[r] >= 0 && label[r] < width) dx[label[r]] = (p[label[r]] - 1) * dy;
  }
}

static hd_status lower(hd_lowering *l) {
  int64_t count = hd_shape_count(l->rule->in[0].shape), rows = hd_shape_count(l->rule->in[2].shape);
  if (count < 1) return HD_OK;
  l->phases = 1;
  l->phase[0].run = run;
  l->phase[0].parts = (rows + rows_of(l->rule->in) - 1) / rows_of(l->rule->in);
  return HD_OK;
}

static const hd_case cases[] = {
    {.in = {{HD_F32, {2, {5, 10}}}, {HD_I32, {1, {5}}}, {HD_F32, {1, {5}}}},
     .fill = {HD_FILL_POSITIVE, HD_FILL_INDEX},
     .limit = 10},
    {.in = {{HD_F32, {1, {7}}}, {HD_I32, {0, {0}}}, {HD_F32, {0, {0}}}},
     .fill = {0, HD_FILL_INDEX},
     .limit = 9},
    {.in = {{HD_F32, {3, {2, 3, 37}}}, {HD_I32, {2, {2, 3}}}, {HD_F32, {2, {2, 3}}}},
     .fill = {0, HD_FILL_INDEX},
     .limit = 37},
    {.in = {{HD_F32, {2, {5, 10}}}, {HD_I32, {1, {5}}}, {HD_F32, {1, {4}}}},
     .refuse = "got p (5, 10), label i32 (5), dy (4)"},
    {.in = {{HD_F32, {2, {5, 10}}}, {HD_F32, {1, {5}}}, {HD_F32, {1, {5}}}}, .refuse = "i32"},
    {0}};

const hd_op hd_def_cross_entropy_input = {.name = "cross_entropy_input",
                                          .math = "dx = (p - one_hot(label)) dy",
                                          .min_in = 3,
                                          .max_in = 3,
                                          .n_out = 1,
                                          .shape = shape,
                                          HD_REFS(cross_entropy_input),
                                          .grad = grad,
                                          .lower = lower,
                                          .cases = cases};

hd_val hd_cross_entropy_input(hd_val p, hd_val label, hd_val dy) {
  return hd_node_add(&hd_def_cross_entropy_input, NULL, (hd_val[]){p, label, dy}, 3);
}
#endif
