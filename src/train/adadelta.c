// AdaDelta: s = rho s + (1 - rho) g^2, d = g sqrt(u + eps) / sqrt(s + eps), u = rho u + (1 - rho)
// d^2, w = w - lr d: u makes the units of the step those of the weight
#include "optimizer.h"

#define O hd_adadelta_options

static float lr(const void *options) { return hd_or(((const O *)options)->lr, 1); }

static void step(hd_optimizer_step *s, const void *options) {
  const O *o = options;
  float rho = hd_or(o->rho, 0.95f), epsilon = hd_or(o->epsilon, 1e-6f);
  hd_val g = hd_optimizer_l2(s, o->weight_decay);
  hd_val square = hd_optimizer_mean(s, "square", rho, hd_square(g));
  hd_val state = hd_optimizer_state(s, "step");
  hd_val ratio =
      hd_div(hd_sqrt(hd_add_scalar(state, epsilon)), hd_sqrt(hd_add_scalar(square, epsilon)));
  hd_val d = hd_mul(g, ratio);
  hd_optimizer_assign(s, state,
                      hd_add(hd_scale(state, rho), hd_scale(hd_square(d), 1 - (double)rho)));
  hd_optimizer_move(s, hd_mul(d, s->lr));
}

static const hd_field field[] = {
    HD_FIELD(O, lr, REAL, .standard = "1", .high = 1e6, .main = true, .help = "learning rate"),
    HD_FIELD(O, rho, REAL, .standard = "0.95", .high = 1,
             .help = "of both running means of squares"),
    HD_FIELD(O, epsilon, REAL, .standard = "1e-6", .high = 1, .help = "added within the roots"),
    HD_FIELD(O, weight_decay, REAL, .standard = "0", .high = 1e6,
             .help = "L2: g += weight_decay w")};
static const hd_fields fields = HD_FIELDS("adadelta", O, field);

const hd_optimizer_rule hd_rule_adadelta = {"adadelta", &fields, lr, step};
hd_optimizer(hd_adadelta)(O o) { return hd_optimizer_of(&hd_rule_adadelta, &o); }
