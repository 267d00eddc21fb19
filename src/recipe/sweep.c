// Sweeps: reading, and the values of a trial.
#include "sweep.h"

#include <math.h>

#include "../base/random.h"

// ---- Tables -------------------------------------------------------------------------------------
static const char *const methods[] = {"grid", "random", "halving", NULL};
static const char *const measures[] = {"valid.loss", "valid.accuracy", NULL};
#define S hd_sweep
static const hd_field sweep_field[] = {
    HD_FIELD(S, recipe, TEXT, .standard = "",
             .help = "the recipe of every trial: a path or a name"),
    HD_FIELD(S, method, CHOICE, .standard = "grid", .choices = methods,
             .help = "grid: all combinations; random: drawn; halving: drawn, and only the best "
                     "train on (Jamieson & Talwalkar 2016)"),
    {.name = "vary",
     .kind = HD_FIELD_LIST,
     .count = 1,
     .standard = "",
     .help = "paths as --set takes them, each with a list of values or a range {low, high}"},
    HD_FIELD(S, trials, INT, .standard = "20", .low = 1, .high = HD_SWEEP_TRIALS,
             .help = "how many are drawn: random, halving"),
    HD_FIELD(S, measure, CHOICE, .standard = "valid.loss", .choices = measures,
             .help = "what the best has the least (loss) or most (accuracy) of"),
    {.name = "halving",
     .kind = HD_FIELD_LIST,
     .count = 1,
     .standard = "{eta: 3, least: 1}",
     .help = "one in eta goes on, for eta times the epochs; least: epochs of the first rung"},
    HD_FIELD(S, seed, INT64, .standard = "1", .low = 1, .high = 9007199254740992.0,
             .help = "of the draws: random, halving")};
const hd_fields hd_sweep_fields = HD_FIELDS("sweep", S, sweep_field);

#define R hd_sweep_range
static const hd_field range_field[] = {
    HD_FIELD(R, low, REAL, .standard = "0", .help = "least value"),
    HD_FIELD(R, high, REAL, .standard = "0", .help = "largest value"),
    HD_FIELD(R, log, BOOL, .standard = "false", .help = "each factor is as likely as the others"),
    HD_FIELD(R, whole, BOOL, .standard = "false", .help = "whole numbers only")};
const hd_fields hd_sweep_range_fields = HD_FIELDS("range", R, range_field);

#define H hd_sweep_halving
static const hd_field halving_field[] = {
    HD_FIELD(H, eta, INT, .standard = "3", .low = 2, .high = 1000,
             .help = "one in eta goes on, for eta times the epochs"),
    HD_FIELD(H, least, INT, .standard = "1", .low = 1, .high = 1000000000,
             .help = "epochs of the first rung")};
const hd_fields hd_sweep_halving_fields = HD_FIELDS("halving", H, halving_field);

// ---- Reading ------------------------------------------------------------------------------------

static hd_status read_range(const hd_reader *r, const hd_sweep *s, const hd_doc *doc,
                            hd_sweep_key *to) {
  hd_sweep_range *range = &to->range;
  hd_status status = hd_fields_read(r, &hd_sweep_range_fields, doc, range);
  if (status) return status;
  if (s->method == HD_SWEEP_GRID)
    return hd_reader_fail(r, doc,
                          "vary: %.200s: a grid needs a list of values; a range is for "
                          "`method: random` and `halving`",
                          to->path);
  if (!(range->low < range->high))
    return hd_reader_fail(r, doc, "vary: %.200s: low is %g, must be below high, %g", to->path,
                          (double)range->low, (double)range->high);
  if (range->log && !(range->low > 0))
    return hd_reader_fail(r, doc, "vary: %.200s: low is %g, must be above 0 with `log: true`",
                          to->path, (double)range->low);
  if (range->whole && (fabsf(range->low) > 1e7f || range->high > 1e7f ||
                       floorf(range->low) != range->low || floorf(range->high) != range->high))
    return hd_reader_fail(r, doc,
                          "vary: %.200s: low and high must be whole numbers up to 1e7 with "
                          "`whole: true`",
                          to->path);
  return HD_OK;
}

