// Writing safetensors: equal stores give equal bytes, and a failure leaves the old file.
#include "safetensors.h"

#include <stdlib.h>

#include "../store/store.h"

typedef struct list {
  const hd_parameter **at;
  int count;
} list;

static int by_name(const void *a, const void *b) {
  return strcmp((*(const hd_parameter *const *)a)->name, (*(const hd_parameter *const *)b)->name);
}

static int64_t bytes_of(const hd_parameter *p) {  // checked when the parameter was made
  return hd_shape_count(p->type.shape) * (int64_t)hd_dtype_size(p->type.dtype);
}

// A name that a reader gives back unchanged.
static hd_status check_name(const char *name, hd_error *err) {
  const char *end = name + strlen(name);
  if (name == end || end - name > HD_ST_NAME || strcmp(name, "__metadata__") == 0)
    return hd_fail(err, HD_E_ARGUMENT,
                   "parameter \"%.80s\": a name to be saved has 1 to %d bytes and "
                   "is not __metadata__",
                   name, HD_ST_NAME);
  for (const char *at = name; at < end;) {
    int length = hd_utf8_length(at, end);
    if (!length)
      return hd_fail(err, HD_E_ARGUMENT, "parameter \"%.80s\": the name is not UTF-8", name);
    at += length;
  }
  return HD_OK;
}

static hd_status collect(const hd_store *store, bool all, const hd_env *env, list *to,
                         hd_error *err) {
  int count = hd_store_count(store);
  to->at = hd_alloc(env, (size_t)count * sizeof *to->at);
  if (!to->at) return hd_fail(err, HD_E_MEMORY, "memory is out for %d parameters", count);
  for (int i = 0; i < count; i++) {
    const hd_parameter *p = hd_store_at(store, i);
    if (!all && p->role != HD_WEIGHT && p->role != HD_STATISTIC) continue;
    hd_status status = check_name(p->name, err);
    if (status) return status;
    if ((int)p->role < 0 || (size_t)p->role >= strlen(HD_ST_LETTERS))
      return hd_fail(err, HD_E_ARGUMENT, "parameter \"%.80s\": %d is no role", p->name,
                     (int)p->role);
    to->at[to->count++] = p;
  }
  if (to->count > HD_ST_TENSORS)
    return hd_fail(err, HD_E_LIMIT, "%d tensors; the limit is %d", to->count, HD_ST_TENSORS);
  if (to->count) qsort(to->at, (size_t)to->count, sizeof *to->at, by_name);
  return HD_OK;
}

static hd_status check_meta(const char *const *meta, hd_error *err) {
  for (int i = 0; meta && meta[i]; i += 2) {
    if (!meta[i + 1])
      return hd_fail(err, HD_E_ARGUMENT, "metadata: the key \"%.80s\" has no value", meta[i]);
    if (!strcmp(meta[i], HD_ST_CRC) || !strcmp(meta[i], HD_ST_HEADER_CRC) ||
        !strcmp(meta[i], HD_ST_ROLES))
      return hd_fail(err, HD_E_ARGUMENT, "metadata: the key \"%s\" is the writer's own", meta[i]);
    for (int k = 0; k < i; k += 2)
      if (strcmp(meta[k], meta[i]) == 0)
        return hd_fail(err, HD_E_ARGUMENT, "metadata: the key \"%.80s\" is given twice", meta[i]);
  }
  return HD_OK;
}

static void write_entry(hd_text *to, const hd_parameter *p, int64_t begin) {
  hd_text_add(to, ",");
  hd_json_string(to, p->name);
  hd_text_add(to, ":{\"dtype\":\"%s\",\"shape\":[", hd_st_dtype_name(p->type.dtype));
  for (int i = 0; i < p->type.shape.rank; i++)
    hd_text_add(to, "%s%lld", i ? "," : "", (long long)p->type.shape.d[i]);
  hd_text_add(to, "],\"data_offsets\":[%lld,%lld]}", (long long)begin,
              (long long)(begin + bytes_of(p)));
}

static hd_status write_header(const list *l, const char *const *meta, hd_text *to, hd_error *err) {
  uint32_t crc = 0;
  for (int i = 0; i < l->count; i++)
    crc = hd_crc32(crc, l->at[i]->data, (size_t)bytes_of(l->at[i]));
  hd_text_add(to, "{\"__metadata__\":{\"" HD_ST_CRC "\":\"%08x\",\"" HD_ST_HEADER_CRC "\":\"",
              (unsigned)crc);
  size_t digits = to->size;
  hd_text_add(to, "00000000\",\"" HD_ST_ROLES "\":\"");
  for (int i = 0; i < l->count; i++) hd_text_raw(to, &HD_ST_LETTERS[l->at[i]->role], 1);
  hd_text_add(to, "\"");
  for (int i = 0; meta && meta[i]; i += 2) {
    hd_text_add(to, ",");
    hd_json_string(to, meta[i]);
    hd_text_add(to, ":");
    hd_json_string(to, meta[i + 1]);
  }
  size_t metadata = to->size;
  hd_text_add(to, "}");
  int64_t begin = 0;
  for (int i = 0; i < l->count; begin += bytes_of(l->at[i++])) write_entry(to, l->at[i], begin);
  hd_text_add(to, "}");
  hd_text_add(to, "%*s", (int)(hd_round_up((int64_t)to->size, 8) - (int64_t)to->size), "");
  if (to->failed) return hd_fail(err, HD_E_MEMORY, "memory is out for the header");
  if (metadata > HD_ST_METADATA)
    return hd_fail(err, HD_E_LIMIT, "metadata of %zu bytes; the limit is %d", metadata,
                   HD_ST_METADATA);
  if (to->size > HD_ST_HEADER)
    return hd_fail(err, HD_E_LIMIT, "a header of %zu bytes; the limit is %d", to->size,
                   HD_ST_HEADER);
  char text[9];
  hd_print(text, sizeof text, "%08x",
           (unsigned)hd_st_header_crc(to->at, to->size, to->at + digits));
  memcpy(to->at + digits, text, 8);
  return HD_OK;
}

static hd_status write_file(const list *l, const hd_text *header, const hd_env *env,
                            const char *path, hd_error *err) {
  unsigned char length[HD_ST_LENGTH];
  hd_file file;
  for (int i = 0; i < HD_ST_LENGTH; i++)
    length[i] = (unsigned char)((uint64_t)header->size >> 8 * i);
  hd_file_begin(&file, env, path);
  hd_file_put(&file, length, sizeof length);
  hd_file_put(&file, header->at, header->size);
  for (int i = 0; i < l->count; i++) hd_file_put(&file, l->at[i]->data, (size_t)bytes_of(l->at[i]));
  return hd_file_commit(&file, err);
}

hd_status(hd_save)(const hd_store *store, const char *path, hd_error *err,
                   hd_save_options options) {
  if (!store || !path) return hd_fail(err, HD_E_ARGUMENT, "save: no store or no path was given");
  const hd_env *env = &store->env;
  list l = {0};
  hd_text header = {.env = *env};
  hd_status status = check_meta(options.meta, err);
  if (!status) status = collect(store, options.all, env, &l, err);
  if (!status) status = write_header(&l, options.meta, &header, err);
  if (status) hd_fail_in(err, status, "%s", path);
  if (!status) status = write_file(&l, &header, env, path, err);
  hd_text_free(&header);
  hd_release(env, l.at);
  return status;
}
