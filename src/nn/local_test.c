// Locally connected windows, embeddings, tied weights and dropped channels.
#include "layer_test.h"

#include <stdlib.h>

// ---- Locally connected --------------------------------------------------------------------------
typedef struct window {
  int h, w, c, kh, kw, f, oh, ow, stride, dilation, top, left;
} window;

// x (2, h, w, c), weights wave(1), biases wave(2) unless there are none.
static void local(const window *g, bool bias, const double *x, double *y) {
  for (int at = 0; at < 2 * g->oh * g->ow * g->f; at++) {
    int f = at % g->f, q = at / g->f % g->ow, p = at / g->f / g->ow % g->oh,
        n = at / (g->f * g->ow * g->oh), place = p * g->ow + q;
    y[at] = bias ? wave(2, place * g->f + f) : 0;
    for (int r = 0; r < g->kh; r++)
      for (int s = 0; s < g->kw; s++)
        for (int c = 0; c < g->c; c++) {
          int i = p * g->stride + r * g->dilation - g->top,
              j = q * g->stride + s * g->dilation - g->left;
          if (i >= 0 && i < g->h && j >= 0 && j < g->w)
            y[at] += x[((n * g->h + i) * g->w + j) * g->c + c] *
                     wave(1, (((place * g->kh + r) * g->kw + s) * g->c + c) * g->f + f);
        }
  }
}

static hd_val plain(hd_val x) {
  return hd_locally_connected2d(x, .filters = 3, .kernel = {2, 3}, .no_bias = true);
}
static void plain_literal(const double *x, double *y) {
  local(&(window){4, 5, 2, 2, 3, 3, 3, 3, 1, 1, 0, 0}, false, x, y);
}
static hd_val padded(hd_val x) {
  return hd_locally_connected2d(x, .filters = 2, .kernel = {3}, .stride = {2}, .dilation = {2},
                                .padding = {2, 1, 0, 3}, .pad = HD_EXPLICIT);
}
static void padded_literal(const double *x, double *y) {
  local(&(window){4, 5, 2, 3, 3, 2, 1, 3, 2, 2, 2, 1}, true, x, y);
}

static void every_window_has_its_weights(void **state) {
  (void)state;
  static const trial trials[] = {
      {.shape = {4, {2, 4, 5, 2}}, .make = plain, .literal = plain_literal},
      {.shape = {4, {2, 4, 5, 2}}, .make = padded, .literal = padded_literal}};
  for (size_t i = 0; i < HD_COUNT(trials); i++) check_layer(&trials[i]);
}

// With the same weights in every window it is the convolution, whose gradient is their sum.
static void shared_it_is_convolution(void **state) {
  (void)state;
  network n = begin();
  hd_val x = hd_input(n.g, "x", HD_F64, HD_SHAPE(3, 6, 5, 2)), w[2];
  hd_val y[] = {
      hd_locally_connected2d(x, .filters = 4, .kernel = {3}, .no_bias = true, .pad = HD_SAME,
                             .name = "l"),
      hd_conv2d(x, .filters = 4, .kernel = {3}, .no_bias = true, .pad = HD_SAME, .name = "c")};
  for (int i = 0; i < 2; i++) assert_int_equal(hd_weights(y[i], &w[i], 1), 1);
  assert_true(hd_shape_equal(hd_val_type(w[0]).shape, HD_SHAPE(6, 5, 3, 3, 2, 4)));
  hd_val fetch[] = {y[0], y[1], hd_gradient(hd_sum(hd_square(y[0])), w[0]),
                    hd_gradient(hd_sum(hd_square(y[1])), w[1])};
  compile(&n, fetch, 4);
  for (int k = 0; k < 180; k++) give(&n, "x", k, wave(0, k));
  for (int k = 0; k < 72 * 30; k++) weight_of(&n, w[0])[k] = wave(1, k % 72);
  for (int k = 0; k < 72; k++) weight_of(&n, w[1])[k] = wave(1, k);
  run(&n);
  for (int k = 0; k < 360; k++) near("y", out(&n, 0, k), out(&n, 1, k), 1e-13);
  for (int k = 0; k < 72; k++) {
    double sum = 0;
    for (int p = 0; p < 30; p++) sum += out(&n, 2, p * 72 + k);
    near("dweight", sum, out(&n, 3, k), 1e-12);
  }
  end(&n);
}

