// x times normal noise around 1 while training
#include <math.h>

#include "layer.h"

hd_val(hd_gaussian_dropout)(hd_val x, hd_gaussian_dropout_options options) {
  if (!hd_ok(x)) return x;
  if (!(options.rate >= 0 && options.rate < 1))
    return hd_layer_fail(x, "gaussian_dropout", options.name,
                         "rate is %g, must be in (0, 1); default 0.5", (double)options.rate);
  double rate = options.rate > 0 ? (double)options.rate : 0.5;
  hd_scope *scope = hd_scope_begin(x.graph, "gaussian_dropout", options.name);
  hd_val y = hd_mul(x, hd_random_noise(x, .mean = 1, .deviation = (float)sqrt(rate / (1 - rate))));
  hd_scope_end(x.graph, scope);
  return y;
}

#define S hd_gaussian_dropout_options
static hd_val build(hd_val x, const void *o) {
  return (hd_gaussian_dropout)(x, o ? *(const S *)o : (S){0});
}

static const hd_field field[] = {
    HD_FIELD(S, rate, REAL, .standard = "0.5", .low = 1e-6, .high = 0.999999, .main = true,
             .help = "of the dropout with the same deviation, sqrt(rate / (1 - rate))"),
    HD_FIELD(S, name, TEXT, .standard = "gaussian_dropout_1 ...",
             .help = "of the layer: what its random stream is named after")};
static const hd_fields fields = HD_FIELDS("gaussian_dropout", S, field);

const hd_layer hd_layer_gaussian_dropout = {.name = "gaussian_dropout",
                                            .help = "times normal noise around 1 while training",
                                            .fields = &fields,
                                            .build = build};
