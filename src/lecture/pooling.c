// Lecture: pooling, every matrix of the slides; and what it leaves of a shift and of a turn.
#include <math.h>
#include <string.h>

#include "lesson.h"

static const float five[] = {1, 0, 1, 2, 0, 1, 2, 0, 2, 1, 1, 0, 0,
                             1, 0, 1, 1, 2, 3, 0, 0, 0, 1, 0, 0},
                   twentynine[] = {29, 15, 28, 184, 0, 100, 70, 38, 12, 12, 7, 2, 12, 12, 45, 6},
                   thirtyone[] = {31, 15, 28, 184, 0, 100, 70, 38, 12, 12, 7, 2, 12, 12, 45, 6};

typedef struct example {
  const char *what, *slide;
  const float *x;
  int side, out;
  bool mean, ceil, cut;
  float map[9];
} example;
static const example examples[] = {{"max 2x2 of 5x5, size rounded up",
                                    "2 2 1 / 1 3 0 / 0 1 0",
                                    five,
                                    5,
                                    3,
                                    false,
                                    true,
                                    false,
                                    {2, 2, 1, 1, 3, 0, 0, 1, 0}},
                                   {"the same, rounded down as elsewhere",
                                    "not said",
                                    five,
                                    5,
                                    2,
                                    false,
                                    false,
                                    false,
                                    {2, 2, 1, 3}},
                                   {"max 2x2 of 4x4",
                                    "100 184 / 12 45",
                                    twentynine,
                                    4,
                                    2,
                                    false,
                                    false,
                                    false,
                                    {100, 184, 12, 45}},
                                   {"mean 2x2, first cell 29",
                                    "36 80 / 12 15",
                                    twentynine,
                                    4,
                                    2,
                                    true,
                                    false,
                                    false,
                                    {36, 80, 12, 15}},
                                   {"mean 2x2, first cell 31 as printed",
                                    "36 80 / 12 15",
                                    thirtyone,
                                    4,
                                    2,
                                    true,
                                    false,
                                    false,
                                    {36.5f, 80, 12, 15}},
                                   {"the same, cut to whole numbers",
                                    "36 80 / 12 15",
                                    thirtyone,
                                    4,
                                    2,
                                    true,
                                    false,
                                    true,
                                    {36, 80, 12, 15}}};
enum { EXAMPLES = sizeof examples / sizeof *examples, SIDE = 32 };

static hd_status pool(lesson *l, const example *e, float *to, hd_error *err) {
  hd_graph *g = lesson_graph(l);
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, e->side, e->side, 1));
  hd_pool2d_options o = {.window = {2}, .ceil = e->ceil};
  hd_val y = e->mean ? (hd_avg_pool2d)(x, o) : (hd_max_pool2d)(x, o);
  if (e->cut) y = hd_cast(hd_cast(y, HD_I32), HD_F32);
  hd_tensor in = {.dtype = HD_F32, .shape = HD_SHAPE(1, e->side, e->side, 1), .data = (void *)e->x};
  hd_tensor out = hd_predict(lesson_store(l, 1), y, in, err);
  if (out.data) memcpy(to, out.data, sizeof *to * (size_t)(e->out * e->out));
  hd_status status = out.data ? HD_OK : err->status;
  hd_tensor_free(&out);
  return status;
}

// A bar and a ring on 32 x 32, moved by so many pixels and turned by so many degrees.
static void drawing(float *to, double shift, double degrees) {
  double c = cos(degrees * 0.017453292519943295), s = sin(degrees * 0.017453292519943295);
  for (int i = 0; i < SIDE * SIDE; i++) {
    double dx = i % SIDE - 15.5 - shift, dy = (double)(i / SIDE) - 15.5;
    double x = c * dx + s * dy, y = c * dy - s * dx,
           r = sqrt((x - 4) * (x - 4) + (y - 3) * (y - 3));
    to[i] = (fabs(x + 6) < 1.6 && fabs(y) < 10) || (r > 3.5 && r < 6.5);
  }
}

