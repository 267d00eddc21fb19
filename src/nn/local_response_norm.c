// Local response normalisation: a channel is divided by what its neighbours answer
#include "layer.h"

enum { WIDEST = 255 };

hd_val(hd_local_response_norm)(hd_val x, hd_local_response_norm_options o) {
  static const char kind[] = "local_response_norm";
  if (!hd_ok(x)) return x;
  hd_shape s = hd_type_of(x)->shape;
  int64_t channels = s.rank ? s.d[s.rank - 1] : -1;
  int size = o.size ? o.size : 5;
  char text[96];
  if (channels < 1)
    return hd_layer_fail(x, kind, NULL, "x is %s: needs (N, ..., C) with a known C",
                         hd_shape_text(s, text, sizeof text));
  if (size < 1 || size % 2 == 0 || size > WIDEST)
    return hd_layer_fail(x, kind, NULL,
                         "size is %d for x %s; must be odd, the channel and as many on either "
                         "side, at most %d",
                         size, hd_shape_text(s, text, sizeof text), (int)WIDEST);
  if (!(o.alpha >= 0 && o.beta >= 0 && o.k >= 0))
    return hd_layer_fail(x, kind, NULL, "alpha %g, beta %g and k %g must be positive",
                         (double)o.alpha, (double)o.beta, (double)o.k);
  double alpha = o.alpha > 0 ? (double)o.alpha : 1e-4, beta = o.beta > 0 ? (double)o.beta : 0.75,
         k = o.k > 0 ? (double)o.k : 2;
  int side = (int)HD_MIN(size / 2, channels - 1), axis = s.rank - 1;
  hd_pad_options around = {0};
  around.before[axis] = around.after[axis] = side;
  hd_val square = (hd_pad)(hd_square(x), around), sum = hd_slice(square, axis, 0, channels);
  for (int i = 1; i <= 2 * side; i++) sum = hd_add(sum, hd_slice(square, axis, i, channels));
  return hd_mul(x, hd_power(hd_add_scalar(hd_scale(sum, alpha), k), -beta));
}

static hd_val build(hd_val x, const void *o) {
  return (hd_local_response_norm)(x, o ? *(const hd_local_response_norm_options *)o
                                       : (hd_local_response_norm_options){0});
}

#define S hd_local_response_norm_options
static const hd_field field[] = {
    HD_FIELD(S, size, INT, .standard = "5", .low = 1, .high = WIDEST, .main = true,
             .help = "channels that count, odd: the one and those beside it"),
    HD_FIELD(S, alpha, REAL, .standard = "1e-4", .low = 1e-12, .high = 1e6,
             .help = "of the sum of squares"),
    HD_FIELD(S, beta, REAL, .standard = "0.75", .low = 1e-6, .high = 100, .help = "the exponent"),
    HD_FIELD(S, k, REAL, .standard = "2", .low = 1e-12, .high = 1e6, .help = "added to the sum")};
static const hd_fields fields = HD_FIELDS("local_response_norm", S, field);

const hd_layer hd_layer_local_response_norm = {
    .name = "local_response_norm",
    .help = "x over a power of the squares of channels nearby",
    .fields = &fields,
    .build = build};
