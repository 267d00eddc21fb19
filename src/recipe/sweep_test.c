// Sweeps: what is read and refused, the combinations of a grid, draws, documents that read back.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>

#include "../../test/faults.h"
#include "sweep.h"

static hd_sweep *parse(const char *text, hd_error *err) {
  *err = (hd_error){0};
  return hd_sweep_parse(NULL, "s.json", text, strlen(text), NULL, err);
}

static const char *value(const hd_sweep *s, int trial, int key, char *to, size_t size) {
  hd_text text = {.env = {0}};
  hd_sweep_value(s, trial, key, &text);
  assert_false(text.failed);
  hd_print(to, size, "%s", text.at);
  hd_text_free(&text);
  return to;
}

static double number(const hd_sweep *s, int trial, int key) {
  char text[64];
  double v = NAN;
  value(s, trial, key, text, sizeof text);
  assert_true(hd_parse_real(text, text + strlen(text), &v));
  return v;
}

// ---- Reading ------------------------------------------------------------------------------------

#define VARY(what) "{\"recipe\": \"xor\",\n \"vary\": {" what "}}"
#define DRAWN(what) "{\"recipe\": \"xor\", \"method\": \"random\",\n \"vary\": {\"a\": {" what "}}}"

static void mistakes(void **state) {
  static const struct {
    const char *sweep, *message;
  } all[] = {
      {"", "s.json:1"},
      {"[1]", "sweep: takes a map of fields, not a list"},
      {"null", "sweep: recipe is missing"},
      {"{\"recipe\": \"xor\"}", "s.json: sweep: vary is missing"},
      {"{\"recipe\": 3}", "s.json:1: sweep: recipe must be a word"},
      {VARY(""), "s.json:2: sweep: vary holds no keys"},
      {VARY("\"\": [1]"), "s.json:2: vary: \"\": give a path"},
      {VARY("\"a=b\": [1]"), "give a path, such as train.batch"},
      {VARY("\"a\": []"), "s.json:2: vary: a: has no values"},
      {VARY("\"a\": null"), "has no values; give a list"},
      {VARY("\"a\": {\"low\": 1, \"high\": 2}"), "s.json:2: vary: a: a grid needs a list"},
      {VARY("\"a\": {\"hihg\": 2}"), "range: unknown field \"hihg\"; did you mean \"high\"?"},
      {DRAWN("\"low\": 2, \"high\": 2"), "s.json:2: vary: a: low is 2, must be below high, 2"},
      {DRAWN("\"low\": 2"), "low is 2, must be below high, 0"},
      {DRAWN("\"high\": 2, \"log\": true"), "must be above 0 with `log: true`"},
      {DRAWN("\"high\": 2.5, \"whole\": true"), "low and high must be whole numbers"},
      {"{\"recipe\": \"x\", \"trials\": 0, \"vary\": {\"a\": [1]}}",
       "trials is 0, must be at least"},
      {"{\"recipe\": \"x\", \"halving\": {\"eta\": 1}, \"vary\": {\"a\": [1]}}",
       "halving: eta is 1, must be at least 2"},
      {"{\"recipe\": \"x\", \"halving\": 3, \"vary\": {\"a\": [1]}}", "halving: takes a map"},
      {"{\"recipe\": \"x\", \"measure\": \"test.accuracy\", \"vary\": {\"a\": [1]}}",
       "unknown measure \"test.accuracy\"; known are valid.loss, valid.accuracy"}};
  (void)state;
  for (size_t i = 0; i < HD_COUNT(all); i++) {
    hd_error err;
    assert_null(parse(all[i].sweep, &err));
    if (!strstr(err.text, all[i].message)) fail_msg("%s\ninstead of %s", err.text, all[i].message);
  }
}

static void too_many(void **state) {
  hd_error err;
  hd_text text = {.env = {0}};
  (void)state;
  hd_text_add(&text, "{\"recipe\": \"x\", \"vary\": {");
  for (int i = 0; i < 14; i++) hd_text_add(&text, "%s\"k%d\": [0, 1]", i ? "," : "", i);
  hd_text_add(&text, "}}");
  assert_null(parse(text.at, &err));
  assert_non_null(strstr(err.text, "more than 10000 combinations"));
  hd_text_free(&text);
  hd_text_add(&text, "{\"recipe\": \"x\", \"vary\": {");
  for (int i = 0; i < 33; i++) hd_text_add(&text, "%s\"k%d\": 1", i ? "," : "", i);
  hd_text_add(&text, "}}");
  assert_null(parse(text.at, &err));
  assert_non_null(strstr(err.text, "more than 32 keys"));
  hd_text_free(&text);
}

