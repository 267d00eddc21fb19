// Nodes, leaves, scopes and assignments of a graph.
#include "graph.h"

#include <stdio.h>

hd_graph *hd_graph_new(const hd_env *env) {
  hd_graph *g = hd_alloc(env, sizeof *g);
  if (!g) return NULL;
  if (env) g->env = *env;
  g->arena.env = g->env;
  g->count = 1;
  return g;
}

void hd_graph_free(hd_graph *g) {
  if (!g) return;
  hd_env env = g->env;
  hd_arena_free(&g->arena);
  hd_release(&env, g->node);
  hd_release(&env, g->assign);
  hd_release(&env, g->kinds);
  hd_release(&env, g->table);
  hd_release(&env, g);
}

const char *hd_graph_error(const hd_graph *g) {
  return g ? g->error.text : "no graph: memory is out";
}

// The first failure is the one worth reading.
hd_status hd_graph_fail(hd_graph *g, hd_status status, const char *format, ...) {
  if (g->error.status) return g->error.status;
  va_list args;
  va_start(args, format);
  char text[sizeof g->error.text];
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return hd_fail(&g->error, status, "%s", text);
}

hd_status hd_refuse(const hd_rule *r, const char *format, ...) {
  char text[800];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  const hd_scope *s = r->graph->scope;
  if (!s) return hd_graph_fail(r->graph, HD_E_SHAPE, "%s: %s", r->op->name, text);
  return hd_graph_fail(r->graph, HD_E_SHAPE, "%s in layer %s: %s", r->op->name,
                       s->name ? s->name : s->kind, text);
}

int64_t hd_bind(const hd_graph *g, int64_t dim) {
  return g->sealed && dim <= HD_BATCH && dim >= HD_LENGTH && g->bound[-dim - 1] ? g->bound[-dim - 1]
                                                                                : dim;
}

// Room for one more item of `size` bytes in a growing array.
static bool grow(hd_graph *g, void **items, int32_t count, int32_t *room, size_t size) {
  if (count < *room) return true;
  int32_t more = *room ? *room * 2 : 64;
  void *p = hd_resize(&g->env, *items, (size_t)more * size);
  if (!p) return hd_graph_fail(g, HD_E_MEMORY, "memory is out building the graph"), false;
  *items = p;
  *room = more;
  return true;
}

hd_node *hd_node_new(hd_graph *g, int n_in, int n_out) {
  if (g->error.status || !grow(g, (void **)&g->node, g->count, &g->room, sizeof *g->node))
    return NULL;
  hd_node *n = hd_arena_alloc(&g->arena, sizeof *n);
  hd_val *in = hd_arena_alloc(&g->arena, sizeof *in * (size_t)(n_in + !n_in));
  hd_type *out = hd_arena_alloc(&g->arena, sizeof *out * (size_t)n_out);
  if (!n || !in || !out)
    return hd_graph_fail(g, HD_E_MEMORY, "memory is out building the graph"), NULL;
  *n = (hd_node){
      .id = g->count, .n_in = n_in, .n_out = n_out, .in = in, .out = out, .scope = g->scope};
  g->node[g->count++] = n;
  return n;
}

static hd_val leaf(hd_graph *g, hd_leaf kind, const char *name, hd_type type) {
  char text[96];
  if (!g || g->error.status) return (hd_val){0};
  if (!hd_dtype_size(type.dtype) || type.shape.rank < 0 || type.shape.rank > HD_MAX_RANK)
    return hd_graph_fail(g, HD_E_ARGUMENT, "%s: bad element type or rank", name ? name : "value"),
           (hd_val){0};
  int64_t count = 1;
  for (int i = 0; i < type.shape.rank; i++) {
    int64_t d = type.shape.d[i];
    bool symbol = kind != HD_LEAF_CONSTANT && d <= HD_BATCH && d >= HD_LENGTH;
    if ((d < 0 && !symbol) || !hd_mul_size(count, symbol ? 1 : d, &count))
      return hd_graph_fail(g, HD_E_SHAPE, "%s: bad shape %s", name ? name : "value",
                           hd_shape_text(type.shape, text, sizeof text)),
             (hd_val){0};
  }
  hd_node *n = hd_node_new(g, 0, 1);
  if (!n) return (hd_val){0};
  n->leaf = kind;
  n->out[0] = type;
  if (name && !(n->name = hd_arena_text(&g->arena, name)))
    return hd_graph_fail(g, HD_E_MEMORY, "memory is out building the graph"), (hd_val){0};
  return (hd_val){g, n->id, 0};
}

