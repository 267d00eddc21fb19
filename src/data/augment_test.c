// Augmentation: nothing at strength zero, each step by itself against what it says, and the same
// bits for the same draw.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "../../test/faults.h"
#include "augment.h"
#include "exact.h"
#include "table.h"

enum { SAMPLES = 12, H = 9, W = 11 };

static uint8_t pixel[SAMPLES * H * W * 3];
static int32_t label[SAMPLES];

static hd_data source(int channels) {
  static const char *const names[] = {"image", "label"};
  for (size_t i = 0; i < sizeof pixel; i++) pixel[i] = (uint8_t)(i * 2654435761u >> 13);
  for (int i = 0; i < SAMPLES; i++) label[i] = i % 4;
  hd_tensor t[] = {{.dtype = HD_U8, .shape = HD_SHAPE(SAMPLES, H, W, channels), .data = pixel},
                   {.dtype = HD_I32, .shape = HD_SHAPE(SAMPLES), .data = label}};
  hd_data d;
  assert_int_equal(hd_data_from_tensors(NULL, names, t, 2, &d, NULL), HD_OK);
  d.classes = 4;
  return d;
}

static const uint8_t *original(int64_t sample, int channels) {
  return pixel + sample * H * W * channels;
}

typedef struct drawn {
  uint8_t image[H * W * 3];
  int32_t label;
  float mix[4];
} drawn;

static drawn draw(const hd_data *d, uint64_t seed, int64_t epoch, int64_t sample) {
  drawn r = {.label = -1};
  hd_draw at = {seed, epoch, sample};
  hd_error err = {0};
  void *scratch = aligned_alloc(64, (size_t)hd_round_up(d->draw_bytes, 64));
  if (d->draw(d->user, &at, (void *[8]){r.image, &r.label, r.mix}, scratch, &err))
    fail_msg("%s", err.text);
  free(scratch);
  return r;
}

#define AUGMENT(of, ...) \
  hd_data d; \
  do { \
    hd_error why = {0}; \
    if (hd_data_augment(NULL, of, &d, &why, __VA_ARGS__)) fail_msg("%s", why.text); \
  } while (0)

static void nothing_at_strength_zero(void **state) {
  (void)state;
  for (int channels = 1; channels <= 3; channels += 2) {
    hd_data of = source(channels);
    AUGMENT(&of, .edge = HD_EDGE_REFLECT);
    assert_int_equal(d.columns, 2);
    for (int i = 0; i < SAMPLES; i++) {
      drawn r = draw(&d, 1, i, i);
      assert_memory_equal(r.image, original(i, channels), (size_t)(H * W * channels));
      assert_int_equal(r.label, label[i]);
    }
    hd_data_free(&d);
    // The warp is there, and moves nothing.
    hd_picture p = {(float[4 * 5]){0}, 4, 5, 1}, q = {(float[4 * 5]){0}, 4, 5, 1};
    for (int i = 0; i < 20; i++) p.at[i] = (float)(i * i) * 0.37f;
    hd_warp w = hd_warp_draw(&(hd_augment_options){0}, &p, (hd_random_key){1, 2});
    hd_warp_apply(&w, NULL, NULL, HD_EDGE_ZERO, &p, &q);
    assert_memory_equal(p.at, q.at, sizeof(float) * 20);
    hd_data_free(&of);
  }
}

static void reading_is_not_changed(void **state) {
  (void)state;
  hd_data of = source(1);
  AUGMENT(&of, .rotate = 90, .noise = 1, .mixup = 1);
  uint8_t image[H * W];
  float mix[4];
  for (int64_t i = 0; i < SAMPLES; i++) {
    assert_int_equal(d.read(d.user, 0, &i, 1, image, NULL), HD_OK);
    assert_memory_equal(image, original(i, 1), sizeof image);
    assert_int_equal(d.read(d.user, 2, &i, 1, mix, NULL), HD_OK);
    for (int k = 0; k < 4; k++) assert_true(mix[k] == (k == label[i] ? 1 : 0));
  }
  hd_data_free(&d);
  hd_data_free(&of);
}

