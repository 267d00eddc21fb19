// What the ops that only move elements share.
#ifndef OP_LAYOUT_H
#define OP_LAYOUT_H

#include "op.h"

enum { HD_PART_ELEMENTS = 1 << 15 };  // of a part: enough to be worth a thread's attention

typedef struct hd_axis_attr {
  int axis;
} hd_axis_attr;

// axis, or counted from the end when negative; -1 when the rank has none.
static inline int hd_axis_of(int axis, int rank) {
  if (axis < 0) axis += rank;
  return axis < rank ? axis : -1;
}

#ifndef HD_REF64
// The shape as an attribute: sizes beyond the rank are zero, so that equal ones compare equal.
hd_shape hd_shape_attr(hd_shape s);
extern const hd_fields hd_fields_shape;  // of hd_shape

void hd_row_strides(hd_shape s, int64_t *stride);  // elements, contiguous
void hd_cost_nothing(const hd_rule *r, double *flop);

// A result made of boxes copied from inputs. The boxes cover the output once.
typedef struct hd_piece {
  hd_copy box;
  int in;            // input, or -1: the value
  int64_t from, to;  // first elements
} hd_piece;
// Lowers to one phase of such copies, cut into parts by size. value: one element, for pieces of
// input -1; may be NULL.
hd_status hd_lower_pieces(hd_lowering *l, const hd_piece *piece, int count, const void *value);

// The part of x along one axis that begins at `start` after the sizes of before[] and is as long
// as `like`: a slice for sizes that are not known yet.
hd_val hd_slice_like(hd_val x, int axis, int64_t start, const hd_val *before, int count,
                     hd_val like);
// hd_scatter_add to as many rows as `like` has.
hd_val hd_scatter_add_like(hd_val x, hd_val index, hd_val like);
#endif
#endif
