// IDX: right values for every type, and a message of its own for every way to be wrong.
#define _POSIX_C_SOURCE 200809L
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "../../test/faults.h"
#include "../../test/temp.h"
#include "table.h"

// From a block of exactly that size, so that a sanitizer sees a read past its end.
static hd_status parse(const void *bytes, size_t count, hd_tensor *to, hd_error *err) {
  void *copy = malloc(count ? count : 1);
  if (count) memcpy(copy, bytes, count);
  memset(err, 0, sizeof *err);
  hd_status status = hd_idx_parse(NULL, "f.idx", copy, count, to, err);
  free(copy);
  assert_int_equal(status, err->status);
  assert_true((status == HD_OK) == (to->data != NULL));
  return status;
}

static void every_type_is_read(void **state) {
  (void)state;
  hd_tensor t;
  hd_error err;
  assert_int_equal(parse("\0\0\x08\2\0\0\0\2\0\0\0\3\1\2\3\xFF\5\6", 18, &t, &err), HD_OK);
  assert_true(t.dtype == HD_U8 && hd_shape_equal(t.shape, HD_SHAPE(2, 3)));
  assert_int_equal(((uint8_t *)t.data)[3], 255);
  hd_tensor_free(&t);
  assert_int_equal(parse("\0\0\x09\1\0\0\0\2\x80\x7F", 10, &t, &err), HD_OK);
  assert_true(t.dtype == HD_I8 && ((int8_t *)t.data)[0] == -128 && ((int8_t *)t.data)[1] == 127);
  hd_tensor_free(&t);
  assert_int_equal(parse("\0\0\x0B\1\0\0\0\2\x80\x01\x12\x34", 12, &t, &err), HD_OK);
  assert_true(t.dtype == HD_I32 && ((int32_t *)t.data)[0] == -32767);
  assert_int_equal(((int32_t *)t.data)[1], 0x1234);
  hd_tensor_free(&t);
  assert_int_equal(parse("\0\0\x0C\1\0\0\0\1\xFF\xFF\xFF\xFE", 12, &t, &err), HD_OK);
  assert_true(t.dtype == HD_I32 && ((int32_t *)t.data)[0] == -2);
  hd_tensor_free(&t);
  assert_int_equal(parse("\0\0\x0D\1\0\0\0\1\xBF\xC0\0\0", 12, &t, &err), HD_OK);
  assert_true(t.dtype == HD_F32 && ((float *)t.data)[0] == -1.5f);
  hd_tensor_free(&t);
  assert_int_equal(parse("\0\0\x0E\1\0\0\0\1\x40\x09\x21\xFB\x54\x44\x2D\x18", 16, &t, &err),
                   HD_OK);
  assert_true(t.dtype == HD_F64 && ((double *)t.data)[0] == 3.141592653589793);
  hd_tensor_free(&t);
  assert_int_equal(
      parse("\0\0\x08\x08\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\2"
            "\7\7",
            38, &t, &err),
      HD_OK);
  assert_int_equal(t.shape.rank, 8);
  hd_tensor_free(&t);
}

static void every_mistake_has_its_message(void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    size_t count;
    const char *text;
  } cases[] = {
      {"", 0, "f.idx: the file is empty"},
      {"\0\0\x08", 3, "f.idx: 3 bytes; an IDX file begins with 4"},
      {"\x1F\x8B\x08\1\0\0\0\1\1", 9,
       "f.idx: offset 0: begins with bytes 1F 8B, an IDX file with 00 00"},
      {"\0\1\x08\1\0\0\0\1\1", 9,
       "f.idx: offset 0: begins with bytes 00 01, an IDX file with 00 00"},
      {"\0\0\x0A\1\0\0\0\1\1", 9, "f.idx: offset 2: element type 0x0A; known are"},
      {"\0\0\x08\0\1", 5, "f.idx: offset 3: 0 dimensions; possible are 1 to 8"},
      {"\0\0\x08\x09\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\1\1", 41,
       "f.idx: offset 3: 9 dimensions; possible are 1 to 8"},
      {"\0\0\x08\3\0\0\0\1\0\0\0\1\0\0\0", 15,
       "f.idx: offset 4: 3 sizes need 16 bytes of header, the file has 15"},
      {"\0\0\x08\2\0\0\0\1\0\0\0\0", 12, "f.idx: offset 8: size 2 of 2 is 0"},
      {"\0\0\x0D\2\0\0\0\2\0\0\0\3\1\2\3", 15,
       "f.idx: the header promises f32 (2, 3), 24 bytes from offset 12; the file has 3"},
      {"\0\0\x08\1\0\0\0\2\1\2\3", 11,
       "f.idx: offset 10: 1 bytes after the end of u8 (2): not this header's data"},
      {"\0\0\x08\1\xFF\xFF\xFF\xFF\1", 9, "the header promises u8 (4294967295)"},
      {"\0\0\x08\2\x80\0\0\0\x80\0\0\0\1", 13, "the header promises u8 (2147483648, 2147483648)"},
      {"\0\0\x08\3\x80\0\0\0\x80\0\0\0\0\0\0\4\1", 17,  // 2^64: wraps to nothing
       "offset 4: the sizes (2147483648, 2147483648, 4) multiply to more than 63 bits"},
      {"\0\0\x0E\2\x80\0\0\0\x40\0\0\0\1", 13, "multiply to more than 63 bits"},
      {"\0\0\x08\4\0\1\0\0\0\1\0\0\0\1\0\0\0\1\0\0", 20, "multiply to more than 63 bits"}};
  for (size_t i = 0; i < HD_COUNT(cases); i++) {
    hd_tensor t;
    hd_error err;
    hd_status status = parse(cases[i].bytes, cases[i].count, &t, &err);
    if (status != HD_E_FORMAT || !strstr(err.text, cases[i].text))
      fail_msg("case %zu: %d %s", i, status, err.text);
  }
}

