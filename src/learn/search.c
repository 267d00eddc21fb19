// What the searches share: the best point so far, random numbers, and when to stop.
#include "search.h"

#include <math.h>

hd_status hd_search_range(const hd_search *s, const char *what, double value, double low,
                          double high) {
  if (value >= low && value <= high) return HD_OK;
  return hd_fail(s->err, HD_E_ARGUMENT, "%s: %s is %g, must be from %g to %g", s->name, what, value,
                 low, high);
}

double *hd_search_alloc(hd_search *s, int64_t count, int64_t n) {
  int64_t bytes;
  double *block = NULL;
  if (hd_mul_size(count, n, &bytes) && hd_mul_size(bytes, (int64_t)sizeof *block, &bytes))
    block = hd_alloc(&s->objective->env, (size_t)bytes);
  if (!block)
    s->status = hd_fail(s->err, HD_E_MEMORY, "%s: memory is out for %lld points of %lld numbers",
                        s->name, (long long)count, (long long)n);
  return block;
}

hd_status hd_search_open(hd_search *s) {
  const hd_objective *f = s->objective;
  if (!f || !f->f) return hd_fail(s->err, HD_E_ARGUMENT, "%s: no objective", s->name);
  s->n = f->n;
  if (s->n < 1)
    return hd_fail(s->err, HD_E_ARGUMENT, "%s: the objective has %d numbers, must have at least 1",
                   s->name, s->n);
  if (s->limit < 0)
    return hd_fail(s->err, HD_E_ARGUMENT, "%s: generations is %d, must not be negative", s->name,
                   s->limit);
  if (isnan(s->target))
    return hd_fail(s->err, HD_E_ARGUMENT, "%s: target is not a number", s->name);
  if (!s->x) {
    if (!f->get || !f->put)
      return hd_fail(s->err, HD_E_ARGUMENT,
                     "%s: no x, and the objective has none of its own (get and put)", s->name);
    s->x = s->own = hd_search_alloc(s, 1, s->n);
    if (!s->own) return s->status;
    f->get(f->user, s->own);
  }
  for (int i = 0; i < s->n; i++)
    if (!isfinite(s->x[i]))
      return s->status = hd_fail(s->err, HD_E_ARGUMENT, "%s: x[%d] is %g, must be finite", s->name,
                                 i, s->x[i]);
  return HD_OK;
}

hd_status hd_search_close(hd_search *s, hd_status status) {
  if (s->own) {
    s->objective->put(s->objective->user, s->own);
    hd_release(&s->objective->env, s->own);
  }
  if (s->to) *s->to = s->result;
  return status ? status : s->status;
}

// What the objective says of its last value.
static double judged(hd_search *s, const double *x, double value) {
  const hd_error *why = s->objective->error;
  s->result.evaluations++;
  if (why && why->status && !s->status)
    s->status = hd_fail(s->err, why->status, "%s: %s", s->name, why->text);
  if (!isfinite(value)) return INFINITY;
  if (value < s->result.best) {
    s->result.best = value;
    if (x != s->x) memcpy(s->x, x, sizeof *x * (size_t)s->n);
  }
  return value;
}

double hd_search_value(hd_search *s, const double *x) {
  if (s->status) return INFINITY;
  return judged(s, x, s->objective->f(s->objective->user, x, s->n));
}

double hd_search_gradient(hd_search *s, const double *x, double *g) {
  if (s->status) return INFINITY;
  double value = s->objective->gradient(s->objective->user, x, s->n, g);
  for (int i = 0; i < s->n; i++)
    if (!isfinite(g[i])) value = NAN;
  return judged(s, x, value);
}

bool hd_search_next(hd_search *s, double mean, double spread) {
  hd_search_result *r = &s->result;
  if (s->status) return false;
  if (isinf(r->best)) {
    s->status = hd_fail(s->err, HD_E_DIVERGED,
                        "%s: the objective is finite at none of the first %lld points; begin "
                        "elsewhere, or nearer to x",
                        s->name, (long long)r->evaluations);
    return false;
  }
  if (s->on_generation) {
    hd_search_progress p = {.generation = r->generations,
                            .evaluations = r->evaluations,
                            .best = r->best,
                            .mean = mean,
                            .spread = spread,
                            .x = s->x};
    if (!s->on_generation(s->user, &p)) {
      s->status =
          hd_fail(s->err, HD_E_STOPPED, "%s: stopped after generation %d", s->name, r->generations);
      return false;
    }
  }
  if (s->target != 0 && r->best <= s->target) return r->end = HD_SEARCH_TARGET, false;
  if (r->generations >= s->limit) return r->end = HD_SEARCH_LIMIT, false;
  r->generations++;
  return true;
}

double hd_search_mean(const double *value, int count) {
  double sum = 0;
  int finite = 0;
  for (int i = 0; i < count; i++)
    if (isfinite(value[i])) sum += value[i], finite++;
  return finite ? sum / finite : INFINITY;
}

// ---- Random numbers -----------------------------------------------------------------------------
// A stream for each kind: they address the words of the generator differently.
static hd_random_key key(const hd_search *s, uint64_t kind) {
  return (hd_random_key){s->seed ? s->seed : 1, hd_hash(s->name, strlen(s->name), kind)};
}
double hd_search_uniform(hd_search *s) {
  return (double)hd_random_uniform(key(s, 1), s->drawn[0]++);
}
double hd_search_normal(hd_search *s) { return hd_random_normal(key(s, 2), s->drawn[1]++); }
int hd_search_below(hd_search *s, int bound) {
  return (int)hd_random_below(key(s, 3), s->drawn[2]++, (uint64_t)bound);
}
