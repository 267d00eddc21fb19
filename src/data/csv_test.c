// CSV: quotes, line ends, headers, classes, and a message with its line for every mistake.
#define _POSIX_C_SOURCE 200809L
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "../../test/comma_locale.h"
#include "../../test/faults.h"
#include "table.h"

static hd_status parse(const char *text, size_t count, hd_csv_options o, hd_data *to,
                       hd_error *err) {
  char *copy = malloc(count ? count : 1);  // exactly: a sanitizer sees a read past its end
  if (count) memcpy(copy, text, count);
  memset(err, 0, sizeof *err);
  hd_status status = hd_csv_parse(NULL, "f.csv", copy, count, o, to, err);
  free(copy);
  assert_int_equal(status, err->status);
  assert_true((status == HD_OK) == (to->user != NULL));
  return status;
}

static float x_of(const hd_data *data, int64_t row, int column) {
  return ((float *)((hd_table *)data->user)->column[0].data)[row * data->column[0].type.shape.d[0] +
                                                             column];
}
static int label_of(const hd_data *data, int64_t row) {
  return ((int32_t *)((hd_table *)data->user)->column[1].data)[row];
}
static float target_of(const hd_data *data, int64_t row) {
  return ((float *)((hd_table *)data->user)->column[1].data)[row];
}

// Parses text that must be good.
static hd_data good(const char *text, hd_csv_options o) {
  hd_data data;
  hd_error err;
  if (parse(text, strlen(text), o, &data, &err)) fail_msg("%s", err.text);
  return data;
}

static void rows_become_columns(void **state) {
  (void)state;
  hd_data d = good("height,width,kind\n1.5,2,cat\n-3e2,+.5,dog\n0,1e-3,cat\n",
                   hd_csv_options_of(.separator = 0));
  assert_int_equal(d.samples, 3);
  assert_int_equal(d.columns, 2);
  assert_string_equal(d.column[0].name, "x");
  assert_string_equal(d.column[1].name, "label");
  assert_true(hd_shape_equal(d.column[0].type.shape, HD_SHAPE(2)));
  assert_true(d.column[1].type.dtype == HD_I32 && d.column[1].type.shape.rank == 0);
  assert_true(x_of(&d, 0, 0) == 1.5f && x_of(&d, 1, 0) == -300 && x_of(&d, 1, 1) == 0.5f);
  assert_int_equal(d.classes, 2);
  assert_string_equal(d.class_names[0], "cat");
  assert_string_equal(d.class_names[1], "dog");
  assert_int_equal(label_of(&d, 0) * 100 + label_of(&d, 1) * 10 + label_of(&d, 2), 10);
  hd_data_free(&d);

  d = good("a,b\n1,2.5\n3,4.5", hd_csv_options_of(.regression = true));  // no last line end
  assert_string_equal(d.column[1].name, "target");
  assert_true(d.column[1].type.dtype == HD_F32);
  assert_true(hd_shape_equal(d.column[1].type.shape, HD_SHAPE(1)));
  assert_true(target_of(&d, 0) == 2.5f && target_of(&d, 1) == 4.5f && d.classes == 0);
  hd_data_free(&d);

  d = good("1,2\n3,4\n", hd_csv_options_of(.no_label = true));
  assert_true(d.columns == 1 && d.samples == 2 && x_of(&d, 1, 1) == 4);
  hd_data_free(&d);
}

static void quotes_line_ends_and_blanks_are_understood(void **state) {
  (void)state;
  hd_csv_options o = {.separator = 0};
  hd_data d = good(
      "\xEF\xBB\xBF\"si,ze\",\"the \"\"name\"\"\"\r\n \"1\" ,\"a, \"\"b\"\"\r\nc\"\r\n2 , d "
      "\r\n\r\n\n",
      o);
  assert_int_equal(d.samples, 2);
  assert_true(x_of(&d, 0, 0) == 1 && x_of(&d, 1, 0) == 2);
  assert_string_equal(d.class_names[0], "a, \"b\"\r\nc");
  assert_string_equal(d.class_names[1], "d");
  hd_data_free(&d);
  d = good("1,a\r2,b\r", o);  // the line ends of old
  assert_true(d.samples == 2 && x_of(&d, 1, 0) == 2);
  hd_data_free(&d);
  d = good("1;2,5\n", hd_csv_options_of(.separator = ';'));
  assert_string_equal(d.class_names[0], "2,5");
  hd_data_free(&d);
  d = good("1\t\"2\" \tx y\n", hd_csv_options_of(.separator = '\t', .label = "3"));
  assert_string_equal(d.class_names[0], "x y");
  hd_data_free(&d);
}

