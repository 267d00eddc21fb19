// Between data and plans: which column feeds which input, and running over all samples.
#ifndef TRAIN_FEED_H
#define TRAIN_FEED_H

#include "../../include/hadal/train.h"
#include "../plan/plan.h"

// A plan for one batch size, with its workspace and the columns of a data source that feed it.
typedef struct hd_feed {
  hd_plan *plan;
  hd_workspace *workspace;
  const hd_data *data;
  int64_t batch;
  int64_t first;  // number of the first sample within the step (shards)
  int inputs, column[16];
  void *to[16];
  struct hd_loader *loader;  // samples come from it: those of the batch it holds; NULL: from data
  int64_t skip;              // first sample of the step that the loader has (shards)
} hd_feed;

// Plans for a full batch and for what is left over at the end (batch 0: nothing is). All of them
// run in one block of memory, since no two run at a time.
typedef struct hd_feeds {
  hd_env env;
  hd_feed *feed[8];
  int count;
  void *memory;
  int64_t bytes;
} hd_feeds;

// Compiles options for `batch` samples and matches its inputs with the columns of data.
HD_NODISCARD hd_status hd_feed_open(hd_feeds *all, hd_feed *feed, hd_store *store,
                                    const hd_data *data, int64_t batch, hd_compile_options options,
                                    hd_error *err);
// Gives every workspace its memory; after that nothing is allocated.
HD_NODISCARD hd_status hd_feeds_bind(hd_feeds *all, hd_error *err);
void hd_feeds_close(hd_feeds *all);
// Fills the inputs with samples index[0 .. batch-1], or with what its loader made of them.
HD_NODISCARD hd_status hd_feed_read(hd_feed *feed, const int64_t *index, hd_error *err);
// The scalar fetched as number i.
double hd_feed_scalar(const hd_feed *feed, int i);

// Means of fetches 0 (loss) and 1 (accuracy, if has_accuracy) over all samples of a source, in
// order, with feeds for a full batch and for the rest.
HD_NODISCARD hd_status hd_feed_average(hd_feed *full, hd_feed *rest, const hd_data *data,
                                       bool has_accuracy, hd_metrics *to, hd_error *err);

// The message of a step whose loss is not finite: names the first layer that made it so.
hd_status hd_explain_divergence(hd_store *store, hd_val loss, const hd_feed *at, const char *where,
                                hd_error *err);

#endif
