// The thread pool. Parts are dealt to the threads in ranges, so that a thread meets the same images
// in each layer, which its cache still holds; who has finished its own helps with the next one's. A
// word for each range holds a generation and the parts left to claim; a part belongs to who lowers
// the word. Nobody waits for a thread that sleeps: the caller takes every part not claimed.
#define _GNU_SOURCE
#include "pool.h"

#include "cpu.h"

#include <pthread.h>
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

  _Alignas(64) _Atomic uint64_t generation;  // of what is run: published last
  // What is run. Written only while no part is unfinished, so a claim proves that they were valid.
  _Atomic(hd_task *) task;
  _Atomic(void *) arg;
  _Atomic int64_t first, parts, ranges;
  _Atomic uint32_t mode;  // the caller's floating-point mode: the same bits on every thread

  _Alignas(64) _Atomic int64_t unfinished;
  _Atomic bool caller_sleeps;

  _Alignas(64) _Atomic bool busy;
  _Atomic int sleepers;
  _Atomic bool stop;
  pthread_mutex_t lock;
  pthread_cond_t wake, done;
  struct hd_pool_range *range;  // of each thread, the caller's first
  struct hd_pool_worker *worker;
};

typedef struct hd_pool_range {
  _Alignas(64) _Atomic uint64_t left;  // generation << 32 | parts left to claim
} hd_pool_range;
typedef struct hd_pool_worker {
  pthread_t thread;
  hd_pool *pool;
  uint64_t seen;  // the last generation that it found without parts to claim
} hd_pool_worker;

static void relax(void) {
#if defined(__SSE2__)
  _mm_pause();
#endif
}

uint32_t hd_float_mode(void) {
#if defined(__SSE2__)
  return _mm_getcsr() & ~0x3Fu;  // without the exception flags
#else
  return 0;
#endif
}

void hd_float_mode_set(uint32_t mode) {
#if defined(__SSE2__)
  if (mode != hd_float_mode()) _mm_setcsr(mode);
#else
  (void)mode;
#endif
}

// Claims and runs the parts of one range; returns how many.
static int64_t work_range(hd_pool *pool, int64_t r) {
  int64_t ran = 0;
  _Atomic uint64_t *at = &pool->range[r].left;
  uint64_t left = atomic_load(at);
  while ((uint32_t)left > 0) {
    hd_task *task = atomic_load_explicit(&pool->task, memory_order_relaxed);
    void *arg = atomic_load_explicit(&pool->arg, memory_order_relaxed);
    int64_t parts = atomic_load_explicit(&pool->parts, memory_order_relaxed);
    int64_t first = atomic_load_explicit(&pool->first, memory_order_relaxed);
    int64_t ranges = atomic_load_explicit(&pool->ranges, memory_order_relaxed);
    uint32_t mode = atomic_load_explicit(&pool->mode, memory_order_relaxed);
    if (!atomic_compare_exchange_weak(at, &left, left - 1)) continue;
    hd_float_mode_set(mode);
    task(arg, first + parts * (r + 1) / ranges - (int64_t)(uint32_t)left);
    ran++;
    left = atomic_load(at);
  }
  return ran;
}

// Runs parts until none is left to claim, those of range `me` first.
static void work(hd_pool *pool, int64_t me) {
  int64_t ran = 0, ranges = atomic_load_explicit(&pool->ranges, memory_order_relaxed);
  for (int64_t r = 0; r < ranges; r++) ran += work_range(pool, (me + r) % ranges);
  if (ran == 0 || atomic_fetch_sub(&pool->unfinished, ran) != ran) return;
  if (!atomic_load(&pool->caller_sleeps)) return;
  pthread_mutex_lock(&pool->lock);
  pthread_cond_signal(&pool->done);
  pthread_mutex_unlock(&pool->lock);
}

static bool has_work(hd_pool *pool, uint64_t seen) {
  return atomic_load(&pool->generation) != seen || atomic_load(&pool->stop);
}
static bool is_done(hd_pool *pool, uint64_t seen) {
  (void)seen;
  return atomic_load(&pool->unfinished) == 0;
}

// Waits a little while for `ready`; false when it did not come.
static bool spin(hd_pool *pool, bool (*ready)(hd_pool *, uint64_t), uint64_t seen) {
  double until = hd_seconds() + pool->spin;
  do {
    for (int i = 0; i < 16; i++) {
      if (ready(pool, seen)) return true;
      relax();
    }
  } while (hd_seconds() < until);
  return ready(pool, seen);
}

static void *worker(void *arg) {
  hd_pool_worker *w = arg;
  hd_pool *pool = w->pool;
  while (!atomic_load(&pool->stop)) {
    w->seen = atomic_load(&pool->generation);
    work(pool, w - pool->worker + 1);
    if (spin(pool, has_work, w->seen)) continue;
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleepers, 1);  // before the last look: the caller does it the other way
    while (!has_work(pool, w->seen)) pthread_cond_wait(&pool->wake, &pool->lock);
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
  atomic_store_explicit(&pool->mode, hd_float_mode(), memory_order_relaxed);
  atomic_store_explicit(&pool->unfinished, parts, memory_order_relaxed);
  uint64_t now = atomic_load_explicit(&pool->generation, memory_order_relaxed) + 1;
  int64_t ranges = HD_MIN(pool->started + 1, parts);
  atomic_store_explicit(&pool->ranges, ranges, memory_order_relaxed);
  for (int64_t r = 0; r < ranges; r++) {
    int64_t count = parts * (r + 1) / ranges - parts * r / ranges;
    atomic_store(&pool->range[r].left, now << 32 | (uint64_t)count);
  }
  atomic_store(&pool->generation, now);
  wake(pool, parts - 1);
  work(pool, 0);
  if (spin(pool, is_done, 0)) return;
  pthread_mutex_lock(&pool->lock);
  atomic_store(&pool->caller_sleeps, true);
  while (!is_done(pool, 0)) pthread_cond_wait(&pool->done, &pool->lock);
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
    hd_pool_worker *w = &pool->worker[pool->started];
    w->pool = pool;
    code = pthread_create(&w->thread, NULL, worker, w);
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
  size_t many = host ? 1 : (size_t)threads;
  size_t bytes = sizeof(hd_pool) + many * (sizeof(hd_pool_range) + sizeof(hd_pool_worker));
  hd_pool *pool = hd_alloc(env, bytes);
  if (!pool) return hd_fail(err, HD_E_MEMORY, "thread pool: memory is out for %zu bytes", bytes);
  if (env) pool->env = *env;
  pool->threads = threads;
  pool->range = (hd_pool_range *)(pool + 1);
  pool->worker = (hd_pool_worker *)(pool->range + many);
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
  for (int i = 0; i < pool->started; i++) pthread_join(pool->worker[i].thread, NULL);
  pthread_cond_destroy(&pool->done);
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->lock);
  hd_env env = pool->env;
  hd_release(&env, pool);
}
