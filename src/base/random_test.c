// Philox against its published vectors; what is drawn from it against its distribution and libm.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>

#include "random.h"

static void philox_gives_the_published_words(void **state) {
  (void)state;
  static const struct {
    uint64_t seed, hi, lo;
    uint32_t word[4];
  } known[] = {
      {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0), {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {0x299f31d0a4093822,
       0x0370734413198a2e,
       0x85a308d3243f6a88,
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}};
  for (size_t i = 0; i < HD_COUNT(known); i++) {
    uint32_t word[4];
    hd_philox(known[i].seed, known[i].hi, known[i].lo, word);
    for (int k = 0; k < 4; k++)
      if (word[k] != known[i].word[k]) fail_msg("vector %zu, word %d: %08x", i, k, word[k]);
  }
}

static void uniform_is_the_top_24_bits(void **state) {
  (void)state;
  hd_random_key key = {7, 9};
  double sum = 0, square = 0;
  enum { COUNT = 200000 };
  int bin[16] = {0};
  for (uint64_t i = 0; i < COUNT; i++) {
    float u = hd_random_uniform(key, i);
    uint32_t word[4];
    hd_philox(7, 9, i / 4, word);
    assert_true(u == (float)(word[i % 4] / 256) / 16777216.0f && u >= 0 && u < 1);
    sum += u, square += (double)u * u, bin[(int)(u * 16)]++;
  }
  assert_true(fabs(sum / COUNT - 0.5) < 5 * sqrt(1 / 12.0 / COUNT));
  assert_true(fabs(square / COUNT - 1 / 3.0) < 5 * sqrt(4 / 45.0 / COUNT));
  double chi = 0;  // 15 degrees of freedom: 45 is passed once in 10^4
  for (int i = 0; i < 16; i++) chi += pow(bin[i] - COUNT / 16.0, 2) / (COUNT / 16.0);
  assert_true(chi < 45);
}

// The two words of a block, put through libm.
static double by_libm(hd_random_key key, uint64_t i) {
  uint32_t w[4];
  hd_philox(key.seed, key.stream, i, w);
  double u = ((double)(((uint64_t)w[1] << 32 | w[0]) >> 12) + 0.5) / 4503599627370496.0;
  long double turn = (long double)(((uint64_t)w[3] << 32 | w[2]) >> 11) / 9007199254740992.0L;
  return (double)(sqrtl(-2 * logl(u)) * cosl(6.283185307179586476925286766559L * turn));
}

static void normal_is_normal(void **state) {
  (void)state;
  hd_random_key key = {42, hd_hash("weights", 7, 0)};
  enum { COUNT = 200000 };
  double power[5] = {0}, worst = 0;
  int beyond2 = 0, beyond4 = 0;
  for (uint64_t i = 0; i < COUNT; i++) {
    double x = hd_random_normal(key, i);
    worst = fmax(worst, fabs(x - by_libm(key, i)));
    for (int k = 1; k <= 4; k++) power[k] += pow(x, k) / COUNT;
    beyond2 += fabs(x) > 2, beyond4 += fabs(x) > 4;
  }
  double sigma = sqrt(1.0 / COUNT);
  assert_true(worst < 3e-15);
  assert_true(fabs(power[1]) < 5 * sigma);
  assert_true(fabs(power[2] - 1) < 5 * sigma * sqrt(2));
  assert_true(fabs(power[3]) < 5 * sigma * sqrt(15));
  assert_true(fabs(power[4] - 3) < 5 * sigma * sqrt(96));
  assert_in_range(beyond2, 0.0455 * COUNT - 500, 0.0455 * COUNT + 500);
  assert_in_range(beyond4, 2, 35);  // 12.7 expected
}

// The bits themselves: they may never change, on any machine.
static void the_bits_are_pinned(void **state) {
  (void)state;
  uint64_t hash = 0;
  for (uint64_t i = 0; i < 10000; i++) {
    double x = hd_random_normal((hd_random_key){1, 2}, i);
    float u = hd_random_uniform((hd_random_key){1, 2}, i);
    hash = hd_hash(&x, sizeof x, hash);
    hash = hd_hash(&u, sizeof u, hash);
  }
  if (hash != 0x55b1e88a0a7f9700u) fail_msg("%016llx", (unsigned long long)hash);
}

static void below_is_the_high_half(void **state) {
  (void)state;
  static const uint64_t bounds[] = {1, 2, 3, 10, 1000003, (uint64_t)1 << 40, ~UINT64_C(0), 0};
  hd_random_key key = {3, 4};
  for (size_t b = 0; b < HD_COUNT(bounds); b++) {
    for (uint64_t i = 0; i < 2000; i++) {
      uint32_t w[4];
      hd_philox(3, 4, i, w);
      __extension__ typedef unsigned __int128 wide;
      uint64_t wanted = (uint64_t)((wide)((uint64_t)w[1] << 32 | w[0]) * bounds[b] >> 64);
      assert_true(hd_random_below(key, i, bounds[b]) == wanted);
      assert_true(bounds[b] == 0 || wanted < bounds[b]);
    }
  }
}

static void shuffles_are_fair_permutations(void **state) {
  (void)state;
  enum { COUNT = 1000, TRIALS = 24000 };
  int64_t items[COUNT], sum = 0;
  for (int i = 0; i < COUNT; i++) items[i] = i;
  hd_random_shuffle((hd_random_key){1, 1}, items, COUNT);
  bool seen[COUNT] = {false};
  for (int i = 0; i < COUNT; i++) {
    assert_in_range(items[i], 0, COUNT - 1);
    assert_false(seen[items[i]]);
    seen[items[i]] = true;
    sum += items[i] == i;
  }
  assert_in_range(sum, 0, 10);
  int orders[256] = {0};
  for (int trial = 0; trial < TRIALS; trial++) {
    int64_t four[4] = {0, 1, 2, 3};
    hd_random_shuffle((hd_random_key){5, (uint64_t)trial}, four, 4);
    orders[four[0] * 64 + four[1] * 16 + four[2] * 4 + four[3]]++;
  }
  int kinds = 0;
  for (int i = 0; i < 256; i++) {
    if (!orders[i]) continue;
    kinds++;
    assert_in_range(orders[i], 1000 - 160, 1000 + 160);  // 5 sigma
  }
  assert_int_equal(kinds, 24);
  hd_random_shuffle((hd_random_key){1, 1}, NULL, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(philox_gives_the_published_words),
      cmocka_unit_test(uniform_is_the_top_24_bits),
      cmocka_unit_test(normal_is_normal),
      cmocka_unit_test(the_bits_are_pinned),
      cmocka_unit_test(below_is_the_high_half),
      cmocka_unit_test(shuffles_are_fair_permutations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
