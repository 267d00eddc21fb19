// -log softmax(logits)[label], with label smoothing
#include "loss.h"

hd_val(hd_cross_entropy)(hd_val logits, hd_val label, hd_cross_entropy_options o) {
  double s = (double)o.smoothing;
  if (!hd_ok(logits) || !hd_ok(label)) return (hd_val){0};
  if (!(s >= 0 && s < 1))
    return hd_layer_fail(logits, "cross_entropy", NULL,
                         "smoothing is %g, must be in [0, 1); default 0", s);
  hd_val loss = hd_op_cross_entropy(logits, label);
  if (s > 0) {
    hd_val even = hd_neg(hd_mean(hd_log_softmax(logits), .axes = HD_LAST_AXIS));
    loss = hd_add(hd_scale(loss, 1 - s), hd_scale(even, s));
  }
  return hd_loss_reduce("cross_entropy", loss, o.reduction, o.weights);
}

static const char *applies(const void *o) { return (void)o, "softmax"; }

static hd_val build(hd_val y, hd_val target, const void *options) {
  const hd_cross_entropy_options *o = options;
  return (hd_cross_entropy)(y, target, o ? *o : (hd_cross_entropy_options){0});
}
static const hd_field field[] = {
    HD_FIELD(hd_cross_entropy_options, smoothing, REAL, .standard = "0", .low = 0, .high = 0.999999,
             .main = true, .help = "share of the target that all classes have alike"),
    HD_REDUCTION_FIELD(hd_cross_entropy_options)};
static const hd_fields fields = HD_FIELDS("cross_entropy", hd_cross_entropy_options, field);
const hd_loss hd_loss_cross_entropy = {.name = "cross_entropy",
                                       .help = "-log softmax(y)[class]",
                                       .fields = &fields,
                                       .target = HD_TARGET_CLASS,
                                       .applies = applies,
                                       .build = build};
