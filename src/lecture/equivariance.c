// Lecture: what a convolutional net makes of an image that is moved, turned, resized or cut to
// pieces, beside a dense net, and beside one that was trained on such images.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lesson.h"

enum { NETS = 3, MOST = 2000, STEPS = 8 };
static const char *const net_names[NETS] = {"dense", "convolutional", "the same, augmented"};

typedef struct net {
  hd_store *store;
  hd_val loss, right, probability;
} net;

typedef struct bench {
  net net[NETS];
  hd_tensor image, warped, label;  // of the test: u8 (N, H, W, 1), i32 (N)
} bench;

static net build(lesson *l, const hd_data *train, bool dense) {
  hd_graph *g = lesson_graph(l);
  hd_val h = lesson_pixels(l, g, train), t = lesson_labels(g);
  if (dense) {
    h = hd_relu(hd_dense(hd_flatten(h), .units = 100));
  } else {
    h = hd_max_pool2d(hd_relu(hd_conv2d(h, .filters = 6, .kernel = {5}, .pad = HD_SAME)),
                      .window = {2});
    h = hd_max_pool2d(hd_relu(hd_conv2d(h, .filters = 16, .kernel = {3})), .window = {2});
    h = hd_relu(hd_dense(hd_flatten(h), .units = 84));
  }
  hd_val y = hd_dense(h, .units = 10);
  return (net){lesson_store(l, l->seed), hd_cross_entropy(y, t), hd_accuracy(y, t), hd_softmax(y)};
}

static hd_status train_nets(lesson *l, bench *b, const hd_data *train, hd_error *err) {
  hd_data changed = {0};
  if (hd_data_augment(l->env, train, &changed, err, .rotate = 30, .scale = 0.3f,
                      .translate = 0.12f))
    return err->status;
  hd_status status = HD_OK;
  for (int i = 0; !status && i < NETS; i++) {
    b->net[i] = build(l, train, i == 0);
    status = hd_fit(b->net[i].store, b->net[i].loss, i == 2 ? &changed : train, err,
                    .optimizer = hd_adam(.lr = 0.002f), .epochs = i == 2 ? 10 : 5);
  }
  hd_data_free(&changed);
  return status;
}

// ---- Warps --------------------------------------------------------------------------------------

typedef struct warp {
  double dx, dy, degrees, scale;
} warp;

static double pixel(const uint8_t *image, int64_t h, int64_t w, int64_t r, int64_t c) {
  return r < 0 || c < 0 || r >= h || c >= w ? 0 : image[r * w + c];
}

// About the image's centre, bilinear.
static void apply(const warp *k, const uint8_t *from, int64_t h, int64_t w, uint8_t *to) {
  double a = k->degrees * 0.017453292519943295, c = cos(a) / k->scale, s = sin(a) / k->scale;
  for (int64_t i = 0; i < h * w; i++) {
    double x = (double)(i % w) - 0.5 * (double)(w - 1) - k->dx;
    double y = (double)(i / w) - 0.5 * (double)(h - 1) - k->dy;
    double fx = c * x + s * y + 0.5 * (double)(w - 1), fy = c * y - s * x + 0.5 * (double)(h - 1);
    int64_t q = (int64_t)floor(fx), p = (int64_t)floor(fy);
    double u = fx - (double)q, v = fy - (double)p;
    double value =
        (1 - v) * ((1 - u) * pixel(from, h, w, p, q) + u * pixel(from, h, w, p, q + 1)) +
        v * ((1 - u) * pixel(from, h, w, p + 1, q) + u * pixel(from, h, w, p + 1, q + 1));
    to[i] = (uint8_t)(value + 0.5);
  }
}

// The quadrants change places.
static void shuffle(const uint8_t *from, int64_t h, int64_t w, uint8_t *to) {
  for (int64_t r = 0; r < h; r++)
    for (int64_t c = 0; c < w; c++) to[r * w + c] = from[(r + h / 2) % h * w + (c + w / 2) % w];
}

static void warp_all(bench *b, const warp *k) {
  int64_t h = b->image.shape.d[1], w = b->image.shape.d[2];
  for (int64_t i = 0; i < b->image.shape.d[0]; i++) {
    const uint8_t *from = (const uint8_t *)b->image.data + i * h * w;
    uint8_t *to = (uint8_t *)b->warped.data + i * h * w;
    if (k) apply(k, from, h, w, to);
    else shuffle(from, h, w, to);
  }
}

// ---- Measuring ----------------------------------------------------------------------------------

