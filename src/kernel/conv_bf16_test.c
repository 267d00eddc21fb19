// Convolutions in bf16: equal bits on AVX2, AVX-512 and AVX-512 BF16, all three passes, in any
// order of parts, with and without `after`; near a double reference on rounded operands, and equal
// to it where all is whole numbers.
#define _DEFAULT_SOURCE
#include "guard_test.h"

static const hd_kernels *sets[4];
static int sets_count;

static void run(const hd_kernels *t, const hd_conv *p, hd_conv_pass pass, const float *a,
                const float *b, float *out, int64_t size, bool backwards, const hd_after *after) {
  hd_conv_plan plan;
  memset(&plan, 0x5a, sizeof plan);
  t->conv_plan(p, pass, &plan);
  assert_in_range(plan.run.phases, 1, HD_PHASES);
  void *scratch = bytes(plan.run.scratch), *packed = bytes(plan.run.packed);
  for (int64_t i = 0; i < size; i++) out[i] = NAN;
  for (int phase = 0; phase < plan.run.phases; phase++) {
    int64_t parts = plan.run.parts[phase];
    assert_true(parts >= 1);
    if (plan.run.flop < 5e4) assert_int_equal(parts, 1);
    for (int64_t i = 0; i < parts; i++)
      t->conv_run(&plan, phase, backwards ? parts - 1 - i : i, a, b, out, scratch, packed, after);
  }
  free(scratch);
  free(packed);
}

static double rounded(float x) {  // normal and finite
  uint32_t u;
  memcpy(&u, &x, 4);
  return bits_of((u + 0x7fff + (u >> 16 & 1)) & 0xffff0000);
}

// Elements of an operand (0, 1) or the output (2).
static int64_t size_of(const hd_conv *p, hd_conv_pass pass, int which) {
  int64_t x = p->n * p->h * p->w * p->c, w = p->kh * p->kw * (p->c / p->groups) * p->f,
          y = p->n * p->oh * p->ow * p->f;
  if (which == 0) return pass == HD_CONV_INPUT ? y : x;
  if (which == 1) return pass == HD_CONV_WEIGHTS ? y : w;
  return pass == HD_CONV_FORWARD ? y : pass == HD_CONV_INPUT ? x : w;
}

// want and the sum of magnitudes, and how many terms, for each element of the pass's output; of
// rounded operands, or of what they are.
static void reference(const hd_conv *p, hd_conv_pass pass, bool round, const float *a,
                      const float *b, double *want, double *sum, int *terms) {
  int64_t cg = p->c / p->groups, fg = p->f / p->groups;
  for (int64_t n = 0; n < p->n; n++)
    for (int64_t i = 0; i < p->oh; i++)
      for (int64_t j = 0; j < p->ow; j++)
        for (int64_t r = 0; r < p->kh; r++)
          for (int64_t s = 0; s < p->kw; s++) {
            int64_t h = i * p->sh + r * p->dh - p->top, v = j * p->sw + s * p->dw - p->left;
            if (h < 0 || h >= p->h || v < 0 || v >= p->w) continue;
            for (int64_t f = 0; f < p->f; f++)
              for (int64_t c = 0; c < cg; c++) {
                int64_t x = ((n * p->h + h) * p->w + v) * p->c + f / fg * cg + c,
                        w = ((r * p->kw + s) * cg + c) * p->f + f,
                        y = ((n * p->oh + i) * p->ow + j) * p->f + f;
                int64_t ai = pass == HD_CONV_INPUT ? y : x, bi = pass == HD_CONV_WEIGHTS ? y : w,
                        o = pass == HD_CONV_FORWARD ? y
                            : pass == HD_CONV_INPUT ? x
                                                    : w;
                double t = round ? rounded(a[ai]) * rounded(b[bi]) : (double)a[ai] * b[bi];
                want[o] += t, sum[o] += fabs(t), terms[o]++;
              }
          }
}

