// One problem of any kernel, and the proof that its bits depend on the problem alone: it is run by
// every instruction set, its parts in many orders and on many threads, with memory that held other
// things before, with and without `after`, and every result must be the first one.
#ifndef KERNEL_BITS_TEST_H
#define KERNEL_BITS_TEST_H

#include "../base/pool.h"
#include "vector_test.h"

#include <stdio.h>

typedef enum job_kind {
  PRODUCT,
  CONV,
  PROGRAM,
  REDUCE,
  MOMENTS,
  SOFTMAX,
  ARGMAX,
  MAX_POOL,
  MAX_UNPOOL,
  AVG_POOL,
  AVG_UNPOOL,
  DROPOUT,
  NOISE,
  TILE,
  KINDS
} job_kind;
static const char *const kind_name[KINDS] = {
    "product",  "conv",       "program",  "reduce",     "moments", "softmax", "argmax",
    "max_pool", "max_unpool", "avg_pool", "avg_unpool", "dropout", "noise",   "tile"};

typedef struct job {
  job_kind kind;
  hd_product product;
  hd_conv conv;
  hd_conv_pass pass;
  hd_program program;
  hd_reduce reduce;
  int64_t rows, columns;  // moments, softmax, argmax; one row: dropout, noise, tile
  bool log;
  hd_pool2d pool;
  hd_tile tile;
} job;

// ---- Memory -------------------------------------------------------------------------------------
enum { INPUT_FLOATS = 9 << 18, OUTPUT_BYTES = 5 << 20, GUARD = 64 };
static float input[3][INPUT_FLOATS];
static int32_t taps[INPUT_FLOATS];  // of max_unpool

// Number `n` of a stream: any one can be had without those before it.
static uint32_t number(uint32_t stream, uint32_t n) {
  uint32_t h = stream * 2654435761u ^ n * 2246822519u;
  h = (h ^ h >> 15) * 2654435761u;
  h = (h ^ h >> 13) * 3266489917u;
  return h ^ h >> 16;
}
static int64_t within(uint32_t stream, uint32_t n, int64_t from, int64_t to) {
  return from + number(stream, n) % (uint32_t)(to - from + 1);
}

static void fill_inputs(void) {
  for (uint32_t i = 0; i < INPUT_FLOATS; i++) {
    input[0][i] = (float)(number(1, i) >> 8) * 0x1p-23f + 0.0078125f;  // positive: log, sqrt, pow
    input[1][i] = (float)(number(2, i) >> 8) * 0x1p-23f - 1;
    input[2][i] = (float)(number(3, i) >> 8) * 0x1p-22f - 2;
    taps[i] = (int32_t)(number(4, i) % 9);
  }
}

static int64_t program_count(const hd_program *p) {
  int64_t n = 1;
  for (int i = 0; i < p->rank; i++) n *= p->d[i];
  return n;
}

static size_t output_bytes(const job *j) {
  const hd_conv *v = &j->conv;
  const hd_pool2d *p = &j->pool;
  int64_t large = p->n * p->h * p->w * p->c, small = p->n * p->oh * p->ow * p->c;
  switch (j->kind) {
    case PRODUCT: return (size_t)(j->product.batch * j->product.m * j->product.n) * 4;
    case CONV:
      return (size_t)(j->pass == HD_CONV_FORWARD ? v->n * v->oh * v->ow * v->f
                      : j->pass == HD_CONV_INPUT ? v->n * v->h * v->w * v->c
                                                 : v->kh * v->kw * (v->c / v->groups) * v->f) *
             4;
    case PROGRAM: return (size_t)program_count(&j->program) * 5;  // f32, then BOOL
    case REDUCE: return (size_t)(j->reduce.outer * j->reduce.inner) * 4;
    case MOMENTS: return (size_t)j->columns * 8;
    case SOFTMAX: return (size_t)(j->rows * (j->columns + 2)) * 4;  // and the norms
    case ARGMAX: return (size_t)j->rows * 4;
    case MAX_POOL: return (size_t)small * 8;  // and the indices
    case AVG_POOL: return (size_t)small * 4;
    case MAX_UNPOOL:
    case AVG_UNPOOL: return (size_t)large * 4;
    default: return (size_t)(j->rows * j->columns) * 4;
  }
}

