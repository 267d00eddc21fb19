// The arithmetic, on plain pointers: the contract of every kernel, and one table per instruction
// set. Nothing here allocates, fails, or knows a graph.
//
// Determinism is part of each contract. Which bits come out depends on the problem alone: never on
// the number of threads, on which thread runs which part, on AVX2 against AVX-512, or on whether an
// `after` is attached. So: every sum goes over k in order in one accumulator; a sum is split only
// into parts fixed by the problem and added in a fixed tree; sums across lanes use a virtual width
// of 16 on every instruction set; exp, log and tanh are our own. The baseline has no fused
// multiply-add and is a numeric class of its own.
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include "../base/cpu.h"
#include "../../include/hadal/tensor.h"
#include "../../include/hadal/tile.h"

// A problem is planned once (`*_plan`, shapes only) and then run part by part: phases one after the
// other, the parts of a phase in any order on any threads. All parts share `scratch` bytes of
// 64-byte aligned scratch, whose contents do not survive between runs, and `packed` bytes that may:
// phase 0 then makes them from operand b alone, and may be left out as long as b stays the same.
enum { HD_PHASES = 5 };
typedef struct hd_parts {
  int phases;                // 1 ... HD_PHASES
  int64_t parts[HD_PHASES];  // of each phase, fixed by the problem
  size_t scratch, packed;    // bytes; packed 0: no phase makes b's own form
  bool unstored;             // the output may be NULL: hd_after.take gets all of it
  double flop;               // of the whole problem, for deciding how many threads it deserves
} hd_parts;

// Called by a producer when the elements [first, first + count) of its (contiguous) output are
// final and still in cache, from the thread that made them; runs are disjoint, cover the output,
// and are as long as the blocking allows. The callee may overwrite just those elements. May be
// NULL. Where the output is not stored, `take` is called instead: `from` is the kernel's own
// memory.
typedef struct hd_after {
  void (*run)(void *context, int64_t first, int64_t count);
  void *context;
  void (*take)(void *context, int64_t first, int64_t count, const float *from);
} hd_after;

// Makes the elements [first, first + count) of an operand that is not stored, into `to`, which is
// the kernel's own memory. May be NULL: the operand is stored.
typedef struct hd_before {
  void (*run)(void *context, int64_t first, int64_t count, float *to);
  void *context;
} hd_before;

// ---- Precision ----------------------------------------------------------------------------------
// Of products and convolutions, as hd_precision says: operands are f32 in memory all the same.
// BF16: operands are rounded to bf16 (to nearest even), each output is a chain of fused
// multiply-adds over k in order, as in f32, with denormal operands and results flushed to zero. Of
// large 3x3 convolutions the transformed operands are rounded, and their sums flushed: with about
// twice the error.
// Equal bits on AVX2, AVX-512 and AVX-512 BF16 (VDPBF16PS adds the odd element of a pair first);
// AMX adds even and odd elements apart and is a class of its own, as is the baseline. BF16X3: near
// f32: hi hi + hi lo + lo hi of operands in two bf16 terms, on AMX; f32 elsewhere.

// ---- Products -----------------------------------------------------------------------------------
// C[b] = A[b] B[b] for b < batch; A[b] is (m, k), B[b] (k, n), C[b] (m, n). C is contiguous
// row-major over (batch, m, n) and never read before it is written.
typedef struct hd_product {
  int64_t batch, m, n, k;    // all >= 1 but k, which may be 0 (C = 0)
  bool ta, tb;               // A is stored (k, m), B is stored (n, k)
  int64_t lda, ldb;          // row strides in elements, as stored
  int64_t batch_a, batch_b;  // strides between batch entries in elements; 0 shares the operand
  hd_precision precision;
  bool kept;  // B stays as it is from run to run: a form of its own pays, however few the rows
} hd_product;
typedef struct hd_product_plan {
  hd_parts run;
  hd_product p;
  int64_t block[8];  // the kernel's own blocking
} hd_product_plan;

