// The text of brgemm_amx.inc and product_amx.inc on a model of the tile unit, against a double
// reference: no machine with AMX is needed, and none has been used. The model follows the
// published operation of the instructions and refuses what they would.
#define _DEFAULT_SOURCE
#include "vector_test.h"

#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-variable"
#define HD_LANES 4
#define HD_SUFFIX amx_model
#include "simd.h"
#include "product.inc"
#include "brgemm_bf16.inc"

// ---- The model ----------------------------------------------------------------------------------
static struct tile {
  int rows, row_bytes;
  unsigned char row[16][64];
} tile[8];
static bool configured;
static int configurations, additions;

static void model_config(const void *from) {
  unsigned char c[64];
  memcpy(c, from, 64);
  assert_int_equal(c[0], 1);
  for (int i = 1; i < 16; i++) assert_int_equal(c[i], 0);
  for (int t = 0; t < 16; t++) {
    int bytes_of = c[16 + 2 * t] | c[17 + 2 * t] << 8, rows = c[48 + t];
    assert_true(t < 8 ? rows >= 1 && rows <= 16 && bytes_of >= 1 && bytes_of <= 64
                      : !rows && !bytes_of);
    if (t < 8) tile[t] = (struct tile){.rows = rows, .row_bytes = bytes_of};
  }
  configured = true, configurations++;
}
static void model_zero(int t) {
  assert_true(configured);
  memset(tile[t].row, 0, sizeof tile[t].row);
}
static void model_load(int t, const void *from, size_t stride) {
  model_zero(t);
  for (int i = 0; i < tile[t].rows; i++)
    memcpy(tile[t].row[i], (const char *)from + (size_t)i * stride, (size_t)tile[t].row_bytes);
}
static void model_store(int t, void *to, size_t stride) {
  assert_true(configured);
  for (int i = 0; i < tile[t].rows; i++)
    memcpy((char *)to + (size_t)i * stride, tile[t].row[i], (size_t)tile[t].row_bytes);
}
static float model_number(const unsigned char *at) {
  return bits_of((uint32_t)at[0] << 16 | (uint32_t)at[1] << 24);
}
static float model_flush(float x) { return fabsf(x) < 0x1p-126f ? copysignf(0, x) : x; }
// Even and odd elements have a chain each; their sum is added to what is there.
static void model_add(int c, int a, int b) {
  assert_true(configured);
  assert_int_equal(tile[c].rows, tile[a].rows);
  assert_int_equal(tile[c].row_bytes, tile[b].row_bytes);
  assert_int_equal(tile[a].row_bytes, 4 * tile[b].rows);
  for (int m = 0; m < tile[c].rows; m++)
    for (int n = 0; n < tile[c].row_bytes / 4; n++) {
      float sum[2] = {0, 0}, old;
      for (int k = 0; k < tile[b].rows; k++)
        for (int h = 0; h < 2; h++) {
          float x = model_flush(model_number(tile[a].row[m] + 4 * k + 2 * h));
          float y = model_flush(model_number(tile[b].row[k] + 4 * n + 2 * h));
          sum[h] = model_flush(fmaf(x, y, sum[h]));
        }
      memcpy(&old, tile[c].row[m] + 4 * n, 4);
      old = model_flush(model_flush(old) + model_flush(sum[0] + sum[1]));
      memcpy(tile[c].row[m] + 4 * n, &old, 4);
    }
  additions++;
}
static void model_release(void) {
  assert_true(configured);
  configured = false;
  memset(tile, 0xff, sizeof tile);
}
#define AMX_MODEL
#define AMX_BARRIER() (void)0
#define AMX_CONFIG(tiles) model_config(tiles)
#define AMX_ZERO(t) model_zero(t)
#define AMX_LOAD(t, from, stride) model_load(t, from, stride)
#define AMX_STORE(t, to, stride) model_store(t, to, stride)
#define AMX_ADD(c, a, b) model_add(c, a, b)
#define AMX_RELEASE() model_release()
#include "brgemm_amx.inc"
#include "product_bf16.inc"

#include "guard_test.h"  // at last: its names are common ones

// ---- Products -----------------------------------------------------------------------------------
static void run(const hd_product *p, bool amx, const float *a, const float *b, float *c,
                bool backwards, const hd_after *after) {
  hd_product_plan plan;
  memset(&plan, 0x5a, sizeof plan);
  (amx ? product_amx_plan : product_bf16_plan)(p, &plan);
  void *scratch = bytes(plan.run.scratch), *packed = bytes(plan.run.packed);
  for (int64_t i = 0; i < p->batch * p->m * p->n; i++) c[i] = NAN;
  for (int phase = 0; phase < plan.run.phases; phase++)
    for (int64_t i = 0, parts = plan.run.parts[phase]; i < parts; i++) {
      (amx ? product_amx_run : product_bf16_run)(&plan, phase, backwards ? parts - 1 - i : i, a, b,
                                                 c, scratch, packed, after);
      assert_false(configured);  // each part leaves the tiles as it found them
    }
  free(scratch);
  free(packed);
}

static double worst;  // error of BF16X3, in units of the sum of magnitudes

