// Recipes: a text that names data, network, loss and training, and what is made of it.
#ifndef HADAL_RECIPE_H
#define HADAL_RECIPE_H

#include "augment.h"
#include "io.h"
#include "nn.h"
#include "train.h"

#ifdef __cplusplus
extern "C" {
#endif

struct hd_arena;
struct hd_doc;
// Reads a document of another format than JSON: hd_yaml_parse of libhadal-extra is one.
typedef hd_status hd_document_reader(struct hd_arena *arena, const char *name, const char *text,
                                     size_t bytes, struct hd_doc **to, hd_error *err);

typedef enum hd_recipe_scale {
  HD_SCALE_NONE = 0,
  HD_SCALE_UNIT,
  HD_SCALE_STANDARD,
  HD_SCALE_MINMAX
} hd_recipe_scale;
typedef struct hd_recipe_data {
  const char *name;       // a set, the path of a .csv or of a folder of images (it holds a /);
                          // NULL: the program brings its own data
  hd_recipe_scale scale;  // fitted on the training part, then a layer of the model
  float valid;            // fraction of the training samples held out to watch and to choose by
  float test;             // the same, to test on: for sets without a test part
  int folds;              // cross-validation: every sample is tested on once
  int fold;               // only that fold, from 1
  const char *label;      // .csv: column of the label
  bool regression;        // .csv: the label is a number
  bool one_hot;           // .csv: columns of words are an input for each word of the file, which
                          // the model keeps; scale scales them as any other input
  bool stratify;          // valid and test have the classes in the shares of the whole
  int size[2];            // folder: height and width that its images are brought to; 0: as they are
  int channels;           // folder: 1 or 3; 0: as the images have it
} hd_recipe_data;

typedef struct hd_recipe_train {
  int batch, epochs;
  int64_t seed;  // of first weights, shuffling, splits and random ops
  int shards, patience;
  float min_delta;
  bool restore_best, no_shuffle;
  int keep, checkpoint_steps;
  int accumulate;  // these as in hd_fit_options
  float clip_value, clip_norm, l1, max_norm, ema, kl;
  int swa;
  hd_precision precision;
} hd_recipe_train;
extern HD_API const hd_fields hd_recipe_data_fields, hd_recipe_train_fields;

// Read only. Everything in it lives as long as the recipe.
typedef struct hd_recipe {
  const char *name;  // "lenet5"
  const char *file;  // what messages call it
  hd_recipe_data data;
  hd_recipe_train train;
  const hd_augment_options *augment;  // of the training samples; NULL: none
  hd_optimizer optimizer;
  hd_schedule schedule;
  const struct hd_loss *loss;  // NULL: cross_entropy for classes, mse for numbers
  const void *loss_options;    // NULL: all defaults
  int layers;
  struct hd_recipe_inside *inside;
} hd_recipe;

typedef struct hd_recipe_options {
  HD_OPTIONS;
  const char *name HD_Z;          // default: the file name without folder and ending
  const char *const *set HD_Z;    // "train.epochs=3", ..., NULL: applied before anything is checked
  hd_document_reader *yaml HD_Z;  // NULL: JSON only
} hd_recipe_options;
// NULL on failure; the message names file and line, or the --set. The whole recipe is checked but
// for what the data decides: that is hd_recipe_build's.
HD_API hd_recipe *hd_recipe_read(const hd_env *env, const char *path, hd_error *err,
                                 hd_recipe_options options);
HD_API hd_recipe *hd_recipe_parse(const hd_env *env, const char *file, const char *text,
                                  size_t bytes, hd_error *err, hd_recipe_options options);
#define hd_recipe_read(env, path, ...) \
  hd_recipe_read(env, path, HD_HEAD_(__VA_ARGS__, ), \
                 HD_LIT(hd_recipe_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})
#define hd_recipe_parse(env, file, text, bytes, ...) \
  hd_recipe_parse(env, file, text, bytes, HD_HEAD_(__VA_ARGS__, ), \
                  HD_LIT(hd_recipe_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})
HD_API void hd_recipe_free(hd_recipe *recipe);

// The recipe with overrides and defaults filled in, which reads back as the same. The text is a
// block of env (NULL when memory is out).
HD_API char *hd_recipe_text(const hd_env *env, const hd_recipe *recipe, bool yaml);

// ---- From a recipe to a network ------------------------------------------------------------

// What a network is fed with.
typedef struct hd_signature {
  hd_column input;                 // of one sample: "image" u8 (28, 28, 1) or "x" f32 (4)
  int classes;                     // 0: the target is a number
  const char *const *class_names;  // or NULL
  bool has_label, has_target;
  hd_type target;             // of one sample
  const hd_word_list *words;  // of a table's columns (hd_data.words), or NULL
} hd_signature;
HD_API hd_status hd_signature_of(const hd_data *data, hd_signature *to, hd_error *err);
// Of a set that is known by name, whether or not it is on this machine; or the recipe's own
// `input`.
HD_API hd_status hd_recipe_signature(const hd_recipe *recipe, hd_signature *to, hd_error *err);

typedef struct hd_network {
  hd_val input, output;   // output: of the last layer
  hd_val answer;          // what predicting gives: probabilities of the classes, or the output
  hd_val loss, accuracy;  // scalars; accuracy is null where it is not defined
} hd_network;
HD_API hd_status hd_recipe_build(const hd_recipe *recipe, const hd_signature *signature,
                                 hd_graph *graph, hd_network *to, hd_error *err);

// ---- Data ----------------------------------------------------------------------------------
typedef struct hd_splits {
  hd_data whole, middle, extra, plain;  // what the others are views of
  hd_data train, valid, test;
  bool has_valid, has_test;  // without a test part of its own, test is the training part
} hd_splits;
// fold: 0, or from 1 for cross-validation. options: where sets are looked for.
HD_API hd_status hd_recipe_open(const hd_env *env, const hd_recipe *recipe, int fold,
                                hd_data_options options, hd_splits *to, hd_error *err);
HD_API void hd_splits_free(hd_splits *parts);

// Puts the fitted preprocessing into the store. A no-op without one.
HD_API hd_status hd_recipe_fit_scale(const hd_recipe *recipe, const hd_data *train, hd_store *store,
                                     hd_error *err);
// The recipe's training as hd_fit wants it; valid, callbacks and folders are the caller's to add.
HD_API void hd_recipe_fit_options(const hd_recipe *recipe, hd_fit_options *to);

// ---- Models --------------------------------------------------------------------------------
// What model.safetensors holds beside the weights, under "hadal.recipe": network, input, classes,
// preprocessing. NULL when memory is out.
HD_API char *hd_recipe_header(const hd_env *env, const hd_recipe *recipe,
                              const hd_signature *signature);

// A model file, ready to predict and to be evaluated.
typedef struct hd_model {
  hd_recipe *recipe;
  hd_signature signature;
  hd_graph *graph;
  hd_store *store;
  hd_network network;
} hd_model;
HD_API hd_status hd_model_open(const hd_env *env, const char *path, hd_model *to, hd_error *err);
HD_API void hd_model_close(hd_model *model);

#ifdef __cplusplus
}
#endif
#endif
