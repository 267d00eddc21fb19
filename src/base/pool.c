// The thread pool. One word holds a generation and the parts left to claim; a part belongs to who
// lowers the word. Nobody waits for a thread that sleeps: the caller takes every part not claimed.
#define _GNU_SOURCE
#include "pool.h"

#include "cpu.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum { THREADS_MOST = 1024 };
static const int64_t BATCH = 1 << 30;  // parts that fit into the word
static const double SPIN = 50e-6, SPIN_ALONE = 2e-6;

struct hd_pool {
  hd_env env;
  int threads, started;
  int awake_most;  // threads beside the caller that are woken: more than cores only crowd them
  double spin;

  _Alignas(64) _Atomic uint64_t word;  // generation << 32 | parts left to claim
  // What is run. Written only while no part is unfinished, so a claim proves that they were valid.
  _Atomic(hd_task *) task;
  _Atomic(void *) arg;
  _Atomic int64_t first, parts;
  _Atomic uint32_t mode;  // the caller's floating-point mode: the same bits on every thread

  _Alignas(64) _Atomic int64_t unfinished;
  _Atomic bool caller_sleeps;

  _Alignas(64) _Atomic bool busy;
  _Atomic int sleepers;
  _Atomic bool stop;
  pthread_mutex_t lock;
  pthread_cond_t wake, done;
  pthread_t thread[];
};

static void relax(void) {
#if defined(__SSE2__)
  _mm_pause();
#endif
}

static uint32_t float_mode(void) {
#if defined(__SSE2__)
  return _mm_getcsr() & ~0x3Fu;  // without the exception flags
#else
  return 0;
#endif
}

static void float_mode_set(uint32_t mode) {
#if defined(__SSE2__)
  if (mode != float_mode()) _mm_setcsr(mode);
#else
  (void)mode;
#endif
}

// Runs parts until none is left to claim.
static void work(hd_pool *pool) {
  int64_t ran = 0;
  uint64_t word = atomic_load(&pool->word);
  while ((uint32_t)word > 0) {
    hd_task *task = atomic_load_explicit(&pool->task, memory_order_relaxed);
    void *arg = atomic_load_explicit(&pool->arg, memory_order_relaxed);
    int64_t parts = atomic_load_explicit(&pool->parts, memory_order_relaxed);
    int64_t first = atomic_load_explicit(&pool->first, memory_order_relaxed);
    uint32_t mode = atomic_load_explicit(&pool->mode, memory_order_relaxed);
    if (!atomic_compare_exchange_weak(&pool->word, &word, word - 1)) continue;
    float_mode_set(mode);
    task(arg, first + parts - (int64_t)(uint32_t)word);
    ran++;
    word = atomic_load(&pool->word);
  }
  if (ran == 0 || atomic_fetch_sub(&pool->unfinished, ran) != ran) return;
  if (!atomic_load(&pool->caller_sleeps)) return;
  pthread_mutex_lock(&pool->lock);
  pthread_cond_signal(&pool->done);
  pthread_mutex_unlock(&pool->lock);
}

static bool has_work(hd_pool *pool) {
  return (uint32_t)atomic_load(&pool->word) > 0 || atomic_load(&pool->stop);
}
static bool is_done(hd_pool *pool) { return atomic_load(&pool->unfinished) == 0; }

// Waits a little while for `ready`; false when it did not come.
static bool spin(hd_pool *pool, bool (*ready)(hd_pool *)) {
  double until = hd_seconds() + pool->spin;
  do {
    for (int i = 0; i < 16; i++) {
      if (ready(pool)) return true;
      relax();
    }
  } while (hd_seconds() < until);
  return ready(pool);
}

static void *worker(void *arg) {
  hd_pool *pool = arg;
  while (!atomic_load(&pool->stop)) {
    work(pool);
    if (spin(pool, has_work)) continue;
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleepers, 1);  // before the last look: the caller does it the other way
    while (!has_work(pool)) pthread_cond_wait(&pool->wake, &pool->lock);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->lock);
  }
  return NULL;
}

static void wake(hd_pool *pool, int64_t wanted) {
  int sleepers = atomic_load(&pool->sleepers);
  wanted = HD_MIN(wanted, pool->awake_most - (pool->started - sleepers));
  if (sleepers == 0 || wanted <= 0) return;
  pthread_mutex_lock(&pool->lock);
  if (wanted >= sleepers) {
    pthread_cond_broadcast(&pool->wake);
  } else {
    for (; wanted > 0; wanted--) pthread_cond_signal(&pool->wake);
  }
  pthread_mutex_unlock(&pool->lock);
}

