// What came of the trials of a sweep: sweep.jsonl, the order of the best, the table.
#include "sweep.h"

#include <math.h>
#include <stdlib.h>

#include "../base/file.h"

bool cli_sweep_room(cli_sweeping *w, int rung) {
  if (!w->rung[rung])
    w->rung[rung] = hd_arena_alloc(&w->arena, sizeof **w->rung * (size_t)w->s->trials);
  return w->rung[rung];
}

const cli_outcome *cli_sweep_outcome(const cli_sweeping *w, int rung, int trial) {
  const cli_outcome *o = w->rung[rung] ? &w->rung[rung][trial] : NULL;
  return o && o->known ? o : NULL;
}

double cli_sweep_worse(const cli_sweeping *w, const cli_outcome *o) {
  double v = w->s->measure == HD_SWEEP_ACCURACY ? -o->accuracy : o->loss;
  return o->diverged || !isfinite(v) ? INFINITY : v;
}

void cli_sweep_trial_dir(const cli_sweeping *w, int trial, char *to) {
  int digits = w->s->trials > 9999 ? 5 : w->s->trials > 999 ? 4 : 3;
  snprintf(to, CLI_PATH, "%s/trials/%0*d", w->run.dir, digits, trial + 1);
}

// ---- Reading ------------------------------------------------------------------------------------

static const hd_doc *inside(const hd_doc *map, const char *key) {
  return map ? hd_doc_get(map, key) : NULL;
}

static double real(const hd_doc *map, const char *key) {
  const hd_doc *d = inside(map, key);
  return d && (d->kind == HD_DOC_INT || d->kind == HD_DOC_REAL) ? d->real : NAN;
}

static int whole(const hd_doc *map, const char *key) {
  const hd_doc *d = inside(map, key);
  return d && d->kind == HD_DOC_INT && d->integer > 0 && d->integer <= INT32_MAX ? (int)d->integer
                                                                                 : 0;
}

// Calls see(user, line) for each whole line of JSON, until it says no; *kept: bytes of the others.
static hd_status each_line(const hd_env *env, const char *path, bool (*see)(void *, const hd_doc *),
                           void *user, size_t *kept, size_t *size, hd_error *err) {
  void *bytes;
  hd_status status = hd_file_read(env, path, (int64_t)1 << 31, &bytes, size, err);
  *kept = 0;
  if (status) return status;
  const char *text = bytes, *end;
  while (*kept < *size && (end = memchr(text + *kept, '\n', *size - *kept))) {
    hd_arena arena = {.env = *env};
    hd_doc *doc;
    bool ok =
        !hd_json_parse(&arena, path, text + *kept, (size_t)(end - text) - *kept, &doc, NULL) &&
        see(user, doc);
    hd_arena_free(&arena);
    if (!ok) break;
    *kept = (size_t)(end - text) + 1;
  }
  hd_release(env, bytes);
  return HD_OK;
}

// As hd_fit chooses the best epoch, whose weights are in best.safetensors.
typedef struct watching {
  cli_outcome *to;
  double min_delta;
  int until;
} watching;

static bool see_epoch(void *user, const hd_doc *line) {
  watching *x = user;
  int epoch = whole(line, "epoch");
  if (!epoch || (x->until && epoch > x->until)) return false;
  const hd_doc *valid = inside(line, "valid");
  double loss = real(valid, "loss");
  x->to->epochs = epoch;
  if (x->to->best_epoch ? !(loss < x->to->loss - x->min_delta) : isnan(loss)) return true;
  x->to->best_epoch = epoch;
  x->to->loss = loss;
  x->to->accuracy = real(valid, "accuracy");
  return true;
}

hd_status cli_outcome_read(cli_sweeping *w, const char *metrics, int until, cli_outcome *to,
                           hd_error *err) {
  size_t kept, size;
  watching x = {to, (double)w->t.recipe->train.min_delta, until};
  *to = (cli_outcome){.known = true, .loss = NAN, .accuracy = NAN};
  if (!hd_file_exists(&w->t.p.data, metrics)) return HD_OK;  // diverged in its first epoch
  return each_line(&w->t.p.data, metrics, see_epoch, &x, &kept, &size, err);
}

