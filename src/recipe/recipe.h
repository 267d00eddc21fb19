// The inside of a recipe.
#ifndef RECIPE_RECIPE_H
#define RECIPE_RECIPE_H

#include "../../include/hadal/nn.h"
#include "../../include/hadal/recipe.h"
#include "../base/file.h"
#include "../nn/layer.h"
#include "../nn/loss.h"
#include "../nn/scale.h"
#include "fields.h"

enum {
  HD_RECIPE_BYTES = 1 << 20,  // of a recipe's text
  HD_RECIPE_LAYERS = 10000,
  HD_RECIPE_CLASSES = 1000000,
  HD_RECIPE_INPUTS = 65536  // that are words
};
#define HD_RECIPE_PARAMETERS 1e11  // of a network: more is a slip of the pen

typedef struct hd_recipe_layer {
  const hd_layer *layer;
  void *options;        // NULL: all defaults
  const hd_doc *at;     // for messages
  int32_t first, last;  // nodes of the graph that was built last
} hd_recipe_layer;

typedef struct hd_recipe_inside {
  hd_env env;
  hd_arena arena;
  hd_reader reader;
  hd_doc *doc;
  const char *about;
  hd_recipe_layer *layer;
  const char *optimizer_name;
  const hd_fields *optimizer_fields;
  void *optimizer_options;
  bool no_accuracy;
  bool has_input;
  hd_signature input;  // from the recipe itself
} hd_recipe_inside;

const hd_fields *hd_augment_part(const char *name, const hd_augment_options *o, const void **part);
// JSON, or what `yaml` (may be NULL) reads; of at most HD_RECIPE_BYTES.
hd_status hd_document_parse(hd_arena *arena, const char *name, const char *text, size_t bytes,
                            hd_document_reader *yaml, hd_doc **to, hd_error *err);
char *hd_recipe_name_of(hd_arena *arena, const char *path);  // "recipes/lenet5.yaml" -> "lenet5"
hd_status hd_recipe_check(hd_recipe *r);                     // doc -> everything else
hd_status hd_doc_override(const hd_reader *r, hd_doc *doc, int set);  // one of r->sets
bool hd_signature_doc(hd_arena *arena, const hd_signature *s, hd_doc *to);
hd_status hd_signature_read(const hd_reader *r, const hd_doc *input, const hd_doc *classes,
                            hd_signature *to);
// The document of a network alone, for model headers, or of everything.
hd_doc *hd_recipe_doc(hd_arena *arena, const hd_recipe *r, bool all);
double hd_scale_largest(const char *set);  // value of a byte that becomes 1

// Multiply-adds and parameters of the layers that were built last, per sample.
typedef struct hd_layer_cost {
  const char *name;
  hd_type type;  // of the output
  int64_t parameters, trainable;
  double multiply_adds;
  int64_t bytes;  // of everything the layer computes
} hd_layer_cost;
void hd_layer_measure(const hd_graph *g, int32_t first, int32_t last, hd_layer_cost *to);

#endif
