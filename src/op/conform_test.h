// What an op must hold: its cases through the interpreter, differences and compiled plans.
#ifndef OP_CONFORM_TEST_H
#define OP_CONFORM_TEST_H

#include "machine_test.h"

#include <stdio.h>

#include "../../include/hadal/plan.h"

#define SITE "site"

// ---- A case as a graph --------------------------------------------------------------------------
// y and, where it is real: loss = sum of y c, its gradients, and loss2 = sum of gradients d.
typedef struct {
  hd_graph *g;
  int inputs, outs;
  hd_val x[INPUTS], y[HD_MAX_OUT], c[HD_MAX_OUT], loss, dx[INPUTS], d[INPUTS], loss2;
  hd_val ddx[INPUTS], ddc[HD_MAX_OUT];
} built;

static bool is_real(hd_val v) {
  return hd_type_of(v)->dtype == HD_F32 || hd_type_of(v)->dtype == HD_F64;
}

static hd_val input(hd_graph *g, char kind, int i, hd_dtype dtype, hd_shape shape) {
  char name[8] = {kind, (char)('0' + i)};
  return hd_input(g, name, dtype, shape);
}

// batch: sizes equal to this become HD_BATCH where they are a first axis; 0: none.
static built build(const hd_op *op, const hd_case *c, hd_dtype dtype, int64_t batch) {
  built b = {.g = hd_graph_new(NULL)};
  assert_non_null(b.g);
  for (; b.inputs < INPUTS && c->in[b.inputs].dtype; b.inputs++) {
    hd_type t = c->in[b.inputs];
    if (t.dtype == HD_F32) t.dtype = dtype;
    if (batch && t.shape.rank && t.shape.d[0] == batch) t.shape.d[0] = HD_BATCH;
    b.x[b.inputs] = input(b.g, 'x', b.inputs, t.dtype, t.shape);
  }
  hd_val y = hd_node_add(op, c->attr, b.x, b.inputs);
  if (!hd_ok(y)) return b;
  if (op->random) hd_name(y, SITE);
  b.outs = op->n_out;
  for (int i = 0; i < b.outs; i++) b.y[i] = hd_output(y, i);
  return b;
}

// sum over i of sum(v[i] * w[i]), w[i] new inputs of v[i]'s type.
static hd_val weigh(hd_graph *g, char kind, const hd_val *v, int count, const hd_type *type,
                    hd_val *w) {
  hd_val sum = {0};
  for (int i = 0; i < count; i++) {
    if (!hd_ok(v[i]) || !is_real(v[i])) continue;
    hd_type t = *hd_type_of(v[i]);
    for (int k = 0; k < t.shape.rank; k++)
      if (t.shape.d[k] == HD_ANY) t.shape.d[k] = type[i].shape.d[k];
    w[i] = input(g, kind, i, t.dtype, t.shape);
    hd_val term = hd_sum(hd_mul(v[i], w[i]));
    sum = hd_ok(sum) ? hd_add(sum, term) : term;
  }
  return sum;
}

static void check_graph(const hd_op *op, const built *b) {
  if (*hd_graph_error(b->g)) fail_msg("%s: %s", op->name, hd_graph_error(b->g));
}

