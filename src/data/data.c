// Sources of samples: tensors, views of other sources, splits and folds.
#include "table.h"

#include "../base/random.h"

void hd_data_free(hd_data *data) {
  if (!data) return;
  if (data->free) data->free(data->user);
  *data = (hd_data){0};
}

int hd_data_column(const hd_data *data, const char *name) {
  for (int i = 0; data && name && i < data->columns; i++)
    if (strcmp(data->column[i].name, name) == 0) return i;
  return -1;
}

static hd_status outside(hd_error *err, int64_t sample, int64_t samples) {
  return hd_fail(err, HD_E_ARGUMENT, "sample %lld asked for; there are %lld, numbered from 0",
                 (long long)sample, (long long)samples);
}

// ---- Tensors ------------------------------------------------------------------------------------

static hd_status table_read(void *user, int column, const int64_t *index, int64_t count, void *to,
                            hd_error *err) {
  hd_table *table = user;
  if (column < 0 || column >= table->columns)
    return hd_fail(err, HD_E_ARGUMENT, "column %d asked for; there are %d", column, table->columns);
  const hd_tensor *from = &table->column[column];
  int64_t samples = from->shape.d[0];
  size_t stride = table->stride[column];
  char *put = to;
  for (int64_t i = 0; i < count; i++, put += stride) {
    if (index[i] < 0 || index[i] >= samples) return outside(err, index[i], samples);
    memcpy(put, (const char *)from->data + (size_t)index[i] * stride, stride);
  }
  return HD_OK;
}

static void table_free(void *user) {
  hd_table *table = user;
  hd_env env = table->env;
  for (int i = 0; i < table->columns; i++) hd_tensor_free(&table->column[i]);
  hd_arena_free(&table->arena);
  hd_release(&env, table);
}

static hd_status check_column(const char *const *names, const hd_tensor *tensors, int i,
                              hd_error *err) {
  const hd_tensor *t = &tensors[i];
  char text[256];
  size_t room = sizeof((hd_column *)0)->name;
  if (!names[i] || !names[i][0] || strlen(names[i]) >= room)
    return hd_fail(err, HD_E_ARGUMENT, "column %d: the name \"%.80s\" must have 1 to %zu bytes", i,
                   names[i] ? names[i] : "", room - 1);
  for (int k = 0; k < i; k++)
    if (strcmp(names[k], names[i]) == 0)
      return hd_fail(err, HD_E_ARGUMENT, "two columns are called \"%s\"", names[i]);
  if (!t->data || !hd_dtype_size(t->dtype))
    return hd_fail(err, HD_E_ARGUMENT, "column \"%s\": the tensor holds nothing", names[i]);
  hd_shape_text(t->shape, text, sizeof text);
  if (t->shape.rank < 1 || hd_shape_count(t->shape) < 0)
    return hd_fail(err, HD_E_SHAPE, "column \"%s\": shape %s; the first axis must count samples",
                   names[i], text);
  if (t->shape.d[0] < 1)
    return hd_fail(err, HD_E_SHAPE, "column \"%s\": shape %s has no samples", names[i], text);
  if (t->shape.d[0] != tensors[0].shape.d[0])
    return hd_fail(err, HD_E_SHAPE, "column \"%s\" has %lld samples, column \"%s\" has %lld",
                   names[i], (long long)t->shape.d[0], names[0], (long long)tensors[0].shape.d[0]);
  return HD_OK;
}

hd_status hd_data_from_tensors(const hd_env *env, const char *const *names, hd_tensor *tensors,
                               int count, hd_data *to, hd_error *err) {
  *to = (hd_data){0};
  if (count < 1 || count > HD_DATA_COLUMNS)
    return hd_fail(err, HD_E_ARGUMENT, "%d columns given; 1 to %d are possible", count,
                   HD_DATA_COLUMNS);
  for (int i = 0; i < count; i++) {
    hd_status status = check_column(names, tensors, i, err);
    if (status) return status;
  }
  hd_table *table = hd_alloc(env, sizeof *table);
  if (!table) return hd_fail(err, HD_E_MEMORY, "data: memory is out");
  if (env) table->env = *env;
  table->arena.env = table->env;
  table->columns = count;
  *to = (hd_data){.user = table,
                  .samples = tensors[0].shape.d[0],
                  .columns = count,
                  .read = table_read,
                  .free = table_free};
  for (int i = 0; i < count; i++) {
    hd_type type = {tensors[i].dtype, {.rank = tensors[i].shape.rank - 1}};
    for (int k = 0; k < type.shape.rank; k++) type.shape.d[k] = tensors[i].shape.d[k + 1];
    memcpy(to->column[i].name, names[i], strlen(names[i]) + 1);
    to->column[i].type = type;
    table->stride[i] = (size_t)hd_shape_count(type.shape) * hd_dtype_size(type.dtype);
    table->column[i] = tensors[i];
    tensors[i].owner = false;  // the caller's struct stays a view
  }
  return HD_OK;
}

