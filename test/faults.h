// Faults for tests: an environment whose n-th allocation or n-th I/O call fails, once or for ever.
//
//   faults f;
//   hd_env env = faults_env(&f);             // counts, and so far fails nothing
//   f.alloc_at = 3;                          // the third allocation fails
//   f.io_at = 5, f.error = ENOSPC;           // the fifth I/O call fails
//   f.forever = true;                        // and all after it
//   ... run ...
//   faults_clean(&f)                         // nothing leaked: no block, no handle
//
// faults_each does that for every n. All counters are atomic: threads may share an environment.
#ifndef TEST_FAULTS_H
#define TEST_FAULTS_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../src/base/base.h"
#include "../src/base/file.h"

typedef struct faults {
  int64_t alloc_at, io_at;  // which call fails, from 1; 0: none
  bool forever;             // and every later one of its kind
  int error;                // errno of failing I/O calls; 0: EIO
  int64_t piece;            // > 0: reads and writes move at most so many bytes
  int64_t allocs, ios;      // calls so far
  int64_t fired;            // faults given
  int64_t handles, blocks;  // open or held now
  hd_memory memory;
  hd_io io;
} faults;

static inline bool faults_fire(faults *f, int64_t *calls, int64_t at) {
  int64_t call = __atomic_add_fetch(calls, 1, __ATOMIC_RELAXED);
  bool fire = at > 0 && (call == at || (f->forever && call > at));
  if (fire) __atomic_add_fetch(&f->fired, 1, __ATOMIC_RELAXED);
  return fire;
}

static inline void *faults_alloc(void *user, size_t align, size_t bytes) {
  faults *f = user;
  if (faults_fire(f, &f->allocs, f->alloc_at)) return NULL;
  if (bytes > (size_t)1 << 40) return NULL;
  void *block = aligned_alloc(align, (bytes + align - 1) / align * align);
  if (block) memset(block, 0xA5, bytes);  // nobody may count on zeroes
  if (block) __atomic_add_fetch(&f->blocks, 1, __ATOMIC_RELAXED);
  return block;
}

static inline void faults_free(void *user, void *block) {
  faults *f = user;
  if (block) __atomic_sub_fetch(&f->blocks, 1, __ATOMIC_RELAXED);
  free(block);
}

