// y = the factor on the learning rate at optimiser step x (i32, from 0)
#include "op.h"
#include "schedule.h"

// The functions below are free of libm's versions, so that every machine has the same bits.
// Cosine of pi x for x in [0, 1]: Taylor series about the nearest of 0, 1/2, 1.
static double cos_pi(double x) {
  double pi = 3.14159265358979323846, y = x > 0.5 ? 1 - x : x, t = pi * y, s = 1, term = 1;
  for (int k = 1; k < 14; k++) {
    term *= -t * t / ((2 * k - 1) * (2.0 * k));
    s += term;
  }
  return x > 0.5 ? -s : s;
}

// x^y for x >= 0: 2^n (1 + z) / (1 - z) for the logarithm, Taylor's series for the exponential.
static double power_of(double x, double y) {
  const double ln2 = 0.69314718055994530942;
  if (x <= 0 || y == 0) return y == 0;
  int n;
  double m = frexp(x, &n);  // in [1/2, 1)
  if (m < 0.70710678) m *= 2, n--;
  double z = (m - 1) / (m + 1), log = 0, s = 1;
  for (int k = 25; k > 0; k -= 2) log = log * z * z + 2.0 / k;
  double t = y * (n * ln2 + log * z), whole = floor(t / ln2 + 0.5);
  if (!(t > -700 && t < 700)) return t > 0 ? HUGE_VAL : 0;
  for (int k = 18; k > 0; k--) s = 1 + s * (t - whole * ln2) / k;
  return ldexp(s, (int)whole);
}

// The same for whole y, exact for powers of two.
static double whole_power(double x, double y) {
  double f = 1;
  for (int64_t n = y < 1e15 ? (int64_t)y : (int64_t)1e15; n > 0; n /= 2, x *= x)
    if (n % 2) f *= x;
  return f;
}

// From 1 at x = 0 to `last` at x = 1.
static double fall(double x, double last) { return last + (1 - last) * 0.5 * (1 + cos_pi(x)); }

// How far within its period an epoch is, of periods that grow.
static double period_part(double epoch, double length, double growth) {
  if (growth <= 1) return epoch / length - floor(epoch / length);
  while (epoch >= length) epoch -= length, length *= growth;
  return epoch / length;
}

static double factor_at(const hd_schedule_attr *o, double epoch) {
  double f = 1, x = epoch / (double)o->total, last = o->floor, peak = o->peak;
  x = x > 1 ? 1 : x > 0 ? x : 0;
  if (o->warmup > 0 && epoch < o->warmup) f = epoch / o->warmup;
  switch (o->kind) {
    case HD_SCHEDULE_STEP_ATTR: return f * whole_power(o->factor, floor(epoch / o->every));
    case HD_SCHEDULE_MULTI_STEP_ATTR:
      for (int i = 0; i < 8 && o->at[i] > 0; i++) f *= epoch >= o->at[i] ? o->factor : 1;
      return f;
    case HD_SCHEDULE_EXPONENTIAL_ATTR: return f * power_of(o->factor, epoch / o->every);
    case HD_SCHEDULE_LINEAR_ATTR: return f * (last + (1 - last) * (1 - x));
    case HD_SCHEDULE_POLYNOMIAL_ATTR: return f * (last + (1 - last) * power_of(1 - x, o->power));
    case HD_SCHEDULE_COSINE_ATTR: return f * fall(x, last);
    case HD_SCHEDULE_RESTARTS_ATTR: return f * fall(period_part(epoch, o->every, o->growth), last);
    case HD_SCHEDULE_ONE_CYCLE_ATTR:
      return f * (x < peak ? fall(1 - x / peak, o->start) : fall((x - peak) / (1 - peak), last));
    case HD_SCHEDULE_INVERSE_SQRT_ATTR: return epoch > o->warmup ? f * sqrt(o->warmup / epoch) : f;
    default: return f;  // a plateau is seen from outside
  }
}

HD_REF(schedule) {
  (void)part;
  const hd_schedule_attr *o = a->attr;
  *(real *)a->out[0] = (real)factor_at(o, *(const int32_t *)a->in[0] / (double)o->steps);
}

#ifndef HD_REF64
double hd_schedule_at(const hd_schedule_attr *o, int64_t step) {
  return factor_at(o, (double)step / (double)o->steps);
}

