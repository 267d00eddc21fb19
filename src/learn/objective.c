// A loss over a data set as a function of the weights in a store, one after the other.
#include "../graph/graph.h"
#include "../plan/plan.h"
#include "../store/store.h"
#include "../train/feed.h"
#include "search.h"

#include <math.h>

typedef struct work {
  hd_env env;
  hd_feeds feeds;
  hd_feed full, rest;
  const hd_data *data;
  bool kept;  // all samples are one batch, which is in the workspace
  hd_error error;
  int weights;
  hd_val *value;                   // weights, then what is fetched: loss, gradients
  const hd_parameter **parameter;  // of each weight
  int *slot;                       // fetch of its gradient; 0: the loss does not depend on it
  int64_t *index;                  // of the samples of a batch
} work;

void hd_objective_free(hd_objective *o) {
  if (!o) return;
  if (o->free) o->free(o->user);
  *o = (hd_objective){0};
}

static double load(const void *p, hd_dtype t, int64_t i) {
  return t == HD_F64 ? ((const double *)p)[i] : (double)((const float *)p)[i];
}

static void put(void *user, const double *x) {
  const work *w = user;
  for (int k = 0; k < w->weights; k++) {
    const hd_parameter *p = w->parameter[k];
    int64_t count = hd_shape_count(p->type.shape);
    for (int64_t i = 0; i < count; i++)
      if (p->type.dtype == HD_F64) ((double *)p->data)[i] = x[i];
      else ((float *)p->data)[i] = (float)x[i];
    x += count;
  }
}

static void get(void *user, double *x) {
  const work *w = user;
  for (int k = 0; k < w->weights; k++) {
    const hd_parameter *p = w->parameter[k];
    int64_t count = hd_shape_count(p->type.shape);
    for (int64_t i = 0; i < count; i++) *x++ = load(p->data, p->type.dtype, i);
  }
}

static hd_status read(work *w, hd_feed *f, int64_t first) {
  if (w->kept) return HD_OK;
  for (int64_t i = 0; i < f->batch; i++) w->index[i] = first + i;
  return hd_feed_read(f, w->index, &w->error);
}

// Mean of the loss over all samples; its gradient to g unless that is NULL.
static double mean(work *w, const double *x, double *g) {
  double sum = 0, all = (double)w->data->samples;
  put(w, x);
  for (int64_t at = 0; at < w->data->samples;) {
    hd_feed *f = w->data->samples - at >= w->full.batch ? &w->full : &w->rest;
    if (read(w, f, at) || hd_run(f->workspace, &w->error)) return NAN;
    sum += hd_feed_scalar(f, 0) * (double)f->batch;
    double *to = g;
    for (int k = 0; g && k < w->weights; k++) {
      int64_t count = hd_shape_count(w->parameter[k]->type.shape);
      hd_type t = {0};
      const void *from = w->slot[k] ? hd_workspace_fetch(f->workspace, w->slot[k], &t) : NULL;
      for (int64_t i = 0; i < count; i++, to++) {
        if (at == 0) *to = 0;
        if (from) *to += load(from, t.dtype, i) * ((double)f->batch / all);
      }
    }
    at += f->batch;
  }
  return sum / all;
}
static double value(void *user, const double *x, int n) { return (void)n, mean(user, x, NULL); }
static double gradient(void *user, const double *x, int n, double *g) {
  return (void)n, mean(user, x, g);
}

static void release(void *user) {
  work *w = user;
  if (!w) return;
  hd_env env = w->env;
  hd_feeds_close(&w->feeds);
  hd_release(&env, w->index);
  hd_release(&env, w->value);
  hd_release(&env, w->parameter);
  hd_release(&env, w->slot);
  hd_release(&env, w);
}

static hd_status check(hd_store *store, hd_val loss, const hd_data *data, int batch,
                       hd_error *err) {
  char text[96];
  if (!store) return hd_fail(err, HD_E_ARGUMENT, "objective: no store");
  if (store->error.status)
    return hd_fail(err, store->error.status, "objective: %s", store->error.text);
  if (!hd_ok(loss))
    return hd_fail(err, HD_E_ARGUMENT,
                   "objective: the loss is not a value; an earlier call failed");
  if (loss.graph->error.status)
    return hd_fail(err, loss.graph->error.status, "%s", loss.graph->error.text);
  const hd_type *t = hd_type_of(loss);
  if (t->shape.rank || (t->dtype != HD_F32 && t->dtype != HD_F64))
    return hd_fail(err, HD_E_SHAPE,
                   "objective: the loss is %s %s, must be a scalar of f32 or f64; take hd_mean of "
                   "it",
                   hd_dtype_name(t->dtype), hd_shape_text(t->shape, text, sizeof text));
  if (!data || data->samples < 1)
    return hd_fail(err, HD_E_ARGUMENT, "objective: the data has no samples");
  if (batch < 0)
    return hd_fail(err, HD_E_ARGUMENT, "objective: batch is %d, must be positive", batch);
  if (hd_weights(loss, NULL, 0) > 0) return HD_OK;
  if (loss.graph->error.status)
    return hd_fail(err, loss.graph->error.status, "%s", loss.graph->error.text);
  return hd_fail(err, HD_E_ARGUMENT, "objective: the loss depends on no weight");
}

