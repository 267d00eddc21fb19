// hadal check OP: the op's own cases. The gradient against differences, in double; the fast kernel
// against the double reference.
#include "cli.h"

#include <math.h>
#include <stdlib.h>

enum { INPUTS = 6 };
#define STEP 1e-5
#define GRADIENT_BOUND 1e-7  // of central differences, relative to the largest gradient
#define KERNEL_BOUND 2e-6

static uint64_t next(uint64_t *state) {
  *state ^= *state << 13, *state ^= *state >> 7, *state ^= *state << 17;
  return *state >> 11;
}

// The values of input i as its case wants them.
static void fill(const hd_case *c, int i, hd_type t, void *to) {
  int64_t count = hd_shape_count(t.shape);
  uint64_t state = 0x9E3779B97F4A7C15u + (uint64_t)i;
  for (int64_t k = 0; k < count; k++) {
    double u = (double)next(&state) / 9007199254740992.0, v = 4 * u - 2;
    if (c->fill[i] == HD_FILL_POSITIVE) v = 0.5 + 1.5 * u;
    if (c->fill[i] == HD_FILL_DISTINCT)
      v = 0.013 * (double)((k * 7919 + 13) % (count + 1)) - 0.3 +
          0.0041 * i;              // also between inputs
    if (fabs(v) < 1e-3) v = 0.01;  // away from kinks
    v = (double)(float)v;
    int whole = c->fill[i] == HD_FILL_INDEX ? (int)(next(&state) % (uint64_t)HD_MAX(c->limit, 1))
                                            : (int)(next(&state) % 2);
    switch (t.dtype) {
      case HD_F64: ((double *)to)[k] = v; break;
      case HD_F32: ((float *)to)[k] = (float)v; break;
      case HD_I32: ((int32_t *)to)[k] = whole; break;
      case HD_I64: ((int64_t *)to)[k] = whole; break;
      case HD_U8:
      case HD_BOOL:
      case HD_I8: ((uint8_t *)to)[k] = (uint8_t)whole; break;
      default: break;
    }
  }
}

typedef struct net {
  hd_graph *g;
  hd_store *store;
  hd_plan *plan;
  hd_workspace *w;
  int inputs;
  hd_val x[INPUTS], y, loss, dx[INPUTS];
} net;

static void close_net(net *n) {
  hd_workspace_free(n->w);
  hd_plan_free(n->plan);
  hd_graph_free(n->g);
  hd_store_free(n->store);
}

// The case in f32 or f64: its value, and with `gradients` a loss that weighs every element and its
// gradient.
static bool open_net(const hd_env *env, const hd_op *op, const hd_case *c, hd_dtype dtype,
                     bool gradients, net *n, hd_error *err) {
  *n = (net){.g = hd_graph_new(env), .store = hd_store_new(env)};
  char name[16];
  for (; n->inputs < INPUTS && c->in[n->inputs].dtype; n->inputs++) {
    hd_type t = c->in[n->inputs];
    if (t.dtype == HD_F32) t.dtype = dtype;
    snprintf(name, sizeof name, "x%d", n->inputs);
    n->x[n->inputs] = hd_input(n->g, name, t.dtype, t.shape);
  }
  n->y = hd_node_add(op, c->attr, n->x, n->inputs);
  hd_compile_options o = {.fetch = {n->y}, .mode = HD_TRAIN, .batch = 2, .time = 3, .length = 4};
  if (gradients) {
    hd_type t = hd_val_type(n->y);
    n->loss = t.dtype == dtype ? hd_sum(hd_mul(n->y, hd_input(n->g, "weights", dtype, t.shape)))
                               : (hd_val){0};
    if (n->loss.graph) hd_gradients(n->loss, (hd_val){0}, n->x, n->inputs, n->dx);
    o.fetch[0] = n->loss;
    for (int i = 0; i < n->inputs; i++) o.fetch[1 + i] = n->dx[i];
    if (!n->loss.graph && !*hd_graph_error(n->g)) return false;  // nothing to differentiate
  }
  n->plan = (hd_compile)(n->store, err, o);
  n->w = n->plan ? hd_workspace_new(n->plan, NULL, err) : NULL;
  if (!n->w) return false;
  hd_type t;
  for (int i = 0; i < n->inputs; i++) {
    snprintf(name, sizeof name, "x%d", i);
    void *at = hd_workspace_input(n->w, name, &t);
    if (at) fill(c, i, t, at);
  }
  void *at = hd_workspace_input(n->w, "weights", &t);
  if (at) fill(&(hd_case){.limit = 1}, INPUTS - 1, t, at);
  return true;
}

