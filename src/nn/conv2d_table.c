// Convolution whose filters see the channels that a table names
#include "layer.h"
#include "../op/window.h"

enum { MOST = 1 << 26 };  // channels times filters
static const char kind[] = "conv2d_table";

// "0,1 1,2": the filters (words) and their kernels (numbers). rows: NULL, or for each (channel,
// filter) which kernel it has, as the table counts them. NULL, or the place of what is wrong.
static const char *read_table(const char *table, int64_t channels, int64_t *filters,
                              int64_t *kernels, int32_t *rows) {
  const char *at = table;
  int64_t all = *filters, before = -1, channel;
  *filters = *kernels = 0;
  for (bool comma = false; *at;) {
    if (*at == ' ' && !comma) {
      at++, before = -1;
      continue;
    }
    const char *first = at;
    for (channel = 0; *at >= '0' && *at <= '9' && channel < channels; at++)
      channel = 10 * channel + (*at - '0');
    if (at == first || channel >= channels || channel <= before) return first;
    if (before < 0) ++*filters;
    if (rows) rows[channel * all + *filters - 1] = (int32_t)*kernels;
    ++*kernels, before = channel;
    comma = *at == ',';
    if (comma) at++;
    else if (*at && *at != ' ') return first;
    if (comma && !*at) return first;
  }
  return *filters ? NULL : at;
}

// The dense kernel (kh, kw, C, F): what the table leaves out is zero, and stays so.
static hd_val dense_kernel(hd_val w, const int32_t *rows, int kh, int kw, int64_t c, int64_t f) {
  hd_shape s = hd_type_of(w)->shape;
  hd_val index = hd_constant(w.graph, HD_I32, HD_SHAPE(c * f), rows);
  hd_val all = hd_gather(hd_reshape(w, HD_SHAPE(s.d[0], s.d[1] * s.d[2])), index);
  return hd_reshape(hd_transpose(all, HD_SHAPE(1, 0)), HD_SHAPE(kh, kw, c, f));
}

static hd_val conv2d_table(hd_val x, const hd_conv2d_table_options *o) {
  hd_shape s = hd_type_of(x)->shape;
  hd_dtype dtype = hd_type_of(x)->dtype;
  char text[96];
  int kh = o->kernel[0], kw = o->kernel[1] ? o->kernel[1] : kh;
  hd_shape_text(s, text, sizeof text);
  if (!o->table)
    return hd_layer_fail(x, kind, o->name,
                         "table is missing: the channels of each filter, such as \"0,1 1,2\"");
  if (kh < 1 || kw < 1)
    return hd_layer_fail(x, kind, o->name,
                         "kernel is (%d, %d); give its size, such as .kernel = {3}", kh, kw);
  if (s.rank != 4 || s.d[3] < 1)
    return hd_layer_fail(x, kind, o->name,
                         "x is %s: needs images (N, H, W, C) with a known C; use hd_reshape", text);
  int64_t c = s.d[3], f = 0, kernels, count, bytes;
  const char *wrong = read_table(o->table, c, &f, &kernels, NULL);
  if (wrong)
    return hd_layer_fail(x, kind, o->name,
                         "table, at \"%.20s\": x is %s; a filter is its channels out of 0..%lld, "
                         "rising, with commas between them; a space ends it",
                         wrong, text, (long long)c - 1);
  if (!hd_mul_size(c, f, &count) || count > MOST || !hd_mul_size(count, sizeof(int32_t), &bytes))
    return hd_layer_fail(x, kind, o->name,
                         "%lld filters on x %s are a table of more than %d places", (long long)f,
                         text, (int)MOST);
  int32_t *rows = hd_alloc_raw(&x.graph->env, (size_t)bytes);
  if (!rows)
    return hd_graph_fail(x.graph, HD_E_MEMORY, "memory is out building the graph"), (hd_val){0};
  memset(rows, 0xff, (size_t)bytes);  // -1: a row of zeros
  read_table(o->table, c, &f, &kernels, rows);
  // The fans are those of a filter with as many channels as the mean of all.
  double taps = (double)kh * kw * (double)kernels;
  hd_init init = hd_init_of_fans(o->init, taps / (double)f, taps / (double)c);
  hd_val w =
      hd_scope_variable(x.graph, "weight", dtype, HD_SHAPE(kernels, kh, kw), HD_WEIGHT, init);
  hd_op_conv2d_options window = {.pad = o->pad};
  memcpy(window.stride, o->stride, sizeof window.stride);
  memcpy(window.dilation, o->dilation, sizeof window.dilation);
  memcpy(window.padding, o->padding, sizeof window.padding);
  hd_val dense = hd_ok(w) ? dense_kernel(w, rows, kh, kw, c, f) : w;
  hd_release(&x.graph->env, rows);
  hd_val y = (hd_op_conv2d)(x, dense, window);
  return o->no_bias ? y
                    : hd_add(y, hd_scope_variable(x.graph, "bias", dtype, HD_SHAPE(f), HD_WEIGHT,
                                                  (hd_init){HD_ZEROS, 0, 0}));
}

hd_val(hd_conv2d_table)(hd_val x, hd_conv2d_table_options options) {
  if (!hd_ok(x)) return x;
  hd_scope *scope = hd_scope_begin(x.graph, kind, options.name);
  hd_val y = conv2d_table(x, &options);
  hd_scope_end(x.graph, scope);
  return y;
}

static hd_val build(hd_val x, const void *o) {
  return (hd_conv2d_table)(x,
                           o ? *(const hd_conv2d_table_options *)o : (hd_conv2d_table_options){0});
}

#define S hd_conv2d_table_options
static const hd_field field[] = {
    HD_FIELD(S, table, TEXT, .standard = "", .main = true,
             .help = "the channels of each filter: \"0,1 1,2\" are two, of two channels each"),
    HD_AXES_FIELD(S, kernel, "", .main = false),
    HD_AXES_FIELD(S, stride, "1", .main = false),
    HD_AXES_FIELD(S, dilation, "1", .main = false),
    HD_PADDING_FIELDS(S),
    HD_FIELD(S, no_bias, BOOL, .standard = "false", .help = "leave the bias out"),
    HD_FIELD(S, init, INIT, .standard = "glorot_uniform", .help = "first weights"),
    HD_FIELD(S, name, TEXT, .standard = "conv2d_table_1 ...",
             .help = "of the layer and its parameters")};
static const hd_fields fields = HD_FIELDS("conv2d_table", S, field);

const hd_layer hd_layer_conv2d_table = {
    .name = "conv2d_table",
    .help = "as conv2d, but each filter sees only the channels that a table names",
    .fields = &fields,
    .build = build};
