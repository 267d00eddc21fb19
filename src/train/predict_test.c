// Predictions with draws and over several nets, posterior samples by Langevin dynamics, and batch
// norm's statistics made anew.
#define _GNU_SOURCE
#include "../../test/faults.h"
#include "../../test/net.h"
#include "../../test/toy.h"
#include "../base/random.h"

// ---- Draws --------------------------------------------------------------------------------------
typedef struct small {
  hd_graph *g;
  hd_store *store;
  hd_val x, y;
} small;

enum { ROWS = 70, IN = 6 };

// y (N, 2): one hidden layer with dropout, and batch norm, which stays as in evaluation.
static small dropping(int threads) {
  small s = {.g = hd_graph_new(NULL), .store = hd_store_new(&(hd_env){.threads = threads})};
  s.x = hd_input(s.g, "x", HD_F32, HD_SHAPE(HD_BATCH, IN));
  s.y = hd_dense(hd_dropout(hd_relu(hd_batch_norm(hd_dense(s.x, .units = 50)))), .units = 2);
  assert_string_equal(hd_graph_error(s.g), "");
  return s;
}
static void end(small *s) {
  hd_store_free(s->store);
  hd_graph_free(s->g);
}

static hd_tensor rows(void) {
  hd_tensor x = hd_tensor_new(NULL, HD_F32, HD_SHAPE(ROWS, IN), NULL);
  for (int i = 0; i < ROWS * IN; i++) ((float *)x.data)[i] = (float)sin(0.7 * i) + 0.3f;
  return x;
}
static float value(const hd_tensor *t, int i) { return ((const float *)t->data)[i]; }

static hd_tensor predicted(hd_store *store, hd_val y, hd_predict_mean_options o) {
  hd_tensor x = rows();
  hd_error err = {0};
  o.input = &x;
  hd_tensor t = (hd_predict_mean)(store, y, &err, o);
  if (!t.data) fail_msg("%s", err.text);
  hd_tensor_free(&x);
  return t;
}

// Pass k, by itself, from a plan of all rows: what .passes must be the mean of.
static void by_hand(small *s, int passes, double *mean, double *deviation) {
  hd_tensor x = rows();
  hd_plan *plan = hd_compile(s->store, NULL, .fetch = {s->y}, .batch = ROWS, .draws = true);
  hd_workspace *w = hd_workspace_new(plan, NULL, NULL);
  double sum[2 * ROWS] = {0}, square[2 * ROWS] = {0};
  uint64_t step = hd_store_step(s->store);
  memcpy(hd_workspace_input(w, "x", NULL), x.data, sizeof(float) * ROWS * IN);
  for (int p = 1; p <= passes; p++) {
    hd_store_set_step(s->store, step ^ (uint64_t)p << 40);
    assert_int_equal(hd_run(w, NULL), HD_OK);
    const float *y = hd_workspace_fetch(w, 0, NULL);
    for (int i = 0; i < 2 * ROWS; i++)
      sum[i] += (double)y[i], square[i] += (double)y[i] * (double)y[i];
  }
  hd_store_set_step(s->store, step);
  for (int i = 0; i < 2 * ROWS; i++) {
    mean[i] = sum[i] / passes;
    deviation[i] = sqrt(fmax(0, square[i] - passes * mean[i] * mean[i]) / (passes - 1));
  }
  hd_workspace_free(w);
  hd_plan_free(plan);
  hd_tensor_free(&x);
}

