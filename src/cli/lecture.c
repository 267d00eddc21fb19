// hadal lecture: the examples of a course; none is written yet.
#include "cli.h"

static const cli_option options[] = {{NULL, NULL, NULL, NULL}};

static int run(cli_args *args) {
  if (args->words)
    return cli_fail(CLI_WRONG, "lecture: no \"%s\": there are no lectures yet", args->word[0]);
  puts("There are no lectures yet. Recipes to start from: hadal list recipes");
  return CLI_DONE;
}

const cli_command cli_lecture = {
    "lecture", "[ID]", "examples of a course; there are none yet", options, 0, 1, run, NULL};