// The first weights have the fans of one window.
static void first_weights(void **state) {
  (void)state;
  static const hd_init_kind kind[] = {HD_INIT_DEFAULT, HD_LECUN_UNIFORM, HD_HE_UNIFORM,
                                      HD_HE_NORMAL};
  static const double variance[] = {2. / (75 + 100), 1. / 75, 2. / 75, 2. / 75};
  for (int i = 0; i < 4; i++) {
    network n = begin();
    hd_val x = hd_input(n.g, "x", HD_F32, HD_SHAPE(1, 16, 16, 3)), w, y;
    y = hd_locally_connected2d(x, .filters = 4, .kernel = {5}, .init = {kind[i], 0, 0},
                               .no_bias = true);
    hd_weights(y, &w, 1);
    compile(&n, &y, 1);
    const float *p = (const float *)weight_of(&n, w);
    double sum = 0, square = 0, most = 0, count = 144 * 300;
    for (int k = 0; k < 144 * 300; k++) {
      sum += (double)p[k], square += (double)p[k] * (double)p[k];
      most = fmax(most, fabs((double)p[k]));
    }
    near("mean", sum / count, 0, 0.01);
    near("variance over its own", square / count / variance[i], 1, 0.03);
    if (i < 3) near("limit", most / sqrt(3 * variance[i]), 1, 0.001);
    end(&n);
  }
}

// 20 x 20 inputs, 16 x 16 outputs of 25 edges each: 6,400 weights; dense 102,400; shared 26.
static void connections(void **state) {
  (void)state;
  network n = begin();
  hd_val x = hd_input(n.g, "x", HD_F32, HD_SHAPE(HD_BATCH, 20, 20, 1)), w[2];
  hd_val y[] = {hd_locally_connected2d(x, .filters = 1, .kernel = {5}, .no_bias = true),
                hd_dense(hd_flatten(x), .units = 256, .no_bias = true),
                hd_conv2d(x, .filters = 1, .kernel = {5})};
  static const int64_t want[] = {6400, 102400, 26};
  for (int i = 0; i < 3; i++) {
    int64_t sum = 0;
    for (int k = hd_weights(y[i], w, 2); k-- > 0;) sum += hd_shape_count(hd_val_type(w[k]).shape);
    assert_int_equal(sum, want[i]);
  }
  assert_true(hd_shape_equal(hd_val_type(y[0]).shape, HD_SHAPE(HD_BATCH, 16, 16, 1)));
  end(&n);
}

// ---- Embedding and tied weights -----------------------------------------------------------------
static double index_of(int64_t k) { return (double)((k * 5 + 1) % 7); }
static hd_val embed(hd_val x) { return hd_embedding(x, .rows = 7, .width = 3); }
static void embed_literal(const double *x, double *y) {
  for (int k = 0; k < 24; k++) y[k] = wave(1, (int)x[k / 3] * 3 + k % 3);
}

// An embedding, a hidden layer, and the embedding again as the output layer.
static hd_val language(hd_val x) {
  hd_val y = hd_embedding(x, .rows = 7, .width = 3, .name = "words"), table;
  assert_int_equal(hd_weights(y, &table, 1), 1);
  return hd_dense_tied(hd_tanh(y), table, .name = "logits");
}
static void language_literal(const double *x, double *y) {
  for (int k = 0; k < 8 * 7; k++) {
    y[k] = wave(2, k % 7);
    for (int c = 0; c < 3; c++)
      y[k] += tanh(wave(1, (int)x[k / 7] * 3 + c)) * wave(1, k % 7 * 3 + c);
  }
}

// The encoder's weight is the decoder's.
static hd_val autoencoder(hd_val x) {
  hd_val y = hd_dense(x, .units = 2, .no_bias = true), w;
  hd_weights(y, &w, 1);
  return hd_dense_tied(hd_sigmoid(y), w, .no_bias = true);
}
static void autoencoder_literal(const double *x, double *y) {
  for (int n = 0; n < 3; n++) {
    double h[2] = {0, 0};
    for (int k = 0; k < 8; k++) h[k % 2] += x[n * 4 + k / 2] * wave(1, k);
    for (int i = 0; i < 4; i++) {
      y[n * 4 + i] = 0;
      for (int k = 0; k < 2; k++) y[n * 4 + i] += wave(1, i * 2 + k) / (1 + exp(-h[k]));
    }
  }
}

static void rows_and_tied_weights(void **state) {
  (void)state;
  static const trial trials[] = {
      {.shape = {2, {2, 4}},
       .make = embed,
       .literal = embed_literal,
       .input = index_of,
       .no_dx = true},
      {.shape = {2, {2, 4}},
       .make = language,
       .literal = language_literal,
       .input = index_of,
       .no_dx = true},
      {.shape = {2, {3, 4}}, .make = autoencoder, .literal = autoencoder_literal}};
  for (size_t i = 0; i < HD_COUNT(trials); i++) check_layer(&trials[i]);
  network n = begin();  // i32, and beyond the table
  hd_val x = hd_input(n.g, "x", HD_I32, HD_SHAPE(60)), w, y;
  y = hd_embedding(x, .rows = 50, .width = 4);
  hd_weights(y, &w, 1);
  compile(&n, &y, 1);
  const float *p = (const float *)weight_of(&n, w);
  double most = 0;
  for (int k = 0; k < 60; k++) give(&n, "x", k, k);
  run(&n);
  for (int k = 0; k < 240; k++) {
    near("row", out(&n, 0, k), k < 200 ? (double)p[k] : 0, 0);
    if (k < 200) most = fmax(most, fabs((double)p[k]));
  }
  near("limit", most / 0.05, 1 - 0.02, 0.0200001);
  end(&n);
}

