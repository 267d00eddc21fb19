// Every loss against a literal loop over its formula, its derivatives against differences, and what
// losses share: reductions, weights, refusals.
#include "../../test/faults.h"
#include "network_test.h"

// ---- The formulas, of one element or one row of k numbers ---------------------------------------
#define BOOK(name) static double name(const double *y, const double *t, int k)
#define ONE(name, formula) \
  BOOK(name) { \
    (void)k; \
    return formula; \
  }
static double p_of(double x) { return 1 / (1 + exp(-x)); }
ONE(mse, (*y - *t) * (*y - *t))
ONE(half, 0.5 * (*y - *t) * (*y - *t))
ONE(mae, fabs(*y - *t))
ONE(huber, fabs(*y - *t) <= 1 ? mse(y, t, 1) / 2 : fabs(*y - *t) - 0.5)
ONE(huber7, fabs(*y - *t) <= 0.75 ? mse(y, t, 1) / 2 : 0.75 * (fabs(*y - *t) - 0.375))
ONE(smooth, fabs(*y - *t) <= 0.5 ? mse(y, t, 1) : fabs(*y - *t) - 0.25)
ONE(log_cosh, log(cosh(*y - *t)))
ONE(bce, -(*t *log(p_of(*y)) + (1 - *t) * log(1 - p_of(*y))))
ONE(bce3, -(3 * *t * log(p_of(*y)) + (1 - *t) * log(1 - p_of(*y))))
ONE(bce_p, -(*t *log(*y) + (1 - *t) * log(1 - *y)))
ONE(focal1, -pow(*t ? 1 - p_of(*y) : p_of(*y), 2) * log(*t ? p_of(*y) : 1 - p_of(*y)))
ONE(focal2, (*t ? 0.25 : 0.75) * -pow(*t ? 1 - p_of(*y) : p_of(*y), 1.5) *
                log(*t ? p_of(*y) : 1 - p_of(*y)))
ONE(hinge, fmax(0, 1 - *t * *y))
ONE(hinge2, pow(fmax(0, 0.5 - *t * *y), 2))
ONE(perceptron, fmax(0, -*t **y))
ONE(poisson, exp(*y) - *t * *y)
ONE(poisson_rate, *y - *t * log(*y))

static double softmax_of(const double *y, int c, int k) {
  double sum = 0;
  for (int i = 0; i < k; i++) sum += exp(y[i]);
  return exp(y[c]) / sum;
}
BOOK(ce) { return -log(softmax_of(y, (int)*t, k)); }
BOOK(ce_rows) {
  double sum = 0;
  for (int i = 0; i < k; i++) sum -= t[i] * log(softmax_of(y, i, k));
  return sum;
}
BOOK(ce_smooth) {
  double sum = 0;
  for (int i = 0; i < k; i++)
    sum -= ((i == (int)*t) * (1 - (double)0.1f) + (double)0.1f / k) * log(softmax_of(y, i, k));
  return sum;
}
BOOK(nll) { return (void)k, -y[(int)*t]; }
BOOK(kl) {
  double sum = 0;
  for (int i = 0; i < k; i++) sum += t[i] * (log(t[i]) - log(softmax_of(y, i, k)));
  return sum;
}
BOOK(kl_p) {
  double sum = 0;
  for (int i = 0; i < k; i++) sum += t[i] * (log(t[i]) - log(y[i]));
  return sum;
}
BOOK(focal_k) {
  double p = softmax_of(y, (int)*t, k);
  return -pow(1 - p, 2) * log(p);
}
BOOK(focal_k3) {
  double p = softmax_of(y, (int)*t, k);
  return -pow(1 - p, 0.5) * log(p);
}
BOOK(dice) {
  double both = 0, sum = 0;
  for (int i = 0; i < k; i++) both += y[i] * t[i], sum += y[i] + t[i];
  return 1 - (2 * both + 1) / (sum + 1);
}
BOOK(dice2) {
  double both = 0, sum = 0;
  for (int i = 0; i < k; i++) both += y[i] * t[i], sum += y[i] * y[i] + t[i] * t[i];
  return 1 - (2 * both + 0.125) / (sum + 0.125);
}
BOOK(hinge_k) {
  double sum = 0;
  for (int i = 0; i < k; i++)
    if (i != (int)*t) sum += fmax(0, 1 + y[i] - y[(int)*t]);
  return sum;
}
BOOK(hinge_k2) {
  double sum = 0;
  for (int i = 0; i < k; i++)
    if (i != (int)*t) sum += pow(fmax(0, 2 + y[i] - y[(int)*t]), 2);
  return sum;
}
BOOK(perceptron_k) {
  double most = y[0];
  for (int i = 1; i < k; i++) most = fmax(most, y[i]);
  return most - y[(int)*t];
}
BOOK(cosine) {
  double dot = 0, a = 0, b = 0;
  for (int i = 0; i < k; i++) dot += y[i] * t[i], a += y[i] * y[i], b += t[i] * t[i];
  return 1 - dot / sqrt(a * b);
}
BOOK(map) {
  double sum = exp(-1.5);
  for (int i = 0; i < k; i++) sum += exp(y[i]);
  return log(sum) - y[(int)*t];
}

