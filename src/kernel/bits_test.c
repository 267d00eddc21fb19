// Bits that depend on the problem alone, of every kernel: parts in order, backwards, shuffled,
// split among 2, 3 and 7 threads, with and without `after`, on AVX2, AVX-512 and AVX-512 BF16
// alike. Each kind of kernel has saboteurs, wrong in a way of its own, that the same check must
// catch.
#define _DEFAULT_SOURCE
#include "bits_test.h"

static const hd_kernels *table[HD_ISAS];
static int table_count;

static void expect_same(const job *j) {
  const char *bad = differs(table, table_count, j);
  if (bad) fail_msg("%s", bad);
}

// ---- Products -----------------------------------------------------------------------------------
static job product(int64_t batch, int64_t m, int64_t n, int64_t k, bool ta, bool tb, int64_t pad) {
  hd_product p = {.batch = batch, .m = m, .n = n, .k = k, .ta = ta, .tb = tb};
  p.lda = (ta ? m : k) + pad, p.ldb = (tb ? k : n) + pad;
  p.batch_a = (ta ? k : m) * p.lda, p.batch_b = (tb ? n : k) * p.ldb;
  return (job){.kind = PRODUCT, .product = p};
}

// block[3] of a plan of f32 is the way of product.inc (its enum: row ... shared), block[6] in how
// many pieces the sum is split.
static void products(void **state) {
  (void)state;
  static const int64_t shape[][6] = {
      // batch, m, n, k, ta, tb
      {1, 1, 4000, 300, 0, 0},  {1, 1, 250, 8300, 0, 0},   {1, 3, 500, 1000, 0, 1},
      {1, 1, 100, 9000, 0, 1},  {1, 48, 200, 300, 0, 0},   {1, 100, 130, 300, 1, 0},
      {1, 16, 24, 4500, 0, 0},  {1, 20, 300, 400, 0, 1},   {1, 20, 24, 4500, 0, 1},
      {1, 150, 200, 90, 0, 1},  {1, 200, 150, 90, 1, 1},   {1, 100, 8, 4200, 0, 1},
      {1, 3000, 1, 400, 0, 0},  {1, 700, 1, 1100, 1, 0},   {9, 33, 65, 70, 0, 0},
      {40, 16, 24, 32, 0, 1},   {1, 64, 10, 100, 0, 0},    {2, 5, 7, 0, 0, 0},
      {1, 40, 1600, 33, 0, 0},  {3, 200, 40, 50, 1, 0},    {1, 784, 20, 64, 1, 0},
      {1, 260, 300, 40, 0, 0},  {1, 7, 1003, 530, 0, 0},   {1, 4, 2000, 270, 1, 0},
      {1, 11, 70, 333, 0, 1},   {2, 6, 33, 90, 0, 1},      {1, 8, 780, 1100, 0, 0},
      {1, 100, 8, 4200, 1, 1},  {1, 100, 150, 2100, 0, 1}, {1, 130, 770, 300, 0, 1},
      {1, 13, 1003, 530, 0, 0}, {1, 9, 200, 700, 0, 1},    {1, 16, 100, 333, 0, 1},
      {1, 150, 300, 1, 1, 0},   {2, 9, 2600, 1, 0, 1},     {1, 250, 300, 16, 1, 0},
      {1, 13, 130, 600, 0, 1},  {3, 4, 203, 405, 0, 1},    {1, 3, 1025, 2050, 0, 0},
      {1, 2000, 70, 99, 0, 0},  {1, 120, 200, 300, 0, 0},  {1, 3600, 100, 39, 0, 0},
      {1, 130, 901, 70, 0, 0},  {1, 75, 900, 90, 1, 0},    {1, 24, 300, 400, 0, 1},
      {1, 24, 24, 4500, 0, 1},  {1, 4, 40, 60, 0, 0},      {1, 4, 24, 9000, 0, 0},
      {1, 120, 40, 300, 0, 0},  {1, 45, 64, 1100, 1, 0},   {1, 20, 8, 1500, 0, 0},
      {1, 30, 4, 2500, 1, 0},   {1, 70, 24, 5000, 0, 0},   {1, 140, 200, 300, 0, 0},
  };
  unsigned ways_met = 0, splits = 0, unstored = 0;
  for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
    for (int precision = 0; precision <= HD_PRECISION_BF16X3; precision++) {
      const int64_t *s = shape[i];
      job j = product(s[0], s[1], s[2], s[3], s[4], s[5], i % 3 == 0 ? 3 : 0);
      assert_in_range(s[0] * j.product.batch_a, 0, INPUT_FLOATS);
      assert_in_range(s[0] * j.product.batch_b, 0, INPUT_FLOATS);
      j.product.precision = (hd_precision)precision;
      if (precision == HD_PRECISION_BF16X3 && table[table_count - 1]->isa != HD_ISA_AMX && i > 3)
        continue;  // f32 there
      hd_product_plan p;
      table[table_count - 1]->product_plan(&j.product, &p);
      if (p.run.unstored) unstored |= 1u << p.block[3];
      if (!precision) ways_met |= 1u << p.block[3], splits |= p.block[6] > 1 ? 1u << p.block[3] : 0;
      expect_same(&j);
    }
  assert_int_equal(ways_met, 0x7f);  // every way,
  assert_int_equal(splits, 0x75);    // with a split sum: row, own, direct, short, shared,
  assert_int_equal(unstored, 0x30);  // and not stored: direct, short
}