static void a_draw_is_its_three_numbers(void **state) {
  (void)state;
  hd_data of = source(3);
  AUGMENT(&of, .rotate = 20, .scale = 0.3f, .elastic = {.alpha = 9, .sigma = 2},
          .color = {.brightness = 0.5f, .hue = 0.2f}, .noise = 0.1f, .cutout = {.size = 3},
          .mixup = 0.4f, .cutmix = 1);
  drawn a = draw(&d, 7, 3, 5), b = draw(&d, 7, 3, 5);
  assert_memory_equal(&a, &b, sizeof a);
  drawn other[] = {draw(&d, 8, 3, 5), draw(&d, 7, 4, 5), draw(&d, 7, 3, 6)};
  for (int i = 0; i < 3; i++) assert_memory_not_equal(a.image, other[i].image, sizeof a.image);
  int64_t index[] = {9, 5};  // a view draws what its source would
  hd_data view;
  assert_int_equal(hd_data_view(NULL, &d, index, 2, &view, NULL), HD_OK);
  assert_int_equal(view.draw_bytes, d.draw_bytes);
  b = draw(&view, 7, 3, 1);
  assert_memory_equal(&a, &b, sizeof a);
  hd_data_free(&view);
  hd_data_free(&d);
  hd_data_free(&of);
}

// ---- Warps --------------------------------------------------------------------------------------

static void apply(hd_warp w, hd_edge edge, const float *from, int h, int width, const float *want) {
  float a[16], b[16];
  memcpy(a, from, sizeof(float) * (size_t)(h * width));
  hd_picture p = {a, h, width, 1}, q = {b, h, width, 1};
  hd_warp_apply(&w, NULL, NULL, edge, &p, &q);
  for (int i = 0; i < h * width; i++)
    if (fabsf(b[i] - want[i]) > 1e-5f) fail_msg("%d: %g, not %g", i, (double)b[i], (double)want[i]);
}

