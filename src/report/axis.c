// Axes: where a value lies, and ticks at 1, 2 or 5 times a power of ten.
#include "figure.h"

#include <math.h>

double hd_axis_at(const hd_axis *a, double value) {
  double low = a->low, high = a->high;
  if (a->log) {
    if (!(value > 0)) return NAN;
    value = log10(value), low = log10(low), high = log10(high);
  }
  if (!isfinite(value)) return NAN;
  double part = high > low ? (value - low) / (high - low) : 0.5;
  return a->from + part * (a->to - a->from);
}

// The least step of 1, 2, 5 times 10^n with at most `most` of them in the span.
static double step_for(double span, int most) {
  double size = pow(10, floor(log10(span / most)));
  static const double times[] = {1, 2, 5, 10, 20, 50};
  for (size_t i = 0; i < HD_COUNT(times); i++)
    if (span / (times[i] * size) <= most * (1 + 1e-9)) return times[i] * size;
  return 100 * size;
}

// "0.05", "12,000", "2e-5", "3M"; most: of the axis, so that its ticks share a unit.
static void write_tick(double v, double step, double most, char *to) {
  double size = fmax(most, step);
  char plain[48];
  if (v == 0) {
    hd_print(to, 24, "0");
  } else if (size >= 1e6 && size < 1e12) {
    double unit = size >= 1e9 ? 1e9 : 1e6;
    hd_print(to, 24, "%.6g%s", v / unit, unit == 1e9 ? "G" : "M");
  } else if (size >= 1e12 || size < 1e-4) {
    hd_print(plain, sizeof plain, "%.3g", v);
    char *e = strchr(plain, 'e');
    if (!e) hd_print(to, 24, "%.20s", plain);
    else {
      int sign = e[1] == '-' ? -1 : 1, power = 0;
      for (const char *p = e + 2; *p; p++) power = 10 * power + *p - '0';
      hd_print(to, 24, "%.*se%d", (int)HD_MIN(e - plain, 12), plain, sign * power);
    }
  } else {
    int places = (int)fmax(0, ceil(-log10(step) - 1e-9));
    int length = hd_print(plain, sizeof plain, "%.*f", HD_MIN(places, 9), v);
    if (fabs(v) < 10000 || places > 0) {
      hd_print(to, 24, "%.20s", plain);
      return;
    }
    int used = 0;
    for (int i = 0; i < length && used < 20; i++) {
      if (i > 0 && (length - i) % 3 == 0 && plain[i - 1] != '-') to[used++] = ',';
      to[used++] = plain[i];
    }
    to[used] = 0;
  }
}

static void add_tick(hd_ticks *to, const hd_axis *a, double v, double step) {
  double slack = a->log ? 0 : 1e-9 * (a->high - a->low);
  bool inside = v >= a->low - slack && v <= a->high + slack;
  if (a->log) inside = v >= a->low * (1 - 1e-9) && v <= a->high * (1 + 1e-9);
  if (!inside || to->count == HD_TICKS) return;
  to->at[to->count] = v;
  double most = a->log ? fabs(v) : fmax(fabs(a->low), fabs(a->high));
  write_tick(v, step, most, to->text[to->count++]);
}

// Decades; 2 and 5 as well where there are few; every n-th where there are many.
static void log_ticks(hd_axis *a, int most, bool round, hd_ticks *to) {
  int low = (int)floor(log10(a->low) + 1e-9), high = (int)ceil(log10(a->high) - 1e-9);
  if (high <= low) high = low + 1;
  if (round) a->low = pow(10, low), a->high = pow(10, high);
  int each = (high - low + most - 1) / HD_MAX(most, 1);
  bool between = 3 * (high - low) <= most;
  static const double times[] = {1, 2, 5};
  for (int e = low; e <= high; e += HD_MAX(each, 1))
    for (int k = 0; k < (between ? 3 : 1); k++)
      add_tick(to, a, times[k] * pow(10, e), times[k] * pow(10, e));
}

void hd_axis_ticks(hd_axis *a, int most, bool round, hd_ticks *to) {
  *to = (hd_ticks){0};
  most = HD_MAX(2, HD_MIN(most, 12));
  if (a->log) {
    log_ticks(a, most, round, to);
    return;
  }
  double step = step_for(a->high - a->low, most);
  if (!isfinite(step) || step <= 0) return;
  if (round) {
    a->low = step * floor(a->low / step + 1e-9);
    a->high = step * ceil(a->high / step - 1e-9);
  }
  double first = ceil(a->low / step - 1e-9);
  for (int i = 0; i <= HD_TICKS; i++) {
    double v = (first + i) * step;
    if (v > a->high + 1e-9 * step) break;
    add_tick(to, a, v, step);
  }
}
