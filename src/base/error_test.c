// Errors keep their words: written only on failure, never past the end, also out of themselves.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "base.h"

static void a_failure_is_described(void **state) {
  (void)state;
  hd_error err = {.status = HD_OK};
  assert_int_equal(hd_fail(&err, HD_E_SHAPE, "dense: %d units, lr %g", 3, 0.5), HD_E_SHAPE);
  assert_int_equal(err.status, HD_E_SHAPE);
  assert_string_equal(err.text, "dense: 3 units, lr 0.5");
  assert_int_equal(hd_fail(NULL, HD_E_LIMIT, "%s", "unheard"), HD_E_LIMIT);
  assert_int_equal(hd_fail_in(NULL, HD_E_LIMIT, "%s", "unheard"), HD_E_LIMIT);
}

static void a_prefix_and_its_own_text_are_safe(void **state) {
  (void)state;
  hd_error err;
  hd_fail(&err, HD_E_FORMAT, "line 3: bad number");
  assert_int_equal(hd_fail_in(&err, HD_E_ARGUMENT, "%s", "a.json"), HD_E_ARGUMENT);
  assert_int_equal(err.status, HD_E_ARGUMENT);
  assert_string_equal(err.text, "a.json: line 3: bad number");
  hd_fail(&err, HD_E_IO, "again: %s", err.text);
  assert_string_equal(err.text, "again: a.json: line 3: bad number");
}

static void long_texts_are_cut(void **state) {
  (void)state;
  hd_error err;
  char text[3000];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = 0;
  hd_fail(&err, HD_E_IO, "%s", text);
  assert_int_equal(strlen(err.text), sizeof err.text - 1);
  hd_fail_in(&err, HD_E_IO, "prefix");
  assert_int_equal(strlen(err.text), sizeof err.text - 1);
  assert_memory_equal(err.text, "prefix: xxx", 11);
  hd_fail_in(&err, HD_E_IO, "%s", text);
  assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

static void every_status_has_words(void **state) {
  (void)state;
  for (int status = HD_OK; status <= HD_E_INTERNAL; status++) {
    assert_string_not_equal(hd_status_text((hd_status)status), "unknown status");
    for (int other = 0; other < status; other++)
      assert_string_not_equal(hd_status_text((hd_status)status), hd_status_text((hd_status)other));
  }
  assert_string_equal(hd_status_text((hd_status)99), "unknown status");
  char expected[40], text[128];
  snprintf(expected, sizeof expected, "%d.%d.%d", HD_VERSION_MAJOR, HD_VERSION_MINOR,
           HD_VERSION_PATCH);
  assert_string_equal(hd_version(), expected);
  assert_string_equal(hd_errno_text(ENOSPC, text, sizeof text), "No space left on device");
}

static void keep(void *user, hd_log_level level, const char *text) {
  snprintf(user, 100, "%d %s", (int)level, text);
}

static void logs_go_to_the_host(void **state) {
  (void)state;
  char line[100] = "";
  hd_env env = {.user = line, .log = keep};
  hd_note(&env, HD_LOG_WARNING, "epoch %d: %.1f", 3, 0.5);
  assert_string_equal(line, "1 epoch 3: 0.5");
  hd_note(NULL, HD_LOG_INFO, "nobody");
  env.log = NULL;
  hd_note(&env, HD_LOG_INFO, "nobody");
  assert_string_equal(line, "1 epoch 3: 0.5");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_failure_is_described),
      cmocka_unit_test(a_prefix_and_its_own_text_are_safe),
      cmocka_unit_test(long_texts_are_cut),
      cmocka_unit_test(every_status_has_words),
      cmocka_unit_test(logs_go_to_the_host),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
