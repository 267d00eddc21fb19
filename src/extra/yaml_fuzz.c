// Any bytes as YAML: an error with a message, or a document of bounded size that is written as
// YAML, read back, and written as the same. (The first time -0.0 becomes the whole number 0.)
#include <stdlib.h>

#include "../../include/hadal/extra.h"
#include "../recipe/doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth) {
  if (!truth) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  hd_memory memory = {0, 0, 0};
  hd_arena arena = {.env = {.memory = &memory}};
  hd_doc *doc, *again;
  hd_error err = {.status = HD_OK};
  if (hd_yaml_parse(&arena, "fuzz", (const char *)data, size, &doc, &err) != HD_OK) {
    require(!doc && err.status != HD_OK && strncmp(err.text, "fuzz:", 5) == 0);
  } else {
    hd_text one = {.env = arena.env}, two = {.env = arena.env};
    hd_yaml_write(&one, doc);
    require(!one.failed);
    require(hd_yaml_parse(&arena, "again", one.at, one.size, &again, &err) == HD_OK);
    hd_yaml_write(&two, again);
    hd_text_free(&one);
    require(hd_yaml_parse(&arena, "again", two.at, two.size, &again, &err) == HD_OK);
    hd_yaml_write(&one, again);
    require(!strcmp(one.at, two.at));
    hd_text_free(&one);
    hd_text_free(&two);
  }
  hd_arena_free(&arena);
  require(memory.bytes == 0);
  return 0;
}
