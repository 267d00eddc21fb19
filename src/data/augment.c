// Augmented data: a source whose training samples are drawn anew in every epoch.
//
//   sample -> warp (affine + elastic) -> color -> noise -> cutout --.
//   other  -> warp (affine + elastic) -> color -> noise -> cutout --+-> mixup or cutmix -> u8 or
//   f32
#define _POSIX_C_SOURCE 200809L
#include "augment.h"

#include <pthread.h>

#include "table.h"

// ---- Options ------------------------------------------------------------------------------------
static const char *const flips[] = {"none", "horizontal", "vertical", "both", NULL};
static const char *const edges[] = {"zero", "nearest", "reflect", NULL};

#define E hd_elastic_options
static const hd_field elastic_field[] = {
    HD_FIELD(E, alpha, REAL, .standard = "0", .low = 0, .high = 10000, .main = true,
             .help = "strength, pixels; 36 for MNIST; 0: off"),
    HD_FIELD(E, sigma, REAL, .standard = "6", .low = 0.1, .high = 1000,
             .help = "of the Gaussian that smooths the displacements, pixels")};
const hd_fields hd_elastic_fields = HD_FIELDS("elastic", E, elastic_field);

#define C hd_color_options
static const hd_field color_field[] = {
    HD_FIELD(C, brightness, REAL, .standard = "0", .low = 0, .high = 1, .main = true,
             .help = "times 1 - b .. 1 + b"),
    HD_FIELD(C, contrast, REAL, .standard = "0", .low = 0, .high = 1,
             .help = "distance from the mean grey times 1 - c .. 1 + c"),
    HD_FIELD(C, saturation, REAL, .standard = "0", .low = 0, .high = 1,
             .help = "distance from the pixel's grey times 1 - s .. 1 + s"),
    HD_FIELD(C, hue, REAL, .standard = "0", .low = 0, .high = 0.5,
             .help = "turn of the colours to either side; 0.5 is half a turn")};
const hd_fields hd_color_fields = HD_FIELDS("color", C, color_field);

#define U hd_cutout_options
static const hd_field cutout_field[] = {
    HD_FIELD(U, size, INT, .standard = "0", .low = 0, .high = 65535, .main = true,
             .help = "side of a square that is left out, pixels; 0: off"),
    HD_FIELD(U, count, INT, .standard = "1", .low = 1, .high = 1000, .help = "squares")};
const hd_fields hd_cutout_fields = HD_FIELDS("cutout", U, cutout_field);

#define A hd_augment_options
static const hd_field field[] = {
    HD_FIELD(A, rotate, REAL, .standard = "0", .low = 0, .high = 180,
             .help = "degrees to either side"),
    HD_FIELD(A, scale, REAL, .standard = "0", .low = 0, .high = 10,
             .help = "larger or smaller by a factor of up to 1 + scale"),
    HD_FIELD(A, translate, REAL, .standard = "0", .low = 0, .high = 1,
             .help = "along each axis, as a fraction of its length"),
    HD_FIELD(A, shear, REAL, .standard = "0", .low = 0, .high = 80,
             .help = "degrees to either side"),
    HD_FIELD(A, crop, INT, .standard = "0", .low = 0, .high = 65535,
             .help = "whole pixels along each axis: pad and crop"),
    HD_FIELD(A, flip, CHOICE, .standard = "none", .choices = flips,
             .help = "horizontal: left and right change places in half of the samples"),
    HD_FIELD(A, edge, CHOICE, .standard = "zero", .choices = edges,
             .help = "what comes in from outside"),
    {.name = "elastic",
     .kind = HD_FIELD_LIST,
     .count = 1,
     .standard = "",
     .help = "displacements: {alpha: 36, sigma: 6}"},
    {.name = "color",
     .kind = HD_FIELD_LIST,
     .count = 1,
     .standard = "",
     .help = "{brightness: 0.2, contrast: 0.2, saturation: 0.2, hue: 0.05}"},
    HD_FIELD(A, noise, REAL, .standard = "0", .low = 0, .high = 10,
             .help = "deviation of normal noise; 1 is the range from black to white"),
    {.name = "cutout",
     .kind = HD_FIELD_LIST,
     .count = 1,
     .standard = "",
     .help = "squares of zeros: {size: 8, count: 1}"},
    HD_FIELD(A, mixup, REAL, .standard = "0", .low = 0, .high = 1000,
             .help = "with another sample, in shares of Beta(mixup, mixup)"),
    HD_FIELD(A, cutmix, REAL, .standard = "0", .low = 0, .high = 1000,
             .help = "a rectangle of another sample, of Beta(cutmix, cutmix) of the area"),
    HD_FIELD(A, range, REAL, .standard = "255 for u8, 1 for f32", .low = 0, .high = 1e30,
             .help = "what is white")};
