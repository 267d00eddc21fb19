// Feature maps: of models that begin with a convolution, and of those that do not.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "../../include/hadal/report.h"
#include "../base/base.h"

// pictures: how many are drawn; 0: there are none.
static void try(const char *layers, int pictures) {
  bool expected = pictures > 0;
  static uint8_t pixels[9 * 8 * 3];
  char text[600];
  hd_error err = {0};
  hd_model m = {
      .signature = {.input = {"image", {HD_U8, {3, {9, 8, 3}}}}, .classes = 4, .has_label = true}};
  for (int i = 0; i < 9 * 8 * 3; i++) pixels[i] = (uint8_t)(i * 37);
  hd_print(text, sizeof text,
           "{\"data\": {\"name\": \"mnist\", \"scale\": \"unit\"}, \"model\": [%s \"flatten\", "
           "{\"dense\": 4}]}",
           layers);
  m.recipe = hd_recipe_parse(NULL, "test", text, strlen(text), &err);
  if (!m.recipe) fail_msg("%s", err.text);
  m.graph = hd_graph_new(NULL), m.store = hd_store_new(NULL);
  if (hd_recipe_build(m.recipe, &m.signature, m.graph, &m.network, &err)) fail_msg("%s", err.text);
  hd_tensor image = {.dtype = HD_U8, .shape = HD_SHAPE(9, 8, 3), .data = pixels};
  hd_figure *f = hd_figure_feature_maps(NULL, &m, image, &err);
  assert_true((f != NULL) == expected);
  assert_int_equal(err.status, HD_OK);
  const char *svg;
  if (f && !hd_figure_svg(f, &svg, NULL, &err)) {
    int found = 0;
    for (const char *at = svg; (at = strstr(at, "<image")); at++) found++;
    assert_int_equal(found, pictures);
  }
  hd_figure_free(f);
  image.shape = HD_SHAPE(8, 9, 3);
  assert_null(hd_figure_feature_maps(NULL, &m, image, &err));
  assert_int_equal(err.status, expected ? HD_E_SHAPE : HD_OK);
  hd_graph_free(m.graph);
  hd_store_free(m.store);
  hd_recipe_free(m.recipe);
}

static void models(void **state) {
  (void)state;
  try("{\"conv2d\": {\"filters\": 5, \"kernel\": 3}}, \"relu\",", 10);
  try("{\"max_pool2d\": 2}, {\"conv2d\": {\"filters\": 20, \"kernel\": 3}},", 16);
  try("{\"conv2d\": {\"filters\": 2, \"kernel\": 2}}, {\"max_pool2d\": 2},", 2);
  try("{\"locally_connected2d\": {\"filters\": 2, \"kernel\": 2}}, {\"conv2d\": {\"filters\": 2, "
      "\"kernel\": 2}},",
      0);
  try("", 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(models)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
