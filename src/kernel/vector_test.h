// What the tests of the vector kernels share: the tables this processor can run, random floats, and
// a comparison of bits.
#ifndef KERNEL_VECTOR_TEST_H
#define KERNEL_VECTOR_TEST_H

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

// The baseline first; the others, if any, must agree with each other to the bit.
static inline int tables(const hd_kernels *to[HD_ISAS]) {
  int n = 0;
  to[n++] = hd_kernels_of(HD_ISA_BASELINE);
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    to[n++] = hd_kernels_of(HD_ISA_AVX2);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    to[n++] = hd_kernels_of(HD_ISA_AVX512);
#endif
  return n;
}

static inline float drawn(uint32_t *state) {  // in [-2, 2)
  *state = *state * 1664525u + 1013904223u;
  return (float)(*state >> 8) * 0x1p-22f - 2;
}
static inline int below(uint32_t *state, int n) {
  *state = *state * 1664525u + 1013904223u;
  return (int)(*state >> 8) % n;
}
static inline void fill(float *x, int64_t n, uint32_t seed) {
  for (int64_t i = 0; i < n; i++) x[i] = drawn(&seed);
}
static inline float *floats(int64_t n) {
  float *x = malloc((size_t)(n ? n : 1) * 4);
  assert_non_null(x);
  return x;
}
static inline bool same_bits(const void *a, const void *b, int64_t n) {
  return n == 0 || !memcmp(a, b, (size_t)n * 4);
}
static inline float bits_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, 4);
  return x;
}

#endif
