// The run page's test: the confusion matrix, classes, and what the model gets wrong; for numbers
// what it predicts against what is true.
#include "page.h"

#include <math.h>

enum { MOST = 20000, WRONG = 100, ROWS = 24, NAMED = 40 };

typedef struct answer {
  int64_t count, width;  // samples; values for each
  const hd_data *data;
  const char *of;  // "test"
  const float *y;  // count x width
  int32_t *label;  // or
  float *target;   // the first number of each
  int64_t *wrong;  // samples, the surest first
  int64_t wrongs, listed;
  int classes;
} answer;

static const char *class_name(const answer *a, int64_t i, char *to) {
  if (a->data->class_names && i >= 0 && i < a->classes) return a->data->class_names[i];
  hd_print(to, 24, "%lld", (long long)i);
  return to;
}

static int64_t said(const answer *a, int64_t i) {
  const float *row = a->y + i * a->width;
  int64_t best = 0;
  for (int64_t k = 1; k < a->width; k++)
    if (row[k] > row[best]) best = k;
  return best;
}

static double sureness(const answer *a, int64_t i) {
  return (double)a->y[i * a->width + said(a, i)];
}

static hd_status read_column(const answer *a, int column, int64_t first, int64_t count, void *to,
                             hd_error *err) {
  int64_t index[256];
  const hd_data *d = a->data;
  int64_t size = hd_shape_count(d->column[column].type.shape) *
                 (int64_t)hd_dtype_size(d->column[column].type.dtype);
  for (int64_t at = 0; at < count; at += 256) {
    int64_t n = HD_MIN(256, count - at);
    for (int64_t i = 0; i < n; i++) index[i] = first + at + i;
    hd_status status = d->read(d->user, column, index, n, (char *)to + at * size, err);
    if (status) return status;
  }
  return HD_OK;
}

// ---- Classes ------------------------------------------------------------------------------------

// The surest of the wrong answers first, WRONG of them.
static void find_wrong(answer *a) {
  for (int64_t i = 0; i < a->count; i++) {
    if (said(a, i) == a->label[i]) continue;
    a->wrongs++;
    double s = sureness(a, i);
    int64_t at = a->listed;
    if (at == WRONG && s <= sureness(a, a->wrong[WRONG - 1])) continue;
    if (at == WRONG) at--;
    else a->listed++;
    for (; at > 0 && sureness(a, a->wrong[at - 1]) < s; at--) a->wrong[at] = a->wrong[at - 1];
    a->wrong[at] = i;
  }
}

static void confusion(hd_page *p, const answer *a, const double *counts) {
  char text[24], note[160];
  int n = a->classes;
  const char **name = hd_arena_alloc(&p->arena, sizeof *name * (size_t)n);
  hd_figure *f = hd_figure_new(p->env, .x = "predicted", .y = "true");
  for (int i = 0; name && i < n; i++)
    if (!(name[i] = hd_arena_text(&p->arena, class_name(a, i, text)))) name = NULL;
  if (!name) hd_page_failed(p, HD_E_MEMORY, "memory is out");
  else if (f)
    hd_figure_heat(f, counts, n, n, .row_names = name, .column_names = name, .confusion = true);
  hd_print(note, sizeof note,
           "%lld of %lld wrong. Blue: right, vermilion: wrong; the stronger, the "
           "larger the share of the true class.",
           (long long)a->wrongs, (long long)a->count);
  hd_page_figure(p, f, "Confusion matrix", note);
}

static void class_table(hd_page *p, const answer *a, const double *counts) {
  char text[24], number[32];
  int n = a->classes;
  hd_text_add(
      &p->html,
      "<div class=\"card\"><h3>Classes</h3>\n<table>\n<thead><tr><th>class</th>"
      "<th class=\"n\">samples</th><th class=\"n\">recall</th><th class=\"n\">precision</th>"
      "<th class=\"n\">F1</th></tr></thead>\n<tbody>\n");
  for (int i = 0; i < n; i++) {
    double row = 0, column = 0, right = counts[i * n + i];
    for (int k = 0; k < n; k++) row += counts[i * n + k], column += counts[k * n + i];
    hd_text_add(&p->html, "<tr><td>");
    hd_html(&p->html, class_name(a, i, text));
    hd_text_add(&p->html, "</td><td class=\"n\">%s</td>", hd_count_text((int64_t)row, number));
    const double share[] = {right / row, right / column, 2 * right / (row + column)};
    for (int k = 0; k < 3; k++)
      if (isfinite(share[k])) hd_text_add(&p->html, "<td class=\"n\">%.1f %%</td>", 100 * share[k]);
      else hd_text_add(&p->html, "<td class=\"n\">&#8211;</td>");
    hd_text_add(&p->html, "</tr>\n");
  }
  hd_text_add(&p->html, "</tbody>\n</table></div>\n");
}

