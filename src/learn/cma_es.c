// CMA-ES: a Gaussian whose mean, step size and covariance follow the better half of its draws.
// The letters are those of Hansen's tutorial, arXiv 1604.00772.
#include <math.h>

#include "search.h"

typedef struct cma {
  hd_search *s;
  int n, lambda, mu;
  double mueff, cc, cs, c1, cmu, damps, chi;  // constants of the tutorial's table 1
  double sigma;
  double *m, *pc, *ps;        // mean and the two paths: n each
  double *C, *B, *A;          // covariance; its eigenvectors, as rows; room to take it apart
  double *D;                  // roots of its eigenvalues
  double *x, *y, *value, *w;  // draws: m + sigma y, y; their values; weights of the best
  double *scratch;            // 2 n
  int *order;                 // of the draws, best first
  int decomposed;             // generation of B and D
} cma;

static void constants(cma *c) {
  double n = c->n, sum = 0, squares = 0;
  c->mu = c->lambda / 2;
  for (int i = 0; i < c->mu; i++) sum += c->w[i] = log((c->lambda + 1) / 2.0) - log(i + 1.0);
  for (int i = 0; i < c->mu; i++) c->w[i] /= sum, squares += c->w[i] * c->w[i];
  double e = c->mueff = 1 / squares;
  c->cc = (4 + e / n) / (n + 4 + 2 * e / n);
  c->cs = (e + 2) / (n + e + 5);
  c->c1 = 2 / ((n + 1.3) * (n + 1.3) + e);
  c->cmu = fmin(1 - c->c1, 2 * (e - 2 + 1 / e) / ((n + 2) * (n + 2) + e));
  c->damps = 1 + 2 * fmax(0, sqrt((e - 1) / (n + 1)) - 1) + c->cs;
  c->chi = sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n));
}

// C = B^T D^2 B, when enough has been learnt that it is worth its n^3. False: C is worn out.
static bool decompose(cma *c, int generation) {
  int64_t n = c->n;
  double every = 1 / ((c->c1 + c->cmu) * c->n * 10);
  if (generation && generation - c->decomposed < every) return true;
  c->decomposed = generation;
  memcpy(c->A, c->C, sizeof *c->A * (size_t)(n * n));
  if (!hd_symmetric_eigen(c->A, c->D, c->B, c->scratch, c->n)) return false;
  double least = c->D[0], most = c->D[0];
  for (int i = 1; i < c->n; i++) least = fmin(least, c->D[i]), most = fmax(most, c->D[i]);
  for (int i = 0; i < c->n; i++) c->D[i] = sqrt(c->D[i]);
  return least > 0 && most <= 1e14 * least;
}

// One draw: y = B^T D z, x = m + sigma y.
static void draw(cma *c, double *y, double *x) {
  for (int i = 0; i < c->n; i++) y[i] = 0;
  for (int k = 0; k < c->n; k++) {
    const double *b = c->B + (int64_t)k * c->n, length = c->D[k] * hd_search_normal(c->s);
    for (int i = 0; i < c->n; i++) y[i] += length * b[i];
  }
  for (int i = 0; i < c->n; i++) x[i] = c->m[i] + c->sigma * y[i];
}

static void sort(cma *c) {  // stable: of equals the first
  for (int i = 0; i < c->lambda; i++) {
    int k = i;
    for (; k > 0 && c->value[i] < c->value[c->order[k - 1]]; k--) c->order[k] = c->order[k - 1];
    c->order[k] = i;
  }
}

static void learn(cma *c, int generation) {
  const int64_t n = c->n;
  double *mean = c->scratch, *white = mean + n, length = 0;  // sum w y; C^(-1/2) of it
  for (int i = 0; i < n; i++) mean[i] = white[i] = 0;
  for (int k = 0; k < c->mu; k++)
    for (int i = 0; i < n; i++) mean[i] += c->w[k] * c->y[c->order[k] * n + i];
  for (int k = 0; k < n; k++) {
    const double *b = c->B + k * n;
    double along = 0;
    for (int i = 0; i < n; i++) along += b[i] * mean[i];
    along /= c->D[k];
    for (int i = 0; i < n; i++) white[i] += along * b[i];
  }
  double own = sqrt(c->cs * (2 - c->cs) * c->mueff);
  for (int i = 0; i < n; i++) {
    c->m[i] += c->sigma * mean[i];
    c->ps[i] = (1 - c->cs) * c->ps[i] + own * white[i];
    length += c->ps[i] * c->ps[i];
  }
  length = sqrt(length);
  // While the step size grows fast, pc does not: it would stretch C for nothing.
  bool calm = length / sqrt(1 - pow(1 - c->cs, 2.0 * generation)) < (1.4 + 2 / (n + 1.0)) * c->chi;
  own = calm ? sqrt(c->cc * (2 - c->cc) * c->mueff) : 0;
  for (int i = 0; i < n; i++) c->pc[i] = (1 - c->cc) * c->pc[i] + own * mean[i];
  double keep = 1 - c->c1 - c->cmu + (calm ? 0 : c->c1 * c->cc * (2 - c->cc));
  for (int64_t i = 0; i < n; i++) {
    double *row = c->C + i * n;
    for (int64_t j = 0; j < n; j++) row[j] = keep * row[j] + c->c1 * c->pc[i] * c->pc[j];
    for (int k = 0; k < c->mu; k++) {
      const double *y = c->y + c->order[k] * n;
      double factor = c->cmu * c->w[k] * y[i];
      for (int64_t j = 0; j < n; j++) row[j] += factor * y[j];
    }
  }
  c->sigma *= exp(fmin(1, c->cs / c->damps * (length / c->chi - 1)));
}

