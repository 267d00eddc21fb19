// The store: names, growth, refusals, first values.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "store.h"

static void names_are_found(void **state) {
  (void)state;
  enum { MANY = 5000 };
  hd_memory memory = {0};
  hd_env env = {.threads = 1, .memory = &memory};
  hd_store *s = hd_store_new(&env);
  char name[32];
  for (int i = 0; i < MANY; i++) {
    const hd_parameter *p;
    snprintf(name, sizeof name, "layer_%d/weight", i);
    assert_int_equal(
        hd_store_put(s, name, HD_WEIGHT, (hd_type){HD_F32, HD_SHAPE(1 + i % 3)}, &p, NULL), HD_OK);
    ((float *)p->data)[0] = (float)i;
  }
  assert_int_equal(hd_store_count(s), MANY);
  for (int i = 0; i < MANY; i++) {
    snprintf(name, sizeof name, "layer_%d/weight", i);
    const hd_parameter *p = hd_store_find(s, name);
    assert_non_null(p);
    assert_ptr_equal(p, hd_store_at(s, i));  // in the order they were made, and never moved
    assert_true(((float *)p->data)[0] == (float)i);
  }
  assert_null(hd_store_find(s, "layer_5000/weight"));
  hd_store_cut(s, 10);
  assert_int_equal(hd_store_count(s), 10);
  assert_non_null(hd_store_find(s, "layer_9/weight"));
  assert_null(hd_store_find(s, "layer_10/weight"));
  hd_store_free(s);
  assert_int_equal(memory.bytes, 0);
}

static void another_shape_is_refused(void **state) {
  (void)state;
  hd_store *s = hd_store_new(&(hd_env){.threads = 1});
  hd_error err = {0};
  assert_int_equal(hd_store_put(s, "w", HD_WEIGHT, (hd_type){HD_F32, HD_SHAPE(2, 3)}, NULL, &err),
                   HD_OK);
  assert_int_equal(hd_store_put(s, "w", HD_WEIGHT, (hd_type){HD_F32, HD_SHAPE(3, 2)}, NULL, &err),
                   HD_E_SHAPE);
  assert_non_null(strstr(err.text, "\"w\""));
  assert_non_null(strstr(err.text, "(2, 3)"));
  assert_non_null(strstr(err.text, "(3, 2)"));
  assert_int_equal(
      hd_store_put(s, "huge", HD_WEIGHT, (hd_type){HD_F32, HD_SHAPE(INT64_MAX, 8)}, NULL, &err),
      HD_E_SHAPE);
  assert_int_equal(hd_store_count(s), 1);
  hd_store_free(s);
  s = hd_store_new(&(hd_env){.threads = 1, .cpu = "pentium"});
  assert_non_null(strstr(hd_store_error(s), "pentium"));
  assert_int_equal(hd_store_put(s, "w", HD_WEIGHT, (hd_type){HD_F32, {0}}, NULL, &err),
                   HD_E_ARGUMENT);
  hd_store_free(s);
  hd_store_free(NULL);
}

// Mean and variance of each initialiser against its formula; the bits depend on (seed, name) alone.
static void first_values(void **state) {
  (void)state;
  const hd_shape shape = HD_SHAPE(5, 5, 20, 30);  // fan in 500, fan out 750
  const struct {
    hd_init init;
    double mean, variance;
  } want[] = {{{HD_ZEROS, 0, 0}, 0, 0},
              {{HD_ONES, 0, 0}, 1, 0},
              {{HD_CONSTANT, 2.5f, 0}, 2.5, 0},
              {{HD_UNIFORM, -1, 3}, 1, 16.0 / 12},
              {{HD_NORMAL, 1, 2}, 1, 4},
              {{HD_LECUN_UNIFORM, 0, 0}, 0, 1.0 / 500},
              {{HD_LECUN_NORMAL, 0, 0}, 0, 1.0 / 500},
              {{HD_GLOROT_UNIFORM, 0, 0}, 0, 2.0 / 1250},
              {{HD_GLOROT_NORMAL, 0, 0}, 0, 2.0 / 1250},
              {{HD_HE_UNIFORM, 0, 0}, 0, 2.0 / 500},
              {{HD_HE_NORMAL, 0, 0}, 0, 2.0 / 500},
              {{HD_TRUNCATED_NORMAL, 1, 2}, 1, 4 * 0.7737413},
              {{HD_ORTHOGONAL, 0, 0}, 0, 1.0 / 500},
              {{HD_SPARSE, 200, 2}, 0, 4 * 200.0 / 500}};
  for (size_t i = 0; i < HD_COUNT(want); i++) {
    hd_store *s = hd_store_new(&(hd_env){.threads = 1}), *t = hd_store_new(&(hd_env){.threads = 2});
    hd_parameter *p, *q, *other;
    hd_store_seed(s, 7), hd_store_seed(t, 7);
    hd_type type = {HD_F32, shape};
    assert_int_equal(hd_store_variable(s, "w", HD_WEIGHT, type, want[i].init, &p, NULL), HD_OK);
    assert_int_equal(hd_store_variable(t, "v", HD_WEIGHT, type, want[i].init, &other, NULL), HD_OK);
    assert_int_equal(hd_store_variable(t, "w", HD_WEIGHT, type, want[i].init, &q, NULL), HD_OK);
    int64_t n = hd_shape_count(shape);
    assert_memory_equal(p->data, q->data, (size_t)n * sizeof(float));
    if (want[i].variance > 0)
      assert_memory_not_equal(p->data, other->data, (size_t)n * sizeof(float));
    double sum = 0, square = 0;
    for (int64_t k = 0; k < n; k++) sum += ((float *)p->data)[k];
    for (int64_t k = 0; k < n; k++) square += pow(((float *)p->data)[k] - sum / (double)n, 2);
    double sigma = sqrt(want[i].variance);
    assert_true(fabs(sum / (double)n - want[i].mean) <= 5 * sigma / sqrt((double)n));
    assert_true(fabs(square / (double)n - want[i].variance) <= 0.05 * want[i].variance);
    hd_store_free(s);
    hd_store_free(t);
  }
}

