// Convolutions against a double reference, all three passes: padding of every kind, strides,
// dilation, groups, depthwise, few channels and filters; equal bits on AVX2 and AVX-512, with and
// without `after`, in any order of parts.
#define _DEFAULT_SOURCE
#include "guard_test.h"

static void run(const hd_kernels *t, const hd_conv *p, hd_conv_pass pass, const float *a,
                const float *b, float *out, int64_t size, bool backwards, const hd_after *after) {
  hd_conv_plan plan;
  memset(&plan, 0x5a, sizeof plan);
  t->conv_plan(p, pass, &plan);
  assert_in_range(plan.run.phases, 1, HD_PHASES);
  void *scratch = bytes(plan.run.scratch), *packed = bytes(plan.run.packed);
  for (int64_t i = 0; i < size; i++) out[i] = NAN;
  for (int phase = 0; phase < plan.run.phases; phase++) {
    int64_t parts = plan.run.parts[phase];
    assert_true(parts >= 1);
    if (plan.run.flop < 5e4) assert_int_equal(parts, 1);
    for (int64_t i = 0; i < parts; i++)
      t->conv_run(&plan, phase, backwards ? parts - 1 - i : i, a, b, out, scratch, packed, after);
  }
  free(scratch);
  free(packed);
}

// want and the sum of magnitudes, and how many terms, for each element of the pass's output.
static void reference(const hd_conv *p, hd_conv_pass pass, const float *x, const float *w,
                      const float *dy, double *want, double *sum, int *terms) {
  int64_t cg = p->c / p->groups, fg = p->f / p->groups;
  for (int64_t n = 0; n < p->n; n++)
    for (int64_t i = 0; i < p->oh; i++)
      for (int64_t j = 0; j < p->ow; j++)
        for (int64_t r = 0; r < p->kh; r++)
          for (int64_t s = 0; s < p->kw; s++) {
            int64_t h = i * p->sh + r * p->dh - p->top, v = j * p->sw + s * p->dw - p->left;
            if (h < 0 || h >= p->h || v < 0 || v >= p->w) continue;
            for (int64_t c = 0; c < cg; c++)
              for (int64_t f = 0; f < p->f; f++) {
                int64_t xi = ((n * p->h + h) * p->w + v) * p->c + f / fg * cg + c,
                        wi = ((r * p->kw + s) * cg + c) * p->f + f;
                int64_t yi = ((n * p->oh + i) * p->ow + j) * p->f + f;
                int64_t o = pass == HD_CONV_FORWARD ? yi : pass == HD_CONV_INPUT ? xi : wi;
                double t = pass == HD_CONV_FORWARD ? (double)x[xi] * w[wi]
                           : pass == HD_CONV_INPUT ? (double)dy[yi] * w[wi]
                                                   : (double)x[xi] * dy[yi];
                want[o] += t, sum[o] += fabs(t), terms[o]++;
              }
          }
}

