// JSON: what RFC 8259 allows is read, everything else is refused with its line.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "../../test/faults.h"
#include "json.h"

static hd_doc *parse(hd_arena *arena, const char *text) {
  hd_doc *doc = NULL;
  hd_error err = {.status = HD_OK};
  if (hd_json_parse(arena, "t.json", text, strlen(text), &doc, &err) != HD_OK)
    fail_msg("%s: %s", text, err.text);
  return doc;
}

static void values_are_read(void **state) {
  (void)state;
  hd_arena arena = {.last = NULL};
  hd_doc *doc = parse(&arena,
                      " {\"a\": null, \"b\": [true, false],\n\"c\": -12, \"d\": 2.5e-3,\r\n"
                      "\"e\": \"x\\u00e9\\ud83d\\ude00\\n\\/\", \"\": {}}\t");
  assert_int_equal(doc->kind, HD_DOC_MAP);
  assert_int_equal(doc->count, 6);
  assert_int_equal(hd_doc_get(doc, "a")->kind, HD_DOC_NULL);
  hd_doc *b = hd_doc_get(doc, "b");
  assert_true(b->kind == HD_DOC_LIST && b->count == 2 && b->first->kind == HD_DOC_BOOL);
  assert_true(b->first->integer == 1 && b->first->next->integer == 0 && !b->first->next->next);
  hd_doc *c = hd_doc_get(doc, "c"), *d = hd_doc_get(doc, "d"), *e = hd_doc_get(doc, "e");
  assert_true(c->kind == HD_DOC_INT && c->integer == -12 && c->real == -12);
  assert_string_equal(c->text, "-12");
  assert_int_equal(c->line, 2);
  assert_true(d->kind == HD_DOC_REAL && d->real == 2.5e-3);
  assert_string_equal(d->text, "2.5e-3");
  assert_string_equal(e->text, "x\xC3\xA9\xF0\x9F\x98\x80\n/");
  assert_int_equal(e->line, 3);
  assert_true(hd_doc_get(doc, "")->kind == HD_DOC_MAP);
  assert_null(hd_doc_get(doc, "z"));
  assert_null(hd_doc_get(e, "a"));
  assert_null(hd_doc_get(NULL, "a"));
  hd_arena_free(&arena);
}

static void numbers_keep_their_value(void **state) {
  (void)state;
  hd_arena arena = {.last = NULL};
  static const struct {
    const char *text;
    hd_doc_kind kind;
    int64_t integer;
    double real;
  } known[] = {{"0", HD_DOC_INT, 0, 0},
               {"9223372036854775807", HD_DOC_INT, INT64_MAX, 0x1p63},
               {"-9223372036854775808", HD_DOC_INT, INT64_MIN, -0x1p63},
               {"9223372036854775808", HD_DOC_REAL, 0, 0x1p63},
               {"1.0", HD_DOC_REAL, 0, 1},
               {"1E+2", HD_DOC_REAL, 0, 100},
               {"0.1", HD_DOC_REAL, 0, 0.1},
               {"-0.0", HD_DOC_REAL, 0, -0.0},
               {"-0", HD_DOC_REAL, 0, -0.0},
               {"1e-999", HD_DOC_REAL, 0, 0},
               {"1.7976931348623157e308", HD_DOC_REAL, 0, 1.7976931348623157e308}};
  for (size_t i = 0; i < HD_COUNT(known); i++) {
    hd_doc *doc = parse(&arena, known[i].text);
    assert_int_equal(doc->kind, known[i].kind);
    if (known[i].kind == HD_DOC_INT) assert_true(doc->integer == known[i].integer);
    assert_memory_equal(&doc->real, &known[i].real, sizeof doc->real);
  }
  hd_arena_free(&arena);
}

