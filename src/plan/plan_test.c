// Plans: assignments see the start of the step, sealed copies, fetches, feeds, refusals.
#include "../../test/net.h"

// ---- Assignments --------------------------------------------------------------------------------
static hd_val vector(hd_graph *g, const char *name, int64_t size) {
  return hd_variable(g, HD_F32, HD_SHAPE(size), .name = name, .init = {HD_NORMAL, 0, 1});
}

typedef struct {
  hd_graph *g;
  hd_val a, b, x;
  hd_update u[4];
  hd_val fetch[4];
} rig;
typedef void rule(rig *r);  // what is assigned
typedef void expected(float *a, float *b, float x);
static void swap(rig *r) { r->u[0] = hd_assign(r->a, r->b), r->u[1] = hd_assign(r->b, r->a); }
static void swap_e(float *a, float *b, float x) {
  float t = *a;
  (void)x, *a = *b, *b = t;
}
static void sum(rig *r) {
  r->u[0] = hd_assign(r->a, hd_add(r->a, r->b)), r->u[1] = hd_assign(r->b, r->a);
}
static void sum_e(float *a, float *b, float x) {
  float t = *a;
  (void)x, *a += *b, *b = t;
}
static void both(rig *r) {
  r->u[0] = hd_assign(r->a, hd_add(r->a, r->b));
  r->u[1] = hd_assign(r->b, hd_mul(r->a, r->b));
}
static void both_e(float *a, float *b, float x) {
  float t = *a;
  (void)x, *a += *b, *b *= t;
}
static void one_for_two(rig *r) {
  hd_val v = hd_add(hd_mul(r->a, r->b), r->x);
  r->u[0] = hd_assign(r->a, v), r->u[1] = hd_assign(r->b, v);
}
static void one_for_two_e(float *a, float *b, float x) { *a = *b = *a * *b + x; }
static void fetched(rig *r) {  // the fetch of a value, and of a later read of the old one
  r->u[0] = hd_assign(r->a, r->fetch[1] = hd_add(r->a, r->x));
  r->fetch[0] = hd_exp(hd_mul(r->a, r->x));
  r->u[1] = hd_assign(r->b, hd_neg(r->b));
}
static void fetched_e(float *a, float *b, float x) { *a += x, *b = -*b; }
static void chained(rig *r) {
  hd_val v = hd_add(r->a, r->x);
  r->u[0] = hd_assign(r->a, v), r->u[1] = hd_assign(r->b, hd_sub(hd_mul(v, r->a), r->b));
}
static void chained_e(float *a, float *b, float x) {
  float t = *a;
  *a = t + x, *b = *a * t - *b;
}
// The mean of the old values, read all over again for every element.
static void reduced(rig *r) {
  hd_val shape = hd_sub(r->a, hd_mul(r->b, hd_mean(r->a, .keep = true)));
  r->u[0] = hd_assign(r->a, hd_add(hd_sub(shape, shape), hd_add(r->a, r->x)));
  r->u[1] =
      hd_assign(r->b, hd_reshape(hd_reshape(r->b, HD_SHAPE(1, HD_ANY)), hd_val_type(r->b).shape));
}
static void reduced_e(float *a, float *b, float x) { (void)b, *a += x; }

