// Man-made filters of images: the kernels of the textbooks, kernels in text, and what applies them,
// a depthwise convolution in bands of rows.
#include <math.h>

#include "../../include/hadal/ops.h"
#include "../../include/hadal/plan.h"
#include "image.h"

// ---- Kernels ------------------------------------------------------------------------------------

static const float identity[] = {0, 0, 0, 0, 1, 0, 0, 0, 0},
                   diagonal[] = {1, 0, -1, 0, 0, 0, -1, 0, 1},
                   four[] = {0, -1, 0, -1, 4, -1, 0, -1, 0},
                   eight[] = {-1, -1, -1, -1, 8, -1, -1, -1, -1},
                   laplace[] = {0, 1, 0, 1, -4, 1, 0, 1, 0},
                   sharpen[] = {0, -1, 0, -1, 5, -1, 0, -1, 0},
                   ones[] = {1, 1, 1, 1, 1, 1, 1, 1, 1},
                   gaussian[] = {1,  4, 6, 4,  1,  4,  16, 24, 16, 4, 6, 24, 36,
                                 24, 6, 4, 16, 24, 16, 4,  1,  4,  6, 4, 1},
                   unsharp[] = {1,  4, 6, 4,  1,  4,  16, 24, 16, 4, 6, 24, -476,
                                24, 6, 4, 16, 24, 16, 4,  1,  4,  6, 4, 1},
                   sobel_x[] = {-1, 0, 1, -2, 0, 2, -1, 0, 1},
                   sobel_y[] = {-1, -2, -1, 0, 0, 0, 1, 2, 1};

static const hd_image_kernel kernels[] = {
    {"identity", "leaves the image as it is", 3, 3, identity, 1},
    {"edge-diagonal", "edges that run along a diagonal", 3, 3, diagonal, 1},
    {"edge-4", "edges, by the four nearest pixels; sums to 0", 3, 3, four, 1},
    {"edge-8", "edges, by all eight around; sums to 0", 3, 3, eight, 1},
    {"laplace", "edges with the opposite sign of edge-4", 3, 3, laplace, 1},
    {"sharpen", "the image and its edges", 3, 3, sharpen, 1},
    {"box-blur", "the mean of nine pixels", 3, 3, ones, 9},
    {"box-sum", "the sum of nine pixels: overflows 8 bits", 3, 3, ones, 1},
    {"gaussian", "a bell of 5 x 5: blurs without corners", 5, 5, gaussian, 256},
    {"unsharp", "unsharp masking: twice the image less the Gaussian", 5, 5, unsharp, -256},
    {"sobel-x", "brightness that grows to the right", 3, 3, sobel_x, 1},
    {"sobel-y", "brightness that grows downwards", 3, 3, sobel_y, 1}};

const hd_image_kernel *hd_image_kernels(int *count) {
  if (count) *count = (int)HD_COUNT(kernels);
  return kernels;
}

const hd_image_kernel *hd_image_kernel_find(const char *name) {
  for (size_t i = 0; name && i < HD_COUNT(kernels); i++)
    if (!strcmp(name, kernels[i].name)) return &kernels[i];
  return NULL;
}

static bool blank(char c) { return c == ' ' || c == '\t' || c == ',' || c == '\n' || c == '\r'; }

hd_status hd_image_kernel_parse(const char *text, float *weight, hd_image_kernel *to,
                                hd_error *err) {
  int rows = 0, columns = 0, width = 0, count = 0;
  *to = (hd_image_kernel){0};
  for (const char *p = text;; p++) {
    while (blank(*p)) p++;
    if (*p && *p != '/') {
      const char *end = p;
      double value;
      while (*end && *end != '/' && !blank(*end)) end++;
      if (!hd_parse_real(p, end, &value) || !isfinite((float)value))
        return hd_fail(err, HD_E_FORMAT, "kernel: row %d, number %d: \"%.*s\" is no number",
                       rows + 1, columns + 1, (int)HD_MIN(end - p, 40), p);
      if (++columns > HD_KERNEL_SIDE)
        return hd_fail(err, HD_E_LIMIT, "kernel: row %d has more than %d numbers", rows + 1,
                       HD_KERNEL_SIDE);
      weight[count++] = (float)value;
      p = end - 1;
      continue;
    }
    if (rows == 0) width = columns;
    if (columns == 0 || columns != width)
      return hd_fail(err, HD_E_FORMAT, "kernel: row %d has %d numbers, %s", rows + 1, columns,
                     columns == 0 ? "must have at least one: \"0 -1 0 / -1 5 -1 / 0 -1 0\""
                                  : "unlike row 1; all rows are of one length");
    if (++rows > HD_KERNEL_SIDE)
      return hd_fail(err, HD_E_LIMIT, "kernel: more than %d rows", HD_KERNEL_SIDE);
    columns = 0;
    if (!*p) break;
    if (rows == HD_KERNEL_SIDE)
      return hd_fail(err, HD_E_LIMIT, "kernel: more than %d rows", HD_KERNEL_SIDE);
  }
  *to = (hd_image_kernel){.height = rows, .width = width, .weight = weight, .divisor = 1};
  return HD_OK;
}

