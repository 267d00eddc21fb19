// y = x at the taps that won a max_pool2d: the transpose of max_unpool2d; inputs x, index
#include "window.h"

HD_REF(max_pool_take) {
  (void)part;
  hd_pool2d g = hd_pool_of(a->attr, a->in_type[0].shape);
  const real *x = a->in[0];
  const int32_t *index = a->in[1];
  real *y = a->out[0];
  for (int64_t n = 0; n < g.n; n++)
    for (int64_t p = 0; p < g.oh; p++)
      for (int64_t q = 0; q < g.ow; q++)
        for (int64_t c = 0; c < g.c; c++, y++, index++) {
          int64_t at =
              *index < 0 || *index >= g.kh * g.kw ? -1 : hd_pool_pixel(&g, n, p, q, *index);
          *y = at < 0 ? 0 : x[at * g.c + c];
        }
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  if (hd_rule_real(r, 0) || hd_pool_shape(r, r->attr, r->in[0].shape, &r->out[0].shape) ||
      hd_must_have(r, 1, r->out[0].shape))
    return HD_E_SHAPE;
  if (r->in[1].dtype != HD_I32)
    return hd_refuse(r, "index is %s, must be i32: output 1 of max_pool2d",
                     hd_dtype_name(r->in[1].dtype));
  r->out[0].dtype = r->in[0].dtype;
  return HD_OK;
}

static void grad(hd_grad_rule *g) {
  g->dx[0] = hd_max_unpool2d(g->dy[0], g->rule->value[1], g->rule->value[0], g->rule->attr);
}

static const hd_field field[] = {HD_POOL2D_FIELDS};
static const hd_fields fields = HD_FIELDS("max_pool_take", hd_pool2d_options, field);

static const hd_pool2d_options two = {.window = {2}}, overlap = {.window = {3}, .stride = {2}},
                               padded = {.window = {3}, .pad = HD_SAME};
static const hd_case cases[] = {{.in = {{HD_F32, {4, {2, 4, 6, 3}}}, {HD_I32, {4, {2, 2, 3, 3}}}},
                                 .fill = {0, HD_FILL_INDEX},
                                 .limit = 4,
                                 .attr = &two},
                                {.in = {{HD_F32, {4, {1, 7, 5, 2}}}, {HD_I32, {4, {1, 3, 2, 2}}}},
                                 .fill = {0, HD_FILL_INDEX},
                                 .limit = 9,
                                 .attr = &overlap},
                                {.in = {{HD_F32, {4, {1, 4, 4, 2}}}, {HD_I32, {4, {1, 2, 2, 2}}}},
                                 .fill = {0, HD_FILL_INDEX},
                                 .limit = 9,
                                 .attr = &padded},
                                {.in = {{HD_F32, {4, {2, 4, 6, 3}}}, {HD_I32, {4, {2, 2, 2, 3}}}},
                                 .attr = &two,
                                 .refuse = "input 1 must be (2, 2, 3, 3), got (2, 2, 2, 3)"},
                                {0}};

const hd_op hd_def_max_pool_take = {.name = "max_pool_take",
                                    .math = "y = x at the taps that won",
                                    .fields = &fields,
                                    .min_in = 2,
                                    .max_in = 2,
                                    .n_out = 1,
                                    .shape = shape,
                                    HD_REFS(max_pool_take),
                                    .grad = grad,
                                    .cases = cases};

hd_val hd_max_pool_take(hd_val x, hd_val index, const hd_pool2d_options *o) {
  return hd_node_add(&hd_def_max_pool_take, o, (hd_val[]){x, index}, 2);
}
#endif
