// hadal train: a recipe to a run directory.
#include "train.h"
#include "../base/file.h"
#include "../graph/graph.h"
#include "../recipe/recipe.h"
#include "../train/fit.h"

#include <math.h>
#include <stdlib.h>

static const cli_option options[] = {
    {"--set", "KEY=VALUE", NULL,
     "one value of the recipe, such as train.epochs=3; may be repeated"},
    {"--seed", "N", "the recipe's, else 1", "the same as --set train.seed=N"},
    {"--threads", "N", "one per core", "threads; the result is the same for any number"},
    {"--run", "DIR", "runs/NAME-N", "where everything of the run is written"},
    {"--resume", NULL, NULL, "go on from the run's last checkpoint, by its recipe.yaml"},
    {"--no-report", NULL, NULL, "write no report.html"},
    {"--quiet", NULL, NULL, "print errors only"},
    {NULL, NULL, NULL, NULL}};

// ---- The end ------------------------------------------------------------------------------------

static hd_status add_final(cli_training *t, hd_metrics test, const cli_folds *f) {
  hd_text line = {.env = t->p.data};
  hd_text_add(&line, "{\"final\":true,\"test\":");
  cli_add_metrics(&line, test, t->parts.test.samples);
  hd_text_add(&line,
              ",\"seconds\":%.4f,\"peak_bytes_planned\":%lld,\"peak_bytes_used\":%lld,\"step_"
              "allocations\":%lld",
              t->before + t->result.seconds, (long long)t->result.planned,
              (long long)t->p.memory.peak, (long long)t->result.step_allocations);
  for (int i = 0; i < f->count; i++) {
    hd_text_add(&line, i ? "," : ",\"folds\":[");
    cli_add_metrics(&line, f->each[i], f->samples[i]);
  }
  hd_text_add(&line, f->count ? "]}\n" : "}\n");
  hd_status status = line.failed ? hd_fail(&t->err, HD_E_MEMORY, "memory is out")
                                 : cli_run_add_metrics(&t->run, line.at, &t->err);
  hd_text_free(&line);
  return status;
}

static void report(const cli_training *t, hd_metrics test, const cli_folds *f) {
  const char *on = f->count ? "Cross-validation" : t->parts.has_test ? "Test" : "Training";
  bool image = t->signature.input.type.shape.rank == 3;
  if (isfinite(test.accuracy))
    printf("\n%s accuracy %.2f %%, loss %.4f", on, 100 * test.accuracy, test.loss);
  else printf("\n%s loss %.6g", on, test.loss);
  if (f->count) printf(", over %d folds.\n", f->count);
  else
    printf(", on %lld samples%s.\n", (long long)t->parts.test.samples,
           t->parts.has_test ? "" : " (the set has no test part)");
  printf("The model is %s/model.safetensors%s, trained in %.1f s%s.\n", t->run.dir,
         f->count ? ", of all samples" : "", t->before + t->result.seconds,
         t->result.stopped_early ? " (stopped early)" : "");
  if (t->page) printf("What it did: %s/report.html\n", t->run.dir);
  printf("Use it: hadal eval %s, or hadal predict %s %s\n", t->run.dir, t->run.dir,
         image ? "IMAGE.png" : "ROWS.csv");
}

static hd_status finish(cli_training *t, const cli_folds *f) {
  hd_metrics test;
  hd_status status = cli_save(t, "model.safetensors");
  // Without a validation set there is nothing to choose by: the best is the last.
  if (!status && !t->parts.has_valid) status = cli_save(t, "best.safetensors");
  if (status) return status;
  if (f->count) test = f->mean;
  else if ((status = cli_evaluate(t, &test))) return status;
  status = add_final(t, test, f);
  if (!status && t->page) cli_report_run(t, true);
  if (!status && !t->quiet) report(t, test, f);
  return status;
}

static void introduce(const cli_training *t) {
  char a[32], b[32], c[32];
  int64_t parameters = 0;
  for (int i = 1; i < t->graph->count; i++) {
    const hd_node *n = t->graph->node[i];
    if (n->variable && n->variable->role == HD_WEIGHT)
      parameters += hd_shape_count(n->out[0].shape);
  }
  printf("%s: %s parameters; %s: %s samples to train on", t->recipe->name, cli_count(parameters, a),
         t->recipe->data.name, cli_count(t->parts.train.samples, b));
  if (t->parts.has_valid) printf(", %s to validate", cli_count(t->parts.valid.samples, c));
  if (t->parts.has_test) printf(", %s to test", cli_count(t->parts.test.samples, c));
  printf("\n%s %s\n", t->run.resumed ? "going on with" : "writing to", t->run.dir);
}