static void headers_are_found(void **state) {
  (void)state;
  static const struct {
    const char *text, *header, *label;
    int64_t samples;
  } cases[] = {{"a,b,c\n1,2,x\n", NULL, NULL, 1},  {"1,2,x\n1,2,y\n", NULL, NULL, 2},
               {"a,b,3\n1,2,x\n", NULL, NULL, 1},  {"a,2,c\n1,2,x\n", "yes", NULL, 1},
               {"1,2,3\n1,2,x\n", "yes", NULL, 1}, {"1,2,a\n1,2,x\n", "no", NULL, 2},
               {"a,b,c\n1,x,2\n", NULL, "b", 1},   {"a,7,c\n1,2,x\n", NULL, "c", 1},
               {"x,1\ny,2\n", NULL, "1", 2},       {"2,1\nx,4\n", "yes", "2", 1},
               {"b,a\nx,4\n", "yes", "1", 1},      {"\"a\"\"\",b\nx,4\n", NULL, "a\"", 1}};
  for (size_t i = 0; i < HD_COUNT(cases); i++) {
    hd_csv_options o = {.header = cases[i].header, .label = cases[i].label};
    hd_data d;
    hd_error err;
    // A wrong label column would make a word of a number, or a number of a word.
    if (parse(cases[i].text, strlen(cases[i].text), o, &d, &err)) fail_msg("%zu: %s", i, err.text);
    if (d.samples != cases[i].samples) fail_msg("%zu: %d samples", i, (int)d.samples);
    hd_data_free(&d);
  }
}

static void classes_are_ordered(void **state) {
  (void)state;
  hd_csv_options o = {.header = "no"};
  hd_data d = good("0,10\n0,9\n0,-1\n0,9\n", o);  // by value
  assert_int_equal(d.classes, 3);
  assert_string_equal(d.class_names[0], "-1");
  assert_string_equal(d.class_names[2], "10");
  assert_int_equal(label_of(&d, 0), 2);
  assert_int_equal(label_of(&d, 3), 1);
  hd_data_free(&d);
  d = good("0,10\n0,9\n0,z\n", o);  // by text
  assert_string_equal(d.class_names[0], "10");
  assert_int_equal(label_of(&d, 1), 1);
  hd_data_free(&d);
  o.classes = (const char *const[]){"z", "9", "unused", NULL};  // as told
  d = good("0,9\n0,z\n", o);
  assert_int_equal(d.classes, 3);
  assert_string_equal(d.class_names[2], "unused");
  assert_true(label_of(&d, 0) == 1 && label_of(&d, 1) == 0);
  hd_data_free(&d);
  char *many = malloc(4000 * 16), *put = many;
  for (int i = 0; i < 4000; i++) put += sprintf(put, "%d,c%d\n", i, (i * 1103 + 5) % 1000);
  o.classes = NULL;
  d = good(many, o);
  assert_int_equal(d.classes, 1000);
  for (int i = 1; i < 1000; i++) assert_true(strcmp(d.class_names[i - 1], d.class_names[i]) < 0);
  for (int i = 0; i < 4000; i++) {
    char name[16];
    sprintf(name, "c%d", (i * 1103 + 5) % 1000);
    assert_string_equal(d.class_names[label_of(&d, i)], name);
  }
  hd_data_free(&d);
  free(many);
}

static void inputs_are(const hd_data *d, int64_t row, const float *wanted) {
  for (int i = 0; i < (int)d->column[0].type.shape.d[0]; i++)
    if (x_of(d, row, i) != wanted[i]) fail_msg("row %d, input %d", (int)row, i);
}

