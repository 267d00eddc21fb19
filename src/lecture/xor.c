// Lecture: exclusive or, with one output and with the classes (1,0) and (0,1): how many of a
// hundred first weights lead to no error.
#include <math.h>
#include <stdio.h>

#include "lesson.h"

static hd_status train(lesson *l, const hd_data *data, int outputs, uint64_t seed, int *epochs,
                       hd_error *err) {
  static lesson_curve curve;
  hd_graph *g = lesson_graph(l);
  hd_store *p = lesson_store(l, seed);
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, 2)), t = lesson_labels(g);
  hd_val y = hd_dense(hd_tanh(hd_dense(x, .units = 4)), .units = outputs), loss, right;
  if (outputs == 2) {
    loss = hd_cross_entropy(y, t), right = hd_accuracy(y, t);
  } else {
    hd_val target = hd_reshape(hd_cast(t, HD_F32), HD_SHAPE(HD_BATCH, 1));
    loss = hd_binary_cross_entropy(y, target);
    hd_val guess = hd_cast(hd_greater(y, hd_scalar_like(y, 0)), HD_F32);
    right = hd_mean(hd_cast(hd_equal(guess, target), HD_F32));
  }
  curve.count = 0;
  hd_status status =
      hd_fit(p, loss, data, err, .optimizer = hd_adam(.lr = 0.05f), .batch = 4, .epochs = 500,
             .accuracy = right, .user = &curve, .on_epoch = lesson_on_epoch);
  // The first epoch from which on all four are right.
  *epochs = curve.count + 1;
  while (*epochs > 1 && curve.accuracy[*epochs - 2] == 1) --*epochs;
  lesson_clear(l);
  return status;
}

static hd_status run(lesson *l, hd_error *err) {
  int seeds = l->brief ? 10 : 100;
  static double needed[2][100];
  const hd_data *data = lesson_set(l, "xor", "train", err);
  if (!data) return err->status;
  hd_figure *f = hd_figure_new(l->env, .x = "epochs until all four are right", .y = "seeds");
  int solved[2] = {0};
  for (int o = 0; o < 2; o++) {
    for (int s = 0; s < seeds; s++) {
      int epochs = 0;
      if (train(l, data, o + 1, l->seed + (uint64_t)s, &epochs, err))
        return hd_figure_free(f), err->status;
      needed[o][s] = epochs <= 500 ? epochs : NAN;
      solved[o] += epochs <= 500;
    }
    hd_figure_histogram(f, needed[o], seeds, .name = o ? "two outputs" : "one output", .bins = 25);
    lesson_must(l, solved[o] * 100 >= 95 * seeds,
                o ? "two outputs, (1,0) and (0,1)" : "one output, 0 and 1", "learnt",
                "from %d of %d seeds", solved[o], seeds);
  }
  lesson_finding(
      l,
      "2-4-1 learns exclusive or from %d and 2-4-2 from %d of %d first weights, within 500 "
      "epochs.",
      solved[0], solved[1], seeds);
  return lesson_figure(l, f, "epochs.svg", err);
}

const lecture lecture_xor = {"xor", "oslo ai", "neurons", "Exclusive or, from a hundred seeds",
                             5,     run};
