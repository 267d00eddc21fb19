// Workspaces, and a step: a list of kernel calls on pointers that were resolved beforehand.
#include "plan.h"

typedef struct bound_call {  // a call with this workspace's pointers
  hd_args args;
  hd_after after;
  hd_before before;
  const hd_call *call;
  const hd_kernels *kernels;
  const void **program_in;
  void **program_out;
} bound_call;

struct hd_workspace {
  hd_env env;
  const hd_plan *plan;
  hd_arena arena;
  char *memory;
  bool owner, packed;  // packed: the weights of frozen calls
  bound_call *call;
  hd_step step;
  uint64_t draw;
  hd_trial trial;
};

// NULL: there is none, or not until a memory is bound.
static void *at(const hd_workspace *w, hd_place p) {
  if (p.kind == HD_PLACE_FIXED) return p.at;
  return p.kind == HD_PLACE_WORKSPACE && w->memory ? w->memory + p.offset : NULL;
}

static void epilogue(void *context, int64_t first, int64_t count) {
  const bound_call *b = context;
  b->kernels->program_range(b->call->program, first, count, b->program_in, b->program_out);
}

// The same, with the producer's elements where it has them.
static void take(void *context, int64_t first, int64_t count, const float *from) {
  const bound_call *b = context;
  const void *in[HD_PROGRAM_OPERANDS];
  memcpy(in, b->program_in, sizeof *in * (size_t)b->call->p_in);
  in[b->call->taken] = (const void *)((uintptr_t)from - (uintptr_t)first * sizeof *from);
  b->kernels->program_range(b->call->program, first, count, in, b->program_out);
}

static void operand(void *context, int64_t first, int64_t count, float *to) {
  const bound_call *b = context;
  void *out = (void *)((uintptr_t)to - (uintptr_t)first * sizeof *to);  // element `first` is to[0]
  b->kernels->program_range(b->call->program, first, count, b->program_in, &out);
}

static void **room(hd_workspace *w, int n) {
  return hd_arena_alloc(&w->arena, sizeof(void *) * (size_t)(n + 1));
}

static void resolve(const hd_workspace *w, const hd_place *p, int n, void **to) {
  for (int i = 0; i < n; i++) to[i] = at(w, p[i]);
}

static bool prepare(hd_workspace *w, const hd_call *c, bound_call *b) {
  b->call = c;
  b->kernels = w->plan->store->kernels;
  b->args = (hd_args){.n_in = c->n_in,
                      .n_out = c->n_out,
                      .in_type = c->in_type,
                      .out_type = c->out_type,
                      .attr = c->attr,
                      .data = c->data,
                      .step = &w->step,
                      .site = c->site};
  b->args.in = (const void *const *)room(w, c->n_in);
  b->args.out = room(w, c->n_out);
  if (!c->node || !c->program) return b->args.in && b->args.out;
  b->program_in = (const void **)room(w, c->p_in);
  b->program_out = room(w, c->p_out);
  b->after = (hd_after){epilogue, b, take};
  b->before = (hd_before){operand, b};
  if (c->before) b->args.before = &b->before;
  else b->args.after = &b->after;
  return b->args.in && b->args.out && b->program_in && b->program_out;
}

hd_workspace *hd_workspace_prepare(const hd_plan *plan, hd_error *err) {
  if (!plan) return hd_fail(err, HD_E_ARGUMENT, "workspace: no plan"), NULL;
  const hd_env *env = &plan->env;
  hd_workspace *w = hd_alloc(env, sizeof *w);
  if (w) {
    *w = (hd_workspace){.env = *env, .plan = plan, .arena = {.env = *env}};
    w->call = hd_arena_alloc(&w->arena, sizeof *w->call * (size_t)(plan->calls + 1));
    bool ok = w->call;
    for (int i = 0; ok && i < plan->calls; i++) ok = prepare(w, &plan->call[i], &w->call[i]);
    if (ok) return w;
  }
  hd_fail(err, HD_E_MEMORY, "workspace: memory is out");
  hd_workspace_free(w);
  return NULL;
}

