// Reductions: shapes, kernels and rewriting that sum, mean, reduce_max and reduce_min share.
#include "reduce.h"

#ifdef HD_REF64
typedef int hd_reduce_is_compiled_once;
#else
static hd_shape reduced(hd_shape x, const hd_reduce_options *o) {
  unsigned axes = hd_axes_of(o->axes, x.rank);
  hd_shape y = {0};
  for (int i = 0; i < x.rank; i++)
    if (!(axes >> i & 1)) y.d[y.rank++] = x.d[i];
    else if (o->keep) y.d[y.rank++] = 1;
  return y;
}

hd_status hd_reduce_shape(hd_rule *r) {
  const hd_reduce_options *o = r->attr;
  hd_shape x = r->in[0].shape;
  char t[96];
  if (hd_rule_real(r, 0)) return HD_E_SHAPE;
  unsigned known = (1u << x.rank) - 1, given = o->axes & ~HD_LAST_AXIS;
  for (int i = 0; i < 31; i++)
    if ((given & ~known) >> i & 1)
      return hd_refuse(r, "x is %s: it has no axis %d", hd_text_of(x, t), i);
  if ((o->axes & HD_LAST_AXIS) && !x.rank)
    return hd_refuse(r, "x is a scalar: it has no last axis");
  r->out[0] = (hd_type){r->in[0].dtype, reduced(x, o)};
  return HD_OK;
}

// x as (outer, reduce, inner) by its last group of adjacent axes, whose bits go to *group; axes of
// size 1 are neither here nor there. Returns what is left to reduce before that group.
static unsigned last_group(hd_shape x, unsigned axes, hd_reduce *to, unsigned *group) {
  int i = x.rank - 1;
  *to = (hd_reduce){1, 1, 1, HD_REDUCE_SUM};
  *group = 0;
  for (; i >= 0 && (x.d[i] == 1 || !(axes >> i & 1)); i--) to->inner *= x.d[i];
  for (; i >= 0 && (x.d[i] == 1 || (axes >> i & 1)); i--)
    to->reduce *= x.d[i], *group |= axes & 1u << i;
  unsigned left = 0;
  for (; i >= 0; i--) {
    to->outer *= x.d[i];
    if (x.d[i] != 1) left |= axes & 1u << i;
  }
  return left;
}

typedef struct {
  const hd_kernels *kernels;
  hd_reduce_plan plan;
} prepared;
static void run(const hd_args *a, int64_t part) {
  const prepared *p = a->data;
  p->kernels->reduce_run(&p->plan, a->phase, part, a->in[0], a->out[0], a->scratch, a->before);
}

bool hd_reduce_before(const hd_rule *r) {
  const hd_reduce_options *o = r->attr;
  hd_reduce q;
  unsigned group;
  return r->in[0].dtype == HD_F32 && hd_shape_count(r->in[0].shape) > 0 &&
         !last_group(r->in[0].shape, hd_axes_of(o->axes, r->in[0].shape.rank), &q, &group) &&
         q.inner > 1;
}

hd_status hd_reduce_lower(hd_lowering *l, hd_reduce_kind kind) {
  const hd_reduce_options *o = l->rule->attr;
  hd_shape x = l->rule->in[0].shape;
  hd_reduce q;
  unsigned group;
  if (last_group(x, hd_axes_of(o->axes, x.rank), &q, &group) || hd_shape_count(x) < 1) return HD_OK;
  prepared *p = l->data = hd_lower_alloc(l, sizeof *p);
  if (!p) return HD_E_MEMORY;
  q.kind = kind;
  p->kernels = l->kernels;
  l->kernels->reduce_plan(&q, &p->plan);
  hd_lower_parts(l, run, &p->plan.run);
  return HD_OK;
}

