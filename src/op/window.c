// The geometry of windows on images: output sizes, padding, and what cannot be.
#include "window.h"

#ifdef HD_REF64
typedef int hd_window_is_compiled_once;
#else
const char *const hd_padding_names[] = {"valid", "same", "explicit", NULL};

// Windows along one axis of an image.
typedef struct axis {
  int64_t in, window, stride, dilation, before, after, out;
} axis;

static int64_t extent(const axis *a) { return a->dilation * (a->window - 1) + 1; }

// Padding that is given without a mode is explicit.
static hd_padding mode(hd_padding pad, const int padding[4]) {
  bool given = padding[0] || padding[1] || padding[2] || padding[3];
  return pad == HD_VALID && given ? HD_EXPLICIT : pad;
}

// Fills before, after and out; out < 1 when no window fits. k: 0 for rows, 1 for columns.
static void place(axis *a, int k, hd_padding pad, const int padding[4], bool ceil) {
  a->before = a->after = 0;
  if (pad == HD_SAME && a->in >= 0) {
    a->out = (a->in + a->stride - 1) / a->stride;
    int64_t total = HD_MAX((a->out - 1) * a->stride + extent(a) - a->in, 0);
    a->before = total / 2, a->after = total - a->before;
    return;
  }
  if (mode(pad, padding) == HD_EXPLICIT) a->before = padding[k], a->after = padding[k + 2];
  if (a->in < 0) {  // unknown; but some windows leave the size as it is
    bool kept = a->stride == 1 && (pad == HD_SAME || a->before + a->after == extent(a) - 1);
    a->out = kept ? a->in : HD_ANY;
    return;
  }
  int64_t room = a->in + a->before + a->after - extent(a);
  if (ceil) {
    a->out = room > 0 ? (room + a->stride - 1) / a->stride + 1 : 1;
    if ((a->out - 1) * a->stride >= a->in + a->before) a->out--;  // it would see padding only
  } else {
    a->out = room < 0 ? 0 : room / a->stride + 1;
  }
}

static void conv_axes(const hd_op_conv2d_options *o, hd_shape x, hd_shape w, axis to[2]) {
  for (int k = 0; k < 2; k++) {
    to[k] = (axis){.in = x.d[1 + k],
                   .window = w.d[k],
                   .stride = hd_pair(o->stride, k, 1),
                   .dilation = hd_pair(o->dilation, k, 1)};
    place(&to[k], k, o->pad, o->padding, false);
  }
}

static void pool_axes(const hd_pool2d_options *o, hd_shape x, axis to[2]) {
  for (int k = 0; k < 2; k++) {
    int64_t window = hd_pair(o->window, k, 1);
    to[k] = (axis){.in = x.d[1 + k],
                   .window = window,
                   .stride = hd_pair(o->stride, k, (int)window),
                   .dilation = 1};
    place(&to[k], k, o->pad, o->padding, o->ceil);
  }
}

hd_conv hd_conv_of(const hd_op_conv2d_options *o, hd_shape x, hd_shape w) {
  axis a[2];
  conv_axes(o, x, w, a);
  return (hd_conv){.n = x.d[0],
                   .h = x.d[1],
                   .w = x.d[2],
                   .c = x.d[3],
                   .f = w.d[3],
                   .kh = w.d[0],
                   .kw = w.d[1],
                   .oh = a[0].out,
                   .ow = a[1].out,
                   .sh = a[0].stride,
                   .sw = a[1].stride,
                   .dh = a[0].dilation,
                   .dw = a[1].dilation,
                   .top = a[0].before,
                   .left = a[1].before,
                   .groups = HD_MAX(o->groups, 1)};
}

hd_pool2d hd_pool_of(const hd_pool2d_options *o, hd_shape x) {
  axis a[2];
  pool_axes(o, x, a);
  return (hd_pool2d){.n = x.d[0],
                     .h = x.d[1],
                     .w = x.d[2],
                     .c = x.d[3],
                     .kh = a[0].window,
                     .kw = a[1].window,
                     .oh = a[0].out,
                     .ow = a[1].out,
                     .sh = a[0].stride,
                     .sw = a[1].stride,
                     .top = a[0].before,
                     .left = a[1].before,
                     .count_padding = o->count_padding};
}

// ---- What cannot be -----------------------------------------------------------------------------
static hd_status no_negative(hd_rule *r, const char *what, const int *v, int count) {
  for (int i = 0; i < count; i++)
    if (v[i] < 0) return hd_refuse(r, "%s must not be negative, got %d", what, v[i]);
  return HD_OK;
}

static hd_status image(hd_rule *r, hd_shape x) {
  char t[96];
  if (x.rank != 4)
    return hd_refuse(r, "needs images (N, H, W, C), got %s; use hd_reshape", hd_text_of(x, t));
  return HD_OK;
}

