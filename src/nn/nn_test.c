// Layers against sums done by hand, their gradients against differences, and the table of layers.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "../../include/hadal/plan.h"
#include "layer.h"

// A graph, and a plan of it with its store and workspace.
typedef struct bench {
  hd_graph *g;
  hd_store *store;
  hd_plan *plan;
  hd_workspace *w;
} bench;

static bench begin(void) { return (bench){.g = hd_graph_new(NULL)}; }

static void compile(bench *b, hd_mode mode, const hd_val *fetch, int count) {
  hd_error err = {0};
  if (!b->store) b->store = hd_store_new(NULL);
  hd_workspace_free(b->w);
  hd_plan_free(b->plan);
  b->plan = (hd_compile)(b->store, &err,
                         (hd_compile_options){.more = fetch, .mores = count, .mode = mode});
  if (!b->plan) print_error("%s\n", err.text);
  assert_non_null(b->plan);
  b->w = hd_workspace_new(b->plan, NULL, &err);
  assert_non_null(b->w);
}

static void end(bench *b) {
  hd_workspace_free(b->w);
  hd_plan_free(b->plan);
  hd_store_free(b->store);
  hd_graph_free(b->g);
}

static void run(bench *b) { assert_int_equal(hd_run(b->w, NULL), HD_OK); }
static const float *out(bench *b, int i) { return hd_workspace_fetch(b->w, i, NULL); }
static float *parameter(bench *b, const char *name) {
  const hd_parameter *p = hd_store_find(b->store, name);
  assert_non_null(p);
  return p->data;
}
static void give(bench *b, const char *name, const void *data, size_t bytes) {
  void *to = hd_workspace_input(b->w, name, NULL);
  assert_non_null(to);
  memcpy(to, data, bytes);
}
static void refuses(bench *b, hd_val y, const char *text) {
  assert_null(y.graph);
  if (!strstr(hd_graph_error(b->g), text)) print_error("got: %s\n", hd_graph_error(b->g));
  assert_non_null(strstr(hd_graph_error(b->g), text));
  end(b);
}

// ---- Layers -------------------------------------------------------------------------------------
static void dense_is_x_weight_plus_bias(void **state) {
  (void)state;
  bench b = begin();
  hd_val y = hd_dense(hd_input(b.g, "x", HD_F32, HD_SHAPE(2, 3)), .units = 2, .name = "last");
  compile(&b, HD_EVALUATE, &y, 1);
  memcpy(parameter(&b, "last/weight"), (float[]){1, 2, 3, 4, 5, 6}, 6 * sizeof(float));
  memcpy(parameter(&b, "last/bias"), (float[]){10, 20}, 2 * sizeof(float));
  give(&b, "x", (float[]){1, 0, 0, 1, 1, 1}, 6 * sizeof(float));
  run(&b);
  assert_memory_equal(out(&b, 0), ((float[]){11, 22, 19, 32}), 4 * sizeof(float));
  end(&b);
}

static void dense_on_sequences_has_one_weight(void **state) {
  (void)state;
  bench b = begin();
  hd_val y = hd_dense(hd_input(b.g, "x", HD_F32, HD_SHAPE(2, 5, 3)), .units = 4, .no_bias = true),
         w;
  assert_true(hd_shape_equal(hd_val_type(y).shape, HD_SHAPE(2, 5, 4)));
  assert_int_equal(hd_weights(y, &w, 1), 1);
  assert_true(hd_shape_equal(hd_val_type(w).shape, HD_SHAPE(3, 4)));
  end(&b);
}

static void first_weights_are_glorot(void **state) {
  (void)state;
  bench b = begin();
  hd_val x = hd_input(b.g, "x", HD_F32, HD_SHAPE(1, 8, 8, 3));
  hd_val y = hd_dense(hd_flatten(hd_conv2d(x, .filters = 16, .kernel = {5}, .name = "c")),
                      .units = 10, .name = "d");
  compile(&b, HD_EVALUATE, &y, 1);
  const struct {
    const char *name;
    int64_t n;
    double fan;
  } each[] = {{"c/weight", 1200, 75 + 400}, {"d/weight", 2560, 256 + 10}};
  for (size_t i = 0; i < HD_COUNT(each); i++) {
    const float *w = parameter(&b, each[i].name);
    double limit = sqrt(6 / each[i].fan), most = 0, square = 0;
    for (int64_t k = 0; k < each[i].n; k++)
      most = fmax(most, fabs((double)w[k])), square += (double)w[k] * (double)w[k];
    assert_true(most <= limit && most > 0.98 * limit);
    assert_float_equal(square / (double)each[i].n, limit * limit / 3, 0.05 * limit * limit);
  }
  for (int k = 0; k < 16; k++) assert_true(parameter(&b, "c/bias")[k] == 0);
  end(&b);
}