static void passes_are_drawn(void **state) {
  (void)state;
  enum { PASSES = 30 };
  double mean[2 * ROWS], spread[2 * ROWS];
  small s = dropping(1);
  hd_tensor plain = predicted(s.store, s.y, (hd_predict_mean_options){0}), deviation;
  hd_store_set_step(s.store, 77);
  hd_tensor t =
      predicted(s.store, s.y, (hd_predict_mean_options){.passes = PASSES, .deviation = &deviation});
  by_hand(&s, PASSES, mean, spread);
  assert_true(hd_shape_equal(t.shape, HD_SHAPE(ROWS, 2)) &&
              hd_shape_equal(deviation.shape, t.shape));
  double off = 0, width = 0;
  for (int i = 0; i < 2 * ROWS; i++) {
    assert_float_equal(value(&t, i), mean[i], 1e-6);
    assert_float_equal(value(&deviation, i), spread[i], 1e-5);
    off += fabs((double)(value(&t, i) - value(&plain, i)));
    width += (double)value(&deviation, i);
  }
  assert_true(width > 10 && off > 0.01 * width);
  assert_true(off < width * 3 / sqrt(PASSES));  // the mean is near what evaluation says
  hd_tensor_free(&plain), hd_tensor_free(&deviation);
  // The same bits again, for other threads, and for batches of any size.
  for (int threads = 2; threads <= 3; threads++) {
    small other = dropping(threads);
    hd_store_set_step(other.store, 77);
    hd_tensor x = rows();
    const char *name = "x";
    hd_data data = {0};
    assert_int_equal(hd_data_from_tensors(NULL, &name, &x, 1, &data, NULL), HD_OK);
    hd_tensor u = hd_predict_mean(other.store, other.y, NULL, .data = &data,
                                  .batch = threads == 2 ? 16 : 70, .passes = PASSES);
    assert_memory_equal(u.data, t.data, sizeof(float) * 2 * ROWS);
    hd_tensor_free(&u);
    hd_data_free(&data);
    end(&other);
  }
  hd_tensor_free(&t);
  end(&s);
}

// ---- Several nets -------------------------------------------------------------------------------
static void an_ensemble_is_the_mean(void **state) {
  (void)state;
  enum { NETS = 5 };
  small s = dropping(1);
  hd_store *nets[NETS] = {s.store};
  hd_tensor one[NETS], deviation;
  hd_val p = hd_softmax(s.y);
  for (int i = 0; i < NETS; i++) {
    if (i) nets[i] = hd_store_new(NULL);
    hd_store_seed(nets[i], (uint64_t)i + 10);
    one[i] = predicted(nets[i], p, (hd_predict_mean_options){0});
  }
  hd_tensor t = predicted(
      NULL, p,
      (hd_predict_mean_options){.ensemble = nets, .members = NETS, .deviation = &deviation});
  for (int i = 0; i < 2 * ROWS; i++) {
    double mean = 0, square = 0;
    for (int k = 0; k < NETS; k++) mean += (double)value(&one[k], i) / NETS;
    for (int k = 0; k < NETS; k++) square += pow((double)value(&one[k], i) - mean, 2);
    assert_float_equal(value(&t, i), mean, 1e-6);
    assert_float_equal(value(&deviation, i), sqrt(square / (NETS - 1)), 1e-6);
    assert_true(square > 1e-8);
  }
  for (int i = 0; i < NETS; i++) hd_tensor_free(&one[i]);
  hd_tensor_free(&t), hd_tensor_free(&deviation);
  hd_error err = {0};
  hd_tensor x = rows();
  t = hd_predict_mean(NULL, hd_argmax(s.y, -1), &err, .input = &x, .ensemble = nets,
                      .members = NETS);
  assert_true(!t.data && strstr(err.text, "needs f32 or f64, the value is i32"));
  t = hd_predict_mean(NULL, p, &err, .input = &x, .ensemble = nets);
  assert_true(!t.data);
  t = hd_predict_mean(s.store, p, &err, .input = &x, .passes = -1);
  assert_true(!t.data && strstr(err.text, "passes must not be negative"));
  hd_tensor_free(&x);
  for (int i = 1; i < NETS; i++) hd_store_free(nets[i]);
  end(&s);
}

