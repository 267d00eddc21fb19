// Where values live. An alias shares its input's bytes; an elementwise result takes over an operand
// that nobody reads again; an assignment writes straight into its variable when no later unit
// reads the old value; the rest gets buffers whose lifetimes decide who may share an offset.
//
//   time    0    1    2    3    4          offset
//   a       |=========|                    0
//   b            |==============|          4096
//   c                      |====|          0        (a's place again)
#include "plan.h"

typedef struct {
  int32_t time;
  int32_t producer;
} reading;

static void note_read(hd_compile_state *s, void *context, hd_val root, bool full) {
  const reading *r = context;
  hd_value *v = hd_value_of(s, root);
  (void)full;
  if (root.node != r->producer) v->last = HD_MAX(v->last, r->time);
}

hd_status hd_buffer_new(hd_compile_state *s, int64_t bytes, int32_t start, int32_t end,
                        int32_t *to) {
  if (s->buffers == s->buffer_room) {
    int32_t room = s->buffer_room ? 2 * s->buffer_room : 64;
    void *more = hd_resize(&s->plan->env, s->buffer, sizeof *s->buffer * (size_t)room);
    if (!more) return hd_fail(s->err, HD_E_MEMORY, "compile: memory is out");
    s->buffer = more;
    s->buffer_room = room;
  }
  // A line of slack, so that a vector load at the end of a row stays inside.
  s->buffer[s->buffers] =
      (hd_buffer){.bytes = hd_round_up(bytes, 64) + 64, .start = start, .end = end};
  *to = s->buffers++;
  return HD_OK;
}

// May the unit at time t write its result over `root`? Only if all of its reads of it are at the
// element being written.
typedef struct {
  hd_val root;
  bool read, other;
} overwrite;
static void check_overwrite(hd_compile_state *s, void *context, hd_val root, bool full) {
  overwrite *o = context;
  (void)s;
  if (root.node != o->root.node || root.out != o->root.out) return;
  o->read = true;
  o->other |= !full;
}
static bool may_overwrite(hd_compile_state *s, int32_t unit, hd_val root) {
  overwrite o = {.root = root};
  hd_unit_reads(s, unit, true, true, check_overwrite, &o);
  return !o.other;
}

static void place_assigns(hd_compile_state *s) {
  for (int i = 0; i < s->assigns; i++) {
    hd_val var = s->assign[i].variable, r = hd_root_of(s->assign[i].value);
    int32_t u = s->unit_of[r.node];
    hd_value *v = hd_value_of(s, r), *old = hd_value_of(s, var);
    if (u < 0 || v->place.kind == HD_PLACE_FIXED) continue;  // a leaf, or taken: copied at the end
    int32_t t = s->unit[u].time;
    if (old->last > t || old->kept) continue;
    bool member = s->unit[u].members && r.node != s->unit[u].producer;
    if (old->last == t && (!member || !may_overwrite(s, u, var))) continue;
    v->place = (hd_place){.kind = HD_PLACE_FIXED, .at = (void *)hd_node_of(var)->data};
  }
}

// The results of one unit get buffers.
typedef struct {
  hd_value *result;
  int64_t bytes;
  int32_t time, unit, taken;
  hd_compile_state *s;
} taker;
static void take_over(hd_compile_state *s, void *context, hd_val root, bool full) {
  taker *t = context;
  hd_value *v = hd_value_of(s, root);
  if (t->taken >= 0 || !full || v->buffer < 0 || v->first < 0 || v->last != t->time || v->kept)
    return;
  if (s->buffer[v->buffer].end != t->time || hd_type_bytes(hd_type_of(root)) != t->bytes ||
      !may_overwrite(s, t->unit, root))
    return;
  t->taken = v->buffer;
}

static hd_status place_results(hd_compile_state *s, int32_t u) {
  const hd_unit *t = &s->unit[u];
  int32_t raw = -1;  // the producer's own output, while its epilogue reads it
  hd_status status;
  if (t->producer) {
    const hd_node *n = s->g->node[t->producer];
    for (int k = 0; k < n->n_out; k++) {
      hd_val r = {s->g, n->id, k};
      hd_value *v = hd_value_of(s, r);
      bool wanted = v->last >= 0 || v->place.kind == HD_PLACE_FIXED;
      v->first = t->time;
      if (v->place.kind == HD_PLACE_FIXED || (!wanted && k)) continue;
      if ((status = hd_buffer_new(s, hd_type_bytes(&n->out[k]), t->time, HD_MAX(v->last, t->time),
                                  &v->buffer)))
        return status;
      if (k == 0 && t->members && !wanted) raw = v->buffer;
    }
  }
  for (int32_t i = 0; i < t->members; i++) {
    hd_val r = {s->g, t->member[i], 0};
    hd_value *v = hd_value_of(s, r);
    v->first = t->time;
    if (v->place.kind == HD_PLACE_FIXED || v->last < 0) continue;
    int64_t bytes = hd_type_bytes(hd_type_of(r));
    taker take = {.result = v, .bytes = bytes, .time = t->time, .unit = u, .taken = -1};
    if (raw >= 0 && hd_type_of(r)->dtype == HD_F32) take.taken = raw, raw = -1;
    else if (!t->producer) hd_unit_reads(s, u, false, true, take_over, &take);
    if (take.taken >= 0) {
      v->buffer = take.taken;
      s->buffer[v->buffer].end = HD_MAX(v->last, t->time);
    } else if ((status = hd_buffer_new(s, bytes, t->time, HD_MAX(v->last, t->time), &v->buffer)))
      return status;
  }
  return HD_OK;
}

hd_status hd_assign_storage(hd_compile_state *s) {
  hd_status status;
  for (int32_t i = 0; i < s->scheduled; i++) {
    reading r = {i, s->unit[s->schedule[i]].producer};
    hd_unit_reads(s, s->schedule[i], true, true, note_read, &r);
  }
  for (int i = 0; i < s->fetches; i++) {
    hd_value *v = hd_value_of(s, hd_root_of(s->root[i]));
    v->last = s->end;
    v->kept = true;
  }
  for (int32_t i = 0; i < s->nodes; i++) {
    const hd_node *n = s->g->node[s->order[i]];
    if (n->leaf == HD_LEAF_INPUT) {
      hd_value *v = hd_value_of(s, (hd_val){s->g, n->id, 0});
      if ((status = hd_buffer_new(s, hd_type_bytes(&n->out[0]), 0, s->end, &v->buffer)))
        return status;
    } else if (n->leaf)
      hd_value_of(s, (hd_val){s->g, n->id, 0})->place =
          (hd_place){.kind = HD_PLACE_FIXED, .at = (void *)n->data};
  }
  for (int i = 0; i < s->assigns; i++) {  // a variable that is copied from is read at the end
    hd_val r = hd_root_of(s->assign[i].value);
    if (s->unit_of[r.node] < 0) hd_value_of(s, r)->last = s->end;
  }
  place_assigns(s);
  for (int i = 0; i < s->assigns; i++) {
    hd_value *v = hd_value_of(s, hd_root_of(s->assign[i].value));
    if (v->place.kind != HD_PLACE_FIXED) v->last = s->end;
  }
  for (int32_t i = 0; i < s->scheduled; i++)
    if ((status = place_results(s, s->schedule[i]))) return status;
  return HD_OK;
}
