// y = maximum over each window, and which tap it was; with the pools that are made of it
#include "window.h"

HD_REF(max_pool2d) {
  (void)part;
  hd_pool2d g = hd_pool_of(a->attr, a->in_type[0].shape);
  const real *x = a->in[0];
  real *y = a->out[0];
  int32_t *index = a->out[1];
  int64_t i = 0;
  for (int64_t n = 0; n < g.n; n++)
    for (int64_t p = 0; p < g.oh; p++)
      for (int64_t q = 0; q < g.ow; q++)
        for (int64_t c = 0; c < g.c; c++, i++) {
          int64_t best = -1;
          real most = 0;
          for (int64_t tap = 0; tap < g.kh * g.kw; tap++) {
            int64_t at = hd_pool_pixel(&g, n, p, q, tap);
            if (at < 0) continue;
            real v = x[at * g.c + c];
            if (best < 0 || v > most || (v != v && most == most)) best = tap, most = v;
          }
          if (y) y[i] = most;
          if (index) index[i] = (int32_t)best;
        }
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  if (hd_rule_real(r, 0) || hd_pool_shape(r, r->attr, r->in[0].shape, &r->out[0].shape))
    return HD_E_SHAPE;
  r->out[0].dtype = r->in[0].dtype;
  r->out[1] = (hd_type){HD_I32, r->out[0].shape};
  return HD_OK;
}

static void grad(hd_grad_rule *g) {
  g->dx[0] = hd_max_unpool2d(g->dy[0], g->rule->result[1], g->rule->value[0], g->rule->attr);
}

// One phase of any pooling kernel.
hd_status hd_pool_lower(hd_lowering *l, hd_pool2d g, hd_kernel_fn *run) {
  if (g.n < 1 || g.c < 1) return HD_OK;
  hd_pool_prepared *p = l->data = hd_lower_alloc(l, sizeof *p);
  if (!p) return HD_E_MEMORY;
  p->kernels = l->kernels;
  l->kernels->max_pool_plan(&g, &p->plan);
  hd_lower_parts(l, run, &p->plan.run);
  return HD_OK;
}

static void run(const hd_args *a, int64_t part) {
  const hd_pool_prepared *p = a->data;
  p->kernels->max_pool_run(&p->plan, part, a->in[0], a->out[0], a->out[1]);
}
static hd_status lower(hd_lowering *l) {
  if (!l->used[0]) return HD_OK;  // the kernel always writes y
  return hd_pool_lower(l, hd_pool_of(l->rule->attr, l->rule->in[0].shape), run);
}

static void cost(const hd_rule *r, double *flop) {
  hd_pool2d g = hd_pool_of(r->attr, r->in[0].shape);
  *flop = (double)g.n * (double)(g.oh * g.ow) * (double)(g.kh * g.kw) * (double)g.c;
}

static const hd_field field[] = {HD_POOL2D_FIELDS};
static const hd_fields fields = HD_FIELDS("max_pool2d", hd_pool2d_options, field);

static const hd_pool2d_options two = {.window = {2}}, overlap = {.window = {3}, .stride = {2}},
                               ceiling = {.window = {3}, .stride = {2}, .ceil = true},
                               ceiling_padded = {.window = {2},
                                                 .pad = HD_EXPLICIT,
                                                 .padding = {1, 1, 1, 1},
                                                 .ceil = true},
                               same = {.window = {3, 2}, .stride = {2, 1}, .pad = HD_SAME},
                               uneven = {.window = {3, 4},
                                         .stride = {1, 2},
                                         .padding = {2, 0, 1, 3}},
                               whole = {.window = {5, 6}},
                               outside = {.window = {2}, .padding = {2}}, large = {.window = {6}},
                               backward = {.window = {2}, .stride = {-1}};
#define X_(n, h, w, c) \
  { \
    { \
      HD_F32, { \
        4, { n, h, w, c } \
      } \
    } \
  }
static const hd_case cases[] = {
    {.in = X_(2, 4, 6, 3), .fill = {HD_FILL_DISTINCT}, .attr = &two},
    {.in = X_(2, 5, 5, 17), .fill = {HD_FILL_DISTINCT}, .attr = &two},
    {.in = X_(1, 7, 5, 2), .fill = {HD_FILL_DISTINCT}, .attr = &overlap},
    {.in = X_(2, 6, 4, 2), .fill = {HD_FILL_DISTINCT}, .attr = &ceiling},
    {.in = X_(1, 3, 4, 1), .fill = {HD_FILL_DISTINCT}, .attr = &ceiling_padded},
    {.in = X_(2, 5, 6, 3), .fill = {HD_FILL_DISTINCT}, .attr = &same},
    {.in = X_(2, 5, 6, 3), .fill = {HD_FILL_DISTINCT}, .attr = &uneven},
    {.in = X_(2, 5, 6, 3), .fill = {HD_FILL_DISTINCT}, .attr = &whole},
    {.in = X_(2, 5, 6, 3), .refuse = "needs a window"},
    {.in = X_(2, 5, 6, 3),
     .attr = &large,
     .refuse = "a window of 6 rows (6, dilation 1) does not fit into x (2, 5, 6, 3)"},
    {.in = X_(2, 5, 6, 3), .attr = &outside, .refuse = "must be smaller than the window 2"},
    {.in = X_(2, 5, 6, 3), .attr = &backward, .refuse = "stride must not be negative, got -1"},
    {.in = {{HD_F32, {2, {5, 6}}}},
     .attr = &two,
     .refuse = "needs images (N, H, W, C), got (5, 6)"},
    {.in = {{HD_I32, {4, {1, 4, 4, 1}}}}, .attr = &two, .refuse = "f32 or f64"},
    {0}};

const hd_op hd_def_max_pool2d = {
    .name = "max_pool2d",
    .onnx = "MaxPool",
    .math = "y[n,p,q,c] = max_rs x[n, p stride + r - top, q stride + s - left, c]",
    .fields = &fields,
    .min_in = 1,
    .max_in = 1,
    .n_out = 2,
    .shape = shape,
    HD_REFS(max_pool2d),
    .grad = grad,
    .lower = lower,
    .cost = cost,
    .kink = "ties: the gradient goes to the first tap; NaN wins",
    .cases = cases};

hd_val(hd_max_pool2d)(hd_val x, hd_pool2d_options options) {
  return hd_node_add(&hd_def_max_pool2d, &options, &x, 1);
}

hd_val(hd_min_pool2d)(hd_val x, hd_pool2d_options options) {
  return hd_neg((hd_max_pool2d)(hd_neg(x), options));
}

static hd_val images(hd_val x, const char *op) {
  char t[96];
  if (!hd_ok(x) || hd_type_of(x)->shape.rank == 4) return x;
  hd_graph_fail(x.graph, HD_E_SHAPE, "%s: needs images (N, H, W, C), got %s; use hd_reshape", op,
                hd_text_of(hd_type_of(x)->shape, t));
  return (hd_val){0};
}

hd_val hd_global_avg_pool2d(hd_val x) {
  return hd_mean(images(x, "global_avg_pool2d"), .axes = HD_AXIS(1) | HD_AXIS(2));
}

hd_val hd_global_max_pool2d(hd_val x) {
  return hd_reduce_max(images(x, "global_max_pool2d"), .axes = HD_AXIS(1) | HD_AXIS(2));
}
#endif