// ---- Running ------------------------------------------------------------------------------------
typedef union any_plan {
  hd_product_plan product;
  hd_conv_plan conv;
  hd_program_plan program;
  hd_reduce_plan reduce;
  hd_moments_plan moments;
  hd_softmax_plan softmax;
  hd_pool2d_plan pool;
} any_plan;

typedef enum order { FORWARD, REVERSED, SHUFFLED, TURNS, POOL } order;
typedef struct way {
  const char *name;
  order order;
  int threads;  // TURNS: that many, each with a run of parts, take turns; POOL: they are real
  bool after;
  int cuts;       // what the caller cuts (tiles, rows, ranges of programs) is cut so often
  bool kept;      // planned for a b that stays, and run once more with its packed form kept
  bool unstored;  // where the plan offers it
} way;
static const way ways[] = {
    {"in order", FORWARD, 1, false, 0, false, false},
    {"reversed", REVERSED, 1, false, 2, false, false},
    {"shuffled", SHUFFLED, 1, false, 5, true, false},
    {"in order, with after", FORWARD, 1, true, 13, false, false},
    {"reversed, with after", REVERSED, 1, true, 1, false, false},
    {"two take turns, not stored", TURNS, 2, true, 3, false, true},
    {"three take turns", TURNS, 3, false, 4, false, false},
    {"seven take turns", TURNS, 7, true, 29, false, false},
    {"two threads", POOL, 2, false, 6, false, false},
    {"three threads, not stored", POOL, 3, true, 7, true, true},
    {"seven threads", POOL, 7, true, 17, false, false},
};
enum { WAYS = sizeof ways / sizeof *ways };
static hd_pool *pool_of[8];
static int threads_now;  // what a kernel must not know

typedef struct running {
  const hd_kernels *k;
  const job *j;
  const any_plan *p;
  const hd_after *after;
  char *out;
  void *scratch, *packed;
  int cuts, phase;
} running;

static hd_parts arrange(const hd_kernels *k, const job *j, any_plan *p, const way *w) {
  int cuts = w->cuts;
  hd_product product = j->product;
  product.kept = w->kept;
  memset(p, 0x5a, sizeof *p);
  switch (j->kind) {
    case PRODUCT: return k->product_plan(&product, &p->product), p->product.run;
    case CONV: return k->conv_plan(&j->conv, j->pass, &p->conv), p->conv.run;
    case REDUCE: return k->reduce_plan(&j->reduce, &p->reduce), p->reduce.run;
    case MOMENTS: return k->moments_plan(j->rows, j->columns, &p->moments), p->moments.run;
    case SOFTMAX: return k->softmax_plan(j->rows, j->columns, j->log, &p->softmax), p->softmax.run;
    case PROGRAM:
      k->program_plan(&j->program, &p->program);
      if (!cuts) return p->program.run;
      break;
    case ARGMAX:
    case DROPOUT:
    case NOISE:
    case TILE: break;
    default: return k->max_pool_plan(&j->pool, &p->pool), p->pool.run;
  }
  return (hd_parts){.phases = 1, .parts = {cuts + 1}};
}

static void run_part(void *arg, int64_t part) {
  const running *r = arg;
  const hd_kernels *k = r->k;
  const job *j = r->j;
  const any_plan *p = r->p;
  float *out = (float *)(void *)r->out;
  const float *a = input[1], *b = input[2];
  const hd_pool2d *pool = &j->pool;
  const void *in[3] = {input[0], input[1], input[2]};
  int64_t all = j->kind == PROGRAM  ? program_count(&j->program)
                : j->kind == ARGMAX ? j->rows
                                    : j->rows * j->columns;
  int64_t first = all * part / (r->cuts + 1), count = all * (part + 1) / (r->cuts + 1) - first;
  switch (j->kind) {
    case PRODUCT:
      k->product_run(&p->product, r->phase, part, a, b, out, r->scratch, r->packed, r->after);
      break;
    case CONV:
      k->conv_run(&p->conv, r->phase, part, a, b, out, r->scratch, r->packed, r->after);
      break;
    case PROGRAM: {
      void *to[2] = {out, r->out + all * 4};
      if (!r->cuts) k->program_run(&p->program, part, in, to);
      else k->program_range(&p->program, first, count, in, to);
      break;
    }
    case REDUCE: k->reduce_run(&p->reduce, r->phase, part, a, out, r->scratch, NULL); break;
    case MOMENTS:
      k->moments_run(&p->moments, r->phase, part, a, out, out + j->columns, r->scratch);
      break;
    case SOFTMAX: k->softmax_run(&p->softmax, part, b, out, out + j->rows * j->columns); break;
    case ARGMAX:
      k->argmax_rows(count, j->columns, b + first * j->columns, (int32_t *)(void *)out + first);
      break;
    case MAX_POOL:
      k->max_pool_run(&p->pool, part, a, out,
                      (int32_t *)(void *)out + pool->n * pool->oh * pool->ow * pool->c);
      break;
    case MAX_UNPOOL: k->max_unpool_run(&p->pool, part, a, taps, out); break;
    case AVG_POOL: k->avg_pool_run(&p->pool, part, a, out); break;
    case AVG_UNPOOL: k->avg_unpool_run(&p->pool, part, a, out); break;
    case DROPOUT:
      k->dropout(out + first, a + first, count, 0.3f, 7, 11, (uint64_t)first + 5);
      break;
    case NOISE: k->noise(out + first, count, 1, 0.3f, 7, 11, (uint64_t)first + 5); break;
    default: k->tile[j->tile](out + first, input[0] + first, a + first, b + first, count);
  }
}

