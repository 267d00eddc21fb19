// libjpeg's memory manager over an environment: pools of blocks, and arrays that are held whole
// (libjpeg calls them virtual, since once they could lie on disk).
#ifdef HD_WITH_JPEG
#include "jpeg.h"

#include <jerror.h>

enum { ROW_ALIGN = 64 };  // for the vector code: rows begin at and are as long as a multiple of it

typedef struct hd_jpeg_block {
  struct hd_jpeg_block *next;
  char unused[64 - sizeof(void *)];
} block;

static hd_jpeg_memory *memory_of(j_common_ptr j) { return (hd_jpeg_memory *)(void *)j->mem; }

static void *take(j_common_ptr j, int pool, int64_t bytes) {
  hd_jpeg_memory *m = memory_of(j);
  if (pool < 0 || pool >= JPOOL_NUMPOOLS) ERREXIT1(j, JERR_BAD_POOL_ID, pool);
  block *b = NULL;
  if (hd_add_size(bytes, sizeof *b, &bytes)) b = hd_alloc(m->env, (size_t)bytes);
  if (!b) {
    m->failed = true;
    ERREXIT1(j, JERR_OUT_OF_MEMORY, 0);
  }
  b->next = m->pool[pool];
  m->pool[pool] = b;
  return b + 1;
}

static void *take_small(j_common_ptr j, int pool, size_t bytes) {
  return take(j, pool, bytes < INT64_MAX ? (int64_t)bytes : -1);
}

// Pointers to `rows` rows, and the rows in one block.
static void **take_rows(j_common_ptr j, int pool, int64_t row, int64_t rows) {
  int64_t whole = -1, list = -1;
  if (!hd_mul_size(rows, sizeof(void *), &list) || !hd_mul_size(rows, row, &whole)) whole = -1;
  void **at = take(j, pool, list);
  char *from = take(j, pool, whole);
  for (int64_t i = 0; i < rows; i++) at[i] = from + i * row;
  return at;
}

static JSAMPARRAY take_samples(j_common_ptr j, int pool, JDIMENSION width, JDIMENSION rows) {
  int64_t row = hd_round_up((int64_t)width * (int64_t)sizeof(JSAMPLE), ROW_ALIGN);
  return (JSAMPARRAY)(void *)take_rows(j, pool, row, rows);
}

static JBLOCKARRAY take_blocks(j_common_ptr j, int pool, JDIMENSION width, JDIMENSION rows) {
  return (JBLOCKARRAY)(void *)take_rows(j, pool, (int64_t)width * (int64_t)sizeof(JBLOCK), rows);
}

// ---- Arrays that are asked for first and made later ---------------------------------------------

struct jvirt_sarray_control {
  JSAMPARRAY rows;
  JDIMENSION count;
};
struct jvirt_barray_control {
  JBLOCKARRAY rows;
  JDIMENSION count;
};

// All memory of ours is zero at first, so pre_zero is no question.
static jvirt_sarray_ptr ask_samples(j_common_ptr j, int pool, boolean pre_zero, JDIMENSION width,
                                    JDIMENSION rows, JDIMENSION access) {
  (void)pre_zero, (void)access;
  struct jvirt_sarray_control *a = take(j, pool, sizeof *a);
  *a = (struct jvirt_sarray_control){take_samples(j, pool, width, rows), rows};
  return a;
}

static jvirt_barray_ptr ask_blocks(j_common_ptr j, int pool, boolean pre_zero, JDIMENSION width,
                                   JDIMENSION rows, JDIMENSION access) {
  (void)pre_zero, (void)access;
  struct jvirt_barray_control *a = take(j, pool, sizeof *a);
  *a = (struct jvirt_barray_control){take_blocks(j, pool, width, rows), rows};
  return a;
}

static void make_all(j_common_ptr j) { (void)j; }

static void within(j_common_ptr j, JDIMENSION start, JDIMENSION count, JDIMENSION rows) {
  if (start > rows || count > rows - start) ERREXIT(j, JERR_BAD_VIRTUAL_ACCESS);
}

static JSAMPARRAY see_samples(j_common_ptr j, jvirt_sarray_ptr a, JDIMENSION start,
                              JDIMENSION count, boolean write) {
  (void)write;
  within(j, start, count, a->count);
  return a->rows + start;
}

static JBLOCKARRAY see_blocks(j_common_ptr j, jvirt_barray_ptr a, JDIMENSION start,
                              JDIMENSION count, boolean write) {
  (void)write;
  within(j, start, count, a->count);
  return a->rows + start;
}

// ---- The end ------------------------------------------------------------------------------------

static void free_pool(j_common_ptr j, int pool) {
  hd_jpeg_memory *m = memory_of(j);
  if (pool < 0 || pool >= JPOOL_NUMPOOLS) ERREXIT1(j, JERR_BAD_POOL_ID, pool);
  for (block *b = m->pool[pool], *next; b; b = next) {
    next = b->next;
    hd_release(m->env, b);
  }
  m->pool[pool] = NULL;
}

static void destroy(j_common_ptr j) {
  hd_jpeg_memory *m = memory_of(j);
  for (int pool = JPOOL_NUMPOOLS; pool-- > 0;) free_pool(j, pool);
  j->mem = m->before;
  j->mem->self_destruct(j);
}

void hd_jpeg_memory_start(hd_jpeg_memory *m, j_common_ptr j) {
  m->before = j->mem;
  m->base = (struct jpeg_memory_mgr){.alloc_small = take_small,
                                     .alloc_large = take_small,
                                     .alloc_sarray = take_samples,
                                     .alloc_barray = take_blocks,
                                     .request_virt_sarray = ask_samples,
                                     .request_virt_barray = ask_blocks,
                                     .realize_virt_arrays = make_all,
                                     .access_virt_sarray = see_samples,
                                     .access_virt_barray = see_blocks,
                                     .free_pool = free_pool,
                                     .self_destruct = destroy,
                                     .max_memory_to_use = m->before->max_memory_to_use,
                                     .max_alloc_chunk = m->before->max_alloc_chunk};
  j->mem = &m->base;
}
#else
typedef int hd_no_jpeg;  // a file must hold something
#endif
