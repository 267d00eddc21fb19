// Batch normalisation, made of moments and elementwise ops
#include "op.h"

#ifdef HD_REF64
typedef int hd_batch_norm_is_compiled_once;
#else
static bool per_channel(hd_val v, hd_shape x) {
  hd_shape s = hd_type_of(v)->shape;
  return s.rank == 1 && hd_dim_fits(s.d[0], x.d[x.rank - 1]);
}

hd_val hd_op_batch_norm(hd_val x, hd_val gamma, hd_val beta, hd_val mean, hd_val variance,
                        hd_op_batch_norm_options options) {
  hd_val given[] = {gamma, beta, mean, variance};
  static const char *const name[] = {"gamma", "beta", "mean", "variance"};
  if (!hd_ok(x)) return x;
  hd_shape s = hd_type_of(x)->shape;
  char a[96], b[96];
  if (s.rank < 2)
    return hd_graph_fail(x.graph, HD_E_SHAPE, "batch_norm: needs x (N, ..., C), got %s",
                         hd_text_of(s, a)),
           (hd_val){0};
  for (int i = 0; i < 4; i++) {
    if (!hd_ok(given[i]))
      return hd_graph_fail(x.graph, HD_E_ARGUMENT, "batch_norm: %s is not a value", name[i]),
             (hd_val){0};
    if (!per_channel(given[i], s))
      return hd_graph_fail(x.graph, HD_E_SHAPE, "batch_norm: %s is %s, must be (C) for x %s",
                           name[i], hd_text_of(hd_type_of(given[i])->shape, a), hd_text_of(s, b)),
             (hd_val){0};
  }
  if (options.epsilon < 0)
    return hd_graph_fail(x.graph, HD_E_ARGUMENT, "batch_norm: epsilon is %g, must be positive",
                         (double)options.epsilon),
           (hd_val){0};
  double epsilon = options.epsilon > 0 ? (double)options.epsilon : 1e-5;
  hd_val moments = hd_moments(x);
  mean = hd_by_mode(moments, mean);
  variance = hd_by_mode(hd_output(moments, 1), variance);
  hd_val factor = hd_mul(gamma, hd_rsqrt(hd_add_scalar(variance, epsilon)));
  return hd_add(hd_mul(hd_sub(x, mean), factor), beta);
}
#endif
