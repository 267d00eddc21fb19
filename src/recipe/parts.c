// The data of a recipe: its set, and the parts to train, validate and test on.
#include "recipe.h"

#include "../data/image.h"

void hd_splits_free(hd_splits *p) {
  if (!p) return;
  hd_data_free(&p->valid);
  hd_data_free(&p->train);
  hd_data_free(&p->plain);
  hd_data_free(&p->test);
  hd_data_free(&p->extra);
  hd_data_free(&p->middle);
  hd_data_free(&p->whole);
  *p = (hd_splits){0};
}

// The same samples without their owner.
static hd_data borrowed(const hd_data *of) {
  hd_data d = *of;
  d.free = NULL;
  return d;
}

static bool has_test_part(const hd_env *env, const char *name) {
  int count;
  bool two;
  if (strchr(name, '/') && !hd_image_folder_parts(env, name, &two, NULL)) return two;
  const hd_data_info *sets = hd_data_list(&count);
  for (int i = 0; i < count; i++)
    if (!strcmp(sets[i].id, name)) return sets[i].test > 0;
  return false;
}

// What is white in a set; 0: the default of its element type.
static double augmented_range(const hd_data *d, const char *name) {
  int image = hd_data_column(d, "image");
  return image >= 0 && d->column[image].type.dtype == HD_U8 ? hd_scale_largest(name) : 0;
}

static hd_status split(const hd_env *env, const hd_recipe *r, const hd_data *of, float fraction,
                       uint64_t seed, hd_data *first, hd_data *last, hd_error *err) {
  if (!r->data.stratify) return hd_data_split(env, of, (double)fraction, seed, first, last, err);
  hd_status status = hd_data_split_stratified(env, of, (double)fraction, seed, first, last, err);
  return status ? hd_fail_in(err, status, "%s: data: stratify", r->file) : HD_OK;
}

static hd_status open_parts(const hd_env *env, const hd_recipe *r, int fold, hd_data_options o,
                            hd_splits *to, hd_error *err) {
  const hd_recipe_data *d = &r->data;
  uint64_t seed = (uint64_t)r->train.seed;
  o.csv.label = d->label;
  o.csv.regression = d->regression;
  o.csv.one_hot = d->one_hot;
  if (d->size[0]) o.images.height = d->size[0], o.images.width = d->size[1];
  if (d->channels) o.images.channels = d->channels;
  hd_status status = (hd_data_open)(env, d->name, "train", o, &to->whole, err);
  if (status) return status;
  to->middle = borrowed(&to->whole);
  if (fold > 0) {
    status = hd_data_fold(env, &to->whole, fold - 1, d->folds, seed, &to->middle, &to->test, err);
    to->has_test = !status;
  } else if (d->test > 0) {
    if (has_test_part(env, d->name))
      return hd_fail(err, HD_E_ARGUMENT,
                     "%s: data: %s has a test part of its own; leave `test` out", r->file, d->name);
    status = split(env, r, &to->whole, d->test, seed, &to->middle, &to->test, err);
    to->has_test = !status;
  } else if (has_test_part(env, d->name)) {
    status = (hd_data_open)(env, d->name, "test", o, &to->extra, err);
    to->test = borrowed(&to->extra);
    to->has_test = !status;
  }
  if (status) return status;
  to->train = borrowed(&to->middle);
  if (d->valid > 0) {
    status = split(env, r, &to->middle, d->valid, seed + 1, &to->train, &to->valid, err);
    to->has_valid = !status;
  }
  if (!to->has_test) to->test = borrowed(&to->middle);
  if (status || !r->augment) return status;
  hd_augment_options a = *r->augment;
  if (!(a.range > 0)) a.range = (float)augmented_range(&to->train, d->name);
  to->plain = to->train;
  status = (hd_data_augment)(env, &to->plain, &to->train, err, a);
  return status ? hd_fail_in(err, status, "%s", r->file) : HD_OK;
}

hd_status hd_recipe_open(const hd_env *env, const hd_recipe *r, int fold, hd_data_options options,
                         hd_splits *to, hd_error *err) {
  *to = (hd_splits){0};
  if (!r->data.name)
    return hd_fail(err, HD_E_ARGUMENT, "%s: names no data; give `data: {name: ...}`", r->file);
  hd_status status = open_parts(env, r, fold, options, to, err);
  if (status) hd_splits_free(to);
  return status;
}
