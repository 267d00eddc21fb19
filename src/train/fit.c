// The training loop.
#include "fit.h"

#include <math.h>

#include "../../include/hadal/io.h"
#include "optimizer.h"

// ---- One step -----------------------------------------------------------------------------------
static hd_status train_step(hd_fit_run *r, const int64_t *index, int64_t batch, double *loss,
                            double *accuracy) {
  if (r->loader) {
    hd_status made = hd_loader_next(r->loader, r->err);
    if (made) return made;
  }
  if (r->shards) return hd_shards_step(r, index, loss, accuracy);
  hd_feed *f = batch == r->full.batch ? &r->full : &r->rest;
  hd_status status = hd_feed_read(f, index, r->err);
  if (!status) status = hd_run(f->workspace, r->err);
  *loss = hd_feed_scalar(f, 0);
  *accuracy = hd_ok(r->o->accuracy) ? hd_feed_scalar(f, 1) : NAN;
  return status;
}

static hd_metrics so_far(const hd_fit_run *r) {
  double n = r->count.samples ? (double)r->count.samples : 1;
  return (hd_metrics){r->count.loss_sum / n,
                      hd_ok(r->o->accuracy) ? r->count.accuracy_sum / n : NAN};
}

static hd_progress progress(const hd_fit_run *r, double loss) {
  const hd_counters *c = &r->count;
  double seconds = hd_seconds() - r->epoch_started;
  int64_t update = HD_MAX(c->global_step - 1, 0) / HD_MAX(r->o->accumulate, 1);
  hd_minimize_options m = hd_fit_minimize(r->o, r->steps, r->epochs);
  double factor = hd_schedule_factor(&m.schedule, m.steps_per_epoch, m.epochs, update);
  return (hd_progress){.epoch = (int)c->epoch + 1,
                       .epochs = r->epochs,
                       .step = c->step,
                       .steps = r->steps,
                       .global_step = c->global_step,
                       .loss = loss,
                       .train = so_far(r),
                       .seconds = seconds,
                       .rate = seconds > 0 ? (double)c->samples / seconds : 0,
                       .lr = factor * hd_fit_rate(r)};
}

// ---- Checkpoints --------------------------------------------------------------------------------
static hd_status checkpoint(hd_fit_run *r) {
  if (!r->o->checkpoints || (r->store->env.comm && r->store->env.comm->rank)) return HD_OK;
  r->count.saves++;
  r->saved = hd_seconds();
  return hd_checkpoint_save(r->store, r->o->checkpoints, r->o->keep, &r->count, r->err);
}

// ---- One epoch ----------------------------------------------------------------------------------
static void shuffle(hd_fit_run *r) {
  for (int64_t i = 0; i < r->data->samples; i++) r->order[i] = i;
  uint64_t epoch = (uint64_t)r->count.epoch;
  if (!r->o->no_shuffle)
    hd_random_shuffle((hd_random_key){r->o->seed ? r->o->seed : 1,
                                      hd_hash(&epoch, sizeof epoch, hd_hash("shuffle", 7, 0))},
                      r->order, r->data->samples);
}

static hd_status diverged(hd_fit_run *r, int64_t batch) {
  char where[80];
  if (r->shards) hd_shards_find(r, r->order + r->count.step * r->batch);
  hd_print(where, sizeof where, "epoch %lld, step %lld", (long long)r->count.epoch + 1,
           (long long)r->count.step + 1);
  return hd_explain_divergence(
      r->store, r->loss, r->shards || batch == r->full.batch ? &r->full : &r->rest, where, r->err);
}

static hd_status epoch_steps(hd_fit_run *r) {
  hd_counters *c = &r->count;
  while (c->step < r->steps) {
    int64_t at = c->step * r->batch, batch = HD_MIN(r->batch, r->data->samples - at), calls = 0;
    double loss, accuracy;
    if (r->store->env.memory) calls = r->store->env.memory->calls;
    hd_status status = train_step(r, r->order + at, batch, &loss, &accuracy);
    if (status) return status;
    if (r->store->env.memory && r->result.steps)
      r->result.step_allocations += r->store->env.memory->calls - calls;
    if (!isfinite(loss)) return diverged(r, batch);
    c->step++;
    c->global_step++;
    r->result.steps++;
    c->loss_sum += loss * (double)batch;
    if (isfinite(accuracy)) c->accuracy_sum += accuracy * (double)batch;
    c->samples += batch;
    if (r->o->on_step) {  // only then: a step of a small net is shorter than describing it
      hd_progress p = progress(r, loss);
      if (!r->o->on_step(r->o->user, &p)) {
        status = checkpoint(r);
        return status ? status
                      : hd_fail(r->err, HD_E_STOPPED, "stopped at epoch %d, step %lld", p.epoch,
                                (long long)p.step);
      }
    }
    if (r->o->checkpoint_steps && c->step < r->steps && c->step % r->o->checkpoint_steps == 0 &&
        (status = checkpoint(r)))
      return status;
  }
  return HD_OK;
}

