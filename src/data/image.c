// What the readers of images share: limits, channels.
#include "image.h"

hd_status hd_image_check(const char *name, const hd_image_options *o, hd_error *err) {
  if (o->channels && o->channels != 1 && o->channels != 3 && o->channels != 4)
    return hd_fail(err, HD_E_ARGUMENT,
                   "%s: channels is %d, must be 1 (grey), 3 (colour), 4 (colour and alpha) or 0 "
                   "(as the file has it)",
                   name, o->channels);
  if (o->most_pixels < 0)
    return hd_fail(err, HD_E_ARGUMENT, "%s: most_pixels is %lld, must not be negative", name,
                   (long long)o->most_pixels);
  return HD_OK;
}

hd_status hd_image_fits(const char *name, int64_t width, int64_t height, const hd_image_options *o,
                        hd_error *err) {
  int64_t most = o->most_pixels ? o->most_pixels : HD_IMAGE_PIXELS, pixels;
  if (hd_mul_size(width, height, &pixels) && pixels <= most) return HD_OK;
  return hd_fail(err, HD_E_LIMIT,
                 "%s: %lld x %lld pixels; the limit is %lld in all (option most_pixels)", name,
                 (long long)width, (long long)height, (long long)most);
}

hd_status hd_image_writable(const char *name, const hd_tensor *image, const char *channels,
                            hd_error *err) {
  char text[256];
  const hd_shape *s = image ? &image->shape : NULL;
  if (!s || !image->data) return hd_fail(err, HD_E_ARGUMENT, "%s: there is no image", name);
  bool fits = image->dtype == HD_U8 && s->rank == 3 && s->d[0] >= 1 && s->d[1] >= 1 &&
              s->d[0] <= HD_IMAGE_SIDE && s->d[1] <= HD_IMAGE_SIDE && s->d[2] >= 1 &&
              s->d[2] <= 4 && strchr(channels, '0' + (int)s->d[2]);
  if (fits) return HD_OK;
  return hd_fail(err, HD_E_SHAPE,
                 "%s: %s %s cannot be written; must be u8 (H, W, C) with sides of 1 to %d and a "
                 "number of channels among \"%s\"",
                 name, hd_dtype_name(image->dtype), hd_shape_text(*s, text, sizeof text),
                 HD_IMAGE_SIDE, channels);
}

// ---- Channels -----------------------------------------------------------------------------------

static int on_white(int value, int alpha) {
  return (value * alpha + 255 * (255 - alpha) + 127) / 255;
}

// One pixel of 1 to 4 channels into 1, 3 or 4.
static void convert(const uint8_t *from, int have, uint8_t *to, int want) {
  bool color = have >= 3, clear = have == 2 || have == 4;
  int rgb[3], alpha = clear ? from[have - 1] : 255;
  for (int i = 0; i < 3; i++) {
    rgb[i] = from[color ? i : 0];
    if (want != 4) rgb[i] = on_white(rgb[i], alpha);
  }
  if (want == 1 && color) {
    to[0] = (uint8_t)((19595 * rgb[0] + 38470 * rgb[1] + 7471 * rgb[2] + 32768) >> 16);
  } else {
    for (int i = 0; i < HD_MIN(want, 3); i++) to[i] = (uint8_t)rgb[i];
  }
  if (want == 4) to[3] = (uint8_t)alpha;
}

hd_status hd_image_finish(const hd_env *env, const char *name, const hd_image_options *o,
                          hd_tensor *image, hd_error *err) {
  int have = (int)image->shape.d[2], want = o->channels ? o->channels : have >= 3 ? 3 : 1;
  if (have == want) return HD_OK;
  hd_shape s = HD_SHAPE(image->shape.d[0], image->shape.d[1], want);
  hd_tensor other = hd_tensor_new(env, HD_U8, s, err);
  const uint8_t *from = image->data;
  uint8_t *to = other.data;
  int64_t pixels = s.d[0] * s.d[1];
  for (int64_t i = 0; to && i < pixels; i++) convert(from + i * have, have, to + i * want, want);
  hd_tensor_free(image);
  *image = other;
  return to ? HD_OK : hd_fail_in(err, HD_E_MEMORY, "%s", name);
}
