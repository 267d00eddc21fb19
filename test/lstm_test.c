// Long short-term memory (Hochreiter & Schmidhuber 1997) unrolled by hd_apply: its gradient, a task
// that needs memory, and state carried from step to step.
#include "net.h"

enum { UNITS = 12 };
typedef struct {
  hd_val h, c;
} lstm;

// One value in and one out, so that hd_apply can make it again: (x, h, c) -> (h, c). Gates i, f, o
// and g lie side by side in one product.
static hd_val cell(hd_val xhc, int width, int units) {
  hd_val c = hd_slice(xhc, 1, width + units, units);
  hd_val z = hd_dense(hd_slice(xhc, 1, 0, width + units), .units = 4 * units, .name = "cell"),
         gate[4];
  for (int i = 0; i < 4; i++) gate[i] = hd_slice(z, -1, i * units, units);
  for (int i = 0; i < 3; i++) gate[i] = hd_sigmoid(gate[i]);
  c = hd_add(hd_mul(gate[1], c), hd_mul(gate[0], hd_tanh(gate[3])));
  return hd_concat((hd_val[]){hd_mul(gate[2], hd_tanh(c)), c}, 2, 1);
}

static lstm unroll(hd_val x, hd_val h, hd_val c, int steps, int width, hd_val *outputs) {
  int units = (int)hd_val_type(h).shape.d[1];
  hd_val first_in = {0}, first = {0};
  lstm y = {h, c};
  for (int t = 0; t < steps; t++) {
    hd_val now = hd_reshape(hd_slice(x, 1, t, 1), HD_SHAPE(HD_BATCH, width));
    hd_val in = hd_concat((hd_val[]){now, y.h, y.c}, 3, 1);
    if (!t) first = cell(first_in = in, width, units);
    hd_val both = hd_apply(first, first_in, in);
    y = (lstm){hd_slice(both, 1, 0, units), hd_slice(both, 1, units, units)};
    if (outputs) outputs[t] = y.h;
  }
  return y;
}

// Zeros of (N, units), as a function of the input's batch.
static hd_val zeros(hd_val x, int width, int units) {
  hd_val first = hd_reshape(hd_slice(x, 1, 0, 1), HD_SHAPE(HD_BATCH, width));
  hd_val none = hd_scale(hd_sum(first, .axes = HD_AXIS(1), .keep = true), 0);
  return hd_add(none, hd_cast(hd_constant(x.graph, HD_F32, HD_SHAPE(1, units), (float[UNITS]){0}),
                              hd_val_type(x).dtype));
}

static void give(const net *n) { net_fill(n, "x", 1), net_fill(n, "t", 2); }

static void the_gradient_through_50_steps(void **state) {
  (void)state;
  net n = net_new(NULL);
  hd_val x = hd_input(n.g, "x", HD_F64, HD_SHAPE(HD_BATCH, 50, 3)), outputs[50];
  hd_val t = hd_input(n.g, "t", HD_F64, HD_SHAPE(HD_BATCH, 50, 5));
  unroll(x, zeros(x, 3, 5), zeros(x, 3, 5), 50, 3, outputs);
  hd_val loss = hd_scalar_like(x, 0);
  for (int i = 0; i < 50; i++)
    loss =
        hd_add(loss, hd_mse(outputs[i], hd_reshape(hd_slice(t, 1, i, 1), HD_SHAPE(HD_BATCH, 5))));
  double error = net_gradient_error(&n, loss, (hd_compile_options){.batch = 2}, 1e-3, give);
  if (!(error < 1e-6)) fail_msg("relative error %g", error);
  assert_int_equal(hd_store_count(n.store), 2);  // one set of weights for all steps
  net_free(&n);
}

// Which of two signs came first? Twelve steps of noise lie in between.
static void it_remembers(void **state) {
  (void)state;
  enum { STEPS = 13, BATCH = 32 };
  net n = net_new(&(hd_env){.threads = 1});
  hd_val x = hd_input(n.g, "x", HD_F32, HD_SHAPE(HD_BATCH, STEPS, 2));
  hd_val t = hd_input(n.g, "t", HD_I32, HD_SHAPE(HD_BATCH));
  hd_val y =
      hd_dense(unroll(x, zeros(x, 2, UNITS), zeros(x, 2, UNITS), STEPS, 2, NULL).h, .units = 2);
  hd_val loss = hd_cross_entropy(y, t);
  hd_update u = hd_minimize(loss, hd_adam(.lr = 0.02f));
  net_compile(
      &n, (hd_compile_options){.fetch = {loss}, .update = {u}, .batch = BATCH, .mode = HD_TRAIN});
  float *px = hd_workspace_input(n.w, "x", NULL), first = 0, last = 0;
  int32_t *pt = hd_workspace_input(n.w, "t", NULL);
  uint64_t noise = 9;
  for (int step = 0; step < 150; step++) {
    for (int i = 0; i < BATCH * STEPS * 2; i++) px[i] = (float)net_uniform(&noise) * 0.5f;
    for (int i = 0; i < BATCH; i++) {
      pt[i] = net_uniform(&noise) > 0;
      px[i * STEPS * 2] = pt[i] ? 1.0f : -1.0f;
      px[i * STEPS * 2 + 1] = 1;
    }
    net_run(&n);
    last = *net_out(&n, 0);
    if (!step) first = last;
  }
  assert_true(first > 0.5f);
  if (!(last < 0.05f)) fail_msg("loss %g after training, %g before", (double)last, (double)first);
  net_free(&n);
}

