// Moving elements: strides, and results made of copied boxes.
#include "layout.h"

#ifdef HD_REF64
typedef int hd_layout_is_compiled_once;
#else
static const hd_field field[] = {
    HD_FIELD(hd_shape, rank, INT, .standard = "", .help = "number of axes"),
    HD_FIELD_ARRAY(hd_shape, d, INT64, HD_MAX_RANK, .standard = "", .help = "sizes or axes")};
const hd_fields hd_fields_shape = HD_FIELDS("shape", hd_shape, field);

hd_shape hd_shape_attr(hd_shape s) {
  hd_shape to = {.rank = s.rank};
  for (int i = 0; i < HD_MIN(s.rank, HD_MAX_RANK); i++) to.d[i] = s.d[i];
  return to;
}

void hd_row_strides(hd_shape s, int64_t *stride) {
  int64_t each = 1;
  for (int i = s.rank - 1; i >= 0; i--) {
    stride[i] = each;
    each *= s.d[i];
  }
}

void hd_cost_nothing(const hd_rule *r, double *flop) {
  (void)r;
  *flop = 0;
}

// A piece is cut along one axis: the first whose inner box fits a part. Axes before it are walked
// one by one, `step` of its own entries at a time.
typedef struct {
  hd_piece p;
  int axis;
  int64_t step, chunks, first;
} cut;
typedef struct {
  int count;
  char value[8];
  cut cut[];
} prepared;

static void run(const hd_args *a, int64_t part) {
  const prepared *p = a->data;
  const cut *c = p->cut;
  while (c + 1 < p->cut + p->count && c[1].first <= part) c++;
  part -= c->first;
  const hd_copy *whole = &c->p.box;
  int64_t chunk = part % c->chunks, outer = part / c->chunks, from = c->p.from, to = c->p.to;
  for (int i = c->axis - 1; i >= 0; i--) {
    int64_t at = outer % whole->d[i];
    outer /= whole->d[i];
    from += at * whole->from[i];
    to += at * whole->to[i];
  }
  hd_copy box = {.rank = whole->rank - c->axis, .size = whole->size};
  for (int i = 0; i < box.rank; i++) {
    box.d[i] = whole->d[c->axis + i];
    box.from[i] = whole->from[c->axis + i];
    box.to[i] = whole->to[c->axis + i];
  }
  int64_t begin = chunk * c->step;
  box.d[0] = HD_MIN(c->step, box.d[0] - begin);
  from += begin * box.from[0];
  to += begin * box.to[0];
  const char *source = c->p.in < 0 ? p->value : a->in[c->p.in];
  hd_copy_run(&box, source + from * box.size, (char *)a->out[0] + to * box.size);
}

hd_status hd_lower_pieces(hd_lowering *l, const hd_piece *piece, int count, const void *value) {
  prepared *p = hd_lower_alloc(l, sizeof *p + sizeof(cut) * (size_t)count);
  if (!p) return HD_E_MEMORY;
  int64_t parts = 0;
  p->count = 0;
  memset(p->value, 0, sizeof p->value);
  for (int i = 0; i < count; i++) {
    cut c = {.p = piece[i], .first = parts};
    hd_copy *box = &c.p.box;
    if (!box->rank) *box = (hd_copy){.rank = 1, .size = box->size, .d = {1}};
    int64_t inner = 1, outer = 1;
    for (int k = 0; k < box->rank; k++) inner *= box->d[k];
    if (!inner) continue;
    for (inner /= box->d[0]; inner > HD_PART_ELEMENTS; inner /= box->d[c.axis])
      outer *= box->d[c.axis++];
    c.step = HD_MAX(1, HD_PART_ELEMENTS / inner);
    c.chunks = (box->d[c.axis] + c.step - 1) / c.step;
    if (value && piece[i].in < 0) memcpy(p->value, value, (size_t)box->size);
    parts += outer * c.chunks;
    p->cut[p->count++] = c;
  }
  if (!parts) return HD_OK;
  l->data = p;
  l->phases = 1;
  l->phase[0].run = run;
  l->phase[0].parts = parts;
  return HD_OK;
}
#endif
