// y = x in another element type; to integers toward zero, held within their range
#include "op.h"

typedef struct {
  hd_dtype dtype;
} cast;

static double load(hd_dtype dtype, const void *x, int64_t i) {
  switch (dtype) {
    case HD_F32: return ((const float *)x)[i];
    case HD_F64: return ((const double *)x)[i];
    case HD_I32: return ((const int32_t *)x)[i];
    case HD_BOOL: return ((const uint8_t *)x)[i] != 0;
    default: return ((const uint8_t *)x)[i];
  }
}

// NaN gives low.
static double within(double v, double low, double high) {
  return v >= high ? high : v > low ? v : low;
}

static void store(hd_dtype dtype, void *y, int64_t i, double v) {
  switch (dtype) {
    case HD_F32: ((float *)y)[i] = (float)v; break;
    case HD_F64: ((double *)y)[i] = v; break;
    case HD_I32: ((int32_t *)y)[i] = (int32_t)within(v, INT32_MIN, INT32_MAX); break;
    case HD_BOOL: ((uint8_t *)y)[i] = v != 0; break;
    default: ((uint8_t *)y)[i] = (uint8_t)within(v, 0, UINT8_MAX);
  }
}

// Every value of these types is a double, so one path serves all pairs.
HD_REF(cast) {
  (void)part;
  hd_dtype from = a->in_type->dtype, to = a->out_type->dtype;
  for (int64_t i = 0, n = hd_args_count(a->out_type); i < n; i++)
    store(to, a->out[0], i, load(from, a->in[0], i));
}

#ifndef HD_REF64
static bool castable(hd_dtype t) {
  return t == HD_F32 || t == HD_F64 || t == HD_I32 || t == HD_BOOL || t == HD_U8;
}

static hd_status shape(hd_rule *r) {
  const cast *o = r->attr;
  if (!castable(r->in[0].dtype) || !castable(o->dtype))
    return hd_refuse(r, "from %s to %s; the types are f32, f64, i32, bool and u8",
                     hd_dtype_name(r->in[0].dtype), hd_dtype_name(o->dtype));
  r->out[0] = (hd_type){o->dtype, r->in[0].shape};
  return HD_OK;
}

// Tiles read every type and write f32 and bool; other results take the plain loop.
static int expand(hd_expand *e, const void *attr, const int *in) {
  hd_dtype to = ((const cast *)attr)->dtype;
  return to == HD_F32 || to == HD_BOOL ? hd_expand_tile(e, HD_TILE_copy, in[0], -1, -1) : -1;
}

static void grad(hd_grad_rule *g) {
  hd_dtype from = g->rule->in[0].dtype, to = g->rule->out[0].dtype;
  bool real_from = from == HD_F32 || from == HD_F64, real_to = to == HD_F32 || to == HD_F64;
  if (real_from && real_to) g->dx[0] = hd_cast(g->dy[0], from);
}

static hd_val rewrite(hd_rule *r, bool train) {
  (void)train;
  return r->in[0].dtype == r->out[0].dtype ? r->value[0] : (hd_val){0};
}

static const char *const dtypes[] = {"none", "f32", "f64", "bf16", "f16", "i8",
                                     "i32",  "i64", "u8",  "bool", NULL};
static const hd_field field[] = {HD_FIELD(cast, dtype, CHOICE, .standard = "", .choices = dtypes,
                                          .main = true, .help = "element type of the result")};
static const hd_fields fields = HD_FIELDS("cast", cast, field);

static const cast f32 = {HD_F32}, f64 = {HD_F64}, i32 = {HD_I32}, u8 = {HD_U8}, truth = {HD_BOOL},
                  i64 = {HD_I64};
static const hd_case cases[] = {
    {.in = {{HD_F32, {0}}}, .attr = &f64},
    {.in = {{HD_F32, {2, {3, 5}}}}, .attr = &f64},
    {.in = {{HD_F32, {2, {3, 5}}}}, .attr = &i32},
    {.in = {{HD_F32, {1, {7}}}}, .attr = &truth, .fill = {HD_FILL_TRUTH}},
    {.in = {{HD_F32, {1, {7}}}}, .attr = &u8},
    {.in = {{HD_I32, {1, {9}}}}, .attr = &f32, .fill = {HD_FILL_INDEX}, .limit = 1 << 24},
    {.in = {{HD_I32, {1, {9}}}}, .attr = &u8, .fill = {HD_FILL_INDEX}, .limit = 400},
    {.in = {{HD_U8, {1, {9}}}}, .attr = &f32, .fill = {HD_FILL_INDEX}, .limit = 256},
    {.in = {{HD_BOOL, {2, {3, 3}}}}, .attr = &f32, .fill = {HD_FILL_TRUTH}},
    {.in = {{HD_F32, {1, {4}}}},
     .attr = &i64,
     .refuse = "from f32 to i64; the types are f32, f64, i32, bool and u8"},
    {0}};

const hd_op hd_def_cast = {.name = "cast",
                           .onnx = "Cast",
                           .math = "y = x; to integers toward zero, held in range",
                           .fields = &fields,
                           .min_in = 1,
                           .max_in = 1,
                           .n_out = 1,
                           .shape = shape,
                           HD_REFS(cast),
                           .grad = grad,
                           .expand = expand,
                           .rewrite = rewrite,
                           .cases = cases,
                           .kink = "to integers and bool: no gradient"};

hd_val hd_cast(hd_val x, hd_dtype dtype) {
  return hd_node_add(&hd_def_cast, &(cast){dtype}, &x, 1);
}
#endif
