// Cross entropy of more rows than one part takes: loss and gradient against the formula in double.
#include "../../test/net.h"

enum { ROWS = 701, K = 37 };

static void many_rows(void **state) {
  (void)state;
  net n = net_new(NULL);
  hd_val x = hd_input(n.g, "x", HD_F32, HD_SHAPE(HD_BATCH, K)),
         t = hd_input(n.g, "t", HD_I32, HD_SHAPE(HD_BATCH)),
         w = hd_input(n.g, "w", HD_F32, HD_SHAPE(HD_BATCH));
  hd_val loss = hd_op_cross_entropy(x, t), dx = hd_gradient(hd_sum(hd_mul(loss, w)), x);
  net_compile(&n, (hd_compile_options){.fetch = {loss, dx}, .batch = ROWS, .mode = HD_TRAIN});
  net_fill(&n, "x", 1);
  net_fill(&n, "w", 2);
  const float *at = hd_workspace_input(n.w, "x", NULL),
              *weight = hd_workspace_input(n.w, "w", NULL);
  int32_t *label = hd_workspace_input(n.w, "t", NULL);
  for (int r = 0; r < ROWS; r++) label[r] = r * 7 % K;
  label[ROWS - 3] = K;  // is no class
  net_run(&n);
  for (int r = 0; r < ROWS; r++) {
    double sum = 0, got = (double)net_out(&n, 0)[r];
    for (int k = 0; k < K; k++) sum += exp((double)at[r * K + k]);
    if (label[r] == K) assert_true(got == (double)INFINITY);
    else assert_true(fabs(got - log(sum) + (double)at[r * K + label[r]]) < 2e-6);
    for (int k = 0; k < K; k++) {
      double p = exp((double)at[r * K + k]) / sum - (k == label[r]), dy = (double)weight[r];
      assert_true(fabs((double)net_out(&n, 1)[r * K + k] - p * dy) < 1e-6);
    }
  }
  net_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(many_rows)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
