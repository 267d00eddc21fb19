// Lecture: Bayesian fitting of neural nets: next year's sunspots with a 90 % band, by one net, by
// dropout that stays on, by Langevin dynamics and by Bayes by backprop, on years not trained on.
#include <math.h>
#include <stdio.h>

#include "lesson.h"
#include "sunspots.h"

enum { LAGS = 9, HELD = 80, TRAINED = SUNSPOTS - LAGS - HELD, HIDDEN = 20, KEPT = 60 };
typedef enum way { ONE_NET, DROPOUT, LANGEVIN, BACKPROP, WAYS } way;
static const char *const name[WAYS] = {"one net", "dropout left on", "Langevin dynamics",
                                       "Bayes by backprop"};

// Roots spread evenly where counts do not.
static float scaled(float sunspots) { return (sqrtf(sunspots) - 6) / 3; }
static double spots(double y) { return pow(fmax(0, 3 * y + 6), 2); }

// The years before, and the year, for `count` years.
static hd_status windows(const hd_env *env, int first, int count, hd_data *to, hd_error *err) {
  static const char *const columns[] = {"x", "y"};
  hd_tensor t[2] = {hd_tensor_new(env, HD_F32, HD_SHAPE(count, LAGS), err),
                    hd_tensor_new(env, HD_F32, HD_SHAPE(count, 1), err)};
  hd_status status = t[0].data && t[1].data ? HD_OK : HD_E_MEMORY;
  for (int i = 0; i < count && !status; i++) {
    for (int k = 0; k < LAGS; k++)
      ((float *)t[0].data)[i * LAGS + k] = scaled(lecture_sunspots[first + i + k]);
    ((float *)t[1].data)[i] = scaled(lecture_sunspots[first + i + LAGS]);
  }
  if (!status) status = hd_data_from_tensors(env, columns, t, 2, to, err);
  if (status) hd_tensor_free(&t[0]), hd_tensor_free(&t[1]);
  return status;
}

// The draws of Langevin dynamics: copies of the weights, once they have left where they began.
typedef struct draws {
  hd_store *store, *kept[KEPT];
  int count;
  hd_error *err;
} draws;

static bool keep(void *user, const hd_progress *at) {
  draws *d = user;
  int every = at->epochs * 3 / 4 / KEPT;
  if (at->epoch <= at->epochs / 4 || at->epoch % every || d->count == KEPT) return true;
  d->kept[d->count] = hd_store_copy(d->store, d->err);
  return d->kept[d->count++] != NULL;
}

typedef struct forecast {
  double mean[HELD], spread[HELD];  // spread: of the net's answers and of the noise together
  double noise;                     // deviation
} forecast;

// The net's mean, and the log of the noise's deviation, which is fitted too.
static hd_status fit(lesson *l, way w, const hd_data *train, const hd_data *held, draws *d,
                     forecast *to, hd_error *err) {
  hd_graph *g = lesson_graph(l);
  hd_store *p = d->store = lesson_store(l, l->seed);
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, LAGS)),
         t = hd_input(g, "y", HD_F32, HD_SHAPE(HD_BATCH, 1));
  hd_val h = hd_tanh(w == BACKPROP ? hd_dense_bayes(x, .units = HIDDEN, .deviation = 0.1f)
                                   : hd_dense(x, .units = HIDDEN));
  if (w == DROPOUT) h = hd_dropout(h, .rate = 0.1f);
  hd_val y =
      w == BACKPROP ? hd_dense_bayes(h, .units = 1, .deviation = 0.1f) : hd_dense(h, .units = 1);
  hd_val log_noise =
      hd_variable(g, HD_F32, HD_SHAPE(1), .name = "log_noise", .init = {HD_CONSTANT, -1, 0});
  hd_val variance = hd_exp(hd_scale(log_noise, 2));
  hd_val loss =
      hd_mean(hd_add(hd_scale(hd_div(hd_square(hd_sub(y, t)), variance), 0.5), log_noise));
  if (w == BACKPROP) loss = hd_add(loss, hd_scale(hd_bayes_kl(y, .prior = 0.5f), 1.0 / TRAINED));
  hd_optimizer optimizer = w == LANGEVIN
                               ? hd_sgld(.lr = 2e-4f, .samples = TRAINED, .prior = 0.5f)
                               : hd_adam(.lr = 0.01f, .weight_decay = w == DROPOUT ? 1e-3f : 0);
  hd_schedule cosine = {.kind = HD_SCHEDULE_COSINE}, constant = {.kind = HD_SCHEDULE_CONSTANT};
  int epochs = w == LANGEVIN ? 6000 : w == BACKPROP ? 4000 : 1500;
  hd_status status = hd_fit(p, loss, train, err, .optimizer = optimizer, .batch = TRAINED,
                            .schedule = w == LANGEVIN ? constant : cosine, .seed = l->seed,
                            .epochs = l->brief ? epochs / 10 : epochs, .user = d,
                            .on_epoch = w == LANGEVIN ? keep : NULL);
  if (status) return status;
  hd_predict_mean_options o = {.data = held,
                               .passes = w == DROPOUT || w == BACKPROP ? 200 : 0,
                               .ensemble = d->count ? d->kept : NULL,
                               .members = d->count};
  hd_tensor spread = {0}, mean, noise;
  noise = (hd_predict_mean)(p, hd_add(hd_scale(y, 0), variance), err, o);
  o.deviation = &spread;
  mean = (hd_predict_mean)(p, y, err, o);
  if (!noise.data || !mean.data) status = err->status;
  for (int i = 0; i < HELD && !status; i++) {
    double s = ((const float *)spread.data)[i], v = ((const float *)noise.data)[i];
    to->mean[i] = ((const float *)mean.data)[i];
    to->spread[i] = sqrt(s * s + v);
    to->noise = sqrt(v);
  }
  hd_tensor_free(&noise), hd_tensor_free(&mean), hd_tensor_free(&spread);
  return status;
}

