// y = x weight + bias, with weights that are normal distributions: Bayes by backprop
#include <math.h>

#include "layer.h"

#define S hd_dense_bayes_options

// mean + softplus(rho) z: one z for all samples of a step, 0 in evaluation. The second variable is
// named after the first, which is how hd_bayes_kl finds the two.
static hd_val drawn(hd_graph *g, const char *local, const char *rho, hd_type t, hd_init init,
                    float deviation) {
  double d = deviation > 0 ? (double)deviation : 0.05;
  hd_init first = {HD_CONSTANT, (float)(d + log(-expm1(-d))), 0};  // softplus(rho) = d
  hd_val m = hd_scope_variable(g, local, t.dtype, t.shape, HD_WEIGHT, init),
         r = hd_scope_variable(g, rho, t.dtype, t.shape, HD_WEIGHT, first);
  return hd_add(m, hd_mul(hd_softplus(r), hd_random_noise(m, .shared = true)));
}

static hd_val dense_bayes(hd_val x, const S *o) {
  hd_shape s = hd_type_of(x)->shape;
  hd_dtype dtype = hd_type_of(x)->dtype;
  char text[96];
  int64_t in = s.rank ? s.d[s.rank - 1] : -1;
  if (o->units < 1)
    return hd_layer_fail(x, "dense_bayes", o->name,
                         "units is %d; give how many, such as .units = 10", o->units);
  if (s.rank < 2 || in < 1)
    return hd_layer_fail(x, "dense_bayes", o->name,
                         "x is %s, weights would be (?, %d): needs (N, in) with a known size `in`; "
                         "use hd_flatten or hd_reshape",
                         hd_shape_text(s, text, sizeof text), o->units);
  if (!(o->deviation >= 0 && o->deviation < 80))
    return hd_layer_fail(x, "dense_bayes", o->name,
                         "deviation is %g, must be above 0 and below 80; default 0.05",
                         (double)o->deviation);
  hd_init init = o->init.kind ? o->init : (hd_init){HD_GLOROT_UNIFORM, 0, 0};
  hd_val y = hd_matmul(x, drawn(x.graph, "weight", "weight_rho",
                                (hd_type){dtype, HD_SHAPE(in, o->units)}, init, o->deviation));
  return o->no_bias
             ? y
             : hd_add(y, drawn(x.graph, "bias", "bias_rho", (hd_type){dtype, HD_SHAPE(o->units)},
                               (hd_init){HD_ZEROS, 0, 0}, o->deviation));
}

hd_val(hd_dense_bayes)(hd_val x, S options) {
  if (!hd_ok(x)) return x;
  hd_scope *scope = hd_scope_begin(x.graph, "dense_bayes", options.name);
  hd_val y = dense_bayes(x, &options);
  hd_scope_end(x.graph, scope);
  return y;
}

// ---- KL(q || prior): the sum over weights of ln(p / s) + (s^2 + m^2) / (2 p^2) - 1/2 ------------
static hd_val divergence(hd_val mean, hd_val rho, double prior) {
  hd_val s = hd_softplus(rho);
  hd_val square = hd_scale(hd_add(hd_square(s), hd_square(mean)), 0.5 / (prior * prior));
  return hd_sum(hd_add_scalar(hd_sub(square, hd_log(s)), log(prior) - 0.5));
}

// The variable that this one is the rho of.
static hd_val mean_of(hd_graph *g, const hd_variable_info *rho) {
  size_t n = rho->local ? strlen(rho->local) : 0;
  if (n < 4 || strcmp(rho->local + n - 4, "_rho") || !rho->scope) return (hd_val){0};
  for (int32_t i = 1; i < g->count; i++) {
    const hd_variable_info *v = g->node[i]->variable;
    if (v && v->scope == rho->scope && v->local && strlen(v->local) == n - 4 &&
        !strncmp(v->local, rho->local, n - 4))
      return (hd_val){g, i, 0};
  }
  return (hd_val){0};
}

static hd_val kl(hd_val y, double prior, int32_t *order, uint8_t *seen) {
  hd_graph *g = y.graph;
  int32_t count = 0;
  hd_val sum = {0};
  if (!order || !seen || hd_walk(g, y, order, &count, seen))
    return hd_graph_fail(g, HD_E_MEMORY, "memory is out building the graph"), sum;
  for (int32_t i = 0; i < count; i++) {
    const hd_variable_info *v = g->node[order[i]]->variable;
    hd_val mean = v ? mean_of(g, v) : (hd_val){0};
    if (!hd_ok(mean)) continue;
    hd_val term = divergence(mean, (hd_val){g, order[i], 0}, prior);
    sum = hd_ok(sum) ? hd_add(sum, term) : term;
  }
  if (!hd_ok(sum))
    hd_graph_fail(g, HD_E_ARGUMENT, "bayes_kl: the value depends on no hd_dense_bayes layer");
  return sum;
}

hd_val(hd_bayes_kl)(hd_val y, hd_bayes_kl_options o) {
  if (!hd_ok(y) || y.graph->error.status) return (hd_val){0};
  hd_graph *g = y.graph;
  if (!(o.prior >= 0 && isfinite(o.prior)))
    return hd_graph_fail(g, HD_E_ARGUMENT, "bayes_kl: prior is %g, must be positive; default 1",
                         (double)o.prior),
           (hd_val){0};
  int32_t *order = hd_alloc_raw(&g->env, sizeof *order * (size_t)g->count);
  uint8_t *seen = hd_alloc(&g->env, (size_t)g->count);
  hd_val sum = kl(y, o.prior > 0 ? (double)o.prior : 1, order, seen);
  hd_release(&g->env, order);
  hd_release(&g->env, seen);
  return sum;
}

static hd_val build(hd_val x, const void *o) {
  return (hd_dense_bayes)(x, o ? *(const S *)o : (S){0});
}

static const hd_field field[] = {
    HD_FIELD(S, units, INT, .standard = "", .low = 1, .high = INT32_MAX, .main = true,
             .help = "width of the output"),
    HD_FIELD(S, no_bias, BOOL, .standard = "false", .help = "leave the bias out"),
    HD_FIELD(S, deviation, REAL, .standard = "0.05", .low = 1e-6, .high = 79,
             .help = "first deviation of every weight"),
    HD_FIELD(S, init, INIT, .standard = "glorot_uniform", .help = "first means"),
    HD_FIELD(S, name, TEXT, .standard = "dense_bayes_1 ...",
             .help = "of the layer and its parameters")};
static const hd_fields fields = HD_FIELDS("dense_bayes", S, field);

const hd_layer hd_layer_dense_bayes = {.name = "dense_bayes",
                                       .help = "dense, with weights that are normal distributions",
                                       .fields = &fields,
                                       .build = build};
