// hadal lecture: the examples of the courses, each a command.
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <time.h>

#include "../base/file.h"
#include "../lecture/lesson.h"
#include "cli.h"

static const cli_option options[] = {
    {"--short", NULL, NULL, "fewer samples and epochs: does it work, not what it finds"},
    {"--out", "DIR", "lectures", "folder of the pictures"},
    {"--seed", "N", "1", "of weights and of the order of samples"},
    {"--threads", "N", "one per core", ""},
    {"--course", "NAME", NULL, "list those of one course"},
    {"--all", NULL, NULL, "run every lecture"},
    {"--page", "FILE", NULL, "also write the results as a page of Markdown"},
    {"--json", NULL, NULL, "an object a lecture, and nothing else"},
    {NULL, NULL, NULL, NULL}};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// ---- The list -----------------------------------------------------------------------------------

static bool of_course(const lecture *of, const char *course) {
  return !course || strstr(of->courses, course);
}

static int list(const char *course) {
  const char *known[16];
  int count = 0;
  for (const lecture_course *c = lecture_courses; c->id; c++) known[count++] = c->id;
  bool found = !course;
  for (int i = 0; i < count; i++) found |= course && !strcmp(course, known[i]);
  if (!found) {
    int nearest = hd_nearest(course, known, count);
    return cli_fail(CLI_WRONG, "--course %s: unknown; %s%s", course,
                    nearest >= 0 ? "did you mean " : "hadal lecture names them",
                    nearest >= 0 ? known[nearest] : "");
  }
  for (const char *const *topic = lecture_topics; *topic; topic++) {
    bool headed = false;
    for (const lecture *const *of = lectures; *of; of++) {
      if (strcmp((*of)->topic, *topic) || !of_course(*of, course)) continue;
      if (!headed) printf("%s%s\n", topic == lecture_topics ? "" : "\n", *topic);
      headed = true;
      printf("  %-20s %-52s %4d s  %s\n", (*of)->id, (*of)->title, (*of)->seconds, (*of)->courses);
    }
  }
  printf("\nThe courses:\n");
  for (const lecture_course *c = lecture_courses; c->id; c++)
    printf("  %-20s %s\n", c->id, c->name);
  return CLI_DONE;
}

// ---- One lecture --------------------------------------------------------------------------------

static void print_table(const lesson *l) {
  int what = 0, slide = 9;
  for (int i = 0; i < l->rows; i++) {
    what = HD_MAX(what, (int)strlen(l->row[i].what));
    slide = HD_MAX(slide, (int)strlen(l->row[i].slide));
  }
  if (l->rows) printf("\n  %-*s  %-*s  %s\n", what, "", slide, "the slide", "here");
  for (int i = 0; i < l->rows; i++) {
    const lesson_row *r = &l->row[i];
    printf("  %-*s  %-*s  %s%s\n", what, r->what, slide, r->slide, r->here,
           r->verdict < 0 ? "  <- DOES NOT HOLD" : "");
  }
}

static void add_json(hd_text *to, const lesson *l, double seconds) {
  hd_text_add(to, "{\"id\":");
  hd_json_string(to, l->of->id);
  hd_text_add(to, ",\"seconds\":%.1f,\"holds\":%s,\"data\":", seconds,
              l->failed ? "false" : "true");
  hd_json_string(to, l->data);
  hd_text_add(to, ",\"finding\":");
  hd_json_string(to, l->finding);
  hd_text_add(to, ",\"numbers\":[");
  for (int i = 0; i < l->rows; i++) {
    hd_text_add(to, "%s{\"what\":", i ? "," : "");
    hd_json_string(to, l->row[i].what);
    hd_text_add(to, ",\"slide\":");
    hd_json_string(to, l->row[i].slide);
    hd_text_add(to, ",\"here\":");
    hd_json_string(to, l->row[i].here);
    if (l->row[i].verdict)
      hd_text_add(to, ",\"holds\":%s", l->row[i].verdict > 0 ? "true" : "false");
    hd_text_add(to, "}");
  }
  hd_text_add(to, "],\"pictures\":[");
  for (int i = 0; i < l->pictures; i++) {
    if (i) hd_text_add(to, ",");
    hd_json_string(to, l->picture[i]);
  }
  hd_text_add(to, "]}\n");
}

// Its line of the page's table and its section; pictures by their path from the page's folder.
static void add_section(hd_text *index, hd_text *page, const lesson *l, double seconds,
                        const char *folder) {
  size_t skip = strlen(folder);
  hd_text_add(index, "| [%s](#%s) | %.1f | %s |\n", l->of->id, l->of->id, seconds, l->finding);
  hd_text_add(page, "\n### %s\n\n%s: `hadal lecture %s`, %.1f s. %s%s%s\n\n", l->of->id,
              l->of->title, l->of->id, seconds, l->data, *l->data ? ". " : "", l->finding);
  if (l->rows) hd_text_add(page, "| | the slide | here |\n|---|---|---|\n");
  for (int i = 0; i < l->rows; i++)
    hd_text_add(page, "| %s | %s | %s%s |\n", l->row[i].what, l->row[i].slide, l->row[i].here,
                l->row[i].verdict < 0 ? " **(does not hold)**" : "");
  for (int i = 0; i < l->pictures; i++) {
    const char *path = l->picture[i];
    if (!strncmp(path, folder, skip)) path += skip;
    hd_text_add(page, "\n![%s](%s)\n", l->of->title, path);
  }
}

