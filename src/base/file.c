// Whole files through the I/O layer: read with a limit, replace atomically, append.
#include "file.h"

#include <errno.h>

enum { FIRST_ROOM = 64 << 10, PATIENCE = 1000 };  // PATIENCE: interruptions in a row

static hd_status refused(hd_error *err, const char *path, int64_t code) {
  char reason[128];
  return hd_fail(err, code == -ENOENT ? HD_E_NOT_FOUND : HD_E_IO, "%s: %s", path,
                 hd_errno_text((int)-code, reason, sizeof reason));
}

// ---- Reading ------------------------------------------------------------------------------------

// Fills up to `bytes`; fewer only at the end of the file. A negated errno on failure.
static int64_t read_all(const hd_io *io, int handle, char *to, int64_t bytes) {
  int64_t done = 0;
  for (int interrupted = 0; done < bytes;) {
    int64_t got = io->read(io->user, handle, to + done, (size_t)(bytes - done));
    if (got == -EINTR && interrupted++ < PATIENCE) continue;
    if (got < 0) return got;
    if (got == 0) break;
    done += got;
    interrupted = 0;
  }
  return done;
}

static hd_status too_large(hd_error *err, const char *path, int64_t size, int64_t limit) {
  return hd_fail(err, HD_E_LIMIT, "%s: %lld bytes%s, the limit is %lld", path, (long long)size,
                 size > limit ? "" : " and more", (long long)limit);
}

// A size of 0 says nothing (pipes, /proc): then the block grows until the end is reached.
static hd_status read_open(const hd_env *env, int handle, const char *path, int64_t limit,
                           char **to, int64_t *bytes, hd_error *err) {
  const hd_io *io = hd_env_io(env);
  int64_t size = io->size(io->user, handle), done = 0;
  if (size < 0) return refused(err, path, size);
  if (size > limit) return too_large(err, path, size, limit);
  for (int64_t room = size > 0 ? size : HD_MIN(limit, FIRST_ROOM);;) {
    char *larger =
        *to ? hd_resize(env, *to, (size_t)room + 1) : hd_alloc_raw(env, (size_t)room + 1);
    if (!larger)
      return hd_fail(err, HD_E_MEMORY, "%s: memory is out for %lld bytes", path,
                     (long long)room + 1);
    *to = larger;
    int64_t got =
        read_all(io, handle, *to + done, room + 1 - done);  // the place of the NUL as well
    if (got < 0) return refused(err, path, got);
    done += got;
    if (done <= room) break;
    if (room >= limit) return too_large(err, path, room, limit);
    room = room > limit / 2 ? limit : 2 * HD_MAX(room, 1);
    room = HD_MIN(room, limit);
  }
  if (done < size)
    return hd_fail(err, HD_E_IO,
                   "%s: ends after %lld of %lld bytes: was it changed while being read?", path,
                   (long long)done, (long long)size);
  (*to)[done] = 0;
  *bytes = done;
  return HD_OK;
}

hd_status hd_file_read(const hd_env *env, const char *path, int64_t limit, void **to, size_t *bytes,
                       hd_error *err) {
  *to = NULL, *bytes = 0;
  if (limit < 0 || limit > INT64_MAX / 4)
    return hd_fail(err, HD_E_ARGUMENT, "%s: limit %lld is out of range", path, (long long)limit);
  const hd_io *io = hd_env_io(env);
  int handle = io->open_read(io->user, path);
  if (handle < 0) return refused(err, path, handle);
  char *block = NULL;
  int64_t size = 0;
  hd_status status = read_open(env, handle, path, limit, &block, &size, err);
  io->close(io->user, handle);  // nothing was written: its answer does not matter
  if (status != HD_OK) {
    hd_release(env, block);
    return status;
  }
  *to = block, *bytes = (size_t)size;
  return HD_OK;
}

bool hd_file_exists(const hd_env *env, const char *path) {
  const hd_io *io = hd_env_io(env);
  int handle = io->open_read(io->user, path);
  if (handle < 0) return false;
  io->close(io->user, handle);
  return true;
}

// ---- Writing ------------------------------------------------------------------------------------

static int64_t write_all(const hd_io *io, int handle, const char *from, size_t count) {
  for (int interrupted = 0; count > 0;) {
    int64_t put = io->write(io->user, handle, from, count);
    if (put == -EINTR && interrupted++ < PATIENCE) continue;
    if (put < 0) return put;
    if (put == 0) return -EIO;  // nothing taken and no reason given
    from += put, count -= (size_t)put;
    interrupted = 0;
  }
  return 0;
}