static void reads_see_the_start_of_the_step(void **state) {
  (void)state;
  const struct {
    rule *rule;
    expected *e;
  } table[] = {
      {swap, swap_e},       {sum, sum_e},         {both, both_e},      {one_for_two, one_for_two_e},
      {fetched, fetched_e}, {chained, chained_e}, {reduced, reduced_e}};
  for (size_t c = 0; c < 4 * sizeof table / sizeof *table; c++) {
    int64_t size = c & 1 ? 5 : 70001;  // the larger one runs in parts
    net n = net_new(NULL);
    rig r = {.g = n.g, .a = vector(n.g, "a", size), .b = vector(n.g, "b", size)};
    r.x = hd_input(n.g, "x", HD_F32, HD_SHAPE(size));
    table[c / 4].rule(&r);
    hd_compile_options o = {.no_fusion = c & 2};
    for (int i = 0; i < 4; i++) o.update[i] = r.u[i], o.fetch[i] = r.fetch[i];
    net_compile(&n, o);
    float *a = net_parameter(&n, "a"), *b = net_parameter(&n, "b");
    float *was = malloc(2 * (size_t)size * sizeof *was), *x = hd_workspace_input(n.w, "x", NULL);
    if (x) net_fill(&n, "x", c);
    for (int step = 0; step < 3; step++) {
      memcpy(was, a, (size_t)size * sizeof *a);
      memcpy(was + size, b, (size_t)size * sizeof *b);
      net_run(&n);
      for (int64_t i = 0; i < size; i++) {
        float given = x ? x[i] : 0, old = was[i];
        table[c / 4].e(&was[i], &was[size + i], given);
        if (a[i] != was[i] || b[i] != was[size + i])
          fail_msg("case %d, element %d", (int)c, (int)i);
        if (r.fetch[1].graph && net_out(&n, 1)[i] != a[i]) fail_msg("fetch, case %d", (int)c);
        if (r.fetch[0].graph && fabsf(net_out(&n, 0)[i] / expf(old * given) - 1) > 1e-5f)
          fail_msg("fetch of an old value, case %d", (int)c);
      }
    }
    free(was);
    net_free(&n);
  }
}

// A product reads all of the variable that its epilogue's result is assigned to.
static void a_product_is_assigned_to_its_operand(void **state) {
  (void)state;
  enum { SIZE = 170 };
  net n[2];
  for (int k = 0; k < 2; k++) {
    n[k] = net_new(NULL);
    hd_val w = hd_variable(n[k].g, HD_F32, HD_SHAPE(SIZE, SIZE), .name = "w",
                           .init = {HD_NORMAL, 0, 0.1f});
    hd_update u = hd_assign(w, hd_tanh(hd_matmul(w, w, .ta = true)));
    net_compile(&n[k], (hd_compile_options){.update = {u}, .no_fusion = k});
    float *at = net_parameter(&n[k], "w"), first = 0;
    for (int i = 0; i < SIZE; i++) first += at[i * SIZE] * at[i * SIZE + 1];
    for (int step = 0; step < 2; step++) net_run(&n[k]);
    assert_true(at[1] == at[SIZE] && at[1] != tanhf(first));
  }
  net_same_bits(n[0].store, n[1].store);
  for (int k = 0; k < 2; k++) net_free(&n[k]);
}

// Random numbers are keyed by the step, which counts the runs that update.
static void every_step_draws_again(void **state) {
  (void)state;
  net n = net_new(NULL);
  hd_val a = vector(n.g, "a", 64), mask = hd_random_mask(a);
  float seen[2][64];
  net_compile(&n, (hd_compile_options){
                      .fetch = {mask}, .update = {hd_assign(a, hd_neg(a))}, .mode = HD_TRAIN});
  for (int step = 0; step < 2; step++) {
    net_run(&n);
    memcpy(seen[step], net_out(&n, 0), sizeof seen[step]);
  }
  assert_memory_not_equal(seen[0], seen[1], sizeof seen[0]);
  assert_int_equal(hd_store_step(n.store), 2);
  hd_store_set_step(n.store, 0);
  net_run(&n);
  assert_memory_equal(seen[0], net_out(&n, 0), sizeof seen[0]);
  net_compile(&n, (hd_compile_options){.fetch = {mask}, .mode = HD_TRAIN});  // nothing is updated
  for (int i = 0; i < 2; i++) {
    net_run(&n);
    assert_memory_equal(seen[1], net_out(&n, 0), sizeof seen[1]);
  }
  net_free(&n);
}

static void a_value_that_does_not_fit_is_refused(void **state) {
  (void)state;
  net n = net_new(NULL);
  hd_val a = vector(n.g, "a", 4);
  hd_val x = hd_input(n.g, "x", HD_F32, HD_SHAPE(HD_BATCH, 2));
  hd_update u = hd_assign(a, hd_reshape(x, HD_SHAPE(HD_ANY)));  // 2 N numbers: known when compiled
  hd_error err = {0};
  assert_null(hd_compile(n.store, &err, .update = {u}, .batch = 8));
  assert_non_null(strstr(err.text, "(16)"));
  assert_non_null(strstr(err.text, "\"a\""));
  net_compile(&n, (hd_compile_options){.update = {u}, .batch = 2});
  assert_null(hd_compile(n.store, &err, .update = {u, u}, .batch = 2));
  assert_non_null(strstr(err.text, "twice"));
  net_free(&n);
}

