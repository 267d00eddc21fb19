// Lecture: the loss functions, their factors and their slopes.
#include <math.h>
#include <string.h>

#include "lesson.h"

enum { POINTS = 241, LOSSES = 7 };
static hd_val half(hd_val y, hd_val t) {
  return hd_mse(y, t, .factor = 0.5f, .reduction = HD_LOSS_NONE);
}
static hd_val mse(hd_val y, hd_val t) { return hd_mse(y, t, .reduction = HD_LOSS_NONE); }
static hd_val mae(hd_val y, hd_val t) { return hd_mae(y, t, .reduction = HD_LOSS_NONE); }
static hd_val huber(hd_val y, hd_val t) { return hd_huber(y, t, .reduction = HD_LOSS_NONE); }
static hd_val hinge(hd_val y, hd_val t) { return hd_hinge(y, t, .reduction = HD_LOSS_NONE); }
static hd_val bce(hd_val y, hd_val t) {
  return hd_binary_cross_entropy(y, t, .reduction = HD_LOSS_NONE);
}
static hd_val step(hd_val y, hd_val t) {
  return hd_perceptron_loss(y, t, .reduction = HD_LOSS_NONE);
}
static const struct {
  const char *name;
  hd_val (*of)(hd_val y, hd_val t);
  double target;
} losses[LOSSES] = {{"(y - t)^2", mse, 0},         {"1/2 (y - t)^2", half, 0},
                    {"|y - t|", mae, 0},           {"Huber", huber, 0},
                    {"hinge, t = 1", hinge, 1},    {"cross entropy of a logit, t = 1", bce, 1},
                    {"perceptron, t = 1", step, 1}};

// A loss and its slope for each y, with one target.
static hd_status evaluate(lesson *l, int k, const float *y, float *value, float *slope,
                          hd_error *err) {
  hd_graph *g = lesson_graph(l);
  hd_store *p = lesson_store(l, 1);
  hd_val in = hd_input(g, "y", HD_F32, HD_SHAPE(POINTS, 1));
  hd_val t = hd_broadcast_to(hd_scalar(g, losses[k].target), HD_SHAPE(POINTS, 1));
  hd_val of = losses[k].of(in, t);
  hd_plan *plan = hd_compile(p, err, .fetch = {of, hd_gradient(hd_sum(of), in)});
  hd_workspace *w = plan ? hd_workspace_new(plan, NULL, err) : NULL;
  hd_status status = w ? HD_OK : err->status;
  if (!status) memcpy(hd_workspace_input(w, "y", NULL), y, POINTS * sizeof *y);
  if (!status) status = hd_run(w, err);
  if (!status) memcpy(value, hd_workspace_fetch(w, 0, NULL), POINTS * sizeof *y);
  if (!status) memcpy(slope, hd_workspace_fetch(w, 1, NULL), POINTS * sizeof *y);
  hd_workspace_free(w);
  hd_plan_free(plan);
  lesson_clear(l);
  return status;
}

// Softmax with cross entropy on the logits (2, 1, 0.1) of class 0, and on logits of 10,000.
static hd_status softmax(lesson *l, hd_error *err) {
  static const double z[3] = {2, 1, 0.1};
  hd_graph *g = lesson_graph(l);
  hd_store *p = lesson_store(l, 1);
  hd_val in = hd_input(g, "z", HD_F64, HD_SHAPE(1, 3)),
         label = hd_constant(g, HD_I32, HD_SHAPE(1), (int[]){0});
  hd_val loss = hd_cross_entropy(in, label);
  hd_plan *plan = hd_compile(p, err, .fetch = {loss, hd_softmax(in), hd_gradient(loss, in)});
  hd_workspace *w = plan ? hd_workspace_new(plan, NULL, err) : NULL;
  hd_status status = w ? HD_OK : err->status;
  if (!status) memcpy(hd_workspace_input(w, "z", NULL), z, sizeof z);
  if (!status) status = hd_run(w, err);
  if (!status) {
    double sum = exp(2) + exp(1) + exp(0.1),
           value = *(const double *)hd_workspace_fetch(w, 0, NULL);
    const double *q = hd_workspace_fetch(w, 1, NULL), *dz = hd_workspace_fetch(w, 2, NULL);
    lesson_must(l, fabs(q[0] - exp(2) / sum) < 1e-15, "softmax(2, 1, 0.1)", "0.659, 0.242, 0.099",
                "%.3f, %.3f, %.3f", q[0], q[1], q[2]);
    lesson_must(l, fabs(value + log(exp(2) / sum)) < 1e-14, "cross entropy of class 1",
                "-ln 0.659 = 0.417", "%.3f", value);
    lesson_must(l, fabs(dz[0] - (q[0] - 1)) < 1e-15 && fabs(dz[1] - q[1]) < 1e-15,
                "its gradient by the logits", "p - y", "%.3f, %.3f, %.3f", dz[0], dz[1], dz[2]);
    double large[3] = {10000, 9999, -10000};
    memcpy(hd_workspace_input(w, "z", NULL), large, sizeof large);
    status = hd_run(w, err);
    value = *(const double *)hd_workspace_fetch(w, 0, NULL);
    lesson_must(l, fabs(value - log(1 + exp(-1))) < 1e-12, "logits of 10,000 and 9,999",
                "no overflow", "%.4f", value);
  }
  hd_workspace_free(w);
  hd_plan_free(plan);
  return status;
}

static hd_status run(lesson *l, hd_error *err) {
  static float y[POINTS], value[LOSSES][POINTS], slope[LOSSES][POINTS];
  static double x[POINTS], wide[POINTS];
  hd_figure *f[2];
  for (int i = 0; i < POINTS; i++) x[i] = y[i] = (float)(i - 120) / 30;
  for (int i = 0; i < 2; i++)
    f[i] = hd_figure_new(l->env, .x = i ? "y, target 1 or class 1" : "y, target 0", .y = "loss",
                         .y_min = 0, .y_max = 5);
  for (int k = 0; k < LOSSES; k++) {
    if (evaluate(l, k, y, value[k], slope[k], err)) break;
    for (int i = 0; i < POINTS; i++) wide[i] = value[k][i];
    hd_figure_line(f[losses[k].target > 0], x, wide, POINTS, .name = losses[k].name);
  }
  if (err->status || softmax(l, err))
    return hd_figure_free(f[0]), hd_figure_free(f[1]), err->status;
  const int three = 210;  // y = 3
  lesson_must(l, slope[0][three] == 6, "d/dy (y - t)^2 at y - t = 3", "2 (y - t) = 6", "%g",
              slope[0][three]);
  lesson_must(l, slope[1][three] == 3, "d/dy 1/2 (y - t)^2", "y - t = 3", "%g", slope[1][three]);
  lesson_must(l, slope[2][three] == 1 && slope[3][three] == 1, "d/dy |y - t|, Huber",
              "1: outliers pull less", "%g, %g", slope[2][three], slope[3][three]);
  lesson_finding(
      l,
      "Two courses write the squared error with and without 1/2: the gradients, %g and %g at "
      "3, differ by 2, as if the rate were doubled.",
      slope[0][three], slope[1][three]);
  hd_status status = lesson_figure(l, f[0], "regression.svg", err);
  return status ? (hd_figure_free(f[1]), status) : lesson_figure(l, f[1], "classes.svg", err);
}

const lecture lecture_losses = {"losses",  "oslo trondheim ffi ai ljubljana",
                                "neurons", "Loss functions and their slopes",
                                1,         run};
