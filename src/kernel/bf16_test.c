// Products and convolutions in bf16: within bounds of a double reference; equal bits on AVX2,
// AVX-512 and AVX-512 BF16, denormals, infinities and NaN included, with and without `after`, in
// any order of parts; the processor's mode is left as it was.
#define _DEFAULT_SOURCE
#include "guard_test.h"

static unsigned mode(void) {
#if defined(__x86_64__)
  return __builtin_ia32_stmxcsr() & ~0x3fu;  // but for the flags of what happened
#else
  return 0;
#endif
}
static float rounded(float x) {
  uint32_t u;
  memcpy(&u, &x, 4);
  if ((u & 0x7fffffff) > 0x7f800000) u |= 0x400000;
  else if (!(u & 0x7f800000)) u &= 0x80000000;
  else u += 0x7fff + (u >> 16 & 1);
  return bits_of(u & 0xffff0000);
}

// The tables at hand, and whether two must agree: all but the baseline.
static void more_tables(void) {
  table_count = tables(table);
  hd_isa best = HD_ISA_BASELINE;
  assert_int_equal(hd_cpu_isa(NULL, &best, NULL), HD_OK);
  for (int isa = HD_ISA_AVX512BF16; isa <= (int)best; isa++)
    table[table_count++] = hd_kernels_of((hd_isa)isa);
}

typedef struct problem {
  bool conv;
  hd_product p;
  hd_conv v;
  hd_conv_pass pass;
} problem;

static void run(const hd_kernels *t, const problem *q, const float *a, const float *b, float *c,
                int64_t size, bool backwards, const hd_after *after) {
  hd_product_plan product;
  hd_conv_plan conv;
  memset(&product, 0x5a, sizeof product);
  memset(&conv, 0x5a, sizeof conv);
  if (q->conv) t->conv_plan(&q->v, q->pass, &conv);
  else t->product_plan(&q->p, &product);
  const hd_parts *r = q->conv ? &conv.run : &product.run;
  assert_in_range(r->phases, 1, HD_PHASES);
  void *scratch = bytes(r->scratch), *packed = bytes(r->packed);
  for (int64_t i = 0; i < size; i++) c[i] = NAN;
  unsigned before = mode();
  // Once in full and once more with b's form kept.
  for (int phase = 0, kept = 0; phase < r->phases; phase++) {
    assert_true(r->parts[phase] >= 1);
    if (r->flop < 5e4) assert_int_equal(r->parts[phase], 1);
    for (int64_t i = 0; i < r->parts[phase]; i++) {
      int64_t part = backwards ? r->parts[phase] - 1 - i : i;
      if (q->conv) t->conv_run(&conv, phase, part, a, b, c, scratch, packed, after);
      else t->product_run(&product, phase, part, a, b, c, scratch, packed, after);
      assert_int_equal(mode(), before);
    }
    if (phase + 1 == r->phases && !kept && r->packed && !after) {
      kept = 1, phase = 0;
      memset(scratch, 0xff, r->scratch);
      for (int64_t i = 0; i < size; i++) c[i] = NAN;
    }
  }
  free(scratch);
  free(packed);
}

// Equal bits, but for what NaN carries.
static void same(const float *x, const float *y, int64_t size, const char *what, const problem *q,
                 int isa) {
  for (int64_t i = 0; i < size; i++)
    if (memcmp(x + i, y + i, 4) != 0 && !(isnan(x[i]) && isnan(y[i])))
      fail_msg("%s, isa %d, m %d n %d k %d ta %d tb %d: [%d] is %a and %a", what, isa, (int)q->p.m,
               (int)q->p.n, (int)q->p.k, q->p.ta, q->p.tb, (int)i, x[i], y[i]);
}

static void both_modes_see(void *context, int64_t first, int64_t count) {
  volatile float least = 0x1p-126f;
  assert_true(least / 2 > 0);  // what comes after is not flushed
  see(context, first, count);
}

static void agree(const problem *q, const float *a, const float *b, int64_t size, float *first) {
  float *c = floats(size), *again = floats(size);
  char *mark = calloc((size_t)size, 1);
  assert_non_null(mark);
  for (int t = 0; t < table_count; t++) {
    int isa = (int)table[t]->isa;
    run(table[t], q, a, b, c, size, false, NULL);
    memset(mark, 0, (size_t)size);
    seen s = {size, 0, mark, again};
    run(table[t], q, a, b, again, size, true, &(hd_after){.run = both_modes_see, .context = &s});
    assert_int_equal(s.covered, size);
    for (int64_t i = 0; i < size; i++) again[i] = -again[i];
    same(c, again, size, "with after, backwards", q, isa);
    problem kept = *q;
    kept.p.kept = !q->conv;
    run(table[t], &kept, a, b, again, size, false, NULL);
    same(c, again, size, "b kept", q, isa);
    if (t <= 1) memcpy(first, c, (size_t)size * 4);
    else if (isa != HD_ISA_AMX) same(c, first, size, "another table", q, isa);
  }
  free(c), free(again), free(mark);
}