static bool see_outcome(void *user, const hd_doc *line) {
  cli_sweeping *w = user;
  int trial = whole(line, "trial") - 1, rung = inside(line, "rung") ? whole(line, "rung") : 1;
  const hd_doc *valid = inside(line, "valid"), *diverged = inside(line, "diverged");
  if (trial < 0 || trial >= w->s->trials || rung < 1 || rung > CLI_RUNGS ||
      !cli_sweep_room(w, rung))
    return false;
  cli_outcome *o = &w->rung[rung][trial];
  *o = (cli_outcome){.known = true,
                     .epochs = whole(line, "epochs"),
                     .best_epoch = whole(line, "best_epoch"),
                     .loss = real(valid, "loss"),
                     .accuracy = real(valid, "accuracy")};
  if (diverged && diverged->kind == HD_DOC_TEXT)
    o->known = (o->diverged = hd_arena_text(&w->arena, diverged->text)) != NULL;
  return o->known;
}

hd_status cli_sweep_load(cli_sweeping *w, hd_error *err) {
  char path[CLI_PATH];
  size_t kept, size;
  void *text;
  cli_run_path(&w->run, "sweep.jsonl", path);
  if (!hd_file_exists(&w->t.p.data, path)) return HD_OK;
  hd_status status = each_line(&w->t.p.data, path, see_outcome, w, &kept, &size, err);
  if (status || kept == size) return status;
  status = hd_file_read(&w->t.p.data, path, (int64_t)1 << 31, &text, &size, err);
  if (status) return status;
  status = hd_file_write(&w->t.p.data, path, text, HD_MIN(kept, size), err);  // a line cut short
  hd_release(&w->t.p.data, text);
  return status;
}

// ---- Writing ------------------------------------------------------------------------------------

static void add_object(hd_text *to, const cli_sweeping *w, int rung, int trial,
                       const cli_outcome *o) {
  hd_text_add(to, "{\"trial\":%d,", trial + 1);
  if (w->s->method == HD_SWEEP_HALVING) hd_text_add(to, "\"rung\":%d,", rung);
  hd_text_add(to, "\"set\":{");
  for (int i = 0; i < w->s->keys; i++) {
    if (i) hd_text_add(to, ",");
    hd_json_string(to, w->s->key[i].path);
    hd_text_add(to, ":");
    hd_sweep_value(w->s, trial, i, to);
  }
  hd_text_add(to, "},\"epochs\":%d", o->epochs);
  if (o->best_epoch) {
    hd_text_add(to, ",\"best_epoch\":%d,\"valid\":{\"loss\":", o->best_epoch);
    hd_json_real(to, o->loss);
    if (!isnan(o->accuracy)) hd_text_add(to, ",\"accuracy\":"), hd_json_real(to, o->accuracy);
    hd_text_add(to, "}");
  }
  if (o->diverged) hd_text_add(to, ",\"diverged\":"), hd_json_string(to, o->diverged);
  hd_text_add(to, "}");
}

hd_status cli_sweep_add(cli_sweeping *w, int rung, int trial, const cli_outcome *o, hd_error *err) {
  char path[CLI_PATH];
  hd_text line = {.env = w->t.p.data};
  cli_run_path(&w->run, "sweep.jsonl", path);
  add_object(&line, w, rung, trial, o);
  hd_text_add(&line, "\n");
  hd_status status = line.failed || !cli_sweep_room(w, rung)
                         ? hd_fail(err, HD_E_MEMORY, "memory is out")
                         : hd_file_append(&w->t.p.data, path, line.at, line.size, err);
  hd_text_free(&line);
  if (!status) w->rung[rung][trial] = *o;
  return status;
}

// ---- The order ----------------------------------------------------------------------------------

static int better(const void *a, const void *b) {
  const cli_ranked *x = a, *y = b;
  bool lost = isinf(x->worse), other = isinf(y->worse);
  if (lost != other) return lost ? 1 : -1;
  if (x->rung != y->rung) return x->rung > y->rung ? -1 : 1;
  if (x->worse != y->worse) return x->worse < y->worse ? -1 : 1;
  double mine = x->outcome->loss, yours = y->outcome->loss;
  if (mine != yours && !isnan(mine) && !isnan(yours)) return mine < yours ? -1 : 1;
  return x->trial < y->trial ? -1 : x->trial > y->trial;
}

cli_ranked *cli_sweep_rank(cli_sweeping *w, int rung, int *count) {
  cli_ranked *rank = hd_arena_alloc(&w->arena, sizeof *rank * (size_t)w->s->trials);
  *count = 0;
  for (int trial = 0; rank && trial < w->s->trials; trial++)
    for (int at = rung ? rung : CLI_RUNGS; at >= HD_MAX(rung, 1); at--) {
      const cli_outcome *o = cli_sweep_outcome(w, at, trial);
      if (!o) continue;
      rank[(*count)++] = (cli_ranked){trial, at, cli_sweep_worse(w, o), o};
      break;
    }
  if (rank) qsort(rank, (size_t)*count, sizeof *rank, better);
  return rank;
}

