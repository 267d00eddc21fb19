// The conventions that libraries disagree on, with numbers done by hand: padding, ties, NaN, ceil.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>

#include "../../include/hadal/ops.h"
#include "../../include/hadal/plan.h"
#include "../base/base.h"

// A graph with one input "x" of the given shape, and what its values are.
typedef struct bench {
  hd_graph *g;
  hd_store *store;
  hd_plan *plan;
  hd_workspace *w;
  hd_val x;
} bench;

static bench begin(hd_shape shape) {
  bench b = {.g = hd_graph_new(NULL)};
  b.x = hd_input(b.g, "x", HD_F32, shape);
  return b;
}

static const void *run(bench *b, hd_val y, hd_val z, hd_mode mode, const float *x, size_t bytes) {
  hd_error err = {0};
  if (!b->store) b->store = hd_store_new(NULL);
  hd_workspace_free(b->w);
  hd_plan_free(b->plan);
  b->plan = (hd_compile)(b->store, &err, (hd_compile_options){.fetch = {y, z}, .mode = mode});
  if (!b->plan) print_error("%s\n", err.text);
  assert_non_null(b->plan);
  b->w = hd_workspace_new(b->plan, NULL, &err);
  assert_non_null(b->w);
  void *to = hd_workspace_input(b->w, "x", NULL);
  if (to) memcpy(to, x, bytes);
  assert_int_equal(hd_run(b->w, &err), HD_OK);
  return hd_workspace_fetch(b->w, 0, NULL);
}

static void end(bench *b) {
  hd_workspace_free(b->w);
  hd_plan_free(b->plan);
  hd_store_free(b->store);
  hd_graph_free(b->g);
}

// y is made from the bench's x, and must be `expected`.
static void is(bench *b, hd_val y, const float *x, const float *expected) {
  hd_shape from = hd_val_type(b->x).shape, to = hd_val_type(y).shape;
  if (!y.graph) print_error("%s\n", hd_graph_error(b->g));
  assert_non_null(y.graph);
  const float *got =
      run(b, y, (hd_val){0}, HD_EVALUATE, x, sizeof(float) * (size_t)hd_shape_count(from));
  for (int64_t i = 0; i < hd_shape_count(to); i++)
    if (!(isnan(expected[i]) && isnan(got[i]))) assert_float_equal(got[i], expected[i], 1e-6);
}

