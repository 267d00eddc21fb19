// Runs a libFuzzer program as a plain test: replay DIR feeds each file of DIR to the target, as it
// is, cut short at every length, and with single bytes changed. No fuzzer and no clang needed.
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t capacity);

// What a custom mutator may call; libFuzzer brings the real one.
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t capacity) {
  (void)data, (void)capacity;
  return size;
}

enum { CHANGES = 2000, CUTS = 512 };
static int runs;

// From a block of exactly `size` bytes, so that the sanitizers see a read past its end.
static void feed(const uint8_t *data, size_t size) {
  uint8_t *copy = malloc(size ? size : 1);
  if (!copy) exit(1);
  if (size) memcpy(copy, data, size);
  LLVMFuzzerTestOneInput(copy, size);
  free(copy);
  runs++;
}

static void replay(uint8_t *data, size_t size) {
  feed(data, size);
  size_t step = size / CUTS + 1;
  for (size_t n = 0; n < size; n += step) feed(data, n);
  uint64_t state = 88172645463325252u;
  for (int i = 0; size > 0 && i < CHANGES; i++) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;  // xorshift64
    size_t at = (size_t)(state >> 16) % size;
    uint8_t kept = data[at];
    int how = state & 7;
    data[at] = how == 0 ? 0 : how == 1 ? 255 : (uint8_t)(kept ^ (1u << how));
    feed(data, size);
    data[at] = kept;
  }
}

int main(int count, char **words) {
  feed((const uint8_t *)"", 0);
  DIR *dir = count > 1 ? opendir(words[1]) : NULL;
  if (!dir) {
    printf("skip: no corpus %s\n", count > 1 ? words[1] : "");
    return 77;
  }
  for (struct dirent *entry; (entry = readdir(dir));) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", words[1], entry->d_name);
    struct stat about;
    if (stat(path, &about) || !S_ISREG(about.st_mode)) continue;
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc((size_t)about.st_size + 1);
    if (!file || !data) return fprintf(stderr, "cannot read %s\n", path), 1;
    replay(data, fread(data, 1, (size_t)about.st_size, file));
    free(data);
    fclose(file);
  }
  closedir(dir);
  printf("%d runs\n", runs);
  return 0;
}