// ---- Compiling ----------------------------------------------------------------------------------
// An allocator that spoils what is freed.
static void *lend(void *user, size_t align, size_t bytes) {
  (void)user;
  char *p = aligned_alloc(align, (bytes + 2 * align - 1) / align * align);
  if (p) memcpy(p, &bytes, sizeof bytes);
  return p ? p + align : NULL;
}
static void spoil(void *user, void *block) {
  size_t bytes;
  (void)user;
  if (!block) return;
  memcpy(&bytes, (char *)block - 64, sizeof bytes);
  memset(block, 0x55, bytes);
  free((char *)block - 64);
}

static void a_plan_is_a_sealed_copy(void **state) {
  (void)state;
  net n = net_new(NULL);
  hd_graph_free(n.g);
  n.g = hd_graph_new(&(hd_env){.alloc = lend, .free = spoil});
  hd_val x = hd_input(n.g, "x", HD_F32, HD_SHAPE(HD_BATCH, 3));
  hd_val y =
      hd_add(hd_dense(x, .units = 4), hd_constant(n.g, HD_F32, HD_SHAPE(4), (float[]){2, 3, 4, 5}));
  net_compile(&n, (hd_compile_options){.fetch = {y}, .batch = 2});
  net_fill(&n, "x", 1);
  net_run(&n);
  float before[8];
  memcpy(before, net_out(&n, 0), sizeof before);
  for (int i = 0; i < 500; i++) y = hd_relu(hd_name(y, "changed"));
  hd_add(x, hd_input(n.g, "bad", HD_F32, HD_SHAPE(7, 7)));
  assert_string_not_equal(hd_graph_error(n.g), "");
  net_run(&n);
  assert_memory_equal(before, net_out(&n, 0), sizeof before);
  hd_graph_free(n.g);
  n.g = NULL;
  net_run(&n);
  assert_memory_equal(before, net_out(&n, 0), sizeof before);
  net_free(&n);
}

static void sizes_must_be_bound(void **state) {
  (void)state;
  net n = net_new(NULL);
  hd_error err = {0};
  hd_val x = hd_input(n.g, "x", HD_F32, HD_SHAPE(HD_BATCH, HD_TIME, 3));
  hd_val t = hd_input(n.g, "t", HD_F32, HD_SHAPE(HD_BATCH, HD_LENGTH, 3));
  hd_val y = hd_sum(x), z = hd_sum(hd_sub(hd_flatten(x), hd_flatten(t)));
  assert_null(hd_compile(n.store, &err, .fetch = {y}, .time = 2));
  assert_non_null(strstr(err.text, "x: size 0 of (N, T, 3) is not bound; compile with .batch"));
  assert_null(hd_compile(n.store, &err, .fetch = {y}, .batch = 2));
  assert_non_null(strstr(err.text, ".time"));
  assert_null(hd_compile(n.store, &err, .fetch = {y}, .batch = -3, .time = 2));
  assert_null(hd_compile(n.store, &err, .fetch = {y}, .batch = (int64_t)1 << 60, .time = 2));
  assert_non_null(strstr(err.text, "x"));
  assert_null(
      hd_compile(n.store, &err, .fetch = {y}, .batch = (int64_t)1 << 31, .time = (int64_t)1 << 31));
  assert_string_equal(hd_graph_error(n.g), "");
  assert_null(hd_compile(n.store, &err, .fetch = {z}, .batch = 2, .time = 5, .length = 4));
  assert_non_null(strstr(err.text, "sub"));
  assert_string_equal(hd_graph_error(n.g), "");  // the graph itself is fine
  net_compile(&n, (hd_compile_options){.fetch = {z}, .batch = 2, .time = 5, .length = 5});
  hd_type type;
  assert_non_null(hd_workspace_input(n.w, "x", &type));
  assert_true(hd_shape_equal(type.shape, HD_SHAPE(2, 5, 3)));
  assert_null(hd_workspace_input(n.w, "y", NULL));
  assert_null(hd_workspace_feed(n.w, 0, NULL));
  assert_null(hd_workspace_fetch(n.w, 1, NULL));
  net_free(&n);
}

