// Lecture: backpropagation, every delta of a small net, and the textbook's loops beside the
// framework's gradients in double precision: the same numbers to the last bit.
//   y_l = g(z_l), z_l = y_(l-1) W_l + b_l, R = 1/N sum_n 1/2 |y - t|^2, g the logistic function
//   delta_L = (y - t)/N g'(z), delta_l = g'(z_l) sum_m delta_m w_lm, dR/dW_l = sum_n y_(l-1)
//   delta_l
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lesson.h"

enum { SAMPLES = 4, LAYERS = 4, WIDEST = 784 };

// Everything that the loops calculate; layer 0 is the input.
typedef struct textbook {
  int layers, size[LAYERS];
  double w[LAYERS][WIDEST * 40], b[LAYERS][WIDEST];
  double y[LAYERS][SAMPLES][WIDEST], delta[LAYERS][SAMPLES][WIDEST];
  double dw[LAYERS][WIDEST * 40], db[LAYERS][WIDEST];
} textbook;

static void forward(textbook *t) {
  for (int l = 1; l < t->layers; l++)
    for (int n = 0; n < SAMPLES; n++)
      for (int j = 0; j < t->size[l]; j++) {
        double z = 0;
        for (int i = 0; i < t->size[l - 1]; i++)
          z += t->y[l - 1][n][i] * t->w[l][i * t->size[l] + j];
        t->y[l][n][j] = 1 / (1 + exp(-(z + t->b[l][j])));
      }
}

static void backward(textbook *t, const double *target) {
  for (int l = t->layers - 1; l > 0; l--)
    for (int n = 0; n < SAMPLES; n++)
      for (int j = 0; j < t->size[l]; j++) {
        double y = t->y[l][n][j], sum = 0;
        if (l == t->layers - 1) sum = (y - target[n * t->size[l] + j]) / SAMPLES;
        else
          for (int m = 0; m < t->size[l + 1]; m++)
            sum += t->delta[l + 1][n][m] * t->w[l + 1][j * t->size[l + 1] + m];
        t->delta[l][n][j] = sum * (y * (1 - y));
      }
  for (int l = 1; l < t->layers; l++)
    for (int j = 0; j < t->size[l]; j++) {
      t->db[l][j] = 0;
      for (int n = 0; n < SAMPLES; n++) t->db[l][j] += t->delta[l][n][j];
      for (int i = 0; i < t->size[l - 1]; i++) {
        double sum = 0;
        for (int n = 0; n < SAMPLES; n++) sum += t->y[l - 1][n][i] * t->delta[l][n][j];
        t->dw[l][i * t->size[l] + j] = sum;
      }
    }
}

// The same net in the framework: only the forward side is said. Returns how many of the *count
// numbers (deltas, gradients of weights and biases) have the bits of the textbook's.
static hd_status compare(lesson *l, textbook *t, const double *target, int64_t *same,
                         int64_t *count, double *loss, hd_error *err) {
  hd_graph *g = lesson_graph(l);
  hd_store *p = lesson_store(l, l->seed);
  int last = t->layers - 1;
  hd_val y[LAYERS], want[3 * LAYERS], got[16] = {{0}};
  y[0] = hd_input(g, "x", HD_F64, HD_SHAPE(SAMPLES, t->size[0]));
  hd_val goal = hd_input(g, "t", HD_F64, HD_SHAPE(SAMPLES, t->size[last]));
  for (int i = 1; i <= last; i++) {
    char name[16] = {'l', (char)('0' + i), 0};
    want[3 * i - 3] = hd_dense(y[i - 1], .units = t->size[i], .name = name);  // z: dR/dz is delta
    y[i] = hd_sigmoid(want[3 * i - 3]);
  }
  hd_val risk = hd_scale(hd_sum(hd_square(hd_sub(y[last], goal))), 0.5 / SAMPLES);
  hd_val weight[2 * LAYERS];
  if (hd_weights(risk, weight, 2 * LAYERS) != 2 * last) return err->status = HD_E_INTERNAL;
  for (int i = 0; i < 2 * last; i++) want[3 * (i / 2) + 1 + i % 2] = weight[i];
  if (hd_gradients(risk, (hd_val){0}, want, 3 * last, got)) got[0] = (hd_val){0};
  got[3 * last] = risk;
  hd_plan *plan = hd_compile(p, err, .more = got, .mores = 3 * last + 1);
  hd_workspace *w = plan ? hd_workspace_new(plan, NULL, err) : NULL;
  hd_status status = w ? HD_OK : err->status;
  for (int i = 1; !status && i <= last; i++) {  // its first weights, for the loops
    char name[16] = {'l', (char)('0' + i), 0};
    const hd_parameter *matrix = hd_store_find(p, strcat(name, "/weight"));
    memcpy(t->w[i], matrix->data, sizeof(double) * (size_t)(t->size[i - 1] * t->size[i]));
    memset(t->b[i], 0, sizeof t->b[i]);
  }
  if (!status) {
    double *x = hd_workspace_input(w, "x", NULL);
    for (int n = 0; n < SAMPLES; n++)
      memcpy(x + n * t->size[0], t->y[0][n], sizeof(double) * (size_t)t->size[0]);
    memcpy(hd_workspace_input(w, "t", NULL), target,
           sizeof(double) * (size_t)(SAMPLES * t->size[last]));
    status = hd_run(w, err);
  }
  if (!status) forward(t), backward(t, target);
  for (int i = 1; !status && i <= last; i++) {
    const double *delta = hd_workspace_fetch(w, 3 * i - 3, NULL);
    const double *dw = hd_workspace_fetch(w, 3 * i - 2, NULL);
    const double *db = hd_workspace_fetch(w, 3 * i - 1, NULL);
    for (int j = 0; j < t->size[i]; j++) {
      for (int n = 0; n < SAMPLES; n++)
        *same += !memcmp(&delta[n * t->size[i] + j], &t->delta[i][n][j], sizeof *delta);
      for (int k = 0; k < t->size[i - 1]; k++)
        *same += !memcmp(&dw[k * t->size[i] + j], &t->dw[i][k * t->size[i] + j], sizeof *dw);
      *same += !memcmp(&db[j], &t->db[i][j], sizeof *db);
    }
    *count += t->size[i] * (SAMPLES + t->size[i - 1] + 1);
  }
  if (!status) *loss = *(const double *)hd_workspace_fetch(w, 3 * last, NULL);
  hd_workspace_free(w);
  hd_plan_free(plan);
  return status;
}

