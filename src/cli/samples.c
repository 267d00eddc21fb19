// Samples from files, for hadal predict: images, .csv rows, .idx arrays.
#include "cli.h"
#include "../data/table.h"
#include "../recipe/recipe.h"

void cli_samples_free(cli_samples *s) {
  hd_release(s->env, s->data);
  hd_release(s->env, s->from);
}

static hd_status grow(cli_samples *s, int64_t more, int file, bool rows, hd_error *err) {
  int64_t count = s->count + more, bytes;
  void *data = NULL;
  cli_sample *from = NULL;
  if (hd_mul_size(count, s->size, &bytes)) data = hd_resize(s->env, s->data, (size_t)bytes);
  if (data) s->data = data, from = hd_resize(s->env, s->from, (size_t)count * sizeof *from);
  if (!from) return hd_fail(err, HD_E_MEMORY, "memory is out for %lld samples", (long long)count);
  s->from = from;
  for (int64_t i = 0; i < more; i++) s->from[s->count + i] = (cli_sample){file, rows ? i + 1 : 0};
  return HD_OK;
}

static hd_status misfit(const cli_samples *s, const char *path, const hd_shape *have,
                        hd_error *err) {
  char a[96], b[96];
  return hd_fail(err, HD_E_SHAPE, "%s: a sample is %s, the model wants %s", path,
                 hd_shape_text(*have, a, sizeof a), hd_shape_text(s->type.shape, b, sizeof b));
}

// bytes 0..255, in the range of the set that the model was trained on
static void add_bytes(cli_samples *s, const unsigned char *from, int64_t count) {
  int64_t values = count * hd_shape_count(s->type.shape);
  int largest = (int)hd_scale_largest(s->set);
  char *to = (char *)s->data + s->count * s->size;
  for (int64_t i = 0; i < values; i++) {
    int v = (from[i] * largest + 127) / 255;
    if (s->type.dtype == HD_F32) ((float *)(void *)to)[i] = (float)v;
    else ((unsigned char *)to)[i] = (unsigned char)v;
  }
  s->count += count;
}

static hd_status add_images(cli_samples *s, const char *path, int file, hd_tensor *t, bool many,
                            hd_error *err) {
  hd_shape one = t->shape;
  int64_t count = 1;
  if (many && t->shape.rank == 3) {  // (N, H, W) -> (H, W, 1)
    count = one.d[0];
    one = HD_SHAPE(one.d[1], one.d[2], 1);
  }
  if (t->dtype != HD_U8)
    return hd_fail(err, HD_E_FORMAT, "%s: holds %s; images are u8", path, hd_dtype_name(t->dtype));
  if (!hd_shape_equal(one, s->type.shape)) return misfit(s, path, &one, err);
  hd_status status = grow(s, count, file, many, err);
  if (!status) add_bytes(s, t->data, count);
  return status;
}

// Rows of pixels, in the range of the set; what follows the pixels of a row is its label.
static hd_status add_pixels(cli_samples *s, const char *path, int file, const hd_tensor *x,
                            hd_error *err) {
  int64_t rows = x->shape.d[0], width = x->shape.d[1], pixels = hd_shape_count(s->type.shape);
  float largest = (float)hd_scale_largest(s->set);
  char shape[96];
  if (width != pixels && width != pixels + 1)
    return hd_fail(err, HD_E_SHAPE,
                   "%s: %lld columns; the model wants the %lld pixels of an image %s, and after "
                   "them at most the label",
                   path, (long long)width, (long long)pixels,
                   hd_shape_text(s->type.shape, shape, sizeof shape));
  hd_status status = grow(s, rows, file, true, err);
  if (status) return status;
  for (int64_t i = 0; i < rows * pixels; i++) {
    float v = ((const float *)x->data)[i / pixels * width + i % pixels];
    char *to = (char *)s->data + s->count * s->size;
    if (s->type.dtype == HD_F32) ((float *)(void *)to)[i] = v;
    else if (v >= 0 && v <= largest && v == (float)(unsigned char)v)
      ((unsigned char *)to)[i] = (unsigned char)v;
    else
      return hd_fail(
          err, HD_E_FORMAT, "%s: row %lld, column %lld: %g is not a whole number in 0..%g", path,
          (long long)(i / pixels + 1), (long long)(i % pixels + 1), (double)v, (double)largest);
  }
  s->count += rows;
  return HD_OK;
}

