// Pooling against plain loops, gradients against the definition, and the same bits on both
// instruction sets whatever the order of the parts.
#include "vector_test.h"

typedef struct {
  float *x, *y, *dy, *dx;
  int32_t *index;
} images;

// way: 0 max, 1 max gradient, 2 average, 3 average gradient.
static void plain(const hd_pool2d *p, int way, images *at) {
  if (way & 1) memset(at->dx, 0, (size_t)(p->n * p->h * p->w * p->c) * 4);
  for (int64_t n = 0; n < p->n; n++)
    for (int64_t o = 0; o < p->oh; o++)
      for (int64_t q = 0; q < p->ow; q++)
        for (int64_t c = 0; c < p->c; c++) {
          int64_t to = ((n * p->oh + o) * p->ow + q) * p->c + c, size = 0;
          float best = -INFINITY, sum = 0;
          int32_t which = -1;
          for (int pass = 0; pass < 2; pass++)
            for (int64_t r = 0; r < p->kh; r++)
              for (int64_t s = 0; s < p->kw; s++) {
                int64_t i = o * p->sh + r - p->top, j = q * p->sw + s - p->left;
                if (i < 0 || j < 0 || i >= p->h || j >= p->w) continue;
                int64_t from = ((n * p->h + i) * p->w + j) * p->c + c;
                if (pass == 0) {
                  float v = at->x[from];
                  if (which < 0 || (!isnan(best) && (isnan(v) || v > best)))
                    best = v, which = (int32_t)(r * p->kw + s);
                  sum += v, size++;
                } else if (way == 1 && at->index[to] == (int32_t)(r * p->kw + s)) {
                  at->dx[from] += at->dy[to];
                } else if (way == 3) {
                  at->dx[from] += at->dy[to] / (float)(p->count_padding ? p->kh * p->kw : size);
                }
              }
          if (way == 0) at->y[to] = best, at->index[to] = which;
          if (way == 2)
            at->y[to] = sum / (float)(p->count_padding ? p->kh * p->kw : size ? size : 1);
        }
}

static void run(const hd_kernels *k, const hd_pool2d *p, int way, images *at, bool backwards) {
  hd_pool2d_plan plan;
  k->max_pool_plan(p, &plan);
  for (int64_t i = 0; i < plan.run.parts[0]; i++) {
    int64_t part = backwards ? plan.run.parts[0] - 1 - i : i;
    if (way == 0) k->max_pool_run(&plan, part, at->x, at->y, at->index);
    if (way == 1) k->max_unpool_run(&plan, part, at->dy, at->index, at->dx);
    if (way == 2) k->avg_pool_run(&plan, part, at->x, at->y);
    if (way == 3) k->avg_unpool_run(&plan, part, at->dy, at->dx);
  }
}

static void check(hd_pool2d p) {
  int64_t in = p.n * p.h * p.w * p.c, out = p.n * p.oh * p.ow * p.c;
  images want = {floats(in), floats(out), floats(out), floats(in), NULL}, got = want;
  want.index = malloc((size_t)out * 4 + 4), got.index = malloc((size_t)out * 4 + 4);
  got.y = floats(out + 1), got.dx = floats(in + 1);
  uint32_t seed = 4;
  for (int64_t i = 0; i < in; i++) want.x[i] = floorf(drawn(&seed) * 4);  // with ties
  if (in > 40) want.x[in / 3] = want.x[in / 3 + p.c] = NAN;
  fill(want.dy, out, 5);
  const hd_kernels *k[HD_ISAS];
  int sets = tables(k);
  for (int way = 0; way < 4; way++) {
    if (way == 2)
      for (int64_t i = 0; i < in; i++) want.x[i] = isnan(want.x[i]) ? 1 : want.x[i];
    plain(&p, way, &want);
    for (int s = 0; s < sets; s++) {
      got.y[out] = got.dx[in] = -77, got.index[out] = 1234;
      run(k[s], &p, way, &got, s == 1);
      assert_true(got.y[out] == -77 && got.dx[in] == -77 && got.index[out] == 1234);
      const float *a = way & 1 ? want.dx : want.y, *b = way & 1 ? got.dx : got.y;
      for (int64_t i = 0; i < (way & 1 ? in : out); i++)
        assert_true(a[i] == b[i] || (isnan(a[i]) && isnan(b[i])));
      if (way == 0) {
        assert_memory_equal(want.index, got.index, (size_t)out * 4);
        hd_pool2d_plan plan;
        k[s]->max_pool_plan(&p, &plan);
        for (int64_t i = 0; i < plan.run.parts[0]; i++)
          k[s]->max_pool_run(&plan, i, got.x, got.y, NULL);
        for (int64_t i = 0; i < out; i++) assert_true(a[i] == got.y[i] || isnan(a[i]));
      }
    }
  }
  free(want.x), free(want.y), free(want.dy), free(want.dx), free(want.index);
  free(got.y), free(got.dx), free(got.index);
}

static void test_pool(void **state) {
  (void)state;
  for (int64_t c = 1; c <= 35; c += c < 18 ? 1 : 5)
    for (int padded = 0; padded < 2; padded++) {
      check((hd_pool2d){2, 8, 10, c, 2, 2, 4, 5, 2, 2, 0, 0, padded});
      check((hd_pool2d){2, 9, 7, c, 2, 2, 4, 3, 2, 2, 0, 0, padded});  // a rest at the edge
      check((hd_pool2d){1, 9, 8, c, 3, 3, 5, 4, 2, 2, 1, 1, padded});  // overlapping, padded
      check((hd_pool2d){1, 6, 7, c, 3, 2, 6, 7, 1, 1, 1, 0, padded});  // the same size
      check((hd_pool2d){1, 7, 7, c, 7, 7, 1, 1, 1, 1, 0, 0, padded});  // the whole image
      check((hd_pool2d){1, 5, 9, c, 1, 2, 2, 3, 3, 4, 0, 0, padded});  // gaps
    }
  check((hd_pool2d){64, 28, 28, 6, 2, 2, 14, 14, 2, 2, 0, 0, false});
  check((hd_pool2d){1, 113, 112, 33, 3, 3, 57, 56, 2, 2, 1, 1, true});
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_pool)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
