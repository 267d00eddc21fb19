// y[n,p,q,f] = sum_{r,s,c} x[n, p stride + r dilation - top, q stride + s dilation - left, c]
// w[r,s,c,f]
#include "window.h"

HD_REF(conv2d) {
  (void)part;
  hd_conv g = hd_conv_of(a->attr, a->in_type[0].shape, a->in_type[1].shape);
  const real *x = a->in[0], *w = a->in[1];
  real *y = a->out[0];
  int64_t c_each = g.c / g.groups, f_each = g.f / g.groups;
  for (int64_t n = 0; n < g.n; n++)
    for (int64_t p = 0; p < g.oh; p++)
      for (int64_t q = 0; q < g.ow; q++)
        for (int64_t f = 0; f < g.f; f++) {
          real sum = 0;
          for (int64_t r = 0; r < g.kh; r++)
            for (int64_t s = 0; s < g.kw; s++) {
              int64_t at = hd_conv_pixel(&g, n, p, q, r, s);
              if (at < 0) continue;
              const real *from = x + at * g.c + f / f_each * c_each,
                         *tap = w + (r * g.kw + s) * c_each * g.f + f;
              for (int64_t c = 0; c < c_each; c++) sum += from[c] * tap[c * g.f];
            }
          *y++ = sum;
        }
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  if (hd_rule_real(r, 0) || hd_rule_real(r, 1)) return HD_E_SHAPE;
  if (r->in[0].dtype != r->in[1].dtype)
    return hd_refuse(r, "x is %s, weights are %s; cast one of them", hd_dtype_name(r->in[0].dtype),
                     hd_dtype_name(r->in[1].dtype));
  r->out[0].dtype = r->in[0].dtype;
  return hd_conv_shape(r, r->attr, r->in[0].shape, r->in[1].shape, &r->out[0].shape);
}

static void grad(hd_grad_rule *g) {
  hd_val x = g->rule->value[0], w = g->rule->value[1], dy = g->dy[0];
  if (g->want[0]) g->dx[0] = hd_conv2d_input(dy, w, x, g->rule->attr);
  if (g->want[1]) g->dx[1] = hd_conv2d_weights(x, dy, w, g->rule->attr);
}

typedef struct {
  const hd_kernels *kernels;
  hd_conv_plan plan;
} prepared;
static void run(const hd_args *a, int64_t part) {
  const prepared *p = a->data;
  p->kernels->conv_run(&p->plan, a->phase, part, a->in[0], a->in[1], a->out[0], a->scratch,
                       a->packed, a->after);
}

// All three passes: their operands are the first two inputs, in the kernel's order.
hd_status hd_conv_lower(hd_lowering *l, hd_conv_pass pass, hd_conv g) {
  if (g.n < 1 || g.c < 1 || g.f < 1) return HD_OK;
  prepared *p = l->data = hd_lower_alloc(l, sizeof *p);
  if (!p) return HD_E_MEMORY;
  p->kernels = l->kernels;
  // Bf16 would not gain on few channels: a net's first layer, LeNet-5's.
  bool few = g.c / g.groups < 16 || g.f / g.groups < 16;
  g.precision = few ? HD_PRECISION_F32 : l->precision;
  l->kernels->conv_plan(&g, pass, &p->plan);
  hd_lower_parts(l, run, &p->plan.run);
  return HD_OK;
}

static hd_status lower(hd_lowering *l) {
  const hd_rule *r = l->rule;
  return hd_conv_lower(l, HD_CONV_FORWARD, hd_conv_of(r->attr, r->in[0].shape, r->in[1].shape));
}

static void cost(const hd_rule *r, double *flop) {
  hd_conv g = hd_conv_of(r->attr, r->in[0].shape, r->in[1].shape);
  *flop = 2.0 * (double)g.n * (double)(g.oh * g.ow) * (double)(g.kh * g.kw) *
          (double)(g.c / g.groups) * (double)g.f;
}

static const hd_field field[] = {HD_CONV2D_FIELDS};
static const hd_fields fields = HD_FIELDS("conv2d", hd_op_conv2d_options, field);

static const hd_op_conv2d_options same = {.pad = HD_SAME}, strided = {.stride = {2}},
                                  dilated = {.dilation = {2}, .pad = HD_SAME},
                                  grouped = {.groups = 2},
                                  depthwise = {.groups = 3, .pad = HD_SAME},
                                  same_strided = {.stride = {2, 3}, .pad = HD_SAME},
                                  uneven = {.pad = HD_EXPLICIT, .padding = {2, 0, 1, 3}},
                                  all = {.stride = {2, 1},
                                         .dilation = {1, 2},
                                         .groups = 2,
                                         .padding = {1, 2, 0, 1}},
                                  negative = {.padding = {-1}},
                                  twice = {.pad = HD_SAME, .padding = {1}},
                                  wide = {.dilation = {3}};
#define X_ \
  { \
    HD_F32, { \
      4, { 2, 5, 6, 4 } \
    } \
  }
