// Field tables at work: documents to options structs, and back.
#ifndef RECIPE_FIELDS_H
#define RECIPE_FIELDS_H

#include "../../include/hadal/field.h"
#include "../../include/hadal/graph.h"
#include "doc.h"

// Where a document came from, for messages.
typedef struct hd_reader {
  const char *name;         // "lenet5.yaml"
  const char *const *sets;  // "key=value" texts; a value of line -1 - i comes from sets[i]
  hd_arena *arena;          // what texts are copied to
  hd_error *err;
} hd_reader;

// "name:line: ..." or "--set key=value: ..."; HD_E_FORMAT.
hd_status hd_reader_fail(const hd_reader *r, const hd_doc *at, const char *format, ...)
    HD_PRINTF(3, 4);
// "; did you mean "x"?", or "; known are a, b, c", in `to`.
const char *hd_suggest(const char *word, const char *const *known, int count, char *to,
                       size_t size);

// Fills an options struct from a map, or its main field from anything else (NULL: nothing given).
// Refuses unknown keys, wrong types, values out of range and required fields that are missing.
// LIST fields are the caller's: they are passed over.
hd_status hd_fields_read(const hd_reader *r, const hd_fields *fields, const hd_doc *doc,
                         void *options);
// The same for one "name=value" text.
hd_status hd_fields_set(const hd_fields *fields, hd_arena *arena, const char *text, void *options,
                        hd_error *err);
// Fills `to` (a map) with the fields of a struct: those that are given, or all of them with their
// defaults. false: memory is out.
bool hd_fields_doc(hd_arena *arena, const hd_fields *fields, const void *options, bool all,
                   hd_doc *to);
// The value of a --set or of a command line: JSON if it is, else a word.
hd_doc *hd_doc_of_text(hd_arena *arena, const char *text);
const hd_field *hd_field_main(const hd_fields *fields);  // NULL: none

int hd_init_numbers(int kind);            // that an initialiser takes
extern const char *const hd_init_names[];  // in the order of hd_init_kind, NULL-terminated

#endif
