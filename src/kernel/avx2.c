// Kernels for AVX2 with FMA: eight lanes.
#include "kernel.h"
#if defined(__x86_64__) && defined(__GNUC__)
// Headers first: the target below must reach our own functions only. The tuning is pinned because
// some tunings split fused multiply-adds.
#include <immintrin.h>
#include <math.h>
#include <string.h>
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,bmi2,tune=haswell")
#endif
#define HD_LANES 8
#define HD_SUFFIX avx2
#include "simd.h"
#include "product.inc"
#include "conv.inc"
#include "precision.inc"
#include "tile.inc"
#include "program.inc"
#include "reduce.inc"
#include "moments.inc"
#include "softmax.inc"
#include "pool.inc"
#include "dropout.inc"
#define HD_TABLE avx2
#define HD_TABLE_ISA HD_ISA_AVX2
#include "table.inc"
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
