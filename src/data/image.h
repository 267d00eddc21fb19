// What the readers of images share: limits, channels.
#ifndef DATA_IMAGE_H
#define DATA_IMAGE_H

#include "../../include/hadal/data.h"
#include "../base/base.h"

enum {
  HD_IMAGE_PIXELS = 64 << 20,  // the default of most_pixels
  HD_IMAGE_BYTES = 1 << 30,    // of a file
  HD_IMAGE_SIDE = 65535
};

HD_NODISCARD hd_status hd_image_check(const char *name, const hd_image_options *o, hd_error *err);
// HD_E_LIMIT for a picture with more pixels than the options allow; sizes must not be negative.
HD_NODISCARD hd_status hd_image_fits(const char *name, int64_t width, int64_t height,
                                     const hd_image_options *o, hd_error *err);
// Turns 1 to 4 channels (2: grey and alpha) into those that the options want; the tensor is
// replaced, or freed on failure.
HD_NODISCARD hd_status hd_image_finish(const hd_env *env, const char *name,
                                       const hd_image_options *o, hd_tensor *image, hd_error *err);
// HD_E_SHAPE for what is no (H, W, C) u8 with a C among `channels`, such as "134".
HD_NODISCARD hd_status hd_image_writable(const char *name, const hd_tensor *image,
                                         const char *channels, hd_error *err);

// A folder of classes, or one that holds two of them: train and test.
HD_NODISCARD hd_status hd_image_folder_parts(const hd_env *env, const char *path, bool *two,
                                             hd_error *err);
HD_NODISCARD hd_status hd_image_folder_open(const hd_env *env, const char *path, bool test,
                                            hd_image_folder_options o, hd_data *to, hd_error *err);

#endif
