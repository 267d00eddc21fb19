// The graph: sticky errors, names that do not know the order of creation, apply, refusals.
#include "../../test/net.h"

#include <stdio.h>

static hd_val input(hd_graph *g, const char *name, int64_t width) {
  return hd_input(g, name, HD_F32, HD_SHAPE(HD_BATCH, width));
}

static void the_first_error_is_kept(void **state) {
  (void)state;
  hd_graph *g = hd_graph_new(NULL);
  hd_val x = input(g, "x", 3);
  assert_string_equal(hd_graph_error(g), "");
  hd_val bad = hd_add(x, input(g, "y", 4));
  assert_null(bad.graph);
  char first[400];
  snprintf(first, sizeof first, "%s", hd_graph_error(g));
  assert_non_null(strstr(first, "add"));
  assert_non_null(strstr(first, "(N, 3)"));
  assert_non_null(strstr(first, "(N, 4)"));
  // Nothing after it counts: nested calls on null values, good calls, bad calls.
  hd_val late = hd_relu(hd_dense(hd_matmul(bad, x), .units = 0));
  assert_null(late.graph);
  assert_null(hd_dense(x, .units = 4).graph);
  assert_null(hd_cross_entropy(hd_softmax(bad), bad).graph);
  assert_null(hd_concat((hd_val[]){x, bad}, 2, 1).graph);
  assert_null(hd_apply(x, x, bad).graph);
  assert_null(hd_gradient(bad, x).graph);
  assert_null(hd_assign(bad, x).graph);
  assert_null(hd_minimize(late, hd_sgd()).graph);
  assert_int_equal(hd_weights(late, NULL, 0), 0);
  assert_string_equal(hd_graph_error(g), first);
  hd_store *store = hd_store_new(NULL);
  hd_error err = {0};
  assert_null(hd_compile(store, &err, .fetch = {x}, .batch = 1));
  assert_string_equal(err.text, first);
  assert_int_equal(err.status, HD_E_SHAPE);
  assert_null(hd_compile(store, NULL, .fetch = {bad}));
  assert_null(hd_compile(store, NULL, .update = {hd_minimize(late, hd_sgd())}));
  hd_store_free(store);
  hd_graph_free(g);
}

static void an_error_names_its_layer(void **state) {
  (void)state;
  hd_graph *g = hd_graph_new(NULL);
  hd_batch_norm(input(g, "x", 3), .name = "head", .epsilon = -1);
  assert_non_null(strstr(hd_graph_error(g), "head"));
  hd_graph_free(g);
}

// Nothing given is a crash: nulls everywhere.
static void null_is_a_no_op(void **state) {
  (void)state;
  hd_val none = {0};
  hd_graph_free(NULL);
  hd_store_free(NULL);
  hd_plan_free(NULL);
  hd_workspace_free(NULL);
  assert_null(hd_input(NULL, "x", HD_F32, HD_SHAPE(1)).graph);
  assert_null(hd_scalar(NULL, 1).graph);
  assert_null(hd_variable(NULL, HD_F32, HD_SHAPE(1)).graph);
  assert_null(hd_relu(hd_dropout(hd_batch_norm(hd_conv2d(none, .filters = 1)))).graph);
  assert_null(hd_apply(none, none, none).graph);
  assert_null(hd_name(none, "x").graph);
  assert_null(hd_minimize(none, hd_adam()).graph);
  assert_int_equal(hd_val_type(none).dtype, HD_NO_DTYPE);
  assert_false(hd_is_variable(none));
  hd_error err = {0};
  assert_null(hd_compile(NULL, &err, .fetch = {none}));
  hd_store *store = hd_store_new(NULL);
  assert_null(hd_compile(store, &err, .fetch = {none}));
  assert_non_null(strstr(err.text, "nothing to compute"));
  assert_null(hd_workspace_new(NULL, NULL, &err));
  assert_int_equal(hd_run(NULL, &err), HD_E_ARGUMENT);
  hd_graph *g = hd_graph_new(NULL);
  assert_null(hd_name(hd_relu(input(g, "x", 2)), NULL).graph);
  assert_non_null(strstr(hd_graph_error(g), "name"));
  hd_graph_free(g);
  hd_store_free(store);
}