static hd_status draw(lesson *l, const forecast *f, hd_error *err) {
  double year[HELD], seen[HELD], at[3][HELD];
  for (int i = 0; i < HELD; i++) {
    year[i] = SUNSPOTS_FROM + SUNSPOTS - HELD + i;
    seen[i] = lecture_sunspots[SUNSPOTS - HELD + i];
    for (int k = 0; k < 3; k++) at[k][i] = spots(f->mean[i] + (k - 1) * 1.645 * f->spread[i]);
  }
  hd_figure *fig = hd_figure_new(l->env, .x = "year", .y = "sunspots");
  hd_figure_line(fig, year, at[2], HELD, .name = "95 % are below");
  hd_figure_line(fig, year, at[1], HELD, .name = "forecast");
  hd_figure_line(fig, year, at[0], HELD, .name = "5 % are below");
  hd_figure_scatter(fig, year, seen, HELD, .name = "seen");
  return lesson_figure(l, fig, "band.svg", err);
}

static hd_status run(lesson *l, hd_error *err) {
  static forecast f[WAYS];
  hd_data train = {0}, held = {0};
  draws d = {.err = err};
  double inside[WAYS], off[WAYS], persistence = 0;
  hd_status status = windows(l->env, 0, TRAINED, &train, err);
  if (!status) status = windows(l->env, TRAINED, HELD, &held, err);
  const float *seen = lecture_sunspots + SUNSPOTS - HELD;
  for (int i = 0; i < HELD; i++) persistence += pow((double)(seen[i] - seen[i - 1]), 2) / HELD;
  for (int w = 0; w < WAYS && !status; w++) {
    status = fit(l, (way)w, &train, &held, &d, &f[w], err);
    inside[w] = off[w] = 0;
    for (int i = 0; i < HELD && !status; i++) {
      inside[w] += 100. / HELD * (fabs(scaled(seen[i]) - f[w].mean[i]) < 1.645 * f[w].spread[i]);
      off[w] += pow((double)seen[i] - spots(f[w].mean[i]), 2) / HELD;
    }
    while (d.count) hd_store_free(d.kept[--d.count]);
    lesson_clear(l);
  }
  hd_data_free(&train), hd_data_free(&held);
  if (status) return status;
  for (int w = 0; w < WAYS; w++) {
    char what[80];
    snprintf(what, sizeof what, "%s: years inside its 90 %% band", name[w]);
    lesson_number(l, what, "90 %", "%.0f %%, forecast off by %.1f", inside[w], sqrt(off[w]));
  }
  double least = fmin(inside[DROPOUT], fmin(inside[LANGEVIN], inside[BACKPROP])),
         most = fmax(inside[DROPOUT], fmax(inside[LANGEVIN], inside[BACKPROP]));
  lesson_must(l, l->brief || (least >= 80 && most <= 98), "90 % bands of uncertain weights",
              "85 to 95 %", "%.0f to %.0f %% of %d years", least, most, HELD);
  lesson_must(l, l->brief || off[LANGEVIN] < persistence, "forecast against \"as last year\"",
              "better", "off by %.1f against %.1f", sqrt(off[LANGEVIN]), sqrt(persistence));
  lesson_finding(
      l,
      "Of %d years that no net has seen, the 90 %% band of one net holds %.0f %%, that of dropout "
      "%.0f %%, of Langevin dynamics %.0f %%, of Bayes by backprop %.0f %%: weights that are not "
      "sure %s.",
      HELD, inside[ONE_NET], inside[DROPOUT], inside[LANGEVIN], inside[BACKPROP],
      inside[LANGEVIN] > inside[ONE_NET] ? "know better what they do not know"
                                         : "made no difference here");
  return draw(l, &f[LANGEVIN], err);
}

const lecture lecture_bayesian = {
    "bayesian", "ljubljana", "regularisation", "Bayesian fitting: forecasts with a band", 10, run};
