// The page of a sweep: sweep.html, with its table and the measure against every key.
#include "../../include/hadal/report.h"
#include "sweep.h"

#include <math.h>

#include "../base/file.h"
#include "../report/page.h"

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<style>\n"
    "body{max-width:1120px;margin:40px auto;padding:0 24px;background:#f6f7f8;color:#1b2127;"
    "font:15px/1.5 system-ui,-apple-system,\"Segoe UI\",Helvetica,Arial,sans-serif}\n"
    "h1{font-size:30px;margin:0 0 8px}h2{font-size:19px;margin:44px 0 14px}p{color:#5b6670}\n"
    ".row{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));"
    "gap:18px}\nimg,.card{background:#fff;border:1px solid #dfe4e8;border-radius:10px;"
    "padding:16px 18px;overflow-x:auto}img{width:100%;box-sizing:border-box}\n"
    "table{border-collapse:collapse;font-size:13.5px;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:5px 0 5px 24px;text-align:right;border-bottom:1px solid #dfe4e8}"
    "th{color:#5b6670;font-weight:500}tr:nth-child(2) td{font-weight:650}\n"
    "</style>\n<title>";

// The value of a key as a number; NaN: it is a word, a list or a map.
static double number_of(const cli_sweeping *w, int trial, int key) {
  hd_text text = {.env = w->t.p.data};
  double v = NAN;
  hd_sweep_value(w->s, trial, key, &text);
  if (text.failed || !text.at || !hd_parse_real(text.at, text.at + text.size, &v)) v = NAN;
  hd_text_free(&text);
  return v;
}

static double measured(const cli_sweeping *w, const cli_ranked *r) {
  if (isinf(r->worse)) return NAN;
  return w->s->measure == HD_SWEEP_ACCURACY ? -r->worse : r->worse;
}

// A dot for each trial; one colour for each rung.
static hd_figure *scatter(cli_sweeping *w, const cli_ranked *rank, int count, int key,
                          const double *x, bool log_x, const char *measure) {
  hd_figure *f =
      hd_figure_new(&w->t.p.data, .x = w->s->key[key].path, .y = measure, .log_x = log_x);
  double *at = hd_arena_alloc(&w->arena, sizeof *at * 2 * (size_t)count);
  if (!at) return hd_figure_free(f), NULL;
  double *y = at + count;
  bool halving = w->s->method == HD_SWEEP_HALVING;
  for (int rung = 1; f && rung <= CLI_RUNGS; rung++) {
    char name[24];
    int64_t n = 0;
    for (int i = 0; i < count; i++)
      if (rank[i].rung == rung) at[n] = x[i], y[n++] = measured(w, &rank[i]);
    snprintf(name, sizeof name, "rung %d", rung);
    if (n) hd_figure_scatter(f, at, y, n, .name = halving ? name : NULL);
  }
  return f;
}

// The best measure of each word.
static hd_figure *bars(cli_sweeping *w, const cli_ranked *rank, int count, int key,
                       const char *const *cells, int columns, const char *measure) {
  enum { MOST = 24 };
  const char *word[MOST];
  double best[MOST];
  int words = 0;
  for (int i = 0; i < count; i++) {  // the best comes first
    const char *cell = cells[(i + 1) * columns + columns - w->s->keys + key];
    int k = 0;
    while (k < words && strcmp(word[k], cell)) k++;
    if (k == words && words < MOST && !isinf(rank[i].worse))
      word[words] = cell, best[words++] = measured(w, &rank[i]);
  }
  hd_figure *f = hd_figure_new(&w->t.p.data, .x = w->s->key[key].path, .y = measure);
  if (f && words) hd_figure_bars(f, word, best, words);
  return f;
}

static hd_figure *figure(cli_sweeping *w, const cli_ranked *rank, int count, int key,
                         const char *const *cells, int columns) {
  const char *measure = w->s->measure == HD_SWEEP_ACCURACY ? "valid.accuracy" : "valid.loss";
  double *x = hd_arena_alloc(&w->arena, sizeof *x * (size_t)count), low = INFINITY, high = 0;
  bool numbers = x;
  for (int i = 0; i < count && numbers; i++) {
    x[i] = number_of(w, rank[i].trial, key);
    numbers = !isnan(x[i]);
    low = fmin(low, x[i]), high = fmax(high, x[i]);
  }
  bool log_x = low > 0 && high >= 10 * low;
  return numbers ? scatter(w, rank, count, key, x, log_x, measure)
                 : bars(w, rank, count, key, cells, columns, measure);
}

