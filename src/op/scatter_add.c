// y[index[i...], d...] += x[i..., d...]: the transpose of gather
#include "layout.h"

// rows: of the result. A third input gives them instead (its first axis; only its shape is read).
typedef struct {
  int64_t rows;
} attr;

// Columns [first, last) of the rows, `columns` wide: each element is summed in the order of index.
static void add(const hd_args *a, int64_t columns, int64_t first, int64_t last) {
  int64_t rows = a->out_type->shape.d[0], n = hd_args_count(&a->in_type[1]);
  const int32_t *index = a->in[1];
  const real *x = a->in[0];
  real *y = a->out[0];
  for (int64_t i = 0; i < rows; i++)
    for (int64_t k = first; k < last; k++) y[i * columns + k] = 0;
  for (int64_t i = 0; i < n; i++) {
    if (index[i] < 0 || index[i] >= rows) continue;
    real *to = y + index[i] * columns;
    const real *from = x + i * columns;
    for (int64_t k = first; k < last; k++) to[k] += from[k];
  }
}

static int64_t columns_of(const hd_shape *y) {
  int64_t n = 1;
  for (int i = 1; i < y->rank; i++) n *= y->d[i];
  return n;
}

HD_REF(scatter_add) {
  (void)part;
  int64_t columns = columns_of(&a->out_type->shape);
  add(a, columns, 0, columns);
}

#ifndef HD_REF64
enum { BLOCK = 64 };  // columns of a part

static hd_status shape(hd_rule *r) {
  hd_shape x = r->in[0].shape, index = r->in[1].shape, y = {.rank = 1};
  char a[96], b[96];
  int64_t rows = hd_bind(r->graph, ((const attr *)r->attr)->rows);
  if (hd_rule_real(r, 0)) return HD_E_SHAPE;
  if (r->in[1].dtype != HD_I32)
    return hd_refuse(r, "the index is %s, must be i32; use hd_cast", hd_dtype_name(r->in[1].dtype));
  bool fits = x.rank >= index.rank && x.rank - index.rank < HD_MAX_RANK;
  for (int i = 0; fits && i < index.rank; i++) fits = hd_dim_fits(x.d[i], index.d[i]);
  if (!fits)
    return hd_refuse(r, "x %s must begin with the axes of the index %s", hd_text_of(x, a),
                     hd_text_of(index, b));
  if (r->n_in > 2) {
    if (!r->in[2].shape.rank) return hd_refuse(r, "the value that gives the rows is a scalar");
    rows = r->in[2].shape.d[0];
  } else if (!rows || rows < HD_LENGTH) {
    return hd_refuse(r, "%lld rows; at least 1 is needed", (long long)rows);
  }
  y.d[0] = rows;
  for (int i = index.rank; i < x.rank; i++) y.d[y.rank++] = x.d[i];
  r->out[0] = (hd_type){r->in[0].dtype, y};
  return HD_OK;
}

static void grad(hd_grad_rule *g) {
  if (g->want[0]) g->dx[0] = hd_gather(g->dy[0], g->rule->value[1]);
}

static hd_val rewrite(hd_rule *r, bool train) {
  (void)train;
  if (r->n_in == 2) return (hd_val){0};
  return hd_scatter_add(r->value[0], r->value[1], r->out[0].shape.d[0]);
}

static void run(const hd_args *a, int64_t part) {
  int64_t columns = columns_of(&a->out_type->shape);
  add(a, columns, part * BLOCK, HD_MIN(columns, (part + 1) * BLOCK));
}

static hd_status lower(hd_lowering *l) {
  int64_t columns = columns_of(&l->rule->out[0].shape);
  if (columns <= BLOCK) return HD_OK;  // the plain loop is as good
  l->phases = 1;
  l->phase[0].run = run;
  l->phase[0].parts = (columns + BLOCK - 1) / BLOCK;
  return HD_OK;
}

static void cost(const hd_rule *r, double *flop) { *flop = (double)hd_shape_count(r->in[0].shape); }

static const hd_field field[] = {HD_FIELD(attr, rows, INT64, .standard = "", .low = 1, .high = 9e15,
                                          .main = true, .help = "of the result")};
static const hd_fields fields = HD_FIELDS("scatter_add", attr, field);

static const attr five = {5}, none = {0};
#define I_ .fill = {HD_FILL_ANY, HD_FILL_INDEX}
static const hd_case cases[] = {
    {.in = {{HD_F32, {1, {3}}}, {HD_I32, {0}}}, I_, .limit = 5, .attr = &five},
    {.in = {{HD_F32, {2, {7, 3}}}, {HD_I32, {1, {7}}}}, I_, .limit = 5, .attr = &five},
    {.in = {{HD_F32, {2, {2, 3}}}, {HD_I32, {2, {2, 3}}}}, I_, .limit = 7, .attr = &five},
    {.in = {{HD_F32, {2, {3, 2}}}, {HD_I32, {1, {3}}}, {HD_F32, {2, {4, 2}}}}, I_, .limit = 4},
    {.in = {{HD_F32, {2, {3, 130}}}, {HD_I32, {1, {3}}}}, I_, .limit = 5, .attr = &five},
    {.in = {{HD_F32, {2, {7, 3}}}, {HD_I32, {1, {6}}}},
     .attr = &five,
     .refuse = "x (7, 3) must begin with the axes of the index (6)"},
    {.in = {{HD_F32, {1, {7}}}, {HD_F32, {1, {7}}}}, .attr = &five, .refuse = "must be i32"},
    {.in = {{HD_F32, {1, {7}}}, {HD_I32, {1, {7}}}}, .attr = &none, .refuse = "0 rows"},
    {0}};

const hd_op hd_def_scatter_add = {.name = "scatter_add",
                                  .math = "y[index[i], d] += x[i, d]",
                                  .fields = &fields,
                                  .min_in = 2,
                                  .max_in = 3,
                                  .n_out = 1,
                                  .shape = shape,
                                  HD_REFS(scatter_add),
                                  .grad = grad,
                                  .lower = lower,
                                  .rewrite = rewrite,
                                  .cost = cost,
                                  .cases = cases};

hd_val hd_scatter_add(hd_val x, hd_val index, int64_t rows) {
  return hd_node_add(&hd_def_scatter_add, &(attr){rows}, (hd_val[]){x, index}, 2);
}

hd_val hd_scatter_add_like(hd_val x, hd_val index, hd_val like) {
  return hd_node_add(&hd_def_scatter_add, NULL, (hd_val[]){x, index, like}, 3);
}
#endif
