// The depth-first walk, and names from it: what a thing is called never depends on when it was
// made.
#include "graph.h"

typedef struct {
  int32_t node, next;
} frame;

hd_status hd_walk(const hd_graph *g, hd_val root, int32_t *order, int32_t *count, uint8_t *seen) {
  if (seen[root.node]) return HD_OK;
  frame *stack = hd_alloc_raw(&g->env, sizeof *stack * (size_t)g->count);
  if (!stack) return hd_graph_fail((hd_graph *)g, HD_E_MEMORY, "memory is out walking the graph");
  int32_t depth = 0;
  stack[depth++] = (frame){root.node, 0};
  seen[root.node] = 1;
  while (depth) {
    frame *f = &stack[depth - 1];
    const hd_node *n = g->node[f->node];
    if (f->next == n->n_in) {
      order[(*count)++] = f->node;
      depth--;
      continue;
    }
    int32_t child = n->in[f->next++].node;
    if (!seen[child]) {
      seen[child] = 1;
      stack[depth++] = (frame){child, 0};
    }
  }
  hd_release(&g->env, stack);
  return HD_OK;
}

// The next number for things called `key`: 1, 2, ...
static int number(hd_graph *g, const char *key) {
  for (int i = 0; i < g->n_kinds; i++)
    if (!strcmp(g->kinds[i].kind, key)) return ++g->kinds[i].count;
  if (g->n_kinds == g->kind_room) {
    int room = g->kind_room ? 2 * g->kind_room : 16;
    void *p = hd_resize(&g->env, g->kinds, sizeof *g->kinds * (size_t)room);
    if (!p) return hd_graph_fail(g, HD_E_MEMORY, "memory is out naming"), 0;
    g->kinds = p;
    g->kind_room = room;
  }
  const char *copy = hd_arena_text(&g->arena, key);
  if (!copy) return hd_graph_fail(g, HD_E_MEMORY, "memory is out naming"), 0;
  g->kinds[g->n_kinds].kind = copy;
  return g->kinds[g->n_kinds++].count = 1;
}

// "outer/kind_2"
static const char *numbered(hd_graph *g, const hd_scope *outer, const char *kind) {
  char key[512];
  hd_print(key, sizeof key, "%s%s%s", outer ? outer->name : "", outer ? "/" : "", kind);
  int k = number(g, key);
  const char *name = k ? hd_arena_print(&g->arena, "%s_%d", key, k) : NULL;
  if (!name) hd_graph_fail(g, HD_E_MEMORY, "memory is out naming");
  return name;
}

static hd_status name_scope(hd_graph *g, hd_scope *s) {
  if (!s || s->name) return HD_OK;
  if (name_scope(g, s->parent)) return g->error.status;
  s->name = numbered(g, s->parent, s->kind);
  return g->error.status;
}

static hd_status name_variable(hd_graph *g, hd_variable_info *v) {
  if (v->name) return HD_OK;
  if (v->of && (name_scope(g, v->of->scope) || name_variable(g, v->of))) return g->error.status;
  const char *name =
      v->of ? hd_arena_print(&g->arena, "%s/%s/%s", v->scope->name, v->of->name, v->local)
      : v->local && v->scope ? hd_arena_print(&g->arena, "%s/%s", v->scope->name, v->local)
                             : numbered(g, v->scope, v->local ? v->local : "variable");
  if (!name) return hd_graph_fail(g, HD_E_MEMORY, "memory is out naming");
  v->name = name;
  return g->error.status;
}

hd_status hd_name_walk(hd_graph *g, const hd_val *root, int roots) {
  if (g->error.status) return g->error.status;
  int32_t *order = hd_alloc_raw(&g->env, sizeof *order * (size_t)g->count), count = 0;
  uint8_t *seen = hd_alloc(&g->env, (size_t)g->count);
  if (!order || !seen) hd_graph_fail(g, HD_E_MEMORY, "memory is out naming");
  for (int i = 0; i < roots && !g->error.status; i++)
    if (hd_ok(root[i])) hd_walk(g, root[i], order, &count, seen);
  for (int i = 0; i < count && !g->error.status; i++) {
    hd_node *n = g->node[order[i]];
    if (name_scope(g, n->scope)) break;
    if (n->variable && (name_scope(g, n->variable->scope) || name_variable(g, n->variable))) break;
    if (n->op && n->op->random && !n->name) n->name = numbered(g, n->scope, n->op->name);
  }
  // Two variables of one name would share their memory without anybody wanting it.
  for (int i = 0; i < count && !g->error.status; i++) {
    const hd_variable_info *v = g->node[order[i]]->variable;
    for (int k = 0; v && k < i; k++) {
      const hd_variable_info *w = g->node[order[k]]->variable;
      if (w && !strcmp(v->name, w->name)) {
        hd_graph_fail(g, HD_E_ARGUMENT,
                      "two variables are named \"%s\"; give one of the layers another name",
                      v->name);
        break;
      }
    }
  }
  hd_release(&g->env, order);
  hd_release(&g->env, seen);
  return g->error.status;
}

int hd_weights(hd_val value, hd_val *to, int room) {
  hd_graph *g = value.graph;
  if (!hd_ok(value) || g->error.status) return 0;
  int32_t *order = hd_alloc_raw(&g->env, sizeof *order * (size_t)g->count), count = 0;
  uint8_t *seen = hd_alloc(&g->env, (size_t)g->count);
  int found = 0;
  if (!order || !seen) hd_graph_fail(g, HD_E_MEMORY, "memory is out walking the graph");
  else if (!hd_walk(g, value, order, &count, seen))
    for (int i = 0; i < count; i++) {
      const hd_node *n = g->node[order[i]];
      if (!n->variable || n->variable->role != HD_WEIGHT || n->variable->frozen) continue;
      if (found < room) to[found] = (hd_val){g, n->id, 0};
      found++;
    }
  hd_release(&g->env, order);
  hd_release(&g->env, seen);
  return found;
}