// Are all draws and the last best within the tolerance?
static bool flat(const cma *c, double before, double tolerance) {
  double best = c->value[c->order[0]], worst = c->value[c->order[c->lambda - 1]];
  return fmax(worst, before) - fmin(best, before) <= tolerance;
}

static void evolve(cma *c, double sigma, double tolerance) {
  hd_search *s = c->s;
  const int64_t n = c->n;
  int level = 0, enough = 10 + (int)ceil(30.0 * c->n / c->lambda);
  double before = hd_search_value(s, memcpy(c->m, s->x, sizeof *c->m * (size_t)n));
  double mean = before;
  for (int64_t i = 0; i < n; i++) c->C[i * n + i] = 1;
  c->sigma = sigma;
  while (hd_search_next(s, mean, c->sigma)) {
    int generation = s->result.generations;
    double step = 0;
    bool sound = decompose(c, generation - 1);
    for (int i = 0; sound && i < c->n; i++) step = fmax(step, c->sigma * c->D[i]);
    if (!sound || !isfinite(step)) {
      s->result.end = HD_SEARCH_STALLED;
      return;
    }
    if (level >= enough || step <= tolerance * sigma) {
      s->result.end = HD_SEARCH_CONVERGED;
      return;
    }
    for (int i = 0; i < c->lambda; i++) {
      draw(c, c->y + i * n, c->x + i * n);
      c->value[i] = hd_search_value(s, c->x + i * n);
    }
    sort(c);
    level = flat(c, before, tolerance) ? level + 1 : 0;
    before = c->value[c->order[0]];
    mean = hd_search_mean(c->value, c->lambda);
    if (isfinite(before)) learn(c, generation);
    else c->sigma /= 2;  // nothing to go by: look nearer
  }
}

static hd_status check(const hd_search *s, hd_cma_es_options *o) {
  if (!o->sigma) o->sigma = 0.5;
  if (!o->tolerance) o->tolerance = 1e-12;
  hd_status status = hd_search_range(s, "sigma", o->sigma, 1e-300, 1e300);
  if (!status) status = hd_search_range(s, "tolerance", o->tolerance, 0, 1);
  if (!status && o->population) status = hd_search_range(s, "population", o->population, 4, 1e6);
  return status;
}

hd_status(hd_cma_es)(const hd_objective *objective, double *x, hd_error *err, hd_cma_es_options o) {
  hd_search s = HD_SEARCH("cma_es", objective, x, err, &o, 1000);
  s.seed = o.seed;
  hd_status status = check(&s, &o);
  if (!status && objective && objective->n > HD_CMA_ES_MOST)
    status = hd_fail(err, HD_E_LIMIT,
                     "cma_es: the objective has %d numbers, at most %d are possible: its matrices "
                     "are n by n; use hd_genetic, or hd_lbfgs if there is a gradient",
                     objective->n, HD_CMA_ES_MOST);
  if (!status) status = hd_search_open(&s);
  if (status) return hd_search_close(&s, status);
  int64_t n = s.n;
  cma c = {.s = &s, .n = s.n};
  c.lambda = o.population ? o.population : 4 + (int)(3 * log((double)n));
  int64_t lambda = c.lambda;
  double *block = hd_search_alloc(&s, 3 * n + 2 * lambda + 6, n + 2);
  if (block) {
    double *to = block;
    c.C = to, to += n * n;
    c.A = to, to += n * n;
    c.B = to, to += n * n;
    c.x = to, to += lambda * n;
    c.y = to, to += lambda * n;
    c.m = to, to += n;
    c.pc = to, to += n;
    c.ps = to, to += n;
    c.D = to, to += n;
    c.scratch = to, to += 2 * n;
    c.value = to, to += lambda;
    c.w = to, to += lambda;
    c.order = (int *)to;
    constants(&c);
    evolve(&c, o.sigma, o.tolerance);
  }
  hd_release(&objective->env, block);
  return hd_search_close(&s, HD_OK);
}