// Any value can be fetched, and any value can be given instead of computed.
static void fetches_and_feeds(void **state) {
  (void)state;
  net n = net_new(NULL);
  hd_val x = hd_input(n.g, "x", HD_F32, HD_SHAPE(HD_BATCH, 3)), c = hd_scalar(n.g, 3);
  hd_val h = hd_tanh(hd_dense(x, .units = 3)), y = hd_scale(h, 2),
         r = hd_reshape(y, HD_SHAPE(HD_ANY));
  hd_val bias = hd_variable(n.g, HD_F32, HD_SHAPE(3), .name = "bias", .init = {HD_CONSTANT, 5, 0});
  net_compile(&n, (hd_compile_options){.fetch = {y, h, x, c, bias, r, y}, .batch = 2});
  net_fill(&n, "x", 1);
  net_run(&n);
  float h1[6];
  memcpy(h1, net_out(&n, 1), sizeof h1);
  for (int i = 0; i < 6; i++) assert_true(net_out(&n, 0)[i] == 2 * h1[i]);
  assert_memory_equal(net_out(&n, 5), net_out(&n, 0), sizeof h1);
  assert_ptr_equal(net_out(&n, 6), net_out(&n, 0));
  assert_memory_equal(net_out(&n, 2), hd_workspace_input(n.w, "x", NULL), sizeof h1);
  assert_true(*net_out(&n, 3) == 3 && net_out(&n, 4)[2] == 5);
  net_compile(&n, (hd_compile_options){.fetch = {y, r, h}, .feed = &h, .feeds = 1, .batch = 2});
  assert_null(hd_workspace_input(n.w, "x", NULL));  // nothing needs it
  memcpy(hd_workspace_feed(n.w, 0, NULL), h1, sizeof h1);
  net_run(&n);
  for (int i = 0; i < 6; i++)
    assert_true(net_out(&n, 0)[i] == 2 * h1[i] && net_out(&n, 2)[i] == h1[i]);
  hd_graph *other = hd_graph_new(NULL);
  hd_val away = hd_scalar(other, 1);
  hd_error err = {0};
  for (int k = 0; k < 40; k++) away = hd_neg(away);  // a number that the first graph has no node of
  assert_null(hd_compile(n.store, &err, .fetch = {y}, .feed = &away, .feeds = 1, .batch = 2));
  assert_non_null(strstr(err.text, "feed 0"));
  assert_null(hd_compile(n.store, &err, .fetch = {y, away}, .batch = 2));
  assert_non_null(strstr(err.text, "fetch 1"));
  hd_graph_free(other);
  net_compile(&n, (hd_compile_options){.fetch = {c, bias}});  // nothing to do is a plan, too
  net_run(&n);
  assert_true(*net_out(&n, 0) == 3);
  net_free(&n);
}

// A program has room for so many results; a chain that is fetched link by link has more.
static void every_link_of_a_chain_can_be_fetched(void **state) {
  (void)state;
  enum { LINKS = 60 };
  net n = net_new(NULL);
  hd_val x = hd_input(n.g, "x", HD_F32, HD_SHAPE(33)), link[LINKS], y = x;
  for (int i = 0; i < LINKS; i++) {  // each reads a row vector and itself in two ways
    hd_val c = hd_input(n.g, (char[]){'c', (char)('0' + i), 0}, HD_F32, HD_SHAPE(1));
    link[i] = y = hd_tanh(hd_add(y, hd_mul(hd_broadcast_to(c, HD_SHAPE(33)), x)));
  }
  float last[2][33];
  for (int k = 0; k < 2; k++) {
    net_compile(&n, (hd_compile_options){.more = link, .mores = LINKS, .no_fusion = k});
    net_fill(&n, "x", 3);
    for (int i = 0; i < LINKS; i++) net_fill(&n, (char[]){'c', (char)('0' + i), 0}, (uint64_t)i);
    net_run(&n);
    memcpy(last[k], net_out(&n, LINKS - 1), sizeof last[k]);
  }
  assert_memory_equal(last[0], last[1], sizeof last[0]);
  net_free(&n);
}

