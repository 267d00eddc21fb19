// hadal eval: loss and accuracy of a model.
#include "cli.h"
#include "../base/file.h"

static const cli_option options[] = {
    {"--data", "NAME|PATH", "the model's own", "a set or a .csv file: its test part, or all of it"},
    {"--threads", "N", "one per core", "threads"},
    {"--json", NULL, NULL, "print {\"loss\":..,\"accuracy\":..}"},
    {NULL, NULL, NULL, NULL}};

// The recipe that says which data: the run's, which knows of splits, else what the model holds.
static hd_recipe *data_recipe(const cli_process *p, cli_args *args, hd_model *m, hd_error *err) {
  char path[CLI_PATH];
  const char *data = cli_value(args, "--data"), *word = args->word[0];
  hd_recipe *r = m->recipe;
  if (snprintf(path, sizeof path, "%s/recipe.yaml", word) < (int)sizeof path &&
      hd_file_exists(&p->data, path))
    r = cli_read_recipe(p, path, args, err);
  else r->data.regression = !m->signature.has_label;
  if (!r || !data) {
    if (r == m->recipe && (!r->data.name || !strcmp(r->data.name, "data"))) {
      hd_fail(err, HD_E_ARGUMENT, "%s: the model does not know its data; give --data", word);
      return NULL;
    }
    return r;
  }
  bool same = r->data.name && !strcmp(r->data.name, data);
  r->data.name = data;
  if (!same)  // splits are of what was trained on
    r->data.valid = r->data.test = 0, r->data.folds = r->data.fold = 0;
  return r;
}

static hd_status check_columns(const hd_model *m, const hd_splits *parts, const char *name,
                               hd_error *err) {
  hd_signature s;
  char a[96], b[96];
  hd_status status = hd_signature_of(&parts->whole, &s, err);
  if (status) return status;
  const hd_type *have = &s.input.type, *want = &m->signature.input.type;
  if (strcmp(s.input.name, m->signature.input.name) || have->dtype != want->dtype ||
      !hd_shape_equal(have->shape, want->shape))
    return hd_fail(err, HD_E_SHAPE, "%s: %s %s %s; the model was made for %s %s %s", name,
                   s.input.name, hd_dtype_name(have->dtype),
                   hd_shape_text(have->shape, a, sizeof a), m->signature.input.name,
                   hd_dtype_name(want->dtype), hd_shape_text(want->shape, b, sizeof b));
  if (s.classes != m->signature.classes)
    return hd_fail(err, HD_E_SHAPE, "%s: %d classes; the model knows %d", name, s.classes,
                   m->signature.classes);
  for (int i = 0; i < s.classes && s.class_names && m->signature.class_names; i++)
    if (strcmp(s.class_names[i], m->signature.class_names[i]))
      return hd_fail(err, HD_E_SHAPE, "%s: class %d is \"%.80s\"; the model knows it as \"%.80s\"",
                     name, i, s.class_names[i], m->signature.class_names[i]);
  return HD_OK;
}

static int evaluate(cli_process *p, cli_args *args, const char *path) {
  hd_error err = {0};
  hd_model m;
  hd_splits parts = {0};
  hd_metrics got;
  if (hd_model_open(&p->env, path, &m, &err)) return cli_fail(CLI_FAILED, "%s", err.text);
  hd_recipe *r = data_recipe(p, args, &m, &err);
  const hd_shape *shape = &m.signature.input.type.shape;
  p->sets.csv.classes = m.signature.class_names;  // its numbers of the classes
  p->sets.images.classes = m.signature.class_names;
  if (shape->rank == 3 && m.recipe->data.size[0])
    p->sets.images.height = (int)shape->d[0], p->sets.images.width = (int)shape->d[1];
  if (shape->rank == 3) p->sets.images.channels = (int)shape->d[2];
  hd_status status =
      r ? hd_recipe_open(&p->data, r, r->data.folds ? r->data.fold : 0, p->sets, &parts, &err)
        : HD_E_FORMAT;
  if (!status) status = check_columns(&m, &parts, r->data.name, &err);
  if (!status)
    status = hd_evaluate(m.store, m.network.loss, m.network.accuracy, &parts.test,
                         cli_evaluate_batch(r), &got, &err);
  if (status) cli_fail(CLI_FAILED, "%s", err.text);
  if (!status && cli_has(args, "--json")) {
    hd_text line = {.env = p->data};
    cli_add_metrics(&line, got, parts.test.samples);
    if (!line.failed) printf("%s\n", line.at);
    hd_text_free(&line);
  } else if (!status) {
    printf("%s, %lld %s samples: loss %.4f", r->data.name, (long long)parts.test.samples,
           parts.has_test ? "test" : "training", got.loss);
    if (got.accuracy == got.accuracy) printf(", accuracy %.2f %%", 100 * got.accuracy);
    printf("\n");
  }
  bool asked = r ? cli_names_data(r->data.name) : err.status != HD_E_ARGUMENT;
  int wrong = asked ? CLI_FAILED : CLI_WRONG;
  hd_splits_free(&parts);
  if (r != m.recipe) hd_recipe_free(r);
  hd_model_close(&m);
  return status ? wrong : CLI_DONE;
}

static int run(cli_args *args) {
  cli_process p;
  char path[CLI_PATH];
  int64_t threads;
  if (!cli_number(args, "--threads", 1, 1024, 0, &threads) || !cli_find_model(args->word[0], path))
    return CLI_WRONG;
  cli_process_start(&p, (int)threads);
  return evaluate(&p, args, path);
}

const cli_command cli_eval = {"eval",
                              "RUN|MODEL [--data NAME|PATH] [--threads N] [--json]",
                              "loss and accuracy of a trained model",
                              options,
                              1,
                              1,
                              run,
                              NULL};