// ---- Trials -------------------------------------------------------------------------------------

static void grid(void **state) {
  static const char *const wanted[][3] = {
      {"1", "\"x\"", "5"}, {"1", "{\"sgd\":{\"lr\":0.1}}", "5"},
      {"2", "\"x\"", "5"}, {"2", "{\"sgd\":{\"lr\":0.1}}", "5"},
      {"3", "\"x\"", "5"}, {"3", "{\"sgd\":{\"lr\":0.1}}", "5"}};
  hd_error err;
  char text[64];
  hd_sweep *s =
      parse(VARY("\"a\": [1, 2,\n3], \"b\": [\"x\", {\"sgd\": {\"lr\": 0.1}}], \"c\": 5"), &err);
  (void)state;
  assert_non_null(s);
  assert_int_equal(s->trials, 6);
  assert_string_equal(s->name, "s");
  for (int trial = 0; trial < 6; trial++)
    for (int key = 0; key < 3; key++)
      assert_string_equal(value(s, trial, key, text, sizeof text), wanted[trial][key]);
  assert_int_equal(hd_sweep_line(s, 0, 0), 2);
  assert_int_equal(hd_sweep_line(s, 5, 0), 3);
  hd_sweep_free(s);
}

// What must never change: the draws of a seed. And that they are spread as they should be.
static void draws(void **state) {
  hd_error err;
  char text[64];
  const char *sweep =
      "{\"recipe\": \"x\", \"method\": \"random\", \"trials\": 3000, \"vary\": {"
      "\"log\": {\"low\": 1e-4, \"high\": 1, \"log\": true}, \"real\": {\"low\": -1, \"high\": 1},"
      "\"whole\": {\"low\": 1, \"high\": 3, \"whole\": true}, \"list\": [1, 2, 3, 4],"
      "\"both\": {\"low\": 1, \"high\": 1000, \"whole\": true, \"log\": true}}}";
  hd_sweep *s = parse(sweep, &err);
  (void)state;
  assert_non_null(s);
  double low = 0, mean = 0, whole[4] = {0}, list[5] = {0}, small = 0;
  for (int i = 0; i < s->trials; i++) {
    double v = number(s, i, 0), w = number(s, i, 2), b = number(s, i, 4);
    assert_true((float)v >= 1e-4f && v <= 1);
    low += v < 0.01;
    mean += number(s, i, 1) / s->trials;
    assert_true(w == 1 || w == 2 || w == 3);
    whole[(int)w]++;
    list[(int)number(s, i, 3)]++;
    assert_true(b >= 1 && b <= 1000 && b == floor(b));
    small += b <= 31;
  }
  assert_true(fabs(low / s->trials - 0.5) < 0.04);
  assert_true(fabs(mean) < 0.04);
  for (int i = 1; i <= 3; i++) assert_true(fabs(whole[i] / s->trials - 1 / 3.0) < 0.04);
  for (int i = 1; i <= 4; i++) assert_true(fabs(list[i] / s->trials - 0.25) < 0.04);
  assert_true(fabs(small / s->trials - 0.5) < 0.04);
  static const char *const first[] = {"0.002305", "-0.2498", "3", "2", "46"};
  for (int key = 0; key < 5; key++)
    assert_string_equal(value(s, 0, key, text, sizeof text), first[key]);
  hd_sweep_free(s);
}

// ---- Documents ----------------------------------------------------------------------------------

