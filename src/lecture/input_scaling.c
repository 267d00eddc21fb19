// Lecture: normalising the inputs: raw, to 0 ... 1, and to mean 0 and deviation 1. Epochs until the
// training loss is below a mark.
#include <math.h>
#include <stdio.h>

#include "lesson.h"

enum { KINDS = 3, FEATURES = 4 };

// Each column's shift and factor; the inputs are made uneven first, as measured quantities are.
static hd_status prepare(lesson *l, const hd_data *iris, int kind, hd_data *to, hd_error *err) {
  static const float unit[FEATURES] = {1, 1000, 0.01f, 10};  // mm, um, m ... of other instruments
  int64_t n = iris->samples, index[150];
  const char *names[] = {"x", "label"};
  hd_tensor column[2] = {hd_tensor_new(l->env, HD_F32, HD_SHAPE(n, FEATURES), err),
                         hd_tensor_new(l->env, HD_I32, HD_SHAPE(n), err)};
  if (!column[0].data || !column[1].data) return err->status;
  for (int64_t i = 0; i < n; i++) index[i] = i;
  float *x = column[0].data;
  if (iris->read(iris->user, hd_data_column(iris, "x"), index, n, x, err) ||
      iris->read(iris->user, hd_data_column(iris, "label"), index, n, column[1].data, err))
    return err->status;
  for (int f = 0; f < FEATURES; f++) {
    double low = 1e30, high = -1e30, sum = 0, squares = 0;
    for (int64_t i = 0; i < n; i++) {
      double v = x[i * FEATURES + f] *= unit[f];
      low = fmin(low, v), high = fmax(high, v), sum += v, squares += v * v;
    }
    double mean = sum / (double)n, deviation = sqrt(squares / (double)n - mean * mean);
    for (int64_t i = 0; kind && i < n; i++) {
      float *v = &x[i * FEATURES + f];
      *v = (float)(kind == 1 ? (*v - low) / (high - low) : (*v - mean) / deviation);
    }
  }
  hd_status status = hd_data_from_tensors(l->env, names, column, 2, to, err);
  to->classes = 3;
  return status;
}

static hd_status run(lesson *l, hd_error *err) {
  static const char *const names[KINDS] = {"raw", "min-max, 0 to 1", "mean 0, deviation 1"};
  static lesson_curve curves[KINDS];
  int needed[KINDS], epochs = l->brief ? 60 : 300;
  const hd_data *iris = lesson_set(l, "iris", "train", err);
  if (!iris) return err->status;
  hd_figure *f = hd_figure_new(l->env, .x = "epoch", .y = "training loss", .log_y = true);
  for (int k = 0; k < KINDS; k++) {
    hd_data data;
    if (prepare(l, iris, k, &data, err)) return hd_figure_free(f), err->status;
    hd_graph *g = lesson_graph(l);
    hd_store *p = lesson_store(l, l->seed);
    hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, FEATURES)), t = lesson_labels(g);
    hd_val y = hd_dense(hd_tanh(hd_dense(x, .units = 10)), .units = 3);
    lesson_curve *c = &curves[k];
    c->count = 0;
    hd_status status = hd_fit(
        p, hd_cross_entropy(y, t), &data, err, .optimizer = hd_sgd(.lr = 0.1f), .batch = 15,
        .epochs = epochs, .accuracy = hd_accuracy(y, t), .user = c, .on_epoch = lesson_on_epoch);
    hd_data_free(&data);
    lesson_clear(l);
    if (status) return hd_figure_free(f), status;
    hd_figure_line(f, NULL, c->loss, c->count, .name = names[k]);
    needed[k] = 1;
    while (needed[k] <= c->count && c->accuracy[needed[k] - 1] < 0.95) needed[k]++;
    lesson_number(l, names[k], k ? "trains faster" : "slow or not at all",
                  needed[k] > c->count ? "95 %% not reached, %.1f %% after %d epochs"
                                       : "%.1f %% in the end; 95 %% after %d epochs",
                  100 * c->accuracy[c->count - 1], needed[k] > c->count ? epochs : needed[k]);
  }
  lesson_must(l,
              l->brief || needed[2]<needed[0], "epochs to 95 %, scaled and raw",
                                    "normalise the inputs", "%d, %s%d", needed[2], needed[0]>
                              epochs
                  ? "over "
                  : "",
              needed[0] > epochs ? epochs : needed[0]);
  lesson_finding(
      l,
      "With inputs in uneven units the net needs %d epochs to 95 %% when they are brought to "
      "mean 0 and deviation 1, %d when brought to 0 ... 1, and %s as they are.",
      needed[2], needed[1], needed[0] > epochs ? "does not get there" : "more");
  return lesson_figure(l, f, "loss.svg", err);
}

const lecture lecture_input_scaling = {
    "input-scaling", "ai ljubljana", "initialisation", "Normalising the inputs", 2, run};
