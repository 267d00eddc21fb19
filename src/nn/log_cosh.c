// ln cosh(y - target)
#include "loss.h"

// ln cosh e = ln(1 + exp(2 e)) - e - ln 2: nothing overflows.
hd_val(hd_log_cosh)(hd_val y, hd_val target, hd_log_cosh_options o) {
  if (!hd_loss_fits("log_cosh", y, target)) return (hd_val){0};
  hd_val e = hd_sub(y, target);
  hd_val loss = hd_add_scalar(hd_sub(hd_softplus(hd_scale(e, 2)), e), -0.69314718055994531);
  return hd_loss_reduce("log_cosh", loss, o.reduction, o.weights);
}

static hd_val build(hd_val y, hd_val target, const void *options) {
  const hd_log_cosh_options *o = options;
  return (hd_log_cosh)(y, target, o ? *o : (hd_log_cosh_options){0});
}
static const hd_field field[] = {HD_REDUCTION_FIELD(hd_log_cosh_options)};
static const hd_fields fields = HD_FIELDS("log_cosh", hd_log_cosh_options, field);
const hd_loss hd_loss_log_cosh = {.name = "log_cosh",
                                  .help = "log cosh(y - t)",
                                  .fields = &fields,
                                  .target = HD_TARGET_NUMBERS,
                                  .build = build};
