// Files that hold parameters: safetensors. A file is data, never a program: reading one can only
// give tensors or an error.
#ifndef HADAL_IO_H
#define HADAL_IO_H

#include "store.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hd_save_options {
  HD_OPTIONS;
  bool all HD_Z;  // also optimiser and carried state (checkpoints); default weights and statistics
  const char *const *meta HD_Z;  // key, value, key, value ..., NULL: texts for __metadata__
} hd_save_options;
// Replaces path atomically (temporary file, fsync, rename, fsync of the directory). Equal stores
// give equal bytes: tensors in order of name, no time, path or host. Its own metadata are
// hadal.crc32 and hadal.header.crc32 (checksums) and hadal.roles (a letter of "wsoc" per tensor).
HD_API HD_NODISCARD hd_status hd_save(const hd_store *store, const char *path, hd_error *err,
                                      hd_save_options options);
#define hd_save(...) \
  hd_save(HD_HEAD3_(__VA_ARGS__, ), HD_LIT(hd_save_options){.hd_z = 0, HD_TAIL3_(__VA_ARGS__, )})

// An opened file: its tensors, borrowed from one block of memory, sorted by name. Limits: a header
// of 100,000,000 bytes, 1,000,000 tensors, names of 1,024 bytes, 8 dimensions, 16 MiB of metadata.
typedef struct hd_tensors hd_tensors;
HD_API hd_tensors *hd_tensors_open(const hd_env *env, const char *path, hd_error *err);
HD_API hd_tensors *hd_tensors_parse(const hd_env *env, const char *name, const void *bytes,
                                    size_t count, hd_error *err);  // copies
HD_API void hd_tensors_free(hd_tensors *tensors);
HD_API int hd_tensors_count(const hd_tensors *tensors);
HD_API const char *hd_tensors_name(const hd_tensors *tensors, int i);
HD_API hd_tensor hd_tensors_at(const hd_tensors *tensors, int i);                // a view
HD_API int hd_tensors_find(const hd_tensors *tensors, const char *name);         // -1: none
HD_API const char *hd_tensors_meta(const hd_tensors *tensors, const char *key);  // NULL: none

// Puts every tensor of the file into the store: all fit, or the store is unchanged. Parameters that
// exist keep their role; new ones are weights, or what the file's metadata says.
HD_API HD_NODISCARD hd_status hd_load(hd_store *store, const char *path, hd_error *err);
HD_API HD_NODISCARD hd_status hd_load_tensors(hd_store *store, const hd_tensors *tensors,
                                              hd_error *err);

#ifdef __cplusplus
}
#endif
#endif
