// What a training run does: a network of the recipe, hd_fit with its callbacks, the test.
#include "train.h"

hd_status cli_parts_open(cli_training *t, int fold) {
  hd_splits_free(&t->parts);
  hd_status status = hd_recipe_open(&t->p.data, t->recipe, fold, t->p.sets, &t->parts, &t->err);
  return status ? status : hd_signature_of(&t->parts.whole, &t->signature, &t->err);
}

void cli_network_close(cli_training *t) {
  hd_graph_free(t->graph);
  hd_store_free(t->store);
  t->graph = NULL, t->store = NULL;
}

hd_status cli_network_open(cli_training *t) {
  const hd_recipe *r = t->recipe;
  t->graph = hd_graph_new(&t->p.env);
  t->store = hd_store_new(&t->p.env);
  if (!t->graph || !t->store) return hd_fail(&t->err, HD_E_MEMORY, "memory is out");
  if (*hd_store_error(t->store))
    return hd_fail(&t->err, HD_E_ARGUMENT, "%s", hd_store_error(t->store));
  hd_store_seed(t->store, (uint64_t)r->train.seed);
  hd_status status = hd_recipe_build(r, &t->signature, t->graph, &t->network, &t->err);
  return status ? status : hd_recipe_fit_scale(r, &t->parts.train, t->store, &t->err);
}

hd_status cli_save(cli_training *t, const char *file) {
  char path[CLI_PATH];
  const char *meta[] = {"hadal.recipe", t->header, NULL};
  cli_run_path(&t->run, file, path);
  return hd_save(t->store, path, &t->err, .meta = meta);
}

// ---- While it trains ----------------------------------------------------------------------------

// The first call of a resumed run tells where the checkpoint was: later lines go.
static hd_status trim(cli_training *t, int64_t epochs) {
  if (t->trimmed || t->in_fold) return HD_OK;
  t->trimmed = true;
  hd_status status = cli_run_trim_metrics(&t->run, epochs, &t->before, &t->err);
  return status ? status : cli_events_rewrite(t, &t->err);
}

static bool on_step(void *user, const hd_progress *at) {
  cli_training *t = user;
  cli_progress_step(&t->progress, at);
  hd_status status = trim(t, at->epoch - 1);
  if (t->until && at->epoch > t->until) t->paused = true;  // it was there when it was resumed
  return !status && !cli_interrupted && !t->paused;
}

static hd_status add_epoch(cli_training *t, const hd_progress *at) {
  hd_text line = {.env = t->p.data};
  hd_text_add(&line, "{\"epoch\":%d,\"step\":%lld,\"seconds\":%.4f,\"train\":", at->epoch,
              (long long)at->global_step, at->seconds);
  cli_add_metrics(&line, at->train, t->parts.train.samples);
  if (at->has_valid) {
    hd_text_add(&line, ",\"valid\":");
    cli_add_metrics(&line, at->valid, t->parts.valid.samples);
  }
  hd_text_add(&line, ",\"lr\":%.6g", at->lr);
  if (at->watched) cli_norms_add(&line, &t->norms, at->watched, t->store);
  hd_text_add(&line, "}\n");
  hd_status status = line.failed ? hd_fail(&t->err, HD_E_MEMORY, "memory is out")
                                 : cli_run_add_metrics(&t->run, line.at, &t->err);
  if (!status) status = cli_events_add(t, line.at, &t->err);
  hd_text_free(&line);
  return status;
}

static bool on_epoch(void *user, const hd_progress *at) {
  cli_training *t = user;
  if (!t->in_fold) cli_progress_epoch(&t->progress, at);
  hd_status status = t->in_fold ? HD_OK : trim(t, at->epoch - 1);
  if (!status && !t->in_fold) status = add_epoch(t, at);
  if (!status && !t->in_fold && at->has_valid && at->best) status = cli_save(t, "best.safetensors");
  if (!status && at->epoch == t->until && at->epoch < at->epochs) t->paused = true;
  return !status && !cli_interrupted && !t->paused;
}

hd_status cli_fit(cli_training *t, const char *checkpoints) {
  hd_error err = {0};
  hd_fit_options o;
  t->err = (hd_error){0};  // a set that was found in the second place left the first one's failure
  hd_recipe_fit_options(t->recipe, &o);
  o.accuracy = t->network.accuracy;
  o.valid = t->parts.has_valid ? &t->parts.valid : NULL;
  o.user = t;
  o.on_step = on_step;
  o.on_epoch = on_epoch;
  o.checkpoints = checkpoints;
  o.checkpoint_seconds = 1;  // epochs of a blink are not worth a sync of the disk each
  o.resume = t->resume && checkpoints;
  o.result = &t->result;
  hd_status status = t->in_fold ? HD_OK : cli_norms_open(&t->norms, t->network.loss, &t->err);
  if (status) return status;
  o.watch = t->norms.value;
  o.watches = t->norms.values;
  status = (hd_fit)(t->store, t->network.loss, &t->parts.train, &err, o);
  cli_norms_close(&t->norms);
  cli_progress_end(&t->progress);
  if (status && t->err.status) return t->err.status;  // a callback's own failure
  if (status) t->err = err;
  return status ? status : trim(t, t->result.epochs);
}

int cli_evaluate_batch(const hd_recipe *r) {
  return HD_MAX(HD_MIN(r->train.batch / HD_MAX(r->train.shards, 1), 64), 1);
}

hd_status cli_evaluate(cli_training *t, hd_metrics *to) {
  return hd_evaluate(t->store, t->network.loss, t->network.accuracy, &t->parts.test,
                     cli_evaluate_batch(t->recipe), to, &t->err);
}
