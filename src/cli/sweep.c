// hadal sweep: a recipe trained with many settings; the best is chosen on its validation samples.
#include "sweep.h"

#include <math.h>
#include <stdlib.h>

#include "../base/file.h"

static const cli_option options[] = {
    {"--set", "KEY=VALUE", NULL, "one value of the recipe of every trial; may be repeated"},
    {"--threads", "N", "one per core", "threads; the result is the same for any number"},
    {"--run", "DIR", "runs/sweep-NAME-N", "where everything of the sweep is written"},
    {"--resume", NULL, NULL, "go on where an earlier call was stopped or killed"},
    {"--no-report", NULL, NULL, "write no sweep.html, and no report.html of the trials"},
    {"--json", NULL, NULL, "print the trials as an array, the best first, and nothing else"},
    {"--quiet", NULL, NULL, "print errors only"},
    {NULL, NULL, NULL, NULL}};

static bool begins(const char *text, const char *with) {
  return !strncmp(text, with, strlen(with));
}

// Whether a path is about `part` or what is within it: "data.valid" is about "data".
static bool about(const char *path, const char *part) {
  size_t n = strlen(part);
  return !strncmp(path, part, n) && (!path[n] || path[n] == '.');
}

// ---- The call -----------------------------------------------------------------------------------

static int check_keys(cli_sweeping *w) {
  const hd_sweep *s = w->s;
  w->t.keep_parts = true;
  for (int i = 0; i < s->keys; i++) {
    const char *path = s->key[i].path;
    if (about(path, "data") || about(path, "augment") || about(path, "train.seed") ||
        !strcmp(path, "train"))
      w->t.keep_parts = false;
    if (s->method == HD_SWEEP_HALVING && (about(path, "train.epochs") || !strcmp(path, "train")))
      return cli_fail(CLI_WRONG, "%s:%d: vary: %s: epochs are what halving deals out", s->file,
                      s->key[i].line, path);
    for (int k = 0; k < w->args->sets; k++)
      if (begins(w->args->set[k], path) && w->args->set[k][strlen(path)] == '=')
        return cli_fail(CLI_WRONG, "--set %s: %s:%d varies it", w->args->set[k], s->file,
                        s->key[i].line);
  }
  if (w->args->sets + s->keys > CLI_SETS)
    return cli_fail(CLI_WRONG, "more than %d settings", CLI_SETS);
  if (s->method == HD_SWEEP_HALVING && s->halving.least >= w->epochs)
    return cli_fail(CLI_WRONG,
                    "%s: halving: least is %d, must be below train.epochs of the recipe, %d",
                    s->file, s->halving.least, w->epochs);
  return 0;
}

// Every trial's recipe, data and network, before the first one is trained.
static int check_trials(cli_sweeping *w) {
  int status = check_keys(w);
  for (int i = 0; i < w->s->trials && !status; i++) {
    status = cli_interrupted ? CLI_INTERRUPTED : cli_sweep_prepare(w, i);
    cli_train_close(&w->t);
  }
  return status;
}

static hd_doc *recipe_doc(cli_sweeping *w, const hd_recipe *r) {
  hd_doc *doc = NULL;
  char *text = hd_recipe_text(&w->t.p.data, r, false);
  if (text && hd_json_parse(&w->arena, "recipe", text, strlen(text), &doc, NULL)) doc = NULL;
  hd_release(&w->t.p.data, text);
  return doc;
}

// A sweep goes on as it was begun, or not at all.
static int check_same(cli_sweeping *w) {
  char path[CLI_PATH], what[600];
  hd_error err;
  cli_run_path(&w->run, "manifest.json", path);
  if (hd_file_exists(&w->t.p.data, path))
    return cli_fail(CLI_WRONG, "%s: is the run of a single training, not of a sweep", w->run.dir);
  cli_run_path(&w->run, "sweep.yaml", path);
  if (!hd_file_exists(&w->t.p.data, path)) return 0;  // stopped before its first line
  hd_sweep *s = hd_sweep_read(&w->t.p.data, path, cli_yaml(), &err);
  if (!s) return cli_fail(CLI_WRONG, "%s", err.text);
  const hd_doc *was = hd_sweep_doc(&w->arena, s), *now = hd_sweep_doc(&w->arena, w->s);
  hd_sweep_free(s);
  if (!was || !now) return cli_fail(CLI_FAILED, "memory is out");
  if (hd_doc_differs(&w->t.p.data, was, now, what, sizeof what))
    return cli_fail(CLI_WRONG, "%s cannot go on by %s: %s", w->run.dir, w->s->file, what);
  cli_run_path(&w->run, "recipe.yaml", path);
  if (!hd_file_exists(&w->t.p.data, path)) return 0;
  cli_args none = {.sets = 0};
  hd_recipe *r = cli_read_recipe(&w->t.p, path, &none, &err);
  if (!r) return cli_fail(CLI_WRONG, "%s", err.text);
  was = recipe_doc(w, r), now = recipe_doc(w, w->base);
  hd_recipe_free(r);
  if (!was || !now) return cli_fail(CLI_FAILED, "memory is out");
  if (hd_doc_differs(&w->t.p.data, was, now, what, sizeof what))
    return cli_fail(CLI_WRONG, "%s cannot go on with %s%s: %s", w->run.dir, w->recipe,
                    w->args->sets ? " and --set" : "", what);
  return 0;
}

