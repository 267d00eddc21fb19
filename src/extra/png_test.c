// PNG: every kind against what its samples mean; damage, bombs and failing memory.
#define _POSIX_C_SOURCE 200809L
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "../../include/hadal/extra.h"
#include "../../test/faults.h"

#ifndef HD_WITH_PNG

static void the_package_is_named(void **state) {
  (void)state;
  hd_tensor t = {0}, one = {.dtype = HD_U8, .shape = HD_SHAPE(1, 1, 1), .data = "a"};
  hd_error err = {0};
  hd_image_options o = {0};
  assert_int_equal(hd_parse_image(NULL, "a.png", "\x89PNG\r\n\x1A\n", 8, &t, &err, o),
                   HD_E_UNSUPPORTED);
  assert_non_null(strstr(err.text, "libpng-dev"));
  assert_null(t.data);
  assert_int_equal(hd_write_png(NULL, "/nowhere.png", &one, &err), HD_E_UNSUPPORTED);
  assert_non_null(strstr(err.text, "libpng-dev"));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_package_is_named)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

#include <zlib.h>

#include "../../test/silence.h"
#include "make_png_test.h"

enum { W = 21, H = 13 };

static int depth_now;  // of what `pattern` draws

static unsigned pattern(int x, int y, int c) {
  unsigned v = (unsigned)(x * 2654435 + y * 40503 + c * 977 + x * y * 131) * 2654435761u >> 9;
  return v & ((1u << depth_now) - 1);
}

static hd_status parse(const made_png *p, hd_tensor *to, hd_error *err, hd_image_options o) {
  return hd_parse_png(NULL, "p.png", p->at, p->size, to, err, o);
}

static const uint8_t *at(const hd_tensor *t, int x, int y) {
  return (const uint8_t *)t->data + (y * t->shape.d[1] + x) * t->shape.d[2];
}

// 0 .. 2^depth - 1 to 0 .. 255, to the nearest.
static int eight(unsigned v, int depth) {
  unsigned most = (1u << depth) - 1;
  return (int)((2 * v * 255 + most) / (2 * most));
}

static int white(int v, int a) { return (2 * (v * a + 255 * (255 - a)) + 255) / 510; }

static uint8_t palette[256][3];

static void every_kind_is_read(void **state) {
  (void)state;
  static const struct {
    int color, depth;
  } kind[] = {{0, 1}, {0, 2}, {0, 4}, {0, 8}, {0, 16}, {2, 8}, {2, 16}, {3, 1},
              {3, 2}, {3, 4}, {3, 8}, {4, 8}, {4, 16}, {6, 8}, {6, 16}};
  for (int i = 0; i < 256; i++)
    for (int c = 0; c < 3; c++) palette[i][c] = (uint8_t)(i * 37 + c * 91 + 5);
  for (size_t k = 0; k < 2 * HD_COUNT(kind); k++) {
    int color = kind[k / 2].color, depth = kind[k / 2].depth;
    bool clear = color >= 4, gray = color == 0 || color == 4;
    made_png more = {0};
    if (color == 3) png_chunk(&more, "PLTE", palette, (size_t)3 << depth);
    depth_now = depth;
    made_png p = png_make(W, H, depth, color, k & 1, pattern, &more);
    hd_tensor t, all;
    hd_error err = {0};
    if (parse(&p, &t, &err, (hd_image_options){0})) fail_msg("%d %d: %s", color, depth, err.text);
    assert_int_equal(parse(&p, &all, &err, (hd_image_options){.channels = 4}), HD_OK);
    assert_true(hd_shape_equal(t.shape, HD_SHAPE(H, W, gray ? 1 : 3)));
    assert_true(hd_shape_equal(all.shape, HD_SHAPE(H, W, 4)));
    for (int y = 0; y < H; y++)
      for (int x = 0; x < W; x++) {
        int alpha = clear ? eight(pattern(x, y, gray ? 1 : 3), depth) : 255;
        for (int c = 0; c < 3; c++) {
          int want =
              color == 3 ? palette[pattern(x, y, 0)][c] : eight(pattern(x, y, gray ? 0 : c), depth);
          assert_int_equal(at(&all, x, y)[c], want);
          if (!gray || c == 0) assert_int_equal(at(&t, x, y)[c], white(want, alpha));
        }
        assert_int_equal(at(&all, x, y)[3], alpha);
      }
    hd_tensor_free(&t);
    hd_tensor_free(&all);
    free(p.at);
    free(more.at);
  }
}