typedef struct classroom {
  cli_process p;
  bool brief, json;
  int64_t seed;
  const char *out, *page_path;
  char folder[CLI_PATH];  // of the page, with its slash
  hd_text page, index;
} classroom;

static int hold(classroom *c, const lecture *of) {
  static lesson l;
  hd_error err = {0};
  l = (lesson){.of = of,
               .env = &c->p.env,
               .sets = c->p.sets,
               .brief = c->brief,
               .quiet = c->json,
               .seed = (uint64_t)c->seed,
               .out = c->out};
  if (!c->json) printf("%s\n", of->title);
  double start = now();
  hd_status status = of->run(&l, &err);
  double seconds = now() - start;
  lesson_clear(&l);
  while (l.sets_open) hd_data_free(l.set[--l.sets_open]), free(l.set[l.sets_open]);
  if (status) return cli_fail(CLI_FAILED, "lecture %s: %s", of->id, err.text);
  if (c->json) {
    hd_text line = {.env = c->p.data};
    add_json(&line, &l, seconds);
    if (!line.failed) fputs(line.at, stdout);
    hd_text_free(&line);
  } else {
    print_table(&l);
    if (*l.finding) printf("\n%s\n", l.finding);
    for (int i = 0; i < l.pictures; i++) printf("%s%s\n", i ? "" : "\n", l.picture[i]);
    printf("%.1f s%s\n", seconds, c->brief ? ", in the short form: the numbers mean little" : "");
  }
  if (c->page_path) add_section(&c->index, &c->page, &l, seconds, c->folder);
  if (l.failed) return cli_fail(CLI_FAILED, "lecture %s: what must hold does not", of->id);
  return CLI_DONE;
}

static int not_found(const char *id) {
  const char *known[256];
  int count = 0;
  for (; lectures[count] && count < 256; count++) known[count] = lectures[count]->id;
  int nearest = hd_nearest(id, known, count);
  return cli_fail(CLI_WRONG, "no lecture \"%s\"; %s%s", id,
                  nearest >= 0 ? "did you mean " : "hadal lecture lists them",
                  nearest >= 0 ? known[nearest] : "");
}

static int write_page(classroom *c) {
  hd_error err = {0};
  if (c->page.at) hd_text_raw(&c->index, c->page.at, c->page.size);
  bool failed = c->page.failed || c->index.failed;
  hd_status status =
      failed ? hd_fail(&err, HD_E_MEMORY, "memory is out")
             : hd_file_write(&c->p.data, c->page_path, c->index.at, c->index.size, &err);
  hd_text_free(&c->page);
  hd_text_free(&c->index);
  return status ? cli_fail(CLI_FAILED, "%s", err.text) : CLI_DONE;
}

// The lectures of the call: those named, or all by topic.
static int hold_all(classroom *c, cli_args *args) {
  int worst = CLI_DONE;
  for (int i = 0; i < args->words; i++)
    if (!lecture_find(args->word[i])) return not_found(args->word[i]);
  for (int i = 0; i < args->words; i++) {
    int got = hold(c, lecture_find(args->word[i]));
    worst = HD_MAX(worst, got);
  }
  if (args->words) return worst;
  for (const char *const *topic = lecture_topics; *topic; topic++) {
    if (c->page_path) hd_text_add(&c->page, "\n## %c%s\n", *topic[0] - 'a' + 'A', *topic + 1);
    for (const lecture *const *of = lectures; *of; of++) {
      if (strcmp((*of)->topic, *topic)) continue;
      int got = hold(c, *of);
      worst = HD_MAX(worst, got);
      if (!c->json) printf("\n");
    }
  }
  return worst;
}

static int run(cli_args *args) {
  static classroom c;
  hd_error err = {0};
  int64_t threads;
  c = (classroom){.brief = cli_has(args, "--short"),
                  .json = cli_has(args, "--json"),
                  .out = cli_value(args, "--out"),
                  .page_path = cli_value(args, "--page")};
  if (!args->words && !cli_has(args, "--all")) return list(cli_value(args, "--course"));
  if (!cli_number(args, "--seed", 0, INT64_MAX, 1, &c.seed) ||
      !cli_number(args, "--threads", 1, 1024, 0, &threads))
    return CLI_WRONG;
  if (!c.out) c.out = "lectures";
  cli_process_start(&c.p, (int)threads);
  if (hd_dir_make(&c.p.data, c.out, &err)) return cli_fail(CLI_FAILED, "--out: %s", err.text);
  c.page.env = c.index.env = c.p.data;
  if (c.page_path) {
    const char *slash = strrchr(c.page_path, '/');
    snprintf(c.folder, sizeof c.folder, "%.*s", slash ? (int)(slash - c.page_path) + 1 : 0,
             c.page_path);
    hd_text_add(
        &c.index,
        "# The lectures\n\nWritten by `hadal lecture --all --page FILE`: every example is a "
        "command. What its slide says, what came out here, in how many seconds.\n\n"
        "| lecture | seconds | what came out |\n|---|---:|---|\n");
  }
  int status = hold_all(&c, args);
  int written = c.page_path ? write_page(&c) : CLI_DONE;
  return status ? status : written;
}

const cli_command cli_lecture = {
    "lecture",
    "[ID...] [--all] [--short] [--out DIR] [--seed N] [--threads N] [--page FILE] [--json]",
    "the examples of the courses, each a command",
    options,
    0,
    0,
    run,
    "Without an ID it lists them by topic. On real data: MNIST where HADAL_DATA has it, else\n"
    "Fashion-MNIST or the digits that come with Hadal; each says which. It prints the slide's\n"
    "numbers beside its own and draws its pictures into the folder."};