static void run_batch(hd_pool *pool, int64_t first, int64_t parts, hd_task *task, void *arg) {
  atomic_store_explicit(&pool->task, task, memory_order_relaxed);
  atomic_store_explicit(&pool->arg, arg, memory_order_relaxed);
  atomic_store_explicit(&pool->first, first, memory_order_relaxed);
  atomic_store_explicit(&pool->parts, parts, memory_order_relaxed);
  atomic_store_explicit(&pool->mode, float_mode(), memory_order_relaxed);
  atomic_store_explicit(&pool->unfinished, parts, memory_order_relaxed);
  uint64_t generation = (atomic_load_explicit(&pool->word, memory_order_relaxed) >> 32) + 1;
  atomic_store(&pool->word, generation << 32 | (uint64_t)parts);
  wake(pool, parts - 1);
  work(pool);
  if (spin(pool, is_done)) return;
  pthread_mutex_lock(&pool->lock);
  atomic_store(&pool->caller_sleeps, true);
  while (!is_done(pool)) pthread_cond_wait(&pool->done, &pool->lock);
  atomic_store(&pool->caller_sleeps, false);
  pthread_mutex_unlock(&pool->lock);
}

void hd_pool_run(hd_pool *pool, int64_t parts, hd_task *task, void *arg) {
  bool alone = !pool || pool->threads == 1 || parts <= 1;
  if (alone || atomic_load_explicit(&pool->busy, memory_order_relaxed) ||
      atomic_exchange(&pool->busy, true)) {
    for (int64_t part = 0; part < parts; part++) task(arg, part);
    return;
  }
  if (pool->env.parallel) {
    pool->env.parallel(pool->env.user, parts, task, arg);
  } else {
    for (int64_t first = 0; first < parts; first += BATCH)
      run_batch(pool, first, HD_MIN(parts - first, BATCH), task, arg);
  }
  atomic_store(&pool->busy, false);
}

int hd_pool_threads(const hd_pool *pool) { return pool ? pool->threads : 1; }

// Starts the threads, with all signals blocked: those are for the host's own threads.
static int start(hd_pool *pool) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int code = 0;
  while (code == 0 && pool->started < pool->threads - 1) {
    code = pthread_create(&pool->thread[pool->started], NULL, worker, pool);
    pool->started += code == 0;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return code;
}

hd_status hd_pool_new(const hd_env *env, hd_pool **to, hd_error *err) {
  *to = NULL;
  int threads = env ? env->threads : 0, cores = hd_cpu_cores();
  if (threads == 0) threads = cores;
  if (threads < 0 || threads > THREADS_MOST)
    return hd_fail(err, HD_E_ARGUMENT, "threads: %d is not in 1 .. %d (or 0: one per core)",
                   threads, THREADS_MOST);
  bool host = env && env->parallel;
  size_t bytes = sizeof(hd_pool) + (host ? 0 : (size_t)threads - 1) * sizeof(pthread_t);
  hd_pool *pool = hd_alloc(env, bytes);
  if (!pool) return hd_fail(err, HD_E_MEMORY, "thread pool: memory is out for %zu bytes", bytes);
  if (env) pool->env = *env;
  pool->threads = threads;
  pool->awake_most = HD_MAX(cores - 1, 1);
  pool->spin = cores > 1 ? SPIN : SPIN_ALONE;  // the core of who is waited for
  pthread_mutex_init(&pool->lock, NULL);
  pthread_cond_init(&pool->wake, NULL);
  pthread_cond_init(&pool->done, NULL);
  int code = host ? 0 : start(pool);
  if (code != 0) {
    char reason[128];
    hd_fail(err, HD_E_MEMORY, "cannot start thread %d of %d: %s; ask for fewer threads",
            pool->started + 2, threads, hd_errno_text(code, reason, sizeof reason));
    hd_pool_free(pool);
    return HD_E_MEMORY;
  }
  *to = pool;
  return HD_OK;
}

void hd_pool_free(hd_pool *pool) {
  if (!pool) return;
  atomic_store(&pool->stop, true);
  pthread_mutex_lock(&pool->lock);
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->lock);
  for (int i = 0; i < pool->started; i++) pthread_join(pool->thread[i], NULL);
  pthread_cond_destroy(&pool->done);
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->lock);
  hd_env env = pool->env;
  hd_release(&env, pool);
}
