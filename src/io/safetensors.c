// Reading safetensors: every number is checked against the file before it is used.
#include "safetensors.h"

#include <stdlib.h>

static const char *const dtypes[HD_DTYPES] = {
    [HD_F32] = "F32", [HD_F64] = "F64", [HD_BF16] = "BF16", [HD_F16] = "F16",  [HD_I8] = "I8",
    [HD_I32] = "I32", [HD_I64] = "I64", [HD_U8] = "U8",     [HD_BOOL] = "BOOL"};

const char *hd_st_dtype_name(hd_dtype dtype) {
  return (int)dtype > 0 && (int)dtype < HD_DTYPES ? dtypes[dtype] : NULL;
}

hd_dtype hd_st_dtype_of_name(const char *name) {
  for (int i = 1; i < HD_DTYPES; i++)
    if (strcmp(name, dtypes[i]) == 0) return (hd_dtype)i;
  return HD_NO_DTYPE;
}

uint32_t hd_st_header_crc(const char *header, size_t bytes, const char *digits) {
  size_t before = (size_t)(digits - header);
  uint32_t crc = hd_crc32(0, header, before);
  crc = hd_crc32(crc, "00000000", 8);
  return hd_crc32(crc, digits + 8, bytes - before - 8);
}

// ---- The header's tensors -----------------------------------------------------------------------

static hd_status bad_list(hd_error *err, const char *field, const char *what) {
  return hd_fail(err, HD_E_FORMAT, "%s: %s", field, what);
}

static hd_status parse_shape(const hd_doc *doc, hd_shape *to, hd_error *err) {
  if (doc->kind != HD_DOC_LIST) return bad_list(err, "shape", "not a list of sizes");
#ifndef HADAL_PLANT_SAFETENSORS  // tools/fuzz --planted leaves this out: the fuzzer must notice
  if (doc->count > HD_MAX_RANK)
    return hd_fail(err, HD_E_LIMIT, "shape: %d dimensions; the limit is %d", doc->count,
                   HD_MAX_RANK);
#endif
  for (const hd_doc *d = doc->first; d; d = d->next) {
    if (d->kind != HD_DOC_INT || d->integer < 0)
      return bad_list(err, "shape", "a size is not a whole number of 63 bits, 0 or more");
    to->d[to->rank++] = d->integer;
  }
  return HD_OK;
}

static hd_status parse_offsets(const hd_doc *doc, int64_t data, hd_st_entry *to, hd_error *err) {
  const hd_doc *first = doc->first, *second = first ? first->next : NULL;
  if (doc->kind != HD_DOC_LIST || doc->count != 2 || first->kind != HD_DOC_INT ||
      second->kind != HD_DOC_INT || first->integer < 0 || second->integer < 0)
    return bad_list(err, "data_offsets", "not two whole numbers of 63 bits, 0 or more");
  to->begin = first->integer;
  to->end = second->integer;
  if (to->begin > to->end || to->end > data)
    return hd_fail(err, HD_E_FORMAT,
                   "data_offsets: [%lld, %lld] is not within the %lld bytes of data",
                   (long long)to->begin, (long long)to->end, (long long)data);
  return HD_OK;
}

static hd_status parse_tensor(const hd_doc *doc, int64_t data, hd_st_entry *to, hd_error *err) {
  if (doc->kind != HD_DOC_MAP)
    return bad_list(err, "entry", "not a map of dtype, shape and data_offsets");
  const hd_doc *dtype = NULL, *shape = NULL, *offsets = NULL;
  for (const hd_doc *d = doc->first; d; d = d->next) {
    if (strcmp(d->key, "dtype") == 0) dtype = d;
    else if (strcmp(d->key, "shape") == 0) shape = d;
    else if (strcmp(d->key, "data_offsets") == 0) offsets = d;
    else return hd_fail(err, HD_E_FORMAT, "unknown field \"%.80s\"", d->key);
  }
  if (!dtype || !shape || !offsets)
    return hd_fail(err, HD_E_FORMAT, "the field \"%s\" is missing",
                   !dtype   ? "dtype"
                   : !shape ? "shape"
                            : "data_offsets");
  if (dtype->kind != HD_DOC_TEXT) return bad_list(err, "dtype", "not a text");
  to->type.dtype = hd_st_dtype_of_name(dtype->text);
  if (to->type.dtype == HD_NO_DTYPE)
    return hd_fail(err, HD_E_UNSUPPORTED,
                   "dtype: \"%.80s\" is not supported; F32, F64, F16, BF16, "
                   "I64, I32, I8, U8 and BOOL are",
                   dtype->text);
  hd_status status = parse_shape(shape, &to->type.shape, err);
  if (!status) status = parse_offsets(offsets, data, to, err);
  if (status) return status;
  char text[256];
  int64_t elements = hd_shape_count(to->type.shape), bytes;
  hd_shape_text(to->type.shape, text, sizeof text);
  if (elements < 0 || !hd_mul_size(elements, (int64_t)hd_dtype_size(to->type.dtype), &bytes))
    return hd_fail(err, HD_E_FORMAT, "shape: %s %s is more than 63 bits of bytes", dtype->text,
                   text);
  if (bytes != to->end - to->begin)
    return hd_fail(err, HD_E_FORMAT,
                   "%s %s has %lld bytes; its data_offsets [%lld, %lld] span %lld", dtype->text,
                   text, (long long)bytes, (long long)to->begin, (long long)to->end,
                   (long long)(to->end - to->begin));
  return HD_OK;
}

