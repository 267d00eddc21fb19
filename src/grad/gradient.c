// Reverse-mode differentiation as a graph transform: the chain rule, nothing op-specific.
//
//   forward walk   x -> h -> y          order of the walk from y, arguments left to right
//   backward       dx <- dh <- dy       the same order reversed; a value that is used more than
//                                       once sums its gradients in that order, never in the order
//                                       of creation, so that the bits do not depend on the compiler
#include "../../include/hadal/ops.h"
#include "../graph/graph.h"

typedef struct {
  hd_graph *g;
  int32_t *order, count;
  uint8_t *seen, *needed;
  hd_val (*dy)[HD_MAX_OUT];
} walk;

static bool real(hd_val v) {
  hd_dtype t = hd_type_of(v)->dtype;
  return t == HD_F32 || t == HD_F64 || t == HD_BF16 || t == HD_F16;
}

static bool fits(const hd_type *a, const hd_type *b) {
  bool same = a->dtype == b->dtype && a->shape.rank == b->shape.rank;
  for (int i = 0; same && i < a->shape.rank; i++)
    same = a->shape.d[i] == b->shape.d[i] || a->shape.d[i] == HD_ANY || b->shape.d[i] == HD_ANY;
  return same;
}

static void accumulate(walk *w, hd_val to, hd_val d) {
  if (!hd_ok(d) || !real(to)) return;
  hd_val *sum = &w->dy[to.node][to.out];
  *sum = hd_ok(*sum) ? hd_add(*sum, d) : d;
}

// One node: the gradients that arrived at its outputs become gradients of its inputs.
static void step(walk *w, const hd_node *n) {
  hd_val *dy = w->dy[n->id], dx[HD_MAX_IN] = {{0}}, result[HD_MAX_OUT] = {{0}};
  bool want[HD_MAX_IN] = {false}, any = false, arrived = false;
  hd_type in[HD_MAX_IN];
  for (int i = 0; i < n->n_in; i++) {
    any |= want[i] = w->needed[n->in[i].node] && real(n->in[i]);
    in[i] = *hd_type_of(n->in[i]);
  }
  for (int i = 0; i < n->n_out; i++) {
    arrived |= hd_ok(dy[i]);
    result[i] = (hd_val){w->g, n->id, i};
  }
  if (!any || !arrived || !n->op || !n->op->grad) return;
  hd_rule r = {.graph = w->g,
               .op = n->op,
               .attr = n->attr,
               .n_in = n->n_in,
               .n_out = n->n_out,
               .in = in,
               .out = n->out,
               .value = n->in,
               .result = result};
  w->g->scope = n->scope;
  n->op->grad(&(hd_grad_rule){.rule = &r, .dy = dy, .want = want, .dx = dx});
  for (int i = 0; i < n->n_in; i++)
    if (want[i]) accumulate(w, n->in[i], dx[i]);
}

// Which nodes lie between y and one of x: only their gradients are built.
static void mark(walk *w, const hd_val *x, int count) {
  for (int i = 0; i < count; i++)
    if (hd_ok(x[i])) w->needed[x[i].node] = 1;
  for (int i = 0; i < w->count; i++) {
    const hd_node *n = w->g->node[w->order[i]];
    for (int k = 0; k < n->n_in; k++) w->needed[n->id] |= w->needed[n->in[k].node];
  }
}

hd_status hd_gradients(hd_val y, hd_val dy, const hd_val *x, int count, hd_val *to) {
  hd_graph *g = y.graph;
  for (int i = 0; i < count; i++) to[i] = (hd_val){0};
  if (!g) return HD_E_ARGUMENT;
  if (g->error.status) return g->error.status;
  if (!real(y))
    return hd_graph_fail(g, HD_E_ARGUMENT, "gradient: y is %s, must be a floating-point value",
                         hd_dtype_name(hd_type_of(y)->dtype));
  for (int i = 0; i < count; i++)
    if (x[i].graph && x[i].graph != g)
      return hd_graph_fail(g, HD_E_ARGUMENT, "gradient: x belongs to another graph");
  if (!hd_ok(dy)) {
    if (hd_type_of(y)->shape.rank != 0) {
      char text[96];
      return hd_graph_fail(
          g, HD_E_SHAPE,
          "gradient: y is %s, must be a scalar; take hd_mean or hd_sum of it, or give dy",
          hd_shape_text(hd_type_of(y)->shape, text, sizeof text));
    }
    dy = hd_scalar_like(y, 1);
  } else if (dy.graph != g || !fits(hd_type_of(dy), hd_type_of(y))) {
    char a[96], b[96];
    const hd_type *t = hd_type_of(dy), *want = hd_type_of(y);
    return hd_graph_fail(g, HD_E_SHAPE, "gradient: dy is %s %s%s, must be of y's type %s %s",
                         hd_dtype_name(t->dtype), hd_shape_text(t->shape, a, sizeof a),
                         dy.graph != g ? " of another graph" : "", hd_dtype_name(want->dtype),
                         hd_shape_text(want->shape, b, sizeof b));
  }
  int32_t nodes = g->count;
  hd_scope *scope = g->scope;
  walk w = {.g = g,
            .order = hd_alloc_raw(&g->env, sizeof *w.order * (size_t)nodes),
            .seen = hd_alloc(&g->env, (size_t)nodes),
            .needed = hd_alloc(&g->env, (size_t)nodes),
            .dy = hd_alloc(&g->env, sizeof *w.dy * (size_t)nodes)};
  if (!w.order || !w.seen || !w.needed || !w.dy)
    hd_graph_fail(g, HD_E_MEMORY, "memory is out differentiating");
  else if (!hd_walk(g, y, w.order, &w.count, w.seen)) {
    mark(&w, x, count);
    accumulate(&w, y, dy);
    for (int i = w.count - 1; i >= 0 && !g->error.status; i--) step(&w, g->node[w.order[i]]);
    for (int i = 0; i < count && !g->error.status; i++)
      if (hd_ok(x[i]) && x[i].node < nodes) to[i] = w.dy[x[i].node][x[i].out];
  }
  g->scope = scope;
  hd_release(&g->env, w.order);
  hd_release(&g->env, w.seen);
  hd_release(&g->env, w.needed);
  hd_release(&g->env, w.dy);
  return g->error.status;
}

hd_val hd_gradient(hd_val y, hd_val x) {
  hd_val to = {0};
  if (hd_gradients(y, (hd_val){0}, &x, 1, &to)) return (hd_val){0};
  return to;
}
