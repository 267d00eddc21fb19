// Every allocation of a training run fails, once and for ever: building, compiling, training with
// validation and checkpoints, saving, loading, predicting. Each failure is an error that speaks of
// memory, leaks nothing, and what failed can be done again, to the bit.
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <unistd.h>

#include "faults.h"
#include "../src/store/store.h"
#include "toy.h"

enum { BATCH = 32, SAMPLES = 80, VALID = 40 };  // 80 = 2 * 32 + 16: a rest at the end of an epoch

static struct {
  char folder[64], model[96], reference[96], checkpoints[96];
  float *predicted;  // of the reference run
  size_t bytes;
  int kind;         // of run
  int failures[6];  // by stage
  bool forget;      // the planted defect: a block is never given back
} all;

static char complaint[1200];
static const char *wrong(const char *stage, const char *what, const char *text) {
  hd_print(complaint, sizeof complaint, "%s: %s: \"%s\"", stage, what, text);
  return complaint;
}

// A failure must be the fault that was given, and say so. Then the fault ends.
static const char *accept(faults *f, int stage, const char *name, hd_status status,
                          const char *text) {
  if (!f->fired) return wrong(name, "failed without a fault", text);
  if (status != HD_E_MEMORY) return wrong(name, hd_status_text(status), text);
  if (!strstr(text, "memory")) return wrong(name, "the message does not speak of memory", text);
  f->alloc_at = 0;
  all.failures[stage]++;
  return NULL;
}

typedef struct scene {
  faults *f;
  hd_env env;
  toy net;
  hd_store *store, *loaded;
  hd_tensor predicted;
} scene;

static const char *build(scene *s) {
  for (int again = 0; again < 2; again++) {
    s->net = toy_small(&s->env);
    const char *text = hd_graph_error(s->net.graph);
    if (!*text) return NULL;
    hd_status status = s->net.graph ? s->net.graph->error.status : HD_E_MEMORY;
    const char *bad = accept(s->f, 0, "graph", status, text);
    hd_graph_free(s->net.graph);
    s->net = (toy){0};
    if (bad) return bad;
  }
  return "graph: failed twice";
}

static const char *open_store(scene *s, hd_store **to) {
  for (int again = 0; again < 2; again++) {
    *to = hd_store_new(&s->env);
    const char *text = hd_store_error(*to);
    if (!*text) return NULL;
    const char *bad = accept(s->f, 1, "store", *to ? (*to)->error.status : HD_E_MEMORY, text);
    hd_store_free(*to);
    *to = NULL;
    if (bad) return bad;
  }
  return "store: failed twice";
}

// Kinds of runs: from nothing; from a checkpoint; slices of batches and another optimiser.
enum { PLAIN = 0, RESUMED, SLICED, KINDS };

static bool until_third(void *user, const hd_progress *p) { return (void)user, p->global_step < 3; }

static hd_status train(scene *s, bool resume, bool stop, hd_error *err) {
  toy_images image = {.side = 8}, other = {.side = 8, .first = 1000};
  hd_data data = toy_data(&image, SAMPLES), valid = toy_data(&other, VALID);
  bool sliced = all.kind == SLICED;
  return hd_fit(s->store, s->net.loss, &data, err, .batch = BATCH, .epochs = 2,
                .accuracy = s->net.accuracy, .valid = &valid, .restore_best = true,
                .optimizer = sliced ? hd_rmsprop(.momentum = 0.5f) : hd_adam(),
                .schedule = {.kind = sliced ? HD_SCHEDULE_COSINE : HD_SCHEDULE_PLATEAU},
                .accumulate = sliced ? 0 : 2, .clip_norm = 1, .ema = 0.9f,
                .shards = sliced ? 2 : 0, .checkpoints = all.checkpoints, .checkpoint_steps = 1,
                .resume = resume, .on_step = stop ? until_third : NULL);
}

