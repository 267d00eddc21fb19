// |y - target|
#include "loss.h"

hd_val(hd_mae)(hd_val y, hd_val target, hd_mae_options o) {
  if (!hd_loss_fits("mae", y, target)) return (hd_val){0};
  return hd_loss_reduce("mae", hd_abs(hd_sub(y, target)), o.reduction, o.weights);
}

static hd_val build(hd_val y, hd_val target, const void *options) {
  const hd_mae_options *o = options;
  return (hd_mae)(y, target, o ? *o : (hd_mae_options){0});
}
static const hd_field field[] = {HD_REDUCTION_FIELD(hd_mae_options)};
static const hd_fields fields = HD_FIELDS("mae", hd_mae_options, field);
const hd_loss hd_loss_mae = {.name = "mae",
                             .help = "|y - t|",
                             .fields = &fields,
                             .target = HD_TARGET_NUMBERS,
                             .build = build};
