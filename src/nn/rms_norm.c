// Root-mean-square normalisation with weights of its own
#include "norm.h"

static hd_val rms_norm(hd_val x, const hd_rms_norm_options *o) {
  hd_shape s = hd_type_of(x)->shape;
  char text[96];
  if (!s.rank || s.d[s.rank - 1] < 1)
    return hd_layer_fail(x, "rms_norm", o->name,
                         "x is %s, weights would be (D): needs (..., D) with a known D",
                         hd_shape_text(s, text, sizeof text));
  if (!(o->epsilon >= 0))
    return hd_layer_fail(x, "rms_norm", o->name, "epsilon is %g, must be positive",
                         (double)o->epsilon);
  hd_val y = hd_norm_unit(x, HD_AXIS(s.rank - 1), o->epsilon);
  return o->no_weights ? y : hd_norm_gamma(y, HD_SHAPE(s.d[s.rank - 1]));
}

hd_val(hd_rms_norm)(hd_val x, hd_rms_norm_options options) {
  if (!hd_ok(x)) return x;
  hd_scope *scope = hd_scope_begin(x.graph, "rms_norm", options.name);
  hd_val y = rms_norm(x, &options);
  hd_scope_end(x.graph, scope);
  return y;
}

static hd_val build(hd_val x, const void *o) {
  return (hd_rms_norm)(x, o ? *(const hd_rms_norm_options *)o : (hd_rms_norm_options){0});
}

#define S hd_rms_norm_options
static const hd_field field[] = {
    HD_EPSILON_FIELD(S),
    HD_FIELD(S, no_weights, BOOL, .standard = "false", .help = "leave gamma out"),
    HD_FIELD(S, name, TEXT, .standard = "rms_norm_1 ...",
             .help = "of the layer and its parameters")};
static const hd_fields fields = HD_FIELDS("rms_norm", S, field);

const hd_layer hd_layer_rms_norm = {.name = "rms_norm",
                                    .help = "root mean square 1 along the last axis",
                                    .fields = &fields,
                                    .build = build};
