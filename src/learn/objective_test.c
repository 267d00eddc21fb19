// Networks trained without gradients, and by L-BFGS: XOR, iris, logistic regression.
#include "../../test/net.h"

#include "../../test/faults.h"

typedef struct {
  hd_graph *g;
  hd_store *store;
  hd_val y, label, loss;
  hd_data data;
  hd_objective f;
} scene;

// inputs - hidden (tanh) - classes, or one output for two of them; hidden 0: none.
static hd_status open(scene *s, const char *set, int hidden, const hd_env *env,
                      hd_objective_options o, hd_error *err) {
  *s = (scene){.g = hd_graph_new(env), .store = hd_store_new(env)};
  hd_status status = s->g && s->store ? HD_OK : HD_E_MEMORY;
  if (status) return hd_print(err->text, sizeof err->text, "memory is out"), status;
  if ((status = hd_data_open(env, set, "train", &s->data, err))) return status;
  int64_t inputs = s->data.column[0].type.shape.d[0];
  bool two = s->data.classes == 2;
  hd_val x = hd_input(s->g, "x", HD_F32, HD_SHAPE(HD_BATCH, inputs));
  hd_val h = hidden ? hd_tanh(hd_dense(x, .units = hidden)) : x;
  s->y = hd_dense(h, .units = two ? 1 : s->data.classes);
  s->label = two ? hd_input(s->g, "target", HD_F32, HD_SHAPE(HD_BATCH, 1))
                 : hd_input(s->g, "label", HD_I32, HD_SHAPE(HD_BATCH));
  s->loss = two ? hd_binary_cross_entropy(s->y, s->label) : hd_cross_entropy(s->y, s->label);
  if (*hd_graph_error(s->g))
    return hd_print(err->text, sizeof err->text, "%s", hd_graph_error(s->g)), HD_E_MEMORY;
  return (hd_objective_of_loss)(s->store, s->loss, &s->data, o, &s->f, err);
}
static void must_open(scene *s, const char *set, int hidden, const hd_env *env,
                      hd_objective_options o) {
  hd_error err = {0};
  if (open(s, set, hidden, env, o, &err)) fail_msg("%s", err.text);
}
static void close_all(scene *s) {
  hd_objective_free(&s->f);
  hd_objective_free(&s->f);
  hd_data_free(&s->data);
  hd_store_free(s->store);
  hd_graph_free(s->g);
}
// Samples that the network with the store's weights takes for another class.
static int errors(const scene *s) {
  hd_error err = {0};
  hd_tensor y = hd_predict_data(s->store, s->y, &s->data, 64, &err);
  if (!y.data) fail_msg("%s", err.text);
  int wrong = 0, label = hd_data_column(&s->data, "label");
  int64_t outputs = y.shape.d[1];
  for (int64_t i = 0; i < s->data.samples; i++) {
    const float *row = (const float *)y.data + i * outputs;
    int32_t t, best = 0;
    assert_int_equal(s->data.read(s->data.user, label, &i, 1, &t, NULL), HD_OK);
    for (int k = 1; k < outputs; k++)
      if (row[k] > row[best]) best = k;
    wrong += (outputs == 1 ? row[0] > 0 : best) != t;
  }
  hd_tensor_free(&y);
  return wrong;
}

enum { GENETIC, CMA_ES, ANNEAL, LBFGS, SEARCHES };
static hd_status search(int which, const hd_objective *f, double target, int generations,
                        hd_search_result *r, hd_error *err) {
#define COMMON .target = target, .generations = generations, .result = r
  switch (which) {
    case GENETIC: return hd_genetic(f, NULL, err, COMMON);
    case CMA_ES: return hd_cma_es(f, NULL, err, COMMON);
    case ANNEAL: return hd_anneal(f, NULL, err, COMMON);
    default: return hd_lbfgs(f, NULL, err, COMMON);
  }
}

