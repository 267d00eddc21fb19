// Rotating, scaling, shearing, moving, flipping and bending in one pass of bilinear interpolation:
// each pixel of the new picture looks up where it comes from.
#include "augment.h"

#include "exact.h"

enum { ROTATE, SCALE, MOVE_X, MOVE_Y, SHEAR, CROP_X, CROP_Y, FLIP_X, FLIP_Y };

bool hd_warp_wanted(const hd_augment_options *o) {
  return o->rotate > 0 || o->scale > 0 || o->translate > 0 || o->shear > 0 || o->crop > 0 ||
         o->flip != HD_FLIP_NONE || o->elastic.alpha > 0;
}

static float whole_within(hd_random_key key, uint64_t i, int most) {
  return most > 0 ? (float)hd_random_below(key, i, 2 * (uint64_t)most + 1) - (float)most : 0;
}

hd_warp hd_warp_draw(const hd_augment_options *o, const hd_picture *p, hd_random_key key) {
  double sine, cosine, slope_sine, slope_cosine;
  hd_exact_turn((double)hd_draw_within(key, ROTATE, o->rotate), &sine, &cosine);
  hd_exact_turn((double)hd_draw_within(key, SHEAR, o->shear), &slope_sine, &slope_cosine);
  double slope = slope_sine / slope_cosine;
  double larger = (double)hd_draw_within(key, SCALE, o->scale);
  double by = larger < 0 ? 1 - larger : 1 / (1 + larger);  // old pixels in a new one
  double x = (o->flip & HD_FLIP_HORIZONTAL) && hd_random_uniform(key, FLIP_X) < 0.5f ? -by : by;
  double y = (o->flip & HD_FLIP_VERTICAL) && hd_random_uniform(key, FLIP_Y) < 0.5f ? -by : by;
  return (hd_warp){.xx = (float)(cosine * x),
                   .xy = (float)((cosine * slope - sine) * y),
                   .yx = (float)(sine * x),
                   .yy = (float)((sine * slope + cosine) * y),
                   .x = hd_draw_within(key, MOVE_X, o->translate) * (float)p->width +
                        whole_within(key, CROP_X, o->crop),
                   .y = hd_draw_within(key, MOVE_Y, o->translate) * (float)p->height +
                        whole_within(key, CROP_Y, o->crop)};
}

// Pixel i of a line of n, or -1: zero.
static int64_t at_edge(int64_t i, int64_t n, hd_edge edge) {
  if (i >= 0 && i < n) return i;
  if (edge == HD_EDGE_ZERO) return -1;
  if (edge == HD_EDGE_NEAREST) return i < 0 ? 0 : n - 1;
  if (n == 1) return 0;
  int64_t period = 2 * (n - 1), k = i % period;
  if (k < 0) k += period;
  return k < n ? k : period - k;
}

static int64_t floor_of(float x) {
  int64_t whole = (int64_t)x;
  return whole - (x < (float)whole);
}

static void look_up(const hd_picture *from, float x, float y, hd_edge edge, float *to) {
  const float most = 1e6f;  // beyond any picture
  x = x > -most ? x < most ? x : most : -most, y = y > -most ? y < most ? y : most : -most;
  int64_t left = floor_of(x), top = floor_of(y), channels = from->channels, i[2], k[2];
  float u = x - (float)left, v = y - (float)top;
  if (left >= 0 && top >= 0 && left + 1 < from->width && top + 1 < from->height) {
    const float *a = from->at + (top * from->width + left) * channels,
                *b = a + from->width * channels;
    for (int64_t c = 0; c < channels; c++) {
      float upper = a[c] + u * (a[c + channels] - a[c]),
            lower = b[c] + u * (b[c + channels] - b[c]);
      to[c] = upper + v * (lower - upper);
    }
    return;
  }
  for (int n = 0; n < 2; n++) {
    k[n] = at_edge(left + n, from->width, edge);
    i[n] = at_edge(top + n, from->height, edge);
  }
  for (int64_t c = 0; c < channels; c++) {
    float value[2][2];
    for (int n = 0; n < 2; n++)
      for (int m = 0; m < 2; m++)
        value[n][m] =
            i[n] < 0 || k[m] < 0 ? 0 : from->at[(i[n] * from->width + k[m]) * channels + c];
    float upper = value[0][0] + u * (value[0][1] - value[0][0]);
    float lower = value[1][0] + u * (value[1][1] - value[1][0]);
    to[c] = upper + v * (lower - upper);
  }
}

void hd_warp_apply(const hd_warp *w, const float *dx, const float *dy, hd_edge edge,
                   const hd_picture *from, const hd_picture *to) {
  float middle_x = 0.5f * (float)(from->width - 1), middle_y = 0.5f * (float)(from->height - 1);
  for (int64_t i = 0; i < to->height; i++)
    for (int64_t k = 0; k < to->width; k++) {
      float u = (float)k - middle_x, v = (float)i - middle_y;
      float x = w->xx * u + w->xy * v + middle_x + w->x;
      float y = w->yx * u + w->yy * v + middle_y + w->y;
      int64_t pixel = i * to->width + k;
      if (dx) x += dx[pixel], y += dy[pixel];
      look_up(from, x, y, edge, to->at + pixel * to->channels);
    }
}
