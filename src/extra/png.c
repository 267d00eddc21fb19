// PNG, by libpng.
#include "image.h"

hd_status(hd_read_png)(const hd_env *env, const char *path, hd_tensor *to, hd_error *err,
                       hd_image_options o) {
  return hd_image_read_by(hd_parse_png, env, path, to, err, &o);
}

hd_status(hd_write_png)(const hd_env *env, const char *path, const hd_tensor *image, hd_error *err,
                        hd_image_write_options o) {
  void *bytes;
  size_t count;
  hd_status status = hd_encode_png(env, image, &bytes, &count, err, o);
  if (status) return hd_fail_in(err, status, "%s", path);
  status = hd_file_write(env, path, bytes, count, err);
  hd_release(env, bytes);
  return status;
}

#ifndef HD_WITH_PNG

static hd_status without(const char *name, hd_error *err) {
  return hd_fail(err, HD_E_UNSUPPORTED,
                 "%s: this build has no libpng: install libpng-dev and build again, or use PGM and "
                 "PPM",
                 name);
}

hd_status hd_parse_png(const hd_env *env, const char *name, const void *bytes, size_t count,
                       hd_tensor *to, hd_error *err, hd_image_options o) {
  (void)env, (void)bytes, (void)count, (void)o;
  *to = (hd_tensor){0};
  return without(name, err);
}

hd_status hd_encode_png(const hd_env *env, const hd_tensor *image, void **to, size_t *size,
                        hd_error *err, hd_image_write_options o) {
  (void)env, (void)image, (void)o;
  *to = NULL, *size = 0;
  return without("PNG", err);
}

#else

#include <png.h>
#include <setjmp.h>

// What libpng calls back with. Its errors jump to where it was called from, over its own frames
// only; png_destroy_* then frees what it held.
typedef struct codec {
  const hd_env *env;
  const unsigned char *at, *end;  // reading
  hd_bytes out;                   // writing
  hd_tensor pixels;
  char why[120];
  bool no_memory, beyond;
} codec;

static png_voidp take(png_structp png, png_alloc_size_t bytes) {
  codec *c = png_get_mem_ptr(png);
  void *block = hd_alloc(c->env, bytes);
  if (!block) c->no_memory = true;
  return block;
}

static void give(png_structp png, png_voidp block) {
  hd_release(((codec *)png_get_mem_ptr(png))->env, block);
}

static void on_error(png_structp png, png_const_charp text) {
  codec *c = png_get_error_ptr(png);
  if (!*c->why) hd_print(c->why, sizeof c->why, "%s", text);
  png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) { (void)png, (void)text; }

static hd_status failed(const codec *c, const char *name, hd_error *err) {
  if (c->no_memory) return hd_fail(err, HD_E_MEMORY, "%s: memory is out", name);
  return hd_fail(err, HD_E_FORMAT, "%s: %s: %s", name, c->beyond ? "truncated" : "damaged PNG",
                 c->why);
}

// ---- Reading ------------------------------------------------------------------------------------

static void get(png_structp png, png_bytep to, size_t count) {
  codec *c = png_get_io_ptr(png);
  if (count > (size_t)(c->end - c->at)) {
    c->beyond = true;
    png_error(png, "the file ends within the image");
  }
  memcpy(to, c->at, count);
  c->at += count;
}

// Deflate cannot shrink by more than this, so sizes that the file cannot hold are no reason to take
// memory.
enum { RATIO = 1032 };

static hd_status check(png_structp png, png_infop info, const char *name, size_t count,
                       const hd_image_options *o, hd_error *err) {
  int64_t width = png_get_image_width(png, info), height = png_get_image_height(png, info);
#ifdef HADAL_PLANT_IMAGE  // tools/fuzz --planted leaves this out: the fuzzer must notice
  return HD_OK;
#endif
  hd_status status = hd_image_fits(name, width, height, o, err);
  if (status) return status;
  int64_t bits = (int64_t)png_get_bit_depth(png, info) * png_get_channels(png, info), need, most;
  if (hd_mul_size(width * height, bits, &need) && hd_mul_size((int64_t)count, RATIO, &most) &&
      need / 8 <= most)
    return HD_OK;
  return hd_fail(err, HD_E_FORMAT, "%s: truncated: %zu bytes cannot hold %lld x %lld pixels", name,
                 count, (long long)width, (long long)height);
}

