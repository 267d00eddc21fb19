// libjpeg in an environment of ours: its errors, and its memory.
#ifndef EXTRA_JPEG_H
#define EXTRA_JPEG_H

#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include "../base/base.h"

typedef struct hd_jpeg_errors {
  struct jpeg_error_mgr base;  // first: libjpeg knows it by this address
  jmp_buf back;
  char why[JMSG_LENGTH_MAX];
  bool truncated;
} hd_jpeg_errors;

// Takes the place of libjpeg's memory manager, which calls malloc; only what jpeg_create_* takes
// before (a few kilobytes) is not the environment's. Ends with jpeg_destroy_*.
typedef struct hd_jpeg_memory {
  struct jpeg_memory_mgr base;  // first
  const hd_env *env;
  struct jpeg_memory_mgr *before;
  struct hd_jpeg_block *pool[JPOOL_NUMPOOLS];
  bool failed;
} hd_jpeg_memory;
void hd_jpeg_memory_start(hd_jpeg_memory *memory, j_common_ptr j);

#endif
