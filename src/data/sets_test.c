// Sets by name: what is built in is right to the last sample, what is missing is said to be, and
// damaged files are refused.
#define _POSIX_C_SOURCE 200809L
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../test/faults.h"
#include "../../test/temp.h"
#include "table.h"

static char root[TEMP_PATH];

static int make_folders(void **state) {
  (void)state;
  char at[2 * TEMP_PATH];
  if (!mkdtemp(temp_template(root, "sets", ""))) return -1;
  static const char *const inner[] = {"mnist", "fashion-mnist", "digits"};
  for (size_t i = 0; i < HD_COUNT(inner); i++) {
    snprintf(at, sizeof at, "%s/%s", root, inner[i]);
    if (mkdir(at, 0777)) return -1;
  }
  return 0;
}

static int remove_folders(void **state) {
  (void)state;
  char command[2 * TEMP_PATH];
  snprintf(command, sizeof command, "rm -rf '%s'", root);
  return system(command);
}

static void put(const char *name, const void *bytes, size_t count) {
  char path[2 * TEMP_PATH];
  hd_error err;
  snprintf(path, sizeof path, "%s/%s", root, name);
  if (hd_file_write(NULL, path, bytes, count, &err)) fail_msg("%s", err.text);
}

static void take(const char *name) {
  char path[2 * TEMP_PATH];
  snprintf(path, sizeof path, "%s/%s", root, name);
  unlink(path);
}

static const void *column(const hd_data *data, int i) {
  return ((hd_table *)data->user)->column[i].data;
}

static void the_list_is_true(void **state) {
  (void)state;
  int count = 0;
  const hd_data_info *list = hd_data_list(&count);
  assert_int_equal(count, 5);
  assert_ptr_equal(hd_data_list(NULL), list);
  for (int i = 0; i < 3; i++) {  // what needs no download
    hd_data data;
    hd_error err;
    if (hd_data_open(NULL, list[i].id, "train", &data, &err)) fail_msg("%s", err.text);
    assert_int_equal(data.samples, list[i].train);
    hd_data_free(&data);
    hd_status status = hd_data_open(NULL, list[i].id, "test", &data, &err);
    if (list[i].test) assert_int_equal(data.samples, list[i].test);
    else assert_int_equal(status, HD_E_NOT_FOUND);
    hd_data_free(&data);
  }
}

static void xor_is_right(void **state) {
  (void)state;
  hd_data d;
  hd_error err;
  assert_int_equal(hd_data_open(NULL, "xor", "train", &d, &err), HD_OK);
  assert_true(d.samples == 4 && d.columns == 3 && d.classes == 2);
  assert_true(hd_shape_equal(d.column[0].type.shape, HD_SHAPE(2)));
  assert_true(hd_shape_equal(d.column[2].type.shape, HD_SHAPE(1)));
  const float *x = column(&d, 0), *target = column(&d, 2);
  for (int i = 0; i < 4; i++) {
    int expected = (x[2 * i] > 0.5f) != (x[2 * i + 1] > 0.5f);
    assert_true(((const int32_t *)column(&d, 1))[i] == expected && target[i] == (float)expected);
  }
  assert_string_equal(d.class_names[1], "1");
  hd_data_free(&d);
  assert_int_equal(hd_data_open(NULL, "xor", "test", &d, &err), HD_E_NOT_FOUND);
  assert_string_equal(err.text, "data xor: there is no test part; split the training part");
}

