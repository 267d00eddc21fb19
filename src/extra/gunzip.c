// gzip, by zlib: inflates into one block, never beyond a limit.
#include "../../include/hadal/extra.h"

#include "../base/base.h"

#ifndef HD_WITH_ZLIB

hd_status hd_gunzip(const hd_env *env, const void *bytes, size_t count, int64_t limit, void **to,
                    size_t *size, hd_error *err) {
  (void)env, (void)bytes, (void)count, (void)limit;
  *to = NULL, *size = 0;
  return hd_fail(err, HD_E_UNSUPPORTED,
                 "gzip: this build has no zlib: install zlib1g-dev and build again, or gunzip the "
                 "file");
}

#else

#include <zlib.h>

// Deflate cannot shrink by more than this, so a block of that size is no gift to a liar.
enum { FIRST = 64 << 10, RATIO = 1032, TRAILER = 8 };

static voidpf zlib_alloc(voidpf env, uInt items, uInt bytes) {
  int64_t whole;
  return hd_mul_size(items, bytes, &whole) ? hd_alloc(env, (size_t)whole) : Z_NULL;
}

static void zlib_free(voidpf env, voidpf block) { hd_release(env, block); }

// What the trailer says the size is, where that is believable; else a small block to start from.
static int64_t first_room(const unsigned char *bytes, size_t count, int64_t limit) {
  int64_t room = HD_MIN(limit, FIRST), most;
  if (count < TRAILER) return room;
  const unsigned char *at = bytes + count - 4;
  int64_t said = at[0] | (int64_t)at[1] << 8 | (int64_t)at[2] << 16 | (int64_t)at[3] << 24;
  bool likely = said <= limit && hd_mul_size((int64_t)count, RATIO, &most) && said <= most;
  return likely ? said : room;
}

// One zlib call on what fits into an unsigned int on both sides.
static int step(z_stream *z, const unsigned char *bytes, size_t count, size_t *taken, char *to,
                int64_t room, int64_t *made) {
  const uInt most = 1u << 30;
  uInt in = (uInt)HD_MIN(count - *taken, most), out = (uInt)HD_MIN(room - *made, (int64_t)most);
  z->next_in = (z_const Bytef *)(uintptr_t)(bytes + *taken);  // zlib only reads it
  z->avail_in = in;
  z->next_out = (Bytef *)to + *made;
  z->avail_out = out;
  int code = inflate(z, Z_NO_FLUSH);
  *taken += in - z->avail_in;
  *made += out - z->avail_out;
  return code;
}

static hd_status inflate_all(const hd_env *env, z_stream *z, const unsigned char *bytes,
                             size_t count, int64_t limit, char **to, int64_t *made, hd_error *err) {
  size_t taken = 0;
  for (int64_t room = first_room(bytes, count, limit);;) {
    // One byte more than the room: that it stays empty shows that all is there.
    char *larger =
        *to ? hd_resize(env, *to, (size_t)room + 1) : hd_alloc_raw(env, (size_t)room + 1);
    if (!larger)
      return hd_fail(err, HD_E_MEMORY, "gzip: memory is out for %lld bytes", (long long)room + 1);
    *to = larger;
    int code = Z_OK;
    while (code == Z_OK && *made <= room) {
      size_t before = taken;
      int64_t was = *made;
      code = step(z, bytes, count, &taken, *to, room + 1, made);
      if (code == Z_OK && taken == before && *made == was) code = Z_BUF_ERROR;
    }
    if (*made > room && room >= limit)
      return hd_fail(err, HD_E_LIMIT, "gzip: inflates to more than the limit of %lld bytes",
                     (long long)limit);
    if (code == Z_STREAM_END && taken < count)
      return hd_fail(err, HD_E_FORMAT, "gzip: offset %zu: %zu bytes after the end of the stream",
                     taken, count - taken);
    if (code == Z_STREAM_END) return HD_OK;
    if (code == Z_MEM_ERROR) return hd_fail(err, HD_E_MEMORY, "gzip: memory is out");
    if (code == Z_BUF_ERROR && *made <= room)
      return hd_fail(err, HD_E_FORMAT, "gzip: truncated: the stream goes on after byte %zu", count);
    if (code != Z_OK && code != Z_BUF_ERROR)
      return hd_fail(err, HD_E_FORMAT, "gzip: damaged near offset %zu: %s", taken,
                     z->msg ? z->msg : "not a gzip stream");
    room = room > limit / 2 ? limit : HD_MIN(2 * HD_MAX(room, (int64_t)FIRST), limit);
  }
}

hd_status hd_gunzip(const hd_env *env, const void *bytes, size_t count, int64_t limit, void **to,
                    size_t *size, hd_error *err) {
  *to = NULL, *size = 0;
  if (limit < 0 || limit > INT64_MAX / 4)
    return hd_fail(err, HD_E_ARGUMENT, "gzip: a limit of %lld is out of range", (long long)limit);
  hd_env none = {0};
  z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free};
  z.opaque = (voidpf)(uintptr_t)(env ? env : &none);
  int code = inflateInit2(&z, 16 + MAX_WBITS);  // gzip, and nothing else
  if (code != Z_OK)
    return hd_fail(err, code == Z_MEM_ERROR ? HD_E_MEMORY : HD_E_INTERNAL,
                   "gzip: zlib did not start: %s",
                   code == Z_MEM_ERROR ? "memory is out" : "version");
  char *block = NULL;
  int64_t made = 0;
  hd_status status = inflate_all(env, &z, bytes, count, limit, &block, &made, err);
  inflateEnd(&z);
  if (status) {
    hd_release(env, block);
    return status;
  }
  *to = block, *size = (size_t)made;
  return HD_OK;
}

#endif
