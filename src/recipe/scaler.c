// Fits preprocessing on the training samples: one pass in their order, in double.
#include <math.h>

#include "recipe.h"

double hd_scale_largest(const char *set) { return set && !strcmp(set, "digits") ? 16 : 255; }

typedef struct moments {
  double sum, squares, low, high;
} moments;

enum { CHUNK = 256 };

static double at(const void *from, hd_dtype dtype, int64_t i) {
  if (dtype == HD_U8) return ((const uint8_t *)from)[i];
  if (dtype == HD_I32) return ((const int32_t *)from)[i];
  return (double)((const float *)from)[i];
}

// Moments of each feature (the last axis) about its first value, over all samples.
static hd_status gather(const hd_data *data, int column, int64_t size, int64_t features,
                        void *chunk, double *first, moments *to, hd_error *err) {
  int64_t index[CHUNK];
  hd_dtype dtype = data->column[column].type.dtype;
  for (int64_t done = 0; done < data->samples;) {
    int64_t some = HD_MIN(data->samples - done, (int64_t)CHUNK);
    for (int64_t i = 0; i < some; i++) index[i] = done + i;
    hd_status status = data->read(data->user, column, index, some, chunk, err);
    if (status) return status;
    for (int64_t i = 0, f = 0; i < some * size; i++, f = f + 1 == features ? 0 : f + 1) {
      double x = at(chunk, dtype, i);
      if (!isfinite(x))
        return hd_fail(err, HD_E_FORMAT, "data: sample %lld holds a value that is not finite",
                       (long long)(done + i / size));
      if (done == 0 && i < features) first[f] = x, to[f].low = to[f].high = x;
      to[f].sum += x - first[f];
      to[f].squares += (x - first[f]) * (x - first[f]);
      to[f].low = HD_MIN(to[f].low, x);
      to[f].high = HD_MAX(to[f].high, x);
    }
    done += some;
  }
  return HD_OK;
}

static void choose(hd_recipe_scale scale, const moments *m, double first, double count,
                   float *shift, float *factor) {
  double mean = m->sum / count, variance = m->squares / count - mean * mean;
  double low = scale == HD_SCALE_STANDARD ? first + mean : m->low;
  double width = scale == HD_SCALE_STANDARD ? sqrt(variance > 0 ? variance : 0) : m->high - m->low;
  *shift = (float)low;
  *factor = width > 1e-12 * (fabs(m->high) + fabs(m->low)) ? (float)(1 / width)
                                                           : 1;  // a constant feature
}

hd_status hd_recipe_fit_scale(const hd_recipe *r, const hd_data *train, hd_store *store,
                              hd_error *err) {
  if (!r->data.scale) return HD_OK;
  hd_signature s;
  hd_status status = hd_signature_of(train, &s, err);
  if (status) return status;
  hd_shape shape = s.input.type.shape, one = {0};
  bool unit = r->data.scale == HD_SCALE_UNIT;
  if (unit && s.input.type.dtype != HD_U8)
    return hd_fail(err, HD_E_ARGUMENT,
                   "%s: data: scale unit is for images of bytes, %s is %s: use minmax", r->file,
                   s.input.name, hd_dtype_name(s.input.type.dtype));
  int64_t features = shape.rank ? shape.d[shape.rank - 1] : 1, size = hd_shape_count(shape);
  if (!unit) one = HD_SHAPE(features);
  const hd_parameter *shift, *factor;
  status = hd_store_put(store, HD_SCALE_NAME "/shift", HD_STATISTIC, (hd_type){HD_F32, one}, &shift,
                        err);
  if (!status)
    status = hd_store_put(store, HD_SCALE_NAME "/factor", HD_STATISTIC, (hd_type){HD_F32, one},
                          &factor, err);
  if (status) return status;
  if (unit) {
    *(float *)shift->data = 0;
    *(float *)factor->data = (float)(1 / hd_scale_largest(r->data.name));
    return HD_OK;
  }
  const hd_env *env = &r->inside->env;
  void *chunk = hd_alloc_raw(env, (size_t)size * CHUNK * hd_dtype_size(s.input.type.dtype));
  moments *m = hd_alloc(env, (size_t)features * sizeof *m);
  double *first = hd_alloc(env, (size_t)features * sizeof *first);
  if (!chunk || !m || !first)
    status = hd_fail(err, HD_E_MEMORY, "%s: memory is out fitting the scale", r->file);
  if (!status)
    status =
        gather(train, hd_data_column(train, s.input.name), size, features, chunk, first, m, err);
  double count = (double)train->samples * (double)(size / HD_MAX(features, 1));
  for (int64_t f = 0; f < features && !status; f++)
    choose(r->data.scale, &m[f], first[f], count, (float *)shift->data + f,
           (float *)factor->data + f);
  hd_release(env, first);
  hd_release(env, m);
  hd_release(env, chunk);
  return status;
}
