// Texts: formatting that no locale changes, hashing, and "did you mean".
#define _POSIX_C_SOURCE 200809L
#include "base.h"

#include <locale.h>
#include <stdio.h>
#include <time.h>

// The C locale holds for this thread and this call only; the C libraries keep it ready-made.
int hd_vprint(char *to, size_t size, const char *format, va_list args) {
  locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  locale_t before = plain ? uselocale(plain) : (locale_t)0;
  int length = vsnprintf(to, size, format, args);
  if (plain) {
    uselocale(before);
    freelocale(plain);
  }
  if (length < 0 && size) *to = 0;
  return length;
}

int hd_print(char *to, size_t size, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int length = hd_vprint(to, size, format, args);
  va_end(args);
  return length;
}

uint64_t hd_hash(const void *bytes, size_t count, uint64_t seed) {
  const unsigned char *from = bytes;
  uint64_t hash = 0xcbf29ce484222325u ^ seed;
  for (size_t i = 0; i < count; i++) hash = (hash ^ from[i]) * 0x100000001b3u;
  return hash;
}

static int lower(char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; }

// Edits (insert, drop, replace, swap neighbours) from a to b. Three rows of the usual table.
enum { WORD = 64 };
static int distance(const char *a, int na, const char *b, int nb) {
  int rows[3][WORD + 1] = {{0}};
  int *before = rows[0], *last = rows[1], *row = rows[2];
  for (int j = 0; j <= nb; j++) last[j] = j;
  for (int i = 1; i <= na; i++) {
    row[0] = i;
    for (int j = 1; j <= nb; j++) {
      int same = lower(a[i - 1]) == lower(b[j - 1]);
      int best = HD_MIN(HD_MIN(row[j - 1], last[j]) + 1, last[j - 1] + !same);
      bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                     lower(a[i - 2]) == lower(b[j - 1]);
      row[j] = swapped ? HD_MIN(best, before[j - 2] + 1) : best;
    }
    int *next = before;
    before = last, last = row, row = next;
  }
  return last[nb];
}

int hd_nearest(const char *word, const char *const *texts, int count) {
  size_t length = word ? strlen(word) : 0;
  if (length == 0 || length > WORD) return -1;
  int best = -1, least = HD_MAX((int)length / 3, 1) + 1;  // near: at most a third is wrong
  for (int i = 0; i < count; i++) {
    size_t other = texts[i] ? strlen(texts[i]) : 0;
    if (other == 0 || other > WORD) continue;
    int edits = distance(word, (int)length, texts[i], (int)other);
    if (edits >= least || edits >= (int)HD_MAX(length, other)) continue;
    best = i, least = edits;
  }
  return best;
}

double hd_seconds(void) {
  struct timespec now = {0, 0};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
