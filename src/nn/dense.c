// y = x weight + bias on the last axis
#include "layer.h"

static hd_val dense(hd_val x, const hd_dense_options *o) {
  hd_shape s = hd_type_of(x)->shape;
  hd_dtype dtype = hd_type_of(x)->dtype;
  char text[96];
  int64_t in = s.rank ? s.d[s.rank - 1] : -1;
  if (o->units < 1)
    return hd_layer_fail(x, "dense", o->name, "units is %d; give how many, such as .units = 10",
                         o->units);
  if (s.rank < 2 || in < 1)
    return hd_layer_fail(x, "dense", o->name,
                         "x is %s, weights would be (?, %d): needs (N, in) with a known size `in`; "
                         "use hd_flatten or hd_reshape",
                         hd_shape_text(s, text, sizeof text), o->units);
  hd_init init = o->init.kind ? o->init : (hd_init){HD_GLOROT_UNIFORM, 0, 0};
  hd_val y = hd_matmul(
      x, hd_scope_variable(x.graph, "weight", dtype, HD_SHAPE(in, o->units), HD_WEIGHT, init));
  return o->no_bias ? y
                    : hd_add(y, hd_scope_variable(x.graph, "bias", dtype, HD_SHAPE(o->units),
                                                  HD_WEIGHT, (hd_init){HD_ZEROS, 0, 0}));
}

hd_val(hd_dense)(hd_val x, hd_dense_options options) {
  if (!hd_ok(x)) return x;
  hd_scope *scope = hd_scope_begin(x.graph, "dense", options.name);
  hd_val y = dense(x, &options);
  hd_scope_end(x.graph, scope);
  return y;
}

static hd_val build(hd_val x, const void *o) {
  return (hd_dense)(x, o ? *(const hd_dense_options *)o : (hd_dense_options){0});
}

static const hd_field field[] = {
    HD_FIELD(hd_dense_options, units, INT, .standard = "", .low = 1, .high = INT32_MAX,
             .main = true, .help = "width of the output"),
    HD_FIELD(hd_dense_options, no_bias, BOOL, .standard = "false", .help = "leave the bias out"),
    HD_FIELD(hd_dense_options, init, INIT, .standard = "glorot_uniform", .help = "first weights"),
    HD_FIELD(hd_dense_options, name, TEXT, .standard = "dense_1 ...",
             .help = "of the layer and its parameters")};
static const hd_fields fields = HD_FIELDS("dense", hd_dense_options, field);

const hd_layer hd_layer_dense = {
    .name = "dense", .help = "x weight + bias on the last axis", .fields = &fields, .build = build};
