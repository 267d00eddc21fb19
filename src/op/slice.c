// y = `length` entries of x along an axis, from `start`; and unslice, its transpose
#include "layout.h"

// Inputs after x, of slice: values before[] whose sizes along the axis are added to start, and then
// one that gives the length. Only their shapes are read: this is how sizes that are bound later are
// sliced. Of unslice: the value that gives the shape, and then before[].
typedef struct {
  int axis;
  int64_t start, length;
} attr;

// The part of `whole` (x of slice, the result of unslice) that is meant; sizes are concrete.
typedef struct {
  int axis;
  int64_t outer, inner, start;
} place;
static place find(const attr *o, const hd_shape *whole, const hd_type *before, int count) {
  place p = {hd_axis_of(o->axis, whole->rank), 1, 1, o->start};
  if (p.start < 0) p.start += whole->d[p.axis];
  for (int i = 0; i < count; i++) p.start += before[i].shape.d[p.axis];
  for (int i = 0; i < p.axis; i++) p.outer *= whole->d[i];
  for (int i = p.axis + 1; i < whole->rank; i++) p.inner *= whole->d[i];
  return p;
}

// Rows of `length` entries between x and y, whose rows are from and to entries long.
static void copy_rows(const hd_args *a, place p, int64_t from, int64_t x_at, int64_t to,
                      int64_t y_at, int64_t length) {
  int64_t bytes = p.inner * (int64_t)hd_dtype_size(a->out_type->dtype);
  for (int64_t i = 0; i < p.outer; i++)
    memcpy((char *)a->out[0] + (i * to + y_at) * bytes,
           (const char *)a->in[0] + (i * from + x_at) * bytes, (size_t)(length * bytes));
}

HD_REF(slice) {
  (void)part;
  place p = find(a->attr, &a->in_type->shape, a->in_type + 1, a->n_in - 2);
  int64_t size = a->in_type->shape.d[p.axis], length = a->out_type->shape.d[p.axis];
  copy_rows(a, p, size, p.start, length, 0, length);
}

HD_REF(unslice) {
  (void)part;
  place p = find(a->attr, &a->out_type->shape, a->in_type + 2, a->n_in - 2);
  int64_t size = a->out_type->shape.d[p.axis], length = a->in_type->shape.d[p.axis];
  memset(a->out[0], 0, (size_t)hd_args_count(a->out_type) * hd_dtype_size(a->out_type->dtype));
  copy_rows(a, p, length, 0, size, p.start, length);
}

#ifndef HD_REF64
// Refuses what cannot fit, as far as sizes are known. before: inputs whose sizes move the start.
static hd_status fits(hd_rule *r, hd_shape whole, int before, int count, int64_t length) {
  const attr *o = r->attr;
  char t[96];
  int axis = hd_axis_of(o->axis, whole.rank);
  int64_t size = whole.d[axis], start = o->start;
  bool known = size >= 0, bad = start < 0 && (known ? start + size < 0 : !count && length > -start);
  if (start < 0) start = known ? start + size : 0;
  for (int i = before; i < before + count; i++) start += HD_MAX(r->in[i].shape.d[axis], 0);
  if (!bad && (!known || (start <= size && length <= size - start))) return HD_OK;
  return hd_refuse(r, "start %lld and length %lld do not fit axis %d of %s", (long long)o->start,
                   (long long)length, axis, hd_text_of(whole, t));
}

static hd_status shape(hd_rule *r) {
  const attr *o = r->attr;
  hd_shape x = r->in[0].shape, y = x;
  int axis = hd_axis_of(o->axis, x.rank);
  char a[96], b[96];
  int64_t length = hd_bind(r->graph, o->length);
  if (axis < 0) return hd_refuse(r, "no axis %d in %s", o->axis, hd_text_of(x, a));
  for (int i = 1; i < r->n_in; i++)
    if (r->in[i].shape.rank != x.rank)
      return hd_refuse(r, "x is %s: input %d, %s, must have its rank", hd_text_of(x, a), i,
                       hd_text_of(r->in[i].shape, b));
  if (r->n_in > 1) {
    length = r->in[r->n_in - 1].shape.d[axis];
  } else if (length == HD_ANY) {  // up to the end
    if (o->start < 0) length = -o->start;
    else if (!o->start) length = x.d[axis];
    else if (x.d[axis] >= 0) length = x.d[axis] - o->start;
    if (length < 0 && x.d[axis] >= 0) length = 0;
  } else if (!length || length < HD_LENGTH) {
    return hd_refuse(r, "length %lld; HD_ANY goes to the end", (long long)length);
  }
  if (fits(r, x, 1, r->n_in - 2, length)) return HD_E_SHAPE;
  y.d[axis] = length;
  r->out[0] = (hd_type){r->in[0].dtype, y};
  return HD_OK;
}

