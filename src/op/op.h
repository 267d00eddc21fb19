// What an op file includes. It is compiled twice: with `real` = float, and with HD_REF64 for the
// double reference, when everything below #ifndef HD_REF64 in the op file is left out.
#ifndef OP_OP_H
#define OP_OP_H

#include <math.h>

#include "../../include/hadal/op.h"
#include "../../include/hadal/ops.h"
#include "../base/base.h"
#include "../graph/graph.h"
#include "../kernel/kernel.h"

#ifdef HD_REF64
typedef double real;
#define HD_REAL HD_F64
#define HD_REF(op) \
  void hd_ref64_##op(const hd_args *a, int64_t part); \
  void hd_ref64_##op(const hd_args *a, int64_t part)
#define R_(name) name
#else
typedef float real;
#define HD_REAL HD_F32
#define HD_REF(op) \
  void hd_ref64_##op(const hd_args *a, int64_t part); \
  static void hd_ref32_##op(const hd_args *a, int64_t part)
#define R_(name) name##f
#endif
// The function of libm for `real`: M_(exp)(x).
#define M_(name) R_(name)
// In the record: .ref32 = hd_ref32_relu, .ref64 = hd_ref64_relu
#define HD_REFS(op) .ref32 = hd_ref32_##op, .ref64 = hd_ref64_##op

static inline int64_t hd_args_count(const hd_type *t) { return hd_shape_count(t->shape); }

// For reference loops over a broadcast: offset, in an operand of type t, of flat element i of a
// result of shape s.
static inline int64_t hd_broadcast_offset(hd_shape s, hd_shape t, int64_t i) {
  int64_t offset = 0, stride = 1;
  int same = s.rank - t.rank;
  for (int k = 0; !same && k < s.rank; k++) same = s.d[k] != t.d[k];
  if (!same) return i;
  for (int k = s.rank - 1, j = t.rank - 1; j >= 0; k--, j--) {
    int64_t at = i % s.d[k];
    i /= s.d[k];
    if (t.d[j] != 1) offset += at * stride;
    stride *= t.d[j];
  }
  return offset;
}

// The reference of a comparison. Every i32 and every float is a double: nothing is lost.
static inline void hd_compare_reference(const hd_args *a, bool (*holds)(double, double)) {
  const hd_type *u = &a->in_type[0], *v = &a->in_type[1];
  const hd_shape s = a->out_type->shape;
  uint8_t *y = a->out[0];
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++) {
    int64_t j = hd_broadcast_offset(s, u->shape, i), k = hd_broadcast_offset(s, v->shape, i);
    y[i] = u->dtype == HD_I32
               ? holds(((const int32_t *)a->in[0])[j], ((const int32_t *)a->in[1])[k])
               : holds((double)((const real *)a->in[0])[j], (double)((const real *)a->in[1])[k]);
  }
}

#ifndef HD_REF64
// Shape rules and helpers shared by ops: src/op/rules.c.
hd_status hd_rule_same(hd_rule *r);         // out[0] = in[0]
hd_status hd_rule_broadcast(hd_rule *r);    // all inputs of one real dtype, broadcast together
hd_status hd_rule_compare(hd_rule *r);      // the same for f32, f64 or i32; result bool
hd_status hd_rule_real(hd_rule *r, int i);  // refuses an input that is neither f32 nor f64
bool hd_dim_fits(int64_t a, int64_t b);     // equal, or one of them not known yet
// Broadcast of two shapes; false when they do not fit.
bool hd_shape_broadcast(hd_shape a, hd_shape b, hd_shape *to);
const char *hd_text_of(hd_shape s, char *to);  // to: char[96]
bool hd_type_equal(const hd_type *a, const hd_type *b);
bool hd_is_constant(hd_val v, double value);  // a constant scalar of that value
// Phases, parts, memory and operations as a kernel planned them; `run` looks at args->phase.
void hd_lower_parts(hd_lowering *l, hd_kernel_fn *run, const hd_parts *parts);

// clang-format off
#define HD_OP_LIST(X) \
  X(neg) X(abs) X(sign) X(floor) X(sqrt) X(rsqrt) X(reciprocal) X(square) X(exp) X(log) X(sin) \
  X(cos) X(erf) X(tanh) X(sigmoid) X(softplus) X(relu) X(leaky_relu) X(relu6) X(elu) X(selu) \
  X(gelu) X(silu) X(mish) X(softsign) X(hard_sigmoid) X(hard_tanh) X(hard_swish) X(heaviside) \
  X(bipolar_step) X(cast) X(stop_gradient) X(add) X(sub) X(mul) X(div) X(pow) X(maximum) \
  X(minimum) X(greater) X(greater_equal) X(less) X(less_equal) X(equal) X(select) X(matmul) \
  X(conv2d) X(conv2d_input) X(conv2d_weights) X(max_pool2d) X(max_unpool2d) X(max_pool_take) \
  X(avg_pool2d) X(avg_unpool2d) X(reshape) X(transpose) X(concat) X(slice) X(unslice) X(pad) \
  X(broadcast_to) X(sum_like) X(expand_like) X(reshape_like) X(gather) X(scatter_add) \
  X(one_hot) X(sum) X(mean) X(reduce_max) X(reduce_min) X(argmax) X(softmax) X(log_softmax) \
  X(moments) X(by_mode) X(increment) X(schedule) X(random_mask) X(random_noise) X(cross_entropy) \
  X(cross_entropy_input)
// clang-format on
#define X(op) extern const hd_op hd_def_##op;
HD_OP_LIST(X)
#undef X
#endif

#endif