// Sums and corners as published with the set (iris.names: means 5.84 3.05 3.76 1.20).
static void iris_is_right(void **state) {
  (void)state;
  hd_data d;
  hd_error err;
  assert_int_equal(hd_data_open(NULL, "iris", "train", &d, &err), HD_OK);
  assert_true(d.samples == 150 && d.classes == 3);
  assert_string_equal(d.class_names[2], "virginica");
  const float *x = column(&d, 0);
  double sum[4] = {0};
  for (int i = 0; i < 600; i++) sum[i % 4] += (double)x[i];
  static const double expected[4] = {876.5, 458.6, 563.7, 179.9};  // with Fisher's rows 35 and 38
  for (int i = 0; i < 4; i++)
    assert_true(sum[i] - expected[i] < 1e-4 && expected[i] - sum[i] < 1e-4);
  assert_true(x[0] == 5.1f && x[1] == 3.5f && x[2] == 1.4f && x[3] == 0.2f);
  assert_true(x[4 * 34 + 3] == 0.2f && x[4 * 37 + 1] == 3.6f && x[4 * 37 + 2] == 1.4f);
  assert_true(x[596] == 5.9f && x[597] == 3.0f && x[598] == 5.1f && x[599] == 1.8f);
  for (int i = 0; i < 150; i++) assert_int_equal(((const int32_t *)column(&d, 1))[i], i / 50);
  hd_data_free(&d);
}

static void digits_are_right(void **state) {
  (void)state;
  static const int per_class[10] = {376, 389, 380, 389, 387, 376, 377, 387, 380, 382};
  hd_data d;
  hd_error err;
  int count[10] = {0}, most = 0;
  if (hd_data_open(NULL, "digits", "train", &d, &err)) fail_msg("%s", err.text);
  assert_true(d.classes == 10 && d.column[0].type.dtype == HD_U8);
  assert_string_equal(d.column[0].name, "image");
  assert_true(hd_shape_equal(d.column[0].type.shape, HD_SHAPE(8, 8, 1)));
  const uint8_t *pixel = column(&d, 0);
  for (int i = 0; i < 3823; i++) count[((const int32_t *)column(&d, 1))[i]]++;
  for (int i = 0; i < 10; i++) assert_int_equal(count[i], per_class[i]);
  for (int i = 0; i < 3823 * 64; i++) most = HD_MAX(most, pixel[i]);
  assert_int_equal(most, 16);
  assert_true(pixel[2] == 6 && pixel[3] == 15 && pixel[9] == 7);  // the first row of the file
  hd_data_free(&d);
  assert_int_equal(hd_data_open(NULL, "digits", "test", &d, &err), HD_OK);
  assert_int_equal(d.samples, 1797);
  hd_data_free(&d);
}

static void bad_digits_are_refused(void **state) {
  (void)state;
  hd_data d;
  hd_error err;
  char row[400] = "", file[800];
  for (int i = 0; i < 64; i++) strcat(row, "16,");
  static const struct {
    const char *start, *label, *text;
  } cases[] = {{"16,", "10", "digits/train.csv:2: column 65: \"10\" is none of the 10 classes"},
               {"17,", "3", "digits/train.csv:2: column 1: 17 is not a whole number in 0..16"},
               {"-1,", "3", "digits/train.csv:2: column 1: -1 is not a whole number in 0..16"},
               {".5,", "3", "digits/train.csv:2: column 1: 0.5 is not a whole number in 0..16"}};
  for (size_t i = 0; i < HD_COUNT(cases); i++) {
    snprintf(file, sizeof file, "%s7\n%s%s%s\n", row, cases[i].start, row + 3, cases[i].label);
    put("digits/train.csv", file, strlen(file));
    assert_int_equal(hd_data_open(NULL, "digits", "train", &d, &err, .root = root), HD_E_FORMAT);
    if (!strstr(err.text, cases[i].text)) fail_msg("%s", err.text);
  }
  put("digits/train.csv", "1,2,3\n", 6);
  assert_int_equal(hd_data_open(NULL, "digits", "train", &d, &err, .root = root), HD_E_FORMAT);
  assert_non_null(strstr(err.text, "2 columns beside the label; an 8 by 8 image has 64"));
  take("digits/train.csv");  // then the place after it
  assert_int_equal(hd_data_open(NULL, "digits", "train", &d, &err, .root = root), HD_OK);
  hd_data_free(&d);
  assert_int_equal(hd_data_open(NULL, "digits", "train", &d, &err, .root = root, .shared = "/none"),
                   HD_E_NOT_FOUND);
  assert_non_null(strstr(err.text, "/digits, /none/digits"));
}

