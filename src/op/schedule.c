// y = the factor on the learning rate at optimiser step x (i32, from 0)
#include "op.h"
#include "schedule.h"

// Cosine of pi x for x in [0, 1], free of libm's versions: Taylor series about the nearest of 0, 1/2, 1.
static double cos_pi(double x) {
  double pi = 3.14159265358979323846, y = x > 0.5 ? 1 - x : x, t = pi * y, s = 1, term = 1;
  for (int k = 1; k < 14; k++) {
    term *= -t * t / ((2 * k - 1) * (2.0 * k));
    s += term;
  }
  return x > 0.5 ? -s : s;
}

static double factor_at(const hd_schedule_attr *o, double epoch) {
  double f = 1;
  if (o->warmup > 0 && epoch < o->warmup) f = epoch / o->warmup;
  if (o->kind == HD_SCHEDULE_STEP_ATTR) {
    int64_t drops = (int64_t)(epoch / o->every);
    for (int64_t i = 0; i < drops && f != 0; i++) f *= o->factor;
  } else if (o->kind == HD_SCHEDULE_COSINE_ATTR) {
    double x = epoch / o->total;
    f *= o->floor + (1 - o->floor) * 0.5 * (1 + cos_pi(x > 1 ? 1 : x < 0 ? 0 : x));
  }
  return f;
}

HD_REF(schedule) {
  (void)part;
  const hd_schedule_attr *o = a->attr;
  *(real *)a->out[0] = (real)factor_at(o, *(const int32_t *)a->in[0] / (double)o->steps);
}

#ifndef HD_REF64
double hd_schedule_at(const hd_schedule_attr *o, int64_t step) { return factor_at(o, (double)step / (double)o->steps); }

static hd_status shape(hd_rule *r) {
  const hd_schedule_attr *o = r->attr;
  if (r->in[0].dtype != HD_I32 || r->in[0].shape.rank) return hd_refuse(r, "the step must be an i32 scalar");
  if (!(o->steps > 0) || (o->kind == HD_SCHEDULE_STEP_ATTR && !(o->every > 0)) || (o->kind == HD_SCHEDULE_COSINE_ATTR && !(o->total > 0)))
    return hd_refuse(r, "steps, every and total must be positive");
  r->out[0] = (hd_type){o->f64 ? HD_F64 : HD_F32, {0}};
  return HD_OK;
}

static const hd_field field[] = {
  HD_FIELD(hd_schedule_attr, kind, INT, .standard = ""), HD_FIELD(hd_schedule_attr, every, REAL, .standard = ""), HD_FIELD(hd_schedule_attr, factor, REAL, .standard = ""),
  HD_FIELD(hd_schedule_attr, total, REAL, .standard = ""), HD_FIELD(hd_schedule_attr, floor, REAL, .standard = ""), HD_FIELD(hd_schedule_attr, warmup, REAL, .standard = ""),
  HD_FIELD(hd_schedule_attr, steps, REAL, .standard = ""), HD_FIELD(hd_schedule_attr, f64, BOOL, .standard = "")};
static const hd_fields fields = HD_FIELDS("schedule", hd_schedule_attr, field);

static const hd_schedule_attr drop = {.kind = HD_SCHEDULE_STEP_ATTR, .every = 1, .factor = 0.5f, .steps = 2};
static const hd_schedule_attr cosine = {.kind = HD_SCHEDULE_COSINE_ATTR, .total = 3, .steps = 2, .warmup = 1};
static const hd_schedule_attr bad = {.kind = HD_SCHEDULE_COSINE_ATTR, .steps = 1};
static const hd_case cases[] = {
  {.in = {{HD_I32, {0}}}, .fill = {HD_FILL_INDEX}, .limit = 7, .attr = &drop},
  {.in = {{HD_I32, {0}}}, .fill = {HD_FILL_INDEX}, .limit = 7, .attr = &cosine},
  {.in = {{HD_I32, {0}}}, .attr = &bad, .refuse = "must be positive"},
  {.in = {{HD_I32, {1, {2}}}}, .attr = &drop, .refuse = "i32 scalar"},
  {0}};

const hd_op hd_def_schedule = {
  .name = "schedule", .math = "y = factor on the learning rate at step x", .fields = &fields, .min_in = 1, .max_in = 1, .n_out = 1,
  .shape = shape, HD_REFS(schedule), .cases = cases};

hd_val hd_schedule_node(hd_val step, const hd_schedule_attr *attr) { return hd_node_add(&hd_def_schedule, attr, &step, 1); }
#endif
