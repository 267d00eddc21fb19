// Lecture: momentum, in both of its forms and Nesterov's: through a narrow valley, and on images.
#include <stdio.h>
#include <string.h>

#include "lesson.h"

typedef struct method {
  const char *name;
  float lr, momentum;
  bool nesterov;
  hd_sgd_form form;
} method;
static const method methods[] = {
    {"no momentum", 0.03f, 0, false, HD_SGD_GRADIENT},
    {"momentum 0.9", 0.03f, 0.9f, false, HD_SGD_GRADIENT},
    {"momentum 0.9, classical form", 0.03f, 0.9f, false, HD_SGD_CLASSICAL},
    {"Nesterov 0.9", 0.03f, 0.9f, true, HD_SGD_GRADIENT}};
enum { METHODS = 4, STEPS = 300 };

// f(w) = (w1^2 + 40 w2^2) / 2 from (10, 1): along w1 the slope is slight. Steps until f < 1e-3.
static hd_status valley(lesson *l, const method *m, double path[2][STEPS + 1], int *steps,
                        hd_error *err) {
  hd_graph *g = lesson_graph(l);
  hd_store *p = lesson_store(l, 1);
  hd_val w = hd_variable(g, HD_F32, HD_SHAPE(2), .name = "w");
  float bend[2] = {1, 40}, start[2] = {10, 1};
  hd_val f = hd_scale(hd_sum(hd_mul(hd_square(w), hd_constant(g, HD_F32, HD_SHAPE(2), bend))), 0.5);
  hd_update update = hd_minimize(
      f, hd_sgd(.lr = m->lr, .momentum = m->momentum, .nesterov = m->nesterov, .form = m->form));
  hd_plan *plan = hd_compile(p, err, .fetch = {f}, .update = {update}, .mode = HD_TRAIN);
  hd_workspace *space = plan ? hd_workspace_new(plan, NULL, err) : NULL;
  hd_status status = space ? HD_OK : err->status;
  float *at = status ? NULL : hd_store_find(p, "w")->data;
  if (at) memcpy(at, start, sizeof start);
  *steps = STEPS;
  for (int i = 0; !status && i <= STEPS; i++) {
    path[0][i] = at[0], path[1][i] = at[1];
    status = hd_run(space, err);
    if (*(const float *)hd_workspace_fetch(space, 0, NULL) < 1e-3f && i < *steps) *steps = i;
  }
  hd_workspace_free(space);
  hd_plan_free(plan);
  return status;
}

static hd_status images(lesson *l, const method *m, const hd_data *train, const hd_data *test,
                        lesson_curve *curve, double *reached, hd_error *err) {
  hd_graph *g = lesson_graph(l);
  hd_val x = hd_flatten(lesson_pixels(l, g, train)), t = lesson_labels(g);
  hd_val y = hd_dense(hd_relu(hd_dense(x, .units = 100)), .units = 10);
  hd_val loss = hd_cross_entropy(y, t), accuracy = hd_accuracy(y, t);
  hd_store *p = lesson_store(l, l->seed);
  hd_metrics got;
  curve->count = 0;
  if (hd_fit(p, loss, train, err, .batch = 64, .epochs = l->brief ? 2 : 8, .user = curve,
             .optimizer = hd_sgd(.lr = m->lr, .momentum = m->momentum, .nesterov = m->nesterov,
                                 .form = m->form),
             .on_epoch = lesson_on_epoch) ||
      hd_evaluate(p, loss, accuracy, test, 100, &got, err))
    return err->status;
  *reached = 100 * got.accuracy;
  return HD_OK;
}

static hd_status run(lesson *l, hd_error *err) {
  static double path[METHODS][2][STEPS + 1];
  static lesson_curve curves[METHODS];
  const hd_data *train, *test;
  int steps[METHODS];
  double reached[METHODS];
  if (lesson_images(l, 20000, 10000, &train, &test, err)) return err->status;
  hd_figure *paths = hd_figure_new(l->env, .x = "w1 (flat)", .y = "w2 (steep)",
                                   .title = "f = (w1^2 + 40 w2^2) / 2, rate 0.03");
  hd_figure *losses = hd_figure_new(l->env, .x = "epoch", .y = "training loss", .log_y = true);
  for (int i = 0; i < METHODS && !err->status; i++) {
    if (valley(l, &methods[i], path[i], &steps[i], err) ||
        images(l, &methods[i], train, test, &curves[i], &reached[i], err))
      break;
    if (i != 2)  // at a constant rate the two forms go the same way
      hd_figure_line(paths, path[i][0], path[i][1], 120, .name = methods[i].name, .dots = true);
    hd_figure_line(losses, NULL, curves[i].loss, curves[i].count, .name = methods[i].name);
    lesson_number(l, methods[i].name, i ? "gets over flat spots" : "slow where it is flat",
                  "valley %d steps; images %.1f %%", steps[i], reached[i]);
    lesson_clear(l);
  }
  hd_status status = err->status;
  if (status) return hd_figure_free(paths), hd_figure_free(losses), status;
  lesson_must(l, steps[1] < steps[0] && steps[3] < steps[0], "fewer steps through the valley",
              "momentum helps", "%d and %d instead of %d", steps[1], steps[3], steps[0]);
  lesson_finding(
      l,
      "Momentum takes %d steps through the valley, Nesterov's %d, plain descent %d; the two "
      "ways to write it differ only once the rate changes.",
      steps[1], steps[3], steps[0]);
  status = lesson_figure(l, paths, "valley.svg", err);
  return status ? (hd_figure_free(losses), status) : lesson_figure(l, losses, "loss.svg", err);
}

const lecture lecture_momentum = {
    "momentum", "ffi ai ljubljana", "optimisation", "Momentum, in both forms, and Nesterov's", 15,
    run};
