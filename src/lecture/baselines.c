// Lecture: what convolutional nets are compared with: linear models, the kernel machine by random
// features, and features made by hand; on few images and on all of them.
#include <math.h>
#include <stdio.h>

#include "lesson.h"

enum { LOGISTIC, SVM, KERNEL, HAND, LENET, MODELS, WAVES = 3000, ANGLES = 8 };
static const char *const names[MODELS] = {"logistic", "linear SVM", "RBF features", "HOG features",
                                          "LeNet-5"};

// cos(w x + b), w normal and b uniform, never trained: products of two such vectors are near the
// Gaussian kernel exp(-gamma |x - x'|^2), gamma = deviation^2 / 2 (Rahimi & Recht 2007).
static hd_val waves(hd_graph *g, hd_val x, int64_t inputs) {
  float deviation = sqrtf(16 / (float)inputs);
  hd_val w = hd_variable(g, HD_F32, HD_SHAPE(inputs, WAVES), .name = "waves", .frozen = true,
                         .init = {HD_NORMAL, 0, deviation});
  hd_val b = hd_variable(g, HD_F32, HD_SHAPE(WAVES), .name = "phases", .frozen = true,
                         .init = {HD_UNIFORM, 0, 6.2831853f});
  return hd_cos(hd_add(hd_matmul(x, w), b));
}

// Histograms of oriented gradients (Dalal & Triggs 2005) by a fixed convolution: the slope in eight
// directions, its energy in cells, and that as a share of the neighbourhood's.
static hd_val gradients(hd_graph *g, hd_val x, int64_t side) {
  float slope[3][3][ANGLES] = {{{0}}};
  for (int a = 0; a < ANGLES; a++) {
    float c = cosf(6.2831853f * (float)a / ANGLES), s = sinf(6.2831853f * (float)a / ANGLES);
    slope[1][2][a] = c, slope[1][0][a] = -c, slope[2][1][a] = s, slope[0][1][a] = -s;
  }
  hd_val w = hd_constant(g, HD_F32, HD_SHAPE(3, 3, 1, ANGLES), slope);
  hd_val energy = hd_square(hd_relu(hd_op_conv2d(x, w, .pad = HD_SAME)));
  int cell = side < 16 ? 2 : 4;
  energy = hd_avg_pool2d(energy, .window = {cell + cell / 2}, .stride = {cell}, .pad = HD_SAME);
  hd_val block = hd_avg_pool2d(energy, .window = {3}, .stride = {1}, .pad = HD_SAME);
  block = hd_sum(block, .axes = HD_LAST_AXIS, .keep = true);
  return hd_flatten(hd_sqrt(hd_div(energy, hd_add_scalar(block, 0.01))));
}

static hd_val lenet(hd_val x) {
  hd_val h = hd_conv2d(x, .filters = 6, .kernel = {5}, .pad = HD_SAME);
  h = hd_max_pool2d(hd_relu(h), .window = {2});
  h = hd_max_pool2d(hd_relu(hd_conv2d(h, .filters = 16, .kernel = {3})), .window = {2});
  return hd_relu(hd_dense(hd_relu(hd_dense(hd_flatten(h), .units = 120)), .units = 84));
}

static hd_status model(lesson *l, int kind, const hd_data *train, const hd_data *test,
                       double *wrong, hd_error *err) {
  hd_graph *g = lesson_graph(l);
  hd_store *p = lesson_store(l, l->seed);
  hd_shape s = train->column[hd_data_column(train, "image")].type.shape;
  hd_val x = lesson_pixels(l, g, train), t = lesson_labels(g);
  hd_val h = kind == LENET    ? lenet(x)
             : kind == HAND   ? gradients(g, x, s.d[0])
             : kind == KERNEL ? waves(g, hd_flatten(x), s.d[0] * s.d[1])
                              : hd_flatten(x);
  hd_val y = hd_dense(h, .units = 10);
  hd_val loss = kind == SVM ? hd_hinge(y, t) : hd_cross_entropy(y, t);
  hd_metrics m = {0};
  // The hinge keeps its margin by weight decay; some 6,000 steps each.
  int epochs = l->brief ? 2 : train->samples <= 1000 ? 60 : 5;
  hd_status status =
      hd_fit(p, loss, train, err, .batch = train->samples <= 1000 ? 10 : 50, .epochs = epochs,
             .optimizer = hd_adam(.lr = kind == KERNEL || kind == HAND ? 0.004f : 0.001f,
                                  .weight_decay = kind == SVM ? 0.01f : 0, .decoupled = true),
             .schedule = {.kind = HD_SCHEDULE_COSINE});
  if (!status) status = hd_evaluate(p, loss, hd_accuracy(y, t), test, 100, &m, err);
  lesson_clear(l);
  *wrong = 100 * (1 - m.accuracy);
  return status;
}

static hd_status run(lesson *l, hd_error *err) {
  static const char *const slides[MODELS] = {"MNIST: about 8 %", "MNIST: about 8 %",
                                             "MNIST: about 2 %", "needs an engineer",
                                             "MNIST: below 1 %"};
  const hd_data *set[2], *test;
  double wrong[2][MODELS];
  if (lesson_images(l, 0, 10000, &set[1], &test, err) ||
      !(set[0] = lesson_some(l, set[1], 0, l->brief ? 200 : 1000, err)))
    return err->status;
  for (int n = 0; n < 2; n++) {
    int best = 0;
    for (int k = 0; k < MODELS; k++) {
      if (model(l, k, set[n], test, &wrong[n][k], err)) return err->status;
      char name[60];
      snprintf(name, sizeof name, "%s, %lld images", names[k], (long long)set[n]->samples);
      lesson_number(l, name, n ? slides[k] : "deep nets need data", "%.2f %% wrong", wrong[n][k]);
      lesson_say(l, "%-28s %6.2f %% wrong", name, wrong[n][k]);
      if (wrong[n][k] < wrong[n][best]) best = k;
    }
    hd_figure *f = hd_figure_new(l->env, .y = "% of test images wrong", .y_from_zero = true);
    hd_figure_bars(f, names, wrong[n], MODELS);
    if (lesson_figure(l, f, n ? "all.svg" : "few.svg", err)) return err->status;
    if (n)
      lesson_finding(
          l,
          "From all images LeNet-5 is wrong on %.2f %%, the kernel machine on %.2f, HOG %.2f, the "
          "linear SVM %.2f: learnt features %s the SVMs, %s is best. From %lld images LeNet-5 has "
          "%.2f, HOG %.2f.",
          wrong[1][LENET], wrong[1][KERNEL], wrong[1][HAND], wrong[1][SVM],
          wrong[1][LENET] < fmin(wrong[1][SVM], wrong[1][KERNEL]) ? "beat" : "do not beat",
          names[best], (long long)set[0]->samples, wrong[0][LENET], wrong[0][HAND]);
  }
  if (!l->brief && lesson_has_mnist(l))
    lesson_must(l, wrong[1][LENET] < wrong[1][KERNEL] && wrong[1][KERNEL] < wrong[1][LOGISTIC],
                "LeNet-5 < RBF < logistic", "CNNs beat SVMs", "%.2f, %.2f, %.2f %%",
                wrong[1][LENET], wrong[1][KERNEL], wrong[1][LOGISTIC]);
  return HD_OK;
}

const lecture lecture_baselines = {
    "baselines", "oslo trondheim ffi ai",
    "studies",   "Convolutional nets beside linear and kernel machines",
    40,          run};