// ---- Convolution --------------------------------------------------------------------------------
// Cross-correlation, channels-last: x (n, h, w, c), weights (kh, kw, c / groups, f), y (n, oh, ow,
// f). y[n,p,q,f] = sum_{r,s,c} x[n, p sh + r dh - top, q sw + s dw - left, c] weights[r,s,c,f], x =
// 0 outside. Large 3x3 problems go by minimal filtering (conv_winograd.inc): sixteen sums a
// tile of 2x2 outputs, and as many for the gradient of the weights.
typedef struct hd_conv {
  int64_t n, h, w, c, f, kh, kw, oh, ow;
  int64_t sh, sw, dh, dw;  // stride, dilation: >= 1
  int64_t top, left;       // padding before; what lies after follows from oh, ow. >= 0
  int64_t groups;          // divides c and f
  hd_precision precision;
} hd_conv;
typedef enum hd_conv_pass {
  HD_CONV_FORWARD,  // a = x, b = weights, out = y
  HD_CONV_INPUT,    // a = dy, b = weights, out = dx: the input gradient (all of x's shape)
  HD_CONV_WEIGHTS   // a = x, b = dy, out = dweights
} hd_conv_pass;
typedef struct hd_conv_plan {
  hd_parts run;
  hd_conv p;
  hd_conv_pass pass;
  int64_t block[12];
} hd_conv_plan;

// ---- Tiles: elementwise primitives --------------------------------------------------------------
// y[i] = f(a[i], b[i], c[i]) for i < n. y may be equal to a, b or c; no other overlap. Truth is 1,
// falsehood 0. Each primitive rounds once per arithmetic step and is never fused with a neighbour.
typedef void hd_tile_fn(float *y, const float *a, const float *b, const float *c, int64_t n);

// ---- Programs: chains of tiles, one pass over memory --------------------------------------------
// The domain is a box d[0..rank-1] (rank >= 1) in row-major order. Operands walk it with strides
// of their own, in elements: 0 broadcasts. Outputs are contiguous over the domain.
enum { HD_PROGRAM_RANK = 6, HD_PROGRAM_OPERANDS = 24, HD_PROGRAM_STEPS = 64 };
typedef struct hd_operand {
  hd_dtype dtype;                   // F32; BOOL and U8 (read as 0 ... 255); I32 (read as float)
  int64_t stride[HD_PROGRAM_RANK];  // inputs only
  float value;                      // used when constant
  bool constant;                    // no pointer: `value` everywhere
} hd_operand;
typedef struct hd_program {
  int rank, inputs, outputs, steps;
  int64_t d[HD_PROGRAM_RANK];
  hd_operand in[HD_PROGRAM_OPERANDS];  // registers 0 .. inputs-1
  struct {
    hd_tile tile;
    int16_t a, b, c;
  } step[HD_PROGRAM_STEPS];  // step i makes register inputs+i
  struct {
    int16_t reg;
    hd_dtype dtype;
  } out[HD_PROGRAM_OPERANDS];  // F32, or BOOL (!= 0)
} hd_program;
// Filled once by hd_program_plan: register reuse, tile length, how each operand is loaded.
typedef struct hd_program_plan {
  hd_parts run;
  hd_program p;
  int64_t private_[560];
} hd_program_plan;

// ---- Reductions ---------------------------------------------------------------------------------
// y (outer, inner) from x (outer, reduce, inner), contiguous.
typedef enum hd_reduce_kind {
  HD_REDUCE_SUM,
  HD_REDUCE_MEAN,
  HD_REDUCE_MAX,
  HD_REDUCE_MIN
} hd_reduce_kind;
typedef struct hd_reduce {
  int64_t outer, reduce, inner;
  hd_reduce_kind kind;
} hd_reduce;
typedef struct hd_reduce_plan {
  hd_parts run;
  hd_reduce p;
  int64_t block[6];
} hd_reduce_plan;
// Per column of x (rows, columns): mean, and biased variance about it (two passes).
typedef struct hd_moments_plan {
  hd_parts run;
  int64_t rows, columns, block[4];
} hd_moments_plan;
// softmax or its log along rows of x (rows, columns), the maximum taken away first.
typedef struct hd_softmax_plan {
  hd_parts run;
  int64_t rows, columns, block;
  bool log;
} hd_softmax_plan;

// ---- Pooling ------------------------------------------------------------------------------------
// Windows over x (n, h, w, c) to y (n, oh, ow, c), clipped to the image.
typedef struct hd_pool2d {
  int64_t n, h, w, c, kh, kw, oh, ow, sh, sw, top, left;
  bool count_padding;  // average only: divide by kh kw instead of the clipped size
} hd_pool2d;
typedef struct hd_pool2d_plan {
  hd_parts run;
  hd_pool2d p;
  int64_t block;
} hd_pool2d_plan;

