// What lectures share: telling, making, data, curves.
#include "lesson.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hd_status fail(hd_error *err, hd_status status, const char *text) {
  err->status = status;
  snprintf(err->text, sizeof err->text, "%s", text);
  return status;
}

// ---- Telling ------------------------------------------------------------------------------------

void lesson_say(lesson *l, const char *format, ...) {
  va_list args;
  va_start(args, format);
  if (!l->quiet) vprintf(format, args), putchar('\n'), fflush(stdout);
  va_end(args);
}

static void add_row(lesson *l, int verdict, const char *what, const char *slide, const char *here,
                    va_list args) {
  if (verdict < 0 || l->rows == LESSON_ROWS) l->failed = true;
  if (l->rows == LESSON_ROWS) return;
  lesson_row *row = &l->row[l->rows++];
  snprintf(row->what, sizeof row->what, "%s", what);
  snprintf(row->slide, sizeof row->slide, "%s", slide);
  vsnprintf(row->here, sizeof row->here, here, args);
  row->verdict = verdict;
}

void lesson_number(lesson *l, const char *what, const char *slide, const char *here, ...) {
  va_list args;
  va_start(args, here);
  add_row(l, 0, what, slide, here, args);
  va_end(args);
}

void lesson_must(lesson *l, bool holds, const char *what, const char *slide, const char *here,
                 ...) {
  va_list args;
  va_start(args, here);
  add_row(l, holds ? 1 : -1, what, slide, here, args);
  va_end(args);
}

void lesson_finding(lesson *l, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(l->finding, sizeof l->finding, format, args);
  va_end(args);
}

hd_status lesson_figure(lesson *l, hd_figure *figure, const char *name, hd_error *err) {
  char path[160];
  if (!figure) return fail(err, HD_E_MEMORY, "memory is out");
  bool fits = snprintf(path, sizeof path, "%s/%s-%s", l->out, l->of->id, name) < (int)sizeof path;
  hd_status status = fits ? hd_figure_save(figure, path, err)
                          : fail(err, HD_E_LIMIT, "--out: the path is too long");
  hd_figure_free(figure);
  if (status == HD_E_UNSUPPORTED) {
    if (!l->pictures) lesson_say(l, "No picture: %s", err->text);
    *err = (hd_error){0};
    return HD_OK;
  }
  if (!status && l->pictures < LESSON_PICTURES)
    snprintf(l->picture[l->pictures++], sizeof *l->picture, "%s", path);
  return status;
}

void lesson_matrix(lesson *l, const char *title, const float *at, int64_t rows, int64_t columns) {
  lesson_say(l, "%s", title);
  for (int64_t r = 0; r < rows; r++) {
    char line[1000];
    size_t used = 0;
    for (int64_t c = 0; c < columns && used < sizeof line - 16; c++)
      used += (size_t)snprintf(line + used, sizeof line - used, " %5.4g", at[r * columns + c]);
    lesson_say(l, "%s", line);
  }
}

// ---- Making -------------------------------------------------------------------------------------

hd_graph *lesson_graph(lesson *l) {
  return l->graphs < LESSON_OWNED ? (l->graph[l->graphs++] = hd_graph_new(l->env)) : NULL;
}

hd_store *lesson_store(lesson *l, uint64_t seed) {
  hd_store *made = l->stores < LESSON_OWNED ? hd_store_new(l->env) : NULL;
  if (made) hd_store_seed(made, seed), l->store[l->stores++] = made;
  return made;
}

void lesson_clear(lesson *l) {
  while (l->stores) hd_store_free(l->store[--l->stores]);
  while (l->graphs) hd_graph_free(l->graph[--l->graphs]);
}

// ---- Data ---------------------------------------------------------------------------------------

static hd_data *new_set(lesson *l, hd_error *err) {
  hd_data *made = l->sets_open < LESSON_OWNED ? calloc(1, sizeof *made) : NULL;
  if (made) return l->set[l->sets_open++] = made;
  fail(err, HD_E_LIMIT, "the lecture opens too many data sets, or memory is out");
  return NULL;
}

