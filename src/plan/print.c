// A plan as text, a line per kernel call.
#include "../base/json.h"
#include "plan.h"

static void add_place(hd_text *t, hd_place p) {
  if (p.kind == HD_PLACE_WORKSPACE) hd_text_add(t, " @%lld", (long long)p.offset);
  else if (p.kind == HD_PLACE_FIXED) hd_text_add(t, " @store");
}

static void add_shape(hd_text *t, hd_shape s) {
  char text[96];
  hd_text_add(t, " %s", hd_shape_text(s, text, sizeof text));
}

void hd_plan_print(const hd_plan *p, void (*line)(void *user, const char *text), void *user) {
  if (!p) return;
  for (int i = 0; i < p->calls; i++) {
    const hd_call *c = &p->call[i];
    hd_text t = {.env = p->env};
    hd_text_add(&t, "%4d  %-36s", i, c->label);
    if (c->node) {
      for (int k = 0; k < c->n_in; k++) add_shape(&t, c->in_type[k].shape);
      hd_text_add(&t, " ->");
      add_shape(&t, c->out_type[0].shape);
      if (c->taken < 0) add_place(&t, c->out[0]);
      else hd_text_add(&t, " not stored");
    } else if (c->program) {
      hd_shape s = {.rank = c->program->p.rank};
      memcpy(s.d, c->program->p.d, sizeof *s.d * (size_t)s.rank);
      add_shape(&t, s);
      for (int k = 0; k < c->n_out; k++) add_place(&t, c->out[k]);
    } else add_shape(&t, c->out_type[0].shape);
    hd_text_add(&t, "  %.1f kB", c->bytes / 1e3);
    if (c->flop > 0) hd_text_add(&t, ", %.3g Mflop", c->flop / 1e6);
    hd_text_add(&t, ", ");
    for (int k = 0; k < c->phases; k++)
      hd_text_add(&t, "%s%lld", k ? "+" : "", (long long)c->parts[k]);
    hd_text_add(&t, " part%s", c->phases == 1 && c->parts[0] == 1 ? "" : "s");
    if (c->frozen) hd_text_add(&t, ", packed once");
    if (c->serial) hd_text_add(&t, ", one thread");
    if (!t.failed) line(user, t.at);
    hd_text_free(&t);
  }
}