static void idx_sets_are_found_and_checked(void **state) {
  (void)state;
  static const char images[] = "\0\0\x08\3\0\0\0\2\0\0\0\2\0\0\0\1\1\2\3\4";
  hd_data d;
  hd_error err;
  hd_status status = hd_data_open(NULL, "mnist", "train", &d, &err, .root = root, .cache = "/c");
  assert_int_equal(status, HD_E_NOT_FOUND);
  assert_non_null(strstr(err.text, "mnist: train-images-idx3-ubyte[.gz] is not in "));
  assert_non_null(strstr(err.text, root));
  assert_non_null(strstr(err.text, "/mnist, /c/mnist. "));
  assert_non_null(strstr(err.text, "dataset-fashion-mnist"));
  assert_int_equal(hd_data_open(NULL, "mnist", "test", &d, &err), HD_E_NOT_FOUND);
  assert_non_null(strstr(err.text, "t10k-images-idx3-ubyte[.gz] is not in any place"));

  put("mnist/train-images-idx3-ubyte", images, 20);
  status = hd_data_open(NULL, "mnist", "train", &d, &err, .root = root);
  assert_int_equal(status, HD_E_NOT_FOUND);
  assert_non_null(strstr(err.text, "the images are there, the labels are not: "));
  assert_non_null(strstr(err.text, "train-labels-idx1-ubyte"));

  put("mnist/train-labels-idx1-ubyte", "\0\0\x08\1\0\0\0\2\7\x09", 10);
  if (hd_data_open(NULL, "mnist", "train", &d, &err, .cache = root)) fail_msg("%s", err.text);
  assert_true(d.samples == 2 && d.classes == 10);
  assert_true(hd_shape_equal(d.column[0].type.shape, HD_SHAPE(2, 1, 1)));
  assert_int_equal(((const uint8_t *)column(&d, 0))[3], 4);
  assert_int_equal(((const int32_t *)column(&d, 1))[1], 9);
  hd_data_free(&d);

  static const struct {
    const char *bytes;
    size_t count;
    const char *text;
  } bad[] = {{"\0\0\x08\1\0\0\0\3\7\x09\0", 11, "has 2 images, "},
             {"\0\0\x08\1\0\0\0\2\7\x0A", 10, "sample 1 (from 0) has label 10; classes are 0 to 9"},
             {"\0\0\x09\1\0\0\0\2\7\x09", 10, "i8 (2); labels are u8 (N)"},
             {"\0\0\x08\2\0\0\0\2\0\0\0\1\7\x09", 14, "u8 (2, 1); labels are u8 (N)"},
             {"\0\0\x08\1\0\0\0\2\7", 9,
              "the header promises u8 (2), 2 bytes from offset 8; the file has 1"}};
  for (size_t i = 0; i < HD_COUNT(bad); i++) {
    put("mnist/train-labels-idx1-ubyte", bad[i].bytes, bad[i].count);
    assert_int_equal(hd_data_open(NULL, "mnist", "train", &d, &err, .root = root), HD_E_FORMAT);
    if (!strstr(err.text, bad[i].text)) fail_msg("%s", err.text);
  }
  put("mnist/train-images-idx3-ubyte", "\0\0\x08\1\0\0\0\1\1", 9);
  put("mnist/train-labels-idx1-ubyte", "\0\0\x08\1\0\0\0\1\1", 9);
  assert_int_equal(hd_data_open(NULL, "mnist", "train", &d, &err, .root = root), HD_E_FORMAT);
  assert_non_null(strstr(err.text, "u8 (1); images are u8 (N, H, W)"));
}