static int step16;
static unsigned ramp(int x, int y, int c) { return (void)c, (unsigned)((y * 256 + x) * step16); }

// All 65,536 values, each to the nearest of 256.
static void sixteen_bits_are_rounded(void **state) {
  (void)state;
  step16 = 1;
  made_png p = png_make(256, 256, 16, 0, false, ramp, NULL);
  hd_tensor t;
  assert_int_equal(parse(&p, &t, NULL, (hd_image_options){0}), HD_OK);
  for (int i = 0; i < 65536; i++)
    assert_int_equal(((const uint8_t *)t.data)[i], (int)(i / 257.0 + 0.5));
  hd_tensor_free(&t);
  free(p.at);
}

static void transparent_colors_become_alpha(void **state) {
  (void)state;
  made_png more = {0};
  hd_tensor t;
  png_chunk(&more, "PLTE", "abcdefghi", 9);
  png_chunk(&more, "tRNS", "\x00\x80", 2);  // the third is opaque
  depth_now = 1;
  made_png p = png_make(2, 2, 2, 3, false, pattern, &more);
  assert_int_equal(parse(&p, &t, NULL, (hd_image_options){.channels = 4}), HD_OK);
  for (int i = 0; i < 4; i++) {
    unsigned v = pattern(i % 2, i / 2, 0);
    assert_memory_equal(at(&t, i % 2, i / 2), v ? "def\x80" : "abc\x00", 4);
  }
  hd_tensor_free(&t);
  free(p.at);
  more.size = 0;
  png_chunk(&more, "tRNS", "\x00\x01", 2);
  p = png_make(W, H, 1, 0, true, pattern, &more);  // of grey: 1 is transparent, so white
  assert_int_equal(parse(&p, &t, NULL, (hd_image_options){0}), HD_OK);
  for (int i = 0; i < W * H; i++)
    assert_int_equal(at(&t, i % W, i / W)[0], 255 * pattern(i % W, i / W, 0));
  hd_tensor_free(&t);
  free(p.at);
  free(more.at);
}

static void channels_are_converted(void **state) {
  (void)state;
  static const uint8_t color[] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30};
  hd_tensor image = {.dtype = HD_U8, .shape = HD_SHAPE(1, 4, 3), .data = (void *)(uintptr_t)color},
            t;
  void *bytes;
  size_t count;
  hd_image_write_options w = {0};
  assert_int_equal(hd_encode_png(NULL, &image, &bytes, &count, NULL, w), HD_OK);
  made_png p = {bytes, count, count};
  assert_int_equal(parse(&p, &t, NULL, (hd_image_options){.channels = 1}), HD_OK);
  assert_true(hd_shape_equal(t.shape, HD_SHAPE(1, 4, 1)));
  assert_memory_equal(t.data, "\x4C\x96\x1D\x12", 4);  // 0.299 R + 0.587 G + 0.114 B
  hd_tensor_free(&t);
  hd_release(NULL, bytes);
  image.shape = HD_SHAPE(4, 3, 1);
  assert_int_equal(hd_encode_png(NULL, &image, &bytes, &count, NULL, w), HD_OK);
  p = (made_png){bytes, count, count};
  assert_int_equal(parse(&p, &t, NULL, (hd_image_options){.channels = 3}), HD_OK);
  for (int i = 0; i < 36; i++) assert_int_equal(((const uint8_t *)t.data)[i], color[i / 3]);
  hd_tensor_free(&t);
  hd_error err;
  assert_int_equal(parse(&p, &t, &err, (hd_image_options){.channels = 2}), HD_E_ARGUMENT);
  assert_non_null(strstr(err.text, "channels is 2"));
  hd_release(NULL, bytes);
}