static void check(hd_conv p, bool whole) {
  int64_t xs = p.n * p.h * p.w * p.c, ws = p.kh * p.kw * (p.c / p.groups) * p.f,
          ys = p.n * p.oh * p.ow * p.f;
  bool low = word() & 1;
  block bx = fresh(xs, whole, low), bw = fresh(ws, whole, low), by = fresh(ys, whole, low);
  const float *x = bx.p, *w = bw.p, *dy = by.p;
  for (int pass = 0; pass < 3; pass++) {
    int64_t size = pass == HD_CONV_FORWARD ? ys : pass == HD_CONV_INPUT ? xs : ws;
    const float *a = pass == HD_CONV_INPUT ? dy : x, *b = pass == HD_CONV_WEIGHTS ? dy : w;
    double *want = calloc((size_t)size, 8), *sum = calloc((size_t)size, 8);
    int *terms = calloc((size_t)size, sizeof *terms);
    block bo = fresh(size, whole, low);
    float *out = bo.p, *again = malloc((size_t)size * 4), *first = malloc((size_t)size * 4);
    char *mark = calloc((size_t)size, 1);
    assert_true(want && sum && terms && out && again && first && mark);
    reference(&p, (hd_conv_pass)pass, x, w, dy, want, sum, terms);
    for (int t = 0; t < table_count; t++) {
      run(table[t], &p, (hd_conv_pass)pass, a, b, out, size, false, NULL);
      for (int64_t i = 0; i < size; i++) {
        double bound = whole ? 0 : 2.0 * terms[i] * 0x1p-24 * sum[i];
        if (!(fabs(out[i] - want[i]) <= bound))
          fail_msg(
              "isa %d pass %d: n %d x %dx%dx%d f %d k %dx%d o %dx%d stride %d,%d dil %d,%d pad "
              "%d,%d groups %d: [%d] = %g, expected %g",
              (int)table[t]->isa, pass, (int)p.n, (int)p.h, (int)p.w, (int)p.c, (int)p.f, (int)p.kh,
              (int)p.kw, (int)p.oh, (int)p.ow, (int)p.sh, (int)p.sw, (int)p.dh, (int)p.dw,
              (int)p.top, (int)p.left, (int)p.groups, (int)i, out[i], want[i]);
      }
      for (int64_t i = 0; i < size; i++) mark[i] = 0;
      seen s = {size, 0, mark, again};
      run(table[t], &p, (hd_conv_pass)pass, a, b, again, size, true,
          &(hd_after){.run = see, .context = &s});
      assert_int_equal(s.covered, size);
      for (int64_t i = 0; i < size; i++) again[i] = -again[i];
      assert_memory_equal(out, again, (size_t)size * 4);
      if (table[t]->isa == HD_ISA_AVX2) memcpy(first, out, (size_t)size * 4);
      if (table[t]->isa == HD_ISA_AVX512)  // has AVX2
        assert_memory_equal(out, first, (size_t)size * 4);
    }
    free(want), free(sum), free(terms), drop(bo), free(again), free(first), free(mark);
  }
  drop(bx), drop(bw), drop(by);
}

static void test_layers(void **state) {
  (void)state;
  static const int64_t layer[][7] = {
      // n, size, c, f, k, stride, pad
      {9, 28, 1, 6, 5, 1, 2},
      {9, 14, 6, 16, 5, 1, 0},
      {17, 28, 1, 6, 5, 1, 0},
      {9, 12, 6, 16, 5, 1, 2},
      {2, 9, 64, 64, 3, 1, 1},
      {2, 7, 40, 100, 3, 1, 1},
      {2, 12, 32, 20, 1, 1, 0},
      {3, 9, 24, 40, 1, 2, 0},
      {2, 9, 64, 20, 1, 2, 0},
      {1, 10, 1024, 33, 1, 1, 1},  // pixels a page apart
      {2, 10, 3, 70, 3, 1, 1},
      {1, 30, 3, 20, 7, 2, 3},
      {3, 8, 16, 32, 3, 2, 1},
      {4, 5, 8, 10, 5, 1, 2},
      {2, 2, 4, 3, 5, 1, 2},
      {5, 16, 1, 1, 3, 1, 1},
      {3, 12, 20, 1, 3, 1, 1},
      {2, 20, 3, 3, 3, 1, 1},
      {3, 11, 1, 10, 4, 3, 1},
      {2, 6, 96, 33, 2, 2, 0},
      {64, 8, 2, 12, 3, 1, 1},
      {3, 14, 32, 40, 4, 2, 1},  // input gradients by the phases of strides
      {2, 23, 16, 20, 5, 3, 2},
      {2, 15, 20, 24, 3, 4, 2},
      {2, 9, 48, 12, 2, 2, 1},
      {2, 4, 128, 256, 3, 1, 1},  // filters are dealt to the parts,
      {2, 3, 384, 96, 3, 1, 1},   // and the taps are outermost
      {1, 4, 160, 160, 5, 1, 2},
      {9, 11, 3, 16, 3, 1, 1},  // weights by windows of dy where it lies
      {2, 9, 3, 48, 5, 1, 2},
      {5, 10, 1, 32, 3, 1, 1},
      {1, 48, 60, 70, 3, 2, 1},  // tiles of four vectors
      {2, 20, 16, 24, 3, 2, 1},  // input gradients slide over two columns
      {2, 12, 32, 48, 5, 2, 2},  // a phase of strides is 3x3, but not all
      // weights in blocks of pixels
      {18, 19, 64, 130, 2, 2, 1},  // dense copies of a tap's pixels
      {5, 33, 64, 130, 2, 2, 1},
      {8, 12, 64, 256, 1, 1, 0},
      {1, 66, 20, 20, 3, 1, 1},
      {1, 18, 64, 64, 3, 1, 1},
      {1, 150, 3, 20, 7, 2, 3},
      {2, 30, 48, 70, 1, 1, 0},
      {2, 40, 40, 100, 1, 2, 0},
      {1, 84, 16, 4, 9, 1, 4},
      {9, 7, 64, 300, 1, 1, 0},
      {3, 19, 17, 290, 1, 3, 0},
      {8, 5, 300, 1536, 1, 2, 0},  // x is copied
      {50, 22, 20, 300, 1, 2, 0},
      {2, 15, 520, 1024, 1, 1, 0},  // sums of weights beside them
      {3, 37, 17, 90, 2, 3, 1},
      {2, 23, 200, 260, 1, 2, 0},  // strided products of copies,
      {8, 33, 250, 200, 1, 2, 0},  // in several blocks of a part
      {4, 10, 4096, 64, 1, 2, 0},  // not of sums that are split
      // 2x2 outputs at a time
      {5, 13, 24, 67, 3, 1, 0},
      {3, 25, 51, 80, 3, 1, 2},
      {1, 8, 363, 364, 3, 1, 1},   // far weights, all filters of a block together
      {9, 19, 40, 48, 3, 1, 1},    // several chunks of the batch
      {1, 40, 256, 130, 3, 1, 1},  // weights dealt by rows of positions
  };
  for (size_t i = 0; i < sizeof layer / sizeof *layer; i++)
    for (int whole = 0; whole < 2; whole++)
      check(square(layer[i][0], layer[i][1], layer[i][2], layer[i][3], layer[i][4], layer[i][5],
                   layer[i][6]),
            whole);
  hd_conv p = square(8, 21, 64, 128, 2, 2, 1);  // dense, of one row of taps with gaps
  p.kh = 1, p.sh = 1, p.top = 0, p.oh = 21, p.dw = 2;
  check(p, true);
}

