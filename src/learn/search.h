// What the searches share: the best point so far, random numbers, and when to stop.
#ifndef LEARN_SEARCH_H
#define LEARN_SEARCH_H

#include "../../include/hadal/learn.h"
#include "../base/base.h"
#include "../base/random.h"

#include <math.h>

typedef struct hd_search {
  const char *name;  // of the method, for messages
  const hd_objective *objective;
  hd_error *err;
  int n;
  double *x;  // the best point so far: the caller's, or `own`
  double *own;
  int limit;  // generations
  double target;
  void *user;
  bool (*on_generation)(void *user, const hd_search_progress *progress);
  hd_search_result *to;
  uint64_t seed, drawn[3];
  hd_status status;         // of the objective, of the start, of the callback
  hd_search_result result;  // best: infinite until a value is finite
} hd_search;

// From an options struct that begins with HD_SEARCH_OPTIONS.
#define HD_SEARCH(id, f, at, error, o, most) \
  { \
    .name = id, .objective = f, .x = at, .err = error, \
    .limit = (o)->generations ? (o)->generations : (most), .target = (o)->target, \
    .user = (o)->user, .on_generation = (o)->on_generation, .to = (o)->result, \
    .result.best = INFINITY \
  }
// Checks objective and options and loads the point to begin with.
HD_NODISCARD hd_status hd_search_open(hd_search *s);
// Leaves the best point and the result, and gives back s->status unless status is one.
hd_status hd_search_close(hd_search *s, hd_status status);

// The objective at x; infinity where it is not finite. Remembers the best.
double hd_search_value(hd_search *s, const double *x);
// The same with the gradient in g.
double hd_search_gradient(hd_search *s, const double *x, double *g);
// The end of a generation: whether there is another.
bool hd_search_next(hd_search *s, double mean, double spread);
// The mean of those that are finite.
double hd_search_mean(const double *value, int count);

double hd_search_uniform(hd_search *s);        // in [0, 1)
double hd_search_normal(hd_search *s);         // (0, 1)
int hd_search_below(hd_search *s, int bound);  // 0 .. bound - 1

// count doubles times n, or NULL with the error set.
double *hd_search_alloc(hd_search *s, int64_t count, int64_t n);
// Zeroes mean the default; NaN and what is not in [low, high] are refused.
HD_NODISCARD hd_status hd_search_range(const hd_search *s, const char *what, double value,
                                       double low, double high);

// Eigenvalues of a symmetric matrix, in no order, and its eigenvectors as the rows of `vectors`.
// a is overwritten; scratch: 2 n. False when they do not converge (a holds NaN).
bool hd_symmetric_eigen(double *a, double *values, double *vectors, double *scratch, int n);

#endif