static const char *fit(scene *s) {
  for (int again = 0; again < 2; again++) {
    hd_error err = {0};
    hd_status status = train(s, again > 0 || all.kind == RESUMED, false, &err);
    if (!status) return NULL;
    const char *bad = accept(s->f, 2, "fit", status, err.text);
    if (bad) return bad;
    hd_graph_free(s->net.graph);  // its first error stays: a new one
    s->net = (toy){0};
    if ((bad = build(s))) return bad;
    if (!hd_store_step(s->store)) continue;  // nothing was done: the same store must do
    hd_store_free(s->store);
    if ((bad = open_store(s, &s->store))) return bad;
  }
  return "fit: failed twice";
}

static const char *save(scene *s) {
  for (int again = 0; again < 2; again++) {
    hd_error err = {0};
    hd_status status = hd_save(s->store, all.model, &err);
    if (!status) return NULL;
    const char *bad = accept(s->f, 3, "save", status, err.text);
    if (bad) return bad;
  }
  return "save: failed twice";
}

static const char *load(scene *s) {
  for (int again = 0; again < 2; again++) {
    hd_error err = {0};
    hd_status status = hd_load(s->loaded, all.model, &err);
    if (!status) return NULL;
    const char *bad = accept(s->f, 4, "load", status, err.text);
    if (bad) return bad;
    if (hd_store_count(s->loaded)) return "load: a failed load has changed the store";
  }
  return "load: failed twice";
}

static const char *predict(scene *s) {
  static uint8_t pixels[VALID * 64];
  static int64_t index[VALID];
  toy_images image = {.side = 8, .first = 1000};
  for (int i = 0; i < VALID; i++) index[i] = i;
  toy_read(&image, 0, index, VALID, pixels, NULL);
  hd_tensor x = {.dtype = HD_U8, .shape = HD_SHAPE(VALID, 8, 8, 1), .data = pixels};
  for (int again = 0; again < 2; again++) {
    hd_error err = {0};
    s->predicted = hd_predict(s->loaded, s->net.logits, x, &err);
    if (s->predicted.data) return NULL;
    const char *bad = accept(s->f, 5, "predict", err.status, err.text);
    hd_graph_free(s->net.graph);
    s->net = (toy){0};
    if (bad || (bad = build(s))) return bad;
  }
  return "predict: failed twice";
}

static void clear_checkpoints(void) {
  char path[160];
  for (int i = 0; i < 4; i++) {
    hd_print(path, sizeof path, "%s/checkpoint-%d.safetensors%s", all.checkpoints, i / 2,
             i % 2 ? ".tmp" : "");
    unlink(path);
  }
}

static int no_sync(void *user, int handle) { return (void)user, (void)handle, 0; }
static int no_sync_dir(void *user, const char *path) { return (void)user, (void)path, 0; }

// The checkpoint of a run that was stopped in its second epoch.
static const char *prepare(void) {
  faults f;
  scene s = {.f = &f, .env = faults_env(&f)};
  f.io.sync = no_sync;
  f.io.sync_dir = no_sync_dir;
  hd_error err = {0};
  const char *bad = build(&s);
  if (!bad) bad = open_store(&s, &s.store);
  if (!bad && train(&s, false, true, &err) != HD_E_STOPPED) bad = "the first part was not stopped";
  hd_store_free(s.store);
  hd_graph_free(s.net.graph);
  return bad;
}

