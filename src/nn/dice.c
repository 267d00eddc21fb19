// 1 - (2 sum(y t) + smooth) / (sum y + sum t + smooth) per sample
#include "loss.h"

static hd_val total(hd_val x) {
  int rank = hd_type_of(x)->shape.rank;
  unsigned all = (1u << rank) - 1;
  return rank > 1 ? hd_sum(x, .axes = all & ~HD_AXIS(0)) : hd_sum(x);
}

hd_val(hd_dice)(hd_val y, hd_val t, hd_dice_options o) {
  double smooth = o.smooth != 0 ? (double)o.smooth : 1;
  if (!hd_loss_fits("dice", y, t)) return (hd_val){0};
  if (!(smooth > 0))
    return hd_layer_fail(y, "dice", NULL, "smooth is %g, must be above 0; default 1", smooth);
  hd_val both = hd_mul(y, t);
  hd_val sum = o.squares ? hd_add(hd_square(y), hd_square(t)) : hd_add(y, t);
  if (!hd_ok(both) || !hd_ok(sum)) return (hd_val){0};
  hd_val share =
      hd_div(hd_add_scalar(hd_scale(total(both), 2), smooth), hd_add_scalar(total(sum), smooth));
  hd_val loss = hd_sub(hd_scalar_like(y, 1), share);
  return hd_loss_reduce("dice", loss, o.reduction, o.weights);
}

static hd_val build(hd_val y, hd_val target, const void *options) {
  const hd_dice_options *o = options;
  return (hd_dice)(y, target, o ? *o : (hd_dice_options){0});
}
static const hd_field field[] = {
    HD_FIELD(hd_dice_options, smooth, REAL, .standard = "1", .low = 1e-30, .high = 1e30,
             .main = true, .help = "added to both sums"),
    HD_FIELD(hd_dice_options, squares, BOOL, .standard = "false", .help = "sums of squares below"),
    HD_REDUCTION_FIELD(hd_dice_options)};
static const hd_fields fields = HD_FIELDS("dice", hd_dice_options, field);
const hd_loss hd_loss_dice = {.name = "dice",
                              .help = "1 - 2 sum(y t) / (sum y + sum t) per sample",
                              .fields = &fields,
                              .target = HD_TARGET_TRUTHS,
                              .build = build};
