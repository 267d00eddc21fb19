// From a loss and an optimiser to assignments: gradients, what is done to them on their way, and a
// rule for each weight.
#include "../op/schedule.h"
#include "optimizer.h"

// One call of hd_minimize.
typedef struct job {
  hd_graph *g;
  const hd_minimize_options *o;
  hd_scope *scope;
  hd_dtype real;
  const hd_val *weight;
  hd_val *gradient;
  int count;
  hd_val finite;  // bool: the loss is
  hd_val whole;   // bool: this step makes an update
} job;

static hd_val state(const job *j, const char *name, hd_dtype dtype, float first) {
  return hd_state_variable(j->scope, (hd_val){0}, name, j->g, (hd_type){dtype, {0}},
                           (hd_init){.kind = HD_CONSTANT, .a = first});
}

// Sums of gradients over `accumulate` finite steps, one after the other; the last of them goes on
// with the mean and starts afresh.
static void accumulate(job *j) {
  hd_val done = state(j, "accumulated", j->real, 0);
  hd_val now = hd_select(j->finite, hd_add_scalar(done, 1), done);
  hd_val zero = hd_scalar_like(done, 0);
  j->whole = hd_equal(now, hd_scalar_like(now, j->o->accumulate));
  hd_assign(done, hd_select(j->whole, zero, now));
  for (int i = 0; i < j->count; i++) {
    if (!hd_ok(j->gradient[i])) continue;
    hd_val sum = hd_state_variable(j->scope, j->weight[i], "sum", j->g, *hd_type_of(j->weight[i]),
                                   (hd_init){.kind = HD_ZEROS});
    hd_val more = hd_add(sum, j->gradient[i]);
    hd_assign(sum, hd_select(j->finite, hd_select(j->whole, zero, more), sum));
    j->gradient[i] = hd_scale(more, 1.0 / j->o->accumulate);
  }
}

static void clip_values(job *j, double most) {
  for (int i = 0; i < j->count; i++) {
    hd_val g = j->gradient[i];
    if (hd_ok(g))
      j->gradient[i] = hd_maximum(hd_minimum(g, hd_scalar_like(g, most)), hd_scalar_like(g, -most));
  }
}

// g = g min(1, most / norm), with one norm for all.
static void clip_norm(job *j, double most) {
  hd_val sum = {0};
  for (int i = 0; i < j->count; i++) {
    if (!hd_ok(j->gradient[i])) continue;
    hd_val square = hd_sum(hd_square(j->gradient[i]));
    sum = hd_ok(sum) ? hd_add(sum, square) : square;
  }
  if (!hd_ok(sum)) return;
  hd_val factor =
      hd_minimum(hd_div(hd_scalar_like(sum, most), hd_sqrt(sum)), hd_scalar_like(sum, 1));
  for (int i = 0; i < j->count; i++)
    if (hd_ok(j->gradient[i])) j->gradient[i] = hd_mul(j->gradient[i], factor);
}

// Which part of the average the new weight is. ema: (1 - decay) / (1 - decay^t), so that the
// weights of all steps sum to 1. swa: 1 up to the first epoch's end, then 1/2, 1/3 ... at the ends
// of epochs, and 0 between them.
static hd_val fresh(const job *j, hd_val t) {
  const hd_minimize_options *o = j->o;
  if (o->ema != 0) return hd_scale(hd_optimizer_correction(t, o->ema), 1 - (double)o->ema);
  if (!o->swa) return (hd_val){0};
  hd_val steps = hd_scalar_like(t, o->steps_per_epoch > 0 ? o->steps_per_epoch : 1);
  hd_val epochs = hd_floor(hd_div(t, steps));
  hd_val before = hd_floor(hd_div(hd_add_scalar(t, -1), steps));
  hd_val number = hd_add_scalar(epochs, 1 - o->swa);  // of this epoch among those averaged
  hd_val one = hd_scalar_like(t, 1);
  hd_val part = hd_select(hd_greater(epochs, before), hd_reciprocal(hd_maximum(number, one)),
                          hd_scalar_like(t, 0));
  return hd_select(hd_less(number, one), one, part);
}

