// Where a training step spends its time: "profile NET OPTIMIZER BATCH THREADS [bf16]", or with
// "infer" for OPTIMIZER, prints what each kind of kernel call takes in all, and then each call,
// slowest first: its place in the step, its median time (CPU time on one thread, wall time on
// several), its share, and its operations and bytes a second. Takes run.c in as text, to time
// between its calls; the library's own copy is then not linked.
//   cc -O2 -Iinclude bench/profile.c build/libhadal.a -lm -pthread -o build/bench/profile
#include "bench.h"
#include "nets.h"
#include <math.h>

#include "../src/plan/run.c"

enum { RUNS = 400, CALLS = 1024 };  // at most
static const char *text[CALLS];
static double took[CALLS][RUNS];

static void keep(void *user, const char *line) {
  int *n = user;
  if (*n < CALLS) text[(*n)++] = strdup(line);
}

static clockid_t clock_id = CLOCK_THREAD_CPUTIME_ID;
static double seconds(void) {
  struct timespec t;
  clock_gettime(clock_id, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int runs, place[CALLS];

static int slowest_first(const void *a, const void *b) {
  return -bench_order(&took[*(const int *)a][runs / 2], &took[*(const int *)b][runs / 2]);
}

// The calls summed by their label, largest first.
static void kinds(const hd_plan *plan, int calls, double sum) {
  static bool told[CALLS];
  printf("\n      us   share  calls\n");
  for (;;) {
    double most = 0;
    int best = -1, many = 0;
    for (int i = 0; i < calls; i++) {
      double s = 0;
      for (int j = i; !told[i] && j < calls; j++)
        if (!strcmp(plan->call[i].label, plan->call[j].label)) s += took[j][runs / 2];
      if (s > most) most = s, best = i;
    }
    if (best < 0) return;
    for (int j = calls - 1; j >= best; j--)
      if (!strcmp(plan->call[best].label, plan->call[j].label)) told[j] = true, many++;
    printf("%8.1f  %5.1f %%  %5d  %s\n", 1e6 * most, 100 * most / sum, many,
           plan->call[best].label);
  }
}

int main(int argc, char **argv) {
  hd_error err;
  const net_info *net = argc == 5 || argc == 6 ? net_find(argv[1]) : NULL;
  if (!net)
    return fprintf(stderr,
                   "profile NET sgd|adam|infer BATCH THREADS [bf16] (nets: bench/nets.h)\n"),
           2;
  hd_env env = {.threads = atoi(argv[4])};
  hd_graph *g = hd_graph_new(&env);
  hd_store *store = hd_store_new(&env);
  hd_precision precision = argc == 6 ? HD_PRECISION_BF16 : HD_PRECISION_F32;
  bool infer = !strcmp(argv[2], "infer");
  hd_plan *plan;
  if (infer) {
    hd_val y = net_build(net, hd_input(g, "image", HD_F32, net->input));
    plan = hd_compile(store, &err, .fetch = {y}, .batch = atoi(argv[3]), .frozen = true,
                      .precision = precision);
  } else {
    hd_val loss = net_loss(g, net);
    plan = hd_compile(store, &err, .fetch = {loss},
                      .update = {hd_minimize(loss, net_optimizer(argv[2]))}, .mode = HD_TRAIN,
                      .batch = atoi(argv[3]), .precision = precision);
  }
  hd_workspace *w = plan ? hd_workspace_new(plan, NULL, &err) : NULL;
  if (!w) return fprintf(stderr, "profile: %s\n", err.text), 1;
  hd_type x, t = {0};
  float *image = hd_workspace_input(w, "image", &x);
  int32_t *label = infer ? NULL : hd_workspace_input(w, "label", &t);
  uint64_t state = 1;
  for (int64_t i = 0; i < hd_shape_count(x.shape); i++) image[i] = bench_random(&state);
  for (int64_t i = 0; label && i < hd_shape_count(t.shape); i++)
    label[i] = (int32_t)(i % net->classes);

  int calls = plan->calls < CALLS ? plan->calls : CALLS, lines = 0;
  hd_plan_print(plan, keep, &lines);
  w->step.seed = store->seed;
  w->step.train = !infer;
  if (env.threads != 1) clock_id = CLOCK_MONOTONIC;
  double start = seconds(), none = 0;  // none: what asking for the time takes
  for (int i = 0; i < 1000; i++) none = (seconds() - start) / (i + 1);
  for (runs = 0; runs < RUNS && (runs < 7 || seconds() - start < 4); runs++) {
    for (int i = 0; i < plan->calls; i++) {
      double begin = seconds();
      run_call(w, i, w->plan->store->pool);
      if (i < CALLS) took[i][runs] = fmax(seconds() - begin - none, 1e-9);
    }
    w->packed = true;
  }
  double sum = 0;
  for (int i = 0; i < calls; i++) {
    qsort(took[i], (size_t)runs, sizeof took[i][0], bench_order);
    sum += took[i][runs / 2];
    place[i] = i;
  }
  qsort(place, (size_t)calls, sizeof *place, slowest_first);
  printf("%d calls, %.1f us (medians of %d runs)\n", plan->calls, 1e6 * sum, runs);
  kinds(plan, calls, sum);
  printf("\ncall        us   share  GFLOP/s    GB/s\n");
  for (int k = 0; k < calls; k++) {
    int i = place[k];
    double s = took[i][runs / 2];
    printf("%4d  %8.2f  %5.1f %%  %7.1f %7.1f  %s\n", i, 1e6 * s, 100 * s / sum,
           plan->call[i].flop / s / 1e9, plan->call[i].bytes / s / 1e9, i < lines ? text[i] : "");
  }
  return 0;
}
