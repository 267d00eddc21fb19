// A box of elements copied with free strides: runs where the box is contiguous, small square blocks
// where it is a transpose, one odometer around both.
#include <string.h>

#include "kernel.h"

typedef struct box {
  int rank, size;
  int64_t d[HD_MAX_RANK], from[HD_MAX_RANK], to[HD_MAX_RANK];
} box;

// Dimensions of one element dropped, the rest ordered by the destination's stride, the largest
// first (writes move forwards), neighbours joined. False when there is nothing to copy.
static bool simplify(const hd_copy *copy, box *b) {
  b->rank = 0, b->size = copy->size;
  for (int i = 0; i < copy->rank; i++) {
    if (copy->d[i] <= 0) return false;
    if (copy->d[i] == 1) continue;
    int at = b->rank++;
    for (; at > 0 && b->to[at - 1] < copy->to[i]; at--)
      b->d[at] = b->d[at - 1], b->from[at] = b->from[at - 1], b->to[at] = b->to[at - 1];
    b->d[at] = copy->d[i], b->from[at] = copy->from[i], b->to[at] = copy->to[i];
  }
  int n = 0;
  for (int i = 0; i < b->rank; i++) {
    bool joins =
        n > 0 && b->from[n - 1] == b->from[i] * b->d[i] && b->to[n - 1] == b->to[i] * b->d[i];
    int64_t d = joins ? b->d[n - 1] * b->d[i] : b->d[i];
    if (!joins) n++;
    b->d[n - 1] = d, b->from[n - 1] = b->from[i], b->to[n - 1] = b->to[i];
  }
  b->rank = n;
  return true;
}

// One line. Each element type has its own loop; the strides that matter have theirs.
#define LINE(name, type) \
  static void line_##name(const void *from, void *to, int64_t n, int64_t sf, int64_t st) { \
    const type *x = from; \
    type *y = to; \
    if (st == 1 && sf == 0) \
      for (int64_t i = 0; i < n; i++) y[i] = *x; \
    else if (st == 1) \
      for (int64_t i = 0; i < n; i++) y[i] = x[i * sf]; \
    else \
      for (int64_t i = 0; i < n; i++) y[i * st] = x[i * sf]; \
  } \
  /* y[i][j] = x[j][i] for a block; the lines of x are sf apart, those of y are st apart. */ \
  static void turn_##name(const void *from, void *to, int64_t n, int64_t m, int64_t sf, \
                          int64_t st) { \
    const type *x = from; \
    type *y = to; \
    for (int64_t i = 0; i < n; i++) \
      for (int64_t j = 0; j < m; j++) y[i * st + j] = x[j * sf + i]; \
  }
LINE(1, uint8_t)
LINE(2, uint16_t)
LINE(4, uint32_t)
LINE(8, uint64_t)

static void line(const box *b, const char *from, char *to, int64_t n, int64_t sf, int64_t st) {
  if (sf == 1 && st == 1) memcpy(to, from, (size_t)n * (size_t)b->size);
  else if (b->size == 4) line_4(from, to, n, sf, st);
  else if (b->size == 1) line_1(from, to, n, sf, st);
  else if (b->size == 8) line_8(from, to, n, sf, st);
  else line_2(from, to, n, sf, st);
}

// A block of 16 by 16, four by four in registers.
#if defined(__GNUC__)
typedef uint32_t quad __attribute__((vector_size(16)));
typedef uint32_t quad_u __attribute__((vector_size(16), aligned(4), may_alias));
static void turn_block(const void *from, void *to, int64_t sf, int64_t st) {
  const uint32_t *x = from;
  uint32_t *y = to;
  for (int i = 0; i < 16; i += 4)
    for (int j = 0; j < 16; j += 4) {
      const uint32_t *p = x + j * sf + i;
      uint32_t *q = y + i * st + j;
      quad a = *(const quad_u *)p, b = *(const quad_u *)(p + sf);
      quad c = *(const quad_u *)(p + 2 * sf), d = *(const quad_u *)(p + 3 * sf);
      quad ac = __builtin_shufflevector(a, c, 0, 4, 1, 5),
           ca = __builtin_shufflevector(a, c, 2, 6, 3, 7);
      quad bd = __builtin_shufflevector(b, d, 0, 4, 1, 5),
           db = __builtin_shufflevector(b, d, 2, 6, 3, 7);
      *(quad_u *)q = __builtin_shufflevector(ac, bd, 0, 4, 1, 5);
      *(quad_u *)(q + st) = __builtin_shufflevector(ac, bd, 2, 6, 3, 7);
      *(quad_u *)(q + 2 * st) = __builtin_shufflevector(ca, db, 0, 4, 1, 5);
      *(quad_u *)(q + 3 * st) = __builtin_shufflevector(ca, db, 2, 6, 3, 7);
    }
}
#else
static void turn_block(const void *x, void *y, int64_t sf, int64_t st) {
  turn_4(x, y, 16, 16, sf, st);
}
#endif

// Rows of y (n of them, st apart) from columns of x, m long (sf apart).
static void transpose(const box *b, const char *from, char *to, int64_t n, int64_t m, int64_t sf,
                      int64_t st) {
  enum { BLOCK = 16 };
  for (int64_t i = 0; i < n; i += BLOCK)
    for (int64_t j = 0; j < m; j += BLOCK) {
      const char *x = from + (j * sf + i) * b->size;
      char *y = to + (i * st + j) * b->size;
      int64_t h = n - i < BLOCK ? n - i : BLOCK, w = m - j < BLOCK ? m - j : BLOCK;
      if (b->size == 4 && h == BLOCK && w == BLOCK) turn_block(x, y, sf, st);
      else if (b->size == 4) turn_4(x, y, h, w, sf, st);
      else if (b->size == 1) turn_1(x, y, h, w, sf, st);
      else if (b->size == 8) turn_8(x, y, h, w, sf, st);
      else turn_2(x, y, h, w, sf, st);
    }
}

void hd_copy_run(const hd_copy *copy, const void *from, void *to) {
  box b;
  if (!simplify(copy, &b)) return;
  if (b.rank == 0) {
    memcpy(to, from, (size_t)b.size);
    return;
  }
  // The last dimension is the line. A transpose has another along which the source is contiguous.
  int last = b.rank - 1, other = -1;
  int64_t n = b.d[last], sf = b.from[last], st = b.to[last];
  if (st == 1 && sf != 1 && sf != 0 && n > 1)
    for (int i = 0; i < last; i++)
      if (b.from[i] == 1 && b.d[i] > 1) other = i;
  int64_t at[HD_MAX_RANK] = {0}, x = 0, y = 0;
  for (;;) {
    const char *source = (const char *)from + x * b.size;
    char *target = (char *)to + y * b.size;
    if (other >= 0) transpose(&b, source, target, b.d[other], n, sf, b.to[other]);
    else line(&b, source, target, n, sf, st);
    int i = last - 1;
    for (; i >= 0; i--) {
      if (i == other) continue;
      x += b.from[i], y += b.to[i];
      if (++at[i] < b.d[i]) break;
      x -= at[i] * b.from[i], y -= at[i] * b.to[i], at[i] = 0;
    }
    if (i < 0) return;
  }
}
