// Folders of images: what is read in which order, and what is refused.
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
#include "image.h"
#include "table.h"

static char root[TEMP_PATH];
static char made[64][TEMP_PATH + 40];
static int count;

static char *path_of(const char *name) {
  static char path[TEMP_PATH + 40];
  snprintf(path, sizeof path, "%s/%s", root, name);
  return path;
}

static void keep(const char *name, const char *bytes, size_t size) {
  FILE *f = fopen(path_of(name), "wb");
  assert_non_null(f);
  fwrite(bytes, 1, size, f);
  fclose(f);
  strcpy(made[count++], path_of(name));
}

static void dir(const char *name) {
  assert_int_equal(mkdir(path_of(name), 0777), 0);
  strcpy(made[count++], path_of(name));
}

// A grey image of one value.
static void gray(const char *name, int height, int width, int value) {
  char bytes[256];
  int head = snprintf(bytes, sizeof bytes, "P5 %d %d 255\n", width, height);
  memset(bytes + head, value, (size_t)(height * width));
  keep(name, bytes, (size_t)(head + height * width));
}

static int start(void **state) {
  (void)state;
  count = 0;
  if (!mkdtemp(temp_template(root, "folder", ""))) return -1;
  dir("set");
  dir("set/dog");
  dir("set/cat");
  dir("set/ant");
  gray("set/dog/b.pgm", 2, 3, 1);
  gray("set/dog/a.pgm", 2, 3, 2);
  gray("set/cat/10.pgm", 2, 3, 3);
  gray("set/cat/9.pgm", 2, 3, 4);
  gray("set/cat/.hidden", 2, 3, 5);
  keep("set/.notes", "x", 1);
  return 0;
}

static int end(void **state) {
  (void)state;
  while (count > 0) remove(made[--count]);
  return rmdir(root);
}

static void classes_and_files_in_order(void **state) {
  (void)state;
  hd_data d;
  hd_error err = {0};
  int64_t index[] = {0, 1, 2, 3};
  uint8_t pixel[4 * 6];
  int32_t label[4];
  static const int want[] = {3, 4, 2, 1};
  if (hd_data_image_folder(NULL, path_of("set"), &d, &err)) fail_msg("%s", err.text);
  assert_int_equal(d.samples, 4);
  assert_int_equal(d.classes, 3);
  assert_string_equal(d.class_names[0], "ant");
  assert_string_equal(d.class_names[1], "cat");
  assert_string_equal(d.class_names[2], "dog");
  assert_string_equal(d.column[0].name, "image");
  assert_true(hd_shape_equal(d.column[0].type.shape, HD_SHAPE(2, 3, 1)));
  assert_int_equal(d.read(d.user, 0, index, 4, pixel, &err), HD_OK);
  assert_int_equal(d.read(d.user, 1, index, 4, label, &err), HD_OK);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(pixel[i * 6], want[i]);
    assert_int_equal(label[i], i / 2 + 1);
  }
  hd_data_free(&d);
}

static void sizes_and_channels_are_made_one(void **state) {
  (void)state;
  hd_data d;
  hd_error err;
  gray("set/ant/odd.pgm", 5, 4, 9);
  assert_int_equal(hd_data_image_folder(NULL, path_of("set"), &d, &err), HD_E_SHAPE);
  assert_non_null(strstr(err.text,
                         "set/cat/10.pgm: the image is (2, 3, 1) (H, W, C), those before "
                         "it are (5, 4, 1)"));
  assert_int_equal(
      hd_data_image_folder(NULL, path_of("set"), &d, &err, .height = 4, .width = 6, .channels = 3),
      HD_OK);
  assert_true(hd_shape_equal(d.column[0].type.shape, HD_SHAPE(4, 6, 3)));
  uint8_t pixel[72];
  assert_int_equal((d.read(d.user, 0, (int64_t[]){0}, 1, pixel, &err)), HD_OK);
  for (int i = 0; i < 72; i++) assert_int_equal(pixel[i], 9);
  hd_data_free(&d);
  assert_int_equal(hd_data_image_folder(NULL, path_of("set"), &d, &err, .height = 4, .width = 6,
                                        .most_bytes = 119),
                   HD_E_LIMIT);
  assert_int_equal(hd_data_image_folder(NULL, path_of("set"), &d, &err, .height = 4, .width = 6,
                                        .most_pixels = 19),
                   HD_E_LIMIT);
  assert_non_null(strstr(err.text, "odd.pgm"));
  assert_int_equal(hd_data_image_folder(NULL, path_of("set"), &d, &err, .height = 4),
                   HD_E_ARGUMENT);
}

static void classes_may_be_given(void **state) {
  (void)state;
  hd_data d;
  hd_error err;
  int32_t label;
  static const char *const order[] = {"dog", "none", "cat", "ant", NULL};
  assert_int_equal(hd_data_image_folder(NULL, path_of("set"), &d, &err, .classes = order), HD_OK);
  assert_int_equal(d.classes, 4);
  assert_int_equal(d.read(d.user, 1, (int64_t[]){3}, 1, &label, &err), HD_OK);
  assert_int_equal(label, 2);
  hd_data_free(&d);
  static const char *const few[] = {"dog", "cat", NULL};
  assert_int_equal(hd_data_image_folder(NULL, path_of("set"), &d, &err, .classes = few),
                   HD_E_FORMAT);
  assert_non_null(strstr(err.text, "set/ant: is none of the 2 classes"));
}

