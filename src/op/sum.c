// y = sum of x over axes
#include "reduce.h"

HD_REF(sum) {
  (void)part;
  const hd_reduce_options *o = a->attr;
  const real *x = a->in[0];
  real *y = a->out[0];
  hd_shape s = a->in_type[0].shape;
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++) y[i] = 0;
  for (int64_t i = 0, n = hd_shape_count(s); i < n; i++)
    y[hd_reduced_offset(s, hd_axes_of(o->axes, s.rank), i)] += x[i];
}

#ifndef HD_REF64
static void grad(hd_grad_rule *g) {
  g->dx[0] = hd_unreduce(g->dy[0], g->rule->value[0], g->rule->attr, false);
}

// Equal for every element of a sum: absent or of size 1 along all its axes.
static bool constant_along(hd_val v, hd_shape x, unsigned axes) {
  hd_shape s = hd_type_of(v)->shape;
  for (int k = x.rank - 1, j = s.rank - 1; j >= 0; k--, j--)
    if ((axes >> k & 1) && s.d[j] != 1) return false;
  return true;
}

// sum(a b) = sum(a) b for a b that is constant along the axes, sum(-a) = -sum(a): one pass less
// over a, and sums of the same a are shared (the gradient of batch normalisation).
static hd_val rewrite(hd_rule *r, bool train) {
  hd_reduce_options o = *(const hd_reduce_options *)r->attr, kept = {.axes = o.axes, .keep = true};
  hd_shape x = r->in[0].shape;
  const hd_node *n = hd_node_of(r->value[0]);
  hd_val y = {0};
  if (n->op == &hd_def_neg) y = hd_neg((hd_sum)(n->in[0], kept));
  for (int i = 0; i < 2 && n->op == &hd_def_mul && !hd_ok(y); i++)
    if (hd_shape_equal(hd_type_of(n->in[i])->shape, x) &&
        constant_along(n->in[!i], x, hd_axes_of(o.axes, x.rank)))
      y = hd_mul((hd_sum)(n->in[i], kept), n->in[!i]);
  if (!hd_ok(y)) return hd_reduce_rewrite(r, train);
  return o.keep ? y : hd_reshape(y, r->out[0].shape);
}

static hd_status lower(hd_lowering *l) { return hd_reduce_lower(l, HD_REDUCE_SUM); }

static const hd_field field[] = {HD_REDUCE_FIELDS};
static const hd_fields fields = HD_FIELDS("sum", hd_reduce_options, field);

const hd_op hd_def_sum = {.name = "sum",
                          .onnx = "ReduceSum",
                          .math = "y = sum of x over axes",
                          .fields = &fields,
                          .min_in = 1,
                          .max_in = 1,
                          .n_out = 1,
                          .shape = hd_reduce_shape,
                          HD_REFS(sum),
                          .grad = grad,
                          .lower = lower,
                          .before = hd_reduce_before,
                          .rewrite = rewrite,
                          .cost = hd_reduce_cost,
                          .cases = hd_reduce_cases};

hd_val(hd_sum)(hd_val x, hd_reduce_options options) {
  return hd_node_add(&hd_def_sum, &options, &x, 1);
}
#endif
