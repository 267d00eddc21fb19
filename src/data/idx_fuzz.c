// Any bytes as an IDX file: a tensor of just those elements, or an error.
#include "table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t capacity, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t capacity);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  hd_memory memory = {0};
  hd_env env = {.memory = &memory};
  hd_tensor t;
  hd_error err;
  hd_status status = hd_idx_parse(&env, "fuzz", data, size, &t, &err);
  if ((status == HD_OK) != (t.data != NULL)) __builtin_trap();
  if (status != HD_OK && !strstr(err.text, "fuzz")) __builtin_trap();
  if (memory.peak > 2 * (int64_t)size) __builtin_trap();  // no more than i16 as i32
  int64_t bytes = t.data ? hd_shape_count(t.shape) * (int64_t)hd_dtype_size(t.dtype) : 0;
  for (int64_t i = 0; i < bytes; i++) (void)((const volatile char *)t.data)[i];
  hd_tensor_free(&t);
  if (memory.bytes) __builtin_trap();
  return 0;
}

static uint64_t state;

static uint32_t below(uint32_t bound) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;  // xorshift64
  return (uint32_t)(state >> 32) % bound;
}

static uint32_t odd_size(uint32_t good) {
  static const uint32_t sizes[] = {0,          1,         0xFF,       0x100,
                                   0xFFFF,     0x10000,   0x7FFFFFFF, 0x80000000,
                                   0xFFFFFFFF, 0x1000000, 0x40000000};
  uint32_t pick = below(HD_COUNT(sizes) + 2);
  return pick < HD_COUNT(sizes) ? sizes[pick] : pick == HD_COUNT(sizes) ? good + 1 : good - 1;
}

// A whole file with a right header, in which then at most two fields are changed.
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t capacity, unsigned int seed) {
  static const struct {
    uint8_t code, size;
  } types[] = {{8, 1}, {9, 1}, {11, 2}, {12, 4}, {13, 4}, {14, 8}};
  state = seed * 0x9E3779B97F4A7C15u + 1;
  if (below(4) == 0) return LLVMFuzzerMutate(data, size, capacity);
  uint32_t type = below(HD_COUNT(types)), rank = 1 + below(8), sizes[10], elements = 1;
  for (uint32_t i = 0; i < 10; i++) sizes[i] = i < rank && elements < 16 ? 1 + below(4) : 1;
  for (uint32_t i = 0; i < rank; i++) elements *= sizes[i];
  size_t payload = (size_t)elements * types[type].size;
  uint8_t head[4] = {0, 0, types[type].code, (uint8_t)rank};
  for (uint32_t n = below(3); n > 0; n--) switch (below(8)) {
      case 0: head[below(3)] = (uint8_t)below(256); break;
      case 1: head[3] = (uint8_t)(below(2) ? below(256) : below(11)); break;
      case 2: payload += below(2) ? 1 : payload; break;
      case 3: payload = below((uint32_t)payload + 1); break;
      case 4:  // a product that wraps to what is there
        if (rank < 3) break;
        sizes[0] = sizes[1] = 0x80000000, sizes[2] = 4;
        break;
      default: {
        uint32_t i = below(rank);
        sizes[i] = odd_size(sizes[i]);
      }
    }
  size_t at = 4, sized = below(8) ? head[3] : rank;
  sized = HD_MIN(sized, HD_COUNT(sizes));
  if (at + 4 * sized > capacity) return LLVMFuzzerMutate(data, size, capacity);
  memcpy(data, head, 4);
  for (size_t i = 0; i < sized; i++)
    for (int shift = 24; shift >= 0; shift -= 8) data[at++] = (uint8_t)(sizes[i] >> shift);
  payload = HD_MIN(payload, capacity - at);
  for (size_t i = 0; i < payload; i++) data[at++] = (uint8_t)below(256);
  return at;
}
