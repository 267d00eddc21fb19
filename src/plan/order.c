// Units in the order they run: each after what it reads, otherwise as the walk has them, so that a
// gradient is used soon after it is made. Units that nobody needs drop out.
#include "plan.h"

typedef struct {
  int32_t *waiting, *needs;
  uint8_t *needed;
  int32_t *stack, depth;
} context;  // needed 2: scheduled

static void need(hd_compile_state *s, void *p, hd_val root, bool full) {
  context *c = p;
  int32_t u = s->unit_of[root.node];
  (void)full;
  if (u < 0 || c->needed[u]) return;
  c->needed[u] = 1;
  c->stack[c->depth++] = u;
}

typedef struct {
  int32_t me;
  int32_t (*edge)[2];
  int64_t edges, room;
} edges;
static void edge(hd_compile_state *s, void *p, hd_val root, bool full) {
  edges *e = p;
  int32_t u = s->unit_of[root.node];
  (void)full;
  if (u < 0 || u == e->me || e->edges == e->room) return;
  e->edge[e->edges][0] = u;
  e->edge[e->edges++][1] = e->me;
}

// A binary heap of units by their first node.
static void sift(const hd_compile_state *s, int32_t *heap, int32_t n, int32_t u) {
  int32_t i = n;
  for (; i && s->unit[heap[(i - 1) / 2]].first > s->unit[u].first; i = (i - 1) / 2)
    heap[i] = heap[(i - 1) / 2];
  heap[i] = u;
}
static int32_t pop(const hd_compile_state *s, int32_t *heap, int32_t n) {  // n: entries before
  int32_t top = heap[0], last = heap[n - 1], i = 0;
  for (int32_t k = 1; k < n - 1; k = 2 * i + 1) {
    if (k + 1 < n - 1 && s->unit[heap[k + 1]].first < s->unit[heap[k]].first) k++;
    if (s->unit[heap[k]].first >= s->unit[last].first) break;
    heap[i] = heap[k];
    i = k;
  }
  heap[i] = last;
  return top;
}

// A variable that is updated is best updated after its last reader: then its memory can take the
// new value straight away. Such edges are added where nothing reads what the updating unit makes.
static void update_edges(hd_compile_state *s, edges *e, const uint8_t *has_consumer,
                         const uint8_t *needed) {
  int32_t *updater =
      hd_alloc(&s->plan->env, sizeof *updater * (size_t)s->g->count);  // of a variable: unit + 1
  if (!updater) return;  // only a copy at the end of the step is lost
  for (int i = 0; i < s->assigns; i++) {
    int32_t u = s->unit_of[hd_root_of(s->assign[i].value).node];
    if (u >= 0 && !has_consumer[u]) updater[s->assign[i].variable.node] = u + 1;
  }
  for (int32_t u = 0; u < s->units; u++) {
    if (!needed[u]) continue;
    const hd_unit *t = &s->unit[u];
    for (int32_t m = t->producer ? -1 : 0; m < t->members; m++) {
      const hd_node *n = s->g->node[m < 0 ? t->producer : t->member[m]];
      for (int k = 0; k < n->n_in; k++) {
        int32_t to = updater[hd_root_of(hd_operand_of(s, n, k)).node] - 1;
        if (to < 0 || to == u || e->edges == e->room) continue;
        e->edge[e->edges][0] = u;
        e->edge[e->edges++][1] = to;
      }
    }
  }
  hd_release(&s->plan->env, updater);
}

// start[u] .. start[u + 1]: the consumers of u in `next`, those that are only wished for as ~unit.
static void index_edges(const edges *e, int64_t firm, int32_t units, int64_t *start, int32_t *next,
                        int32_t *waiting, int32_t *needs) {
  for (int64_t i = 0; i < e->edges; i++)
    start[e->edge[i][0]]++, waiting[e->edge[i][1]]++, needs[e->edge[i][1]] += i < firm;
  for (int32_t u = 0; u < units; u++) start[u + 1] += start[u];
  for (int64_t i = e->edges; i-- > 0;)
    next[--start[e->edge[i][0]]] = i < firm ? e->edge[i][1] : ~e->edge[i][1];
}

