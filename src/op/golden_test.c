// Convolution and pooling digit for digit as lectures print them on their slides, and the laws that
// they state: equivariance of convolution, local invariance of pooling.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "../../include/hadal/ops.h"
#include "../../include/hadal/plan.h"
#include "../base/base.h"

// The value of y(x) on numbers; a graph, a store and a plan for each.
typedef hd_val formula(hd_val x, const void *with);

static void compute(formula *f, const void *with, hd_shape shape, const float *x, float *to,
                    int64_t count) {
  hd_error err = {0};
  hd_graph *g = hd_graph_new(NULL);
  hd_store *store = hd_store_new(NULL);
  hd_val in = hd_input(g, "x", HD_F32, shape), y = f(in, with);
  if (!y.graph) print_error("%s\n", hd_graph_error(g));
  assert_non_null(y.graph);
  assert_int_equal(hd_shape_count(hd_val_type(y).shape), count);
  hd_plan *plan = hd_compile(store, &err, .fetch = {y});
  assert_non_null(plan);
  hd_workspace *w = hd_workspace_new(plan, NULL, &err);
  assert_non_null(w);
  memcpy(hd_workspace_input(w, "x", NULL), x, sizeof *x * (size_t)hd_shape_count(shape));
  assert_int_equal(hd_run(w, &err), HD_OK);
  memcpy(to, hd_workspace_fetch(w, 0, NULL), sizeof *to * (size_t)count);
  hd_workspace_free(w);
  hd_plan_free(plan);
  hd_store_free(store);
  hd_graph_free(g);
}

static void expect(formula *f, const void *with, int64_t h, int64_t w, const float *x,
                   const float *expected, int64_t count) {
  float got[64];
  assert_true(count <= 64);
  compute(f, with, HD_SHAPE(1, h, w, 1), x, got, count);
  for (int64_t i = 0; i < count; i++) assert_float_equal(got[i], expected[i], 0);  // every digit
}

typedef struct window {
  int h, w;
  const float *weight;
  hd_op_conv2d_options o;
} window;
static hd_val kernel_of(hd_val x, const window *k) {
  return hd_constant(x.graph, HD_F32, HD_SHAPE(k->h, k->w, 1, 1), k->weight);
}
static hd_val correlate(hd_val x, const void *with) {
  const window *k = with;
  return (hd_op_conv2d)(x, kernel_of(x, k), k->o);
}
static hd_val convolve(hd_val x, const void *with) {
  const window *k = with;
  return (hd_op_convolve2d)(x, kernel_of(x, k), k->o);
}
static hd_val max_pool(hd_val x, const void *with) {
  return (hd_max_pool2d)(x, *(const hd_pool2d_options *)with);
}
static hd_val average_pool(hd_val x, const void *with) {
  return (hd_avg_pool2d)(x, *(const hd_pool2d_options *)with);
}

// ---- Goldens ------------------------------------------------------------------------------------

static void five_by_five(void **state) {
  (void)state;
  const float x[] = {1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0};
  window k = {3, 3, (float[]){1, 0, 1, 0, 1, 0, 1, 0, 1}, {0}};
  const float map[] = {4, 3, 4, 2, 4, 3, 2, 3, 4};
  expect(correlate, &k, 5, 5, x, map, 9);
  expect(convolve, &k, 5, 5, x, map, 9);  // the kernel is symmetric
}

// The one example of the slides whose kernel is not symmetric: their formula turns it, their map
// does not.
static void both_conventions(void **state) {
  (void)state;
  float x[49] = {0};
  x[2 * 7 + 3] = x[3 * 7 + 2] = x[3 * 7 + 3] = x[4 * 7 + 3] = x[5 * 7 + 3] = 1;
  window k = {3, 3, (float[]){1, 0, 0, 1, 0, 1, 0, 1, 1}, {0}};
  const float printed[] = {0, 1, 1, 0, 0, 1, 3, 1, 1, 0, 1, 2, 2,
                           2, 0, 0, 2, 2, 2, 0, 0, 1, 0, 2, 0};
  const float formula_says[] = {0, 1, 0, 0, 0, 1, 2, 0, 1, 0, 1, 2, 2,
                                2, 0, 0, 3, 2, 2, 0, 0, 1, 1, 2, 0};
  expect(correlate, &k, 7, 7, x, printed, 25);
  expect(convolve, &k, 7, 7, x, formula_says, 25);
  window turned = {3, 3, (float[]){1, 1, 0, 1, 0, 1, 0, 0, 1}, {0}};
  expect(convolve, &turned, 7, 7, x, printed, 25);
}

