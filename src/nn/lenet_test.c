// The layers of LeNet-5 as of 1998: table of connections, subsampling, scaled tanh, drawn codes.
#include "../../test/faults.h"
#include "layer_test.h"

// ---- A table of connections ---------------------------------------------------------------------
static const char *const c3 =
    "0,1,2 1,2,3 2,3,4 3,4,5 0,4,5 0,1,5 0,1,2,3 1,2,3,4 2,3,4,5 0,3,4,5 0,1,4,5 0,1,2,5 0,1,3,4 "
    "1,2,4,5 0,2,3,5 0,1,2,3,4,5";

static hd_val table(hd_val x) {
  return hd_conv2d_table(x, .table = "0,2 1 0,1,2", .kernel = {2, 3});
}
static hd_val padded(hd_val x) {
  return hd_conv2d_table(x, .table = " 2  0,1 ", .kernel = {2, 3}, .padding = {1, 0, 0, 2},
                         .pad = HD_EXPLICIT, .stride = {2}, .dilation = {1, 2}, .no_bias = true);
}

// x (2, 4, 5, 3); sees[f] lists the channels of filter f, which ends at -1; kernel (2, 3).
static void sparse(const int (*sees)[4], int filters, int oh, int ow, int stride, int spread,
                   int top, bool bias, const double *x, double *y) {
  for (int at = 0; at < 2 * oh * ow * filters; at++) {
    int f = at % filters, q = at / filters % ow, p = at / filters / ow % oh,
        n = at / (filters * ow * oh), kernel = 0;
    y[at] = bias ? wave(2, f) : 0;
    for (int g = 0; g < f; g++)
      for (int i = 0; sees[g][i] >= 0; i++) kernel++;
    for (int i = 0; sees[f][i] >= 0; i++, kernel++)
      for (int tap = 0; tap < 6; tap++) {
        int row = p * stride + tap / 3 - top, column = q * stride + tap % 3 * spread;
        if (row >= 0 && row < 4 && column < 5)
          y[at] += wave(1, kernel * 6 + tap) * x[((n * 4 + row) * 5 + column) * 3 + sees[f][i]];
      }
  }
}
static void table_literal(const double *x, double *y) {
  static const int sees[][4] = {{0, 2, -1}, {1, -1}, {0, 1, 2, -1}};
  sparse(sees, 3, 3, 3, 1, 1, 0, true, x, y);
}
static void padded_literal(const double *x, double *y) {
  static const int sees[][4] = {{2, -1}, {0, 1, -1}};
  sparse(sees, 2, 2, 2, 2, 2, 1, false, x, y);
}

// ---- Subsampling, the sigmoid, centres ----------------------------------------------------------
static hd_val halves(hd_val x) { return hd_subsample2d(x, .window = {2}); }
static hd_val overlapping(hd_val x) {
  return hd_subsample2d(x, .window = {3, 2}, .stride = {1, 2});
}
static void subsampled(int kh, int sh, int oh, const double *x, double *y) {  // x (2, 4, 4, 3)
  for (int at = 0; at < 2 * oh * 2 * 3; at++) {
    int c = at % 3, q = at / 3 % 2, p = at / 6 % oh, n = at / 6 / oh;
    double sum = 0;
    for (int tap = 0; tap < kh * 2; tap++)
      sum += x[((n * 4 + p * sh + tap / 2) * 4 + q * 2 + tap % 2) * 3 + c];
    y[at] = sum / (kh * 2) * wave(1, c) + wave(2, c);
  }
}
static void halves_literal(const double *x, double *y) { subsampled(2, 2, 2, x, y); }
static void overlapping_literal(const double *x, double *y) { subsampled(3, 1, 2, x, y); }

static hd_val squash(hd_val x) { return hd_scaled_tanh(x); }
static void squash_literal(const double *x, double *y) {
  for (int k = 0; k < 24; k++) y[k] = (double)1.7159 * tanh(x[k] * 2 / 3);
}
static hd_val steep(hd_val x) { return hd_scaled_tanh(x, .amplitude = 0.5f, .slope = -2); }
static void steep_literal(const double *x, double *y) {
  for (int k = 0; k < 24; k++) y[k] = 0.5 * tanh(-2 * x[k]);
}

static hd_val centres(hd_val x) { return hd_rbf(x, .units = 5); }
static void centres_literal(const double *x, double *y) {
  for (int at = 0; at < 6 * 5; at++) {
    y[at] = 0;
    for (int k = 0; k < 4; k++) y[at] -= pow(x[at / 5 * 4 + k] - wave(1, at % 5 * 4 + k), 2);
  }
}

static void formulas_and_gradients(void **state) {
  (void)state;
  static const trial trials[] = {
      {.shape = {4, {2, 4, 5, 3}}, .make = table, .literal = table_literal},
      {.shape = {4, {2, 4, 5, 3}}, .make = padded, .literal = padded_literal},
      {.shape = {4, {2, 4, 4, 3}}, .make = halves, .literal = halves_literal},
      {.shape = {4, {2, 4, 4, 3}}, .make = overlapping, .literal = overlapping_literal},
      {.shape = {2, {4, 6}}, .make = squash, .literal = squash_literal},
      {.shape = {2, {4, 6}}, .make = steep, .literal = steep_literal},
      {.shape = {3, {2, 3, 4}}, .make = centres, .literal = centres_literal}};
  for (size_t i = 0; i < HD_COUNT(trials); i++) check_layer(&trials[i]);
}

