// The table of the layers, and how they fail.
#include "layer.h"

#include <math.h>

#include "../store/store.h"

#define X(name) &hd_layer_##name,
static const hd_layer *const table[] = {HD_LAYER_LIST(X) NULL};
#undef X

const hd_layer *const *hd_layers(void) { return table; }

const hd_layer *hd_layer_find(const char *name) {
  for (int i = 0; table[i]; i++)
    if (!strcmp(table[i]->name, name)) return table[i];
  return NULL;
}

hd_val hd_layer_fail(hd_val x, const char *kind, const char *name, const char *format, ...) {
  char text[800];
  va_list args;
  va_start(args, format);
  hd_vprint(text, sizeof text, format, args);
  va_end(args);
  hd_graph_fail(x.graph, HD_E_SHAPE, name ? "%s (%s): %s" : "%s%.0s: %s", kind, name ? name : "",
                text);
  return (hd_val){0};
}

hd_init hd_init_of_fans(hd_init init, double in, double out) {
  hd_init_kind kind = init.kind ? init.kind : HD_GLOROT_UNIFORM;
  if (kind < HD_LECUN_UNIFORM || kind > HD_HE_NORMAL) return init;
  double variance = hd_init_variance(kind, in, out);
  bool uniform = kind == HD_LECUN_UNIFORM || kind == HD_GLOROT_UNIFORM || kind == HD_HE_UNIFORM;
  float limit = (float)sqrt(3 * variance);
  return uniform ? (hd_init){HD_UNIFORM, -limit, limit}
                 : (hd_init){HD_NORMAL, 0, (float)sqrt(variance)};
}
