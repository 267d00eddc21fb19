// Eigenvalues and eigenvectors of symmetric matrices.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "search.h"

enum { MOST = 60 };
typedef struct {
  double a[MOST * MOST], copy[MOST * MOST], values[MOST], vectors[MOST * MOST], scratch[2 * MOST];
} matrix;

static double at(const double *a, int n, int i, int j) { return a[i * n + j]; }

// A v = lambda v, and vectors of length 1 at right angles. The largest error over |A|.
static double error(matrix *m, int n) {
  memcpy(m->copy, m->a, sizeof m->a);
  assert_true(hd_symmetric_eigen(m->a, m->values, m->vectors, m->scratch, n));
  double size = 1e-300, worst = 0;
  for (int i = 0; i < n * n; i++) size = fmax(size, fabs(m->copy[i]));
  for (int k = 0; k < n; k++) {
    const double *v = m->vectors + k * n;
    for (int i = 0; i < n; i++) {
      double sum = -m->values[k] * v[i], other = k == i ? -1 : 0;
      for (int j = 0; j < n; j++) {
        sum += at(m->copy, n, i, j) * v[j];
        other += v[j] * at(m->vectors, n, i, j);
      }
      worst = fmax(worst, fmax(fabs(sum) / size, fabs(other)));
    }
  }
  return worst;
}

static void random_ones(void **state) {
  (void)state;
  matrix *m = calloc(1, sizeof *m);
  assert_non_null(m);
  for (int n = 1; n <= MOST; n += n < 8 ? 1 : 13)
    for (int kind = 0; kind < 4; kind++) {
      // Full; of rank one; already tridiagonal; blocks apart and very unequal sizes.
      for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++) {
          double v = hd_random_normal((hd_random_key){7, (uint64_t)kind}, (uint64_t)(i * n + j));
          if (kind == 1) v = (i + 1.0) * (j + 1.0);
          if (kind == 2 && i - j > 1) v = 0;
          if (kind == 3) v = (i ^ j) & 1 ? 0 : v * pow(10, -(i + j) / 4.0);
          m->a[i * n + j] = m->a[j * n + i] = v;
        }
      double e = error(m, n);
      if (!(e < 1e-13 * (n + 10))) fail_msg("n %d, kind %d: error %g", n, kind, e);
    }
  free(m);
}

// The second difference has eigenvalues 2 - 2 cos(k pi / (n + 1)).
static void known_ones(void **state) {
  (void)state;
  enum { N = 20 };
  matrix *m = calloc(1, sizeof *m);
  assert_non_null(m);
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) m->a[i * N + j] = i == j ? 2 : abs(i - j) == 1 ? -1 : 0;
  assert_true(hd_symmetric_eigen(m->a, m->values, m->vectors, m->scratch, N));
  for (int k = 1; k <= N; k++) {
    double want = 2 - 2 * cos(k * 3.14159265358979323846 / (N + 1)), nearest = 1;
    for (int i = 0; i < N; i++) nearest = fmin(nearest, fabs(m->values[i] - want));
    if (!(nearest < 1e-14)) fail_msg("eigenvalue %d is missed by %g", k, nearest);
  }
  free(m);
}

static void what_is_not_finite_is_refused(void **state) {
  (void)state;
  double a[9] = {1, 2, 3, 2, NAN, 4, 3, 4, 5}, values[3], vectors[9], scratch[6];
  assert_false(hd_symmetric_eigen(a, values, vectors, scratch, 3));
  double b[4] = {INFINITY, 1, 1, 2};
  assert_false(hd_symmetric_eigen(b, values, vectors, scratch, 2));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(random_ones), cmocka_unit_test(known_ones),
                                     cmocka_unit_test(what_is_not_finite_is_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
