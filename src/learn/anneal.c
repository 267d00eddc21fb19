// Simulated annealing: a random walk, one number at a time, that goes uphill ever more seldom.
#include <math.h>

#include "search.h"

enum { TRIALS = 20 };

static void move(hd_search *s, const double *from, double deviation, double *to) {
  memcpy(to, from, sizeof *to * (size_t)s->n);
  to[hd_search_below(s, s->n)] += deviation * hd_search_normal(s);
}

// The temperature at which 1 of 5 moves of mean size uphill is taken.
static double first_temperature(hd_search *s, const double *at, double value, double sigma,
                                double *trial) {
  double sum = 0;
  int uphill = 0;
  for (int i = 0; i < TRIALS; i++) {
    move(s, at, sigma, trial);
    double d = hd_search_value(s, trial) - value;
    if (d > 0 && isfinite(d)) sum += d, uphill++;
  }
  return uphill ? sum / uphill / -log(0.2) : 1;
}

static void anneal(hd_search *s, const hd_anneal_options *o, double *at, double *trial) {
  double value = hd_search_value(s, memcpy(at, s->x, sizeof *at * (size_t)s->n));
  double first = o->temperature, factor = 1;
  if (isfinite(value) && !first) first = first_temperature(s, at, value, o->sigma, trial);
  double mean = value;
  while (hd_search_next(s, mean, first * factor)) {
    double sum = 0, deviation = o->sigma * sqrt(factor);
    for (int i = 0; i < o->moves; i++) {
      move(s, at, deviation, trial);
      double other = hd_search_value(s, trial);
      if (other <= value || hd_search_uniform(s) < exp((value - other) / (first * factor))) {
        value = other;
        double *old = at;
        at = trial, trial = old;
      }
      sum += value;
    }
    mean = sum / o->moves;
    factor *= o->cooling;
  }
}

static hd_status check(const hd_search *s, hd_anneal_options *o) {
  if (!o->sigma) o->sigma = 0.5;
  if (!o->cooling) o->cooling = 0.95;
  if (!o->moves) o->moves = 100;
  hd_status status = hd_search_range(s, "sigma", o->sigma, 1e-300, 1e300);
  if (!status) status = hd_search_range(s, "temperature", o->temperature, 0, 1e300);
  if (!status) status = hd_search_range(s, "cooling", o->cooling, 1e-6, 1);
  if (!status) status = hd_search_range(s, "moves", o->moves, 1, INT32_MAX);
  return status;
}

hd_status(hd_anneal)(const hd_objective *objective, double *x, hd_error *err, hd_anneal_options o) {
  hd_search s = HD_SEARCH("anneal", objective, x, err, &o, 200);
  s.seed = o.seed;
  hd_status status = check(&s, &o);
  if (!status) status = hd_search_open(&s);
  if (status) return hd_search_close(&s, status);
  double *block = hd_search_alloc(&s, 2, s.n);
  if (block) anneal(&s, &o, block, block + s.n);
  hd_release(&objective->env, block);
  return hd_search_close(&s, HD_OK);
}