static hd_status add_entry(hd_tensors *t, const hd_st_entry *entry, const char *name,
                           hd_error *err) {
  if (t->count == HD_ST_TENSORS)
    return hd_fail(err, HD_E_LIMIT, "more than %d tensors", HD_ST_TENSORS);
  if (t->count == t->room) {
    int room = t->room ? 2 * t->room : 16;
    void *more = hd_resize(&t->env, t->entry, (size_t)room * sizeof *t->entry);
    if (!more) return hd_fail(err, HD_E_MEMORY, "memory is out");
    t->entry = more, t->room = room;
  }
  hd_st_entry *to = &t->entry[t->count];
  *to = *entry;
  to->name = hd_arena_text(&t->arena, name);
  if (!to->name) return hd_fail(err, HD_E_MEMORY, "memory is out");
  t->count++;
  return HD_OK;
}

// ---- The header's outline -----------------------------------------------------------------------

// The top level is split here and each entry parsed on its own, so that a header costs little more
// memory than it has bytes.
typedef struct scan {
  hd_tensors *t;
  const char *start, *at, *end;
  int64_t data;  // bytes of data that the file has
  hd_error *err;
} scan;

static hd_status wrong(const scan *s, const char *at, const char *what) {
  return hd_fail(s->err, HD_E_FORMAT, "%s: header byte %lld: %s", s->t->name,
                 (long long)(at - s->start), what);
}

static void skip_blanks(scan *s) {
  while (s->at < s->end && *s->at && strchr(" \t\r\n", *s->at)) s->at++;
}

static bool skip_text(scan *s) {  // at its opening quote
  for (s->at++; s->at < s->end && *s->at != '"'; s->at++)
    if (*s->at == '\\' && s->end - s->at > 1) s->at++;
  return s->at < s->end ? s->at++, true : false;
}

static bool skip_value(scan *s) {
  int64_t depth = 0;
  while (s->at < s->end) {
    char c = *s->at;
    if (depth == 0 && (c == ',' || c == '}' || c == ']')) return true;
    if (c == '"') {
      if (!skip_text(s)) return false;
      continue;
    }
    depth += (c == '{' || c == '[') - (c == '}' || c == ']');
    s->at++;
  }
  return false;
}

// Again with a name in case of an error: to print one for every entry takes longer than to parse
// it.
static hd_status parse_span(const scan *s, const char *from, const char *to, hd_arena *arena,
                            hd_doc **doc) {
  char where[300];
  if (!hd_json_parse(arena, "", from, (size_t)(to - from), doc, NULL)) return HD_OK;
  hd_print(where, sizeof where, "%.200s: header byte %lld", s->t->name,
           (long long)(from - s->start));
  return hd_json_parse(arena, where, from, (size_t)(to - from), doc, s->err);
}

static hd_status parse_metadata(scan *s, const char *from, const char *to) {
  if (s->t->meta) return wrong(s, from, "the key \"__metadata__\" occurs twice");
  if (to - from > HD_ST_METADATA)
    return hd_fail(s->err, HD_E_LIMIT, "%s: __metadata__ of %lld bytes; the limit is %d",
                   s->t->name, (long long)(to - from), HD_ST_METADATA);
  hd_status status = parse_span(s, from, to, &s->t->arena, &s->t->meta);
  if (status) return status;
  if (s->t->meta->kind != HD_DOC_MAP) return wrong(s, from, "__metadata__ is not a map of texts");
  for (const hd_doc *d = s->t->meta->first; d; d = d->next)
    if (d->kind != HD_DOC_TEXT)
      return hd_fail(s->err, HD_E_FORMAT, "%s: __metadata__: \"%.80s\" is not a text", s->t->name,
                     d->key);
  return HD_OK;
}

