// y = a <= b, a bool
#include "op.h"

static bool holds(double x, double y) { return x <= y; }
HD_REF(less_equal) {
  (void)part;
  hd_compare_reference(a, holds);
}

#ifndef HD_REF64
static int expand(hd_expand *e, const void *attr, const int *in) {
  (void)attr;
  return hd_expand_tile(e, HD_TILE_ge, in[1], in[0], -1);
}

static const hd_case cases[] = {
    {.in = {{HD_F32, {0}}, {HD_F32, {0}}}, .fill = {HD_FILL_TRUTH, HD_FILL_TRUTH}},
    {.in = {{HD_F32, {2, {3, 5}}}, {HD_F32, {1, {5}}}}, .fill = {HD_FILL_TRUTH, HD_FILL_TRUTH}},
    {.in = {{HD_F32, {2, {4, 1}}}, {HD_F32, {2, {1, 3}}}}, .fill = {HD_FILL_TRUTH, HD_FILL_TRUTH}},
    {.in = {{HD_F32, {0}}, {HD_F32, {1, {9}}}}, .fill = {HD_FILL_TRUTH, HD_FILL_TRUTH}},
    {.in = {{HD_I32, {2, {3, 7}}}, {HD_I32, {2, {3, 7}}}},
     .fill = {HD_FILL_INDEX, HD_FILL_INDEX},
     .limit = 3},
    {.in = {{HD_I32, {1, {7}}}, {HD_I32, {0}}}, .fill = {HD_FILL_INDEX, HD_FILL_INDEX}, .limit = 2},
    {.in = {{HD_F32, {1, {3}}}, {HD_I32, {1, {3}}}},
     .refuse = "inputs are f32 and i32; use hd_cast"},
    {.in = {{HD_BOOL, {1, {3}}}, {HD_BOOL, {1, {3}}}}, .refuse = "input 0 is bool"},
    {.in = {{HD_F32, {2, {2, 3}}}, {HD_F32, {1, {2}}}},
     .refuse = "shapes (2, 3) and (2) do not broadcast"},
    {0}};

const hd_op hd_def_less_equal = {.name = "less_equal",
                                 .onnx = "LessOrEqual",
                                 .math = "y = a <= b",
                                 .min_in = 2,
                                 .max_in = 2,
                                 .n_out = 1,
                                 .shape = hd_rule_compare,
                                 HD_REFS(less_equal),
                                 .expand = expand,
                                 .cases = cases,
                                 .kink = "a = b: no gradient anywhere"};

hd_val hd_less_equal(hd_val a, hd_val b) {
  return hd_node_add(&hd_def_less_equal, NULL, (hd_val[]){a, b}, 2);
}
#endif
