// JPEG: every kind of colour, progressive, damage, limits and failing memory.
#define _POSIX_C_SOURCE 200809L
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "../../include/hadal/extra.h"
#include "../../test/faults.h"

#ifndef HD_WITH_JPEG

static void the_package_is_named(void **state) {
  (void)state;
  hd_tensor t = {0}, one = {.dtype = HD_U8, .shape = HD_SHAPE(1, 1, 1), .data = "a"};
  hd_error err = {0};
  hd_image_options o = {0};
  assert_int_equal(hd_parse_image(NULL, "a.jpg", "\xFF\xD8\xFF", 3, &t, &err, o), HD_E_UNSUPPORTED);
  assert_non_null(strstr(err.text, "libjpeg62-turbo-dev"));
  assert_null(t.data);
  assert_int_equal(hd_write_jpeg(NULL, "/nowhere.jpg", &one, &err), HD_E_UNSUPPORTED);
  assert_non_null(strstr(err.text, "libjpeg62-turbo-dev"));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_package_is_named)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

#include <stdio.h>

#include <jpeglib.h>

#include "../../test/silence.h"

enum { W = 48, H = 32, BLOCK = 16 };  // flat blocks, so that hardly anything is lost

typedef struct made {
  unsigned char *at;
  unsigned long size;
} made;

typedef struct kind {
  J_COLOR_SPACE in, file;
  int channels;
  bool progressive, no_adobe;
  int restart;
  const jpeg_scan_info *scan;
  int scans;
} kind;

static int value(int x, int y, int c) { return (x / BLOCK * 71 + y / BLOCK * 113 + c * 53) % 256; }

static made make(kind k, int width, int height) {
  struct jpeg_compress_struct j;
  struct jpeg_error_mgr e;
  made m = {0};
  unsigned char row[W * 4];
  JSAMPROW rows = row;
  j.err = jpeg_std_error(&e);
  jpeg_create_compress(&j);
  jpeg_mem_dest(&j, &m.at, &m.size);
  j.image_width = (JDIMENSION)width, j.image_height = (JDIMENSION)height;
  j.input_components = k.channels, j.in_color_space = k.in;
  jpeg_set_defaults(&j);
  jpeg_set_colorspace(&j, k.file);
  jpeg_set_quality(&j, 100, TRUE);
  if (k.no_adobe) j.write_Adobe_marker = FALSE;
  if (k.progressive) jpeg_simple_progression(&j);
  if (k.scan) j.scan_info = k.scan, j.num_scans = k.scans;
  j.restart_interval = (unsigned)k.restart;
  jpeg_start_compress(&j, TRUE);
  for (int y = 0; y < height; y++) {
    for (int x = 0; x < width; x++)
      for (int c = 0; c < k.channels; c++) row[x * k.channels + c] = (unsigned char)value(x, y, c);
    jpeg_write_scanlines(&j, &rows, 1);
  }
  jpeg_finish_compress(&j);
  jpeg_destroy_compress(&j);
  return m;
}

static hd_status parse(const made *m, hd_tensor *to, hd_error *err, hd_image_options o) {
  return hd_parse_jpeg(NULL, "p.jpg", m->at, m->size, to, err, o);
}

static void near(int have, int want) {
  if (have < want - 3 || have > want + 3) fail_msg("%d instead of %d", have, want);
}

static void compare(const made *m, int channels, int (*want)(int x, int y, int c)) {
  hd_tensor t;
  hd_error err = {0};
  if (parse(m, &t, &err, (hd_image_options){0})) fail_msg("%s", err.text);
  assert_true(hd_shape_equal(t.shape, HD_SHAPE(H, W, channels)));
  for (int y = 0; y < H; y++)
    for (int x = 0; x < W; x++)
      for (int c = 0; c < channels; c++)
        if ((x + 2) % BLOCK >= 4 && (y + 2) % BLOCK >= 4)  // where halved colour does not mix
          near(((const unsigned char *)t.data)[(y * W + x) * channels + c], want(x, y, c));
  hd_tensor_free(&t);
}

// Light of the ink times light of the black.
static int of_light(int x, int y, int c) { return value(x, y, c) * value(x, y, 3) / 255; }
static int of_ink(int x, int y, int c) {
  return (255 - value(x, y, c)) * (255 - value(x, y, 3)) / 255;
}

