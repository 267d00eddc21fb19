// Run directories: recipe.yaml, manifest.json, metrics.jsonl beside models and checkpoints.
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#include "cli.h"
#include "../base/cpu.h"
#include "../base/file.h"

void cli_run_path(const cli_run *run, const char *file, char *to) {
  snprintf(to, CLI_PATH, "%s/%s", run->dir, file);
}

static int cannot(const char *dir, int code) {
  char why[128];
  return cli_fail(CLI_FAILED, "%s: the run directory cannot be made: %s", dir,
                  hd_errno_text(code, why, sizeof why));
}

static int make_parent(const hd_env *env, const char *dir) {
  char parent[CLI_PATH];
  hd_error err;
  snprintf(parent, sizeof parent, "%s", dir);
  char *slash = strrchr(parent, '/');
  if (!slash || slash == parent) return 0;
  *slash = 0;
  return hd_dir_make(env, parent, &err) ? cli_fail(CLI_FAILED, "%s", err.text) : 0;
}

// runs/NAME-1, or the next that is free; with resume the last that is there.
static int number(cli_run *run, const char *name, bool resume) {
  struct stat about;
  int n = 1, status;
  for (;; n++) {
    snprintf(run->dir, sizeof run->dir, "runs/%s-%d", name, n);
    if (stat(run->dir, &about)) break;
  }
  if (resume && n > 1) {
    snprintf(run->dir, sizeof run->dir, "runs/%s-%d", name, n - 1);
    return run->resumed = true, 0;
  }
  if ((status = make_parent(run->env, run->dir))) return status;
  while (mkdir(run->dir, 0777)) {  // another process may have been faster
    if (errno != EEXIST) return cannot(run->dir, errno);
    snprintf(run->dir, sizeof run->dir, "runs/%s-%d", name, ++n);
  }
  return 0;
}

static bool is_dir(const char *path) {
  struct stat about;
  return !stat(path, &about) && S_ISDIR(about.st_mode);
}

bool cli_run_find(cli_run *run, const hd_env *env, const char *name, const char *dir) {
  *run = (cli_run){.env = env};
  if (dir)
    return snprintf(run->dir, sizeof run->dir, "%s", dir) < (int)sizeof run->dir &&
           is_dir(run->dir);
  int n = 1;
  for (;; n++) {
    snprintf(run->dir, sizeof run->dir, "runs/%s-%d", name, n);
    if (!is_dir(run->dir)) break;
  }
  snprintf(run->dir, sizeof run->dir, "runs/%s-%d", name, n - 1);
  return n > 1;
}

int cli_run_open(cli_run *run, const hd_env *env, const char *name, const char *dir, bool resume) {
  struct stat about;
  *run = (cli_run){.env = env};
  if (!dir) return number(run, name, resume);
  if (!*dir || snprintf(run->dir, sizeof run->dir, "%s", dir) >= (int)sizeof run->dir)
    return cli_fail(CLI_WRONG, "--run: the path is empty or too long");
  for (size_t n = strlen(run->dir); n > 1 && run->dir[n - 1] == '/'; n--) run->dir[n - 1] = 0;
  if (!stat(run->dir, &about)) {
    if (!S_ISDIR(about.st_mode))
      return cli_fail(CLI_WRONG, "%s: is a file, not a run directory", run->dir);
    if (!resume)
      return cli_fail(CLI_WRONG, "%s: exists already; go on with --resume, or choose another --run",
                      run->dir);
    return run->resumed = true, 0;
  }
  int status = make_parent(env, run->dir);
  if (status) return status;
  return mkdir(run->dir, 0777) ? cannot(run->dir, errno) : 0;
}

// ---- Metrics ------------------------------------------------------------------------------------

hd_status cli_run_add_metrics(const cli_run *run, const char *line, hd_error *err) {
  char path[CLI_PATH];
  cli_run_path(run, "metrics.jsonl", path);
  return hd_file_append(run->env, path, line, strlen(line), err);
}

// Bytes of the leading lines that are whole and belong to epochs 1 .. epochs; *seconds grows by
// theirs.
static size_t kept(const hd_env *env, const char *text, size_t size, int64_t epochs,
                   double *seconds) {
  hd_arena arena = {.env = *env};
  size_t at = 0;
  for (const char *end; at < size && (end = memchr(text + at, '\n', size - at));
       at = (size_t)(end - text) + 1) {
    hd_doc *doc;
    if (hd_json_parse(&arena, "metrics", text + at, (size_t)(end - text) - at, &doc, NULL)) break;
    const hd_doc *epoch = hd_doc_get(doc, "epoch");
    if (!epoch || epoch->kind != HD_DOC_INT || epoch->integer > epochs) break;
    const hd_doc *took = hd_doc_get(doc, "seconds");
    if (took) *seconds += took->real;
  }
  hd_arena_free(&arena);
  return at;
}