// ---- The calls ----------------------------------------------------------------------------------
#define PLAIN(name, loss) \
  static hd_val make_##name(hd_val y, hd_val t, hd_reduction r, hd_val w) { \
    return hd_##loss(y, t, .reduction = r, .weights = w); \
  }
#define WITH(name, loss, ...) \
  static hd_val make_##name(hd_val y, hd_val t, hd_reduction r, hd_val w) { \
    return hd_##loss(y, t, __VA_ARGS__, .reduction = r, .weights = w); \
  }
PLAIN(mse, mse)
WITH(half, mse, .factor = 0.5f)
PLAIN(mae, mae) PLAIN(huber, huber) WITH(huber7, huber, .delta = 0.75f)
    WITH(smooth, smooth_l1, .beta = 0.5f) PLAIN(log_cosh, log_cosh) PLAIN(bce, binary_cross_entropy)
        WITH(bce3, binary_cross_entropy, .positive = 3) WITH(bce_p, binary_cross_entropy,
                                                             .probabilities = true)
            PLAIN(focal, focal) WITH(focal2, focal, .gamma = 1.5f,
                                     .alpha = 0.25f) WITH(focal_k3, focal, .gamma = 0.5f)
                PLAIN(hinge, hinge) WITH(hinge2, hinge, .margin = 0.5f, .squared = true)
                    WITH(hinge_k2, hinge, .margin = 2, .squared = true)
                        PLAIN(perceptron, perceptron_loss) PLAIN(poisson, poisson_nll)
                            WITH(poisson_rate, poisson_nll, .rate = true) PLAIN(ce, cross_entropy)
                                WITH(ce_smooth, cross_entropy, .smoothing = 0.1f) PLAIN(nll, nll)
                                    PLAIN(kl, kl_divergence)
                                        WITH(kl_p, kl_divergence, .probabilities = true)
                                            PLAIN(dice, dice)
                                                WITH(dice2, dice, .smooth = 0.125f, .squares = true)
                                                    PLAIN(cosine, cosine_distance)
                                                        WITH(map, map_criterion, .j = 1.5f)

                                                            typedef enum {
                                                              ANY,
                                                              PROBABLE,
                                                              TRUTH,
                                                              SIGN,
                                                              ROWS,
                                                              COUNTS,
                                                              LABEL
                                                            } fill;
