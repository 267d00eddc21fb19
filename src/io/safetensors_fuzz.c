// Any bytes as safetensors: tensors within the file, or an error.
#include "safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t capacity, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t capacity);

static void check(const hd_tensors *t, size_t size) {
  int64_t total = 0;
  for (int i = 0; i < hd_tensors_count(t); i++) {
    hd_tensor one = hd_tensors_at(t, i);
    int64_t elements = hd_shape_count(one.shape), width = (int64_t)hd_dtype_size(one.dtype), bytes;
    if (elements < 0 || !hd_mul_size(elements, width, &bytes)) __builtin_trap();
    if ((uintptr_t)one.data % (uintptr_t)width) __builtin_trap();
    for (int64_t k = 0; k < bytes; k++) (void)((const volatile char *)one.data)[k];
    total += bytes;
    if (hd_tensors_find(t, hd_tensors_name(t, i)) != i) __builtin_trap();
  }
  if (total < 0 || (uint64_t)total > size) __builtin_trap();
  hd_tensors_meta(t, "hadal.roles");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  hd_memory memory = {0};
  hd_env env = {.memory = &memory, .threads = 1};
  hd_error err = {0};
  hd_tensors *t = hd_tensors_parse(&env, "fuzz", data, size, &err);
  if (!t && (!err.status || !strstr(err.text, "fuzz"))) __builtin_trap();
  if (memory.peak > 32 * (int64_t)size + (64 << 10)) __builtin_trap();
  if (t) {
    check(t, size);
    hd_store *store = hd_store_new(&env);
    int before = hd_store_count(store);
    if (hd_load_tensors(store, t, &err)) {
      if (hd_store_count(store) != before) __builtin_trap();
    } else if (hd_store_count(store) != hd_tensors_count(t)) {
      __builtin_trap();
    }
    hd_store_free(store);
  }
  hd_tensors_free(t);
  if (memory.bytes) __builtin_trap();
  return 0;
}

// ---- Whole files, with a few fields changed -----------------------------------------------------

enum { MOST = 6, DIMENSIONS = 10 };

typedef struct entry {
  const char *name, *dtype;
  int rank;
  uint64_t size[DIMENSIONS], begin, end;
  int odd;  // 1: a field is missing, 2: one too many, 3: twice, 4: a real, 5: a negative size
} entry;

static uint64_t state;

static uint32_t below(uint32_t bound) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;  // xorshift64
  return (uint32_t)(state >> 32) % bound;
}

static uint64_t odd_number(uint64_t good) {
  static const uint64_t numbers[] = {0,
                                     1,
                                     8,
                                     9,
                                     0x7FFFFFFF,
                                     0x80000000,
                                     0xFFFFFFFF,
                                     0x100000000,
                                     0x100000001,
                                     HD_ST_HEADER,
                                     HD_ST_HEADER + 1,
                                     0x3FFFFFFFFFFFFFFF,
                                     0x4000000000000001,
                                     0x7FFFFFFFFFFFFFFF,
                                     0x8000000000000000,
                                     0x8000000000000001,
                                     0xFFFFFFFFFFFFFFF8,
                                     0xFFFFFFFFFFFFFFFF};
  uint32_t pick = below(HD_COUNT(numbers) + 3);
  if (pick < HD_COUNT(numbers)) return numbers[pick];
  return pick == HD_COUNT(numbers) ? good + 1 : pick == HD_COUNT(numbers) + 1 ? good - 1 : 2 * good;
}

// Two sizes whose product wraps to what two small ones have: a * b = good modulo 2^64.
static void wrap(entry *e) {
  if (e->rank < 2) return;
  uint64_t good = e->size[0] * e->size[1];
  for (int tries = 0; tries < 20; tries++) {
    uint64_t a = ((uint64_t)below(0x40000000) << 32 | below(UINT32_MAX)) | 1, inverse = a;
    for (int i = 0; i < 6; i++) inverse *= 2 - a * inverse;  // Newton: the bits double
    e->size[0] = a, e->size[1] = good * inverse;
    if (e->size[1] >> 63 == 0) return;
  }
}

static int make_entries(entry *e, uint64_t *data) {
  static const char *const names[] = {"a", "b", "layer/weight", "\\u00e9", "c\\\"d", "__meta"};
  static const struct {
    const char *name;
    int size;
  } types[] = {{"F32", 4}, {"F64", 8}, {"BF16", 2}, {"F16", 2}, {"I8", 1},
               {"I32", 4}, {"I64", 8}, {"U8", 1},   {"BOOL", 1}};
  int count = (int)below(MOST + 1);
  *data = 0;
  for (int i = 0; i < count; i++) {
    uint32_t type = below(HD_COUNT(types));
    uint64_t bytes = (uint64_t)types[type].size;
    e[i] = (entry){.name = names[i], .dtype = types[type].name, .rank = (int)below(5)};
    for (int k = 0; k < DIMENSIONS; k++) e[i].size[k] = 1;
    for (int k = 0; k < e[i].rank; k++) bytes *= e[i].size[k] = below(16) ? 1 + below(3) : 0;
    e[i].begin = *data;
    e[i].end = *data += bytes;
  }
  return count;
}

