// Images of another size: two passes, along rows and along columns, each a weighted mean of the
// pixels around a new one's centre.
#include <math.h>

#include "image.h"

// The weights of n new pixels over `from` old ones.
typedef struct weights {
  int64_t *first;  // the first old pixel of each
  int *count;
  float *weight;  // `most` for each
  int64_t most;
} weights;

// Weight of old pixel i for a new one centred at c (old pixel i reaches from i to i + 1), which is
// `scale` old ones wide.
static double weight_of(hd_resample kind, double c, double scale, int64_t i) {
  if (kind == HD_AREA) {
    double low = fmax(c - scale / 2, (double)i), high = fmin(c + scale / 2, (double)i + 1);
    return high > low ? high - low : 0;
  }
  if (kind == HD_NEAREST) return (double)i == floor(c) ? 1 : 0;
  double d = fabs((double)i + 0.5 - c) / fmax(scale, 1);
  return d < 1 ? 1 - d : 0;
}

static void weights_free(const hd_env *env, weights *w) {
  hd_release(env, w->first);
  hd_release(env, w->count);
  hd_release(env, w->weight);
}

static bool weights_make(const hd_env *env, hd_resample kind, int64_t from, int64_t to,
                         weights *w) {
  double scale = (double)from / (double)to, reach = fmax(scale, 1);
  int64_t bytes;
  w->most = HD_MIN(from, 2 * (int64_t)ceil(reach) + 2);
  w->first = hd_alloc(env, (size_t)to * sizeof *w->first);
  w->count = hd_alloc(env, (size_t)to * sizeof *w->count);
  if (hd_mul_size(to * w->most, sizeof *w->weight, &bytes))
    w->weight = hd_alloc(env, (size_t)bytes);
  if (!w->first || !w->count || !w->weight) return false;
  for (int64_t n = 0; n < to; n++) {
    double c = ((double)n + 0.5) * scale, sum = 0;
    int64_t i = HD_MAX((int64_t)floor(c - reach), 0);
    while (i < from - 1 && weight_of(kind, c, scale, i) <= 0) i++;
    float *weight = w->weight + n * w->most;
    w->first[n] = i;
    for (double one; i < from && w->count[n] < w->most; i++) {
      if ((one = weight_of(kind, c, scale, i)) <= 0) break;
      weight[w->count[n]++] = (float)one;
      sum += one;
    }
    for (int k = 0; k < w->count[n]; k++) weight[k] = (float)((double)weight[k] / sum);
  }
  return true;
}

static void along_rows(const hd_tensor *image, const weights *w, int64_t width, float *to) {
  int64_t height = image->shape.d[0], old = image->shape.d[1], channels = image->shape.d[2];
  for (int64_t y = 0; y < height; y++)
    for (int64_t x = 0; x < width; x++)
      for (int64_t c = 0; c < channels; c++) {
        int64_t at = (y * old + w->first[x]) * channels + c;
        const float *weight = w->weight + x * w->most;
        float sum = 0;
        if (image->dtype == HD_F32)
          for (int k = 0; k < w->count[x]; k++)
            sum += weight[k] * ((const float *)image->data)[at + k * channels];
        else
          for (int k = 0; k < w->count[x]; k++)
            sum += weight[k] * (float)((const uint8_t *)image->data)[at + k * channels];
        *to++ = sum;
      }
}

// row: one row of sums.
static void along_columns(const float *from, const weights *w, hd_tensor *to, float *row) {
  int64_t height = to->shape.d[0], width = to->shape.d[1] * to->shape.d[2];
  for (int64_t y = 0; y < height; y++) {
    memset(row, 0, sizeof *row * (size_t)width);
    for (int k = 0; k < w->count[y]; k++) {
      float weight = w->weight[y * w->most + k];
      const float *at = from + (w->first[y] + k) * width;
      for (int64_t x = 0; x < width; x++) row[x] += weight * at[x];
    }
    if (to->dtype == HD_F32)
      memcpy((float *)to->data + y * width, row, sizeof *row * (size_t)width);
    else
      for (int64_t x = 0; x < width; x++)
        ((uint8_t *)to->data)[y * width + x] = (uint8_t)HD_MIN(row[x] + 0.5f, 255.0f);
  }
}

static hd_status check(const hd_tensor *image, int64_t height, int64_t width, hd_error *err) {
  char text[256];
  if (!image || !image->data) return hd_fail(err, HD_E_ARGUMENT, "resize: there is no image");
  const hd_shape *s = &image->shape;
  bool fits = (image->dtype == HD_U8 || image->dtype == HD_F32) && s->rank == 3 && s->d[0] >= 1 &&
              s->d[1] >= 1 && s->d[2] >= 1 && s->d[0] <= HD_IMAGE_SIDE && s->d[1] <= HD_IMAGE_SIDE;
  if (!fits)
    return hd_fail(
        err, HD_E_SHAPE, "resize: %s %s; must be u8 or f32 (H, W, C) with sides of 1 to %d",
        hd_dtype_name(image->dtype), hd_shape_text(*s, text, sizeof text), HD_IMAGE_SIDE);
  if (height >= 1 && width >= 1 && height <= HD_IMAGE_SIDE && width <= HD_IMAGE_SIDE) return HD_OK;
  return hd_fail(err, HD_E_ARGUMENT, "resize: to %lld x %lld (H, W); sides are 1 to %d",
                 (long long)height, (long long)width, HD_IMAGE_SIDE);
}

hd_status(hd_image_resize)(const hd_env *env, const hd_tensor *image, int64_t height, int64_t width,
                           hd_tensor *to, hd_error *err, hd_resize_options o) {
  *to = (hd_tensor){0};
  hd_status status = check(image, height, width, err);
  if (status) return status;
  int64_t channels = image->shape.d[2], bytes;
  hd_tensor made = hd_tensor_new(env, image->dtype, HD_SHAPE(height, width, channels), err);
  if (!made.data) return hd_fail_in(err, HD_E_MEMORY, "resize");
  if (hd_shape_equal(made.shape, image->shape)) {
    memcpy(made.data, image->data, (size_t)hd_shape_count(made.shape) * hd_dtype_size(made.dtype));
    *to = made;
    return HD_OK;
  }
  weights x = {0}, y = {0};
  float *middle = NULL, *row = NULL;
  if (hd_mul_size(image->shape.d[0], width * channels, &bytes) &&
      hd_mul_size(bytes, sizeof *middle, &bytes))
    middle = hd_alloc_raw(env, (size_t)bytes);
  row = hd_alloc_raw(env, (size_t)(width * channels) * sizeof *row);
  if (middle && row && weights_make(env, o.resample, image->shape.d[1], width, &x) &&
      weights_make(env, o.resample, image->shape.d[0], height, &y)) {
    along_rows(image, &x, width, middle);
    along_columns(middle, &y, &made, row);
    *to = made;
  } else {
    hd_tensor_free(&made);
    status = hd_fail(err, HD_E_MEMORY, "resize: memory is out for %lld x %lld pixels",
                     (long long)height, (long long)width);
  }
  weights_free(env, &x);
  weights_free(env, &y);
  hd_release(env, row);
  hd_release(env, middle);
  return status;
}