// Orthogonal columns or rows, whichever are fewer; so many weights of each unit; nothing beyond two
// deviations.
static void special_first_values(void **state) {
  (void)state;
  hd_store *s = hd_store_new(NULL);
  for (int c = 0; c < 2; c++) {
    hd_parameter *p;
    int rows = c ? 7 : 40, columns = c ? 30 : 12, few = c ? 7 : 12;
    hd_type type = {HD_F32, HD_SHAPE(rows, columns)};
    assert_int_equal(hd_store_variable(s, c ? "wide" : "tall", HD_WEIGHT, type,
                                       (hd_init){HD_ORTHOGONAL, 0, 0}, &p, NULL),
                     HD_OK);
    const float *w = p->data;
    for (int i = 0; i < few; i++)
      for (int j = 0; j < few; j++) {
        double dot = 0;
        for (int k = 0; k < (c ? columns : rows); k++)
          dot += (double)(c ? w[i * columns + k] : w[k * columns + i]) *
                 (c ? w[j * columns + k] : w[k * columns + j]);
        assert_true(fabs(dot - (i == j)) < 1e-6);
      }
  }
  hd_parameter *p;
  assert_int_equal(hd_store_variable(s, "sparse", HD_WEIGHT, (hd_type){HD_F32, HD_SHAPE(50, 8)},
                                     (hd_init){HD_SPARSE, 15, 1}, &p, NULL),
                   HD_OK);
  for (int j = 0; j < 8; j++) {
    int there = 0;
    for (int i = 0; i < 50; i++) there += ((float *)p->data)[i * 8 + j] != 0;
    assert_int_equal(there, 15);
  }
  assert_int_equal(hd_store_variable(s, "cut", HD_WEIGHT, (hd_type){HD_F32, HD_SHAPE(4000)},
                                     (hd_init){HD_TRUNCATED_NORMAL, 1, 0.5f}, &p, NULL),
                   HD_OK);
  for (int i = 0; i < 4000; i++) assert_true(fabs(((float *)p->data)[i] - 1) <= 1.0001);
  hd_store_free(s);
}

// Weights, statistics and what is carried; values of its own; and the original's threads.
static void a_copy_keeps_what_was(void **state) {
  (void)state;
  hd_error err = {0};
  hd_store *s = hd_store_new(&(hd_env){.threads = 2});
  static const char *const names[] = {"w", "mean", "momentum", "h"};
  const hd_parameter *p[4];
  hd_store_seed(s, 9), hd_store_set_step(s, 33);
  for (int role = HD_WEIGHT; role <= HD_CARRIED; role++) {
    assert_int_equal(
        hd_store_put(s, names[role], (hd_role)role, (hd_type){HD_F32, HD_SHAPE(3)}, &p[role], NULL),
        HD_OK);
    ((float *)p[role]->data)[2] = (float)role + 1;
  }
  hd_store *copy = hd_store_copy(s, &err);
  assert_non_null(copy);
  ((float *)p[0]->data)[2] = 7;
  assert_int_equal(hd_store_count(copy), 3);
  assert_null(hd_store_find(copy, "momentum"));
  assert_true(((float *)hd_store_find(copy, "w")->data)[2] == 1);
  assert_true(((float *)hd_store_find(copy, "h")->data)[2] == 4);
  assert_true(hd_store_find(copy, "mean")->role == HD_STATISTIC && hd_store_step(copy) == 33);
  assert_true(copy->pool == s->pool && copy->seed == 9);
  hd_store_free(copy);
  hd_store_free(s);
  assert_null(hd_store_copy(NULL, &err));
  assert_non_null(strstr(err.text, "no store"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_are_found), cmocka_unit_test(another_shape_is_refused),
      cmocka_unit_test(a_copy_keeps_what_was), cmocka_unit_test(first_values),
      cmocka_unit_test(special_first_values)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
