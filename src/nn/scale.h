// Preprocessing that was fitted: (x - shift) factor, per feature or for all. The first layer of a
// model, saved with it, and never trained.
#ifndef NN_SCALE_H
#define NN_SCALE_H

#include "layer.h"

#define HD_SCALE_NAME "scale"
// x f32. each: shift and factor per feature, the last axis; else one of each. They are statistics
// "scale/shift" and "scale/factor", first 0 and 1.
hd_val hd_scale_layer(hd_val x, bool each);

#endif
