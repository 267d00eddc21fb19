// Recipes: every mistake with its message, defaults, overrides, networks, models.
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../test/faults.h"
#include "../../test/temp.h"
#include "recipe.h"

#define LENET \
  "{\"data\": {\"name\": \"mnist\", \"scale\": \"unit\"},\n" \
  " \"model\": [{\"conv2d\": {\"filters\": 6, \"kernel\": 5, \"pad\": \"same\"}}, \"relu\",\n" \
  "  {\"max_pool2d\": 2}, {\"conv2d\": {\"filters\": 16, \"kernel\": [5, 5]}}, \"relu\",\n" \
  "  {\"max_pool2d\": {\"window\": 2}}, \"flatten\", {\"dense\": 120}, \"relu\", {\"dense\": " \
  "84},\n" \
  "  \"relu\", {\"dense\": 10}],\n" \
  " \"loss\": \"cross_entropy\",\n" \
  " \"train\": {\"optimizer\": {\"adam\": {\"lr\": 0.002}}, \"epochs\": 3, \"batch\": 32}}"

static hd_recipe *parse(const char *text, const char *const *set, hd_error *err) {
  *err = (hd_error){0};
  return hd_recipe_parse(NULL, "r.json", text, strlen(text), err, .set = set);
}

// The graph of a recipe whose signature needs no data; NULL with the message in err.
static hd_graph *build(const hd_recipe *r, hd_network *net, hd_error *err) {
  hd_signature s;
  hd_graph *g = hd_graph_new(NULL);
  if (!hd_recipe_signature(r, &s, err) && !hd_recipe_build(r, &s, g, net, err)) return g;
  hd_graph_free(g);
  return NULL;
}

// ---- Mistakes -----------------------------------------------------------------------------------

typedef struct mistake {
  const char *recipe, *message;  // the message must hold this text
} mistake;

#define MODEL "\"model\": [{\"dense\": 2}]"
#define XOR "{\"data\": \"xor\", \"model\": "