static void run_phase(running *r, int64_t parts, const way *w) {
  static int64_t list[4096];
  assert_in_range(parts, 1, 4096);
  for (int64_t i = 0; i < parts; i++) list[i] = w->order == REVERSED ? parts - 1 - i : i;
  if (w->order == SHUFFLED)
    for (int64_t i = parts; i-- > 1;) {
      int64_t other = within(9, (uint32_t)i, 0, i), swap = list[i];
      list[i] = list[other], list[other] = swap;
    }
  if (w->order == POOL) {
    hd_pool_run(pool_of[w->threads], parts, run_part, r);
  } else if (w->order == TURNS) {
    int64_t each = (parts + w->threads - 1) / w->threads;
    for (int64_t i = 0; i < each; i++)
      for (int t = w->threads; t-- > 0;)
        if (t * each + i < parts && i < each) run_part(r, t * each + i);
  } else {
    for (int64_t i = 0; i < parts; i++) run_part(r, list[i]);
  }
}

// An `after` that takes what is final, and spoils it: nobody may read or write it any more.
typedef struct taken {
  int64_t size;
  uint32_t *out, *copy;
  _Atomic uint8_t *seen;
  _Atomic bool wrong;
} taken;
enum { SPOILT = 0x7fc0dead };
static void take(void *context, int64_t first, int64_t count) {
  taken *t = context;
  if (first < 0 || count < 1 || first + count > t->size) {
    t->wrong = true;
    return;
  }
  for (int64_t i = first; i < first + count; i++) {
    if (t->seen[i]++) t->wrong = true;
    t->copy[i] = t->out[i], t->out[i] = SPOILT;
  }
}
// The same of an output that is not stored.
static void take_from(void *context, int64_t first, int64_t count, const float *from) {
  taken *t = context;
  if (first < 0 || count < 1 || first + count > t->size) {
    t->wrong = true;
    return;
  }
  for (int64_t i = 0; i < count; i++)
    if (t->seen[first + i]++) t->wrong = true;
  memcpy(t->copy + first, from, (size_t)count * 4);
}

