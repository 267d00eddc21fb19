// Reading safetensors: every rule of the format has a file that breaks it, and its message.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "../../test/faults.h"
#include "safetensors.h"

static unsigned char file[1 << 16];

// A file of this header and so many bytes of data, 1 2 3 ...
static size_t make(const char *header, size_t data) {
  size_t length = strlen(header);
  assert_true(8 + length + data <= sizeof file);
  for (int i = 0; i < 8; i++) file[i] = (unsigned char)(length >> 8 * i);
  memcpy(file + 8, header, length);
  for (size_t i = 0; i < data; i++) file[8 + length + i] = (unsigned char)(i + 1);
  return 8 + length + data;
}

static hd_tensors *parse(size_t count, hd_error *err) {
  unsigned char *copy = malloc(count ? count : 1);  // exactly: a sanitizer sees a read past its end
  if (count) memcpy(copy, file, count);
  memset(err, 0, sizeof *err);
  hd_tensors *t = hd_tensors_parse(NULL, "f", copy, count, err);
  free(copy);
  assert_true((t == NULL) == (err->status != HD_OK));
  return t;
}

static void tensors_are_read(void **state) {
  (void)state;
  hd_error err;
  hd_tensors *t = parse(make("{\"b\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                             "\"__metadata__\":{\"k\":\"v\",\"\":\"\"},"
                             "\"a\":{\"shape\":[],\"data_offsets\":[8,16],\"dtype\":\"F64\"},"
                             "\"none\":{\"dtype\":\"F32\",\"shape\":[3,0],\"data_offsets\":[8,8]},"
                             "\"\\u00e9\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1],"
                             "\"data_offsets\":[16,17]}}   ",
                             17),
                        &err);
  if (!t) fail_msg("%s", err.text);
  assert_int_equal(hd_tensors_count(t), 4);
  assert_string_equal(hd_tensors_name(t, 0), "a");  // by name
  assert_string_equal(hd_tensors_name(t, 3), "\xC3\xA9");
  assert_int_equal(hd_tensors_find(t, "none"), 2);
  assert_int_equal(hd_tensors_find(t, "nope"), -1);
  assert_string_equal(hd_tensors_meta(t, "k"), "v");
  assert_null(hd_tensors_meta(t, "q"));
  hd_tensor b = hd_tensors_at(t, 1), a = hd_tensors_at(t, 0), last = hd_tensors_at(t, 3);
  assert_true(b.dtype == HD_I32 && hd_shape_equal(b.shape, HD_SHAPE(2)) && !b.owner);
  assert_int_equal(((const int32_t *)b.data)[0], 0x04030201);
  assert_true(a.dtype == HD_F64 && a.shape.rank == 0);
  assert_int_equal((uintptr_t)a.data % 8, 0);  // wherever it lay in the file
  assert_int_equal(((const unsigned char *)a.data)[0], 9);
  assert_int_equal(((const unsigned char *)last.data)[0], 17);
  assert_null(hd_tensors_at(t, 4).data);
  assert_null(hd_tensors_at(t, -1).data);
  assert_null(hd_tensors_name(t, 4));
  hd_tensors_free(t);
  hd_tensors_free(NULL);
  assert_int_equal(hd_tensors_count(NULL), 0);
  t = parse(make("{}", 0), &err);
  assert_int_equal(hd_tensors_count(t), 0);
  assert_int_equal(hd_tensors_find(t, "a"), -1);
  assert_null(hd_tensors_meta(t, "a"));
  hd_tensors_free(t);
}

// The format aligns nothing: wherever the data begins, tensors must be fit for use.
static void tensors_are_aligned(void **state) {
  (void)state;
  char header[300] =
      "{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},"
      "\"b\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[3,11]}}";
  for (int pad = 0; pad < 8; pad++, strcat(header, " ")) {
    hd_error err;
    hd_tensors *t = parse(make(header, 11), &err);
    if (!t) fail_msg("%s", err.text);
    assert_int_equal((uintptr_t)hd_tensors_at(t, 1).data % 8, 0);
    assert_memory_equal(hd_tensors_at(t, 0).data, "\1\2\3", 3);
    assert_memory_equal(hd_tensors_at(t, 1).data, "\4\5\6\7\x08\x09\x0A\x0B", 8);
    hd_tensors_free(t);
  }
}

