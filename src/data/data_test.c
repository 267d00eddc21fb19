// Sources of samples: what is read is what was put in, parts are disjoint and whole, and the same
// seed gives the same parts.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>

#include "../../test/faults.h"
#include "table.h"

enum { N = 1000 };

// Sample i: x = (i, 2 i, 3 i), label = i * i % 7.
static hd_data numbers(const hd_env *env, hd_error *err) {
  static const char *const names[] = {"x", "label"};
  hd_data data = {0};
  hd_tensor t[] = {hd_tensor_new(env, HD_F32, HD_SHAPE(N, 3), err),
                   hd_tensor_new(env, HD_I32, HD_SHAPE(N), err)};
  if (t[0].data && t[1].data) {
    for (int i = 0; i < 3 * N; i++) ((float *)t[0].data)[i] = (float)(i / 3 * (i % 3 + 1));
    for (int i = 0; i < N; i++) ((int32_t *)t[1].data)[i] = i * i % 7;
    if (hd_data_from_tensors(env, names, t, 2, &data, err) == HD_OK) data.classes = 7;
  }
  hd_tensor_free(&t[0]);
  hd_tensor_free(&t[1]);
  return data;
}

static int32_t label_of(const hd_data *data, int64_t i) {
  int32_t label = -1;
  hd_error err;
  int column = hd_data_column(data, "label");
  if (data->read(data->user, column, &i, 1, &label, &err)) fail_msg("%s", err.text);
  return label;
}

// The number that sample i of a part has in `numbers`.
static int64_t origin(const hd_data *data, int64_t i) {
  float x[3];
  hd_error err;
  if (data->read(data->user, 0, &i, 1, x, &err)) fail_msg("%s", err.text);
  assert_true(x[1] == 2 * x[0] && x[2] == 3 * x[0]);
  assert_int_equal(label_of(data, i), (int64_t)x[0] * (int64_t)x[0] % 7);
  return (int64_t)x[0];
}

static void tensors_are_read_by_sample(void **state) {
  (void)state;
  hd_error err;
  hd_data data = numbers(NULL, &err);
  assert_int_equal(data.samples, N);
  assert_int_equal(data.columns, 2);
  assert_int_equal(hd_data_column(&data, "x"), 0);
  assert_int_equal(hd_data_column(&data, "label"), 1);
  assert_int_equal(hd_data_column(&data, "nothing"), -1);
  assert_int_equal(hd_data_column(&data, NULL), -1);
  assert_true(hd_shape_equal(data.column[0].type.shape, HD_SHAPE(3)));
  assert_int_equal(data.column[1].type.shape.rank, 0);
  for (int64_t i = 0; i < N; i += 37) assert_int_equal(origin(&data, i), i);
  int64_t index[] = {999, 0, 999, 5};
  float x[4][3];
  assert_int_equal(data.read(data.user, 0, index, 4, x, &err), HD_OK);
  assert_true(x[0][1] == 1998 && x[1][2] == 0 && x[2][0] == 999 && x[3][0] == 5);
  index[3] = N;
  assert_int_equal(data.read(data.user, 0, index, 4, x, &err), HD_E_ARGUMENT);
  assert_string_equal(err.text, "sample 1000 asked for; there are 1000, numbered from 0");
  index[3] = -1;
  assert_int_equal(data.read(data.user, 1, index, 4, x, &err), HD_E_ARGUMENT);
  assert_int_equal(data.read(data.user, 2, index, 1, x, &err), HD_E_ARGUMENT);
  assert_int_equal(data.read(data.user, -1, index, 1, x, &err), HD_E_ARGUMENT);
  hd_data_free(&data);
  assert_null(data.user);
  hd_data_free(&data);
  hd_data_free(NULL);
}