static hd_status read_key(const hd_reader *r, hd_sweep *s, const hd_doc *doc) {
  if (s->keys == HD_SWEEP_KEYS)
    return hd_reader_fail(r, doc, "vary: more than %d keys", HD_SWEEP_KEYS);
  hd_sweep_key *key = &s->key[s->keys++];
  key->path = doc->key;
  key->line = doc->line;
  if (!*doc->key || strchr(doc->key, '='))
    return hd_reader_fail(r, doc, "vary: \"%.200s\": give a path, such as train.batch", doc->key);
  if (doc->kind == HD_DOC_MAP) return read_range(r, s, doc, key);
  if (doc->kind == HD_DOC_NULL || (doc->kind == HD_DOC_LIST && !doc->count))
    return hd_reader_fail(r, doc, "vary: %.200s: has no values; give a list, such as [16, 32]",
                          doc->key);
  if (doc->kind == HD_DOC_LIST) return key->values = doc, HD_OK;
  hd_doc *list = hd_doc_new(r->arena, NULL, NULL, HD_DOC_LIST);  // a single value
  if (!list || !hd_doc_copy(r->arena, list, NULL, doc))
    return hd_fail(r->err, HD_E_MEMORY, "%s: memory is out", r->name);
  key->values = list;
  return HD_OK;
}

static hd_status read_vary(const hd_reader *r, hd_sweep *s, const hd_doc *doc) {
  if (!doc || doc->kind != HD_DOC_MAP || !doc->count)
    return hd_reader_fail(r, doc,
                          "sweep: vary %s: give the keys to vary, each with its values, "
                          "such as {train.batch: [16, 32]}",
                          doc ? "holds no keys" : "is missing");
  int64_t trials = 1;
  for (const hd_doc *child = doc->first; child; child = child->next) {
    hd_status status = read_key(r, s, child);
    if (status) return status;
    if (s->method != HD_SWEEP_GRID) continue;
    if (!hd_mul_size(trials, s->key[s->keys - 1].values->count, &trials) ||
        trials > HD_SWEEP_TRIALS)
      return hd_reader_fail(r, doc, "vary: more than %d combinations; `method: random` draws some",
                            HD_SWEEP_TRIALS);
  }
  if (s->method == HD_SWEEP_GRID) s->trials = (int)trials;
  return HD_OK;
}

static hd_status check(const hd_reader *r, hd_sweep *s, const hd_doc *doc) {
  hd_status status = hd_fields_read(r, &hd_sweep_fields, doc, s);
  const hd_doc *halving = status ? NULL : hd_doc_get(doc, "halving");
  if (!status && halving)
    status = hd_fields_read(r, &hd_sweep_halving_fields, halving, &s->halving);
  if (!s->trials) s->trials = 20;
  if (!s->seed) s->seed = 1;
  if (!s->halving.eta) s->halving.eta = 3;
  if (!s->halving.least) s->halving.least = 1;
  if (status) return status;
  s->recipe_line = hd_doc_get(doc, "recipe")->line;
  return read_vary(r, s, hd_doc_get(doc, "vary"));
}

hd_sweep *hd_sweep_parse(const hd_env *env, const char *file, const char *text, size_t bytes,
                         hd_document_reader *yaml, hd_error *err) {
  hd_sweep *s = hd_alloc(env, sizeof *s);
  hd_doc *doc = NULL;
  if (!s) return hd_fail(err, HD_E_MEMORY, "%s: memory is out", file), NULL;
  if (env) s->arena.env = *env;
  s->file = hd_arena_text(&s->arena, file);
  s->name = hd_recipe_name_of(&s->arena, file);
  hd_reader r = {.name = s->file, .arena = &s->arena, .err = err};
  hd_status status =
      s->file && s->name ? HD_OK : hd_fail(err, HD_E_MEMORY, "%s: memory is out", file);
  if (!status) status = hd_document_parse(&s->arena, s->file, text, bytes, yaml, &doc, err);
  if (!status) status = check(&r, s, doc);
  if (!status) return s;
  hd_sweep_free(s);
  return NULL;
}

hd_sweep *hd_sweep_read(const hd_env *env, const char *path, hd_document_reader *yaml,
                        hd_error *err) {
  void *text;
  size_t bytes;
  if (hd_file_read(env, path, HD_RECIPE_BYTES, &text, &bytes, err)) return NULL;
  hd_sweep *s = hd_sweep_parse(env, path, text, bytes, yaml, err);
  hd_release(env, text);
  return s;
}

