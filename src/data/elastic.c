// Elastic displacements (Simard et al. 2003): uniform noise, smoothed by a Gaussian in two passes.
#include "augment.h"

#include "exact.h"

hd_status hd_elastic_open(const hd_env *env, const hd_elastic_options *o, hd_elastic *e,
                          hd_error *err) {
  *e = (hd_elastic){.alpha = o->alpha};
  if (!(o->alpha > 0)) return HD_OK;
  double sigma = o->sigma > 0 ? (double)o->sigma : 6, sum = 0;
  e->reach = (int64_t)(4 * sigma + 0.5);
  e->weight = hd_alloc(env, sizeof *e->weight * (size_t)(2 * e->reach + 1));
  if (!e->weight) return hd_fail(err, HD_E_MEMORY, "augment: memory is out");
  e->weight += e->reach;
  for (int pass = 0; pass < 2; pass++)
    for (int64_t i = -e->reach; i <= e->reach; i++) {
      double one = hd_exact_exp((double)(-i * i) / (2 * sigma * sigma));
      if (pass) e->weight[i] = (float)(one / sum);
      else sum += one;
    }
  return HD_OK;
}

void hd_elastic_close(const hd_env *env, hd_elastic *e) {
  if (e->weight) hd_release(env, e->weight - e->reach);
  e->weight = NULL;
}

typedef float four __attribute__((vector_size(16), aligned(4), may_alias));

static void add_scaled(float *to, const float *from, float by, int64_t count) {
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) *(four *)(to + i) += by * *(const four *)(from + i);
  for (; i < count; i++) to[i] += by * from[i];
}

// Two uniform numbers in -1 .. 1 for each pixel.
static void fill(float *dx, float *dy, int64_t pixels, hd_random_key key) {
  for (int64_t i = 0; i < pixels; i += 2) {
    uint32_t word[4];
    hd_philox(key.seed, key.stream, (uint64_t)i / 2, word);
    for (int k = 0; k < 2 && i + k < pixels; k++) {
      dx[i + k] = (float)(int32_t)word[2 * k] * 0x1p-31f;
      dy[i + k] = (float)(int32_t)word[2 * k + 1] * 0x1p-31f;
    }
  }
}

static void smooth(const hd_elastic *e, int64_t height, int64_t width, float *field, float *other) {
  memset(other, 0, sizeof *other * (size_t)(height * width));
  for (int64_t y = 0; y < height; y++)
    for (int64_t k = HD_MAX(y - e->reach, 0); k <= HD_MIN(y + e->reach, height - 1); k++)
      add_scaled(other + y * width, field + k * width, e->weight[k - y], width);
  memset(field, 0, sizeof *field * (size_t)(height * width));
  for (int64_t y = 0; y < height; y++)
    for (int64_t k = 0; k < width; k++) {  // pixel k goes to its neighbours
      int64_t first = HD_MAX(k - e->reach, 0), last = HD_MIN(k + e->reach, width - 1);
      add_scaled(field + y * width + first, e->weight + first - k, e->alpha * other[y * width + k],
                 last - first + 1);
    }
}

void hd_elastic_draw(const hd_elastic *e, int64_t height, int64_t width, hd_random_key key,
                     float *dx, float *dy, float *other) {
  fill(dx, dy, height * width, key);
  smooth(e, height, width, dx, other);
  smooth(e, height, width, dy, other);
}
