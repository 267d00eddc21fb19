// Ops that move elements: sizes that are bound later, many inputs, and what sealing simplifies.
#include "machine_test.h"

#include "../../include/hadal/plan.h"

static hd_store *store;
static int open_store(void **unused) {
  (void)unused;
  store = hd_store_new(NULL);
  return store ? 0 : -1;
}
static int close_store(void **unused) {
  (void)unused;
  hd_store_free(store);
  return 0;
}

// ---- Sizes that are bound later -----------------------------------------------------------------
static void expect_shape(hd_val v, hd_shape s) {
  char a[96], b[96];
  if (!hd_ok(v)) fail_msg("expected %s, got no value", hd_text_of(s, a));
  hd_shape got = hd_type_of(v)->shape;
  if (!hd_shape_equal(got, s))
    fail_msg("expected %s, got %s", hd_text_of(s, a), hd_text_of(got, b));
}

static void test_symbolic_shapes(void **unused) {
  (void)unused;
  hd_graph *g = hd_graph_new(NULL);
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, 3, 4));
  hd_val t = hd_input(g, "t", HD_F32, HD_SHAPE(HD_BATCH, HD_TIME, 4)), s = hd_scalar(g, 2);
  expect_shape(hd_flatten(x), HD_SHAPE(HD_BATCH, 12));
  expect_shape(hd_flatten(t), HD_SHAPE(HD_BATCH, HD_ANY));
  expect_shape(hd_reshape(x, HD_SHAPE(HD_ANY, 4)), HD_SHAPE(HD_ANY, 4));
  expect_shape(hd_reshape(x, HD_SHAPE(HD_ANY, 2, 6)), HD_SHAPE(HD_BATCH, 2, 6));
  expect_shape(hd_reshape(t, HD_SHAPE(HD_BATCH, HD_ANY)), HD_SHAPE(HD_BATCH, HD_ANY));
  expect_shape(hd_reshape(t, HD_SHAPE(HD_TIME, HD_BATCH, HD_ANY)), HD_SHAPE(HD_TIME, HD_BATCH, 4));
  expect_shape(hd_reshape(hd_reshape(t, HD_SHAPE(HD_ANY, 4)), HD_SHAPE(HD_BATCH, HD_TIME, 2, 2)),
               HD_SHAPE(HD_BATCH, HD_TIME, 2, 2));
  expect_shape(hd_broadcast_to(s, HD_SHAPE(HD_BATCH, 5)), HD_SHAPE(HD_BATCH, 5));
  expect_shape(hd_transpose(t, HD_SHAPE(1, 0, 2)), HD_SHAPE(HD_TIME, HD_BATCH, 4));
  expect_shape(hd_slice(t, 1, -1, 1), HD_SHAPE(HD_BATCH, 1, 4));
  expect_shape(hd_slice(t, 1, -2, HD_ANY), HD_SHAPE(HD_BATCH, 2, 4));
  expect_shape(hd_slice(t, 1, 1, HD_ANY), HD_SHAPE(HD_BATCH, HD_ANY, 4));
  expect_shape(hd_slice(t, 0, 0, HD_BATCH), HD_SHAPE(HD_BATCH, HD_TIME, 4));
  expect_shape(hd_concat((hd_val[]){x, x}, 2, 0), HD_SHAPE(HD_ANY, 3, 4));
  expect_shape(hd_concat((hd_val[]){x, x}, 2, 1), HD_SHAPE(HD_BATCH, 6, 4));
  expect_shape(hd_pad(t, .before = {0, 1}), HD_SHAPE(HD_BATCH, HD_ANY, 4));
  expect_shape(hd_add(t, s), HD_SHAPE(HD_BATCH, HD_TIME, 4));
  assert_string_equal(hd_graph_error(g), "");
  assert_false(hd_ok(hd_reshape(x, HD_SHAPE(HD_BATCH, 13))));
  assert_non_null(strstr(hd_graph_error(g), "(N, 3, 4) does not hold as many elements as (N, 13)"));
  hd_graph_free(g);
}

// Layout ops over open sizes, and the gradient back through them: bound sizes against numbers.
static hd_val moved(hd_val x, hd_val y, int64_t n, int64_t time) {
  hd_val v[] = {y, hd_slice(x, 1, 1, HD_ANY), hd_slice(x, 1, -1, 1), hd_square(x)};
  hd_val all = hd_concat(v, 4, 1);
  hd_val end = hd_pad(hd_slice(all, 1, -2, 2), .before = {0, 1}, .after = {0, 2});
  all = hd_concat((hd_val[]){all, end}, 2, 1);
  all = hd_concat((hd_val[]){all, hd_scale(all, 3)}, 2, 0);
  hd_val scale = hd_broadcast_to(hd_mean(x, .axes = HD_AXIS(1)), HD_SHAPE(n, 3));
  hd_val row = hd_reshape(hd_reshape(x, HD_SHAPE(n, time, 3, 1)), HD_SHAPE(HD_ANY, 3));
  int32_t index[4] = {0, 2, 2, 1};
  hd_val rows = hd_gather(row, hd_constant(x.graph, HD_I32, HD_SHAPE(4), index));
  return hd_add(hd_mul(hd_sum(hd_square(all)), hd_sum(hd_square(scale))), hd_sum(hd_exp(rows)));
}