static void names_and_parts_are_checked(void **state) {
  (void)state;
  hd_data d;
  hd_error err;
  assert_int_equal(hd_data_open(NULL, "irsi", "train", &d, &err), HD_E_NOT_FOUND);
  assert_non_null(strstr(err.text, "no data set \"irsi\"; did you mean \"iris\"?"));
  assert_int_equal(hd_data_open(NULL, "/a/b.txt", "train", &d, &err), HD_E_NOT_FOUND);
  assert_non_null(strstr(err.text, "ends in .csv"));
  assert_int_equal(hd_data_open(NULL, "", "train", &d, &err), HD_E_ARGUMENT);
  assert_int_equal(hd_data_open(NULL, NULL, "train", &d, &err), HD_E_ARGUMENT);
  assert_int_equal(hd_data_open(NULL, "xor", "valid", &d, &err), HD_E_ARGUMENT);
  assert_string_equal(err.text, "data xor: the part is \"train\" or \"test\", not \"valid\"");
  assert_int_equal(hd_data_open(NULL, "xor", NULL, &d, &err), HD_E_ARGUMENT);
  char *lengthy = malloc(5001), path[2 * TEMP_PATH];
  memset(lengthy, 'x', 5000);
  lengthy[5000] = 0;
  assert_int_equal(hd_data_open(NULL, "mnist", "train", &d, &err, .root = lengthy), HD_E_LIMIT);
  free(lengthy);

  put("table.csv", "a,b\n1,x\n2,y\n", 12);
  snprintf(path, sizeof path, "%s/table.csv", root);
  assert_int_equal(hd_data_open(NULL, path, "train", &d, &err, .csv.label = "b"), HD_OK);
  assert_int_equal(d.samples, 2);
  hd_data_free(&d);
  assert_int_equal(hd_data_open(NULL, path, "test", &d, &err), HD_E_NOT_FOUND);
  assert_int_equal(hd_data_open(NULL, "/no/such.csv", "train", &d, &err), HD_E_NOT_FOUND);
}

static const char *open_them(const hd_env *env, void *arg) {
  (void)arg;
  hd_error err = {0};
  hd_data d;
  hd_status status = hd_data_open(env, "mnist", "train", &d, &err, .root = "/none", .cache = root);
  if (!status && d.samples != 2) return "wrong samples";
  hd_data_free(&d);
  if (!status) {
    status = hd_data_open(env, "digits", "train", &d, &err, .root = root);
    hd_data_free(&d);
  }
  if (!status) return NULL;
  if (status != HD_E_MEMORY && status != HD_E_IO) return "neither memory nor input";
  return err.text[0] ? NULL : "no words";
}

static void every_fault_is_survived(void **state) {
  (void)state;
  put("mnist/train-images-idx3-ubyte", "\0\0\x08\3\0\0\0\2\0\0\0\2\0\0\0\1\1\2\3\4", 20);
  put("mnist/train-labels-idx1-ubyte", "\0\0\x08\1\0\0\0\2\7\x09", 10);
  char row[400] = "";
  for (int i = 0; i < 64; i++) strcat(row, "16,");
  strcat(row, "7\n");
  put("digits/train.csv", row, strlen(row));
  int64_t runs = 0;
  const char *wrong = faults_each(open_them, NULL, EIO, &runs);
  if (wrong) fail_msg("%s", wrong);
  assert_true(runs > 50);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_list_is_true),
                                     cmocka_unit_test(xor_is_right),
                                     cmocka_unit_test(iris_is_right),
                                     cmocka_unit_test(digits_are_right),
                                     cmocka_unit_test(bad_digits_are_refused),
                                     cmocka_unit_test(idx_sets_are_found_and_checked),
                                     cmocka_unit_test(names_and_parts_are_checked),
                                     cmocka_unit_test(every_fault_is_survived)};
  return cmocka_run_group_tests(tests, make_folders, remove_folders);
}
