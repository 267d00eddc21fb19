// Lecture: every cure for overfitting on the same 1,000 images and the same net.
#include <stdio.h>

#include "lesson.h"

enum { NONE, DECAY, L1, DROPOUT, STOP, NORM, EMA, AUGMENT, TOGETHER, CURES };
static const char *const names[CURES] = {"none",        "weight decay",   "L1",
                                         "dropout 0.5", "early stopping", "batch norm",
                                         "averaged",    "augmentation",   "both"};

static hd_status cure(lesson *l, int kind, uint64_t seed, const hd_data *train,
                      const hd_data *valid, const hd_data *test, double *wrong, hd_error *err) {
  hd_graph *g = lesson_graph(l);
  hd_store *p = lesson_store(l, seed);
  hd_val h = hd_flatten(lesson_pixels(l, g, train)), t = lesson_labels(g);
  for (int i = 0; i < 2; i++) {
    h = hd_dense(h, .units = 300);
    if (kind == NORM) h = hd_batch_norm(h);
    h = hd_relu(h);
    if (kind == DROPOUT || kind == TOGETHER) h = hd_dropout(h, .rate = 0.5f);
  }
  hd_val y = hd_dense(h, .units = 10), loss = hd_cross_entropy(y, t);
  hd_data changed = {0};
  bool augment = kind == AUGMENT || kind == TOGETHER;
  if (augment && hd_data_augment(l->env, train, &changed, err, .rotate = 12, .scale = 0.1f,
                                 .translate = 0.08f))
    return err->status;
  hd_metrics m = {0};
  bool steady = kind == STOP || kind == EMA;  // these cure what a falling rate cures too
  hd_status status =
      hd_fit(p, loss, augment ? &changed : train, err, .batch = 32,
             .optimizer =
                 hd_adam(.lr = 0.001f, .weight_decay = kind == DECAY ? 0.1f : 0, .decoupled = true),
             .schedule = {.kind = steady ? HD_SCHEDULE_CONSTANT : HD_SCHEDULE_COSINE},
             .epochs = l->brief  ? 2
                       : augment ? 120
                                 : 40,
             .seed = seed, .l1 = kind == L1 ? 3e-5f : 0, .ema = kind == EMA ? 0.999f : 0,
             .valid = kind == STOP ? valid : NULL, .patience = kind == STOP ? 5 : 0,
             .restore_best = kind == STOP);
  if (!status) status = hd_evaluate(p, loss, hd_accuracy(y, t), test, 100, &m, err);
  hd_data_free(&changed);
  lesson_clear(l);
  *wrong = 100 * (1 - m.accuracy);
  return status;
}

static hd_status run(lesson *l, hd_error *err) {
  const hd_data *all, *train, *valid, *test;
  double mean[CURES] = {0};
  int seeds = l->brief ? 1 : 3, best = 0;
  if (lesson_images(l, 0, 10000, &all, &test, err)) return err->status;
  int64_t count = all->samples < 1800 ? all->samples * 2 / 3 : 1000;
  train = lesson_some(l, all, 0, count, err), valid = lesson_some(l, all, count, 500, err);
  if (!train || !valid) return err->status;
  for (int kind = 0; kind < CURES; kind++) {
    double low = 100, high = 0;
    for (int s = 0; s < seeds; s++) {
      double wrong = 0;
      if (cure(l, kind, l->seed + (uint64_t)s, train, valid, test, &wrong, err)) return err->status;
      mean[kind] += wrong / seeds;
      low = wrong < low ? wrong : low, high = wrong > high ? wrong : high;
    }
    if (mean[kind] < mean[best]) best = kind;
    lesson_number(l, names[kind], kind ? "against overfitting" : "overfits",
                  "%.2f %% wrong (%.2f to %.2f)", mean[kind], low, high);
  }
  lesson_finding(
      l,
      "On %lld images the net is wrong on %.1f %% without a cure; %s is the best of them with "
      "%.1f %%, dropout alone %.1f, weight decay %.1f, stopping early %.1f.",
      (long long)train->samples, mean[NONE], names[best], mean[best], mean[DROPOUT], mean[DECAY],
      mean[STOP]);
  hd_figure *f = hd_figure_new(l->env, .y = "% of test images wrong", .y_from_zero = true);
  hd_figure_bars(f, names, mean, CURES);
  return lesson_figure(l, f, "errors.svg", err);
}

const lecture lecture_cures = {"cures",
                               "trondheim ffi ai ljubljana",
                               "regularisation",
                               "Overfitting and its cures, side by side",
                               40,
                               run};
