// Sweeps: a text that names a recipe and the keys to vary, and the trials that follow from it.
#ifndef RECIPE_SWEEP_H
#define RECIPE_SWEEP_H

#include "recipe.h"

enum { HD_SWEEP_KEYS = 32, HD_SWEEP_TRIALS = 10000 };
typedef enum hd_sweep_method {
  HD_SWEEP_GRID = 0,
  HD_SWEEP_RANDOM,
  HD_SWEEP_HALVING
} hd_sweep_method;
typedef enum hd_sweep_measure { HD_SWEEP_LOSS = 0, HD_SWEEP_ACCURACY } hd_sweep_measure;

typedef struct hd_sweep_range {
  float low, high;
  bool log, whole;
} hd_sweep_range;

typedef struct hd_sweep_halving {
  int eta;    // of the trials of a rung one in eta goes on, for eta times as many epochs
  int least;  // epochs of the first rung
} hd_sweep_halving;

typedef struct hd_sweep_key {
  const char *path;  // as --set takes it: "train.optimizer.adam.lr"
  int line;
  const hd_doc *values;  // a list; NULL: the range
  hd_sweep_range range;
} hd_sweep_key;

// Read only. Everything in it lives as long as the sweep.
typedef struct hd_sweep {
  const char *file, *name;
  const char *recipe;  // a path or a name
  int recipe_line;
  hd_sweep_method method;
  hd_sweep_measure measure;  // on the validation samples, of the epoch with the least loss there
  int trials;                // of a grid: all combinations
  int64_t seed;
  hd_sweep_halving halving;
  hd_sweep_key key[HD_SWEEP_KEYS];
  int keys;
  hd_arena arena;
} hd_sweep;
extern const hd_fields hd_sweep_fields, hd_sweep_range_fields, hd_sweep_halving_fields;

// NULL on failure; the message names file and line. Values are checked by the recipe that they are
// put into.
hd_sweep *hd_sweep_read(const hd_env *env, const char *path, hd_document_reader *yaml,
                        hd_error *err);
hd_sweep *hd_sweep_parse(const hd_env *env, const char *file, const char *text, size_t bytes,
                         hd_document_reader *yaml, hd_error *err);
void hd_sweep_free(hd_sweep *sweep);

// The value of a key in a trial (from 0), as JSON. It depends on the sweep and the trial's number
// alone. A grid counts like a clock: its last key changes first.
void hd_sweep_value(const hd_sweep *s, int trial, int key, hd_text *to);
int hd_sweep_line(const hd_sweep *s, int trial, int key);  // where that value was written
// What decides about its trials, defaults filled in; reads back as the same. NULL: memory is out.
hd_doc *hd_sweep_doc(hd_arena *arena, const hd_sweep *s);

#endif