static void every_kind_is_read(void **state) {
  (void)state;
  for (int n = 0; n < 4; n++) {
    bool progressive = n & 1;
    int restart = n & 2;
    kind gray = {JCS_GRAYSCALE, JCS_GRAYSCALE, 1, progressive, false, restart, NULL, 0};
    kind ycc = {JCS_RGB, JCS_YCbCr, 3, progressive, false, restart, NULL, 0};
    kind rgb = {JCS_RGB, JCS_RGB, 3, progressive, false, restart, NULL, 0};
    kind cmyk = {JCS_CMYK, JCS_CMYK, 4, progressive, false, restart, NULL, 0}, plain = cmyk;
    kind ycck = {JCS_CMYK, JCS_YCCK, 4, progressive, false, restart, NULL, 0};
    plain.no_adobe = true;
    const struct {
      kind k;
      int channels;
      int (*want)(int x, int y, int c);
    } all[] = {{gray, 1, value},    {ycc, 3, value},    {rgb, 3, value},
               {cmyk, 3, of_light}, {plain, 3, of_ink}, {ycck, 3, of_light}};
    for (size_t i = 0; i < HD_COUNT(all); i++) {
      made m = make(all[i].k, W, H);
      compare(&m, all[i].channels, all[i].want);
      free(m.at);
    }
  }
}

static const kind color = {JCS_RGB, JCS_YCbCr, 3, false, false, 0, NULL, 0};
static const kind progressive = {JCS_RGB, JCS_YCbCr, 3, true, false, 0, NULL, 0};

static void odd_sizes_are_read(void **state) {
  (void)state;
  for (int size = 1; size < 18; size++) {
    made m = make(size & 1 ? color : progressive, size, 18 - size);
    hd_tensor t;
    assert_int_equal(parse(&m, &t, NULL, (hd_image_options){0}), HD_OK);
    assert_true(hd_shape_equal(t.shape, HD_SHAPE(18 - size, size, 3)));
    near(((const unsigned char *)t.data)[1], value(0, 0, 1));
    hd_tensor_free(&t);
    free(m.at);
  }
}

static void one_pixel_is_read(void **state) {
  (void)state;
  static const kind inks = {JCS_CMYK, JCS_YCCK, 4, false, false, 0, NULL, 0};
  for (int i = 0; i < 3; i++) {
    made m = make(i == 0 ? color : i == 1 ? progressive : inks, 1, 1);
    hd_tensor t;
    assert_int_equal(parse(&m, &t, NULL, (hd_image_options){0}), HD_OK);
    assert_true(hd_shape_equal(t.shape, HD_SHAPE(1, 1, 3)));
    near(((const unsigned char *)t.data)[2], i < 2 ? value(0, 0, 2) : of_light(0, 0, 2));
    hd_tensor_free(&t);
    free(m.at);
  }
}

static void channels_are_converted(void **state) {
  (void)state;
  made m = make(color, W, H);
  hd_tensor t;
  assert_int_equal(parse(&m, &t, NULL, (hd_image_options){.channels = 1}), HD_OK);
  assert_true(hd_shape_equal(t.shape, HD_SHAPE(H, W, 1)));
  near(((const unsigned char *)t.data)[0],
       (299 * value(0, 0, 0) + 587 * value(0, 0, 1) + 114 * value(0, 0, 2)) / 1000);
  hd_tensor_free(&t);
  free(m.at);
}

static void written_images_come_back(void **state) {
  (void)state;
  static unsigned char pixel[H * W * 3];
  for (int channels = 1; channels <= 3; channels += 2) {
    size_t last = SIZE_MAX;
    for (int i = 0; i < H * W * channels; i++)
      pixel[i] = (unsigned char)value(i / channels % W, i / channels / W, i % channels);
    hd_tensor image = {.dtype = HD_U8, .shape = HD_SHAPE(H, W, channels), .data = pixel};
    for (int quality = 100; quality > 0; quality -= 33) {
      void *bytes;
      size_t count;
      hd_image_write_options o = {.quality = quality, .full_chroma = quality == 100};
      assert_int_equal(hd_encode_jpeg(NULL, &image, &bytes, &count, NULL, o), HD_OK);
      made m = {bytes, count};
      if (quality == 100) compare(&m, channels, value);
      assert_true(count <= last);
      last = count;
      hd_release(NULL, bytes);
    }
    void *bytes;
    size_t count;
    hd_error err;
    hd_image_write_options o = {.quality = 101};
    assert_int_equal(hd_encode_jpeg(NULL, &image, &bytes, &count, &err, o), HD_E_ARGUMENT);
    image.shape.d[2] = 4, o.quality = 0;
    assert_int_equal(hd_encode_jpeg(NULL, &image, &bytes, &count, &err, o), HD_E_SHAPE);
  }
}

