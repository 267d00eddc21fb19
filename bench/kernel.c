// Kernels of Hadal, packing included, on one thread or on a pool of "kernel THREADS"; "kept": with
// b packed before, as in a frozen plan. And the limits of the machine, each as the time of a giga
// of it, on one thread:
//   peak          operations of f32 multiply-adds on registers alone
//   peak bf16     the same of the dot product of bf16 pairs, AVX-512
//   peak amx      the same of AMX tiles of bf16
//   peak copy     bytes read and written by a copy that fits no cache
//   peak read MB  bytes read, again and again, of so many MB
//   peak line     not of a giga but a thousand: a cache line there and back between two threads
//   peak cores    no time: how many cores' worth of multiply-adds THREADS threads do side by side
#define _GNU_SOURCE  // syscall
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>

#include "../src/base/cpu.h"
#include "../src/base/pool.h"
#include "../src/kernel/kernel.h"

#if defined(__AVX512BF16__) || defined(__AMX_BF16__)
#include <immintrin.h>
#endif
#if defined(__AMX_BF16__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

static const hd_kernels *kernels;
static hd_isa isa;
static hd_pool *pool;  // NULL: one thread

typedef struct {
  bool conv;
  hd_product_plan product;
  hd_conv_plan convolution;
  const hd_parts *run;
  int first, phase;
  float *a, *b, *c;
  void *scratch, *packed;
} job;

static void run_part(void *what, int64_t part) {
  const job *j = what;
  if (j->conv)
    kernels->conv_run(&j->convolution, j->phase, part, j->a, j->b, j->c, j->scratch, j->packed,
                      NULL);
  else
    kernels->product_run(&j->product, j->phase, part, j->a, j->b, j->c, j->scratch, j->packed,
                         NULL);
}

static void run(void *what) {
  job *j = what;
  for (j->phase = j->first; j->phase < j->run->phases; j->phase++)
    hd_pool_run(pool, j->run->parts[j->phase], run_part, j);
}

static void measure_as(job *j, const char *mode, bool kept) {
  j->scratch = bench_memory(j->run->scratch);
  j->packed = bench_memory(j->run->packed);
  j->first = 0;
  run(j);
  j->first = kept;
  if (!kept || j->run->packed) bench_measure(mode, run, j);
  free(j->scratch);
  free(j->packed);
}

static bool measure(job *j, int64_t a, int64_t b, int64_t c) {
  j->run = j->conv ? &j->convolution.run : &j->product.run;
  j->a = bench_floats(a);
  j->b = bench_floats(b);
  j->c = bench_floats(c);
  measure_as(j, hd_isa_name(isa), false);
  if (!j->conv) {
    hd_product p = j->product.p;
    p.kept = true;
    kernels->product_plan(&p, &j->product);
  }
  measure_as(j, "kept", true);
  free(j->a);
  free(j->b);
  free(j->c);
  return true;
}

// ---- The machine --------------------------------------------------------------------------------
// So many independent chains hide the latency of any processor with two multiply-add units, and
// leave registers for the operands. Compiled for this very machine, at the width that the kernels
// use.
#if defined(__AVX512F__)
enum { LANES = 16, CHAINS = 16 };
#elif defined(__AVX__)
enum { LANES = 8, CHAINS = 12 };
#else
enum { LANES = 4, CHAINS = 12 };
#endif
#define CHAIN _Pragma("GCC unroll 16") for (int i = 0; i < CHAINS; i++)
typedef float vector __attribute__((vector_size(4 * LANES)));

static void peak_fma(void *what) {
  (void)what;
  vector s[CHAINS], x = (vector){0} + 1e-9f, y = (vector){0} + 0.999f;
  CHAIN s[i] = x;
  for (long n = 1000000000 / (2 * CHAINS * LANES); n > 0; n--) CHAIN {
      s[i] = s[i] * y + x;
      __asm__("" : "+x"(s[i]));  // in a register, and not known to the compiler
    }
  CHAIN __asm__ volatile("" : : "x"(s[i]));
}

