// Reductions, moments, softmax, argmax and dropout: against plain loops in double, and the same
// bits on both instruction sets whatever the order of the parts.
#include "vector_test.h"

static void copied(void *context, int64_t first, int64_t count, float *to) {
  memcpy(to, (const float *)context + first, (size_t)count * 4);
}

// All parts of all phases, forwards or backwards; then once more on rows that are made on the way.
static void reduce(const hd_kernels *k, const hd_reduce *p, const float *x, float *y,
                   bool backwards) {
  hd_reduce_plan plan;
  k->reduce_plan(p, &plan);
  assert_in_range(plan.run.phases, 1, HD_PHASES);
  void *scratch = aligned_alloc(64, (plan.run.scratch + 127) / 64 * 64);
  for (int f = 0; f < plan.run.phases; f++)
    for (int64_t i = 0; i < plan.run.parts[f]; i++)
      k->reduce_run(&plan, f, backwards ? plan.run.parts[f] - 1 - i : i, x, y, scratch, NULL);
  if (p->inner > 1) {
    int64_t n = p->outer * p->inner;
    float *again = floats(n);
    hd_before made = {copied, (void *)x};
    for (int f = 0; f < plan.run.phases; f++)
      for (int64_t i = 0; i < plan.run.parts[f]; i++)
        k->reduce_run(&plan, f, i, NULL, again, scratch, &made);
    assert_true(same_bits(again, y, n));
    free(again);
  }
  free(scratch);
  if (p->outer * p->reduce * p->inner <= 32768)
    assert_true(plan.run.phases == 1 && plan.run.parts[0] == 1);
}

static void check_reduce(int64_t outer, int64_t rows, int64_t inner) {
  const hd_kernels *k[HD_ISAS];
  int sets = tables(k);
  int64_t n = outer * rows * inner, m = outer * inner;
  float *x = floats(n), *y = floats(m + 1), *first = floats(m);
  fill(x, n, (uint32_t)(n + 1));
  if (n > 5 && inner != 3) x[n / 2] = NAN;
  for (int kind = HD_REDUCE_SUM; kind <= HD_REDUCE_MIN; kind++)
    for (int s = 0; s < sets; s++) {
      hd_reduce p = {outer, rows, inner, (hd_reduce_kind)kind};
      y[m] = -77;
      reduce(k[s], &p, x, y, s == 1);
      assert_true(y[m] == -77);
      if (s == 1) memcpy(first, y, (size_t)m * 4);
      if (s == 2) assert_true(same_bits(first, y, m));
      for (int64_t o = 0; o < outer; o++)
        for (int64_t j = 0; j < inner; j++) {
          double sum = 0, size = 0, most = kind == HD_REDUCE_MAX ? -INFINITY : INFINITY;
          for (int64_t r = 0; r < rows; r++) {
            double v = x[(o * rows + r) * inner + j];
            sum += v, size += fabs(v);
            if (isnan(v) || (kind == HD_REDUCE_MAX ? v > most : v < most)) most = v;
            if (isnan(v)) break;
          }
          float got = y[o * inner + j];
          if (isnan(size)) {
            assert_true(isnan(got));
          } else if (kind == HD_REDUCE_MAX || kind == HD_REDUCE_MIN) {
            assert_true(got == most);
          } else if (rows) {
            double scale = kind == HD_REDUCE_MEAN ? 1 / (double)rows : 1;
            assert_true(fabs(got - sum * scale) <= 1e-6 * size * scale + 1e-30);
          }
        }
    }
  free(x), free(y), free(first);
}

static void test_reduce(void **state) {
  (void)state;
  const int64_t shapes[][3] = {
      {1, 1, 1},     {1, 0, 1},     {3, 0, 5},      {0, 4, 4},      {2, 1, 7},     {1, 50176, 6},
      {64, 49, 16},  {1, 64, 300},  {1, 64, 10},    {64, 10, 1},    {5, 16, 1},    {5, 17, 1},
      {3, 1000, 1},  {2, 70001, 1}, {1, 300000, 1}, {7, 13, 3},     {2, 4000, 3},  {1, 129, 513},
      {1, 3000, 97}, {2, 300, 512}, {1, 40, 1500},  {1, 700, 1100}, {300, 129, 2},
  };
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    check_reduce(shapes[i][0], shapes[i][1], shapes[i][2]);
  for (int64_t n = 1; n <= 200; n += 3)
    for (int64_t inner = 1; inner < 40; inner += 7) check_reduce(2, n, inner);
}