static int failed(cli_training *t, hd_status status, const char *recipe) {
  if (status != HD_E_STOPPED) return cli_fail(CLI_FAILED, "%s", t->err.text);
  cli_fail(CLI_INTERRUPTED, "%s%s", t->err.text, t->in_fold ? "" : "; a checkpoint is saved");
  fprintf(stderr, "To go on: hadal train %s --run %s --resume\n", recipe, t->run.dir);
  return CLI_INTERRUPTED;
}

// ---- The steps ----------------------------------------------------------------------------------

// The recipe; that of the run, with its settings, when an earlier one goes on.
static int read_recipe(cli_training *t, const cli_args *args, const char *path) {
  char stored[CLI_PATH];
  t->recipe = cli_read_recipe(&t->p, path, args, &t->err);
  if (!t->recipe) return CLI_WRONG;
  if (!t->resume || !cli_run_find(&t->run, &t->p.data, t->recipe->name, cli_value(args, "--run")))
    return 0;
  cli_run_path(&t->run, "recipe.yaml", stored);
  if (!hd_file_exists(&t->p.data, stored)) return 0;
  hd_recipe *before = cli_read_recipe(&t->p, stored, args, &t->err);
  if (!before) return CLI_WRONG;
  bool same = !strcmp(before->name, t->recipe->name);
  if (!same)
    hd_fail(&t->err, HD_E_ARGUMENT, "%s: a run of %s, which cannot go on as %s", t->run.dir,
            before->name, t->recipe->name);
  hd_recipe_free(same ? t->recipe : before);
  if (same) t->recipe = before;
  return same ? 0 : CLI_WRONG;
}

// Opens the parts; *least: training samples of the whole, or of a fold where there are folds.
static hd_status open_parts(cli_training *t, int64_t *least) {
  const hd_recipe_data *d = &t->recipe->data;
  *least = INT64_MAX;
  if (d->folds && !d->fold) {
    hd_status status = cli_parts_open(t, 1);
    if (status) return status;
    *least = t->parts.train.samples;
  }
  bool kept = t->keep_parts && t->parts.train.samples;
  hd_status status = kept ? HD_OK : cli_parts_open(t, d->fold);
  *least = HD_MIN(*least, t->parts.train.samples);
  return status;
}

int cli_train_prepare(cli_training *t, const cli_args *args, const char *path) {
  t->p.memory.peak = t->p.memory.bytes;
  int wrong = read_recipe(t, args, path);
  if (wrong) return wrong;
  const hd_recipe *r = t->recipe;
  int64_t samples;
  hd_fit_options o;
  hd_status status = open_parts(t, &samples);
  if (status)
    return status == HD_E_ARGUMENT || !cli_names_data(r->data.name) ? CLI_WRONG : CLI_FAILED;
  status = cli_network_open(t);
  if (status) return status == HD_E_MEMORY ? CLI_FAILED : CLI_WRONG;
  if (r->train.batch > samples) {
    hd_fail(&t->err, HD_E_ARGUMENT, "%s: train: batch is %d, larger than the %lld training samples",
            r->file, r->train.batch, (long long)samples);
    return CLI_WRONG;
  }
  hd_recipe_fit_options(r, &o);
  hd_error why;
  if (hd_fit_check(&o, samples, &why)) {
    hd_fail(&t->err, HD_E_ARGUMENT, "%s: train: %s", r->file,
            why.text + (strncmp(why.text, "fit: ", 5) ? 0 : 5));
    return CLI_WRONG;
  }
  t->header = hd_recipe_header(&t->p.data, r, &t->signature);
  if (!t->header) hd_fail(&t->err, HD_E_MEMORY, "memory is out");
  return t->header ? 0 : CLI_FAILED;
}