static void written_images_come_back(void **state) {
  (void)state;
  static uint8_t pixel[40 * 30 * 4];
  for (size_t i = 0; i < sizeof pixel; i++) pixel[i] = (uint8_t)(i * i / 7);
  for (int channels = 1; channels <= 4; channels++)
    for (int level = 0; level <= 9; level += 3) {
      hd_tensor t, image = {.dtype = HD_U8, .shape = HD_SHAPE(30, 40, channels), .data = pixel};
      void *bytes;
      size_t count;
      hd_image_write_options w = {.level = level};
      assert_int_equal(hd_encode_png(NULL, &image, &bytes, &count, NULL, w), HD_OK);
      made_png p = {bytes, count, count};
      hd_image_options o = {.channels = channels == 2 || channels == 4 ? 4 : channels};
      assert_int_equal(parse(&p, &t, NULL, o), HD_OK);
      for (int i = 0; i < 30 * 40 * (int)t.shape.d[2]; i++) {
        int c = i % (int)t.shape.d[2], from = i / (int)t.shape.d[2] * channels;
        int want = channels == 2 ? pixel[from + (c == 3)] : pixel[from + c];
        assert_int_equal(((const uint8_t *)t.data)[i], want);
      }
      hd_tensor_free(&t);
      hd_release(NULL, bytes);
    }
}

static void only_images_are_written(void **state) {
  (void)state;
  hd_error err;
  void *bytes;
  size_t count;
  hd_tensor good = {.dtype = HD_U8, .shape = HD_SHAPE(1, 1, 1), .data = "a"};
  hd_tensor bad[] = {good, good, good, good, good};
  bad[0].dtype = HD_F32;
  bad[1].shape = HD_SHAPE(1, 1);
  bad[2].shape = HD_SHAPE(1, 1, 5);
  bad[3].shape = HD_SHAPE(0, 1, 1);
  bad[4].shape = HD_SHAPE(1, 65536, 1);
  hd_image_write_options w = {0};
  for (size_t i = 0; i < HD_COUNT(bad); i++)
    assert_int_equal(hd_encode_png(NULL, &bad[i], &bytes, &count, &err, w), HD_E_SHAPE);
  w.level = 10;
  assert_int_equal(hd_encode_png(NULL, &good, &bytes, &count, &err, w), HD_E_ARGUMENT);
  w.level = 0;
  good.data = NULL;
  assert_int_equal(hd_encode_png(NULL, &good, &bytes, &count, &err, w), HD_E_ARGUMENT);
  assert_int_equal(hd_encode_png(NULL, NULL, &bytes, &count, &err, w), HD_E_ARGUMENT);
}

// ---- Bad input ----------------------------------------------------------------------------------

static made_png small(void) {
  depth_now = 8;
  return png_make(W, H, 8, 2, false, pattern, NULL);
}

static void every_cut_is_noticed(void **state) {
  (void)state;
  made_png p = small();
  for (size_t n = 0; n < p.size; n++) {
    hd_tensor t;
    hd_error err = {0};
    made_png cut = {p.at, n, n};
    hd_status status = parse(&cut, &t, &err, (hd_image_options){0});
    if (status != HD_E_FORMAT) fail_msg("%zu of %zu bytes: %s", n, p.size, err.text);
    assert_null(t.data);
    if (n >= 33) assert_memory_equal(err.text, "p.png: truncated: ", 18);
  }
  free(p.at);
}