#if defined(__AVX512BF16__)
static void peak_bf16(void *what) {
  (void)what;
  __m512 s[CHAINS];
  __m512i x = _mm512_set1_epi16(0x3f00);  // 0.5
  CHAIN s[i] = _mm512_setzero_ps();
  for (long n = 1000000000 / (4 * CHAINS * 16); n > 0; n--)
    CHAIN __asm__("vdpbf16ps %1, %1, %0" : "+v"(s[i]) : "v"(x));
  CHAIN __asm__ volatile("" : : "v"(s[i]));
}
#endif

#if defined(__AMX_BF16__)
static bool amx_ready(void) {  // Linux lends the tiles (18) to those who ask
  return !syscall(SYS_arch_prctl, 0x1023, 18);
}

static void peak_amx(void *what) {
  (void)what;
  struct {
    uint8_t palette, start, zero[14];
    uint16_t bytes[16];
    uint8_t rows[16];
  } shape = {.palette = 1};
  for (int i = 0; i < 8; i++) shape.bytes[i] = 64, shape.rows[i] = 16;
  _tile_loadconfig(&shape);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  _tile_zero(6);
  _tile_zero(7);
  for (long n = 1000000000 / (6 * 2 * 16 * 16 * 32); n > 0; n--) {
    _tile_dpbf16ps(0, 6, 7);
    _tile_dpbf16ps(1, 6, 7);
    _tile_dpbf16ps(2, 6, 7);
    _tile_dpbf16ps(3, 6, 7);
    _tile_dpbf16ps(4, 6, 7);
    _tile_dpbf16ps(5, 6, 7);
  }
  _tile_release();
}
#endif

typedef struct {
  char *from, *to;
  size_t bytes;
} block;

static void copy(void *what) {
  const block *b = what;
  for (size_t done = 0; done < 1000000000; done += 2 * b->bytes) {
    memcpy(b->to, b->from, b->bytes);
    __asm__ volatile("" : : "r"(b->to) : "memory");
  }
}

static void read_all(void *what) {
  const block *b = what;
  vector s[CHAINS];
  CHAIN s[i] = (vector){0};
  for (size_t done = 0; done < 1000000000; done += b->bytes)
    for (size_t at = 0; at < b->bytes; at += sizeof s) CHAIN {
        s[i] += *(const vector *)(b->from + at + (size_t)i * sizeof *s);
        __asm__("" : "+x"(s[i]));
      }
  CHAIN __asm__ volatile("" : : "x"(s[i]));
}

static bool memory(size_t bytes, bench_work *work) {
  block b = {.bytes = bytes / (64 * CHAINS) * (64 * CHAINS)};  // as read_all goes
  b.from = memset(bench_memory(b.bytes), 0, b.bytes);
  b.to = work == copy ? memset(bench_memory(b.bytes), 0, b.bytes) : NULL;
  bench_measure("memory", work, &b);
  free(b.from);
  free(b.to);
  return true;
}

// Near where two cores share a cache, several times as far where they do not.
typedef struct {
  _Alignas(64) _Atomic int64_t turn;  // odd: the other thread's; negative: over
} ball;
static void *throw_back(void *arg) {
  ball *b = arg;
  for (int64_t turn; (turn = atomic_load(&b->turn)) >= 0;)
    if (turn & 1) atomic_compare_exchange_strong(&b->turn, &turn, turn + 1);
  return NULL;
}
static void throw_balls(void *arg) {
  ball *b = arg;
  for (int i = 0; i < 1000; i++) {
    int64_t turn = atomic_fetch_add(&b->turn, 1) + 2;
    while (atomic_load(&b->turn) != turn) {}
  }
}
static bool lines(void) {
  ball b = {0};
  pthread_t other;
  if (pthread_create(&other, NULL, throw_back, &b)) return false;
  bench_measure("threads", throw_balls, &b);
  atomic_store(&b.turn, -1);
  return !pthread_join(other, NULL);
}

