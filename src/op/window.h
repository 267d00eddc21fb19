// Where windows lie on images: the geometry that convolutions and pools share.
#ifndef OP_WINDOW_H
#define OP_WINDOW_H

#include "op.h"

// Attributes of the gradients of windowed ops. They need the shape of an input of the forward op,
// nothing else of it: it comes as an input `like`, and on a sealed graph as numbers, so that the
// input itself need not be kept.
typedef struct hd_conv2d_like {
  hd_op_conv2d_options o;
  int64_t like[4];
} hd_conv2d_like;
typedef struct hd_pool2d_like {
  hd_pool2d_options o;
  int64_t like[4];
} hd_pool2d_like;

// Element i of a list where a scalar fills both: {s} is {s, s}, and nothing is `standard`.
static inline int64_t hd_pair(const int v[2], int i, int standard) {
  return i && v[1] ? v[1] : v[0] ? v[0] : standard;
}

// Of concrete shapes that the rules below have accepted.
hd_conv hd_conv_of(const hd_op_conv2d_options *o, hd_shape x, hd_shape w);
hd_pool2d hd_pool_of(const hd_pool2d_options *o, hd_shape x);

// The pixel of x that tap (r, s) of window (p, q) of image n reads; -1 outside the image.
static inline int64_t hd_conv_pixel(const hd_conv *g, int64_t n, int64_t p, int64_t q, int64_t r,
                                    int64_t s) {
  int64_t i = p * g->sh + r * g->dh - g->top, j = q * g->sw + s * g->dw - g->left;
  return i < 0 || i >= g->h || j < 0 || j >= g->w ? -1 : (n * g->h + i) * g->w + j;
}
static inline int64_t hd_pool_pixel(const hd_pool2d *g, int64_t n, int64_t p, int64_t q,
                                    int64_t tap) {
  int64_t i = p * g->sh + tap / g->kw - g->top, j = q * g->sw + tap % g->kw - g->left;
  return i < 0 || i >= g->h || j < 0 || j >= g->w ? -1 : (n * g->h + i) * g->w + j;
}

#ifndef HD_REF64
// Shape of the result; refuses what does not fit. Dimensions may be unknown.
hd_status hd_conv_shape(hd_rule *r, const hd_op_conv2d_options *o, hd_shape x, hd_shape w,
                        hd_shape *y);
hd_status hd_pool_shape(hd_rule *r, const hd_pool2d_options *o, hd_shape x, hd_shape *y);
// The shape to be like: the last input's if all max_in inputs are there, else the attribute.
hd_shape hd_like_shape(const hd_rule *r, const int64_t like[4]);
hd_status hd_like_known(hd_rule *r, const int64_t like[4]);  // refuses an attribute that is none
// Refuses input i unless its shape is `wanted`, which follows from the others.
hd_status hd_must_have(hd_rule *r, int i, hd_shape wanted);

hd_status hd_conv_lower(hd_lowering *l, hd_conv_pass pass, hd_conv g);
// Plans one-phase pooling kernels; l->data is the plan.
typedef struct hd_pool_prepared {
  const hd_kernels *kernels;
  hd_pool2d_plan plan;
} hd_pool_prepared;
hd_status hd_pool_lower(hd_lowering *l, hd_pool2d g, hd_kernel_fn *run);
// An unpooling part is a run of image rows: hands them to the epilogue.
static inline void hd_unpool_finished(const hd_args *a, const hd_pool2d_plan *plan, int64_t part) {
  int64_t rows = plan->p.n * plan->p.h, line = plan->p.w * plan->p.c;
  int64_t first = rows * part / plan->block, last = rows * (part + 1) / plan->block;
  if (a->after && last > first)
    a->after->run(a->after->context, first * line, (last - first) * line);
}

hd_val hd_conv2d_input(hd_val dy, hd_val w, hd_val x, const hd_op_conv2d_options *o);
hd_val hd_conv2d_weights(hd_val x, hd_val dy, hd_val w, const hd_op_conv2d_options *o);
hd_val hd_max_unpool2d(hd_val dy, hd_val index, hd_val x, const hd_pool2d_options *o);
hd_val hd_max_pool_take(hd_val x, hd_val index, const hd_pool2d_options *o);
hd_val hd_avg_unpool2d(hd_val dy, hd_val x, const hd_pool2d_options *o);

// The fields of the options, which are the first member of the structs above.
extern const char *const hd_padding_names[];
#define HD_AXES_FIELD(S, member, preset, ...) \
  HD_FIELD_ARRAY(S, member, INT, 2, .standard = preset, .low = 1, .high = INT32_MAX, \
                 .help = "rows, columns", __VA_ARGS__)
#define HD_PADDING_FIELDS(S) \
  HD_FIELD(S, pad, CHOICE, .standard = "valid", .choices = hd_padding_names, \
           .help = "around x: none, what keeps the size, or `padding`"), \
      HD_FIELD_ARRAY(S, padding, INT, 4, .standard = "0", .high = INT32_MAX, \
                     .help = "explicit: top, left, bottom, right")
#define HD_CONV_FIELDS(S) \
  HD_AXES_FIELD(S, stride, "1", .main = false), HD_AXES_FIELD(S, dilation, "1", .main = false), \
      HD_FIELD(S, groups, INT, .standard = "1", .low = 1, .high = INT32_MAX, \
               .help = "of channels, each with filters of its own"), \
      HD_PADDING_FIELDS(S)
#define HD_POOL_FIELDS(S) \
  HD_AXES_FIELD(S, window, "", .main = true), HD_AXES_FIELD(S, stride, "window", .main = false), \
      HD_PADDING_FIELDS(S), \
      HD_FIELD(S, ceil, BOOL, .standard = "false", .help = "round the output size up"), \
      HD_FIELD(S, count_padding, BOOL, .standard = "false", \
               .help = "average: divide by the whole window at the edges")
#define HD_CONV2D_FIELDS HD_CONV_FIELDS(hd_op_conv2d_options)
#define HD_POOL2D_FIELDS HD_POOL_FIELDS(hd_pool2d_options)
#define HD_LIKE_FIELD(S) \
  HD_FIELD_ARRAY(S, like, INT64, 4, .standard = "the last input's shape", \
                 .help = "shape, once the graph is sealed")
#endif

#endif
