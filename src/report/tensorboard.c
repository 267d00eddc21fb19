// TensorBoard's event files: TFRecord framing around protobuf messages, both written by hand.
//
//   record   u64 length, u32 crc(length), `length` bytes of an Event, u32 crc(bytes)
//   Event    1 wall_time double, 2 step, 3 file_version, 5 Summary { 1 Value ... }
//   Value    1 tag, 2 simple_value float, 4 Image { 1 height, 2 width, 3 colours, 4 png },
//            5 Histogram { 1 min, 2 max, 3 count, 4 sum, 5 squares, 6 limits, 7 counts }
#include "../../include/hadal/report.h"

#include <math.h>

#include "../base/file.h"
#include "../base/json.h"

// ---- CRC-32C (Castagnoli), masked as TFRecord wants it ------------------------------------------

static uint32_t masked_crc(const void *bytes, size_t count) {
  const unsigned char *at = bytes;
  uint32_t crc = 0xffffffffu;
  for (size_t i = 0; i < count; i++) {
    crc ^= at[i];
    for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
  }
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

// ---- Protobuf -----------------------------------------------------------------------------------

static void add_little(hd_text *to, uint64_t v, int bytes) {
  char b[8];
  for (int i = 0; i < bytes; i++) b[i] = (char)(v >> 8 * i & 255);
  hd_text_raw(to, b, (size_t)bytes);
}

static void add_varint(hd_text *to, uint64_t v) {
  char b[10];
  size_t n = 0;
  do b[n++] = (char)((v & 127) | (v > 127 ? 128 : 0));
  while (v >>= 7);
  hd_text_raw(to, b, n);
}

static void add_int(hd_text *to, int field, int64_t v) {
  add_varint(to, (uint64_t)field << 3);
  add_varint(to, (uint64_t)v);
}

static void add_double(hd_text *to, int field, double v) {
  uint64_t bits;
  memcpy(&bits, &v, 8);
  add_varint(to, (uint64_t)field << 3 | 1);
  add_little(to, bits, 8);
}

static void add_float(hd_text *to, int field, float v) {
  uint32_t bits;
  memcpy(&bits, &v, 4);
  add_varint(to, (uint64_t)field << 3 | 5);
  add_little(to, bits, 4);
}

static void add_bytes(hd_text *to, int field, const void *bytes, size_t count) {
  add_varint(to, (uint64_t)field << 3 | 2);
  add_varint(to, count);
  hd_text_raw(to, bytes, count);
}

// Adds `inner` as a message and frees it.
static void add_message(hd_text *to, int field, hd_text *inner) {
  if (inner->failed) to->failed = true;
  add_bytes(to, field, inner->at ? inner->at : "", inner->size);
  hd_text_free(inner);
}

// ---- Records ------------------------------------------------------------------------------------

static hd_text begin(const hd_events *e) {
  return (hd_text){.env = e->env ? *e->env : (hd_env){0}};
}

static hd_status put(const hd_events *e, hd_text *event, bool anew, hd_error *err) {
  hd_text record = begin(e);
  hd_status status;
  add_little(&record, event->size, 8);
  if (!record.failed) add_little(&record, masked_crc(record.at, 8), 4);
  hd_text_raw(&record, event->at, event->size);
  add_little(&record, masked_crc(event->at, event->size), 4);
  if (event->failed || record.failed)
    status = hd_fail(err, HD_E_MEMORY, "%s: memory is out", e->path);
  else if (anew) status = hd_file_write(e->env, e->path, record.at, record.size, err);
  else status = hd_file_append(e->env, e->path, record.at, record.size, err);
  hd_text_free(event);
  hd_text_free(&record);
  return status;
}

static hd_status put_summary(const hd_events *e, hd_text *summary, hd_error *err) {
  hd_text event = begin(e);
  add_double(&event, 1, e->time);
  add_int(&event, 2, e->step);
  add_message(&event, 5, summary);
  return put(e, &event, false, err);
}

hd_status hd_events_begin(const hd_events *e, hd_error *err) {
  static const char version[] = "brain.Event:2";
  hd_text event = begin(e);
  add_double(&event, 1, e->time);
  add_bytes(&event, 3, version, sizeof version - 1);
  return put(e, &event, true, err);
}

hd_status hd_events_scalars(const hd_events *e, const char *const *tags, const double *values,
                            int count, hd_error *err) {
  hd_text summary = begin(e);
  for (int i = 0; i < count; i++) {
    hd_text value = begin(e);
    add_bytes(&value, 1, tags[i], strlen(tags[i]));
    add_float(&value, 2, (float)values[i]);
    add_message(&summary, 1, &value);
  }
  return put_summary(e, &summary, err);
}

// A big-endian size from the head of a PNG.
static int64_t size_at(const unsigned char *png, int at) {
  return (int64_t)png[at] << 24 | png[at + 1] << 16 | png[at + 2] << 8 | png[at + 3];
}

hd_status hd_events_png(const hd_events *e, const char *tag, const void *png, size_t bytes,
                        hd_error *err) {
  if (bytes < 24 || memcmp(png, "\x89PNG\r\n\x1a\n", 8))
    return hd_fail(err, HD_E_FORMAT, "%s: image \"%s\" is no PNG", e->path, tag);
  hd_text summary = begin(e), value = begin(e), image = begin(e);
  add_int(&image, 1, size_at(png, 20));
  add_int(&image, 2, size_at(png, 16));
  add_int(&image, 3, 4);  // RGBA
  add_bytes(&image, 4, png, bytes);
  add_bytes(&value, 1, tag, strlen(tag));
  add_message(&value, 4, &image);
  add_message(&summary, 1, &value);
  return put_summary(e, &summary, err);
}

enum { BUCKETS = 30 };

hd_status hd_events_histogram(const hd_events *e, const char *tag, const float *values,
                              int64_t count, hd_error *err) {
  double low = INFINITY, high = -INFINITY, sum = 0, squares = 0, in[BUCKETS] = {0}, good = 0;
  for (int64_t i = 0; i < count; i++) {
    double v = (double)values[i];
    if (!isfinite(v)) continue;
    low = fmin(low, v), high = fmax(high, v), sum += v, squares += v * v, good++;
  }
  if (good == 0) low = high = 0;
  double wide = high > low ? (high - low) / BUCKETS : 1e-12;
  for (int64_t i = 0; i < count; i++) {
    double v = (double)values[i];
    if (isfinite(v)) in[(int)fmax(0, fmin((v - low) / wide, BUCKETS - 1))]++;
  }
  hd_text summary = begin(e), value = begin(e), histogram = begin(e), limits = begin(e),
          counts = begin(e);
  const double about[] = {low, high, good, sum, squares};
  for (int i = 0; i < 5; i++) add_double(&histogram, i + 1, about[i]);
  for (int i = 0; i < BUCKETS; i++) {
    double limit = i + 1 < BUCKETS ? low + wide * (i + 1) : fmax(high, low + wide * BUCKETS);
    uint64_t bits[2];
    memcpy(&bits[0], &limit, 8);
    memcpy(&bits[1], &in[i], 8);
    add_little(&limits, bits[0], 8);
    add_little(&counts, bits[1], 8);
  }
  add_message(&histogram, 6, &limits);
  add_message(&histogram, 7, &counts);
  add_bytes(&value, 1, tag, strlen(tag));
  add_message(&value, 5, &histogram);
  add_message(&summary, 1, &value);
  return put_summary(e, &summary, err);
}