static hd_status accuracy(lesson *l, const bench *b, const net *n, double *to, hd_error *err) {
  static const char *const names[] = {"image", "label"};
  hd_tensor t[2] = {b->warped, b->label};
  hd_data data;
  hd_metrics m = {0};
  t[0].owner = t[1].owner = false;
  if (hd_data_from_tensors(l->env, names, t, 2, &data, err)) return err->status;
  hd_status status = hd_evaluate(n->store, n->loss, n->right, &data, 100, &m, err);
  hd_data_free(&data);
  *to = 100 * m.accuracy;
  return status;
}

// The mean of the largest probability, and the share of images where it is above 0.9.
static hd_status confidence(const bench *b, const net *n, double *mean, double *sure,
                            hd_error *err) {
  hd_tensor t = b->warped;
  t.owner = false;
  hd_tensor p = hd_predict(n->store, n->probability, t, err);
  if (!p.data) return err->status;
  *mean = *sure = 0;
  int64_t count = p.shape.d[0];
  for (int64_t i = 0; i < count; i++) {
    double most = 0;
    for (int k = 0; k < 10; k++) most = fmax(most, ((const float *)p.data)[i * 10 + k]);
    *mean += most / (double)count, *sure += (most > 0.9) / (double)count;
  }
  hd_tensor_free(&p);
  return HD_OK;
}

// One kind of change, in steps: a line for each net, a row for some of them.
typedef struct sweep {
  const char *name, *axis, *slide;
  double at[STEPS];
  int steps, row;  // row: the step that the table shows
  int kind;        // 0: shift, 1: degrees, 2: scale
} sweep;
static const sweep sweeps[] = {
    {"shift", "pixels to the right", "patterns anywhere", {0, 1, 2, 3, 4, 6}, 6, 2, 0},
    {"rotation", "degrees", "view angles", {0, 15, 30, 45, 60, 90, 135, 180}, 8, 3, 1},
    {"scale", "times", "sizes", {0.5, 0.7, 0.85, 1, 1.15, 1.3, 1.5}, 7, 1, 2}};

static hd_status measure(lesson *l, bench *b, const sweep *s, double row[NETS], hd_error *err) {
  double found[NETS][STEPS];
  char what[60], name[40];
  bool small = b->image.shape.d[1] < 16;
  for (int i = 0; i < s->steps; i++) {
    double at = s->kind == 0 && small ? s->at[i] / 3 : s->at[i];
    warp k = {s->kind == 0 ? at : 0, 0, s->kind == 1 ? at : 0, s->kind == 2 ? at : 1};
    warp_all(b, &k);
    for (int n = 0; n < NETS; n++)
      if (accuracy(l, b, &b->net[n], &found[n][i], err)) return err->status;
  }
  hd_figure *f = hd_figure_new(l->env, .x = s->axis, .y = "right, %", .y_min = 0, .y_max = 100);
  for (int n = 0; n < NETS; n++) {
    hd_figure_line(f, s->at, found[n], s->steps, .name = net_names[n], .dots = true);
    row[n] = found[n][s->row];
  }
  snprintf(what, sizeof what, "%s: %g %s", s->name, s->at[s->row], s->axis);
  lesson_number(l, what, s->slide, "dense %.1f, conv. %.1f, augmented %.1f %%", row[0], row[1],
                row[2]);
  snprintf(name, sizeof name, "%s.svg", s->name);
  return lesson_figure(l, f, name, err);
}

// A convolution of an image that is moved is the moved convolution: every bit of the interior.
static hd_status exact(lesson *l, bench *b, hd_error *err) {
  int64_t h = b->image.shape.d[1], w = b->image.shape.d[2], same = 0, all = 0;
  hd_graph *g = lesson_graph(l);
  hd_val x = hd_input(g, "image", HD_U8, HD_SHAPE(HD_BATCH, h, w, 1));
  hd_val y = hd_conv2d(hd_scale(hd_cast(x, HD_F32), 1. / 255), .filters = 6, .kernel = {5},
                       .pad = HD_SAME);
  hd_store *p = lesson_store(l, l->seed);
  hd_tensor here = b->image, there = b->warped;
  here.owner = there.owner = false;
  here.shape.d[0] = there.shape.d[0] = 20;
  warp_all(b, &(warp){2, 1, 0, 1});
  hd_tensor a = hd_predict(p, y, here, err), c = {0};
  if (a.data) c = hd_predict(p, y, there, err);
  for (int64_t i = 0; c.data && i < 20 * h * w; i++) {
    int64_t r = i / w % h, q = i % w;
    if (r < 2 || q < 2 || r >= h - 3 || q >= w - 4) continue;
    const float *from = (const float *)a.data + i * 6;
    const float *to = (const float *)c.data + (i + w + 2) * 6;
    same += !memcmp(from, to, 6 * sizeof *from), all++;
  }
  if (c.data)
    lesson_must(l, same == all, "conv(shift x) = shift(conv x), 2 + 1 pixels", "invariant",
                "%lld of %lld places, every bit", (long long)same, (long long)all);
  hd_status status = c.data ? HD_OK : err->status;
  hd_tensor_free(&c);
  hd_tensor_free(&a);
  return status;
}