static const struct {
  const char *name;
  hd_val (*make)(hd_val y, hd_val t, hd_reduction r, hd_val w);
  double (*book)(const double *y, const double *t, int k);
  bool row;
  fill y, t;
} cases[] = {{"mse", make_mse, mse, false, ANY, ANY},
             {"mse 1/2", make_half, half, false, ANY, ANY},
             {"mae", make_mae, mae, false, ANY, ANY},
             {"huber", make_huber, huber, false, ANY, ANY},
             {"huber 3/4", make_huber7, huber7, false, ANY, ANY},
             {"smooth_l1", make_smooth, smooth, false, ANY, ANY},
             {"log_cosh", make_log_cosh, log_cosh, false, ANY, ANY},
             {"bce", make_bce, bce, false, ANY, TRUTH},
             {"bce, soft targets", make_bce, bce, false, ANY, PROBABLE},
             {"bce, positive", make_bce3, bce3, false, ANY, TRUTH},
             {"bce of probabilities", make_bce_p, bce_p, false, PROBABLE, PROBABLE},
             {"focal", make_focal, focal1, false, ANY, TRUTH},
             {"focal, alpha", make_focal2, focal2, false, ANY, TRUTH},
             {"focal of classes", make_focal, focal_k, true, ANY, LABEL},
             {"focal of classes, 1/2", make_focal_k3, focal_k3, true, ANY, LABEL},
             {"hinge", make_hinge, hinge, false, ANY, SIGN},
             {"hinge, squared", make_hinge2, hinge2, false, ANY, SIGN},
             {"hinge of classes", make_hinge, hinge_k, true, ANY, LABEL},
             {"hinge of classes, squared", make_hinge_k2, hinge_k2, true, ANY, LABEL},
             {"perceptron", make_perceptron, perceptron, false, ANY, SIGN},
             {"perceptron of classes", make_perceptron, perceptron_k, true, ANY, LABEL},
             {"poisson", make_poisson, poisson, false, ANY, COUNTS},
             {"poisson of rates", make_poisson_rate, poisson_rate, false, PROBABLE, COUNTS},
             {"cross_entropy", make_ce, ce, true, ANY, LABEL},
             {"cross_entropy of rows", make_ce, ce_rows, true, ANY, ROWS},
             {"cross_entropy, smoothing", make_ce_smooth, ce_smooth, true, ANY, LABEL},
             {"nll", make_nll, nll, true, ANY, LABEL},
             {"kl", make_kl, kl, true, ANY, ROWS},
             {"kl of probabilities", make_kl_p, kl_p, true, ROWS, ROWS},
             {"dice", make_dice, dice, true, PROBABLE, TRUTH},
             {"dice, squares", make_dice2, dice2, true, PROBABLE, TRUTH},
             {"cosine", make_cosine, cosine, true, ANY, ANY},
             {"map_criterion", make_map, map, true, ANY, LABEL}};

enum { N = 5, K = 4 };
static void fill_in(fill kind, double phase, double *to) {
  for (int i = 0; i < N * K; i++) {
    double v = sin(12.9898 * (i + 1) + phase), sum = 0;  // in (-1, 1)
    switch (kind) {
      case ANY: to[i] = 2.5 * v; break;
      case PROBABLE: to[i] = 0.5 + 0.45 * v; break;
      case TRUTH: to[i] = v > 0; break;
      case SIGN: to[i] = v > 0 ? 1 : -1; break;
      case COUNTS: to[i] = floor(4 * fabs(v)); break;
      case LABEL: to[i] = (7 * i + 2) % K; break;
      case ROWS:
        to[i] = 1.1 + v;
        for (int k = i - K + 1; i % K == K - 1 && k <= i; k++) sum += to[k];
        for (int k = i - K + 1; i % K == K - 1 && k <= i; k++) to[k] /= sum;
    }
    to[i] = (float)to[i];
  }
}

