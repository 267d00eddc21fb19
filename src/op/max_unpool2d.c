// The gradient of max_pool2d: each dy goes to the tap that won; inputs dy, index, and like (x)
#include "window.h"

HD_REF(max_unpool2d) {
  (void)part;
  hd_pool2d g = hd_pool_of(a->attr, a->out_type[0].shape);
  const real *dy = a->in[0];
  const int32_t *index = a->in[1];
  real *dx = a->out[0];
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++) dx[i] = 0;
  for (int64_t n = 0; n < g.n; n++)
    for (int64_t p = 0; p < g.oh; p++)
      for (int64_t q = 0; q < g.ow; q++)
        for (int64_t c = 0; c < g.c; c++, dy++, index++) {
          int64_t at =
              *index < 0 || *index >= g.kh * g.kw ? -1 : hd_pool_pixel(&g, n, p, q, *index);
          if (at >= 0) dx[at * g.c + c] += *dy;
        }
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  const hd_pool2d_like *o = r->attr;
  hd_shape x = hd_like_shape(r, o->like), y;
  if (hd_like_known(r, o->like) || hd_rule_real(r, 0) || hd_pool_shape(r, &o->o, x, &y) ||
      hd_must_have(r, 0, y) || hd_must_have(r, 1, y))
    return HD_E_SHAPE;
  if (r->in[1].dtype != HD_I32)
    return hd_refuse(r, "index is %s, must be i32: output 1 of max_pool2d",
                     hd_dtype_name(r->in[1].dtype));
  r->out[0] = (hd_type){r->in[0].dtype, x};
  return HD_OK;
}

static void grad(hd_grad_rule *g) {
  const hd_pool2d_like *o = g->rule->attr;
  g->dx[0] = hd_max_pool_take(g->dy[0], g->rule->value[1], &o->o);
}

static hd_val rewrite(hd_rule *r, bool train) {
  (void)train;
  if (r->n_in == 2) return (hd_val){0};
  hd_pool2d_like o = *(const hd_pool2d_like *)r->attr;
  memcpy(o.like, r->in[2].shape.d, sizeof o.like);
  return hd_node_add(r->op, &o, r->value, 2);
}

static void run(const hd_args *a, int64_t part) {
  const hd_pool_prepared *p = a->data;
  p->kernels->max_unpool_run(&p->plan, part, a->in[0], a->in[1], a->out[0]);
  hd_unpool_finished(a, &p->plan, part);
}
static hd_status lower(hd_lowering *l) {
  const hd_pool2d_like *o = l->rule->attr;
  return hd_pool_lower(l, hd_pool_of(&o->o, hd_like_shape(l->rule, o->like)), run);
}

static const hd_field field[] = {HD_POOL2D_FIELDS, HD_LIKE_FIELD(hd_pool2d_like)};
static const hd_fields fields = HD_FIELDS("max_unpool2d", hd_pool2d_like, field);

static const hd_pool2d_like two = {.o = {.window = {2}}},
                            overlap = {.o = {.window = {3}, .stride = {2}}},
                            ceiling = {.o = {.window = {3}, .stride = {2}, .ceil = true}},
                            whole = {.o = {.window = {5, 6}}, .like = {2, 5, 6, 3}};
#define F_(n, h, w, c) \
  { \
    HD_F32, { \
      4, { n, h, w, c } \
    } \
  }
#define I_(n, h, w, c) \
  { \
    HD_I32, { \
      4, { n, h, w, c } \
    } \
  }
static const hd_case cases[] = {
    {.in = {F_(2, 2, 3, 3), I_(2, 2, 3, 3), F_(2, 4, 6, 3)},
     .fill = {0, HD_FILL_INDEX},
     .limit = 4,
     .attr = &two},
    {.in = {F_(2, 2, 2, 17), I_(2, 2, 2, 17), F_(2, 5, 5, 17)},
     .fill = {0, HD_FILL_INDEX},
     .limit = 4,
     .attr = &two},
    {.in = {F_(1, 3, 2, 2), I_(1, 3, 2, 2), F_(1, 7, 5, 2)},
     .fill = {0, HD_FILL_INDEX},
     .limit = 9,
     .attr = &overlap},
    {.in = {F_(2, 3, 2, 2), I_(2, 3, 2, 2), F_(2, 6, 4, 2)},
     .fill = {0, HD_FILL_INDEX},
     .limit = 2,
     .attr = &ceiling},
    {.in = {F_(2, 1, 1, 3), I_(2, 1, 1, 3)},
     .fill = {0, HD_FILL_INDEX},
     .limit = 30,
     .attr = &whole},
    {.in = {F_(2, 2, 2, 3), I_(2, 2, 3, 3), F_(2, 4, 6, 3)},
     .attr = &two,
     .refuse = "input 0 must be (2, 2, 3, 3), got (2, 2, 2, 3)"},
    {.in = {F_(2, 2, 3, 3), F_(2, 2, 3, 3), F_(2, 4, 6, 3)}, .attr = &two, .refuse = "must be i32"},
    {0}};

const hd_op hd_def_max_unpool2d = {.name = "max_unpool2d",
                                   .math = "dx: each dy added at the tap that won",
                                   .fields = &fields,
                                   .min_in = 2,
                                   .max_in = 3,
                                   .n_out = 1,
                                   .shape = shape,
                                   HD_REFS(max_unpool2d),
                                   .grad = grad,
                                   .lower = lower,
                                   .rewrite = rewrite,
                                   .after = true,
                                   .cases = cases};

hd_val hd_max_unpool2d(hd_val dy, hd_val index, hd_val x, const hd_pool2d_options *o) {
  hd_pool2d_like attr = {.o = *o};
  return hd_node_add(&hd_def_max_unpool2d, &attr, (hd_val[]){dy, index, x}, 3);
}
#endif
