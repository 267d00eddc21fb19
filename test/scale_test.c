// Large graphs compile fast: 1,000 nodes in well under a second, and five times the nodes in about
// five times the time, not twenty-five.
#define _POSIX_C_SOURCE 200809L
#include "net.h"

#include <stdio.h>
#include <time.h>

#include "../src/graph/graph.h"

static double seconds(void) {  // of this thread, whatever else runs
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef hd_val maker(hd_graph *g, int layers);

// A deep chain of layers with weights: activations live until the way back.
static hd_val deep(hd_graph *g, int layers) {
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, 16));
  for (int i = 0; i < layers; i++) x = hd_add(x, hd_tanh(hd_dense(x, .units = 16)));
  return hd_mean(hd_square(x));
}

// One weight for all steps: its gradient is a sum over all of them.
static hd_val recurrent(hd_graph *g, int layers) {
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, 16)), h = x;
  hd_val w = hd_variable(g, HD_F32, HD_SHAPE(16, 16), .init = {.kind = HD_GLOROT_NORMAL});
  for (int i = 0; i < layers; i++) h = hd_tanh(hd_add(hd_matmul(h, w), x));
  return hd_mean(hd_square(h));
}

// Everything reads one value, and one value reads everything.
static hd_val wide(hd_graph *g, int layers) {
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, 16)), sum = x;
  for (int i = 0; i < layers; i++)
    sum = hd_add(sum, hd_mul(hd_sin(hd_scale(x, 1 + i)), hd_sigmoid(hd_add_scalar(x, i))));
  return hd_mean(hd_square(hd_mul(sum, hd_variable(g, HD_F32, HD_SHAPE(16)))));
}

// Elementwise over one domain without end: programs must be cut.
static hd_val chain(hd_graph *g, int layers) {
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, 16));
  hd_val w = hd_variable(g, HD_F32, HD_SHAPE(16)), y = x;
  for (int i = 0; i < layers; i++) y = hd_sub(hd_mul(y, w), hd_sin(hd_add(y, x)));
  return hd_mean(hd_square(y));
}

// Compiles a training step; returns the seconds for building and compiling.
static double compile(maker *make, int layers, int *nodes, hd_plan_info *info) {
  net n = net_new(&(hd_env){.threads = 1});
  hd_error err = {0};
  double start = seconds();
  hd_val loss = make(n.g, layers);
  hd_update u = hd_minimize(loss, hd_adam());
  n.plan = hd_compile(n.store, &err, .fetch = {loss}, .update = {u}, .batch = 4, .mode = HD_TRAIN);
  double took = seconds() - start;
  if (!n.plan) fail_msg("%s", err.text);
  *info = hd_plan_describe(n.plan);
  *nodes = n.g->count;
  net_free(&n);
  return took;
}

static void large_graphs_compile_fast(void **state) {
  (void)state;
  const struct {
    const char *name;
    maker *make;
    int layers;
  } table[] = {
      {"deep", deep, 20}, {"recurrent", recurrent, 90}, {"wide", wide, 120}, {"chain", chain, 90}};
  bool slow = getenv("HADAL_INSTRUMENTED") && *getenv("HADAL_INSTRUMENTED");
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    hd_plan_info small, large;
    int nodes[2];
    double one = compile(table[i].make, table[i].layers, &nodes[0], &small);
    double five = compile(table[i].make, 5 * table[i].layers, &nodes[1], &large);
    print_message(
        "%-10s %d nodes %.3f s, %d nodes %.3f s; %d and %d calls, workspace %.3f of live\n",
        table[i].name, nodes[0], one, nodes[1], five, small.calls, large.calls,
        (double)large.workspace / (double)large.live);
    assert_true(nodes[0] > 900 && nodes[1] > 4500);
    if (!slow && one > 0.5) fail_msg("%s: 1,000 nodes took %.2f s", table[i].name, one);
    if (!slow && five > 2) fail_msg("%s: 5,000 nodes took %.2f s", table[i].name, five);
    assert_true((double)large.workspace <= 1.05 * (double)large.live);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(large_graphs_compile_fast)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