// The same net: layers made left to right, right to left, and after a detour that is thrown away.
static hd_val branches(hd_graph *g, int order, hd_val x) {
  hd_val a = {0}, b = {0};
  if (order == 2) hd_dense(hd_dropout(hd_dense(x, .units = 9)), .units = 3);
  for (int i = 0; i < 2; i++)
    if (i == (order == 1)) a = hd_dropout(hd_tanh(hd_dense(x, .units = 8)));
    else b = hd_sigmoid(hd_batch_norm(hd_dense(x, .units = 8)));
  hd_val u = hd_variable(g, HD_F32, HD_SHAPE(8), .init = {HD_NORMAL, 0, 1});
  return hd_dense(hd_mul(hd_add(a, b), u), .units = 1);
}

static void names_and_bits_come_from_the_walk(void **state) {
  (void)state;
  net n[3];
  for (int order = 0; order < 3; order++) {
    net *m = &n[order];
    *m = net_new(NULL);
    hd_val x, t;
    if (order == 1) t = input(m->g, "t", 1), x = input(m->g, "x", 5);
    else x = input(m->g, "x", 5), t = input(m->g, "t", 1);
    hd_val loss = hd_mse(branches(m->g, order, x), t);
    net_compile(m, (hd_compile_options){.fetch = {loss},
                                        .update = {hd_minimize(loss, hd_adam())},
                                        .mode = HD_TRAIN,
                                        .batch = 4});
    for (uint64_t step = 0; step < 20; step++) {
      net_fill(m, "x", 2 * step);
      net_fill(m, "t", 2 * step + 1);
      net_run(m);
    }
  }
  for (const char *const *name =
           (const char *const[]){"dense_1/weight", "dense_2/bias", "dense_3/weight",
                                 "batch_norm_1/gamma", "batch_norm_1/mean", "variable_1",
                                 "adam_1/dense_1/weight/m", "adam_1/step", NULL};
       *name; name++)
    net_parameter(&n[0], *name);
  const hd_parameter *first = hd_store_find(n[0].store, "dense_3/weight");
  assert_true(hd_shape_equal(first->type.shape, HD_SHAPE(8, 1)));
  for (int order = 1; order < 3; order++) net_same_bits(n[0].store, n[order].store);
  for (int order = 0; order < 3; order++) net_free(&n[order]);
}

static void two_things_of_one_name_are_refused(void **state) {
  (void)state;
  net n = net_new(NULL);
  hd_error err = {0};
  hd_val x = input(n.g, "x", 2);
  hd_val y = hd_dense(hd_dense(x, .units = 2, .name = "a"), .units = 2, .name = "a");
  assert_null(hd_compile(n.store, &err, .fetch = {y}, .batch = 1));
  assert_non_null(strstr(err.text, "a/weight"));
  net_free(&n);
  n = net_new(NULL);
  x = input(n.g, "x", 2);
  assert_null(input(n.g, "x", 2).graph);
  assert_non_null(strstr(hd_graph_error(n.g), "\"x\""));
  net_free(&n);
}

// y on x2 through the same weights, whatever lies in between; what does not depend on x is shared.
static void apply_makes_the_net_again(void **state) {
  (void)state;
  net n = net_new(NULL);
  hd_val x = input(n.g, "x", 3), z = input(n.g, "z", 3), c = hd_exp(input(n.g, "c", 3));
  hd_val y = hd_dense(hd_mul(hd_tanh(hd_dense(x, .units = 3)), hd_sub(c, x)), .units = 2);
  hd_val again = hd_apply(y, x, z), sum = hd_add(z, z), nested = hd_apply(hd_relu(y), x, sum);
  hd_val same = hd_apply(x, x, z);
  assert_int_equal(same.node, z.node);
  assert_int_equal(hd_weights(again, NULL, 0), 4);
  assert_int_equal(hd_weights(hd_add(hd_sum(again), hd_sum(y)), NULL, 0), 4);
  net_compile(&n, (hd_compile_options){.fetch = {y, again, nested}, .batch = 2});
  assert_int_equal(hd_store_count(n.store), 4);
  float *px = hd_workspace_input(n.w, "x", NULL), *pz = hd_workspace_input(n.w, "z", NULL);
  net_fill(&n, "c", 1);
  net_fill(&n, "z", 2);
  for (int i = 0; i < 6; i++) px[i] = pz[i];
  net_run(&n);
  float once[4];
  memcpy(once, net_out(&n, 1), sizeof once);
  assert_memory_equal(net_out(&n, 0), once, sizeof once);
  for (int i = 0; i < 6; i++) px[i] = pz[i] + pz[i];
  net_run(&n);
  float doubled[4];
  memcpy(doubled, net_out(&n, 0), sizeof doubled);
  net_fill(&n, "x", 3);  // no matter for what was applied to z and to its double
  net_run(&n);
  assert_memory_not_equal(net_out(&n, 0), doubled, sizeof doubled);
  assert_memory_equal(net_out(&n, 1), once, sizeof once);
  for (int i = 0; i < 4; i++) assert_true(net_out(&n, 2)[i] == fmaxf(doubled[i], 0));
  net_free(&n);
  hd_graph *g = hd_graph_new(NULL);
  x = input(g, "x", 3);
  assert_null(hd_apply(hd_relu(x), input(g, "other", 3), x).graph);
  assert_non_null(strstr(hd_graph_error(g), "does not depend"));
  hd_graph_free(g);
  g = hd_graph_new(NULL);
  x = input(g, "x", 3);
  assert_null(hd_apply(hd_dense(x, .units = 2), x, input(g, "wide", 4)).graph);
  assert_non_null(strstr(hd_graph_error(g), "matmul"));
  hd_graph_free(g);
}

