// What an epoch's end does with weights and learning rate: the averaged weights take the place of
// the training ones while they are judged, the best are kept, and a plateau lowers the rate.
// Everything is in the store, so that checkpoints carry it.
#include "fit.h"

// Finds what hd_minimize made for this run: averages beside their weights, and the learning rate.
hd_status hd_averages_open(hd_fit_run *r, int32_t first_node) {
  hd_graph *g = r->loss.graph;
  int most = g->count - first_node;
  r->average = hd_alloc(&r->store->env, sizeof *r->average * (size_t)(most + 1));
  if (!r->average) return hd_fail(r->err, HD_E_MEMORY, "fit: memory is out");
  for (int32_t i = first_node; i < g->count; i++) {
    const hd_variable_info *v = g->node[i]->variable;
    if (!v || !v->local || v->role != HD_OPTIMIZER_STATE) continue;
    const hd_parameter *p = hd_store_find(r->store, v->name),
                       *w = v->of ? hd_store_find(r->store, v->of->name) : NULL;
    if (!v->of && !strcmp(v->local, "lr")) r->lr = p;
    if (w && p && !strcmp(v->local, "average")) r->average[r->averages++] = (hd_average){w, p};
  }
  return HD_OK;
}

// Weights and averages change places; a second time they are back.
void hd_averages_swap(hd_fit_run *r) {
  if (r->count.global_step < HD_MAX(r->o->accumulate, 1))
    return;  // there is no update to average yet
  for (int i = 0; i < r->averages; i++) {
    unsigned char *a = r->average[i].weight->data, *b = r->average[i].average->data, block[4096];
    size_t left = (size_t)hd_type_bytes(&r->average[i].weight->type);
    for (size_t n; left; left -= n, a += n, b += n) {
      n = HD_MIN(left, sizeof block);
      memcpy(block, a, n);
      memcpy(a, b, n);
      memcpy(b, block, n);
    }
  }
}

// The statistics of batch norm for the averages, while these are in their place. Training goes on
// from them: it does not read them. Before swa begins the averages are the weights.
hd_status hd_averages_measure(hd_fit_run *r) {
  if (!r->averages || r->count.global_step < HD_MAX(r->o->accumulate, 1) ||
      r->count.epoch + 1 < r->o->swa)
    return HD_OK;
  return hd_statistics_run(&r->statistics, r->err);
}

// The best weights live in the store as "best/NAME".
hd_status hd_best_copy(hd_fit_run *r, bool restore) {
  hd_store *s = r->store;
  for (int i = 0, n = hd_store_count(s); i < n; i++) {
    const hd_parameter *p = hd_store_at(s, i), *q;
    char name[600];
    if ((p->role != HD_WEIGHT && p->role != HD_STATISTIC) || hd_type_bytes(&p->type) < 0) continue;
    hd_print(name, sizeof name, "best/%s", p->name);
    hd_status status = hd_store_put(s, name, HD_OPTIMIZER_STATE, p->type, &q, r->err);
    if (status) return status;
    memcpy(restore ? p->data : q->data, restore ? q->data : p->data,
           (size_t)hd_type_bytes(&p->type));
  }
  return HD_OK;
}

// "plateau": the best loss, epochs since then or since the last drop, epochs seen.
hd_status hd_plateau_open(hd_fit_run *r) {
  const hd_parameter *p;
  if (r->o->schedule.kind != HD_SCHEDULE_PLATEAU) return HD_OK;
  hd_status status = hd_store_put(r->store, "plateau", HD_OPTIMIZER_STATE,
                                  (hd_type){HD_F64, HD_SHAPE(3)}, &p, r->err);
  if (status) return status;
  r->plateau = p->data;
  memset(r->plateau, 0, 3 * sizeof *r->plateau);
  return HD_OK;
}

void hd_plateau_watch(hd_fit_run *r, double loss, double first_rate) {
  const hd_schedule *s = &r->o->schedule;
  double *p = r->plateau, factor = s->factor != 0 ? (double)s->factor : 0.1f;
  if (!p || !r->lr) return;
  if (p[2]++ == 0 || loss < p[0] - (double)r->o->min_delta) {
    p[0] = loss;
    p[1] = 0;
  } else if (++p[1] >= (s->patience ? s->patience : 10)) {
    double rate = HD_MAX(hd_fit_rate(r) * factor, first_rate * (double)s->floor);
    p[1] = 0;
    if (r->lr->type.dtype == HD_F64) *(double *)r->lr->data = rate;
    else *(float *)r->lr->data = (float)rate;
  }
}

// Of the optimiser, without its schedule.
double hd_fit_rate(const hd_fit_run *r) {
  if (!r->lr) return 0;
  return r->lr->type.dtype == HD_F64 ? *(const double *)r->lr->data
                                     : (double)*(const float *)r->lr->data;
}
