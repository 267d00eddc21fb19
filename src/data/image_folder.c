// A folder of images as data: one subfolder for each class.
#include "image.h"
#include "table.h"

#define MOST_BYTES ((int64_t)4 << 30)
enum { MOST_CLASSES = 65536 };

typedef struct folder {
  const hd_env *env;
  const char *path;
  const hd_image_folder_options *o;
  hd_arena names;  // kept with the data
  const char **class_name;
  int classes;
  hd_dir_entry **file;  // of each class
  int64_t *files, samples;
  hd_shape size;  // of one image
  hd_tensor image, label;
} folder;

static hd_status no_memory(const folder *f, hd_error *err) {
  return hd_fail(err, HD_E_MEMORY, "%s: memory is out", f->path);
}

// ---- Classes ------------------------------------------------------------------------------------

static bool hidden(const hd_dir_entry *e) { return e->name[0] == '.'; }

static int class_of(const folder *f, const char *name) {
  for (int i = 0; i < f->classes; i++)
    if (!strcmp(f->class_name[i], name)) return i;
  return -1;
}

// Those found, or the given ones, each of which may be missing but no other may be there.
static hd_status find_classes(folder *f, const hd_dir_entry *entry, int64_t entries,
                              hd_error *err) {
  const char *const *given = f->o->classes;
  int64_t count = 0;
  if (given)
    while (given[count]) count++;
  for (int64_t i = 0; i < entries; i++) {
    if (hidden(&entry[i])) continue;
    if (!entry[i].folder)
      return hd_fail(err, HD_E_FORMAT,
                     "%s/%s: a file beside the class folders; images lie in one subfolder for each "
                     "class",
                     f->path, entry[i].name);
    if (!given) count++;
  }
  if (count < 1)
    return hd_fail(err, HD_E_NOT_FOUND,
                   "%s: no subfolders; images lie in one subfolder for each class", f->path);
  if (count > MOST_CLASSES)
    return hd_fail(err, HD_E_LIMIT, "%s: %lld classes; the limit is %d", f->path, (long long)count,
                   MOST_CLASSES);
  f->class_name = hd_arena_alloc(&f->names, sizeof *f->class_name * ((size_t)count + 1));
  if (!f->class_name) return no_memory(f, err);
  for (int64_t i = 0; given ? i < count : i < entries; i++) {
    if (!given && hidden(&entry[i])) continue;
    const char *copy = hd_arena_text(&f->names, given ? given[i] : entry[i].name);
    if (!copy) return no_memory(f, err);
    f->class_name[f->classes++] = copy;
  }
  for (int64_t i = 0; given && i < entries; i++)
    if (!hidden(&entry[i]) && class_of(f, entry[i].name) < 0)
      return hd_fail(err, HD_E_FORMAT, "%s/%s: is none of the %d classes", f->path, entry[i].name,
                     f->classes);
  return HD_OK;
}

static hd_status find_files(folder *f, hd_arena *arena, const hd_dir_entry *entry, int64_t entries,
                            hd_error *err) {
  f->file = hd_arena_alloc(arena, sizeof *f->file * (size_t)f->classes);
  f->files = hd_arena_alloc(arena, sizeof *f->files * (size_t)f->classes);
  if (!f->file || !f->files) return no_memory(f, err);
  int next = 0;
  for (int64_t i = 0; i < entries; i++) {
    if (hidden(&entry[i])) continue;
    int c = f->o->classes ? class_of(f, entry[i].name) : next++;
    char *path = hd_arena_print(arena, "%s/%s", f->path, entry[i].name);
    if (!path) return no_memory(f, err);
    hd_status status = hd_dir_list(f->env, path, arena, &f->file[c], &f->files[c], err);
    if (status) return status;
    for (int64_t k = 0; k < f->files[c]; k++) {
      const hd_dir_entry *e = &f->file[c][k];
      if (!hidden(e) && e->folder)
        return hd_fail(err, HD_E_FORMAT, "%s/%s: a folder; the images of a class lie in its own",
                       path, e->name);
      f->samples += !hidden(e);
    }
  }
  return f->samples ? HD_OK
                    : hd_fail(err, HD_E_NOT_FOUND, "%s: no images in its %d subfolders", f->path,
                              f->classes);
}