static void words_become_inputs(void **state) {
  (void)state;
  hd_csv_options o = {.one_hot = true};
  static const char text[] =
      "sex,size,kind,is\nM,1.5,\"a \"\"b\"\"\",yes\nF,2,10,no\nI,-3,9,yes\nM,4,10,no\n";
  hd_data d = good(text, o), e;
  assert_true(hd_shape_equal(d.column[0].type.shape, HD_SHAPE(7)));
  inputs_are(&d, 0, (float[]){0, 0, 1, 1.5f, 0, 0, 1});
  inputs_are(&d, 1, (float[]){1, 0, 0, 2, 1, 0, 0});
  inputs_are(&d, 2, (float[]){0, 1, 0, -3, 0, 1, 0});
  inputs_are(&d, 3, (float[]){0, 0, 1, 4, 1, 0, 0});
  assert_string_equal(d.words[0][0], "F");
  assert_string_equal(d.words[0][2], "M");
  assert_true(!d.words[0][3] && !d.words[1][0] && !d.words[3]);
  assert_string_equal(d.words[2][0], "10");  // a column with a word has words alone
  assert_string_equal(d.words[2][2], "a \"b\"");
  assert_string_equal(d.class_names[0], "no");
  // Another table by these words: fewer of them, in another order.
  o = (hd_csv_options){.words = d.words, .no_label = true};
  e = good("I,7,9\nF,8,\"a \"\"b\"\"\"\n", o);
  inputs_are(&e, 0, (float[]){0, 1, 0, 7, 0, 1, 0});
  inputs_are(&e, 1, (float[]){1, 0, 0, 8, 0, 0, 1});
  assert_string_equal(e.words[0][1], "I");
  assert_true(e.words != d.words);
  hd_data_free(&e);
  static const char *const bad[][2] = {
      {"I,7,9\nX,8,9\n",
       "f.csv:2: column 1: \"X\" is none of its 3 words; known are \"F\", \"I\", \"M\""},
      {"I,7,9\nF,M,9\n", "f.csv:2: column 2: \"M\" is not a number (such as 1.5 or -2e3)"},
      {"I,7,9\n,8,9\n", "f.csv:2: column 1: \"\" is none of its 3 words; known are"},
      {"I,7\n", "f.csv: 2 columns of features; there must be 3"},
      {"I,7,9,1\n", "f.csv: 4 columns of features; there must be 3"}};
  hd_error err;
  for (size_t i = 0; i < HD_COUNT(bad); i++) {
    assert_int_not_equal(parse(bad[i][0], strlen(bad[i][0]), o, &e, &err), HD_OK);
    assert_string_equal(strncmp(err.text, bad[i][1], strlen(bad[i][1])) ? err.text : "", "");
  }
  // A first line without numbers is a row all the same where it holds a known word.
  const hd_word_list two[] = {d.words[0], d.words[2], NULL};
  o.words = two;
  e = good("F,\"a \"\"b\"\"\"\nI,9\n", o);
  assert_int_equal(e.samples, 2);
  hd_data_free(&e);
  e = good("sex,kind\nF,9\nI,9\n", o);
  assert_int_equal(e.samples, 2);
  hd_data_free(&e);
  const char *const twice[] = {"a", "b", "a", NULL};
  o.words = (const hd_word_list[]){twice, NULL};
  assert_int_equal(parse("a\nb\n", 4, o, &e, &err), HD_E_ARGUMENT);
  assert_non_null(strstr(err.text, "\"a\" is given twice"));
  const char *const order[] = {"z", "b", NULL};  // inputs in the order that is given
  o.words = (const hd_word_list[]){order, NULL};
  e = good("z\nb\n", o);
  inputs_are(&e, 0, (float[]){1, 0});
  assert_string_equal(e.words[0][0], "z");
  hd_data_free(&e);
  hd_data_free(&d);
  d = good("a,b,c\n1,2,x\n", hd_csv_options_of(.one_hot = true));  // numbers stay as they are
  inputs_are(&d, 0, (float[]){1, 2});
  assert_true(d.words && !d.words[0][0] && !d.words[1][0] && !d.words[2]);
  hd_data_free(&d);
}

