// Every call of the I/O layer fails in a training run with checkpoints, once and for ever: the disk
// is full, it is broken, calls are interrupted, reads and writes are short. The error names the
// path and the reason, the newest finished checkpoint is kept, and from it the run ends in the same
// bytes.
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <unistd.h>

#include "faults.h"
#include "toy.h"

enum { SAMPLES = 80, BATCH = 32, EPOCHS = 2, KEEP = 2, BREAK = 2 };

typedef struct watch {
  faults f;
  int64_t renames, stop_at, first_step;
  bool swallow;  // the planted defect: a failing write is not reported
} watch;

static struct { char folder[64], model[96], reference[96], checkpoints[96]; } all;

// ---- The layer: counts renames, syncs nothing ---------------------------------------------------
static int count_rename(void *user, const char *from, const char *to) {
  watch *w = user;
  int code = faults_rename(user, from, to);
  if (code >= 0 && strstr(to, "checkpoint-")) w->renames++;
  return code;
}
static int64_t swallow_write(void *user, int handle, const void *from, size_t bytes) {
  int64_t put = faults_write(user, handle, from, bytes);
  return put < 0 && ((watch *)user)->swallow ? (int64_t)bytes : put;
}
// A failure is given like any other; success costs no time, since no power is lost here.
static int quick_sync(void *user, int handle) { return (void)handle, faults_io(user); }
static int quick_sync_dir(void *user, const char *path) { return (void)path, faults_io(user); }

static hd_env watch_env(watch *w) {
  *w = (watch){0};
  hd_env env = faults_env(&w->f);
  w->f.io.rename = count_rename;
  w->f.io.write = swallow_write;
  w->f.io.sync = quick_sync;
  w->f.io.sync_dir = quick_sync_dir;
  env.threads = 1;
  return env;
}

// ---- The run ------------------------------------------------------------------------------------
static bool on_step(void *user, const hd_progress *p) {
  watch *w = user;
  if (!w->first_step) w->first_step = p->global_step;
  return p->global_step != w->stop_at;
}

static hd_status train(const hd_env *env, bool resume, hd_error *err) {
  watch *w = env->user;
  toy_images image = {.side = 8};
  hd_data data = toy_data(&image, SAMPLES);
  toy n = toy_small(env);
  hd_store *store = hd_store_new(env);
  hd_status status = hd_fit(store, n.loss, &data, err, .batch = BATCH, .epochs = EPOCHS,
                            .checkpoints = all.checkpoints, .keep = KEEP, .checkpoint_steps = 2,
                            .resume = resume, .user = w, .on_step = on_step);
  if (!status) status = hd_save(store, all.model, err);
  hd_store_free(store);
  hd_graph_free(n.graph);
  return status;
}

static int count_temporary(const char *folder) {
  DIR *dir = opendir(folder);
  int count = 0;
  for (struct dirent *e; dir && (e = readdir(dir));) count += strstr(e->d_name, ".tmp") != NULL;
  if (dir) closedir(dir);
  return count;
}

static void clear(void) {
  char path[160];
  for (int i = 0; i < 2 * KEEP; i++) {
    hd_print(path, sizeof path, "%s/checkpoint-%d.safetensors%s", all.checkpoints, i / 2,
             i % 2 ? ".tmp" : "");
    unlink(path);
  }
  rmdir(all.checkpoints);
  hd_print(path, sizeof path, "%s.tmp", all.model);
  unlink(path);
  unlink(all.model);
}

// ---- One fault ----------------------------------------------------------------------------------
typedef struct plan {
  int64_t at, piece;
  int error;
  bool forever, resumed, swallow;
} plan;

static char complaint[1300];
static const char *wrong(const char *what, const char *text) {
  hd_print(complaint, sizeof complaint, "%s: \"%s\"", what, text);
  return complaint;
}

