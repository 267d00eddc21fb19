// The part of the graph that a plan needs, copied: sizes bound, mode applied, equal nodes shared.
#include "plan.h"

typedef struct {
  hd_graph *from, *to;
  hd_val *(map);
  int32_t *first;
} copy;

static hd_val mapped(const copy *c, hd_val v) { return c->map[c->first[v.node] + v.out]; }

static hd_val copy_leaf(copy *c, hd_compile_state *s, const hd_node *n, const char *name,
                        hd_type type) {
  hd_graph *g = c->to;
  char text[96];
  for (int i = 0; i < type.shape.rank; i++) {
    int64_t d = type.shape.d[i] = hd_bind(g, type.shape.d[i]);
    if (d < 0)
      return hd_graph_fail(g, HD_E_SHAPE, "%s: size %d of %s is not bound; compile with .%s",
                           name ? name : "input", i, hd_shape_text(type.shape, text, sizeof text),
                           d == HD_BATCH  ? "batch"
                           : d == HD_TIME ? "time"
                                          : "length"),
             (hd_val){0};
  }
  if (!hd_size_fits(g, name ? name : "a value", &type)) return (hd_val){0};
  hd_node *m = hd_node_new(g, 0, 1);
  if (!m) return (hd_val){0};
  m->leaf = n->leaf ? n->leaf : HD_LEAF_INPUT;
  m->out[0] = type;
  m->data = n->data;
  m->variable = n->variable;
  m->name = name ? hd_arena_text(&g->arena, name) : NULL;
  if (n->leaf == HD_LEAF_CONSTANT) {  // the plan outlives the graph
    size_t bytes = (size_t)hd_type_bytes(&type);
    void *data = hd_arena_alloc(&g->arena, bytes + !bytes);
    if (data) m->data = memcpy(data, n->data, bytes);
    if (data && !(m = hd_node_share(g, m))) return (hd_val){0};
  }
  if (n->variable) {
    hd_parameter *p;
    hd_variable_info *info = hd_arena_alloc(&g->arena, sizeof *info);
    if (!info) return hd_graph_fail(g, HD_E_MEMORY, "memory is out compiling"), (hd_val){0};
    hd_error err = {0};
    char key[512];
    hd_print(key, sizeof key, "%s", n->variable->name);
    if (n->variable->type.shape.rank &&
        n->variable->type.shape.d[0] < 0)  // carried state: one for each batch size
      hd_print(key, sizeof key, "%s@%lld", n->variable->name, (long long)type.shape.d[0]);
    if (hd_store_variable(s->plan->store, key, n->variable->role, type, n->variable->init, &p,
                          &err))
      return hd_graph_fail(g, err.status, "%s", err.text), (hd_val){0};
    *info = *n->variable;
    info->name = p->name;
    info->scope = NULL;
    m->variable = info;
    m->data = p->data;
  }
  if ((m->leaf != HD_LEAF_INPUT && !m->data) || (name && !m->name && m->leaf == HD_LEAF_INPUT))
    hd_graph_fail(g, HD_E_MEMORY, "memory is out compiling");
  return (hd_val){g, m->id, 0};
}

// Scopes are kept for names in messages and printing.
static hd_scope *copy_scope(hd_graph *g, const hd_scope *s) {
  if (!s) return NULL;
  if (g->scope && g->scope->name && s->name && !strcmp(g->scope->name, s->name)) return g->scope;
  hd_scope *t = hd_arena_alloc(&g->arena, sizeof *t);
  if (!t) return hd_graph_fail(g, HD_E_MEMORY, "memory is out compiling"), NULL;
  t->kind = hd_arena_text(&g->arena, s->kind);
  t->name = hd_arena_text(&g->arena, s->name ? s->name : s->kind);
  return t;
}

static void copy_node(copy *c, const hd_node *n) {
  hd_graph *g = c->to;
  hd_val in[HD_MAX_IN];
  for (int i = 0; i < n->n_in; i++) in[i] = mapped(c, n->in[i]);
  g->scope = copy_scope(g, n->scope);
  hd_val v = hd_node_add_as(n->op, n->attr, in, n->n_in, true);
  if (!hd_ok(v)) return;
  c->map[c->first[n->id]] = v;
  if (n->n_out > 1) {  // a rewritten node stands for output 0 only
    if (hd_node_of(v)->op != n->op) v = hd_node_add_as(n->op, n->attr, in, n->n_in, false);
    for (int i = 0; i < n->n_out; i++)
      if (i || hd_node_of(c->map[c->first[n->id]])->op == n->op)
        c->map[c->first[n->id] + i] = hd_ok(v) ? (hd_val){g, v.node, i} : v;
  }
  hd_node *m = hd_node_of(v);
  if (n->name && !m->name) m->name = hd_arena_text(&g->arena, n->name);
}

