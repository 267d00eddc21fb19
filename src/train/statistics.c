// The statistics of batch norm anew, as means over all batches: those of averaged or loaded weights
// (Izmailov et al. 2018).
#include "fit.h"

// What the layers that value needs compute of a batch, then where its mean goes.
static hd_status find(hd_statistics *s, hd_val value, hd_val *to, const hd_env *env,
                      hd_error *err) {
  hd_graph *g = value.graph;
  int32_t nodes = 0, *order = hd_alloc_raw(env, sizeof *order * (size_t)g->count);
  uint8_t *seen = hd_alloc(env, (size_t)g->count);
  bool ok = order && seen && !hd_name_walk(g, &value, 1) && !hd_walk(g, value, order, &nodes, seen);
  for (int32_t i = 0; ok && i < g->assigns; i++) {
    const hd_assignment *a = &g->assign[i];
    bool again = !a->statistic || !seen[a->when];
    for (int k = 0; k < s->count; k++) again |= to[2 * k + 1].node == a->variable.node;
    if (again) continue;  // of two statistics for one variable the first counts, as in every plan
    to[2 * s->count] = a->batch;
    to[2 * s->count++ + 1] = a->variable;
  }
  hd_release(env, order);
  hd_release(env, seen);
  return ok ? HD_OK : hd_fail(err, HD_E_MEMORY, "statistics: memory is out");
}

static hd_status open_plans(hd_statistics *s, hd_feeds *feeds, hd_store *store, const hd_val *fetch,
                            int64_t batch, hd_precision precision, hd_error *err) {
  hd_compile_options c = {.more = fetch,
                          .mores = 2 * s->count,
                          .mode = HD_TRAIN,
                          .no_statistics = true,
                          .precision = precision};
  hd_status status = hd_feed_open(feeds, &s->full, store, s->data, batch, c, err);
  if (!status && s->data->samples % batch)
    status = hd_feed_open(feeds, &s->rest, store, s->data, s->data->samples % batch, c, err);
  for (int i = 0; i < 2 * s->count && !status; i += 2) {
    hd_type t;
    hd_workspace_fetch(s->full.workspace, i, &t);
    s->values += hd_shape_count(t.shape);
  }
  return status;
}

hd_status hd_statistics_open(hd_statistics *s, hd_feeds *feeds, hd_store *store, hd_val value,
                             const hd_data *data, int64_t batch, hd_precision precision,
                             hd_error *err) {
  const hd_env *env = &store->env;
  *s = (hd_statistics){.env = *env, .data = data};
  hd_val *fetch = hd_alloc(env, sizeof *fetch * (2 * (size_t)value.graph->assigns + 1));
  if (!fetch) return hd_fail(err, HD_E_MEMORY, "statistics: memory is out");
  hd_status status = find(s, value, fetch, env, err);
  if (!status && s->count) status = open_plans(s, feeds, store, fetch, batch, precision, err);
  hd_release(env, fetch);
  if (status || !s->count) return status;
  s->sum = hd_alloc(env, sizeof *s->sum * (size_t)s->values);
  if (data->draw) s->scratch = hd_alloc(env, (size_t)data->draw_bytes + 64);
  return s->sum && (s->scratch || !data->draw)
             ? HD_OK
             : hd_fail(err, HD_E_MEMORY, "statistics: memory is out");
}

void hd_statistics_close(hd_statistics *s) {
  hd_release(&s->env, s->sum);
  hd_release(&s->env, s->scratch);
  s->sum = NULL;
  s->scratch = NULL;
}

// Samples as training sees them.
static hd_status draw(const hd_statistics *s, const hd_feed *f, int64_t first, hd_error *err) {
  for (int64_t i = 0; i < f->batch; i++) {
    void *to[HD_COUNT(s->data->column)] = {NULL};
    for (int k = 0; k < f->inputs; k++)
      to[f->column[k]] = (char *)f->to[k] + i * hd_type_bytes(&s->data->column[f->column[k]].type);
    hd_status status = s->data->draw(s->data->user, &(hd_draw){.seed = 1, .sample = first + i}, to,
                                     s->scratch, err);
    if (status) return status;
  }
  return HD_OK;
}

static void add(const hd_statistics *s, const hd_feed *f) {
  double *sum = s->sum;
  for (int i = 0; i < 2 * s->count; i += 2) {
    hd_type t;
    const void *p = hd_workspace_fetch(f->workspace, i, &t);
    for (int64_t k = 0, n = hd_shape_count(t.shape); k < n; k++)
      *sum++ += (double)f->batch *
                (t.dtype == HD_F64 ? ((const double *)p)[k] : (double)((const float *)p)[k]);
  }
}

hd_status hd_statistics_run(hd_statistics *s, hd_error *err) {
  int64_t index[1024], samples = s->data->samples;
  if (!s->count) return HD_OK;
  memset(s->sum, 0, sizeof *s->sum * (size_t)s->values);
  for (int64_t at = 0; at < samples;) {
    hd_feed *f = samples - at >= s->full.batch ? &s->full : &s->rest;
    for (int64_t i = 0; i < f->batch; i++) index[i] = at + i;
    hd_status status = s->data->draw ? draw(s, f, at, err) : hd_feed_read(f, index, err);
    hd_workspace_sample(f->workspace, at);  // other masks for other samples
    if (!status) status = hd_run(f->workspace, err);
    if (status) return status;
    add(s, f);
    at += f->batch;
  }
  const double *sum = s->sum;
  for (int i = 1; i < 2 * s->count; i += 2) {
    hd_type t;  // fetching a variable gives its place in the store
    void *p = (void *)(uintptr_t)hd_workspace_fetch(s->full.workspace, i, &t);
    for (int64_t k = 0, n = hd_shape_count(t.shape); k < n; k++)
      if (t.dtype == HD_F64) ((double *)p)[k] = *sum++ / (double)samples;
      else ((float *)p)[k] = (float)(*sum++ / (double)samples);
  }
  return HD_OK;
}

hd_status hd_update_statistics(hd_store *store, hd_val value, const hd_data *data, int batch,
                               hd_error *err) {
  if (!store || !hd_ok(value) || !data || data->samples < 1)
    return hd_fail(err, HD_E_ARGUMENT, "statistics: needs a store, a value and samples");
  hd_feeds feeds = {.env = store->env};
  hd_statistics s;
  int64_t most = HD_MIN(batch < 1 ? 64 : HD_MIN(batch, 1024), data->samples);
  hd_status status =
      hd_statistics_open(&s, &feeds, store, value, data, most, HD_PRECISION_F32, err);
  if (!status && s.count) status = hd_feeds_bind(&feeds, err);
  if (!status) status = hd_statistics_run(&s, err);
  hd_statistics_close(&s);
  hd_feeds_close(&feeds);
  return status;
}
