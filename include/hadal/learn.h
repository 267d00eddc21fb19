// Learning without a step of gradient descent: the perceptron rule, searches that only compare
// values, and L-BFGS.
#ifndef HADAL_LEARN_H
#define HADAL_LEARN_H

#include "data.h"
#include "plan.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- The perceptron -----------------------------------------------------------------------------
// Rosenblatt 1958: a unit's output is y = 1 where w x + b > 0, else 0. After each sample, in their
// order: w += eta (t - y) x, b += eta (t - y). Two classes have one unit, t = 1 for class 1. More
// have one unit each, t = 1 for its class and 0 for the rest.
typedef struct hd_perceptron_options {
  HD_OPTIONS;
  double eta HD_Z;         // default 1
  int epochs HD_Z;         // most passes over the samples; default 100
  const char *x HD_Z;      // column of the inputs, f32; default "x"
  const char *label HD_Z;  // column of the classes, i32; default "label"
} hd_perceptron_options;

typedef struct hd_perceptron_unit {
  const double *weight;  // one for each input
  double bias;
  // Its last epoch made no error. It then is right for every sample: the classes are separable.
  bool separated;
  // An epoch ended with the very weights of an earlier one: the rule goes round for ever, as it
  // does on classes that no line separates (Minsky & Papert 1969). It was stopped there.
  bool cycles;
  int epochs;             // done, the last one included
  const int32_t *errors;  // of each of them
} hd_perceptron_unit;

typedef struct hd_perceptron_result {
  int inputs, units;
  hd_perceptron_unit *unit;
  bool separated;  // all of them are
  hd_env env;      // whose allocator frees `unit`
} hd_perceptron_result;
// Trains all units; not to separate is no failure. Samples are read once, into memory.
HD_API HD_NODISCARD hd_status hd_perceptron(const hd_env *env, const hd_data *data,
                                            hd_perceptron_result *to, hd_error *err,
                                            hd_perceptron_options options);
#define hd_perceptron(...) \
  hd_perceptron(HD_HEAD4_(__VA_ARGS__, ), \
                HD_LIT(hd_perceptron_options){.hd_z = 0, HD_TAIL4_(__VA_ARGS__, )})
HD_API void hd_perceptron_free(hd_perceptron_result *result);  // NULL is a no-op
// The class of a sample: the unit with the largest w x + b; of a single unit its output.
HD_API int hd_perceptron_class(const hd_perceptron_result *result, const float *x);

// ---- What is searched ---------------------------------------------------------------------------
// A function of n numbers, to be made small. Fill it yourself, or with hd_objective_of_loss.
typedef struct hd_objective {
  void *user HD_Z;
  int n HD_Z;
  // A value that is not finite counts as worse than any other.
  double (*f)(void *user, const double *x, int n) HD_Z;
  // The value, and the gradient to g. May be NULL: only hd_lbfgs asks for it.
  double (*gradient)(void *user, const double *x, int n, double *g) HD_Z;
  // Where a search begins and leaves the best point when the caller has no x of its own.
  void (*get)(void *user, double *x) HD_Z;
  void (*put)(void *user, const double *x) HD_Z;
  // A search ends with this error once its status is not HD_OK. May be NULL.
  const hd_error *error HD_Z;
  void (*free)(void *user) HD_Z;  // may be NULL
  hd_env env HD_Z;                // of the memory of searches
} hd_objective;
HD_API void hd_objective_free(hd_objective *objective);  // calls its free and zeroes; NULL: no-op

