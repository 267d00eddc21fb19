// What the normalising layers share.
#ifndef NN_NORM_H
#define NN_NORM_H

#include "layer.h"

// d / sqrt(mean(d^2) + epsilon), the mean over these axes; epsilon 0: 1e-5.
static inline hd_val hd_norm_unit(hd_val d, unsigned axes, float epsilon) {
  hd_val square = hd_mean(hd_square(d), .axes = axes, .keep = true);
  return hd_mul(d, hd_rsqrt(hd_add_scalar(square, epsilon > 0 ? (double)epsilon : 1e-5)));
}

// The same with the mean of x over these axes taken away first.
static inline hd_val hd_norm_centred(hd_val x, unsigned axes, float epsilon) {
  return hd_norm_unit(hd_sub(x, hd_mean(x, .axes = axes, .keep = true)), axes, epsilon);
}

// x gamma, with weights of this shape; first ones.
static inline hd_val hd_norm_gamma(hd_val x, hd_shape s) {
  return hd_mul(x, hd_scope_variable(x.graph, "gamma", hd_type_of(x)->dtype, s, HD_WEIGHT,
                                     (hd_init){HD_ONES, 0, 0}));
}

// x + beta; first zeros.
static inline hd_val hd_norm_beta(hd_val x, hd_shape s) {
  return hd_add(x, hd_scope_variable(x.graph, "beta", hd_type_of(x)->dtype, s, HD_WEIGHT,
                                     (hd_init){HD_ZEROS, 0, 0}));
}

#define HD_EPSILON_FIELD(S) \
  HD_FIELD(S, epsilon, REAL, .standard = "1e-5", .low = 1e-12, .high = 1, \
           .help = "added to the mean square")
#define HD_NO_WEIGHTS_FIELD(S) \
  HD_FIELD(S, no_weights, BOOL, .standard = "false", .help = "leave gamma and beta out")

#endif
