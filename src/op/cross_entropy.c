// y = -sum_k label[k] log softmax(logits)[k] per row; a class index stands for its one-hot row.
// An index outside 0 .. K-1 gives +infinity: it cannot be overlooked. Output 1 is softmax(logits),
// which the gradient reads.
#include "softmax.h"

HD_REF(cross_entropy) {
  (void)part;
  hd_shape s = a->in_type[0].shape;
  int64_t width = s.d[s.rank - 1], rows = hd_args_count(a->out_type);
  const int32_t *index = a->in_type[1].dtype == HD_I32 ? a->in[1] : NULL;
  real *y = a->out[0];
  for (int64_t r = 0; r < rows; r++) {
    const real *x = (const real *)a->in[0] + r * width,
               *label = index ? NULL : (const real *)a->in[1] + r * width;
    real most = x[0], sum = 0, loss = 0, *p = a->out[1] ? (real *)a->out[1] + r * width : NULL;
    for (int64_t k = 1; k < width; k++) most = x[k] > most ? x[k] : most;
    for (int64_t k = 0; k < width; k++) sum += M_(exp)(x[k] - most);
    for (int64_t k = 0; p && k < width; k++) p[k] = M_(exp)(x[k] - most) / sum;
    sum = M_(log)(sum);
    for (int64_t k = 0; label && k < width; k++)
      loss -= label[k] != 0 ? label[k] * (x[k] - most - sum) : 0;
    y[r] = !index                              ? loss
           : index[r] < 0 || index[r] >= width ? (real)INFINITY
                                               : most - x[index[r]] + sum;
  }
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  hd_shape x = r->in[0].shape, label = r->in[1].shape;
  char tx[96], tl[96];
  if (hd_rule_real(r, 0)) return HD_E_SHAPE;
  if (!x.rank || x.d[x.rank - 1] < 1)
    return hd_refuse(r, "logits must be (..., K) with a known number K of classes, got %s",
                     hd_text_of(x, tx));
  hd_dtype t = r->in[1].dtype;
  if (t != HD_I32 && t != r->in[0].dtype)
    return hd_refuse(r,
                     "label is %s; must be i32 class indices, or %s weights of the logits' shape",
                     hd_dtype_name(t), hd_dtype_name(r->in[0].dtype));
  bool fits = label.rank == x.rank - (t == HD_I32);
  for (int i = 0; fits && i < label.rank; i++) fits = hd_dim_fits(x.d[i], label.d[i]);
  if (!fits)
    return hd_refuse(r,
                     "label %s does not fit logits %s: i32 class indices have the logits' shape "
                     "without the last axis, weights all of it",
                     hd_text_of(label, tl), hd_text_of(x, tx));
  r->out[0] = (hd_type){r->in[0].dtype, {.rank = x.rank - 1}};
  for (int i = 0; i < x.rank - 1; i++)
    r->out[0].shape.d[i] = x.d[i] == HD_ANY ? label.d[i] : x.d[i];
  r->out[1] = r->in[0];
  return HD_OK;
}

// dlogits = (p sum(label) - label) dy, dlabel = -log softmax(logits) dy; and softmax's own rule for
// what arrives at p.
static void grad(hd_grad_rule *g) {
  hd_val x = g->rule->value[0], label = g->rule->value[1], p = g->rule->result[1];
  hd_shape s = hd_type_of(x)->shape;
  bool index = hd_type_of(label)->dtype == HD_I32;
  if (hd_ok(g->dy[0]) && index) g->dx[0] = hd_cross_entropy_input(p, label, g->dy[0]);
  if (hd_ok(g->dy[0]) && !index) {
    hd_val dy = hd_expand_like(g->dy[0], x, .axes = HD_AXIS(s.rank - 1)),
           sum = hd_sum(label, .axes = HD_LAST_AXIS, .keep = true);
    if (g->want[0]) g->dx[0] = hd_mul(hd_sub(hd_mul(p, sum), label), dy);
    if (g->want[1]) g->dx[1] = hd_neg(hd_mul(hd_log_softmax(x), dy));
  }
  if (!hd_ok(g->dy[1]) || !g->want[0]) return;
  hd_val dx = hd_softmax_grad(p, g->dy[1]);
  g->dx[0] = hd_ok(g->dx[0]) ? hd_add(g->dx[0], dx) : dx;
}