// What the tables agree on, against double: the sum of rounded operands within what f32 sums lose,
// the sum of the operands themselves within two roundings.
static void check(const problem *q, int kind) {
  const hd_product *p = &q->p;
  int64_t ra = p->ta ? p->k : p->m, ca = p->ta ? p->m : p->k, rb = p->tb ? p->n : p->k,
          cb = p->tb ? p->k : p->n, size = p->batch * p->m * p->n;
  bool low = word() & 1;
  int64_t na = (p->batch - 1) * p->batch_a + (ra - 1) * p->lda + ca,
          nb = (p->batch - 1) * p->batch_b + (rb - 1) * p->ldb + cb;
  block ba = fresh(na, false, low), bb = fresh(nb, false, low);
  float *a = ba.p, *b = bb.p, *c = floats(size), *base = floats(size);
  if (kind) {  // tiny ones whose products vanish, denormals, and with 2 what is not finite
    for (int64_t i = 0; i < na; i++) a[i] *= word() % 3 ? 0x1p-63f : word() % 2 ? 0x1p-130f : 1;
    for (int64_t i = 0; i < nb; i++) b[i] *= word() % 3 ? 0x1p-63f : word() % 2 ? 0x1p-128f : 1;
    if (kind == 2) {
      a[word() % (uint32_t)na] = INFINITY, b[word() % (uint32_t)nb] = -INFINITY;
      a[word() % (uint32_t)na] = NAN, b[word() % (uint32_t)nb] = bits_of(0x7f800001);
      a[word() % (uint32_t)na] = 3.4e38f, b[word() % (uint32_t)nb] = -0.0f;
    }
  }
  agree(q, a, b, size, c);
  run(table[0], q, a, b, base, size, false, NULL);
  for (int64_t e = 0; e < p->batch && kind < 2; e++)
    for (int64_t i = 0; i < p->m; i++)
      for (int64_t j = 0; j < p->n; j++) {
        double want = 0, exact = 0, sum = 0;
        for (int64_t k = 0; k < p->k; k++) {
          float x = a[e * p->batch_a + (p->ta ? k * p->lda + i : i * p->lda + k)];
          float y = b[e * p->batch_b + (p->tb ? j * p->ldb + k : k * p->ldb + j)];
          want += (double)rounded(x) * rounded(y), exact += (double)x * y;
          sum += fabs((double)x * y);
        }
        // A flushed result loses less than the least normal number, at each of k steps.
        double bound = 2.1 * (double)p->k * (0x1p-24 * sum + 0x1p-126);
        int64_t at = (e * p->m + i) * p->n + j;
        if (!(fabs(c[at] - want) <= bound) || !(fabs(base[at] - want) <= bound) ||
            !(fabs(c[at] - exact) <= bound + (0x1p-7 + 0x1p-16) * sum + 0x1p-120))
          fail_msg("m %d n %d k %d ta %d tb %d: c[%d] = %a, baseline %a, rounded %a, exact %a",
                   (int)p->m, (int)p->n, (int)p->k, p->ta, p->tb, (int)at, c[at], base[at], want,
                   exact);
      }
  drop(ba), drop(bb), free(c), free(base);
}

static problem plain(int64_t batch, int64_t m, int64_t n, int64_t k, int t, int64_t pad) {
  problem q = {.p = {.batch = batch, .m = m, .n = n, .k = k, .ta = t & 1, .tb = t & 2}};
  q.p.precision = HD_PRECISION_BF16;
  q.p.lda = (q.p.ta ? m : k) + pad, q.p.ldb = (q.p.tb ? k : n) + pad;
  q.p.batch_a = (q.p.ta ? k : m) * q.p.lda, q.p.batch_b = (q.p.tb ? n : k) * q.p.ldb;
  return q;
}