static const float nine[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

static hd_val ones(hd_graph *g, int kh, int kw) {
  static const float one[] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  return hd_constant(g, HD_F32, HD_SHAPE(kh, kw, 1, 1), one);
}

static void padding(void **state) {
  (void)state;
  bench b = begin(HD_SHAPE(1, 3, 3, 1));
  // An even window: the odd pixel of same padding is after, below and to the right.
  is(&b, hd_op_conv2d(b.x, ones(b.g, 2, 2), .pad = HD_SAME), nine,
     (float[]){12, 16, 9, 24, 28, 15, 15, 17, 9});
  // Strided: out = ceil(3 / 2), one pixel before and one after.
  is(&b, hd_op_conv2d(b.x, ones(b.g, 3, 3), .pad = HD_SAME, .stride = {2}), nine,
     (float[]){12, 16, 24, 28});
  is(&b, hd_op_conv2d(b.x, ones(b.g, 1, 3), .padding = {0, 2, 1, 0}), nine,
     (float[]){1, 3, 6, 4, 9, 15, 7, 15, 24, 0, 0, 0});
  // Cross-correlation: the weights are not flipped.
  hd_val w = hd_constant(b.g, HD_F32, HD_SHAPE(2, 2, 1, 1), (float[]){1, 10, 100, 1000});
  is(&b, hd_op_conv2d(b.x, w), nine, (float[]){5421, 6532, 8754, 9865});
  is(&b, hd_op_conv2d(b.x, w, .dilation = {2}), nine, (float[]){9731});
  end(&b);
}

static void pools(void **state) {
  (void)state;
  bench b = begin(HD_SHAPE(1, 3, 3, 1));
  is(&b, hd_max_pool2d(b.x, .window = {2}), nine, (float[]){5});
  is(&b, hd_max_pool2d(b.x, .window = {2}, .ceil = true), nine, (float[]){5, 6, 8, 9});
  is(&b, hd_avg_pool2d(b.x, .window = {2}, .ceil = true), nine, (float[]){3, 4.5, 7.5, 9});
  is(&b, hd_avg_pool2d(b.x, .window = {2}, .ceil = true, .count_padding = true), nine,
     (float[]){3, 2.25, 3.75, 2.25});
  // Rounding up never makes a window that sees padding only.
  is(&b, hd_max_pool2d(b.x, .window = {2}, .padding = {1, 1, 1, 1}, .ceil = true), nine,
     (float[]){1, 3, 7, 9});
  is(&b, hd_min_pool2d(b.x, .window = {3}, .stride = {1}, .pad = HD_SAME), nine,
     (float[]){1, 1, 2, 1, 1, 2, 4, 4, 5});
  // Padding never wins, even against negative values.
  const float negative[] = {-9, -8, -7, -6, -5, -4, -3, -2, -1};
  is(&b, hd_max_pool2d(b.x, .window = {3}, .pad = HD_SAME), negative, (float[]){-1});
  is(&b, hd_max_pool2d(b.x, .window = {2}, .padding = {1, 1, 0, 0}), negative,
     (float[]){-9, -7, -3, -1});
  is(&b, hd_global_avg_pool2d(b.x), nine, (float[]){5});
  is(&b, hd_global_max_pool2d(b.x), nine, (float[]){9});
  end(&b);
}

static void ties(void **state) {
  (void)state;
  const float x[] = {2, 7, 7, 1, 7, 3, NAN, 9, 9, NAN, 0, 9};
  bench b = begin(HD_SHAPE(1, 2, 2, 1));
  const float equal[] = {1, 5, 5, 5};
  hd_val y = hd_sum(hd_max_pool2d(b.x, .window = {2}));  // the first tap takes all
  is(&b, hd_gradient(y, b.x), equal, (float[]){0, 1, 0, 0});
  is(&b, hd_gradient(hd_reduce_max(b.x), b.x), equal, (float[]){0, 1 / 3.f, 1 / 3.f, 1 / 3.f});
  is(&b, hd_gradient(hd_reduce_min(hd_neg(b.x)), b.x), equal,
     (float[]){0, -1 / 3.f, -1 / 3.f, -1 / 3.f});
  end(&b);
  b = begin(HD_SHAPE(2, 6));
  is(&b, hd_cast(hd_argmax(b.x, -1), HD_F32), x, (float[]){1, 0});  // the first; NaN wins
  is(&b, hd_cast(hd_argmax(hd_transpose(b.x, HD_SHAPE(1, 0)), 0), HD_F32), x, (float[]){1, 0});
  is(&b, hd_reduce_max(b.x, .axes = HD_LAST_AXIS), x, (float[]){7, NAN});
  is(&b, hd_reduce_min(b.x, .axes = HD_LAST_AXIS), x, (float[]){1, NAN});
  end(&b);
}

// Reductions over axes that are not adjacent, and sums that rewriting moves a factor out of.
static void rewriting(void **state) {
  (void)state;
  bench b = begin(HD_SHAPE(2, 2, 3));
  const float x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, two[] = {2, 3};
  is(&b, hd_sum(b.x, .axes = HD_AXIS(0) | HD_AXIS(2)), x, (float[]){30, 48});
  is(&b, hd_mean(b.x, .axes = HD_AXIS(0) | HD_AXIS(2), .keep = true), x, (float[]){5, 8});
  is(&b, hd_reduce_max(b.x, .axes = HD_AXIS(0) | HD_AXIS(2)), x, (float[]){9, 12});
  hd_val along = hd_constant(b.g, HD_F32, HD_SHAPE(2, 1), two);  // constant along the last axis
  hd_val across = hd_constant(b.g, HD_F32, HD_SHAPE(3), x);      // but this one is not
  is(&b, hd_sum(hd_mul(b.x, along), .axes = HD_LAST_AXIS), x, (float[]){12, 45, 48, 99});
  is(&b, hd_sum(hd_mul(along, b.x), .axes = HD_LAST_AXIS), x, (float[]){12, 45, 48, 99});
  is(&b, hd_sum(hd_mul(b.x, across), .axes = HD_LAST_AXIS), x, (float[]){14, 32, 50, 68});
  is(&b, hd_sum(hd_neg(b.x), .axes = HD_AXIS(0), .keep = true), x,
     (float[]){-8, -10, -12, -14, -16, -18});
  end(&b);
}

// dx of a convolution needs x's shape only: the plan must not read x for it.
static void gradients_keep_no_shapes_alive(void **state) {
  (void)state;
  bench b = begin(HD_SHAPE(1, 4, 4, 1));
  hd_val w = ones(b.g, 3, 3), y = hd_avg_pool2d(hd_op_conv2d(b.x, w), .window = {2});
  hd_val dx = hd_gradient(hd_sum(y), b.x);
  float x[16] = {0};
  assert_non_null(run(&b, dx, (hd_val){0}, HD_TRAIN, x, sizeof x));
  assert_null(hd_workspace_input(b.w, "x", NULL));
  end(&b);
}

static void one_mask_for_all_shards(void **state) {
  (void)state;
  enum { ROWS = 8, ROW = 5, SHARD = 2 };
  float x[ROWS * ROW] = {0}, whole[ROWS * ROW];
  bench b = begin(HD_SHAPE(ROWS, ROW)), s = begin(HD_SHAPE(SHARD, ROW));
  hd_val y = hd_name(hd_random_mask(b.x), "mask"), z = hd_name(hd_random_mask(s.x), "mask");
  memcpy(whole, run(&b, y, (hd_val){0}, HD_TRAIN, x, sizeof x), sizeof whole);
  run(&s, z, (hd_val){0}, HD_TRAIN, x, sizeof(float) * SHARD * ROW);
  for (int row = 0; row < ROWS; row += SHARD) {
    hd_workspace_sample(s.w, row);
    assert_int_equal(hd_run(s.w, NULL), HD_OK);
    assert_memory_equal(hd_workspace_fetch(s.w, 0, NULL), whole + row * ROW,
                        sizeof(float) * SHARD * ROW);
  }
  end(&b);
  end(&s);
}

static void sizes_that_are_not_known_yet(void **state) {
  (void)state;
  hd_graph *g = hd_graph_new(NULL);
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, HD_LENGTH, HD_TIME, 2));
  hd_val w = hd_constant(g, HD_F32, HD_SHAPE(3, 3, 2, 1), (float[18]){0});
  assert_true(hd_shape_equal(hd_val_type(hd_op_conv2d(x, w, .pad = HD_SAME)).shape,
                             HD_SHAPE(HD_BATCH, HD_LENGTH, HD_TIME, 1)));
  assert_true(hd_shape_equal(hd_val_type(hd_op_conv2d(x, w, .padding = {1, 0, 1, 0})).shape,
                             HD_SHAPE(HD_BATCH, HD_LENGTH, HD_ANY, 1)));
  hd_val y = hd_max_pool2d(hd_op_conv2d(x, w), .window = {2});
  assert_true(hd_shape_equal(hd_val_type(y).shape, HD_SHAPE(HD_BATCH, HD_ANY, HD_ANY, 1)));
  hd_val dx = hd_gradient(hd_sum(y), x);
  assert_string_equal(hd_graph_error(g), "");
  hd_store *store = hd_store_new(NULL);
  hd_error err = {0};
  hd_plan *plan = hd_compile(store, &err, .fetch = {dx, y}, .batch = 2, .length = 8, .time = 7);
  assert_non_null(plan);
  hd_plan_free(plan);
  assert_null(hd_compile(store, &err, .fetch = {y}, .batch = 2, .length = 2, .time = 7));
  assert_non_null(strstr(err.text, "a window of 3 rows"));  // found when sizes are bound
  hd_store_free(store);
  hd_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(padding),
                                     cmocka_unit_test(pools),
                                     cmocka_unit_test(ties),
                                     cmocka_unit_test(rewriting),
                                     cmocka_unit_test(gradients_keep_no_shapes_alive),
                                     cmocka_unit_test(one_mask_for_all_shards),
                                     cmocka_unit_test(sizes_that_are_not_known_yet)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
