// Mean and biased variance of each channel, the last axis: outputs 0 and 1
#include "op.h"

HD_REF(moments) {
  (void)part;
  const real *x = a->in[0];
  int64_t columns = a->out_type[0].shape.d[0],
          rows = columns ? hd_args_count(a->in_type) / columns : 0;
  for (int64_t c = 0; c < columns; c++) {
    real mean = 0, variance = 0;
    for (int64_t r = 0; r < rows; r++) mean += x[r * columns + c];
    mean /= (real)rows;
    for (int64_t r = 0; r < rows; r++)
      variance += (x[r * columns + c] - mean) * (x[r * columns + c] - mean);
    if (a->out[0]) ((real *)a->out[0])[c] = mean;
    if (a->out[1]) ((real *)a->out[1])[c] = variance / (real)rows;
  }
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  hd_shape x = r->in[0].shape;
  char t[96];
  if (hd_rule_real(r, 0)) return HD_E_SHAPE;
  if (x.rank < 2) return hd_refuse(r, "needs (N, ..., C), got %s", hd_text_of(x, t));
  r->out[0] = r->out[1] = (hd_type){r->in[0].dtype, {1, {x.d[x.rank - 1]}}};
  return HD_OK;
}

// dx = (dmean + 2 (x - mean) dvariance) / n for the n elements of a channel
static void grad(hd_grad_rule *g) {
  hd_val x = g->rule->value[0], mean = g->rule->result[0], dmean = g->dy[0], dvariance = g->dy[1],
         dx = {0};
  unsigned axes = (1u << (hd_type_of(x)->shape.rank - 1)) - 1;
  if (hd_ok(dvariance))
    dx = hd_mul(hd_sub(x, mean),
                hd_expand_like(hd_scale(dvariance, 2), x, .axes = axes, .mean = true));
  if (hd_ok(dmean)) {
    hd_val d = hd_expand_like(dmean, x, .axes = axes, .mean = true);
    dx = hd_ok(dx) ? hd_add(dx, d) : d;
  }
  g->dx[0] = dx;
}

typedef struct {
  const hd_kernels *kernels;
  hd_moments_plan plan;
  size_t unread;
} prepared;
// An output that nobody reads lies behind the kernel's scratch.
static void *output(const hd_args *a, const prepared *p, int k) {
  return a->out[k] ? a->out[k] : (char *)a->scratch + p->unread;
}
static void run(const hd_args *a, int64_t part) {
  const prepared *p = a->data;
  p->kernels->moments_run(&p->plan, a->phase, part, a->in[0], output(a, p, 0), output(a, p, 1),
                          a->scratch);
}

static hd_status lower(hd_lowering *l) {
  hd_shape x = l->rule->in[0].shape;
  int64_t count = hd_shape_count(x), columns = x.d[x.rank - 1], spare;
  if (count < 1 || !hd_mul_size(columns, sizeof(float), &spare)) return HD_OK;
  prepared *p = l->data = hd_lower_alloc(l, sizeof *p);
  if (!p) return HD_E_MEMORY;
  p->kernels = l->kernels;
  l->kernels->moments_plan(count / columns, columns, &p->plan);
  hd_lower_parts(l, run, &p->plan.run);
  p->unread = (size_t)hd_round_up((int64_t)p->plan.run.scratch, 64);
  l->scratch = l->used[0] && l->used[1] ? p->plan.run.scratch : p->unread + (size_t)spare;
  return HD_OK;
}

static void cost(const hd_rule *r, double *flop) {
  *flop = 4 * (double)hd_shape_count(r->in[0].shape);
}

// A mean near 0 is a small difference of large numbers: hence the bound.
static const hd_case cases[] = {
    {.in = {{HD_F32, {2, {5, 3}}}}, .bound = 1e-5},
    {.in = {{HD_F32, {2, {20, 17}}}}, .bound = 1e-5},
    {.in = {{HD_F32, {4, {2, 3, 5, 4}}}}, .bound = 1e-5},
    {.in = {{HD_F32, {4, {3, 4, 4, 1}}}}, .bound = 1e-5},
    {.in = {{HD_F32, {2, {1, 3}}}}, .bound = 1e-5},
    {.in = {{HD_F32, {1, {7}}}}, .refuse = "needs (N, ..., C), got (7)"},
    {.in = {{HD_I32, {2, {4, 4}}}}, .refuse = "f32 or f64"},
    {0}};

const hd_op hd_def_moments = {
    .name = "moments",
    .math = "mean[c] = mean of x[..., c], variance[c] = mean of (x - mean)^2",
    .min_in = 1,
    .max_in = 1,
    .n_out = 2,
    .shape = shape,
    HD_REFS(moments),
    .grad = grad,
    .lower = lower,
    .cost = cost,
    .cases = cases};

hd_val hd_moments(hd_val x) { return hd_node_add(&hd_def_moments, NULL, &x, 1); }
#endif