// ---- Bad input ----------------------------------------------------------------------------------

static void every_cut_is_noticed(void **state) {
  (void)state;
  for (int n = 0; n < 2; n++) {
    made m = make(n ? progressive : color, W, H);
    for (unsigned long size = 0; size < m.size; size++) {
      hd_tensor t;
      hd_error err = {0};
      made cut = {m.at, size};
      if (parse(&cut, &t, &err, (hd_image_options){0}) != HD_E_FORMAT)
        fail_msg("%lu of %lu bytes: %s", size, m.size, err.text);
      assert_null(t.data);
      if (size > 2) assert_memory_equal(err.text, "p.jpg: truncated: ", 18);
    }
    free(m.at);
  }
}

// Codes have no checksum: what matters is that nothing is printed, leaks or is read out of bounds.
static void changed_bytes_do_no_harm(void **state) {
  (void)state;
  int refused = 0;
  silence quiet = silence_start();
  hd_memory memory = {0};
  hd_env env = {.memory = &memory};
  for (int n = 0; n < 2; n++) {
    made m = make(n ? progressive : color, W, H);
    for (unsigned long i = 0; i < m.size; i++)
      for (int bit = 0; bit < 8; bit++) {
        hd_tensor t;
        hd_error err = {0};
        m.at[i] ^= (unsigned char)(1 << bit);
        hd_image_options o = {.most_pixels = 1 << 16};
        hd_status status = hd_parse_jpeg(&env, "p.jpg", m.at, m.size, &t, &err, o);
        assert_true((status == HD_OK) == (t.data != NULL));
        if (status) assert_memory_equal(err.text, "p.jpg: ", 7), refused++;
        hd_tensor_free(&t);
        m.at[i] ^= (unsigned char)(1 << bit);
      }
    free(m.at);
  }
  assert_int_equal(silence_end(&quiet), 0);  // nothing was printed
  assert_true(refused > 200);
  assert_int_equal(memory.bytes, 0);
}

// Sizes in the frame's head, at SOF + 5.
static unsigned char *sizes_of(made *m) {
  for (unsigned long i = 2; i + 9 < m->size; i++)
    if (m->at[i] == 0xFF && (m->at[i + 1] == 0xC0 || m->at[i + 1] == 0xC2)) return m->at + i + 5;
  return NULL;
}

static void large_images_are_refused_first(void **state) {
  (void)state;
  hd_memory memory = {0};
  hd_env env = {.memory = &memory};
  for (int n = 0; n < 2; n++) {
    made m = make(n ? progressive : color, W, H);
    hd_tensor t;
    hd_error err;
    memcpy(sizes_of(&m), "\xFF\xFF\xFF\xFF", 4);
    hd_image_options o = {0};
    assert_int_equal(hd_parse_jpeg(&env, "b", m.at, m.size, &t, &err, o), HD_E_LIMIT);
    assert_non_null(strstr(err.text, "65500"));
    memcpy(sizes_of(&m), "\xFF\xDC\xFF\xDC", 4);
    assert_int_equal(hd_parse_jpeg(&env, "b", m.at, m.size, &t, &err, o), HD_E_LIMIT);
    assert_non_null(strstr(err.text, "65500 x 65500 pixels; the limit is 67108864"));
    memcpy(sizes_of(&m), "\x20\x00\x20\x00", 4);
    assert_int_equal(hd_parse_jpeg(&env, "b", m.at, m.size, &t, &err, o), HD_E_FORMAT);
    assert_non_null(strstr(err.text, "cannot hold 8192 x 8192 pixels"));
    assert_true(memory.peak < 100 << 10);
    free(m.at);
    m = make(n ? progressive : color, 20, 10);
    o.most_pixels = 199;
    assert_int_equal(parse(&m, &t, &err, o), HD_E_LIMIT);
    o.most_pixels = 200;
    assert_int_equal(parse(&m, &t, &err, o), HD_OK);
    hd_tensor_free(&t);
    free(m.at);
  }
}

