// Graph to plan: the stages one after the other.
#include "plan.h"

static hd_status describe_ports(hd_compile_state *s) {
  hd_plan *p = s->plan;
  int inputs = 0;
  for (int i = 1; i < s->g->count; i++) inputs += s->g->node[i]->leaf == HD_LEAF_INPUT;
  p->input = hd_arena_alloc(&p->arena, sizeof *p->input * (size_t)(inputs + 1));
  p->fetch = hd_arena_alloc(&p->arena, sizeof *p->fetch * (size_t)(s->fetches + 1));
  if (!p->input || !p->fetch) return hd_fail(s->err, HD_E_MEMORY, "compile: memory is out");
  for (int i = 1; i < s->g->count; i++) {
    const hd_node *n = s->g->node[i];
    if (n->leaf != HD_LEAF_INPUT) continue;
    hd_place place = s->value[s->first_value[i]].place;  // none: sealed away, and not read
    if (place.kind) p->input[p->inputs++] = (hd_named_place){n->name, n->out[0], place};
  }
  for (int i = 0; i < s->fetches; i++) {
    hd_val r = hd_root_of(s->root[i]);
    p->fetch[p->fetches++] =
        (hd_named_place){NULL, *hd_type_of(s->root[i]), hd_value_of(s, r)->place};
  }
  for (int i = 0; i < p->calls; i++) {
    p->info.flop += p->call[i].flop;
    p->info.bytes += p->call[i].bytes;
  }
  p->info.calls = p->calls;
  for (int i = 0; i < s->nodes; i++) {
    const hd_node *n = s->g->node[s->order[i]];
    if (n->leaf == HD_LEAF_VARIABLE) p->info.variables += hd_type_bytes(&n->out[0]);
    for (int k = 0; k < n->n_out; k++) {
      const hd_value *v = hd_value_of(s, (hd_val){s->g, n->id, k});
      int times = (v->first >= 0) + (v->last >= 0);
      if (v->place.kind) p->info.least += (double)times * (double)hd_type_bytes(&n->out[k]);
    }
  }
  return HD_OK;
}

static hd_status walk(hd_compile_state *s) {
  hd_graph *g = s->g;
  const hd_env *env = &s->plan->env;
  hd_arena *arena = &s->plan->arena;
  size_t nodes = (size_t)g->count;
  uint8_t *seen = hd_alloc(env, nodes);
  int32_t values = 0;
  s->order = hd_arena_alloc(arena, sizeof *s->order * nodes);
  s->first_value = hd_arena_alloc(arena, sizeof *s->first_value * nodes);
  s->unit_of = hd_arena_alloc(arena, sizeof *s->unit_of * nodes);
  s->unit = hd_arena_alloc(arena, sizeof *s->unit * nodes);
  s->schedule = hd_arena_alloc(arena, sizeof *s->schedule * nodes);
  s->elementwise = hd_arena_alloc(arena, nodes);
  bool ok =
      seen && s->order && s->first_value && s->unit_of && s->unit && s->schedule && s->elementwise;
  for (int i = 0; ok && i < s->roots; i++) ok = !hd_walk(g, s->root[i], s->order, &s->nodes, seen);
  for (int i = 0; ok && i < s->assigns; i++)
    ok = !hd_walk(g, s->assign[i].variable, s->order, &s->nodes, seen);
  hd_release(env, seen);
  if (ok) {
    for (int i = 1; i < g->count; i++) s->first_value[i] = values, values += g->node[i]->n_out;
    s->value = hd_arena_alloc(arena, sizeof *s->value * (size_t)(values + 1));
    ok = s->value;
  }
  if (!ok) return hd_fail(s->err, HD_E_MEMORY, "compile: memory is out");
  for (int i = 0; i < values; i++) s->value[i] = (hd_value){.buffer = -1, .first = -1, .last = -1};
  return HD_OK;
}

hd_plan *(hd_compile)(hd_store *store, hd_error *err, hd_compile_options options) {
  if (!store || store->error.status)
    return hd_fail(err, store ? store->error.status : HD_E_ARGUMENT, "compile: %s",
                   hd_store_error(store)),
           NULL;
  hd_plan *p = hd_alloc(&store->env, sizeof *p);
  if (!p) return hd_fail(err, HD_E_MEMORY, "compile: memory is out"), NULL;
  p->env = store->env;
  p->store = store;
  p->arena.env = store->env;
  p->train = options.mode == HD_TRAIN;
  p->draws = p->train || options.draws;
  p->precision = options.precision;
  p->graph = hd_graph_new(&store->env);
  hd_compile_state s = {.plan = p, .g = p->graph, .err = err, .options = &options};
  hd_status status = p->graph ? HD_OK : hd_fail(err, HD_E_MEMORY, "compile: memory is out");
  if (!status) {
    p->graph->sealed = true;
    p->graph->train = p->train;
    p->graph->draws = p->draws;
    p->graph->bound[0] = options.batch;
    p->graph->bound[1] = options.time;
    p->graph->bound[2] = options.length;
    status = hd_seal(&s);
  }
  if (!status && !options.no_fusion) status = hd_recompute(&s);
  if (!status) status = walk(&s);
  if (!status) status = hd_fuse(&s);
  if (!status) status = hd_order(&s);
  if (!status) status = hd_assign_storage(&s);
  if (!status) status = hd_lower_units(&s);
  if (!status) status = describe_ports(&s);
  p->updates = s.assigns > 0;
  hd_release(&store->env, s.buffer);
  if (!status) return p;
  hd_plan_free(p);
  return NULL;
}

void hd_plan_free(hd_plan *p) {
  if (!p) return;
  hd_env env = p->env;
  hd_graph_free(p->graph);
  hd_arena_free(&p->arena);
  hd_release(&env, p);
}

hd_plan_info hd_plan_describe(const hd_plan *p) { return p ? p->info : (hd_plan_info){0}; }
