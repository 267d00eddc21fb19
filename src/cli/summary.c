// hadal summary: the layers of a network, what they hold and what they cost.
#include "train.h"
#include "../recipe/recipe.h"
#include "../train/fit.h"

#include <stdlib.h>

static const cli_option options[] = {
    {"--batch", "N", "the recipe's", "samples of a step, for the memory"},
    {"--set", "KEY=VALUE", NULL, "one value of the recipe; may be repeated"},
    {"--plan", NULL, NULL, "also the kernel calls of a training step"},
    {"--json", NULL, NULL,
     "one object. multiply_adds are per sample; activation_bytes are all layers' outputs of a "
     "batch; peak_bytes_train is what hadal train plans"},
    {NULL, NULL, NULL, NULL}};

typedef struct summary {
  cli_process p;
  hd_model m;  // recipe, graph and store; loaded or made here
  int64_t batch;
  hd_layer_cost total, *layer;
  int64_t activations;
  hd_model trained;            // of a run, for what it is fed with
  hd_splits parts;             // where only the data tells
  hd_data data, valid, plain;  // plain: data before augmentation
  hd_fit_options o;
  cli_norms norms;
  hd_fit_run fit;  // opened, never run
} summary;

static hd_status no_values(void *user, int column, const int64_t *index, int64_t count, void *to,
                           hd_error *err) {
  (void)user, (void)column, (void)index, (void)count, (void)to;
  return hd_fail(err, HD_E_INTERNAL, "summary: no sample is ever read");
}

// As many samples as a run would have, without their values.
static hd_data samples_of(const hd_signature *s, int64_t count) {
  hd_data d = {.samples = count,
               .column = {s->input},
               .columns = 1,
               .read = no_values,
               .classes = s->classes};
  if (s->has_label) d.column[d.columns++] = (hd_column){"label", {HD_I32, {0}}};
  if (s->has_target) {
    d.column[d.columns] = (hd_column){.name = "target"};
    d.column[d.columns++].type = s->target;
  }
  return d;
}

// Samples to train on and to validate by; a batch, where nothing is known of the data.
static void count_samples(summary *s) {
  const hd_recipe_data *d = &s->m.recipe->data;
  int count;
  const hd_data_info *sets = hd_data_list(&count);
  int64_t train = 0, valid = 0;
  hd_error why;
  for (int i = 0; i < count && d->name; i++)
    if (!strcmp(sets[i].id, d->name)) train = sets[i].train;
  if (train) {
    if (d->fold) train -= (train + d->folds - 1) / d->folds;
    if (d->test > 0) train -= (int64_t)((double)d->test * (double)train + 0.5);
    if (d->valid > 0) valid = (int64_t)((double)d->valid * (double)train + 0.5);
    train -= valid;
  } else if (d->name && (s->parts.whole.samples || !hd_recipe_open(&s->p.data, s->m.recipe, d->fold,
                                                                   s->p.sets, &s->parts, &why))) {
    train = s->parts.train.samples;
    valid = s->parts.has_valid ? s->parts.valid.samples : 0;
  }
  s->data = samples_of(&s->m.signature, HD_MAX(train, s->batch));
  s->valid = samples_of(&s->m.signature, valid);
}

// The plans and the bytes of a training run.
static hd_status measure_training(summary *s, hd_error *err) {
  count_samples(s);
  hd_recipe_fit_options(s->m.recipe, &s->o);
  s->o.batch = (int)s->batch;
  s->o.accuracy = s->m.network.accuracy;
  s->o.valid = s->valid.samples ? &s->valid : NULL;
  hd_status status = cli_norms_open(&s->norms, s->m.network.loss, err);
  if (!status && s->m.recipe->augment) {  // the batches that are made ahead take memory too
    s->plain = s->data;
    status = (hd_data_augment)(&s->p.data, &s->plain, &s->data, err, *s->m.recipe->augment);
  }
  if (status) return status;
  s->o.watch = s->norms.value;
  s->o.watches = s->norms.values;
  s->fit = (hd_fit_run){.store = s->m.store,
                        .loss = s->m.network.loss,
                        .data = &s->data,
                        .o = &s->o,
                        .err = err,
                        .feeds = {.env = s->p.env}};
  return hd_fit_open(&s->fit);
}

