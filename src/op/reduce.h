// What sum, mean, reduce_max and reduce_min share.
#ifndef OP_REDUCE_H
#define OP_REDUCE_H

#include "op.h"

// The axes that a mask means for this rank, as bits 0 ... rank-1; no mask: all of them.
static inline unsigned hd_axes_of(unsigned mask, int rank) {
  unsigned all = (1u << rank) - 1;
  if (!mask) return all;
  return (mask & all) | (mask & HD_LAST_AXIS && rank ? 1u << (rank - 1) : 0);
}

// For reference loops: the element of the result that element i of x goes to.
static inline int64_t hd_reduced_offset(hd_shape x, unsigned axes, int64_t i) {
  int64_t offset = 0, stride = 1;
  for (int k = x.rank - 1; k >= 0; k--) {
    int64_t at = i % x.d[k];
    i /= x.d[k];
    if (axes >> k & 1) continue;
    offset += at * stride;
    stride *= x.d[k];
  }
  return offset;
}

#ifndef HD_REF64
hd_status hd_reduce_shape(hd_rule *r);
hd_status hd_reduce_lower(hd_lowering *l, hd_reduce_kind kind);
bool hd_reduce_before(const hd_rule *r);           // not along the last axis
hd_val hd_reduce_rewrite(hd_rule *r, bool train);  // axes of size 1; axes that are not adjacent
void hd_reduce_cost(const hd_rule *r, double *flop);
// A reduced value, stretched over the axes it was reduced along.
hd_val hd_unreduce(hd_val y, hd_val x, const hd_reduce_options *o, bool mean);
void hd_extreme_grad(hd_grad_rule *g);  // of maximum and minimum

#define HD_REDUCE_FIELDS \
  HD_FIELD(hd_reduce_options, axes, INT, .standard = "0", \
           .help = "mask of axes, bit i for axis i; 0: all"), \
      HD_FIELD(hd_reduce_options, keep, BOOL, .standard = "false", .help = "keep the axes as 1")
extern const hd_case hd_reduce_cases[];
#endif

#endif