static void every_type_is_mapped(void **state) {
  (void)state;
  static const struct {
    const char *name;
    hd_dtype dtype;
  } types[] = {{"F64", HD_F64},   {"F32", HD_F32}, {"F16", HD_F16},
               {"BF16", HD_BF16}, {"I64", HD_I64}, {"I32", HD_I32},
               {"I8", HD_I8},     {"U8", HD_U8},   {"BOOL", HD_BOOL}};
  for (size_t i = 0; i < HD_COUNT(types); i++) {
    char header[200];
    hd_error err;
    size_t size = hd_dtype_size(types[i].dtype);
    hd_print(header, sizeof header,
             "{\"a\":{\"dtype\":\"%s\",\"shape\":[1],\"data_offsets\":[0,%zu]}}", types[i].name,
             size);
    hd_tensors *t = parse(make(header, size), &err);
    if (!t) fail_msg("%s", err.text);
    assert_int_equal(hd_tensors_at(t, 0).dtype, types[i].dtype);
    hd_tensors_free(t);
  }
}

#define T(name, dtype, shape, begin, end) \
  "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end \
  "]}"

static void every_rule_has_its_message(void **state) {
  (void)state;
  static const struct {
    const char *header;
    size_t data;
    hd_status status;
    const char *text;
  } cases[] = {
      {"", 0, HD_E_FORMAT, "f: header byte 0: a header begins with '{'"},
      {" {}", 0, HD_E_FORMAT, "f: header byte 0: a header begins with '{'"},
      {"[]", 0, HD_E_FORMAT, "f: header byte 0: a header begins with '{'"},
      {"{", 0, HD_E_FORMAT, "f: header byte 1: expected a tensor's name in \"\""},
      {"{\"a", 0, HD_E_FORMAT, "f: header byte 1: a name is not closed"},
      {"{\"a\\", 0, HD_E_FORMAT, "f: header byte 1: a name is not closed"},
      {"{\"a\"", 0, HD_E_FORMAT, "f: header byte 4: expected ':' after a name"},
      {"{\"a\":{", 0, HD_E_FORMAT, "f: header byte 5: a value is not closed"},
      {"{\"a\":{\"", 0, HD_E_FORMAT, "f: header byte 5: a value is not closed"},
      {"{\"a\":}", 0, HD_E_FORMAT, "f: header byte 5:1: expected a value, found the end"},
      {"{\"a\":{]}", 0, HD_E_FORMAT, "f: header byte 5:1: expected"},
      {"{\"\\x\":1}", 0, HD_E_FORMAT, "f: header byte 1:1: bad escape"},
      {"{\"\xFF\":1}", 0, HD_E_FORMAT, "f: header byte 1:1: expected UTF-8"},
      {"{\"\":1}", 0, HD_E_FORMAT, "f: header byte 1: a tensor without a name"},
      {"{" T("a", "U8", "[0]", 0, 0) "]", 0, HD_E_FORMAT, "expected ',' or '}' after an entry"},
      {"{" T("a", "U8", "[0]", 0, 0) " x}", 0, HD_E_FORMAT, "expected nothing after the document"},
      {"{" T("a", "U8", "[0]", 0, 0) ",}", 0, HD_E_FORMAT, "expected a tensor's name in \"\""},
      {"{}\n", 0, HD_E_FORMAT, "f: header byte 2: only spaces may follow the header's last '}'"},
      {"{} {}", 0, HD_E_FORMAT, "f: header byte 3: only spaces may follow"},
      {"{\"a\":3}", 0, HD_E_FORMAT,
       "f: header byte 5: tensor \"a\": entry: not a map of dtype, shape and data_offsets"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[0]}}", 0, HD_E_FORMAT,
       "tensor \"a\": the field \"data_offsets\" is missing"},
      {"{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,0]}}", 0, HD_E_FORMAT,
       "tensor \"a\": the field \"shape\" is missing"},
      {"{\"a\":{\"shape\":[0],\"data_offsets\":[0,0]}}", 0, HD_E_FORMAT,
       "tensor \"a\": the field \"dtype\" is missing"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0],\"x\":1}}", 0, HD_E_FORMAT,
       "tensor \"a\": unknown field \"x\""},
      {"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0,
       HD_E_FORMAT, "the key \"dtype\" occurs twice"},
      {"{\"a\":{\"dtype\":8,\"shape\":[0],\"data_offsets\":[0,0]}}", 0, HD_E_FORMAT,
       "tensor \"a\": dtype: not a text"},
      {"{" T("a", "F8_E4M3", "[1]", 0, 1) "}", 1, HD_E_UNSUPPORTED,
       "tensor \"a\": dtype: \"F8_E4M3\" is not supported; F32, F64"},
      {"{" T("a", "f32", "[1]", 0, 4) "}", 4, HD_E_UNSUPPORTED, "dtype: \"f32\" is not supported"},
      {"{" T("a", "U8", "3", 0, 3) "}", 3, HD_E_FORMAT, "shape: not a list of sizes"},
      {"{" T("a", "U8", "[-1]", 0, 1) "}", 1, HD_E_FORMAT,
       "shape: a size is not a whole number of 63 bits, 0 or more"},
      {"{" T("a", "U8", "[1.0]", 0, 1) "}", 1, HD_E_FORMAT, "shape: a size is not a whole"},
      {"{" T("a", "U8", "[\"1\"]", 0, 1) "}", 1, HD_E_FORMAT, "shape: a size is not a whole"},
      {"{" T("a", "U8", "[9223372036854775808]", 0, 1) "}", 1, HD_E_FORMAT,
       "shape: a size is not a whole"},
      {"{" T("a", "U8", "[1,1,1,1,1,1,1,1,1]", 0, 1) "}", 1, HD_E_LIMIT,
       "tensor \"a\": shape: 9 dimensions; the limit is 8"},
      {"{" T("a", "U8", "[4194305,4194305,211106198978564]", 0, 4) "}", 4, HD_E_FORMAT,
       "is more than 63 bits of bytes"},  // wraps to 4
      {"{" T("a", "F32", "[4611686018427387905]", 0, 4) "}", 4, HD_E_FORMAT,
       "is more than 63 bits of bytes"},  // times 4 wraps to 4
      {"{" T("a", "U8", "[0,9223372036854775807,3]", 0, 0) "}", 0, HD_E_FORMAT,
       "is more than 63 bits of bytes"},
      {"{" T("a", "F32", "[2]", 0, 7) "}", 7, HD_E_FORMAT,
       "tensor \"a\": F32 (2) has 8 bytes; its data_offsets [0, 7] span 7"},
      {"{" T("a", "F32", "[2]", 0, 12) "}", 12, HD_E_FORMAT, "span 12"},
      {"{" T("a", "U8", "[4]", 0, 5) "}", 4, HD_E_FORMAT,
       "data_offsets: [0, 5] is not within the 4 bytes of data"},
      {"{" T("a", "U8", "[4]", 4, 0) "}", 4, HD_E_FORMAT, "data_offsets: [4, 0] is not within"},
      {"{" T("a", "U8", "[4]", -4, 0) "}", 4, HD_E_FORMAT, "data_offsets: not two whole numbers"},
      {"{" T("a", "U8", "[4]", 0.0, 4) "}", 4, HD_E_FORMAT, "data_offsets: not two whole numbers"},
      {"{" T("a", "U8", "[4]", 18446744073709551612, 4) "}", 4, HD_E_FORMAT,
       "data_offsets: not two whole numbers of 63 bits"},
      {"{" T("a", "U8", "[4]", 0, 9223372036854775807) "}", 4, HD_E_FORMAT, "is not within the 4"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0]}}", 4, HD_E_FORMAT,
       "data_offsets: not two"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4,4]}}", 4, HD_E_FORMAT,
       "data_offsets: not two"},
      {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":{\"0\":0,\"1\":4}}}", 4,
       HD_E_FORMAT, "data_offsets: not two"},
      {"{" T("a", "U8", "[4]", 0, 4) "," T("b", "U8", "[4]", 2, 6) "}", 6, HD_E_FORMAT,
       "f: tensor \"b\": data_offsets begin at 2, within another tensor, which ends at 4"},
      {"{" T("a", "U8", "[4]", 0, 4) "," T("b", "U8", "[4]", 0, 4) "}", 4, HD_E_FORMAT,
       "f: tensor \"b\": data_offsets begin at 0, within another tensor, which ends at 4"},
      {"{" T("a", "U8", "[4]", 0, 4) "," T("b", "U8", "[4]", 6, 10) "}", 10, HD_E_FORMAT,
       "f: tensor \"b\": data_offsets begin at 6, leaving a hole from 4"},
      {"{" T("a", "U8", "[4]", 1, 5) "}", 5, HD_E_FORMAT, "begin at 1, leaving a hole from 0"},
      {"{" T("z", "U8", "[0]", 2, 2) "," T("a", "U8", "[4]", 0, 4) "}", 4, HD_E_FORMAT,
       "tensor \"z\": data_offsets begin at 2, within another"},
      {"{" T("a", "U8", "[4]", 0, 4) "}", 5, HD_E_FORMAT,
       "f: the tensors end at byte 4 of the data, the file has 5"},
      {"{}", 1, HD_E_FORMAT, "f: the tensors end at byte 0 of the data, the file has 1"},
      {"{" T("a", "U8", "[1]", 0, 1) "," T("a", "U8", "[1]", 1, 2) "}", 2, HD_E_FORMAT,
       "f: two tensors are called \"a\""},
      {"{" T("a", "U8", "[1]", 0, 1) "," T("\\u0061", "U8", "[1]", 1, 2) "}", 2, HD_E_FORMAT,
       "f: two tensors are called \"a\""},
      {"{" T("a", "BOOL", "[2]", 0, 2) "}", 2, HD_E_FORMAT,
       "f: tensor \"a\": element 1 of type BOOL is 2"},
      {"{\"__metadata__\":[]}", 0, HD_E_FORMAT, "__metadata__ is not a map of texts"},
      {"{\"__metadata__\":{\"a\":1}}", 0, HD_E_FORMAT, "f: __metadata__: \"a\" is not a text"},
      {"{\"__metadata__\":{\"a\":{}}}", 0, HD_E_FORMAT, "f: __metadata__: \"a\" is not a text"},
      {"{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", 0, HD_E_FORMAT, "the key \"a\" occurs twice"},
      {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, HD_E_FORMAT,
       "the key \"__metadata__\" occurs twice"},
      {"{\"__metadata__\":{\"hadal.crc32\":\"00000000\"}," T("a", "U8", "[1]", 0, 1) "}", 1,
       HD_E_FORMAT, "f: damaged: the data gives CRC a505df1b, hadal.crc32 says 00000000"},
      {"{\"__metadata__\":{\"hadal.crc32\":\"1234\"}}", 0, HD_E_FORMAT,
       "hadal.crc32 is not eight digits of 0-9 a-f: \"1234\""},
      {"{\"__metadata__\":{\"hadal.crc32\":\"A505DF1B\"}}", 0, HD_E_FORMAT, "is not eight digits"},
      {"{\"__metadata__\":{\"hadal.crc32\":\"000000000\"}}", 0, HD_E_FORMAT, "is not eight digits"},
      {"{\"__metadata__\":{\"hadal.header.crc32\":\"00000000\"}}", 0, HD_E_FORMAT,
       "f: damaged: the header gives CRC"},
      {"{\"__metadata__\":{\"hadal.header.crc32\" : \"00000000\"}}", 0, HD_E_FORMAT,
       "f: damaged: the header gives CRC"}};
  for (size_t i = 0; i < HD_COUNT(cases); i++) {
    hd_error err;
    hd_tensors *t = parse(make(cases[i].header, cases[i].data), &err);
    hd_tensors_free(t);
    if (t || err.status != cases[i].status || !strstr(err.text, cases[i].text))
      fail_msg("case %zu: %d %s", i, err.status, err.text);
    if (strncmp(err.text, "f: ", 3)) fail_msg("case %zu does not name the file: %s", i, err.text);
  }
}