static void each_learns_xor(void **state) {
  (void)state;
  for (int which = 0; which < LBFGS; which++) {
    scene s;
    must_open(&s, "xor", 4, NULL, (hd_objective_options){0});
    hd_error err = {0};
    hd_search_result r;
    assert_int_equal(s.f.n, 2 * 4 + 4 + 4 + 1);
    if (search(which, &s.f, 0.05, 0, &r, &err)) fail_msg("%s", err.text);
    if (r.end != HD_SEARCH_TARGET || r.evaluations > 4000)
      fail_msg("search %d: loss %g after %d evaluations", which, r.best, (int)r.evaluations);
    assert_int_equal(errors(&s), 0);  // the store holds the best weights
    close_all(&s);
  }
}

static void each_learns_iris(void **state) {
  (void)state;
  for (int which = 0; which < SEARCHES; which++) {
    scene s;
    must_open(&s, "iris", 4, NULL, (hd_objective_options){.gradient = which == LBFGS});
    hd_error err = {0};
    hd_search_result r;
    if (search(which, &s.f, 0.08, 0, &r, &err)) fail_msg("%s", err.text);
    if (r.end != HD_SEARCH_TARGET || r.evaluations > 20000 || errors(&s) > 7)
      fail_msg("search %d: loss %g, %d errors after %d evaluations", which, r.best, errors(&s),
               (int)r.evaluations);
    close_all(&s);
  }
}

// It is the loss that hd_evaluate gives, for any batch; its slope is that of differences.
static void value_and_gradient(void **state) {
  (void)state;
  const int batches[] = {0, 150, 64, 1};
  double first = 0;
  for (int b = 0; b < 4; b++) {
    scene s;
    must_open(&s, "iris", 3, NULL, (hd_objective_options){.batch = batches[b], .gradient = true});
    const int n = s.f.n;
    double *x = calloc((size_t)n * 2, sizeof *x), *g = x + n;
    s.f.get(s.f.user, x);
    double value = s.f.f(s.f.user, x, n);
    hd_metrics m;
    assert_int_equal(hd_evaluate(s.store, s.loss, (hd_val){0}, &s.data, 50, &m, NULL), HD_OK);
    assert_true(fabs(value - m.loss) < 1e-6);
    assert_true(value == s.f.gradient(s.f.user, x, n, g));
    if (b == 0) first = value;
    assert_true(fabs(value - first) < 1e-6);
    for (int i = 0; i < n; i++) {
      const double h = 0x1p-7;
      double at = x[i], low, high;
      x[i] = at + h, high = s.f.f(s.f.user, x, n);
      x[i] = at - h, low = s.f.f(s.f.user, x, n);
      x[i] = at;
      if (!(fabs((high - low) / (2 * h) - g[i]) < 1e-3))
        fail_msg("batch %d: slope %d is %g, by differences %g", batches[b], i, g[i],
                 (high - low) / (2 * h));
    }
    free(x);
    close_all(&s);
  }
}

// The order of the vector: weights in the order of hd_weights, in row-major order.
static void layout(void **state) {
  (void)state;
  scene s;
  must_open(&s, "xor", 4, NULL, (hd_objective_options){0});
  double x[17];
  for (int i = 0; i < 17; i++) x[i] = i;
  s.f.put(s.f.user, x);
  const hd_parameter *p = hd_store_find(s.store, "dense_1/weight");
  assert_non_null(p);
  for (int i = 0; i < 8; i++) assert_true(((const float *)p->data)[i] == (float)i);
  p = hd_store_find(s.store, "dense_2/bias");
  assert_true(*(const float *)p->data == 16);
  double back[17] = {0};
  s.f.get(s.f.user, back);
  assert_memory_equal(x, back, sizeof x);
  close_all(&s);
}

