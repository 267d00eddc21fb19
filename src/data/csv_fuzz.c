// Any text as CSV: a table of as many samples as it says, or an error. The first byte chooses
// options.
#include <math.h>

#include "table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t capacity, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t capacity);

static void check(const hd_data *d) {
  if (d->samples < 1 || d->columns < 1 || d->columns > 2 || d->classes < 0) __builtin_trap();
  const hd_table *table = d->user;
  int64_t features = d->column[0].type.shape.d[0];
  const float *x = table->column[0].data;
  for (int64_t i = 0; i < d->samples * features; i++)
    if (!isfinite(x[i])) __builtin_trap();
  for (int64_t i = 0; d->classes && i < d->samples; i++) {
    int32_t label = ((const int32_t *)table->column[1].data)[i];
    if (label < 0 || label >= d->classes) __builtin_trap();
  }
  int64_t inputs = 0;
  for (const hd_word_list *w = d->words; w && *w; w++) {
    int count = 0;
    for (; (*w)[count]; count++)
      if (count && strcmp((*w)[count - 1], (*w)[count]) >= 0) __builtin_trap();
    inputs += count ? count : 1;
  }
  if (d->words && inputs != features) __builtin_trap();
  for (int i = 0; i < d->classes; i++)
    if (strlen(d->class_names[i]) > 1 << 20) __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const classes[] = {"a", "b \"c\"", "1", NULL};
  int how = size ? data[0] : 0;
  hd_csv_options o = {.regression = how & 1,
                      .no_label = (how & 6) == 6,
                      .classes = how & 8 ? classes : NULL,
                      .header = how & 16 ? how & 32 ? "yes" : "no" : NULL,
                      .label = (how & 6) == 2   ? "1"
                               : (how & 6) == 4 ? "a"
                                                : NULL,
                      .separator = how & 64    ? ';'
                                   : how & 128 ? '\t'
                                               : 0,
                      .one_hot = (how & 192) == 192};
  hd_memory memory = {0};
  hd_env env = {.memory = &memory};
  hd_data d;
  hd_error err;
  const char *text = (const char *)data + (size > 0);
  hd_status status = hd_csv_parse(&env, "fuzz", text, size - (size > 0), o, &d, &err);
  if ((status == HD_OK) != (d.user != NULL)) __builtin_trap();
  if (status != HD_OK && !strstr(err.text, "fuzz")) __builtin_trap();
  int64_t most = 32 * (int64_t)size + (64 << 10);  // rows times their words, and lists of words
  if (o.one_hot) most += (int64_t)size * (int64_t)size + 512 * (int64_t)size;
  if (memory.peak > most) __builtin_trap();
  if (status == HD_OK) check(&d);
  hd_data_free(&d);
  if (memory.bytes) __builtin_trap();
  return 0;
}

static uint64_t state;

static uint32_t below(uint32_t bound) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;  // xorshift64
  return (uint32_t)(state >> 32) % bound;
}

static const char *field(bool odd, bool label) {
  static const char *const numbers[] = {"0", "1", "-2.5", "3e4", "+.5", "1.", "\"7\"", " 8 "};
  static const char *const labels[] = {"a",       "b", "1", "2", "10", "-3", "\"b \"\"c\"\"\"",
                                       "\"x\ny\""};
  static const char *const odds[] = {
      "",
      "\"",
      "\"\"",
      "\"\"\"",
      "\"a\"b",
      "a\"b",
      "nan",
      "-inf",
      "1e39",
      "1e999",
      "1e-999",
      "0x1p3",
      "1,5",
      "1;5",
      "\t",
      "9223372036854775808",
      "-9223372036854775809",
      "1e",
      "--1",
      "\xEF\xBB\xBF",
      "\"\r\n\"",
      "\r",
      "\n",
      "\"\r\"",
      "\xFF\xFE",
      "123456789012345678901234567890.5e-30",
      "0.00000000000000000000000000000000000000000000000000000000000000000000000000001"};
  if (odd) return odds[below(HD_COUNT(odds))];
  return label ? labels[below(HD_COUNT(labels))] : numbers[below(HD_COUNT(numbers))];
}

// A table with a header or without, in which then a field, a separator or a line end may be odd.
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t capacity, unsigned int seed) {
  static const char *const ends[] = {"\n", "\r\n", "\r"}, *const strange[] = {"", "\n\n", "\r\r\n",
                                                                              ",\n"};
  state = seed * 0x9E3779B97F4A7C15u + 1;
  if (below(4) == 0 || capacity < 16) return LLVMFuzzerMutate(data, size, capacity);
  bool many = below(8) == 0;  // rows, and classes that are not known before
  uint32_t columns = 1 + below(4), rows = 1 + below(many ? 60 : 6), style = below(3);
  uint32_t odd = below(2) ? below(columns * rows) : UINT32_MAX;
  uint32_t end_at = below(4) ? UINT32_MAX : below(rows), drop = below(6) ? UINT32_MAX : below(24);
  bool header = below(2), bare = below(2);
  size_t at = 0, room = capacity - 1;
  data[at++] = (uint8_t)below(256);
  bool words = (data[0] & 192) == 192;
  char separator = data[0] & 64 ? ';' : data[0] & 128 ? '\t' : ',';
  if (below(8) == 0) memcpy(data + at, "\xEF\xBB\xBF", 3), at += 3;
  for (uint32_t row = 0, n = 0; row < rows; row++) {
    for (uint32_t i = 0; i < columns; i++, n++) {
      static const char *const names[] = {"a", "b", "\"c,d\"", "a"};
      const char *text = header && row == 0
                             ? names[(i + style) % 4]
                             : field(n == odd, i == columns - 1 || (words && i % 2 == 0));
      char class[16];
      if (many && n != odd && i == columns - 1 && (!header || row)) {
        hd_print(class, sizeof class, "k%u", (unsigned)below(100));
        text = class;
      }
      size_t length = strlen(text);
      if (at + length + 8 > room) return at;
      memcpy(data + at, text, length);
      at += length;
      if (i + 1 < columns && n != drop) data[at++] = (uint8_t)separator;
    }
    const char *end = row == end_at             ? strange[below(4)]
                      : row + 1 == rows && bare ? ""
                                                : ends[style];
    memcpy(data + at, end, strlen(end));
    at += strlen(end);
  }
  return at;
}