// One case, in one precision: losses, mean, sum, weighted mean.
static void values(size_t c, hd_dtype dtype) {
  network n = begin();
  double y[N * K], t[N * K], book[N * K], weight[N] = {1, 0, 2.5, 0.5, 1};
  bool row = cases[c].row, label = cases[c].t == LABEL;
  int each = row ? 1 : K, bound = 0;
  fill_in(cases[c].y, 0.3, y), fill_in(cases[c].t, 1.1, t);
  for (int i = 0; i < N * each; i++)
    book[i] =
        row ? cases[c].book(y + i * K, t + i * (label ? 1 : K), K) : cases[c].book(y + i, t + i, 1);
  hd_val in = hd_input(n.g, "y", dtype, HD_SHAPE(HD_BATCH, K)), none = {0};
  hd_val target = label ? hd_input(n.g, "t", HD_I32, HD_SHAPE(HD_BATCH))
                        : hd_input(n.g, "t", dtype, HD_SHAPE(HD_BATCH, K));
  hd_val w = hd_input(n.g, "w", dtype, HD_SHAPE(HD_BATCH));
  hd_val fetch[] = {
      cases[c].make(in, target, HD_LOSS_NONE, none), cases[c].make(in, target, HD_LOSS_MEAN, none),
      cases[c].make(in, target, HD_LOSS_SUM, none), cases[c].make(in, target, HD_LOSS_MEAN, w),
      cases[c].make(in, target, HD_LOSS_NONE, w)};
  if (*hd_graph_error(n.g)) fail_msg("%s: %s", cases[c].name, hd_graph_error(n.g));
  hd_error err = {0};
  n.store = hd_store_new(NULL);
  n.plan = (hd_compile)(n.store, &err, (hd_compile_options){.more = fetch, .mores = 5, .batch = N});
  if (!n.plan) fail_msg("%s: %s", cases[c].name, err.text);
  n.w = hd_workspace_new(n.plan, NULL, &err);
  for (int i = 0; i < N * K; i++) give(&n, "y", i, y[i]);
  for (int i = 0; i < (label ? N : N * K); i++) give(&n, "t", i, t[i]);
  for (int i = 0; i < N; i++) give(&n, "w", i, weight[i]);
  run(&n);
  double sum = 0, weighted = 0, within = dtype == HD_F64 ? 1e-13 : 3e-6;
  for (int i = 0; i < N * each; i++) {
    near(cases[c].name, out(&n, 0, i), book[i], within);
    near(cases[c].name, out(&n, 4, i), book[i] * weight[i / each], within);
    sum += book[i], weighted += book[i] * weight[i / each];
    bound++;
  }
  near(cases[c].name, out(&n, 1, 0), sum / bound, within);
  near(cases[c].name, out(&n, 2, 0), sum, within);
  near(cases[c].name, out(&n, 3, 0), weighted / bound, within);
  end(&n);
}

static void formulas(void **state) {
  (void)state;
  for (size_t c = 0; c < HD_COUNT(cases); c++) values(c, HD_F64), values(c, HD_F32);
}

// d(loss)/dy, and the derivative of its squares, against five-point differences.
static void derivatives(void **state) {
  (void)state;
  static const int step[] = {-2, -1, 1, 2};
  for (size_t c = 0; c < HD_COUNT(cases); c++) {
    network n = begin();
    double y[N * K], t[N * K], h = 1e-4, most[2] = {1e-3, 1e-3};
    bool label = cases[c].t == LABEL;
    fill_in(cases[c].y, 0.3, y), fill_in(cases[c].t, 1.1, t);
    hd_val in = hd_input(n.g, "y", HD_F64, HD_SHAPE(N, K)), none = {0};
    hd_val target = label ? hd_input(n.g, "t", HD_I32, HD_SHAPE(N))
                          : hd_input(n.g, "t", HD_F64, HD_SHAPE(N, K));
    hd_val loss = cases[c].make(in, target, HD_LOSS_SUM, none), d = hd_gradient(loss, in);
    hd_val squares = hd_sum(hd_square(d));
    hd_val second = hd_gradient(squares, in);  // null where the slope is constant
    hd_val fetch[] = {loss, squares, d, second};
    compile(&n, fetch, hd_ok(second) ? 4 : 3);
    for (int i = 0; i < N * K; i++) give(&n, "y", i, y[i]);
    for (int i = 0; i < (label ? N : N * K); i++) give(&n, "t", i, t[i]);
    run(&n);
    double want[2][N * K] = {{0}};
    for (int i = 0; i < N * K; i++) {
      want[0][i] = out(&n, 2, i), want[1][i] = hd_ok(second) ? out(&n, 3, i) : 0;
      for (int o = 0; o < 2; o++) most[o] = fmax(most[o], fabs(want[o][i]));
    }
    for (int i = 0; i < N * K; i++) {
      double at[2][4];
      for (int s = 0; s < 4; s++) {
        give(&n, "y", i, y[i] + step[s] * h);
        run(&n);
        for (int o = 0; o < 2; o++) at[o][s] = out(&n, o, 0);
      }
      give(&n, "y", i, y[i]);
      for (int o = 0; o < 2; o++) {
        double slope = (8 * (at[o][2] - at[o][1]) - (at[o][3] - at[o][0])) / (12 * h);
        if (!(fabs(slope - want[o][i]) <= 1e-8 * most[o]))
          fail_msg("%s, derivative %d at %d: %.12g, differences say %.12g", cases[c].name, o + 1, i,
                   want[o][i], slope);
      }
    }
    end(&n);
  }
}

