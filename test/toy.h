// Networks, data and small helpers for the tests of whole training runs.
#ifndef TEST_TOY_H
#define TEST_TOY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../include/hadal/hadal.h"
#include "../src/base/base.h"

// What is slow runs only where HADAL_SLOW is set: `make test-all` does.
static inline bool toy_slow(void) {
  const char *slow = getenv("HADAL_SLOW");
  return slow && *slow && strcmp(slow, "0") != 0;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { TOY_SANITIZED = 1 };
#else
enum { TOY_SANITIZED = 0 };
#endif

// ---- Data: square images of ten classes, a coarse pattern each under noise ----------------------
typedef struct toy_images {
  int side;
  int64_t first;  // number of its first sample: sets of one origin are different samples
} toy_images;

static inline uint32_t toy_mix(uint32_t a, uint32_t b) {
  uint32_t h = (a * 2654435761u) ^ (b * 2246822519u);
  h = (h ^ (h >> 15)) * 2654435761u;
  return h ^ (h >> 13);
}

static inline hd_status toy_read(void *user, int column, const int64_t *index, int64_t count,
                                 void *to, hd_error *err) {
  (void)err;
  const toy_images *set = user;
  int side = set->side;
  uint8_t *pixel = to;
  int32_t *label = to;
  for (int64_t i = 0; i < count; i++) {
    uint32_t n = (uint32_t)(index[i] + set->first), class = toy_mix(n, 7) % 10;
    if (column == 1) {
      label[i] = (int32_t) class;
      continue;
    }
    for (int y = 0; y < side; y++)
      for (int x = 0; x < side; x++) {
        uint32_t bright = toy_mix(class, (uint32_t)(y / 4 * 64 + x / 4)) & 1;
        *pixel++ = (uint8_t)(bright * 120 + toy_mix(n * 1024 + 3, (uint32_t)(y * 64 + x)) % 130);
      }
  }
  return HD_OK;
}

static inline hd_data toy_data(toy_images *set, int64_t samples) {
  return (hd_data){
      .user = set,
      .samples = samples,
      .columns = 2,
      .column = {{"image", {HD_U8, HD_SHAPE(set->side, set->side, 1)}}, {"label", {HD_I32, {0}}}},
      .read = toy_read,
      .classes = 10};
}

// ---- Networks -----------------------------------------------------------------------------------
typedef struct toy {
  hd_graph *graph;
  hd_val logits, rows, loss, accuracy;  // rows: the loss of each sample
} toy;

static inline toy toy_end(hd_graph *g, hd_val logits, hd_val label) {
  return (toy){.graph = g,
               .logits = logits,
               .rows = hd_op_cross_entropy(logits, label),
               .loss = hd_cross_entropy(logits, label),
               .accuracy = hd_accuracy(logits, label)};
}

static inline hd_val toy_image(hd_graph *g, int side) {
  hd_val x = hd_input(g, "image", HD_U8, HD_SHAPE(HD_BATCH, side, side, 1));
  return hd_scale(hd_cast(x, HD_F32), 1 / 255.0);
}

// LeNet-5 in its modern dense form (LeCun et al. 1998): 61,706 parameters.
static inline toy toy_lenet(const hd_env *env) {
  hd_graph *g = hd_graph_new(env);
  hd_val label = hd_input(g, "label", HD_I32, HD_SHAPE(HD_BATCH)), h = toy_image(g, 28);
  h = hd_relu(hd_conv2d(h, .filters = 6, .kernel = {5, 5}, .pad = HD_SAME));
  h = hd_max_pool2d(h, .window = {2, 2});
  h = hd_relu(hd_conv2d(h, .filters = 16, .kernel = {5, 5}));
  h = hd_flatten(hd_max_pool2d(h, .window = {2, 2}));
  h = hd_relu(hd_dense(h, .units = 120));
  h = hd_relu(hd_dense(h, .units = 84));
  return toy_end(g, hd_dense(h, .units = 10), label);
}

// Every kind of state on 8x8 images: batch norm's statistics, dropout's draws, and what else the
// kernels have to offer.
static inline toy toy_small(const hd_env *env) {
  hd_graph *g = hd_graph_new(env);
  hd_val label = hd_input(g, "label", HD_I32, HD_SHAPE(HD_BATCH)), h = toy_image(g, 8);
  h = hd_relu(hd_batch_norm(hd_conv2d(h, .filters = 5, .kernel = {3, 3}, .no_bias = true)));
  h = hd_avg_pool2d(h, .window = {2, 2});
  h = hd_dropout(hd_tanh(hd_dense(hd_flatten(h), .units = 13)), .rate = 0.3f);
  return toy_end(g, hd_dense(h, .units = 10), label);
}

// ---- Files --------------------------------------------------------------------------------------
// A new folder, in memory where there is such a place. False when it cannot be made.
static inline bool toy_folder(char *to, size_t size, const char *name) {
  static const char *const places[] = {"/dev/shm", "/tmp", "."};
  for (int i = 0; i < 3; i++) {
    hd_print(to, size, "%s/hadal-%s-XXXXXX", places[i], name);
    if (mkdtemp(to)) return true;
  }
  return false;
}

// A whole file in a malloc'ed block; NULL where it cannot be read.
static inline char *toy_file(const char *path, size_t *bytes) {
  FILE *file = fopen(path, "rb");
  char *block = NULL;
  *bytes = 0;
  if (!file) return NULL;
  if (!fseek(file, 0, SEEK_END)) {
    long size = ftell(file);
    block = size < 0 ? NULL : malloc((size_t)size + 1);
    rewind(file);
    if (block) *bytes = fread(block, 1, (size_t)size, file);
  }
  fclose(file);
  return block;
}

static inline bool toy_same_file(const char *a, const char *b) {
  size_t n, m;
  char *p = toy_file(a, &n), *q = toy_file(b, &m);
  bool same = p && q && n == m && !memcmp(p, q, n);
  free(p);
  free(q);
  return same;
}

// Equal stores, by name and bit for bit.
static inline bool toy_same_store(const hd_store *a, const hd_store *b) {
  if (hd_store_count(a) != hd_store_count(b)) return false;
  for (int i = 0; i < hd_store_count(a); i++) {
    const hd_parameter *p = hd_store_at(a, i), *q = hd_store_find(b, p->name);
    size_t bytes = (size_t)hd_shape_count(p->type.shape) * hd_dtype_size(p->type.dtype);
    if (!q || !hd_shape_equal(p->type.shape, q->type.shape) || memcmp(p->data, q->data, bytes))
      return false;
  }
  return hd_store_step(a) == hd_store_step(b);
}

#endif
