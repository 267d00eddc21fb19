// y = x weight^T + bias, with the weight of another layer
#include "layer.h"

static hd_val dense_tied(hd_val x, hd_val weight, const hd_dense_tied_options *o) {
  hd_shape s = hd_type_of(x)->shape, w = hd_type_of(weight)->shape;
  char a[96], b[96];
  if (w.rank != 2 || s.rank < 2 || w.d[1] < 1 || s.d[s.rank - 1] != w.d[1])
    return hd_layer_fail(x, "dense_tied", o->name,
                         "x is %s, the weight is %s: x must end in the weight's second size, x "
                         "weight^T in its first; without the transpose use hd_matmul",
                         hd_shape_text(s, a, sizeof a), hd_shape_text(w, b, sizeof b));
  hd_val y = hd_matmul(x, weight, .tb = true);
  return o->no_bias
             ? y
             : hd_add(y, hd_scope_variable(x.graph, "bias", hd_type_of(x)->dtype, HD_SHAPE(w.d[0]),
                                           HD_WEIGHT, (hd_init){HD_ZEROS, 0, 0}));
}

hd_val(hd_dense_tied)(hd_val x, hd_val weight, hd_dense_tied_options options) {
  if (!hd_ok(x)) return x;
  if (!hd_ok(weight))
    return hd_layer_fail(x, "dense_tied", options.name,
                         "the weight is not a value; hd_weights gives those of a layer");
  hd_scope *scope = hd_scope_begin(x.graph, "dense_tied", options.name);
  hd_val y = dense_tied(x, weight, &options);
  hd_scope_end(x.graph, scope);
  return y;
}

// ---- In recipes the weight goes by the name of its layer ----------------------------------------
typedef struct tied_options {
  HD_OPTIONS;
  const char *of;
  bool no_bias;
  const char *name;
} tied_options;

static hd_val weight_of(const hd_graph *g, const char *layer) {
  for (int i = 1; i < g->count; i++) {
    const hd_variable_info *v = g->node[i]->variable;
    if (v && v->scope && v->scope->name && v->local && !strcmp(v->local, "weight") &&
        !strcmp(v->scope->name, layer))
      return (hd_val){(hd_graph *)g, i, 0};
  }
  return (hd_val){0};
}

static hd_val build(hd_val x, const void *options) {
  const tied_options *o = options;
  if (!hd_ok(x)) return x;
  hd_val w = o && o->of ? weight_of(x.graph, o->of) : (hd_val){0};
  if (!hd_ok(w))
    return hd_layer_fail(x, "dense_tied", o ? o->name : NULL,
                         "no layer before it has the name \"%s\" and a weight; name that layer, "
                         "such as `dense: {units: 32, name: encoder}` and `dense_tied: encoder`",
                         o && o->of ? o->of : "");
  return (hd_dense_tied)(x, w, (hd_dense_tied_options){.no_bias = o->no_bias, .name = o->name});
}

#define S tied_options
static const hd_field field[] = {
    HD_FIELD(S, of, TEXT, .standard = "", .main = true,
             .help = "the name of the dense or embedding layer whose weight it is"),
    HD_FIELD(S, no_bias, BOOL, .standard = "false", .help = "leave the bias out"),
    HD_FIELD(S, name, TEXT, .standard = "dense_tied_1 ...", .help = "of the layer and its bias")};
static const hd_fields fields = HD_FIELDS("dense_tied", S, field);

const hd_layer hd_layer_dense_tied = {.name = "dense_tied",
                                      .help = "x weight^T + bias, the weight another layer's",
                                      .fields = &fields,
                                      .build = build};
