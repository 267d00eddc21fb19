// AdaMax: m = b1 m + (1 - b1) g, u = max(b2 u, |g|), w = w - lr m / (1 - b1^t) / (u + eps)
#include "optimizer.h"

#define O hd_adamax_options

static float lr(const void *options) { return hd_or(((const O *)options)->lr, 0.002f); }

static void step(hd_optimizer_step *s, const void *options) {
  const O *o = options;
  float b1 = hd_or(o->beta1, 0.9f), b2 = hd_or(o->beta2, 0.999f);
  hd_val g = hd_optimizer_l2(s, o->weight_decay), m = hd_optimizer_mean(s, "m", b1, g);
  hd_val state = hd_optimizer_state(s, "u");
  hd_val u = hd_maximum(hd_scale(state, b2), hd_abs(g));
  hd_val rate = hd_mul(s->lr, hd_optimizer_correction(s->t, b1));
  hd_optimizer_assign(s, state, u);
  hd_optimizer_move(s, hd_div(hd_mul(m, rate), hd_add_scalar(u, hd_or(o->epsilon, 1e-8f))));
}

static const hd_field field[] = {
    HD_FIELD(O, lr, REAL, .standard = "0.002", .high = 1e6, .main = true, .help = "learning rate"),
    HD_FIELD(O, beta1, REAL, .standard = "0.9", .high = 1, .help = "of the running mean"),
    HD_FIELD(O, beta2, REAL, .standard = "0.999", .high = 1,
             .help = "how slowly the largest gradient is forgotten"),
    HD_FIELD(O, epsilon, REAL, .standard = "1e-8", .high = 1, .help = "added to u"),
    HD_FIELD(O, weight_decay, REAL, .standard = "0", .high = 1e6,
             .help = "L2: g += weight_decay w")};
static const hd_fields fields = HD_FIELDS("adamax", O, field);

const hd_optimizer_rule hd_rule_adamax = {"adamax", &fields, lr, step};
hd_optimizer(hd_adamax)(O o) { return hd_optimizer_of(&hd_rule_adamax, &o); }