static void small_warps(void **state) {
  (void)state;
  static const float square[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, line[] = {1, 2, 4, 8};
  apply((hd_warp){0, -1, 1, 0, 0, 0}, HD_EDGE_ZERO, square, 3, 3,
        (const float[]){3, 6, 9, 2, 5, 8, 1, 4, 7});  // a quarter turn
  apply((hd_warp){-1, 0, 0, 1, 0, 0}, HD_EDGE_ZERO, square, 3, 3,
        (const float[]){3, 2, 1, 6, 5, 4, 9, 8, 7});
  apply((hd_warp){1, 0, 0, 1, 0, 1}, HD_EDGE_ZERO, square, 3, 3,
        (const float[]){4, 5, 6, 7, 8, 9, 0, 0, 0});
  apply((hd_warp){1, 0, 0, 1, 0.5f, 0}, HD_EDGE_ZERO, line, 1, 4, (const float[]){1.5f, 3, 6, 4});
  apply((hd_warp){1, 0, 0, 1, -3, 0}, HD_EDGE_ZERO, line, 1, 4, (const float[]){0, 0, 0, 1});
  apply((hd_warp){1, 0, 0, 1, -3, 0}, HD_EDGE_NEAREST, line, 1, 4, (const float[]){1, 1, 1, 1});
  apply((hd_warp){1, 0, 0, 1, -3, 0}, HD_EDGE_REFLECT, line, 1, 4, (const float[]){8, 4, 2, 1});
  apply((hd_warp){1, 0, 0, 1, 5, 0}, HD_EDGE_REFLECT, line, 1, 4, (const float[]){2, 1, 2, 4});
  apply((hd_warp){2, 0, 0, 2, 0, 0}, HD_EDGE_ZERO, line, 1, 4,
        (const float[]){0, 1.5f, 6, 0});  // half the size
  apply((hd_warp){1, 0, 0, 1, 1e30f, -1e30f}, HD_EDGE_REFLECT, line, 1, 1, line);
}

// Every draw is a whole shift of the padded image, and every shift occurs.
static void crops_are_whole_shifts(void **state) {
  (void)state;
  hd_data of = source(1);
  AUGMENT(&of, .crop = 2);
  int seen[5][5] = {{0}};
  for (int epoch = 0; epoch < 400; epoch++) {
    drawn r = draw(&d, 1, epoch, 3);
    int found = 0;
    for (int dy = -2; dy <= 2; dy++)
      for (int dx = -2; dx <= 2; dx++) {
        bool same = true;
        for (int i = 0; i < H * W && same; i++) {
          int y = i / W + dy, x = i % W + dx;
          int want = y < 0 || x < 0 || y >= H || x >= W ? 0 : original(3, 1)[y * W + x];
          same = r.image[i] == want;
        }
        if (same) seen[dy + 2][dx + 2]++, found++;
      }
    assert_int_equal(found, 1);
  }
  for (int i = 0; i < 25; i++) assert_true(seen[i / 5][i % 5] > 3);
  hd_data_free(&d);
  hd_data_free(&of);
}

static void flips_are_in_half_of_the_samples(void **state) {
  (void)state;
  hd_data of = source(3);
  for (int flip = HD_FLIP_HORIZONTAL; flip <= HD_FLIP_BOTH; flip++) {
    int count[4] = {0};
    AUGMENT(&of, .flip = (hd_flip)flip);
    for (int epoch = 0; epoch < 400; epoch++) {
      drawn r = draw(&d, 1, epoch, 2);
      for (int way = 0; way < 4; way++) {
        bool same = true;
        for (int i = 0; i < H * W && same; i++) {
          int x = way & 1 ? W - 1 - i % W : i % W, y = way & 2 ? H - 1 - i / W : i / W;
          same = !memcmp(r.image + 3 * i, original(2, 3) + 3 * (y * W + x), 3);
        }
        count[way] += same;
      }
    }
    for (int way = 0; way < 4; way++) {
      bool may = !(way & ~flip);
      int want = flip == HD_FLIP_BOTH ? 100 : 200;
      assert_true(may ? abs(count[way] - want) < 50 : count[way] == 0);
    }
    hd_data_free(&d);
  }
  hd_data_free(&of);
}

// A bright point is where the drawn rotation, scale and shift put it.
static void draws_stay_within_their_strength(void **state) {
  (void)state;
  hd_picture p = {NULL, 101, 101, 1};
  float most[4] = {0};
  for (uint64_t n = 0; n < 3000; n++) {
    hd_random_key key = {1, n};
    hd_warp r = hd_warp_draw(&(hd_augment_options){.rotate = 30}, &p, key);
    assert_true(fabsf(r.xx * r.yy - r.xy * r.yx - 1) < 1e-6f && r.xx > 0.866f);
    most[0] = fmaxf(most[0], fabsf(r.yx));
    hd_warp s = hd_warp_draw(&(hd_augment_options){.scale = 0.5f}, &p, key);
    assert_true(s.xx > 0.666f && s.xx < 1.5001f && s.xx == s.yy && s.xy == 0 && s.yx == 0);
    most[1] = fmaxf(most[1], s.xx);
    hd_warp t = hd_warp_draw(&(hd_augment_options){.translate = 0.1f}, &p, key);
    assert_true(fabsf(t.x) <= 10.1f && fabsf(t.y) <= 10.1f && t.xx == 1);
    most[2] = fmaxf(most[2], t.y);
    hd_warp h = hd_warp_draw(&(hd_augment_options){.shear = 45}, &p, key);
    assert_true(fabsf(h.xy) <= 1.0001f && h.xx == 1 && h.yy == 1 && h.yx == 0);
    most[3] = fmaxf(most[3], h.xy);
  }
  assert_true(most[0] > 0.49f && most[1] > 1.48f && most[2] > 10 && most[3] > 0.98f);
}

// ---- Elastic ------------------------------------------------------------------------------------

static void displacements_are_smoothed_noise(void **state) {
  (void)state;
  hd_elastic e;
  static float dx[H * W], dy[H * W], other[H * W], raw[H * W], raw_y[H * W];
  hd_random_key key = {5, 6};
  hd_elastic_options o = {.alpha = 3, .sigma = 0.1f};
  assert_int_equal(hd_elastic_open(NULL, &o, &e, NULL), HD_OK);
  hd_elastic_draw(&e, H, W, key, raw, raw_y, other);  // hardly any Gaussian: alpha times noise
  hd_elastic_close(NULL, &e);
  double mean = 0, square = 0;
  for (int i = 0; i < H * W; i++) {
    assert_true(fabsf(raw[i]) <= 3);
    mean += (double)raw[i] / (H * W), square += (double)(raw[i] * raw[i]) / (H * W);
  }
  assert_true(fabs(mean) < 0.6 && fabs(square - 3) < 0.8 && raw[0] != raw_y[0]);
  o = (hd_elastic_options){.alpha = 6, .sigma = 1.5f};
  assert_int_equal(hd_elastic_open(NULL, &o, &e, NULL), HD_OK);
  hd_elastic_draw(&e, H, W, key, dx, dy, other);
  hd_elastic_close(NULL, &e);
  for (int y = 0; y < H; y++)
    for (int x = 0; x < W; x++) {
      double sum = 0, whole = 0;
      for (int k = -6; k <= 6; k++) whole += exp(-k * k / 4.5);
      for (int i = HD_MAX(y - 6, 0); i <= HD_MIN(y + 6, H - 1); i++)
        for (int k = HD_MAX(x - 6, 0); k <= HD_MIN(x + 6, W - 1); k++)
          sum += exp(-((i - y) * (i - y) + (k - x) * (k - x)) / 4.5) * (double)raw[i * W + k];
      assert_true(fabs((double)dx[y * W + x] - 2 * sum / whole / whole) < 1e-5);
    }
}

// ---- Values -------------------------------------------------------------------------------------

static void colors_change_as_they_say(void **state) {
  (void)state;
  float was[5 * 4 * 3], at[5 * 4 * 3];
  hd_picture p = {at, 4, 5, 3};
  for (int i = 0; i < 60; i++) was[i] = (float)(i * 37 % 200);
  for (uint64_t n = 0; n < 50; n++) {
    hd_random_key key = {3, n};
    memcpy(at, was, sizeof was);
    hd_color_apply(&(hd_color_options){.brightness = 0.4f}, key, &p);
    float factor = at[1] / was[1];
    assert_true(factor >= 0.6f && factor <= 1.4f);
    for (int i = 0; i < 60; i++) assert_true(fabsf(at[i] - factor * was[i]) < 1e-3f);
    memcpy(at, was, sizeof was);
    hd_color_apply(&(hd_color_options){.contrast = 0.9f, .saturation = 0.9f, .hue = 0.5f}, key, &p);
    double a = 0, b = 0;
    for (int i = 0; i < 20; i++) {  // the mean grey stays
      a += 0.299 * (double)was[3 * i] + 0.587 * (double)was[3 * i + 1] +
           0.114 * (double)was[3 * i + 2];
      b +=
          0.299 * (double)at[3 * i] + 0.587 * (double)at[3 * i + 1] + 0.114 * (double)at[3 * i + 2];
    }
    assert_true(fabs(a - b) < 0.02 * a);
    for (int i = 0; i < 60; i++) at[i] = 77;
    hd_color_apply(&(hd_color_options){.saturation = 1, .hue = 0.5f}, key, &p);
    for (int i = 0; i < 60; i++) assert_true(fabsf(at[i] - 77) < 0.1f);  // grey has no hue
  }
}

static void noise_has_its_deviation(void **state) {
  (void)state;
  static float at[200 * 100];
  hd_picture p = {at, 100, 200, 1};
  double mean = 0, square = 0;
  memset(at, 0, sizeof at);
  hd_noise_apply(3, (hd_random_key){1, 1}, &p);
  for (int i = 0; i < 20000; i++)
    mean += (double)at[i] / 20000, square += (double)(at[i] * at[i]) / 20000;
  assert_true(fabs(mean) < 0.1 && fabs(square - 9) < 0.4);
}

static void bytes_stay_in_their_range(void **state) {
  (void)state;
  hd_data of = source(1);
  AUGMENT(&of, .noise = 9, .range = 16);
  drawn r = draw(&d, 1, 0, 0);
  int low = 0, high = 0;
  for (int i = 0; i < H * W; i++) {
    assert_true(r.image[i] <= 16);
    low += r.image[i] == 0, high += r.image[i] == 16;
  }
  assert_true(low > 5 && high > 5);
  hd_data_free(&d);
  hd_data_free(&of);
}

static void squares_are_left_out(void **state) {
  (void)state;
  static float at[40 * 30];
  hd_picture p = {at, 30, 40, 1};
  bool corner = false, whole = false;
  for (uint64_t n = 0; n < 2000; n++) {
    for (int i = 0; i < 1200; i++) at[i] = 1;
    hd_cutout_apply(&(hd_cutout_options){.size = 6}, (hd_random_key){1, n}, &p);
    int zeros = 0;
    for (int i = 0; i < 1200; i++) zeros += at[i] == 0;
    assert_true(zeros >= 9 && zeros <= 36);
    corner |= at[0] == 0, whole |= zeros == 36;
  }
  assert_true(corner && whole);
}

// ---- Mixtures -----------------------------------------------------------------------------------

static void shares_are_of_beta(void **state) {
  (void)state;
  static const double alphas[] = {0.2, 0.5, 1, 3};
  for (size_t n = 0; n < HD_COUNT(alphas); n++) {
    double mean = 0, square = 0;
    for (uint64_t i = 0; i < 20000; i++) {
      double v = hd_random_beta((hd_random_key){i, n}, alphas[n]);
      assert_true(v >= 0 && v <= 1);
      mean += v / 20000, square += v * v / 20000;
    }
    assert_true(fabs(mean - 0.5) < 0.01);
    assert_true(fabs(square - mean * mean - 1 / (4 * (2 * alphas[n] + 1))) < 0.005);
  }
  double tiny = hd_random_beta((hd_random_key){1, 1}, 1e-3);
  assert_true(tiny >= 0 && tiny <= 1);
}

static void mixtures_are_of_two_samples(void **state) {
  (void)state;
  hd_data of = source(3);
  for (int cut = 0; cut < 2; cut++) {
    AUGMENT(&of, .mixup = cut ? 0 : 1, .cutmix = cut ? 1 : 0);
    assert_int_equal(d.columns, 3);
    assert_string_equal(d.column[2].name, "mix");
    assert_true(hd_shape_equal(d.column[2].type.shape, HD_SHAPE(4)));
    for (int epoch = 0; epoch < 60; epoch++) {
      drawn r = draw(&d, 2, epoch, 1);
      hd_draw at = {2, epoch, 1};
      hd_augment_options o = {.mixup = cut ? 0 : 1, .cutmix = cut ? 1 : 0};
      hd_mix m = hd_mix_draw(&o, &(hd_picture){NULL, H, W, 3}, SAMPLES, hd_draw_key(&at, "mix", 0));
      const uint8_t *a = original(1, 3), *b = original(m.other, 3);
      int theirs = 0;
      for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
          bool in = y >= m.top && y < m.bottom && x >= m.left && x < m.right;
          theirs += in;
          for (int c = 0; c < 3; c++) {
            int i = (y * W + x) * 3 + c;
            double want =
                cut ? (in ? b[i] : a[i]) : (double)m.share * a[i] + (1 - (double)m.share) * b[i];
            assert_true(fabs(r.image[i] - want) < 0.51);
          }
        }
      if (cut) assert_true(fabsf(m.share - (1 - (float)theirs / (H * W))) < 1e-6f);
      assert_int_equal(r.label, 1);
      for (int k = 0; k < 4; k++) {
        float want = (k == label[1] ? m.share : 0) + (k == label[m.other] ? 1 - m.share : 0);
        assert_true(fabsf(r.mix[k] - want) < 1e-6f);
      }
    }
    hd_data_free(&d);
  }
  hd_data_free(&of);
}

