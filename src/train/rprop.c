// iRprop-: a step size for each weight, times up while its gradient keeps its sign, times down when
// it changes, and then no step; w = w - sign(g) size
#include "optimizer.h"

#define O hd_rprop_options

static float lr(const void *options) { return hd_or(((const O *)options)->lr, 0.01f); }

static void step(hd_optimizer_step *s, const void *options) {
  const O *o = options;
  double first = (double)lr(options), least = (double)hd_or(o->smallest, 1e-6f),
         most = (double)hd_or(o->largest, 50);
  hd_val g = s->gradient, last = hd_optimizer_state(s, "last");
  hd_val state = hd_optimizer_state_from(s, "size", 1);
  hd_val zero = hd_scalar_like(g, 0), one = hd_scalar_like(g, 1);
  hd_val turn = hd_mul(hd_sign(g), hd_sign(last));
  hd_val down =
      hd_select(hd_less(turn, zero), hd_scalar_like(g, (double)hd_or(o->down, 0.5f)), one);
  hd_val factor =
      hd_select(hd_greater(turn, zero), hd_scalar_like(g, (double)hd_or(o->up, 1.2f)), down);
  hd_val size = hd_mul(state, factor);  // in units of lr, so that schedules act on it
  size = hd_minimum(hd_maximum(size, hd_scalar_like(g, least / first)),
                    hd_scalar_like(g, most / first));
  g = hd_select(hd_less(turn, zero), zero, g);
  hd_optimizer_assign(s, state, size);
  hd_optimizer_assign(s, last, g);
  hd_optimizer_move(s, hd_mul(hd_mul(hd_sign(g), size), s->lr));
}

static const hd_field field[] = {
    HD_FIELD(O, lr, REAL, .standard = "0.01", .high = 1e6, .main = true,
             .help = "the first step size"),
    HD_FIELD(O, down, REAL, .standard = "0.5", .high = 1,
             .help = "of the size when the gradient changes its sign"),
    HD_FIELD(O, up, REAL, .standard = "1.2", .high = 100, .help = "of the size while it keeps it"),
    HD_FIELD(O, smallest, REAL, .standard = "1e-6", .high = 1e6, .help = "least step size"),
    HD_FIELD(O, largest, REAL, .standard = "50", .high = 1e6, .help = "largest step size")};
static const hd_fields fields = HD_FIELDS("rprop", O, field);

const hd_optimizer_rule hd_rule_rprop = {"rprop", &fields, lr, step};
hd_optimizer(hd_rprop)(O o) { return hd_optimizer_of(&hd_rule_rprop, &o); }
