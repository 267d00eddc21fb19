// Products and convolutions by oneDNN 2, one thread. "any": it chooses the layouts, and what
// packing they cost is left out of the figure; "winograd": the same by its minimal filtering,
// where it has that; "plain": row-major, or channels-last with weights of any layout. bf16: the
// operands are bf16 in memory, the result f32.
#include "bench.h"
#include <dnnl.h>
#if DNNL_VERSION_MAJOR != 2
#error "oneDNN 3 changed its C interface; this file is for version 2"
#endif

typedef struct {
  dnnl_primitive_desc_t desc;
  dnnl_primitive_t primitive;
  dnnl_exec_arg_t arg[3];
  void *block[3];
} job;
static dnnl_engine_t engine;
static dnnl_stream_t stream;

static void check(dnnl_status_t status) {
  if (status == dnnl_success) return;
  fprintf(stderr, "onednn: status %d\n", (int)status);
  exit(1);
}

static void run(void *what) {
  job *j = what;
  check(dnnl_primitive_execute(j->primitive, stream, 3, j->arg));
  dnnl_stream_wait(stream);
}

// Random f32, or bf16: the upper halves of f32.
static void *fill(size_t bytes, bool bf16) {
  float *f = bench_floats((int64_t)(bytes / (bf16 ? 2 : 4) + 1));
  uint16_t *h = (uint16_t *)f;
  for (size_t i = 0; bf16 && i < bytes / 2; i++) memmove(h + i, (char *)(f + i) + 2, 2);
  return f;
}

// An operand in the layout that the primitive wants.
static void operand(job *j, int i, int arg, dnnl_query_t query, int index) {
  const dnnl_memory_desc_t *md = dnnl_primitive_desc_query_md(j->desc, query, index);
  j->block[i] = fill(dnnl_memory_desc_get_size(md), md->data_type == dnnl_bf16);
  j->arg[i].arg = arg;
  check(dnnl_memory_create(&j->arg[i].memory, md, engine, j->block[i]));
}

static void measure(const char *mode, const void *op, const int arg[3],
                    const dnnl_query_t query[3]) {
  job j;
  if (dnnl_primitive_desc_create(&j.desc, op, NULL, engine, NULL) != dnnl_success) return;
  check(dnnl_primitive_create(&j.primitive, j.desc));
  for (int i = 0; i < 3; i++) operand(&j, i, arg[i], query[i], 0);
  bench_measure(mode, run, &j);
  for (int i = 0; i < 3; i++) {
    dnnl_memory_destroy(j.arg[i].memory);
    free(j.block[i]);
  }
  dnnl_primitive_destroy(j.primitive);
  dnnl_primitive_desc_destroy(j.desc);
}

static dnnl_memory_desc_t type(int rank, const long *d, bool bf16, dnnl_format_tag_t tag) {
  dnnl_dims_t dims;
  for (int i = 0; i < rank; i++) dims[i] = d[i];
  dnnl_memory_desc_t md;
  check(dnnl_memory_desc_init_by_tag(&md, rank, dims, bf16 ? dnnl_bf16 : dnnl_f32, tag));
  return md;
}

static void product(const bench_product *p, const char *mode, bool any) {
  dnnl_memory_desc_t a = type(2, (long[]){p->m, p->k}, p->bf16, p->ta ? dnnl_ba : dnnl_ab);
  dnnl_memory_desc_t b = type(2, (long[]){p->k, p->n}, p->bf16,
                              any     ? dnnl_format_tag_any
                              : p->tb ? dnnl_ba
                                      : dnnl_ab);
  dnnl_memory_desc_t c = type(2, (long[]){p->m, p->n}, false, dnnl_ab);
  dnnl_matmul_desc_t op;
  check(dnnl_matmul_desc_init(&op, &a, &b, NULL, &c));
  measure(mode, &op, (int[]){DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
          (dnnl_query_t[]){dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_dst_md});
}

static void conv(const bench_conv *p, const char *mode, dnnl_alg_kind_t algorithm,
                 dnnl_format_tag_t tag) {
  const long g = p->groups, plain[] = {p->f, p->c, p->k, p->k};
  const long grouped[] = {g, p->f / g, p->c / g, p->k, p->k};
  dnnl_memory_desc_t x = type(4, (long[]){p->n, p->c, p->h, p->h}, p->bf16 && p->pass != 'i', tag);
  dnnl_memory_desc_t y = type(4, (long[]){p->n, p->f, p->o, p->o}, p->bf16 && p->pass != 'f', tag);
  dnnl_memory_desc_t w =
      type(g > 1 ? 5 : 4, g > 1 ? grouped : plain, p->bf16 && p->pass != 'w', dnnl_format_tag_any);
  const dnnl_dims_t stride = {p->stride, p->stride}, before = {p->pad, p->pad};
  long end = (p->o - 1) * p->stride + p->k - p->h - p->pad;
  const dnnl_dims_t after = {end, end};
  dnnl_convolution_desc_t op;
  switch (p->pass) {
    case 'f':
      check(dnnl_convolution_forward_desc_init(&op, dnnl_forward_training, algorithm, &x, &w, NULL,
                                               &y, stride, before, after));
      measure(mode, &op, (int[]){DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
              (dnnl_query_t[]){dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_dst_md});
      break;
    case 'i':
      check(dnnl_convolution_backward_data_desc_init(&op, algorithm, &x, &w, &y, stride, before,
                                                     after));
      measure(
          mode, &op, (int[]){DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC},
          (dnnl_query_t[]){dnnl_query_diff_dst_md, dnnl_query_weights_md, dnnl_query_diff_src_md});
      break;
    default:
      check(dnnl_convolution_backward_weights_desc_init(&op, algorithm, &x, &w, NULL, &y, stride,
                                                        before, after));
      measure(
          mode, &op, (int[]){DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS},
          (dnnl_query_t[]){dnnl_query_src_md, dnnl_query_diff_dst_md, dnnl_query_diff_weights_md});
  }
}

static bool answer(const char *line) {
  bench_product p;
  bench_conv v;
  if (bench_read_product(line, &p)) {
    product(&p, "any", true);
    product(&p, "plain", false);
    return true;
  }
  if (!bench_read_conv(line, &v)) return false;
  conv(&v, "any", dnnl_convolution_direct, dnnl_format_tag_any);
  if (v.k == 3 && v.stride == 1 && v.groups == 1 && !v.bf16)
    conv(&v, "winograd", dnnl_convolution_winograd, dnnl_format_tag_any);
  conv(&v, "plain", dnnl_convolution_direct, dnnl_nhwc);
  return true;
}

int main(void) {
  check(dnnl_engine_create(&engine, dnnl_cpu, 0));
  check(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
  bench_serve(answer);
  return 0;
}