// NULL, or what is wrong beside the values.
static const char *execute(const hd_kernels *k, const job *j, int number_of_way, char *to) {
  static uint32_t copy[OUTPUT_BYTES / 4];
  static _Atomic uint8_t seen[OUTPUT_BYTES / 4];
  const way *w = &ways[number_of_way];
  size_t size = output_bytes(j);
  assert_in_range(size, 0, OUTPUT_BYTES);
  any_plan p;
  running r = {.k = k, .j = j, .p = &p, .out = to, .cuts = w->cuts};
  threads_now = w->threads;
  hd_parts parts = arrange(k, j, &p, w);
  int poison = number_of_way * 0x2f;  // no way finds what another left
  r.scratch = aligned_alloc(64, (parts.scratch + 127) / 64 * 64);
  r.packed = aligned_alloc(64, (parts.packed + 127) / 64 * 64);
  assert_true(r.scratch && r.packed);
  memset(r.packed, poison, parts.packed);
  taken t = {(int64_t)size / 4, (uint32_t *)(void *)to, copy, seen, false};
  bool with_after = w->after && (j->kind == PRODUCT || j->kind == CONV);
  bool unstored = w->unstored && with_after && parts.unstored;
  if (unstored) r.out = NULL;
  for (int again = 0; again <= (w->kept && parts.packed); again++) {
    memset(r.scratch, poison, parts.scratch);
    memset(to, poison, size + GUARD);
    for (size_t i = 0; with_after && i < size / 4; i++) seen[i] = 0;
    r.after = with_after ? &(hd_after){.run = take, .context = &t, .take = take_from} : NULL;
    for (r.phase = again; r.phase < parts.phases; r.phase++) run_phase(&r, parts.parts[r.phase], w);
  }
  free(r.scratch), free(r.packed);
  for (size_t i = size; i < size + GUARD; i++)
    if (to[i] != (char)poison) return "writes behind the result";
  for (size_t i = 0; with_after && i < size / 4; i++) {
    if (seen[i] != 1 || t.wrong) return "after does not see every element once";
    if (!unstored && t.out[i] != SPOILT) return "an element is written after `after`";
  }
  if (with_after) memcpy(to, copy, size);
  return NULL;
}

// ---- Comparing ----------------------------------------------------------------------------------
// Tables of one class give one result: the baseline has no fused multiply-add, AMX adds bf16 in
// pairs.
static int class_of(const hd_kernels *k, const job *j) {
  bool bf16 =
      (j->kind == PRODUCT && j->product.precision) || (j->kind == CONV && j->conv.precision);
  return k->isa == HD_ISA_BASELINE ? 0 : k->isa == HD_ISA_AMX && bf16 ? 2 : 1;
}

static char why[400];
static const char *describe(const job *j, const hd_kernels *k, const char *how, const char *what) {
  const hd_product *p = &j->product;
  const hd_conv *v = &j->conv;
  const hd_pool2d *q = &j->pool;
  int n =
      snprintf(why, sizeof why, "%s, isa %d, %s: %s;", kind_name[j->kind], (int)k->isa, how, what);
  char *to = why + n;
  size_t room = sizeof why - (size_t)n;
  if (j->kind == PRODUCT)
    snprintf(to, room, " batch %d m %d n %d k %d ta %d tb %d precision %d", (int)p->batch,
             (int)p->m, (int)p->n, (int)p->k, p->ta, p->tb, (int)p->precision);
  else if (j->kind == CONV)
    snprintf(to, room, " pass %d n %d x %dx%dx%d f %d k %dx%d stride %d,%d groups %d precision %d",
             (int)j->pass, (int)v->n, (int)v->h, (int)v->w, (int)v->c, (int)v->f, (int)v->kh,
             (int)v->kw, (int)v->sh, (int)v->sw, (int)v->groups, (int)v->precision);
  else if (j->kind == REDUCE)
    snprintf(to, room, " %d x %d x %d, kind %d", (int)j->reduce.outer, (int)j->reduce.reduce,
             (int)j->reduce.inner, (int)j->reduce.kind);
  else if (j->kind >= MAX_POOL && j->kind <= AVG_UNPOOL)
    snprintf(to, room, " n %d x %dx%dx%d k %dx%d stride %d,%d", (int)q->n, (int)q->h, (int)q->w,
             (int)q->c, (int)q->kh, (int)q->kw, (int)q->sh, (int)q->sw);
  else snprintf(to, room, " %d x %d, tile %d", (int)j->rows, (int)j->columns, (int)j->tile);
  return why;
}

// NULL when all tables of a class agree in all ways; else the first that does not.
static const char *differs(const hd_kernels *const *table, int tables_, const job *j) {
  static _Alignas(64) char first[3][OUTPUT_BYTES + GUARD], got[OUTPUT_BYTES + GUARD];
  bool have[3] = {false};
  size_t size = output_bytes(j);
  for (int t = 0; t < tables_; t++)
    for (int w = 0; w < WAYS; w++) {
      int class = class_of(table[t], j);
      char *to = have[class] ? got : first[class];
      const char *wrong = execute(table[t], j, w, to);
      if (wrong) return describe(j, table[t], ways[w].name, wrong);
      if (have[class] && memcmp(first[class], got, size) != 0)
        return describe(j, table[t], ways[w].name, "other bits");
      have[class] = true;
    }
  return NULL;
}

#endif
