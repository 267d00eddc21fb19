// A row of a table for each index
#include "layer.h"

static hd_val embedding(hd_val x, const hd_embedding_options *o) {
  hd_type t = *hd_type_of(x);
  char text[96];
  if (o->rows < 1 || o->width < 1)
    return hd_layer_fail(x, "embedding", o->name,
                         "x is %s, the table would be (%d, %d); give its size, such as "
                         ".rows = 1000, .width = 64",
                         hd_shape_text(t.shape, text, sizeof text), o->rows, o->width);
  if (t.shape.rank >= HD_MAX_RANK)
    return hd_layer_fail(x, "embedding", o->name,
                         "x is %s: the result would have more than %d axes; use hd_reshape",
                         hd_shape_text(t.shape, text, sizeof text), HD_MAX_RANK);
  hd_init init = o->init.kind ? o->init : (hd_init){HD_UNIFORM, -0.05f, 0.05f};
  hd_val table = hd_scope_variable(x.graph, "weight", t.dtype == HD_F64 ? HD_F64 : HD_F32,
                                   HD_SHAPE(o->rows, o->width), HD_WEIGHT, init);
  return hd_gather(table, t.dtype == HD_I32 ? x : hd_cast(x, HD_I32));
}

hd_val(hd_embedding)(hd_val x, hd_embedding_options options) {
  if (!hd_ok(x)) return x;
  hd_scope *scope = hd_scope_begin(x.graph, "embedding", options.name);
  hd_val y = embedding(x, &options);
  hd_scope_end(x.graph, scope);
  return y;
}

static hd_val build(hd_val x, const void *o) {
  return (hd_embedding)(x, o ? *(const hd_embedding_options *)o : (hd_embedding_options){0});
}

#define S hd_embedding_options
static const hd_field field[] = {
    HD_FIELD(S, rows, INT, .standard = "", .low = 1, .high = INT32_MAX,
             .help = "how many there are to index, from 0"),
    HD_FIELD(S, width, INT, .standard = "", .low = 1, .high = INT32_MAX, .help = "of a row"),
    HD_FIELD(S, init, INIT, .standard = "{uniform: [-0.05, 0.05]}", .help = "first weights"),
    HD_FIELD(S, name, TEXT, .standard = "embedding_1 ...",
             .help = "of the layer and its parameters")};
static const hd_fields fields = HD_FIELDS("embedding", S, field);

const hd_layer hd_layer_embedding = {
    .name = "embedding",
    .help = "whole numbers (...) -> (..., width), rows of a learned table",
    .fields = &fields,
    .build = build};
