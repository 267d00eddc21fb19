// Training: optimisers, schedules, the fit loop, evaluation, prediction, checkpoints.
#ifndef HADAL_TRAIN_H
#define HADAL_TRAIN_H

#include "data.h"
#include "field.h"
#include "plan.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- Schedules: the factor on the learning rate, by epoch -------------------------------------------
typedef enum hd_schedule_kind { HD_SCHEDULE_CONSTANT = 0, HD_SCHEDULE_STEP, HD_SCHEDULE_COSINE } hd_schedule_kind;
typedef struct hd_schedule {
  hd_schedule_kind kind HD_Z;
  float every HD_Z;    // STEP: epochs between drops; default 1
  float factor HD_Z;   // STEP: of each drop; default 0.1
  float total HD_Z;    // COSINE: epochs to reach the floor; default: all of the training
  float floor HD_Z;    // COSINE: the last factor; default 0
  float warmup HD_Z;   // epochs of linear rise from 0 before either; default 0
} hd_schedule;
extern HD_API const hd_fields hd_schedule_fields;
// Per optimiser step: (1 + cos(pi t / total)) / 2 and the like. step counts from 0.
HD_API double hd_schedule_factor(const hd_schedule *schedule, double steps_per_epoch, double epochs, int64_t step);

// ---- Optimisers ------------------------------------------------------------------------------------
typedef struct hd_optimizer_rule hd_optimizer_rule;  // one file of src/train each
typedef struct hd_optimizer {
  const hd_optimizer_rule *rule;  // NULL: none
  double options[12];             // the options struct of the rule
} hd_optimizer;

// Stochastic gradient descent (Robbins & Monro 1951) with momentum as in Sutskever et al. 2013:
// v = momentum v + g, w -= lr v; Nesterov: w -= lr (g + momentum v).
typedef struct hd_sgd_options {
  HD_OPTIONS;
  float lr HD_Z;            // default 0.01
  float momentum HD_Z;      // default 0
  bool nesterov HD_Z;
  float weight_decay HD_Z;  // g += weight_decay w (L2); default 0
} hd_sgd_options;
HD_API hd_optimizer hd_sgd(hd_sgd_options options);
#define hd_sgd(...) hd_sgd(HD_LIT(hd_sgd_options){.hd_z = 0, __VA_ARGS__})

// Tieleman & Hinton 2012: s = rho s + (1 - rho) g^2, w -= lr g / (sqrt(s) + eps).
typedef struct hd_rmsprop_options {
  HD_OPTIONS;
  float lr HD_Z;            // default 0.001
  float rho HD_Z;           // default 0.9
  float epsilon HD_Z;       // default 1e-8
  float momentum HD_Z;      // of the scaled step; default 0
  float weight_decay HD_Z;  // default 0
} hd_rmsprop_options;
HD_API hd_optimizer hd_rmsprop(hd_rmsprop_options options);
#define hd_rmsprop(...) hd_rmsprop(HD_LIT(hd_rmsprop_options){.hd_z = 0, __VA_ARGS__})

// Kingma & Ba 2015, with both bias corrections.
typedef struct hd_adam_options {
  HD_OPTIONS;
  float lr HD_Z;            // default 0.001
  float beta1 HD_Z;         // default 0.9
  float beta2 HD_Z;         // default 0.999
  float epsilon HD_Z;       // default 1e-8
  float weight_decay HD_Z;  // default 0
  bool decoupled HD_Z;      // weight decay on the weight itself (Loshchilov & Hutter 2019)
} hd_adam_options;
HD_API hd_optimizer hd_adam(hd_adam_options options);
#define hd_adam(...) hd_adam(HD_LIT(hd_adam_options){.hd_z = 0, __VA_ARGS__})

// By name, for recipes: its field table, its rule, and an optimiser from a filled options struct.
HD_API const hd_optimizer_rule *hd_optimizer_find(const char *name);  // NULL: unknown
HD_API const char *const *hd_optimizer_names(void);                   // NULL-terminated
HD_API const hd_fields *hd_optimizer_fields(const hd_optimizer_rule *rule);
HD_API hd_optimizer hd_optimizer_of(const hd_optimizer_rule *rule, const void *options);

typedef struct hd_minimize_options {
  HD_OPTIONS;
  const hd_val *weights HD_Z;  // default: all that loss depends on (hd_weights)
  int count HD_Z;              // of weights
  const hd_val *gradients HD_Z;  // one for each weight; default: of loss
  hd_schedule schedule HD_Z;
  double steps_per_epoch HD_Z;  // what the schedule's epochs are made of; default 1
  double epochs HD_Z;           // of the whole training, for a schedule without a total
} hd_minimize_options;
// Adds gradients and assignments: one set of optimiser state for each call. A step whose loss is not
// finite leaves weights and state as they are.
HD_API hd_update hd_minimize(hd_val loss, hd_optimizer optimizer, hd_minimize_options options);
#define hd_minimize(...) \
  hd_minimize(HD_HEAD2_(__VA_ARGS__, ), HD_LIT(hd_minimize_options){.hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})

