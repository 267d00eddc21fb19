// Power is lost at every moment of a training run that writes checkpoints: after each call of the
// I/O layer, whatever was not synced is there, missing, cut short, zeroed or full of holes, and
// each directory shows any part of its last changes. In every such state the newest finished
// checkpoint opens, or the one being written, and training goes on to the same bytes.
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>

#include "../src/base/base.h"
#include "toy.h"

// ---- A disk in memory that remembers every change made to it ------------------------------------
enum { FILES = 32, OPS = 4000 };
typedef enum change { CREATE, WRITE, SYNC, RENAME, REMOVE, MAKE_DIR, SYNC_DIR, DONE } change;
typedef struct op {
  change kind;
  int64_t inode;
  char *path, *to, *bytes;  // bytes: the whole content after this write
  size_t count;
} op;
typedef struct name {
  char path[64];
  int64_t inode;  // -1: a directory
} name;
typedef struct disk {
  name at[FILES];
  int names;
  struct {
    char *bytes;
    size_t count;
  } inode[OPS];
  int64_t inodes;
  int64_t handle_inode[FILES];
  size_t handle_at[FILES];
  op log[OPS];
  int ops;
  bool no_sync, no_sync_dir, in_place;  // the planted defects
  hd_io io;
} disk;

static void record(disk *d, change kind, int64_t inode, const char *path, const char *to) {
  if (d->ops == OPS) return;
  op *o = &d->log[d->ops++];
  *o = (op){.kind = kind,
            .inode = inode,
            .path = path ? strdup(path) : NULL,
            .to = to ? strdup(to) : NULL};
  if (kind != WRITE) return;
  o->count = d->inode[inode].count;
  o->bytes = malloc(o->count + 1);
  if (o->bytes) memcpy(o->bytes, d->inode[inode].bytes, o->count);
}

static int look(const name *at, int names, const char *path) {
  for (int i = 0; i < names; i++)
    if (!strcmp(at[i].path, path)) return i;
  return -1;
}
static void put(name *at, int *names, const char *path, int64_t inode) {
  int i = look(at, *names, path);
  if (i < 0) i = (*names)++;
  hd_print(at[i].path, sizeof at[i].path, "%s", path);
  at[i].inode = inode;
}
static void drop(name *at, int *names, const char *path) {
  int i = look(at, *names, path);
  if (i >= 0) at[i] = at[--*names];
}
static void parent_of(const char *path, char *to) {
  hd_print(to, 64, "%s", path);
  char *slash = strrchr(to, '/');
  if (slash) *slash = 0;
  else hd_print(to, 64, ".");
}

