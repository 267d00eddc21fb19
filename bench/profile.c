// Where a training step spends its time: "profile NET OPTIMIZER BATCH THREADS" prints each kernel
// call, its median time, its share, and its operations and bytes a second. Takes run.c in as text,
// to time between its calls; the library's own copy is then not linked.
//   cc -O2 -Iinclude bench/profile.c build/libhadal.a -lm -pthread -o build/bench/profile
#include "bench.h"
#include "nets.h"

#include "../src/plan/run.c"

enum { RUNS = 400, CALLS = 256 };
static const char *text[CALLS];

static void keep(void *user, const char *line) {
  int *n = user;
  if (*n < CALLS) text[(*n)++] = strdup(line);
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void run_call(hd_workspace *w, int i) {
  const bound_call *b = &w->call[i];
  const hd_call *c = b->call;
  for (int k = 0; k < c->phases; k++)
    if (c->serial || c->parts[k] == 1)
      for (int64_t part = 0; part < c->parts[k]; part++) c->run[k](&b->args, part);
    else hd_pool_run(w->plan->store->pool, c->parts[k], run_part, &(job){c->run[k], &b->args});
}

int main(int argc, char **argv) {
  hd_error err;
  const net_info *net = argc == 5 ? net_find(argv[1]) : NULL;
  if (!net)
    return fprintf(stderr, "profile mnist-mlp|lenet5|2-16-2|64-64-10 sgd|adam BATCH THREADS\n"), 2;
  hd_env env = {.threads = atoi(argv[4])};
  hd_graph *g = hd_graph_new(&env);
  hd_store *store = hd_store_new(&env);
  hd_val loss = net_loss(g, net);
  hd_plan *plan = hd_compile(store, &err, .fetch = {loss},
                             .update = {hd_minimize(loss, net_optimizer(argv[2]))},
                             .mode = HD_TRAIN, .batch = atoi(argv[3]));
  hd_workspace *w = plan ? hd_workspace_new(plan, NULL, &err) : NULL;
  if (!w) return fprintf(stderr, "profile: %s\n", err.text), 1;
  hd_type x, t;
  float *image = hd_workspace_input(w, "image", &x);
  int32_t *label = hd_workspace_input(w, "label", &t);
  uint64_t state = 1;
  for (int64_t i = 0; i < hd_shape_count(x.shape); i++) image[i] = bench_random(&state);
  for (int64_t i = 0; i < hd_shape_count(t.shape); i++) label[i] = (int32_t)(i % net->classes);

  static double time[CALLS][RUNS];
  int calls = plan->calls < CALLS ? plan->calls : CALLS, lines = 0;
  hd_plan_print(plan, keep, &lines);
  w->step.seed = store->seed;
  w->step.train = true;
  for (int r = 0; r < RUNS; r++)
    for (int i = 0; i < plan->calls; i++) {
      double begin = seconds();
      run_call(w, i);
      if (i < CALLS) time[i][r] = seconds() - begin;
    }
  double sum = 0;
  for (int i = 0; i < calls; i++) {
    qsort(time[i], RUNS, sizeof time[i][0], bench_order);
    sum += time[i][RUNS / 2];
  }
  printf("%d calls, %.1f us\n      us   share  GFLOP/s    GB/s\n", plan->calls, 1e6 * sum);
  for (int i = 0; i < calls; i++) {
    double s = time[i][RUNS / 2];
    printf("%8.2f  %5.1f %%  %7.1f %7.1f  %s\n", 1e6 * s, 100 * s / sum,
           plan->call[i].flop / s / 1e9, plan->call[i].bytes / s / 1e9, i < lines ? text[i] : "");
  }
  return 0;
}
