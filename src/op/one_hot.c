// y[i..., k] = index[i...] == k
#include "layout.h"

typedef struct {
  int64_t depth;
} attr;

// The result is f32 also among doubles.
HD_REF(one_hot) {
  (void)part;
  int64_t depth = a->out_type->shape.d[a->out_type->shape.rank - 1];
  const int32_t *index = a->in[0];
  for (int64_t i = 0, n = hd_args_count(a->in_type); i < n; i++)
    for (int64_t k = 0; k < depth; k++) {
      if (a->out_type->dtype == HD_F64) ((double *)a->out[0])[i * depth + k] = index[i] == k;
      else ((float *)a->out[0])[i * depth + k] = index[i] == k;
    }
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  hd_shape y = r->in[0].shape;
  char t[96];
  int64_t depth = ((const attr *)r->attr)->depth;
  if (r->in[0].dtype != HD_I32)
    return hd_refuse(r, "the index is %s, must be i32; use hd_cast", hd_dtype_name(r->in[0].dtype));
  if (depth < 1) return hd_refuse(r, "depth %lld, must be at least 1", (long long)depth);
  if (y.rank == HD_MAX_RANK)
    return hd_refuse(r, "index %s: no axis is left for the depth", hd_text_of(y, t));
  y.d[y.rank++] = depth;
  r->out[0] = (hd_type){HD_F32, y};
  return HD_OK;
}

static void run(const hd_args *a, int64_t part) {
  int64_t depth = a->out_type->shape.d[a->out_type->shape.rank - 1], n = hd_args_count(a->in_type);
  int64_t step = *(const int64_t *)a->data, last = HD_MIN(n, (part + 1) * step);
  const int32_t *index = a->in[0];
  float *y = a->out[0];
  memset(y + part * step * depth, 0, sizeof *y * (size_t)((last - part * step) * depth));
  for (int64_t i = part * step; i < last; i++)
    if (index[i] >= 0 && index[i] < depth) y[i * depth + index[i]] = 1;
}

static hd_status lower(hd_lowering *l) {
  int64_t n = hd_shape_count(l->rule->in[0].shape), all = hd_shape_count(l->rule->out[0].shape);
  if (!all || l->rule->out[0].dtype != HD_F32) return HD_OK;
  int64_t *step = l->data = hd_lower_alloc(l, sizeof *step);
  if (!step) return HD_E_MEMORY;
  *step = HD_MAX(1, HD_PART_ELEMENTS / (all / n));
  l->phases = 1;
  l->phase[0].run = run;
  l->phase[0].parts = (n + *step - 1) / *step;
  return HD_OK;
}

static const hd_field field[] = {HD_FIELD(attr, depth, INT64, .standard = "", .low = 1,
                                          .high = 9e15, .main = true, .help = "classes")};
static const hd_fields fields = HD_FIELDS("one_hot", attr, field);

static const attr five = {5}, one = {1}, none = {0};
#define I_ .fill = {HD_FILL_INDEX}
static const hd_case cases[] = {
    {.in = {{HD_I32, {0}}}, I_, .limit = 5, .attr = &five},
    {.in = {{HD_I32, {1, {7}}}}, I_, .limit = 6, .attr = &five},
    {.in = {{HD_I32, {2, {3, 5}}}}, I_, .limit = 2, .attr = &one},
    {.in = {{HD_F32, {1, {3}}}},
     .attr = &five,
     .refuse = "the index is f32, must be i32; use hd_cast"},
    {.in = {{HD_I32, {1, {3}}}}, .attr = &none, .refuse = "depth 0, must be at least 1"},
    {0}};

const hd_op hd_def_one_hot = {.name = "one_hot",
                              .onnx = "OneHot",
                              .math = "y[i, k] = index[i] == k",
                              .fields = &fields,
                              .min_in = 1,
                              .max_in = 1,
                              .n_out = 1,
                              .shape = shape,
                              HD_REFS(one_hot),
                              .lower = lower,
                              .cost = hd_cost_nothing,
                              .cases = cases};

hd_val hd_one_hot(hd_val index, int64_t depth) {
  return hd_node_add(&hd_def_one_hot, &(attr){depth}, &index, 1);
}
#endif