static void words_are_bounded(void **state) {
  (void)state;
  enum { ROWS = 65538 };
  char *text = malloc(ROWS * 20 + 1);
  hd_csv_options o = {.one_hot = true, .header = "no"};
  hd_data d;
  hd_error err;
  char *put = text;
  for (int i = 0; i < ROWS; i++) put += sprintf(put, "1,2,x%x,c\n", i);
  assert_int_equal(parse(text, (size_t)(put - text), o, &d, &err), HD_E_LIMIT);
  assert_non_null(strstr(err.text, "one_hot takes at most 65536 inputs and 128 KiB of words"));
  put = text;  // 40,000 rows of 28,000 inputs: in words little, in all over 4 GiB
  for (int i = 0; i < 40000; i++) put += sprintf(put, "1,%x,c\n", i % 28000);
  put += sprintf(put, "1,x,c\n");
  assert_int_equal(parse(text, (size_t)(put - text), o, &d, &err), HD_E_LIMIT);
  assert_string_equal(err.text, "f.csv: 40001 rows of 28002 inputs are more than 4 GiB");
  free(text);
}

static void every_mistake_has_its_message(void **state) {
  (void)state;
  static const char *const two[] = {"setosa", "virginica", NULL};
  static const struct {
    const char *text;
    hd_csv_options o;
    hd_status status;
    const char *message;
  } cases[] = {
      {"", {.separator = 0}, HD_E_FORMAT, "f.csv: the file is empty"},
      {"\xEF\xBB\xBF", {.separator = 0}, HD_E_FORMAT, "f.csv: the file is empty"},
      {"\n1,2\n", {.separator = 0}, HD_E_FORMAT, "f.csv:1: the first line is blank"},
      {"a,b\n", {.separator = 0}, HD_E_FORMAT, "f.csv: no rows below the header line"},
      {"a,b\n\n\n", {.separator = 0}, HD_E_FORMAT, "f.csv: no rows below the header line"},
      {"1\n2\n",
       {.separator = 0},
       HD_E_FORMAT,
       "f.csv:1: one column, the label's, and none to learn from (is the separator ','?)"},
      {"1,2,a\n1,a\n",
       {.separator = 0},
       HD_E_FORMAT,
       "f.csv:2: the row has 2 fields, line 1 has 3"},
      {"1,2,a\n1,2,3,a\n",
       {.separator = 0},
       HD_E_FORMAT,
       "f.csv:2: the row has 4 fields, line 1 has 3"},
      {"x,\"y\n\n\"\n1,\"a\nb\"\n1\n",
       {.separator = 0},
       HD_E_FORMAT,
       "f.csv:6: the row has 1 fields, line 1 has 2"},  // quoted line ends count
      {"1,a\n\n2,b\n", {.separator = 0}, HD_E_FORMAT, "f.csv:2: a blank line, and rows after it"},
      {"1,2,a\n1,big,b\n",
       {.separator = 0},
       HD_E_FORMAT,
       "f.csv:2: column 2: \"big\" is not a number (such as 1.5 or -2e3); if the column holds "
       "words, "
       "read them with `one_hot: true`"},
      {"1,a\nx,b\n,b\n",
       {.one_hot = true},
       HD_E_FORMAT,
       "f.csv:3: column 1 is empty; a number or word is expected"},
      {"1,a\n,b\n", {.one_hot = true}, HD_E_FORMAT, "f.csv:2: column 1 is empty; a number is"},
      {"1,a\nnan,b\n",
       {.one_hot = true},
       HD_E_FORMAT,
       "f.csv:2: column 1: \"nan\" is not a finite"},
      {"1,a\nx\xFF,b\n",
       {.one_hot = true},
       HD_E_FORMAT,
       "f.csv:2: column 1: the word is not in UTF-8"},
      {"\"1\",\"2\r\n\"\r\n\"x\r\ny\",3\r\n",
       {.regression = true},
       HD_E_FORMAT,
       "f.csv:1: column 2: \"2\r\n\" is not a number"},
      {"1,\"a\r\nb\"\r\nx,3\r\n", {.separator = 0}, HD_E_FORMAT, "f.csv:3: column 1: \"x\""},
      {"1,\"a\nb\"\nx,3\n", {.separator = 0}, HD_E_FORMAT, "f.csv:3: column 1: \"x\""},
      {"1,\"a\rb\"\rx,3\r", {.separator = 0}, HD_E_FORMAT, "f.csv:3: column 1: \"x\""},
      {"1;a\n1,5;a\n",
       {.separator = ';'},
       HD_E_FORMAT,
       "f.csv:2: column 1: \"1,5\" is not a number"},
      {"1,a\n,a\n",
       {.separator = 0},
       HD_E_FORMAT,
       "f.csv:2: column 1 is empty; a number is expected"},
      {"1,a\n\"\",a\n", {.separator = 0}, HD_E_FORMAT, "f.csv:2: column 1 is empty"},
      {"1,a\nnan,a\n",
       {.separator = 0},
       HD_E_FORMAT,
       "f.csv:2: column 1: \"nan\" is not a finite number of type f32"},
      {"nan,a\n1,a\n", {.separator = 0}, HD_E_FORMAT, "f.csv:1: column 1: \"nan\" is not a finite"},
      {"1,a\n-inf,a\n",
       {.separator = 0},
       HD_E_FORMAT,
       "f.csv:2: column 1: \"-inf\" is not a finite"},
      {"1,a\n1e39,a\n",
       {.separator = 0},
       HD_E_FORMAT,
       "f.csv:2: column 1: \"1e39\" is not a finite"},
      {"1,a\n1e999,a\n", {.separator = 0}, HD_E_FORMAT, "f.csv:2: column 1: \"1e999\" is not a"},
      {"1,2\n1,inf\n",
       {.regression = true},
       HD_E_FORMAT,
       "f.csv:2: column 2: \"inf\" is not a finite"},
      {"1,a\n0x10,a\n",
       {.separator = 0},
       HD_E_FORMAT,
       "f.csv:2: column 1: \"0x10\" is not a number"},
      {"1,a\n2,\n", {.separator = 0}, HD_E_FORMAT, "f.csv:2: column 2: the label is empty"},
      {"1,setosa\n1,setosi\n",
       {.classes = two},
       HD_E_FORMAT,
       "f.csv:2: column 2: \"setosi\" is none of the 2 classes; did you mean \"setosa\"?"},
      {"1,setosa\n1,rose\n",
       {.classes = two},
       HD_E_FORMAT,
       "f.csv:2: column 2: \"rose\" is none of the 2 classes"},
      {"1,\"a\n2,b\n",
       {.separator = 0},
       HD_E_FORMAT,
       "f.csv:1: a quote is opened and never closed"},
      {"1,\"a\"b\n",
       {.separator = 0},
       HD_E_FORMAT,
       "f.csv:1: 'b' after a closing quote; ',' or the end of the line must follow"},
      {"1,a\"b\"\n", {.separator = 0}, HD_E_FORMAT, "f.csv:1: a quote inside a field"},
      {"a,b\n1,2\n",
       {.label = "c"},
       HD_E_ARGUMENT,
       "f.csv: no label column \"c\": give a name of the header line or a number from 1 to 2"},
      {"a,b\n1,2\n", {.label = "3"}, HD_E_ARGUMENT, "f.csv: no label column \"3\""},
      {"a,b\n1,2\n", {.label = "0"}, HD_E_ARGUMENT, "f.csv: no label column \"0\""},
      {"a,b\n1,2\n", {.label = "a", .header = "no"}, HD_E_ARGUMENT, "f.csv: no label column \"a\""},
      {"a,a\n1,2\n", {.label = "a"}, HD_E_FORMAT, "f.csv:1: columns 1 and 2 are both called \"a\""},
      {"a,b\n1,2\n", {.header = "maybe"}, HD_E_ARGUMENT, "not \"maybe\""},
      {"a,b\n1,2\n", {.separator = '"'}, HD_E_ARGUMENT, "csv: a quote or a line end cannot be"}};
  for (size_t i = 0; i < HD_COUNT(cases); i++) {
    hd_data d;
    hd_error err;
    hd_status status = parse(cases[i].text, strlen(cases[i].text), cases[i].o, &d, &err);
    if (status != cases[i].status || strncmp(err.text, cases[i].message, strlen(cases[i].message)))
      if (!strstr(err.text, "maybe")) fail_msg("case %zu: %d %s", i, status, err.text);
  }
  hd_data d;
  hd_error err;
  assert_int_equal(parse("1,2\n1,\0002\n", 9, cases[0].o, &d, &err), HD_E_FORMAT);
  assert_string_equal(err.text, "f.csv: offset 6: a zero byte; this is not a text file");
}