static const char *whole_run(faults *f, const hd_env *env) {
  scene s = {.f = f, .env = *env};
  s.env.threads = 2;
  f->io.sync = no_sync;  // a thousand runs, and no power is lost in them
  f->io.sync_dir = no_sync_dir;
  clear_checkpoints();
  const char *bad = all.kind == RESUMED ? prepare() : NULL;
  if (!bad) bad = build(&s);
  if (!bad) bad = open_store(&s, &s.store);
  if (!bad) bad = fit(&s);
  if (!bad) bad = save(&s);
  if (!bad) bad = open_store(&s, &s.loaded);
  if (!bad) bad = load(&s);
  if (!bad) bad = predict(&s);
  size_t bytes = bad ? 0 : (size_t)hd_shape_count(s.predicted.shape) * sizeof(float);
  if (!bad && !all.predicted) {  // the reference run
    rename(all.model, all.reference);
    all.predicted = malloc(bytes);
    all.bytes = bytes;
    if (all.predicted) memcpy(all.predicted, s.predicted.data, bytes);
  } else if (!bad) {
    if (!toy_same_file(all.model, all.reference))
      bad = "the model has other bytes than the reference";
    if (bytes != all.bytes || memcmp(all.predicted, s.predicted.data, bytes))
      bad = "the prediction differs";
  }
  if (!all.forget) hd_tensor_free(&s.predicted);
  hd_store_free(s.store);
  hd_store_free(s.loaded);
  hd_graph_free(s.net.graph);
  if (!bad && !faults_clean(f)) bad = "a block or a handle is left open";
  if (all.forget) hd_tensor_free(&s.predicted);
  return bad;
}

static void sweep(int kind) {
  faults f;
  hd_env env = faults_env(&f);
  all.kind = kind;
  memset(all.failures, 0, sizeof all.failures);
  free(all.predicted);
  all.predicted = NULL;  // a new reference
  const char *bad = whole_run(&f, &env);
  assert_string_equal(bad ? bad : "", "");
  int64_t points = f.allocs, runs = 0, step = toy_slow() ? 1 : TOY_SANITIZED ? 23 : 9, failed = 0;
  for (int forever = 0; forever < 2; forever++)
    for (int64_t n = 1 + forever * step / 2; n <= points; n += step) {
      env = faults_env(&f);
      f.alloc_at = n, f.forever = forever;
      bad = whole_run(&f, &env);
      if (!bad && !f.fired) bad = "the fault was not met: runs are not alike";
      runs++;
      if (bad && failed++ < 20)
        print_error("allocation %d%s: %s\n", (int)n, forever ? " and all after it" : "", bad);
    }
  printf(
      "%d allocations, %d runs; failures met by graph %d, store %d, fit %d, save %d, load %d, "
      "predict %d\n",
      (int)points, (int)runs, all.failures[0], all.failures[1], all.failures[2], all.failures[3],
      all.failures[4], all.failures[5]);
  assert_int_equal(failed, 0);
}

static void every_allocation(void **state) {
  (void)state;
  for (int kind = 0; kind < KINDS; kind++) sweep(kind);
}

// A block that is not given back, and a message about something else, must be seen.
static void planted_defects_are_caught(void **state) {
  (void)state;
  faults f;
  hd_env env = faults_env(&f);
  all.kind = PLAIN;
  all.forget = true;
  assert_non_null(whole_run(&f, &env));
  all.forget = false;
  assert_true(faults_clean(&f));
  f.fired = 1;
  assert_non_null(accept(&f, 0, "planted", HD_E_MEMORY, "40 bytes refused"));
  assert_non_null(accept(&f, 0, "planted", HD_E_ARGUMENT, "memory is out"));
  f.fired = 0;
  assert_non_null(accept(&f, 0, "planted", HD_E_MEMORY, "memory is out"));
}

static int make_folder(void **state) {
  (void)state;
  if (!toy_folder(all.folder, sizeof all.folder, "memory")) return -1;
  hd_print(all.model, sizeof all.model, "%s/model", all.folder);
  hd_print(all.reference, sizeof all.reference, "%s/reference", all.folder);
  hd_print(all.checkpoints, sizeof all.checkpoints, "%s/checkpoints", all.folder);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  clear_checkpoints();
  rmdir(all.checkpoints);
  unlink(all.model);
  unlink(all.reference);
  free(all.predicted);
  return rmdir(all.folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation),
                                     cmocka_unit_test(planted_defects_are_caught)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