static void random_products(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 70; i++) {
    job j = product(within(20, i, 1, 3), within(21, i, 1, 67), within(22, i, 1, 67),
                    within(23, i, 0, 67), i & 1, i & 2, i & 4 ? 5 : 0);
    if (i % 5 == 0) j.product.batch_b = 0;
    j.product.precision = (hd_precision)(i % 4 == 3 ? HD_PRECISION_BF16 : HD_PRECISION_F32);
    expect_same(&j);
  }
}

// ---- Convolutions -------------------------------------------------------------------------------
static job conv(int64_t n, int64_t size, int64_t c, int64_t f, int64_t k, int64_t stride,
                int64_t pad, int64_t groups, int64_t dilation) {
  int64_t o = (size + 2 * pad - (k - 1) * dilation - 1) / stride + 1;
  return (job){.kind = CONV,
               .conv = {.n = n,
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
                        .dh = dilation,
                        .dw = dilation,
                        .top = pad,
                        .left = pad,
                        .groups = groups}};
}

// block[0] of a plan of f32 is the way of conv.inc: product, depthwise, narrow, tiles, windows,
// turned, blocks, grouped, point, winograd.
static void convs(void **state) {
  (void)state;
  static const int64_t shape[][9] = {
      // n, size, c, f, k, stride, pad, groups, dilation
      {17, 28, 1, 6, 5, 1, 2, 1, 1},
      {9, 14, 6, 16, 5, 1, 0, 1, 1},
      {2, 9, 64, 64, 3, 1, 1, 1, 1},
      {9, 11, 1, 10, 4, 3, 1, 1, 1},
      {3, 12, 20, 6, 4, 1, 1, 1, 1},
      {2, 24, 3, 20, 7, 2, 3, 1, 1},
      {4, 12, 32, 20, 1, 1, 0, 1, 1},
      {9, 9, 37, 37, 3, 1, 1, 37, 1},
      {9, 9, 64, 64, 3, 2, 1, 64, 1},
      {3, 14, 267, 267, 3, 1, 1, 267, 1},  // more channels than a block, the last one narrow
      {3, 13, 128, 128, 3, 1, 1, 128, 1},  // few rows at a time
      {2, 10, 512, 512, 3, 2, 1, 512, 1},
      {1, 23, 1024, 1024, 3, 1, 1, 1024, 1},  // more than the second level cache holds
      {5, 9, 16, 32, 3, 1, 1, 2, 1},
      {5, 9, 24, 40, 3, 2, 1, 1, 1},
      {4, 10, 16, 12, 3, 1, 2, 1, 2},
      {2, 12, 32, 40, 3, 2, 1, 1, 1},
      {3, 7, 96, 33, 2, 2, 0, 1, 1},
      {1, 14, 16, 72, 3, 1, 1, 1, 1},
      {9, 12, 3, 12, 3, 1, 1, 1, 1},
      {1, 66, 20, 20, 3, 1, 1, 1, 1},
      {2, 21, 32, 32, 3, 1, 1, 8, 1},
      {2, 4, 128, 256, 3, 1, 1, 1, 1},   // filters are dealt to the parts,
      {2, 3, 384, 96, 3, 1, 1, 1, 1},    // and the taps are outermost
      {2, 9, 64, 20, 1, 2, 0, 1, 1},     // input gradients in four vectors
      {5, 18, 20, 300, 1, 2, 0, 1, 1},   // units of filters share their x
      {4, 15, 210, 250, 1, 2, 0, 1, 1},  // strided products of copies
      {3, 20, 3, 16, 3, 1, 1, 1, 1},     // three channels slide by constants
      {2, 23, 3, 16, 5, 1, 2, 1, 1},
      {1, 210, 3, 32, 3, 2, 1, 1, 1},  // outputs are fetched with the tiles
      {2, 11, 3, 32, 3, 1, 1, 1, 1},   // weights by windows of dy where it lies
      {1, 48, 58, 66, 3, 2, 1, 1, 1},  // tiles of four vectors
      {2, 20, 16, 24, 3, 2, 1, 1, 1},  // input gradients slide over two columns
      {2, 4, 64, 512, 3, 1, 1, 1, 1},  // one panel of four vectors, or several
      {1, 12, 1400, 32, 3, 1, 1, 1, 1},
      {5, 13, 24, 67, 3, 1, 0, 1, 1},  // 2x2 outputs at a time: odd sizes, parts of vectors,
      {3, 25, 51, 80, 3, 1, 2, 1, 1},
      {8, 8, 363, 364, 3, 1, 1, 1, 1},   // far weights, all filters of a block together
      {11, 19, 40, 48, 3, 1, 1, 1, 1},   // four chunks of the batch
      {1, 40, 256, 130, 3, 1, 1, 1, 1},  // weights dealt by rows of positions
      {18, 19, 64, 130, 2, 2, 1, 1, 1},  // dense pixels of strided taps, images,
      {5, 33, 64, 130, 2, 2, 1, 1, 1},   // rows of one,
      {8, 21, 128, 256, 2, 2, 1, 2, 1},  // of groups,
      {8, 12, 64, 256, 1, 1, 0, 1, 1},   // and of 1x1,
      {8, 24, 64, 512, 1, 2, 1, 1, 1},   // in parts
  };
  static const unsigned wanted[] = {0x38f, 0x3ab, 0x2db};  // of the ways, in each pass
  unsigned met[3] = {0};
  for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
    for (int pass = 0; pass < 3; pass++)
      for (int precision = 0; precision < 2; precision++) {
        const int64_t *s = shape[i];
        job j = conv(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8]);
        j.pass = (hd_conv_pass)pass, j.conv.precision = (hd_precision)precision;
        hd_conv_plan p;
        table[table_count - 1]->conv_plan(&j.conv, j.pass, &p);
        if (!precision) met[pass] |= 1u << p.block[0];
        expect_same(&j);
      }
  for (int pass = 0; pass < 3; pass++) assert_int_equal(met[pass], wanted[pass]);
  job sums = conv(2, 15, 520, 1024, 1, 1, 0, 1, 1);  // weights, of blocks in one chunk
  sums.pass = HD_CONV_WEIGHTS;
  expect_same(&sums);
  job uneven = conv(128, 4, 362, 360, 3, 1, 1, 1, 1);  // weights: chunks, whose sums are more in
  uneven.pass = HD_CONV_WEIGHTS;                       // vectors of 16 than in those of 8
  expect_same(&uneven);
  job far = conv(1, 41, 1003, 1003, 3, 2, 1, 1003, 1);  // depthwise, from memory
  expect_same(&far);
}

