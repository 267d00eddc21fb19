// -(1 - p)^gamma log p, p the probability of what is true
#include "loss.h"

// log p = -softplus(-y) and log(1 - p) = -softplus(y), and the other way round where t is 0: all of
// it from softplus, which neither overflows nor cancels.
static hd_val binary(hd_val y, hd_val t, double gamma, double alpha) {
  hd_val yes = hd_softplus(hd_neg(y)), no = hd_softplus(y);
  hd_val first = hd_mul(t, hd_mul(yes, hd_exp(hd_scale(no, -gamma))));
  hd_val second =
      hd_mul(hd_sub(hd_scalar_like(y, 1), t), hd_mul(no, hd_exp(hd_scale(yes, -gamma))));
  return alpha != 0 ? hd_add(hd_scale(first, alpha), hd_scale(second, 1 - alpha))
                    : hd_add(first, second);
}

// 1 - p as the sum of the other probabilities: nothing cancels when p is nearly 1.
static hd_val classes(hd_val y, hd_val label, double gamma) {
  hd_val others = hd_sub(hd_scalar_like(y, 1), hd_loss_hot(y, label));
  hd_val rest = hd_sum(hd_mul(others, hd_softmax(y)), .axes = HD_LAST_AXIS);
  hd_val hard = hd_power(hd_maximum(rest, hd_scalar_like(y, 1e-30)), gamma);
  return hd_mul(hard, hd_op_cross_entropy(y, label));
}

hd_val(hd_focal)(hd_val y, hd_val target, hd_focal_options o) {
  double gamma = o.gamma != 0 ? (double)o.gamma : 2, alpha = (double)o.alpha;
  bool of_class = hd_loss_is_class(target);
  if (!(of_class ? hd_loss_fits_class : hd_loss_fits)("focal", y, target)) return (hd_val){0};
  if (!(gamma > 0))
    return hd_layer_fail(y, "focal", NULL, "gamma is %g, must be above 0; default 2", gamma);
  if (!(alpha >= 0 && alpha < 1))
    return hd_layer_fail(y, "focal", NULL, "alpha is %g, must be in (0, 1)", alpha);
  if (of_class && alpha != 0)
    return hd_layer_fail(y, "focal", NULL,
                         "alpha is for targets 0 or 1; weigh classes with "
                         ".weights = hd_gather(class_weights, label)");
  hd_val loss = of_class ? classes(y, target, gamma) : binary(y, target, gamma, alpha);
  return hd_loss_reduce("focal", loss, o.reduction, o.weights);
}

static const char *applies(const void *o) { return (void)o, "softmax"; }

static hd_val build(hd_val y, hd_val target, const void *options) {
  const hd_focal_options *o = options;
  return (hd_focal)(y, target, o ? *o : (hd_focal_options){0});
}
static const hd_field field[] = {
    HD_FIELD(hd_focal_options, gamma, REAL, .standard = "2", .low = 1e-6, .high = 1e6, .main = true,
             .help = "how much less the easy examples count"),
    HD_FIELD(hd_focal_options, alpha, REAL, .standard = "0", .low = 0, .high = 0.999999,
             .help = "weight of targets that are 1; 0: all count alike"),
    HD_REDUCTION_FIELD(hd_focal_options)};
static const hd_fields fields = HD_FIELDS("focal", hd_focal_options, field);
const hd_loss hd_loss_focal = {.name = "focal",
                               .help = "-(1 - p)^gamma log p, p = softmax(y)[class]",
                               .fields = &fields,
                               .target = HD_TARGET_CLASS,
                               .applies = applies,
                               .build = build};
