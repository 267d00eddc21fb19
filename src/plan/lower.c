// Units become kernel calls: op rules choose the kernels, elementwise members become one program
// (lower_program.c).
#include "plan.h"

void *hd_lower_alloc(hd_lowering *l, size_t bytes) { return hd_arena_alloc(l->arena, bytes); }

static void run_program(const hd_args *a, int64_t part) {
  const hd_call *c = a->data;
  ((const hd_kernels *)a->attr)->program_run(c->program, part, a->in, a->out);
}

// ---- Single nodes -------------------------------------------------------------------------------
static void whole_copy(const hd_args *a, int64_t part) {
  (void)part;
  memcpy(a->out[0], a->in[0], (size_t)hd_type_bytes(&a->out_type[0]));
}

// Does the step leave the bytes of v as they are?
static bool unchanged(const hd_compile_state *s, hd_val v) {
  hd_val r = hd_root_of(v);
  hd_leaf leaf = hd_node_of(r)->leaf;
  for (int i = 0; i < s->assigns; i++)
    if (s->assign[i].variable.node == r.node) return false;
  return leaf == HD_LEAF_VARIABLE || leaf == HD_LEAF_CONSTANT;
}

static hd_status lower_node(hd_compile_state *s, const hd_unit *u, hd_call *call, int64_t *scratch,
                            int64_t *packed, bool *unstored) {
  const hd_node *n = s->g->node[u->producer];
  hd_arena *arena = &s->plan->arena;
  hd_type *in = hd_arena_alloc(arena, sizeof *in * (size_t)(n->n_in + 1));
  if (!in) return hd_fail(s->err, HD_E_MEMORY, "compile: memory is out");
  bool used[HD_MAX_OUT], real64 = false;
  for (int i = 0; i < n->n_in; i++) {
    in[i] = *hd_type_of(n->in[i]);
    real64 |= in[i].dtype == HD_F64;
    if (i || !u->before) call->bytes += (double)hd_type_bytes(&in[i]);
  }
  for (int i = 0; i < n->n_out; i++) {
    const hd_value *v = hd_value_of(s, (hd_val){s->g, n->id, i});
    used[i] = v->last >= 0 || v->place.kind == HD_PLACE_FIXED || i == 0;
    real64 |= n->out[i].dtype == HD_F64;
    if (used[i]) call->bytes += (double)hd_type_bytes(&n->out[i]);
  }
  hd_rule rule = {.graph = s->g,
                  .op = n->op,
                  .attr = n->attr,
                  .n_in = n->n_in,
                  .n_out = n->n_out,
                  .in = in,
                  .out = n->out,
                  .value = n->in};
  call->node = n;
  call->before = u->before;
  call->label = n->op->name;
  call->in_type = in;
  call->out_type = n->out;
  call->attr = n->attr;
  call->site = n->name ? hd_hash(n->name, strlen(n->name), 0) : 0;
  hd_lowering l = {.rule = &rule,
                   .kernels = s->plan->store->kernels,
                   .used = used,
                   .kept = s->options->frozen && n->n_in > 1 && unchanged(s, n->in[1]),
                   .precision = s->options->precision,
                   .arena = arena};
  int64_t count = hd_shape_count(n->out[0].shape);
  l.flop = (double)count;
  if (n->op->cost) n->op->cost(&rule, &l.flop);
  if (!real64 && n->op->lower && n->op->lower(&l))
    return hd_fail(s->err, HD_E_MEMORY, "compile: memory is out lowering %s", n->op->name);
  if (!l.phases) {
    l.phases = 1;
    l.phase[0].run = real64 ? n->op->ref64 : n->op->ref32;
    l.phase[0].parts = 1;
    if (!l.phase[0].run)
      return hd_fail(s->err, HD_E_UNSUPPORTED, "compile: %s has no kernel for %s", n->op->name,
                     hd_dtype_name(n->out[0].dtype));
  }
  for (int i = 0; i < l.phases; i++) {
    call->run[i] = l.phase[i].run;
    call->parts[i] = l.phase[i].parts;
  }
  call->phases = l.phases;
  call->packs = l.packed > 0;
  call->frozen = l.packed && l.kept;
  call->data = l.data;
  call->flop = l.flop;
  *scratch = (int64_t)l.scratch;
  *packed = (int64_t)l.packed;
  *unstored = l.unstored;
  return HD_OK;
}

