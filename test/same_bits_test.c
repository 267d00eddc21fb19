// One seed, one model: the bytes of model.safetensors are the same for any number of threads, for
// AVX2 and AVX-512, with and without fusion, and however a host runs the parts; and so in bf16. Two
// planted sums, one split by the number of threads and one added up in the order of arrival, must
// be caught.
//
//   same_bits_test                       the test
//   same_bits_test train FILE NET [CPU]  trains "small" or "lenet" a little, prints the losses
//                                        (old_cpu_test.sh)
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdatomic.h>

#include "../include/hadal/extra.h"
#include "toy.h"

// ---- Hosts that run parts in their own order ----------------------------------------------------
enum { ORDERED = 0, REVERSED, SHUFFLED };
typedef struct host {
  int order;
  int64_t calls;
  uint32_t state;
} host;

static void host_parallel(void *user, int64_t parts, hd_task *task, void *arg) {
  host *h = user;
  h->calls++;
  if (h->order == REVERSED)
    for (int64_t i = parts; i-- > 0;) task(arg, i);
  if (h->order != SHUFFLED) return;
  int64_t *list = malloc(sizeof *list * (size_t)parts);
  if (!list) return;
  for (int64_t i = 0; i < parts; i++) {
    h->state = toy_mix(h->state, 11);
    int64_t k = (int64_t)(h->state % (uint32_t)(i + 1));
    list[i] = list[k], list[k] = i;
  }
  for (int64_t i = 0; i < parts; i++) task(arg, list[i]);
  free(list);
}

// ---- The planted defects: a mean whose order of additions is not fixed --------------------------
typedef struct bad_options {
  HD_OPTIONS;
  int pieces, arrival;
} bad_options;
static const hd_field bad_field[] = {
    HD_FIELD(bad_options, pieces, INT, .standard = "0", .help = "of the sum"),
    HD_FIELD(bad_options, arrival, INT, .standard = "0", .help = "add as they come")};
static const hd_fields bad_fields = HD_FIELDS("bad_mean", bad_options, bad_field);

static hd_status bad_shape(hd_rule *r) {
  r->out[0] = (hd_type){HD_F32, {0}};
  return HD_OK;
}

static void bad_piece(const hd_args *a, int64_t part) {
  const bad_options *o = a->attr;
  int64_t n = hd_shape_count(a->in_type[0].shape), from = n * part / o->pieces,
          to = n * (part + 1) / o->pieces;
  float sum = 0, *all = a->scratch;
  for (int64_t i = from; i < to; i++) sum += ((const float *)a->in[0])[i];
  if (o->arrival) all[1 + (int)all[0]++] = sum;  // not atomic: the host runs one part at a time
  else all[1 + part] = sum;
}
static void bad_clear(const hd_args *a, int64_t part) { ((float *)a->scratch)[part] = 0; }
static void bad_total(const hd_args *a, int64_t part) {
  const bad_options *o = a->attr;
  float sum = 0;
  for (int i = 0; i < o->pieces; i++) sum += ((const float *)a->scratch)[1 + i];
  ((float *)a->out[0])[part] = sum / (float)hd_shape_count(a->in_type[0].shape);
}
static hd_status bad_lower(hd_lowering *l) {
  const bad_options *o = l->rule->attr;
  l->phases = 3;
  l->phase[0].run = bad_clear, l->phase[0].parts = 1;
  l->phase[1].run = bad_piece, l->phase[1].parts = o->pieces;
  l->phase[2].run = bad_total, l->phase[2].parts = 1;
  l->scratch = sizeof(float) * (size_t)(1 + o->pieces);
  l->flop = 1e6;  // enough to be handed out
  return HD_OK;
}
static void bad_grad(hd_grad_rule *g) {
  hd_val x = g->rule->value[0],
         mean = g->rule->result[0];  // times itself: its bits reach the weights
  g->dx[0] = hd_expand_like(hd_mul(g->dy[0], mean), x, .axes = HD_AXIS(0), .mean = true);
}
static void bad_reference(const hd_args *a, int64_t part) { ((float *)a->out[0])[part] = 0; }
static const hd_op bad_mean = {.name = "bad_mean",
                               .fields = &bad_fields,
                               .min_in = 1,
                               .max_in = 1,
                               .n_out = 1,
                               .shape = bad_shape,
                               .ref32 = bad_reference,
                               .lower = bad_lower,
                               .grad = bad_grad};

// ---- A training run -----------------------------------------------------------------------------
typedef struct run {
  const char *cpu;
  int threads, host_order;
  bool no_fusion;
  int shards;
  bool planted, planted_arrival;
  hd_precision precision;
} run;