// ---- By hand ------------------------------------------------------------------------------------
static hd_val vector(hd_graph *g, int count, const float *v) {
  return hd_constant(g, HD_F32, HD_SHAPE(count), v);
}

// (f - y)^2 has the slope 2 (f - y), its half has f - y; cross-entropy of softmax has p - y.
static void slopes(void **state) {
  (void)state;
  network n = begin();
  hd_val y = vector(n.g, 3, (float[]){1, 0, -2}), t = vector(n.g, 3, (float[]){0.5f, 0, 2});
  hd_val x = hd_constant(n.g, HD_F64, HD_SHAPE(1, 3), (double[]){1, 2, 4});
  hd_val label = hd_constant(n.g, HD_I32, HD_SHAPE(1), (int32_t[]){1});
  hd_val sign = vector(n.g, 3, (float[]){1, 1, -1});
  hd_val zero = vector(n.g, 3, (float[]){0, 0, 0});
  hd_val fetch[] = {hd_gradient(hd_mse(y, t, .reduction = HD_LOSS_SUM), y),
                    hd_gradient(hd_mse(y, t, .factor = 0.5f, .reduction = HD_LOSS_SUM), y),
                    hd_gradient(hd_cross_entropy(x, label), x),
                    hd_gradient(hd_mae(y, t, .reduction = HD_LOSS_SUM), y),
                    hd_gradient(hd_perceptron_loss(zero, sign, .reduction = HD_LOSS_SUM), zero)};
  compile(&n, fetch, 5);
  run(&n);
  double e = exp(1) + exp(2) + exp(4);
  const double want[5][3] = {{1, 0, -8},
                             {0.5, 0, -4},
                             {exp(1) / e, exp(2) / e - 1, exp(4) / e},
                             {1, 0, -1},    // at its kink: 0
                             {-1, -1, 1}};  // y = 0 is an error: -target
  for (int i = 0; i < 5; i++)
    for (int k = 0; k < 3; k++) near("slope", out(&n, i, k), want[i][k], 1e-15);
  end(&n);
}

