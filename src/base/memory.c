// The one allocator. A 64-byte header before each block holds its size, so that it can be counted.
#define _GNU_SOURCE
#include "base.h"

#include <stdint.h>
#include <stdlib.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

enum { ALIGN = 64, LARGE = 4 << 20, HUGE_PAGE = 2 << 20 };

typedef struct head {
  size_t bytes;  // as asked for
  char unused[ALIGN - sizeof(size_t)];
} head;

// Large blocks are laid on huge pages: fewer TLB misses in matrix products.
static void *system_alloc(size_t bytes) {
  if (bytes < LARGE) return aligned_alloc(ALIGN, (bytes + ALIGN - 1) / ALIGN * ALIGN);
  size_t whole = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
  void *block = aligned_alloc(HUGE_PAGE, whole);
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (block) madvise(block, whole, MADV_HUGEPAGE);  // a hint: refusal does no harm
#endif
  return block;
}

static void count(const hd_env *env, int64_t bytes) {
  if (!env || !env->memory) return;
  hd_memory *memory = env->memory;
  int64_t now = __atomic_add_fetch(&memory->bytes, bytes, __ATOMIC_RELAXED);
  int64_t peak = __atomic_load_n(&memory->peak, __ATOMIC_RELAXED);
  while (now > peak && !__atomic_compare_exchange_n(&memory->peak, &peak, now, true,
                                                    __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
}

void *hd_alloc_raw(const hd_env *env, size_t bytes) {
  if (env && env->memory) __atomic_add_fetch(&env->memory->calls, 1, __ATOMIC_RELAXED);
  if (bytes > PTRDIFF_MAX - 2 * (size_t)HUGE_PAGE) return NULL;
  size_t whole = bytes + sizeof(head);
  head *block = env && env->alloc ? env->alloc(env->user, ALIGN, whole) : system_alloc(whole);
  if (!block) return NULL;
  block->bytes = bytes;
  count(env, (int64_t)bytes);
  return block + 1;
}

void *hd_alloc(const hd_env *env, size_t bytes) {
  void *block = hd_alloc_raw(env, bytes);
  if (block) memset(block, 0, bytes);
  return block;
}

void hd_release(const hd_env *env, void *block) {
  if (!block) return;
  head *from = (head *)block - 1;
  count(env, -(int64_t)from->bytes);
  if (env && env->free) {
    env->free(env->user, from);
  } else {
    free(from);
  }
}

void *hd_resize(const hd_env *env, void *block, size_t bytes) {
  if (!block) return hd_alloc(env, bytes);
  size_t had = ((head *)block - 1)->bytes;
  if (bytes <= had) return block;
  char *larger = hd_alloc_raw(env, bytes);
  if (!larger) return NULL;
  memcpy(larger, block, had);
  memset(larger + had, 0, bytes - had);
  hd_release(env, block);
  return larger;
}

char *hd_copy_text(const hd_env *env, const char *text) {
  if (!text) return NULL;
  size_t bytes = strlen(text) + 1;
  char *copy = hd_alloc_raw(env, bytes);
  if (copy) memcpy(copy, text, bytes);
  return copy;
}
