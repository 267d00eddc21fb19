// A genetic algorithm on real numbers: tournaments, crossover, Gaussian mutation, elitism.
#include <math.h>

#include "search.h"

typedef struct breed {
  hd_search *s;
  const hd_genetic_options *o;
  double *point, *value;  // of this generation: population times n, population
  double *child;          // of the next
  int *elite;             // which pass on
} breed;

// The best of a few drawn at random.
static const double *parent(const breed *b) {
  int best = hd_search_below(b->s, b->o->population);
  for (int i = 1; i < b->o->tournament; i++) {
    int other = hd_search_below(b->s, b->o->population);
    if (b->value[other] < b->value[best]) best = other;
  }
  return b->point + (int64_t)best * b->s->n;
}

static void make(const breed *b, double *child) {
  const hd_genetic_options *o = b->o;
  const double *mother = parent(b), *father = parent(b);
  bool crossed = hd_search_uniform(b->s) < o->crossing;
  for (int i = 0; i < b->s->n; i++) {
    child[i] = mother[i];
    if (crossed) {
      double u = hd_search_uniform(b->s);
      if (o->crossover == HD_CROSSOVER_UNIFORM) child[i] = u < 0.5 ? mother[i] : father[i];
      else child[i] += (2 * u - 0.5) * (father[i] - mother[i]);
    }
    if (hd_search_uniform(b->s) < o->mutation) child[i] += o->step * hd_search_normal(b->s);
  }
}

// The numbers of the best, best first; of equals the first.
static void choose(const breed *b) {
  for (int e = 0; e < b->o->elite; e++) {
    int best = -1;
    for (int i = 0; i < b->o->population; i++) {
      bool taken = false;
      for (int k = 0; k < e; k++) taken |= b->elite[k] == i;
      if (!taken && (best < 0 || b->value[i] < b->value[best])) best = i;
    }
    b->elite[e] = best;
  }
}

static void evolve(breed *b) {
  hd_search *s = b->s;
  const hd_genetic_options *o = b->o;
  const int64_t n = s->n;
  for (int i = 0; i < o->population; i++) {
    for (int k = 0; k < s->n; k++)
      b->point[i * n + k] = s->x[k] + (i ? o->sigma * hd_search_normal(s) : 0);
  }
  for (int i = 0; i < o->population; i++) b->value[i] = hd_search_value(s, b->point + i * n);
  while (hd_search_next(s, hd_search_mean(b->value, o->population), o->step)) {
    choose(b);
    for (int e = 0; e < o->elite; e++)
      memcpy(b->child + e * n, b->point + b->elite[e] * n, sizeof *b->child * (size_t)n);
    for (int i = o->elite; i < o->population; i++) make(b, b->child + i * n);
    double *old = b->point;
    // Values of the elite move to the front before others take their places.
    for (int e = 0; e < o->elite; e++) old[e] = b->value[b->elite[e]];
    memcpy(b->value, old, sizeof *old * (size_t)o->elite);
    b->point = b->child;
    b->child = old;
    for (int i = o->elite; i < o->population; i++)
      b->value[i] = hd_search_value(s, b->point + i * n);
  }
}

static hd_status check(const hd_search *s, hd_genetic_options *o) {
  if (!o->sigma) o->sigma = 1;
  if (!o->population) o->population = 50;
  if (!o->elite) o->elite = 1;
  if (!o->tournament) o->tournament = HD_MIN(3, o->population);
  if (!o->crossing) o->crossing = 0.9;
  if (!o->mutation) o->mutation = 0.1;
  if (!o->step) o->step = o->sigma / 4;
  hd_status status = hd_search_range(s, "sigma", o->sigma, 1e-300, 1e300);
  if (!status) status = hd_search_range(s, "population", o->population, 2, 1e6);
  if (!status) status = hd_search_range(s, "elite", o->elite, 1, o->population - 1);
  if (!status) status = hd_search_range(s, "tournament", o->tournament, 1, o->population);
  if (!status) status = hd_search_range(s, "crossing", o->crossing, 0, 1);
  if (!status) status = hd_search_range(s, "mutation", o->mutation, 0, 1);
  if (!status) status = hd_search_range(s, "step", o->step, 0, 1e300);
  return status;
}

hd_status(hd_genetic)(const hd_objective *objective, double *x, hd_error *err,
                      hd_genetic_options o) {
  hd_search s = HD_SEARCH("genetic", objective, x, err, &o, 200);
  s.seed = o.seed;
  breed b = {.s = &s, .o = &o};
  hd_status status = check(&s, &o);
  if (!status) status = hd_search_open(&s);
  if (status) return hd_search_close(&s, status);
  double *block = hd_search_alloc(&s, 2 * (int64_t)o.population, (int64_t)s.n + 1);
  if (block) {
    int64_t all = (int64_t)o.population * s.n;
    b.point = block;
    b.child = block + all;
    b.value = b.child + all;
    b.elite = (int *)(b.value + o.population);
    evolve(&b);
  }
  hd_release(&objective->env, block);
  return hd_search_close(&s, HD_OK);
}
