// Noise layers and Bayesian weights: moments, gradients, evaluation, and the divergence in double.
#include "layer_test.h"

enum { N = 40, C = 500 };

// The layer with every x at 2, in either mode, and the gradient of its sum.
static network noisy(hd_val (*make)(hd_val x), bool train, const hd_env *env) {
  network n = begin();
  hd_val x = hd_input(n.g, "x", HD_F32, HD_SHAPE(HD_BATCH, C));
  hd_val y = make(x), dx = hd_gradient(hd_sum(y), x);
  hd_error err = {0};
  n.store = hd_store_new(env);
  n.plan = hd_compile(n.store, &err, .fetch = {y, dx}, .batch = N,
                      .mode = train ? HD_TRAIN : HD_EVALUATE);
  if (!n.plan) fail_msg("%s", err.text);
  n.w = hd_workspace_new(n.plan, NULL, &err);
  for (int k = 0; k < N * C; k++) give(&n, "x", k, 2);
  run(&n);
  return n;
}

static void moments(const network *n, int fetch, double mean, double deviation) {
  double sum = 0, square = 0, cube = 0, fourth = 0, most = 0;
  for (int k = 0; k < N * C; k++) {
    double z = (out(n, fetch, k) - mean) / deviation;
    sum += z, square += z * z, cube += z * z * z, fourth += z * z * z * z;
    most = fmax(most, fabs(z));
  }
  double count = N * C;  // the bounds are four deviations of the estimates
  near("mean", sum / count, 0, 4 / sqrt(count));
  near("variance", square / count, 1, 4 * sqrt(2 / count));
  near("skewness", cube / count, 0, 4 * sqrt(15 / count));
  near("fourth moment", fourth / count / 3, 1, 4 * sqrt(96 / count) / 3);
  assert_true(most > 3.2 && most < 6.7);
}

static hd_val dropped(hd_val x) { return hd_gaussian_dropout(x, .rate = 0.2f); }
static hd_val noised(hd_val x) { return hd_gaussian_noise(x, .deviation = 0.3f); }
static hd_val half(hd_val x) { return hd_gaussian_dropout(x); }
static hd_val slight(hd_val x) { return hd_gaussian_noise(x); }
static hd_val standard(hd_val x) { return hd_gaussian_noise(hd_gaussian_dropout(x)); }

static void noise_has_its_moments(void **state) {
  (void)state;
  network n = noisy(dropped, true, NULL);
  moments(&n, 0, 2, 2 * 0.5);  // sqrt(0.2 / 0.8)
  moments(&n, 1, 1, 0.5);      // dx is the noise that x was multiplied by
  for (int k = 0; k < N * C; k++) near("dx", 2 * out(&n, 1, k), out(&n, 0, k), 1e-6);
  double first = out(&n, 0, 0);
  run(&n);  // no variable was updated: the same step, the same noise
  assert_true(out(&n, 0, 0) == first);
  hd_store_set_step(n.store, 1);
  run(&n);
  assert_true(out(&n, 0, 0) != first);
  end(&n);
  n = noisy(noised, true, NULL);
  moments(&n, 0, 2, (double)0.3f);
  for (int k = 0; k < N * C; k++) assert_true(out(&n, 1, k) == 1);
  end(&n);
  n = noisy(half, true, NULL);
  moments(&n, 0, 2, 2);  // rate 0.5
  end(&n);
  n = noisy(slight, true, NULL);
  moments(&n, 0, 2, 0.1);
  end(&n);
}

static void evaluation_is_silent(void **state) {
  (void)state;
  hd_val (*const make[])(hd_val) = {dropped, noised, standard};
  for (int i = 0; i < 3; i++) {
    network n = noisy(make[i], false, NULL);
    for (int k = 0; k < N * C; k++) assert_true(out(&n, 0, k) == 2 && out(&n, 1, k) == 1);
    assert_true(hd_plan_describe(n.plan).flop < 10 * N * C);  // nothing is drawn
    end(&n);
  }
}

