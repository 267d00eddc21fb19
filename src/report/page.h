// The inside of the run page: what a run directory tells, and the page that grows.
#ifndef REPORT_PAGE_H
#define REPORT_PAGE_H

#include "figure.h"
#include "../recipe/recipe.h"

// metrics.jsonl as columns; NaN where a line lacks a value.
typedef struct hd_run_layer {
  const char *name;
  double *activation, *gradient, *weight;
} hd_run_layer;
typedef struct hd_run_log {
  int64_t epochs;
  double *epoch, *step, *seconds, *lr;
  double *loss, *accuracy, *valid_loss, *valid_accuracy;
  hd_run_layer *layer;
  int layers;
  int64_t best;  // index of the epoch with the least validation (else training) loss; -1
  bool has_valid, has_accuracy;
  const hd_doc *final;    // the last line of a run that came to its end
  const hd_doc *stopped;  // or of one that did not
} hd_run_log;

typedef struct hd_page {
  const hd_env *env;
  const hd_report_options *o;
  const char *run;
  hd_arena arena;
  hd_text html;
  hd_recipe *recipe;  // NULL: missing or unreadable
  const char *recipe_text;
  const hd_doc *manifest;  // NULL: missing
  hd_run_log log;
  int figures;
  hd_error error;  // the first
} hd_page;

void hd_run_read(hd_page *p);  // fills recipe, recipe_text, manifest, log

// The parts of the page.
void hd_page_training(hd_page *p);
void hd_page_test(hd_page *p);
void hd_page_filters(hd_page *p);
void hd_page_model(hd_page *p);
void hd_page_run(hd_page *p);

// Escaped for text and attributes; bad UTF-8 becomes U+FFFD. NULL is nothing.
void hd_html(hd_text *to, const char *text);
void hd_base64(hd_text *to, const void *bytes, size_t count);
// Adds <figure> with the title above and a note below (may be NULL), and frees f.
void hd_page_figure(hd_page *p, hd_figure *f, const char *title, const char *note);
void hd_page_failed(hd_page *p, hd_status status, const char *text);  // the first one stays

// "61,706"; "1.2 MB"; "41.2 s", "3 min 7 s". to: char[32].
const char *hd_count_text(int64_t n, char *to);
const char *hd_bytes_text(double bytes, char *to);
const char *hd_seconds_text(double seconds, char *to);
double hd_key_real(const hd_doc *map, const char *key);       // NaN: not there
const char *hd_key_word(const hd_doc *map, const char *key);  // NULL

#endif
