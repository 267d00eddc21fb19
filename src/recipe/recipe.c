// Recipes: reading and checking.
#include "recipe.h"

// ---- Tables -------------------------------------------------------------------------------------
static const char *const scales[] = {"none", "unit", "standard", "minmax", NULL};
#define D hd_recipe_data
static const hd_field data_field[] = {
    HD_FIELD(
        D, name, TEXT, .standard = "", .main = true,
        .help = "a set (hadal list data), a .csv file, or a folder of images (with a / in it)"),
    HD_FIELD(D, scale, CHOICE, .standard = "none", .choices = scales,
             .help = "unit: bytes to 0..1; standard: mean 0, deviation 1; minmax: to 0..1"),
    HD_FIELD(D, valid, REAL, .standard = "0", .low = 0, .high = 0.9,
             .help = "fraction of the training samples held out"),
    HD_FIELD(D, test, REAL, .standard = "0", .low = 0, .high = 0.9,
             .help = "the same to test on, for sets without a test part"),
    HD_FIELD(D, folds, INT, .standard = "0", .low = 0, .high = 1000000,
             .help = "cross-validation in so many parts"),
    HD_FIELD(D, fold, INT, .standard = "0", .low = 0, .high = 1000000,
             .help = "only that part, from 1"),
    HD_FIELD(D, label, TEXT, .standard = "the last column",
             .help = ".csv: label column, by name or number"),
    HD_FIELD(D, regression, BOOL, .standard = "false", .help = ".csv: the label is a number"),
    HD_FIELD(D, one_hot, BOOL, .standard = "false",
             .help = ".csv: a column of words is an input for each word, 1 where the row has it"),
    HD_FIELD(D, stratify, BOOL, .standard = "false",
             .help = "valid and test keep the shares of the classes, as folds do"),
    HD_FIELD_ARRAY(D, size, INT, 2, .standard = "as they are", .low = 1, .high = 65535,
                   .help = "folder: height and width that its images are brought to"),
    HD_FIELD(D, channels, INT, .standard = "as they are", .low = 1, .high = 3,
             .help = "folder: 1 for grey images, 3 for colour")};
const hd_fields hd_recipe_data_fields = HD_FIELDS("data", D, data_field);

static const char *const precisions[] = {"f32", "bf16", "bf16x3", NULL};
#define T hd_recipe_train
static const hd_field train_field[] = {
    {.name = "optimizer",
     .kind = HD_FIELD_LIST,
     .count = 1,
     .standard = "adam",
     .help = "adam, sgd, rmsprop ..., with options: {adam: {lr: 0.001}}"},
    {.name = "schedule",
     .kind = HD_FIELD_LIST,
     .count = 1,
     .standard = "constant",
     .help = "constant, step, cosine ..., with options: {step: {every: 10, factor: 0.5}}"},
    HD_FIELD(T, batch, INT, .standard = "64", .low = 1, .high = 1 << 24,
             .help = "samples of a step"),
    HD_FIELD(T, epochs, INT, .standard = "10", .low = 1, .high = 1000000000,
             .help = "passes over the training samples"),
    HD_FIELD(T, seed, INT64, .standard = "1 ", .low = 0, .high = 9007199254740992.0,
             .help = "of weights, order, splits and dropout"),
    HD_FIELD(T, shards, INT, .standard = "1", .low = 1, .high = 4096,
             .help = "slices of a batch with a fixed tree of sums"),
    HD_FIELD(T, patience, INT, .standard = "0", .low = 0, .high = 1000000000,
             .help = "stop after so many epochs without improvement; 0: never"),
    HD_FIELD(T, min_delta, REAL, .standard = "0", .low = 0, .high = 1e30,
             .help = "what counts as an improvement of the loss"),
    HD_FIELD(T, restore_best, BOOL, .standard = "false",
             .help = "end with the weights of the best epoch"),
    HD_FIELD(T, no_shuffle, BOOL, .standard = "false", .help = "keep the order of the data"),
    HD_FIELD(T, keep, INT, .standard = "2", .low = 1, .high = 1000000,
             .help = "checkpoints to keep"),
    HD_FIELD(T, checkpoint_steps, INT, .standard = "0", .low = 0, .high = 1000000000,
             .help = "also every so many steps; 0: after each epoch only"),
    HD_FIELD(T, accumulate, INT, .standard = "1", .low = 1, .high = 1000000,
             .help = "batches that make one update, of the mean of their gradients"),
    HD_FIELD(T, clip_value, REAL, .standard = "0", .low = 0, .high = 1e30,
             .help = "largest absolute value of a gradient; 0: any"),
    HD_FIELD(T, clip_norm, REAL, .standard = "0", .low = 0, .high = 1e30,
             .help = "largest norm of all gradients together; 0: any"),
    HD_FIELD(T, l1, REAL, .standard = "0", .low = 0, .high = 1e6,
             .help = "L1 penalty: g += l1 sign(w). For L2: weight_decay of the optimizer"),
    HD_FIELD(T, max_norm, REAL, .standard = "0", .low = 0, .high = 1e30,
             .help = "largest norm of the incoming weights of a unit; 0: any"),
    HD_FIELD(T, ema, REAL, .standard = "0", .low = 0, .high = 0.99999,
             .help = "decay of an exponential mean of the weights, which is the model; 0: none"),
    HD_FIELD(T, kl, REAL, .standard = "0", .low = 0, .high = 1,
             .help = "dense_bayes: factor on the divergence from a normal (0, 1) prior in the "
                     "loss: 1 / training samples"),
    HD_FIELD(T, swa, INT, .standard = "0", .low = 0, .high = 1000000000,
             .help = "the model is the mean of the weights after this epoch and later ones; 0: no"),
    HD_FIELD(T, precision, CHOICE, .standard = "f32", .choices = precisions,
             .help = "of products and convolutions: f32, bf16 (rounded operands, f32 sums), or "
                     "bf16x3 (near f32)")};