static struct {
  char folder[64], path[2][96];
  hd_data fashion;
  const char *best;
} all;

typedef toy build(const hd_env *env);

// What LeNet-5 has not: batch norm, dropout, strides, groups, averages.
static toy normed(const hd_env *env) {
  hd_graph *g = hd_graph_new(env);
  hd_val label = hd_input(g, "label", HD_I32, HD_SHAPE(HD_BATCH)), h = toy_image(g, 28);
  h = hd_conv2d(h, .filters = 12, .kernel = {3, 3}, .stride = {2, 2}, .no_bias = true);
  h = hd_avg_pool2d(hd_relu(hd_batch_norm(h)), .window = {2, 2});
  h = hd_leaky_relu(hd_conv2d(h, .filters = 24, .kernel = {3, 3}, .groups = 12, .pad = HD_SAME));
  h = hd_dropout(hd_sigmoid(hd_dense(hd_flatten(h), .units = 37)), .rate = 0.3f);
  return toy_end(g, hd_dense(h, .units = 10), label);
}

static toy perceptron(const hd_env *env) {
  hd_graph *g = hd_graph_new(env);
  hd_val label = hd_input(g, "label", HD_I32, HD_SHAPE(HD_BATCH)), h = hd_flatten(toy_image(g, 28));
  h = hd_relu(hd_dense(hd_relu(hd_dense(h, .units = 300)), .units = 100));
  return toy_end(g, hd_dense(h, .units = 10), label);
}

// Residual blocks (He et al. 2016) with batch norm; the second one strides, and projects its path.
static hd_val normed_conv(hd_val x, int filters, int kernel, int stride) {
  return hd_batch_norm(hd_conv2d(x, .filters = filters, .kernel = {kernel, kernel}, .pad = HD_SAME,
                                 .stride = {stride, stride}, .no_bias = true));
}
static hd_val residual_block(hd_val x, int filters, int stride) {
  hd_val h = normed_conv(hd_relu(normed_conv(x, filters, 3, stride)), filters, 3, 1);
  return hd_relu(hd_add(h, stride > 1 ? normed_conv(x, filters, 1, stride) : x));
}
static toy residual(const hd_env *env) {
  hd_graph *g = hd_graph_new(env);
  hd_val label = hd_input(g, "label", HD_I32, HD_SHAPE(HD_BATCH)), h = toy_image(g, 16);
  h = residual_block(hd_relu(normed_conv(h, 16, 3, 1)), 16, 1);
  h = hd_global_avg_pool2d(residual_block(h, 32, 2));
  return toy_end(g, hd_dense(h, .units = 10), label);
}

// The rows of an image attend to each other (Vaswani et al. 2017), then layer norm and a small net.
enum { ROWS = 16, WIDE = 24, HEADS = 2 };
static hd_val heads(hd_val x, const char *name) {
  hd_val y = hd_dense(x, .units = WIDE, .name = name);
  return hd_transpose(hd_reshape(y, HD_SHAPE(HD_BATCH, ROWS, HEADS, WIDE / HEADS)),
                      HD_SHAPE(0, 2, 1, 3));
}
static toy attention(const hd_env *env) {
  hd_graph *g = hd_graph_new(env);
  hd_val label = hd_input(g, "label", HD_I32, HD_SHAPE(HD_BATCH)), x = toy_image(g, ROWS);
  x = hd_dense(hd_reshape(x, HD_SHAPE(HD_BATCH, ROWS, ROWS)), .units = WIDE);
  hd_val score = hd_matmul(heads(x, "query"), heads(x, "key"), .tb = true);
  hd_val share = hd_softmax(hd_scale(score, 1 / sqrt(WIDE / (double)HEADS)));
  hd_val y = hd_transpose(hd_matmul(share, heads(x, "value")), HD_SHAPE(0, 2, 1, 3));
  x = hd_layer_norm(
      hd_add(x, hd_dense(hd_reshape(y, HD_SHAPE(HD_BATCH, ROWS, WIDE)), .units = WIDE)));
  x = hd_add(x, hd_dense(hd_gelu(hd_dense(x, .units = 2 * WIDE)), .units = WIDE));
  return toy_end(g, hd_dense(hd_flatten(x), .units = 10), label);
}

static bool print_epoch(void *user, const hd_progress *p) {
  (void)user;
  printf("epoch %d loss %.6f\n", p->epoch, p->train.loss);
  return true;
}

