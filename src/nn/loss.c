// The table of the losses, what they share, and accuracy
#include "loss.h"

#define X(name) &hd_loss_##name,
static const hd_loss *const table[] = {HD_LOSS_LIST(X) NULL};
#undef X

const hd_loss *const *hd_losses(void) { return table; }

const hd_loss *hd_loss_find(const char *name) {
  for (int i = 0; table[i]; i++)
    if (!strcmp(table[i]->name, name)) return table[i];
  return NULL;
}

const char *const hd_reduction_names[] = {"mean", "sum", NULL};

// The first `count` axes of both agree, as far as they are known.
static bool agree(hd_shape a, hd_shape b, int count) {
  for (int i = 0; i < count; i++)
    if (a.d[i] != b.d[i] && a.d[i] != HD_ANY && b.d[i] != HD_ANY) return false;
  return true;
}

bool hd_loss_fits(const char *kind, hd_val y, hd_val target) {
  if (!hd_ok(y) || !hd_ok(target)) return false;
  hd_shape a = hd_type_of(y)->shape, b = hd_type_of(target)->shape;
  char ta[96], tb[96];
  if (a.rank == b.rank && agree(a, b, a.rank)) return true;
  // Broadcasting (N) against (N, 1) would silently compare everything with everything.
  hd_layer_fail(y, kind, NULL, "y is %s, target is %s; they must be the same: use hd_reshape",
                hd_shape_text(a, ta, sizeof ta), hd_shape_text(b, tb, sizeof tb));
  return false;
}

bool hd_loss_fits_class(const char *kind, hd_val y, hd_val label) {
  if (!hd_ok(y) || !hd_ok(label)) return false;
  hd_shape a = hd_type_of(y)->shape, b = hd_type_of(label)->shape;
  char ta[96], tb[96];
  if (hd_loss_is_class(label) && a.rank == b.rank + 1 && agree(a, b, b.rank) && a.d[b.rank] > 0)
    return true;
  hd_layer_fail(y, kind, NULL,
                "label %s %s does not fit y %s: i32 class indices (...) belong to y (..., K)",
                hd_dtype_name(hd_type_of(label)->dtype), hd_shape_text(b, tb, sizeof tb),
                hd_shape_text(a, ta, sizeof ta));
  return false;
}

bool hd_loss_is_class(hd_val target) {
  return hd_ok(target) && hd_type_of(target)->dtype == HD_I32;
}

// A row of zeros divided by its sum is NaN.
hd_val hd_loss_hot(hd_val y, hd_val label) {
  if (!hd_ok(y)) return y;
  hd_shape s = hd_type_of(y)->shape;
  hd_dtype dtype = hd_type_of(y)->dtype;
  hd_val hot = hd_one_hot(label, s.d[s.rank - 1]);
  if (dtype != HD_F32) hot = hd_cast(hot, dtype);
  return hd_div(hot, hd_sum(hot, .axes = HD_LAST_AXIS, .keep = true));
}

hd_val hd_loss_reduce(const char *kind, hd_val loss, hd_reduction reduction, hd_val weights) {
  if (!hd_ok(loss)) return loss;
  if (hd_ok(weights)) {
    hd_shape s = hd_type_of(loss)->shape, w = hd_type_of(weights)->shape, to = {.rank = s.rank};
    char ts[96], tw[96];
    if (w.rank > s.rank || !agree(s, w, w.rank))
      return hd_layer_fail(loss, kind, NULL,
                           "weights are %s, losses are %s; the weights' axes must be the first "
                           "ones of the losses",
                           hd_shape_text(w, tw, sizeof tw), hd_shape_text(s, ts, sizeof ts));
    for (int i = w.rank; i < s.rank; i++) to.d[i] = 1;  // 0: their own size
    loss = hd_mul(loss, w.rank < s.rank ? hd_reshape(weights, to) : weights);
  }
  return reduction == HD_LOSS_NONE ? loss : reduction == HD_LOSS_SUM ? hd_sum(loss) : hd_mean(loss);
}

hd_val hd_accuracy(hd_val logits, hd_val label) {
  if (!hd_ok(logits) || !hd_ok(label)) return (hd_val){0};
  hd_shape a = hd_type_of(logits)->shape, b = hd_type_of(label)->shape;
  char ta[96], tb[96];
  bool weights = a.rank == b.rank,
       fits =
           a.rank > 0 && (weights || (b.rank == a.rank - 1 && hd_type_of(label)->dtype == HD_I32));
  if (!fits || !agree(a, b, b.rank))
    return hd_layer_fail(
        logits, "accuracy", NULL,
        "logits are %s, label is %s %s; must be i32 class indices, or weights of the logits' shape",
        hd_shape_text(a, ta, sizeof ta), hd_dtype_name(hd_type_of(label)->dtype),
        hd_shape_text(b, tb, sizeof tb));
  return hd_mean(
      hd_cast(hd_equal(hd_argmax(logits, -1), weights ? hd_argmax(label, -1) : label), HD_F32));
}
