// Kernels for any processor: four lanes, multiply and add rounded separately.
#include <math.h>
#define HD_LANES 4
#define HD_SUFFIX baseline
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
#define HD_TABLE baseline
#define HD_TABLE_ISA HD_ISA_BASELINE
#include "table.inc"
