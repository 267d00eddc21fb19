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
  int units HD_Z;  // required
  bool no_bias HD_Z;
  hd_init init HD_Z;      // {.kind = HD_HE_NORMAL}; default HD_GLOROT_UNIFORM. Biases start at 0
  const char *name HD_Z;  // default "dense_1", ...
} hd_dense_options;
// x (..., in) -> (..., units): x weight + bias, weight (in, units).
HD_API hd_val hd_dense(hd_val x, hd_dense_options options);
#define hd_dense(...) \
  hd_dense(HD_HEAD_(__VA_ARGS__, ), HD_LIT(hd_dense_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

typedef struct hd_conv2d_options {
  HD_OPTIONS;
  int filters HD_Z;      // required
  int kernel[2] HD_Z;    // required: rows, columns; {k} fills both
  int stride[2] HD_Z;    // default 1
  int dilation[2] HD_Z;  // default 1
  int groups HD_Z;       // default 1; as many as x has channels: depthwise
  hd_padding pad HD_Z;   // default valid
  int padding[4] HD_Z;   // HD_EXPLICIT: top, left, bottom, right
  bool no_bias HD_Z;
  hd_init init HD_Z;      // {.kind = HD_HE_NORMAL}; default HD_GLOROT_UNIFORM. Biases start at 0
  const char *name HD_Z;  // default "conv2d_1", ...
} hd_conv2d_options;
// x (N, H, W, C) -> (N, H', W', filters): cross-correlation, weight (kh, kw, C / groups, filters).
HD_API hd_val hd_conv2d(hd_val x, hd_conv2d_options options);
#define hd_conv2d(...) \
  hd_conv2d(HD_HEAD_(__VA_ARGS__, ), HD_LIT(hd_conv2d_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

typedef struct hd_batch_norm_options {
  HD_OPTIONS;
  float momentum HD_Z;    // default 0.9
  float epsilon HD_Z;     // default 1e-5
  const char *name HD_Z;  // default "batch_norm_1", ...
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
  float rate HD_Z;        // of zeros, in (0, 1); default 0.5
  const char *name HD_Z;  // default "dropout_1", ...
} hd_dropout_options;
// Training: zero with probability rate, else x / (1 - rate). Evaluation: x.
HD_API hd_val hd_dropout(hd_val x, hd_dropout_options options);
#define hd_dropout(...) \
  hd_dropout(HD_HEAD_(__VA_ARGS__, ), \
             HD_LIT(hd_dropout_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

typedef struct hd_prelu_options {
  HD_OPTIONS;
  bool shared HD_Z;       // one slope; default one for each channel
  hd_init init HD_Z;      // default 0.25 everywhere
  const char *name HD_Z;  // default "prelu_1", ...
} hd_prelu_options;
// x, or slope x where x <= 0, with slopes that are learned, one per entry of the last axis (He et
// al. 2015).
HD_API hd_val hd_prelu(hd_val x, hd_prelu_options options);
#define hd_prelu(...) \
  hd_prelu(HD_HEAD_(__VA_ARGS__, ), HD_LIT(hd_prelu_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

typedef enum hd_gate {
  HD_GATE_SIGMOID = 0,
  HD_GATE_LINEAR,
  HD_GATE_RELU,
  HD_GATE_GELU,
  HD_GATE_SILU,
  HD_GATE_TANH
} hd_gate;
typedef struct hd_glu_options {
  HD_OPTIONS;
  hd_gate gate HD_Z;  // default sigmoid; silu makes it SwiGLU, gelu GEGLU
} hd_glu_options;
// x (..., 2 C), halves a and b -> (..., C): a gate(b) (Dauphin et al. 2017; Shazeer 2020).
HD_API hd_val hd_glu(hd_val x, hd_glu_options options);
#define hd_glu(...) \
  hd_glu(HD_HEAD_(__VA_ARGS__, ), HD_LIT(hd_glu_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

typedef struct hd_maxout_options {
  HD_OPTIONS;
  int units HD_Z;         // required
  int pieces HD_Z;        // default 2
  hd_init init HD_Z;      // default HD_GLOROT_UNIFORM
  const char *name HD_Z;  // default "maxout_1", ...
} hd_maxout_options;
// x (..., in) -> (..., units): the largest of `pieces` dense outputs (Goodfellow et al. 2013).
// Parameters: those of a dense layer of units pieces outputs, the pieces of a unit side by side.
HD_API hd_val hd_maxout(hd_val x, hd_maxout_options options);
#define hd_maxout(...) \
  hd_maxout(HD_HEAD_(__VA_ARGS__, ), HD_LIT(hd_maxout_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

typedef struct hd_layer_norm_options {
  HD_OPTIONS;
  int axes HD_Z;          // how many of the last ones; default 1
  float epsilon HD_Z;     // default 1e-5
  bool no_weights HD_Z;   // neither gamma nor beta
  const char *name HD_Z;  // default "layer_norm_1", ...
} hd_layer_norm_options;
// y = gamma (x - mean) / sqrt(variance + epsilon) + beta, the biased moments along the last axes of
// each sample, gamma and beta of their shape (Ba et al. 2016). Training and evaluation are alike.
HD_API hd_val hd_layer_norm(hd_val x, hd_layer_norm_options options);
#define hd_layer_norm(...) \
  hd_layer_norm(HD_HEAD_(__VA_ARGS__, ), \
                HD_LIT(hd_layer_norm_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

typedef struct hd_rms_norm_options {
  HD_OPTIONS;
  float epsilon HD_Z;     // default 1e-5
  bool no_weights HD_Z;   // no gamma
  const char *name HD_Z;  // default "rms_norm_1", ...
} hd_rms_norm_options;
// y = gamma x / sqrt(mean of x^2 + epsilon) along the last axis (Zhang & Sennrich 2019).
HD_API hd_val hd_rms_norm(hd_val x, hd_rms_norm_options options);
#define hd_rms_norm(...) \
  hd_rms_norm(HD_HEAD_(__VA_ARGS__, ), \
              HD_LIT(hd_rms_norm_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

typedef struct hd_group_norm_options {
  HD_OPTIONS;
  int groups HD_Z;        // default 32
  float epsilon HD_Z;     // default 1e-5
  bool no_weights HD_Z;   // neither gamma nor beta
  const char *name HD_Z;  // default "group_norm_1", ...
} hd_group_norm_options;
// x (N, ..., C): as layer_norm, over everything of a sample in each of `groups` runs of channels;
// gamma and beta (C) (Wu & He 2018). One group is the layer normalisation of convolutions.
HD_API hd_val hd_group_norm(hd_val x, hd_group_norm_options options);
#define hd_group_norm(...) \
  hd_group_norm(HD_HEAD_(__VA_ARGS__, ), \
                HD_LIT(hd_group_norm_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

typedef struct hd_instance_norm_options {
  HD_OPTIONS;
  float epsilon HD_Z;     // default 1e-5
  bool no_weights HD_Z;   // neither gamma nor beta
  const char *name HD_Z;  // default "instance_norm_1", ...
} hd_instance_norm_options;
// x (N, H, W, C): as layer_norm, over the pixels of each channel of a sample; gamma and beta (C)
// (Ulyanov et al. 2016).
HD_API hd_val hd_instance_norm(hd_val x, hd_instance_norm_options options);
#define hd_instance_norm(...) \
  hd_instance_norm(HD_HEAD_(__VA_ARGS__, ), \
                   HD_LIT(hd_instance_norm_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

typedef struct hd_local_response_norm_options {
  HD_OPTIONS;
  int size HD_Z;     // odd; default 5
  float alpha HD_Z;  // default 1e-4
  float beta HD_Z;   // default 0.75
  float k HD_Z;      // default 2
} hd_local_response_norm_options;
// y[c] = x[c] / (k + alpha sum of x[j]^2)^beta, over the `size` channels j about c, fewer at the
// ends (Krizhevsky et al. 2012). Where alpha is divided by size, as in PyTorch, divide it here.
HD_API hd_val hd_local_response_norm(hd_val x, hd_local_response_norm_options options);
#define hd_local_response_norm(...) \
  hd_local_response_norm(HD_HEAD_(__VA_ARGS__, ), HD_LIT(hd_local_response_norm_options){ \
                                                      .hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

typedef struct hd_spatial_dropout_options {
  HD_OPTIONS;
  float rate HD_Z;        // of zeros, in (0, 1); default 0.5
  const char *name HD_Z;  // default "spatial_dropout_1", ...
} hd_spatial_dropout_options;
// x (N, H, W, C) or (N, T, C). Training: a channel of a sample is zero with probability rate, else
// x / (1 - rate) (Tompson et al. 2015). Evaluation: x. Its random site is named, as dropout's is,
// after the layer: "spatial_dropout_1/random_mask_1".
HD_API hd_val hd_spatial_dropout(hd_val x, hd_spatial_dropout_options options);
#define hd_spatial_dropout(...) \
  hd_spatial_dropout(HD_HEAD_(__VA_ARGS__, ), \
                     HD_LIT(hd_spatial_dropout_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

typedef struct hd_gaussian_dropout_options {
  HD_OPTIONS;
  float rate HD_Z;        // in (0, 1); default 0.5
  const char *name HD_Z;  // default "gaussian_dropout_1", ...
} hd_gaussian_dropout_options;
// Training: x z, z normal with the mean and deviation of dropout's mask, 1 and sqrt(rate / (1 -
// rate)) (Srivastava et al. 2014, section 10). Evaluation: x.
HD_API hd_val hd_gaussian_dropout(hd_val x, hd_gaussian_dropout_options options);
#define hd_gaussian_dropout(...) \
  hd_gaussian_dropout(HD_HEAD_(__VA_ARGS__, ), \
                      HD_LIT(hd_gaussian_dropout_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

typedef struct hd_gaussian_noise_options {
  HD_OPTIONS;
  float deviation HD_Z;   // default 0.1
  const char *name HD_Z;  // default "gaussian_noise_1", ...
} hd_gaussian_noise_options;
// Training: x + deviation z, z normal (0, 1). Evaluation: x.
HD_API hd_val hd_gaussian_noise(hd_val x, hd_gaussian_noise_options options);
#define hd_gaussian_noise(...) \
  hd_gaussian_noise(HD_HEAD_(__VA_ARGS__, ), \
                    HD_LIT(hd_gaussian_noise_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

typedef struct hd_dense_bayes_options {
  HD_OPTIONS;
  int units HD_Z;  // required
  bool no_bias HD_Z;
  float deviation HD_Z;   // of every weight and bias at first; default 0.05
  hd_init init HD_Z;      // of the means; default HD_GLOROT_UNIFORM. Biases start at 0
  const char *name HD_Z;  // default "dense_bayes_1", ...
} hd_dense_bayes_options;
// hd_dense whose weights and biases are normal distributions: weight + softplus(weight_rho) z, z
// drawn anew at each training step, for the whole batch; in evaluation the means (Blundell et al.
// 2015). The loss needs hd_bayes_kl; hd_predict_mean with .passes gives mean and deviation.
HD_API hd_val hd_dense_bayes(hd_val x, hd_dense_bayes_options options);
#define hd_dense_bayes(...) \
  hd_dense_bayes(HD_HEAD_(__VA_ARGS__, ), \
                 HD_LIT(hd_dense_bayes_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

typedef struct hd_bayes_kl_options {
  HD_OPTIONS;
  float prior HD_Z;  // deviation of the prior, normal around 0; default 1
} hd_bayes_kl_options;
// Scalar: the divergence KL(weights || prior), exact, of all Bayesian layers that y depends on.
// Minus the evidence bound, per sample: hd_add(loss, hd_scale(hd_bayes_kl(y), 1.0 / samples)), the
// loss a mean of negative log likelihoods, samples those of the training set.
HD_API hd_val hd_bayes_kl(hd_val y, hd_bayes_kl_options options);
#define hd_bayes_kl(...) \
  hd_bayes_kl(HD_HEAD_(__VA_ARGS__, ), \
              HD_LIT(hd_bayes_kl_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

typedef struct hd_embedding_options {
  HD_OPTIONS;
  int rows HD_Z;          // required: indices are 0 .. rows - 1
  int width HD_Z;         // required
  hd_init init HD_Z;      // default uniform in [-0.05, 0.05)
  const char *name HD_Z;  // default "embedding_1", ...
} hd_embedding_options;
// x i32, or whole numbers of another type, (...) -> (..., width): rows of the weight (rows, width)
// (Bengio et al. 2003). An index beyond the table gives zeros.
HD_API hd_val hd_embedding(hd_val x, hd_embedding_options options);
#define hd_embedding(...) \
  hd_embedding(HD_HEAD_(__VA_ARGS__, ), \
               HD_LIT(hd_embedding_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

typedef struct hd_dense_tied_options {
  HD_OPTIONS;
  bool no_bias HD_Z;
  const char *name HD_Z;  // default "dense_tied_1", ...
} hd_dense_tied_options;
// x (..., in) -> (..., units): x weight^T + bias, the weight (units, in) another layer's, whose
// gradient sums both uses: the decoder of an autoencoder, the output of a language model (Press &
// Wolf 2017). hd_val w[2]; hd_weights(y, w, 2) gives weight and bias of y = hd_dense(input, ...).
HD_API hd_val hd_dense_tied(hd_val x, hd_val weight, hd_dense_tied_options options);
#define hd_dense_tied(...) \
  hd_dense_tied(HD_HEAD2_(__VA_ARGS__, ), \
                HD_LIT(hd_dense_tied_options){.hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})

typedef struct hd_locally_connected2d_options {
  HD_OPTIONS;
  int filters HD_Z;      // required
  int kernel[2] HD_Z;    // required: rows, columns; {k} fills both
  int stride[2] HD_Z;    // default 1
  int dilation[2] HD_Z;  // default 1
  hd_padding pad HD_Z;   // default valid
  int padding[4] HD_Z;   // HD_EXPLICIT: top, left, bottom, right
  bool no_bias HD_Z;
  hd_init init HD_Z;      // default HD_GLOROT_UNIFORM, of one window. Biases start at 0
  const char *name HD_Z;  // default "locally_connected2d_1", ...
} hd_locally_connected2d_options;
// hd_conv2d without the sharing: each window has weights (H', W', kh, kw, C, filters) and biases
// (H', W', filters) of its own (LeCun 1989).
HD_API hd_val hd_locally_connected2d(hd_val x, hd_locally_connected2d_options options);
#define hd_locally_connected2d(...) \
  hd_locally_connected2d(HD_HEAD_(__VA_ARGS__, ), HD_LIT(hd_locally_connected2d_options){ \
                                                      .hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

typedef struct hd_conv2d_table_options {
  HD_OPTIONS;
  const char *table HD_Z;  // required: the channels that each filter sees, "0,1 1,2 0,1,2"
  int kernel[2] HD_Z;      // required: rows, columns; {k} fills both
  int stride[2] HD_Z;      // default 1
  int dilation[2] HD_Z;    // default 1
  hd_padding pad HD_Z;     // default valid
  int padding[4] HD_Z;     // HD_EXPLICIT: top, left, bottom, right
  bool no_bias HD_Z;
  hd_init init HD_Z;      // default HD_GLOROT_UNIFORM, of the mean filter. Biases start at 0
  const char *name HD_Z;  // default "conv2d_table_1", ...
} hd_conv2d_table_options;
// hd_conv2d whose filters see some channels only, as layer C3 of LeCun et al. 1998: a filter is its
// channels in rising order, with commas between them; a space begins the next. Weight (K, kh, kw),
// one kernel for each number of the table, in its order. It is computed as a full convolution.
HD_API hd_val hd_conv2d_table(hd_val x, hd_conv2d_table_options options);
#define hd_conv2d_table(...) \
  hd_conv2d_table(HD_HEAD_(__VA_ARGS__, ), \
                  HD_LIT(hd_conv2d_table_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

typedef struct hd_subsample2d_options {
  HD_OPTIONS;
  int window[2] HD_Z;     // required; {k} fills both
  int stride[2] HD_Z;     // default: the window
  hd_init init HD_Z;      // of the coefficients; default HD_ONES. Biases start at 0
  const char *name HD_Z;  // default "subsample2d_1", ...
} hd_subsample2d_options;
// x (N, H, W, C): the mean of each window, times a coefficient, plus a bias, both (C) and learned:
// layers S2 and S4 of LeCun et al. 1998, whose coefficient is of the sum.
HD_API hd_val hd_subsample2d(hd_val x, hd_subsample2d_options options);
#define hd_subsample2d(...) \
  hd_subsample2d(HD_HEAD_(__VA_ARGS__, ), \
                 HD_LIT(hd_subsample2d_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

typedef struct hd_scaled_tanh_options {
  HD_OPTIONS;
  float amplitude HD_Z;  // default 1.7159
  float slope HD_Z;      // default 2/3
} hd_scaled_tanh_options;
// amplitude tanh(slope x): with the defaults f(1) = 1, f(-1) = -1 (LeCun 1989).
HD_API hd_val hd_scaled_tanh(hd_val x, hd_scaled_tanh_options options);
#define hd_scaled_tanh(...) \
  hd_scaled_tanh(HD_HEAD_(__VA_ARGS__, ), \
                 HD_LIT(hd_scaled_tanh_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

typedef enum hd_rbf_codes {
  HD_RBF_LEARNED = 0,
  HD_RBF_DIGITS  // ten drawings of 7 x 12 points, 1 and -1: no parameters
} hd_rbf_codes;
typedef struct hd_rbf_options {
  HD_OPTIONS;
  int units HD_Z;           // required, but for HD_RBF_DIGITS: 10
  hd_rbf_codes codes HD_Z;  // the centres; default learned
  hd_init init HD_Z;        // of the learned; default uniform in [-1, 1)
  const char *name HD_Z;    // default "rbf_1", ...
} hd_rbf_options;
// x (..., in) -> (..., units): minus the squared distance from each centre (units, in), so that the
// nearest has the largest; its exponential is a Gaussian. As output with HD_RBF_DIGITS: that of
// LeNet-5 (LeCun et al. 1998), see hd_map_criterion.
HD_API hd_val hd_rbf(hd_val x, hd_rbf_options options);
#define hd_rbf(...) \
  hd_rbf(HD_HEAD_(__VA_ARGS__, ), HD_LIT(hd_rbf_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

// ---- Losses ------------------------------------------------------------------------------------
// Each compares y with its target and gives one loss per element, or per row where it says so.
//   reduction   mean over all of them (default), their sum, or none: the losses themselves
//   weights     of the losses: its axes are their first ones, so (N) weighs samples. The mean still
//               divides by the number of losses, so that the means of parts of a batch add up, and
//               weights of 0 are no division by 0: let weights have the mean 1. Weights of classes:
//               .weights = hd_gather(class_weights, label).
// y and target have one shape and are never broadcast. A class index outside 0 .. K-1 gives NaN or
// infinity: it cannot be overlooked.
typedef enum hd_reduction { HD_LOSS_MEAN = 0, HD_LOSS_SUM, HD_LOSS_NONE } hd_reduction;
#define HD_REDUCTION \
  hd_reduction reduction HD_Z; \
  hd_val weights HD_Z

typedef struct hd_mse_options {
  HD_OPTIONS;
  float factor HD_Z;  // default 1; 0.5 makes the gradient of one element its error
  HD_REDUCTION;
} hd_mse_options;
// factor (y - target)^2 per element.
HD_API hd_val hd_mse(hd_val y, hd_val target, hd_mse_options options);
#define hd_mse(...) \
  hd_mse(HD_HEAD2_(__VA_ARGS__, ), HD_LIT(hd_mse_options){.hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})

typedef struct hd_mae_options {
  HD_OPTIONS;
  HD_REDUCTION;
} hd_mae_options;
// |y - target| per element, the L1 loss; gradient 0 where they are equal.
HD_API hd_val hd_mae(hd_val y, hd_val target, hd_mae_options options);
#define hd_mae(...) \
  hd_mae(HD_HEAD2_(__VA_ARGS__, ), HD_LIT(hd_mae_options){.hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})

typedef struct hd_huber_options {
  HD_OPTIONS;
  float delta HD_Z;  // default 1
  HD_REDUCTION;
} hd_huber_options;
// e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2), with e = y - target (Huber 1964).
HD_API hd_val hd_huber(hd_val y, hd_val target, hd_huber_options options);
#define hd_huber(...) \
  hd_huber(HD_HEAD2_(__VA_ARGS__, ), HD_LIT(hd_huber_options){.hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})

typedef struct hd_smooth_l1_options {
  HD_OPTIONS;
  float beta HD_Z;  // default 1
  HD_REDUCTION;
} hd_smooth_l1_options;
// e^2 / (2 beta) where |e| <= beta, else |e| - beta / 2: huber over beta (Girshick 2015).
HD_API hd_val hd_smooth_l1(hd_val y, hd_val target, hd_smooth_l1_options options);
#define hd_smooth_l1(...) \
  hd_smooth_l1(HD_HEAD2_(__VA_ARGS__, ), \
               HD_LIT(hd_smooth_l1_options){.hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})

typedef struct hd_log_cosh_options {
  HD_OPTIONS;
  HD_REDUCTION;
} hd_log_cosh_options;
// ln cosh(y - target) per element: e^2 / 2 when small, |e| - ln 2 when large. No kink.
HD_API hd_val hd_log_cosh(hd_val y, hd_val target, hd_log_cosh_options options);
#define hd_log_cosh(...) \
  hd_log_cosh(HD_HEAD2_(__VA_ARGS__, ), \
              HD_LIT(hd_log_cosh_options){.hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})

typedef struct hd_cross_entropy_options {
  HD_OPTIONS;
  float smoothing HD_Z;  // in [0, 1); default 0
  HD_REDUCTION;
} hd_cross_entropy_options;
// -log softmax(logits)[label] per row, logits (..., K): the negative log likelihood of the class.
// label: i32 class indices (...), or f32 probabilities of the logits' shape. With smoothing s the
// target is (1 - s) label + s / K (Szegedy et al. 2016).
HD_API hd_val hd_cross_entropy(hd_val logits, hd_val label, hd_cross_entropy_options options);
#define hd_cross_entropy(...) \
  hd_cross_entropy(HD_HEAD2_(__VA_ARGS__, ), \
                   HD_LIT(hd_cross_entropy_options){.hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})

typedef struct hd_nll_options {
  HD_OPTIONS;
  HD_REDUCTION;
} hd_nll_options;
// -log_p[label] per row, log_p (..., K) from hd_log_softmax; label i32 (...). From logits,
// hd_cross_entropy is the same in one step.
HD_API hd_val hd_nll(hd_val log_p, hd_val label, hd_nll_options options);
#define hd_nll(...) \
  hd_nll(HD_HEAD2_(__VA_ARGS__, ), HD_LIT(hd_nll_options){.hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})

typedef struct hd_map_criterion_options {
  HD_OPTIONS;
  float j HD_Z;  // above 0; default 5
  HD_REDUCTION;
} hd_map_criterion_options;
// -y[label] + log(e^-j + sum_k e^y[k]) per row, y (..., K) minus the squared distances of hd_rbf:
// cross-entropy with one more class, none of them, at the distance j, so that classes farther away
// are hardly pushed on (LeCun et al. 1998, equation 9, which leaves j open).
HD_API hd_val hd_map_criterion(hd_val y, hd_val label, hd_map_criterion_options options);
#define hd_map_criterion(...) \
  hd_map_criterion(HD_HEAD2_(__VA_ARGS__, ), \
                   HD_LIT(hd_map_criterion_options){.hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})

typedef struct hd_binary_cross_entropy_options {
  HD_OPTIONS;
  bool probabilities HD_Z;  // y is p, not its logit
  float positive HD_Z;      // weight of the first term; default 1
  HD_REDUCTION;
} hd_binary_cross_entropy_options;
// -(target log p + (1 - target) log(1 - p)) per element, p = sigmoid(y), without overflow at any y;
// target in [0, 1]. With probabilities, p = y; the logs stop at -27.6, and the gradient is 0 there:
// logits are the better choice.
HD_API hd_val hd_binary_cross_entropy(hd_val y, hd_val target,
                                      hd_binary_cross_entropy_options options);
#define hd_binary_cross_entropy(...) \
  hd_binary_cross_entropy(HD_HEAD2_(__VA_ARGS__, ), HD_LIT(hd_binary_cross_entropy_options){ \
                                                        .hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})

typedef struct hd_kl_divergence_options {
  HD_OPTIONS;
  bool probabilities HD_Z;  // y is p, not logits; held above 1e-12
  HD_REDUCTION;
} hd_kl_divergence_options;
// sum_k target (log target - log p) per row, p = softmax(y), y (..., K): 0 when they are equal, the
// cross-entropy less the entropy of the target. 0 log 0 is 0.
HD_API hd_val hd_kl_divergence(hd_val y, hd_val target, hd_kl_divergence_options options);
#define hd_kl_divergence(...) \
  hd_kl_divergence(HD_HEAD2_(__VA_ARGS__, ), \
                   HD_LIT(hd_kl_divergence_options){.hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})

typedef struct hd_focal_options {
  HD_OPTIONS;
  float gamma HD_Z;  // default 2
  float alpha HD_Z;  // default: none; the paper has 0.25 for gamma 2
  HD_REDUCTION;
} hd_focal_options;
// Cross-entropy that counts hard examples more (Lin et al. 2017): -(1 - p)^gamma log p, p the
// probability of what is true. Classes: i32 label (...), logits y (..., K), per row. Binary: target
// 0 or 1 and logits y of one shape, per element, times alpha where the target is 1 and 1 - alpha
// where it is 0.
HD_API hd_val hd_focal(hd_val y, hd_val target, hd_focal_options options);
#define hd_focal(...) \
  hd_focal(HD_HEAD2_(__VA_ARGS__, ), HD_LIT(hd_focal_options){.hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})

typedef struct hd_dice_options {
  HD_OPTIONS;
  float smooth HD_Z;  // default 1
  bool squares HD_Z;
  HD_REDUCTION;
} hd_dice_options;
// 1 - (2 sum(y t) + smooth) / (sum y + sum t + smooth) per sample, the sums over all axes but the
// first; y probabilities, t 0 or 1. With squares, sum y^2 + sum t^2 below (Milletari et al. 2016).
HD_API hd_val hd_dice(hd_val y, hd_val target, hd_dice_options options);
#define hd_dice(...) \
  hd_dice(HD_HEAD2_(__VA_ARGS__, ), HD_LIT(hd_dice_options){.hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})

typedef struct hd_hinge_options {
  HD_OPTIONS;
  float margin HD_Z;  // default 1
  bool squared HD_Z;
  HD_REDUCTION;
} hd_hinge_options;
// Binary: max(0, margin - target y) per element, target -1 or 1. Classes: i32 label (...), scores y
// (..., K), per row: the sum over k != label of max(0, margin + y[k] - y[label]) (Weston & Watkins
// 1999). Squared: each max is. Gradient 0 where the max is 0.
HD_API hd_val hd_hinge(hd_val y, hd_val target, hd_hinge_options options);
#define hd_hinge(...) \
  hd_hinge(HD_HEAD2_(__VA_ARGS__, ), HD_LIT(hd_hinge_options){.hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})

typedef struct hd_perceptron_loss_options {
  HD_OPTIONS;
  HD_REDUCTION;
} hd_perceptron_loss_options;
// Binary: max(0, -target y) per element, target -1 or 1. Classes: max_k y[k] - y[label] per row.
// Gradient descent by it is Rosenblatt's rule, so y = 0 counts as an error: gradient -target there.
HD_API hd_val hd_perceptron_loss(hd_val y, hd_val target, hd_perceptron_loss_options options);
#define hd_perceptron_loss(...) \
  hd_perceptron_loss(HD_HEAD2_(__VA_ARGS__, ), \
                     HD_LIT(hd_perceptron_loss_options){.hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})

typedef struct hd_cosine_distance_options {
  HD_OPTIONS;
  HD_REDUCTION;
} hd_cosine_distance_options;
// 1 - y . target / (|y| |target|) per row: a distance, 0 to 2, not the similarity. A zero vector is
// at distance 1.
HD_API hd_val hd_cosine_distance(hd_val y, hd_val target, hd_cosine_distance_options options);
#define hd_cosine_distance(...) \
  hd_cosine_distance(HD_HEAD2_(__VA_ARGS__, ), \
                     HD_LIT(hd_cosine_distance_options){.hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})

typedef struct hd_poisson_nll_options {
  HD_OPTIONS;
  bool rate HD_Z;
  HD_REDUCTION;
} hd_poisson_nll_options;
// e^y - target y per element, y the log of a rate, target a count; ln target! is left out. With
// rate, y is the rate itself: y - target ln max(y, 1e-12).
HD_API hd_val hd_poisson_nll(hd_val y, hd_val target, hd_poisson_nll_options options);
#define hd_poisson_nll(...) \
  hd_poisson_nll(HD_HEAD2_(__VA_ARGS__, ), \
                 HD_LIT(hd_poisson_nll_options){.hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})

// ---- Metrics: scalars ---------------------------------------------------------------------------
// The share of rows whose largest logit is at the label (i32), or at the largest of the label (of
// the logits' shape).
HD_API hd_val hd_accuracy(hd_val logits, hd_val label);

#ifdef __cplusplus
}
#endif
#endif
