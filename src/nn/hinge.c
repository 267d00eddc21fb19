// max(0, margin - t y), and its form for classes
#include "loss.h"

hd_val(hd_hinge)(hd_val y, hd_val target, hd_hinge_options o) {
  double margin = o.margin != 0 ? (double)o.margin : 1;
  bool of_class = hd_loss_is_class(target);
  if (!(of_class ? hd_loss_fits_class : hd_loss_fits)("hinge", y, target)) return (hd_val){0};
  if (!(margin > 0))
    return hd_layer_fail(y, "hinge", NULL, "margin is %g, must be above 0; default 1", margin);
  hd_val gap, from = hd_scalar_like(y, margin);
  if (of_class) {  // the true class adds margin (1 - 1) + y - y = 0, with gradient 0
    hd_val hot = hd_loss_hot(y, target);
    hd_val own = hd_sum(hd_mul(hot, y), .axes = HD_LAST_AXIS, .keep = true);
    gap = hd_add(hd_sub(from, hd_scale(hot, margin)), hd_sub(y, own));
  } else {
    gap = hd_sub(from, hd_mul(target, y));
  }
  hd_val loss = hd_relu(gap);
  if (o.squared) loss = hd_square(loss);
  if (of_class) loss = hd_sum(loss, .axes = HD_LAST_AXIS);
  return hd_loss_reduce("hinge", loss, o.reduction, o.weights);
}

static hd_val build(hd_val y, hd_val target, const void *options) {
  const hd_hinge_options *o = options;
  return (hd_hinge)(y, target, o ? *o : (hd_hinge_options){0});
}
static const hd_field field[] = {
    HD_FIELD(hd_hinge_options, margin, REAL, .standard = "1", .low = 1e-30, .high = 1e30,
             .main = true, .help = "lead that costs nothing"),
    HD_FIELD(hd_hinge_options, squared, BOOL, .standard = "false", .help = "square each term"),
    HD_REDUCTION_FIELD(hd_hinge_options)};
static const hd_fields fields = HD_FIELDS("hinge", hd_hinge_options, field);
const hd_loss hd_loss_hinge = {.name = "hinge",
                               .help = "sum max(0, margin + y[other] - y[class])",
                               .fields = &fields,
                               .target = HD_TARGET_SIGNS,
                               .build = build};
