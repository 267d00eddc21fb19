// Images: (H, W, C) tensors of u8, 0 black to 255; C = 1 grey, 3 red green blue, 4 with alpha.
#ifndef HADAL_IMAGE_H
#define HADAL_IMAGE_H

#include "tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- Reading and writing ------------------------------------------------------------------------
typedef struct hd_image_options {
  HD_OPTIONS;
  // 1: grey, by the luma of ITU-R BT.601. 3: colour. 4: colour and alpha. Default: as the file has
  // it, 1 or 3. Unless 4 is asked for, what is transparent lies on white.
  int channels HD_Z;
  // Width times height of the largest image that is read; more is HD_E_LIMIT before any memory is
  // taken for it. Default 67,108,864.
  int64_t most_pixels HD_Z;
} hd_image_options;

// Reads an image file into a new tensor (H, W, C) u8 of env; after a failure to->data is NULL.
// hd_read_image of libhadal-extra is one; hd_read_pnm is the one that needs no library.
typedef hd_status hd_image_reader(const hd_env *env, const char *path, hd_tensor *to, hd_error *err,
                                  hd_image_options options);
// PGM and PPM.
HD_API HD_NODISCARD hd_status hd_read_pnm(const hd_env *env, const char *path, hd_tensor *to,
                                          hd_error *err, hd_image_options options);
#define hd_read_pnm(...) \
  hd_read_pnm(HD_HEAD4_(__VA_ARGS__, ), \
              HD_LIT(hd_image_options){.hd_z = 0, HD_TAIL4_(__VA_ARGS__, )})
// (H, W, 1) u8 as a PGM, (H, W, 3) as a PPM. Replaces the file as a whole or not at all.
HD_API HD_NODISCARD hd_status hd_write_pnm(const hd_env *env, const char *path,
                                           const hd_tensor *image, hd_error *err);

// ---- Sizes --------------------------------------------------------------------------------------
typedef enum hd_resample {
  HD_BILINEAR = 0,  // a triangle over the neighbours, as wide as a new pixel where that is larger
  HD_AREA,          // the mean of what a new pixel covers
  HD_NEAREST
} hd_resample;

typedef struct hd_resize_options {
  HD_OPTIONS;
  hd_resample resample HD_Z;  // default HD_BILINEAR
} hd_resize_options;
// image (H, W, C) of u8 or f32 as (height, width, C) in a new tensor of env, which the caller
// frees. Shrinking averages all pixels (no aliasing), at the edges those that are there; u8 is
// rounded to nearest. Pixel i is centred at i + 1/2. The same size gives a copy. HD_E_SHAPE for
// anything else than (H, W, C), HD_E_ARGUMENT for a size below 1 or above 65,535.
HD_API HD_NODISCARD hd_status hd_image_resize(const hd_env *env, const hd_tensor *image,
                                              int64_t height, int64_t width, hd_tensor *to,
                                              hd_error *err, hd_resize_options options);
#define hd_image_resize(env, image, height, width, to, ...) \
  hd_image_resize(env, image, height, width, to, HD_HEAD_(__VA_ARGS__, ), \
                  HD_LIT(hd_resize_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

// What lies beyond an image.
typedef enum hd_edge {
  HD_EDGE_ZERO = 0,
  HD_EDGE_NEAREST,  // the pixel of the edge
  HD_EDGE_REFLECT   // mirrored at the centre of the edge's pixels
} hd_edge;

// ---- Filters ------------------------------------------------------------------------------------
enum { HD_KERNEL_SIDE = 31, HD_KERNEL_WEIGHTS = HD_KERNEL_SIDE * HD_KERNEL_SIDE };
// A pixel becomes the sum of its neighbourhood times the weights, divided by `divisor`.
typedef struct hd_image_kernel {
  const char *name, *about;  // NULL in one of your own
  int height, width;         // odd, 1 to 31: the middle lies on the pixel
  const float *weight;       // height x width
  float divisor;             // 0: 1
} hd_image_kernel;
// The man-made ones of the textbooks: "identity", "sharpen", "gaussian", "sobel-x" ...
HD_API const hd_image_kernel *hd_image_kernels(int *count);
HD_API const hd_image_kernel *hd_image_kernel_find(const char *name);  // NULL: unknown
// "0 -1 0 / -1 5 -1 / 0 -1 0": rows by '/', numbers by blanks or commas. weight: room for
// HD_KERNEL_WEIGHTS, which *to then points at. HD_E_FORMAT says which row or number is wrong.
HD_API HD_NODISCARD hd_status hd_image_kernel_parse(const char *text, float *weight,
                                                    hd_image_kernel *to, hd_error *err);

typedef struct hd_filter_options {
  HD_OPTIONS;
  hd_edge edge HD_Z;   // default HD_EDGE_ZERO
  bool convolve HD_Z;  // turns the kernel by 180 degrees: convolution as mathematics has it.
                       // Default: cross-correlation, as in networks
  double scale HD_Z;   // times the sum; default 1
  double offset HD_Z;  // then added; 128 shows negative values
} hd_filter_options;
// Each channel of image (H, W, C) filtered by itself, as a new tensor of env of the same type and
// size, which the caller frees. u8 is rounded to nearest and held in 0..255; f32 is left as it is.
HD_API HD_NODISCARD hd_status hd_image_filter(const hd_env *env, const hd_tensor *image,
                                              const hd_image_kernel *kernel, hd_tensor *to,
                                              hd_error *err, hd_filter_options options);
#define hd_image_filter(env, image, kernel, to, ...) \
  hd_image_filter(env, image, kernel, to, HD_HEAD_(__VA_ARGS__, ), \
                  HD_LIT(hd_filter_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

// A picture to look at filters with where there is no photograph: gradients, edges of every
// direction, fine lines, letters. u8 (height, width, 3), sides of 16 to 4096.
HD_API HD_NODISCARD hd_status hd_test_card(const hd_env *env, int64_t height, int64_t width,
                                           hd_tensor *to, hd_error *err);

#ifdef __cplusplus
}
#endif
#endif