// Logits so large that e^x overflows: everything finite, and the wrong ones cost their distance.
static void far_out(void **state) {
  (void)state;
  network n = begin();
  hd_val x = vector(n.g, 4, (float[]){1000, 1000, -1000, -1000});
  hd_val t = vector(n.g, 4, (float[]){1, 0, 1, 0});
  hd_val rows = hd_reshape(x, HD_SHAPE(2, 2));
  hd_val wide = hd_constant(n.g, HD_F32, HD_SHAPE(2, 2), (float[]){1000, -1000, -1000, 1000});
  hd_val label = hd_constant(n.g, HD_I32, HD_SHAPE(2), (int32_t[]){0, 0});
  hd_val bce = hd_binary_cross_entropy(x, t, .reduction = HD_LOSS_NONE);
  hd_val focal = hd_focal(x, t, .reduction = HD_LOSS_NONE);
  hd_val classes = hd_focal(wide, label, .gamma = 0.5f, .reduction = HD_LOSS_NONE);
  hd_val cosh = hd_log_cosh(x, t, .reduction = HD_LOSS_NONE);
  hd_val fetch[] = {bce,     hd_gradient(hd_sum(bce), x),
                    focal,   hd_gradient(hd_sum(focal), x),
                    classes, hd_gradient(hd_sum(classes), wide),
                    cosh,    hd_kl_divergence(rows, hd_softmax(rows), .reduction = HD_LOSS_NONE)};
  static const double want[][4] = {{0, 1000, 1000, 0},
                                   {0, 1, -1, 0},
                                   {0, 1000, 1000, 0},
                                   {0, 1, -1, 0},
                                   {0, 2000},
                                   {0, 0, -1, 1},
                                   {999 - 0.6931471805599453, 1000 - 0.6931471805599453,
                                    1001 - 0.6931471805599453, 1000 - 0.6931471805599453},
                                   {0, 0}};
  compile(&n, fetch, HD_COUNT(fetch));
  run(&n);
  for (size_t i = 0; i < HD_COUNT(fetch); i++)
    for (int k = 0; k < (i == 4 || i == 7 ? 2 : 4); k++)
      near("far out", out(&n, (int)i, k), want[i][k], 1e-6);
  end(&n);
}

static void a_label_that_is_no_class_shows(void **state) {
  (void)state;
  network n = begin();
  hd_val x = hd_constant(n.g, HD_F32, HD_SHAPE(2, 2), (float[]){1, 2, 3, 4});
  hd_val label = hd_constant(n.g, HD_I32, HD_SHAPE(2), (int32_t[]){0, 2});
  hd_val fetch[] = {hd_cross_entropy(x, label),   hd_nll(x, label),
                    hd_focal(x, label),           hd_hinge(x, label),
                    hd_perceptron_loss(x, label), hd_map_criterion(x, label)};
  compile(&n, fetch, 6);
  run(&n);
  for (int i = 0; i < 6; i++) assert_false(isfinite(out(&n, i, 0)));
  end(&n);
}

// 0 log 0 is 0: of a one-hot target the divergence is the cross-entropy.
static void divergence_from_a_class(void **state) {
  (void)state;
  network n = begin();
  hd_val x = hd_constant(n.g, HD_F64, HD_SHAPE(2, 3), (double[]){1, 2, 3, 0, -1, 4});
  hd_val t = hd_constant(n.g, HD_F64, HD_SHAPE(2, 3), (double[]){0, 0, 1, 1, 0, 0});
  hd_val p = hd_softmax(x), logits = hd_kl_divergence(x, t);
  hd_val fetch[] = {logits, hd_kl_divergence(p, t, .probabilities = true), hd_cross_entropy(x, t),
                    hd_sum(hd_gradient(logits, x))};
  compile(&n, fetch, 4);
  run(&n);
  for (int i = 0; i < 2; i++) near("divergence", out(&n, i, 0), out(&n, 2, 0), 1e-14);
  near("its slopes sum to", out(&n, 3, 0), 0, 1e-14);
  end(&n);
}

// Cosine is a distance: 0 for one direction, 1 at right angles, 2 opposite, however short the
// vectors; a zero vector is at 1.
static void cosine_is_a_distance(void **state) {
  (void)state;
  network n = begin();
  hd_val a = hd_constant(n.g, HD_F32, HD_SHAPE(4, 2), (float[]){3e-6f, 4e-6f, 1, 0, 1, 1, 0, 0});
  hd_val b = hd_constant(n.g, HD_F32, HD_SHAPE(4, 2), (float[]){6, 8, 0, 5, -2, -2, 1, 1});
  hd_val d = hd_cosine_distance(a, b, .reduction = HD_LOSS_NONE);
  compile(&n, &d, 1);
  run(&n);
  for (int k = 0; k < 4; k++) near("distance", out(&n, 0, k), (const int[]){0, 1, 2, 1}[k], 1e-6);
  end(&n);
}

