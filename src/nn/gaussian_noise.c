// x plus normal noise while training
#include <math.h>

#include "layer.h"

hd_val(hd_gaussian_noise)(hd_val x, hd_gaussian_noise_options options) {
  if (!hd_ok(x)) return x;
  if (!(options.deviation >= 0 && isfinite(options.deviation)))
    return hd_layer_fail(x, "gaussian_noise", options.name,
                         "deviation is %g, must be positive; default 0.1",
                         (double)options.deviation);
  hd_scope *scope = hd_scope_begin(x.graph, "gaussian_noise", options.name);
  hd_val y =
      hd_add(x, hd_random_noise(x, .deviation = options.deviation > 0 ? options.deviation : 0.1f));
  hd_scope_end(x.graph, scope);
  return y;
}

#define S hd_gaussian_noise_options
static hd_val build(hd_val x, const void *o) {
  return (hd_gaussian_noise)(x, o ? *(const S *)o : (S){0});
}

static const hd_field field[] = {
    HD_FIELD(S, deviation, REAL, .standard = "0.1", .low = 1e-6, .high = 1e6, .main = true,
             .help = "of the noise"),
    HD_FIELD(S, name, TEXT, .standard = "gaussian_noise_1 ...",
             .help = "of the layer: what its random stream is named after")};
static const hd_fields fields = HD_FIELDS("gaussian_noise", S, field);

const hd_layer hd_layer_gaussian_noise = {.name = "gaussian_noise",
                                          .help = "plus normal noise while training",
                                          .fields = &fields,
                                          .build = build};
