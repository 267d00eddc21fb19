// Group normalisation with weights of its own
#include "norm.h"

static hd_val group_norm(hd_val x, const hd_group_norm_options *o) {
  hd_shape s = hd_type_of(x)->shape;
  int64_t channels = s.rank ? s.d[s.rank - 1] : -1, groups = o->groups ? o->groups : 32;
  char text[96];
  hd_shape_text(s, text, sizeof text);
  if (s.rank < 2 || channels < 1)
    return hd_layer_fail(x, "group_norm", o->name,
                         "x is %s, weights would be (C): needs (N, ..., C) with a known C", text);
  if (groups < 1 || channels % groups)
    return hd_layer_fail(x, "group_norm", o->name,
                         "%lld groups must divide the %lld channels of x %s; set .groups",
                         (long long)groups, (long long)channels, text);
  if (!(o->epsilon >= 0))
    return hd_layer_fail(x, "group_norm", o->name, "epsilon is %g, must be positive",
                         (double)o->epsilon);
  // (N, pixels, group, channel of it); 0: x's own N
  hd_val y = hd_reshape(x, (hd_shape){4, {0, HD_ANY, groups, channels / groups}});
  y = hd_reshape_like(hd_norm_centred(y, HD_AXIS(1) | HD_AXIS(3), o->epsilon), x);
  hd_shape c = HD_SHAPE(channels);
  return o->no_weights ? y : hd_norm_beta(hd_norm_gamma(y, c), c);
}

hd_val(hd_group_norm)(hd_val x, hd_group_norm_options options) {
  if (!hd_ok(x)) return x;
  hd_scope *scope = hd_scope_begin(x.graph, "group_norm", options.name);
  hd_val y = group_norm(x, &options);
  hd_scope_end(x.graph, scope);
  return y;
}

static hd_val build(hd_val x, const void *o) {
  return (hd_group_norm)(x, o ? *(const hd_group_norm_options *)o : (hd_group_norm_options){0});
}

#define S hd_group_norm_options
static const hd_field field[] = {
    HD_FIELD(S, groups, INT, .standard = "32", .low = 1, .high = INT32_MAX, .main = true,
             .help = "of channels, each normalised by itself"),
    HD_EPSILON_FIELD(S), HD_NO_WEIGHTS_FIELD(S),
    HD_FIELD(S, name, TEXT, .standard = "group_norm_1 ...",
             .help = "of the layer and its parameters")};
static const hd_fields fields = HD_FIELDS("group_norm", S, field);

const hd_layer hd_layer_group_norm = {
    .name = "group_norm",
    .help = "mean 0, variance 1 of each sample's groups of channels",
    .fields = &fields,
    .build = build};
