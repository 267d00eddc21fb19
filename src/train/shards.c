// Data parallel training. A batch of B samples is S slices of B / S; each gives its gradients, and
// the sum over slices is a fixed tree, so that it does not matter which process made which slice:
//
//   slice   0   1   2   3
//            \ /     \ /
//             +       +          then divided by S, then one update
//              \     /
//                 +
#include <math.h>

#include "fit.h"

struct hd_shards {
  int count, mine, first;  // slices in all; of this process; its first
  int weights;
  int32_t *statistic;  // assignments of the graph
  int statistics;
  hd_val *value;  // loss, accuracy, gradients, new statistics: what a slice yields
  int values;
  int64_t *offset, length;  // of each in a slice's vector, in floats
  float *slice;             // all slices' vectors, this process's first
  float *sum;               // count of them, after the exchange
};

void hd_shards_close(hd_fit_run *r) {
  struct hd_shards *s = r->shards;
  const hd_env *env = &r->store->env;
  if (!s) return;
  hd_release(env, s->value);
  hd_release(env, s->statistic);
  hd_release(env, s->offset);
  hd_release(env, s->slice);
  hd_release(env, s->sum);
  hd_release(env, s);
  r->shards = NULL;
}

static hd_status layout(hd_fit_run *r, struct hd_shards *s) {
  const hd_env *env = &r->store->env;
  for (int i = 0; i < s->values; i++) {
    hd_type t;
    hd_workspace_fetch(r->full.workspace, i, &t);
    if (t.dtype != HD_F32)
      return hd_fail(r->err, HD_E_UNSUPPORTED, "shards: weights and statistics must be f32");
    s->offset[i] = s->length;
    s->length += hd_shape_count(t.shape);
  }
  s->slice = hd_alloc(env, sizeof(float) * (size_t)(s->length * s->mine));
  s->sum = hd_alloc(env, sizeof(float) * (size_t)(s->length * s->count));
  return s->slice && s->sum ? HD_OK : hd_fail(r->err, HD_E_MEMORY, "shards: memory is out");
}

// The statistics that a step computes; of two for one variable the first, as in every plan.
static hd_status find_statistics(hd_fit_run *r, struct hd_shards *s) {
  hd_graph *g = r->loss.graph;
  const hd_env *env = &r->store->env;
  int32_t count = 0, *order = hd_alloc_raw(env, sizeof *order * (size_t)g->count);
  uint8_t *seen = hd_alloc(env, (size_t)g->count);
  bool ok = order && seen && !hd_walk(g, r->loss, order, &count, seen) &&
            (!hd_ok(r->o->accuracy) || !hd_walk(g, r->o->accuracy, order, &count, seen));
  for (int32_t i = 0; ok && i < g->assigns; i++) {
    bool again = false;
    for (int k = 0; k < s->statistics; k++)
      again |= g->assign[s->statistic[k]].variable.node == g->assign[i].variable.node;
    if (g->assign[i].statistic && seen[g->assign[i].when] && !again)
      s->statistic[s->statistics++] = i;
  }
  hd_release(env, order);
  hd_release(env, seen);
  return ok ? HD_OK : hd_fail(r->err, HD_E_MEMORY, "shards: memory is out");
}

static hd_status open_all(hd_fit_run *r, struct hd_shards *s) {
  const hd_fit_options *o = r->o;
  hd_graph *g = r->loss.graph;
  const hd_env *env = &r->store->env;
  hd_optimizer adam = hd_adam();
  s->weights = hd_weights(r->loss, NULL, 0);
  int most = 2 + s->weights + g->assigns;
  s->value = hd_alloc(env, sizeof *s->value * (size_t)(most + s->weights + 1));
  s->offset = hd_alloc(env, sizeof *s->offset * (size_t)(most + 1));
  s->statistic = hd_alloc(env, sizeof *s->statistic * (size_t)(g->assigns + 1));
  if (!s->value || !s->offset || !s->statistic)
    return hd_fail(r->err, HD_E_MEMORY, "shards: memory is out");
  hd_val *weight = s->value + most, *gradient = s->value + 2;
  s->value[0] = r->loss;
  s->value[1] = hd_ok(o->accuracy) ? o->accuracy : r->loss;
  hd_weights(r->loss, weight, s->weights);
  if (hd_gradients(r->loss, (hd_val){0}, weight, s->weights, gradient))
    return hd_fail(r->err, g->error.status, "%s", g->error.text);
  int kept = 0;  // weights that the loss is differentiated by
  for (int i = 0; i < s->weights; i++)
    if (hd_ok(gradient[i])) weight[kept] = weight[i], gradient[kept++] = gradient[i];
  s->weights = kept;
  s->values = 2 + s->weights;
  hd_status status = find_statistics(r, s);
  if (status) return status;
  for (int i = 0; i < s->statistics; i++) s->value[s->values++] = g->assign[s->statistic[i]].value;
  hd_minimize_options m = hd_fit_minimize(o, r->steps, r->epochs);
  m.weights = weight;
  m.count = s->weights;
  m.gradients = gradient;
  hd_update update = (hd_minimize)(r->loss, o->optimizer.rule ? o->optimizer : adam, m);
  hd_compile_options c = {.more = s->value,
                          .mores = s->values,
                          .mode = HD_TRAIN,
                          .no_statistics = true,
                          .precision = o->precision,
                          .no_fusion = o->no_fusion};
  status = hd_feed_open(&r->feeds, &r->full, r->store, r->data, r->batch / s->count, c, r->err);
  if (status) return status;
  if ((status = layout(r, s))) return status;
  // The update alone, from the loss and the gradients of the whole batch. It has no data.
  hd_val *fed = hd_alloc(env, sizeof *fed * (size_t)(s->weights + 1));
  if (!fed) return hd_fail(r->err, HD_E_MEMORY, "shards: memory is out");
  fed[0] = r->loss;
  memcpy(fed + 1, gradient, sizeof *fed * (size_t)s->weights);
  hd_compile_options a = {.update = {update},
                          .mode = HD_TRAIN,
                          .no_statistics = true,
                          .feed = fed,
                          .feeds = s->weights + 1,
                          .no_fusion = o->no_fusion};
  status = hd_feed_open(&r->feeds, &r->apply, r->store, NULL, r->batch, a, r->err);
  hd_release(env, fed);
  return status;
}

