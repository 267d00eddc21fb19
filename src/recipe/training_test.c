// Every optimiser, schedule and option of training is within a recipe's reach.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../train/optimizer.h"
#include "recipe.h"

#define START "{\"data\": \"xor\", \"model\": [{\"dense\": 2}], \"train\": {"

static hd_recipe *parse(const char *train, hd_error *err) {
  char text[2000];
  snprintf(text, sizeof text, START "%s}}", train);
  return hd_recipe_parse(NULL, "r.json", text, strlen(text), err);
}
static hd_recipe *good(const char *train) {
  hd_error err = {0};
  hd_recipe *r = parse(train, &err);
  if (!r) fail_msg("%s", err.text);
  return r;
}

// As text and read again: the same struct.
static void comes_back(const hd_recipe *r) {
  hd_error err = {0};
  char *text = hd_recipe_text(NULL, r, false);
  assert_non_null(text);
  hd_recipe *back = hd_recipe_parse(NULL, "back.json", text, strlen(text), &err);
  if (!back) fail_msg("%s", err.text);
  hd_fit_options a, b;
  hd_recipe_fit_options(r, &a);
  hd_recipe_fit_options(back, &b);
  char *again = hd_recipe_text(NULL, back, false);
  assert_string_equal(text, again);
  assert_ptr_equal(a.optimizer.rule, b.optimizer.rule);
  assert_int_equal(a.schedule.kind, b.schedule.kind);
  assert_memory_equal(a.schedule.at, b.schedule.at, sizeof a.schedule.at);
  assert_true(a.ema == b.ema && a.swa == b.swa && a.clip_norm == b.clip_norm);
  assert_int_equal(a.precision, b.precision);
  hd_release(NULL, text);
  hd_release(NULL, again);
  hd_recipe_free(back);
}

static void every_optimizer_is_known(void **state) {
  (void)state;
  int count = 0;
  for (const char *const *name = hd_optimizer_names(); *name; name++, count++) {
    char train[200];
    snprintf(train, sizeof train, "\"optimizer\": {\"%s\": 0.125}", *name);
    hd_recipe *r = good(train);
    assert_string_equal(r->optimizer.rule->name, *name);
    assert_true(r->optimizer.rule->lr(r->optimizer.options) == 0.125f);
    comes_back(r);
    hd_recipe_free(r);
    snprintf(train, sizeof train, "\"optimizer\": \"%s\"", *name);
    r = good(train);  // with every default
    float lr = r->optimizer.rule->lr(r->optimizer.options), standard;
    assert_int_equal(
        sscanf(hd_optimizer_fields(r->optimizer.rule)->field[0].standard, "%f", &standard), 1);
    assert_true(lr == standard);
    comes_back(r);
    hd_recipe_free(r);
  }
  assert_int_equal(count, 12);
  hd_recipe *r = good("\"optimizer\": {\"sgd\": {\"momentum\": 0.9, \"form\": \"classical\"}}");
  hd_sgd_options o;
  memcpy(&o, r->optimizer.options, sizeof o);
  assert_int_equal(o.form, HD_SGD_CLASSICAL);
  hd_recipe_free(r);
}

static void every_schedule_is_known(void **state) {
  (void)state;
  const char *const *kinds = hd_schedule_fields.field[0].choices;
  for (int k = 0; kinds[k]; k++) {
    char train[200];
    snprintf(train, sizeof train, "\"schedule\": {\"%s\": {\"warmup\": 2}}", kinds[k]);
    hd_recipe *r = good(train);
    assert_true((int)r->schedule.kind == k && r->schedule.warmup == 2);
    comes_back(r);
    hd_recipe_free(r);
  }
  hd_recipe *r = good("\"schedule\": {\"multi_step\": {\"at\": [3, 5.5], \"factor\": 0.5}}");
  assert_true(r->schedule.at[0] == 3 && r->schedule.at[1] == 5.5f && r->schedule.at[2] == 0);
  comes_back(r);
  hd_recipe_free(r);
}

static void every_option_reaches_fit(void **state) {
  (void)state;
  hd_recipe *r = good(
      "\"clip_value\": 2, \"clip_norm\": 1, \"l1\": 0.5, \"max_norm\": 3, \"ema\": 0.999, "
      "\"kl\": 0.25, "
      "\"precision\": \"bf16\", "
      "\"accumulate\": 4");
  hd_fit_options o;
  hd_recipe_fit_options(r, &o);
  assert_true(o.clip_value == 2 && o.clip_norm == 1 && o.l1 == 0.5f && o.max_norm == 3);
  assert_true(o.ema == 0.999f && o.accumulate == 4 && o.swa == 0);
  assert_true(r->train.kl == 0.25f);
  assert_int_equal(o.precision, HD_PRECISION_BF16);
  comes_back(r);
  hd_recipe_free(r);
  r = good("\"swa\": 5");
  hd_recipe_fit_options(r, &o);
  assert_true(o.swa == 5 && o.ema == 0);
  comes_back(r);
  hd_recipe_free(r);
  const char *wrong[][2] = {{"\"precision\": \"bf8\"", "precision"},
                            {"\"swa\": 5, \"ema\": 0.9", "give one"},
                            {"\"ema\": 1", "ema is 1, must be at most 0.99999"},
                            {"\"clip_norm\": -1", "clip_norm is -1, must be at least 0"},
                            {"\"schedule\": \"one_cycl\"", "did you mean \"one_cycle\"?"},
                            {"\"optimizer\": \"nadm\"", "did you mean \"nadam\"?"}};
  for (size_t i = 0; i < HD_COUNT(wrong); i++) {
    hd_error err = {0};
    assert_null(parse(wrong[i][0], &err));
    if (!strstr(err.text, wrong[i][1])) fail_msg("%s", err.text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_optimizer_is_known),
                                     cmocka_unit_test(every_schedule_is_known),
                                     cmocka_unit_test(every_option_reaches_fit)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