static hd_status unslice_shape(hd_rule *r) {
  int given = ((const attr *)r->attr)->axis;
  hd_shape x = r->in[0].shape, y = r->in[1].shape;
  char a[96], b[96];
  int axis = hd_axis_of(given, y.rank);
  bool fit = axis >= 0;
  for (int i = 2; fit && i < r->n_in; i++) fit = r->in[i].shape.rank == y.rank;
  fit = fit && x.rank == y.rank;
  for (int i = 0; fit && i < y.rank; i++) fit = i == axis || hd_dim_fits(x.d[i], y.d[i]);
  if (!fit)
    return hd_refuse(r, "%s is no slice of %s along axis %d", hd_text_of(x, a), hd_text_of(y, b),
                     given);
  if (fits(r, y, 2, r->n_in - 2, x.d[axis])) return HD_E_SHAPE;
  r->out[0] = (hd_type){r->in[0].dtype, y};
  return HD_OK;
}

static void grad(hd_grad_rule *g) {
  const hd_val *x = g->rule->value;
  hd_val in[HD_MAX_IN] = {g->dy[0], x[0]};
  int before = HD_MAX(g->rule->n_in - 2, 0);
  attr o = *(const attr *)g->rule->attr;
  o.length = 0;
  for (int i = 0; i < before; i++) in[2 + i] = x[1 + i];
  g->dx[0] = hd_node_add(&hd_def_unslice, &o, in, 2 + before);
}

static void unslice_grad(hd_grad_rule *g) {
  const hd_val *x = g->rule->value;
  const attr *o = g->rule->attr;
  if (g->want[0])
    g->dx[0] = hd_slice_like(g->dy[0], o->axis, o->start, x + 2, g->rule->n_in - 2, x[0]);
}

static hd_val rewrite(hd_rule *r, bool train) {
  (void)train;
  place p = find(r->attr, &r->in[0].shape, r->in + 1, r->n_in - 2);
  int64_t length = r->out[0].shape.d[p.axis];
  if (length == r->in[0].shape.d[p.axis]) return r->value[0];
  return r->n_in > 1 ? hd_slice(r->value[0], p.axis, p.start, length) : (hd_val){0};
}

static hd_val unslice_rewrite(hd_rule *r, bool train) {
  (void)train;
  place p = find(r->attr, &r->out[0].shape, r->in + 2, r->n_in - 2);
  int64_t after = r->out[0].shape.d[p.axis] - p.start - r->in[0].shape.d[p.axis];
  if (p.start > INT32_MAX || after > INT32_MAX) return (hd_val){0};
  hd_pad_options pad = {.value = 0};
  pad.before[p.axis] = (int)p.start;
  pad.after[p.axis] = (int)after;
  return (hd_pad)(r->value[0], pad);
}

static hd_status lower(hd_lowering *l) {
  const hd_rule *r = l->rule;
  hd_piece piece = {.box = {.rank = r->out[0].shape.rank}};
  piece.box.size = (int)hd_dtype_size(r->out[0].dtype);
  place p = find(r->attr, &r->in[0].shape, r->in + 1, r->n_in - 2);
  memcpy(piece.box.d, r->out[0].shape.d, sizeof piece.box.d);
  hd_row_strides(r->in[0].shape, piece.box.from);
  hd_row_strides(r->out[0].shape, piece.box.to);
  piece.from = p.start * p.inner;
  return hd_lower_pieces(l, &piece, 1, NULL);
}

static const hd_field field[] = {
    HD_FIELD(attr, axis, INT, .standard = "0", .help = "< 0: from the end"),
    HD_FIELD(attr, start, INT64, .standard = "0", .help = "< 0: from the end"),
    HD_FIELD(attr, length, INT64, .standard = "", .help = "HD_ANY: up to the end")};
static const hd_fields fields = HD_FIELDS("slice", attr, field);

