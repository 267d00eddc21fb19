// Activations under their names in recipes; relu, leaky_relu and others are in plain.c
#include "layer.h"

#define PLAIN(layer, op) \
  static hd_val build_##layer(hd_val x, const void *o) { return (void)o, op(x); }
PLAIN(relu6, hd_relu6)
PLAIN(selu, hd_selu) PLAIN(mish, hd_mish) PLAIN(softsign, hd_softsign)
    PLAIN(hard_sigmoid, hd_hard_sigmoid) PLAIN(hard_tanh, hd_hard_tanh) PLAIN(linear, )
        PLAIN(hard_swish, hd_hard_swish) PLAIN(step, hd_heaviside)
            PLAIN(bipolar_step, hd_bipolar_step)

                const hd_layer hd_layer_linear = {.name = "linear",
                                                  .help = "x: no activation (weights are dense's)",
                                                  .build = build_linear};
const hd_layer hd_layer_step = {
    .name = "step", .help = "1 for x >= 0, else 0; gradient 0", .build = build_step};
const hd_layer hd_layer_bipolar_step = {.name = "bipolar_step",
                                        .help = "1 for x >= 0, else -1; gradient 0",
                                        .build = build_bipolar_step};
const hd_layer hd_layer_relu6 = {
    .name = "relu6", .help = "min(max(x, 0), 6)", .build = build_relu6};
const hd_layer hd_layer_selu = {
    .name = "selu", .help = "1.0507 (x, or 1.6733 (e^x - 1) below 0)", .build = build_selu};
const hd_layer hd_layer_mish = {
    .name = "mish", .help = "x tanh(log(1 + e^x))", .build = build_mish};
const hd_layer hd_layer_softsign = {
    .name = "softsign", .help = "x / (1 + |x|)", .build = build_softsign};
const hd_layer hd_layer_hard_sigmoid = {
    .name = "hard_sigmoid", .help = "min(max(x + 3, 0), 6) / 6", .build = build_hard_sigmoid};
const hd_layer hd_layer_hard_tanh = {
    .name = "hard_tanh", .help = "min(max(x, -1), 1)", .build = build_hard_tanh};
const hd_layer hd_layer_hard_swish = {
    .name = "hard_swish", .help = "x hard_sigmoid(x)", .build = build_hard_swish};

// ---- With an option -----------------------------------------------------------------------------
static hd_val build_elu(hd_val x, const void *o) {
  return (hd_elu)(x, o ? *(const hd_elu_options *)o : (hd_elu_options){0});
}
static const hd_field elu_field[] = {HD_FIELD(hd_elu_options, alpha, REAL, .standard = "1",
                                              .main = true,
                                              .help = "minus the value at -infinity")};
static const hd_fields elu_fields = HD_FIELDS("elu", hd_elu_options, elu_field);
const hd_layer hd_layer_elu = {.name = "elu",
                               .help = "x, or alpha (e^x - 1) below 0",
                               .fields = &elu_fields,
                               .build = build_elu};

static hd_val build_gelu(hd_val x, const void *o) {
  return (hd_gelu)(x, o ? *(const hd_gelu_options *)o : (hd_gelu_options){0});
}
static const hd_field gelu_field[] = {HD_FIELD(hd_gelu_options, tanh, BOOL, .standard = "false",
                                               .main = true, .help = "the approximation by tanh")};
static const hd_fields gelu_fields = HD_FIELDS("gelu", hd_gelu_options, gelu_field);
const hd_layer hd_layer_gelu = {.name = "gelu",
                                .help = "x/2 (1 + erf(x / sqrt 2))",
                                .fields = &gelu_fields,
                                .build = build_gelu};

static hd_val build_silu(hd_val x, const void *o) {
  return (hd_silu)(x, o ? *(const hd_silu_options *)o : (hd_silu_options){0});
}
static const hd_field silu_field[] = {
    HD_FIELD(hd_silu_options, beta, REAL, .standard = "1", .main = true, .help = "steepness")};
static const hd_fields silu_fields = HD_FIELDS("silu", hd_silu_options, silu_field);
const hd_layer hd_layer_silu = {.name = "silu",
                                .help = "x sigmoid(beta x), also called swish",
                                .fields = &silu_fields,
                                .build = build_silu};

typedef struct softmax_options {
  HD_OPTIONS;
  float temperature;
} softmax_options;

static hd_val build_softmax(hd_val x, const void *options) {
  const softmax_options *o = options;
  double t = o && o->temperature != 0 ? (double)o->temperature : 1;
  if (hd_ok(x) && !(t > 0))
    return hd_layer_fail(x, "softmax", NULL, "temperature is %g, must be above 0; default 1", t);
  return hd_softmax(t == 1 ? x : hd_scale(x, 1 / t));
}
static const hd_field softmax_field[] = {
    HD_FIELD(softmax_options, temperature, REAL, .standard = "1", .low = 1e-6, .high = 1e6,
             .main = true, .help = "divides x; above 1 the result is more even")};
static const hd_fields softmax_fields = HD_FIELDS("softmax", softmax_options, softmax_field);
const hd_layer hd_layer_softmax = {.name = "softmax",
                                   .help = "exp(x) / sum exp(x) along the last axis",
                                   .fields = &softmax_fields,
                                   .build = build_softmax};