static void pooling(void **state) {
  (void)state;
  const float x[] = {1, 0, 1, 2, 0, 1, 2, 0, 2, 1, 1, 0, 0, 1, 0, 1, 1, 2, 3, 0, 0, 0, 1, 0, 0};
  hd_pool2d_options two = {.window = {2}}, ceiling = {.window = {2}, .ceil = true};
  expect(max_pool, &ceiling, 5, 5, x, (float[]){2, 2, 1, 1, 3, 0, 0, 1, 0}, 9);
  expect(max_pool, &two, 5, 5, x, (float[]){2, 2, 1, 3}, 4);
  float y[] = {29, 15, 28, 184, 0, 100, 70, 38, 12, 12, 7, 2, 12, 12, 45, 6};
  expect(max_pool, &two, 4, 4, y, (float[]){100, 184, 12, 45}, 4);
  expect(average_pool, &two, 4, 4, y, (float[]){36, 80, 12, 15}, 4);
  y[0] = 31;  // as another slide prints it, with the same result: cut to whole numbers
  expect(average_pool, &two, 4, 4, y, (float[]){36.5f, 80, 12, 15}, 4);
}

static hd_val cut(hd_val x, const void *with) {
  return hd_cast(hd_cast(average_pool(x, with), HD_I32), HD_F32);
}

static void whole_numbers(void **state) {
  (void)state;
  hd_pool2d_options two = {.window = {2}};
  const float y[] = {31, 15, 28, 184, 0, 100, 70, 38, 12, 12, 7, 2, 12, 12, 45, 6};
  expect(cut, &two, 4, 4, y, (float[]){36, 80, 12, 15}, 4);
}

static void one_dimension(void **state) {
  (void)state;
  window k = {1, 3, (float[]){1, 3, 1}, {.pad = HD_EXPLICIT, .padding = {0, 1, 0, 1}}};
  const float x[] = {1, 2, 4, 1}, s[] = {5, 11, 15, 7};
  expect(correlate, &k, 1, 4, x, s, 4);
  expect(convolve, &k, 1, 4, x, s, 4);
}

static void sharpening(void **state) {
  (void)state;
  const float x[] = {105, 102, 100, 97,  96,  103, 99, 103, 101, 102, 101, 98, 104,
                     102, 100, 99,  101, 106, 104, 99, 104, 104, 104, 100, 98};
  const float map[] = {320, 206, 198, 188, 281, 210, 89,  111, 101, 213, 205, 85, 111,
                       101, 197, 189, 98,  117, 113, 193, 317, 211, 210, 194, 291};
  window k = {3, 3, (float[]){0, -1, 0, -1, 5, -1, 0, -1, 0}, {.pad = HD_SAME}};
  expect(correlate, &k, 5, 5, x, map, 25);
}

// ---- Laws ---------------------------------------------------------------------------------------

enum { SIDE = 12 };
static float number(int i) { return (float)((i * 7919 + 104729) % 257) / 16; }