// ---- Views --------------------------------------------------------------------------------------

typedef struct view {
  hd_env env;
  hd_data of;
  int64_t count;
  int64_t index[];
} view;

static hd_status view_read(void *user, int column, const int64_t *index, int64_t count, void *to,
                           hd_error *err) {
  view *v = user;
  if (column < 0 || column >= v->of.columns)
    return hd_fail(err, HD_E_ARGUMENT, "column %d asked for; there are %d", column, v->of.columns);
  hd_type type = v->of.column[column].type;
  size_t stride = (size_t)hd_shape_count(type.shape) * hd_dtype_size(type.dtype);
  int64_t inner[256];
  for (int64_t done = 0; done < count;) {
    int64_t some = HD_MIN(count - done, (int64_t)HD_COUNT(inner));
    for (int64_t i = 0; i < some; i++) {
      int64_t sample = index[done + i];
      if (sample < 0 || sample >= v->count) return outside(err, sample, v->count);
      inner[i] = v->index[sample];
    }
    hd_status status =
        v->of.read(v->of.user, column, inner, some, (char *)to + (size_t)done * stride, err);
    if (status) return status;
    done += some;
  }
  return HD_OK;
}

static hd_status view_draw(void *user, const hd_draw *at, void *const *to, void *scratch,
                           hd_error *err) {
  view *v = user;
  hd_draw inner = *at;
  if (at->sample < 0 || at->sample >= v->count) return outside(err, at->sample, v->count);
  inner.sample = v->index[at->sample];
  return v->of.draw(v->of.user, &inner, to, scratch, err);
}

static void view_free(void *user) {
  view *v = user;
  hd_env env = v->env;
  hd_release(&env, v);
}

// A view with room for `count` numbers, which the caller fills.
static hd_status view_new(const hd_env *env, const hd_data *of, int64_t count, hd_data *to,
                          hd_error *err) {
  int64_t bytes;
  *to = (hd_data){0};
  if (!of || !of->read || of->samples < 1 || of->columns < 1 || of->columns > HD_DATA_COLUMNS)
    return hd_fail(err, HD_E_ARGUMENT, "a view of nothing: the source has no samples or columns");
  for (int i = 0; i < of->columns; i++)
    if (hd_shape_count(of->column[i].type.shape) < 0 || !hd_dtype_size(of->column[i].type.dtype))
      return hd_fail(err, HD_E_SHAPE, "column \"%s\": a sample's type must be fixed",
                     of->column[i].name);
  if (count < 1) return hd_fail(err, HD_E_ARGUMENT, "a view of %lld samples", (long long)count);
  view *v = NULL;
  if (hd_mul_size(count, sizeof(int64_t), &bytes) && hd_add_size(bytes, sizeof *v, &bytes))
    v = hd_alloc(env, (size_t)bytes);
  if (!v) return hd_fail(err, HD_E_MEMORY, "view of %lld samples: memory is out", (long long)count);
  if (env) v->env = *env;
  v->of = *of;
  v->count = count;
  *to = *of;
  to->user = v, to->samples = count, to->read = view_read, to->free = view_free;
  to->draw = of->draw ? view_draw : NULL;
  return HD_OK;
}

hd_status hd_data_view(const hd_env *env, const hd_data *of, const int64_t *index, int64_t count,
                       hd_data *to, hd_error *err) {
  hd_status status = view_new(env, of, count, to, err);
  if (status) return status;
  for (int64_t i = 0; i < count; i++) {
    if (index[i] < 0 || index[i] >= of->samples) {
      hd_data_free(to);
      return outside(err, index[i], of->samples);
    }
  }
  memcpy(((view *)to->user)->index, index, (size_t)count * sizeof *index);
  return HD_OK;
}

// ---- Splits and folds ---------------------------------------------------------------------------

