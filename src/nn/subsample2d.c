// The mean of each window, times a coefficient and plus a bias of its channel
#include "layer.h"
#include "../op/window.h"

static hd_val subsample2d(hd_val x, const hd_subsample2d_options *o) {
  hd_shape s = hd_type_of(x)->shape;
  hd_dtype dtype = hd_type_of(x)->dtype;
  char text[96];
  if (s.rank != 4 || s.d[3] < 1)
    return hd_layer_fail(x, "subsample2d", o->name,
                         "x is %s: needs images (N, H, W, C) with a known C; use hd_reshape",
                         hd_shape_text(s, text, sizeof text));
  hd_pool2d_options pool = {.pad = HD_VALID};
  memcpy(pool.window, o->window, sizeof pool.window);
  memcpy(pool.stride, o->stride, sizeof pool.stride);
  hd_init init = o->init.kind ? o->init : (hd_init){HD_ONES, 0, 0};
  hd_val mean = (hd_avg_pool2d)(x, pool);
  hd_val w = hd_scope_variable(x.graph, "weight", dtype, HD_SHAPE(s.d[3]), HD_WEIGHT, init);
  hd_val b = hd_scope_variable(x.graph, "bias", dtype, HD_SHAPE(s.d[3]), HD_WEIGHT,
                               (hd_init){HD_ZEROS, 0, 0});
  return hd_add(hd_mul(mean, w), b);
}

hd_val(hd_subsample2d)(hd_val x, hd_subsample2d_options options) {
  if (!hd_ok(x)) return x;
  hd_scope *scope = hd_scope_begin(x.graph, "subsample2d", options.name);
  hd_val y = subsample2d(x, &options);
  hd_scope_end(x.graph, scope);
  return y;
}

static hd_val build(hd_val x, const void *o) {
  return (hd_subsample2d)(x, o ? *(const hd_subsample2d_options *)o : (hd_subsample2d_options){0});
}

#define S hd_subsample2d_options
static const hd_field field[] = {
    HD_AXES_FIELD(S, window, "", .main = true), HD_AXES_FIELD(S, stride, "window", .main = false),
    HD_FIELD(S, init, INIT, .standard = "ones", .help = "first coefficients"),
    HD_FIELD(S, name, TEXT, .standard = "subsample2d_1 ...",
             .help = "of the layer and its parameters")};
static const hd_fields fields = HD_FIELDS("subsample2d", S, field);

const hd_layer hd_layer_subsample2d = {
    .name = "subsample2d",
    .help = "mean of each window, times a learned coefficient plus a bias, of each channel",
    .fields = &fields,
    .build = build};
