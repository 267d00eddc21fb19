// Lecture: deep or wide: nets of one to eight hidden layers with the same number of parameters, on
// two intertwined spirals (Lang & Witbrock 1988) and on images.
#include <math.h>
#include <stdio.h>

#include "lesson.h"

enum { BUDGET = 50000, DEPTHS = 6, SEEDS = 3, TURN = 97, SIDE = 90 };
static const int depths[DEPTHS] = {1, 2, 3, 4, 6, 8};

static int parameters(int in, int width, int depth, int out) {
  return (in + 1) * width + (depth - 1) * (width + 1) * width + (width + 1) * out;
}

static int widest(int in, int depth, int out) {
  int width = 1;
  while (parameters(in, width + 1, depth, out) <= BUDGET) width++;
  return width;
}

static hd_val net(hd_val h, int in, int depth, int out) {
  hd_init he = {.kind = HD_HE_NORMAL};
  for (int i = 0; i < depth; i++)
    h = hd_relu(hd_dense(h, .units = widest(in, depth, out), .init = he));
  return hd_dense(h, .units = out);
}

// Point n of the first spiral, of three turns; the second is its negative.
static void point(double n, double *x, double *y) {
  double angle = n * 3.14159265358979 / 16, radius = 6.5 * (104 - n) / 104;
  *x = radius * sin(angle), *y = radius * cos(angle);
}

// Both spirals, `count` points a spiral; offset 0.5 gives those half way between.
static hd_status spirals(lesson *l, double offset, int count, hd_data *to, hd_error *err) {
  hd_tensor at[2] = {hd_tensor_new(l->env, HD_F32, HD_SHAPE(2 * count, 2), err),
                     hd_tensor_new(l->env, HD_I32, HD_SHAPE(2 * count), err)};
  for (int i = 0; at[0].data && at[1].data && i < 2 * count; i++) {
    double x, y;
    point(i / 2 + offset, &x, &y);
    ((float *)at[0].data)[2 * i] = (float)(i % 2 ? -x : x);
    ((float *)at[0].data)[2 * i + 1] = (float)(i % 2 ? -y : y);
    ((int32_t *)at[1].data)[i] = i % 2;
  }
  if (!at[0].data || !at[1].data ||
      hd_data_from_tensors(l->env, (const char *[]){"x", "label"}, at, 2, to, err))
    return hd_tensor_free(&at[0]), hd_tensor_free(&at[1]), err->status;
  to->classes = 2;
  return HD_OK;
}

// What the net says over the whole square, for the picture.
static hd_status regions(lesson *l, hd_store *p, hd_val share, float *to, hd_error *err) {
  hd_tensor at = hd_tensor_new(l->env, HD_F32, HD_SHAPE(SIDE * SIDE, 2), err), got = {0};
  for (int i = 0; at.data && i < SIDE * SIDE; i++) {
    ((float *)at.data)[2 * i] = (float)(-7 + 14. * (i % SIDE + 0.5) / SIDE);
    ((float *)at.data)[2 * i + 1] = (float)(7 - 14. * (i / SIDE + 0.5) / SIDE);
  }
  if (at.data) got = hd_predict(p, share, at, err);
  for (int i = 0; got.data && i < 2 * SIDE * SIDE; i++) to[i] = ((const float *)got.data)[i];
  hd_status status = got.data ? HD_OK : err->status;
  hd_tensor_free(&at), hd_tensor_free(&got);
  return status;
}

static hd_status spiral_net(lesson *l, int depth, uint64_t seed, const hd_data *train,
                            const hd_data *test, double right[2], float *picture, hd_error *err) {
  hd_graph *g = lesson_graph(l);
  hd_store *p = lesson_store(l, seed);
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, 2)), t = lesson_labels(g);
  hd_val y = net(x, 2, depth, 2), loss = hd_cross_entropy(y, t);
  hd_metrics m[2];
  if (hd_fit(p, loss, train, err, .optimizer = hd_adam(.lr = 0.003f), .batch = 32,
             .epochs = l->brief ? 20 : 1000, .schedule = {.kind = HD_SCHEDULE_COSINE}) ||
      hd_evaluate(p, loss, hd_accuracy(y, t), train, 100, &m[0], err) ||
      hd_evaluate(p, loss, hd_accuracy(y, t), test, 100, &m[1], err) ||
      (picture && regions(l, p, hd_softmax(y), picture, err)))
    return err->status;
  for (int i = 0; i < 2; i++) right[i] = 100 * m[i].accuracy;
  lesson_clear(l);
  return HD_OK;
}

static hd_status image_net(lesson *l, int depth, const hd_data *train, const hd_data *test,
                           double *right, int *in, hd_error *err) {
  hd_graph *g = lesson_graph(l);
  hd_store *p = lesson_store(l, l->seed);
  hd_val x = hd_flatten(lesson_pixels(l, g, train)), t = lesson_labels(g);
  *in = (int)hd_val_type(x).shape.d[1];
  hd_val y = net(x, *in, depth, 10), loss = hd_cross_entropy(y, t);
  hd_metrics m;
  if (hd_fit(p, loss, train, err, .optimizer = hd_adam(.lr = 0.001f), .batch = 64,
             .epochs = l->brief ? 2 : 6, .schedule = {.kind = HD_SCHEDULE_COSINE}) ||
      hd_evaluate(p, loss, hd_accuracy(y, t), test, 100, &m, err))
    return err->status;
  *right = 100 * m.accuracy;
  lesson_clear(l);
  return HD_OK;
}

