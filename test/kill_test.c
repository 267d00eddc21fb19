// A training process is killed (SIGKILL) at random moments and started again until it ends. The
// model, and the last checkpoint, have the bytes of a run that nobody disturbed; no file that
// cannot be opened is ever seen, and the next start leaves no temporary file.
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../src/base/base.h"
#include "../src/base/file.h"
#include "toy.h"

enum { SAMPLES = 80, BATCH = 32, EPOCHS = 40, KEEP = 2, TEMPORARY_LEFT = 40 };

typedef enum defect { NONE = 0, LOST_STEP, IN_PLACE } defect;

static struct {
  char folder[64], checkpoints[96], model[96], reference[96], last[128], reference_last[96];
  double whole;  // seconds of an undisturbed run
  uint32_t random;
} all;

static double uniform(void) {
  all.random = toy_mix(all.random + 1, 17);
  return all.random / 4294967296.0;
}

static int temporary(const char *folder) {
  DIR *dir = opendir(folder);
  int count = 0;
  for (struct dirent *e; dir && (e = readdir(dir));) count += strstr(e->d_name, ".tmp") != NULL;
  if (dir) closedir(dir);
  return count;
}

// ---- The process that is killed -----------------------------------------------------------------
typedef struct child {
  hd_store *store;
  defect defect;
  int64_t die_at;  // step after which it kills itself; 0: never
  bool started;
} child;

static bool on_step(void *user, const hd_progress *p) {
  child *c = user;
  if (!c->started && temporary(all.checkpoints)) _exit(TEMPORARY_LEFT);
  if (!c->started && c->defect == LOST_STEP) hd_store_set_step(c->store, 1);
  c->started = true;
  if (p->global_step == c->die_at && c->defect != IN_PLACE) raise(SIGKILL);
  return true;
}

// The planted writer: straight into the file, and dead in the middle of the 200th write.
static int in_place_open(void *user, const char *path, bool append) {
  char text[200];
  (void)user;
  hd_print(text, sizeof text, "%s", path);
  text[strlen(text) - 4] = 0;
  return hd_env_io(NULL)->open_write(NULL, text, append);
}
static int64_t in_place_write(void *user, int handle, const void *from, size_t bytes) {
  int *left = user;
  if (--*left) return hd_env_io(NULL)->write(NULL, handle, from, bytes);
  if (hd_env_io(NULL)->write(NULL, handle, from, bytes / 2) >= 0) raise(SIGKILL);
  return -EIO;
}
static int in_place_rename(void *user, const char *from, const char *to) {
  return (void)user, (void)from, (void)to, 0;
}

static int train(defect kind, int64_t die_at) {
  int writes = 200;
  hd_io io = *hd_env_io(NULL);
  io.user = &writes;
  io.open_write = in_place_open;
  io.write = in_place_write;
  io.rename = in_place_rename;
  hd_env env = {.threads = 2, .io = kind == IN_PLACE ? &io : NULL};
  hd_error err = {0};
  toy_images image = {.side = 8};
  hd_data data = toy_data(&image, SAMPLES);
  toy n = toy_small(&env);
  child c = {.store = hd_store_new(&env), .defect = kind, .die_at = die_at};
  hd_status status =
      hd_fit(c.store, n.loss, &data, &err, .batch = BATCH, .epochs = EPOCHS, .accuracy = n.accuracy,
             .restore_best = true, .checkpoints = all.checkpoints, .keep = KEEP,
             .checkpoint_steps = 1, .resume = true, .user = &c, .on_step = on_step,
             .accumulate = 2, .clip_norm = 1, .ema = 0.9f, .min_delta = 0.01f,
             .schedule = {.kind = HD_SCHEDULE_PLATEAU, .factor = 0.5f, .patience = 3});
  if (!status) status = hd_save(c.store, all.model, &err);
  if (status) fprintf(stderr, "%s\n", err.text);
  hd_store_free(c.store);
  hd_graph_free(n.graph);
  return (int)status;
}

