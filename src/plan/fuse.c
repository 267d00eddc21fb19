// Nodes become units. A chain of elementwise nodes over one domain is one pass over memory; a
// product or convolution takes such a chain as its epilogue, while its output is still in cache.
//
//   before   conv2d   add(bias)   relu   mul        after   conv2d > add relu mul
//
// A reduction takes the chain that is made for it alone (recompute.c), which has no other result:
//
//   before   sub(mean)   mul(g)   sum               after   sub mul > sum
//
// A merge is made only if no path leaves the merged set and comes back to it: then the set can run
// at one time. Fusion never changes a bit, since each tile rounds as it would alone.
#include "plan.h"

hd_val hd_root_of(hd_val v) {
  while (hd_node_of(v)->op && hd_node_of(v)->op->alias) v = hd_node_of(v)->in[0];
  return v;
}

static bool is_broadcast(const hd_node *n) { return n->op && !strcmp(n->op->name, "broadcast_to"); }

hd_val hd_operand_of(const hd_compile_state *s, const hd_node *n, int input) {
  hd_val v = n->in[input];
  if (!s->elementwise[n->id]) return v;
  for (;;) {
    const hd_node *m = hd_node_of(v);
    if (m->op && m->op->alias) {  // one number broadcast is that number in any shape
      const hd_node *r = hd_node_of(hd_root_of(v));
      if (!is_broadcast(r) || hd_shape_count(hd_type_of(r->in[0])->shape) != 1) return v;
      m = r;
    }
    if (!is_broadcast(m)) return v;
    v = m->in[0];
  }
}

static bool is_program(const hd_node *n) {
  if (!n->op || !n->op->expand || (n->out[0].dtype != HD_F32 && n->out[0].dtype != HD_BOOL))
    return false;
  if (n->out[0].shape.rank > HD_PROGRAM_RANK) return false;
  for (int i = 0; i < n->n_in; i++) {
    hd_dtype t = hd_type_of(n->in[i])->dtype;
    if (t != HD_F32 && t != HD_BOOL && t != HD_U8 && t != HD_I32) return false;
    // Integers are compared exactly by the reference; a program would go through float.
    if (t == HD_I32 && n->out[0].dtype == HD_BOOL) return false;
  }
  return true;
}

static int32_t alive(const hd_compile_state *s, int32_t u) {
  while (u >= 0 && s->unit[u].into >= 0) u = s->unit[u].into;
  return u;
}

static int32_t unit_of(const hd_compile_state *s, hd_val v) {
  return alive(s, s->unit_of[hd_root_of(v).node]);
}

void hd_unit_reads(hd_compile_state *s, int32_t u, bool producer, bool members, hd_see *see,
                   void *context) {
  const hd_unit *t = &s->unit[u];
  if (producer && t->producer) {
    const hd_node *n = s->g->node[t->producer];
    for (int k = t->before; k < n->n_in; k++) see(s, context, hd_root_of(n->in[k]), false);
  }
  for (int i = 0; members && i < t->members; i++) {
    const hd_node *n = s->g->node[t->member[i]];
    for (int k = 0; k < n->n_in; k++) {
      hd_val v = hd_operand_of(s, n, k), r = hd_root_of(v);
      bool full = hd_shape_count(hd_type_of(v)->shape) == hd_shape_count(t->domain);
      if (s->unit_of[r.node] < 0 || alive(s, s->unit_of[r.node]) != u || r.node == t->producer)
        see(s, context, r, full);
    }
  }
}

// Does a unit outside `set`, reached upwards from the set's inputs, read the set again? A search
// that is not over after FAR units says yes: what is read so much later is better made later (an
// unrolled LSTM trains in a quarter less memory), and compiling stays linear in the graph.
enum { FAR = 40 };
typedef struct {
  int32_t set[3];
  int n, depth, reached;
  int32_t *stack;
  uint32_t *seen, now;  // seen[unit] == now: in this search
  int32_t floor;
  bool back;
  bool first;
} search;
static void push(hd_compile_state *s, void *context, hd_val root, bool full) {
  search *q = context;
  (void)full;
  if (s->unit_of[root.node] < 0) return;
  int32_t u = alive(s, s->unit_of[root.node]);
  for (int i = 0; i < q->n; i++)
    if (u == q->set[i]) {
      q->back |= !q->first;
      return;
    }
  if (q->seen[u] == q->now || s->unit[u].position < q->floor) return;
  q->seen[u] = q->now;
  q->back |= ++q->reached > FAR;
  q->stack[q->depth++] = u;
}

