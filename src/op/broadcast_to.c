// y = x repeated along the axes where it has size 1 or none
#include "layout.h"

HD_REF(broadcast_to) {
  (void)part;
  int64_t size = (int64_t)hd_dtype_size(a->out_type->dtype);
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++) {
    int64_t from = hd_broadcast_offset(a->out_type->shape, a->in_type->shape, i);
    memcpy((char *)a->out[0] + i * size, (const char *)a->in[0] + from * size, (size_t)size);
  }
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  hd_shape to = *(const hd_shape *)r->attr, x = r->in[0].shape;
  char a[96], b[96];
  bool fits = to.rank >= x.rank && to.rank <= HD_MAX_RANK;
  for (int i = 0; fits && i < to.rank; i++) {
    int64_t d = to.d[i] = hd_bind(r->graph, to.d[i]);
    int64_t from = i < to.rank - x.rank ? 1 : x.d[i - (to.rank - x.rank)];
    fits = d >= HD_LENGTH && (from == 1 || hd_dim_fits(from, d));
  }
  if (!fits)
    return hd_refuse(r, "%s does not broadcast to %s: each axis, from the last, must be equal or 1",
                     hd_text_of(x, a), hd_text_of(to, b));
  r->out[0] = (hd_type){r->in[0].dtype, to};
  return HD_OK;
}

static void grad(hd_grad_rule *g) { g->dx[0] = hd_sum_like(g->dy[0], g->rule->value[0]); }

static hd_val rewrite(hd_rule *r, bool train) {
  (void)train;
  return hd_shape_equal(r->in[0].shape, r->out[0].shape) ? r->value[0] : (hd_val){0};
}

static hd_status lower(hd_lowering *l) {
  const hd_shape *x = &l->rule->in[0].shape, *y = &l->rule->out[0].shape;
  hd_piece piece = {.box = {.rank = y->rank, .size = (int)hd_dtype_size(l->rule->in[0].dtype)}};
  int64_t stride[HD_MAX_RANK];
  int lead = y->rank - x->rank;
  hd_row_strides(*x, stride);
  hd_row_strides(*y, piece.box.to);
  for (int i = 0; i < y->rank; i++) {
    piece.box.d[i] = y->d[i];
    piece.box.from[i] = i < lead || x->d[i - lead] == 1 ? 0 : stride[i - lead];
  }
  return hd_lower_pieces(l, &piece, 1, NULL);
}

static const hd_shape none = {0}, row = {1, {7}}, rows = {2, {3, 5}}, box = {3, {2, 3, 5}};
static const hd_case cases[] = {
    {.in = {{HD_F32, {0}}}, .attr = &none},
    {.in = {{HD_F32, {0}}}, .attr = &row},
    {.in = {{HD_F32, {1, {5}}}}, .attr = &rows},
    {.in = {{HD_F32, {2, {3, 1}}}}, .attr = &rows},
    {.in = {{HD_F32, {3, {2, 1, 5}}}}, .attr = &box},
    {.in = {{HD_BOOL, {2, {3, 1}}}}, .attr = &box, .fill = {HD_FILL_TRUTH}},
    {.in = {{HD_F32, {1, {3}}}}, .attr = &rows, .refuse = "(3) does not broadcast to (3, 5)"},
    {.in = {{HD_F32, {2, {1, 7}}}}, .attr = &row, .refuse = "(1, 7) does not broadcast to (7)"},
    {0}};

const hd_op hd_def_broadcast_to = {.name = "broadcast_to",
                                   .onnx = "Expand",
                                   .math = "y = x repeated to a shape",
                                   .fields = &hd_fields_shape,
                                   .min_in = 1,
                                   .max_in = 1,
                                   .n_out = 1,
                                   .shape = shape,
                                   HD_REFS(broadcast_to),
                                   .grad = grad,
                                   .lower = lower,
                                   .rewrite = rewrite,
                                   .cost = hd_cost_nothing,
                                   .cases = cases};

hd_val hd_broadcast_to(hd_val x, hd_shape to) {
  to = hd_shape_attr(to);
  return hd_node_add(&hd_def_broadcast_to, &to, &x, 1);
}
#endif
