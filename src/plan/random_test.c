// Random graphs and their training: fusion, threads and instruction sets change no bit, and the
// plan agrees with the same graph in double. Every second graph is smooth; only then can its
// gradients be held to double, too.
#include "../../test/net.h"

enum { NODES = 40, GRAPHS = 80, FETCHES = 8, MOST = 6000 };
typedef struct {
  hd_graph *g;
  hd_dtype real;
  uint64_t state;
  bool smooth;
  hd_val v[NODES];
  int n;
} maker;

static int below(maker *m, int n) { return (int)((net_uniform(&m->state) + 1) / 2 * n); }
static hd_val pick(maker *m) { return m->v[below(m, m->n)]; }
static hd_shape shape_of(hd_val v) { return hd_val_type(v).shape; }

static hd_val variable(maker *m, hd_shape shape) {
  return (hd_variable)(m->g, m->real, shape, (hd_variable_options){.init = {HD_NORMAL, 0, 0.5f}});
}

// One of x's shape, so that binary ops have something to work with.
static hd_val partner(maker *m, hd_val x) {
  for (int i = 0; i < 6; i++) {
    hd_val y = pick(m);
    if (hd_shape_equal(shape_of(x), shape_of(y)) && y.node != x.node) return y;
  }
  switch (below(m, 4)) {
    case 0: return variable(m, shape_of(x));
    case 1: return hd_broadcast_to(hd_scalar_like(x, 0.7), shape_of(x));
    default: return hd_add_scalar(hd_scale(x, -0.3), 0.1);
  }
}

static hd_val unary(maker *m, hd_val x) {
  switch (below(m, m->smooth ? 10 : 13)) {
    case 0: return hd_tanh(x);
    case 1: return hd_sigmoid(x);
    case 2: return hd_exp(hd_tanh(x));
    case 3: return hd_sin(x);
    case 4: return hd_softplus(hd_neg(x));
    case 5: return hd_log(hd_add_scalar(hd_square(x), 1));
    case 6: return hd_sqrt(hd_add_scalar(hd_square(x), 0.5));
    case 7: return hd_scale(hd_erf(x), 1.5);
    case 8: return hd_cos(hd_neg(x));
    case 9: return hd_stop_gradient(hd_rsqrt(hd_add_scalar(hd_square(x), 1)));
    case 10: return hd_relu(x);
    case 11: return hd_abs(x);
    default: return hd_leaky_relu(x, .slope = 0.2f);
  }
}

static hd_val binary(maker *m, hd_val a, hd_val b) {
  switch (below(m, m->smooth ? 4 : 7)) {
    case 0: return hd_add(a, b);
    case 1: return hd_sub(b, a);
    case 2: return hd_mul(a, b);
    case 3: return hd_div(a, hd_add_scalar(hd_square(b), 1));
    case 4: return hd_maximum(a, b);
    case 5: return hd_minimum(a, b);
    default: return hd_select(hd_greater(a, b), a, b);
  }
}

static hd_val reduced(maker *m, hd_val x, bool keep) {
  unsigned axes = (unsigned)below(m, 1 << shape_of(x).rank);
  if (below(m, 2)) return hd_mean(x, .axes = axes, .keep = keep);
  if (m->smooth || below(m, 2)) return hd_scale(hd_sum(x, .axes = axes, .keep = keep), 0.1);
  return hd_stop_gradient(hd_reduce_max(x, .axes = axes, .keep = keep));
}

static hd_val reshaped(maker *m, hd_val x) {
  int64_t count = hd_shape_count(shape_of(x)), rows = 1 + below(m, 8);
  while (count % rows) rows--;
  return below(m, 3) ? hd_reshape(x, HD_SHAPE(rows, HD_ANY))
                     : hd_reshape(x, HD_SHAPE(1, count / rows, 1, rows));
}

static hd_val product(maker *m, hd_val x) {
  hd_val a = reshaped(m, x);
  if (shape_of(a).rank == 4) a = hd_transpose(a, HD_SHAPE(0, 2, 1, 3));
  int64_t k = shape_of(a).d[shape_of(a).rank - 1];
  hd_val y = below(m, 2)
                 ? hd_matmul(a, a, .tb = true)
                 : hd_add(hd_matmul(a, variable(m, HD_SHAPE(k, 7))), variable(m, HD_SHAPE(7)));
  return hd_tanh(hd_scale(y, 0.2));
}

static hd_val moved(maker *m, hd_val x) {
  hd_shape s = shape_of(x), to = {.rank = s.rank};
  int first = s.rank ? below(m, s.rank) : 0;
  switch (below(m, 5)) {
    case 0:
      for (int i = 0; i < s.rank; i++) to.d[i] = (first + i) % s.rank;
      return hd_transpose(x, to);
    case 1: return s.rank ? hd_concat((hd_val[]){x, partner(m, x), x}, 3, first) : x;
    case 2: return s.rank ? hd_slice(x, first, s.d[first] / 3, (s.d[first] + 1) / 2) : x;
    case 3:
      to.d[0] = 3, to.rank++;
      for (int i = 0; i < s.rank; i++) to.d[i + 1] = s.d[i];
      return s.rank < 5 ? hd_broadcast_to(x, to) : x;
    default: return s.rank ? hd_pad(x, .before = {1}, .after = {below(m, 3)}, .value = 0.5f) : x;
  }
}

