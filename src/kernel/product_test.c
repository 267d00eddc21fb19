// Products against a double reference: every transposition, tails, batches, splits; equal bits on
// AVX2 and AVX-512, with and without `after`, in any order of parts.
#define _DEFAULT_SOURCE
#include "guard_test.h"

static void run(const hd_kernels *t, const hd_product *p, const float *a, const float *b, float *c,
                bool backwards, bool unstored, const hd_after *after) {
  hd_product_plan plan;
  memset(&plan, 0x5a, sizeof plan);
  t->product_plan(p, &plan);
  unstored &= plan.run.unstored;
  assert_in_range(plan.run.phases, 1, HD_PHASES);
  int64_t size_b = p->k * p->n * (p->batch_b ? p->batch : 1), size_c = p->batch * p->m * p->n;
  bool small = size_b + size_c < 1 << 15;
  void *scratch = bytes(plan.run.scratch), *packed = bytes(plan.run.packed);
  for (int64_t i = 0; i < p->batch * p->m * p->n; i++) c[i] = NAN;
  for (int phase = 0; phase < plan.run.phases; phase++) {
    int64_t parts = plan.run.parts[phase];
    assert_true(parts >= 1);
    if (plan.run.flop < 5e4 && small) assert_int_equal(parts, 1);
    for (int64_t i = 0; i < parts; i++)
      t->product_run(&plan, phase, backwards ? parts - 1 - i : i, a, b, unstored ? NULL : c,
                     scratch, packed, after);
  }
  free(scratch);
  free(packed);
}

// What `see` does, of an output that is not stored.
static void take(void *context, int64_t first, int64_t count, const float *from) {
  memcpy(((seen *)context)->out + first, from, (size_t)count * 4);
  see(context, first, count);
}

static void check(hd_product p, bool whole) {
  int64_t ra = p.ta ? p.k : p.m, ca = p.ta ? p.m : p.k, rb = p.tb ? p.n : p.k,
          cb = p.tb ? p.k : p.n;
  int64_t one_a = ra && ca ? (ra - 1) * p.lda + ca : 0,
          one_b = rb && cb ? (rb - 1) * p.ldb + cb : 0;
  int64_t size = p.batch * p.m * p.n;
  bool low = word() & 1;
  block ba = fresh((p.batch - 1) * p.batch_a + one_a, whole, low),
        bb = fresh((p.batch - 1) * p.batch_b + one_b, whole, low), bc = fresh(size, whole, low);
  const float *a = ba.p, *b = bb.p;
  float *c = bc.p;
  double *want = calloc((size_t)size, 8), *sum = calloc((size_t)size, 8);
  float *again = malloc((size_t)size * 4), *first = malloc((size_t)size * 4);
  char *mark = calloc((size_t)size, 1);
  assert_true(want && sum && c && again && first && mark);
  for (int64_t e = 0; e < p.batch; e++)
    for (int64_t i = 0; i < p.m; i++)
      for (int64_t k = 0; k < p.k; k++) {
        double x = a[e * p.batch_a + (p.ta ? k * p.lda + i : i * p.lda + k)];
        for (int64_t j = 0; j < p.n; j++) {
          double y = b[e * p.batch_b + (p.tb ? j * p.ldb + k : k * p.ldb + j)];
          want[(e * p.m + i) * p.n + j] += x * y;
          sum[(e * p.m + i) * p.n + j] += fabs(x * y);
        }
      }
  for (int t = 0; t < table_count; t++) {
    run(table[t], &p, a, b, c, false, false, NULL);
    for (int64_t i = 0; i < size; i++) {
      double bound = whole ? 0 : 2.0 * (double)p.k * 0x1p-24 * sum[i];
      if (!(fabs(c[i] - want[i]) <= bound))
        fail_msg(
            "isa %d: batch %d m %d n %d k %d ta %d tb %d lda %d ldb %d: c[%d] = %g, expected %g",
            (int)table[t]->isa, (int)p.batch, (int)p.m, (int)p.n, (int)p.k, p.ta, p.tb, (int)p.lda,
            (int)p.ldb, (int)i, c[i], want[i]);
    }
    for (int unstored = 0; unstored < 2; unstored++) {
      for (int64_t i = 0; i < size; i++) mark[i] = 0;
      seen s = {size, 0, mark, again};
      run(table[t], &p, a, b, again, true, unstored,
          &(hd_after){.run = see, .context = &s, .take = take});
      assert_int_equal(s.covered, size);
      for (int64_t i = 0; i < size; i++) again[i] = -again[i];
      assert_memory_equal(c, again, (size_t)size * 4);
    }
    hd_product kept = p;
    kept.kept = true;
    run(table[t], &kept, a, b, again, true, false, NULL);
    assert_memory_equal(c, again, (size_t)size * 4);
    if (table[t]->isa == HD_ISA_AVX2) memcpy(first, c, (size_t)size * 4);
    if (table[t]->isa == HD_ISA_AVX512)  // has AVX2
      assert_memory_equal(c, first, (size_t)size * 4);
  }
  drop(ba), drop(bb), drop(bc), free(want), free(sum), free(again), free(first), free(mark);
}

