// y = amplitude tanh(slope x)
#include "layer.h"

hd_val(hd_scaled_tanh)(hd_val x, hd_scaled_tanh_options o) {
  double amplitude = o.amplitude != 0 ? (double)o.amplitude : 1.7159;
  double slope = o.slope != 0 ? (double)o.slope : 2 / 3.0;
  return hd_scale(hd_tanh(hd_scale(x, slope)), amplitude);
}

static hd_val build(hd_val x, const void *o) {
  return (hd_scaled_tanh)(x, o ? *(const hd_scaled_tanh_options *)o : (hd_scaled_tanh_options){0});
}

#define S hd_scaled_tanh_options
static const hd_field field[] = {
    HD_FIELD(S, amplitude, REAL, .standard = "1.7159", .help = "the value at infinity"),
    HD_FIELD(S, slope, REAL, .standard = "0.66666667", .help = "factor on x")};
static const hd_fields fields = HD_FIELDS("scaled_tanh", S, field);

const hd_layer hd_layer_scaled_tanh = {.name = "scaled_tanh",
                                       .help = "1.7159 tanh(2 x / 3), which maps 1 to 1",
                                       .fields = &fields,
                                       .build = build};