// Validation, and the best epoch's weights.
static hd_status judge(hd_fit_run *r, hd_progress *p) {
  hd_counters *c = &r->count;
  hd_status status = HD_OK;
  if (r->o->valid) {
    p->has_valid = true;
    status = hd_feed_average(&r->valid_full, &r->valid_rest, r->o->valid, hd_ok(r->o->accuracy),
                             &p->valid, r->err);
    if (status) return status;
  }
  p->seconds = hd_seconds() - r->epoch_started;
  double watched = p->has_valid ? p->valid.loss : p->train.loss;
  p->best = c->best_epoch == 0 || watched < c->best_loss - (double)r->o->min_delta;
  hd_plateau_watch(r, watched, r->first_rate);
  c->wait++;
  if (!p->best) return HD_OK;
  c->best_epoch = c->epoch + 1;
  c->best_loss = watched;
  c->wait = 0;
  r->result.best = p->has_valid ? p->valid : p->train;
  return r->o->restore_best ? hd_best_copy(r, false) : HD_OK;
}

// The last whole batch of the epoch: as much of it as the plan takes.
static hd_status look(hd_fit_run *r, hd_progress *p) {
  if (!r->watched) return HD_OK;
  hd_status status = hd_feed_read(
      &r->watch, r->order + (r->data->samples / r->batch - 1) * r->batch, r->err);
  if (!status) status = hd_run(r->watch.workspace, r->err);
  for (int i = 0; i < r->o->watches && !status; i++) r->watched[i] = hd_feed_scalar(&r->watch, i);
  p->watched = r->watched;
  return status;
}

static hd_status end_epoch(hd_fit_run *r) {
  hd_counters *c = &r->count;
  hd_progress p = progress(r, NAN);
  hd_status status = look(r, &p);
  if (status) return status;
  hd_averages_swap(r);
  status = hd_averages_measure(r);
  if (!status) status = judge(r, &p);
  hd_averages_swap(r);
  if (status) return status;
  r->result.train = p.train;
  r->result.valid = p.valid;
  c->epoch++;
  c->step = c->samples = 0;
  c->loss_sum = c->accuracy_sum = 0;
  r->result.stopped_early = r->o->patience > 0 && c->wait >= r->o->patience;
  bool go_on = !r->o->on_epoch || r->o->on_epoch(r->o->user, &p);
  bool last = !go_on || r->result.stopped_early || c->epoch == r->epochs;
  if (last || hd_seconds() - r->saved >= (double)r->o->checkpoint_seconds) status = checkpoint(r);
  return status || go_on ? status
                         : hd_fail(r->err, HD_E_STOPPED, "stopped after epoch %d", p.epoch);
}

// ---- The whole run ------------------------------------------------------------------------------
static hd_status open_plans(hd_fit_run *r) {
  const hd_fit_options *o = r->o;
  hd_optimizer adam = hd_adam();
  if (o->shards > 1) return hd_shards_open(r);
  hd_update update = (hd_minimize)(r->loss, o->optimizer.rule ? o->optimizer : adam,
                                   hd_fit_minimize(o, r->steps, r->epochs));
  hd_compile_options c = {.fetch = {r->loss, o->accuracy},
                          .update = {update},
                          .mode = HD_TRAIN,
                          .precision = o->precision,
                          .no_fusion = o->no_fusion};
  hd_status status = hd_feed_open(&r->feeds, &r->full, r->store, r->data, r->batch, c, r->err);
  if (!status && r->data->samples % r->batch)
    status = hd_feed_open(&r->feeds, &r->rest, r->store, r->data, r->data->samples % r->batch, c,
                          r->err);
  return status;
}