// 0, or the negated errno that this call must give.
static inline int faults_io(faults *f) {
  return faults_fire(f, &f->ios, f->io_at) ? -(f->error ? f->error : EIO) : 0;
}
static inline int faults_opened(faults *f, int handle) {
  if (handle >= 0) __atomic_add_fetch(&f->handles, 1, __ATOMIC_RELAXED);
  return handle;
}
static inline int faults_open_read(void *user, const char *path) {
  const hd_io *io = hd_env_io(NULL);
  int code = faults_io(user);
  return code ? code : faults_opened(user, io->open_read(io->user, path));
}
static inline int faults_open_write(void *user, const char *path, bool append) {
  const hd_io *io = hd_env_io(NULL);
  int code = faults_io(user);
  return code ? code : faults_opened(user, io->open_write(io->user, path, append));
}
static inline size_t faults_piece(const faults *f, size_t bytes) {
  return f->piece > 0 && bytes > (size_t)f->piece ? (size_t)f->piece : bytes;
}
static inline int64_t faults_read(void *user, int handle, void *to, size_t bytes) {
  const hd_io *io = hd_env_io(NULL);
  int code = faults_io(user);
  return code ? code : io->read(io->user, handle, to, faults_piece(user, bytes));
}
// A write that fails has put half of its bytes before: what a full disk does.
static inline int64_t faults_write(void *user, int handle, const void *from, size_t bytes) {
  const hd_io *io = hd_env_io(NULL);
  int code = faults_io(user);
  if (code && code != -EINTR && io->write(io->user, handle, from, bytes / 2) < 0) return code;
  return code ? code : io->write(io->user, handle, from, faults_piece(user, bytes));
}
static inline int64_t faults_size(void *user, int handle) {
  const hd_io *io = hd_env_io(NULL);
  int code = faults_io(user);
  return code ? code : io->size(io->user, handle);
}
static inline int faults_truncate(void *user, int handle, int64_t bytes) {
  const hd_io *io = hd_env_io(NULL);
  int code = faults_io(user);
  return code ? code : io->truncate(io->user, handle, bytes);
}
static inline int faults_sync(void *user, int handle) {
  const hd_io *io = hd_env_io(NULL);
  int code = faults_io(user);
  return code ? code : io->sync(io->user, handle);
}
static inline int faults_close(void *user, int handle) {  // closes even when it reports a failure
  const hd_io *io = hd_env_io(NULL);
  faults *f = user;
  int code = faults_io(f), closed = io->close(io->user, handle);
  __atomic_sub_fetch(&f->handles, 1, __ATOMIC_RELAXED);
  return code ? code : closed;
}
static inline int faults_rename(void *user, const char *from, const char *to) {
  const hd_io *io = hd_env_io(NULL);
  int code = faults_io(user);
  return code ? code : io->rename(io->user, from, to);
}
static inline int faults_remove(void *user, const char *path) {
  const hd_io *io = hd_env_io(NULL);
  int code = faults_io(user);
  return code ? code : io->remove(io->user, path);
}
static inline int faults_make_dir(void *user, const char *path) {
  const hd_io *io = hd_env_io(NULL);
  int code = faults_io(user);
  return code ? code : io->make_dir(io->user, path);
}
static inline int faults_sync_dir(void *user, const char *path) {
  const hd_io *io = hd_env_io(NULL);
  int code = faults_io(user);
  return code ? code : io->sync_dir(io->user, path);
}
static inline int faults_list(void *user, const char *path,
                              void (*see)(void *arg, const char *name, bool folder), void *arg) {
  const hd_io *io = hd_env_io(NULL);
  int code = faults_io(user);
  return code ? code : io->list(io->user, path, see, arg);
}

// Starts from zero. The environment refers to *f, which must outlive what is made with it.
static inline hd_env faults_env(faults *f) {
  memset(f, 0, sizeof *f);
  f->io = (hd_io){f,
                  faults_open_read,
                  faults_open_write,
                  faults_read,
                  faults_write,
                  faults_size,
                  faults_truncate,
                  faults_sync,
                  faults_close,
                  faults_rename,
                  faults_remove,
                  faults_make_dir,
                  faults_sync_dir,
                  faults_list};
  return (hd_env){
      .user = f, .alloc = faults_alloc, .free = faults_free, .io = &f->io, .memory = &f->memory};
}

static inline bool faults_clean(const faults *f) {
  return f->handles == 0 && f->blocks == 0 && f->memory.bytes == 0;
}

// Runs `run(env, arg)` with the n-th call failing, for n = 1, 2, ... until no fault is given; each
// n once and for ever, first for allocations, then for I/O with `error`. `run` returns NULL when
// all is well (a clean error is well), else what is wrong. NULL, or the first complaint.
static inline const char *faults_each(const char *(*run)(const hd_env *env, void *arg), void *arg,
                                      int error, int64_t *runs) {
  for (int kind = 0; kind < 4; kind++) {
    for (int64_t n = 1;; n++) {
      faults f;
      hd_env env = faults_env(&f);
      f.error = error, f.forever = kind & 1;
      *(kind & 2 ? &f.io_at : &f.alloc_at) = n;
      const char *wrong = run(&env, arg);
      if (runs) ++*runs;
      if (wrong) return wrong;
      if (!faults_clean(&f)) return "a block or a handle is left open";
      if (f.fired == 0) break;
      if (n > 1000000) return "still failing after a million calls";
    }
  }
  return NULL;
}

#endif