// sweep.yaml and recipe.yaml.
static hd_status describe(cli_sweeping *w, hd_error *err) {
  char path[CLI_PATH];
  hd_text text = {.env = w->t.p.data};
  const hd_doc *doc = hd_sweep_doc(&w->arena, w->s);
  char *recipe = hd_recipe_text(&w->t.p.data, w->base, cli_yaml() != NULL);
  if (doc && cli_yaml()) hd_yaml_write(&text, doc);
  else if (doc) hd_json_write(&text, doc, 2), hd_text_add(&text, "\n");
  hd_status status = HD_OK;
  if (!doc || text.failed || !recipe) status = hd_fail(err, HD_E_MEMORY, "memory is out");
  cli_run_path(&w->run, "sweep.yaml", path);
  if (!status) status = hd_file_write(&w->t.p.data, path, text.at, text.size, err);
  cli_run_path(&w->run, "recipe.yaml", path);
  if (!status) status = hd_file_write(&w->t.p.data, path, recipe, strlen(recipe), err);
  hd_text_free(&text);
  hd_release(&w->t.p.data, recipe);
  return status;
}

// ---- The end ------------------------------------------------------------------------------------

static int stopped(cli_sweeping *w) {
  int done = 0;
  for (int i = 0; i < w->s->trials; i++) done += cli_sweep_outcome(w, 1, i) != NULL;
  cli_progress_end(&w->t.progress);
  if (!*w->run.dir) return cli_fail(CLI_INTERRUPTED, "interrupted before the first trial");
  cli_fail(CLI_INTERRUPTED, "interrupted; %d of %d trials are kept, with checkpoints", done,
           w->s->trials);
  fprintf(stderr, "To go on: hadal sweep %s --run %s --resume", w->args->word[0], w->run.dir);
  for (int i = 0; i < w->args->sets; i++) fprintf(stderr, " --set '%s'", w->args->set[i]);
  fputc('\n', stderr);
  return CLI_INTERRUPTED;
}

// As one word of a shell.
static void quote(hd_text *to, const char *word) {
  hd_text_add(to, "'");
  for (; *word; word++)
    if (*word == '\'') hd_text_add(to, "'\\''");
    else hd_text_raw(to, word, 1);
  hd_text_add(to, "'");
}

// " --set train.batch=32 --set 'augment={"rotate":5}'", for a shell.
static void add_settings(const cli_sweeping *w, int trial, hd_text *to) {
  for (int i = 0; i < w->args->sets; i++) hd_text_add(to, " --set "), quote(to, w->args->set[i]);
  for (int i = 0; i < w->s->keys; i++) {
    hd_text set = {.env = to->env};
    hd_text_add(&set, "%s=", w->s->key[i].path);
    hd_sweep_value(w->s, trial, i, &set);
    hd_text_add(to, " --set ");
    if (set.at && strpbrk(set.at, "\"{[")) quote(to, set.at);
    else hd_text_add(to, "%s", set.at ? set.at : "");
    hd_text_free(&set);
  }
}

static int finish(cli_sweeping *w) {
  hd_error err;
  char best[CLI_PATH];
  int count, columns, status = 0;
  cli_ranked *rank = cli_sweep_rank(w, 0, &count);
  const char **cells = rank ? cli_sweep_cells(w, rank, count, &columns) : NULL;
  if (!cells) return cli_fail(CLI_FAILED, "memory is out");
  hd_status page = w->page ? cli_sweep_page(w, rank, count, &err) : HD_OK;
  if (page) cli_fail(0, "warning: no sweep.html: %s", err.text);
  if (w->json && !cli_sweep_print_json(w, rank, count)) status = CLI_FAILED;
  if (count && isinf(rank->worse)) return cli_fail(CLI_FAILED, "every trial diverged");
  if (w->quiet || !count) return status;
  printf("\n");
  cli_sweep_print(cells, count + 1, columns, 40);
  cli_sweep_trial_dir(w, rank->trial, best);
  hd_text words = {.env = w->t.p.data};
  add_settings(w, rank->trial, &words);
  printf("\nThe best is trial %d: %s\n", rank->trial + 1, best);
  if (w->page && !page) printf("What they did: %s/sweep.html\n", w->run.dir);
  printf("Use it: hadal eval %s, or hadal train %s%s\n", best, w->s->recipe,
         words.at ? words.at : "");
  hd_text_free(&words);
  return status;
}

