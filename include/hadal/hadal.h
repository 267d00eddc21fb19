// All of Hadal.
//
//   hd_graph *g = hd_graph_new(NULL);
//   hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, 2)), t = hd_input(g, "label", HD_I32,
//   HD_SHAPE(HD_BATCH)); hd_val y = hd_dense(hd_tanh(hd_dense(x, .units = 16)), .units = 2);
//   hd_store *p = hd_store_new(NULL);
//   if (hd_fit(p, hd_cross_entropy(y, t), &data, &err, .epochs = 200)) puts(err.text);
#ifndef HADAL_H
#define HADAL_H

#include "augment.h"
#include "base.h"
#include "data.h"
#include "field.h"
#include "graph.h"
#include "image.h"
#include "io.h"
#include "learn.h"
#include "nn.h"
#include "op.h"
#include "ops.h"
#include "plan.h"
#include "store.h"
#include "tensor.h"
#include "tile.h"
#include "train.h"

#endif
