// Convolution of images with weights of its own
#include "layer.h"
#include "../op/window.h"

static hd_val conv2d(hd_val x, const hd_conv2d_options *o) {
  hd_shape s = hd_type_of(x)->shape;
  hd_dtype dtype = hd_type_of(x)->dtype;
  char text[96];
  int kh = o->kernel[0], kw = o->kernel[1] ? o->kernel[1] : kh, groups = o->groups ? o->groups : 1;
  hd_shape_text(s, text, sizeof text);
  if (o->filters < 1)
    return hd_layer_fail(x, "conv2d", o->name,
                         "filters is %d; give how many, such as .filters = 16", o->filters);
  if (kh < 1 || kw < 1)
    return hd_layer_fail(x, "conv2d", o->name,
                         "kernel is (%d, %d); give its size, such as .kernel = {3}", kh, kw);
  if (s.rank != 4 || s.d[3] < 1)
    return hd_layer_fail(x, "conv2d", o->name,
                         "x is %s, weights would be (%d, %d, C, %d): needs images (N, H, W, C) "
                         "with a known C; use hd_reshape",
                         text, kh, kw, o->filters);
  if (groups < 1 || s.d[3] % groups || o->filters % groups)
    return hd_layer_fail(x, "conv2d", o->name,
                         "%d groups must divide the channels of x %s and the %d filters", groups,
                         text, o->filters);
  hd_init init = o->init.kind ? o->init : (hd_init){HD_GLOROT_UNIFORM, 0, 0};
  hd_val w = hd_scope_variable(x.graph, "weight", dtype,
                               HD_SHAPE(kh, kw, s.d[3] / groups, o->filters), HD_WEIGHT, init);
  hd_op_conv2d_options window = {.groups = o->groups, .pad = o->pad};
  memcpy(window.stride, o->stride, sizeof window.stride);
  memcpy(window.dilation, o->dilation, sizeof window.dilation);
  memcpy(window.padding, o->padding, sizeof window.padding);
  hd_val y = (hd_op_conv2d)(x, w, window);
  return o->no_bias ? y
                    : hd_add(y, hd_scope_variable(x.graph, "bias", dtype, HD_SHAPE(o->filters),
                                                  HD_WEIGHT, (hd_init){HD_ZEROS, 0, 0}));
}

hd_val(hd_conv2d)(hd_val x, hd_conv2d_options options) {
  if (!hd_ok(x)) return x;
  hd_scope *scope = hd_scope_begin(x.graph, "conv2d", options.name);
  hd_val y = conv2d(x, &options);
  hd_scope_end(x.graph, scope);
  return y;
}

static hd_val build(hd_val x, const void *o) {
  return (hd_conv2d)(x, o ? *(const hd_conv2d_options *)o : (hd_conv2d_options){0});
}

#define S hd_conv2d_options
static const hd_field field[] = {
    HD_FIELD(S, filters, INT, .standard = "", .low = 1, .high = INT32_MAX, .main = true,
             .help = "channels of the output"),
    HD_AXES_FIELD(S, kernel, "", .main = false),
    HD_CONV_FIELDS(S),
    HD_FIELD(S, no_bias, BOOL, .standard = "false", .help = "leave the bias out"),
    HD_FIELD(S, init, INIT, .standard = "glorot_uniform", .help = "first weights"),
    HD_FIELD(S, name, TEXT, .standard = "conv2d_1 ...", .help = "of the layer and its parameters")};
static const hd_fields fields = HD_FIELDS("conv2d", S, field);

const hd_layer hd_layer_conv2d = {.name = "conv2d",
                                  .help = "cross-correlation of images, channels-last",
                                  .fields = &fields,
                                  .build = build};