static void describe(const hd_conv *p, hd_conv_pass pass, const hd_kernels *t, int64_t i,
                     double got, double want) {
  fail_msg(
      "isa %d pass %d: n %d x %dx%dx%d f %d k %dx%d o %dx%d stride %d,%d dil %d,%d pad %d,%d "
      "groups %d: [%d] = %.9g, expected %.9g",
      (int)t->isa, (int)pass, (int)p->n, (int)p->h, (int)p->w, (int)p->c, (int)p->f, (int)p->kh,
      (int)p->kw, (int)p->oh, (int)p->ow, (int)p->sh, (int)p->sw, (int)p->dh, (int)p->dw,
      (int)p->top, (int)p->left, (int)p->groups, (int)i, got, want);
}

// Minimal filtering rounds sums of operands: in 2^-9 of the outputs' root mean square, their errors
// have one of 2.0 and reach 10. (The plain sum: 1.1 and 5.) No rounding at all would be less.
static bool is_minimal(const hd_conv *p, hd_conv_pass pass) {
  hd_conv_plan plan;
  sets[0]->conv_plan(p, pass, &plan);
  return plan.block[0] == 9;  // CONV_WINOGRAD of conv.inc
}
static void check_minimal(const hd_conv *p, hd_conv_pass pass, const float *got, const double *want,
                          int64_t size) {
  double error = 0, all = 0;
  for (int64_t i = 0; i < size; i++) all += want[i] * want[i] / (double)size;
  const double unit = 0x1p-9 * sqrt(all);
  for (int64_t i = 0; i < size; i++) {
    double e = (got[i] - want[i]) / unit;
    if (!(fabs(e) <= 18)) describe(p, pass, sets[0], i, got[i], want[i]);
    error += e * e / (double)size;
  }
  if (!(sqrt(error) >= 1.5 && sqrt(error) <= 2.5))
    fail_msg("pass %d: error %g of 2^-9", (int)pass, sqrt(error));
}

enum { RANDOM, WHOLE, TINY, DENORMAL, BROKEN };
// Of tiny operands products and sums underflow, and the sign of a zero is free. The sums of whole
// ones that minimal filtering rounds and halves are exact. Broken: two are not finite.
static void operand(float *x, int64_t n, int kind, bool first) {
  for (int64_t i = 0; i < n; i++)
    x[i] = kind == WHOLE ? (float)(pick(-2, 2) * (first ? 1 : 4))
                         : x[i] * (kind == TINY       ? 0x1p-63f
                                   : kind == DENORMAL ? 0x1p-127f
                                                      : 1);
  if (kind == BROKEN) x[n / 3] = NAN, x[n / 2] = INFINITY;
}
static void check(hd_conv p, int kind, bool against) {
  p.precision = HD_PRECISION_BF16;
  for (hd_conv_pass pass = 0; pass < 3; pass++) {
    int64_t size = size_of(&p, pass, 2);
    bool low = word() & 1;
    block a = fresh(size_of(&p, pass, 0), false, low), b = fresh(size_of(&p, pass, 1), false, low),
          o = fresh(size, false, low);
    operand(a.p, size_of(&p, pass, 0), kind, true);
    operand(b.p, size_of(&p, pass, 1), kind, false);
    float *again = floats(size), *first = floats(size);
    char *mark = malloc((size_t)size);
    assert_non_null(mark);
    for (int t = 0; t < sets_count; t++) {
      run(sets[t], &p, pass, a.p, b.p, o.p, size, false, NULL);
      memset(mark, 0, (size_t)size);
      seen s = {size, 0, mark, again};
      run(sets[t], &p, pass, a.p, b.p, again, size, true, &(hd_after){.run = see, .context = &s});
      assert_int_equal(s.covered, size);
      for (int64_t i = 0; i < size; i++) again[i] = -again[i];
      assert_memory_equal(o.p, again, (size_t)size * 4);
      if (kind == TINY || kind == DENORMAL)
        for (int64_t i = 0; i < size; i++) o.p[i] = o.p[i] == 0 ? 0 : o.p[i];
      if (t == 0) memcpy(first, o.p, (size_t)size * 4);
      for (int64_t i = 0; i < size; i++)
        if (!same_bits(first + i, o.p + i, 1) && !(isnan(first[i]) && isnan(o.p[i])))
          describe(&p, pass, sets[t], i, o.p[i], first[i]);
    }
    if (against) {
      double *want = calloc((size_t)size, 8), *sum = calloc((size_t)size, 8);
      int *terms = calloc((size_t)size, sizeof *terms);
      assert_true(want && sum && terms);
      bool loose = kind == RANDOM && is_minimal(&p, pass);
      reference(&p, pass, !loose, a.p, b.p, want, sum, terms);
      if (loose) check_minimal(&p, pass, first, want, size);
      for (int64_t i = 0; i < size && !loose; i++)
        if (!(fabs(first[i] - want[i]) <= (kind == WHOLE ? 0 : 2.0 * terms[i] * 0x1p-24 * sum[i])))
          describe(&p, pass, sets[0], i, first[i], want[i]);
      free(want), free(sum), free(terms);
    }
    drop(a), drop(b), drop(o), free(again), free(first), free(mark);
  }
}