static void the_same_for_any_threads(void **state) {
  (void)state;
  network one = noisy(standard, true, &(hd_env){.threads = 1});
  for (int threads = 2; threads <= 3; threads++) {
    network n = noisy(standard, true, &(hd_env){.threads = threads});
    assert_memory_equal(hd_workspace_fetch(n.w, 0, NULL), hd_workspace_fetch(one.w, 0, NULL),
                        sizeof(float) * N * C);
    end(&n);
  }
  end(&one);
}

// ---- Bayesian weights ---------------------------------------------------------------------------
static double softplus(double x) { return log1p(exp(x)); }

static hd_val means(hd_val x) { return hd_dense_bayes(x, .units = 3); }
static void means_literal(const double *x, double *y) {  // weight, its rho, bias, its rho
  for (int k = 0; k < 4 * 3; k++) {
    y[k] = wave(3, k % 3);
    for (int c = 0; c < 5; c++) y[k] += x[k / 3 * 5 + c] * wave(1, c * 3 + k % 3);
  }
}
static void evaluation_takes_the_means(void **state) {
  (void)state;
  trial t = {.shape = {2, {4, 5}}, .make = means, .literal = means_literal};
  check_literal(&t, HD_F64, 1e-13);
  check_literal(&t, HD_F32, 2e-6);
}

// Training: weights with the given deviation, one draw for all samples, and gradients through it.
static void weights_are_drawn(void **state) {
  (void)state;
  enum { IN = 100, UNITS = 200 };
  network n = begin();
  hd_val x = hd_input(n.g, "x", HD_F64, HD_SHAPE(HD_BATCH, IN)), w[2], d[2];
  hd_val y = hd_dense_bayes(x, .units = UNITS, .no_bias = true, .deviation = 0.25f,
                            .init = {HD_CONSTANT, 3, 0});
  assert_int_equal(hd_weights(y, w, 2), 2);
  assert_int_equal(hd_gradients(hd_sum(y), (hd_val){0}, w, 2, d), HD_OK);
  hd_error err = {0};
  n.store = hd_store_new(NULL);
  n.plan = hd_compile(n.store, &err, .fetch = {y, d[0], d[1]}, .batch = IN + 1, .mode = HD_TRAIN);
  if (!n.plan) fail_msg("%s", err.text);
  n.w = hd_workspace_new(n.plan, NULL, &err);
  for (int i = 0; i < IN; i++) give(&n, "x", i * IN + i, 1);  // the unit vectors: y is the weights
  give(&n, "x", IN * IN + 4, 1);                              // and the fifth once more
  run(&n);
  double sum = 0, square = 0, rho = weight_of(&n, w[1])[0];
  near("first deviation", softplus(rho), 0.25, 1e-6);
  for (int k = 0; k < IN * UNITS; k++) {
    double z = (out(&n, 0, k) - 3) / 0.25;
    sum += z, square += z * z;
    int times = k / UNITS == 4 ? 2 : 1;  // uses of this weight
    near("dmean", out(&n, 1, k), times, 1e-12);
    near("drho", out(&n, 2, k), times * z / (1 + exp(-rho)), 1e-6);
  }
  near("mean", sum / (IN * UNITS), 0, 4 / sqrt(IN * UNITS));
  near("variance", square / (IN * UNITS), 1, 4 * sqrt(2. / (IN * UNITS)));
  for (int k = 0; k < UNITS; k++)
    assert_true(out(&n, 0, IN * UNITS + k) == out(&n, 0, 4 * UNITS + k));
  end(&n);
}

// Other shards of a step have the same weights, and other noise for their samples.
static void shards_share_weights(void **state) {
  (void)state;
  network n = begin();
  hd_val x = hd_input(n.g, "x", HD_F32, HD_SHAPE(HD_BATCH, 8));
  hd_error err = {0};
  n.store = hd_store_new(NULL);
  n.plan = hd_compile(n.store, &err, .fetch = {hd_dense_bayes(x, .units = 6), slight(x)},
                      .batch = 3, .mode = HD_TRAIN);
  if (!n.plan) fail_msg("%s", err.text);
  n.w = hd_workspace_new(n.plan, NULL, &err);
  for (int k = 0; k < 24; k++) give(&n, "x", k, wave(0, k));
  run(&n);
  double first[2] = {out(&n, 0, 4), out(&n, 1, 4)};
  hd_workspace_sample(n.w, 64);
  run(&n);
  assert_true(out(&n, 0, 4) == first[0] && out(&n, 1, 4) != first[1]);
  end(&n);
}

