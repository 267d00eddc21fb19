// The run page: well-formed whatever a run directory holds, names escaped, numbers where they
// belong.
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "page.h"
#include "../../test/faults.h"
#include "../../test/temp.h"

static char folder[TEMP_PATH];

static void write_file(const char *name, const char *text) {
  char path[TEMP_PATH + 32];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  if (!text) {
    remove(path);
    return;
  }
  FILE *out = fopen(path, "wb");
  assert_non_null(out);
  fputs(text, out);
  fclose(out);
}

static char *page(hd_report_options o) {
  char path[TEMP_PATH + 32];
  hd_error err = {0};
  void *text;
  size_t size;
  hd_status status = (hd_report)(NULL, folder, &err, o);
  if (status == HD_E_UNSUPPORTED) {
    printf("skip: this build has no cairo (apt install libcairo2-dev)\n");
    exit(77);
  }
  if (status) print_error("%s\n", err.text);
  assert_int_equal(status, HD_OK);
  snprintf(path, sizeof path, "%s/report.html", folder);
  assert_int_equal(hd_file_read(NULL, path, 1 << 26, &text, &size, &err), HD_OK);
  return text;
}

// Every element is closed in turn, every attribute quoted, every & an entity, every id its own.
static const char *complaint(const char *at) {
  enum { DEEP = 64 };
  static char open[DEEP][32];
  int depth = 0;
  for (; *at; at++) {
    if (*at == '&') {
      size_t n = strspn(at + 1, "#abcdefghijklmnopqrstuvwxyz0123456789");
      if (n == 0 || at[1 + n] != ';') return "a bare &";
    }
    if (*at == '>') return "a bare >";
    if (*at != '<' || at[1] == '!') {
      if (*at == '<') at = strchr(at, '>');
      continue;
    }
    char name[32] = "";
    bool closing = at[1] == '/';
    const char *p = at + 1 + closing;
    size_t n = strcspn(p, " />\n");
    if (n == 0 || n >= sizeof name) return "a bad name";
    memcpy(name, p, n);
    for (p += n; *p && *p != '>' && strncmp(p, "/>", 2); p++) {
      if (*p == '<') return "< within a tag";
      if (*p != '"') continue;
      p = strchr(p + 1, '"');
      if (!p) return "an open quote";
    }
    bool empty = *p == '/';
    at = strchr(p, '>');
    if (!at) return "an open tag";
    if (closing && (depth == 0 || strcmp(open[--depth], name))) return name[0] ? "not nested" : "";
    if (!closing && !empty) {
      if (depth == DEEP) return "too deep";
      memcpy(open[depth++], name, sizeof name);
      if (!strcmp(name, "style")) at = strstr(at, "</style>") - 1;
    }
  }
  return depth ? "not closed" : NULL;
}

static void check(char *html) {
  const char *wrong = complaint(html);
  if (wrong) print_error("%s\n", wrong);
  assert_null(wrong);
  assert_null(strstr(html, "<script"));
  assert_null(strstr(html, "src=\"http"));
  assert_null(strstr(html, "href=\"http"));
  assert_null(strstr(html, "nan"));
  assert_null(strstr(html, "rgb("));
}

static void clear(void) {
  write_file("metrics.jsonl", NULL);
  write_file("manifest.json", NULL);
  write_file("recipe.yaml", NULL);
}

static void the_checker_checks(void **state) {
  (void)state;
  assert_null(complaint("<a b=\"c\">x &lt; y<br/></a>"));
  assert_non_null(complaint("<a><b></a></b>"));
  assert_non_null(complaint("<a>x < y</a>"));
  assert_non_null(complaint("<a>x & y</a>"));
  assert_non_null(complaint("<a>"));
}

static void an_empty_directory_has_a_page(void **state) {
  (void)state;
  clear();
  char *html = page((hd_report_options){0});
  check(html);
  assert_non_null(strstr(html, "not finished"));
  assert_non_null(strstr(html, "No epoch was finished."));
  hd_release(NULL, html);
}

#define EPOCH(n, loss) \
  "{\"epoch\":" #n ",\"step\":" #n "0,\"seconds\":0.1,\"train\":{\"loss\":" loss \
  ",\"accuracy\":0.5},\"valid\":{\"loss\":" loss \
  "},\"lr\":0.1,\"norms\":{\"a<b\":{\"activation\":1," \
  "\"gradient\":null,\"weight\":2}}}\n"

