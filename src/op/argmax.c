// y = index of the largest x along an axis: the first of equals; NaN wins
#include "op.h"

typedef struct {
  HD_OPTIONS;
  int axis;
} options;  // < 0: from the end

static int axis_of(const void *attr, int rank) {
  int axis = ((const options *)attr)->axis;
  return axis < 0 ? axis + rank : axis;
}

HD_REF(argmax) {
  (void)part;
  hd_shape s = a->in_type[0].shape;
  int axis = axis_of(a->attr, s.rank);
  int64_t count = s.d[axis], outer = 1, inner = 1;
  for (int i = 0; i < axis; i++) outer *= s.d[i];
  for (int i = axis + 1; i < s.rank; i++) inner *= s.d[i];
  int32_t *y = a->out[0];
  for (int64_t o = 0; o < outer; o++)
    for (int64_t i = 0; i < inner; i++) {
      const real *x = (const real *)a->in[0] + o * count * inner + i;
      int64_t best = 0;
      for (int64_t k = 1; k < count; k++) {
        real v = x[k * inner], most = x[best * inner];
        if (v > most || (v != v && most == most)) best = k;
      }
      *y++ = (int32_t)best;
    }
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  hd_shape x = r->in[0].shape, y = {.rank = x.rank - 1};
  char t[96];
  int axis = axis_of(r->attr, x.rank);
  if (hd_rule_real(r, 0)) return HD_E_SHAPE;
  if (axis < 0 || axis >= x.rank)
    return hd_refuse(r, "x is %s: it has no axis %d", hd_text_of(x, t),
                     ((const options *)r->attr)->axis);
  if (x.d[axis] == 0 || x.d[axis] > INT32_MAX)
    return hd_refuse(r, "axis %d of %s must hold 1 to 2147483647 elements", axis, hd_text_of(x, t));
  for (int i = 0; i < y.rank; i++) y.d[i] = x.d[i + (i >= axis)];
  r->out[0] = (hd_type){HD_I32, y};
  return HD_OK;
}

enum { BLOCK = 64 };  // rows of a part
typedef struct {
  const hd_kernels *kernels;
  int64_t rows, columns;
} prepared;
static void run(const hd_args *a, int64_t part) {
  const prepared *p = a->data;
  int64_t row = part * BLOCK;
  p->kernels->argmax_rows(HD_MIN(BLOCK, p->rows - row), p->columns,
                          (const float *)a->in[0] + row * p->columns, (int32_t *)a->out[0] + row);
}

static hd_status lower(hd_lowering *l) {
  hd_shape x = l->rule->in[0].shape;
  int64_t count = hd_shape_count(x), columns = x.d[x.rank - 1];
  if (axis_of(l->rule->attr, x.rank) != x.rank - 1 || count < 1) return HD_OK;
  prepared *p = l->data = hd_lower_alloc(l, sizeof *p);
  if (!p) return HD_E_MEMORY;
  *p = (prepared){l->kernels, count / columns, columns};
  l->phases = 1;
  l->phase[0].run = run;
  l->phase[0].parts = (p->rows + BLOCK - 1) / BLOCK;
  l->flop = (double)count;
  return HD_OK;
}

static const hd_field field[] = {HD_FIELD(options, axis, INT, .standard = "0", .low = -HD_MAX_RANK,
                                          .high = HD_MAX_RANK - 1, .main = true,
                                          .help = "below 0: from the end")};
static const hd_fields fields = HD_FIELDS("argmax", options, field);

static const options last = {.axis = -1}, middle = {.axis = 1}, third = {.axis = 3};
static const hd_case cases[] = {
    {.in = {{HD_F32, {1, {7}}}}, .fill = {HD_FILL_DISTINCT}},
    {.in = {{HD_F32, {2, {70, 10}}}}, .fill = {HD_FILL_DISTINCT}, .attr = &last},
    {.in = {{HD_F32, {2, {3, 1}}}}, .attr = &last},
    {.in = {{HD_F32, {2, {3, 37}}}}, .fill = {HD_FILL_DISTINCT}, .attr = &last},
    {.in = {{HD_F32, {2, {9, 20}}}}, .fill = {HD_FILL_TRUTH}, .attr = &last},
    {.in = {{HD_F32, {3, {3, 5, 2}}}}, .fill = {HD_FILL_DISTINCT}, .attr = &middle},
    {.in = {{HD_F32, {3, {3, 5, 2}}}},
     .attr = &third,
     .refuse = "x is (3, 5, 2): it has no axis 3"},
    {.in = {{HD_F32, {2, {3, 0}}}}, .attr = &last, .refuse = "must hold 1 to"},
    {0}};

const hd_op hd_def_argmax = {.name = "argmax",
                             .onnx = "ArgMax",
                             .math = "y = the index of the largest x along an axis",
                             .fields = &fields,
                             .min_in = 1,
                             .max_in = 1,
                             .n_out = 1,
                             .shape = shape,
                             HD_REFS(argmax),
                             .lower = lower,
                             .cases = cases};

hd_val hd_argmax(hd_val x, int axis) {
  return hd_node_add(&hd_def_argmax, &(options){.axis = axis}, &x, 1);
}
#endif
