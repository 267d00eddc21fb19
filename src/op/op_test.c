// Every op: its double reference, derivatives, plans and field table; and that these checks find
// what they are there for.
#include "conform_test.h"

static void test_every_op(void **unused) {
  (void)unused;
  int faults = 0;
  printf("%-16s %5s %7s %8s %9s %9s %9s\n", "op", "cases", "refused", "batched", "gradient", "f32",
         "f64 plan");
  for (int i = 0; hd_ops()[i]; i++) {
    const hd_op *op = hd_ops()[i];
    report r = check_op(op);
    // broadcast_to has the result's size as an attribute; schedule takes one step, never a batch
    bool never = op == &hd_def_broadcast_to || op == &hd_def_schedule;
    if (!r.batched && !never) fault(&r, "no case takes HD_BATCH as its first axis");
    if (!op->math || hd_op_find(op->name) != op) fault(&r, "no math, or the name is taken");
    print(op, &r);
    faults += *r.fault != 0;
  }
  assert_int_equal(faults, 0);
}

// ---- Known values -------------------------------------------------------------------------------
// What no derivative can check. Inputs are constants: f32 (1, n), or i32 (n) as an index.
static void expect_values(hd_val y, hd_dtype dtype, const double *right, int count) {
  if (!hd_ok(y)) fail_msg("%s", y.graph ? hd_graph_error(y.graph) : "no value");
  machine m = machine_new(&y, 1);
  machine_run(&m);
  assert_int_equal(hd_type_of(y)->dtype, dtype);
  assert_int_equal(hd_shape_count(hd_type_of(y)->shape), count);
  for (int i = 0; i < count; i++) {
    double v = load(dtype, at(&m, y), i);
    if (v != right[i] && (v == v || right[i] == right[i]))
      fail_msg("%s: element %d is %g, must be %g", hd_node_of(y)->op->name, i, v, right[i]);
  }
  machine_free(&m);
}
#define EXPECT(y, dtype, ...) \
  expect_values(y, dtype, (double[]){__VA_ARGS__}, (int)HD_COUNT(((double[]){__VA_ARGS__})))

static void test_values(void **unused) {
  (void)unused;
  hd_graph *g = hd_graph_new(NULL);
  float some[] = {-1.5f, 0, 0.5f, 2, 300.7f, NAN, INFINITY, -3e9f};
  float left[] = {1, 2, 3, NAN}, right[] = {2, 2, 2, 2}, table[] = {1, 2, 3, 4, 5, 6};
  int32_t where[] = {2, -1, 3, 0}, large[] = {16777217, 16777216, -5, 300};
  hd_val x = hd_constant(g, HD_F32, HD_SHAPE(1, 8), some);
  hd_val a = hd_constant(g, HD_F32, HD_SHAPE(1, 4), left);
  hd_val b = hd_constant(g, HD_F32, HD_SHAPE(1, 4), right);
  hd_val i = hd_constant(g, HD_I32, HD_SHAPE(4), where);
  hd_val j = hd_constant(g, HD_I32, HD_SHAPE(4), large);
  hd_val t = hd_constant(g, HD_F32, HD_SHAPE(3, 2), table);
  EXPECT(hd_sign(x), HD_F32, -1, 0, 1, 1, 1, NAN, 1, -1);
  EXPECT(hd_floor(x), HD_F32, -2, 0, 0, 2, 300, NAN, INFINITY, -3e9f);
  EXPECT(hd_cast(x, HD_I32), HD_I32, -1, 0, 0, 2, 300, INT32_MIN, INT32_MAX, INT32_MIN);
  EXPECT(hd_cast(x, HD_U8), HD_U8, 0, 0, 0, 2, 255, 0, 255, 0);
  EXPECT(hd_cast(x, HD_BOOL), HD_BOOL, 1, 0, 1, 1, 1, 1, 1, 1);
  EXPECT(hd_cast(j, HD_U8), HD_U8, 255, 255, 0, 255);
  EXPECT(hd_cast(j, HD_F64), HD_F64, 16777217, 16777216, -5, 300);
  EXPECT(hd_greater(a, b), HD_BOOL, 0, 0, 1, 0);
  EXPECT(hd_greater_equal(a, b), HD_BOOL, 0, 1, 1, 0);
  EXPECT(hd_less(a, b), HD_BOOL, 1, 0, 0, 0);
  EXPECT(hd_less_equal(a, b), HD_BOOL, 1, 1, 0, 0);
  EXPECT(hd_equal(a, b), HD_BOOL, 0, 1, 0, 0);
  EXPECT(hd_greater(j, hd_scalar_like(j, 16777216)), HD_BOOL, 1, 0, 0, 0);
  EXPECT(hd_maximum(a, b), HD_F32, 2, 2, 3, NAN);
  EXPECT(hd_minimum(a, b), HD_F32, 1, 2, 2, NAN);
  EXPECT(hd_select(hd_less(a, b), a, b), HD_F32, 1, 2, 2, 2);
  EXPECT(hd_leaky_relu(a, .slope = 0.5f), HD_F32, 1, 2, 3, NAN);
  EXPECT(hd_leaky_relu(hd_neg(a)), HD_F32, -0.01f, 2 * -0.01f, 3 * -0.01f, NAN);
  EXPECT(hd_gather(t, i), HD_F32, 5, 6, 0, 0, 0, 0, 1, 2);
  EXPECT(hd_one_hot(i, 3), HD_F32, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0);
  EXPECT(hd_scatter_add(b, hd_constant(g, HD_I32, HD_SHAPE(1), where), 3), HD_F32, 0, 0, 0, 0, 0, 0,
         0, 0, 2, 2, 2, 2);
  EXPECT(hd_transpose(t, HD_SHAPE(1, 0)), HD_F32, 1, 3, 5, 2, 4, 6);
  EXPECT(hd_slice(t, 0, -2, HD_ANY), HD_F32, 3, 4, 5, 6);
  EXPECT(hd_pad(hd_slice(t, 0, 0, 1), .before = {1, 0}, .after = {0, 1}, .value = 9), HD_F32, 9, 9,
         9, 1, 2, 9);
  EXPECT(hd_pad(i, .after = {2}, .value = -7), HD_I32, 2, -1, 3, 0, -7, -7);
  EXPECT(hd_concat((hd_val[]){t, t}, 2, 1), HD_F32, 1, 2, 1, 2, 3, 4, 3, 4, 5, 6, 5, 6);
  EXPECT(hd_power(b, 2), HD_F32, 4, 4, 4, 4);
  EXPECT(hd_power(b, 3), HD_F32, 8, 8, 8, 8);
  hd_graph_free(g);
}

