// Blocks of an arena are aligned, zero and apart from each other; one free returns all.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "../../test/faults.h"
#include "arena.h"

static void blocks_are_aligned_zero_and_apart(void **state) {
  (void)state;
  faults f;
  hd_arena arena = {.env = faults_env(&f)};
  enum { COUNT = 3000 };
  static struct {
    unsigned char *at;
    size_t bytes;
  } block[COUNT];
  uint32_t word = 1;
  for (int i = 0; i < COUNT; i++) {
    word = word * 1664525 + 1013904223;
    size_t bytes = i % 100 == 99 ? word >> 14 : word >> 24;
    unsigned char *at = hd_arena_alloc(&arena, bytes);
    assert_non_null(at);
    assert_int_equal((uintptr_t)at % (bytes > 64 ? 64 : 16), 0);
    for (size_t k = 0; k < bytes; k++)
      if (at[k]) fail_msg("byte %zu of block %d is not zero", k, i);
    memset(at, i & 255, bytes);
    block[i].at = at, block[i].bytes = bytes;
  }
  for (int i = 0; i < COUNT; i++)
    for (size_t k = 0; k < block[i].bytes; k++)
      if (block[i].at[k] != (i & 255)) fail_msg("block %d was written over", i);
  assert_in_range(f.memory.calls, 1, COUNT / 20);
  hd_arena_free(&arena);
  assert_true(faults_clean(&f));
  hd_arena_free(&arena);  // an empty arena again
  assert_string_equal(hd_arena_text(&arena, "again"), "again");
  hd_arena_free(&arena);
  hd_arena_free(NULL);
  assert_true(faults_clean(&f));
}

static void texts_are_copied_and_printed(void **state) {
  (void)state;
  hd_arena arena = {.last = NULL};
  char source[] = "name";
  char *copy = hd_arena_text(&arena, source);
  source[0] = 'X';
  assert_string_equal(copy, "name");
  assert_null(hd_arena_text(&arena, NULL));
  assert_string_equal(hd_arena_print(&arena, "%s/%d %.2f", "dense", 7, 0.25), "dense/7 0.25");
  assert_int_equal(strlen(hd_arena_print(&arena, "%20000d", 1)), 20000);
  assert_null(hd_arena_alloc(&arena, SIZE_MAX));
  assert_null(hd_arena_alloc(&arena, SIZE_MAX - 100));
  hd_arena_free(&arena);
}

static void a_large_first_block_is_not_cut(void **state) {
  (void)state;
  hd_arena arena = {.last = NULL};
  char *large = hd_arena_alloc(&arena, 5000), *small = hd_arena_alloc(&arena, 100);
  memset(small, 1, 100);
  for (int i = 0; i < 5000; i++) assert_int_equal(large[i], 0);
  hd_arena_free(&arena);
}

static const char *fill(const hd_env *env, void *arg) {
  (void)arg;
  hd_arena arena = {.env = *env};
  for (size_t bytes = 1; bytes < 100000; bytes = bytes * 3 / 2 + 1) hd_arena_alloc(&arena, bytes);
  hd_arena_print(&arena, "%d", 5);
  hd_arena_text(&arena, "text");
  hd_arena_free(&arena);
  return NULL;
}

static void every_refusal_is_survived(void **state) {
  (void)state;
  int64_t runs = 0;
  const char *wrong = faults_each(fill, NULL, EIO, &runs);
  if (wrong) fail_msg("%s", wrong);
  assert_true(runs > 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocks_are_aligned_zero_and_apart),
      cmocka_unit_test(texts_are_copied_and_printed),
      cmocka_unit_test(a_large_first_block_is_not_cut),
      cmocka_unit_test(every_refusal_is_survived),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
