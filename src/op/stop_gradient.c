// y = x; no gradient passes
#include "op.h"

HD_REF(stop_gradient) {
  (void)part;
  memcpy(a->out[0], a->in[0],
         (size_t)hd_args_count(a->out_type) * hd_dtype_size(a->out_type->dtype));
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  r->out[0] = r->in[0];
  return HD_OK;
}

static hd_val rewrite(hd_rule *r, bool train) {
  (void)train;
  return r->value[0];
}

static void cost(const hd_rule *r, double *flop) {
  (void)r;
  *flop = 0;
}

static const hd_case cases[] = {{.in = {{HD_F32, {0}}}},
                                {.in = {{HD_F32, {2, {3, 5}}}}},
                                {.in = {{HD_I32, {1, {7}}}}, .fill = {HD_FILL_INDEX}, .limit = 9},
                                {0}};

const hd_op hd_def_stop_gradient = {.name = "stop_gradient",
                                    .math = "y = x; dx = 0",
                                    .min_in = 1,
                                    .max_in = 1,
                                    .n_out = 1,
                                    .shape = shape,
                                    HD_REFS(stop_gradient),
                                    .rewrite = rewrite,
                                    .cost = cost,
                                    .alias = true,
                                    .cases = cases};

hd_val hd_stop_gradient(hd_val x) { return hd_node_add(&hd_def_stop_gradient, NULL, &x, 1); }
#endif
