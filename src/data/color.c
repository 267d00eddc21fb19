// Brightness, contrast, saturation, hue, noise and squares left out.
#include "augment.h"

#include <math.h>

#include "exact.h"

enum { BRIGHTNESS, CONTRAST, SATURATION, HUE };

bool hd_color_wanted(const hd_color_options *o) {
  return o->brightness > 0 || o->contrast > 0 || o->saturation > 0 || o->hue > 0;
}

static float gray_of(const float *p, int64_t channels) {
  return channels == 3 ? 0.299f * p[0] + 0.587f * p[1] + 0.114f * p[2] : p[0];
}

// The turn about the axis of greys, in the plane of I and Q (NTSC): a matrix on R, G, B.
static void turn_matrix(double degrees, float to[3][3]) {
  static const double yiq[3][3] = {
      {0.299, 0.587, 0.114}, {0.595716, -0.274453, -0.321263}, {0.211456, -0.522591, 0.311135}};
  static const double rgb[3][3] = {
      {1, 0.9563, 0.6210}, {1, -0.2721, -0.6474}, {1, -1.1070, 1.7046}};
  double s, c;
  hd_exact_turn(degrees, &s, &c);
  for (int i = 0; i < 3; i++)
    for (int k = 0; k < 3; k++) {
      double in = yiq[1][k] * c - yiq[2][k] * s, quadrature = yiq[1][k] * s + yiq[2][k] * c;
      to[i][k] = (float)(rgb[i][0] * yiq[0][k] + rgb[i][1] * in + rgb[i][2] * quadrature);
    }
}

void hd_color_apply(const hd_color_options *o, hd_random_key key, const hd_picture *p) {
  int64_t channels = p->channels, pixels = p->height * p->width;
  float bright = 1 + hd_draw_within(key, BRIGHTNESS, o->brightness);
  float contrast = bright * (1 + hd_draw_within(key, CONTRAST, o->contrast));
  float saturation = 1 + hd_draw_within(key, SATURATION, o->saturation), turn[3][3];
  double mean = 0;
  if (o->contrast > 0) {
    for (int64_t i = 0; i < pixels; i++) mean += (double)gray_of(p->at + i * channels, channels);
    mean /= (double)pixels;
  }
  float shift = (float)mean * (bright - contrast);  // x' = c (b x - b mean) + b mean
  for (int64_t i = 0; i < pixels * channels; i++) p->at[i] = contrast * p->at[i] + shift;
  if (channels != 3 || !(o->saturation > 0 || o->hue > 0)) return;
  turn_matrix(360 * (double)hd_draw_within(key, HUE, o->hue), turn);
  for (int64_t i = 0; i < pixels; i++) {
    float *at = p->at + 3 * i, gray = gray_of(at, 3), x[3];
    for (int c = 0; c < 3; c++) x[c] = gray + saturation * (at[c] - gray);
    for (int c = 0; c < 3; c++)
      at[c] = o->hue > 0 ? turn[c][0] * x[0] + turn[c][1] * x[1] + turn[c][2] * x[2] : x[c];
  }
}

// Box & Muller twice: 32 bits each for radius and angle, so that the tails end at 6.7.
static void four_normals(hd_random_key key, uint64_t block, float to[4]) {
  uint32_t word[4];
  double sine, cosine;
  hd_philox(key.seed, key.stream, block, word);
  for (int i = 0; i < 4; i += 2) {
    double radius = sqrt(-2 * hd_exact_log(((double)word[i] + 0.5) * 0x1p-32));
    hd_exact_turn((double)word[i + 1] * (360 * 0x1p-32), &sine, &cosine);
    to[i] = (float)(radius * cosine), to[i + 1] = (float)(radius * sine);
  }
}

void hd_noise_apply(float deviation, hd_random_key key, const hd_picture *p) {
  int64_t count = p->height * p->width * p->channels;
  for (int64_t i = 0; i < count; i += 4) {
    float normal[4];
    four_normals(key, (uint64_t)i / 4, normal);
    for (int64_t k = 0; k < HD_MIN(4, count - i); k++) p->at[i + k] += deviation * normal[k];
  }
}

void hd_cutout_apply(const hd_cutout_options *o, hd_random_key key, const hd_picture *p) {
  for (int n = 0; n < HD_MAX(o->count, 1); n++) {
    int64_t y = (int64_t)hd_random_below(key, 2 * (uint64_t)n, (uint64_t)p->height) - o->size / 2;
    int64_t x =
        (int64_t)hd_random_below(key, 2 * (uint64_t)n + 1, (uint64_t)p->width) - o->size / 2;
    int64_t left = HD_MAX(x, 0), right = HD_MIN(x + o->size, p->width);
    for (int64_t i = HD_MAX(y, 0); i < HD_MIN(y + o->size, p->height); i++)
      memset(p->at + (i * p->width + left) * p->channels, 0,
             sizeof *p->at * (size_t)((right - left) * p->channels));
  }
}
