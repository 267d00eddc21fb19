// Files: whole or not at all, whatever call fails, with the path and the reason in the message.
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../test/faults.h"

static char folder[64], path[128];

static int make_folder(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "%s/hadal-file-XXXXXX", P_tmpdir);
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/model", folder);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  char command[128];
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

static bool holds(const char *text, size_t count) {
  void *bytes;
  size_t got;
  hd_error err;
  if (hd_file_read(NULL, path, 1 << 20, &bytes, &got, &err) != HD_OK) return false;
  bool same = got == count && memcmp(bytes, text, count) == 0 && ((char *)bytes)[count] == 0;
  hd_release(NULL, bytes);
  return same;
}

static void crc_is_zlibs(void **state) {
  (void)state;
  assert_true(hd_crc32(0, "123456789", 9) == 0xCBF43926u);
  assert_true(hd_crc32(0, "", 0) == 0);
  static unsigned char bytes[20000];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(i * i >> 3);
  uint32_t one = 0, bitwise = ~0u;
  for (size_t i = 0; i < sizeof bytes; i++) {
    one = hd_crc32(one, bytes + i, 1);
    bitwise ^= bytes[i];
    for (int k = 0; k < 8; k++) bitwise = bitwise >> 1 ^ (bitwise & 1 ? 0xEDB88320u : 0);
  }
  assert_true(one == ~bitwise);
  assert_true(hd_crc32(0, bytes, sizeof bytes) == one);
  for (size_t cut = 0; cut < sizeof bytes; cut += 1777)
    assert_true(hd_crc32(hd_crc32(0, bytes, cut), bytes + cut, sizeof bytes - cut) == one);
}

static void files_are_written_and_read(void **state) {
  (void)state;
  hd_error err;
  assert_int_equal(hd_file_write(NULL, path, "old", 3, &err), HD_OK);
  assert_true(holds("old", 3) && entries() == 1 && hd_file_exists(NULL, path));
  assert_int_equal(hd_file_write(NULL, path, "", 0, &err), HD_OK);
  assert_true(holds("", 0));
  assert_int_equal(hd_file_append(NULL, path, "a\n", 2, &err), HD_OK);
  assert_int_equal(hd_file_append(NULL, path, "b\n", 2, &err), HD_OK);
  assert_true(holds("a\nb\n", 4));
  hd_file file;
  hd_file_begin(&file, NULL, path);
  for (int i = 0; i < 1000; i++) hd_file_put(&file, "0123456789", 10);
  assert_true(holds("a\nb\n", 4));
  assert_int_equal(file.written, 10000);
  assert_int_equal(hd_file_commit(&file, &err), HD_OK);
  void *bytes;
  size_t count;
  assert_int_equal(hd_file_read(NULL, path, 10000, &bytes, &count, &err), HD_OK);
  assert_int_equal(count, 10000);
  hd_release(NULL, bytes);
  assert_int_equal(chdir(folder), 0);  // a path without a folder
  assert_int_equal(hd_file_write(NULL, "model", "here", 4, &err), HD_OK);
  assert_int_equal(chdir("/"), 0);
  assert_true(holds("here", 4));
}

static void errors_name_path_and_reason(void **state) {
  (void)state;
  void *bytes = &bytes;
  size_t count = 7;
  hd_error err;
  char absent[200], text[5000];
  snprintf(absent, sizeof absent, "%s/no/such", folder);
  assert_int_equal(hd_file_read(NULL, absent, 100, &bytes, &count, &err), HD_E_NOT_FOUND);
  assert_non_null(strstr(err.text, absent));
  assert_non_null(strstr(err.text, "No such file or directory"));
  assert_true(bytes == NULL && count == 0);
  assert_false(hd_file_exists(NULL, absent));
  assert_int_equal(hd_file_write(NULL, absent, "x", 1, &err), HD_E_NOT_FOUND);
  assert_int_equal(hd_file_append(NULL, absent, "x", 1, &err), HD_E_NOT_FOUND);
  assert_int_equal(hd_file_read(NULL, folder, 1 << 20, &bytes, &count, &err), HD_E_IO);
  assert_non_null(strstr(err.text, "Is a directory"));
  assert_int_equal(hd_file_write(NULL, path, "12345", 5, &err), HD_OK);
  assert_int_equal(hd_file_read(NULL, path, 4, &bytes, &count, &err), HD_E_LIMIT);
  assert_non_null(strstr(err.text, "the limit is 4"));
  assert_int_equal(hd_file_read(NULL, path, -1, &bytes, &count, &err), HD_E_ARGUMENT);
  assert_int_equal(hd_file_read(NULL, path, INT64_MAX, &bytes, &count, &err), HD_E_ARGUMENT);
  memset(text, 'x', sizeof text - 1), text[sizeof text - 1] = 0;
  assert_int_equal(hd_file_write(NULL, text, "x", 1, &err), HD_E_ARGUMENT);
  assert_int_equal(hd_file_write(NULL, "", "x", 1, &err), HD_E_ARGUMENT);
}

