// Errors and log lines: formatted once, kept by the caller.
#define _POSIX_C_SOURCE 200809L
#include "base.h"

#include <errno.h>
#include <stdio.h>

#define TEXT(x) TEXT_(x)
#define TEXT_(x) #x

const char *hd_version(void) {
  return TEXT(HD_VERSION_MAJOR) "." TEXT(HD_VERSION_MINOR) "." TEXT(HD_VERSION_PATCH);
}

const char *hd_status_text(hd_status status) {
  switch (status) {
    case HD_OK: return "no error";
    case HD_E_ARGUMENT: return "bad argument";
    case HD_E_SHAPE: return "shapes do not fit";
    case HD_E_MEMORY: return "out of memory";
    case HD_E_IO: return "input or output failed";
    case HD_E_FORMAT: return "bad format";
    case HD_E_LIMIT: return "limit passed";
    case HD_E_NOT_FOUND: return "not found";
    case HD_E_DIVERGED: return "training diverged";
    case HD_E_STOPPED: return "stopped";
    case HD_E_UNSUPPORTED: return "not supported";
    case HD_E_INTERNAL: return "internal error";
  }
  return "unknown status";
}

// The arguments may point into err->text, so the new text is made beside it.
hd_status hd_fail(hd_error *err, hd_status status, const char *format, ...) {
  if (!err) return status;
  char text[sizeof err->text];
  va_list args;
  va_start(args, format);
  hd_vprint(text, sizeof text, format, args);
  va_end(args);
  err->status = status;
  memcpy(err->text, text, strlen(text) + 1);
  return status;
}

hd_status hd_fail_in(hd_error *err, hd_status status, const char *format, ...) {
  if (!err) return status;
  char text[sizeof err->text];
  va_list args;
  va_start(args, format);
  int length = hd_vprint(text, sizeof text, format, args);
  va_end(args);
  size_t used = length < 0 ? 0 : HD_MIN((size_t)length, sizeof text - 1);
  hd_print(text + used, sizeof text - used, ": %s", err->text);
  err->status = status;
  memcpy(err->text, text, strlen(text) + 1);
  return status;
}

const char *hd_errno_text(int code, char *to, size_t size) {
  if (strerror_r(code, to, size) != 0) hd_print(to, size, "error %d", code);
  return to;
}

void hd_note(const hd_env *env, hd_log_level level, const char *format, ...) {
  if (!env || !env->log) return;
  char text[1000];
  va_list args;
  va_start(args, format);
  hd_vprint(text, sizeof text, format, args);
  va_end(args);
  env->log(env->user, level, text);
}
