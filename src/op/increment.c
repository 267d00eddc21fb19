// y = x + 1 on i32, if the condition holds: the step counter of an optimiser
#include "op.h"

HD_REF(increment) {
  (void)part;
  const int32_t *x = a->in[0];
  int32_t *y = a->out[0];
  bool holds = a->n_in < 2 || *(const uint8_t *)a->in[1];
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++)
    y[i] = x[i] == INT32_MAX || !holds ? x[i] : x[i] + 1;
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  if (r->in[0].dtype != HD_I32)
    return hd_refuse(r, "x is %s, must be i32", hd_dtype_name(r->in[0].dtype));
  if (r->n_in > 1 && (r->in[1].dtype != HD_BOOL || r->in[1].shape.rank))
    return hd_refuse(r, "the condition must be a bool scalar");
  r->out[0] = r->in[0];
  return HD_OK;
}

static const hd_case cases[] = {{.in = {{HD_I32, {0}}}, .fill = {HD_FILL_INDEX}, .limit = 5},
                                {.in = {{HD_I32, {1, {3}}}, {HD_BOOL, {0}}},
                                 .fill = {HD_FILL_INDEX, HD_FILL_TRUTH},
                                 .limit = 5},
                                {.in = {{HD_F32, {1, {3}}}}, .refuse = "must be i32"},
                                {.in = {{HD_I32, {0}}, {HD_I32, {0}}}, .refuse = "bool scalar"},
                                {0}};

const hd_op hd_def_increment = {.name = "increment",
                                .math = "y = x + 1",
                                .min_in = 1,
                                .max_in = 2,
                                .n_out = 1,
                                .shape = shape,
                                HD_REFS(increment),
                                .cases = cases};

hd_val hd_increment(hd_val x, hd_val when) {
  return hd_node_add(&hd_def_increment, NULL, (hd_val[]){x, when}, hd_ok(when) ? 2 : 1);
}
#endif
