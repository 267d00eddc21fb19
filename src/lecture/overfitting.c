// Lecture: underfitting and overfitting: three nets of growing size on 1,000 images.
#include <stdio.h>

#include "lesson.h"

static const int widths[] = {2, 16, 800};
enum { WIDTHS = 3 };

static hd_status run(lesson *l, hd_error *err) {
  static lesson_curve curves[WIDTHS];
  static const char *const slides[WIDTHS] = {"underfits: both errors high", "a good fit",
                                             "overfits: training low, test high"};
  const hd_data *all, *train, *test;
  double gap[WIDTHS];
  char names[WIDTHS][40];
  if (lesson_images(l, 0, 10000, &all, &test, err) || !(train = lesson_some(l, all, 0, 1000, err)))
    return err->status;
  hd_figure *f = hd_figure_new(l->env, .x = "epoch", .y = "loss", .log_y = true,
                               .title = "solid: training, dashed: test");
  for (int i = 0; i < WIDTHS; i++) {
    hd_graph *g = lesson_graph(l);
    hd_store *p = lesson_store(l, l->seed);
    hd_val x = hd_flatten(lesson_pixels(l, g, train)), t = lesson_labels(g);
    hd_val y = hd_dense(hd_relu(hd_dense(x, .units = widths[i])), .units = 10);
    curves[i].count = 0;
    if (hd_fit(p, hd_cross_entropy(y, t), train, err, .optimizer = hd_adam(.lr = 0.001f),
               .batch = 32, .epochs = l->brief ? 5 : 60, .accuracy = hd_accuracy(y, t),
               .valid = test, .user = &curves[i], .on_epoch = lesson_on_epoch))
      break;
    lesson_curve *c = &curves[i];
    int last = c->count - 1;
    snprintf(names[i], sizeof names[i], "%d hidden units", widths[i]);
    hd_figure_line(f, NULL, c->loss, c->count, .name = names[i],
                   .color = (hd_figure_color)(HD_COLOR_BLUE + i));
    hd_figure_line(f, NULL, c->valid_loss, c->count, .dashed = true,
                   .color = (hd_figure_color)(HD_COLOR_BLUE + i));
    gap[i] = 100 * (c->accuracy[last] - c->valid_accuracy[last]);
    lesson_number(l, names[i], slides[i], "training %.1f %%, test %.1f %%", 100 * c->accuracy[last],
                  100 * c->valid_accuracy[last]);
    lesson_clear(l);
  }
  if (err->status) return hd_figure_free(f), err->status;
  double up = curves[2].valid_loss[curves[2].count - 1], least = up;
  for (int i = 0; i < curves[2].count; i++)
    least = curves[2].valid_loss[i] < least ? curves[2].valid_loss[i] : least;
  lesson_finding(
      l,
      "The gap between training and test grows from %.1f to %.1f points with the net; yet the "
      "largest net is %s on the test images, its loss there rising from %.2f to %.2f.",
      gap[0], gap[2],
      curves[2].valid_accuracy[curves[2].count - 1] >= curves[1].valid_accuracy[curves[1].count - 1]
          ? "still the best"
          : "no longer the best",
      least, up);
  return lesson_figure(l, f, "loss.svg", err);
}

const lecture lecture_overfitting = {"overfitting",
                                     "trondheim ai ljubljana",
                                     "regularisation",
                                     "Underfitting and overfitting",
                                     15,
                                     run};
