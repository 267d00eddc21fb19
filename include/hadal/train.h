// Training: optimisers, schedules, the fit loop, evaluation, prediction, checkpoints.
#ifndef HADAL_TRAIN_H
#define HADAL_TRAIN_H

#include "data.h"
#include "field.h"
#include "plan.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- Schedules: the factor on the learning rate, by epoch ---------------------------------------
// e: epochs so far, with fractions; x = e / total, at most 1; lr: of the optimiser's options.
typedef enum hd_schedule_kind {
  HD_SCHEDULE_CONSTANT = 0,  // 1
  HD_SCHEDULE_STEP,          // factor^floor(e / every)
  HD_SCHEDULE_MULTI_STEP,    // factor^(how many of `at` are reached)
  HD_SCHEDULE_EXPONENTIAL,   // factor^(e / every)
  HD_SCHEDULE_LINEAR,        // floor + (1 - floor) (1 - x)
  HD_SCHEDULE_POLYNOMIAL,    // floor + (1 - floor) (1 - x)^power
  HD_SCHEDULE_COSINE,        // floor + (1 - floor) (1 + cos(pi x)) / 2
  // The cosine again and again: over `every` epochs, then `growth` times as many each time (SGDR,
  // Loshchilov & Hutter 2017).
  HD_SCHEDULE_RESTARTS,
  // From start up to 1 at x = peak, then down to floor, each half a cosine (Smith & Topin 2018).
  HD_SCHEDULE_ONE_CYCLE,
  // sqrt(warmup / e) after the warm-up, whose default is then 1 (Vaswani et al. 2017).
  HD_SCHEDULE_INVERSE_SQRT,
  // hd_fit only: the optimiser's lr times factor, but not below floor lr, after each `patience`
  // epochs in which the validation loss (the training loss without) did not improve by min_delta.
  HD_SCHEDULE_PLATEAU
} hd_schedule_kind;
typedef struct hd_schedule {
  hd_schedule_kind kind HD_Z;
  float every HD_Z;   // epochs; default 1
  float factor HD_Z;  // of each drop; default 0.1
  float at[8] HD_Z;   // MULTI_STEP: epochs of the drops, up to the first 0
  float total HD_Z;   // epochs to reach the floor; default: all of the training
  float floor HD_Z;   // the last factor; default 0
  float power HD_Z;   // POLYNOMIAL; default 1
  float growth HD_Z;  // RESTARTS: of the length of a period, at least 1; default 1
  float start HD_Z;   // ONE_CYCLE: the first factor; default 0.04
  float peak HD_Z;    // ONE_CYCLE: the part of total that rises; default 0.3
  int patience HD_Z;  // PLATEAU; default 10
  float warmup HD_Z;  // epochs of linear rise from 0, a factor on all of these; default 0
} hd_schedule;
extern HD_API const hd_fields hd_schedule_fields;
// At an optimiser step, which counts from 0.
HD_API double hd_schedule_factor(const hd_schedule *schedule, double steps_per_epoch, double epochs,
                                 int64_t step);

// ---- Optimisers ---------------------------------------------------------------------------------
typedef struct hd_optimizer_rule hd_optimizer_rule;  // one file of src/train each
typedef struct hd_optimizer {
  const hd_optimizer_rule *rule;  // NULL: none
  double options[12];             // the options struct of the rule
} hd_optimizer;

// One file of src/train each. g is the gradient, w the weight, t the number of the step from 1.
// Descent on all samples at once, on one, or on a few (batch, stochastic, mini-batch) is a matter
// of the batch size.

// The two ways to write momentum: they differ as soon as the learning rate changes.
typedef enum hd_sgd_form {
  HD_SGD_GRADIENT = 0,  // v = momentum v + (1 - dampening) g, w -= lr v
  HD_SGD_CLASSICAL      // v = momentum v - lr (1 - dampening) g, w += v (Polyak 1964)
} hd_sgd_form;
// Stochastic gradient descent (Robbins & Monro 1951) with momentum. Nesterov's, as Sutskever et al.
// 2013 put it: w -= lr (g + momentum v), or w += momentum v - lr g.
typedef struct hd_sgd_options {
  HD_OPTIONS;
  float lr HD_Z;         // default 0.01
  float momentum HD_Z;   // default 0
  float dampening HD_Z;  // default 0
  bool nesterov HD_Z;
  hd_sgd_form form HD_Z;
  float weight_decay HD_Z;  // L2: g += weight_decay w; default 0
} hd_sgd_options;
HD_API hd_optimizer hd_sgd(hd_sgd_options options);
#define hd_sgd(...) hd_sgd(HD_LIT(hd_sgd_options){.hd_z = 0, __VA_ARGS__})

