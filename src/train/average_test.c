// Averaged weights and plateaus in the fit loop, and that a run with any state goes on where it was
// stopped, with the bits of a run that nobody stopped.
#define _GNU_SOURCE
#include "../../test/net.h"
#include "../../test/toy.h"

#include <unistd.h>

enum { SAMPLES = 50, BATCH = 16, EPOCHS = 6, STEPS = 4 };

typedef struct run {
  hd_store *store;
  toy net;
  hd_fit_result result;
  hd_status status;
  int64_t stop_at;
  double lr[EPOCHS], loss[EPOCHS];
} run;

static bool on_step(void *user, const hd_progress *p) {
  return p->global_step != ((run *)user)->stop_at;
}
static bool on_epoch(void *user, const hd_progress *p) {
  run *r = user;
  r->lr[p->epoch - 1] = p->lr;
  r->loss[p->epoch - 1] = p->valid.loss;
  return true;
}

static void fit_on(run *r, hd_fit_options o, const char *folder, bool resume, int64_t stop_at) {
  toy_images images = {.side = 8}, others = {.side = 8, .first = 5000};
  hd_data data = toy_data(&images, SAMPLES), valid = toy_data(&others, 30);
  hd_error err = {0};
  r->stop_at = stop_at;
  o.batch = BATCH;
  o.epochs = EPOCHS;
  o.valid = &valid;
  o.accuracy = r->net.accuracy;
  o.user = r;
  o.on_step = on_step;
  o.on_epoch = on_epoch;
  o.checkpoints = folder;
  o.resume = resume;
  o.result = &r->result;
  r->status = (hd_fit)(r->store, r->net.loss, &data, &err, o);
  if (r->status && r->status != HD_E_STOPPED) fail_msg("%s", err.text);
}
static run fit(hd_fit_options o, int threads, const char *folder, bool resume, int64_t stop_at) {
  hd_env env = {.threads = threads};
  run r = {.store = hd_store_new(&env), .net = toy_small(&env)};
  fit_on(&r, o, folder, resume, stop_at);
  return r;
}
static void end(run *r) {
  hd_store_free(r->store);
  hd_graph_free(r->net.graph);
}
static hd_metrics judged(run *r) {
  toy_images others = {.side = 8, .first = 5000};
  hd_data valid = toy_data(&others, 30);
  hd_metrics m;
  assert_int_equal(hd_evaluate(r->store, r->net.loss, r->net.accuracy, &valid, BATCH, &m, NULL),
                   HD_OK);
  return m;
}

#define DROPS \
  { .kind = HD_SCHEDULE_PLATEAU, .factor = 0.5f, .patience = 1 }
static const struct {
  const char *name;
  hd_fit_options o;
} settings[] = {
    {"sgd", {.clip_norm = 1, .ema = 0.9f}},
    {"rmsprop", {.accumulate = 3, .max_norm = 1, .swa = 2}},
    {"adagrad", {.clip_value = 0.01f, .l1 = 0.001f, .schedule = {.kind = HD_SCHEDULE_ONE_CYCLE}}},
    {"adadelta", {.ema = 0.9f, .restore_best = true}},
    {"adam", {.min_delta = 0.2f, .schedule = DROPS}},
    {"adamax", {.swa = 1, .restore_best = true, .min_delta = 0.2f, .schedule = DROPS}},
    {"nadam", {.shards = 2, .clip_norm = 0.5f, .ema = 0.5f, .accumulate = 2}},
    {"radam", {.schedule = {.kind = HD_SCHEDULE_RESTARTS, .every = 2}}},
    {"lion", {.accumulate = 5}},
    {"lamb", {.shards = 4, .swa = 4}},
    {"rprop", {.ema = 0.99f}},
    {"sgld", {.shards = 2, .accumulate = 2}}};

static hd_fit_options setting(size_t i) {
  double none[12] = {0};  // every default
  hd_fit_options o = settings[i].o;
  o.optimizer = hd_optimizer_of(hd_optimizer_find(settings[i].name), none);
  return o;
}