static void disturb(entry *e, int count, uint64_t *data, uint64_t *length) {
  entry *one = &e[below((uint32_t)count)];
  switch (below(16)) {
    case 0: one->begin = odd_number(one->begin); break;
    case 1: one->end = odd_number(one->end); break;
    case 2: one->begin++, one->end++; break;                      // hole or overlap
    case 3: one->begin = e[0].begin, one->end = e[0].end; break;  // the same bytes twice
    case 4: one->name = e[below((uint32_t)count)].name; break;    // the same name twice
    case 5: one->rank = (int)below(DIMENSIONS + 1); break;        // 8, 9, 10
    case 6: wrap(one); break;
    case 7: one->rank = 1, one->size[0] = 0x4000000000000001, one->end = one->begin + 4; break;
    case 8: one->dtype = below(2) ? "F8_E5M2" : "f32"; break;
    case 9: one->odd = 1 + (int)below(5); break;
    case 10: *data = odd_number(*data) % 64; break;
    case 11: *length = odd_number(*length); break;
    case 12: one->name = "__metadata__"; break;
    default:
      if (one->rank) {
        int k = (int)below((uint32_t)one->rank);
        one->size[k] = odd_number(one->size[k]);
      }
  }
}

static void put_entry(hd_text *to, const entry *e) {
  hd_text_add(to, "\"%s\":{", e->name);
  if (e->odd == 3) hd_text_add(to, "\"shape\":[],");
  if (e->odd == 2) hd_text_add(to, "\"more\":[[{}]],");
  if (e->odd != 1) hd_text_add(to, "\"dtype\":\"%s\",", e->dtype);
  hd_text_add(to, "\"shape\":[");
  for (int i = 0; i < e->rank; i++)
    hd_text_add(to, "%s%s%llu%s", i ? "," : "", e->odd == 5 ? "-" : "",
                (unsigned long long)e->size[i], e->odd == 4 ? ".0" : "");
  hd_text_add(to, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)e->begin,
              (unsigned long long)e->end);
}

static void put_metadata(hd_text *to, int count, uint32_t crc) {
  static const char *const odd[] = {"",
                                    "\"k\":1",
                                    "\"k\":\"v\",\"k\":\"v\"",
                                    "\"hadal.roles\":\"ws\"",
                                    "\"hadal.crc32\":\"0000000g\"",
                                    "\"hadal.crc32\":\"\"",
                                    "\"hadal.header.crc32\":\"00000000\"",
                                    "\"k\":\"\\u0000\""};
  hd_text_add(to, "\"__metadata__\":{");
  if (below(2)) hd_text_add(to, "\"hadal.crc32\":\"%08x\"", (unsigned)crc);
  else hd_text_add(to, "%s", odd[below(HD_COUNT(odd))]);
  hd_text_add(to, "}%s", count ? "," : "");
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t capacity, unsigned int seed) {
  entry e[MOST] = {{.rank = 0}};
  uint64_t bytes, length;
  state = seed * 0x9E3779B97F4A7C15u + 1;
  if (below(4) == 0) return LLVMFuzzerMutate(data, size, capacity);
  int count = make_entries(e, &bytes);
  uint8_t payload[1024];
  bytes = HD_MIN(bytes, sizeof payload);
  for (size_t i = 0; i < sizeof payload; i++) payload[i] = (uint8_t)below(below(9) ? 2 : 256);
  uint64_t kept = length = UINT64_MAX / 2;
  if (count)
    for (uint32_t n = below(4); n > 0; n--) disturb(e, count, &bytes, &length);
  hd_text header = {.at = NULL};
  hd_text_add(&header, "{");
  if (below(2)) put_metadata(&header, count, hd_crc32(0, payload, (size_t)bytes));
  for (int i = 0; i < count; i++) {
    if (i) hd_text_add(&header, ",");
    put_entry(&header, &e[i]);
  }
  hd_text_add(&header, "}%*s", (int)below(9), below(16) ? "" : "\n");
  if (length == kept) length = header.size;
  size_t whole = HD_ST_LENGTH + header.size + (size_t)bytes;
  if (whole <= capacity) {
    for (int i = 0; i < HD_ST_LENGTH; i++) data[i] = (uint8_t)(length >> 8 * i);
    memcpy(data + HD_ST_LENGTH, header.at, header.size);
    memcpy(data + HD_ST_LENGTH + header.size, payload, (size_t)bytes);
  } else {
    whole = LLVMFuzzerMutate(data, size, capacity);
  }
  hd_text_free(&header);
  return whole;
}
