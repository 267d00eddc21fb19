// The perceptron rule: a unit with a step, moved by its errors alone.
#include <math.h>

#include "search.h"

typedef struct samples {
  int64_t count;
  int inputs, classes;
  float *x;        // (count, inputs)
  int32_t *label;  // (count)
} samples;

static double net(const double *w, const float *x, int inputs) {
  double sum = w[inputs];  // the bias is the last
  for (int i = 0; i < inputs; i++) sum += w[i] * (double)x[i];
  return sum;
}

// One pass; how many samples were wrong when they were met.
static int32_t epoch(double *w, const samples *s, int32_t positive, double eta) {
  int32_t errors = 0;
  for (int64_t k = 0; k < s->count; k++) {
    const float *x = s->x + k * s->inputs;
    int y = net(w, x, s->inputs) > 0, t = s->label[k] == positive;
    if (t == y) continue;
    errors++;
    for (int i = 0; i < s->inputs; i++) w[i] += eta * (t - y) * (double)x[i];
    w[s->inputs] += eta * (t - y);
  }
  return errors;
}

// The rule is the same function of the weights in each epoch. So weights that come back come back
// for ever; one old copy, renewed at every power of two, meets any circle (Brent 1980).
static void train(hd_perceptron_unit *u, double *w, double *old, int32_t *errors, const samples *s,
                  int32_t positive, const hd_perceptron_options *o) {
  size_t bytes = sizeof *w * ((size_t)s->inputs + 1);
  int64_t renew = 1;
  memcpy(old, w, bytes);
  while (u->epochs < o->epochs && !u->separated && !u->cycles) {
    int32_t wrong = errors[u->epochs++] = epoch(w, s, positive, o->eta);
    u->separated = wrong == 0;
    u->cycles = wrong && !memcmp(old, w, bytes);
    if (u->epochs == renew) memcpy(old, w, bytes), renew *= 2;
  }
  u->weight = w;
  u->bias = w[s->inputs];
  u->errors = errors;
}

static hd_status columns(const hd_data *data, const hd_perceptron_options *o, int *x, int *label,
                         hd_error *err) {
  char text[96];
  *x = hd_data_column(data, o->x);
  *label = hd_data_column(data, o->label);
  if (*x < 0 || *label < 0)
    return hd_fail(err, HD_E_NOT_FOUND, "perceptron: the data has no column \"%s\"; name it by .%s",
                   *x < 0 ? o->x : o->label, *x < 0 ? "x" : "label");
  const hd_type *t = &data->column[*x].type;
  if (t->dtype != HD_F32 || t->shape.rank != 1 || t->shape.d[0] < 1 || t->shape.d[0] >= INT32_MAX)
    return hd_fail(err, HD_E_SHAPE, "perceptron: \"%s\" has samples of %s %s, must be f32 (D)",
                   o->x, hd_dtype_name(t->dtype), hd_shape_text(t->shape, text, sizeof text));
  t = &data->column[*label].type;
  if (t->dtype != HD_I32 || t->shape.rank)
    return hd_fail(err, HD_E_SHAPE, "perceptron: \"%s\" has samples of %s %s, must be i32 ()",
                   o->label, hd_dtype_name(t->dtype), hd_shape_text(t->shape, text, sizeof text));
  return HD_OK;
}

