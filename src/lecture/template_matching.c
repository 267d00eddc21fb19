// Lecture: a filter is a template: its map is largest where the image looks like it. With the
// product alone bright places win; normalised, the place that the patch was cut from does.
//   ncc = sum (x - mean x)(t - mean t) / sqrt(sum (x - mean x)^2 sum (t - mean t)^2)
#include <math.h>
#include <string.h>
#include <stdio.h>

#include "photo.h"

#include "lesson.h"

enum { SIDE = 320, PATCH = 24, TRIALS = 12 };

// Normalised cross-correlation of x (N, H, W, C) with a template, in public ops: the sums under the
// window are convolutions too.
static hd_val match(hd_val x, hd_val t, hd_val t_energy, int64_t channels) {
  static float ones[PATCH * PATCH * 3];
  double n = (double)(PATCH * PATCH * channels);
  for (int i = 0; i < PATCH * PATCH * 3; i++) ones[i] = 1;
  hd_val all = hd_constant(x.graph, HD_F32, HD_SHAPE(PATCH, PATCH, channels, 1), ones);
  hd_val sum = hd_op_conv2d(x, all), squares = hd_op_conv2d(hd_square(x), all);
  hd_val energy = hd_sub(squares, hd_scale(hd_square(sum), 1 / n));
  energy = hd_maximum(energy, hd_scalar(x.graph, 1e-3));  // flat windows match nothing
  return hd_mul(hd_op_conv2d(x, t), hd_rsqrt(hd_mul(energy, t_energy)));
}

typedef struct place {
  int64_t row, column;
  float value;
} place;

static place largest(const float *map, int64_t h, int64_t w) {
  place best = {0, 0, -INFINITY};
  for (int64_t i = 0; i < h * w; i++)
    if (map[i] > best.value) best = (place){i / w, i % w, map[i]};
  return best;
}

static uint32_t next(uint32_t *state) { return *state = *state * 1664525u + 1013904223u; }

typedef struct matcher {
  hd_plan *plan;
  hd_workspace *space;
  int64_t h, w, map_h, map_w;
} matcher;

static hd_status matcher_make(lesson *l, int64_t h, int64_t w, matcher *to, hd_error *err) {
  hd_graph *g = lesson_graph(l);
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(1, h, w, 3));
  hd_val t = hd_input(g, "t", HD_F32, HD_SHAPE(PATCH, PATCH, 3, 1));
  hd_val zero_mean = hd_sub(t, hd_mean(t));
  hd_val ncc = match(x, zero_mean, hd_sum(hd_square(zero_mean)), 3);
  *to = (matcher){.h = h, .w = w, .map_h = h - PATCH + 1, .map_w = w - PATCH + 1};
  to->plan = hd_compile(lesson_store(l, 1), err, .fetch = {ncc, hd_op_conv2d(x, t)});
  to->space = to->plan ? hd_workspace_new(to->plan, NULL, err) : NULL;
  return to->space ? HD_OK : err->status;
}

// Cuts the patch at `from`, changes the image's light by `gain` and adds `noise`, and looks for it.
static hd_status look(matcher *m, const float *image, place from, float gain, float noise,
                      uint32_t seed, place *ncc, place *product, hd_error *err) {
  float *x = hd_workspace_input(m->space, "x", NULL), *t = hd_workspace_input(m->space, "t", NULL);
  for (int64_t r = 0; r < PATCH; r++)
    memcpy(t + r * PATCH * 3, image + ((from.row + r) * m->w + from.column) * 3,
           sizeof *t * PATCH * 3);
  for (int64_t i = 0; i < m->h * m->w * 3; i++) {
    float random = (float)(next(&seed) >> 8) / 16777216.0f - 0.5f;
    x[i] = (image[i] - 0.5f) * gain + noise * random;
  }
  hd_status status = hd_run(m->space, err);
  if (status) return status;
  *ncc = largest(hd_workspace_fetch(m->space, 0, NULL), m->map_h, m->map_w);
  *product = largest(hd_workspace_fetch(m->space, 1, NULL), m->map_h, m->map_w);
  return HD_OK;
}

static bool at(place a, place b) { return a.row == b.row && a.column == b.column; }

// A place whose patch has structure: the most varied of a few drawn by chance.
static place choose(const matcher *m, const float *image, uint32_t *seed) {
  place best = {0, 0, -1};
  for (int k = 0; k < 8; k++) {
    place p = {next(seed) >> 8, next(seed) >> 8, 0};
    p.row %= m->map_h, p.column %= m->map_w;
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < PATCH * PATCH * 3; i++) {
      int64_t r = i / (PATCH * 3), c = i % (PATCH * 3);
      double v = image[((p.row + r) * m->w + p.column) * 3 + c];
      sum += v, squares += v * v;
    }
    p.value = (float)(squares - sum * sum / (PATCH * PATCH * 3));
    if (p.value > best.value) best = p;
  }
  return best;
}

