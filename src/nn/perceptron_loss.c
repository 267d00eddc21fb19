// max(0, -t y), and its form for classes
#include "loss.h"

hd_val(hd_perceptron_loss)(hd_val y, hd_val target, hd_perceptron_loss_options o) {
  static const char kind[] = "perceptron_loss";
  hd_val loss;
  bool of_class = hd_loss_is_class(target);
  if (!(of_class ? hd_loss_fits_class : hd_loss_fits)(kind, y, target)) return (hd_val){0};
  if (of_class) {
    hd_val own = hd_sum(hd_mul(hd_loss_hot(y, target), y), .axes = HD_LAST_AXIS);
    loss = hd_sub(hd_reduce_max(y, .axes = HD_LAST_AXIS), own);
  } else {  // maximum gives the gradient of a tie to its first input; relu would give none
    loss = hd_maximum(hd_neg(hd_mul(target, y)), hd_scalar_like(y, 0));
  }
  return hd_loss_reduce(kind, loss, o.reduction, o.weights);
}

static hd_val build(hd_val y, hd_val target, const void *options) {
  const hd_perceptron_loss_options *o = options;
  return (hd_perceptron_loss)(y, target, o ? *o : (hd_perceptron_loss_options){0});
}
static const hd_field field[] = {HD_REDUCTION_FIELD(hd_perceptron_loss_options)};
static const hd_fields fields = HD_FIELDS("perceptron_loss", hd_perceptron_loss_options, field);
const hd_loss hd_loss_perceptron_loss = {.name = "perceptron_loss",
                                         .help = "max(0, -t y), or max y - y[class]",
                                         .fields = &fields,
                                         .target = HD_TARGET_SIGNS,
                                         .build = build};
