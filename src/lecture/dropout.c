// Lecture: dropout, "p about 0.5, in hidden layers": the test error by rate, on 1,000 images and on
// all of them.
#include <stdio.h>

#include "lesson.h"

enum { RATES = 5 };

static hd_status run(lesson *l, hd_error *err) {
  static const float rates[RATES] = {0, 0.2f, 0.5f, 0.8f, 0.95f};
  double axis[RATES], wrong[2][RATES];
  const hd_data *all, *few, *many, *test;
  if (lesson_images(l, 0, 10000, &all, &test, err) || !(few = lesson_some(l, all, 0, 1000, err)) ||
      !(many = lesson_some(l, all, 0, 20000, err)))
    return err->status;
  int best[2] = {0, 0};
  for (int set = 0; set < 2; set++)
    for (int i = 0; i < RATES; i++) {
      const hd_data *train = set ? many : few;
      hd_graph *g = lesson_graph(l);
      hd_store *p = lesson_store(l, l->seed);
      hd_val x = hd_flatten(lesson_pixels(l, g, train)), t = lesson_labels(g);
      hd_val h = x;
      for (int layer = 0; layer < 2; layer++) {
        h = hd_relu(hd_dense(h, .units = 300));
        if (rates[i] > 0) h = hd_dropout(h, .rate = rates[i]);
      }
      hd_val y = hd_dense(h, .units = 10), loss = hd_cross_entropy(y, t);
      hd_metrics m;
      char name[60];
      if (hd_fit(p, loss, train, err, .optimizer = hd_adam(.lr = 0.001f), .batch = set ? 100 : 32,
                 .epochs = l->brief ? 1
                           : set    ? 5
                                    : 40,
                 .schedule = {.kind = HD_SCHEDULE_COSINE}) ||
          hd_evaluate(p, loss, hd_accuracy(y, t), test, 100, &m, err))
        return err->status;
      axis[i] = rates[i], wrong[set][i] = 100 * (1 - m.accuracy);
      if (wrong[set][i] < wrong[set][best[set]]) best[set] = i;
      snprintf(name, sizeof name, "%lld images, rate %g", (long long)train->samples, rates[i]);
      lesson_number(l, name, rates[i] == 0.5f ? "p = 0.5 is usual" : "less common", "%.2f %% wrong",
                    wrong[set][i]);
      lesson_clear(l);
    }
  double gain[2] = {wrong[0][0] - wrong[0][best[0]], wrong[1][0] - wrong[1][best[1]]};
  lesson_finding(
      l,
      "On %lld images the best rate is %g (%.2f %% wrong, %.2f without), on %lld it is %g "
      "(%.2f, %.2f): with more data it brings %s.",
      (long long)few->samples, rates[best[0]], wrong[0][best[0]], wrong[0][0],
      (long long)many->samples, rates[best[1]], wrong[1][best[1]], wrong[1][0],
      gain[1] < gain[0] ? "less, as the slide says" : "no less here");
  hd_figure *f = hd_figure_new(l->env, .x = "rate", .y = "% of test images wrong", .log_y = true);
  hd_figure_line(f, axis, wrong[0], RATES, .name = "1,000 images", .dots = true);
  hd_figure_line(f, axis, wrong[1], RATES, .name = "20,000 images", .dots = true);
  return lesson_figure(l, f, "rates.svg", err);
}

const lecture lecture_dropout = {
    "dropout", "trondheim ffi ai ljubljana", "regularisation", "Dropout", 40, run};
