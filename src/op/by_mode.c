// y = a in training, b in evaluation: what sealing a graph decides, so that no kernel runs
#include "op.h"

HD_REF(by_mode) {
  (void)part;
  const real *x = a->in[a->step && a->step->train ? 0 : 1];
  real *y = a->out[0];
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++) y[i] = x[i];
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  char ta[96], tb[96];
  hd_shape a = r->in[0].shape, b = r->in[1].shape;
  if (hd_rule_real(r, 0) || hd_rule_real(r, 1)) return HD_E_SHAPE;
  bool same = a.rank == b.rank && r->in[0].dtype == r->in[1].dtype;
  for (int i = 0; same && i < a.rank; i++) same = hd_dim_fits(a.d[i], b.d[i]);
  if (!same)
    return hd_refuse(r, "%s %s in training, %s %s in evaluation; they must be the same",
                     hd_dtype_name(r->in[0].dtype), hd_text_of(a, ta),
                     hd_dtype_name(r->in[1].dtype), hd_text_of(b, tb));
  r->out[0] = r->in[0];
  for (int i = 0; i < a.rank; i++)
    if (a.d[i] == HD_ANY) r->out[0].shape.d[i] = b.d[i];
  return HD_OK;
}

static void grad(hd_grad_rule *g) {
  hd_val dy = g->dy[0], zero = hd_expand_like(hd_scalar_like(dy, 0), dy);
  if (g->want[0]) g->dx[0] = hd_by_mode(dy, zero);
  if (g->want[1]) g->dx[1] = hd_by_mode(zero, dy);
}

static hd_val rewrite(hd_rule *r, bool train) { return r->value[train ? 0 : 1]; }

static const hd_case cases[] = {{.in = {{HD_F32, {1, {7}}}, {HD_F32, {1, {7}}}}},
                                {.in = {{HD_F32, {2, {3, 2}}}, {HD_F32, {2, {3, 2}}}}},
                                {.in = {{HD_F32, {2, {3, 2}}}, {HD_F32, {2, {2, 3}}}},
                                 .refuse = "f32 (3, 2) in training, f32 (2, 3) in evaluation"},
                                {0}};

const hd_op hd_def_by_mode = {.name = "by_mode",
                              .math = "y = a in training, b in evaluation",
                              .min_in = 2,
                              .max_in = 2,
                              .n_out = 1,
                              .shape = shape,
                              HD_REFS(by_mode),
                              .grad = grad,
                              .rewrite = rewrite,
                              .cases = cases};

hd_val hd_by_mode(hd_val train, hd_val evaluate) {
  return hd_node_add(&hd_def_by_mode, NULL, (hd_val[]){train, evaluate}, 2);
}
#endif
