// Tiles: the elementwise primitives that fused programs are made of. An expand rule (op.h) says an
// op in them.
#ifndef HADAL_TILE_H
#define HADAL_TILE_H

// Name, number of inputs: y = f(a, b, c) for every element. Truth is 1, falsehood 0.
// clang-format off
#define HD_TILES(X) \
  X(copy, 1) X(neg, 1) X(abs, 1) X(sign, 1) X(floor, 1) X(sqrt, 1) X(rsqrt, 1) X(recip, 1) \
  X(exp, 1) X(log, 1) X(tanh, 1) X(sigmoid, 1) X(relu, 1) X(softplus, 1) X(erf, 1) X(sin, 1) \
  X(cos, 1) X(add, 2) X(sub, 2) X(mul, 2) X(div, 2) X(max, 2) X(min, 2) X(pow, 2) \
  X(gt, 2) X(ge, 2) X(eq, 2) X(select, 3)  // select: a != 0 ? b : c
// clang-format on
typedef enum hd_tile {
#define X(name, inputs) HD_TILE_##name,
  HD_TILES(X)
#undef X
  HD_TILE_COUNT
} hd_tile;

#endif
