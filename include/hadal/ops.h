// The operators as functions on values. Shapes: N batch, H W space, C channels, T time, D width.
// Broadcasting is NumPy's: aligned at the last axis, size 1 stretches. Layers with parameters of
// their own (dense, conv2d ...) are in nn.h.
#ifndef HADAL_OPS_H
#define HADAL_OPS_H

#include "graph.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HD_AXIS(i) (1u << (i))   // a mask of axes: HD_AXIS(0) | HD_AXIS(2)
#define HD_LAST_AXIS (1u << 31)  // the last one, whatever the rank

// ---- Elementwise, one input. f32 or f64; the result has x's shape. ------------------------------
HD_API hd_val hd_neg(hd_val x);
HD_API hd_val hd_abs(hd_val x);    // gradient 0 at 0
HD_API hd_val hd_sign(hd_val x);   // -1, 0 or 1; gradient 0
HD_API hd_val hd_floor(hd_val x);  // gradient 0
HD_API hd_val hd_sqrt(hd_val x);
HD_API hd_val hd_rsqrt(hd_val x);  // 1 / sqrt(x)
HD_API hd_val hd_reciprocal(hd_val x);
HD_API hd_val hd_square(hd_val x);
HD_API hd_val hd_exp(hd_val x);
HD_API hd_val hd_log(hd_val x);
HD_API hd_val hd_sin(hd_val x);
HD_API hd_val hd_cos(hd_val x);
HD_API hd_val hd_erf(hd_val x);
HD_API hd_val hd_tanh(hd_val x);
HD_API hd_val hd_sigmoid(hd_val x);   // 1 / (1 + exp(-x))
HD_API hd_val hd_softplus(hd_val x);  // log(1 + exp(x))
HD_API hd_val hd_relu(hd_val x);      // max(x, 0); gradient 0 at 0
typedef struct hd_leaky_relu_options {
  HD_OPTIONS;
  float slope HD_Z;  // below 0; default 0.01
} hd_leaky_relu_options;
HD_API hd_val hd_leaky_relu(hd_val x, hd_leaky_relu_options options);
#define hd_leaky_relu(...) \
  hd_leaky_relu(HD_HEAD_(__VA_ARGS__, ), \
                HD_LIT(hd_leaky_relu_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})
// y = x > 0 ? x : alpha (e^x - 1); gradient alpha at 0 (Clevert et al. 2016)
typedef struct hd_elu_options {
  HD_OPTIONS;
  float alpha HD_Z;  // default 1
} hd_elu_options;
HD_API hd_val hd_elu(hd_val x, hd_elu_options options);
#define hd_elu(...) \
  hd_elu(HD_HEAD_(__VA_ARGS__, ), HD_LIT(hd_elu_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})
// x times the probability of a normal number below x: x/2 (1 + erf(x / sqrt 2)) (Hendrycks & Gimpel
// 2016)
typedef struct hd_gelu_options {
  HD_OPTIONS;
  bool tanh HD_Z;  // x/2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) instead
} hd_gelu_options;
HD_API hd_val hd_gelu(hd_val x, hd_gelu_options options);
#define hd_gelu(...) \
  hd_gelu(HD_HEAD_(__VA_ARGS__, ), HD_LIT(hd_gelu_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})
// x sigmoid(beta x) (Elfwing et al. 2017; as swish, Ramachandran et al. 2017)
typedef struct hd_silu_options {
  HD_OPTIONS;
  float beta HD_Z;  // default 1
} hd_silu_options;
HD_API hd_val hd_silu(hd_val x, hd_silu_options options);
#define hd_silu(...) \
  hd_silu(HD_HEAD_(__VA_ARGS__, ), HD_LIT(hd_silu_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})
