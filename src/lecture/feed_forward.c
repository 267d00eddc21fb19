// Lecture: a deep feed-forward net on handwritten digits, 784-300-100-10, every layer connected
// with the whole of the next.
#include "lesson.h"

static hd_status run(lesson *l, hd_error *err) {
  const hd_data *train, *test;
  static lesson_curve curve;
  hd_metrics m;
  hd_fit_result r;
  if (lesson_images(l, 0, 0, &train, &test, err)) return err->status;
  hd_graph *g = lesson_graph(l);
  hd_store *p = lesson_store(l, l->seed);
  hd_val x = hd_flatten(lesson_pixels(l, g, train)), t = lesson_labels(g);
  hd_val h = hd_dropout(hd_relu(hd_dense(x, .units = 300)), .rate = 0.2f);
  h = hd_dropout(hd_relu(hd_dense(h, .units = 100)), .rate = 0.1f);
  hd_val y = hd_dense(h, .units = 10);
  hd_val loss = hd_cross_entropy(y, t), accuracy = hd_accuracy(y, t);
  curve.count = 0;
  if (hd_fit(p, loss, train, err, .optimizer = hd_adam(.lr = 0.001f), .batch = 128, .epochs = 10,
             .schedule = {.kind = HD_SCHEDULE_COSINE}, .accuracy = accuracy, .valid = test,
             .user = &curve, .on_epoch = lesson_on_epoch, .result = &r) ||
      hd_evaluate(p, loss, accuracy, test, 128, &m, err))
    return err->status;
  int64_t parameters = 0;
  for (int i = 0; i < hd_store_count(p); i++)
    if (hd_store_at(p, i)->role == HD_WEIGHT)
      parameters += hd_shape_count(hd_store_at(p, i)->type.shape);
  hd_shape s = train->column[hd_data_column(train, "image")].type.shape;
  int64_t pixels = s.d[0] * s.d[1];
  lesson_must(l, parameters == pixels * 300 + 300 + 300 * 100 + 100 + 100 * 10 + 10, "parameters",
              pixels == 784 ? "266,610" : "784-300-100-10: 266,610", "%lld", (long long)parameters);
  lesson_must(l, l->brief || !lesson_has_mnist(l) || m.accuracy >= 0.98, "right of the test images",
              "98 % of MNIST", "%.2f %%", 100 * m.accuracy);
  lesson_finding(l, "%.2f %% of the test images right after ten epochs, in %.1f s.",
                 100 * m.accuracy, r.seconds);
  hd_figure *f = hd_figure_new(l->env, .x = "epoch", .y = "share of wrong", .log_y = true);
  for (int i = 0; i < curve.count; i++) {
    curve.accuracy[i] = 1 - curve.accuracy[i];
    curve.valid_accuracy[i] = 1 - curve.valid_accuracy[i];
  }
  hd_figure_line(f, NULL, curve.accuracy, curve.count, .name = "training (with dropout)");
  hd_figure_line(f, NULL, curve.valid_accuracy, curve.count, .name = "test");
  return lesson_figure(l, f, "errors.svg", err);
}

const lecture lecture_feed_forward = {"feed-forward",
                                      "oslo trondheim ffi ai ljubljana",
                                      "neurons",
                                      "A deep feed-forward net, 784-300-100-10",
                                      10,
                                      run};