static const mistake mistakes[] = {
    {"", "r.json:1"},
    {"[1]", "a recipe is a map with data, model and train, not a list"},
    {"{\"data\": \"xor\"}", "model is missing"},
    {"{\"modle\": []}", "unknown field \"modle\"; did you mean \"model\"?"},
    {"{\"name\": 3, " MODEL "}", "name: must be a text, not a whole number"},
    {"{\"name\": \"a/b\", " MODEL "}", "can name a folder"},
    {"{\"version\": 2, " MODEL "}", "version: must be 1"},
    {"{\"data\": {\"nam\": \"xor\"}, " MODEL "}",
     "data: unknown field \"nam\"; did you mean \"name\"?"},
    {"{\"data\": {\"scale\": \"unit\"}, " MODEL "}", "data: name is missing"},
    {"{\"data\": {\"name\": \"xor\", \"scale\": \"unt\"}, " MODEL "}",
     "data: unknown scale \"unt\"; did you mean \"unit\"?"},
    {"{\"data\": {\"name\": \"xor\", \"valid\": 1.5}, " MODEL "}",
     "data: valid is 1.5, must be at most 0.9"},
    {"{\"data\": {\"name\": \"xor\", \"valid\": \"test\"}, " MODEL "}",
     "data: valid must be a number, not a word"},
    {"{\"data\": {\"name\": \"xor\", \"folds\": 1}, " MODEL "}", "folds are at least 2"},
    {"{\"data\": {\"name\": \"xor\", \"folds\": 2, \"fold\": 3}, " MODEL "}", "fold 3 of 2"},
    {"{\"data\": {\"name\": \"xor\", \"folds\": 2, \"test\": 0.1}, " MODEL "}",
     "folds and test exclude each other"},
    {XOR "{\"zoo\": \"resnet20\"}}", "unknown zoo model \"resnet20\""},
    {XOR "{\"dense\": 2}}", "model: must be a list of layers"},
    {XOR "\"dense\"}", "model: must be a list of layers, not a word"},
    {XOR "[]}", "0 layers; possible are 1 to"},
    {XOR "[\"dens\"]}", "unknown layer \"dens\"; did you mean \"dense\"?"},
    {XOR "[3]}", "layer: give its name, or one `name: options`; found a whole number"},
    {XOR "[{\"relu\": null, \"dense\": 2}]}", "found a map of several names"},
    {XOR "[{\"relu\": 3}]}", "relu: takes no options"},
    {XOR "[\"dense\"]}", "dense: units is missing: width of the output"},
    {XOR "[\n{\"dense\": {\"unit\": 2}}]}",
     "r.json:2: dense: unknown field \"unit\"; did you mean \"units\"?"},
    {XOR "[{\"dense\": -2}]}", "dense: units is -2, must be at least 1"},
    {XOR "[{\"dense\": 0}]}", "dense: units is 0, must be at least 1"},
    {XOR "[{\"dense\": 2.5}]}", "dense: units must be a whole number, not a number"},
    {XOR "[{\"dense\": 99999999999}]}", "dense: units is 99999999999, must be at most"},
    {XOR "[{\"dense\": \"two\"}]}", "dense: units must be a whole number, not a word"},
    {XOR "[{\"dense\": {\"units\": 2, \"no_bias\": 1}}]}",
     "no_bias must be true or false, not a whole number"},
    {XOR "[{\"dense\": {\"units\": 2, \"name\": 7}}]}", "name must be a word"},
    {XOR "[{\"dense\": {\"units\": 2, \"init\": \"he_norml\"}}]}",
     "unknown init \"he_norml\"; did you mean \"he_normal\"?"},
    {XOR "[{\"dense\": {\"units\": 2, \"init\": \"normal\"}}]}",
     "init normal takes two numbers, {normal: [mean, deviation]}"},
    {XOR "[{\"dense\": {\"units\": 2, \"init\": {\"constant\": [1, 2]}}}]}", "takes one number"},
    {XOR "[{\"dense\": {\"units\": 2, \"init\": {\"sparse\": [0, 1]}}}]}", "weights a unit"},
    {XOR "[{\"leaky_relu\": 1e-300}]}", "leaky_relu: slope is 1e-300, beyond the range of float"},
    {XOR "[{\"reshape\": [1, 1, 1, 1, 1, 1, 1, 2]}]}", "reshape: shape takes 1 to 7 values, not 8"},
    {XOR "[{\"leaky_relu\": 0}]}", "slope cannot be 0, which stands for the default, 0.01"},
    {XOR "[{\"conv2d\": {\"filters\": 6, \"kernel\": [3, 3, 3]}}]}",
     "conv2d: kernel takes one value or 2 values, not 3"},
    {XOR "[{\"conv2d\": {\"filters\": 6, \"kernel\": 3, \"pad\": \"some\"}}]}",
     "conv2d: unknown pad \"some\"; did you mean \"same\"?"},
    {XOR "[{\"dense\": 2}], \"loss\": \"crossentropy\"}",
     "unknown loss \"crossentropy\"; did you mean \"cross_entropy\"?"},
    {XOR "[{\"dense\": 2}], \"loss\": {\"mse\": {\"factr\": 2}}}",
     "mse: unknown field \"factr\"; did you mean \"factor\"?"},
    {XOR "[{\"dense\": 2}], \"loss\": {\"cross_entropy\": 2}}",
     "cross_entropy: smoothing is 2, must be at most"},
    {XOR "[{\"dense\": 2}], \"loss\": {\"huber\": {\"reduction\": \"none\"}}}",
     "unknown reduction \"none\"; known are mean, sum"},
    {XOR "[{\"dense\": 2}], \"train\": 3}", "train: must be a map"},
    {XOR "[{\"dense\": 2}], \"train\": {\"epoch\": 3}}",
     "train: unknown field \"epoch\"; did you mean \"epochs\"?"},
    {XOR "[{\"dense\": 2}], \"train\": {\"epochs\": 0}}", "train: epochs is 0, must be at least 1"},
    {XOR "[{\"dense\": 2}], \"train\": {\"batch\": -5}}", "train: batch is -5, must be at least 1"},
    {XOR "[{\"dense\": 2}], \"train\": {\"optimizer\": \"adma\"}}",
     "unknown optimizer \"adma\"; did you mean \"adam\"?"},
    {XOR "[{\"dense\": 2}], \"train\": {\"optimizer\": {\"sgd\": {\"beta1\": 1}}}}",
     "sgd: unknown field \"beta1\"; known are lr, momentum"},
    {XOR "[{\"dense\": 2}], \"train\": {\"schedule\": \"cosin\"}}",
     "unknown kind \"cosin\"; did you mean \"cosine\"?"},
    {XOR "[{\"dense\": 2}], \"train\": {\"schedule\": {\"step\": 3}}}",
     "schedule: give its options as a map"},
    {XOR "[{\"dense\": 2}], \"metrics\": \"accuracy\"}", "metrics: must be a list"},
    {XOR "[{\"dense\": 2}], \"metrics\": [\"acuracy\"]}",
     "unknown metric \"acuracy\"; did you mean \"accuracy\"?"},
    {"{\"input\": {\"shape\": [0]}, " MODEL "}", "a shape is made of sizes from 1"},
    {"{\"input\": {\"shape\": [9999999, 9999999]}, " MODEL "}", "multiply to at most 2^40"},
    {"{\"input\": {\"shape\": [2], \"dtype\": \"f16\"}, " MODEL "}",
     "dtype must be f32, u8 or i32"},
    {"{\"input\": {\"shape\": [2], \"classes\": 3}, " MODEL "}",
     "input: takes name, dtype, shape, target and words"},
#define WORDS(shape, words) "{\"input\": {\"shape\": " shape ", \"words\": " words "}, " MODEL "}"
    {WORDS("[2]", "3"),
     "input: words is a list with the list of words of each column, at most 65536"},
    {WORDS("[2]", "[]"), "input: words is a list"},
    {WORDS("[2]", "[[], 3]"), "input: the words of a column are a list, not a whole number"},
    {WORDS("[2]", "[[\"a\", []]]"), "input: words must be made of words, not a list"},
    {WORDS("[2]", "[[\"a\", \"\"]]"), "input: words must be made of words"},
    {WORDS("[2]", "[[\"a\", \"a\"]]"), "input: the words of a column must be in order, each once"},
    {WORDS("[2]", "[[\"b\", \"a\"]]"), "input: the words of a column must be in order, each once"},
    {WORDS("[2]", "[[\"a\", \"b\"], []]"),
     "input: words of 3 inputs, at most 65536, need shape [3]"},
    {WORDS("[2, 1]", "[[\"a\", \"b\"]]"),
     "input: words of 2 inputs, at most 65536, need shape [2]"},
    {"{\"input\": {\"dtype\": \"u8\", \"shape\": [1], \"words\": [[]]}, " MODEL "}",
     "need shape [1], f32"},
    {"{\"input\": {\"shape\": [2]}, \"classes\": 0, " MODEL "}", "classes: give how many"},
    // What only shows with the data: shapes.
    {"{" MODEL "}", "not known without its data"},
    {XOR "[{\"dense\": 3}]}",
     "r.json:1: the network ends in (N, 3), must end in (N, 2), one for each class: end with `- "
     "dense: 2`"},
    {XOR "[{\"dense\": 2}, \"softmax\"]}", "cross_entropy applies it too: leave the layer out"},
    {XOR "[{\"dense\": 4},\n{\"conv2d\": {\"filters\": 6, \"kernel\": 5}}, {\"dense\": 2}]}",
     "r.json:2: layer 2, conv2d: conv2d: x is (N, 4), weights would be (5, 5, C, 6)"},
    {"{\"data\": \"digits\", \"model\": [{\"dense\": 10}]}",
     "put `- flatten` before the first dense layer"},
    {"{\"data\": \"digits\", \"model\": [{\"conv2d\": {\"filters\": 2, \"kernel\": 9}}, "
     "\"flatten\", {\"dense\": 10}]}",
     "layer 1, conv2d"},
    {"{\"input\": {\"shape\": [2]}, \"model\": [{\"dense\": 1}], \"loss\": \"cross_entropy\"}",
     "cross_entropy needs classes"},
    {XOR "[{\"dense\": 2147483647}, {\"dense\": 2147483647}, {\"dense\": 2}]}",
     "parameters; the limit is 1e+11"}};