// Weights of 0 everywhere are no division by 0, and half batches add up to the whole.
static void means_of_parts_add_up(void **state) {
  (void)state;
  network n = begin();
  hd_val y = vector(n.g, 4, (float[]){1, 2, 3, 4}), t = vector(n.g, 4, (float[]){0, 0, 0, 0});
  hd_val w = vector(n.g, 4, (float[]){1, 2, 0, 1});
  hd_val half[2];
  for (int i = 0; i < 2; i++)
    half[i] = hd_mse(hd_slice(y, 0, 2 * i, 2), hd_slice(t, 0, 2 * i, 2),
                     .weights = hd_slice(w, 0, 2 * i, 2));
  hd_val fetch[] = {hd_mse(y, t, .weights = w), hd_scale(hd_add(half[0], half[1]), 0.5),
                    hd_mse(y, t, .weights = t)};
  compile(&n, fetch, 3);
  run(&n);
  for (int i = 0; i < 3; i++) near("mean", out(&n, i, 0), i < 2 ? 25 / 4. : 0, 1e-6);
  end(&n);
}

static void what_is_refused(void **state) {
  (void)state;
#define REFUSED(call, text) \
  do { \
    network n = begin(); \
    hd_val y = hd_input(n.g, "y", HD_F32, HD_SHAPE(HD_BATCH, 3)); \
    hd_val column = hd_input(n.g, "c", HD_F32, HD_SHAPE(HD_BATCH, 1)); \
    hd_val flat = hd_input(n.g, "f", HD_F32, HD_SHAPE(3)); \
    hd_val label = hd_input(n.g, "l", HD_I32, HD_SHAPE(HD_BATCH)); \
    hd_val rows = hd_input(n.g, "r", HD_I32, HD_SHAPE(HD_BATCH, 3)); \
    (void)y, (void)column, (void)flat, (void)label, (void)rows; \
    refused(&n, call, text); \
  } while (0)
  REFUSED(hd_mae(y, column), "mae: y is (N, 3), target is (N, 1); they must be the same");
  REFUSED(hd_mse(y, flat), "mse: y is (N, 3), target is (3)");
  REFUSED(hd_hinge(y, rows), "label i32 (N, 3) does not fit y (N, 3)");
  REFUSED(hd_nll(y, column), "label f32 (N, 1) does not fit y (N, 3)");
  REFUSED(hd_huber(y, y, .delta = -1), "delta is -1, must be above 0");
  REFUSED(hd_smooth_l1(y, y, .beta = -1), "beta is -1");
  REFUSED(hd_focal(y, y, .gamma = -1), "gamma is -1");
  REFUSED(hd_focal(y, y, .alpha = 1), "alpha is 1, must be in (0, 1)");
  REFUSED(hd_focal(y, label, .alpha = 0.5f), "alpha is for targets 0 or 1");
  REFUSED(hd_dice(y, y, .smooth = -1), "smooth is -1");
  REFUSED(hd_hinge(y, y, .margin = -1), "margin is -1");
  REFUSED(hd_cross_entropy(y, label, .smoothing = 1), "smoothing is 1, must be in [0, 1)");
  REFUSED(hd_binary_cross_entropy(y, y, .positive = -1), "positive is -1");
  REFUSED(hd_map_criterion(y, label, .j = -1), "j is -1, must be above 0");
  REFUSED(hd_mse(y, y, .weights = flat), "weights are (3), losses are (N, 3)");
  REFUSED(hd_cross_entropy(y, label, .weights = y), "weights are (N, 3), losses are (N)");
  REFUSED(hd_kl_divergence(hd_sum(y), hd_sum(y)), "y is a scalar");
}

