// hadal list: what there is to name.
#include "cli.h"
#include "../lecture/lesson.h"
#include "../nn/loss.h"

static const cli_option options[] = {
    {"--json", NULL, NULL, "an array of objects with `id` and `about`"}, {NULL, NULL, NULL, NULL}};

// Every entry has its text as "about", and some also by the name of what it is.
typedef struct listing {
  hd_text json;
  bool as_json;
  int count, width;
} listing;

static void add(listing *l, const char *id, const char *key, const char *text) {
  if (!l->as_json) {
    if (text) printf("%-*s  %s\n", l->width, id, text);
    else puts(id);
  } else {
    hd_text_add(&l->json, l->count ? ",\n {\"id\": " : "[{\"id\": ");
    hd_json_string(&l->json, id);
    for (int i = 0; text && i < 1 + !!strcmp(key, "about"); i++) {
      hd_text_add(&l->json, ", \"%s\": ", i ? key : "about");
      hd_json_string(&l->json, text);
    }
    hd_text_add(&l->json, "}");
  }
  l->count++;
}

// The first comment line of a recipe says what it is.
static void add_recipe(void *user, const char *name, const char *path) {
  char line[200] = "";
  FILE *file = fopen(path, "r");
  if (file && !fgets(line, sizeof line, file)) *line = 0;
  if (file) fclose(file);
  line[strcspn(line, "\n")] = 0;
  add(user, name, "about", line[0] == '#' ? line + 1 + strspn(line + 1, " ") : "");
}

static void list_recipes(listing *l) { cli_each_recipe(add_recipe, l); }
static void list_none(listing *l) { (void)l; }  // so far
static void list_ops(listing *l) {
  for (const hd_op *const *op = hd_ops(); *op; op++) add(l, (*op)->name, "math", (*op)->math);
}
static void list_layers(listing *l) {
  for (const hd_layer *const *layer = hd_layers(); *layer; layer++)
    add(l, (*layer)->name, "help", (*layer)->help);
}
static void list_losses(listing *l) {
  for (const hd_loss *const *loss = hd_losses(); *loss; loss++)
    add(l, (*loss)->name, "help", (*loss)->help);
}
// Its options, "lr 0.001, beta1 0.9": the names, and what they are by default.
static void list_optimizers(listing *l) {
  for (const char *const *name = hd_optimizer_names(); *name; name++) {
    const hd_fields *f = hd_optimizer_fields(hd_optimizer_find(*name));
    char text[400] = "";
    size_t used = 0;
    for (int i = 0; f && i < f->count && used < sizeof text; i++)
      used += (size_t)snprintf(text + used, sizeof text - used, "%s%s%s%s", i ? ", " : "",
                               f->field[i].name, *f->field[i].standard ? " " : "",
                               f->field[i].standard);
    add(l, *name, "options", text);
  }
}
static void list_schedules(listing *l) {
  static const char *const about[] = {"the same rate throughout",
                                      "times factor after every `every` epochs",
                                      "times factor at each epoch of `at`",
                                      "factor^(epochs / every)",
                                      "a line down to floor",
                                      "down to floor by (1 - epochs / total)^power",
                                      "half a cosine down to floor",
                                      "the cosine again and again, each growth times as long",
                                      "from start up to 1 at peak, then down to floor",
                                      "sqrt(warmup / epochs) after the warm-up",
                                      "times factor when the loss no longer improves"};
  const char *const *name = hd_schedule_fields.field->choices;
  for (size_t i = 0; name[i]; i++) add(l, name[i], "about", i < HD_COUNT(about) ? about[i] : "");
}
// Their courses and seconds too: what a program that runs them asks for.
static void list_lectures(listing *l) {
  for (const lecture *const *of = lectures; *of; of++) {
    if (!l->as_json) {
      printf("%-*s  %s; %d s; %s\n", l->width, (*of)->id, (*of)->title, (*of)->seconds,
             (*of)->courses);
      continue;
    }
    hd_text_add(&l->json, "%s{\"id\": \"%s\", \"course\": \"%s\", \"topic\": \"%s\", \"title\": ",
                l->count++ ? ",\n " : "[", (*of)->id, (*of)->courses, (*of)->topic);
    hd_json_string(&l->json, (*of)->title);
    hd_text_add(&l->json, ", \"seconds\": %d}", (*of)->seconds);
  }
}
static void list_data(listing *l) {
  int count;
  const hd_data_info *info = hd_data_list(&count);
  for (int i = 0; i < count; i++) {
    char text[300];
    snprintf(text, sizeof text, "%s; %lld + %lld samples; %s; %s", info[i].title,
             (long long)info[i].train, (long long)info[i].test, info[i].columns, info[i].licence);
    add(l, info[i].id, "about", text);
  }
}

static const struct {
  const char *name;
  void (*list)(listing *l);
  int width;
} lists[] = {{"recipes", list_recipes, 16},    {"models", list_none, 16},
             {"lectures", list_lectures, 20},  {"ops", list_ops, 16},
             {"layers", list_layers, 20},      {"losses", list_losses, 24},
             {"data", list_data, 14},          {"optimizers", list_optimizers, 8},
             {"schedules", list_schedules, 13}};

static int run(cli_args *args) {
  const char *known[HD_COUNT(lists)];
  listing l = {.as_json = cli_has(args, "--json")};
  for (size_t i = 0; i < HD_COUNT(lists); i++) {
    known[i] = lists[i].name;
    if (strcmp(args->word[0], known[i])) continue;
    l.width = lists[i].width;
    lists[i].list(&l);
    if (l.as_json && !l.json.failed) printf("%s]\n", l.count ? l.json.at : "[");
    bool failed = l.json.failed;
    hd_text_free(&l.json);
    return failed ? cli_fail(CLI_FAILED, "memory is out") : CLI_DONE;
  }
  int nearest = hd_nearest(args->word[0], known, HD_COUNT(known));
  return cli_fail(CLI_WRONG, "list: unknown \"%s\"; %s%s", args->word[0],
                  nearest >= 0 ? "did you mean "
                               : "known are recipes, models, ops, layers, losses, optimizers, "
                                 "schedules, data, lectures",
                  nearest >= 0 ? known[nearest] : "");
}

const cli_command cli_list = {"list",
                              "recipes|models|ops|layers|losses|optimizers|schedules|data|lectures "
                              "[--json]",
                              "lists what can be named",
                              options,
                              1,
                              1,
                              run,
                              NULL};
