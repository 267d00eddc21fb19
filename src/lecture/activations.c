// Lecture: the activation functions and their derivatives, from the step to GELU; the conventions
// at the kink; what saturates.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lesson.h"

static hd_val identity(hd_val x) { return hd_scale(x, 1); }
static hd_val leaky(hd_val x) { return hd_leaky_relu(x); }
static hd_val elu(hd_val x) { return hd_elu(x); }
static hd_val gelu(hd_val x) { return hd_gelu(x); }
static hd_val silu(hd_val x) { return hd_silu(x); }

static const struct {
  const char *name;
  hd_val (*of)(hd_val x);
  int figure;
} functions[] = {{"linear", identity, 0},      {"step", hd_heaviside, 0},
                 {"sigmoid", hd_sigmoid, 0},   {"tanh", hd_tanh, 0},
                 {"ReLU", hd_relu, 0},         {"leaky ReLU", leaky, 0},
                 {"softplus", hd_softplus, 1}, {"ELU", elu, 1},
                 {"SELU", hd_selu, 1},         {"GELU", gelu, 1},
                 {"SiLU (swish)", silu, 1},    {"mish", hd_mish, 1}};
enum { FUNCTIONS = sizeof functions / sizeof *functions, POINTS = 241 };

// f and f' at each x, in double.
static hd_status evaluate(lesson *l, int f, const double *x, int64_t count, double *y, double *dy,
                          hd_error *err) {
  hd_graph *g = lesson_graph(l);
  hd_store *p = lesson_store(l, 1);
  hd_val in = hd_input(g, "x", HD_F64, HD_SHAPE(count)), out = functions[f].of(in);
  hd_val slope = hd_gradient(hd_sum(out), in);  // of the sum: f' at each
  bool flat = !slope.graph;                     // the step: no gradient passes
  hd_plan *plan = hd_compile(p, err, .fetch = {out, flat ? out : slope});
  hd_workspace *w = plan ? hd_workspace_new(plan, NULL, err) : NULL;
  hd_status status = w ? HD_OK : err->status;
  size_t bytes = (size_t)count * sizeof *x;
  if (!status) memcpy(hd_workspace_input(w, "x", NULL), x, bytes);
  if (!status) status = hd_run(w, err);
  if (!status) memcpy(y, hd_workspace_fetch(w, 0, NULL), bytes);
  for (int64_t i = 0; !status && i < count; i++)
    dy[i] = flat ? 0 : ((const double *)hd_workspace_fetch(w, 1, NULL))[i];
  hd_workspace_free(w);
  hd_plan_free(plan);
  lesson_clear(l);
  return status;
}

static hd_status run(lesson *l, hd_error *err) {
  static double x[POINTS], y[FUNCTIONS][POINTS], dy[FUNCTIONS][POINTS];
  static const double at[] = {-100, -2, -1, 0, 1, 2, 100};
  double value[7], slope[7];
  hd_figure *f[4];
  for (int i = 0; i < POINTS; i++) x[i] = -4 + 8. * i / (POINTS - 1);
  for (int i = 0; i < 4; i++)
    f[i] =
        hd_figure_new(l->env, .x = "x", .y = i % 2 ? "f'(x)" : "f(x)", .y_min = -1.5, .y_max = 3);
  lesson_say(l, "%-14s %8s %8s %8s %8s %8s    f'(0)", "", "f(-2)", "f(-1)", "f(0)", "f(1)", "f(2)");
  for (int i = 0; i < FUNCTIONS; i++) {
    if (evaluate(l, i, x, POINTS, y[i], dy[i], err) || evaluate(l, i, at, 7, value, slope, err))
      break;
    lesson_say(l, "%-14s %8.4f %8.4f %8.4f %8.4f %8.4f %8.4f", functions[i].name, value[1],
               value[2], value[3], value[4], value[5], slope[3]);
    for (int d = 0; d < 2; d++)
      hd_figure_line(f[2 * functions[i].figure + d], x, d ? dy[i] : y[i], POINTS,
                     .name = functions[i].name);
    const char *name = functions[i].name;
    if (!strcmp(name, "sigmoid")) {
      lesson_must(l, slope[4] == value[4] * (1 - value[4]), "sigmoid'(1)", "s (1 - s)", "%.6f",
                  slope[4]);
      lesson_must(l, value[0] >= 0 && value[0] < 1e-43 && value[6] == 1, "sigmoid(-100), (100)",
                  "range [0, 1]", "%.3g, %g", value[0], value[6]);
      lesson_number(l, "sigmoid'(4), what is left of a gradient", "saturates", "%.4f",
                    dy[i][POINTS - 1]);
    }
    if (!strcmp(name, "ReLU"))
      lesson_must(l, slope[2] == 0 && slope[3] == 0 && slope[4] == 1, "ReLU'(-1), (0), (1)",
                  "0, 0, 1", "%g, %g, %g", slope[2], slope[3], slope[4]);
    if (!strcmp(name, "softplus"))
      lesson_must(l, value[6] == 100 && value[0] > 0 && fabs(value[3] - log(2)) < 1e-15,
                  "softplus(0), (100): ln(1 + e^x)", "0.6931, no overflow", "%.4f, %g", value[3],
                  value[6]);
    if (!strcmp(name, "ELU"))
      lesson_must(l, fabs(value[2] - (exp(-1) - 1)) < 1e-15, "ELU(-1), c = 1",
                  "c (e^x - 1) = -0.6321", "%.4f", value[2]);
  }
  lesson_finding(l,
                 "All %d of them, with f' from the framework; ReLU'(0) is 0, and of a gradient the "
                 "logistic function passes on at most a quarter.",
                 FUNCTIONS);
  static const char *const name[] = {"values.svg", "slopes.svg", "newer.svg", "newer-slopes.svg"};
  hd_status status = err->status;
  for (int i = 0; i < 4; i++)
    if (status) hd_figure_free(f[i]);
    else status = lesson_figure(l, f[i], name[i], err);
  return status;
}

const lecture lecture_activations = {"activations",
                                     "oslo trondheim ffi ai ljubljana",
                                     "neurons",
                                     "Activation functions and their derivatives",
                                     1,
                                     run};