static void too_many_classes_are_refused(void **state) {
  (void)state;
  enum { ROWS = 65537 };
  char *text = malloc(ROWS * 10 + 1), *put = text;
  for (int i = 0; i < ROWS; i++) put += sprintf(put, "1,%06d\n", i);  // sorted: no moves
  hd_data d;
  hd_error err;
  hd_csv_options o = {.separator = 0};
  assert_int_equal(parse(text, (size_t)(put - text), o, &d, &err), HD_E_LIMIT);
  assert_non_null(strstr(err.text, "more than 65536 different labels"));
  free(text);
}

static void every_truncation_is_clean(void **state) {
  (void)state;
  static const char text[] =
      "\xEF\xBB\xBFname,\"size\",kind\r\n1,2,\"a \"\"b\"\"\"\r\n3,4.5e1,c\r\n";
  hd_csv_options o = {.separator = 0};
  int accepted = 0;
  for (size_t n = 0; n < sizeof text; n++) {
    hd_data d;
    hd_error err;
    if (parse(text, n, o, &d, &err) == HD_OK) accepted++;
    else assert_true(err.text[0] != 0);
    hd_data_free(&d);
  }
  assert_in_range(accepted, 3, 30);
}

static void a_locale_changes_nothing(void **state) {
  (void)state;
  if (!comma_locale()) skip();
  hd_data d = good("1.5,a\n", hd_csv_options_of(.header = "no"));
  assert_true(x_of(&d, 0, 0) == 1.5f);
  hd_data_free(&d);
  setlocale(LC_ALL, "C");
}

