// The graph: values, inputs, variables, assignments. Built once, never run itself: plans are.
#ifndef HADAL_GRAPH_H
#define HADAL_GRAPH_H

#include "tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hd_graph hd_graph;

// A value of a graph. Zeroed it is the null value: what a failed call returns, and a no-op for
// every call that takes it. The first failure is kept in the graph (hd_graph_error).
typedef struct hd_val {
  hd_graph *graph;
  int32_t node, out;
} hd_val;

// Assignments made together, such as one optimiser's: a range of the graph's assignments.
typedef struct hd_update {
  hd_graph *graph;
  int32_t first, count;
} hd_update;

// env may be NULL. NULL only when memory is out. One thread at a time may use a graph.
HD_API hd_graph *hd_graph_new(const hd_env *env);
HD_API void hd_graph_free(hd_graph *graph);
// The first failure, "op: reason, shapes (layer)"; "" when there was none.
HD_API const char *hd_graph_error(const hd_graph *graph);

// A value given at each step. name: unique within the graph. Dimensions may be HD_BATCH, HD_TIME or
// HD_LENGTH, bound when a plan is compiled.
HD_API hd_val hd_input(hd_graph *graph, const char *name, hd_dtype dtype, hd_shape shape);
HD_API hd_val hd_constant(hd_graph *graph, hd_dtype dtype, hd_shape shape,
                          const void *data);             // copied
HD_API hd_val hd_scalar(hd_graph *graph, double value);  // f32, shape ()
// A constant scalar of x's element type.
HD_API hd_val hd_scalar_like(hd_val x, double value);

typedef enum hd_role {
  HD_WEIGHT = 0,       // trained
  HD_STATISTIC,        // batch norm's running mean; fitted preprocessing
  HD_OPTIMIZER_STATE,  // momentum and the like
  HD_CARRIED           // recurrent state carried from step to step
} hd_role;

// First values. Variances by name: LeCun 1/n_in (LeCun et al. 1998), Glorot 2/(n_in + n_out)
// (Glorot & Bengio 2010), He 2/n_in (He et al. 2015). For (in, out) weights n_in is `in`; for
// (kh, kw, in, out) it is kh kw in, and n_out is kh kw out.
typedef enum hd_init_kind {
  HD_INIT_DEFAULT = 0,  // of the layer; for a bare variable: zeros
  HD_ZEROS,
  HD_ONES,
  HD_CONSTANT,
  HD_UNIFORM,
  HD_NORMAL,
  HD_LECUN_UNIFORM,
  HD_LECUN_NORMAL,
  HD_GLOROT_UNIFORM,
  HD_GLOROT_NORMAL,
  HD_HE_UNIFORM,
  HD_HE_NORMAL,
  HD_TRUNCATED_NORMAL,  // drawn again beyond two deviations
  HD_ORTHOGONAL,  // columns, or rows where these are fewer, of length 1 at right angles (Saxe 2014)
  HD_SPARSE       // a of the n_in weights of each unit are normal, the others 0 (Martens 2010)
} hd_init_kind;
typedef struct hd_init {
  hd_init_kind kind HD_Z;
  // HD_CONSTANT: value a; HD_UNIFORM: [a, b); HD_NORMAL, HD_TRUNCATED_NORMAL: mean a, deviation b;
  // HD_SPARSE: a weights (default 15) of deviation b (default 1).
  float a HD_Z, b HD_Z;
} hd_init;

typedef struct hd_variable_options {
  HD_OPTIONS;
  const char *name HD_Z;  // default: by the walk of the first compile, "variable_1"
  hd_role role HD_Z;      // default HD_WEIGHT
  hd_init init HD_Z;      // default zeros
  bool frozen HD_Z;       // true: not in hd_weights
} hd_variable_options;
// State that lives in a store. Every dimension must be bound, but for HD_CARRIED state whose first
// dimension may be HD_BATCH.
HD_API hd_val hd_variable(hd_graph *graph, hd_dtype dtype, hd_shape shape,
                          hd_variable_options options);
#define hd_variable(graph, dtype, ...) \
  hd_variable(graph, dtype, HD_HEAD_(__VA_ARGS__, ), \
              HD_LIT(hd_variable_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})

// The only effect: at the end of a step that was compiled with it, variable = value. Every read
// within the step sees the value at its start.
HD_API hd_update hd_assign(hd_val variable, hd_val value);

HD_API hd_type hd_val_type(hd_val value);  // dtype HD_NO_DTYPE for the null value
HD_API bool hd_is_variable(hd_val value);
HD_API hd_val hd_name(hd_val value, const char *name);  // names the node; returns value

// The subgraph from x to y, made again on x2 with the same variables: a discriminator on real and
// on fake, an unrolled cell, a siamese net. Random sites are new ones.
HD_API hd_val hd_apply(hd_val y, hd_val x, hd_val x2);
// The same for several values at once: a cell of (x, h, c), where the new h depends on the old c,
// must have all of them replaced in one call.
HD_API hd_val hd_apply_all(hd_val y, const hd_val *x, const hd_val *x2, int count);

// The variables that `value` depends on: weights that are not frozen. Writes at most `room` to
// `to` in the order of the walk from value (depth first, arguments left to right), returns how many
// there are.
HD_API int hd_weights(hd_val value, hd_val *to, int room);

// dy/dx for each x: to[i] has the shape of x[i], null where y does not depend on it. y: a scalar,
// or dy gives the cotangent of y's shape (null: ones). The gradient is a part of the graph, and can
// be differentiated again.
HD_API hd_status hd_gradients(hd_val y, hd_val dy, const hd_val *x, int count, hd_val *to);
HD_API hd_val hd_gradient(hd_val y, hd_val x);

#ifdef __cplusplus
}
#endif
#endif