static void test_symbolic_gradients(void **unused) {
  (void)unused;
  enum { N = 2, T = 4 };
  double got[2][2][N * T * 3];
  for (int symbolic = 0; symbolic < 2; symbolic++) {
    int64_t n = symbolic ? HD_BATCH : N, time = symbolic ? HD_TIME : T;
    hd_graph *g = hd_graph_new(NULL);
    hd_val x = hd_input(g, "x", HD_F64, HD_SHAPE(n, time, 3));
    hd_val y = hd_input(g, "y", HD_F64, HD_SHAPE(n, time, 3)), in[2] = {x, y}, to[2];
    assert_int_equal(hd_gradients(moved(x, y, n, time), (hd_val){0}, in, 2, to), HD_OK);
    hd_error err = {0};
    hd_plan *plan = hd_compile(store, &err, .fetch = {to[0], to[1]}, .batch = N, .time = T);
    if (!plan) fail_msg("%s", err.text);
    hd_workspace *w = hd_workspace_new(plan, NULL, &err);
    for (int i = 0; i < N * T * 3; i++) {
      ((double *)hd_workspace_input(w, "x", NULL))[i] = sin(i);
      ((double *)hd_workspace_input(w, "y", NULL))[i] = cos(i);
    }
    assert_int_equal(hd_run(w, &err), HD_OK);
    for (int i = 0; i < 2; i++)
      memcpy(got[symbolic][i], hd_workspace_fetch(w, i, NULL), sizeof got[0][0]);
    hd_workspace_free(w);
    hd_plan_free(plan);
    hd_graph_free(g);
  }
  for (int i = 0; i < 2; i++)
    for (int k = 0; k < N * T * 3; k++) {
      assert_true(got[0][i][k] != 0);
      assert_true(fabs(got[0][i][k] - got[1][i][k]) <= 1e-12 * fabs(got[0][i][k]));
    }
}

// More inputs than one node takes.
static void test_long_concat(void **unused) {
  (void)unused;
  enum { N = 60 };
  hd_graph *g = hd_graph_new(NULL);
  hd_val x = hd_input(g, "x", HD_F64, HD_SHAPE(2, 1)), part[N];
  for (int i = 0; i < N; i++) part[i] = hd_scale(x, i);
  hd_val y = hd_concat(part, N, 1), loss = hd_sum(hd_square(y)), dx = hd_gradient(loss, x);
  expect_shape(y, HD_SHAPE(2, N));
  machine m = machine_new((hd_val[]){y, dx}, 2);
  double *v = at(&m, x), sum = 0;
  v[0] = 1, v[1] = -2;
  machine_run(&m);
  for (int i = 0; i < N; i++) {
    assert_true(((double *)at(&m, y))[i] == i && ((double *)at(&m, y))[N + i] == -2 * i);
    sum += 2.0 * i * i;
  }
  assert_true(((double *)at(&m, dx))[0] == sum && ((double *)at(&m, dx))[1] == -2 * sum);
  machine_free(&m);
  hd_graph_free(g);
}

// ---- Rewriting ----------------------------------------------------------------------------------
static int calls_of(hd_val y) {
  hd_error err = {0};
  hd_plan *plan = hd_compile(store, &err, .fetch = {y}, .no_fusion = true);
  if (!plan) fail_msg("%s", err.text);
  int calls = hd_plan_describe(plan).calls;
  hd_plan_free(plan);
  return calls;
}

