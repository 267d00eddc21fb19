// hadal check: that the fast kernels and the gradients are right, on this machine.
#include "cli.h"

#include <math.h>

static const cli_option options[] = {{"--threads", "N", "one per core", "threads"},
                                     {NULL, NULL, NULL, NULL}};

static double largest_error(const cli_trial *a, const cli_trial *b) {
  hd_type t;
  const float *x = hd_workspace_fetch(a->workspace, 0, &t);
  const double *y = hd_workspace_fetch(b->workspace, 0, NULL);
  double error = 0, most = 0;
  for (int64_t i = 0, n = hd_shape_count(t.shape); i < n; i++) {
    double off = fabs((double)x[i] - y[i]);
    if (!(off <= error)) error = off;  // NaN stays
    most = HD_MAX(most, fabs(y[i]));
  }
  return most > 0 ? error / most : error;
}

// Products of numbers in (-1, 1): rounding grows with the root of the terms. Operands in bf16 are
// each off by 2^-8 at most, in two terms of it by 2^-16.
static double bound_of(const cli_problem *p) {
  double terms = p->conv ? (double)(p->kernel[0] * p->kernel[1] * p->c) : (double)p->k;
  if (p->direction == CLI_DW) terms = (double)(p->n * p->h * p->w);
  if (p->direction == CLI_DX) terms = (double)(p->kernel[0] * p->kernel[1] * p->f);
  double operands = p->precision == HD_PRECISION_BF16     ? 0x1p-7
                    : p->precision == HD_PRECISION_BF16X3 ? 0x1p-15
                                                          : 0;
  return operands + 1e-6 + 1e-7 * sqrt(terms);
}

static int check_problem(const cli_process *p, const cli_problem *problem) {
  hd_error err = {0};
  cli_trial fast, exact;
  hd_status status = cli_trial_open(&p->data, problem, HD_F32, &fast, &err);
  if (status) return cli_fail(status == HD_E_SHAPE ? CLI_WRONG : CLI_FAILED, "%s", err.text);
  status = cli_trial_open(&p->data, problem, HD_F64, &exact, &err);
  if (!status) status = hd_run(fast.workspace, &err);
  if (!status) status = hd_run(exact.workspace, &err);
  double error = status ? 0 : largest_error(&fast, &exact), bound = bound_of(problem);
  if (!status)
    printf("%-36s %s  error %.1e of the largest value, at most %.1e\n", problem->text,
           error <= bound ? "right" : "WRONG", error, bound);
  cli_trial_close(&fast);
  cli_trial_close(&exact);
  if (status) return cli_fail(CLI_FAILED, "%s", err.text);
  return error <= bound ? CLI_DONE : CLI_FAILED;
}

static int check_all_ops(const cli_process *p) {
  int failures = 0, count = 0;
  for (const hd_op *const *op = hd_ops(); *op; op++, count++)
    failures += cli_check_op(p, *op) != CLI_DONE;
  printf("%d of %d ops are right\n", count - failures, count);
  return failures ? CLI_FAILED : CLI_DONE;
}

static int unknown(const char *word) {
  const char *names[256];
  int count = 0;
  for (const hd_op *const *op = hd_ops(); *op && count < 256; op++) names[count++] = (*op)->name;
  int nearest = hd_nearest(word, names, count);
  return nearest >= 0 ? cli_fail(CLI_WRONG, "check: unknown op \"%s\"; did you mean \"%s\"?", word,
                                 names[nearest])
                      : cli_fail(CLI_WRONG, "check: unknown op \"%s\"; see hadal list ops", word);
}

static int run(cli_args *args) {
  cli_process p;
  cli_problem problem;
  char why[200];
  int64_t threads;
  int worst = CLI_DONE;
  if (!cli_number(args, "--threads", 1, 1024, 0, &threads)) return CLI_WRONG;
  cli_process_start(&p, (int)threads);
  if (!args->words) return check_all_ops(&p);
  for (int i = 0; i < args->words; i++) {
    int status;
    if (strchr(args->word[i], ':')) {
      if (!cli_problem_parse(args->word[i], &problem, why, sizeof why))
        return cli_fail(CLI_WRONG, "%s: %s", args->word[i], why);
      status = check_problem(&p, &problem);
    } else {
      const hd_op *op = hd_op_find(args->word[i]);
      status = op ? cli_check_op(&p, op) : unknown(args->word[i]);
    }
    worst = HD_MAX(worst, status);
  }
  return worst;
}

const cli_command cli_check = {"check",
                               "[OP|PROBLEM]... [--threads N]",
                               "gradients and fast kernels against the double reference",
                               options,
                               0,
                               0,
                               run,
                               NULL};