static void every_changed_byte_is_noticed(void **state) {
  (void)state;
  silence quiet = silence_start();
  made_png p = small();
  for (size_t i = 0; i < p.size; i++) {
    hd_tensor t;
    p.at[i] ^= 0x10;
    assert_int_not_equal(parse(&p, &t, NULL, (hd_image_options){0}), HD_OK);
    assert_null(t.data);
    p.at[i] ^= 0x10;
  }
  assert_int_equal(silence_end(&quiet), 0);  // nothing was printed
  free(p.at);
}

static unsigned black(int x, int y, int c) { return (void)x, (void)y, (void)c, 0; }

static void large_images_are_refused_first(void **state) {
  (void)state;
  hd_memory memory = {0};
  hd_env env = {.memory = &memory};
  hd_error err;
  hd_tensor t;
  static const uint32_t sizes[][2] = {
      {0x7FFFFFFF, 0x7FFFFFFF}, {65536, 65536}, {8193, 8192}, {1, 0x7FFFFFFF}};
  for (size_t i = 0; i < HD_COUNT(sizes); i++) {
    made_png p = {0};
    png_start(&p, sizes[i][0], sizes[i][1], 16, 6, 1);
    png_data(&p, "IDAT", (const uint8_t *)"", 1);
    png_chunk(&p, "IEND", NULL, 0);
    hd_status status =
        hd_parse_png(&env, "bomb.png", p.at, p.size, &t, &err, (hd_image_options){0});
    assert_int_equal(status, HD_E_LIMIT);
    assert_non_null(strstr(err.text, "most_pixels"));
    assert_true(memory.peak < 300 << 10);
    free(p.at);
  }
  made_png p = {0};  // allowed, but not in so few bytes
  png_start(&p, 8192, 8192, 8, 6, 0);
  png_data(&p, "IDAT", (const uint8_t *)"", 1);
  png_chunk(&p, "IEND", NULL, 0);
  assert_int_equal(hd_parse_png(&env, "liar.png", p.at, p.size, &t, &err, (hd_image_options){0}),
                   HD_E_FORMAT);
  assert_non_null(strstr(err.text, "cannot hold 8192 x 8192 pixels"));
  assert_true(memory.peak < 300 << 10);
  free(p.at);
  p = png_make(40, 10, 8, 0, false, black, NULL);
  assert_int_equal(parse(&p, &t, &err, (hd_image_options){.most_pixels = 399}), HD_E_LIMIT);
  assert_int_equal(parse(&p, &t, &err, (hd_image_options){.most_pixels = 400}), HD_OK);
  hd_tensor_free(&t);
  free(p.at);
}

static void sizes_of_nothing_are_refused(void **state) {
  (void)state;
  for (int i = 0; i < 2; i++) {
    made_png p = {0};
    hd_tensor t;
    png_start(&p, i ? 0 : 5, i ? 5 : 0, 8, 0, 0);
    png_data(&p, "IDAT", (const uint8_t *)"", 1);
    png_chunk(&p, "IEND", NULL, 0);
    assert_int_equal(parse(&p, &t, NULL, (hd_image_options){0}), HD_E_FORMAT);
    free(p.at);
  }
}

static void one_pixel_and_trailing_bytes(void **state) {
  (void)state;
  depth_now = 8;
  made_png p = png_make(1, 1, 8, 6, true, pattern, NULL);
  hd_tensor t;
  png_add(&p, "garbage after the end", 21);
  assert_int_equal(parse(&p, &t, NULL, (hd_image_options){.channels = 4}), HD_OK);
  for (int c = 0; c < 4; c++) assert_int_equal(at(&t, 0, 0)[c], pattern(0, 0, c));
  hd_tensor_free(&t);
  free(p.at);
}

