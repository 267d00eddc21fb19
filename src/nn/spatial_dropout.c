// x with whole channels dropped at random while training
#include "layer.h"

static hd_val spatial_dropout(hd_val x, const hd_spatial_dropout_options *o) {
  hd_shape s = hd_type_of(x)->shape;
  char text[96];
  if (s.rank < 3)
    return hd_layer_fail(x, "spatial_dropout", o->name,
                         "x is %s: needs (N, H, W, C) or (N, T, C); hd_dropout drops elements",
                         hd_shape_text(s, text, sizeof text));
  if (!(o->rate >= 0 && o->rate < 1))
    return hd_layer_fail(x, "spatial_dropout", o->name,
                         "rate is %g, must be in (0, 1); default 0.5", (double)o->rate);
  // Only the shape of the sum is wanted, (N, 1, 1, C): plans leave the sum itself out.
  hd_val channels = hd_sum(x, .axes = (HD_AXIS(s.rank - 1) - 1) & ~HD_AXIS(0), .keep = true);
  return hd_mul(x, hd_random_mask(channels, .rate = o->rate));
}

hd_val(hd_spatial_dropout)(hd_val x, hd_spatial_dropout_options options) {
  if (!hd_ok(x)) return x;
  hd_scope *scope = hd_scope_begin(x.graph, "spatial_dropout", options.name);
  hd_val y = spatial_dropout(x, &options);
  hd_scope_end(x.graph, scope);
  return y;
}

static hd_val build(hd_val x, const void *o) {
  return (hd_spatial_dropout)(x, o ? *(const hd_spatial_dropout_options *)o
                                   : (hd_spatial_dropout_options){0});
}

#define S hd_spatial_dropout_options
static const hd_field field[] = {
    HD_FIELD(S, rate, REAL, .standard = "0.5", .low = 1e-6, .high = 0.999999, .main = true,
             .help = "probability of zero"),
    HD_FIELD(S, name, TEXT, .standard = "spatial_dropout_1 ...",
             .help = "of the layer: what its random stream is named after")};
static const hd_fields fields = HD_FIELDS("spatial_dropout", S, field);

const hd_layer hd_layer_spatial_dropout = {.name = "spatial_dropout",
                                           .help = "whole channels zero at random while training",
                                           .fields = &fields,
                                           .build = build};
