// Where tests put their files: under TMPDIR, or else /tmp.
#ifndef TEST_TEMP_H
#define TEST_TEMP_H

#include <stdio.h>
#include <stdlib.h>

enum { TEMP_PATH = 256 };

// A template for mkstemp or mkdtemp (or mkstemps, where `ending` is not empty).
static inline char *temp_template(char to[TEMP_PATH], const char *name, const char *ending) {
  const char *root = getenv("TMPDIR");
  int size =
      snprintf(to, TEMP_PATH, "%s/hadal-%s-XXXXXX%s", root && *root ? root : "/tmp", name, ending);
  if (size >= TEMP_PATH) snprintf(to, TEMP_PATH, "/tmp/hadal-%.40s-XXXXXX%.10s", name, ending);
  return to;
}

#endif
