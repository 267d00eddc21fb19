// Threads that run the parts of a task. They spin for a few microseconds, then sleep.
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base.h"

typedef struct hd_pool hd_pool;

// threads 0: one per core this process may use (sched_getaffinity and the cgroup's limit). The
// caller counts as one. With env->parallel set, no thread is started and the host's is called.
HD_NODISCARD hd_status hd_pool_new(const hd_env *env, hd_pool **to, hd_error *err);
void hd_pool_free(hd_pool *pool);
int hd_pool_threads(const hd_pool *pool);  // NULL: 1
// Runs task(arg, 0 .. parts-1), in no given order, and returns when all are done. A NULL pool, a
// busy pool (another thread is inside, or this is a nested call) and parts == 1 run in the caller.
void hd_pool_run(hd_pool *pool, int64_t parts, hd_task *task, void *arg);

// The floating-point mode of this thread (rounding, what is flushed), and taking over another's.
uint32_t hd_float_mode(void);
void hd_float_mode_set(uint32_t mode);

#endif