const hd_data *lesson_set(lesson *l, const char *name, const char *part, hd_error *err) {
  hd_data *to = new_set(l, err);
  return to && !(hd_data_open)(l->env, name, part, l->sets, to, err) ? to : NULL;
}

const hd_data *lesson_some(lesson *l, const hd_data *data, int64_t first, int64_t count,
                           hd_error *err) {
  hd_data *to = data ? new_set(l, err) : NULL;
  if (!to) return NULL;
  if (first + count > data->samples) count = data->samples - first;
  int64_t *index = malloc((size_t)(count > 0 ? count : 1) * sizeof *index);
  for (int64_t i = 0; index && i < count; i++) index[i] = first + i;
  hd_status status = index ? hd_data_view(l->env, data, index, count, to, err)
                           : fail(err, HD_E_MEMORY, "memory is out");
  free(index);
  return status ? NULL : to;
}

hd_status lesson_images(lesson *l, int64_t trains, int64_t tests, const hd_data **train,
                        const hd_data **test, hd_error *err) {
  static const char *const names[] = {"mnist", "fashion-mnist", "digits"};
  const hd_data *all[2] = {NULL, NULL};
  int found = -1;
  for (int i = 0; i < 3 && !all[1]; i++) {
    found = i;
    all[0] = lesson_set(l, names[i], "train", err);
    all[1] = all[0] ? lesson_set(l, names[i], "test", err) : NULL;
  }
  if (!all[1]) return err->status;
  *err = (hd_error){0};  // of the sets that are not there
  const hd_data **to[2] = {train, test};
  int64_t wanted[2] = {trains, tests}, most[2] = {2000, 1000};
  for (int i = 0; i < 2; i++) {
    int64_t count = wanted[i] && wanted[i] < all[i]->samples ? wanted[i] : all[i]->samples;
    if (l->brief) count = count / 10 < 100 ? 100 : count / 10 < most[i] ? count / 10 : most[i];
    *to[i] = lesson_some(l, all[i], 0, count, err);
    if (!*to[i]) return err->status;
  }
  const hd_shape *image = &all[0]->column[hd_data_column(all[0], "image")].type.shape;
  snprintf(l->data, sizeof l->data, "%s%s, %lld + %lld images of %lldx%lld",
           found ? "MNIST is not there (HADAL_DATA): " : "", names[found],
           (long long)(*train)->samples, (long long)(*test)->samples, (long long)image->d[0],
           (long long)image->d[1]);
  lesson_say(l, "Data: %s", l->data);
  return HD_OK;
}

bool lesson_has_mnist(const lesson *l) { return !strncmp(l->data, "mnist", 5); }

hd_val lesson_pixels(lesson *l, hd_graph *g, const hd_data *data) {
  const hd_shape s = data->column[hd_data_column(data, "image")].type.shape;
  hd_val bytes = hd_input(g, "image", HD_U8, HD_SHAPE(HD_BATCH, s.d[0], s.d[1], s.d[2]));
  return hd_scale(hd_cast(bytes, HD_F32), strstr(l->data, "digits,") ? 1. / 16 : 1. / 255);
}

hd_val lesson_labels(hd_graph *g) { return hd_input(g, "label", HD_I32, HD_SHAPE(HD_BATCH)); }

// ---- Curves -------------------------------------------------------------------------------------

bool lesson_on_epoch(void *user, const hd_progress *at) {
  lesson_curve *c = user;
  if (c->count == LESSON_POINTS) return true;
  int i = c->count++;
  c->loss[i] = at->train.loss, c->accuracy[i] = at->train.accuracy;
  c->valid_loss[i] = at->has_valid ? at->valid.loss : NAN;
  c->valid_accuracy[i] = at->has_valid ? at->valid.accuracy : NAN;
  return true;
}

bool lesson_on_step(void *user, const hd_progress *at) {
  lesson_steps *s = user;
  int every = s->every ? s->every : 1;
  s->sum += at->loss;
  if (++s->steps % every || s->count == 4 * LESSON_POINTS) return true;
  s->step[s->count] = (double)s->steps;
  s->loss[s->count++] = s->sum / every;
  s->sum = 0;
  return true;
}
