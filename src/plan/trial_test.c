// A short step finds the faster number of threads, follows when that changes, and spends little on
// looking; a long one keeps its threads.
#include "plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

// Runs `steps` steps that take so many seconds; returns how many were alone.
static int run(hd_trial *t, int steps, double threads, double alone) {
  int count = 0;
  for (int i = 0; i < steps; i++) {
    bool one = hd_trial_alone(t);
    double took = one ? alone : threads;
    count += one;
    hd_trial_ran(t, hd_trial_timed(t) ? took * (i % 3 ? 1 : 1.01) : 0);
  }
  return count;
}

static void a_short_step_takes_the_faster_way(void **state) {
  (void)state;
  hd_trial t = {0};
  assert_int_equal(run(&t, 50, 54e-6, 40e-6), 0);  // a run of few steps uses its threads
  run(&t, 50, 54e-6, 40e-6);
  assert_true(run(&t, 1000, 54e-6, 40e-6) > 980);
  run(&t, 520, 29e-6, 40e-6);  // the cores have come near
  assert_true(run(&t, 1000, 29e-6, 40e-6) < 20);
  run(&t, 520, 39.5e-6, 40e-6);  // no difference worth a change
  assert_true(run(&t, 1000, 40e-6, 39.5e-6) < 20);
}

static void threads_that_do_well_are_left_alone(void **state) {
  (void)state;
  hd_trial t = {0};
  assert_int_equal(run(&t, 256, 0.5e-3, 1e-3), 4);  // looked once
  assert_true(run(&t, 10000, 0.5e-3, 1e-3) <= 32);
  assert_true(run(&t, 1000, 1.2e-3, 1e-3) > 480);  // the second core is gone
  run(&t, 520, 0.5e-3, 1e-3);                      // and here again
  assert_true(run(&t, 10000, 0.5e-3, 1e-3) <= 32);
  run(&t, 1000, 1.0e-3, 0.98e-3);  // a busy machine is no measure for ever
  run(&t, 10000, 0.5e-3, 0.3e-3);
  assert_true(run(&t, 1000, 0.5e-3, 0.3e-3) > 950);
}

static void a_long_step_is_not_tried_alone(void **state) {
  (void)state;
  hd_trial t = {0};
  assert_int_equal(run(&t, 5000, 5e-3, 4e-3), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_short_step_takes_the_faster_way),
                                     cmocka_unit_test(threads_that_do_well_are_left_alone),
                                     cmocka_unit_test(a_long_step_is_not_tried_alone)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