hd_val hd_input(hd_graph *g, const char *name, hd_dtype dtype, hd_shape shape) {
  if (!g) return (hd_val){0};
  if (!name || !*name) return hd_graph_fail(g, HD_E_ARGUMENT, "input: needs a name"), (hd_val){0};
  for (int i = 1; i < g->count; i++)
    if (g->node[i]->leaf == HD_LEAF_INPUT && !strcmp(g->node[i]->name, name))
      return hd_graph_fail(g, HD_E_ARGUMENT, "input: two are named \"%s\"", name), (hd_val){0};
  return leaf(g, HD_LEAF_INPUT, name, (hd_type){dtype, shape});
}

hd_val hd_constant(hd_graph *g, hd_dtype dtype, hd_shape shape, const void *data) {
  int64_t bytes, count = hd_shape_count(shape);
  if (!g || g->error.status) return (hd_val){0};
  if (!data || count < 0 || !hd_mul_size(count, (int64_t)hd_dtype_size(dtype), &bytes))
    return hd_graph_fail(g, HD_E_ARGUMENT, "constant: no data, or a shape with open sizes"),
           (hd_val){0};
  hd_val v = leaf(g, HD_LEAF_CONSTANT, NULL, (hd_type){dtype, shape});
  if (!hd_ok(v)) return v;
  void *copy = hd_arena_alloc(&g->arena, (size_t)bytes + !bytes);
  if (!copy) return hd_graph_fail(g, HD_E_MEMORY, "memory is out building the graph"), (hd_val){0};
  memcpy(copy, data, (size_t)bytes);
  hd_node_of(v)->data = copy;
  return v;
}

static hd_val scalar(hd_graph *g, hd_dtype dtype, double value) {
  float f = (float)value;
  int32_t i = dtype == HD_I32 ? (int32_t)value : 0;  // others may be beyond an int
  if (dtype == HD_F64) return hd_constant(g, dtype, (hd_shape){0}, &value);
  if (dtype == HD_I32) return hd_constant(g, dtype, (hd_shape){0}, &i);
  return hd_constant(g, HD_F32, (hd_shape){0}, &f);
}

hd_val hd_scalar(hd_graph *g, double value) { return scalar(g, HD_F32, value); }
hd_val hd_scalar_like(hd_val x, double value) {
  return hd_ok(x) ? scalar(x.graph, hd_type_of(x)->dtype, value) : x;
}

static hd_val variable(hd_graph *g, hd_type type, hd_variable_info info) {
  for (int i = 0; i < type.shape.rank; i++)
    if (type.shape.d[i] < 0 &&
        !(i == 0 && type.shape.d[0] == HD_BATCH && info.role == HD_CARRIED) && g)
      return hd_graph_fail(
                 g, HD_E_SHAPE,
                 "variable: every size must be known; only carried state may start with HD_BATCH"),
             (hd_val){0};
  hd_val v = leaf(g, HD_LEAF_VARIABLE, NULL, type);
  if (!hd_ok(v)) return v;
  hd_variable_info *p = hd_arena_alloc(&g->arena, sizeof *p);
  if (p) *p = info;
  if (!p || (info.name && !(p->name = hd_arena_text(&g->arena, info.name))) ||
      (info.local && !(p->local = hd_arena_text(&g->arena, info.local))))
    return hd_graph_fail(g, HD_E_MEMORY, "memory is out building the graph"), (hd_val){0};
  p->type = type;
  hd_node_of(v)->variable = p;
  return v;
}

hd_val(hd_variable)(hd_graph *g, hd_dtype dtype, hd_shape shape, hd_variable_options o) {
  if (!g) return (hd_val){0};
  return variable(g, (hd_type){dtype, shape},
                  (hd_variable_info){.name = o.name,
                                     .role = o.role,
                                     .init = o.init,
                                     .frozen = o.frozen,
                                     .scope = o.name ? NULL : g->scope});
}

