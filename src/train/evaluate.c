// Evaluation and prediction: a network over all samples in evaluate mode. The weights do not change
// meanwhile, and the plan of the last, smaller batch runs once, after all others: the two may share
// memory although both are frozen.
#include <math.h>

#include "../store/store.h"
#include "feed.h"

// The two plans that cover `samples` by batches: `rest` has batch 0 when nothing is left over.
static hd_status open_both(hd_feeds *all, hd_feed *full, hd_feed *rest, hd_store *store,
                           const hd_data *data, int64_t batch, hd_compile_options o,
                           hd_error *err) {
  if (data->samples < 1) return hd_fail(err, HD_E_ARGUMENT, "evaluate: the data has no samples");
  all->env = store->env;
  if (batch < 1) batch = 64;
  batch = HD_MIN(HD_MIN(batch, 1024), data->samples);
  hd_status status = hd_feed_open(all, full, store, data, batch, o, err);
  if (!status && data->samples % batch)
    status = hd_feed_open(all, rest, store, data, data->samples % batch, o, err);
  return status ? status : hd_feeds_bind(all, err);
}

hd_status hd_evaluate(hd_store *store, hd_val loss, hd_val accuracy, const hd_data *data, int batch,
                      hd_metrics *to, hd_error *err) {
  if (!store) return hd_fail(err, HD_E_ARGUMENT, "evaluate: no store");
  hd_feeds all = {0};
  hd_feed full = {0}, rest = {0};
  hd_compile_options o = {.fetch = {loss, accuracy}, .frozen = true};
  hd_status status = open_both(&all, &full, &rest, store, data, batch, o, err);
  if (!status) status = hd_feed_average(&full, &rest, data, hd_ok(accuracy), to, err);
  hd_feeds_close(&all);
  return status;
}

// ---- Prediction ---------------------------------------------------------------------------------
typedef struct answers {
  const hd_predict_mean_options *o;
  int64_t draws;  // answers that a mean is of
  hd_tensor result;
  double *mean, *square;  // running, of every element, with the squared distances from the mean
                          // (Welford 1962); NULL where there is one answer
} answers;

static hd_status make_room(answers *a, const hd_env *env, hd_type t, int64_t samples,
                           hd_error *err) {
  hd_tensor *deviation = a->o->deviation;
  if (t.dtype != HD_F32 && t.dtype != HD_F64 && (a->draws > 1 || deviation))
    return hd_fail(err, HD_E_ARGUMENT,
                   "predict: the mean over passes or members needs f32 or f64, the value is %s",
                   hd_dtype_name(t.dtype));
  t.shape.d[0] = samples;
  a->result = hd_tensor_new(env, t.dtype, t.shape, err);
  if (!a->result.data) return HD_E_MEMORY;
  if (deviation) *deviation = hd_tensor_new(env, t.dtype, t.shape, err);
  if (deviation && !deviation->data) return HD_E_MEMORY;
  if (a->draws == 1 && !deviation) return HD_OK;
  int64_t count = hd_shape_count(t.shape);
  a->mean = hd_alloc(env, sizeof *a->mean * 2 * (size_t)count);
  a->square = a->mean ? a->mean + count : NULL;
  return a->mean ? HD_OK : hd_fail(err, HD_E_MEMORY, "predict: memory is out");
}

// Answer number `draw`, from 0, to the samples from `at` on.
static void take(answers *a, int64_t draw, int64_t at, const hd_feed *f) {
  hd_type t;
  const void *y = hd_workspace_fetch(f->workspace, 0, &t);
  int64_t count = hd_shape_count(t.shape), row = count / f->batch;
  if (!a->mean) {
    size_t size = hd_dtype_size(t.dtype);
    memcpy((char *)a->result.data + (size_t)(at * row) * size, y, (size_t)count * size);
    return;
  }
  double *mean = a->mean + at * row, *square = a->square + at * row;
  for (int64_t i = 0; i < count; i++) {
    double x = t.dtype == HD_F64 ? ((const double *)y)[i] : (double)((const float *)y)[i];
    double from = x - mean[i];
    mean[i] += from / (double)(draw + 1);
    square[i] += from * (x - mean[i]);
  }
}

static void put(hd_tensor *to, int64_t i, double x) {
  if (to->dtype == HD_F64) ((double *)to->data)[i] = x;
  else ((float *)to->data)[i] = (float)x;
}
static void finish(answers *a) {
  for (int64_t i = 0, n = hd_shape_count(a->result.shape); a->mean && i < n; i++) {
    put(&a->result, i, a->mean[i]);
    if (a->o->deviation)
      put(a->o->deviation, i, a->draws > 1 ? sqrt(a->square[i] / (double)(a->draws - 1)) : 0);
  }
}

