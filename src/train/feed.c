// Columns to inputs; running over all samples.
#include "feed.h"

#include "loader.h"

#include <math.h>

int hd_data_column(const hd_data *data, const char *name);

static hd_status match(hd_feed *f, hd_error *err) {
  const hd_plan *p = f->plan;
  char want[96], have[96];
  for (int i = 0; i < p->inputs; i++) {
    const hd_named_place *in = &p->input[i];
    if (!strncmp(in->name, "feed ", 5)) continue;
    int c = hd_data_column(f->data, in->name);
    if (c < 0) {
      char list[256] = "";
      for (int k = 0; k < f->data->columns; k++)
        hd_print(list + strlen(list), sizeof list - strlen(list), "%s\"%s\"", k ? ", " : "",
                 f->data->column[k].name);
      return hd_fail(err, HD_E_NOT_FOUND,
                     "the network has an input \"%s\", the data has the columns %s; name the input "
                     "after a column",
                     in->name, list);
    }
    const hd_type *t = &f->data->column[c].type;
    hd_shape sample = {.rank = in->type.shape.rank - 1};
    for (int k = 0; k < sample.rank; k++) sample.d[k] = in->type.shape.d[k + 1];
    if (in->type.shape.rank < 1 || in->type.shape.d[0] != f->batch || t->dtype != in->type.dtype ||
        !hd_shape_equal(sample, t->shape))
      return hd_fail(err, HD_E_SHAPE, "input \"%s\" takes samples of %s %s, the data has %s %s",
                     in->name, hd_dtype_name(in->type.dtype),
                     hd_shape_text(sample, want, sizeof want), hd_dtype_name(t->dtype),
                     hd_shape_text(t->shape, have, sizeof have));
    if (f->inputs == (int)HD_COUNT(f->column))
      return hd_fail(err, HD_E_LIMIT, "more than %d inputs", f->inputs);
    f->column[f->inputs++] = c;
  }
  return HD_OK;
}

hd_status hd_feed_open(hd_feeds *all, hd_feed *f, hd_store *store, const hd_data *data,
                       int64_t batch, hd_compile_options o, hd_error *err) {
  *f = (hd_feed){.data = data, .batch = batch};
  if (all->count == (int)HD_COUNT(all->feed)) return hd_fail(err, HD_E_INTERNAL, "too many plans");
  o.batch = batch;
  f->plan = (hd_compile)(store, err, o);
  if (!f->plan) return err ? err->status : HD_E_ARGUMENT;
  all->feed[all->count++] = f;
  hd_status status = data ? match(f, err) : HD_OK;
  if (status) return status;
  f->workspace = hd_workspace_prepare(f->plan, err);
  if (!f->workspace) return HD_E_MEMORY;
  all->bytes = HD_MAX(all->bytes, f->plan->info.workspace);
  return HD_OK;
}

hd_status hd_feeds_bind(hd_feeds *all, hd_error *err) {
  all->memory = hd_alloc(&all->env, (size_t)all->bytes);
  if (!all->memory)
    return hd_fail(err, HD_E_MEMORY, "memory is out for a workspace of %lld bytes",
                   (long long)all->bytes);
  for (int i = 0; i < all->count; i++) {
    hd_feed *f = all->feed[i];
    hd_workspace_bind(f->workspace, all->memory);
    for (int k = 0; k < f->inputs; k++)
      f->to[k] = hd_workspace_input(f->workspace, f->data->column[f->column[k]].name, NULL);
  }
  return HD_OK;
}

void hd_feeds_close(hd_feeds *all) {
  for (int i = 0; i < all->count; i++) {
    hd_workspace_free(all->feed[i]->workspace);
    hd_plan_free(all->feed[i]->plan);
  }
  hd_release(&all->env, all->memory);
  all->count = 0;
  all->memory = NULL;
}

hd_status hd_feed_read(hd_feed *f, const int64_t *index, hd_error *err) {
  for (int k = 0; k < f->inputs; k++) {
    if (f->loader) {
      hd_loader_copy(f->loader, f->column[k], f->first - f->skip, f->batch, f->to[k]);
      continue;
    }
    hd_status status = f->data->read(f->data->user, f->column[k], index, f->batch, f->to[k], err);
    if (status) return status;
  }
  return HD_OK;
}

double hd_feed_scalar(const hd_feed *f, int i) {
  hd_type t;
  const void *p = hd_workspace_fetch(f->workspace, i, &t);
  return !p ? NAN : t.dtype == HD_F64 ? *(const double *)p : *(const float *)p;
}

hd_status hd_feed_average(hd_feed *full, hd_feed *rest, const hd_data *data, bool has_accuracy,
                          hd_metrics *to, hd_error *err) {
  double loss = 0, accuracy = 0;
  int64_t index[1024];
  for (int64_t at = 0; at < data->samples;) {
    hd_feed *f = data->samples - at >= full->batch ? full : rest;
    for (int64_t i = 0; i < f->batch; i++) index[i] = at + i;
    hd_status status = hd_feed_read(f, index, err);
    if (!status) status = hd_run(f->workspace, err);
    if (status) return status;
    loss += hd_feed_scalar(f, 0) * (double)f->batch;
    if (has_accuracy) accuracy += hd_feed_scalar(f, 1) * (double)f->batch;
    at += f->batch;
  }
  *to = (hd_metrics){loss / (double)data->samples,
                     has_accuracy ? accuracy / (double)data->samples : NAN};
  return HD_OK;
}