static void conv2d_makes_its_weights(void **state) {
  (void)state;
  bench b = begin();
  hd_val x = hd_input(b.g, "x", HD_F32, HD_SHAPE(HD_BATCH, 28, 28, 4)), w[2];
  hd_val y =
      hd_conv2d(x, .filters = 8, .kernel = {5, 3}, .stride = {2}, .groups = 2, .pad = HD_SAME);
  assert_true(hd_shape_equal(hd_val_type(y).shape, HD_SHAPE(HD_BATCH, 14, 14, 8)));
  assert_int_equal(hd_weights(y, w, 2), 2);
  assert_true(hd_shape_equal(hd_val_type(w[0]).shape, HD_SHAPE(5, 3, 2, 8)));
  assert_true(hd_shape_equal(hd_val_type(w[1]).shape, HD_SHAPE(8)));
  hd_val z = hd_conv2d(x, .filters = 2, .kernel = {3}, .padding = {1, 0, 1, 0}, .no_bias = true);
  assert_true(hd_shape_equal(hd_val_type(z).shape, HD_SHAPE(HD_BATCH, 28, 26, 2)));
  assert_int_equal(hd_weights(z, w, 2), 1);
  end(&b);
}

static void layers_say_what_is_wrong(void **state) {
  (void)state;
  bench b = begin();
  refuses(&b, hd_dense(hd_input(b.g, "x", HD_F32, HD_SHAPE(7)), .units = 3, .name = "d"),
          "dense (d): x is (7), weights would be (?, 3)");
  b = begin();
  refuses(&b, hd_dense(hd_input(b.g, "x", HD_F32, HD_SHAPE(2, 7))),
          "dense: units is 0; give how many");
  b = begin();
  refuses(&b, hd_conv2d(hd_input(b.g, "x", HD_F32, HD_SHAPE(2, 7)), .filters = 2, .kernel = {3}),
          "conv2d: x is (2, 7), weights would be (3, 3, C, 2)");
  b = begin();
  refuses(&b, hd_conv2d(hd_input(b.g, "x", HD_F32, HD_SHAPE(2, 7, 7, 1)), .filters = 2),
          "conv2d: kernel is (0, 0)");
  b = begin();
  refuses(&b,
          hd_conv2d(hd_input(b.g, "x", HD_F32, HD_SHAPE(2, 7, 7, 3)), .filters = 2, .kernel = {3},
                    .groups = 2),
          "2 groups must divide the channels of x (2, 7, 7, 3) and the 2 filters");
  b = begin();
  refuses(&b,
          hd_conv2d(hd_input(b.g, "x", HD_F32, HD_SHAPE(2, 4, 4, 1)), .filters = 2, .kernel = {5},
                    .name = "c1"),
          "conv2d in layer c1: a window of 5 rows");
  b = begin();
  refuses(&b, hd_batch_norm(hd_input(b.g, "x", HD_F32, HD_SHAPE(7))), "batch_norm: x is (7)");
  b = begin();
  refuses(&b, hd_dropout(hd_input(b.g, "x", HD_F32, HD_SHAPE(7)), .rate = 1), "dropout: rate is 1");
  b = begin();
  refuses(
      &b,
      hd_mse(hd_input(b.g, "x", HD_F32, HD_SHAPE(7)), hd_input(b.g, "t", HD_F32, HD_SHAPE(7, 1))),
      "mse: y is (7), target is (7, 1)");
  b = begin();
  refuses(&b,
          hd_accuracy(hd_input(b.g, "x", HD_F32, HD_SHAPE(7, 2)),
                      hd_input(b.g, "t", HD_F32, HD_SHAPE(7))),
          "accuracy: logits are (7, 2), label is f32 (7)");
}