static void divergence_of_two_layers(void **state) {
  (void)state;
  network n = begin();
  hd_val x = hd_input(n.g, "x", HD_F64, HD_SHAPE(2, 5)), w[7];
  hd_val y =
      hd_dense_bayes(hd_tanh(hd_dense(hd_tanh(means(x)), .units = 4)), .units = 2, .no_bias = true);
  hd_val kl = hd_bayes_kl(y, .prior = 0.7f), unit = hd_bayes_kl(y);
  assert_int_equal(hd_weights(y, w, 7), 8);  // the eighth is the last rho
  hd_val fetch[] = {kl, unit, hd_gradient(kl, w[0]), hd_gradient(kl, w[1]), hd_gradient(kl, w[4])};
  assert_false(hd_ok(fetch[4]));  // the plain layer is not in it
  compile(&n, fetch, 4);
  static const char *const pair[][2] = {{"dense_bayes_1/weight", "dense_bayes_1/weight_rho"},
                                        {"dense_bayes_1/bias", "dense_bayes_1/bias_rho"},
                                        {"dense_bayes_2/weight", "dense_bayes_2/weight_rho"}};
  double want = 0, one = 0, prior = 0.7f;
  for (int i = 0; i < 3; i++) {
    const hd_parameter *m = hd_store_find(n.store, pair[i][0]),
                       *r = hd_store_find(n.store, pair[i][1]);
    for (int64_t k = 0; k < hd_shape_count(m->type.shape); k++) {
      double mean = ((double *)m->data)[k] = wave(1 + i, k);
      double s = softplus(((double *)r->data)[k] = wave(4 + i, k) - 1.5);
      want += log(prior / s) + (s * s + mean * mean) / (2 * prior * prior) - 0.5;
      one += -log(s) + (s * s + mean * mean) / 2 - 0.5;
    }
  }
  run(&n);
  near("divergence", out(&n, 0, 0), want, 1e-12);
  near("divergence, prior 1", out(&n, 1, 0), one, 1e-12);
  const hd_parameter *m = hd_store_find(n.store, pair[0][0]);
  for (int k = 0; k < 15; k++)
    near("dmean", out(&n, 2, k), ((double *)m->data)[k] / (prior * prior), 1e-12);
  end(&n);
}

static void refusals(void **state) {
  (void)state;
  network n = begin();
  refused(&n, hd_gaussian_dropout(hd_input(n.g, "x", HD_F32, HD_SHAPE(2, 3)), .rate = 1),
          "gaussian_dropout: rate is 1");
  n = begin();
  refused(&n, hd_gaussian_noise(hd_input(n.g, "x", HD_F32, HD_SHAPE(2, 3)), .deviation = -1),
          "gaussian_noise: deviation is -1");
  n = begin();
  refused(&n, hd_dense_bayes(hd_input(n.g, "x", HD_F32, HD_SHAPE(2, 3))), "units is 0");
  n = begin();
  refused(&n, hd_bayes_kl(hd_dense(hd_input(n.g, "x", HD_F32, HD_SHAPE(2, 3)), .units = 2)),
          "depends on no hd_dense_bayes layer");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(noise_has_its_moments),    cmocka_unit_test(evaluation_is_silent),
      cmocka_unit_test(the_same_for_any_threads), cmocka_unit_test(evaluation_takes_the_means),
      cmocka_unit_test(weights_are_drawn),        cmocka_unit_test(shards_share_weights),
      cmocka_unit_test(divergence_of_two_layers), cmocka_unit_test(refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