static void test_small(void **state) {
  (void)state;
  for (int round = 0; round < 400; round++) {
    problem q = plain(pick(1, 3), pick(1, 67), pick(1, 67), pick(1, 67), round, round & 4 ? 3 : 0);
    if (round % 9 == 0) q = plain(q.p.batch, 1, q.p.n, q.p.k, round, 0);
    if (round % 11 == 0) q = plain(q.p.batch, q.p.m, 1, q.p.k, round, round & 8 ? 3 : 0);
    if (round % 5 == 0) q.p.batch_b = 0;
    if (round % 17 == 0) q.p.batch_a = 0;
    check(&q, round % 3);
  }
}

static void test_shapes(void **state) {
  (void)state;
  // The last twelve: few rows in stripes, whole and in pieces; blocks of k with B rounded as it is
  // read, and of a transposed A; a transposed A that parts share; rows of A rounded beside the
  // tiles, with one panel of columns, two and more, and with B rounded too; the next panel of B
  // rounded beside the tiles of this one, with columns and rows that are left over.
  static const int64_t shape[][4] = {
      {1, 64, 300, 784},  {1, 784, 300, 33},   {1, 1, 1000, 333},   {1, 3, 200, 1001},
      {1, 16, 1, 700},    {1, 20, 24, 9001},   {3, 33, 65, 129},    {1, 65, 1600, 70},
      {1, 300, 70, 601},  {8, 16, 48, 32},     {1, 200, 130, 1537}, {1, 130, 790, 257},
      {1, 3, 1030, 513},  {1, 2, 150, 4500},   {1, 60, 100, 700},   {1, 70, 40, 4500},
      {2, 280, 40, 70},   {1, 270, 520, 1100}, {1, 1000, 40, 97},   {1, 2000, 64, 131},
      {1, 3600, 100, 39}, {1, 120, 300, 700},  {1, 40, 17, 515},    {2, 50, 129, 601},
  };
  for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
    for (int t = 0; t < 4; t++) {
      problem q = plain(shape[i][0], shape[i][1], shape[i][2], shape[i][3], t, i & 1);
      check(&q, (int)i % 3);
    }
}

// The order within a pair is seen: the same sum with the odd element first has other bits.
static void test_order_is_seen(void **state) {
  (void)state;
  problem q = plain(1, 32, 48, 64, 0, 0);
  float *a = floats(32 * 64), *b = floats(64 * 48), *c = floats(32 * 48);
  fill(a, 32 * 64, 7), fill(b, 64 * 48, 8);
  for (int i = 0; i < 32 * 64; i++) a[i] *= (float)(1 << pick(0, 20));  // or the sums are exact
  for (int t = 1; t < table_count; t++) {
    if (table[t]->isa == HD_ISA_AMX) continue;
    run(table[t], &q, a, b, c, 32 * 48, false, NULL);
    int right = 0, swapped = 0;
    for (int i = 0; i < 32; i++)
      for (int j = 0; j < 48; j++) {
        float x = 0, y = 0;
        for (int k = 0; k < 64; k++) {
          x = fmaf(rounded(a[i * 64 + k]), rounded(b[k * 48 + j]), x);
          y = fmaf(rounded(a[i * 64 + (k ^ 1)]), rounded(b[(k ^ 1) * 48 + j]), y);
        }
        right += same_bits(&x, c + i * 48 + j, 1), swapped += same_bits(&y, c + i * 48 + j, 1);
      }
    assert_int_equal(right, 32 * 48);
    assert_true(swapped < 32 * 48 / 2);
  }
  free(a), free(b), free(c);
}

static void test_empty_sum(void **state) {
  (void)state;
  for (int t = 0; t < table_count; t++) {
    problem q = plain(2, 5, 7, 0, 0, 1);
    q.p.batch_a = q.p.batch_b = 0;
    float x = NAN, c[70];
    run(table[t], &q, &x, &x, c, 70, false, NULL);
    for (int i = 0; i < 70; i++) assert_true(c[i] == 0);
  }
}

// Three terms are f32 but on AMX.
static void test_three_terms(void **state) {
  (void)state;
  float *a = floats(40 * 50), *b = floats(50 * 60), *x = floats(40 * 60), *y = floats(40 * 60);
  fill(a, 40 * 50, 7), fill(b, 50 * 60, 8);
  for (int t = 0; t < table_count; t++) {
    if (table[t]->isa == HD_ISA_AMX) continue;
    problem q = plain(1, 40, 60, 50, 0, 0), f = q;
    q.p.precision = HD_PRECISION_BF16X3, f.p.precision = HD_PRECISION_F32;
    run(table[t], &q, a, b, x, 40 * 60, false, NULL);
    run(table[t], &f, a, b, y, 40 * 60, false, NULL);
    assert_memory_equal(x, y, 40 * 60 * 4);
  }
  free(a), free(b), free(x), free(y);
}