static void a_run_is_shown(void **state) {
  (void)state;
  write_file("metrics.jsonl", EPOCH(1, "3") EPOCH(2, "1") EPOCH(3, "null") EPOCH(4, "2")
             "{\"final\":true,\"test\":{\"loss\":0.25,\"accuracy\":0.9875},\"seconds\":75,"
             "\"peak_bytes_used\":1500000,\"folds\":[{\"loss\":1}]}\n");
  write_file("manifest.json",
             "{\"hadal\":\"0.1.0\",\"recipe\":\"<script>alert(1)</script>\","
             "\"started\":\"2026-01-02T03:04:05Z\",\"seed\":7,\"threads\":2,\"cpu\":\"avx2\","
             "\"data\":{\"name\":\"a & b\",\"train\":12345,\"valid\":1,\"test\":10}}");
  write_file("recipe.yaml", "not: a \"recipe\" & <more>\n");
  char *html = page((hd_report_options){.about = "what is <missing>"});
  check(html);
  static const char *const wanted[] = {"&lt;script&gt;alert(1)&lt;/script&gt;",
                                       "finished",
                                       "98.75 %",
                                       "epoch 2",
                                       "1 min 15 s",
                                       "1.5 MB",
                                       "12,345",
                                       "a &amp; b",
                                       "not: a &quot;recipe&quot; &amp; &lt;more&gt;",
                                       "2026-01-02 03:04 UTC",
                                       "Folds",
                                       "what is &lt;missing&gt;"};
  for (size_t i = 0; i < HD_COUNT(wanted); i++) {
    if (!strstr(html, wanted[i])) print_error("missing: %s\n", wanted[i]);
    assert_non_null(strstr(html, wanted[i]));
  }
  hd_release(NULL, html);
}

static void a_broken_run_is_shown(void **state) {
  (void)state;
  clear();
  write_file(
      "metrics.jsonl",
      EPOCH(1,
            "null") "{\"stopped\":\"diverged\",\"message\":\"layer <1> & 2\"}\n{\"epoch\":2,\"st");
  write_file("manifest.json", "{\"hadal\":");
  char *html = page((hd_report_options){0});
  check(html);
  assert_non_null(strstr(html, "class=\"pill bad\">diverged"));
  assert_non_null(strstr(html, "layer &lt;1&gt; &amp; 2"));
  assert_non_null(strstr(html, "<svg"));
  hd_release(NULL, html);
}

static void odd_lines_are_no_harm(void **state) {
  (void)state;
  static const char *const lines[] = {"\n",
                                      "[]\n",
                                      "{}\n",
                                      "{\"epoch\":\"x\"}\n",
                                      "{\"epoch\":1,\"train\":3,\"norms\":[1,2]}\n",
                                      "{\"epoch\":1e300,\"train\":{\"loss\":1e300},\"lr\":-1}\n",
                                      "{\"epoch\":1,\"norms\":{\"x\":5,\"y\":{}}}\n",
                                      "{\"final\":1,\"test\":[],\"folds\":{}}\n"};
  clear();
  for (size_t i = 0; i < HD_COUNT(lines); i++) {
    write_file("metrics.jsonl", lines[i]);
    char *html = page((hd_report_options){0});
    check(html);
    hd_release(NULL, html);
  }
}

static const char *report_faulty(const hd_env *env, void *arg) {
  hd_error err = {0};
  (void)arg;
  hd_status status = hd_report(env, folder, &err);
  return status && !*err.text ? "no message" : NULL;
}

static void everything_may_fail(void **state) {
  (void)state;
  int64_t runs = 0;
  clear();
  write_file("metrics.jsonl", EPOCH(1, "3") EPOCH(2, "1"));
  write_file("manifest.json", "{\"recipe\":\"x\"}");
  const char *wrong = faults_each(report_faulty, NULL, EIO, &runs);
  if (wrong) print_error("%s\n", wrong);
  assert_null(wrong);
  assert_true(runs > 40);
}

static void base64_is_right(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"", ""}, {"M", "TQ=="}, {"Ma", "TWE="}, {"Man", "TWFu"}, {"\xff\xfe\x00", "//4="}};
  for (size_t i = 0; i < HD_COUNT(cases); i++) {
    hd_text text = {0};
    hd_text_raw(&text, "", 0);
    hd_base64(&text, cases[i][0], strlen(cases[i][0]));
    assert_string_equal(text.at, cases[i][1]);
    hd_text_free(&text);
  }
}

static int setup(void **state) {
  (void)state;
  return mkdtemp(temp_template(folder, "report", "")) ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  clear();
  write_file("report.html", NULL);
  write_file("report.html.tmp", NULL);
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_checker_checks),    cmocka_unit_test(an_empty_directory_has_a_page),
      cmocka_unit_test(a_run_is_shown),        cmocka_unit_test(a_broken_run_is_shown),
      cmocka_unit_test(odd_lines_are_no_harm), cmocka_unit_test(everything_may_fail),
      cmocka_unit_test(base64_is_right)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
