// y = x with a border of `value`
#include "layout.h"

// The value as an element; 8 bytes hold any.
static int64_t element(hd_dtype dtype, float value) {
  int64_t bytes = 0;
  if (dtype == HD_F32) memcpy(&bytes, &value, sizeof value);
  else if (dtype == HD_F64) memcpy(&bytes, &(double){value}, sizeof(double));
  else if (dtype == HD_I32) memcpy(&bytes, &(int32_t){(int32_t)value}, sizeof(int32_t));
  else memcpy(&bytes, &(uint8_t){dtype == HD_BOOL ? value != 0 : (uint8_t)value}, 1);
  return bytes;
}

HD_REF(pad) {
  (void)part;
  const hd_pad_options *o = a->attr;
  const hd_shape *x = &a->in_type->shape, *y = &a->out_type->shape;
  int64_t value = element(a->out_type->dtype, o->value);
  int64_t size = (int64_t)hd_dtype_size(a->out_type->dtype);
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++) {
    int64_t left = i, at = 0, stride = 1;
    bool inside = true;
    for (int k = y->rank - 1; k >= 0; k--) {
      int64_t j = left % y->d[k] - o->before[k];
      left /= y->d[k];
      inside = inside && j >= 0 && j < x->d[k];
      at += j * stride;
      stride *= x->d[k];
    }
    const void *from = inside ? (const char *)a->in[0] + at * size : (const char *)&value;
    memcpy((char *)a->out[0] + i * size, from, (size_t)size);
  }
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  const hd_pad_options *o = r->attr;
  hd_shape y = r->in[0].shape;
  char t[96];
  hd_dtype dtype = r->in[0].dtype;
  bool byte = dtype == HD_U8 || dtype == HD_BOOL, real_ = dtype == HD_F32 || dtype == HD_F64;
  if (!real_ && dtype != HD_I32 && !byte)
    return hd_refuse(r, "x is %s, must be f32, f64, i32, u8 or bool; use hd_cast",
                     hd_dtype_name(dtype));
  // 16777216 = 2^24, the integers of a float; also refuses NaN.
  if (!real_ && !(o->value >= (byte ? 0 : -16777216) && o->value <= (byte ? 255 : 16777216)))
    return hd_refuse(r, "the value %g is no %s", (double)o->value, hd_dtype_name(dtype));
  for (int i = 0; i < HD_MAX_RANK; i++) {
    int64_t more = (int64_t)o->before[i] + o->after[i];
    if (o->before[i] < 0 || o->after[i] < 0)
      return hd_refuse(r, "axis %d is padded by %d and %d; use hd_slice to cut", i, o->before[i],
                       o->after[i]);
    if (more && i >= y.rank) return hd_refuse(r, "axis %d is padded, x is %s", i, hd_text_of(y, t));
    if (!more) continue;
    if (y.d[i] < 0) y.d[i] = HD_ANY;
    else if (!hd_add_size(y.d[i], more, &y.d[i])) return hd_refuse(r, "axis %d is too large", i);
  }
  r->out[0] = (hd_type){r->in[0].dtype, y};
  return HD_OK;
}

static void grad(hd_grad_rule *g) {
  const hd_pad_options *o = g->rule->attr;
  g->dx[0] = g->dy[0];
  for (int i = 0; i < g->rule->in[0].shape.rank; i++)
    if (o->before[i] || o->after[i])
      g->dx[0] = hd_slice_like(g->dx[0], i, o->before[i], NULL, 0, g->rule->value[0]);
}

static hd_val rewrite(hd_rule *r, bool train) {
  (void)train;
  return hd_shape_equal(r->in[0].shape, r->out[0].shape) ? r->value[0] : (hd_val){0};
}

