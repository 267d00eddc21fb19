// The schedule op's options, every default filled in: in epochs of `steps` optimiser steps.
#ifndef OP_SCHEDULE_H
#define OP_SCHEDULE_H

#include "../../include/hadal/graph.h"

enum { HD_SCHEDULE_CONSTANT_ATTR, HD_SCHEDULE_STEP_ATTR, HD_SCHEDULE_COSINE_ATTR };  // as hd_schedule_kind
typedef struct hd_schedule_attr {
  int kind;
  float every, factor, total, floor, warmup, steps;
  bool f64;
} hd_schedule_attr;

hd_val hd_schedule_node(hd_val step, const hd_schedule_attr *attr);
double hd_schedule_at(const hd_schedule_attr *attr, int64_t step);
hd_val hd_increment(hd_val x);

#endif
