// PGM and PPM, the simplest image files: "P5 width height maximum" and the bytes.
#include "image.h"
#include "table.h"

enum { PNM_LIMIT = 1 << 28, SIDE = 65535 };

typedef struct scan {
  const char *at, *end;
} scan;

// The next number of the header; comments run from # to the end of the line. -1: none, or too
// large.
static int64_t number(scan *s) {
  for (; s->at < s->end; s->at++) {
    if (*s->at == '#') {
      while (s->at < s->end && *s->at != '\n') s->at++;
      if (s->at == s->end) return -1;
    } else if (!strchr(" \t\r\n\v\f", *s->at) || !*s->at) {
      break;
    }
  }
  int64_t value = -1;
  for (; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++) {
    value = (value < 0 ? 0 : value) * 10 + (*s->at - '0');
    if (value > SIDE) return -1;
  }
  return value;
}

hd_status hd_pnm_parse(const hd_env *env, const char *name, const void *bytes, size_t count,
                       hd_tensor *to, hd_error *err) {
  scan s = {bytes, (const char *)bytes + count};
  *to = (hd_tensor){0};
  if (count < 2 || s.at[0] != 'P' || (s.at[1] != '5' && s.at[1] != '6'))
    return hd_fail(err, HD_E_FORMAT, "%s: offset 0: a PGM begins with P5, a PPM with P6", name);
  int64_t channels = s.at[1] == '6' ? 3 : 1, pixels, need;
  s.at += 2;
  int64_t width = number(&s), height = number(&s), most = number(&s);
  if (width < 1 || height < 1)
    return hd_fail(err, HD_E_FORMAT, "%s: the header must give width and height, 1 to %d", name,
                   SIDE);
  if (most < 1 || most > 255)
    return hd_fail(err, HD_E_FORMAT, "%s: the largest value must be 1 to 255: images of bytes only",
                   name);
  if (s.at == s.end || !strchr(" \t\r\n", *s.at) || !*s.at)
    return hd_fail(err, HD_E_FORMAT, "%s: no blank after the header", name);
  s.at++;
  if (!hd_mul_size(width, height, &pixels) || !hd_mul_size(pixels, channels, &need) ||
      s.end - s.at != need)
    return hd_fail(err, HD_E_FORMAT,
                   "%s: the header promises %lld x %lld pixels of %lld bytes; the file has %lld "
                   "bytes of pixels",
                   name, (long long)width, (long long)height, (long long)channels,
                   (long long)(s.end - s.at));
  *to = hd_tensor_new(env, HD_U8, HD_SHAPE(height, width, channels), err);
  if (!to->data) return hd_fail_in(err, HD_E_MEMORY, "%s", name);
  const unsigned char *from = (const unsigned char *)s.at;
  unsigned char *put = to->data;
  for (int64_t i = 0; i < need; i++) {
    if (from[i] > most) {
      hd_tensor_free(to);
      *to = (hd_tensor){0};
      return hd_fail(err, HD_E_FORMAT, "%s: value %d is above the header's maximum of %d", name,
                     from[i], (int)most);
    }
    put[i] = (unsigned char)((from[i] * 255 + (int)most / 2) / (int)most);
  }
  return HD_OK;
}

hd_status(hd_read_pnm)(const hd_env *env, const char *path, hd_tensor *to, hd_error *err,
                       hd_image_options o) {
  void *bytes;
  size_t count;
  *to = (hd_tensor){0};
  hd_status status = hd_image_check(path, &o, err);
  if (!status) status = hd_file_read(env, path, PNM_LIMIT, &bytes, &count, err);
  if (status) return status;
  status = hd_pnm_parse(env, path, bytes, count, to, err);  // no larger than the file
  hd_release(env, bytes);
  if (!status) status = hd_image_fits(path, to->shape.d[1], to->shape.d[0], &o, err);
  if (!status) return hd_image_finish(env, path, &o, to, err);
  hd_tensor_free(to);
  *to = (hd_tensor){0};
  return status;
}

hd_status hd_write_pnm(const hd_env *env, const char *path, const hd_tensor *image, hd_error *err) {
  hd_status status = hd_image_writable(path, image, "13", err);
  if (status) return status;
  char head[64];
  int64_t height = image->shape.d[0], width = image->shape.d[1], channels = image->shape.d[2];
  int size = hd_print(head, sizeof head, "P%d\n%lld %lld\n255\n", channels == 3 ? 6 : 5,
                      (long long)width, (long long)height);
  hd_file file;
  hd_file_begin(&file, env, path);
  hd_file_put(&file, head, (size_t)size);
  hd_file_put(&file, image->data, (size_t)(height * width * channels));
  return hd_file_commit(&file, err);
}