static void every_mistake_has_its_message(void **state) {
  (void)state;
  for (size_t i = 0; i < HD_COUNT(mistakes); i++) {
    hd_error err;
    hd_network net;
    hd_recipe *r = parse(mistakes[i].recipe, NULL, &err);
    hd_graph *g = r ? build(r, &net, &err) : NULL;
    if (g || !strstr(err.text, mistakes[i].message)) {
      print_error("%s\n  gave   %s\n  wanted %s\n", mistakes[i].recipe, g ? "a network" : err.text,
                  mistakes[i].message);
      fail();
    }
    assert_int_not_equal(err.status, HD_OK);
    if (strcmp(mistakes[i].message, "not known without its data"))
      assert_memory_equal(err.text, "r.json", 6);
    hd_recipe_free(r);
  }
}

// ---- What is right ------------------------------------------------------------------------------

static double weights(const hd_graph *g) {
  double count = 0;
  for (int i = 1; i < g->count; i++)
    if (g->node[i]->variable && g->node[i]->variable->role == HD_WEIGHT)
      count += (double)hd_shape_count(g->node[i]->out[0].shape);
  return count;
}

static void lenet_has_its_counts(void **state) {
  (void)state;
  hd_error err;
  hd_network net;
  hd_recipe *r = parse(LENET, NULL, &err);
  if (!r) fail_msg("%s", err.text);
  hd_graph *g = build(r, &net, &err);
  if (!g) fail_msg("%s", err.text);
  assert_true(weights(g) == 61706);
  double multiply_adds = 0;
  for (int i = 0; i < r->layers; i++) {
    hd_layer_cost c;
    hd_layer_measure(g, r->inside->layer[i].first, r->inside->layer[i].last, &c);
    multiply_adds += c.multiply_adds;
  }
  assert_true(multiply_adds == 416520);
  assert_int_equal(r->train.epochs, 3);
  assert_int_equal(r->train.batch, 32);
  assert_true(r->train.seed == 1 && r->data.scale == HD_SCALE_UNIT);
  assert_non_null(net.accuracy.graph);
  hd_graph_free(g);
  hd_recipe_free(r);
}