static void evaluations_allocate_nothing_and_threads_change_nothing(void **state) {
  (void)state;
  double x[2][100], g[100];
  for (int many = 0; many < 2; many++) {
    hd_memory memory = {0};
    hd_env env = {.threads = many ? 3 : 1, .memory = &memory};
    scene s;
    must_open(&s, "iris", 8, &env, (hd_objective_options){.batch = 40, .gradient = true});
    assert_true(s.f.n <= 100);
    int64_t calls = memory.calls;
    s.f.get(s.f.user, x[many]);
    s.f.f(s.f.user, x[many], s.f.n);
    s.f.gradient(s.f.user, x[many], s.f.n, g);
    assert_int_equal(memory.calls, calls);
    hd_error err = {0};
    if (hd_lbfgs(&s.f, x[many], &err, .generations = 30)) fail_msg("%s", err.text);
    close_all(&s);
    assert_int_equal(memory.bytes, 0);
  }
  assert_memory_equal(x[0], x[1], 67 * sizeof **x);
}

// ---- A convex problem, in double ----------------------------------------------------------------
enum { SAMPLES = 60, INPUTS = 3 };
static double rows[SAMPLES][INPUTS], targets[SAMPLES][1];

// Logistic regression with a penalty has one optimum: the slope is 0 there, from wherever.
static void logistic_regression(void **state) {
  (void)state;
  uint64_t seed = 5;
  static const char *const names[] = {"x", "t"};
  for (int i = 0; i < SAMPLES; i++) {
    for (int k = 0; k < INPUTS; k++) rows[i][k] = net_uniform(&seed) * pow(10, k - 1);
    targets[i][0] = rows[i][0] - rows[i][1] + net_uniform(&seed) > 0;
  }
  hd_tensor t[] = {{.dtype = HD_F64, .shape = HD_SHAPE(SAMPLES, INPUTS), .data = rows},
                   {.dtype = HD_F64, .shape = HD_SHAPE(SAMPLES, 1), .data = targets}};
  hd_data data;
  hd_error err = {0};
  assert_int_equal(hd_data_from_tensors(NULL, names, t, 2, &data, &err), HD_OK);
  hd_graph *g = hd_graph_new(NULL);
  hd_store *store = hd_store_new(NULL);
  hd_val x = hd_input(g, "x", HD_F64, HD_SHAPE(HD_BATCH, INPUTS));
  hd_val want = hd_input(g, "t", HD_F64, HD_SHAPE(HD_BATCH, 1));
  hd_val y = hd_dense(x, .units = 1), weight[2];
  hd_val loss = hd_binary_cross_entropy(y, want);
  assert_int_equal(hd_weights(loss, weight, 2), 2);
  loss = hd_add(loss, hd_scale(hd_sum(hd_square(weight[0])), 0.01));
  hd_objective f;
  if (hd_objective_of_loss(store, loss, &data, &f, &err, .gradient = true, .batch = 25))
    fail_msg("%s", err.text);
  assert_int_equal(f.n, INPUTS + 1);
  double best[2][INPUTS + 1] = {{0}, {3, -4, 5, 6}}, slope[INPUTS + 1];
  for (int i = 0; i < 2; i++) {
    hd_search_result r;
    if (hd_lbfgs(&f, best[i], &err, .tolerance = 1e-9, .result = &r)) fail_msg("%s", err.text);
    f.gradient(f.user, best[i], f.n, slope);
    for (int k = 0; k <= INPUTS; k++)
      if (!(fabs(slope[k]) <= 1e-9)) fail_msg("slope %d is %g, end %d", k, slope[k], r.end);
    assert_int_equal(r.end, HD_SEARCH_CONVERGED);
    assert_true(r.generations < 60);
  }
  for (int k = 0; k <= INPUTS; k++) assert_true(fabs(best[0][k] - best[1][k]) < 1e-6);
  hd_objective_free(&f);
  hd_store_free(store);
  hd_graph_free(g);
  hd_data_free(&data);
}

// In f32 the slope cannot become 0 exactly; the search ends all the same.
static void what_single_precision_allows(void **state) {
  (void)state;
  scene s;
  must_open(&s, "iris", 0, NULL, (hd_objective_options){.gradient = true});
  hd_error err = {0};
  hd_search_result r;
  if (hd_lbfgs(&s.f, NULL, &err, .tolerance = 1e-12, .generations = 3000, .result = &r))
    fail_msg("%s", err.text);
  assert_int_equal(r.end, HD_SEARCH_STALLED);
  assert_true(r.best < 0.05);
  assert_true(errors(&s) <= 3);
  close_all(&s);
}

