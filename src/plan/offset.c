// Buffers to offsets. Each is put at the lowest offset that is free while it lives; what differs is
// who comes first. Several orders are tried and the smallest workspace wins; then, while it is
// larger than what lives at once, the buffer at the top goes first in another attempt.
#include "plan.h"

typedef struct {
  const hd_buffer *buffer;
  int32_t count, *order, *by_offset, *best_order;
  int64_t *key, *offset, *best, top, smallest;
} packing;

// The largest key first, the earlier buffer first among equals (shell sort).
static void sort(packing *p) {
  for (int32_t i = 0; i < p->count; i++) p->order[i] = i;
  for (int32_t gap = p->count / 2; gap; gap = gap == 2 ? 1 : (int32_t)(gap * 5LL / 11))
    for (int32_t i = gap; i < p->count; i++) {
      int32_t b = p->order[i], k = i;
      for (; k >= gap; k -= gap) {
        int32_t o = p->order[k - gap];
        if (p->key[o] > p->key[b] || (p->key[o] == p->key[b] && o < b)) break;
        p->order[k] = o;
      }
      p->order[k] = b;
    }
}

// One attempt; returns the buffer that ends at the top.
static int32_t pack(packing *p) {
  int32_t highest = 0;
  p->top = 0;
  for (int32_t i = 0; i < p->count; i++) {
    int32_t me = p->order[i], k;
    const hd_buffer *b = &p->buffer[me];
    int64_t at = 0;
    for (k = 0; k < i; k++) {  // those in the way, in order of offset
      const hd_buffer *o = &p->buffer[p->by_offset[k]];
      if (o->start > b->end || o->end < b->start) continue;
      int64_t from = p->offset[p->by_offset[k]];
      if (from >= at + b->bytes) break;
      at = HD_MAX(at, from + o->bytes);
    }
    while (k && p->offset[p->by_offset[k - 1]] > at) k--;
    memmove(p->by_offset + k + 1, p->by_offset + k, sizeof *p->by_offset * (size_t)(i - k));
    p->by_offset[k] = me;
    p->offset[me] = at;
    if (at + b->bytes > p->top) p->top = at + b->bytes, highest = me;
  }
  if (p->smallest < 0 || p->top < p->smallest) {
    p->smallest = p->top;
    memcpy(p->best, p->offset, sizeof *p->best * (size_t)p->count);
    memcpy(p->best_order, p->order, sizeof *p->order * (size_t)p->count);
  }
  return highest;
}

static void pack_all(packing *p, int64_t live) {
  int64_t enough = live + live / 100;
  for (int kind = 0; kind < 3 && (p->smallest < 0 || p->smallest > enough); kind++) {
    for (int32_t i = 0; i < p->count; i++) {
      const hd_buffer *b = &p->buffer[i];
      p->key[i] = kind == 0 ? b->bytes : kind == 1 ? b->end - b->start : -(int64_t)b->start;
    }
    sort(p);
    pack(p);
  }
  memcpy(p->order, p->best_order, sizeof *p->order * (size_t)p->count);
  double work = (double)p->count * (double)p->count + 1;
  uint32_t random = 1;
  for (int tries = (int)HD_MIN(400, 2e7 / work); tries > 0 && p->smallest > enough; tries--) {
    int32_t first = pack(p), i = 0;
    while (p->order[i] != first) i++;
    memmove(p->order + 1, p->order, sizeof *p->order * (size_t)i);
    p->order[0] = first;
    if (tries % 8) continue;  // from the best so far again, a little different
    memcpy(p->order, p->best_order, sizeof *p->order * (size_t)p->count);
    for (int k = 0; k < 4; k++) {
      random = random * 1664525u + 1013904223u;
      int32_t a = (int32_t)((random >> 8) % (uint32_t)p->count), b = (a + 1 + k) % p->count, t = p->order[a];
      p->order[a] = p->order[b];
      p->order[b] = t;
    }
  }
}

// Bytes of the largest set that lives at once. change: room for s->end + 2.
static int64_t largest_set(const hd_compile_state *s, int64_t *change) {
  int64_t now = 0, most = 0;
  for (int32_t i = 0; i < s->buffers; i++) {
    change[s->buffer[i].start] += s->buffer[i].bytes;
    change[s->buffer[i].end + 1] -= s->buffer[i].bytes;
  }
  for (int32_t t = 0; t <= s->end; t++) {
    now += change[t];
    most = HD_MAX(most, now);
  }
  return most;
}

hd_status hd_assign_offsets(hd_compile_state *s) {
  const hd_env *env = &s->plan->env;
  size_t n = (size_t)s->buffers + 1;
  int32_t *room = hd_alloc_raw(env, 3 * n * sizeof *room);
  int64_t *wide = hd_alloc_raw(env, 3 * n * sizeof *wide);
  int64_t *change = hd_alloc(env, ((size_t)s->end + 2) * sizeof *change);
  hd_plan_info *info = &s->plan->info;
  hd_status status = HD_OK;
  if (!room || !wide || !change) status = hd_fail(s->err, HD_E_MEMORY, "compile: memory is out");
  else {
    packing p = {.buffer = s->buffer, .count = s->buffers, .order = room, .by_offset = room + n,
                 .best_order = room + 2 * n, .key = wide, .offset = wide + n, .best = wide + 2 * n,
                 .smallest = -1};
    info->live = largest_set(s, change);
    pack_all(&p, info->live);
    info->workspace = p.smallest;
    for (int32_t i = 0; i < s->buffers; i++) s->buffer[i].offset = p.best[i];
    for (int32_t i = 0; i < s->nodes; i++) {
      const hd_node *node = s->g->node[s->order[i]];
      for (int k = 0; k < node->n_out; k++) {
        hd_value *v = hd_value_of(s, (hd_val){s->g, node->id, k});
        if (v->buffer >= 0 && v->place.kind != HD_PLACE_FIXED)
          v->place = (hd_place){.kind = HD_PLACE_WORKSPACE, .offset = s->buffer[v->buffer].offset};
      }
    }
  }
  hd_release(env, room);
  hd_release(env, wide);
  hd_release(env, change);
  return status;
}
