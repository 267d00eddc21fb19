// A layer against a loop in double, and its gradients against differences.
#ifndef NN_LAYER_TEST_H
#define NN_LAYER_TEST_H

#include "network_test.h"

typedef struct trial {
  hd_shape shape;              // of x
  hd_val (*make)(hd_val x);    // the layer
  double (*input)(int64_t k);  // element k of x; NULL: wave(0, k)
  void (*literal)(const double *x, double *y);
  bool no_dx;  // x is an index
} trial;

// What the tests give x (i = 0) and its weights, i = 1, 2 ... in the order of hd_weights.
static inline double wave(int i, int64_t k) {
  return i ? 0.8 + 0.5 * sin(1.3 * i + 0.7 * (double)k) : sin(1.7 * (double)k + 0.3) + 0.25;
}

static inline double *weight_of(const network *n, hd_val w) {
  return hd_store_find(n->store, hd_node_of(w)->variable->name)->data;
}

static inline void check_literal(const trial *t, hd_dtype dtype, double bound) {
  network n = begin();
  hd_val x = hd_input(n.g, "x", dtype, t->shape), y = t->make(x), w[4];
  int weights = hd_weights(y, w, 4);
  int64_t size = hd_shape_count(t->shape);
  double in[512], want[512];
  compile(&n, &y, 1);
  for (int i = 0; i < weights; i++) {
    double *p = weight_of(&n, w[i]);
    for (int64_t k = 0; k < hd_shape_count(hd_val_type(w[i]).shape); k++)
      if (dtype == HD_F64) p[k] = wave(i + 1, k);
      else ((float *)p)[k] = (float)wave(i + 1, k);
  }
  assert_true(size <= 512 && hd_shape_count(hd_val_type(y).shape) <= 512);
  for (int64_t k = 0; k < size; k++) give(&n, "x", k, in[k] = t->input ? t->input(k) : wave(0, k));
  t->literal(in, want);
  run(&n);
  for (int64_t k = 0; k < hd_shape_count(hd_val_type(y).shape); k++)
    near("y", out(&n, 0, k), want[k], bound);
  end(&n);
}

// d(sum of y times a wave) in every element of x and of the weights, by five points.
static inline void check_gradients(const trial *t) {
  network n = begin();
  hd_val x = hd_input(n.g, "x", HD_F64, t->shape), y = t->make(x), of[6] = {x}, d[6], fetch[7];
  hd_val dy = hd_input(n.g, "dy", HD_F64, hd_val_type(y).shape), loss = hd_sum(hd_mul(y, dy));
  int count = 1 + hd_weights(y, of + 1, 5), first = t->no_dx;
  assert_int_equal(hd_gradients(loss, (hd_val){0}, of + first, count - first, d + first), HD_OK);
  fetch[0] = loss;
  for (int i = first; i < count; i++) fetch[1 + i - first] = d[i];
  compile(&n, fetch, 1 + count - first);
  double *at[6] = {hd_workspace_input(n.w, "x", NULL)};
  for (int i = 1; i < count; i++) at[i] = weight_of(&n, of[i]);
  for (int i = 0; i < count; i++)
    for (int64_t k = 0; k < hd_shape_count(hd_val_type(of[i]).shape); k++)
      at[i][k] = !i && t->input ? t->input(k) : wave(i, k);
  for (int64_t k = 0; k < hd_shape_count(hd_val_type(y).shape); k++)
    give(&n, "dy", k, cos(0.9 * (double)k));
  for (int i = first; i < count; i++) {
    int64_t size = hd_shape_count(hd_val_type(of[i]).shape);
    double got[512], most = 0;
    assert_true(size <= 512);
    run(&n);
    for (int64_t k = 0; k < size; k++) {
      got[k] = out(&n, 1 + i - first, k);
      most = fmax(most, fabs(got[k]));
    }
    assert_true(most > 1e-3);
    for (int64_t k = 0; k < size; k++) {
      static const double factor[] = {1, -8, 0, 8, -1};
      double before = at[i][k], h = 1e-3, slope = 0;
      for (int side = 0; side < 5; side++) {
        if (side == 2) continue;
        at[i][k] = before + (side - 2) * h;
        run(&n);
        slope += factor[side] * out(&n, 0, 0) / (12 * h);
      }
      at[i][k] = before;
      near("gradient", got[k], slope, 1e-8);
    }
  }
  end(&n);
}

static inline void check_layer(const trial *t) {
  check_literal(t, HD_F64, 1e-13);
  check_literal(t, HD_F32, 1e-5);
  check_gradients(t);
}

#endif