static hd_status parse_entry(scan *s, hd_arena *arena) {
  hd_doc *key, *value;
  const char *from = s->at;
  if (s->at == s->end || *s->at != '"') return wrong(s, from, "expected a tensor's name in \"\"");
  if (!skip_text(s)) return wrong(s, from, "a name is not closed");
  if (s->at - from > 6 * HD_ST_NAME + 2)  // an escape takes up to six bytes
    return hd_fail(s->err, HD_E_LIMIT, "%s: header byte %lld: a name of more than %d bytes",
                   s->t->name, (long long)(from - s->start), HD_ST_NAME);
  hd_status status = parse_span(s, from, s->at, arena, &key);
  if (status) return status;
  size_t length = strlen(key->text);
  if (length == 0) return wrong(s, from, "a tensor without a name");
  if (length > HD_ST_NAME)
    return hd_fail(s->err, HD_E_LIMIT, "%s: header byte %lld: a name of %zu bytes; the limit is %d",
                   s->t->name, (long long)(from - s->start), length, HD_ST_NAME);
  skip_blanks(s);
  if (s->at == s->end || *s->at != ':') return wrong(s, s->at, "expected ':' after a name");
  s->at++;
  skip_blanks(s);
  from = s->at;
  if (!skip_value(s)) return wrong(s, from, "a value is not closed");
  if (strcmp(key->text, "__metadata__") == 0) return parse_metadata(s, from, s->at);
  if (s->at - from > HD_ST_VALUE)
    return hd_fail(s->err, HD_E_LIMIT,
                   "%s: header byte %lld: tensor \"%.80s\": an entry of %lld "
                   "bytes; the limit is %d",
                   s->t->name, (long long)(from - s->start), key->text, (long long)(s->at - from),
                   HD_ST_VALUE);
  status = parse_span(s, from, s->at, arena, &value);
  if (status) return status;
  hd_st_entry entry = {0};
  status = parse_tensor(value, s->data, &entry, s->err);
  if (!status) status = add_entry(s->t, &entry, key->text, s->err);
  if (status)
    return hd_fail_in(s->err, status, "%s: header byte %lld: tensor \"%.80s\"", s->t->name,
                      (long long)(from - s->start), key->text);
  return HD_OK;
}

static hd_status parse_header(scan *s) {
  if (s->at == s->end || *s->at != '{') return wrong(s, s->at, "a header begins with '{'");
  s->at++;
  skip_blanks(s);
  bool more = s->at == s->end || *s->at != '}';
  if (!more) s->at++;
  while (more) {
    hd_arena arena = {.env = s->t->env};
    skip_blanks(s);
    hd_status status = parse_entry(s, &arena);
    hd_arena_free(&arena);
    if (status) return status;
    skip_blanks(s);
    if (s->at == s->end || (*s->at != ',' && *s->at != '}'))
      return wrong(s, s->at, "expected ',' or '}' after an entry");
    more = *s->at++ == ',';
  }
  for (; s->at < s->end; s->at++)
    if (*s->at != ' ') return wrong(s, s->at, "only spaces may follow the header's last '}'");
  return HD_OK;
}

// ---- The whole ----------------------------------------------------------------------------------

static int by_place(const void *a, const void *b) {
  const hd_st_entry *p = a, *q = b;
  if (p->begin != q->begin) return p->begin < q->begin ? -1 : 1;
  if (p->end != q->end) return p->end < q->end ? -1 : 1;
  return strcmp(p->name, q->name);
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const hd_st_entry *)a)->name, ((const hd_st_entry *)b)->name);
}

// The tensors cover the data exactly: no byte is shared, and none can hide something else.
static hd_status check_cover(hd_tensors *t, int64_t data, hd_error *err) {
  int64_t end = 0;
  if (t->count) qsort(t->entry, (size_t)t->count, sizeof *t->entry, by_place);
  for (int i = 0; i < t->count; i++) {
    const hd_st_entry *e = &t->entry[i];
    if (e->begin != end)
      return hd_fail(
          err, HD_E_FORMAT, "%s: tensor \"%.80s\": data_offsets begin at %lld, %s %lld", t->name,
          e->name, (long long)e->begin,
          e->begin < end ? "within another tensor, which ends at" : "leaving a hole from",
          (long long)end);
    end = e->end;
  }
  if (end != data)
    return hd_fail(err, HD_E_FORMAT,
                   "%s: the tensors end at byte %lld of the data, the file has %lld", t->name,
                   (long long)end, (long long)data);
  if (t->count) qsort(t->entry, (size_t)t->count, sizeof *t->entry, by_name);
  for (int i = 1; i < t->count; i++)
    if (strcmp(t->entry[i - 1].name, t->entry[i].name) == 0)
      return hd_fail(err, HD_E_FORMAT, "%s: two tensors are called \"%.80s\"", t->name,
                     t->entry[i].name);
  return HD_OK;
}

