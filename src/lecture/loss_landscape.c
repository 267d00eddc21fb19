// Lecture: the landscape of the loss around a minimum, in two random directions normalised by unit
// (Li et al. 2018): a deep plain net, and the same with shortcuts.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lesson.h"

enum { LAYERS = 20, WIDTH = 48, SIDE = 55, BETWEEN = 2, KINDS = 2, WEIGHTS = 2 * LAYERS + 8 };
static const double GUESS = 2.302585;  // the loss of ten equal shares
static const char *const names[KINDS] = {"plain", "with shortcuts"};

static hd_val layer(hd_val h, bool shortcut) {
  hd_init init = {.kind = HD_HE_NORMAL};
  if (shortcut) init = (hd_init){HD_NORMAL, 0, 0.05f};  // the sum of all must not grow
  hd_val z = hd_relu(hd_dense(h, .units = WIDTH, .init = init));
  return shortcut ? hd_add(h, z) : z;
}

static double uniform(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return ((double)(*state >> 11) + 0.5) / 9007199254740992.;
}

// A normal direction whose columns, a unit's incoming weights each, are as long as the weight's.
static void direction(const float *weight, int64_t in, int64_t out, uint64_t *state, float *to) {
  for (int64_t i = 0; i < in * out; i++)
    to[i] = (float)(sqrt(-2 * log(uniform(state))) * cos(6.28318530717959 * uniform(state)));
  for (int64_t c = 0; c < out; c++) {
    double own = 0, drawn = 0;
    for (int64_t r = 0; r < in; r++) {
      own += (double)weight[r * out + c] * weight[r * out + c];
      drawn += (double)to[r * out + c] * to[r * out + c];
    }
    for (int64_t r = 0; r < in; r++) to[r * out + c] *= (float)sqrt(own / drawn);
  }
}

// Losses over the grid from -1 to 1 in both directions. Biases stay.
static hd_status survey(lesson *l, hd_store *p, hd_val loss, const hd_data *data, int side,
                        double *to, hd_error *err) {
  const hd_parameter *at[WEIGHTS];
  hd_tensor moved[WEIGHTS][3] = {{{0}}};  // the minimum, and the two directions
  int count = 0;
  uint64_t state = l->seed;
  hd_plan *plan = hd_compile(p, err, .fetch = {loss}, .batch = data->samples);
  hd_workspace *w = plan ? hd_workspace_new(plan, NULL, err) : NULL;
  hd_status status = w ? HD_OK : err->status;
  for (int c = 0; !status && c < data->columns; c++) {
    void *input = hd_workspace_input(w, data->column[c].name, NULL);
    size_t bytes = (size_t)hd_shape_count(data->column[c].type.shape) *
                   hd_dtype_size(data->column[c].type.dtype);
    for (int64_t i = 0; input && !status && i < data->samples; i++)
      status = data->read(data->user, c, &i, 1, (char *)input + (size_t)i * bytes, err);
  }
  for (int i = 0; !status && i < hd_store_count(p) && count < WEIGHTS; i++) {
    const hd_parameter *one = hd_store_at(p, i);
    if (one->role != HD_WEIGHT || one->type.shape.rank != 2) continue;
    for (int k = 0; !status && k < 3; k++) {
      hd_tensor *made = &moved[count][k];
      *made = hd_tensor_new(l->env, HD_F32, one->type.shape, err);
      if (!made->data) status = err->status;
      else if (k)
        direction(one->data, one->type.shape.d[0], one->type.shape.d[1], &state, made->data);
      else memcpy(made->data, one->data, (size_t)hd_shape_count(one->type.shape) * sizeof(float));
    }
    at[count] = one;
    count++;
  }
  for (int i = 0; !status && i < side * side; i++) {
    float a = 2.f * (float)(i % side) / (float)(side - 1) - 1;
    float b = 1 - 2.f * (float)(i / side) / (float)(side - 1);
    for (int k = 0; k < count; k++) {
      float *weight = at[k]->data;
      const float *from = moved[k][0].data, *first = moved[k][1].data, *second = moved[k][2].data;
      for (int64_t j = hd_shape_count(at[k]->type.shape); j-- > 0;)
        weight[j] = from[j] + a * first[j] + b * second[j];
    }
    status = hd_run(w, err);
    if (!status) to[i] = *(const float *)hd_workspace_fetch(w, 0, NULL);
  }
  for (int i = 0; i < WEIGHTS; i++)
    for (int k = 0; k < 3; k++) hd_tensor_free(&moved[i][k]);
  hd_workspace_free(w), hd_plan_free(plan);
  return status;
}

