// Formatting and numbers do not depend on the locale; parsing rounds as strtod does.
#define _POSIX_C_SOURCE 200809L
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../test/comma_locale.h"
#include "base.h"

static bool parse(const char *text, double *to) {
  return hd_parse_real(text, text + strlen(text), to);
}

static void same(const char *text) {
  double wanted = strtod(text, NULL), got = -1;
  if (!parse(text, &got)) fail_msg("%s is refused", text);
  if (memcmp(&wanted, &got, sizeof got) != 0) fail_msg("%s: %a, expected %a", text, got, wanted);
}

static uint64_t state_word = 88172645463325252u;
static uint64_t next(void) {
  state_word ^= state_word << 13, state_word ^= state_word >> 7, state_word ^= state_word << 17;
  return state_word;
}

static void hard_numbers_round_as_strtod(void **state) {
  (void)state;
  const char *const hard[] = {"0",
                              "-0",
                              "1",
                              "0.1",
                              "123456789012345678901234567890",
                              "1e23",
                              "8.5e22",
                              "9007199254740993",
                              "9007199254740992.99999999999999999",
                              "9007199254740993.00000000000000000000000000001",
                              "2.2250738585072011e-308",
                              "2.2250738585072014e-308",
                              "2.2250738585072012e-308",
                              "4.9406564584124654e-324",
                              "2.4703282292062327e-324",
                              "2.4703282292062328e-324",
                              "2.47032822920623272088284396434110686182e-324",
                              "1e-323",
                              "7e-324",
                              "1e-400",
                              "1e400",
                              "-1e400",
                              "1.7976931348623157e308",
                              "1.7976931348623158e308",
                              "1.7976931348623159e308",
                              "179769313486231580793728971405301e276",
                              "1e-5000000000000000000000",
                              "1e99999999999999999999",
                              "0e99999999999999999999",
                              "0.0000000000000000000000000000000000000000000000000001e52",
                              "6929495644600919.5",
                              "3.518437208883201171875e13",
                              "0.500000000000000166533453693773481063",
                              "5e-324",
                              "1.0000000000000002",
                              "1.00000000000000011102230246251565404236316680908203125",
                              "1.00000000000000011102230246251565404236316680908203124",
                              "1.00000000000000011102230246251565404236316680908203126",
                              "9214843084008499",
                              "1.e5",
                              ".5",
                              "+.5e-3",
                              "00001.50000"};
  for (size_t i = 0; i < HD_COUNT(hard); i++) same(hard[i]);
}

// The point halfway between two doubles, written out in full (up to 767 digits), and its
// neighbours.
static void halfway_points_round_to_even(void **state) {
  (void)state;
  char text[1200];
  for (int i = 0; i < 300; i++) {
    uint64_t bits = next() & 0x7FFFFFFFFFFFFFFFu;
    if (i % 3 == 0) bits &= 0x000FFFFFFFFFFFFFu;                         // subnormal
    if (i % 3 == 1) bits = (bits >> 12) | ((1023 + next() % 60) << 52);  // near 1
    double low;
    memcpy(&low, &bits, sizeof low);
    if (!isfinite(low) || low > 1e300) continue;
    // long double has the 54th bit, and printf writes it exactly; subnormal halves fit it, too.
    long double half = ((long double)low + (long double)nextafter(low, INFINITY)) / 2;
    int length = snprintf(text, sizeof text, "%.*Le", 780, half);
    assert_in_range(length, 780, 1100);
    same(text);
    char *e = strchr(text, 'e'), exponent[16];
    snprintf(exponent, sizeof exponent, "%s", e);
    snprintf(e, sizeof text - (size_t)(e - text), "000000000000000000000000000001%s", exponent);
    same(text);
    text[779] = '0', text[778] = '0';
    same(text);
  }
}

static void random_spellings_round_as_strtod(void **state) {
  (void)state;
  char text[100];
  for (int i = 0; i < 100000; i++) {
    uint64_t bits = next();
    double value;
    memcpy(&value, &bits, sizeof value);
    switch (i % 5) {
      case 0: snprintf(text, sizeof text, "%.17g", value); break;
      case 1: snprintf(text, sizeof text, "%.*e", (int)(next() % 30), value); break;
      case 2:
        snprintf(text, sizeof text, "%llu.%llue%d", (unsigned long long)next(),
                 (unsigned long long)next(), (int)(next() % 700) - 360);
        break;
      case 3:
        snprintf(text, sizeof text, "%llue%d", (unsigned long long)(next() >> next() % 64),
                 (int)(next() % 50) - 25);
        break;
      default:
        snprintf(text, sizeof text, "%.*f", (int)(next() % 20), ldexp((double)(next() >> 11), -40));
    }
    if (strchr(text, 'n')) continue;  // nan, inf
    same(text);
  }
}