// ---- Filtering ----------------------------------------------------------------------------------

static hd_status check(const hd_tensor *image, const hd_image_kernel *k, const hd_filter_options *o,
                       hd_error *err) {
  char text[256];
  if (!image || !image->data) return hd_fail(err, HD_E_ARGUMENT, "filter: there is no image");
  if (!k || !k->weight) return hd_fail(err, HD_E_ARGUMENT, "filter: there is no kernel");
  const hd_shape *s = &image->shape;
  if ((image->dtype != HD_U8 && image->dtype != HD_F32) || s->rank != 3 || s->d[0] < 1 ||
      s->d[1] < 1 || s->d[2] < 1 || s->d[0] > HD_IMAGE_SIDE || s->d[1] > HD_IMAGE_SIDE ||
      s->d[2] > 1024)
    return hd_fail(
        err, HD_E_SHAPE, "filter: %s %s; must be u8 or f32 (H, W, C) with sides of 1 to %d",
        hd_dtype_name(image->dtype), hd_shape_text(*s, text, sizeof text), HD_IMAGE_SIDE);
  if (k->height < 1 || k->width < 1 || k->height > HD_KERNEL_SIDE || k->width > HD_KERNEL_SIDE)
    return hd_fail(err, HD_E_ARGUMENT, "filter: a kernel of %d x %d; sides are 1 to %d", k->height,
                   k->width, HD_KERNEL_SIDE);
  if (k->height % 2 == 0 || k->width % 2 == 0)
    return hd_fail(err, HD_E_ARGUMENT,
                   "filter: a kernel of %d x %d has no middle to lie on a pixel: both sides must "
                   "be odd; add a row or column of zeros on the side you choose",
                   k->height, k->width);
  if (o->edge < HD_EDGE_ZERO || o->edge > HD_EDGE_REFLECT)
    return hd_fail(err, HD_E_ARGUMENT, "filter: edge is %d", (int)o->edge);
  if (!isfinite(o->scale) || !isfinite(o->offset) || !isfinite(k->divisor))
    return hd_fail(err, HD_E_ARGUMENT, "filter: scale, offset and divisor must be finite");
  return HD_OK;
}

// The pixel of n that stands for number i, which may lie outside; -1: none, zero.
static int64_t inside(int64_t i, int64_t n, hd_edge edge) {
  if (i >= 0 && i < n) return i;
  if (edge == HD_EDGE_ZERO) return -1;
  if (edge == HD_EDGE_NEAREST || n == 1) return i < 0 ? 0 : n - 1;
  int64_t period = 2 * (n - 1);
  i = (i % period + period) % period;
  return i < n ? i : period - i;
}

// Rows first .. first + rows - 1 with what lies around them.
static void feed(const hd_tensor *image, const hd_image_kernel *k, hd_edge edge, int64_t first,
                 int64_t rows, char *to) {
  int64_t h = image->shape.d[0], w = image->shape.d[1];
  int64_t each = image->shape.d[2] * (int64_t)hd_dtype_size(image->dtype);
  int64_t wide = w + k->width - 1, left = k->width / 2;
  for (int64_t r = 0; r < rows + k->height - 1; r++, to += wide * each) {
    int64_t at = inside(first + r - k->height / 2, h, edge);
    const char *from = (const char *)image->data + at * w * each;
    memset(to, 0, (size_t)(wide * each));
    if (at < 0) continue;
    memcpy(to + left * each, from, (size_t)(w * each));
    for (int64_t c = left ? 0 : w; c < wide; c = c == left - 1 ? left + w : c + 1) {
      int64_t column = inside(c - left, w, edge);
      if (column >= 0) memcpy(to + c * each, from + column * each, (size_t)each);
    }
  }
}

