// The gradient of conv2d with respect to its weights; inputs x, dy, and like (w, for its shape).
#include "window.h"

HD_REF(conv2d_weights) {
  (void)part;
  hd_conv g = hd_conv_of(a->attr, a->in_type[0].shape, a->out_type[0].shape);
  const real *x = a->in[0], *dy = a->in[1];
  real *dw = a->out[0];
  int64_t c_each = g.c / g.groups, f_each = g.f / g.groups;
  for (int64_t r = 0; r < g.kh; r++)
    for (int64_t s = 0; s < g.kw; s++)
      for (int64_t c = 0; c < c_each; c++)
        for (int64_t f = 0; f < g.f; f++) {
          real sum = 0;
          for (int64_t n = 0; n < g.n; n++)
            for (int64_t p = 0; p < g.oh; p++)
              for (int64_t q = 0; q < g.ow; q++) {
                int64_t at = hd_conv_pixel(&g, n, p, q, r, s);
                if (at >= 0)
                  sum += x[at * g.c + f / f_each * c_each + c] *
                         dy[((n * g.oh + p) * g.ow + q) * g.f + f];
              }
          *dw++ = sum;
        }
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  const hd_conv2d_like *o = r->attr;
  hd_shape w = hd_like_shape(r, o->like), y;
  if (hd_like_known(r, o->like) || hd_rule_real(r, 0) || hd_rule_real(r, 1) ||
      hd_conv_shape(r, &o->o, r->in[0].shape, w, &y) || hd_must_have(r, 1, y))
    return HD_E_SHAPE;
  r->out[0] = (hd_type){r->in[0].dtype, w};
  return HD_OK;
}

// Linear in x and in dy; the cotangent u has the shape of the weights.
static void grad(hd_grad_rule *g) {
  const hd_conv2d_like *o = g->rule->attr;
  hd_val x = g->rule->value[0], dy = g->rule->value[1], u = g->dy[0];
  if (g->want[0]) g->dx[0] = hd_conv2d_input(dy, u, x, &o->o);
  if (g->want[1]) g->dx[1] = (hd_op_conv2d)(x, u, o->o);
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
  return hd_conv_lower(l, HD_CONV_WEIGHTS,
                       hd_conv_of(&o->o, l->rule->in[0].shape, hd_like_shape(l->rule, o->like)));
}

static void cost(const hd_rule *r, double *flop) {
  const hd_conv2d_like *o = r->attr;
  hd_conv g = hd_conv_of(&o->o, r->in[0].shape, hd_like_shape(r, o->like));
  *flop = 2.0 * (double)g.n * (double)(g.oh * g.ow) * (double)(g.kh * g.kw) *
          (double)(g.c / g.groups) * (double)g.f;
}

static const hd_field field[] = {HD_CONV2D_FIELDS, HD_LIKE_FIELD(hd_conv2d_like)};
static const hd_fields fields = HD_FIELDS("conv2d_weights", hd_conv2d_like, field);

static const hd_conv2d_like same = {.o = {.pad = HD_SAME}}, strided = {.o = {.stride = {2}}},
                            dilated = {.o = {.dilation = {2}, .pad = HD_SAME}},
                            grouped = {.o = {.groups = 2}},
                            uneven = {.o = {.stride = {2, 1}, .padding = {2, 0, 1, 3}}},
                            depthwise = {.o = {.stride = {2}, .groups = 4, .pad = HD_SAME}},
                            given = {.o = {.stride = {2}}, .like = {3, 2, 4, 3}};
#define X_ \
  { \
    HD_F32, { \
      4, { 2, 5, 6, 4 } \
    } \
  }
static const hd_case cases[] = {
    {.in = {X_, {HD_F32, {4, {2, 3, 4, 5}}}, {HD_F32, {4, {3, 3, 4, 5}}}}},
    {.in = {X_, {HD_F32, {4, {2, 5, 6, 3}}}, {HD_F32, {4, {3, 3, 4, 3}}}}, .attr = &same},
    {.in = {X_, {HD_F32, {4, {2, 2, 3, 3}}}, {HD_F32, {4, {3, 2, 4, 3}}}}, .attr = &strided},
    {.in = {X_, {HD_F32, {4, {2, 3, 3, 3}}}, {HD_F32, {4, {1, 1, 4, 3}}}}, .attr = &strided},
    {.in = {X_, {HD_F32, {4, {2, 5, 6, 3}}}, {HD_F32, {4, {2, 3, 4, 3}}}}, .attr = &dilated},
    {.in = {X_, {HD_F32, {4, {2, 3, 4, 6}}}, {HD_F32, {4, {3, 3, 2, 6}}}}, .attr = &grouped},
    {.in = {X_, {HD_F32, {4, {2, 3, 3, 4}}}, {HD_F32, {4, {3, 3, 1, 4}}}}, .attr = &depthwise},
    {.in = {X_, {HD_F32, {4, {2, 3, 7, 2}}}, {HD_F32, {4, {4, 3, 4, 2}}}}, .attr = &uneven},
    {.in = {X_, {HD_F32, {4, {2, 2, 3, 3}}}}, .attr = &given},
    {.in = {X_, {HD_F32, {4, {2, 3, 3, 3}}}, {HD_F32, {4, {3, 3, 4, 3}}}},
     .refuse = "input 1 must be (2, 3, 4, 3), got (2, 3, 3, 3)"},
    {0}};

const hd_op hd_def_conv2d_weights = {.name = "conv2d_weights",
                                     .math = "dw: the transpose of conv2d in w, applied to dy",
                                     .fields = &fields,
                                     .min_in = 2,
                                     .max_in = 3,
                                     .n_out = 1,
                                     .shape = shape,
                                     HD_REFS(conv2d_weights),
                                     .grad = grad,
                                     .lower = lower,
                                     .rewrite = rewrite,
                                     .cost = cost,
                                     .cases = cases};

hd_val hd_conv2d_weights(hd_val x, hd_val dy, hd_val w, const hd_op_conv2d_options *o) {
  hd_conv2d_like attr = {.o = *o};
  return hd_node_add(&hd_def_conv2d_weights, &attr, (hd_val[]){x, dy, w}, 3);
}
#endif
