// A residual net of 110 layers (He et al. 2016, the CIFAR form, few channels on small images):
// builds, plans, and differentiates right with batch normalisation in training mode.
#include "net.h"

enum { BLOCKS = 18, SIZE = 8 };

static hd_val conv(hd_val x, int filters, int stride) {
  return hd_batch_norm(hd_conv2d(x, .filters = filters, .kernel = {3}, .pad = HD_SAME,
                                 .stride = {stride}, .no_bias = true,
                                 .init = {.kind = HD_HE_NORMAL}));
}

static hd_val block(hd_val x, int filters, int stride) {
  hd_val h = conv(hd_relu(conv(x, filters, stride)), filters, 1);
  if (stride > 1 || hd_val_type(x).shape.d[3] != filters) {  // the path around: no parameters
    int more = filters - (int)hd_val_type(x).shape.d[3];
    x = hd_pad(hd_avg_pool2d(x, .window = {1, 1}, .stride = {stride, stride}),
               .before = {0, 0, 0, more / 2}, .after = {0, 0, 0, more - more / 2});
  }
  return hd_relu(hd_add(x, h));
}

static hd_val resnet110(hd_val x, int width) {
  x = hd_relu(conv(x, width, 1));
  for (int stage = 0; stage < 3; stage++)
    for (int i = 0; i < BLOCKS; i++) x = block(x, width << stage, stage && !i ? 2 : 1);
  return hd_dense(hd_global_avg_pool2d(x), .units = 4);
}

static hd_val loss_of(hd_graph *g, hd_dtype real, int width) {
  hd_val x = hd_input(g, "x", real, HD_SHAPE(HD_BATCH, SIZE, SIZE, 3));
  return hd_cross_entropy(resnet110(x, width), hd_input(g, "t", HD_I32, HD_SHAPE(HD_BATCH)));
}

static void give(const net *n) { net_fill(n, "x", 1), net_fill(n, "t", 2); }

static void gradient(void **state) {
  (void)state;
  net n = net_new(NULL);
  hd_val loss = loss_of(n.g, HD_F64, 1), weight[400];
  int layers = 0;
  hd_compile_options o = {.batch = 3, .mode = HD_TRAIN, .no_statistics = true};
  int count = hd_weights(loss, weight, 400);
  for (int i = 0; i < count; i++) layers += hd_val_type(weight[i]).shape.rank > 1;
  assert_int_equal(layers, 110);
  double error = net_gradient_error(&n, loss, o, 1e-7, give);
  if (!(error < 1e-6)) fail_msg("relative error %g", error);
  net_free(&n);
}

static void it_trains(void **state) {
  (void)state;
  net n = net_new(NULL);
  hd_val loss = loss_of(n.g, HD_F32, 4);
  hd_update u = hd_minimize(loss, hd_sgd(.lr = 0.02f, .momentum = 0.9f));
  net_compile(&n,
              (hd_compile_options){.fetch = {loss}, .update = {u}, .batch = 16, .mode = HD_TRAIN});
  hd_plan_info info = hd_plan_describe(n.plan);
  if ((double)info.workspace > 1.05 * (double)info.live)
    fail_msg("workspace %lld, live %lld", (long long)info.workspace, (long long)info.live);
  float first = 0, last = 0;
  give(&n);
  for (int step = 0; step < 15; step++) {
    net_run(&n);
    last = *net_out(&n, 0);
    if (!step) first = last;
  }
  if (!(last < 0.5f * first))
    fail_msg("loss %g after training, %g before", (double)last, (double)first);
  net_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(gradient), cmocka_unit_test(it_trains)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
