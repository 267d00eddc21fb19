// Nadam: Adam with the mean that the next step would use,
// m^ = b1 m / (1 - b1^(t+1)) + (1 - b1) g / (1 - b1^t)
#include "optimizer.h"

#define O hd_nadam_options

static float lr(const void *options) { return hd_or(((const O *)options)->lr, 0.002f); }

static void step(hd_optimizer_step *s, const void *options) {
  const O *o = options;
  float b1 = hd_or(o->beta1, 0.9f), b2 = hd_or(o->beta2, 0.999f);
  hd_val g = hd_optimizer_l2(s, o->weight_decay);
  hd_val m = hd_optimizer_mean(s, "m", b1, g), v = hd_optimizer_mean(s, "v", b2, hd_square(g));
  hd_val ahead = hd_scale(hd_optimizer_correction(hd_add_scalar(s->t, 1), b1), b1);
  hd_val now = hd_scale(hd_optimizer_correction(s->t, b1), 1 - (double)b1);
  hd_val root = hd_sqrt(hd_optimizer_correction(s->t, b2));
  hd_val d = hd_add(hd_mul(m, hd_mul(s->lr, ahead)), hd_mul(g, hd_mul(s->lr, now)));
  hd_optimizer_move(s,
                    hd_div(d, hd_add_scalar(hd_mul(hd_sqrt(v), root), hd_or(o->epsilon, 1e-8f))));
}

static const hd_field field[] = {
    HD_FIELD(O, lr, REAL, .standard = "0.002", .high = 1e6, .main = true, .help = "learning rate"),
    HD_FIELD(O, beta1, REAL, .standard = "0.9", .high = 1, .help = "of the running mean"),
    HD_FIELD(O, beta2, REAL, .standard = "0.999", .high = 1,
             .help = "of the running mean of squares"),
    HD_FIELD(O, epsilon, REAL, .standard = "1e-8", .high = 1, .help = "added to the root"),
    HD_FIELD(O, weight_decay, REAL, .standard = "0", .high = 1e6,
             .help = "L2: g += weight_decay w")};
static const hd_fields fields = HD_FIELDS("nadam", O, field);

const hd_optimizer_rule hd_rule_nadam = {"nadam", &fields, lr, step};
hd_optimizer(hd_nadam)(O o) { return hd_optimizer_of(&hd_rule_nadam, &o); }