static void test_groups(void **state) {
  (void)state;
  static const int64_t kind[][3] = {{37, 37, 37}, {64, 64, 64}, {8, 16, 8}, {12, 18, 3},
                                    {70, 34, 2},  {64, 128, 2}, {6, 3, 3},  {32, 32, 8},
                                    {48, 48, 24}, {32, 32, 4}};
  for (size_t i = 0; i < sizeof kind / sizeof *kind; i++)
    for (int64_t stride = 1; stride < 3; stride++) {
      hd_conv p = square(3, 9, kind[i][0], kind[i][1], 3, stride, 1);
      p.groups = kind[i][2];
      check(p, stride == 1);
      p = square(2, 21, kind[i][0], kind[i][1], i % 3 == 1 ? 5 : 3, stride, 1);
      p.groups = kind[i][2];
      if (i % 2 == 0 || i > 6) check(p, stride == 2);
    }
  hd_conv p = square(2, 32, 64, 96, 3, 1, 1);
  p.groups = 2;
  check(p, false);
}

// One channel to a group: edges of every kind, few rows and columns, channels that end in part of a
// vector or of a block, parts that begin at odd rows.
static void test_depthwise(void **state) {
  (void)state;
  for (int round = 0; round < 160; round++) {
    int64_t k = round % 4 ? 3 : 5, stride = 1 + round % 2;
    hd_conv p = square(pick(1, 3), pick(1, 12), 1, 1, k, stride, 0);
    p.c = p.f = p.groups = round % 8 == 7 ? pick(1, 16) : pick(16, 70);
    if (round % 16 == 2) p.h = 40, p.c = p.f = p.groups = 64;
    if (round % 16 == 13 || round % 16 == 14)
      p.c = p.f = p.groups = word() & 1 ? 128 : pick(250, 280);
    p.w = pick(1, 12), p.top = pick(0, k - 1), p.left = pick(0, k - 1);
    int64_t high = p.h + p.top + pick(0, k) - k, wide = p.w + p.left + pick(0, k) - k;
    if (high < 0 || wide < 0) continue;
    p.oh = high / stride + 1, p.ow = wide / stride + 1;
    check(p, round % 3 == 0);
  }
  for (int64_t stride = 1; stride < 3; stride++) {  // more than the second level cache holds
    hd_conv p = square(1, 34 + 8 * (stride - 1), 1003, 1003, 3, stride, 1);
    p.groups = 1003, p.top = p.left = stride % 2;
    check(p, stride == 1);
  }
}

