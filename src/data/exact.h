// sin, cos, exp and log in plain double arithmetic: the same bits on every machine, whatever its
// libm. Errors are below 1e-15 relative to the result (of sin and cos: to 1).
#ifndef DATA_EXACT_H
#define DATA_EXACT_H

#include "../base/base.h"

// *s and *c of an angle in degrees, at most a billion of them.
static inline void hd_exact_turn(double degrees, double *s, double *c) {
  int64_t quarter = (int64_t)(degrees / 90 + (degrees < 0 ? -0.5 : 0.5));
  double x = (degrees - 90 * (double)quarter) * 0.017453292519943295, z = x * x;
  double sine = 0, cosine = 0;  // both series from within
  static const double of_even[] = {-1. / 306, -1. / 240, -1. / 182, -1. / 132, -1. / 90,
                                   -1. / 56,  -1. / 30,  -1. / 12,  -1. / 2};
  static const double of_odd[] = {-1. / 342, -1. / 272, -1. / 210, -1. / 156, -1. / 110,
                                  -1. / 72,  -1. / 42,  -1. / 20,  -1. / 6};
  for (int k = 0; k < 9; k++) {
    sine = (1 + sine) * (z * of_odd[k]);
    cosine = (1 + cosine) * (z * of_even[k]);
  }
  sine = x + x * sine, cosine = 1 + cosine;
  switch (quarter & 3) {
    case 0: *s = sine, *c = cosine; break;
    case 1: *s = cosine, *c = -sine; break;
    case 2: *s = -sine, *c = -cosine; break;
    default: *s = -cosine, *c = sine; break;
  }
}

// For finite x; 0 below -700, and 700 stands for all above.
static inline double hd_exact_exp(double x) {
  if (x < -700) return 0;
  if (x > 700) x = 700;
  int64_t k = (int64_t)(x * 1.4426950408889634 + (x < 0 ? -0.5 : 0.5));
  double r = x - (double)k * 0x1.62e42fefa38p-1 - (double)k * 0x1.ef35793c7673p-45, sum = 0;
  for (int n = 16; n > 0; n--) sum = (1 + sum) * (r / n);
  uint64_t bits = (uint64_t)(k + 1023) << 52;
  double power;
  memcpy(&power, &bits, sizeof power);
  return power + power * sum;
}

// For normal x > 0: x = m 2^e with m about 1, ln m = 2 atanh((m - 1) / (m + 1)).
static inline double hd_exact_log(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  int e = (int)(bits >> 52) - 1023;
  bits = (bits & 0xFFFFFFFFFFFFFu) | (uint64_t)1023 << 52;
  double m;
  memcpy(&m, &bits, sizeof m);
  if (m > 1.4142135623730951) m *= 0.5, e++;
  double s = (m - 1) / (m + 1), z = s * s, sum = 0;
  static const double inverse[] = {1. / 23, 1. / 21, 1. / 19, 1. / 17, 1. / 15, 1. / 13,
                                   1. / 11, 1. / 9,  1. / 7,  1. / 5,  1. / 3};
  for (int k = 0; k < 11; k++) sum = (sum + inverse[k]) * z;
  return e * 0x1.62e42fefa38p-1 + (2 * s + (2 * s * sum + e * 0x1.ef35793c7673p-45));
}

#endif