static hd_status padding_fits(hd_rule *r, hd_padding pad, const int padding[4]) {
  if (no_negative(r, "padding", padding, 4)) return HD_E_SHAPE;
  if (pad < HD_VALID || pad > HD_EXPLICIT)
    return hd_refuse(r, "pad is %d; use HD_VALID, HD_SAME or HD_EXPLICIT", (int)pad);
  if (pad == HD_SAME && mode(HD_VALID, padding) == HD_EXPLICIT)
    return hd_refuse(
        r, "pad is same, which computes its padding; leave padding out, or set pad to explicit");
  return HD_OK;
}

static hd_status fits(hd_rule *r, const axis *a, int k, hd_shape x) {
  char t[96];
  if (a->out >= 1 || a->in < 0) return HD_OK;
  const char *unit = k ? "columns" : "rows";
  if (a->in == 0) return hd_refuse(r, "x is %s: no %s", hd_text_of(x, t), unit);
  return hd_refuse(
      r,
      "a window of %lld %s (%lld, dilation %lld) does not fit into x %s with padding %lld + %lld: "
      "make the window smaller, or pad",
      (long long)extent(a), unit, (long long)a->window, (long long)a->dilation, hd_text_of(x, t),
      (long long)a->before, (long long)a->after);
}

hd_status hd_conv_shape(hd_rule *r, const hd_op_conv2d_options *o, hd_shape x, hd_shape w,
                        hd_shape *y) {
  char tx[96], tw[96];
  axis a[2];
  int64_t groups = HD_MAX(o->groups, 1), c = x.d[3], f = w.d[3];
  if (image(r, x)) return HD_E_SHAPE;
  if (w.rank != 4)
    return hd_refuse(r, "weights must be (kh, kw, C / groups, F), got %s", hd_text_of(w, tw));
  if (w.d[0] < 1 || w.d[1] < 1)
    return hd_refuse(r, "weights %s: the window must have a known, positive size",
                     hd_text_of(w, tw));
  if (no_negative(r, "stride", o->stride, 2) || no_negative(r, "dilation", o->dilation, 2) ||
      no_negative(r, "groups", &o->groups, 1) || padding_fits(r, o->pad, o->padding))
    return HD_E_SHAPE;
  if ((c >= 0 && c % groups) || (f >= 0 && f % groups))
    return hd_refuse(r, "%lld groups do not divide C and F: x is %s, weights are %s",
                     (long long)groups, hd_text_of(x, tx), hd_text_of(w, tw));
  if (c >= 0 && !hd_dim_fits(c / groups, w.d[2]))
    return hd_refuse(r, "weights %s take %lld channels (groups %lld), x %s has %lld",
                     hd_text_of(w, tw), (long long)(w.d[2] * groups), (long long)groups,
                     hd_text_of(x, tx), (long long)c);
  conv_axes(o, x, w, a);
  if (fits(r, &a[0], 0, x) || fits(r, &a[1], 1, x)) return HD_E_SHAPE;
  *y = (hd_shape){4, {x.d[0], a[0].out, a[1].out, f}};
  return HD_OK;
}

hd_status hd_pool_shape(hd_rule *r, const hd_pool2d_options *o, hd_shape x, hd_shape *y) {
  axis a[2];
  if (image(r, x) || no_negative(r, "window", o->window, 2) ||
      no_negative(r, "stride", o->stride, 2) || padding_fits(r, o->pad, o->padding))
    return HD_E_SHAPE;
  if (!o->window[0]) return hd_refuse(r, "needs a window, such as .window = {2, 2}");
  pool_axes(o, x, a);
  for (int k = 0; k < 2; k++) {
    if (a[k].before >= a[k].window || a[k].after >= a[k].window)
      return hd_refuse(r,
                       "padding %lld + %lld must be smaller than the window %lld: some windows "
                       "would see padding only",
                       (long long)a[k].before, (long long)a[k].after, (long long)a[k].window);
    if (fits(r, &a[k], k, x)) return HD_E_SHAPE;
  }
  *y = (hd_shape){4, {x.d[0], a[0].out, a[1].out, x.d[3]}};
  return HD_OK;
}

hd_shape hd_like_shape(const hd_rule *r, const int64_t like[4]) {
  if (r->n_in == r->op->max_in) return r->in[r->n_in - 1].shape;
  return (hd_shape){4, {like[0], like[1], like[2], like[3]}};
}

hd_status hd_like_known(hd_rule *r, const int64_t like[4]) {
  for (int i = 0; i < 4 && r->n_in < r->op->max_in; i++)
    if (like[i] < 0) return hd_refuse(r, "like[%d] is %lld, must be a size", i, (long long)like[i]);
  return HD_OK;
}

hd_status hd_must_have(hd_rule *r, int i, hd_shape wanted) {
  char a[96], b[96];
  hd_shape s = r->in[i].shape;
  bool same = s.rank == wanted.rank;
  for (int k = 0; same && k < s.rank; k++) same = hd_dim_fits(s.d[k], wanted.d[k]);
  return same ? HD_OK
              : hd_refuse(r, "input %d must be %s, got %s", i, hd_text_of(wanted, a),
                          hd_text_of(s, b));
}
#endif
