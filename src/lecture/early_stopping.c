// Lecture: early stopping: the validation loss turns, the training loss does not.
#include "lesson.h"

static hd_status train_on(lesson *l, const hd_data *train, const hd_data *valid,
                          const hd_data *test, int patience, lesson_curve *curve, hd_fit_result *r,
                          hd_metrics *m, hd_error *err) {
  hd_graph *g = lesson_graph(l);
  hd_store *p = lesson_store(l, l->seed);
  hd_val x = hd_flatten(lesson_pixels(l, g, train)), t = lesson_labels(g);
  hd_val y = hd_dense(hd_relu(hd_dense(x, .units = 300)), .units = 10);
  hd_val loss = hd_cross_entropy(y, t), accuracy = hd_accuracy(y, t);
  curve->count = 0;
  if (hd_fit(p, loss, train, err, .optimizer = hd_adam(.lr = 0.001f), .batch = 32,
             .epochs = l->brief ? 20 : 100, .accuracy = accuracy, .valid = valid,
             .patience = patience, .restore_best = patience > 0, .user = curve,
             .on_epoch = lesson_on_epoch, .result = r))
    return err->status;
  return hd_evaluate(p, loss, accuracy, test, 100, m, err);
}

static hd_status run(lesson *l, hd_error *err) {
  static lesson_curve stopped, whole;
  const hd_data *all, *train, *valid, *test;
  hd_fit_result r[2];
  hd_metrics m[2];
  if (lesson_images(l, 0, 10000, &all, &test, err)) return err->status;
  int64_t count = all->samples < 1800 ? all->samples * 2 / 3 : 1000;
  train = lesson_some(l, all, 0, count, err), valid = lesson_some(l, all, count, 500, err);
  if (!train || !valid || train_on(l, train, valid, test, 8, &stopped, &r[0], &m[0], err) ||
      train_on(l, train, valid, test, 0, &whole, &r[1], &m[1], err))
    return err->status;
  lesson_must(l, r[0].best_epoch == r[0].epochs - 8 || !r[0].stopped_early, "epochs trained",
              "stop when validation turns", "%d, best %d, patience 8", r[0].epochs,
              r[0].best_epoch);
  lesson_number(l, "test loss, stopped and not", "stopping is better", "%.3f and %.3f", m[0].loss,
                m[1].loss);
  lesson_number(l, "test images right, stopped and not", "stopping is better",
                "%.2f %% and %.2f %%", 100 * m[0].accuracy, 100 * m[1].accuracy);
  lesson_finding(
      l,
      "Stopping at epoch %d instead of %d keeps the test loss at %.3f instead of %.3f; of the "
      "images it gets %.2f %% right instead of %.2f %%%s.",
      r[0].epochs, r[1].epochs, m[0].loss, m[1].loss, 100 * m[0].accuracy, 100 * m[1].accuracy,
      m[1].accuracy > m[0].accuracy ? ": the loss tells of overfitting, the errors do not" : "");
  hd_figure *f = hd_figure_new(l->env, .x = "epoch", .y = "loss", .log_y = true);
  hd_figure_line(f, NULL, whole.loss, whole.count, .name = "training");
  hd_figure_line(f, NULL, whole.valid_loss, whole.count, .name = "validation");
  hd_figure_rule(f, r[0].best_epoch, "best");
  hd_figure_rule(f, r[0].epochs, "stop");
  return lesson_figure(l, f, "loss.svg", err);
}

const lecture lecture_early_stopping = {
    "early-stopping", "trondheim ljubljana", "regularisation", "Early stopping", 10, run};
