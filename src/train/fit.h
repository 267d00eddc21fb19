// A run of hd_fit: its plans, counters and what it was asked for.
#ifndef TRAIN_FIT_H
#define TRAIN_FIT_H

#include "../base/random.h"
#include "feed.h"

typedef struct hd_fit_run {
  hd_store *store;
  hd_val loss;
  const hd_data *data;
  const hd_fit_options *o;
  hd_error *err;
  hd_feeds feeds;
  hd_feed full, rest;            // training steps: a whole batch, and what is left of the epoch
  hd_feed valid_full, valid_rest;
  hd_feed apply;                 // shards: the update, from summed gradients
  struct hd_shards *shards;
  int batch, epochs;
  int64_t steps;                 // in an epoch
  int64_t *order;                // of the samples in this epoch
  hd_counters count;
  hd_fit_result result;
  double started, epoch_started, saved;  // seconds; when the last checkpoint was
  bool stop;
} hd_fit_run;

// Before the first checkpoint of a run: clears temporary files that a killed one left; *saves is
// where the count of a fresh run goes on.
HD_NODISCARD hd_status hd_checkpoint_begin(const hd_env *env, const char *folder, bool resume, int64_t *saves, hd_error *err);

// Data parallel steps: a batch cut into slices whose gradients are summed in a fixed tree, here or
// over the processes of env->comm.
HD_NODISCARD hd_status hd_shards_open(hd_fit_run *r);
HD_NODISCARD hd_status hd_shards_step(hd_fit_run *r, const int64_t *index, double *loss, double *accuracy);
void hd_shards_close(hd_fit_run *r);

#endif