static void bad_tensors_are_refused(void **state) {
  (void)state;
  float room[12] = {0};
  hd_error err;
  hd_data data;
  hd_tensor a = {.dtype = HD_F32, .shape = HD_SHAPE(4, 3), .data = room}, b = a, none = {0};
  struct {
    const char *names[2];
    hd_tensor t[2];
    int count;
    hd_status status;
    const char *text;
  } cases[] = {
      {{"x", "y"}, {a, b}, 0, HD_E_ARGUMENT, "0 columns given; 1 to 8 are possible"},
      {{"x", "y"}, {a, b}, 9, HD_E_ARGUMENT, "9 columns given"},
      {{"", "y"}, {a, b}, 2, HD_E_ARGUMENT, "column 0: the name"},
      {{"x", NULL}, {a, b}, 2, HD_E_ARGUMENT, "column 1: the name"},
      {{"a name of more than thirty-one bytes", "y"}, {a, b}, 2, HD_E_ARGUMENT, "1 to 31 bytes"},
      {{"x", "x"}, {a, b}, 2, HD_E_ARGUMENT, "two columns are called \"x\""},
      {{"x", "y"}, {a, none}, 2, HD_E_ARGUMENT, "column \"y\": the tensor holds nothing"},
      {{"x", "y"}, {a, b}, 2, HD_E_SHAPE, "column \"y\" has 3 samples, column \"x\" has 4"},
      {{"x", "y"}, {a, b}, 2, HD_E_SHAPE, "shape (); the first axis must count samples"},
      {{"x", "y"}, {a, b}, 2, HD_E_SHAPE, "shape (0, 3) has no samples"},
      {{"x", "y"}, {a, b}, 2, HD_E_SHAPE, "shape (N, 3); the first axis must count samples"}};
  cases[7].t[1].shape.d[0] = 3;
  cases[8].t[1].shape.rank = 0;
  cases[9].t[0].shape.d[0] = 0;
  cases[10].t[0].shape.d[0] = HD_BATCH;
  for (size_t i = 0; i < HD_COUNT(cases); i++) {
    hd_status status =
        hd_data_from_tensors(NULL, cases[i].names, cases[i].t, cases[i].count, &data, &err);
    if (status != cases[i].status || !strstr(err.text, cases[i].text))
      fail_msg("case %zu: %d %s", i, status, err.text);
    assert_null(data.user);
  }
  // A borrowed tensor stays the caller's.
  const char *const names[] = {"x"};
  assert_int_equal(hd_data_from_tensors(NULL, names, &a, 1, &data, &err), HD_OK);
  hd_data_free(&data);
}

static void views_translate_numbers(void **state) {
  (void)state;
  hd_error err;
  hd_data data = numbers(NULL, &err), view, inner;
  int64_t index[600];
  for (int i = 0; i < 600; i++) index[i] = i * 7 % N;
  assert_int_equal(hd_data_view(NULL, &data, index, 600, &view, &err), HD_OK);
  index[0] = 55;  // the list was copied
  assert_int_equal(view.samples, 600);
  assert_int_equal(view.classes, 7);
  for (int i = 0; i < 600; i++) assert_int_equal(origin(&view, i), i * 7 % N);
  float *x = malloc(sizeof *x * 3 * 600);
  int64_t all[600];
  for (int i = 0; i < 600; i++) all[i] = 599 - i;
  assert_int_equal(view.read(view.user, 0, all, 600, x, &err), HD_OK);  // more than one piece
  for (int i = 0; i < 600; i++) assert_true(x[3 * i] == (float)((599 - i) * 7 % N));
  all[599] = 600;
  assert_int_equal(view.read(view.user, 0, all, 600, x, &err), HD_E_ARGUMENT);
  free(x);
  int64_t few[] = {599, 3};
  assert_int_equal(hd_data_view(NULL, &view, few, 2, &inner, &err), HD_OK);  // of a view
  assert_int_equal(origin(&inner, 0), 599 * 7 % N);
  assert_int_equal(inner.read(inner.user, 5, few, 1, index, &err), HD_E_ARGUMENT);
  hd_data_free(&inner);
  few[1] = 600;
  assert_int_equal(hd_data_view(NULL, &view, few, 2, &inner, &err), HD_E_ARGUMENT);
  assert_null(inner.user);
  few[1] = -1;
  assert_int_equal(hd_data_view(NULL, &view, few, 2, &inner, &err), HD_E_ARGUMENT);
  assert_int_equal(hd_data_view(NULL, &view, few, 0, &inner, &err), HD_E_ARGUMENT);
  assert_int_equal(hd_data_view(NULL, NULL, few, 1, &inner, &err), HD_E_ARGUMENT);
  assert_int_equal(hd_data_view(NULL, &view, few, INT64_MAX, &inner, &err), HD_E_MEMORY);
  hd_data odd = view;
  odd.column[0].type.shape.d[0] = HD_BATCH;
  assert_int_equal(hd_data_view(NULL, &odd, few, 1, &inner, &err), HD_E_SHAPE);
  hd_data_free(&view);
  hd_data_free(&data);
}