// ---- Places -------------------------------------------------------------------------------------
static hd_status places(hd_compile_state *s, const hd_val *v, int n, hd_place **to) {
  *to = hd_arena_alloc(&s->plan->arena, sizeof **to * (size_t)(n + 1));
  if (!*to) return hd_fail(s->err, HD_E_MEMORY, "compile: memory is out");
  for (int i = 0; i < n; i++)
    if (hd_ok(v[i])) (*to)[i] = hd_value_of(s, hd_root_of(v[i]))->place;
  return HD_OK;
}

static hd_place place_of(const hd_compile_state *s, int32_t buffer) {
  if (buffer < 0) return (hd_place){0};
  return (hd_place){.kind = HD_PLACE_WORKSPACE, .offset = s->buffer[buffer].offset};
}

static hd_status copy_call(hd_compile_state *s, hd_call *call, const hd_type *type, hd_place from,
                           hd_place to) {
  hd_arena *arena = &s->plan->arena;
  *call = (hd_call){.label = "copy",
                    .run = {whole_copy},
                    .parts = {1},
                    .phases = 1,
                    .serial = true,
                    .taken = -1,
                    .n_in = 1,
                    .n_out = 1,
                    .in_type = type,
                    .out_type = type,
                    .bytes = 2.0 * (double)hd_type_bytes(type),
                    .in = hd_arena_alloc(arena, sizeof from),
                    .out = hd_arena_alloc(arena, sizeof to)};
  if (!call->in || !call->out) return hd_fail(s->err, HD_E_MEMORY, "compile: memory is out");
  *call->in = from;
  *call->out = to;
  return HD_OK;
}

// What could not be written in place is copied when the step is over. A variable that is both a
// source and assigned goes through a buffer of its own.
static hd_status end_copies(hd_compile_state *s, int32_t *staged) {
  hd_plan *p = s->plan;
  hd_status status = HD_OK;
  for (int pass = 0; pass < 2 && !status; pass++)
    for (int i = 0; i < s->assigns && !status; i++) {
      hd_val r = hd_root_of(s->assign[i].value), var = s->assign[i].variable;
      const hd_type *t = hd_type_of(var);
      hd_place from = hd_value_of(s, r)->place,
               to = {.kind = HD_PLACE_FIXED, .at = (void *)hd_node_of(var)->data};
      if (from.kind == HD_PLACE_FIXED && from.at == to.at) continue;
      if (staged[i] >= 0) {
        hd_place temporary = place_of(s, staged[i]);
        if (pass == 0) status = copy_call(s, &p->call[p->calls++], t, from, temporary);
        else status = copy_call(s, &p->call[p->calls++], t, temporary, to);
      } else if (pass) status = copy_call(s, &p->call[p->calls++], t, from, to);
    }
  return status;
}

// The result of a producer that only its epilogue reads, at the place that is being written, needs
// no buffer if the kernel hands it over. Returns which operand of the epilogue it is; -1: stored.
static int leave_unstored(hd_compile_state *s, const hd_unit *u, hd_call *call, const hd_val *in) {
  hd_value *v = hd_value_of(s, (hd_val){s->g, u->producer, 0});
  int taken = -1;
  if (!u->members || u->before || v->buffer < 0 || v->last >= 0) return -1;
  for (int32_t i = 0; i < u->members; i++)  // a result of the epilogue in the same bytes
    if (hd_value_of(s, (hd_val){s->g, u->member[i], 0})->buffer == v->buffer) return -1;
  for (int i = 0; i < call->p_in; i++) {
    if (!hd_ok(in[i]) || in[i].node != u->producer || in[i].out) continue;
    if (taken >= 0) return -1;
    taken = i;
  }
  if (taken < 0) return -1;
  call->bytes -= 2.0 * (double)hd_type_bytes(&call->out_type[0]);
  s->buffer[v->buffer].bytes = 0;
  v->place = (hd_place){0};
  v->buffer = -1;
  return taken;
}

