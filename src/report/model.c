// The run page's model: filters, layers, the recipe and what the run was.
#include "page.h"

#include <math.h>

// ---- Filters ------------------------------------------------------------------------------------

enum { MOST_FILTERS = 96 };

// (kh, kw, C, F) -> F images (kh, kw, C), or F C of one channel where C is neither 1 nor 3.
static hd_tensor filters_of_conv(const hd_env *env, const hd_parameter *w, hd_error *err) {
  const int64_t *d = w->type.shape.d;
  bool colour = d[2] == 1 || d[2] == 3;
  int64_t channels = colour ? d[2] : 1, count = HD_MIN(colour ? d[3] : d[2] * d[3], MOST_FILTERS);
  hd_tensor t = hd_tensor_new(env, HD_F32, HD_SHAPE(count, d[0], d[1], channels), err);
  float *to = t.data;
  for (int64_t i = 0; to && i < count; i++)
    for (int64_t at = 0; at < d[0] * d[1]; at++)
      for (int64_t k = 0; k < channels; k++) {
        int64_t c = colour ? k : i % d[2], f = colour ? i : i / d[2];
        *to++ = ((const float *)w->data)[(at * d[2] + c) * d[3] + f];
      }
  return t;
}

// (H W C, units) -> units images (H, W, C)
static hd_tensor filters_of_dense(const hd_env *env, const hd_parameter *w, hd_shape image,
                                  hd_error *err) {
  int64_t in = w->type.shape.d[0], units = w->type.shape.d[1];
  int64_t count = HD_MIN(units, MOST_FILTERS);
  hd_tensor t =
      hd_tensor_new(env, HD_F32, HD_SHAPE(count, image.d[0], image.d[1], image.d[2]), err);
  for (int64_t i = 0; t.data && i < count; i++)
    for (int64_t k = 0; k < in; k++)
      ((float *)t.data)[i * in + k] = ((const float *)w->data)[k * units + i];
  return t;
}

static const hd_parameter *weight_of(const hd_model *m, const char *layer) {
  char name[300];
  hd_print(name, sizeof name, "%s/weight", layer ? layer : "");
  const hd_parameter *w = hd_store_find(m->store, name);
  return w && w->type.dtype == HD_F32 ? w : NULL;
}

typedef struct filters {
  hd_tensor image;  // no data: there are none
  const char *layer;
  bool conv;
} filters;

static hd_status find_filters(const hd_env *env, const hd_model *m, filters *to, hd_error *err) {
  hd_shape image = m->signature.input.type.shape;
  *to = (filters){0};
  for (int i = 0; i < m->recipe->layers && image.rank == 3; i++) {
    const hd_recipe_layer *l = &m->recipe->inside->layer[i];
    hd_layer_cost c;
    hd_layer_measure(m->graph, l->first, l->last, &c);
    if (!c.parameters) continue;
    const hd_parameter *w = weight_of(m, c.name);
    to->conv = w && w->type.shape.rank == 4 && !strcmp(l->layer->name, "conv2d");
    bool dense = w && w->type.shape.rank == 2 && !strcmp(l->layer->name, "dense") &&
                 (image.d[2] == 1 || image.d[2] == 3) &&
                 w->type.shape.d[0] == hd_shape_count(image);
    if (!to->conv && !dense) return HD_OK;  // only what sees the image itself
    to->layer = c.name;
    to->image = to->conv ? filters_of_conv(env, w, err) : filters_of_dense(env, w, image, err);
    return to->image.data ? HD_OK : HD_E_MEMORY;
  }
  return HD_OK;
}

static hd_figure *draw_filters(const hd_env *env, const filters *l) {
  hd_figure *f = hd_figure_new(env, .width = 1060);
  const int64_t *d = l->image.shape.d;
  if (f)
    hd_figure_images(f, l->image, .signs = d[3] == 1, .size = d[1] > 12 || d[0] <= 10 ? 84 : 56);
  return f;
}

hd_figure *hd_figure_filters(const hd_env *env, const hd_model *m, hd_error *err) {
  filters l;
  if (find_filters(env, m, &l, err) || !l.image.data) return NULL;
  hd_figure *f = draw_filters(env, &l);
  if (!f) hd_fail(err, HD_E_MEMORY, "filters: memory is out");
  hd_tensor_free(&l.image);
  return f;
}

