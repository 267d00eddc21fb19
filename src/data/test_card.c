// A picture to look at filters with: gradients, edges of every direction, fine lines, letters.
#include <math.h>

#include "image.h"

typedef struct color {
  double r, g, b;
} color;

static bool between(double x, double low, double high) { return x >= low && x < high; }

// "HADAL" in cells of 5 x 7.
static bool letters(double u, double v) {
  static const unsigned char rows[5][7] = {{17, 17, 17, 31, 17, 17, 17},
                                           {14, 17, 17, 31, 17, 17, 17},
                                           {30, 17, 17, 17, 17, 17, 30},
                                           {14, 17, 17, 31, 17, 17, 17},
                                           {16, 16, 16, 16, 16, 16, 31}};
  int column = (int)floor(u * 30), row = (int)floor(v * 7);
  if (column < 0 || column >= 30 || row < 0 || row >= 7 || column % 6 == 5) return false;
  return rows[column / 6][row] >> (4 - column % 6) & 1;
}

// The colour at (x, y), both 0 to 1, of a picture so many times as wide as high: a sky and a floor
// with things in front.
static color at(double x, double y, double aspect) {
  static const double turn = 6.283185307179586;
  color c = {110 + 120 * y, 150 + 80 * y, 235 - 10 * y};
  if (y > 0.62) {  // a chequered floor that runs into the distance
    double depth = 0.12 / (y - 0.58), across = (x - 0.5) * depth * 22;
    bool dark = ((int)floor(across + 1000) + (int)floor(depth * 7)) & 1;
    c = dark ? (color){70, 60, 55} : (color){205, 195, 175};
  }
  double dx = (x - 0.2) * aspect, dy = y - 0.22, r = sqrt(dx * dx + dy * dy);
  if (r < 0.13) c = (color){250, 215, 60};
  if (r < 0.13 && r > 0.105) c = (color){200, 120, 30};
  dx = (x - 0.79) * aspect, dy = y - 0.27, r = sqrt(dx * dx + dy * dy);  // rings, ever finer
  if (r < 0.19) {
    double grey = 128 + 110 * cos(turn * 220 * r * r);
    c = (color){grey, grey, grey};
  }
  if (y > 0.36 && y < 0.74 && fabs(x - 0.33) < (y - 0.36) * 0.42) {  // a tent, lit from the left
    double shade = x < 0.33 - (y - 0.36) * 0.1 ? 1 : 0.55;
    c = (color){225 * shade, 60 * shade, 55 * shade};
  }
  dx = (x - 0.6) * aspect, dy = y - 0.66, r = sqrt(dx * dx + dy * dy);
  if (r < 0.15) {  // a ball
    double lx = dx + 0.05, ly = dy + 0.06, light = fmax(0.15, 1 - (lx * lx + ly * ly) * 30);
    c = (color){40 + 90 * light, 70 + 160 * light, 60 + 90 * light};
  }
  if (between(y, 0.86, 0.97) && between(x, 0.05, 0.5)) {  // writing on a board
    c = letters((x - 0.075) / 0.4, (y - 0.88) / 0.07) ? (color){20, 20, 25}
                                                      : (color){245, 245, 240};
  }
  if (between(y, 0.86, 0.97) && between(x, 0.55, 0.95)) {  // stripes, ever finer, and a ramp
    double grey = y < 0.92 ? (sin(turn * 55 * (x - 0.5) * (x - 0.5) * 4) > 0 ? 230 : 25)
                           : 255 * (x - 0.55) / 0.4;
    c = (color){grey, grey, grey};
  }
  return c;
}

hd_status hd_test_card(const hd_env *env, int64_t height, int64_t width, hd_tensor *to,
                       hd_error *err) {
  enum { EACH = 3 };  // samples along a pixel's side, for smooth edges
  *to = (hd_tensor){0};
  if (height < 16 || width < 16 || height > 4096 || width > 4096)
    return hd_fail(err, HD_E_ARGUMENT, "test card: %lld x %lld (H, W); sides are 16 to 4096",
                   (long long)height, (long long)width);
  hd_tensor made = hd_tensor_new(env, HD_U8, HD_SHAPE(height, width, 3), err);
  uint8_t *pixel = made.data;
  if (!pixel) return hd_fail_in(err, HD_E_MEMORY, "test card");
  for (int64_t i = 0; i < height * width; i++) {
    color sum = {0, 0, 0};
    for (int k = 0; k < EACH * EACH; k++) {
      double x = (double)(i % width) + (k % EACH + 0.5) / EACH;
      double y = (double)(i / width) + ((double)(k / EACH) + 0.5) / EACH;
      color one = at(x / (double)width, y / (double)height, (double)width / (double)height);
      sum.r += one.r, sum.g += one.g, sum.b += one.b;
    }
    *pixel++ = (uint8_t)(sum.r / (EACH * EACH));
    *pixel++ = (uint8_t)(sum.g / (EACH * EACH));
    *pixel++ = (uint8_t)(sum.b / (EACH * EACH));
  }
  *to = made;
  return HD_OK;
}
