// The inside of a store.
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "../../include/hadal/store.h"
#include "../base/arena.h"
#include "../base/pool.h"
#include "../base/random.h"
#include "../graph/graph.h"
#include "../kernel/kernel.h"

struct hd_store {
  hd_env env;
  hd_arena arena;  // entries and names
  hd_parameter **entry;
  int count, room;
  int32_t *place;  // hash table of names: index into entry, plus 1
  int places;
  hd_pool *pool;
  bool borrowed;  // the pool, by a copy
  const hd_kernels *kernels;
  uint64_t seed, step;
  hd_error error;
};

// Of the kinds named after LeCun, Glorot and He.
double hd_init_variance(hd_init_kind kind, double in, double out);
// Fills a new parameter: first values depend on (seed, name, element) alone.
void hd_initialise(const hd_parameter *p, hd_init init, uint64_t seed);
// The parameter of a variable, made and initialised by (seed, name) if there is none.
HD_NODISCARD hd_status hd_store_variable(hd_store *store, const char *name, hd_role role,
                                         hd_type type, hd_init init, hd_parameter **to,
                                         hd_error *err);

// Forgets all parameters after the first `count`: takes back a load that failed.
void hd_store_cut(hd_store *store, int count);

#endif
