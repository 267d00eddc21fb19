// Squares near 0, straight lines beyond: huber, and smooth_l1, which is huber / beta
#include "loss.h"

// m (|e| - m / 2) with m = min(|e|, delta) is both branches.
static hd_val bend(hd_val y, hd_val target, double delta) {
  hd_val e = hd_abs(hd_sub(y, target)), m = hd_minimum(e, hd_scalar_like(y, delta));
  return hd_mul(m, hd_sub(e, hd_scale(m, 0.5)));
}

hd_val(hd_huber)(hd_val y, hd_val target, hd_huber_options o) {
  double delta = o.delta != 0 ? (double)o.delta : 1;
  if (!hd_loss_fits("huber", y, target)) return (hd_val){0};
  if (!(delta > 0))
    return hd_layer_fail(y, "huber", NULL, "delta is %g, must be above 0; default 1", delta);
  return hd_loss_reduce("huber", bend(y, target, delta), o.reduction, o.weights);
}

hd_val(hd_smooth_l1)(hd_val y, hd_val target, hd_smooth_l1_options o) {
  double beta = o.beta != 0 ? (double)o.beta : 1;
  if (!hd_loss_fits("smooth_l1", y, target)) return (hd_val){0};
  if (!(beta > 0))
    return hd_layer_fail(y, "smooth_l1", NULL, "beta is %g, must be above 0; default 1", beta);
  hd_val loss = hd_scale(bend(y, target, beta), 1 / beta);
  return hd_loss_reduce("smooth_l1", loss, o.reduction, o.weights);
}

static hd_val build_huber(hd_val y, hd_val target, const void *options) {
  const hd_huber_options *o = options;
  return (hd_huber)(y, target, o ? *o : (hd_huber_options){0});
}
static const hd_field huber_field[] = {
    HD_FIELD(hd_huber_options, delta, REAL, .standard = "1", .low = 1e-30, .high = 1e30,
             .main = true, .help = "where the square ends"),
    HD_REDUCTION_FIELD(hd_huber_options)};
static const hd_fields huber_fields = HD_FIELDS("huber", hd_huber_options, huber_field);
const hd_loss hd_loss_huber = {.name = "huber",
                               .help = "e^2 / 2 up to |e| = delta, then delta (|e| - delta / 2)",
                               .fields = &huber_fields,
                               .target = HD_TARGET_NUMBERS,
                               .build = build_huber};

static hd_val build_smooth_l1(hd_val y, hd_val target, const void *options) {
  const hd_smooth_l1_options *o = options;
  return (hd_smooth_l1)(y, target, o ? *o : (hd_smooth_l1_options){0});
}
static const hd_field smooth_l1_field[] = {
    HD_FIELD(hd_smooth_l1_options, beta, REAL, .standard = "1", .low = 1e-30, .high = 1e30,
             .main = true, .help = "where the square ends"),
    HD_REDUCTION_FIELD(hd_smooth_l1_options)};
static const hd_fields smooth_l1_fields =
    HD_FIELDS("smooth_l1", hd_smooth_l1_options, smooth_l1_field);
const hd_loss hd_loss_smooth_l1 = {.name = "smooth_l1",
                                   .help = "e^2 / (2 beta) up to |e| = beta, then |e| - beta / 2",
                                   .fields = &smooth_l1_fields,
                                   .target = HD_TARGET_NUMBERS,
                                   .build = build_smooth_l1};
