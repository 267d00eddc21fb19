// Lecture: the output layer goes with the task: a number, yes or no, one of three classes, each
// with the loss that fits; on Fisher's irises, five-fold.
#include <math.h>
#include <stdio.h>

#include "lesson.h"

enum { NUMBER, YES, CLASSES, TASKS, FOLDS = 5, FLOWERS = 150 };

typedef struct answers {
  double truth[TASKS][FLOWERS], said[TASKS][FLOWERS];  // of flowers that were held out
  int count[TASKS];
} answers;

// One net of 8 hidden units for one task, asked about the flowers that it has not seen.
static hd_status task(lesson *l, int kind, const hd_data *train, const hd_data *test, answers *to,
                      hd_error *err) {
  hd_graph *g = lesson_graph(l);
  hd_store *p = lesson_store(l, l->seed);
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, 4)), label, truth, said, loss;
  hd_val h = kind == NUMBER ? hd_slice(x, 1, 0, 3) : x;
  h = hd_tanh(hd_dense(h, .units = 8));
  if (kind == NUMBER) {  // petal width in cm from the other three lengths
    truth = hd_slice(x, 1, 3, 1);
    said = hd_dense(h, .units = 1);
    loss = hd_mse(said, truth);
  } else if (kind == YES) {  // setosa or not
    label = lesson_labels(g);
    truth = hd_slice(hd_one_hot(label, 3), 1, 0, 1);
    hd_val logit = hd_dense(h, .units = 1);
    loss = hd_binary_cross_entropy(logit, truth);
    said = hd_sigmoid(logit);
  } else {
    label = lesson_labels(g);
    truth = hd_cast(label, HD_F32);
    hd_val logits = hd_dense(h, .units = 3);
    loss = hd_cross_entropy(logits, label);
    said = hd_cast(hd_argmax(hd_softmax(logits), -1), HD_F32);
  }
  hd_status status =
      hd_fit(p, loss, train, err, .optimizer = hd_adam(.lr = 0.02f), .batch = 15,
             .epochs = l->brief ? 40 : 150, .schedule = {.kind = HD_SCHEDULE_COSINE});
  hd_tensor a = {0}, b = {0};
  if (!status) a = hd_predict_data(p, said, test, 15, err);
  if (a.data) b = hd_predict_data(p, truth, test, 15, err);
  for (int64_t i = 0; b.data && i < test->samples && to->count[kind] < FLOWERS; i++) {
    int at = to->count[kind]++;
    to->said[kind][at] = ((const float *)a.data)[i];
    to->truth[kind][at] = ((const float *)b.data)[i];
  }
  status = b.data ? HD_OK : err->status;
  hd_tensor_free(&a), hd_tensor_free(&b);
  lesson_clear(l);
  return status;
}

static hd_status run(lesson *l, hd_error *err) {
  static answers all;
  const hd_data *iris = lesson_set(l, "iris", "train", err);
  if (!iris) return err->status;
  for (int k = 0; k < TASKS; k++) all.count[k] = 0;
  for (int fold = 0; fold < FOLDS; fold++) {
    hd_data train, test;
    if (hd_data_fold(l->env, iris, fold, FOLDS, l->seed, &train, &test, err)) return err->status;
    hd_status status = HD_OK;
    for (int k = 0; k < TASKS && !status; k++) status = task(l, k, &train, &test, &all, err);
    hd_data_free(&train), hd_data_free(&test);
    if (status) return status;
  }
  int n = all.count[NUMBER], missed[TASKS] = {0};
  double mean = 0, off = 0, spread = 0, odds[2][FLOWERS], least = 1, most = 0;
  int count[2] = {0};
  for (int i = 0; i < n; i++) mean += all.truth[NUMBER][i] / n;
  for (int i = 0; i < n; i++) {
    off += pow(all.said[NUMBER][i] - all.truth[NUMBER][i], 2) / n;
    spread += pow(all.truth[NUMBER][i] - mean, 2) / n;
    double p = all.said[YES][i];
    int is = all.truth[YES][i] > 0.5;
    odds[is][count[is]++] = log(fmax(p, 1e-6) / fmax(1 - p, 1e-6));
    least = fmin(least, p), most = fmax(most, p);
    missed[YES] += (p > 0.5) != is;
    missed[CLASSES] += all.said[CLASSES][i] != all.truth[CLASSES][i];
  }
  lesson_number(l, "petal width: linear, mean squared error", "regression",
                "off by %.2f cm; the mean by %.2f", sqrt(off), sqrt(spread));
  lesson_number(l, "setosa or not: sigmoid, binary cross-entropy", "two classes", "%d of %d wrong",
                missed[YES], n);
  lesson_number(l, "which iris: softmax, cross-entropy", "several classes", "%d of %d wrong",
                missed[CLASSES], n);
  lesson_must(l, least >= 0 && most <= 1, "answers of the sigmoid", "in [0, 1]", "%.4f to %.4f",
              least, most);
  lesson_must(
      l, l->brief || (off < spread / 4 && missed[YES] <= 3 && missed[CLASSES] <= 12),
      "each head learns its task", "the layer goes with the task", "%s",
      off < spread / 4 && missed[YES] <= 3 && missed[CLASSES] <= 12 ? "all three" : "not all");
  lesson_finding(l,
                 "On %d flowers not seen in training: petal width to %.2f cm (R^2 %.2f), setosa or "
                 "not with %d errors, three kinds with %d.",
                 n, sqrt(off), 1 - off / spread, missed[YES], missed[CLASSES]);
  double ends[2] = {0, 2.6};
  hd_figure *f = hd_figure_new(l->env, .x = "petal width, cm", .y = "predicted, cm");
  hd_figure_line(f, ends, ends, 2, .name = "equal", .dashed = true, .color = HD_COLOR_GREY);
  hd_figure_scatter(f, all.truth[NUMBER], all.said[NUMBER], n, .name = "held out");
  if (lesson_figure(l, f, "width.svg", err)) return err->status;
  f = hd_figure_new(l->env, .x = "log odds of setosa", .y = "flowers");
  hd_figure_histogram(f, odds[1], count[1], .name = "setosa", .bins = 15);
  hd_figure_histogram(f, odds[0], count[0], .name = "others", .bins = 15);
  return lesson_figure(l, f, "setosa.svg", err);
}

const lecture lecture_heads = {
    "heads", "oslo ai ljubljana", "neurons", "The output layer by task", 1, run};
