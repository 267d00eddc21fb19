// Lecture: what training costs: the time of an epoch by the number of samples and of weights, of a
// layer by its connections, and what a second thread brings, with the same bits.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lesson.h"

enum { SIZES = 5, LAYERS = 3, BATCH = 100 };

typedef struct timing {
  clock_t start;     // of the epoch
  double processor;  // seconds of the cheapest epoch, of all threads
  double wall;       // of the fastest: the others were disturbed
} timing;

static bool on_epoch(void *user, const hd_progress *at) {
  timing *t = user;
  double seconds = (double)(clock() - t->start) / CLOCKS_PER_SEC;
  if (at->epoch == 1 || seconds < t->processor) t->processor = seconds;
  if (at->epoch == 1 || at->seconds < t->wall) t->wall = at->seconds;
  t->start = clock();
  return true;
}

// A net of one hidden layer, trained by so many threads; its weights stay in *to.
static hd_status epoch(lesson *l, const hd_data *data, int units, int thread_count, int epochs,
                       timing *time, double *weights, hd_store **to, hd_error *err) {
  hd_env env = *l->env;
  env.threads = thread_count;
  hd_graph *g = lesson_graph(l);
  hd_store *p = l->stores < LESSON_OWNED ? hd_store_new(&env) : NULL;
  if (!g || !p) return hd_store_free(p), err->status = HD_E_MEMORY;
  hd_store_seed(p, l->seed);
  l->store[l->stores++] = *to = p;
  hd_val x = lesson_pixels(l, g, data), t = lesson_labels(g);
  hd_val y = hd_dense(hd_relu(hd_dense(hd_flatten(x), .units = units)), .units = 10);
  *time = (timing){.start = clock()};
  hd_status status = hd_fit(p, hd_cross_entropy(y, t), data, err, .optimizer = hd_sgd(.lr = 0.1f),
                            .batch = (int)(data->samples < BATCH ? data->samples : BATCH),
                            .epochs = epochs, .user = time, .on_epoch = on_epoch);
  *weights = 0;
  for (int i = 0; i < hd_store_count(p); i++)
    if (hd_store_at(p, i)->role == HD_WEIGHT)
      *weights += (double)hd_shape_count(hd_store_at(p, i)->type.shape);
  return status;
}

// The least squares line through points, and R^2, the share of the variance that it explains.
static double line(const double *x, const double *y, int n, double *at_zero, double *slope) {
  double mx = 0, my = 0, xx = 0, xy = 0, yy = 0;
  for (int i = 0; i < n; i++) mx += x[i] / n, my += y[i] / n;
  for (int i = 0; i < n; i++) {
    xx += (x[i] - mx) * (x[i] - mx);
    xy += (x[i] - mx) * (y[i] - my);
    yy += (y[i] - my) * (y[i] - my);
  }
  *slope = xx > 0 ? xy / xx : 0, *at_zero = my - *slope * mx;
  return xx > 0 && yy > 0 ? xy * xy / xx / yy : 1;
}

static hd_status scaling(lesson *l, const hd_data *all, double r2[2], hd_error *err) {
  static const char *const what[2] = {"samples |D|", "weights w"};
  static const int hidden[SIZES] = {100, 200, 300, 400, 500};
  int rounds = l->brief ? 3 : 12;
  for (int by = 0; by < 2; by++) {
    double axis[SIZES], seconds[SIZES], zero, slope, weights, fit[SIZES];
    timing time;
    hd_store *p;
    for (int i = 0; i < SIZES; i++) {
      int64_t samples = all->samples * (by ? 2 : i + 1) / SIZES / (l->brief && by ? 2 : 1);
      const hd_data *some = lesson_some(l, all, 0, samples, err);
      if (!some || epoch(l, some, by ? hidden[i] : 200, 1, rounds, &time, &weights, &p, err))
        return err->status;
      seconds[i] = time.processor;
      axis[i] = by ? weights : (double)some->samples;
      lesson_say(l, "%-12s %8.0f: %.3f seconds an epoch", what[by], axis[i], seconds[i]);
      lesson_clear(l);
    }
    r2[by] = line(axis, seconds, SIZES, &zero, &slope);
    for (int i = 0; i < SIZES; i++) fit[i] = zero + slope * axis[i];
    char name[60];
    snprintf(name, sizeof name, "R^2 of a line through time by %s", what[by]);
    lesson_number(l, name, "O(|D| w)", "%.4f; %.0f to %.0f: %.3f to %.3f s", r2[by], axis[0],
                  axis[SIZES - 1], seconds[0], seconds[SIZES - 1]);
    hd_figure *f = hd_figure_new(l->env, .x = what[by], .y = "processor seconds an epoch",
                                 .y_from_zero = true);
    hd_figure_scatter(f, axis, seconds, SIZES, .name = "measured");
    hd_figure_line(f, axis, fit, SIZES, .name = "least squares", .dashed = true);
    if (lesson_figure(l, f, by ? "weights.svg" : "samples.svg", err)) return err->status;
  }
  return HD_OK;
}