const hd_fields hd_recipe_train_fields = HD_FIELDS("train", T, train_field);

static const hd_fields top_fields = {.name = "recipe",
                                     .field = (const hd_field[]){{.name = "name"},
                                                                 {.name = "about"},
                                                                 {.name = "data"},
                                                                 {.name = "augment"},
                                                                 {.name = "input"},
                                                                 {.name = "classes"},
                                                                 {.name = "model"},
                                                                 {.name = "loss"},
                                                                 {.name = "train"},
                                                                 {.name = "metrics"},
                                                                 {.name = "version"}},
                                     .count = 11};

// ---- Pieces -------------------------------------------------------------------------------------

// "adam", {adam: null}, {adam: {lr: 0.01}}: the word, and what belongs to it.
static hd_status choice(const hd_reader *r, const hd_doc *doc, const char *what, const char **word,
                        const hd_doc **value) {
  *value = NULL;
  if (doc->kind == HD_DOC_TEXT) return *word = doc->text, HD_OK;
  if (doc->kind != HD_DOC_MAP || doc->count != 1)
    return hd_reader_fail(r, doc, "%s: give its name, or one `name: options`; found %s%s", what,
                          hd_doc_what(doc), doc->kind == HD_DOC_MAP ? " of several names" : "");
  *word = doc->first->key;
  *value = doc->first;
  return HD_OK;
}

static hd_status unknown(const hd_reader *r, const hd_doc *at, const char *what, const char *word,
                         const char *const *known, int count) {
  char text[800];
  return hd_reader_fail(r, at, "unknown %s \"%.80s\"%s", what, word,
                        hd_suggest(word, known, count, text, sizeof text));
}

static hd_status no_memory(const hd_recipe *r) {
  return hd_fail(r->inside->reader.err, HD_E_MEMORY, "%s: memory is out", r->file);
}

static hd_status read_layer(hd_recipe *r, const hd_doc *doc, hd_recipe_layer *to) {
  const hd_reader *reader = &r->inside->reader;
  const char *word;
  const hd_doc *value;
  hd_status status = choice(reader, doc, "layer", &word, &value);
  if (status) return status;
  to->at = doc;
  to->layer = hd_layer_find(word);
  if (!to->layer) {
    const char *known[256];
    int count = 0;
    for (const hd_layer *const *l = hd_layers(); *l && count < 256; l++)
      known[count++] = (*l)->name;
    return unknown(reader, doc, "layer", word, known, count);
  }
  const hd_fields *fields = to->layer->fields;
  if (!fields)
    return value && value->kind != HD_DOC_NULL
               ? hd_reader_fail(reader, value, "%s: takes no options", word)
               : HD_OK;
  to->options = hd_arena_alloc(&r->inside->arena, fields->size);
  return to->options ? hd_fields_read(reader, fields, value, to->options) : no_memory(r);
}

static hd_status read_model(hd_recipe *r, const hd_doc *doc) {
  const hd_reader *reader = &r->inside->reader;
  if (!doc)
    return hd_reader_fail(reader, r->inside->doc,
                          "model is missing: a list of layers, such as `- dense: 10`");
  if (doc->kind == HD_DOC_MAP) {
    const hd_doc *zoo = hd_doc_get(doc, "zoo");
    if (zoo && zoo->kind == HD_DOC_TEXT)
      return unknown(reader, zoo, "zoo model", zoo->text, NULL, 0);
    return hd_reader_fail(reader, doc, "model: must be a list of layers, or {zoo: name}");
  }
  if (doc->kind != HD_DOC_LIST)
    return hd_reader_fail(reader, doc, "model: must be a list of layers, not %s", hd_doc_what(doc));
  if (doc->count < 1 || doc->count > HD_RECIPE_LAYERS)
    return hd_reader_fail(reader, doc, "model: %d layers; possible are 1 to %d", doc->count,
                          HD_RECIPE_LAYERS);
  r->inside->layer =
      hd_arena_alloc(&r->inside->arena, sizeof *r->inside->layer * (size_t)doc->count);
  if (!r->inside->layer) return no_memory(r);
  hd_status status = HD_OK;
  for (const hd_doc *child = doc->first; child && !status; child = child->next) {
    status = read_layer(r, child, &r->inside->layer[r->layers]);
    r->layers++;
  }
  return status;
}

