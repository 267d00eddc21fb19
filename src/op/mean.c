// y = mean of x over axes
#include "reduce.h"

HD_REF(mean) {
  (void)part;
  const hd_reduce_options *o = a->attr;
  const real *x = a->in[0];
  real *y = a->out[0];
  hd_shape s = a->in_type[0].shape;
  int64_t from = hd_shape_count(s), to = hd_args_count(a->out_type);
  for (int64_t i = 0; i < to; i++) y[i] = 0;
  for (int64_t i = 0; i < from; i++)
    y[hd_reduced_offset(s, hd_axes_of(o->axes, s.rank), i)] += x[i];
  for (int64_t i = 0; i < to; i++) y[i] /= (real)from / (real)to;
}

#ifndef HD_REF64
static void grad(hd_grad_rule *g) {
  g->dx[0] = hd_unreduce(g->dy[0], g->rule->value[0], g->rule->attr, true);
}

static hd_status lower(hd_lowering *l) { return hd_reduce_lower(l, HD_REDUCE_MEAN); }

static const hd_field field[] = {HD_REDUCE_FIELDS};
static const hd_fields fields = HD_FIELDS("mean", hd_reduce_options, field);

const hd_op hd_def_mean = {.name = "mean",
                           .onnx = "ReduceMean",
                           .math = "y = mean of x over axes",
                           .fields = &fields,
                           .min_in = 1,
                           .max_in = 1,
                           .n_out = 1,
                           .shape = hd_reduce_shape,
                           HD_REFS(mean),
                           .grad = grad,
                           .lower = lower,
                           .before = hd_reduce_before,
                           .rewrite = hd_reduce_rewrite,
                           .cost = hd_reduce_cost,
                           .cases = hd_reduce_cases};

hd_val(hd_mean)(hd_val x, hd_reduce_options options) {
  return hd_node_add(&hd_def_mean, &options, &x, 1);
}
#endif