// ---- Field tables -------------------------------------------------------------------------------
// Every byte of the struct is in one field, in hd_z and use_names, or padding that alignment asks
// for. NULL when it is so, else the reason.
static const char *uncovered(const hd_fields *f) {
  static char text[160];
  static const size_t size[] = {
      [HD_FIELD_INT] = sizeof(int),     [HD_FIELD_INT64] = sizeof(int64_t),
      [HD_FIELD_REAL] = sizeof(float),  [HD_FIELD_BOOL] = sizeof(bool),
      [HD_FIELD_TEXT] = sizeof(char *), [HD_FIELD_CHOICE] = sizeof(int),
      [HD_FIELD_INIT] = sizeof(hd_init)};
  typedef struct {
    HD_OPTIONS;
  } header;
  bool named = true;
  for (int i = 0; i < f->count; i++) named = named && f->field[i].offset;
  size_t end = named ? sizeof(header) : 0, align = named ? sizeof(void *) : 1;
  for (int done = 0; done < f->count; done++) {
    const hd_field *next = NULL;
    for (int i = 0; i < f->count; i++) {
      const hd_field *t = &f->field[i];
      if (t->offset >= end && (!next || t->offset < next->offset)) next = t;
    }
    if (!next) return "two fields overlap";
    size_t each = size[next->kind], to = each == sizeof(hd_init) ? sizeof(int) : each;
    if (next->offset != (end + to - 1) / to * to) {
      snprintf(text, sizeof text, "a member is missing before %s", next->name);
      return text;
    }
    if (next->count < 1 || !next->help || !next->standard) return "a field has no count or text";
    end = next->offset + each * (size_t)next->count;
    align = HD_MAX(align, to);
  }
  return (end + align - 1) / align * align == f->size ? NULL : "a member is missing at the end";
}

static void test_fields(void **unused) {
  (void)unused;
  for (int i = 0; hd_ops()[i]; i++) {
    const hd_op *op = hd_ops()[i];
    const char *reason = op->fields ? uncovered(op->fields) : NULL;
    if (reason) fail_msg("%s: %s", op->name, reason);
  }
  const hd_field *f = hd_def_pad.fields->field;
  hd_fields bad = {"bad", sizeof(hd_pad_options), f, 2};
  assert_string_equal(uncovered(&bad), "a member is missing at the end");
  bad.field = f + 1;
  assert_string_equal(uncovered(&bad), "a member is missing before after");
  bad.field = (const hd_field[]){f[0], f[1], f[2], f[2]}, bad.count = 4;
  assert_string_equal(uncovered(&bad), "two fields overlap");
}

// ---- An op of a user's own, and what the checks above find --------------------------------------
static void cube32(const hd_args *a, int64_t part) {
  (void)part;
  const float *x = a->in[0];
  float *y = a->out[0];
  for (int64_t i = 0; i < hd_shape_count(a->out_type->shape); i++) y[i] = x[i] * x[i] * x[i];
}
static void cube64(const hd_args *a, int64_t part) {
  (void)part;
  const double *x = a->in[0];
  double *y = a->out[0];
  for (int64_t i = 0; i < hd_shape_count(a->out_type->shape); i++) y[i] = x[i] * x[i] * x[i];
}
static hd_status cube_shape(hd_rule *r) {
  if (r->in[0].shape.rank > 3) return hd_refuse(r, "rank %d", r->in[0].shape.rank);
  r->out[0] = r->in[0];
  return HD_OK;
}
static void cube_grad(hd_grad_rule *g) {
  g->dx[0] = hd_mul(g->dy[0], hd_scale(hd_square(g->rule->value[0]), 3));
}
static int cube_expand(hd_expand *e, const void *attr, const int *in) {
  (void)attr;
  int square = hd_expand_tile(e, HD_TILE_mul, in[0], in[0], -1);
  return hd_expand_tile(e, HD_TILE_mul, square, in[0], -1);
}
static const hd_case cube_cases[] = {{.in = {{HD_F32, {0}}}},
                                     {.in = {{HD_F32, {2, {3, 5}}}}},
                                     {.in = {{HD_F32, {4, {1, 1, 1, 1}}}}, .refuse = "rank 4"},
                                     {0}};
