// Stochastic gradient descent: v = momentum v + g, w = w - lr v; Nesterov: w = w - lr (g + momentum v)
#include "optimizer.h"

static float lr(const void *options) { return hd_or(((const hd_sgd_options *)options)->lr, 0.01f); }

static void step(hd_optimizer_step *s, const void *options) {
  const hd_sgd_options *o = options;
  hd_val w = s->weight, g = s->gradient;
  if (o->weight_decay != 0) g = hd_add(g, hd_scale(w, o->weight_decay));
  if (o->momentum != 0) {
    hd_val state = hd_optimizer_state(s, "momentum");
    hd_val v = hd_add(hd_scale(state, o->momentum), g);
    hd_optimizer_assign(s, state, v);
    g = o->nesterov ? hd_add(g, hd_scale(v, o->momentum)) : v;
  }
  hd_optimizer_assign(s, w, hd_sub(w, hd_mul(g, s->lr)));
}

static const hd_field field[] = {
  HD_FIELD(hd_sgd_options, lr, REAL, .standard = "0.01", .high = 1e6, .main = true, .help = "learning rate"),
  HD_FIELD(hd_sgd_options, momentum, REAL, .standard = "0", .high = 1, .help = "v = momentum v + g"),
  HD_FIELD(hd_sgd_options, nesterov, BOOL, .standard = "false", .help = "look ahead along the momentum"),
  HD_FIELD(hd_sgd_options, weight_decay, REAL, .standard = "0", .high = 1e6, .help = "L2: g += weight_decay w")};
static const hd_fields fields = HD_FIELDS("sgd", hd_sgd_options, field);

const hd_optimizer_rule hd_rule_sgd = {"sgd", &fields, lr, step};
hd_optimizer (hd_sgd)(hd_sgd_options o) { return hd_optimizer_of(&hd_rule_sgd, &o); }