static hd_val any(maker *m) {
  hd_val x = pick(m);
  switch (below(m, 10)) {
    case 0:
    case 1: return unary(m, x);
    case 2:
    case 3: return binary(m, x, partner(m, x));
    case 4: return binary(m, x, reduced(m, x, true));
    case 5: return reduced(m, x, below(m, 2));
    case 6: return product(m, x);
    case 7: return reshaped(m, x);
    case 8: return shape_of(x).rank ? hd_scale(hd_softmax(x), 2) : x;
    default: return moved(m, x);
  }
}

static void build(net *n, hd_dtype real, uint64_t seed, hd_compile_options o) {
  maker m = {.g = n->g, .real = real, .state = seed * 77, .smooth = seed % 2};
  m.v[m.n++] = hd_input(n->g, "x", real, HD_SHAPE(6, 5));
  m.v[m.n++] = hd_input(n->g, "y", real, HD_SHAPE(2, 1 + below(&m, 700), 3));
  m.v[m.n++] = variable(&m, HD_SHAPE(6, 1));
  m.v[m.n++] = variable(&m, HD_SHAPE(17));
  while (m.n < NODES) {
    hd_val v = any(&m);
    if (!v.graph) fail_msg("seed %d: %s", (int)seed, hd_graph_error(n->g));
    if (hd_shape_count(shape_of(v)) > MOST) v = hd_mean(v, .axes = 3);
    m.v[m.n++] = hd_shape_count(shape_of(v)) > MOST ? hd_mean(v) : v;
  }
  hd_val loss = hd_mean(hd_mul(m.v[2], m.v[2]));
  for (int i = NODES - 6; i < NODES; i++) loss = hd_add(loss, hd_mean(hd_square(m.v[i])));
  o.fetch[0] = loss;
  for (int i = 1; i < FETCHES; i++) o.fetch[i] = m.v[4 + below(&m, NODES - 4)];
  o.update[0] = hd_minimize(loss, hd_sgd(.lr = 0.05f, .momentum = 0.9f));
  o.mode = HD_TRAIN;
  net_compile(n, o);
  if (hd_workspace_input(n->w, "x", NULL)) net_fill(n, "x", seed);
  if (hd_workspace_input(n->w, "y", NULL)) net_fill(n, "y", seed + 1);
  for (int step = 0; step < 1 + m.smooth; step++) net_run(n);
}

static double near(const void *a, const void *b, hd_shape s) {  // of float to double, max norm
  double worst = 0, most = 1e-3;
  for (int64_t i = 0; i < hd_shape_count(s); i++) {
    worst = fmax(worst, fabs(((const float *)a)[i] - ((const double *)b)[i]));
    most = fmax(most, fabs(((const double *)b)[i]));
  }
  return worst / most;
}

static void random_graphs(void **state) {
  (void)state;
  const hd_env plain = {.threads = 1}, many = {.threads = 3},
               narrow = {.threads = 2, .cpu = "avx2"};
  for (uint64_t seed = 0; seed < GRAPHS; seed++) {
    net a = net_new(&plain), b = net_new(&many), c = net_new(&plain), d = {.g = hd_graph_new(NULL)};
    build(&a, HD_F32, seed, (hd_compile_options){0});
    build(&b, HD_F32, seed, (hd_compile_options){.no_fusion = true});
    build(&c, HD_F64, seed, (hd_compile_options){0});
    hd_plan_info info = hd_plan_describe(a.plan);
    if ((double)info.workspace > 1.05 * (double)info.live)
      fail_msg("seed %d: workspace", (int)seed);
    d.store = hd_store_new(&narrow);
    bool wide = !*hd_store_error(d.store);  // a processor without AVX2 has nothing to compare
    if (wide) build(&d, HD_F32, seed, (hd_compile_options){0});
    for (int i = 0; i < FETCHES; i++) {
      hd_type t;
      const float *x = hd_workspace_fetch(a.w, i, &t);
      size_t bytes = (size_t)hd_shape_count(t.shape) * sizeof *x;
      if (memcmp(x, net_out(&b, i), bytes)) fail_msg("seed %d: fusion changed a bit", (int)seed);
      if (wide && memcmp(x, net_out(&d, i), bytes)) fail_msg("seed %d: AVX2 differs", (int)seed);
      double error = near(x, hd_workspace_fetch(c.w, i, NULL), t.shape);
      if (!(error < 1e-3)) fail_msg("seed %d: double differs by %g", (int)seed, error);
    }
    net_same_bits(a.store, b.store);
    if (wide) net_same_bits(a.store, d.store);
    for (int i = 0; i < hd_store_count(a.store) && seed % 2; i++) {
      const hd_parameter *p = hd_store_at(a.store, i), *q = hd_store_find(c.store, p->name);
      if (p->role == HD_WEIGHT && !(near(p->data, q->data, p->type.shape) < 1e-3))
        fail_msg("seed %d: %s in double differs", (int)seed, p->name);
    }
    net_free(&a);
    net_free(&b);
    net_free(&c);
    net_free(&d);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(random_graphs)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