static void note_packed(void *user, const char *line) {
  *(int *)user += strstr(line, "packed once") != NULL;
}

// A frozen plan: same bits, run after run, and its weights are packed at the first run alone. What
// the plan itself assigns is never frozen.
static void frozen_weights_are_packed_once(void **state) {
  (void)state;
  net n = net_new(NULL);
  hd_val x = hd_input(n.g, "x", HD_F32, HD_SHAPE(HD_BATCH, 6, 6, 20));
  hd_val h = hd_relu(hd_conv2d(x, .filters = 24, .kernel = {3, 3}, .pad = HD_SAME));
  hd_val w = hd_variable(n.g, HD_F32, HD_SHAPE(24, 24), .name = "w", .init = {HD_NORMAL, 0, 1});
  hd_val y = hd_matmul(hd_reshape(h, HD_SHAPE(HD_ANY, 24)), w);
  float first[3 * 36 * 24];
  for (int frozen = 0; frozen < 2; frozen++) {
    int packed = 0;
    net_compile(&n, (hd_compile_options){.fetch = {y}, .batch = 3, .frozen = frozen});
    hd_plan_print(n.plan, note_packed, &packed);
    assert_int_equal(packed >= 1, frozen);
    for (int run = 0; run < 3; run++) {
      net_fill(&n, "x", 7);
      net_run(&n);
      if (!frozen && !run) memcpy(first, net_out(&n, 0), sizeof first);
      assert_memory_equal(net_out(&n, 0), first, sizeof first);
    }
    hd_parameter *kernel = NULL;  // what a frozen plan must not be done to shows that it is one
    for (int i = 0; i < hd_store_count(n.store); i++)
      if (hd_store_at(n.store, i)->type.shape.rank == 4)
        kernel = (hd_parameter *)hd_store_at(n.store, i);
    assert_non_null(kernel);
    float *at = kernel->data, old = *at;
    *at = old + 1;
    net_run(&n);
    assert_int_equal(memcmp(net_out(&n, 0), first, sizeof first) == 0, frozen);
    *at = old;
  }
  int packed = 0;
  hd_update doubled = hd_assign(w, hd_add(w, w));
  net_compile(&n, (hd_compile_options){.fetch = {hd_matmul(hd_reshape(x, HD_SHAPE(HD_ANY, 24)), w)},
                                       .update = {doubled},
                                       .batch = 50,
                                       .frozen = true});
  hd_plan_print(n.plan, note_packed, &packed);
  assert_int_equal(packed, 0);
  net_free(&n);
}

static void note_products(void *user, const char *line) {  // all, and those not stored
  ((int *)user)[0] += strstr(line, "matmul") != NULL;
  ((int *)user)[1] += strstr(line, "not stored") != NULL;
}

// The gradient of a dense layer's weights goes tile by tile into their update and is never stored,
// unless somebody else reads it; that of one sample is part of the update. The bits are those of
// one kernel call for each node.
static void gradients_are_handed_on(void **state) {
  (void)state;
  enum { IN = 230, OUT = 60, STEPS = 3 };
  static const int batch[] = {1, 20};
  for (int b = 0; b < 2; b++) {
    static float first[IN * OUT];
    for (int way = 0; way < 3; way++) {  // plain, fused, fused and fetched
      net n = net_new(NULL);
      hd_val x = hd_input(n.g, "x", HD_F32, HD_SHAPE(HD_BATCH, IN));
      hd_val w =
          hd_variable(n.g, HD_F32, HD_SHAPE(IN, OUT), .name = "w", .init = {HD_NORMAL, 0, 1});
      hd_val m = hd_variable(n.g, HD_F32, HD_SHAPE(IN, OUT), .name = "m", .role = HD_STATISTIC);
      hd_val y = hd_matmul(x, w), g = hd_matmul(x, hd_sin(y), .ta = true);
      hd_val now = hd_add(hd_mul(m, hd_scalar_like(m, 0.9)), g);
      net_compile(&n,
                  (hd_compile_options){
                      .fetch = {y, way == 2 ? g : (hd_val){0}},
                      .update = {hd_assign(m, now),
                                 hd_assign(w, hd_sub(w, hd_mul(now, hd_scalar_like(now, 0.01))))},
                      .batch = batch[b],
                      .no_fusion = !way});
      int products[2] = {0};
      hd_plan_print(n.plan, note_products, products);
      assert_int_equal(products[0], batch[b] == 1 ? 1 : 2);
      assert_int_equal(products[1], way == 1 && batch[b] > 1);
      for (int s = 0; s < STEPS; s++) net_fill(&n, "x", (uint64_t)s), net_run(&n);
      if (!way) memcpy(first, net_parameter(&n, "w"), sizeof first);
      else assert_memory_equal(net_parameter(&n, "w"), first, sizeof first);
      net_free(&n);
    }
  }
}

