// YAML documents: the core schema, line numbers, what is refused, and writing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../include/hadal/extra.h"
#include "../recipe/doc.h"

#ifdef HD_WITH_YAML

static hd_doc *parse(hd_arena *arena, const char *text, hd_error *err) {
  hd_doc *doc;
  *err = (hd_error){0};
  return hd_yaml_parse(arena, "t.yaml", text, strlen(text), &doc, err) ? NULL : doc;
}

static void scalars_are_typed(void **state) {
  (void)state;
  hd_arena arena = {0};
  hd_error err;
  static const struct {
    const char *text;
    hd_doc_kind kind;
    double value;
  } cases[] = {
      {"12", HD_DOC_INT, 12},    {"-3", HD_DOC_INT, -3},       {"0x1F", HD_DOC_INT, 31},
      {"0o17", HD_DOC_INT, 15},  {"1.5", HD_DOC_REAL, 1.5},    {"1e-3", HD_DOC_REAL, 0.001},
      {".5", HD_DOC_REAL, 0.5},  {"true", HD_DOC_BOOL, 0},     {"False", HD_DOC_BOOL, 0},
      {"null", HD_DOC_NULL, 0},  {"~", HD_DOC_NULL, 0},        {"''", HD_DOC_TEXT, 0},
      {"'12'", HD_DOC_TEXT, 0},  {"\"true\"", HD_DOC_TEXT, 0}, {"yes", HD_DOC_TEXT, 0},
      {"1.2.3", HD_DOC_TEXT, 0}, {"12ab", HD_DOC_TEXT, 0},     {"e5", HD_DOC_TEXT, 0},
      {".", HD_DOC_TEXT, 0},     {"nan", HD_DOC_TEXT, 0},      {"[]", HD_DOC_LIST, 0},
      {"{}", HD_DOC_MAP, 0}};
  for (size_t i = 0; i < HD_COUNT(cases); i++) {
    hd_doc *doc = parse(&arena, cases[i].text, &err);
    if (!doc) fail_msg("%s: %s", cases[i].text, err.text);
    if (doc->kind != cases[i].kind) fail_msg("%s is %s", cases[i].text, hd_doc_what(doc));
    if (doc->kind == HD_DOC_INT || doc->kind == HD_DOC_REAL)
      assert_true(doc->real == cases[i].value);
  }
  hd_doc *doc = parse(&arena, "a:\n  - b\n  - {c: d}\n", &err);
  assert_int_equal(doc->first->first->next->first->line, 3);
  assert_string_equal(hd_doc_get(doc->first->first->next, "c")->text, "d");
  hd_arena_free(&arena);
}

static void what_is_no_recipe_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *text, *message;
  } cases[] = {{"", "t.yaml: the file is empty"},
               {"a: &x 1\nb: 2", "t.yaml:1: anchors and tags"},
               {"a: 1\nb: *x", "t.yaml:2: "},
               {"a: !!python/object 1", "t.yaml:1: anchors and tags"},
               {"a: !t [1]", "anchors and tags"},
               {"<<: {a: 1}", "merge keys"},
               {"a: 1\na: 2", "t.yaml:2: \"a\" is given twice"},
               {"[a]: 1", "a key must be a word"},
               {"a: 1\n---\nb: 2", "a second document"},
               {"a: [1, 2", "t.yaml:2: did not find expected ',' or ']'"},
               {"a: 1\n b: 2", "t.yaml:2: "},
               {"a: 1e999", "beyond the range of double"},
               {"a: \"x\\0y\"", "holds a NUL"},
               {"\xff\xfe", "t.yaml"}};
  hd_arena arena = {0};
  hd_error err;
  for (size_t i = 0; i < HD_COUNT(cases); i++) {
    if (parse(&arena, cases[i].text, &err)) fail_msg("%s was read", cases[i].text);
    if (!strstr(err.text, cases[i].message)) fail_msg("%s gave %s", cases[i].text, err.text);
  }
  char deep[400] = {0};
  memset(deep, '[', 200);
  assert_null(parse(&arena, deep, &err));
  assert_non_null(strstr(err.text, "nested deeper than 64"));
  hd_arena_free(&arena);
}

static void what_is_written_reads_back(void **state) {
  (void)state;
  static const char text[] =
      "name: lenet5\n"
      "data: {name: mnist, scale: unit}\n"
      "model:\n"
      "  - conv2d: {filters: 6, kernel: [5, 3]}\n"
      "  - relu\n"
      "  - dense: 10\n"
      "train:\n"
      "  optimizer: {adam: {lr: 0.001}}\n"
      "  note: \"true\"\n"
      "  other: \"a: b\"\n"
      "  list: [1, 2, \"3\"]\n"
      "  nothing: null\n";
  hd_arena arena = {0};
  hd_error err;
  hd_text out = {.env = {0}};
  hd_doc *doc = parse(&arena, text, &err);
  if (!doc) fail_msg("%s", err.text);
  hd_yaml_write(&out, doc);
  assert_string_equal(out.at, text);
  hd_text_free(&out);
  hd_arena_free(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(scalars_are_typed),
                                     cmocka_unit_test(what_is_no_recipe_is_refused),
                                     cmocka_unit_test(what_is_written_reads_back)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void missing_library_names_its_package(void **state) {
  (void)state;
  hd_arena arena = {0};
  hd_doc *doc;
  hd_error err;
  assert_int_equal(hd_yaml_parse(&arena, "t", "a: 1", 4, &doc, &err), HD_E_UNSUPPORTED);
  assert_non_null(strstr(err.text, "libyaml-dev"));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(missing_library_names_its_package)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