// Data that is drawn anew for training is made ahead of the steps, by threads of its own.
static hd_status open_loader(hd_fit_run *r) {
  if (!r->data->draw) return HD_OK;
  const hd_comm *comm = r->shards ? r->store->env.comm : NULL;
  hd_loader_plan p = {
      .data = r->data, .seed = r->o->seed ? r->o->seed : 1, .batch = r->batch, .rows = r->batch};
  if (comm) p.rows = r->batch / comm->ranks, p.first = p.rows * comm->rank;
  for (int i = 0; i < r->full.inputs; i++) p.column[r->full.column[i]] = true;
  hd_status status = hd_loader_open(&r->store->env, &p, &r->loader, r->err);
  r->full.loader = r->rest.loader = r->loader;
  r->full.skip = p.first;
  return status;
}

static hd_status open_valid(hd_fit_run *r) {
  const hd_data *v = r->o->valid;
  if (!v) return HD_OK;
  if (v->samples < 1)
    return hd_fail(r->err, HD_E_ARGUMENT, "fit: the validation set has no samples");
  hd_compile_options c = {.fetch = {r->loss, r->o->accuracy},
                          .precision = r->o->precision,
                          .no_fusion = r->o->no_fusion};
  int64_t batch = HD_MIN(HD_MIN(r->batch, 1024), v->samples);
  hd_status status = hd_feed_open(&r->feeds, &r->valid_full, r->store, v, batch, c, r->err);
  if (!status && v->samples % batch)
    status = hd_feed_open(&r->feeds, &r->valid_rest, r->store, v, v->samples % batch, c, r->err);
  return status;
}

static hd_status open_watch(hd_fit_run *r) {
  const hd_fit_options *o = r->o;
  if (o->watches < 1) return HD_OK;
  r->watched = hd_alloc(&r->store->env, sizeof *r->watched * (size_t)o->watches);
  if (!r->watched) return hd_fail(r->err, HD_E_MEMORY, "fit: memory is out");
  hd_compile_options c = {.more = o->watch,
                          .mores = o->watches,
                          .mode = HD_TRAIN,
                          .no_statistics = true,
                          .precision = o->precision,
                          .no_fusion = o->no_fusion};
  // Gradients that are kept for their norms take more than those that an update uses up.
  int rows = r->batch / HD_MAX(o->shards, 1);
  return hd_feed_open(&r->feeds, &r->watch, r->store, r->data, rows < 8 ? rows : rows / 2, c,
                      r->err);
}

// Peak bytes, before the first step: what is there, the workspace, and room for writing a
// checkpoint's header, which is taken once now so that it is known to be there.
static int64_t header_bytes(const hd_store *store) {
  int64_t header = 4096;
  for (int i = 0; i < hd_store_count(store); i++)
    header += 1024 + 4 * (int64_t)strlen(hd_store_at(store, i)->name);
  return header;
}

static hd_status reserve(hd_fit_run *r) {
  const hd_env *env = &r->store->env;
  int64_t header = header_bytes(r->store);
  hd_status status = hd_feeds_bind(&r->feeds, r->err);
  void *room = status ? NULL : hd_alloc(env, (size_t)header);
  if (!status && !room)
    status = hd_fail(r->err, HD_E_MEMORY, "fit: memory is out for %lld bytes", (long long)header);
  hd_release(env, room);
  return status;
}

hd_status hd_fit_check(const hd_fit_options *o, int64_t samples, hd_error *err) {
  int batch = o->batch ? o->batch : 64, shards = o->shards ? o->shards : 1;
  if (samples < 1) return hd_fail(err, HD_E_ARGUMENT, "fit: the data has no samples");
  if (o->batch < 0 || o->epochs < 0 || o->shards < 0 || o->patience < 0)
    return hd_fail(err, HD_E_ARGUMENT,
                   "fit: batch, epochs, shards and patience must not be negative");
  if (batch > samples)
    return hd_fail(
        err, HD_E_ARGUMENT,
        "fit: a batch of %d is larger than the data, which has %lld samples; use a smaller batch",
        batch, (long long)samples);
  hd_minimize_options m = hd_fit_minimize(o, 1, 1);
  if (hd_minimize_check(&m, err)) return HD_E_ARGUMENT;
  if (batch % shards)
    return hd_fail(err, HD_E_ARGUMENT, "fit: a batch of %d does not divide into %d shards", batch,
                   shards);
  return HD_OK;
}