// Tieleman & Hinton 2012: s = rho s + (1 - rho) g^2, w -= lr g / (sqrt(s) + eps). Centered (Graves
// 2013): s less the square of the running mean of g, which estimates the variance.
typedef struct hd_rmsprop_options {
  HD_OPTIONS;
  float lr HD_Z;        // default 0.001
  float rho HD_Z;       // default 0.9
  float epsilon HD_Z;   // default 1e-8
  float momentum HD_Z;  // of the scaled step; default 0
  bool centered HD_Z;
  float weight_decay HD_Z;  // L2: g += weight_decay w; default 0
} hd_rmsprop_options;
HD_API hd_optimizer hd_rmsprop(hd_rmsprop_options options);
#define hd_rmsprop(...) hd_rmsprop(HD_LIT(hd_rmsprop_options){.hd_z = 0, __VA_ARGS__})

// Duchi et al. 2011: s += g^2, w -= lr g / (sqrt(s) + eps).
typedef struct hd_adagrad_options {
  HD_OPTIONS;
  float lr HD_Z;            // default 0.01
  float epsilon HD_Z;       // default 1e-10
  float initial HD_Z;       // first s; default 0
  float weight_decay HD_Z;  // L2: g += weight_decay w; default 0
} hd_adagrad_options;
HD_API hd_optimizer hd_adagrad(hd_adagrad_options options);
#define hd_adagrad(...) hd_adagrad(HD_LIT(hd_adagrad_options){.hd_z = 0, __VA_ARGS__})

// Zeiler 2012: s = rho s + (1 - rho) g^2, d = g sqrt(u + eps) / sqrt(s + eps),
// u = rho u + (1 - rho) d^2, w -= lr d.
typedef struct hd_adadelta_options {
  HD_OPTIONS;
  float lr HD_Z;            // default 1
  float rho HD_Z;           // default 0.95
  float epsilon HD_Z;       // default 1e-6
  float weight_decay HD_Z;  // L2: g += weight_decay w; default 0
} hd_adadelta_options;
HD_API hd_optimizer hd_adadelta(hd_adadelta_options options);
#define hd_adadelta(...) hd_adadelta(HD_LIT(hd_adadelta_options){.hd_z = 0, __VA_ARGS__})

// Kingma & Ba 2015, with both bias corrections.
typedef struct hd_adam_options {
  HD_OPTIONS;
  float lr HD_Z;            // default 0.001
  float beta1 HD_Z;         // default 0.9
  float beta2 HD_Z;         // default 0.999
  float epsilon HD_Z;       // default 1e-8
  float weight_decay HD_Z;  // default 0
  bool decoupled HD_Z;      // weight decay on the weight itself: AdamW (Loshchilov & Hutter 2019)
  bool amsgrad HD_Z;        // divide by the largest v so far (Reddi et al. 2018)
} hd_adam_options;
HD_API hd_optimizer hd_adam(hd_adam_options options);
#define hd_adam(...) hd_adam(HD_LIT(hd_adam_options){.hd_z = 0, __VA_ARGS__})

// Kingma & Ba 2015, section 7: u = max(beta2 u, |g|), w -= lr m^ / (u + eps).
typedef struct hd_adamax_options {
  HD_OPTIONS;
  float lr HD_Z;            // default 0.002
  float beta1 HD_Z;         // default 0.9
  float beta2 HD_Z;         // default 0.999
  float epsilon HD_Z;       // default 1e-8
  float weight_decay HD_Z;  // L2: g += weight_decay w; default 0
} hd_adamax_options;
HD_API hd_optimizer hd_adamax(hd_adamax_options options);
#define hd_adamax(...) hd_adamax(HD_LIT(hd_adamax_options){.hd_z = 0, __VA_ARGS__})