static void by_name_with_and_without_a_test_part(void **state) {
  (void)state;
  hd_data d;
  hd_error err = {0};
  assert_int_equal(hd_data_open(NULL, path_of("set"), "train", &d, &err), HD_OK);
  hd_data_free(&d);
  assert_int_equal(hd_data_open(NULL, path_of("set"), "test", &d, &err), HD_E_NOT_FOUND);
  dir("two");
  dir("two/train");
  dir("two/test");
  dir("two/train/a");
  dir("two/train/b");
  dir("two/test/b");
  gray("two/train/a/1.pgm", 1, 1, 7);
  gray("two/test/b/1.pgm", 1, 1, 8);
  int32_t label;
  assert_int_equal(hd_data_open(NULL, path_of("two"), "train", &d, &err), HD_OK);
  assert_int_equal(d.classes, 2);
  hd_data_free(&d);
  assert_int_equal(hd_data_open(NULL, path_of("two"), "test", &d, &err), HD_OK);
  assert_int_equal(d.classes, 2);  // those of train
  assert_int_equal(d.read(d.user, 1, (int64_t[]){0}, 1, &label, &err), HD_OK);
  assert_int_equal(label, 1);
  hd_data_free(&d);
}

static void what_is_no_set_is_refused(void **state) {
  (void)state;
  hd_data d;
  hd_error err;
  assert_int_equal(hd_data_image_folder(NULL, path_of("none"), &d, &err), HD_E_NOT_FOUND);
  assert_int_equal(hd_data_image_folder(NULL, path_of("set/.notes"), &d, &err), HD_E_IO);
  assert_int_equal(hd_data_image_folder(NULL, path_of("set/dog"), &d, &err), HD_E_FORMAT);
  assert_non_null(strstr(err.text, "set/dog/a.pgm: a file beside the class folders"));
  assert_int_equal(hd_data_image_folder(NULL, "", &d, &err), HD_E_ARGUMENT);
  dir("empty");
  assert_int_equal(hd_data_image_folder(NULL, path_of("empty"), &d, &err), HD_E_NOT_FOUND);
  assert_non_null(strstr(err.text, "no subfolders"));
  dir("empty/a");
  assert_int_equal(hd_data_image_folder(NULL, path_of("empty"), &d, &err), HD_E_NOT_FOUND);
  assert_non_null(strstr(err.text, "no images in its 1 subfolders"));
  keep("set/dog/c.pgm", "P5 2", 4);
  assert_int_equal(hd_data_image_folder(NULL, path_of("set"), &d, &err), HD_E_FORMAT);
  assert_non_null(strstr(err.text, "set/dog/c.pgm: "));
  dir("set/dog/more");
  assert_int_equal(hd_data_image_folder(NULL, path_of("set"), &d, &err), HD_E_FORMAT);
  assert_non_null(strstr(err.text, "set/dog/more: a folder"));
  hd_io io = *hd_env_io(NULL);
  io.list = NULL;
  hd_env env = {.io = &io};
  assert_int_equal(hd_data_image_folder(&env, path_of("set"), &d, &err), HD_E_UNSUPPORTED);
}

static const char *once(const hd_env *env, void *arg) {
  hd_data d;
  hd_error err = {0};
  hd_status status =
      hd_data_open(env, arg, "train", &d, &err, .images.height = 3, .images.width = 3);
  if (status && !*err.text) return "no message";
  if ((status == HD_OK) != (d.samples == 4)) return "status and data differ";
  hd_data_free(&d);
  return NULL;
}

static void every_failing_call_is_clean(void **state) {
  (void)state;
  int64_t runs = 0;
  char path[TEMP_PATH + 40];
  strcpy(path, path_of("set"));
  const char *wrong = faults_each(once, path, EACCES, &runs);
  if (wrong) fail_msg("%s", wrong);
  assert_true(runs > 60);
}

// Many entries, listed in any order by the layer.
static int many(void *user, const char *path, void (*see)(void *arg, const char *name, bool folder),
                void *arg) {
  (void)path;
  int n = *(int *)user;
  for (int i = 0; i < n; i++) {
    char name[16];
    snprintf(name, sizeof name, "%05d", i * 7919 % n);
    see(arg, name, false);
  }
  return 0;
}

static void entries_are_sorted(void **state) {
  (void)state;
  for (int n = 0; n < 300; n = n * 3 / 2 + 1) {
    hd_io io = {.user = &n, .list = many};
    hd_env env = {.io = &io};
    hd_arena arena = {.env = env};
    hd_dir_entry *entry;
    int64_t entries;
    assert_int_equal(hd_dir_list(&env, "x", &arena, &entry, &entries, NULL), HD_OK);
    assert_int_equal(entries, n);
    for (int i = 1; i < n; i++) assert_true(strcmp(entry[i - 1].name, entry[i].name) < 0);
    hd_arena_free(&arena);
  }
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)
  const struct CMUnitTest tests[] = {
      TEST(classes_and_files_in_order),    TEST(sizes_and_channels_are_made_one),
      TEST(classes_may_be_given),          TEST(by_name_with_and_without_a_test_part),
      TEST(what_is_no_set_is_refused),     TEST(every_failing_call_is_clean),
      cmocka_unit_test(entries_are_sorted)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
