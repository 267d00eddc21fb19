// An arena: many small blocks, one free. What a graph and a plan are made of.
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base.h"

typedef struct hd_arena {
  hd_env env;
  struct hd_arena_block *last;
} hd_arena;

void *hd_arena_alloc(
    hd_arena *arena,
    size_t bytes);  // zeroed, 64-byte aligned above 64 bytes, else 16; NULL on failure
char *hd_arena_text(hd_arena *arena, const char *text);
char *hd_arena_print(hd_arena *arena, const char *format, ...) HD_PRINTF(2, 3);
void hd_arena_free(hd_arena *arena);  // leaves an empty arena

#endif