static void caption(hd_page *p, const answer *a, int64_t i) {
  char text[24];
  hd_html(&p->html, class_name(a, a->label[i], text));
  hd_text_add(&p->html, " <em>&#8594;&#160;");
  hd_html(&p->html, class_name(a, said(a, i), text));
  hd_text_add(&p->html, "</em> <small>%.0f&#160;%%</small>", 100 * sureness(a, i));
}

static void picture(hd_page *p, const unsigned char *rgb, int64_t rows, int64_t columns) {
  hd_error err = {0};
  hd_text png = {.env = p->html.env};
  hd_canvas *c = hd_canvas_open(p->env, false, (double)columns, (double)rows, 1, &err);
  if (c) {
    hd_canvas_pixels(c, rgb, (int)columns, (int)rows, 0, 0, (double)columns, (double)rows);
    if (hd_canvas_close(c, &png, &err)) c = NULL;
  }
  if (!c) hd_page_failed(p, err.status, err.text);
  hd_text_add(&p->html, "<img alt=\"\" src=\"data:image/png;base64,");
  if (png.at) hd_base64(&p->html, png.at, png.size);
  hd_text_add(&p->html, "\"/>");
  hd_text_free(&png);
}

static void wrong_images(hd_page *p, const answer *a, int column) {
  const hd_column *c = &a->data->column[column];
  hd_error err = {0};
  hd_shape s = c->type.shape;
  hd_tensor t =
      hd_tensor_new(p->env, c->type.dtype, HD_SHAPE(a->listed, s.d[0], s.d[1], s.d[2]), &err);
  hd_status status = t.data
                         ? a->data->read(a->data->user, column, a->wrong, a->listed, t.data, &err)
                         : HD_E_MEMORY;
  if (status) hd_page_failed(p, status, err.text);
  hd_figure *f = status ? NULL : hd_figure_new(p->env);
  double high =
      c->type.dtype == HD_U8 ? hd_scale_largest(p->recipe ? p->recipe->data.name : NULL) : 0;
  if (f) hd_figure_images(f, t, .high = high);
  const hd_mark *m = f ? f->first : NULL;
  hd_text_add(&p->html, "<ul class=\"sheet\">\n");
  for (int64_t i = 0; m && m->rgb && i < a->listed; i++) {
    hd_text_add(&p->html, "<li>");
    picture(p, m->rgb + 3 * i * m->rows * m->columns, m->rows, m->columns);
    caption(p, a, a->wrong[i]);
    hd_text_add(&p->html, "</li>\n");
  }
  hd_text_add(&p->html, "</ul>\n");
  hd_figure_free(f);
  hd_tensor_free(&t);
}

static void wrong_rows(hd_page *p, const answer *a, int column) {
  const hd_column *c = &a->data->column[column];
  int64_t width = hd_shape_count(c->type.shape), shown = HD_MIN(width, 10);
  float *row = hd_arena_alloc(&p->arena, sizeof *row * (size_t)width);
  hd_error err = {0};
  hd_text_add(&p->html, "<table>\n<thead><tr><th>true &#8594; predicted</th>");
  for (int64_t k = 0; k < shown; k++)
    hd_text_add(&p->html, "<th class=\"n\">x<sub>%lld</sub></th>", (long long)k + 1);
  hd_text_add(&p->html, "</tr></thead>\n<tbody>\n");
  for (int64_t i = 0; row && i < HD_MIN(a->listed, ROWS); i++) {
    if (a->data->read(a->data->user, column, &a->wrong[i], 1, row, &err)) {
      hd_page_failed(p, err.status, err.text);
      break;
    }
    hd_text_add(&p->html, "<tr><td>");
    caption(p, a, a->wrong[i]);
    hd_text_add(&p->html, "</td>");
    for (int64_t k = 0; k < shown; k++)
      hd_text_add(&p->html, "<td class=\"n\">%.4g</td>", (double)row[k]);
    hd_text_add(&p->html, "</tr>\n");
  }
  hd_text_add(&p->html, "</tbody>\n</table>\n");
}

static void wrong_samples(hd_page *p, const answer *a) {
  const hd_column *in = &p->o->model->signature.input;
  int column = hd_data_column(a->data, in->name);
  hd_shape s = in->type.shape;
  bool image = s.rank == 3 && (s.d[2] == 1 || s.d[2] == 3) &&
               (in->type.dtype == HD_U8 || in->type.dtype == HD_F32);
  bool table = s.rank == 1 && in->type.dtype == HD_F32;
  if (!a->listed || column < 0 || !(image || table)) return;
  hd_text_add(&p->html, "<div class=\"card\"><h3>Taken for another class, the surest first</h3>\n");
  if (image) wrong_images(p, a, column);
  else wrong_rows(p, a, column);
  hd_text_add(&p->html, "</div>\n");
}