static const hd_case cases[] = {
    {.in = {X_, {HD_F32, {4, {3, 3, 4, 5}}}}},
    {.in = {{HD_F32, {4, {1, 4, 4, 1}}}, {HD_F32, {4, {1, 1, 1, 1}}}}},
    {.in = {{HD_F32, {4, {3, 5, 5, 1}}}, {HD_F32, {4, {5, 5, 1, 17}}}}},
    {.in = {X_, {HD_F32, {4, {3, 3, 4, 3}}}}, .attr = &same},
    {.in = {X_, {HD_F32, {4, {2, 4, 4, 3}}}}, .attr = &same},
    {.in = {X_, {HD_F32, {4, {3, 2, 4, 3}}}}, .attr = &strided},
    {.in = {X_, {HD_F32, {4, {1, 1, 4, 3}}}}, .attr = &strided},
    {.in = {X_, {HD_F32, {4, {3, 2, 4, 3}}}}, .attr = &same_strided},
    {.in = {X_, {HD_F32, {4, {2, 3, 4, 3}}}}, .attr = &dilated},
    {.in = {X_, {HD_F32, {4, {3, 3, 2, 6}}}}, .attr = &grouped},
    {.in = {{HD_F32, {4, {2, 5, 4, 3}}}, {HD_F32, {4, {3, 3, 1, 3}}}}, .attr = &depthwise},
    {.in = {{HD_F32, {4, {2, 5, 4, 3}}}, {HD_F32, {4, {3, 3, 1, 6}}}}, .attr = &depthwise},
    {.in = {X_, {HD_F32, {4, {4, 3, 4, 2}}}}, .attr = &uneven},
    {.in = {X_, {HD_F32, {4, {3, 3, 2, 4}}}}, .attr = &all},
    {.in = {X_, {HD_F32, {4, {3, 3, 3, 4}}}},
     .refuse = "weights (3, 3, 3, 4) take 3 channels (groups 1), x (2, 5, 6, 4) has 4"},
    {.in = {X_, {HD_F32, {4, {3, 3, 2, 5}}}},
     .attr = &grouped,
     .refuse = "2 groups do not divide C and F"},
    {.in = {X_, {HD_F32, {4, {6, 3, 4, 4}}}},
     .refuse = "a window of 6 rows (6, dilation 1) does not fit into x (2, 5, 6, 4)"},
    {.in = {X_, {HD_F32, {4, {2, 3, 4, 4}}}},
     .attr = &wide,
     .refuse = "a window of 7 columns (3, dilation 3) does not fit"},
    {.in = {X_, {HD_F32, {4, {3, 3, 4, 4}}}},
     .attr = &negative,
     .refuse = "padding must not be negative, got -1"},
    {.in = {X_, {HD_F32, {4, {3, 3, 4, 4}}}}, .attr = &twice, .refuse = "leave padding out"},
    {.in = {{HD_F32, {2, {5, 6}}}, {HD_F32, {4, {3, 3, 4, 4}}}},
     .refuse = "needs images (N, H, W, C), got (5, 6)"},
    {.in = {X_, {HD_F32, {2, {4, 4}}}}, .refuse = "weights must be (kh, kw, C / groups, F)"},
    {.in = {X_, {HD_I32, {4, {3, 3, 4, 4}}}}, .refuse = "f32 or f64"},
    {0}};

const hd_op hd_def_conv2d = {
    .name = "conv2d",
    .onnx = "Conv",
    .math = "y[n,p,q,f] = sum_rtc x[n, p s + r d - top, q s + t d - left, c] w[r,t,c,f]",
    .fields = &fields,
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .shape = shape,
    HD_REFS(conv2d),
    .grad = grad,
    .lower = lower,
    .cost = cost,
    .after = true,
    .cases = cases};

hd_val(hd_op_conv2d)(hd_val x, hd_val w, hd_op_conv2d_options options) {
  return hd_node_add(&hd_def_conv2d, &options, (hd_val[]){x, w}, 2);
}

// The taps are rows of a table, read from the last to the first.
static hd_val turned(hd_val w) {
  hd_shape s = hd_val_type(w).shape;
  int64_t taps, bytes;
  if (s.rank != 4 || s.d[0] < 1 || s.d[1] < 1) return w;  // conv2d says what is wrong
  if (!hd_mul_size(s.d[0], s.d[1], &taps) || !hd_mul_size(taps, sizeof(int32_t), &bytes)) return w;
  int32_t *tap = hd_alloc_raw(&w.graph->env, (size_t)bytes);
  if (!tap) {
    hd_graph_fail(w.graph, HD_E_MEMORY, "memory is out building the graph");
    return (hd_val){0};
  }
  for (int64_t i = 0; i < taps; i++) tap[i] = (int32_t)(taps - 1 - i);
  hd_val index = hd_constant(w.graph, HD_I32, HD_SHAPE(taps), tap);
  hd_release(&w.graph->env, tap);
  hd_val rows = hd_reshape(w, HD_SHAPE(taps, s.d[2], s.d[3]));
  return hd_reshape(hd_gather(rows, index), s);
}

hd_val(hd_op_convolve2d)(hd_val x, hd_val w, hd_op_conv2d_options options) {
  return (hd_op_conv2d)(x, turned(w), options);
}
#endif
