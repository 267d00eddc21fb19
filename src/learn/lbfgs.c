// L-BFGS: a quasi-Newton direction from the last few steps, and a line search.
#include <math.h>

#include "search.h"

typedef struct point {
  double *x, *g;
  double value;
} point;

typedef struct lbfgs {
  hd_search *s;
  int n, history, kept, newest;  // pairs of s and y that are kept, and the last one's place
  double *step, *change;         // history times n: s = x' - x, y = g' - g
  double *curvature, *alpha;     // history: 1 / (s y); the first loop's factors
  double *d;                     // direction
  point at, trial, low;          // low: the best of the line so far
} lbfgs;

static double dot(const double *a, const double *b, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

static double largest(const double *a, int n) {
  double most = 0;
  for (int i = 0; i < n; i++) most = fmax(most, fabs(a[i]));
  return most;
}

static void swap(point *a, point *b) {
  point c = *a;
  *a = *b, *b = c;
}

// d = -H g (Nocedal & Wright 2006, algorithm 7.4), with H0 = s y / y y of the newest pair.
static void direction(lbfgs *b) {
  const int n = b->n;
  for (int i = 0; i < n; i++) b->d[i] = -b->at.g[i];
  for (int k = 0; k < b->kept; k++) {
    int j = (b->newest - k + b->history) % b->history;
    const double *y = b->change + (int64_t)j * n;
    b->alpha[j] = b->curvature[j] * dot(b->step + (int64_t)j * n, b->d, n);
    for (int i = 0; i < n; i++) b->d[i] -= b->alpha[j] * y[i];
  }
  if (b->kept) {
    const double *y = b->change + (int64_t)b->newest * n;
    double scale = 1 / (b->curvature[b->newest] * dot(y, y, n));
    for (int i = 0; i < n; i++) b->d[i] *= scale;
  }
  for (int k = b->kept - 1; k >= 0; k--) {
    int j = (b->newest - k + b->history) % b->history;
    const double *s = b->step + (int64_t)j * n;
    double beta = b->curvature[j] * dot(b->change + (int64_t)j * n, b->d, n);
    for (int i = 0; i < n; i++) b->d[i] += (b->alpha[j] - beta) * s[i];
  }
}

// ---- The line search ----------------------------------------------------------------------------
typedef struct place {
  double t, value, slope;  // along the line
} place;

static place look(lbfgs *b, double t) {
  for (int i = 0; i < b->n; i++) b->trial.x[i] = b->at.x[i] + t * b->d[i];
  b->trial.value = hd_search_gradient(b->s, b->trial.x, b->trial.g);
  return (place){t, b->trial.value, dot(b->trial.g, b->d, b->n)};
}

// The lowest point between two of the cubic through their values and slopes; the middle when that
// is none, or too near to an end.
static double between(place a, place b) {
  double middle = (a.t + b.t) / 2, width = fabs(b.t - a.t);
  if (!isfinite(a.value) || !isfinite(b.value)) return middle;
  double p = a.slope + b.slope - 3 * (a.value - b.value) / (a.t - b.t);
  double q = copysign(sqrt(fmax(p * p - a.slope * b.slope, 0)), b.t - a.t);
  double t = b.t - (b.t - a.t) * ((b.slope + q - p) / (b.slope - a.slope + 2 * q));
  return fabs(t - middle) <= 0.4 * width ? t : middle;  // NaN: the middle
}

// Strong Wolfe conditions by algorithms 3.5 and 3.6. The point found is in b->trial; false: no
// point lower than b->at was met.
static bool search_line(lbfgs *b, double t) {
  const double c1 = 1e-4, c2 = 0.9;
  const place start = {0, b->at.value, dot(b->at.g, b->d, b->n)};
  place low = start, high = {0};  // low: the lowest met that keeps the first condition
  bool bracketed = false;
  b->low.value = INFINITY;
  for (int tries = 0; tries < 30 && !b->s->status; tries++) {
    place now = look(b, t);
    if (now.value > start.value + c1 * t * start.slope || now.value >= low.value) {
      high = now, bracketed = true;
    } else {
      if (fabs(now.slope) <= -c2 * start.slope) return true;
      bool turned = now.slope * (bracketed ? high.t - low.t : 1) >= 0;
      if (turned) high = low, bracketed = true;
      low = now;
      swap(&b->trial, &b->low);
    }
    if (bracketed && fabs(high.t - low.t) <= 1e-15 * fmax(high.t, low.t)) break;
    t = bracketed ? between(low, high) : 4 * t;
  }
  if (b->low.value >= b->at.value) return false;
  swap(&b->trial, &b->low);
  return true;
}

// ---- The descent --------------------------------------------------------------------------------
// Keeps the pair of the last step, from b->at to b->trial, unless the function is not convex along
// it.
static void remember(lbfgs *b) {
  const int n = b->n;
  double sy = 0, yy = 0;
  for (int i = 0; i < n; i++) {
    double y = b->trial.g[i] - b->at.g[i];
    sy += (b->trial.x[i] - b->at.x[i]) * y;
    yy += y * y;
  }
  if (!(sy > 1e-14 * yy) || !isfinite(1 / sy)) return;
  int j = b->kept ? (b->newest + 1) % b->history : 0;
  for (int i = 0; i < n; i++) {
    b->step[(int64_t)j * n + i] = b->trial.x[i] - b->at.x[i];
    b->change[(int64_t)j * n + i] = b->trial.g[i] - b->at.g[i];
  }
  b->curvature[j] = 1 / sy;
  b->newest = j;
  b->kept = HD_MIN(b->kept + 1, b->history);
}

static void descend(lbfgs *b, double tolerance) {
  hd_search *s = b->s;
  memcpy(b->at.x, s->x, sizeof *s->x * (size_t)b->n);
  b->at.value = hd_search_gradient(s, b->at.x, b->at.g);
  while (hd_search_next(s, b->at.value, largest(b->at.g, b->n))) {
    if (largest(b->at.g, b->n) <= tolerance) {
      s->result.end = HD_SEARCH_CONVERGED;
      s->result.generations--;
      return;
    }
    for (bool found = false; !found;) {
      direction(b);
      double slope = dot(b->at.g, b->d, b->n);
      // The first step is one of length 1, or less where the gradient is small.
      double t = b->kept ? 1 : fmin(1, 1 / sqrt(-slope));
      found = slope < 0 && search_line(b, t);
      if (s->status) return;
      if (!found && !b->kept) {  // not even downhill along the gradient
        s->result.end = HD_SEARCH_STALLED;
        return;
      }
      if (!found) b->kept = 0;
    }
    remember(b);
    swap(&b->at, &b->trial);
  }
}

hd_status(hd_lbfgs)(const hd_objective *objective, double *x, hd_error *err, hd_lbfgs_options o) {
  hd_search s = HD_SEARCH("lbfgs", objective, x, err, &o, 200);
  if (!o.history) o.history = 10;
  if (!o.tolerance) o.tolerance = 1e-5;
  hd_status status = hd_search_range(&s, "history", o.history, 1, 1000);
  if (!status) status = hd_search_range(&s, "tolerance", o.tolerance, 0, 1e300);
  if (!status && objective && !objective->gradient)
    status = hd_fail(err, HD_E_ARGUMENT,
                     "lbfgs: the objective has no gradient; for a loss give hd_objective_of_loss "
                     ".gradient = true");
  if (!status) status = hd_search_open(&s);
  if (status) return hd_search_close(&s, status);
  int64_t n = s.n, history = o.history;
  double *block = hd_search_alloc(&s, 2 * history + 7, n + 1);
  if (block) {
    lbfgs b = {.s = &s, .n = s.n, .history = o.history};
    b.step = block;
    b.change = b.step + history * n;
    b.at.x = b.change + history * n;
    b.at.g = b.at.x + n;
    b.trial.x = b.at.g + n;
    b.trial.g = b.trial.x + n;
    b.low.x = b.trial.g + n;
    b.low.g = b.low.x + n;
    b.d = b.low.g + n;
    b.curvature = b.d + n;
    b.alpha = b.curvature + history;
    descend(&b, o.tolerance);
  }
  hd_release(&objective->env, block);
  return hd_search_close(&s, HD_OK);
}
