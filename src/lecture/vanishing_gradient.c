// Lecture: the vanishing gradient. The norm of the gradient by layer in ten layers of logistic
// units, of ReLU, and of ReLU with shortcuts; and whether they learn.
#include <stdio.h>

#include "lesson.h"

enum { LAYERS = 10, WIDTH = 64, KINDS = 4 };
static const char *const names[KINDS] = {"sigmoid", "tanh", "ReLU", "ReLU with shortcuts"};
static const char *const slides[KINDS] = {"vanishes", "vanishes, slower", "passes", "passes"};

static hd_val layer(hd_val h, int kind) {
  hd_init init = {.kind = kind < 2 ? HD_GLOROT_NORMAL : HD_HE_NORMAL};
  if (kind == 3) init = (hd_init){HD_NORMAL, 0, 0.05f};  // the sum of ten must not grow
  hd_val z = hd_dense(h, .units = WIDTH, .init = init);
  return kind == 0   ? hd_sigmoid(z)
         : kind == 1 ? hd_tanh(z)
         : kind == 2 ? hd_relu(z)
                     : hd_add(h, hd_relu(z));
}

typedef struct watched {
  double first[LAYERS];  // norms by layer after the first epoch's last step
  lesson_curve curve;
} watched;

static bool on_epoch(void *user, const hd_progress *at) {
  watched *w = user;
  for (int i = 0; i < LAYERS && at->epoch == 1; i++) w->first[i] = at->watched[i];
  return lesson_on_epoch(&w->curve, at);
}

static hd_status run(lesson *l, hd_error *err) {
  static watched seen[KINDS];
  const hd_data *train, *test;
  double reached[KINDS];
  if (lesson_images(l, 10000, 10000, &train, &test, err)) return err->status;
  hd_figure *norms = hd_figure_new(l->env, .x = "layer, from the input", .log_y = true,
                                   .y = "norm of dL/dW, first epoch");
  hd_figure *losses = hd_figure_new(l->env, .x = "epoch", .y = "training loss", .log_y = true);
  for (int k = 0; k < KINDS; k++) {
    hd_graph *g = lesson_graph(l);
    hd_store *p = lesson_store(l, l->seed);
    hd_val h = hd_dense(hd_flatten(lesson_pixels(l, g, train)), .units = WIDTH), norm[LAYERS];
    for (int i = 0; i < LAYERS; i++) h = layer(h, k);
    hd_val t = lesson_labels(g), y = hd_dense(h, .units = 10, .init = {.kind = HD_LECUN_NORMAL});
    hd_val loss = hd_cross_entropy(y, t), weight[2 * LAYERS + 4], slope[2 * LAYERS + 4];
    int count = hd_weights(loss, weight, 2 * LAYERS + 4);
    hd_gradients(loss, (hd_val){0}, weight, count, slope);
    for (int i = 0; i < LAYERS; i++)  // weight, bias of the input's layer come first
      norm[i] = hd_sqrt(hd_sum(hd_square(slope[2 * i + 2])));
    hd_metrics m;
    seen[k].curve.count = 0;
    if (hd_fit(p, loss, train, err, .optimizer = hd_sgd(.lr = 0.05f), .batch = 64,
               .epochs = l->brief ? 2 : 10, .watch = norm, .watches = LAYERS, .user = &seen[k],
               .on_epoch = on_epoch) ||
        hd_evaluate(p, loss, hd_accuracy(y, t), test, 100, &m, err))
      break;
    reached[k] = 100 * m.accuracy;
    hd_figure_line(norms, NULL, seen[k].first, LAYERS, .name = names[k], .dots = true);
    hd_figure_line(losses, NULL, seen[k].curve.loss, seen[k].curve.count, .name = names[k]);
    lesson_number(l, names[k], slides[k], "first / last layer %.1e; test %.1f %%",
                  seen[k].first[0] / seen[k].first[LAYERS - 1], reached[k]);
    lesson_clear(l);
  }
  if (err->status) return hd_figure_free(norms), hd_figure_free(losses), err->status;
  double sigmoid = seen[0].first[0] / seen[0].first[LAYERS - 1];
  lesson_must(l, sigmoid < 1e-3, "sigmoid: first / last layer", "vanishes", "%.1e", sigmoid);
  lesson_finding(
      l,
      "Through ten logistic layers the gradient shrinks to %.0e and the net stays at %.0f %%; "
      "ReLU reaches %.1f %%, with shortcuts %.1f %%.",
      sigmoid, reached[0], reached[2], reached[3]);
  hd_status status = lesson_figure(l, norms, "norms.svg", err);
  return status ? (hd_figure_free(losses), status) : lesson_figure(l, losses, "loss.svg", err);
}

const lecture lecture_vanishing_gradient = {"vanishing-gradient",
                                            "oslo trondheim ai",
                                            "backpropagation",
                                            "The vanishing gradient",
                                            15,
                                            run};
