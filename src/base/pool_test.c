// Every part runs exactly once, on any number of threads, nested, from many callers; idle is idle.
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "../../test/faults.h"
#include "cpu.h"
#include "pool.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static hd_pool *pool_of(int threads) {
  hd_env env = {.threads = threads};
  hd_pool *pool = NULL;
  hd_error err = {.status = HD_OK};
  if (hd_pool_new(&env, &pool, &err) != HD_OK) fail_msg("%s", err.text);
  assert_int_equal(hd_pool_threads(pool), threads);
  return pool;
}

typedef struct tally {
  hd_pool *pool;
  int64_t parts;
  int plain[300];         // not atomic: a part that ran twice at once is a race
  _Atomic int64_t inner;  // of nested runs
} tally;

static void count_part(void *arg, int64_t part) {
  tally *t = arg;
  t->plain[part] += (int)part + 1;
}

static void check(const tally *t, int rounds) {
  for (int64_t i = 0; i < 300; i++) {
    int wanted = i < t->parts ? rounds * (int)(i + 1) : 0;
    if (t->plain[i] != wanted) fail_msg("part %d: %d, not %d", (int)i, t->plain[i], wanted);
  }
}

static void parts_run_exactly_once(void **state) {
  (void)state;
  static const int64_t sizes[] = {0, 1, 2, 3, 7, 8, 64, 300};
  for (int threads = 1; threads <= 8; threads++) {
    hd_pool *pool = pool_of(threads);
    for (size_t s = 0; s < HD_COUNT(sizes); s++) {
      tally t = {.parts = sizes[s]};
      for (int i = 0; i < 200; i++) hd_pool_run(pool, t.parts, count_part, &t);
      check(&t, 200);
    }
    hd_pool_free(pool);
  }
}

// Now and then the threads are left to fall asleep between two runs.
static void sleeping_threads_come_back(void **state) {
  (void)state;
  hd_pool *pool = pool_of(4);
  tally t = {.parts = 16};
  for (int i = 0; i < 300; i++) {
    hd_pool_run(pool, t.parts, count_part, &t);
    if (i % 3 == 0) usleep(i % 2 ? 150 : 60);
  }
  check(&t, 300);
  hd_pool_free(pool);
}

static void meet(void *arg, int64_t part) {
  (void)part;
  tally *t = arg;
  atomic_fetch_add(&t->inner, 1);
  double until = hd_seconds() + 10;
  while (atomic_load(&t->inner) % 2 != 0 && hd_seconds() < until) usleep(10);
}

// Two parts that wait for each other need two threads, however deep the second one sleeps.
static void sleeping_threads_are_woken(void **state) {
  (void)state;
  hd_pool *pool = pool_of(2);
  tally t = {.parts = 2};
  double start = hd_seconds();
  for (int i = 0; i < 20; i++) {
    usleep(1000);
    hd_pool_run(pool, 2, meet, &t);
  }
  hd_pool_free(pool);
  assert_int_equal(atomic_load(&t.inner), 40);
  assert_true(hd_seconds() - start < 9);
}

static void pause_part(void *arg, int64_t part) {
  if (part == 0) usleep(2000);  // longer than the caller spins
  count_part(arg, part);
}

static void the_caller_sleeps_through_long_parts(void **state) {
  (void)state;
  hd_pool *pool = pool_of(3);
  tally t = {.parts = 3};
  for (int i = 0; i < 30; i++) hd_pool_run(pool, t.parts, pause_part, &t);
  check(&t, 30);
  hd_pool_free(pool);
}

static void add_inner(void *arg, int64_t part) {
  tally *t = arg;
  atomic_fetch_add(&t->inner, part + 1);
}
static void nest(void *arg, int64_t part) {
  tally *t = arg;
  count_part(t, part);
  hd_pool_run(t->pool, 4, add_inner, t);
}

static void nested_runs_stay_in_their_thread(void **state) {
  (void)state;
  tally t = {.pool = pool_of(4), .parts = 50};
  for (int i = 0; i < 100; i++) hd_pool_run(t.pool, t.parts, nest, &t);
  check(&t, 100);
  assert_int_equal(atomic_load(&t.inner), 100 * 50 * 10);
  hd_pool_free(t.pool);
}

static void *call_often(void *arg) {
  tally *shared = arg, *own = calloc(1, sizeof *own);
  own->parts = 20;
  for (int i = 0; i < 1000; i++) hd_pool_run(shared->pool, own->parts, count_part, own);
  bool right = true;
  for (int i = 0; i < 20; i++) right &= own->plain[i] == 1000 * (i + 1);
  free(own);
  return right ? arg : NULL;
}

static void many_callers_share_a_pool(void **state) {
  (void)state;
  tally t = {.pool = pool_of(3)};
  pthread_t caller[4];
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&caller[i], NULL, call_often, &t), 0);
  for (int i = 0; i < 4; i++) {
    void *right = NULL;
    pthread_join(caller[i], &right);
    assert_non_null(right);
  }
  hd_pool_free(t.pool);
}

static void backwards(void *user, int64_t parts, hd_task *task, void *arg) {
  for (int64_t part = parts - 1; part >= 0; part--) task(arg, part);
  ++*(int *)user;
}

