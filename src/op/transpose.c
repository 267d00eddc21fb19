// y[..., i_permutation[k] at k, ...] = x[i]: axis k of y is axis permutation[k] of x
#include "layout.h"

HD_REF(transpose) {
  (void)part;
  const hd_shape *p = a->attr, *x = &a->in_type->shape, *y = &a->out_type->shape;
  int64_t size = (int64_t)hd_dtype_size(a->out_type->dtype);
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++) {
    int64_t at[HD_MAX_RANK] = {0}, from = 0, left = i;
    for (int k = y->rank - 1; k >= 0; k--) {
      at[p->d[k]] = left % y->d[k];
      left /= y->d[k];
    }
    for (int k = 0; k < x->rank; k++) from = from * x->d[k] + at[k];
    memcpy((char *)a->out[0] + i * size, (const char *)a->in[0] + from * size, (size_t)size);
  }
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  const hd_shape *p = r->attr, x = r->in[0].shape;
  hd_shape y = {.rank = x.rank};
  unsigned seen = 0;
  char tx[96], tp[96];
  bool fits = p->rank == x.rank;
  for (int i = 0; fits && i < x.rank; i++) {
    fits = p->d[i] >= 0 && p->d[i] < x.rank && !(seen & HD_AXIS(p->d[i]));
    if (!fits) break;
    seen |= HD_AXIS(p->d[i]);
    y.d[i] = x.d[p->d[i]];
  }
  if (!fits)
    return hd_refuse(r, "permutation %s of x %s: each of its %d axes must occur once, from 0",
                     hd_text_of(*p, tp), hd_text_of(x, tx), x.rank);
  r->out[0] = (hd_type){r->in[0].dtype, y};
  return HD_OK;
}

static void grad(hd_grad_rule *g) {
  const hd_shape *p = g->rule->attr;
  hd_shape inverse = {.rank = p->rank};
  for (int i = 0; i < p->rank; i++) inverse.d[p->d[i]] = i;
  g->dx[0] = hd_transpose(g->dy[0], inverse);
}

static hd_val rewrite(hd_rule *r, bool train) {
  (void)train;
  const hd_shape *p = r->attr, *x = &r->in[0].shape;
  const hd_node *from = hd_node_of(r->value[0]);
  int64_t last = -1;
  bool moves = false;
  for (int i = 0; i < p->rank; i++) {
    if (x->d[p->d[i]] == 1) continue;
    moves |= p->d[i] < last;
    last = p->d[i];
  }
  if (!moves) return hd_reshape(r->value[0], r->out[0].shape);
  if (from->op != r->op) return (hd_val){0};
  const hd_shape *q = from->attr;
  hd_shape both = {.rank = p->rank};
  for (int i = 0; i < p->rank; i++) both.d[i] = q->d[p->d[i]];
  return hd_transpose(from->in[0], both);
}

static hd_status lower(hd_lowering *l) {
  const hd_shape *p = l->rule->attr, *x = &l->rule->in[0].shape, *y = &l->rule->out[0].shape;
  hd_piece piece = {.box = {.rank = y->rank, .size = (int)hd_dtype_size(l->rule->in[0].dtype)}};
  int64_t stride[HD_MAX_RANK];
  hd_row_strides(*x, stride);
  hd_row_strides(*y, piece.box.to);
  for (int i = 0; i < y->rank; i++) {
    piece.box.d[i] = y->d[i];
    piece.box.from[i] = stride[p->d[i]];
  }
  return hd_lower_pieces(l, &piece, 1, NULL);
}

static const hd_shape swap = {2, {1, 0}}, turn = {3, {2, 0, 1}}, nhwc = {4, {0, 2, 3, 1}},
                      none = {0}, twice = {2, {1, 1}};
static const hd_case cases[] = {
    {.in = {{HD_F32, {0}}}, .attr = &none},
    {.in = {{HD_F32, {2, {3, 5}}}}, .attr = &swap},
    {.in = {{HD_F32, {2, {1, 7}}}}, .attr = &swap},
    {.in = {{HD_F32, {3, {2, 3, 5}}}}, .attr = &turn},
    {.in = {{HD_F32, {4, {2, 3, 1, 5}}}}, .attr = &nhwc},
    {.in = {{HD_BOOL, {3, {3, 5, 2}}}}, .attr = &turn, .fill = {HD_FILL_TRUTH}},
    {.in = {{HD_F32, {3, {2, 3, 5}}}},
     .attr = &swap,
     .refuse = "permutation (1, 0) of x (2, 3, 5)"},
    {.in = {{HD_F32, {2, {2, 3}}}}, .attr = &twice, .refuse = "each of its 2 axes must occur once"},
    {0}};

const hd_op hd_def_transpose = {.name = "transpose",
                                .onnx = "Transpose",
                                .math = "axis k of y is axis permutation[k] of x",
                                .fields = &hd_fields_shape,
                                .min_in = 1,
                                .max_in = 1,
                                .n_out = 1,
                                .shape = shape,
                                HD_REFS(transpose),
                                .grad = grad,
                                .lower = lower,
                                .rewrite = rewrite,
                                .cost = hd_cost_nothing,
                                .cases = cases};

hd_val hd_transpose(hd_val x, hd_shape permutation) {
  permutation = hd_shape_attr(permutation);
  return hd_node_add(&hd_def_transpose, &permutation, &x, 1);
}
#endif