hd_status hd_lower_units(hd_compile_state *s) {
  hd_plan *plan = s->plan;
  hd_arena *arena = &plan->arena;
  size_t n = (size_t)s->scheduled;
  // A producer without a fast kernel runs its epilogue as a call of its own: room for two each.
  plan->call = hd_arena_alloc(arena, sizeof *plan->call * (2 * n + 2 * (size_t)s->assigns + 1));
  hd_val **in = hd_arena_alloc(arena, sizeof *in * (n + 1)),
         **out = hd_arena_alloc(arena, sizeof *out * (n + 1));
  int32_t *scratch_of = hd_arena_alloc(arena, sizeof *scratch_of * (n + 1)),
          *packed_of = hd_arena_alloc(arena, sizeof *packed_of * (n + 1)),
          *staged = hd_arena_alloc(arena, sizeof *staged * (size_t)(s->assigns + 1));
  hd_call *unit_call = hd_arena_alloc(arena, sizeof *unit_call * (n + 1));
  if (!plan->call || !in || !out || !scratch_of || !packed_of || !staged || !unit_call)
    return hd_fail(s->err, HD_E_MEMORY, "compile: memory is out");
  hd_status status = HD_OK;
  for (int32_t i = 0; i < s->scheduled && !status; i++) {
    const hd_unit *u = &s->unit[s->schedule[i]];
    hd_call *c = &unit_call[i];
    int64_t scratch = 0, packed = 0;
    scratch_of[i] = packed_of[i] = -1;
    bool unstored = false;
    if (u->producer) status = lower_node(s, u, c, &scratch, &packed, &unstored);
    if (!status && u->members) status = hd_lower_program(s, u, c, &in[i], &out[i]);
    c->taken = !status && unstored ? leave_unstored(s, u, c, in[i]) : -1;
    if (!status && scratch) status = hd_buffer_new(s, scratch, i, i, &scratch_of[i]);
    if (!status && packed)
      status = hd_buffer_new(s, packed, c->frozen ? 0 : i, c->frozen ? s->end : i, &packed_of[i]);
  }
  for (int i = 0; i < s->assigns && !status; i++) {
    hd_val r = hd_root_of(s->assign[i].value);
    staged[i] = -1;
    for (int k = 0; k < s->assigns; k++)
      if (k != i && staged[i] < 0 && s->assign[k].variable.node == r.node && !status)
        status = hd_buffer_new(s, hd_type_bytes(hd_type_of(r)), s->end, s->end, &staged[i]);
  }
  if (!status) status = hd_assign_offsets(s);
  for (int32_t i = 0; i < s->scheduled && !status; i++) {
    hd_call c = unit_call[i];
    const hd_unit *u = &s->unit[s->schedule[i]];
    if (c.node) {
      hd_val outs[HD_MAX_OUT];
      c.n_in = c.node->n_in;
      c.n_out = c.node->n_out;
      for (int k = 0; k < c.n_out; k++) outs[k] = (hd_val){s->g, u->producer, k};
      if ((status = places(s, c.node->in, c.n_in, &c.in)) ||
          (status = places(s, outs, c.n_out, &c.out)))
        break;
      c.scratch = place_of(s, scratch_of[i]);
      c.packed = place_of(s, packed_of[i]);
    }
    if (c.program && ((status = places(s, in[i], c.p_in, &c.program_in)) ||
                      (status = places(s, out[i], c.p_out, &c.program_out))))
      break;
    c.serial = c.flop < 40000 && c.bytes < 100000;
    bool fast = c.node && c.run[0] != c.node->op->ref32 && c.run[0] != c.node->op->ref64;
    if (c.node && (!c.program || fast)) {
      plan->call[plan->calls++] = c;
      continue;
    }
    if (c.node) {  // the reference does not call an epilogue
      hd_call alone = c;
      alone.program = NULL;
      plan->call[plan->calls++] = alone;
    }
    c.node = NULL;
    c.n_in = c.p_in;
    c.n_out = c.p_out;
    c.in = c.program_in;
    c.out = c.program_out;
    c.run[0] = run_program;
    c.phases = 1;
    c.parts[0] = c.program->run.parts[0];
    c.attr = plan->store->kernels;
    c.scratch = c.packed = (hd_place){0};
    c.packs = c.frozen = false;
    c.in_type = c.out_type = NULL;
    plan->call[plan->calls] = c;
    plan->call[plan->calls].data = &plan->call[plan->calls];
    plan->calls++;
  }
  return status ? status : end_copies(s, staged);
}
