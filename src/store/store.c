// Variables by name, and what plans run on: threads and kernels.
#include "store.h"

hd_store *hd_store_new(const hd_env *env) {
  hd_store *s = hd_alloc(env, sizeof *s);
  if (!s) return NULL;
  if (env) s->env = *env;
  s->arena.env = s->env;
  s->seed = 1;
  hd_isa isa = HD_ISA_BASELINE;
  if (!hd_cpu_isa(&s->env, &isa, &s->error)) {
    s->kernels = hd_kernels_of(isa);
    hd_status status = hd_pool_new(&s->env, &s->pool, &s->error);
    if (status) s->error.status = status;
  }
  return s;
}

void hd_store_free(hd_store *s) {
  if (!s) return;
  hd_env env = s->env;
  for (int i = 0; i < s->count; i++) hd_release(&env, s->entry[i]->data);
  hd_release(&env, s->entry);
  hd_release(&env, s->place);
  hd_arena_free(&s->arena);
  if (!s->borrowed) hd_pool_free(s->pool);
  hd_release(&env, s);
}

const char *hd_store_error(const hd_store *s) {
  return s ? s->error.text : "no store: memory is out";
}
void hd_store_seed(hd_store *s, uint64_t seed) {
  if (s) s->seed = seed;
}
uint64_t hd_store_step(const hd_store *s) { return s ? s->step : 0; }
void hd_store_set_step(hd_store *s, uint64_t step) {
  if (s) s->step = step;
}
int hd_store_count(const hd_store *s) { return s ? s->count : 0; }
const hd_parameter *hd_store_at(const hd_store *s, int i) {
  return s && i >= 0 && i < s->count ? s->entry[i] : NULL;
}

// Where `name` is in the hash table, or the free place where it would go.
static int place_of(const hd_store *s, const char *name) {
  uint64_t h = hd_hash(name, strlen(name), 0);
  int at = (int)(h % (uint64_t)s->places);
  while (s->place[at] && strcmp(s->entry[s->place[at] - 1]->name, name))
    at = at + 1 == s->places ? 0 : at + 1;
  return at;
}

static void index_all(hd_store *s) {
  memset(s->place, 0, sizeof *s->place * (size_t)s->places);
  for (int i = 0; i < s->count; i++) s->place[place_of(s, s->entry[i]->name)] = i + 1;
}

static hd_parameter *find(const hd_store *s, const char *name) {
  if (!s || !s->count) return NULL;
  int i = s->place[place_of(s, name)];
  return i ? s->entry[i - 1] : NULL;
}
const hd_parameter *hd_store_find(const hd_store *s, const char *name) { return find(s, name); }

// Room for one more entry, and a table at most half full.
static bool grow(hd_store *s) {
  if (s->count < s->room) return true;
  int room = s->room ? 2 * s->room : 64;
  void *entry = hd_resize(&s->env, s->entry, sizeof *s->entry * (size_t)room);
  if (!entry) return false;
  s->entry = entry;
  int32_t *place = hd_alloc(&s->env, sizeof *place * 2 * (size_t)room);
  if (!place) return false;
  hd_release(&s->env, s->place);
  s->place = place;
  s->places = 2 * room;
  s->room = room;
  index_all(s);
  return true;
}

void hd_store_cut(hd_store *s, int count) {
  if (s->count <= count) return;
  while (s->count > count) hd_release(&s->env, s->entry[--s->count]->data);
  index_all(s);
}

static hd_status put(hd_store *s, const char *name, hd_role role, hd_type type, hd_parameter **to,
                     bool *made, hd_error *err) {
  char a[96], b[96];
  if (!s) return hd_fail(err, HD_E_ARGUMENT, "no store: memory was out when it was made");
  if (s->error.status) return hd_fail(err, s->error.status, "%s", s->error.text);
  hd_parameter *p = find(s, name);
  *made = !p;
  if (p) {
    if (p->type.dtype != type.dtype || !hd_shape_equal(p->type.shape, type.shape))
      return hd_fail(err, HD_E_SHAPE,
                     "parameter \"%s\": the store holds %s %s, the network wants %s %s", name,
                     hd_dtype_name(p->type.dtype), hd_shape_text(p->type.shape, a, sizeof a),
                     hd_dtype_name(type.dtype), hd_shape_text(type.shape, b, sizeof b));
    *to = p;
    return HD_OK;
  }
  int64_t count = hd_shape_count(type.shape), bytes;
  if (count < 0 || !hd_mul_size(count, (int64_t)hd_dtype_size(type.dtype), &bytes))
    return hd_fail(err, HD_E_SHAPE, "parameter \"%s\": bad shape %s", name,
                   hd_shape_text(type.shape, a, sizeof a));
  if (!grow(s)) return hd_fail(err, HD_E_MEMORY, "parameter \"%s\": memory is out", name);
  // Vectors may be loaded past the end of a short row: keep a cache line of slack.
  void *data = hd_alloc(&s->env, (size_t)bytes + 64);
  p = data ? hd_arena_alloc(&s->arena, sizeof *p) : NULL;
  const char *copy = p ? hd_arena_text(&s->arena, name) : NULL;
  if (!copy) {
    hd_release(&s->env, data);
    return hd_fail(err, HD_E_MEMORY, "parameter \"%s\": memory is out for %lld bytes", name,
                   (long long)bytes);
  }
  *p = (hd_parameter){copy, role, type, data};
  s->entry[s->count++] = p;
  s->place[place_of(s, copy)] = s->count;
  *to = p;
  return HD_OK;
}

hd_status hd_store_put(hd_store *s, const char *name, hd_role role, hd_type type,
                       const hd_parameter **to, hd_error *err) {
  hd_parameter *p = NULL;
  bool made;
  hd_status status = put(s, name, role, type, &p, &made, err);
  if (!status && to) *to = p;
  return status;
}

hd_status hd_store_variable(hd_store *s, const char *name, hd_role role, hd_type type, hd_init init,
                            hd_parameter **to, hd_error *err) {
  bool made;
  hd_status status = put(s, name, role, type, to, &made, err);
  if (!status && made) hd_initialise(*to, init, s->seed);
  return status;
}

hd_store *hd_store_copy(const hd_store *from, hd_error *err) {
  if (!from || from->error.status)
    return hd_fail(err, from ? from->error.status : HD_E_ARGUMENT, "copy: %s",
                   hd_store_error(from)),
           NULL;
  hd_store *s = hd_alloc(&from->env, sizeof *s);
  if (!s) return hd_fail(err, HD_E_MEMORY, "copy: memory is out"), NULL;
  *s = (hd_store){.env = from->env,
                  .arena = {.env = from->env},
                  .pool = from->pool,
                  .borrowed = true,
                  .kernels = from->kernels,
                  .seed = from->seed,
                  .step = from->step};
  for (int i = 0; i < from->count; i++) {
    const hd_parameter *p = from->entry[i], *q;
    if (p->role == HD_OPTIMIZER_STATE) continue;
    if (hd_store_put(s, p->name, p->role, p->type, &q, err)) return hd_store_free(s), NULL;
    memcpy(q->data, p->data, (size_t)hd_shape_count(p->type.shape) * hd_dtype_size(p->type.dtype));
  }
  return s;
}
