// y = x > 0 ? x : slope x, with slopes that are learned
#include "layer.h"

static hd_val prelu(hd_val x, const hd_prelu_options *o) {
  hd_shape s = hd_type_of(x)->shape;
  int64_t channels = s.rank ? s.d[s.rank - 1] : -1;
  char text[96];
  if (!o->shared && channels < 1)
    return hd_layer_fail(x, "prelu", o->name,
                         "x is %s: a slope per channel needs a last axis of known size; "
                         ".shared = true has one slope",
                         hd_shape_text(s, text, sizeof text));
  hd_init init = o->init.kind ? o->init : (hd_init){HD_CONSTANT, 0.25f, 0};
  hd_val slope = hd_scope_variable(x.graph, "slope", hd_type_of(x)->dtype,
                                   HD_SHAPE(o->shared ? 1 : channels), HD_WEIGHT, init);
  return hd_select(hd_greater(x, hd_scalar_like(x, 0)), x, hd_mul(x, slope));
}

hd_val(hd_prelu)(hd_val x, hd_prelu_options options) {
  if (!hd_ok(x)) return x;
  hd_scope *scope = hd_scope_begin(x.graph, "prelu", options.name);
  hd_val y = prelu(x, &options);
  hd_scope_end(x.graph, scope);
  return y;
}

static hd_val build(hd_val x, const void *o) {
  return (hd_prelu)(x, o ? *(const hd_prelu_options *)o : (hd_prelu_options){0});
}

static const hd_field field[] = {
    HD_FIELD(hd_prelu_options, shared, BOOL, .standard = "false",
             .help = "one slope instead of one per channel"),
    HD_FIELD(hd_prelu_options, init, INIT, .standard = "0.25", .help = "first slopes"),
    HD_FIELD(hd_prelu_options, name, TEXT, .standard = "prelu_1 ...",
             .help = "of the layer and its slopes")};
static const hd_fields fields = HD_FIELDS("prelu", hd_prelu_options, field);

const hd_layer hd_layer_prelu = {.name = "prelu",
                                 .help = "x, or a learned slope times x below 0",
                                 .fields = &fields,
                                 .build = build};
