// What softmax and log_softmax share.
#ifndef OP_SOFTMAX_H
#define OP_SOFTMAX_H

#include "op.h"

#ifndef HD_REF64
hd_status hd_softmax_shape(hd_rule *r);
hd_status hd_softmax_lower(hd_lowering *l, bool log);
extern const hd_case hd_softmax_cases[];
hd_val hd_softmax_grad(hd_val y, hd_val dy);
hd_val hd_cross_entropy_input(hd_val p, hd_val label, hd_val dy);

#endif

#endif