static void random_convs(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 80; i++) {
    int64_t groups = i % 5 ? 1 : within(30, i, 1, 4), c = groups * within(31, i, 1, 9),
            f = groups * within(32, i, 1, 18), k = within(33, i, 1, 5), pad = within(34, i, 0, k),
            dilation = i % 7 ? 1 : within(35, i, 1, 2),
            size = (k - 1) * dilation + within(36, i, 1, 9);
    job j = conv(within(37, i, 1, 5), size, c, f, k, within(38, i, 1, 3), pad, groups, dilation);
    j.pass = (hd_conv_pass)(i % 3);
    j.conv.precision = (hd_precision)(i % 4 == 3 ? HD_PRECISION_BF16 : HD_PRECISION_F32);
    expect_same(&j);
  }
}

// ---- Programs and tiles -------------------------------------------------------------------------
// Three operands with those dimensions that the bits of `has` name, and a chain of steps.
static job program(int rank, const int64_t *d, const unsigned *has, uint32_t steps) {
  static const hd_tile some[] = {HD_TILE_mul, HD_TILE_add,     HD_TILE_tanh,  HD_TILE_sub,
                                 HD_TILE_exp, HD_TILE_sigmoid, HD_TILE_max,   HD_TILE_div,
                                 HD_TILE_log, HD_TILE_select,  HD_TILE_rsqrt, HD_TILE_gt};
  job j = {.kind = PROGRAM};
  hd_program *p = &j.program;
  p->rank = rank, p->inputs = 3, p->outputs = 2;
  for (int i = 0; i < rank; i++) p->d[i] = d[i];
  for (int in = 0; in < 3; in++) {
    int64_t stride = 1;
    for (int i = rank - 1; i >= 0; i--)
      if (has[in] >> i & 1) p->in[in].stride[i] = stride, stride *= d[i];
  }
  for (uint32_t s = 0; s < 2 + steps % 6; s++) {
    // Of positive numbers where the tile asks for it: operand 0, or an exponential of the last.
    hd_tile tile = some[number(steps, s) % 12];
    bool positive = tile == HD_TILE_log || tile == HD_TILE_rsqrt || tile == HD_TILE_div;
    int last = 3 + (int)s - 1;
    p->step[s].tile = tile;
    p->step[s].a = (int16_t)(positive && tile != HD_TILE_div ? 0 : last);
    p->step[s].b = (int16_t)(positive ? 0 : within(steps, 90 + s, 0, last));
    p->step[s].c = (int16_t)within(steps, 95 + s, 0, last);
    p->steps++;
  }
  p->out[0].reg = (int16_t)(3 + p->steps - 1), p->out[0].dtype = HD_F32;
  p->out[1].reg = (int16_t)(3 + p->steps - 2), p->out[1].dtype = HD_BOOL;
  return j;
}

