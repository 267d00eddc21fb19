// The most multiply-adds a thread can do: independent chains in registers, nothing else. What speed
// is measured against.
#include "cli.h"
#include "../base/cpu.h"
#include "../base/pool.h"

enum { CHAINS = 12, ROUNDS = 2000000 };

// Twelve chains hide the latency of four cycles on two units with room to spare; written out, since
// an array that is not unrolled would live in memory.
#define CHAINS_OF(T, first) \
  T x0 = first(0), x1 = first(1), x2 = first(2), x3 = first(3), x4 = first(4), x5 = first(5), \
    x6 = first(6), x7 = first(7), x8 = first(8), x9 = first(9), x10 = first(10), x11 = first(11)
#define STEP_OF(f) \
  x0 = f(x0, a, b), x1 = f(x1, a, b), x2 = f(x2, a, b), x3 = f(x3, a, b), x4 = f(x4, a, b), \
  x5 = f(x5, a, b), x6 = f(x6, a, b), x7 = f(x7, a, b), x8 = f(x8, a, b), x9 = f(x9, a, b), \
  x10 = f(x10, a, b), x11 = f(x11, a, b)
#define SUM_OF(add) \
  add(add(add(add(x0, x1), add(x2, x3)), add(add(x4, x5), add(x6, x7))), \
      add(add(x8, x9), add(x10, x11)))

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx512f"))) static float loop512(void) {
  __m512 a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(0.001f);
  CHAINS_OF(__m512, _mm512_set1_ps);
  for (int r = 0; r < ROUNDS; r++) STEP_OF(_mm512_fmadd_ps);
  return _mm512_cvtss_f32(SUM_OF(_mm512_add_ps));
}

__attribute__((target("avx2,fma"))) static float loop256(void) {
  __m256 a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(0.001f);
  CHAINS_OF(__m256, _mm256_set1_ps);
  for (int r = 0; r < ROUNDS; r++) STEP_OF(_mm256_fmadd_ps);
  return _mm256_cvtss_f32(SUM_OF(_mm256_add_ps));
}
#endif

typedef float four __attribute__((vector_size(16)));
static inline four all(float v) { return (four){v, v, v, v}; }
static inline four multiply_add(four x, four a, four b) { return x * a + b; }
static inline four add(four x, four y) { return x + y; }

static float loop128(void) {
  four a = all(0.999f), b = all(0.001f);
  CHAINS_OF(four, all);
  for (int r = 0; r < ROUNDS; r++) STEP_OF(multiply_add);
  return SUM_OF(add)[0];
}

typedef struct work {
  hd_isa isa;
  float sum[1024];
} work;

static void part(void *arg, int64_t i) {
  work *w = arg;
#if defined(__x86_64__)
  if (w->isa >= HD_ISA_AVX512) w->sum[i] = loop512();
  else if (w->isa == HD_ISA_AVX2) w->sum[i] = loop256();
  else w->sum[i] = loop128();
#else
  w->sum[i] = loop128();
#endif
}

double cli_peak_flops(hd_pool *pool, hd_isa isa) {
  work w = {.isa = isa};
  int threads = HD_MIN(hd_pool_threads(pool), 1024), lanes = isa >= HD_ISA_AVX512 ? 16
                                                             : isa == HD_ISA_AVX2 ? 8
                                                                                  : 4;
  double start = hd_seconds();
  hd_pool_run(pool, threads, part, &w);
  double seconds = hd_seconds() - start;
  volatile float keep = w.sum[0];
  (void)keep;
  return 2.0 * lanes * CHAINS * (double)ROUNDS * threads / seconds;
}
