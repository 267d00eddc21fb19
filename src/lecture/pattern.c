// Lecture: does a 20x20 image contain this 5x5 pattern? A filter slid over it against a dense layer
// that has seen the pattern in the left half only; then counting two patterns, by hand-made
// filters.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lesson.h"

enum { SIDE = 20, FIELD = 5, POSITIONS = SIDE - FIELD + 1, INK = 9 };

static const float one[] = {1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1,
                            0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1},
                   two[] = {0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 1,
                            1, 1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0};

static uint32_t next(uint32_t *state, uint32_t below) {
  *state = *state * 1664525u + 1013904223u;
  return (uint32_t)((uint64_t)*state * below >> 32);
}

static void stamp(float *image, int row, int column, const float *pattern) {
  for (int i = 0; i < FIELD * FIELD; i++)
    image[(row + i / FIELD) * SIDE + column + i % FIELD] = pattern[i];
}

// As many black pixels as a pattern has, in no order that comes near it.
static void scatter(float *to, uint32_t *state) {
  int shared;
  do {
    shared = 0;
    memset(to, 0, sizeof *to * FIELD * FIELD);
    for (int left = INK; left;) {
      uint32_t at = next(state, FIELD * FIELD);
      if (to[at] == 0) to[at] = 1, left--;
    }
    for (int i = 0; i < FIELD * FIELD; i++) shared += to[i] == 1 && one[i] == 1;
  } while (shared > INK - 3);
}

// Images (count, 20, 20, 1) and labels 0 or 1, alternating: one square that holds the pattern or
// scattered pixels, its left edge in columns low .. high.
static hd_status make(lesson *l, int64_t count, int low, int high, uint32_t seed, hd_data *to,
                      hd_error *err) {
  static const char *const names[] = {"image", "label"};
  hd_tensor t[2] = {hd_tensor_new(l->env, HD_F32, HD_SHAPE(count, SIDE, SIDE, 1), err),
                    hd_tensor_new(l->env, HD_I32, HD_SHAPE(count), err)};
  for (int64_t i = 0; t[0].data && t[1].data && i < count; i++) {
    float square[FIELD * FIELD], *image = (float *)t[0].data + i * SIDE * SIDE;
    bool positive = i % 2;
    scatter(square, &seed);
    stamp(image, (int)next(&seed, POSITIONS), low + (int)next(&seed, (uint32_t)(high - low + 1)),
          positive ? one : square);
    ((int32_t *)t[1].data)[i] = positive;
  }
  hd_status status =
      t[0].data && t[1].data ? hd_data_from_tensors(l->env, names, t, 2, to, err) : err->status;
  if (status) hd_tensor_free(&t[0]), hd_tensor_free(&t[1]);
  to->classes = 2;
  return status;
}

static hd_val net(hd_graph *g, bool dense) {
  hd_val x = hd_input(g, "image", HD_F32, HD_SHAPE(HD_BATCH, SIDE, SIDE, 1));
  hd_val h = dense ? hd_relu(hd_dense(hd_flatten(x), .units = 256))
                   : hd_global_max_pool2d(hd_relu(hd_conv2d(x, .filters = 8, .kernel = {FIELD})));
  return hd_dense(h, .units = 2);
}

static hd_status learn(lesson *l, bool dense, const hd_data *train, const hd_data *seen,
                       const hd_data *unseen, double accuracy[2], double *weights, hd_error *err) {
  hd_graph *g = lesson_graph(l);
  hd_val y = net(g, dense), t = lesson_labels(g), loss = hd_cross_entropy(y, t),
         right = hd_accuracy(y, t);
  hd_store *p = lesson_store(l, l->seed);
  hd_metrics m;
  if (hd_fit(p, loss, train, err, .epochs = l->brief ? 15 : 30, .optimizer = hd_adam(.lr = 0.01f)))
    return err->status;
  for (int i = 0; i < 2; i++) {
    if (hd_evaluate(p, loss, right, i ? unseen : seen, 100, &m, err)) return err->status;
    accuracy[i] = 100 * m.accuracy;
  }
  *weights = 0;
  for (int i = 0; i < hd_store_count(p); i++)
    if (hd_store_at(p, i)->role == HD_WEIGHT)
      *weights += (double)hd_shape_count(hd_store_at(p, i)->type.shape);
  return HD_OK;
}

// How often the pattern lies in x: the filter's answer is the ink it holds, less a large number for
// every pixel too many; equal to INK means there.
static hd_val times(hd_val x, const float *pattern) {
  float weight[FIELD * FIELD];
  for (int i = 0; i < FIELD * FIELD; i++) weight[i] = pattern[i] == 1 ? 1 : -1;
  hd_val k = hd_constant(x.graph, HD_F32, HD_SHAPE(FIELD, FIELD, 1, 1), weight);
  hd_val fires = hd_heaviside(hd_add_scalar(hd_op_conv2d(x, k), 0.5 - INK));
  return hd_sum(fires, .axes = HD_AXIS(1) | HD_AXIS(2) | HD_AXIS(3));
}