HD_API hd_val hd_selu(hd_val x);  // 1.0507 (x > 0 ? x : 1.6733 (e^x - 1)) (Klambauer et al. 2017)
HD_API hd_val hd_mish(hd_val x);  // x tanh(softplus(x)) (Misra 2019)
HD_API hd_val hd_softsign(hd_val x);      // x / (1 + |x|)
HD_API hd_val hd_relu6(hd_val x);         // min(max(x, 0), 6); gradient 0 at 0 and 6
HD_API hd_val hd_hard_tanh(hd_val x);     // min(max(x, -1), 1); gradient 0 at -1 and 1
HD_API hd_val hd_hard_sigmoid(hd_val x);  // min(max(x + 3, 0), 6) / 6; gradient 0 at -3 and 3
HD_API hd_val
hd_hard_swish(hd_val x);  // x hard_sigmoid(x) (Howard et al. 2019); gradient 0 at -3, 1 at 3
HD_API hd_val hd_heaviside(hd_val x);     // the step: 1 for x >= 0, else 0; no gradient
HD_API hd_val hd_bipolar_step(hd_val x);  // 1 for x >= 0, else -1; no gradient
HD_API hd_val hd_cast(hd_val x,
                      hd_dtype dtype);     // f32, f64, i32, bool, u8; no gradient through integers
HD_API hd_val hd_stop_gradient(hd_val x);  // x; no gradient passes

// ---- Elementwise, broadcasting ------------------------------------------------------------------
HD_API hd_val hd_add(hd_val a, hd_val b);
HD_API hd_val hd_sub(hd_val a, hd_val b);
HD_API hd_val hd_mul(hd_val a, hd_val b);
HD_API hd_val hd_div(hd_val a, hd_val b);
HD_API hd_val hd_pow(hd_val a, hd_val b);      // a^b, a > 0 where b's gradient is wanted
HD_API hd_val hd_maximum(hd_val a, hd_val b);  // gradient to a where a >= b
HD_API hd_val hd_minimum(hd_val a, hd_val b);  // gradient to a where a <= b
HD_API hd_val hd_power(hd_val x, double exponent);
HD_API hd_val hd_add_scalar(hd_val x, double value);
HD_API hd_val hd_scale(hd_val x, double factor);
// Comparisons give bool; the inputs are f32, f64 or i32. No gradient.
HD_API hd_val hd_greater(hd_val a, hd_val b);
HD_API hd_val hd_greater_equal(hd_val a, hd_val b);
HD_API hd_val hd_less(hd_val a, hd_val b);
HD_API hd_val hd_less_equal(hd_val a, hd_val b);
HD_API hd_val hd_equal(hd_val a, hd_val b);
HD_API hd_val hd_select(hd_val condition, hd_val a, hd_val b);  // condition (bool) ? a : b

// ---- Linear algebra -----------------------------------------------------------------------------
typedef struct hd_matmul_options {
  HD_OPTIONS;
  bool ta HD_Z, tb HD_Z;  // the last two axes of a, b are transposed
} hd_matmul_options;
// (..., M, K) x (..., K, N) -> (..., M, N); leading axes are equal, or absent on one side.
HD_API hd_val hd_matmul(hd_val a, hd_val b, hd_matmul_options options);
#define hd_matmul(...) \
  hd_matmul(HD_HEAD2_(__VA_ARGS__, ), \
            HD_LIT(hd_matmul_options){.hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})

// ---- Convolution and pooling, channels-last -----------------------------------------------------
typedef enum hd_padding { HD_VALID = 0, HD_SAME, HD_EXPLICIT } hd_padding;

typedef struct hd_op_conv2d_options {
  HD_OPTIONS;
  int stride[2] HD_Z;    // rows, columns; default 1; {s} fills both
  int dilation[2] HD_Z;  // default 1
  int groups HD_Z;       // default 1; C and F are multiples of it
  hd_padding pad HD_Z;   // default valid. same: out = ceil(in / stride), the odd pixel after
  int padding[4] HD_Z;   // HD_EXPLICIT: top, left, bottom, right
} hd_op_conv2d_options;
// Cross-correlation: x (N, H, W, C), w (kh, kw, C / groups, F) -> (N, H', W', F),
// H' = floor((H + top + bottom - dilation (kh - 1) - 1) / stride) + 1.
HD_API hd_val hd_op_conv2d(hd_val x, hd_val w, hd_op_conv2d_options options);
#define hd_op_conv2d(...) \
  hd_op_conv2d(HD_HEAD2_(__VA_ARGS__, ), \
               HD_LIT(hd_op_conv2d_options){.hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})

