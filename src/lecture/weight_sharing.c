// Lecture: weight sharing: a convolution is a locally connected layer whose filters are the same
// everywhere; what it saves, and what it gains on images.
#include <stdio.h>
#include <string.h>

#include "lesson.h"

// The convolution and the locally connected layer with its filter copied to every place.
static hd_status same(lesson *l, double *apart, hd_error *err) {
  hd_graph *g = lesson_graph(l);
  hd_store *p = lesson_store(l, l->seed);
  hd_val x = hd_input(g, "x", HD_F64, HD_SHAPE(1, 8, 8, 1));
  hd_val shared = hd_conv2d(x, .filters = 2, .kernel = {3}, .name = "shared");
  hd_val local = hd_locally_connected2d(x, .filters = 2, .kernel = {3}, .name = "local");
  hd_val far = hd_reduce_max(hd_abs(hd_sub(shared, local)));
  hd_plan *plan = hd_compile(p, err, .fetch = {far});
  hd_workspace *w = plan ? hd_workspace_new(plan, NULL, err) : NULL;
  hd_status status = w ? HD_OK : err->status;
  if (!status) {
    const hd_parameter *one = hd_store_find(p, "shared/weight");
    const hd_parameter *many = hd_store_find(p, "local/weight");
    size_t bytes = (size_t)hd_shape_count(one->type.shape) * sizeof(double);
    for (int place = 0; place < 36; place++)
      memcpy((char *)many->data + (size_t)place * bytes, one->data, bytes);
    double *in = hd_workspace_input(w, "x", NULL);
    for (int i = 0; i < 64; i++) in[i] = (i * 37 % 64) / 64.;
    status = hd_run(w, err);
  }
  if (!status) *apart = *(const double *)hd_workspace_fetch(w, 0, NULL);
  hd_workspace_free(w);
  hd_plan_free(plan);
  lesson_clear(l);
  return status;
}

static hd_status run(lesson *l, hd_error *err) {
  static const char *const names[] = {"dense", "locally connected", "convolution"};
  const hd_data *train, *test;
  double wrong[3], apart = 1;
  int64_t weights[3];
  if (same(l, &apart, err) || lesson_images(l, 2000, 10000, &train, &test, err)) return err->status;
  lesson_must(l, apart == 0, "convolution less local layer with equal filters", "the same", "%g",
              apart);
  for (int k = 0; k < 3; k++) {
    hd_graph *g = lesson_graph(l);
    hd_store *p = lesson_store(l, l->seed);
    hd_val x = lesson_pixels(l, g, train), t = lesson_labels(g), h;
    if (k == 0) h = hd_dense(hd_flatten(x), .units = 576, .name = "first");
    else if (k == 1)
      h = hd_locally_connected2d(x, .filters = 4, .kernel = {5}, .stride = {2}, .name = "first");
    else h = hd_conv2d(x, .filters = 4, .kernel = {5}, .stride = {2}, .name = "first");
    hd_val y = hd_dense(hd_flatten(hd_relu(h)), .units = 10), loss = hd_cross_entropy(y, t);
    hd_metrics m;
    if (hd_fit(p, loss, train, err, .optimizer = hd_adam(.lr = 0.001f), .batch = 32,
               .epochs = l->brief ? 2 : 20) ||
        hd_evaluate(p, loss, hd_accuracy(y, t), test, 100, &m, err))
      return err->status;
    weights[k] = hd_shape_count(hd_store_find(p, "first/weight")->type.shape);
    wrong[k] = 100 * (1 - m.accuracy);
    lesson_number(l, names[k], k == 2 ? "weights of one colour are equal" : "each weight its own",
                  "%lld weights in the first layer, %.2f %% wrong", (long long)weights[k],
                  wrong[k]);
    lesson_clear(l);
  }
  lesson_finding(
      l,
      "From %lld images: dense %.1f %% wrong with %lld first weights, local %.1f %% with %lld, "
      "shared %.1f %% with %lld.",
      (long long)train->samples, wrong[0], (long long)weights[0], wrong[1], (long long)weights[1],
      wrong[2], (long long)weights[2]);
  hd_figure *f = hd_figure_new(l->env, .y = "% of test images wrong", .y_from_zero = true);
  hd_figure_bars(f, names, wrong, 3);
  return lesson_figure(l, f, "errors.svg", err);
}

const lecture lecture_weight_sharing = {
    "weight-sharing", "oslo trondheim ljubljana", "convolution", "Weight sharing", 10, run};