static void check(hd_product p, bool amx) {
  int64_t ra = p.ta ? p.k : p.m, ca = p.ta ? p.m : p.k, rb = p.tb ? p.n : p.k,
          cb = p.tb ? p.k : p.n, size = p.batch * p.m * p.n;
  bool low = word() & 1, three = p.precision == HD_PRECISION_BF16X3;
  block ba = fresh((p.batch - 1) * p.batch_a + (ra - 1) * p.lda + ca, false, low),
        bb = fresh((p.batch - 1) * p.batch_b + (rb - 1) * p.ldb + cb, false, low),
        bc = fresh(size, false, low), bd = fresh(size, false, low);
  const float *a = ba.p, *b = bb.p;
  char *mark = calloc((size_t)size, 1);
  assert_non_null(mark);
  seen s = {size, 0, mark, bd.p};
  run(&p, amx, a, b, bc.p, false, NULL);
  run(&p, amx, a, b, bd.p, true, &(hd_after){.run = see, .context = &s});
  assert_int_equal(s.covered, size);
  for (int64_t e = 0; e < p.batch; e++)
    for (int64_t i = 0; i < p.m; i++)
      for (int64_t j = 0; j < p.n; j++) {
        double want = 0, sum = 0;
        for (int64_t k = 0; k < p.k; k++) {
          float x = a[e * p.batch_a + (p.ta ? k * p.lda + i : i * p.lda + k)];
          float y = b[e * p.batch_b + (p.tb ? j * p.ldb + k : k * p.ldb + j)];
          sum += fabs((double)x * y);
          if (three) want += (double)x * y;
          else want += (double)bits_of(bf16_bits(x)) * bits_of(bf16_bits(y));
        }
        int64_t at = (e * p.m + i) * p.n + j;
        double bound = 2.0 * (double)p.k * 0x1p-24 * sum + (three ? 0x1.1p-15 * sum : 0) + 1e-30;
        if (!(fabs(bc.p[at] - want) <= bound))
          fail_msg("amx %d three %d: batch %d m %d n %d k %d ta %d tb %d: c[%d] = %g, expected %g",
                   amx, three, (int)p.batch, (int)p.m, (int)p.n, (int)p.k, p.ta, p.tb, (int)at,
                   bc.p[at], want);
        if (three && sum > 0) worst = fmax(worst, fabs(bc.p[at] - want) / sum);
        assert_true(bd.p[at] == -bc.p[at]);
      }
  drop(ba), drop(bb), drop(bc), drop(bd), free(mark);
}

static hd_product plain(int64_t batch, int64_t m, int64_t n, int64_t k, int t, int64_t pad) {
  hd_product p = {.batch = batch, .m = m, .n = n, .k = k, .ta = t & 1, .tb = t & 2};
  p.lda = (p.ta ? m : k) + pad, p.ldb = (p.tb ? k : n) + pad;
  p.batch_a = (p.ta ? k : m) * p.lda, p.batch_b = (p.tb ? n : k) * p.ldb;
  p.precision = HD_PRECISION_BF16;
  return p;
}

static void test_tails(void **state) {
  (void)state;
  for (int round = 0; round < 240; round++) {
    hd_product p = plain(pick(1, 2), pick(1, 70), pick(2, 70), pick(1, 100), round, pick(0, 3));
    if (round % 7 == 0) p.batch_b = 0;
    p.precision = round % 3 ? HD_PRECISION_BF16X3 : HD_PRECISION_BF16;
    check(p, true);
    p.precision = HD_PRECISION_BF16;
    check(p, false);
  }
}

static void test_shapes(void **state) {
  (void)state;
  static const int64_t shape[][4] = {{1, 32, 32, 32},   {1, 64, 96, 640},  {1, 33, 17, 600},
                                     {1, 130, 200, 70}, {1, 20, 24, 9000}, {1, 100, 800, 40}};
  additions = 0;
  for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
    for (int t = 0; t < 4; t++)
      for (int three = 0; three < 2; three++) {
        if (i == 4 && t != 1) continue;
        hd_product p = plain(shape[i][0], shape[i][1], shape[i][2], shape[i][3], t, i & 1);
        p.precision = three ? HD_PRECISION_BF16X3 : HD_PRECISION_BF16;
        check(p, true);
      }
  assert_true(additions > 0);
  print_message("BF16X3: off by at most 2^%.1f of the sum of magnitudes\n", log2(worst));
}

// One block of one product is one configuration, and so many additions of tiles as there are.
static void test_economy(void **state) {
  (void)state;
  hd_product p = plain(1, 32, 32, 96, 0, 0);
  float *a = floats(32 * 96), *b = floats(96 * 32), *c = floats(32 * 32);
  fill(a, 32 * 96, 1), fill(b, 96 * 32, 2);
  additions = configurations = 0;
  run(&p, true, a, b, c, false, NULL);
  assert_int_equal(additions, 4 * 3);
  assert_int_equal(configurations, 1);
  p.precision = HD_PRECISION_BF16X3, additions = 0;
  run(&p, true, a, b, c, false, NULL);
  assert_int_equal(additions, 4 * 3 * 3);
  free(a), free(b), free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_tails), cmocka_unit_test(test_shapes),
                                     cmocka_unit_test(test_economy)};
  return cmocka_run_group_tests_name("amx", tests, NULL, NULL);
}
