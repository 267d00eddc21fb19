// The networks that are measured, over the public interface.
#ifndef BENCH_NETS_H
#define BENCH_NETS_H

#include <hadal/hadal.h>
#include <string.h>

typedef struct {
  const char *name;
  hd_shape input;
  int classes;
} net_info;

static inline const net_info *net_find(const char *name) {
  static const net_info nets[] = {
      {"mnist-mlp", {2, {HD_BATCH, 784}}, 10},
      {"lenet5", {4, {HD_BATCH, 28, 28, 1}}, 10},
      {"2-16-2", {2, {HD_BATCH, 2}}, 2},
      {"64-64-10", {2, {HD_BATCH, 64}}, 10},
  };
  for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
    if (!strcmp(nets[i].name, name)) return &nets[i];
  return NULL;
}

static inline hd_val net_build(const net_info *net, hd_val x) {
  switch (net->name[0]) {
    case 'm': x = hd_relu(hd_dense(hd_relu(hd_dense(x, .units = 300)), .units = 100)); break;
    case 'l':
      x = hd_max_pool2d(hd_relu(hd_conv2d(x, .filters = 6, .kernel = {5, 5}, .pad = HD_SAME)),
                        .window = {2, 2});
      x = hd_max_pool2d(hd_relu(hd_conv2d(x, .filters = 16, .kernel = {5, 5})), .window = {2, 2});
      x = hd_relu(hd_dense(hd_relu(hd_dense(hd_flatten(x), .units = 120)), .units = 84));
      break;
    case '2': x = hd_relu(hd_dense(x, .units = 16)); break;
    default: x = hd_relu(hd_dense(x, .units = 64));
  }
  return hd_dense(x, .units = net->classes);
}

static inline hd_val net_loss(hd_graph *g, const net_info *net) {
  hd_val x = hd_input(g, "image", HD_F32, net->input);
  return hd_cross_entropy(net_build(net, x), hd_input(g, "label", HD_I32, HD_SHAPE(HD_BATCH)));
}

static inline hd_optimizer net_optimizer(const char *name) {
  return strcmp(name, "adam") ? hd_sgd(.lr = 1e-3f, .momentum = 0.9f) : hd_adam(.lr = 1e-4f);
}

#endif
