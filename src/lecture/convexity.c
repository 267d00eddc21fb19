// Lecture: convex and not: logistic regression ends at one loss from every start, a net with a
// hidden layer does not.
#include <math.h>
#include <stdio.h>

#include "lesson.h"

enum { STARTS = 10 };

static bool on_generation(void *user, const hd_search_progress *at) {
  lesson_curve *c = user;
  if (c->count < LESSON_POINTS) c->loss[c->count++] = at->best;
  return true;
}

static hd_status run(lesson *l, hd_error *err) {
  static lesson_curve curves[2][STARTS];
  double low[2] = {1e9, 1e9}, high[2] = {0, 0};
  const hd_data *iris = lesson_set(l, "iris", "train", err);
  if (!iris) return err->status;
  hd_figure *f = hd_figure_new(l->env, .x = "iteration of L-BFGS", .y = "loss", .log_y = true,
                               .title = "ten starts: blue convex, vermilion not");
  for (int hidden = 0; hidden < 2; hidden++)
    for (int i = 0; i < STARTS; i++) {
      hd_graph *g = lesson_graph(l);
      hd_store *p = lesson_store(l, l->seed + (uint64_t)i);
      hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, 4)), t = lesson_labels(g), weight[4];
      hd_init wide = {HD_NORMAL, 0, 3};
      hd_val h = hidden ? hd_tanh(hd_dense(x, .units = 2, .init = wide)) : x;
      hd_val loss = hd_cross_entropy(hd_dense(h, .units = 3, .init = wide), t), penalty = loss;
      int weights = hd_weights(loss, weight, 4);
      for (int k = 0; k < weights; k++)  // a little L2 makes the convex minimum a single point
        penalty = hd_add(penalty, hd_scale(hd_sum(hd_square(weight[k])), 1e-4));
      lesson_curve *c = &curves[hidden][i];
      hd_objective objective = {0};
      hd_search_result r;
      c->count = 0;
      hd_status status = hd_objective_of_loss(p, penalty, iris, &objective, err, .gradient = true);
      if (!status)
        status = hd_lbfgs(&objective, NULL, err, .generations = l->brief ? 150 : 1000, .user = c,
                          .on_generation = on_generation, .result = &r);
      hd_objective_free(&objective);
      if (status) return hd_figure_free(f), status;
      low[hidden] = fmin(low[hidden], r.best), high[hidden] = fmax(high[hidden], r.best);
      hd_figure_line(f, NULL, c->loss, c->count, .width = 1,
                     .color = hidden ? HD_COLOR_VERMILION : HD_COLOR_BLUE);
      lesson_clear(l);
    }
  double spread[2] = {high[0] - low[0], high[1] - low[1]};
  lesson_number(l, "logistic regression, 10 starts", "one minimum", "loss %.5f to %.5f", low[0],
                high[0]);
  lesson_number(l, "4-2-3 with tanh, 10 starts", "many", "loss %.5f to %.5f", low[1], high[1]);
  lesson_must(l, spread[0] < 1e-4, "spread of the convex one", "0", "%.1e", spread[0]);
  lesson_must(l, spread[1] > 100 * spread[0], "spread of the other", "larger", "%.1e", spread[1]);
  lesson_finding(l,
                 "Ten starts end within %.0e of each other in the convex problem, and %.3f apart "
                 "with a hidden layer.",
                 spread[0], spread[1]);
  return lesson_figure(l, f, "loss.svg", err);
}

const lecture lecture_convexity = {
    "convexity", "ai", "optimisation", "Convex and non-convex problems", 3, run};