static void back(void **state) {
  static const char *const all[] = {
      VARY("\"a\": [1, 2.5, \"x\"], \"b\": 3"),
      "{\"recipe\": \"r/x.yaml\", \"method\": \"random\", \"trials\": 7, \"seed\": 9, \"vary\": "
      "{\"a\": {\"low\": 1e-5, \"high\": 0.1, \"log\": true}}}",
      "{\"recipe\": \"x\", \"method\": \"halving\", \"halving\": {\"eta\": 2}, \"measure\": "
      "\"valid.accuracy\", \"vary\": {\"a\": [[1, 2], {\"b\": null}]}}"};
  (void)state;
  for (size_t i = 0; i < HD_COUNT(all); i++) {
    hd_error err;
    char what[300];
    hd_arena arena = {0};
    hd_text text = {.env = {0}};
    hd_sweep *s = parse(all[i], &err);
    assert_non_null(s);
    const hd_doc *doc = hd_sweep_doc(&arena, s);
    assert_non_null(doc);
    hd_json_write(&text, doc, -1);
    hd_sweep *again = parse(text.at, &err);
    assert_non_null(again);
    if (hd_doc_differs(&arena.env, doc, hd_sweep_doc(&arena, again), what, sizeof what))
      fail_msg("%s", what);
    hd_sweep_free(again);
    hd_sweep_free(s);
    hd_text_free(&text);
    hd_arena_free(&arena);
  }
}

static void differences(void **state) {
  static const struct {
    const char *was, *now, *said;  // NULL: the same
  } all[] = {
      {"{\"a\": 1}", "{\"a\": 1.0}", NULL},
      {"{\"a\": [1, {\"b\": \"x\"}]}", "{\"a\": [1, {\"b\": \"x\"}]}", NULL},
      {"{\"a\": 1}", "{\"a\": 2}", "a was 1, now 2"},
      {"{\"a\": [1, {\"b\": 0.5}]}", "{\"a\": [1, {\"b\": \"x\"}]}", "a.1.b was 0.5, now \"x\""},
      {"{\"a\": [1]}", "{\"a\": [1, 2]}", "a.1 was not there, now 2"},
      {"{\"a\": 1, \"b\": 2}", "{\"b\": 2}", "a was 1, now not there"},
      {"{\"b\": 2}", "{\"a\": 1, \"b\": 2}", "a was not there, now 1"},
      {"{\"a\": 1, \"b\": 2}", "{\"b\": 2, \"a\": 1}", "a comes later now, after b"},
      {"{\"a\": 1}", "{\"a\": null}", "a was 1, now null"},
      {"1", "[1]", "it was 1, now [1]"}};
  (void)state;
  for (size_t i = 0; i < HD_COUNT(all); i++) {
    hd_arena arena = {0};
    hd_doc *was, *now;
    char said[200] = "";
    assert_int_equal(hd_json_parse(&arena, "was", all[i].was, strlen(all[i].was), &was, NULL),
                     HD_OK);
    assert_int_equal(hd_json_parse(&arena, "now", all[i].now, strlen(all[i].now), &now, NULL),
                     HD_OK);
    assert_int_equal(hd_doc_differs(&arena.env, was, now, said, sizeof said), all[i].said != NULL);
    assert_string_equal(said, all[i].said ? all[i].said : "");
    hd_arena_free(&arena);
  }
}

static const char *read_one(const hd_env *env, void *arg) {
  hd_error err = {0};
  hd_arena arena = {.env = *env};
  hd_text text = {.env = *env};
  hd_sweep *s = hd_sweep_parse(env, "s.json", arg, strlen(arg), NULL, &err);
  if (!s) return err.status == HD_E_MEMORY ? NULL : "refused for another reason than memory";
  for (int i = 0; i < s->keys; i++) hd_sweep_value(s, 1, i, &text);
  hd_sweep_doc(&arena, s);
  hd_text_free(&text);
  hd_arena_free(&arena);
  hd_sweep_free(s);
  return NULL;
}

static void every_failing_call_is_clean(void **state) {
  int64_t runs = 0;
  char text[] =
      "{\"recipe\": \"x\", \"method\": \"halving\", \"halving\": {\"eta\": 2}, \"vary\": "
      "{\"a\": [1, \"two\", {\"b\": 3}], \"c\": 4, \"d\": {\"low\": 1, \"high\": 2}}}";
  (void)state;
  const char *wrong = faults_each(read_one, text, 0, &runs);
  if (wrong) fail_msg("%s", wrong);
  assert_true(runs > 6);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(mistakes),
                                     cmocka_unit_test(too_many),
                                     cmocka_unit_test(grid),
                                     cmocka_unit_test(draws),
                                     cmocka_unit_test(back),
                                     cmocka_unit_test(differences),
                                     cmocka_unit_test(every_failing_call_is_clean)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