const hd_fields hd_augment_fields = HD_FIELDS("augment", A, field);

static hd_status check_table(const hd_fields *f, const void *options, hd_error *err) {
  for (int i = 0; i < f->count; i++) {
    const hd_field *one = &f->field[i];
    float real;
    int whole;
    if (one->kind == HD_FIELD_LIST) continue;
    memcpy(&real, (const char *)options + one->offset, sizeof real);
    memcpy(&whole, &real, sizeof whole);
    double v = one->kind == HD_FIELD_REAL ? (double)real : (double)whole;
    int choices = 0;
    while (one->choices && one->choices[choices]) choices++;
    double low = v == 0 ? 0 : one->low, high = one->choices ? choices - 1 : one->high;
    if (!(v >= low && v <= high))
      return hd_fail(err, HD_E_ARGUMENT, "%s: %s is %g, must be %g to %g", f->name, one->name, v,
                     one->low, high);
  }
  return HD_OK;
}

static hd_status check_options(const hd_augment_options *o, hd_error *err) {
  hd_status status = check_table(&hd_augment_fields, o, err);
  if (!status) status = check_table(&hd_elastic_fields, &o->elastic, err);
  if (!status) status = check_table(&hd_color_fields, &o->color, err);
  return status ? status : check_table(&hd_cutout_fields, &o->cutout, err);
}

// ---- The source ---------------------------------------------------------------------------------
typedef struct augmented {
  hd_env env;
  hd_data of;
  hd_augment_options o;
  hd_elastic elastic;
  hd_picture size;          // `at` unused
  int image, label, mix;    // columns; mix -1: none
  int64_t values, bytes;    // of an image
  bool byte;                // of u8
  pthread_mutex_t reading;  // `of` is read by one thread at a time
} augmented;

static hd_status read_one(augmented *a, int column, int64_t sample, void *to, hd_error *err) {
  pthread_mutex_lock(&a->reading);
  hd_status status = a->of.read(a->of.user, column, &sample, 1, to, err);
  pthread_mutex_unlock(&a->reading);
  return status;
}

// What a thread works with, in its scratch.
typedef struct work {
  float *picture[3];  // one before the warp, and two that are made
  float *dx, *dy, *other;
  uint8_t *raw;
} work;

static work work_of(const augmented *a, void *scratch) {
  const int64_t width = sizeof(float);
  int64_t picture = hd_round_up(a->values * width, 64) / width;
  int64_t plane =
      a->elastic.alpha > 0 ? hd_round_up(a->size.height * a->size.width * width, 64) / width : 0;
  float *at = scratch, *rest = at + 3 * picture;
  return (work){.picture = {at, at + picture, at + 2 * picture},
                .dx = rest,
                .dy = rest + plane,
                .other = rest + 2 * plane,
                .raw = (uint8_t *)(rest + 3 * plane)};
}

static int64_t work_bytes(const augmented *a) {
  const int64_t width = sizeof(float);
  int64_t planes = a->elastic.alpha > 0 ? 3 : 0;
  return 3 * hd_round_up(a->values * width, 64) +
         planes * hd_round_up(a->size.height * a->size.width * width, 64) +
         hd_round_up(a->values, 64);
}