static void overrides_follow_paths(void **state) {
  (void)state;
  hd_error err;
  const char *const set[] = {"train.epochs=7",
                             "train.optimizer.sgd.lr=0.5",
                             "model.7.dense.units=100",
                             "model.9.dense=50",
                             "data.valid=0.25",
                             "train.schedule.step.every=3",
                             "model.1=tanh",
                             "train.seed=0",
                             NULL};
  hd_recipe *r = parse(LENET, set, &err);
  if (!r) fail_msg("%s", err.text);
  char *text = hd_recipe_text(NULL, r, false);
  static const char *const wanted[] = {"\"epochs\": 7",  "\"sgd\": {",    "\"lr\": 0.5",
                                       "\"dense\": 100", "\"dense\": 50", "\"valid\": 0.25",
                                       "\"every\": 3",   "\"tanh\"",      "\"seed\": 0"};
  for (size_t i = 0; i < HD_COUNT(wanted); i++)
    if (!strstr(text, wanted[i])) fail_msg("no %s in %s", wanted[i], text);
  assert_null(strstr(text, "adam"));
  hd_release(NULL, text);
  hd_recipe_free(r);

  static const char *const wrong[][2] = {
      {"train.epoch=3",
       "--set train.epoch=3: train: unknown field \"epoch\"; did you mean \"epochs\"?"},
      {"train.epochs=x", "--set train.epochs=x: train: epochs must be a whole number, not a word"},
      {"train.epochs", "--set train.epochs: give a path and a value, such as train.epochs=3"},
      {"model.99=relu", "the list has 12 entries, numbered from 0"},
      {"model.12=relu", "the list has 12 entries, numbered from 0"},
      {"model.7.conv2d.filters=3", "that layer is dense"},
      {"model.1.dense.units=3", "that layer is relu"},
      {"model.7.dense.unit=3", "dense: unknown field \"unit\"; did you mean \"units\"?"},
      {"a..b=1", "empty name"},
      {"train.optimizer.adam.lr=-1", "adam: lr is -1, must be at least 0"}};
  for (size_t i = 0; i < HD_COUNT(wrong); i++) {
    r = parse(LENET, (const char *const[]){wrong[i][0], NULL}, &err);
    if (r || !strstr(err.text, wrong[i][1]))
      fail_msg("%s gave %s", wrong[i][0], r ? "a recipe" : err.text);
  }
}

