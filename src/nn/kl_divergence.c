// sum t (log t - log p), p = softmax(y) or y itself
#include "loss.h"

#define LEAST 1e-12  // of a probability under a log

hd_val(hd_kl_divergence)(hd_val y, hd_val target, hd_kl_divergence_options o) {
  if (!hd_loss_fits("kl_divergence", y, target)) return (hd_val){0};
  if (!hd_type_of(y)->shape.rank)
    return hd_layer_fail(y, "kl_divergence", NULL, "y is a scalar; needs a last axis to sum over");
  hd_val least = hd_scalar_like(y, LEAST), log_t = hd_log(hd_maximum(target, least));
  hd_val log_p = o.probabilities ? hd_log(hd_maximum(y, least)) : hd_log_softmax(y);
  hd_val loss = hd_sum(hd_mul(target, hd_sub(log_t, log_p)), .axes = HD_LAST_AXIS);
  return hd_loss_reduce("kl_divergence", loss, o.reduction, o.weights);
}

static const char *applies(const void *options) {
  const hd_kl_divergence_options *o = options;
  return o && o->probabilities ? NULL : "softmax";
}

static hd_val build(hd_val y, hd_val target, const void *options) {
  const hd_kl_divergence_options *o = options;
  return (hd_kl_divergence)(y, target, o ? *o : (hd_kl_divergence_options){0});
}
static const hd_field field[] = {
    HD_FIELD(hd_kl_divergence_options, probabilities, BOOL, .standard = "false",
             .help = "y has been through a softmax"),
    HD_REDUCTION_FIELD(hd_kl_divergence_options)};
static const hd_fields fields = HD_FIELDS("kl_divergence", hd_kl_divergence_options, field);
const hd_loss hd_loss_kl_divergence = {.name = "kl_divergence",
                                       .help = "sum t log(t / p), p = softmax(y)",
                                       .fields = &fields,
                                       .target = HD_TARGET_NUMBERS,
                                       .applies = applies,
                                       .build = build};
