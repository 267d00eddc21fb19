// Evaluation and prediction: a network over all samples in evaluate mode. The weights do not change
// meanwhile, and the plan of the last, smaller batch runs once, after all others: the two may share
// memory although both are frozen.
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

hd_tensor hd_predict_data(hd_store *store, hd_val value, const hd_data *data, int batch,
                          hd_error *err) {
  hd_tensor result = {0};
  if (!store) return hd_fail(err, HD_E_ARGUMENT, "predict: no store"), result;
  hd_feeds all = {0};
  hd_feed full = {0}, rest = {0};
  hd_compile_options o = {.fetch = {value}, .frozen = true};
  int64_t index[1024];
  hd_type t;
  hd_status status = open_both(&all, &full, &rest, store, data, batch, o, err);
  if (!status) {
    hd_workspace_fetch(full.workspace, 0, &t);
    if (t.shape.rank < 1 || t.shape.d[0] != full.batch)
      status = hd_fail(err, HD_E_SHAPE, "predict: the value has no row for each sample");
  }
  if (!status) {
    hd_shape s = t.shape;
    s.d[0] = data->samples;
    result = hd_tensor_new(&store->env, t.dtype, s, err);
    status = result.data ? HD_OK : HD_E_MEMORY;
  }
  int64_t row = status ? 0 : hd_type_bytes(&t) / full.batch;
  for (int64_t at = 0; at < data->samples && !status;) {
    hd_feed *f = data->samples - at >= full.batch ? &full : &rest;
    for (int64_t i = 0; i < f->batch; i++) index[i] = at + i;
    status = hd_feed_read(f, index, err);
    if (!status) status = hd_run(f->workspace, err);
    if (!status)
      memcpy((char *)result.data + at * row, hd_workspace_fetch(f->workspace, 0, NULL),
             (size_t)(f->batch * row));
    at += f->batch;
  }
  hd_feeds_close(&all);
  if (status) hd_tensor_free(&result);
  return result;
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

hd_tensor hd_predict(hd_store *store, hd_val value, hd_tensor input, hd_error *err) {
  hd_tensor none = {0};
  const char *name = store ? only_input(value, err) : NULL;
  if (!name) return none;
  input.owner = false;
  hd_data data = {0};
  if (hd_data_from_tensors(&store->env, &name, &input, 1, &data, err)) return none;
  hd_tensor result = hd_predict_data(store, value, &data, 256, err);
  hd_data_free(&data);
  return result;
}