static void *feed_pipe(void *arg) {
  FILE *pipe = fopen(arg, "w");
  for (int i = 0; pipe && i < 30000; i++) fputs("0123456789", pipe);
  if (pipe) fclose(pipe);
  return NULL;
}

static void files_without_a_size_are_read(void **state) {
  (void)state;
  void *bytes;
  size_t count;
  hd_error err;
  assert_int_equal(hd_file_read(NULL, "/proc/self/status", 1 << 20, &bytes, &count, &err), HD_OK);
  assert_true(count > 100 && strlen(bytes) == count);
  hd_release(NULL, bytes);
  assert_int_equal(hd_file_read(NULL, "/dev/zero", 300000, &bytes, &count, &err), HD_E_LIMIT);
  assert_int_equal(hd_file_read(NULL, "/dev/null", 0, &bytes, &count, &err), HD_OK);
  hd_release(NULL, bytes);
  char pipe[128];
  snprintf(pipe, sizeof pipe, "%s/pipe", folder);
  for (int limit = 299999; limit <= 300000; limit++) {
    assert_int_equal(mkfifo(pipe, 0600), 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, feed_pipe, pipe), 0);
    hd_status status = hd_file_read(NULL, pipe, limit, &bytes, &count, &err);
    if (status == HD_OK) pthread_join(thread, NULL);
    assert_int_equal(status, limit == 300000 ? HD_OK : HD_E_LIMIT);
    if (status != HD_OK) pthread_join(thread, NULL);  // SIGPIPE is ignored in main
    if (status == HD_OK) assert_int_equal(count, 300000);
    hd_release(NULL, bytes);
    unlink(pipe);
  }
}

// A size that lies: more than is there is an error, less than is there is found out.
static int64_t lie;
static int64_t lying_size(void *user, int handle) {
  (void)user, (void)handle;
  return lie;
}

static void sizes_may_lie(void **state) {
  (void)state;
  hd_error err;
  assert_int_equal(hd_file_write(NULL, path, "0123456789", 10, &err), HD_OK);
  faults f;
  hd_env env = faults_env(&f);
  f.io.size = lying_size;
  static const struct {
    int64_t lie, limit;
    hd_status status;
  } known[] = {{10, 10, HD_OK},      {3, 100, HD_OK},
               {1, 10, HD_OK},       {3, 9, HD_E_LIMIT},
               {0, 9, HD_E_LIMIT},   {11, 100, HD_E_IO},
               {11, 10, HD_E_LIMIT}, {(int64_t)1 << 60, (int64_t)1 << 60, HD_E_MEMORY}};
  for (size_t i = 0; i < HD_COUNT(known); i++) {
    void *bytes;
    size_t count;
    lie = known[i].lie;
    assert_int_equal(hd_file_read(&env, path, known[i].limit, &bytes, &count, &err),
                     known[i].status);
    if (known[i].status == HD_OK) assert_int_equal(count, 10);
    if (known[i].status == HD_E_IO) assert_non_null(strstr(err.text, "10 of 11 bytes"));
    hd_release(&env, bytes);
    assert_true(faults_clean(&f));
  }
}

static void short_and_interrupted_calls_go_on(void **state) {
  (void)state;
  faults f;
  hd_env env = faults_env(&f);
  f.piece = 3;
  hd_error err;
  assert_int_equal(hd_file_write(&env, path, "0123456789", 10, &err), HD_OK);
  void *bytes;
  size_t count;
  assert_int_equal(hd_file_read(&env, path, 10, &bytes, &count, &err), HD_OK);
  assert_true(count == 10 && memcmp(bytes, "0123456789", 11) == 0);
  hd_release(&env, bytes);
  f.error = EINTR;
  for (int64_t at = 2; at <= 4; at++) {  // each of the first writes
    f.ios = 0, f.io_at = at;
    assert_int_equal(hd_file_write(&env, path, "abcdefghij", 10, &err), HD_OK);
    assert_true(holds("abcdefghij", 10));
  }
  f.ios = 0, f.io_at = 4;  // open, size, read
  assert_int_equal(hd_file_read(&env, path, 10, &bytes, &count, &err), HD_OK);
  hd_release(&env, bytes);
  assert_true(faults_clean(&f));
}

