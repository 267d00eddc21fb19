// A generator and a discriminator with an optimiser each in one graph (Goodfellow et al. 2014): the
// step of one leaves every bit of the other as it is, and together they move to the data.
#include "net.h"

enum { BATCH = 64, NOISE = 4 };

static hd_val generator(hd_val z) {
  return hd_dense(hd_tanh(hd_dense(z, .units = 16, .name = "g1")), .units = 2, .name = "g2");
}
static hd_val discriminator(hd_val x) {
  hd_val h = hd_leaky_relu(hd_dense(x, .units = 16, .name = "d1"), .slope = 0.2f);
  return hd_dense(hd_dropout(h, .rate = 0.1f), .units = 1, .name = "d2");
}

typedef struct {
  net n;
  hd_plan *plan[2];
  hd_workspace *w[2];
  float *copy;
  size_t bytes;
} gan;

static gan build(hd_env env) {
  gan a = {.n = net_new(&env)};
  hd_graph *g = a.n.g;
  hd_val real = hd_input(g, "real", HD_F32, HD_SHAPE(HD_BATCH, 2));
  hd_val z = hd_input(g, "z", HD_F32, HD_SHAPE(HD_BATCH, NOISE));
  hd_val fake = generator(z), on_real = discriminator(real);
  hd_val on_fake = hd_apply(on_real, real, fake), to[16];
  hd_val loss_d = hd_add(hd_mean(hd_softplus(hd_neg(on_real))), hd_mean(hd_softplus(on_fake)));
  hd_val loss_g = hd_mean(hd_softplus(hd_neg(on_fake)));
  hd_val of_d[8], of_g[8];
  int count_d = hd_weights(on_real, of_d, 8), all = hd_weights(on_fake, to, 16), count_g = 0;
  assert_int_equal(count_d, 4);
  assert_int_equal(all, 8);  // hd_apply made no weights
  for (int i = 0; i < all; i++) {
    bool other = false;
    for (int k = 0; k < count_d; k++) other |= to[i].node == of_d[k].node;
    if (!other) of_g[count_g++] = to[i];
  }
  hd_update step[2] = {
      hd_minimize(loss_d, hd_adam(.lr = 0.01f, .beta1 = 0.5f), .weights = of_d, .count = count_d),
      hd_minimize(loss_g, hd_adam(.lr = 0.01f, .beta1 = 0.5f), .weights = of_g, .count = count_g)};
  for (int i = 0; i < 2; i++) {
    hd_error err = {0};
    a.plan[i] = hd_compile(a.n.store, &err, .fetch = {i ? loss_g : loss_d, fake},
                           .update = {step[i]}, .batch = BATCH, .mode = HD_TRAIN);
    if (!a.plan[i]) fail_msg("%s", err.text);
    a.w[i] = hd_workspace_new(a.plan[i], NULL, &err);
  }
  return a;
}

static void give(gan *a, int i, uint64_t seed) {
  a->n.w = a->w[i];
  net_fill(&a->n, "z", seed);
  if (i) return;
  net_fill(&a->n, "real", seed + 1000);
  float *real = hd_workspace_input(a->w[i], "real", NULL);
  for (int k = 0; k < 2 * BATCH; k++) real[k] = 0.3f * real[k] + (k % 2 ? 2.0f : -1.0f);
}

static void close_gan(gan *a) {
  a->n.w = NULL;
  for (int i = 0; i < 2; i++) hd_workspace_free(a->w[i]), hd_plan_free(a->plan[i]);
  net_free(&a->n);
}

// Does a parameter belong to net i, or to the optimiser that trains it?
static bool of_net(const char *name, int i) {
  const char *layer = i ? "g" : "d", *own = i ? "adam_2" : "adam_1";
  bool state = !strncmp(name, "adam_", 5);
  return state ? !strncmp(name, own, 6) : !strncmp(name, layer, 1);
}

static void a_step_of_one_leaves_the_other(void **state) {
  (void)state;
  gan a = build((hd_env){0});
  hd_store *s = a.n.store;
  for (int step = 0; step < 6; step++) {
    void *copy[64];
    int i = step % 2, n = hd_store_count(s), changed = 0;
    assert_true(n == 8 + 16 + 4);
    for (int k = 0; k < n; k++) {
      const hd_parameter *p = hd_store_at(s, k);
      copy[k] = malloc(net_bytes(p));
      memcpy(copy[k], p->data, net_bytes(p));
    }
    give(&a, i, (uint64_t)step);
    net_run(&a.n);
    for (int k = 0; k < n; k++) {
      const hd_parameter *p = hd_store_at(s, k);
      bool same = !memcmp(copy[k], p->data, net_bytes(p)), rate = strstr(p->name, "/lr");
      changed += !same;
      if (!of_net(p->name, i) && !same) fail_msg("step of net %d changed \"%s\"", i, p->name);
      if (of_net(p->name, i) && same && !rate) fail_msg("step of net %d left \"%s\"", i, p->name);
      free(copy[k]);
    }
    assert_int_equal(changed, 4 + 8 + 1);
  }
  close_gan(&a);
}

static void the_fakes_move_to_the_data(void **state) {
  (void)state;
  gan a = build((hd_env){.threads = 1});
  double mean[2] = {0};
  for (uint64_t step = 0; step < 600; step++) {
    for (int i = 0; i < 2; i++) give(&a, i, step), net_run(&a.n);
    for (int k = 0; k < 2 * BATCH && step >= 500; k++)
      mean[k % 2] += net_out(&a.n, 1)[k] / (100.0 * BATCH);
  }
  if (!(fabs(mean[0] + 1) < 0.5 && fabs(mean[1] - 2) < 0.5))
    fail_msg("fakes are about (%g, %g)", mean[0], mean[1]);
  close_gan(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_step_of_one_leaves_the_other),
                                     cmocka_unit_test(the_fakes_move_to_the_data)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
