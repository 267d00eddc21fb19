// hadal eval: loss and accuracy of a model, and the samples that it takes for another class.
#include "../../include/hadal/report.h"
#include "../base/file.h"
#include "../recipe/recipe.h"
#include "cli.h"

static const cli_option options[] = {
    {"--data", "NAME|PATH", "the model's own", "a set or a .csv file: its test part, or all of it"},
    {"--threads", "N", "one per core", "threads"},
    {"--errors", NULL, NULL, "list what is taken for another class: true->predicted"},
    {"--sheet", "FILE", NULL, "draw them, the first 1,000: a .png or .svg of images"},
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

// ---- What is taken for another class ------------------------------------------------------------
typedef struct errors {
  int64_t *sample;  // from 0
  int *is, *said;
  int64_t count;
} errors;

static void forget(const hd_env *env, errors *e) {
  hd_release(env, e->sample);
  hd_release(env, e->is);
  hd_release(env, e->said);
}

static hd_status find_errors(const hd_env *env, const hd_model *m, const hd_data *test, int batch,
                             errors *e, hd_error *err) {
  int column = hd_data_column(test, "label"), classes = m->signature.classes;
  if (column < 0 || test->column[column].type.dtype != HD_I32 || classes < 1)
    return hd_fail(err, HD_E_UNSUPPORTED, "errors: the data has no classes");
  hd_tensor y = hd_predict_data(m->store, m->network.answer, test, batch, err);
  if (!y.data) return err->status ? err->status : HD_E_MEMORY;
  hd_status status = HD_OK;
  if (y.dtype != HD_F32 || y.shape.rank != 2 || y.shape.d[1] != classes)
    status = hd_fail(err, HD_E_UNSUPPORTED,
                     "errors: the model has not one output for each of the %d classes", classes);
  size_t n = (size_t)test->samples;
  e->sample = status ? NULL : hd_alloc(env, n * sizeof *e->sample);
  e->is = status ? NULL : hd_alloc(env, n * sizeof *e->is);
  e->said = status ? NULL : hd_alloc(env, n * sizeof *e->said);
  if (!status && !(e->sample && e->is && e->said))
    status = hd_fail(err, HD_E_MEMORY, "errors: memory is out");
  for (int64_t i = 0; i < test->samples && !status; i++) {
    int32_t label;
    const float *row = (const float *)y.data + i * classes;
    int best = 0;
    for (int k = 1; k < classes; k++)
      if (row[k] > row[best]) best = k;
    status = test->read(test->user, column, &i, 1, &label, err);
    if (status || label == best) continue;
    e->sample[e->count] = i;
    e->is[e->count] = label, e->said[e->count++] = best;
  }
  hd_tensor_free(&y);
  return status;
}

// "4->6", by the names of the classes where they have some.
static void name_error(const hd_model *m, const errors *e, int64_t i, hd_text *to) {
  const int class[] = {e->is[i], e->said[i]};
  for (int k = 0; k < 2; k++) {
    bool named = m->signature.class_names && class[k] >= 0 && class[k] < m->signature.classes;
    if (k) hd_text_add(to, "->");
    if (named) hd_text_add(to, "%s", m->signature.class_names[class[k]]);
    else hd_text_add(to, "%d", class[k]);
  }
}

// As many to a line as there is room for, in the order of the samples: "4->6 3->5".
static hd_status list_errors(const hd_env *env, const hd_model *m, const errors *e) {
  hd_text one = {.env = *env};
  size_t used = 0;
  bool comma = false;
  for (int i = 0; i < m->signature.classes && m->signature.class_names; i++)
    comma |= strchr(m->signature.class_names[i], ' ') != NULL;
  printf("%lld taken for another class, true->predicted:\n", (long long)e->count);
  for (int64_t i = 0; i < e->count; i++) {
    one.size = 0;
    name_error(m, e, i, &one);
    if (one.failed) break;
    if (i && comma) printf(",");
    bool full = used + one.size > 98;
    if (i) printf("%s", full ? "\n" : " ");
    used = full ? one.size : used + one.size + 2;
    printf("%s", one.at);
  }
  if (e->count) printf("\n");
  bool failed = one.failed;
  hd_text_free(&one);
  return failed ? HD_E_MEMORY : HD_OK;
}

static void add_errors(const errors *e, hd_text *to) {
  hd_text_add(to, ",\"errors\":[");
  for (int64_t i = 0; i < e->count; i++)
    hd_text_add(to, "%s{\"sample\":%lld,\"true\":%d,\"predicted\":%d}", i ? "," : "",
                (long long)e->sample[i], e->is[i], e->said[i]);
  hd_text_add(to, "]");
}

static hd_status draw_errors(const hd_env *env, const hd_model *m, const hd_recipe *r,
                             const hd_data *test, const errors *e, const char *path,
                             hd_error *err) {
  const hd_column *in = &m->signature.input;
  const hd_shape *s = &in->type.shape;
  int column = hd_data_column(test, in->name);
  bool u8 = in->type.dtype == HD_U8;
  if (column < 0 || s->rank != 3 || (s->d[2] != 1 && s->d[2] != 3) ||
      (!u8 && in->type.dtype != HD_F32))
    return hd_fail(err, HD_E_UNSUPPORTED, "--sheet: the samples are no images");
  int64_t count = HD_MIN(e->count, 1000);
  hd_arena arena = {.env = *env};
  hd_text one = {.env = *env};
  const char **caption = hd_arena_alloc(&arena, sizeof *caption * (size_t)(count + 1));
  hd_tensor t =
      hd_tensor_new(env, in->type.dtype, HD_SHAPE(count + 1, s->d[0], s->d[1], s->d[2]), err);
  hd_figure *f = hd_figure_new(env, .title = count ? NULL : "No errors");
  bool whole = caption && t.data && f;
  for (int64_t i = 0; whole && i < count; i++) {
    one.size = 0;
    name_error(m, e, i, &one);
    caption[i] = one.failed ? NULL : hd_arena_text(&arena, one.at);
    whole = caption[i];
  }
  hd_status status = whole ? HD_OK : hd_fail(err, HD_E_MEMORY, "--sheet: memory is out");
  if (!status && count) {
    status = test->read(test->user, column, e->sample, count, t.data, err);
    t.shape.d[0] = count;
    hd_figure_images(f, t, .captions = caption, .columns = 10, .size = 56,
                     .high = u8 ? hd_scale_largest(r->data.name) : 0);
  }
  if (!status) status = hd_figure_save(f, path, err);
  hd_figure_free(f);
  hd_tensor_free(&t);
  hd_text_free(&one);
  hd_arena_free(&arena);
  return status;
}

// ---- The command --------------------------------------------------------------------------------
static int evaluate(cli_process *p, cli_args *args, const char *path) {
  hd_error err = {0};
  errors e = {0};
  const char *sheet = cli_value(args, "--sheet");
  bool list = cli_has(args, "--errors");
  hd_model m;
  hd_splits parts = {0};
  hd_metrics got;
  if (hd_model_open(&p->env, path, &m, &err)) return cli_fail(CLI_FAILED, "%s", err.text);
  hd_recipe *r = data_recipe(p, args, &m, &err);
  const hd_shape *shape = &m.signature.input.type.shape;
  p->sets.csv.classes = m.signature.class_names;  // its numbers of the classes
  p->sets.csv.words = m.signature.words;          // and of the words
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
  if (!status && (list || sheet))
    status = find_errors(&p->data, &m, &parts.test, cli_evaluate_batch(r), &e, &err);
  if (!status && sheet) status = draw_errors(&p->data, &m, r, &parts.test, &e, sheet, &err);
  if (status) cli_fail(CLI_FAILED, "%s", err.text);
  if (!status && cli_has(args, "--json")) {
    hd_text line = {.env = p->data};
    cli_add_metrics(&line, got, parts.test.samples);
    if (list && line.size) {
      line.size--;  // the brace that closes
      add_errors(&e, &line);
      hd_text_add(&line, "}");
    }
    if (!line.failed) printf("%s\n", line.at);
    hd_text_free(&line);
  } else if (!status) {
    printf("%s, %lld %s samples: loss %.4f", r->data.name, (long long)parts.test.samples,
           parts.has_test ? "test" : "training", got.loss);
    if (got.accuracy == got.accuracy) printf(", accuracy %.2f %%", 100 * got.accuracy);
    printf("\n");
    if (list) status = list_errors(&p->data, &m, &e);
  }
  forget(&p->data, &e);
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

const cli_command cli_eval = {
    "eval",
    "RUN|MODEL [--data NAME|PATH] [--threads N] [--errors] [--sheet FILE] "
    "[--json]",
    "loss and accuracy of a trained model",
    options,
    1,
    1,
    run,
    NULL};