// What a power loss must find: data synced before the rename, the directory after it.
static char calls[64];
static void call(char name) { calls[strlen(calls)] = name; }
static int noted_open(void *user, const char *at, bool append) {
  assert_string_equal(at + strlen(at) - 10, "/model.tmp");
  call('o');
  return hd_env_io(NULL)->open_write(user, at, append);
}
static int64_t noted_write(void *user, int handle, const void *from, size_t bytes) {
  call('w');
  return hd_env_io(NULL)->write(user, handle, from, bytes);
}
static int noted_sync(void *user, int handle) {
  call('s');
  return hd_env_io(NULL)->sync(user, handle);
}
static int noted_close(void *user, int handle) {
  call('c');
  return hd_env_io(NULL)->close(user, handle);
}
static int noted_rename(void *user, const char *from, const char *to) {
  assert_string_equal(to, path);
  call('r');
  return hd_env_io(NULL)->rename(user, from, to);
}
static int noted_sync_dir(void *user, const char *at) {
  assert_string_equal(at, folder);
  call('d');
  return hd_env_io(NULL)->sync_dir(user, at);
}

static void replacing_survives_a_power_loss(void **state) {
  (void)state;
  hd_io io = *hd_env_io(NULL);
  io.open_write = noted_open, io.write = noted_write, io.sync = noted_sync;
  io.close = noted_close, io.rename = noted_rename, io.sync_dir = noted_sync_dir;
  hd_env env = {.io = &io};
  memset(calls, 0, sizeof calls);
  assert_int_equal(hd_file_write(&env, path, "x", 1, NULL), HD_OK);
  assert_string_equal(calls, "owscrd");
}

static void directories_are_made(void **state) {
  (void)state;
  char deep[200];
  hd_error err;
  snprintf(deep, sizeof deep, "%s/a//b/c/", folder);
  assert_int_equal(hd_dir_make(NULL, deep, &err), HD_OK);
  assert_int_equal(hd_dir_make(NULL, deep, &err), HD_OK);
  assert_int_equal(hd_dir_make(NULL, "/", &err), HD_OK);
  struct stat about;
  assert_true(stat(deep, &about) == 0 && S_ISDIR(about.st_mode));
  assert_int_equal(hd_file_write(NULL, path, "x", 1, &err), HD_OK);
  assert_int_equal(hd_dir_make(NULL, path, &err), HD_E_IO);
  assert_non_null(strstr(err.text, "Not a directory"));
  snprintf(deep, sizeof deep, "%s/model/below", folder);
  assert_int_equal(hd_dir_make(NULL, deep, &err), HD_E_IO);
  assert_int_not_equal(hd_dir_make(NULL, "", &err), HD_OK);
}

// ---- Every call fails ---------------------------------------------------------------------------

typedef struct scene {
  const char *reason;  // what errno is called
  int bad;             // clean errors seen
} scene;

// NULL if the file is the old or the new one as `status` says, and nothing else lies about.
static const char *judge(scene *s, const hd_env *env, hd_status status, const hd_error *err) {
  const faults *f = env->user;
  if (f->fired && f->error != EINTR && status == HD_OK) return "a failure went unnoticed";
  bool synced = !strstr(err->text, "directory not synced");
  const char *wanted = status == HD_OK || !synced ? "new content" : "old";
  if (!holds(wanted, strlen(wanted))) return "neither the old file nor the new one";
  // The temporary file stays only where removing it fails, too.
  if (entries() > 1 && !f->forever) return "a temporary file was left";
  char temporary[200];
  snprintf(temporary, sizeof temporary, "%s.tmp", path);
  unlink(temporary);
  if (status == HD_OK) return NULL;
  s->bad++;
  if (!strstr(err->text, path)) return "the message lacks the path";
  if (status == HD_E_IO && !strstr(err->text, s->reason)) return "the message lacks the reason";
  return status == HD_E_IO || status == HD_E_MEMORY ? NULL : "an unexpected status";
}

