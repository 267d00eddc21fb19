// Layers: ops with parameters of their own; losses and metrics. A layer's parameters are named
// after it, "dense_1/weight": by .name, or by the walk of the first compile.
#ifndef HADAL_NN_H
#define HADAL_NN_H

#include "ops.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- Layers -------------------------------------------------------------------------------------
typedef struct hd_dense_options {
  HD_OPTIONS;
  int units HD_Z;          // required
  bool no_bias HD_Z;
  hd_init init HD_Z;       // {.kind = HD_HE_NORMAL}; default HD_GLOROT_UNIFORM. Biases start at 0
  const char *name HD_Z;   // default "dense_1", ...
} hd_dense_options;
// x (..., in) -> (..., units): x weight + bias, weight (in, units).
HD_API hd_val hd_dense(hd_val x, hd_dense_options options);
#define hd_dense(...) \
  hd_dense(HD_HEAD_(__VA_ARGS__, ), \
           HD_LIT(hd_dense_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

typedef struct hd_conv2d_options {
  HD_OPTIONS;
  int filters HD_Z;        // required
  int kernel[2] HD_Z;      // required: rows, columns; {k} fills both
  int stride[2] HD_Z;      // default 1
  int dilation[2] HD_Z;    // default 1
  int groups HD_Z;         // default 1; as many as x has channels: depthwise
  hd_padding pad HD_Z;     // default valid
  int padding[4] HD_Z;     // HD_EXPLICIT: top, left, bottom, right
  bool no_bias HD_Z;
  hd_init init HD_Z;       // {.kind = HD_HE_NORMAL}; default HD_GLOROT_UNIFORM. Biases start at 0
  const char *name HD_Z;   // default "conv2d_1", ...
} hd_conv2d_options;
// x (N, H, W, C) -> (N, H', W', filters): cross-correlation, weight (kh, kw, C / groups, filters).
HD_API hd_val hd_conv2d(hd_val x, hd_conv2d_options options);
#define hd_conv2d(...) \
  hd_conv2d(HD_HEAD_(__VA_ARGS__, ), \
            HD_LIT(hd_conv2d_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

typedef struct hd_batch_norm_options {
  HD_OPTIONS;
  float momentum HD_Z;     // default 0.9
  float epsilon HD_Z;      // default 1e-5
  const char *name HD_Z;   // default "batch_norm_1", ...
} hd_batch_norm_options;
// Per channel, the last axis: y = gamma (x - mean) / sqrt(variance + epsilon) + beta. Training uses
// the batch's moments and updates running = momentum running + (1 - momentum) batch, with the
// biased variance; evaluation uses the running ones. Where 1 - momentum goes by the name momentum,
// as in PyTorch, give 1 minus it.
HD_API hd_val hd_batch_norm(hd_val x, hd_batch_norm_options options);
#define hd_batch_norm(...) \
  hd_batch_norm(HD_HEAD_(__VA_ARGS__, ), \
                HD_LIT(hd_batch_norm_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

typedef struct hd_dropout_options {
  HD_OPTIONS;
  float rate HD_Z;         // of zeros, in (0, 1); default 0.5
  const char *name HD_Z;   // default "dropout_1", ...
} hd_dropout_options;
// Training: zero with probability rate, else x / (1 - rate). Evaluation: x.
HD_API hd_val hd_dropout(hd_val x, hd_dropout_options options);
#define hd_dropout(...) \
  hd_dropout(HD_HEAD_(__VA_ARGS__, ), \
             HD_LIT(hd_dropout_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

// ---- Losses and metrics: scalars ----------------------------------------------------------------
typedef struct hd_mse_options {
  HD_OPTIONS;
  float factor HD_Z;       // default 1; 0.5 makes the gradient of one element its error
} hd_mse_options;
// factor times the mean, over all elements, of (y - target)^2. Both have one shape.
HD_API hd_val hd_mse(hd_val y, hd_val target, hd_mse_options options);
#define hd_mse(...) \
  hd_mse(HD_HEAD2_(__VA_ARGS__, ), \
         HD_LIT(hd_mse_options){.hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})
// The mean of hd_op_cross_entropy: label i32 class indices, or weights of the logits' shape.
HD_API hd_val hd_cross_entropy(hd_val logits, hd_val label);
// The share of rows whose largest logit is at the label (i32), or at the largest of the label (of
// the logits' shape).
HD_API hd_val hd_accuracy(hd_val logits, hd_val label);

#ifdef __cplusplus
}
#endif
#endif
