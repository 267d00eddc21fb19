// What hd_fit watches: the values are those of the last whole batch, and looking changes nothing.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "../../include/hadal/hadal.h"

enum { SAMPLES = 20, BATCH = 8, EPOCHS = 3 };

typedef struct seen {
  double value[EPOCHS][3];
  int epochs, steps_with_values;
} seen;

static bool on_step(void *user, const hd_progress *p) {
  ((seen *)user)->steps_with_values += p->watched != NULL;
  return true;
}

static bool on_epoch(void *user, const hd_progress *p) {
  seen *s = user;
  for (int i = 0; p->watched && i < 3; i++) s->value[s->epochs][i] = p->watched[i];
  s->epochs += p->watched != NULL;
  return true;
}

typedef struct net {
  hd_graph *graph;
  hd_store *store;
  hd_val x, loss, watch[3];
} net;

static net build(void) {
  net n = {.graph = hd_graph_new(NULL), .store = hd_store_new(NULL)};
  n.x = hd_input(n.graph, "x", HD_F32, HD_SHAPE(HD_BATCH, 2));
  hd_val t = hd_input(n.graph, "target", HD_F32, HD_SHAPE(HD_BATCH, 1));
  n.loss = hd_mse(hd_dense(hd_tanh(hd_dense(n.x, .units = 3)), .units = 1), t);
  hd_val w[4];
  assert_int_equal(hd_weights(n.loss, w, 4), 4);
  n.watch[0] = n.loss;
  n.watch[1] = hd_sum(hd_square(hd_gradient(n.loss, w[0])));
  n.watch[2] = hd_sum(n.x);
  return n;
}

// With lr 0 nothing moves, so that every value can be computed again.
static seen fit(net *n, const hd_data *data, float lr, int watches, int shards) {
  seen s = {0};
  hd_error err = {0};
  hd_status status =
      hd_fit(n->store, n->loss, data, &err, .optimizer = hd_sgd(.lr = lr), .batch = BATCH,
             .epochs = EPOCHS, .no_shuffle = true, .watch = n->watch, .watches = watches,
             .shards = shards, .user = &s, .on_step = on_step, .on_epoch = on_epoch);
  if (status) print_error("%s\n", err.text);
  assert_int_equal(status, HD_OK);
  return s;
}

static float xs[SAMPLES * 2], ts[SAMPLES];

static hd_data source(void) {
  static const char *const names[] = {"x", "target"};
  hd_tensor t[] = {{.dtype = HD_F32, .shape = HD_SHAPE(SAMPLES, 2), .data = xs},
                   {.dtype = HD_F32, .shape = HD_SHAPE(SAMPLES, 1), .data = ts}};
  hd_data data;
  for (int i = 0; i < SAMPLES; i++)
    xs[2 * i] = (float)i, xs[2 * i + 1] = (float)(i * i % 7), ts[i] = (float)(i % 3);
  assert_int_equal(hd_data_from_tensors(NULL, names, t, 2, &data, NULL), HD_OK);
  return data;
}

static void close_net(net *n) {
  hd_store_free(n->store);
  hd_graph_free(n->graph);
}

static void values_are_of_the_last_batch(void **state) {
  (void)state;
  hd_data data = source();
  for (int shards = 1; shards <= 2; shards++) {
    net n = build();
    seen s = fit(&n, &data, 1e-30f, 3, shards);
    int rows = BATCH / 2;  // samples 8 to 11: half of a batch, or the whole of a small one
    float sum = 0;
    for (int i = 0; i < rows * 2; i++) sum += xs[2 * BATCH + i];
    assert_int_equal(s.epochs, EPOCHS);
    assert_int_equal(s.steps_with_values, 0);
    hd_error err = {0};
    hd_plan *plan = hd_compile(n.store, &err, .fetch = {n.watch[0], n.watch[1]}, .batch = rows);
    assert_non_null(plan);
    hd_workspace *w = hd_workspace_new(plan, NULL, &err);
    memcpy(hd_workspace_input(w, "x", NULL), xs + 2 * BATCH, sizeof *xs * 2 * (size_t)rows);
    memcpy(hd_workspace_input(w, "target", NULL), ts + BATCH, sizeof *ts * (size_t)rows);
    assert_int_equal(hd_run(w, &err), HD_OK);
    for (int e = 0; e < EPOCHS; e++) {
      assert_true(s.value[e][2] == (double)sum);
      for (int i = 0; i < 2; i++) {
        double is = (double)*(const float *)hd_workspace_fetch(w, i, NULL);
        assert_true(fabs(s.value[e][i] - is) <= 1e-6 * fabs(is));
      }
    }
    hd_workspace_free(w);
    hd_plan_free(plan);
    close_net(&n);
  }
  hd_data_free(&data);
}

static void looking_changes_nothing(void **state) {
  (void)state;
  hd_data data = source();
  net a = build(), b = build();
  fit(&a, &data, 0.05f, 0, 1);
  fit(&b, &data, 0.05f, 3, 1);
  assert_int_equal(hd_store_count(a.store), hd_store_count(b.store));
  assert_int_equal(hd_store_step(a.store), hd_store_step(b.store));
  for (int i = 0; i < hd_store_count(a.store); i++) {
    const hd_parameter *p = hd_store_at(a.store, i), *q = hd_store_find(b.store, p->name);
    assert_non_null(q);
    assert_memory_equal(p->data, q->data,
                        (size_t)hd_shape_count(p->type.shape) * hd_dtype_size(p->type.dtype));
  }
  close_net(&a);
  close_net(&b);
  hd_data_free(&data);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(values_are_of_the_last_batch),
                                     cmocka_unit_test(looking_changes_nothing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