static hd_status read_loss(hd_recipe *r, const hd_doc *doc) {
  if (!doc) return HD_OK;
  const hd_reader *reader = &r->inside->reader;
  const char *word;
  const hd_doc *value;
  hd_status status = choice(reader, doc, "loss", &word, &value);
  if (status) return status;
  r->loss = hd_loss_find(word);
  if (!r->loss) {
    const char *known[64];
    int count = 0;
    for (const hd_loss *const *l = hd_losses(); *l && count < 64; l++) known[count++] = (*l)->name;
    return unknown(reader, doc, "loss", word, known, count);
  }
  void *options = hd_arena_alloc(&r->inside->arena, r->loss->fields->size);
  r->loss_options = options;
  return options ? hd_fields_read(reader, r->loss->fields, value, options) : no_memory(r);
}

static hd_status read_optimizer(hd_recipe *r, const hd_doc *doc) {
  hd_recipe_inside *in = r->inside;
  const char *word = "adam", *const *names = hd_optimizer_names();
  const hd_doc *value = NULL;
  hd_status status = doc ? choice(&in->reader, doc, "optimizer", &word, &value) : HD_OK;
  if (status) return status;
  const hd_optimizer_rule *rule = hd_optimizer_find(word);
  int count = 0;
  while (names[count]) count++;
  if (!rule) return unknown(&in->reader, doc, "optimizer", word, names, count);
  in->optimizer_name = hd_arena_text(&in->arena, word);
  in->optimizer_fields = hd_optimizer_fields(rule);
  in->optimizer_options = hd_arena_alloc(&in->arena, in->optimizer_fields->size);
  if (!in->optimizer_options || !in->optimizer_name) return no_memory(r);
  status = hd_fields_read(&in->reader, in->optimizer_fields, value, in->optimizer_options);
  if (!status) r->optimizer = hd_optimizer_of(rule, in->optimizer_options);
  return status;
}

// {step: {every: 3}} is the map of its fields with `kind: step` put first.
static hd_status read_schedule(hd_recipe *r, const hd_doc *doc) {
  if (!doc) return HD_OK;
  const char *word;
  const hd_doc *value;
  const hd_reader *reader = &r->inside->reader;
  hd_status status = choice(reader, doc, "schedule", &word, &value);
  if (status) return status;
  hd_doc kind = {.kind = HD_DOC_TEXT, .line = doc->line, .text = word};
  status = hd_fields_read(reader, &hd_schedule_fields, &kind, &r->schedule);
  if (status || !value || value->kind == HD_DOC_NULL) return status;
  if (value->kind != HD_DOC_MAP || hd_doc_get(value, "kind"))
    return hd_reader_fail(reader, value, "schedule: give its options as a map: {%s: {warmup: 1}}",
                          word);
  return hd_fields_read(reader, &hd_schedule_fields, value, &r->schedule);
}

static hd_status read_train(hd_recipe *r, const hd_doc *doc) {
  const hd_reader *reader = &r->inside->reader;
  r->train.seed = 1;  // so that 0 is a seed of its own
  if (doc && doc->kind != HD_DOC_MAP)
    return hd_reader_fail(reader, doc, "train: must be a map, such as {epochs: 10}, not %s",
                          hd_doc_what(doc));
  hd_status status = hd_fields_read(reader, &hd_recipe_train_fields, doc, &r->train);
  if (!status) status = read_optimizer(r, hd_doc_get(doc, "optimizer"));
  if (!status) status = read_schedule(r, hd_doc_get(doc, "schedule"));
  if (!status && r->train.ema > 0 && r->train.swa)
    status = hd_reader_fail(reader, doc, "train: ema and swa are two ways to average; give one");
  if (!r->train.batch) r->train.batch = 64;
  if (!r->train.epochs) r->train.epochs = 10;
  return status;
}

// The table of a part of `augment` that has its own options, and where they are; NULL: none.
const hd_fields *hd_augment_part(const char *name, const hd_augment_options *o, const void **part) {
  if (!strcmp(name, "elastic")) return *part = &o->elastic, &hd_elastic_fields;
  if (!strcmp(name, "color")) return *part = &o->color, &hd_color_fields;
  if (!strcmp(name, "cutout")) return *part = &o->cutout, &hd_cutout_fields;
  return NULL;
}

