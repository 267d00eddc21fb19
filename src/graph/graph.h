// The inside of a graph: nodes in an arena, scopes, variables, assignments.
#ifndef GRAPH_GRAPH_H
#define GRAPH_GRAPH_H

#include "../../include/hadal/op.h"
#include "../base/arena.h"

typedef enum hd_leaf {
  HD_LEAF_NONE = 0,
  HD_LEAF_INPUT,
  HD_LEAF_CONSTANT,
  HD_LEAF_VARIABLE
} hd_leaf;

// A layer call: gives its variables and nodes a name, "dense_1", at the first walk.
typedef struct hd_scope {
  const char *kind;  // "dense"
  const char *name;  // NULL until named
  struct hd_scope *parent;
} hd_scope;

typedef struct hd_variable_info {
  const char *name;   // NULL until named; "dense_1/weight"
  const char *local;  // "weight": its name within the scope, or NULL
  hd_scope *scope;
  struct hd_variable_info *of;  // optimiser state: the weight it belongs to, part of its name
  hd_role role;
  hd_init init;
  bool frozen;
  hd_type type;
} hd_variable_info;

typedef struct hd_node {
  const hd_op *op;  // NULL: a leaf
  hd_leaf leaf;
  int32_t id, n_in, n_out;
  hd_val *in;
  hd_type *out;
  void *attr;
  const char *name;  // of inputs, named values and random sites
  hd_scope *scope;
  hd_variable_info *variable;
  const void *data;  // constants
} hd_node;

typedef struct hd_assignment {
  hd_val variable, value;
  bool statistic;  // made by a layer; joins every training plan that computes `when`
  int32_t when;    // node id
  hd_val batch;    // of a statistic: what it is of this batch alone
} hd_assignment;

struct hd_graph {
  hd_env env;
  hd_arena arena;
  hd_node **node;  // node[0] is unused, so that a zeroed value is none
  int32_t count, room;
  hd_assignment *assign;
  int32_t assigns, assign_room;
  hd_scope *scope;  // of the layer being built
  struct hd_kind_count {
    const char *kind;
    int count;
  } * kinds;  // names given so far
  int n_kinds, kind_room;
  hd_error error;     // sticky
  bool sealed;        // a plan's own copy: shapes are concrete, equal nodes are shared
  bool train, draws;  // draws: random ops draw, which they also may in evaluation
  int64_t bound[3];   // HD_BATCH, HD_TIME, HD_LENGTH of a sealed graph
  int32_t *table;     // sealed: hash table of nodes
  int32_t table_size;
};

static inline hd_node *hd_node_of(hd_val v) { return v.graph->node[v.node]; }
static inline bool hd_ok(hd_val v) { return v.graph != NULL; }
static inline hd_type *hd_type_of(hd_val v) { return &v.graph->node[v.node]->out[v.out]; }

// A symbolic size in a sealed graph, else as it is.
int64_t hd_bind(const hd_graph *graph, int64_t dim);

hd_status hd_graph_fail(hd_graph *graph, hd_status status, const char *format, ...) HD_PRINTF(3, 4);
hd_node *hd_node_new(hd_graph *graph, int n_in, int n_out);  // NULL: memory is out (recorded)

// Layers: everything made between begin and end belongs to one scope. name may be NULL.
hd_scope *hd_scope_begin(hd_graph *graph, const char *kind, const char *name);
void hd_scope_end(hd_graph *graph, hd_scope *scope);
// A layer's own variable, named scope/local.
hd_val hd_scope_variable(hd_graph *graph, const char *local, hd_dtype dtype, hd_shape shape,
                         hd_role role, hd_init init);
// State that an optimiser keeps for a weight: "adam_1/dense_1/weight/m". of may be null.
hd_val hd_state_variable(hd_scope *scope, hd_val of, const char *local, hd_graph *graph,
                         hd_type type, hd_init init);
// An assignment that joins every training plan that computes `when`. batch: the part of value that
// is this batch's.
void hd_assign_statistic(hd_val variable, hd_val value, hd_val batch, hd_val when);

// Depth-first order, arguments left to right, of all nodes that `root` needs: appends ids to
// `order` (room for graph->count), skipping those already in `seen` (one byte a node). Iterative:
// any depth.
hd_status hd_walk(const hd_graph *graph, hd_val root, int32_t *order, int32_t *count,
                  uint8_t *seen);
// Gives a name to every unnamed scope, variable and random site that the values need.
hd_status hd_name_walk(hd_graph *graph, const hd_val *root, int count);

// As hd_node_add; without `rewrite` the node is kept as it is. A rewritten node's value stands for
// output 0 only.
hd_val hd_node_add_as(const hd_op *op, const void *attr, const hd_val *in, int n_in, bool rewrite);

// No value of a sealed graph is so large that its bytes, or a product of its sizes, could overflow.
bool hd_size_fits(hd_graph *graph, const char *what, const hd_type *type);
// A finished leaf of a sealed graph joins the shared nodes.
hd_node *hd_node_share(hd_graph *graph, hd_node *node);

bool hd_attr_equal(const hd_fields *fields, const void *a, const void *b);

#endif