static hd_val build(hd_graph *g, const hd_tensor *image, const hd_image_kernel *k,
                    const hd_filter_options *o, float *weight, int64_t rows) {
  int64_t c = image->shape.d[2], taps = (int64_t)k->height * k->width;
  for (int64_t i = 0; i < taps * c; i++) weight[i] = k->weight[i / c];
  hd_val x = hd_input(g, "image", image->dtype,
                      HD_SHAPE(1, rows + k->height - 1, image->shape.d[1] + k->width - 1, c));
  hd_val w = hd_constant(g, HD_F32, HD_SHAPE(k->height, k->width, 1, c), weight);
  hd_op_conv2d_options window = {.groups = (int)c};
  hd_val y = o->convolve ? (hd_op_convolve2d)(hd_cast(x, HD_F32), w, window)
                         : (hd_op_conv2d)(hd_cast(x, HD_F32), w, window);
  if (k->divisor != 0 && k->divisor != 1) y = hd_div(y, hd_scalar(g, (double)k->divisor));
  if (o->scale != 0 && o->scale != 1) y = hd_scale(y, o->scale);
  if (o->offset != 0) y = hd_add_scalar(y, o->offset);
  return image->dtype == HD_U8 ? hd_cast(hd_add_scalar(y, 0.5), HD_U8) : y;  // toward zero, held
}

static hd_status run(const hd_env *env, const hd_tensor *image, const hd_image_kernel *k,
                     const hd_filter_options *o, hd_graph *g, hd_tensor *to, hd_error *err) {
  enum { BAND = 1 << 20 };  // numbers in a band of rows: the memory does not grow with the image
  int64_t h = image->shape.d[0], line = image->shape.d[1] * image->shape.d[2];
  int64_t rows = HD_MIN(h, HD_MAX(BAND / line, 1)), bytes;
  float *weight = NULL;
  if (hd_mul_size(HD_KERNEL_WEIGHTS * (int64_t)sizeof *weight, image->shape.d[2], &bytes))
    weight = hd_alloc_raw(env, (size_t)bytes);
  if (!weight) return hd_fail(err, HD_E_MEMORY, "filter: memory is out");
  hd_val y = build(g, image, k, o, weight, rows);
  hd_release(env, weight);
  hd_store *store = hd_store_new(env);
  hd_plan *plan = store ? hd_compile(store, err, .fetch = {y}) : NULL;
  hd_workspace *space = plan ? hd_workspace_new(plan, NULL, err) : NULL;
  hd_status status = HD_OK;
  if (!store) status = hd_fail(err, HD_E_MEMORY, "filter: memory is out");
  else if (!space) status = err && err->status ? err->status : HD_E_MEMORY;
  line *= (int64_t)hd_dtype_size(image->dtype);
  for (int64_t first = 0; !status && first < h; first += rows) {
    int64_t at = HD_MIN(first, h - rows);  // the last band may lie over the one before
    feed(image, k, o->edge, at, rows, hd_workspace_input(space, "image", NULL));
    status = hd_run(space, err);
    if (!status)
      memcpy((char *)to->data + at * line, hd_workspace_fetch(space, 0, NULL),
             (size_t)(rows * line));
  }
  hd_workspace_free(space);
  hd_plan_free(plan);
  hd_store_free(store);
  return status;
}

hd_status(hd_image_filter)(const hd_env *env, const hd_tensor *image, const hd_image_kernel *kernel,
                           hd_tensor *to, hd_error *err, hd_filter_options o) {
  hd_error own = {0};
  if (!err) err = &own;  // a plan that cannot be made says why there
  *to = (hd_tensor){0};
  hd_status status = check(image, kernel, &o, err);
  if (status) return status;
  hd_tensor made = hd_tensor_new(env, image->dtype, image->shape, err);
  if (!made.data) return hd_fail_in(err, HD_E_MEMORY, "filter");
  hd_graph *g = hd_graph_new(env);
  status = g ? run(env, image, kernel, &o, g, &made, err)
             : hd_fail(err, HD_E_MEMORY, "filter: memory is out");
  hd_graph_free(g);
  if (status) hd_tensor_free(&made);
  else *to = made;
  return status;
}
