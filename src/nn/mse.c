// factor (y - target)^2
#include "loss.h"

hd_val(hd_mse)(hd_val y, hd_val target, hd_mse_options o) {
  if (!hd_loss_fits("mse", y, target)) return (hd_val){0};
  hd_val loss = hd_loss_reduce("mse", hd_square(hd_sub(y, target)), o.reduction, o.weights);
  return o.factor == 0 || o.factor == 1 || !hd_ok(loss) ? loss : hd_scale(loss, (double)o.factor);
}

static hd_val build(hd_val y, hd_val target, const void *options) {
  const hd_mse_options *o = options;
  return (hd_mse)(y, target, o ? *o : (hd_mse_options){0});
}
static const hd_field field[] = {
    HD_FIELD(hd_mse_options, factor, REAL, .standard = "1", .low = 1e-30, .high = 1e30,
             .main = true, .help = "of the squares; 0.5 halves them"),
    HD_REDUCTION_FIELD(hd_mse_options)};
static const hd_fields fields = HD_FIELDS("mse", hd_mse_options, field);
const hd_loss hd_loss_mse = {.name = "mse",
                             .help = "factor (y - t)^2",
                             .fields = &fields,
                             .target = HD_TARGET_NUMBERS,
                             .build = build};
