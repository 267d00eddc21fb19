// Lecture: how to find the learning rate: let it grow until the loss blows up (Smith 2017), and
// compare what it suggests with trainings at other rates.
#include <stdio.h>

#include "lesson.h"

enum { STEPS = 200, TRIES = 5 };
typedef struct net {
  hd_store *p;
  hd_val loss, accuracy;
} net;

static net build(lesson *l, const hd_data *data) {
  hd_graph *g = lesson_graph(l);
  hd_val x = hd_flatten(lesson_pixels(l, g, data)), t = lesson_labels(g);
  hd_val y = hd_dense(hd_relu(hd_dense(x, .units = 100)), .units = 10);
  return (net){lesson_store(l, l->seed), hd_cross_entropy(y, t), hd_accuracy(y, t)};
}

static hd_status run(lesson *l, hd_error *err) {
  static hd_lr_point point[STEPS];
  static double rate[STEPS], loss[STEPS], smooth[STEPS];
  static const double factor[TRIES] = {0.001, 0.03, 1, 10, 300};
  const hd_data *train, *test;
  double reached[TRIES];
  char names[TRIES][24];
  const char *name[TRIES];
  hd_lr_range_result r;
  if (lesson_images(l, 10000, 5000, &train, &test, err)) return err->status;
  net n = build(l, train);
  if (hd_lr_range_test(n.p, n.loss, train, err, .optimizer = hd_sgd(), .from = 1e-4f, .to = 100,
                       .steps = STEPS, .batch = 32, .seed = l->seed, .points = point, .result = &r))
    return err->status;
  lesson_clear(l);
  for (int i = 0; i < r.count; i++)
    rate[i] = point[i].lr, loss[i] = point[i].loss, smooth[i] = point[i].smooth;
  hd_figure *f = hd_figure_new(l->env, .x = "learning rate", .y = "training loss", .log_x = true,
                               .y_min = 0, .y_max = 3 * smooth[0]);
  hd_figure_line(f, rate, loss, r.count, .name = "of a batch", .color = HD_COLOR_GREY);
  hd_figure_line(f, rate, smooth, r.count, .name = "smooth", .color = HD_COLOR_BLUE);
  hd_figure_rule(f, r.suggested, "suggested");
  if (lesson_figure(l, f, "range.svg", err)) return err->status;
  for (int i = 0; i < TRIES; i++) {
    net m = build(l, train);
    hd_metrics at = {0};
    hd_optimizer sgd = hd_sgd(.lr = (float)(factor[i] * r.suggested));
    hd_status status = hd_fit(m.p, m.loss, train, err, .optimizer = sgd, .batch = 32, .epochs = 2);
    if (status && status != HD_E_DIVERGED) return status;
    if (!status && hd_evaluate(m.p, m.loss, m.accuracy, test, 64, &at, err)) return err->status;
    reached[i] = 100 * at.accuracy;
    snprintf(names[i], sizeof *names, "%.2g", factor[i] * r.suggested);
    name[i] = names[i];
    lesson_say(l, "rate %-8s (%g of the suggested): %.1f %% of the test images%s", names[i],
               factor[i], reached[i], status ? ", diverged" : "");
    *err = (hd_error){0};
    lesson_clear(l);
  }
  lesson_must(l, r.blew_up && r.lowest > r.suggested, "largest rate before the loss rises",
              "above 1 is too high", "%.2g", r.lowest);
  lesson_number(l, "suggested: the steepest fall", "between 0.01 and 1", "%.2g", r.suggested);
  lesson_must(l, reached[2] > reached[0] && reached[2] > reached[4],
              "% right after 2 epochs, at it", "better than far below or above",
              "%.1f; %.1f at 1/1000, %.1f at 300 times", reached[2], reached[0], reached[4]);
  lesson_finding(l,
                 "One short run of %d steps suggests %.2g for this net and SGD. Trained with it, "
                 "the net reads %.1f %% after two epochs; with 300 times as much, %.1f %%.",
                 r.count, r.suggested, reached[2], reached[4]);
  f = hd_figure_new(l->env, .x = "learning rate", .y = "% right", .y_from_zero = true);
  hd_figure_bars(f, name, reached, TRIES);
  return lesson_figure(l, f, "trained.svg", err);
}

const lecture lecture_lr_range = {
    "lr-range", "trondheim ai", "optimisation", "Finding the learning rate", 5, run};
