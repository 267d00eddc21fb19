// Normalising layers against loops as the papers print them, and their gradients.
#include "layer_test.h"

// y = (x - mean) / sqrt(variance + epsilon) for the elements with of[k] == group.
static void normalise(const double *x, double *y, const int *of, int size, int group,
                      double epsilon) {
  double mean = 0, variance = 0;
  int count = 0;
  for (int k = 0; k < size; k++)
    if (of[k] == group) mean += x[k], count++;
  mean /= count;
  for (int k = 0; k < size; k++)
    if (of[k] == group) variance += (x[k] - mean) * (x[k] - mean) / count;
  for (int k = 0; k < size; k++)
    if (of[k] == group) y[k] = (x[k] - mean) / sqrt(variance + epsilon);
}

// ---- x (3, 5), (2, 3, 4) ------------------------------------------------------------------------
static hd_val layer(hd_val x) { return hd_layer_norm(x); }
static void layer_literal(const double *x, double *y) {
  int of[15];
  for (int k = 0; k < 15; k++) of[k] = k / 5;
  for (int row = 0; row < 3; row++) normalise(x, y, of, 15, row, 1e-5);
  for (int k = 0; k < 15; k++) y[k] = wave(1, k % 5) * y[k] + wave(2, k % 5);
}
static hd_val layer2(hd_val x) { return hd_layer_norm(x, .axes = 2, .epsilon = 0.25f); }
static void layer2_literal(const double *x, double *y) {
  int of[24];
  for (int k = 0; k < 24; k++) of[k] = k / 12;
  for (int row = 0; row < 2; row++) normalise(x, y, of, 24, row, 0.25);
  for (int k = 0; k < 24; k++) y[k] = wave(1, k % 12) * y[k] + wave(2, k % 12);
}
static hd_val rms(hd_val x) { return hd_rms_norm(x); }
static void rms_literal(const double *x, double *y) {
  for (int row = 0; row < 3; row++) {
    double square = 0;
    for (int k = 0; k < 5; k++) square += x[row * 5 + k] * x[row * 5 + k];
    for (int k = 0; k < 5; k++)
      y[row * 5 + k] = wave(1, k) * x[row * 5 + k] / sqrt(square / 5 + 1e-5);
  }
}

// ---- x (2, 3, 2, 6) -----------------------------------------------------------------------------
static void channels(const double *x, double *y, int groups) {
  int of[72];
  for (int k = 0; k < 72; k++) of[k] = k / 36 * groups + k % 6 / (6 / groups);
  for (int g = 0; g < 2 * groups; g++) normalise(x, y, of, 72, g, 1e-5);
  for (int k = 0; k < 72; k++) y[k] = wave(1, k % 6) * y[k] + wave(2, k % 6);
}
static hd_val group(hd_val x) { return hd_group_norm(x, .groups = 3); }
static void group_literal(const double *x, double *y) { channels(x, y, 3); }
static hd_val instance(hd_val x) { return hd_instance_norm(x); }
static void instance_literal(const double *x, double *y) { channels(x, y, 6); }

static hd_val response(hd_val x) {
  return hd_local_response_norm(x, .size = 3, .alpha = 0.5f, .k = 1);
}
static hd_val wide_response(hd_val x) {
  return hd_local_response_norm(x, .size = 15, .alpha = 0.5f, .beta = 0.5f);
}
static void responses(const double *x, double *y, int side, double k, double beta) {
  for (int p = 0; p < 72; p += 6)
    for (int c = 0; c < 6; c++) {
      double sum = 0;
      for (int j = c - side; j <= c + side; j++)
        if (j >= 0 && j < 6) sum += x[p + j] * x[p + j];
      y[p + c] = x[p + c] / pow(k + 0.5 * sum, beta);
    }
}
static void response_literal(const double *x, double *y) { responses(x, y, 1, 1, 0.75); }
static void wide_literal(const double *x, double *y) { responses(x, y, 7, 2, 0.5); }

#define IMAGES \
  { \
    4, { 2, 3, 2, 6 } \
  }
