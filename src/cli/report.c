// hadal report: the page of a run, at any time; and what hadal train writes of a run as it goes.
#define _POSIX_C_SOURCE 200809L
#include <time.h>

#include "../../include/hadal/report.h"
#include "../base/file.h"
#include "train.h"

#define EVENTS "events.out.tfevents.hadal"

static const cli_option options[] = {
    {"--threads", "N", "one per core", "threads"},
    {"--weights", "best|final", "final", "the weights that are tested and shown"},
    {NULL, NULL, NULL, NULL}};

static double wall(void) {
  struct timespec now = {0, 0};
  clock_gettime(CLOCK_REALTIME, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// ---- Of a training run --------------------------------------------------------------------------

// At the end of a run the weights and the first layer's filters join its events.
static hd_status add_weights(cli_training *t, const hd_model *m, hd_error *err) {
  char path[CLI_PATH];
  const void *png;
  size_t bytes;
  hd_status status = HD_OK;
  cli_run_path(&t->run, EVENTS, path);
  hd_events e = {.env = &t->p.data, .path = path, .step = t->result.epochs, .time = wall()};
  for (int i = 0; i < hd_store_count(m->store) && !status; i++) {
    const hd_parameter *w = hd_store_at(m->store, i);
    if (w->role == HD_WEIGHT && w->type.dtype == HD_F32)
      status = hd_events_histogram(&e, w->name, w->data, hd_shape_count(w->type.shape), err);
  }
  hd_figure *f = status ? NULL : hd_figure_filters(&t->p.data, m, err);
  if (f && !(status = hd_figure_png(f, 1, &png, &bytes, err)))
    status = hd_events_png(&e, "filters", png, bytes, err);
  hd_figure_free(f);
  return status;
}

void cli_report_run(cli_training *t, bool whole) {
  hd_error err = {0};
  hd_model model = {t->recipe, t->signature, t->graph, t->store, t->network};
  hd_report_options o = {.model = t->graph && t->recipe->layers ? &model : NULL};
  if (whole) o.test = &t->parts.test, o.test_name = t->parts.has_test ? "test" : "training";
  hd_status status = (hd_report)(&t->p.data, t->run.dir, &err, o);
  if (!status && whole) status = add_weights(t, &model, &err);
  t->page = !status;
  if (status == HD_E_UNSUPPORTED && !t->quiet)
    printf(
        "No report.html: this build draws no pictures (apt install libcairo2-dev, build again).\n");
  else if (status && status != HD_E_UNSUPPORTED) cli_fail(0, "warning: no report: %s", err.text);
}

hd_status cli_run_stopped(cli_training *t, const char *how) {
  hd_error why = {0};
  hd_text line = {.env = t->p.data};
  hd_text_add(&line, "{\"stopped\":\"%s\",\"message\":", how);
  hd_json_string(&line, t->err.text);
  hd_text_add(&line, "}\n");
  hd_status status = line.failed ? HD_E_MEMORY : cli_run_add_metrics(&t->run, line.at, &why);
  hd_text_free(&line);
  return status;
}

// ---- TensorBoard --------------------------------------------------------------------------------

static const hd_doc *inside(const hd_doc *d, const char *key) {
  return d ? hd_doc_get(d, key) : NULL;
}

// One epoch's line of metrics.jsonl as scalars.
static hd_status add_line(const hd_events *e, hd_arena *arena, const hd_doc *line, hd_error *err) {
  enum { MOST = 2048 };
  static const struct {
    const char *group, *key, *tag;
  } known[] = {{"train", "loss", "loss/train"},
               {"valid", "loss", "loss/valid"},
               {"train", "accuracy", "accuracy/train"},
               {"valid", "accuracy", "accuracy/valid"},
               {NULL, "lr", "lr"},
               {NULL, "seconds", "seconds"}};
  const char **tag = hd_arena_alloc(arena, MOST * sizeof *tag);
  double *value = hd_arena_alloc(arena, MOST * sizeof *value);
  int count = 0;
  if (!tag || !value) return hd_fail(err, HD_E_MEMORY, "%s: memory is out", e->path);
  for (size_t i = 0; i < HD_COUNT(known); i++) {
    const hd_doc *d = inside(known[i].group ? inside(line, known[i].group) : line, known[i].key);
    if (d) tag[count] = known[i].tag, value[count++] = d->real;
  }
  const hd_doc *norms = inside(line, "norms");
  for (const hd_doc *l = norms ? norms->first : NULL; l; l = l->next)
    for (const hd_doc *d = l->first; d && count < MOST; d = d->next) {
      tag[count] = hd_arena_print(arena, "%s/%s", d->key, l->key);
      if (tag[count]) value[count++] = d->real;
    }
  return hd_events_scalars(e, tag, value, count, err);
}

hd_status cli_events_add(cli_training *t, const char *line, hd_error *err) {
  char path[CLI_PATH];
  hd_arena arena = {.env = t->p.data};
  hd_doc *doc;
  cli_run_path(&t->run, EVENTS, path);
  hd_events e = {.env = &t->p.data, .path = path, .time = wall()};
  hd_status status = HD_OK;
  if (!hd_file_exists(&t->p.data, path)) status = hd_events_begin(&e, err);
  if (!status) status = hd_json_parse(&arena, "metrics", line, strlen(line), &doc, err);
  if (!status) {
    const hd_doc *epoch = inside(doc, "epoch");
    e.step = epoch ? epoch->integer : 0;
    status = add_line(&e, &arena, doc, err);
  }
  hd_arena_free(&arena);
  return status;
}

// The events of the epochs that metrics.jsonl holds, anew: after a resumed run lost some.
hd_status cli_events_rewrite(cli_training *t, hd_error *err) {
  char path[CLI_PATH];
  void *text;
  size_t size;
  hd_status status = HD_OK;
  cli_run_path(&t->run, EVENTS, path);
  hd_events e = {.env = &t->p.data, .path = path, .time = wall()};
  status = hd_events_begin(&e, err);
  cli_run_path(&t->run, "metrics.jsonl", path);
  if (status || !hd_file_exists(&t->p.data, path)) return status;
  status = hd_file_read(&t->p.data, path, (int64_t)1 << 31, &text, &size, err);
  if (status) return status;
  char *end, *at = text;
  for (; !status && (end = strchr(at, '\n')); at = end + 1) {
    *end = 0;
    status = cli_events_add(t, at, err);
  }
  hd_release(&t->p.data, text);
  return status;
}

// ---- The command --------------------------------------------------------------------------------

typedef struct shown {
  cli_process p;
  hd_model m;
  hd_splits parts;
  hd_recipe *recipe;
  char about[1200];
} shown;

static bool find_model(shown *s, const char *run, const char *weights, char *path) {
  const char *const name[] = {"model.safetensors", "best.safetensors"};
  int first = weights && !strcmp(weights, "best");
  for (int i = 0; i < 2; i++) {
    if (snprintf(path, CLI_PATH, "%s/%s", run, name[i ^ first]) >= CLI_PATH) return false;
    if (!hd_file_exists(&s->p.data, path)) continue;
    if (i)
      snprintf(s->about, sizeof s->about, "There is no %s; the weights are those of %s.",
               name[first], name[1 - first]);
    return true;
  }
  snprintf(s->about, sizeof s->about, "The run has saved no model yet.");
  return false;
}

// The model and its data; what is missing is told on the page.
static void open_model(shown *s, cli_args *args, hd_report_options *o) {
  char path[CLI_PATH], recipe[CLI_PATH];
  hd_error err = {0};
  const char *run = args->word[0];
  if (!find_model(s, run, cli_value(args, "--weights"), path)) return;
  if (hd_model_open(&s->p.env, path, &s->m, &err)) {
    snprintf(s->about, sizeof s->about, "%s", err.text);
    return;
  }
  o->model = &s->m;
  s->p.sets.csv.classes = s->m.signature.class_names;
  s->p.sets.csv.words = s->m.signature.words;
  snprintf(recipe, sizeof recipe, "%s/recipe.yaml", run);
  s->recipe = cli_read_recipe(&s->p, recipe, args, &err);
  if (!s->recipe ||
      hd_recipe_open(&s->p.data, s->recipe, s->recipe->data.fold, s->p.sets, &s->parts, &err)) {
    snprintf(s->about, sizeof s->about, "Not tested: %s", err.text);
    return;
  }
  o->test = &s->parts.test;
  o->test_name = s->parts.has_test ? "test" : "training";
}

static int run(cli_args *args) {
  static shown s;
  hd_error err = {0};
  char path[CLI_PATH];
  int64_t threads;
  const char *weights = cli_value(args, "--weights");
  s = (shown){0};
  if (!cli_number(args, "--threads", 1, 1024, 0, &threads)) return CLI_WRONG;
  if (weights && strcmp(weights, "best") && strcmp(weights, "final"))
    return cli_fail(CLI_WRONG, "--weights %s: must be best or final", weights);
  if (snprintf(path, sizeof path, "%s/manifest.json", args->word[0]) >= (int)sizeof path ||
      !hd_file_exists(NULL, path))
    return cli_fail(CLI_WRONG, "%s: no run directory (there is no manifest.json)", args->word[0]);
  cli_process_start(&s.p, (int)threads);
  hd_report_options o = {0};
  open_model(&s, args, &o);
  if (*s.about) o.about = s.about;
  hd_status status = (hd_report)(&s.p.data, args->word[0], &err, o);
  hd_splits_free(&s.parts);
  hd_recipe_free(s.recipe);
  hd_model_close(&s.m);
  if (status) return cli_fail(CLI_FAILED, "%s", err.text);
  printf("%s/report.html\n", args->word[0]);
  return CLI_DONE;
}

const cli_command cli_report = {
    "report",
    "RUN [--weights best|final] [--threads N]",
    "draws the page of a run again: report.html",
    options,
    1,
    1,
    run,
    "hadal train writes it at the end of a run, also of one that diverged or was interrupted. One\n"
    "file that needs no network: curves, learning rate, norms by layer, confusion matrix, what "
    "was\n"
    "taken for another class, filters, the layers, the recipe. TensorBoard reads the run "
    "directory\n"
    "as well: tensorboard --logdir runs"};
