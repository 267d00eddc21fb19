// y = a gate(b), a and b the halves of x's last axis
#include "layer.h"

static const char *const gates[] = {"sigmoid", "linear", "relu", "gelu", "silu", "tanh", NULL};

static hd_val gate(hd_val b, hd_gate kind) {
  switch (kind) {
    case HD_GATE_LINEAR: return b;
    case HD_GATE_RELU: return hd_relu(b);
    case HD_GATE_GELU: return hd_gelu(b);
    case HD_GATE_SILU: return hd_silu(b);
    case HD_GATE_TANH: return hd_tanh(b);
    case HD_GATE_SIGMOID: break;
  }
  return hd_sigmoid(b);
}

hd_val(hd_glu)(hd_val x, hd_glu_options options) {
  if (!hd_ok(x)) return x;
  hd_shape s = hd_type_of(x)->shape;
  int64_t width = s.rank ? s.d[s.rank - 1] : -1;
  char text[96];
  if (width < 2 || width % 2)
    return hd_layer_fail(x, "glu", NULL, "x is %s: the last axis must be even, to be halved",
                         hd_shape_text(s, text, sizeof text));
  return hd_mul(hd_slice(x, -1, 0, width / 2),
                gate(hd_slice(x, -1, width / 2, width / 2), options.gate));
}

static hd_val build(hd_val x, const void *o) {
  return (hd_glu)(x, o ? *(const hd_glu_options *)o : (hd_glu_options){0});
}

static const hd_field field[] = {
    HD_FIELD(hd_glu_options, gate, CHOICE, .standard = "sigmoid", .choices = gates, .main = true,
             .help = "activation of the second half; linear: the product of the halves")};
static const hd_fields fields = HD_FIELDS("glu", hd_glu_options, field);

const hd_layer hd_layer_glu = {.name = "glu",
                               .help = "halves of the last axis: a sigmoid(b)",
                               .fields = &fields,
                               .build = build};
