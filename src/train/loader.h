// Batches of drawn samples, made by threads ahead of the step that needs them.
#ifndef TRAIN_LOADER_H
#define TRAIN_LOADER_H

#include "../../include/hadal/data.h"
#include "../base/base.h"

typedef struct hd_loader hd_loader;

typedef struct hd_loader_plan {
  const hd_data *data;  // with `draw`
  uint64_t seed;
  int64_t batch;        // samples of a step
  int64_t first, rows;  // of each batch only these (shards); all of them: 0, batch
  bool column[8];       // wanted
} hd_loader_plan;

// Takes everything that it will ever need: two batches, scratch and threads, which are one less
// than env->threads. The trainer's own thread helps where it would wait, and does everything where
// there is one thread, or where the threads are the host's (env->parallel).
HD_NODISCARD hd_status hd_loader_open(const hd_env *env, const hd_loader_plan *plan, hd_loader **to,
                                      hd_error *err);
void hd_loader_free(hd_loader *loader);

// A new epoch of `steps` batches of samples in this order, from step `step` on. The order is read
// until the last batch was taken.
void hd_loader_begin(hd_loader *loader, const int64_t *order, int64_t samples, int64_t steps,
                     int64_t epoch, int64_t step);
// Waits for the next batch and lets the one after it be made.
HD_NODISCARD hd_status hd_loader_next(hd_loader *loader, hd_error *err);
// Samples row .. row + count - 1 of that batch, of one column.
void hd_loader_copy(const hd_loader *loader, int column, int64_t row, int64_t count, void *to);

#endif
