// The loader: every batch as one thread would have made it, in every order of events; and training
// on augmented data, whose bits do not depend on threads, shards or being stopped.
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <time.h>

#include "../../test/faults.h"
#include "../../test/toy.h"
#include "loader.h"

enum { SAMPLES = 53, BATCH = 8, STEPS = 7, VALUES = 5 };

typedef struct maker {
  int64_t fail;     // in epoch 0 this sample and those after it fail; -1: none
  bool slow;        // some samples take a millisecond
  int64_t running;  // right now
  int64_t most;
} maker;

static int64_t value(const hd_draw *at, int i) {
  return (int64_t)at->seed * 1000000 + at->epoch * 10000 + at->sample * 10 + i;
}

static hd_status make(void *user, const hd_draw *at, void *const *to, void *scratch,
                      hd_error *err) {
  maker *m = user;
  int64_t now = __atomic_add_fetch(&m->running, 1, __ATOMIC_SEQ_CST), *own = scratch;
  if (now > __atomic_load_n(&m->most, __ATOMIC_RELAXED))
    __atomic_store_n(&m->most, now, __ATOMIC_RELAXED);
  for (int i = 0; i < VALUES; i++) own[i] = value(at, i);  // two threads in one would show
  if (m->slow && at->sample % 5 == 0) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  if (to[0]) memcpy(to[0], own, VALUES * sizeof *own);
  if (to[1]) *(int32_t *)to[1] = (int32_t)at->sample;
  __atomic_sub_fetch(&m->running, 1, __ATOMIC_SEQ_CST);
  if (m->fail < 0 || at->epoch || at->sample < m->fail) return HD_OK;
  return hd_fail(err, HD_E_FORMAT, "sample %d", (int)at->sample);
}

static hd_data source(maker *m) {
  return (hd_data){.user = m,
                   .samples = SAMPLES,
                   .columns = 2,
                   .column = {{"x", {HD_I64, HD_SHAPE(VALUES)}}, {"label", {HD_I32, {0}}}},
                   .draw = make,
                   .draw_bytes = VALUES * sizeof(int64_t)};
}

static void order_of(int64_t *order, int64_t epoch) {
  for (int64_t i = 0; i < SAMPLES; i++) order[i] = (i * 20 + epoch * 7) % SAMPLES;
}

static hd_loader *open_one(const hd_env *env, const hd_data *d, int64_t first, int64_t rows) {
  hd_loader_plan p = {d, 3, BATCH, first, rows, {true, true}};
  hd_loader *l;
  assert_int_equal(hd_loader_open(env, &p, &l, NULL), HD_OK);
  return l;
}

static void batches_are_right(void **state) {
  (void)state;
  for (int threads = 1; threads <= 9; threads += threads) {
    maker m = {.fail = -1, .slow = true};
    hd_memory memory = {0};
    hd_env env = {.threads = threads, .memory = &memory};
    hd_data d = source(&m);
    int64_t order[SAMPLES], x[BATCH][VALUES];
    int32_t label[BATCH];
    hd_loader *l = open_one(&env, &d, 0, BATCH);
    int64_t calls = memory.calls;
    for (int64_t epoch = 0; epoch < 3; epoch++) {
      order_of(order, epoch);
      hd_loader_begin(l, order, SAMPLES, STEPS, epoch, epoch);  // later ones are resumed
      for (int64_t step = epoch; step < STEPS; step++) {
        assert_int_equal(hd_loader_next(l, NULL), HD_OK);
        int64_t rows = HD_MIN(BATCH, SAMPLES - step * BATCH);
        hd_loader_copy(l, 0, 0, rows, x);
        hd_loader_copy(l, 1, 0, rows, label);
        for (int64_t r = 0; r < rows; r++) {
          hd_draw at = {3, epoch, order[step * BATCH + r]};
          assert_int_equal(label[r], at.sample);
          for (int i = 0; i < VALUES; i++) assert_int_equal(x[r][i], value(&at, i));
        }
      }
    }
    assert_int_equal(memory.calls, calls);
    assert_true(threads == 1 ? m.most == 1 : m.most > 1 && m.most <= threads);
    hd_loader_free(l);
    assert_int_equal(memory.bytes, 0);
  }
}

static void parts_of_batches(void **state) {
  (void)state;
  maker m = {.fail = -1};
  hd_env env = {.threads = 3};
  hd_data d = source(&m);
  int64_t order[SAMPLES];
  int32_t label[4];
  order_of(order, 0);
  hd_loader *l = open_one(&env, &d, 4, 4);
  hd_loader_begin(l, order, SAMPLES, SAMPLES / BATCH, 0, 0);
  for (int64_t step = 0; step < SAMPLES / BATCH; step++) {
    assert_int_equal(hd_loader_next(l, NULL), HD_OK);
    hd_loader_copy(l, 1, 1, 3, label);
    for (int i = 0; i < 3; i++) assert_int_equal(label[i], order[step * BATCH + 5 + i]);
  }
  hd_loader_free(l);
}

static void failures_are_told_by_the_first_row(void **state) {
  (void)state;
  for (int threads = 1; threads < 5; threads++) {
    maker m = {.fail = 5, .slow = true};
    hd_env env = {.threads = threads};
    hd_data d = source(&m);
    int64_t order[SAMPLES];
    for (int64_t i = 0; i < SAMPLES; i++) order[i] = i;
    hd_loader *l = open_one(&env, &d, 0, BATCH);
    hd_error err = {0};
    hd_loader_begin(l, order, SAMPLES, STEPS, 0, 0);
    assert_int_equal(hd_loader_next(l, &err), HD_E_FORMAT);
    assert_string_equal(err.text, "sample 5");
    hd_loader_begin(l, order, SAMPLES, STEPS, 1, 3);  // given up in the middle, begun again
    assert_int_equal(hd_loader_next(l, &err), HD_OK);
    hd_loader_free(l);
  }
}

