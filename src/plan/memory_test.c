// Memory of plans: small, never written beside, never asked for in a step; and fusion, which moves
// what lies in it but changes no bit.
#define _GNU_SOURCE
#include "../../test/net.h"
#include "plan.h"

#include <sys/mman.h>
#include <unistd.h>

typedef hd_val make(hd_graph *g);
static hd_val image(hd_graph *g) { return hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, 12, 12, 3)); }
static hd_val lenet(hd_graph *g) {
  hd_val x = hd_max_pool2d(
      hd_relu(hd_conv2d(image(g), .filters = 6, .kernel = {5}, .pad = HD_SAME)), .window = {2});
  x = hd_max_pool2d(hd_relu(hd_conv2d(x, .filters = 16, .kernel = {3})), .window = {2});
  return hd_mean(hd_square(hd_dense(hd_relu(hd_dense(hd_flatten(x), .units = 20)), .units = 10)));
}
static hd_val residual(hd_graph *g) {
  hd_val x = hd_conv2d(image(g), .filters = 8, .kernel = {3}, .pad = HD_SAME);
  for (int i = 0; i < 4; i++) {
    hd_val h = hd_relu(hd_batch_norm(hd_conv2d(x, .filters = 8, .kernel = {3}, .pad = HD_SAME)));
    x = hd_relu(
        hd_add(x, hd_batch_norm(hd_conv2d(h, .filters = 8, .kernel = {3}, .pad = HD_SAME))));
  }
  return hd_mean(hd_square(hd_dense(hd_dropout(hd_global_avg_pool2d(x)), .units = 10)));
}
static hd_val dense(hd_graph *g) {  // every layer sees all before it (Huang et al. 2017)
  hd_val x = hd_flatten(image(g));
  for (int i = 0; i < 6; i++) x = hd_concat((hd_val[]){x, hd_tanh(hd_dense(x, .units = 32))}, 2, 1);
  return hd_mean(hd_square(x));
}
static hd_val recurrent(hd_graph *g) {
  hd_val x = image(g), h = {0};
  hd_val u = hd_variable(g, HD_F32, HD_SHAPE(16, 16), .init = {.kind = HD_GLOROT_UNIFORM});
  for (int i = 0; i < 12; i++) {
    hd_val at = hd_reshape(hd_slice(x, 1, i, 1), HD_SHAPE(HD_BATCH, 36));
    hd_val in = hd_dense(at, .units = 16);
    h = hd_tanh(i ? hd_add(in, hd_matmul(h, u)) : in);
  }
  return hd_mean(hd_square(h));
}
static make *const nets[] = {lenet, residual, dense, recurrent};
enum { NETS = sizeof nets / sizeof *nets };