void hd_sweep_free(hd_sweep *s) {
  if (!s) return;
  hd_arena arena = s->arena;
  hd_release(&arena.env, s);
  hd_arena_free(&arena);
}

// ---- Trials -------------------------------------------------------------------------------------

static hd_random_key draws(const hd_sweep *s) {
  return (hd_random_key){(uint64_t)s->seed, hd_hash("sweep", 5, 0)};
}

static uint64_t draw_number(int trial, int key) {
  return (uint64_t)trial * HD_SWEEP_KEYS + (uint64_t)key;
}

static const hd_doc *chosen(const hd_sweep *s, int trial, int key) {
  const hd_doc *list = s->key[key].values;
  int64_t n = trial;
  if (s->method == HD_SWEEP_GRID)
    for (int i = s->keys - 1; i > key; i--) n /= s->key[i].values->count;
  else n = (int64_t)hd_random_below(draws(s), draw_number(trial, key), (uint64_t)list->count);
  const hd_doc *child = list->first;
  for (n %= list->count; n > 0; n--) child = child->next;
  return child;
}

// Four digits tell enough, and do not depend on the last bit of a logarithm.
static void drawn(const hd_sweep *s, int trial, int key, hd_text *to) {
  const hd_sweep_range *r = &s->key[key].range;
  double low = (double)r->low, high = (double)r->high + (r->whole ? 1 : 0);
  double u = (double)hd_random_uniform(draws(s), draw_number(trial, key)), v;
  char text[40];
  v = r->log ? exp(log(low) + u * (log(high) - log(low))) : low + u * (high - low);
  if (r->whole) v = HD_MIN(HD_MAX(floor(v), low), high - 1);
  int length = hd_print(text, sizeof text, r->whole ? "%.0f" : "%.4g", v);
  if (hd_parse_real(text, text + length, &v) && ((float)v < r->low || (float)v > r->high))
    hd_print(text, sizeof text, "%.9g", (double)((float)v < r->low ? r->low : r->high));
  hd_text_add(to, "%s", text);
}

void hd_sweep_value(const hd_sweep *s, int trial, int key, hd_text *to) {
  if (s->key[key].values) hd_json_write(to, chosen(s, trial, key), -1);
  else drawn(s, trial, key, to);
}

int hd_sweep_line(const hd_sweep *s, int trial, int key) {
  int line = s->key[key].values ? chosen(s, trial, key)->line : 0;
  return line > 0 ? line : s->key[key].line;
}

// ---- Back to text -------------------------------------------------------------------------------

hd_doc *hd_sweep_doc(hd_arena *arena, const hd_sweep *s) {
  hd_doc *doc = hd_doc_new(arena, NULL, NULL, HD_DOC_MAP);
  bool grid = s->method == HD_SWEEP_GRID;
  bool ok = doc && hd_doc_text(arena, doc, "recipe", s->recipe) &&
            hd_doc_text(arena, doc, "method", methods[s->method]);
  hd_doc *vary = ok ? hd_doc_new(arena, doc, "vary", HD_DOC_MAP) : NULL;
  ok = ok && vary;
  for (int i = 0; i < s->keys && ok; i++) {
    const hd_sweep_key *k = &s->key[i];
    if (k->values) {
      ok = hd_doc_copy(arena, vary, k->path, k->values);
      continue;
    }
    hd_doc *range = hd_doc_new(arena, vary, k->path, HD_DOC_MAP);
    ok = range && hd_fields_doc(arena, &hd_sweep_range_fields, &k->range, true, range);
  }
  if (ok && !grid) ok = hd_doc_int(arena, doc, "trials", s->trials);
  ok = ok && hd_doc_text(arena, doc, "measure", measures[s->measure]);
  if (ok && s->method == HD_SWEEP_HALVING) {
    hd_doc *halving = hd_doc_new(arena, doc, "halving", HD_DOC_MAP);
    ok = halving && hd_fields_doc(arena, &hd_sweep_halving_fields, &s->halving, true, halving);
  }
  if (ok && !grid) ok = hd_doc_int(arena, doc, "seed", s->seed);
  return ok ? doc : NULL;
}
