// Batch norm's statistics made anew: what they are, what they leave alone, and that averaged
// weights get their own.
#define _GNU_SOURCE
#include "../../test/net.h"
#include "../../test/toy.h"

enum { SAMPLES = 50, BATCH = 16, PIXELS = 64 };

typedef struct model {
  hd_graph *g;
  hd_store *store;
  hd_val y, loss;
} model;

// Two batch norms, the second on what the first and a dropout make.
static model model_new(int threads) {
  model m = {.g = hd_graph_new(NULL), .store = hd_store_new(&(hd_env){.threads = threads})};
  hd_val x = hd_input(m.g, "image", HD_U8, HD_SHAPE(HD_BATCH, 8, 8, 1)),
         label = hd_input(m.g, "label", HD_I32, HD_SHAPE(HD_BATCH));
  hd_val h = hd_batch_norm(hd_flatten(hd_cast(x, HD_F32)));
  h = hd_dropout(hd_relu(hd_dense(h, .units = 20)), .rate = 0.2f);
  m.y = hd_dense(hd_batch_norm(h), .units = 10);
  m.loss = hd_cross_entropy(m.y, label);
  assert_string_equal(hd_graph_error(m.g), "");
  return m;
}
static void model_free(model *m) {
  hd_store_free(m->store);
  hd_graph_free(m->g);
}

static float *of(const model *m, const char *name) {
  const hd_parameter *p = hd_store_find(m->store, name);
  if (!p) fail_msg("no %s", name);
  return p->data;
}

static void update(const model *m, int batch) {
  toy_images images = {.side = 8};
  hd_data data = toy_data(&images, SAMPLES);
  hd_error err = {0};
  if (hd_update_statistics(m->store, m->y, &data, batch, &err)) fail_msg("%s", err.text);
}

static void means_over_batches(void **state) {
  (void)state;
  toy_images images = {.side = 8};
  hd_data data = toy_data(&images, SAMPLES);
  static uint8_t pixel[SAMPLES * PIXELS];
  int64_t index[SAMPLES];
  for (int i = 0; i < SAMPLES; i++) index[i] = i;
  assert_int_equal(data.read(data.user, 0, index, SAMPLES, pixel, NULL), HD_OK);
  model m = model_new(1), fresh = model_new(1);
  model *both[] = {&m, &fresh};
  for (int i = 0; i < 2; i++)  // all parameters are there
    hd_plan_free(hd_compile(both[i]->store, NULL, .fetch = {both[i]->y}, .batch = 1));
  update(&m, BATCH);
  for (int c = 0; c < PIXELS; c++) {
    double mean = 0, variance = 0;
    for (int at = 0; at < SAMPLES; at += BATCH) {
      int n = SAMPLES - at < BATCH ? SAMPLES - at : BATCH;
      double sum = 0, square = 0;
      for (int i = at; i < at + n; i++) sum += pixel[i * PIXELS + c];
      for (int i = at; i < at + n; i++) square += pow(pixel[i * PIXELS + c] - sum / n, 2);
      mean += sum / SAMPLES;
      variance += square / SAMPLES;
    }
    assert_float_equal(of(&m, "batch_norm_1/mean")[c], mean, 1e-3);
    assert_float_equal(of(&m, "batch_norm_1/variance")[c] / (float)variance, 1, 1e-5);
  }
  // Of weights, nothing has changed; of the step neither.
  for (int i = 0; i < hd_store_count(fresh.store); i++) {
    const hd_parameter *p = hd_store_at(fresh.store, i);
    bool same = !memcmp(p->data, of(&m, p->name), hd_shape_count(p->type.shape) * sizeof(float));
    assert_int_equal(same, p->role != HD_STATISTIC);
  }
  assert_true(hd_store_step(m.store) == 0);
  for (int threads = 2; threads <= 3; threads++) {
    model other = model_new(threads);
    update(&other, BATCH);
    for (int i = 0; i < hd_store_count(other.store); i++) {
      const hd_parameter *p = hd_store_at(other.store, i);
      assert_memory_equal(p->data, of(&m, p->name), hd_shape_count(p->type.shape) * sizeof(float));
    }
    model_free(&other);
  }
  update(&m, BATCH);  // again: what was there does not matter
  update(&fresh, BATCH);
  net_same_bits(m.store, fresh.store);
  model_free(&fresh);
  model_free(&m);
  hd_error err = {0};
  m = model_new(1);
  assert_true(hd_update_statistics(m.store, m.y, NULL, BATCH, &err) && strstr(err.text, "samples"));
  hd_graph *g = hd_graph_new(NULL);  // without statistics there is nothing to do
  hd_val x = hd_input(g, "label", HD_I32, HD_SHAPE(HD_BATCH));
  assert_int_equal(hd_update_statistics(m.store, hd_cast(x, HD_F32), &data, BATCH, NULL), HD_OK);
  hd_graph_free(g);
  model_free(&m);
}

// After a training that averages, the statistics are those of the averaged weights: making them
// anew changes no bit. Without averages it does.
static void averaged_weights_have_their_own(void **state) {
  (void)state;
  static const char *const name[] = {"batch_norm_1/mean", "batch_norm_2/mean",
                                     "batch_norm_2/variance"};
  for (int k = 0; k < 5; k++) {
    toy_images images = {.side = 8}, others = {.side = 8, .first = 5000};
    hd_data data = toy_data(&images, SAMPLES), valid = toy_data(&others, 30);
    model m = model_new(1);
    hd_fit_result result;
    hd_error err = {0};
    hd_fit_options o = {.optimizer = hd_sgd(.lr = 0.3f, .momentum = 0.9f),
                        .batch = BATCH,
                        .epochs = 5,
                        .valid = &valid,
                        .result = &result,
                        .ema = k == 1 || k == 4 ? 0.9f : 0,
                        .swa = k == 2 || k == 3 ? 3 : 0,
                        .restore_best = k == 3,
                        .shards = k == 4 ? 2 : 0};
    if ((hd_fit)(m.store, m.loss, &data, &err, o)) fail_msg("%s", err.text);
    float before[3];
    for (int i = 0; i < 3; i++) before[i] = of(&m, name[i])[3];
    hd_metrics metrics;
    assert_int_equal(hd_evaluate(m.store, m.loss, (hd_val){0}, &valid, BATCH, &metrics, NULL),
                     HD_OK);
    assert_true(metrics.loss == (k == 3 ? result.best.loss : result.valid.loss));
    update(&m, k == 4 ? BATCH / 2 : BATCH);
    int same = 0;
    for (int i = 0; i < 3; i++) same += before[i] == of(&m, name[i])[3];
    assert_int_equal(same, k ? 3 : 0);
    model_free(&m);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(means_over_batches),
                                     cmocka_unit_test(averaged_weights_have_their_own)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
