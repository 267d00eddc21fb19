// What an operator is. Every built-in one is a file of src/op with one such record; users can make
// their own and put them into a graph with hd_node_add.
#ifndef HADAL_OP_H
#define HADAL_OP_H

#include "field.h"
#include "graph.h"
#include "tile.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { HD_MAX_IN = 24, HD_MAX_OUT = 4, HD_MAX_PHASES = 5 };

typedef struct hd_op hd_op;

// What the rules of an op see: a node, or one about to be made.
typedef struct hd_rule {
  hd_graph *graph;
  const hd_op *op;
  const void *attr;  // the options struct
  int n_in, n_out;
  const hd_type *in;     // types of the inputs
  hd_type *out;          // shape rules fill these
  const hd_val *value;   // the inputs as values (gradient and rewrite rules)
  const hd_val *result;  // the outputs as values (gradient rules)
} hd_rule;

// Records "op: text (layer)" as the graph's error, if it is the first, and returns HD_E_SHAPE.
HD_API hd_status hd_refuse(const hd_rule *rule, const char *format, ...) HD_PRINTF(2, 3);

// Which step of a run this is: what random ops draw from.
typedef struct hd_step {
  uint64_t seed, step;
  int64_t sample;  // number of the first sample of the batch (shards)
  bool train;
} hd_step;

// What a kernel sees: pointers and types.
typedef struct hd_args {
  int n_in, n_out;
  const hd_type *in_type, *out_type;
  const void *const *in;
  void *const *out;  // NULL where nobody reads the output
  void *scratch, *packed;
  const void *attr;  // the op's options struct
  const void *data;  // what the lower rule prepared
  const hd_step *step;
  int phase;                       // of the call, 0 ... phases-1
  uint64_t site;                   // stream of a random op
  const struct hd_after *after;    // to be called for finished runs of out[0]; only if op->after
  const struct hd_before *before;  // makes in[0], which is NULL; only if op->before said yes
} hd_args;
typedef void hd_kernel_fn(const hd_args *args, int64_t part);

// A lower rule chooses fast f32 kernels for concrete shapes: functions of its own, or the library's
// (`kernels`, whose table is internal). Leaving `phases` at 0 keeps the
// reference. Return hd_lower_fail's status when memory runs out.
typedef struct hd_lowering {
  const hd_rule *rule;  // concrete types
  const struct hd_kernels *kernels;
  const bool *used;  // which outputs have readers
  bool kept;         // input 1 stays as it is from run to run
  int phases;
  struct {
    hd_kernel_fn *run;
    int64_t parts;
  } phase[HD_MAX_PHASES];
  void *data;      // from hd_lower_alloc
  size_t scratch;  // bytes, of no meaning between runs
  // Bytes that phase 0 makes from input 1 alone. Where that is kept, so are they, and the phase is
  // left out after the first run.
  size_t packed;
  bool unstored;  // out[0] may be NULL, if all of it goes to `after` alone
  hd_precision precision;
  double flop;
  void *arena;
} hd_lowering;
HD_API void *hd_lower_alloc(hd_lowering *l,
                            size_t bytes);  // NULL: memory is out, return HD_E_MEMORY

// An expand rule turns an elementwise op into tiles. Registers are small integers.
typedef struct hd_expand hd_expand;
HD_API int hd_expand_tile(hd_expand *e, int tile, int a, int b, int c);  // unused operands: -1
HD_API int hd_expand_value(hd_expand *e, double value);                  // a constant register

// A gradient rule adds nodes: dx[i] for the inputs that matter (null: none) from dy[i] (null where
// no gradient arrives at output i). want[i] is false where dx[i] would not be used.
typedef struct hd_grad_rule {
  const hd_rule *rule;
  const hd_val *dy;
  const bool *want;
  hd_val *dx;
} hd_grad_rule;

// How a test case fills an input. Values stay away from kinks and ties by at least 1e-3.
typedef enum hd_fill {
  HD_FILL_ANY = 0,   // in (-2, 2)
  HD_FILL_POSITIVE,  // in (0.5, 2)
  HD_FILL_INDEX,     // integers 0 .. limit-1 (case .limit)
  HD_FILL_TRUTH,     // 0 or 1
  HD_FILL_DISTINCT   // pairwise at least 0.01 apart
} hd_fill;
typedef struct hd_case {
  int limit;
  hd_type in[6];  // as many as have a dtype; HD_F32 stands for the type under test
  hd_fill fill[6];
  const void *attr;    // NULL: zeroed options
  const char *refuse;  // the shape rule must refuse, with a message that holds this text
  double bound;  // f32 kernel against the double reference, relative to the largest |y|; 0: 2e-6
} hd_case;

struct hd_op {
  const char *name;         // "matmul"
  const char *onnx;         // "MatMul", or NULL
  const char *math;         // one line
  const hd_fields *fields;  // of the options struct; NULL: none
  int min_in, max_in, n_out;
  hd_status (*shape)(hd_rule *rule);
  hd_kernel_fn *ref32, *ref64;    // plain loops over `real`; both from one source
  void (*grad)(hd_grad_rule *g);  // NULL: no gradient flows
  int (*expand)(hd_expand *e, const void *attr, const int *in);  // elementwise ops only
  hd_status (*lower)(hd_lowering *l);
  // On a sealed graph with concrete shapes: a simpler value for out[0], or null to keep the node.
  hd_val (*rewrite)(hd_rule *rule, bool train);
  void (*cost)(const hd_rule *rule, double *flop);  // NULL: one per output element
  bool alias;  // out[0] is in[0] with another shape: no kernel runs
  bool after;  // the kernel calls args->after
  // May in[0] be made a piece at a time by args->before, instead of stored? For these shapes.
  // NULL: no.
  bool (*before)(const hd_rule *rule);
  bool random;           // draws from a site; never shared
  bool no_second;        // its gradient is not meant to be differentiated again
  const char *kink;      // where it is not differentiable, and the convention there
  const hd_case *cases;  // ends with {0}: no input and no refusal
};

// Adds a node; the value is its output 0 (hd_output for the others). attr is copied
// (op->fields->size).
HD_API hd_val hd_node_add(const hd_op *op, const void *attr, const hd_val *in, int n_in);
HD_API hd_val hd_output(hd_val value, int out);

// The built-in ops, NULL-terminated.
HD_API const hd_op *const *hd_ops(void);
HD_API const hd_op *hd_op_find(const char *name);  // NULL: unknown

#ifdef __cplusplus
}
#endif
#endif