static hd_status add_figures(cli_sweeping *w, hd_text *to, const cli_ranked *rank, int count,
                             const char *const *cells, int columns, hd_error *err) {
  hd_status status = HD_OK;
  hd_text_add(to, "<div class=\"row\">\n");
  for (int key = 0; key < w->s->keys && !status; key++) {
    const char *svg;
    size_t bytes;
    if (w->s->key[key].values && w->s->key[key].values->count < 2) continue;  // nothing varies
    hd_figure *f = figure(w, rank, count, key, cells, columns);
    status = f ? hd_figure_svg(f, &svg, &bytes, err) : hd_fail(err, HD_E_MEMORY, "memory is out");
    if (!status) {
      hd_text_add(to, "<img alt=\"");
      hd_html(to, w->s->key[key].path);
      hd_text_add(to, "\" src=\"data:image/svg+xml;base64,");
      hd_base64(to, svg, bytes);
      hd_text_add(to, "\"/>\n");
    }
    hd_figure_free(f);
  }
  hd_text_add(to, "</div>\n");
  return status == HD_E_UNSUPPORTED ? HD_OK : status;  // this build draws no pictures
}

// Trials with a page of their own are linked to it.
static void add_trial(cli_sweeping *w, hd_text *to, int trial, const char *cell) {
  char path[CLI_PATH], page[CLI_PATH + 16];
  cli_sweep_trial_dir(w, trial, path);
  snprintf(page, sizeof page, "%s/report.html", path);
  bool linked = hd_file_exists(&w->t.p.data, page);
  if (linked) hd_text_add(to, "<a href=\"%s\">", page + strlen(w->run.dir) + 1);
  hd_html(to, cell);
  if (linked) hd_text_add(to, "</a>");
}

static void add_table(cli_sweeping *w, hd_text *to, const cli_ranked *rank,
                      const char *const *cells, int rows, int columns) {
  hd_text_add(to, "<h2>Trials</h2>\n<div class=\"card\"><table>\n");
  for (int row = 0; row < rows; row++) {
    hd_text_add(to, "<tr>");
    for (int i = 0; i < columns; i++) {
      hd_text_add(to, row ? "<td>" : "<th>");
      if (row && !i) add_trial(w, to, rank[row - 1].trial, cells[row * columns]);
      else hd_html(to, cells[row * columns + i]);
      hd_text_add(to, row ? "</td>" : "</th>");
    }
    hd_text_add(to, "</tr>\n");
  }
  hd_text_add(to, "</table></div>\n");
}

hd_status cli_sweep_page(cli_sweeping *w, const cli_ranked *rank, int count, hd_error *err) {
  char path[CLI_PATH];
  int columns;
  const char **cells = cli_sweep_cells(w, rank, count, &columns);
  hd_text t = {.env = w->t.p.data};
  if (!cells) return hd_fail(err, HD_E_MEMORY, "memory is out");
  hd_text_raw(&t, head, sizeof head - 1);
  hd_html(&t, w->s->name);
  hd_text_add(&t, "</title></head><body>\n<h1>");
  hd_html(&t, w->s->name);
  hd_text_add(&t, "</h1>\n<p>%d trials of ", count);
  hd_html(&t, w->base->name);
  hd_text_add(&t,
              ", the best first, chosen by the validation %s of the epoch with the least "
              "validation loss.</p>\n",
              w->s->measure == HD_SWEEP_ACCURACY ? "accuracy" : "loss");
  hd_status status = add_figures(w, &t, rank, count, cells, columns, err);
  add_table(w, &t, rank, cells, count + 1, columns);
  hd_text_add(&t, "</body></html>\n");
  cli_run_path(&w->run, "sweep.html", path);
  if (!status)
    status = t.failed ? hd_fail(err, HD_E_MEMORY, "%s: memory is out", path)
                      : hd_file_write(&w->t.p.data, path, t.at, t.size, err);
  hd_text_free(&t);
  return status;
}