typedef struct hd_kernels {
  hd_isa isa;
  void (*product_plan)(const hd_product *p, hd_product_plan *to);
  void (*product_run)(const hd_product_plan *plan, int phase, int64_t part, const float *a,
                      const float *b, float *c, void *scratch, void *packed, const hd_after *after);
  void (*conv_plan)(const hd_conv *p, hd_conv_pass pass, hd_conv_plan *to);
  void (*conv_run)(const hd_conv_plan *plan, int phase, int64_t part, const float *a,
                   const float *b, float *out, void *scratch, void *packed, const hd_after *after);
  hd_tile_fn *tile[HD_TILE_COUNT];
  // Programs: in[] and out[] are the pointers of the operands (NULL for constants). program_run
  // does one part; program_range does the elements [first, first + count) and is what an hd_after
  // calls.
  void (*program_plan)(const hd_program *p, hd_program_plan *to);
  void (*program_run)(const hd_program_plan *plan, int64_t part, const void *const *in,
                      void *const *out);
  void (*program_range)(const hd_program_plan *plan, int64_t first, int64_t count,
                        const void *const *in, void *const *out);
  void (*reduce_plan)(const hd_reduce *p, hd_reduce_plan *to);
  // before: makes x; only for inner > 1.
  void (*reduce_run)(const hd_reduce_plan *plan, int phase, int64_t part, const float *x, float *y,
                     void *scratch, const hd_before *before);
  void (*moments_plan)(int64_t rows, int64_t columns, hd_moments_plan *to);
  void (*moments_run)(const hd_moments_plan *plan, int phase, int64_t part, const float *x,
                      float *mean, float *variance, void *scratch);
  void (*softmax_plan)(int64_t rows, int64_t columns, bool log, hd_softmax_plan *to);
  // norm (rows, 2), if not NULL: a row's maximum, and the log of the sum of exp(x - maximum); y may
  // then be NULL, if not log.
  void (*softmax_run)(const hd_softmax_plan *plan, int64_t part, const float *x, float *y,
                      float *norm);
  void (*argmax_rows)(int64_t rows, int64_t columns, const float *x,
                      int32_t *y);  // first of equals; NaN wins
  // index: the tap r * kw + s of the maximum (first of equals; NaN wins), or NULL when not wanted.
  void (*max_pool_plan)(const hd_pool2d *p, hd_pool2d_plan *to);
  void (*max_pool_run)(const hd_pool2d_plan *plan, int64_t part, const float *x, float *y,
                       int32_t *index);
  // dx (n, h, w, c) = sum of dy at the taps that won; every element of dx is written.
  void (*max_unpool_run)(const hd_pool2d_plan *plan, int64_t part, const float *dy,
                         const int32_t *index, float *dx);
  void (*avg_pool_run)(const hd_pool2d_plan *plan, int64_t part, const float *x, float *y);
  void (*avg_unpool_run)(const hd_pool2d_plan *plan, int64_t part, const float *dy,
                         float *dx);  // its transpose
  // y[i] = keep(i) ? x[i] / (1 - rate) : 0, keep drawn from element first + i of the stream; the
  // same words as hd_random_uniform(key, first + i) >= rate.
  void (*dropout)(float *y, const float *x, int64_t n, float rate, uint64_t seed, uint64_t stream,
                  uint64_t first);
  // y[i] = mean + deviation z(i), z normal (0, 1) by Box-Muller: the radius from element first + i
  // of the stream, the angle from that of ~stream.
  void (*noise)(float *y, int64_t n, float mean, float deviation, uint64_t seed, uint64_t stream,
                uint64_t first);
} hd_kernels;

// The table of an instruction set; the baseline's where that one is not built in.
const hd_kernels *hd_kernels_of(hd_isa isa);

// A box of elements copied with free strides (in elements; 0 or negative in the source allowed):
// transposes, slices, concatenations, broadcasts. size: bytes of an element (1, 2, 4 or 8).
typedef struct hd_copy {
  int rank, size;
  int64_t d[HD_MAX_RANK], from[HD_MAX_RANK], to[HD_MAX_RANK];
} hd_copy;
void hd_copy_run(const hd_copy *copy, const void *from, void *to);

#endif
