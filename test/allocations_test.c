// A step allocates nothing, and the memory of a run is known before its first step. The whole C
// library's allocator is watched, on all threads: malloc and its kin are replaced in this program.
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdint.h>

#include "toy.h"

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define WATCHED 1

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *block, size_t bytes);
extern void *__libc_memalign(size_t align, size_t bytes);

static int64_t calls;
static void *seen(void *block) {
  __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
  return block;
}
void *malloc(size_t bytes) { return seen(__libc_malloc(bytes)); }
void *calloc(size_t count, size_t bytes) { return seen(__libc_calloc(count, bytes)); }
void *realloc(void *block, size_t bytes) { return seen(__libc_realloc(block, bytes)); }
void *memalign(size_t align, size_t bytes) { return seen(__libc_memalign(align, bytes)); }
void *aligned_alloc(size_t align, size_t bytes) { return seen(__libc_memalign(align, bytes)); }
int posix_memalign(void **to, size_t align, size_t bytes) {
  return (*to = seen(__libc_memalign(align, bytes))) ? 0 : ENOMEM;
}
static int64_t calls_so_far(void) { return __atomic_load_n(&calls, __ATOMIC_RELAXED); }
#else
#define WATCHED 0
static int64_t calls_so_far(void) { return 0; }
#endif

// ---- An environment that counts for itself ------------------------------------------------------
// What is asked for, block by block: the library puts its own head of 64 bytes before each.
enum { HEAD = 64 };
typedef struct ledger {
  int64_t bytes, peak, blocks, blocks_at_peak;
} ledger;

static void *ledger_alloc(void *user, size_t align, size_t bytes) {
  ledger *l = user;
  char *block = aligned_alloc(align, (bytes + align - 1) / align * align + align);
  if (!block) return NULL;
  memcpy(block, &bytes, sizeof bytes);
  l->bytes += (int64_t)bytes - HEAD;
  l->blocks++;
  if (l->bytes > l->peak) l->peak = l->bytes, l->blocks_at_peak = l->blocks;
  return block + align;
}
static void ledger_free(void *user, void *block) {
  ledger *l = user;
  char *start = (char *)block - 64;
  size_t bytes;
  memcpy(&bytes, start, sizeof bytes);
  l->bytes -= (int64_t)bytes - HEAD;
  l->blocks--;
  free(start);
}

// ---- The run ------------------------------------------------------------------------------------
typedef struct watch {
  int64_t at_first, worst, steps;
  bool leak;  // the planted defect: a block each step
} watch;

static bool on_step(void *user, const hd_progress *p) {
  watch *w = user;
  (void)p;
  int64_t now = calls_so_far();
  if (w->steps++) w->worst = now - w->at_first > w->worst ? now - w->at_first : w->worst;
  void *volatile block = w->leak ? malloc(100) : NULL;
  free(block);
  if (w->steps == 1) w->at_first = calls_so_far();
  return true;
}

static hd_status greedy_read(void *user, int column, const int64_t *index, int64_t count, void *to,
                             hd_error *err) {
  toy_images *set = user;
  void *volatile block = malloc(1000);  // a source that allocates
  free(block);
  return toy_read(set, column, index, count, to, err);
}

typedef struct setting {
  toy (*net)(const hd_env *env);
  int side, threads;
  bool own_allocator, checkpoints, leak, greedy, augment;
} setting;

typedef struct outcome {
  watch w;
  hd_fit_result result;
  hd_memory memory;
  ledger l;
  int64_t calls;  // of the C library's allocator, from the first object to the last
} outcome;

static char folder[64];

static outcome run(setting s) {
  outcome o = {.w = {.leak = s.leak}};
  hd_env env = {.memory = &o.memory, .threads = s.threads};
  if (s.own_allocator) env.user = &o.l, env.alloc = ledger_alloc, env.free = ledger_free;
  hd_error err = {0};
  toy_images image = {.side = s.side}, other = {.side = s.side, .first = 5000};
  hd_data data = toy_data(&image, 200), valid = toy_data(&other, 70);
  if (s.greedy) data.read = greedy_read;
  hd_data plain = data;
  if (s.augment && hd_data_augment(NULL, &plain, &data, &err, .rotate = 20, .noise = 0.1f,
                                   .elastic = {.alpha = 9, .sigma = 3}))
    fail_msg("%s", err.text);
  o.calls = -calls_so_far();
  toy n = s.net(&env);
  hd_store *store = hd_store_new(&env);
  hd_status status =
      hd_fit(store, n.loss, &data, &err, .batch = 32, .epochs = 3, .accuracy = n.accuracy,
             .valid = &valid, .restore_best = true, .user = &o.w, .on_step = on_step,
             .result = &o.result, .checkpoints = s.checkpoints ? folder : NULL);
  if (status) print_error("%s\n", err.text);
  assert_int_equal(status, HD_OK);
  hd_store_free(store);
  hd_graph_free(n.graph);
  o.calls += calls_so_far();
  if (s.augment) hd_data_free(&data);
  assert_int_equal(o.memory.bytes, 0);
  return o;
}

static void steps_allocate_nothing(void **state) {
  (void)state;
  if (!WATCHED) printf("skip: malloc cannot be watched here\n");
  for (int threads = 1; threads <= 3; threads += 2)
    for (int k = 0; k < 4; k++) {
      outcome o = run((setting){k & 1 ? toy_lenet : toy_small, k & 1 ? 28 : 8, threads,
                                .augment = k & 2});
      assert_int_equal(o.w.steps, 21);
      assert_int_equal(o.result.step_allocations, 0);
      assert_int_equal(o.w.worst, 0);  // over epochs and validations too
    }
}

static void memory_is_planned(void **state) {
  (void)state;
  for (int k = 0; k < 8; k++) {
    outcome o = run((setting){k & 1 ? toy_lenet : toy_small, k & 1 ? 28 : 8, 1,
                              .own_allocator = true, .checkpoints = k & 2, .augment = k & 4});
    printf("planned %lld, counted %lld, seen by the allocator %lld bytes\n",
           (long long)o.result.planned, (long long)o.memory.peak, (long long)o.l.peak);
    assert_int_equal(o.l.peak, o.memory.peak);
    assert_int_equal(o.result.planned, o.memory.peak);
    assert_int_equal(o.l.blocks, 0);
  }
}

// Nothing goes round the environment: its calls are all that the C library saw.
static void every_block_is_counted(void **state) {
  (void)state;
  if (!WATCHED) skip();
  outcome o = run((setting){toy_lenet, 28, 1, .own_allocator = false});
  assert_true(o.calls > 100);
  assert_int_equal(o.calls, o.memory.calls);
}

static void planted_allocations_are_caught(void **state) {
  (void)state;
  if (!WATCHED) skip();
  outcome o = run((setting){toy_small, 8, 1, .leak = true});
  assert_true(o.w.worst > 10);
  o = run((setting){toy_small, 8, 1, .greedy = true});
  assert_true(o.w.worst > 0);
}

static int make_folder(void **state) {
  (void)state;
  return toy_folder(folder, sizeof folder, "allocations") ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  char path[160];
  for (int i = 0; i < 2; i++) {
    hd_print(path, sizeof path, "%s/checkpoint-%d.safetensors", folder, i);
    remove(path);
  }
  return remove(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(steps_allocate_nothing), cmocka_unit_test(memory_is_planned),
      cmocka_unit_test(every_block_is_counted), cmocka_unit_test(planted_allocations_are_caught)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
