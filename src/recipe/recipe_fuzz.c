// Any bytes as a JSON recipe: an error with a message, or a recipe whose network is built or
// refused, and whose text reads back as the same text; and as a sweep, which reads back as the same
// and whose values are JSON. The mutator edits documents instead of
// bytes: layers, fields and extreme numbers end up where they mean something.
#include <stdlib.h>

#include "sweep.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t capacity);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t capacity, unsigned seed);

static void require(bool truth) {
  if (!truth) abort();
}

static void sweep(const hd_env *env, const char *data, size_t size) {
  hd_error err = {.status = HD_OK};
  hd_sweep *s = hd_sweep_parse(env, "fuzz.json", data, size, NULL, &err);
  if (!s) {
    require(err.status != HD_OK && strncmp(err.text, "fuzz.json", 9) == 0);
    return;
  }
  char what[300];
  hd_arena arena = {.env = *env};
  hd_doc *doc = hd_sweep_doc(&arena, s), *value;
  hd_text text = {.env = *env};
  require(doc);
  hd_json_write(&text, doc, -1);
  hd_sweep *again = hd_sweep_parse(env, "again.json", text.at, text.size, NULL, &err);
  require(again);
  require(!hd_doc_differs(env, doc, hd_sweep_doc(&arena, again), what, sizeof what));
  require(s->trials > 0 && s->trials <= HD_SWEEP_TRIALS);
  for (int i = 0; i < s->keys; i++) {
    hd_text_free(&text);
    hd_sweep_value(s, s->trials - 1, i, &text);
    require(!hd_json_parse(&arena, "value", text.at, text.size, &value, &err));
  }
  hd_text_free(&text);
  hd_sweep_free(again);
  hd_sweep_free(s);
  hd_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  hd_memory memory = {0, 0, 0};
  hd_env env = {.memory = &memory};
  hd_error err = {.status = HD_OK};
  hd_recipe *r = hd_recipe_parse(&env, "fuzz.json", (const char *)data, size, &err);
  if (!r) {
    require(err.status != HD_OK && strncmp(err.text, "fuzz.json", 9) == 0);
  } else {
    hd_signature s;
    hd_network net;
    hd_graph *g = hd_graph_new(&env);
    hd_status status = hd_recipe_signature(r, &s, &err);
    if (!status) status = hd_recipe_build(r, &s, g, &net, &err);
    require(!status || *err.text);
    char *one = hd_recipe_text(&env, r, false);
    hd_recipe *again = hd_recipe_parse(&env, "again.json", one, strlen(one), &err);
    require(again);
    char *two = hd_recipe_text(&env, again, false);
    require(!strcmp(one, two));
    char *header = status ? NULL : hd_recipe_header(&env, r, &s);
    require(status || header);
    hd_release(&env, header);
    hd_release(&env, two);
    hd_release(&env, one);
    hd_recipe_free(again);
    hd_graph_free(g);
    hd_recipe_free(r);
  }
  sweep(&env, (const char *)data, size);
  require(memory.bytes == 0 && memory.peak < (int64_t)256 << 20);
  return 0;
}

// ---- The mutator --------------------------------------------------------------------------------

static uint64_t next(uint64_t *state) {
  *state ^= *state << 13, *state ^= *state >> 7, *state ^= *state << 17;
  return *state >> 8;
}

static hd_doc *nth(hd_doc *doc, int64_t *n) {
  if ((*n)-- == 0) return doc;
  for (hd_doc *child = doc->first; child; child = child->next) {
    hd_doc *found = nth(child, n);
    if (found) return found;
  }
  return NULL;
}

static int64_t size_of(const hd_doc *doc) {
  int64_t n = 1;
  for (const hd_doc *child = doc->first; child; child = child->next) n += size_of(child);
  return n;
}

