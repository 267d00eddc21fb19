// Buffers to offsets. One after the other, each at the lowest offset that is free while it lives,
// the largest first; where that needs more than what lives at once, best fit and other orders are
// tried, and the smallest workspace wins.
#include "plan.h"

enum { MOST = 8192 };  // buffers, for best fit
typedef struct {
  int32_t start, end;
  int64_t height;
} span;  // end: the time after it
typedef struct {
  const hd_buffer *buffer;
  int32_t count, end, *order, *by_offset, *best_order;
  int64_t *key, *offset, *best, top, smallest, smallest_order;
  span *span;
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

static void keep(packing *p) {
  if (p->top >= p->smallest) return;
  p->smallest = p->top;
  memcpy(p->best, p->offset, sizeof *p->best * (size_t)p->count);
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
  keep(p);
  if (p->top < p->smallest_order) {
    p->smallest_order = p->top;
    memcpy(p->best_order, p->order, sizeof *p->order * (size_t)p->count);
  }
  return highest;
}

// Best fit (Sekiyama et al. 2018): the lowest span of time takes the buffer that lives longest
// among those that fit in it, the largest of equals; a span that nothing fits is raised to its
// neighbour.
static void pack_spans(packing *p) {
  int32_t n = 1, *placed = p->by_offset;
  p->span[0] = (span){0, p->end + 1, 0};
  p->top = 0;
  memset(placed, 0, sizeof *placed * (size_t)p->count);
  for (int32_t left = p->count; left;) {
    int32_t low = 0, me = -1, k = 0;
    for (int32_t i = 1; i < n; i++)
      if (p->span[i].height < p->span[low].height) low = i;
    span at = p->span[low];
    for (int32_t i = 0; i < p->count; i++) {
      const hd_buffer *b = &p->buffer[i], *o = &p->buffer[HD_MAX(me, 0)];
      int32_t longer = (b->end - b->start) - (o->end - o->start);
      if (placed[i] || b->start < at.start || b->end >= at.end) continue;
      if (me < 0 || longer > 0 || (longer == 0 && b->bytes > o->bytes)) me = i;
    }
    if (me < 0) {
      int64_t before = low ? p->span[low - 1].height : INT64_MAX,
              after = low + 1 < n ? p->span[low + 1].height : INT64_MAX;
      p->span[low].height = HD_MIN(before, after);
    } else {
      const hd_buffer *b = &p->buffer[me];
      int32_t head = b->start > at.start, tail = b->end + 1 < at.end;
      memmove(p->span + low + 1 + head + tail, p->span + low + 1,
              sizeof at * (size_t)(n - low - 1));
      if (head) p->span[low] = (span){at.start, b->start, at.height};
      p->span[low + head] = (span){b->start, b->end + 1, at.height + b->bytes};
      if (tail) p->span[low + head + 1] = (span){b->end + 1, at.end, at.height};
      n += head + tail;
      p->offset[me] = at.height;
      p->top = HD_MAX(p->top, at.height + b->bytes);
      placed[me] = 1;
      left--;
    }
    for (int32_t i = 0; i < n; i++)  // spans of one height are one
      if (k && p->span[k - 1].height == p->span[i].height) p->span[k - 1].end = p->span[i].end;
      else p->span[k++] = p->span[i];
    n = k;
  }
  keep(p);
}

static void pack_all(packing *p, int64_t live) {
  int64_t enough = live + live / 100;
  for (int kind = 0; kind < 2 && p->smallest > enough; kind++) {
    for (int32_t i = 0; i < p->count; i++)
      p->key[i] = kind ? -(int64_t)p->buffer[i].start : p->buffer[i].bytes;
    sort(p);
    pack(p);
    if (!kind && p->smallest > enough && p->count < MOST) pack_spans(p);
  }
  memcpy(p->order, p->best_order, sizeof *p->order * (size_t)p->count);
  double work = (double)p->count * (double)p->count + 1;
  uint32_t random = 1;
  for (int tries = (int)HD_MIN(2000, 4e7 / work); tries > 0 && p->smallest > enough; tries--) {
    int32_t first = pack(p), i = 0;
    while (p->order[i] != first) i++;
    memmove(p->order + 1, p->order, sizeof *p->order * (size_t)i);
    p->order[0] = first;
    if (tries % 8) continue;  // from the best so far again, a little different
    memcpy(p->order, p->best_order, sizeof *p->order * (size_t)p->count);
    for (int k = 0; k < 4; k++) {
      random = random * 1664525u + 1013904223u;
      int32_t a = (int32_t)((random >> 8) % (uint32_t)p->count), b = (a + 1 + k) % p->count,
              t = p->order[a];
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
  span *spans = hd_alloc_raw(env, (2 * n + 1) * sizeof *spans);
  hd_plan_info *info = &s->plan->info;
  hd_status status = HD_OK;
  if (!room || !wide || !change || !spans)
    status = hd_fail(s->err, HD_E_MEMORY, "compile: memory is out");
  else {
    packing p = {.buffer = s->buffer,
                 .count = s->buffers,
                 .order = room,
                 .by_offset = room + n,
                 .best_order = room + 2 * n,
                 .key = wide,
                 .offset = wide + n,
                 .best = wide + 2 * n,
                 .smallest = INT64_MAX,
                 .smallest_order = INT64_MAX,
                 .end = s->end,
                 .span = spans};
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
  hd_release(env, spans);
  return status;
}