// Rows of softmax, or their maxima and sums alone, then one look at each.
typedef struct {
  const hd_kernels *kernels;
  hd_softmax_plan plan;
} prepared;
static void run(const hd_args *a, int64_t part) {
  const prepared *p = a->data;
  int64_t width = p->plan.columns, first = part * p->plan.block,
          end = HD_MIN(first + p->plan.block, p->plan.rows);
  const int32_t *index = a->in_type[1].dtype == HD_I32 ? a->in[1] : NULL;
  float *y = a->out[0], *norm = a->scratch;
  p->kernels->softmax_run(&p->plan, part, a->in[0], a->out[1], norm);
  for (int64_t r = first; r < end; r++) {
    const float *x = (const float *)a->in[0] + r * width,
                *label = index ? NULL : (const float *)a->in[1] + r * width;
    float most = norm[2 * r], sum = norm[2 * r + 1], loss = 0;
    for (int64_t k = 0; label && k < width; k++)
      loss -= label[k] != 0 ? label[k] * (x[k] - most - sum) : 0;
    y[r] = !index ? loss : index[r] < 0 || index[r] >= width ? INFINITY : most - x[index[r]] + sum;
  }
}

static hd_status lower(hd_lowering *l) {
  hd_shape x = l->rule->in[0].shape;
  int64_t count = hd_shape_count(x), columns = x.d[x.rank - 1];
  if (count < 1) return HD_OK;
  prepared *p = l->data = hd_lower_alloc(l, sizeof *p);
  if (!p) return HD_E_MEMORY;
  p->kernels = l->kernels;
  l->kernels->softmax_plan(count / columns, columns, false, &p->plan);
  l->phases = 1;
  l->phase[0].run = run, l->phase[0].parts = p->plan.run.parts[0];
  l->scratch = (size_t)(count / columns) * 2 * sizeof(float);
  l->flop = p->plan.run.flop;
  return HD_OK;
}

static void cost(const hd_rule *r, double *flop) {
  *flop = 4 * (double)hd_shape_count(r->in[0].shape);
}

static const hd_case cases[] = {
    {.in = {{HD_F32, {2, {5, 10}}}, {HD_I32, {1, {5}}}}, .fill = {0, HD_FILL_INDEX}, .limit = 10},
    {.in = {{HD_F32, {1, {7}}}, {HD_I32, {0, {0}}}}, .fill = {0, HD_FILL_INDEX}, .limit = 7},
    {.in = {{HD_F32, {3, {2, 2, 37}}}, {HD_I32, {2, {2, 2}}}},
     .fill = {0, HD_FILL_INDEX},
     .limit = 37},
    {.in = {{HD_F32, {2, {70, 2}}}, {HD_I32, {1, {70}}}}, .fill = {0, HD_FILL_INDEX}, .limit = 2},
    {.in = {{HD_F32, {2, {5, 10}}}, {HD_F32, {2, {5, 10}}}}, .fill = {0, HD_FILL_POSITIVE}},
    {.in = {{HD_F32, {2, {5, 10}}}, {HD_F32, {2, {5, 10}}}}, .fill = {0, HD_FILL_TRUTH}},
    {.in = {{HD_F32, {3, {2, 3, 4}}}, {HD_F32, {3, {2, 3, 4}}}}, .fill = {0, HD_FILL_POSITIVE}},
    {.in = {{HD_F32, {2, {5, 10}}}, {HD_I32, {1, {4}}}},
     .refuse = "label (4) does not fit logits (5, 10)"},
    {.in = {{HD_F32, {2, {5, 10}}}, {HD_I32, {2, {5, 10}}}}, .refuse = "does not fit"},
    {.in = {{HD_F32, {2, {5, 10}}}, {HD_BOOL, {1, {5}}}},
     .refuse = "label is bool; must be i32 class indices"},
    {.in = {{HD_F32, {0, {0}}}, {HD_I32, {0, {0}}}}, .refuse = "logits must be (..., K)"},
    {0}};

const hd_op hd_def_cross_entropy = {.name = "cross_entropy",
                                    .onnx = "SoftmaxCrossEntropyLoss",
                                    .math = "y = -log softmax(logits)[label]",
                                    .min_in = 2,
                                    .max_in = 2,
                                    .n_out = 2,
                                    .shape = shape,
                                    HD_REFS(cross_entropy),
                                    .grad = grad,
                                    .lower = lower,
                                    .cost = cost,
                                    .cases = cases};

hd_val hd_op_cross_entropy(hd_val logits, hd_val label) {
  return hd_node_add(&hd_def_cross_entropy, NULL, (hd_val[]){logits, label}, 2);
}
#endif
