// y = 0 with probability rate, else 1 / (1 - rate): dropout's mask, of x's shape; ones in
// evaluation
#include "random.h"

typedef struct {
  hd_random_mask_options o;
  hd_drawn at;
} mask_attr;

static float rate_of(const void *attr) {
  float rate = ((const mask_attr *)attr)->o.rate;
  return rate > 0 ? rate : 0.5f;
}

HD_REF(random_mask) {
  (void)part;
  real *y = a->out[0];
  float rate = rate_of(a->attr);
  hd_random_key key = {a->step->seed, hd_draw_stream(a)};
  uint64_t first = hd_draw_first(a);
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++)
    y[i] = !a->step->train                                       ? 1
           : hd_random_uniform(key, first + (uint64_t)i) >= rate ? 1 / (real)(1 - rate)
                                                                 : 0;
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  const mask_attr *m = r->attr;
  if (!(m->o.rate >= 0 && m->o.rate < 1))
    return hd_refuse(r, "rate is %g, must be at least 0 and below 1", (double)m->o.rate);
  return hd_draw_shape(r, &m->at);
}

static hd_val rewrite(hd_rule *r, bool train) {
  mask_attr m = *(const mask_attr *)r->attr;
  return hd_draw_rewrite(r, train, &m, &m.at, 1);
}

static void run(const hd_args *a, int64_t part) {
  const hd_kernels *kernels = *(const hd_kernels *const *)a->data;
  int64_t at = part * HD_DRAW_BLOCK, n = HD_MIN(HD_DRAW_BLOCK, hd_args_count(a->out_type) - at);
  float *y = (float *)a->out[0] + at;
  for (int64_t i = 0; i < n; i++) y[i] = 1;
  kernels->dropout(y, y, n, rate_of(a->attr), a->step->seed, hd_draw_stream(a),
                   hd_draw_first(a) + (uint64_t)at);
}

static hd_status lower(hd_lowering *l) { return hd_draw_lower(l, run); }

static void cost(const hd_rule *r, double *flop) {
  *flop = 20 * (double)hd_shape_count(r->out[0].shape);
}

static const hd_field field[] = {{.name = "rate",
                                  .kind = HD_FIELD_REAL,
                                  .offset = offsetof(mask_attr, o.rate),
                                  .count = 1,
                                  .standard = "0.5",
                                  .low = 1e-6,
                                  .high = 0.999999,
                                  .main = true,
                                  .help = "probability of zero"},
                                 HD_DRAW_FIELDS(mask_attr)};
static const hd_fields fields = HD_FIELDS("random_mask", mask_attr, field);

static const mask_attr rare = {.o.rate = 0.1f}, bad = {.o.rate = 1};
static const hd_case cases[] = {{.in = {{HD_F32, {1, {7}}}}},
                                {.in = {{HD_F32, {2, {3, 37}}}}, .attr = &rare},
                                {.in = {{HD_F32, {4, {2, 3, 5, 700}}}}, .attr = &rare},
                                {.in = {{HD_F32, {1, {7}}}},
                                 .attr = &bad,
                                 .refuse = "rate is 1, must be at least 0 and below 1"},
                                {0}};

const hd_op hd_def_random_mask = {.name = "random_mask",
                                  .math = "y = 0 with probability rate, else 1 / (1 - rate)",
                                  .fields = &fields,
                                  .min_in = 1,
                                  .max_in = 1,
                                  .n_out = 1,
                                  .shape = shape,
                                  HD_REFS(random_mask),
                                  .lower = lower,
                                  .rewrite = rewrite,
                                  .cost = cost,
                                  .random = true,
                                  .cases = cases};

hd_val(hd_random_mask)(hd_val x, hd_random_mask_options options) {
  return hd_node_add(&hd_def_random_mask, &(mask_attr){.o = options}, &x, 1);
}
#endif