// Starts it, and kills it after `seconds` (< 0: never). Its exit status, or -1: it was killed.
static int start(double seconds, defect kind, int64_t die_at) {
  fflush(NULL);
  pid_t pid = fork();
  if (pid < 0) fail_msg("fork: %s", strerror(errno));
  if (pid == 0) _exit(train(kind, die_at));
  if (seconds >= 0) {
    double whole = (double)(int64_t)seconds;
    nanosleep(&(struct timespec){(time_t)whole, (long)((seconds - whole) * 1e9)}, NULL);
    kill(pid, SIGKILL);
  }
  int status;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// ---- What it leaves -----------------------------------------------------------------------------
static int unloadable(void) {
  int bad = 0;
  for (int i = 0; i < KEEP; i++) {
    char path[160];
    hd_error err = {0};
    hd_print(path, sizeof path, "%s/checkpoint-%d.safetensors", all.checkpoints, i);
    hd_tensors *t = hd_tensors_open(NULL, path, &err);
    if (!t && err.status != HD_E_NOT_FOUND) print_error("%s\n", err.text), bad++;
    hd_tensors_free(t);
  }
  return bad;
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

static void killed_and_resumed(void **state) {
  (void)state;
  int wanted = toy_slow() && !TOY_SANITIZED ? 200 : 10, kills = 0, hits = 0, runs = 0, wrong = 0,
      bad = 0;
  while (kills < wanted) {
    clear();
    runs++;
    for (int code = -1; code;) {
      code = start(uniform() * all.whole * 0.7, NONE, 0);
      if (code == TEMPORARY_LEFT) fail_msg("a start has left a temporary file");
      if (code > 0) fail_msg("the process failed with status %d", code);
      if (!code) break;
      kills++;
      bad += unloadable();
      hits += temporary(all.checkpoints) + temporary(all.folder) > 0;
      if (!access(all.model, F_OK)) wrong += !toy_same_file(all.model, all.reference);
    }
    wrong +=
        !toy_same_file(all.model, all.reference) || !toy_same_file(all.last, all.reference_last);
    wrong += temporary(all.checkpoints) + temporary(all.folder);
  }
  printf(
      "%d kills in %d runs, %d of them in the middle of a save; %d files not loadable, %d results "
      "that differ\n",
      kills, runs, hits, bad, wrong);
  assert_int_equal(bad, 0);
  assert_int_equal(wrong, 0);
}

static void planted_defects_are_caught(void **state) {
  (void)state;
  clear();
  assert_int_equal(start(-1, NONE, 20), -1);
  assert_int_equal(start(-1, NONE, 0), 0);
  assert_true(toy_same_file(all.model, all.reference));
  clear();
  assert_int_equal(start(-1, NONE, 20), -1);
  assert_int_equal(start(-1, LOST_STEP, 0), 0);
  assert_false(toy_same_file(all.model, all.reference));
  clear();
  assert_int_equal(start(-1, IN_PLACE, 0), -1);
  assert_true(unloadable() > 0);
}

static int make_folder(void **state) {
  (void)state;
  all.random = 1;
  if (!toy_folder(all.folder, sizeof all.folder, "kill")) return -1;
  hd_print(all.checkpoints, sizeof all.checkpoints, "%s/checkpoints", all.folder);
  hd_print(all.model, sizeof all.model, "%s/model", all.folder);
  hd_print(all.reference, sizeof all.reference, "%s/reference", all.folder);
  hd_print(all.reference_last, sizeof all.reference_last, "%s/reference-last", all.folder);
  int saves = EPOCHS * ((SAMPLES + BATCH - 1) / BATCH);
  hd_print(all.last, sizeof all.last, "%s/checkpoint-%d.safetensors", all.checkpoints,
           saves % KEEP);
  double begun = hd_seconds();
  if (start(-1, NONE, 0)) return -1;
  all.whole = hd_seconds() - begun;
  return rename(all.model, all.reference) || rename(all.last, all.reference_last);
}

static int remove_folder(void **state) {
  (void)state;
  clear();
  unlink(all.reference);
  unlink(all.reference_last);
  return rmdir(all.folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(killed_and_resumed),
                                     cmocka_unit_test(planted_defects_are_caught)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
