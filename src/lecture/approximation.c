// Lecture: one hidden layer approximates any continuous function: sin(x) by nets of growing width.
#include <math.h>
#include <stdio.h>

#include "lesson.h"

static const int widths[] = {1, 2, 3, 5, 10, 30};
enum { WIDTHS = 6, POINTS = 400 };

static hd_status run(lesson *l, hd_error *err) {
  static double x[POINTS], truth[POINTS], fitted[POINTS];
  double width[WIDTHS], error[WIDTHS];
  hd_tensor at[2] = {hd_tensor_new(l->env, HD_F32, HD_SHAPE(POINTS, 1), err),
                     hd_tensor_new(l->env, HD_F32, HD_SHAPE(POINTS, 1), err)};
  if (!at[0].data || !at[1].data) return err->status;
  float *in = at[0].data, *out = at[1].data;
  for (int i = 0; i < POINTS; i++) {
    x[i] = 2 * 3.14159265358979 * (2. * i / (POINTS - 1) - 1);
    in[i] = (float)x[i], out[i] = sinf(in[i]), truth[i] = sin(x[i]);
  }
  hd_data data;
  if (hd_data_from_tensors(l->env, (const char *[]){"x", "target"}, at, 2, &data, err))
    return err->status;
  hd_figure *f = hd_figure_new(l->env, .x = "x", .y = "y", .title = "sin(x) by 1-n-1, tanh");
  hd_figure_line(f, x, truth, POINTS, .name = "sin(x)", .color = HD_COLOR_GREY, .width = 4);
  for (int i = 0; i < WIDTHS; i++) {
    hd_graph *g = lesson_graph(l);
    hd_store *p = lesson_store(l, l->seed);
    hd_val in_x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, 1));
    hd_val t = hd_input(g, "target", HD_F32, HD_SHAPE(HD_BATCH, 1));
    hd_val y = hd_dense(hd_tanh(hd_dense(in_x, .units = widths[i])), .units = 1);
    hd_val loss = hd_mse(y, t);
    hd_metrics m;
    hd_tensor got = {0};
    if (!hd_fit(p, loss, &data, err, .optimizer = hd_adam(.lr = 0.02f), .batch = 50,
                .epochs = l->brief ? 50 : 1500, .schedule = {.kind = HD_SCHEDULE_COSINE}) &&
        !hd_evaluate(p, loss, (hd_val){0}, &data, 100, &m, err))
      got = hd_predict(p, y, at[0], err);
    if (!got.data) break;
    for (int k = 0; k < POINTS; k++) fitted[k] = ((const float *)got.data)[k];
    width[i] = widths[i], error[i] = sqrt(m.loss);
    char name[24];
    snprintf(name, sizeof name, "n = %d", widths[i]);
    if (widths[i] != 3 && widths[i] != 30) hd_figure_line(f, x, fitted, POINTS, .name = name);
    lesson_number(l, name, "the wider the closer", "root mean square error %.4f", error[i]);
    hd_tensor_free(&got);
    lesson_clear(l);
  }
  hd_data_free(&data);
  if (err->status) return hd_figure_free(f), err->status;
  lesson_must(l, l->brief || error[WIDTHS - 1] < 0.02, "with 30 hidden units", "any closeness",
              "%.4f", error[WIDTHS - 1]);
  lesson_finding(
      l, "The error over two periods falls from %.2f with one hidden unit to %.4f with thirty.",
      error[0], error[WIDTHS - 1]);
  hd_status status = lesson_figure(l, f, "sine.svg", err);
  if (status) return status;
  f = hd_figure_new(l->env, .x = "hidden units", .y = "error", .log_x = true, .log_y = true);
  hd_figure_line(f, width, error, WIDTHS, .dots = true);
  return lesson_figure(l, f, "error.svg", err);
}

const lecture lecture_approximation = {"approximation",
                                       "ffi ljubljana",
                                       "neurons",
                                       "One hidden layer approximates any function",
                                       10,
                                       run};
