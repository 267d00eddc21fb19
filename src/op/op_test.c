// Every op against its double reference and its own derivatives: the cases of each record, through
// the graph as it is (a small interpreter of references) and through compiled plans.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../include/hadal/plan.h"
#include "op.h"

enum { INPUTS = 6, LOSS_INPUTS = HD_MAX_OUT, ELEMENTS = 1 << 12 };
static const hd_step step = {.seed = 1, .train = true};
#define SITE "site"

// ---- Numbers --------------------------------------------------------------------------------------
static uint64_t state = 1;
static double uniform(double low, double high) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return low + (high - low) * (double)(state >> 11) * 0x1p-53;
}

static double load(hd_dtype t, const void *p, int64_t i) {
  switch (t) {
    case HD_F32: return ((const float *)p)[i];
    case HD_F64: return ((const double *)p)[i];
    case HD_I32: return ((const int32_t *)p)[i];
    default: return ((const uint8_t *)p)[i];
  }
}

static void store_as(hd_dtype t, void *p, int64_t i, double v) {
  switch (t) {
    case HD_F32: ((float *)p)[i] = (float)v; break;
    case HD_F64: ((double *)p)[i] = v; break;
    case HD_I32: ((int32_t *)p)[i] = (int32_t)v; break;
    default: ((uint8_t *)p)[i] = (uint8_t)v;
  }
}

static double one_number(hd_fill fill, int limit) {
  double v;
  switch (fill) {
    case HD_FILL_POSITIVE: return uniform(0.5, 2);
    case HD_FILL_INDEX: return floor(uniform(0, limit ? limit : 1));
    case HD_FILL_TRUTH: return uniform(0, 1) < 0.5;
    default: break;
  }
  do v = uniform(-2, 2);
  while (fabs(v - round(v)) < 0.01);  // kinks are at integers
  return v;
}

// The inputs of a case as doubles that are also floats. Distinct ones are distinct among all inputs.
typedef struct { int inputs; int64_t count[INPUTS]; double *x[INPUTS]; } numbers;
static numbers numbers_of(const hd_case *c) {
  numbers n = {0};
  int64_t distinct = 0, taken = 0;
  for (; n.inputs < INPUTS && c->in[n.inputs].dtype; n.inputs++) {
    int i = n.inputs;
    n.count[i] = hd_shape_count(c->in[i].shape);
    n.x[i] = calloc((size_t)n.count[i] + 1, sizeof(double));
    if (c->fill[i] == HD_FILL_DISTINCT) distinct += n.count[i];
    else for (int64_t k = 0; k < n.count[i]; k++) n.x[i][k] = (float)one_number(c->fill[i], c->limit);
  }
  int64_t *order = calloc((size_t)distinct + 1, sizeof *order);
  for (int64_t i = 0; i < distinct; i++) {
    int64_t j = (int64_t)uniform(0, (double)i + 1);
    order[i] = order[j];
    order[j] = i;
  }
  double apart = distinct ? HD_MAX(4.0 / (double)distinct, 0.01) : 0;
  for (int i = 0; i < n.inputs; i++)
    for (int64_t k = 0; c->fill[i] == HD_FILL_DISTINCT && k < n.count[i]; k++)
      n.x[i][k] = (float)(apart * ((double)order[taken++] - (double)distinct / 2 + 0.25));
  free(order);
  return n;
}
static void numbers_free(numbers *n) {
  for (int i = 0; i < n->inputs; i++) free(n->x[i]);
}

// ---- The interpreter ------------------------------------------------------------------------------
// Runs the references node by node over a graph whose sizes are concrete.
typedef struct { hd_graph *g; int32_t *order, count; void **at; } machine;
static void *at(const machine *m, hd_val v) { return m->at[v.node * HD_MAX_OUT + v.out]; }

static machine machine_new(const hd_val *root, int roots) {
  hd_graph *g = root[0].graph;
  machine m = {g, calloc((size_t)g->count, sizeof(int32_t)), 0,
               calloc((size_t)g->count * HD_MAX_OUT, sizeof(void *))};
  uint8_t *seen = calloc((size_t)g->count, 1);
  for (int i = 0; i < roots; i++)
    if (hd_ok(root[i])) assert_int_equal(hd_walk(g, root[i], m.order, &m.count, seen), HD_OK);
  free(seen);
  for (int i = 0; i < m.count; i++) {
    const hd_node *n = g->node[m.order[i]];
    for (int k = 0; k < n->n_out; k++) {
      int64_t count = hd_shape_count(n->out[k].shape);
      if (count < 0) fail_msg("%s: output %d has an open size", n->op ? n->op->name : "leaf", k);
      void *p = calloc((size_t)count + 1, hd_dtype_size(n->out[k].dtype));
      if (n->data) memcpy(p, n->data, (size_t)count * hd_dtype_size(n->out[k].dtype));
      m.at[n->id * HD_MAX_OUT + k] = p;
    }
  }
  return m;
}

