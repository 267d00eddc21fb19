// Lecture: how many weights full, local and shared connections have, counted in networks that are
// described and not made; and the same for the 20x20 example, where they are.
#include <stdio.h>

#include "lesson.h"

typedef enum kind { DENSE, LOCAL, SHARED } kind;
typedef struct net {
  const char *what, *slide;
  kind kind;
  int side, units, field;  // dense: units; others: maps of fields x fields
  bool same, bias;
  int64_t weights, hidden;  // expected
} net;

static const net nets[] = {
    {"200x200 to 400,000, full", "16 B", DENSE, 200, 400000, 0, false, false, 16000000000, 400000},
    {"the same, fields of 10x10", "40 M", LOCAL, 200, 10, 10, true, false, 40000000, 400000},
    {"one filter of 10x10, shared", "100", SHARED, 200, 1, 10, true, false, 100, 40000},
    {"20x20 to 256, full", "102,400", DENSE, 20, 256, 0, false, false, 102400, 256},
    {"25 edges to each of the 256", "6,400", LOCAL, 20, 1, 5, false, false, 6400, 256},
    {"one filter of 5x5 and its bias", "26", SHARED, 20, 1, 5, false, true, 26, 256},
    {"1000 to 1000, full", "explodes", DENSE, 0, 1000, 0, false, false, 1000000, 1000},
    {"1 megapixel, 64 filters of 3x3", "far below 1 M", SHARED, 1000, 64, 3, true, true, 640,
     64000000}};
enum { NETS = sizeof nets / sizeof *nets };

static hd_val layer(hd_graph *g, const net *n) {
  if (!n->side)
    return hd_dense(hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, 1000)), .units = n->units,
                    .no_bias = true);
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, n->side, n->side, 1));
  hd_padding pad = n->same ? HD_SAME : HD_VALID;
  if (n->kind == DENSE) return hd_dense(hd_flatten(x), .units = n->units, .no_bias = !n->bias);
  if (n->kind == LOCAL)
    return hd_locally_connected2d(x, .filters = n->units, .kernel = {n->field}, .pad = pad,
                                  .no_bias = !n->bias);
  return hd_conv2d(x, .filters = n->units, .kernel = {n->field}, .pad = pad, .no_bias = !n->bias);
}

static int64_t count(hd_val y) {
  hd_val weight[8];
  int64_t sum = 0;
  for (int i = 0, n = hd_weights(y, weight, 8); i < n && i < 8; i++)
    sum += hd_shape_count(hd_val_type(weight[i]).shape);
  return sum;
}

static void commas(int64_t n, char *to) {
  char plain[24];
  int digits = snprintf(plain, sizeof plain, "%lld", (long long)n), used = 0;
  for (int i = 0; i < digits; i++) {
    to[used++] = plain[i];
    if (i + 1 < digits && (digits - 1 - i) % 3 == 0) to[used++] = ',';
  }
  to[used] = 0;
}

static hd_status run(lesson *l, hd_error *err) {
  char a[40], b[40];
  double work[3] = {0}, drawn[6];
  const char *const names[] = {"full", "local", "shared", "full ", "local ", "shared "};
  for (int i = 0; i < NETS; i++) {
    const net *n = &nets[i];
    hd_graph *g = lesson_graph(l);
    hd_val y = layer(g, n);
    if (!y.graph) {
      snprintf(err->text, sizeof err->text, "%.500s", hd_graph_error(g));
      return err->status = HD_E_ARGUMENT;
    }
    hd_shape s = hd_val_type(y).shape;
    int64_t weights = count(y), hidden = 1;
    for (int k = 1; k < s.rank; k++) hidden *= s.d[k];
    commas(weights, a), commas(hidden, b);
    if (i < 6) drawn[i] = (double)weights;
    lesson_must(l, weights == n->weights && hidden == n->hidden, n->what, n->slide,
                "%s weights, %s values out", a, b);
    if (n->side == 20) {  // these are made, and their work counted
      hd_plan *plan = hd_compile(lesson_store(l, 1), err, .fetch = {y}, .batch = 1);
      if (!plan) return err->status;
      work[n->kind] = hd_plan_describe(plan).flop;
      hd_plan_free(plan);
    }
    lesson_clear(l);
  }
  lesson_number(l, "operations for one 20x20 image", "O(m n) and O(k n)",
                "%.0f full, %.0f local, %.0f shared and biased", work[DENSE], work[LOCAL],
                work[SHARED]);
  lesson_finding(l,
                 "A hidden unit that sees 25 of 400 pixels needs 16 times fewer weights and "
                 "operations; sharing its filter leaves 26 weights and not one operation less "
                 "than local connections: it saves memory and examples, not time.");
  hd_figure *f = hd_figure_new(l->env, .y = "weights", .log_y = true,
                               .title = "200x200 pixels (left), 20x20 pixels (right)");
  hd_figure_bars(f, names, drawn, 6);
  return lesson_figure(l, f, "weights.svg", err);
}

const lecture lecture_connectivity = {"connectivity",
                                      "oslo trondheim ffi ljubljana",
                                      "convolution",
                                      "Full, local and shared connections, counted",
                                      1,
                                      run};