static const char *once(const hd_env *env, void *arg) {
  hd_loader_plan p = {arg, 3, BATCH, 0, BATCH, {true, true}};
  hd_loader *l;
  hd_env two = *env;
  two.threads = 2;
  if (hd_loader_open(&two, &p, &l, NULL)) return l ? "status and loader differ" : NULL;
  hd_loader_free(l);
  return NULL;
}

static void failing_memory_is_clean(void **state) {
  (void)state;
  maker m = {.fail = -1};
  hd_data d = source(&m);
  const char *wrong = faults_each(once, &d, EIO, NULL);
  if (wrong) fail_msg("%s", wrong);
}

// ---- Training -----------------------------------------------------------------------------------

typedef struct setting {
  int threads, shards;
  bool mix, stop;
} setting;

static bool stop_at(void *user, const hd_progress *p) { return (void)user, p->global_step != 5; }

// A store trained on augmented toys; the caller frees it.
static hd_store *train(setting s, const char *folder, double *loss) {
  hd_env env = {.threads = s.threads};
  hd_error err = {0};
  toy_images image = {.side = 8};
  hd_data plain = toy_data(&image, 90), d;
  if (hd_data_augment(NULL, &plain, &d, &err, .rotate = 15, .crop = 1, .noise = 0.05f,
                      .elastic = {.alpha = 4, .sigma = 2}, .mixup = s.mix ? 0.3f : 0))
    fail_msg("%s", err.text);
  hd_store *store = NULL;
  hd_fit_result result;
  for (int part = 0; part < (s.stop ? 2 : 1); part++) {
    toy n = toy_small(&env);
    hd_val to = n.loss;
    if (s.mix)
      to = hd_cross_entropy(n.logits, hd_input(n.graph, "mix", HD_F32, HD_SHAPE(HD_BATCH, 10)));
    hd_store_free(store);
    store = hd_store_new(&env);
    bool first = s.stop && part == 0;
    hd_status status = hd_fit(store, to, &d, &err, .batch = 16, .epochs = 3, .shards = s.shards,
                              .result = &result, .on_step = first ? stop_at : NULL,
                              .checkpoints = s.stop ? folder : NULL, .resume = s.stop);
    if (status != (first ? HD_E_STOPPED : HD_OK)) fail_msg("%s", err.text);
    hd_graph_free(n.graph);
  }
  *loss = result.train.loss;
  hd_data_free(&d);
  return store;
}

static char folder[96];

static void the_same_bits(void **state) {
  (void)state;
  for (int mix = 0; mix < 2; mix++)
    for (int shards = 1; shards <= 2; shards++) {
      double loss, other;
      hd_store *one = train((setting){1, shards, mix, false}, NULL, &loss);
      for (int threads = 2; threads < 6; threads += 3) {
        hd_store *many = train((setting){threads, shards, mix, false}, NULL, &other);
        assert_true(toy_same_store(one, many) && loss == other);
        hd_store_free(many);
      }
      hd_store *resumed = train((setting){2, shards, mix, true}, folder, &other);
      assert_true(toy_same_store(one, resumed));
      hd_store_free(resumed);
      hd_store_free(one);
      for (int i = 0; i < 2; i++) {
        char path[160];
        hd_print(path, sizeof path, "%s/checkpoint-%d.safetensors", folder, i);
        remove(path);
      }
    }
}

static void augmentation_is_seen_in_training_only(void **state) {
  (void)state;
  hd_error err;
  toy_images image = {.side = 8};
  hd_data plain = toy_data(&image, 90), d;
  hd_metrics a, b;
  assert_int_equal(hd_data_augment(NULL, &plain, &d, &err, .noise = 1), HD_OK);
  toy n = toy_small(NULL);
  hd_store *store = hd_store_new(NULL);
  assert_int_equal(hd_evaluate(store, n.loss, n.accuracy, &plain, 16, &a, &err), HD_OK);
  assert_int_equal(hd_evaluate(store, n.loss, n.accuracy, &d, 16, &b, &err), HD_OK);
  assert_memory_equal(&a, &b, sizeof a);
  hd_fit_result with, without;
  assert_int_equal(hd_fit(store, n.loss, &d, &err, .epochs = 1, .result = &with), HD_OK);
  hd_store_free(store);
  hd_graph_free(n.graph);
  n = toy_small(NULL);
  store = hd_store_new(NULL);
  assert_int_equal(hd_fit(store, n.loss, &plain, &err, .epochs = 1, .result = &without), HD_OK);
  assert_true(with.train.loss != without.train.loss);
  hd_store_free(store);
  hd_graph_free(n.graph);
  hd_data_free(&d);
}

static int make_folder(void **state) {
  (void)state;
  return toy_folder(folder, sizeof folder, "loader") ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  return remove(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(batches_are_right),
                                     cmocka_unit_test(parts_of_batches),
                                     cmocka_unit_test(failures_are_told_by_the_first_row),
                                     cmocka_unit_test(failing_memory_is_clean),
                                     cmocka_unit_test(the_same_bits),
                                     cmocka_unit_test(augmentation_is_seen_in_training_only)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
