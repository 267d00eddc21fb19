// A graph, and a plan of it with its store and workspace: for the tests of this floor.
#ifndef NN_NETWORK_TEST_H
#define NN_NETWORK_TEST_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>

#include "../../include/hadal/plan.h"
#include "loss.h"

typedef struct network {
  hd_graph *g;
  hd_store *store;
  hd_plan *plan;
  hd_workspace *w;
} network;

static inline network begin(void) { return (network){.g = hd_graph_new(NULL)}; }

static inline void compile(network *n, const hd_val *fetch, int count) {
  hd_error err = {0};
  if (*hd_graph_error(n->g)) fail_msg("%s", hd_graph_error(n->g));
  if (!n->store) n->store = hd_store_new(NULL);
  hd_workspace_free(n->w);
  hd_plan_free(n->plan);
  n->plan = (hd_compile)(n->store, &err, (hd_compile_options){.more = fetch, .mores = count});
  if (!n->plan) fail_msg("%s", err.text);
  n->w = hd_workspace_new(n->plan, NULL, &err);
  assert_non_null(n->w);
}

static inline void end(network *n) {
  hd_workspace_free(n->w);
  hd_plan_free(n->plan);
  hd_store_free(n->store);
  hd_graph_free(n->g);
}

static inline void run(network *n) { assert_int_equal(hd_run(n->w, NULL), HD_OK); }

// Element k of what is fetched at i; of an input.
static inline double out(const network *n, int i, int64_t k) {
  hd_type t;
  const void *p = hd_workspace_fetch(n->w, i, &t);
  return t.dtype == HD_F64 ? ((const double *)p)[k] : (double)((const float *)p)[k];
}
static inline void give(network *n, const char *name, int64_t k, double v) {
  hd_type t;
  void *p = hd_workspace_input(n->w, name, &t);
  if (!p) return;
  if (t.dtype == HD_F64) ((double *)p)[k] = v;
  else if (t.dtype == HD_F32) ((float *)p)[k] = (float)v;
  else ((int32_t *)p)[k] = (int32_t)v;
}

static inline void near(const char *what, double got, double want, double bound) {
  if (!(fabs(got - want) <= bound * fmax(1, fabs(want))) && !(isnan(got) && isnan(want)))
    fail_msg("%s: %.17g, must be %.17g", what, got, want);
}

// The call must have been refused with a message that holds this text. Ends the network.
static inline void refused(network *n, hd_val y, const char *text) {
  if (hd_ok(y) || !strstr(hd_graph_error(n->g), text))
    fail_msg("got \"%s\", expected \"%s\"", hd_graph_error(n->g), text);
  end(n);
}

#endif
