// JSON in and out: model headers, recipes in a core-only build, metrics, --json.
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "arena.h"

typedef enum hd_doc_kind {
  HD_DOC_NULL,
  HD_DOC_BOOL,
  HD_DOC_INT,
  HD_DOC_REAL,
  HD_DOC_TEXT,
  HD_DOC_LIST,
  HD_DOC_MAP
} hd_doc_kind;

// A parsed document: JSON, and YAML through the recipe floor. Lives in an arena.
typedef struct hd_doc {
  hd_doc_kind kind;
  int line;                     // where it stood, from 1
  const char *key;              // its key within a map, or NULL
  const char *text;             // TEXT; for numbers the spelling as written
  int64_t integer;              // INT, BOOL
  double real;                  // INT and REAL
  struct hd_doc *first, *next;  // children of LIST and MAP, in order
  int count;                    // of children
} hd_doc;

// Strict RFC 8259. Depth at most 64, duplicate keys are an error, invalid UTF-8 is an error.
// name: the file name used in messages ("name:line: ..."). Integers that fit int64 are INT, other
// numbers REAL; those beyond double and the escape \u0000 are errors. Takes about 64 bytes of arena
// per value, so `bytes` is what the caller limits.
HD_NODISCARD hd_status hd_json_parse(hd_arena *arena, const char *name, const char *text,
                                     size_t bytes, hd_doc **to, hd_error *err);
hd_doc *hd_doc_get(const hd_doc *map, const char *key);  // NULL if absent or not a map

// A growing text, NUL-terminated; start from {.env = ...}, `at` is NULL while nothing is added.
// Failure is sticky: `failed` is set, later calls are no-ops.
typedef struct hd_text {
  hd_env env;
  char *at;
  size_t size, room;
  bool failed;
} hd_text;
void hd_text_add(hd_text *to, const char *format, ...) HD_PRINTF(2, 3);
void hd_text_raw(hd_text *to, const char *bytes, size_t count);
void hd_json_string(hd_text *to, const char *text);  // quoted and escaped; bad UTF-8 becomes U+FFFD
void hd_json_real(hd_text *to, double value);        // shortest that reads back; null for NaN/inf
// indent: spaces per level; < 0: one line. Numbers are written by value, not by spelling.
void hd_json_write(hd_text *to, const hd_doc *doc, int indent);
// Bytes of the valid UTF-8 sequence at [text, end), 0 if it is not one.
int hd_utf8_length(const char *text, const char *end);
void hd_text_free(hd_text *text);

#endif
