// Kernels for AVX-512 (F, DQ, BW, VL): sixteen lanes.
#include "kernel.h"
#if defined(__x86_64__) && defined(__GNUC__)
// Headers first: the target below must reach our own functions only. The tuning is pinned because
// some tunings split fused multiply-adds.
#include <immintrin.h>
#include <math.h>
#include <string.h>
#ifdef __clang__
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,bmi2"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,bmi2,tune=skylake-avx512")
#endif
#define HD_LANES 16
#define HD_SUFFIX avx512
#include "simd.h"
#include "product.inc"
#include "conv.inc"
#include "tile.inc"
#include "program.inc"
#include "reduce.inc"
#include "softmax.inc"
#include "pool.inc"
#include "dropout.inc"
#include "table.inc"
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