static void test_layers(void **state) {
  (void)state;
  static const int64_t layer[][7] = {
      // n, size, c, f, k, stride, pad
      {2, 9, 64, 64, 3, 1, 1},   {2, 7, 40, 100, 3, 1, 1},  {2, 12, 32, 20, 1, 1, 0},
      {3, 9, 24, 40, 1, 2, 0},   {1, 30, 3, 20, 7, 2, 3},   {3, 8, 16, 32, 3, 2, 1},
      {4, 5, 8, 10, 5, 1, 2},    {9, 14, 6, 16, 5, 1, 0},   {9, 28, 1, 6, 5, 1, 2},
      {9, 14, 17, 35, 3, 1, 1},  {3, 13, 33, 64, 3, 2, 1},  {1, 40, 35, 50, 5, 1, 2},
      {2, 3, 40, 40, 3, 1, 1},   {9, 16, 16, 16, 3, 1, 1},  {1, 29, 96, 80, 3, 1, 1},
      {20, 7, 32, 33, 3, 1, 1},  {2, 30, 3, 64, 7, 2, 3},   {5, 9, 4, 50, 3, 1, 1},
      {9, 14, 12, 17, 3, 2, 1},  {2, 31, 7, 130, 3, 1, 0},  {8, 12, 48, 80, 3, 1, 1},
      {3, 9, 128, 35, 3, 2, 1},  {2, 10, 64, 20, 4, 2, 1},  {3, 9, 31, 70, 1, 3, 0},
      {4, 8, 3, 64, 1, 2, 0},    {3, 15, 70, 90, 3, 1, 1},  {5, 13, 26, 66, 3, 1, 1},
      {7, 9, 40, 56, 3, 1, 1},   {5, 4, 180, 200, 3, 1, 1}, {3, 5, 181, 170, 3, 1, 1},
      {4, 8, 170, 180, 3, 2, 1}, {2, 9, 64, 40, 1, 2, 1},
  };
  for (size_t i = 0; i < sizeof layer / sizeof *layer; i++)
    for (int kind = RANDOM; kind <= WHOLE; kind++)
      check(square(layer[i][0], layer[i][1], layer[i][2], layer[i][3], layer[i][4], layer[i][5],
                   layer[i][6]),
            kind, true);
}

// Images large enough for other ways of summing weight gradients.
static void test_large(void **state) {
  (void)state;
  check(square(2, 28, 64, 64, 3, 1, 1), RANDOM, false);
  check(square(5, 14, 80, 64, 3, 1, 1), RANDOM, false);
  check(square(2, 30, 64, 66, 3, 2, 1), RANDOM, false);
  check(square(4, 32, 20, 17, 1, 1, 0), RANDOM, false);
  check(square(4, 32, 33, 40, 1, 2, 0), RANDOM, false);
  check(square(1, 108, 3, 40, 5, 2, 2), RANDOM, false);
  hd_conv p = square(1, 33, 96, 64, 3, 1, 1);
  p.groups = 2;
  check(p, RANDOM, false);
}