void hd_workspace_bind(hd_workspace *w, void *memory) {
  w->memory = memory;
  w->packed = false;
  for (int i = 0; i < w->plan->calls; i++) {
    const hd_call *c = &w->plan->call[i];
    bound_call *b = &w->call[i];
    b->args.scratch = at(w, c->scratch);
    b->args.packed = at(w, c->packed);
    resolve(w, c->in, c->n_in, (void **)b->args.in);
    resolve(w, c->out, c->n_out, (void **)b->args.out);
    if (!c->node || !c->program) continue;
    resolve(w, c->program_in, c->p_in, (void **)b->program_in);
    resolve(w, c->program_out, c->p_out, b->program_out);
  }
}

hd_workspace *hd_workspace_new(const hd_plan *plan, void *memory, hd_error *err) {
  if ((uintptr_t)memory % 64)
    return hd_fail(err, HD_E_ARGUMENT, "workspace: the memory must be 64-byte aligned"), NULL;
  hd_workspace *w = hd_workspace_prepare(plan, err);
  if (!w) return NULL;
  w->owner = !memory;
  if (!memory && !(memory = hd_alloc(&plan->env, (size_t)plan->info.workspace))) {
    hd_fail(err, HD_E_MEMORY, "workspace: memory is out for %lld bytes",
            (long long)plan->info.workspace);
    hd_workspace_free(w);
    return NULL;
  }
  hd_workspace_bind(w, memory);
  return w;
}

void hd_workspace_free(hd_workspace *w) {
  if (!w) return;
  hd_env env = w->env;
  if (w->owner) hd_release(&env, w->memory);
  hd_arena_free(&w->arena);
  hd_release(&env, w);
}

static void *port(const hd_workspace *w, const hd_named_place *p, hd_type *type) {
  if (type) *type = p->type;
  return at(w, p->place);
}

void *hd_workspace_input(hd_workspace *w, const char *name, hd_type *type) {
  for (int i = 0; w && i < w->plan->inputs; i++)
    if (!strcmp(w->plan->input[i].name, name)) return port(w, &w->plan->input[i], type);
  return NULL;
}

void *hd_workspace_feed(hd_workspace *w, int i, hd_type *type) {
  char name[32];
  hd_print(name, sizeof name, "feed %d", i);
  return hd_workspace_input(w, name, type);
}

const void *hd_workspace_fetch(const hd_workspace *w, int i, hd_type *type) {
  return w && i >= 0 && i < w->plan->fetches ? port(w, &w->plan->fetch[i], type) : NULL;
}

void hd_workspace_sample(hd_workspace *w, int64_t first) {
  if (w) w->step.sample = first;
}

void hd_workspace_draw(hd_workspace *w, uint64_t number) { w->draw = number; }

typedef struct {
  hd_kernel_fn *run;
  const hd_args *args;
} job;
static void run_part(void *arg, int64_t part) {
  const job *j = arg;
  j->run(j->args, part);
}

static void run_call(hd_workspace *w, int i, hd_pool *pool) {
  bound_call *b = &w->call[i];
  const hd_call *c = b->call;
  for (int k = c->frozen && w->packed; k < c->phases; k++) {
    b->args.phase = k;
    if (c->serial || c->parts[k] == 1)
      for (int64_t part = 0; part < c->parts[k]; part++) c->run[k](&b->args, part);
    else hd_pool_run(pool, c->parts[k], run_part, &(job){c->run[k], &b->args});
  }
}

static void run_calls(hd_workspace *w) {
  hd_pool *pool = w->plan->store->pool;
  bool choice = hd_pool_threads(pool) > 1 && !w->env.parallel, timed = false;
  if (choice && hd_trial_alone(&w->trial)) pool = NULL;
  if (choice) timed = hd_trial_timed(&w->trial);
  double begin = timed ? hd_seconds() : 0;
  for (int i = 0; i < w->plan->calls; i++) run_call(w, i, pool);
  if (choice) hd_trial_ran(&w->trial, timed ? hd_seconds() - begin : 0);
}

hd_status hd_run(hd_workspace *w, hd_error *err) {
  if (!w) return hd_fail(err, HD_E_ARGUMENT, "run: no workspace");
  const hd_plan *p = w->plan;
  hd_store *store = p->store;
  w->step.seed = store->seed;
  w->step.step = store->step ^ w->draw << 40;
  w->step.train = p->draws;
  run_calls(w);
  w->packed = true;
  if (p->updates) store->step++;
  return HD_OK;
}
