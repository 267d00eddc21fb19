// Lecture: the artificial neuron, y = g(w0 + sum x_i w_i); why g must not be linear.
#include <math.h>
#include <string.h>

#include "lesson.h"

// One neuron with given weights on one input.
static hd_status neuron(lesson *l, float *z, float *y, hd_error *err) {
  static const float x[3] = {1, 2, -1}, w[3] = {0.5f, -0.25f, 2}, w0 = 0.75f;
  hd_graph *g = lesson_graph(l);
  hd_store *p = lesson_store(l, 1);
  hd_val in = hd_input(g, "x", HD_F32, HD_SHAPE(1, 3));
  hd_val sum = hd_dense(in, .units = 1, .name = "neuron"), out = hd_sigmoid(sum);
  hd_plan *plan = hd_compile(p, err, .fetch = {sum, out});
  hd_workspace *space = plan ? hd_workspace_new(plan, NULL, err) : NULL;
  hd_status status = space ? HD_OK : err->status;
  if (!status) {
    memcpy(hd_store_find(p, "neuron/weight")->data, w, sizeof w);
    memcpy(hd_store_find(p, "neuron/bias")->data, &w0, sizeof w0);
    memcpy(hd_workspace_input(space, "x", NULL), x, sizeof x);
    status = hd_run(space, err);
  }
  if (!status) {
    *z = *(const float *)hd_workspace_fetch(space, 0, NULL);
    *y = *(const float *)hd_workspace_fetch(space, 1, NULL);
  }
  hd_workspace_free(space);
  hd_plan_free(plan);
  return status;
}

// Three layers without activations, and the one matrix that is their product: how far apart.
static hd_status collapse(lesson *l, double *apart, hd_error *err) {
  hd_graph *g = lesson_graph(l);
  hd_store *p = lesson_store(l, l->seed);
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(64, 8)), h = x, product = {0};
  for (int i = 0; i < 3; i++) {
    hd_val w = hd_variable(g, HD_F32, i < 2 ? HD_SHAPE(i ? 32 : 8, 32) : HD_SHAPE(32, 4),
                           .init = {.kind = HD_GLOROT_NORMAL});
    h = hd_matmul(h, w);
    product = i ? hd_matmul(product, w) : w;
  }
  hd_val far = hd_reduce_max(hd_abs(hd_sub(h, hd_matmul(x, product))));
  hd_plan *plan = hd_compile(p, err, .fetch = {far});
  hd_workspace *space = plan ? hd_workspace_new(plan, NULL, err) : NULL;
  hd_status status = space ? HD_OK : err->status;
  float *in = status ? NULL : hd_workspace_input(space, "x", NULL);
  for (int i = 0; in && i < 64 * 8; i++) in[i] = sinf((float)i);
  if (!status) status = hd_run(space, err);
  if (!status) *apart = *(const float *)hd_workspace_fetch(space, 0, NULL);
  hd_workspace_free(space);
  hd_plan_free(plan);
  return status;
}

// Exclusive or by 2-8-1 with or without an activation; classes by the sign.
static hd_status xor
    (lesson * l, bool linear, lesson_curve *curve, double *right, hd_error *err) {
      const hd_data *data = lesson_set(l, "xor", "train", err);
      if (!data) return err->status;
      hd_graph *g = lesson_graph(l);
      hd_store *p = lesson_store(l, l->seed);
      hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, 2)), t = lesson_labels(g);
      hd_val h = hd_dense(x, .units = 8);
      hd_val y = hd_dense(linear ? h : hd_tanh(h), .units = 2);
      hd_metrics m;
      if (hd_fit(p, hd_cross_entropy(y, t), data, err, .batch = 4, .epochs = 300,
                 .optimizer = hd_adam(.lr = 0.05f), .user = curve, .on_epoch = lesson_on_epoch) ||
          hd_evaluate(p, hd_cross_entropy(y, t), hd_accuracy(y, t), data, 4, &m, err))
        return err->status;
      *right = 100 * m.accuracy;
      return HD_OK;
    }

    static hd_status run(lesson *l, hd_error *err) {
  static lesson_curve curves[2];
  float z = 0, y = 0;
  double apart = 0, right[2] = {0};
  curves[0].count = curves[1].count = 0;
  if (neuron(l, &z, &y, err) || collapse(l, &apart, err) ||
      xor(l, true, &curves[0], &right[0], err) || xor(l, false, &curves[1], &right[1], err))
    return err->status;
  lesson_must(l, z == -1.25f, "z = w0 + sum x_i w_i", "0.75 + 0.5 - 0.5 - 2 = -1.25", "%g", z);
  lesson_must(l, fabsf(y - 0.22270014f) < 1e-7f, "y = g(z), logistic", "1/(1 + e^1.25) = 0.2227",
              "%.4f", y);
  lesson_must(l, apart < 1e-5, "three linear layers less one matrix", "the same function", "%.1e",
              apart);
  lesson_must(l, right[0] <= 75, "exclusive or, linear net", "cannot", "%.0f %% right", right[0]);
  lesson_must(l, right[1] == 100, "exclusive or, tanh in between", "can", "%.0f %% right",
              right[1]);
  lesson_finding(
      l,
      "Layers without an activation collapse into one (to %.1e): the linear net gets %.0f %% "
      "of exclusive or, the same net with tanh %.0f %%.",
      apart, right[0], right[1]);
  hd_figure *f = hd_figure_new(l->env, .x = "epoch", .y = "loss", .title = "exclusive or");
  hd_figure_line(f, NULL, curves[0].loss, curves[0].count, .name = "linear");
  hd_figure_line(f, NULL, curves[1].loss, curves[1].count, .name = "tanh");
  return lesson_figure(l, f, "xor.svg", err);
}

const lecture lecture_neuron = {"neuron",  "trondheim ffi ljubljana",
                                "neurons", "The neuron, and why it must not be linear",
                                1,         run};
