// The networks that are measured, over the public interface; those of torch_peer.py are the same.
#ifndef BENCH_NETS_H
#define BENCH_NETS_H

#include <hadal/hadal.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *name;
  hd_shape input;
  int classes;     // 1: a number is to be met, by the mean squared error
  int parameters;  // that are trained; what torch_peer.py counts too
} net_info;

static inline const net_info *net_find(const char *name) {
  static const net_info nets[] = {
      {"mnist-mlp", {2, {HD_BATCH, 784}}, 10, 266610},
      {"lenet5", {4, {HD_BATCH, 28, 28, 1}}, 10, 61706},
      {"resnet20", {4, {HD_BATCH, 32, 32, 3}}, 10, 269722},
      {"resnet18", {4, {HD_BATCH, 32, 32, 3}}, 10, 11173962},
      {"resnet18-64", {4, {HD_BATCH, 64, 64, 3}}, 10, 11173962},
      {"vgg", {4, {HD_BATCH, 32, 32, 3}}, 10, 3838282},
      {"2-16-1", {2, {HD_BATCH, 2}}, 1, 65},
      {"2-16-2", {2, {HD_BATCH, 2}}, 2, 82},
      {"64-64-10", {2, {HD_BATCH, 64}}, 10, 4810},
      {"784-30-10", {2, {HD_BATCH, 784}}, 10, 23860},
  };
  for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
    if (!strcmp(nets[i].name, name)) return &nets[i];
  return NULL;
}

static inline hd_val net_conv_norm(hd_val x, int filters, int kernel, int stride) {
  int p = kernel / 2;
  return hd_batch_norm(hd_conv2d(x, .filters = filters, .kernel = {kernel}, .stride = {stride},
                                 .pad = HD_EXPLICIT, .padding = {p, p, p, p}, .no_bias = true));
}

// A block of a residual network (He et al. 2016). Where the shape changes, the shortcut is a 1x1
// convolution ("project", their option B), or every second pixel and zeros for the new channels
// (option A).
static inline hd_val net_block(hd_val x, int filters, int stride, bool project) {
  hd_val y = hd_relu(net_conv_norm(x, filters, 3, stride));
  y = net_conv_norm(y, filters, 3, 1);
  int more = filters - (int)hd_val_type(x).shape.d[3];
  if (more && project) x = net_conv_norm(x, filters, 1, stride);
  else if (more)
    x = hd_pad(hd_avg_pool2d(x, .window = {1}, .stride = {stride}), .after = {0, 0, 0, more});
  return hd_relu(hd_add(y, x));
}

static inline hd_val net_residual(hd_val x, int filters, int stages, int blocks, bool project) {
  x = hd_relu(net_conv_norm(x, filters, 3, 1));
  for (int s = 0; s < stages; s++)
    for (int b = 0; b < blocks; b++) x = net_block(x, filters << s, s && !b ? 2 : 1, project);
  return hd_global_avg_pool2d(x);
}

static inline hd_val net_vgg(hd_val x) {
  static const int filters[] = {64, 64, 0, 128, 128, 0, 256, 256, 256, 0};  // 0: a pool
  for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
    x = filters[i] ? hd_relu(hd_conv2d(x, .filters = filters[i], .kernel = {3}, .pad = HD_SAME))
                   : hd_max_pool2d(x, .window = {2});
  return hd_relu(hd_dense(hd_flatten(x), .units = 512));
}

static inline hd_val net_build(const net_info *net, hd_val x) {
  const char *hidden = strchr(net->name, '-');
  switch (net->name[0]) {
    case 'm': x = hd_relu(hd_dense(hd_relu(hd_dense(x, .units = 300)), .units = 100)); break;
    case 'l':
      x = hd_max_pool2d(hd_relu(hd_conv2d(x, .filters = 6, .kernel = {5, 5}, .pad = HD_SAME)),
                        .window = {2, 2});
      x = hd_max_pool2d(hd_relu(hd_conv2d(x, .filters = 16, .kernel = {5, 5})), .window = {2, 2});
      x = hd_relu(hd_dense(hd_relu(hd_dense(hd_flatten(x), .units = 120)), .units = 84));
      break;
    case 'r':
      x = strcmp(net->name, "resnet20") ? net_residual(x, 64, 4, 2, true)
                                        : net_residual(x, 16, 3, 3, false);
      break;
    case 'v': x = net_vgg(x); break;
    default: x = hd_relu(hd_dense(x, .units = atoi(hidden + 1)));  // inputs-hidden-outputs
  }
  return hd_dense(x, .units = net->classes);
}

static inline hd_val net_loss(hd_graph *g, const net_info *net) {
  hd_val y = net_build(net, hd_input(g, "image", HD_F32, net->input));
  if (net->classes == 1) return hd_mse(y, hd_input(g, "label", HD_F32, HD_SHAPE(HD_BATCH, 1)));
  return hd_cross_entropy(y, hd_input(g, "label", HD_I32, HD_SHAPE(HD_BATCH)));
}

// How many weights the loss has; -1 and a line when they are not those of the network.
static inline int net_count(const net_info *net, const hd_store *store) {
  int64_t n = 0;
  for (int i = 0; i < hd_store_count(store); i++) {
    const hd_parameter *p = hd_store_at(store, i);
    if (p->role == HD_WEIGHT) n += hd_shape_count(p->type.shape);
  }
  if (n == net->parameters) return (int)n;
  fprintf(stderr, "%s has %lld parameters, not %d\n", net->name, (long long)n, net->parameters);
  return -1;
}

static inline hd_optimizer net_optimizer(const char *name) {
  return strcmp(name, "adam") ? hd_sgd(.lr = 1e-3f, .momentum = 0.9f) : hd_adam(.lr = 1e-4f);
}

#endif
