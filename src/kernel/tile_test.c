// Tiles: accuracy against libm in double, special values, and bits that depend on neither the
// instruction set nor the place of an element.
#include "vector_test.h"

static double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }
static double sigmoid(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }
static double rsqrt(double x) { return 1 / sqrt(x); }
static double recip(double x) { return 1 / x; }

static const struct {
  hd_tile tile;
  double (*exact)(double);
  double bound;  // units in the last place
} functions[] = {
    {HD_TILE_exp, exp, 1.1},           {HD_TILE_log, log, 1.0},
    {HD_TILE_tanh, tanh, 2.6},         {HD_TILE_sigmoid, sigmoid, 2.4},
    {HD_TILE_softplus, softplus, 1.8}, {HD_TILE_erf, erf, 1.2},
    {HD_TILE_sin, sin, 1.6},           {HD_TILE_cos, cos, 1.6},
    {HD_TILE_rsqrt, rsqrt, 1.5},       {HD_TILE_sqrt, sqrt, 0.5001},
    {HD_TILE_floor, floor, 0},         {HD_TILE_recip, recip, 0.5001},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

// Distance in units in the last place of a float near `exact`; infinite when the kind is wrong.
static double distance(float x, double exact) {
  if (isnan(exact) || isnan(x)) return isnan(exact) && isnan(x) ? 0 : INFINITY;
  if (fabs(exact) >= 0x1.ffffffp127) return isinf(x) && (x > 0) == (exact > 0) ? 0 : INFINITY;
  if (isinf(x) || (exact == 0 && (x != 0 || !signbit(x) != !signbit(exact)))) return INFINITY;
  int e;
  frexp(exact, &e);
  return fabs(x - exact) / ldexp(1, e < -125 ? -149 : e - 24);
}

static void test_accuracy(void **state) {
  (void)state;
  enum { N = 1024 };
  static float x[N], y[HD_ISAS][N];
  const hd_kernels *k[HD_ISAS];
  int sets = tables(k);
  for (int f = 0; f < FUNCTIONS; f++) {
    double worst = 0;
    float at = 0;
    uint64_t bits = (uint64_t)f;
    while (bits < (uint64_t)1 << 32) {
      int n = 0;
      for (; n < N && bits < (uint64_t)1 << 32; n++, bits += 20011) x[n] = bits_of((uint32_t)bits);
      for (int s = 0; s < sets; s++) k[s]->tile[functions[f].tile](y[s], x, NULL, NULL, n);
      for (int i = 0; i < n; i++) {
        double exact = functions[f].exact(x[i]);
        for (int s = 0; s < sets; s++)
          if (!(distance(y[s][i], exact) <= worst)) worst = distance(y[s][i], exact), at = x[i];
      }
    }
    if (worst > functions[f].bound)
      fail_msg("tile %d: %g ulp at %g", (int)functions[f].tile, worst, (double)at);
  }
}

static const float special[] = {0.0f,      -0.0f,       1.0f,        -1.0f,     INFINITY,
                                -INFINITY, NAN,         2.0f,        -2.0f,     3.0f,
                                -3.0f,     0.5f,        -0.5f,       2.5f,      -2.5f,
                                1e-40f,    1e30f,       -1e-40f,     -1e30f,    89.0f,
                                -104.0f,   16777216.0f, -8388609.0f, 0x1p-149f, 0x1.fffffep127f};
enum { SPECIAL = sizeof special / sizeof *special };

static void test_special(void **state) {
  (void)state;
  const hd_kernels *k[HD_ISAS];
  int sets = tables(k);
  for (int s = 0; s < sets; s++)
    for (int i = 0; i < SPECIAL; i++) {
      float x = special[i], y;
      for (int f = 0; f < FUNCTIONS; f++) {
        k[s]->tile[functions[f].tile](&y, &x, NULL, NULL, 1);
        double bad = distance(y, functions[f].exact(x));
        if (bad > functions[f].bound)
          fail_msg("tile %d of %g is %g", (int)functions[f].tile, (double)x, (double)y);
      }
      for (int j = 0; j < SPECIAL; j++) {
        float b = special[j];
        k[s]->tile[HD_TILE_pow](&y, &x, &b, NULL, 1);
        if (distance(y, pow(x, b)) > 0.51)
          fail_msg("pow(%g, %g) is %g", (double)x, (double)b, (double)y);
      }
    }
}

static void test_pow(void **state) {
  (void)state;
  enum { N = 4096 };
  static float a[N], b[N], y[N];
  const hd_kernels *k[HD_ISAS];
  int sets = tables(k);
  uint32_t seed = 5;
  for (int i = 0; i < N; i++) a[i] = expf(drawn(&seed) * 4), b[i] = drawn(&seed) * 20;
  for (int s = 0; s < sets; s++) {
    k[s]->tile[HD_TILE_pow](y, a, b, NULL, N);
    for (int i = 0; i < N; i++)
      if (distance(y[i], pow(a[i], b[i])) > 0.501)
        fail_msg("pow(%g, %g) is %g", (double)a[i], (double)b[i], (double)y[i]);
  }
}

static float plain(hd_tile tile, float a, float b, float c) {
  switch (tile) {
    case HD_TILE_copy: return a;
    case HD_TILE_neg: return -a;
    case HD_TILE_abs: return fabsf(a);
    case HD_TILE_sign: return a > 0 ? 1 : a < 0 ? -1 : a;
    case HD_TILE_relu: return a <= 0 ? 0 : a;
    case HD_TILE_add: return a + b;
    case HD_TILE_sub: return a - b;
    case HD_TILE_mul: return a * b;
    case HD_TILE_div: return a / b;
    case HD_TILE_max: return isnan(a) || isnan(b) ? NAN : a > b ? a : b;
    case HD_TILE_min: return isnan(a) || isnan(b) ? NAN : a < b ? a : b;
    case HD_TILE_gt: return a > b;
    case HD_TILE_ge: return a >= b;
    case HD_TILE_eq: return a == b;
    case HD_TILE_select: return a != 0 ? b : c;
    default: return NAN;
  }
}

static void test_plain(void **state) {
  (void)state;
  const hd_tile exact[] = {HD_TILE_copy, HD_TILE_neg, HD_TILE_abs, HD_TILE_sign, HD_TILE_relu,
                           HD_TILE_add,  HD_TILE_sub, HD_TILE_mul, HD_TILE_div,  HD_TILE_max,
                           HD_TILE_min,  HD_TILE_gt,  HD_TILE_ge,  HD_TILE_eq,   HD_TILE_select};
  enum { N = SPECIAL * SPECIAL };
  static float a[N], b[N], c[N], y[N];
  for (int i = 0; i < N; i++)
    a[i] = special[i / SPECIAL], b[i] = special[i % SPECIAL], c[i] = special[i % 7];
  const hd_kernels *k[HD_ISAS];
  int sets = tables(k);
  for (int s = 0; s < sets; s++)
    for (size_t t = 0; t < sizeof exact / sizeof *exact; t++) {
      k[s]->tile[exact[t]](y, a, b, c, N);
      for (int i = 0; i < N; i++) {
        float want = plain(exact[t], a[i], b[i], c[i]);
        if (isnan(want) ? !isnan(y[i]) : !same_bits(&want, &y[i], 1))
          fail_msg("tile %d of %g, %g, %g is %g", (int)exact[t], (double)a[i], (double)b[i],
                   (double)c[i], (double)y[i]);
      }
    }
}

// Lengths 0 to 200 at every misalignment: the same bits as element by element, nothing beside them
// touched, in place or not, on both instruction sets.
static void test_bits(void **state) {
  (void)state;
  enum { N = 200, ROOM = N + 64 };
  static float x[3][ROOM], one[ROOM], y[ROOM], first[ROOM];
  const hd_kernels *k[HD_ISAS];
  int sets = tables(k);
  for (int i = 0; i < 3; i++) fill(x[i], ROOM, 7u + (uint32_t)i);
  for (int i = 0; i < ROOM; i += 9) x[0][i] *= 40;
  for (int t = 0; t < HD_TILE_COUNT; t++)
    for (int s = 0; s < sets; s++) {
      for (int i = 0; i < ROOM; i++) k[s]->tile[t](one + i, x[0] + i, x[1] + i, x[2] + i, 1);
      if (s == 1) memcpy(first, one, sizeof one);
      if (s == 2) assert_true(same_bits(first, one, ROOM));
      for (int n = 0; n <= N; n++) {
        int at = n % 17, place = n % 4;
        for (int i = 0; i < ROOM; i++) y[i] = -77;
        float saved[ROOM];
        float *to = place ? x[place - 1] : y;
        memcpy(saved, to, sizeof saved);
        k[s]->tile[t](to + at, x[0] + at, x[1] + at, x[2] + at, n);
        assert_true(same_bits(to + at, one + at, n));
        memcpy(saved + at, one + at, (size_t)n * 4);
        assert_true(same_bits(saved, to, ROOM));
        if (place) fill(x[place - 1], ROOM, 7u + (uint32_t)place - 1);
        if (place == 1)
          for (int i = 0; i < ROOM; i += 9) x[0][i] *= 40;
      }
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_accuracy), cmocka_unit_test(test_special), cmocka_unit_test(test_pow),
      cmocka_unit_test(test_plain),    cmocka_unit_test(test_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
