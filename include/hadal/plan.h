// Plans: a graph compiled for fixed sizes, and the workspaces it runs in.
#ifndef HADAL_PLAN_H
#define HADAL_PLAN_H

#include "graph.h"
#include "store.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hd_plan hd_plan;            // immutable: kernel calls and offsets
typedef struct hd_workspace hd_workspace;  // its memory: one per thread that runs it

typedef enum hd_mode { HD_EVALUATE = 0, HD_TRAIN } hd_mode;

typedef struct hd_compile_options {
  HD_OPTIONS;
  hd_val fetch[16] HD_Z;     // values to be read after a run
  hd_update update[8] HD_Z;  // assignments to be done
  hd_mode mode HD_Z;         // default HD_EVALUATE. HD_TRAIN: dropout drops, batch norm uses
                             // the batch and updates its running statistics
  int64_t batch HD_Z, time HD_Z, length HD_Z;  // what HD_BATCH, HD_TIME, HD_LENGTH are bound to
  const hd_val *more HD_Z;                     // further fetches, numbered after those of `fetch`
  int mores HD_Z;
  const hd_val *feed HD_Z;  // values to be given like inputs instead of computed
  int feeds HD_Z;
  bool no_statistics HD_Z;  // leave running statistics alone
  bool draws HD_Z;          // HD_EVALUATE, but random ops draw as in training: MC dropout
  bool no_fusion HD_Z;      // one kernel call per node: same bits, more memory traffic
  // The variables stay as they are while a workspace lives: its first run packs weights for the
  // kernels, later ones find them packed. Memory given to hd_workspace_new must then be that
  // workspace's alone, between runs too.
  bool frozen HD_Z;
  hd_precision precision HD_Z;  // of products and convolutions; default HD_PRECISION_F32
} hd_compile_options;

// Compiles a sealed copy of the graph: later changes to it do not matter. Makes the variables that
// the store lacks. NULL on failure, with the graph's first error if it has one.
HD_API hd_plan *hd_compile(hd_store *store, hd_error *err, hd_compile_options options);
#define hd_compile(...) \
  hd_compile(HD_HEAD2_(__VA_ARGS__, ), \
             HD_LIT(hd_compile_options){.hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})
HD_API void hd_plan_free(hd_plan *plan);  // before its store; after its workspaces

typedef struct hd_plan_info {
  int calls;          // kernel calls of a step
  int64_t workspace;  // bytes of one workspace's memory: inputs, activations, scratch
  int64_t live;       // bytes of the largest set of values alive at once
  int64_t variables;  // bytes of the store's variables that the plan touches
  double flop;        // floating-point operations of a step
  double bytes;       // bytes that the calls read and write
  double least;       // the same if each stored value were written once and read once
} hd_plan_info;
HD_API hd_plan_info hd_plan_describe(const hd_plan *plan);
// A line per kernel call: op, shapes, bytes, operations, offset, what was fused into it.
HD_API void hd_plan_print(const hd_plan *plan, void (*line)(void *user, const char *text),
                          void *user);

// memory: NULL, or hd_plan_describe(plan).workspace bytes, 64-byte aligned, the caller's for as
// long.
HD_API hd_workspace *hd_workspace_new(const hd_plan *plan, void *memory, hd_error *err);
HD_API void hd_workspace_free(hd_workspace *workspace);
// Where to write an input before a run (kept between runs); NULL when the plan has none of that
// name. *type may be NULL.
HD_API void *hd_workspace_input(hd_workspace *workspace, const char *name, hd_type *type);
HD_API void *hd_workspace_feed(hd_workspace *workspace, int i, hd_type *type);
// A fetched value after a run; valid until the next.
HD_API const void *hd_workspace_fetch(const hd_workspace *workspace, int i, hd_type *type);
// Which samples these are among those of the step (data parallel shards); default 0.
HD_API void hd_workspace_sample(hd_workspace *workspace, int64_t first);
// One step. Allocates nothing.
HD_API HD_NODISCARD hd_status hd_run(hd_workspace *workspace, hd_error *err);

#ifdef __cplusplus
}
#endif
#endif