// A block whose last byte is the last before a page that faults, with a page that faults before it.
typedef struct {
  char *map;
  size_t bytes, page;
  char *at;
} guarded;
static guarded guard(size_t bytes) {
  guarded m = {.page = (size_t)sysconf(_SC_PAGESIZE)};
  m.bytes = (bytes + m.page - 1) / m.page * m.page + 2 * m.page;
  m.map = mmap(NULL, m.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(m.map != MAP_FAILED);
  m.at = m.map + m.bytes - m.page - bytes;
  memset(m.map, 0x5A, m.bytes);
  assert_int_equal(mprotect(m.map, m.page, PROT_NONE), 0);
  assert_int_equal(mprotect(m.map + m.bytes - m.page, m.page, PROT_NONE), 0);
  return m;
}

static void workspaces_are_small_and_kept_to(void **state) {
  (void)state;
  for (int i = 0; i < 4 * NETS; i++) {
    hd_mode mode = i & 1 ? HD_TRAIN : HD_EVALUATE;
    net n = net_new(&(hd_env){.threads = 2});
    hd_val loss = nets[i / 4](n.g);
    hd_update u = mode == HD_TRAIN ? hd_minimize(loss, hd_adam()) : (hd_update){0};
    hd_plan *plan = hd_compile(n.store, NULL, .fetch = {loss}, .update = {u}, .mode = mode,
                               .batch = i & 1 ? 16 : 5, .no_fusion = i & 2);
    assert_non_null(plan);
    hd_plan_info info = hd_plan_describe(plan);
    if ((double)info.workspace > 1.05 * (double)info.live)
      fail_msg("net %d: workspace %lld, live %lld", i, (long long)info.workspace,
               (long long)info.live);
    assert_true(info.calls > 0 && info.flop > 0 && info.bytes > 0 && info.variables > 0);
    if (!(info.least > 0 && info.bytes < 3 * info.least))
      fail_msg("net %d: %g bytes moved, %g at least", i, info.bytes, info.least);
    guarded m = guard((size_t)info.workspace);
    n.w = hd_workspace_new(plan, m.at, NULL);
    assert_non_null(n.w);
    net_fill(&n, "x", 1);
    for (int step = 0; step < 3; step++) net_run(&n);
    assert_true(isfinite(*net_out(&n, 0)));
    for (char *p = m.map + m.page; p < m.at; p++)
      if (*p != 0x5A) fail_msg("net %d: a byte before the workspace changed", i);
    munmap(m.map, m.bytes);
    hd_plan_free(plan);
    net_free(&n);
  }
  net n = net_new(NULL);
  hd_plan *plan = hd_compile(n.store, NULL, .fetch = {lenet(n.g)}, .batch = 2);
  hd_error err = {0};
  assert_null(hd_workspace_new(plan, (char *)64 + 4, &err));
  assert_non_null(strstr(err.text, "64"));
  hd_plan_free(plan);
  net_free(&n);
}

// A step makes no call of the allocator, with and without fusion the same bits.
static void fusion_changes_no_bit(void **state) {
  (void)state;
  for (int i = 0; i < NETS; i++) {
    net n[2];
    int calls[2];
    for (int k = 0; k < 2; k++) {
      hd_memory memory = {0};
      n[k] = net_new(&(hd_env){.memory = &memory, .threads = 1 + k});
      hd_val loss = nets[i](n[k].g);
      hd_update u = hd_minimize(loss, hd_sgd(.lr = 0.1f, .momentum = 0.9f));
      net_compile(
          &n[k], (hd_compile_options){
                     .fetch = {loss}, .update = {u}, .batch = 7, .mode = HD_TRAIN, .no_fusion = k});
      calls[k] = hd_plan_describe(n[k].plan).calls;
      int64_t before = memory.calls;
      for (uint64_t step = 0; step < 3; step++) net_fill(&n[k], "x", step), net_run(&n[k]);
      assert_int_equal(memory.calls, before);
      if (!k) continue;
      assert_true(calls[0] < calls[1]);
      assert_memory_equal(net_out(&n[0], 0), net_out(&n[1], 0), sizeof(float));
      net_same_bits(n[0].store, n[1].store);
      net_free(&n[0]);
      net_free(&n[1]);
    }
  }
}

// The types of what it takes and gives are known before it has a memory; pointers are not.
static void a_workspace_without_memory_has_no_pointers(void **state) {
  (void)state;
  net n = net_new(NULL);
  hd_val x = image(n.g), y = hd_tanh(hd_flatten(x));
  hd_type type = {0};
  hd_error err = {0};
  n.plan = hd_compile(n.store, &err, .fetch = {y, hd_square(y)}, .batch = 7);
  hd_workspace *w = hd_workspace_prepare(n.plan, &err);
  if (!w) fail_msg("%s", err.text);
  assert_null(hd_workspace_input(w, "x", &type));
  assert_int_equal(type.shape.rank, 4);
  for (int i = 0; i < 2; i++) {
    assert_null(hd_workspace_fetch(w, i, &type));
    assert_int_equal(type.shape.rank, 2);
  }
  hd_workspace_free(w);
  net_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(workspaces_are_small_and_kept_to),
                                     cmocka_unit_test(a_workspace_without_memory_has_no_pointers),
                                     cmocka_unit_test(fusion_changes_no_bit)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