static void programs(void **state) {
  (void)state;
  static const int64_t box[][4] = {
      {64, 1, 1, 10},  {4, 5, 3, 700}, {1, 3, 1300, 9}, {3, 1, 513, 6},  {1, 1, 2500, 16},
      {1, 2, 7, 3000}, {2, 3, 4, 5},   {12, 28, 28, 8}, {100, 8, 8, 12}, {30, 1, 1, 2400}};
  for (uint32_t i = 0; i < 40; i++) {
    unsigned has[3] = {15, (unsigned)within(40, i, 0, 15), i % 4 ? 8 : 0};
    job j = program(4, box[i % 10], has, i);
    expect_same(&j);
  }
}

static void tiles(void **state) {
  (void)state;
  for (int tile = 0; tile < HD_TILE_COUNT; tile++)
    for (int64_t n = 1; n < 600; n += n < 40 ? 13 : 531) {
      job j = {.kind = TILE, .rows = 1, .columns = n, .tile = (hd_tile)tile};
      expect_same(&j);
    }
}

// ---- Along rows and columns ---------------------------------------------------------------------
static void reductions(void **state) {
  (void)state;
  static const int64_t shape[][3] = {{1, 90000, 1}, {1, 3000, 64}, {5, 4000, 3}, {40, 2000, 1},
                                     {3, 50, 600},  {1, 40000, 7}, {200, 9, 17}, {1, 700, 130},
                                     {2000, 1, 20}, {1, 3, 5}};
  for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
    for (int kind = 0; kind <= HD_REDUCE_MIN; kind++) {
      job j = {.kind = REDUCE,
               .reduce = {shape[i][0], shape[i][1], shape[i][2], (hd_reduce_kind)kind}};
      expect_same(&j);
    }
  for (uint32_t i = 0; i < 20; i++) {
    job j = {.kind = REDUCE,
             .reduce = {within(50, i, 1, 20), within(51, i, 1, 90), within(52, i, 1, 70),
                        (hd_reduce_kind)(i % 4)}};
    expect_same(&j);
  }
}

