// Layers in recipes: by name and main option, what they cost, and their messages.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "../../include/hadal/plan.h"
#include "recipe.h"

typedef struct opened {
  hd_recipe *recipe;
  hd_graph *graph;
  hd_network net;
  hd_error err;
} opened;

static opened open_recipe(const char *shape, const char *layers) {
  opened o = {0};
  hd_signature s;
  char text[600];
  snprintf(text, sizeof text, "{\"input\": {\"shape\": %s}, \"classes\": 2, \"model\": [%s]}",
           shape, layers);
  o.recipe = hd_recipe_parse(NULL, "r.json", text, strlen(text), &o.err);
  o.graph = hd_graph_new(NULL);
  if (o.recipe && !hd_recipe_signature(o.recipe, &s, &o.err))
    hd_recipe_build(o.recipe, &s, o.graph, &o.net, &o.err);
  return o;
}

static void close_recipe(opened *o) {
  hd_graph_free(o->graph);
  hd_recipe_free(o->recipe);
}

#define END ", \"flatten\", {\"dense\": 2}"
static const struct {
  const char *shape, *layers;
  int64_t parameters, multiply_adds;  // of the first layer
} recipes[] = {
    {"[7]", "\"layer_norm\"" END, 14, 0},
    {"[3, 7]", "{\"layer_norm\": 2}" END, 42, 0},
    {"[3, 7]", "{\"layer_norm\": {\"no_weights\": true}}" END, 0, 0},
    {"[7]", "{\"rms_norm\": {\"epsilon\": 1e-6}}" END, 7, 0},
    {"[4, 4, 6]", "{\"group_norm\": 3}" END, 12, 0},
    {"[4, 4, 6]", "\"instance_norm\"" END, 12, 0},
    {"[4, 4, 6]", "{\"local_response_norm\": {\"size\": 3, \"k\": 1}}" END, 0, 0},
    {"[4, 4, 6]", "{\"spatial_dropout\": 0.2}" END, 0, 0},
    {"[4, 4, 6]", "{\"gaussian_dropout\": 0.2}" END, 0, 0},
    {"[7]", "{\"gaussian_noise\": 0.3}" END, 0, 0},
    {"[7]", "{\"dense_bayes\": {\"units\": 5, \"deviation\": 0.2}}" END, 2 * (35 + 5), 35},
    {"[5]", "{\"embedding\": {\"rows\": 11, \"width\": 3}}" END, 33, 0},
    // 20 x 20 inputs, 16 x 16 outputs of 25 edges each, against all edges and one shared filter
    {"[20, 20, 1]",
     "{\"locally_connected2d\": {\"filters\": 1, \"kernel\": 5, \"no_bias\": true}}" END, 6400,
     6400},
    {"[14, 14, 6]",
     "{\"conv2d_table\": {\"kernel\": 5, \"table\": \"0,1,2 1,2,3 2,3,4 3,4,5 0,4,5 0,1,5 0,1,2,3 "
     "1,2,3,4 2,3,4,5 0,3,4,5 0,1,4,5 0,1,2,5 0,1,3,4 1,2,4,5 0,2,3,5 0,1,2,3,4,5\"}}" END,
     1516, 240000},
    {"[28, 28, 6]", "{\"subsample2d\": 2}" END, 12, 0},
    {"[4, 4, 6]", "{\"scaled_tanh\": {\"slope\": 1}}" END, 0, 0},
    {"[5]", "{\"rbf\": 3}" END, 15, 0},
    {"[84]", "{\"rbf\": {\"codes\": \"digits\"}}" END, 0, 0},
    {"[400]", "{\"dense\": {\"units\": 256, \"no_bias\": true}}" END, 102400, 102400},
    {"[20, 20, 1]", "{\"conv2d\": {\"filters\": 1, \"kernel\": 5}}" END, 26, 6400}};

static void each_builds_runs_and_costs(void **state) {
  (void)state;
  for (size_t i = 0; i < HD_COUNT(recipes); i++) {
    opened o = open_recipe(recipes[i].shape, recipes[i].layers);
    if (!hd_ok(o.net.loss)) fail_msg("%s: %s", recipes[i].layers, o.err.text);
    hd_layer_cost cost;
    hd_layer_measure(o.graph, o.recipe->inside->layer[0].first, o.recipe->inside->layer[0].last,
                     &cost);
    assert_int_equal(cost.parameters, recipes[i].parameters);
    assert_int_equal((int64_t)cost.multiply_adds, recipes[i].multiply_adds);
    hd_store *store = hd_store_new(NULL);
    hd_plan *plan =
        (hd_compile)(store, &o.err,
                     (hd_compile_options){
                         .more = &o.net.loss, .mores = 1, .batch = 3, .mode = HD_TRAIN});
    if (!plan) fail_msg("%s: %s", recipes[i].layers, o.err.text);
    hd_workspace *w = hd_workspace_new(plan, NULL, &o.err);
    assert_int_equal(hd_run(w, &o.err), HD_OK);
    hd_workspace_free(w);
    hd_plan_free(plan);
    hd_store_free(store);
    char *text = hd_recipe_text(NULL, o.recipe, false);
    assert_non_null(strstr(text, o.recipe->inside->layer[0].layer->name));
    hd_release(NULL, text);
    close_recipe(&o);
  }
}

#define CODE "{\"dense\": {\"units\": 3, \"name\": \"code\"}}, \"tanh\", "
static void a_weight_by_the_name_of_its_layer(void **state) {
  (void)state;
  opened o = open_recipe("[2]", CODE "{\"dense_tied\": \"code\"}");
  if (!hd_ok(o.net.loss)) fail_msg("%s", o.err.text);
  hd_val w[4];
  assert_int_equal(hd_weights(o.net.loss, w, 4), 3);  // code/weight, code/bias, the new bias
  hd_layer_cost cost;
  hd_layer_measure(o.graph, o.recipe->inside->layer[2].first, o.graph->count, &cost);
  assert_int_equal(cost.parameters, 2);
  close_recipe(&o);
  static const struct {
    const char *shape, *layers, *message;
  } wrong[] = {
      {"[2]", "{\"dense_tied\": \"code\"}", "layer 1, dense_tied: dense_tied: no layer before it"},
      {"[2]", CODE "\"dense_tied\"", "dense_tied: of is missing"},
      {"[2]", CODE "{\"dense\": 5}, {\"dense_tied\": \"code\"}",
       "x is (N, 5), the weight is (2, 3)"},
      {"[4, 4, 6]", "{\"group_norm\": 4}" END, "layer 1, group_norm: group_norm: 4 groups must"},
      {"[4]", "{\"layer_norm\": {\"axis\": 1}}", "did you mean \"axes\"?"}};
  for (size_t i = 0; i < HD_COUNT(wrong); i++) {
    o = open_recipe(wrong[i].shape, wrong[i].layers);
    if (!strstr(o.err.text, wrong[i].message)) fail_msg("%s: %s", wrong[i].layers, o.err.text);
    close_recipe(&o);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_builds_runs_and_costs),
                                     cmocka_unit_test(a_weight_by_the_name_of_its_layer)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