static bool can_merge(hd_compile_state *s, search *q, const int32_t *set, int n) {
  q->n = n;
  q->depth = 0;
  q->back = false;
  q->floor = INT32_MAX;
  for (int i = 0; i < n; i++) {
    q->set[i] = set[i];
    q->floor = HD_MIN(q->floor, s->unit[set[i]].first);
  }
  q->reached = 0;
  q->now++;
  q->first = true;
  for (int i = 0; i < n; i++) hd_unit_reads(s, set[i], true, true, push, q);
  q->first = false;
  while (q->depth && !q->back) hd_unit_reads(s, q->stack[--q->depth], true, true, push, q);
  return !q->back;
}

static hd_status add_member(hd_compile_state *s, hd_unit *u, int32_t id) {
  if (u->members == u->room) {
    int32_t room = u->room ? 2 * u->room : 4;
    int32_t *more = hd_arena_alloc(&s->plan->arena, sizeof *more * (size_t)room);
    if (!more) return hd_fail(s->err, HD_E_MEMORY, "compile: memory is out");
    if (u->members) memcpy(more, u->member, sizeof *more * (size_t)u->members);
    u->member = more;
    u->room = room;
  }
  u->member[u->members++] = id;
  return HD_OK;
}

// b's members join a in order of the walk.
static hd_status merge(hd_compile_state *s, const int32_t *position, int32_t a, int32_t b) {
  hd_unit *x = &s->unit[a], *y = &s->unit[b];
  int32_t *old = x->member, n = x->members, i = 0, k = 0;
  x->member = NULL;
  x->members = x->room = 0;
  while (i < n || k < y->members) {
    int32_t id = k == y->members || (i < n && position[old[i]] < position[y->member[k]])
                     ? old[i++]
                     : y->member[k++];
    hd_status status = add_member(s, x, id);
    if (status) return status;
  }
  x->steps += y->steps;
  x->values += y->values;
  x->first = HD_MIN(x->first, y->first);
  x->position = HD_MAX(x->position, y->position);
  y->into = a;
  return HD_OK;
}

// Would the two together fit one program? Operands are what the members read from outside, each
// once for every shape it is seen in; every member may be an output.
typedef struct {
  hd_val root[HD_PROGRAM_OPERANDS + 1];
  const hd_shape *view[HD_PROGRAM_OPERANDS + 1];
  int count;
} operands;
static void count_operands(const hd_compile_state *s, const hd_unit *u, int32_t a, int32_t b,
                           operands *o) {
  for (int32_t i = 0; i < u->members; i++) {
    const hd_node *n = s->g->node[u->member[i]];
    for (int k = 0; k < n->n_in && o->count <= HD_PROGRAM_OPERANDS; k++) {
      hd_val v = hd_operand_of(s, n, k), r = hd_root_of(v);
      int32_t from = s->unit_of[r.node] < 0 ? -1 : alive(s, s->unit_of[r.node]);
      if (from == a || from == b) continue;
      const hd_shape *view = &hd_type_of(v)->shape;
      int at = 0;
      while (at < o->count && (o->root[at].node != r.node || o->root[at].out != r.out ||
                               !hd_shape_equal(*o->view[at], *view)))
        at++;
      if (at < o->count) continue;
      o->root[o->count] = r;
      o->view[o->count++] = view;
    }
  }
}
static bool fits(const hd_compile_state *s, int32_t a, int32_t b) {
  const hd_unit *x = &s->unit[a], *y = &s->unit[b];
  operands o = {.count = 0};
  if (x->steps + y->steps > HD_PROGRAM_STEPS || x->members + y->members > HD_PROGRAM_OPERANDS)
    return false;
  count_operands(s, x, a, b, &o);
  count_operands(s, y, a, b, &o);
  return o.count + x->values + y->values < HD_PROGRAM_OPERANDS;  // one more: a producer's result
}

// n joins the groups that make its operands; `own`: only those made for it alone.
static hd_status fuse_node(hd_compile_state *s, search *q, const int32_t *position,
                           const hd_node *n, bool own) {
  int32_t me = s->unit_of[n->id];
  for (int k = 0; k < n->n_in; k++) {
    hd_val v = hd_operand_of(s, n, k);
    int32_t u = unit_of(s, v);
    me = alive(s, me);
    if (own && !s->with_reader[v.node]) continue;
    if (s->unit[me].producer) return HD_OK;  // is made for a reduction
    if (u < 0 || u == me || !s->unit[u].members || s->unit[u].producer) continue;
    if (!hd_shape_equal(s->unit[u].domain, n->out[0].shape) ||
        !hd_shape_equal(hd_type_of(v)->shape, n->out[0].shape))
      continue;
    if (hd_root_of(v).node != v.node || !fits(s, u, me)) continue;
    if (!can_merge(s, q, (int32_t[]){u, me}, 2)) continue;
    hd_status status = merge(s, position, u, me);
    if (status) return status;
  }
  return HD_OK;
}

