// A document as YAML that reads back as itself.
#include "doc.h"

// Words that need no quotes. Anything else is quoted as in JSON, which YAML shares.
static bool plain(const char *text) {
  static const char *const taken[] = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
  char small[8] = {0};
  size_t length = strlen(text);
  for (size_t i = 0; i < length; i++) {
    char c = text[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    bool inner = (c >= '0' && c <= '9') || c == '.' || c == '/' || c == '-';
    if (!letter && !(inner && i > 0)) return false;
    if (length < sizeof small) small[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
  }
  for (size_t i = 0; i < HD_COUNT(taken); i++)
    if (!strcmp(small, taken[i])) return false;
  return length > 0;
}

static void add_text(hd_text *to, const char *text) {
  if (plain(text)) hd_text_raw(to, text, strlen(text));
  else hd_json_string(to, text);
}

static bool holds(const hd_doc *doc) { return doc->kind == HD_DOC_LIST || doc->kind == HD_DOC_MAP; }

// One line, with braces and brackets.
static void add_flow(hd_text *to, const hd_doc *doc) {
  if (!holds(doc)) {
    if (doc->kind == HD_DOC_TEXT) add_text(to, doc->text);
    else hd_json_write(to, doc, -1);
    return;
  }
  bool map = doc->kind == HD_DOC_MAP;
  hd_text_add(to, map ? "{" : "[");
  for (const hd_doc *child = doc->first; child; child = child->next) {
    if (child != doc->first) hd_text_add(to, ", ");
    if (map) add_text(to, child->key), hd_text_add(to, ": ");
    add_flow(to, child);
  }
  hd_text_add(to, map ? "}" : "]");
}

// Block style for what holds more than plain values, and for the outermost.
static bool in_one_line(const hd_doc *doc, int level) {
  if (!holds(doc) || !doc->first) return true;
  if (level == 0) return false;
  for (const hd_doc *child = doc->first; child; child = child->next)
    for (const hd_doc *inner = child->first; inner; inner = inner->next)
      if (holds(inner) && level < 2) return false;
  return level > 1 || doc->kind == HD_DOC_MAP ? level > 1 || doc->count <= 4 : !holds(doc->first);
}

static void add_block(hd_text *to, const hd_doc *doc, int level) {
  for (const hd_doc *child = doc->first; child; child = child->next) {
    hd_text_add(to, "%*s", 2 * level, "");
    if (doc->kind == HD_DOC_LIST) hd_text_add(to, "-");
    else add_text(to, child->key), hd_text_add(to, ":");
    if (doc->kind == HD_DOC_LIST && child->kind == HD_DOC_MAP &&
        child->count == 1) {  // - dense: 10
      hd_text_add(to, " ");
      add_text(to, child->first->key);
      hd_text_add(to, ": ");
      add_flow(to, child->first);
      hd_text_add(to, "\n");
    } else if (in_one_line(child, level + 1)) {
      hd_text_add(to, " ");
      add_flow(to, child);
      hd_text_add(to, "\n");
    } else {
      hd_text_add(to, "\n");
      add_block(to, child, level + 1);
    }
  }
}

void hd_yaml_write(hd_text *to, const hd_doc *doc) {
  if (in_one_line(doc, 0)) add_flow(to, doc), hd_text_add(to, "\n");
  else add_block(to, doc, 0);
}
