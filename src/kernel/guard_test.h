// What the tests of products and convolutions share: inputs between forbidden pages, and an `after`
// that sees every element once.
#ifndef KERNEL_GUARD_TEST_H
#define KERNEL_GUARD_TEST_H

#include "vector_test.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static const hd_kernels *table[HD_ISAS];
static int table_count;

static uint32_t seed = 1;
static uint32_t word(void) { return (seed = seed * 1664525u + 1013904223u) >> 8; }
static int64_t pick(int64_t from, int64_t to) { return from + word() % (to - from + 1); }

// Inputs end where a page ends that the next one forbids to touch, or start where one starts: no
// access outside goes unseen, not even a masked one.
typedef struct block {
  float *p;
  char *map;
  size_t size;
} block;
static block fresh(int64_t n, bool whole, bool low) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = (size_t)n * 4,
         body = (bytes + page - 1) / page * page;
  block b = {.size = body + 2 * page};
  b.map = mmap(NULL, b.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(b.map != MAP_FAILED);
  b.p = (float *)(void *)(b.map + page + (low ? 0 : body - bytes));
  for (int64_t i = 0; i < n; i++)
    b.p[i] = whole ? (float)pick(-8, 8) : (float)word() / 8388608.0f - 1.0f;
  assert_int_equal(
      mprotect(b.map, page, PROT_NONE) | mprotect(b.map + page + body, page, PROT_NONE), 0);
  return b;
}
static void drop(block b) { munmap(b.map, b.size); }

// Aligned memory full of NaNs.
static void *bytes(size_t size) {
  void *p = NULL;
  assert_int_equal(posix_memalign(&p, 64, size ? size : 64), 0);
  return memset(p, 0xff, size);
}

typedef struct seen {
  int64_t size, covered;
  char *mark;
  float *out;
} seen;
static void see(void *context, int64_t first, int64_t count) {
  seen *s = context;
  assert_true(count > 0 && first >= 0 && first + count <= s->size);
  for (int64_t i = first; i < first + count; i++) {
    assert_int_equal(s->mark[i]++, 0);
    s->out[i] = -s->out[i];  // allowed: these are final
  }
  s->covered += count;
}

// A convolution of square images with one square window.
static inline hd_conv square(int64_t n, int64_t size, int64_t c, int64_t f, int64_t k,
                             int64_t stride, int64_t pad) {
  int64_t o = (size + 2 * pad - k) / stride + 1;
  return (hd_conv){.n = n,
                   .h = size,
                   .w = size,
                   .c = c,
                   .f = f,
                   .kh = k,
                   .kw = k,
                   .oh = o,
                   .ow = o,
                   .sh = stride,
                   .sw = stride,
                   .dh = 1,
                   .dw = 1,
                   .top = pad,
                   .left = pad,
                   .groups = 1};
}

#endif
