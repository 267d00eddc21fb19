// The JSON parser: strict, and safe on any bytes.
#include "json.h"

#include <math.h>

enum { DEPTH = 64 };

typedef struct parser {
  hd_arena *arena;
  const char *name, *at, *end;
  int line, depth;
  hd_error *err;
} parser;

static hd_status no_memory(parser *p) {
  return hd_fail(p->err, HD_E_MEMORY, "%s:%d: no memory left while reading", p->name, p->line);
}

// "expected `what`, found ..." at the cursor.
static hd_status unexpected(parser *p, const char *what) {
  char found[32];
  unsigned char c = p->at < p->end ? (unsigned char)*p->at : 0;
  if (p->at == p->end) {
    hd_print(found, sizeof found, "the end");
  } else if (c > ' ' && c < 127) {
    hd_print(found, sizeof found, "'%c'", c);
  } else {
    hd_print(found, sizeof found, "byte 0x%02X", c);
  }
  return hd_fail(p->err, HD_E_FORMAT, "%s:%d: expected %s, found %s", p->name, p->line, what,
                 found);
}

static void skip_space(parser *p) {
  for (; p->at < p->end; p->at++) {
    if (*p->at == '\n') {
      p->line++;
    } else if (*p->at != ' ' && *p->at != '\t' && *p->at != '\r') {
      return;
    }
  }
}

// ---- Texts --------------------------------------------------------------------------------------