static void along_rows(void **state) {
  (void)state;
  static const int64_t shape[][2] = {{1, 1},    {5, 3},     {40000, 6}, {3000, 64}, {200, 700},
                                     {9000, 1}, {3136, 65}, {64, 10},   {2000, 10}, {9, 3000}};
  for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
    for (int kind = MOMENTS; kind <= ARGMAX; kind++) {
      job j = {.kind = (job_kind)kind, .rows = shape[i][0], .columns = shape[i][1], .log = i & 1};
      expect_same(&j);
    }
    job j = {.kind = DROPOUT, .rows = shape[i][0], .columns = shape[i][1]};
    expect_same(&j);
    j.kind = NOISE;
    expect_same(&j);
  }
}

// ---- Pools --------------------------------------------------------------------------------------
static job pool(job_kind kind, int64_t n, int64_t size, int64_t c, int64_t k, int64_t stride,
                int64_t pad) {
  int64_t o = (size + 2 * pad - k) / stride + 1;
  return (job){.kind = kind,
               .pool = {.n = n,
                        .h = size,
                        .w = size,
                        .c = c,
                        .kh = k,
                        .kw = k,
                        .oh = o,
                        .ow = o,
                        .sh = stride,
                        .sw = stride,
                        .top = pad,
                        .left = pad,
                        .count_padding = c & 1}};
}

static void pools(void **state) {
  (void)state;
  static const int64_t shape[][6] = {
      // n, size, c, k, stride, pad
      {4, 40, 24, 2, 2, 0}, {5, 28, 17, 3, 2, 1}, {20, 28, 6, 2, 2, 0}, {3, 15, 20, 3, 1, 1},
      {9, 7, 1, 2, 1, 0},   {70, 9, 16, 3, 3, 0}, {2, 33, 40, 2, 3, 0}};
  for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
    for (int kind = MAX_POOL; kind <= AVG_UNPOOL; kind++) {
      const int64_t *s = shape[i];
      job j = pool((job_kind)kind, s[0], s[1], s[2], s[3], s[4], s[5]);
      expect_same(&j);
    }
}

// ---- Saboteurs ----------------------------------------------------------------------------------
// Each is the best table with one function replaced.
static const hd_kernels *real;
static hd_kernels bad;
static int arrived;  // parts so far
static int64_t last_part;

// A sum over k in four parts, added to c as they come.
static void four_parts(const hd_product *p, hd_product_plan *to) {
  real->product_plan(p, to);
  arrived = 0;
  to->run = (hd_parts){.phases = 1, .parts = {4}, .flop = 1e6};
}
static void add_piece(const hd_product *p, int64_t piece, int64_t pieces, bool add, const float *a,
                      const float *b, float *c) {
  for (int64_t i = 0; i < p->m; i++)
    for (int64_t n = 0; n < p->n; n++) {
      float sum = 0;
      for (int64_t k = p->k * piece / pieces; k < p->k * (piece + 1) / pieces; k++)
        sum += a[i * p->lda + k] * b[k * p->ldb + n];
      c[i * p->n + n] = (add ? c[i * p->n + n] : 0) + sum;
    }
}
static void by_arrival(const hd_product_plan *plan, int phase, int64_t part, const float *a,
                       const float *b, float *c, void *scratch, void *packed,
                       const hd_after *after) {
  (void)phase, (void)scratch, (void)packed;
  add_piece(&plan->p, part, 4, arrived > 0, a, b, c);
  if (++arrived == 4 && after) after->run(after->context, 0, plan->p.m * plan->p.n);
}
static void twice(const hd_product_plan *plan, int phase, int64_t part, const float *a,
                  const float *b, float *c, void *scratch, void *packed, const hd_after *after) {
  if (part == 3 && arrived < 3 && arrived > 0) add_piece(&plan->p, 3, 4, true, a, b, c);
  by_arrival(plan, phase, part, a, b, c, scratch, packed, after);
}
static void one_part(const hd_product *p, hd_product_plan *to) {
  real->product_plan(p, to);
  to->run = (hd_parts){.phases = 1, .parts = {1}, .flop = 1e6};
}
static void by_threads(const hd_product_plan *plan, int phase, int64_t part, const float *a,
                       const float *b, float *c, void *scratch, void *packed,
                       const hd_after *after) {
  (void)phase, (void)part, (void)scratch, (void)packed;
  for (int i = 0; i < threads_now; i++) add_piece(&plan->p, i, threads_now, i > 0, a, b, c);
  if (after) after->run(after->context, 0, plan->p.m * plan->p.n);
}

