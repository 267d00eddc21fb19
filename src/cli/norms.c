// What is looked at after each epoch: for each layer with weights the root mean square of its
// output, and the norms of its gradient and of its weights.
#include "train.h"
#include "../graph/graph.h"

#include <math.h>
#include <stdlib.h>

enum { EACH = 2, LAYERS = 512 };

void cli_norms_close(cli_norms *n) {
  free(n->value);
  free((void *)n->scope);
  free((void *)n->weight);
  *n = (cli_norms){0};
}

static bool real(const hd_type *t) { return t->dtype == HD_F32 || t->dtype == HD_F64; }

// The layer that a weight belongs to, numbered as the walk from the loss meets them.
static int layer_of(cli_norms *n, const hd_scope *scope) {
  for (int i = 0; i < n->layers; i++)
    if (n->scope[i] == scope) return i;
  n->scope[n->layers] = scope;
  return n->layers++;
}

static hd_val plus(hd_val a, hd_val b) { return hd_ok(a) ? hd_add(a, b) : b; }

static hd_status build(cli_norms *n, hd_val loss, hd_val *weight, int count) {
  hd_graph *g = loss.graph;
  hd_val *gradient = weight + count;
  hd_val last[LAYERS] = {{0}};
  hd_weights(loss, weight, count);
  for (int i = 0; i < count; i++) {
    n->weight[n->weights++] = hd_node_of(weight[i])->variable;
    layer_of(n, n->weight[i]->scope);
  }
  for (int32_t i = 1; i < g->count; i++)  // before there are gradients, which join the scopes
    for (int k = 0; k < n->layers && g->node[i]->op; k++)
      if (n->scope[k] == g->node[i]->scope && real(&g->node[i]->out[0]))
        last[k] = (hd_val){g, i, 0};
  if (hd_gradients(loss, (hd_val){0}, weight, count, gradient)) return g->error.status;
  for (int i = 0; i < count; i++) {
    hd_val *at = n->value + EACH * layer_of(n, n->weight[i]->scope);
    if (hd_ok(gradient[i])) at[1] = plus(at[1], hd_sum(hd_square(gradient[i])));
  }
  for (int i = 0; i < n->layers; i++) {
    hd_val *at = n->value + EACH * i;
    if (hd_ok(last[i])) at[0] = hd_mean(hd_square(last[i]));
    for (int k = 0; k < EACH; k++) at[k] = hd_ok(at[k]) ? hd_sqrt(at[k]) : loss;
  }
  return g->error.status;
}

hd_status cli_norms_open(cli_norms *n, hd_val loss, hd_error *err) {
  *n = (cli_norms){0};
  int count = hd_weights(loss, NULL, 0);
  if (!hd_ok(loss) || count < 1 || count > LAYERS) return HD_OK;
  hd_val *weight = calloc(2 * (size_t)count, sizeof *weight);
  n->value = calloc(EACH * (size_t)count, sizeof *n->value);
  n->scope = calloc((size_t)count, sizeof *n->scope);
  n->weight = calloc((size_t)count, sizeof *n->weight);
  hd_status status = HD_OK;
  if (!weight || !n->value || !n->scope || !n->weight)
    status = hd_fail(err, HD_E_MEMORY, "memory is out");
  else if (build(n, loss, weight, count))
    status = hd_fail(err, loss.graph->error.status, "%s", loss.graph->error.text);
  n->values = EACH * n->layers;
  free(weight);
  return status;
}

static double weight_norm(const cli_norms *n, int layer, const hd_store *store) {
  double sum = 0;
  for (int i = 0; i < n->weights; i++) {
    if (n->weight[i]->scope != n->scope[layer]) continue;
    const hd_parameter *p = hd_store_find(store, n->weight[i]->name);
    if (!p || p->type.dtype != HD_F32) continue;
    const float *w = p->data;
    for (int64_t k = 0, count = hd_shape_count(p->type.shape); k < count; k++)
      sum += (double)w[k] * (double)w[k];
  }
  return sqrt(sum);
}

static void add(hd_text *to, const char *name, double value) {
  hd_text_add(to, "%s\":", name);
  if (value - value == 0) hd_text_add(to, "%.5g", value);  // finite
  else hd_text_add(to, "null");
}

void cli_norms_add(hd_text *to, const cli_norms *n, const double *value, const hd_store *store) {
  for (int i = 0; i < n->layers; i++, value += EACH) {
    hd_text_add(to, i ? "," : ",\"norms\":{");
    hd_json_string(to, n->scope[i] && n->scope[i]->name ? n->scope[i]->name : "weights");
    add(to, ":{\"activation", value[0]);
    add(to, ",\"gradient", value[1]);
    add(to, ",\"weight", weight_norm(n, i, store));
    hd_text_add(to, "}");
  }
  hd_text_add(to, n->layers ? "}" : "");
}
