// What an optimiser is: a file of this folder with one such record. Its step adds nodes that turn a
// weight and its gradient into assignments; the planner makes one pass over memory of them.
#ifndef TRAIN_OPTIMIZER_H
#define TRAIN_OPTIMIZER_H

#include "../../include/hadal/ops.h"
#include "../../include/hadal/train.h"
#include "../graph/graph.h"

typedef struct hd_optimizer_step {  // what the rule of one weight sees
  hd_val weight, gradient;
  hd_val lr;        // scalar of this step, schedule applied
  hd_val t;         // scalar: number of this step, from 1
  hd_scope *scope;
  hd_val finite;    // bool scalar: this step counts
  bool failed;
} hd_optimizer_step;

// State of the weight's shape, zeros at first.
hd_val hd_optimizer_state(hd_optimizer_step *s, const char *name);
// At the end of the step: variable = value, if the loss is finite.
void hd_optimizer_assign(hd_optimizer_step *s, hd_val variable, hd_val value);

struct hd_optimizer_rule {
  const char *name;
  const hd_fields *fields;
  float (*lr)(const void *options);
  void (*step)(hd_optimizer_step *s, const void *options);
};

static inline float hd_or(float value, float standard) { return value != 0 ? value : standard; }

extern const hd_optimizer_rule hd_rule_sgd, hd_rule_rmsprop, hd_rule_adam;

#endif