// Padding after the image alone.
static void test_after(void **state) {
  (void)state;
  for (int i = 0; i < 12; i++) {
    hd_conv p = square(2, 8 - i % 3, i % 2 ? 32 : 40, 48, 1, 1 + i / 6, 0);
    p.oh = (p.h - 1 + (i % 3 != 0)) / p.sh + 1, p.ow = (p.w - 1 + (i % 3 != 1)) / p.sw + 1;
    check(p, RANDOM, true);
  }
}

static void test_groups(void **state) {
  (void)state;
  static const int64_t kind[][3] = {
      {64, 128, 2}, {48, 48, 4}, {12, 20, 2}, {70, 34, 2}, {20, 20, 20}};
  for (size_t i = 0; i < sizeof kind / sizeof *kind; i++)
    for (int64_t stride = 1; stride < 3; stride++) {
      hd_conv p = square(3, 9, kind[i][0], kind[i][1], 3, stride, 1);
      p.groups = kind[i][2];
      check(p, RANDOM, true);
    }
}

static void test_underflow(void **state) {
  (void)state;
  check(square(9, 14, 32, 48, 3, 1, 1), TINY, false);
  check(square(9, 14, 32, 48, 3, 2, 1), TINY, false);
  check(square(9, 14, 16, 16, 3, 1, 1), TINY, false);
  check(square(2, 9, 40, 40, 3, 1, 1), DENORMAL, false);  // denormal operands
}

static void test_broken(void **state) {
  (void)state;
  check(square(9, 14, 32, 48, 3, 1, 1), BROKEN, false);
}

static void test_random(void **state) {
  (void)state;
  for (int round = 0; round < 200; round++) {
    hd_conv p = {.n = pick(1, 5),
                 .h = pick(1, 13),
                 .w = pick(1, 20),
                 .kh = pick(1, 6),
                 .kw = pick(1, 6),
                 .sh = 1,
                 .sw = 1,
                 .dh = 1,
                 .dw = 1};
    if (round % 2) p.sh = pick(1, 4), p.sw = pick(1, 4);
    if (round % 3 == 0) p.dh = pick(1, 3), p.dw = pick(1, 3);
    p.top = pick(0, p.kh), p.left = pick(0, p.kw);
    int64_t high = p.h + p.top + pick(0, p.kh) - (p.kh - 1) * p.dh,
            wide = p.w + p.left + pick(0, p.kw) - (p.kw - 1) * p.dw;
    if (high < 1 || wide < 1) continue;
    p.oh = (high - 1) / p.sh + 1, p.ow = (wide - 1) / p.sw + 1;
    p.groups = round % 5 ? 1 : pick(1, 5);
    p.c = round % 4 ? pick(1, 40) : pick(16, 70), p.f = round % 4 ? pick(17, 70) : pick(1, 40);
    if (p.groups > 1) p.c = 2 * p.groups * pick(1, 8), p.f = 2 * p.groups * pick(1, 9);
    check(p, RANDOM, round % 4 == 0);
  }
}

int main(void) {
  table_count = tables(table);
  for (int i = 0; i < table_count && sets_count < 3; i++)
    if (table[i]->isa == HD_ISA_AVX2 || table[i]->isa == HD_ISA_AVX512)
      sets[sets_count++] = table[i];
  if (sets_count == 0) sets[sets_count++] = table[0];
#if defined(__x86_64__) && defined(__GNUC__)
  if (__builtin_cpu_supports("avx512bf16")) sets[sets_count++] = hd_kernels_of(HD_ISA_AVX512BF16);
#endif
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_layers),    cmocka_unit_test(test_large),
      cmocka_unit_test(test_groups),    cmocka_unit_test(test_after),
      cmocka_unit_test(test_underflow), cmocka_unit_test(test_broken),
      cmocka_unit_test(test_random)};
  return cmocka_run_group_tests_name("conv_bf16", tests, NULL, NULL);
}
