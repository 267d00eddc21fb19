// What a recipe knows of a layer: its name, its fields, and how to build it.
#ifndef NN_LAYER_H
#define NN_LAYER_H

#include "../../include/hadal/nn.h"
#include "../base/base.h"
#include "../graph/graph.h"

typedef struct hd_layer {
  const char *name;                                // "dense"
  const char *help;                                // one line
  const hd_fields *fields;                         // of the options struct; NULL: none
  hd_val (*build)(hd_val x, const void *options);  // NULL options: all defaults
} hd_layer;

// NULL-terminated; NULL for an unknown name.
const hd_layer *const *hd_layers(void);
const hd_layer *hd_layer_find(const char *name);

// Records "kind (name): text" as the graph's error; returns the null value.
hd_val hd_layer_fail(hd_val x, const char *kind, const char *name, const char *format, ...)
    HD_PRINTF(4, 5);

// The init, or glorot_uniform: where it asks for fans that the shape of the weights does not show,
// as numbers.
hd_init hd_init_of_fans(hd_init init, double in, double out);

#define HD_LAYER_LIST(X) \
  X(dense) \
  X(conv2d) \
  X(batch_norm) X(dropout) X(linear) X(relu) X(leaky_relu) X(tanh) X(sigmoid) X(softplus) \
      X(softmax) X(log_softmax) X(relu6) X(elu) X(selu) X(prelu) X(gelu) X(silu) X(mish) \
          X(softsign) X(hard_sigmoid) X(hard_tanh) X(hard_swish) X(step) X(bipolar_step) X(glu) \
              X(maxout) X(max_pool2d) X(avg_pool2d) X(min_pool2d) X(global_avg_pool2d) \
                  X(global_max_pool2d) X(flatten) X(reshape) X(layer_norm) X(rms_norm) \
                      X(group_norm) X(instance_norm) X(local_response_norm) X(spatial_dropout) \
                          X(gaussian_dropout) X(gaussian_noise) X(dense_bayes) X(embedding) \
                              X(dense_tied) X(locally_connected2d) X(conv2d_table) X(subsample2d) \
                                  X(scaled_tanh) X(rbf)
#define X(name) extern const hd_layer hd_layer_##name;
HD_LAYER_LIST(X)
#undef X

#endif
