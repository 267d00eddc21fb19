// The run page's curves: loss, accuracy, learning rate, norms.
#include "page.h"

#include <math.h>

static bool any(const double *v, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    if (isfinite(v[i])) return true;
  return false;
}

// Where the best weights are, and where the run ended before its time.
static void marks(const hd_page *p, hd_figure *f) {
  const hd_run_log *g = &p->log;
  int planned = p->recipe ? p->recipe->train.epochs : 0;
  bool early = g->epochs && g->epochs < planned;
  if (g->best >= 0 && g->has_valid && g->best < g->epochs - 1)
    hd_figure_rule(f, g->epoch[g->best], "best");
  if (early && g->best < g->epochs - 1 && (g->final || g->stopped))
    hd_figure_rule(f, g->epoch[g->epochs - 1], g->final ? "stop" : "broken off");
}

static void curves(hd_page *p, const char *title, const char *y, const double *train,
                   const double *valid, double times, bool zero) {
  const hd_run_log *g = &p->log;
  double low = INFINITY, high = 0;
  for (int64_t i = 0; i < g->epochs; i++)
    for (int k = 0; k < 2; k++) {
      double v = (k ? valid : train)[i];
      if (isfinite(v) && v > 0) low = fmin(low, v), high = fmax(high, v);
    }
  bool log_y = zero && high / low > 30;  // a loss that falls by decades
  hd_figure *f = hd_figure_new(p->env, .x = "epoch", .y = y, .log_y = log_y,
                               .y_from_zero = zero && !log_y, .width = 500, .height = 270);
  double *scaled[2] = {NULL, NULL};
  const double *from[2] = {train, valid};
  for (int k = 0; f && k < 2; k++) {
    if (!any(from[k], g->epochs)) continue;
    scaled[k] = hd_arena_alloc(&p->arena, sizeof(double) * (size_t)g->epochs);
    if (!scaled[k]) {
      hd_page_failed(p, HD_E_MEMORY, "memory is out");
      break;
    }
    for (int64_t i = 0; i < g->epochs; i++) scaled[k][i] = times * from[k][i];
    hd_figure_line(f, g->epoch, scaled[k], g->epochs, .name = k ? "validation" : "training",
                   .color = k ? HD_COLOR_VERMILION : HD_COLOR_BLUE, .dots = g->epochs <= 40);
  }
  if (f) marks(p, f);
  hd_page_figure(p, f, title, NULL);
}

// The schedule between the recorded rates; none of a schedule that follows the loss.
static void learning_rate(hd_page *p) {
  enum { SAMPLES = 400 };
  const hd_run_log *g = &p->log;
  const hd_recipe *r = p->recipe;
  double x[SAMPLES + 1], y[SAMPLES + 1];
  hd_figure *f = hd_figure_new(p->env, .x = "epoch", .y = "learning rate", .y_from_zero = true,
                               .width = 500, .height = 270);
  double steps = g->epochs ? g->step[0] / g->epoch[0] : NAN;
  bool known = f && r && r->schedule.kind != HD_SCHEDULE_PLATEAU && steps >= 1 && steps <= 1e9 &&
               g->lr[0] > 0;
  if (known) {
    double updates = steps / HD_MAX(r->train.accumulate, 1);
    int64_t last = (int64_t)((HD_MIN(g->step[0], 1e15) - 1) / HD_MAX(r->train.accumulate, 1));
    double base = g->lr[0] / hd_schedule_factor(&r->schedule, updates, r->train.epochs, last);
    int64_t all = (int64_t)(updates * HD_MIN((double)g->epochs, 1e6)), count = HD_MIN(all, SAMPLES);
    for (int64_t i = 0; i < count; i++) {
      int64_t at = count > 1 ? (all - 1) * i / (count - 1) : 0;
      x[i] = ((double)at + 1) / updates;
      y[i] = base * hd_schedule_factor(&r->schedule, updates, r->train.epochs, at);
    }
    known = isfinite(base);
    if (known) hd_figure_line(f, x, y, count, .color = HD_COLOR_GREEN);
  }
  if (f && !known)
    hd_figure_line(f, g->epoch, g->lr, g->epochs, .color = HD_COLOR_GREEN, .dots = g->epochs <= 40);
  hd_page_figure(p, f, "Learning rate", NULL);
}

// ---- Norms --------------------------------------------------------------------------------------

enum { LINES = 7 };  // more layers than colours are a heat map

static const double *values(const hd_run_layer *l, int which) {
  return which == 0 ? l->gradient : which == 1 ? l->activation : l->weight;
}

static hd_figure *norm_lines(hd_page *p, int which) {
  const hd_run_log *g = &p->log;
  hd_figure *f =
      hd_figure_new(p->env, .x = "epoch", .log_y = which < 2, .width = 500, .height = 270);
  for (int i = 0; f && i < g->layers; i++)
    hd_figure_line(f, g->epoch, values(&g->layer[i], which), g->epochs, .name = g->layer[i].name,
                   .dots = g->epochs <= 1);
  return f;
}

// Layers downwards, epochs to the right, at most 60 of them.
static hd_figure *norm_heat(hd_page *p, int which) {
  const hd_run_log *g = &p->log;
  int64_t columns = HD_MIN(g->epochs, 60);
  hd_figure *f = hd_figure_new(p->env, .x = "epoch");
  double *v = hd_arena_alloc(&p->arena, sizeof *v * (size_t)(columns * g->layers));
  const char **name = hd_arena_alloc(&p->arena, sizeof *name * (size_t)g->layers);
  const char **at = hd_arena_alloc(&p->arena, sizeof *at * (size_t)columns);
  if (!f || !v || !name || !at) return f;
  for (int64_t k = 0; k < columns; k++) {
    int64_t e = columns > 1 ? (g->epochs - 1) * k / (columns - 1) : 0;
    at[k] = hd_arena_print(&p->arena, "%.0f", g->epoch[e]);
    for (int i = 0; i < g->layers; i++) v[i * columns + k] = values(&g->layer[i], which)[e];
  }
  for (int i = 0; i < g->layers; i++) name[i] = g->layer[i].name;
  hd_figure_heat(f, v, g->layers, columns, .row_names = name, .column_names = at, .no_values = true,
                 .log = true);
  return f;
}

static void norms(hd_page *p) {
  static const char *const title[] = {"Gradients", "Activations", "Weights"};
  static const char *const note[] = {
      "Norm of the loss's gradient by each layer's weights, on half of an epoch's last batch.",
      "Root mean square of each layer's output, on the same samples.",
      "Norm of each layer's weights."};
  for (int i = 0; i < 3; i++)
    hd_page_figure(p, p->log.layers <= LINES ? norm_lines(p, i) : norm_heat(p, i), title[i],
                   note[i]);
}

// ---- All of them --------------------------------------------------------------------------------

void hd_page_training(hd_page *p) {
  const hd_run_log *g = &p->log;
  hd_text_add(&p->html, "<section>\n<h2>Training</h2>\n");
  if (g->epochs < 1) {
    hd_text_add(&p->html, "<p>No epoch was finished.</p>\n</section>\n");
    return;
  }
  hd_text_add(&p->html, "<div class=\"row\">\n");
  curves(p, "Loss", "loss", g->loss, g->valid_loss, 1, true);
  if (g->has_accuracy)
    curves(p, "Accuracy", "accuracy, %", g->accuracy, g->valid_accuracy, 100, false);
  if (any(g->lr, g->epochs)) learning_rate(p);
  if (g->layers > 0) norms(p);
  hd_text_add(&p->html, "</div>\n</section>\n");
}