// "More than 3 of pattern 1 and at most 2 of pattern 2", on images whose 16 squares hold the
// one, the other, or neither.
static hd_status count(lesson *l, int64_t images, int *right, int *positive, hd_error *err) {
  uint32_t seed = (uint32_t)l->seed + 77;
  hd_tensor x = hd_tensor_new(l->env, HD_F32, HD_SHAPE(images, SIDE, SIDE, 1), err);
  char *truth = malloc((size_t)images);
  for (int64_t i = 0; x.data && truth && i < images; i++) {
    int found[3] = {0};
    for (int square = 0; square < 16; square++) {
      float noise[FIELD * FIELD] = {0};
      uint32_t draw = next(&seed, 10);
      int what = draw < 3 ? 0 : draw < 5 ? 1 : 2;
      noise[next(&seed, FIELD * FIELD)] = 1;
      found[what]++;
      stamp((float *)x.data + i * SIDE * SIDE, square / 4 * FIELD, square % 4 * FIELD,
            what == 0   ? one
            : what == 1 ? two
                        : noise);
    }
    truth[i] = found[0] > 3 && found[1] <= 2;
  }
  hd_graph *g = lesson_graph(l);
  hd_val in = hd_input(g, "image", HD_F32, HD_SHAPE(HD_BATCH, SIDE, SIDE, 1));
  hd_val enough = hd_heaviside(hd_add_scalar(times(in, one), -3.5));
  hd_val few = hd_heaviside(hd_add_scalar(hd_neg(times(in, two)), 2.5));
  hd_tensor y = {0};
  if (x.data && truth) y = hd_predict(lesson_store(l, 1), hd_mul(enough, few), x, err);
  for (int64_t i = 0; y.data && i < images; i++) {
    *right += ((const float *)y.data)[i] == (float)truth[i];
    *positive += truth[i];
  }
  hd_status status = y.data ? HD_OK : err->status ? err->status : HD_E_MEMORY;
  free(truth);
  hd_tensor_free(&y);
  hd_tensor_free(&x);
  return status;
}

static hd_status draw(lesson *l, const hd_data *seen, const hd_data *unseen, hd_error *err) {
  static float images[4 * SIDE * SIDE];
  const char *const captions[] = {"scattered, left", "pattern, left", "scattered, right",
                                  "pattern, right"};
  int64_t index[2] = {0, 1};
  if (seen->read(seen->user, 0, index, 2, images, err) ||
      unseen->read(unseen->user, 0, index, 2, images + 2 * SIDE * SIDE, err))
    return err->status;
  for (int i = 0; i < 4 * SIDE * SIDE; i++) images[i] = 1 - images[i];  // ink is black
  hd_tensor sheet = {.dtype = HD_F32, .shape = HD_SHAPE(4, SIDE, SIDE, 1), .data = images};
  hd_figure *f = hd_figure_new(l->env, .width = 4 * 110 + 10);
  hd_figure_images(f, sheet, .captions = captions, .size = 100, .columns = 4);
  return lesson_figure(l, f, "examples.png", err);
}

static hd_status compare(lesson *l, const hd_data *train, const hd_data *seen,
                         const hd_data *unseen, hd_error *err) {
  double conv[2], dense[2], few, many;
  int64_t images = 2000;
  int right = 0, positive = 0;
  if (learn(l, false, train, seen, unseen, conv, &few, err)) return err->status;
  lesson_clear(l);
  if (learn(l, true, train, seen, unseen, dense, &many, err)) return err->status;
  lesson_clear(l);
  lesson_must(l, l->brief || (conv[0] == 100 && conv[1] == 100), "filter, pattern on the left",
              "finds it", "%.1f %%", conv[0]);
  lesson_number(l, "filter, on the right: never seen there", "finds it", "%.1f %%", conv[1]);
  lesson_number(l, "dense, pattern on the left", "-", "%.1f %%", dense[0]);
  lesson_number(l, "dense, on the right", "must learn it anew", "%.1f %%", dense[1]);
  if (count(l, images, &right, &positive, err)) return err->status;
  lesson_must(l, right == images, "more than 3 of one, at most 2 of another",
              "filters, numbers on top", "%d of %d right, %d of them yes", right, (int)images,
              positive);
  lesson_finding(l,
                 "Eight filters of 5x5 find the pattern at places where it never was in training "
                 "(%.0f %%); a dense layer of 256 units, which has %.0f times the weights, finds "
                 "it where it has seen it (%.0f %%) and guesses elsewhere (%.0f %%).",
                 conv[1], many / few, dense[0], dense[1]);
  return draw(l, seen, unseen, err);
}

static hd_status run(lesson *l, hd_error *err) {
  hd_data train = {0}, seen = {0}, unseen = {0};
  uint32_t s = (uint32_t)l->seed;
  // The left half ends where a pattern of 5 columns ends in column 9.
  hd_status status = make(l, l->brief ? 1000 : 4000, 0, 5, s, &train, err);
  if (!status) status = make(l, 2000, 0, 5, s + 1, &seen, err);
  if (!status) status = make(l, 2000, 10, 15, s + 2, &unseen, err);
  snprintf(l->data, sizeof l->data, "4000 drawn images of 20x20, one square of ink in each");
  if (!status) status = compare(l, &train, &seen, &unseen, err);
  lesson_clear(l);
  hd_data_free(&unseen);
  hd_data_free(&seen);
  hd_data_free(&train);
  return status;
}

const lecture lecture_pattern = {
    "pattern", "oslo", "convolution", "Does the image contain this pattern?", 8, run};
