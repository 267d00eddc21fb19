// SGD with momentum: v = mu v + g, w = w - lr v; Nesterov: w -= lr (g + mu v).
// The classical form keeps lr within v: v = mu v - lr g, w = w + v; Nesterov: w += mu v - lr g.
#include "optimizer.h"

#define O hd_sgd_options

static float lr(const void *options) { return hd_or(((const O *)options)->lr, 0.01f); }

static void step(hd_optimizer_step *s, const void *options) {
  const O *o = options;
  hd_val g = hd_optimizer_l2(s, o->weight_decay);
  bool classical = o->form == HD_SGD_CLASSICAL;
  if (classical) g = hd_mul(g, s->lr);
  if (o->momentum != 0) {  // v is kept with the sign of the gradient in both forms
    hd_val state = hd_optimizer_state(s, "momentum");
    hd_val v = hd_add(hd_scale(state, o->momentum),
                      o->dampening != 0 ? hd_scale(g, 1 - (double)o->dampening) : g);
    hd_optimizer_assign(s, state, v);
    g = o->nesterov ? hd_add(g, hd_scale(v, o->momentum)) : v;
  }
  hd_optimizer_move(s, classical ? g : hd_mul(g, s->lr));
}

static const char *const forms[] = {"gradient", "classical", NULL};
static const hd_field field[] = {
    HD_FIELD(O, lr, REAL, .standard = "0.01", .high = 1e6, .main = true, .help = "learning rate"),
    HD_FIELD(O, momentum, REAL, .standard = "0", .high = 1, .help = "v = momentum v + g"),
    HD_FIELD(O, dampening, REAL, .standard = "0", .high = 1,
             .help = "v = momentum v + (1 - dampening) g"),
    HD_FIELD(O, nesterov, BOOL, .standard = "false", .help = "look ahead along the momentum"),
    HD_FIELD(O, form, CHOICE, .standard = "gradient", .choices = forms,
             .help = "classical: v = momentum v - lr g, w = w + v"),
    HD_FIELD(O, weight_decay, REAL, .standard = "0", .high = 1e6,
             .help = "L2: g += weight_decay w")};
static const hd_fields fields = HD_FIELDS("sgd", O, field);

const hd_optimizer_rule hd_rule_sgd = {"sgd", &fields, lr, step};
hd_optimizer(hd_sgd)(O o) { return hd_optimizer_of(&hd_rule_sgd, &o); }
