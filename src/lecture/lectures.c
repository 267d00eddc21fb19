// The lectures, by topic in the order of teaching: a new one is its file and a line here.
#include <string.h>

#include "lesson.h"

extern const lecture lecture_activations, lecture_approximation, lecture_backprop,
    lecture_batch_size, lecture_feed_forward, lecture_initialisation, lecture_iris,
    lecture_learning_rate, lecture_losses, lecture_momentum, lecture_neuron, lecture_optimisers,
    lecture_schedules, lecture_vanishing_gradient, lecture_xor;

const lecture *const lectures[] = {
    // neurons
    &lecture_neuron,
    &lecture_activations,
    &lecture_losses,
    &lecture_xor,
    &lecture_iris,
    &lecture_approximation,
    &lecture_feed_forward,
    // backpropagation
    &lecture_backprop,
    &lecture_vanishing_gradient,
    // optimisation
    &lecture_learning_rate,
    &lecture_batch_size,
    &lecture_momentum,
    &lecture_optimisers,
    &lecture_schedules,
    // initialisation
    &lecture_initialisation,
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