static int open_handle(disk *d, int64_t inode, size_t at) {
  for (int h = 0; h < FILES; h++)
    if (d->handle_inode[h] < 0) return d->handle_inode[h] = inode, d->handle_at[h] = at, h;
  return -EMFILE;
}
static int disk_open_read(void *user, const char *path) {
  disk *d = user;
  int i = look(d->at, d->names, path);
  return i < 0 ? -ENOENT : d->at[i].inode < 0 ? -EISDIR : open_handle(d, d->at[i].inode, 0);
}
static int disk_open_write(void *user, const char *path, bool append) {
  disk *d = user;
  char text[64], folder[64];
  hd_print(text, sizeof text, "%s", path);
  if (d->in_place && strlen(text) > 4) text[strlen(text) - 4] = 0;  // without ".tmp"
  parent_of(text, folder);
  if (strcmp(folder, ".") && look(d->at, d->names, folder) < 0) return -ENOENT;
  int i = look(d->at, d->names, text);
  if (i < 0) {
    if (d->inodes == OPS || d->names == FILES) return -ENOSPC;
    put(d->at, &d->names, text, d->inodes);
    record(d, CREATE, d->inodes++, text, NULL);
    return open_handle(d, d->inodes - 1, 0);
  }
  int64_t inode = d->at[i].inode;
  if (!append) d->inode[inode].count = 0;
  record(d, WRITE, inode, NULL, NULL);
  return open_handle(d, inode, d->inode[inode].count);
}
static int64_t disk_read(void *user, int h, void *to, size_t bytes) {
  disk *d = user;
  int64_t inode = d->handle_inode[h];
  size_t left = d->inode[inode].count - d->handle_at[h], n = HD_MIN(bytes, left);
  if (n) memcpy(to, d->inode[inode].bytes + d->handle_at[h], n);
  d->handle_at[h] += n;
  return (int64_t)n;
}
static int64_t disk_write(void *user, int h, const void *from, size_t bytes) {
  disk *d = user;
  int64_t inode = d->handle_inode[h];
  size_t n = HD_MIN(bytes, (size_t)3000);  // in pieces, so that the writer has to go on
  char *more = realloc(d->inode[inode].bytes, d->handle_at[h] + n + 1);
  if (!more) return -ENOSPC;
  d->inode[inode].bytes = more;
  memcpy(more + d->handle_at[h], from, n);
  d->inode[inode].count = d->handle_at[h] += n;
  record(d, WRITE, inode, NULL, NULL);
  return (int64_t)n;
}
static int64_t disk_size(void *user, int h) {
  disk *d = user;
  return (int64_t)d->inode[d->handle_inode[h]].count;
}
static int disk_truncate(void *user, int h, int64_t bytes) {
  disk *d = user;
  d->inode[d->handle_inode[h]].count = (size_t)bytes;
  record(d, WRITE, d->handle_inode[h], NULL, NULL);
  return 0;
}
static int disk_sync(void *user, int h) {
  disk *d = user;
  if (!d->no_sync) record(d, SYNC, d->handle_inode[h], NULL, NULL);
  return 0;
}
static int disk_close(void *user, int h) {
  ((disk *)user)->handle_inode[h] = -1;
  return 0;
}
static int disk_rename(void *user, const char *from, const char *to) {
  disk *d = user;
  if (d->in_place) return 0;
  int i = look(d->at, d->names, from);
  if (i < 0) return -ENOENT;
  int64_t inode = d->at[i].inode;
  drop(d->at, &d->names, from);
  put(d->at, &d->names, to, inode);
  record(d, RENAME, inode, from, to);
  return 0;
}
static int disk_remove(void *user, const char *path) {
  disk *d = user;
  if (look(d->at, d->names, path) < 0) return -ENOENT;
  drop(d->at, &d->names, path);
  record(d, REMOVE, 0, path, NULL);
  return 0;
}
static int disk_make_dir(void *user, const char *path) {
  disk *d = user;
  if (look(d->at, d->names, path) >= 0) return -EEXIST;
  put(d->at, &d->names, path, -1);
  record(d, MAKE_DIR, -1, path, NULL);
  return 0;
}
static int disk_sync_dir(void *user, const char *path) {
  disk *d = user;
  if (!d->no_sync_dir) record(d, SYNC_DIR, 0, path, NULL);
  return 0;
}

static disk *disk_new(void) {
  disk *d = calloc(1, sizeof *d);
  if (!d) abort();
  for (int h = 0; h < FILES; h++) d->handle_inode[h] = -1;
  d->io = (hd_io){d,           disk_open_read, disk_open_write, disk_read,  disk_write,
                  disk_size,   disk_truncate,  disk_sync,       disk_close, disk_rename,
                  disk_remove, disk_make_dir,  disk_sync_dir,   NULL};
  return d;
}
static void disk_free(disk *d) {
  for (int64_t i = 0; i < d->inodes; i++) free(d->inode[i].bytes);
  for (int i = 0; i < d->ops; i++) free(d->log[i].path), free(d->log[i].to), free(d->log[i].bytes);
  free(d);
}
static int64_t add_inode(disk *d, const char *bytes, size_t count) {
  int64_t i = d->inodes++;
  d->inode[i].bytes = malloc(count + 1);
  d->inode[i].count = count;
  if (count) memcpy(d->inode[i].bytes, bytes, count);
  return i;
}

// ---- The run ------------------------------------------------------------------------------------
enum { SAMPLES = 32, BATCH = 16, EPOCHS = 2 };
static char *reference;
static size_t reference_bytes;

// A checkpoint follows each step: notes in the log how many are finished by now.
static bool finished(void *user, const hd_progress *p) {
  record(user, DONE, p->global_step - 1, NULL, NULL);
  return true;
}

// Training into run/checkpoints and then run/model.
static hd_status train(disk *d, bool resume, int keep, hd_error *err) {
  hd_env env = {.io = &d->io, .threads = 1};
  toy_images image = {.side = 8};
  hd_data data = toy_data(&image, SAMPLES);
  toy n = toy_small(&env);
  hd_store *store = hd_store_new(&env);
  hd_status status = hd_fit(store, n.loss, &data, err, .batch = BATCH, .epochs = EPOCHS,
                            .checkpoints = "run/checkpoints", .keep = keep, .checkpoint_steps = 1,
                            .resume = resume, .user = d, .on_step = finished, .on_epoch = finished);
  record(d, DONE, EPOCHS * SAMPLES / BATCH, NULL, NULL);
  if (!status) status = hd_save(store, "run/model", err);
  hd_store_free(store);
  hd_graph_free(n.graph);
  return status;
}