static void check_moments(int64_t rows, int64_t columns) {
  const hd_kernels *k[HD_ISAS];
  int sets = tables(k);
  float *x = floats(rows * columns), *y = floats(2 * columns), *first = floats(2 * columns);
  fill(x, rows * columns, 3);
  for (int64_t i = 0; i < rows * columns; i++) x[i] += (float)(i % columns);
  for (int s = 0; s < sets; s++) {
    hd_moments_plan plan;
    k[s]->moments_plan(rows, columns, &plan);
    void *scratch = aligned_alloc(64, (plan.run.scratch + 127) / 64 * 64);
    for (int f = 0; f < plan.run.phases; f++)
      for (int64_t i = 0; i < plan.run.parts[f]; i++)
        k[s]->moments_run(&plan, f, s == 1 ? plan.run.parts[f] - 1 - i : i, x, y, y + columns,
                          scratch);
    free(scratch);
    if (s == 1) memcpy(first, y, (size_t)columns * 8);
    if (s == 2) assert_true(same_bits(first, y, 2 * columns));
    for (int64_t j = 0; j < columns; j++) {
      double mean = 0, variance = 0;
      for (int64_t r = 0; r < rows; r++) mean += (double)x[r * columns + j] / (double)rows;
      for (int64_t r = 0; r < rows; r++) {
        double d = x[r * columns + j] - mean;
        variance += d * d / (double)rows;
      }
      assert_true(fabs(y[j] - mean) <= 1e-6 * (1 + fabs(mean)));
      assert_true(fabs(y[columns + j] - variance) <= 1e-5 * variance + 1e-12);
    }
  }
  free(x), free(y), free(first);
}

static void test_moments(void **state) {
  (void)state;
  check_moments(1, 1), check_moments(5, 3), check_moments(50176, 6), check_moments(3000, 64),
      check_moments(200, 700);
  check_moments(9000, 1), check_moments(17, 16), check_moments(3136, 513), check_moments(100000, 2);
}

static void check_softmax(int64_t rows, int64_t columns, bool log_too) {
  const hd_kernels *k[HD_ISAS];
  int sets = tables(k);
  float *x = floats(rows * columns), *y = floats(rows * columns + 1),
        *first = floats(rows * columns);
  fill(x, rows * columns, 11);
  if (rows * columns > 3) x[3] = -INFINITY;
  for (int s = 0; s < sets; s++) {
    hd_softmax_plan plan;
    k[s]->softmax_plan(rows, columns, log_too, &plan);
    y[rows * columns] = -77;
    bool in_place = s == 1;
    if (in_place) memcpy(y, x, (size_t)(rows * columns) * 4);
    float *norm = floats(2 * rows), *alone = floats(2 * rows);
    for (int64_t i = plan.run.parts[0]; i-- > 0;) {
      if (!log_too) k[s]->softmax_run(&plan, i, in_place ? y : x, NULL, alone);
      k[s]->softmax_run(&plan, i, in_place ? y : x, y, norm);
    }
    if (!log_too) assert_true(same_bits(alone, norm, 2 * rows));
    assert_true(y[rows * columns] == -77);
    if (s == 1) memcpy(first, y, (size_t)(rows * columns) * 4);
    if (s == 2) assert_true(same_bits(first, y, rows * columns));
    for (int64_t r = 0; r < rows; r++) {
      double most = -INFINITY, sum = 0;
      for (int64_t j = 0; j < columns; j++) most = fmax(most, x[r * columns + j]);
      for (int64_t j = 0; j < columns; j++) sum += exp(x[r * columns + j] - most);
      assert_true(norm[2 * r] == (float)most);
      assert_true(fabs(norm[2 * r + 1] - log(sum)) <= 1e-6 * (1 + log(sum)));
      for (int64_t j = 0; j < columns; j++) {
        double v = x[r * columns + j] - most, got = y[r * columns + j];
        if (log_too)
          assert_true(v == -INFINITY ? got == v
                                     : fabs(got - (v - log(sum))) <= 2e-6 * (1 + log(sum)));
        else assert_true(fabs(got - exp(v) / sum) <= 1e-6 * exp(v) / sum);
      }
    }
    free(norm), free(alone);
  }
  free(x), free(y), free(first);
}

static void test_softmax(void **state) {
  (void)state;
  for (int64_t n = 1; n <= 200; n += n < 40 ? 1 : 7)
    check_softmax(3, n, false), check_softmax(2, n, true);
  check_softmax(64, 10, false), check_softmax(2000, 10, true), check_softmax(9, 10000, true),
      check_softmax(0, 4, false);
}

static void test_argmax(void **state) {
  (void)state;
  const hd_kernels *k[HD_ISAS];
  int sets = tables(k);
  static float x[3 * 200];
  for (int s = 0; s < sets; s++)
    for (int64_t n = 1; n <= 200; n++) {
      uint32_t seed = (uint32_t)n;
      for (int64_t i = 0; i < 3 * n; i++) x[i] = floorf(drawn(&seed) * 3);
      if (n > 4) x[n + n / 2] = NAN, x[n + n - 1] = NAN;
      int32_t y[3], want[3];
      for (int64_t r = 0; r < 3; r++) {
        int64_t best = 0;
        for (int64_t j = 1; j < n; j++)
          if (!isnan(x[r * n + best]) && (isnan(x[r * n + j]) || x[r * n + j] > x[r * n + best]))
            best = j;
        want[r] = (int32_t)best;
      }
      k[s]->argmax_rows(3, n, x, y);
      assert_memory_equal(y, want, sizeof y);
    }
}

