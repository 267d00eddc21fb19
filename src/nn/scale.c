// Fitted preprocessing: (x - shift) factor
#include "scale.h"

hd_val hd_scale_layer(hd_val x, bool each) {
  if (!hd_ok(x)) return x;
  hd_shape s = hd_type_of(x)->shape, one = {0};
  char text[96];
  if (each && (s.rank < 2 || s.d[s.rank - 1] < 1))
    return hd_layer_fail(x, "scale", NULL, "x is %s: needs (N, ..., C) with a known C",
                         hd_shape_text(s, text, sizeof text));
  if (each) one = HD_SHAPE(s.d[s.rank - 1]);
  hd_dtype dtype = hd_type_of(x)->dtype;
  hd_scope *scope = hd_scope_begin(x.graph, HD_SCALE_NAME, HD_SCALE_NAME);
  hd_val shift =
      hd_scope_variable(x.graph, "shift", dtype, one, HD_STATISTIC, (hd_init){HD_ZEROS, 0, 0});
  hd_val factor =
      hd_scope_variable(x.graph, "factor", dtype, one, HD_STATISTIC, (hd_init){HD_ONES, 0, 0});
  hd_val y = hd_mul(hd_sub(x, shift), factor);
  hd_scope_end(x.graph, scope);
  return y;
}
