// y = x summed down to the shape of `like`: the transpose of broadcasting
#include "layout.h"

HD_REF(sum_like) {
  (void)part;
  const real *x = a->in[0];
  real *y = a->out[0];
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++) y[i] = 0;
  for (int64_t i = 0, n = hd_args_count(a->in_type); i < n; i++)
    y[hd_broadcast_offset(a->in_type->shape, a->out_type->shape, i)] += x[i];
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  hd_shape x = r->in[0].shape, y = r->in[1].shape;
  char a[96], b[96];
  int lead = x.rank - y.rank;
  bool fits = lead >= 0;
  if (hd_rule_real(r, 0)) return HD_E_SHAPE;
  for (int i = 0; fits && i < y.rank; i++) fits = y.d[i] == 1 || hd_dim_fits(x.d[lead + i], y.d[i]);
  if (!fits)
    return hd_refuse(r, "%s does not sum to %s: each axis of it, from the last, must be equal or 1",
                     hd_text_of(x, a), hd_text_of(y, b));
  r->out[0] = (hd_type){r->in[0].dtype, y};
  return HD_OK;
}

static void grad(hd_grad_rule *g) {
  if (g->want[0]) g->dx[0] = hd_expand_like(g->dy[0], g->rule->value[0]);
}

static hd_val rewrite(hd_rule *r, bool train) {
  (void)train;
  const hd_shape *x = &r->in[0].shape, *y = &r->out[0].shape;
  unsigned axes = 0;
  for (int i = 0; i < x->rank; i++) {
    int64_t to = i < x->rank - y->rank ? 1 : y->d[i - (x->rank - y->rank)];
    if (x->d[i] != to) axes |= HD_AXIS(i);
  }
  return hd_reshape(axes ? hd_sum(r->value[0], .axes = axes, .keep = true) : r->value[0], *y);
}

static const hd_case cases[] = {
    {.in = {{HD_F32, {0}}, {HD_F32, {0}}}},
    {.in = {{HD_F32, {2, {3, 5}}}, {HD_F32, {0}}}},
    {.in = {{HD_F32, {2, {3, 5}}}, {HD_F32, {2, {3, 5}}}}},
    {.in = {{HD_F32, {2, {3, 5}}}, {HD_F32, {1, {5}}}}},
    {.in = {{HD_F32, {3, {2, 3, 5}}}, {HD_F32, {2, {3, 1}}}}},
    {.in = {{HD_F32, {3, {1, 3, 1}}}, {HD_I32, {1, {1}}}},
     .fill = {HD_FILL_ANY, HD_FILL_INDEX},
     .limit = 2},
    {.in = {{HD_F32, {2, {3, 5}}}, {HD_F32, {1, {3}}}}, .refuse = "(3, 5) does not sum to (3)"},
    {.in = {{HD_F32, {1, {5}}}, {HD_F32, {2, {3, 5}}}}, .refuse = "(5) does not sum to (3, 5)"},
    {0}};

const hd_op hd_def_sum_like = {.name = "sum_like",
                               .math = "y = x summed over the axes that `like` lacks or has as 1",
                               .min_in = 2,
                               .max_in = 2,
                               .n_out = 1,
                               .shape = shape,
                               HD_REFS(sum_like),
                               .grad = grad,
                               .rewrite = rewrite,
                               .cases = cases};

hd_val hd_sum_like(hd_val x, hd_val like) {
  return hd_node_add(&hd_def_sum_like, NULL, (hd_val[]){x, like}, 2);
}
#endif
