// Recipes: from a file, and back to text.
#include "recipe.h"

char *hd_recipe_name_of(hd_arena *arena, const char *path) {
  const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
  char *name = hd_arena_text(arena, base);
  char *dot = name ? strrchr(name, '.') : NULL;
  if (dot && dot != name) *dot = 0;
  return name;
}

static bool ends_with(const char *text, const char *end) {
  size_t a = strlen(text), b = strlen(end);
  return a >= b && !strcmp(text + a - b, end);
}

hd_status hd_document_parse(hd_arena *arena, const char *name, const char *text, size_t bytes,
                            hd_document_reader *yaml, hd_doc **to, hd_error *err) {
  size_t skip = 0;
  while (skip < bytes && strchr(" \t\r\n", text[skip])) skip++;
  bool json = ends_with(name, ".json") || (!yaml && skip < bytes && text[skip] == '{');
  if (bytes > HD_RECIPE_BYTES)
    return hd_fail(err, HD_E_LIMIT, "%s: %zu bytes; a recipe has at most %d", name, bytes,
                   HD_RECIPE_BYTES);
  if (json) return hd_json_parse(arena, name, text, bytes, to, err);
  if (yaml) return yaml(arena, name, text, bytes, to, err);
  return hd_fail(err, HD_E_UNSUPPORTED,
                 "%s: this build reads recipes as JSON only. Install libyaml-dev and build again, "
                 "or write the recipe as .json",
                 name);
}

hd_recipe *(hd_recipe_parse)(const hd_env *env, const char *file, const char *text, size_t bytes,
                             hd_error *err, hd_recipe_options o) {
  hd_recipe *r = hd_alloc(env, sizeof *r);
  hd_recipe_inside *in = hd_alloc(env, sizeof *in);
  if (!r || !in) {
    hd_release(env, r);
    hd_release(env, in);
    return hd_fail(err, HD_E_MEMORY, "%s: memory is out", file), NULL;
  }
  r->inside = in;
  if (env) in->env = *env;
  in->arena.env = in->env;
  r->file = hd_arena_text(&in->arena, file ? file : "recipe");
  r->name = o.name ? hd_arena_text(&in->arena, o.name)
            : file ? hd_recipe_name_of(&in->arena, file)
                   : "recipe";
  hd_status status =
      r->file && r->name ? HD_OK : hd_fail(err, HD_E_MEMORY, "%s: memory is out", file);
  in->reader = (hd_reader){.name = r->file, .sets = o.set, .arena = &in->arena, .err = err};
  if (!status) status = hd_document_parse(&in->arena, r->file, text, bytes, o.yaml, &in->doc, err);
  for (int i = 0; !status && o.set && o.set[i]; i++)
    status = hd_doc_override(&in->reader, in->doc, i);
  if (!status) status = hd_recipe_check(r);
  in->reader.err = NULL;  // both were the caller's, for the duration of this call
  in->reader.sets = NULL;
  if (!status) return r;
  hd_recipe_free(r);
  return NULL;
}

hd_recipe *(hd_recipe_read)(const hd_env *env, const char *path, hd_error *err,
                            hd_recipe_options o) {
  void *text;
  size_t bytes;
  if (!path) return hd_fail(err, HD_E_ARGUMENT, "recipe: no path"), NULL;
  if (hd_file_read(env, path, HD_RECIPE_BYTES, &text, &bytes, err)) return NULL;
  hd_recipe *r = (hd_recipe_parse)(env, path, text, bytes, err, o);
  hd_release(env, text);
  return r;
}

void hd_recipe_free(hd_recipe *r) {
  if (!r) return;
  hd_env env = r->inside->env;
  hd_arena_free(&r->inside->arena);
  hd_release(&env, r->inside);
  hd_release(&env, r);
}

// ---- Back to text -------------------------------------------------------------------------------

// A layer or loss, short where it can be: relu, dense: 120, conv2d: {filters: 6, kernel: 5}.
static bool add_short(hd_arena *arena, hd_doc *to, const char *key, const char *name,
                      const hd_fields *fields, const void *options) {
  hd_doc *given = hd_doc_new(arena, NULL, NULL, HD_DOC_MAP);
  const hd_field *main = hd_field_main(fields);
  if (!given || (fields && !hd_fields_doc(arena, fields, options, false, given))) return false;
  if (!given->count) return hd_doc_text(arena, to, key, name);
  hd_doc *map = hd_doc_new(arena, to, key, HD_DOC_MAP);
  bool single = given->count == 1 && main && !strcmp(main->name, given->first->key) &&
                given->first->kind != HD_DOC_MAP;
  return map && hd_doc_copy(arena, map, name, single ? given->first : given);
}

