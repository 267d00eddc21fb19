// Numbers for test cases, and an interpreter: the references of a graph's nodes, one by one.
#ifndef OP_MACHINE_TEST_H
#define OP_MACHINE_TEST_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "op.h"

enum { INPUTS = 6 };  // of a case
static hd_step step = {.seed = 1, .train = true};

// ---- Numbers ------------------------------------------------------------------------------------
static uint64_t state = 1;
static inline double uniform(double low, double high) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return low + (high - low) * (double)(state >> 11) * 0x1p-53;
}

static inline double load(hd_dtype t, const void *p, int64_t i) {
  switch (t) {
    case HD_F32: return ((const float *)p)[i];
    case HD_F64: return ((const double *)p)[i];
    case HD_I32: return ((const int32_t *)p)[i];
    default: return ((const uint8_t *)p)[i];
  }
}

static inline void store_as(hd_dtype t, void *p, int64_t i, double v) {
  switch (t) {
    case HD_F32: ((float *)p)[i] = (float)v; break;
    case HD_F64: ((double *)p)[i] = v; break;
    case HD_I32: ((int32_t *)p)[i] = (int32_t)v; break;
    default: ((uint8_t *)p)[i] = (uint8_t)v;
  }
}

static inline double one_number(hd_fill fill, int limit) {
  double v;
  switch (fill) {
    case HD_FILL_POSITIVE: return uniform(0.5, 2);
    case HD_FILL_INDEX: return floor(uniform(0, limit ? limit : 1));
    case HD_FILL_TRUTH: return uniform(0, 1) < 0.5;
    default: break;
  }
  do v = uniform(-2, 2);
  while (fabs(v - round(v)) < 0.01);  // kinks are at integers
  return v;
}

// The inputs of a case, as doubles that are also floats. Distinct ones are so among all inputs.
typedef struct {
  int inputs;
  int64_t count[INPUTS];
  double *x[INPUTS];
} numbers;
static inline numbers numbers_of(const hd_case *c) {
  numbers n = {0};
  int64_t distinct = 0, taken = 0;
  for (; n.inputs < INPUTS && c->in[n.inputs].dtype; n.inputs++) {
    int i = n.inputs;
    n.count[i] = hd_shape_count(c->in[i].shape);
    n.x[i] = calloc((size_t)n.count[i] + 1, sizeof(double));
    if (c->fill[i] == HD_FILL_DISTINCT) distinct += n.count[i];
    for (int64_t k = 0; c->fill[i] != HD_FILL_DISTINCT && k < n.count[i]; k++)
      n.x[i][k] = (float)one_number(c->fill[i], c->limit);
  }
  int64_t *order = calloc((size_t)distinct + 1, sizeof *order);
  for (int64_t i = 0; i < distinct; i++) {
    int64_t j = (int64_t)uniform(0, (double)i + 1);
    order[i] = order[j];
    order[j] = i;
  }
  double apart = distinct ? HD_MAX(4.0 / (double)distinct, 0.01) : 0;
  for (int i = 0; i < n.inputs; i++)
    for (int64_t k = 0; c->fill[i] == HD_FILL_DISTINCT && k < n.count[i]; k++)
      n.x[i][k] = (float)(apart * ((double)order[taken++] - (double)distinct / 2 + 0.25));
  free(order);
  return n;
}
static inline void numbers_free(numbers *n) {
  for (int i = 0; i < n->inputs; i++) free(n->x[i]);
}

// ---- The interpreter ----------------------------------------------------------------------------
// Runs the references node by node over a graph whose sizes are concrete. rerun: the part of
// the order that is run again while differences are taken.
typedef struct {
  hd_graph *g;
  int32_t *order, *rerun, count, reruns;
  void **at;
} machine;
static inline void *at(const machine *m, hd_val v) { return m->at[v.node * HD_MAX_OUT + v.out]; }

static inline machine machine_new(const hd_val *root, int roots) {
  hd_graph *g = root[0].graph;
  size_t nodes = (size_t)g->count;
  machine m = {.g = g,
               .at = calloc(nodes * HD_MAX_OUT, sizeof(void *)),
               .order = calloc(nodes, sizeof(int32_t)),
               .rerun = calloc(nodes, sizeof(int32_t))};
  uint8_t *seen = calloc((size_t)g->count, 1);
  for (int i = 0; i < roots; i++)
    if (hd_ok(root[i])) assert_int_equal(hd_walk(g, root[i], m.order, &m.count, seen), HD_OK);
  free(seen);
  for (int i = 0; i < m.count; i++) {
    const hd_node *n = g->node[m.order[i]];
    for (int k = 0; k < n->n_out; k++) {
      int64_t count = hd_shape_count(n->out[k].shape);
      if (count < 0) fail_msg("%s: output %d has an open size", n->op ? n->op->name : "leaf", k);
      void *p = calloc((size_t)count + 1, hd_dtype_size(n->out[k].dtype));
      if (n->data) memcpy(p, n->data, (size_t)count * hd_dtype_size(n->out[k].dtype));
      m.at[n->id * HD_MAX_OUT + k] = p;
    }
  }
  return m;
}

static inline void machine_free(machine *m) {
  for (int i = 0; i < m->count; i++)
    for (int k = 0; k < HD_MAX_OUT; k++) free(m->at[m->order[i] * HD_MAX_OUT + k]);
  free(m->order);
  free(m->rerun);
  free(m->at);
}

static inline void run_nodes(machine *m, const int32_t *order, int32_t count) {
  for (int i = 0; i < count; i++) {
    const hd_node *n = m->g->node[order[i]];
    const void *in[HD_MAX_IN];
    hd_type in_type[HD_MAX_IN];
    bool wide = false;
    if (n->leaf) continue;
    for (int k = 0; k < n->n_in; k++) {
      in[k] = at(m, n->in[k]);
      in_type[k] = *hd_type_of(n->in[k]);
      wide |= in_type[k].dtype == HD_F64;
    }
    for (int k = 0; k < n->n_out; k++) wide |= n->out[k].dtype == HD_F64;
    hd_args a = {.n_in = n->n_in,
                 .n_out = n->n_out,
                 .in_type = in_type,
                 .out_type = n->out,
                 .in = in,
                 .out = m->at + n->id * HD_MAX_OUT,
                 .attr = n->attr,
                 .step = &step,
                 .site = n->name ? hd_hash(n->name, strlen(n->name), 0) : 0};
    (wide ? n->op->ref64 : n->op->ref32)(&a, 0);
  }
}

static inline void machine_run(machine *m) { run_nodes(m, m->order, m->count); }
static inline void machine_rerun(machine *m) { run_nodes(m, m->rerun, m->reruns); }

#endif