// ---- The rest -----------------------------------------------------------------------------------

static void own_functions_are_exact(void **state) {
  (void)state;
  for (double x = -800; x < 800; x += 0.37) {
    double s, c;
    hd_exact_turn(x, &s, &c);
    assert_true(fabs(s - sin(x * acos(-1) / 180)) < 4e-15);
    assert_true(fabs(c - cos(x * acos(-1) / 180)) < 4e-15);
    if (fabs(x) < 700) assert_true(fabs(hd_exact_exp(x) / exp(x) - 1) < 1e-14);
    double v = exp(x / 2);
    assert_true(fabs(hd_exact_log(v) - log(v)) <= 4e-16 * fmax(fabs(log(v)), 1));
  }
  assert_true(hd_exact_exp(0) == 1 && hd_exact_log(1) == 0 && hd_exact_exp(-1e9) == 0);
}

static void mark(uint8_t *seen, const hd_fields *f, size_t at) {
  for (int i = 0; i < f->count; i++)
    if (f->field[i].kind != HD_FIELD_LIST) memset(seen + at + f->field[i].offset, 1, 4);
}

static void tables_cover_their_structs(void **state) {
  (void)state;
  uint8_t seen[sizeof(hd_augment_options)] = {0};
  mark(seen, &hd_augment_fields, 0);
  mark(seen, &hd_elastic_fields, offsetof(hd_augment_options, elastic));
  mark(seen, &hd_color_fields, offsetof(hd_augment_options, color));
  mark(seen, &hd_cutout_fields, offsetof(hd_augment_options, cutout));
  for (size_t i = offsetof(hd_augment_options, rotate); i + 4 < sizeof seen; i++)
    assert_true(seen[i]);
}

