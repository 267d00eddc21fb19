// Saving and loading: bit for bit, all or nothing, and the old file survives whatever call fails.
#define _POSIX_C_SOURCE 200809L
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "../../test/faults.h"
#include "../../test/temp.h"
#include "safetensors.h"

static char folder[TEMP_PATH], path[TEMP_PATH + 32];

static int make_folder(void **state) {
  (void)state;
  if (!mkdtemp(temp_template(folder, "save", ""))) return -1;
  snprintf(path, sizeof path, "%s/model.safetensors", folder);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  char command[2 * TEMP_PATH];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command);
}

static int entries(void) {
  DIR *dir = opendir(folder);
  int count = 0;
  while (dir && readdir(dir)) count++;
  if (dir) closedir(dir);
  return count - 2;
}

static void *contents(size_t *count) {
  void *bytes;
  hd_error err;
  if (hd_file_read(NULL, path, 1 << 30, &bytes, count, &err)) fail_msg("%s", err.text);
  return bytes;
}

static const struct {
  const char *name;
  hd_role role;
  hd_dtype dtype;
  hd_shape shape;
} made[] = {{"dense_1/weight", HD_WEIGHT, HD_F32, {2, {5, 3}}},
            {"norm/mean", HD_STATISTIC, HD_F64, {1, {3}}},
            {"dense_1/bias \"\xC3\xA9\"", HD_WEIGHT, HD_F32, {1, {3}}},
            {"dense_1/weight/momentum", HD_OPTIMIZER_STATE, HD_F32, {2, {5, 3}}},
            {"cell/state", HD_CARRIED, HD_BF16, {3, {1, 1, 7}}},
            {"flag", HD_STATISTIC, HD_BOOL, {1, {3}}},
            {"steps", HD_OPTIMIZER_STATE, HD_I64, {0, {0}}},
            {"empty", HD_WEIGHT, HD_F32, {2, {0, 4}}}};

static int64_t bytes_of(const hd_parameter *p) {
  return hd_shape_count(p->type.shape) * (int64_t)hd_dtype_size(p->type.dtype);
}

// The parameters above, in that order or backwards, with bytes that depend on name and `salt`.
static hd_store *store_of(const hd_env *env, bool backwards, int salt) {
  hd_env one = {0};
  if (env) one = *env;
  one.threads = 1;
  hd_store *store = hd_store_new(&one);
  int count = (int)HD_COUNT(made);
  for (int i = 0; store && i < count; i++) {
    int k = backwards ? count - 1 - i : i;
    const hd_parameter *p;
    hd_type type = {made[k].dtype, made[k].shape};
    if (hd_store_put(store, made[k].name, made[k].role, type, &p, NULL)) {
      hd_store_free(store);
      return NULL;
    }
    for (int64_t b = 0; b < bytes_of(p); b++)
      ((unsigned char *)p->data)[b] = made[k].dtype == HD_BOOL
                                          ? (unsigned char)(b & 1)
                                          : (unsigned char)(31 * b + 7 * k + salt);
  }
  return store;
}

static bool same(const hd_store *a, const hd_store *b, const char *name) {
  const hd_parameter *p = hd_store_find(a, name), *q = hd_store_find(b, name);
  return p && q && p->role == q->role && p->type.dtype == q->type.dtype &&
         hd_shape_equal(p->type.shape, q->type.shape) &&
         memcmp(p->data, q->data, (size_t)bytes_of(p)) == 0;
}

static void a_store_comes_back(void **state) {
  (void)state;
  hd_error err;
  hd_store *a = store_of(NULL, false, 1), *b = hd_store_new(&(hd_env){.threads = 1});
  if (hd_save(a, path, &err, .all = true)) fail_msg("%s", err.text);
  if (hd_load(b, path, &err)) fail_msg("%s", err.text);
  assert_int_equal(hd_store_count(b), HD_COUNT(made));
  for (size_t i = 0; i < HD_COUNT(made); i++) assert_true(same(a, b, made[i].name));
  hd_store_free(b);
  b = store_of(NULL, true, 2);  // into one that has them already
  if (hd_load(b, path, &err)) fail_msg("%s", err.text);
  for (size_t i = 0; i < HD_COUNT(made); i++) assert_true(same(a, b, made[i].name));
  assert_int_equal(hd_store_count(b), HD_COUNT(made));
  hd_store_free(b);
  if (hd_save(a, path, &err)) fail_msg("%s", err.text);  // weights and statistics
  hd_tensors *t = hd_tensors_open(NULL, path, &err);
  assert_int_equal(hd_tensors_count(t), 5);
  assert_int_equal(hd_tensors_find(t, "steps"), -1);
  assert_string_equal(hd_tensors_meta(t, HD_ST_ROLES), "wwwss");
  hd_tensors_free(t);
  hd_store_free(a);
}