static void the_rest_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *text, *words;
  } bad[] = {{"", "t.json:1: expected a value, found the end"},
             {" \n\n", "t.json:3: expected a value"},
             {"[1,\n2,\n]", "t.json:3: expected a value, found ']'"},
             {"{\"a\":1,}", "expected a key"},
             {"{\"a\" 1}", "':' after a key, found '1'"},
             {"{a:1}", "expected a key"},
             {"[1 2]", "',' or ']'"},
             {"{\"a\":1 \"b\":2}", "',' or '}'"},
             {"[", "expected a value"},
             {"{", "expected a key"},
             {"[1", "',' or ']', found the end"},
             {"1 2", "nothing after"},
             {"{} x", "nothing after"},
             {"nul", "expected a value"},
             {"True", "expected a value"},
             {"NaN", "value"},
             {"-inf", "a digit"},
             {"Infinity", "value"},
             {"'a'", "value"},
             {"// c\n1", "value"},
             {"\xEF\xBB\xBF"
              "1",
              "byte 0xEF"},
             {"+1", "value"},
             {"01", "starts with 0"},
             {"-", "a digit"},
             {"1.", "digit after the point"},
             {".5", "value"},
             {"1e", "digit in the exponent"},
             {"1e+", "digit in the exponent"},
             {"0x10", "nothing after"},
             {"1e400", "beyond the range"},
             {"-1e400", "beyond the range"},
             {"\"abc", "not closed"},
             {"\"abc\\\"", "not closed"},
             {"\"abc\\", "not closed"},
             {"\"a\tb\"", "control character"},
             {"\"a\nb\"", "control character"},
             {"\"\\x\"", "escape"},
             {"\"\\u12\"", "four hexadecimal"},
             {"\"\\u12g4\"", "four hexadecimal"},
             {"\"\\u0000\"", "\\u0000"},
             {"\"\\ud800\"", "surrogate"},
             {"\"\\ud800x\"", "surrogate"},
             {"\"\\ud800\\n\"", "surrogate"},
             {"\"\\ud800\\u0041\"", "surrogate"},
             {"\"\\udc00\"", "surrogate"},
             {"\"\\ud800\\u", "not closed"},
             {"\"\x80\"", "UTF-8"},
             {"\"\xC0\x80\"", "UTF-8"},
             {"\"\xC3\"", "UTF-8"},
             {"\"\xE0\x80\x80\"", "UTF-8"},
             {"\"\xED\xA0\x80\"", "UTF-8"},
             {"\"\xE0\x9F\xBF\"", "UTF-8"},
             {"\"\xF4\x90\x80\x80\"", "UTF-8"},
             {"\"\xF0\x80\x80\x80\"", "UTF-8"},
             {"\"\xF8\x88\x80\x80\x80\"", "UTF-8"},
             {"\"\xFF\"", "UTF-8"},
             {"{\"k\":1,\n\"k\":2}", "t.json:2: the key \"k\" occurs twice"},
             {"{\"\\u0061\":1,\"a\":2}", "occurs twice"},
             {"[{\"a\":1,\"b\":2,\"c\":3,\"b\":4}]", "\"b\" occurs twice"}};
  hd_arena arena = {.last = NULL};
  for (size_t i = 0; i < HD_COUNT(bad); i++) {
    size_t bytes = strlen(bad[i].text);
    char *exact = hd_alloc_raw(NULL, bytes);  // a read past the end would be seen
    memcpy(exact, bad[i].text, bytes);
    hd_doc *doc = (hd_doc *)&arena;
    hd_error err = {.status = HD_OK};
    assert_int_equal(hd_json_parse(&arena, "t.json", exact, bytes, &doc, &err), HD_E_FORMAT);
    assert_null(doc);
    if (!strstr(err.text, bad[i].words)) fail_msg("%s: %s", bad[i].text, err.text);
    hd_release(NULL, exact);
  }
  hd_doc *doc;
  hd_error err;
  assert_int_equal(hd_json_parse(&arena, NULL, "1\0", 2, &doc, &err), HD_E_FORMAT);
  assert_string_equal(err.text, "json:1: expected nothing after the document, found byte 0x00");
  hd_arena_free(&arena);
}

