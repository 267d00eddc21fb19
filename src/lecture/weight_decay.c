// Lecture: weight decay (L2, and L1) on 1,000 images: the test error by lambda.
#include <math.h>
#include <stdio.h>

#include "lesson.h"

enum { LAMBDAS = 6 };

// The share of weights of the first layer that are about zero.
static double zeros(hd_store *p) {
  const hd_parameter *w = hd_store_find(p, "first/weight");
  int64_t count = hd_shape_count(w->type.shape), zero = 0;
  for (int64_t i = 0; i < count; i++) zero += fabsf(((const float *)w->data)[i]) < 1e-3f;
  return (double)zero / (double)count;
}

static hd_status run(lesson *l, hd_error *err) {
  static const float lambdas[2][LAMBDAS] = {{0, 1e-4f, 1e-3f, 1e-2f, 3e-2f, 1e-1f},
                                            {0, 1e-5f, 3e-5f, 1e-4f, 1e-3f, 1e-2f}};
  double axis[2][LAMBDAS], wrong[2][LAMBDAS], best[2] = {100, 100}, sparse = 0;
  const hd_data *all, *train, *test;
  if (lesson_images(l, 0, 10000, &all, &test, err) || !(train = lesson_some(l, all, 0, 1000, err)))
    return err->status;
  for (int kind = 0; kind < 2; kind++)
    for (int i = 0; i < LAMBDAS; i++) {
      hd_graph *g = lesson_graph(l);
      hd_store *p = lesson_store(l, l->seed);
      hd_val x = hd_flatten(lesson_pixels(l, g, train)), t = lesson_labels(g);
      hd_val y = hd_dense(hd_relu(hd_dense(x, .units = 300, .name = "first")), .units = 10);
      hd_val loss = hd_cross_entropy(y, t);
      float lambda = lambdas[kind][i];
      hd_metrics m;
      char name[40];
      if (hd_fit(
              p, loss, train, err, .batch = 32, .epochs = l->brief ? 3 : 40,
              .optimizer = hd_sgd(.lr = 0.05f, .momentum = 0.9f, .weight_decay = kind ? 0 : lambda),
              .schedule = {.kind = HD_SCHEDULE_COSINE}, .l1 = kind ? lambda : 0) ||
          hd_evaluate(p, loss, hd_accuracy(y, t), test, 100, &m, err))
        return err->status;
      wrong[kind][i] = 100 * (1 - m.accuracy);
      axis[kind][i] = lambda > 0 ? lambda : lambdas[kind][1] / 10;
      if (wrong[kind][i] < best[kind]) best[kind] = wrong[kind][i];
      if (kind && lambda == 1e-3f) sparse = zeros(p);
      snprintf(name, sizeof name, "%s, lambda %g", kind ? "L1" : "L2", lambda);
      lesson_number(l, name, lambda > 0 ? "small weights, less overfitting" : "none",
                    "%.2f %% wrong, %.0f %% of the first weights 0", wrong[kind][i],
                    100 * zeros(p));
      lesson_clear(l);
    }
  lesson_finding(
      l,
      "The best L2 takes the error from %.2f to %.2f %%, the best L1 to %.2f %%; at 0.001 "
      "L1 makes %.0f %% of the first weights zero. Too much of either spoils it.",
      wrong[0][0], best[0], best[1], 100 * sparse);
  hd_figure *f = hd_figure_new(l->env, .x = "lambda (leftmost: 0)", .y = "% of test images wrong",
                               .log_x = true);
  hd_figure_line(f, axis[0], wrong[0], LAMBDAS, .name = "L2", .dots = true);
  hd_figure_line(f, axis[1], wrong[1], LAMBDAS, .name = "L1", .dots = true);
  return lesson_figure(l, f, "lambda.svg", err);
}

const lecture lecture_weight_decay = {
    "weight-decay", "ffi ljubljana", "regularisation", "Weight decay: L2 and L1", 20, run};
