// Lecture: deep learning needs data: test errors by the number of training images, of a linear
// model, a dense net and LeNet-5.
#include <stdio.h>

#include "lesson.h"

enum { SIZES = 4, MODELS = 3 };

static hd_val lenet(hd_val x) {
  hd_val h = hd_conv2d(x, .filters = 6, .kernel = {5}, .pad = HD_SAME);
  h = hd_max_pool2d(hd_relu(h), .window = {2});
  h = hd_max_pool2d(hd_relu(hd_conv2d(h, .filters = 16, .kernel = {3})), .window = {2});
  return hd_relu(hd_dense(hd_relu(hd_dense(hd_flatten(h), .units = 120)), .units = 84));
}

static hd_status run(lesson *l, hd_error *err) {
  static const char *const names[MODELS] = {"linear", "784-300-100-10", "LeNet-5"};
  static const int64_t sizes[SIZES] = {100, 1000, 10000, 60000};
  const hd_data *all, *test;
  double axis[SIZES], wrong[MODELS][SIZES];
  if (lesson_images(l, 0, 10000, &all, &test, err)) return err->status;
  int count = 0;
  while (count < SIZES && (count == 0 || sizes[count - 1] < all->samples)) count++;
  for (int s = 0; s < count; s++) {
    const hd_data *train = lesson_some(l, all, 0, sizes[s], err);
    if (!train) return err->status;
    axis[s] = (double)train->samples;
    for (int m = 0; m < MODELS; m++) {
      hd_graph *g = lesson_graph(l);
      hd_store *p = lesson_store(l, l->seed);
      hd_val x = lesson_pixels(l, g, train), t = lesson_labels(g), h = hd_flatten(x);
      if (m == 1) h = hd_relu(hd_dense(hd_relu(hd_dense(h, .units = 300)), .units = 100));
      if (m == 2) h = lenet(x);
      hd_val y = hd_dense(h, .units = 10), loss = hd_cross_entropy(y, t);
      hd_metrics got;
      char name[60];
      // Some 6,000 steps each, fewer for the smallest.
      int batch = s < 2 ? 10 : 50, epochs = (int)(300000 / train->samples);
      epochs = l->brief ? 2 : epochs > 100 ? 100 : epochs < 5 ? 5 : epochs;
      if (hd_fit(p, loss, train, err, .optimizer = hd_adam(.lr = 0.001f), .batch = batch,
                 .epochs = epochs, .schedule = {.kind = HD_SCHEDULE_COSINE}) ||
          hd_evaluate(p, loss, hd_accuracy(y, t), test, 100, &got, err))
        return err->status;
      wrong[m][s] = 100 * (1 - got.accuracy);
      snprintf(name, sizeof name, "%s, %lld images", names[m], (long long)train->samples);
      lesson_number(l, name,
                    m == 2   ? "needs large data"
                    : m == 0 ? "strong assumptions"
                             : "data-hungry",
                    "%.2f %% wrong", wrong[m][s]);
      lesson_clear(l);
    }
  }
  int last = count - 1;
  lesson_finding(
      l,
      "LeNet-5 goes from %.1f %% wrong with %.0f images to %.2f %% with %.0f, the linear model "
      "from %.1f to %.1f %%: what the deep net gains by data, the linear one cannot.",
      wrong[2][0], axis[0], wrong[2][last], axis[last], wrong[0][0], wrong[0][last]);
  hd_figure *f = hd_figure_new(l->env, .x = "training images", .y = "% of test images wrong",
                               .log_x = true, .log_y = true);
  for (int m = 0; m < MODELS; m++)
    hd_figure_line(f, axis, wrong[m], count, .name = names[m], .dots = true);
  return lesson_figure(l, f, "errors.svg", err);
}

const lecture lecture_data_size = {
    "data-size", "oslo trondheim ljubljana", "studies", "How many samples deep nets need", 60, run};
