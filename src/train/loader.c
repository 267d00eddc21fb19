// Two batches: one is trained on while threads make the other, sample by sample. What is in them
// does not depend on who made which: a sample is a function of (seed, epoch, its number).
#define _GNU_SOURCE
#include "loader.h"

#include <pthread.h>
#include <signal.h>

#include "../base/cpu.h"
#include "../base/pool.h"

enum { COLUMNS = 8, MOST_THREADS = 64 };

typedef struct slot {
  char *column[COLUMNS];
  int64_t step, rows, taken, done;  // rows of the batch: all, claimed, finished
  int64_t failed;                   // the first row that failed, or `rows`
  hd_error error;
} slot;

struct hd_loader {
  hd_env env;
  hd_data data;
  hd_loader_plan plan;
  size_t bytes[COLUMNS];  // of a sample
  char *memory;           // scratch of each thread, the trainer's first; then the batches
  const int64_t *order;
  int64_t samples, epoch, step, steps;  // step: of the batch that is trained on
  slot slot[2];
  pthread_mutex_t lock;
  pthread_cond_t work, ready;
  uint32_t mode;  // the trainer's floating-point mode: the same bits on every thread
  bool stop;
  int started, numbered;
  pthread_t thread[MOST_THREADS];
};

static slot *slot_of(hd_loader *l, int64_t step) { return &l->slot[step & 1]; }

static char *scratch_of(const hd_loader *l, int thread) {
  return l->memory + hd_round_up(l->data.draw_bytes, 64) * thread;
}

// ---- Making -------------------------------------------------------------------------------------

static hd_status make_row(const hd_loader *l, const slot *s, int64_t row, void *scratch,
                          hd_error *err) {
  void *to[COLUMNS] = {NULL};
  int64_t at = s->step * l->plan.batch + l->plan.first + row;
  hd_draw draw = {l->plan.seed, l->epoch, l->order[at]};
  for (int c = 0; c < l->data.columns; c++)
    if (s->column[c]) to[c] = s->column[c] + (size_t)row * l->bytes[c];
  return l->data.draw(l->data.user, &draw, to, scratch, err);
}

// Rows of a batch until all are claimed. Called, and left, with the lock held.
static void make_rows(hd_loader *l, slot *s, void *scratch) {
  while (s->taken < s->rows && !l->stop) {
    hd_error err = {.status = HD_OK};
    int64_t row = s->taken++;
    uint32_t mode = l->mode;
    pthread_mutex_unlock(&l->lock);
    hd_float_mode_set(mode);
    hd_status status = make_row(l, s, row, scratch, &err);
    pthread_mutex_lock(&l->lock);
    if (status && row < s->failed) s->failed = row, s->error = err, s->error.status = status;
    if (++s->done == s->rows) pthread_cond_broadcast(&l->ready);
  }
}

static slot *with_work(hd_loader *l) {
  for (int64_t step = l->step; step <= l->step + 1; step++) {
    slot *s = slot_of(l, step);
    if (s->taken < s->rows) return s;
  }
  return NULL;
}

static void *worker(void *arg) {
  hd_loader *l = arg;
  pthread_mutex_lock(&l->lock);
  char *scratch = scratch_of(l, ++l->numbered);
  while (!l->stop) {
    slot *s = with_work(l);
    if (s) make_rows(l, s, scratch);
    else pthread_cond_wait(&l->work, &l->lock);
  }
  pthread_mutex_unlock(&l->lock);
  return NULL;
}

// ---- Taking -------------------------------------------------------------------------------------

// Lets a batch be made, if the epoch has it.
static void post(hd_loader *l, int64_t step) {
  if (step >= l->steps) return;
  slot *s = slot_of(l, step);
  int64_t batch = HD_MIN(l->plan.batch, l->samples - step * l->plan.batch);
  s->step = step;
  s->rows = s->failed = HD_MIN(l->plan.rows, batch - l->plan.first);
  s->taken = s->done = 0;
  pthread_cond_broadcast(&l->work);
}

void hd_loader_begin(hd_loader *l, const int64_t *order, int64_t samples, int64_t steps,
                     int64_t epoch, int64_t step) {
  pthread_mutex_lock(&l->lock);
  for (int i = 0; i < 2; i++) {  // what was begun and is not wanted any more
    slot *s = &l->slot[i];
    s->rows = s->taken;
    while (s->done < s->taken) pthread_cond_wait(&l->ready, &l->lock);
    s->rows = s->taken = s->done = 0;
  }
  l->order = order, l->samples = samples, l->steps = steps, l->epoch = epoch;
  l->step = step - 1;
  l->mode = hd_float_mode();
  post(l, step);
  pthread_mutex_unlock(&l->lock);
}