// ---- The table ----------------------------------------------------------------------------------

// A value as a reader wants it: words without quotes.
static const char *shown(cli_sweeping *w, int trial, int key) {
  hd_text text = {.env = w->arena.env};
  hd_sweep_value(w->s, trial, key, &text);
  const char *copy = NULL;
  if (!text.failed && text.size > 1 && *text.at == '"')
    copy = hd_arena_print(&w->arena, "%.*s", (int)text.size - 2, text.at + 1);
  else if (!text.failed) copy = hd_arena_text(&w->arena, text.at);
  hd_text_free(&text);
  return copy;
}

const char **cli_sweep_cells(cli_sweeping *w, const cli_ranked *rank, int count, int *columns) {
  const hd_sweep *s = w->s;
  bool accuracy = s->measure == HD_SWEEP_ACCURACY, halving = s->method == HD_SWEEP_HALVING;
  for (int i = 0; i < count; i++) accuracy = accuracy || !isnan(rank[i].outcome->accuracy);
  int first = s->measure == HD_SWEEP_ACCURACY ? 1 : 0;  // the measure stands before the other
  *columns = 3 + accuracy + halving + s->keys;
  size_t size = sizeof(char *) * (size_t)(count + 1) * (size_t)*columns;
  const char **cells = hd_arena_alloc(&w->arena, size), **at = cells;
  for (int row = -1; cells && row < count; row++) {
    const cli_outcome *o = row < 0 ? NULL : rank[row].outcome;
    *at++ = !o ? "trial" : hd_arena_print(&w->arena, "%d", rank[row].trial + 1);
    for (int i = 0; i < 1 + accuracy; i++) {
      bool loss = accuracy ? i == first : true;
      *at++ = !o                  ? loss ? "valid.loss" : "valid.accuracy"
              : o->diverged && !i ? "diverged"
              : o->diverged       ? "-"
              : !o->best_epoch    ? "-"
              : loss              ? hd_arena_print(&w->arena, "%.5g", o->loss)
                                  : hd_arena_print(&w->arena, "%.2f %%", 100 * o->accuracy);
    }
    *at++ = !o            ? "best epoch"
            : o->diverged ? hd_arena_print(&w->arena, "- of %d", o->epochs)
                          : hd_arena_print(&w->arena, "%d of %d", o->best_epoch, o->epochs);
    if (halving) *at++ = !o ? "rung" : hd_arena_print(&w->arena, "%d", rank[row].rung);
    for (int i = 0; i < s->keys; i++) *at++ = !o ? s->key[i].path : shown(w, rank[row].trial, i);
  }
  for (const char **cell = cells; cells && cell < at; cell++)
    if (!*cell) return NULL;
  return cells;
}

void cli_sweep_print(const char *const *cells, int rows, int columns, int most) {
  int shown_rows = HD_MIN(rows, most + 1);
  for (int row = 0; row < shown_rows; row++)
    for (int column = 0; column < columns; column++) {
      size_t width = 0;
      for (int i = 0; i < shown_rows; i++)
        width = HD_MAX(width, strlen(cells[i * columns + column]));
      printf("%s%*s%s", column ? "  " : "", (int)HD_MIN(width, 60), cells[row * columns + column],
             column + 1 == columns ? "\n" : "");
    }
  if (rows > shown_rows) printf("and %d more, in sweep.jsonl\n", rows - shown_rows);
}

bool cli_sweep_print_json(cli_sweeping *w, const cli_ranked *rank, int count) {
  hd_text text = {.env = w->t.p.data};
  for (int i = 0; i < count; i++) {
    hd_text_add(&text, i ? ",\n " : "[");
    add_object(&text, w, rank[i].rung, rank[i].trial, rank[i].outcome);
  }
  hd_text_add(&text, count ? "]\n" : "[]\n");
  bool ok = !text.failed;
  if (ok) fputs(text.at, stdout);
  hd_text_free(&text);
  return ok;
}

void cli_sweep_words(const cli_sweeping *w, int trial, const char *before, const char *between,
                     hd_text *to) {
  for (int i = 0; i < w->s->keys; i++) {
    hd_text_add(to, "%s%s%s", before, w->s->key[i].path, between);
    hd_sweep_value(w->s, trial, i, to);
  }
}