// What the convolution makes of the first test image.
static void feature_maps(hd_page *p, const hd_model *m, const hd_data *test) {
  hd_error err = {0};
  hd_type t = m->signature.input.type;
  int column = hd_data_column(test, m->signature.input.name);
  if (column < 0 || test->samples < 1 || test->column[column].type.dtype != t.dtype ||
      !hd_shape_equal(test->column[column].type.shape, t.shape))
    return;
  hd_tensor image = hd_tensor_new(p->env, t.dtype, t.shape, &err);
  hd_figure *f = NULL;
  if (image.data && !test->read(test->user, column, (int64_t[]){0}, 1, image.data, &err))
    f = hd_figure_feature_maps(p->env, m, image, &err);
  hd_tensor_free(&image);
  if (f)
    hd_page_figure(p, f, "What they make of the first test image",
                   "Before the activation, and after it. Grey is zero, white positive, black "
                   "negative.");
  else if (err.status) hd_page_failed(p, err.status, err.text);
}

void hd_page_filters(hd_page *p) {
  filters l;
  hd_error err = {0};
  char title[200];
  if (!p->o->model) return;
  if (find_filters(p->env, p->o->model, &l, &err)) hd_page_failed(p, err.status, err.text);
  if (!l.image.data) return;
  const int64_t *d = l.image.shape.d;
  hd_print(title, sizeof title, "%s of %.100s, %lld x %lld%s",
           l.conv ? "Filters" : "Weights of the units", l.layer, (long long)d[1], (long long)d[2],
           d[0] == MOST_FILTERS ? ", the first of them" : "");
  hd_text_add(&p->html, "<section>\n<h2>What the first layer looks for</h2>\n");
  hd_page_figure(p, draw_filters(p->env, &l), title,
                 d[3] == 1 ? "Blue: positive weights, vermilion: negative; each by its own largest."
                           : "Each from its least to its largest weight.");
  if (l.conv && p->o->test) feature_maps(p, p->o->model, p->o->test);
  hd_text_add(&p->html, "</section>\n");
  hd_tensor_free(&l.image);
}

// ---- Layers -------------------------------------------------------------------------------------

static void cell(hd_page *p, double count) {
  char number[32];
  hd_text_add(&p->html, "<td class=\"n\">%s</td>",
              count > 0 ? hd_count_text((int64_t)count, number) : "");
}

void hd_page_model(hd_page *p) {
  const hd_model *m = p->o->model;
  if (!m) return;
  const hd_recipe *r = m->recipe;
  double parameters = 0, adds = 0;
  hd_text_add(&p->html,
              "<section>\n<h2>Model</h2>\n<div class=\"card\"><table>\n<thead><tr>"
              "<th>layer</th><th>output</th><th class=\"n\">parameters</th>"
              "<th class=\"n\">multiply-adds</th></tr></thead>\n<tbody>\n");
  for (int i = 0; i < r->layers; i++) {
    const hd_recipe_layer *l = &r->inside->layer[i];
    hd_layer_cost c;
    char shape[96];
    int n = 1;
    hd_layer_measure(m->graph, l->first, l->last, &c);
    for (int k = 0; k < i; k++) n += r->inside->layer[k].layer == l->layer;
    hd_text_add(&p->html, "<tr><td>");
    if (c.name) hd_html(&p->html, c.name);
    else hd_text_add(&p->html, "%s_%d", l->layer->name, n);
    hd_text_add(&p->html, "</td><td>%s</td>", hd_shape_text(c.type.shape, shape, sizeof shape));
    cell(p, (double)c.parameters);
    cell(p, c.multiply_adds);
    hd_text_add(&p->html, "</tr>\n");
    parameters += (double)c.parameters, adds += c.multiply_adds;
  }
  hd_text_add(&p->html, "</tbody>\n<tfoot><tr><td>total</td><td></td>");
  cell(p, parameters);
  cell(p, adds);
  hd_text_add(&p->html,
              "</tr></tfoot>\n</table>\n<p>Multiply-adds are for one sample.</p></div>\n"
              "</section>\n");
}

// ---- The run ------------------------------------------------------------------------------------

static void row(hd_page *p, const char *name, const char *value) {
  if (!value || !*value) return;
  hd_text_add(&p->html, "<tr><td>%s</td><td>", name);
  hd_html(&p->html, value);
  hd_text_add(&p->html, "</td></tr>\n");
}

