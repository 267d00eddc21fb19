// Shape rules that several ops share, and the table of the built-in ops.
#include "op.h"

#ifdef HD_REF64
typedef int hd_rules_is_compiled_once;
#else
const char *hd_text_of(hd_shape s, char *to) { return hd_shape_text(s, to, 96); }

bool hd_dim_fits(int64_t a, int64_t b) { return a == b || a == HD_ANY || b == HD_ANY; }

bool hd_type_equal(const hd_type *a, const hd_type *b) {
  return a->dtype == b->dtype && hd_shape_equal(a->shape, b->shape);
}

bool hd_is_constant(hd_val v, double value) {
  const hd_node *n = hd_node_of(v);
  if (n->leaf != HD_LEAF_CONSTANT || n->out[0].shape.rank) return false;
  switch (n->out[0].dtype) {
    case HD_F32: return *(const float *)n->data == (float)value;
    case HD_F64: return *(const double *)n->data == value;
    case HD_I32: return *(const int32_t *)n->data == value;
    default: return false;
  }
}

hd_status hd_rule_real(hd_rule *r, int i) {
  if (r->in[i].dtype == HD_F32 || r->in[i].dtype == HD_F64) return HD_OK;
  return hd_refuse(r, "input %d is %s, must be f32 or f64; use hd_cast", i,
                   hd_dtype_name(r->in[i].dtype));
}

hd_status hd_rule_same(hd_rule *r) {
  if (hd_rule_real(r, 0)) return HD_E_SHAPE;
  r->out[0] = r->in[0];
  return HD_OK;
}

bool hd_shape_broadcast(hd_shape a, hd_shape b, hd_shape *to) {
  if (a.rank < b.rank) {
    hd_shape t = a;
    a = b;
    b = t;
  }
  int lead = a.rank - b.rank;
  for (int i = 0; i < b.rank; i++) {
    int64_t *x = &a.d[lead + i], y = b.d[i];
    if (*x == 1) *x = y;
    else if (y != 1 && !hd_dim_fits(*x, y)) return false;
    else if (*x == HD_ANY && y != 1) *x = y;
  }
  *to = a;
  return true;
}

static hd_status broadcast(hd_rule *r, hd_dtype result) {
  hd_shape s = r->in[0].shape;
  char a[96], b[96];
  for (int i = 1; i < r->n_in; i++) {
    if (r->in[i].dtype != r->in[0].dtype)
      return hd_refuse(r, "inputs are %s and %s; use hd_cast", hd_dtype_name(r->in[0].dtype),
                       hd_dtype_name(r->in[i].dtype));
    if (!hd_shape_broadcast(s, r->in[i].shape, &s))
      return hd_refuse(
          r, "shapes %s and %s do not broadcast: each axis, from the last, must be equal or 1",
          hd_text_of(s, a), hd_text_of(r->in[i].shape, b));
  }
  r->out[0] = (hd_type){result, s};
  return HD_OK;
}

hd_status hd_rule_broadcast(hd_rule *r) {
  if (hd_rule_real(r, 0)) return HD_E_SHAPE;
  return broadcast(r, r->in[0].dtype);
}

hd_status hd_rule_compare(hd_rule *r) {
  if (r->in[0].dtype != HD_I32 && hd_rule_real(r, 0)) return HD_E_SHAPE;
  return broadcast(r, HD_BOOL);
}

#define X(op) &hd_def_##op,
static const hd_op *const table[] = {HD_OP_LIST(X) NULL};
#undef X

const hd_op *const *hd_ops(void) { return table; }

const hd_op *hd_op_find(const char *name) {
  for (int i = 0; table[i]; i++)
    if (!strcmp(table[i]->name, name)) return table[i];
  return NULL;
}

void hd_lower_parts(hd_lowering *l, hd_kernel_fn *run, const hd_parts *parts) {
  l->phases = parts->phases;
  for (int i = 0; i < l->phases; i++) l->phase[i].run = run, l->phase[i].parts = parts->parts[i];
  l->scratch = parts->scratch;
  l->packed = parts->packed;
  l->unstored = parts->unstored;
  l->flop = parts->flop;
}
#endif
