// The lectures, by topic in the order of teaching: a new one is its file and a line here.
#include <string.h>

#include "lesson.h"

extern const lecture lecture_learning_rate;

const lecture *const lectures[] = {
    // optimisation
    &lecture_learning_rate, NULL};

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
