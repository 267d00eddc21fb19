// y[i..., d...] = table[index[i...], d...]
#include "layout.h"

// Rows of `each` bytes; a row that the table lacks is zeros.
static void take(const hd_args *a, int64_t first, int64_t last) {
  int64_t rows = a->in_type[0].shape.d[0], each = (int64_t)hd_dtype_size(a->in_type[0].dtype);
  for (int i = 1; i < a->in_type[0].shape.rank; i++) each *= a->in_type[0].shape.d[i];
  const int32_t *index = a->in[1];
  for (int64_t i = first; i < last; i++) {
    char *y = (char *)a->out[0] + i * each;
    if (index[i] < 0 || index[i] >= rows) memset(y, 0, (size_t)each);
    else memcpy(y, (const char *)a->in[0] + index[i] * each, (size_t)each);
  }
}

HD_REF(gather) {
  (void)part;
  take(a, 0, hd_args_count(&a->in_type[1]));
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  hd_shape table = r->in[0].shape, y = r->in[1].shape;
  char a[96], b[96];
  if (r->in[1].dtype != HD_I32)
    return hd_refuse(r, "the index is %s, must be i32; use hd_cast", hd_dtype_name(r->in[1].dtype));
  if (!table.rank || y.rank + table.rank - 1 > HD_MAX_RANK)
    return hd_refuse(r,
                     "table %s, index %s: the table needs an axis of rows, the result has at "
                     "most %d axes",
                     hd_text_of(table, a), hd_text_of(y, b), HD_MAX_RANK);
  for (int i = 1; i < table.rank; i++) y.d[y.rank++] = table.d[i];
  r->out[0] = (hd_type){r->in[0].dtype, y};
  return HD_OK;
}

static void grad(hd_grad_rule *g) {
  const hd_val *x = g->rule->value;
  if (g->want[0]) g->dx[0] = hd_scatter_add_like(g->dy[0], x[1], x[0]);
}

static void run(const hd_args *a, int64_t part) {
  int64_t step = *(const int64_t *)a->data, n = hd_args_count(&a->in_type[1]);
  take(a, part * step, HD_MIN(n, (part + 1) * step));
}

static hd_status lower(hd_lowering *l) {
  int64_t n = hd_shape_count(l->rule->in[1].shape), all = hd_shape_count(l->rule->out[0].shape);
  if (!all) return HD_OK;
  int64_t *step = l->data = hd_lower_alloc(l, sizeof *step);
  if (!step) return HD_E_MEMORY;
  *step = HD_MAX(1, HD_PART_ELEMENTS / (all / n));
  l->phases = 1;
  l->phase[0].run = run;
  l->phase[0].parts = (n + *step - 1) / *step;
  return HD_OK;
}

#define I_ .fill = {HD_FILL_ANY, HD_FILL_INDEX}
static const hd_case cases[] = {
    {.in = {{HD_F32, {2, {5, 3}}}, {HD_I32, {0}}}, I_, .limit = 5},
    {.in = {{HD_F32, {2, {5, 3}}}, {HD_I32, {1, {7}}}}, I_, .limit = 5},
    {.in = {{HD_F32, {1, {5}}}, {HD_I32, {2, {2, 3}}}}, I_, .limit = 5},
    {.in = {{HD_F32, {3, {4, 1, 3}}}, {HD_I32, {2, {3, 2}}}}, I_, .limit = 6},
    {.in = {{HD_F32, {2, {5, 3}}}, {HD_F32, {1, {7}}}}, .refuse = "the index is f32, must be i32"},
    {.in = {{HD_F32, {0}}, {HD_I32, {1, {7}}}}, .refuse = "table (), index (7)"},
    {0}};

const hd_op hd_def_gather = {.name = "gather",
                             .onnx = "Gather",
                             .math = "y[i, d] = table[index[i], d]",
                             .min_in = 2,
                             .max_in = 2,
                             .n_out = 1,
                             .shape = shape,
                             HD_REFS(gather),
                             .grad = grad,
                             .lower = lower,
                             .cost = hd_cost_nothing,
                             .cases = cases};

hd_val hd_gather(hd_val table, hd_val index) {
  return hd_node_add(&hd_def_gather, NULL, (hd_val[]){table, index}, 2);
}
#endif
