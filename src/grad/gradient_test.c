// Differentiation as a graph transform: what it sums, what it refuses, and its own derivative.
#include "../../test/net.h"

static double out(const net *n, int i) {
  return *(const double *)hd_workspace_fetch(n->w, i, NULL);
}

static void set(const net *n, double x) { *(double *)hd_workspace_input(n->w, "x", NULL) = x; }

static void a_value_that_is_used_twice_sums(void **state) {
  (void)state;
  net n = net_new(NULL);
  hd_val x = hd_input(n.g, "x", HD_F64, (hd_shape){0});
  hd_val a = hd_mul(x, x), y = hd_add(hd_mul(a, x), hd_add(a, hd_sin(x)));  // x^3 + x^2 + sin x
  hd_val d1 = hd_gradient(y, x), d2 = hd_gradient(d1, x), d3 = hd_gradient(d2, x);
  net_compile(&n, (hd_compile_options){.fetch = {y, d1, d2, d3}});
  for (double v = -1.5; v < 2; v += 0.5) {
    set(&n, v);
    net_run(&n);
    assert_float_equal(out(&n, 0), v * v * v + v * v + sin(v), 1e-12);
    assert_float_equal(out(&n, 1), 3 * v * v + 2 * v + cos(v), 1e-12);
    assert_float_equal(out(&n, 2), 6 * v + 2 - sin(v), 1e-12);
    assert_float_equal(out(&n, 3), 6 - cos(v), 1e-12);
  }
  net_free(&n);
}

static void only_paths_that_matter_are_built(void **state) {
  (void)state;
  net n = net_new(NULL);
  hd_val x = hd_input(n.g, "x", HD_F64, (hd_shape){0}), z = hd_exp(x), w = hd_sin(x), to[4];
  hd_val y = hd_mul(hd_stop_gradient(z), hd_square(w));
  assert_int_equal(hd_gradients(y, (hd_val){0}, (hd_val[]){x, z, w, w}, 4, to), HD_OK);
  assert_null(to[1].graph);  // nothing passes stop_gradient
  assert_int_equal(to[2].node, to[3].node);
  assert_null(hd_gradient(y, hd_cos(x)).graph);  // y does not depend on it
  assert_null(hd_gradient(y, (hd_val){0}).graph);
  assert_string_equal(hd_graph_error(n.g), "");
  net_compile(&n, (hd_compile_options){.fetch = {to[0], to[2], hd_gradient(y, y)}});
  set(&n, 0.7);
  net_run(&n);
  assert_float_equal(out(&n, 0), exp(0.7) * 2 * sin(0.7) * cos(0.7), 1e-12);
  assert_float_equal(out(&n, 1), exp(0.7) * 2 * sin(0.7), 1e-12);
  assert_true(out(&n, 2) == 1);
  net_free(&n);
}

// dy is a cotangent: to = J' dy.
static void a_cotangent_weighs_the_outputs(void **state) {
  (void)state;
  net n = net_new(NULL);
  hd_val x = hd_input(n.g, "x", HD_F64, HD_SHAPE(3)), c = hd_input(n.g, "c", HD_F64, HD_SHAPE(3));
  hd_val to;
  assert_int_equal(hd_gradients(hd_square(x), c, &x, 1, &to), HD_OK);
  net_compile(&n, (hd_compile_options){.fetch = {to}});
  net_fill(&n, "x", 1);
  net_fill(&n, "c", 2);
  net_run(&n);
  const double *px = hd_workspace_input(n.w, "x", NULL), *pc = hd_workspace_input(n.w, "c", NULL);
  for (int i = 0; i < 3; i++)
    assert_float_equal(((const double *)hd_workspace_fetch(n.w, 0, NULL))[i], 2 * px[i] * pc[i],
                       1e-15);
  net_free(&n);
}

typedef hd_val bad(hd_graph *g, hd_val x);
static hd_val of_a_vector(hd_graph *g, hd_val x) { return (void)g, hd_gradient(hd_square(x), x); }
static hd_val of_an_integer(hd_graph *g, hd_val x) {
  return (void)g, hd_gradient(hd_argmax(x, 0), x);
}
static hd_val with_a_cotangent_of_another_shape(hd_graph *g, hd_val x) {
  hd_val to;
  hd_gradients(hd_square(x), hd_input(g, "c", HD_F64, HD_SHAPE(1)), &x, 1, &to);
  return to;
}
static hd_val with_a_cotangent_of_another_type(hd_graph *g, hd_val x) {
  hd_val to;
  hd_gradients(hd_square(x), hd_input(g, "c", HD_F32, HD_SHAPE(3)), &x, 1, &to);
  return to;
}
static hd_val of_another_graph(hd_graph *g, hd_val x) {
  hd_graph *other = hd_graph_new(NULL);
  hd_val to = hd_gradient(hd_sum(x), hd_input(other, "x", HD_F64, HD_SHAPE(3)));
  hd_graph_free(other);
  return (void)g, to;
}

static void bad_calls_say_why(void **state) {
  (void)state;
  const struct {
    bad *call;
    const char *text;
  } table[] = {{of_a_vector, "must be a scalar"},
               {of_an_integer, "floating-point"},
               {with_a_cotangent_of_another_shape, "(1)"},
               {with_a_cotangent_of_another_type, "f32"},
               {of_another_graph, "another graph"}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    hd_graph *g = hd_graph_new(NULL);
    hd_val to = table[i].call(g, hd_input(g, "x", HD_F64, HD_SHAPE(3)));
    assert_null(to.graph);
    if (!strstr(hd_graph_error(g), table[i].text))
      fail_msg("case %d says \"%s\"", (int)i, hd_graph_error(g));
    hd_graph_free(g);
  }
}

// 3000 ops deep: the walk does not recurse.
static void depth_is_no_matter(void **state) {
  (void)state;
  enum { DEEP = 3000 };
  net n = net_new(NULL);
  hd_val x = hd_input(n.g, "x", HD_F64, (hd_shape){0}), y = x;
  for (int i = 0; i < DEEP; i++) y = hd_neg(y);
  net_compile(&n, (hd_compile_options){.fetch = {hd_gradient(y, x), y}});
  set(&n, 0.25);
  net_run(&n);
  assert_true(out(&n, 0) == 1 && out(&n, 1) == 0.25);
  net_free(&n);
}

// The gradient penalty of Gulrajani et al. 2017: a loss made of a gradient, differentiated again.
static void give(const net *n) { net_fill(n, "x", 5); }
static void a_gradient_penalty_trains(void **state) {
  (void)state;
  net n = net_new(NULL);
  hd_val x = hd_input(n.g, "x", HD_F64, HD_SHAPE(HD_BATCH, 4));
  hd_val y = hd_sum(hd_dense(hd_tanh(hd_dense(hd_softplus(hd_dense(x, .units = 6)), .units = 5)),
                             .units = 1, .no_bias = true));
  hd_val norm = hd_sqrt(hd_sum(hd_square(hd_gradient(y, x)), .axes = HD_AXIS(1)));
  hd_val loss = hd_mean(hd_square(hd_add_scalar(norm, -1)));
  double error = net_gradient_error(&n, loss, (hd_compile_options){.batch = 3}, 1e-3, give);
  assert_true(error < 1e-6);
  net_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_value_that_is_used_twice_sums),
                                     cmocka_unit_test(only_paths_that_matter_are_built),
                                     cmocka_unit_test(a_cotangent_weighs_the_outputs),
                                     cmocka_unit_test(bad_calls_say_why),
                                     cmocka_unit_test(depth_is_no_matter),
                                     cmocka_unit_test(a_gradient_penalty_trains)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
