// The store: weights, statistics, optimiser and carried state, by name. The unit of save, load and
// resume, and the owner of the threads that plans run on.
#ifndef HADAL_STORE_H
#define HADAL_STORE_H

#include "graph.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hd_store hd_store;

// env may be NULL. NULL when memory is out; a bad env->cpu or a thread that cannot be started is
// reported by hd_store_error and by every compile with it.
HD_API hd_store *hd_store_new(const hd_env *env);
HD_API void hd_store_free(hd_store *store);
// A store with the same weights, statistics, seed and step, and without optimiser state: to keep
// what a training passes through. It shares the other's threads: free it first. NULL on failure.
HD_API hd_store *hd_store_copy(const hd_store *store, hd_error *err);
HD_API const char *hd_store_error(const hd_store *store);  // "" when all is well

// Seed of initial weights and of random ops; default 1. Takes effect for variables made later.
HD_API void hd_store_seed(hd_store *store, uint64_t seed);
// Number of steps that updated the store so far: what random ops are keyed by.
HD_API uint64_t hd_store_step(const hd_store *store);
HD_API void hd_store_set_step(hd_store *store, uint64_t step);

// One variable. The pointers stay valid as long as the store; data may be read and written between
// steps.
typedef struct hd_parameter {
  const char *name;
  hd_role role;
  hd_type type;
  void *data;
} hd_parameter;
HD_API int hd_store_count(const hd_store *store);
HD_API const hd_parameter *hd_store_at(const hd_store *store, int i);
HD_API const hd_parameter *hd_store_find(const hd_store *store, const char *name);  // NULL: none
// The parameter of that name, made (zeroed) if there is none. HD_E_SHAPE when there is one of
// another type.
HD_API HD_NODISCARD hd_status hd_store_put(hd_store *store, const char *name, hd_role role,
                                           hd_type type, const hd_parameter **to, hd_error *err);

#ifdef __cplusplus
}
#endif
#endif
