// LAMB: u = m^ / (sqrt(v^) + eps) + weight_decay w, w = w - lr u |w| / |u| (1 for a ratio that is 0
// or not defined), norms over each weight
#include "optimizer.h"

#define O hd_lamb_options

static float lr(const void *options) { return hd_or(((const O *)options)->lr, 0.001f); }

static hd_val norm(hd_val x) { return hd_sqrt(hd_sum(hd_square(x))); }

static void step(hd_optimizer_step *s, const void *options) {
  const O *o = options;
  float b1 = hd_or(o->beta1, 0.9f), b2 = hd_or(o->beta2, 0.999f);
  hd_val g = s->gradient, w = s->weight;
  hd_val m = hd_optimizer_mean(s, "m", b1, g), v = hd_optimizer_mean(s, "v", b2, hd_square(g));
  hd_val root = hd_mul(hd_sqrt(v), hd_sqrt(hd_optimizer_correction(s->t, b2)));
  hd_val u = hd_div(hd_mul(m, hd_optimizer_correction(s->t, b1)),
                    hd_add_scalar(root, hd_or(o->epsilon, 1e-6f)));
  if (o->weight_decay != 0) u = hd_add(u, hd_scale(w, o->weight_decay));
  hd_val of_w = norm(w), of_u = norm(u), zero = hd_scalar_like(w, 0), one = hd_scalar_like(w, 1);
  hd_val both = hd_greater(hd_minimum(of_w, of_u), zero);
  hd_val ratio = hd_select(both, hd_div(of_w, of_u), one);
  hd_optimizer_move(s, hd_mul(u, hd_mul(s->lr, ratio)));
}

static const hd_field field[] = {
    HD_FIELD(O, lr, REAL, .standard = "0.001", .high = 1e6, .main = true, .help = "learning rate"),
    HD_FIELD(O, beta1, REAL, .standard = "0.9", .high = 1, .help = "of the running mean"),
    HD_FIELD(O, beta2, REAL, .standard = "0.999", .high = 1,
             .help = "of the running mean of squares"),
    HD_FIELD(O, epsilon, REAL, .standard = "1e-6", .high = 1, .help = "added to the root"),
    HD_FIELD(O, weight_decay, REAL, .standard = "0", .high = 1e6,
             .help = "added to the direction")};
static const hd_fields fields = HD_FIELDS("lamb", O, field);

const hd_optimizer_rule hd_rule_lamb = {"lamb", &fields, lr, step};
hd_optimizer(hd_lamb)(O o) { return hd_optimizer_of(&hd_rule_lamb, &o); }