// How rough the grid is: points lower than all eight around them, and the percentage of points
// where the surface is not convex, its second differences having a negative eigenvalue.
static int hollows(const double *at, int side, double *bent) {
  int found = 0, negative = 0;
  for (int r = 1; r < side - 1; r++)
    for (int c = 1; c < side - 1; c++) {
      const double *v = at + r * side + c;
      bool least = true;
      for (int k = 0; k < 9; k++)
        if (k != 4 && v[(k / 3 - 1) * side + k % 3 - 1] <= *v) least = false;
      double xx = v[1] + v[-1] - 2 * *v, yy = v[side] + v[-side] - 2 * *v;
      double xy = (v[side + 1] + v[-side - 1] - v[side - 1] - v[1 - side]) / 4;
      found += least, negative += xx + yy < 0 || xx * yy < xy * xy;
    }
  *bent = 100. * negative / ((side - 2) * (side - 2));
  return found;
}

static hd_status run(lesson *l, hd_error *err) {
  static double loss[KINDS][SIDE * SIDE];
  static double both[SIDE * (2 * SIDE + BETWEEN)];  // side by side, of one scale
  double axis[SIDE], basin[KINDS], ratio[KINDS], bent[KINDS];
  int side = l->brief ? 27 : SIDE, found[KINDS], columns = 2 * side + BETWEEN;
  const hd_data *train, *test, *batch;
  if (lesson_images(l, 10000, 5000, &train, &test, err) ||
      !(batch = lesson_some(l, train, 0, 500, err)))
    return err->status;
  hd_figure *slice =
      hd_figure_new(l->env, .x = "along the first direction", .y = "loss", .log_y = true);
  for (int k = 0; k < KINDS && !err->status; k++) {
    hd_graph *g = lesson_graph(l);
    hd_store *p = lesson_store(l, l->seed);
    hd_val h = hd_dense(hd_flatten(lesson_pixels(l, g, train)), .units = WIDTH);
    for (int i = 0; i < LAYERS; i++) h = layer(h, k == 1);
    hd_val t = lesson_labels(g), y = hd_dense(h, .units = 10), sum = hd_cross_entropy(y, t);
    hd_metrics m;
    if (hd_fit(p, sum, train, err, .optimizer = hd_adam(.lr = 0.001f), .batch = 100,
               .epochs = l->brief ? 2 : 8, .schedule = {.kind = HD_SCHEDULE_COSINE}) ||
        hd_evaluate(p, sum, hd_accuracy(y, t), test, 100, &m, err) ||
        survey(l, p, sum, batch, side, loss[k], err))
      break;
    double low = INFINITY, high = 0;
    basin[k] = 0, found[k] = hollows(loss[k], side, &bent[k]);
    for (int i = 0; i < side * side; i++) {
      low = fmin(low, loss[k][i]), high = fmax(high, loss[k][i]);
      basin[k] += 100. * (loss[k][i] < GUESS) / (side * side);
      both[i / side * columns + i % side + k * (side + BETWEEN)] = fmin(loss[k][i], 100);
    }
    ratio[k] = high / low;
    for (int i = 0; i < side; i++) axis[i] = 2. * i / (side - 1) - 1;
    hd_figure_line(slice, axis, loss[k] + side / 2 * side, side, .name = names[k], .dots = true);
    lesson_number(l, names[k], k ? "smooth" : "chaotic", "loss %.3f to %.0f; test %.1f %% right",
                  low, high, 100 * m.accuracy);
    lesson_number(l, names[k], k ? "a wide valley" : "a narrow one",
                  "better than guessing on %.1f %% of the square", basin[k]);
    lesson_number(l, names[k], k ? "convex" : "not convex",
                  "%d hollow%s; not convex on %.0f %% of it", found[k], found[k] == 1 ? "" : "s",
                  bent[k]);
    lesson_clear(l);
  }
  if (err->status) return hd_figure_free(slice), err->status;
  lesson_finding(
      l,
      "The valley better than guessing is %.0f %% of the square without shortcuts and %.0f %% with "
      "them, highest over lowest point %.0e and %.0e: shortcuts make it %s. Hollows: %d and %d; "
      "not "
      "convex: %.0f and %.0f %%.",
      basin[0], basin[1], ratio[0], ratio[1],
      basin[1] > basin[0] && ratio[1] < ratio[0] ? "wider and flatter"
      : basin[1] > basin[0]                      ? "wider, but not flatter"
      : ratio[1] < ratio[0]                      ? "flatter, but not wider"
                                                 : "neither wider nor flatter",
      found[0], found[1], bent[0], bent[1]);
  for (int i = 0; i < side * BETWEEN; i++) both[i / BETWEEN * columns + side + i % BETWEEN] = NAN;
  hd_figure *f = hd_figure_new(l->env, .title =
                                           "plain, and with shortcuts: the darker the higher "
                                           "the loss, up to 100");
  hd_figure_heat(f, both, side, columns, .log = true, .no_values = true);
  if (lesson_figure(l, f, "square.png", err)) return hd_figure_free(slice), err->status;
  return lesson_figure(l, slice, "slice.svg", err);
}

const lecture lecture_loss_landscape = {
    "loss-landscape", "trondheim ffi", "studies", "The landscape of the loss", 8, run};
