// Lecture: many more parameters than samples: the test error of one hidden layer on 1,000 images,
// some with wrong labels, as its width grows beyond what learns them by heart. Once with all
// weights trained, once with a random first layer and the last by least squares (Belkin et al.
// 2019), which is exact and whose parameters are as many as its equations at samples x 10.
#include <math.h>
#include <stdio.h>

#include "lesson.h"

enum { KINDS = 2, WIDTHS = 12, CLASSES = 10, NOISE = 15 };  // NOISE: percent of wrong labels
static const char *const names[KINDS] = {"all layers by Adam", "last layer, least squares"};
static const int widths[WIDTHS] = {1, 2, 3, 5, 8, 13, 24, 60, 150, 400, 1000, 2000};
// The random features are as many as so much percent of the samples.
static const int shares[WIDTHS] = {5, 10, 20, 40, 70, 90, 100, 110, 150, 220, 350, 600};

// The same images in memory, some labels replaced by another class.
static hd_status with_noise(lesson *l, const hd_data *from, hd_data *to, hd_error *err) {
  int image = hd_data_column(from, "image"), label = hd_data_column(from, "label");
  const hd_shape s = from->column[image].type.shape;
  int64_t n = from->samples;
  hd_tensor at[2] = {hd_tensor_new(l->env, HD_U8, HD_SHAPE(n, s.d[0], s.d[1], s.d[2]), err),
                     hd_tensor_new(l->env, HD_I32, HD_SHAPE(n), err)};
  int32_t *t = at[1].data;
  uint64_t state = l->seed;
  hd_status status = at[0].data && t ? HD_OK : err->status;
  for (int64_t i = 0; !status && i < n; i++) {
    status = from->read(from->user, image, &i, 1,
                        (uint8_t *)at[0].data + i * s.d[0] * s.d[1] * s.d[2], err);
    if (!status) status = from->read(from->user, label, &i, 1, t + i, err);
    state = state * 6364136223846793005u + 1442695040888963407u;
    if ((state >> 33) % 100 < NOISE) t[i] = (t[i] + 1 + (int32_t)((state >> 45) % 9)) % CLASSES;
  }
  if (!status)
    status = hd_data_from_tensors(l->env, (const char *[]){"image", "label"}, at, 2, to, err);
  if (status) return hd_tensor_free(&at[0]), hd_tensor_free(&at[1]), status;
  to->classes = CLASSES;
  return HD_OK;
}

// ---- All layers by Adam -------------------------------------------------------------------------

// Enough is when every label is learnt.
static bool on_epoch(void *user, const hd_progress *at) {
  return (void)user, at->train.loss > 0.001;
}

static hd_status adam(lesson *l, int width, hd_store *p, hd_val loss, const hd_data *train,
                      hd_error *err) {
  // Narrow nets need more steps, and theirs cost less.
  int most = width < 30 ? 300 : width < 500 ? 150 : 60;
  hd_status status =
      hd_fit(p, loss, train, err, .optimizer = hd_adam(.lr = width < 500 ? 0.002f : 0.0005f),
             .batch = 50, .epochs = l->brief ? 3 : most, .on_epoch = on_epoch,
             .schedule = {.kind = HD_SCHEDULE_COSINE}, .seed = l->seed);
  if (status == HD_E_STOPPED) status = HD_OK, *err = (hd_error){0};
  return status;
}

// ---- The last layer by least squares ------------------------------------------------------------

static double dot(const double *a, const double *b, int64_t n) {
  double sum[4] = {0};  // four, for speed
  for (; n >= 4; n -= 4, a += 4, b += 4)
    sum[0] += a[0] * b[0], sum[1] += a[1] * b[1], sum[2] += a[2] * b[2], sum[3] += a[3] * b[3];
  while (n-- > 0) sum[0] += a[n] * b[n];
  return sum[0] + sum[1] + sum[2] + sum[3];
}

