// The trials of a sweep, one after the other: each as hadal train would, and which of them go on.
#include "sweep.h"

#include <math.h>
#include <stdlib.h>

// ---- One trial ----------------------------------------------------------------------------------

static bool set_of(const char *message) { return !strncmp(message, "--set ", 6); }

// A --set that the sweep made is told by the line of its value.
static int explain(const cli_sweeping *w, int status, int trial, char *const *set) {
  const hd_sweep *s = w->s;
  const char *text = w->t.err.text;
  for (int i = 0; i < s->keys; i++) {
    size_t n = strlen(set[i]);
    if (!set_of(text) || strncmp(text + 6, set[i], n) || text[6 + n] != ':') continue;
    bool round = !s->key[i].values && strstr(text, "must be a whole number");
    return cli_fail(status, "%s:%d: vary: %s%s", s->file, hd_sweep_line(s, trial, i), text + 6,
                    round ? "; give the range `whole: true`" : "");
  }
  if (s->trials == 1 || set_of(text)) return cli_fail(status, "%s", text);
  hd_text words = {.env = w->t.p.data};
  cli_sweep_words(w, trial, " ", "=", &words);
  cli_fail(status, "%s: trial %d,%s: %s", s->file, trial + 1, words.at ? words.at : "", text);
  hd_text_free(&words);
  return status;
}

// What a sweep asks of its recipes beside what hadal train does.
static int judge(const cli_sweeping *w, int trial) {
  const hd_recipe *r = w->t.recipe;
  const char *why = NULL;
  if (r->data.folds && !r->data.fold)
    why =
        "data.folds: cross-validation tests, and a sweep must not choose by tests; give "
        "data.folds=0 and hold samples out with data.valid";
  else if (!w->t.parts.has_valid)
    why = "a sweep chooses on validation samples: hold some out, such as with --set data.valid=0.1";
  else if (w->s->measure == HD_SWEEP_ACCURACY && !hd_ok(w->t.network.accuracy))
    why = "measure: there is no accuracy with these targets and this loss; take valid.loss";
  return why ? cli_fail(CLI_WRONG, "%s: trial %d: %s: %s", w->s->file, trial + 1, r->file, why) : 0;
}

int cli_sweep_prepare(cli_sweeping *w, int trial) {
  cli_args args = *w->args;
  hd_text set[HD_SWEEP_KEYS];
  char *at[HD_SWEEP_KEYS];
  int status = 0;
  for (int i = 0; i < w->s->keys; i++) {
    set[i] = (hd_text){.env = w->t.p.data};
    hd_text_add(&set[i], "%s=", w->s->key[i].path);
    hd_sweep_value(w->s, trial, i, &set[i]);
    if (set[i].failed) status = CLI_FAILED;
    args.set[args.sets++] = at[i] = set[i].at;
  }
  args.set[args.sets] = NULL;
  w->t.resume = false;  // the recipe follows from the sweep's, also of a trial that goes on
  if (status) cli_fail(status, "memory is out");
  else if ((status = cli_train_prepare(&w->t, &args, w->recipe))) explain(w, status, trial, at);
  else status = judge(w, trial);
  for (int i = 0; i < w->s->keys; i++) hd_text_free(&set[i]);
  return status;
}

static void tell(const cli_sweeping *w, int trial, const cli_outcome *o) {
  hd_text words = {.env = w->t.p.data};
  cli_sweep_words(w, trial, "  ", " ", &words);
  printf("trial %*d/%d%s", w->s->trials > 99 ? 4 : 2, trial + 1, w->s->trials,
         words.at ? words.at : "");
  hd_text_free(&words);
  if (o->diverged) printf("   diverged\n");
  else {
    printf("   validation loss %.4f", o->loss);
    if (!isnan(o->accuracy)) printf("  accuracy %.2f %%", 100 * o->accuracy);
    printf("  epoch %d of %d\n", o->best_epoch, o->epochs);
  }
  fflush(stdout);
}