// All answers of one net. Its passes over a batch follow one another, so that the last batch, of
// another plan in the same memory, comes after all others.
static hd_status answer(answers *a, int member, hd_store *store, hd_val value, const hd_data *data,
                        int batch, hd_error *err) {
  hd_feeds all = {0};
  hd_feed full = {0}, rest = {0};
  int passes = HD_MAX(a->o->passes, 1);
  hd_compile_options o = {.fetch = {value}, .frozen = true, .draws = a->o->passes > 0};
  int64_t index[1024];
  hd_type t;
  hd_status status = open_both(&all, &full, &rest, store, data, batch, o, err);
  if (!status) {
    hd_workspace_fetch(full.workspace, 0, &t);
    if (t.shape.rank < 1 || t.shape.d[0] != full.batch)
      status = hd_fail(err, HD_E_SHAPE, "predict: the value has no row for each sample");
  }
  if (!status && !member) status = make_room(a, &store->env, t, data->samples, err);
  for (int64_t at = 0; at < data->samples && !status;) {
    hd_feed *f = data->samples - at >= full.batch ? &full : &rest;
    for (int64_t i = 0; i < f->batch; i++) index[i] = at + i;
    status = hd_feed_read(f, index, err);
    hd_workspace_sample(f->workspace, at);
    for (int p = 0; p < passes && !status; p++) {
      hd_workspace_draw(f->workspace, (uint64_t)p + 1);
      status = hd_run(f->workspace, err);
      if (!status) take(a, (int64_t)member * passes + p, at, f);
    }
    at += f->batch;
  }
  hd_feeds_close(&all);
  return status;
}

static hd_tensor mean_of(hd_store *const *net, int members, hd_val value, const hd_data *data,
                         const hd_predict_mean_options *o, hd_error *err) {
  answers a = {.o = o, .draws = (int64_t)members * HD_MAX(o->passes, 1)};
  hd_status status = HD_OK;
  for (int i = 0; i < members && !status; i++)
    status = answer(&a, i, net[i], value, data, o->batch, err);
  if (!status) finish(&a);
  hd_release(&net[0]->env, a.mean);
  if (!status) return a.result;
  hd_tensor_free(&a.result);
  if (o->deviation) hd_tensor_free(o->deviation);
  return (hd_tensor){0};
}

// The name of the only input that value depends on.
static const char *only_input(hd_val value, hd_error *err) {
  hd_graph *g = value.graph;
  if (!hd_ok(value)) return hd_fail(err, HD_E_ARGUMENT, "predict: no value"), NULL;
  if (g->error.status) return hd_fail(err, g->error.status, "%s", g->error.text), NULL;
  int32_t *order = hd_alloc_raw(&g->env, sizeof *order * (size_t)g->count), count = 0;
  uint8_t *seen = hd_alloc(&g->env, (size_t)g->count);
  const char *name = NULL;
  int found = 0;
  if (!order || !seen || hd_walk(g, value, order, &count, seen))
    hd_fail(err, HD_E_MEMORY, "predict: memory is out");
  else {
    for (int32_t i = 0; i < count; i++)
      if (g->node[order[i]]->leaf == HD_LEAF_INPUT) name = g->node[order[i]]->name, found++;
    if (found != 1)
      hd_fail(err, HD_E_ARGUMENT, "predict: the value depends on %d inputs; use hd_predict_data",
              found),
          name = NULL;
  }
  hd_release(&g->env, order);
  hd_release(&g->env, seen);
  return name;
}

hd_tensor(hd_predict_mean)(hd_store *store, hd_val value, hd_error *err,
                           hd_predict_mean_options o) {
  hd_tensor none = {0}, result;
  int members = o.ensemble ? o.members : 1;
  hd_store *const *net = o.ensemble ? o.ensemble : &store;
  if (o.deviation) *o.deviation = none;
  if (members < 1 || o.passes < 0 || (!o.ensemble && o.members))
    return hd_fail(err, HD_E_ARGUMENT,
                   "predict: %d passes and %d members: .ensemble needs .members of at least 1, and "
                   "passes must not be negative",
                   o.passes, o.members),
           none;
  for (int i = 0; i < members; i++)
    if (!net[i]) return hd_fail(err, HD_E_ARGUMENT, "predict: no store"), none;
  if (!o.input == !o.data)
    return hd_fail(err, HD_E_ARGUMENT, "predict: give either .input or .data"), none;
  if (o.data) return mean_of(net, members, value, o.data, &o, err);
  const char *name = only_input(value, err);
  hd_tensor input = *o.input;
  input.owner = false;
  hd_data data = {0};
  if (!name || hd_data_from_tensors(&net[0]->env, &name, &input, 1, &data, err)) return none;
  result = mean_of(net, members, value, &data, &o, err);
  hd_data_free(&data);
  return result;
}

hd_tensor hd_predict_data(hd_store *store, hd_val value, const hd_data *data, int batch,
                          hd_error *err) {
  return hd_predict_mean(store, value, err, .data = data, .batch = batch);
}

hd_tensor hd_predict(hd_store *store, hd_val value, hd_tensor input, hd_error *err) {
  return hd_predict_mean(store, value, err, .input = &input, .batch = 256);
}
