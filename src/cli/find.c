// Recipes, models and runs by name.
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cli.h"

static bool is_file(const char *path) {
  struct stat about;
  return !stat(path, &about) && !S_ISDIR(about.st_mode);
}

// What this build can read comes first.
#ifdef HD_WITH_YAML
static const char *const endings[] = {".yaml", ".yml", ".json"};
#else
static const char *const endings[] = {".json", ".yaml", ".yml"};
#endif

static bool recipe_name(const char *file, char *name, size_t size) {
  const char *dot = strrchr(file, '.');
  for (size_t i = 0; dot && dot != file && i < HD_COUNT(endings); i++)
    if (!strcmp(dot, endings[i]))
      return snprintf(name, size, "%.*s", (int)(dot - file), file) < (int)size;
  return false;
}

enum { NAMES = 512 };
typedef struct names {
  char name[NAMES][64];
  int count;
} names;

static int by_text(const void *a, const void *b) { return strcmp(a, b); }

static void each(const char *folder, void (*see)(void *user, const char *name, const char *path),
                 void *user) {
  names *all = calloc(1, sizeof *all);
  for (int place = 0; all && place < 4; place++) {
    char dir[1100], path[CLI_PATH];
    int first = all->count;
    cli_shared_dir(place, folder, dir, sizeof dir);
    DIR *d = opendir(dir);
    for (struct dirent *entry; d && (entry = readdir(d));) {
      char name[64];
      bool known = !recipe_name(entry->d_name, name, sizeof name) || all->count == NAMES;
      for (int i = 0; i < all->count && !known; i++) known = !strcmp(all->name[i], name);
      if (!known) memcpy(all->name[all->count++], name, sizeof name);
    }
    if (d) closedir(d);
    qsort(all->name + first, (size_t)(all->count - first), sizeof *all->name, by_text);
    for (int i = first; i < all->count; i++)
      for (size_t e = 0; e < HD_COUNT(endings); e++) {
        snprintf(path, sizeof path, "%s/%s%s", dir, all->name[i], endings[e]);
        if (!is_file(path)) continue;
        see(user, all->name[i], path);
        break;
      }
  }
  free(all);
}

void cli_each_recipe(void (*see)(void *user, const char *name, const char *path), void *user) {
  each("recipes", see, user);
}

static void collect(void *user, const char *name, const char *path) {
  names *all = user;
  (void)path;
  if (all->count < NAMES) snprintf(all->name[all->count++], sizeof *all->name, "%s", name);
}

// What can be named: recipes, and the sweeps among them.
typedef struct kind {
  const char *folder, *what, *known;
} kind;
static const kind recipes = {"recipes", "recipe", "a file nor one of `hadal list recipes`"};
static const kind sweeps = {"recipes/sweeps", "sweep", "a file nor in recipes/sweeps"};

static void not_found(const kind *k, const char *where, const char *word) {
  const char *known[NAMES];
  names *all = calloc(1, sizeof *all);
  if (all) each(k->folder, collect, all);
  for (int i = 0; all && i < all->count; i++) known[i] = all->name[i];
  int nearest = all ? hd_nearest(word, known, all->count) : -1;
  if (nearest >= 0)
    cli_fail(CLI_WRONG, "%sno %s \"%s\"; did you mean \"%s\"?", where, k->what, word,
             known[nearest]);
  else cli_fail(CLI_WRONG, "%sno %s \"%s\": neither %s", where, k->what, word, k->known);
  free(all);
}

static bool find(const kind *k, const char *where, const char *word, char *path) {
  char dir[1100];
  bool named = !strchr(word, '/') && *word;
  for (int place = 0; named && place < 4; place++)
    for (size_t e = 0; e < HD_COUNT(endings); e++) {
      cli_shared_dir(place, k->folder, dir, sizeof dir);
      if (snprintf(path, CLI_PATH, "%s/%s%s", dir, word, endings[e]) < CLI_PATH && is_file(path))
        return true;
    }
  if (strlen(word) < CLI_PATH && is_file(word)) return strcpy(path, word), true;
  if (strchr(word, '/')) cli_fail(CLI_WRONG, "%s%s: there is no such %s", where, word, k->what);
  else not_found(k, where, word);
  return false;
}

bool cli_find_recipe(const char *word, char *path) { return find(&recipes, "", word, path); }

bool cli_find_recipe_of(const char *where, const char *word, char *path) {
  return find(&recipes, where, word, path);
}

bool cli_find_sweep(const char *word, char *path) { return find(&sweeps, "", word, path); }

bool cli_find_model(const char *word, char *path) {
  struct stat about;
  if (stat(word, &about))
    return cli_fail(CLI_WRONG, "%s: neither a run directory nor a model file", word), false;
  if (!S_ISDIR(about.st_mode)) return snprintf(path, CLI_PATH, "%s", word) < CLI_PATH;
  if (snprintf(path, CLI_PATH, "%s/model.safetensors", word) < CLI_PATH && is_file(path))
    return true;
  cli_fail(CLI_WRONG,
           "%s: holds no model.safetensors: the run is not finished. Go on with --run %s --resume",
           word, word);
  return false;
}

bool cli_names_data(const char *name) {
  int count;
  const hd_data_info *sets = hd_data_list(&count);
  size_t length = name ? strlen(name) : 0;
  if (!name || strchr(name, '/') || (length > 4 && !strcmp(name + length - 4, ".csv"))) return true;
  for (int i = 0; i < count; i++)
    if (!strcmp(sets[i].id, name)) return true;
  return false;
}

hd_document_reader *cli_yaml(void) {
#ifdef HD_WITH_YAML
  return hd_yaml_parse;
#else
  return NULL;
#endif
}

hd_recipe *cli_read_recipe(const cli_process *p, const char *path, const cli_args *args,
                           hd_error *err) {
  return hd_recipe_read(&p->data, path, err, .yaml = cli_yaml(), .set = args->set);
}