static void bad_calls_are_refused(void **state) {
  (void)state;
  static const char *const names[] = {"x", "label"};
  hd_data of = source(1), d, plain;
  hd_error err = {0};
  assert_int_equal(hd_data_augment(NULL, NULL, &d, &err), HD_E_ARGUMENT);
  assert_int_equal(hd_data_augment(NULL, &of, &d, &err, .rotate = 181), HD_E_ARGUMENT);
  assert_string_equal(err.text, "augment: rotate is 181, must be 0 to 180");
  assert_int_equal(hd_data_augment(NULL, &of, &d, &err, .noise = NAN), HD_E_ARGUMENT);
  assert_int_equal(hd_data_augment(NULL, &of, &d, &err, .flip = (hd_flip)4), HD_E_ARGUMENT);
  assert_int_equal(hd_data_augment(NULL, &of, &d, &err, .color = {.hue = 0.6f}), HD_E_ARGUMENT);
  assert_int_equal(hd_data_augment(NULL, &of, &d, &err, .elastic = {.alpha = -1}), HD_E_ARGUMENT);
  assert_int_equal(hd_data_augment(NULL, &of, &d, &err, .cutout = {.size = -1}), HD_E_ARGUMENT);
  assert_int_equal(hd_data_augment(NULL, &of, &d, &err, .range = 256), HD_E_ARGUMENT);
  of.classes = 0;
  assert_int_equal(hd_data_augment(NULL, &of, &d, &err, .mixup = 1), HD_E_ARGUMENT);
  assert_non_null(strstr(err.text, "need classes"));
  float x[6] = {0};
  hd_tensor t[] = {{.dtype = HD_F32, .shape = HD_SHAPE(3, 2), .data = x}};
  assert_int_equal(hd_data_from_tensors(NULL, names, t, 1, &plain, NULL), HD_OK);
  assert_int_equal(hd_data_augment(NULL, &plain, &d, &err), HD_E_SHAPE);
  assert_non_null(strstr(err.text, "the data has no images"));
  hd_data_free(&plain);
  hd_data_free(&of);
}

