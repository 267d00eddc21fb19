// A run of hd_fit: its plans, counters and what it was asked for.
#ifndef TRAIN_FIT_H
#define TRAIN_FIT_H

#include "../base/random.h"
#include "feed.h"
#include "loader.h"

typedef struct hd_average {
  const hd_parameter *weight, *average;
} hd_average;

// Running over all samples for the statistics of batch norm: statistics.c.
typedef struct hd_statistics {
  hd_env env;
  const hd_data *data;
  hd_feed full, rest;
  int count;       // of statistics; 0: there are none
  int64_t values;  // in all of them
  double *sum;
  void *scratch;  // of data->draw
} hd_statistics;

typedef struct hd_fit_run {
  hd_store *store;
  hd_val loss;
  const hd_data *data;
  const hd_fit_options *o;
  hd_error *err;
  hd_feeds feeds;
  hd_feed full, rest;  // training steps: a whole batch, and what is left of the epoch
  hd_feed valid_full, valid_rest;
  hd_feed apply;             // shards: the update, from summed gradients
  hd_feed watch;             // what is looked at after each epoch
  hd_statistics statistics;  // of the averaged weights
  double *watched;
  hd_loader *loader;  // NULL where the data is trained on as it is read
  struct hd_shards *shards;
  int batch, epochs;
  int64_t steps;   // in an epoch
  int64_t *order;  // of the samples in this epoch
  hd_counters count;
  const hd_parameter *lr;  // of the optimiser
  double first_rate;       // what it was before the first step
  hd_average *average;     // of the weights; averages: 0 where none are kept
  int averages;
  double *plateau;  // state of that schedule
  hd_fit_result result;
  double started, epoch_started, saved;  // seconds; when the last checkpoint was
  bool stop;
} hd_fit_run;

// What hd_fit refuses whatever the network is.
HD_NODISCARD hd_status hd_fit_check(const hd_fit_options *o, int64_t samples, hd_error *err);
// Everything of a run before its first step but the memory of its plans, whose bytes are in
// result.planned. store, loss, data, o, err and feeds.env are the caller's to set; close it anyway.
HD_NODISCARD hd_status hd_fit_open(hd_fit_run *r);
void hd_fit_close(hd_fit_run *r);

// Before the first checkpoint of a run: clears temporary files that a killed one left; *saves is
// where the count of a fresh run goes on.
HD_NODISCARD hd_status hd_checkpoint_begin(const hd_env *env, const char *folder, bool resume,
                                           int64_t *saves, hd_error *err);

// What a run gives hd_minimize.
static inline hd_minimize_options hd_fit_minimize(const hd_fit_options *o, int64_t steps,
                                                  int epochs) {
  double updates = (double)steps / (o->accumulate > 1 ? o->accumulate : 1);
  return (hd_minimize_options){.schedule = o->schedule,
                               .steps_per_epoch = updates,
                               .epochs = epochs,
                               .accumulate = o->accumulate,
                               .clip_value = o->clip_value,
                               .clip_norm = o->clip_norm,
                               .l1 = o->l1,
                               .max_norm = o->max_norm,
                               .ema = o->ema,
                               .swa = o->swa};
}

// Weights and rate between epochs: average.c.
HD_NODISCARD hd_status hd_averages_open(hd_fit_run *r, int32_t first_node);
void hd_averages_swap(hd_fit_run *r);
HD_NODISCARD hd_status hd_averages_measure(hd_fit_run *r);
HD_NODISCARD hd_status hd_best_copy(hd_fit_run *r, bool restore);
HD_NODISCARD hd_status hd_plateau_open(hd_fit_run *r);
void hd_plateau_watch(hd_fit_run *r, double loss, double first_rate);
double hd_fit_rate(const hd_fit_run *r);

// Its plans join feeds, which the caller binds. Close it after a failure, too.
HD_NODISCARD hd_status hd_statistics_open(hd_statistics *s, hd_feeds *feeds, hd_store *store,
                                          hd_val value, const hd_data *data, int64_t batch,
                                          hd_precision precision, hd_error *err);
HD_NODISCARD hd_status hd_statistics_run(hd_statistics *s, hd_error *err);
void hd_statistics_close(hd_statistics *s);

// Data parallel steps: a batch cut into slices whose gradients are summed in a fixed tree, here or
// over the processes of env->comm.
HD_NODISCARD hd_status hd_shards_open(hd_fit_run *r);
HD_NODISCARD hd_status hd_shards_step(hd_fit_run *r, const int64_t *index, double *loss,
                                      double *accuracy);
void hd_shards_find(hd_fit_run *r, const int64_t *index);
void hd_shards_close(hd_fit_run *r);

#endif
