// Layers without parameters: ops under their names in recipes.
#include "layer.h"
#include "../op/window.h"

#define PLAIN(op) \
  static hd_val build_##op(hd_val x, const void *o) { return (void)o, hd_##op(x); }
PLAIN(relu)
PLAIN(tanh) PLAIN(sigmoid) PLAIN(softplus) PLAIN(log_softmax) PLAIN(global_avg_pool2d)
    PLAIN(global_max_pool2d) PLAIN(flatten)

        const hd_layer hd_layer_relu = {.name = "relu", .help = "max(x, 0)", .build = build_relu};
const hd_layer hd_layer_tanh = {.name = "tanh", .help = "tanh(x)", .build = build_tanh};
const hd_layer hd_layer_sigmoid = {
    .name = "sigmoid", .help = "1 / (1 + exp(-x))", .build = build_sigmoid};
const hd_layer hd_layer_softplus = {
    .name = "softplus", .help = "log(1 + exp(x))", .build = build_softplus};
const hd_layer hd_layer_log_softmax = {
    .name = "log_softmax", .help = "log of softmax", .build = build_log_softmax};
const hd_layer hd_layer_global_avg_pool2d = {.name = "global_avg_pool2d",
                                             .help = "(N, H, W, C) -> (N, C), the mean",
                                             .build = build_global_avg_pool2d};
const hd_layer hd_layer_global_max_pool2d = {.name = "global_max_pool2d",
                                             .help = "(N, H, W, C) -> (N, C), the largest",
                                             .build = build_global_max_pool2d};
const hd_layer hd_layer_flatten = {
    .name = "flatten", .help = "(N, ...) -> (N, product)", .build = build_flatten};

static hd_val build_leaky_relu(hd_val x, const void *o) {
  return (hd_leaky_relu)(x, o ? *(const hd_leaky_relu_options *)o : (hd_leaky_relu_options){0});
}
static const hd_field leaky_relu_field[] = {HD_FIELD(
    hd_leaky_relu_options, slope, REAL, .standard = "0.01", .main = true, .help = "below 0")};
static const hd_fields leaky_relu_fields =
    HD_FIELDS("leaky_relu", hd_leaky_relu_options, leaky_relu_field);
const hd_layer hd_layer_leaky_relu = {.name = "leaky_relu",
                                      .help = "x, or slope x below 0",
                                      .fields = &leaky_relu_fields,
                                      .build = build_leaky_relu};

// ---- Pools --------------------------------------------------------------------------------------
static hd_pool2d_options pool(const void *o) {
  return o ? *(const hd_pool2d_options *)o : (hd_pool2d_options){0};
}
static hd_val build_max_pool2d(hd_val x, const void *o) { return (hd_max_pool2d)(x, pool(o)); }
static hd_val build_avg_pool2d(hd_val x, const void *o) { return (hd_avg_pool2d)(x, pool(o)); }
static hd_val build_min_pool2d(hd_val x, const void *o) { return (hd_min_pool2d)(x, pool(o)); }

static const hd_field pool_field[] = {HD_POOL2D_FIELDS};
static const hd_fields max_pool2d_fields = HD_FIELDS("max_pool2d", hd_pool2d_options, pool_field);
static const hd_fields avg_pool2d_fields = HD_FIELDS("avg_pool2d", hd_pool2d_options, pool_field);
static const hd_fields min_pool2d_fields = HD_FIELDS("min_pool2d", hd_pool2d_options, pool_field);
const hd_layer hd_layer_max_pool2d = {.name = "max_pool2d",
                                      .help = "largest of each window",
                                      .fields = &max_pool2d_fields,
                                      .build = build_max_pool2d};
const hd_layer hd_layer_avg_pool2d = {.name = "avg_pool2d",
                                      .help = "mean of each window",
                                      .fields = &avg_pool2d_fields,
                                      .build = build_avg_pool2d};
const hd_layer hd_layer_min_pool2d = {.name = "min_pool2d",
                                      .help = "smallest of each window",
                                      .fields = &min_pool2d_fields,
                                      .build = build_min_pool2d};

// ---- Reshape: of each sample --------------------------------------------------------------------
typedef struct reshape_options {
  HD_OPTIONS;
  int64_t shape[HD_MAX_RANK - 1];
} reshape_options;  // ends at a 0

static hd_val build_reshape(hd_val x, const void *options) {
  const reshape_options *o = options;
  if (!hd_ok(x)) return x;
  if (!o || !o->shape[0] || !hd_type_of(x)->shape.rank)
    return hd_layer_fail(
        x, "reshape", NULL,
        "needs the shape of a sample, such as `reshape: [28, 28, 1]`, and x (N, ...)");
  hd_shape s = {.rank = 1, .d = {hd_type_of(x)->shape.d[0]}};
  for (int i = 0; i < HD_MAX_RANK - 1 && o->shape[i]; i++)
    s.d[s.rank++] = o->shape[i] < 0 ? HD_ANY : o->shape[i];
  return hd_reshape(x, s);
}
static const hd_field reshape_field[] = {
    HD_FIELD_ARRAY(reshape_options, shape, INT64, HD_MAX_RANK - 1, .standard = "", .low = -1,
                   .high = 1e15, .main = true, .help = "of one sample; -1: what is left over")};
static const hd_fields reshape_fields = HD_FIELDS("reshape", reshape_options, reshape_field);
const hd_layer hd_layer_reshape = {.name = "reshape",
                                   .help = "each sample in another shape",
                                   .fields = &reshape_fields,
                                   .build = build_reshape};