void hd_file_begin(hd_file *file, const hd_env *env, const char *path) {
  file->env = env, file->handle = -1, file->written = 0;
  file->error.status = HD_OK, file->error.text[0] = 0;
  file->path[0] = file->temporary[0] = 0;
  size_t length = strlen(path);
  if (length == 0 || length >= sizeof file->path) {
    hd_fail(&file->error, HD_E_ARGUMENT, "%s: a path has 1 to %zu bytes", path,
            sizeof file->path - 1);
    return;
  }
  memcpy(file->path, path, length + 1);
  hd_print(file->temporary, sizeof file->temporary, "%s.tmp", path);
  const hd_io *io = hd_env_io(env);
  file->handle = io->open_write(io->user, file->temporary, false);
  if (file->handle < 0) refused(&file->error, file->temporary, file->handle);
}

void hd_file_put(hd_file *file, const void *bytes, size_t count) {
  if (file->error.status != HD_OK) return;
  int64_t code = write_all(hd_env_io(file->env), file->handle, bytes, count);
  if (code < 0) {
    refused(&file->error, file->path, code);
  } else {
    file->written += count;
  }
}

// "a/b" -> "a", "/b" -> "/", "b" -> ".".
static const char *folder_of(char *path) {
  char *slash = strrchr(path, '/');
  if (!slash) return ".";
  slash[slash == path] = 0;
  return path;
}

// fsync before rename, and fsync of the directory after: without the first the new name may show
// an empty file after a power loss, without the second the old name may come back.
hd_status hd_file_commit(hd_file *file, hd_error *err) {
  const hd_io *io = hd_env_io(file->env);
  bool begun = file->handle >= 0, renamed = false;
  int code = 0;
  if (begun) {
    if (file->error.status == HD_OK) code = io->sync(io->user, file->handle);
    int closed = io->close(io->user, file->handle);
    if (code >= 0) code = closed;
    file->handle = -1;
  }
  if (file->error.status == HD_OK && code >= 0) {
    code = io->rename(io->user, file->temporary, file->path);
    renamed = code >= 0;
    if (renamed) code = io->sync_dir(io->user, folder_of(file->temporary));
  }
  if (file->error.status == HD_OK && code < 0) {
    refused(&file->error, file->path, code);
    if (renamed) hd_fail_in(&file->error, HD_E_IO, "written, but its directory not synced");
  }
  if (begun && !renamed) io->remove(io->user, file->temporary);
  if (file->error.status == HD_OK) return HD_OK;
  return hd_fail(err, file->error.status, "%s", file->error.text);
}

hd_status hd_file_write(const hd_env *env, const char *path, const void *bytes, size_t count,
                        hd_error *err) {
  hd_file file;
  hd_file_begin(&file, env, path);
  hd_file_put(&file, bytes, count);
  return hd_file_commit(&file, err);
}

// Not synced: for logs. What a failed append left behind is cut off again, so that lines stay
// whole.
hd_status hd_file_append(const hd_env *env, const char *path, const void *bytes, size_t count,
                         hd_error *err) {
  const hd_io *io = hd_env_io(env);
  int handle = io->open_write(io->user, path, true);
  if (handle < 0) return refused(err, path, handle);
  int64_t before = io->size(io->user, handle), code = before;
  if (code >= 0) code = write_all(io, handle, bytes, count);
  if (code < 0 && before >= 0) io->truncate(io->user, handle, before);
  int closed = io->close(io->user, handle);
  if (code >= 0) code = closed;
  return code < 0 ? refused(err, path, code) : HD_OK;
}

// Up to the nearest ancestor that is there or can be made, then down again. What was made is synced
// in its parent: without that a power loss may take it, and all that is in it.
hd_status hd_dir_make(const hd_env *env, const char *path, hd_error *err) {
  const hd_io *io = hd_env_io(env);
  char part[4096] = "", parent[4096];
  size_t length = strlen(path);
  while (length > 1 && path[length - 1] == '/') length--;
  if (length == 0 || length >= sizeof part)
    return hd_fail(err, HD_E_ARGUMENT, "%s: a path has 1 to %zu bytes", path, sizeof part - 1);
  bool down = false;
  for (size_t at = length;;) {
    memcpy(part, path, at);
    part[at] = 0;
    int code = io->make_dir(io->user, part);
    if (code >= 0) {
      memcpy(parent, part, at + 1);
      code = io->sync_dir(io->user, folder_of(parent));
      if (code < 0) return refused(err, part, code);
    }
    if (code >= 0 || code == -EEXIST) {
      if (at == length) return HD_OK;
      while (path[at] == '/') at++;
      while (at < length && path[at] != '/') at++;
      down = true;
    } else {
      while (at > 0 && path[at - 1] != '/') at--;
      while (at > 0 && path[at - 1] == '/') at--;
      if (code != -ENOENT || down || at == 0) return refused(err, part, code);
    }
  }
}