static const hd_op cube = {.name = "cube",
                           .math = "y = x^3",
                           .min_in = 1,
                           .max_in = 1,
                           .n_out = 1,
                           .shape = cube_shape,
                           .ref32 = cube32,
                           .ref64 = cube64,
                           .grad = cube_grad,
                           .cases = cube_cases};

static void steep_grad(hd_grad_rule *g) {
  cube_grad(g);
  g->dx[0] = hd_scale(g->dx[0], 1 + 1e-6);
}
// Its derivative is not what it says: the value is right, the graph behind it is not.
static void flat_grad(hd_grad_rule *g) {
  cube_grad(g);
  g->dx[0] = hd_stop_gradient(g->dx[0]);
}
static void no_grad(hd_grad_rule *g) { (void)g; }
static void off32(const hd_args *a, int64_t part) {
  cube32(a, part);
  *(float *)a->out[0] *= 1.00001f;
}
static void nan32(const hd_args *a, int64_t part) {
  cube32(a, part);
  *(float *)a->out[0] = NAN;
}
static hd_status by_isa(hd_lowering *l) {
  l->phases = 1;
  l->phase[0].run = l->kernels->isa >= HD_ISA_AVX512 ? off32 : cube32;
  l->phase[0].parts = 1;
  return HD_OK;
}
static hd_status eager_shape(hd_rule *r) {
  r->out[0] = r->in[0];
  return HD_OK;
}
static hd_val halve(hd_rule *r, bool train) {
  (void)train;
  return hd_scale(r->value[0], 0.5);
}
static int square_expand(hd_expand *e, const void *attr, const int *in) {
  (void)attr;
  return hd_expand_tile(e, HD_TILE_mul, in[0], in[0], -1);
}

// Right where nothing overflows.
static int bounded_expand(hd_expand *e, const void *attr, const int *in) {
  return hd_expand_tile(e, HD_TILE_min, cube_expand(e, attr, in), hd_expand_value(e, 1e20), -1);
}

static void test_own_op(void **unused) {
  (void)unused;
  hd_op op = cube;
  report r = check_op(&op);
  print(&op, &r);
  assert_string_equal(r.fault, "");
  assert_int_equal(r.batched, 1);
  op.expand = cube_expand;
  r = check_op(&op);
  assert_string_equal(r.fault, "");
}

static void expect_fault(hd_op op, const char *text) {
  report r = check_op(&op);
  if (!strstr(r.fault, text)) fail_msg("expected \"%s\", got \"%s\"", text, r.fault);
}

static void test_faults_are_found(void **unused) {
  (void)unused;
  hd_op op = cube;
  op.grad = steep_grad, expect_fault(op, "gradient error 1.0e-06");
  op.grad = flat_grad, expect_fault(op, "gradient error 1.0e+00");
  op.no_second = true;
  assert_true(check_op(&op).gradient <= 1e-8);
  op = cube, op.grad = no_grad, expect_fault(op, "gradient error 1.0e+00");
  op = cube, op.ref32 = off32, expect_fault(op, "case 1, baseline: off by 1.0e-05");
  op.ref32 = nan32, expect_fault(op, "case 1, baseline: off by inf");
  op = cube, op.rewrite = halve, expect_fault(op, "the double plan is off by");
  op = cube, op.expand = square_expand, expect_fault(op, "off by");
  op = cube, op.expand = bounded_expand;
  expect_fault(op, "cube of 1e+30 and 0 is 1e+20, must be inf");
  op = cube, op.shape = eager_shape, expect_fault(op, "should refuse: rank 4");
  hd_case loose[] = {cube_cases[1], cube_cases[1], {0}};
  loose[0].bound = loose[1].bound = 1e-3;
  op = cube, op.lower = by_isa, op.cases = loose;
  bool both = false, wide = false;
  for (int i = 0; i < target_count; i++) {
    both |= !strcmp(targets[i].name, "avx2");
    wide |= !strcmp(targets[i].name, "avx512");
  }
  if (both && wide) expect_fault(op, "case 1, avx512: other bits than avx2");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_op),         cmocka_unit_test(test_values),
      cmocka_unit_test(test_fields),           cmocka_unit_test(test_own_op),
      cmocka_unit_test(test_faults_are_found),
  };
  return cmocka_run_group_tests(tests, open_stores, close_stores);
}
