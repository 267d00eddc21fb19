// A training run of the command: its network, its callbacks, its folds.
#ifndef CLI_TRAIN_H
#define CLI_TRAIN_H

#include "cli.h"

typedef struct cli_training {
  cli_process p;
  cli_run run;
  cli_progress progress;
  hd_recipe *recipe;
  hd_splits parts;
  hd_signature signature;
  hd_graph *graph;
  hd_store *store;
  hd_network network;
  char *header;
  hd_fit_result result;
  double before;  // seconds of the run's epochs before it was resumed
  hd_error err;
  bool quiet, resume, trimmed, in_fold;
} cli_training;

typedef struct cli_folds {
  hd_metrics *each, mean;
  int64_t *samples;
  int count;
} cli_folds;

hd_status cli_parts_open(cli_training *t, int fold);
hd_status cli_network_open(cli_training *t);  // of the parts that are open
void cli_network_close(cli_training *t);
hd_status cli_save(cli_training *t, const char *file);
hd_status cli_fit(cli_training *t, const char *checkpoints);  // NULL: none
hd_status cli_evaluate(cli_training *t, hd_metrics *to);
// A network for each fold, tested on it; then the parts of the whole are open.
hd_status cli_cross_validate(cli_training *t, cli_folds *f);

#endif
