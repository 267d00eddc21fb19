// The steps of augmentation, each on one picture of floats.
#ifndef DATA_AUGMENT_H
#define DATA_AUGMENT_H

#include "../../include/hadal/augment.h"
#include "../base/base.h"
#include "../base/random.h"

typedef struct hd_picture {
  float *at;  // (height, width, channels)
  int64_t height, width, channels;
} hd_picture;

// The random stream of one step for one picture: what one step draws does not shift another's.
static inline hd_random_key hd_draw_key(const hd_draw *at, const char *step, int who) {
  int64_t number[3] = {at->epoch, at->sample, who};
  return (hd_random_key){at->seed, hd_hash(number, sizeof number, hd_hash(step, strlen(step), 0))};
}
// Number i of a stream, in -most .. most.
static inline float hd_draw_within(hd_random_key key, uint64_t i, float most) {
  return most > 0 ? (2 * hd_random_uniform(key, i) - 1) * most : 0;
}

// ---- Where a pixel comes from: (x, y) of the new picture from matrix (x - centre) + shift of the
// old one, and displaced by (dx, dy) of its own where they are given.
typedef struct hd_warp {
  float xx, xy, yx, yy, x, y;
} hd_warp;
bool hd_warp_wanted(const hd_augment_options *o);
hd_warp hd_warp_draw(const hd_augment_options *o, const hd_picture *p, hd_random_key key);
void hd_warp_apply(const hd_warp *w, const float *dx, const float *dy, hd_edge edge,
                   const hd_picture *from, const hd_picture *to);

// ---- Displacements
typedef struct hd_elastic {
  float alpha;
  int64_t reach;  // weight[-reach .. reach]
  float *weight;
} hd_elastic;
HD_NODISCARD hd_status hd_elastic_open(const hd_env *env, const hd_elastic_options *o,
                                       hd_elastic *to, hd_error *err);
void hd_elastic_close(const hd_env *env, hd_elastic *e);
// dx, dy and `other` are (height, width).
void hd_elastic_draw(const hd_elastic *e, int64_t height, int64_t width, hd_random_key key,
                     float *dx, float *dy, float *other);

// ---- In place
bool hd_color_wanted(const hd_color_options *o);
void hd_color_apply(const hd_color_options *o, hd_random_key key, const hd_picture *p);
void hd_noise_apply(float deviation, hd_random_key key, const hd_picture *p);
void hd_cutout_apply(const hd_cutout_options *o, hd_random_key key, const hd_picture *p);

// ---- With another sample
typedef struct hd_mix {
  bool cut;
  float share;                       // of the picture itself
  int64_t top, left, bottom, right;  // cut: what is the other's
  int64_t other;                     // its number
} hd_mix;
hd_mix hd_mix_draw(const hd_augment_options *o, const hd_picture *p, int64_t samples,
                   hd_random_key key);
void hd_mix_apply(const hd_mix *m, const hd_picture *p, const hd_picture *other);
double hd_random_beta(hd_random_key key, double alpha);  // of Beta(alpha, alpha)

#endif