static hd_status check(hd_fit_run *r) {
  const hd_fit_options *o = r->o;
  hd_graph *g = r->loss.graph;
  if (!hd_ok(r->loss))
    return hd_fail(r->err, HD_E_ARGUMENT, "fit: the loss is not a value; an earlier call failed");
  if (g->error.status) return hd_fail(r->err, g->error.status, "%s", g->error.text);
  hd_status status = hd_fit_check(o, r->data ? r->data->samples : 0, r->err);
  if (status) return status;
  r->batch = o->batch ? o->batch : 64;
  r->epochs = o->epochs ? o->epochs : 10;
  r->steps =
      o->shards > 1 ? r->data->samples / r->batch : (r->data->samples + r->batch - 1) / r->batch;
  return HD_OK;
}

hd_status hd_fit_open(hd_fit_run *r) {
  hd_status status = check(r);
  int32_t first = status ? 0 : r->loss.graph->count;
  if (!status) status = open_plans(r);
  if (!status) status = open_loader(r);
  if (!status) status = hd_averages_open(r, first);
  if (!status && r->averages)
    status = hd_statistics_open(&r->statistics, &r->feeds, r->store, r->loss, r->data,
                                HD_MIN(r->batch / HD_MAX(r->o->shards, 1), 1024),
                                r->o->precision, r->err);
  if (!status) status = hd_plateau_open(r);
  r->first_rate = hd_fit_rate(r);
  if (!status) status = open_valid(r);
  if (!status) status = open_watch(r);
  if (!status && r->o->restore_best) status = hd_best_copy(r, false);
  if (!status && r->o->checkpoints && !(r->store->env.comm && r->store->env.comm->rank))
    status = hd_checkpoint_begin(&r->store->env, r->o->checkpoints, r->o->resume, &r->count.saves,
                                 r->err);
  if (!status && r->o->resume && r->o->checkpoints) {
    hd_error why = {0};
    status = hd_checkpoint_load(r->store, r->o->checkpoints, &r->count, &why);
    status = status == HD_E_NOT_FOUND ? HD_OK
             : status                 ? hd_fail(r->err, status, "%s", why.text)
                                      : HD_OK;  // nothing yet: start afresh
    if (r->count.best_epoch) r->result.best = (hd_metrics){r->count.best_loss, NAN};
  }
  if (status) return status;
  r->order = hd_alloc(&r->store->env, sizeof *r->order * (size_t)r->data->samples);
  if (!r->order) return hd_fail(r->err, HD_E_MEMORY, "fit: memory is out");
  const hd_memory *memory = r->store->env.memory;
  if (memory)
    r->result.planned =
        HD_MAX(memory->peak, memory->bytes + r->feeds.bytes + header_bytes(r->store));
  return HD_OK;
}

void hd_fit_close(hd_fit_run *r) {
  if (!r->store) return;
  hd_loader_free(r->loader);
  hd_statistics_close(&r->statistics);
  hd_shards_close(r);
  hd_feeds_close(&r->feeds);
  hd_release(&r->store->env, r->order);
  hd_release(&r->store->env, r->watched);
  hd_release(&r->store->env, r->average);
}

hd_status(hd_fit)(hd_store *store, hd_val loss, const hd_data *data, hd_error *err,
                  hd_fit_options options) {
  if (!store || store->error.status)
    return hd_fail(err, store ? store->error.status : HD_E_ARGUMENT, "fit: %s",
                   hd_store_error(store));
  hd_fit_run r = {.store = store,
                  .loss = loss,
                  .data = data,
                  .o = &options,
                  .err = err,
                  .feeds = {.env = store->env}};
  hd_status status = hd_fit_open(&r);
  if (!status) status = reserve(&r);
  r.started = hd_seconds();
  r.result.stopped_early = options.patience > 0 && r.count.wait >= options.patience;
  while (!status && r.count.epoch < r.epochs && !r.result.stopped_early) {
    r.epoch_started = hd_seconds();
    shuffle(&r);
    if (r.loader)
      hd_loader_begin(r.loader, r.order, data->samples, r.steps, r.count.epoch, r.count.step);
    status = epoch_steps(&r);
    if (!status) status = end_epoch(&r);
  }
  if (!status && options.restore_best && r.count.best_epoch) status = hd_best_copy(&r, true);
  else if (!status) hd_averages_swap(&r);
  r.result.epochs = (int)r.count.epoch;
  r.result.best_epoch = (int)r.count.best_epoch;
  r.result.seconds = hd_seconds() - r.started;
  if (options.result) *options.result = r.result;
  hd_fit_close(&r);
  return status;
}