// APNG: the frames after the first lie in chunks that other readers do not know.
static void of_an_animation_the_first_frame(void **state) {
  (void)state;
  made_png more = {0}, p = {0};
  uint8_t control[26] = {[7] = 2, [11] = 1};
  depth_now = 8;
  png_chunk(&more, "acTL", "\0\0\0\2\0\0\0\0", 8);
  png_chunk(&more, "fcTL", control, sizeof control);
  made_png one = png_make(2, 1, 8, 0, false, pattern, &more);
  png_add(&p, one.at, one.size - 12);
  control[3] = 1;
  png_chunk(&p, "fcTL", control, sizeof control);
  png_data(&p, "fdAT", (const uint8_t *)"\0zz", 3);
  png_chunk(&p, "IEND", NULL, 0);
  hd_tensor t;
  assert_int_equal(parse(&p, &t, NULL, (hd_image_options){0}), HD_OK);
  assert_true(hd_shape_equal(t.shape, HD_SHAPE(1, 2, 1)));
  for (int x = 0; x < 2; x++) assert_int_equal(at(&t, x, 0)[0], pattern(x, 0, 0));
  hd_tensor_free(&t);
  free(p.at);
  free(one.at);
  free(more.at);
}

// A text chunk that unpacks to megabytes is passed over.
static void texts_are_not_unpacked(void **state) {
  (void)state;
  made_png more = {0};
  static uint8_t zeros[4 << 20];
  hd_memory memory = {0};
  hd_env env = {.memory = &memory};
  made_png text = {0};
  static uint8_t packed[64 << 10];
  uLongf size = sizeof packed;
  assert_int_equal(compress(packed, &size, zeros, sizeof zeros), Z_OK);
  png_add(&text, "k\0\0", 3);
  png_add(&text, packed, size);
  png_chunk(&more, "zTXt", text.at, text.size);
  png_chunk(&more, "iCCP", text.at, text.size);
  depth_now = 8;
  made_png p = png_make(W, H, 8, 0, false, pattern, &more);
  hd_tensor t;
  assert_int_equal(hd_parse_png(&env, "p", p.at, p.size, &t, NULL, (hd_image_options){0}), HD_OK);
  assert_true(memory.peak < 300 << 10);
  hd_tensor_free(&t);
  assert_int_equal(memory.bytes, 0);
  free(p.at);
  free(text.at);
  free(more.at);
}

static const char *read_and_write(const hd_env *env, void *arg) {
  const made_png *p = arg;
  hd_tensor t;
  hd_error err = {0};
  void *bytes;
  size_t count;
  hd_status status =
      hd_parse_png(env, "p", p->at, p->size, &t, &err, (hd_image_options){.channels = 3});
  if (status && (status != HD_E_MEMORY || t.data)) return "not a clean failure of memory";
  if (status) return NULL;
  status = hd_encode_png(env, &t, &bytes, &count, &err, (hd_image_write_options){0});
  if (status && (status != HD_E_MEMORY || bytes)) return "not a clean failure to write";
  hd_release(env, bytes);
  hd_tensor_free(&t);
  return NULL;
}

static void every_failure_of_memory_is_clean(void **state) {
  (void)state;
  depth_now = 16;
  made_png p = png_make(W, H, 16, 4, true, pattern, NULL);
  int64_t runs = 0;
  const char *wrong = faults_each(read_and_write, &p, EIO, &runs);
  if (wrong) fail_msg("%s", wrong);
  assert_true(runs > 20);
  free(p.at);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_kind_is_read),
                                     cmocka_unit_test(sixteen_bits_are_rounded),
                                     cmocka_unit_test(transparent_colors_become_alpha),
                                     cmocka_unit_test(channels_are_converted),
                                     cmocka_unit_test(written_images_come_back),
                                     cmocka_unit_test(only_images_are_written),
                                     cmocka_unit_test(every_cut_is_noticed),
                                     cmocka_unit_test(every_changed_byte_is_noticed),
                                     cmocka_unit_test(large_images_are_refused_first),
                                     cmocka_unit_test(sizes_of_nothing_are_refused),
                                     cmocka_unit_test(one_pixel_and_trailing_bytes),
                                     cmocka_unit_test(of_an_animation_the_first_frame),
                                     cmocka_unit_test(texts_are_not_unpacked),
                                     cmocka_unit_test(every_failure_of_memory_is_clean)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
