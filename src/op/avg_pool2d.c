// y = mean over each window, of the pixels inside the image (or of the whole window: count_padding)
#include "window.h"

HD_REF(avg_pool2d) {
  (void)part;
  hd_pool2d g = hd_pool_of(a->attr, a->in_type[0].shape);
  const real *x = a->in[0];
  real *y = a->out[0];
  for (int64_t n = 0; n < g.n; n++)
    for (int64_t p = 0; p < g.oh; p++)
      for (int64_t q = 0; q < g.ow; q++)
        for (int64_t c = 0; c < g.c; c++) {
          real sum = 0;
          int64_t count = 0;
          for (int64_t tap = 0; tap < g.kh * g.kw; tap++) {
            int64_t at = hd_pool_pixel(&g, n, p, q, tap);
            if (at >= 0) sum += x[at * g.c + c], count++;
          }
          *y++ = sum / (real)(g.count_padding ? g.kh * g.kw : count);
        }
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  if (hd_rule_real(r, 0)) return HD_E_SHAPE;
  r->out[0].dtype = r->in[0].dtype;
  return hd_pool_shape(r, r->attr, r->in[0].shape, &r->out[0].shape);
}

static void grad(hd_grad_rule *g) {
  g->dx[0] = hd_avg_unpool2d(g->dy[0], g->rule->value[0], g->rule->attr);
}

static void run(const hd_args *a, int64_t part) {
  const hd_pool_prepared *p = a->data;
  p->kernels->avg_pool_run(&p->plan, part, a->in[0], a->out[0]);
}
static hd_status lower(hd_lowering *l) {
  return hd_pool_lower(l, hd_pool_of(l->rule->attr, l->rule->in[0].shape), run);
}

static void cost(const hd_rule *r, double *flop) {
  hd_pool2d g = hd_pool_of(r->attr, r->in[0].shape);
  *flop = (double)g.n * (double)(g.oh * g.ow) * (double)(g.kh * g.kw) * (double)g.c;
}

static const hd_field field[] = {HD_POOL2D_FIELDS};
static const hd_fields fields = HD_FIELDS("avg_pool2d", hd_pool2d_options, field);

static const hd_pool2d_options two = {.window = {2}}, overlap = {.window = {3}, .stride = {2}},
                               ceiling = {.window = {3}, .stride = {2}, .ceil = true},
                               same = {.window = {3, 2}, .stride = {2, 1}, .pad = HD_SAME},
                               counted = {.window = {3},
                                          .stride = {1},
                                          .pad = HD_SAME,
                                          .count_padding = true},
                               uneven = {.window = {3, 4},
                                         .stride = {1, 2},
                                         .padding = {2, 0, 1, 3}},
                               whole = {.window = {5, 6}}, large = {.window = {3, 7}};
#define X_(n, h, w, c) \
  { \
    { \
      HD_F32, { \
        4, { n, h, w, c } \
      } \
    } \
  }
static const hd_case cases[] = {
    {.in = X_(2, 4, 6, 3), .attr = &two},
    {.in = X_(2, 5, 5, 17), .attr = &two},
    {.in = X_(1, 7, 5, 2), .attr = &overlap},
    {.in = X_(2, 6, 4, 2), .attr = &ceiling},
    {.in = X_(2, 5, 6, 3), .attr = &same},
    {.in = X_(2, 5, 6, 3), .attr = &counted},
    {.in = X_(2, 5, 6, 3), .attr = &uneven},
    {.in = X_(2, 5, 6, 3), .attr = &whole},
    {.in = X_(2, 5, 6, 3), .refuse = "needs a window"},
    {.in = X_(2, 5, 6, 3),
     .attr = &large,
     .refuse = "a window of 7 columns (7, dilation 1) does not fit into x (2, 5, 6, 3)"},
    {.in = {{HD_F32, {3, {4, 5, 6}}}},
     .attr = &two,
     .refuse = "needs images (N, H, W, C), got (4, 5, 6)"},
    {0}};

const hd_op hd_def_avg_pool2d = {
    .name = "avg_pool2d",
    .onnx = "AveragePool",
    .math = "y[n,p,q,c] = mean_rs x[n, p stride + r - top, q stride + s - left, c]",
    .fields = &fields,
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .shape = shape,
    HD_REFS(avg_pool2d),
    .grad = grad,
    .lower = lower,
    .cost = cost,
    .cases = cases};

hd_val(hd_avg_pool2d)(hd_val x, hd_pool2d_options options) {
  return hd_node_add(&hd_def_avg_pool2d, &options, &x, 1);
}
#endif
