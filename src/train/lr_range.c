// The learning rate range test: a short training whose rate grows until the loss blows up.
#include <math.h>

#include "../base/random.h"
#include "../graph/graph.h"
#include "../store/store.h"
#include "feed.h"
#include "optimizer.h"

typedef struct range {
  hd_store *store;
  const hd_data *data;
  const hd_lr_range_options *o;
  hd_error *err;
  hd_feeds feeds;
  hd_feed feed;
  const hd_parameter *lr;
  int before;           // parameters that the store had
  uint64_t step;        // and its step
  unsigned char *kept;  // their bytes
  int64_t *order;
  int64_t at, epoch;  // samples of this epoch that were used; epochs begun
  hd_lr_point *point;
  hd_lr_range_result result;
} range;

// ---- The store as it was ------------------------------------------------------------------------
static int64_t bytes_of(const hd_parameter *p) { return HD_MAX(hd_type_bytes(&p->type), 0); }

static hd_status keep(range *r) {
  int64_t bytes = 0;
  r->before = hd_store_count(r->store);
  r->step = hd_store_step(r->store);
  for (int i = 0; i < r->before; i++) bytes += bytes_of(hd_store_at(r->store, i));
  unsigned char *to = r->kept = hd_alloc_raw(&r->store->env, (size_t)bytes + 1);
  if (!to)
    return hd_fail(r->err, HD_E_MEMORY, "lr range test: memory is out for a copy of the store");
  for (int i = 0; i < r->before; i++) {
    const hd_parameter *p = hd_store_at(r->store, i);
    memcpy(to, p->data, (size_t)bytes_of(p));
    to += bytes_of(p);
  }
  return HD_OK;
}

// After the plan is gone: what it made is forgotten, and made again by the next one.
static void restore(range *r) {
  const unsigned char *from = r->kept;
  if (!from) return;
  hd_store_cut(r->store, r->before);
  for (int i = 0; i < r->before; i++) {
    const hd_parameter *p = hd_store_at(r->store, i);
    memcpy(p->data, from, (size_t)bytes_of(p));
    from += bytes_of(p);
  }
  hd_store_set_step(r->store, r->step);
}

// ---- Steps --------------------------------------------------------------------------------------
static void find_rate(range *r, hd_graph *g, int32_t first) {
  for (int32_t i = first; i < g->count && !r->lr; i++) {
    const hd_variable_info *v = g->node[i]->variable;
    if (v && v->local && !v->of && v->role == HD_OPTIMIZER_STATE && !strcmp(v->local, "lr"))
      r->lr = hd_store_find(r->store, v->name);
  }
}

static hd_status next_batch(range *r) {
  if (r->at + r->feed.batch > r->data->samples || !r->epoch) {
    r->at = 0;
    for (int64_t i = 0; i < r->data->samples; i++) r->order[i] = i;
    hd_random_key key = {r->o->seed ? r->o->seed : 1,
                         hd_hash(&r->epoch, sizeof r->epoch, hd_hash("lr range", 8, 0))};
    hd_random_shuffle(key, r->order, r->data->samples);
    r->epoch++;
  }
  hd_status status = hd_feed_read(&r->feed, r->order + r->at, r->err);
  r->at += r->feed.batch;
  return status;
}

// Trains one step at this rate. *loss is what it was before the step.
static hd_status train(range *r, double rate, double *loss) {
  hd_status status = next_batch(r);
  if (r->lr->type.dtype == HD_F64) *(double *)r->lr->data = rate;
  else *(float *)r->lr->data = (float)rate;
  if (!status) status = hd_run(r->feed.workspace, r->err);
  *loss = hd_feed_scalar(&r->feed, 0);
  return status;
}

static hd_status climb(range *r) {
  const hd_lr_range_options *o = r->o;
  double low = (double)o->from, ratio = log((double)o->to / low), sum = 0, left = 1, loss;
  double smoothing = (double)o->smoothing, best = INFINITY, beyond = (double)o->blow_up - 1;
  hd_status status = train(r, low, &loss);
  if (status) return status;
  if (!isfinite(loss))
    return hd_fail(r->err, HD_E_DIVERGED, "lr range test: the loss is %g before the first step",
                   loss);
  double rate = low;
  for (int k = 1; k <= o->steps; k++) {
    double next = low * exp(ratio * HD_MIN(k, o->steps - 1) / HD_MAX(o->steps - 1, 1));
    if ((status = train(r, next, &loss))) return status;
    if (!isfinite(loss)) {
      r->result.blew_up = k < o->steps;
      return HD_OK;
    }
    sum = smoothing * sum + (1 - smoothing) * loss;
    left *= smoothing;
    double smooth = sum / (1 - left);
    hd_lr_point p = r->point[r->result.count++] = (hd_lr_point){rate, loss, smooth};
    if (o->on_step && !o->on_step(o->user, &p))
      return hd_fail(r->err, HD_E_STOPPED, "lr range test: stopped at step %d", k);
    if (smooth - best > beyond * fabs(best)) {
      r->result.blew_up = k < o->steps;
      return HD_OK;
    }
    best = HD_MIN(best, smooth);
    rate = next;
  }
  return HD_OK;
}

