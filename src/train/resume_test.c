// A run that was stopped anywhere and resumed ends with the bits of one that was not.
#define _GNU_SOURCE
#include "../../test/net.h"

#include <stdio.h>
#include <unistd.h>

enum {
  SAMPLES = 27,
  BATCH = 8,
  EPOCHS = 4,
  STEPS = 4
};  // steps of an epoch; the last has three samples

static char folder[64];

static void clear(void) {
  char path[128];
  for (int i = 0; i < 8; i++) {
    snprintf(path, sizeof path, "%s/checkpoint-%d.safetensors", folder, i);
    remove(path);
  }
  remove(folder);
}

static hd_val noisy(
    hd_graph *g) {  // everything that has state: running moments, random masks, Adam
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, 5));
  hd_val t = hd_input(g, "t", HD_I32, HD_SHAPE(HD_BATCH));
  hd_val h = hd_dropout(hd_relu(hd_batch_norm(hd_dense(x, .units = 12))), .rate = 0.3f);
  return hd_cross_entropy(hd_dense(h, .units = 2), t);
}

typedef struct {
  int64_t stop_at, steps;
  double loss[64];
} record;
static bool note(void *user, const hd_progress *p) {
  record *r = user;
  r->loss[p->global_step] = p->loss;
  r->steps++;
  return p->global_step != r->stop_at;
}

// One process's life: graph and store are new each time.
static hd_status live(record *r, hd_fit_options o, hd_store **to, hd_error *err) {
  hd_graph *g = hd_graph_new(NULL);
  hd_tensor t[2] = {hd_tensor_new(NULL, HD_F32, HD_SHAPE(SAMPLES, 5), NULL),
                    hd_tensor_new(NULL, HD_I32, HD_SHAPE(SAMPLES), NULL)};
  for (uint64_t i = 0; i < 2; i++) net_fill_at(t[i].data, (hd_type){t[i].dtype, t[i].shape}, i + 7);
  hd_data all;
  assert_int_equal(hd_data_from_tensors(NULL, (const char *const[]){"x", "t"}, t, 2, &all, err),
                   HD_OK);
  *to = hd_store_new(NULL);
  hd_store_seed(*to, 11);
  o.optimizer = hd_adam(.lr = 0.02f);
  o.schedule = (hd_schedule){.kind = HD_SCHEDULE_COSINE, .warmup = 1};
  o.batch = BATCH;
  o.epochs = EPOCHS;
  o.valid = &all;
  o.restore_best = true;  // with so coarse a measure the best epoch is not the last
  o.min_delta = 0.04f;
  o.user = r;
  o.on_step = note;
  hd_status status = (hd_fit)(*to, noisy(g), &all, err, o);
  hd_data_free(&all);
  hd_graph_free(g);
  return status;
}

static void stopped_at_every_step(void **state) {
  (void)state;
  hd_store *whole, *part;
  hd_error err = {0};
  hd_fit_result once, again;
  record r = {0};
  if (live(&r, (hd_fit_options){.result = &once}, &whole, &err)) fail_msg("%s", err.text);
  assert_int_equal(r.steps, EPOCHS * STEPS);
  assert_true(once.best_epoch > 0 && once.best_epoch < EPOCHS);
  for (int64_t stop = 1; stop <= EPOCHS * STEPS; stop++) {
    clear();
    record s = {.stop_at = stop};
    hd_fit_options o = {.checkpoints = folder, .resume = true, .result = &again};
    assert_int_equal(live(&s, o, &part, &err), HD_E_STOPPED);
    assert_int_equal(s.steps, stop);
    hd_store_free(part);
    s.stop_at = 0;
    if (live(&s, o, &part, &err)) fail_msg("stopped at %d: %s", (int)stop, err.text);
    assert_int_equal(s.steps, EPOCHS * STEPS);
    for (int i = 1; i <= EPOCHS * STEPS; i++)
      if (s.loss[i] != r.loss[i])
        fail_msg("stopped at %d: the loss of step %d differs", (int)stop, i);
    net_same_bits(whole, part);
    assert_int_equal(hd_store_step(part), hd_store_step(whole));
    assert_true(again.best_epoch == once.best_epoch && again.best.loss == once.best.loss);
    hd_store_free(part);
  }
  clear();
  hd_store_free(whole);
}

// Killed in the middle: what counts is the newest checkpoint, by steps or by epoch.
static void killed_between_checkpoints(void **state) {
  (void)state;
  hd_store *whole, *part;
  hd_error err = {0};
  record r = {0};
  if (live(&r, (hd_fit_options){0}, &whole, &err)) fail_msg("%s", err.text);
  for (int damage = 0; damage < 2; damage++) {
    char path[128];
    clear();
    record s = {.stop_at = 11};
    hd_fit_options o = {.checkpoints = folder, .resume = true, .checkpoint_steps = 2, .keep = 3};
    assert_int_equal(live(&s, o, &part, &err),
                     HD_E_STOPPED);  // its last save is as if it never was
    hd_store_free(part);
    // Saves: steps 2, 4, 6, 8, 10, and the stop at 11: number 6, in place 0 of 3.
    for (int i = 0; i < 1 + damage; i++) {
      snprintf(path, sizeof path, "%s/checkpoint-%d.safetensors", folder, i ? 2 : 0);
      assert_int_equal(i ? truncate(path, 900) : remove(path), 0);
    }
    s = (record){0};
    if (live(&s, o, &part, &err)) fail_msg("%s", err.text);
    assert_int_equal(s.steps, EPOCHS * STEPS - (damage ? 8 : 10));
    net_same_bits(whole, part);
    hd_store_free(part);
    s = (record){0};
    if (live(&s, o, &part, &err)) fail_msg("%s", err.text);  // nothing is left to do
    assert_int_equal(s.steps, 0);
    net_same_bits(whole, part);
    hd_store_free(part);
  }
  clear();
  hd_store_free(whole);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(stopped_at_every_step),
                                     cmocka_unit_test(killed_between_checkpoints)};
  const char *root = getenv("TMPDIR");
  snprintf(folder, sizeof folder, "%.40s/hadal-resume-%d", root && *root ? root : "/tmp",
           (int)getpid());
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  clear();
  return failed;
}