// ---- Langevin dynamics --------------------------------------------------------------------------
// Mean losses of 20 samples: the posterior of w is normal, with the precision 20 a + 1 / prior^2.
// The steps are w' = (1 - lr p / 2) w + noise, whose variance settles at lr T / (1 - (1 - lr p /
// 2)^2) exactly.
enum { WEIGHTS = 400, SAMPLES = 20 };
static void langevin_steps_settle(void **state) {
  (void)state;
  static const struct {
    float prior, temperature;
    double lr;
  } with[] = {{0, 0, 0.02}, {0.5f, 0, 0.02}, {0, 0.25f, 0.05}};
  for (size_t k = 0; k < HD_COUNT(with); k++) {
    double a = 1.5, prior = with[k].prior, t = with[k].temperature > 0 ? with[k].temperature : 1;
    double precision = SAMPLES * a + (prior > 0 ? 1 / (prior * prior) : 0), lr = with[k].lr;
    double centre = SAMPLES * a * 0.5 / precision, keep = 1 - lr * precision / 2;
    net n = net_new(NULL);
    hd_val w = hd_variable(n.g, HD_F32, HD_SHAPE(WEIGHTS), .name = "w");
    hd_val loss = hd_scale(hd_sum(hd_square(hd_add_scalar(w, -0.5))), a / 2);
    hd_update up =
        hd_minimize(loss, hd_sgld(.lr = (float)lr, .samples = SAMPLES, .prior = with[k].prior,
                                  .temperature = with[k].temperature));
    net_compile(&n, (hd_compile_options){.fetch = {loss}, .update = {up}, .mode = HD_TRAIN});
    double sum = 0, square = 0, along = 0, count = 0, before[WEIGHTS] = {0};
    for (int step = 0; step < 400; step++) {
      net_run(&n);
      const float *p = hd_store_find(n.store, "w")->data;
      for (int i = 0; i < WEIGHTS && step >= 50; i++) {
        double z = (double)p[i] - centre;
        sum += z, square += z * z, along += z * before[i], count++;
        before[i] = z;
      }
    }
    double variance = lr * t / (1 - keep * keep), settled = t / precision;
    assert_float_equal(sum / count / sqrt(variance), 0, 0.03);
    assert_float_equal(square / count / variance, 1, 0.03);
    assert_float_equal(along / square, keep, 0.03);  // and nothing else ties the steps
    assert_true(variance > settled && variance < 3 * settled);
    net_free(&n);
  }
}

// ---- A posterior by each of the three ways ------------------------------------------------------
// y = 2 x - 1 + noise of deviation 0.3 at 30 points: the 90 % band about the line, and about new
// points, against what Bayes' rule gives for a line.
enum { POINTS = 30, NEW = 400, DRAWS = 100 };
typedef struct line {
  hd_graph *g;
  hd_store *store, *kept[DRAWS];
  int count;
} line;

static bool keep(void *user, const hd_progress *p) {
  line *l = user;
  if (p->epoch > 500 && p->epoch % 40 == 0 && l->count < DRAWS)
    l->kept[l->count++] = hd_store_copy(l->store, NULL);
  return true;
}

static hd_data points(int first, int count) {
  hd_tensor t[2] = {hd_tensor_new(NULL, HD_F32, HD_SHAPE(count, 1), NULL),
                    hd_tensor_new(NULL, HD_F32, HD_SHAPE(count, 1), NULL)};
  for (int i = 0; i < count; i++) {
    hd_random_key key = {5, 6};
    float x = hd_random_uniform(key, (uint64_t)(first + i)) * 2 - 1;
    ((float *)t[0].data)[i] = x;
    ((float *)t[1].data)[i] =
        2 * x - 1 + 0.3f * (float)hd_random_normal(key, 1000000 + (uint64_t)(first + i));
  }
  static const char *const names[] = {"x", "y"};
  hd_data data = {0};
  assert_int_equal(hd_data_from_tensors(NULL, names, t, 2, &data, NULL), HD_OK);
  return data;
}
static double of(const hd_data *d, int column, int64_t i) {
  float v;
  assert_int_equal(d->read(d->user, column, &i, 1, &v, NULL), HD_OK);
  return (double)v;
}

// Deviation of the line at x under the exact posterior, with the prior normal (0, 1).
static double exact(const hd_data *d, double x) {
  double n = 1, s = 0, q = 1, inverse = 1 / 0.09;
  for (int i = 0; i < POINTS; i++) {
    double v = of(d, 0, i);
    n += inverse, s += inverse * v, q += inverse * v * v;
  }
  return sqrt((q - 2 * x * s + x * x * n) / (n * q - s * s));
}