// What a real convolution reports to `after`, and what a saboteur makes of it.
enum { SKIP, OVERLAP, NUDGE };
typedef struct spoiler {
  const hd_after *after;
  float *out;
  int64_t size, part;
  int kind, calls;
} spoiler;
static void spoil(void *context, int64_t first, int64_t count) {
  spoiler *s = context;
  if (s->kind == OVERLAP && first + count < s->size) s->out[first + count] = 0;
  if (s->kind == NUDGE && s->after) s->out[first] = nextafterf(s->out[first], 9);
  if (s->kind == SKIP && s->part == 0 && s->calls++ == 0) return;
  if (s->after) s->after->run(s->after->context, first, count);
}
static int conv_kind;
static void bad_conv(const hd_conv_plan *plan, int phase, int64_t part, const float *a,
                     const float *b, float *out, void *scratch, void *packed,
                     const hd_after *after) {
  job j = {.kind = CONV, .conv = plan->p, .pass = plan->pass};
  spoiler s = {after, out, (int64_t)output_bytes(&j) / 4, part, conv_kind, 0};
  real->conv_run(plan, phase, part, a, b, out, scratch, packed,
                 &(hd_after){.run = spoil, .context = &s});
}

static void bad_range(const hd_program_plan *plan, int64_t first, int64_t count,
                      const void *const *in, void *const *out) {
  real->program_range(plan, first, count, in, out);
  float *y = (float *)out[0] + first;
  if (count > 0) y[0] = nextafterf(y[0], 9);  // as a kernel does whose first vector is another
}
static void bad_exp(float *y, const float *a, const float *b, const float *c, int64_t n) {
  real->tile[HD_TILE_exp](y, a, b, c, n);
  for (int64_t i = n / 8 * 8; i < n; i++)
    y[i] = nextafterf(y[i], 9);  // the rest by another formula
}

static void bad_reduce_plan(const hd_reduce *p, hd_reduce_plan *to) {
  real->reduce_plan(p, to);
  arrived = 0;
  to->run = (hd_parts){.phases = 1, .parts = {4}};
}
static void bad_reduce(const hd_reduce_plan *plan, int phase, int64_t part, const float *x,
                       float *y, void *scratch, const hd_before *before) {
  (void)phase, (void)scratch, (void)before;
  float sum = 0;
  for (int64_t i = plan->p.reduce * part / 4; i < plan->p.reduce * (part + 1) / 4; i++) sum += x[i];
  y[0] = (arrived++ ? y[0] : 0) + sum;
}
static void bad_moments(const hd_moments_plan *plan, int phase, int64_t part, const float *x,
                        float *mean, float *variance, void *scratch) {
  float *sums = scratch;  // the last phase adds what nobody has cleared
  real->moments_run(plan, phase, part, x, mean, variance, scratch);
  if (phase == plan->run.phases - 1) variance[0] += sums[plan->run.scratch / 4] * 0x1p-30f;
}
static void bad_moments_plan(int64_t rows, int64_t columns, hd_moments_plan *to) {
  real->moments_plan(rows, columns, to);
  to->run.scratch += 64;
}
static void bad_moments_run(const hd_moments_plan *plan, int phase, int64_t part, const float *x,
                            float *mean, float *variance, void *scratch) {
  hd_moments_plan own = *plan;
  own.run.scratch -= 64;
  bad_moments(&own, phase, part, x, mean, variance, scratch);
}
static void bad_softmax(const hd_softmax_plan *plan, int64_t part, const float *x, float *y,
                        float *norm) {
  real->softmax_run(plan, part, x, y, norm);
  float *row = y + part * plan->block * plan->columns;
  if (part != last_part + 1)
    row[0] = nextafterf(row[0], 9);  // as if it went on from the one before
  last_part = part;
}
static void bad_argmax(int64_t rows, int64_t columns, const float *x, int32_t *y) {
  real->argmax_rows(rows, columns, x, y);
  if (rows > 1) y[rows - 1] = y[rows - 2];
}
static void bad_max_pool(const hd_pool2d_plan *plan, int64_t part, const float *x, float *y,
                         int32_t *index) {
  hd_pool2d p = plan->p;
  int64_t rows = p.n * p.oh, end = rows * (part + 1) / plan->block * p.ow * p.c;
  real->max_pool_run(plan, part, x, y, index);
  if (end < rows * p.ow * p.c) index[end] = 0;  // one element too many
}
static void bad_max_unpool(const hd_pool2d_plan *plan, int64_t part, const float *dy,
                           const int32_t *index, float *dx) {
  float before = dx[0];
  real->max_unpool_run(plan, part, dy, index, dx);
  if (part == 0) dx[0] += before * 0x1p-20f;  // it adds to what should have been cleared
}
static void bad_avg_pool(const hd_pool2d_plan *plan, int64_t part, const float *x, float *y) {
  hd_pool2d p = plan->p;
  int64_t first = p.n * p.oh * part / plan->block * p.ow * p.c;
  real->avg_pool_run(plan, part, x, y);
  if (part != last_part + 1) y[first] = nextafterf(y[first], 9);
  last_part = part;
}
static void bad_avg_unpool(const hd_pool2d_plan *plan, int64_t part, const float *dy, float *dx) {
  int64_t end = plan->p.n * plan->p.h * (part + 1) / plan->block * plan->p.w * plan->p.c;
  real->avg_unpool_run(plan, part, dy, dx);
  if (part + 1 < plan->block) dx[end] = 0;
}
static void bad_dropout(float *y, const float *x, int64_t n, float rate, uint64_t seed,
                        uint64_t stream, uint64_t first) {
  (void)first;  // drawn as they are asked for
  real->dropout(y, x, n, rate, seed, stream, (uint64_t)arrived);
  arrived += (int)n;
}

