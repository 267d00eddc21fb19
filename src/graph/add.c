// Adding a node: types, the shape rule; on a sealed graph also rewriting and sharing.
#include "graph.h"

static size_t field_size(const hd_field *f) {
  static const size_t size[] = {
      [HD_FIELD_INT] = sizeof(int),      [HD_FIELD_INT64] = sizeof(int64_t),
      [HD_FIELD_REAL] = sizeof(float),   [HD_FIELD_BOOL] = sizeof(bool),
      [HD_FIELD_TEXT] = sizeof(char *),  [HD_FIELD_CHOICE] = sizeof(int),
      [HD_FIELD_INIT] = sizeof(hd_init), [HD_FIELD_LIST] = 0};
  return size[f->kind] * (size_t)f->count;
}

// Field by field, since padding between members is anything.
bool hd_attr_equal(const hd_fields *fields, const void *a, const void *b) {
  for (int i = 0; fields && i < fields->count; i++) {
    const hd_field *f = &fields->field[i];
    const char *p = (const char *)a + f->offset, *q = (const char *)b + f->offset;
    if (f->kind == HD_FIELD_TEXT) {
      const char *s, *t;
      memcpy(&s, p, sizeof s);
      memcpy(&t, q, sizeof t);
      if (s != t && (!s || !t || strcmp(s, t))) return false;
    } else if (memcmp(p, q, field_size(f))) return false;
  }
  return true;
}

static uint64_t node_hash(const hd_node *n) {
  uint64_t h = hd_hash(&n->op, sizeof n->op, (uint64_t)n->leaf + 1);
  for (int i = 0; i < n->n_in; i++) {
    int32_t key[2] = {n->in[i].node, n->in[i].out};
    h = hd_hash(key, sizeof key, h);
  }
  if (n->leaf)
    h = hd_hash(n->out[0].shape.d, sizeof(int64_t) * (size_t)n->out[0].shape.rank,
                h ^ n->out[0].dtype);
  return h;
}

static bool same_node(const hd_node *a, const hd_node *b) {
  if (a->op != b->op || a->leaf != b->leaf || a->n_in != b->n_in || (a->op && a->op->random))
    return false;
  for (int i = 0; i < a->n_in; i++)
    if (a->in[i].node != b->in[i].node || a->in[i].out != b->in[i].out) return false;
  if (a->leaf == HD_LEAF_CONSTANT)
    return a->out[0].dtype == b->out[0].dtype && hd_shape_equal(a->out[0].shape, b->out[0].shape) &&
           !memcmp(a->data, b->data,
                   (size_t)hd_shape_count(a->out[0].shape) * hd_dtype_size(a->out[0].dtype));
  return a->op && hd_attr_equal(a->op->fields, a->attr, b->attr);
}

// An equal node that is there already, or n itself, now in the table.
hd_node *hd_node_share(hd_graph *g, hd_node *n) {
  if (2 * g->count >= g->table_size) {
    int32_t size = g->table_size ? 2 * g->table_size : 1024;
    int32_t *table = hd_alloc(&g->env, (size_t)size * sizeof *table);
    if (!table) return hd_graph_fail(g, HD_E_MEMORY, "memory is out compiling"), NULL;
    for (int32_t i = 1; i < g->count; i++) {
      if (g->node[i] == n) continue;
      uint64_t h = node_hash(g->node[i]);
      while (table[h % (uint64_t)size]) h++;
      table[h % (uint64_t)size] = i;
    }
    hd_release(&g->env, g->table);
    g->table = table;
    g->table_size = size;
  }
  uint64_t h = node_hash(n), size = (uint64_t)g->table_size;
  for (; g->table[h % size]; h++)
    if (same_node(g->node[g->table[h % size]], n)) {
      g->count--;  // n is the newest
      return g->node[g->table[h % size]];
    }
  g->table[h % size] = n->id;
  return n;
}

bool hd_size_fits(hd_graph *g, const char *what, const hd_type *type) {
  static const int64_t largest = (int64_t)1 << 40;
  int64_t count = hd_shape_count(type->shape);
  char text[96];
  if (count >= 0 && count <= largest) return true;
  hd_graph_fail(g, HD_E_LIMIT, "%s: %s has more than %lld elements; use a smaller batch", what,
                hd_shape_text(type->shape, text, sizeof text), (long long)largest);
  return false;
}