// Dozat 2016, with a constant beta1: Adam with the mean that the next step would use,
// beta1 m / (1 - beta1^(t+1)) + (1 - beta1) g / (1 - beta1^t).
typedef struct hd_nadam_options {
  HD_OPTIONS;
  float lr HD_Z;            // default 0.002
  float beta1 HD_Z;         // default 0.9
  float beta2 HD_Z;         // default 0.999
  float epsilon HD_Z;       // default 1e-8
  float weight_decay HD_Z;  // L2: g += weight_decay w; default 0
} hd_nadam_options;
HD_API hd_optimizer hd_nadam(hd_nadam_options options);
#define hd_nadam(...) hd_nadam(HD_LIT(hd_nadam_options){.hd_z = 0, __VA_ARGS__})

// Liu et al. 2020: Adam whose step is rectified while the variance of 1 / sqrt(v^) is large, and is
// lr m^ while that is not finite (the first steps: rho_t <= 4).
typedef struct hd_radam_options {
  HD_OPTIONS;
  float lr HD_Z;            // default 0.001
  float beta1 HD_Z;         // default 0.9
  float beta2 HD_Z;         // default 0.999
  float epsilon HD_Z;       // default 1e-8
  float weight_decay HD_Z;  // L2: g += weight_decay w; default 0
} hd_radam_options;
HD_API hd_optimizer hd_radam(hd_radam_options options);
#define hd_radam(...) hd_radam(HD_LIT(hd_radam_options){.hd_z = 0, __VA_ARGS__})

// Chen et al. 2023: w -= lr sign(beta1 m + (1 - beta1) g), then m = beta2 m + (1 - beta2) g.
typedef struct hd_lion_options {
  HD_OPTIONS;
  float lr HD_Z;            // default 0.0001
  float beta1 HD_Z;         // default 0.9
  float beta2 HD_Z;         // default 0.99
  float weight_decay HD_Z;  // decoupled: w -= lr weight_decay w; default 0
} hd_lion_options;
HD_API hd_optimizer hd_lion(hd_lion_options options);
#define hd_lion(...) hd_lion(HD_LIT(hd_lion_options){.hd_z = 0, __VA_ARGS__})

// You et al. 2020: Adam's direction plus weight_decay w, scaled for each weight to its norm.
typedef struct hd_lamb_options {
  HD_OPTIONS;
  float lr HD_Z;            // default 0.001
  float beta1 HD_Z;         // default 0.9
  float beta2 HD_Z;         // default 0.999
  float epsilon HD_Z;       // default 1e-6
  float weight_decay HD_Z;  // default 0
} hd_lamb_options;
HD_API hd_optimizer hd_lamb(hd_lamb_options options);
#define hd_lamb(...) hd_lamb(HD_LIT(hd_lamb_options){.hd_z = 0, __VA_ARGS__})

// Riedmiller & Braun 1993, as iRprop- (Igel & Huesken 2000): a step size for each element, by the
// sign of the gradient alone. For batches of all samples.
typedef struct hd_rprop_options {
  HD_OPTIONS;
  float lr HD_Z;        // the first step size; default 0.01
  float down HD_Z;      // on a change of sign; default 0.5
  float up HD_Z;        // otherwise; default 1.2
  float smallest HD_Z;  // default 1e-6
  float largest HD_Z;   // default 50
} hd_rprop_options;
HD_API hd_optimizer hd_rprop(hd_rprop_options options);
#define hd_rprop(...) hd_rprop(HD_LIT(hd_rprop_options){.hd_z = 0, __VA_ARGS__})

// Stochastic gradient Langevin dynamics (Welling & Teh 2011): w -= lr / 2 (samples g + w / prior^2)
// + noise of variance lr temperature. After a burn-in the weights of its steps are draws from the
// posterior, all the closer the smaller lr is: keep some by hd_store_copy in on_epoch, and average
// their answers by hd_predict_mean. samples makes the mean loss of a batch the negative
// log likelihood of the training set. No other weight decay, clipping or averages.
typedef struct hd_sgld_options {
  HD_OPTIONS;
  float lr HD_Z;           // default 1e-4
  float samples HD_Z;      // of the training set; default 1: the loss is their sum
  float prior HD_Z;        // deviation of the weights' normal prior; default 0: flat
  float temperature HD_Z;  // of the noise's variance; default 1
} hd_sgld_options;
HD_API hd_optimizer hd_sgld(hd_sgld_options options);
#define hd_sgld(...) hd_sgld(HD_LIT(hd_sgld_options){.hd_z = 0, __VA_ARGS__})