static void note_operand(void *user, const char *line) {
  *(int *)user +=
      strstr(line, " > mean") || strstr(line, " > sum") || strstr(line, " > reduce_max");
}

// What reductions make on the way, and what is made again for each reader: the bits of one kernel
// call for each node, whoever else reads the value.
static void operands_are_made_on_the_way(void **state) {
  (void)state;
  enum { ROWS = 100, C = 64, CASES = 12 };
  for (int c = 0; c < CASES; c++) {
    float first[4][ROWS * C];
    for (int plain = 1; plain >= 0; plain--) {
      net n = net_new(NULL);
      hd_val x = hd_input(n.g, "x", HD_F32, HD_SHAPE(HD_BATCH, C)),
             m = hd_input(n.g, "m", HD_F32, HD_SHAPE(C)),
             g = hd_input(n.g, "g", HD_F32, HD_SHAPE(HD_BATCH, C));
      hd_val d = hd_sub(x, m), e = c % 3 == 0   ? hd_exp(d)
                                   : c % 3 == 1 ? hd_mul(d, g)
                                                : hd_square(d);
      hd_val mean = hd_mean(e, .axes = HD_AXIS(0)), most = hd_reduce_max(e, .axes = HD_AXIS(0)),
             sum = hd_sum(e, .axes = HD_AXIS(0)), y = hd_mul(d, hd_sub(mean, m));
      hd_val fetch[4] = {c == 1 ? sum : mean, c & 1 ? most : mean, c & 2 ? y : sum,
                         c >= 6 ? (c & 4 ? e : d) : y};
      int made = 0;
      net_compile(&n,
                  (hd_compile_options){
                      .more = fetch, .mores = c == 1 ? 1 : 4, .batch = ROWS, .no_fusion = plain});
      hd_plan_print(n.plan, note_operand, &made);
      if (plain) assert_int_equal(made, 0);
      else if (c == 1) assert_true(made >= 1);  // and so this test is about something
      for (const char *name = "xmg"; *name; name++) {
        char word[] = {*name, 0};
        if (hd_workspace_input(n.w, word, NULL)) net_fill(&n, word, (uint64_t)*name);
      }
      net_run(&n);
      for (int k = 0; k < (c == 1 ? 1 : 4); k++) {
        hd_type t;
        hd_workspace_fetch(n.w, k, &t);
        size_t bytes = sizeof(float) * (size_t)hd_shape_count(t.shape);
        if (plain) memcpy(first[k], net_out(&n, k), bytes);
        else assert_memory_equal(net_out(&n, k), first[k], bytes);
      }
      net_free(&n);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(reads_see_the_start_of_the_step),
                                     cmocka_unit_test(a_product_is_assigned_to_its_operand),
                                     cmocka_unit_test(every_step_draws_again),
                                     cmocka_unit_test(a_value_that_does_not_fit_is_refused),
                                     cmocka_unit_test(a_plan_is_a_sealed_copy),
                                     cmocka_unit_test(sizes_must_be_bound),
                                     cmocka_unit_test(fetches_and_feeds),
                                     cmocka_unit_test(every_link_of_a_chain_can_be_fetched),
                                     cmocka_unit_test(frozen_weights_are_packed_once),
                                     cmocka_unit_test(gradients_are_handed_on),
                                     cmocka_unit_test(operands_are_made_on_the_way)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