static void equal_stores_give_equal_bytes(void **state) {
  (void)state;
  hd_error err;
  static const char *const meta[] = {"architecture", "{\"layers\": [1, 2]}\n", "", "", NULL};
  hd_store *a = store_of(NULL, false, 1), *b = store_of(NULL, true, 1);
  size_t one, two;
  assert_int_equal(hd_save(a, path, &err, .all = true, .meta = meta), HD_OK);
  void *first = contents(&one);
  assert_int_equal(hd_save(b, path, &err, .all = true, .meta = meta), HD_OK);
  void *second = contents(&two);
  assert_int_equal(one, two);
  assert_memory_equal(first, second, one);
  assert_int_equal(((unsigned char *)first)[0] % 8, 0);  // the header's length
  hd_tensors *t = hd_tensors_open(NULL, path, &err);
  assert_string_equal(hd_tensors_meta(t, "architecture"), meta[1]);
  assert_string_equal(hd_tensors_meta(t, ""), "");
  hd_tensors_free(t);
  hd_store *none = hd_store_new(&(hd_env){.threads = 1});
  assert_int_equal(hd_save(none, path, &err), HD_OK);  // an empty one is fine, too
  assert_int_equal(hd_load(none, path, &err), HD_OK);
  assert_int_equal(hd_store_count(none), 0);
  hd_store_free(none);
  hd_release(NULL, first);
  hd_release(NULL, second);
  hd_store_free(a);
  hd_store_free(b);
}

static void bad_calls_are_refused(void **state) {
  (void)state;
  hd_error err;
  hd_store *a = store_of(NULL, false, 1);
  static const char *const alone[] = {"key", NULL}, *const own[] = {"hadal.roles", "w", NULL},
                           *const twice[] = {"k", "1", "k", "2", NULL};
  assert_int_equal(hd_save(NULL, path, &err), HD_E_ARGUMENT);
  assert_int_equal(hd_save(a, NULL, &err), HD_E_ARGUMENT);
  assert_int_equal(hd_load(NULL, path, &err), HD_E_ARGUMENT);
  assert_int_equal(hd_load(a, NULL, &err), HD_E_ARGUMENT);
  assert_int_equal(hd_load_tensors(a, NULL, &err), HD_E_ARGUMENT);
  assert_int_equal(hd_save(a, path, &err, .meta = alone), HD_E_ARGUMENT);
  assert_non_null(strstr(err.text, "metadata: the key \"key\" has no value"));
  assert_int_equal(hd_save(a, path, &err, .meta = own), HD_E_ARGUMENT);
  assert_non_null(strstr(err.text, "metadata: the key \"hadal.roles\" is the writer's own"));
  assert_int_equal(hd_save(a, path, &err, .meta = twice), HD_E_ARGUMENT);
  assert_non_null(strstr(err.text, "is given twice"));
  assert_int_equal(hd_load(a, "/no/such", &err), HD_E_NOT_FOUND);
  assert_int_equal(hd_load(a, "/no/such", NULL), HD_E_NOT_FOUND);
  hd_type type = {HD_U8, {1, {1}}};
  static const char *const bad[] = {"__metadata__", "bad \xFF name"};
  hd_store_free(a);
  for (size_t i = 0; i < HD_COUNT(bad); i++) {
    a = hd_store_new(&(hd_env){.threads = 1});
    assert_int_equal(hd_store_put(a, bad[i], HD_WEIGHT, type, NULL, &err), HD_OK);
    assert_int_equal(hd_save(a, path, &err), HD_E_ARGUMENT);
    assert_non_null(strstr(err.text, path));
    hd_store_free(a);
  }
}