// Truncated back-propagation through time: a segment of a sequence at a step, the state of the end
// carried to the next. Two segment lengths are two plans on one store.
typedef struct {
  net n;
  hd_val h, c, loss;
  hd_plan *plan;
  hd_workspace *w;
} segment;

static void carried(net *n, int steps, hd_compile_options o) {
  hd_val x = hd_input(n->g, "x", HD_F32, HD_SHAPE(HD_BATCH, HD_TIME, 2));
  hd_val h =
      hd_variable(n->g, HD_F32, HD_SHAPE(HD_BATCH, UNITS), .role = HD_CARRIED, .name = "state/h");
  hd_val c =
      hd_variable(n->g, HD_F32, HD_SHAPE(HD_BATCH, UNITS), .role = HD_CARRIED, .name = "state/c");
  lstm end = unroll(x, h, c, steps, 2, NULL);
  o.fetch[0] = end.h;
  o.time = steps;
  o.update[0] = hd_assign(h, end.h);
  o.update[1] = hd_assign(c, end.c);
  if (o.mode == HD_TRAIN)
    o.update[2] = hd_minimize(hd_mean(hd_square(hd_add_scalar(end.h, -0.3))), hd_adam(.lr = 0.05f));
  net_compile(n, o);
}

static void state_is_carried(void **state) {
  (void)state;
  net whole = net_new(NULL), part = net_new(NULL), odd = {.store = part.store};
  carried(&whole, 8, (hd_compile_options){.batch = 3});
  carried(&part, 3, (hd_compile_options){.batch = 3});
  odd.g = hd_graph_new(NULL);
  carried(&odd, 5, (hd_compile_options){.batch = 3});
  net_fill(&whole, "x", 4);
  const float *x = hd_workspace_input(whole.w, "x", NULL);
  for (int i = 0; i < 3; i++)
    for (int k = 0; k < 16; k++) {
      float *to = k < 6 ? (float *)hd_workspace_input(part.w, "x", NULL) + 6 * i + k
                        : (float *)hd_workspace_input(odd.w, "x", NULL) + 10 * i + k - 6;
      *to = x[16 * i + k];
    }
  net_run(&whole);
  net_run(&part);
  net_run(&odd);
  net_same_bits(whole.store, part.store);  // weights, and the state after eight steps
  const hd_parameter *h = hd_store_find(part.store, "state/h@3");
  assert_non_null(h);
  assert_int_equal(h->role, HD_CARRIED);
  assert_memory_equal(h->data, net_out(&odd, 0), net_bytes(h));
  net_run(&odd);  // another batch's state is its own
  float before[3 * UNITS];
  memcpy(before, h->data, sizeof before);
  net other = {.g = hd_graph_new(NULL), .store = part.store};
  carried(&other, 3, (hd_compile_options){.batch = 2, .mode = HD_TRAIN});
  float weight = *net_parameter(&part, "cell/weight"), first = 0, loss = 0;
  for (int step = 0; step < 60; step++) {
    net_fill(&other, "x", (uint64_t)step % 2);
    net_run(&other);
    loss = 0;
    for (int i = 0; i < 2 * UNITS; i++) loss += fabsf(net_out(&other, 0)[i] - 0.3f);
    if (!step) first = loss;
  }
  assert_true(loss < 0.5f * first);
  assert_true(weight != *net_parameter(&part, "cell/weight"));  // shared by all four plans
  assert_memory_equal(before, h->data, sizeof before);
  other.store = odd.store = NULL;
  net_free(&other);
  net_free(&odd);
  net_free(&part);
  net_free(&whole);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_gradient_through_50_steps),
                                     cmocka_unit_test(it_remembers),
                                     cmocka_unit_test(state_is_carried)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
