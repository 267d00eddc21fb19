// -y[label] + log(e^-j + sum of e^y): the class against the others and against none of them
#include "loss.h"

// Another class whose score is always -j. hd_loss_hot keeps the label from naming it.
hd_val(hd_map_criterion)(hd_val y, hd_val label, hd_map_criterion_options o) {
  static const char kind[] = "map_criterion";
  float j = o.j != 0 ? o.j : 5;
  if (!hd_loss_fits_class(kind, y, label)) return (hd_val){0};
  if (!(j > 0)) return hd_layer_fail(y, kind, NULL, "j is %g, must be above 0", (double)j);
  hd_pad_options one = {.value = -j}, none = {0};
  one.after[hd_type_of(y)->shape.rank - 1] = none.after[hd_type_of(y)->shape.rank - 1] = 1;
  hd_val hot = (hd_pad)(hd_loss_hot(y, label), none);
  hd_val loss = hd_op_cross_entropy((hd_pad)(y, one), hot);
  return hd_loss_reduce(kind, loss, o.reduction, o.weights);
}

static const char *applies(const void *o) { return (void)o, "softmax"; }

static hd_val build(hd_val y, hd_val label, const void *o) {
  return (hd_map_criterion)(y, label,
                            o ? *(const hd_map_criterion_options *)o
                              : (hd_map_criterion_options){0});
}
static const hd_field field[] = {
    HD_FIELD(hd_map_criterion_options, j, REAL, .standard = "5", .low = 1e-6, .high = 1e30,
             .main = true, .help = "distance beyond which a class is no longer pushed away"),
    HD_REDUCTION_FIELD(hd_map_criterion_options)};
static const hd_fields fields = HD_FIELDS("map_criterion", hd_map_criterion_options, field);
const hd_loss hd_loss_map_criterion = {
    .name = "map_criterion",
    .help = "-y[class] + log(e^-j + sum of e^y), y = minus distances: that of LeNet-5 in 1998",
    .fields = &fields,
    .target = HD_TARGET_CLASS,
    .applies = applies,
    .build = build};