// A manifest may say anything.
static int64_t whole(double x) { return x > -1e15 && x < 1e15 ? (int64_t)x : 0; }

static void number_row(hd_page *p, const char *name, double value) {
  char text[32];
  if (isfinite(value)) row(p, name, hd_count_text(whole(value), text));
}

static void samples_row(hd_page *p, const hd_doc *data) {
  char text[160], a[32], b[32], c[32];
  double train = hd_key_real(data, "train"), valid = hd_key_real(data, "valid"),
         test = hd_key_real(data, "test");
  if (!isfinite(train)) return;
  int used = hd_print(text, sizeof text, "%s to train on", hd_count_text(whole(train), a));
  if (valid > 0)
    used += hd_print(text + used, sizeof text - (size_t)used, ", %s to validate",
                     hd_count_text(whole(valid), b));
  if (test > 0)
    hd_print(text + used, sizeof text - (size_t)used, ", %s to test",
             hd_count_text(whole(test), c));
  row(p, "samples", text);
}

static void folds_table(hd_page *p, const hd_doc *folds) {
  int n = 0;
  hd_text_add(&p->html,
              "<div class=\"card\"><h3>Folds</h3>\n<table>\n<thead><tr><th>fold</th>"
              "<th class=\"n\">loss</th><th class=\"n\">accuracy</th></tr></thead>\n<tbody>\n");
  for (const hd_doc *d = folds->first; d; d = d->next) {
    double loss = hd_key_real(d, "loss"), accuracy = hd_key_real(d, "accuracy");
    hd_text_add(&p->html, "<tr><td>%d</td><td class=\"n\">%.4g</td><td class=\"n\">", ++n, loss);
    if (isfinite(accuracy)) hd_text_add(&p->html, "%.2f %%", 100 * accuracy);
    hd_text_add(&p->html, "</td></tr>\n");
  }
  hd_text_add(&p->html, "</tbody>\n</table></div>\n");
}

void hd_page_run(hd_page *p) {
  const hd_doc *m = p->manifest, *data = m ? hd_doc_get(m, "data") : NULL;
  const hd_doc *folds = p->log.final ? hd_doc_get(p->log.final, "folds") : NULL;
  char text[32];
  double seconds = hd_key_real(p->log.final, "seconds");
  hd_text_add(&p->html, "<section>\n<h2>The run</h2>\n<div class=\"row\">\n");
  if (p->recipe_text) {
    hd_text_add(&p->html, "<div class=\"card\"><h3>Recipe</h3>\n<pre>");
    hd_html(&p->html, p->recipe_text);
    hd_text_add(&p->html, "</pre></div>\n");
  }
  if (folds && folds->kind == HD_DOC_LIST) folds_table(p, folds);
  hd_text_add(&p->html, "<div class=\"card\"><h3>Circumstances</h3>\n<table>\n<tbody>\n");
  row(p, "run", p->run);
  row(p, "recipe", hd_key_word(m, "file"));
  row(p, "data", hd_key_word(data, "name"));
  samples_row(p, data);
  double seed = hd_key_real(m, "seed");
  if (isfinite(seed)) {
    hd_print(text, sizeof text, "%.0f", seed);
    row(p, "seed", text);
  }
  if (p->log.epochs) {
    number_row(p, "epochs", (double)p->log.epochs);
    number_row(p, "steps", p->log.step[p->log.epochs - 1]);
  }
  if (isfinite(seconds)) row(p, "training time", hd_seconds_text(seconds, text));
  double planned = hd_key_real(p->log.final, "peak_bytes_planned");
  if (isfinite(planned)) row(p, "memory planned", hd_bytes_text(planned, text));
  double used = hd_key_real(p->log.final, "peak_bytes_used");
  if (isfinite(used)) row(p, "memory used", hd_bytes_text(used, text));
  row(p, "started", hd_key_word(m, "started"));
  row(p, "processor", hd_key_word(m, "processor"));
  row(p, "instructions", hd_key_word(m, "cpu"));
  number_row(p, "threads", hd_key_real(m, "threads"));
  row(p, "Hadal", hd_key_word(m, "hadal"));
  hd_text_add(&p->html, "</tbody>\n</table></div>\n</div>\n</section>\n");
}
