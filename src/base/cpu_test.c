// The instruction set is the best that is there and allowed; the core count is at least one.
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <sched.h>

#include "cpu.h"

static void the_best_allowed_set_is_chosen(void **state) {
  (void)state;
  hd_isa best = HD_ISAS, isa = HD_ISAS;
  assert_int_equal(hd_cpu_isa(NULL, &best, NULL), HD_OK);
  assert_in_range(best, HD_ISA_BASELINE, HD_ISA_AVX512);
  for (int i = 0; i < HD_ISAS; i++) {
    hd_env env = {.cpu = hd_isa_name((hd_isa)i)};
    hd_error err = {.status = HD_OK};
    hd_status status = hd_cpu_isa(&env, &isa, &err);
    assert_int_equal(status, i <= (int)best ? HD_OK : HD_E_UNSUPPORTED);
    if (status == HD_OK) assert_int_equal(isa, i);
    if (status != HD_OK) assert_non_null(strstr(err.text, env.cpu));
  }
}

static void an_unknown_set_names_the_known(void **state) {
  (void)state;
  hd_env env = {.cpu = "neon"};
  hd_isa isa;
  hd_error err;
  assert_int_equal(hd_cpu_isa(&env, &isa, &err), HD_E_ARGUMENT);
  for (int i = 0; i < HD_ISAS; i++) assert_non_null(strstr(err.text, hd_isa_name((hd_isa)i)));
  assert_non_null(strstr(err.text, "neon"));
  assert_string_equal(hd_isa_name(HD_ISAS), "?");
}

static void cores_follow_the_affinity(void **state) {
  (void)state;
  int cores = hd_cpu_cores();
  assert_in_range(cores, 1, 1024);
  cpu_set_t before, one;
  assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
  int first = 0;
  while (!CPU_ISSET(first, &before)) first++;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
  int limited = hd_cpu_cores();
  sched_setaffinity(0, sizeof before, &before);
  assert_int_equal(limited, 1);
  assert_int_equal(hd_cpu_cores(), cores);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_best_allowed_set_is_chosen),
      cmocka_unit_test(an_unknown_set_names_the_known),
      cmocka_unit_test(cores_follow_the_affinity),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
