// What is in a folder, in an order that does not depend on the file system.
#include "arena.h"
#include "file.h"

#include <errno.h>

typedef struct seen {
  struct seen *next;
  hd_dir_entry entry;
} seen;

typedef struct listing {
  hd_arena *arena;
  seen *first;
  int64_t count;
  bool failed;
} listing;

static void see(void *arg, const char *name, bool folder) {
  listing *l = arg;
  seen *one = hd_arena_alloc(l->arena, sizeof *one);
  const char *copy = hd_arena_text(l->arena, name);
  if (!one || !copy) {
    l->failed = true;
    return;
  }
  *one = (seen){l->first, {copy, folder}};
  l->first = one;
  l->count++;
}

static void sift(hd_dir_entry *at, int64_t root, int64_t count) {
  for (int64_t child; (child = 2 * root + 1) < count; root = child) {
    if (child + 1 < count && strcmp(at[child].name, at[child + 1].name) < 0) child++;
    if (strcmp(at[root].name, at[child].name) >= 0) return;
    hd_dir_entry one = at[root];
    at[root] = at[child], at[child] = one;
  }
}

// Heap sort: nothing is allocated, and no order of entries makes it slow.
static void sort(hd_dir_entry *at, int64_t count) {
  for (int64_t i = count / 2; i-- > 0;) sift(at, i, count);
  for (int64_t last = count - 1; last > 0; last--) {
    hd_dir_entry one = at[0];
    at[0] = at[last], at[last] = one;
    sift(at, 0, last);
  }
}

hd_status hd_dir_list(const hd_env *env, const char *path, hd_arena *arena, hd_dir_entry **to,
                      int64_t *count, hd_error *err) {
  const hd_io *io = hd_env_io(env);
  listing l = {.arena = arena};
  int64_t bytes;
  char reason[128];
  *to = NULL, *count = 0;
  if (!io->list)
    return hd_fail(err, HD_E_UNSUPPORTED, "%s: the I/O layer of this program lists no folders",
                   path);
  int code = io->list(io->user, path, see, &l);
  if (code < 0)
    return hd_fail(err, code == -ENOENT ? HD_E_NOT_FOUND : HD_E_IO, "%s: %s", path,
                   hd_errno_text(-code, reason, sizeof reason));
  hd_dir_entry *all = NULL;
  if (!l.failed && hd_mul_size(l.count + 1, sizeof *all, &bytes))
    all = hd_arena_alloc(arena, (size_t)bytes);
  if (!all) return hd_fail(err, HD_E_MEMORY, "%s: memory is out for its entries", path);
  for (const seen *one = l.first; one; one = one->next) all[(*count)++] = one->entry;
  sort(all, *count);
  *to = all;
  return HD_OK;
}