// Two updates that each read what the other writes wait for one another: the first of the walk that
// has all it reads goes ahead, and its result is copied at the end of the step.
static int32_t go_ahead(const hd_compile_state *s, const uint8_t *needed, const int32_t *needs) {
  int32_t best = -1;
  for (int32_t u = 0; u < s->units; u++)
    if (needed[u] == 1 && !needs[u] && (best < 0 || s->unit[u].position < s->unit[best].position))
      best = u;
  return best;
}

hd_status hd_order(hd_compile_state *s) {
  const hd_env *env = &s->plan->env;
  size_t n = (size_t)s->units + 1;
  int64_t room = 1;
  for (int32_t i = 0; i < s->nodes; i++) room += 2 * s->g->node[s->order[i]]->n_in;
  context c = {.waiting = hd_alloc(env, sizeof *c.waiting * n),
               .needs = hd_alloc(env, sizeof *c.needs * n),
               .needed = hd_alloc(env, n),
               .stack = hd_alloc_raw(env, sizeof *c.stack * n)};
  edges e = {.edge = hd_alloc_raw(env, sizeof *e.edge * (size_t)room), .room = room};
  int64_t *start = hd_alloc(env, sizeof *start * n);
  int32_t *next = hd_alloc_raw(env, sizeof *next * (size_t)room);
  uint8_t *has_consumer = hd_alloc(env, n);
  hd_status status = HD_OK;
  if (!c.waiting || !c.needs || !c.needed || !c.stack || !e.edge || !start || !next ||
      !has_consumer)
    status = hd_fail(s->err, HD_E_MEMORY, "compile: memory is out");
  else {
    for (int i = 0; i < s->roots; i++) need(s, &c, hd_root_of(s->root[i]), false);
    while (c.depth) hd_unit_reads(s, c.stack[--c.depth], true, true, need, &c);
    for (int32_t u = 0; u < s->units; u++)
      if (c.needed[u]) e.me = u, hd_unit_reads(s, u, true, true, edge, &e);
    for (int64_t i = 0; i < e.edges; i++) has_consumer[e.edge[i][0]] = 1;
    int64_t firm = e.edges;
    update_edges(s, &e, has_consumer, c.needed);
    index_edges(&e, firm, s->units, start, next, c.waiting, c.needs);
    int32_t *heap = c.stack, ready = 0, wanted = 0;
    for (int32_t u = 0; u < s->units; u++) {
      wanted += c.needed[u];
      if (c.needed[u] && !c.waiting[u]) sift(s, heap, ready++, u);
    }
    while (s->scheduled < wanted && !status) {
      int32_t u = ready ? pop(s, heap, ready--) : go_ahead(s, c.needed, c.needs);
      if (u < 0) status = hd_fail(s->err, HD_E_INTERNAL, "compile: the units form a cycle");
      if (u < 0) break;
      s->unit[u].time = s->scheduled;
      s->schedule[s->scheduled++] = u;
      c.needed[u] = 2;
      for (int64_t i = start[u]; i < start[u + 1]; i++) {
        int32_t to = next[i] < 0 ? ~next[i] : next[i];
        c.needs[to] -= next[i] >= 0;
        if (--c.waiting[to] == 0 && c.needed[to] == 1) sift(s, heap, ready++, to);
      }
    }
  }
  s->end = s->scheduled;
  hd_release(env, c.waiting);
  hd_release(env, c.needs);
  hd_release(env, c.needed);
  hd_release(env, c.stack);
  hd_release(env, e.edge);
  hd_release(env, start);
  hd_release(env, next);
  hd_release(env, has_consumer);
  return status;
}