static hd_status measure(summary *s, hd_error *err) {
  const hd_recipe *r = s->m.recipe;
  hd_graph *g = s->m.graph;
  hd_status status = hd_name_walk(g, &s->m.network.loss, 1);
  if (status) return hd_fail(err, status, "%s", hd_graph_error(g));
  s->layer = calloc((size_t)r->layers, sizeof *s->layer);
  if (!s->layer) return hd_fail(err, HD_E_MEMORY, "memory is out");
  for (int i = 0; i < r->layers; i++) {
    const hd_recipe_layer *l = &r->inside->layer[i];
    hd_layer_cost *c = &s->layer[i];
    hd_layer_measure(g, l->first, l->last, c);
    s->total.parameters += c->parameters;
    s->total.trainable += c->trainable;
    s->total.multiply_adds += c->multiply_adds;
    hd_shape shape = c->type.shape;
    for (int k = 0; k < shape.rank; k++)
      if (shape.d[k] < 0) c->type.shape.d[k] = shape.d[k] = s->batch;
    s->activations += hd_shape_count(shape) * (int64_t)hd_dtype_size(c->type.dtype);
  }
  return measure_training(s, err);
}

// "conv2d_1"; layers without parameters are numbered in the same way.
static const char *layer_name(const summary *s, int i, char *to) {
  const hd_recipe_layer *l = s->m.recipe->inside->layer;
  int n = 1;
  if (s->layer[i].name) return s->layer[i].name;
  for (int k = 0; k < i; k++) n += l[k].layer == l[i].layer;
  snprintf(to, 64, "%s_%d", l[i].layer->name, n);
  return to;
}

static void print_text(const summary *s) {
  char name[64], shape[96], a[32], b[32];
  const hd_recipe *r = s->m.recipe;
  printf("%s, batch %lld\n\n%-20s %-22s %14s %16s\n", r->name, (long long)s->batch, "layer",
         "output", "parameters", "multiply-adds");
  for (int i = 0; i < r->layers; i++) {
    const hd_layer_cost *c = &s->layer[i];
    printf("%-20s %-22s %14s %16s\n", layer_name(s, i, name),
           hd_shape_text(c->type.shape, shape, sizeof shape),
           c->parameters ? cli_count(c->parameters, a) : "",
           c->multiply_adds > 0 ? cli_count((int64_t)c->multiply_adds, b) : "");
  }
  printf("%-20s %-22s %14s %16s\n\n", "total", "", cli_count(s->total.parameters, a),
         cli_count((int64_t)s->total.multiply_adds, b));
  if (s->total.trainable != s->total.parameters)
    printf("trainable parameters: %s\n", cli_count(s->total.trainable, a));
  printf("outputs of the layers: %s; ", cli_bytes((double)s->activations, a));
  printf("training needs %s\n", cli_bytes((double)s->fit.result.planned, a));
}

static void print_line(void *user, const char *text) {
  (void)user;
  puts(text);
}

static void print_plan(const summary *s) {
  hd_plan_info info = hd_plan_describe(s->fit.full.plan);
  char a[32], b[32], c[32];
  printf("\ncall  what                                 shapes, offset, bytes, operations\n");
  hd_plan_print(s->fit.full.plan, print_line, NULL);
  printf(
      "%d calls in a workspace of %s; %s moved, %s if every value were written once and read "
      "once; %.1f Mflop a step\n",
      info.calls, cli_bytes((double)info.workspace, a), cli_bytes(info.bytes, b),
      cli_bytes(info.least, c), info.flop / 1e6);
}

static int print_json(const summary *s) {
  char name[64];
  const hd_recipe *r = s->m.recipe;
  hd_text t = {.env = s->p.data};
  hd_text_add(&t, "{\"model\":");
  hd_json_string(&t, r->name);
  hd_text_add(&t,
              ",\"batch\":%lld,\"parameters\":%lld,\"trainable\":%lld,\"multiply_adds\":%lld,"
              "\"activation_bytes\":%lld,\"peak_bytes_train\":%lld,\"layers\":[",
              (long long)s->batch, (long long)s->total.parameters, (long long)s->total.trainable,
              (long long)s->total.multiply_adds, (long long)s->activations,
              (long long)s->fit.result.planned);
  for (int i = 0; i < r->layers; i++) {
    const hd_layer_cost *c = &s->layer[i];
    hd_text_add(&t, "%s\n {\"name\":", i ? "," : "");
    hd_json_string(&t, layer_name(s, i, name));
    hd_text_add(&t, ",\"op\":\"%s\",\"shape\":[", r->inside->layer[i].layer->name);
    for (int k = 0; k < c->type.shape.rank; k++)
      hd_text_add(&t, "%s%lld", k ? "," : "", (long long)c->type.shape.d[k]);
    hd_text_add(&t, "],\"parameters\":%lld,\"multiply_adds\":%lld}", (long long)c->parameters,
                (long long)c->multiply_adds);
  }
  hd_text_add(&t, "]}\n");
  if (!t.failed) fputs(t.at, stdout);
  bool failed = t.failed;
  hd_text_free(&t);
  return failed ? cli_fail(CLI_FAILED, "memory is out") : CLI_DONE;
}