static hd_status shape(hd_rule *r) {
  const hd_schedule_attr *o = r->attr;
  if (r->in[0].dtype != HD_I32 || r->in[0].shape.rank)
    return hd_refuse(r, "the step must be an i32 scalar");
  if (!(o->steps > 0 && o->every > 0 && o->total > 0 && o->power > 0))
    return hd_refuse(r, "steps, every, total and power must be positive");
  if (!(o->growth >= 1 && o->peak > 0 && o->peak < 1))
    return hd_refuse(r, "growth must be at least 1, peak between 0 and 1");
  r->out[0] = (hd_type){o->f64 ? HD_F64 : HD_F32, {0}};
  return HD_OK;
}

#define A hd_schedule_attr
static const hd_field field[] = {
    HD_FIELD(A, kind, INT, .standard = "", .help = "which formula"),
    HD_FIELD(A, every, REAL, .standard = "", .help = "epochs between drops"),
    HD_FIELD(A, factor, REAL, .standard = "", .help = "of each drop"),
    HD_FIELD_ARRAY(A, at, REAL, 8, .standard = "", .help = "epochs of the drops"),
    HD_FIELD(A, total, REAL, .standard = "", .help = "epochs to the end"),
    HD_FIELD(A, floor, REAL, .standard = "", .help = "the last factor"),
    HD_FIELD(A, power, REAL, .standard = "", .help = "polynomial: exponent"),
    HD_FIELD(A, growth, REAL, .standard = "", .help = "restarts: of each period"),
    HD_FIELD(A, start, REAL, .standard = "", .help = "one_cycle: first factor"),
    HD_FIELD(A, peak, REAL, .standard = "", .help = "one_cycle: where the top is"),
    HD_FIELD(A, warmup, REAL, .standard = "", .help = "epochs of linear rise"),
    HD_FIELD(A, steps, REAL, .standard = "", .help = "optimiser steps in an epoch"),
    HD_FIELD(A, f64, BOOL, .standard = "", .help = "the factor is f64")};
static const hd_fields fields = HD_FIELDS("schedule", hd_schedule_attr, field);

#define F \
  .every = 1, .factor = 0.5f, .at = {1, 2}, .total = 3, .floor = 0.125f, .power = 2, .growth = 2, \
  .start = 0.25f, .peak = 0.25f, .steps = 2
static const A attrs[] = {
    {.kind = HD_SCHEDULE_STEP_ATTR, F},
    {.kind = HD_SCHEDULE_MULTI_STEP_ATTR, F},
    {.kind = HD_SCHEDULE_EXPONENTIAL_ATTR, F},
    {.kind = HD_SCHEDULE_LINEAR_ATTR, F},
    {.kind = HD_SCHEDULE_POLYNOMIAL_ATTR, F},
    {.kind = HD_SCHEDULE_COSINE_ATTR, F, .warmup = 1},
    {.kind = HD_SCHEDULE_RESTARTS_ATTR, F},
    {.kind = HD_SCHEDULE_ONE_CYCLE_ATTR, F},
    {.kind = HD_SCHEDULE_INVERSE_SQRT_ATTR, F, .warmup = 1},
    {.kind = HD_SCHEDULE_COSINE_ATTR, .every = 1, .power = 1, .steps = 1},
    {.kind = HD_SCHEDULE_RESTARTS_ATTR, .every = 1, .total = 1, .power = 1, .steps = 1}};
#define I_ .in = {{HD_I32, {0}}}
#define C_(i) \
  { I_, .fill = {HD_FILL_INDEX}, .limit = 9, .attr = &attrs[i] }
static const hd_case cases[] = {
    C_(0),
    C_(1),
    C_(2),
    C_(3),
    C_(4),
    C_(5),
    C_(6),
    C_(7),
    C_(8),
    {I_, .attr = &attrs[9], .refuse = "must be positive"},
    {I_, .attr = &attrs[10], .refuse = "growth must be at least 1"},
    {.in = {{HD_I32, {1, {2}}}}, .attr = &attrs[0], .refuse = "i32 scalar"},
    {0}};

const hd_op hd_def_schedule = {.name = "schedule",
                               .math = "y = factor on the learning rate at step x",
                               .fields = &fields,
                               .min_in = 1,
                               .max_in = 1,
                               .n_out = 1,
                               .shape = shape,
                               HD_REFS(schedule),
                               .cases = cases};

hd_val hd_schedule_node(hd_val step, const hd_schedule_attr *attr) {
  return hd_node_add(&hd_def_schedule, attr, &step, 1);
}
#endif
