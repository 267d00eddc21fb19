// Lecture: augmentation, "never the same image twice": what the net sees, and what it brings.
#include <stdio.h>

#include "lesson.h"

enum { KINDS = 5, ACROSS = 8 };

static hd_status change(lesson *l, int kind, const hd_data *of, hd_data *to, hd_error *err) {
  switch (kind) {
    case 1: return hd_data_augment(l->env, of, to, err, .rotate = 15);
    case 2: return hd_data_augment(l->env, of, to, err, .translate = 0.1f, .scale = 0.15f);
    case 3: return hd_data_augment(l->env, of, to, err, .elastic = {.alpha = 36, .sigma = 5});
    default:
      return hd_data_augment(l->env, of, to, err, .rotate = 12, .translate = 0.08f, .scale = 0.12f,
                             .shear = 8, .elastic = {.alpha = 25, .sigma = 5});
  }
}

// Eight views of one image, a row for each kind.
static hd_status sheet(lesson *l, const hd_data *of, hd_error *err) {
  int column = hd_data_column(of, "image");
  hd_shape s = of->column[column].type.shape;
  int64_t bytes = s.d[0] * s.d[1];
  hd_tensor images = hd_tensor_new(l->env, HD_U8, HD_SHAPE(KINDS * ACROSS, s.d[0], s.d[1], 1), err);
  if (!images.data) return err->status;
  for (int kind = 1; kind <= KINDS && !err->status; kind++) {
    hd_data changed = {0};
    if (kind < KINDS && change(l, kind, of, &changed, err)) break;
    void *scratch = NULL;
    hd_tensor room = {0};
    if (changed.draw_bytes) {
      room = hd_tensor_new(l->env, HD_U8, HD_SHAPE(changed.draw_bytes), err);
      scratch = room.data;
    }
    for (int i = 0; i < ACROSS && !err->status; i++) {
      unsigned char *at = (unsigned char *)images.data + ((kind % KINDS) * ACROSS + i) * bytes;
      int64_t first = 0;
      if (kind == KINDS) of->read(of->user, column, &first, 1, at, err);
      else {
        void *to[8] = {NULL};
        to[column] = at;
        changed.draw(changed.user, &(hd_draw){.seed = l->seed, .epoch = i}, to, scratch, err);
      }
    }
    hd_tensor_free(&room);
    hd_data_free(&changed);
  }
  hd_figure *f =
      err->status
          ? NULL
          : hd_figure_new(l->env, .width = 640,
                          .title =
                              "one image in eight "
                              "epochs: as it is, rotated, shifted and scaled, elastic, all");
  if (f)
    hd_figure_images(f, images, .columns = ACROSS, .size = 70, .low = 0,
                     .high = s.d[0] < 28 ? 16 : 255);
  hd_tensor_free(&images);
  return f ? lesson_figure(l, f, "sheet.png", err) : err->status;
}

static hd_status run(lesson *l, hd_error *err) {
  static const char *const names[KINDS] = {"none", "rotated", "shifted and scaled", "elastic",
                                           "all"};
  static lesson_curve curves[KINDS];
  const hd_data *all, *train, *test;
  double wrong[KINDS], seen[KINDS];
  int best = 0;
  if (lesson_images(l, 0, 10000, &all, &test, err) || !(train = lesson_some(l, all, 0, 1000, err)))
    return err->status;
  for (int kind = 0; kind < KINDS; kind++) {
    hd_graph *g = lesson_graph(l);
    hd_store *p = lesson_store(l, l->seed);
    hd_val x = lesson_pixels(l, g, train), t = lesson_labels(g);
    hd_val h = hd_max_pool2d(hd_relu(hd_conv2d(x, .filters = 8, .kernel = {5}, .pad = HD_SAME)),
                             .window = {2});
    h = hd_max_pool2d(hd_relu(hd_conv2d(h, .filters = 16, .kernel = {3})), .window = {2});
    hd_val y = hd_dense(hd_relu(hd_dense(hd_flatten(h), .units = 100)), .units = 10);
    hd_val loss = hd_cross_entropy(y, t), accuracy = hd_accuracy(y, t);
    hd_data changed = {0};
    hd_metrics m = {0};
    if (kind && change(l, kind, train, &changed, err)) return err->status;
    curves[kind].count = 0;
    hd_status status = hd_fit(p, loss, kind ? &changed : train, err, .batch = 32,
                              .optimizer = hd_adam(.lr = 0.002f), .epochs = l->brief ? 2 : 60,
                              .schedule = {.kind = HD_SCHEDULE_COSINE}, .accuracy = accuracy,
                              .user = &curves[kind], .on_epoch = lesson_on_epoch);
    if (!status) status = hd_evaluate(p, loss, accuracy, test, 100, &m, err);
    hd_data_free(&changed);
    lesson_clear(l);
    if (status) return status;
    wrong[kind] = 100 * (1 - m.accuracy);
    seen[kind] = 100 * (1 - curves[kind].accuracy[curves[kind].count - 1]);
    if (wrong[kind] < wrong[best]) best = kind;
    lesson_number(l, names[kind], kind ? "no overfitting" : "overfits",
                  "%.2f %% wrong in training, %.2f %% in the test", seen[kind], wrong[kind]);
  }
  lesson_finding(l,
                 "%s: %.2f %% of the test images wrong instead of %.2f. \"There will not be "
                 "overfitting\": in training it is %.2f %%, where without it was %.2f %%.",
                 names[best], wrong[best], wrong[0], seen[best], seen[0]);
  hd_status status = sheet(l, train, err);
  if (status) return status;
  hd_figure *f = hd_figure_new(l->env, .x = "epoch", .y = "training loss", .log_y = true);
  for (int kind = 0; kind < KINDS; kind++)
    hd_figure_line(f, NULL, curves[kind].loss, curves[kind].count, .name = names[kind]);
  return lesson_figure(l, f, "loss.svg", err);
}

const lecture lecture_augmentation = {"augmentation",
                                      "ffi ai",
                                      "regularisation",
                                      "Augmentation: never the same image twice",
                                      30,
                                      run};