// A host may put two of its processors on one core for a while: then all threads share that one.
enum { LOOKS = 2 };
static void *peak_beside(void *gate) {
  for (int i = 0; i < LOOKS; i++) {
    pthread_barrier_wait(gate);
    peak_fma(NULL);
    pthread_barrier_wait(gate);
  }
  return NULL;
}
static bool cores(int threads) {
  pthread_t *other = bench_memory((size_t)threads * sizeof *other);
  pthread_barrier_t gate;
  pthread_barrier_init(&gate, NULL, (unsigned)threads);
  for (int i = 1; i < threads; i++)
    if (pthread_create(&other[i], NULL, peak_beside, &gate)) exit(1);
  double alone = 1, beside = 1;  // seconds: the best
  for (int i = 0; i < LOOKS; i++) {
    double begin = bench_now().wall;
    peak_fma(NULL);
    double then = bench_now().wall, both = then;  // what the gate wakes may run at once
    pthread_barrier_wait(&gate);
    peak_fma(NULL);
    pthread_barrier_wait(&gate);
    double end = bench_now().wall;
    if (then - begin < alone) alone = then - begin;
    if (end - both < beside) beside = end - both;
  }
  for (int i = 1; i < threads; i++) pthread_join(other[i], NULL);
  pthread_barrier_destroy(&gate);
  free(other);
  return printf("cores %.3f %.6f ", threads * alone / beside, beside) > 0;
}

static bool peak(const char *what) {
  double megabytes;
  if (sscanf(what, " read %lf", &megabytes) == 1)
    return memory((size_t)(megabytes * 1e6), read_all);
  if (!strncmp(what, " copy", 5)) return memory(250000000, copy);
  if (!strncmp(what, " line", 5)) return lines();
  if (!strncmp(what, " cores", 6)) return cores(hd_pool_threads(pool));
#if defined(__AVX512BF16__)
  if (bench_bf16(what)) return bench_measure("avx512", peak_bf16, NULL), true;
#endif
#if defined(__AMX_BF16__)
  if (!strncmp(what, " amx", 4) && amx_ready()) return bench_measure("amx", peak_amx, NULL), true;
#endif
  if (*what != '\n') return false;
  return bench_measure(hd_isa_name(isa), peak_fma, NULL), true;
}

static bool answer(const char *line) {
  bench_product p;
  bench_conv v;
  job j = {0};
  if (!strncmp(line, "peak", 4)) return peak(line + 4);
  if (bench_read_product(line, &p)) {
    kernels->product_plan(&(hd_product){.batch = 1,
                                        .m = p.m,
                                        .n = p.n,
                                        .k = p.k,
                                        .ta = p.ta,
                                        .tb = p.tb,
                                        .lda = p.ta ? p.m : p.k,
                                        .ldb = p.tb ? p.k : p.n,
                                        .precision = p.bf16 ? HD_PRECISION_BF16 : HD_PRECISION_F32},
                          &j.product);
    return measure(&j, p.m * p.k, p.k * p.n, p.m * p.n);
  }
  if (!bench_read_conv(line, &v)) return false;
  hd_conv conv = {.n = v.n,
                  .h = v.h,
                  .w = v.h,
                  .c = v.c,
                  .f = v.f,
                  .kh = v.k,
                  .kw = v.k,
                  .oh = v.o,
                  .ow = v.o,
                  .sh = v.stride,
                  .sw = v.stride,
                  .dh = 1,
                  .dw = 1,
                  .top = v.pad,
                  .left = v.pad,
                  .groups = v.groups,
                  .precision = v.bf16 ? HD_PRECISION_BF16 : HD_PRECISION_F32};
  j.conv = true;
  switch (v.pass) {
    case 'f': kernels->conv_plan(&conv, HD_CONV_FORWARD, &j.convolution); break;
    case 'i': kernels->conv_plan(&conv, HD_CONV_INPUT, &j.convolution); break;
    default: kernels->conv_plan(&conv, HD_CONV_WEIGHTS, &j.convolution);
  }
  return v.pass == 'f'   ? measure(&j, v.x, v.w, v.y)
         : v.pass == 'i' ? measure(&j, v.y, v.w, v.x)
                         : measure(&j, v.x, v.y, v.w);
}

int main(int argc, char **argv) {
  hd_error err;
  hd_env env = {.threads = argc > 1 ? atoi(argv[1]) : 1};
  if (hd_cpu_isa(NULL, &isa, NULL)) return 1;
  if (env.threads > 1 && hd_pool_new(&env, &pool, &err))
    return fprintf(stderr, "kernel: %s\n", err.text), 1;
  kernels = hd_kernels_of(isa);
  bench_serve(answer);
  hd_pool_free(pool);
  return 0;
}