// like: the concrete twin, for the shapes of the weights c and d; NULL: b itself.
static void differentiate(const hd_op *op, built *b, const built *like) {
  hd_type type[HD_MAX_OUT] = {{0}}, in_type[INPUTS] = {{0}};
  for (int i = 0; i < b->outs; i++) type[i] = *hd_type_of(like ? like->y[i] : b->y[i]);
  for (int i = 0; i < b->inputs; i++) in_type[i] = *hd_type_of(like ? like->x[i] : b->x[i]);
  b->loss = weigh(b->g, 'c', b->y, b->outs, type, b->c);
  if (!hd_ok(b->loss)) return;
  hd_gradients(b->loss, (hd_val){0}, b->x, b->inputs, b->dx);
  check_graph(op, b);
  for (int i = 0; i < b->inputs; i++) {
    if (!hd_ok(b->dx[i])) continue;
    hd_shape s = hd_type_of(b->dx[i])->shape, x = hd_type_of(b->x[i])->shape;
    bool fits = s.rank == x.rank;
    for (int k = 0; fits && k < x.rank; k++) fits = hd_dim_fits(s.d[k], x.d[k]);
    if (!fits) fail_msg("%s: the gradient of input %d has another shape", op->name, i);
  }
  b->loss2 = weigh(b->g, 'd', b->dx, b->inputs, in_type, b->d);
  if (!hd_ok(b->loss2) || op->no_second) return;
  hd_val to[INPUTS + HD_MAX_OUT], of[INPUTS + HD_MAX_OUT] = {{0}};
  memcpy(of, b->x, sizeof b->x);
  memcpy(of + INPUTS, b->c, sizeof b->c);
  hd_gradients(b->loss2, (hd_val){0}, of, INPUTS + HD_MAX_OUT, to);
  memcpy(b->ddx, to, sizeof b->ddx);
  memcpy(b->ddc, to + INPUTS, sizeof b->ddc);
  check_graph(op, b);
}

// c and d: the same numbers in every run of the case.
static double weight(char kind, int i, int64_t k) {
  uint64_t h = hd_hash(&k, sizeof k, (uint64_t)kind * 31 + (uint64_t)i);
  return (float)((double)(h >> 11) * 0x1p-52 - 1);
}

static void set_inputs(const built *b, const machine *m, const numbers *n) {
  for (int i = 0; i < b->inputs; i++)
    if (at(m, b->x[i]))
      for (int64_t k = 0; k < n->count[i]; k++)
        store_as(hd_type_of(b->x[i])->dtype, at(m, b->x[i]), k, n->x[i][k]);
  for (int i = 0; i < HD_MAX_OUT + INPUTS; i++) {
    hd_val v = i < HD_MAX_OUT ? b->c[i] : b->d[i - HD_MAX_OUT];
    if (!hd_ok(v) || !at(m, v)) continue;
    for (int64_t k = 0, e = hd_shape_count(hd_type_of(v)->shape); k < e; k++)
      store_as(hd_type_of(v)->dtype, at(m, v), k,
               i < HD_MAX_OUT ? weight('c', i, k) : weight('d', i - HD_MAX_OUT, k));
  }
}

// ---- Derivatives --------------------------------------------------------------------------------
// Only what depends on x is run again when x changes.
static machine machine_for(const built *b, const numbers *n, hd_val loss, hd_val x) {
  machine m = machine_new(&loss, 1);
  uint8_t *moves = calloc((size_t)m.g->count, 1);
  int32_t kept = 0;
  set_inputs(b, &m, n);
  machine_run(&m);
  moves[x.node] = 1;
  for (int i = 0; i < m.count; i++) {
    const hd_node *node = m.g->node[m.order[i]];
    for (int k = 0; k < node->n_in; k++) moves[node->id] |= moves[node->in[k].node];
    if (moves[node->id]) m.rerun[kept++] = node->id;
  }
  m.reruns = kept;
  free(moves);
  return m;
}

// d loss / d *x by central differences of five points.
static double slope_of(machine *m, double *x, hd_val loss) {
  static const double step_of[4] = {-2, -1, 1, 2};
  double h = 1e-3, l[4], keep = *x;
  for (int i = 0; i < 4; i++) {
    *x = keep + step_of[i] * h;
    machine_rerun(m);
    l[i] = *(const double *)at(m, loss);
  }
  *x = keep;
  return (8 * (l[2] - l[1]) - (l[3] - l[0])) / (12 * h);
}