// Counts that every sample of `numbers` is in exactly one of the two parts.
static void assert_parts(const hd_data *a, const hd_data *b) {
  char seen[N] = {0};
  assert_int_equal(a->samples + b->samples, N);
  for (int64_t i = 0; i < a->samples; i++) assert_int_equal(seen[origin(a, i)]++, 0);
  for (int64_t i = 0; i < b->samples; i++) assert_int_equal(seen[origin(b, i)]++, 0);
}

static void splits_are_whole_and_repeatable(void **state) {
  (void)state;
  hd_error err;
  hd_data data = numbers(NULL, &err), a, b, c, d;
  assert_int_equal(hd_data_split(NULL, &data, 0.25, 1, &a, &b, &err), HD_OK);
  assert_int_equal(b.samples, 250);
  assert_parts(&a, &b);
  assert_int_equal(hd_data_split(NULL, &data, 0.25, 1, &c, &d, &err), HD_OK);
  for (int64_t i = 0; i < 250; i++) assert_int_equal(origin(&b, i), origin(&d, i));
  hd_data_free(&c);
  hd_data_free(&d);
  assert_int_equal(hd_data_split(NULL, &data, 0.25, 2, &c, &d, &err), HD_OK);
  int same = 0;
  for (int64_t i = 0; i < 250; i++) same += origin(&b, i) == origin(&d, i);
  assert_in_range(same, 0, 10);
  hd_data_free(&a);
  hd_data_free(&b);
  hd_data_free(&c);
  hd_data_free(&d);
  static const double bad[] = {0, 1, -0.5, 1.5, 0.0001, 0.9999};
  for (size_t i = 0; i < HD_COUNT(bad); i++) {
    assert_int_equal(hd_data_split(NULL, &data, bad[i], 1, &a, &b, &err), HD_E_ARGUMENT);
    assert_non_null(strstr(err.text, "of 1000 samples leaves one part empty"));
  }
  assert_string_equal(err.text,
                      "split: a fraction of 0.9999 of 1000 samples leaves one part empty");
  hd_data_free(&data);
}

static void folds_are_stratified(void **state) {
  (void)state;
  hd_error err;
  hd_data data = numbers(NULL, &err), train, test;
  int total[7] = {0}, seen[N] = {0};
  for (int i = 0; i < N; i++) total[i * i % 7]++;
  for (int fold = 0; fold < 6; fold++) {
    assert_int_equal(hd_data_fold(NULL, &data, fold, 6, 3, &train, &test, &err), HD_OK);
    assert_parts(&train, &test);
    assert_in_range(test.samples, N / 6, N / 6 + 1);
    int count[7] = {0};
    for (int64_t i = 0; i < test.samples; i++) {
      count[label_of(&test, i)]++;
      seen[origin(&test, i)]++;
    }
    for (int c = 0; c < 7; c++) assert_in_range(count[c], total[c] / 6, (total[c] + 5) / 6);
    hd_data_free(&train);
    hd_data_free(&test);
  }
  for (int i = 0; i < N; i++) assert_int_equal(seen[i], 1);  // tested once
  data.classes = 0;                                          // then by chance only
  assert_int_equal(hd_data_fold(NULL, &data, 0, 6, 3, &train, &test, &err), HD_OK);
  assert_parts(&train, &test);
  hd_data_free(&train);
  hd_data_free(&test);
  static const int bad[][2] = {{0, 1}, {0, 0}, {-1, 3}, {3, 3}, {0, N + 1}};
  for (size_t i = 0; i < HD_COUNT(bad); i++)
    assert_int_equal(hd_data_fold(NULL, &data, bad[i][0], bad[i][1], 1, &train, &test, &err),
                     HD_E_ARGUMENT);
  data.classes = 4;  // fewer than there are
  assert_int_equal(hd_data_fold(NULL, &data, 0, 6, 3, &train, &test, &err), HD_E_FORMAT);
  assert_non_null(strstr(err.text, "there are 4 classes"));
  hd_data_free(&data);
}

