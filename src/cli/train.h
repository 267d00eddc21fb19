// A training run of the command: its network, its callbacks, its folds.
#ifndef CLI_TRAIN_H
#define CLI_TRAIN_H

#include "cli.h"

// The values that hd_fit watches.
typedef struct cli_norms {
  hd_val *value;  // two for each layer: activation, gradient
  const struct hd_scope **scope;
  const struct hd_variable_info **weight;
  int layers, values, weights;
} cli_norms;
hd_status cli_norms_open(cli_norms *n, hd_val loss, hd_error *err);  // close it anyway
void cli_norms_close(cli_norms *n);
// ,"norms":{"conv2d_1":{"activation":0.3,"gradient":0.02,"weight":1.7},..}
void cli_norms_add(hd_text *to, const cli_norms *n, const double *value, const hd_store *store);

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
  cli_norms norms;
  double before;  // seconds of the run's epochs before it was resumed
  int until;      // pause after this epoch, ready to be resumed; 0: train to the end
  hd_error err;
  bool quiet, resume, page, trimmed, in_fold, paused;
  bool keep_parts;  // the next training is on the same samples
} cli_training;

// hadal train in steps, which a sweep takes for each trial.
// Everything that a wrong call can get wrong, before there is a run directory. An exit status; the
// reason is in t->err.
int cli_train_prepare(cli_training *t, const cli_args *args, const char *recipe);
// To the end: model.safetensors, the test, the page. t->run is open. HD_E_STOPPED when it was
// interrupted, or paused (t->paused). What went wrong is told by t->err, and in metrics.jsonl.
hd_status cli_train_run(cli_training *t);
void cli_train_close(cli_training *t);  // leaves the process, and parts to be kept

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

// report.html; `whole`: with what the model says of the test samples. A failure is a warning.
void cli_report_run(cli_training *t, bool whole);
// The last line of metrics.jsonl of a run that did not come to its end: "diverged", "interrupted".
hd_status cli_run_stopped(cli_training *t, const char *how);
// TensorBoard: an epoch's line of metrics.jsonl; or all of them anew.
hd_status cli_events_add(cli_training *t, const char *line, hd_error *err);
hd_status cli_events_rewrite(cli_training *t, hd_error *err);

#endif