static void weights_are_those_that_train(void **state) {
  (void)state;
  hd_graph *g = hd_graph_new(NULL);
  hd_val x = input(g, "x", 2), got[8];
  hd_val frozen = hd_variable(g, HD_F32, HD_SHAPE(2), .frozen = true);
  hd_val carried = hd_variable(g, HD_F32, HD_SHAPE(HD_BATCH, 2), .role = HD_CARRIED);
  hd_val free_ = hd_variable(g, HD_F32, HD_SHAPE(2));
  hd_val y = hd_batch_norm(hd_add(hd_mul(x, free_), hd_mul(frozen, carried)));
  assert_int_equal(hd_weights(y, got, 8), 3);  // free_, gamma, beta: not the running moments
  assert_int_equal(got[0].node, free_.node);
  assert_int_equal(hd_weights(y, got, 1), 3);
  hd_graph_free(g);
}

// A cell of (x, h, c) unrolled: each step's h and c come from the step before, both of them. The
// same sums by hand: h' = x + 2 h + c, c' = h - c.
static void a_cell_of_three_is_unrolled(void **state) {
  (void)state;
  hd_graph *g = hd_graph_new(NULL);
  hd_val x = hd_scalar(g, 1), h = hd_scalar(g, 2), c = hd_scalar(g, 3);
  hd_val next_h = hd_add(x, hd_add(hd_scale(h, 2), c)), next_c = hd_sub(h, c);
  hd_val at[] = {x, h, c}, from[] = {x, next_h, next_c};
  double wh = 2 * 2 + 3 + 1, wc = 2 - 3;
  for (int i = 0; i < 20; i++) {
    from[0] = hd_scalar(g, i);
    hd_val hh = hd_apply_all(next_h, at, from, 3), cc = hd_apply_all(next_c, at, from, 3);
    from[1] = hh, from[2] = cc;
    double old = wh;
    wh = i + 2 * wh + wc, wc = old - wc;
  }
  assert_string_equal(hd_graph_error(g), "");
  hd_store *s = hd_store_new(&(hd_env){.threads = 1});
  hd_plan *p = hd_compile(s, NULL, .fetch = {from[1], from[2]});
  hd_workspace *w = hd_workspace_new(p, NULL, NULL);
  assert_int_equal(hd_run(w, NULL), HD_OK);
  assert_float_equal(*(const float *)hd_workspace_fetch(w, 0, NULL), wh,
                     1e-5 * (wh < 0 ? -wh : wh));
  assert_float_equal(*(const float *)hd_workspace_fetch(w, 1, NULL), wc,
                     1e-5 * (wc < 0 ? -wc : wc));
  hd_workspace_free(w);
  hd_plan_free(p);
  hd_store_free(s);
  hd_graph_free(g);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_cell_of_three_is_unrolled),
                                     cmocka_unit_test(the_first_error_is_kept),
                                     cmocka_unit_test(an_error_names_its_layer),
                                     cmocka_unit_test(null_is_a_no_op),
                                     cmocka_unit_test(names_and_bits_come_from_the_walk),
                                     cmocka_unit_test(two_things_of_one_name_are_refused),
                                     cmocka_unit_test(apply_makes_the_net_again),
                                     cmocka_unit_test(weights_are_those_that_train)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