// By name, for recipes: its field table, its rule, and an optimiser from a filled options struct.
HD_API const hd_optimizer_rule *hd_optimizer_find(const char *name);  // NULL: unknown
HD_API const char *const *hd_optimizer_names(void);                   // NULL-terminated
HD_API const hd_fields *hd_optimizer_fields(const hd_optimizer_rule *rule);
HD_API hd_optimizer hd_optimizer_of(const hd_optimizer_rule *rule, const void *options);

typedef struct hd_minimize_options {
  HD_OPTIONS;
  const hd_val *weights HD_Z;    // default: all that loss depends on (hd_weights)
  int count HD_Z;                // of weights
  const hd_val *gradients HD_Z;  // one for each weight; default: of loss
  hd_schedule schedule HD_Z;
  double steps_per_epoch HD_Z;  // updates in an epoch, for schedule and swa; default 1
  double epochs HD_Z;           // of the whole training, for a schedule without a total
  int accumulate HD_Z;          // steps that make one update, of their gradients' mean; default 1
  float clip_value HD_Z;        // every gradient held in [-clip_value, clip_value]; 0: off
  float clip_norm HD_Z;         // all scaled down to this norm (Pascanu et al. 2013); 0: off
  float l1 HD_Z;                // g += l1 sign(w), after clipping, as weight decay is; default 0
  // After the update, the incoming weights of a unit (all axes but the last; not of vectors) are
  // scaled down to this norm (Srivastava et al. 2014); 0: off.
  float max_norm HD_Z;
  // Also keep an average of each weight, "adam_1/NAME/average". ema: the decay of an exponential
  // mean, with the bias correction of Kingma & Ba 2015, section 7.2. swa: the plain mean of the
  // weights at the ends of epochs, from this one on (Izmailov et al. 2018). 0: off.
  float ema HD_Z;
  int swa HD_Z;
} hd_minimize_options;
// Adds gradients and assignments: one set of optimiser state for each call. A step whose loss is
// not finite leaves weights and state as they are, and does not count. On its way a gradient is
// averaged over `accumulate` steps, clipped by value, clipped by norm, and given l1 and weight
// decay. The norm is summed in the order of `weights`, gradients one step after the other: orders
// that nothing else changes.
HD_API hd_update hd_minimize(hd_val loss, hd_optimizer optimizer, hd_minimize_options options);
#define hd_minimize(...) \
  hd_minimize(HD_HEAD2_(__VA_ARGS__, ), \
              HD_LIT(hd_minimize_options){.hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})

// ---- Fitting ------------------------------------------------------------------------------------
typedef struct hd_metrics {  // means over samples
  double loss, accuracy;     // accuracy: NaN where it is not defined
} hd_metrics;

typedef struct hd_progress {
  int epoch, epochs;    // epoch counts from 1
  int64_t step, steps;  // within the epoch, from 1
  int64_t global_step;
  double loss;              // of this step
  hd_metrics train, valid;  // of the epoch (on_epoch; on_step: train so far)
  bool has_valid, best;     // best: so far, by validation loss (training loss without)
  double seconds;           // of the epoch so far
  double rate;              // samples a second
  double lr;                // of this step
  const double *watched;    // on_epoch: the values of hd_fit_options.watch, or NULL
} hd_progress;

typedef struct hd_fit_result {
  hd_metrics train, valid, best;
  int epochs, best_epoch;  // done; NaN-free
  int64_t steps;
  double seconds;
  int64_t step_allocations;  // after the first step
  int64_t planned;           // peak bytes of the environment, computed before the first step
  bool stopped_early;
} hd_fit_result;

