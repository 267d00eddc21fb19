// Instance normalisation with weights of its own
#include "norm.h"

static hd_val instance_norm(hd_val x, const hd_instance_norm_options *o) {
  hd_shape s = hd_type_of(x)->shape;
  char text[96];
  if (s.rank < 3 || s.d[s.rank - 1] < 1)
    return hd_layer_fail(x, "instance_norm", o->name,
                         "x is %s, weights would be (C): needs (N, H, W, C) with a known C; "
                         "hd_layer_norm normalises (N, C)",
                         hd_shape_text(s, text, sizeof text));
  if (!(o->epsilon >= 0))
    return hd_layer_fail(x, "instance_norm", o->name, "epsilon is %g, must be positive",
                         (double)o->epsilon);
  unsigned space = (HD_AXIS(s.rank - 1) - 1) & ~HD_AXIS(0);
  hd_val y = hd_norm_centred(x, space, o->epsilon);
  hd_shape c = HD_SHAPE(s.d[s.rank - 1]);
  return o->no_weights ? y : hd_norm_beta(hd_norm_gamma(y, c), c);
}

hd_val(hd_instance_norm)(hd_val x, hd_instance_norm_options options) {
  if (!hd_ok(x)) return x;
  hd_scope *scope = hd_scope_begin(x.graph, "instance_norm", options.name);
  hd_val y = instance_norm(x, &options);
  hd_scope_end(x.graph, scope);
  return y;
}

static hd_val build(hd_val x, const void *o) {
  return (hd_instance_norm)(x, o ? *(const hd_instance_norm_options *)o
                                 : (hd_instance_norm_options){0});
}

#define S hd_instance_norm_options
static const hd_field field[] = {HD_EPSILON_FIELD(S), HD_NO_WEIGHTS_FIELD(S),
                                 HD_FIELD(S, name, TEXT, .standard = "instance_norm_1 ...",
                                          .help = "of the layer and its parameters")};
static const hd_fields fields = HD_FIELDS("instance_norm", S, field);

const hd_layer hd_layer_instance_norm = {.name = "instance_norm",
                                         .help = "mean 0, variance 1 of each sample's channels",
                                         .fields = &fields,
                                         .build = build};
