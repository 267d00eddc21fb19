// Blocks are aligned, zeroed and counted; a refusal changes nothing.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>

#include "../../test/faults.h"

static void blocks_are_aligned_and_zero(void **state) {
  (void)state;
  const size_t sizes[] = {0, 1, 63, 64, 65, 4096, (4 << 20) - 65, 4 << 20, (9 << 20) + 1};
  for (int round = 0; round < 2; round++) {
    for (size_t i = 0; i < HD_COUNT(sizes); i++) {
      unsigned char *block = hd_alloc(NULL, sizes[i]);
      assert_non_null(block);
      assert_int_equal((uintptr_t)block % 64, 0);
      for (size_t k = 0; k < sizes[i]; k += 97) assert_int_equal(block[k], 0);
      memset(block, 0xFF, sizes[i]);  // the next round finds it dirty
      hd_release(NULL, block);
    }
  }
  hd_release(NULL, NULL);
  assert_null(hd_alloc(NULL, SIZE_MAX));
  assert_null(hd_alloc(NULL, SIZE_MAX - 64));
  assert_null(hd_alloc(NULL, PTRDIFF_MAX));
}

static void what_is_asked_for_is_counted(void **state) {
  (void)state;
  faults f;
  hd_env env = faults_env(&f);
  void *a = hd_alloc(&env, 100), *b = hd_alloc_raw(&env, 50);
  assert_int_equal(f.memory.bytes, 150);
  hd_release(&env, a);
  assert_int_equal(f.memory.bytes, 50);
  assert_int_equal(f.memory.peak, 150);
  assert_int_equal(f.memory.calls, 2);
  f.alloc_at = 3, f.forever = true;
  assert_null(hd_alloc(&env, 1000));
  assert_null(hd_resize(&env, b, 1000));
  assert_null(hd_copy_text(&env, "text"));
  assert_int_equal(f.memory.bytes, 50);
  assert_int_equal(f.memory.peak, 150);
  hd_release(&env, b);
  assert_true(faults_clean(&f));
}

static void resize_keeps_and_zeroes(void **state) {
  (void)state;
  faults f;
  hd_env env = faults_env(&f);
  char *block = hd_resize(&env, NULL, 3);
  memcpy(block, "abc", 3);
  assert_ptr_equal(hd_resize(&env, block, 2), block);
  char *larger = hd_resize(&env, block, 300);
  assert_memory_equal(larger, "abc", 3);
  for (int i = 3; i < 300; i++) assert_int_equal(larger[i], 0);
  assert_int_equal(f.memory.bytes, 300);
  hd_release(&env, larger);
  char *copy = hd_copy_text(&env, "hadal");
  assert_string_equal(copy, "hadal");
  hd_release(&env, copy);
  assert_null(hd_copy_text(&env, NULL));
  assert_true(faults_clean(&f));
}

static void *allocate(void *arg) {
  for (int i = 0; i < 2000; i++) hd_release(arg, hd_alloc(arg, 10));
  return NULL;
}

static void threads_share_the_counts(void **state) {
  (void)state;
  hd_memory memory = {0, 0, 0};
  hd_env env = {.memory = &memory};
  pthread_t thread[4];
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&thread[i], NULL, allocate, &env), 0);
  for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
  assert_int_equal(memory.bytes, 0);
  assert_int_equal(memory.calls, 8000);
  assert_in_range(memory.peak, 10, 40);
}

static void sizes_are_checked(void **state) {
  (void)state;
  int64_t to;
  assert_true(hd_mul_size((int64_t)1 << 31, (int64_t)1 << 31, &to));
  assert_int_equal(to, (int64_t)1 << 62);
  assert_false(hd_mul_size((int64_t)1 << 32, (int64_t)1 << 31, &to));
  assert_false(hd_mul_size(-1, 5, &to));
  assert_false(hd_add_size(INT64_MAX, 1, &to));
  assert_false(hd_add_size(5, -1, &to));
  assert_true(hd_add_size(5, 6, &to));
  assert_int_equal(to, 11);
  assert_int_equal(hd_round_up(0, 64), 0);
  assert_int_equal(hd_round_up(1, 64), 64);
  assert_int_equal(hd_round_up(64, 64), 64);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocks_are_aligned_and_zero), cmocka_unit_test(what_is_asked_for_is_counted),
      cmocka_unit_test(resize_keeps_and_zeroes),     cmocka_unit_test(threads_share_the_counts),
      cmocka_unit_test(sizes_are_checked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