// One block of Philox 4x32-10, word by word.
static uint32_t philox(uint64_t seed, uint64_t stream, uint64_t i) {
  uint32_t c[4] = {(uint32_t)(i / 4), (uint32_t)(i / 4 >> 32), (uint32_t)stream,
                   (uint32_t)(stream >> 32)};
  uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
  for (int round = 0; round < 10; round++) {
    uint64_t a = (uint64_t)c[0] * 0xD2511F53u, b = (uint64_t)c[2] * 0xCD9E8D57u;
    uint32_t next[4] = {(uint32_t)(b >> 32) ^ c[1] ^ key[0], (uint32_t)b,
                        (uint32_t)(a >> 32) ^ c[3] ^ key[1], (uint32_t)a};
    memcpy(c, next, sizeof c);
    key[0] += 0x9E3779B9u, key[1] += 0xBB67AE85u;
  }
  return c[i % 4];
}

static void test_dropout(void **state) {
  (void)state;
  // The known answers of Random123 for a counter and key of all zeros.
  const uint32_t zeros[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  for (uint64_t i = 0; i < 4; i++) assert_int_equal(philox(0, 0, i), zeros[i]);
  const hd_kernels *k[HD_ISAS];
  int sets = tables(k);
  static float x[1200], y[1201];
  fill(x, 1200, 1);
  const uint64_t starts[] = {0, 1, 2, 3, 1021, ((uint64_t)1 << 34) - 6, ((uint64_t)5 << 40) + 3};
  // The last is a number that is drawn: it is kept.
  const float drawn_one =
      (float)(philox(0x123456789abcdef0u, 0xfedcba9876543210u, 5) >> 8) * 0x1p-24f;
  const float rates[] = {0, 0.25f, 0.5f, 0.9f, 1, drawn_one};
  for (int s = 0; s < sets; s++)
    for (size_t a = 0; a < sizeof starts / sizeof *starts; a++)
      for (size_t b = 0; b < sizeof rates / sizeof *rates; b++)
        for (int64_t n = 0; n <= 1200; n += n < 70 ? 1 : 113) {
          y[n] = -77;
          k[s]->dropout(y, x, n, rates[b], 0x123456789abcdef0u, 0xfedcba9876543210u, starts[a]);
          assert_true(y[n] == -77);
          for (int64_t i = 0; i < n; i++) {
            float u =
                (float)(philox(0x123456789abcdef0u, 0xfedcba9876543210u, starts[a] + (uint64_t)i) >>
                        8) *
                0x1p-24f;
            float want = u >= rates[b] ? x[i] / (1 - rates[b]) : 0;
            assert_true(same_bits(&want, &y[i], 1));
          }
        }
}

static double normal_of(uint64_t seed, uint64_t stream, uint64_t i) {
  double u = (double)(philox(seed, stream, i) >> 1) * 0x1p-31 + 0x1p-32;
  double turn = (double)(philox(seed, ~stream, i) >> 8) * 0x1p-24;
  return -sqrt(-2 * log((double)(float)u)) * cos(2 * acos(-1) * turn);
}

static void test_noise(void **state) {
  (void)state;
  const hd_kernels *k[HD_ISAS];
  int sets = tables(k);
  static float y[1201], first_set[1201];
  const uint64_t starts[] = {0, 1, 2, 3, 1021, ((uint64_t)1 << 34) - 6, ((uint64_t)5 << 40) + 3};
  const uint64_t seed = 0x123456789abcdef0u, stream = 0xfedcba9876543210u;
  for (int s = 0; s < sets; s++)
    for (size_t a = 0; a < sizeof starts / sizeof *starts; a++)
      for (int64_t n = 0; n <= 1200; n += n < 70 ? 1 : 113) {
        y[n] = -77;
        k[s]->noise(y, n, -0.5f, 3, seed, stream, starts[a]);
        assert_true(y[n] == -77);
        for (int64_t i = 0; i < n; i++)
          assert_float_equal(y[i], -0.5 + 3 * normal_of(seed, stream, starts[a] + (uint64_t)i),
                             6e-6);
        if (k[s]->isa == HD_ISA_BASELINE) continue;  // without fused operations it rounds otherwise
        k[sets - 1]->noise(first_set, n, -0.5f, 3, seed, stream, starts[a]);
        assert_true(same_bits(first_set, y, n));
      }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reduce), cmocka_unit_test(test_moments), cmocka_unit_test(test_softmax),
      cmocka_unit_test(test_argmax), cmocka_unit_test(test_dropout), cmocka_unit_test(test_noise),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
