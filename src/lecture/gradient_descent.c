// Lecture: gradient descent on a landscape one can see: the path of the steps, too small, good and
// too large; and the local minimum it cannot leave.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lesson.h"

enum { STEPS = 60, SIDE = 90 };

// f = (x^2 + 6 y^2) / 10 + sin(2 x) / 2: one valley with two hollows.
static hd_val landscape(hd_val x, hd_val y) {
  hd_val bowl = hd_scale(hd_add(hd_square(x), hd_scale(hd_square(y), 6)), 0.1);
  return hd_add(bowl, hd_scale(hd_sin(hd_scale(x, 2)), 0.5));
}
static double height(double x, double y) { return (x * x + 6 * y * y) / 10 + sin(2 * x) / 2; }

static hd_status descend(lesson *l, float rate, float x0, float y0, double path[3][STEPS],
                         hd_error *err) {
  hd_graph *g = lesson_graph(l);
  hd_store *p = lesson_store(l, 1);
  hd_val x = hd_variable(g, HD_F32, (hd_shape){0}, .name = "x");
  hd_val y = hd_variable(g, HD_F32, (hd_shape){0}, .name = "y"), f = landscape(x, y);
  hd_plan *plan = hd_compile(p, err, .fetch = {f}, .mode = HD_TRAIN,
                             .update = {hd_minimize(f, hd_sgd(.lr = rate))});
  hd_workspace *w = plan ? hd_workspace_new(plan, NULL, err) : NULL;
  hd_status status = w ? HD_OK : err->status;
  float *at[2] = {NULL, NULL};
  if (!status) {
    at[0] = hd_store_find(p, "x")->data, at[1] = hd_store_find(p, "y")->data;
    *at[0] = x0, *at[1] = y0;
  }
  for (int i = 0; !status && i < STEPS; i++) {
    path[0][i] = *at[0], path[1][i] = *at[1];
    status = hd_run(w, err);
    path[2][i] = *(const float *)hd_workspace_fetch(w, 0, NULL);
  }
  hd_workspace_free(w);
  hd_plan_free(plan);
  lesson_clear(l);
  return status;
}

static hd_status run(lesson *l, hd_error *err) {
  static const struct {
    const char *name, *slide;
    float rate, x, y;
  } starts[] = {{"rate 0.02", "too small: slow", 0.02f, 4, 1.8f},
                {"rate 0.3", "good", 0.3f, 4, 1.8f},
                {"rate 1.6", "too large: jumps over", 1.6f, 4, 1.8f},
                {"rate 0.3, other start", "a local minimum", 0.3f, -3.5f, -1.8f}};
  enum { STARTS = 4 };
  static double path[STARTS][3][STEPS];
  static float share[SIDE * SIDE * 2];
  for (int r = 0; r < SIDE; r++)
    for (int c = 0; c < SIDE; c++) {
      double x = -5 + 10. * c / (SIDE - 1), y = 2.5 - 5. * r / (SIDE - 1);
      double high = fmin(fmax((height(x, y) + 0.6) / 5, 0), 1);
      share[2 * (r * SIDE + c)] = (float)(0.5 + 0.5 * high);
      share[2 * (r * SIDE + c) + 1] = (float)(0.5 - 0.5 * high);
    }
  hd_figure *f = hd_figure_new(l->env, .x = "x", .y = "y", .x_min = -5, .x_max = 5, .y_min = -2.5,
                               .y_max = 2.5, .title = "(x^2 + 6 y^2) / 10 + sin(2x) / 2");
  hd_figure_regions(f, share, SIDE, SIDE, 2);
  for (int i = 0; i < STARTS; i++) {
    if (descend(l, starts[i].rate, starts[i].x, starts[i].y, path[i], err))
      return hd_figure_free(f), err->status;
    hd_figure_line(f, path[i][0], path[i][1], STEPS, .name = starts[i].name, .dots = true,
                   .color = (hd_figure_color)(HD_COLOR_GREEN + i));
    lesson_number(l, starts[i].name, starts[i].slide, "f = %.3f at (%.2f, %.2f) after %d steps",
                  path[i][2][STEPS - 1], path[i][0][STEPS - 1], path[i][1][STEPS - 1], STEPS);
  }
  double good = path[1][2][STEPS - 1], other = path[3][2][STEPS - 1];
  lesson_must(l, path[1][2][0] > good && fabs(good - other) > 0.1, "two starts", "local minima",
              "%.3f and %.3f", good, other);
  lesson_finding(
      l,
      "From one start descent ends at %.3f, from another at %.3f: it finds the hollow below "
      "it, not the deepest. A rate of 0.02 is still at %.3f after %d steps.",
      good, other, path[0][2][STEPS - 1], STEPS);
  return lesson_figure(l, f, "path.svg", err);
}

const lecture lecture_gradient_descent = {"gradient-descent",
                                          "trondheim ffi ai",
                                          "optimisation",
                                          "Gradient descent, step by step",
                                          1,
                                          run};
