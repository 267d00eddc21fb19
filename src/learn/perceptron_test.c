// The perceptron rule: iris, XOR, a trace by hand, refusals.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>

#include "../../test/faults.h"
#include "search.h"

static hd_data set(const hd_env *env, const char *name) {
  hd_data d = {0};
  hd_error err = {0};
  if (hd_data_open(env, name, "train", &d, &err)) fail_msg("%s", err.text);
  return d;
}

// Setosa is separable from the rest, in few epochs; the two others are not.
static void iris(void **state) {
  (void)state;
  hd_data d = set(NULL, "iris");
  hd_perceptron_result r;
  hd_error err = {0};
  assert_int_equal(hd_perceptron(NULL, &d, &r, &err, .epochs = 300), HD_OK);
  assert_int_equal(r.units, 3);
  assert_int_equal(r.inputs, 4);
  const hd_perceptron_unit *u = r.unit;
  assert_true(u[0].separated && u[0].epochs < 20);
  assert_int_equal(u[0].errors[u[0].epochs - 1], 0);
  for (int i = 0; i < u[0].epochs - 1; i++) assert_true(u[0].errors[i] > 0);
  assert_false(u[1].separated || u[2].separated || r.separated);
  assert_int_equal(u[1].epochs, 300);
  int apart = 0;
  for (int64_t i = 0; i < d.samples; i++) {
    float x[4];
    int32_t label;
    assert_int_equal(d.read(d.user, 0, &i, 1, x, NULL), HD_OK);
    assert_int_equal(d.read(d.user, 1, &i, 1, &label, NULL), HD_OK);
    double sum[3];
    for (int j = 0; j < 3; j++) {
      sum[j] = u[j].bias;
      for (int k = 0; k < 4; k++) sum[j] += u[j].weight[k] * (double)x[k];
    }
    apart += (sum[0] > 0) == (label == 0);
    for (int j = 0, c = hd_perceptron_class(&r, x); j < 3; j++) assert_true(sum[c] >= sum[j]);
  }
  assert_int_equal(apart, 150);
  hd_perceptron_free(&r);
  hd_perceptron_free(&r);
  hd_data_free(&d);
}

// No line separates XOR: the weights come round, which proves it.
static void exclusive_or(void **state) {
  (void)state;
  hd_data d = set(NULL, "xor");
  hd_perceptron_result r;
  hd_error err = {0};
  assert_int_equal(hd_perceptron(NULL, &d, &r, &err), HD_OK);
  assert_int_equal(r.units, 1);
  assert_false(r.separated || r.unit->separated);
  assert_true(r.unit->cycles && r.unit->epochs < 100);
  for (int i = 0; i < r.unit->epochs; i++) assert_true(r.unit->errors[i] > 0);
  hd_perceptron_free(&r);
  hd_data_free(&d);
}

typedef struct {
  float x[4][2];
  int32_t label[4];
  hd_data data;
} four;
static const hd_data *table(four *f, const hd_env *env) {
  static const char *const names[] = {"x", "label"};
  hd_tensor t[] = {{.dtype = HD_F32, .shape = HD_SHAPE(4, 2), .data = f->x},
                   {.dtype = HD_I32, .shape = HD_SHAPE(4), .data = f->label}};
  return hd_data_from_tensors(env, names, t, 2, &f->data, NULL) ? NULL : &f->data;
}

// AND with eta 0.5: errors, w and b after each epoch, as found on paper.
static void by_hand(void **state) {
  (void)state;
  four f = {.x = {{0, 0}, {0, 1}, {1, 0}, {1, 1}}, .label = {0, 0, 0, 1}};
  const struct {
    int errors;
    double w[2], b;
  } want[] = {{1, {0.5, 0.5}, 0.5}, {3, {1, 0.5}, 0},  {3, {1, 0.5}, -0.5},
              {2, {1, 1}, -0.5},    {1, {1, 0.5}, -1}, {0, {1, 0.5}, -1}};
  const hd_data *d = table(&f, NULL);
  assert_non_null(d);
  for (int epochs = 1; epochs <= 6; epochs++) {
    hd_perceptron_result r;
    hd_error err = {0};
    if (hd_perceptron(NULL, d, &r, &err, .eta = 0.5, .epochs = epochs)) fail_msg("%s", err.text);
    assert_true(r.unit->weight[0] == want[epochs - 1].w[0]);
    assert_true(r.unit->weight[1] == want[epochs - 1].w[1]);
    assert_true(r.unit->bias == want[epochs - 1].b);
    assert_int_equal(r.unit->errors[epochs - 1], want[epochs - 1].errors);
    assert_int_equal(r.separated, epochs == 6);
    hd_perceptron_free(&r);
  }
  hd_data_free(&f.data);
}

static void refused(const hd_data *d, hd_perceptron_options o, const char *text) {
  hd_perceptron_result r;
  hd_error err = {0};
  hd_status status = (hd_perceptron)(NULL, d, &r, &err, o);
  if (!status || !strstr(err.text, text)) fail_msg("got \"%s\", expected \"%s\"", err.text, text);
  assert_null(r.unit);
}
static void refusals(void **state) {
  (void)state;
  four f = {.label = {0, 1, 0, 1}};
  const hd_data *d = table(&f, NULL);
  hd_data none = {0};
  refused(NULL, (hd_perceptron_options){0}, "no samples");
  refused(&none, (hd_perceptron_options){0}, "no samples");
  refused(d, (hd_perceptron_options){.eta = -1}, "eta is -1");
  refused(d, (hd_perceptron_options){.eta = NAN}, "eta is nan");
  refused(d, (hd_perceptron_options){.epochs = -1}, "epochs is -1");
  refused(d, (hd_perceptron_options){.x = "image"}, "no column \"image\"");
  refused(d, (hd_perceptron_options){.x = "label"}, "must be f32 (D)");
  refused(d, (hd_perceptron_options){.label = "x"}, "must be i32 ()");
  f.x[2][1] = NAN;
  refused(d, (hd_perceptron_options){0}, "sample 2: input 1 is nan");
  f.x[2][1] = 0;
  f.label[3] = -1;
  refused(d, (hd_perceptron_options){0}, "sample 3 is of class -1");
  f.label[3] = 2;
  f.data.classes = 2;
  refused(d, (hd_perceptron_options){0}, "must be from 0 to 1");
  hd_data_free(&f.data);
}

static const char *run(const hd_env *env, void *arg) {
  four f = {.x = {{0, 0}, {0, 1}, {1, 0}, {1, 1}}, .label = {0, 1, 2, 1}};
  hd_perceptron_result r;
  hd_error err = {0};
  (void)arg;
  const hd_data *d = table(&f, env);
  if (!d) return NULL;
  hd_status status = hd_perceptron(env, d, &r, &err);
  bool good =
      status ? status == HD_E_MEMORY && strstr(err.text, "memory is out") && !r.unit : r.units == 3;
  hd_perceptron_free(&r);
  hd_data_free(&f.data);
  return good ? NULL : "a wrong answer";
}
static void without_memory(void **state) {
  (void)state;
  int64_t runs = 0;
  const char *wrong = faults_each(run, NULL, 0, &runs);
  if (wrong) fail_msg("%s", wrong);
  assert_true(runs > 6);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(iris), cmocka_unit_test(exclusive_or),
                                     cmocka_unit_test(by_hand), cmocka_unit_test(refusals),
                                     cmocka_unit_test(without_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
