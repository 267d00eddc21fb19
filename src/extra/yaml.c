// YAML recipes, by libyaml: its events become a document. A recipe is data, so anchors, aliases and
// tags, with which a small file can grow or mean something else, are refused.
#include "../../include/hadal/extra.h"

#include "../base/json.h"

#ifndef HD_WITH_YAML

hd_status hd_yaml_parse(hd_arena *arena, const char *name, const char *text, size_t bytes,
                        hd_doc **to, hd_error *err) {
  (void)arena, (void)text, (void)bytes;
  *to = NULL;
  return hd_fail(
      err, HD_E_UNSUPPORTED,
      "%s: this build has no libyaml: install libyaml-dev and build again, or write JSON", name);
}

#else

#include <math.h>
#include <yaml.h>

enum { DEPTH = 64, VALUES = 100000 };

typedef struct reading {
  hd_arena *arena;
  const char *name;
  hd_error *err;
  hd_doc *open[DEPTH];  // the lists and maps that are not finished
  hd_doc *last[DEPTH];  // their last child
  const char *key[DEPTH];
  int depth, values;
  hd_doc *root;
} reading;

static hd_status wrong(const reading *r, const yaml_event_t *at, const char *text) {
  return hd_fail(r->err, HD_E_FORMAT, "%s:%zu: %s", r->name, at->start_mark.line + 1, text);
}

static hd_status no_memory(const reading *r) {
  return hd_fail(r->err, HD_E_MEMORY, "%s: memory is out", r->name);
}

static bool one_of(const char *text, const char *const *words) {
  for (; *words; words++)
    if (!strcmp(text, *words)) return true;
  return false;
}

static bool digits(const char *text, const char *allowed) {
  return *text && strspn(text, allowed) == strlen(text);
}

// 0x1F and 0o17, which only the core schema has.
static bool other_base(const char *text, int64_t *to) {
  bool hex = !strncmp(text, "0x", 2) && digits(text + 2, "0123456789abcdefABCDEF"),
       octal = !strncmp(text, "0o", 2) && digits(text + 2, "01234567");
  if ((!hex && !octal) || strlen(text) > (hex ? 17 : 22)) return false;
  *to = 0;
  for (const char *c = text + 2; *c; c++) {
    int d = *c <= '9' ? *c - '0' : (*c | 32) - 'a' + 10;
    if (__builtin_mul_overflow(*to, hex ? 16 : 8, to) || __builtin_add_overflow(*to, d, to))
      return false;
  }
  return true;
}

// The core schema: null, true, 12, 1e-3, else text.
static hd_status type_plain(const reading *r, const yaml_event_t *at, const char *text,
                            hd_doc *doc) {
  static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL},
                           *const yes[] = {"true", "True", "TRUE", NULL},
                           *const no[] = {"false", "False", "FALSE", NULL};
  const char *end = text + strlen(text);
  doc->kind = HD_DOC_TEXT;
  if (one_of(text, nulls)) return doc->kind = HD_DOC_NULL, HD_OK;
  if (one_of(text, yes) || one_of(text, no))
    return doc->kind = HD_DOC_BOOL, doc->integer = one_of(text, yes), HD_OK;
  if (hd_parse_int(text, end, &doc->integer) || other_base(text, &doc->integer))
    return doc->kind = HD_DOC_INT, doc->real = (double)doc->integer, HD_OK;
  bool starts = digits(text, "+-.0123456789eE") && strpbrk(text, "0123456789");
  if (!starts || !hd_parse_real(text, end, &doc->real)) return HD_OK;
  if (!isfinite(doc->real)) return wrong(r, at, "the number is beyond the range of double");
  doc->kind = HD_DOC_REAL;
  return HD_OK;
}

// Hangs a value into what is open.
static hd_status place(reading *r, const yaml_event_t *at, hd_doc *doc) {
  if (++r->values > VALUES) return wrong(r, at, "more than 100000 values");
  doc->line = (int)at->start_mark.line + 1;
  if (!r->depth) return r->root = doc, HD_OK;
  int top = r->depth - 1;
  hd_doc *parent = r->open[top];
  if (parent->kind == HD_DOC_MAP) {
    doc->key = r->key[top];
    r->key[top] = NULL;
  }
  if (r->last[top]) r->last[top]->next = doc;
  else parent->first = doc;
  r->last[top] = doc;
  parent->count++;
  return HD_OK;
}

