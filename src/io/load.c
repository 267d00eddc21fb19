// From a file of tensors into a store: everything fits, or nothing changes.
#include "safetensors.h"

#include "../store/store.h"

static const char *type_text(hd_type type, char *to, size_t size) {
  char shape[200];
  hd_print(to, size, "%s %s", hd_dtype_name(type.dtype),
           hd_shape_text(type.shape, shape, sizeof shape));
  return to;
}

// The letters of hadal.roles, or NULL for a file of another program.
static hd_status read_roles(const hd_tensors *t, const char **to, hd_error *err) {
  const char *roles = *to = hd_tensors_meta(t, HD_ST_ROLES);
  if (!roles) return HD_OK;
  size_t length = strlen(roles);
  if (length != (size_t)t->count)
    return hd_fail(err, HD_E_FORMAT, "%s: %s names %zu roles; there are %d tensors", t->name,
                   HD_ST_ROLES, length, t->count);
  size_t known = strspn(roles, HD_ST_LETTERS);
  if (known < length)
    return hd_fail(err, HD_E_FORMAT, "%s: %s: '%c' is no role; known are " HD_ST_LETTERS, t->name,
                   HD_ST_ROLES, roles[known]);
  return HD_OK;
}

static hd_status check_types(const hd_store *store, const hd_tensors *t, const hd_parameter **at,
                             hd_error *err) {
  char file[256], here[256];
  for (int i = 0; i < t->count; i++) {
    hd_type type = t->entry[i].type;
    const hd_parameter *p = at[i] = hd_store_find(store, t->entry[i].name);
    if (p && (p->type.dtype != type.dtype || !hd_shape_equal(p->type.shape, type.shape)))
      return hd_fail(
          err, HD_E_SHAPE, "%s: tensor \"%.80s\": the file holds %s, the network wants %s", t->name,
          p->name, type_text(type, file, sizeof file), type_text(p->type, here, sizeof here));
  }
  return HD_OK;
}

hd_status hd_load_tensors(hd_store *store, const hd_tensors *t, hd_error *err) {
  const char *roles;
  if (!store || !t) return hd_fail(err, HD_E_ARGUMENT, "load: no store or no tensors were given");
  hd_status status = read_roles(t, &roles, err);
  if (status || !t->count) return status;
  const hd_parameter **at = hd_alloc(&store->env, (size_t)t->count * sizeof *at);
  if (!at) return hd_fail(err, HD_E_MEMORY, "%s: memory is out", t->name);
  status = check_types(store, t, at, err);
  int before = store->count;
  for (int i = 0; !status && i < t->count; i++) {
    hd_role role = roles ? (hd_role)(strchr(HD_ST_LETTERS, roles[i]) - HD_ST_LETTERS) : HD_WEIGHT;
    if (at[i]) continue;
    status = hd_store_put(store, t->entry[i].name, role, t->entry[i].type, &at[i], err);
    if (status) hd_fail_in(err, status, "%s", t->name);
  }
  if (status) hd_store_cut(store, before);  // a failed load leaves no trace
  for (int i = 0; !status && i < t->count; i++)
    memcpy(at[i]->data, t->data + t->entry[i].begin, (size_t)(t->entry[i].end - t->entry[i].begin));
  hd_release(&store->env, at);
  return status;
}

hd_status hd_load(hd_store *store, const char *path, hd_error *err) {
  if (!store || !path) return hd_fail(err, HD_E_ARGUMENT, "load: no store or no path was given");
  hd_error none;
  if (!err) err = &none;  // the status is needed even when nobody wants the words
  hd_tensors *t = hd_tensors_open(&store->env, path, err);
  if (!t) return err->status;
  hd_status status = hd_load_tensors(store, t, err);
  hd_tensors_free(t);
  return status;
}
