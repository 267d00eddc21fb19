// What the readers and writers of images share.
#ifndef EXTRA_IMAGE_H
#define EXTRA_IMAGE_H

#include "../../include/hadal/extra.h"
#include "../base/file.h"
#include "../data/image.h"

// Bytes that grow; after a failure nothing more is added.
typedef struct hd_bytes {
  const hd_env *env;
  unsigned char *at;
  size_t size, room;
  bool failed;
} hd_bytes;
void hd_bytes_add(hd_bytes *to, const void *bytes, size_t count);

// Reads a file as hd_image_reader does, by one of the parsers.
typedef hd_status hd_image_parser(const hd_env *env, const char *name, const void *bytes,
                                  size_t count, hd_tensor *to, hd_error *err, hd_image_options o);
HD_NODISCARD hd_status hd_image_read_by(hd_image_parser *parse, const hd_env *env, const char *path,
                                        hd_tensor *to, hd_error *err, const hd_image_options *o);

#endif