// False when text is not eight hexadecimal digits.
static bool parse_hex(const char *text, uint32_t *to) {
  static const char digits[] = "0123456789abcdef";
  *to = 0;
  for (int i = 0; i < 8; i++) {
    const char *digit = text[i] ? strchr(digits, text[i]) : NULL;
    if (!digit) return false;
    *to = *to << 4 | (uint32_t)(digit - digits);
  }
  return text[8] == 0;
}

static hd_status check_sum(const hd_tensors *t, const char *key, uint32_t found, const char *what,
                           hd_error *err) {
  uint32_t expected;
  const char *text = hd_tensors_meta(t, key);
  if (!parse_hex(text, &expected))
    return hd_fail(err, HD_E_FORMAT,
                   "%s: __metadata__: %s is not eight digits of 0-9 a-f: \"%.40s\"", t->name, key,
                   text);
  if (found == expected) return HD_OK;
  return hd_fail(err, HD_E_FORMAT,
                 "%s: damaged: the %s gives CRC %08x, %s says %08x (if another "
                 "program rewrote the file, let it drop the keys " HD_ST_OURS "*)",
                 t->name, what, (unsigned)found, key, (unsigned)expected);
}

static hd_status check_sums(const hd_tensors *t, const char *header, size_t bytes, size_t data,
                            hd_error *err) {
  static const char spelling[] = "\"" HD_ST_HEADER_CRC "\":\"";
  enum { LENGTH = sizeof spelling - 1 };
  if (hd_tensors_meta(t, HD_ST_HEADER_CRC)) {
    const char *digits =
        NULL;  // within a text the quotes would be escaped: it is found nowhere else
    for (size_t i = 0; !digits && i + LENGTH + 8 <= bytes; i++)
      if (header[i] == '"' && memcmp(header + i, spelling, LENGTH) == 0)
        digits = header + i + LENGTH;
    uint32_t crc = digits ? hd_st_header_crc(header, bytes, digits) : hd_crc32(0, header, bytes);
    hd_status status = check_sum(t, HD_ST_HEADER_CRC, crc, "header", err);
    if (status) return status;
  }
  if (!hd_tensors_meta(t, HD_ST_CRC)) return HD_OK;
  return check_sum(t, HD_ST_CRC, hd_crc32(0, t->data, data), "data", err);
}

static hd_status check_bools(const hd_tensors *t, hd_error *err) {
  for (int i = 0; i < t->count; i++) {
    const hd_st_entry *e = &t->entry[i];
    if (e->type.dtype != HD_BOOL) continue;
    for (int64_t k = e->begin; k < e->end; k++)
      if (t->data[k] > 1)
        return hd_fail(err, HD_E_FORMAT, "%s: tensor \"%.80s\": element %lld of type BOOL is %d",
                       t->name, e->name, (long long)(k - e->begin), (int)t->data[k]);
  }
  return HD_OK;
}

// The format aligns nothing. Where a tensor lies badly, all of them move to places that fit.
static hd_status align_data(hd_tensors *t, hd_error *err) {
  bool good = true;
  int64_t room = 0;
  for (int i = 0; i < t->count; i++) {
    const hd_st_entry *e = &t->entry[i];
    good &= (uintptr_t)(t->data + e->begin) % hd_dtype_size(e->type.dtype) == 0;
    room += hd_round_up(e->end - e->begin, 64);  // the bytes are in memory already: this fits
  }
  if (good) return HD_OK;
  t->moved = hd_alloc(&t->env, (size_t)room);
  if (!t->moved)
    return hd_fail(err, HD_E_MEMORY, "%s: memory is out for %lld bytes", t->name, (long long)room);
  int64_t at = 0;
  for (int i = 0; i < t->count; i++) {
    hd_st_entry *e = &t->entry[i];
    int64_t bytes = e->end - e->begin;
    memcpy(t->moved + at, t->data + e->begin, (size_t)bytes);
    e->begin = at, e->end = at + bytes;
    at += hd_round_up(bytes, 64);
  }
  hd_release(&t->env, t->bytes);
  t->bytes = NULL;
  t->data = t->moved;
  return HD_OK;
}

