// y[..., m, n] = sum_k a[..., m, k] b[..., k, n], either side transposed
#include "op.h"

// Sizes of one product and how the batch walks: strides of 0 share an operand.
typedef struct {
  int64_t batch, m, n, k, sa, sb;
} sizes;
static sizes sizes_of(const hd_type *a, const hd_type *b, const hd_matmul_options *o) {
  int ra = a->shape.rank, rb = b->shape.rank;
  const int64_t *da = a->shape.d + ra - 2, *db = b->shape.d + rb - 2;
  sizes s = {1, da[o->ta], db[!o->tb], da[!o->ta], 0, 0};
  for (int i = 0; i < HD_MAX(ra, rb) - 2; i++) s.batch *= ra >= rb ? a->shape.d[i] : b->shape.d[i];
  if (ra > 2) s.sa = da[0] * da[1];
  if (rb > 2) s.sb = db[0] * db[1];
  return s;
}

HD_REF(matmul) {
  (void)part;
  const hd_matmul_options *o = a->attr;
  sizes s = sizes_of(&a->in_type[0], &a->in_type[1], o);
  const real *x = a->in[0], *w = a->in[1];
  real *y = a->out[0];
  for (int64_t b = 0; b < s.batch; b++)
    for (int64_t m = 0; m < s.m; m++)
      for (int64_t n = 0; n < s.n; n++) {
        real sum = 0;
        for (int64_t k = 0; k < s.k; k++)
          sum += x[b * s.sa + (o->ta ? k * s.m + m : m * s.k + k)] *
                 w[b * s.sb + (o->tb ? n * s.k + k : k * s.n + n)];
        *y++ = sum;
      }
}

#ifndef HD_REF64
static hd_status shape(hd_rule *r) {
  const hd_matmul_options *o = r->attr;
  hd_shape a = r->in[0].shape, b = r->in[1].shape;
  char ta[96], tb[96];
  if (hd_rule_real(r, 0) || hd_rule_real(r, 1)) return HD_E_SHAPE;
  if (r->in[0].dtype != r->in[1].dtype)
    return hd_refuse(r, "a is %s, b is %s; cast one of them", hd_dtype_name(r->in[0].dtype),
                     hd_dtype_name(r->in[1].dtype));
  if (a.rank < 2 || b.rank < 2)
    return hd_refuse(r, "needs matrices, got a %s and b %s", hd_text_of(a, ta), hd_text_of(b, tb));
  int64_t m = a.d[a.rank - 2 + o->ta], ka = a.d[a.rank - 1 - o->ta], kb = b.d[b.rank - 2 + o->tb],
          n = b.d[b.rank - 1 - o->tb];
  if (!hd_dim_fits(ka, kb))
    return hd_refuse(r, "inner sizes differ: a is %s%s, b is %s%s", hd_text_of(a, ta),
                     o->ta ? " transposed" : "", hd_text_of(b, tb), o->tb ? " transposed" : "");
  if (a.rank > 2 && b.rank > 2) {
    bool fits = a.rank == b.rank;
    for (int i = 0; fits && i < a.rank - 2; i++) fits = hd_dim_fits(a.d[i], b.d[i]);
    if (!fits)
      return hd_refuse(r, "leading axes differ: a is %s, b is %s", hd_text_of(a, ta),
                       hd_text_of(b, tb));
  }
  r->out[0] = (hd_type){r->in[0].dtype, a.rank >= b.rank ? a : b};
  hd_shape *y = &r->out[0].shape;
  if (a.rank > 2 && b.rank > 2)
    for (int i = 0; i < a.rank - 2; i++) y->d[i] = a.d[i] < 0 ? b.d[i] : a.d[i];
  y->d[y->rank - 2] = m;
  y->d[y->rank - 1] = n;
  return HD_OK;
}

static hd_val product(hd_val a, bool ta, hd_val b, bool tb) {
  return (hd_matmul)(a, b, (hd_matmul_options){.ta = ta, .tb = tb});
}

// y = a b: da = dy b', db = a' dy; the four forms by transposing the rule.
static void grad(hd_grad_rule *g) {
  const hd_matmul_options *o = g->rule->attr;
  hd_val a = g->rule->value[0], b = g->rule->value[1], dy = g->dy[0];
  if (g->want[0])
    g->dx[0] = hd_sum_like(o->ta ? product(b, o->tb, dy, true) : product(dy, false, b, !o->tb), a);
  if (!g->want[1]) return;
  // One shared matrix b under a batch of a: the batch is just more rows.
  if (hd_type_of(b)->shape.rank == 2 && hd_type_of(a)->shape.rank > 2 && !o->ta) {
    int64_t k = hd_type_of(a)->shape.d[hd_type_of(a)->shape.rank - 1],
            n = hd_type_of(dy)->shape.d[hd_type_of(dy)->shape.rank - 1];
    a = hd_reshape(a, HD_SHAPE(HD_ANY, k));
    dy = hd_reshape(dy, HD_SHAPE(HD_ANY, n));
  }
  g->dx[1] = hd_sum_like(o->tb ? product(dy, true, a, o->ta) : product(a, !o->ta, dy, false), b);
}

