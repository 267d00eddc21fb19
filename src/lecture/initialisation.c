// Lecture: the first weights. The deviation of the activations through thirty layers of tanh: too
// small shrinks, too large saturates, a variance of 1/n_in keeps them. The slide calls that
// Xavier's; it is LeCun's, Glorot and Bengio's (Xavier) is 2/(n_in + n_out), He's 2/n_in.
#include <math.h>
#include <stdio.h>

#include "lesson.h"

enum { LAYERS = 30, WIDTH = 100, KINDS = 6 };
static const struct {
  const char *name, *slide;
  hd_init init;
  bool relu;
} kinds[KINDS] = {
    {"tanh, deviation 0.01", "shrinks", {.kind = HD_NORMAL, .b = 0.01f}, false},
    {"tanh, variance 1/n_in (LeCun)", "just right (\"Xavier\")", {.kind = HD_LECUN_NORMAL}, false},
    {"tanh, 2/(n_in + n_out) (Glorot)", "the paper's Xavier", {.kind = HD_GLOROT_NORMAL}, false},
    {"tanh, deviation 1", "saturates", {.kind = HD_NORMAL, .b = 1}, false},
    {"ReLU, variance 1/n_in", "halved each layer", {.kind = HD_LECUN_NORMAL}, true},
    {"ReLU, variance 2/n_in (He)", "made for ReLU", {.kind = HD_HE_NORMAL}, true}};

// The mean size of the activations of each layer, and the share beyond 0.99.
static hd_status forward(lesson *l, int k, double *size, double *saturated, hd_error *err) {
  hd_graph *g = lesson_graph(l);
  hd_store *p = lesson_store(l, l->seed);
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(256, WIDTH)), h = x, fetch[LAYERS + 1];
  for (int i = 0; i < LAYERS; i++) {
    h = hd_dense(h, .units = WIDTH, .init = kinds[k].init);
    h = kinds[k].relu ? hd_relu(h) : hd_tanh(h);
    fetch[i] = hd_mean(hd_abs(h));
  }
  fetch[LAYERS] = hd_mean(hd_cast(hd_greater(hd_abs(h), hd_scalar_like(h, 0.99)), HD_F32));
  hd_plan *plan = hd_compile(p, err, .more = fetch, .mores = LAYERS + 1);
  hd_workspace *w = plan ? hd_workspace_new(plan, NULL, err) : NULL;
  hd_status status = w ? HD_OK : err->status;
  float *in = status ? NULL : hd_workspace_input(w, "x", NULL);
  uint32_t state = 1;
  for (int i = 0; in && i < 256 * WIDTH; i++) {  // uniform of variance 1
    state = state * 1664525u + 1013904223u;
    in[i] = (float)((state / 4294967296.0 - 0.5) * sqrt(12));
  }
  if (!status) status = hd_run(w, err);
  for (int i = 0; !status && i <= LAYERS; i++) {
    double value = *(const float *)hd_workspace_fetch(w, i, NULL);
    if (i < LAYERS) size[i] = value;
    else *saturated = value;
  }
  hd_workspace_free(w);
  hd_plan_free(plan);
  lesson_clear(l);
  return status;
}

static hd_status run(lesson *l, hd_error *err) {
  static double size[KINDS][LAYERS], saturated[KINDS];
  hd_figure *f = hd_figure_new(l->env, .x = "layer", .y = "mean |activation|", .log_y = true,
                               .y_min = 1e-10, .y_max = 3);
  for (int k = 0; k < KINDS; k++) {
    if (forward(l, k, size[k], &saturated[k], err)) return hd_figure_free(f), err->status;
    hd_figure_line(f, NULL, size[k], LAYERS, .name = kinds[k].name, .dashed = kinds[k].relu);
    lesson_number(l, kinds[k].name, kinds[k].slide, "%.3g after 1, %.3g after %d layers",
                  size[k][0], size[k][LAYERS - 1], LAYERS);
  }
  lesson_must(l, size[0][LAYERS - 1] < 1e-6, "deviation 0.01", "too small shrinks", "%.1e",
              size[0][LAYERS - 1]);
  lesson_must(l, saturated[3] > 0.5, "deviation 1, beyond 0.99", "too large",
              "%.0f %% of the units", 100 * saturated[3]);
  lesson_must(l, size[1][LAYERS - 1] > 0.05, "variance 1/n_in", "keeps the size", "%.2f",
              size[1][LAYERS - 1]);
  lesson_must(l, size[5][LAYERS - 1] > 100 * size[4][LAYERS - 1], "ReLU: 2/n_in, 1/n_in",
              "(not on the slide)", "%.2g, %.2g", size[5][LAYERS - 1], size[4][LAYERS - 1]);
  lesson_finding(
      l,
      "After %d layers of tanh the activations are %.0e with a deviation of 0.01, %.2f with "
      "1/n_in; with 1, %.0f %% of the units are saturated.",
      LAYERS, size[0][LAYERS - 1], size[1][LAYERS - 1], 100 * saturated[3]);
  return lesson_figure(l, f, "activations.svg", err);
}

const lecture lecture_initialisation = {
    "initialisation", "trondheim ai ljubljana", "initialisation", "First weights", 1, run};
