// Exclusive or: the four samples that no single layer separates (Minsky & Papert 1969).
#include "table.h"

hd_status hd_xor_open(const hd_env *env, hd_data *to, hd_error *err) {
  static const float x[4][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};
  static const int32_t label[4] = {0, 1, 1, 0};
  static const char *const names[] = {"x", "label", "target"}, *const classes[] = {"0", "1"};
  hd_tensor columns[] = {hd_tensor_new(env, HD_F32, HD_SHAPE(4, 2), err),
                         hd_tensor_new(env, HD_I32, HD_SHAPE(4), err),
                         hd_tensor_new(env, HD_F32, HD_SHAPE(4, 1), err)};
  hd_status status = HD_E_MEMORY;
  if (columns[0].data && columns[1].data && columns[2].data) {
    memcpy(columns[0].data, x, sizeof x);
    memcpy(columns[1].data, label, sizeof label);
    for (int i = 0; i < 4; i++) ((float *)columns[2].data)[i] = (float)label[i];
    status = hd_data_from_tensors(env, names, columns, 3, to, err);
  }
  for (int i = 0; i < 3; i++) hd_tensor_free(&columns[i]);  // a no-op for those taken over
  if (status) return status;
  to->classes = 2;
  to->class_names = classes;
  return HD_OK;
}
