// What an optimiser is: a file of this folder with one such record. Its step adds nodes that turn a
// weight and its gradient into assignments; the planner makes one pass over memory of them.
#ifndef TRAIN_OPTIMIZER_H
#define TRAIN_OPTIMIZER_H

#include "../../include/hadal/ops.h"
#include "../../include/hadal/train.h"
#include "../graph/graph.h"

typedef struct hd_optimizer_step {  // what the rule of one weight sees
  hd_val weight, gradient;
  hd_val lr;  // scalar of this step, schedule applied
  hd_val t;   // scalar: number of this step, from 1
  hd_scope *scope;
  hd_val finite;   // bool scalar: this step counts
  float max_norm;  // of the weight after the step; 0: any
  hd_val fresh;    // scalar: the part of the new weight in its average; null: no average is kept
  hd_val *shared;  // a value that the rule makes once for all weights; null at first
} hd_optimizer_step;

// State of the weight's shape, zeros at first; or `first` everywhere.
hd_val hd_optimizer_state(hd_optimizer_step *s, const char *name);
hd_val hd_optimizer_state_from(hd_optimizer_step *s, const char *name, float first);
// At the end of the step: variable = value, if the loss is finite.
void hd_optimizer_assign(hd_optimizer_step *s, hd_val variable, hd_val value);
// The weight itself, which ends every rule: constraint and average are applied.
void hd_optimizer_move(hd_optimizer_step *s, hd_val by);  // weight = weight - by
// g + decay w
hd_val hd_optimizer_l2(const hd_optimizer_step *s, float decay);
// The running mean of x: state = beta state + (1 - beta) x
hd_val hd_optimizer_mean(hd_optimizer_step *s, const char *name, float beta, hd_val x);
// 1 / (1 - beta^t), a scalar
hd_val hd_optimizer_correction(hd_val t, float beta);

struct hd_optimizer_rule {
  const char *name;
  const hd_fields *fields;
  float (*lr)(const void *options);
  void (*step)(hd_optimizer_step *s, const void *options);
};

static inline float hd_or(float value, float standard) { return value != 0 ? value : standard; }

extern const hd_optimizer_rule hd_rule_sgd, hd_rule_rmsprop, hd_rule_adagrad, hd_rule_adadelta,
    hd_rule_adam, hd_rule_adamax, hd_rule_nadam, hd_rule_radam, hd_rule_lion, hd_rule_lamb,
    hd_rule_rprop, hd_rule_sgld;

// Whether the options make sense.
hd_status hd_minimize_check(const hd_minimize_options *o, hd_error *err);
// The schedule with its defaults filled in, as a scalar for optimiser step `step`.
hd_val hd_schedule_of(const hd_schedule *schedule, double steps_per_epoch, double epochs,
                      hd_val step, bool f64);

#endif
