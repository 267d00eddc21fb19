// The largest of several dense outputs
#include "layer.h"

static hd_val maxout(hd_val x, const hd_maxout_options *o) {
  hd_shape s = hd_type_of(x)->shape;
  hd_dtype dtype = hd_type_of(x)->dtype;
  int pieces = o->pieces ? o->pieces : 2;
  int64_t in = s.rank ? s.d[s.rank - 1] : -1, out;
  char text[96];
  if (o->units < 1 || pieces < 1 || !hd_mul_size(o->units, pieces, &out))
    return hd_layer_fail(x, "maxout", o->name,
                         "units is %d, pieces is %d; give how many, such as .units = 10", o->units,
                         pieces);
  if (s.rank < 2 || s.rank >= HD_MAX_RANK || in < 1)
    return hd_layer_fail(x, "maxout", o->name,
                         "x is %s, must be (N, in) with a known size `in`; use hd_flatten",
                         hd_shape_text(s, text, sizeof text));
  hd_init init = o->init.kind ? o->init : (hd_init){HD_GLOROT_UNIFORM, 0, 0};
  hd_graph *g = x.graph;
  hd_val w = hd_scope_variable(g, "weight", dtype, HD_SHAPE(in, out), HD_WEIGHT, init);
  hd_val b =
      hd_scope_variable(g, "bias", dtype, HD_SHAPE(out), HD_WEIGHT, (hd_init){HD_ZEROS, 0, 0});
  hd_shape to = {.rank = s.rank + 1};  // 0: x's own size
  to.d[s.rank - 1] = o->units, to.d[s.rank] = pieces;
  return hd_reduce_max(hd_reshape(hd_add(hd_matmul(x, w), b), to), .axes = HD_LAST_AXIS);
}

hd_val(hd_maxout)(hd_val x, hd_maxout_options options) {
  if (!hd_ok(x)) return x;
  hd_scope *scope = hd_scope_begin(x.graph, "maxout", options.name);
  hd_val y = maxout(x, &options);
  hd_scope_end(x.graph, scope);
  return y;
}

static hd_val build(hd_val x, const void *o) {
  return (hd_maxout)(x, o ? *(const hd_maxout_options *)o : (hd_maxout_options){0});
}

static const hd_field field[] = {
    HD_FIELD(hd_maxout_options, units, INT, .standard = "", .low = 1, .high = INT32_MAX,
             .main = true, .help = "width of the output"),
    HD_FIELD(hd_maxout_options, pieces, INT, .standard = "2", .low = 1, .high = INT32_MAX,
             .help = "dense outputs of which the largest counts"),
    HD_FIELD(hd_maxout_options, init, INIT, .standard = "glorot_uniform", .help = "first weights"),
    HD_FIELD(hd_maxout_options, name, TEXT, .standard = "maxout_1 ...",
             .help = "of the layer and its parameters")};
static const hd_fields fields = HD_FIELDS("maxout", hd_maxout_options, field);

const hd_layer hd_layer_maxout = {.name = "maxout",
                                  .help = "largest of several dense outputs",
                                  .fields = &fields,
                                  .build = build};