static void set_number(hd_doc *to, uint64_t *state) {
  static const int64_t numbers[] = {0,
                                    1,
                                    -1,
                                    2,
                                    3,
                                    5,
                                    16,
                                    255,
                                    65536,
                                    INT32_MAX,
                                    (int64_t)INT32_MAX + 1,
                                    INT32_MIN,
                                    3037000500,
                                    (int64_t)1 << 40,
                                    INT64_MAX,
                                    INT64_MIN};
  static const double reals[] = {0.5, -0.5, 1e-300, 1e300, 0.1, 1.5, -1e9};
  to->first = NULL, to->count = 0, to->text = NULL;
  if (next(state) % 4) {
    to->kind = HD_DOC_INT;
    to->integer = numbers[next(state) % HD_COUNT(numbers)];
    to->real = (double)to->integer;
  } else {
    to->kind = HD_DOC_REAL;
    to->real = reals[next(state) % HD_COUNT(reals)];
  }
}

static void set_word(hd_arena *arena, hd_doc *to, uint64_t *state) {
  static const char *const words[] = {
      "relu", "flatten", "dense",     "conv2d",    "softmax", "same", "explicit", "cross_entropy",
      "mse",  "adam",    "sgd",       "step",      "cosine",  "unit", "standard", "xor",
      "iris", "mnist",   "he_normal", "constant",  "u8",      "",     "huber",    "hinge",
      "grid", "random",  "halving",   "valid.loss"};
  to->first = NULL, to->count = 0;
  to->kind = HD_DOC_TEXT;
  to->text = hd_arena_text(arena, words[next(state) % HD_COUNT(words)]);
}

// A layer with some of its fields, each with some number.
static void add_layer(hd_arena *arena, hd_doc *list, uint64_t *state) {
  int count = 0;
  while (hd_layers()[count]) count++;
  const hd_layer *layer = hd_layers()[next(state) % (uint64_t)count];
  hd_doc *outer = hd_doc_new(arena, list, NULL, HD_DOC_MAP),
         *map = outer ? hd_doc_new(arena, outer, layer->name, HD_DOC_MAP) : NULL;
  for (int i = 0; map && layer->fields && i < layer->fields->count; i++) {
    const hd_field *f = &layer->fields->field[i];
    if (*f->standard && next(state) % 3) continue;
    int length = f->count + (next(state) % 8 == 0);  // one too many
    hd_doc *value = hd_doc_new(arena, map, f->name,
                               f->count > 1 && next(state) % 2 ? HD_DOC_LIST : HD_DOC_NULL);
    if (value && value->kind == HD_DOC_NULL) {
      if (f->kind == HD_FIELD_TEXT || f->kind == HD_FIELD_CHOICE || f->kind == HD_FIELD_INIT)
        set_word(arena, value, state);
      else set_number(value, state);
    }
    for (int k = 0; value && value->kind == HD_DOC_LIST && k < length; k++) {
      hd_doc *one = hd_doc_new(arena, value, NULL, HD_DOC_NULL);
      if (one) set_number(one, state);
    }
  }
}

static void change(hd_arena *arena, hd_doc *doc, uint64_t *state) {
  int64_t n = (int64_t)(next(state) % (uint64_t)size_of(doc));
  hd_doc *at = nth(doc, &n), *model = hd_doc_get(doc, "model");
  switch (next(state) % 6) {
    case 0:
    case 1:
      if (model && model->kind == HD_DOC_LIST) add_layer(arena, model, state);
      break;
    case 2:
      if (at != doc) set_number(at, state);
      break;
    case 3:
      if (at != doc) set_word(arena, at, state);
      break;
    case 4:
      if (at->first) at->first = at->first->next, at->count--;
      break;
    default:
      if (at->kind == HD_DOC_LIST && at->first && at->count < 64)
        hd_doc_copy(arena, at, NULL, at->first);
      break;
  }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t capacity, unsigned seed) {
  hd_arena arena = {0};
  hd_doc *doc;
  uint64_t state = seed * 2654435761u + 88172645463325252u;
  if (next(&state) % 8 == 0 ||
      hd_json_parse(&arena, "seed", (const char *)data, size, &doc, NULL)) {
    hd_arena_free(&arena);
    return LLVMFuzzerMutate(data, size, capacity);
  }
  for (uint64_t i = next(&state) % 4 + 1; i > 0; i--) change(&arena, doc, &state);
  hd_text text = {.env = {0}};
  hd_json_write(&text, doc, -1);
  if (!text.failed && text.size <= capacity) memcpy(data, text.at, size = text.size);
  hd_text_free(&text);
  hd_arena_free(&arena);
  return size;
}
