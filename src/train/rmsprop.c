// RMSProp: s = rho s + (1 - rho) g^2, w = w - lr g / (sqrt(s) + eps); centered: s - (mean of g)^2
// for s
#include "optimizer.h"

#define O hd_rmsprop_options

static float lr(const void *options) { return hd_or(((const O *)options)->lr, 0.001f); }

static void step(hd_optimizer_step *s, const void *options) {
  const O *o = options;
  float rho = hd_or(o->rho, 0.9f);
  hd_val g = hd_optimizer_l2(s, o->weight_decay);
  hd_val square = hd_optimizer_mean(s, "square", rho, hd_square(g));
  if (o->centered) {  // rounding must not take it below 0
    square = hd_sub(square, hd_square(hd_optimizer_mean(s, "mean", rho, g)));
    square = hd_maximum(square, hd_scalar_like(square, 0));
  }
  hd_val d = hd_div(g, hd_add_scalar(hd_sqrt(square), hd_or(o->epsilon, 1e-8f)));
  if (o->momentum != 0) {
    hd_val momentum = hd_optimizer_state(s, "momentum");
    d = hd_add(hd_scale(momentum, o->momentum), d);
    hd_optimizer_assign(s, momentum, d);
  }
  hd_optimizer_move(s, hd_mul(d, s->lr));
}

static const hd_field field[] = {
    HD_FIELD(O, lr, REAL, .standard = "0.001", .high = 1e6, .main = true, .help = "learning rate"),
    HD_FIELD(O, rho, REAL, .standard = "0.9", .high = 1, .help = "of the running mean of squares"),
    HD_FIELD(O, epsilon, REAL, .standard = "1e-8", .high = 1, .help = "added to the root"),
    HD_FIELD(O, momentum, REAL, .standard = "0", .high = 1, .help = "of the scaled step"),
    HD_FIELD(O, centered, BOOL, .standard = "false",
             .help = "divide by the deviation, not the root of the mean square"),
    HD_FIELD(O, weight_decay, REAL, .standard = "0", .high = 1e6,
             .help = "L2: g += weight_decay w")};
static const hd_fields fields = HD_FIELDS("rmsprop", O, field);

const hd_optimizer_rule hd_rule_rmsprop = {"rmsprop", &fields, lr, step};
hd_optimizer(hd_rmsprop)(O o) { return hd_optimizer_of(&hd_rule_rmsprop, &o); }
