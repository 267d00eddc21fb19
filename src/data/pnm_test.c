// PGM and PPM images: what is read, and what is refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "table.h"

static void images_are_read(void **state) {
  (void)state;
  hd_tensor t;
  hd_error err;
  const char gray[] = "P5 # a comment\n3 2\n15\n\x00\x01\x0f\x08\x07\x02",
             color[] = "P6\n1 1\n255\nabc";
  assert_int_equal(hd_pnm_parse(NULL, "g", gray, sizeof gray - 1, &t, &err), HD_OK);
  assert_true(hd_shape_equal(t.shape, HD_SHAPE(2, 3, 1)));
  assert_memory_equal(t.data, "\x00\x11\xff\x88\x77\x22", 6);
  hd_tensor_free(&t);
  assert_int_equal(hd_pnm_parse(NULL, "c", color, sizeof color - 1, &t, &err), HD_OK);
  assert_true(hd_shape_equal(t.shape, HD_SHAPE(1, 1, 3)));
  assert_memory_equal(t.data, "abc", 3);
  hd_tensor_free(&t);
}

static void damaged_images_are_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    "P",
                                    "P4 1 1 255 a",
                                    "P5",
                                    "P5 1",
                                    "P5 1 1",
                                    "P5 1 1 255",
                                    "P5 1 1 255 ",
                                    "P5 1 1 255 ab",
                                    "P5 0 1 255 ",
                                    "P5 1 1 0 a",
                                    "P5 1 1 256 a",
                                    "P5 1 1 65535 ab",
                                    "P5 -1 1 255 a",
                                    "P5 70000 1 255 a",
                                    "P5 65535 65535 255 a",
                                    "P5 1 1 9 a",
                                    "P5 # 1 1 255 a"};
  for (size_t i = 0; i < HD_COUNT(bad); i++) {
    hd_tensor t;
    hd_error err = {0};
    if (hd_pnm_parse(NULL, "b.pgm", bad[i], strlen(bad[i]), &t, &err) != HD_E_FORMAT)
      fail_msg("%s was read", bad[i]);
    assert_null(t.data);
    assert_memory_equal(err.text, "b.pgm: ", 7);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(images_are_read),
                                     cmocka_unit_test(damaged_images_are_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
