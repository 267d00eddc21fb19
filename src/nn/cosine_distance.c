// 1 - y . target / (|y| |target|)
#include "loss.h"

static hd_val over_norm(hd_val x) {
  hd_val square = hd_sum(hd_square(x), .axes = HD_LAST_AXIS);
  return hd_rsqrt(hd_maximum(square, hd_scalar_like(square, 1e-24)));
}

hd_val(hd_cosine_distance)(hd_val y, hd_val target, hd_cosine_distance_options o) {
  static const char kind[] = "cosine_distance";
  if (!hd_loss_fits(kind, y, target)) return (hd_val){0};
  if (!hd_type_of(y)->shape.rank)
    return hd_layer_fail(y, kind, NULL, "y is a scalar; needs a last axis, of the vectors");
  hd_val dot = hd_sum(hd_mul(y, target), .axes = HD_LAST_AXIS);
  if (!hd_ok(dot)) return dot;
  hd_val cosine = hd_mul(hd_mul(dot, over_norm(y)), over_norm(target));
  return hd_loss_reduce(kind, hd_sub(hd_scalar_like(y, 1), cosine), o.reduction, o.weights);
}

static hd_val build(hd_val y, hd_val target, const void *options) {
  const hd_cosine_distance_options *o = options;
  return (hd_cosine_distance)(y, target, o ? *o : (hd_cosine_distance_options){0});
}
static const hd_field field[] = {HD_REDUCTION_FIELD(hd_cosine_distance_options)};
static const hd_fields fields = HD_FIELDS("cosine_distance", hd_cosine_distance_options, field);
const hd_loss hd_loss_cosine_distance = {.name = "cosine_distance",
                                         .help = "1 - cos(y, t) along the last axis",
                                         .fields = &fields,
                                         .target = HD_TARGET_NUMBERS,
                                         .build = build};
