// Lecture: batch, stochastic and mini-batch gradient descent: the same number of samples seen, in
// one step or in thousands.
#include <stdio.h>

#include "lesson.h"

static const int sizes[] = {1, 16, 128, 1024, 0};  // 0: all samples
static const float rates[] = {0.01f, 0.05f, 0.1f, 0.3f, 0.5f};
enum { SIZES = 5 };

static hd_status run(lesson *l, hd_error *err) {
  const hd_data *train, *test;
  static lesson_curve curves[SIZES];
  char names[SIZES][40];
  double reached[SIZES], seconds[SIZES];
  int epochs = l->brief ? 2 : 10, best = 0;
  if (lesson_images(l, 10000, 10000, &train, &test, err)) return err->status;
  hd_figure *f = hd_figure_new(l->env, .x = "epoch", .y = "training loss", .log_y = true);
  for (int i = 0; i < SIZES; i++) {
    hd_graph *g = lesson_graph(l);
    hd_val x = hd_flatten(lesson_pixels(l, g, train)), t = lesson_labels(g);
    hd_val y = hd_dense(hd_relu(hd_dense(x, .units = 30)), .units = 10);
    hd_val loss = hd_cross_entropy(y, t), accuracy = hd_accuracy(y, t);
    hd_store *p = lesson_store(l, l->seed);
    hd_fit_result r;
    hd_metrics m;
    int all = (int)train->samples, batch = sizes[i] && sizes[i] < all ? sizes[i] : all;
    curves[i].count = 0;
    if (hd_fit(p, loss, train, err, .optimizer = hd_sgd(.lr = rates[i]), .batch = batch,
               .epochs = epochs, .user = &curves[i], .on_epoch = lesson_on_epoch, .result = &r) ||
        hd_evaluate(p, loss, accuracy, test, 100, &m, err))
      break;
    reached[i] = 100 * m.accuracy, seconds[i] = r.seconds;
    if (reached[i] > reached[best]) best = i;
    snprintf(names[i], sizeof *names,
             sizes[i] == 1 ? "stochastic, 1"
             : sizes[i]    ? "mini-batch, %d"
                           : "batch, %d",
             batch);
    hd_figure_line(f, NULL, curves[i].loss, curves[i].count, .name = names[i]);
    lesson_number(l, names[i],
                  sizes[i] == 1 ? "noisy, many steps"
                  : sizes[i]    ? "fast and steady"
                                : "smooth, slow",
                  "%lld steps of rate %g, %.2f s: %.1f %%", (long long)r.steps, rates[i],
                  seconds[i], reached[i]);
    lesson_clear(l);
  }
  if (err->status) return hd_figure_free(f), err->status;
  lesson_finding(
      l,
      "After %d epochs over the same images %s leads with %.1f %%; the whole set at once "
      "made %d steps and reached %.1f %%. Single samples took %.0f times the time of "
      "batches of 128.",
      epochs, names[best], reached[best], epochs, reached[SIZES - 1], seconds[0] / seconds[2]);
  return lesson_figure(l, f, "loss.svg", err);
}

const lecture lecture_batch_size = {"batch-size",
                                    "trondheim ffi ai ljubljana",
                                    "optimisation",
                                    "Batch, stochastic and mini-batch descent",
                                    10,
                                    run};
