// y = x with the axes of `like`
#include "layout.h"

HD_REF(reshape_like) {
  (void)part;
  memcpy(a->out[0], a->in[0],
         (size_t)hd_args_count(a->out_type) * hd_dtype_size(a->out_type->dtype));
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  char a[96], b[96];
  int64_t x = hd_shape_count(r->in[0].shape), y = hd_shape_count(r->in[1].shape);
  if (x >= 0 && y >= 0 && x != y)
    return hd_refuse(r, "%s does not hold as many elements as %s", hd_text_of(r->in[0].shape, a),
                     hd_text_of(r->in[1].shape, b));
  r->out[0] = (hd_type){r->in[0].dtype, r->in[1].shape};
  return HD_OK;
}

static void grad(hd_grad_rule *g) {
  if (g->want[0]) g->dx[0] = hd_reshape_like(g->dy[0], g->rule->value[0]);
}

static hd_val rewrite(hd_rule *r, bool train) {
  (void)train;
  return hd_reshape(r->value[0], r->out[0].shape);
}

static const hd_case cases[] = {{.in = {{HD_F32, {0}}, {HD_F32, {2, {1, 1}}}}},
                                {.in = {{HD_F32, {2, {3, 5}}}, {HD_F32, {1, {15}}}}},
                                {.in = {{HD_F32, {3, {2, 3, 5}}}, {HD_F32, {2, {6, 5}}}}},
                                {.in = {{HD_F32, {2, {3, 5}}}, {HD_F32, {2, {3, 5}}}}},
                                {.in = {{HD_F32, {2, {3, 5}}}, {HD_F32, {2, {4, 4}}}},
                                 .refuse = "(3, 5) does not hold as many elements as (4, 4)"},
                                {0}};

const hd_op hd_def_reshape_like = {.name = "reshape_like",
                                   .math = "y = x with the axes of `like`",
                                   .min_in = 2,
                                   .max_in = 2,
                                   .n_out = 1,
                                   .shape = shape,
                                   HD_REFS(reshape_like),
                                   .grad = grad,
                                   .rewrite = rewrite,
                                   .cost = hd_cost_nothing,
                                   .alias = true,
                                   .cases = cases};

hd_val hd_reshape_like(hd_val x, hd_val like) {
  return hd_node_add(&hd_def_reshape_like, NULL, (hd_val[]){x, like}, 2);
}
#endif