hd_val hd_scope_variable(hd_graph *g, const char *local, hd_dtype dtype, hd_shape shape,
                         hd_role role, hd_init init) {
  if (!g) return (hd_val){0};
  return variable(
      g, (hd_type){dtype, shape},
      (hd_variable_info){.local = local, .role = role, .init = init, .scope = g->scope});
}

hd_val hd_state_variable(hd_scope *scope, hd_val of, const char *local, hd_graph *g, hd_type type,
                         hd_init init) {
  if (!g) return (hd_val){0};
  return variable(g, type,
                  (hd_variable_info){.local = local,
                                     .role = HD_OPTIMIZER_STATE,
                                     .init = init,
                                     .scope = scope,
                                     .of = hd_ok(of) ? hd_node_of(of)->variable : NULL});
}

hd_scope *hd_scope_begin(hd_graph *g, const char *kind, const char *name) {
  if (!g || g->error.status) return NULL;
  hd_scope *s = hd_arena_alloc(&g->arena, sizeof *s);
  if (!s || !(s->kind = hd_arena_text(&g->arena, kind)) ||
      (name && !(s->name = hd_arena_text(&g->arena, name))))
    return hd_graph_fail(g, HD_E_MEMORY, "memory is out building the graph"), NULL;
  s->parent = g->scope;
  return g->scope = s;
}

void hd_scope_end(hd_graph *g, hd_scope *scope) {
  if (g && scope) g->scope = scope->parent;
}

static hd_update assign(hd_val variable_, hd_val value, hd_val batch, int32_t when) {
  hd_graph *g = hd_ok(variable_) ? variable_.graph : value.graph;
  char a[96], b[96];
  if (!g || g->error.status) return (hd_update){0};
  if (!hd_is_variable(variable_) || !hd_ok(value) || value.graph != g)
    return hd_graph_fail(g, HD_E_ARGUMENT,
                         "assign: needs a variable and a value of the same graph"),
           (hd_update){0};
  const hd_type *t = hd_type_of(variable_), *v = hd_type_of(value);
  bool fits = t->dtype == v->dtype && t->shape.rank == v->shape.rank;
  for (int i = 0; fits && i < t->shape.rank; i++)
    fits = t->shape.d[i] == v->shape.d[i] || v->shape.d[i] == HD_ANY;
  if (!fits)
    return hd_graph_fail(g, HD_E_SHAPE, "assign: the variable is %s %s, the value %s %s",
                         hd_dtype_name(t->dtype), hd_shape_text(t->shape, a, sizeof a),
                         hd_dtype_name(v->dtype), hd_shape_text(v->shape, b, sizeof b)),
           (hd_update){0};
  if (!grow(g, (void **)&g->assign, g->assigns, &g->assign_room, sizeof *g->assign))
    return (hd_update){0};
  g->assign[g->assigns] = (hd_assignment){variable_, value, hd_ok(batch), when, batch};
  return (hd_update){g, g->assigns++, 1};
}

hd_update hd_assign(hd_val v, hd_val value) { return assign(v, value, (hd_val){0}, 0); }
void hd_assign_statistic(hd_val v, hd_val value, hd_val batch, hd_val when) {
  assign(v, value, batch, when.node);
}

hd_type hd_val_type(hd_val v) { return hd_ok(v) ? *hd_type_of(v) : (hd_type){0}; }
bool hd_is_variable(hd_val v) { return hd_ok(v) && hd_node_of(v)->leaf == HD_LEAF_VARIABLE; }

hd_val hd_name(hd_val v, const char *name) {
  if (!hd_ok(v) || hd_node_of(v)->leaf == HD_LEAF_INPUT) return v;
  if (!name || !*name)
    return hd_graph_fail(v.graph, HD_E_ARGUMENT, "name: needs a text"), (hd_val){0};
  if (!(hd_node_of(v)->name = hd_arena_text(&v.graph->arena, name)))
    return hd_graph_fail(v.graph, HD_E_MEMORY, "memory is out building the graph"), (hd_val){0};
  return v;
}

hd_val hd_output(hd_val v, int out) {
  if (!hd_ok(v)) return v;
  if (out < 0 || out >= hd_node_of(v)->n_out)
    return hd_graph_fail(v.graph, HD_E_ARGUMENT, "output %d: the node has %d", out,
                         hd_node_of(v)->n_out),
           (hd_val){0};
  return (hd_val){v.graph, v.node, out};
}