hd_status cli_train_run(cli_training *t) {
  char checkpoints[CLI_PATH];
  cli_folds f = {0};
  hd_status status = HD_OK;
  if (t->recipe->data.folds && !t->recipe->data.fold) {
    cli_network_close(t);
    status = cli_cross_validate(t, &f);
    t->p.memory.peak = t->p.memory.bytes;
    if (!status) status = cli_network_open(t);
  }
  cli_run_path(&t->run, "checkpoints", checkpoints);
  if (!status) status = cli_fit(t, checkpoints);
  if (!status) status = finish(t, &f);
  free(f.each);
  free(f.samples);
  cli_progress_end(&t->progress);
  bool stopped = status == HD_E_STOPPED && !t->paused;
  if ((stopped || status == HD_E_DIVERGED) &&
      !cli_run_stopped(t, stopped ? "interrupted" : "diverged") && t->page)
    cli_report_run(t, false);
  return status;
}

void cli_train_close(cli_training *t) {
  cli_network_close(t);
  if (!t->keep_parts) hd_splits_free(&t->parts);
  hd_release(&t->p.data, t->header);
  hd_recipe_free(t->recipe);
  t->header = NULL, t->recipe = NULL;
  t->result = (hd_fit_result){0};
  t->err = (hd_error){0};
  t->before = 0;
  t->trimmed = t->in_fold = t->paused = false;
}

// ---- The command --------------------------------------------------------------------------------

// Describes the run and trains it. Settings that its checkpoints do not fit leave its recipe.yaml
// as it was, so that it can go on without them.
static hd_status describe_and_train(cli_training *t) {
  char path[CLI_PATH];
  void *before = NULL;
  size_t bytes = 0;
  hd_status status = HD_OK;
  cli_run_path(&t->run, "recipe.yaml", path);
  if (t->run.resumed && hd_file_exists(&t->p.data, path))
    status = hd_file_read(&t->p.data, path, HD_RECIPE_BYTES, &before, &bytes, &t->err);
  if (!status) status = cli_run_describe(&t->run, t->recipe, &t->p, &t->parts, &t->err);
  if (!status && !t->quiet) introduce(t);
  if (!status) status = cli_train_run(t);
  if (status && before && !t->trimmed) {  // not a step was made
    hd_error err;
    if (hd_file_write(&t->p.data, path, before, bytes, &err)) cli_fail(0, "%s", err.text);
  }
  hd_release(&t->p.data, before);
  return status;
}

static int run(cli_args *args) {
  cli_training *t = calloc(1, sizeof *t);
  char path[CLI_PATH], seed[48];
  int64_t threads, number;
  if (!t) return cli_fail(CLI_FAILED, "memory is out");
  int status = cli_find_recipe(args->word[0], path) ? 0 : CLI_WRONG;
  if (!status && !(cli_number(args, "--threads", 1, 1024, 0, &threads) &&
                   cli_number(args, "--seed", 0, (int64_t)1 << 53, 1, &number)))
    status = CLI_WRONG;
  if (status) {
    free(t);
    return status;
  }
  if (cli_has(args, "--seed")) {
    snprintf(seed, sizeof seed, "train.seed=%lld", (long long)number);
    args->set[args->sets++] = seed;
  }
  cli_catch_interrupts();
  cli_process_start(&t->p, (int)threads);
  t->quiet = cli_has(args, "--quiet");
  t->resume = cli_has(args, "--resume");
  t->page = !cli_has(args, "--no-report");
  cli_progress_start(&t->progress, t->quiet);
  status = cli_train_prepare(t, args, path);
  if (status) cli_fail(status, "%s", t->err.text);
  else
    status =
        cli_run_open(&t->run, &t->p.data, t->recipe->name, cli_value(args, "--run"), t->resume);
  if (!status) {
    hd_status done = describe_and_train(t);
    if (done) status = failed(t, done, args->word[0]);
  }
  cli_train_close(t);
  free(t);
  return status;
}

const cli_command cli_train = {
    "train",
    "RECIPE [--set KEY=VALUE]... [--seed N] [--threads N] [--run DIR] [--resume] [--no-report] "
    "[--quiet]",
    "trains a network as a recipe says",
    options,
    1,
    1,
    run,
    "The run directory holds recipe.yaml, manifest.json, metrics.jsonl, checkpoints/,\n"
    "report.html, events for TensorBoard (tensorboard --logdir runs),\n"
    "model.safetensors, and best.safetensors: the weights of the epoch with the least validation\n"
    "loss, or the last ones where no samples are held out to validate.\n"
    "A resumed run goes on by the recipe that it stored, also if RECIPE was edited since; --set\n"
    "still applies. The final seconds are those of all its parts, but for an epoch broken off.\n"
    "With folds, the final peak_bytes and step_allocations are of the last training, on all "
    "samples."};