// The assignments of this plan: those asked for, and the statistics of layers that it computes.
static hd_status gather_assigns(hd_compile_state *s, hd_graph *from, const uint8_t *computed,
                                hd_assignment *to, int *count) {
  const hd_compile_options *o = s->options;
  *count = 0;
  for (int k = 0; k < (int)HD_COUNT(o->update); k++)
    for (int i = 0; o->update[k].graph && i < o->update[k].count; i++)
      to[(*count)++] = from->assign[o->update[k].first + i];
  if (o->mode == HD_TRAIN && !o->no_statistics)
    for (int i = 0; i < from->assigns; i++)
      if (from->assign[i].statistic && computed[from->assign[i].when])
        to[(*count)++] = from->assign[i];
  for (int i = 0; i < *count; i++)
    for (int k = 0; k < i; k++)
      if (to[i].variable.node == to[k].variable.node && !to[i].statistic)
        return hd_fail(s->err, HD_E_ARGUMENT,
                       "compile: variable \"%s\" is assigned twice in one step",
                       hd_node_of(to[i].variable)->variable->name);
  int kept = 0;  // of two statistics for one variable (a layer applied twice) the first counts
  for (int i = 0; i < *count; i++) {
    bool again = false;
    for (int k = 0; k < kept; k++) again |= to[i].variable.node == to[k].variable.node;
    if (!again) to[kept++] = to[i];
  }
  *count = kept;
  return HD_OK;
}

static hd_status seal(hd_compile_state *s, hd_graph *from, copy *c, int32_t *order, uint8_t *seen,
                      hd_assignment *assign) {
  const hd_compile_options *o = s->options;
  hd_graph *g = c->to;
  int32_t count = 0, assigns = 0;
  int fetches = 0;
  hd_val *root = s->root;
  for (int i = 0; i < (int)HD_COUNT(o->fetch) && hd_ok(o->fetch[i]); i++)
    root[fetches++] = o->fetch[i];
  for (int i = 0; i < o->mores; i++) root[fetches++] = o->more[i];
  for (int i = 0; i < fetches; i++)
    if (!hd_ok(root[i]) || root[i].graph != from)
      return hd_fail(s->err, HD_E_ARGUMENT, "compile: fetch %d is not a value of this graph", i);
  // Walk once to know what is computed, so that statistics can join; a fed value ends the walk.
  for (int i = 0; i < o->feeds; i++) {
    if (!hd_ok(o->feed[i]) || o->feed[i].graph != from)
      return hd_fail(s->err, HD_E_ARGUMENT, "compile: feed %d is not a value of this graph", i);
    seen[o->feed[i].node] = 1;
  }
  for (int i = 0; i < fetches; i++)
    if (hd_walk(from, root[i], order, &count, seen)) return from->error.status;
  for (int k = 0; k < (int)HD_COUNT(o->update); k++)
    for (int i = 0; o->update[k].graph && i < o->update[k].count; i++) {
      if (o->update[k].graph != from)
        return hd_fail(s->err, HD_E_ARGUMENT, "compile: update %d belongs to another graph", k);
      if (hd_walk(from, from->assign[o->update[k].first + i].value, order, &count, seen))
        return from->error.status;
    }
  hd_status status = gather_assigns(s, from, seen, assign, &assigns);
  if (status) return status;
  for (int i = 0; i < assigns; i++)
    if (hd_walk(from, assign[i].value, order, &count, seen) ||
        hd_walk(from, assign[i].variable, order, &count, seen))
      return from->error.status;
  // Names first: the walk order alone decides them.
  hd_val *all = hd_alloc(&g->env, sizeof *all * (size_t)(fetches + 2 * assigns + 1));
  if (!all) return hd_fail(s->err, HD_E_MEMORY, "compile: memory is out");
  memcpy(all, root, sizeof *all * (size_t)fetches);
  for (int i = 0; i < assigns; i++)
    all[fetches + i] = assign[i].value, all[fetches + assigns + i] = assign[i].variable;
  status = hd_name_walk(from, all, fetches + 2 * assigns);
  hd_release(&g->env, all);
  if (status) return status;
  // Fed values become inputs.
  for (int i = 0; i < o->feeds; i++) {
    const hd_node *n = from->node[o->feed[i].node];
    char name[32];
    hd_print(name, sizeof name, "feed %d", i);
    hd_node input = {.leaf = HD_LEAF_INPUT};
    hd_val v = copy_leaf(c, s, &input, name, n->out[o->feed[i].out]);
    if (!hd_ok(v)) return g->error.status;
    c->map[c->first[n->id] + o->feed[i].out] = v;
  }
  for (int i = 0; i < count && !g->error.status; i++) {
    const hd_node *n = from->node[order[i]];
    if (n->leaf) c->map[c->first[n->id]] = copy_leaf(c, s, n, n->name, n->out[0]);
    else copy_node(c, n);
  }
  g->scope = NULL;
  if (g->error.status) return g->error.status;
  for (int i = 0; i < fetches; i++) root[i] = mapped(c, root[i]);
  s->fetches = fetches;
  s->assign = hd_arena_alloc(&s->plan->arena, sizeof *s->assign * (size_t)(assigns + 1));
  if (!s->assign) return hd_fail(s->err, HD_E_MEMORY, "compile: memory is out");
  for (int i = 0; i < assigns; i++) {
    s->assign[i] = (hd_assignment){.variable = mapped(c, assign[i].variable),
                                   .value = mapped(c, assign[i].value)};
    root[fetches + i] = s->assign[i].value;
    const hd_type *t = hd_type_of(s->assign[i].variable), *v = hd_type_of(s->assign[i].value);
    char a[96], b[96];
    if (!hd_shape_equal(t->shape, v->shape))
      return hd_graph_fail(g, HD_E_SHAPE, "assign: the variable \"%s\" is %s, the value %s",
                           hd_node_of(s->assign[i].variable)->variable->name,
                           hd_shape_text(t->shape, a, sizeof a),
                           hd_shape_text(v->shape, b, sizeof b));
  }
  s->assigns = assigns;
  s->roots = fetches + assigns;
  return HD_OK;
}

