// The I/O layer over POSIX. The only file of the library that opens files.
#define _POSIX_C_SOURCE 200809L
#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int result(int value) { return value < 0 ? -errno : value; }
static int64_t wide_result(int64_t value) { return value < 0 ? -errno : value; }

static int open_read(void *user, const char *path) {
  (void)user;
  return result(open(path, O_RDONLY | O_CLOEXEC));
}

static int open_write(void *user, const char *path, bool append) {
  (void)user;
  return result(open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC), 0666));
}

static int64_t read_some(void *user, int handle, void *to, size_t bytes) {
  (void)user;
  return wide_result(read(handle, to, bytes));
}

static int64_t write_some(void *user, int handle, const void *from, size_t bytes) {
  (void)user;
  return wide_result(write(handle, from, bytes));
}

static int64_t size_of(void *user, int handle) {
  (void)user;
  struct stat about;
  return fstat(handle, &about) < 0 ? -errno : about.st_size;
}

static int truncate_to(void *user, int handle, int64_t bytes) {
  (void)user;
  return result(ftruncate(handle, bytes));
}

static int sync_file(void *user, int handle) {
  (void)user;
  return result(fsync(handle));
}

static int close_file(void *user, int handle) {
  (void)user;
  int code = close(handle) < 0 ? -errno : 0;
  return code == -EINTR ? 0 : code;  // it is closed
}

static int rename_file(void *user, const char *from, const char *to) {
  (void)user;
  return result(rename(from, to));
}

static int remove_file(void *user, const char *path) {
  (void)user;
  return result(unlink(path));
}

static int make_dir(void *user, const char *path) {
  (void)user;
  if (mkdir(path, 0777) == 0) return 0;
  int code = errno;
  struct stat about;
  if (code == EEXIST && stat(path, &about) == 0 && !S_ISDIR(about.st_mode)) code = ENOTDIR;
  return -code;
}

// Some file systems have nothing to sync in a directory and say so with EINVAL.
static int sync_dir(void *user, const char *path) {
  (void)user;
  int handle = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0) return -errno;
  int code = fsync(handle) < 0 && errno != EINVAL && errno != ENOTSUP ? -errno : 0;
  close(handle);
  return code;
}

// A link is what it leads to.
static int list_dir(void *user, const char *path,
                    void (*see)(void *arg, const char *name, bool folder), void *arg) {
  (void)user;
  DIR *dir = opendir(path);
  if (!dir) return -errno;
  struct dirent *entry;
  errno = 0;
  while ((entry = readdir(dir))) {
    struct stat about;
    if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
      see(arg, entry->d_name,
          fstatat(dirfd(dir), entry->d_name, &about, 0) == 0 && S_ISDIR(about.st_mode));
    errno = 0;
  }
  int code = -errno;
  closedir(dir);
  return code;
}

static const hd_io posix = {.open_read = open_read,
                            .open_write = open_write,
                            .read = read_some,
                            .write = write_some,
                            .size = size_of,
                            .truncate = truncate_to,
                            .sync = sync_file,
                            .close = close_file,
                            .rename = rename_file,
                            .remove = remove_file,
                            .make_dir = make_dir,
                            .sync_dir = sync_dir,
                            .list = list_dir};

const hd_io *hd_env_io(const hd_env *env) { return env && env->io ? env->io : &posix; }