static hd_status jigsaw(lesson *l, bench *b, double *mean, double *sure, hd_error *err) {
  double whole_mean, whole_sure, right;
  int64_t h = b->image.shape.d[1], w = b->image.shape.d[2];
  warp_all(b, &(warp){.scale = 1});
  if (confidence(b, &b->net[1], &whole_mean, &whole_sure, err)) return err->status;
  warp_all(b, NULL);
  if (confidence(b, &b->net[1], mean, sure, err) || accuracy(l, b, &b->net[1], &right, err))
    return err->status;
  lesson_number(l, "confidence, whole images", "-", "%.2f; above 0.9: %.0f %%", whole_mean,
                100 * whole_sure);
  lesson_number(l, "confidence, quadrants exchanged", "a nose on the forehead",
                "%.2f; above 0.9: %.0f %%", *mean, 100 * *sure);
  hd_tensor shown = hd_tensor_new(l->env, HD_U8, HD_SHAPE(16, h, w, 1), err);
  if (!shown.data) return err->status;
  memcpy(shown.data, b->image.data, (size_t)(8 * h * w));
  memcpy((char *)shown.data + 8 * h * w, b->warped.data, (size_t)(8 * h * w));
  hd_figure *f = hd_figure_new(l->env, .width = 8 * 66 + 10);
  hd_figure_images(f, shown, .columns = 8, .size = 56);
  hd_status status = lesson_figure(l, f, "jigsaw.png", err);
  hd_tensor_free(&shown);
  return status;
}

static hd_status go(lesson *l, bench *b, const hd_data *train, hd_error *err) {
  double row[3][NETS], mean, sure, plain[NETS];
  if (train_nets(l, b, train, err)) return err->status;
  warp_all(b, &(warp){.scale = 1});
  for (int n = 0; n < NETS; n++)
    if (accuracy(l, b, &b->net[n], &plain[n], err)) return err->status;
  lesson_number(l, "test images as they are", "-", "dense %.1f, conv. %.1f, augmented %.1f %%",
                plain[0], plain[1], plain[2]);
  if (exact(l, b, err)) return err->status;
  for (int i = 0; i < 3; i++)
    if (measure(l, b, &sweeps[i], row[i], err)) return err->status;
  if (jigsaw(l, b, &mean, &sure, err)) return err->status;
  lesson_finding(
      l,
      "Convolution is equivariant, not invariant: its map moves with the image, to the bit. Moved "
      "by 2 pixels %.0f %% stay right (dense: %.0f %%); turned by 45 degrees %.0f %%, or %.0f %% "
      "if "
      "trained on turned ones. With quadrants exchanged %.0f %% still are of a class for sure "
      "(above 0.9).",
      row[0][1], row[0][0], row[1][1], row[1][2], 100 * sure);
  return HD_OK;
}

static hd_status run(lesson *l, hd_error *err) {
  const hd_data *train, *test;
  static bench b;
  if (lesson_images(l, 20000, MOST, &train, &test, err)) return err->status;
  hd_shape s = test->column[hd_data_column(test, "image")].type.shape;
  b = (bench){
      .image = hd_tensor_new(l->env, HD_U8, HD_SHAPE(test->samples, s.d[0], s.d[1], 1), err),
      .warped = hd_tensor_new(l->env, HD_U8, HD_SHAPE(test->samples, s.d[0], s.d[1], 1), err),
      .label = hd_tensor_new(l->env, HD_I32, HD_SHAPE(test->samples), err)};
  int64_t *index = malloc((size_t)test->samples * sizeof *index);
  hd_status status = b.image.data && b.warped.data && b.label.data && index ? HD_OK : HD_E_MEMORY;
  for (int64_t i = 0; !status && i < test->samples; i++) index[i] = i;
  if (!status)
    status = test->read(test->user, hd_data_column(test, "image"), index, test->samples,
                        b.image.data, err);
  if (!status)
    status = test->read(test->user, hd_data_column(test, "label"), index, test->samples,
                        b.label.data, err);
  if (!status) status = go(l, &b, train, err);
  free(index);
  hd_tensor_free(&b.label);
  hd_tensor_free(&b.warped);
  hd_tensor_free(&b.image);
  return status;
}

const lecture lecture_equivariance = {"equivariance",
                                      "oslo trondheim ai ljubljana",
                                      "convolution",
                                      "Moved, turned, resized, cut to pieces",
                                      30,
                                      run};