static const attr first = {0, 0, 1}, middle = {1, 1, 3}, end = {-1, -2, 2}, rest = {0, 2, HD_ANY},
                  all = {0, 0, HD_ANY}, long_ = {1, 3, 3}, before = {0, -4, 1}, empty = {0},
                  like = {0}, like1 = {1, 1, 0}, wide = {2, 0, 1};
static const hd_case cases[] = {
    {.in = {{HD_F32, {1, {7}}}}, .attr = &first},
    {.in = {{HD_F32, {3, {2, 5, 3}}}}, .attr = &middle},
    {.in = {{HD_F32, {2, {3, 5}}}}, .attr = &end},
    {.in = {{HD_F32, {2, {5, 1}}}}, .attr = &rest},
    {.in = {{HD_F32, {2, {3, 2}}}}, .attr = &all},
    {.in = {{HD_F32, {2, {7, 2}}}, {HD_F32, {2, {3, 2}}}, {HD_F32, {2, {2, 2}}}}, .attr = &like},
    {.in = {{HD_U8, {2, {3, 5}}}}, .attr = &middle, .fill = {HD_FILL_INDEX}, .limit = 256},
    {.in = {{HD_F32, {2, {2, 5}}}},
     .attr = &long_,
     .refuse = "start 3 and length 3 do not fit axis 1 of (2, 5)"},
    {.in = {{HD_F32, {1, {3}}}}, .attr = &before, .refuse = "start -4 and length 1 do not fit"},
    {.in = {{HD_F32, {1, {3}}}}, .attr = &empty, .refuse = "length 0; HD_ANY goes to the end"},
    {.in = {{HD_F32, {1, {3}}}}, .attr = &wide, .refuse = "no axis 2 in (3)"},
    {.in = {{HD_F32, {1, {3}}}, {HD_F32, {2, {1, 1}}}},
     .refuse = "input 1, (1, 1), must have its rank"},
    {0}};
static const hd_case unslice_cases[] = {
    {.in = {{HD_F32, {1, {2}}}, {HD_F32, {1, {5}}}}, .attr = &rest},
    {.in = {{HD_F32, {2, {2, 3}}}, {HD_F32, {2, {2, 5}}}}, .attr = &like1},
    {.in = {{HD_F32, {2, {3, 2}}}, {HD_F32, {2, {3, 7}}}}, .attr = &end},
    {.in = {{HD_F32, {2, {2, 2}}}, {HD_F32, {2, {7, 2}}}, {HD_F32, {2, {4, 2}}}}, .attr = &like},
    {.in = {{HD_F32, {2, {2, 3}}}, {HD_F32, {2, {3, 5}}}},
     .attr = &like1,
     .refuse = "(2, 3) is no slice of (3, 5) along axis 1"},
    {.in = {{HD_F32, {1, {2}}}, {HD_F32, {1, {3}}}},
     .attr = &rest,
     .refuse = "start 2 and length 2 do not fit axis 0 of (3)"},
    {0}};

const hd_op hd_def_slice = {.name = "slice",
                            .onnx = "Slice",
                            .math = "y[i] = x[start + i] along an axis",
                            .fields = &fields,
                            .min_in = 1,
                            .max_in = HD_MAX_IN,
                            .n_out = 1,
                            .shape = shape,
                            HD_REFS(slice),
                            .grad = grad,
                            .lower = lower,
                            .rewrite = rewrite,
                            .cost = hd_cost_nothing,
                            .cases = cases};

const hd_op hd_def_unslice = {.name = "unslice",
                              .math = "y[start + i] = x[i] along an axis, else 0",
                              .fields = &fields,
                              .min_in = 2,
                              .max_in = HD_MAX_IN,
                              .n_out = 1,
                              .shape = unslice_shape,
                              HD_REFS(unslice),
                              .grad = unslice_grad,
                              .rewrite = unslice_rewrite,
                              .cost = hd_cost_nothing,
                              .cases = unslice_cases};

hd_val hd_slice(hd_val x, int axis, int64_t start, int64_t length) {
  return hd_node_add(&hd_def_slice, &(attr){axis, start, length}, &x, 1);
}

hd_val hd_slice_like(hd_val x, int axis, int64_t start, const hd_val *before_, int count,
                     hd_val like_) {
  hd_val in[HD_MAX_IN] = {x};
  for (int i = 0; i < count; i++) in[1 + i] = before_[i];
  in[1 + count] = like_;
  return hd_node_add(&hd_def_slice, &(attr){axis, start, 0}, in, count + 2);
}
#endif