hd_val hd_node_add_as(const hd_op *op, const void *attr, const hd_val *in, int n_in, bool rewrite) {
  hd_graph *g = NULL;
  for (int i = 0; i < n_in && !g; i++) g = in[i].graph;
  if (!g || g->error.status) return (hd_val){0};
  hd_type in_type[HD_MAX_IN] = {{0}}, out_type[HD_MAX_OUT] = {{0}};
  hd_rule r = {.graph = g,
               .op = op,
               .attr = attr,
               .n_in = n_in,
               .n_out = op->n_out,
               .in = in_type,
               .out = out_type,
               .value = in};
  if (n_in < op->min_in || n_in > op->max_in || n_in > HD_MAX_IN)
    return hd_refuse(&r, "takes %d to %d inputs, got %d", op->min_in, op->max_in, n_in),
           (hd_val){0};
  for (int i = 0; i < n_in; i++) {
    if (!in[i].graph) return hd_refuse(&r, "input %d is not a value", i), (hd_val){0};
    if (in[i].graph != g) return hd_refuse(&r, "input %d belongs to another graph", i), (hd_val){0};
    in_type[i] = *hd_type_of(in[i]);
  }
  void *copy = NULL;
  if (op->fields) {  // the shape rule may look at the options: they must not be NULL
    copy = hd_arena_alloc(&g->arena, op->fields->size);
    if (!copy)
      return hd_graph_fail(g, HD_E_MEMORY, "memory is out building the graph"), (hd_val){0};
    if (attr) memcpy(copy, attr, op->fields->size);
    r.attr = copy;
  }
  if (op->shape(&r) || g->error.status)
    return hd_graph_fail(g, HD_E_INTERNAL, "%s: refused without saying why", op->name), (hd_val){0};
  for (int i = 0; i < op->n_out && g->sealed; i++)
    if (!hd_size_fits(g, op->name, &out_type[i])) return (hd_val){0};
  if (g->sealed && rewrite && op->rewrite) {
    hd_val v = op->rewrite(&r, op->random ? g->draws : g->train);
    if (g->error.status) return (hd_val){0};
    if (hd_ok(v)) return v;
  }
  hd_node *n = hd_node_new(g, n_in, op->n_out);
  if (!n) return (hd_val){0};
  n->op = op;
  n->attr = copy;
  memcpy(n->in, in, sizeof *in * (size_t)n_in);
  memcpy(n->out, out_type, sizeof *out_type * (size_t)op->n_out);
  if (g->sealed && !(n = hd_node_share(g, n))) return (hd_val){0};
  return (hd_val){g, n->id, 0};
}

hd_val hd_node_add(const hd_op *op, const void *attr, const hd_val *in, int n_in) {
  return hd_node_add_as(op, attr, in, n_in, true);
}

// What stands for v: the x2 of the x that it is, or null.
static hd_val replacement(hd_val v, const hd_val *x, const hd_val *x2, int count) {
  for (int i = 0; i < count; i++)
    if (v.node == x[i].node && v.out == x[i].out) return x2[i];
  return (hd_val){0};
}

// The subgraph from all x to y on other values. Walked in order, so that every input is made before
// use; each x2 is taken as it is, whatever it depends on.
hd_val hd_apply_all(hd_val y, const hd_val *x, const hd_val *x2, int given) {
  hd_graph *g = y.graph;
  if (!hd_ok(y)) return (hd_val){0};
  for (int i = 0; i < given; i++) {
    if (!hd_ok(x[i]) || !hd_ok(x2[i])) return (hd_val){0};
    if (x[i].graph != g || x2[i].graph != g)
      return hd_graph_fail(g, HD_E_ARGUMENT, "apply: the values belong to different graphs"),
             (hd_val){0};
  }
  size_t room = (size_t)g->count;
  int32_t *order = hd_alloc(&g->env, room * sizeof *order), count = 0;
  int32_t *made = hd_alloc(&g->env, room * sizeof *made);  // 0: the node stays as it is
  uint8_t *seen = hd_alloc(&g->env, room);
  hd_val result = {0};
  hd_scope *scope = g->scope;
  if (!order || !made || !seen) hd_graph_fail(g, HD_E_MEMORY, "memory is out building the graph");
  else if (!hd_walk(g, y, order, &count, seen)) {
    result = replacement(y, x, x2, given);
    for (int i = 0; i < count && !g->error.status; i++) {
      const hd_node *n = g->node[order[i]];
      hd_val in[HD_MAX_IN];
      bool changed = false;
      for (int k = 0; k < n->n_in; k++) {
        hd_val other = replacement(n->in[k], x, x2, given);
        in[k] = n->in[k];
        if (hd_ok(other)) in[k] = other, changed = true;
        else if (made[in[k].node]) in[k].node = made[in[k].node], changed = true;
      }
      if (!changed) continue;
      g->scope = n->scope;
      made[n->id] = hd_node_add(n->op, n->attr, in, n->n_in).node;
    }
    if (!hd_ok(result) && !g->error.status) {
      if (made[y.node]) result = (hd_val){g, made[y.node], y.out};
      else hd_graph_fail(g, HD_E_ARGUMENT, "apply: y does not depend on x");
    }
  }
  g->scope = scope;
  hd_release(&g->env, order);
  hd_release(&g->env, made);
  hd_release(&g->env, seen);
  return g->error.status ? (hd_val){0} : result;
}

hd_val hd_apply(hd_val y, hd_val x, hd_val x2) { return hd_apply_all(y, &x, &x2, 1); }