// Sums of one term are products of broadcast operands, which then join what reads them.
static hd_val rewrite(hd_rule *r, bool train) {
  const hd_matmul_options *o = r->attr;
  hd_shape a = r->in[0].shape, b = r->in[1].shape;
  (void)train;
  if (a.d[a.rank - 1 - o->ta] != 1 || !hd_shape_count(a) || !hd_shape_count(b)) return (hd_val){0};
  a.d[a.rank - 2] = a.d[a.rank - 2 + o->ta], a.d[a.rank - 1] = 1;
  b.d[b.rank - 1] = b.d[b.rank - 1 - o->tb], b.d[b.rank - 2] = 1;
  return hd_mul(hd_reshape(r->value[0], a), hd_reshape(r->value[1], b));
}

typedef struct {
  const hd_kernels *kernels;
  hd_product_plan plan;
} prepared;
static void run(const hd_args *a, int64_t part) {
  const prepared *p = a->data;
  p->kernels->product_run(&p->plan, a->phase, part, a->in[0], a->in[1], a->out[0], a->scratch,
                          a->packed, a->after);
}

static hd_status lower(hd_lowering *l) {
  const hd_matmul_options *o = l->rule->attr;
  const hd_type *a = &l->rule->in[0], *b = &l->rule->in[1];
  sizes s = sizes_of(a, b, o);
  if (s.batch < 1 || s.m < 1 || s.n < 1) return HD_OK;
  prepared *p = l->data = hd_lower_alloc(l, sizeof *p);
  if (!p) return HD_E_MEMORY;
  hd_product q = {.batch = s.batch,
                  .m = s.m,
                  .n = s.n,
                  .k = s.k,
                  .ta = o->ta,
                  .tb = o->tb,
                  .lda = a->shape.d[a->shape.rank - 1],
                  .ldb = b->shape.d[b->shape.rank - 1],
                  .batch_a = s.sa,
                  .batch_b = s.sb,
                  .precision = l->precision,
                  .kept = l->kept};
  // Bf16 would not gain on a small one.
  if (s.batch * s.m * s.n * s.k < 1 << 16) q.precision = HD_PRECISION_F32;
  if (s.batch > 1 && !s.sb && !o->ta) q.m *= q.batch, q.batch = 1;  // more rows of one product
  p->kernels = l->kernels;
  l->kernels->product_plan(&q, &p->plan);
  hd_lower_parts(l, run, &p->plan.run);
  return HD_OK;
}

static void cost(const hd_rule *r, double *flop) {
  sizes s = sizes_of(&r->in[0], &r->in[1], r->attr);
  *flop = 2.0 * (double)s.batch * (double)s.m * (double)s.n * (double)s.k;
}

static const hd_field field[] = {
    HD_FIELD(hd_matmul_options, ta, BOOL, .standard = "false", .help = "transpose a"),
    HD_FIELD(hd_matmul_options, tb, BOOL, .standard = "false", .help = "transpose b")};
static const hd_fields fields = HD_FIELDS("matmul", hd_matmul_options, field);

static const hd_matmul_options ta = {.ta = true}, tb = {.tb = true}, tt = {.ta = true, .tb = true};
static const hd_case cases[] = {
    {.in = {{HD_F32, {2, {2, 3}}}, {HD_F32, {2, {3, 4}}}}},
    {.in = {{HD_F32, {2, {5, 1}}}, {HD_F32, {2, {1, 7}}}}},
    {.in = {{HD_F32, {3, {2, 1, 5}}}, {HD_F32, {2, {7, 1}}}}, .attr = &tt},
    {.in = {{HD_F32, {2, {1, 0}}}, {HD_F32, {2, {1, 7}}}}, .attr = &ta},
    {.in = {{HD_F32, {2, {3, 2}}}, {HD_F32, {2, {3, 4}}}}, .attr = &ta},
    {.in = {{HD_F32, {2, {2, 3}}}, {HD_F32, {2, {4, 3}}}}, .attr = &tb},
    {.in = {{HD_F32, {2, {3, 2}}}, {HD_F32, {2, {4, 3}}}}, .attr = &tt},
    {.in = {{HD_F32, {3, {2, 2, 3}}}, {HD_F32, {3, {2, 3, 4}}}}},
    {.in = {{HD_F32, {3, {2, 2, 3}}}, {HD_F32, {2, {3, 4}}}}},
    {.in = {{HD_F32, {2, {2, 3}}}, {HD_F32, {3, {3, 4, 3}}}}, .attr = &tb},
    {.in = {{HD_F32, {3, {2, 3, 2}}}, {HD_F32, {3, {2, 4, 3}}}}, .attr = &tt},
    {.in = {{HD_F32, {2, {2, 3}}}, {HD_F32, {2, {2, 3}}}},
     .refuse = "inner sizes differ: a is (2, 3), b is (2, 3)"},
    {.in = {{HD_F32, {1, {3}}}, {HD_F32, {2, {3, 3}}}}, .refuse = "needs matrices"},
    {.in = {{HD_F32, {3, {2, 2, 3}}}, {HD_F32, {3, {3, 3, 4}}}}, .refuse = "leading axes differ"},
    {0}};

const hd_op hd_def_matmul = {.name = "matmul",
                             .onnx = "MatMul",
                             .math = "y[m,n] = sum_k a[m,k] b[k,n]",
                             .fields = &fields,
                             .min_in = 2,
                             .max_in = 2,
                             .n_out = 1,
                             .shape = shape,
                             HD_REFS(matmul),
                             .grad = grad,
                             .rewrite = rewrite,
                             .lower = lower,
                             .cost = cost,
                             .after = true,
                             .cases = cases};

hd_val(hd_matmul)(hd_val a, hd_val b, hd_matmul_options options) {
  return hd_node_add(&hd_def_matmul, &options, (hd_val[]){a, b}, 2);
}
#endif
