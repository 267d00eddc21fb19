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

enum { INPUTS = 6, ELEMENTS = 64 };
static hd_step step = {.seed = 1, .train = true};
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
// Runs the references node by node over a graph whose sizes are concrete. rerun: the part of
// the order that is run again while differences are taken.
typedef struct { hd_graph *g; int32_t *order, *rerun, count, reruns; void **at; } machine;
static void *at(const machine *m, hd_val v) { return m->at[v.node * HD_MAX_OUT + v.out]; }

static machine machine_new(const hd_val *root, int roots) {
  hd_graph *g = root[0].graph;
  size_t nodes = (size_t)g->count;
  machine m = {.g = g, .order = calloc(nodes, sizeof(int32_t)), .rerun = calloc(nodes, sizeof(int32_t)),
               .at = calloc(nodes * HD_MAX_OUT, sizeof(void *))};
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
  free(m->rerun);
  free(m->at);
}

static void run_nodes(machine *m, const int32_t *order, int32_t count) {
  for (int i = 0; i < count; i++) {
    const hd_node *n = m->g->node[order[i]];
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

static void machine_run(machine *m) { run_nodes(m, m->order, m->count); }
static void machine_rerun(machine *m) { run_nodes(m, m->rerun, m->reruns); }

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

// The loss when x moves by t along `way` (NULL: its element k): five points make the slope.
static double slope_of(machine *m, double *x, int64_t count, const double *way, int64_t k, hd_val loss) {
  static const double step_of[4] = {-2, -1, 1, 2};
  double h = 1e-3, l[4], *keep = malloc((size_t)count * sizeof *keep);
  memcpy(keep, x, (size_t)count * sizeof *keep);
  for (int i = 0; i < 4; i++) {
    for (int64_t j = way ? 0 : k; j < (way ? count : k + 1); j++)
      x[j] = keep[j] + step_of[i] * h * (way ? way[j] : 1);
    machine_rerun(m);
    l[i] = *(const double *)at(m, loss);
  }
  memcpy(x, keep, (size_t)count * sizeof *keep);
  free(keep);
  return (8 * (l[2] - l[1]) - (l[3] - l[0])) / (12 * h);
}

// Largest error of `gradient` (a value of machine `all`) against central differences of the loss,
// over every element of x, relative to the largest derivative. Of a large x: over elements here and
// there, and over all of them together along a random direction.
static double difference_error(const built *b, const machine *all, const numbers *n, hd_val loss,
                               hd_val x, hd_val gradient) {
  machine m = machine_for(b, n, loss, x);
  double worst = 0, largest = 1e-4, *p = at(&m, x);
  int64_t count = p ? hd_shape_count(hd_type_of(x)->shape) : 0, stride = 1 + count / ELEMENTS;
  const double *given = hd_ok(gradient) ? at(all, gradient) : NULL;
  for (int64_t k = 0; k < count; k += stride) {
    double slope = slope_of(&m, p, count, NULL, k, loss);
    double error = fabs(slope - (given ? given[k] : 0));
    largest = HD_MAX(largest, fabs(slope));
    if (!(error <= worst)) worst = error == error ? error : INFINITY;
  }
  if (stride > 1) {
    double sum = 0, *way = malloc((size_t)count * sizeof *way);
    for (int64_t k = 0; k < count; k++) {
      way[k] = uniform(-1, 1);
      sum += way[k] * (given ? given[k] : 0);
    }
    double error = fabs(slope_of(&m, p, count, way, 0, loss) - sum);
    if (!(error <= worst)) worst = error == error ? error : INFINITY;
    free(way);
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
  hd_compile_options o = {.mode = step.train ? HD_TRAIN : HD_EVALUATE, .batch = batch};
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
  static const float special[] = {0, -0.0f, 1, -1, 0.5f, -2.5f, 3, 1e-30f, -1e-30f, 60, -60, 1e30f,
                                  -1e30f, INFINITY, -INFINITY, NAN};
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
      double y = load(r.type[0].dtype, r.bytes[0], k), v = load(right.type[0].dtype, right.bytes[0], k);
      if (r.type[0].dtype == HD_F32) v = (float)v;
      bool same = y != y ? v != v : isinf(v) || isinf(y) ? y == v : fabs(y - v) <= 2e-5 * fabs(v) + 2e-38;
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
  printf("%-16s %5d %7d %8d %9.1e %9.1e %9.1e%s%s%s%s\n", op->name, r->cases, r->refusals, r->batched,
         r->gradient, r->kernel, r->plan64, op->grad ? "" : "  no gradient",
         op->no_second ? "  no second" : "", *r->fault ? "  FAULT " : "", r->fault);
}

static void test_every_op(void **unused) {
  (void)unused;
  int faults = 0;
  printf("%-16s %5s %7s %8s %9s %9s %9s\n", "op", "cases", "refused", "batched", "gradient", "f32",
         "f64 plan");
  for (int i = 0; hd_ops()[i]; i++) {
    const hd_op *op = hd_ops()[i];
    report r = check_op(op);
    bool target_is_given = op == &hd_def_broadcast_to;  // the result's size is an attribute
    if (!r.batched && !target_is_given) fault(&r, "no case takes HD_BATCH as its first axis");
    if (!op->math || hd_op_find(op->name) != op) fault(&r, "no math, or the name is taken");
    print(op, &r);
    faults += *r.fault != 0;
  }
  assert_int_equal(faults, 0);
}

// ---- Sizes that are bound later -------------------------------------------------------------------
static void expect_shape(hd_val v, hd_shape s) {
  char a[96], b[96];
  if (!hd_ok(v)) fail_msg("expected %s, got no value", hd_text_of(s, a));
  hd_shape got = hd_type_of(v)->shape;
  if (!hd_shape_equal(got, s)) fail_msg("expected %s, got %s", hd_text_of(s, a), hd_text_of(got, b));
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
  all = hd_concat((hd_val[]){all, hd_pad(hd_slice(all, 1, -2, 2), .before = {0, 1}, .after = {0, 2})}, 2, 1);
  all = hd_concat((hd_val[]){all, hd_scale(all, 3)}, 2, 0);
  hd_val scale = hd_broadcast_to(hd_mean(x, .axes = HD_AXIS(1)), HD_SHAPE(n, 3));
  hd_val table = hd_reshape(x, HD_SHAPE(n, time, 3, 1)), row = hd_reshape(table, HD_SHAPE(HD_ANY, 3));
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
    hd_plan *plan = hd_compile(targets[0].store, &err, .fetch = {to[0], to[1]}, .batch = N, .time = T);
    if (!plan) fail_msg("%s", err.text);
    hd_workspace *w = hd_workspace_new(plan, NULL, &err);
    for (int i = 0; i < N * T * 3; i++) {
      ((double *)hd_workspace_input(w, "x", NULL))[i] = sin(i);
      ((double *)hd_workspace_input(w, "y", NULL))[i] = cos(i);
    }
    assert_int_equal(hd_run(w, &err), HD_OK);
    for (int i = 0; i < 2; i++) memcpy(got[symbolic][i], hd_workspace_fetch(w, i, NULL), sizeof got[0][0]);
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

// ---- Rewriting ------------------------------------------------------------------------------------
static int calls_of(hd_val y) {
  hd_error err = {0};
  hd_plan *plan = hd_compile(targets[0].store, &err, .fetch = {y}, .no_fusion = true);
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
  hd_val nothing[] = {
    hd_scale(e, 1), hd_mul(hd_scalar(g, 1), e), hd_add_scalar(e, 0), hd_add(hd_scalar(g, 0), e),
    hd_sub(e, hd_scalar(g, 0)), hd_div(e, hd_scalar(g, 1)), hd_power(e, 1), hd_stop_gradient(e),
    hd_cast(e, HD_F32), hd_reshape(e, HD_SHAPE(30)), hd_transpose(e, HD_SHAPE(0, 2, 1, 3)),
    hd_transpose(hd_transpose(e, HD_SHAPE(3, 1, 2, 0)), HD_SHAPE(3, 1, 2, 0)),
    hd_slice(e, 1, 0, HD_ANY), (hd_pad)(e, (hd_pad_options){.value = 1}), hd_concat(&e, 1, 0),
    hd_broadcast_to(e, HD_SHAPE(2, 3, 1, 5)), hd_sum_like(e, x), hd_reshape_like(e, x),
    hd_expand_like(e, x, .mean = true), hd_sum_like(e, hd_reshape(x, HD_SHAPE(2, 3, 1, 5)))};
  for (size_t i = 0; i < HD_COUNT(nothing); i++)
    if (calls_of(nothing[i]) != 1) fail_msg("%d: %d calls", (int)i, calls_of(nothing[i]));
  hd_val one[] = {
    hd_add(hd_reshape(small, HD_SHAPE(1, 3, 1, 5)), hd_broadcast_to(hd_scalar(g, 0), HD_SHAPE(2, 3, 1, 5))),
    hd_sum_like(e, small), hd_expand_like(small, x), hd_transpose(e, HD_SHAPE(0, 3, 2, 1)),
    hd_transpose(hd_transpose(e, HD_SHAPE(1, 0, 2, 3)), HD_SHAPE(3, 1, 2, 0))};
  for (size_t i = 0; i < HD_COUNT(one); i++)
    if (calls_of(one[i]) != 2) fail_msg("%d: %d calls", (int)i, calls_of(one[i]));
  assert_string_equal(hd_graph_error(g), "");
  hd_graph_free(g);
}

// ---- Field tables ---------------------------------------------------------------------------------
// Every byte of the struct is in one field, in hd_z and use_names, or padding that alignment asks
// for. NULL when it is so, else the reason.
static const char *uncovered(const hd_fields *f) {
  static char text[160];
  static const size_t size[] = {
    [HD_FIELD_INT] = sizeof(int), [HD_FIELD_INT64] = sizeof(int64_t),
    [HD_FIELD_REAL] = sizeof(float), [HD_FIELD_BOOL] = sizeof(bool),
    [HD_FIELD_TEXT] = sizeof(char *), [HD_FIELD_CHOICE] = sizeof(int),
    [HD_FIELD_INIT] = sizeof(hd_init)};
  typedef struct { HD_OPTIONS; } header;
  bool named = true;
  for (int i = 0; i < f->count; i++) named = named && f->field[i].offset;
  size_t end = named ? sizeof(header) : 0, align = named ? sizeof(void *) : 1;
  for (int done = 0; done < f->count; done++) {
    const hd_field *next = NULL;
    for (int i = 0; i < f->count; i++) {
      const hd_field *t = &f->field[i];
      if (t->offset >= end && (!next || t->offset < next->offset)) next = t;
    }
    if (!next) return "two fields overlap";
    size_t each = size[next->kind], to = each == sizeof(hd_init) ? sizeof(int) : each;
    if (next->offset != (end + to - 1) / to * to) {
      snprintf(text, sizeof text, "a member is missing before %s", next->name);
      return text;
    }
    if (next->count < 1 || !next->help || !next->standard) return "a field lacks count, help or standard";
    end = next->offset + each * (size_t)next->count;
    align = HD_MAX(align, to);
  }
  return (end + align - 1) / align * align == f->size ? NULL : "a member is missing at the end";
}

static void test_fields(void **unused) {
  (void)unused;
  for (int i = 0; hd_ops()[i]; i++) {
    const hd_op *op = hd_ops()[i];
    const char *reason = op->fields ? uncovered(op->fields) : NULL;
    if (reason) fail_msg("%s: %s", op->name, reason);
  }
  const hd_field *f = hd_def_pad.fields->field;
  hd_fields bad = {"bad", sizeof(hd_pad_options), f, 2};
  assert_string_equal(uncovered(&bad), "a member is missing at the end");
  bad.field = f + 1;
  assert_string_equal(uncovered(&bad), "a member is missing before after");
  bad.field = (const hd_field[]){f[0], f[1], f[2], f[2]}, bad.count = 4;
  assert_string_equal(uncovered(&bad), "two fields overlap");
}

// ---- An op of a user's own, and what the checks above find ----------------------------------------
static void cube32(const hd_args *a, int64_t part) {
  (void)part;
  const float *x = a->in[0];
  float *y = a->out[0];
  for (int64_t i = 0; i < hd_shape_count(a->out_type->shape); i++) y[i] = x[i] * x[i] * x[i];
}
static void cube64(const hd_args *a, int64_t part) {
  (void)part;
  const double *x = a->in[0];
  double *y = a->out[0];
  for (int64_t i = 0; i < hd_shape_count(a->out_type->shape); i++) y[i] = x[i] * x[i] * x[i];
}
static hd_status cube_shape(hd_rule *r) {
  if (r->in[0].shape.rank > 3) return hd_refuse(r, "rank %d", r->in[0].shape.rank);
  r->out[0] = r->in[0];
  return HD_OK;
}
static void cube_grad(hd_grad_rule *g) {
  g->dx[0] = hd_mul(g->dy[0], hd_scale(hd_square(g->rule->value[0]), 3));
}
static int cube_expand(hd_expand *e, const void *attr, const int *in) {
  (void)attr;
  return hd_expand_tile(e, HD_TILE_mul, hd_expand_tile(e, HD_TILE_mul, in[0], in[0], -1), in[0], -1);
}
static const hd_case cube_cases[] = {
  {.in = {{HD_F32, {0}}}}, {.in = {{HD_F32, {2, {3, 5}}}}},
  {.in = {{HD_F32, {4, {1, 1, 1, 1}}}}, .refuse = "rank 4"}, {0}};
static const hd_op cube = {
  .name = "cube", .math = "y = x^3", .min_in = 1, .max_in = 1, .n_out = 1, .shape = cube_shape,
  .ref32 = cube32, .ref64 = cube64, .grad = cube_grad, .cases = cube_cases};

static void steep_grad(hd_grad_rule *g) {
  cube_grad(g);
  g->dx[0] = hd_scale(g->dx[0], 1 + 1e-6);
}
// Its derivative is not what it says: the value is right, the graph behind it is not.
static void flat_grad(hd_grad_rule *g) {
  cube_grad(g);
  g->dx[0] = hd_stop_gradient(g->dx[0]);
}
static void no_grad(hd_grad_rule *g) { (void)g; }
static void off32(const hd_args *a, int64_t part) {
  cube32(a, part);
  *(float *)a->out[0] *= 1.00001f;
}
static void nan32(const hd_args *a, int64_t part) {
  cube32(a, part);
  *(float *)a->out[0] = NAN;
}
static hd_status by_isa(hd_lowering *l) {
  l->phases = 1;
  l->phase[0].run = l->kernels->isa == HD_ISA_AVX512 ? off32 : cube32;
  l->phase[0].parts = 1;
  return HD_OK;
}
static hd_status eager_shape(hd_rule *r) {
  r->out[0] = r->in[0];
  return HD_OK;
}
static hd_val halve(hd_rule *r, bool train) {
  (void)train;
  return hd_scale(r->value[0], 0.5);
}
static int square_expand(hd_expand *e, const void *attr, const int *in) {
  (void)attr;
  return hd_expand_tile(e, HD_TILE_mul, in[0], in[0], -1);
}

// Right where nothing overflows.
static int bounded_expand(hd_expand *e, const void *attr, const int *in) {
  return hd_expand_tile(e, HD_TILE_min, cube_expand(e, attr, in), hd_expand_value(e, 1e20), -1);
}

static void test_own_op(void **unused) {
  (void)unused;
  hd_op op = cube;
  report r = check_op(&op);
  print(&op, &r);
  assert_string_equal(r.fault, "");
  assert_int_equal(r.batched, 1);
  op.expand = cube_expand;
  r = check_op(&op);
  assert_string_equal(r.fault, "");
}

static void expect_fault(hd_op op, const char *text) {
  report r = check_op(&op);
  if (!strstr(r.fault, text)) fail_msg("expected \"%s\", got \"%s\"", text, r.fault);
}

static void test_faults_are_found(void **unused) {
  (void)unused;
  hd_op op = cube;
  op.grad = steep_grad, expect_fault(op, "gradient error 1.0e-06");
  op.grad = flat_grad, expect_fault(op, "gradient error 1.0e+00");
  op.no_second = true;
  assert_true(check_op(&op).gradient <= 1e-8);
  op = cube, op.grad = no_grad, expect_fault(op, "gradient error 1.0e+00");
  op = cube, op.ref32 = off32, expect_fault(op, "case 1, baseline: off by 1.0e-05");
  op.ref32 = nan32, expect_fault(op, "case 1, baseline: off by inf");
  op = cube, op.rewrite = halve, expect_fault(op, "the double plan is off by");
  op = cube, op.expand = square_expand, expect_fault(op, "off by");
  op = cube, op.expand = bounded_expand, expect_fault(op, "cube of 1e+30 and 0 is 1e+20, must be inf");
  op = cube, op.shape = eager_shape, expect_fault(op, "should refuse: rank 4");
  hd_case loose[] = {cube_cases[1], cube_cases[1], {0}};
  loose[0].bound = loose[1].bound = 1e-3;
  op = cube, op.lower = by_isa, op.cases = loose;
  bool both = false, wide = false;
  for (int i = 0; i < target_count; i++) {
    both |= !strcmp(targets[i].name, "avx2");
    wide |= !strcmp(targets[i].name, "avx512");
  }
  if (both && wide) expect_fault(op, "case 1, avx512: other bits than avx2");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_op),
    cmocka_unit_test(test_symbolic_shapes),
    cmocka_unit_test(test_symbolic_gradients),
    cmocka_unit_test(test_long_concat),
    cmocka_unit_test(test_rewrites),
    cmocka_unit_test(test_fields),
    cmocka_unit_test(test_own_op),
    cmocka_unit_test(test_faults_are_found),
  };
  return cmocka_run_group_tests(tests, open_stores, close_stores);
}