hd_status hd_shards_open(hd_fit_run *r) {
  const hd_comm *comm = r->store->env.comm;
  struct hd_shards *s = r->shards = hd_alloc(&r->store->env, sizeof *s);
  if (!s) return hd_fail(r->err, HD_E_MEMORY, "shards: memory is out");
  int ranks = comm ? comm->ranks : 1, rank = comm ? comm->rank : 0;
  s->count = r->o->shards;
  if (ranks < 1 || rank < 0 || rank >= ranks || s->count % ranks)
    return hd_fail(r->err, HD_E_ARGUMENT, "shards: %d slices do not divide over %d processes",
                   s->count, ranks);
  s->mine = s->count / ranks;
  s->first = rank * s->mine;
  return open_all(r, s);
}

// sum[0] becomes the sum of all, pairwise: the tree depends on their number alone.
static void add_up(float *v, int count, int64_t length) {
  for (int step = 1; step < count; step *= 2)
    for (int i = 0; i + step < count; i += 2 * step) {
      float *to = v + i * length, *from = v + (i + step) * length;
      for (int64_t k = 0; k < length; k++) to[k] += from[k];
    }
  float scale = 1.0f / (float)count;
  for (int64_t k = 0; k < length; k++) v[k] *= scale;
}

static hd_status run_slice(hd_fit_run *r, const int64_t *index, int i) {
  int64_t each = r->batch / r->shards->count;
  r->full.first = (r->shards->first + i) * each;
  hd_workspace_sample(r->full.workspace, r->full.first);
  hd_status status = hd_feed_read(&r->full, index + r->full.first, r->err);
  return status ? status : hd_run(r->full.workspace, r->err);
}

// The first slice of this process that is not finite, in the workspace again.
void hd_shards_find(hd_fit_run *r, const int64_t *index) {
  r->store->step--;  // the same random numbers
  for (int i = 0; i < r->shards->mine; i++)
    if (run_slice(r, index, i) || !isfinite(hd_feed_scalar(&r->full, 0))) break;
  r->store->step++;
}

hd_status hd_shards_step(hd_fit_run *r, const int64_t *index, double *loss, double *accuracy) {
  struct hd_shards *s = r->shards;
  const hd_comm *comm = r->store->env.comm;
  hd_status status = HD_OK;
  for (int i = 0; i < s->mine && !status; i++) {
    status = run_slice(r, index, i);
    for (int k = 0; k < s->values && !status; k++) {
      hd_type t;
      const void *from = hd_workspace_fetch(r->full.workspace, k, &t);
      memcpy(s->slice + i * s->length + s->offset[k], from,
             sizeof(float) * (size_t)hd_shape_count(t.shape));
    }
  }
  if (status) return status;
  size_t bytes = sizeof(float) * (size_t)(s->length * s->mine);
  if (!comm) memcpy(s->sum, s->slice, bytes);
  else if (comm->exchange(comm->user, s->slice, s->sum, bytes))
    return hd_fail(r->err, HD_E_IO, "shards: the exchange with the other processes failed");
  add_up(s->sum, s->count, s->length);
  for (int i = 0; i <= s->weights; i++) {
    hd_type t;
    void *to = hd_workspace_feed(r->apply.workspace, i, &t);
    if (to)
      memcpy(to, s->sum + s->offset[i ? i + 1 : 0],
             sizeof(float) * (size_t)hd_shape_count(t.shape));
  }
  if ((status = hd_run(r->apply.workspace, r->err))) return status;
  hd_graph *g = r->loss.graph;
  for (int i = 0; i < s->statistics; i++) {
    const hd_parameter *p =
        hd_store_find(r->store, hd_node_of(g->assign[s->statistic[i]].variable)->variable->name);
    if (p) memcpy(p->data, s->sum + s->offset[2 + s->weights + i], (size_t)hd_type_bytes(&p->type));
  }
  *loss = s->sum[0];
  *accuracy = hd_ok(r->o->accuracy) ? s->sum[1] : NAN;
  return HD_OK;
}
