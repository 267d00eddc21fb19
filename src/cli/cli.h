// The command: its table, arguments, messages, environment, run directories, progress.
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdio.h>

#include "../../include/hadal/extra.h"
#include "../../include/hadal/hadal.h"
#include "../../include/hadal/recipe.h"
#include "../base/base.h"
#include "../base/json.h"

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_WRONG = 2, CLI_INTERRUPTED = 130 };

// ---- Arguments ----------------------------------------------------------------------------------
typedef struct cli_option {
  const char *name;      // "--seed"
  const char *value;     // "N", or NULL: a flag
  const char *standard;  // as --help prints it
  const char *help;
} cli_option;

enum { CLI_WORDS = 256, CLI_SETS = 128, CLI_OPTIONS = 16 };
typedef struct cli_args {
  const struct cli_command *command;
  const char *word[CLI_WORDS];  // what is no option
  int words;
  const char *value[CLI_OPTIONS];  // of the command's options, "" for a given flag, NULL if absent
  const char *set[CLI_SETS + 2];   // --set, NULL-terminated
  int sets;
} cli_args;

typedef struct cli_command {
  const char *name, *usage, *about;
  const cli_option *options;  // ends with {0}
  int least, most;            // words
  int (*run)(cli_args *args);
  const char *notes;  // the end of its --help, or NULL
} cli_command;

extern const cli_command cli_train, cli_eval, cli_predict, cli_summary, cli_list, cli_check,
    cli_bench, cli_lecture, cli_report, cli_sweep, cli_filter;
extern const cli_command *const cli_commands[];  // NULL-terminated

// Runs a whole command line; returns the exit status.
int cli_main(int count, char **words);
const char *cli_value(const cli_args *args, const char *option);  // NULL: not given
bool cli_has(const cli_args *args, const char *option);
// A whole number in [low, high], or `standard` when absent. false: a message was printed.
bool cli_number(const cli_args *args, const char *option, int64_t low, int64_t high,
                int64_t standard, int64_t *to);

// "hadal: ..." on stderr; returns `status`.
int cli_fail(int status, const char *format, ...) HD_PRINTF(2, 3);

// ---- The process --------------------------------------------------------------------------------
typedef struct cli_process {
  hd_memory memory;  // of the network: graph, weights, plans
  hd_memory data_memory;
  hd_env env;     // counts into `memory`
  hd_env data;    // for data sets, recipes and texts: counts into `data_memory`
  int64_t limit;  // bytes of this machine's memory
  hd_data_options sets;
  char cache[1024], shared[1024];
} cli_process;
// Reads HADAL_DATA and HADAL_CPU. The process must stay where it is.
void cli_process_start(cli_process *p, int threads);
// Where a folder of the distribution may be: place 0 to 3.
void cli_shared_dir(int place, const char *name, char *to, size_t size);
extern volatile int cli_interrupted;  // set by the first SIGINT or SIGTERM
void cli_catch_interrupts(void);      // the second one ends the process at once

// ---- Recipes and models by name -----------------------------------------------------------------
enum { CLI_PATH = 4096 };
// A path, or a name looked up in ./recipes, then beside the command, then among the installed ones.
// false: a message was printed.
bool cli_find_recipe(const char *word, char *path);
bool cli_find_recipe_of(const char *where, const char *word, char *path);  // messages begin so
bool cli_find_sweep(const char *word, char *path);  // the same in recipes/sweeps
hd_document_reader *cli_yaml(void);                 // NULL: this build reads JSON only
// Calls see(user, path) for every recipe that can be named, each name once.
void cli_each_recipe(void (*see)(void *user, const char *name, const char *path), void *user);
// A set that is known, or the path of a .csv or of a folder; NULL is no wrong word.
bool cli_names_data(const char *name);
hd_recipe *cli_read_recipe(const cli_process *p, const char *path, const cli_args *args,
                           hd_error *err);
// RUN or a model file -> the model file. false: a message was printed.
bool cli_find_model(const char *word, char *path);