static void bad_noise(float *y, int64_t n, float mean, float deviation, uint64_t seed,
                      uint64_t stream, uint64_t first) {
  (void)first;  // drawn as it is asked for
  real->noise(y, n, mean, deviation, seed, stream, (uint64_t)arrived);
  arrived += (int)n;
}

static void caught(const char *who, const job *j) {
  arrived = 0, last_part = -1;
  const char *honest = differs(&real, 1, j);
  if (honest) fail_msg("%s", honest);
  const hd_kernels *one = &bad;
  arrived = 0, last_part = -1;
  if (!differs(&one, 1, j)) fail_msg("not caught: %s", who);
  bad = *real;
}

static void saboteurs_are_caught(void **state) {
  (void)state;
  real = table[table_count - 1], bad = *real;
  job p = product(1, 7, 9, 500, false, false, 0);
  bad.product_plan = four_parts, bad.product_run = by_arrival;
  caught("a product that adds its pieces as they arrive", &p);
  bad.product_plan = four_parts, bad.product_run = twice;
  caught("a product that adds a piece twice", &p);
  bad.product_plan = one_part, bad.product_run = by_threads;
  caught("a product split by the number of threads", &p);
  job c = conv(17, 28, 1, 6, 5, 1, 2, 1, 1);
  for (int pass = 0; pass < 2; pass++) {
    c.pass = (hd_conv_pass)pass;
    static const char *const what[] = {"a convolution that skips `after` for one range",
                                       "a convolution that writes into the next part",
                                       "a convolution that differs when an `after` is there"};
    for (conv_kind = SKIP; conv_kind <= NUDGE; conv_kind++) {
      bad.conv_run = bad_conv;
      caught(what[conv_kind], &c);
    }
  }
  c.pass = HD_CONV_WEIGHTS, conv_kind = SKIP, bad.conv_run = bad_conv;
  caught("weight gradients that skip `after`", &c);
  job g = program(4, (int64_t[]){12, 28, 28, 8}, (unsigned[]){15, 8, 0}, 3);
  bad.program_range = bad_range;
  caught("a program whose first elements are others", &g);
  job t = {.kind = TILE, .rows = 1, .columns = 500, .tile = HD_TILE_exp};
  bad.tile[HD_TILE_exp] = bad_exp;
  caught("a tile with another formula for the rest", &t);
  job r = {.kind = REDUCE, .reduce = {1, 5000, 1, HD_REDUCE_SUM}};
  bad.reduce_plan = bad_reduce_plan, bad.reduce_run = bad_reduce;
  caught("a sum in the order of arrival", &r);
  job m = {.kind = MOMENTS, .rows = 9000, .columns = 4};
  bad.moments_plan = bad_moments_plan, bad.moments_run = bad_moments_run;
  caught("moments that read scratch which nobody wrote", &m);
  job s = {.kind = SOFTMAX, .rows = 4000, .columns = 10};
  bad.softmax_run = bad_softmax;
  caught("a softmax that goes on from the part before", &s);
  job a = {.kind = ARGMAX, .rows = 100, .columns = 30};
  bad.argmax_rows = bad_argmax;
  caught("an argmax that is wrong at the end", &a);
  job q = pool(MAX_POOL, 4, 40, 24, 2, 2, 0);
  bad.max_pool_run = bad_max_pool;
  caught("a pool that writes into the next part", &q);
  q.kind = MAX_UNPOOL, bad.max_unpool_run = bad_max_unpool;
  caught("an unpool that adds to what is there", &q);
  q.kind = AVG_POOL, bad.avg_pool_run = bad_avg_pool;
  caught("an average that goes on from the part before", &q);
  q.kind = AVG_UNPOOL, bad.avg_unpool_run = bad_avg_unpool;
  caught("an average's gradient that writes into the next part", &q);
  job d = {.kind = DROPOUT, .rows = 1, .columns = 500};
  bad.dropout = bad_dropout;
  caught("dropout that draws as it is asked", &d);
  d.kind = NOISE, bad.noise = bad_noise;
  caught("noise that draws as it is asked", &d);
}

