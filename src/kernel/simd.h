// Vectors at the native width of the instruction set being compiled, in the compiler's vector
// extension. Each of baseline.c, avx2.c and avx512.c defines HD_LANES and HD_SUFFIX, switches the
// target on, and includes the *.inc sources, so that one text becomes three sets of kernels.
#ifndef HD_LANES
#error "include through baseline.c, avx2.c or avx512.c"
#endif

#include <string.h>

#include "kernel.h"

#define HD_CAT_(a, b) a##_##b
#define HD_CAT(a, b) HD_CAT_(a, b)
#define FN(name) HD_CAT(name, HD_SUFFIX)  // FN(product_run) -> product_run_avx2
#define UNROLL _Pragma("GCC unroll 32")
#define HD_INLINE static inline __attribute__((always_inline))

typedef float vf __attribute__((vector_size(4 * HD_LANES)));
typedef int32_t vi __attribute__((vector_size(4 * HD_LANES)));
typedef float vf_u __attribute__((vector_size(4 * HD_LANES), aligned(4), may_alias));  // anywhere
typedef int32_t vi_u __attribute__((vector_size(4 * HD_LANES), aligned(4), may_alias));

// A fixed virtual width of 16 for sums across lanes: 16 / HD_LANES vectors.
#define HD_VIRTUAL (16 / HD_LANES)

HD_INLINE vf load(const float *p) { return *(const vf_u *)p; }
HD_INLINE void store(float *p, vf v) { *(vf_u *)p = v; }
HD_INLINE vf splat(float x) { return x - (vf){0}; }
HD_INLINE vf load_n(const float *p, int64_t n) {  // n < HD_LANES: the rest is 0
  vf v = {0};
  memcpy(&v, p, (size_t)n * 4);
  return v;
}
HD_INLINE void store_n(float *p, vf v, int64_t n) { memcpy(p, &v, (size_t)n * 4); }
// The first n < HD_LANES elements; what lies behind them is not touched, and reads as 0.
HD_INLINE vf load_part(const float *p, int64_t n) {
#if HD_LANES == 16
  return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#elif HD_LANES == 8
  static const int32_t mask[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return (vf)_mm256_maskload_ps(p, (__m256i) * (const vi_u *)(mask + 8 - n));
#else
  return load_n(p, n);
#endif
}
HD_INLINE void store_part(float *p, vf v, int64_t n) {
#if HD_LANES == 16
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#elif HD_LANES == 8  // not under a mask, which takes a dozen cycles on processors of AMD
  __m128 x = _mm256_castps256_ps128((__m256)v);
  if (n & 4) _mm_storeu_ps(p, x), p += 4, x = _mm256_extractf128_ps((__m256)v, 1);
  if (n & 2) memcpy(p, &x, 8), p += 2, x = _mm_movehl_ps(x, x);
  if (n & 1) memcpy(p, &x, 4);
#else
  store_n(p, v, n);
#endif
}
HD_INLINE vf load_upto(const float *p, int64_t n) {
  return n >= HD_LANES ? load(p) : load_part(p, n);
}
HD_INLINE void store_upto(float *p, vf v, int64_t n) {
  if (n >= HD_LANES) store(p, v);
  else store_part(p, v, n);
}
// Lane i becomes lane index[i] of x.
HD_INLINE vf permute(vf x, vi index) {
#if !defined(__clang__)
  return __builtin_shuffle(x, index);
#elif HD_LANES == 16
  return __builtin_ia32_permvarsf512(x, index);
#elif HD_LANES == 8
  return __builtin_ia32_permvarsf256(x, index);
#else
  vf y;
  for (int i = 0; i < HD_LANES; i++) y[i] = x[index[i]];
  return y;
#endif
}

// What is read or written soon, of arrays that the caches do not hold: the processor does not
// foresee all of it by itself.
enum { EXPECT_LEAST = 1 << 17 };  // floats of an array
HD_INLINE void expect_read(const float *p, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) __builtin_prefetch(p + i);
}
HD_INLINE void expect_write(const void *p, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) __builtin_prefetch((const float *)p + i, 1);
}

// The rounded value, in a register: neither compiler fuses across this, nor moves a choice into the
// sum before it, nor reads it from memory once for each use.
HD_INLINE vf apart(vf v) {
#if defined(__x86_64__) && defined(__GNUC__)
  __asm__("" : "+v"(v));
#endif
  return v;
}
HD_INLINE vf choose(vi mask, vf a, vf b) { return (vf)((mask & (vi)a) | (~mask & (vi)b)); }