static void machine_free(machine *m) {
  for (int i = 0; i < m->count; i++)
    for (int k = 0; k < HD_MAX_OUT; k++) free(m->at[m->order[i] * HD_MAX_OUT + k]);
  free(m->order);
  free(m->at);
}

static void machine_run(machine *m) {
  for (int i = 0; i < m->count; i++) {
    const hd_node *n = m->g->node[m->order[i]];
    const void *in[HD_MAX_IN];
    hd_type in_type[HD_MAX_IN];
    bool wide = false;
    if (n->leaf) continue;
    for (int k = 0; k < n->n_in; k++) {
      in[k] = at(m, n->in[k]);
      in_type[k] = *hd_type_of(n->in[k]);
      wide |= in_type[k].dtype == HD_F64;
    }
    for (int k = 0; k < n->n_out; k++) wide |= n->out[k].dtype == HD_F64;
    hd_args a = {.n_in = n->n_in, .n_out = n->n_out, .in_type = in_type, .out_type = n->out,
                 .in = in, .out = m->at + n->id * HD_MAX_OUT, .attr = n->attr, .step = &step,
                 .site = n->name ? hd_hash(n->name, strlen(n->name), 0) : 0};
    (wide ? n->op->ref64 : n->op->ref32)(&a, 0);
  }
}

// ---- A case as a graph ----------------------------------------------------------------------------
// y and, where y has real outputs, loss = sum of y c, its gradients, and loss2 = sum of gradients d.
typedef struct {
  hd_graph *g;
  int inputs, outs;
  hd_val x[INPUTS], y[HD_MAX_OUT], c[HD_MAX_OUT], loss, dx[INPUTS], d[INPUTS], loss2;
  hd_val ddx[INPUTS], ddc[HD_MAX_OUT];
} built;

