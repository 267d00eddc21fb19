// Losses in recipes: each by its name, with what it is compared with, and their messages.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "../../include/hadal/plan.h"
#include "recipe.h"

#define XOR "{\"data\": \"xor\", \"model\": [{\"dense\": 1}], \"loss\": "
#define IRIS "{\"data\": \"iris\", \"model\": [{\"dense\": 3}], \"loss\": "
#define TWO "{\"input\": {\"shape\": [2]}, \"classes\": 2, \"model\": [{\"dense\": 1}], \"loss\": "
#define NUMBERS "{\"input\": {\"shape\": [2]}, \"model\": [{\"dense\": 1}], \"loss\": "

typedef struct opened {
  hd_recipe *recipe;
  hd_graph *graph;
  hd_network net;
  hd_error err;
} opened;

static opened open_recipe(const char *text, const char *const *set) {
  opened o = {0};
  hd_signature s;
  o.recipe = hd_recipe_parse(NULL, "r.json", text, strlen(text), &o.err, .set = set);
  o.graph = hd_graph_new(NULL);
  if (o.recipe && !hd_recipe_signature(o.recipe, &s, &o.err))
    hd_recipe_build(o.recipe, &s, o.graph, &o.net, &o.err);
  return o;
}

static void close_recipe(opened *o) {
  hd_graph_free(o->graph);
  hd_recipe_free(o->recipe);
}

static void every_loss_by_its_name(void **state) {
  (void)state;
  for (const hd_loss *const *l = hd_losses(); *l; l++) {
    bool class = (*l)->target == HD_TARGET_CLASS, one = class || (*l)->target == HD_TARGET_NUMBERS;
    static const char *const heads[] = {XOR, IRIS, TWO, NUMBERS};
    for (int i = 0; i < 4; i++) {
      char text[300];
      snprintf(text, sizeof text, "%s\"%s\"}", heads[i], (*l)->name);
      opened o = open_recipe(text, NULL);
      bool fits = i == 0 ? !class : i == 1 ? true : i == 2 ? !one : !class;
      if (hd_ok(o.net.loss) != fits) fail_msg("%s\n%s", text, o.err.text);
      if (fits) assert_int_equal(hd_val_type(o.net.loss).shape.rank, 0);
      if (fits && i < 3) assert_true(hd_ok(o.net.accuracy));
      if (fits && i < 3) {  // the text of the recipe reads back as the same loss
        char *again = hd_recipe_text(NULL, o.recipe, false);
        if (!strstr(again, (*l)->name)) fail_msg("%s is not in %s", (*l)->name, again);
        hd_release(NULL, again);
      }
      close_recipe(&o);
    }
  }
}

// Loss, accuracy and answer of one output y = x[0] + x[1] for two samples of classes 0 and 1.
static void check(const char *loss, double want, double right, const double answer[2]) {
  for (int own = 0; own < 2; own++) {  // the class as a number of the data, or made from the label
    char text[300];
    snprintf(text, sizeof text, "%s%s}", own ? TWO : XOR, loss);
    opened o = open_recipe(text, NULL);
    hd_store *store = hd_store_new(NULL);
    hd_plan *plan =
        hd_compile(store, &o.err, .batch = 2, .fetch = {o.net.loss, o.net.accuracy, o.net.answer});
    if (!plan) fail_msg("%s: %s", text, o.err.text);
    hd_workspace *w = hd_workspace_new(plan, NULL, &o.err);
    float *weight = hd_store_find(store, "dense_1/weight")->data;
    weight[0] = weight[1] = 1;
    memcpy(hd_workspace_input(w, "x", NULL), (float[]){0, -0.5f, 1, -0.75f}, 4 * sizeof(float));
    if (!own) memcpy(hd_workspace_input(w, "target", NULL), (float[]){0, 1}, 2 * sizeof(float));
    memcpy(hd_workspace_input(w, "label", NULL), (int32_t[]){0, 1}, 2 * sizeof(int32_t));
    assert_int_equal(hd_run(w, &o.err), HD_OK);
    assert_float_equal(*(const float *)hd_workspace_fetch(w, 0, NULL), want, 1e-6);
    assert_float_equal(*(const float *)hd_workspace_fetch(w, 1, NULL), right, 1e-6);
    for (int k = 0; k < 2; k++)
      assert_float_equal(((const float *)hd_workspace_fetch(w, 2, NULL))[k], answer[k], 1e-6);
    hd_workspace_free(w);
    hd_plan_free(plan);
    hd_store_free(store);
    close_recipe(&o);
  }
}