static hd_status read_augment(hd_recipe *r, const hd_doc *doc) {
  const hd_reader *reader = &r->inside->reader;
  if (!doc || doc->kind == HD_DOC_NULL) return HD_OK;
  if (doc->kind != HD_DOC_MAP)
    return hd_reader_fail(reader, doc, "augment: must be a map, such as {rotate: 10}, not %s",
                          hd_doc_what(doc));
  hd_augment_options *o = hd_arena_alloc(&r->inside->arena, sizeof *o);
  if (!o) return no_memory(r);
  hd_status status = hd_fields_read(reader, &hd_augment_fields, doc, o);
  for (const hd_doc *child = doc->first; child && !status; child = child->next) {
    const void *part;
    const hd_fields *fields = hd_augment_part(child->key, o, &part);
    if (fields) status = hd_fields_read(reader, fields, child, (void *)(uintptr_t)part);
  }
  if (doc->count) r->augment = o;
  return status;
}

static hd_status read_metrics(hd_recipe *r, const hd_doc *doc) {
  static const char *const known[] = {"accuracy"};
  if (!doc) return HD_OK;
  if (doc->kind != HD_DOC_LIST)
    return hd_reader_fail(&r->inside->reader, doc, "metrics: must be a list, such as [accuracy]");
  r->inside->no_accuracy = true;
  for (const hd_doc *child = doc->first; child; child = child->next) {
    if (child->kind != HD_DOC_TEXT || strcmp(child->text, "accuracy"))
      return unknown(&r->inside->reader, child, "metric",
                     child->kind == HD_DOC_TEXT ? child->text : hd_doc_what(child), known, 1);
    r->inside->no_accuracy = false;
  }
  return HD_OK;
}

static hd_status read_top(hd_recipe *r) {
  const hd_recipe_inside *in = r->inside;
  const char *names[16];
  int count = 0;
  if (in->doc->kind != HD_DOC_MAP)
    return hd_reader_fail(&in->reader, in->doc,
                          "a recipe is a map with data, model and train, not %s",
                          hd_doc_what(in->doc));
  for (; count < top_fields.count; count++) names[count] = top_fields.field[count].name;
  for (const hd_doc *child = in->doc->first; child; child = child->next) {
    int i = 0;
    while (i < count && strcmp(child->key, names[i])) i++;
    if (i == count) return unknown(&in->reader, child, "field", child->key, names, count);
    if (i < 2 && child->kind != HD_DOC_TEXT)
      return hd_reader_fail(&in->reader, child, "%s: must be a text, not %s", child->key,
                            hd_doc_what(child));
  }
  return HD_OK;
}

hd_status hd_recipe_check(hd_recipe *r) {
  hd_recipe_inside *in = r->inside;
  hd_status status = read_top(r);
  if (status) return status;
  const hd_doc *doc = in->doc, *name = hd_doc_get(doc, "name"), *about = hd_doc_get(doc, "about");
  const hd_doc *data = hd_doc_get(doc, "data"), *input = hd_doc_get(doc, "input"),
               *version = hd_doc_get(doc, "version");
  if (name) {
    if (!*name->text || strlen(name->text) > 100 || strpbrk(name->text, "/\\ \n\t"))
      return hd_reader_fail(&in->reader, name,
                            "name: must be one word of at most 100 letters that can name a folder");
    r->name = name->text;
  }
  if (about) in->about = about->text;
  if (version && (version->kind != HD_DOC_INT || version->integer != 1))
    return hd_reader_fail(&in->reader, version,
                          "version: must be 1, the only one this Hadal knows");
  if (data) status = hd_fields_read(&in->reader, &hd_recipe_data_fields, data, &r->data);
  if (!status && (r->data.fold > r->data.folds || r->data.folds == 1))
    status = hd_reader_fail(&in->reader, data,
                            "data: fold %d of %d; folds are at least 2, and numbered from 1",
                            r->data.fold, r->data.folds);
  if (!status && r->data.folds && r->data.test > 0)
    status =
        hd_reader_fail(&in->reader, data,
                       "data: folds and test exclude each other: each fold is the test part once");
  if (!status && input)
    status = hd_signature_read(&in->reader, input, hd_doc_get(doc, "classes"), &in->input);
  in->has_input = input;
  if (!status) status = read_augment(r, hd_doc_get(doc, "augment"));
  if (!status) status = read_model(r, hd_doc_get(doc, "model"));
  if (!status) status = read_loss(r, hd_doc_get(doc, "loss"));
  if (!status) status = read_train(r, hd_doc_get(doc, "train"));
  if (!status) status = read_metrics(r, hd_doc_get(doc, "metrics"));
  return status;
}