// ---- Batch normalisation ------------------------------------------------------------------------
static void batch_norm_normalises_and_remembers(void **state) {
  (void)state;
  bench b = begin();
  hd_val y = hd_batch_norm(hd_input(b.g, "x", HD_F32, HD_SHAPE(4, 2)), .momentum = 0.75f,
                           .epsilon = 1e-12f, .name = "n");
  const float x[] = {1, 10, 2, 10, 3, 20, 6, 40};  // means 3, 20; biased variances 3.5, 150
  compile(&b, HD_TRAIN, &y, 1);
  give(&b, "x", x, sizeof x);
  parameter(&b, "n/gamma")[1] = 2, parameter(&b, "n/beta")[1] = 5;
  run(&b);
  for (int i = 0; i < 4; i++) {
    assert_float_equal(out(&b, 0)[2 * i], (x[2 * i] - 3) / sqrt(3.5), 1e-6);
    assert_float_equal(out(&b, 0)[2 * i + 1], 2 * (x[2 * i + 1] - 20) / sqrt(150) + 5, 1e-5);
  }
  const float mean[] = {0.25f * 3, 0.25f * 20},
              variance[] = {0.75f + 0.25f * 3.5f, 0.75f + 0.25f * 150};
  for (int c = 0; c < 2; c++) {
    assert_float_equal(parameter(&b, "n/mean")[c], mean[c], 1e-6);
    assert_float_equal(parameter(&b, "n/variance")[c], variance[c], 1e-5);
  }
  run(&b);  // the running mean is no longer 0: it is kept by 0.75
  const float second = 0.75f * mean[0] + 0.25f * 3;
  assert_float_equal(parameter(&b, "n/mean")[0], second, 1e-6);
  parameter(&b, "n/mean")[0] = mean[0], parameter(&b, "n/variance")[0] = variance[0];
  compile(&b, HD_EVALUATE, &y, 1);  // the running moments, and no update
  give(&b, "x", x, sizeof x);
  for (int k = 0; k < 2; k++) run(&b);
  for (int i = 0; i < 4; i++)
    assert_float_equal(out(&b, 0)[2 * i], (x[2 * i] - mean[0]) / sqrtf(variance[0]), 1e-6);
  assert_float_equal(parameter(&b, "n/mean")[0], mean[0], 0);
  end(&b);
}

// d(value)/dx of every element against central differences, in double.
static void check_gradient(hd_mode mode, bool second) {
  bench b = begin();
  hd_val x = hd_input(b.g, "x", HD_F64, HD_SHAPE(6, 3)),
         weight = hd_input(b.g, "weight", HD_F64, HD_SHAPE(6, 3));
  hd_val gamma = hd_input(b.g, "gamma", HD_F64, HD_SHAPE(3)),
         beta = hd_input(b.g, "beta", HD_F64, HD_SHAPE(3));
  hd_val mean = hd_input(b.g, "mean", HD_F64, HD_SHAPE(3)),
         variance = hd_input(b.g, "variance", HD_F64, HD_SHAPE(3));
  hd_val of[] = {x, gamma, beta, mean, variance}, d[6];
  hd_val y = hd_sum(hd_mul(
      hd_square(hd_op_batch_norm(x, gamma, beta, mean, variance, (hd_op_batch_norm_options){0})),
      weight));
  if (second) y = hd_sum(hd_square(hd_gradient(y, x)));
  assert_int_equal(hd_gradients(y, (hd_val){0}, of, 5, d), HD_OK);
  int given[6], count = 1;
  hd_val fetch[6] = {y};
  for (int i = 0; i < 5; i++)
    if (d[i].graph) given[count] = i, fetch[count++] = d[i];
  compile(&b, mode, fetch, count);
  static const char *const name[] = {"x", "gamma", "beta", "mean", "variance"};
  double *w = hd_workspace_input(b.w, "weight", NULL), *at[5];
  for (int i = 0; i < 18; i++) w[i] = sin(3.1 * i + 1);
  for (int i = 0; i < 5; i++) {
    at[i] = hd_workspace_input(b.w, name[i], NULL);
    for (int k = 0; at[i] && k < (i ? 3 : 18); k++) at[i][k] = 1.2 + cos(1.7 * i + 2.3 * k);
  }
  double expected[6][18], most = 0;
  run(&b);
  for (int i = 1; i < count; i++)
    memcpy(expected[i], hd_workspace_fetch(b.w, i, NULL), (given[i] ? 3 : 18) * sizeof(double));
  for (int i = 1; i < count; i++)
    for (int k = 0; k < (given[i] ? 3 : 18); k++) {
      double *p = at[given[i]], h = 1e-5, value[2];
      if (!p) continue;
      for (int side = 0; side < 2; side++) {
        p[k] += side ? 2 * h : -h;
        run(&b);
        value[side] = *(const double *)hd_workspace_fetch(b.w, 0, NULL);
      }
      p[k] -= h;
      most = fmax(most, fabs(expected[i][k]));
      assert_true(fabs(expected[i][k] - (value[1] - value[0]) / (2 * h)) <=
                  1e-8 * fmax(most, fabs(value[0])));
    }
  assert_true(most > 0.1);
  end(&b);
}