static void as_in_the_papers(void **state) {
  (void)state;
  static const trial trials[] = {
      {.shape = {2, {3, 5}}, .make = layer, .literal = layer_literal},
      {.shape = {3, {2, 3, 4}}, .make = layer2, .literal = layer2_literal},
      {.shape = {2, {3, 5}}, .make = rms, .literal = rms_literal},
      {.shape = IMAGES, .make = group, .literal = group_literal},
      {.shape = IMAGES, .make = instance, .literal = instance_literal},
      {.shape = IMAGES, .make = response, .literal = response_literal},
      {.shape = IMAGES, .make = wide_response, .literal = wide_literal}};
  for (size_t i = 0; i < HD_COUNT(trials); i++) check_layer(&trials[i]);
}

// One group is layer norm over all axes, a group per channel is instance norm.
static void the_same_by_another_name(void **state) {
  (void)state;
  network n = begin();
  hd_val x = hd_input(n.g, "x", HD_F64, (hd_shape)IMAGES);
  hd_val fetch[] = {hd_group_norm(x, .groups = 1, .no_weights = true),
                    hd_layer_norm(x, .axes = 3, .no_weights = true),
                    hd_group_norm(x, .groups = 6, .no_weights = true),
                    hd_instance_norm(x, .no_weights = true)};
  hd_val w[1];
  for (int i = 0; i < 4; i++) assert_int_equal(hd_weights(fetch[i], w, 1), 0);
  compile(&n, fetch, 4);
  for (int k = 0; k < 72; k++) give(&n, "x", k, wave(0, k));
  run(&n);
  for (int i = 0; i < 4; i += 2)
    for (int k = 0; k < 72; k++) near("y", out(&n, i, k), out(&n, i + 1, k), 1e-14);
  end(&n);
}

// A large mean costs no digits, and a constant sample gives zeros, not infinities.
static void hard_samples(void **state) {
  (void)state;
  network n = begin();
  hd_val x = hd_input(n.g, "x", HD_F32, HD_SHAPE(HD_BATCH, 4));
  hd_val y = hd_layer_norm(x), fetch[] = {y, hd_gradient(hd_sum(hd_square(y)), x)};
  hd_error err = {0};
  n.store = hd_store_new(NULL);
  n.plan = hd_compile(n.store, &err, .fetch = {fetch[0], fetch[1]}, .batch = 2);
  if (!n.plan) fail_msg("%s", err.text);
  n.w = hd_workspace_new(n.plan, NULL, &err);
  static const double v[] = {10000, 10001, 10002, 10003, 7, 7, 7, 7};
  for (int k = 0; k < 8; k++) give(&n, "x", k, v[k]);
  run(&n);
  for (int k = 0; k < 4; k++) near("y", out(&n, 0, k), (k - 1.5) / sqrt(1.25 + 1e-5), 1e-6);
  for (int k = 4; k < 8; k++) near("y", out(&n, 0, k), 0, 0), near("dx", out(&n, 1, k), 0, 0);
  end(&n);
}

static void what_is_wrong(void **state) {
  (void)state;
  static const hd_shape flat = {2, {HD_BATCH, 6}}, vague = {2, {HD_BATCH, HD_TIME}},
                        image = {4, {HD_BATCH, 3, 2, 6}};
#define REFUSED(text, shape, layer, ...) \
  do { \
    network n = begin(); \
    refused(&n, hd_##layer(hd_input(n.g, "x", HD_F32, shape), __VA_ARGS__), text); \
  } while (0)
  REFUSED("layer_norm (a): x is (N, 6): its last 3 axes must be there", flat, layer_norm, .axes = 3,
          .name = "a");
  REFUSED("its last 1 axes must be there, of known sizes", vague, layer_norm, .axes = 1);
  REFUSED("layer_norm: epsilon is -1", flat, layer_norm, .epsilon = -1);
  REFUSED("rms_norm (r): x is (N, T), weights would be (D)", vague, rms_norm, .name = "r");
  REFUSED("group_norm: 4 groups must divide the 6 channels of x (N, 3, 2, 6); set .groups", image,
          group_norm, .groups = 4);
  REFUSED("group_norm (g): x is (N, T), weights would be (C)", vague, group_norm, .name = "g");
  REFUSED("instance_norm (i): x is (N, 6), weights would be (C): needs (N, H, W, C)", flat,
          instance_norm, .name = "i");
  REFUSED("local_response_norm: size is 4 for x (N, 3, 2, 6); must be odd", image,
          local_response_norm, .size = 4);
  REFUSED("local_response_norm: x is (N, T)", vague, local_response_norm, .size = 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(as_in_the_papers), cmocka_unit_test(the_same_by_another_name),
      cmocka_unit_test(hard_samples), cmocka_unit_test(what_is_wrong)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