// name: {options}, or the name alone
static bool add_choice(hd_arena *arena, hd_doc *to, const char *key, const char *name,
                       const hd_fields *fields, const void *options, const char *without) {
  hd_doc *outer = hd_doc_new(arena, to, key, HD_DOC_MAP);
  hd_doc *inner = outer ? hd_doc_new(arena, outer, name, HD_DOC_MAP) : NULL;
  if (!inner || !hd_fields_doc(arena, fields, options, true, inner)) return false;
  for (hd_doc **at = &inner->first; without && *at; at = &(*at)->next)
    if (!strcmp((*at)->key, without)) {
      *at = (*at)->next;
      inner->count--;
      break;
    }
  return true;
}

static bool add_train(hd_arena *arena, const hd_recipe *r, hd_doc *doc) {
  hd_doc *train = hd_doc_new(arena, doc, "train", HD_DOC_MAP);
  if (!train || !add_choice(arena, train, "optimizer", r->inside->optimizer_name,
                            r->inside->optimizer_fields, r->inside->optimizer_options, NULL))
    return false;
  bool plain = r->schedule.kind == HD_SCHEDULE_CONSTANT && r->schedule.warmup == 0;
  if (plain ? !hd_doc_text(arena, train, "schedule", "constant")
            : !add_choice(arena, train, "schedule",
                          hd_schedule_fields.field[0].choices[r->schedule.kind],
                          &hd_schedule_fields, &r->schedule, "kind"))
    return false;
  if (!hd_fields_doc(arena, &hd_recipe_train_fields, &r->train, true, train)) return false;
  return hd_doc_get(train, "seed") || hd_doc_int(arena, train, "seed", r->train.seed);
}

// Only what is given: what is left out is off.
static bool add_augment(hd_arena *arena, const hd_augment_options *o, hd_doc *doc) {
  hd_doc *map = hd_doc_new(arena, NULL, NULL, HD_DOC_MAP);
  bool ok = map && hd_fields_doc(arena, &hd_augment_fields, o, false, map);
  for (int i = 0; i < hd_augment_fields.count && ok; i++) {
    const void *part;
    const hd_fields *fields = hd_augment_part(hd_augment_fields.field[i].name, o, &part);
    hd_doc *given = fields ? hd_doc_new(arena, NULL, NULL, HD_DOC_MAP) : NULL;
    if (!fields) continue;
    ok = given && hd_fields_doc(arena, fields, part, false, given);
    if (ok && given->count) ok = hd_doc_copy(arena, map, hd_augment_fields.field[i].name, given);
  }
  return ok && (!map->count || hd_doc_copy(arena, doc, "augment", map));
}

hd_doc *hd_recipe_doc(hd_arena *arena, const hd_recipe *r, bool all) {
  hd_doc *doc = hd_doc_new(arena, NULL, NULL, HD_DOC_MAP), *list;
  bool ok = doc;
  if (ok) ok = hd_doc_text(arena, doc, "name", r->name);
  if (ok && all && r->inside->about) ok = hd_doc_text(arena, doc, "about", r->inside->about);
  if (ok && r->data.name) {
    hd_doc *data = hd_doc_new(arena, doc, "data", HD_DOC_MAP);
    hd_recipe_data d = r->data;
    if (!all)
      d = (hd_recipe_data){.name = strpbrk(d.name, "/\\.") ? "data" : d.name,  // it holds no paths
                           .scale = d.scale,
                           .size = {d.size[0], d.size[1]},
                           .channels = d.channels};
    ok = data && hd_fields_doc(arena, &hd_recipe_data_fields, &d, all, data);
  }
  if (ok && all && r->augment) ok = add_augment(arena, r->augment, doc);
  if (ok && all && r->inside->has_input) ok = hd_signature_doc(arena, &r->inside->input, doc);
  if (ok) {
    list = hd_doc_new(arena, doc, "model", HD_DOC_LIST);
    ok = list;
    for (int i = 0; i < r->layers && ok; i++) {
      const hd_recipe_layer *l = &r->inside->layer[i];
      ok = add_short(arena, list, NULL, l->layer->name, l->layer->fields, l->options);
    }
  }
  if (ok && r->loss)
    ok = add_short(arena, doc, "loss", r->loss->name, r->loss->fields, r->loss_options);
  if (ok && r->inside->no_accuracy) ok = hd_doc_new(arena, doc, "metrics", HD_DOC_LIST);
  if (ok && all) ok = add_train(arena, r, doc);
  return ok ? doc : NULL;
}

char *hd_recipe_text(const hd_env *env, const hd_recipe *r, bool yaml) {
  hd_arena arena = {.env = env ? *env : (hd_env){0}};
  hd_text text = {.env = arena.env};
  const hd_doc *doc = hd_recipe_doc(&arena, r, true);
  if (doc && yaml) hd_yaml_write(&text, doc);
  else if (doc) hd_json_write(&text, doc, 2), hd_text_add(&text, "\n");
  hd_arena_free(&arena);
  if (doc && !text.failed) return text.at;
  hd_text_free(&text);
  return NULL;
}
