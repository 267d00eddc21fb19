// Losses and metrics: scalars made of ops
#include "layer.h"

hd_val (hd_mse)(hd_val y, hd_val target, hd_mse_options options) {
  if (!hd_ok(y) || !hd_ok(target)) return (hd_val){0};
  hd_shape a = hd_type_of(y)->shape, b = hd_type_of(target)->shape;
  char ta[96], tb[96];
  bool same = a.rank == b.rank;
  for (int i = 0; same && i < a.rank; i++)
    same = a.d[i] == b.d[i] || a.d[i] == HD_ANY || b.d[i] == HD_ANY;
  if (!same)  // broadcasting (N) against (N, 1) would silently compare everything with everything
    return hd_layer_fail(y, "mse", NULL,
                         "y is %s, target is %s; they must be the same: use hd_reshape",
                         hd_shape_text(a, ta, sizeof ta), hd_shape_text(b, tb, sizeof tb));
  hd_val loss = hd_mean(hd_square(hd_sub(y, target)));
  return options.factor != 0 && options.factor != 1 ? hd_scale(loss, (double)options.factor) : loss;
}

hd_val hd_cross_entropy(hd_val logits, hd_val label) {
  return hd_mean(hd_op_cross_entropy(logits, label));
}

hd_val hd_accuracy(hd_val logits, hd_val label) {
  if (!hd_ok(logits) || !hd_ok(label)) return (hd_val){0};
  hd_shape a = hd_type_of(logits)->shape, b = hd_type_of(label)->shape;
  char ta[96], tb[96];
  bool weights = a.rank == b.rank,
       fits =
         a.rank > 0 && (weights || (b.rank == a.rank - 1 && hd_type_of(label)->dtype == HD_I32));
  for (int i = 0; fits && i < b.rank; i++)
    fits = a.d[i] == b.d[i] || a.d[i] == HD_ANY || b.d[i] == HD_ANY;
  if (!fits)
    return hd_layer_fail(
      logits, "accuracy", NULL,
      "logits are %s, label is %s %s; must be i32 class indices, or weights of the logits' shape",
      hd_shape_text(a, ta, sizeof ta), hd_dtype_name(hd_type_of(label)->dtype),
      hd_shape_text(b, tb, sizeof tb));
  return hd_mean(
    hd_cast(hd_equal(hd_argmax(logits, -1), weights ? hd_argmax(label, -1) : label), HD_F32));
}
