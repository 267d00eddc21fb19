// What ops that draw at random share: where an element is in its stream, and a shape that a sealed
// graph knows, so that the draw does not wait for x, and x may die.
#ifndef OP_RANDOM_H
#define OP_RANDOM_H

#include "op.h"
#include "../base/random.h"

// At the end of the options.
typedef struct hd_drawn {
  int64_t d[HD_MAX_RANK];
  int rank;
  bool known;
} hd_drawn;

// Elements are numbered from the first sample of all shards, so that shards agree.
static inline uint64_t hd_draw_first(const hd_args *a) {
  hd_shape s = a->out_type[0].shape;
  int64_t count = hd_shape_count(s);
  return (uint64_t)a->step->sample * (uint64_t)(s.rank && s.d[0] > 0 ? count / s.d[0] : count);
}
static inline uint64_t hd_draw_stream(const hd_args *a) {
  uint64_t key[2] = {a->site, a->step->step};
  return hd_hash(key, sizeof key, 0);
}

#ifndef HD_REF64
enum { HD_DRAW_BLOCK = 8192 };  // elements of a part

static inline hd_status hd_draw_shape(hd_rule *r, const hd_drawn *at) {
  if (hd_rule_same(r)) return HD_E_SHAPE;
  if (at->known) {
    r->out[0].shape.rank = at->rank;
    memcpy(r->out[0].shape.d, at->d, sizeof at->d);
  }
  return HD_OK;
}

// Evaluation: `still` everywhere. Training: the node, with a scalar in the place of x. attr is a
// copy of the options, `at` within it.
static inline hd_val hd_draw_rewrite(hd_rule *r, bool train, void *attr, hd_drawn *at,
                                     double still) {
  hd_val x = hd_scalar_like(r->value[0], still);
  if (!train) return hd_broadcast_to(x, r->out[0].shape);
  if (at->known) return (hd_val){0};
  at->known = true;
  at->rank = r->in[0].shape.rank;
  memcpy(at->d, r->in[0].shape.d, sizeof at->d);
  return hd_node_add(r->op, attr, &x, 1);
}

// `data` holds the kernel table.
static inline hd_status hd_draw_lower(hd_lowering *l, hd_kernel_fn *run) {
  int64_t count = hd_shape_count(l->rule->out[0].shape);
  if (count < 1) return HD_OK;
  const hd_kernels **data = l->data = hd_lower_alloc(l, sizeof *data);
  if (!data) return HD_E_MEMORY;
  *data = l->kernels;
  l->phases = 1;
  l->phase[0].run = run;
  l->phase[0].parts = (count + HD_DRAW_BLOCK - 1) / HD_DRAW_BLOCK;
  return HD_OK;
}

#define HD_DRAW_FIELDS(S) \
  {.name = "d", \
   .kind = HD_FIELD_INT64, \
   .offset = offsetof(S, at.d), \
   .count = HD_MAX_RANK, \
   .standard = "0", \
   .help = "the shape"}, \
      {.name = "rank", \
       .kind = HD_FIELD_INT, \
       .offset = offsetof(S, at.rank), \
       .count = 1, \
       .standard = "0", \
       .help = "of the shape"}, \
  { \
    .name = "known", .kind = HD_FIELD_BOOL, .offset = offsetof(S, at.known), .count = 1, \
    .standard = "false", .help = "the shape is given" \
  }
#endif

#endif
