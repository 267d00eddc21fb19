// Philox 4x32-10, and what is drawn from it. No libm but sqrt, which is exact: the same bits
// everywhere.
#include "random.h"

#include <math.h>

void hd_philox(uint64_t seed, uint64_t hi, uint64_t lo, uint32_t to[4]) {
  uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
  uint32_t a = (uint32_t)lo, b = (uint32_t)(lo >> 32), c = (uint32_t)hi, d = (uint32_t)(hi >> 32);
  for (int round = 0; round < 10; round++) {
    uint64_t p = (uint64_t)0xD2511F53u * a, q = (uint64_t)0xCD9E8D57u * c;
    uint32_t a_next = (uint32_t)(q >> 32) ^ b ^ key0, c_next = (uint32_t)(p >> 32) ^ d ^ key1;
    b = (uint32_t)q, d = (uint32_t)p, a = a_next, c = c_next;
    key0 += 0x9E3779B9u, key1 += 0xBB67AE85u;
  }
  to[0] = a, to[1] = b, to[2] = c, to[3] = d;
}

float hd_random_uniform(hd_random_key key, uint64_t i) {
  uint32_t word[4];
  hd_philox(key.seed, key.stream, i / 4, word);
  return (float)(word[i % 4] >> 8) * 0x1p-24f;
}

// ln x for normal x > 0: x = m 2^e with m in [sqrt(1/2), sqrt 2), ln m = 2 atanh((m-1)/(m+1)).
static double log_of(double x) {
  static const double inverse[] = {1. / 23, 1. / 21, 1. / 19, 1. / 17, 1. / 15, 1. / 13,
                                   1. / 11, 1. / 9,  1. / 7,  1. / 5,  1. / 3};
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  int e = (int)(bits >> 52) - 1023;
  bits = (bits & 0xFFFFFFFFFFFFFu) | (uint64_t)1023 << 52;
  double m;
  memcpy(&m, &bits, sizeof m);
  if (m > 1.4142135623730951) m *= 0.5, e++;
  double s = (m - 1) / (m + 1), z = s * s, sum = 0;
  for (size_t k = 0; k < HD_COUNT(inverse); k++) sum = (sum + inverse[k]) * z;
  const double ln2_high = 0x1.62e42fefa38p-1, ln2_low = 0x1.ef35793c7673p-45;
  return e * ln2_high + (2 * s + (2 * s * sum + e * ln2_low));
}

// cos(2 pi u) for u in [0, 1): the nearest quarter turn away, then a series on [-pi/4, pi/4].
static double cos_turn(double u) {
  static const double factor[2][9] = {
      {-1. / 306, -1. / 240, -1. / 182, -1. / 132, -1. / 90, -1. / 56, -1. / 30, -1. / 12, -1. / 2},
      {-1. / 342, -1. / 272, -1. / 210, -1. / 156, -1. / 110, -1. / 72, -1. / 42, -1. / 20,
       -1. / 6}};
  int quarter = (int)(u * 4 + 0.5), odd = quarter & 1;
  double x = (u - quarter * 0.25) * 6.283185307179586, z = x * x, sum = 0;
  for (int k = 0; k < 9; k++) sum = (1 + sum) * (z * factor[odd][k]);
  double value = odd ? -(x + x * sum) : 1 + sum;  // cos(x + pi/2) = -sin x
  return quarter & 2 ? -value : value;
}

// Both halves of Box-Muller use 52 and 53 bits of block i, so that the tails reach 8.5 sigma.
double hd_random_normal(hd_random_key key, uint64_t i) {
  uint32_t word[4];
  hd_philox(key.seed, key.stream, i, word);
  uint64_t first = (uint64_t)word[1] << 32 | word[0], second = (uint64_t)word[3] << 32 | word[2];
  double u = ((double)(first >> 12) + 0.5) * 0x1p-52;  // in (0, 1), never 0
  double turn = (double)(second >> 11) * 0x1p-53;
  return sqrt(-2 * log_of(u)) * cos_turn(turn);
}

// The high 64 bits of word * bound; the bias is below bound / 2^64.
uint64_t hd_random_below(hd_random_key key, uint64_t i, uint64_t bound) {
  uint32_t word[4];
  hd_philox(key.seed, key.stream, i, word);
  uint64_t low = bound & 0xFFFFFFFFu, high = bound >> 32;
  uint64_t carry = (word[0] * low) >> 32;
  uint64_t middle = word[1] * low + carry;
  uint64_t other = word[0] * high + (middle & 0xFFFFFFFFu);
  return word[1] * high + (middle >> 32) + (other >> 32);
}

void hd_random_shuffle(hd_random_key key, int64_t *items, int64_t count) {
  for (int64_t i = count - 1; i > 0; i--) {
    int64_t j = (int64_t)hd_random_below(key, (uint64_t)i, (uint64_t)i + 1);
    int64_t item = items[i];
    items[i] = items[j], items[j] = item;
  }
}
