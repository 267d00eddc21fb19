// libhadal-extra: what needs a library. A build without one keeps the function and says which
// Debian package brings it.
#ifndef HADAL_EXTRA_H
#define HADAL_EXTRA_H

#include "data.h"
#include "recipe.h"

#ifdef __cplusplus
extern "C" {
#endif

// zlib: an hd_inflate.
HD_API HD_NODISCARD hd_status hd_gunzip(const hd_env *env, const void *bytes, size_t count,
                                        int64_t limit, void **to, size_t *size, hd_error *err);

// libyaml: an hd_document_reader. Scalars are typed as in YAML's core schema; anchors, aliases,
// tags and merge keys are refused.
HD_API hd_status hd_yaml_parse(struct hd_arena *arena, const char *name, const char *text,
                               size_t bytes, struct hd_doc **to, hd_error *err);

#ifdef __cplusplus
}
#endif
#endif