// ---- Refusals -----------------------------------------------------------------------------------
static hd_status broken(void *user, int column, const int64_t *index, int64_t count, void *to,
                        hd_error *err) {
  (void)column, (void)index, (void)count, (void)to;
  if (--*(int *)user > 0) return memset(to, 0, 4 * (size_t)count), HD_OK;
  *err = (hd_error){HD_E_IO, "the file is gone"};
  return HD_E_IO;
}
static void refused(hd_store *store, hd_val loss, const hd_data *data, int batch,
                    const char *text) {
  hd_error err = {0};
  hd_objective f;
  hd_status status = hd_objective_of_loss(store, loss, data, &f, &err, .batch = batch);
  if (!status || !strstr(err.text, text)) fail_msg("got \"%s\", expected \"%s\"", err.text, text);
  assert_null(f.f);
}
static void refusals(void **state) {
  (void)state;
  scene s;
  must_open(&s, "xor", 2, NULL, (hd_objective_options){0});
  hd_data none = s.data;
  none.samples = 0;
  refused(NULL, s.loss, &s.data, 0, "no store");
  refused(s.store, (hd_val){0}, &s.data, 0, "not a value");
  refused(s.store, s.y, &s.data, 0, "must be a scalar");
  refused(s.store, s.loss, NULL, 0, "no samples");
  refused(s.store, s.loss, &none, 0, "no samples");
  refused(s.store, s.loss, &s.data, -1, "batch is -1");
  refused(s.store, hd_mean(s.label), &s.data, 0, "depends on no weight");
  none = s.data;
  none.columns = 1;
  refused(s.store, s.loss, &none, 0, "has an input \"target\"");
  hd_error err = {0};
  assert_int_equal(hd_lbfgs(&s.f, NULL, &err), HD_E_ARGUMENT);
  assert_non_null(strstr(err.text, ".gradient = true"));
  // Data that cannot be read: at once, or in the middle of a search.
  for (int left = 1; left < 40; left += 30) {
    int reads = left;
    hd_data bad = s.data;
    bad.user = &reads, bad.read = broken, bad.free = NULL;
    hd_objective f;
    err = (hd_error){0};
    hd_status status = hd_objective_of_loss(s.store, s.loss, &bad, &f, &err, .batch = 3);
    if (!status) status = hd_genetic(&f, NULL, &err);
    assert_int_equal(status, HD_E_IO);
    assert_non_null(strstr(err.text, "the file is gone"));
    assert_true(reads == 0);
    hd_objective_free(&f);
  }
  close_all(&s);
}

static const char *run(const hd_env *env, void *arg) {
  hd_env own = *env;
  own.threads = 1;
  scene s;
  hd_error err = {0};
  hd_search_result r = {0};
  hd_status status =
      open(&s, "xor", 2, &own, (hd_objective_options){.batch = 3, .gradient = true}, &err);
  if (!status) status = search(*(int *)arg, &s.f, 0, 2, &r, &err);
  bool good =
      status ? status == HD_E_MEMORY && strstr(err.text, "memory is out") : r.generations == 2;
  close_all(&s);
  return good ? NULL : "a wrong answer";
}
static void without_memory(void **state) {
  (void)state;
  int which = LBFGS;
  const char *wrong = faults_each(run, &which, 0, NULL);
  if (wrong) fail_msg("%s", wrong);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_learns_xor),
      cmocka_unit_test(each_learns_iris),
      cmocka_unit_test(value_and_gradient),
      cmocka_unit_test(layout),
      cmocka_unit_test(evaluations_allocate_nothing_and_threads_change_nothing),
      cmocka_unit_test(logistic_regression),
      cmocka_unit_test(what_single_precision_allows),
      cmocka_unit_test(refusals),
      cmocka_unit_test(without_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