static hd_status add_rows(cli_samples *s, const char *path, int file, hd_error *err) {
  hd_data rows;
  hd_status status =
      hd_csv_read(s->env, path, (hd_csv_options){.no_label = true, .words = s->words}, &rows, err);
  if (status) return status;
  const hd_table *table = rows.user;
  const hd_tensor *x = &table->column[0];
  if (s->type.shape.rank == 3 && s->type.dtype != HD_I32) {
    status = add_pixels(s, path, file, x, err);
    hd_data_free(&rows);
    return status;
  }
  if (!hd_shape_equal(rows.column[0].type.shape, s->type.shape) || s->type.dtype != HD_F32)
    status = misfit(s, path, &rows.column[0].type.shape, err);
  else status = grow(s, rows.samples, file, true, err);
  if (!status) {
    memcpy((char *)s->data + s->count * s->size, x->data, (size_t)(rows.samples * s->size));
    s->count += rows.samples;
  }
  hd_data_free(&rows);
  return status;
}

static bool ends(const char *path, const char *end) {
  size_t a = strlen(path), b = strlen(end);
  return a >= b && !strcmp(path + a - b, end);
}

static bool is_idx(const char *path) {
  static const char *const ending[] = {".idx", "idx1", "idx3", "-ubyte"};
  char end[16];
  for (size_t i = 0; i < HD_COUNT(ending); i++) {
    snprintf(end, sizeof end, "%s.gz", ending[i]);
    if (ends(path, ending[i]) || ends(path, end)) return true;
  }
  return false;
}

static bool is_image(const char *path) {
  static const char *const ending[] = {".pgm", ".ppm", ".pnm", ".png", ".jpg", ".jpeg",
                                       ".PGM", ".PPM", ".PNM", ".PNG", ".JPG", ".JPEG"};
  for (size_t i = 0; i < HD_COUNT(ending); i++)
    if (ends(path, ending[i])) return true;
  return false;
}

// In the channels of the model, and in its size where it was trained on images brought to one.
static hd_status read_image(const cli_samples *s, const char *path, hd_tensor *to, hd_error *err) {
  const hd_shape *want = &s->type.shape;
  bool image = want->rank == 3 && (want->d[2] == 1 || want->d[2] == 3);
  hd_tensor sized;
  hd_status status = hd_read_image(s->env, path, to, err, .channels = image ? (int)want->d[2] : 0);
  if (status || !image || !s->resize) return status;
  status = hd_image_resize(s->env, to, want->d[0], want->d[1], &sized, err);
  hd_tensor_free(to);
  *to = sized;
  return status ? hd_fail_in(err, status, "%s", path) : HD_OK;
}

hd_status cli_samples_add(cli_samples *s, const char *path, int file, hd_error *err) {
  hd_tensor t = {0};
  hd_status status;
  if (ends(path, ".csv")) return add_rows(s, path, file, err);
  bool image = is_image(path), idx = is_idx(path);
  if (!image && !idx)
    return hd_fail(err, HD_E_UNSUPPORTED,
                   "%s: known are .csv, .png, .jpg, .pgm, .ppm, .idx, -ubyte and .gz of the last "
                   "two",
                   path);
  status = image ? read_image(s, path, &t, err) : hd_idx_read(s->env, path, hd_gunzip, &t, err);
  if (!status) status = add_images(s, path, file, &t, idx, err);
  hd_tensor_free(&t);
  return status;
}