static void rare_kinds_are_refused(void **state) {
  (void)state;
  hd_tensor t;
  hd_error err;
  made m = make(color, W, H);
  sizes_of(&m)[-1] = 12;  // bits
  assert_int_equal(parse(&m, &t, &err, (hd_image_options){0}), HD_E_UNSUPPORTED);
  assert_non_null(strstr(err.text, "p.jpg: this kind of JPEG is not read: "));
  sizes_of(&m)[-1] = 8;
  sizes_of(&m)[-4] = 0xC3;  // lossless
  assert_int_equal(parse(&m, &t, &err, (hd_image_options){0}), HD_E_UNSUPPORTED);
  free(m.at);
}

// Each scan costs as much as a whole image, and may be next to empty: 1 + 189 of them are read,
// with one bit of each coefficient sent later, 1 + 378, they are not.
static void endless_scans_are_refused(void **state) {
  (void)state;
  for (int bits = 0; bits < 2; bits++) {
    static jpeg_scan_info scan[400];
    int scans = 1;
    scan[0] = (jpeg_scan_info){3, {0, 1, 2}, 0, 0, 0, 0};
    for (int later = 0; later <= bits; later++)
      for (int c = 0; c < 3; c++)
        for (int k = 1; k < 64; k++)
          scan[scans++] = (jpeg_scan_info){1, {c}, k, k, later, bits - later};
    kind k = progressive;
    k.scan = scan, k.scans = scans;
    made m = make(k, W, H);
    hd_tensor t;
    hd_error err = {0};
    hd_status status = parse(&m, &t, &err, (hd_image_options){0});
    assert_int_equal(status, bits ? HD_E_FORMAT : HD_OK);
    if (bits) assert_string_equal(err.text, "p.jpg: damaged JPEG: more than 200 scans");
    hd_tensor_free(&t);
    free(m.at);
  }
}

static void trailing_bytes_are_passed_over(void **state) {
  (void)state;
  made m = make(color, W, H);
  m.at = realloc(m.at, m.size + 100);
  memset(m.at + m.size, 'x', 100);
  m.size += 100;
  compare(&m, 3, value);
  free(m.at);
}

static const char *read_and_write(const hd_env *env, void *arg) {
  const made *m = arg;
  hd_tensor t;
  hd_error err = {0};
  void *bytes;
  size_t count;
  hd_status status =
      hd_parse_jpeg(env, "p", m->at, m->size, &t, &err, (hd_image_options){.channels = 3});
  if (status && (status != HD_E_MEMORY || t.data)) return "not a clean failure of memory";
  if (status) return NULL;
  status = hd_encode_jpeg(env, &t, &bytes, &count, &err, (hd_image_write_options){0});
  if (status && (status != HD_E_MEMORY || bytes)) return "not a clean failure to write";
  hd_release(env, bytes);
  hd_tensor_free(&t);
  return NULL;
}

static void every_failure_of_memory_is_clean(void **state) {
  (void)state;
  static const kind inks = {JCS_CMYK, JCS_YCCK, 4, true, false, 0, NULL, 0};
  made m = make(inks, W, H);
  int64_t runs = 0;
  const char *wrong = faults_each(read_and_write, &m, EIO, &runs);
  if (wrong) fail_msg("%s", wrong);
  assert_true(runs > 60);
  free(m.at);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_kind_is_read),
                                     cmocka_unit_test(odd_sizes_are_read),
                                     cmocka_unit_test(one_pixel_is_read),
                                     cmocka_unit_test(channels_are_converted),
                                     cmocka_unit_test(written_images_come_back),
                                     cmocka_unit_test(every_cut_is_noticed),
                                     cmocka_unit_test(changed_bytes_do_no_harm),
                                     cmocka_unit_test(large_images_are_refused_first),
                                     cmocka_unit_test(rare_kinds_are_refused),
                                     cmocka_unit_test(endless_scans_are_refused),
                                     cmocka_unit_test(trailing_bytes_are_passed_over),
                                     cmocka_unit_test(every_failure_of_memory_is_clean)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
