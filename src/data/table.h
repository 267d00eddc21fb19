// Data held in memory: what the readers and the built-in sets are made of.
#ifndef DATA_TABLE_H
#define DATA_TABLE_H

#include "../../include/hadal/data.h"
#include "../base/arena.h"
#include "../base/base.h"
#include "../base/file.h"

enum { HD_DATA_COLUMNS = HD_COUNT(((hd_data *)0)->column) };

// What hd_data_from_tensors hangs on an hd_data.
typedef struct hd_table {
  hd_env env;
  hd_arena arena;  // class names that were read from a file
  int columns;
  hd_tensor column[HD_DATA_COLUMNS];
  size_t stride[HD_DATA_COLUMNS];  // bytes of one sample
} hd_table;

// The sets within the library.
hd_status hd_iris_open(const hd_env *env, hd_data *to, hd_error *err);
hd_status hd_xor_open(const hd_env *env, hd_data *to, hd_error *err);

#endif
