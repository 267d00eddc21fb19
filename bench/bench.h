// What the programs here share. Each reads a case a line from standard input ("product 64 128 784
// nn"), measures it for a moment, and answers with one line: "mode wall cpu" for each
// way it has of doing it, in seconds a call, or "-" when it does not do such cases. bench/cases
// says what a case looks like.
#ifndef BENCH_H
#define BENCH_H

#define _POSIX_C_SOURCE 200809L
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
  double wall, cpu;
} bench_time;
typedef void bench_work(void *what);

static inline bench_time bench_now(void) {
  struct timespec w, c;
  clock_gettime(CLOCK_MONOTONIC, &w);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &c);
  return (bench_time){(double)w.tv_sec + 1e-9 * (double)w.tv_nsec,
                      (double)c.tv_sec + 1e-9 * (double)c.tv_nsec};
}

static inline int bench_order(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

// Calls `work` in samples of at least 4 ms until 60 ms are over and there are three of them (fewer
// where they are long), and prints the medians.
static inline void bench_measure(const char *mode, bench_work *work, void *what) {
  enum { MOST = 64 };
  double wall[MOST], cpu[MOST];
  int samples = 0, calls = 1;
  work(what);
  double begin = bench_now().wall, passed = 0;
  while (samples < MOST && (passed < 0.06 || (samples < 3 && passed < 0.12))) {
    bench_time a = bench_now();
    for (int i = 0; i < calls; i++) work(what);
    bench_time b = bench_now();
    if (samples == 0 && b.cpu - a.cpu < 4e-3) {
      calls *= b.cpu - a.cpu < 1e-3 ? 4 : 2;
      continue;
    }
    wall[samples] = (b.wall - a.wall) / calls;
    cpu[samples++] = (b.cpu - a.cpu) / calls;
    passed = b.wall - begin;
  }
  qsort(wall, (size_t)samples, sizeof *wall, bench_order);
  qsort(cpu, (size_t)samples, sizeof *cpu, bench_order);
  printf("%s %.6g %.6g ", mode, wall[samples / 2], cpu[samples / 2]);
}

static inline float bench_random(uint64_t *state) {  // in [-1, 1)
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (float)(*state >> 40) * 0x1p-23f - 1;
}

// Zero bytes are asked for too: a kernel may need no scratch.
static inline void *bench_memory(size_t bytes) {
  void *p = aligned_alloc(64, (bytes + 64) / 64 * 64);
  if (!p) exit(1);
  return p;
}

static inline float *bench_floats(int64_t n) {
  uint64_t state = (uint64_t)n;
  float *p = bench_memory((size_t)n * sizeof *p);
  for (int64_t i = 0; i < n; i++) p[i] = bench_random(&state);
  return p;
}

// The word "bf16" at the end of a case: operands in bf16, sums in f32.
static inline bool bench_bf16(const char *line) { return strstr(line, " bf16"); }

typedef struct {
  long m, n, k;
  bool ta, tb, bf16;
} bench_product;  // A is stored (k, m) when ta
static inline bool bench_read_product(const char *line, bench_product *p) {
  char form[3];
  if (sscanf(line, "product %ld %ld %ld %2s", &p->m, &p->n, &p->k, form) != 4) return false;
  p->ta = form[0] == 't';
  p->tb = form[1] == 't';
  p->bf16 = bench_bf16(line);
  return true;
}

// Square images, kernels and strides: n images (h, h, c) to (o, o, f), k x k, zero padding all
// round.
typedef struct {
  long n, h, c, f, k, stride, pad, groups, o;
  char pass;
  bool bf16;
  long x, w, y;  // elements
} bench_conv;    // forward, input, weights
static inline bool bench_read_conv(const char *line, bench_conv *p) {
  char pass[8];
  if (sscanf(line, "conv %ld %ld %ld %ld %ld %ld %ld %7s", &p->n, &p->h, &p->c, &p->f, &p->k,
             &p->stride, &p->pad, pass) != 8)
    return false;
  const char *groups = strstr(line, " g");
  p->groups = groups ? atol(groups + 2) : 1;
  p->o = (p->h + 2 * p->pad - p->k) / p->stride + 1;
  p->pass = pass[0];
  p->bf16 = bench_bf16(line);
  p->x = p->n * p->h * p->h * p->c;
  p->w = p->k * p->k * p->c / p->groups * p->f;
  p->y = p->n * p->o * p->o * p->f;
  return true;
}

// Answers each line by `answer`, which prints nothing when the case is not for it.
static inline void bench_serve(bool (*answer)(const char *line)) {
  char line[256];
  while (fgets(line, sizeof line, stdin)) {
    if (!answer(line)) printf("-");
    printf("\n");
    fflush(stdout);
  }
}

#endif