static double now(void) {
  struct timespec t;
  timespec_get(&t, TIME_UTC);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// Layers from 28x28 to 28x28 units: m n connections, or k n.
static hd_status layers(lesson *l, hd_error *err) {
  static const char *const names[LAYERS] = {"dense layer, m n = 784 x 784",
                                            "locally connected, k n = 25 x 784", "convolution, 25"};
  for (int k = 0; k < LAYERS; k++) {
    hd_env env = *l->env;
    env.threads = 1;
    hd_graph *g = lesson_graph(l);
    hd_store *p = l->stores < LESSON_OWNED ? hd_store_new(&env) : NULL;
    if (!g || !p) return hd_store_free(p), err->status = HD_E_MEMORY;
    l->store[l->stores++] = p;
    hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, 28, 28, 1)), y;
    if (k == 0) y = hd_dense(hd_flatten(x), .units = 784);
    else if (k == 1) y = hd_locally_connected2d(x, .filters = 1, .kernel = {5}, .pad = HD_SAME);
    else y = hd_conv2d(x, .filters = 1, .kernel = {5}, .pad = HD_SAME);
    hd_plan *plan = hd_compile(p, err, .fetch = {y}, .batch = BATCH, .frozen = true);
    hd_workspace *w = plan ? hd_workspace_new(plan, NULL, err) : NULL;
    hd_status status = w ? HD_OK : err->status;
    double least = 1e9;
    for (int i = 0; i < 20 && !status; i++) {
      double start = now();
      status = hd_run(w, err);
      least = fmin(least, now() - start);
    }
    if (!status)
      lesson_number(l, names[k], k ? "O(k n)" : "O(m n)", "%.4f MFLOP, %.2f microseconds a sample",
                    hd_plan_describe(plan).flop / BATCH / 1e6, 1e6 * least / BATCH);
    hd_workspace_free(w);
    hd_plan_free(plan);
    lesson_clear(l);
    if (status) return status;
  }
  return HD_OK;
}

// The same training by one thread and by two: how much sooner, and whether all bytes are equal.
static hd_status threads(lesson *l, const hd_data *all, double *faster, hd_error *err) {
  double weights;
  timing time[2];
  hd_store *p[2];
  for (int i = 0; i < 2; i++)
    if (epoch(l, all, 800, i + 1, l->brief ? 3 : 8, &time[i], &weights, &p[i], err))
      return err->status;
  bool equal = hd_store_count(p[0]) == hd_store_count(p[1]);
  for (int i = 0; equal && i < hd_store_count(p[0]); i++) {
    const hd_parameter *a = hd_store_at(p[0], i), *b = hd_store_find(p[1], a->name);
    size_t bytes = (size_t)hd_shape_count(a->type.shape) * hd_dtype_size(a->type.dtype);
    equal = b && hd_shape_equal(a->type.shape, b->type.shape) && !memcmp(a->data, b->data, bytes);
  }
  *faster = time[0].wall / time[1].wall;
  lesson_must(l, equal, "weights after one thread and after two", "the same", "%.0f weights: %s",
              weights, equal ? "equal bits" : "they differ");
  lesson_number(l, "speed-up by the second thread", "inherently parallel", "%.2f", *faster);
  lesson_clear(l);
  return HD_OK;
}

static hd_status run(lesson *l, hd_error *err) {
  const hd_data *all, *test;
  double r2[2], faster = 0;
  if (lesson_images(l, 20000, 1000, &all, &test, err) || scaling(l, all, r2, err) ||
      layers(l, err) || threads(l, all, &faster, err))
    return err->status;
  lesson_finding(l,
                 "The time of an epoch is %s in the samples (R^2 %.4f) and %s in the weights "
                 "(%.4f); a second thread makes it %.2f times as fast%s.",
                 r2[0] > 0.99 ? "linear" : "not quite linear", r2[0],
                 r2[1] > 0.99 ? "linear" : "not quite linear", r2[1], faster,
                 faster < 1.5 ? " here, where two cores may not be free" : "");
  return HD_OK;
}

const lecture lecture_cost = {
    "cost", "oslo trondheim ljubljana", "studies", "What training costs", 10, run};
