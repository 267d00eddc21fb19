// The table of the commands, and their arguments.
#include "cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

const cli_command *const cli_commands[] = {&cli_train,  &cli_sweep,   &cli_eval,   &cli_predict,
                                           &cli_report, &cli_summary, &cli_list,   &cli_lecture,
                                           &cli_check,  &cli_bench,   &cli_filter, NULL};

int cli_fail(int status, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fflush(stdout);
  fputs("hadal: ", stderr);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
  return status;
}

static int suggest(const char *what, const char *word, const char *const *known, int count,
                   const char *help) {
  int nearest = hd_nearest(word, known, count);
  if (nearest >= 0)
    return cli_fail(CLI_WRONG, "unknown %s \"%s\"; did you mean \"%s\"?", what, word,
                    known[nearest]);
  return cli_fail(CLI_WRONG, "unknown %s \"%s\"; see %s", what, word, help);
}

// ---- Help ---------------------------------------------------------------------------------------

static int help(void) {
  printf("hadal %s: deep learning in C\n\n", hd_version());
  for (int i = 0; cli_commands[i]; i++)
    printf("  hadal %-8s %s\n", cli_commands[i]->name, cli_commands[i]->about);
  printf(
      "\nhadal COMMAND --help shows a command's options and defaults.\n"
      "Start with: hadal train xor\n"
      "Environment: HADAL_DATA, where data sets lie; HADAL_CPU, the instruction set to use "
      "(baseline, avx2, avx512, avx512bf16, amx).\n"
      "Exit status: 0 done, 1 the work failed, 2 the call was wrong, 130 interrupted.\n");
  return CLI_DONE;
}

static int help_for(const cli_command *c) {
  printf("%s\n\nhadal %s %s\n", c->about, c->name, c->usage);
  if (c->options->name) printf("\n");
  for (const cli_option *o = c->options; o->name; o++) {
    char left[64];
    snprintf(left, sizeof left, "%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    printf("  %-18s %s%s%s%s\n", left, o->help, o->standard ? " (default " : "",
           o->standard ? o->standard : "", o->standard ? ")" : "");
  }
  if (c->notes) printf("\n%s\n", c->notes);
  return CLI_DONE;
}

// ---- Parsing ------------------------------------------------------------------------------------

static int find(const cli_command *c, const char *name) {
  for (int i = 0; c->options[i].name; i++)
    if (!strcmp(c->options[i].name, name)) return i;
  return -1;
}

const char *cli_value(const cli_args *a, const char *option) {
  int i = find(a->command, option);
  return i < 0 ? NULL : a->value[i];
}

bool cli_has(const cli_args *a, const char *option) { return cli_value(a, option) != NULL; }

bool cli_number(const cli_args *a, const char *option, int64_t low, int64_t high, int64_t standard,
                int64_t *to) {
  const char *text = cli_value(a, option);
  *to = standard;
  if (!text) return true;
  if (hd_parse_int(text, text + strlen(text), to) && *to >= low && *to <= high) return true;
  cli_fail(CLI_WRONG, "%s %s: must be a whole number from %lld to %lld", option, text,
           (long long)low, (long long)high);
  return false;
}

static int unknown_option(const cli_command *c, const char *name) {
  const char *known[CLI_OPTIONS + 1];
  char where[64];
  int count = 0;
  for (; c->options[count].name; count++) known[count] = c->options[count].name;
  known[count++] = "--help";
  snprintf(where, sizeof where, "hadal %s --help", c->name);
  return suggest("option", name, known, count, where);
}

// One option with its value: "--seed 3" or "--seed=3". Moves *at past what it took.
static int take_option(cli_args *a, int count, char **words, int *at) {
  const cli_command *c = a->command;
  char name[64];
  const char *word = words[*at], *equal = strchr(word, '=');
  snprintf(name, sizeof name, "%.*s", equal ? (int)(equal - word) : 63, word);
  int i = find(c, name);
  if (i < 0) return unknown_option(c, name);
  if (!c->options[i].value) {
    if (equal) return cli_fail(CLI_WRONG, "%s takes no value", name);
    a->value[i] = "";
    return 0;
  }
  if (!equal && *at + 1 >= count)
    return cli_fail(CLI_WRONG, "%s needs a value: %s %s", name, name, c->options[i].value);
  const char *value = equal ? equal + 1 : words[++*at];
  a->value[i] = value;
  if (strcmp(name, "--set")) return 0;
  if (a->sets == CLI_SETS) return cli_fail(CLI_WRONG, "more than %d --set", CLI_SETS);
  a->set[a->sets++] = value;
  return 0;
}

// A number, not an option: "-1 0 1".
static bool negative(const char *word) {
  const char *p = word + 1 + (word[1] == '.');
  return *p >= '0' && *p <= '9';
}

static int run(const cli_command *c, int count, char **words) {
  cli_args a = {.command = c};
  bool options = true;
  for (int i = 0; i < count; i++) {
    if (options && !strcmp(words[i], "--")) {
      options = false;
    } else if (options && (!strcmp(words[i], "--help") || !strcmp(words[i], "-h"))) {
      return help_for(c);
    } else if (options && words[i][0] == '-' && words[i][1] && !negative(words[i])) {
      int status = take_option(&a, count, words, &i);
      if (status) return status;
    } else if (a.words == CLI_WORDS) {
      return cli_fail(CLI_WRONG, "%s: more than %d words", c->name, CLI_WORDS);
    } else {
      a.word[a.words++] = words[i];
    }
  }
  if (a.words < c->least || (c->most && a.words > c->most))
    return cli_fail(CLI_WRONG, "%s: %s; usage: hadal %s %s", c->name,
                    a.words < c->least ? "something is missing" : "too many words", c->name,
                    c->usage);
  int status = c->run(&a);
  if (fflush(stdout) && status == CLI_DONE)
    return cli_fail(CLI_FAILED, "the output could not be written");
  return status;
}

int cli_main(int count, char **words) {
  const char *name = count > 1 ? words[1] : "help", *known[16];
  int n = 0;
  for (; cli_commands[n]; n++) {
    known[n] = cli_commands[n]->name;
    if (!strcmp(name, known[n])) return run(cli_commands[n], count - 2, words + 2);
  }
  if (!strcmp(name, "--version") || !strcmp(name, "version"))
    return printf("hadal %s\n", hd_version()), CLI_DONE;
  if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
    for (int i = 0; count > 2 && cli_commands[i]; i++)
      if (!strcmp(words[2], cli_commands[i]->name)) return help_for(cli_commands[i]);
    help();
    return count > 1 ? CLI_DONE : CLI_WRONG;
  }
  return suggest(name[0] == '-' ? "option" : "command", name, known, n, "hadal --help");
}