// A kernel of one instruction set without fused multiply-adds.
static void another_set_is_caught(void **state) {
  (void)state;
  if (table_count < 3) {
    print_message("skip: this processor has no AVX-512 to compare AVX2 with\n");
    skip();
  }
  const hd_kernels *const two[] = {hd_kernels_of(HD_ISA_AVX2), &bad};
  job p = product(1, 7, 9, 50, false, false, 0), c = conv(2, 9, 3, 5, 3, 1, 1, 1, 1);
  bad = *hd_kernels_of(HD_ISA_AVX512);
  assert_null(differs(two, 2, &p));
  assert_null(differs(two, 2, &c));
  bad.product_plan = table[0]->product_plan, bad.product_run = table[0]->product_run;
  assert_non_null(differs(two, 2, &p));
  bad.conv_plan = table[0]->conv_plan, bad.conv_run = table[0]->conv_run;
  assert_non_null(differs(two, 2, &c));
  job r = {.kind = MOMENTS, .rows = 100, .columns = 3};
  bad.moments_plan = table[0]->moments_plan, bad.moments_run = table[0]->moments_run;
  assert_non_null(differs(two, 2, &r));
}

static int start(void **state) {
  (void)state;
  hd_isa best = HD_ISA_BASELINE;
  if (hd_cpu_isa(NULL, &best, NULL)) return -1;
  for (int isa = 0; isa <= (int)best; isa++) table[table_count++] = hd_kernels_of((hd_isa)isa);
  for (int isa = (int)best + 1; isa < HD_ISAS; isa++)
    print_message("skip: this processor has no %s\n", hd_isa_name((hd_isa)isa));
  for (int i = 2; i < 8; i++)
    if ((i == 2 || i == 3 || i == 7) && hd_pool_new(&(hd_env){.threads = i}, &pool_of[i], NULL))
      return -1;
  fill_inputs();
  return 0;
}
static int stop(void **state) {
  (void)state;
  for (int i = 0; i < 8; i++) hd_pool_free(pool_of[i]);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(products),
                                     cmocka_unit_test(random_products),
                                     cmocka_unit_test(convs),
                                     cmocka_unit_test(random_convs),
                                     cmocka_unit_test(programs),
                                     cmocka_unit_test(tiles),
                                     cmocka_unit_test(reductions),
                                     cmocka_unit_test(along_rows),
                                     cmocka_unit_test(pools),
                                     cmocka_unit_test(saboteurs_are_caught),
                                     cmocka_unit_test(another_set_is_caught)};
  return cmocka_run_group_tests_name("bits", tests, start, stop);
}
