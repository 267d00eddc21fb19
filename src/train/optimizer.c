// The optimisers by name, and what their rules share.
#include "optimizer.h"

static const hd_optimizer_rule *const rules[] = {
    &hd_rule_sgd,  &hd_rule_rmsprop, &hd_rule_adagrad, &hd_rule_adadelta,
    &hd_rule_adam, &hd_rule_adamax,  &hd_rule_nadam,   &hd_rule_radam,
    &hd_rule_lion, &hd_rule_lamb,    &hd_rule_rprop,   &hd_rule_sgld};
static const char *const names[] = {"sgd",    "rmsprop", "adagrad", "adadelta", "adam",
                                    "adamax", "nadam",   "radam",   "lion",     "lamb",
                                    "rprop",  "sgld",    NULL};

const char *const *hd_optimizer_names(void) { return names; }
const hd_optimizer_rule *hd_optimizer_find(const char *name) {
  for (size_t i = 0; i < HD_COUNT(rules); i++)
    if (!strcmp(rules[i]->name, name)) return rules[i];
  return NULL;
}
const hd_fields *hd_optimizer_fields(const hd_optimizer_rule *rule) { return rule->fields; }

hd_optimizer hd_optimizer_of(const hd_optimizer_rule *rule, const void *options) {
  hd_optimizer o = {.rule = rule};
  _Static_assert(sizeof(hd_sgd_options) <= sizeof o.options &&
                     sizeof(hd_rmsprop_options) <= sizeof o.options &&
                     sizeof(hd_adam_options) <= sizeof o.options &&
                     sizeof(hd_rprop_options) <= sizeof o.options,
                 "room");
  memcpy(o.options, options, rule->fields->size);
  return o;
}

hd_val hd_optimizer_state(hd_optimizer_step *s, const char *name) {
  return hd_optimizer_state_from(s, name, 0);
}
hd_val hd_optimizer_state_from(hd_optimizer_step *s, const char *name, float first) {
  return hd_state_variable(s->scope, s->weight, name, s->weight.graph, *hd_type_of(s->weight),
                           (hd_init){.kind = HD_CONSTANT, .a = first});
}

void hd_optimizer_assign(hd_optimizer_step *s, hd_val variable, hd_val value) {
  hd_assign(variable, hd_select(s->finite, value, variable));
}

// The weights of a unit, which are along all axes but the last, scaled down to a norm.
static hd_val within(hd_val w, float norm) {
  int rank = hd_ok(w) ? hd_type_of(w)->shape.rank : 0;
  if (norm == 0 || rank < 2) return w;
  hd_val size = hd_sqrt(hd_sum(hd_square(w), .axes = HD_AXIS(rank - 1) - 1, .keep = true));
  return hd_mul(w, hd_minimum(hd_div(hd_scalar_like(w, (double)norm), size), hd_scalar_like(w, 1)));
}

void hd_optimizer_move(hd_optimizer_step *s, hd_val by) {
  hd_val w = within(hd_sub(s->weight, by), s->max_norm);
  hd_optimizer_assign(s, s->weight, w);
  if (!hd_ok(s->fresh)) return;
  hd_val mean = hd_optimizer_state(s, "average"),
         old = hd_sub(hd_scalar_like(s->fresh, 1), s->fresh);
  hd_optimizer_assign(s, mean, hd_add(hd_mul(mean, old), hd_mul(w, s->fresh)));
}

hd_val hd_optimizer_l2(const hd_optimizer_step *s, float decay) {
  return decay != 0 ? hd_add(s->gradient, hd_scale(s->weight, decay)) : s->gradient;
}

hd_val hd_optimizer_mean(hd_optimizer_step *s, const char *name, float beta, hd_val x) {
  hd_val state = hd_optimizer_state(s, name);
  hd_val next = hd_add(hd_scale(state, beta), hd_scale(x, 1 - (double)beta));
  hd_optimizer_assign(s, state, next);
  return next;
}

hd_val hd_optimizer_correction(hd_val t, float beta) {
  return hd_reciprocal(hd_sub(hd_scalar_like(t, 1), hd_pow(hd_scalar_like(t, beta), t)));
}
