// y = smallest x over axes; NaN wins
#include "reduce.h"

HD_REF(reduce_min) {
  (void)part;
  const hd_reduce_options *o = a->attr;
  const real *x = a->in[0];
  real *y = a->out[0];
  hd_shape s = a->in_type[0].shape;
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++) y[i] = (real)INFINITY;
  for (int64_t i = 0, n = hd_shape_count(s); i < n; i++) {
    real *to = y + hd_reduced_offset(s, hd_axes_of(o->axes, s.rank), i);
    if (x[i] < *to || x[i] != x[i]) *to = x[i];
  }
}

#ifndef HD_REF64
static hd_status lower(hd_lowering *l) { return hd_reduce_lower(l, HD_REDUCE_MIN); }

static const hd_field field[] = {HD_REDUCE_FIELDS};
static const hd_fields fields = HD_FIELDS("reduce_min", hd_reduce_options, field);

const hd_op hd_def_reduce_min = {.name = "reduce_min",
                                 .onnx = "ReduceMin",
                                 .math = "y = smallest x over axes",
                                 .fields = &fields,
                                 .min_in = 1,
                                 .max_in = 1,
                                 .n_out = 1,
                                 .shape = hd_reduce_shape,
                                 HD_REFS(reduce_min),
                                 .grad = hd_extreme_grad,
                                 .lower = lower,
                                 .before = hd_reduce_before,
                                 .rewrite = hd_reduce_rewrite,
                                 .cost = hd_reduce_cost,
                                 .kink = "ties: the gradient is shared equally",
                                 .cases = hd_reduce_cases};

hd_val(hd_reduce_min)(hd_val x, hd_reduce_options options) {
  return hd_node_add(&hd_def_reduce_min, &options, &x, 1);
}
#endif
