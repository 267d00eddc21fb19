// Lecture: convolution, every map of the slides; and the one example that tells convolution from
// cross-correlation.
//   correlation s(p, q) = sum_rt x(p + r, q + t) k(r, t), convolution = sum_rt x(p - r, q - t) k(r,
//   t)
#include <stdio.h>
#include <string.h>

#include "lesson.h"

typedef struct example {
  const char *what, *kernel_name;
  int h, w, kh, kw, oh, ow, pad[4];
  bool turned;
  const float *x, *kernel, *map;  // map: as the slide prints it
} example;

static const float frames[] = {1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1,
                               1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0},
                   cross[] = {1, 0, 1, 0, 1, 0, 1, 0, 1},
                   frames_map[] = {4, 3, 4, 2, 4, 3, 2, 3, 4};
static const float seven[49] = {[17] = 1, [23] = 1, [24] = 1, [31] = 1, [38] = 1},
                   odd[] = {1, 0, 0, 1, 0, 1, 0, 1, 1},
                   seven_map[] = {0, 1, 1, 0, 0, 1, 3, 1, 1, 0, 1, 2, 2,
                                  2, 0, 0, 2, 2, 2, 0, 0, 1, 0, 2, 0},
                   turned_map[] = {0, 1, 0, 0, 0, 1, 2, 0, 1, 0, 1, 2, 2,
                                   2, 0, 0, 3, 2, 2, 0, 0, 1, 1, 2, 0};
static const float line[] = {1, 2, 4, 1}, three[] = {1, 3, 1}, line_map[] = {5, 11, 15, 7};
static const float grey[] = {105, 102, 100, 97,  96,  103, 99, 103, 101, 102, 101, 98, 104,
                             102, 100, 99,  101, 106, 104, 99, 104, 104, 104, 100, 98},
                   sharpen[] = {0, -1, 0, -1, 5, -1, 0, -1, 0},
                   grey_map[] = {320, 206, 198, 188, 281, 210, 89,  111, 101, 213, 205, 85, 111,
                                 101, 197, 189, 98,  117, 113, 193, 317, 211, 210, 194, 291};

static const example examples[] = {
    {"5x5 image, 3x3 filter",
     "1 0 1 / 0 1 0 / 1 0 1",
     5,
     5,
     3,
     3,
     3,
     3,
     {0},
     false,
     frames,
     cross,
     frames_map},
    {"1-D, zeros around", "1 3 1", 1, 4, 1, 3, 1, 4, {0, 1, 0, 1}, false, line, three, line_map},
    {"sharpening, zeros around",
     "0 -1 0 / -1 5 -1 / 0 -1 0",
     5,
     5,
     3,
     3,
     5,
     5,
     {1, 1, 1, 1},
     false,
     grey,
     sharpen,
     grey_map},
    {"7x7 image: the printed map",
     "1 0 0 / 1 0 1 / 0 1 1",
     7,
     7,
     3,
     3,
     5,
     5,
     {0},
     false,
     seven,
     odd,
     seven_map},
    {"7x7 image: the printed formula",
     "the same, turned",
     7,
     7,
     3,
     3,
     5,
     5,
     {0},
     true,
     seven,
     odd,
     turned_map}};
enum { EXAMPLES = sizeof examples / sizeof *examples };

// Computes e's map the one or the other way.
static hd_status compute(lesson *l, const example *e, bool turned, float *to, hd_error *err) {
  hd_graph *g = lesson_graph(l);
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, e->h, e->w, 1));
  hd_val k = hd_constant(g, HD_F32, HD_SHAPE(e->kh, e->kw, 1, 1), e->kernel);
  hd_op_conv2d_options o = {.pad = HD_EXPLICIT};
  memcpy(o.padding, e->pad, sizeof o.padding);
  hd_val y = turned ? (hd_op_convolve2d)(x, k, o) : (hd_op_conv2d)(x, k, o);
  hd_tensor in = {.dtype = HD_F32, .shape = HD_SHAPE(1, e->h, e->w, 1), .data = (void *)e->x};
  hd_tensor out = hd_predict(lesson_store(l, 1), y, in, err);
  if (out.data) memcpy(to, out.data, sizeof *to * (size_t)(e->oh * e->ow));
  hd_status status = out.data ? HD_OK : err->status;
  hd_tensor_free(&out);
  return status;
}

static hd_status draw(lesson *l, const example *e, const float *map, const char *name,
                      hd_error *err) {
  double values[64];
  for (int i = 0; i < e->oh * e->ow; i++) values[i] = map[i];
  hd_figure *f = hd_figure_new(l->env, .title = e->turned ? "convolution: the kernel is turned"
                                                          : "cross-correlation: as printed");
  hd_figure_heat(f, values, e->oh, e->ow);
  return lesson_figure(l, f, name, err);
}

static hd_status run(lesson *l, hd_error *err) {
  int differ = 0;
  for (int i = 0; i < EXAMPLES; i++) {
    const example *e = &examples[i];
    float map[64], other[64];
    int count = e->oh * e->ow, same = 0, alike = 0;
    char title[120];
    if (compute(l, e, e->turned, map, err) || compute(l, e, !e->turned, other, err))
      return err->status;
    for (int k = 0; k < count; k++) same += map[k] == e->map[k], alike += map[k] == other[k];
    if (e->turned) differ = count - alike;
    lesson_say(l, "\n%s, kernel %s", e->what, e->kernel_name);
    if (!e->turned) lesson_matrix(l, "image", e->x, e->h, e->w);
    snprintf(title, sizeof title, "%s%s", e->turned ? "convolution" : "cross-correlation",
             alike == count ? " (and convolution: the kernel is symmetric)" : "");
    lesson_matrix(l, title, map, e->oh, e->ow);
    lesson_must(l, same == count, e->what, "all cells", "%d of %d cells", same, count);
    lesson_clear(l);
    if (count == 25 && e->h == 7 &&
        draw(l, e, map, e->turned ? "convolution.svg" : "correlation.svg", err))
      return err->status;
  }
  lesson_must(l, differ > 0, "cells in which the two differ", "not said", "%d of 25", differ);
  lesson_finding(
      l,
      "Every map on the slides is a cross-correlation, though their formula turns the "
      "kernel. Three of the four examples cannot tell, as their kernels are symmetric; in the 7x7 "
      "example %d of 25 cells differ. Networks correlate; a learnt kernel would just "
      "come out turned.",
      differ);
  return HD_OK;
}

const lecture lecture_convolution = {"convolution",
                                     "oslo trondheim ai ljubljana",
                                     "convolution",
                                     "Convolution, every map of the slides",
                                     1,
                                     run};
