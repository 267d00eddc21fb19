// RAdam: Adam whose step is scaled by r_t, an estimate of how far the variance of 1 / sqrt(v^) is
// from its limit; as long as that variance is not finite, w = w - lr m^
#include "optimizer.h"

#define O hd_radam_options

static float lr(const void *options) { return hd_or(((const O *)options)->lr, 0.001f); }

// r_t, and 0 where rho_t <= 4: sqrt((p - 4) (p - 2) q / ((q - 4) (q - 2) p)) with q = 2 / (1 - b2)
// - 1 and p = q - 2 t b2^t / (1 - b2^t). Nearly equal numbers are subtracted: in double, with b2^t
// kept by multiplying, so that every machine has the same.
static hd_val rectification(hd_optimizer_step *s, double b2) {
  hd_type f64 = {HD_F64, {0}};
  hd_val state = hd_state_variable(s->scope, (hd_val){0}, "power", s->weight.graph, f64,
                                   (hd_init){.kind = HD_ONES});
  hd_val power = hd_scale(state, b2), t = hd_cast(s->t, HD_F64), one = hd_scalar_like(power, 1);
  hd_optimizer_assign(s, state, power);
  double q = 2 / (1 - b2) - 1;
  hd_val p =
      hd_sub(hd_scalar_like(t, q), hd_div(hd_mul(hd_scale(t, 2), power), hd_sub(one, power)));
  p = hd_maximum(p, hd_scalar_like(p, 4));
  hd_val part = hd_mul(hd_add_scalar(p, -4), hd_div(hd_add_scalar(p, -2), p));
  return hd_sqrt(hd_scale(part, q / ((q - 4) * (q - 2))));
}

static void step(hd_optimizer_step *s, const void *options) {
  const O *o = options;
  float b1 = hd_or(o->beta1, 0.9f), b2 = hd_or(o->beta2, 0.999f);
  hd_val g = hd_optimizer_l2(s, o->weight_decay), zero = hd_scalar_like(s->t, 0);
  if (!hd_ok(*s->shared))
    *s->shared = hd_cast(rectification(s, (double)b2), hd_type_of(s->t)->dtype);
  hd_val m = hd_optimizer_mean(s, "m", b1, g), v = hd_optimizer_mean(s, "v", b2, hd_square(g));
  hd_val r = *s->shared;
  hd_val root = hd_mul(hd_sqrt(v), hd_sqrt(hd_optimizer_correction(s->t, b2)));
  hd_val plain = hd_mul(m, hd_mul(s->lr, hd_optimizer_correction(s->t, b1)));
  hd_val scaled = hd_div(hd_mul(plain, r), hd_add_scalar(root, hd_or(o->epsilon, 1e-8f)));
  hd_optimizer_move(s, hd_select(hd_greater(r, zero), scaled, plain));
}

static const hd_field field[] = {
    HD_FIELD(O, lr, REAL, .standard = "0.001", .high = 1e6, .main = true, .help = "learning rate"),
    HD_FIELD(O, beta1, REAL, .standard = "0.9", .high = 1, .help = "of the running mean"),
    HD_FIELD(O, beta2, REAL, .standard = "0.999", .high = 1,
             .help = "of the running mean of squares"),
    HD_FIELD(O, epsilon, REAL, .standard = "1e-8", .high = 1, .help = "added to the root"),
    HD_FIELD(O, weight_decay, REAL, .standard = "0", .high = 1e6,
             .help = "L2: g += weight_decay w")};
static const hd_fields fields = HD_FIELDS("radam", O, field);

const hd_optimizer_rule hd_rule_radam = {"radam", &fields, lr, step};
hd_optimizer(hd_radam)(O o) { return hd_optimizer_of(&hd_rule_radam, &o); }
