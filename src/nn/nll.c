// -log_p[label]
#include "loss.h"

hd_val(hd_nll)(hd_val log_p, hd_val label, hd_nll_options o) {
  if (!hd_loss_fits_class("nll", log_p, label)) return (hd_val){0};
  hd_val loss = hd_neg(hd_sum(hd_mul(hd_loss_hot(log_p, label), log_p), .axes = HD_LAST_AXIS));
  return hd_loss_reduce("nll", loss, o.reduction, o.weights);
}

static hd_val build(hd_val y, hd_val target, const void *options) {
  const hd_nll_options *o = options;
  return (hd_nll)(y, target, o ? *o : (hd_nll_options){0});
}
static const hd_field field[] = {HD_REDUCTION_FIELD(hd_nll_options)};
static const hd_fields fields = HD_FIELDS("nll", hd_nll_options, field);
const hd_loss hd_loss_nll = {.name = "nll",
                             .help = "-y[class], y from log_softmax",
                             .fields = &fields,
                             .target = HD_TARGET_CLASS,
                             .build = build};
