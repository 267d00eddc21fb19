// y = x repeated to the shape of `like`: the transpose of summing, or of the mean
#include "layout.h"

// x's shape with the axes that were reduced away put back as 1.
static hd_shape kept(const hd_shape *x, const hd_shape *like, const hd_expand_like_options *o) {
  unsigned axes = o->axes;
  if (axes & HD_LAST_AXIS) axes = (axes & ~HD_LAST_AXIS) | HD_AXIS(like->rank - 1);
  if (!axes) return *x;
  hd_shape s = {.rank = like->rank};
  for (int i = 0, k = 0; i < like->rank; i++)
    s.d[i] = axes & HD_AXIS(i) ? 1 : k < x->rank ? x->d[k++] : 1;
  return s;
}

HD_REF(expand_like) {
  (void)part;
  const hd_expand_like_options *o = a->attr;
  const hd_shape y_shape = a->out_type->shape, x_shape = kept(&a->in_type->shape, &y_shape, o);
  int64_t n = hd_args_count(a->out_type), from = hd_args_count(a->in_type);
  const real *x = a->in[0];
  real *y = a->out[0], copies = (real)n / (real)HD_MAX(from, 1);
  for (int64_t i = 0; i < n; i++) {
    real v = x[hd_broadcast_offset(y_shape, x_shape, i)];
    y[i] = o->mean ? v / copies : v;
  }
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  const hd_expand_like_options *o = r->attr;
  hd_shape x = r->in[0].shape, y = r->in[1].shape;
  char a[96], b[96];
  unsigned axes = o->axes & ~HD_LAST_AXIS;
  int missing = 0;
  if (hd_rule_real(r, 0)) return HD_E_SHAPE;
  if (o->axes & HD_LAST_AXIS && y.rank) axes |= HD_AXIS(y.rank - 1);
  for (int i = 0; i < y.rank; i++) missing += (axes & HD_AXIS(i)) != 0;
  bool fits = axes ? x.rank + missing == y.rank && axes < HD_AXIS(y.rank) : x.rank <= y.rank;
  if (fits) {
    hd_shape s = kept(&x, &y, o);
    int lead = y.rank - s.rank;
    for (int i = 0; fits && i < s.rank; i++)
      fits = s.d[i] == 1 || hd_dim_fits(s.d[i], y.d[lead + i]);
  }
  if (!fits)
    return hd_refuse(r,
                     axes ? "%s is not %s without the axes of the mask 0x%x"
                          : "%s does not broadcast to %s: each axis must be equal or 1",
                     hd_text_of(x, a), hd_text_of(y, b), o->axes);
  r->out[0] = (hd_type){r->in[0].dtype, y};
  return HD_OK;
}

// The sum or mean back over what was repeated. The mean over an axis that turns out to be 1 on both
// sides does nothing, so sizes need not be known.
static void grad(hd_grad_rule *g) {
  const hd_expand_like_options *o = g->rule->attr;
  const hd_shape *like = &g->rule->in[1].shape, s = kept(&g->rule->in[0].shape, like, o);
  hd_val dy = g->dy[0];
  unsigned axes = 0;
  for (int i = 0; i < like->rank; i++) {
    int k = i - (like->rank - s.rank);
    if (k < 0 || s.d[k] == 1) axes |= HD_AXIS(i);
  }
  if (!g->want[0]) return;
  if (axes && o->mean) dy = hd_mean(dy, .axes = axes, .keep = true);
  else if (axes) dy = hd_sum(dy, .axes = axes, .keep = true);
  g->dx[0] = hd_reshape_like(dy, g->rule->value[0]);
}

static hd_val rewrite(hd_rule *r, bool train) {
  (void)train;
  const hd_expand_like_options *o = r->attr;
  const hd_shape *x = &r->in[0].shape, *y = &r->out[0].shape;
  int64_t from = hd_shape_count(*x), to = hd_shape_count(*y);
  hd_val v = hd_reshape(r->value[0], kept(x, y, o));
  if (o->mean && to > 0) v = hd_scale(v, (double)from / (double)to);
  return hd_broadcast_to(v, *y);
}

static const hd_field field[] = {HD_FIELD(hd_expand_like_options, axes, INT, .standard = "0",
                                          .help = "mask of the axes that x lacks; 0: broadcast"),
                                 HD_FIELD(hd_expand_like_options, mean, BOOL, .standard = "false",
                                          .help = "divide by the number of copies")};
static const hd_fields fields = HD_FIELDS("expand_like", hd_expand_like_options, field);

static const hd_expand_like_options mean = {.mean = true}, middle = {.axes = HD_AXIS(1)},
                                    outer = {.axes = HD_AXIS(0) | HD_LAST_AXIS, .mean = true},
                                    last = {.axes = HD_LAST_AXIS};
static const hd_case cases[] = {
    {.in = {{HD_F32, {0}}, {HD_F32, {0}}}, .attr = &mean},
    {.in = {{HD_F32, {0}}, {HD_F32, {2, {3, 5}}}}, .attr = &mean},
    {.in = {{HD_F32, {2, {3, 1}}}, {HD_F32, {3, {2, 3, 5}}}}},
    {.in = {{HD_F32, {3, {2, 1, 5}}}, {HD_F32, {3, {2, 3, 5}}}}, .attr = &mean},
    {.in = {{HD_F32, {2, {2, 5}}}, {HD_F32, {3, {2, 3, 5}}}}, .attr = &middle},
    {.in = {{HD_F32, {1, {3}}}, {HD_F32, {3, {2, 3, 5}}}}, .attr = &outer},
    {.in = {{HD_F32, {2, {3, 5}}}, {HD_F32, {2, {3, 5}}}}},
    {.in = {{HD_F32, {1, {3}}}, {HD_F32, {2, {3, 5}}}},
     .refuse = "(3) does not broadcast to (3, 5)"},
    {.in = {{HD_F32, {1, {5}}}, {HD_F32, {2, {3, 5}}}},
     .attr = &last,
     .refuse = "(5) is not (3, 5) without the axes of the mask 0x80000000"},
    {.in = {{HD_F32, {1, {3}}}, {HD_F32, {0}}},
     .attr = &last,
     .refuse = "does not broadcast to ()"},
    {0}};

const hd_op hd_def_expand_like = {.name = "expand_like",
                                  .math = "y = x repeated to the shape of `like`",
                                  .fields = &fields,
                                  .min_in = 2,
                                  .max_in = 2,
                                  .n_out = 1,
                                  .shape = shape,
                                  HD_REFS(expand_like),
                                  .grad = grad,
                                  .rewrite = rewrite,
                                  .cases = cases};

hd_val(hd_expand_like)(hd_val x, hd_val like, hd_expand_like_options options) {
  return hd_node_add(&hd_def_expand_like, &options, (hd_val[]){x, like}, 2);
}
#endif
