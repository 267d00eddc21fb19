// Adam: m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, w = w - lr m^ / (sqrt(v^) + eps),
// m^ = m / (1 - b1^t), v^ = v / (1 - b2^t)
#include "optimizer.h"

static float lr(const void *options) { return hd_or(((const hd_adam_options *)options)->lr, 0.001f); }

static hd_val mean(hd_optimizer_step *s, const char *name, float beta, hd_val x) {
  hd_val state = hd_optimizer_state(s, name);
  hd_val next = hd_add(hd_scale(state, beta), hd_scale(x, 1 - (double)beta));
  hd_optimizer_assign(s, state, next);
  return next;
}

// 1 / (1 - beta^t), a scalar
static hd_val correction(hd_optimizer_step *s, float beta) {
  hd_val power = hd_pow(hd_scalar_like(s->t, beta), s->t);
  return hd_reciprocal(hd_sub(hd_scalar_like(s->t, 1), power));
}

static void step(hd_optimizer_step *s, const void *options) {
  const hd_adam_options *o = options;
  float b1 = hd_or(o->beta1, 0.9f), b2 = hd_or(o->beta2, 0.999f);
  hd_val w = s->weight, g = s->gradient;
  if (o->weight_decay != 0 && !o->decoupled) g = hd_add(g, hd_scale(w, o->weight_decay));
  hd_val m = mean(s, "m", b1, g), v = mean(s, "v", b2, hd_square(g));
  hd_val rate = hd_mul(s->lr, correction(s, b1)), root = hd_sqrt(correction(s, b2));
  hd_val d = hd_div(hd_mul(m, rate), hd_add_scalar(hd_mul(hd_sqrt(v), root), hd_or(o->epsilon, 1e-8f)));
  if (o->weight_decay != 0 && o->decoupled) d = hd_add(d, hd_mul(w, hd_scale(s->lr, o->weight_decay)));
  hd_optimizer_assign(s, w, hd_sub(w, d));
}

static const hd_field field[] = {
  HD_FIELD(hd_adam_options, lr, REAL, .standard = "0.001", .high = 1e6, .main = true, .help = "learning rate"),
  HD_FIELD(hd_adam_options, beta1, REAL, .standard = "0.9", .high = 1, .help = "of the running mean"),
  HD_FIELD(hd_adam_options, beta2, REAL, .standard = "0.999", .high = 1, .help = "of the running mean of squares"),
  HD_FIELD(hd_adam_options, epsilon, REAL, .standard = "1e-8", .high = 1, .help = "added to the root"),
  HD_FIELD(hd_adam_options, weight_decay, REAL, .standard = "0", .high = 1e6, .help = "L2, or decoupled"),
  HD_FIELD(hd_adam_options, decoupled, BOOL, .standard = "false", .help = "weight decay outside the means (AdamW)")};
static const hd_fields fields = HD_FIELDS("adam", hd_adam_options, field);

const hd_optimizer_rule hd_rule_adam = {"adam", &fields, lr, step};
hd_optimizer (hd_adam)(hd_adam_options o) { return hd_optimizer_of(&hd_rule_adam, &o); }
