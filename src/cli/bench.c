#include "cli.h"
static const cli_option options[] = {{NULL, NULL, NULL, NULL}};
static int run(cli_args *args) { (void)args; return 1; }
const cli_command cli_bench = {"bench", "", "", options, 0, 0, run};
