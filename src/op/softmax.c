// y = exp(x) / sum exp(x) along the last axis
#include "softmax.h"

HD_REF(softmax) {
  (void)part;
  hd_shape s = a->in_type[0].shape;
  int64_t width = s.d[s.rank - 1], count = hd_shape_count(s);
  for (int64_t at = 0; at < count; at += width) {
    const real *x = (const real *)a->in[0] + at;
    real *y = (real *)a->out[0] + at, most = x[0], sum = 0;
    for (int64_t k = 1; k < width; k++) most = x[k] > most ? x[k] : most;
    for (int64_t k = 0; k < width; k++) sum += M_(exp)(x[k] - most);
    for (int64_t k = 0; k < width; k++) y[k] = M_(exp)(x[k] - most) / sum;
  }
}

#ifndef HD_REF64
// dx = y (dy - sum(dy y))
hd_val hd_softmax_grad(hd_val y, hd_val dy) {
  return hd_mul(y, hd_sub(dy, hd_sum(hd_mul(dy, y), .axes = HD_LAST_AXIS, .keep = true)));
}
static void grad(hd_grad_rule *g) { g->dx[0] = hd_softmax_grad(g->rule->result[0], g->dy[0]); }

static hd_status lower(hd_lowering *l) { return hd_softmax_lower(l, false); }

const hd_op hd_def_softmax = {.name = "softmax",
                              .onnx = "Softmax",
                              .math = "y = exp(x) / sum exp(x)",
                              .min_in = 1,
                              .max_in = 1,
                              .n_out = 1,
                              .shape = hd_softmax_shape,
                              HD_REFS(softmax),
                              .grad = grad,
                              .lower = lower,
                              .cases = hd_softmax_cases};

hd_val hd_softmax(hd_val x) { return hd_node_add(&hd_def_softmax, NULL, &x, 1); }

// ---- What log_softmax shares --------------------------------------------------------------------
hd_status hd_softmax_shape(hd_rule *r) {
  if (!r->in[0].shape.rank) return hd_refuse(r, "x is a scalar; needs a last axis to go along");
  return hd_rule_same(r);
}

typedef struct {
  const hd_kernels *kernels;
  hd_softmax_plan plan;
} prepared;
static void run(const hd_args *a, int64_t part) {
  const prepared *p = a->data;
  p->kernels->softmax_run(&p->plan, part, a->in[0], a->out[0], NULL);
}

hd_status hd_softmax_lower(hd_lowering *l, bool log) {
  hd_shape x = l->rule->in[0].shape;
  int64_t count = hd_shape_count(x), columns = x.d[x.rank - 1];
  if (count < 1) return HD_OK;
  prepared *p = l->data = hd_lower_alloc(l, sizeof *p);
  if (!p) return HD_E_MEMORY;
  p->kernels = l->kernels;
  l->kernels->softmax_plan(count / columns, columns, log, &p->plan);
  hd_lower_parts(l, run, &p->plan.run);
  return HD_OK;
}

const hd_case hd_softmax_cases[] = {{.in = {{HD_F32, {1, {7}}}}},
                                    {.in = {{HD_F32, {2, {5, 10}}}}},
                                    {.in = {{HD_F32, {2, {4, 1}}}}},
                                    {.in = {{HD_F32, {3, {2, 2, 37}}}}},
                                    {.in = {{HD_F32, {2, {17, 16}}}}},
                                    {.in = {{HD_F32, {0, {0}}}}, .refuse = "needs a last axis"},
                                    {.in = {{HD_I32, {2, {4, 4}}}}, .refuse = "f32 or f64"},
                                    {0}};
#endif
