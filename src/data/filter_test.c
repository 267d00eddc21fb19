// Filters: the kernels' promises, every pixel against the sum written out, text, refusals.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>

#include "../../test/faults.h"
#include "image.h"

static hd_tensor view(hd_dtype dtype, int64_t h, int64_t w, int64_t c, void *at) {
  return (hd_tensor){.dtype = dtype, .shape = HD_SHAPE(h, w, c), .data = at};
}

static uint8_t bytes[37 * 29 * 3];
static float reals[37 * 29 * 3];
static int fill(void **state) {
  (void)state;
  for (size_t i = 0; i < HD_COUNT(bytes); i++)
    bytes[i] = (uint8_t)(i * 2654435761u >> 8), reals[i] = (float)bytes[i] - 100;
  return 0;
}

static float sum_of(const hd_image_kernel *k) {
  float sum = 0;
  for (int i = 0; i < k->height * k->width; i++) sum += k->weight[i];
  return sum / k->divisor;
}

// What the slides say of the sums, and the coefficients of Gaussian and unsharp masking.
static void sums(void **state) {
  (void)state;
  int count;
  const hd_image_kernel *k = hd_image_kernels(&count);
  assert_int_equal(count, 12);
  for (int i = 0; i < count; i++) {
    bool edge = !strncmp(k[i].name, "edge", 4) || !strncmp(k[i].name, "sobel", 5) ||
                !strcmp(k[i].name, "laplace");
    assert_float_equal(sum_of(&k[i]), edge ? 0 : !strcmp(k[i].name, "box-sum") ? 9 : 1, 0);
    assert_ptr_equal(hd_image_kernel_find(k[i].name), &k[i]);
    assert_int_equal(k[i].height % 2 * (k[i].width % 2), 1);
  }
  const hd_image_kernel *bell = hd_image_kernel_find("gaussian"),
                        *mask = hd_image_kernel_find("unsharp"),
                        *four = hd_image_kernel_find("edge-4"),
                        *laplace = hd_image_kernel_find("laplace");
  for (int i = 0; i < 25; i++) {  // unsharp is twice the image less the Gaussian
    float once = i == 12 ? 2 : 0;
    assert_float_equal(mask->weight[i] / mask->divisor, once - bell->weight[i] / bell->divisor, 0);
    assert_float_equal(bell->weight[i], bell->weight[i % 5] * bell->weight[i / 5], 0);
  }
  for (int i = 0; i < 9; i++) assert_float_equal(four->weight[i], -laplace->weight[i], 0);
  assert_null(hd_image_kernel_find("Identity"));
  assert_null(hd_image_kernel_find(NULL));
}

static void promises(void **state) {
  (void)state;
  hd_tensor t, image = view(HD_U8, 37, 29, 3, bytes), real = view(HD_F32, 37, 29, 3, reals);
  const hd_image_kernel *identity = hd_image_kernel_find("identity");
  assert_int_equal(hd_image_filter(NULL, &image, identity, &t, NULL), HD_OK);
  assert_memory_equal(t.data, bytes, sizeof bytes);
  hd_tensor_free(&t);
  assert_int_equal(hd_image_filter(NULL, &real, identity, &t, NULL, .convolve = true), HD_OK);
  assert_memory_equal(t.data, reals, sizeof reals);
  hd_tensor_free(&t);
  float constant[30];
  for (int value = -300; value < 600; value += 7) {
    for (int i = 0; i < 30; i++) constant[i] = (float)value / 2;
    hd_tensor flat = view(HD_F32, 5, 6, 1, constant);
    const char *names[] = {"box-blur", "gaussian", "unsharp"};
    for (int i = 0; i < 3; i++) {
      assert_int_equal(hd_image_filter(NULL, &flat, hd_image_kernel_find(names[i]), &t, NULL,
                                       .edge = HD_EDGE_NEAREST),
                       HD_OK);
      assert_memory_equal(t.data, constant, sizeof constant);
      hd_tensor_free(&t);
    }
  }
}

static int64_t place(int64_t i, int64_t n, hd_edge edge) {
  if (i >= 0 && i < n) return i;
  if (edge == HD_EDGE_ZERO) return -1;
  if (edge == HD_EDGE_NEAREST || n == 1) return i < 0 ? 0 : n - 1;
  while (i < 0 || i >= n) i = i < 0 ? -i : 2 * (n - 1) - i;
  return i;
}