static hd_status draw(lesson *l, const float *share, int depth, const char *name, hd_error *err) {
  char title[60];
  double x[2][TURN], y[2][TURN];
  for (int i = 0; i < TURN; i++) {
    point(i, &x[0][i], &y[0][i]);
    x[1][i] = -x[0][i], y[1][i] = -y[0][i];
  }
  snprintf(title, sizeof title, "%d hidden layer%s of %d units", depth, depth > 1 ? "s" : "",
           widest(2, depth, 2));
  hd_figure *f = hd_figure_new(l->env, .title = title, .width = 420, .height = 420, .x_min = -7,
                               .x_max = 7, .y_min = -7, .y_max = 7);
  hd_figure_regions(f, share, SIDE, SIDE, 2);
  for (int i = 0; i < 2; i++) hd_figure_scatter(f, x[i], y[i], TURN);
  return lesson_figure(l, f, name, err);
}

static hd_status run(lesson *l, hd_error *err) {
  static float share[DEPTHS][SIDE * SIDE * 2];
  double axis[DEPTHS], right[2][DEPTHS] = {{0}};
  const hd_data *train, *test;
  hd_data curl = {0}, between = {0};
  int seeds = l->brief ? 1 : SEEDS, in = 0, best[2] = {0, 0};
  hd_status status = lesson_images(l, 20000, 10000, &train, &test, err);
  if (!status) status = spirals(l, 0, TURN, &curl, err);
  if (!status) status = spirals(l, 0.5, TURN - 1, &between, err);
  for (int d = 0; !status && d < DEPTHS; d++) {
    double low = 100, high = 0, own = 0, got[2] = {0, 0};
    axis[d] = depths[d];
    for (int s = 0; !status && s < seeds; s++) {
      status = spiral_net(l, depths[d], l->seed + (uint64_t)s, &curl, &between, got,
                          s ? NULL : share[d], err);
      own += got[0] / seeds, right[0][d] += got[1] / seeds;
      low = fmin(low, got[1]), high = fmax(high, got[1]);
    }
    if (!status) status = image_net(l, depths[d], train, test, &right[1][d], &in, err);
    if (status) break;
    for (int k = 0; k < 2; k++)
      if (right[k][d] > right[k][best[k]]) best[k] = d;
    char name[60];
    int width[2] = {widest(2, depths[d], 2), widest(in, depths[d], 10)};
    snprintf(name, sizeof name, "%d deep, %d wide: spirals", depths[d], width[0]);
    lesson_number(l, name, "rather deep than wide",
                  "%.1f %% right (%.1f to %.1f), training %.1f, %d parameters", right[0][d], low,
                  high, own, parameters(2, width[0], depths[d], 2));
    snprintf(name, sizeof name, "%d deep, %d wide: images", depths[d], width[1]);
    lesson_number(l, name, "rather deep than wide", "%.2f %% right, %d parameters", right[1][d],
                  parameters(in, width[1], depths[d], 10));
  }
  hd_data_free(&curl), hd_data_free(&between);
  if (status) return status;
  lesson_finding(l,
                 "With %d parameters the spirals are learnt best at depth %d (%.0f %% right; at "
                 "depth 1 %.0f, at 8 %.0f), the images at depth %d (%.1f %%; at 1 %.1f, at 8 "
                 "%.1f): depth %s.",
                 BUDGET, depths[best[0]], right[0][best[0]], right[0][0], right[0][DEPTHS - 1],
                 depths[best[1]], right[1][best[1]], right[1][0], right[1][DEPTHS - 1],
                 best[0] && best[1] && best[0] < DEPTHS - 1 && best[1] < DEPTHS - 1
                     ? "pays on both, up to a point"
                 : best[0] && best[1] ? "pays on both"
                 : best[0] || best[1] ? "pays on one of the two"
                                      : "does not pay here");
  for (int k = 0; k < 2; k++) {
    hd_figure *f = hd_figure_new(l->env, .x = "hidden layers", .y = "% of the test set right",
                                 .title = k ? "images" : "two spirals");
    hd_figure_line(f, axis, right[k], DEPTHS, .dots = true);
    if (lesson_figure(l, f, k ? "images.svg" : "spirals.svg", err)) return err->status;
  }
  if (draw(l, share[0], depths[0], "one-layer.svg", err)) return err->status;
  return best[0] ? draw(l, share[best[0]], depths[best[0]], "best.svg", err) : HD_OK;
}

const lecture lecture_depth_width = {
    "depth-width", "trondheim ai", "studies", "Deep or wide, with equal parameters", 25, run};