static void stratified_splits_keep_the_shares(void **state) {
  (void)state;
  hd_error err;
  hd_data data = numbers(NULL, &err), a, b, c, d;
  int total[7] = {0};
  for (int i = 0; i < N; i++) total[i * i % 7]++;
  static const double fractions[] = {0.1, 0.25, 0.5, 0.9, 0.003};
  for (size_t k = 0; k < HD_COUNT(fractions); k++) {
    double f = fractions[k];
    int count[7] = {0};
    assert_int_equal(hd_data_split_stratified(NULL, &data, f, 1, &a, &b, &err), HD_OK);
    assert_int_equal(b.samples, (int)(f * N + 0.5));
    assert_parts(&a, &b);
    for (int64_t i = 0; i < b.samples; i++) count[label_of(&b, i)]++;
    for (int i = 0; i < 7; i++) assert_true(fabs(count[i] - f * total[i]) < 1);
    hd_data_free(&a);
    hd_data_free(&b);
  }
  assert_int_equal(hd_data_split_stratified(NULL, &data, 0.25, 1, &a, &b, &err), HD_OK);
  assert_int_equal(hd_data_split_stratified(NULL, &data, 0.25, 1, &c, &d, &err), HD_OK);
  int rising = 0;
  for (int64_t i = 0; i < 250; i++) assert_int_equal(origin(&b, i), origin(&d, i));
  for (int64_t i = 1; i < 250; i++) rising += origin(&b, i) > origin(&b, i - 1);
  assert_in_range(rising, 90, 160);  // shuffled
  hd_data_free(&a);
  hd_data_free(&b);
  hd_data_free(&c);
  hd_data_free(&d);
  assert_int_equal(hd_data_split_stratified(NULL, &data, 1, 1, &a, &b, &err), HD_E_ARGUMENT);
  assert_int_equal(hd_data_split_stratified(NULL, NULL, 0.5, 1, &a, &b, &err), HD_E_ARGUMENT);
  data.classes = 4;  // fewer than there are
  assert_int_equal(hd_data_split_stratified(NULL, &data, 0.5, 1, &a, &b, &err), HD_E_FORMAT);
  data.classes = 0;
  assert_int_equal(hd_data_split_stratified(NULL, &data, 0.5, 1, &a, &b, &err), HD_E_ARGUMENT);
  assert_string_equal(err.text,
                      "split: to stratify, the label must be a class, and here it is none");
  hd_data_free(&data);
}

static const char *all_of_it(const hd_env *env, void *arg) {
  (void)arg;
  hd_error err = {0};
  hd_data parts[8] = {{0}};
  hd_data data = numbers(env, &err);
  hd_status status = data.user ? HD_OK : HD_E_MEMORY;
  if (!status) status = hd_data_split(env, &data, 0.5, 1, &parts[0], &parts[1], &err);
  if (status && parts[0].user) return "a part was left after a failure";
  if (!status) status = hd_data_fold(env, &parts[0], 1, 3, 1, &parts[2], &parts[3], &err);
  if (!status) status = hd_xor_open(env, &parts[4], &err);
  if (!status) status = hd_iris_open(env, &parts[5], &err);
  if (!status) status = hd_data_split_stratified(env, &data, 0.5, 1, &parts[6], &parts[7], &err);
  for (int i = 7; i >= 0; i--) hd_data_free(&parts[i]);
  hd_data_free(&data);
  if (status && status != HD_E_MEMORY) return err.text[0] ? "not a memory error" : "no words";
  return status && !err.text[0] ? "no words" : NULL;
}

static void every_refusal_is_survived(void **state) {
  (void)state;
  int64_t runs = 0;
  const char *wrong = faults_each(all_of_it, NULL, EIO, &runs);
  if (wrong) fail_msg("%s", wrong);
  assert_true(runs > 30);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(tensors_are_read_by_sample),
                                     cmocka_unit_test(bad_tensors_are_refused),
                                     cmocka_unit_test(views_translate_numbers),
                                     cmocka_unit_test(splits_are_whole_and_repeatable),
                                     cmocka_unit_test(folds_are_stratified),
                                     cmocka_unit_test(stratified_splits_keep_the_shares),
                                     cmocka_unit_test(every_refusal_is_survived)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
