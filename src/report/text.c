// Texts of the run page: escaping, base64, numbers for people.
#include "page.h"

void hd_html(hd_text *to, const char *text) {
  if (!text) return;
  const char *end = text + strlen(text);
  while (text < end) {
    const char *from = text;
    int length = 1;
    while (text < end && !strchr("&<>\"'", *text) && (unsigned char)*text != 0x7f &&
           ((unsigned char)*text >= 0x20 || *text == '\n' || *text == '\t')) {
      length = hd_utf8_length(text, end);
      if (length == 0) break;
      text += length;
    }
    hd_text_raw(to, from, (size_t)(text - from));
    if (text == end) break;
    char c = *text++;
    hd_text_add(to, "%s",
                c == '&'    ? "&amp;"
                : c == '<'  ? "&lt;"
                : c == '>'  ? "&gt;"
                : c == '"'  ? "&quot;"
                : c == '\'' ? "&#39;"
                            : "\xEF\xBF\xBD");
  }
}

void hd_base64(hd_text *to, const void *bytes, size_t count) {
  static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const unsigned char *at = bytes;
  for (size_t i = 0; i < count; i += 3) {
    size_t n = HD_MIN(count - i, 3);
    uint32_t v = (uint32_t)at[i] << 16;
    if (n > 1) v |= (uint32_t)at[i + 1] << 8;
    if (n > 2) v |= at[i + 2];
    char four[4];
    for (size_t k = 0; k < 4; k++) four[k] = k > n ? '=' : digit[v >> (18 - 6 * k) & 63];
    hd_text_raw(to, four, 4);
  }
}

const char *hd_count_text(int64_t n, char *to) {
  char plain[32];
  int length = hd_print(plain, sizeof plain, "%lld", (long long)n), used = 0;
  for (int i = 0; i < length; i++) {
    if (i > 0 && (length - i) % 3 == 0 && plain[i - 1] != '-') to[used++] = ',';
    to[used++] = plain[i];
  }
  to[used] = 0;
  return to;
}

const char *hd_bytes_text(double bytes, char *to) {
  static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
  int u = 0;
  while (bytes >= 1000 && u < 4) bytes /= 1000, u++;
  hd_print(to, 32, u && bytes < 100 ? "%.1f %s" : "%.0f %s", bytes, units[u]);
  return to;
}

const char *hd_seconds_text(double seconds, char *to) {
  long long s = seconds > 0 && seconds < 1e15 ? (long long)(seconds + 0.5) : 0;
  if (seconds < 0.1) hd_print(to, 32, "%.2g ms", 1000 * seconds);
  else if (seconds < 60) hd_print(to, 32, "%.1f s", seconds);
  else if (s < 3600) hd_print(to, 32, "%lld min %lld s", s / 60, s % 60);
  else hd_print(to, 32, "%lld h %lld min", s / 3600, s / 60 % 60);
  return to;
}