// A turned kernel with stride, dilation, groups and channels is the kernel of the turned numbers.
static void turning(void **state) {
  (void)state;
  float x[2 * 8 * 9 * 4], w[3 * 2 * 2 * 6], turned[3 * 2 * 2 * 6], a[600], b[600];
  for (int i = 0; i < (int)HD_COUNT(x); i++) x[i] = number(i);
  for (int i = 0; i < (int)HD_COUNT(w); i++) w[i] = number(3 * i + 1) - 8;
  for (int tap = 0; tap < 6; tap++)
    memcpy(turned + tap * 12, w + (5 - tap) * 12, sizeof(float) * 12);
  for (int way = 0; way < 2; way++) {
    hd_graph *g = hd_graph_new(NULL);
    hd_store *store = hd_store_new(NULL);
    hd_val in = hd_input(g, "x", HD_F32, HD_SHAPE(2, 8, 9, 4));
    hd_val k = hd_constant(g, HD_F32, HD_SHAPE(3, 2, 2, 6), way ? turned : w);
    hd_op_conv2d_options o = {.stride = {2, 1}, .dilation = {1, 2}, .groups = 2, .pad = HD_SAME};
    hd_val y = way ? (hd_op_conv2d)(in, k, o) : (hd_op_convolve2d)(in, k, o);
    hd_val dx = hd_gradient(hd_sum(hd_square(y)), in);
    hd_plan *plan = hd_compile(store, NULL, .fetch = {y, dx});
    hd_workspace *space = hd_workspace_new(plan, NULL, NULL);
    assert_non_null(space);
    memcpy(hd_workspace_input(space, "x", NULL), x, sizeof x);
    assert_int_equal(hd_run(space, NULL), HD_OK);
    hd_type t;
    const float *got = hd_workspace_fetch(space, 0, &t), *back = hd_workspace_fetch(space, 1, NULL);
    int64_t count = hd_shape_count(t.shape);
    assert_true(count <= 600);
    if (!way) memcpy(a, got, sizeof *a * (size_t)count), memcpy(b, back, sizeof *b * 576);
    else {
      assert_memory_equal(a, got, sizeof *a * (size_t)count);
      assert_memory_equal(b, back, sizeof *b * 576);
    }
    hd_workspace_free(space);
    hd_plan_free(plan);
    hd_store_free(store);
    hd_graph_free(g);
  }
}

// conv(shift x) is shift(conv x), bit for bit, where neither sees the border.
static void equivariance(void **state) {
  (void)state;
  float x[SIDE * SIDE], moved[SIDE * SIDE], weight[9], y[100], z[100];
  for (int i = 0; i < SIDE * SIDE; i++) x[i] = number(i) / 3;
  for (int i = 0; i < 9; i++) weight[i] = number(5 * i) / 7 - 1;
  window k = {3, 3, weight, {0}};
  compute(correlate, &k, HD_SHAPE(1, SIDE, SIDE, 1), x, y, 100);
  for (int dy = -3; dy <= 3; dy++)
    for (int dx = -3; dx <= 3; dx++) {
      for (int i = 0; i < SIDE * SIDE; i++) {
        int r = i / SIDE - dy, c = i % SIDE - dx;
        moved[i] = r < 0 || r >= SIDE || c < 0 || c >= SIDE ? 0 : x[r * SIDE + c];
      }
      compute(correlate, &k, HD_SHAPE(1, SIDE, SIDE, 1), moved, z, 100);
      for (int r = 3; r < 7; r++)
        for (int c = 3; c < 7; c++)
          assert_memory_equal(&z[(r + dy) * 10 + c + dx], &y[r * 10 + c], sizeof(float));
    }
}

// The largest value of a window stays where it is as long as it does not leave the window: a max
// pool gives the same for both places of a point within it, an average for every one; neither does
// across its edge.
static void local_invariance(void **state) {
  (void)state;
  hd_pool2d_options two = {.window = {2}};
  float x[16], here[4], there[4];
  for (int way = 0; way < 2; way++) {
    formula *pool = way ? average_pool : max_pool;
    for (int at = 0; at < 3; at++) {
      memset(x, 0, sizeof x);
      x[at] = 1;
      compute(pool, &two, HD_SHAPE(1, 4, 4, 1), x, here, 4);
      x[at] = 0, x[at + 1] = 1;
      compute(pool, &two, HD_SHAPE(1, 4, 4, 1), x, there, 4);
      assert_int_equal(!memcmp(here, there, sizeof here), at != 1);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(five_by_five),    cmocka_unit_test(both_conventions),
      cmocka_unit_test(pooling),         cmocka_unit_test(whole_numbers),
      cmocka_unit_test(one_dimension),   cmocka_unit_test(sharpening),
      cmocka_unit_test(turning),         cmocka_unit_test(equivariance),
      cmocka_unit_test(local_invariance)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
