// Types, shapes and tensors, with every refusal.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "../../test/faults.h"
#include "../../include/hadal/tensor.h"

static void types_have_names_and_sizes(void **state) {
  (void)state;
  static const struct {
    hd_dtype dtype;
    const char *name;
    size_t size;
  } known[] = {{HD_F32, "f32", 4}, {HD_F64, "f64", 8}, {HD_BF16, "bf16", 2},
               {HD_F16, "f16", 2}, {HD_I8, "i8", 1},   {HD_I32, "i32", 4},
               {HD_I64, "i64", 8}, {HD_U8, "u8", 1},   {HD_BOOL, "bool", 1}};
  assert_int_equal(HD_COUNT(known), HD_DTYPES - 1);
  for (size_t i = 0; i < HD_COUNT(known); i++) {
    assert_string_equal(hd_dtype_name(known[i].dtype), known[i].name);
    assert_int_equal(hd_dtype_of_name(known[i].name), known[i].dtype);
    assert_int_equal(hd_dtype_size(known[i].dtype), known[i].size);
  }
  static const int bad[] = {HD_NO_DTYPE, HD_DTYPES, -1, 1000};
  for (size_t i = 0; i < HD_COUNT(bad); i++) {
    assert_string_equal(hd_dtype_name((hd_dtype)bad[i]), "?");
    assert_int_equal(hd_dtype_size((hd_dtype)bad[i]), 0);
  }
  assert_int_equal(hd_dtype_of_name("float"), HD_NO_DTYPE);
  assert_int_equal(hd_dtype_of_name(NULL), HD_NO_DTYPE);
}

static void counts_are_checked(void **state) {
  (void)state;
  int64_t big = (int64_t)1 << 32;
  assert_int_equal(hd_shape_count((hd_shape){.rank = 0}), 1);
  assert_int_equal(hd_shape_count(HD_SHAPE(2, 3, 4)), 24);
  assert_int_equal(hd_shape_count(HD_SHAPE(2, 0, 4)), 0);
  assert_int_equal(hd_shape_count(HD_SHAPE(HD_BATCH, 3)), -1);
  assert_int_equal(hd_shape_count(HD_SHAPE(0, HD_ANY)), -1);
  assert_true(hd_shape_count(HD_SHAPE(big, big / 4)) == (int64_t)1 << 62);
  assert_int_equal(hd_shape_count(HD_SHAPE(big, big / 2)), -1);
  assert_int_equal(hd_shape_count(HD_SHAPE(big, big, 0)), -1);
  assert_int_equal(hd_shape_count(HD_SHAPE(0, big, big)), -1);
  assert_int_equal(hd_shape_count(HD_SHAPE(4194305, 4194305, 211106198978564)), -1);
  assert_int_equal(hd_shape_count((hd_shape){.rank = 9}), -1);
  assert_int_equal(hd_shape_count((hd_shape){.rank = -1}), -1);
}

static void shapes_compare(void **state) {
  (void)state;
  assert_true(hd_shape_equal(HD_SHAPE(2, 3), HD_SHAPE(2, 3)));
  assert_true(hd_shape_equal((hd_shape){.rank = 0}, (hd_shape){.d = {7}}));  // past the rank
  assert_false(hd_shape_equal(HD_SHAPE(2, 3), HD_SHAPE(2, 4)));
  assert_false(hd_shape_equal(HD_SHAPE(2, 3), HD_SHAPE(2, 3, 1)));
  assert_false(hd_shape_equal((hd_shape){.rank = 99}, (hd_shape){.rank = 99}));
}