static void text_reads_back_as_itself(void **state) {
  (void)state;
  static const char *const recipes[] = {
      LENET,
      "{\"input\": {\"name\": \"q\", \"dtype\": \"u8\", \"shape\": [4, 4, 1], \"target\": [3]}, "
      "\"model\": [\"flatten\", {\"reshape\": [4, -1]}, {\"dense\": "
      "{\"units\": 3, \"init\": {\"normal\": [0.5, 0.1]}}}, {\"conv2d\": {\"filters\": 3, "
      "\"kernel\": [1, 2], \"padding\": [1, 2, 3, 4], \"pad\": "
      "\"explicit\"}}, {\"dropout\": 0.25}], \"loss\": {\"mse\": 0.5}, \"metrics\": [], \"train\": "
      "{\"optimizer\": {\"rmsprop\": 0.1}, \"schedule\": "
      "{\"constant\": {\"warmup\": 2}}, \"seed\": 12345678901}}"};
  for (size_t i = 0; i < HD_COUNT(recipes); i++) {
    hd_error err;
    hd_recipe *a = parse(recipes[i], NULL, &err);
    if (!a) fail_msg("%s", err.text);
    char *one = hd_recipe_text(NULL, a, false);
    hd_recipe *b = parse(one, NULL, &err);
    if (!b) fail_msg("%s in %s", err.text, one);
    char *two = hd_recipe_text(NULL, b, false);
    assert_string_equal(one, two);
    hd_release(NULL, one);
    hd_release(NULL, two);
    hd_recipe_free(a);
    hd_recipe_free(b);
  }
}

// Every member of every options struct that a recipe can fill is in its table: the gaps between the
// fields are no larger than alignment asks for.
static void covers(const hd_fields *f, size_t start) {
  size_t end = start;
  for (int i = 0; i < f->count; i++) {
    const hd_field *field = &f->field[i];
    if (field->kind == HD_FIELD_LIST) continue;
    size_t size = field->kind == HD_FIELD_INT64  ? 8
                  : field->kind == HD_FIELD_BOOL ? 1
                  : field->kind == HD_FIELD_TEXT ? sizeof(char *)
                  : field->kind == HD_FIELD_INIT ? sizeof(hd_init)
                                                 : 4,
           align = field->kind == HD_FIELD_INIT ? 4 : size;
    if (field->offset < end || field->offset - end >= align)
      fail_msg("%s.%s: a member before it is in no table", f->name, field->name);
    assert_true(field->name && field->help && field->standard);
    end = field->offset + size * (size_t)field->count;
  }
  if (f->size - end >= 8) fail_msg("%s: the last members are in no table", f->name);
}