// 3x3 of many channels: images of unequal sides, padding of every kind, more than the window too.
static void test_minimal(void **state) {
  (void)state;
  for (int round = 0; round < 16; round++) {
    hd_conv p = square(pick(1, 9), 1, pick(24, 70), pick(64, 90), 3, 1, 1);
    p.h = pick(5, 13), p.w = pick(5, 20);
    p.top = pick(0, round % 5 ? 2 : 4), p.left = pick(0, round % 5 ? 2 : 4);
    p.oh = p.h + p.top + pick(0, 2) - 2, p.ow = p.w + p.left + pick(0, 2) - 2;
    check(p, round & 1);
  }
}

// An image alone gives the bits that it gives among others, whatever way its batch goes.
static void alone(hd_conv p) {
  hd_conv one = p;
  one.n = 1;
  int64_t x1 = p.h * p.w * p.c, y1 = p.oh * p.ow * p.f, most = x1 > y1 ? x1 : y1;
  for (int pass = HD_CONV_FORWARD; pass <= HD_CONV_INPUT; pass++) {
    bool input = pass == HD_CONV_INPUT;
    int64_t from = input ? y1 : x1, size = input ? x1 : y1;
    block a = fresh(p.n * from, false, false), w = fresh(9 * p.c / p.groups * p.f, false, false),
          all = fresh(p.n * most, false, false), single = fresh(most, false, false);
    for (int t = 0; t < table_count; t++) {
      run(table[t], &p, (hd_conv_pass)pass, a.p, w.p, all.p, p.n * size, false, NULL);
      for (int64_t i = 0; i < p.n; i += p.n - 1) {  // the first and the last
        run(table[t], &one, (hd_conv_pass)pass, a.p + i * from, w.p, single.p, size, false, NULL);
        assert_memory_equal(all.p + i * size, single.p, (size_t)size * 4);
      }
    }
    drop(a), drop(w), drop(all), drop(single);
  }
}
static void test_alone(void **state) {
  (void)state;
  for (int64_t stride = 1; stride < 3; stride++) {
    hd_conv p = square(12, 28, 256, 256, 3, stride, 1);
    p.groups = 256;
    alone(p);
  }
  alone(square(9, 13, 40, 56, 3, 1, 1));  // 2x2 outputs at a time, blocks of several images
}

static void test_random(void **state) {
  (void)state;
  static const int64_t filters[] = {1, 2, 3, 5, 6, 8, 10, 12, 16, 17, 32, 40};
  for (int round = 0; round < 500; round++) {
    hd_conv p = {.n = pick(1, 9),
                 .h = pick(1, 13),
                 .w = pick(1, 20),
                 .kh = pick(1, 6),
                 .kw = pick(1, 6),
                 .sh = 1,
                 .sw = 1,
                 .dh = 1,
                 .dw = 1};
    if (round % 2) p.sh = pick(1, 4), p.sw = pick(1, 4);
    if (round % 3 == 0) p.dh = pick(1, 3), p.dw = pick(1, 3);
    p.top = pick(0, p.kh), p.left = pick(0, p.kw);
    int64_t high = p.h + p.top + pick(0, p.kh) - (p.kh - 1) * p.dh,
            wide = p.w + p.left + pick(0, p.kw) - (p.kw - 1) * p.dw;
    if (high < 1 || wide < 1) continue;
    p.oh = (high - 1) / p.sh + 1, p.ow = (wide - 1) / p.sw + 1;
    p.groups = round % 5 ? 1 : pick(1, 5);
    p.c = round % 4 ? pick(1, 12) : filters[word() % 12], p.f = filters[word() % 12];
    if (p.groups > 1) p.c = p.groups * pick(1, 3), p.f = round % 10 ? p.groups * pick(1, 9) : p.c;
    check(p, round & 1);
  }
}

int main(void) {
  table_count = tables(table);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_layers),    cmocka_unit_test(test_groups),
      cmocka_unit_test(test_depthwise), cmocka_unit_test(test_minimal),
      cmocka_unit_test(test_alone),     cmocka_unit_test(test_random)};
  return cmocka_run_group_tests_name("conv", tests, NULL, NULL);
}
