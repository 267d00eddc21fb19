// The learning rate range test: where it blows up, what it suggests, that it leaves no trace.
#include "../../test/net.h"

#include "../../test/faults.h"

enum { SAMPLES = 100, INPUTS = 2, STEPS = 100 };
static float rows[SAMPLES][INPUTS], targets[SAMPLES][1];

typedef struct {
  hd_graph *g;
  hd_store *store;
  hd_val y, loss;
  hd_data data;
} scene;

// A straight line with hardly any noise: the loss is a bowl whose curvature is the same in both
// directions, 2 / 3, since inputs are uniform in [-1, 1). So SGD diverges above a rate of 3.
static hd_status open(scene *s, const hd_env *env, hd_error *err) {
  static const char *const names[] = {"x", "t"};
  uint64_t seed = 3;
  for (int i = 0; i < SAMPLES; i++) {
    for (int k = 0; k < INPUTS; k++) rows[i][k] = (float)net_uniform(&seed);
    targets[i][0] = 2 * rows[i][0] - rows[i][1] + 0.01f * (float)net_uniform(&seed);
  }
  hd_tensor t[] = {{.dtype = HD_F32, .shape = HD_SHAPE(SAMPLES, INPUTS), .data = rows},
                   {.dtype = HD_F32, .shape = HD_SHAPE(SAMPLES, 1), .data = targets}};
  *s = (scene){.g = hd_graph_new(env), .store = hd_store_new(env)};
  hd_val x = hd_input(s->g, "x", HD_F32, HD_SHAPE(HD_BATCH, INPUTS));
  hd_val want = hd_input(s->g, "t", HD_F32, HD_SHAPE(HD_BATCH, 1));
  s->y = hd_dense(x, .units = 1, .no_bias = true);
  s->loss = hd_mse(s->y, want);
  if (!s->g || !s->store || *hd_graph_error(s->g)) return HD_E_MEMORY;
  return hd_data_from_tensors(env, names, t, 2, &s->data, err);
}
static void close_all(scene *s) {
  hd_data_free(&s->data);
  hd_store_free(s->store);
  hd_graph_free(s->g);
}
static void must_open(scene *s) {
  hd_error err = {0};
  if (open(s, NULL, &err)) fail_msg("%s", err.text);
}

static bool count(void *user, const hd_lr_point *p) {
  ++*(int *)user;
  return p->lr > 0;
}

static void it_finds_the_edge(void **state) {
  (void)state;
  hd_lr_point point[2][STEPS];
  for (int again = 0; again < 2; again++) {
    scene s;
    must_open(&s);
    hd_error err = {0};
    hd_lr_range_result r;
    int seen = 0;
    if (hd_lr_range_test(s.store, s.loss, &s.data, &err, .optimizer = hd_sgd(), .from = 1e-3f,
                         .to = 100, .batch = 50, .points = point[again], .result = &r,
                         .user = &seen, .on_step = count))
      fail_msg("%s", err.text);
    const hd_lr_point *p = point[again];
    assert_true(r.blew_up && r.count < STEPS && seen == r.count);
    assert_true(fabs(p[0].lr - 1e-3) < 1e-9);
    for (int i = 1; i < r.count; i++)
      assert_true(fabs(p[i].lr / p[i - 1].lr - pow(1e5, 1.0 / (STEPS - 1))) < 1e-6);
    // The smooth loss by its definition.
    double sum = 0;
    for (int i = 0; i < r.count; i++) {
      sum = 0;
      for (int k = 0; k <= i; k++) sum += p[k].loss * 0.1 * pow(0.9, i - k);
      assert_true(fabs(p[i].smooth - sum / (1 - pow(0.9, i + 1))) < 1e-5 * p[i].smooth);
    }
    // Below the edge, above what moves nothing.
    if (!(r.suggested > 0.01 && r.suggested < 1 && r.lowest > r.suggested && r.lowest < 10))
      fail_msg("suggested %g, lowest at %g", r.suggested, r.lowest);
    double last = p[r.count - 1].lr;
    if (!(last > 3 && last < 30)) fail_msg("it blew up at %g", last);
    close_all(&s);
  }
  assert_memory_equal(point[0], point[1], sizeof *point / 2);
}

// The loss of a point is that of the step after the one with its rate: by hand, on one batch.
static void points_by_hand(void **state) {
  (void)state;
  scene s;
  must_open(&s);
  hd_error err = {0};
  hd_metrics m;
  if (hd_evaluate(s.store, s.loss, (hd_val){0}, &s.data, SAMPLES, &m, &err))
    fail_msg("%s", err.text);
  float *w = hd_store_find(s.store, "dense_1/weight")->data;
  double v[2] = {(double)w[0], (double)w[1]};
  hd_lr_point p[4];
  hd_lr_range_result r;
  if (hd_lr_range_test(s.store, s.loss, &s.data, &err, .optimizer = hd_sgd(), .from = 0.1f,
                       .to = 0.8f, .steps = 4, .batch = SAMPLES, .points = p, .result = &r))
    fail_msg("%s", err.text);
  assert_int_equal(r.count, 4);
  assert_false(r.blew_up);
  for (int i = 0; i < 4; i++) {
    double g[2] = {0}, loss = 0;
    for (int k = 0; k < SAMPLES; k++) {
      double a = (double)rows[k][0], b = (double)rows[k][1];
      double e = v[0] * a + v[1] * b - (double)targets[k][0];
      g[0] += 2 * e * a / SAMPLES, g[1] += 2 * e * b / SAMPLES;
    }
    for (int k = 0; k < 2; k++) v[k] -= 0.1 * (1 << i) * g[k];
    for (int k = 0; k < SAMPLES; k++) {
      double e = v[0] * (double)rows[k][0] + v[1] * (double)rows[k][1] - (double)targets[k][0];
      loss += e * e / SAMPLES;
    }
    if (!(fabs(p[i].loss - loss) < 1e-5 * loss)) fail_msg("%d: %g, by hand %g", i, p[i].loss, loss);
  }
  close_all(&s);
}