static double reference(const hd_tensor *t, const hd_image_kernel *k, const hd_filter_options *o,
                        int64_t y, int64_t x, int64_t c) {
  int64_t h = t->shape.d[0], w = t->shape.d[1];
  double sum = 0;
  for (int r = 0; r < k->height; r++)
    for (int s = 0; s < k->width; s++) {
      int64_t i = place(y + r - k->height / 2, h, o->edge);
      int64_t j = place(x + s - k->width / 2, w, o->edge);
      int tap = r * k->width + s;
      if (i < 0 || j < 0) continue;
      int64_t at = (i * w + j) * t->shape.d[2] + c;
      double value =
          t->dtype == HD_U8 ? ((const uint8_t *)t->data)[at] : (double)((const float *)t->data)[at];
      sum += (double)k->weight[o->convolve ? k->height * k->width - 1 - tap : tap] * value;
    }
  sum = sum / (double)k->divisor * (o->scale != 0 ? o->scale : 1) + o->offset;
  return t->dtype == HD_U8 ? fmin(fmax(floor(sum + 0.5), 0), 255) : sum;
}

static void compare(hd_tensor image, const hd_image_kernel *k, hd_filter_options o) {
  hd_tensor t;
  hd_error err = {0};
  if ((hd_image_filter)(NULL, &image, k, &t, &err, o)) fail_msg("%s", err.text);
  assert_true(t.dtype == image.dtype && hd_shape_equal(t.shape, image.shape));
  for (int64_t i = 0, n = hd_shape_count(t.shape), c = t.shape.d[2], w = t.shape.d[1]; i < n; i++) {
    double want = reference(&image, k, &o, i / c / w, i / c % w, i % c);
    double got =
        t.dtype == HD_U8 ? ((const uint8_t *)t.data)[i] : (double)((const float *)t.data)[i];
    if (fabs(got - want) > (t.dtype == HD_U8 ? 0 : 1e-2))
      fail_msg("%s, edge %d: %lld is %g instead of %g", k->name ? k->name : "own", (int)o.edge,
               (long long)i, got, want);
  }
  hd_tensor_free(&t);
}

static void every_pixel(void **state) {
  (void)state;
  int count;
  const hd_image_kernel *all = hd_image_kernels(&count);
  const float lopsided[] = {1, 2, 3, 4, 5, 6, -7, 8, 9, 10, -11, 12, 13, 14, -15};
  hd_image_kernel tall = {NULL, NULL, 5, 3, lopsided, 8}, wide = {NULL, NULL, 1, 15, lopsided, 1};
  for (int edge = 0; edge < 3; edge++) {
    hd_filter_options o = {.edge = (hd_edge)edge},
                      turned = {.edge = (hd_edge)edge, .convolve = true};
    for (int i = 0; i < count; i++) compare(view(HD_U8, 13, 11, 3, bytes), &all[i], o);
    compare(view(HD_U8, 37, 29, 3, bytes), &tall, o);
    compare(view(HD_U8, 37, 29, 3, bytes), &tall, turned);
    compare(view(HD_F32, 29, 37, 1, reals), &wide, turned);
    compare(view(HD_U8, 1, 1, 3, bytes), &tall, o);  // kernels larger than the image
    compare(view(HD_U8, 2, 3, 1, bytes), &wide, o);
    o.scale = 0.25, o.offset = 128;
    compare(view(HD_U8, 9, 7, 4, bytes), &tall, o);
  }
}

// More rows than one band holds, with a last band that lies over the one before.
static void bands(void **state) {
  (void)state;
  enum { HIGH = 331, WIDE = 6007 };
  hd_tensor image = hd_tensor_new(NULL, HD_U8, HD_SHAPE(HIGH, WIDE, 1), NULL), t;
  const hd_image_kernel *k = hd_image_kernel_find("sobel-y");
  hd_filter_options o = {.offset = 90, .scale = 0.5};
  for (int64_t i = 0; i < HIGH * WIDE; i++) ((uint8_t *)image.data)[i] = bytes[i % 3217];
  assert_int_equal((hd_image_filter)(NULL, &image, k, &t, NULL, o), HD_OK);
  for (int64_t y = 0; y < HIGH; y++)
    for (int64_t x = 0; x < WIDE; x += 97)
      assert_int_equal(((const uint8_t *)t.data)[y * WIDE + x],
                       (int)reference(&image, k, &o, y, x, 0));
  hd_tensor_free(&t);
  hd_tensor_free(&image);
}

