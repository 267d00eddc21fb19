// What every floor needs: failing, memory, checked sizes, strings.
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <stdarg.h>
#include <string.h>

#include "../../include/hadal/base.h"

#define HD_COUNT(a) (sizeof(a) / sizeof *(a))
#define HD_MIN(a, b) ((a) < (b) ? (a) : (b))
#define HD_MAX(a, b) ((a) > (b) ? (a) : (b))

// Writes status and text into err (may be NULL) and returns status: `return hd_fail(err, ...)`.
hd_status hd_fail(hd_error *err, hd_status status, const char *format, ...) HD_PRINTF(3, 4);
// Puts "prefix: " before the text of err, for callers that know the file or the field.
hd_status hd_fail_in(hd_error *err, hd_status status, const char *format, ...) HD_PRINTF(3, 4);
// The operating system's words for an errno, in `to`: "No space left on device".
const char *hd_errno_text(int code, char *to, size_t size);

// Zeroed, 64-byte aligned memory of the environment; NULL on failure. env may be NULL.
void *hd_alloc(const hd_env *env, size_t bytes);
// The same without zeroing, for large blocks that are written before they are read.
void *hd_alloc_raw(const hd_env *env, size_t bytes);
// Grows; new bytes are zero. NULL on failure, and the old block stays valid. Never shrinks.
void *hd_resize(const hd_env *env, void *block, size_t bytes);
void hd_release(const hd_env *env, void *block);  // NULL is a no-op
char *hd_copy_text(const hd_env *env, const char *text);
void hd_note(const hd_env *env, hd_log_level level, const char *format, ...) HD_PRINTF(3, 4);

// Checked sizes: false on overflow or a negative operand. The only place sizes are multiplied.
static inline bool hd_mul_size(int64_t a, int64_t b, int64_t *to) {
  return a >= 0 && b >= 0 && !__builtin_mul_overflow(a, b, to);
}
static inline bool hd_add_size(int64_t a, int64_t b, int64_t *to) {
  return a >= 0 && b >= 0 && !__builtin_add_overflow(a, b, to);
}
static inline int64_t hd_round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// FNV-1a, 64 bits: names to random streams.
uint64_t hd_hash(const void *bytes, size_t count, uint64_t seed);

// Index of the text nearest to `word` among count texts by edit distance (case ignored); -1 when
// none is near. For "did you mean".
int hd_nearest(const char *word, const char *const *texts, int count);

// Formats like snprintf, always NUL-terminated, with '.' as decimal point in any locale.
int hd_print(char *to, size_t size, const char *format, ...) HD_PRINTF(3, 4);
int hd_vprint(char *to, size_t size, const char *format, va_list args) HD_PRINTF(3, 0);
// Parses all of [text, end) as a decimal number, correctly rounded in any locale; false if it is
// not one. Accepts what JSON accepts and also a leading '+', "nan", "inf", "1." and ".5". Numbers
// beyond the range of double give infinity or zero, as strtod does.
bool hd_parse_real(const char *text, const char *end, double *to);
// The same for integers, with an optional sign; false also when it does not fit.
bool hd_parse_int(const char *text, const char *end, int64_t *to);

double hd_seconds(void);  // monotonic clock

#endif