// Largest error of `gradient` (a value of machine `all`) against central differences of the loss,
// over every element of x, relative to the largest derivative.
static double difference_error(const built *b, const machine *all, const numbers *n, hd_val loss,
                               hd_val x, hd_val gradient) {
  machine m = machine_for(b, n, loss, x);
  double worst = 0, largest = 1e-4, *p = at(&m, x);
  int64_t count = p ? hd_shape_count(hd_type_of(x)->shape) : 0;
  const double *given = hd_ok(gradient) ? at(all, gradient) : NULL;
  for (int64_t k = 0; k < count; k++) {
    double slope = slope_of(&m, p + k, loss);
    double error = fabs(slope - (given ? given[k] : 0));
    largest = HD_MAX(largest, fabs(slope));
    if (!(error <= worst)) worst = error == error ? error : INFINITY;
  }
  machine_free(&m);
  return worst / largest;
}

static double gradient_error(const hd_op *op, const hd_case *c) {
  numbers n = numbers_of(c);
  built b = build(op, c, HD_F64, 0);
  double worst = 0;
  check_graph(op, &b);
  differentiate(op, &b, NULL);
  if (hd_ok(b.loss) && op->grad) {
    hd_val root[2 + 2 * INPUTS + HD_MAX_OUT] = {b.loss, b.loss2};
    memcpy(root + 2, b.dx, sizeof b.dx);
    memcpy(root + 2 + INPUTS, b.ddx, sizeof b.ddx);
    memcpy(root + 2 + 2 * INPUTS, b.ddc, sizeof b.ddc);
    machine all = machine_new(root, (int)HD_COUNT(root));
    set_inputs(&b, &all, &n);
    machine_run(&all);
    for (int i = 0; i < b.inputs; i++) {
      if (!is_real(b.x[i])) continue;
      worst = HD_MAX(worst, difference_error(&b, &all, &n, b.loss, b.x[i], b.dx[i]));
      if (hd_ok(b.loss2) && !op->no_second)
        worst = HD_MAX(worst, difference_error(&b, &all, &n, b.loss2, b.x[i], b.ddx[i]));
    }
    for (int i = 0; i < b.outs; i++)
      if (hd_ok(b.c[i]) && hd_ok(b.loss2) && !op->no_second)
        worst = HD_MAX(worst, difference_error(&b, &all, &n, b.loss2, b.c[i], b.ddc[i]));
    machine_free(&all);
  }
  hd_graph_free(b.g);
  numbers_free(&n);
  return worst;
}

// ---- Plans --------------------------------------------------------------------------------------
// What a case gives: outputs and gradients, as bytes and as doubles.
enum { RESULTS = HD_MAX_OUT + INPUTS };
typedef struct {
  hd_type type[RESULTS];
  void *bytes[RESULTS];
} results;
static void results_free(results *r) {
  for (int i = 0; i < RESULTS; i++) free(r->bytes[i]);
}
static int values_of(const built *b, hd_val *to, int *slot) {
  int count = 0;
  for (int i = 0; i < RESULTS; i++) {
    hd_val v = i < HD_MAX_OUT ? (i < b->outs ? b->y[i] : (hd_val){0}) : b->dx[i - HD_MAX_OUT];
    if (hd_ok(v)) slot[count] = i, to[count++] = v;
  }
  return count;
}
static void *copy_of(const void *p, const hd_type *t) {
  size_t bytes = (size_t)hd_shape_count(t->shape) * hd_dtype_size(t->dtype);
  void *to = malloc(bytes + 1);
  return memcpy(to, p, bytes);
}

static results by_reference(const built *b, const numbers *n) {
  results r = {.bytes = {0}};
  hd_val v[RESULTS];
  int slot[RESULTS], count = values_of(b, v, slot);
  machine m = machine_new(v, count);
  set_inputs(b, &m, n);
  machine_run(&m);
  for (int i = 0; i < count; i++) {
    r.type[slot[i]] = *hd_type_of(v[i]);
    r.bytes[slot[i]] = copy_of(at(&m, v[i]), hd_type_of(v[i]));
  }
  machine_free(&m);
  return r;
}

