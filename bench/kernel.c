// Kernels of Hadal on one thread, packing included, and the machine's own limit: "peak" is the time
// of one multiply-add of a vector on registers alone, scaled to 1 GFLOP.
#include "bench.h"

#include "../src/base/cpu.h"
#include "../src/kernel/kernel.h"

static const hd_kernels *kernels;
static hd_isa isa;

typedef struct {
  bool conv;
  hd_product_plan product;
  hd_conv_plan convolution;
  const hd_parts *run;
  float *a, *b, *c;
  void *scratch;
} job;

static void run(void *what) {
  const job *j = what;
  for (int phase = 0; phase < j->run->phases; phase++)
    for (int64_t part = 0; part < j->run->parts[phase]; part++)
      if (j->conv)
        kernels->conv_run(&j->convolution, phase, part, j->a, j->b, j->c, j->scratch, NULL);
      else kernels->product_run(&j->product, phase, part, j->a, j->b, j->c, j->scratch, NULL);
}

static void measure(job *j, int64_t a, int64_t b, int64_t c) {
  j->run = j->conv ? &j->convolution.run : &j->product.run;
  j->a = bench_floats(a);
  j->b = bench_floats(b);
  j->c = bench_floats(c);
  j->scratch = bench_memory(j->run->scratch);
  bench_measure(hd_isa_name(isa), run, j);
  free(j->a);
  free(j->b);
  free(j->c);
  free(j->scratch);
}

// 16 independent chains hide the latency of any processor with two multiply-add units. Compiled for
// this very machine, at the width that the kernels use.
#if defined(__AVX512F__)
enum { LANES = 16 };
#elif defined(__AVX__)
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif
typedef float vector __attribute__((vector_size(4 * LANES)));

static void peak(void *what) {
  (void)what;
  vector s[16], x = (vector){0} + 1e-9f, y = (vector){0} + 0.999f;
  _Pragma("GCC unroll 16") for (int i = 0; i < 16; i++) s[i] = x;
  for (long n = 1000000000 / (2 * 16 * LANES); n > 0; n--)
    _Pragma("GCC unroll 16") for (int i = 0; i < 16; i++) {
      s[i] = s[i] * y + x;
      __asm__("" : "+x"(s[i]));  // in a register, and not known to the compiler
    }
  _Pragma("GCC unroll 16") for (int i = 0; i < 16; i++) __asm__ volatile("" : : "x"(s[i]));
}

static bool answer(const char *line) {
  bench_product p;
  bench_conv v;
  job j = {0};
  if (!strncmp(line, "peak", 4)) {
    bench_measure(hd_isa_name(isa), peak, NULL);
    return true;
  }
  if (bench_read_product(line, &p)) {
    kernels->product_plan(
        &(hd_product){1, p.m, p.n, p.k, p.ta, p.tb, p.ta ? p.m : p.k, p.tb ? p.k : p.n, 0, 0},
        &j.product);
    measure(&j, p.m * p.k, p.k * p.n, p.m * p.n);
    return true;
  }
  if (!bench_read_conv(line, &v)) return false;
  hd_conv conv = {v.n, v.h,      v.h,      v.c, v.f, v.k,   v.k,   v.o,
                  v.o, v.stride, v.stride, 1,   1,   v.pad, v.pad, 1};
  hd_conv_pass pass = v.pass == 'f'   ? HD_CONV_FORWARD
                      : v.pass == 'i' ? HD_CONV_INPUT
                                      : HD_CONV_WEIGHTS;
  int64_t x = v.n * v.h * v.h * v.c, w = v.k * v.k * v.c * v.f, y = v.n * v.o * v.o * v.f;
  j.conv = true;
  kernels->conv_plan(&conv, pass, &j.convolution);
  measure(&j, v.pass == 'i' ? y : x, v.pass == 'w' ? y : w,
          v.pass == 'f'   ? y
          : v.pass == 'i' ? x
                          : w);
  return true;
}

int main(void) {
  if (hd_cpu_isa(NULL, &isa, NULL)) return 1;
  kernels = hd_kernels_of(isa);
  bench_serve(answer);
  return 0;
}
