// What a run directory tells: its recipe, manifest and metrics. Each may be missing or cut short.
#include "page.h"

#include <math.h>

#include "../../include/hadal/extra.h"

double hd_key_real(const hd_doc *map, const char *key) {
  const hd_doc *d = map ? hd_doc_get(map, key) : NULL;
  return !d                       ? NAN
         : d->kind == HD_DOC_INT  ? (double)d->integer
         : d->kind == HD_DOC_REAL ? d->real
                                  : NAN;
}

const char *hd_key_word(const hd_doc *map, const char *key) {
  const hd_doc *d = map ? hd_doc_get(map, key) : NULL;
  return d && d->kind == HD_DOC_TEXT ? d->text : NULL;
}

// A file of the run as text in the arena, NULL when it cannot be read.
static char *read_text(hd_page *p, const char *file, size_t *size) {
  char path[4200];
  void *bytes;
  hd_print(path, sizeof path, "%s/%s", p->run, file);
  hd_error err = {0};
  if (hd_file_read(p->env, path, (int64_t)1 << 28, &bytes, size, &err)) {
    if (err.status != HD_E_NOT_FOUND) hd_page_failed(p, err.status, err.text);
    return NULL;
  }
  char *text = hd_arena_alloc(&p->arena, *size + 1);
  if (text) memcpy(text, bytes, *size);
  else hd_page_failed(p, HD_E_MEMORY, "memory is out");
  hd_release(p->env, bytes);
  return text;
}

static void read_recipe(hd_page *p) {
  char path[4200];
  size_t size;
  hd_document_reader *yaml = NULL;
#ifdef HD_WITH_YAML
  yaml = hd_yaml_parse;
#endif
  p->recipe_text = read_text(p, "recipe.yaml", &size);
  hd_print(path, sizeof path, "%s/recipe.yaml", p->run);
  hd_error err = {0};
  if (p->recipe_text) p->recipe = hd_recipe_read(p->env, path, &err, .yaml = yaml);
  if (err.status == HD_E_MEMORY) hd_page_failed(p, err.status, err.text);
}

// ---- Metrics ------------------------------------------------------------------------------------

typedef struct lines {
  const hd_doc **at;
  int64_t count;
} lines;

// The epochs' lines; the last line goes to final or stopped.
static lines read_lines(hd_page *p) {
  size_t size = 0;
  lines l = {0};
  char *text = read_text(p, "metrics.jsonl", &size);
  int64_t most = 0;
  for (size_t i = 0; text && i < size; i++) most += text[i] == '\n';
  if (!most) return l;
  l.at = hd_arena_alloc(&p->arena, (size_t)most * sizeof *l.at);
  if (!l.at) {
    hd_page_failed(p, HD_E_MEMORY, "memory is out");
    return l;
  }
  for (char *end; (end = memchr(text, '\n', size));
       size -= (size_t)(end + 1 - text), text = end + 1) {
    hd_doc *doc;
    hd_error err = {0};
    if (hd_json_parse(&p->arena, "metrics.jsonl", text, (size_t)(end - text), &doc, &err)) {
      if (err.status == HD_E_MEMORY) hd_page_failed(p, err.status, err.text);
      break;
    }
    if (hd_doc_get(doc, "epoch")) l.at[l.count++] = doc;
    else if (hd_doc_get(doc, "final")) p->log.final = doc;
    else if (hd_doc_get(doc, "stopped")) p->log.stopped = doc;
  }
  return l;
}

static double *column(hd_page *p, const lines *l, const char *group, const char *key) {
  double *to = hd_arena_alloc(&p->arena, sizeof *to * (size_t)HD_MAX(l->count, 1));
  for (int64_t i = 0; to && i < l->count; i++)
    to[i] = hd_key_real(group ? hd_doc_get(l->at[i], group) : l->at[i], key);
  if (!to) hd_page_failed(p, HD_E_MEMORY, "memory is out");
  return to;
}

static double *norm(hd_page *p, const lines *l, const char *layer, const char *key) {
  double *to = hd_arena_alloc(&p->arena, sizeof *to * (size_t)l->count);
  for (int64_t i = 0; to && i < l->count; i++) {
    const hd_doc *all = hd_doc_get(l->at[i], "norms");
    to[i] = hd_key_real(all ? hd_doc_get(all, layer) : NULL, key);
  }
  if (!to) hd_page_failed(p, HD_E_MEMORY, "memory is out");
  return to;
}

static void read_norms(hd_page *p, const lines *l) {
  const hd_doc *all = l->count ? hd_doc_get(l->at[l->count - 1], "norms") : NULL;
  if (!all || all->kind != HD_DOC_MAP || all->count < 1) return;
  p->log.layer = hd_arena_alloc(&p->arena, (size_t)all->count * sizeof *p->log.layer);
  for (const hd_doc *d = all->first; d && p->log.layer; d = d->next)
    p->log.layer[p->log.layers++] =
        (hd_run_layer){d->key, norm(p, l, d->key, "activation"), norm(p, l, d->key, "gradient"),
                       norm(p, l, d->key, "weight")};
}

static bool any(const double *v, int64_t count) {
  for (int64_t i = 0; v && i < count; i++)
    if (isfinite(v[i])) return true;
  return false;
}

static void read_metrics(hd_page *p) {
  hd_run_log *g = &p->log;
  lines l = read_lines(p);
  g->epochs = l.count;
  g->best = -1;
  g->epoch = column(p, &l, NULL, "epoch");
  g->step = column(p, &l, NULL, "step");
  g->seconds = column(p, &l, NULL, "seconds");
  g->lr = column(p, &l, NULL, "lr");
  g->loss = column(p, &l, "train", "loss");
  g->accuracy = column(p, &l, "train", "accuracy");
  g->valid_loss = column(p, &l, "valid", "loss");
  g->valid_accuracy = column(p, &l, "valid", "accuracy");
  if (p->error.status) return;
  read_norms(p, &l);
  g->has_valid = any(g->valid_loss, g->epochs);
  g->has_accuracy = any(g->accuracy, g->epochs) || any(g->valid_accuracy, g->epochs);
  const double *watched = g->has_valid ? g->valid_loss : g->loss;
  for (int64_t i = 0; i < g->epochs; i++)
    if (isfinite(watched[i]) && (g->best < 0 || watched[i] < watched[g->best])) g->best = i;
}

void hd_run_read(hd_page *p) {
  size_t size;
  hd_doc *doc;
  read_recipe(p);
  const char *text = read_text(p, "manifest.json", &size);
  hd_error err = {0};
  if (text && !hd_json_parse(&p->arena, "manifest.json", text, size, &doc, &err)) p->manifest = doc;
  if (err.status == HD_E_MEMORY) hd_page_failed(p, err.status, err.text);
  read_metrics(p);
}
