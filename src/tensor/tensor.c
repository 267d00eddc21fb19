// Element types, shapes and tensors in host memory.
#include "../../include/hadal/tensor.h"

#include "../base/base.h"

static const struct {
  const char *name;
  size_t size;
} dtypes[HD_DTYPES] = {[HD_F32] = {"f32", 4}, [HD_F64] = {"f64", 8}, [HD_BF16] = {"bf16", 2},
                       [HD_F16] = {"f16", 2}, [HD_I8] = {"i8", 1},   [HD_I32] = {"i32", 4},
                       [HD_I64] = {"i64", 8}, [HD_U8] = {"u8", 1},   [HD_BOOL] = {"bool", 1}};

static bool known(hd_dtype dtype) { return (int)dtype > HD_NO_DTYPE && (int)dtype < HD_DTYPES; }

const char *hd_dtype_name(hd_dtype dtype) { return known(dtype) ? dtypes[dtype].name : "?"; }

size_t hd_dtype_size(hd_dtype dtype) { return known(dtype) ? dtypes[dtype].size : 0; }

hd_dtype hd_dtype_of_name(const char *name) {
  for (int dtype = HD_NO_DTYPE + 1; name && dtype < HD_DTYPES; dtype++)
    if (strcmp(name, dtypes[dtype].name) == 0) return (hd_dtype)dtype;
  return HD_NO_DTYPE;
}

static bool rank_fits(hd_shape shape) { return shape.rank >= 0 && shape.rank <= HD_MAX_RANK; }

// A zero does not hide an overflow of the others: strides are products of them, too.
int64_t hd_shape_count(hd_shape shape) {
  if (!rank_fits(shape)) return -1;
  int64_t count = 1;
  bool empty = false;
  for (int i = 0; i < shape.rank; i++) {
    empty |= shape.d[i] == 0;
    if (!hd_mul_size(count, shape.d[i] == 0 ? 1 : shape.d[i], &count)) return -1;
  }
  return empty ? 0 : count;
}

bool hd_shape_equal(hd_shape a, hd_shape b) {
  if (a.rank != b.rank || !rank_fits(a)) return false;
  for (int i = 0; i < a.rank; i++)
    if (a.d[i] != b.d[i]) return false;
  return true;
}

char *hd_shape_text(hd_shape shape, char *to, size_t size) {
  if (!size) return to;
  if (!rank_fits(shape)) {
    hd_print(to, size, "(bad rank %d)", shape.rank);
    return to;
  }
  hd_print(to, size, "(");
  for (int i = 0; i <= shape.rank; i++) {
    size_t used = strlen(to), left = size - used;
    if (i == shape.rank) {
      hd_print(to + used, left, ")");
    } else if (shape.d[i] >= 0) {
      hd_print(to + used, left, "%s%lld", i ? ", " : "", (long long)shape.d[i]);
    } else {
      int64_t d = shape.d[i];
      const char *name = d == HD_BATCH ? "N" : d == HD_TIME ? "T" : d == HD_LENGTH ? "L" : "?";
      hd_print(to + used, left, "%s%s", i ? ", " : "", name);
    }
  }
  return to;
}

hd_tensor hd_tensor_new(const hd_env *env, hd_dtype dtype, hd_shape shape, hd_error *err) {
  hd_tensor tensor = {.dtype = dtype, .shape = shape, .owner = true};
  if (env) tensor.env = *env;
  char text[256];
  hd_shape_text(shape, text, sizeof text);
  if (!known(dtype)) {
    hd_fail(err, HD_E_ARGUMENT, "tensor %s: %d is not an element type", text, (int)dtype);
    return tensor;
  }
  int64_t count = hd_shape_count(shape), bytes = 0;
  if (count < 0 || !hd_mul_size(count, (int64_t)hd_dtype_size(dtype), &bytes)) {
    hd_fail(err, HD_E_SHAPE, "tensor %s %s: every size must be bound and the product fit 63 bits",
            hd_dtype_name(dtype), text);
    return tensor;
  }
  tensor.data = hd_alloc(env, (size_t)bytes);
  if (!tensor.data)
    hd_fail(err, HD_E_MEMORY, "tensor %s %s: memory is out for %lld bytes", hd_dtype_name(dtype),
            text, (long long)bytes);
  return tensor;
}

void hd_tensor_free(hd_tensor *tensor) {
  if (!tensor || !tensor->owner) return;
  hd_release(&tensor->env, tensor->data);
  tensor->data = NULL;
  tensor->owner = false;
}