static void a_file_that_does_not_fit_changes_nothing(void **state) {
  (void)state;
  hd_error err;
  hd_store *a = store_of(NULL, false, 1), *b = hd_store_new(&(hd_env){.threads = 1});
  assert_int_equal(hd_save(a, path, &err, .all = true), HD_OK);
  const hd_parameter *p;
  hd_type type = {HD_F32, {2, {3, 5}}};  // the last in order of name but for one
  assert_int_equal(hd_store_put(b, "dense_1/weight", HD_WEIGHT, type, &p, &err), HD_OK);
  memset(p->data, 9, 60);
  assert_int_equal(hd_load(b, path, &err), HD_E_SHAPE);
  assert_non_null(strstr(err.text,
                         "tensor \"dense_1/weight\": the file holds f32 (5, 3), the "
                         "network wants f32 (3, 5)"));
  assert_non_null(strstr(err.text, path));
  assert_int_equal(hd_store_count(b), 1);
  for (int i = 0; i < 60; i++) assert_int_equal(((unsigned char *)p->data)[i], 9);
  hd_store_free(a);
  hd_store_free(b);
}

static void roles_are_checked(void **state) {
  (void)state;
  static const struct {
    const char *roles, *text;
  } cases[] = {{"ww", "f: hadal.roles names 2 roles; there are 1 tensors"},
               {"", "f: hadal.roles names 0 roles"},
               {"x", "f: hadal.roles: 'x' is no role; known are wsoc"}};
  for (size_t i = 0; i < HD_COUNT(cases); i++) {
    char file[300];
    hd_error err;
    int n =
        snprintf(file + 8, sizeof file - 8,
                 "{\"__metadata__\":{\"hadal.roles\":\"%s\"},\"a\":{\"dtype\":\"U8\",\"shape\":[1],"
                 "\"data_offsets\":[0,1]}}.",
                 cases[i].roles);
    memset(file, 0, 8);
    file[0] = (char)(n - 1);
    hd_tensors *t = hd_tensors_parse(NULL, "f", file, (size_t)n + 8, &err);
    if (!t) fail_msg("%s", err.text);
    hd_store *store = hd_store_new(&(hd_env){.threads = 1});
    assert_int_equal(hd_load_tensors(store, t, &err), HD_E_FORMAT);
    if (strncmp(err.text, cases[i].text, strlen(cases[i].text))) fail_msg("%s", err.text);
    assert_int_equal(hd_store_count(store), 0);
    hd_store_free(store);
    hd_tensors_free(t);
  }
}

// Each bit of a file turned over is noticed, or makes no difference (the spelling of a key that is
// not looked for then).
static void every_flipped_bit_is_noticed(void **state) {
  (void)state;
  hd_error err;
  static const char *const meta[] = {"note", "x", NULL};
  hd_store *a = store_of(NULL, false, 1);
  assert_int_equal(hd_save(a, path, &err, .all = true, .meta = meta), HD_OK);
  size_t count, silent = 0;
  unsigned char *bytes = contents(&count);
  for (size_t bit = 0; bit < 8 * count; bit++) {
    bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    hd_tensors *t = hd_tensors_parse(NULL, "f", bytes, count, &err);
    bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    if (!t) continue;
    silent++;
    assert_null(hd_tensors_meta(t, HD_ST_HEADER_CRC));
    assert_int_equal(hd_tensors_count(t), HD_COUNT(made));
    for (int i = 0; i < hd_tensors_count(t); i++) {
      const hd_parameter *p = hd_store_find(a, hd_tensors_name(t, i));
      hd_tensor now = hd_tensors_at(t, i);
      assert_true(p && p->type.dtype == now.dtype && hd_shape_equal(p->type.shape, now.shape));
      assert_memory_equal(p->data, now.data, bytes_of(p));
    }
    hd_tensors_free(t);
  }
  assert_in_range(silent, 1, 8 * sizeof HD_ST_HEADER_CRC);
  hd_release(NULL, bytes);
  hd_store_free(a);
}

// ---- Faults -------------------------------------------------------------------------------------

typedef struct fault_case {
  hd_store *old, *young;
  int error;
  int64_t saved;
} fault_case;

