// Lecture: model averaging: five nets that differ by their seed alone, five snapshots of one
// training, and averaged weights, against a single net.
#include <math.h>
#include <stdio.h>

#include "lesson.h"

enum { NETS = 5 };

typedef struct net {
  hd_val p, loss;
} net;

static net build(lesson *l, const hd_data *data) {
  hd_graph *g = lesson_graph(l);
  hd_val x = hd_flatten(lesson_pixels(l, g, data)), t = lesson_labels(g);
  hd_val h = hd_relu(hd_batch_norm(hd_dense(x, .units = 200, .no_bias = true)));
  hd_val y = hd_dense(h, .units = 10);
  return (net){hd_softmax(y), hd_cross_entropy(y, t)};
}

// Percent of the answers wrong, and the mean of -ln p of the right class.
static hd_status judge(hd_store *const *store, int count, hd_val p, const hd_data *test,
                       double *wrong, double *loss, hd_error *err) {
  hd_tensor t = hd_predict_mean(NULL, p, err, .data = test, .batch = 100, .ensemble = store,
                                .members = count);
  hd_status status = t.data ? HD_OK : err->status;
  int column = hd_data_column(test, "label");
  *wrong = *loss = 0;
  for (int64_t i = 0; i < test->samples && !status; i++) {
    const float *row = (const float *)t.data + 10 * i;
    int32_t label = 0;
    int most = 0;
    status = test->read(test->user, column, &i, 1, &label, err);
    for (int k = 1; k < 10; k++)
      if (row[k] > row[most]) most = k;
    *wrong += 100. * (most != label) / (double)test->samples;
    *loss -= log(fmax((double)row[label], 1e-30)) / (double)test->samples;
  }
  hd_tensor_free(&t);
  return status;
}

// A copy of the weights at the end of each of the restarted cosines (Huang et al. 2017).
typedef struct snapshots {
  hd_store *store, *kept[NETS];
  int count, every;
  hd_error *err;
} snapshots;

static bool snap(void *user, const hd_progress *at) {
  snapshots *s = user;
  if (at->epoch % s->every || s->count == NETS) return true;
  s->kept[s->count] = hd_store_copy(s->store, s->err);
  return s->kept[s->count++] != NULL;
}

static hd_status from_snapshots(lesson *l, const hd_data *train, const hd_data *test, int epochs,
                                double *wrong, double *loss, hd_error *err) {
  net n = build(l, train);
  snapshots s = {.store = lesson_store(l, l->seed), .every = epochs, .err = err};
  hd_status status =
      hd_fit(s.store, n.loss, train, err, .optimizer = hd_sgd(.lr = 0.1f, .momentum = 0.9f),
             .batch = 50, .epochs = NETS * epochs, .seed = l->seed,
             .schedule = {.kind = HD_SCHEDULE_RESTARTS, .every = (float)epochs}, .user = &s,
             .on_epoch = snap);
  if (!status) status = judge(s.kept, s.count, n.p, test, wrong, loss, err);
  while (s.count) hd_store_free(s.kept[--s.count]);
  return status;
}

static hd_status from_averages(lesson *l, const hd_data *train, const hd_data *test, int epochs,
                               double *wrong, double *loss, hd_error *err) {
  net n = build(l, train);
  hd_store *p = lesson_store(l, l->seed);
  hd_status status =
      hd_fit(p, n.loss, train, err, .optimizer = hd_sgd(.lr = 0.05f, .momentum = 0.9f), .batch = 50,
             .epochs = 2 * epochs, .seed = l->seed, .swa = epochs + 1);
  return status ? status : judge(&p, 1, n.p, test, wrong, loss, err);
}

static hd_status run(lesson *l, hd_error *err) {
  const hd_data *train, *test;
  hd_store *store[NETS];
  double wrong[NETS], loss[NETS], single = 0, single_loss = 0, axis[NETS], rest[2][2];
  int epochs = l->brief ? 3 : 8;
  if (lesson_images(l, 5000, 10000, &train, &test, err)) return err->status;
  net n = build(l, train);
  for (int i = 0; i < NETS; i++) {
    store[i] = lesson_store(l, l->seed + (uint64_t)i);
    double w, e;
    if (hd_fit(store[i], n.loss, train, err, .optimizer = hd_sgd(.lr = 0.1f, .momentum = 0.9f),
               .batch = 50, .epochs = epochs, .seed = l->seed + (uint64_t)i,
               .schedule = {.kind = HD_SCHEDULE_COSINE}) ||
        judge(&store[i], 1, n.p, test, &w, &e, err) ||
        judge(store, i + 1, n.p, test, &wrong[i], &loss[i], err))
      return err->status;
    single += w / NETS, single_loss += e / NETS, axis[i] = i + 1;
    lesson_say(l, "net %d: %.2f %% wrong; the first %d together %.2f %%", i + 1, w, i + 1,
               wrong[i]);
  }
  lesson_clear(l);
  if (from_snapshots(l, train, test, epochs, &rest[0][0], &rest[0][1], err) ||
      from_averages(l, train, test, epochs, &rest[1][0], &rest[1][1], err))
    return err->status;
  lesson_clear(l);
  lesson_number(l, "a single net, mean of five", "-", "%.2f %% wrong, loss %.4f", single,
                single_loss);
  lesson_must(l, wrong[NETS - 1] < single || l->brief, "the five together",
              "better than one on average", "%.2f %% wrong", wrong[NETS - 1]);
  lesson_must(l, loss[NETS - 1] <= single_loss, "their loss", "never above the mean (Jensen)",
              "%.4f", loss[NETS - 1]);
  lesson_number(l, "five snapshots of one training", "several for the price of one",
                "%.2f %% wrong, loss %.4f", rest[0][0], rest[0][1]);
  lesson_number(l, "averaged weights (SWA)", "one net, wider minimum", "%.2f %% wrong, loss %.4f",
                rest[1][0], rest[1][1]);
  lesson_finding(l,
                 "Five nets that differ by their seed make %.2f %% errors one by one and %.2f %% "
                 "together; five snapshots of one training %.2f %%, averaged weights %.2f %%.",
                 single, wrong[NETS - 1], rest[0][0], rest[1][0]);
  hd_figure *f = hd_figure_new(l->env, .x = "nets", .y = "% of test images wrong");
  hd_figure_line(f, axis, wrong, NETS, .name = "their mean answers", .dots = true);
  return lesson_figure(l, f, "nets.svg", err);
}

const lecture lecture_ensemble = {
    "ensemble", "ljubljana", "regularisation", "Model averaging: ensembles", 30, run};
