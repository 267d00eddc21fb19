// A sweep of the command: its trials and what came of them, its table, its page.
#ifndef CLI_SWEEP_H
#define CLI_SWEEP_H

#include "../recipe/sweep.h"
#include "train.h"

enum { CLI_RUNGS = 40 };

// What came of a trial at a rung. Grids and draws have one rung.
typedef struct cli_outcome {
  bool known;
  int epochs, best_epoch;  // done; that with the least validation loss (0: none)
  double loss, accuracy;   // of best_epoch on the validation samples; NaN: not there
  const char *diverged;    // how; NULL: it did not
} cli_outcome;

typedef struct cli_sweeping {
  cli_training t;  // of the trial at hand; its process, and its data where all have the same
  hd_sweep *s;
  hd_recipe *base;        // without what is varied
  char recipe[CLI_PATH];  // its file
  const cli_args *args;
  cli_run run;                       // the sweep's directory
  cli_outcome *rung[CLI_RUNGS + 1];  // from 1: of every trial; NULL: none got there
  int epochs;                        // of the recipe
  hd_arena arena;                    // of outcomes and tables
  bool quiet, json, page;
} cli_sweeping;

// The best first: by rung, then by the measure, loss and number; what diverged comes last.
typedef struct cli_ranked {
  int trial, rung;
  double worse;  // the measure, less being better; infinite for what diverged
  const cli_outcome *outcome;
} cli_ranked;

// The recipe, data and network of a trial in w->t; 0 or an exit status with the message printed.
int cli_sweep_prepare(cli_sweeping *w, int trial);
int cli_sweep_trials(cli_sweeping *w);  // all of them, but for those that are done; an exit status

bool cli_sweep_room(cli_sweeping *w, int rung);  // false: memory is out
const cli_outcome *cli_sweep_outcome(const cli_sweeping *w, int rung, int trial);  // NULL: none yet
double cli_sweep_worse(const cli_sweeping *w, const cli_outcome *o);
// From the trial's metrics.jsonl, its epochs to `until` (0: all).
hd_status cli_outcome_read(cli_sweeping *w, const char *metrics, int until, cli_outcome *to,
                           hd_error *err);
// sweep.jsonl: what it holds; one more line.
hd_status cli_sweep_load(cli_sweeping *w, hd_error *err);
hd_status cli_sweep_add(cli_sweeping *w, int rung, int trial, const cli_outcome *o, hd_error *err);
void cli_sweep_trial_dir(const cli_sweeping *w, int trial, char *to);  // to: char[CLI_PATH]

// All trials that have an outcome at the rung (0: at any, by their last one), in the arena; NULL:
// memory is out.
cli_ranked *cli_sweep_rank(cli_sweeping *w, int rung, int *count);
// Rows of `columns` cells, the first being the heads; NULL: memory is out.
const char **cli_sweep_cells(cli_sweeping *w, const cli_ranked *rank, int count, int *columns);
void cli_sweep_print(const char *const *cells, int rows, int columns, int most);
bool cli_sweep_print_json(cli_sweeping *w, const cli_ranked *rank, int count);
// "train.batch 32  model.2.dense 64"; between: what stands after a path
void cli_sweep_words(const cli_sweeping *w, int trial, const char *before, const char *between,
                     hd_text *to);
// sweep.html: the table, and the measure against each key.
hd_status cli_sweep_page(cli_sweeping *w, const cli_ranked *rank, int count, hd_error *err);

#endif
