// x with elements dropped at random while training
#include "layer.h"

hd_val(hd_dropout)(hd_val x, hd_dropout_options options) {
  if (!hd_ok(x)) return x;
  if (!(options.rate >= 0 && options.rate < 1))
    return hd_layer_fail(x, "dropout", options.name, "rate is %g, must be in (0, 1); default 0.5",
                         (double)options.rate);
  hd_scope *scope = hd_scope_begin(x.graph, "dropout", options.name);
  hd_val y = hd_mul(x, hd_random_mask(x, .rate = options.rate));
  hd_scope_end(x.graph, scope);
  return y;
}

static hd_val build(hd_val x, const void *o) {
  return (hd_dropout)(x, o ? *(const hd_dropout_options *)o : (hd_dropout_options){0});
}

static const hd_field field[] = {
    HD_FIELD(hd_dropout_options, rate, REAL, .standard = "0.5", .low = 1e-6, .high = 0.999999,
             .main = true, .help = "probability of zero"),
    HD_FIELD(hd_dropout_options, name, TEXT, .standard = "dropout_1 ...",
             .help = "of the layer: what its random stream is named after")};
static const hd_fields fields = HD_FIELDS("dropout", hd_dropout_options, field);

const hd_layer hd_layer_dropout = {
    .name = "dropout", .help = "zeros at random while training", .fields = &fields, .build = build};