static const char *once(const hd_env *env, void *arg) {
  hd_data d;
  hd_error err = {0};
  if (hd_data_augment(env, arg, &d, &err, .elastic = {.alpha = 1}, .mixup = 1))
    return err.status == HD_E_MEMORY ? NULL : "another failure";
  hd_data_free(&d);
  return NULL;
}

static void failing_memory_is_clean(void **state) {
  (void)state;
  hd_data of = source(1);
  const char *wrong = faults_each(once, &of, EIO, NULL);
  if (wrong) fail_msg("%s", wrong);
  hd_data_free(&of);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_at_strength_zero),
                                     cmocka_unit_test(reading_is_not_changed),
                                     cmocka_unit_test(a_draw_is_its_three_numbers),
                                     cmocka_unit_test(small_warps),
                                     cmocka_unit_test(crops_are_whole_shifts),
                                     cmocka_unit_test(flips_are_in_half_of_the_samples),
                                     cmocka_unit_test(draws_stay_within_their_strength),
                                     cmocka_unit_test(displacements_are_smoothed_noise),
                                     cmocka_unit_test(colors_change_as_they_say),
                                     cmocka_unit_test(noise_has_its_deviation),
                                     cmocka_unit_test(bytes_stay_in_their_range),
                                     cmocka_unit_test(squares_are_left_out),
                                     cmocka_unit_test(shares_are_of_beta),
                                     cmocka_unit_test(mixtures_are_of_two_samples),
                                     cmocka_unit_test(own_functions_are_exact),
                                     cmocka_unit_test(tables_cover_their_structs),
                                     cmocka_unit_test(bad_calls_are_refused),
                                     cmocka_unit_test(failing_memory_is_clean)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
