// Cheap values are made again where they are read, instead of stored and read back. What is as
// large as its one operand, and one rounding away from it, costs less than its way through memory,
// if the operand has to be stored in any case.
//
//   before   d = x - mean   y = d f   ...   dx = d a + b      after   y = (x - mean) f
//            x, d and y are stored                                    dx = (x - mean) a + b
//
// The operand of a reduction that nothing else reads is never stored either: the kernel makes it
// piece by piece, as in sum(g (x - mean)).
//
// Every reader gets a node of its own here, and fuse.c keeps the two together. Bits stay the same.
#include "plan.h"

static bool is_elementwise(const hd_node *n) { return n->op && n->op->expand; }

// The operand that n is one cheap step away from; none: null.
static hd_val cheap_from(const hd_node *n) {
  static const char *const cheap[] = {"add", "sub", "mul", "neg"};
  bool known = false;
  for (size_t i = 0; i < HD_COUNT(cheap) && n->op; i++) known |= !strcmp(n->op->name, cheap[i]);
  hd_val full = {0};
  if (!known || n->out[0].dtype != HD_F32) return full;
  for (int k = 0; k < n->n_in; k++) {
    const hd_type *t = hd_type_of(n->in[k]);
    if (!hd_shape_equal(t->shape, n->out[0].shape)) continue;
    if (hd_ok(full) || t->dtype != HD_F32) return (hd_val){0};
    full = n->in[k];
  }
  return full;
}

// Can the kernel of n make its operand itself?
bool hd_makes_operand(const hd_node *n) {
  if (!n->op || !n->op->before) return false;
  hd_type in = *hd_type_of(n->in[0]);
  hd_rule r = {.graph = n->in[0].graph,
               .op = n->op,
               .attr = n->attr,
               .n_in = 1,
               .n_out = 1,
               .in = &in,
               .out = n->out,
               .value = n->in};
  return n->op->before(&r);
}

typedef struct {
  int32_t *first, *next, *reader;  // edges by the node that is read
  int32_t nodes;
  uint8_t *root, *whole;  // fetched or assigned; read by what is not elementwise
} uses;

static bool is_stored(const hd_graph *g, const uses *u, int32_t node) {
  return node < u->nodes && (!is_elementwise(g->node[node]) || u->root[node] || u->whole[node]);
}

// Is n read by reductions alone, and made of at most two stored values? One that is made for n may
// be among them if n has one reader: copies of n would share it, and it would have to be stored.
static bool is_for_reductions(const hd_compile_state *s, const uses *u, int32_t id) {
  const hd_graph *g = s->g;
  const hd_node *n = g->node[id];
  bool once = !u->next[u->first[id]];
  int full = 0;
  if (!is_elementwise(n) || n->out[0].dtype != HD_F32) return false;
  for (int32_t e = u->first[id]; e; e = u->next[e])
    if (!hd_makes_operand(g->node[u->reader[e]])) return false;
  for (int k = 0; k < n->n_in; k++) {
    if (!hd_shape_equal(hd_type_of(n->in[k])->shape, n->out[0].shape)) continue;
    bool own = once && s->with_reader[n->in[k].node];
    if (++full > 2 || !(own || is_stored(g, u, n->in[k].node))) return false;
  }
  return true;
}

// Every reader but the first gets a copy.
static hd_status split(hd_compile_state *s, const uses *u, int32_t id) {
  hd_graph *g = s->g;
  for (int32_t e = u->next[u->first[id]]; e; e = u->next[e]) {
    const hd_node *n = g->node[id];
    hd_node *copy = hd_node_new(g, n->n_in, 1), *reader = g->node[u->reader[e]];
    if (!copy) return hd_fail(s->err, HD_E_MEMORY, "compile: memory is out");
    copy->op = n->op;
    copy->attr = n->attr;
    copy->out[0] = n->out[0];
    memcpy(copy->in, n->in, sizeof *n->in * (size_t)n->n_in);
    s->with_reader[copy->id] = 1;
    for (int k = 0; k < reader->n_in; k++)
      if (reader->in[k].node == id) reader->in[k].node = copy->id;
  }
  return HD_OK;
}

hd_status hd_recompute(hd_compile_state *s) {
  hd_graph *g = s->g;
  const hd_env *env = &s->plan->env;
  int32_t nodes = g->count, edges = 1;
  for (int32_t i = 1; i < nodes; i++) edges += g->node[i]->n_in;
  uses u = {.first = hd_alloc(env, sizeof(int32_t) * (size_t)nodes),
            .next = hd_alloc(env, sizeof(int32_t) * (size_t)edges),
            .reader = hd_alloc(env, sizeof(int32_t) * (size_t)edges)};
  u.root = hd_alloc(env, (size_t)nodes);
  u.whole = hd_alloc(env, (size_t)nodes);
  s->with_reader = hd_arena_alloc(&s->plan->arena, (size_t)nodes + (size_t)edges);
  hd_status status = HD_OK;
  if (!u.first || !u.next || !u.reader || !u.root || !u.whole || !s->with_reader)
    status = hd_fail(s->err, HD_E_MEMORY, "compile: memory is out");
  for (int32_t i = nodes - 1; i > 0 && !status; i--)  // in front: edges end in order of readers
    for (int k = 0; k < g->node[i]->n_in; k++) {
      int32_t from = g->node[i]->in[k].node, last = u.first[from];
      if (last && u.reader[last] == i) continue;  // reads it twice
      u.whole[from] |= !is_elementwise(g->node[i]);
      u.reader[--edges] = i;
      u.next[edges] = last;
      u.first[from] = edges;
    }
  u.nodes = nodes;
  for (int i = 0; i < s->roots && !status; i++) u.root[hd_root_of(s->root[i]).node] = 1;
  for (int32_t i = 1; i < nodes && !status; i++) {
    if (u.root[i] || !u.first[i]) continue;
    hd_val full = cheap_from(g->node[i]);
    bool cheap = hd_ok(full) && !u.whole[i] && is_stored(g, &u, full.node);
    if (!cheap && !is_for_reductions(s, &u, i)) continue;
    s->with_reader[i] = 1;
    status = split(s, &u, i);
  }
  hd_release(env, u.first);
  hd_release(env, u.next);
  hd_release(env, u.reader);
  hd_release(env, u.root);
  hd_release(env, u.whole);
  return status;
}