static hd_product plain(int64_t batch, int64_t m, int64_t n, int64_t k, bool ta, bool tb,
                        int64_t pad) {
  hd_product p = {.batch = batch, .m = m, .n = n, .k = k, .ta = ta, .tb = tb};
  p.lda = (ta ? m : k) + pad, p.ldb = (tb ? k : n) + pad;
  p.batch_a = (ta ? k : m) * p.lda, p.batch_b = (tb ? n : k) * p.ldb;
  return p;
}

static void test_small(void **state) {
  (void)state;
  for (int round = 0; round < 600; round++) {
    hd_product p = plain(pick(1, 3), pick(1, 67), pick(1, 67), pick(1, 67), round & 1, round & 2,
                         round & 4 ? pick(1, 9) : 0);
    if (round % 7 == 0) p.m = 1, p = plain(p.batch, 1, p.n, p.k, p.ta, p.tb, 0);
    if (round % 11 == 0) p = plain(p.batch, p.m, 1, p.k, p.ta, p.tb, round & 8 ? 3 : 0);
    if (round % 5 == 0) p.batch_b = 0;
    if (round % 17 == 0) p.batch_a = 0;
    check(p, round % 3 == 0);
  }
}

static void test_shapes(void **state) {
  (void)state;
  static const int64_t shape[][4] = {
      // batch, m, n, k
      {1, 64, 300, 784},  {1, 64, 100, 300},  {1, 64, 10, 100},  {1, 784, 300, 64},
      {1, 1, 1000, 333},  {1, 3, 200, 1000},  {1, 2, 16, 2},     {1, 16, 1, 16},
      {1, 20, 24, 9000},  {1, 1, 100, 30000}, {1, 40, 1, 20000}, {5, 33, 65, 129},
      {1, 65, 1600, 70},  {1, 300, 70, 600},  {40, 16, 48, 32},  {1, 200, 130, 513},
      {3, 17, 100, 600},  {1, 128, 300, 40},  {2, 67, 205, 33},  {1, 33, 650, 260},
      {1, 130, 49, 1030}, {1, 97, 600, 520},  {1, 150, 300, 1},  {2, 200, 177, 515},
      {1, 3, 600, 1000},  {1, 2, 4, 2},       {1, 4, 9, 15},     {1, 70, 64, 64},
      {1, 4, 1001, 530},  {1, 5, 530, 999},   {1, 7, 1030, 515}, {1, 8, 1100, 700},
      {1, 12, 67, 130},   {2, 9, 34, 17},     {1, 7, 65, 1100},  {1, 11, 300, 333},
      {1, 10, 1031, 515}, {1, 14, 530, 999},  {1, 16, 100, 300}, {1, 13, 67, 1050},
      {1, 784, 300, 1},   {3, 50, 2600, 1},   {2, 9, 40, 1},     {1, 70, 2561, 1},
      {1, 3, 1025, 2050}, {2, 6, 203, 405},   {1, 130, 901, 70}, {1, 70, 650, 2100},
      {1, 15, 100, 2610}, {2, 9, 31, 1100},   {1, 17, 100, 70},  {1, 19, 300, 1333},
  };
  for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
    for (int t = 0; t < 4; t++)
      check(plain(shape[i][0], shape[i][1], shape[i][2], shape[i][3], t & 1, t & 2, i & 1), t == 1);
}

static void test_empty_sum(void **state) {
  (void)state;
  for (int t = 0; t < 4; t++) {
    hd_product p = plain(2, 5, 7, 0, t & 1, t & 2, 1);
    p.batch_a = p.batch_b = 0;
    check(p, true);
    check(plain(1, 1, 7, 0, t & 1, t & 2, 1), true);
    check(plain(1, 5, 1, 0, t & 1, t & 2, 1), true);
  }
}

int main(void) {
  table_count = tables(table);
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_small), cmocka_unit_test(test_shapes),
                                     cmocka_unit_test(test_empty_sum)};
  return cmocka_run_group_tests_name("product", tests, NULL, NULL);
}