// ---- The digits ---------------------------------------------------------------------------------
// A point of the drawings lies at its own digit: minus four times the points that differ elsewhere.
static void digits_are_told_apart(void **state) {
  (void)state;
  network n = begin();
  hd_val x = hd_input(n.g, "x", HD_F64, HD_SHAPE(10, 84));
  hd_val y = hd_rbf(x, .codes = HD_RBF_DIGITS), dx = hd_gradient(hd_sum(y), x);
  hd_val w;
  assert_int_equal(hd_weights(y, &w, 1), 0);
  hd_val fetch[] = {y, dx};
  compile(&n, fetch, 2);
  double sum[84], code[10][84];
  for (int k = 0; k < 840; k++) give(&n, "x", k, 0);
  run(&n);
  for (int k = 0; k < 100; k++) near("|code|^2", out(&n, 0, k), -84, 0);
  for (int k = 0; k < 84; k++)
    sum[k] = out(&n, 1, k) / 2;      // d/dx sum of -(x - c)^2 at 0 is 2 sum c
  for (int of = 0; of < 10; of++) {  // each by its slope alone
    network one = begin();
    hd_val at = hd_input(one.g, "x", HD_F64, HD_SHAPE(1, 84));
    hd_val d = hd_gradient(hd_sum(hd_slice(hd_rbf(at, .codes = HD_RBF_DIGITS), 1, of, 1)), at);
    compile(&one, &d, 1);
    for (int k = 0; k < 84; k++) give(&one, "x", k, 0);
    run(&one);
    for (int k = 0; k < 84; k++) {
      code[of][k] = out(&one, 0, k) / 2;
      assert_true(fabs(code[of][k]) == 1);
      sum[k] -= code[of][k];
    }
    end(&one);
  }
  for (int k = 0; k < 84; k++) near("sum of the codes", sum[k], 0, 0);
  for (int of = 0; of < 10; of++)
    for (int k = 0; k < 84; k++) give(&n, "x", of * 84 + k, code[of][k]);
  run(&n);
  static const int ink[] = {38, 17, 31, 29, 32, 29, 34, 27, 37, 36};
  for (int k = 0; k < 100; k++) {
    int differ = 0;
    for (int i = 0; i < 84; i++) differ += code[k / 10][i] != code[k % 10][i];
    near("distance", out(&n, 0, k), -4 * differ, 0);
    assert_true(k / 10 == k % 10 ? !differ : differ >= 14);
    for (int i = 0; i < 84; i++) differ += code[k / 10][i] > 0;
    if (k / 10 == k % 10) assert_int_equal(differ, ink[k / 10]);
  }
  end(&n);
}

// ---- The network --------------------------------------------------------------------------------
// 156 + 12 + 1,516 + 32 + 48,120 + 10,164 = 60,000, and nothing for the output.
static void sixty_thousand(void **state) {
  (void)state;
  static const int64_t size[] = {150, 6, 6, 6, 1500, 16, 16, 16, 48000, 120, 10080, 84};
  network n = begin();
  hd_val x = hd_input(n.g, "x", HD_F32, HD_SHAPE(HD_BATCH, 32, 32, 1)), w[12];
  hd_val h = hd_scaled_tanh(hd_conv2d(x, .filters = 6, .kernel = {5}));
  h = hd_scaled_tanh(hd_subsample2d(h, .window = {2}));
  h = hd_scaled_tanh(hd_conv2d_table(h, .table = c3, .kernel = {5}));
  assert_true(hd_shape_equal(hd_val_type(h).shape, HD_SHAPE(HD_BATCH, 10, 10, 16)));
  h = hd_scaled_tanh(hd_subsample2d(h, .window = {2}));
  h = hd_scaled_tanh(hd_flatten(hd_conv2d(h, .filters = 120, .kernel = {5})));
  h = hd_rbf(hd_scaled_tanh(hd_dense(h, .units = 84)), .codes = HD_RBF_DIGITS);
  assert_string_equal(hd_graph_error(n.g), "");
  assert_true(hd_shape_equal(hd_val_type(h).shape, HD_SHAPE(HD_BATCH, 10)));
  int64_t all = 0;
  assert_int_equal(hd_weights(h, w, 12), 12);
  for (int i = 0; i < 12; i++) {
    assert_int_equal(hd_shape_count(hd_val_type(w[i]).shape), size[i]);
    all += size[i];
  }
  assert_int_equal(all, 60000);
  end(&n);
}