static const char *replace(const hd_env *env, void *arg) {
  hd_error err = {.status = HD_OK};
  if (hd_file_write(NULL, path, "old", 3, &err) != HD_OK) return "no old file";
  hd_file file;
  hd_file_begin(&file, env, path);
  hd_file_put(&file, "new ", 4);
  hd_file_put(&file, "content", 7);
  hd_status status = hd_file_commit(&file, &err);
  return judge(arg, env, status, &err);
}

static const char *extend(const hd_env *env, void *arg) {
  const faults *f = env->user;
  hd_error err = {.status = HD_OK};
  if (hd_file_write(NULL, path, "line 1\n", 7, &err) != HD_OK) return "no old file";
  hd_status status = hd_file_append(env, path, "line 2\n", 7, &err);
  if (status == HD_OK) return holds("line 1\nline 2\n", 14) ? NULL : "not appended";
  ((scene *)arg)->bad++;
  // Cut back, but where cutting fails, too; or written, and only closing failed.
  bool whole = holds("line 1\n", 7) || holds("line 1\nline 2\n", 14);
  if (!whole && !f->forever) return "a torn line";
  return strstr(err.text, path) && strstr(err.text, ((scene *)arg)->reason) ? NULL : "message";
}

static const char *fetch(const hd_env *env, void *arg) {
  hd_error err = {.status = HD_OK};
  void *bytes;
  size_t count;
  hd_status status = hd_file_read(env, path, 100, &bytes, &count, &err);
  if (status != HD_OK && (bytes || count)) return "half a result";
  if (status == HD_OK && (count != 11 || memcmp(bytes, "new content", 12) != 0))
    return "other bytes";
  hd_release(env, bytes);
  if (status == HD_OK) return NULL;
  ((scene *)arg)->bad++;
  if (!strstr(err.text, path)) return "the message lacks the path";
  return status == HD_E_MEMORY || strstr(err.text, ((scene *)arg)->reason) ? NULL : "message";
}

static const char *make(const hd_env *env, void *arg) {
  char deep[200];
  hd_error err = {.status = HD_OK};
  snprintf(deep, sizeof deep, "%s/x/y", folder);
  hd_status status = hd_dir_make(env, deep, &err);
  bool there = rmdir(deep) == 0;
  deep[strlen(deep) - 2] = 0;
  rmdir(deep);
  if (status == HD_OK) return there ? NULL : "no directory";
  ((scene *)arg)->bad++;
  return strstr(err.text, deep) && strstr(err.text, ((scene *)arg)->reason) ? NULL : "message";
}

static void every_failing_call_is_survived(void **state) {
  (void)state;
  static const struct {
    int error;
    const char *reason;
  } errors[] = {{ENOSPC, "No space left on device"},
                {EIO, "Input/output error"},
                {EACCES, "Permission denied"},
                {EMFILE, "Too many open files"},
                {EINTR, "Interrupted system call"}};
  const char *(*const scenes[])(const hd_env *, void *) = {replace, extend, fetch, make};
  char old[200];
  snprintf(old, sizeof old, "rm -rf '%s'/*", folder);
  assert_int_equal(system(old), 0);
  int64_t runs = 0;
  for (size_t e = 0; e < HD_COUNT(errors); e++) {
    for (size_t i = 0; i < HD_COUNT(scenes); i++) {
      scene s = {.reason = errors[e].reason};
      if (scenes[i] == fetch)
        assert_int_equal(hd_file_write(NULL, path, "new content", 11, NULL), HD_OK);
      const char *wrong = faults_each(scenes[i], &s, errors[e].error, &runs);
      if (wrong) fail_msg("scene %zu, %s: %s", i, errors[e].reason, wrong);
      assert_true(s.bad >= 2);
    }
  }
  assert_true(runs > 200);
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(crc_is_zlibs),
      cmocka_unit_test(files_are_written_and_read),
      cmocka_unit_test(errors_name_path_and_reason),
      cmocka_unit_test(files_without_a_size_are_read),
      cmocka_unit_test(sizes_may_lie),
      cmocka_unit_test(short_and_interrupted_calls_go_on),
      cmocka_unit_test(replacing_survives_a_power_loss),
      cmocka_unit_test(directories_are_made),
      cmocka_unit_test(every_failing_call_is_survived),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
