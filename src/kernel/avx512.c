// Kernels for AVX-512 (F, DQ, BW, VL): sixteen lanes. Its processors may have bf16 in vectors, and
// in tiles beside them: three tables that differ in products and convolutions of that precision.
#include "kernel.h"
#if defined(__x86_64__) && defined(__GNUC__)
// Headers first: the targets below must reach our own functions only. The tuning is pinned because
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
#include "bf16.inc"
#include "tile.inc"
#include "program.inc"
#include "reduce.inc"
#include "moments.inc"
#include "softmax.inc"
#include "pool.inc"
#include "dropout.inc"
#ifdef __clang__
#pragma clang attribute pop
#pragma clang attribute push( \
    __attribute__((target("avx512bf16,avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,bmi2"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512bf16")
#endif
#define BF16_NATIVE 1
#include "brgemm_bf16.inc"
#ifdef __clang__
#pragma clang attribute pop
#pragma clang attribute push( \
    __attribute__(( \
        target("amx-tile,amx-bf16,avx512bf16,avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,bmi2"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("amx-tile,amx-bf16")
#endif
#include "brgemm_amx.inc"
#ifdef __clang__
#pragma clang attribute pop
#pragma clang attribute push( \
    __attribute__((target("avx512bf16,avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,bmi2"))), \
    apply_to = function)
#else
#pragma GCC pop_options
#endif
#include "product_bf16.inc"
#include "conv_bf16.inc"
#ifdef __clang__
#pragma clang attribute pop
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,bmi2"))), \
    apply_to = function)
#else
#pragma GCC pop_options
#endif
#include "precision.inc"
#define HD_TABLE avx512
#define HD_TABLE_ISA HD_ISA_AVX512
#include "table.inc"
#define HD_TABLE avx512bf16
#define HD_TABLE_ISA HD_ISA_AVX512BF16
#include "table.inc"
#define HD_TABLE amx
#define HD_TABLE_ISA HD_ISA_AMX
#include "table.inc"
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
