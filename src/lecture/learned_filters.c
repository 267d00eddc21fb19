// Lecture: filters are learnt, not chosen: the first layer of a small convolutional net before and
// after training, its maps of an image before and after ReLU, and the patches that each filter of
// the second layer answers to most.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lesson.h"

// LeNet-5 in its modern form, with 3x3 in the second layer so that images of 8x8 fit too; the first
// weights are small, for the learnt ones to be seen.
static const char text[] =
    "{\"data\": {\"name\": \"%s\", \"scale\": \"unit\"}, \"model\": ["
    "{\"conv2d\": {\"filters\": 6, \"kernel\": 5, \"pad\": \"same\","
    " \"init\": {\"normal\": [0, 0.02]}}}, \"relu\","
    "{\"max_pool2d\": {\"window\": 2}},"
    "{\"conv2d\": {\"filters\": 16, \"kernel\": 3, \"name\": \"second\"}}, \"relu\","
    "{\"max_pool2d\": {\"window\": 2}}, \"flatten\", {\"dense\": 120}, \"relu\","
    "{\"dense\": 84}, \"relu\", {\"dense\": 10}], \"loss\": \"cross_entropy\"}";

enum { TOP = 9, FILTERS = 6, UNITS = 16, LOOKED = 1000 };

// Share of a filter's weights that have the sign of a neighbour: noise has half, strokes more.
static double order_of(const hd_store *p) {
  const hd_parameter *w = hd_store_find(p, "conv2d_1/weight");
  const float *at = w ? w->data : NULL;
  int same = 0, all = 0;
  for (int f = 0; at && f < FILTERS; f++)
    for (int i = 0; i < 25; i++) {
      if (i % 5 < 4) same += at[i * FILTERS + f] * at[(i + 1) * FILTERS + f] > 0, all++;
      if (i < 20) same += at[i * FILTERS + f] * at[(i + 5) * FILTERS + f] > 0, all++;
    }
  return all ? (double)same / all : 0;
}

typedef struct hit {
  float value;
  int64_t sample, row, column;
} hit;

// The strongest answer of each unit in each image, the largest TOP of them; and their patches.
static hd_status patches(lesson *l, const hd_model *m, const hd_data *data, double *alike,
                         hd_error *err) {
  static hit top[UNITS][TOP];
  int64_t count = data->samples < LOOKED ? data->samples : LOOKED, index[1];
  const hd_data *some = lesson_some(l, data, 0, count, err);
  if (!some) return err->status;
  // The maps of the second convolution, built once more on the weights of the store.
  hd_shape s = data->column[hd_data_column(data, "image")].type.shape;
  hd_val x = lesson_pixels(l, lesson_graph(l), data);
  x = hd_max_pool2d(hd_relu(hd_conv2d(x, .filters = FILTERS, .kernel = {5}, .pad = HD_SAME)),
                    .window = {2});
  x = hd_conv2d(x, .filters = UNITS, .kernel = {3}, .name = "second");
  hd_tensor maps = hd_predict_data(m->store, x, some, 100, err);
  if (!maps.data) return err->status;
  int64_t h = maps.shape.d[1], w = maps.shape.d[2];
  memset(top, 0, sizeof top);
  for (int u = 0; u < UNITS; u++)
    for (int k = 0; k < TOP; k++) top[u][k].value = -INFINITY;
  for (int64_t i = 0; i < count; i++)
    for (int u = 0; u < UNITS; u++) {
      hit best = {.value = -INFINITY};
      for (int64_t at = 0; at < h * w; at++) {
        float v = ((const float *)maps.data)[(i * h * w + at) * UNITS + u];
        if (v > best.value) best = (hit){v, i, at / w, at % w};
      }
      int k = TOP - 1;
      if (best.value <= top[u][k].value) continue;
      for (; k > 0 && top[u][k - 1].value < best.value; k--) top[u][k] = top[u][k - 1];
      top[u][k] = best;
    }
  hd_tensor_free(&maps);
  // A unit at (r, c) after a pool of 2 sees 2 (3 - 1) + 2 + (5 - 1) = 10 pixels from 2 r - 2 on.
  enum { SEEN = 10 };
  hd_tensor sheet = hd_tensor_new(l->env, HD_U8, HD_SHAPE(UNITS * TOP, SEEN, SEEN, 1), err);
  uint8_t *image = malloc((size_t)(s.d[0] * s.d[1])), *to = sheet.data;
  hd_status status = sheet.data && image ? HD_OK : HD_E_MEMORY;
  bool digits = s.d[0] == 8;
  *alike = 0;
  for (int i = 0; !status && i < UNITS * TOP; i++) {
    const hit *t = &top[i / TOP][i % TOP];
    index[0] = t->sample;
    status = data->read(data->user, hd_data_column(data, "image"), index, 1, image, err);
    for (int k = 0; !status && k < SEEN * SEEN; k++) {
      int64_t r = 2 * t->row - 2 + k / SEEN, c = 2 * t->column - 2 + k % SEEN;
      bool in = r >= 0 && c >= 0 && r < s.d[0] && c < s.d[1];
      int v = in ? image[r * s.d[1] + c] * (digits ? 15 : 1) : 0;
      *to++ = (uint8_t)v;
    }
  }
  // How alike a unit's nine patches are: the mean correlation with their mean, against that of all
  // units' patches.
  for (int u = 0; !status && u < UNITS; u++) {
    double mean[SEEN * SEEN] = {0}, sum = 0;
    const uint8_t *from = (const uint8_t *)sheet.data + (size_t)u * TOP * SEEN * SEEN;
    for (int i = 0; i < TOP * SEEN * SEEN; i++) mean[i % (SEEN * SEEN)] += from[i] / (double)TOP;
    for (int i = 0; i < TOP; i++) {
      double ab = 0, aa = 0, bb = 0, ma = 0, mb = 0;
      for (int k = 0; k < SEEN * SEEN; k++) ma += from[i * SEEN * SEEN + k], mb += mean[k];
      ma /= SEEN * SEEN, mb /= SEEN * SEEN;
      for (int k = 0; k < SEEN * SEEN; k++) {
        double a = from[i * SEEN * SEEN + k] - ma, b = mean[k] - mb;
        ab += a * b, aa += a * a, bb += b * b;
      }
      sum += aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
    }
    *alike += sum / TOP / UNITS;
  }
  free(image);
  if (!status) {
    hd_figure *f = hd_figure_new(l->env, .width = TOP * 50 + 10);
    hd_figure_images(f, sheet, .columns = TOP, .size = 40);
    status = lesson_figure(l, f, "patches.png", err);
  }
  hd_tensor_free(&sheet);
  return status;
}

