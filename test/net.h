// What tests of whole nets share: a net with its plan, numbers, directional derivatives.
#ifndef TEST_NET_H
#define TEST_NET_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../include/hadal/hadal.h"

typedef struct net {
  hd_graph *g;
  hd_store *store;
  hd_plan *plan;
  hd_workspace *w;
} net;

static inline net net_new(const hd_env *env) {
  net n = {.g = hd_graph_new(env), .store = hd_store_new(env)};
  assert_non_null(n.g);
  assert_string_equal(hd_store_error(n.store), "");
  return n;
}

// Another plan on the same store.
static inline void net_compile(net *n, hd_compile_options o) {
  hd_error err = {0};
  hd_workspace_free(n->w);
  hd_plan_free(n->plan);
  n->w = NULL;
  n->plan = (hd_compile)(n->store, &err, o);
  if (!n->plan) fail_msg("%s", err.text);
  n->w = hd_workspace_new(n->plan, NULL, &err);
  if (!n->w) fail_msg("%s", err.text);
}

static inline void net_free(net *n) {
  hd_workspace_free(n->w);
  hd_plan_free(n->plan);
  hd_store_free(n->store);
  hd_graph_free(n->g);
}

static inline void net_run(net *n) {
  hd_error err = {0};
  if (hd_run(n->w, &err)) fail_msg("%s", err.text);
}
static inline const float *net_out(const net *n, int i) {
  return hd_workspace_fetch(n->w, i, NULL);
}
static inline float *net_parameter(const net *n, const char *name) {
  const hd_parameter *p = hd_store_find(n->store, name);
  if (!p) fail_msg("the store has no \"%s\"", name);
  return p->data;
}

// Uniform in [-1, 1).
static inline double net_uniform(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (double)(*state >> 11) * 0x1p-52 - 1;
}

static inline void net_fill_at(void *to, hd_type t, uint64_t seed) {
  for (int64_t i = 0, n = hd_shape_count(t.shape); i < n; i++) {
    double x = net_uniform(&seed);
    if (t.dtype == HD_F64) ((double *)to)[i] = x;
    else if (t.dtype == HD_I32) ((int32_t *)to)[i] = x > 0;
    else ((float *)to)[i] = (float)x;
  }
}
static inline void net_fill(const net *n, const char *name, uint64_t seed) {
  hd_type t;
  void *to = hd_workspace_input(n->w, name, &t);
  if (!to) fail_msg("no input \"%s\"", name);
  net_fill_at(to, t, seed);
}

static inline size_t net_bytes(const hd_parameter *p) {
  return (size_t)hd_shape_count(p->type.shape) * hd_dtype_size(p->type.dtype);
}

// Every parameter of a is in b with the same bits.
static inline void net_same_bits(const hd_store *a, const hd_store *b) {
  assert_int_equal(hd_store_count(a), hd_store_count(b));
  for (int i = 0; i < hd_store_count(a); i++) {
    const hd_parameter *p = hd_store_at(a, i), *q = hd_store_find(b, p->name);
    if (!q) fail_msg("only one store has \"%s\"", p->name);
    if (memcmp(p->data, q->data, net_bytes(p))) fail_msg("\"%s\" differs", p->name);
  }
}

// The weights moved by h times a random direction, each within [-h, h].
static inline void net_move(const net *n, uint64_t direction, double h) {
  for (int i = 0; i < hd_store_count(n->store); i++) {
    const hd_parameter *p = hd_store_at(n->store, i);
    for (int64_t k = 0; p->role == HD_WEIGHT && k < hd_shape_count(p->type.shape); k++)
      ((double *)p->data)[k] += h * net_uniform(&direction);
  }
}

static inline double net_loss_at(net *n, uint64_t direction, double h) {
  net_move(n, direction, h);
  net_run(n);
  net_move(n, direction, -h);
  return *(const double *)hd_workspace_fetch(n->w, 0, NULL);
}

// Directional derivatives of an f64 loss by hd_gradients against differences of fourth order: the
// largest difference over the largest derivative. `give` fills the inputs.
static inline double net_gradient_error(net *n, hd_val loss, hd_compile_options o, double h,
                                        void (*give)(const net *)) {
  enum { DIRECTIONS = 4 };
  int count = hd_weights(loss, NULL, 0), at = 0;
  hd_val *weight = calloc((size_t)count * 2 + 1, sizeof *weight), *gradient = weight + count;
  double by_rule[DIRECTIONS] = {0}, worst = 0, largest = 0;
  hd_weights(loss, weight, count);
  if (hd_gradients(loss, (hd_val){0}, weight, count, gradient))
    fail_msg("%s", hd_graph_error(n->g));
  o.fetch[0] = loss;
  o.more = weight;  // variables fetch their own place in the store
  o.mores = 2 * count;
  net_compile(n, o);
  give(n);
  net_run(n);
  for (uint64_t d = 0; d < DIRECTIONS; d++) {
    uint64_t state = d + 1;
    for (at = 0; at < hd_store_count(n->store); at++) {
      const hd_parameter *p = hd_store_at(n->store, at);
      if (p->role != HD_WEIGHT) continue;
      const double *dw = NULL;
      for (int k = 0; k < count; k++)
        if (hd_workspace_fetch(n->w, 1 + k, NULL) == p->data)
          dw = hd_workspace_fetch(n->w, 1 + count + k, NULL);
      for (int64_t k = 0; k < hd_shape_count(p->type.shape); k++) {
        double u = net_uniform(&state);
        by_rule[d] += dw ? u * dw[k] : 0;
      }
    }
  }
  o.more = NULL;
  o.mores = 0;
  net_compile(n, o);
  give(n);
  for (uint64_t d = 0; d < DIRECTIONS; d++) {
    double near = net_loss_at(n, d + 1, h) - net_loss_at(n, d + 1, -h);
    double far = net_loss_at(n, d + 1, 2 * h) - net_loss_at(n, d + 1, -2 * h);
    worst = fmax(worst, fabs((8 * near - far) / (12 * h) - by_rule[d]));
    largest = fmax(largest, fabs(by_rule[d]));
  }
  free(weight);
  assert_true(largest > 0);
  return worst / largest;
}

#endif