static hd_status scalar(reading *r, const yaml_event_t *at) {
  const char *value = (const char *)at->data.scalar.value;
  if (at->data.scalar.anchor || at->data.scalar.tag)
    return wrong(r, at, "anchors and tags have no place in a recipe");
  if (strlen(value) != at->data.scalar.length) return wrong(r, at, "a text holds a NUL");
  char *text = hd_arena_text(r->arena, value);
  if (!text) return no_memory(r);
  bool plain = at->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
  if (r->depth && r->open[r->depth - 1]->kind == HD_DOC_MAP && !r->key[r->depth - 1]) {
    if (plain && !strcmp(text, "<<")) return wrong(r, at, "merge keys have no place in a recipe");
    if (hd_doc_get(r->open[r->depth - 1], text)) {
      hd_error which;
      hd_fail(&which, HD_E_FORMAT, "\"%.200s\" is given twice", text);
      return wrong(r, at, which.text);
    }
    r->key[r->depth - 1] = text;
    return HD_OK;
  }
  hd_doc *doc = hd_arena_alloc(r->arena, sizeof *doc);
  if (!doc) return no_memory(r);
  doc->text = text;
  doc->kind = HD_DOC_TEXT;
  hd_status status = plain ? type_plain(r, at, text, doc) : HD_OK;
  return status ? status : place(r, at, doc);
}

static hd_status begin(reading *r, const yaml_event_t *at, hd_doc_kind kind, const void *anchor,
                       const void *tag) {
  if (anchor || tag) return wrong(r, at, "anchors and tags have no place in a recipe");
  if (r->depth && r->open[r->depth - 1]->kind == HD_DOC_MAP && !r->key[r->depth - 1])
    return wrong(r, at, "a key must be a word");
  if (r->depth == DEPTH) return wrong(r, at, "nested deeper than 64");
  hd_doc *doc = hd_arena_alloc(r->arena, sizeof *doc);
  if (!doc) return no_memory(r);
  doc->kind = kind;
  hd_status status = place(r, at, doc);
  r->open[r->depth] = doc;
  r->last[r->depth] = NULL;
  r->key[r->depth++] = NULL;
  return status;
}

static hd_status event(reading *r, const yaml_event_t *at) {
  switch (at->type) {
    case YAML_DOCUMENT_START_EVENT:
      return r->root ? wrong(r, at, "a second document; a recipe is one") : HD_OK;
    case YAML_ALIAS_EVENT: return wrong(r, at, "aliases have no place in a recipe");
    case YAML_SCALAR_EVENT: return scalar(r, at);
    case YAML_SEQUENCE_START_EVENT:
      return begin(r, at, HD_DOC_LIST, at->data.sequence_start.anchor, at->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
      return begin(r, at, HD_DOC_MAP, at->data.mapping_start.anchor, at->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: r->depth--; return HD_OK;
    default: return HD_OK;
  }
}

static hd_status syntax(const reading *r, const yaml_parser_t *p) {
  if (p->error == YAML_MEMORY_ERROR) return no_memory(r);
  return hd_fail(r->err, HD_E_FORMAT, "%s:%zu: %s%s%s", r->name, p->problem_mark.line + 1,
                 p->problem ? p->problem : "not YAML", p->context ? " " : "",
                 p->context ? p->context : "");
}

hd_status hd_yaml_parse(hd_arena *arena, const char *name, const char *text, size_t bytes,
                        hd_doc **to, hd_error *err) {
  *to = NULL;
  reading r = {.arena = arena, .name = name, .err = err};
  yaml_parser_t parser;
  if (!yaml_parser_initialize(&parser)) return no_memory(&r);
  // libyaml asserts that there is a text, even where it has no bytes.
  yaml_parser_set_input_string(&parser, (const unsigned char *)(text ? text : ""), bytes);
  hd_status status = HD_OK;
  for (bool end = false; !end && !status;) {
    yaml_event_t at;
    if (!yaml_parser_parse(&parser, &at)) {
      status = syntax(&r, &parser);
      break;
    }
    status = event(&r, &at);
    end = at.type == YAML_STREAM_END_EVENT;
    yaml_event_delete(&at);
  }
  yaml_parser_delete(&parser);
  if (!status && !r.root) status = hd_fail(err, HD_E_FORMAT, "%s: the file is empty", name);
  if (!status) *to = r.root;
  return status;
}

#endif