// With two inputs the plane can be looked at: which class the model gives each point.
static bool plane(hd_page *p, const answer *a) {
  enum { SIDE = 96 };
  const hd_model *m = p->o->model;
  const hd_column *in = &m->signature.input;
  int column = hd_data_column(a->data, in->name);
  if (column < 0 || in->type.shape.rank != 1 || in->type.shape.d[0] != 2 ||
      in->type.dtype != HD_F32 || a->classes > HD_COLORS - HD_FIRST_COLOR)
    return false;
  hd_error err = {0};
  float *xy = hd_arena_alloc(&p->arena, sizeof *xy * 2 * (size_t)a->count), low[2], high[2];
  double *x = hd_arena_alloc(&p->arena, sizeof *x * 2 * (size_t)a->count), *y = x + a->count;
  hd_tensor grid = hd_tensor_new(p->env, HD_F32, HD_SHAPE(SIDE * SIDE, 2), &err);
  hd_status status =
      xy && x && grid.data ? read_column(a, column, 0, a->count, xy, &err) : HD_E_MEMORY;
  for (int k = 0; k < 2 && !status; k++) {
    low[k] = INFINITY, high[k] = -INFINITY;
    for (int64_t i = 0; i < a->count; i++)
      low[k] = fminf(low[k], xy[2 * i + k]), high[k] = fmaxf(high[k], xy[2 * i + k]);
    float off = (high[k] - low[k]) * 0.2f + 1e-3f;
    low[k] -= off, high[k] += off;
  }
  for (int i = 0; i < SIDE * SIDE && !status; i++) {
    float *to = (float *)grid.data + 2 * i;
    to[0] = low[0] + (high[0] - low[0]) * ((float)(i % SIDE) + 0.5f) / SIDE;
    to[1] = high[1] - (high[1] - low[1]) * ((float)(i / SIDE) + 0.5f) / SIDE;
  }
  hd_tensor answers = {0};
  if (!status) answers = hd_predict(m->store, m->network.answer, grid, &err);
  if (answers.data) {
    hd_figure *f = hd_figure_new(p->env, .x = "x1", .y = "x2", .x_min = (double)low[0],
                                 .x_max = (double)high[0], .y_min = (double)low[1],
                                 .y_max = (double)high[1], .width = 420, .height = 400);
    if (f) hd_figure_regions(f, answers.data, SIDE, SIDE, a->classes);
    for (int c = 0; f && c < a->classes; c++) {
      char text[24];
      int64_t n = 0;
      for (int64_t i = 0; i < a->count; i++)
        if (a->label[i] == c) x[n] = (double)xy[2 * i], y[n++] = (double)xy[2 * i + 1];
      hd_figure_scatter(f, x, y, n, .name = class_name(a, c, text), .width = a->count < 50 ? 9 : 5);
    }
    hd_page_figure(p, f, "The plane of the inputs",
                   "The class that the model gives each point, the "
                   "stronger the surer; dots are samples in the colour of their true class.");
  } else hd_page_failed(p, err.status ? err.status : HD_E_MEMORY, err.text);
  bool drawn = answers.data != NULL;
  hd_tensor_free(&answers);
  hd_tensor_free(&grid);
  return drawn;
}

static void page_classes(hd_page *p, answer *a) {
  int n = a->classes;
  double *counts = hd_arena_alloc(&p->arena, sizeof *counts * (size_t)n * (size_t)n);
  a->wrong = hd_arena_alloc(&p->arena, sizeof *a->wrong * WRONG);
  if (!counts || !a->wrong) {
    hd_page_failed(p, HD_E_MEMORY, "memory is out");
    return;
  }
  find_wrong(a);
  for (int64_t i = 0; i < a->count; i++)
    if (a->label[i] >= 0 && a->label[i] < n) counts[a->label[i] * n + said(a, i)]++;
  hd_text_add(&p->html, "<div class=\"row\">\n");
  bool drawn = plane(p, a);
  if (drawn) hd_text_add(&p->html, "<div class=\"stack\">\n");
  if (n <= 200) confusion(p, a, counts);
  if (n <= NAMED) class_table(p, a, counts);
  hd_text_add(&p->html, drawn ? "</div>\n</div>\n" : "</div>\n");
  wrong_samples(p, a);
}

// ---- Numbers ------------------------------------------------------------------------------------

