// Causal self-attention with several heads (Vaswani et al. 2017): batched products, a mask by
// select, softmax. Its gradient, that no position sees a later one, and that it learns.
#include "net.h"

enum { T = 7, D = 8, HEADS = 2, K = D / HEADS, V = 5 };

static hd_val heads(hd_val x, const char *name) {  // (N, T, D) -> (N, heads, T, K)
  hd_val y = hd_dense(x, .units = D, .no_bias = true, .name = name);
  return hd_transpose(hd_reshape(y, HD_SHAPE(HD_BATCH, T, HEADS, K)), HD_SHAPE(0, 2, 1, 3));
}

static hd_val attention(hd_val x) {
  float lower[T * T];
  for (int i = 0; i < T * T; i++) lower[i] = i % T <= i / T;
  hd_val zero = hd_constant(x.graph, HD_F32, HD_SHAPE(1), &(float){0});
  hd_val seen = hd_greater(hd_constant(x.graph, HD_F32, HD_SHAPE(T, T), lower), zero);
  hd_val score = hd_scale(hd_matmul(heads(x, "query"), heads(x, "key"), .tb = true), 1 / sqrt(K));
  hd_val share = hd_softmax(hd_select(seen, score, hd_scalar_like(x, -1e9)));
  hd_val y = hd_transpose(hd_matmul(share, heads(x, "value")), HD_SHAPE(0, 2, 1, 3));
  return hd_dense(hd_reshape(y, HD_SHAPE(HD_BATCH, T, D)), .units = D);
}

// One block: attention and a small net, each around a residual path.
static hd_val block(hd_val x) {
  x = hd_add(x, attention(x));
  return hd_add(x, hd_dense(hd_tanh(hd_dense(x, .units = 2 * D)), .units = D));
}

static void give(const net *n) { net_fill(n, "x", 1), net_fill(n, "t", 2); }

static void gradient(void **state) {
  (void)state;
  net n = net_new(NULL);
  hd_val x = hd_input(n.g, "x", HD_F64, HD_SHAPE(HD_BATCH, T, D));
  hd_val t = hd_input(n.g, "t", HD_F64, HD_SHAPE(HD_BATCH, T, D));
  hd_val y = block(x);
  hd_val loss = hd_mse(hd_apply(y, x, y), t);  // twice the same block, as in universal transformers
  double error = net_gradient_error(&n, loss, (hd_compile_options){.batch = 3}, 1e-3, give);
  if (!(error < 1e-6)) fail_msg("relative error %g", error);
  net_free(&n);
}

static void no_position_sees_a_later_one(void **state) {
  (void)state;
  net n = net_new(NULL);
  hd_val x = hd_input(n.g, "x", HD_F32, HD_SHAPE(HD_BATCH, T, D)), y = block(x);
  net_compile(&n, (hd_compile_options){.fetch = {y}, .batch = 2});
  net_fill(&n, "x", 1);
  net_run(&n);
  float before[2 * T * D];
  memcpy(before, net_out(&n, 0), sizeof before);
  ((float *)hd_workspace_input(n.w, "x", NULL))[4 * D + 3] += 0.5f;  // sample 0, position 4
  net_run(&n);
  for (int p = 0; p < 2 * T; p++) {
    bool same = !memcmp(before + p * D, net_out(&n, 0) + p * D, D * sizeof(float));
    if (same != (p < 4 || p >= T)) fail_msg("position %d", p);
  }
  net_free(&n);
}

// The next token is the one two before: only attention to the past can know it.
static void it_learns_to_look_back(void **state) {
  (void)state;
  enum { BATCH = 32 };
  net n = net_new(&(hd_env){.threads = 1});
  hd_val id = hd_input(n.g, "id", HD_I32, HD_SHAPE(HD_BATCH, T));
  hd_val label = hd_input(n.g, "label", HD_I32, HD_SHAPE(HD_BATCH, T));
  hd_val table = hd_variable(n.g, HD_F32, HD_SHAPE(V, D), .init = {HD_NORMAL, 0, 1});
  hd_val place = hd_variable(n.g, HD_F32, HD_SHAPE(T, D), .init = {HD_NORMAL, 0, 1});
  hd_val y = hd_dense(block(hd_add(hd_gather(table, id), place)), .units = V);
  hd_val loss = hd_cross_entropy(y, label);
  hd_update u = hd_minimize(loss, hd_adam(.lr = 0.01f));
  net_compile(
      &n,
      (hd_compile_options){
          .fetch = {loss, hd_accuracy(y, label)}, .update = {u}, .batch = BATCH, .mode = HD_TRAIN});
  int32_t *pid = hd_workspace_input(n.w, "id", NULL), *pl = hd_workspace_input(n.w, "label", NULL);
  uint64_t noise = 3;
  float first = 0, last = 0;
  for (int step = 0; step < 200; step++) {
    for (int i = 0; i < BATCH * T; i++) {
      pid[i] = (int32_t)((net_uniform(&noise) + 1) / 2 * V);
      pl[i] = i % T < 2 ? pid[i] : pid[i - 2];
    }
    net_run(&n);
    last = *net_out(&n, 0);
    if (!step) first = last;
  }
  if (!(last < 0.2f * first))
    fail_msg("loss %g after training, %g before", (double)last, (double)first);
  net_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(gradient),
                                     cmocka_unit_test(no_position_sees_a_later_one),
                                     cmocka_unit_test(it_learns_to_look_back)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
