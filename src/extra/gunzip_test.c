// gunzip: what gzip packed comes back, a limit holds, damage is an error; and the large sets by
// name.
#define _POSIX_C_SOURCE 200809L
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "../../include/hadal/extra.h"
#include "../../test/faults.h"

#ifndef HD_WITH_ZLIB

static void the_package_is_named(void **state) {
  (void)state;
  void *to;
  size_t size;
  hd_error err;
  assert_int_equal(hd_gunzip(NULL, "\x1F\x8B", 2, 100, &to, &size, &err), HD_E_UNSUPPORTED);
  assert_non_null(strstr(err.text, "zlib1g-dev"));
  assert_true(to == NULL && size == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_package_is_named)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

#include <zlib.h>

static unsigned char packed[2 << 20];
static char plain[4 << 20];

static size_t pack(const void *bytes, size_t count) {
  z_stream z = {0};
  assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
  z.next_in = (z_const Bytef *)(uintptr_t)bytes, z.avail_in = (uInt)count;
  z.next_out = packed, z.avail_out = sizeof packed;
  assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
  size_t size = sizeof packed - z.avail_out;
  deflateEnd(&z);
  return size;
}

static hd_status unpack(size_t count, int64_t limit, void **to, size_t *size, hd_error *err) {
  void *copy = malloc(count ? count : 1);  // exactly: a sanitizer sees a read past its end
  memcpy(copy, packed, count);
  hd_status status = hd_gunzip(NULL, copy, count, limit, to, size, err);
  free(copy);
  assert_true((status == HD_OK) == (*to != NULL));
  return status;
}

static void what_was_packed_comes_back(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 1, 100, 65535, 65536, 65537, 4 << 20};
  uint32_t word = 1;
  for (size_t i = 0; i < sizeof plain; i++) {
    word = word * 1664525 + 1013904223;
    plain[i] = (char)(word >> 30);
  }
  for (size_t i = 0; i < HD_COUNT(sizes); i++) {
    size_t count = pack(plain, sizes[i]), size;
    void *to;
    hd_error err;
    if (unpack(count, (int64_t)sizes[i], &to, &size, &err)) fail_msg("%s", err.text);
    assert_int_equal(size, sizes[i]);
    assert_memory_equal(to, plain, size);
    hd_release(NULL, to);
    if (!sizes[i]) continue;
    assert_int_equal(unpack(count, (int64_t)sizes[i] - 1, &to, &size, &err), HD_E_LIMIT);
    assert_non_null(strstr(err.text, "gzip: inflates to more than the limit of"));
    packed[count - 1] ^= 0x55;  // a trailer that lies is no guide and no excuse
    assert_int_equal(unpack(count, 8 << 20, &to, &size, &err), HD_E_FORMAT);
    assert_non_null(strstr(err.text, "incorrect length check"));
  }
}

static void a_bomb_stops_at_the_limit(void **state) {
  (void)state;
  memset(plain, 0, sizeof plain);
  size_t count = pack(plain, sizeof plain), size;
  void *to;
  hd_error err;
  faults f;
  hd_env env = faults_env(&f);
  assert_in_range(count, 1, 40000);
  assert_int_equal(hd_gunzip(&env, packed, count, 1 << 20, &to, &size, &err), HD_E_LIMIT);
  assert_in_range(f.memory.peak, 1, (1 << 20) + (1 << 19) + 200000);
  assert_true(faults_clean(&f));
  count = pack(plain, 100);
  packed[count - 1] = 0x20;  // the trailer promises 512 MiB, which nothing of this size can hold
  f.memory.peak = 0;
  assert_int_equal(hd_gunzip(&env, packed, count, 1 << 30, &to, &size, &err), HD_E_FORMAT);
  assert_in_range(f.memory.peak, 1, 200000);
  assert_int_equal(hd_gunzip(NULL, packed, count, -1, &to, &size, &err), HD_E_ARGUMENT);
}

