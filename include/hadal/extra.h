// libhadal-extra: what needs a library. A build without one keeps the function and says which
// Debian package brings it.
#ifndef HADAL_EXTRA_H
#define HADAL_EXTRA_H

#include "data.h"
#include "recipe.h"

#ifdef __cplusplus
extern "C" {
#endif

// zlib: an hd_inflate.
HD_API HD_NODISCARD hd_status hd_gunzip(const hd_env *env, const void *bytes, size_t count,
                                        int64_t limit, void **to, size_t *size, hd_error *err);

// libyaml: an hd_document_reader. Scalars are typed as in YAML's core schema; anchors, aliases,
// tags and merge keys are refused.
HD_API hd_status hd_yaml_parse(struct hd_arena *arena, const char *name, const char *text,
                               size_t bytes, struct hd_doc **to, hd_error *err);

// ---- Images -------------------------------------------------------------------------------------
// libpng and libjpeg-turbo. The readers are hd_image_readers: a new tensor (H, W, C) u8 that the
// caller frees. What is damaged or cut short is HD_E_FORMAT, with the reason; bytes after the end
// of the image are passed over. Profiles, gamma and EXIF (also its orientation) are not applied.

// PNG of any kind: palettes and 1, 2 and 4 bits become 8, 16 bits are rounded to the nearest of 8;
// of an APNG the first frame.
HD_API HD_NODISCARD hd_status hd_read_png(const hd_env *env, const char *path, hd_tensor *to,
                                          hd_error *err, hd_image_options options);
HD_API HD_NODISCARD hd_status hd_parse_png(const hd_env *env, const char *name, const void *bytes,
                                           size_t count, hd_tensor *to, hd_error *err,
                                           hd_image_options options);
// JPEG of 8 bits, baseline or progressive; grey, YCbCr, RGB, and CMYK and YCCK as R = C K / 255 of
// the light that each ink leaves (Adobe's files hold that, others its opposite).
HD_API HD_NODISCARD hd_status hd_read_jpeg(const hd_env *env, const char *path, hd_tensor *to,
                                           hd_error *err, hd_image_options options);
HD_API HD_NODISCARD hd_status hd_parse_jpeg(const hd_env *env, const char *name, const void *bytes,
                                            size_t count, hd_tensor *to, hd_error *err,
                                            hd_image_options options);
// PNG, JPEG, PGM or PPM by the file's first bytes, whatever its name. Others are refused by name
// (GIF, WebP, BMP, TIFF ...) with what to do: HD_E_UNSUPPORTED. An hd_image_reader.
HD_API HD_NODISCARD hd_status hd_read_image(const hd_env *env, const char *path, hd_tensor *to,
                                            hd_error *err, hd_image_options options);
HD_API HD_NODISCARD hd_status hd_parse_image(const hd_env *env, const char *name, const void *bytes,
                                             size_t count, hd_tensor *to, hd_error *err,
                                             hd_image_options options);
#define hd_read_png(...) \
  hd_read_png(HD_HEAD4_(__VA_ARGS__, ), \
              HD_LIT(hd_image_options){.hd_z = 0, HD_TAIL4_(__VA_ARGS__, )})
#define hd_read_jpeg(...) \
  hd_read_jpeg(HD_HEAD4_(__VA_ARGS__, ), \
               HD_LIT(hd_image_options){.hd_z = 0, HD_TAIL4_(__VA_ARGS__, )})
#define hd_read_image(...) \
  hd_read_image(HD_HEAD4_(__VA_ARGS__, ), \
                HD_LIT(hd_image_options){.hd_z = 0, HD_TAIL4_(__VA_ARGS__, )})

typedef struct hd_image_write_options {
  HD_OPTIONS;
  int quality HD_Z;       // JPEG: 1 to 100; default 90
  bool full_chroma HD_Z;  // JPEG: colour at the full resolution; default: at half of it
  int level HD_Z;         // PNG: of compression, 1 (fast) to 9 (small); default 6
} hd_image_write_options;
// Writes image, u8 (H, W, C) with sides of 1 to 65,535: PNG with C = 1, 2 (grey and alpha), 3 or 4,
// JPEG with C = 1 or 3. Replaces the file as a whole or not at all. No time is written: the same
// image gives the same bytes (of one version of the library).
HD_API HD_NODISCARD hd_status hd_write_png(const hd_env *env, const char *path,
                                           const hd_tensor *image, hd_error *err,
                                           hd_image_write_options options);
HD_API HD_NODISCARD hd_status hd_write_jpeg(const hd_env *env, const char *path,
                                            const hd_tensor *image, hd_error *err,
                                            hd_image_write_options options);
// By the ending of path: .png, .jpg, .jpeg, .pgm (C = 1), .ppm (C = 3) or .pnm (either).
HD_API HD_NODISCARD hd_status hd_write_image(const hd_env *env, const char *path,
                                             const hd_tensor *image, hd_error *err,
                                             hd_image_write_options options);
// The bytes of such a file in a new block of env, which the caller frees, for embedding.
HD_API HD_NODISCARD hd_status hd_encode_png(const hd_env *env, const hd_tensor *image, void **to,
                                            size_t *size, hd_error *err,
                                            hd_image_write_options options);
HD_API HD_NODISCARD hd_status hd_encode_jpeg(const hd_env *env, const hd_tensor *image, void **to,
                                             size_t *size, hd_error *err,
                                             hd_image_write_options options);
#define hd_write_png(...) \
  hd_write_png(HD_HEAD4_(__VA_ARGS__, ), \
               HD_LIT(hd_image_write_options){.hd_z = 0, HD_TAIL4_(__VA_ARGS__, )})
#define hd_write_jpeg(...) \
  hd_write_jpeg(HD_HEAD4_(__VA_ARGS__, ), \
                HD_LIT(hd_image_write_options){.hd_z = 0, HD_TAIL4_(__VA_ARGS__, )})
#define hd_write_image(...) \
  hd_write_image(HD_HEAD4_(__VA_ARGS__, ), \
                 HD_LIT(hd_image_write_options){.hd_z = 0, HD_TAIL4_(__VA_ARGS__, )})

#ifdef __cplusplus
}
#endif
#endif