// ---- Fitting ---------------------------------------------------------------------------------------
typedef struct hd_metrics {   // means over samples
  double loss, accuracy;      // accuracy: NaN where it is not defined
} hd_metrics;

typedef struct hd_progress {
  int epoch, epochs;          // epoch counts from 1
  int64_t step, steps;        // within the epoch, from 1
  int64_t global_step;
  double loss;                // of this step
  hd_metrics train, valid;    // of the epoch (on_epoch; on_step: train so far)
  bool has_valid, best;       // best: of all epochs so far, by validation loss (training loss without)
  double seconds;             // of the epoch so far
  double rate;                // samples a second
  double lr;
} hd_progress;

typedef struct hd_fit_result {
  hd_metrics train, valid, best;
  int epochs, best_epoch;     // done; NaN-free
  int64_t steps;
  double seconds;
  int64_t step_allocations;   // after the first step
  int64_t planned;            // peak bytes of the environment, computed before the first step
  bool stopped_early;
} hd_fit_result;

typedef struct hd_fit_options {
  HD_OPTIONS;
  hd_optimizer optimizer HD_Z;      // default hd_adam()
  hd_schedule schedule HD_Z;
  int batch HD_Z;                   // default 64
  int epochs HD_Z;                  // default 10
  uint64_t seed HD_Z;               // of shuffling; default 1
  bool no_shuffle HD_Z;
  hd_val accuracy HD_Z;             // a scalar to be averaged beside the loss
  const hd_data *valid HD_Z;        // validation set, evaluated after each epoch
  int patience HD_Z;                // early stopping: epochs without improvement; 0: off
  float min_delta HD_Z;             // what counts as one; default 0
  bool restore_best HD_Z;           // leave the best epoch's weights in the store
  int shards HD_Z;                  // slices of a batch with a fixed tree of sums; default 1
  void *user HD_Z;
  // Return false to stop: hd_fit then saves a checkpoint if it can, and returns HD_E_STOPPED.
  bool (*on_step)(void *user, const hd_progress *progress) HD_Z;
  bool (*on_epoch)(void *user, const hd_progress *progress) HD_Z;
  const char *checkpoints HD_Z;     // a folder; NULL: none are written
  int keep HD_Z;                    // of them; default 2
  int checkpoint_steps HD_Z;        // also within an epoch, every so many steps; default 0: at its end
  float checkpoint_seconds HD_Z;    // leave out those of epochs that end sooner after the last one;
                                    // the last epoch's is always written. Default 0: none left out
  bool resume HD_Z;                 // from the newest whole checkpoint, if there is one
  bool no_fusion HD_Z;
  hd_fit_result *result HD_Z;       // may be NULL
} hd_fit_options;
// Minimises loss (a scalar mean over the batch) on data; columns feed the inputs of the same names.
// HD_E_DIVERGED when the loss is not finite: text names the first layer that made it so.
HD_API hd_status hd_fit(hd_store *store, hd_val loss, const hd_data *data, hd_error *err, hd_fit_options options);
#define HD_HEAD4_(x, y, z, u, ...) (x), (y), (z), (u)
#define HD_TAIL4_(x, y, z, u, ...) __VA_ARGS__
#define hd_fit(...) hd_fit(HD_HEAD4_(__VA_ARGS__, ), HD_LIT(hd_fit_options){.hd_z = 0, HD_TAIL4_(__VA_ARGS__, )})

// Means of loss and accuracy (may be null) over all samples, in evaluate mode.
HD_API hd_status hd_evaluate(hd_store *store, hd_val loss, hd_val accuracy, const hd_data *data, int batch, hd_metrics *to, hd_error *err);
// value for every sample of `input` (first axis), which feeds the only input that value needs. The
// caller frees the tensor; .data is NULL on failure.
HD_API hd_tensor hd_predict(hd_store *store, hd_val value, hd_tensor input, hd_error *err);
// The same for the columns of data that value's inputs name.
HD_API hd_tensor hd_predict_data(hd_store *store, hd_val value, const hd_data *data, int batch, hd_error *err);

// ---- Checkpoints -----------------------------------------------------------------------------------
// Everything that a resumed run needs, in one safetensors file with a checksum. Written atomically;
// the last `keep` stay; a damaged one is passed over for the one before.
typedef struct hd_counters {
  int64_t saves;                                       // checkpoints written before this one
  int64_t epoch, step, global_step, best_epoch, wait;  // epochs done; steps done in the current one
  double best_loss;
  double loss_sum, accuracy_sum;                       // of the current epoch
  int64_t samples;
} hd_counters;
HD_API HD_NODISCARD hd_status hd_checkpoint_save(const hd_store *store, const char *folder, int keep, const hd_counters *counters, hd_error *err);
// HD_E_NOT_FOUND when the folder holds no whole checkpoint.
HD_API HD_NODISCARD hd_status hd_checkpoint_load(hd_store *store, const char *folder, hd_counters *counters, hd_error *err);

#ifdef __cplusplus
}
#endif
#endif
