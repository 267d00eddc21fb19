// hadal predict: what a model says of files.
#include "cli.h"

static const cli_option options[] = {
    {"--top", "K", "3", "the K likeliest classes"},
    {"--threads", "N", "one per core", "threads"},
    {"--json", NULL, NULL,
     "an array of {\"file\":..,\"top\":[{\"class\":..,\"p\":..}]}, or \"value\""},
    {NULL, NULL, NULL, NULL}};

typedef struct prediction {
  const hd_signature *s;
  const cli_args *args;
  int top;
  bool classes;
} prediction;

// The k-th largest of the row: its index.
static int pick(const float *row, int count, int k) {
  for (int i = 0; i < count; i++) {
    int before = 0;
    for (int j = 0; j < count; j++) before += row[j] > row[i] || (row[j] == row[i] && j < i);
    if (before == k) return i;
  }
  return 0;
}

static const char *class_name(const hd_signature *s, int i, char *to) {
  if (s->class_names) return s->class_names[i];
  snprintf(to, 32, "%d", i);
  return to;
}

static void print_text(const prediction *p, const char *file, int64_t row, const float *y,
                       int width) {
  char name[32];
  if (row) printf("%s:%lld", file, (long long)row);
  else printf("%s", file);
  if (!p->classes) {
    for (int i = 0; i < width; i++) printf("  %.6g", (double)y[i]);
  } else {
    for (int k = 0; k < p->top; k++) {
      int i = pick(y, width, k);
      printf("  %s %.2f %%", class_name(p->s, i, name), 100 * (double)y[i]);
    }
  }
  printf("\n");
}

static void add_json(hd_text *t, const prediction *p, const char *file, int64_t row, const float *y,
                     int width) {
  char name[32];
  hd_text_add(t, "%s{\"file\":", t->size ? ",\n " : "[");
  hd_json_string(t, file);
  if (row) hd_text_add(t, ",\"row\":%lld", (long long)row);
  hd_text_add(t, p->classes ? ",\"top\":[" : width > 1 ? ",\"value\":[" : ",\"value\":");
  for (int k = 0; k < (p->classes ? p->top : width); k++) {
    int i = p->classes ? pick(y, width, k) : k;
    if (k) hd_text_add(t, ",");
    if (p->classes) {
      hd_text_add(t, "{\"class\":");
      hd_json_string(t, class_name(p->s, i, name));
      hd_text_add(t, ",\"p\":");
    }
    hd_json_real(t, (double)y[i]);
    if (p->classes) hd_text_add(t, "}");
  }
  hd_text_add(t, p->classes || width > 1 ? "]}" : "}");
}

static int show(const prediction *p, const cli_samples *s, const hd_tensor *y) {
  bool json = cli_has(p->args, "--json");
  int width = (int)(hd_shape_count(y->shape) / s->count);
  hd_text text = {.env = *s->env};
  for (int64_t i = 0; i < s->count; i++) {
    const char *file = p->args->word[1 + s->from[i].file];
    const float *row = (const float *)y->data + i * width;
    if (json) add_json(&text, p, file, s->from[i].row, row, width);
    else print_text(p, file, s->from[i].row, row, width);
  }
  if (json && !text.failed) printf("%s]\n", text.at);
  bool failed = text.failed;
  hd_text_free(&text);
  return failed ? cli_fail(CLI_FAILED, "memory is out") : CLI_DONE;
}

static int predict(cli_process *p, cli_args *args, const char *path, int top) {
  hd_error err = {0};
  hd_model m;
  if (hd_model_open(&p->env, path, &m, &err)) return cli_fail(CLI_FAILED, "%s", err.text);
  hd_type type = m.signature.input.type;
  cli_samples s = {.env = &p->data,
                   .type = type,
                   .size = hd_shape_count(type.shape) * (int64_t)hd_dtype_size(type.dtype),
                   .set = m.recipe->data.name,
                   .resize = m.recipe->data.size[0] > 0,
                   .words = m.signature.words};
  hd_status status = HD_OK;
  for (int i = 1; i < args->words && !status; i++)
    status = cli_samples_add(&s, args->word[i], i - 1, &err);
  hd_shape shape = {.rank = type.shape.rank + 1, .d = {s.count}};
  for (int i = 0; i < type.shape.rank; i++) shape.d[i + 1] = type.shape.d[i];
  hd_tensor y = {0}, x = {.dtype = type.dtype, .shape = shape, .data = s.data};
  if (!status) y = hd_predict(m.store, m.network.answer, x, &err);
  int code = y.data ? CLI_DONE : cli_fail(CLI_FAILED, "%s", err.text);
  if (y.data) {
    int width = (int)(hd_shape_count(y.shape) / s.count);
    bool classes = m.signature.has_label && width == m.signature.classes;
    code = show(&(prediction){&m.signature, args, HD_MIN(top, width), classes}, &s, &y);
  }
  hd_tensor_free(&y);
  cli_samples_free(&s);
  hd_model_close(&m);
  return code;
}

static int run(cli_args *args) {
  cli_process p;
  char path[CLI_PATH];
  int64_t threads, top;
  if (!cli_number(args, "--threads", 1, 1024, 0, &threads) ||
      !cli_number(args, "--top", 1, 1000000, 3, &top) || !cli_find_model(args->word[0], path))
    return CLI_WRONG;
  cli_process_start(&p, (int)threads);
  return predict(&p, args, path, (int)top);
}

const cli_command cli_predict = {
    "predict",
    "RUN|MODEL FILE... [--top K] [--threads N] [--json]",
    "what a trained model says of images (PNG, JPEG, PGM, PPM), .csv rows or .idx arrays",
    options,
    2,
    0,
    run,
    "Images are known by their first bytes. Their channels become those that the model wants, and\n"
    "their size too if the recipe of the model gives one (data: size).\n"
    "A .csv row holds the inputs without the label; words (data: one_hot) are those of training.\n"
    "For an image model it holds the pixels, in the\n"
    "range of the set (digits 0 to 16, others 0 to 255); a last column, the label, is passed "
    "over."};
