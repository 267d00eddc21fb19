// Any bytes: either an error with a message, or a document that is written and read back unchanged.
#include <stdlib.h>

#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth) {
  if (!truth) abort();
}

static bool same_text(const char *a, const char *b) {
  return a == b || (a && b && strcmp(a, b) == 0);
}

static bool number(const hd_doc *doc) {
  return doc->kind == HD_DOC_INT || doc->kind == HD_DOC_REAL;
}

// A REAL such as 1e2 comes back as the INT 100: numbers are equal by value.
static bool same(const hd_doc *a, const hd_doc *b) {
  if (!same_text(a->key, b->key) || a->count != b->count) return false;
  if (number(a) && number(b)) return memcmp(&a->real, &b->real, sizeof a->real) == 0;
  if (a->kind != b->kind || a->integer != b->integer || !same_text(a->text, b->text)) return false;
  for (a = a->first, b = b->first; a && b; a = a->next, b = b->next)
    if (!same(a, b)) return false;
  return !a && !b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  hd_memory memory = {0, 0, 0};
  hd_arena arena = {.env = {.memory = &memory}};
  hd_doc *doc, *again;
  hd_error err = {.status = HD_OK};
  if (hd_json_parse(&arena, "fuzz", (const char *)data, size, &doc, &err) != HD_OK) {
    require(!doc && err.status != HD_OK && strncmp(err.text, "fuzz:", 5) == 0);
  } else {
    for (int indent = -1; indent <= 2; indent += 3) {
      hd_text text = {.env = arena.env};
      hd_json_write(&text, doc, indent);
      require(!text.failed && strlen(text.at) == text.size);
      require(hd_json_parse(&arena, "again", text.at, text.size, &again, &err) == HD_OK);
      require(same(doc, again));
      hd_text_free(&text);
    }
  }
  hd_arena_free(&arena);
  require(memory.bytes == 0);
  return 0;
}