static void train(build *net, const hd_data *data, const run *r, const char *to, bool print) {
  host h = {.order = r->host_order, .state = 5};
  hd_env env = {.user = &h,
                .threads = r->threads,
                .cpu = r->cpu,
                .parallel = r->host_order ? host_parallel : NULL};
  hd_error err = {0};
  toy n = net(&env);
  hd_store *store = hd_store_new(&env);
  if (r->planted) {
    bad_options o = {.pieces = r->planted_arrival ? 4 : r->threads, .arrival = r->planted_arrival};
    n.loss = hd_node_add(&bad_mean, &o, &n.rows, 1);
  }
  hd_status status = hd_fit(
      store, n.loss, data, &err, .optimizer = hd_sgd(.lr = 0.05f, .momentum = 0.9f), .batch = 96,
      .epochs = 2, .no_fusion = r->no_fusion, .shards = r->shards, .precision = r->precision,
      .accuracy = n.accuracy, .on_epoch = print ? print_epoch : NULL);
  if (!status) status = hd_save(store, to, &err);
  if (status) print_error("%s\n", err.text);
  assert_int_equal(status, HD_OK);
  if (r->host_order) assert_true(h.calls > 0);  // or the order was never put to the test
  if (net == toy_lenet) {
    int64_t weights = 0;
    for (int i = 0; i < hd_store_count(store); i++)
      if (hd_store_at(store, i)->role == HD_WEIGHT)
        weights += hd_shape_count(hd_store_at(store, i)->type.shape);
    assert_int_equal(weights, 61706);
  }
  hd_store_free(store);
  hd_graph_free(n.graph);
}

static void describe(const run *r, const char *what) {
  static const char *const orders[] = {"own threads", "host, reversed", "host, shuffled"};
  print_error("%s: cpu %s, %d threads, %s, fusion %s, precision %d\n", what,
              r->cpu ? r->cpu : "best", r->threads, orders[r->host_order],
              r->no_fusion ? "off" : "on", (int)r->precision);
}

static bool same(build *net, const hd_data *data, const run *a, const run *b) {
  train(net, data, a, all.path[0], false);
  train(net, data, b, all.path[1], false);
  return toy_same_file(all.path[0], all.path[1]);
}

static bool has_cpu(const char *cpu) {
  hd_store *store = hd_store_new(&(hd_env){.threads = 1, .cpu = cpu});
  bool has = store && !*hd_store_error(store);
  hd_store_free(store);
  if (!has) printf("skip: this processor has no %s\n", cpu);
  return has;
}

// Every run gives the bytes of the first. The baseline, which has no fused multiply-adds, and bf16
// on AMX have other numbers, but again the same for all.
static void alone(build *net, const hd_data *data, const char *cpu, hd_precision precision) {
  run one = {.cpu = cpu, .threads = 1, .precision = precision},
      three = {.cpu = cpu, .threads = 3, .no_fusion = true, .precision = precision};
  assert_true(same(net, data, &one, &three));
}

static void one_model(build *net, const hd_data *data, bool baseline, hd_precision precision) {
  run list[24], *r = list;
  const char *cpu = NULL;  // the best
  bool amx = has_cpu("amx");
  if (precision && amx) cpu = "avx512bf16", alone(net, data, "amx", precision);
  if (has_cpu("avx512bf16")) *r++ = (run){.cpu = "avx512bf16", .threads = 1};
  if (has_cpu("avx512"))
    *r++ = (run){.cpu = "avx512", .threads = 1},
    *r++ = (run){.cpu = "avx512", .threads = 2, .no_fusion = true};
  if (has_cpu("avx2"))
    *r++ = (run){.cpu = "avx2", .threads = 1},
    *r++ = (run){.cpu = "avx2", .threads = 3, .no_fusion = true};
  if (r == list) *r++ = (run){.threads = 1};
  *r++ = (run){.cpu = cpu, .threads = 2};
  *r++ = (run){.cpu = cpu, .threads = 3};
  *r++ = (run){.cpu = cpu, .threads = 8};
  *r++ = (run){.cpu = cpu, .threads = 1, .no_fusion = true};
  *r++ = (run){.cpu = cpu, .threads = 8, .host_order = REVERSED};
  *r++ = (run){.cpu = cpu, .threads = 8, .host_order = SHUFFLED};
  *r++ = (run){.cpu = cpu, .threads = 8, .host_order = SHUFFLED, .no_fusion = true};
  for (run *p = list; p < r; p++) p->precision = precision;
  int wrong = 0;
  for (run *p = list; p < r; p++) {
    train(net, data, p, all.path[p > list], false);
    if (p > list && !toy_same_file(all.path[0], all.path[1])) describe(p, "other bytes"), wrong++;
  }
  printf("%d runs, %d differ from the first\n", (int)(r - list), wrong);
  assert_int_equal(wrong, 0);
  if (baseline) alone(net, data, "baseline", precision);
}

