// RMSProp: s = rho s + (1 - rho) g^2, w = w - lr g / (sqrt(s) + eps)
#include "optimizer.h"

static float lr(const void *options) { return hd_or(((const hd_rmsprop_options *)options)->lr, 0.001f); }

static void step(hd_optimizer_step *s, const void *options) {
  const hd_rmsprop_options *o = options;
  float rho = hd_or(o->rho, 0.9f);
  hd_val w = s->weight, g = s->gradient;
  if (o->weight_decay != 0) g = hd_add(g, hd_scale(w, o->weight_decay));
  hd_val state = hd_optimizer_state(s, "square");
  hd_val square = hd_add(hd_scale(state, rho), hd_scale(hd_square(g), 1 - (double)rho));
  hd_optimizer_assign(s, state, square);
  hd_val d = hd_div(g, hd_add_scalar(hd_sqrt(square), hd_or(o->epsilon, 1e-8f)));
  if (o->momentum != 0) {
    hd_val momentum = hd_optimizer_state(s, "momentum");
    d = hd_add(hd_scale(momentum, o->momentum), d);
    hd_optimizer_assign(s, momentum, d);
  }
  hd_optimizer_assign(s, w, hd_sub(w, hd_mul(d, s->lr)));
}

static const hd_field field[] = {
  HD_FIELD(hd_rmsprop_options, lr, REAL, .standard = "0.001", .high = 1e6, .main = true, .help = "learning rate"),
  HD_FIELD(hd_rmsprop_options, rho, REAL, .standard = "0.9", .high = 1, .help = "of the running mean of squares"),
  HD_FIELD(hd_rmsprop_options, epsilon, REAL, .standard = "1e-8", .high = 1, .help = "added to the root"),
  HD_FIELD(hd_rmsprop_options, momentum, REAL, .standard = "0", .high = 1, .help = "of the scaled step"),
  HD_FIELD(hd_rmsprop_options, weight_decay, REAL, .standard = "0", .high = 1e6, .help = "L2: g += weight_decay w")};
static const hd_fields fields = HD_FIELDS("rmsprop", hd_rmsprop_options, field);

const hd_optimizer_rule hd_rule_rmsprop = {"rmsprop", &fields, lr, step};
hd_optimizer (hd_rmsprop)(hd_rmsprop_options o) { return hd_optimizer_of(&hd_rule_rmsprop, &o); }