static void depth_is_limited(void **state) {
  (void)state;
  enum { MOST = 1000000 };
  char *text = hd_alloc_raw(NULL, MOST);
  hd_arena arena = {.last = NULL};
  hd_doc *doc;
  hd_error err;
  for (int depth = 64; depth <= 65; depth++) {
    memset(text, '[', (size_t)depth), memset(text + depth, ']', (size_t)depth);
    hd_status status = hd_json_parse(&arena, "t", text, 2 * (size_t)depth, &doc, &err);
    assert_int_equal(status, depth <= 64 ? HD_OK : HD_E_LIMIT);
  }
  memset(text, '[', MOST);
  assert_int_equal(hd_json_parse(&arena, "t", text, MOST, &doc, &err), HD_E_LIMIT);
  for (int i = 0; i + 5 <= MOST; i += 5) memcpy(text + i, "{\"\":{", 5);
  assert_int_equal(hd_json_parse(&arena, "t", text, MOST, &doc, &err), HD_E_FORMAT);
  hd_arena_free(&arena);
  hd_release(NULL, text);
}

// Keys are compared by sorting: a hundred thousand of them take no time, and the twin is found.
static void many_keys_are_compared(void **state) {
  (void)state;
  static const int counts[] = {2, 3, 5, 16, 17, 31, 33, 100, 100000};
  for (size_t c = 0; c < HD_COUNT(counts); c++) {
    for (int twin = 0; twin < 2; twin++) {
      int count = counts[c];
      hd_text text = {.size = 0};
      for (int i = 0; i < count; i++) {
        uint32_t key = (uint32_t)(i == count - 1 && twin ? (count - 1) / 2 : i) * 2654435761u;
        hd_text_add(&text, "%s\"%08x\":%d", i ? ",\n" : "{", key, i);
      }
      hd_text_raw(&text, "}", 1);
      hd_arena arena = {.last = NULL};
      hd_doc *doc;
      hd_error err;
      double start = hd_seconds();
      hd_status status = hd_json_parse(&arena, "t", text.at, text.size, &doc, &err);
      assert_true(hd_seconds() - start < 2);
      assert_int_equal(status, twin ? HD_E_FORMAT : HD_OK);
      char line[32];
      snprintf(line, sizeof line, "t:%d: the key", count);
      if (twin) assert_non_null(strstr(err.text, line));
      hd_arena_free(&arena);
      hd_text_free(&text);
    }
  }
}

static void documents_are_written(void **state) {
  (void)state;
  hd_arena arena = {.last = NULL};
  hd_doc *doc =
      parse(&arena, "{\"a\":[1,2.5,\"x\\n\"],\"b\":{},\"c\":[[],{\"d\":null}],\"e\":true}");
  hd_text text = {.size = 0};
  hd_json_write(&text, doc, -1);
  assert_string_equal(text.at,
                      "{\"a\":[1,2.5,\"x\\n\"],\"b\":{},\"c\":[[],{\"d\":null}],\"e\":true}");
  hd_text_free(&text);
  hd_json_write(&text, doc, 2);
  assert_string_equal(text.at,
                      "{\n  \"a\": [1, 2.5, \"x\\n\"],\n  \"b\": {},\n  \"c\": [\n    [],\n    {\n"
                      "      \"d\": null\n    }\n  ],\n  \"e\": true\n}");
  hd_text_free(&text);
  hd_text_free(NULL);
  hd_arena_free(&arena);
}

static void strings_are_escaped(void **state) {
  (void)state;
  static const struct {
    const char *text, *written;
  } known[] = {{"", "\"\""},
               {"a\"b\\c/", "\"a\\\"b\\\\c/\""},
               {"\b\f\n\r\t\x01\x1f\x7f", "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\""},
               {"\xC3\xA9\xF0\x9F\x98\x80", "\"\xC3\xA9\xF0\x9F\x98\x80\""},
               {"a\xFF\xC3", "\"a\xEF\xBF\xBD\xEF\xBF\xBD\""}};
  for (size_t i = 0; i < HD_COUNT(known); i++) {
    hd_text text = {.size = 0};
    hd_json_string(&text, known[i].text);
    assert_string_equal(text.at, known[i].written);
    hd_text_free(&text);
  }
}