typedef struct hd_fit_options {
  HD_OPTIONS;
  hd_optimizer optimizer HD_Z;  // default hd_adam()
  hd_schedule schedule HD_Z;
  // As in hd_minimize_options. An update takes accumulate batches; one that an epoch leaves open
  // goes on in the next. With ema or swa the averaged weights are the model: they are validated,
  // kept as the best, and at the end left in the store, in whose place for them the training
  // weights then are. Checkpoints hold both. Statistics of batch norm are made anew for
  // them, by a pass over the data at each epoch's end, as hd_update_statistics does.
  int accumulate HD_Z;
  float clip_value HD_Z, clip_norm HD_Z, l1 HD_Z, max_norm HD_Z;
  float ema HD_Z;
  int swa HD_Z;
  int batch HD_Z;      // default 64
  int epochs HD_Z;     // default 10
  uint64_t seed HD_Z;  // of shuffling; default 1
  bool no_shuffle HD_Z;
  hd_val accuracy HD_Z;  // a scalar to be averaged beside the loss
  // Scalars to look at, such as the norms of gradients: at the end of each epoch a plan of their
  // own computes them in training mode, on the first half of the epoch's last whole batch (all of
  // one below 8), which keeps its values within the memory of a step. It changes no variable.
  const hd_val *watch HD_Z;
  int watches HD_Z;
  const hd_data *valid HD_Z;  // validation set, evaluated after each epoch
  int patience HD_Z;          // early stopping: epochs without improvement; 0: off
  float min_delta HD_Z;       // what counts as one; default 0
  bool restore_best HD_Z;     // leave the best epoch's weights in the store
  int shards HD_Z;            // slices of a batch with a fixed tree of sums; default 1
  void *user HD_Z;
  // Return false to stop: hd_fit then saves a checkpoint if it can, and returns HD_E_STOPPED.
  bool (*on_step)(void *user, const hd_progress *progress) HD_Z;
  bool (*on_epoch)(void *user, const hd_progress *progress) HD_Z;
  const char *checkpoints HD_Z;   // a folder; NULL: none are written
  int keep HD_Z;                  // of them; default 2
  int checkpoint_steps HD_Z;      // also within an epoch, every so many steps; default 0: no
  float checkpoint_seconds HD_Z;  // leave out those of epochs that end sooner after the last one;
                                  // the last epoch's is always written. Default 0: none left out
  bool resume HD_Z;               // from the newest whole checkpoint, if there is one
  bool no_fusion HD_Z;
  hd_precision precision HD_Z;  // of products and convolutions, validation's too; weights and
                                // optimiser state stay f32. Default HD_PRECISION_F32
  hd_fit_result *result HD_Z;   // may be NULL
} hd_fit_options;
// Minimises loss (a scalar mean over the batch) on data; columns feed the inputs of the same names.
// HD_E_DIVERGED when the loss is not finite: text names the first layer that made it so.
// Each call adds an optimiser of its own to the graph ("adam_1", then "adam_2"): to resume, build
// the graph anew. The learning rate is part of what a checkpoint holds.
HD_API HD_NODISCARD hd_status hd_fit(hd_store *store, hd_val loss, const hd_data *data,
                                     hd_error *err, hd_fit_options options);
#define hd_fit(...) \
  hd_fit(HD_HEAD4_(__VA_ARGS__, ), HD_LIT(hd_fit_options){.hd_z = 0, HD_TAIL4_(__VA_ARGS__, )})

// Means of loss and accuracy (may be null) over all samples, in evaluate mode and f32, whatever the
// precision of the training was; so are predictions. (For bf16: hd_compile with .precision.)
HD_API HD_NODISCARD hd_status hd_evaluate(hd_store *store, hd_val loss, hd_val accuracy,
                                          const hd_data *data, int batch, hd_metrics *to,
                                          hd_error *err);

// value for every sample of `input` (first axis), which feeds the only input that value needs. The
// caller frees the tensor; .data is NULL on failure.
HD_API hd_tensor hd_predict(hd_store *store, hd_val value, hd_tensor input, hd_error *err);
// The same for the columns of data that value's inputs name.
HD_API hd_tensor hd_predict_data(hd_store *store, hd_val value, const hd_data *data, int batch,
                                 hd_error *err);

typedef struct hd_predict_mean_options {
  HD_OPTIONS;
  const hd_tensor *input HD_Z;  // as in hd_predict; or
  const hd_data *data HD_Z;     // as in hd_predict_data
  int batch HD_Z;               // default 64
  // As many passes with dropout, noise and Bayesian weights on, everything else as in evaluation
  // (MC dropout, Gal & Ghahramani 2016). Drawn from (seed, step, pass, sample): the same bits each
  // time, whatever the batch. Default 0: one pass without draws.
  int passes HD_Z;
  hd_store *const *ensemble HD_Z;  // stores with weights of this net, in place of `store`, which
  int members HD_Z;                // then may be NULL; and how many
  // NULL, or takes the standard deviation of the answers about their mean, in a tensor of the
  // result's type and shape that the caller frees.
  hd_tensor *deviation HD_Z;
} hd_predict_mean_options;
// The mean of value, such as a classifier's probabilities, over passes, over nets, or over both.
HD_API hd_tensor hd_predict_mean(hd_store *store, hd_val value, hd_error *err,
                                 hd_predict_mean_options options);
