// AdaGrad: s = s + g^2, w = w - lr g / (sqrt(s) + eps)
#include "optimizer.h"

#define O hd_adagrad_options

static float lr(const void *options) { return hd_or(((const O *)options)->lr, 0.01f); }

static void step(hd_optimizer_step *s, const void *options) {
  const O *o = options;
  hd_val g = hd_optimizer_l2(s, o->weight_decay);
  hd_val state = hd_optimizer_state_from(s, "square", o->initial);
  hd_val square = hd_add(state, hd_square(g));
  hd_optimizer_assign(s, state, square);
  hd_val d = hd_div(g, hd_add_scalar(hd_sqrt(square), hd_or(o->epsilon, 1e-10f)));
  hd_optimizer_move(s, hd_mul(d, s->lr));
}

static const hd_field field[] = {
    HD_FIELD(O, lr, REAL, .standard = "0.01", .high = 1e6, .main = true, .help = "learning rate"),
    HD_FIELD(O, epsilon, REAL, .standard = "1e-10", .high = 1, .help = "added to the root"),
    HD_FIELD(O, initial, REAL, .standard = "0", .high = 1e6, .help = "first sum of squares"),
    HD_FIELD(O, weight_decay, REAL, .standard = "0", .high = 1e6,
             .help = "L2: g += weight_decay w")};
static const hd_fields fields = HD_FIELDS("adagrad", O, field);

const hd_optimizer_rule hd_rule_adagrad = {"adagrad", &fields, lr, step};
hd_optimizer(hd_adagrad)(O o) { return hd_optimizer_of(&hd_rule_adagrad, &o); }