static void the_host_may_bring_its_own(void **state) {
  (void)state;
  int calls = 0;
  hd_env env = {.user = &calls, .parallel = backwards, .threads = 5};
  tally t = {.parts = 50};
  assert_int_equal(hd_pool_new(&env, &t.pool, NULL), HD_OK);
  assert_int_equal(hd_pool_threads(t.pool), 5);
  hd_pool_run(t.pool, t.parts, nest, &t);
  assert_int_equal(calls, 1);
  check(&t, 1);
  hd_pool_free(t.pool);
}

static void no_pool_is_a_pool_of_one(void **state) {
  (void)state;
  tally t = {.parts = 10};
  hd_pool_run(NULL, 10, count_part, &t);
  hd_pool_run(NULL, -5, count_part, &t);
  check(&t, 1);
  assert_int_equal(hd_pool_threads(NULL), 1);
  hd_pool_free(NULL);
}

static double cpu_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void idle_threads_use_no_cpu(void **state) {
  (void)state;
  hd_pool *pool = pool_of(8);
  tally t = {.parts = 300};
  hd_pool_run(pool, t.parts, count_part, &t);
  usleep(20000);
  double before = cpu_seconds();
  usleep(200000);
  double used = cpu_seconds() - before;
  hd_pool_free(pool);
  if (used > 0.005) fail_msg("%.1f ms of processor time in 200 ms of rest", used * 1e3);
}

// The caller's rounding and flush-to-zero mode hold for every part: the same bits on every thread.
#if defined(__SSE2__)
static void note_mode(void *arg, int64_t part) {
  usleep(200);
  ((unsigned *)arg)[part] = _mm_getcsr() & 0xFFC0u;
}
static void threads_take_the_callers_float_mode(void **state) {
  (void)state;
  hd_pool *pool = pool_of(4);
  unsigned before = _mm_getcsr(), mode[40];
  for (int round = 0; round < 2; round++) {
    unsigned wanted = (before & ~0x3Fu) ^ (round ? 0 : 0x8040u);  // flush, and read as zero
    _mm_setcsr(wanted);
    hd_pool_run(pool, 40, note_mode, mode);
    _mm_setcsr(before);
    for (int i = 0; i < 40; i++) assert_int_equal(mode[i], wanted & 0xFFC0u);
  }
  hd_pool_free(pool);
}
#endif

static void bad_counts_are_refused(void **state) {
  (void)state;
  static const int bad[] = {-1, 100000, INT32_MIN};
  for (size_t i = 0; i < HD_COUNT(bad); i++) {
    hd_env env = {.threads = bad[i]};
    hd_pool *pool = (hd_pool *)&env;
    hd_error err = {.status = HD_OK};
    assert_int_equal(hd_pool_new(&env, &pool, &err), HD_E_ARGUMENT);
    assert_null(pool);
    assert_non_null(strstr(err.text, "threads"));
  }
  hd_pool *pool = NULL;
  assert_int_equal(hd_pool_new(NULL, &pool, NULL), HD_OK);
  assert_int_equal(hd_pool_threads(pool), hd_cpu_cores());
  hd_pool_free(pool);
  faults f;
  hd_env env = faults_env(&f);
  f.alloc_at = 1;
  assert_int_equal(hd_pool_new(&env, &pool, NULL), HD_E_MEMORY);
  assert_null(pool);
  assert_true(faults_clean(&f));
}

static int64_t threads_now(void) {
  char text[4096] = "";
  FILE *file = fopen("/proc/self/status", "r");
  size_t got = file ? fread(text, 1, sizeof text - 1, file) : 0;
  if (file) fclose(file);
  text[got] = 0;
  char *line = strstr(text, "Threads:");
  return line ? atoi(line + 8) : -1;
}

// With no address space for another stack, some of the threads cannot start.
static void a_thread_that_cannot_start_is_an_error(void **state) {
  (void)state;
  if (SANITIZED) skip();
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%ld", &pages) != 1) skip();
  fclose(file);
  struct rlimit before, tight;
  assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
  tight = before;
  tight.rlim_cur = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + ((rlim_t)64 << 20);
  assert_int_equal(setrlimit(RLIMIT_AS, &tight), 0);
  faults f;
  hd_env env = faults_env(&f);
  env.threads = 500;
  hd_pool *pool = NULL;
  hd_error err = {.status = HD_OK};
  hd_status status = hd_pool_new(&env, &pool, &err);
  assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
  assert_int_equal(status, HD_E_MEMORY);
  assert_null(pool);
  assert_non_null(strstr(err.text, "of 500: Resource temporarily unavailable"));
  assert_true(faults_clean(&f));
  usleep(1000);
  assert_int_equal(threads_now(), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_thread_that_cannot_start_is_an_error),
    cmocka_unit_test(parts_run_exactly_once),
    cmocka_unit_test(sleeping_threads_come_back),
    cmocka_unit_test(sleeping_threads_are_woken),
    cmocka_unit_test(the_caller_sleeps_through_long_parts),
    cmocka_unit_test(nested_runs_stay_in_their_thread),
    cmocka_unit_test(many_callers_share_a_pool),
    cmocka_unit_test(the_host_may_bring_its_own),
    cmocka_unit_test(no_pool_is_a_pool_of_one),
    cmocka_unit_test(idle_threads_use_no_cpu),
#if defined(__SSE2__)
    cmocka_unit_test(threads_take_the_callers_float_mode),
#endif
    cmocka_unit_test(bad_counts_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