// ---- Run directories ----------------------------------------------------------------------------
typedef struct cli_run {
  const hd_env *env;
  char dir[CLI_PATH - 64];
  bool resumed;  // the directory was there
} cli_run;
// Makes or finds the directory; 0 or an exit status with the message printed.
int cli_run_open(cli_run *run, const hd_env *env, const char *name, const char *dir, bool resume);
// With --resume: whether there is a run to go on with; run->dir is it.
bool cli_run_find(cli_run *run, const hd_env *env, const char *name, const char *dir);
void cli_run_path(const cli_run *run, const char *file, char *to);  // to: char[CLI_PATH]
hd_status cli_run_add_metrics(const cli_run *run, const char *line, hd_error *err);
// Keeps the lines of epochs 1 .. epochs, and adds their seconds to *seconds.
hd_status cli_run_trim_metrics(const cli_run *run, int64_t epochs, double *seconds, hd_error *err);
hd_status cli_run_describe(const cli_run *run, const hd_recipe *recipe, const cli_process *p,
                           const hd_splits *parts, hd_error *err);

// {"loss":0.3,"accuracy":0.9}; the accuracy as the fraction of `samples` it is
void cli_add_metrics(hd_text *to, hd_metrics m, int64_t samples);

// ---- Progress -----------------------------------------------------------------------------------
typedef struct cli_progress {
  bool quiet, terminal, open;  // open: an unfinished line is on the terminal
  const char *cell;            // of the bar
  double shown, started;
  int64_t done, batch;  // steps since `started`
} cli_progress;
void cli_progress_start(cli_progress *p, bool quiet);
void cli_progress_step(cli_progress *p, const hd_progress *at);
void cli_progress_epoch(cli_progress *p, const hd_progress *at);
void cli_progress_end(cli_progress *p);
// "61,706" in `to` (char[32]).
const char *cli_count(int64_t n, char *to);
// "1.2 MB"
const char *cli_bytes(double bytes, char *to);

// To evaluate by: never more than a training step takes, so that its memory is there.
int cli_evaluate_batch(const hd_recipe *recipe);

// ---- Samples from files -------------------------------------------------------------------------
typedef struct cli_sample {
  int file;
  int64_t row;  // from 1; 0: the file is one sample
} cli_sample;
typedef struct cli_samples {
  const hd_env *env;
  hd_type type;               // of one
  int64_t size;               // bytes of one
  const char *set;            // that the model was trained on
  bool resize;                // images are brought to the model's size
  const hd_word_list *words;  // of the columns of the .csv files it was trained on, or NULL
  void *data;
  cli_sample *from;
  int64_t count;
} cli_samples;
hd_status cli_samples_add(cli_samples *s, const char *path, int file, hd_error *err);
void cli_samples_free(cli_samples *s);

// ---- Problem strings ----------------------------------------------------------------------------
enum { CLI_FORWARD = 0, CLI_DW, CLI_DX };
typedef struct cli_problem {
  char text[128];
  bool conv;
  int64_t m, n, k;  // matmul; n is conv2d's batch
  int64_t h, w, c, f, kernel[2], stride, pad, dilation, groups;
  bool ta, tb;
  int direction;
  hd_precision precision;
} cli_problem;
bool cli_problem_parse(const char *text, cli_problem *to, char *why, size_t size);
double cli_problem_flop(const cli_problem *p);
// The problem as a graph of one value. dtype: of everything in it.
typedef struct cli_trial {
  hd_graph *graph;
  hd_store *store;
  hd_plan *plan;
  hd_workspace *workspace;
} cli_trial;
hd_status cli_trial_open(const hd_env *env, const cli_problem *p, hd_dtype dtype, cli_trial *to,
                         hd_error *err);
void cli_trial_close(cli_trial *t);
void cli_fill(hd_workspace *workspace, const char *input);
// Prints a line; CLI_DONE or CLI_FAILED.
int cli_check_op(const cli_process *p, const hd_op *op);

#endif