typedef struct hd_objective_options {
  HD_OPTIONS;
  int batch HD_Z;      // samples in a run; default: all, at most 1024
  bool gradient HD_Z;  // hd_lbfgs needs it; adds gradients to the graph
} hd_objective_options;
// The mean of loss over all samples of data, in evaluate mode, as a function of the weights that it
// depends on (hd_weights), one after the other. Compiled once: an evaluation allocates nothing.
// Batches are summed in double in the order of the data, so that threads do not change a bit. The
// store, the graph and *data must outlive it.
//   if (hd_objective_of_loss(store, loss, &data, &objective, &err, .batch = 256)) ...
HD_API HD_NODISCARD hd_status hd_objective_of_loss(hd_store *store, hd_val loss,
                                                   const hd_data *data,
                                                   hd_objective_options options, hd_objective *to,
                                                   hd_error *err);
#define hd_objective_of_loss(store, loss, data, to, ...) \
  hd_objective_of_loss(store, loss, data, \
                       HD_LIT(hd_objective_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )}, to, \
                       HD_HEAD_(__VA_ARGS__, ))

// ---- Searches -----------------------------------------------------------------------------------
// A generation is a temperature of hd_anneal and an iteration of hd_lbfgs.
typedef struct hd_search_progress {
  int generation;       // from 1; 0: the start
  int64_t evaluations;  // of the objective so far
  double best;          // lowest value so far
  double mean;          // of this generation; hd_lbfgs: the value at its point
  // How far it looks. hd_genetic: deviation of a mutation. hd_cma_es: its step size sigma.
  // hd_anneal: the temperature. hd_lbfgs: the largest component of the gradient.
  double spread;
  const double *x;  // the best point so far
} hd_search_progress;

typedef enum hd_search_end {
  HD_SEARCH_LIMIT = 0,  // all generations are done
  HD_SEARCH_TARGET,     // the value is at most `target`
  HD_SEARCH_CONVERGED,  // hd_cma_es: values or points no longer differ. hd_lbfgs: the gradient is 0
  HD_SEARCH_STALLED     // rounding errors hide the way down
} hd_search_end;
typedef struct hd_search_result {
  double best;
  int generations;
  int64_t evaluations;
  hd_search_end end;
} hd_search_result;

// What all searches share.
#define HD_SEARCH_OPTIONS \
  HD_OPTIONS; \
  int generations HD_Z; \
  double target HD_Z; /* stop once the value is at most this; 0: no target */ \
  void *user HD_Z; \
  /* After the start and after each generation. Return false to stop: the search then returns */ \
  /* HD_E_STOPPED. */ \
  bool (*on_generation)(void *user, const hd_search_progress *progress) HD_Z; \
  hd_search_result *result HD_Z /* may be NULL */

// Each takes objective, x, err, options. x is where it begins and where it leaves the best point
// that it met, also after a failure; NULL: the objective's own (the weights of a loss). It is
// HD_E_DIVERGED when the objective is not finite where it begins: at x, or for hd_genetic anywhere
// in the first generation. One seed gives one result.

typedef enum hd_crossover {
  HD_CROSSOVER_BLEND = 0,  // each number between the parents' and a half beyond (BLX-0.5, Eshelman
                           // & Schaffer 1993)
  HD_CROSSOVER_UNIFORM     // each number from one of the parents (Syswerda 1989)
} hd_crossover;
// A genetic algorithm (Holland 1975) on real numbers: the first generation is x and points around
// it. The best pass on unchanged; the others are children of two winners of tournaments.
typedef struct hd_genetic_options {
  HD_SEARCH_OPTIONS;    // generations: default 200
  uint64_t seed HD_Z;   // default 1
  double sigma HD_Z;    // deviation of the first generation around x; default 1
  int population HD_Z;  // at least 2; default 50
  int elite HD_Z;       // how many pass on unchanged; default 1
  int tournament HD_Z;  // of how many the best becomes a parent; default 3, at most population
  hd_crossover crossover HD_Z;
  double crossing HD_Z;  // probability of crossover, else a copy of one parent; default 0.9
  double mutation HD_Z;  // probability that a number is mutated; default 0.1
  double step HD_Z;      // deviation of a mutation; default sigma / 4
} hd_genetic_options;
HD_API HD_NODISCARD hd_status hd_genetic(const hd_objective *objective, double *x, hd_error *err,
                                         hd_genetic_options options);