// x in the middle, and per axis two slabs of the value: inside x along the axes before it, all of
// y along those after it.
static hd_status lower(hd_lowering *l) {
  const hd_pad_options *o = l->rule->attr;
  const hd_shape *x = &l->rule->in[0].shape, *y = &l->rule->out[0].shape;
  hd_piece piece[1 + 2 * HD_MAX_RANK];
  hd_copy box = {.rank = y->rank, .size = (int)hd_dtype_size(l->rule->in[0].dtype)};
  int64_t first = 0, value = element(l->rule->in[0].dtype, o->value);
  hd_row_strides(*y, box.to);
  for (int i = 0; i < y->rank; i++) first += o->before[i] * box.to[i];
  memcpy(box.d, x->d, sizeof box.d);
  piece[0] = (hd_piece){.box = box, .to = first};
  hd_row_strides(*x, piece[0].box.from);
  memcpy(box.d, y->d, sizeof box.d);
  first = 0;
  int count = 1;
  for (int i = 0; i < y->rank; i++) {
    for (int side = 0; side < 2; side++) {
      box.d[i] = side ? o->after[i] : o->before[i];
      int64_t at = side ? y->d[i] - o->after[i] : 0;
      piece[count++] = (hd_piece){.box = box, .in = -1, .to = first + at * box.to[i]};
    }
    box.d[i] = x->d[i];
    first += o->before[i] * box.to[i];
  }
  return hd_lower_pieces(l, piece, count, &value);
}

static const hd_field field[] = {
    HD_FIELD_ARRAY(hd_pad_options, before, INT, HD_MAX_RANK, .standard = "0",
                   .help = "entries before, per axis"),
    HD_FIELD_ARRAY(hd_pad_options, after, INT, HD_MAX_RANK, .standard = "0",
                   .help = "entries after, per axis"),
    HD_FIELD(hd_pad_options, value, REAL, .standard = "0", .help = "of the border")};
static const hd_fields fields = HD_FIELDS("pad", hd_pad_options, field);

static const hd_pad_options row = {.before = {2}, .after = {1}},
                            odd = {.before = {0, 1}, .after = {2}},
                            number = {.after = {3}, .value = -2}, cut = {.before = {-1}},
                            third = {.after = {0, 0, 1}},
                            value = {.before = {1, 2, 1}, .after = {3, 0, 2}, .value = 1.5f};
static const hd_case cases[] = {
    {.in = {{HD_F32, {0}}}},
    {.in = {{HD_F32, {1, {5}}}}, .attr = &row},
    {.in = {{HD_F32, {2, {3, 1}}}}, .attr = &odd},
    {.in = {{HD_F32, {3, {2, 3, 5}}}}, .attr = &value},
    {.in = {{HD_F32, {2, {3, 5}}}}},
    {.in = {{HD_F32, {1, {5}}}},
     .attr = &cut,
     .refuse = "axis 0 is padded by -1 and 0; use hd_slice"},
    {.in = {{HD_F32, {2, {3, 5}}}}, .attr = &third, .refuse = "axis 2 is padded, x is (3, 5)"},
    {.in = {{HD_I32, {1, {5}}}}, .attr = &number, .fill = {HD_FILL_INDEX}, .limit = 9},
    {.in = {{HD_BOOL, {2, {3, 5}}}}, .attr = &odd, .fill = {HD_FILL_TRUTH}},
    {.in = {{HD_U8, {1, {5}}}}, .attr = &number, .refuse = "the value -2 is no u8"},
    {.in = {{HD_F16, {1, {5}}}},
     .attr = &row,
     .refuse = "x is f16, must be f32, f64, i32, u8 or bool"},
    {0}};

const hd_op hd_def_pad = {.name = "pad",
                          .onnx = "Pad",
                          .math = "y = x with a border of value",
                          .fields = &fields,
                          .min_in = 1,
                          .max_in = 1,
                          .n_out = 1,
                          .shape = shape,
                          HD_REFS(pad),
                          .grad = grad,
                          .lower = lower,
                          .rewrite = rewrite,
                          .cost = hd_cost_nothing,
                          .cases = cases};

hd_val(hd_pad)(hd_val x, hd_pad_options options) {
  return hd_node_add(&hd_def_pad, &options, &x, 1);
}
#endif