static void page_numbers(hd_page *p, const answer *a) {
  double *v = hd_arena_alloc(&p->arena, sizeof *v * 3 * (size_t)a->count);
  if (!v) {
    hd_page_failed(p, HD_E_MEMORY, "memory is out");
    return;
  }
  double *is = v, *predicted = v + a->count, *off = v + 2 * a->count, low = INFINITY,
         high = -INFINITY, sum = 0, mean = 0, spread = 0;
  for (int64_t i = 0; i < a->count; i++) {
    is[i] = a->target ? (double)a->target[i] : (double)a->label[i];
    predicted[i] = (double)a->y[i * a->width];
    off[i] = predicted[i] - is[i];
    sum += off[i] * off[i], mean += is[i] / (double)a->count;
    low = fmin(low, is[i]), high = fmax(high, is[i]);
  }
  for (int64_t i = 0; i < a->count; i++) spread += (is[i] - mean) * (is[i] - mean);
  char note[120];
  hd_print(note, sizeof note,
           "Root mean squared error %.4g; R\xC2\xB2 %.4g. The dashed line is the "
           "truth.",
           sqrt(sum / (double)a->count), 1 - sum / spread);
  hd_text_add(&p->html, "<div class=\"row\">\n");
  hd_figure *f = hd_figure_new(p->env, .x = "true", .y = "predicted", .height = 380);
  double ends[] = {low, high};
  if (f) hd_figure_scatter(f, is, predicted, a->count, .color = HD_COLOR_BLUE, .width = 4);
  if (f) hd_figure_line(f, ends, ends, 2, .color = HD_COLOR_GREY, .dashed = true, .width = 1.25);
  hd_page_figure(p, f, "Predicted and true", note);
  f = hd_figure_new(p->env, .x = "predicted less true", .y = "samples", .height = 380);
  if (f) hd_figure_histogram(f, off, a->count, .color = HD_COLOR_BLUE);
  hd_page_figure(p, f, "Errors", NULL);
  hd_text_add(&p->html, "</div>\n");
}

// ---- Asking the model ---------------------------------------------------------------------------

static hd_status read_truth(hd_page *p, answer *a, hd_error *err) {
  int label = hd_data_column(a->data, "label"), target = hd_data_column(a->data, "target");
  if (label >= 0 && a->data->column[label].type.dtype == HD_I32 &&
      hd_shape_count(a->data->column[label].type.shape) == 1) {
    a->label = hd_arena_alloc(&p->arena, sizeof *a->label * (size_t)a->count);
    return a->label ? read_column(a, label, 0, a->count, a->label, err) : HD_E_MEMORY;
  }
  if (target < 0 || a->data->column[target].type.dtype != HD_F32 ||
      hd_shape_count(a->data->column[target].type.shape) != 1)
    return HD_E_UNSUPPORTED;
  a->target = hd_arena_alloc(&p->arena, sizeof *a->target * (size_t)a->count);
  return a->target ? read_column(a, target, 0, a->count, a->target, err) : HD_E_MEMORY;
}

static void ask(hd_page *p, answer *a) {
  const hd_model *m = p->o->model;
  hd_error err = {0};
  hd_status status = read_truth(p, a, &err);
  if (status == HD_E_UNSUPPORTED) return;  // sequences, images as targets: nothing to compare here
  hd_tensor y = {0};
  if (!status) y = hd_predict_data(m->store, m->network.answer, a->data, 64, &err);
  if (status || !y.data) {
    hd_page_failed(p, err.status ? err.status : HD_E_MEMORY,
                   err.status ? err.text : "memory is out");
    return;
  }
  a->y = y.data;
  a->width = hd_shape_count(y.shape) / a->count;
  bool classes =
      a->label && a->data->classes > 1 && a->width == a->data->classes && y.shape.rank == 2;
  a->classes = classes ? a->data->classes : 0;
  if (y.dtype == HD_F32 && (classes || a->width == 1)) {
    hd_text_add(&p->html, "<section>\n<h2>%s</h2>\n",
                !strcmp(a->of, "test") ? "Test" : "What the model says of the training samples");
    if (classes) page_classes(p, a);
    else page_numbers(p, a);
    hd_text_add(&p->html, "</section>\n");
  }
  hd_tensor_free(&y);
}

void hd_page_test(hd_page *p) {
  const hd_data *d = p->o->test;
  if (!p->o->model || !d || d->samples < 1) return;
  hd_data some = {0};
  answer a = {.data = d, .of = p->o->test_name ? p->o->test_name : "test"};
  a.count = d->samples;
  if (d->samples > MOST) {  // enough for a picture
    int64_t *index = hd_arena_alloc(&p->arena, sizeof *index * MOST);
    hd_error err = {0};
    for (int64_t i = 0; index && i < MOST; i++) index[i] = i * (d->samples / MOST);
    if (!index || hd_data_view(p->env, d, index, MOST, &some, &err)) {
      hd_page_failed(p, HD_E_MEMORY, "memory is out");
      return;
    }
    a.data = &some;
    a.count = MOST;
  }
  ask(p, &a);
  hd_data_free(&some);
}