static void bands_cover(void **state) {
  (void)state;
  hd_data train = points(0, POINTS), fresh = points(POINTS, NEW);
  for (int bayes = 0; bayes < 2; bayes++) {
    line l = {.g = hd_graph_new(NULL), .store = hd_store_new(&(hd_env){.threads = 1})};
    hd_val x = hd_input(l.g, "x", HD_F32, HD_SHAPE(HD_BATCH, 1)),
           t = hd_input(l.g, "y", HD_F32, HD_SHAPE(HD_BATCH, 1));
    hd_val y = bayes ? hd_dense_bayes(x, .units = 1) : hd_dense(x, .units = 1);
    hd_val loss = hd_mse(y, t, .factor = 0.5f / 0.09f);
    hd_error err = {0};
    hd_status status;
    if (bayes)
      status = hd_fit(l.store, hd_add(loss, hd_scale(hd_bayes_kl(y), 1. / POINTS)), &train, &err,
                      .optimizer = hd_adam(.lr = 0.02f), .batch = POINTS, .epochs = 1500,
                      .schedule = {.kind = HD_SCHEDULE_COSINE});
    else
      status = hd_fit(l.store, loss, &train, &err, .batch = POINTS, .epochs = 4500,
                      .optimizer = hd_sgld(.lr = 0.0005f, .samples = POINTS, .prior = 1),
                      .user = &l, .on_epoch = keep);
    if (status) fail_msg("%s", err.text);
    hd_tensor deviation,
        mean = bayes ? hd_predict_mean(l.store, y, &err, .data = &fresh, .passes = DRAWS,
                                       .deviation = &deviation)
                     : hd_predict_mean(NULL, y, &err, .data = &fresh, .ensemble = l.kept,
                                       .members = l.count, .deviation = &deviation);
    if (!mean.data) fail_msg("%s", err.text);
    double ratio = 0, covered = 0, off = 0;
    for (int i = 0; i < NEW; i++) {
      double at = of(&fresh, 0, i), s = (double)value(&deviation, i);
      ratio += s / exact(&train, at) / NEW;
      off = fmax(off, fabs((double)value(&mean, i) - (2 * at - 1)) / exact(&train, at));
      covered += fabs(of(&fresh, 1, i) - (double)value(&mean, i)) < 1.645 * hypot(s, 0.3);
    }
    assert_float_equal(ratio, 1, 0.15);
    assert_float_equal(covered / NEW, 0.9, 0.05);
    assert_true(off < 3);
    while (l.count) hd_store_free(l.kept[--l.count]);
    hd_tensor_free(&mean), hd_tensor_free(&deviation);
    hd_store_free(l.store);
    hd_graph_free(l.g);
  }
  hd_data_free(&train), hd_data_free(&fresh);
}

// ---- Memory that runs out -----------------------------------------------------------------------
// Bayesian and plain layers, statistics, a copy, and the mean over both stores' passes.
static const char *use_all(const hd_env *env, void *arg) {
  (void)arg;
  hd_env one = *env;
  one.threads = 1;
  hd_error err = {0};
  const char *wrong = NULL, *names[] = {"x"};
  float row[4 * 3] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3};
  hd_tensor view = {.dtype = HD_F32, .shape = HD_SHAPE(4, 3), .data = row}, spread = {0},
            mean = {0};
  hd_graph *g = hd_graph_new(&one);
  hd_store *kept[2] = {hd_store_new(&one)};
  hd_data data = {0};
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, 3));
  hd_val y = hd_dense_bayes(hd_dropout(hd_batch_norm(x)), .units = 2);
  hd_val kl = hd_bayes_kl(y);
  bool ok = !hd_data_from_tensors(&one, names, &view, 1, &data, &err) &&
            !hd_update_statistics(kept[0], y, &data, 3, &err) &&
            (mean = hd_predict_mean(kept[0], hd_add(y, kl), &err, .data = &data)).data;
  hd_tensor_free(&mean);
  kept[1] = ok ? hd_store_copy(kept[0], &err) : NULL;
  if (kept[1])
    mean = hd_predict_mean(NULL, y, &err, .data = &data, .batch = 3, .passes = 2, .ensemble = kept,
                           .members = 2, .deviation = &spread);
  if (!mean.data && !err.status && g && kept[0] && !*hd_graph_error(g)) wrong = "no error";
  if (!mean.data != !spread.data) wrong = "half a result";
  hd_tensor_free(&mean), hd_tensor_free(&spread);
  hd_data_free(&data);
  hd_store_free(kept[1]), hd_store_free(kept[0]);
  hd_graph_free(g);
  return wrong;
}

static void every_failing_call_is_clean(void **state) {
  (void)state;
  int64_t runs = 0;
  const char *wrong = faults_each(use_all, NULL, 0, &runs);
  if (wrong) fail_msg("%s, after %lld runs", wrong, (long long)runs);
  assert_true(runs > 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(passes_are_drawn), cmocka_unit_test(an_ensemble_is_the_mean),
      cmocka_unit_test(langevin_steps_settle), cmocka_unit_test(bands_cover),
      cmocka_unit_test(every_failing_call_is_clean)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