// ---- Every state that may be found after the power came back ------------------------------------
typedef struct durable {
  const char *bytes;
  size_t count;
} durable;
enum { START = 2 };  // run/ is made before
enum { OLD = 0, NEW, CUT, ZEROED, HOLED, CHOICES };
typedef struct search {
  const disk *d;
  int keep, at;   // operations done
  int64_t saves;  // checkpoints finished by then
  durable safe[OPS], now[OPS];
  name kept[FILES];  // what the directories hold for sure
  int names;
  int pending[OPS], pendings;  // directory operations since
  uint64_t *seen;
  int states, room, lost;
  char first[300];
} search;

// A file whose last writes were not synced, as the disk may give it back.
static size_t damaged(const durable *safe, const durable *now, int choice, char *to) {
  const durable *from = choice == OLD ? safe : now;
  size_t n = from->count, page = n / 2 / 512 * 512;
  if (n) memcpy(to, from->bytes, n);
  if (choice == CUT) return n / 2;
  if (choice == ZEROED) memset(to, 0, n);
  if (choice == HOLED) memset(to + page, 0, HD_MIN((size_t)512, n - page));
  return n;
}

// The checkpoint of counters.saves opens, is no older than the last finished, and training ends in
// the reference's bytes. NULL, or what is wrong.
static const char *recover(disk *d, const search *s) {
  static char text[1100];
  hd_error err = {0};
  hd_env env = {.io = &d->io, .threads = 1};
  hd_counters c = {0};
  hd_store *store = hd_store_new(&env);
  hd_status status = hd_checkpoint_load(store, "run/checkpoints", &c, &err);
  hd_store_free(store);
  if (status && s->saves)
    return hd_print(text, sizeof text, "%d were finished: %s", (int)s->saves, err.text), text;
  if (!status && (c.saves < s->saves || c.saves > s->saves + 1))
    return hd_print(text, sizeof text, "%d were finished, number %d was opened", (int)s->saves,
                    (int)c.saves),
           text;
  int i = look(d->at, d->names, "run/model");
  const char *model = i < 0 ? NULL : d->inode[d->at[i].inode].bytes;
  bool whole = model && d->inode[d->at[i].inode].count == reference_bytes &&
               !memcmp(model, reference, reference_bytes);
  if (model && !whole) return "the model is neither absent nor whole";
  if (train(d, true, s->keep, &err))
    return hd_print(text, sizeof text, "no resume: %s", err.text), text;
  i = look(d->at, d->names, "run/model");
  if (i < 0 || d->inode[d->at[i].inode].count != reference_bytes ||
      memcmp(d->inode[d->at[i].inode].bytes, reference, reference_bytes))
    return "training ended in other bytes";
  for (int k = 0; k < d->names; k++)
    if (strstr(d->at[k].path, ".tmp")) return "a temporary file is left";
  return NULL;
}

static void check(search *s, const name *at, int names, int choice) {
  disk *d = disk_new();
  uint64_t key = hd_hash(&s->saves, sizeof s->saves, 1);
  for (int i = 0; i < names; i++) {  // a file is there if its directories are
    char folder[64], room[64];
    bool there = true;
    for (parent_of(at[i].path, folder); strcmp(folder, "."); parent_of(room, folder)) {
      there &= look(at, names, folder) >= 0;
      hd_print(room, sizeof room, "%s", folder);
    }
    if (!there) continue;
    key = hd_hash(at[i].path, strlen(at[i].path), key);
    int64_t inode = -1;
    if (at[i].inode >= 0) {
      const durable *safe = &s->safe[at[i].inode], *now = &s->now[at[i].inode];
      char *bytes = malloc(HD_MAX(safe->count, now->count) + 1);
      if (!bytes) abort();
      size_t n = damaged(safe, now, safe->bytes == now->bytes ? NEW : choice, bytes);
      inode = add_inode(d, bytes, n);
      key = hd_hash(bytes, n, key);
      free(bytes);
    }
    put(d->at, &d->names, at[i].path, inode);
  }
  bool known = false;
  for (int i = 0; i < s->states && !known; i++) known = s->seen[i] == key;
  if (!known && s->states < s->room) {
    s->seen[s->states++] = key;
    const char *bad = recover(d, s);
    if (bad && !s->lost++)
      hd_print(s->first, sizeof s->first, "after call %d, choice %d: %s", s->at, choice, bad);
  }
  disk_free(d);
}

static void apply(name *at, int *names, const op *o) {
  if (o->kind == CREATE || o->kind == MAKE_DIR) put(at, names, o->path, o->inode);
  if (o->kind == REMOVE || o->kind == RENAME) drop(at, names, o->path);
  if (o->kind == RENAME) put(at, names, o->to, o->inode);
}