// Falls are taken over a tenth of all points, which the noise of single batches hardly changes. The
// first tenth is left out: its mean is of few losses.
static void suggest(range *r) {
  const hd_lr_point *p = r->point;
  int lowest = 0, count = r->result.count, half = HD_MAX(count / 20, 1);
  double steepest = 0;
  for (int k = 1; k < count; k++)
    if (p[k].smooth < p[lowest].smooth) lowest = k;
  if (count) r->result.lowest = p[lowest].lr;
  for (int k = HD_MAX(count / 10, half); k + half <= lowest; k++) {
    double fall = p[k - half].smooth - p[k + half].smooth;
    if (fall > steepest) steepest = fall, r->result.suggested = p[k].lr;
  }
}

// ---- The whole test -----------------------------------------------------------------------------
static hd_status check(range *r, hd_val loss, hd_lr_range_options *o) {
  hd_error *err = r->err;
  if (!r->store) return hd_fail(err, HD_E_ARGUMENT, "lr range test: no store");
  if (r->store->error.status)
    return hd_fail(err, r->store->error.status, "lr range test: %s", r->store->error.text);
  if (!hd_ok(loss))
    return hd_fail(err, HD_E_ARGUMENT,
                   "lr range test: the loss is not a value; an earlier call failed");
  if (loss.graph->error.status)
    return hd_fail(err, loss.graph->error.status, "%s", loss.graph->error.text);
  if (!r->data || r->data->samples < 1)
    return hd_fail(err, HD_E_ARGUMENT, "lr range test: the data has no samples");
  if (!o->from) o->from = 1e-6f;
  if (!o->to) o->to = 10;
  if (!o->steps) o->steps = 100;
  if (!o->batch) o->batch = 64;
  if (!o->smoothing) o->smoothing = 0.9f;
  if (!o->blow_up) o->blow_up = 4;
  if (!(o->from > 0 && o->to > o->from && isfinite(o->to)))
    return hd_fail(err, HD_E_ARGUMENT,
                   "lr range test: rates from %g to %g; both must be positive, the second larger",
                   (double)o->from, (double)o->to);
  if (o->steps < 3 || o->batch < 1)
    return hd_fail(err, HD_E_ARGUMENT,
                   "lr range test: %d steps of %d samples; at least 3 of at least 1 are needed",
                   o->steps, o->batch);
  if (!(o->smoothing >= 0 && o->smoothing < 1))
    return hd_fail(err, HD_E_ARGUMENT, "lr range test: smoothing is %g, must be from 0 up to 1",
                   (double)o->smoothing);
  if (!(o->blow_up > 1))
    return hd_fail(err, HD_E_ARGUMENT, "lr range test: blow_up is %g, must be above 1",
                   (double)o->blow_up);
  return HD_OK;
}

static hd_status open_plan(range *r, hd_val loss) {
  const hd_lr_range_options *o = r->o;
  int32_t first = loss.graph->count;
  hd_update update = hd_minimize(loss, o->optimizer);
  hd_compile_options c = {.fetch = {loss}, .update = {update}, .mode = HD_TRAIN};
  int64_t batch = HD_MIN(o->batch, r->data->samples);
  hd_status status = hd_feed_open(&r->feeds, &r->feed, r->store, r->data, batch, c, r->err);
  if (!status) status = hd_feeds_bind(&r->feeds, r->err);
  if (status) return status;
  find_rate(r, loss.graph, first);
  if (!r->lr) return hd_fail(r->err, HD_E_INTERNAL, "lr range test: the optimiser has no rate");
  r->order = hd_alloc(&r->store->env, sizeof *r->order * (size_t)r->data->samples);
  r->point = o->points;
  if (!r->point) r->point = hd_alloc(&r->store->env, sizeof *r->point * (size_t)o->steps);
  return r->order && r->point ? HD_OK
                              : hd_fail(r->err, HD_E_MEMORY, "lr range test: memory is out");
}

hd_status(hd_lr_range_test)(hd_store *store, hd_val loss, const hd_data *data, hd_error *err,
                            hd_lr_range_options o) {
  range r = {.store = store, .data = data, .o = &o, .err = err};
  hd_status status = check(&r, loss, &o);
  if (status) return status;
  r.feeds.env = store->env;
  status = keep(&r);
  if (!status) status = open_plan(&r, loss);
  if (!status) status = climb(&r);
  if (!status) suggest(&r);
  hd_feeds_close(&r.feeds);
  restore(&r);
  if (o.result) *o.result = r.result;
  hd_release(&store->env, r.kept);
  hd_release(&store->env, r.order);
  if (r.point != o.points) hd_release(&store->env, r.point);
  return status;
}
