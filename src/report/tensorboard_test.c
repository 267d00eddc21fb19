// Event files, read back by a parser of the test's own: framing, checksums, messages.
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../include/hadal/report.h"
#include "../base/file.h"
#include "../../test/faults.h"
#include "../../test/temp.h"

// CRC-32C by polynomial division, most significant bit first: another way than the library's.
static uint32_t crc32c(const unsigned char *at, size_t count) {
  uint64_t rest = 0;
  for (size_t i = 0; i < 8 * (count + 4); i++) {
    size_t byte = i / 8;
    unsigned bit = byte < count ? at[byte] >> i % 8 & 1 : 0;
    if (byte < 4) bit ^= 1;  // the first 32 bits are inverted
    rest = rest << 1 | bit;
    if (rest >> 32) rest ^= 0x11EDC6F41u;
  }
  uint32_t crc = 0;
  for (int i = 0; i < 32; i++) crc |= (uint32_t)(rest >> i & 1) << (31 - i);
  return ~crc;
}

static uint64_t little(const unsigned char *at, int bytes) {
  uint64_t v = 0;
  for (int i = 0; i < bytes; i++) v |= (uint64_t)at[i] << 8 * i;
  return v;
}

static uint32_t unmasked(uint32_t crc) {
  crc -= 0xa282ead8u;
  return crc << 15 | crc >> 17;
}

typedef struct message {
  const unsigned char *at, *end;
} message;

static uint64_t varint(message *m) {
  uint64_t v = 0;
  for (int shift = 0;; shift += 7) {
    assert_true(m->at < m->end && shift < 64);
    v |= (uint64_t)(*m->at & 127) << shift;
    if (*m->at++ < 128) return v;
  }
}

typedef struct field {
  int number;
  uint64_t bits;  // of a number
  message bytes;  // of a string or message
} field;

static bool next(message *m, field *f) {
  if (m->at == m->end) return false;
  uint64_t key = varint(m);
  *f = (field){.number = (int)(key >> 3)};
  int size = (key & 7) == 1 ? 8 : (key & 7) == 5 ? 4 : 0;
  if ((key & 7) == 0) f->bits = varint(m);
  else if (size) {
    assert_true(m->end - m->at >= size);
    f->bits = little(m->at, size);
    m->at += size;
  } else {
    assert_int_equal(key & 7, 2);
    uint64_t bytes = varint(m);
    assert_true((uint64_t)(m->end - m->at) >= bytes);
    f->bytes = (message){m->at, m->at + bytes};
    m->at += bytes;
  }
  return true;
}

static field find(message m, int number, int which) {
  field f;
  while (next(&m, &f))
    if (f.number == number && which-- == 0) return f;
  fail();
  return (field){0};
}

static double real(field f) {
  double v;
  memcpy(&v, &f.bits, 8);
  return v;
}

static float real32(field f) {
  uint32_t bits = (uint32_t)f.bits;
  float v;
  memcpy(&v, &bits, 4);
  return v;
}

static void assert_text(field f, const char *text) {
  assert_int_equal(f.bytes.end - f.bytes.at, strlen(text));
  assert_memory_equal(f.bytes.at, text, strlen(text));
}

// Checks a record and moves past it.
static message record(message *file) {
  assert_true(file->end - file->at >= 16);
  uint64_t length = little(file->at, 8);
  assert_int_equal(unmasked((uint32_t)little(file->at + 8, 4)), crc32c(file->at, 8));
  assert_true((uint64_t)(file->end - file->at) >= 16 + length);
  message m = {file->at + 12, file->at + 12 + length};
  assert_int_equal(unmasked((uint32_t)little(m.end, 4)), crc32c(m.at, length));
  file->at += 16 + length;
  return m;
}

static char folder[TEMP_PATH], path[TEMP_PATH + 32];

static const unsigned char png[33] = {0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0, 0, 13,
                                      'I',  'H', 'D', 'R', 0,  0,  1,  2,  0, 0, 0, 3};

