// rate - target log(rate), the rate e^y or y itself
#include "loss.h"

hd_val(hd_poisson_nll)(hd_val y, hd_val target, hd_poisson_nll_options o) {
  if (!hd_loss_fits("poisson_nll", y, target)) return (hd_val){0};
  hd_val rate = o.rate ? y : hd_exp(y);
  hd_val log_rate = o.rate ? hd_log(hd_maximum(y, hd_scalar_like(y, 1e-12))) : y;
  hd_val loss = hd_sub(rate, hd_mul(target, log_rate));
  return hd_loss_reduce("poisson_nll", loss, o.reduction, o.weights);
}

static hd_val build(hd_val y, hd_val target, const void *options) {
  const hd_poisson_nll_options *o = options;
  return (hd_poisson_nll)(y, target, o ? *o : (hd_poisson_nll_options){0});
}
static const hd_field field[] = {HD_FIELD(hd_poisson_nll_options, rate, BOOL, .standard = "false",
                                          .help = "y is the rate, not its log"),
                                 HD_REDUCTION_FIELD(hd_poisson_nll_options)};
static const hd_fields fields = HD_FIELDS("poisson_nll", hd_poisson_nll_options, field);
const hd_loss hd_loss_poisson_nll = {.name = "poisson_nll",
                                     .help = "e^y - t y: t is a count",
                                     .fields = &fields,
                                     .target = HD_TARGET_NUMBERS,
                                     .build = build};
