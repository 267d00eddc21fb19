// Lecture: nets bear noise: test accuracy by the share of training labels that were replaced at
// random, of a dense net and of LeNet-5, at the end of training and at its best epoch.
#include <stdio.h>

#include "lesson.h"

enum { RATES = 5, NETS = 2 };

// Images with some labels replaced: a data set of one's own around another.
typedef struct noisy {
  const hd_data *of;
  int label, classes;
  double rate;
  uint64_t seed;
} noisy;

static uint64_t mix(uint64_t x) {  // splitmix64 (Steele et al. 2014)
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

static hd_status read_noisy(void *user, int column, const int64_t *index, int64_t count, void *to,
                            hd_error *err) {
  const noisy *n = user;
  hd_status status = n->of->read(n->of->user, column, index, count, to, err);
  if (status || column != n->label) return status;
  for (int64_t i = 0; i < count; i++) {
    uint64_t drawn = mix(n->seed << 32 ^ (uint64_t)index[i]);
    if ((double)(drawn >> 11) / 9007199254740992. >= n->rate) continue;
    ((int32_t *)to)[i] = (int32_t)(mix(drawn) % (uint64_t)n->classes);
  }
  return HD_OK;
}

static hd_val net(int kind, hd_val x) {
  if (kind == 0)
    return hd_relu(hd_dense(hd_relu(hd_dense(hd_flatten(x), .units = 300)), .units = 100));
  hd_val h = hd_conv2d(x, .filters = 6, .kernel = {5}, .pad = HD_SAME);
  h = hd_max_pool2d(hd_relu(h), .window = {2});
  h = hd_max_pool2d(hd_relu(hd_conv2d(h, .filters = 16, .kernel = {3})), .window = {2});
  return hd_relu(hd_dense(hd_relu(hd_dense(hd_flatten(h), .units = 120)), .units = 84));
}

static hd_status run(lesson *l, hd_error *err) {
  static const char *const names[NETS] = {"784-300-100-10", "LeNet-5"};
  static const double rates[RATES] = {0, 0.1, 0.2, 0.4, 0.6};
  static lesson_curve curve;
  const hd_data *train, *test;
  double axis[RATES], right[NETS][RATES], best[NETS][RATES];
  if (lesson_images(l, 10000, 5000, &train, &test, err)) return err->status;
  for (int r = 0; r < RATES; r++)
    for (int k = 0; k < NETS; k++) {
      noisy n = {train, hd_data_column(train, "label"), train->classes, rates[r], l->seed};
      hd_data data = *train;
      data.user = &n, data.read = read_noisy, data.free = NULL, data.draw = NULL;
      hd_graph *g = lesson_graph(l);
      hd_store *p = lesson_store(l, l->seed);
      hd_val x = lesson_pixels(l, g, train), t = lesson_labels(g);
      hd_val y = hd_dense(net(k, x), .units = 10), loss = hd_cross_entropy(y, t);
      char name[60];
      hd_metrics learnt;
      curve.count = 0;
      if (hd_fit(p, loss, &data, err, .optimizer = hd_adam(.lr = 0.001f), .batch = 50,
                 .accuracy = hd_accuracy(y, t), .valid = test, .epochs = l->brief ? 2 : 15,
                 .user = &curve, .on_epoch = lesson_on_epoch) ||
          hd_evaluate(p, loss, hd_accuracy(y, t), &data, 100, &learnt, err))
        return err->status;
      axis[r] = 100 * rates[r], best[k][r] = 0;
      for (int e = 0; e < curve.count; e++) {
        right[k][r] = 100 * curve.valid_accuracy[e];
        if (right[k][r] > best[k][r]) best[k][r] = right[k][r];
      }
      snprintf(name, sizeof name, "%s, %.0f %% replaced", names[k], axis[r]);
      lesson_number(l, name, "high tolerance to noise",
                    "%.1f %% right, %.1f at best; learnt %.0f %% of labels", right[k][r],
                    best[k][r], 100 * learnt.accuracy);
      lesson_say(l, "%-32s %.1f %% of test images right", name, right[k][r]);
      lesson_clear(l);
    }
  int last = RATES - 1;
  bool bears = best[1][last] > best[1][0] - 10, harms = right[1][last] < best[1][last] - 2;
  lesson_finding(
      l,
      "With %.0f %% of the labels replaced LeNet-5 still reaches %.1f %% (%.1f with true "
      "labels; dense %.1f, %.1f): it bears noise %s. Trained on to the end it has %.1f: "
      "%s.",
      axis[last], best[1][last], best[1][0], best[0][last], best[0][0],
      bears ? "well" : "only in part", right[1][last],
      harms ? "it then learns the false labels too" : "more epochs harm little here");
  hd_figure *f = hd_figure_new(l->env, .x = "% of labels replaced", .y = "% of test images right");
  for (int k = 0; k < NETS; k++) {
    char at[60];
    snprintf(at, sizeof at, "%s, best epoch", names[k]);
    hd_figure_color color = k ? HD_COLOR_VERMILION : HD_COLOR_BLUE;
    hd_figure_line(f, axis, best[k], RATES, .name = at, .dots = true, .color = color);
    snprintf(at, sizeof at, "%s, last epoch", names[k]);
    hd_figure_line(f, axis, right[k], RATES, .name = at, .dots = true, .color = color,
                   .dashed = true);
  }
  return lesson_figure(l, f, "accuracy.svg", err);
}

const lecture lecture_label_noise = {"label-noise",     "ljubljana", "studies",
                                     "Noise in labels", 25,          run};
