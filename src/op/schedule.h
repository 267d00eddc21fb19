// The schedule op's options, every default filled in: in epochs of `steps` optimiser steps.
#ifndef OP_SCHEDULE_H
#define OP_SCHEDULE_H

#include "../../include/hadal/graph.h"

enum {  // as hd_schedule_kind
  HD_SCHEDULE_CONSTANT_ATTR,
  HD_SCHEDULE_STEP_ATTR,
  HD_SCHEDULE_MULTI_STEP_ATTR,
  HD_SCHEDULE_EXPONENTIAL_ATTR,
  HD_SCHEDULE_LINEAR_ATTR,
  HD_SCHEDULE_POLYNOMIAL_ATTR,
  HD_SCHEDULE_COSINE_ATTR,
  HD_SCHEDULE_RESTARTS_ATTR,
  HD_SCHEDULE_ONE_CYCLE_ATTR,
  HD_SCHEDULE_INVERSE_SQRT_ATTR,
  HD_SCHEDULE_PLATEAU_ATTR
};
typedef struct hd_schedule_attr {
  int kind;
  float every, factor, at[8], total, floor, power, growth, start, peak, warmup, steps;
  bool f64;
} hd_schedule_attr;

hd_val hd_schedule_node(hd_val step, const hd_schedule_attr *attr);
double hd_schedule_at(const hd_schedule_attr *attr, int64_t step);
hd_val hd_increment(hd_val x, hd_val when);  // when: a bool scalar, or null: always

#endif