static hd_status show(lesson *l, const hd_model *m, hd_tensor image, const char *filters,
                      const char *maps, hd_error *err) {
  hd_figure *f = hd_figure_filters(l->env, m, err);
  if (!f || lesson_figure(l, f, filters, err)) return err->status ? err->status : HD_E_MEMORY;
  f = hd_figure_feature_maps(l->env, m, image, err);
  return !f ? err->status : lesson_figure(l, f, maps, err);
}

static hd_status train(lesson *l, hd_recipe *r, const hd_data *train_set, const hd_data *test,
                       hd_error *err) {
  hd_model m = {.recipe = r};
  hd_metrics before, after;
  int64_t index[1] = {7};
  double alike = 0;
  if (hd_signature_of(train_set, &m.signature, err)) return err->status;
  m.graph = lesson_graph(l), m.store = lesson_store(l, l->seed);
  if (hd_recipe_build(r, &m.signature, m.graph, &m.network, err)) return err->status;
  hd_tensor image = hd_tensor_new(l->env, HD_U8, m.signature.input.type.shape, err);
  if (!image.data) return err->status;
  hd_status status =
      test->read(test->user, hd_data_column(test, "image"), index, 1, image.data, err);
  if (!status)
    status = hd_evaluate(m.store, m.network.loss, m.network.accuracy, test, 100, &before, err);
  double noise = order_of(m.store);
  if (!status) status = show(l, &m, image, "filters-before.png", "maps-before.png", err);
  if (!status)
    status = hd_fit(m.store, m.network.loss, train_set, err, .epochs = l->brief ? 2 : 8,
                    .optimizer = hd_adam(.lr = 0.003f, .weight_decay = 0.0005f),
                    .schedule = {.kind = HD_SCHEDULE_COSINE});
  if (!status)
    status = hd_evaluate(m.store, m.network.loss, m.network.accuracy, test, 100, &after, err);
  double order = order_of(m.store);
  if (!status) status = show(l, &m, image, "filters.png", "maps.png", err);
  hd_tensor_free(&image);
  if (!status) status = patches(l, &m, test, &alike, err);
  if (status) return status;
  lesson_number(l, "test images, first weights", "-", "%.1f %%", 100 * before.accuracy);
  lesson_number(l, "test images, learnt filters", "learnt, not chosen", "%.1f %%",
                100 * after.accuracy);
  lesson_number(l, "neighbouring weights of one sign", "filters find strokes",
                "%.0f %% before, %.0f %% after", 100 * noise, 100 * order);
  lesson_number(l, "correlation of a unit's patches with their mean", "units find shapes", "%.2f",
                alike);
  lesson_finding(l,
                 "Nobody chose these filters. Of the first, random ones %.0f %% of neighbouring "
                 "weights have one sign, of the learnt ones %.0f %%: strokes, spots and edges "
                 "instead of noise. The nine patches that a unit of the second layer answers to "
                 "most look alike (correlation %.2f with their mean).",
                 100 * noise, 100 * order, alike);
  return HD_OK;
}

static hd_status run(lesson *l, hd_error *err) {
  char json[700];
  const hd_data *train_set, *test;
  if (lesson_images(l, 20000, 10000, &train_set, &test, err)) return err->status;
  const char *name = lesson_has_mnist(l)                 ? "mnist"
                     : strstr(l->data, "fashion-mnist,") ? "fashion-mnist"
                                                         : "digits";
  int size = snprintf(json, sizeof json, text, name);
  hd_recipe *r = hd_recipe_parse(l->env, "learned-filters", json, (size_t)size, err);
  hd_status status = r ? train(l, r, train_set, test, err) : err->status;
  lesson_clear(l);
  hd_recipe_free(r);
  return status;
}

const lecture lecture_learned_filters = {"learned-filters",
                                         "oslo trondheim ffi ljubljana",
                                         "convolution",
                                         "Filters are learnt, not chosen",
                                         15,
                                         run};
