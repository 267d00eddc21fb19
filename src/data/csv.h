// The inside of the CSV reader: fields, lists of different texts, words as inputs.
#ifndef DATA_CSV_H
#define DATA_CSV_H

#include "../base/json.h"
#include "table.h"

#define HD_CSV_BYTES ((int64_t)1 << 32)  // of a file, and of its inputs

typedef struct hd_csv_field {
  const char *at, *end;  // without the outer quotes and blanks
  bool quoted;
  int64_t line;
} hd_csv_field;

typedef struct hd_csv {
  const hd_env *env;
  const char *name;
  hd_error *err;
  const char *text, *end;
  char separator;
  int width, label;  // columns of line 1; number of the label's from 0, or -1
  bool header;
  bool words;  // a column of features may hold words
  int64_t rows;
} hd_csv;

typedef struct hd_csv_cursor {
  const hd_csv *c;
  const char *at;
  int64_t line;
} hd_csv_cursor;

typedef struct hd_csv_label {
  const char *text;
  double value;
  int32_t id;  // in order of appearance; of a word: which input of its column
} hd_csv_label;

// Every different label, or word of a column, sorted by its text: there are few.
typedef struct hd_csv_list {
  hd_env env;
  hd_arena arena;
  hd_csv_label **at;
  int count, room;
  bool numbers;
} hd_csv_list;

// The words of each feature column; one of numbers has none.
typedef struct hd_csv_words {
  hd_csv_list *of;  // NULL: the table may have none
  int count;
  int64_t inputs, bytes;
} hd_csv_words;

// csv.c
hd_status hd_csv_next(hd_csv_cursor *u, hd_csv_field *f, bool *last);  // last: of the row
hd_status hd_csv_skip_header(hd_csv_cursor *u);
void hd_csv_unquote(const hd_csv_field *f, hd_text *to);  // doubled quotes made single
bool hd_csv_is_number(const hd_csv_field *f);

// csv_words.c
int hd_csv_place(const hd_csv_list *list, const char *text, bool *found);  // or where it belongs
hd_status hd_csv_add(hd_csv_list *list, const char *text, int place, const hd_csv *c);
hd_status hd_csv_list_words(const hd_csv *c, hd_csv_options o, hd_csv_words *w, hd_text *scratch);
void hd_csv_free_words(const hd_csv *c, hd_csv_words *w);
hd_status hd_csv_name_words(const hd_csv *c, const hd_csv_words *w, hd_data *to);
hd_status hd_csv_unknown_word(const hd_csv *c, const hd_csv_field *f, int column,
                              const hd_csv_list *list, const char *word);

#endif
