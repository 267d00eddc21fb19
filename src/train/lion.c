// Lion: w = w - lr (sign(b1 m + (1 - b1) g) + weight_decay w), m = b2 m + (1 - b2) g
#include "optimizer.h"

#define O hd_lion_options

static float lr(const void *options) { return hd_or(((const O *)options)->lr, 0.0001f); }

static void step(hd_optimizer_step *s, const void *options) {
  const O *o = options;
  float b1 = hd_or(o->beta1, 0.9f), b2 = hd_or(o->beta2, 0.99f);
  hd_val g = s->gradient, m = hd_optimizer_state(s, "m");
  hd_val d = hd_sign(hd_add(hd_scale(m, b1), hd_scale(g, 1 - (double)b1)));
  if (o->weight_decay != 0) d = hd_add(d, hd_scale(s->weight, o->weight_decay));
  hd_optimizer_assign(s, m, hd_add(hd_scale(m, b2), hd_scale(g, 1 - (double)b2)));
  hd_optimizer_move(s, hd_mul(d, s->lr));
}

static const hd_field field[] = {
    HD_FIELD(O, lr, REAL, .standard = "0.0001", .high = 1e6, .main = true, .help = "learning rate"),
    HD_FIELD(O, beta1, REAL, .standard = "0.9", .high = 1,
             .help = "of the mean that is stepped along"),
    HD_FIELD(O, beta2, REAL, .standard = "0.99", .high = 1, .help = "of the mean that is kept"),
    HD_FIELD(O, weight_decay, REAL, .standard = "0", .high = 1e6,
             .help = "decoupled: w -= lr weight_decay w")};
static const hd_fields fields = HD_FIELDS("lion", O, field);

const hd_optimizer_rule hd_rule_lion = {"lion", &fields, lr, step};
hd_optimizer(hd_lion)(O o) { return hd_optimizer_of(&hd_rule_lion, &o); }