static void fill_input(hd_workspace *w, const char *name, const double *x, int64_t limit) {
  hd_type t;
  void *p = hd_workspace_input(w, name, &t);
  for (int64_t k = 0, e = p ? hd_shape_count(t.shape) : 0; k < e; k++)
    store_as(t.dtype, p, k, x ? (k < limit ? x[k] : 0) : weight(name[0], name[1] - '0', k));
}

static results by_plan(const hd_op *op, const built *b, const numbers *n, hd_store *store,
                       int64_t batch) {
  results r = {.bytes = {0}};
  hd_error err = {0};
  hd_val v[RESULTS];
  int slot[RESULTS], count = values_of(b, v, slot);
  hd_compile_options o = {.mode = step.train ? HD_TRAIN : HD_EVALUATE, .batch = batch};
  memcpy(o.fetch, v, sizeof *v * (size_t)count);
  hd_plan *plan = (hd_compile)(store, &err, o);
  if (!plan) fail_msg("%s: %s", op->name, err.text);
  hd_workspace *w = hd_workspace_new(plan, NULL, &err);
  if (!w) fail_msg("%s: %s", op->name, err.text);
  for (int i = 0; i < b->inputs; i++)
    fill_input(w, (char[]){'x', (char)('0' + i), 0}, n->x[i], n->count[i]);
  for (int i = 0; i < HD_MAX_OUT; i++) fill_input(w, (char[]){'c', (char)('0' + i), 0}, NULL, 0);
  if (hd_run(w, &err)) fail_msg("%s: %s", op->name, err.text);
  for (int i = 0; i < count; i++) {
    const void *p = hd_workspace_fetch(w, i, &r.type[slot[i]]);
    r.bytes[slot[i]] = copy_of(p, &r.type[slot[i]]);
  }
  hd_workspace_free(w);
  hd_plan_free(plan);
  return r;
}

// Error of result i relative to the largest entry of `right`; infinite where the types differ.
static double result_error(const results *r, const results *right, int i) {
  const hd_type *t = &r->type[i], *u = &right->type[i];
  if (!r->bytes[i] != !right->bytes[i] || !hd_shape_equal(t->shape, u->shape)) return INFINITY;
  double worst = 0, largest = 1e-30;
  for (int64_t k = 0, e = r->bytes[i] ? hd_shape_count(t->shape) : 0; k < e; k++) {
    double a = load(t->dtype, r->bytes[i], k), b = load(u->dtype, right->bytes[i], k);
    double error = a == b ? 0 : fabs(a - b);
    largest = HD_MAX(largest, fabs(b));
    if (!(error <= worst)) worst = error == error ? error : INFINITY;
  }
  return worst / largest;
}

static bool same_bytes(const results *a, const results *b) {
  bool same = true;
  for (int i = 0; i < RESULTS; i++) {
    same = same && !a->bytes[i] == !b->bytes[i] && hd_type_equal(&a->type[i], &b->type[i]);
    size_t bytes = (size_t)hd_shape_count(a->type[i].shape) * hd_dtype_size(a->type[i].dtype);
    if (same && a->bytes[i]) same = !memcmp(a->bytes[i], b->bytes[i], bytes);
  }
  return same;
}

// One store per instruction set of this machine; the last is the best one again, with threads.
typedef struct {
  hd_store *store;
  char name[24];
} target;
static target targets[5];
static int target_count;
static int open_stores(void **unused) {
  static const char *const cpu[] = {"baseline", "avx2", "avx512", NULL};
  (void)unused;
  for (int i = 0; i < 4; i++) {
    hd_env env = {.cpu = cpu[i], .threads = cpu[i] ? 1 : 3};
    hd_store *s = hd_store_new(&env);
    if (!s || *hd_store_error(s)) {
      hd_store_free(s);
      continue;
    }
    snprintf(targets[target_count].name, sizeof targets->name, "%s", cpu[i] ? cpu[i] : "3 threads");
    targets[target_count++].store = s;
  }
  return target_count ? 0 : -1;
}
static int close_stores(void **unused) {
  (void)unused;
  for (int i = 0; i < target_count; i++) hd_store_free(targets[i].store);
  return 0;
}

