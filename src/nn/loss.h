// What a recipe knows of a loss, and what the losses share.
#ifndef NN_LOSS_H
#define NN_LOSS_H

#include "layer.h"

// What a network is compared with.
typedef enum hd_loss_target {
  HD_TARGET_NUMBERS,  // of the output's shape; classes as one-hot rows
  HD_TARGET_TRUTHS,   // 0 or 1 for each output; one output is enough for two classes
  HD_TARGET_SIGNS,    // -1 or 1 where there is one output; else the class's index
  HD_TARGET_CLASS     // the class's index
} hd_loss_target;

typedef struct hd_loss {
  const char *name;         // "huber"
  const char *help;         // one line
  const hd_fields *fields;  // of the options struct
  hd_loss_target target;
  // "softmax" or "sigmoid", the last layer that is part of the loss; NULL: none.
  const char *(*applies)(const void *options);
  hd_val (*build)(hd_val y, hd_val target, const void *options);
} hd_loss;

// NULL-terminated; NULL for an unknown name.
const hd_loss *const *hd_losses(void);
const hd_loss *hd_loss_find(const char *name);

// ---- For the losses -----------------------------------------------------------------------------
// false, with the graph's error: not of one shape, or null.
bool hd_loss_fits(const char *kind, hd_val y, hd_val target);
// The same for an i32 label (...) of y (..., K).
bool hd_loss_fits_class(const char *kind, hd_val y, hd_val label);
bool hd_loss_is_class(hd_val target);  // i32
// One-hot rows of y's element type; NaN where the label is no class.
hd_val hd_loss_hot(hd_val y, hd_val label);
hd_val hd_loss_reduce(const char *kind, hd_val loss, hd_reduction reduction, hd_val weights);

extern const char *const hd_reduction_names[];  // those of a recipe: a scalar comes out
#define HD_REDUCTION_FIELD(S) \
  HD_FIELD(S, reduction, CHOICE, .standard = "mean", .choices = hd_reduction_names, \
           .help = "of the losses: mean or sum")

#define HD_LOSS_LIST(X) \
  X(cross_entropy) \
  X(mse) \
  X(mae) X(huber) X(smooth_l1) X(log_cosh) X(binary_cross_entropy) X(nll) X(kl_divergence) \
      X(focal) X(dice) X(hinge) X(perceptron_loss) X(cosine_distance) X(poisson_nll) \
          X(map_criterion)
#define X(name) extern const hd_loss hd_loss_##name;
HD_LOSS_LIST(X)
#undef X

#endif
