// hadal bench: how fast single problems run, against what the machine can do.
#include "cli.h"
#include "../base/cpu.h"
#include "../base/pool.h"

#include <stdlib.h>

double cli_peak_flops(hd_pool *pool, hd_isa isa);

static const cli_option options[] = {
    {"--threads", "N", "one per core", "threads, of the problem and of the peak"},
    {"--json", NULL, NULL, "a line for each problem"},
    {NULL, NULL, NULL, NULL}};

static const char *const standard[] = {"matmul:m64n120k400",
                                       "matmul:m128n300k784",
                                       "matmul:m512n512k512",
                                       "matmul:m1024n1024k1024.tb",
                                       "conv2d:n64h28w28c1,k5s1p2f6",
                                       "conv2d:n64h14w14c6,k5f16",
                                       "conv2d:n8h56w56c64,k3s1p1f64",
                                       "conv2d:n8h56w56c64,k3s1p1f64.dw",
                                       "conv2d:n8h56w56c64,k3s1p1f64.dx"};

enum { ROUNDS = 11 };

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *v) {
  qsort(v, ROUNDS, sizeof *v, by_value);
  return v[ROUNDS / 2];
}

typedef struct timing {
  double seconds, peak;
} timing;

// Rounds of peak, problem, peak, problem: what slows the machine down slows both. The peak is that
// of f32 multiply-adds; bf16 may pass it.
static hd_status measure(cli_trial *t, hd_pool *pool, hd_isa isa, timing *to, hd_error *err) {
  double each[ROUNDS], peak[ROUNDS], start = hd_seconds();
  hd_status status = hd_run(t->workspace, err);
  double once = hd_seconds() - start;
  int64_t repeats = once > 0.02 ? 1 : (int64_t)(0.02 / HD_MAX(once, 1e-7)) + 1;
  repeats = HD_MIN(repeats, 20000);
  for (int r = 0; r < ROUNDS && !status; r++) {
    peak[r] = cli_peak_flops(pool, isa);
    start = hd_seconds();
    for (int64_t i = 0; i < repeats && !status; i++) status = hd_run(t->workspace, err);
    each[r] = (hd_seconds() - start) / (double)repeats;
  }
  if (!status) *to = (timing){median(each), median(peak)};
  return status;
}

static hd_status bench(const cli_process *p, hd_pool *pool, hd_isa isa, const cli_problem *problem,
                       bool json, hd_error *err) {
  cli_trial trial;
  timing t = {0};
  hd_status status = cli_trial_open(&p->data, problem, HD_F32, &trial, err);
  if (status) return status;
  status = measure(&trial, pool, isa, &t, err);
  cli_trial_close(&trial);
  if (status) return status;
  double flops = cli_problem_flop(problem) / t.seconds, percent = 100 * flops / t.peak;
  if (json)
    printf(
        "{\"problem\":\"%s\",\"seconds\":%.9g,\"gflops\":%.4g,\"percent_of_peak\":%.4g,\"peak_"
        "gflops\":%.4g,\"threads\":%d,\"cpu\":\"%s\"}\n",
        problem->text, t.seconds, flops / 1e9, percent, t.peak / 1e9, hd_pool_threads(pool),
        hd_isa_name(isa));
  else
    printf("%-36s %10.1f us %9.1f Gflop/s %6.1f %% of %.0f\n", problem->text, 1e6 * t.seconds,
           flops / 1e9, percent, t.peak / 1e9);
  fflush(stdout);
  return HD_OK;
}

static int run(cli_args *args) {
  cli_process p;
  cli_problem problem;
  hd_error err = {0};
  hd_isa isa;
  hd_pool *pool;
  char why[200];
  int64_t threads;
  const char *const *list = args->words ? args->word : standard;
  int count = args->words ? args->words : (int)HD_COUNT(standard);
  if (!cli_number(args, "--threads", 1, 1024, 0, &threads)) return CLI_WRONG;
  for (int i = 0; i < count; i++)
    if (!cli_problem_parse(list[i], &problem, why, sizeof why))
      return cli_fail(CLI_WRONG, "%s: %s", list[i], why);
  cli_process_start(&p, (int)threads);
  if (hd_cpu_isa(&p.data, &isa, &err)) return cli_fail(CLI_WRONG, "%s", err.text);
  if (hd_pool_new(&p.data, &pool, &err)) return cli_fail(CLI_FAILED, "%s", err.text);
  hd_status status = HD_OK;
  for (int i = 0; i < count && !status; i++) {
    cli_problem_parse(list[i], &problem, why, sizeof why);
    status = bench(&p, pool, isa, &problem, cli_has(args, "--json"), &err);
  }
  hd_pool_free(pool);
  return status ? cli_fail(status == HD_E_SHAPE ? CLI_WRONG : CLI_FAILED, "%s", err.text)
                : CLI_DONE;
}

const cli_command cli_bench = {
    "bench",
    "[PROBLEM]... [--threads N] [--json]",
    "times problems such as matmul:m64n128k784 and conv2d:n8h56w56c64,k3s1p1f64",
    options,
    0,
    0,
    run,
    NULL};
