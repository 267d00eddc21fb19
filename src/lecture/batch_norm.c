// Lecture: batch normalisation in LeNet-5: how fast it learns with and without, at three rates.
#include <stdio.h>

#include "lesson.h"

static hd_val block(hd_val x, bool norm) { return hd_relu(norm ? hd_batch_norm(x) : x); }

static hd_status run(lesson *l, hd_error *err) {
  static const float rates[] = {0.01f, 0.1f, 1};
  static lesson_curve curves[2][3];
  const hd_data *train, *test;
  double reached[2][3];
  if (lesson_images(l, 10000, 10000, &train, &test, err)) return err->status;
  hd_figure *f = hd_figure_new(l->env, .x = "epoch", .y = "training loss", .log_y = true,
                               .title = "dashed: without batch normalisation");
  for (int norm = 0; norm < 2; norm++)
    for (int i = 0; i < 3; i++) {
      hd_graph *g = lesson_graph(l);
      hd_store *p = lesson_store(l, l->seed);
      hd_val x = lesson_pixels(l, g, train), t = lesson_labels(g);
      hd_val h = hd_conv2d(x, .filters = 6, .kernel = {5}, .pad = HD_SAME);
      h = hd_max_pool2d(block(h, norm), .window = {2});
      h = hd_conv2d(h, .filters = 16, .kernel = {3});
      h = hd_flatten(hd_max_pool2d(block(h, norm), .window = {2}));
      h = block(hd_dense(h, .units = 120), norm);
      hd_val y = hd_dense(block(hd_dense(h, .units = 84), norm), .units = 10);
      hd_val loss = hd_cross_entropy(y, t);
      hd_metrics m = {0};
      char name[40];
      curves[norm][i].count = 0;
      hd_status status =
          hd_fit(p, loss, train, err, .optimizer = hd_sgd(.lr = rates[i]), .batch = 64,
                 .epochs = l->brief ? 1 : 6, .user = &curves[norm][i], .on_epoch = lesson_on_epoch);
      bool diverged = status == HD_E_DIVERGED;
      if (diverged) *err = (hd_error){0}, status = HD_OK;
      if (!status && !diverged)
        status = hd_evaluate(p, loss, hd_accuracy(y, t), test, 100, &m, err);
      if (status) return hd_figure_free(f), status;
      reached[norm][i] = 100 * m.accuracy;
      snprintf(name, sizeof name, "%s, rate %g", norm ? "with" : "without", rates[i]);
      lesson_number(l, name, norm ? "faster, less sensitive" : "slower",
                    diverged ? "diverged" : "%.2f %% of the test images", reached[norm][i]);
      hd_figure_line(f, NULL, curves[norm][i].loss, curves[norm][i].count, .name = name,
                     .dashed = !norm, .color = (hd_figure_color)(HD_COLOR_BLUE + i));
      lesson_clear(l);
    }
  lesson_finding(l,
                 "With batch normalisation the rates 0.01, 0.1 and 1 reach %.1f, %.1f and %.1f %%; "
                 "without it %.1f, %.1f and %.1f %%.",
                 reached[1][0], reached[1][1], reached[1][2], reached[0][0], reached[0][1],
                 reached[0][2]);
  return lesson_figure(l, f, "loss.svg", err);
}

const lecture lecture_batch_norm = {"batch-norm",          "ffi", "regularisation",
                                    "Batch normalisation", 20,    run};
