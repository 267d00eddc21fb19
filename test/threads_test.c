// Inference from four threads over one store: one plan, a workspace for each thread, the bits of a
// single thread. Run under the thread sanitizer, it is also a proof that running shares nothing.
#include "net.h"

#include <pthread.h>

enum { THREADS = 4, REQUESTS = 12, BATCH = 6, CLASSES = 10 };

static hd_val convnet(hd_graph *g) {
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, 16, 16, 3));
  x = hd_max_pool2d(hd_relu(hd_batch_norm(hd_conv2d(x, .filters = 16, .kernel = {3}))),
                    .window = {2});
  x = hd_relu(hd_conv2d(x, .filters = 32, .kernel = {3}, .pad = HD_SAME));
  x = hd_dropout(hd_tanh(hd_dense(hd_flatten(x), .units = 64)));
  return hd_softmax(hd_dense(x, .units = CLASSES));
}

typedef struct {
  const hd_plan *plan;
  hd_store *store;
  uint64_t first;
  float out[REQUESTS][BATCH * CLASSES];
  const char *failed;
} client;

static void *serve(void *arg) {
  client *c = arg;
  hd_error err = {0};
  hd_workspace *w = hd_workspace_new(c->plan, NULL, &err);
  hd_type t;
  float *x = w ? hd_workspace_input(w, "x", &t) : NULL;
  c->failed = x ? NULL : "no workspace";
  for (uint64_t i = 0; i < REQUESTS && !c->failed; i++) {
    net_fill_at(x, t, c->first + i);
    if (hd_run(w, &err)) c->failed = "run";
    else memcpy(c->out[i], hd_workspace_fetch(w, 0, NULL), sizeof c->out[i]);
  }
  hd_workspace_free(w);
  return NULL;
}

static void serve_all(const hd_env *env, client *c, bool at_once) {
  net n = net_new(env);
  hd_error err = {0};
  n.plan = hd_compile(n.store, &err, .fetch = {convnet(n.g)}, .batch = BATCH);
  if (!n.plan) fail_msg("%s", err.text);
  pthread_t thread[THREADS];
  for (int i = 0; i < THREADS; i++) {
    c[i] = (client){.plan = n.plan, .store = n.store, .first = (uint64_t)i * 100};
    if (!at_once) serve(&c[i]);
    else assert_int_equal(pthread_create(&thread[i], NULL, serve, &c[i]), 0);
  }
  for (int i = 0; i < THREADS && at_once; i++) pthread_join(thread[i], NULL);
  for (int i = 0; i < THREADS; i++)
    if (c[i].failed) fail_msg("client %d: %s", i, c[i].failed);
  assert_int_equal(hd_store_step(n.store), 0);
  net_free(&n);
}

static void four_clients_get_the_bits_of_one(void **state) {
  (void)state;
  static client alone[THREADS], at_once[THREADS];
  serve_all(&(hd_env){.threads = 1}, alone, false);
  assert_memory_not_equal(alone[0].out, alone[1].out, sizeof alone[0].out);
  for (int threads = 1; threads <= 3; threads += 2) {  // also with a pool that they compete for
    serve_all(&(hd_env){.threads = threads}, at_once, true);
    for (int i = 0; i < THREADS; i++)
      assert_memory_equal(alone[i].out, at_once[i].out, sizeof alone[i].out);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(four_clients_get_the_bits_of_one)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