static void tables_cover_their_structs(void **state) {
  (void)state;
  size_t start = offsetof(hd_dense_options, units);  // after what HD_OPTIONS puts first
  for (const hd_layer *const *l = hd_layers(); *l; l++)
    if ((*l)->fields) covers((*l)->fields, start);
  for (const char *const *name = hd_optimizer_names(); *name; name++)
    covers(hd_optimizer_fields(hd_optimizer_find(*name)), start);
  covers(&hd_schedule_fields, 0);
  covers(&hd_recipe_data_fields, 0);
  covers(&hd_recipe_train_fields, 0);
}

static void fields_are_set_from_text(void **state) {
  (void)state;
  hd_arena arena = {0};
  hd_error err = {0};
  hd_dense_options o = {0};
  const hd_fields *f = hd_layer_find("dense")->fields;
  assert_int_equal(hd_fields_set(f, &arena, "units=12", &o, &err), HD_OK);
  assert_int_equal(hd_fields_set(f, &arena, "no_bias=true", &o, &err), HD_OK);
  assert_int_equal(hd_fields_set(f, &arena, "init=he_normal", &o, &err), HD_OK);
  assert_true(o.units == 12 && o.no_bias && o.init.kind == HD_HE_NORMAL);
  assert_int_equal(hd_fields_set(f, &arena, "init={\"sparse\": [15, 0.5]}", &o, &err), HD_OK);
  assert_true(o.init.kind == HD_SPARSE && o.init.a == 15 && o.init.b == 0.5f);
  assert_int_equal(hd_fields_set(f, &arena, "unitz=12", &o, &err), HD_E_FORMAT);
  assert_string_equal(err.text, "dense: dense: unknown field \"unitz\"; did you mean \"units\"?");
  hd_arena_free(&arena);
}

// ---- Preprocessing and models -------------------------------------------------------------------

static hd_data table(float *x, int32_t *label, int64_t rows, int64_t features, int classes) {
  static const char *const names[] = {"x", "label"};
  hd_tensor t[] = {{.dtype = HD_F32, .shape = HD_SHAPE(rows, features), .data = x},
                   {.dtype = HD_I32, .shape = HD_SHAPE(rows), .data = label}};
  hd_data d;
  assert_int_equal(hd_data_from_tensors(NULL, names, t, 2, &d, NULL), HD_OK);
  d.classes = classes;
  return d;
}

static void scales_are_fitted(void **state) {
  (void)state;
  float x[] = {1, 10, 5, 3, 20, 5, 5, 30, 5, 7, 40, 5};  // the third feature is constant
  int32_t label[] = {0, 1, 0, 1};
  hd_data d = table(x, label, 4, 3, 2);
  hd_error err;
  hd_recipe *r =
      parse("{\"data\": {\"name\": \"t\", \"scale\": \"standard\"}, " MODEL "}", NULL, &err);
  assert_non_null(r);
  hd_store *s = hd_store_new(&(hd_env){.threads = 1});
  assert_int_equal(hd_recipe_fit_scale(r, &d, s, &err), HD_OK);
  const float *shift = hd_store_find(s, "scale/shift")->data,
              *factor = hd_store_find(s, "scale/factor")->data;
  assert_true(shift[0] == 4 && shift[1] == 25 && shift[2] == 5);
  assert_true(fabs((double)factor[0] - 1 / sqrt(5)) < 1e-7 && factor[2] == 1);
  hd_recipe_free(r);
  r = parse("{\"data\": {\"name\": \"t\", \"scale\": \"minmax\"}, " MODEL "}", NULL, &err);
  assert_int_equal(hd_recipe_fit_scale(r, &d, s, &err), HD_OK);
  assert_true(shift[0] == 1 && shift[1] == 10 && fabs((double)factor[0] - 1.0 / 6) < 1e-7);
  hd_recipe_free(r);
  r = parse("{\"data\": {\"name\": \"t\", \"scale\": \"unit\"}, " MODEL "}", NULL, &err);
  assert_int_equal(hd_recipe_fit_scale(r, &d, s, &err), HD_E_ARGUMENT);
  x[4] = NAN;
  hd_recipe_free(r);
  r = parse("{\"data\": {\"name\": \"t\", \"scale\": \"standard\"}, " MODEL "}", NULL, &err);
  assert_int_equal(hd_recipe_fit_scale(r, &d, s, &err), HD_E_FORMAT);
  hd_recipe_free(r);
  hd_store_free(s);
  hd_data_free(&d);
}

