// y = 0 with probability rate, else 1 / (1 - rate): dropout's mask, of x's shape; ones in
// evaluation
#include "op.h"
#include "../base/random.h"

// In a sealed graph the shape is an attribute: the mask does not wait for x, and x may die.
typedef struct {
  hd_random_mask_options o;
  int64_t d[HD_MAX_RANK];
  int rank;
  bool known;
} mask_attr;

static float rate_of(const void *attr) {
  float rate = ((const mask_attr *)attr)->o.rate;
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
  const mask_attr *m = r->attr;
  if (!(m->o.rate >= 0 && m->o.rate < 1))
    return hd_refuse(r, "rate is %g, must be at least 0 and below 1", (double)m->o.rate);
  if (hd_rule_same(r)) return HD_E_SHAPE;
  if (m->known) {
    r->out[0].shape.rank = m->rank;
    memcpy(r->out[0].shape.d, m->d, sizeof m->d);
  }
  return HD_OK;
}

static hd_val rewrite(hd_rule *r, bool train) {
  mask_attr m = *(const mask_attr *)r->attr;
  hd_val one = hd_scalar_like(r->value[0], 1);
  if (!train) return hd_broadcast_to(one, r->out[0].shape);
  if (m.known) return (hd_val){0};
  m.known = true;
  m.rank = r->in[0].shape.rank;
  memcpy(m.d, r->in[0].shape.d, sizeof m.d);
  return hd_node_add(r->op, &m, &one, 1);
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
  int64_t count = hd_shape_count(l->rule->out[0].shape);
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

static const hd_field field[] = {
    {.name = "rate",
     .kind = HD_FIELD_REAL,
     .offset = offsetof(mask_attr, o.rate),
     .count = 1,
     .standard = "0.5",
     .low = 1e-6,
     .high = 0.999999,
     .main = true,
     .help = "probability of zero"},
    HD_FIELD_ARRAY(mask_attr, d, INT64, HD_MAX_RANK, .standard = "0", .help = "the shape"),
    HD_FIELD(mask_attr, rank, INT, .standard = "0", .help = "of the shape"),
    HD_FIELD(mask_attr, known, BOOL, .standard = "false", .help = "the shape is given")};
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
                                  .random = true,
                                  .cases = cases};

hd_val(hd_random_mask)(hd_val x, hd_random_mask_options options) {
  return hd_node_add(&hd_def_random_mask, &(mask_attr){.o = options}, &x, 1);
}
#endif