// Axes of size 1 only: another shape. Two groups of axes: one after the other, so that each is one
// walk over (outer, reduce, inner).
hd_val hd_reduce_rewrite(hd_rule *r, bool train) {
  (void)train;
  hd_reduce_options o = *(const hd_reduce_options *)r->attr;
  hd_shape x = r->in[0].shape, y = reduced(x, &o);
  hd_reduce q;
  unsigned group, axes = hd_axes_of(o.axes, x.rank), left = last_group(x, axes, &q, &group);
  if (hd_shape_equal(x, y)) return r->value[0];
  if (hd_shape_count(x) > 0 && q.reduce == 1 && !left) return hd_reshape(r->value[0], y);
  if (!left) return (hd_val){0};
  hd_reduce_options inner = {.axes = group, .keep = true};
  hd_val v = hd_node_add(r->op, &inner, r->value, 1);
  o.axes = axes;
  return hd_node_add(r->op, &o, &v, 1);
}

void hd_reduce_cost(const hd_rule *r, double *flop) {
  *flop = (double)hd_shape_count(r->in[0].shape);
}

hd_val hd_unreduce(hd_val y, hd_val x, const hd_reduce_options *o, bool mean) {
  if (!hd_ok(y) || !hd_ok(x)) return (hd_val){0};
  unsigned axes = hd_axes_of(o->axes, hd_type_of(x)->shape.rank);
  return hd_expand_like(y, x, .axes = o->keep ? 0 : axes, .mean = mean);
}

// dx = dy where x is the extreme value, shared equally by equal ones.
void hd_extreme_grad(hd_grad_rule *g) {
  const hd_reduce_options *o = g->rule->attr;
  hd_val x = g->rule->value[0], y = g->rule->result[0];
  hd_val winner = hd_cast(hd_equal(x, hd_unreduce(y, x, o, false)), hd_type_of(x)->dtype);
  hd_val share = hd_div(g->dy[0], (hd_sum)(winner, *o));
  g->dx[0] = hd_mul(winner, hd_unreduce(share, x, o, false));
}

static const hd_reduce_options first = {.axes = HD_AXIS(0)}, last = {.axes = HD_LAST_AXIS},
                               middle = {.axes = HD_AXIS(1), .keep = true},
                               pair = {.axes = HD_AXIS(1) | HD_AXIS(2)},
                               outer = {.axes = HD_AXIS(0) | HD_AXIS(2)},
                               apart = {.axes = HD_AXIS(0) | HD_AXIS(2), .keep = true},
                               kept = {.keep = true}, fourth = {.axes = HD_AXIS(3)},
                               lead = {.axes = HD_AXIS(0) | HD_AXIS(1) | HD_AXIS(2)};
#define IN_(...) .in = {{HD_F32, {__VA_ARGS__}}}, .fill = {HD_FILL_DISTINCT}
const hd_case hd_reduce_cases[] = {
    {IN_(1, {7})},
    {IN_(0, {0})},
    {IN_(3, {3, 5, 2})},
    {IN_(3, {3, 5, 2}), .attr = &kept},
    {IN_(3, {3, 5, 4}), .attr = &first},
    {IN_(3, {3, 5, 4}), .attr = &last},
    {IN_(3, {3, 5, 4}), .attr = &middle},
    {IN_(3, {3, 1, 4}), .attr = &middle},
    {IN_(4, {2, 3, 5, 4}), .attr = &pair},
    {IN_(4, {2, 3, 5, 4}), .attr = &outer},
    {IN_(4, {2, 3, 5, 4}), .attr = &apart},
    {IN_(4, {2, 1, 5, 4}), .attr = &outer},
    {IN_(4, {2, 3, 5, 4}), .attr = &lead},
    {IN_(2, {2, 70}), .attr = &last},
    {IN_(2, {20, 17}), .attr = &first},
    {IN_(3, {3, 5, 2}), .attr = &fourth, .refuse = "x is (3, 5, 2): it has no axis 3"},
    {IN_(0, {0}), .attr = &last, .refuse = "it has no last axis"},
    {.in = {{HD_I32, {1, {4}}}}, .refuse = "f32 or f64"},
    {0}};
#endif
