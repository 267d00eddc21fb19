// Augmentation: training samples that are changed anew in every epoch.
#ifndef HADAL_AUGMENT_H
#define HADAL_AUGMENT_H

#include "data.h"
#include "field.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum hd_flip {
  HD_FLIP_NONE = 0,
  HD_FLIP_HORIZONTAL,  // left and right change places, in half of the samples
  HD_FLIP_VERTICAL,
  HD_FLIP_BOTH  // each of the two in half of the samples
} hd_flip;

// Simard, Steinkraus & Platt 2003: every pixel is moved by its own vector, of uniform numbers in
// -1..1, smoothed by a Gaussian (zero beyond the image), times alpha.
typedef struct hd_elastic_options {
  float alpha HD_Z;  // pixels; 36 for MNIST. 0: off
  float sigma HD_Z;  // of the Gaussian, pixels; default 6
} hd_elastic_options;

// In this order; of grey images brightness and contrast.
typedef struct hd_color_options {
  float brightness HD_Z;  // times a factor in 1 - b .. 1 + b
  float contrast HD_Z;    // distance from the image's mean grey, times a factor in 1 - c .. 1 + c
  float saturation HD_Z;  // distance from the pixel's own grey, times a factor in 1 - s .. 1 + s
  float hue HD_Z;         // turn of the colours by up to so much to either side; 0.5 is half a turn
} hd_color_options;

// DeVries & Taylor 2017: squares of zeros, centred anywhere in the image.
typedef struct hd_cutout_options {
  int size HD_Z;   // of a side, pixels. 0: off
  int count HD_Z;  // default 1
} hd_cutout_options;

typedef struct hd_augment_options {
  HD_OPTIONS;
  // All of these and `elastic` are one pass of bilinear interpolation about the image's centre.
  float rotate HD_Z;     // degrees, to either side; default 0, as for all that follow
  float scale HD_Z;      // larger or smaller by a factor of up to 1 + scale
  float translate HD_Z;  // along each axis, as a fraction of its length, to either side
  float shear HD_Z;      // degrees, to either side
  int crop HD_Z;         // whole pixels along each axis, to either side: pad by `crop` and crop
  hd_flip flip HD_Z;
  hd_edge edge HD_Z;  // what comes in from outside; default HD_EDGE_ZERO
  hd_elastic_options elastic HD_Z;
  hd_color_options color HD_Z;
  float noise HD_Z;  // deviation of normal noise, as a fraction of `range`
  hd_cutout_options cutout HD_Z;
  // Zhang et al. 2018: with another sample, in shares of Beta(mixup, mixup).
  float mixup HD_Z;
  // Yun et al. 2019: a rectangle of another sample, whose share of the area is of Beta(cutmix,
  // cutmix). With both given, either in half of the samples.
  float cutmix HD_Z;
  float range HD_Z;  // what is white; default 255 for u8, 1 for f32
} hd_augment_options;
extern HD_API const hd_fields hd_augment_fields, hd_elastic_fields, hd_color_fields,
    hd_cutout_fields;

// A source of the same samples as `of`, which must outlive it, with `draw` set: hd_fit trains on
// samples changed by chance, made by threads of their own ahead of the step that needs them, while
// evaluation, prediction and whoever reads get them as they are. Sample i of an epoch depends on
// (seed, epoch, i) alone: not on threads, batches or resuming. The image is the column "image", or
// else the first of shape (H, W, C) u8 or f32; u8 stays u8, rounded and held in 0..range.
//
// mixup and cutmix need classes in a column "label", and add a column "mix" f32 (classes): the
// shares of the classes (as read: 1 for the label). Let the loss compare with the input "mix":
// hd_cross_entropy(logits, mix). The label stays that of sample i.
HD_API HD_NODISCARD hd_status hd_data_augment(const hd_env *env, const hd_data *of, hd_data *to,
                                              hd_error *err, hd_augment_options options);
#define hd_data_augment(...) \
  hd_data_augment(HD_HEAD4_(__VA_ARGS__, ), \
                  HD_LIT(hd_augment_options){.hd_z = 0, HD_TAIL4_(__VA_ARGS__, )})

#ifdef __cplusplus
}
#endif
#endif