static void test_convolutions(void **state) {
  (void)state;
  static const hd_conv shape[] = {
      {.n = 3,
       .h = 9,
       .w = 8,
       .c = 16,
       .f = 24,
       .kh = 3,
       .kw = 3,
       .oh = 9,
       .ow = 8,
       .top = 1,
       .left = 1},
      {.n = 2, .h = 9, .w = 8, .c = 20, .f = 33, .kh = 1, .kw = 1, .oh = 9, .ow = 8},
      {.n = 2, .h = 12, .w = 12, .c = 1, .f = 6, .kh = 5, .kw = 5, .oh = 8, .ow = 8},
      {.n = 2,
       .h = 11,
       .w = 10,
       .c = 3,
       .f = 8,
       .kh = 3,
       .kw = 3,
       .oh = 5,
       .ow = 5,
       .top = 0,
       .left = 1,
       .sh = 2,
       .sw = 2},
      {.n = 2,
       .h = 8,
       .w = 8,
       .c = 12,
       .f = 12,
       .kh = 3,
       .kw = 3,
       .oh = 8,
       .ow = 8,
       .top = 1,
       .left = 1,
       .groups = 12},
      {.n = 1,
       .h = 8,
       .w = 8,
       .c = 32,
       .f = 16,
       .kh = 1,
       .kw = 1,
       .oh = 4,
       .ow = 4,
       .sh = 2,
       .sw = 2},
      // large ones, where f32 has ways of its own
      {.n = 2,
       .h = 24,
       .w = 24,
       .c = 64,
       .f = 64,
       .kh = 3,
       .kw = 3,
       .oh = 24,
       .ow = 24,
       .top = 1,
       .left = 1},
      {.n = 9, .h = 16, .w = 16, .c = 32, .f = 33, .kh = 1, .kw = 1, .oh = 16, .ow = 16},
  };
  for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
    for (int pass = 0; pass < 3; pass++) {
      problem q = {.conv = true, .v = shape[i], .pass = (hd_conv_pass)pass};
      hd_conv *v = &q.v;
      v->precision = HD_PRECISION_BF16;
      v->sh += !v->sh, v->sw += !v->sw, v->dh = v->dw = 1, v->groups += !v->groups;
      int64_t x = v->n * v->h * v->w * v->c, y = v->n * v->oh * v->ow * v->f,
              w = v->kh * v->kw * v->c / v->groups * v->f;
      int64_t size = pass == 0 ? y : pass == 1 ? x : w;
      block a = fresh(pass == 1 ? y : x, false, pass & 1),
            b = fresh(pass == 2 ? y : w, false, i & 1);
      float *out = floats(size);
      agree(&q, a.p, b.p, size, out);
      hd_conv_plan plan;
      table[0]->conv_plan(v, q.pass, &plan);
      const bool minimal = plan.block[0] == 9;  // CONV_WINOGRAD of conv.inc, which rounds sums
      float *f32 = floats(size);
      // On numbers that are bf16 already, f32 is the same but for the order of sums; small whole
      // numbers are exact in both, quarters of their sums too.
      for (int whole = minimal; whole < 2; whole++) {
        for (int64_t j = 0; j < (pass == 1 ? y : x); j++)
          a.p[j] = whole ? (float)pick(-2, 2) : rounded(a.p[j]);
        for (int64_t j = 0; j < (pass == 2 ? y : w); j++)
          b.p[j] = whole ? (float)(4 * pick(-2, 2)) : rounded(b.p[j]);
        for (int t = 0; t < table_count; t++) {
          if (table[t]->isa == HD_ISA_AMX) continue;
          v->precision = HD_PRECISION_BF16;
          run(table[t], &q, a.p, b.p, out, size, false, NULL);
          v->precision = HD_PRECISION_F32;
          run(table[t], &q, a.p, b.p, f32, size, false, NULL);
          for (int64_t j = 0; j < size; j++)
            assert_true(fabsf(out[j] - f32[j]) <= (whole ? 0 : 1e-4f * (1 + fabsf(f32[j]))));
        }
      }
      drop(a), drop(b), free(out), free(f32);
    }
}

int main(void) {
  more_tables();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_small),       cmocka_unit_test(test_shapes),
      cmocka_unit_test(test_empty_sum),   cmocka_unit_test(test_order_is_seen),
      cmocka_unit_test(test_three_terms), cmocka_unit_test(test_convolutions)};
  return cmocka_run_group_tests_name("bf16", tests, NULL, NULL);
}
