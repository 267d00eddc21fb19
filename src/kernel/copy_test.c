// Strided copies against the definition.
#include "vector_test.h"

static void check(const hd_copy *c, const char *from, size_t room) {
  char *got = malloc(room), *want = malloc(room);
  memset(got, 7, room), memset(want, 7, room);
  int64_t n = 1;
  for (int i = 0; i < c->rank; i++) n *= c->d[i];
  for (int64_t e = 0; e < n; e++) {
    int64_t rest = e, x = 0, y = 0;
    for (int i = c->rank - 1; i >= 0; i--)
      x += rest % c->d[i] * c->from[i], y += rest % c->d[i] * c->to[i], rest /= c->d[i];
    memcpy(want + y * c->size, from + x * c->size, (size_t)c->size);
  }
  hd_copy_run(c, from, got);
  assert_memory_equal(got, want, room);
  free(got), free(want);
}

static void test_copy(void **state) {
  (void)state;
  enum { ROOM = 1 << 20 };
  static char from[ROOM];
  uint32_t seed = 3;
  for (int i = 0; i < ROOM; i++) from[i] = (char)below(&seed, 256);
  check(&(hd_copy){.rank = 0, .size = 4}, from, 16);
  check(&(hd_copy){.rank = 2, .size = 4, .d = {3, 0}, .from = {1, 1}, .to = {1, 1}}, from, 16);
  for (int trial = 0; trial < 1500; trial++) {
    hd_copy c = {.rank = 1 + below(&seed, 5)};
    c.size = 1 << below(&seed, 4);
    int order[HD_MAX_RANK];
    int64_t room = 12000, stride = 1, start = 0;
    for (int i = 0; i < c.rank; i++) {
      c.d[i] = 1 + below(&seed, room > 90 ? 90 : (int)room), room /= c.d[i];
      order[i] = i;
    }
    for (int i = c.rank - 1; i > 0; i--) {
      int j = below(&seed, i + 1), t = order[i];
      if (trial % 3) order[i] = order[j], order[j] = t;
    }
    for (int i = c.rank - 1; i >= 0; i--)
      c.from[order[i]] = stride, stride *= c.d[order[i]] + (below(&seed, 4) ? 0 : 3);
    stride = 1;
    for (int i = c.rank - 1; i >= 0; i--)
      c.to[i] = stride, stride *= c.d[i] + (below(&seed, 4) ? 0 : 2);
    for (int i = 0; i < c.rank; i++) {
      if (!below(&seed, 6)) c.from[i] = 0;
      if (!below(&seed, 6)) start += (c.d[i] - 1) * c.from[i], c.from[i] = -c.from[i];
    }
    assert_true((size_t)(start * c.size) < ROOM / 2);
    check(&c, from + start * c.size, (size_t)(stride * c.size) + 64);
  }
  for (int size = 1; size <= 8; size *= 2)  // plain transposes
    for (int64_t n = 1; n < 70; n += 9) {
      hd_copy c = {
          .rank = 3, .size = size, .d = {2, n, 37}, .from = {37 * n, 1, n}, .to = {37 * n, 37, 1}};
      check(&c, from, (size_t)(74 * n * size) + 64);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_copy)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