// Trains a trial until an epoch (0: to its end), from where it is.
static int train(cli_sweeping *w, int rung, int trial, int until) {
  cli_training *t = &w->t;
  char path[CLI_PATH];
  int status = cli_sweep_prepare(w, trial);
  cli_sweep_trial_dir(w, trial, path);
  t->quiet = true;
  t->resume = true;
  t->page = w->page;
  t->until = until;
  cli_progress_start(&t->progress, w->quiet);
  t->progress.quiet = true;  // a bar on a terminal, and no lines of epochs
  if (!status) status = cli_run_open(&t->run, &t->p.data, t->recipe->name, path, true);
  if (status) return status;
  hd_status done = cli_run_describe(&t->run, t->recipe, &t->p, &t->parts, &t->err);
  if (!done) done = cli_train_run(t);
  if (done == HD_E_STOPPED && !t->paused) return CLI_INTERRUPTED;
  if (done && done != HD_E_STOPPED && done != HD_E_DIVERGED)
    return cli_fail(CLI_FAILED, "trial %d: %s", trial + 1, t->err.text);
  cli_outcome o;
  hd_error err;
  cli_run_path(&t->run, "metrics.jsonl", path);
  if (cli_outcome_read(w, path, until, &o, &err)) return cli_fail(CLI_FAILED, "%s", err.text);
  if (done == HD_E_DIVERGED && !(o.diverged = hd_arena_text(&w->arena, t->err.text)))
    return cli_fail(CLI_FAILED, "memory is out");
  if (cli_sweep_add(w, rung, trial, &o, &err)) return cli_fail(CLI_FAILED, "%s", err.text);
  if (!w->quiet) tell(w, trial, &o);
  return 0;
}

static int run_trial(cli_sweeping *w, int rung, int trial, int until) {
  if (cli_sweep_outcome(w, rung, trial)) return 0;
  int status = cli_interrupted ? CLI_INTERRUPTED : train(w, rung, trial, until);
  cli_train_close(&w->t);
  return status;
}

// ---- All of them --------------------------------------------------------------------------------

static int all_trials(cli_sweeping *w) {
  int status = 0;
  for (int i = 0; i < w->s->trials && !status; i++) status = run_trial(w, 1, i, 0);
  return status;
}

static int by_number(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

// Which trials of a rung go on: the best one in eta of those that did not diverge, in the order of
// their numbers. Returns how many; -1: memory is out.
static int survivors(cli_sweeping *w, int rung, int *alive) {
  int count, kept = 0;
  cli_ranked *rank = cli_sweep_rank(w, rung, &count);
  if (!rank) return -1;
  int wanted = HD_MAX(count / w->s->halving.eta, 1);
  while (kept < wanted && !isinf(rank[kept].worse)) alive[kept] = rank[kept].trial, kept++;
  qsort(alive, (size_t)kept, sizeof *alive, by_number);
  return kept;
}

// Successive halving (Jamieson & Talwalkar 2016): all trials for a few epochs, then the best of
// them for more, going on from their checkpoints. The last one left trains to the end.
static int halving(cli_sweeping *w) {
  const hd_sweep *s = w->s;
  int count = s->trials, status = 0;
  int64_t until = s->halving.least;
  int *alive = hd_arena_alloc(&w->arena, sizeof *alive * (size_t)count);
  if (!alive) return cli_fail(CLI_FAILED, "memory is out");
  for (int i = 0; i < count; i++) alive[i] = i;
  for (int rung = 1; count > 0 && rung <= CLI_RUNGS; rung++) {
    bool last = until >= w->epochs;
    if (!w->quiet)
      printf("rung %d: %d trial%s, %lld epoch%s\n", rung, count, count > 1 ? "s" : "",
             last ? (long long)w->epochs : (long long)until, last || until > 1 ? "s" : "");
    for (int i = 0; i < count && !status; i++)
      status = run_trial(w, rung, alive[i], last ? 0 : (int)until);
    if (status || last) return status;
    count = survivors(w, rung, alive);
    if (count < 0) return cli_fail(CLI_FAILED, "memory is out");
    until = count == 1 ? w->epochs : until * s->halving.eta;
  }
  return status;
}

int cli_sweep_trials(cli_sweeping *w) {
  return w->s->method == HD_SWEEP_HALVING ? halving(w) : all_trials(w);
}