// ---- One op -------------------------------------------------------------------------------------
typedef struct {
  int cases, refusals, batched;
  double gradient, kernel, plan64;
  char fault[400];  // the first
} report;

static void fault(report *r, const char *format, ...) {
  va_list args;
  va_start(args, format);
  if (!*r->fault) vsnprintf(r->fault, sizeof r->fault, format, args);
  va_end(args);
}

static void check_refusal(const hd_op *op, const hd_case *c, report *to) {
  built b = build(op, c, HD_F32, 0);
  if (b.outs) fault(to, "should refuse: %s", c->refuse);
  else if (!strstr(hd_graph_error(b.g), c->refuse))
    fault(to, "refuses with \"%s\", not \"%s\"", hd_graph_error(b.g), c->refuse);
  hd_graph_free(b.g);
}

static double worst_of(const results *r, const results *right, int from, int to) {
  double worst = 0;
  for (int i = from; i < to; i++) worst = HD_MAX(worst, result_error(r, right, i));
  return worst;
}

// f32 plans on every instruction set, and the double plan, against the interpreter in double.
static void check_plans(const hd_op *op, const hd_case *c, report *to) {
  numbers n = numbers_of(c);
  built wide = build(op, c, HD_F64, 0), b = build(op, c, HD_F32, 0);
  double bound = c->bound > 0 ? c->bound : 2e-6;
  check_graph(op, &wide);
  check_graph(op, &b);
  differentiate(op, &wide, NULL);
  differentiate(op, &b, NULL);
  results right = by_reference(&wide, &n), fused = {.bytes = {0}};
  results plan64 = by_plan(op, &wide, &n, targets[0].store, 0);
  double error = worst_of(&plan64, &right, 0, RESULTS);
  to->plan64 = HD_MAX(to->plan64, error);
  if (!(error <= 1e-12)) fault(to, "case %d: the double plan is off by %.1e", to->cases, error);
  for (int i = 0; i < target_count; i++) {
    const char *name = targets[i].name;
    results r = by_plan(op, &b, &n, targets[i].store, 0);
    error = worst_of(&r, &right, 0, HD_MAX_OUT);
    to->kernel = HD_MAX(to->kernel, error);
    if (!(error <= bound)) fault(to, "case %d, %s: off by %.1e", to->cases, name, error);
    error = worst_of(&r, &right, HD_MAX_OUT, RESULTS);
    if (!(error <= 20 * bound))
      fault(to, "case %d, %s: gradient off by %.1e", to->cases, name, error);
    if (fused.bytes[0] && !same_bytes(&fused, &r))
      fault(to, "case %d, %s: other bits than avx2", to->cases, name);
    if (!strcmp(name, "avx2")) fused = r;
    else results_free(&r);
  }
  results_free(&fused);
  results_free(&plan64);
  results_free(&right);
  hd_graph_free(wide.g);
  hd_graph_free(b.g);
  numbers_free(&n);
}

// The first axis as HD_BATCH: the same numbers must come out of a plan that binds it, gradients
// included. Cases whose other inputs or attributes hold that size as a number may refuse.
static void check_batch(const hd_op *op, const hd_case *c, report *to) {
  int64_t batch = c->in[0].shape.rank ? c->in[0].shape.d[0] : 0;
  if (batch < 2) return;
  built b = build(op, c, HD_F64, batch), twin = build(op, c, HD_F64, 0);
  if (b.outs) {
    numbers n = numbers_of(c);
    differentiate(op, &twin, NULL);
    differentiate(op, &b, &twin);
    results right = by_reference(&twin, &n);
    results r = by_plan(op, &b, &n, targets[0].store, batch);
    double error = worst_of(&r, &right, 0, RESULTS);
    if (!(error <= 1e-12)) fault(to, "case %d: off by %.1e with HD_BATCH", to->cases, error);
    results_free(&r);
    results_free(&right);
    numbers_free(&n);
    to->batched++;
  }
  hd_graph_free(twin.g);
  hd_graph_free(b.g);
}