static void splits_are_stratified(void **state) {
  (void)state;
  hd_error err = {0};
  hd_splits parts;
  hd_recipe *r = parse(
      "{\"data\": {\"name\": \"iris\", \"test\": 0.2, \"valid\": 0.1, \"stratify\": true}, " MODEL
      "}",
      NULL, &err);
  assert_int_equal(hd_recipe_open(NULL, r, 0, (hd_data_options){.root = NULL}, &parts, &err),
                   HD_OK);
  const hd_data *part[] = {&parts.test, &parts.valid, &parts.train};
  static const int wanted[] = {10, 4, 36};
  for (int i = 0; i < 3; i++) {
    int count[3] = {0}, column = hd_data_column(part[i], "label");
    for (int64_t k = 0; k < part[i]->samples; k++) {
      int32_t label;
      assert_int_equal(part[i]->read(part[i]->user, column, &k, 1, &label, &err), HD_OK);
      count[label]++;
    }
    for (int k = 0; k < 3; k++) assert_int_equal(count[k], wanted[i]);
  }
  hd_splits_free(&parts);
  hd_recipe_free(r);
}

static void models_open_again(void **state) {
  (void)state;
  char path[TEMP_PATH];
  close(mkstemp(temp_template(path, "model", "")));
  hd_env env = {.threads = 1};
  hd_error err = {0};
  hd_recipe *r = parse(
      "{\"data\": {\"name\": \"some/where.csv\", \"scale\": \"standard\"}, \"input\": {\"shape\": "
      "[2], \"words\": [[\"big \\\"1\\\"\", \"small\"]]}, \"classes\": [\"no\", \"yes\"], "
      "\"model\": [{\"dense\": 3}, \"tanh\", {\"dense\": 2}]}",
      NULL, &err);
  if (!r) fail_msg("%s", err.text);
  hd_signature s;
  hd_network net;
  hd_graph *g = hd_graph_new(&env);
  hd_store *store = hd_store_new(&env);
  assert_int_equal(hd_recipe_signature(r, &s, &err), HD_OK);
  assert_int_equal(hd_recipe_build(r, &s, g, &net, &err), HD_OK);
  float x[] = {0, 0, 0, 1, 1, 0, 1, 1};
  hd_tensor in = {.dtype = HD_F32, .shape = HD_SHAPE(4, 2), .data = x},
            y = hd_predict(store, net.answer, in, &err);
  if (!y.data) fail_msg("%s", err.text);
  char *header = hd_recipe_header(NULL, r, &s);
  assert_non_null(header);
  assert_null(strstr(header, "where"));  // no paths in models
  assert_int_equal(
      hd_save(store, path, &err, .meta = (const char *const[]){"hadal.recipe", header, NULL}),
      HD_OK);
  hd_model m;
  if (hd_model_open(&env, path, &m, &err)) fail_msg("%s", err.text);
  assert_string_equal(m.signature.class_names[1], "yes");
  assert_string_equal(m.signature.words[0][0], "big \"1\"");
  assert_string_equal(m.signature.words[0][1], "small");
  assert_true(!m.signature.words[0][2] && !m.signature.words[1]);
  hd_tensor z = hd_predict(m.store, m.network.answer, in, &err);
  assert_memory_equal(y.data, z.data, 8 * sizeof(float));
  hd_model_close(&m);
  // A file that lacks the recipe, and one whose recipe asks for more than it holds.
  assert_int_equal(hd_save(store, path, &err), HD_OK);
  assert_int_equal(hd_model_open(&env, path, &m, &err), HD_E_FORMAT);
  assert_non_null(strstr(err.text, "holds weights but no network"));
  char *three = strstr(header, "3");
  while (three && three[-1] != ':') three = strstr(three + 1, "3");
  assert_non_null(three);
  *three = '4';
  assert_int_equal(
      hd_save(store, path, &err, .meta = (const char *const[]){"hadal.recipe", header, NULL}),
      HD_OK);
  assert_int_equal(hd_model_open(&env, path, &m, &err), HD_E_FORMAT);
  assert_non_null(strstr(err.text, "the network wants"));
  // And one that holds a tensor which the network does not have.
  *three = '3';
  assert_int_equal(hd_store_put(store, "more", HD_WEIGHT, (hd_type){HD_F32, {0}}, NULL, &err),
                   HD_OK);
  assert_int_equal(
      hd_save(store, path, &err, .meta = (const char *const[]){"hadal.recipe", header, NULL}),
      HD_OK);
  assert_int_equal(hd_model_open(&env, path, &m, &err), HD_E_FORMAT);
  assert_non_null(strstr(err.text, "7 tensors; the network has 6"));
  unlink(path);
  hd_tensor_free(&y);
  hd_tensor_free(&z);
  hd_release(NULL, header);
  hd_graph_free(g);
  hd_store_free(store);
  hd_recipe_free(r);
}