static void frame(uint8_t *rgb, int64_t w, place p) {
  for (int i = 0; i < 4 * PATCH; i++)
    for (int thick = 0; thick < 2; thick++) {
      int side = i / PATCH, k = i % PATCH, edge = side % 2 ? PATCH - 1 - thick : thick;
      int64_t r = p.row + (side < 2 ? edge : k), c = p.column + (side < 2 ? k : edge);
      memcpy(rgb + (r * w + c) * 3, (uint8_t[]){255, 40, 40}, 3);
    }
}

static hd_status draw(lesson *l, matcher *m, const hd_tensor *photo, place p, hd_error *err) {
  hd_shape s = photo->shape;
  hd_tensor shown = hd_tensor_new(l->env, HD_U8, HD_SHAPE(1, s.d[0], s.d[1], 3), err);
  if (!shown.data) return err->status;
  memcpy(shown.data, photo->data, (size_t)hd_shape_count(s));
  frame(shown.data, s.d[1], p);
  hd_figure *f = hd_figure_new(l->env);
  hd_figure_images(f, shown, .size = SIDE);
  hd_status status = lesson_figure(l, f, "photo.png", err);
  hd_tensor_free(&shown);
  if (status) return status;
  hd_tensor map = {.dtype = HD_F32, .shape = HD_SHAPE(1, m->map_h, m->map_w, 1)};
  map.data = (void *)hd_workspace_fetch(m->space, 0, NULL);
  f = hd_figure_new(l->env);
  hd_figure_images(f, map, .size = SIDE, .low = -1, .high = 1);
  return lesson_figure(l, f, "map.png", err);
}

static hd_status search(lesson *l, matcher *m, const hd_tensor *photo, const float *image,
                        hd_error *err) {
  static const struct {
    const char *what;
    float gain, noise;
  } change[] = {{"patch in the same photograph", 1, 0},
                {"at half the light", 0.5f, 0},
                {"at a quarter, with noise", 0.25f, 0.1f}};
  int found[3] = {0}, products[3] = {0};
  uint32_t seed = (uint32_t)l->seed;
  place ncc, product, first = {0, 0, 0};
  for (int i = 0; i < TRIALS; i++) {
    place from = choose(m, image, &seed);
    if (!i) first = from;
    for (int k = 0; k < 3; k++) {
      hd_status status =
          look(m, image, from, change[k].gain, change[k].noise, seed, &ncc, &product, err);
      if (status) return status;
      found[k] += at(ncc, from), products[k] += at(product, from);
    }
  }
  for (int k = 0; k < 3; k++) {
    if (k < 2)
      lesson_must(l, found[k] == TRIALS, change[k].what, "fires where it looks alike",
                  "largest answer at the cut in %d of %d", found[k], TRIALS);
    else lesson_number(l, change[k].what, "the same", "%d of %d", found[k], TRIALS);
    lesson_number(l, "  by the product alone", "the same", "%d of %d", products[k], TRIALS);
  }
  lesson_finding(
      l,
      "The normalised product finds %d of %d patches, and %d at half the light; the plain "
      "product, which is what a filter computes, finds %d: it fires where the image is "
      "bright.",
      found[0], TRIALS, found[1], products[0]);
  if (look(m, image, first, 1, 0, 1, &ncc, &product, err)) return err->status;
  return draw(l, m, photo, first, err);
}

static hd_status run(lesson *l, hd_error *err) {
  hd_tensor photo;
  char about[300];
  matcher m = {0};
  if (lecture_photo(l->env, l->sets.root, SIDE, &photo, about, err)) return err->status;
  snprintf(l->data, sizeof l->data, "%.119s", about);
  lesson_say(l, "Data: %s", about);
  hd_tensor image = hd_tensor_new(l->env, HD_F32, photo.shape, err);
  float *x = image.data;
  for (int64_t i = 0; x && i < hd_shape_count(photo.shape); i++)
    x[i] = (float)((const uint8_t *)photo.data)[i] / 255;
  hd_status status = x ? matcher_make(l, photo.shape.d[0], photo.shape.d[1], &m, err) : err->status;
  if (!status) status = search(l, &m, &photo, x, err);
  hd_workspace_free(m.space);
  hd_plan_free(m.plan);
  hd_tensor_free(&image);
  hd_tensor_free(&photo);
  return status;
}

const lecture lecture_template_matching = {
    "template-matching", "oslo", "convolution", "A filter is a template: where it fires", 3, run};
