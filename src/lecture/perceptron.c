// Lecture: Rosenblatt's perceptron and its rule, w += eta (t - y) x: setosa is found in a few
// epochs, exclusive or never.
#include <math.h>
#include <stdio.h>

#include "lesson.h"

enum { EPOCHS = 200, FLOWERS = 150 };

// Errors of each epoch, of one unit a curve.
static void curve(hd_figure *f, const hd_perceptron_unit *u, const char *name) {
  double errors[EPOCHS];
  int count = u->epochs < 30 ? u->epochs : 30;
  for (int i = 0; i < count; i++) errors[i] = u->errors[i];
  hd_figure_line(f, NULL, errors, count, .name = name);
}

// The flowers in two of their four measurements, with the line where the unit changes its mind.
static hd_status plane(lesson *l, const hd_data *iris, hd_error *err) {
  static float x[FLOWERS][4], two[FLOWERS][2];
  int32_t label[FLOWERS], setosa[FLOWERS];
  int64_t index[FLOWERS];
  static const char *const names[] = {"x", "label"};
  for (int i = 0; i < FLOWERS; i++) index[i] = i;
  hd_status status = iris->read(iris->user, 0, index, FLOWERS, x, err);
  if (!status) status = iris->read(iris->user, 1, index, FLOWERS, label, err);
  if (status) return status;
  double at[3][2][50];
  for (int i = 0; i < FLOWERS; i++) {
    for (int k = 0; k < 2; k++)
      two[i][k] = x[i][2 + k], at[i / 50][k][i % 50] = (double)x[i][2 + k];
    setosa[i] = label[i] == 0;
  }
  hd_tensor t[] = {{.dtype = HD_F32, .shape = HD_SHAPE(FLOWERS, 2), .data = two},
                   {.dtype = HD_I32, .shape = HD_SHAPE(FLOWERS), .data = setosa}};
  hd_data petals = {0};
  hd_perceptron_result r = {0};
  status = hd_data_from_tensors(l->env, names, t, 2, &petals, err);
  if (!status) status = hd_perceptron(l->env, &petals, &r, err);
  if (!status) {
    const hd_perceptron_unit *u = r.unit;
    double line[2][2] = {{1, 7}, {0}};
    for (int i = 0; i < 2; i++) line[1][i] = -(u->bias + u->weight[0] * line[0][i]) / u->weight[1];
    lesson_must(l, u->separated, "setosa by its petals alone", "a line separates", "%d epochs",
                u->epochs);
    hd_figure *f = hd_figure_new(l->env, .x = "petal length (cm)", .y = "petal width (cm)",
                                 .y_min = -0.2, .y_max = 3);
    for (int c = 0; c < 3; c++)
      hd_figure_scatter(f, at[c][0], at[c][1], 50, .name = iris->class_names[c]);
    hd_figure_line(f, line[0], line[1], 2, .name = "w x + b = 0");
    status = lesson_figure(l, f, "line.svg", err);
  }
  hd_perceptron_free(&r);
  hd_data_free(&petals);
  return status;
}

static hd_status run(lesson *l, hd_error *err) {
  const hd_data *iris = lesson_set(l, "iris", "train", err);
  const hd_data * xor = iris ? lesson_set(l, "xor", "train", err) : NULL;
  if (!xor) return err->status;
  hd_perceptron_result flowers = {0}, gates = {0};
  hd_status status = hd_perceptron(l->env, iris, &flowers, err, .epochs = EPOCHS);
  if (!status) status = hd_perceptron(l->env, xor, &gates, err, .epochs = EPOCHS);
  if (!status) {
    hd_figure *f = hd_figure_new(l->env, .x = "epoch", .y = "errors", .y_from_zero = true);
    const hd_perceptron_unit *setosa = flowers.unit, *x = gates.unit;
    for (int c = 0; c < 3; c++) {
      const hd_perceptron_unit *u = &flowers.unit[c];
      lesson_say(l, "%-10s from the rest: %3d epochs, %2d errors in the last: %s",
                 iris->class_names[c], u->epochs, u->errors[u->epochs - 1],
                 u->separated ? "separated" : "not separated");
      curve(f, u, iris->class_names[c]);
    }
    curve(f, x, "XOR");
    lesson_must(l, setosa->separated && setosa->epochs < 20, "setosa from the rest", "< 20 epochs",
                "%d epochs", setosa->epochs);
    lesson_must(l, !flowers.unit[1].separated, "versicolor from the rest", "not separable",
                "%d errors after %d epochs", flowers.unit[1].errors[EPOCHS - 1], EPOCHS);
    lesson_must(l, x->cycles && !x->separated, "XOR", "not separable",
                "the weights come back: round after %d epochs", x->epochs);
    lesson_finding(l,
                   "The rule separates setosa in %d epochs. On XOR the weights come back to where "
                   "they were, so it would go on for ever: no line separates it (Minsky & Papert).",
                   setosa->epochs);
    status = lesson_figure(l, f, "errors.svg", err);
  }
  hd_perceptron_free(&flowers);
  hd_perceptron_free(&gates);
  return status ? status : plane(l, iris, err);
}

const lecture lecture_perceptron = {"perceptron",
                                    "oslo trondheim ffi ljubljana",
                                    "neurons",
                                    "Rosenblatt's perceptron and its rule",
                                    1,
                                    run};
