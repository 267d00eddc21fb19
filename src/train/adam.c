// Adam: m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, w = w - lr m^ / (sqrt(v^) + eps),
// m^ = m / (1 - b1^t), v^ = v / (1 - b2^t). AMSGrad: the largest v so far for v.
#include "optimizer.h"

#define O hd_adam_options

static float lr(const void *options) { return hd_or(((const O *)options)->lr, 0.001f); }

static void step(hd_optimizer_step *s, const void *options) {
  const O *o = options;
  float b1 = hd_or(o->beta1, 0.9f), b2 = hd_or(o->beta2, 0.999f);
  hd_val g = o->decoupled ? s->gradient : hd_optimizer_l2(s, o->weight_decay);
  hd_val m = hd_optimizer_mean(s, "m", b1, g), v = hd_optimizer_mean(s, "v", b2, hd_square(g));
  if (o->amsgrad) {
    hd_val largest = hd_optimizer_state(s, "largest");
    v = hd_maximum(largest, v);
    hd_optimizer_assign(s, largest, v);
  }
  hd_val rate = hd_mul(s->lr, hd_optimizer_correction(s->t, b1));
  hd_val root = hd_sqrt(hd_optimizer_correction(s->t, b2));
  hd_val d =
      hd_div(hd_mul(m, rate), hd_add_scalar(hd_mul(hd_sqrt(v), root), hd_or(o->epsilon, 1e-8f)));
  if (o->weight_decay != 0 && o->decoupled)
    d = hd_add(d, hd_mul(s->weight, hd_scale(s->lr, o->weight_decay)));
  hd_optimizer_move(s, d);
}

static const hd_field field[] = {
    HD_FIELD(O, lr, REAL, .standard = "0.001", .high = 1e6, .main = true, .help = "learning rate"),
    HD_FIELD(O, beta1, REAL, .standard = "0.9", .high = 1, .help = "of the running mean"),
    HD_FIELD(O, beta2, REAL, .standard = "0.999", .high = 1,
             .help = "of the running mean of squares"),
    HD_FIELD(O, epsilon, REAL, .standard = "1e-8", .high = 1, .help = "added to the root"),
    HD_FIELD(O, weight_decay, REAL, .standard = "0", .high = 1e6, .help = "L2, or decoupled"),
    HD_FIELD(O, decoupled, BOOL, .standard = "false",
             .help = "weight decay outside the means (AdamW)"),
    HD_FIELD(O, amsgrad, BOOL, .standard = "false", .help = "divide by the largest v so far")};
static const hd_fields fields = HD_FIELDS("adam", O, field);

const hd_optimizer_rule hd_rule_adam = {"adam", &fields, lr, step};
hd_optimizer(hd_adam)(O o) { return hd_optimizer_of(&hd_rule_adam, &o); }