static void print(lesson *l, const textbook *t) {
  for (int i = t->layers - 1; i > 0; i--) {
    lesson_say(l, "\nlayer %d, first sample%s", i, i == t->layers - 1 ? " (output)" : "");
    for (int j = 0; j < t->size[i]; j++)
      lesson_say(l, "  unit %d: y = %.6f  g'(z) = %.6f  delta = %+.8f  dR/db = %+.8f", j + 1,
                 t->y[i][0][j], t->y[i][0][j] * (1 - t->y[i][0][j]), t->delta[i][0][j],
                 t->db[i][j]);
    for (int k = 0; k < t->size[i - 1]; k++)
      for (int j = 0; j < t->size[i]; j++)
        lesson_say(l, "  w%d%d = %+.6f  dR/dw = %+.8f", k + 1, j + 1, t->w[i][k * t->size[i] + j],
                   t->dw[i][k * t->size[i] + j]);
  }
}

static hd_status run(lesson *l, hd_error *err) {
  static const double x[SAMPLES][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};
  static const double xor2[SAMPLES * 2] = {1, 0, 0, 1, 0, 1, 1, 0};
  static textbook t;
  int64_t same = 0, count = 0;
  double loss = 0;
  t = (textbook){.layers = 4, .size = {2, 3, 3, 2}};
  for (int n = 0; n < SAMPLES; n++) memcpy(t.y[0][n], x[n], sizeof x[n]);
  lesson_say(l, "Exclusive or by 2-3-3-2, all four samples, first weights of seed %llu.",
             (unsigned long long)l->seed);
  if (compare(l, &t, xor2, &same, &count, &loss, err)) return err->status;
  print(l, &t);
  lesson_say(l, "\nR = %.10f", loss);
  lesson_must(l, same == count, "2-3-3-2: numbers with equal bits", "the same algorithm",
              "%lld of %lld", (long long)same, (long long)count);

  const hd_data *train, *test;
  unsigned char image[SAMPLES * WIDEST];
  int label[SAMPLES];
  int64_t index[SAMPLES] = {0, 1, 2, 3};
  double digit[SAMPLES * 10] = {0};
  if (lesson_images(l, 1000, 0, &train, &test, err) ||
      train->read(train->user, hd_data_column(train, "image"), index, SAMPLES, image, err) ||
      train->read(train->user, hd_data_column(train, "label"), index, SAMPLES, label, err))
    return err->status;
  hd_shape s = train->column[hd_data_column(train, "image")].type.shape;
  t = (textbook){.layers = 3, .size = {(int)(s.d[0] * s.d[1]), 30, 10}};
  for (int n = 0; n < SAMPLES; n++) {
    for (int i = 0; i < t.size[0]; i++) t.y[0][n][i] = image[n * t.size[0] + i] / 255.;
    digit[n * 10 + label[n]] = 1;
  }
  same = count = 0;
  if (compare(l, &t, digit, &same, &count, &loss, err)) return err->status;
  lesson_must(l, same == count, "images by 30-10: numbers with equal bits", "the same algorithm",
              "%lld of %lld", (long long)same, (long long)count);
  lesson_number(l, "code for it", "only the forward side", "no derivative written");
  lesson_finding(l,
                 "Automatic differentiation is the delta rule: %s of the %lld deltas and gradients "
                 "differ from the textbook's loops in double precision.",
                 same == count ? "none" : "some", (long long)count);
  double size[30];
  for (int j = 0; j < 30; j++) size[j] = fabs(t.delta[1][0][j]);
  hd_figure *f = hd_figure_new(l->env, .x = "hidden unit", .y = "|delta|",
                               .title = "deltas of the hidden layer, first image");
  hd_figure_bars(f, NULL, size, 30);
  return lesson_figure(l, f, "deltas.svg", err);
}

const lecture lecture_backprop = {"backprop",
                                  "oslo ffi ai ljubljana",
                                  "backpropagation",
                                  "Backpropagation, every delta, beside the textbook's loops",
                                  1,
                                  run};