static hd_status read_all(codec *c, png_structp png, png_infop info, const char *name, size_t count,
                          const hd_image_options *o, hd_error *err) {
  if (setjmp(png_jmpbuf(png))) return failed(c, name, err);
  png_set_read_fn(png, c, get);
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // ours are checked below
#ifdef PNG_HANDLE_AS_UNKNOWN_SUPPORTED
  // Texts and profiles are not even unpacked.
  static const png_byte passed_over[] =
      "bKGD\0cHRM\0eXIf\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0sRGB\0sTER\0"
      "tEXt\0tIME\0zTXt";
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, passed_over, sizeof passed_over / 5);
#endif
  png_read_info(png, info);
  hd_status status = check(png, info, name, count, o, err);
  if (status) return status;
  png_set_expand(png);    // palettes and few bits to 8, transparent colours to alpha
  png_set_scale_16(png);  // to the nearest
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  int64_t width = png_get_image_width(png, info), height = png_get_image_height(png, info),
          channels = png_get_channels(png, info);
  if (channels < 1 || channels > 4 || (int64_t)png_get_rowbytes(png, info) != width * channels)
    return hd_fail(err, HD_E_INTERNAL, "%s: libpng gives rows of another size", name);
  c->pixels = hd_tensor_new(c->env, HD_U8, HD_SHAPE(height, width, channels), err);
  if (!c->pixels.data) return hd_fail_in(err, HD_E_MEMORY, "%s", name);
  for (int pass = 0; pass < passes; pass++)
    for (int64_t y = 0; y < height; y++)
      png_read_row(png, (png_bytep)c->pixels.data + y * width * channels, NULL);
  png_read_end(png, NULL);
  return HD_OK;
}

hd_status hd_parse_png(const hd_env *env, const char *name, const void *bytes, size_t count,
                       hd_tensor *to, hd_error *err, hd_image_options o) {
  *to = (hd_tensor){0};
  hd_status status = hd_image_check(name, &o, err);
  if (status) return status;
  codec c = {.env = env, .at = bytes, .end = (const unsigned char *)bytes + count};
  png_infop info = NULL;
  png_structp png =
      png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &c, on_error, on_warning, &c, take, give);
  if (png) info = png_create_info_struct(png);
  if (!info)
    status = hd_fail(err, c.no_memory ? HD_E_MEMORY : HD_E_INTERNAL, "%s: libpng did not start: %s",
                     name, c.no_memory ? "memory is out" : "version");
  if (!status) status = read_all(&c, png, info, name, count, &o, err);
  png_destroy_read_struct(&png, &info, NULL);
  if (status) {
    hd_tensor_free(&c.pixels);
    return status;
  }
  *to = c.pixels;
  return hd_image_finish(env, name, &o, to, err);
}

// ---- Writing ------------------------------------------------------------------------------------

static void put(png_structp png, png_bytep from, size_t count) {
  codec *c = png_get_io_ptr(png);
  hd_bytes_add(&c->out, from, count);
  c->no_memory |= c->out.failed;
  if (c->out.failed) png_error(png, "memory is out");
}

static void flush(png_structp png) { (void)png; }

static hd_status write_all(codec *c, png_structp png, png_infop info, const hd_tensor *image,
                           int level, hd_error *err) {
  static const int kind[] = {0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                             PNG_COLOR_TYPE_RGB_ALPHA};
  const int64_t *d = image->shape.d;
  if (setjmp(png_jmpbuf(png))) return failed(c, "PNG", err);
  png_set_write_fn(png, c, put, flush);
  png_set_compression_level(png, level);
  png_set_IHDR(png, info, (png_uint_32)d[1], (png_uint_32)d[0], 8, kind[d[2]], PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (int64_t y = 0; y < d[0]; y++)
    png_write_row(png, (png_const_bytep)image->data + y * d[1] * d[2]);
  png_write_end(png, info);
  return HD_OK;
}

hd_status hd_encode_png(const hd_env *env, const hd_tensor *image, void **to, size_t *size,
                        hd_error *err, hd_image_write_options o) {
  *to = NULL, *size = 0;
  hd_status status = hd_image_writable("PNG", image, "1234", err);
  if (status) return status;
  if (o.level < 0 || o.level > 9)
    return hd_fail(err, HD_E_ARGUMENT, "PNG: level is %d, must be 1 to 9; default 6", o.level);
  codec c = {.env = env, .out = {.env = env}};
  png_infop info = NULL;
  png_structp png =
      png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &c, on_error, on_warning, &c, take, give);
  if (png) info = png_create_info_struct(png);
  if (!info)
    status = hd_fail(err, c.no_memory ? HD_E_MEMORY : HD_E_INTERNAL,
                     "PNG: libpng did not start: %s", c.no_memory ? "memory is out" : "version");
  if (!status) status = write_all(&c, png, info, image, o.level ? o.level : 6, err);
  png_destroy_write_struct(&png, &info);
  if (status) {
    hd_release(env, c.out.at);
    return status;
  }
  *to = c.out.at, *size = c.out.size;
  return HD_OK;
}

#endif