hd_status cli_run_trim_metrics(const cli_run *run, int64_t epochs, double *seconds, hd_error *err) {
  char path[CLI_PATH];
  void *text;
  size_t size;
  cli_run_path(run, "metrics.jsonl", path);
  if (!hd_file_exists(run->env, path)) return HD_OK;
  hd_status status = hd_file_read(run->env, path, (int64_t)1 << 31, &text, &size, err);
  if (status) return status;
  size_t keep = kept(run->env, text, size, epochs, seconds);
  if (keep < size) status = hd_file_write(run->env, path, text, keep, err);
  hd_release(run->env, text);
  return status;
}

void cli_add_metrics(hd_text *to, hd_metrics m, int64_t samples) {
  hd_text_add(to, "{\"loss\":");
  hd_json_real(to, m.loss);
  if (m.accuracy == m.accuracy) {
    hd_text_add(to, ",\"accuracy\":");
    double right = m.accuracy * (double)samples, whole = (double)(int64_t)(right + 0.5);
    bool near =
        whole - right < 0.01 && right - whole < 0.01;  // a mean of f32 means is off by a little
    hd_json_real(to, near ? whole / (double)samples : m.accuracy);
  }
  hd_text_add(to, "}");
}

// ---- What the run was ---------------------------------------------------------------------------

static hd_status put(const cli_run *run, const char *file, hd_text *text, hd_error *err) {
  char path[CLI_PATH];
  cli_run_path(run, file, path);
  hd_status status = text->failed ? hd_fail(err, HD_E_MEMORY, "%s: memory is out", path)
                                  : hd_file_write(run->env, path, text->at, text->size, err);
  hd_text_free(text);
  return status;
}

// "AMD EPYC 7B13", as Linux tells it; "" where it does not.
static const char *processor(char *to, size_t size) {
  char line[256], *at;
  FILE *in = fopen("/proc/cpuinfo", "r");
  *to = 0;
  while (in && !*to && fgets(line, sizeof line, in))
    if (!strncmp(line, "model name", 10) && (at = strchr(line, ':')))
      snprintf(to, size, "%.*s", (int)strcspn(at + 2, "\n"), at + 2);
  if (in) fclose(in);
  return to;
}

hd_status cli_run_describe(const cli_run *run, const hd_recipe *r, const cli_process *p,
                           const hd_splits *parts, hd_error *err) {
  bool yaml = false;
#ifdef HD_WITH_YAML
  yaml = true;
#endif
  char *recipe = hd_recipe_text(run->env, r, yaml), when[32], cpu[128];
  if (!recipe) return hd_fail(err, HD_E_MEMORY, "%s: memory is out", r->file);
  char path[CLI_PATH];
  cli_run_path(run, "recipe.yaml", path);
  hd_status status = hd_file_write(run->env, path, recipe, strlen(recipe), err);
  hd_release(run->env, recipe);
  if (status) return status;
  time_t now = time(NULL);
  struct tm utc;
  hd_isa isa = HD_ISA_BASELINE;
  if (gmtime_r(&now, &utc)) strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
  if (hd_cpu_isa(&p->env, &isa, err)) return err->status;
  hd_text t = {.env = *run->env};
  hd_text_add(&t, "{\n  \"hadal\": \"%s\",\n  \"recipe\": ", hd_version());
  hd_json_string(&t, r->name);
  hd_text_add(&t, ",\n  \"file\": ");
  hd_json_string(&t, r->file);
  hd_text_add(&t,
              ",\n  \"started\": \"%s\",\n  \"seed\": %lld,\n  \"threads\": %d,\n  \"cpu\": "
              "\"%s\",\n  \"processor\": ",
              when, (long long)r->train.seed, p->env.threads ? p->env.threads : hd_cpu_cores(),
              hd_isa_name(isa));
  hd_json_string(&t, processor(cpu, sizeof cpu));
  hd_text_add(&t, ",\n  \"data\": {\"name\": ");
  hd_json_string(&t, r->data.name);
  hd_text_add(&t, ", \"train\": %lld, \"valid\": %lld, \"test\": %lld}\n}\n",
              (long long)parts->train.samples, (long long)parts->valid.samples,
              (long long)(parts->has_test ? parts->test.samples : 0));
  return put(run, "manifest.json", &t, err);
}
