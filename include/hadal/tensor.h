// Element types, shapes, and tensors in host memory. Row-major; images are channels-last.
#ifndef HADAL_TENSOR_H
#define HADAL_TENSOR_H

#include "base.h"

#define HD_MAX_RANK 8

typedef enum hd_dtype {
  HD_NO_DTYPE = 0,
  HD_F32,
  HD_F64,
  HD_BF16,
  HD_F16,
  HD_I8,
  HD_I32,
  HD_I64,
  HD_U8,
  HD_BOOL,
  HD_DTYPES
} hd_dtype;

// How products and convolutions calculate. Values are f32 in memory, and so are the sums.
typedef enum hd_precision {
  HD_PRECISION_F32 = 0,
  HD_PRECISION_BF16,   // operands rounded to bf16 (8 bits), f32 sums: on AVX-512 BF16 or AMX units
                       // where there are any. What would not gain stays in f32. Large 3x3
                       // convolutions round sums of operands: twice the error (Winograd)
  HD_PRECISION_BF16X3  // near f32 at the speed of three bf16 products, on AMX units; f32 elsewhere
} hd_precision;

// Sizes that are bound when a plan is compiled. A dimension that depends on one of them shows as
// HD_ANY until then.
enum { HD_BATCH = -1, HD_TIME = -2, HD_LENGTH = -3, HD_ANY = -100 };

typedef struct hd_shape {
  int rank;                // 0: a scalar
  int64_t d[HD_MAX_RANK];  // outermost first
} hd_shape;

#ifdef __cplusplus
template <class... T>
constexpr hd_shape hd_shape_of(T... d) {
  return {(int)sizeof...(T), {(int64_t)d...}};
}
#define HD_SHAPE(...) hd_shape_of(__VA_ARGS__)
extern "C" {
#else
#define HD_SHAPE(...) \
  ((hd_shape){(int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}})
#endif

typedef struct hd_type {
  hd_dtype dtype;
  hd_shape shape;
} hd_type;

// A tensor in host memory. Made by hd_tensor_new it owns `data`; a view made by filling the
// struct (`.owner = false`) borrows it. Free with hd_tensor_free.
typedef struct hd_tensor {
  hd_dtype dtype;
  hd_shape shape;
  void *data;  // 64-byte aligned when owned
  bool owner;
  hd_env env;  // whose allocator frees `data`
} hd_tensor;

HD_API const char *hd_dtype_name(hd_dtype dtype);    // "f32"; "?" for a bad one
HD_API hd_dtype hd_dtype_of_name(const char *name);  // HD_NO_DTYPE when unknown
HD_API size_t hd_dtype_size(hd_dtype dtype);         // bytes of an element; 0 for a bad one

// Elements of a shape; -1 when a dimension is unbound (negative) or the product overflows.
HD_API int64_t hd_shape_count(hd_shape shape);
HD_API bool hd_shape_equal(hd_shape a, hd_shape b);

// "(N, 28, 28, 1)": writes at most `size` bytes with the final NUL, returns `to`.
HD_API char *hd_shape_text(hd_shape shape, char *to, size_t size);

// A zeroed tensor. On failure `data` is NULL and *err says why. env may be NULL.
HD_API hd_tensor hd_tensor_new(const hd_env *env, hd_dtype dtype, hd_shape shape, hd_error *err);
HD_API void hd_tensor_free(hd_tensor *tensor);  // NULL and borrowed tensors are no-ops

#ifdef __cplusplus
}
#endif
#endif