// a x = b for a symmetric positive a (n, n), by Cholesky in place; b (n, CLASSES) becomes x.
static void solve(double *a, int64_t n, double *b) {
  for (int64_t i = 0; i < n; i++)
    for (int64_t j = 0; j <= i; j++) {
      double sum = a[i * n + j] - dot(a + i * n, a + j * n, j);
      a[i * n + j] = i == j ? sqrt(fmax(sum, 1e-300)) : sum / a[j * n + j];
    }
  for (int64_t i = 0; i < n; i++)
    for (int c = 0; c < CLASSES; c++) {
      for (int64_t k = 0; k < i; k++) b[i * CLASSES + c] -= a[i * n + k] * b[k * CLASSES + c];
      b[i * CLASSES + c] /= a[i * n + i];
    }
  for (int64_t i = n; i-- > 0;)
    for (int c = 0; c < CLASSES; c++) {
      for (int64_t k = i + 1; k < n; k++) b[i * CLASSES + c] -= a[k * n + i] * b[k * CLASSES + c];
      b[i * CLASSES + c] /= a[i * n + i];
    }
}

// The least squares weights of units -> classes, of all such the shortest, into `weight`: from the
// normal equations where there are fewer units than samples, else from the samples' products.
static hd_status least_squares(lesson *l, hd_store *p, hd_val h, const hd_data *train,
                               float *weight, hd_error *err) {
  hd_tensor units = hd_predict_data(p, h, train, 100, err);
  if (!units.data) return err->status;
  int64_t n = units.shape.d[0], w = units.shape.d[1], side = w < n ? w : n, length = w < n ? n : w;
  hd_tensor rows = hd_tensor_new(l->env, HD_F64, HD_SHAPE(side, length), err);
  hd_tensor equations = hd_tensor_new(l->env, HD_F64, HD_SHAPE(side, side + CLASSES), err);
  const float *f = units.data;
  double *v = rows.data, *a = equations.data, *b = a ? a + side * side : NULL, trace = 0;
  hd_status status = v && a ? HD_OK : err->status;
  for (int64_t i = 0; !status && i < n; i++) {
    int32_t label = 0;
    status = train->read(train->user, hd_data_column(train, "label"), &i, 1, &label, err);
    if (w >= n) b[i * CLASSES + label] = 1;
    for (int64_t k = 0; k < w; k++) {
      v[w < n ? k * n + i : i * w + k] = f[i * w + k];
      if (w < n) b[k * CLASSES + label] += f[i * w + k];
    }
  }
  for (int64_t i = 0; !status && i < side; i++) {
    for (int64_t j = 0; j <= i; j++) a[i * side + j] = dot(v + i * length, v + j * length, length);
    trace += a[i * side + i];
  }
  for (int64_t i = 0; !status && i < side; i++) a[i * side + i] += 1e-9 * trace / (double)side;
  if (!status) solve(a, side, b);
  for (int64_t k = 0; !status && k < w; k++)
    for (int c = 0; c < CLASSES; c++) {
      double sum = w < n ? b[k * CLASSES + c] : 0;
      for (int64_t i = 0; w >= n && i < n; i++) sum += v[i * w + k] * b[i * CLASSES + c];
      weight[k * CLASSES + c] = (float)sum;
    }
  hd_tensor_free(&units), hd_tensor_free(&rows), hd_tensor_free(&equations);
  return status;
}

// ---- Both ---------------------------------------------------------------------------------------

static hd_status learn(lesson *l, int kind, int width, uint64_t seed, const hd_data *train,
                       const hd_data *test, double wrong[2], int *parameters, hd_error *err) {
  hd_graph *g = lesson_graph(l);
  hd_store *p = lesson_store(l, seed);
  hd_val x = hd_flatten(lesson_pixels(l, g, train)), t = lesson_labels(g);
  hd_val h = hd_relu(hd_dense(x, .units = width));
  hd_val y = hd_dense(h, .units = CLASSES, .no_bias = true, .name = "last");
  hd_val loss = hd_cross_entropy(y, t), right = hd_accuracy(y, t);
  hd_metrics m[2];
  // The first evaluation makes the weights.
  hd_status status = kind ? hd_evaluate(p, loss, right, train, 100, &m[0], err)
                          : adam(l, width, p, loss, train, err);
  const hd_parameter *last = status ? NULL : hd_store_find(p, "last/weight");
  if (kind && last) status = least_squares(l, p, h, train, last->data, err);
  if (!status) status = hd_evaluate(p, loss, right, train, 100, &m[0], err);
  if (!status) status = hd_evaluate(p, loss, right, test, 100, &m[1], err);
  for (int i = 0; !status && i < 2; i++) wrong[i] += 100 * (1 - m[i].accuracy);
  int in = (int)hd_val_type(x).shape.d[1];
  *parameters = kind ? CLASSES * width : (in + 1) * width + width * CLASSES;
  lesson_clear(l);
  return status;
}

