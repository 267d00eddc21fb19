// From a loss and an optimiser to assignments.
#include "optimizer.h"

#include "../op/schedule.h"

static const hd_optimizer_rule *const rules[] = {&hd_rule_sgd, &hd_rule_rmsprop, &hd_rule_adam};
static const char *const names[] = {"sgd", "rmsprop", "adam", NULL};

const char *const *hd_optimizer_names(void) { return names; }
const hd_optimizer_rule *hd_optimizer_find(const char *name) {
  for (size_t i = 0; i < HD_COUNT(rules); i++)
    if (!strcmp(rules[i]->name, name)) return rules[i];
  return NULL;
}
const hd_fields *hd_optimizer_fields(const hd_optimizer_rule *rule) { return rule->fields; }

hd_optimizer hd_optimizer_of(const hd_optimizer_rule *rule, const void *options) {
  hd_optimizer o = {.rule = rule};
  _Static_assert(sizeof(hd_rmsprop_options) <= sizeof o.options && sizeof(hd_adam_options) <= sizeof o.options, "room");
  memcpy(o.options, options, rule->fields->size);
  return o;
}

static const char *const kinds[] = {"constant", "step", "cosine", NULL};
static const hd_field schedule_field[] = {
  HD_FIELD(hd_schedule, kind, CHOICE, .standard = "constant", .choices = kinds, .main = true, .help = "how the learning rate changes"),
  HD_FIELD(hd_schedule, every, REAL, .standard = "1", .high = 1e9, .help = "step: epochs between drops"),
  HD_FIELD(hd_schedule, factor, REAL, .standard = "0.1", .high = 1e3, .help = "step: of each drop"),
  HD_FIELD(hd_schedule, total, REAL, .standard = "all epochs", .high = 1e9, .help = "cosine: epochs to the floor"),
  HD_FIELD(hd_schedule, floor, REAL, .standard = "0", .high = 1, .help = "cosine: the last factor"),
  HD_FIELD(hd_schedule, warmup, REAL, .standard = "0", .high = 1e9, .help = "epochs of linear rise from 0")};
const hd_fields hd_schedule_fields = HD_FIELDS("schedule", hd_schedule, schedule_field);

static hd_schedule_attr filled(const hd_schedule *s, double steps, double epochs) {
  return (hd_schedule_attr){.kind = (int)s->kind, .every = hd_or(s->every, 1), .factor = hd_or(s->factor, 0.1f),
                            .total = hd_or(s->total, epochs > 0 ? (float)epochs : 1), .floor = s->floor, .warmup = s->warmup,
                            .steps = steps > 0 ? (float)steps : 1};
}

double hd_schedule_factor(const hd_schedule *s, double steps_per_epoch, double epochs, int64_t step) {
  hd_schedule_attr a = filled(s, steps_per_epoch, epochs);
  return hd_schedule_at(&a, step);
}

hd_val hd_optimizer_state(hd_optimizer_step *s, const char *name) {
  return hd_state_variable(s->scope, s->weight, name, s->weight.graph, *hd_type_of(s->weight), (hd_init){.kind = HD_ZEROS});
}

void hd_optimizer_assign(hd_optimizer_step *s, hd_val variable, hd_val value) {
  hd_assign(variable, hd_select(s->finite, value, variable));
}

static void minimize(hd_graph *g, hd_val loss, const hd_optimizer *optimizer, const hd_minimize_options *o, const hd_val *weight, const hd_val *gradient, int count) {
  const hd_optimizer_rule *rule = optimizer->rule;
  hd_scope *scope = hd_scope_begin(g, rule->name, NULL);
  hd_dtype real = hd_type_of(weight[0])->dtype;
  hd_val none = {0};
  hd_val steps = hd_state_variable(scope, none, "step", g, (hd_type){HD_I32, {0}}, (hd_init){.kind = HD_ZEROS});
  hd_val rate = hd_state_variable(scope, none, "lr", g, (hd_type){real, {0}}, (hd_init){.kind = HD_CONSTANT, .a = rule->lr(optimizer->options)});
  hd_val next = hd_increment(steps);
  if (o->schedule.kind != HD_SCHEDULE_CONSTANT || o->schedule.warmup > 0) {
    hd_schedule_attr a = filled(&o->schedule, o->steps_per_epoch, o->epochs);
    a.f64 = real == HD_F64;
    rate = hd_mul(rate, hd_schedule_node(steps, &a));
  }
  // x - x is 0 for every finite x and NaN for the others.
  hd_val finite = hd_equal(hd_sub(loss, loss), hd_scalar_like(loss, 0));
  hd_val t = hd_cast(next, real);
  for (int i = count - 1; i >= 0; i--) {  // the last layer's gradient is there first
    if (!hd_ok(gradient[i])) continue;
    hd_optimizer_step s = {.weight = weight[i], .gradient = gradient[i], .lr = rate, .t = t, .scope = scope, .finite = finite};
    rule->step(&s, optimizer->options);
  }
  hd_assign(steps, next);
  hd_scope_end(g, scope);
}

hd_update (hd_minimize)(hd_val loss, hd_optimizer optimizer, hd_minimize_options o) {
  hd_graph *g = loss.graph;
  if (!g || g->error.status) return (hd_update){0};
  if (!optimizer.rule) optimizer = hd_adam();
  int count = o.weights ? o.count : hd_weights(loss, NULL, 0);
  if (count < 1) return hd_graph_fail(g, HD_E_ARGUMENT, "minimize: the loss depends on no weight"), (hd_update){0};
  hd_val *list = hd_alloc(&g->env, sizeof *list * 2 * (size_t)count), *gradient = list + count;
  if (!list) return hd_graph_fail(g, HD_E_MEMORY, "memory is out building the graph"), (hd_update){0};
  if (o.weights) memcpy(list, o.weights, sizeof *list * (size_t)count);
  else hd_weights(loss, list, count);
  if (o.gradients) memcpy(gradient, o.gradients, sizeof *list * (size_t)count);
  else hd_gradients(loss, (hd_val){0}, list, count, gradient);
  int32_t first = g->assigns;
  if (!g->error.status) minimize(g, loss, &optimizer, &o, list, gradient, count);
  hd_release(&g->env, list);
  return g->error.status ? (hd_update){0} : (hd_update){g, first, g->assigns - first};
}
