// Windows on images as in convolution, each with weights of its own
#include "layer.h"
#include "../op/window.h"

enum { MOST = 1 << 26 };  // taps of all windows: they are listed

// Rows of (H W C, N) that each window reads, (H' W', kh kw C); -1, a row of zeros, in the padding.
static hd_val taps(hd_val x, const hd_conv *g) {
  int64_t each = g->kh * g->kw * g->c, count, bytes, pixels, rows;
  hd_graph *graph = x.graph;
  if (!hd_mul_size(g->oh, g->ow, &count) || !hd_mul_size(count, each, &count) || count > MOST ||
      !hd_mul_size(count, sizeof(int32_t), &bytes) || !hd_mul_size(g->h, g->w, &pixels) ||
      !hd_mul_size(pixels, g->c, &rows) || rows > INT32_MAX)
    return hd_layer_fail(x, "locally_connected2d", NULL,
                         "%lld x %lld windows of %lld numbers are too many; the limit is %d taps",
                         (long long)g->oh, (long long)g->ow, (long long)each, (int)MOST);
  int32_t *row = hd_alloc_raw(&graph->env, (size_t)bytes), *to = row;
  if (!row)
    return hd_graph_fail(graph, HD_E_MEMORY, "memory is out building the graph"), (hd_val){0};
  for (int64_t p = 0; p < g->oh; p++)
    for (int64_t q = 0; q < g->ow; q++)
      for (int64_t r = 0; r < g->kh; r++)
        for (int64_t s = 0; s < g->kw; s++) {
          int64_t pixel = hd_conv_pixel(g, 0, p, q, r, s);
          for (int64_t c = 0; c < g->c; c++) *to++ = pixel < 0 ? -1 : (int32_t)(pixel * g->c + c);
        }
  hd_val v = hd_constant(graph, HD_I32, HD_SHAPE(g->oh * g->ow, each), row);
  hd_release(&graph->env, row);
  return v;
}

// The fans are those of one window.
static hd_init of_one_window(hd_init init, const hd_conv *g) {
  double taps = (double)(g->kh * g->kw);
  return hd_init_of_fans(init, taps * (double)g->c, taps * (double)g->f);
}

static hd_val locally_connected2d(hd_val x, const hd_locally_connected2d_options *o) {
  static const char kind[] = "locally_connected2d";
  hd_shape s = hd_type_of(x)->shape, out;
  hd_dtype dtype = hd_type_of(x)->dtype;
  char text[96];
  int kh = o->kernel[0], kw = o->kernel[1] ? o->kernel[1] : kh;
  if (o->filters < 1)
    return hd_layer_fail(x, kind, o->name, "filters is %d; give how many, such as .filters = 16",
                         o->filters);
  if (kh < 1 || kw < 1)
    return hd_layer_fail(x, kind, o->name,
                         "kernel is (%d, %d); give its size, such as .kernel = {3}", kh, kw);
  if (s.rank != 4 || s.d[1] < 1 || s.d[2] < 1 || s.d[3] < 1)
    return hd_layer_fail(x, kind, o->name,
                         "x is %s, weights would be (H', W', %d, %d, C, %d): needs images "
                         "(N, H, W, C) with known H, W and C; use hd_reshape",
                         hd_shape_text(s, text, sizeof text), kh, kw, o->filters);
  hd_op_conv2d_options window = {.pad = o->pad};
  memcpy(window.stride, o->stride, sizeof window.stride);
  memcpy(window.dilation, o->dilation, sizeof window.dilation);
  memcpy(window.padding, o->padding, sizeof window.padding);
  hd_shape one = HD_SHAPE(kh, kw, s.d[3], o->filters);
  hd_op named = {.name = kind};
  hd_rule rule = {.graph = x.graph, .op = &named};
  if (hd_conv_shape(&rule, &window, s, one, &out)) return (hd_val){0};
  hd_conv g = hd_conv_of(&window, s, one);
  hd_val index = taps(x, &g);
  if (!hd_ok(index)) return index;
  int64_t windows = g.oh * g.ow, each = g.kh * g.kw * g.c;
  hd_val w = hd_scope_variable(x.graph, "weight", dtype, HD_SHAPE(g.oh, g.ow, g.kh, g.kw, g.c, g.f),
                               HD_WEIGHT, of_one_window(o->init, &g));
  // With the batch last, a tap is one row: (windows, each, F)^T (windows, each, N).
  hd_val rows = hd_transpose(hd_reshape(x, HD_SHAPE(0, g.h * g.w * g.c)), HD_SHAPE(1, 0));
  hd_val y =
      hd_matmul(hd_reshape(w, HD_SHAPE(windows, each, g.f)), hd_gather(rows, index), .ta = true);
  y = hd_transpose(hd_reshape(y, HD_SHAPE(windows * g.f, HD_ANY)), HD_SHAPE(1, 0));
  y = hd_reshape(y, HD_SHAPE(0, g.oh, g.ow, g.f));
  return o->no_bias ? y
                    : hd_add(y, hd_scope_variable(x.graph, "bias", dtype, HD_SHAPE(g.oh, g.ow, g.f),
                                                  HD_WEIGHT, (hd_init){HD_ZEROS, 0, 0}));
}

hd_val(hd_locally_connected2d)(hd_val x, hd_locally_connected2d_options options) {
  if (!hd_ok(x)) return x;
  hd_scope *scope = hd_scope_begin(x.graph, "locally_connected2d", options.name);
  hd_val y = locally_connected2d(x, &options);
  hd_scope_end(x.graph, scope);
  return y;
}

static hd_val build(hd_val x, const void *o) {
  return (hd_locally_connected2d)(x, o ? *(const hd_locally_connected2d_options *)o
                                       : (hd_locally_connected2d_options){0});
}

#define S hd_locally_connected2d_options
static const hd_field field[] = {
    HD_FIELD(S, filters, INT, .standard = "", .low = 1, .high = INT32_MAX, .main = true,
             .help = "channels of the output"),
    HD_AXES_FIELD(S, kernel, "", .main = false),
    HD_AXES_FIELD(S, stride, "1", .main = false),
    HD_AXES_FIELD(S, dilation, "1", .main = false),
    HD_PADDING_FIELDS(S),
    HD_FIELD(S, no_bias, BOOL, .standard = "false", .help = "leave the biases out"),
    HD_FIELD(S, init, INIT, .standard = "glorot_uniform", .help = "first weights"),
    HD_FIELD(S, name, TEXT, .standard = "locally_connected2d_1 ...",
             .help = "of the layer and its parameters")};
static const hd_fields fields = HD_FIELDS("locally_connected2d", S, field);

const hd_layer hd_layer_locally_connected2d = {
    .name = "locally_connected2d",
    .help = "as conv2d, but each window has weights of its own",
    .fields = &fields,
    .build = build};