static void a_stopped_run_goes_on(void **state) {
  (void)state;
  for (size_t i = 0; i < HD_COUNT(settings); i++) {
    char folder[64], path[100];
    assert_true(toy_folder(folder, sizeof folder, "resume"));
    run whole = fit(setting(i), 1, NULL, false, 0);
    int64_t steps = whole.result.steps;
    run first = fit(setting(i), 1, folder, false, 1 + (int64_t)(i * 5) % (steps - 2));
    assert_int_equal(first.status, HD_E_STOPPED);
    run second = fit(setting(i), 1, folder, true, steps - 1);
    assert_int_equal(second.status, HD_E_STOPPED);
    run last = fit(setting(i), 1, folder, true, 0);
    assert_int_equal(last.status, HD_OK);
    if (!toy_same_store(whole.store, last.store)) print_error("%s:\n", settings[i].name);
    net_same_bits(whole.store, last.store);
    run again = fit(setting(i), 1, folder, true, 0);  // nothing is left to do
    net_same_bits(whole.store, again.store);
    end(&whole), end(&first), end(&second), end(&last), end(&again);
    for (int k = 0; k < 2; k++) {
      hd_print(path, sizeof path, "%s/checkpoint-%d.safetensors", folder, k);
      unlink(path);
    }
    assert_int_equal(rmdir(folder), 0);
  }
}

static void bits_do_not_depend_on_threads(void **state) {
  (void)state;
  for (size_t i = 0; i < HD_COUNT(settings); i++) {
    run one = fit(setting(i), 1, NULL, false, 0), three = fit(setting(i), 3, NULL, false, 0);
    hd_fit_options o = setting(i);
    o.no_fusion = true;
    run apart = fit(o, 1, NULL, false, 0);
    if (!toy_same_store(one.store, three.store) || !toy_same_store(one.store, apart.store))
      print_error("%s:\n", settings[i].name);
    net_same_bits(one.store, three.store);
    net_same_bits(one.store, apart.store);
    end(&one), end(&three), end(&apart);
  }
}

// What is validated, kept as the best and left at the end is the average; the weights that were
// trained are beside it.
static void averages_are_the_model(void **state) {
  (void)state;
  for (int k = 0; k < 4; k++) {
    hd_fit_options o = {.optimizer = hd_sgd(.lr = 0.5f, .momentum = 0.9f), .restore_best = k / 2};
    run raw = fit(o, 1, NULL, false, 0);
    if (k % 2) o.swa = 3;
    else o.ema = 0.95f;
    run r = fit(o, 1, NULL, false, 0);
    const char *weight = "dense_1/weight";
    float trained = *(float *)hd_store_find(raw.store, weight)->data,
          kept = *(float *)hd_store_find(r.store, weight)->data;
    float beside = *(float *)hd_store_find(r.store, "sgd_1/dense_1/weight/average")->data;
    assert_true(judged(&r).loss == (o.restore_best ? r.result.best.loss : r.result.valid.loss));
    assert_true(kept != trained);
    if (!o.restore_best) assert_true(beside == trained);  // averaging does not change the training
    assert_true(r.result.train.loss == raw.result.train.loss &&
                r.result.valid.loss != raw.result.valid.loss);
    end(&raw), end(&r);
  }
}

static void a_plateau_lowers_the_rate(void **state) {
  (void)state;
  int drops = 0, improvements = 0;
  for (int k = 0; k < 2; k++) {
    hd_fit_options o = {
        .optimizer = hd_adam(.lr = 0.03f),
        .min_delta = k ? 1 : 0.04f,
        .schedule = {.kind = HD_SCHEDULE_PLATEAU, .factor = 0.5f, .patience = 2, .floor = 0.3f}};
    run r = fit(o, 1, NULL, false, 0);
    double best = INFINITY, lr = 0.03f;
    for (int e = 0, wait = 0; e < EPOCHS; e++) {
      assert_float_equal(r.lr[e], lr, 1e-9);
      if (r.loss[e] < best - (double)o.min_delta) best = r.loss[e], wait = 0, improvements++;
      else if (++wait == 2) lr = fmax(lr / 2, 0.009), wait = 0, drops++;
    }
    assert_float_equal(*(float *)hd_store_find(r.store, "adam_1/lr")->data, lr, 1e-9);
    fit_on(&r, o, NULL, false, 0);  // a second run starts afresh
    const double *seen = hd_store_find(r.store, "plateau")->data;
    assert_true(seen[2] == EPOCHS && r.lr[0] == 0.03f);
    end(&r);
  }
  assert_true(drops >= 2 && improvements >= 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_stopped_run_goes_on), cmocka_unit_test(bits_do_not_depend_on_threads),
      cmocka_unit_test(averages_are_the_model), cmocka_unit_test(a_plateau_lowers_the_rate)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
