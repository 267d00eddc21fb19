// Any bytes as an image: pixels of what the header promises, within the limit, that are written and
// read back as the same; or an error. The mutator changes chunks of PNGs and mends their checksums.
#include <stdlib.h>

#include "image.h"
#include "make_png_test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t capacity, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t capacity);

enum { PIXELS = 1 << 14 };

static void require(bool truth) {
  if (!truth) abort();
}

static void check(const hd_env *env, const hd_tensor *t, int channels) {
  require(t->dtype == HD_U8 && t->shape.rank == 3 && t->shape.d[0] * t->shape.d[1] <= PIXELS);
  require(channels ? t->shape.d[2] == channels : t->shape.d[2] == 1 || t->shape.d[2] == 3);
  hd_error err;
  hd_tensor again;
  void *bytes;
  size_t count;
  if (hd_encode_png(env, t, &bytes, &count, &err, (hd_image_write_options){.level = 1})) {
    require(err.status == HD_E_UNSUPPORTED);  // without libpng
    return;
  }
  hd_image_options o = {.channels = (int)t->shape.d[2]};
  require(!hd_parse_png(env, "again", bytes, count, &again, &err, o));
  require(hd_shape_equal(again.shape, t->shape));
  require(!memcmp(again.data, t->data, (size_t)hd_shape_count(t->shape)));
  hd_tensor_free(&again);
  hd_release(env, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const int kinds[] = {0, 1, 3, 4};
  hd_memory memory = {0, 0, 0};
  hd_env env = {.memory = &memory};
  int channels = kinds[size % 4];
  hd_tensor t;
  hd_error err = {.status = HD_OK};
  hd_image_options o = {.channels = channels, .most_pixels = PIXELS};
  hd_status status = hd_parse_image(&env, "fuzz", data, size, &t, &err, o);
  require((status == HD_OK) == (t.data != NULL));
  require(memory.peak < 2 << 20);  // of which libpng's and libjpeg's own is the larger part
  if (status) require(err.status == status && !strncmp(err.text, "fuzz: ", 6));
  else check(&env, &t, channels);
  hd_tensor_free(&t);
  require(memory.bytes == 0);
  return 0;
}

// ---- Chunks -------------------------------------------------------------------------------------

static uint64_t state;

static uint32_t below(uint32_t bound) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;  // xorshift64
  return (uint32_t)(state >> 32) % bound;
}

static uint32_t read32(const uint8_t *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static unsigned random_sample(int x, int y, int c) { return (void)x, (void)y, (void)c, below(2); }

static made_png new_png(void) {
  static const uint8_t kind[][2] = {{0, 1}, {0, 2},  {0, 4},  {0, 8}, {0, 16},
                                    {2, 8}, {2, 16}, {3, 1},  {3, 2}, {3, 4},
                                    {3, 8}, {4, 8},  {4, 16}, {6, 8}, {6, 16}};
  made_png more = {0};
  uint32_t k = below(HD_COUNT(kind));
  uint8_t palette[768] = {1, 2, 3, 4, 5, 6};
  if (kind[k][0] == 3) png_chunk(&more, "PLTE", palette, 3 * (size_t)(1 + below(256)));
  if (below(3) == 0) png_chunk(&more, "tRNS", palette, below(8));
  made_png p = png_make((int)(1 + below(9)), (int)(1 + below(9)), kind[k][1], kind[k][0], below(2),
                        random_sample, &more);
  free(more.at);
  return p;
}

// Walks the chunks, changes what is in one of them (or swaps, doubles or drops it), mends
// checksums.
static made_png changed(const uint8_t *data, size_t size) {
  made_png to = {0};
  uint32_t chosen = below(5), number = 0;
  png_add(&to, data, 8);
  for (size_t at = 8; at + 12 <= size && number < 64; number++) {
    size_t count = HD_MIN((size_t)read32(data + at), size - at - 12);
    char name[4];
    uint8_t body[4096];
    memcpy(name, data + at + 4, 4);
    size_t kept = HD_MIN(count, sizeof body);
    memcpy(body, data + at + 8, kept);
    if (number == chosen) switch (below(number ? 5 : 2)) {
        case 0: kept = LLVMFuzzerMutate(body, kept, sizeof body); break;
        case 1:
          if (kept) body[below((uint32_t)kept)] = (uint8_t)below(256);
          break;
        case 2: png_chunk(&to, name, body, kept); break;  // twice
        case 3: name[below(4)] ^= 32; break;
        default: kept = below((uint32_t)kept + 1);
      }
    png_chunk(&to, name, body, kept);
    at += 12 + count;
  }
  return to;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t capacity, unsigned int seed) {
  state = seed * 0x9E3779B97F4A7C15u + 1;
  bool png = size >= 8 && !memcmp(data, "\x89PNG\r\n\x1A\n", 8);
  if (below(4) == 0 || (!png && below(8))) return LLVMFuzzerMutate(data, size, capacity);
  made_png p = png && below(4) ? changed(data, size) : new_png();
  if (below(3) == 0) {
    made_png q = changed(p.at, p.size);
    free(p.at);
    p = q;
  }
  size_t count = HD_MIN(p.size, capacity);
  memcpy(data, p.at, count);
  free(p.at);
  return count;
}
