// Lecture: what the learning rate does (step size of gradient descent; "above 1 too high, below
// 0.01 too small").
#include <stdio.h>

#include "lesson.h"

static const float rates[] = {10, 1, 0.1f, 0.01f, 0.0001f};
enum { RATES = sizeof rates / sizeof *rates };

static hd_status run(lesson *l, hd_error *err) {
  const hd_data *train, *test;
  static lesson_steps losses[RATES];
  char names[RATES][32];
  double reached[RATES];
  int best = 0;
  if (lesson_images(l, 20000, 10000, &train, &test, err)) return err->status;
  hd_figure *f = hd_figure_new(l->env, .x = "step", .y = "training loss", .log_y = true,
                               .title = "784-100-10, plain descent on batches of 64");
  for (int i = 0; i < RATES; i++) {
    hd_graph *g = lesson_graph(l);
    hd_val x = hd_flatten(lesson_pixels(l, g, train)), t = lesson_labels(g);
    hd_val y = hd_dense(hd_relu(hd_dense(x, .units = 100)), .units = 10);
    hd_val loss = hd_cross_entropy(y, t), accuracy = hd_accuracy(y, t);
    hd_store *p = lesson_store(l, l->seed);
    hd_metrics m = {0};
    losses[i] = (lesson_steps){.every = l->brief ? 2 : 20};
    hd_status status = hd_fit(p, loss, train, err, .optimizer = hd_sgd(.lr = rates[i]), .epochs = 4,
                              .user = &losses[i], .on_step = lesson_on_step);
    bool diverged = status == HD_E_DIVERGED;
    if (status && !diverged) return status;
    if (!diverged && hd_evaluate(p, loss, accuracy, test, 64, &m, err)) return err->status;
    snprintf(names[i], sizeof *names, "rate %g", rates[i]);
    hd_figure_line(f, losses[i].step, losses[i].loss, losses[i].count, .name = names[i]);
    const char *slide = rates[i] > 1 ? "too high" : rates[i] < 0.01f ? "too small" : "good";
    reached[i] = 100 * m.accuracy;
    if (reached[i] > reached[best]) best = i;
    lesson_number(l, names[i], slide, diverged ? "diverged" : "%.1f %% after 4 epochs", reached[i]);
    lesson_clear(l);
  }
  lesson_finding(
      l,
      "The best of these rates is %g (%.1f %% of the test images); %g %s, and %g has learnt "
      "%.1f %%. The slide's bounds depend on the method: Adam's usual 0.001 lies below.",
      rates[best], reached[best], rates[0], reached[0] < 50 ? "does not learn" : "learns too",
      rates[RATES - 1], reached[RATES - 1]);
  return lesson_figure(l, f, "loss.svg", err);
}

const lecture lecture_learning_rate = {
    "learning-rate", "trondheim ai", "optimisation", "What the learning rate does", 10, run};
