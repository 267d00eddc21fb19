// y = 0 with probability rate, else 1 / (1 - rate): dropout's mask, of x's shape; ones in
// evaluation
#include "op.h"
#include "../base/random.h"

static float rate_of(const void *attr) {
  float rate = ((const hd_random_mask_options *)attr)->rate;
  return rate > 0 ? rate : 0.5f;
}

// Elements are numbered from the first sample of all shards, so that shards agree.
static uint64_t first_of(const hd_args *a) {
  hd_shape s = a->out_type[0].shape;
  int64_t count = hd_shape_count(s);
  return (uint64_t)a->step->sample * (uint64_t)(s.rank && s.d[0] > 0 ? count / s.d[0] : count);
}
static uint64_t stream_of(const hd_args *a) {
  uint64_t key[2] = {a->site, a->step->step};
  return hd_hash(key, sizeof key, 0);
}

HD_REF(random_mask) {
  (void)part;
  real *y = a->out[0];
  float rate = rate_of(a->attr);
  hd_random_key key = {a->step->seed, stream_of(a)};
  uint64_t first = first_of(a);
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++)
    y[i] = !a->step->train                                       ? 1
           : hd_random_uniform(key, first + (uint64_t)i) >= rate ? 1 / (real)(1 - rate)
                                                                 : 0;
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  float rate = ((const hd_random_mask_options *)r->attr)->rate;
  if (!(rate >= 0 && rate < 1))
    return hd_refuse(r, "rate is %g, must be at least 0 and below 1", (double)rate);
  return hd_rule_same(r);
}

static hd_val rewrite(hd_rule *r, bool train) {
  return train ? (hd_val){0} : hd_broadcast_to(hd_scalar_like(r->value[0], 1), r->in[0].shape);
}

enum { BLOCK = 8192 };  // elements of a part
static void run(const hd_args *a, int64_t part) {
  const hd_kernels *kernels = *(const hd_kernels *const *)a->data;
  int64_t at = part * BLOCK, n = HD_MIN(BLOCK, hd_args_count(a->out_type) - at);
  float *y = (float *)a->out[0] + at;
  for (int64_t i = 0; i < n; i++) y[i] = 1;
  kernels->dropout(y, y, n, rate_of(a->attr), a->step->seed, stream_of(a),
                   first_of(a) + (uint64_t)at);
}

static hd_status lower(hd_lowering *l) {
  int64_t count = hd_shape_count(l->rule->in[0].shape);
  if (count < 1) return HD_OK;
  const hd_kernels **data = l->data = hd_lower_alloc(l, sizeof *data);
  if (!data) return HD_E_MEMORY;
  *data = l->kernels;
  l->phases = 1;
  l->phase[0].run = run;
  l->phase[0].parts = (count + BLOCK - 1) / BLOCK;
  l->flop = 20 * (double)count;
  return HD_OK;
}

static const hd_field field[] = {HD_FIELD(hd_random_mask_options, rate, REAL, .standard = "0.5",
                                          .low = 1e-6, .high = 0.999999, .main = true,
                                          .help = "probability of zero")};
static const hd_fields fields = HD_FIELDS("random_mask", hd_random_mask_options, field);

static const hd_random_mask_options rare = {.rate = 0.1f}, bad = {.rate = 1};
static const hd_case cases[] = {
  {.in = {{HD_F32, {1, {7}}}}},
  {.in = {{HD_F32, {2, {3, 37}}}}, .attr = &rare},
  {.in = {{HD_F32, {4, {2, 3, 5, 700}}}}, .attr = &rare},
  {.in = {{HD_F32, {1, {7}}}}, .attr = &bad, .refuse = "rate is 1, must be at least 0 and below 1"},
  {0}};

const hd_op hd_def_random_mask = {
  .name = "random_mask", .math = "y = 0 with probability rate, else 1 / (1 - rate)",
  .fields = &fields, .min_in = 1, .max_in = 1,
  .n_out = 1, .shape = shape, HD_REFS(random_mask), .lower = lower, .rewrite = rewrite,
  .random = true, .cases = cases};

hd_val(hd_random_mask)(hd_val x, hd_random_mask_options options) {
  return hd_node_add(&hd_def_random_mask, &options, &x, 1);
}
#endif