static void shapes_are_written(void **state) {
  (void)state;
  char text[200];
  assert_string_equal(hd_shape_text(HD_SHAPE(HD_BATCH, 28, 28, 1), text, sizeof text),
                      "(N, 28, 28, 1)");
  assert_string_equal(hd_shape_text(HD_SHAPE(HD_TIME, HD_LENGTH, HD_ANY), text, sizeof text),
                      "(T, L, ?)");
  assert_string_equal(hd_shape_text(HD_SHAPE(7), text, sizeof text), "(7)");
  assert_string_equal(hd_shape_text((hd_shape){.rank = 0}, text, sizeof text), "()");
  assert_string_equal(hd_shape_text((hd_shape){.rank = 12}, text, sizeof text), "(bad rank 12)");
  assert_string_equal(hd_shape_text(HD_SHAPE(10, 200, 3000), text, 6), "(10, ");
  assert_string_equal(hd_shape_text(HD_SHAPE(10, 200), text, 1), "");
  text[0] = 'x';
  assert_ptr_equal(hd_shape_text(HD_SHAPE(10, 200), text, 0), text);
  assert_int_equal(text[0], 'x');
  int64_t m = INT64_MAX;
  hd_shape_text(HD_SHAPE(m, m, m, m, m, m, m, m), text, sizeof text);
  assert_int_equal(strlen(text), 8 * 19 + 7 * 2 + 2);
}

static void tensors_are_zero_and_owned(void **state) {
  (void)state;
  faults f;
  hd_env env = faults_env(&f);
  hd_tensor a = hd_tensor_new(&env, HD_F32, HD_SHAPE(3, 5), NULL);
  assert_true(a.data && a.owner && a.dtype == HD_F32 && hd_shape_equal(a.shape, HD_SHAPE(3, 5)));
  assert_int_equal((uintptr_t)a.data % 64, 0);
  for (int i = 0; i < 15; i++) assert_true(((float *)a.data)[i] == 0);
  assert_int_equal(f.memory.bytes, 60);
  hd_tensor view = a;
  view.owner = false;
  hd_tensor_free(&view);
  assert_int_equal(f.memory.bytes, 60);
  hd_tensor_free(&a);
  hd_tensor_free(&a);
  hd_tensor_free(NULL);
  assert_true(faults_clean(&f));
  hd_tensor empty = hd_tensor_new(NULL, HD_I64, HD_SHAPE(0, 4), NULL);
  assert_non_null(empty.data);
  hd_tensor_free(&empty);
}

static void bad_tensors_are_refused(void **state) {
  (void)state;
  faults f;
  hd_env env = faults_env(&f);
  static const struct {
    hd_dtype dtype;
    hd_shape shape;
    hd_status status;
    const char *text;
  } bad[] = {{HD_NO_DTYPE, {1, {3}}, HD_E_ARGUMENT, "element type"},
             {HD_DTYPES, {1, {3}}, HD_E_ARGUMENT, "element type"},
             {HD_F32, {2, {HD_BATCH, 3}}, HD_E_SHAPE, "(N, 3)"},
             {HD_F32, {9, {1}}, HD_E_SHAPE, "bad rank 9"},
             {HD_F64, {2, {(int64_t)1 << 31, (int64_t)1 << 30}}, HD_E_SHAPE, "2147483648"},
             {HD_U8, {1, {INT64_MAX}}, HD_E_MEMORY, "9223372036854775807 bytes"}};
  for (size_t i = 0; i < HD_COUNT(bad); i++) {
    hd_error err = {.status = HD_OK};
    hd_tensor tensor = hd_tensor_new(&env, bad[i].dtype, bad[i].shape, &err);
    assert_null(tensor.data);
    assert_int_equal(err.status, bad[i].status);
    if (!strstr(err.text, bad[i].text)) fail_msg("%s", err.text);
    hd_tensor_free(&tensor);
  }
  f.alloc_at = f.allocs + 1;
  hd_error err;
  hd_tensor tensor = hd_tensor_new(&env, HD_F32, HD_SHAPE(10), &err);
  assert_null(tensor.data);
  assert_int_equal(err.status, HD_E_MEMORY);
  hd_tensor_free(&tensor);
  assert_true(faults_clean(&f));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(types_have_names_and_sizes),
      cmocka_unit_test(counts_are_checked),
      cmocka_unit_test(shapes_compare),
      cmocka_unit_test(shapes_are_written),
      cmocka_unit_test(tensors_are_zero_and_owned),
      cmocka_unit_test(bad_tensors_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
