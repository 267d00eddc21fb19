// Samples mixed from two: mixup (Zhang et al. 2018) and cutmix (Yun et al. 2019).
#include "augment.h"

#include <math.h>

#include "exact.h"

enum { OTHER, WHICH, TOP, LEFT, FIRST_BETA };

// ln of a number of Gamma(alpha, 1): Marsaglia & Tsang 2000; below 1 by Gamma(alpha + 1) times
// U^(1/alpha). Draws from *i on.
static double log_gamma(hd_random_key key, uint64_t *i, double alpha) {
  double boost = 0;
  if (alpha < 1) {
    double u = ((double)hd_random_below(key, (*i)++, (uint64_t)1 << 52) + 0.5) * 0x1p-52;
    boost = hd_exact_log(u) / alpha;
    alpha += 1;
  }
  double d = alpha - 1.0 / 3, c = 1 / sqrt(9 * d);
  for (;;) {
    double x = hd_random_normal(key, (*i)++), v = 1 + c * x;
    double u = ((double)hd_random_below(key, (*i)++, (uint64_t)1 << 52) + 0.5) * 0x1p-52;
    if (v <= 0) continue;
    double log_v = 3 * hd_exact_log(v);
    if (hd_exact_log(u) < 0.5 * x * x + d - d * v * v * v + d * log_v)
      return hd_exact_log(d) + log_v + boost;
  }
}

double hd_random_beta(hd_random_key key, double alpha) {
  uint64_t i = FIRST_BETA;
  double a = log_gamma(key, &i, alpha), b = log_gamma(key, &i, alpha);
  return a > b ? 1 / (1 + hd_exact_exp(b - a)) : 1 - 1 / (1 + hd_exact_exp(a - b));
}

hd_mix hd_mix_draw(const hd_augment_options *o, const hd_picture *p, int64_t samples,
                   hd_random_key key) {
  bool either = o->mixup > 0 && o->cutmix > 0;
  hd_mix m = {.cut = either ? hd_random_uniform(key, WHICH) < 0.5f : o->cutmix > 0};
  m.other = (int64_t)hd_random_below(key, OTHER, (uint64_t)samples);
  m.share = (float)hd_random_beta(key, (double)(m.cut ? o->cutmix : o->mixup));
  if (!m.cut) return m;
  float side = sqrtf(1 - m.share);  // the rectangle has the picture's proportions
  int64_t height = (int64_t)(side * (float)p->height), width = (int64_t)(side * (float)p->width);
  int64_t y = (int64_t)hd_random_below(key, TOP, (uint64_t)p->height) - height / 2;
  int64_t x = (int64_t)hd_random_below(key, LEFT, (uint64_t)p->width) - width / 2;
  m.top = HD_MAX(y, 0), m.bottom = HD_MIN(y + height, p->height);
  m.left = HD_MAX(x, 0), m.right = HD_MIN(x + width, p->width);
  m.share = 1 - (float)((m.bottom - m.top) * (m.right - m.left)) / (float)(p->height * p->width);
  return m;
}

void hd_mix_apply(const hd_mix *m, const hd_picture *p, const hd_picture *other) {
  int64_t channels = p->channels;
  if (!m->cut) {
    for (int64_t i = 0; i < p->height * p->width * channels; i++)
      p->at[i] = m->share * p->at[i] + (1 - m->share) * other->at[i];
    return;
  }
  for (int64_t y = m->top; y < m->bottom; y++) {
    int64_t at = (y * p->width + m->left) * channels;
    memcpy(p->at + at, other->at + at, sizeof *p->at * (size_t)((m->right - m->left) * channels));
  }
}