static bool is_real(hd_val v) { return hd_type_of(v)->dtype == HD_F32 || hd_type_of(v)->dtype == HD_F64; }

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
static hd_val weigh(hd_graph *g, char kind, const hd_val *v, int count, const hd_type *type, hd_val *w) {
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

// ---- Derivatives ----------------------------------------------------------------------------------
// Largest error of `gradient` (a value of machine `all`) against central differences of loss, over
// every element of x, relative to the largest derivative.
static double difference_error(const built *b, const machine *all, const numbers *n, hd_val loss, hd_val x,
                               hd_val gradient) {
  machine m = machine_new(&loss, 1);
  double worst = 0, largest = 1e-4, h = 1e-3;
  set_inputs(b, &m, n);
  double *p = at(&m, x);
  int64_t count = p ? hd_shape_count(hd_type_of(x)->shape) : 0;
  int64_t stride = 1 + count / ELEMENTS;
  for (int64_t k = 0; k < count; k += stride) {
    double keep = p[k], l[4], v[4] = {-2 * h, -h, h, 2 * h};
    for (int i = 0; i < 4; i++) {
      p[k] = keep + v[i];
      machine_run(&m);
      l[i] = *(const double *)at(&m, loss);
    }
    p[k] = keep;
    double slope = (l[0] - 8 * l[1] + 8 * l[2] - l[3]) / (12 * h);
    double given = hd_ok(gradient) ? ((const double *)at(all, gradient))[k] : 0;
    largest = HD_MAX(largest, fabs(slope));
    double error = fabs(slope - given);
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

// ---- Plans ----------------------------------------------------------------------------------------
// What a case gives: outputs and gradients, as bytes and as doubles.
enum { RESULTS = HD_MAX_OUT + INPUTS };
typedef struct { hd_type type[RESULTS]; void *bytes[RESULTS]; } results;
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

static results by_plan(const hd_op *op, const built *b, const numbers *n, hd_store *store, int64_t batch) {
  results r = {.bytes = {0}};
  hd_error err = {0};
  hd_val v[RESULTS];
  int slot[RESULTS], count = values_of(b, v, slot);
  hd_compile_options o = {.mode = HD_TRAIN, .batch = batch};
  memcpy(o.fetch, v, sizeof *v * (size_t)count);
  hd_plan *plan = (hd_compile)(store, &err, o);
  if (!plan) fail_msg("%s: %s", op->name, err.text);
  hd_workspace *w = hd_workspace_new(plan, NULL, &err);
  if (!w) fail_msg("%s: %s", op->name, err.text);
  for (int i = 0; i < b->inputs; i++) fill_input(w, (char[]){'x', (char)('0' + i), 0}, n->x[i], n->count[i]);
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
typedef struct { hd_store *store; char name[24]; } target;
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

// ---- One op ---------------------------------------------------------------------------------------
typedef struct { int cases, refusals, batched; double gradient, kernel, plan64; } report;

static void check_refusal(const hd_op *op, const hd_case *c) {
  built b = build(op, c, HD_F32, 0);
  if (b.outs) fail_msg("%s: should refuse: %s", op->name, c->refuse);
  if (!strstr(hd_graph_error(b.g), c->refuse))
    fail_msg("%s: refuses with \"%s\", not \"%s\"", op->name, hd_graph_error(b.g), c->refuse);
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
  results right = by_reference(&wide, &n), plan64 = by_plan(op, &wide, &n, targets[0].store, 0), first = {.bytes = {0}};
  double error = worst_of(&plan64, &right, 0, RESULTS);
  to->plan64 = HD_MAX(to->plan64, error);
  if (!(error <= 1e-12)) fail_msg("%s, case %d: the double plan is off by %.1e", op->name, to->cases, error);
  for (int i = 0; i < target_count; i++) {
    results r = by_plan(op, &b, &n, targets[i].store, 0);
    error = worst_of(&r, &right, 0, HD_MAX_OUT);
    to->kernel = HD_MAX(to->kernel, error);
    if (!(error <= bound)) fail_msg("%s, case %d, %s: off by %.1e", op->name, to->cases, targets[i].name, error);
    error = worst_of(&r, &right, HD_MAX_OUT, RESULTS);
    if (!(error <= 20 * bound)) fail_msg("%s, case %d, %s: gradient off by %.1e", op->name, to->cases, targets[i].name, error);
    bool fused = strcmp(targets[i].name, "baseline") != 0;
    if (fused && !first.bytes[0]) {
      first = r;
      continue;
    }
    if (fused && !same_bytes(&first, &r)) fail_msg("%s, case %d: %s gives other bits", op->name, to->cases, targets[i].name);
    results_free(&r);
  }
  results_free(&first);
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
    results right = by_reference(&twin, &n), r = by_plan(op, &b, &n, targets[0].store, batch);
    double error = worst_of(&r, &right, 0, RESULTS);
    if (!(error <= 1e-12)) fail_msg("%s, case %d: off by %.1e with HD_BATCH", op->name, to->cases, error);
    results_free(&r);
    results_free(&right);
    numbers_free(&n);
    to->batched++;
  }
  hd_graph_free(twin.g);
  hd_graph_free(b.g);
}

static report check_op(const hd_op *op) {
  report r = {0};
  for (const hd_case *c = op->cases; c && (c->in[0].dtype || c->refuse); c++) {
    state = hd_hash(op->name, strlen(op->name), (uint64_t)r.cases);
    if (c->refuse) {
      r.refusals++;
      check_refusal(op, c);
      continue;
    }
    r.cases++;
    r.gradient = HD_MAX(r.gradient, gradient_error(op, c));
    check_plans(op, c, &r);
    check_batch(op, c, &r);
  }
  return r;
}

static void test_every_op(void **unused) {
  (void)unused;
  int bad = 0;
  printf("%-16s %5s %7s %8s %9s %9s %9s\n", "op", "cases", "refused", "batched", "gradient", "f32", "f64 plan");
  for (int i = 0; hd_ops()[i]; i++) {
    const hd_op *op = hd_ops()[i];
    report r = check_op(op);
    printf("%-16s %5d %7d %8d %9.1e %9.1e %9.1e%s%s\n", op->name, r.cases, r.refusals, r.batched, r.gradient, r.kernel, r.plan64,
           op->grad ? "" : "  no gradient", op->no_second ? "  no second" : "");
    if (r.cases < 2) bad++, print_error("%s: %d cases are too few\n", op->name, r.cases);
    if (!(r.gradient <= 1e-8)) bad++, print_error("%s: gradient error %.1e\n", op->name, r.gradient);
    if (!r.batched) bad++, print_error("%s: no case takes HD_BATCH as its first axis\n", op->name);
    if (!op->math || hd_op_find(op->name) != op) bad++, print_error("%s: no math, or the name is taken\n", op->name);
  }
  assert_int_equal(bad, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_op),
  };
  return cmocka_run_group_tests(tests, open_stores, close_stores);
}
