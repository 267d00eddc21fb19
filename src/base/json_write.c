// A growing text, and JSON written into it.
#include "json.h"

#include <math.h>

static bool reserve(hd_text *to, size_t more) {
  if (to->failed) return false;
  if (more < to->room - to->size) return true;  // one byte stays for the NUL
  if (more > PTRDIFF_MAX / 4 - to->size) return to->failed = true, false;
  size_t room = HD_MAX(2 * to->room, to->size + more + 1);
  room = HD_MAX(room, 256);
  char *larger = hd_resize(&to->env, to->at, room);
  if (!larger) return to->failed = true, false;
  to->at = larger, to->room = room;
  return true;
}

void hd_text_raw(hd_text *to, const char *bytes, size_t count) {
  if (!reserve(to, count)) return;
  if (count) memcpy(to->at + to->size, bytes, count);
  to->size += count;
  to->at[to->size] = 0;
}

void hd_text_add(hd_text *to, const char *format, ...) {
  if (!reserve(to, 1)) return;
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  size_t room = to->room - to->size;
  int length = hd_vprint(to->at + to->size, room, format, args);
  if (length < 0) to->failed = true;
  if (length > 0 && (size_t)length >= room && reserve(to, (size_t)length))
    hd_vprint(to->at + to->size, to->room - to->size, format, again);
  if (!to->failed) to->size += (size_t)length;
  va_end(again);
  va_end(args);
}

void hd_text_free(hd_text *text) {
  if (!text) return;
  hd_release(&text->env, text->at);
  text->at = NULL;
  text->size = text->room = 0;
  text->failed = false;
}

void hd_json_string(hd_text *to, const char *text) {
  static const char names[] = "\"\\\b\f\n\r\t", codes[] = "\"\\bfnrt";
  const char *end = text + strlen(text);
  hd_text_raw(to, "\"", 1);
  while (text < end) {
    const char *from = text;  // a stretch that is written as it is
    while (text < end && (unsigned char)*text >= 0x20 && *text != '"' && *text != '\\') {
      int length = hd_utf8_length(text, end);
      if (length == 0) break;
      text += length;
    }
    hd_text_raw(to, from, (size_t)(text - from));
    if (text == end) break;
    unsigned char c = (unsigned char)*text++;
    const char *known = strchr(names, c);
    if (known) {
      hd_text_add(to, "\\%c", codes[known - names]);
    } else if (c < 0x20) {
      hd_text_add(to, "\\u%04x", c);
    } else {
      hd_text_raw(to, "\xEF\xBF\xBD", 3);
    }
  }
  hd_text_raw(to, "\"", 1);
}

void hd_json_real(hd_text *to, double value) {
  if (!isfinite(value)) {
    hd_text_raw(to, "null", 4);
    return;
  }
  char text[40];
  for (int digits = 15; digits <= 17; digits++) {
    double back;
    int length = hd_print(text, sizeof text, "%.*g", digits, value);
    if (hd_parse_real(text, text + length, &back) && back == value) break;
  }
  hd_text_raw(to, text, strlen(text));
}

static bool flat(const hd_doc *doc) {
  for (const hd_doc *child = doc->first; child; child = child->next)
    if (child->kind == HD_DOC_LIST || child->kind == HD_DOC_MAP) return false;
  return doc->kind == HD_DOC_LIST;
}

static void new_line(hd_text *to, int spaces) { hd_text_add(to, "\n%*s", spaces, ""); }

// Lists of plain values stay on one line.
static void write_value(hd_text *to, const hd_doc *doc, int indent, int level) {
  bool map = doc->kind == HD_DOC_MAP, broken = indent >= 0 && doc->first && !flat(doc);
  switch (doc->kind) {
    case HD_DOC_NULL: hd_text_raw(to, "null", 4); return;
    case HD_DOC_BOOL: hd_text_add(to, "%s", doc->integer ? "true" : "false"); return;
    case HD_DOC_INT: hd_text_add(to, "%lld", (long long)doc->integer); return;
    case HD_DOC_REAL: hd_json_real(to, doc->real); return;
    case HD_DOC_TEXT: hd_json_string(to, doc->text); return;
    case HD_DOC_LIST:
    case HD_DOC_MAP: break;
  }
  hd_text_raw(to, map ? "{" : "[", 1);
  for (const hd_doc *child = doc->first; child; child = child->next) {
    if (child != doc->first) hd_text_raw(to, ", ", indent >= 0 && !broken ? 2 : 1);
    if (broken) new_line(to, indent * (level + 1));
    if (map) {
      hd_json_string(to, child->key);
      hd_text_raw(to, ": ", indent >= 0 ? 2 : 1);
    }
    write_value(to, child, indent, level + 1);
  }
  if (broken) new_line(to, indent * level);
  hd_text_raw(to, map ? "}" : "]", 1);
}

void hd_json_write(hd_text *to, const hd_doc *doc, int indent) { write_value(to, doc, indent, 0); }
