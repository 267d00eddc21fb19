// hadal summary: the layers of a network, what they hold and what they cost.
#include "cli.h"
#include "../recipe/recipe.h"
#include "../train/fit.h"

#include <stdlib.h>

static const cli_option options[] = {
    {"--batch", "N", "the recipe's", "samples of a step, for the memory"},
    {"--set", "KEY=VALUE", NULL, "one value of the recipe; may be repeated"},
    {"--plan", NULL, NULL, "also the kernel calls of a training step"},
    {"--json", NULL, NULL,
     "one object. multiply_adds are per sample; activation_bytes are all layers' outputs of a "
     "batch"},
    {NULL, NULL, NULL, NULL}};

typedef struct summary {
  cli_process p;
  hd_model m;  // recipe, graph and store; loaded or made here
  int64_t batch;
  hd_layer_cost total, *layer;
  int64_t activations, peak;
  hd_plan *plan;  // of a training step
} summary;

// Bytes of a training run: graph, weights, optimiser, plan and its workspace.
static hd_status measure_training(summary *s, hd_error *err) {
  const hd_recipe *r = s->m.recipe;
  hd_fit_options o;
  hd_recipe_fit_options(r, &o);
  hd_update update =
      (hd_minimize)(s->m.network.loss, r->optimizer, hd_fit_minimize(&o, 1, r->train.epochs));
  hd_plan *plan = hd_compile(s->m.store, err, .fetch = {s->m.network.loss, s->m.network.accuracy},
                             .update = {update}, .mode = HD_TRAIN, .batch = s->batch);
  if (!plan) return err->status;
  s->peak = s->p.memory.bytes + hd_plan_describe(plan).workspace;
  s->plan = plan;
  return HD_OK;
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
  printf("training needs %s\n", cli_bytes((double)s->peak, a));
}

static void print_line(void *user, const char *text) {
  (void)user;
  puts(text);
}

static void print_plan(const summary *s) {
  hd_plan_info info = hd_plan_describe(s->plan);
  char a[32], b[32];
  printf("\ncall  what                                 shapes, offset, bytes, operations\n");
  hd_plan_print(s->plan, print_line, NULL);
  printf("%d calls in a workspace of %s; %s moved, %.1f Mflop a step\n", info.calls,
         cli_bytes((double)info.workspace, a), cli_bytes(info.bytes, b), info.flop / 1e6);
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
              (long long)s->total.multiply_adds, (long long)s->activations, (long long)s->peak);
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

static hd_status open_recipe(summary *s, cli_args *args, const char *path, hd_error *err) {
  hd_splits parts = {0};
  s->m.recipe = cli_read_recipe(&s->p, path, args, err);
  if (!s->m.recipe) return err->status;
  s->m.graph = hd_graph_new(&s->p.env);
  s->m.store = hd_store_new(&s->p.env);
  if (!s->m.graph || !s->m.store) return hd_fail(err, HD_E_MEMORY, "memory is out");
  hd_error why = {0};
  hd_status status = hd_recipe_signature(s->m.recipe, &s->m.signature, err);
  if (status && !hd_recipe_open(&s->p.data, s->m.recipe, 0, s->p.sets, &parts, &why))
    status = hd_signature_of(&parts.whole, &s->m.signature, err);
  if (!status)
    status = hd_recipe_build(s->m.recipe, &s->m.signature, s->m.graph, &s->m.network, err);
  hd_splits_free(&parts);
  return status;
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
  hd_status status = code    ? HD_OK
                     : model ? hd_model_open(&s->p.env, path, &s->m, &err)
                             : open_recipe(s, args, path, &err);
  if (status) code = cli_fail(model ? CLI_FAILED : CLI_WRONG, "%s", err.text);
  if (!code && !s->batch) s->batch = s->m.recipe->train.batch;
  if (!code && measure(s, &err)) code = cli_fail(CLI_FAILED, "%s", err.text);
  if (!code && cli_has(args, "--json")) code = print_json(s);
  else if (!code) print_text(s);
  if (!code && cli_has(args, "--plan") && !cli_has(args, "--json")) print_plan(s);
  hd_plan_free(s->plan);
  free(s->layer);
  hd_model_close(&s->m);
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
    run};