#define hd_predict_mean(...) \
  hd_predict_mean(HD_HEAD3_(__VA_ARGS__, ), \
                  HD_LIT(hd_predict_mean_options){.hd_z = 0, HD_TAIL3_(__VA_ARGS__, )})

// The running statistics of batch norm anew, for the weights as they are: means over all batches of
// what training would see (Izmailov et al. 2018). For the layers that value depends on; weights
// stay. Where weights were averaged, copied or loaded without their statistics.
HD_API HD_NODISCARD hd_status hd_update_statistics(hd_store *store, hd_val value,
                                                   const hd_data *data, int batch, hd_error *err);

// ---- The learning rate range test ---------------------------------------------------------------
typedef struct hd_lr_point {
  double lr, loss;  // loss: of the batch after the step with this rate
  double smooth;    // exponential mean of the losses, with bias correction
} hd_lr_point;
typedef struct hd_lr_range_result {
  int count;         // of points
  double suggested;  // where the smooth loss falls steepest; 0: it falls nowhere
  double lowest;     // where it is lowest: too large already
  bool blew_up;      // before the last step
} hd_lr_range_result;
typedef struct hd_lr_range_options {
  HD_OPTIONS;
  hd_optimizer optimizer HD_Z;  // default hd_adam(); its lr does not matter
  float from HD_Z;              // the first rate; default 1e-6
  float to HD_Z;                // the last; default 10
  int steps HD_Z;               // default 100
  int batch HD_Z;               // default 64, or all samples where there are fewer
  uint64_t seed HD_Z;           // of shuffling; default 1
  float smoothing HD_Z;         // of the mean, below 1; default 0.9
  float blow_up HD_Z;           // ends it when the smooth loss is so many times the lowest; 4
  hd_lr_point *points HD_Z;     // room for `steps` of them; may be NULL
  void *user HD_Z;
  bool (*on_step)(void *user, const hd_lr_point *point) HD_Z;  // false stops: HD_E_STOPPED
  hd_lr_range_result *result HD_Z;                             // may be NULL
} hd_lr_range_options;
// Trains with a rate that grows by a factor with each step, until the loss blows up (Smith 2017).
// Afterwards the store is as it was before, to the last bit. The graph has another optimiser, as
// after hd_fit. Data that is drawn anew for training is taken as it is read.
HD_API HD_NODISCARD hd_status hd_lr_range_test(hd_store *store, hd_val loss, const hd_data *data,
                                               hd_error *err, hd_lr_range_options options);
#define hd_lr_range_test(...) \
  hd_lr_range_test(HD_HEAD4_(__VA_ARGS__, ), \
                   HD_LIT(hd_lr_range_options){.hd_z = 0, HD_TAIL4_(__VA_ARGS__, )})

// ---- Checkpoints --------------------------------------------------------------------------------
// Everything that a resumed run needs, in one safetensors file with a checksum. Written atomically;
// the last `keep` stay; a damaged one is passed over for the one before.
typedef struct hd_counters {
  int64_t saves;                                       // checkpoints written before this one
  int64_t epoch, step, global_step, best_epoch, wait;  // epochs done; steps done in the current one
  double best_loss;
  double loss_sum, accuracy_sum;  // of the current epoch
  int64_t samples;
} hd_counters;
HD_API HD_NODISCARD hd_status hd_checkpoint_save(const hd_store *store, const char *folder,
                                                 int keep, const hd_counters *counters,
                                                 hd_error *err);
// HD_E_NOT_FOUND when the folder holds no whole checkpoint.
HD_API HD_NODISCARD hd_status hd_checkpoint_load(hd_store *store, const char *folder,
                                                 hd_counters *counters, hd_error *err);

#ifdef __cplusplus
}
#endif
#endif
