// Images of any kind: read by what the file begins with, written by how its name ends.
#include "image.h"

void hd_bytes_add(hd_bytes *b, const void *bytes, size_t count) {
  enum { FIRST = 64 << 10 };
  if (b->failed || !count) return;
  if (count > b->room - b->size) {
    size_t room = HD_MAX(b->size + count, HD_MAX(2 * b->room, (size_t)FIRST));
    unsigned char *larger = count < SIZE_MAX / 4 ? hd_resize(b->env, b->at, room) : NULL;
    if (!larger) {
      b->failed = true;
      return;
    }
    b->at = larger, b->room = room;
  }
  memcpy(b->at + b->size, bytes, count);
  b->size += count;
}

hd_status hd_image_read_by(hd_image_parser *parse, const hd_env *env, const char *path,
                           hd_tensor *to, hd_error *err, const hd_image_options *o) {
  void *bytes;
  size_t count;
  *to = (hd_tensor){0};
  hd_status status = hd_image_check(path, o, err);
  if (!status) status = hd_file_read(env, path, HD_IMAGE_BYTES, &bytes, &count, err);
  if (status) return status;
  status = parse(env, path, bytes, count, to, err, *o);
  hd_release(env, bytes);
  return status;
}

// ---- By the first bytes -------------------------------------------------------------------------

static hd_status parse_pnm(const hd_env *env, const char *name, const void *bytes, size_t count,
                           hd_tensor *to, hd_error *err, hd_image_options o) {
  hd_status status = hd_pnm_parse(env, name, bytes, count, to, err);
  if (!status) status = hd_image_fits(name, to->shape.d[1], to->shape.d[0], &o, err);
  if (!status) return hd_image_finish(env, name, &o, to, err);
  hd_tensor_free(to);
  *to = (hd_tensor){0};
  return status;
}

typedef struct signature {
  const char *bytes;
  size_t offset, count;
  hd_image_parser *parse;  // NULL: known by name only
  const char *name;
} signature;

static const signature signatures[] = {{"\x89PNG\r\n\x1A\n", 0, 8, hd_parse_png, "PNG"},
                                       {"\xFF\xD8\xFF", 0, 3, hd_parse_jpeg, "JPEG"},
                                       {"P5", 0, 2, parse_pnm, "PGM"},
                                       {"P6", 0, 2, parse_pnm, "PPM"},
                                       {"GIF87a", 0, 6, NULL, "GIF"},
                                       {"GIF89a", 0, 6, NULL, "GIF"},
                                       {"WEBP", 8, 4, NULL, "WebP"},
                                       {"BM", 0, 2, NULL, "BMP"},
                                       {"II*\0", 0, 4, NULL, "TIFF"},
                                       {"MM\0*", 0, 4, NULL, "TIFF"},
                                       {"ftypavif", 4, 8, NULL, "AVIF"},
                                       {"ftypheic", 4, 8, NULL, "HEIC"},
                                       {"ftypmif1", 4, 8, NULL, "HEIF"},
                                       {"\0\0\0\x0CjP  ", 0, 8, NULL, "JPEG 2000"},
                                       {"\xFF\x0A", 0, 2, NULL, "JPEG XL"},
                                       {"\0\0\0\x0CJXL ", 0, 8, NULL, "JPEG XL"},
                                       {"\x8AMNG\r\n\x1A\n", 0, 8, NULL, "MNG"},
                                       {"%PDF", 0, 4, NULL, "PDF"},
                                       {"<svg", 0, 4, NULL, "SVG"},
                                       {"P1", 0, 2, NULL, "plain PBM"},
                                       {"P2", 0, 2, NULL, "plain PGM"},
                                       {"P3", 0, 2, NULL, "plain PPM"},
                                       {"P4", 0, 2, NULL, "PBM"},
                                       {"P7", 0, 2, NULL, "PAM"}};

hd_status hd_parse_image(const hd_env *env, const char *name, const void *bytes, size_t count,
                         hd_tensor *to, hd_error *err, hd_image_options o) {
  static const char known[] = "read are PNG, JPEG, PGM (P5) and PPM (P6)";
  *to = (hd_tensor){0};
  if (!count) return hd_fail(err, HD_E_FORMAT, "%s: the file is empty; %s", name, known);
  for (size_t i = 0; i < HD_COUNT(signatures); i++) {
    const signature *s = &signatures[i];
    if (count < s->offset + s->count || memcmp((const char *)bytes + s->offset, s->bytes, s->count))
      continue;
    if (s->parse) return s->parse(env, name, bytes, count, to, err, o);
    return hd_fail(err, HD_E_UNSUPPORTED, "%s: is a %s image, which is not read: convert it; %s",
                   name, s->name, known);
  }
  return hd_fail(err, HD_E_FORMAT,
                 "%s: offset 0: not an image that is known by its first bytes; %s", name, known);
}

hd_status(hd_read_image)(const hd_env *env, const char *path, hd_tensor *to, hd_error *err,
                         hd_image_options o) {
  return hd_image_read_by(hd_parse_image, env, path, to, err, &o);
}

// ---- By the ending ------------------------------------------------------------------------------

static bool ends(const char *path, const char *ending) {
  size_t a = strlen(path), b = strlen(ending);
  if (a < b) return false;
  for (size_t i = 0; i < b; i++) {
    char c = path[a - b + i];
    if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != ending[i]) return false;
  }
  return true;
}

hd_status(hd_write_image)(const hd_env *env, const char *path, const hd_tensor *image,
                          hd_error *err, hd_image_write_options o) {
  bool pgm = ends(path, ".pgm"), ppm = ends(path, ".ppm");
  if (ends(path, ".png")) return (hd_write_png)(env, path, image, err, o);
  if (ends(path, ".jpg") || ends(path, ".jpeg")) return (hd_write_jpeg)(env, path, image, err, o);
  if (!pgm && !ppm && !ends(path, ".pnm"))
    return hd_fail(err, HD_E_UNSUPPORTED,
                   "%s: the name must end in .png, .jpg, .jpeg, .pgm, .ppm or .pnm", path);
  hd_status status = hd_image_writable(path, image, pgm ? "1" : ppm ? "3" : "13", err);
  return status ? status : hd_write_pnm(env, path, image, err);
}
