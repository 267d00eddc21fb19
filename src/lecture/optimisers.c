// Lecture: the optimisers side by side on the same net, each at a rate that suits it.
#include <stdio.h>

#include "lesson.h"

typedef struct method {
  const char *name;
  hd_optimizer with;
} method;
enum { METHODS = 13 };

static hd_status run(lesson *l, hd_error *err) {
  const method methods[METHODS] = {
      {"SGD", hd_sgd(.lr = 0.1f)},
      {"SGD, momentum 0.9", hd_sgd(.lr = 0.03f, .momentum = 0.9f)},
      {"SGD, Nesterov 0.9", hd_sgd(.lr = 0.03f, .momentum = 0.9f, .nesterov = true)},
      {"Adagrad", hd_adagrad(.lr = 0.03f)},
      {"Adadelta", hd_adadelta(.lr = 1)},
      {"RMSProp", hd_rmsprop(.lr = 0.001f)},
      {"Adam", hd_adam(.lr = 0.002f)},
      {"AMSGrad", hd_adam(.lr = 0.002f, .amsgrad = true)},
      {"AdamW", hd_adam(.lr = 0.002f, .weight_decay = 0.01f, .decoupled = true)},
      {"NAdam", hd_nadam(.lr = 0.002f)},
      {"RAdam", hd_radam(.lr = 0.004f)},
      {"Lion", hd_lion(.lr = 0.0003f)},
      {"LAMB", hd_lamb(.lr = 0.004f)}};
  static lesson_curve curves[METHODS];
  const hd_data *train, *test;
  int best = 0, epochs = l->brief ? 1 : 5;
  double reached[METHODS];
  if (lesson_images(l, 20000, 10000, &train, &test, err)) return err->status;
  hd_figure *f[2];
  for (int i = 0; i < 2; i++)
    f[i] = hd_figure_new(l->env, .x = "epoch", .y = "training loss", .log_y = true,
                         .title = i ? "the adaptive family" : "descent and its first children");
  for (int i = 0; i < METHODS; i++) {
    hd_graph *g = lesson_graph(l);
    hd_store *p = lesson_store(l, l->seed);
    hd_val x = hd_flatten(lesson_pixels(l, g, train)), t = lesson_labels(g);
    hd_val y = hd_dense(hd_relu(hd_dense(x, .units = 100)), .units = 10);
    hd_val loss = hd_cross_entropy(y, t), accuracy = hd_accuracy(y, t);
    hd_metrics m;
    curves[i].count = 0;
    if (hd_fit(p, loss, train, err, .optimizer = methods[i].with, .batch = 64, .epochs = epochs,
               .user = &curves[i], .on_epoch = lesson_on_epoch) ||
        hd_evaluate(p, loss, accuracy, test, 100, &m, err))
      break;
    reached[i] = 100 * m.accuracy;
    if (reached[i] > reached[best]) best = i;
    hd_figure_line(f[i >= 6], NULL, curves[i].loss, curves[i].count, .name = methods[i].name);
    lesson_number(l, methods[i].name,
                  i == 0   ? "the baseline"
                  : i < 3  ? "flat spots"
                  : i == 5 ? "divides by a moving rms"
                           : "adaptive",
                  "loss %.4f, test %.1f %%", curves[i].loss[curves[i].count - 1], reached[i]);
    lesson_clear(l);
  }
  if (err->status) return hd_figure_free(f[0]), hd_figure_free(f[1]), err->status;
  double least = reached[0];
  for (int i = 1; i < METHODS; i++) least = reached[i] < least ? reached[i] : least;
  lesson_finding(
      l,
      "After %d epoch%s %s leads with %.1f %%, and the last of the %d reaches %.1f %%: each "
      "at a rate that suits it, the methods differ little on such a net.",
      epochs, epochs > 1 ? "s" : "", methods[best].name, reached[best], METHODS, least);
  hd_status status = lesson_figure(l, f[0], "first.svg", err);
  return status ? (hd_figure_free(f[1]), status) : lesson_figure(l, f[1], "adaptive.svg", err);
}

const lecture lecture_optimisers = {
    "optimisers", "oslo ai", "optimisation", "Thirteen optimisers side by side", 15, run};
