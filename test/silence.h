// Catches what is written to stderr, by whomever: libraries must not.
#ifndef TEST_SILENCE_H
#define TEST_SILENCE_H

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct silence {
  FILE *file;
  int before;
} silence;

static inline silence silence_start(void) {
  silence s = {tmpfile(), -1};
  fflush(stderr);
  if (s.file) s.before = dup(2), dup2(fileno(s.file), 2);
  return s;
}

// Bytes that were written; -1 where nothing could be caught.
static inline long silence_end(silence *s) {
  struct stat about;
  if (!s->file) return -1;
  fflush(stderr);
  long size = fstat(fileno(s->file), &about) ? -1 : (long)about.st_size;
  dup2(s->before, 2);
  close(s->before);
  fclose(s->file);
  return size;
}

#endif
