// Lecture: the learning rate over time; halved every three epochs, as the char-CNN's authors do it,
// beside the other usual schedules.
#include <math.h>
#include <stdio.h>

#include "lesson.h"

enum { KINDS = 6, EPOCHS = 15, POINTS = 301 };
static const struct {
  const char *name;
  hd_schedule with;
} kinds[KINDS] = {{"constant", {.kind = HD_SCHEDULE_CONSTANT}},
                  {"halved every 3 epochs", {.kind = HD_SCHEDULE_STEP, .every = 3, .factor = 0.5f}},
                  {"exponential", {.kind = HD_SCHEDULE_EXPONENTIAL, .every = 3, .factor = 0.5f}},
                  {"linear, warmed up", {.kind = HD_SCHEDULE_LINEAR, .total = EPOCHS, .warmup = 2}},
                  {"cosine", {.kind = HD_SCHEDULE_COSINE, .total = EPOCHS}},
                  {"one cycle", {.kind = HD_SCHEDULE_ONE_CYCLE, .total = EPOCHS}}};

static hd_status run(lesson *l, hd_error *err) {
  static double at[POINTS], factor[KINDS][POINTS];
  const hd_data *train, *test;
  double reached[KINDS];
  int best = 0;
  if (lesson_images(l, 10000, 10000, &train, &test, err)) return err->status;
  // The char-CNN's 0.01, halved every 3 epochs: 0.01 2^-floor(epoch / 3).
  bool exact = true;
  for (int epoch = 0; epoch < 15; epoch++)
    exact &= 0.01 * hd_schedule_factor(&kinds[1].with, 10, 15, 10 * epoch) ==
             0.01 * pow(2, -(epoch / 3));
  lesson_must(l, exact, "halved every 3 epochs", "0.01 2^-floor(epoch / 3)",
              exact ? "the same at each of 15 epochs" : "another rate");
  hd_figure *f = hd_figure_new(l->env, .x = "epoch", .y = "factor on the rate");
  for (int k = 0; k < KINDS; k++) {
    for (int i = 0; i < POINTS; i++) {
      at[i] = (double)EPOCHS * i / (POINTS - 1);
      factor[k][i] = hd_schedule_factor(&kinds[k].with, 1000, EPOCHS, (int64_t)(at[i] * 1000));
    }
    hd_figure_line(f, at, factor[k], POINTS, .name = kinds[k].name);
    hd_graph *g = lesson_graph(l);
    hd_store *p = lesson_store(l, l->seed);
    hd_val x = hd_flatten(lesson_pixels(l, g, train)), t = lesson_labels(g);
    hd_val y = hd_dense(hd_relu(hd_dense(x, .units = 100)), .units = 10);
    hd_val loss = hd_cross_entropy(y, t), accuracy = hd_accuracy(y, t);
    hd_metrics m;
    if (hd_fit(p, loss, train, err, .optimizer = hd_sgd(.lr = 0.1f, .momentum = 0.9f), .batch = 32,
               .epochs = l->brief ? 2 : EPOCHS, .schedule = kinds[k].with) ||
        hd_evaluate(p, loss, accuracy, test, 100, &m, err))
      break;
    reached[k] = 100 * m.accuracy;
    if (reached[k] > reached[best]) best = k;
    lesson_number(l, kinds[k].name, "lower it over time", "test %.2f %%", reached[k]);
    lesson_clear(l);
  }
  if (err->status) return hd_figure_free(f), err->status;
  lesson_finding(
      l, "At a first rate of 0.1 with momentum, the constant rate ends at %.2f %%, %s at %.2f %%.",
      reached[0], kinds[best].name, reached[best]);
  return lesson_figure(l, f, "factors.svg", err);
}

const lecture lecture_schedules = {
    "schedules", "ljubljana", "optimisation", "The learning rate over time", 10, run};
