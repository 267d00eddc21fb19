// First values of variables: by (seed, name, element) alone.
#include <string.h>

#include "../base/random.h"
#include "store.h"

static void fill(const hd_parameter *p, int64_t i, double x) {
  if (p->type.dtype == HD_F32) ((float *)p->data)[i] = (float)x;
  else if (p->type.dtype == HD_F64) ((double *)p->data)[i] = x;
  else if (p->type.dtype == HD_I32) ((int32_t *)p->data)[i] = (int32_t)x;
  else if (p->type.dtype == HD_I64) ((int64_t *)p->data)[i] = (int64_t)x;
}

double hd_init_variance(hd_init_kind kind, double in, double out) {
  if (kind <= HD_LECUN_NORMAL) return 1 / in;
  return kind <= HD_GLOROT_NORMAL ? 2 / (in + out) : 2 / in;
}

// Fans of (in, out) and (kh, kw, in, out) weights; a vector counts as (n, 1).
static double variance(hd_init_kind kind, hd_shape s) {
  double taps = 1, in = 1, out = 1;
  for (int i = 0; i + 2 < s.rank; i++) taps *= (double)s.d[i];
  if (s.rank >= 2) out = (double)s.d[s.rank - 1];
  if (s.rank >= 1) in = (double)s.d[s.rank >= 2 ? s.rank - 2 : 0];
  in = in * taps > 1 ? in * taps : 1;
  return hd_init_variance(kind, in, out * taps);
}

static double root(double x) {  // Newton; exact enough and free of libm's versions
  double r = x > 1 ? x : 1;
  for (int i = 0; i < 64; i++) r = 0.5 * (r + x / r);
  return r;
}

static double value(const hd_parameter *p, int64_t i) {
  return p->type.dtype == HD_F64 ? ((const double *)p->data)[i] : ((const float *)p->data)[i];
}

// Weights as a matrix: all but the last axis, and the last. A vector is one column.
static void matrix(const hd_parameter *p, int64_t *rows, int64_t *columns) {
  const hd_shape *s = &p->type.shape;
  *columns = s->rank > 1 ? s->d[s->rank - 1] : 1;
  *rows = *columns ? hd_shape_count(*s) / *columns : 0;
}

static double truncated(hd_random_key key, int64_t i, int64_t count) {
  for (uint64_t at = (uint64_t)i;; at += (uint64_t)count) {
    double x = hd_random_normal(key, at);
    if (x >= -2 && x <= 2) return x;
  }
}

// Gram-Schmidt in place, twice for each vector: what rounding left of the others goes as well.
static void orthogonalise(const hd_parameter *p) {
  int64_t rows, columns;
  if (p->type.dtype != HD_F32 && p->type.dtype != HD_F64) return;
  matrix(p, &rows, &columns);
  bool tall = rows >= columns;
  int64_t vectors = tall ? columns : rows, length = tall ? rows : columns;
  int64_t next = tall ? columns : 1, own = tall ? 1 : columns;  // strides: of elements, of vectors
  for (int64_t v = 0; v < vectors; v++)
    for (int turn = 0; turn < 2; turn++) {
      double square = 0;
      for (int64_t u = 0; u < v; u++) {
        double dot = 0;
        for (int64_t e = 0; e < length; e++)
          dot += value(p, u * own + e * next) * value(p, v * own + e * next);
        for (int64_t e = 0; e < length; e++)
          fill(p, v * own + e * next,
               value(p, v * own + e * next) - dot * value(p, u * own + e * next));
      }
      for (int64_t e = 0; e < length; e++) {
        double x = value(p, v * own + e * next);
        square += x * x;
      }
      double size = root(square);
      for (int64_t e = 0; e < length && size > 0; e++)
        fill(p, v * own + e * next, value(p, v * own + e * next) / size);
    }
}

// Places by chance, a taken one drawn again.
static void scatter(const hd_parameter *p, hd_init init, hd_random_key key) {
  int64_t rows, columns;
  if (p->type.dtype != HD_F32 && p->type.dtype != HD_F64) return;
  matrix(p, &rows, &columns);
  double most = init.a > 0 ? init.a : 15, deviation = init.b > 0 ? init.b : 1;
  int64_t wanted = most < (double)rows ? (int64_t)most : rows;
  hd_random_key place = {key.seed, ~key.stream};
  for (int64_t c = 0; c < columns; c++)
    for (int64_t k = 0, draw = 0; k < wanted && draw < 64 * rows; draw++) {
      uint64_t at = (uint64_t)c << 32 | (uint64_t)draw;
      int64_t i = (int64_t)hd_random_below(place, at, (uint64_t)rows) * columns + c;
      double x = hd_random_normal(key, (uint64_t)i);
      if (value(p, i) != 0) continue;
      fill(p, i, deviation * x);
      k++;
    }
}

void hd_initialise(const hd_parameter *p, hd_init init, uint64_t seed) {
  hd_random_key key = {seed, hd_hash(p->name, strlen(p->name), 0)};
  int64_t count = hd_shape_count(p->type.shape);
  bool named = init.kind >= HD_LECUN_UNIFORM && init.kind <= HD_HE_NORMAL;
  double deviation = named ? root(variance(init.kind, p->type.shape)) : 0,
         limit = deviation * root(3);
  for (int64_t i = 0; i < count; i++) switch (init.kind) {
      case HD_INIT_DEFAULT:
      case HD_ZEROS: fill(p, i, 0); break;
      case HD_ONES: fill(p, i, 1); break;
      case HD_CONSTANT: fill(p, i, init.a); break;
      case HD_UNIFORM:
        fill(p, i, init.a + ((double)init.b - init.a) * hd_random_uniform(key, (uint64_t)i));
        break;
      case HD_NORMAL: fill(p, i, init.a + init.b * hd_random_normal(key, (uint64_t)i)); break;
      case HD_LECUN_UNIFORM:
      case HD_GLOROT_UNIFORM:
      case HD_HE_UNIFORM:
        fill(p, i, limit * (2.0 * hd_random_uniform(key, (uint64_t)i) - 1));
        break;
      case HD_LECUN_NORMAL:
      case HD_GLOROT_NORMAL:
      case HD_HE_NORMAL: fill(p, i, deviation * hd_random_normal(key, (uint64_t)i)); break;
      case HD_TRUNCATED_NORMAL: fill(p, i, init.a + init.b * truncated(key, i, count)); break;
      case HD_ORTHOGONAL: fill(p, i, hd_random_normal(key, (uint64_t)i)); break;
      case HD_SPARSE: fill(p, i, 0); break;
    }
  if (init.kind == HD_ORTHOGONAL) orthogonalise(p);
  if (init.kind == HD_SPARSE) scatter(p, init, key);
}