static void introduce(const cli_sweeping *w) {
  static const char *const method[] = {"all combinations", "drawn", "drawn, the best train on"};
  printf("%s: %d trial%s of %s, %s\n%s %s\n", w->s->name, w->s->trials, w->s->trials > 1 ? "s" : "",
         w->base->name, method[w->s->method], w->run.resumed ? "going on with" : "writing to",
         w->run.dir);
}

static int sweep(cli_sweeping *w, const char *file) {
  char name[300], where[CLI_PATH + 16];
  hd_error err;
  const char *dir = cli_value(w->args, "--run");
  bool resume = cli_has(w->args, "--resume");
  const hd_env *env = &w->t.p.data;
  w->s = hd_sweep_read(env, file, cli_yaml(), &err);
  if (!w->s) return cli_fail(CLI_WRONG, "%s", err.text);
  snprintf(where, sizeof where, "%s:%d: recipe: ", w->s->file, w->s->recipe_line);
  if (!cli_find_recipe_of(where, w->s->recipe, w->recipe)) return CLI_WRONG;
  w->base = cli_read_recipe(&w->t.p, w->recipe, w->args, &err);
  if (!w->base) return cli_fail(CLI_WRONG, "%s", err.text);
  w->epochs = w->base->train.epochs;
  snprintf(name, sizeof name, "sweep-%.200s", w->s->name);
  int status = 0;
  if (resume && cli_run_find(&w->run, env, name, dir)) status = check_same(w);
  w->run = (cli_run){.env = env};
  if (!status) status = check_trials(w);
  if (!status) status = cli_run_open(&w->run, env, name, dir, resume);
  if (status) return status == CLI_INTERRUPTED ? stopped(w) : status;
  if (describe(w, &err) || cli_sweep_load(w, &err)) return cli_fail(CLI_FAILED, "%s", err.text);
  if (!w->quiet) introduce(w);
  status = cli_sweep_trials(w);
  if (status) return status == CLI_INTERRUPTED ? stopped(w) : status;
  return finish(w);
}

static int run(cli_args *args) {
  char path[CLI_PATH];
  int64_t threads;
  if (!cli_number(args, "--threads", 1, 1024, 0, &threads) || !cli_find_sweep(args->word[0], path))
    return CLI_WRONG;
  cli_sweeping *w = calloc(1, sizeof *w);
  if (!w) return cli_fail(CLI_FAILED, "memory is out");
  cli_catch_interrupts();
  cli_process_start(&w->t.p, (int)threads);
  w->args = args;
  w->arena.env = w->t.p.data;
  w->json = cli_has(args, "--json");
  w->quiet = w->json || cli_has(args, "--quiet");
  w->page = !cli_has(args, "--no-report");
  int status = sweep(w, path);
  w->t.keep_parts = false;
  cli_train_close(&w->t);
  hd_recipe_free(w->base);
  hd_sweep_free(w->s);
  hd_arena_free(&w->arena);
  free(w);
  return status;
}

const cli_command cli_sweep = {
    "sweep",
    "SWEEP [--set KEY=VALUE]... [--threads N] [--run DIR] [--resume] [--no-report] [--json] "
    "[--quiet]",
    "trains a recipe with many settings and ranks them",
    options,
    1,
    1,
    run,
    "SWEEP is a path, or a name looked up in recipes/sweeps, such as digits:\n"
    "  recipe: digits\n"
    "  method: grid                                # all combinations; or random, halving\n"
    "  vary:                                       # paths as --set takes them\n"
    "    train.optimizer.adam.lr: [0.001, 0.01]    # or {low: 1e-4, high: 0.1, log: true}, drawn\n"
    "    model.7.dense: [32, 64, 128]              # or {low: 32, high: 128, whole: true}\n"
    "  measure: valid.accuracy                     # default valid.loss\n"
    "  trials: 20                                  # how many are drawn: random, halving\n"
    "  halving: {eta: 3, least: 1}                 # after `least` epochs one in eta goes on, for\n"
    "                                              # eta times as many epochs, and so on\n"
    "  seed: 1                                     # of the draws\n"
    "Each trial is a run like those of hadal train, in DIR/trials. It is judged on the validation\n"
    "samples, by its epoch with the least validation loss: the weights in its best.safetensors.\n"
    "The test samples have no say. DIR also holds sweep.yaml, recipe.yaml, sweep.html, and\n"
    "sweep.jsonl with a line for every trial that is done (of every rung). What diverges is\n"
    "ranked last. The same sweep gives the same lines, killed and resumed or not."};