// All samples, in their order.
static hd_status load(const hd_env *env, const hd_data *data, const hd_perceptron_options *o,
                      samples *s, hd_error *err) {
  int64_t index[256], bytes;
  int x, label;
  hd_status status = columns(data, o, &x, &label, err);
  if (status) return status;
  s->inputs = (int)data->column[x].type.shape.d[0];
  s->count = data->samples;
  if (hd_mul_size(s->count, s->inputs, &bytes) && hd_mul_size(bytes, sizeof *s->x, &bytes))
    s->x = hd_alloc_raw(env, (size_t)bytes);
  if (hd_mul_size(s->count, sizeof *s->label, &bytes)) s->label = hd_alloc_raw(env, (size_t)bytes);
  if (!s->x || !s->label)
    return hd_fail(err, HD_E_MEMORY, "perceptron: memory is out for %lld samples",
                   (long long)s->count);
  for (int64_t at = 0, n; at < s->count && !status; at += n) {
    n = HD_MIN(s->count - at, (int64_t)HD_COUNT(index));
    for (int64_t i = 0; i < n; i++) index[i] = at + i;
    status = data->read(data->user, x, index, n, s->x + at * s->inputs, err);
    if (!status) status = data->read(data->user, label, index, n, s->label + at, err);
  }
  for (int64_t i = 0; !status && i < s->count * s->inputs; i++)
    if (!isfinite(s->x[i]))
      return hd_fail(err, HD_E_FORMAT, "perceptron: sample %lld: input %lld is %g, must be finite",
                     (long long)(i / s->inputs), (long long)(i % s->inputs), (double)s->x[i]);
  s->classes = data->classes;
  for (int64_t i = 0; !status && i < s->count; i++) {
    int32_t c = s->label[i];
    if (c < 0 || c > 65535 || (data->classes && c >= data->classes))
      return hd_fail(err, HD_E_FORMAT,
                     "perceptron: sample %lld is of class %d, must be from 0 to %d", (long long)i,
                     c, data->classes ? data->classes - 1 : 65535);
    if (!data->classes) s->classes = HD_MAX(s->classes, c + 1);
  }
  return status;
}

static hd_status learn(const hd_env *env, const samples *s, const hd_perceptron_options *o,
                       hd_perceptron_result *to, hd_error *err) {
  int64_t row = s->inputs + 1, units = s->classes > 2 ? s->classes : 1, words, bytes, all = 0;
  // Units, their weights and one copy, their errors.
  bool fits = hd_mul_size(units + 1, row, &words) && hd_mul_size(words, sizeof(double), &words) &&
              hd_mul_size(units, o->epochs, &bytes) &&
              hd_mul_size(bytes, sizeof(int32_t), &bytes) && hd_add_size(words, bytes, &all) &&
              hd_add_size(all, units * (int64_t)sizeof(hd_perceptron_unit), &all);
  hd_perceptron_unit *unit = fits ? hd_alloc(env, (size_t)all) : NULL;
  if (!unit)
    return hd_fail(err, HD_E_MEMORY, "perceptron: memory is out for %lld units of %d inputs",
                   (long long)units, s->inputs);
  double *w = (double *)(unit + units), *old = w + units * row;
  int32_t *errors = (int32_t *)(old + row);
  *to = (hd_perceptron_result){
      .inputs = s->inputs, .units = (int)units, .unit = unit, .separated = true};
  if (env) to->env = *env;
  for (int64_t k = 0; k < units; k++) {
    train(&unit[k], w + k * row, old, errors + k * o->epochs, s, units > 1 ? (int32_t)k : 1, o);
    to->separated &= unit[k].separated;
  }
  return HD_OK;
}

hd_status(hd_perceptron)(const hd_env *env, const hd_data *data, hd_perceptron_result *to,
                         hd_error *err, hd_perceptron_options o) {
  *to = (hd_perceptron_result){0};
  if (!data || data->samples < 1 || !data->read)
    return hd_fail(err, HD_E_ARGUMENT, "perceptron: the data has no samples");
  if (!o.x) o.x = "x";
  if (!o.label) o.label = "label";
  if (!o.eta) o.eta = 1;
  if (!o.epochs) o.epochs = 100;
  if (!(o.eta > 0 && isfinite(o.eta)))
    return hd_fail(err, HD_E_ARGUMENT, "perceptron: eta is %g, must be positive", o.eta);
  if (o.epochs < 0)
    return hd_fail(err, HD_E_ARGUMENT, "perceptron: epochs is %d, must be positive", o.epochs);
  samples s = {0};
  hd_status status = load(env, data, &o, &s, err);
  if (!status) status = learn(env, &s, &o, to, err);
  hd_release(env, s.x);
  hd_release(env, s.label);
  return status;
}

void hd_perceptron_free(hd_perceptron_result *r) {
  if (!r) return;
  hd_release(&r->env, r->unit);
  *r = (hd_perceptron_result){0};
}

int hd_perceptron_class(const hd_perceptron_result *r, const float *x) {
  int best = 0;
  double most = 0;
  for (int k = 0; k < r->units; k++) {
    double sum = net(r->unit[k].weight, x, r->inputs);
    if (r->units == 1) return sum > 0;
    if (k == 0 || sum > most) best = k, most = sum;
  }
  return best;
}
