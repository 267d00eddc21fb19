// Small nets are never slower with more threads than with one. Steps of three nets with 1 and with
// 2 threads, by turns, and of LeNet-5 with 2 and with 64: the fastest of each, and what a kernel
// call takes. Times are judged only where HADAL_SLOW is set; that the same weights come out,
// always.
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "../src/base/cpu.h"
#include "toy.h"

typedef struct net {
  hd_graph *graph;
  hd_store *store;
  hd_plan *plan;
  hd_workspace *work;
  double best;  // seconds of a step
} net;

static void open_net(net *n, int inputs, int hidden, int outputs, int batch, int threads) {
  hd_env env = {.threads = threads};
  hd_error err = {0};
  hd_val loss;
  if (inputs) {
    n->graph = hd_graph_new(&env);
    hd_val x = hd_input(n->graph, "image", HD_F32, HD_SHAPE(HD_BATCH, inputs)),
           y = hd_dense(hd_tanh(hd_dense(x, .units = hidden)), .units = outputs);
    loss = outputs == 1
               ? hd_mse(y, hd_input(n->graph, "target", HD_F32, HD_SHAPE(HD_BATCH, 1)))
               : hd_cross_entropy(y, hd_input(n->graph, "label", HD_I32, HD_SHAPE(HD_BATCH)));
  } else {
    toy lenet = toy_lenet(&env);
    n->graph = lenet.graph, loss = lenet.loss;
  }
  n->store = hd_store_new(&env);
  n->best = 1e9;
  n->plan = hd_compile(n->store, &err, .fetch = {loss},
                       .update = {hd_minimize(loss, hd_sgd(.lr = 0.01f, .momentum = 0.9f))},
                       .mode = HD_TRAIN, .batch = batch);
  n->work = n->plan ? hd_workspace_new(n->plan, NULL, &err) : NULL;
  if (!n->work) fail_msg("%s", err.text);
  static const char *const names[] = {"image", "target", "label"};
  for (uint32_t i = 0; i < 3; i++) {
    hd_type t;
    void *to = hd_workspace_input(n->work, names[i], &t);
    for (int64_t k = 0, count = to ? hd_shape_count(t.shape) : 0; k < count; k++) {
      uint32_t drawn = toy_mix((uint32_t)k, i);
      if (t.dtype == HD_F32) ((float *)to)[k] = (float)(drawn >> 8) * 0x1p-24f;
      if (t.dtype == HD_I32) ((int32_t *)to)[k] = (int32_t)(drawn % 10);
      if (t.dtype == HD_U8) ((uint8_t *)to)[k] = (uint8_t)drawn;
    }
  }
}
static void close_net(net *n) {
  hd_workspace_free(n->work);
  hd_plan_free(n->plan);
  hd_store_free(n->store);
  hd_graph_free(n->graph);
}

static void steps(net *n, int64_t count) {
  double start = hd_seconds();
  for (int64_t i = 0; i < count; i++) assert_int_equal(hd_run(n->work, NULL), HD_OK);
  n->best = HD_MIN(n->best, (hd_seconds() - start) / (double)count);
}

// The fastest step of `many` threads, over that of `few`. Both take the same steps, by turns.
static double compare(const char *name, int inputs, int hidden, int outputs, int batch, int few,
                      int many) {
  net a, b;
  open_net(&a, inputs, hidden, outputs, batch, few);
  open_net(&b, inputs, hidden, outputs, batch, many);
  steps(&a, 3), steps(&b, 3);
  int64_t count = (int64_t)(0.0008 / a.best) + 1, rounds = toy_slow() ? 300 : 10;
  for (int64_t i = 0; i < rounds; i++) steps(&a, count), steps(&b, count);
  int calls = hd_plan_describe(a.plan).calls;
  printf(
      "%-9s batch %2d: %2d calls, %d threads %8.2f us (%5.0f ns a call), %2d threads %8.2f us, "
      "ratio %.2f\n",
      name, batch, calls, few, 1e6 * a.best, 1e9 * a.best / calls, many, 1e6 * b.best,
      b.best / a.best);
  assert_true(toy_same_store(a.store, b.store));
  double ratio = b.best / a.best;
  close_net(&a), close_net(&b);
  return ratio;
}

static bool judged(void) {
  if (!toy_slow() || TOY_SANITIZED || getenv("HADAL_INSTRUMENTED") == NULL ||
      *getenv("HADAL_INSTRUMENTED"))
    printf("not judged: times need HADAL_SLOW=1 and a plain build (make test-all)\n");
  else if (hd_cpu_cores() < 2) printf("not judged: there is one core\n");
  else return true;
  return false;
}

static void two_threads_are_no_slower(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int inputs, hidden, outputs;
  } nets[] = {{"2-16-1", 2, 16, 1}, {"64-64-10", 64, 64, 10}, {"784-30-10", 784, 30, 10}};
  static const int batches[] = {1, 16, 64};
  bool judge = judged(), slow = false;
  for (int n = 0; n < 3; n++)
    for (int b = 0; b < 3; b++) {
      double ratio = 9;
      for (int tries = 0; tries < (judge ? 3 : 1) && ratio > 1.1; tries++)  // others use the cores
        ratio = compare(nets[n].name, nets[n].inputs, nets[n].hidden, nets[n].outputs, batches[b],
                        1, 2);
      slow |= ratio > 1.1;
    }
  if (judge) assert_false(slow);
}

static void many_threads_are_not_much_slower(void **state) {
  (void)state;
  bool judge = judged();
  double ratio = 9;
  for (int tries = 0; tries < (judge ? 3 : 1) && ratio > 3; tries++)
    ratio = compare("LeNet-5", 0, 0, 0, 16, HD_MIN(2, hd_cpu_cores()), 64);
  if (judge) assert_true(ratio < 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(two_threads_are_no_slower),
                                     cmocka_unit_test(many_threads_are_not_much_slower)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