// y is -0.5 and 0.25. Of a logit and of a sign, 0 parts the classes; of a number, 0.5.
static void one_output_for_two_classes(void **state) {
  (void)state;
  const double y[] = {-0.5, 0.25}, p[] = {1 / (1 + exp(0.5)), 1 / (1 + exp(-0.25))};
  check("\"binary_cross_entropy\"", -(log(1 - p[0]) + log(p[1])) / 2, 1, p);
  check("{\"binary_cross_entropy\": {\"reduction\": \"sum\"}}", -(log(1 - p[0]) + log(p[1])), 1, p);
  check("\"hinge\"", (0.5 + 0.75) / 2, 1, y);
  check("{\"hinge\": {\"squared\": true}}", (0.25 + 0.5625) / 2, 1, y);
  check("{\"dice\": {\"smooth\": 2}}", (1 - 2 / 1.5 + 1 - 2.5 / 3.25) / 2, 0.5, y);
}

static void options_and_overrides(void **state) {
  (void)state;
  static const char *const sets[][2] = {
      {"loss.huber.delta=3", NULL}, {"loss=mae", NULL}, {"loss.huber=3", NULL}};
  for (int i = 0; i < 3; i++) {
    opened o = open_recipe(NUMBERS "{\"huber\": 2}}", sets[i]);
    if (!hd_ok(o.net.loss)) fail_msg("%s", o.err.text);
    assert_ptr_equal(o.recipe->loss, hd_loss_find(i == 1 ? "mae" : "huber"));
    if (i != 1) assert_true(((const hd_huber_options *)o.recipe->loss_options)->delta == 3);
    char *text = hd_recipe_text(NULL, o.recipe, false);
    assert_true(i == 1 ? strstr(text, "\"loss\": \"mae\"") != NULL
                       : strstr(text, "\"huber\": 3") != NULL);
    hd_release(NULL, text);
    close_recipe(&o);
  }
}

static void mistakes(void **state) {
  (void)state;
  static const char *const wrong[][2] = {
      {NUMBERS "\"focal\"}", "loss: focal needs classes; the data has numbers: use mse"},
      {NUMBERS "{\"huber\": -1}}", "huber: delta is -1, must be at least"},
      {NUMBERS "{\"mse\": {\"reduction\": \"none\"}}}", "known are mean, sum"},
      {NUMBERS "\"hubr\"}", "unknown loss \"hubr\"; did you mean \"huber\"?"},
      {TWO "\"mse\"}", "the network ends in (N, 1), must end in (N, 2), one for each class"},
      {"{\"data\": \"xor\", \"model\": [{\"dense\": 1}, \"sigmoid\"], "
       "\"loss\": \"binary_cross_entropy\"}",
       "the last layer is sigmoid, and binary_cross_entropy applies it too: leave the layer out"},
      {"{\"data\": \"iris\", \"model\": [{\"dense\": 3}, \"softmax\"], \"loss\": \"focal\"}",
       "the last layer is softmax, and focal applies it too"}};
  for (size_t i = 0; i < HD_COUNT(wrong); i++) {
    opened o = open_recipe(wrong[i][0], NULL);
    if (!o.err.status || !strstr(o.err.text, wrong[i][1]))
      fail_msg("%s gave %s", wrong[i][0], o.err.text);
    close_recipe(&o);
  }
  opened o = open_recipe(
      "{\"data\": \"xor\", \"model\": [{\"dense\": 1}, \"sigmoid\"], \"loss\": "
      "{\"binary_cross_entropy\": {\"probabilities\": true}}}",
      NULL);
  assert_true(hd_ok(o.net.loss));
  close_recipe(&o);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_loss_by_its_name), cmocka_unit_test(one_output_for_two_classes),
      cmocka_unit_test(options_and_overrides), cmocka_unit_test(mistakes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