static void text(void **state) {
  (void)state;
  static float weight[HD_KERNEL_WEIGHTS];
  hd_image_kernel k;
  hd_error err = {0};
  assert_int_equal(hd_image_kernel_parse(" 0,-1 .5/\t-1 5e0 -1 / 0 -1 0 ", weight, &k, NULL),
                   HD_OK);
  assert_true(k.height == 3 && k.width == 3 && k.weight == weight);
  assert_memory_equal(weight, ((float[]){0, -1, .5f, -1, 5, -1, 0, -1, 0}), 9 * sizeof(float));
  assert_int_equal(hd_image_kernel_parse("7", weight, &k, NULL), HD_OK);
  assert_true(k.height == 1 && k.width == 1);
  static const struct {
    const char *text, *says;
  } wrong[] = {{"", "row 1 has 0 numbers"},
               {"1 2 / 3", "row 2 has 1 numbers, unlike row 1"},
               {"1 2 /", "row 2 has 0"},
               {"/ 1", "row 1 has 0"},
               {"1 2 / 3 x", "row 2, number 2: \"x\""},
               {"1 nan 2", "number 2: \"nan\""},
               {"1 1e40 2", "\"1e40\""},
               {"1 2;3", "\"2;3\""}};
  for (size_t i = 0; i < HD_COUNT(wrong); i++) {
    assert_int_equal(hd_image_kernel_parse(wrong[i].text, weight, &k, &err), HD_E_FORMAT);
    if (!strstr(err.text, wrong[i].says)) fail_msg("%s: %s", wrong[i].text, err.text);
  }
  char many[4000] = "";
  for (int i = 0; i < 32; i++) strcat(many, "1 ");
  assert_int_equal(hd_image_kernel_parse(many, weight, &k, NULL), HD_E_LIMIT);
  for (int i = 0; i < 32; i++) many[2 * i + 1] = i < 31 ? '/' : 0;
  assert_int_equal(hd_image_kernel_parse(many, weight, &k, NULL), HD_E_LIMIT);
  many[61] = 0;  // 31 rows
  assert_int_equal(hd_image_kernel_parse(many, weight, &k, NULL), HD_OK);
  assert_int_equal(k.height, 31);
}

static void refusals(void **state) {
  (void)state;
  hd_tensor t, image = view(HD_U8, 5, 5, 1, bytes);
  hd_error err = {0};
  const float ones[4] = {1, 1, 1, 1};
  hd_image_kernel even = {NULL, NULL, 2, 1, ones, 1}, good = {NULL, NULL, 1, 1, ones, 1};
  assert_int_equal(hd_image_filter(NULL, &image, &even, &t, &err), HD_E_ARGUMENT);
  assert_non_null(strstr(err.text, "both sides must be odd"));
  assert_null(t.data);
  assert_int_equal(hd_image_filter(NULL, NULL, &good, &t, NULL), HD_E_ARGUMENT);
  assert_int_equal(hd_image_filter(NULL, &image, NULL, &t, NULL), HD_E_ARGUMENT);
  assert_int_equal(hd_image_filter(NULL, &image, &good, &t, NULL, .edge = (hd_edge)7),
                   HD_E_ARGUMENT);
  assert_int_equal(hd_image_filter(NULL, &image, &good, &t, NULL, .scale = NAN), HD_E_ARGUMENT);
  image.dtype = HD_I32;
  assert_int_equal(hd_image_filter(NULL, &image, &good, &t, &err), HD_E_SHAPE);
  image = view(HD_U8, 5, 0, 1, bytes);
  assert_int_equal(hd_image_filter(NULL, &image, &good, &t, &err), HD_E_SHAPE);
  assert_int_equal(hd_test_card(NULL, 15, 64, &t, &err), HD_E_ARGUMENT);
  assert_int_equal(hd_test_card(NULL, 48, 64, &t, &err), HD_OK);
  assert_true(hd_shape_equal(t.shape, HD_SHAPE(48, 64, 3)));
  hd_tensor_free(&t);
}

static const char *once(const hd_env *env, void *arg) {
  hd_tensor image = view(HD_U8, 5, 5, 3, bytes), t;
  hd_env one = *env;
  (void)arg;
  one.threads = 1;
  const hd_image_kernel *k = hd_image_kernel_find("unsharp");
  hd_status status = hd_image_filter(&one, &image, k, &t, NULL, .convolve = true);
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
  const struct CMUnitTest tests[] = {cmocka_unit_test(sums),
                                     cmocka_unit_test(promises),
                                     cmocka_unit_test(every_pixel),
                                     cmocka_unit_test(bands),
                                     cmocka_unit_test(text),
                                     cmocka_unit_test(refusals),
                                     cmocka_unit_test(failing_memory_is_clean)};
  return cmocka_run_group_tests(tests, fill, NULL);
}