// Over an old file: afterwards it holds the old store or the new one, whole.
static const char *save_over(const hd_env *env, void *arg) {
  fault_case *c = arg;
  hd_error err = {0};
  char reason[128];
  if (hd_save(c->old, path, &err, .all = true)) return "the old file was not written";
  hd_store *young = store_of(env, false, 2);
  if (!young) return NULL;  // refused before anything was saved
  hd_status status = hd_save(young, path, &err, .all = true);
  hd_store_free(young);
  hd_store *now = hd_store_new(&(hd_env){.threads = 1});
  hd_error load = {0};
  const char *wrong = hd_load(now, path, &load) ? "the file cannot be loaded" : NULL;
  bool in_place = strstr(err.text, "directory not synced") != NULL;
  for (size_t i = 0; !wrong && i < HD_COUNT(made); i++)
    if (!same(now, status && !in_place ? c->old : c->young, made[i].name)) wrong = "a wrong store";
  hd_store_free(now);
  if (!status) c->saved++;
  if (wrong || !status) return wrong;
  if (entries() != 1 && !((const faults *)env->user)->forever) return "a file was left behind";
  char left[2 * TEMP_PATH];
  snprintf(left, sizeof left, "%s.tmp", path);
  unlink(left);  // where removing fails as well, it stays
  if (!strstr(err.text, path)) return "the path is missing";
  if (status == HD_E_MEMORY) return NULL;
  return strstr(err.text, hd_errno_text(c->error, reason, sizeof reason)) ? NULL : "no reason";
}

static void the_old_file_survives_every_fault(void **state) {
  (void)state;
  static const int errors[] = {ENOSPC, EIO, EDQUOT};
  for (size_t i = 0; i < HD_COUNT(errors); i++) {
    fault_case c = {store_of(NULL, false, 1), store_of(NULL, false, 2), errors[i], 0};
    int64_t runs = 0;
    const char *wrong = faults_each(save_over, &c, errors[i], &runs);
    if (wrong) fail_msg("%s", wrong);
    assert_true(runs > 60 && c.saved >= 4);
    hd_store_free(c.old);
    hd_store_free(c.young);
  }
}

// Into a store that has half of it: all of the file, or what was there before.
static const char *load_into(const hd_env *env, void *arg) {
  (void)arg;
  hd_error err = {0};
  hd_env one = *env;
  one.threads = 1;
  hd_store *store = hd_store_new(&one);
  if (!store || hd_store_error(store)[0]) {
    hd_store_free(store);
    return NULL;
  }
  const hd_parameter *p = NULL;
  hd_type type = {HD_F32, {2, {5, 3}}};
  const char *wrong = NULL;
  if (!hd_store_put(store, "dense_1/weight", HD_WEIGHT, type, &p, &err)) {
    memset(p->data, 9, 60);
    hd_status status = hd_load(store, path, &err);
    const unsigned char *now = p->data;
    if (status ? now[0] != 9 || now[59] != 9 : now[0] == 9) wrong = "half loaded";
    if (hd_store_count(store) != (status ? 1 : (int)HD_COUNT(made))) wrong = "entries left";
    if (status && status != HD_E_MEMORY && status != HD_E_IO) wrong = "neither memory nor input";
    if (status && !strstr(err.text, path) && status == HD_E_IO) wrong = "the path is missing";
    if (status && !err.text[0]) wrong = "no words";
  }
  hd_store_free(store);
  return wrong;
}

static void a_load_is_whole_or_nothing(void **state) {
  (void)state;
  hd_error err;
  hd_store *a = store_of(NULL, false, 1);
  assert_int_equal(hd_save(a, path, &err, .all = true), HD_OK);
  hd_store_free(a);
  int64_t runs = 0;
  const char *wrong = faults_each(load_into, NULL, EIO, &runs);
  if (wrong) fail_msg("%s", wrong);
  assert_true(runs > 60);
}

static void short_pieces_make_no_difference(void **state) {
  (void)state;
  hd_error err;
  faults f;
  hd_env env = faults_env(&f);
  f.piece = 7;
  hd_store *a = store_of(&env, false, 3), *b = hd_store_new(&env);
  assert_int_equal(hd_save(a, path, &err, .all = true), HD_OK);
  assert_int_equal(hd_load(b, path, &err), HD_OK);
  for (size_t i = 0; i < HD_COUNT(made); i++) assert_true(same(a, b, made[i].name));
  hd_store_free(a);
  hd_store_free(b);
  assert_true(faults_clean(&f));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_store_comes_back),
                                     cmocka_unit_test(equal_stores_give_equal_bytes),
                                     cmocka_unit_test(bad_calls_are_refused),
                                     cmocka_unit_test(a_file_that_does_not_fit_changes_nothing),
                                     cmocka_unit_test(roles_are_checked),
                                     cmocka_unit_test(every_flipped_bit_is_noticed),
                                     cmocka_unit_test(the_old_file_survives_every_fault),
                                     cmocka_unit_test(a_load_is_whole_or_nothing),
                                     cmocka_unit_test(short_pieces_make_no_difference)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