// The weights, and what is to be fetched: the loss and the gradients there are.
static hd_status list(work *w, hd_val loss, bool gradients, int *fetches, hd_error *err) {
  int count = w->weights = hd_weights(loss, NULL, 0);
  w->value = hd_alloc(&w->env, sizeof *w->value * (2 * (size_t)count + 1));
  w->parameter = hd_alloc(&w->env, sizeof *w->parameter * (size_t)count);
  w->slot = hd_alloc(&w->env, sizeof *w->slot * (size_t)count);
  if (!w->value || !w->parameter || !w->slot)
    return hd_fail(err, HD_E_MEMORY, "objective: memory is out");
  hd_weights(loss, w->value, count);
  hd_val *fetch = w->value + count;
  if (gradients && hd_gradients(loss, (hd_val){0}, w->value, count, fetch + 1))
    return hd_fail(err, loss.graph->error.status, "%s", loss.graph->error.text);
  int n = 1;
  for (int k = 0; gradients && k < count; k++)
    if (hd_ok(fetch[1 + k])) fetch[n] = fetch[1 + k], w->slot[k] = n++;
  fetch[0] = loss;
  *fetches = n;
  return HD_OK;
}

static hd_status open_plans(work *w, hd_store *store, int64_t batch, int fetches, hd_error *err) {
  const hd_data *data = w->data;
  hd_compile_options o = {.more = w->value + w->weights, .mores = fetches};
  batch = batch ? batch : 1024;
  batch = HD_MIN(batch, data->samples);
  hd_status status = hd_feed_open(&w->feeds, &w->full, store, data, batch, o, err);
  if (!status && data->samples % batch)
    status = hd_feed_open(&w->feeds, &w->rest, store, data, data->samples % batch, o, err);
  if (!status) status = hd_feeds_bind(&w->feeds, err);
  if (status) return status;
  int64_t bytes;
  if (hd_mul_size(batch, (int64_t)sizeof *w->index, &bytes))
    w->index = hd_alloc(&w->env, (size_t)bytes);
  return w->index ? HD_OK : hd_fail(err, HD_E_MEMORY, "objective: memory is out");
}

// Where each weight lies, and how many numbers they are.
static hd_status find(work *w, const hd_store *store, int *n, hd_error *err) {
  int64_t all = 0;
  for (int k = 0; k < w->weights; k++) {
    const char *name = hd_node_of(w->value[k])->variable->name;
    const hd_parameter *p = w->parameter[k] = hd_store_find(store, name);
    if (!p) return hd_fail(err, HD_E_INTERNAL, "objective: no weight \"%s\"", name);
    if (p->type.dtype != HD_F32 && p->type.dtype != HD_F64)
      return hd_fail(err, HD_E_UNSUPPORTED, "objective: \"%s\" is %s, must be f32 or f64", name,
                     hd_dtype_name(p->type.dtype));
    if (!hd_add_size(all, hd_shape_count(p->type.shape), &all) || all > INT32_MAX)
      return hd_fail(err, HD_E_LIMIT, "objective: over %d weights", INT32_MAX);
  }
  *n = (int)all;
  return HD_OK;
}

hd_status(hd_objective_of_loss)(hd_store *store, hd_val loss, const hd_data *data,
                                hd_objective_options o, hd_objective *to, hd_error *err) {
  *to = (hd_objective){0};
  hd_status status = check(store, loss, data, o.batch, err);
  if (status) return status;
  work *w = hd_alloc(&store->env, sizeof *w);
  if (!w) return hd_fail(err, HD_E_MEMORY, "objective: memory is out");
  w->env = w->feeds.env = store->env;
  w->data = data;
  int fetches = 0, n = 0;
  status = list(w, loss, o.gradient, &fetches, err);
  if (!status) status = open_plans(w, store, o.batch, fetches, err);
  if (!status) status = find(w, store, &n, err);
  if (!status && w->full.batch == data->samples) {
    status = read(w, &w->full, 0);
    w->kept = true;
    if (status) hd_fail(err, status, "%s", w->error.text);
  }
  if (status) return release(w), status;
  *to = (hd_objective){.user = w,
                       .n = n,
                       .f = value,
                       .gradient = o.gradient ? gradient : NULL,
                       .get = get,
                       .put = put,
                       .error = &w->error,
                       .free = release,
                       .env = store->env};
  return HD_OK;
}