hd_status hd_loader_next(hd_loader *l, hd_error *err) {
  pthread_mutex_lock(&l->lock);
  slot *s = slot_of(l, ++l->step);
  make_rows(l, s, scratch_of(l, 0));
  while (s->done < s->rows) pthread_cond_wait(&l->ready, &l->lock);
  post(l, l->step + 1);
  pthread_mutex_unlock(&l->lock);
  if (s->failed == s->rows) return HD_OK;
  return hd_fail(err, s->error.status, "%s", s->error.text);
}

void hd_loader_copy(const hd_loader *l, int column, int64_t row, int64_t count, void *to) {
  const slot *s = &l->slot[l->step & 1];
  size_t bytes = l->bytes[column];
  memcpy(to, s->column[column] + (size_t)row * bytes, (size_t)count * bytes);
}

// ---- Opening and closing ------------------------------------------------------------------------

static void start(hd_loader *l, int wanted) {
  sigset_t all, before;
  sigfillset(&all);  // signals are for the program's own threads
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (l->started < wanted && !pthread_create(&l->thread[l->started], NULL, worker, l))
    l->started++;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

// false when memory is out
static bool take_memory(hd_loader *l, int threads) {
  int64_t whole, part, offset[2][COLUMNS];
  bool ok = hd_mul_size(hd_round_up(l->data.draw_bytes, 64), threads, &whole);
  for (int c = 0; c < l->data.columns && ok; c++) {
    const hd_type *t = &l->data.column[c].type;
    ok = hd_mul_size(hd_shape_count(t->shape), (int64_t)hd_dtype_size(t->dtype), &part);
    l->bytes[c] = ok ? (size_t)part : 0;
    if (!l->plan.column[c]) continue;
    for (int i = 0; i < 2 && ok; i++) {
      offset[i][c] = whole;
      ok = hd_mul_size((int64_t)l->bytes[c], l->plan.rows, &part) &&
           hd_add_size(whole, hd_round_up(part, 64), &whole);
    }
  }
  l->memory = ok ? hd_alloc_raw(&l->env, (size_t)whole) : NULL;
  for (int i = 0; i < 2 && l->memory; i++)
    for (int c = 0; c < l->data.columns; c++)
      if (l->plan.column[c]) l->slot[i].column[c] = l->memory + offset[i][c];
  return l->memory;
}

hd_status hd_loader_open(const hd_env *env, const hd_loader_plan *plan, hd_loader **to,
                         hd_error *err) {
  *to = NULL;
  hd_loader *l = hd_alloc(env, sizeof *l);
  if (!l) return hd_fail(err, HD_E_MEMORY, "loader: memory is out");
  if (env) l->env = *env;
  l->data = *plan->data, l->plan = *plan;
  int threads = l->env.threads > 0 ? l->env.threads : hd_cpu_cores();
  threads = l->env.parallel ? 1 : HD_MIN(HD_MAX(threads, 1), MOST_THREADS);
  bool lock = !pthread_mutex_init(&l->lock, NULL), work = !pthread_cond_init(&l->work, NULL),
       ready = !pthread_cond_init(&l->ready, NULL);
  if (lock && work && ready && take_memory(l, threads)) {
    start(l, threads - 1);
    *to = l;
    return HD_OK;
  }
  if (lock) pthread_mutex_destroy(&l->lock);
  if (work) pthread_cond_destroy(&l->work);
  if (ready) pthread_cond_destroy(&l->ready);
  hd_release(env, l);
  return hd_fail(err, HD_E_MEMORY, "loader: memory is out for two batches of %lld samples",
                 (long long)plan->rows);
}

void hd_loader_free(hd_loader *l) {
  if (!l) return;
  hd_env env = l->env;
  pthread_mutex_lock(&l->lock);
  l->stop = true;
  pthread_cond_broadcast(&l->work);
  pthread_mutex_unlock(&l->lock);
  for (int i = 0; i < l->started; i++) pthread_join(l->thread[i], NULL);
  pthread_mutex_destroy(&l->lock);
  pthread_cond_destroy(&l->work);
  pthread_cond_destroy(&l->ready);
  hd_release(&env, l->memory);
  hd_release(&env, l);
}