static const char *read_and_build(const hd_env *env, void *arg) {
  hd_error err = {0};
  hd_recipe *r = hd_recipe_read(
      env, arg, &err,
      .set = (const char *const[]){"model.7.dense.units=9", "train.optimizer.sgd.lr=1", NULL});
  bool expected = err.status == HD_E_MEMORY || err.status == HD_E_IO;
  if (!r) return expected ? NULL : "reading failed with another status than memory or I/O";
  hd_signature s;
  hd_network net;
  hd_graph *g = hd_graph_new(env);
  hd_status status = hd_recipe_signature(r, &s, &err);
  if (!status) status = hd_recipe_build(r, &s, g, &net, &err);
  char *text = hd_recipe_text(env, r, true), *header = hd_recipe_header(env, r, &s);
  hd_release(env, text);
  hd_release(env, header);
  hd_graph_free(g);
  hd_recipe_free(r);
  return status && status != HD_E_MEMORY ? "building failed with another status than memory" : NULL;
}

static void every_failing_call_is_clean(void **state) {
  (void)state;
  int64_t runs = 0;
  char path[TEMP_PATH];
  int file = mkstemps(temp_template(path, "recipe", ".json"), 5);
  assert_int_equal(write(file, LENET, strlen(LENET)), strlen(LENET));
  close(file);
  const char *wrong = faults_each(read_and_build, path, EIO, &runs);
  unlink(path);
  if (wrong) fail_msg("%s", wrong);
  assert_true(runs > 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_mistake_has_its_message),
                                     cmocka_unit_test(lenet_has_its_counts),
                                     cmocka_unit_test(overrides_follow_paths),
                                     cmocka_unit_test(text_reads_back_as_itself),
                                     cmocka_unit_test(tables_cover_their_structs),
                                     cmocka_unit_test(fields_are_set_from_text),
                                     cmocka_unit_test(scales_are_fitted),
                                     cmocka_unit_test(splits_are_stratified),
                                     cmocka_unit_test(models_open_again),
                                     cmocka_unit_test(every_failing_call_is_clean)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