// The numbers 0 .. samples-1 in an order that depends on the seed and on what it is for.
static hd_status shuffled(const hd_env *env, const hd_data *of, const char *what, uint64_t seed,
                          int64_t **to, hd_error *err) {
  int64_t bytes, *order = NULL;
  if (!of || of->samples < 1) return hd_fail(err, HD_E_ARGUMENT, "%s: no samples", what);
  if (hd_mul_size(of->samples, sizeof *order, &bytes)) order = hd_alloc_raw(env, (size_t)bytes);
  if (!order)
    return hd_fail(err, HD_E_MEMORY, "%s of %lld samples: memory is out", what,
                   (long long)of->samples);
  for (int64_t i = 0; i < of->samples; i++) order[i] = i;
  hd_random_key key = {seed, hd_hash(what, strlen(what), 0)};
  hd_random_shuffle(key, order, of->samples);
  *to = order;
  return HD_OK;
}

static hd_status two_views(const hd_env *env, const hd_data *of, const int64_t *first,
                           int64_t firsts, const int64_t *second, int64_t seconds, hd_data *a,
                           hd_data *b, hd_error *err) {
  hd_status status = hd_data_view(env, of, first, firsts, a, err);
  if (!status) status = hd_data_view(env, of, second, seconds, b, err);
  if (status) hd_data_free(a);
  return status;
}

// How many of the samples are the last part.
static hd_status last_part(const hd_data *of, double fraction, int64_t *last, hd_error *err) {
  int64_t samples = of ? of->samples : 0;
  *last = fraction > 0 && fraction < 1 ? (int64_t)(fraction * (double)samples + 0.5) : 0;
  if (*last >= 1 && *last < samples) return HD_OK;
  return hd_fail(err, HD_E_ARGUMENT,
                 "split: a fraction of %g of %lld samples leaves one part empty", fraction,
                 (long long)samples);
}

hd_status hd_data_split(const hd_env *env, const hd_data *of, double fraction, uint64_t seed,
                        hd_data *train, hd_data *valid, hd_error *err) {
  *train = *valid = (hd_data){0};
  int64_t last;
  hd_status status = last_part(of, fraction, &last, err);
  if (status) return status;
  int64_t *order = NULL;
  status = shuffled(env, of, "split", seed, &order, err);
  if (status) return status;
  int64_t rest = of->samples - last;
  status = two_views(env, of, order, rest, order + rest, last, train, valid, err);
  hd_release(env, order);
  return status;
}

static bool has_classes(const hd_data *of) {
  int column = hd_data_column(of, "label");
  hd_type type = column < 0 ? (hd_type){0} : of->column[column].type;
  return of->classes >= 1 && type.dtype == HD_I32 && hd_shape_count(type.shape) == 1;
}

// The class of each sample in `to`; zeros when the labels are no classes.
static hd_status read_classes(const hd_data *of, int32_t *to, hd_error *err) {
  int column = hd_data_column(of, "label");
  if (!has_classes(of)) return HD_OK;
  int64_t index[256];
  for (int64_t done = 0; done < of->samples;) {
    int64_t some = HD_MIN(of->samples - done, (int64_t)HD_COUNT(index));
    for (int64_t i = 0; i < some; i++) index[i] = done + i;
    hd_status status = of->read(of->user, column, index, some, to + done, err);
    if (status) return status;
    done += some;
  }
  for (int64_t i = 0; i < of->samples; i++)
    if (to[i] < 0 || to[i] >= of->classes)
      return hd_fail(err, HD_E_FORMAT, "label of sample %lld is %d; there are %d classes",
                     (long long)i, (int)to[i], of->classes);
  return HD_OK;
}

// Deals the samples out class by class, so that the folds are equal in size and in classes, to
// within one. fold_of[sample] is where it went.
static hd_status deal(const hd_env *env, const int64_t *order, const int32_t *class_of,
                      int64_t samples, int classes, int folds, int32_t *fold_of, hd_error *err) {
  int64_t *start = hd_alloc(env, ((size_t)classes + 1) * sizeof *start);
  if (!start) return hd_fail(err, HD_E_MEMORY, "fold: memory is out for %d classes", classes);
  for (int64_t i = 0; i < samples; i++) start[class_of[i] + 1]++;
  for (int c = 0; c < classes; c++) start[c + 1] += start[c];
  for (int64_t i = 0; i < samples; i++)
    fold_of[order[i]] = (int32_t)(start[class_of[order[i]]]++ % folds);
  hd_release(env, start);
  return HD_OK;
}

