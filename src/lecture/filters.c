// Lecture: man-made filters on a photograph: identity, edges, sharpening, blurs, and their sums.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "photo.h"

#include "lesson.h"

enum { SIDE = 300 };

static double sum_of(const hd_image_kernel *k) {
  double sum = 0;
  for (int i = 0; i < k->height * k->width; i++) sum += k->weight[i];
  return sum / k->divisor;
}

// Share of the numbers of an image that are held at 0 or 255.
static double held(const hd_tensor *t, uint8_t value) {
  int64_t count = hd_shape_count(t->shape), found = 0;
  for (int64_t i = 0; i < count; i++) found += ((const uint8_t *)t->data)[i] == value;
  return (double)found / (double)count;
}

static hd_status constant_stays(lesson *l, const char *name, bool *holds, hd_error *err) {
  float flat[6 * 7];
  for (int i = 0; i < 42; i++) flat[i] = 77;
  hd_tensor made, image = {.dtype = HD_F32, .shape = HD_SHAPE(6, 7, 1), .data = flat};
  hd_status status = hd_image_filter(l->env, &image, hd_image_kernel_find(name), &made, err,
                                     .edge = HD_EDGE_NEAREST);
  *holds = !status && !memcmp(made.data, flat, sizeof flat);
  hd_tensor_free(&made);
  return status;
}

static hd_status show(lesson *l, const hd_tensor *image, hd_tensor *sheet, hd_error *err) {
  int count;
  const hd_image_kernel *k = hd_image_kernels(&count);
  const char *captions[32];
  size_t each = (size_t)hd_shape_count(image->shape);
  for (int i = 0; i < count; i++) {
    hd_tensor one;
    captions[i] = k[i].name;
    if (hd_image_filter(l->env, image, &k[i], &one, err, .edge = HD_EDGE_NEAREST))
      return err->status;
    memcpy((char *)sheet->data + (size_t)i * each, one.data, each);
    double sum = sum_of(&k[i]);
    if (!strcmp(k[i].name, "identity"))
      lesson_must(l, !memcmp(one.data, image->data, each), "identity", "gives the image",
                  "every byte");
    else if (!strcmp(k[i].name, "box-sum"))
      lesson_must(l, sum == 9, "blur by ones alone (sum)", "a blur",
                  "%g: %.0f %% overflow to white", sum, 100 * held(&one, 255));
    else if (sum == 0)
      lesson_must(l, true, k[i].name, "edges", "sums to 0; %.0f %% of the bytes are 0",
                  100 * held(&one, 0));
    else lesson_must(l, sum == 1, k[i].name, "keeps the brightness", "sums to %g", sum);
    hd_tensor_free(&one);
  }
  hd_figure *f = hd_figure_new(l->env, .width = 4 * (SIDE + 10) + 10);
  hd_figure_images(f, *sheet, .captions = captions, .size = SIDE, .columns = 4);
  return lesson_figure(l, f, "gallery.png", err);
}

static hd_status run(lesson *l, hd_error *err) {
  hd_tensor image = {0};
  char about[300];
  int count;
  const hd_image_kernel *all = hd_image_kernels(&count);
  if (lecture_photo(l->env, l->sets.root, SIDE, &image, about, err)) return err->status;
  snprintf(l->data, sizeof l->data, "%.119s", about);
  lesson_say(l, "Data: %s", about);
  const uint8_t *p = image.data;
  lesson_say(l,
             "An image is numbers: %lld x %lld x 3 of 0 to 255; its first pixel is (%d, %d, %d).",
             (long long)image.shape.d[0], (long long)image.shape.d[1], p[0], p[1], p[2]);
  for (int i = 0; i < count; i++) {
    float weight[25];
    for (int k = 0; k < all[i].height * all[i].width && k < 25; k++) weight[k] = all[i].weight[k];
    char title[80];
    snprintf(title, sizeof title, "\n%s%s", all[i].name, all[i].divisor == 1 ? "" : ", divided by");
    if (all[i].divisor != 1)
      snprintf(title + strlen(title), sizeof title - strlen(title), " %g", all[i].divisor);
    lesson_matrix(l, title, weight, all[i].height, all[i].width);
  }
  hd_shape s = image.shape;
  hd_tensor sheet = hd_tensor_new(l->env, HD_U8, HD_SHAPE(count, s.d[0], s.d[1], 3), err);
  hd_status status = sheet.data ? show(l, &image, &sheet, err) : err->status;
  static const char *const keep[] = {"box-blur", "gaussian", "unsharp"};
  bool holds = true;
  for (int i = 0; !status && i < 3; i++) {
    bool one = false;
    status = constant_stays(l, keep[i], &one, err);
    holds &= one;
  }
  if (!status)
    lesson_must(l, holds, "blurs and unsharp of a constant", "not said", "the constant, every bit");
  lesson_finding(l,
                 "One op, twelve kernels: what an edge filter finds sums to 0, what keeps the "
                 "brightness sums to 1. A blur of nine ones overflows 8 bits; it wants the 1/9. "
                 "Centre 8 and centre -4 find the same edges with opposite signs.");
  hd_tensor_free(&sheet);
  hd_tensor_free(&image);
  return status;
}

const lecture lecture_filters = {
    "filters", "oslo trondheim ai", "convolution", "Man-made filters on a photograph", 1, run};