static void lengths_are_checked(void **state) {
  (void)state;
  static const struct {
    uint64_t length;
    const char *text;
  } cases[] = {{3, "the file has 2 after it: not safetensors, or truncated"},
               {100000001, "offset 0: a header of 100000001 bytes is promised, the file has 2"},
               {(uint64_t)1 << 31, "a header of 2147483648 bytes is promised"},
               {(uint64_t)1 << 32, "a header of 4294967296 bytes is promised"},
               {(uint64_t)1 << 63, "a header of 9223372036854775808 bytes is promised"},
               {UINT64_MAX, "a header of 18446744073709551615 bytes is promised"},
               {UINT64_MAX - 7, "a header of 18446744073709551608 bytes is promised"},
               {0, "f: header byte 0: a header begins with '{'"},
               {1, "f: header byte 1: expected a tensor's name"}};
  for (size_t i = 0; i < HD_COUNT(cases); i++) {
    hd_error err;
    size_t count = make("{}", 0);
    for (int k = 0; k < 8; k++) file[k] = (unsigned char)(cases[i].length >> 8 * k);
    assert_null(parse(count, &err));
    if (!strstr(err.text, cases[i].text)) fail_msg("case %zu: %s", i, err.text);
  }
  hd_error err;
  assert_null(parse(0, &err));
  assert_string_equal(err.text, "f: the file is empty");
  assert_null(parse(7, &err));
  assert_string_equal(err.text, "f: 7 bytes; a safetensors file begins with 8");
}