static void it_leaves_no_trace(void **state) {
  (void)state;
  for (int before = 0; before < 2; before++) {
    scene a, b;
    must_open(&a);
    must_open(&b);
    hd_error err = {0};
    for (int i = 0; before && i < 2; i++)  // with weights and an optimiser's state in the store
      if (hd_fit(i ? b.store : a.store, i ? b.loss : a.loss, &a.data, &err, .batch = 20,
                 .epochs = 3))
        fail_msg("%s", err.text);
    int had = hd_store_count(a.store);
    if (hd_lr_range_test(a.store, a.loss, &a.data, &err)) fail_msg("%s", err.text);
    assert_int_equal(hd_store_count(a.store), had);
    assert_int_equal(hd_store_step(a.store), hd_store_step(b.store));
    net_same_bits(a.store, b.store);
    // Training goes on as if nothing had been; only the optimiser has another number.
    for (int i = 0; i < 2; i++)
      if (hd_fit(i ? b.store : a.store, i ? b.loss : a.loss, &a.data, &err, .batch = 20,
                 .epochs = 3))
        fail_msg("%s", err.text);
    assert_memory_equal(hd_store_find(a.store, "dense_1/weight")->data,
                        hd_store_find(b.store, "dense_1/weight")->data, sizeof(float) * INPUTS);
    close_all(&a);
    close_all(&b);
  }
}

static void odd_ranges(void **state) {
  (void)state;
  scene s;
  must_open(&s);
  hd_lr_range_result r;
  hd_error err = {0};
  // Far too small: nothing to see.
  if (hd_lr_range_test(s.store, s.loss, &s.data, &err, .optimizer = hd_sgd(), .from = 1e-30f,
                       .to = 1e-29f, .batch = SAMPLES, .result = &r))
    fail_msg("%s", err.text);
  assert_false(r.blew_up);
  assert_int_equal(r.count, 100);
  assert_true(fabs(r.suggested) < 1e-29 && fabs(r.lowest) <= 1.1e-29);
  // Far too large: over at once.
  if (hd_lr_range_test(s.store, s.loss, &s.data, &err, .optimizer = hd_sgd(), .from = 1e20f,
                       .to = 1e30f, .result = &r))
    fail_msg("%s", err.text);
  assert_true(r.blew_up && r.count < 4);
  assert_true(r.suggested == 0);
  close_all(&s);
}

static void refused(scene *s, hd_lr_range_options o, const char *text) {
  hd_error err = {0};
  hd_status status = (hd_lr_range_test)(s->store, s->loss, &s->data, &err, o);
  if (!status || !strstr(err.text, text)) fail_msg("got \"%s\", expected \"%s\"", err.text, text);
}
static bool no(void *user, const hd_lr_point *p) { return (void)user, (void)p, false; }
static void refusals(void **state) {
  (void)state;
  scene s;
  must_open(&s);
  refused(&s, (hd_lr_range_options){.from = -1}, "rates from -1");
  refused(&s, (hd_lr_range_options){.from = 20}, "rates from 20 to 10");
  refused(&s, (hd_lr_range_options){.to = INFINITY}, "rates from");
  refused(&s, (hd_lr_range_options){.steps = 2}, "2 steps");
  refused(&s, (hd_lr_range_options){.batch = -4}, "-4 samples");
  refused(&s, (hd_lr_range_options){.smoothing = 1}, "smoothing is 1");
  refused(&s, (hd_lr_range_options){.blow_up = 1}, "blow_up is 1");
  refused(&s, (hd_lr_range_options){.on_step = no}, "stopped at step 1");
  scene other = s;
  other.loss = (hd_val){0};
  refused(&other, (hd_lr_range_options){0}, "not a value");
  other = s;
  other.store = NULL;
  refused(&other, (hd_lr_range_options){0}, "no store");
  other = s;
  other.data.samples = 0;
  refused(&other, (hd_lr_range_options){0}, "no samples");
  rows[7][1] = NAN;
  refused(&s, (hd_lr_range_options){.batch = SAMPLES}, "before the first step");
  assert_int_equal(hd_store_count(s.store), 0);
  close_all(&s);
}

static const char *run(const hd_env *env, void *arg) {
  (void)arg;
  hd_env own = *env;
  own.threads = 1;
  scene s;
  hd_error err = {0};
  hd_lr_range_result r = {0};
  hd_status status = open(&s, &own, &err);
  if (!status) status = hd_lr_range_test(s.store, s.loss, &s.data, &err, .steps = 5, .result = &r);
  int left = s.store ? hd_store_count(s.store) : 0;
  close_all(&s);
  if (left) return "the store has something in it";
  return status         ? status == HD_E_MEMORY ? NULL : "another failure"
         : r.count == 5 ? NULL
                        : "too few";
}
static void without_memory(void **state) {
  (void)state;
  const char *wrong = faults_each(run, NULL, 0, NULL);
  if (wrong) fail_msg("%s", wrong);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_finds_the_edge),  cmocka_unit_test(points_by_hand),
      cmocka_unit_test(it_leaves_no_trace), cmocka_unit_test(odd_ranges),
      cmocka_unit_test(refusals),           cmocka_unit_test(without_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