static void batch_norm_gradient(void **state) {
  (void)state;
  check_gradient(HD_TRAIN, false);
  check_gradient(HD_EVALUATE, false);
  check_gradient(HD_TRAIN, true);
  check_gradient(HD_EVALUATE, true);
}

// ---- Dropout ------------------------------------------------------------------------------------
static void dropout_drops_only_in_training(void **state) {
  (void)state;
  enum { N = 20000 };
  static float x[N];
  for (int i = 0; i < N; i++) x[i] = 1 + (float)i;
  bench b = begin();
  hd_val in = hd_input(b.g, "x", HD_F32, HD_SHAPE(100, N / 100)), y = hd_dropout(in, .rate = 0.3f);
  hd_val fetch[] = {y, hd_gradient(hd_sum(y), in)};
  compile(&b, HD_EVALUATE, fetch, 2);
  give(&b, "x", x, sizeof x);
  run(&b);
  assert_memory_equal(out(&b, 0), x, sizeof x);
  compile(&b, HD_TRAIN, fetch, 2);
  give(&b, "x", x, sizeof x);
  run(&b);
  int zeros = 0;
  for (int i = 0; i < N; i++) {
    float v = out(&b, 0)[i], d = out(&b, 1)[i];
    zeros += v == 0;
    assert_true(v == 0 ? d == 0
                       : fabsf(d - 1 / 0.7f) < 1e-6f &&
                             fabsf(v / (x[i] / 0.7f) - 1) < 1e-6f);  // one mask for both
  }
  assert_true(abs(zeros - N * 3 / 10) < 300);  // 4.6 sigma
  end(&b);
}

// ---- Losses -------------------------------------------------------------------------------------
static void losses_by_hand(void **state) {
  (void)state;
  bench b = begin();
  hd_val y = hd_input(b.g, "y", HD_F32, HD_SHAPE(3, 2)),
         t = hd_input(b.g, "t", HD_F32, HD_SHAPE(3, 2)),
         label = hd_input(b.g, "label", HD_I32, HD_SHAPE(3));
  hd_val fetch[] = {
      hd_mse(y, t),           hd_mse(y, t, .factor = 0.5f), hd_cross_entropy(y, label),
      hd_cross_entropy(y, t), hd_accuracy(y, label),        hd_accuracy(y, t)};
  compile(&b, HD_EVALUATE, fetch, 6);
  give(&b, "y", (float[]){1, 2, 3, 1, 0, 0}, 6 * sizeof(float));
  give(&b, "t", (float[]){0, 1, 0, 1, 1, 0}, 6 * sizeof(float));
  give(&b, "label", (int32_t[]){1, 1, 0}, 3 * sizeof(int32_t));
  run(&b);
  double square = (1 + 1 + 9 + 0 + 1 + 0) / 6.0,
         entropy = (log1p(exp(-1)) + log1p(exp(2)) + log(2)) / 3;
  const double expected[] = {square, square / 2, entropy, entropy, 2 / 3.0, 2 / 3.0};
  for (int i = 0; i < 6; i++) assert_float_equal(*out(&b, i), expected[i], 1e-6);
  give(&b, "label", (int32_t[]){1, 2, 0}, 3 * sizeof(int32_t));  // no such class
  run(&b);
  assert_true(*out(&b, 2) == INFINITY);
  end(&b);
}