// Fans of the mean filter: 60 / 16 channels of 25 taps in, 60 / 6 filters of 25 out.
static void first_weights(void **state) {
  (void)state;
  network n = begin();
  hd_val x = hd_input(n.g, "x", HD_F32, HD_SHAPE(1, 14, 14, 6)), y, w;
  y = hd_conv2d_table(x, .table = c3, .kernel = {5});
  hd_weights(y, &w, 1);
  compile(&n, &y, 1);
  const float *p = (const float *)weight_of(&n, w);
  double most = 0, limit = sqrt(6 / (25 * 60 / 16.0 + 25 * 60 / 6.0));
  for (int k = 0; k < 1500; k++) most = fmax(most, fabs((double)p[k]));
  near("limit", most / limit, 1, 0.01);
  end(&n);
}

static void what_is_wrong(void **state) {
  (void)state;
  static const hd_shape flat = {2, {HD_BATCH, 6}}, image = {4, {HD_BATCH, 4, 4, 2}};
#define REFUSED(text, shape, layer, ...) \
  do { \
    network n = begin(); \
    refused(&n, hd_##layer(hd_input(n.g, "x", HD_F32, shape), __VA_ARGS__), text); \
  } while (0)
  static const char *const wrong[][2] = {{"0,2", "table, at \"2\": x is (N, 4, 4, 2)"},
                                         {"0 1,0", "at \"0\""},
                                         {"1,1", "at \"1\""},
                                         {"0,", "at \"0,\""},
                                         {"0, 1", "at \" 1\""},
                                         {"a", "at \"a\""},
                                         {"0;1", "at \"0;1\""},
                                         {"", "at \"\""},
                                         {"  ", "at \"\""},
                                         {",0", "at \",0\""},
                                         {"-1", "at \"-1\""},
                                         {"99999999999999999999", "at \"99999999999999999999\""}};
  for (size_t i = 0; i < HD_COUNT(wrong); i++)
    REFUSED(wrong[i][1], image, conv2d_table, .table = wrong[i][0], .kernel = {3});
  REFUSED("conv2d_table (c): table is missing", image, conv2d_table, .kernel = {3}, .name = "c");
  REFUSED("conv2d_table: kernel is (0, 0)", image, conv2d_table, .table = "0");
  REFUSED("conv2d_table: x is (N, 6): needs images", flat, conv2d_table, .table = "0",
          .kernel = {3});
  REFUSED("a window of 5 rows", image, conv2d_table, .table = "0", .kernel = {5});
  static const hd_shape deep = {4, {HD_BATCH, 4, 4, 40000000}};
  REFUSED("a table of more than 67108864 places", deep, conv2d_table, .table = "0 1",
          .kernel = {3});
  REFUSED("subsample2d (s): x is (N, 6): needs images", flat, subsample2d, .window = {2},
          .name = "s");
  REFUSED("window", image, subsample2d, .name = "s");
  REFUSED("rbf: units is 0", flat, rbf, .codes = HD_RBF_LEARNED);
  REFUSED("rbf (r): x is (N, 6), 10 units: the codes of the digits are (10, 84)", flat, rbf,
          .codes = HD_RBF_DIGITS, .name = "r");
  REFUSED("9 units: the codes", flat, rbf, .units = 9, .codes = HD_RBF_DIGITS);
}

// With its gradient, as the n-th allocation fails.
static const char *build_all(const hd_env *env, void *user) {
  (void)user;
  hd_graph *g = hd_graph_new(env);
  if (!g) return NULL;
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(4, 14, 14, 6)), y;
  y = hd_scaled_tanh(hd_subsample2d(x, .window = {2}));
  y = hd_flatten(hd_conv2d_table(y, .table = c3, .kernel = {7}));
  hd_val d = hd_gradient(hd_sum(hd_rbf(y, .units = 3)), x);
  y = hd_rbf(hd_dense(y, .units = 84), .codes = HD_RBF_DIGITS);
  bool failed = *hd_graph_error(g);
  const char *wrong = (hd_ok(d) && hd_ok(y)) != failed ? NULL : "a failure without an error";
  if (failed && !strstr(hd_graph_error(g), "memory")) wrong = "an error that is not of memory";
  hd_graph_free(g);
  return wrong;
}

static void memory_runs_out(void **state) {
  (void)state;
  const char *wrong = faults_each(build_all, NULL, 0, NULL);
  if (wrong) fail_msg("%s", wrong);
}

// 2^32 taps, which no int counts.
static void large_kernels(void **state) {
  (void)state;
  hd_graph *g = hd_graph_new(NULL);
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, 65536, 65536, 1));
  hd_val y = hd_conv2d_table(x, .table = "0 0", .kernel = {65536});
  assert_string_equal(hd_graph_error(g), "");
  assert_true(hd_shape_equal(hd_val_type(y).shape, HD_SHAPE(HD_BATCH, 1, 1, 2)));
  hd_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(formulas_and_gradients), cmocka_unit_test(digits_are_told_apart),
      cmocka_unit_test(sixty_thousand),         cmocka_unit_test(first_weights),
      cmocka_unit_test(what_is_wrong),          cmocka_unit_test(memory_runs_out),
      cmocka_unit_test(large_kernels)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
