// Whole files through the environment's I/O layer.
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base.h"

// Reads all of path into a new block (NUL added after *bytes). HD_E_LIMIT above `limit` bytes,
// HD_E_NOT_FOUND when absent. Works for pipes and other files that do not know their size.
HD_NODISCARD hd_status hd_file_read(const hd_env *env, const char *path, int64_t limit, void **to,
                                    size_t *bytes, hd_error *err);
// Replaces path atomically: path.tmp, write, fsync, rename, fsync of the directory. On any failure
// the old file is untouched and the temporary one removed; only when syncing the directory fails
// is the new file in place already (the message says so).
HD_NODISCARD hd_status hd_file_write(const hd_env *env, const char *path, const void *bytes,
                                     size_t count, hd_error *err);
// Makes a directory with its parents; an existing one is fine.
HD_NODISCARD hd_status hd_dir_make(const hd_env *env, const char *path, hd_error *err);
// Adds to the end without sync: for logs. On failure the file keeps its old length.
HD_NODISCARD hd_status hd_file_append(const hd_env *env, const char *path, const void *bytes,
                                      size_t count, hd_error *err);
bool hd_file_exists(const hd_env *env, const char *path);

// The entries of a folder by name (by bytes), in memory of the arena.
typedef struct hd_dir_entry {
  const char *name;
  bool folder;
} hd_dir_entry;
struct hd_arena;
HD_NODISCARD hd_status hd_dir_list(const hd_env *env, const char *path, struct hd_arena *arena,
                                   hd_dir_entry **to, int64_t *count, hd_error *err);
const hd_io *hd_env_io(const hd_env *env);  // env's layer or POSIX

// The same in pieces, for files too large to build in memory. Fill with hd_file_begin; after the
// first failure the others are no-ops that keep it; hd_file_commit always ends it.
typedef struct hd_file {
  const hd_env *env;
  char path[4096], temporary[4104];
  int handle;
  hd_error error;
  uint64_t written;
} hd_file;
void hd_file_begin(hd_file *file, const hd_env *env, const char *path);
void hd_file_put(hd_file *file, const void *bytes, size_t count);
HD_NODISCARD hd_status hd_file_commit(hd_file *file, hd_error *err);

uint32_t hd_crc32(uint32_t crc, const void *bytes, size_t count);  // as zlib's

#endif
