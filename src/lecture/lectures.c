// The lectures, by topic in the order of teaching: a new one is its file and a line here.
#include <string.h>

#include "lesson.h"

extern const lecture lecture_activations, lecture_approximation, lecture_augmentation,
    lecture_backprop, lecture_baselines, lecture_batch_norm, lecture_batch_size, lecture_bayesian,
    lecture_connectivity, lecture_convexity, lecture_convolution, lecture_cost, lecture_cures,
    lecture_data_size, lecture_depth_width, lecture_dropout, lecture_early_stopping,
    lecture_ensemble, lecture_equivariance, lecture_feed_forward, lecture_filters,
    lecture_gradient_descent, lecture_gradient_free, lecture_heads, lecture_initialisation,
    lecture_input_scaling, lecture_iris, lecture_label_noise, lecture_learned_filters,
    lecture_learning_rate, lecture_loss_landscape, lecture_losses, lecture_lr_range,
    lecture_momentum, lecture_neuron, lecture_optimisers, lecture_over_parameterisation,
    lecture_overfitting, lecture_pattern, lecture_perceptron, lecture_pooling,
    lecture_receptive_field, lecture_schedules, lecture_template_matching,
    lecture_vanishing_gradient, lecture_weight_decay, lecture_weight_sharing, lecture_xor;

const lecture *const lectures[] = {
    // neurons
    &lecture_neuron,
    &lecture_perceptron,
    &lecture_activations,
    &lecture_losses,
    &lecture_xor,
    &lecture_iris,
    &lecture_approximation,
    &lecture_feed_forward,
    &lecture_heads,
    // backpropagation
    &lecture_backprop,
    &lecture_vanishing_gradient,
    // optimisation
    &lecture_gradient_descent,
    &lecture_learning_rate,
    &lecture_batch_size,
    &lecture_momentum,
    &lecture_optimisers,
    &lecture_schedules,
    &lecture_convexity,
    &lecture_lr_range,
    &lecture_gradient_free,
    // initialisation
    &lecture_initialisation,
    &lecture_input_scaling,
    // regularisation
    &lecture_overfitting,
    &lecture_weight_decay,
    &lecture_early_stopping,
    &lecture_dropout,
    &lecture_batch_norm,
    &lecture_augmentation,
    &lecture_cures,
    &lecture_ensemble,
    &lecture_bayesian,
    // convolution
    &lecture_convolution,
    &lecture_pooling,
    &lecture_filters,
    &lecture_pattern,
    &lecture_learned_filters,
    &lecture_template_matching,
    &lecture_connectivity,
    &lecture_equivariance,
    &lecture_weight_sharing,
    &lecture_receptive_field,
    // studies
    &lecture_data_size,
    &lecture_baselines,
    &lecture_label_noise,
    &lecture_cost,
    &lecture_depth_width,
    &lecture_over_parameterisation,
    &lecture_loss_landscape,
    NULL,
};

const lecture_course lecture_courses[] = {{"oslo", "Oslo, IN4050, lecture 11"},
                                          {"trondheim", "Introduction to Deep Learning, Trondheim"},
                                          {"ffi", "Introduction to Deep Learning, Oslo/FFI"},
                                          {"ai", "Artificial Intelligence"},
                                          {"ljubljana", "Neural networks, Ljubljana"},
                                          {NULL, NULL}};

const char *const lecture_topics[] = {
    "neurons",        "backpropagation", "optimisation", "initialisation",
    "regularisation", "convolution",     "studies",      NULL};

const lecture *lecture_find(const char *id) {
  for (int i = 0; lectures[i]; i++)
    if (!strcmp(lectures[i]->id, id)) return lectures[i];
  return NULL;
}
