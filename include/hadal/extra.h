// libhadal-extra: what needs a library. A build without one keeps the function and says which
// Debian package brings it.
#ifndef HADAL_EXTRA_H
#define HADAL_EXTRA_H

#include "data.h"

#ifdef __cplusplus
extern "C" {
#endif

// zlib: an hd_inflate.
HD_API hd_status hd_gunzip(const hd_env *env, const void *bytes, size_t count, int64_t limit, void **to, size_t *size, hd_error *err);

#ifdef __cplusplus
}
#endif
#endif