// Sample number `sample` as the draw `at` has it. who: 0, or 1 for the one that is mixed in.
static hd_status make(augmented *a, const hd_draw *at, int who, int64_t sample, const work *w,
                      float *result, hd_error *err) {
  const hd_augment_options *o = &a->o;
  hd_picture from = a->size, to = a->size;
  bool warp = hd_warp_wanted(o), bend = o->elastic.alpha > 0;
  from.at = warp ? w->picture[0] : result, to.at = result;
  hd_status status = read_one(a, a->image, sample, a->byte ? (void *)w->raw : from.at, err);
  if (status) return status;
  for (int64_t i = 0; a->byte && i < a->values; i++) from.at[i] = (float)w->raw[i];
  if (bend)
    hd_elastic_draw(&a->elastic, to.height, to.width, hd_draw_key(at, "elastic", who), w->dx, w->dy,
                    w->other);
  if (warp) {
    hd_warp how = hd_warp_draw(o, &to, hd_draw_key(at, "warp", who));
    hd_warp_apply(&how, bend ? w->dx : NULL, bend ? w->dy : NULL, o->edge, &from, &to);
  }
  if (hd_color_wanted(&o->color)) hd_color_apply(&o->color, hd_draw_key(at, "color", who), &to);
  if (o->noise > 0) hd_noise_apply(o->noise * o->range, hd_draw_key(at, "noise", who), &to);
  if (o->cutout.size > 0) hd_cutout_apply(&o->cutout, hd_draw_key(at, "cutout", who), &to);
  return HD_OK;
}

static void put_image(const augmented *a, const float *from, void *to) {
  if (!a->byte) {
    memcpy(to, from, sizeof *from * (size_t)a->values);
    return;
  }
  for (int64_t i = 0; i < a->values; i++) {
    float v = from[i] > 0 ? HD_MIN(from[i], a->o.range) : 0;  // also NaN, of no byte
    ((uint8_t *)to)[i] = (uint8_t)(v + 0.5f);
  }
}

static hd_status put_shares(augmented *a, const hd_mix *m, int64_t sample, float *to,
                            hd_error *err) {
  int32_t label[2];
  float share[2] = {m ? m->share : 1, m ? 1 - m->share : 0};
  hd_status status = read_one(a, a->label, sample, &label[0], err);
  if (!status && m) status = read_one(a, a->label, m->other, &label[1], err);
  if (status) return status;
  memset(to, 0, sizeof *to * (size_t)a->of.classes);
  for (int i = 0; i < (m ? 2 : 1); i++) {
    if (label[i] < 0 || label[i] >= a->of.classes)
      return hd_fail(err, HD_E_FORMAT,
                     "augment: the label of sample %lld is %d; there are %d classes",
                     (long long)(i ? m->other : sample), (int)label[i], a->of.classes);
    to[label[i]] += share[i];
  }
  return HD_OK;
}

static hd_status augmented_draw(void *user, const hd_draw *at, void *const *to, void *scratch,
                                hd_error *err) {
  augmented *a = user;
  work w = work_of(a, scratch);
  hd_picture p = a->size, other = a->size;
  hd_mix mix;
  bool mixed = a->mix >= 0;
  hd_status status = HD_OK;
  p.at = w.picture[1], other.at = w.picture[2];
  if (mixed) mix = hd_mix_draw(&a->o, &p, a->of.samples, hd_draw_key(at, "mix", 0));
  if (to[a->image]) {
    status = make(a, at, 0, at->sample, &w, p.at, err);
    if (!status && mixed) status = make(a, at, 1, mix.other, &w, other.at, err);
    if (!status && mixed) hd_mix_apply(&mix, &p, &other);
    if (!status) put_image(a, p.at, to[a->image]);
  }
  for (int c = 0; c < a->of.columns && !status; c++)
    if (c != a->image && to[c]) status = read_one(a, c, at->sample, to[c], err);
  if (!status && mixed && to[a->mix]) status = put_shares(a, &mix, at->sample, to[a->mix], err);
  return status;
}

static hd_status augmented_read(void *user, int column, const int64_t *index, int64_t count,
                                void *to, hd_error *err) {
  augmented *a = user;
  if (column != a->mix || a->mix < 0) {
    pthread_mutex_lock(&a->reading);
    hd_status status = a->of.read(a->of.user, column, index, count, to, err);
    pthread_mutex_unlock(&a->reading);
    return status;
  }
  hd_status status = HD_OK;
  for (int64_t i = 0; i < count && !status; i++)
    status = put_shares(a, NULL, index[i], (float *)to + i * a->of.classes, err);
  return status;
}

