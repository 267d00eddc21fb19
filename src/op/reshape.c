// y = x with other axes, the same elements in the same order
#include "layout.h"

HD_REF(reshape) {
  (void)part;
  memcpy(a->out[0], a->in[0],
         (size_t)hd_args_count(a->out_type) * hd_dtype_size(a->out_type->dtype));
}

#ifndef HD_REF64
// Sizes of both sides, where symbols that occur on both have been struck out.
typedef struct {
  int64_t known;
  int symbols;
  int64_t symbol;
} side;
static bool take(side *s, int64_t d) {
  if (d >= 0) return hd_mul_size(s->known, d, &s->known);
  s->symbols++;
  s->symbol = d;
  return true;
}

static hd_status shape(hd_rule *r) {
  const hd_shape *attr = r->attr, x = r->in[0].shape;
  hd_shape y = *attr;
  char tx[96], ty[96];
  bool used[HD_MAX_RANK] = {false}, fits = true;
  side from = {.known = 1}, to = {.known = 1};
  int open = -1;
  if (y.rank < 0 || y.rank > HD_MAX_RANK)
    return hd_refuse(r, "%d axes; at most %d are possible", y.rank, HD_MAX_RANK);
  for (int i = 0; i < y.rank; i++) {
    int64_t d = hd_bind(r->graph, y.d[i]);
    if (d == HD_ANY) {
      if (open >= 0) return hd_refuse(r, "axes %d and %d are both left open (HD_ANY)", open, i);
      open = i;
      continue;
    }
    if (d < HD_LENGTH) return hd_refuse(r, "axis %d has the size %lld", i, (long long)d);
    if (!d && i >= x.rank)
      return hd_refuse(r, "axis %d is to be as in x (0), but x is %s", i, hd_text_of(x, tx));
    int match = d ? -1 : i;
    for (int k = 0; d < 0 && match < 0 && k < x.rank; k++)
      if (!used[k] && x.d[k] == d) match = k;
    y.d[i] = d ? d : x.d[i];
    if (match >= 0 && !used[match]) used[match] = true;
    else fits = fits && take(&to, y.d[i]);
  }
  for (int k = 0; k < x.rank; k++) fits = fits && (used[k] || take(&from, x.d[k]));
  bool known = !from.symbols && !to.symbols;
  if (open >= 0) {
    if (known) {
      fits = fits && to.known && from.known % to.known == 0;
      y.d[open] = fits ? from.known / to.known : HD_ANY;
    } else {
      bool alone = from.symbols == 1 && !to.symbols && from.known == to.known;
      y.d[open] = alone ? from.symbol : HD_ANY;
    }
  } else if (known) {
    fits = fits && from.known == to.known;
  }
  if (!fits)
    return hd_refuse(r,
                     "%s does not hold as many elements as %s: the products of the sizes must "
                     "be equal; one size may be left open (HD_ANY)",
                     hd_text_of(x, tx), hd_text_of(y, ty));
  r->out[0] = (hd_type){r->in[0].dtype, y};
  return HD_OK;
}

static void grad(hd_grad_rule *g) { g->dx[0] = hd_reshape_like(g->dy[0], g->rule->value[0]); }

static hd_val rewrite(hd_rule *r, bool train) {
  (void)train;
  const hd_node *x = hd_node_of(r->value[0]);
  if (hd_shape_equal(r->in[0].shape, r->out[0].shape)) return r->value[0];
  if (x->op == r->op) return hd_reshape(x->in[0], r->out[0].shape);
  return (hd_val){0};
}

static const hd_shape six = {1, {6}}, three_two = {2, {3, 2}}, open_two = {2, {HD_ANY, 2}},
                      scalar = {0}, ones = {3, {1, 1, 1}}, keep = {2, {0, HD_ANY}},
                      five = {2, {HD_ANY, 5}}, open = {2, {HD_ANY, HD_ANY}}, bad = {1, {-7}};
static const hd_case cases[] = {
    {.in = {{HD_F32, {2, {2, 3}}}}, .attr = &six},
    {.in = {{HD_F32, {2, {2, 3}}}}, .attr = &three_two},
    {.in = {{HD_F32, {3, {3, 1, 2}}}}, .attr = &open_two},
    {.in = {{HD_F32, {3, {3, 5, 7}}}}, .attr = &keep},
    {.in = {{HD_F32, {0}}}, .attr = &ones},
    {.in = {{HD_F32, {3, {1, 1, 1}}}}, .attr = &scalar},
    {.in = {{HD_I32, {2, {2, 3}}}}, .attr = &six, .fill = {HD_FILL_INDEX}, .limit = 9},
    {.in = {{HD_F32, {2, {2, 3}}}},
     .attr = &ones,
     .refuse = "(2, 3) does not hold as many elements as (1, 1, 1)"},
    {.in = {{HD_F32, {2, {2, 3}}}},
     .attr = &five,
     .refuse = "(2, 3) does not hold as many elements"},
    {.in = {{HD_F32, {2, {2, 3}}}}, .attr = &open, .refuse = "axes 0 and 1 are both left open"},
    {.in = {{HD_F32, {0}}}, .attr = &keep, .refuse = "axis 0 is to be as in x (0), but x is ()"},
    {.in = {{HD_F32, {1, {7}}}}, .attr = &bad, .refuse = "axis 0 has the size -7"},
    {0}};

const hd_op hd_def_reshape = {.name = "reshape",
                              .onnx = "Reshape",
                              .math = "y = x with other axes",
                              .fields = &hd_fields_shape,
                              .min_in = 1,
                              .max_in = 1,
                              .n_out = 1,
                              .shape = shape,
                              HD_REFS(reshape),
                              .grad = grad,
                              .rewrite = rewrite,
                              .cost = hd_cost_nothing,
                              .alias = true,
                              .cases = cases};

hd_val hd_reshape(hd_val x, hd_shape to) {
  to = hd_shape_attr(to);
  return hd_node_add(&hd_def_reshape, &to, &x, 1);
}

// A size of 0 is x's own on that axis.
hd_val hd_flatten(hd_val x) { return hd_reshape(x, HD_SHAPE(0, HD_ANY)); }
#endif
