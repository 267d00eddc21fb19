// What a recipe says of augmentation and of folders of images, there and back; what it refuses.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "recipe.h"

static hd_recipe *parse(const char *augment, const char *loss, hd_error *err) {
  char text[600];
  snprintf(text, sizeof text,
           "{\"data\": {\"name\": \"digits\", \"valid\": 0.1},\n\"augment\": %s,\n"
           "\"model\": [\"flatten\", {\"dense\": 10}], \"loss\": \"%s\"}",
           augment, loss);
  return hd_recipe_parse(NULL, "r.json", text, strlen(text), err);
}

static const char every[] =
    "{\"rotate\": 10, \"scale\": 0.1, \"translate\": 0.05, \"shear\": 5, \"crop\": 2, "
    "\"flip\": \"horizontal\", \"edge\": \"reflect\", \"elastic\": {\"alpha\": 36, \"sigma\": 4}, "
    "\"color\": {\"brightness\": 0.2, \"contrast\": 0.1, \"saturation\": 0.3, \"hue\": 0.05}, "
    "\"noise\": 0.02, \"cutout\": {\"size\": 3, \"count\": 2}, \"mixup\": 0.2, \"cutmix\": 1, "
    "\"range\": 200}";

static void every_field_there_and_back(void **state) {
  (void)state;
  hd_error err = {0};
  hd_recipe *r = parse(every, "cross_entropy", &err);
  if (!r) fail_msg("%s", err.text);
  const hd_augment_options *o = r->augment;
  assert_non_null(o);
  assert_true(o->rotate == 10 && o->scale == 0.1f && o->translate == 0.05f && o->shear == 5);
  assert_true(o->crop == 2 && o->flip == HD_FLIP_HORIZONTAL && o->edge == HD_EDGE_REFLECT);
  assert_true(o->elastic.alpha == 36 && o->elastic.sigma == 4 && o->color.hue == 0.05f);
  assert_true(o->cutout.size == 3 && o->cutout.count == 2 && o->mixup == 0.2f && o->cutmix == 1);
  assert_true(o->noise == 0.02f && o->range == 200);
  char *one = hd_recipe_text(NULL, r, false);
  hd_recipe *again = hd_recipe_parse(NULL, "again.json", one, strlen(one), &err);
  if (!again) fail_msg("%s", err.text);
  assert_memory_equal(&again->augment->rotate, &o->rotate,
                      sizeof *o - offsetof(hd_augment_options, rotate));
  char *header = hd_recipe_header(NULL, r, &(hd_signature){.input = {"image", {HD_U8, {0}}}});
  assert_null(strstr(header, "augment"));  // the model needs none of it
  hd_release(NULL, header);
  hd_release(NULL, one);
  hd_recipe_free(again);
  hd_recipe_free(r);
}

static void main_fields_stand_alone(void **state) {
  (void)state;
  hd_error err = {0};
  hd_recipe *r = parse("{\"elastic\": 30, \"cutout\": 4, \"color\": 0.5}", "cross_entropy", &err);
  if (!r) fail_msg("%s", err.text);
  assert_true(r->augment->elastic.alpha == 30 && r->augment->cutout.size == 4);
  assert_true(r->augment->color.brightness == 0.5f);
  hd_recipe_free(r);
  static const char *const none[] = {"{}", "null", "{\"rotate\": 0}", "{\"elastic\": {}}"};
  for (size_t i = 0; i < HD_COUNT(none); i++) {
    r = parse(none[i], "cross_entropy", &err);
    if (!r) fail_msg("%s", err.text);
    char *text = hd_recipe_text(NULL, r, false);
    assert_null(strstr(text, "augment"));
    hd_release(NULL, text);
    hd_recipe_free(r);
  }
}

static void mistakes_are_named(void **state) {
  (void)state;
  static const struct {
    const char *augment, *text;
  } bad[] = {
      {"3", "r.json:2: augment: must be a map"},
      {"{\"rotat\": 3}", "r.json:2: augment: unknown field \"rotat\"; did you mean \"rotate\"?"},
      {"{\"rotate\": 181}", "rotate is 181, must be at most 180"},
      {"{\"flip\": \"sideways\"}", "augment: unknown flip \"sideways\""},
      {"{\"elastic\": {\"sigm\": 1}}", "elastic: unknown field \"sigm\""},
      {"{\"elastic\": {\"sigma\": 0.01}}", "sigma is 0.01, must be at least 0.1"},
      {"{\"color\": {\"hue\": 0.7}}", "hue is 0.7, must be at most 0.5"},
      {"{\"cutout\": \"x\"}", "cutout: size must be a whole number"}};
  for (size_t i = 0; i < HD_COUNT(bad); i++) {
    hd_error err = {0};
    assert_null(parse(bad[i].augment, "cross_entropy", &err));
    if (!strstr(err.text, bad[i].text)) fail_msg("%s", err.text);
  }
}

