// What a model's first convolution makes of an image, before and after its activation.
#include <math.h>

#include "page.h"

enum { MOST_MAPS = 16 };

// The value of a layer: of its last node that calculates.
static hd_val value_of(const hd_model *m, const hd_recipe_layer *l) {
  for (int32_t i = l->last - 1; i >= l->first; i--)
    if (m->graph->node[i]->op) return (hd_val){m->graph, i, 0};
  return (hd_val){0};
}

// The first convolution and what follows it; both null where another layer with weights is first.
static void find(const hd_model *m, hd_val *before, hd_val *after) {
  *before = *after = (hd_val){0};
  for (int i = 0; i < m->recipe->layers && !before->graph; i++) {
    const hd_recipe_layer *l = &m->recipe->inside->layer[i];
    hd_layer_cost c;
    hd_layer_measure(m->graph, l->first, l->last, &c);
    if (!c.parameters) continue;
    if (strcmp(l->layer->name, "conv2d")) return;
    *before = value_of(m, l);
    if (i + 1 < m->recipe->layers) *after = value_of(m, l + 1);
  }
  if (after->graph && !hd_shape_equal(hd_val_type(*before).shape, hd_val_type(*after).shape))
    *after = (hd_val){0};
}

// Channels 0 .. count - 1 of y (1, H, W, C) as images from number `first` on; the largest
// magnitude.
static float unfold(const hd_tensor *y, int64_t first, int64_t count, hd_tensor *to) {
  int64_t pixels = y->shape.d[1] * y->shape.d[2], channels = y->shape.d[3];
  const float *from = y->data;
  float *at = (float *)to->data + first * pixels, most = 0;
  for (int64_t c = 0; c < count; c++)
    for (int64_t i = 0; i < pixels; i++) {
      *at = from[i * channels + c];
      most = fmaxf(most, fabsf(*at++));
    }
  return most;
}

static hd_figure *draw(const hd_env *env, const hd_tensor *y, const hd_tensor *z, hd_error *err) {
  int64_t maps = HD_MIN(y->shape.d[3], MOST_MAPS), rows = z->data ? 2 : 1;
  char text[2 * MOST_MAPS][32];
  const char *captions[2 * MOST_MAPS];
  hd_shape s = HD_SHAPE(rows * maps, y->shape.d[1], y->shape.d[2], 1);
  hd_tensor sheet = hd_tensor_new(env, HD_F32, s, err);
  if (!sheet.data) return NULL;
  float most = unfold(y, 0, maps, &sheet);
  if (z->data) unfold(z, maps, maps, &sheet);
  for (int64_t i = 0; i < rows * maps; i++) {
    hd_print(text[i], sizeof *text, i < maps ? "filter %d" : "%d, after", (int)(i % maps + 1));
    captions[i] = text[i];
  }
  double size = maps > 8 ? 72 : 112, high = most > 0 ? (double)most : 1;
  hd_figure *f = hd_figure_new(env, .width = (double)maps * (size + 10) + 10);
  if (!f) hd_fail(err, HD_E_MEMORY, "feature maps: memory is out");
  else
    hd_figure_images(f, sheet, .captions = captions, .columns = (int)maps, .size = size,
                     .low = -high, .high = high);
  hd_tensor_free(&sheet);
  return f;
}

hd_figure *hd_figure_feature_maps(const hd_env *env, const hd_model *m, hd_tensor image,
                                  hd_error *err) {
  hd_val before, after;
  hd_shape s = m->signature.input.type.shape;
  char wanted[96], got[96];
  find(m, &before, &after);
  if (!before.graph) return NULL;
  if (image.dtype != m->signature.input.type.dtype || !image.data ||
      !hd_shape_equal(image.shape, s)) {
    hd_fail(err, HD_E_SHAPE, "feature maps: the image is %s %s, the model takes %s %s",
            hd_dtype_name(image.dtype), hd_shape_text(image.shape, got, sizeof got),
            hd_dtype_name(m->signature.input.type.dtype), hd_shape_text(s, wanted, sizeof wanted));
    return NULL;
  }
  hd_tensor one = image, y, z = {0};
  one.owner = false;
  one.shape = HD_SHAPE(1, s.d[0], s.d[1], s.d[2]);
  y = hd_predict(m->store, before, one, err);
  bool good = y.data != NULL;
  if (good && after.graph) z = hd_predict(m->store, after, one, err), good = z.data != NULL;
  hd_figure *f = good ? draw(env, &y, &z, err) : NULL;
  hd_tensor_free(&z);
  hd_tensor_free(&y);
  return f;
}
