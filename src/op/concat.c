// y = the inputs one after the other along an axis
#include "layout.h"

HD_REF(concat) {
  (void)part;
  const hd_shape *y = &a->out_type->shape;
  int axis = hd_axis_of(((const hd_axis_attr *)a->attr)->axis, y->rank);
  int64_t outer = 1, inner = (int64_t)hd_dtype_size(a->out_type->dtype);
  for (int k = 0; k < axis; k++) outer *= y->d[k];
  for (int k = axis + 1; k < y->rank; k++) inner *= y->d[k];
  char *to = a->out[0];
  for (int64_t o = 0; o < outer; o++)
    for (int i = 0; i < a->n_in; i++) {
      size_t bytes = (size_t)(a->in_type[i].shape.d[axis] * inner);
      memcpy(to, (const char *)a->in[i] + (size_t)o * bytes, bytes);
      to += bytes;
    }
}

#ifndef HD_REF64
// One less than an op can have: the gradient's slices also take dy.
enum { MOST = HD_MAX_IN - 1 };

static hd_status shape(hd_rule *r) {
  char a[96], b[96];
  hd_shape y = r->in[0].shape;
  int given = ((const hd_axis_attr *)r->attr)->axis, axis = hd_axis_of(given, y.rank);
  if (axis < 0) return hd_refuse(r, "no axis %d in %s", given, hd_text_of(y, a));
  for (int i = 1; i < r->n_in; i++) {
    const hd_shape *x = &r->in[i].shape;
    if (r->in[i].dtype != r->in[0].dtype)
      return hd_refuse(r, "input 0 is %s, input %d is %s; use hd_cast",
                       hd_dtype_name(r->in[0].dtype), i, hd_dtype_name(r->in[i].dtype));
    bool fits = x->rank == y.rank;
    for (int k = 0; fits && k < y.rank; k++) fits = k == axis || hd_dim_fits(x->d[k], y.d[k]);
    if (!fits)
      return hd_refuse(r, "inputs %s and %s along axis %d: the other axes must be equal",
                       hd_text_of(r->in[0].shape, a), hd_text_of(*x, b), axis);
    for (int k = 0; k < y.rank; k++) {
      if (k != axis) y.d[k] = y.d[k] == HD_ANY ? x->d[k] : y.d[k];
      else if (x->d[k] < 0 || y.d[k] < 0) y.d[k] = HD_ANY;
      else if (!hd_add_size(y.d[k], x->d[k], &y.d[k])) return hd_refuse(r, "too large");
    }
  }
  r->out[0] = (hd_type){r->in[0].dtype, y};
  return HD_OK;
}

static void grad(hd_grad_rule *g) {
  const hd_val *x = g->rule->value;
  int axis = hd_axis_of(((const hd_axis_attr *)g->rule->attr)->axis, g->rule->in[0].shape.rank);
  for (int i = 0; i < g->rule->n_in; i++)
    if (g->want[i]) g->dx[i] = hd_slice_like(g->dy[0], axis, 0, x, i, x[i]);
}

static hd_val rewrite(hd_rule *r, bool train) {
  (void)train;
  return r->n_in == 1 ? r->value[0] : (hd_val){0};
}

static hd_status lower(hd_lowering *l) {
  const hd_rule *r = l->rule;
  const hd_shape *y = &r->out[0].shape;
  int axis = hd_axis_of(((const hd_axis_attr *)r->attr)->axis, y->rank);
  hd_piece piece[MOST];
  int64_t at = 0;
  for (int i = 0; i < r->n_in; i++) {
    const hd_shape *x = &r->in[i].shape;
    hd_piece *p = &piece[i];
    *p = (hd_piece){.box = {.rank = y->rank, .size = (int)hd_dtype_size(r->in[0].dtype)}, .in = i};
    memcpy(p->box.d, x->d, sizeof p->box.d);
    hd_row_strides(*x, p->box.from);
    hd_row_strides(*y, p->box.to);
    p->to = at * p->box.to[axis];
    at += x->d[axis];
  }
  return hd_lower_pieces(l, piece, r->n_in, NULL);
}

static const hd_field field[] = {
    HD_FIELD(hd_axis_attr, axis, INT, .standard = "0", .main = true, .help = "< 0: from the end")};
static const hd_fields fields = HD_FIELDS("concat", hd_axis_attr, field);

static const hd_axis_attr one = {1}, last = {-1}, third = {2};
#define I_ \
  { HD_FILL_INDEX, HD_FILL_INDEX }
static const hd_case cases[] = {
    {.in = {{HD_F32, {1, {1}}}, {HD_F32, {1, {7}}}}},
    {.in = {{HD_F32, {2, {2, 3}}}, {HD_F32, {2, {5, 3}}}, {HD_F32, {2, {1, 3}}}}},
    {.in = {{HD_F32, {3, {2, 1, 3}}}, {HD_F32, {3, {2, 5, 3}}}}, .attr = &one},
    {.in = {{HD_F32, {2, {3, 5}}}, {HD_F32, {2, {3, 2}}}, {HD_F32, {2, {3, 1}}}}, .attr = &last},
    {.in = {{HD_F32, {2, {3, 5}}}}, .attr = &last},
    {.in = {{HD_I32, {1, {3}}}, {HD_I32, {1, {4}}}}, .fill = I_, .limit = 9},
    {.in = {{HD_F32, {2, {2, 3}}}, {HD_F32, {2, {2, 4}}}},
     .refuse = "inputs (2, 3) and (2, 4) along axis 0: the other axes must be equal"},
    {.in = {{HD_F32, {2, {2, 3}}}, {HD_F32, {1, {3}}}}, .refuse = "inputs (2, 3) and (3)"},
    {.in = {{HD_F32, {2, {2, 3}}}, {HD_F32, {2, {2, 3}}}},
     .attr = &third,
     .refuse = "no axis 2 in (2, 3)"},
    {.in = {{HD_F32, {1, {3}}}, {HD_I32, {1, {3}}}}, .refuse = "input 0 is f32, input 1 is i32"},
    {.in = {{HD_F32, {0}}, {HD_F32, {0}}}, .refuse = "no axis 0 in ()"},
    {0}};

const hd_op hd_def_concat = {.name = "concat",
                             .onnx = "Concat",
                             .math = "y = the inputs side by side along an axis",
                             .fields = &fields,
                             .min_in = 1,
                             .max_in = MOST,
                             .n_out = 1,
                             .shape = shape,
                             HD_REFS(concat),
                             .grad = grad,
                             .lower = lower,
                             .rewrite = rewrite,
                             .cost = hd_cost_nothing,
                             .cases = cases};

// More inputs than a node has: a chain, each node taking the result so far and what still fits.
hd_val hd_concat(const hd_val *x, int count, int axis) {
  hd_val in[MOST];
  int taken = HD_MIN(count, MOST);
  if (!x || count < 1) return (hd_val){0};
  hd_val y = hd_node_add(&hd_def_concat, &(hd_axis_attr){axis}, x, taken);
  while (taken < count) {
    int more = HD_MIN(count - taken, MOST - 1);
    in[0] = y;
    memcpy(in + 1, x + taken, sizeof *x * (size_t)more);
    y = hd_node_add(&hd_def_concat, &(hd_axis_attr){axis}, in, more + 1);
    taken += more;
  }
  return y;
}
#endif
