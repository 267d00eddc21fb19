// The gradient of conv2d with respect to its input; inputs dy, w, and like (x, for its shape).
#include "window.h"

HD_REF(conv2d_input) {
  (void)part;
  hd_conv g = hd_conv_of(a->attr, a->out_type[0].shape, a->in_type[1].shape);
  const real *dy = a->in[0], *w = a->in[1];
  real *dx = a->out[0];
  int64_t c_each = g.c / g.groups, f_each = g.f / g.groups;
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++) dx[i] = 0;
  for (int64_t n = 0; n < g.n; n++)
    for (int64_t p = 0; p < g.oh; p++)
      for (int64_t q = 0; q < g.ow; q++, dy += g.f)
        for (int64_t r = 0; r < g.kh; r++)
          for (int64_t s = 0; s < g.kw; s++) {
            int64_t at = hd_conv_pixel(&g, n, p, q, r, s);
            if (at < 0) continue;
            for (int64_t f = 0; f < g.f; f++) {
              const real *tap = w + (r * g.kw + s) * c_each * g.f + f;
              real *to = dx + at * g.c + f / f_each * c_each;
              for (int64_t c = 0; c < c_each; c++) to[c] += dy[f] * tap[c * g.f];
            }
          }
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  const hd_conv2d_like *o = r->attr;
  hd_shape x = hd_like_shape(r, o->like), y;
  if (hd_like_known(r, o->like) || hd_rule_real(r, 0) || hd_rule_real(r, 1) ||
      hd_conv_shape(r, &o->o, x, r->in[1].shape, &y) || hd_must_have(r, 0, y))
    return HD_E_SHAPE;
  r->out[0] = (hd_type){r->in[0].dtype, x};
  return HD_OK;
}

// Linear in dy and in w: conv2d is the transpose.
static void grad(hd_grad_rule *g) {
  const hd_conv2d_like *o = g->rule->attr;
  hd_val dy = g->rule->value[0], w = g->rule->value[1], u = g->dy[0];
  if (g->want[0]) g->dx[0] = (hd_op_conv2d)(u, w, o->o);
  if (g->want[1]) g->dx[1] = hd_conv2d_weights(u, dy, w, &o->o);
}

static hd_val rewrite(hd_rule *r, bool train) {
  (void)train;
  if (r->n_in == 2) return (hd_val){0};
  hd_conv2d_like o = *(const hd_conv2d_like *)r->attr;
  memcpy(o.like, r->in[2].shape.d, sizeof o.like);
  return hd_node_add(r->op, &o, r->value, 2);
}

static hd_status lower(hd_lowering *l) {
  const hd_conv2d_like *o = l->rule->attr;
  return hd_conv_lower(l, HD_CONV_INPUT,
                       hd_conv_of(&o->o, hd_like_shape(l->rule, o->like), l->rule->in[1].shape));
}

static void cost(const hd_rule *r, double *flop) {
  const hd_conv2d_like *o = r->attr;
  hd_conv g = hd_conv_of(&o->o, hd_like_shape(r, o->like), r->in[1].shape);
  *flop = 2.0 * (double)g.n * (double)(g.oh * g.ow) * (double)(g.kh * g.kw) *
          (double)(g.c / g.groups) * (double)g.f;
}

static const hd_field field[] = {HD_CONV2D_FIELDS, HD_LIKE_FIELD(hd_conv2d_like)};
static const hd_fields fields = HD_FIELDS("conv2d_input", hd_conv2d_like, field);

static const hd_conv2d_like same = {.o = {.pad = HD_SAME}}, strided = {.o = {.stride = {2}}},
                            dilated = {.o = {.dilation = {2}, .pad = HD_SAME}},
                            grouped = {.o = {.groups = 2}},
                            uneven = {.o = {.stride = {2, 1}, .padding = {2, 0, 1, 3}}},
                            depthwise = {.o = {.stride = {2}, .groups = 4, .pad = HD_SAME}},
                            given = {.o = {.stride = {2}}, .like = {2, 6, 6, 4}};
#define X_ \
  { \
    HD_F32, { \
      4, { 2, 5, 6, 4 } \
    } \
  }
static const hd_case cases[] = {
    {.in = {{HD_F32, {4, {2, 3, 4, 5}}}, {HD_F32, {4, {3, 3, 4, 5}}}, X_}},
    {.in = {{HD_F32, {4, {2, 5, 6, 3}}}, {HD_F32, {4, {3, 3, 4, 3}}}, X_}, .attr = &same},
    {.in = {{HD_F32, {4, {2, 2, 3, 3}}}, {HD_F32, {4, {3, 2, 4, 3}}}, X_}, .attr = &strided},
    {.in = {{HD_F32, {4, {2, 3, 3, 3}}}, {HD_F32, {4, {1, 1, 4, 3}}}, X_}, .attr = &strided},
    {.in = {{HD_F32, {4, {2, 5, 6, 3}}}, {HD_F32, {4, {2, 3, 4, 3}}}, X_}, .attr = &dilated},
    {.in = {{HD_F32, {4, {2, 3, 4, 6}}}, {HD_F32, {4, {3, 3, 2, 6}}}, X_}, .attr = &grouped},
    {.in = {{HD_F32, {4, {2, 3, 3, 4}}}, {HD_F32, {4, {3, 3, 1, 4}}}, X_}, .attr = &depthwise},
    {.in = {{HD_F32, {4, {2, 3, 7, 2}}}, {HD_F32, {4, {4, 3, 4, 2}}}, X_}, .attr = &uneven},
    {.in = {{HD_F32, {4, {2, 2, 2, 3}}}, {HD_F32, {4, {3, 3, 4, 3}}}}, .attr = &given},
    {.in = {{HD_F32, {4, {2, 3, 4, 5}}}, {HD_F32, {4, {3, 3, 4, 3}}}, X_},
     .refuse = "input 0 must be (2, 3, 4, 3), got (2, 3, 4, 5)"},
    {0}};

const hd_op hd_def_conv2d_input = {.name = "conv2d_input",
                                   .math = "dx: the transpose of conv2d in x, applied to dy",
                                   .fields = &fields,
                                   .min_in = 2,
                                   .max_in = 3,
                                   .n_out = 1,
                                   .shape = shape,
                                   HD_REFS(conv2d_input),
                                   .grad = grad,
                                   .lower = lower,
                                   .rewrite = rewrite,
                                   .cost = cost,
                                   .after = true,
                                   .cases = cases};

hd_val hd_conv2d_input(hd_val dy, hd_val w, hd_val x, const hd_op_conv2d_options *o) {
  hd_conv2d_like attr = {.o = *o};
  return hd_node_add(&hd_def_conv2d_input, &attr, (hd_val[]){dy, w, x}, 3);
}
#endif