// Special numbers through an elementwise op of floats: a plan gives NaN and infinity where the
// reference does.
static void check_special(const hd_op *op, const hd_case *c, report *to) {
  static const float special[] = {0,       -0.0f, 1,   -1,    0.5f,   -2.5f,    3,         1e-30f,
                                  -1e-30f, 60,    -60, 1e30f, -1e30f, INFINITY, -INFINITY, NAN};
  enum { COUNT = (int)HD_COUNT(special) };
  if (!op->expand || c->in[0].dtype != HD_F32 || c->in[2].dtype) return;
  hd_case all = {.in = {{HD_F32, {2, {1, COUNT}}}}, .attr = c->attr};
  if (c->in[1].dtype) all.in[1] = (hd_type){c->in[1].dtype, {2, {COUNT, 1}}};
  numbers n = numbers_of(&all);
  for (int i = 0; i < n.inputs; i++)
    for (int k = 0; k < COUNT; k++) n.x[i][k] = special[k];
  built wide = build(op, &all, HD_F64, 0), b = build(op, &all, HD_F32, 0);
  check_graph(op, &b);
  results right = by_reference(&wide, &n);
  for (int i = 0; i < target_count; i++) {
    results r = by_plan(op, &b, &n, targets[i].store, 0);
    for (int64_t k = 0, e = hd_shape_count(r.type[0].shape); k < e; k++) {
      double y = load(r.type[0].dtype, r.bytes[0], k);
      double v = load(right.type[0].dtype, right.bytes[0], k);
      if (r.type[0].dtype == HD_F32) v = (float)v;
      bool same = y == v || (y != y && v != v) || fabs(y - v) <= 2e-5 * fabs(v) + 2e-38;
      if (isinf(v)) same = y == v;
      if (!same)
        fault(to, "%s: %s of %g and %g is %g, must be %g", targets[i].name, op->name,
              (double)special[k % COUNT], (double)special[k / COUNT], y, v);
    }
    results_free(&r);
  }
  results_free(&right);
  hd_graph_free(wide.g);
  hd_graph_free(b.g);
  numbers_free(&n);
}

static report check_op(const hd_op *op) {
  report r = {0};
  for (const hd_case *c = op->cases; c && (c->in[0].dtype || c->refuse); c++) {
    state = hd_hash(op->name, strlen(op->name), (uint64_t)r.cases);
    if (c->refuse) {
      r.refusals++;
      check_refusal(op, c, &r);
      continue;
    }
    r.cases++;
    r.gradient = HD_MAX(r.gradient, gradient_error(op, c));
    check_plans(op, c, &r);
    check_batch(op, c, &r);
    if (r.cases == 1) check_special(op, c, &r);
    step.train = false;
    if (op->random || !strcmp(op->name, "by_mode")) check_plans(op, c, &r);
    step.train = true;
  }
  if (!(r.gradient <= 1e-8)) fault(&r, "gradient error %.1e", r.gradient);
  if (r.cases < 2) fault(&r, "%d cases are too few", r.cases);
  return r;
}

static void print(const hd_op *op, const report *r) {
  printf("%-16s %5d %7d %8d %9.1e %9.1e %9.1e%s%s%s%s\n", op->name, r->cases, r->refusals,
         r->batched, r->gradient, r->kernel, r->plan64, op->grad ? "" : "  no gradient",
         op->no_second ? "  no second" : "", *r->fault ? "  FAULT " : "", r->fault);
}

#endif