// ---- Faults -------------------------------------------------------------------------------------

static char path[TEMP_PATH];

static int make_file(void **state) {
  (void)state;
  static const char text[] = "a,b,kind\n1,2,cat\n3,4,dog\n5,6,\"ca\"\"t\"\n";
  int handle = mkstemp(temp_template(path, "csv", ""));
  ssize_t size = sizeof text - 1;
  return handle < 0 || write(handle, text, sizeof text - 1) != size || close(handle);
}

static int remove_file(void **state) {
  (void)state;
  return unlink(path);
}

static const char *read_it(const hd_env *env, void *arg) {
  (void)arg;
  hd_error err = {0};
  hd_data d;
  hd_status status = hd_csv_read(env, path, hd_csv_options_of(.label = "kind"), &d, &err);
  if (!status && (d.samples != 3 || d.classes != 3 || x_of(&d, 2, 1) != 6)) return "wrong values";
  hd_data_free(&d);
  if (!status) {
    hd_csv_options o = {.one_hot = true, .label = "a"};
    status = hd_csv_read(env, path, o, &d, &err);
    if (!status && (!d.words || x_of(&d, 2, 1) != 1)) return "wrong words";
    if (!status) {
      o.words = d.words;
      hd_data again;
      status = hd_csv_read(env, path, o, &again, &err);
      if (!status && x_of(&again, 2, 1) != 1) return "wrong words again";
      hd_data_free(&again);
    }
    hd_data_free(&d);
  }
  if (!status) return NULL;
  if (status != HD_E_MEMORY && status != HD_E_IO) return "neither memory nor input";
  if (status == HD_E_IO && !strstr(err.text, "Input/output error")) return "no reason";
  return strstr(err.text, path) || status == HD_E_MEMORY ? NULL : "the path is missing";
}

static void every_fault_is_survived(void **state) {
  (void)state;
  int64_t runs = 0;
  const char *wrong = faults_each(read_it, NULL, EIO, &runs);
  if (wrong) fail_msg("%s", wrong);
  assert_true(runs > 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(rows_become_columns),
                                     cmocka_unit_test(quotes_line_ends_and_blanks_are_understood),
                                     cmocka_unit_test(headers_are_found),
                                     cmocka_unit_test(classes_are_ordered),
                                     cmocka_unit_test(words_become_inputs),
                                     cmocka_unit_test(words_are_bounded),
                                     cmocka_unit_test(every_mistake_has_its_message),
                                     cmocka_unit_test(too_many_classes_are_refused),
                                     cmocka_unit_test(every_truncation_is_clean),
                                     cmocka_unit_test(a_locale_changes_nothing),
                                     cmocka_unit_test(every_fault_is_survived)};
  return cmocka_run_group_tests(tests, make_file, remove_file);
}
