// Other sizes: against sums written out, and what must hold for any image.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>

#include "../../test/faults.h"
#include "image.h"

static hd_tensor f32(int64_t h, int64_t w, int64_t c, float *at) {
  return (hd_tensor){.dtype = HD_F32, .shape = HD_SHAPE(h, w, c), .data = at};
}

static float noise[23 * 31 * 3];

static void fill(void) {
  for (size_t i = 0; i < HD_COUNT(noise); i++) noise[i] = (float)(i * 2654435761u >> 8 & 255);
}

static void expect(hd_resample how, int n, float *row, int m, const float *want) {
  for (int down = 0; down < 2; down++) {  // along rows and along columns
    hd_tensor t, image = down ? f32(n, 1, 1, row) : f32(1, n, 1, row);
    assert_int_equal(
        hd_image_resize(NULL, &image, down ? m : 1, down ? 1 : m, &t, NULL, .resample = how),
        HD_OK);
    for (int i = 0; i < m; i++)
      if (fabsf(((const float *)t.data)[i] - want[i]) > 1e-5f)
        fail_msg("%d: %g instead of %g", i, (double)((const float *)t.data)[i], (double)want[i]);
    hd_tensor_free(&t);
  }
}

static void small_cases(void **state) {
  (void)state;
  expect(HD_BILINEAR, 2, (float[]){0, 8}, 4, (const float[]){0, 2, 6, 8});
  expect(HD_BILINEAR, 4, (float[]){0, 2, 6, 8}, 2,  // triangle of width 4: 3 3 1 and 1 3 3 of 7
         (const float[]){(0 * 3 + 2 * 3 + 6) / 7.0f, (2 + 6 * 3 + 8 * 3) / 7.0f});
  expect(HD_BILINEAR, 3, (float[]){1, 2, 9}, 1, (const float[]){(1 * 2 + 2 * 3 + 9 * 2) / 7.0f});
  expect(HD_AREA, 4, (float[]){0, 2, 6, 8}, 2, (const float[]){1, 7});
  expect(HD_AREA, 3, (float[]){3, 6, 12}, 2, (const float[]){4, 10});
  expect(HD_AREA, 2, (float[]){3, 6}, 4, (const float[]){3, 3, 6, 6});
  expect(HD_AREA, 2, (float[]){3, 6}, 3, (const float[]){3, 4.5f, 6});
  expect(HD_NEAREST, 4, (float[]){0, 2, 6, 8}, 2, (const float[]){2, 8});
  expect(HD_NEAREST, 2, (float[]){3, 6}, 4, (const float[]){3, 3, 6, 6});
}

// Each new pixel as the double sum over all old ones.
static double reference(const hd_tensor *t, int64_t h, int64_t w, int64_t y, int64_t x, int64_t c) {
  double sum = 0, whole = 0, sy = (double)t->shape.d[0] / (double)h,
         sx = (double)t->shape.d[1] / (double)w;
  for (int64_t i = 0; i < t->shape.d[0]; i++)
    for (int64_t k = 0; k < t->shape.d[1]; k++) {
      double dy = 1 - fabs((double)i + 0.5 - ((double)y + 0.5) * sy) / fmax(sy, 1);
      double dx = 1 - fabs((double)k + 0.5 - ((double)x + 0.5) * sx) / fmax(sx, 1);
      if (dy <= 0 || dx <= 0) continue;
      whole += dx * dy;
      sum += dx * dy * (double)noise[(i * t->shape.d[1] + k) * t->shape.d[2] + c];
    }
  return sum / whole;
}

static void as_the_sum_over_all_pixels(void **state) {
  (void)state;
  static const int size[][2] = {{23, 31}, {46, 62}, {11, 40}, {5, 7}, {1, 1}, {24, 30}, {90, 3}};
  static uint8_t byte[23 * 31 * 3];
  fill();
  for (size_t i = 0; i < HD_COUNT(byte); i++) byte[i] = (uint8_t)noise[i];
  for (size_t i = 0; i < HD_COUNT(size); i++) {
    hd_tensor image = f32(23, 31, 3, noise), bytes = image, t, u;
    bytes.dtype = HD_U8, bytes.data = byte;
    assert_int_equal(hd_image_resize(NULL, &image, size[i][0], size[i][1], &t, NULL), HD_OK);
    assert_int_equal(hd_image_resize(NULL, &bytes, size[i][0], size[i][1], &u, NULL), HD_OK);
    assert_int_equal(u.dtype, HD_U8);
    for (int64_t n = 0; n < hd_shape_count(t.shape); n++) {
      double want =
          reference(&image, size[i][0], size[i][1], n / 3 / size[i][1], n / 3 % size[i][1], n % 3);
      assert_true(fabs((double)((const float *)t.data)[n] - want) < 1e-3);
      assert_true(fabs(((const uint8_t *)u.data)[n] - want) < 0.501);
    }
    hd_tensor_free(&t);
    hd_tensor_free(&u);
  }
}

static void flat_images_stay_flat(void **state) {
  (void)state;
  static uint8_t byte[50 * 70];
  memset(byte, 255, sizeof byte);
  hd_tensor image = {.dtype = HD_U8, .shape = HD_SHAPE(50, 70, 1), .data = byte}, t;
  for (int how = 0; how < 3; how++)
    for (int side = 1; side < 150; side += 17) {
      assert_int_equal(
          hd_image_resize(NULL, &image, side, 151 - side, &t, NULL, .resample = (hd_resample)how),
          HD_OK);
      for (int i = 0; i < side * (151 - side); i++)
        assert_int_equal(((const uint8_t *)t.data)[i], 255);
      hd_tensor_free(&t);
    }
}

static void bad_calls_are_refused(void **state) {
  (void)state;
  hd_error err;
  hd_tensor image = f32(2, 2, 1, noise), t, bad = image;
  assert_int_equal(hd_image_resize(NULL, &image, 0, 2, &t, &err), HD_E_ARGUMENT);
  assert_int_equal(hd_image_resize(NULL, &image, 2, 65536, &t, &err), HD_E_ARGUMENT);
  assert_int_equal(hd_image_resize(NULL, NULL, 2, 2, &t, &err), HD_E_ARGUMENT);
  bad.dtype = HD_I32;
  assert_int_equal(hd_image_resize(NULL, &bad, 2, 2, &t, &err), HD_E_SHAPE);
  bad = image, bad.shape = HD_SHAPE(2, 2);
  assert_int_equal(hd_image_resize(NULL, &bad, 2, 2, &t, &err), HD_E_SHAPE);
  assert_null(t.data);
}

static const char *once(const hd_env *env, void *arg) {
  hd_tensor image = f32(9, 8, 2, noise), t;
  hd_status status = hd_image_resize(env, &image, 5, 12, &t, NULL);
  (void)arg;
  if ((status == HD_OK) != (t.data != NULL)) return "status and data differ";
  hd_tensor_free(&t);
  return NULL;
}

static void failing_memory_is_clean(void **state) {
  (void)state;
  int64_t runs = 0;
  const char *wrong = faults_each(once, NULL, EIO, &runs);
  if (wrong) fail_msg("%s", wrong);
  assert_true(runs > 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(small_cases), cmocka_unit_test(as_the_sum_over_all_pixels),
      cmocka_unit_test(flat_images_stay_flat), cmocka_unit_test(bad_calls_are_refused),
      cmocka_unit_test(failing_memory_is_clean)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