static const char *one(const plan *p, int64_t *calls) {
  watch w;
  hd_error err = {0};
  hd_env env = watch_env(&w);
  int64_t saves = 0;
  clear();
  if (p->resumed) {  // a run that was stopped goes on, and its calls fail
    w.stop_at = BREAK;
    if (train(&env, false, &err) != HD_E_STOPPED) return wrong("not stopped", err.text);
    saves = w.renames;
    env = watch_env(&w);
  }
  w.f.io_at = p->at, w.f.forever = p->forever, w.f.error = p->error, w.f.piece = p->piece,
  w.swallow = p->swallow;
  err = (hd_error){0};
  hd_status status = train(&env, p->resumed, &err);
  *calls = w.f.ios;
  if (!faults_clean(&w.f)) return wrong("a block or a handle is left open", err.text);
  if (p->resumed && w.first_step == 1) return "a resumed run started afresh";
  if (status) {
    char reason[128];
    if (!w.f.fired) return wrong("failed without a fault", err.text);
    if (status != HD_E_IO) return wrong(hd_status_text(status), err.text);
    if (!strstr(err.text, all.folder)) return wrong("the message does not name the path", err.text);
    if (!strstr(err.text, hd_errno_text(p->error, reason, sizeof reason)))
      return wrong("the message does not give the reason", err.text);
    if (!p->forever && (count_temporary(all.checkpoints) || count_temporary(all.folder)))
      return wrong("a temporary file is left", err.text);
  }
  saves += w.renames;
  watch quiet;
  env = watch_env(&quiet);
  hd_counters c = {0};
  hd_store *store = hd_store_new(&env);
  hd_status loaded = hd_checkpoint_load(store, all.checkpoints, &c, &err);
  hd_store_free(store);
  if (saves && (loaded || c.saves != saves))
    return wrong("the newest checkpoint does not open", loaded ? err.text : "an older one did");
  if (status && train(&env, true, &err)) return wrong("no resume", err.text);
  if (!faults_clean(&quiet.f)) return "the resumed run leaks";
  if (!toy_same_file(all.model, all.reference))
    return "the model has other bytes than the reference";
  if (status && (count_temporary(all.checkpoints) || count_temporary(all.folder)))
    return "a temporary file is left after the next run";
  return NULL;
}

static int64_t runs;
static int sweep(plan p, int64_t step) {
  int failed = 0;
  int64_t calls = 0;
  plan none = {.resumed = p.resumed};
  const char *bad = one(&none, &calls);
  if (bad) return print_error("without a fault: %s\n", bad), 1;
  for (p.at = 1 + p.forever * step / 2; p.at <= calls; p.at += step) {
    int64_t made;
    bad = one(&p, &made);
    runs++;
    if (bad && failed++ < 10)
      print_error("call %d of %d%s%s, %s: %s\n", (int)p.at, (int)calls,
                  p.forever ? " and all after" : "", p.resumed ? " of a resumed run" : "",
                  strerror(p.error), bad);
  }
  return failed;
}

static void every_call(void **state) {
  (void)state;
  static const int errors[] = {ENOSPC, EIO, EINTR, EACCES, EMFILE};
  int failed = 0;
  runs = 0;
  int64_t step = toy_slow() ? 1 : TOY_SANITIZED ? 19 : 7;
  for (size_t e = 0; e < HD_COUNT(errors); e++)
    for (int kind = 0; kind < 4; kind++)
      failed += sweep((plan){.error = errors[e], .forever = kind & 1, .resumed = kind & 2}, step);
  printf("%d runs\n", (int)runs);
  assert_int_equal(failed, 0);
}

static void short_reads_and_writes(void **state) {
  (void)state;
  for (int64_t piece = 7; piece < 5000; piece *= 23) {
    plan p = {.piece = piece, .resumed = piece > 100};
    int64_t calls;
    const char *bad = one(&p, &calls);
    assert_string_equal(bad ? bad : "", "");
  }
}

// A write that fails and does not say so: the newest checkpoint is damaged.
static void planted_defect_is_caught(void **state) {
  (void)state;
  int caught = 0;
  int64_t calls = 0;
  plan p = {.error = ENOSPC, .swallow = true};
  one(&p, &calls);
  for (p.at = calls > 90 ? calls - 90 : 1; p.at <= calls; p.at += 4) {
    int64_t made;
    caught += one(&p, &made) != NULL;
  }
  assert_true(caught > 0);
}

static int make_folder(void **state) {
  (void)state;
  if (!toy_folder(all.folder, sizeof all.folder, "io")) return -1;
  hd_print(all.model, sizeof all.model, "%s/model", all.folder);
  hd_print(all.reference, sizeof all.reference, "%s/reference", all.folder);
  hd_print(all.checkpoints, sizeof all.checkpoints, "%s/checkpoints", all.folder);
  hd_error err = {0};
  watch w;
  hd_env env = watch_env(&w);
  if (train(&env, false, &err)) return print_error("%s\n", err.text), -1;
  return rename(all.model, all.reference);
}

static int remove_folder(void **state) {
  (void)state;
  clear();
  unlink(all.reference);
  return rmdir(all.folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_call),
                                     cmocka_unit_test(short_reads_and_writes),
                                     cmocka_unit_test(planted_defect_is_caught)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
