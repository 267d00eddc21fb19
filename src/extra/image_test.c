// Images of any kind by their first bytes, written by their ending, through the I/O layer.
#define _POSIX_C_SOURCE 200809L
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../include/hadal/extra.h"
#include "../../test/faults.h"
#include "../../test/temp.h"

static char folder[TEMP_PATH];

static const char *path_of(const char *file) {
  static char path[TEMP_PATH + 40];
  snprintf(path, sizeof path, "%s/%s", folder, file);
  return path;
}

static void keep(const char *file, const void *bytes, size_t count) {
  FILE *f = fopen(path_of(file), "wb");
  assert_non_null(f);
  if (count) assert_int_equal(fwrite(bytes, 1, count, f), count);
  fclose(f);
}

static unsigned char pixel[6 * 5 * 3];

static hd_tensor image_of(int channels) {
  for (int i = 0; i < 90; i++) pixel[i] = (unsigned char)(i * 2 + 30);
  return (hd_tensor){.dtype = HD_U8, .shape = HD_SHAPE(6, 5, channels), .data = pixel};
}

// Written by the ending; read by the bytes, under any name.
static void every_kind_comes_back(void **state) {
  (void)state;
  static const struct {
    const char *ending;
    int channels;
  } kind[] = {
      {"pgm", 1}, {"PPM", 3},  {"pnm", 1}, {"pnm", 3},
#ifdef HD_WITH_PNG
      {"png", 1}, {"PNG", 3},
#endif
#ifdef HD_WITH_JPEG
      {"jpg", 1}, {"jpeg", 3},
#endif
  };
  for (size_t i = 0; i < HD_COUNT(kind); i++) {
    char path[TEMP_PATH + 40], other[TEMP_PATH + 40];
    hd_tensor image = image_of(kind[i].channels), t;
    hd_error err = {0};
    snprintf(path, sizeof path, "%s/x.%s", folder, kind[i].ending);
    snprintf(other, sizeof other, "%s/x.gif", folder);
    if (hd_write_image(NULL, path, &image, &err, .quality = 100)) fail_msg("%s", err.text);
    assert_int_equal(rename(path, other), 0);
    if (hd_read_image(NULL, other, &t, &err)) fail_msg("%s", err.text);
    assert_true(hd_shape_equal(t.shape, image.shape));
    bool exact = kind[i].ending[0] != 'j';
    for (int k = 0; k < 30 * kind[i].channels; k++) {
      int d = ((const unsigned char *)t.data)[k] - pixel[k];
      assert_true(exact ? d == 0 : d > -12 && d < 12);
    }
    hd_tensor_free(&t);
    assert_int_equal(hd_read_image(NULL, other, &t, &err, .channels = 3, .most_pixels = 30), HD_OK);
    assert_int_equal(t.shape.d[2], 3);
    hd_tensor_free(&t);
    assert_int_equal(hd_read_image(NULL, other, &t, &err, .most_pixels = 29), HD_E_LIMIT);
    unlink(other);
  }
}

static void endings_and_channels_must_fit(void **state) {
  (void)state;
  hd_tensor gray = image_of(1), color = image_of(3);
  hd_error err;
  assert_int_equal(hd_write_image(NULL, path_of("x.gif"), &gray, &err), HD_E_UNSUPPORTED);
  assert_non_null(strstr(err.text, ".png"));
  assert_int_equal(hd_write_image(NULL, path_of("png"), &gray, &err), HD_E_UNSUPPORTED);
  assert_int_equal(hd_write_image(NULL, path_of("x.pgm"), &color, &err), HD_E_SHAPE);
  assert_int_equal(hd_write_image(NULL, path_of("x.ppm"), &gray, &err), HD_E_SHAPE);
  assert_int_equal(hd_write_image(NULL, "/no/such/place/x.pgm", &gray, &err), HD_E_NOT_FOUND);
  assert_non_null(strstr(err.text, "/no/such/place/x.pgm"));
}