// A reduction takes the group that is made for it alone.
static hd_status fuse_operand(hd_compile_state *s, search *q, const int32_t *position,
                              const hd_node *n) {
  hd_val v = n->in[0];
  int32_t u = s->with_reader[v.node] ? unit_of(s, v) : -1, me = s->unit_of[n->id];
  if (u < 0 || s->unit[u].producer || !can_merge(s, q, (int32_t[]){u, me}, 2)) return HD_OK;
  s->unit[me].domain = s->unit[u].domain;
  s->unit[me].before = true;
  return merge(s, position, me, u);
}

// The latest product among a group's operands takes the group as its epilogue.
typedef struct {
  int32_t best;
} candidate;
static void consider(hd_compile_state *s, void *context, hd_val root, bool full) {
  candidate *c = context;
  int32_t u = s->unit_of[root.node] < 0 ? -1 : alive(s, s->unit_of[root.node]);
  if (!full || u < 0 || !s->unit[u].producer || s->unit[u].members) return;
  const hd_node *n = s->g->node[s->unit[u].producer];
  if (!n->op->after || root.out || n->out[0].dtype != HD_F32) return;
  if (c->best < 0 || s->unit[u].position > s->unit[c->best].position) c->best = u;
}

static hd_status fuse_epilogues(hd_compile_state *s, search *q) {
  for (int32_t i = 0; i < s->units; i++) {
    hd_unit *u = &s->unit[i];
    if (u->into >= 0 || !u->members || u->producer) continue;
    candidate c = {-1};
    hd_unit_reads(s, i, false, true, consider, &c);
    if (c.best < 0 || !can_merge(s, q, (int32_t[]){i, c.best}, 2)) continue;
    u->producer = s->unit[c.best].producer;
    s->unit[c.best].into = i;
    u->first = HD_MIN(u->first, s->unit[c.best].first);
    u->position = HD_MAX(u->position, s->unit[c.best].position);
  }
  return HD_OK;
}

hd_status hd_fuse(hd_compile_state *s) {
  hd_graph *g = s->g;
  const hd_env *env = &s->plan->env;
  size_t nodes = (size_t)g->count;
  int32_t *position = hd_alloc(env, sizeof *position * nodes);
  search q = {.stack = hd_alloc_raw(env, sizeof *q.stack * nodes),
              .seen = hd_alloc(env, sizeof *q.seen * nodes)};
  hd_status status = HD_OK;
  if (!position || !q.stack || !q.seen)
    status = hd_fail(s->err, HD_E_MEMORY, "compile: memory is out");
  for (int32_t i = 0; i < s->nodes && !status; i++) {
    const hd_node *n = g->node[s->order[i]];
    position[n->id] = i;
    s->unit_of[n->id] = -1;
    if (!n->op || n->op->alias) continue;
    hd_unit *u = &s->unit[s->unit_of[n->id] = s->units++];
    *u = (hd_unit){.into = -1, .first = i, .position = i};
    s->elementwise[n->id] = is_program(n);
    if (!s->elementwise[n->id]) {
      u->producer = n->id;
      continue;
    }
    int values = 0;
    u->domain = n->out[0].shape;
    u->steps = hd_expand_count(n, &values);
    u->values = values;
    status = add_member(s, u, n->id);
  }
  if (!s->options->no_fusion && !status) {
    for (int own = 1; own >= 0; own--)
      for (int32_t i = 0; i < s->nodes && !status; i++)
        if (s->elementwise[s->order[i]])
          status = fuse_node(s, &q, position, g->node[s->order[i]], own);
        else if (own && s->unit_of[s->order[i]] >= 0 && hd_makes_operand(g->node[s->order[i]]))
          status = fuse_operand(s, &q, position, g->node[s->order[i]]);
    if (!status) status = fuse_epilogues(s, &q);
  }
  for (int32_t i = 0; i < s->nodes && !status; i++)
    s->unit_of[s->order[i]] = alive(s, s->unit_of[s->order[i]]);
  hd_release(env, position);
  hd_release(env, q.stack);
  hd_release(env, q.seen);
  return status;
}
