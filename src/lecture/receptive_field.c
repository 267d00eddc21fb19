// Lecture: receptive fields, by formula and as the part of the image that the gradient of one unit
// reaches: LeNet-5, and five convolutions of 3x3.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lesson.h"

enum { SIDE = 32, MOST = 5 };

typedef struct layer {
  int kernel, stride, filters;  // filters 0: average pooling, the subsampling of LeNet-5
  const char *name;
} layer;

// One unit sees the pixels first .. first + size - 1 of each axis, and far its neighbour begins.
typedef struct field {
  int first, size, far;
} field;

// |gradient| of the middle unit of a layer by the image, and the square around what is not zero.
static hd_status reach(lesson *l, hd_val x, hd_val unit, double *slope, int *first, int *size,
                       int *holes, hd_error *err) {
  hd_shape s = hd_val_type(unit).shape;
  hd_val one = unit;
  for (int axis = 1; axis <= 2; axis++) one = hd_slice(one, axis, s.d[axis] / 2, 1);
  hd_val by_image = hd_gradient(hd_sum(hd_slice(one, 3, 0, 1)), x);
  hd_store *p = lesson_store(l, l->seed);
  hd_plan *plan = hd_compile(p, err, .fetch = {by_image});
  hd_workspace *w = plan ? hd_workspace_new(plan, NULL, err) : NULL;
  hd_status status = w ? HD_OK : err->status;
  double *image = w ? hd_workspace_input(w, "image", NULL) : NULL;
  for (int i = 0; image && i < SIDE * SIDE; i++) image[i] = (i * 37 % 64) / 64.;
  if (!status) status = hd_run(w, err);
  if (!status) {
    const double *at = hd_workspace_fetch(w, 0, NULL);
    int low = SIDE, high = -1, hits = 0;
    for (int i = 0; i < SIDE * SIDE; i++) {
      slope[i] = at[i];
      if (at[i] == 0) continue;
      int r = i / SIDE, c = i % SIDE;
      low = r < low ? r : low, low = c < low ? c : low;
      high = r > high ? r : high, high = c > high ? c : high;
      hits++;
    }
    *first = low, *size = high - low + 1, *holes = *size * *size - hits;
  }
  hd_workspace_free(w);
  hd_plan_free(plan);
  return status;
}

// The share of the gradient's absolute sum that lies on the outermost pixels of the field.
static double at_edge(const double *slope, field f) {
  double all = 0, inner = 0;
  for (int i = 0; i < SIDE * SIDE; i++) {
    int r = i / SIDE - f.first, c = i % SIDE - f.first;
    all += fabs(slope[i]);
    if (r > 0 && c > 0 && r < f.size - 1 && c < f.size - 1) inner += fabs(slope[i]);
  }
  return 1 - inner / all;
}

static hd_status net(lesson *l, const char *title, const layer *of, int count, const char *file,
                     int *last, double *edge, hd_error *err) {
  char captions[MOST][32];
  const char *caption[MOST];
  double slope[SIDE * SIDE];
  hd_tensor sheet = hd_tensor_new(l->env, HD_F32, HD_SHAPE(count, SIDE, SIDE, 1), err);
  if (!sheet.data) return err->status;
  hd_graph *g = lesson_graph(l);
  hd_val x = hd_input(g, "image", HD_F64, HD_SHAPE(1, SIDE, SIDE, 1)), h = x;
  field f = {0, 1, 1};
  hd_status status = HD_OK;
  for (int i = 0; i < count && !status; i++) {
    int k = of[i].kernel, s = of[i].stride, first, size, holes;
    h = of[i].filters ? hd_tanh(hd_conv2d(h, .filters = of[i].filters, .kernel = {k}))
                      : hd_avg_pool2d(h, .window = {k});
    f.size += (k - 1) * f.far, f.far *= s;
    int unit = (int)(hd_val_type(h).shape.d[1] / 2);
    f.first = unit * f.far;
    status = reach(l, x, h, slope, &first, &size, &holes, err);
    if (status) break;
    char name[60];
    snprintf(name, sizeof name, "%s, %s", title, of[i].name);
    lesson_must(l, size == f.size && first == f.first && !holes, name, "formula: field of one unit",
                "%dx%d, gradient reaches %dx%d, from pixel %d", f.size, f.size, size, size, first);
    float *to = (float *)sheet.data + (size_t)i * SIDE * SIDE;
    double most = 0;
    for (int j = 0; j < SIDE * SIDE; j++) most = fmax(most, fabs(slope[j]));
    for (int j = 0; j < SIDE * SIDE; j++) to[j] = (float)(slope[j] / most);
    snprintf(captions[i], sizeof *captions, "%s: %d", of[i].name, f.size);
    caption[i] = captions[i];
    *last = f.size, *edge = at_edge(slope, f);
  }
  if (!status) {
    hd_figure *figure = hd_figure_new(l->env, .width = count * 140);
    hd_figure_images(figure, sheet, .captions = caption, .columns = count, .size = 128,
                     .signs = true);
    status = lesson_figure(l, figure, file, err);
  }
  hd_tensor_free(&sheet);
  lesson_clear(l);
  return status;
}

static hd_status run(lesson *l, hd_error *err) {
  static const layer lenet[] = {{5, 1, 6, "C1 5x5"},
                                {2, 2, 0, "S2 2x2"},
                                {5, 1, 16, "C3 5x5"},
                                {2, 2, 0, "S4 2x2"},
                                {5, 1, 120, "C5 5x5"}};
  static const layer stack[] = {{3, 1, 8, "3x3 (1)"},
                                {3, 1, 8, "3x3 (2)"},
                                {3, 1, 8, "3x3 (3)"},
                                {3, 1, 8, "3x3 (4)"},
                                {3, 1, 8, "3x3 (5)"}};
  int last[2] = {0};
  double edge[2] = {0};
  if (net(l, "LeNet-5", lenet, MOST, "lenet.png", &last[0], &edge[0], err) ||
      net(l, "five 3x3", stack, MOST, "stack.png", &last[1], &edge[1], err))
    return err->status;
  double even = (4. * last[1] - 4) / (last[1] * last[1]);  // if all pixels had the same
  lesson_number(l, "five 3x3: on the field's outermost pixels", "not on the slide",
                "%.0f %% of the gradient, %.0f %% of the pixels", 100 * edge[1], 100 * even);
  lesson_finding(
      l,
      "A unit of LeNet-5's last convolution sees %dx%d pixels of %dx%d, one above five "
      "of 3x3 only %dx%d: pooling widens the field. The gradient %s: %.0f %% of it is on "
      "the %.0f %% of the pixels at the edge.",
      last[0], last[0], SIDE, SIDE, last[1], last[1],
      edge[1] < even / 2 ? "fills it from the middle" : "fills it about evenly", 100 * edge[1],
      100 * even);
  return HD_OK;
}

const lecture lecture_receptive_field = {
    "receptive-field", "trondheim ljubljana", "convolution", "Receptive fields", 1, run};
