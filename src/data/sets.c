// Sets by name: what is built in, what lies in the repository, and where the rest is looked for.
#include "image.h"
#include "table.h"

static const hd_data_info sets[] = {
    {"xor", "Exclusive or", "x (2) f32, label of 2 classes, target (1) f32", "public domain", 4, 0},
    {"iris", "Iris (Fisher 1936)", "x (4) f32, label of 3 classes", "CC BY 4.0", 150, 0},
    {"digits", "Optical recognition of handwritten digits (Alpaydin & Kaynak 1998)",
     "image (8, 8, 1) u8 in 0..16, label of 10 classes", "CC BY 4.0", 3823, 1797},
    {"mnist", "MNIST handwritten digits (LeCun et al. 1998)",
     "image (28, 28, 1) u8, label of 10 classes", "CC BY-SA 3.0", 60000, 10000},
    {"fashion-mnist", "Fashion-MNIST (Xiao et al. 2017)",
     "image (28, 28, 1) u8, label of 10 classes", "MIT", 60000, 10000}};

static const char *const digit_names[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", NULL};
static const char *const fashion_names[] = {"T-shirt/top", "trouser",   "pullover", "dress",
                                            "coat",        "sandal",    "shirt",    "sneaker",
                                            "bag",         "ankle boot"};

const hd_data_info *hd_data_list(int *count) {
  if (count) *count = (int)HD_COUNT(sets);
  return sets;
}

// ---- Places -------------------------------------------------------------------------------------

enum { PLACES = 4, PATH = 4096 };

// Folders to look into, in order; for the message also the files that are wanted.
typedef struct places {
  const char *set;
  const char *at[PLACES];  // at/set/file; a folder of its own when `whole` is set
  bool whole[PLACES];
  int count;
  const char *remedy;
} places;

static void add_place(places *p, const char *at, bool whole) {
  if (!at || !*at || p->count == PLACES) return;
  p->at[p->count] = at;
  p->whole[p->count++] = whole;
}

static hd_status path_in(const places *p, int i, const char *file, const char *ending, char *to,
                         hd_error *err) {
  int length = p->whole[i] ? hd_print(to, PATH, "%s/%s%s", p->at[i], file, ending)
                           : hd_print(to, PATH, "%s/%s/%s%s", p->at[i], p->set, file, ending);
  if (length >= 0 && length < PATH) return HD_OK;
  return hd_fail(err, HD_E_LIMIT, "%s: the path of %s is longer than %d bytes", p->set, file, PATH);
}

// Every place looked at, and what to do about it.
static hd_status nowhere(const places *p, const char *file, const char *gz, hd_error *err) {
  char text[sizeof((hd_error *)0)->text];
  size_t used = 0;
  text[0] = 0;
  for (int i = 0; i < p->count && used < sizeof text; i++) {
    int more = hd_print(text + used, sizeof text - used, "%s%s%s%s", i ? ", " : "", p->at[i],
                        p->whole[i] ? "" : "/", p->whole[i] ? "" : p->set);
    used += more > 0 ? (size_t)more : 0;
  }
  return hd_fail(err, HD_E_NOT_FOUND, "%s: %s%s is not in %s. %s", p->set, file, gz,
                 *text ? text : "any place, as none was given", p->remedy);
}

// ---- Images -------------------------------------------------------------------------------------

// Takes over images (N, H, W, 1) u8 and labels (N) i32, whatever comes of it.
static hd_status image_set(const hd_env *env, hd_tensor *image, hd_tensor *label,
                           const char *const *names, hd_data *to, hd_error *err) {
  static const char *const columns[] = {"image", "label"};
  hd_tensor tensors[] = {*image, *label};
  hd_status status = hd_data_from_tensors(env, columns, tensors, 2, to, err);
  if (!status) {
    to->classes = 10;
    to->class_names = names;
    image->owner = label->owner = false;
  }
  hd_tensor_free(image);
  hd_tensor_free(label);
  return status;
}

static hd_status read_digits(const hd_env *env, const char *path, hd_data *to, hd_error *err) {
  hd_data rows;
  hd_csv_options options = {.classes = digit_names, .header = "no"};
  hd_status status = hd_csv_read(env, path, options, &rows, err);
  if (status) return status;
  hd_table *table = rows.user;
  int64_t features = rows.column[0].type.shape.d[0];
  const float *x = table->column[0].data;
  if (features != 64)
    status = hd_fail(err, HD_E_FORMAT, "%s: %lld columns beside the label; an 8 by 8 image has 64",
                     path, (long long)features);
  for (int64_t i = 0; !status && i < rows.samples * 64; i++)
    if (!(x[i] >= 0 && x[i] <= 16) || x[i] != (float)(uint8_t)x[i])
      status = hd_fail(err, HD_E_FORMAT, "%s:%lld: column %d: %g is not a whole number in 0..16",
                       path, (long long)(i / 64 + 1), (int)(i % 64 + 1), (double)x[i]);
  hd_tensor image = {0}, label = table->column[1];
  if (!status) {
    image = hd_tensor_new(env, HD_U8, HD_SHAPE(rows.samples, 8, 8, 1), err);
    if (!image.data) status = hd_fail_in(err, HD_E_MEMORY, "%s", path);
  }
  if (!status) {
    for (int64_t i = 0; i < rows.samples * 64; i++) ((uint8_t *)image.data)[i] = (uint8_t)x[i];
    table->column[1].owner = false;  // moved
    status = image_set(env, &image, &label, digit_names, to, err);
  }
  hd_data_free(&rows);
  return status;
}

static hd_status open_digits(const hd_env *env, const char *part, hd_data_options o, hd_data *to,
                             hd_error *err) {
  places p = {.set = "digits",
              .remedy = "It comes with Hadal: run in its folder, or give the place of its data/"};
  char path[PATH], file[16];
  hd_print(file, sizeof file, "%s.csv", part);
  add_place(&p, o.root, false);
  add_place(&p, o.shared ? o.shared : "data", false);
  add_place(&p, o.cache, false);
  for (int i = 0; i < p.count; i++) {
    hd_status status = path_in(&p, i, file, "", path, err);
    if (!status) status = read_digits(env, path, to, err);
    if (status != HD_E_NOT_FOUND) return status;
  }
  return nowhere(&p, file, "", err);
}

// ---- MNIST and its kin --------------------------------------------------------------------------

// path: what was opened, plain or .gz.
static hd_status read_either(const hd_env *env, const places *p, int i, const char *file,
                             hd_inflate *inflate, hd_tensor *to, char *path, hd_error *err) {
  hd_status status = path_in(p, i, file, "", path, err);
  if (!status) status = hd_idx_read(env, path, inflate, to, err);
  if (status != HD_E_NOT_FOUND) return status;
  status = path_in(p, i, file, ".gz", path, err);
  return status ? status : hd_idx_read(env, path, inflate, to, err);
}

// From (N, H, W) and (N) of u8 to (N, H, W, 1) of u8 and (N) of i32.
static hd_status check_images(const hd_env *env, const char *image_path, hd_tensor *image,
                              const char *label_path, hd_tensor *label, hd_error *err) {
  char text[256];
  if (image->dtype != HD_U8 || image->shape.rank != 3)
    return hd_fail(err, HD_E_FORMAT, "%s: %s %s; images are u8 (N, H, W)", image_path,
                   hd_dtype_name(image->dtype), hd_shape_text(image->shape, text, sizeof text));
  if (label->dtype != HD_U8 || label->shape.rank != 1)
    return hd_fail(err, HD_E_FORMAT, "%s: %s %s; labels are u8 (N)", label_path,
                   hd_dtype_name(label->dtype), hd_shape_text(label->shape, text, sizeof text));
  int64_t samples = image->shape.d[0];
  if (label->shape.d[0] != samples)
    return hd_fail(err, HD_E_FORMAT, "%s has %lld images, %s has %lld labels", image_path,
                   (long long)samples, label_path, (long long)label->shape.d[0]);
  const uint8_t *byte = label->data;
  for (int64_t i = 0; i < samples; i++)
    if (byte[i] > 9)
      return hd_fail(err, HD_E_FORMAT, "%s: sample %lld (from 0) has label %d; classes are 0 to 9",
                     label_path, (long long)i, (int)byte[i]);
  hd_tensor wide = hd_tensor_new(env, HD_I32, label->shape, err);
  if (!wide.data) return hd_fail_in(err, HD_E_MEMORY, "%s", label_path);
  for (int64_t i = 0; i < samples; i++) ((int32_t *)wide.data)[i] = byte[i];
  hd_tensor_free(label);
  *label = wide;
  image->shape.rank = 4;
  image->shape.d[3] = 1;
  return HD_OK;
}

static hd_status open_idx(const hd_env *env, const places *p, const char *part,
                          const char *const *names, hd_inflate *inflate, hd_data *to,
                          hd_error *err) {
  char images[32], labels[32], image_path[PATH], label_path[PATH];
  hd_tensor image = {0}, label = {0};
  const char *stem = strcmp(part, "test") ? "train" : "t10k";
  hd_print(images, sizeof images, "%s-images-idx3-ubyte", stem);
  hd_print(labels, sizeof labels, "%s-labels-idx1-ubyte", stem);
  hd_status status = HD_E_NOT_FOUND;
  int i = 0;
  for (; i < p->count; i++) {
    status = read_either(env, p, i, images, inflate, &image, image_path, err);
    if (status != HD_E_NOT_FOUND) break;
  }
  if (i == p->count) return nowhere(p, images, "[.gz]", err);
  if (status) return status;
  status = read_either(env, p, i, labels, inflate, &label, label_path, err);
  if (status == HD_E_NOT_FOUND)
    status = hd_fail(err, HD_E_NOT_FOUND, "%s: the images are there, the labels are not: %s",
                     image_path, label_path);
  if (!status) status = check_images(env, image_path, &image, label_path, &label, err);
  if (!status) return image_set(env, &image, &label, names, to, err);
  hd_tensor_free(&image);
  hd_tensor_free(&label);
  return status;
}

static hd_status open_mnist(const hd_env *env, const char *part, hd_data_options o, hd_data *to,
                            hd_error *err) {
  places p = {.set = "mnist",
              .remedy =
                  "Put the four files of MNIST there; fashion-mnist, of the same form, is the "
                  "Debian package dataset-fashion-mnist"};
  add_place(&p, o.root, false);
  add_place(&p, o.cache, false);
  return open_idx(env, &p, part, digit_names, o.inflate, to, err);
}

static hd_status open_fashion(const hd_env *env, const char *part, hd_data_options o, hd_data *to,
                              hd_error *err) {
  places p = {.set = "fashion-mnist",
              .remedy = "Install the Debian package: apt install dataset-fashion-mnist"};
  add_place(&p, o.root, false);
  add_place(&p, "/usr/share/datasets/fashion-mnist", true);
  add_place(&p, o.cache, false);
  return open_idx(env, &p, part, fashion_names, o.inflate, to, err);
}

// ---- By name ------------------------------------------------------------------------------------

static hd_status unknown(const char *name, hd_error *err) {
  const char *names[HD_COUNT(sets)];
  for (size_t i = 0; i < HD_COUNT(sets); i++) names[i] = sets[i].id;
  int near = hd_nearest(name, names, HD_COUNT(names));
  return hd_fail(err, HD_E_NOT_FOUND,
                 "no data set \"%.200s\"%s%s%s. There are xor, iris, digits, mnist, fashion-mnist, "
                 "files whose name ends in .csv, and folders of images, whose name holds a /",
                 name, near < 0 ? "" : "; did you mean \"", near < 0 ? "" : names[near],
                 near < 0 ? "" : "\"?");
}

hd_status(hd_data_open)(const hd_env *env, const char *name, const char *part,
                        hd_data_options options, hd_data *to, hd_error *err) {
  *to = (hd_data){0};
  if (!name || !*name) return hd_fail(err, HD_E_ARGUMENT, "data: no name of a set was given");
  bool test = part && strcmp(part, "test") == 0;
  if (!part || (!test && strcmp(part, "train")))
    return hd_fail(err, HD_E_ARGUMENT,
                   "data %.200s: the part is \"train\" or \"test\", not \"%.80s\"", name,
                   part ? part : "");
  size_t length = strlen(name);
  bool csv = length > 4 && strcmp(name + length - 4, ".csv") == 0, found = csv;
  if (!csv && strchr(name, '/')) {
    bool two;
    hd_status status = hd_image_folder_parts(env, name, &two, err);
    return status ? hd_fail_in(err, status, "data: neither a path that ends in .csv nor a folder")
                  : hd_image_folder_open(env, name, test, options.images, to, err);
  }
  bool has_test = false;
  for (size_t i = 0; i < HD_COUNT(sets) && !found; i++)
    if (strcmp(name, sets[i].id) == 0) found = true, has_test = sets[i].test > 0;
  if (!found) return unknown(name, err);
  if (test && !has_test)
    return hd_fail(err, HD_E_NOT_FOUND,
                   "data %.200s: there is no test part; split the training part", name);
  if (csv) return hd_csv_read(env, name, options.csv, to, err);
  if (strcmp(name, "xor") == 0) return hd_xor_open(env, to, err);
  if (strcmp(name, "iris") == 0) return hd_iris_open(env, to, err);
  if (strcmp(name, "digits") == 0) return open_digits(env, part, options, to, err);
  if (strcmp(name, "mnist") == 0) return open_mnist(env, part, options, to, err);
  return open_fashion(env, part, options, to, err);
}