// ---- Pixels -------------------------------------------------------------------------------------

static hd_status take_room(folder *f, const hd_tensor *first, hd_error *err) {
  int64_t most = f->o->most_bytes ? f->o->most_bytes : MOST_BYTES, bytes;
  f->size = first->shape;
  if (!hd_mul_size(f->samples, hd_shape_count(f->size), &bytes) || bytes > most)
    return hd_fail(err, HD_E_LIMIT,
                   "%s: %lld images of %lld x %lld x %lld take more than the limit of %lld bytes "
                   "(option most_bytes); bring them to a smaller size",
                   f->path, (long long)f->samples, (long long)f->size.d[0], (long long)f->size.d[1],
                   (long long)f->size.d[2], (long long)most);
  f->image = hd_tensor_new(f->env, HD_U8,
                           HD_SHAPE(f->samples, f->size.d[0], f->size.d[1], f->size.d[2]), err);
  if (f->image.data) f->label = hd_tensor_new(f->env, HD_I32, HD_SHAPE(f->samples), err);
  return f->label.data ? HD_OK : hd_fail_in(err, HD_E_MEMORY, "%s", f->path);
}

static hd_status add_image(folder *f, const char *path, int64_t sample, int label, hd_error *err) {
  const hd_image_folder_options *o = f->o;
  hd_image_reader *read = o->read ? o->read : (hd_read_pnm);
  hd_image_options one = {.channels = o->channels, .most_pixels = o->most_pixels};
  hd_tensor t, sized;
  hd_status status = read(f->env, path, &t, err, one);
  if (status) return status;
  if (o->height) {
    status = hd_image_resize(f->env, &t, o->height, o->width, &sized, err);
    hd_tensor_free(&t);
    if (status) return hd_fail_in(err, status, "%s", path);
    t = sized;
  }
  if (!f->image.data) status = take_room(f, &t, err);
  if (!status && !hd_shape_equal(t.shape, f->size)) {
    char have[96], want[96];
    status = hd_fail(err, HD_E_SHAPE,
                     "%s: the image is %s (H, W, C), those before it are %s: give the size and the "
                     "channels that all of them shall have",
                     path, hd_shape_text(t.shape, have, sizeof have),
                     hd_shape_text(f->size, want, sizeof want));
  }
  if (!status) {
    size_t bytes = (size_t)hd_shape_count(f->size);
    memcpy((char *)f->image.data + (size_t)sample * bytes, t.data, bytes);
    ((int32_t *)f->label.data)[sample] = label;
  }
  hd_tensor_free(&t);
  return status;
}

static hd_status add_all(folder *f, hd_error *err) {
  char path[4096];
  int64_t sample = 0;
  for (int c = 0; c < f->classes; c++)
    for (int64_t k = 0; k < f->files[c]; k++) {
      const hd_dir_entry *e = &f->file[c][k];
      if (hidden(e)) continue;
      int length = hd_print(path, sizeof path, "%s/%s/%s", f->path, f->class_name[c], e->name);
      if (length < 0 || length >= (int)sizeof path)
        return hd_fail(err, HD_E_LIMIT, "%s: the path of %s is longer than %zu bytes", f->path,
                       e->name, sizeof path - 1);
      hd_status status = add_image(f, path, sample++, c, err);
      if (status) return status;
    }
  return HD_OK;
}

// ---- Two parts ----------------------------------------------------------------------------------

static bool holds(const hd_dir_entry *entry, int64_t entries, const char *name) {
  for (int64_t i = 0; i < entries; i++)
    if (entry[i].folder && !strcmp(entry[i].name, name)) return true;
  return false;
}

hd_status hd_image_folder_parts(const hd_env *env, const char *path, bool *two, hd_error *err) {
  hd_arena arena = {.env = env ? *env : (hd_env){0}};
  hd_dir_entry *entry;
  int64_t entries;
  *two = false;
  hd_status status = hd_dir_list(env, path, &arena, &entry, &entries, err);
  if (!status) *two = holds(entry, entries, "train") && holds(entry, entries, "test");
  hd_arena_free(&arena);
  return status;
}

