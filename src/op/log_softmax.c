// y = x - log(sum exp(x)) along the last axis
#include "softmax.h"

HD_REF(log_softmax) {
  (void)part;
  hd_shape s = a->in_type[0].shape;
  int64_t width = s.d[s.rank - 1], count = hd_shape_count(s);
  for (int64_t at = 0; at < count; at += width) {
    const real *x = (const real *)a->in[0] + at;
    real *y = (real *)a->out[0] + at, most = x[0], sum = 0;
    for (int64_t k = 1; k < width; k++) most = x[k] > most ? x[k] : most;
    for (int64_t k = 0; k < width; k++) sum += M_(exp)(x[k] - most);
    for (int64_t k = 0; k < width; k++) y[k] = x[k] - most - M_(log)(sum);
  }
}

#ifndef HD_REF64
// dx = dy - exp(y) sum(dy)
static void grad(hd_grad_rule *g) {
  hd_val y = g->rule->result[0], dy = g->dy[0];
  g->dx[0] = hd_sub(dy, hd_mul(hd_exp(y), hd_sum(dy, .axes = HD_LAST_AXIS, .keep = true)));
}

static hd_status lower(hd_lowering *l) { return hd_softmax_lower(l, true); }

const hd_op hd_def_log_softmax = {.name = "log_softmax",
                                  .onnx = "LogSoftmax",
                                  .math = "y = x - log(sum exp(x))",
                                  .min_in = 1,
                                  .max_in = 1,
                                  .n_out = 1,
                                  .shape = hd_softmax_shape,
                                  HD_REFS(log_softmax),
                                  .grad = grad,
                                  .lower = lower,
                                  .cases = hd_softmax_cases};

hd_val hd_log_softmax(hd_val x) { return hd_node_add(&hd_def_log_softmax, NULL, &x, 1); }
#endif
