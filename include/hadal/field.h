// Field tables: what recipes, --set, printing, documentation and ONNX know of an options struct.
#ifndef HADAL_FIELD_H
#define HADAL_FIELD_H

#include "base.h"

typedef enum hd_field_kind {
  HD_FIELD_INT,     // int
  HD_FIELD_INT64,   // int64_t
  HD_FIELD_REAL,    // float
  HD_FIELD_BOOL,    // bool
  HD_FIELD_TEXT,    // const char *
  HD_FIELD_CHOICE,  // an enum; `choices` in the order of its values
  HD_FIELD_INIT,    // hd_init
  HD_FIELD_LIST     // the recipe's own: `choices` unused, handled by the reader
} hd_field_kind;

typedef struct hd_field {
  const char *name;
  hd_field_kind kind;
  size_t offset;
  int count;                   // elements of an array; a scalar in a recipe fills it
  const char *standard;        // the default, as documentation prints it; "" when required
  double low, high;            // range, inclusive; both 0: none
  const char *const *choices;  // NULL-terminated
  bool main;                   // `dense: 120` sets this one
  const char *help;            // one line
} hd_field;

// One options struct: every member but hd_z and use_names is in `field`.
typedef struct hd_fields {
  const char *name;  // "conv2d"
  size_t size;       // of the struct
  const hd_field *field;
  int count;
} hd_fields;

#define HD_FIELD(S, member, KIND, ...) \
  { \
    .name = #member, .kind = HD_FIELD_##KIND, .offset = offsetof(S, member), .count = 1, \
    __VA_ARGS__ \
  }
#define HD_FIELD_ARRAY(S, member, KIND, n, ...) \
  { \
    .name = #member, .kind = HD_FIELD_##KIND, .offset = offsetof(S, member), .count = n, \
    __VA_ARGS__ \
  }
#define HD_FIELDS(id, S, array) \
  { .name = id, .size = sizeof(S), .field = array, .count = (int)(sizeof(array) / sizeof *(array)) }

#endif