static toy_images large = {.side = 28}, middle = {.side = 16}, little = {.side = 8};

static void lenet(void **state) {
  (void)state;
  hd_data data = toy_data(&large, TOY_SANITIZED ? 200 : 500);
  one_model(toy_lenet, &data, true, HD_PRECISION_F32);
}

static void batch_norm_and_dropout(void **state) {
  (void)state;
  hd_data data = toy_data(&large, 250);
  one_model(normed, &data, true, HD_PRECISION_F32);
}

static void perceptron_and_residual(void **state) {
  (void)state;
  hd_data data = toy_data(&large, 200), smaller = toy_data(&middle, 110);
  one_model(perceptron, &data, true, HD_PRECISION_F32);
  one_model(residual, &smaller, true, HD_PRECISION_F32);
}

static void attention_over_rows(void **state) {
  (void)state;
  hd_data data = toy_data(&middle, 200);
  one_model(attention, &data, true, HD_PRECISION_F32);
}

// Products and convolutions in bf16: other numbers than f32, and one model again.
static void bf16(void **state) {
  (void)state;
  hd_data data = toy_data(&large, 200), smaller = toy_data(&middle, 110);
  run full = {.threads = 2}, half = {.threads = 2, .precision = HD_PRECISION_BF16};
  assert_false(same(toy_lenet, &data, &full, &half));
  one_model(toy_lenet, &data, true, HD_PRECISION_BF16);
  one_model(perceptron, &data, false, HD_PRECISION_BF16);
  one_model(residual, &smaller, false, HD_PRECISION_BF16);
  one_model(attention, &smaller, false, HD_PRECISION_BF16);
}

// Slices of a batch are another sum, but one that no number of threads changes.
static void shards(void **state) {
  (void)state;
  hd_data data = toy_data(&large, 250);
  run one = {.threads = 1, .shards = 4}, three = {.threads = 3, .shards = 4, .no_fusion = true};
  assert_true(same(normed, &data, &one, &three));
}

static void fashion(void **state) {
  (void)state;
  if (!toy_slow()) {
    printf("skip: two epochs of all of Fashion-MNIST need HADAL_SLOW=1 (make test-all)\n");
    skip();
  }
  if (TOY_SANITIZED) {
    printf("skip: Fashion-MNIST takes too long under a sanitizer\n");
    skip();
  }
  hd_error err = {0};
  hd_data data;
  if (hd_data_open(NULL, "fashion-mnist", "train", &data, &err, .root = getenv("HADAL_DATA"),
                   .inflate = hd_gunzip)) {
    printf("skip: %s\n", err.text);
    skip();
  }
  one_model(toy_lenet, &data, false, HD_PRECISION_F32);
  hd_data_free(&data);
}

static void planted_sums_are_caught(void **state) {
  (void)state;
  hd_data data = toy_data(&little, 300);
  run one = {.threads = 1, .planted = true}, three = {.threads = 3, .planted = true};
  assert_true(same(toy_small, &data, &one, &one));
  assert_false(same(toy_small, &data, &one, &three));
  run reversed = {.threads = 8, .host_order = REVERSED, .planted = true, .planted_arrival = true},
      shuffled = reversed;
  shuffled.host_order = SHUFFLED;
  assert_true(same(toy_small, &data, &reversed, &reversed));
  assert_false(same(toy_small, &data, &reversed, &shuffled));
}

static int make_folder(void **state) {
  (void)state;
  if (!toy_folder(all.folder, sizeof all.folder, "bits")) return -1;
  for (int i = 0; i < 2; i++) hd_print(all.path[i], sizeof all.path[i], "%s/%d", all.folder, i);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  for (int i = 0; i < 2; i++) remove(all.path[i]);
  return remove(all.folder);
}

int main(int count, char **words) {
  if (count > 3 && !strcmp(words[1], "train")) {
    bool lenet5 = !strcmp(words[3], "lenet");
    hd_data data = lenet5 ? toy_data(&large, 192) : toy_data(&little, 300);
    train(lenet5 ? toy_lenet : toy_small, &data,
          &(run){.threads = 2, .cpu = count > 4 ? words[4] : NULL}, words[2], true);
    return 0;
  }
  const struct CMUnitTest tests[] = {cmocka_unit_test(lenet),
                                     cmocka_unit_test(batch_norm_and_dropout),
                                     cmocka_unit_test(perceptron_and_residual),
                                     cmocka_unit_test(attention_over_rows),
                                     cmocka_unit_test(bf16),
                                     cmocka_unit_test(shards),
                                     cmocka_unit_test(planted_sums_are_caught),
                                     cmocka_unit_test(fashion)};
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
