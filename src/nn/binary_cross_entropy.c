// -(t log p + (1 - t) log(1 - p)), p = sigmoid(y) or y itself
#include "loss.h"

#define LEAST 1e-12  // of a probability under a log

// -log p and -log(1 - p)
static void logs(hd_val y, bool probabilities, hd_val *yes, hd_val *no) {
  if (!probabilities) {
    *yes = hd_softplus(hd_neg(y)), *no = hd_softplus(y);
    return;
  }
  hd_val least = hd_scalar_like(y, LEAST);
  *yes = hd_neg(hd_log(hd_maximum(y, least)));
  *no = hd_neg(hd_log(hd_maximum(hd_sub(hd_scalar_like(y, 1), y), least)));
}

hd_val(hd_binary_cross_entropy)(hd_val y, hd_val target, hd_binary_cross_entropy_options o) {
  static const char kind[] = "binary_cross_entropy";
  double positive = o.positive != 0 ? (double)o.positive : 1;
  hd_val yes, no;
  if (!hd_loss_fits(kind, y, target)) return (hd_val){0};
  if (!(positive > 0))
    return hd_layer_fail(y, kind, NULL, "positive is %g, must be above 0; default 1", positive);
  logs(y, o.probabilities, &yes, &no);
  hd_val first = hd_mul(target, yes);
  hd_val second = hd_mul(hd_sub(hd_scalar_like(y, 1), target), no);
  if (positive != 1) first = hd_scale(first, positive);
  return hd_loss_reduce(kind, hd_add(first, second), o.reduction, o.weights);
}

static const char *applies(const void *options) {
  const hd_binary_cross_entropy_options *o = options;
  return o && o->probabilities ? NULL : "sigmoid";
}

static hd_val build(hd_val y, hd_val target, const void *options) {
  const hd_binary_cross_entropy_options *o = options;
  return (hd_binary_cross_entropy)(y, target, o ? *o : (hd_binary_cross_entropy_options){0});
}
static const hd_field field[] = {
    HD_FIELD(hd_binary_cross_entropy_options, probabilities, BOOL, .standard = "false",
             .help = "y has been through a sigmoid"),
    HD_FIELD(hd_binary_cross_entropy_options, positive, REAL, .standard = "1", .low = 1e-30,
             .high = 1e30, .help = "weight of the elements that are 1"),
    HD_REDUCTION_FIELD(hd_binary_cross_entropy_options)};
static const hd_fields fields =
    HD_FIELDS("binary_cross_entropy", hd_binary_cross_entropy_options, field);
const hd_loss hd_loss_binary_cross_entropy = {
    .name = "binary_cross_entropy",
    .help = "-(t log p + (1 - t) log(1 - p)), p = sigmoid(y)",
    .fields = &fields,
    .target = HD_TARGET_TRUTHS,
    .applies = applies,
    .build = build};