// The bump: the lowest point before the highest one after it, that one, and the end.
typedef struct bump {
  int valley, peak;
  bool shows;
} bump;

static bump bump_of(const double *wrong) {
  bump best = {0, 0, false};
  double rise = 0;
  for (int v = 0; v < WIDTHS; v++)
    for (int i = v + 1; i < WIDTHS; i++)
      if (wrong[i] - wrong[v] > rise) rise = wrong[i] - wrong[v], best = (bump){v, i, false};
  best.shows = rise > 1 && wrong[WIDTHS - 1] < wrong[best.peak] - 1;
  return best;
}

static hd_status run(lesson *l, hd_error *err) {
  double axis[KINDS][WIDTHS], wrong[KINDS][2][WIDTHS];
  const hd_data *clean, *test;
  hd_data train = {0};
  int last = WIDTHS - 1;
  if (lesson_images(l, 1000, 5000, &clean, &test, err) || with_noise(l, clean, &train, err))
    return err->status;
  double samples = (double)train.samples;
  hd_status status = HD_OK;
  for (int kind = 0; kind < KINDS; kind++)
    for (int i = 0; i < WIDTHS && !status; i++) {
      int width = kind ? (int)(samples * shares[i] / 100) : widths[i], parameters = 0;
      int seeds = l->brief || width > 100 ? 1 : 3;
      double sum[2] = {0, 0};
      for (int s = 0; s < seeds && !status; s++)
        status = learn(l, kind, width, l->seed + (uint64_t)s, &train, test, sum, &parameters, err);
      axis[kind][i] = parameters / samples;
      for (int k = 0; k < 2; k++) wrong[kind][k][i] = sum[k] / seeds;
      char name[60];
      snprintf(name, sizeof name, "%s: %.1f a sample", kind ? "least squares" : "Adam",
               axis[kind][i]);
      lesson_number(l, name, axis[kind][i] > 1 ? "more parameters than examples" : "fewer",
                    "%d parameters; wrong: training %.1f %%, test %.1f %%", parameters,
                    wrong[kind][0][i], wrong[kind][1][i]);
    }
  hd_data_free(&train);
  if (status) return status;
  bump b[KINDS] = {bump_of(wrong[0][1]), bump_of(wrong[1][1])};
  lesson_finding(
      l,
      "Least squares: %.0f %% wrong at %.1f parameters a sample, %.0f %% at %.1f, %.0f %% at "
      "%.0f: double descent %s. Adam: from %.0f to %.0f %% at %.0f, %s.",
      wrong[1][1][b[1].valley], axis[1][b[1].valley], wrong[1][1][b[1].peak], axis[1][b[1].peak],
      wrong[1][1][last], axis[1][last], b[1].shows ? "shows" : "does not show", wrong[0][1][0],
      wrong[0][1][last], axis[0][last],
      b[0].shows ? "with a bump of its own" : "the wider the better, without a bump");
  hd_figure *f = hd_figure_new(l->env, .x = "parameters / samples", .y = "% wrong", .log_x = true,
                               .y_from_zero = true, .width = 640, .height = 380,
                               .title = "solid: test, dashed: training (15 % of its labels wrong)");
  for (int kind = 0; kind < KINDS; kind++) {
    hd_figure_color color = (hd_figure_color)(HD_COLOR_BLUE + kind);
    hd_figure_line(f, axis[kind], wrong[kind][1], WIDTHS, .name = names[kind], .dots = true,
                   .color = color);
    hd_figure_line(f, axis[kind], wrong[kind][0], WIDTHS, .dashed = true, .color = color);
  }
  hd_figure_rule(f, CLASSES, "samples x 10");
  return lesson_figure(l, f, "errors.svg", err);
}

const lecture lecture_over_parameterisation = {
    "over-parameterisation", "trondheim", "studies", "More parameters than samples", 30, run};
