// Batch normalisation with weights and running moments of its own
#include "layer.h"

// running = keep running + (1 - keep) batch; a batch that is not finite is forgotten.
static void remember(hd_val running, hd_val batch, double keep, hd_val y) {
  hd_val next = hd_add(hd_scale(running, keep), hd_scale(batch, 1 - keep));
  hd_val finite = hd_equal(hd_sub(next, next), hd_scalar_like(next, 0));
  hd_assign_statistic(running, hd_select(finite, next, running), batch, y);
}

static hd_val batch_norm(hd_val x, const hd_batch_norm_options *o) {
  hd_graph *g = x.graph;
  hd_shape s = hd_type_of(x)->shape;
  hd_dtype dtype = hd_type_of(x)->dtype;
  char text[96];
  if (s.rank < 2 || s.d[s.rank - 1] < 1)
    return hd_layer_fail(x, "batch_norm", o->name,
                         "x is %s, weights would be (C): needs (N, ..., C) with a known C",
                         hd_shape_text(s, text, sizeof text));
  if (!(o->momentum >= 0 && o->momentum < 1) || !(o->epsilon >= 0))
    return hd_layer_fail(x, "batch_norm", o->name,
                         "momentum %g must be in (0, 1), epsilon %g positive", (double)o->momentum,
                         (double)o->epsilon);
  double keep = o->momentum > 0 ? (double)o->momentum : 0.9;
  hd_init zeros = {HD_ZEROS, 0, 0}, ones = {HD_ONES, 0, 0};
  hd_shape c = HD_SHAPE(s.d[s.rank - 1]);
  hd_val gamma = hd_scope_variable(g, "gamma", dtype, c, HD_WEIGHT, ones),
         beta = hd_scope_variable(g, "beta", dtype, c, HD_WEIGHT, zeros);
  hd_val mean = hd_scope_variable(g, "mean", dtype, c, HD_STATISTIC, zeros),
         variance = hd_scope_variable(g, "variance", dtype, c, HD_STATISTIC, ones);
  hd_val y = hd_op_batch_norm(x, gamma, beta, mean, variance,
                              (hd_op_batch_norm_options){.epsilon = o->epsilon});
  hd_val moments = hd_moments(x);  // the same node as inside y, once sealed
  remember(mean, moments, keep, y);
  remember(variance, hd_output(moments, 1), keep, y);
  return y;
}

hd_val(hd_batch_norm)(hd_val x, hd_batch_norm_options options) {
  if (!hd_ok(x)) return x;
  hd_scope *scope = hd_scope_begin(x.graph, "batch_norm", options.name);
  hd_val y = batch_norm(x, &options);
  hd_scope_end(x.graph, scope);
  return y;
}

static hd_val build(hd_val x, const void *o) {
  return (hd_batch_norm)(x, o ? *(const hd_batch_norm_options *)o : (hd_batch_norm_options){0});
}

static const hd_field field[] = {
    HD_FIELD(hd_batch_norm_options, momentum, REAL, .standard = "0.9", .low = 1e-6,
             .high = 0.999999, .main = true,
             .help = "running = momentum running + (1 - momentum) batch"),
    HD_FIELD(hd_batch_norm_options, epsilon, REAL, .standard = "1e-5", .low = 1e-12, .high = 1,
             .help = "added to the variance"),
    HD_FIELD(hd_batch_norm_options, name, TEXT, .standard = "batch_norm_1 ...",
             .help = "of the layer and its parameters")};
static const hd_fields fields = HD_FIELDS("batch_norm", hd_batch_norm_options, field);

const hd_layer hd_layer_batch_norm = {.name = "batch_norm",
                                      .help = "batch normalisation per channel, the last axis",
                                      .fields = &fields,
                                      .build = build};