static void reals_are_shortest(void **state) {
  (void)state;
  static const struct {
    double value;
    const char *written;
  } known[] = {{0.1, "0.1"},
               {1, "1"},
               {-0.0, "-0"},
               {1e300, "1e+300"},
               {5e-324, "4.94065645841247e-324"},
               {1.0 / 3, "0.3333333333333333"},
               {0.1 + 0.2, "0.30000000000000004"},
               {NAN, "null"},
               {-INFINITY, "null"},
               {123456.75, "123456.75"}};
  for (size_t i = 0; i < HD_COUNT(known); i++) {
    hd_text text = {.size = 0};
    hd_json_real(&text, known[i].value);
    assert_string_equal(text.at, known[i].written);
    hd_text_free(&text);
  }
  uint64_t word = 1;
  hd_text text = {.size = 0};
  for (int i = 0; i < 20000; i++) {
    word = word * 6364136223846793005u + 1442695040888963407u;
    uint64_t bits = word ^ word >> 31;
    double value, back;
    memcpy(&value, &bits, sizeof value);
    if (!isfinite(value)) continue;
    text.size = 0;
    hd_json_real(&text, value);
    assert_true(hd_parse_real(text.at, text.at + text.size, &back));
    assert_memory_equal(&value, &back, sizeof back);
  }
  hd_text_free(&text);
}

static void texts_grow(void **state) {
  (void)state;
  hd_text text = {.size = 0};
  for (int i = 0; i < 3000; i++) hd_text_add(&text, "%04d;", i);
  assert_int_equal(text.size, 15000);
  assert_memory_equal(text.at + 5 * 2999, "2999;", 6);
  hd_text_add(&text, "%20000s", "x");
  assert_int_equal(strlen(text.at), 35000);
  hd_text_free(&text);
  for (size_t length = 250; length < 262; length++) {  // around the first room
    hd_text_add(&text, "%*d", (int)length, 7);
    assert_int_equal(strlen(text.at), length);
    hd_text_add(&text, "%s", "yz");
    assert_string_equal(text.at + length - 1, "7yz");
    hd_text_free(&text);
  }
}

static const char *read_and_write(const hd_env *env, void *arg) {
  (void)arg;
  hd_arena arena = {.env = *env};
  hd_text text = {.env = *env}, large = {.env = *env};
  for (int i = 0; i < 1200; i++)
    hd_text_add(&large, "%s\"key %d\":[%d,\"\\u00e9\",{}]", i ? "," : "{", i, i);
  hd_text_raw(&large, "}", 1);
  hd_doc *doc = NULL;
  hd_error err = {.status = HD_OK};
  const char *wrong = NULL;
  if (large.failed) goto end;
  hd_status status = hd_json_parse(&arena, "t", large.at, large.size, &doc, &err);
  if (status != HD_OK && (status != HD_E_MEMORY || doc || !strstr(err.text, "memory")))
    wrong = "not a clean error";
  if (status == HD_OK) hd_json_write(&text, doc, 2);
end:
  hd_text_free(&large);
  hd_text_free(&text);
  hd_arena_free(&arena);
  return wrong;
}

static void every_refusal_is_survived(void **state) {
  (void)state;
  int64_t runs = 0;
  const char *wrong = faults_each(read_and_write, NULL, EIO, &runs);
  if (wrong) fail_msg("%s", wrong);
  assert_true(runs > 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_are_read),
      cmocka_unit_test(numbers_keep_their_value),
      cmocka_unit_test(the_rest_is_refused),
      cmocka_unit_test(depth_is_limited),
      cmocka_unit_test(many_keys_are_compared),
      cmocka_unit_test(documents_are_written),
      cmocka_unit_test(strings_are_escaped),
      cmocka_unit_test(reals_are_shortest),
      cmocka_unit_test(texts_grow),
      cmocka_unit_test(every_refusal_is_survived),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