static hd_status parse_file(hd_tensors *t, hd_error *err) {
  if (t->size == 0) return hd_fail(err, HD_E_FORMAT, "%s: the file is empty", t->name);
  if (t->size < HD_ST_LENGTH)
    return hd_fail(err, HD_E_FORMAT, "%s: %zu bytes; a safetensors file begins with %d", t->name,
                   t->size, HD_ST_LENGTH);
  uint64_t length = 0;
  for (int i = HD_ST_LENGTH; i-- > 0;) length = length << 8 | t->bytes[i];
  size_t rest = t->size - HD_ST_LENGTH;
  if (length > rest)
    return hd_fail(err, HD_E_FORMAT,
                   "%s: offset 0: a header of %llu bytes is promised, the file has "
                   "%zu after it: not safetensors, or truncated",
                   t->name, (unsigned long long)length, rest);
  if (length > HD_ST_HEADER)
    return hd_fail(err, HD_E_LIMIT, "%s: offset 0: a header of %llu bytes; the limit is %d",
                   t->name, (unsigned long long)length, HD_ST_HEADER);
  size_t header = (size_t)length;
  t->data = t->bytes + HD_ST_LENGTH + header;
  scan s = {.t = t, .start = (const char *)t->bytes + HD_ST_LENGTH, .err = err};
  s.at = s.start, s.end = s.start + header;
  s.data = (int64_t)(rest - header);
  hd_status status = parse_header(&s);
  if (!status) status = check_cover(t, s.data, err);
  if (!status) status = check_sums(t, s.start, header, rest - header, err);
  if (!status) status = check_bools(t, err);
  if (!status) status = align_data(t, err);
  return status;
}

static hd_tensors *tensors_new(const hd_env *env, const char *name, hd_error *err) {
  hd_tensors *t = hd_alloc(env, sizeof *t);
  if (t && env) t->env = *env;
  if (t) t->arena.env = t->env;
  if (t) t->name = hd_copy_text(&t->env, name ? name : "safetensors");
  if (t && t->name) return t;
  hd_tensors_free(t);
  hd_fail(err, HD_E_MEMORY, "%s: memory is out", name ? name : "safetensors");
  return NULL;
}

hd_tensors *hd_tensors_open(const hd_env *env, const char *path, hd_error *err) {
  const int64_t limit = (int64_t)1 << 40;
  hd_tensors *t = tensors_new(env, path, err);
  void *bytes = NULL;
  if (!t) return NULL;
  hd_status status = hd_file_read(&t->env, path, limit, &bytes, &t->size, err);
  t->bytes = bytes;
  if (!status) status = parse_file(t, err);
  if (!status) return t;
  hd_tensors_free(t);
  return NULL;
}

hd_tensors *hd_tensors_parse(const hd_env *env, const char *name, const void *bytes, size_t count,
                             hd_error *err) {
  hd_tensors *t = tensors_new(env, name, err);
  if (!t) return NULL;
  t->bytes = hd_alloc_raw(&t->env, count);
  t->size = count;
  if (t->bytes && count) memcpy(t->bytes, bytes, count);
  hd_status status =
      t->bytes ? parse_file(t, err)
               : hd_fail(err, HD_E_MEMORY, "%s: memory is out for %zu bytes", t->name, count);
  if (!status) return t;
  hd_tensors_free(t);
  return NULL;
}

void hd_tensors_free(hd_tensors *t) {
  if (!t) return;
  hd_env env = t->env;
  hd_release(&env, t->entry);
  hd_release(&env, t->moved);
  hd_release(&env, t->bytes);
  hd_release(&env, t->name);
  hd_arena_free(&t->arena);
  hd_release(&env, t);
}

// ---- What was read ------------------------------------------------------------------------------

int hd_tensors_count(const hd_tensors *t) { return t ? t->count : 0; }

const char *hd_tensors_name(const hd_tensors *t, int i) {
  return t && i >= 0 && i < t->count ? t->entry[i].name : NULL;
}

hd_tensor hd_tensors_at(const hd_tensors *t, int i) {
  if (!t || i < 0 || i >= t->count) return (hd_tensor){0};
  const hd_st_entry *e = &t->entry[i];
  return (hd_tensor){.dtype = e->type.dtype, .shape = e->type.shape, .data = t->data + e->begin};
}

int hd_tensors_find(const hd_tensors *t, const char *name) {
  hd_st_entry key = {.name = name};
  if (!t || !name || !t->count) return -1;
  const hd_st_entry *e = bsearch(&key, t->entry, (size_t)t->count, sizeof key, by_name);
  return e ? (int)(e - t->entry) : -1;
}

const char *hd_tensors_meta(const hd_tensors *t, const char *key) {
  const hd_doc *doc = t && key ? hd_doc_get(t->meta, key) : NULL;
  return doc ? doc->text : NULL;
}