// Cells of the ink, pooled so many times, that a change of the drawing changes, as a share of those
// with ink in either.
static hd_status changed(lesson *l, double shift, double degrees, int pools, double *share,
                         float *shown, hd_error *err) {
  static float x[2 * SIDE * SIDE];
  drawing(x, 0, 0);
  drawing(x + SIDE * SIDE, shift, degrees);
  hd_graph *g = lesson_graph(l);
  hd_val y = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, SIDE, SIDE, 1));
  for (int i = 0; i < pools; i++) y = hd_max_pool2d(y, .window = {2});
  hd_tensor in = {.dtype = HD_F32, .shape = HD_SHAPE(2, SIDE, SIDE, 1), .data = x};
  hd_tensor out = hd_predict(lesson_store(l, 1), hd_scale(y, 1), in, err);
  if (!out.data) return err->status;
  const float *a = out.data;
  int each = (SIDE >> pools) * (SIDE >> pools), ink = 0, other = 0;
  for (int i = 0; i < each; i++) ink += a[i] > 0 || a[each + i] > 0, other += a[i] != a[each + i];
  *share = (double)other / (ink ? ink : 1);
  if (shown) memcpy(shown, x + SIDE * SIDE, sizeof(float) * SIDE * SIDE);
  hd_tensor_free(&out);
  lesson_clear(l);
  return HD_OK;
}

static hd_status run(lesson *l, hd_error *err) {
  for (int i = 0; i < EXAMPLES; i++) {
    const example *e = &examples[i];
    float map[9];
    int same = 0, count = e->out * e->out;
    if (pool(l, e, map, err)) return err->status;
    for (int k = 0; k < count; k++) same += map[k] == e->map[k];
    lesson_say(l, "\n%s", e->what);
    if (i == 0 || e->x != examples[i - 1].x) lesson_matrix(l, "input", e->x, e->side, e->side);
    lesson_matrix(l, e->mean ? "means" : "maxima", map, e->out, e->out);
    if (e->out == 2)
      lesson_must(l, same == count, e->what, e->slide, "%g %g / %g %g", map[0], map[1], map[2],
                  map[3]);
    else
      lesson_must(l, same == count, e->what, e->slide, "%g %g %g / %g %g %g / %g %g %g", map[0],
                  map[1], map[2], map[3], map[4], map[5], map[6], map[7], map[8]);
    lesson_clear(l);
  }
  static float pictures[4 * SIDE * SIDE];
  static const struct {
    const char *what;
    double shift, degrees;
  } change[] = {
      {"moved by 1 pixel", 1, 0}, {"moved by 2 pixels", 2, 0}, {"turned by 45 degrees", 0, 45}};
  double before[3], after[3];
  drawing(pictures, 0, 0);
  for (int i = 0; i < 3; i++) {
    if (changed(l, change[i].shift, change[i].degrees, 0, &before[i],
                pictures + (i + 1) * SIDE * SIDE, err) ||
        changed(l, change[i].shift, change[i].degrees, 2, &after[i], NULL, err))
      return err->status;
    lesson_number(l, change[i].what, i == 2 ? "pooling handles rotation" : "tolerates small shifts",
                  "changed: %.0f %% of the cells, %.0f %% after two pools", 100 * before[i],
                  100 * after[i]);
  }
  lesson_must(l, after[0] < before[0] && after[2] > 2 * after[0], "pooling helps with", "both",
              "shifts, not turns");
  lesson_finding(l,
                 "The slide's 3x3 result keeps the windows that hang over the edge (.ceil); the "
                 "usual rule gives 2x2. Its average 36 is cut from 36.5, or its 31 should be 29. "
                 "Two pools leave %.0f %% of a shift by a pixel, but %.0f %% of a turn by 45 "
                 "degrees: pooling is locally invariant to shifts, not to rotation.",
                 100 * after[0], 100 * after[2]);
  const char *const captions[] = {"drawing", "moved by 1", "moved by 2", "turned by 45"};
  hd_tensor sheet = {.dtype = HD_F32, .shape = HD_SHAPE(4, SIDE, SIDE, 1), .data = pictures};
  hd_figure *f = hd_figure_new(l->env, .width = 4 * 138 + 10);
  hd_figure_images(f, sheet, .captions = captions, .size = 128, .columns = 4);
  return lesson_figure(l, f, "drawings.png", err);
}

const lecture lecture_pooling = {"pooling",
                                 "oslo trondheim ai ljubljana",
                                 "convolution",
                                 "Pooling, every matrix of the slides",
                                 1,
                                 run};
