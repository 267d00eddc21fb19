// Lecture: Fisher's irises, four inputs and three classes (1,0,0), (0,1,0), (0,0,1), ten-fold.
#include <stdio.h>

#include "lesson.h"

static hd_status run(lesson *l, hd_error *err) {
  enum { FOLDS = 10, CLASSES = 3 };
  static lesson_curve curve;
  double confusion[CLASSES * CLASSES] = {0}, fold[FOLDS];
  char names[FOLDS][8];
  const char *name[FOLDS];
  int right = 0;
  const hd_data *iris = lesson_set(l, "iris", "train", err);
  if (!iris) return err->status;
  for (int i = 0; i < FOLDS; i++) {
    hd_data train, test;
    if (hd_data_fold(l->env, iris, i, FOLDS, l->seed, &train, &test, err)) return err->status;
    hd_graph *g = lesson_graph(l);
    hd_store *p = lesson_store(l, l->seed);
    hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, 4)), t = lesson_labels(g);
    hd_val y = hd_dense(hd_tanh(hd_dense(x, .units = 10)), .units = CLASSES);
    curve.count = 0;
    hd_tensor guess = {0};
    int label[150];
    int64_t index[150];
    for (int k = 0; k < 150; k++) index[k] = k;
    hd_status status = hd_fit(
        p, hd_cross_entropy(y, t), &train, err, .optimizer = hd_adam(.lr = 0.02f), .batch = 15,
        .epochs = l->brief ? 40 : 100, .user = &curve, .on_epoch = lesson_on_epoch);
    if (!status) guess = hd_predict_data(p, hd_argmax(y, -1), &test, 15, err);
    if (!status && guess.data)
      status =
          test.read(test.user, hd_data_column(&test, "label"), index, test.samples, label, err);
    int hits = 0;
    for (int64_t k = 0; guess.data && k < test.samples; k++) {
      int said = ((const int *)guess.data)[k];
      hits += said == label[k];
      confusion[label[k] * CLASSES + said]++;
    }
    fold[i] = 100. * hits / (double)test.samples;
    right += hits;
    snprintf(names[i], sizeof *names, "%d", i + 1);
    name[i] = names[i];
    hd_tensor_free(&guess);
    hd_data_free(&train), hd_data_free(&test);
    lesson_clear(l);
    if (err->status) return err->status;
  }
  for (int c = 0; c < CLASSES; c++)
    lesson_number(l, iris->class_names[c], "50 flowers", "%.0f, %.0f, %.0f taken for the three",
                  confusion[c * 3], confusion[c * 3 + 1], confusion[c * 3 + 2]);
  lesson_must(l, l->brief || right >= 143, "ten-fold accuracy", ">= 95 %", "%.1f %%",
              100. * right / 150);
  lesson_finding(
      l, "4-10-3 gets %d of 150 flowers right, each judged by a net that had not seen it.", right);
  hd_figure *f = hd_figure_new(l->env, .x = "fold", .y = "% right", .y_min = 60, .y_max = 100);
  hd_figure_bars(f, name, fold, FOLDS);
  hd_status status = lesson_figure(l, f, "folds.svg", err);
  if (status) return status;
  f = hd_figure_new(l->env, .x = "taken for", .y = "is");
  hd_figure_heat(f, confusion, CLASSES, CLASSES, .row_names = iris->class_names,
                 .column_names = iris->class_names, .confusion = true);
  return lesson_figure(l, f, "confusion.svg", err);
}

const lecture lecture_iris = {"iris", "ai", "neurons", "Fisher's irises, ten-fold", 2, run};