static void training_is_augmented_and_nothing_else(void **state) {
  (void)state;
  hd_error err = {0};
  hd_splits parts;
  hd_recipe *r = parse("{\"noise\": 0.2, \"mixup\": 0.2}", "cross_entropy", &err);
  hd_data_options where = {.root = "data"};
  if (hd_recipe_open(NULL, r, 0, where, &parts, &err)) fail_msg("%s", err.text);
  assert_true(parts.train.draw && !parts.valid.draw && !parts.test.draw && !parts.whole.draw);
  uint8_t image[64];
  int32_t label;
  float mix[10];
  void *scratch = hd_alloc(NULL, (size_t)parts.train.draw_bytes);
  int high = 0;
  for (int i = 0; i < 20; i++) {
    hd_draw at = {1, 0, i};
    assert_int_equal(
        parts.train.draw(parts.train.user, &at, (void *[]){image, &label, mix}, scratch, &err), 0);
    for (int k = 0; k < 64; k++) assert_true(image[k] <= 16), high += image[k] == 16;
  }
  assert_true(high > 20);  // white is 16 in this set
  hd_release(NULL, scratch);
  hd_signature s;
  hd_network n;
  hd_graph *g = hd_graph_new(NULL);
  hd_store *store = hd_store_new(NULL);
  assert_int_equal(hd_signature_of(&parts.whole, &s, &err), HD_OK);
  if (hd_recipe_build(r, &s, g, &n, &err)) fail_msg("%s", err.text);
  hd_fit_options o;
  hd_metrics m;
  hd_recipe_fit_options(r, &o);
  o.epochs = 4, o.accuracy = n.accuracy, o.valid = &parts.valid;
  if ((hd_fit)(store, n.loss, &parts.train, &err, o)) fail_msg("%s", err.text);
  assert_int_equal(hd_evaluate(store, n.loss, n.accuracy, &parts.test, 64, &m, &err), HD_OK);
  assert_true(m.accuracy > 0.5);
  hd_store_free(store);
  hd_graph_free(g);
  hd_splits_free(&parts);
  hd_recipe_free(r);
}

static void mixtures_need_a_loss_of_shares(void **state) {
  (void)state;
  static const char *const losses[] = {"cross_entropy", "focal", "mse", "nll", "hinge"};
  for (size_t i = 0; i < HD_COUNT(losses); i++) {
    hd_error err = {0};
    hd_recipe *r = parse("{\"cutmix\": 1}", losses[i], &err);
    hd_graph *g = hd_graph_new(NULL);
    hd_signature s;
    hd_network n;
    assert_int_equal(hd_recipe_signature(r, &s, &err), HD_OK);
    hd_status status = hd_recipe_build(r, &s, g, &n, &err);
    if ((status == HD_OK) != (i < 3)) fail_msg("%s: %s", losses[i], err.text);
    if (status) assert_non_null(strstr(err.text, "mixup and cutmix give shares"));
    hd_graph_free(g);
    hd_recipe_free(r);
  }
}

static void folders_have_sizes(void **state) {
  (void)state;
  hd_error err = {0};
  static const char text[] =
      "{\"data\": {\"name\": \"no/such\", \"size\": [48, 64], \"channels\": 3},\n"
      "\"model\": [\"flatten\", {\"dense\": 2}]}";
  hd_recipe *r = hd_recipe_parse(NULL, "r.json", text, sizeof text - 1, &err);
  if (!r) fail_msg("%s", err.text);
  assert_true(r->data.size[0] == 48 && r->data.size[1] == 64 && r->data.channels == 3);
  hd_splits parts;
  assert_int_equal(hd_recipe_open(NULL, r, 0, (hd_data_options){0}, &parts, &err), HD_E_NOT_FOUND);
  assert_non_null(strstr(err.text, "no/such"));
  char *header = hd_recipe_header(NULL, r, &(hd_signature){.input = {"image", {HD_U8, {0}}}});
  assert_non_null(strstr(header, "\"size\""));  // what predicting must bring images to
  assert_null(strstr(header, "such"));
  hd_release(NULL, header);
  hd_recipe_free(r);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_field_there_and_back),
                                     cmocka_unit_test(main_fields_stand_alone),
                                     cmocka_unit_test(mistakes_are_named),
                                     cmocka_unit_test(training_is_augmented_and_nothing_else),
                                     cmocka_unit_test(mixtures_need_a_loss_of_shares),
                                     cmocka_unit_test(folders_have_sizes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
