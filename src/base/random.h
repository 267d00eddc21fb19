// Counter-based random numbers: Philox 4x32-10 (Salmon et al. 2011). No state to save.
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include "base.h"

// Four independent 32-bit words for a 128-bit counter (block, site, step, ..) and a 64-bit key.
typedef struct hd_random_key {
  uint64_t seed, stream;
} hd_random_key;

void hd_philox(uint64_t seed, uint64_t hi, uint64_t lo, uint32_t to[4]);
// Element number i of the stream: uniform in [0, 1) with 24 bits; normal(0, 1) by Box-Muller on own
// log, sqrt and cos, so that the bits do not depend on libm.
float hd_random_uniform(hd_random_key key, uint64_t i);
double hd_random_normal(hd_random_key key, uint64_t i);
uint64_t hd_random_below(hd_random_key key, uint64_t i,
                         uint64_t bound);  // unbiased enough: 64-bit multiply-high
// A permutation of 0 .. count-1 (Fisher-Yates over the stream).
void hd_random_shuffle(hd_random_key key, int64_t *items, int64_t count);

#endif
