// Products by OpenBLAS, one thread.
#include "bench.h"
#include <cblas.h>

typedef struct {
  bench_product p;
  float *a, *b, *c;
} job;

static void run(void *what) {
  const job *j = what;
  const bench_product *p = &j->p;
  cblas_sgemm(CblasRowMajor, p->ta ? CblasTrans : CblasNoTrans, p->tb ? CblasTrans : CblasNoTrans,
              (int)p->m, (int)p->n, (int)p->k, 1, j->a, (int)(p->ta ? p->m : p->k), j->b,
              (int)(p->tb ? p->k : p->n), 0, j->c, (int)p->n);
}

static bool answer(const char *line) {
  job j;
  if (!bench_read_product(line, &j.p) || j.p.bf16) return false;
  j.a = bench_floats(j.p.m * j.p.k);
  j.b = bench_floats(j.p.k * j.p.n);
  j.c = bench_floats(j.p.m * j.p.n);
  bench_measure("sgemm", run, &j);
  free(j.a);
  free(j.b);
  free(j.c);
  return true;
}

int main(void) {
  openblas_set_num_threads(1);
  bench_serve(answer);
  return 0;
}
