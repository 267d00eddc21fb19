// An arena: blocks of growing size, cut from the front, freed together.
#include "arena.h"

enum { FIRST = 4 << 10, LARGEST = 1 << 20, HEAD = 64 };

typedef struct hd_arena_block {
  struct hd_arena_block *before;
  size_t used, room;
} hd_arena_block;  // HEAD bytes, then `room` bytes

static hd_arena_block *block_new(hd_arena *arena, size_t room) {
  hd_arena_block *block = hd_alloc(&arena->env, HEAD + room);
  if (block) block->room = room;
  return block;
}

void *hd_arena_alloc(hd_arena *arena, size_t bytes) {
  size_t align = bytes > 64 ? 64 : 16;
  if (bytes > PTRDIFF_MAX / 2) return NULL;
  hd_arena_block *last = arena->last;
  size_t at = last ? (last->used + align - 1) / align * align : 0;
  if (last && at <= last->room && bytes <= last->room - at) {
    last->used = at + bytes;
    return (char *)last + HEAD + at;
  }
  size_t room = last ? HD_MIN(2 * HD_MAX(last->room, (size_t)FIRST), (size_t)LARGEST) : FIRST;
  if (bytes > room / 4) {  // a block of its own, behind the one that is being cut
    hd_arena_block *own = block_new(arena, bytes);
    if (!own) return NULL;
    own->used = bytes;
    if (last) {
      own->before = last->before;
      last->before = own;
    } else {
      arena->last = own;
    }
    return (char *)own + HEAD;
  }
  hd_arena_block *block = block_new(arena, room);
  if (!block) return NULL;
  block->before = last;
  block->used = bytes;
  arena->last = block;
  return (char *)block + HEAD;
}

char *hd_arena_text(hd_arena *arena, const char *text) {
  if (!text) return NULL;
  size_t bytes = strlen(text) + 1;
  char *copy = hd_arena_alloc(arena, bytes);
  if (copy) memcpy(copy, text, bytes);
  return copy;
}

char *hd_arena_print(hd_arena *arena, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int length = hd_vprint(NULL, 0, format, args);
  va_end(args);
  char *text = length < 0 ? NULL : hd_arena_alloc(arena, (size_t)length + 1);
  if (text) hd_vprint(text, (size_t)length + 1, format, again);
  va_end(again);
  return text;
}

void hd_arena_free(hd_arena *arena) {
  if (!arena) return;
  while (arena->last) {
    hd_arena_block *block = arena->last;
    arena->last = block->before;
    hd_release(&arena->env, block);
  }
}