// The samples class by class, and of that row every (samples / last)-th, as exactly as whole
// numbers allow: of each class its share, to within one.
static hd_status choose(const hd_env *env, const hd_data *of, const int64_t *order, int64_t last,
                        bool *chosen, hd_error *err) {
  int64_t samples = of->samples, sum = 0;
  int32_t *class_of = hd_alloc(env, (size_t)samples * sizeof *class_of);
  int64_t *start = hd_alloc(env, ((size_t)of->classes + 1) * sizeof *start);
  int64_t *row = hd_alloc_raw(env, (size_t)samples * sizeof *row);
  hd_status status = class_of && start && row ? read_classes(of, class_of, err)
                                              : hd_fail(err, HD_E_MEMORY, "split: memory is out");
  if (!status) {
    for (int64_t i = 0; i < samples; i++) start[class_of[i] + 1]++;
    for (int c = 0; c < of->classes; c++) start[c + 1] += start[c];
    for (int64_t i = 0; i < samples; i++) row[start[class_of[order[i]]]++] = order[i];
    for (int64_t i = 0; i < samples; i++) {
      chosen[row[i]] = (sum += last) >= samples;
      if (chosen[row[i]]) sum -= samples;
    }
  }
  hd_release(env, row);
  hd_release(env, start);
  hd_release(env, class_of);
  return status;
}

hd_status hd_data_split_stratified(const hd_env *env, const hd_data *of, double fraction,
                                   uint64_t seed, hd_data *train, hd_data *valid, hd_error *err) {
  *train = *valid = (hd_data){0};
  int64_t last, *order = NULL;
  hd_status status = last_part(of, fraction, &last, err);
  if (!status && !has_classes(of))
    status = hd_fail(err, HD_E_ARGUMENT,
                     "split: to stratify, the label must be a class, and here it is none");
  if (!status) status = shuffled(env, of, "split", seed, &order, err);
  if (status) return status;
  int64_t samples = of->samples, rest = 0, at = 0;
  int64_t *list = hd_alloc_raw(env, (size_t)samples * sizeof *list);  // fits: `order` did
  bool *chosen = hd_alloc(env, (size_t)samples * sizeof *chosen);
  status = list && chosen ? choose(env, of, order, last, chosen, err)
                          : hd_fail(err, HD_E_MEMORY, "split: memory is out");
  if (!status) {  // both parts in the order of the shuffle
    for (int64_t i = 0; i < samples; i++)
      if (!chosen[order[i]]) list[rest++] = order[i];
    for (int64_t i = 0; i < samples; i++)
      if (chosen[order[i]]) list[rest + at++] = order[i];
    status = two_views(env, of, list, rest, list + rest, at, train, valid, err);
  }
  hd_release(env, chosen);
  hd_release(env, list);
  hd_release(env, order);
  return status;
}

hd_status hd_data_fold(const hd_env *env, const hd_data *of, int fold, int folds, uint64_t seed,
                       hd_data *train, hd_data *test, hd_error *err) {
  *train = *test = (hd_data){0};
  int64_t samples = of ? of->samples : 0, *order = NULL;
  if (folds < 2 || folds > samples || fold < 0 || fold >= folds)
    return hd_fail(err, HD_E_ARGUMENT,
                   "fold %d of %d: folds are numbered from 0, at least 2, and at most one per "
                   "sample (%lld)",
                   fold, folds, (long long)samples);
  hd_status status = shuffled(env, of, "fold", seed, &order, err);
  if (status) return status;
  int32_t *class_of = hd_alloc(env, (size_t)samples * sizeof *class_of);  // fits: `order` did
  int32_t *fold_of = hd_alloc(env, (size_t)samples * sizeof *fold_of);
  if (!class_of || !fold_of) status = hd_fail(err, HD_E_MEMORY, "fold: memory is out");
  if (!status) status = read_classes(of, class_of, err);
  if (!status)
    status = deal(env, order, class_of, samples, HD_MAX(of->classes, 1), folds, fold_of, err);
  if (!status) {  // in the source's order: `test` from the front of the list, `train` after it
    int64_t tests = 0, at = 0;
    for (int64_t i = 0; i < samples; i++)
      if (fold_of[i] == fold) order[tests++] = i;
    for (int64_t i = 0; i < samples; i++)
      if (fold_of[i] != fold) order[tests + at++] = i;
    status = two_views(env, of, order + tests, at, order, tests, train, test, err);
  }
  hd_release(env, fold_of);
  hd_release(env, class_of);
  hd_release(env, order);
  return status;
}