static void every_truncation_and_flip_is_an_error(void **state) {
  (void)state;
  for (int i = 0; i < 300; i++) plain[i] = (char)(i * i >> 4);
  size_t count = pack(plain, 300), size;
  void *to;
  hd_error err;
  for (size_t n = 0; n < count; n++) {
    assert_int_equal(unpack(n, 1000, &to, &size, &err), HD_E_FORMAT);
    if (n) assert_non_null(strstr(err.text, "truncated"));
  }
  packed[count] = 0;
  assert_int_equal(unpack(count + 1, 1000, &to, &size, &err), HD_E_FORMAT);
  assert_non_null(strstr(err.text, "1 bytes after the end of the stream"));
  int same = 0;  // few bits of the header and of the code lengths have no effect
  for (size_t bit = 0; bit < 8 * count; bit++) {
    packed[bit / 8] ^= (unsigned char)(1u << bit % 8);
    hd_status status = unpack(count, 1000, &to, &size, &err);
    if (status == HD_OK) {
      same++;
      assert_int_equal(size, 300);
      assert_memory_equal(to, plain, 300);
      hd_release(NULL, to);
    } else if (status != HD_E_FORMAT && status != HD_E_LIMIT) {
      fail_msg("bit %zu: %d", bit, status);
    }
    packed[bit / 8] ^= (unsigned char)(1u << bit % 8);
  }
  assert_in_range(same, 0, 80);
}

static const char *unpack_with(const hd_env *env, void *arg) {
  hd_error err = {0};
  void *to;
  size_t size;
  hd_status status = hd_gunzip(env, packed, *(size_t *)arg, 1 << 20, &to, &size, &err);
  if (!status && size != 300000) return "wrong size";
  hd_release(env, to);
  return status && (status != HD_E_MEMORY || !err.text[0]) ? "not a memory error" : NULL;
}

static void every_refusal_is_survived(void **state) {
  (void)state;
  memset(plain, 7, 300000);
  size_t count = pack(plain, 300000);
  int64_t runs = 0;
  const char *wrong = faults_each(unpack_with, &count, EIO, &runs);
  if (wrong) fail_msg("%s", wrong);
  assert_true(runs > 5);
}

// ---- The large sets, where they are installed ---------------------------------------------------

static void check_set(const char *name, const char *root) {
  static const char *const parts[] = {"train", "test"};
  static const int64_t samples[] = {60000, 10000};
  for (int i = 0; i < 2; i++) {
    hd_data d;
    hd_error err;
    faults f;
    hd_env env = faults_env(&f);
    if (hd_data_open(&env, name, parts[i], &d, &err, .root = root, .inflate = hd_gunzip))
      fail_msg("%s", err.text);
    assert_true(d.samples == samples[i] && d.classes == 10);
    assert_true(hd_shape_equal(d.column[0].type.shape, HD_SHAPE(28, 28, 1)));
    assert_true(d.column[0].type.dtype == HD_U8 && d.column[1].type.dtype == HD_I32);
    static int32_t label[60000];
    static int64_t index[60000];
    int per_class[10] = {0};
    for (int64_t k = 0; k < d.samples; k++) index[k] = k;
    assert_int_equal(d.read(d.user, 1, index, d.samples, label, &err), HD_OK);
    for (int64_t k = 0; k < d.samples; k++) per_class[label[k]]++;
    bool even = strcmp(name, "fashion-mnist") == 0;
    for (int c = 0; c < 10; c++)
      assert_in_range(per_class[c], even ? samples[i] / 10 : samples[i] / 12,
                      even ? samples[i] / 10 : samples[i] / 8);
    hd_data_free(&d);
    assert_true(faults_clean(&f));
  }
}

static void mnist_is_read(void **state) {
  (void)state;
  const char *root = getenv("HADAL_DATA");
  char path[4096];
  if (root) snprintf(path, sizeof path, "%s/mnist/train-images-idx3-ubyte.gz", root);
  if (!root || access(path, R_OK)) skip();
  check_set("mnist", root);
}

static void fashion_is_read(void **state) {
  (void)state;
  if (access("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz", R_OK)) skip();
  check_set("fashion-mnist", NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_packed_comes_back),
                                     cmocka_unit_test(a_bomb_stops_at_the_limit),
                                     cmocka_unit_test(every_truncation_and_flip_is_an_error),
                                     cmocka_unit_test(every_refusal_is_survived),
                                     cmocka_unit_test(mnist_is_read),
                                     cmocka_unit_test(fashion_is_read)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
