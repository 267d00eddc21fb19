// The gradient of avg_pool2d: each dy spread evenly over its window; inputs dy, and like (x)
#include "window.h"

HD_REF(avg_unpool2d) {
  (void)part;
  hd_pool2d g = hd_pool_of(a->attr, a->out_type[0].shape);
  const real *dy = a->in[0];
  real *dx = a->out[0];
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++) dx[i] = 0;
  for (int64_t n = 0; n < g.n; n++)
    for (int64_t p = 0; p < g.oh; p++)
      for (int64_t q = 0; q < g.ow; q++, dy += g.c) {
        int64_t count = 0, taps = g.kh * g.kw;
        for (int64_t tap = 0; tap < taps; tap++)
          count += g.count_padding || hd_pool_pixel(&g, n, p, q, tap) >= 0;
        for (int64_t tap = 0; tap < taps; tap++) {
          int64_t at = hd_pool_pixel(&g, n, p, q, tap);
          for (int64_t c = 0; at >= 0 && c < g.c; c++) dx[at * g.c + c] += dy[c] / (real)count;
        }
      }
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  const hd_pool2d_like *o = r->attr;
  hd_shape x = hd_like_shape(r, o->like), y;
  if (hd_like_known(r, o->like) || hd_rule_real(r, 0) || hd_pool_shape(r, &o->o, x, &y) ||
      hd_must_have(r, 0, y))
    return HD_E_SHAPE;
  r->out[0] = (hd_type){r->in[0].dtype, x};
  return HD_OK;
}

static void grad(hd_grad_rule *g) {
  const hd_pool2d_like *o = g->rule->attr;
  g->dx[0] = (hd_avg_pool2d)(g->dy[0], o->o);
}

static hd_val rewrite(hd_rule *r, bool train) {
  (void)train;
  if (r->n_in == 1) return (hd_val){0};
  hd_pool2d_like o = *(const hd_pool2d_like *)r->attr;
  memcpy(o.like, r->in[1].shape.d, sizeof o.like);
  return hd_node_add(r->op, &o, r->value, 1);
}

static void run(const hd_args *a, int64_t part) {
  const hd_pool_prepared *p = a->data;
  p->kernels->avg_unpool_run(&p->plan, part, a->in[0], a->out[0]);
  hd_unpool_finished(a, &p->plan, part);
}
static hd_status lower(hd_lowering *l) {
  const hd_pool2d_like *o = l->rule->attr;
  return hd_pool_lower(l, hd_pool_of(&o->o, hd_like_shape(l->rule, o->like)), run);
}

static const hd_field field[] = {HD_POOL2D_FIELDS, HD_LIKE_FIELD(hd_pool2d_like)};
static const hd_fields fields = HD_FIELDS("avg_unpool2d", hd_pool2d_like, field);

static const hd_pool2d_like
    two = {.o = {.window = {2}}},
    overlap = {.o = {.window = {3}, .stride = {2}}},
    ceiling = {.o = {.window = {3}, .stride = {2}, .ceil = true}},
    counted = {.o = {.window = {3}, .stride = {1}, .pad = HD_SAME, .count_padding = true}},
    uneven = {.o = {.window = {3, 4}, .stride = {1, 2}, .padding = {2, 0, 1, 3}}},
    whole = {.o = {.window = {5, 6}}, .like = {2, 5, 6, 3}};
#define F_(n, h, w, c) \
  { \
    HD_F32, { \
      4, { n, h, w, c } \
    } \
  }
static const hd_case cases[] = {{.in = {F_(2, 2, 3, 3), F_(2, 4, 6, 3)}, .attr = &two},
                                {.in = {F_(2, 2, 2, 17), F_(2, 5, 5, 17)}, .attr = &two},
                                {.in = {F_(1, 3, 2, 2), F_(1, 7, 5, 2)}, .attr = &overlap},
                                {.in = {F_(2, 3, 2, 2), F_(2, 6, 4, 2)}, .attr = &ceiling},
                                {.in = {F_(2, 5, 6, 3), F_(2, 5, 6, 3)}, .attr = &counted},
                                {.in = {F_(2, 6, 3, 3), F_(2, 5, 6, 3)}, .attr = &uneven},
                                {.in = {F_(2, 1, 1, 3)}, .attr = &whole},
                                {.in = {F_(2, 2, 2, 3), F_(2, 4, 6, 3)},
                                 .attr = &two,
                                 .refuse = "input 0 must be (2, 2, 3, 3), got (2, 2, 2, 3)"},
                                {0}};

const hd_op hd_def_avg_unpool2d = {.name = "avg_unpool2d",
                                   .math = "dx: each dy spread over its window",
                                   .fields = &fields,
                                   .min_in = 1,
                                   .max_in = 2,
                                   .n_out = 1,
                                   .shape = shape,
                                   HD_REFS(avg_unpool2d),
                                   .grad = grad,
                                   .lower = lower,
                                   .rewrite = rewrite,
                                   .after = true,
                                   .cases = cases};

hd_val hd_avg_unpool2d(hd_val dy, hd_val x, const hd_pool2d_options *o) {
  hd_pool2d_like attr = {.o = *o};
  return hd_node_add(&hd_def_avg_unpool2d, &attr, (hd_val[]){dy, x}, 2);
}
#endif