static double run_loss(net *n, hd_error *err) {
  if (hd_run(n->w, err)) return NAN;
  return *(const double *)hd_workspace_fetch(n->w, 0, NULL);
}

// Largest error of the gradients, relative to the largest of them and to the loss's own size.
static double gradient_error(net *n, hd_error *err) {
  double worst = 0;
  char name[16];
  int fetch = 1;
  for (int i = 0; i < n->inputs; i++) {
    if (!n->dx[i].graph) continue;
    hd_type t;
    snprintf(name, sizeof name, "x%d", i);
    double *x = hd_workspace_input(n->w, name, &t), most = 1e-3, error = 0;
    int64_t count = hd_shape_count(t.shape);
    double *dx = malloc(sizeof *dx * (size_t)(count + 1));
    run_loss(n, err);
    const double *from = hd_workspace_fetch(n->w, fetch + i, NULL);
    if (!dx || !from || !x) {
      free(dx);
      continue;
    }
    memcpy(dx, from, sizeof *dx * (size_t)count);
    for (int64_t k = 0; k < count; k++) {
      double kept = x[k];
      x[k] = kept + STEP;
      double up = run_loss(n, err);
      x[k] = kept - STEP;
      double down = run_loss(n, err);
      x[k] = kept;
      error = HD_MAX(error, fabs((up - down) / (2 * STEP) - dx[k]));
      most = HD_MAX(most, fabs(dx[k]));
    }
    free(dx);
    worst = HD_MAX(worst, error / most);
  }
  return worst;
}

static double element(const void *from, hd_dtype dtype, int64_t i) {
  switch (dtype) {
    case HD_F64: return ((const double *)from)[i];
    case HD_F32: return (double)((const float *)from)[i];
    case HD_I32: return ((const int32_t *)from)[i];
    case HD_U8:
    case HD_BOOL: return ((const uint8_t *)from)[i];
    default: return NAN;
  }
}

static double kernel_error(net *fast, net *exact, hd_error *err) {
  hd_type t, u;
  if (hd_run(fast->w, err) || hd_run(exact->w, err)) return NAN;
  const void *a = hd_workspace_fetch(fast->w, 0, &t), *b = hd_workspace_fetch(exact->w, 0, &u);
  double error = 0, most = 0;
  for (int64_t i = 0, count = hd_shape_count(t.shape); i < count; i++) {
    double x = element(a, t.dtype, i), y = element(b, u.dtype, i);
    if (!(fabs(x - y) <= error)) error = fabs(x - y);  // NaN stays
    most = HD_MAX(most, fabs(y));
  }
  return most > 0 ? error / most : error;
}

int cli_check_op(const cli_process *p, const hd_op *op) {
  int cases = 0, wrong = 0;
  double kernel = 0, gradient = 0;
  hd_error err = {0};
  for (const hd_case *c = op->cases; c && (c->in[0].dtype || c->refuse); c++) {
    if (c->refuse) continue;
    net fast, exact, graded;
    bool ok = open_net(&p->data, op, c, HD_F32, false, &fast, &err);
    ok = open_net(&p->data, op, c, HD_F64, false, &exact, &err) && ok;  // both are closed below
    double e = ok && !op->random ? kernel_error(&fast, &exact, &err) : 0;
    kernel = HD_MAX(kernel, e);
    wrong += !ok || !(e <= (c->bound > 0 ? c->bound : KERNEL_BOUND));
    if (op->grad && open_net(&p->data, op, c, HD_F64, true, &graded, &err)) {
      e = gradient_error(&graded, &err);
      gradient = HD_MAX(gradient, e);
      wrong += !(e <= GRADIENT_BOUND);
    } else if (!op->grad) {
      graded = (net){0};
    }
    close_net(&fast);
    close_net(&exact);
    close_net(&graded);
    cases++;
  }
  printf("%-16s %s  %d cases, kernel off by %.1e", op->name, wrong ? "WRONG" : "right", cases,
         kernel);
  if (op->grad) printf(", gradient by %.1e", gradient);
  printf("%s%s\n", wrong && err.status ? ": " : "", wrong && err.status ? err.text : "");
  return wrong ? CLI_FAILED : CLI_DONE;
}