static void check_all(search *s) {
  // The folder shows any first part of its changes, and is itself there or not yet.
  for (int parent = 0; parent < 2; parent++)
    for (int prefix = 0; prefix <= s->pendings; prefix++) {
      name at[FILES];
      int names = s->names;
      memcpy(at, s->kept, sizeof at);
      for (int i = 0; i < s->pendings; i++) {
        const op *o = &s->d->log[s->pending[i]];
        if (o->kind == MAKE_DIR ? parent : i < prefix) apply(at, &names, o);
      }
      for (int choice = 0; choice < CHOICES; choice++) check(s, at, names, choice);
    }
}

// Operations of the directory `folder` are safe from now on.
static void sync_names(search *s, const char *folder) {
  int left = 0;
  for (int i = 0; i < s->pendings; i++) {
    const op *o = &s->d->log[s->pending[i]];
    char mine[64];
    parent_of(o->path, mine);
    if (strcmp(mine, folder)) s->pending[left++] = s->pending[i];
    else apply(s->kept, &s->names, o);
  }
  s->pendings = left;
}

static int lose_power(const disk *d, int keep, int *states, char *first, size_t size) {
  search *s = calloc(1, sizeof *s);
  if (!s) abort();
  s->d = d, s->keep = keep, s->room = 100000;
  s->seen = malloc(sizeof *s->seen * (size_t)s->room);
  for (s->at = 0; s->at < d->ops; s->at++) {
    const op *o = &d->log[s->at];
    int64_t inode = o->kind == DONE || o->inode < 0 ? 0 : o->inode;
    durable *now = &s->now[inode], *safe = &s->safe[inode];
    switch (o->kind) {
      case CREATE:
        *now = *safe = (durable){"", 0};
        s->pending[s->pendings++] = s->at;
        break;
      case WRITE: *now = (durable){o->bytes, o->count}; break;
      case SYNC: *safe = *now; break;
      case RENAME:
      case REMOVE:
      case MAKE_DIR: s->pending[s->pendings++] = s->at; break;
      case SYNC_DIR: sync_names(s, o->path); break;
      case DONE: s->saves = o->inode; break;
    }
    if (s->at >= START) check_all(s);
  }
  *states = s->states;
  hd_print(first, size, "%s", s->first);
  int lost = s->lost;
  free(s->seen);
  free(s);
  return lost;
}

// ---- The tests ----------------------------------------------------------------------------------
static int run_and_lose(int keep, bool no_sync, bool no_sync_dir, bool in_place, int *states,
                        char *first, size_t size) {
  hd_error err = {0};
  disk *d = disk_new();
  d->no_sync = no_sync, d->no_sync_dir = no_sync_dir, d->in_place = in_place;
  put(d->at, &d->names, "run", -1);
  record(d, MAKE_DIR, -1, "run", NULL);
  record(d, SYNC_DIR, 0, ".", NULL);
  if (train(d, false, keep, &err)) fail_msg("%s", err.text);
  if (!reference) {
    int i = look(d->at, d->names, "run/model");
    reference_bytes = d->inode[d->at[i].inode].count;
    reference = malloc(reference_bytes + 1);
    if (reference) memcpy(reference, d->inode[d->at[i].inode].bytes, reference_bytes);
  }
  int lost = lose_power(d, keep, states, first, size);
  disk_free(d);
  return lost;
}

static void nothing_is_lost(void **state) {
  (void)state;
  for (int keep = 1; keep <= (toy_slow() ? 2 : 1); keep++) {
    int states;
    char first[300];
    int lost = run_and_lose(keep, false, false, false, &states, first, sizeof first);
    printf("keep %d: %d states, %d lost\n", keep, states, lost);
    if (lost) print_error("%s\n", first);
    assert_int_equal(lost, 0);
    assert_true(states > 50);
  }
}

static void planted_defects_are_caught(void **state) {
  (void)state;
  static const char *const names[] = {"no fsync of the file", "no fsync of the directory",
                                      "written in place"};
  for (int k = 0; k < 3; k++) {
    int states;
    char first[300];
    int lost = run_and_lose(1, k == 0, k == 1, k == 2, &states, first, sizeof first);
    printf("%s: %d of %d states lost; the first %s\n", names[k], lost, states, first);
    assert_true(lost > 0);
  }
}

static int end(void **state) {
  (void)state;
  free(reference);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_lost),
                                     cmocka_unit_test(planted_defects_are_caught)};
  return cmocka_run_group_tests(tests, NULL, end);
}
