// The inside of a plan. The floors of compiling, one file each:
//   seal.c      the graph's part that matters, copied with concrete shapes, rewritten and shared
//   recompute.c cheap values again for every reader, instead of stored
//   fuse.c      nodes -> units: chains of elementwise nodes, products with an epilogue
//   order.c     units in the order they run
//   storage.c   values -> buffers: aliases, in place, assignments, lifetimes
//   lower.c     units -> kernel calls; lower_program.c: elementwise nodes -> programs
//   offset.c    buffers -> offsets in the workspace
//   compile.c   all of the above, one after the other
//   run.c       workspaces and steps
//   trial.c     whether a short step is faster on one thread
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include "../../include/hadal/plan.h"
#include "../store/store.h"

// A place: where the bytes of a value are.
typedef enum hd_place_kind { HD_PLACE_NONE = 0, HD_PLACE_WORKSPACE, HD_PLACE_FIXED } hd_place_kind;
typedef struct hd_place {
  hd_place_kind kind;
  int64_t offset;  // WORKSPACE: bytes
  void *at;        // FIXED: a variable of the store, or a constant of the plan
} hd_place;

// One kernel call of a step.
typedef struct hd_call {
  const char *label;    // "matmul", "add relu"
  const hd_node *node;  // NULL: a program alone
  hd_kernel_fn *run[HD_MAX_PHASES];
  int64_t parts[HD_MAX_PHASES];
  int phases;
  bool before;  // the program makes operand 0 of `node`
  bool packs;   // phase 0 makes `packed` from operand 1 alone, and
  bool frozen;  // that stays as it is from the workspace's first run on
  bool serial;  // too little work to hand to other threads
  int taken;    // the program's operand that is output 0 of `node`, which is not stored; -1: none
  int n_in, n_out;
  const hd_type *in_type, *out_type;
  hd_place *in, *out, scratch, packed;
  const void *attr, *data;
  uint64_t site;
  hd_program_plan *program;  // a program: the call itself, the epilogue of `node`, or its operand
  int p_in, p_out;
  hd_place *program_in, *program_out;
  double flop, bytes;
} hd_call;

typedef struct hd_named_place {
  const char *name;
  hd_type type;
  hd_place place;
} hd_named_place;

struct hd_plan {
  hd_env env;
  hd_store *store;
  hd_graph *graph;  // the sealed copy: attributes, constants and names live in it
  hd_arena arena;
  hd_call *call;
  int calls;
  hd_named_place *input, *fetch;
  int inputs, fetches;
  bool train, draws, updates;
  hd_precision precision;
  hd_plan_info info;
};

// ---- While compiling ----------------------------------------------------------------------------

// A unit: nodes that run as one kernel call. A producer with an epilogue or with what makes its
// operand, a group of elementwise nodes, or a single node.
typedef struct hd_unit {
  int32_t producer;  // node id, 0: none
  int32_t *member;   // elementwise nodes in order of the walk; NULL for a single other node
  int32_t members, room;
  bool before;              // the members make operand 0 of the producer
  int32_t into;             // merged into that unit; -1: alive
  int32_t first, position;  // of its first and last node in the walk
  int32_t time;             // when it runs
  hd_shape domain;          // of the members
  int32_t steps, values;    // of the program: tiles, and constants of expand rules
} hd_unit;

typedef struct hd_buffer {  // bytes of the workspace that hold one value after another
  int64_t bytes, offset;
  int32_t start, end;  // first and last time in use
} hd_buffer;

typedef struct hd_value {  // a materialised output of a node
  hd_place place;
  int32_t buffer;       // -1: not in the workspace
  int32_t first, last;  // made at, last read at; first -1: leaf
  bool kept;            // fetched: read after the step
} hd_value;

typedef struct hd_compile_state {
  hd_plan *plan;
  hd_graph *g;  // sealed
  hd_error *err;
  const hd_compile_options *options;
  hd_assignment *assign;  // on the sealed graph
  int assigns;
  hd_val *root;  // fetches, then assigned values
  int roots, fetches;
  int32_t *order, nodes;  // walk from the roots
  int32_t *unit_of;       // node -> unit, -1: leaf, alias, or absorbed
  hd_unit *unit;
  int32_t units;
  int32_t *schedule, scheduled;  // unit ids in the order they run
  int32_t *first_value;          // node -> its first entry in value
  hd_value *value;
  hd_buffer *buffer;
  int32_t buffers, buffer_room;
  int32_t end;           // time after the last unit
  uint8_t *elementwise;  // node can be part of a program
  uint8_t *with_reader;  // node is made for its one reader: NULL or by node
} hd_compile_state;

hd_status hd_seal(hd_compile_state *s);
bool hd_makes_operand(const hd_node *n);
hd_status hd_recompute(hd_compile_state *s);
hd_status hd_fuse(hd_compile_state *s);
hd_status hd_order(hd_compile_state *s);
hd_status hd_assign_storage(hd_compile_state *s);  // before lowering: buffers and lifetimes
hd_status hd_buffer_new(hd_compile_state *s, int64_t bytes, int32_t start, int32_t end,
                        int32_t *to);
hd_status hd_assign_offsets(hd_compile_state *s);  // after lowering: scratch is known
hd_status hd_lower_units(hd_compile_state *s);
// The members of u as one program of the call; what it reads and writes, by operand, in the arena.
hd_status hd_lower_program(hd_compile_state *s, const hd_unit *u, hd_call *call, hd_val **in,
                           hd_val **out);
int hd_expand_count(const hd_node *n, int *values);  // tiles and constants that a node expands to

// A workspace in two steps: everything but its memory, then the memory (the caller's).
hd_workspace *hd_workspace_prepare(const hd_plan *plan, hd_error *err);
void hd_workspace_bind(hd_workspace *workspace, void *memory);
// Random ops of the runs that follow draw for the `number`th time at this step of the store; 0 is
// what training draws.
void hd_workspace_draw(hd_workspace *workspace, uint64_t number);

// Whether the next step of a workspace runs on the caller's thread alone, and whether its time is
// wanted; told of each step that ran.
typedef struct hd_trial {
  int64_t run;
  double best[2];  // seconds of a step, in this trial: the usual way, the other way
  double single;   // seconds of a step alone, in the last trial of both ways; 0: none yet
  bool alone;      // the usual way
} hd_trial;
bool hd_trial_alone(const hd_trial *t);
bool hd_trial_timed(const hd_trial *t);
void hd_trial_ran(hd_trial *t, double seconds);

// Through aliases (reshape) to the node that makes the bytes.
hd_val hd_root_of(hd_val v);
// What an elementwise node really reads: broadcast_to nodes are looked through.
hd_val hd_operand_of(const hd_compile_state *s, const hd_node *n, int input);
// Calls see(state, context, value root, full) for everything a unit reads from outside itself;
// `full` when an elementwise member reads it element by element at its own position.
typedef void hd_see(hd_compile_state *s, void *context, hd_val root, bool full);
void hd_unit_reads(hd_compile_state *s, int32_t unit, bool producer, bool members, hd_see *see,
                   void *context);

static inline hd_value *hd_value_of(const hd_compile_state *s, hd_val v) {
  return &s->value[s->first_value[v.node] + v.out];
}
static inline int64_t hd_type_bytes(const hd_type *t) {
  return hd_shape_count(t->shape) * (int64_t)hd_dtype_size(t->dtype);
}

#endif