// ---- Dropout ------------------------------------------------------------------------------------
static void channels_drop_as_one(void **state) {
  (void)state;
  enum { N = 50, P = 6, C = 40 };
  for (int mode = 0; mode < 2; mode++) {
    network n = begin();
    hd_val x = hd_input(n.g, "x", HD_F32, HD_SHAPE(HD_BATCH, 2, 3, C));
    hd_val y = hd_spatial_dropout(x, .rate = 0.3f), dx = hd_gradient(hd_sum(y), x);
    hd_error err = {0};
    n.store = hd_store_new(NULL);
    n.plan = hd_compile(n.store, &err, .fetch = {y, dx}, .batch = N,
                        .mode = mode ? HD_TRAIN : HD_EVALUATE);
    if (!n.plan) fail_msg("%s", err.text);
    n.w = hd_workspace_new(n.plan, NULL, &err);
    for (int k = 0; k < N * P * C; k++) give(&n, "x", k, 1 + k);
    run(&n);
    int zeros = 0, changes = 0;
    bool before = false;
    for (int c = 0; c < N * C; c++) {
      int first = c / C * P * C + c % C;
      bool zero = out(&n, 0, first) == 0;
      zeros += zero;
      changes += zero != before;
      before = zero;
      for (int p = 0; p < P; p++) {
        double factor = !mode ? 1 : zero ? 0 : 1 / (double)(1 - 0.3f);
        near("y", out(&n, 0, first + p * C), factor * (1 + first + p * C), mode ? 1e-6 : 0);
        near("dx", out(&n, 1, first + p * C), factor, 1e-6);
      }
    }
    assert_true(mode ? abs(zeros - N * C * 3 / 10) < 100 && changes > 600 : !zeros);
    end(&n);
  }
}

static void what_is_wrong(void **state) {
  (void)state;
  static const hd_shape flat = {2, {HD_BATCH, 6}}, image = {4, {HD_BATCH, 4, 4, 2}},
                        vague = {4, {HD_BATCH, 4, HD_TIME, 2}};
#define REFUSED(text, shape, layer, ...) \
  do { \
    network n = begin(); \
    refused(&n, hd_##layer(hd_input(n.g, "x", HD_F32, shape), __VA_ARGS__), text); \
  } while (0)
  REFUSED("locally_connected2d (l): x is (N, 4, T, 2), weights would be (H', W', 3, 3, C, 5)",
          vague, locally_connected2d, .filters = 5, .kernel = {3}, .name = "l");
  REFUSED("locally_connected2d: filters is 0", image, locally_connected2d, .kernel = {3});
  REFUSED("locally_connected2d: kernel is (0, 0)", image, locally_connected2d, .filters = 3);
  REFUSED(
      "locally_connected2d in layer l: a window of 5 rows (5, dilation 1) does not fit into x "
      "(N, 4, 4, 2)",
      image, locally_connected2d, .filters = 3, .kernel = {5}, .name = "l");
  REFUSED("too many; the limit is 67108864 taps", image, locally_connected2d, .filters = 1,
          .kernel = {2}, .padding = {2000000000, 0, 2000000000, 0}, .pad = HD_EXPLICIT);
  REFUSED("embedding (e): x is (N, 6), the table would be (9, 0)", flat, embedding, .rows = 9,
          .name = "e");
  REFUSED("spatial_dropout (s): x is (N, 6): needs (N, H, W, C)", flat, spatial_dropout,
          .name = "s");
  REFUSED("spatial_dropout: rate is 1", image, spatial_dropout, .rate = 1);
  network n = begin();
  hd_val x = hd_input(n.g, "x", HD_F32, flat), w = hd_variable(n.g, HD_F32, HD_SHAPE(6, 5));
  refused(&n, hd_dense_tied(x, w, .name = "t"),
          "dense_tied (t): x is (N, 6), the weight is (6, 5)");
  n = begin();
  x = hd_input(n.g, "x", HD_F32, flat);
  refused(&n, hd_dense_tied(x, (hd_val){0}, .no_bias = true), "the weight is not a value");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_window_has_its_weights),
                                     cmocka_unit_test(shared_it_is_convolution),
                                     cmocka_unit_test(first_weights),
                                     cmocka_unit_test(connections),
                                     cmocka_unit_test(rows_and_tied_weights),
                                     cmocka_unit_test(channels_drop_as_one),
                                     cmocka_unit_test(what_is_wrong)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