static void every_truncation_and_extension_is_an_error(void **state) {
  (void)state;
  static const char good[] = "\0\0\x0B\2\0\0\0\2\0\0\0\3\1\2\3\4\5\6\7\x08\x09\x0A\x0B\x0C";
  hd_tensor t;
  hd_error err;
  char longer[64] = {0};
  for (size_t n = 0; n < 24; n++) assert_int_equal(parse(good, n, &t, &err), HD_E_FORMAT);
  assert_int_equal(parse(good, 24, &t, &err), HD_OK);
  hd_tensor_free(&t);
  memcpy(longer, good, 24);
  for (size_t n = 25; n < 64; n++) assert_int_equal(parse(longer, n, &t, &err), HD_E_FORMAT);
}

// ---- Files --------------------------------------------------------------------------------------

static char path[TEMP_PATH];

static int make_file(void **state) {
  (void)state;
  static const char good[] = "\0\0\x0B\1\0\0\0\2\1\2\3\4";
  int handle = mkstemp(temp_template(path, "idx", ""));
  return handle < 0 || write(handle, good, 12) != 12 || close(handle);
}

static int remove_file(void **state) {
  (void)state;
  return unlink(path);
}

static hd_status fake_inflate(const hd_env *env, const void *bytes, size_t count, int64_t limit,
                              void **to, size_t *size, hd_error *err) {
  (void)bytes, (void)count, (void)limit;
  *to = NULL, *size = 0;
  char *block = hd_alloc(env, 16);
  if (!block) return hd_fail(err, HD_E_MEMORY, "gzip: memory is out");
  memcpy(block, "\0\0\x08\1\0\0\0\1\x2A", 9);
  *to = block, *size = 9;
  return HD_OK;
}

static void files_are_read_and_inflated(void **state) {
  (void)state;
  hd_tensor t;
  hd_error err;
  assert_int_equal(hd_idx_read(NULL, path, NULL, &t, &err), HD_OK);
  assert_int_equal(((int32_t *)t.data)[1], 0x0304);
  hd_tensor_free(&t);
  assert_int_equal(hd_idx_read(NULL, "/no/such.idx", NULL, &t, &err), HD_E_NOT_FOUND);
  assert_string_equal(err.text, "/no/such.idx: No such file or directory");
  char zipped[TEMP_PATH + 8];
  snprintf(zipped, sizeof zipped, "%s.gz", path);
  assert_int_equal(hd_file_write(NULL, zipped, "\x1F\x8B\x08", 3, &err), HD_OK);
  assert_int_equal(hd_idx_read(NULL, zipped, NULL, &t, &err), HD_E_UNSUPPORTED);
  assert_non_null(strstr(err.text, "zlib1g-dev"));
  assert_int_equal(hd_idx_read(NULL, zipped, fake_inflate, &t, &err), HD_OK);
  assert_int_equal(((uint8_t *)t.data)[0], 42);
  hd_tensor_free(&t);
  unlink(zipped);
}

static const char *read_it(const hd_env *env, void *arg) {
  (void)arg;
  hd_error err = {0};
  hd_tensor t;
  hd_status status = hd_idx_read(env, path, NULL, &t, &err);
  if (!status && ((int32_t *)t.data)[0] != 0x0102) return "wrong values";
  hd_tensor_free(&t);
  if (!status) return NULL;
  if (status != HD_E_MEMORY && status != HD_E_IO) return "neither memory nor input";
  if (!strstr(err.text, path)) return "the path is missing";
  return status == HD_E_IO && !strstr(err.text, "Input/output error") ? "no reason" : NULL;
}

static void every_fault_is_survived(void **state) {
  (void)state;
  int64_t runs = 0;
  const char *wrong = faults_each(read_it, NULL, EIO, &runs);
  if (wrong) fail_msg("%s", wrong);
  assert_true(runs > 12);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_type_is_read), cmocka_unit_test(every_mistake_has_its_message),
      cmocka_unit_test(every_truncation_and_extension_is_an_error),
      cmocka_unit_test(files_are_read_and_inflated), cmocka_unit_test(every_fault_is_survived)};
  return cmocka_run_group_tests(tests, make_file, remove_file);
}