// ---- The table ----------------------------------------------------------------------------------
static void losses_by_name(void **state) {
  (void)state;
  assert_null(hd_loss_find("hubr"));
  for (int i = 0; hd_losses()[i]; i++) {
    const hd_loss *l = hd_losses()[i];
    assert_ptr_equal(hd_loss_find(l->name), l);
    assert_string_equal(l->fields->name, l->name);
    network n = begin();
    hd_val y = hd_input(n.g, "y", HD_F32, HD_SHAPE(HD_BATCH, 3));
    hd_val t = l->target == HD_TARGET_CLASS ? hd_input(n.g, "t", HD_I32, HD_SHAPE(HD_BATCH))
                                            : hd_input(n.g, "t", HD_F32, HD_SHAPE(HD_BATCH, 3));
    hd_val loss = l->build(y, t, NULL);
    if (!hd_ok(loss)) fail_msg("%s: %s", l->name, hd_graph_error(n.g));
    assert_int_equal(hd_type_of(loss)->shape.rank, 0);
    assert_false(hd_ok(l->build((hd_val){0}, t, NULL)));
    assert_false(hd_ok(l->build(y, (hd_val){0}, NULL)));
    assert_string_equal(hd_graph_error(n.g), "");
    int mains = 0, weights = (int)sizeof(hd_val);  // the one member that no field names
    size_t at = offsetof(hd_mae_options, reduction);
    for (int k = 0; k < l->fields->count; k++) {
      const hd_field *f = &l->fields->field[k];
      assert_true(f->offset >= at && f->offset - at < 4);
      at = f->offset + (f->kind == HD_FIELD_BOOL ? sizeof(bool) : 4);
      mains += f->main;
    }
    assert_true(mains <= 1 && l->fields->size - at - (size_t)weights < 8);
    end(&n);
  }
}

// Every loss on top of every activation, with its gradient, as the n-th allocation fails.
static const char *build_all(const hd_env *env, void *which) {
  static const char *const below[] = {"gelu", "prelu", "glu", "maxout", "silu"};
  hd_graph *g = hd_graph_new(env);
  if (!g) return NULL;
  const hd_loss *l = which;
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(4, 6)), y = x;
  for (size_t i = 0; i < HD_COUNT(below); i++)
    y = hd_layer_find(below[i])->build(
        y, !strcmp(below[i], "maxout") ? &(hd_maxout_options){.units = 6} : NULL);
  hd_shape label = HD_SHAPE(4), same = hd_val_type(y).shape;
  bool class = l->target == HD_TARGET_CLASS;
  hd_val t = hd_input(g, "t", class ? HD_I32 : HD_F32, class ? label : same);
  hd_val loss = l->build(y, t, NULL), d = hd_gradient(loss, x);
  bool failed = *hd_graph_error(g);
  const char *wrong = hd_ok(d) != failed ? NULL : "a failure without an error";
  if (failed && !strstr(hd_graph_error(g), "memory")) wrong = "an error that is not of memory";
  hd_graph_free(g);
  return wrong;
}

static void memory_runs_out(void **state) {
  (void)state;
  for (int i = 0; hd_losses()[i]; i++) {
    const char *wrong = faults_each(build_all, (void *)(uintptr_t)hd_losses()[i], 0, NULL);
    if (wrong) fail_msg("%s: %s", hd_losses()[i]->name, wrong);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(formulas),
                                     cmocka_unit_test(derivatives),
                                     cmocka_unit_test(slopes),
                                     cmocka_unit_test(far_out),
                                     cmocka_unit_test(a_label_that_is_no_class_shows),
                                     cmocka_unit_test(divergence_from_a_class),
                                     cmocka_unit_test(cosine_is_a_distance),
                                     cmocka_unit_test(means_of_parts_add_up),
                                     cmocka_unit_test(what_is_refused),
                                     cmocka_unit_test(losses_by_name),
                                     cmocka_unit_test(memory_runs_out)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
