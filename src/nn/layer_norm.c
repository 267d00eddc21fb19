// Layer normalisation with weights of its own
#include "norm.h"

static hd_val layer_norm(hd_val x, const hd_layer_norm_options *o) {
  hd_shape s = hd_type_of(x)->shape, last = {0};
  int axes = o->axes ? o->axes : 1;
  bool known = axes >= 1 && axes <= s.rank;
  unsigned mask = 0;
  char text[96];
  for (int i = s.rank - axes; known && i < s.rank; i++) {
    known = s.d[i] >= 1;
    mask |= HD_AXIS(i);
    last.d[last.rank++] = s.d[i];
  }
  if (!known)
    return hd_layer_fail(x, "layer_norm", o->name,
                         "x is %s: its last %d axes must be there, of known sizes; set .axes, or "
                         "use hd_reshape",
                         hd_shape_text(s, text, sizeof text), axes);
  if (!(o->epsilon >= 0))
    return hd_layer_fail(x, "layer_norm", o->name, "epsilon is %g, must be positive",
                         (double)o->epsilon);
  hd_val y = hd_norm_centred(x, mask, o->epsilon);
  return o->no_weights ? y : hd_norm_beta(hd_norm_gamma(y, last), last);
}

hd_val(hd_layer_norm)(hd_val x, hd_layer_norm_options options) {
  if (!hd_ok(x)) return x;
  hd_scope *scope = hd_scope_begin(x.graph, "layer_norm", options.name);
  hd_val y = layer_norm(x, &options);
  hd_scope_end(x.graph, scope);
  return y;
}

static hd_val build(hd_val x, const void *o) {
  return (hd_layer_norm)(x, o ? *(const hd_layer_norm_options *)o : (hd_layer_norm_options){0});
}

#define S hd_layer_norm_options
static const hd_field field[] = {
    HD_FIELD(S, axes, INT, .standard = "1", .low = 1, .high = HD_MAX_RANK, .main = true,
             .help = "how many of the last axes are normalised together"),
    HD_EPSILON_FIELD(S), HD_NO_WEIGHTS_FIELD(S),
    HD_FIELD(S, name, TEXT, .standard = "layer_norm_1 ...",
             .help = "of the layer and its parameters")};
static const hd_fields fields = HD_FIELDS("layer_norm", S, field);

const hd_layer hd_layer_layer_norm = {
    .name = "layer_norm",
    .help = "mean 0, variance 1 of each sample, along the last axes",
    .fields = &fields,
    .build = build};