static bool is_model(const char *word, char *path) {
  size_t n = strlen(word);
  char run[CLI_PATH];
  if (n > 12 && !strcmp(word + n - 12, ".safetensors"))
    return snprintf(path, CLI_PATH, "%s", word) < CLI_PATH;
  if (snprintf(run, sizeof run, "%s/model.safetensors", word) >= (int)sizeof run ||
      !hd_file_exists(NULL, run))
    return false;
  strcpy(path, run);
  return true;
}

static hd_status build(summary *s, hd_error *err) {
  s->m.graph = hd_graph_new(&s->p.env);
  s->m.store = hd_store_new(&s->p.env);
  if (!s->m.graph || !s->m.store) return hd_fail(err, HD_E_MEMORY, "memory is out");
  return hd_recipe_build(s->m.recipe, &s->m.signature, s->m.graph, &s->m.network, err);
}

static hd_status open_recipe(summary *s, cli_args *args, const char *path, hd_error *err) {
  s->m.recipe = cli_read_recipe(&s->p, path, args, err);
  if (!s->m.recipe) return err->status;
  const hd_recipe *r = s->m.recipe;
  hd_error why = {0};
  hd_status status = hd_recipe_signature(r, &s->m.signature, err);
  if (status && r->data.name) {
    hd_status opened = hd_recipe_open(&s->p.data, r, r->data.fold, s->p.sets, &s->parts, &why);
    if (!opened) status = hd_signature_of(&s->parts.whole, &s->m.signature, err);
    else if (opened == HD_E_MEMORY) status = hd_fail(err, opened, "%s", why.text);
  }
  return status ? status : build(s, err);
}

// A run by its own recipe, a model file by what it holds.
static hd_status open_model(summary *s, cli_args *args, const char *path, hd_error *err) {
  char recipe[CLI_PATH];
  if (snprintf(recipe, sizeof recipe, "%s/recipe.yaml", args->word[0]) >= (int)sizeof recipe ||
      !hd_file_exists(NULL, recipe))
    return hd_model_open(&s->p.env, path, &s->m, err);
  hd_status status = hd_model_open(&s->p.data, path, &s->trained, err);
  if (status) return status;
  s->m.recipe = cli_read_recipe(&s->p, recipe, args, err);
  if (!s->m.recipe) return err->status;
  s->m.signature = s->trained.signature;
  return build(s, err);
}

static int run(cli_args *args) {
  summary *s = calloc(1, sizeof *s);
  char path[CLI_PATH];
  hd_error err = {0};
  if (!s) return cli_fail(CLI_FAILED, "memory is out");
  cli_process_start(&s->p, 0);
  bool model = is_model(args->word[0], path);
  int code = model || cli_find_recipe(args->word[0], path) ? CLI_DONE : CLI_WRONG;
  if (!code && !cli_number(args, "--batch", 1, 1 << 24, 0, &s->batch)) code = CLI_WRONG;
  if (!code) {
    hd_status status = model ? open_model(s, args, path, &err) : open_recipe(s, args, path, &err);
    if (!status && !s->batch) s->batch = s->m.recipe->train.batch;
    if (!status) status = measure(s, &err);
    if (status)
      code = cli_fail(model || status == HD_E_MEMORY ? CLI_FAILED : CLI_WRONG, "%s", err.text);
  }
  if (!code && cli_has(args, "--json")) code = print_json(s);
  else if (!code) print_text(s);
  if (!code && cli_has(args, "--plan") && !cli_has(args, "--json")) print_plan(s);
  hd_fit_close(&s->fit);
  if (s->plain.samples) hd_data_free(&s->data);
  cli_norms_close(&s->norms);
  free(s->layer);
  hd_model_close(&s->m);
  hd_model_close(&s->trained);
  hd_splits_free(&s->parts);
  free(s);
  return code;
}

const cli_command cli_summary = {
    "summary",
    "RECIPE|RUN|MODEL [--batch N] [--set KEY=VALUE]... [--plan] [--json]",
    "the layers of a network, their sizes and costs",
    options,
    1,
    1,
    run,
    "The memory of training is planned as hadal train does, from the set's number of samples; "
    "where\n"
    "that is not known (a model file alone, a .csv that is not there) from one batch. A file's\n"
    "recipe and weights then count too."};