int hd_utf8_length(const char *text, const char *end) {
  const unsigned char *c = (const unsigned char *)text;
  ptrdiff_t left = end - text;
  if (left < 1) return 0;
  if (c[0] < 0x80) return 1;
  int length = c[0] >= 0xC2 && c[0] < 0xE0   ? 2
               : c[0] >= 0xE0 && c[0] < 0xF0 ? 3
               : c[0] >= 0xF0 && c[0] < 0xF5 ? 4
                                             : 0;
  if (length == 0 || left < length) return 0;
  for (int i = 1; i < length; i++)
    if ((c[i] & 0xC0) != 0x80) return 0;
  bool overlong = (c[0] == 0xE0 && c[1] < 0xA0) || (c[0] == 0xF0 && c[1] < 0x90);
  bool surrogate = c[0] == 0xED && c[1] >= 0xA0, beyond = c[0] == 0xF4 && c[1] >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

static char *put_utf8(char *to, uint32_t code) {
  if (code < 0x80) {
    *to++ = (char)code;
    return to;
  }
  int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;  // bytes after the first
  static const unsigned char mark[] = {0, 0xC0, 0xE0, 0xF0};
  *to++ = (char)(mark[more] | code >> 6 * more);
  while (more-- > 0) *to++ = (char)(0x80 | (code >> 6 * more & 0x3F));
  return to;
}

// Four hexadecimal digits at the cursor; false if they are not there.
static bool hex4(parser *p, uint32_t *to) {
  if (p->end - p->at < 4) return false;
  *to = 0;
  for (int i = 0; i < 4; i++) {
    char c = *p->at++, small = (char)(c | 32);
    int digit = c >= '0' && c <= '9'           ? c - '0'
                : small >= 'a' && small <= 'f' ? small - 'a' + 10
                                               : -1;
    if (digit < 0) return false;
    *to = *to << 4 | (uint32_t)digit;
  }
  return true;
}

static hd_status bad_escape(parser *p, const char *why) {
  return hd_fail(p->err, HD_E_FORMAT, "%s:%d: bad escape in a text: %s", p->name, p->line, why);
}

static hd_status parse_escape(parser *p, char **to) {  // after the backslash
  static const char names[] = "\"\\/bfnrt", codes[] = "\"\\/\b\f\n\r\t";
  char c = *p->at++;
  const char *known = c ? strchr(names, c) : NULL;
  if (known) return *(*to)++ = codes[known - names], HD_OK;
  uint32_t code, low;
  if (c != 'u') return bad_escape(p, "known are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
  if (!hex4(p, &code)) return bad_escape(p, "\\u wants four hexadecimal digits");
  if (code == 0) return bad_escape(p, "\\u0000 cannot be held");
  if (code >= 0xDC00 && code < 0xE000)
    return bad_escape(p, "second half of a surrogate pair alone");
  if (code >= 0xD800 && code < 0xDC00) {
    if (p->end - p->at < 2 || p->at[0] != '\\' || p->at[1] != 'u')
      return bad_escape(p, "first half of a surrogate pair alone");
    p->at += 2;
    if (!hex4(p, &low) || low < 0xDC00 || low >= 0xE000)
      return bad_escape(p, "first half of a surrogate pair alone");
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  *to = put_utf8(*to, code);
  return HD_OK;
}

static hd_status parse_text(parser *p, const char **to) {
  const char *close = ++p->at;
  while (close < p->end && *close != '"') close += *close == '\\' && p->end - close > 1 ? 2 : 1;
  if (close == p->end)
    return hd_fail(p->err, HD_E_FORMAT, "%s:%d: a text is not closed", p->name, p->line);
  char *text = hd_arena_alloc(p->arena, (size_t)(close - p->at) + 1), *put = text;
  if (!text) return no_memory(p);
  while (p->at < close) {
    if (*p->at == '\\') {
      p->at++;
      hd_status status = parse_escape(p, &put);
      if (status != HD_OK) return status;
      continue;
    }
    if ((unsigned char)*p->at < 0x20) return unexpected(p, "no control character in a text");
    int length = hd_utf8_length(p->at, close);
    if (length == 0) return unexpected(p, "UTF-8 in a text");
    for (; length > 0; length--) *put++ = *p->at++;
  }
  p->at = close + 1;
  *to = text;
  return HD_OK;
}

// ---- Numbers ------------------------------------------------------------------------------------

static bool skip_digits(parser *p) {
  const char *from = p->at;
  while (p->at < p->end && *p->at >= '0' && *p->at <= '9') p->at++;
  return p->at > from;
}

static hd_status parse_number(parser *p, hd_doc *to) {
  const char *from = p->at;
  bool whole = true;
  if (*p->at == '-') p->at++;
  if (p->at < p->end && *p->at == '0') {
    p->at++;
    if (p->at < p->end && *p->at >= '0' && *p->at <= '9')
      return hd_fail(p->err, HD_E_FORMAT, "%s:%d: a number starts with 0", p->name, p->line);
  } else if (!skip_digits(p)) {
    return unexpected(p, "a digit");
  }
  if (p->at < p->end && *p->at == '.') {
    whole = false;
    p->at++;
    if (!skip_digits(p)) return unexpected(p, "a digit after the point");
  }
  if (p->at < p->end && (*p->at | 32) == 'e') {
    whole = false;
    p->at++;
    if (p->at < p->end && (*p->at == '-' || *p->at == '+')) p->at++;
    if (!skip_digits(p)) return unexpected(p, "a digit in the exponent");
  }
  size_t length = (size_t)(p->at - from);
  char *spelling = hd_arena_alloc(p->arena, length + 1);
  if (!spelling) return no_memory(p);
  memcpy(spelling, from, length);
  to->text = spelling;
  bool integer = whole && hd_parse_int(from, p->at, &to->integer);
  bool negative_zero = integer && to->integer == 0 && *from == '-';  // no integer holds its sign
  to->kind = integer && !negative_zero ? HD_DOC_INT : HD_DOC_REAL;
  if (!hd_parse_real(from, p->at, &to->real) || !isfinite(to->real))
    return hd_fail(p->err, HD_E_FORMAT, "%s:%d: the number %.40s is beyond the range of double",
                   p->name, p->line, spelling);
  return HD_OK;
}

// ---- Values -------------------------------------------------------------------------------------

// The key that occurs twice, by merge sort: hostile input cannot make it quadratic.
static hd_status check_keys(parser *p, const hd_doc *map) {
  size_t count = (size_t)map->count, n = 0;
  if (count < 2) return HD_OK;
  const hd_doc *few[32], **from = few, **to = few + 16, **block = NULL;
  if (count > 16) {
    from = block = hd_alloc_raw(&p->arena->env, 2 * count * sizeof *block);
    if (!block) return no_memory(p);
    to = block + count;
  }
  for (const hd_doc *child = map->first; child; child = child->next) from[n++] = child;
  for (size_t run = 1; run < count; run *= 2) {
    for (size_t left = 0; left < count; left += 2 * run) {
      size_t middle = HD_MIN(left + run, count), right = HD_MIN(left + 2 * run, count);
      size_t a = left, b = middle;
      for (size_t i = left; i < right; i++)
        to[i] = b >= right || (a < middle && strcmp(from[a]->key, from[b]->key) <= 0) ? from[a++]
                                                                                      : from[b++];
    }
    const hd_doc **other = from;
    from = to, to = other;
  }
  const hd_doc *twice = NULL;
  for (size_t i = 1; i < count && !twice; i++)
    if (strcmp(from[i - 1]->key, from[i]->key) == 0) twice = from[i];
  hd_release(&p->arena->env, block);
  if (!twice) return HD_OK;
  return hd_fail(p->err, HD_E_FORMAT, "%s:%d: the key \"%.100s\" occurs twice", p->name,
                 twice->line, twice->key);
}

static hd_status parse_value(parser *p, hd_doc **to);

static hd_status parse_key(parser *p, const char **key) {
  skip_space(p);
  if (p->at == p->end || *p->at != '"') return unexpected(p, "a key in \"\"");
  hd_status status = parse_text(p, key);
  if (status != HD_OK) return status;
  skip_space(p);
  if (p->at == p->end || *p->at != ':') return unexpected(p, "':' after a key");
  p->at++;
  return HD_OK;
}

static hd_status parse_children(parser *p, hd_doc *to) {  // at the opening bracket
  bool map = to->kind == HD_DOC_MAP;
  char close = map ? '}' : ']';
  p->at++;
  skip_space(p);
  if (p->at < p->end && *p->at == close) return p->at++, HD_OK;
  for (hd_doc **link = &to->first;;) {
    const char *key = NULL;
    hd_status status = map ? parse_key(p, &key) : HD_OK;
    if (status == HD_OK) status = parse_value(p, link);
    if (status != HD_OK) return status;
    (*link)->key = key;
    link = &(*link)->next;
    to->count++;
    skip_space(p);
    if (p->at < p->end && *p->at == ',') {
      p->at++;
    } else if (p->at < p->end && *p->at == close) {
      p->at++;
      return map ? check_keys(p, to) : HD_OK;
    } else {
      return unexpected(p, map ? "',' or '}'" : "',' or ']'");
    }
  }
}

static bool skip_word(parser *p, const char *word) {
  size_t length = strlen(word);
  if ((size_t)(p->end - p->at) < length || memcmp(p->at, word, length) != 0) return false;
  p->at += length;
  return true;
}

static hd_status parse_value(parser *p, hd_doc **to) {
  skip_space(p);
  if (p->at == p->end) return unexpected(p, "a value");
  hd_doc *doc = *to = hd_arena_alloc(p->arena, sizeof *doc);
  if (!doc) return no_memory(p);
  doc->line = p->line;
  char c = *p->at;
  if (c == '{' || c == '[') {
    doc->kind = c == '{' ? HD_DOC_MAP : HD_DOC_LIST;
    if (p->depth == DEPTH)
      return hd_fail(p->err, HD_E_LIMIT, "%s:%d: nested deeper than %d", p->name, p->line, DEPTH);
    p->depth++;
    hd_status status = parse_children(p, doc);
    p->depth--;
    return status;
  }
  if (c == '"') {
    doc->kind = HD_DOC_TEXT;
    return parse_text(p, &doc->text);
  }
  if (c == '-' || (c >= '0' && c <= '9')) return parse_number(p, doc);
  if (skip_word(p, "null")) return doc->kind = HD_DOC_NULL, HD_OK;
  doc->kind = HD_DOC_BOOL;
  if (skip_word(p, "true")) return doc->integer = 1, HD_OK;
  if (skip_word(p, "false")) return HD_OK;
  return unexpected(p, "a value");
}

hd_status hd_json_parse(hd_arena *arena, const char *name, const char *text, size_t bytes,
                        hd_doc **to, hd_error *err) {
  parser p = {.arena = arena,
              .name = name ? name : "json",
              .at = text,
              .end = text + bytes,
              .line = 1,
              .err = err};
  hd_doc *doc = NULL;
  *to = NULL;
  hd_status status = parse_value(&p, &doc);
  if (status != HD_OK) return status;
  skip_space(&p);
  if (p.at < p.end) return unexpected(&p, "nothing after the document");
  *to = doc;
  return HD_OK;
}

hd_doc *hd_doc_get(const hd_doc *map, const char *key) {
  if (!map || map->kind != HD_DOC_MAP) return NULL;
  for (hd_doc *child = map->first; child; child = child->next)
    if (strcmp(child->key, key) == 0) return child;
  return NULL;
}