#define hd_genetic(...) \
  hd_genetic(HD_HEAD3_(__VA_ARGS__, ), \
             HD_LIT(hd_genetic_options){.hd_z = 0, HD_TAIL3_(__VA_ARGS__, )})

enum { HD_CMA_ES_MOST = 500 };  // numbers: its matrices are n by n
// The covariance matrix adaptation evolution strategy (Hansen & Ostermeier 2001), with the full
// matrix, rank-one and rank-mu updates and constants of Hansen's tutorial (arXiv 1604.00772).
typedef struct hd_cma_es_options {
  HD_SEARCH_OPTIONS;    // generations: default 1000
  uint64_t seed HD_Z;   // default 1
  double sigma HD_Z;    // the first step size, about a third of the way to go; default 0.5
  int population HD_Z;  // at least 4; default 4 + 3 ln n
  // Converged when, for 10 + 30 n / population generations, values lie within `tolerance`, or when
  // steps are below `tolerance` sigma. Default 1e-12
  double tolerance HD_Z;
} hd_cma_es_options;
HD_API HD_NODISCARD hd_status hd_cma_es(const hd_objective *objective, double *x, hd_error *err,
                                        hd_cma_es_options options);
#define hd_cma_es(...) \
  hd_cma_es(HD_HEAD3_(__VA_ARGS__, ), \
            HD_LIT(hd_cma_es_options){.hd_z = 0, HD_TAIL3_(__VA_ARGS__, )})

// Simulated annealing (Kirkpatrick et al. 1983): Gaussian moves of one number, drawn by lot, which
// are taken downhill always and uphill by d with probability exp(-d / T) (Metropolis et al. 1953).
// T falls by a factor with each generation, and the deviation of a move with the root of T.
typedef struct hd_anneal_options {
  HD_SEARCH_OPTIONS;        // generations: default 200
  uint64_t seed HD_Z;       // default 1
  double sigma HD_Z;        // deviation of a move at the first temperature; default 0.5
  double temperature HD_Z;  // the first; default: 1 of 5 moves of mean size uphill is taken, by 20
                            // trials around x
  double cooling HD_Z;      // default 0.95
  int moves HD_Z;           // in a generation; default 100
} hd_anneal_options;
HD_API HD_NODISCARD hd_status hd_anneal(const hd_objective *objective, double *x, hd_error *err,
                                        hd_anneal_options options);
#define hd_anneal(...) \
  hd_anneal(HD_HEAD3_(__VA_ARGS__, ), \
            HD_LIT(hd_anneal_options){.hd_z = 0, HD_TAIL3_(__VA_ARGS__, )})

// Limited-memory BFGS (Liu & Nocedal 1989): the two-loop recursion over the last steps, and a line
// search for the strong Wolfe conditions (Nocedal & Wright 2006, algorithms 3.5 and 3.6, with 1e-4
// and 0.9). Needs the objective's gradient. For a loss it is a descent on all samples at once,
// which no optimiser of hd_fit can be: its step length is found by looking at several points.
typedef struct hd_lbfgs_options {
  HD_SEARCH_OPTIONS;      // generations: default 200
  int history HD_Z;       // steps that are remembered; default 10
  double tolerance HD_Z;  // converged when no component of the gradient is larger; default 1e-5
} hd_lbfgs_options;
HD_API HD_NODISCARD hd_status hd_lbfgs(const hd_objective *objective, double *x, hd_error *err,
                                       hd_lbfgs_options options);
#define hd_lbfgs(...) \
  hd_lbfgs(HD_HEAD3_(__VA_ARGS__, ), HD_LIT(hd_lbfgs_options){.hd_z = 0, HD_TAIL3_(__VA_ARGS__, )})

#ifdef __cplusplus
}
#endif
#endif