// Convolution as mathematics has it: the same with w turned by 180 degrees, w[kh-1-r, kw-1-s]. For
// given weights; learnt ones come out turned either way.
HD_API hd_val hd_op_convolve2d(hd_val x, hd_val w, hd_op_conv2d_options options);
#define hd_op_convolve2d(...) \
  hd_op_convolve2d(HD_HEAD2_(__VA_ARGS__, ), \
                   HD_LIT(hd_op_conv2d_options){.hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})

typedef struct hd_pool2d_options {
  HD_OPTIONS;
  int window[2] HD_Z;       // required; {k} fills both
  int stride[2] HD_Z;       // default: the window
  hd_padding pad HD_Z;      // default valid
  int padding[4] HD_Z;      // HD_EXPLICIT: top, left, bottom, right
  bool ceil HD_Z;           // round the output size up: the last window may hang over the edge
  bool count_padding HD_Z;  // average: divide by the whole window at the edges
} hd_pool2d_options;
// (N, H, W, C) -> (N, H', W', C). Padding never wins a maximum and adds nothing to an average.
HD_API hd_val hd_max_pool2d(hd_val x, hd_pool2d_options options);  // output 1: the winning tap, i32
HD_API hd_val hd_avg_pool2d(hd_val x, hd_pool2d_options options);
HD_API hd_val hd_min_pool2d(hd_val x, hd_pool2d_options options);
#define hd_max_pool2d(...) \
  hd_max_pool2d(HD_HEAD_(__VA_ARGS__, ), \
                HD_LIT(hd_pool2d_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})
#define hd_avg_pool2d(...) \
  hd_avg_pool2d(HD_HEAD_(__VA_ARGS__, ), \
                HD_LIT(hd_pool2d_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})
#define hd_min_pool2d(...) \
  hd_min_pool2d(HD_HEAD_(__VA_ARGS__, ), \
                HD_LIT(hd_pool2d_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})
HD_API hd_val hd_global_avg_pool2d(hd_val x);  // (N, H, W, C) -> (N, C)
HD_API hd_val hd_global_max_pool2d(hd_val x);

// ---- Shape --------------------------------------------------------------------------------------
// HD_BATCH ... stand for the bound size, 0 for x's own on that axis, one HD_ANY for what is left.
HD_API hd_val hd_reshape(hd_val x, hd_shape shape);
HD_API hd_val hd_flatten(hd_val x);  // (N, ...) -> (N, product)
HD_API hd_val hd_transpose(hd_val x,
                           hd_shape permutation);  // output axis i is x's axis permutation[i]
HD_API hd_val hd_concat(const hd_val *x, int count, int axis);  // axis < 0: from the end
// axis, start < 0: from the end; length HD_ANY: up to it.
HD_API hd_val hd_slice(hd_val x, int axis, int64_t start, int64_t length);
typedef struct hd_pad_options {
  HD_OPTIONS;
  int before[HD_MAX_RANK] HD_Z, after[HD_MAX_RANK] HD_Z;  // per axis, default 0
  float value HD_Z;                                       // default 0
} hd_pad_options;
HD_API hd_val hd_pad(hd_val x, hd_pad_options options);
#define hd_pad(...) \
  hd_pad(HD_HEAD_(__VA_ARGS__, ), HD_LIT(hd_pad_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})
HD_API hd_val hd_broadcast_to(hd_val x, hd_shape shape);
// What gradients of broadcasting need; only the shape of `like` is read.
HD_API hd_val hd_sum_like(hd_val x, hd_val like);  // sums x down to like's shape
typedef struct hd_expand_like_options {
  HD_OPTIONS;
  unsigned axes HD_Z;  // axes of `like` that x lacks (it was reduced over them); 0: broadcast
  bool mean HD_Z;      // divide by the number of copies
} hd_expand_like_options;
HD_API hd_val hd_expand_like(hd_val x, hd_val like, hd_expand_like_options options);
#define hd_expand_like(...) \
  hd_expand_like(HD_HEAD2_(__VA_ARGS__, ), \
                 HD_LIT(hd_expand_like_options){.hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})
HD_API hd_val hd_reshape_like(hd_val x, hd_val like);