static void other_kinds_are_called_by_their_names(void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    size_t count;
    const char *name;
  } kind[] = {{"GIF89a\1\0\1\0", 10, "GIF"},
              {"GIF87a\1\0", 8, "GIF"},
              {"RIFF\x10\0\0\0WEBPVP8 ", 16, "WebP"},
              {"BM\x10\0\0\0", 6, "BMP"},
              {"II*\0\x08\0\0\0", 8, "TIFF"},
              {"MM\0*\0\0\0\x08", 8, "TIFF"},
              {"\0\0\0\x20"
               "ftypavif",
               12, "AVIF"},
              {"\0\0\0\x20"
               "ftypheic",
               12, "HEIC"},
              {"\0\0\0\x0CjP  \r\n\x87\n", 12, "JPEG 2000"},
              {"\xFF\x0A....", 6, "JPEG XL"},
              {"P3\n1 1\n255\n1 2 3\n", 16, "plain PPM"}};
  for (size_t i = 0; i < HD_COUNT(kind); i++) {
    hd_tensor t;
    hd_error err = {0};
    char want[64];
    keep("odd", kind[i].bytes, kind[i].count);
    assert_int_equal(hd_read_image(NULL, path_of("odd"), &t, &err), HD_E_UNSUPPORTED);
    snprintf(want, sizeof want, "is a %s image, which is not read", kind[i].name);
    assert_non_null(strstr(err.text, want));
    assert_non_null(strstr(err.text, "read are PNG, JPEG, PGM (P5) and PPM (P6)"));
    assert_null(t.data);
  }
}

static void what_is_no_image_is_refused(void **state) {
  (void)state;
  hd_tensor t;
  hd_error err = {0};
  keep("odd", "", 0);
  assert_int_equal(hd_read_image(NULL, path_of("odd"), &t, &err), HD_E_FORMAT);
  assert_non_null(strstr(err.text, "odd: the file is empty"));
  keep("odd", "hello", 5);
  assert_int_equal(hd_read_image(NULL, path_of("odd"), &t, &err), HD_E_FORMAT);
  assert_non_null(strstr(err.text, "odd: offset 0: not an image"));
  assert_int_equal(hd_read_image(NULL, folder, &t, &err), HD_E_IO);
  assert_non_null(strstr(err.text, "Is a directory"));
  assert_int_equal(hd_read_image(NULL, path_of("none.png"), &t, &err), HD_E_NOT_FOUND);
  assert_null(t.data);
  for (size_t n = 0; n < 12; n++) {  // signatures alone, and parts of them
    static const char *const begin[] = {"\x89PNG\r\n\x1A\n", "\xFF\xD8\xFF\xE0", "P5 1 1 255",
                                        "RIFF"};
    for (size_t i = 0; i < HD_COUNT(begin); i++)
      assert_int_not_equal(hd_parse_image(NULL, "x", begin[i], HD_MIN(n, strlen(begin[i])), &t,
                                          &err, (hd_image_options){0}),
                           HD_OK);
  }
  assert_int_equal(hd_read_image(NULL, path_of("odd"), &t, &err, .channels = 5), HD_E_ARGUMENT);
  assert_int_equal(hd_read_image(NULL, path_of("odd"), &t, &err, .most_pixels = -1), HD_E_ARGUMENT);
}

static const char *write_and_read(const hd_env *env, void *arg) {
  const char *path = path_of(arg);
  hd_tensor image = image_of(3), t;
  hd_error err = {0};
  hd_status status = hd_write_image(env, path, &image, &err);
  if (status && !strstr(err.text, status == HD_E_MEMORY ? "memory" : arg)) return "no reason given";
  if (status) return NULL;
  status = hd_read_image(env, path, &t, &err);
  if ((status == HD_OK) != (t.data != NULL)) return "data and status differ";
  if (status && !strstr(err.text, arg)) return "the file is not named";
  hd_tensor_free(&t);
  return NULL;
}

static void every_failing_call_is_clean(void **state) {
  (void)state;
  static char *const files[] = {
      "f.ppm",
#ifdef HD_WITH_PNG
      "f.png",
#endif
#ifdef HD_WITH_JPEG
      "f.jpg",
#endif
  };
  for (size_t i = 0; i < HD_COUNT(files); i++) {
    int64_t runs = 0;
    const char *wrong = faults_each(write_and_read, files[i], ENOSPC, &runs);
    if (wrong) fail_msg("%s: %s", files[i], wrong);
    assert_true(runs > 15);
    unlink(path_of(files[i]));
  }
}

static int make_folder(void **state) {
  (void)state;
  return mkdtemp(temp_template(folder, "image", "")) ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  unlink(path_of("odd"));
  unlink(path_of("f.ppm.tmp"));
  unlink(path_of("f.png.tmp"));
  unlink(path_of("f.jpg.tmp"));
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_kind_comes_back), cmocka_unit_test(endings_and_channels_must_fit),
      cmocka_unit_test(other_kinds_are_called_by_their_names),
      cmocka_unit_test(what_is_no_image_is_refused), cmocka_unit_test(every_failing_call_is_clean)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
