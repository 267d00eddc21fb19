// Stochastic gradient Langevin dynamics: w = w - lr / 2 (samples g + w / prior^2) + noise of
// variance lr temperature. Its steps wander over the posterior instead of ending in one place.
#include <math.h>

#include "optimizer.h"

#define O hd_sgld_options

static float lr(const void *options) { return hd_or(((const O *)options)->lr, 1e-4f); }

static void step(hd_optimizer_step *s, const void *options) {
  const O *o = options;
  hd_val force = o->samples > 0 ? hd_scale(s->gradient, o->samples) : s->gradient;
  if (o->prior > 0)
    force = hd_add(force, hd_scale(s->weight, 1 / ((double)o->prior * (double)o->prior)));
  float deviation = sqrtf(hd_or(o->temperature, 1));
  hd_val noise = hd_random_noise(s->weight, .deviation = deviation, .shared = true);
  hd_optimizer_move(s, hd_sub(hd_mul(force, hd_scale(s->lr, 0.5)), hd_mul(noise, hd_sqrt(s->lr))));
}

static const hd_field field[] = {
    HD_FIELD(O, lr, REAL, .standard = "0.0001", .high = 1e6, .main = true,
             .help = "step size: the variance of a step's noise"),
    HD_FIELD(O, samples, REAL, .standard = "1", .low = 1, .high = 1e15,
             .help = "of the training set: the loss is the mean over them"),
    HD_FIELD(O, prior, REAL, .standard = "0", .low = 0, .high = 1e15,
             .help = "deviation of the weights' normal prior; 0: flat"),
    HD_FIELD(O, temperature, REAL, .standard = "1", .low = 1e-12, .high = 1e12,
             .help = "factor on the variance of the noise")};
static const hd_fields fields = HD_FIELDS("sgld", O, field);

const hd_optimizer_rule hd_rule_sgld = {"sgld", &fields, lr, step};
hd_optimizer(hd_sgld)(O o) { return hd_optimizer_of(&hd_rule_sgld, &o); }
