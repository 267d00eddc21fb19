// y normal with this mean and deviation, of x's shape; the mean in evaluation
#include "random.h"

typedef struct {
  hd_random_noise_options o;
  hd_drawn at;
} noise_attr;

static float deviation_of(const void *attr) {
  float deviation = ((const noise_attr *)attr)->o.deviation;
  return deviation != 0 ? deviation : 1;
}
// Shards agree on a sample's noise; on all of it where it is of a weight.
static uint64_t first_of(const hd_args *a) {
  return ((const noise_attr *)a->attr)->o.shared ? 0 : hd_draw_first(a);
}

// Box-Muller from 31 and 24 bits: the radius from the stream, the angle, as b of sin(2 pi b) in
// [-1/4, 1/4], from the stream's complement.
HD_REF(random_noise) {
  (void)part;
  real *y = a->out[0];
  uint64_t seed = a->step->seed, stream = hd_draw_stream(a), first = first_of(a);
  double mean = ((const noise_attr *)a->attr)->o.mean, deviation = deviation_of(a->attr);
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++) {
    uint64_t at = first + (uint64_t)i;
    uint32_t word[4];
    hd_philox(seed, stream, at / 4, word);
    float u = (float)(word[at % 4] >> 1) * 0x1p-31f + 0x1p-32f;
    float t = hd_random_uniform((hd_random_key){seed, ~stream}, at);
    double z = sqrt(-2 * log((double)u)) * sin(6.283185307179586 * (0.25 - fabs((double)t - 0.5)));
    y[i] = (real)(a->step->train ? mean + deviation * z : mean);
  }
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  const noise_attr *m = r->attr;
  if (!(m->o.deviation >= 0) || isinf(m->o.deviation) || !isfinite(m->o.mean))
    return hd_refuse(r, "mean %g and deviation %g must be finite, the deviation not negative",
                     (double)m->o.mean, (double)m->o.deviation);
  return hd_draw_shape(r, &m->at);
}

static hd_val rewrite(hd_rule *r, bool train) {
  noise_attr m = *(const noise_attr *)r->attr;
  return hd_draw_rewrite(r, train, &m, &m.at, m.o.mean);
}

static void run(const hd_args *a, int64_t part) {
  const hd_kernels *kernels = *(const hd_kernels *const *)a->data;
  int64_t at = part * HD_DRAW_BLOCK, n = HD_MIN(HD_DRAW_BLOCK, hd_args_count(a->out_type) - at);
  kernels->noise((float *)a->out[0] + at, n, ((const noise_attr *)a->attr)->o.mean,
                 deviation_of(a->attr), a->step->seed, hd_draw_stream(a),
                 first_of(a) + (uint64_t)at);
}
static hd_status lower(hd_lowering *l) { return hd_draw_lower(l, run); }

static void cost(const hd_rule *r, double *flop) {
  *flop = 60 * (double)hd_shape_count(r->out[0].shape);
}

static const hd_field field[] = {{.name = "mean",
                                  .kind = HD_FIELD_REAL,
                                  .offset = offsetof(noise_attr, o.mean),
                                  .count = 1,
                                  .standard = "0",
                                  .help = "of the noise"},
                                 {.name = "deviation",
                                  .kind = HD_FIELD_REAL,
                                  .offset = offsetof(noise_attr, o.deviation),
                                  .count = 1,
                                  .standard = "1",
                                  .low = 1e-30,
                                  .high = 1e30,
                                  .main = true,
                                  .help = "of the noise"},
                                 {.name = "shared",
                                  .kind = HD_FIELD_BOOL,
                                  .offset = offsetof(noise_attr, o.shared),
                                  .count = 1,
                                  .standard = "false",
                                  .help = "one draw for all samples: x is a weight"},
                                 HD_DRAW_FIELDS(noise_attr)};
static const hd_fields fields = HD_FIELDS("random_noise", noise_attr, field);

static const noise_attr around_one = {.o.mean = 1, .o.deviation = 0.5f},
                        weight = {.o.deviation = 2, .o.shared = true}, bad = {.o.deviation = -1};
static const hd_case cases[] = {
    {.in = {{HD_F32, {1, {7}}}}},
    {.in = {{HD_F32, {2, {3, 37}}}}, .attr = &around_one},
    {.in = {{HD_F32, {4, {2, 3, 5, 700}}}}, .attr = &weight},
    {.in = {{HD_F32, {1, {7}}}}, .attr = &bad, .refuse = "deviation -1 must be finite"},
    {.in = {{HD_I32, {1, {7}}}}, .refuse = "f32 or f64"},
    {0}};

const hd_op hd_def_random_noise = {.name = "random_noise",
                                   .math = "y = mean + deviation z, z normal (0, 1)",
                                   .fields = &fields,
                                   .min_in = 1,
                                   .max_in = 1,
                                   .n_out = 1,
                                   .shape = shape,
                                   HD_REFS(random_noise),
                                   .lower = lower,
                                   .rewrite = rewrite,
                                   .cost = cost,
                                   .random = true,
                                   .cases = cases};

hd_val(hd_random_noise)(hd_val x, hd_random_noise_options options) {
  return hd_node_add(&hd_def_random_noise, &(noise_attr){.o = options}, &x, 1);
}
#endif