// The classes of `train`, in a list of the arena.
static hd_status classes_of(hd_arena *arena, const char *train, const char ***to, hd_error *err) {
  hd_dir_entry *entry;
  int64_t entries, count = 0;
  hd_status status = hd_dir_list(&arena->env, train, arena, &entry, &entries, err);
  if (status) return status;
  const char **name = hd_arena_alloc(arena, sizeof *name * ((size_t)entries + 1));
  if (!name) return hd_fail(err, HD_E_MEMORY, "%s: memory is out", train);
  for (int64_t i = 0; i < entries; i++)
    if (!hidden(&entry[i]) && entry[i].folder) name[count++] = entry[i].name;
  *to = name;
  return HD_OK;
}

hd_status hd_image_folder_open(const hd_env *env, const char *path, bool test,
                               hd_image_folder_options o, hd_data *to, hd_error *err) {
  hd_arena arena = {.env = env ? *env : (hd_env){0}};
  bool two;
  char *train = NULL, *tests = NULL;
  const char **classes = NULL;
  hd_status status = hd_image_folder_parts(env, path, &two, err);
  if (!status && test && !two)
    status = hd_fail(err, HD_E_NOT_FOUND,
                     "%s: there is no test part: no folders train and test in it; split the "
                     "training part",
                     path);
  if (!status && two) {
    train = hd_arena_print(&arena, "%s/train", path);
    tests = hd_arena_print(&arena, "%s/test", path);
    if (!train || !tests) status = hd_fail(err, HD_E_MEMORY, "%s: memory is out", path);
  }
  if (!status && test && !o.classes) {
    status = classes_of(&arena, train, &classes, err);
    o.classes = classes;
  }
  if (!status) status = (hd_data_image_folder)(env, !two ? path : test ? tests : train, to, err, o);
  hd_arena_free(&arena);
  return status;
}

// ---- All of it ----------------------------------------------------------------------------------

static hd_status check(const hd_image_folder_options *o, const char *path, hd_error *err) {
  if (!path || !*path) return hd_fail(err, HD_E_ARGUMENT, "image folder: no path");
  if (o->height < 0 || o->width < 0 || o->height > HD_IMAGE_SIDE || o->width > HD_IMAGE_SIDE ||
      !o->height != !o->width)
    return hd_fail(err, HD_E_ARGUMENT,
                   "%s: height %d and width %d: give both, of 1 to %d, or neither", path, o->height,
                   o->width, HD_IMAGE_SIDE);
  if (o->channels && o->channels != 1 && o->channels != 3)
    return hd_fail(err, HD_E_ARGUMENT, "%s: channels is %d, must be 1 or 3", path, o->channels);
  if (o->most_bytes < 0)
    return hd_fail(err, HD_E_ARGUMENT, "%s: most_bytes must not be negative", path);
  return HD_OK;
}

hd_status(hd_data_image_folder)(const hd_env *env, const char *path, hd_data *to, hd_error *err,
                                hd_image_folder_options o) {
  static const char *const columns[] = {"image", "label"};
  *to = (hd_data){0};
  hd_status status = check(&o, path, err);
  if (status) return status;
  hd_env own = env ? *env : (hd_env){0};
  hd_arena arena = {.env = own};
  folder f = {.env = env, .path = path, .o = &o, .names = {.env = own}};
  hd_dir_entry *entry;
  int64_t entries;
  status = hd_dir_list(env, path, &arena, &entry, &entries, err);
  if (!status) status = find_classes(&f, entry, entries, err);
  if (!status) status = find_files(&f, &arena, entry, entries, err);
  if (!status) status = add_all(&f, err);
  hd_arena_free(&arena);
  hd_tensor both[] = {f.image, f.label};
  if (!status) status = hd_data_from_tensors(env, columns, both, 2, to, err);
  if (status) {
    hd_tensor_free(&f.image);
    hd_tensor_free(&f.label);
    hd_arena_free(&f.names);
    return status;
  }
  ((hd_table *)to->user)->arena = f.names;
  to->classes = f.classes;
  to->class_names = f.class_name;
  return HD_OK;
}
