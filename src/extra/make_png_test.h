// PNG files made by hand, without libpng: for tests and for the fuzzer.
#ifndef EXTRA_MAKE_PNG_TEST_H
#define EXTRA_MAKE_PNG_TEST_H

#include <stdlib.h>
#include <string.h>

#include "../base/file.h"

typedef struct made_png {
  uint8_t *at;
  size_t size, room;
} made_png;

static inline void png_add(made_png *p, const void *bytes, size_t count) {
  while (p->size + count > p->room) {
    p->room = p->room ? 2 * p->room : 4096;
    p->at = realloc(p->at, p->room);
    if (!p->at) abort();
  }
  if (count) memcpy(p->at + p->size, bytes, count);
  p->size += count;
}

static inline void png_add32(made_png *p, uint32_t v) {
  uint8_t bytes[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
  png_add(p, bytes, 4);
}

static inline void png_chunk(made_png *p, const char *name, const void *bytes, size_t count) {
  png_add32(p, (uint32_t)count);
  png_add(p, name, 4);
  png_add(p, bytes, count);
  png_add32(p, hd_crc32(hd_crc32(0, name, 4), bytes, count));
}

static inline void png_start(made_png *p, uint32_t width, uint32_t height, int depth, int color,
                             int interlace) {
  uint8_t head[13] = {(uint8_t)(width >> 24),
                      (uint8_t)(width >> 16),
                      (uint8_t)(width >> 8),
                      (uint8_t)width,
                      (uint8_t)(height >> 24),
                      (uint8_t)(height >> 16),
                      (uint8_t)(height >> 8),
                      (uint8_t)height,
                      (uint8_t)depth,
                      (uint8_t)color,
                      0,
                      0,
                      (uint8_t)interlace};
  png_add(p, "\x89PNG\r\n\x1A\n", 8);
  png_chunk(p, "IHDR", head, sizeof head);
}

// zlib's format without compression.
static inline void png_data(made_png *p, const char *name, const uint8_t *raw, size_t count) {
  made_png z = {0};
  uint32_t a = 1, b = 0;
  png_add(&z, "\x78\x01", 2);
  for (size_t at = 0; at < count || at == 0;) {
    size_t some = HD_MIN(count - at, (size_t)65535);
    uint8_t head[5] = {at + some == count, (uint8_t)some, (uint8_t)(some >> 8), (uint8_t)~some,
                       (uint8_t)(~some >> 8)};
    png_add(&z, head, 5);
    png_add(&z, raw + at, some);
    at += some;
    if (!some) break;
  }
  for (size_t i = 0; i < count; i++) a = (a + raw[i]) % 65521, b = (b + a) % 65521;
  png_add32(&z, b << 16 | a);
  png_chunk(p, name, z.at, z.size);
  free(z.at);
}

// Sample c of pixel (x, y), in 0 .. 2^depth - 1.
typedef unsigned png_sample(int x, int y, int c);

static inline void png_rows(made_png *raw, png_sample *sample, int x0, int dx, int y0, int dy,
                            int width, int height, int depth, int channels) {
  for (int y = y0; y < height && x0 < width; y += dy) {
    unsigned bits = 0, held = 0;
    png_add(raw, "", 1);  // no filter
    for (int x = x0; x < width; x += dx)
      for (int c = 0; c < channels; c++) {
        unsigned v = sample(x, y, c);
        if (depth == 16) png_add(raw, (uint8_t[]){(uint8_t)(v >> 8), (uint8_t)v}, 2);
        else {
          bits = bits << depth | v, held += (unsigned)depth;
          if (held == 8) png_add(raw, &(uint8_t){(uint8_t)bits}, 1), held = bits = 0;
        }
      }
    if (held) png_add(raw, &(uint8_t){(uint8_t)(bits << (8 - held))}, 1);
  }
}

// A whole picture. more: chunks before the data.
static inline made_png png_make(int width, int height, int depth, int color, bool interlace,
                                png_sample *sample, const made_png *more) {
  static const int pass[7][4] = {{0, 8, 0, 8}, {4, 8, 0, 8}, {0, 4, 4, 8}, {2, 4, 0, 4},
                                 {0, 2, 2, 4}, {1, 2, 0, 2}, {0, 1, 1, 2}};
  int channels = color == 0 || color == 3 ? 1 : color == 4 ? 2 : color == 2 ? 3 : 4;
  made_png p = {0}, raw = {0};
  png_start(&p, (uint32_t)width, (uint32_t)height, depth, color, interlace);
  if (more) png_add(&p, more->at, more->size);
  for (int i = 0; i < (interlace ? 7 : 1); i++) {
    const int *s = pass[interlace ? i : 0];
    png_rows(&raw, sample, interlace ? s[0] : 0, interlace ? s[1] : 1, interlace ? s[2] : 0,
             interlace ? s[3] : 1, width, height, depth, channels);
  }
  png_data(&p, "IDAT", raw.at, raw.size);
  png_chunk(&p, "IEND", NULL, 0);
  free(raw.at);
  return p;
}

#endif