// ---- Index --------------------------------------------------------------------------------------
// table (V, ...), index i32 (...) -> index's axes then table's other axes. An index outside 0 ..
// V-1 reads zeros (the data layer refuses it before).
HD_API hd_val hd_gather(hd_val table, hd_val index);
HD_API hd_val hd_scatter_add(hd_val x, hd_val index, int64_t rows);  // its transpose: (rows, ...)
HD_API hd_val hd_one_hot(hd_val index, int64_t depth);  // i32 (...) -> f32 (..., depth)

// ---- Reductions ---------------------------------------------------------------------------------
typedef struct hd_reduce_options {
  HD_OPTIONS;
  unsigned axes HD_Z;  // mask; default all
  bool keep HD_Z;      // keep the reduced axes as 1
} hd_reduce_options;
HD_API hd_val hd_sum(hd_val x, hd_reduce_options options);
HD_API hd_val hd_mean(hd_val x, hd_reduce_options options);
HD_API hd_val hd_reduce_max(hd_val x,
                            hd_reduce_options options);  // gradient shared equally by ties
HD_API hd_val hd_reduce_min(hd_val x, hd_reduce_options options);
#define hd_sum(...) \
  hd_sum(HD_HEAD_(__VA_ARGS__, ), HD_LIT(hd_reduce_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})
#define hd_mean(...) \
  hd_mean(HD_HEAD_(__VA_ARGS__, ), HD_LIT(hd_reduce_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})
#define hd_reduce_max(...) \
  hd_reduce_max(HD_HEAD_(__VA_ARGS__, ), \
                HD_LIT(hd_reduce_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})
#define hd_reduce_min(...) \
  hd_reduce_min(HD_HEAD_(__VA_ARGS__, ), \
                HD_LIT(hd_reduce_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})
HD_API hd_val hd_argmax(hd_val x, int axis);  // i32; axis < 0: from the end; first of equals
HD_API hd_val hd_softmax(hd_val x);           // along the last axis
HD_API hd_val hd_log_softmax(hd_val x);

// ---- Normalisation, random, losses --------------------------------------------------------------
typedef struct hd_op_batch_norm_options {
  HD_OPTIONS;
  float epsilon HD_Z;  // default 1e-5
} hd_op_batch_norm_options;
// Per channel, the last axis (Ioffe & Szegedy 2015): y = gamma (x - mean) / sqrt(variance + eps) +
// beta. Training uses hd_moments of the batch; evaluation the given mean and variance.
HD_API hd_val hd_op_batch_norm(hd_val x, hd_val gamma, hd_val beta, hd_val mean, hd_val variance,
                               hd_op_batch_norm_options options);
HD_API hd_val hd_moments(hd_val x);  // (..., C) -> mean (C); output 1: biased variance (C)
HD_API hd_val hd_by_mode(hd_val train,
                         hd_val evaluate);  // which of the two is decided when compiling
typedef struct hd_random_mask_options {
  HD_OPTIONS;
  float rate HD_Z;  // of zeros, in [0, 1); default 0.5
} hd_random_mask_options;
// Of x's shape: 0 with probability rate, else 1 / (1 - rate); all ones in evaluation. Drawn from
// (seed, step, the node's name, sample and element).
HD_API hd_val hd_random_mask(hd_val x, hd_random_mask_options options);
#define hd_random_mask(...) \
  hd_random_mask(HD_HEAD_(__VA_ARGS__, ), \
                 HD_LIT(hd_random_mask_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})
typedef struct hd_random_noise_options {
  HD_OPTIONS;
  float mean HD_Z;       // default 0
  float deviation HD_Z;  // default 1
  bool shared HD_Z;      // x is a weight: the shards of a step have the same noise
} hd_random_noise_options;
// Of x's shape: normal with this mean and deviation; the mean in evaluation. Drawn as masks are.
HD_API hd_val hd_random_noise(hd_val x, hd_random_noise_options options);
#define hd_random_noise(...) \
  hd_random_noise(HD_HEAD_(__VA_ARGS__, ), \
                  HD_LIT(hd_random_noise_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})
// -log softmax(logits)[label] per row: logits (..., K); label i32 (...), or f32 (..., K) of weights
// that usually sum to 1. -> (...). The mean over it is hd_cross_entropy (nn.h).
HD_API hd_val hd_op_cross_entropy(hd_val logits, hd_val label);

#ifdef __cplusplus
}
#endif
#endif
