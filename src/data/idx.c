// IDX, the format of MNIST: 0 0 type rank, rank big-endian sizes, big-endian elements.
#include "table.h"

enum { HEAD = 4, FILE_LIMIT = 1 << 30 };  // 1 GiB, also for what a .gz inflates to

static const struct {
  int code;
  const char *name;
  hd_dtype dtype;
  size_t size;  // in the file; i16 becomes i32
} types[] = {{0x08, "u8", HD_U8, 1},   {0x09, "i8", HD_I8, 1},   {0x0B, "i16", HD_I32, 2},
             {0x0C, "i32", HD_I32, 4}, {0x0D, "f32", HD_F32, 4}, {0x0E, "f64", HD_F64, 8}};

static uint64_t big_endian(const unsigned char *at, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; i++) value = value << 8 | at[i];
  return value;
}

static void decode(int type, const unsigned char *from, int64_t count, hd_tensor *to) {
  size_t size = types[type].size;
  if (size == 1) {
    memcpy(to->data, from, (size_t)count);
  } else if (size == 2) {
    int32_t *put = to->data;
    for (int64_t i = 0; i < count; i++, from += 2)
      put[i] = (int32_t)big_endian(from, 2) - (from[0] & 0x80 ? 0x10000 : 0);
  } else if (size == 4) {
    for (int64_t i = 0; i < count; i++, from += 4) {
      uint32_t word = (uint32_t)big_endian(from, 4);
      memcpy((char *)to->data + 4 * i, &word, 4);
    }
  } else {
    for (int64_t i = 0; i < count; i++, from += 8) {
      uint64_t word = big_endian(from, 8);
      memcpy((char *)to->data + 8 * i, &word, 8);
    }
  }
}

static hd_status parse_sizes(const char *name, const unsigned char *at, size_t count, int rank,
                             hd_shape *to, hd_error *err) {
  if (count < HEAD + 4 * (size_t)rank)
    return hd_fail(err, HD_E_FORMAT,
                   "%s: offset 4: %d sizes need %d bytes of header, the file has %zu", name, rank,
                   HEAD + 4 * rank, count);
  to->rank = rank;
  for (int i = 0; i < rank; i++) {
    to->d[i] = (int64_t)big_endian(at + HEAD + 4 * i, 4);
    if (to->d[i] == 0)
      return hd_fail(err, HD_E_FORMAT, "%s: offset %d: size %d of %d is 0", name, HEAD + 4 * i,
                     i + 1, rank);
  }
  return HD_OK;
}

hd_status hd_idx_parse(const hd_env *env, const char *name, const void *bytes, size_t count,
                       hd_tensor *to, hd_error *err) {
  const unsigned char *at = bytes;
  *to = (hd_tensor){0};
  if (!name) name = "idx";
  if (count == 0) return hd_fail(err, HD_E_FORMAT, "%s: the file is empty", name);
  if (count < HEAD)
    return hd_fail(err, HD_E_FORMAT, "%s: %zu bytes; an IDX file begins with %d", name, count,
                   HEAD);
  if (at[0] || at[1])
    return hd_fail(err, HD_E_FORMAT,
                   "%s: offset 0: begins with bytes %02X %02X, an IDX file with 00 00", name,
                   (unsigned)at[0], (unsigned)at[1]);
  int type = 0, known = HD_COUNT(types), rank = at[3];
  while (type < known && types[type].code != at[2]) type++;
  if (type == known)
    return hd_fail(err, HD_E_FORMAT,
                   "%s: offset 2: element type 0x%02X; known are 08 (u8), 09 (i8), 0B (i16), 0C "
                   "(i32), 0D (f32), 0E (f64)",
                   name, (unsigned)at[2]);
  if (rank < 1 || rank > HD_MAX_RANK)
    return hd_fail(err, HD_E_FORMAT, "%s: offset 3: %d dimensions; possible are 1 to %d", name,
                   rank, HD_MAX_RANK);
  hd_shape shape = {0};
  hd_status status = parse_sizes(name, at, count, rank, &shape, err);
  if (status) return status;
  char text[256];
  hd_shape_text(shape, text, sizeof text);
  int64_t elements = hd_shape_count(shape), need;
  size_t head = HEAD + 4 * (size_t)rank, have = count - head;
  if (elements < 0 || !hd_mul_size(elements, (int64_t)types[type].size, &need))
    return hd_fail(err, HD_E_FORMAT, "%s: offset 4: the sizes %s multiply to more than 63 bits",
                   name, text);
#ifndef HADAL_PLANT_IDX  // tools/fuzz --planted leaves this out: the fuzzer must notice
  if (have < (uint64_t)need)
    return hd_fail(err, HD_E_FORMAT,
                   "%s: the header promises %s %s, %lld bytes from offset %zu; the file has %zu",
                   name, types[type].name, text, (long long)need, head, have);
#endif
  if (have > (uint64_t)need)
    return hd_fail(err, HD_E_FORMAT,
                   "%s: offset %lld: %zu bytes after the end of %s %s: not this header's data",
                   name, (long long)(head + (size_t)need), have - (size_t)need, types[type].name,
                   text);
  *to = hd_tensor_new(env, types[type].dtype, shape, err);
  if (!to->data) return hd_fail_in(err, HD_E_MEMORY, "%s", name);
  decode(type, at + head, elements, to);
  return HD_OK;
}

hd_status hd_idx_read(const hd_env *env, const char *path, hd_inflate *inflate, hd_tensor *to,
                      hd_error *err) {
  void *bytes, *inner = NULL;
  size_t count, inner_count = 0;
  *to = (hd_tensor){0};
  hd_status status = hd_file_read(env, path, FILE_LIMIT, &bytes, &count, err);
  if (status) return status;
  const unsigned char *at = bytes;
  if (count < 2 || at[0] != 0x1F || at[1] != 0x8B) {
    status = hd_idx_parse(env, path, bytes, count, to, err);
  } else if (!inflate) {
    status = hd_fail(err, HD_E_UNSUPPORTED,
                     "%s: compressed with gzip, which nothing here can read: gunzip it first, or "
                     "give hd_gunzip of libhadal-extra (built with zlib1g-dev)",
                     path);
  } else {
    status = inflate(env, bytes, count, FILE_LIMIT, &inner, &inner_count, err);
    if (status) hd_fail_in(err, status, "%s", path);
    hd_release(env, bytes);
    bytes = NULL;
    if (!status) status = hd_idx_parse(env, path, inner, inner_count, to, err);
  }
  hd_release(env, inner);
  hd_release(env, bytes);
  return status;
}