// Each of these is nothing at all, or one call.
static void test_rewrites(void **unused) {
  (void)unused;
  hd_graph *g = hd_graph_new(NULL);
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(2, 3, 1, 5)), e = hd_exp(x);
  hd_val small = hd_exp(hd_input(g, "s", HD_F32, HD_SHAPE(3, 1, 5)));
  hd_val nothing[] = {hd_scale(e, 1),
                      hd_mul(hd_scalar(g, 1), e),
                      hd_add_scalar(e, 0),
                      hd_add(hd_scalar(g, 0), e),
                      hd_sub(e, hd_scalar(g, 0)),
                      hd_div(e, hd_scalar(g, 1)),
                      hd_power(e, 1),
                      hd_stop_gradient(e),
                      hd_cast(e, HD_F32),
                      hd_reshape(e, HD_SHAPE(30)),
                      hd_transpose(e, HD_SHAPE(0, 2, 1, 3)),
                      hd_transpose(hd_transpose(e, HD_SHAPE(3, 1, 2, 0)), HD_SHAPE(3, 1, 2, 0)),
                      hd_slice(e, 1, 0, HD_ANY),
                      (hd_pad)(e, (hd_pad_options){.value = 1}),
                      hd_concat(&e, 1, 0),
                      hd_broadcast_to(e, HD_SHAPE(2, 3, 1, 5)),
                      hd_sum_like(e, x),
                      hd_reshape_like(e, x),
                      hd_expand_like(e, x, .mean = true),
                      hd_sum_like(e, hd_reshape(x, HD_SHAPE(2, 3, 1, 5)))};
  for (size_t i = 0; i < HD_COUNT(nothing); i++)
    if (calls_of(nothing[i]) != 1) fail_msg("%d: %d calls", (int)i, calls_of(nothing[i]));
  hd_val one[] = {hd_add(small, hd_broadcast_to(hd_scalar(g, 0), HD_SHAPE(2, 3, 1, 5))),
                  hd_sum_like(e, small), hd_expand_like(small, x),
                  hd_transpose(e, HD_SHAPE(0, 3, 2, 1)),
                  hd_transpose(hd_transpose(e, HD_SHAPE(1, 0, 2, 3)), HD_SHAPE(3, 1, 2, 0))};
  for (size_t i = 0; i < HD_COUNT(one); i++)
    if (calls_of(one[i]) != 2) fail_msg("%d: %d calls", (int)i, calls_of(one[i]));
  assert_string_equal(hd_graph_error(g), "");
  hd_graph_free(g);
}

// ---- Bytes --------------------------------------------------------------------------------------
// The values of a plan, cut into parts and rewritten, against the references on the graph as it is.
static void expect_same(hd_val x, hd_val y) {
  hd_error err = {0};
  hd_plan *plan = hd_compile(store, &err, .fetch = {y});
  if (!plan) fail_msg("%s", err.text);
  hd_workspace *w = hd_workspace_new(plan, NULL, &err);
  machine m = machine_new(&y, 1);
  float *p = hd_workspace_input(w, "x", NULL);
  for (int64_t i = 0; i < hd_shape_count(hd_type_of(x)->shape); i++)
    ((float *)at(&m, x))[i] = p[i] = (float)i;
  assert_int_equal(hd_run(w, &err), HD_OK);
  machine_run(&m);
  size_t bytes = (size_t)hd_shape_count(hd_type_of(y)->shape) * sizeof(float);
  if (memcmp(hd_workspace_fetch(w, 0, NULL), at(&m, y), bytes))
    fail_msg("%s: other values in a plan", hd_node_of(y)->op->name);
  machine_free(&m);
  hd_workspace_free(w);
  hd_plan_free(plan);
}

static void test_large(void **unused) {
  (void)unused;
  static const hd_shape shapes[] = {
      {3, {3, 70, 700}}, {3, {50, 3, 900}}, {3, {1000, 7, 11}}, {3, {1, 2, 70001}}};
  for (size_t k = 0; k < HD_COUNT(shapes); k++) {
    hd_graph *g = hd_graph_new(NULL);
    hd_val x = hd_input(g, "x", HD_F32, shapes[k]), both[] = {x, hd_slice(x, 1, 1, HD_ANY)};
    expect_same(x, hd_transpose(x, HD_SHAPE(2, 0, 1)));
    expect_same(x, hd_transpose(x, HD_SHAPE(1, 0, 2)));
    expect_same(x, hd_transpose(hd_transpose(x, HD_SHAPE(2, 0, 1)), HD_SHAPE(0, 2, 1)));
    expect_same(x, both[1]);
    expect_same(x, hd_concat(both, 2, 1));
    expect_same(x, hd_concat((hd_val[]){x, x}, 2, -1));
    expect_same(x, hd_pad(x, .before = {1, 0, 2}, .after = {0, 3, 1}, .value = 2));
    expect_same(x, hd_broadcast_to(hd_slice(x, 1, 0, 1), shapes[k]));
    expect_same(x, hd_broadcast_to(hd_slice(x, 2, 5, 1), shapes[k]));
    assert_string_equal(hd_graph_error(g), "");
    hd_graph_free(g);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_symbolic_shapes), cmocka_unit_test(test_symbolic_gradients),
      cmocka_unit_test(test_long_concat),     cmocka_unit_test(test_rewrites),
      cmocka_unit_test(test_large),
  };
  return cmocka_run_group_tests(tests, open_store, close_store);
}