static void other_texts_are_refused(void **state) {
  (void)state;
  const char *const bad[] = {"",      "-",     "+",   ".",     "-.",  "e5",     ".e5",
                             "1e",    "1e+",   "1e-", "1.2.3", "1,5", " 1",     "1 ",
                             "0x10",  "1f",    "--1", "+-1",   "na",  "nan(1)", "infin",
                             "1e5.0", "1_000", "i",   "in"};
  double real = 7;
  for (size_t i = 0; i < HD_COUNT(bad); i++)
    if (parse(bad[i], &real)) fail_msg("'%s' is read as %g", bad[i], real);
  assert_true(real == 7);
  assert_false(hd_parse_real("1", "1", &real));
  assert_true(parse("NaN", &real) && isnan(real));
  assert_true(parse("-Inf", &real) && real == -INFINITY);
  assert_true(parse("infinity", &real) && real == INFINITY);
  assert_true(hd_parse_real("125", &"125"[2], &real) && real == 12);
}

static void integers_are_checked(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t value;
  } good[] = {{"0", 0},
              {"-0", 0},
              {"+7", 7},
              {"007", 7},
              {"9223372036854775807", INT64_MAX},
              {"-9223372036854775808", INT64_MIN}};
  static const char *const bad[] = {
      "",   "-",  "+",   "9223372036854775808",    "-9223372036854775809", "1e3", "1.0",
      " 1", "1 ", "12a", "99999999999999999999999"};
  int64_t value = 0;
  for (size_t i = 0; i < HD_COUNT(good); i++) {
    assert_true(hd_parse_int(good[i].text, good[i].text + strlen(good[i].text), &value));
    assert_int_equal(value, good[i].value);
  }
  for (size_t i = 0; i < HD_COUNT(bad); i++)
    if (hd_parse_int(bad[i], bad[i] + strlen(bad[i]), &value)) fail_msg("'%s' is read", bad[i]);
}

static void a_comma_locale_changes_nothing(void **state) {
  (void)state;
  if (!comma_locale()) skip();
  char text[40];
  snprintf(text, sizeof text, "%g", 1.5);
  bool comma = strcmp(text, "1,5") == 0;
  hd_print(text, sizeof text, "%g %.2f", 1.5, 1234567.25);
  double value = 0;
  bool read = parse("2.5", &value), wrong = parse("2,5", &value);
  setlocale(LC_ALL, "C");
  assert_true(comma);
  assert_string_equal(text, "1.5 1234567.25");
  assert_true(read && value == 2.5 && !wrong);
}

static void texts_are_cut_and_ended(void **state) {
  (void)state;
  char text[8] = "xxxxxxx";
  assert_int_equal(hd_print(text, 4, "%s", "abcdef"), 6);
  assert_string_equal(text, "abc");
  assert_int_equal(hd_print(NULL, 0, "%d", 12345), 5);
}

static void near_words_are_found(void **state) {
  (void)state;
  static const char *const words[] = {"conv2d", "dense",   "relu", "max_pool2d",
                                      NULL,     "softmax", "add"};
  int count = HD_COUNT(words);
  assert_int_equal(hd_nearest("cov2d", words, count), 0);
  assert_int_equal(hd_nearest("dnese", words, count), 1);
  assert_int_equal(hd_nearest("ReLU", words, count), 2);
  assert_int_equal(hd_nearest("maxpool2d", words, count), 3);
  assert_int_equal(hd_nearest("sotfmaxx", words, count), 5);
  assert_int_equal(hd_nearest("lstm", words, count), -1);
  assert_int_equal(hd_nearest("x", words, count), -1);
  assert_int_equal(hd_nearest("", words, count), -1);
  assert_int_equal(hd_nearest(NULL, words, count), -1);
  static const char *const close[] = {"softmux", "softmax", "softmix"};
  assert_int_equal(hd_nearest("softmax", close, 3), 1);
  char lengthy[200];
  memset(lengthy, 'a', sizeof lengthy - 1);
  lengthy[sizeof lengthy - 1] = 0;
  const char *one = lengthy;
  assert_int_equal(hd_nearest(lengthy, words, count), -1);
  assert_int_equal(hd_nearest("a", &one, 1), -1);
}

static void hashes_are_the_published_ones(void **state) {
  (void)state;
  assert_true(hd_hash("", 0, 0) == 0xcbf29ce484222325u);
  assert_true(hd_hash("a", 1, 0) == 0xaf63dc4c8601ec8cu);
  assert_true(hd_hash("foobar", 6, 0) == 0x85944171f73967e8u);
  assert_true(hd_hash("foobar", 6, 1) != hd_hash("foobar", 6, 0));
  double before = hd_seconds();
  assert_true(before > 0 && hd_seconds() >= before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hard_numbers_round_as_strtod),
      cmocka_unit_test(halfway_points_round_to_even),
      cmocka_unit_test(random_spellings_round_as_strtod),
      cmocka_unit_test(other_texts_are_refused),
      cmocka_unit_test(integers_are_checked),
      cmocka_unit_test(a_comma_locale_changes_nothing),
      cmocka_unit_test(texts_are_cut_and_ended),
      cmocka_unit_test(near_words_are_found),
      cmocka_unit_test(hashes_are_the_published_ones),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
