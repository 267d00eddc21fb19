// The elementwise members of a unit become one program: each expands to tiles.
#include "../base/json.h"
#include "plan.h"

// While a program is built, operands are registers 0, 1, ... and steps are STEP, STEP + 1, ...
enum { STEP = 1000 };
struct hd_expand {
  hd_program *p;
  int steps, values;
  bool full;
};

int hd_expand_value(hd_expand *e, double value) {
  if (!e->p) return e->values++;
  hd_program *p = e->p;
  float x = (float)value;
  for (int i = 0; i < p->inputs; i++)
    if (p->in[i].constant && !memcmp(&p->in[i].value, &x, sizeof x)) return i;
  if (p->inputs == HD_PROGRAM_OPERANDS) return e->full = true, 0;
  p->in[p->inputs] = (hd_operand){.dtype = HD_F32, .constant = true, .value = x};
  return p->inputs++;
}

int hd_expand_tile(hd_expand *e, int tile, int a, int b, int c) {
  if (!e->p) return STEP + e->steps++;
  hd_program *p = e->p;
  if (p->steps == HD_PROGRAM_STEPS) return e->full = true, STEP;
  p->step[p->steps].tile = (hd_tile)tile;
  p->step[p->steps].a = (int16_t)a;
  p->step[p->steps].b = (int16_t)b;
  p->step[p->steps].c = (int16_t)c;
  return STEP + p->steps++;
}

int hd_expand_count(const hd_node *n, int *values) {
  hd_expand e = {0};
  int in[HD_MAX_IN] = {0};
  n->op->expand(&e, n->attr, in);
  *values = e.values;
  return e.steps;
}

static int16_t final_register(const hd_program *p, int16_t r) {
  return r >= STEP ? (int16_t)(r - STEP + p->inputs) : r;
}

static void set_strides(hd_operand *o, const hd_program *p, hd_shape view) {
  int64_t stride = 1;
  for (int k = p->rank - 1, j = view.rank - 1; j >= 0 && k >= 0; k--, j--) {
    o->stride[k] = view.d[j] == 1 ? 0 : stride;
    stride *= view.d[j];
  }
}

// The register of what member n reads at input k: another member, a constant, or an operand.
static int operand_register(hd_compile_state *s, const hd_unit *u, hd_expand *e,
                            const int32_t *made, hd_val *seen, const hd_node *n, int k) {
  hd_program *p = e->p;
  hd_val v = hd_operand_of(s, n, k), r = hd_root_of(v);
  const hd_node *source = hd_node_of(r);
  for (int32_t i = 0; i < u->members && v.node == r.node; i++)
    if (u->member[i] == v.node) return made[i];
  const hd_type *t = hd_type_of(v);
  if (source->leaf == HD_LEAF_CONSTANT && t->dtype == HD_F32 && hd_shape_count(t->shape) == 1)
    return hd_expand_value(e, *(const float *)source->data);
  hd_operand o = {.dtype = t->dtype};
  set_strides(&o, p, t->shape);
  for (int i = 0; i < p->inputs; i++)
    if (!p->in[i].constant && seen[i].node == r.node && seen[i].out == r.out &&
        !memcmp(p->in[i].stride, o.stride, sizeof o.stride))
      return i;
  if (p->inputs == HD_PROGRAM_OPERANDS) return e->full = true, 0;
  p->in[p->inputs] = o;
  seen[p->inputs] = r;
  return p->inputs++;
}

hd_status hd_lower_program(hd_compile_state *s, const hd_unit *u, hd_call *call, hd_val **in,
                           hd_val **out) {
  hd_arena *arena = &s->plan->arena;
  hd_program *p = hd_arena_alloc(arena, sizeof *p);
  int32_t *made = hd_arena_alloc(arena, sizeof *made * (size_t)u->members);
  hd_val seen[HD_PROGRAM_OPERANDS] = {{0}};
  call->program = hd_arena_alloc(arena, sizeof *call->program);
  if (!p || !made || !call->program) return hd_fail(s->err, HD_E_MEMORY, "compile: memory is out");
  p->rank = u->domain.rank ? u->domain.rank : 1;
  p->d[0] = 1;
  for (int i = 0; i < u->domain.rank; i++) p->d[i] = u->domain.d[i];
  hd_expand e = {.p = p};
  hd_text label = {.env = s->plan->env};
  for (int32_t i = 0; i < u->members; i++) {
    const hd_node *n = s->g->node[u->member[i]];
    int reg[HD_MAX_IN];
    for (int k = 0; k < n->n_in; k++) reg[k] = operand_register(s, u, &e, made, seen, n, k);
    made[i] = n->op->expand(&e, n->attr, reg);
    hd_text_add(&label, "%s%s", i ? " " : "", n->op->name);
    const hd_value *v = hd_value_of(s, (hd_val){s->g, n->id, 0});
    bool made_now = call->before && n->id == hd_root_of(call->node->in[0]).node;
    if (v->buffer < 0 && v->place.kind != HD_PLACE_FIXED && !made_now) continue;
    if (p->outputs == HD_PROGRAM_OPERANDS) e.full = true;
    else p->out[p->outputs].reg = (int16_t)made[i], p->out[p->outputs++].dtype = n->out[0].dtype;
  }
  call->label = label.failed ? "elementwise"
                : call->before
                    ? hd_arena_print(arena, "%s > %s", label.at, call->label)
                    : hd_arena_print(arena, "%s%s%s", call->node ? call->node->op->name : "",
                                     call->node ? " > " : "", label.at ? label.at : "");
  hd_text_free(&label);
  if (call->before && p->outputs != 1)
    return hd_fail(s->err, HD_E_INTERNAL, "compile: %s does not make one value", call->label);
  if (e.full)
    return hd_fail(s->err, HD_E_INTERNAL, "compile: a program of %d nodes is too long",
                   (int)u->members);
  for (int i = 0; i < p->steps; i++) {
    p->step[i].a = final_register(p, p->step[i].a);
    p->step[i].b = final_register(p, p->step[i].b);
    p->step[i].c = final_register(p, p->step[i].c);
  }
  for (int i = 0; i < p->outputs; i++) p->out[i].reg = final_register(p, p->out[i].reg);
  call->p_in = p->inputs;
  call->p_out = p->outputs;
  *in = hd_arena_alloc(arena, sizeof **in * (size_t)(p->inputs + 1));
  *out = hd_arena_alloc(arena, sizeof **out * (size_t)(p->outputs + 1));
  if (!*in || !*out || !call->label) return hd_fail(s->err, HD_E_MEMORY, "compile: memory is out");
  int64_t count = hd_shape_count(u->domain);
  for (int i = 0; i < p->inputs; i++) {
    if (p->in[i].constant) continue;
    (*in)[i] = seen[i];
    call->bytes += (double)HD_MIN(hd_type_bytes(hd_type_of(seen[i])), count * 4);
  }
  int outs = 0;
  for (int32_t i = 0; i < u->members; i++) {
    hd_val r = {s->g, u->member[i], 0};
    const hd_value *v = hd_value_of(s, r);
    if (v->buffer < 0 && v->place.kind != HD_PLACE_FIXED) continue;
    (*out)[outs++] = r;
    call->bytes += (double)hd_type_bytes(hd_type_of(r));
  }
  s->plan->store->kernels->program_plan(p, call->program);
  call->flop += (double)count * p->steps;
  return HD_OK;
}