static void augmented_free(void *user) {
  augmented *a = user;
  hd_env env = a->env;
  hd_elastic_close(&env, &a->elastic);
  pthread_mutex_destroy(&a->reading);
  hd_release(&env, a);
}

// ---- Opening ------------------------------------------------------------------------------------

static bool is_image(const hd_column *c) {
  const hd_shape *s = &c->type.shape;
  return (c->type.dtype == HD_U8 || c->type.dtype == HD_F32) && s->rank == 3 && s->d[0] > 0 &&
         s->d[1] > 0 && s->d[2] > 0;
}

static hd_status find_columns(augmented *a, hd_error *err) {
  const hd_data *of = &a->of;
  a->image = hd_data_column(of, "image"), a->mix = -1;
  if (a->image < 0 || !is_image(&of->column[a->image])) a->image = -1;
  for (int c = of->columns; a->image < 0 && c-- > 0;)
    if (is_image(&of->column[c])) a->image = c;
  if (a->image < 0)
    return hd_fail(err, HD_E_SHAPE,
                   "augment: the data has no images: no column of samples (H, W, C) u8 or f32");
  const hd_type *t = &of->column[a->image].type;
  a->size = (hd_picture){NULL, t->shape.d[0], t->shape.d[1], t->shape.d[2]};
  a->values = hd_shape_count(t->shape);
  a->byte = t->dtype == HD_U8;
  if (a->values < 1 || a->values > (int64_t)1 << 28)
    return hd_fail(err, HD_E_LIMIT, "augment: images of %lld values; the limit is %lld",
                   (long long)a->values, 1LL << 28);
  if (a->o.range <= 0) a->o.range = a->byte ? 255 : 1;
  if (a->byte && a->o.range > 255)
    return hd_fail(err, HD_E_ARGUMENT, "augment: range is %g; of u8 it is at most 255",
                   (double)a->o.range);
  if (!(a->o.mixup > 0 || a->o.cutmix > 0)) return HD_OK;
  a->label = hd_data_column(of, "label");
  const hd_type *l = a->label < 0 ? NULL : &of->column[a->label].type;
  if (!l || of->classes < 1 || l->dtype != HD_I32 || hd_shape_count(l->shape) != 1)
    return hd_fail(err, HD_E_ARGUMENT,
                   "augment: mixup and cutmix need classes in an i32 column \"label\"");
  if (hd_data_column(of, "mix") >= 0 || of->columns == HD_DATA_COLUMNS)
    return hd_fail(err, HD_E_ARGUMENT, "augment: no room for the column \"mix\" beside %d columns",
                   of->columns);
  a->mix = of->columns;
  return HD_OK;
}

hd_status(hd_data_augment)(const hd_env *env, const hd_data *of, hd_data *to, hd_error *err,
                           hd_augment_options o) {
  *to = (hd_data){0};
  if (!of || !of->read || of->samples < 1)
    return hd_fail(err, HD_E_ARGUMENT, "augment: the source has no samples");
  hd_status status = check_options(&o, err);
  if (status) return status;
  augmented *a = hd_alloc(env, sizeof *a);
  if (!a) return hd_fail(err, HD_E_MEMORY, "augment: memory is out");
  if (env) a->env = *env;
  a->of = *of;
  a->o = o;
  status = find_columns(a, err);
  if (!status) status = hd_elastic_open(env, &o.elastic, &a->elastic, err);
  if (!status && pthread_mutex_init(&a->reading, NULL)) {
    hd_elastic_close(env, &a->elastic);
    status = hd_fail(err, HD_E_MEMORY, "augment: no lock to be had");
  }
  if (status) {
    hd_release(env, a);
    return status;
  }
  *to = *of;
  to->user = a, to->read = augmented_read, to->free = augmented_free;
  to->draw = augmented_draw, to->draw_bytes = work_bytes(a);
  if (a->mix >= 0) to->column[to->columns++] = (hd_column){"mix", {HD_F32, HD_SHAPE(of->classes)}};
  return HD_OK;
}