// ---- The table ----------------------------------------------------------------------------------
static size_t size_of(const hd_field *f) {
  static const size_t size[] = {sizeof(int),    sizeof(int64_t), sizeof(float),  sizeof(bool),
                                sizeof(char *), sizeof(int),     sizeof(hd_init)};
  return size[f->kind] * (size_t)f->count;
}

// Between hd_z and the end nothing is left out but padding, which is smaller than what follows it.
static void fields_cover_their_structs(void **state) {
  (void)state;
  for (int i = 0; hd_layers()[i]; i++) {
    const hd_fields *f = hd_layers()[i]->fields;
    if (!f) continue;
    assert_string_equal(f->name, hd_layers()[i]->name);
    size_t at = offsetof(hd_dense_options, use_names) + sizeof(hd_named *);
    int mains = 0;
    for (int k = 0; k < f->count; k++) {
      size_t offset = f->field[k].offset,
             align = f->field[k].kind == HD_FIELD_BOOL                                         ? 1
                     : f->field[k].kind == HD_FIELD_TEXT || f->field[k].kind == HD_FIELD_INT64 ? 8
                                                                                               : 4;
      assert_true(offset >= at && offset - at < align);
      at = offset + size_of(&f->field[k]);
      mains += f->field[k].main;
    }
    assert_true(f->size >= at && f->size - at < sizeof(void *));
    assert_true(mains <= 1);
  }
}

static void layers_by_name(void **state) {
  (void)state;
  assert_null(hd_layer_find("danse"));
  bench b = begin();
  hd_val x = hd_input(b.g, "x", HD_F32, HD_SHAPE(HD_BATCH, 8, 8, 3));
  x = hd_layer_find("conv2d")->build(x, &(hd_conv2d_options){.filters = 6, .kernel = {5, 5}});
  for (int i = 0; i < 2; i++) x = hd_layer_find(i ? "relu" : "batch_norm")->build(x, NULL);
  x = hd_layer_find("max_pool2d")->build(x, &(hd_pool2d_options){.window = {2, 2}});
  assert_true(hd_shape_equal(hd_val_type(x).shape, HD_SHAPE(HD_BATCH, 2, 2, 6)));
  const hd_layer *reshape = hd_layer_find("reshape");
  char options[128] = {0};
  assert_true(reshape->fields->size <= sizeof options);
  memcpy(options + reshape->fields->field[0].offset, (int64_t[]){3, -1}, 2 * sizeof(int64_t));
  x = reshape->build(x, options);
  assert_true(hd_shape_equal(hd_val_type(x).shape, HD_SHAPE(HD_BATCH, 3, 8)));
  x = hd_layer_find("dropout")->build(hd_layer_find("flatten")->build(x, NULL), NULL);
  x = hd_layer_find("dense")->build(x, &(hd_dense_options){.units = 4});
  assert_string_equal(hd_graph_error(b.g), "");
  assert_true(hd_shape_equal(hd_val_type(x).shape, HD_SHAPE(HD_BATCH, 4)));
  end(&b);
  for (int i = 0; hd_layers()[i];
       i++) {  // no layer falls over without options: it builds, or it says why
    b = begin();
    hd_val y = hd_layers()[i]->build(hd_input(b.g, "x", HD_F32, HD_SHAPE(HD_BATCH, 8, 8, 3)), NULL);
    assert_true((y.graph != NULL) == !*hd_graph_error(b.g));
    assert_null(hd_layers()[i]->build((hd_val){0}, NULL).graph);
    end(&b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(dense_is_x_weight_plus_bias),
                                     cmocka_unit_test(dense_on_sequences_has_one_weight),
                                     cmocka_unit_test(first_weights_are_glorot),
                                     cmocka_unit_test(conv2d_makes_its_weights),
                                     cmocka_unit_test(layers_say_what_is_wrong),
                                     cmocka_unit_test(batch_norm_normalises_and_remembers),
                                     cmocka_unit_test(batch_norm_gradient),
                                     cmocka_unit_test(dropout_drops_only_in_training),
                                     cmocka_unit_test(losses_by_hand),
                                     cmocka_unit_test(fields_cover_their_structs),
                                     cmocka_unit_test(layers_by_name)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