hd_status hd_seal(hd_compile_state *s) {
  const hd_compile_options *o = s->options;
  hd_graph *from = o->fetch[0].graph    ? o->fetch[0].graph
                   : o->update[0].graph ? o->update[0].graph
                   : o->mores           ? o->more[0].graph
                                        : NULL;
  if (!from)
    return hd_fail(s->err, HD_E_ARGUMENT,
                   "compile: nothing to compute: give a .fetch or an .update that is a value (an "
                   "earlier call may have failed)");
  if (from->error.status) return hd_fail(s->err, from->error.status, "%s", from->error.text);
  hd_graph *g = s->g;
  const hd_env *env = &g->env;
  size_t nodes = (size_t)from->count;
  int32_t outs = 0;
  copy c = {.from = from, .to = g, .first = hd_alloc(env, sizeof *c.first * nodes)};
  if (c.first)
    for (int i = 1; i < from->count; i++) c.first[i] = outs, outs += from->node[i]->n_out;
  c.map = hd_alloc(env, sizeof *c.map * (size_t)(outs + 1));
  int32_t *order = hd_alloc_raw(env, sizeof *order * nodes);
  uint8_t *seen = hd_alloc(env, nodes);
  int most = from->assigns * 9 + 1;
  hd_assignment *assign = hd_alloc(env, sizeof *assign * (size_t)most);
  s->root = hd_arena_alloc(
      &s->plan->arena, sizeof *s->root * (HD_COUNT(o->fetch) + (size_t)o->mores + (size_t)most));
  hd_status status = HD_E_MEMORY;
  if (c.first && c.map && order && seen && assign && s->root)
    status = seal(s, from, &c, order, seen, assign);
  else hd_fail(s->err, HD_E_MEMORY, "compile: memory is out");
  if (g->error.status) status = hd_fail(s->err, g->error.status, "%s", g->error.text);
  else if (from->error.status) status = hd_fail(s->err, from->error.status, "%s", from->error.text);
  hd_release(env, c.first);
  hd_release(env, c.map);
  hd_release(env, order);
  hd_release(env, seen);
  hd_release(env, assign);
  return status;
}