static void minimize(job *j, hd_val loss, const hd_optimizer *optimizer) {
  const hd_minimize_options *o = j->o;
  const hd_optimizer_rule *rule = optimizer->rule;
  hd_val steps = state(j, "step", HD_I32, 0);
  hd_val rate = state(j, "lr", j->real, rule->lr(optimizer->options));
  // x - x is 0 for every finite x and NaN for the others.
  j->whole = j->finite = hd_equal(hd_sub(loss, loss), hd_scalar_like(loss, 0));
  if (o->accumulate > 1) accumulate(j);
  hd_val next = hd_increment(steps, j->whole), t = hd_cast(next, j->real), shared = {0};
  if (o->schedule.kind != HD_SCHEDULE_CONSTANT || o->schedule.warmup > 0)
    rate = hd_mul(rate, hd_schedule_of(&o->schedule, o->steps_per_epoch, o->epochs, steps,
                                       j->real == HD_F64));
  if (o->clip_value > 0) clip_values(j, (double)o->clip_value);
  if (o->clip_norm > 0) clip_norm(j, (double)o->clip_norm);
  hd_val part = fresh(j, t);
  for (int i = j->count - 1; i >= 0; i--) {  // the last layer's gradient is there first
    hd_val w = j->weight[i], g = j->gradient[i];
    if (!hd_ok(g)) continue;
    if (o->l1 != 0) g = hd_add(g, hd_scale(hd_sign(w), o->l1));
    hd_optimizer_step s = {.weight = w,
                           .gradient = g,
                           .lr = rate,
                           .t = t,
                           .scope = j->scope,
                           .finite = j->whole,
                           .max_norm = o->max_norm,
                           .fresh = part,
                           .shared = &shared};
    rule->step(&s, optimizer->options);
  }
  hd_assign(steps, next);
}

hd_status hd_minimize_check(const hd_minimize_options *o, hd_error *err) {
  if (!(o->accumulate >= 0 && o->swa >= 0 && o->clip_value >= 0 && o->clip_norm >= 0 &&
        o->max_norm >= 0))
    return hd_fail(
        err, HD_E_ARGUMENT,
        "minimize: accumulate, swa, clip_value, clip_norm and max_norm must not be negative");
  if (!(o->ema >= 0 && o->ema < 1))
    return hd_fail(err, HD_E_ARGUMENT, "minimize: ema is %g, must be from 0 up to 1: try 0.999",
                   (double)o->ema);
  if (o->ema > 0 && o->swa)
    return hd_fail(err, HD_E_ARGUMENT,
                   "minimize: ema and swa are two ways to average the weights; give one");
  return HD_OK;
}

hd_update(hd_minimize)(hd_val loss, hd_optimizer optimizer, hd_minimize_options o) {
  hd_graph *g = loss.graph;
  if (!g || g->error.status) return (hd_update){0};
  if (!optimizer.rule) optimizer = hd_adam();
  hd_error err = {0};
  if (hd_minimize_check(&o, &err))
    return hd_graph_fail(g, err.status, "%s", err.text), (hd_update){0};
  int count = o.weights ? o.count : hd_weights(loss, NULL, 0);
  if (count < 1)
    return hd_graph_fail(g, HD_E_ARGUMENT, "minimize: the loss depends on no weight"),
           (hd_update){0};
  hd_val *list = hd_alloc(&g->env, sizeof *list * 2 * (size_t)count);
  if (!list)
    return hd_graph_fail(g, HD_E_MEMORY, "memory is out building the graph"), (hd_update){0};
  hd_val *gradient = list + count;
  if (o.weights) memcpy(list, o.weights, sizeof *list * (size_t)count);
  else hd_weights(loss, list, count);
  if (o.gradients) memcpy(gradient, o.gradients, sizeof *list * (size_t)count);
  else hd_gradients(loss, (hd_val){0}, list, count, gradient);
  int32_t first = g->assigns;
  if (!g->error.status) {
    job j = {.g = g,
             .o = &o,
             .weight = list,
             .gradient = gradient,
             .count = count,
             .real = hd_type_of(list[0])->dtype};
    j.scope = hd_scope_begin(g, optimizer.rule->name, NULL);
    minimize(&j, loss, &optimizer);
    hd_scope_end(g, j.scope);
  }
  hd_release(&g->env, list);
  return g->error.status ? (hd_update){0} : (hd_update){g, first, g->assigns - first};
}