static hd_status write_all(const hd_env *env, hd_error *err) {
  static const char *const tags[] = {"loss/train", "accuracy/train"};
  static const double values[] = {0.5, NAN};
  static const float weights[] = {-1, 0, 0.5f, 3, NAN};
  hd_events e = {.env = env, .path = path, .step = 300, .time = 1234.5};
  hd_status status = hd_events_begin(&e, err);
  if (!status) status = hd_events_scalars(&e, tags, values, 2, err);
  if (!status) status = hd_events_histogram(&e, "w", weights, 5, err);
  if (!status) status = hd_events_png(&e, "filters", png, sizeof png, err);
  return status;
}

static void events_read_back(void **state) {
  (void)state;
  hd_error err = {0};
  void *bytes;
  size_t size;
  assert_int_equal(crc32c((const unsigned char *)"123456789", 9), 0xE3069283);
  assert_int_equal(write_all(NULL, &err), HD_OK);
  assert_int_equal(hd_file_read(NULL, path, 1 << 20, &bytes, &size, &err), HD_OK);
  message file = {bytes, (unsigned char *)bytes + size}, m = record(&file);
  assert_true(real(find(m, 1, 0)) == 1234.5);
  assert_text(find(m, 3, 0), "brain.Event:2");

  m = record(&file);
  assert_int_equal(find(m, 2, 0).bits, 300);
  message summary = find(m, 5, 0).bytes, value = find(summary, 1, 0).bytes;
  assert_text(find(value, 1, 0), "loss/train");
  assert_true(real32(find(value, 2, 0)) == 0.5f);
  value = find(summary, 1, 1).bytes;
  assert_text(find(value, 1, 0), "accuracy/train");
  assert_true(isnan(real32(find(value, 2, 0))));

  value = find(find(record(&file), 5, 0).bytes, 1, 0).bytes;
  assert_text(find(value, 1, 0), "w");
  message h = find(value, 5, 0).bytes, limit = find(h, 6, 0).bytes, count = find(h, 7, 0).bytes;
  const double about[] = {-1, 3, 4, 2.5, 10.25};
  for (int i = 0; i < 5; i++) assert_true(real(find(h, i + 1, 0)) == about[i]);
  assert_int_equal(limit.end - limit.at, count.end - count.at);
  double sum = 0, before = -1;
  for (; limit.at < limit.end; limit.at += 8, count.at += 8) {
    field l = {.bits = little(limit.at, 8)}, c = {.bits = little(count.at, 8)};
    assert_true(real(l) > before);
    before = real(l), sum += real(c);
  }
  assert_true(sum == 4 && before >= 3);

  value = find(find(record(&file), 5, 0).bytes, 1, 0).bytes;
  message image = find(value, 4, 0).bytes;
  assert_int_equal(find(image, 1, 0).bits, 3);
  assert_int_equal(find(image, 2, 0).bits, 258);
  assert_int_equal(find(image, 4, 0).bytes.end - find(image, 4, 0).bytes.at, sizeof png);
  assert_true(file.at == file.end);
  hd_release(NULL, bytes);
}

static void only_png_is_an_image(void **state) {
  (void)state;
  hd_error err = {0};
  hd_events e = {.path = path};
  assert_int_equal(hd_events_png(&e, "x", "GIF89a..................", 24, &err), HD_E_FORMAT);
  assert_int_equal(hd_events_png(&e, "x", png, 20, &err), HD_E_FORMAT);
}

static const char *write_faulty(const hd_env *env, void *arg) {
  (void)arg;
  hd_error err = {0};
  hd_status status = write_all(env, &err);
  return status && status != HD_E_MEMORY && status != HD_E_IO ? "another error"
         : status && !*err.text                               ? "no message"
                                                              : NULL;
}

static void everything_may_fail(void **state) {
  (void)state;
  int64_t runs = 0;
  const char *wrong = faults_each(write_faulty, NULL, ENOSPC, &runs);
  if (wrong) print_error("%s\n", wrong);
  assert_null(wrong);
  assert_true(runs > 20);
}

static int setup(void **state) {
  (void)state;
  if (!mkdtemp(temp_template(folder, "events", ""))) return -1;
  snprintf(path, sizeof path, "%s/x.tfevents.y", folder);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  remove(path);
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(events_read_back),
                                     cmocka_unit_test(only_png_is_an_image),
                                     cmocka_unit_test(everything_may_fail)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