// The limits that need a large file: from a block of so many spaces around a small middle.
static void limits_hold(void **state) {
  (void)state;
  static const struct {
    const char *before, *after;
    size_t fill;
    char with;
    const char *text;
  } cases[] = {{"{", "}", 100000000, ' ', "a header of 100000002 bytes; the limit is 100000000"},
               {"{\"", "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 1025, 'n',
                "a name of 1025 bytes; the limit is 1024"},
               {"{\"", "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 1 << 20, 'n',
                "a name of more than 1024 bytes"},
               {"{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]", "}}", 5000, ' ',
                "tensor \"a\": an entry of"},
               {"{\"__metadata__\":{\"k\":\"", "\"}}", 16 << 20, 'v', "the limit is 16777216"},
               {"{\"a\":", "}", 1000000, '[', "a value is not closed"},
               {"{\"a\":[[[[[", "]]]]]}", 70, ' ', "not a map of dtype"}};
  for (size_t i = 0; i < HD_COUNT(cases); i++) {
    size_t a = strlen(cases[i].before), b = strlen(cases[i].after), n = a + cases[i].fill + b;
    unsigned char *block = malloc(8 + n);
    assert_non_null(block);
    for (int k = 0; k < 8; k++) block[k] = (unsigned char)(n >> 8 * k);
    memcpy(block + 8, cases[i].before, a);
    memset(block + 8 + a, cases[i].with, cases[i].fill);
    memcpy(block + 8 + a + cases[i].fill, cases[i].after, b);
    faults f;
    hd_env env = faults_env(&f);
    hd_error err;
    assert_null(hd_tensors_parse(&env, "f", block, 8 + n, &err));
    if (!strstr(err.text, cases[i].text)) fail_msg("case %zu: %s", i, err.text);
    assert_true(faults_clean(&f));
    assert_in_range(f.memory.peak, n, n + (1 << 16));  // no more than the file, and a little
    free(block);
  }
  size_t names = make("{\"\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0) + 1024;
  memmove(file + 10 + 1024, file + 10, names - 10 - 1024);  // a name of 1024 bytes is fine
  memset(file + 10, 'n', 1024);
  file[0] = (unsigned char)(names - 8), file[1] = (unsigned char)((names - 8) >> 8);
  hd_error err;
  hd_tensors *t = parse(names, &err);
  if (!t) fail_msg("%s", err.text);
  assert_int_equal(strlen(hd_tensors_name(t, 0)), 1024);
  hd_tensors_free(t);
}

static void a_million_tensors_are_the_limit(void **state) {
  (void)state;
  for (int extra = 0; extra < 2; extra++) {
    hd_text text = {.at = NULL};
    hd_text_raw(&text, "12345678{", 9);
    char entry[80];
    size_t tail = strlen("\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},");
    memcpy(entry, "\"0000000\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},", 8 + tail);
    for (int i = 0; i < HD_ST_TENSORS + extra; i++) {
      for (int k = 7, n = i; k > 0; k--, n /= 10) entry[k] = (char)('0' + n % 10);
      hd_text_raw(&text, entry, 8 + tail);
    }
    text.at[text.size - 1] = '}';
    for (int k = 0; k < 8; k++) text.at[k] = (char)((text.size - 8) >> 8 * k);
    hd_error err = {0};
    hd_tensors *t = hd_tensors_parse(NULL, "f", text.at, text.size, &err);
    if (!extra) {
      if (!t) fail_msg("%s", err.text);
      assert_int_equal(hd_tensors_find(t, "0999999"), 999999);
    } else {
      assert_null(t);
      assert_non_null(strstr(err.text, "tensor \"1000000\": more than 1000000 tensors"));
    }
    hd_tensors_free(t);
    hd_text_free(&text);
  }
}

static void every_truncation_is_an_error(void **state) {
  (void)state;
  size_t count = make("{\"__metadata__\":{\"k\":\"v\"}," T("a", "I32", "[2]", 0, 8) "," T(
                          "b", "U8", "[3]", 8, 11) "}  ",
                      11);
  hd_error err;
  for (size_t n = 0; n < count; n++) {
    assert_null(parse(n, &err));
    assert_int_equal(err.status, HD_E_FORMAT);
  }
  hd_tensors_free(parse(count, &err));
  assert_int_equal(err.status, HD_OK);
}

static const char *parse_with(const hd_env *env, void *arg) {
  hd_error err = {0};
  hd_tensors *t = hd_tensors_parse(env, "f", file, *(size_t *)arg, &err);
  bool good = t && hd_tensors_count(t) == 20;
  hd_tensors_free(t);
  if (good) return NULL;
  return err.status == HD_E_MEMORY && !strncmp(err.text, "f", 1) ? NULL : "no clean error";
}

static void every_refusal_is_survived(void **state) {
  (void)state;
  char header[4000] = "{\"__metadata__\":{\"k\":\"v\"}", one[100];
  for (int i = 0; i < 20; i++) {  // more than fit at first, and badly aligned
    hd_print(one, sizeof one, ",\"t%d\":{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[%d,%d]}",
             i, 4 * i, 4 * i + 4);
    strcat(header, one);
  }
  strcat(header, "}");
  while ((strlen(header) + 8) % 4 != 1) strcat(header, " ");
  size_t count = make(header, 80);
  int64_t runs = 0;
  const char *wrong = faults_each(parse_with, &count, EIO, &runs);
  if (wrong) fail_msg("%s", wrong);
  assert_true(runs > 50);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(tensors_are_read),
                                     cmocka_unit_test(tensors_are_aligned),
                                     cmocka_unit_test(every_type_is_mapped),
                                     cmocka_unit_test(every_rule_has_its_message),
                                     cmocka_unit_test(lengths_are_checked),
                                     cmocka_unit_test(limits_hold),
                                     cmocka_unit_test(a_million_tensors_are_the_limit),
                                     cmocka_unit_test(every_truncation_is_an_error),
                                     cmocka_unit_test(every_refusal_is_survived)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
