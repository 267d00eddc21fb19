// Eigenvalues and eigenvectors of a symmetric matrix: Householder reflections to tridiagonal form,
// then the implicit QL method (Golub & Van Loan, Matrix Computations, 8.3). About 9 n^3 operations,
// all along rows.
#include <float.h>
#include <math.h>

#include "search.h"

static double dot(const double *a, const double *b, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

// A = Q T Q^T with Q = H_0 H_1 .. Row k of a keeps, right of the diagonal, v of H_k = 1 - b v v^T,
// scaled so that b = 2 / |v|^2 is 1 (v = 0 where there was nothing to do).
static void tridiagonal(double *a, double *diagonal, double *beside, double *p, int n) {
  for (int k = 0; k < n - 2; k++) {
    double *v = a + (int64_t)k * n + k + 1;
    int m = n - k - 1;
    double *below = a + (int64_t)(k + 1) * n + k + 1;  // what is left: m by m
    double largest = 0, rest = 0;
    for (int i = 0; i < m; i++) largest = fmax(largest, fabs(v[i]));
    for (int i = 1; i < m; i++) rest = fmax(rest, fabs(v[i]));
    diagonal[k] = a[(int64_t)k * n + k];
    beside[k] = v[0];
    if (rest == 0) {
      for (int i = 0; i < m; i++) v[i] = 0;
      continue;
    }
    for (int i = 0; i < m; i++) v[i] /= largest;
    double norm = sqrt(dot(v, v, m));
    double alpha = v[0] > 0 ? -norm : norm;
    v[0] -= alpha;
    beside[k] = alpha * largest;
    double scale = sqrt(2 / dot(v, v, m));
    for (int i = 0; i < m; i++) v[i] *= scale;
    for (int i = 0; i < m; i++) p[i] = dot(below + (int64_t)i * n, v, m);
    double half = dot(p, v, m) / 2;
    for (int i = 0; i < m; i++) p[i] -= half * v[i];
    for (int i = 0; i < m; i++)
      for (int j = 0; j < m; j++) below[(int64_t)i * n + j] -= v[i] * p[j] + p[i] * v[j];
  }
  for (int k = n < 2 ? 0 : n - 2; k < n; k++) diagonal[k] = a[(int64_t)k * n + k];
  if (n > 1) beside[n - 2] = a[(int64_t)(n - 2) * n + n - 1];
  beside[n - 1] = 0;
}

// z = Q^T: the last reflection first, so that each meets a block that is not the identity's.
static void reflections(const double *a, double *z, int n) {
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j < n; j++) z[i * n + j] = i == j;
  for (int k = n - 3; k >= 0; k--) {
    const double *v = a + (int64_t)k * n + k + 1;
    int m = n - k - 1;
    for (int i = k + 1; i < n; i++) {
      double *row = z + (int64_t)i * n + k + 1, along = dot(row, v, m);
      for (int j = 0; j < m; j++) row[j] -= along * v[j];
    }
  }
}

static void rotate(double *upper, double *lower, double c, double s, int n) {
  for (int i = 0; i < n; i++) {
    double u = upper[i], l = lower[i];
    lower[i] = s * u + c * l;
    upper[i] = c * u - s * l;
  }
}

// One sweep of the implicit QL step on rows first .. last, with Wilkinson's shift.
static void sweep(double *d, double *e, double *z, int first, int last, int n) {
  double half = (d[first + 1] - d[first]) / (2 * e[first]), r = hypot(half, 1);
  double g = d[last] - d[first] + e[first] / (half + copysign(r, half)), s = 1, c = 1, p = 0;
  for (int i = last - 1; i >= first; i--) {
    double f = s * e[i], b = c * e[i];
    r = hypot(f, g);
    e[i + 1] = r;
    if (r == 0) {  // it falls into two blocks here
      d[i + 1] -= p;
      e[last] = 0;
      return;
    }
    s = f / r;
    c = g / r;
    g = d[i + 1] - p;
    r = (d[i] - g) * s + 2 * c * b;
    p = s * r;
    d[i + 1] = g + p;
    g = c * r - b;
    rotate(z + (int64_t)i * n, z + (int64_t)(i + 1) * n, c, s, n);
  }
  d[first] -= p;
  e[first] = g;
  e[last] = 0;
}

bool hd_symmetric_eigen(double *a, double *values, double *vectors, double *scratch, int n) {
  double *e = scratch;
  tridiagonal(a, values, e, scratch + n, n);
  reflections(a, vectors, n);
  for (int first = 0; first < n; first++)
    for (int sweeps = 0;; sweeps++) {
      int last = first;
      while (last < n - 1 &&
             !(fabs(e[last]) <= DBL_EPSILON * (fabs(values[last]) + fabs(values[last + 1]))))
        last++;
      if (last == first) break;
      if (sweeps == 64) return false;
      sweep(values, e, vectors, first, last, n);
    }
  for (int i = 0; i < n; i++)
    if (!isfinite(values[i])) return false;
  return true;
}
