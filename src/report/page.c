// The run page: report.html, one file without scripts. Written as well-formed XML, so that any
// parser of either can check it.
#include "page.h"

#include <math.h>

static const char style[] =
    ":root{color-scheme:light dark;--bg:#f6f7f8;--wash:#eef1f4;--bad:#b42318;--good:#1a7f4e;\n"
    "%s}\n"
    "@media (prefers-color-scheme:dark){:root{--bg:#0e1114;--wash:#1d2329;--bad:#f2857a;"
    "--good:#57c28c;\n%s}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--bg);color:var(--ink);"
    "font:15px/1.5 system-ui,-apple-system,\"Segoe UI\",Helvetica,Arial,sans-serif}\n"
    "main{max-width:1120px;margin:0 auto;padding:40px 24px 56px}\n"
    "h1{font-size:30px;line-height:1.15;margin:0;font-weight:650;letter-spacing:-.015em}\n"
    "h2{font-size:19px;margin:44px 0 14px;font-weight:620;letter-spacing:-.005em}\n"
    "h3{font-size:14px;margin:0 0 10px;font-weight:620}\n"
    "p{margin:0 0 12px;max-width:72ch}.sub{color:var(--muted);margin:8px 0 26px}\n"
    ".pill{display:inline-block;border-radius:99px;padding:1px 10px;font-size:13px;font-weight:600;"
    "margin-right:10px;color:var(--good);border:1px solid "
    "currentColor}.pill.bad{color:var(--bad)}\n"
    ".facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(155px,1fr));gap:1px;"
    "background:var(--paper);border:1px solid var(--grid);border-radius:10px;overflow:hidden;"
    "margin:0}\n"
    ".facts div{box-shadow:0 0 0 1px var(--grid);padding:14px 14px}.facts dt{color:var(--muted);"
    "font-size:12.5px}\n"
    ".facts dd{margin:2px 0 "
    "0;font-size:20px;white-space:nowrap;font-weight:620;font-variant-numeric:tabular-nums;"
    "letter-spacing:-.01em}.facts dd small{font-size:13px;color:var(--muted);font-weight:400;"
    "letter-spacing:0}\n"
    ".row{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%%,440px),1fr));"
    "gap:18px}\n"
    "figure,.card{margin:0;background:var(--paper);border:1px solid var(--grid);border-radius:10px;"
    "padding:16px 18px;overflow-x:auto;min-width:0}\n"
    ".row+*,section>.card+*{margin-top:18px}.stack{display:grid;gap:18px;align-content:start;"
    "min-width:0}\n"
    "figure svg{display:block;width:100%%;height:auto;margin:0}\n"
    "figure p,.card p{color:var(--muted);font-size:13px;margin:8px 0 0}\n"
    "figure h3+p{margin:-6px 0 10px}\n"
    "table{border-collapse:collapse;width:100%%;font-size:13.5px;"
    "font-variant-numeric:tabular-nums}\n"
    "th{text-align:left;color:var(--muted);font-weight:500;font-size:12.5px}\n"
    "th,td{padding:5px 14px 5px 0;border-bottom:1px solid var(--grid);vertical-align:top}\n"
    "tr:last-child td{border-bottom:0}.n{text-align:right;padding-right:0;padding-left:14px}\n"
    "tfoot td{font-weight:620;border-top:1px solid var(--muted)}\n"
    ".sheet{list-style:none;margin:0;padding:0;display:grid;gap:16px 12px;"
    "grid-template-columns:repeat(auto-fill,minmax(96px,1fr))}\n"
    ".sheet li{font-size:12px;line-height:1.35}.sheet img{display:block;width:100%%;"
    "image-rendering:pixelated;border-radius:4px;margin-bottom:5px;background:#000}\n"
    "em{font-style:normal;color:var(--vermilion)}small{color:var(--muted)}\n"
    "pre{margin:0;font:12.5px/1.55 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;"
    "white-space:pre-wrap;overflow-wrap:anywhere}\n"
    ".note{background:var(--wash);border-radius:10px;padding:12px 16px;margin:18px 0 0;"
    "max-width:none}\n"
    "footer{color:var(--muted);font-size:13px;margin-top:44px}\n"
    "@media print{body{background:#fff}h2{break-after:avoid}figure,.card{break-inside:avoid}}\n";

void hd_page_failed(hd_page *p, hd_status status, const char *text) {
  if (!p->error.status) hd_fail(&p->error, status, "%s", text);
}

void hd_page_figure(hd_page *p, hd_figure *f, const char *title, const char *note) {
  char id[24];
  hd_error err = {0};
  hd_print(id, sizeof id, "f%d", ++p->figures);
  hd_text_add(&p->html, "<figure><h3>");
  hd_html(&p->html, title);
  hd_text_add(&p->html, "</h3>\n");
  hd_text about = {.env = p->html.env};
  hd_html(&about, title);
  if (!f || about.failed) hd_page_failed(p, HD_E_MEMORY, "memory is out");
  else if (hd_figure_inline(f, id, about.at, &p->html, &err))
    hd_page_failed(p, err.status, err.text);
  hd_text_free(&about);
  if (note) {
    hd_text_add(&p->html, "\n<p>");
    hd_html(&p->html, note);
    hd_text_add(&p->html, "</p>");
  }
  hd_text_add(&p->html, "</figure>\n");
  hd_figure_free(f);
}

// ---- The head -----------------------------------------------------------------------------------

static void variables(hd_page *p, hd_text *light, hd_text *dark) {
  *light = *dark = (hd_text){.env = p->html.env};
  for (int i = 0; i < HD_COLORS; i++) {
    hd_text_add(light, "--%s:#%06x;", hd_palette[i].name, hd_palette[i].light);
    hd_text_add(dark, "--%s:#%06x;", hd_palette[i].name, hd_palette[i].dark);
  }
  if (light->failed || dark->failed) hd_page_failed(p, HD_E_MEMORY, "memory is out");
}

static const char *name_of(const hd_page *p) {
  const char *name = hd_key_word(p->manifest, "recipe");
  return name ? name : p->recipe ? p->recipe->name : p->run;
}

static void fact(hd_page *p, const char *name, const char *value, const char *more) {
  hd_text_add(&p->html, "<div><dt>");
  hd_html(&p->html, name);
  hd_text_add(&p->html, "</dt><dd>");
  hd_html(&p->html, value);
  if (more) hd_text_add(&p->html, " <small>");
  hd_html(&p->html, more);
  hd_text_add(&p->html, more ? "</small></dd></div>\n" : "</dd></div>\n");
}

static void metric_facts(hd_page *p) {
  const hd_doc *test = p->log.final ? hd_doc_get(p->log.final, "test") : NULL;
  double accuracy = hd_key_real(test, "accuracy"), loss = hd_key_real(test, "loss");
  const hd_doc *data = p->manifest ? hd_doc_get(p->manifest, "data") : NULL;
  const hd_doc *folds = p->log.final ? hd_doc_get(p->log.final, "folds") : NULL;
  bool tested = hd_key_real(data, "test") > 0;
  char a[32], b[32], c[48];
  const char *on = folds ? "Cross-valid." : tested ? "Test" : "Training";
  if (isfinite(accuracy)) {
    hd_print(a, sizeof a, "%.2f %%", 100 * accuracy);
    hd_print(c, sizeof c, "%s accuracy", on);
    fact(p, c, a, NULL);
  }
  if (isfinite(loss)) {
    hd_print(a, sizeof a, "%.4g", loss);
    hd_print(c, sizeof c, "%s loss", on);
    fact(p, c, a, NULL);
  }
  if (p->log.best >= 0 && p->log.has_valid) {
    hd_print(a, sizeof a, "epoch %.0f", p->log.epoch[p->log.best]);
    hd_print(b, sizeof b, "of %lld", (long long)p->log.epochs);
    fact(p, "Best by validation", a, b);
  }
}

static void cost_facts(hd_page *p) {
  char a[32];
  const hd_model *m = p->o->model;
  double parameters = 0, adds = 0, seconds = hd_key_real(p->log.final, "seconds"), sum = 0;
  for (int i = 0; m && m->recipe && i < m->recipe->layers; i++) {
    hd_layer_cost c;
    hd_layer_measure(m->graph, m->recipe->inside->layer[i].first, m->recipe->inside->layer[i].last,
                     &c);
    parameters += (double)c.parameters, adds += c.multiply_adds;
  }
  if (parameters > 0) fact(p, "Parameters", hd_count_text((int64_t)parameters, a), NULL);
  if (adds > 0) fact(p, "Multiply-adds", hd_count_text((int64_t)adds, a), NULL);
  for (int64_t i = 0; i < p->log.epochs; i++)
    if (isfinite(p->log.seconds[i])) sum += p->log.seconds[i];
  if (!isfinite(seconds) && p->log.epochs) seconds = sum;
  if (isfinite(seconds)) fact(p, "Training time", hd_seconds_text(seconds, a), NULL);
  double bytes = hd_key_real(p->log.final, "peak_bytes_used");
  if (isfinite(bytes)) fact(p, "Peak memory", hd_bytes_text(bytes, a), NULL);
}

static void head(hd_page *p) {
  hd_text light, dark;
  const char *stopped = hd_key_word(p->log.stopped, "stopped");
  const char *why = hd_key_word(p->log.stopped, "message");
  const char *started = hd_key_word(p->manifest, "started");
  int planned = p->recipe ? p->recipe->train.epochs : 0;
  bool early = p->log.final && p->log.epochs && p->log.epochs < planned;
  variables(p, &light, &dark);
  hd_text_add(&p->html,
              "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n"
              "<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" "
              "content=\"width=device-width,initial-scale=1\"/>\n<title>");
  hd_html(&p->html, name_of(p));
  hd_text_add(&p->html, ": training run</title>\n<style>\n");
  hd_text_add(&p->html, style, light.at ? light.at : "", dark.at ? dark.at : "");
  hd_text_add(&p->html, "</style>\n</head>\n<body>\n<main>\n<header>\n<h1>");
  hd_html(&p->html, name_of(p));
  hd_text_add(&p->html, "</h1>\n<p class=\"sub\"><span class=\"pill%s\">", stopped ? " bad" : "");
  hd_html(&p->html, stopped        ? stopped
                    : early        ? "stopped early"
                    : p->log.final ? "finished"
                                   : "not finished");
  hd_text_add(&p->html, "</span>");
  hd_html(&p->html, p->run);
  if (started) hd_text_add(&p->html, " &#183; ");
  char when[32] = "";
  if (started && strlen(started) >= 16)
    hd_print(when, sizeof when, "%.10s %.5s UTC", started, started + 11);
  hd_html(&p->html, when);
  hd_text_add(&p->html, "</p>\n");
  if (why) hd_text_add(&p->html, "<p class=\"note\" style=\"margin:0 0 18px\">");
  hd_html(&p->html, why);
  hd_text_add(&p->html, why ? "</p>\n<dl class=\"facts\">\n" : "<dl class=\"facts\">\n");
  metric_facts(p);
  cost_facts(p);
  hd_text_add(&p->html, "</dl>\n</header>\n");
  hd_text_free(&light);
  hd_text_free(&dark);
}

static void foot(hd_page *p) {
  if (p->o->about) {
    hd_text_add(&p->html, "<p class=\"note\">");
    hd_html(&p->html, p->o->about);
    hd_text_add(&p->html, "</p>\n");
  }
  hd_text_add(&p->html,
              "<footer>Made by Hadal %s. This page needs no other file.</footer>\n"
              "</main>\n</body>\n</html>\n",
              hd_version());
}

hd_status(hd_report)(const hd_env *env, const char *run, hd_error *err, hd_report_options o) {
  char path[4200];
  hd_env own = env ? *env : (hd_env){0};
  hd_page p = {.env = &own, .o = &o, .run = run, .arena = {.env = own}, .html = {.env = own}};
  hd_run_read(&p);
  head(&p);
  hd_page_training(&p);
  hd_page_test(&p);
  hd_page_filters(&p);
  hd_page_model(&p);
  hd_page_run(&p);
  foot(&p);
  if (p.html.failed) hd_page_failed(&p, HD_E_MEMORY, "memory is out");
  hd_status status = p.error.status;
  hd_print(path, sizeof path, "%s/report.html", run);
  if (status) hd_fail(err, status, "%s: %s", path, p.error.text);
  else status = hd_file_write(&own, path, p.html.at, p.html.size, err);
  hd_text_free(&p.html);
  hd_recipe_free(p.recipe);
  hd_arena_free(&p.arena);
  return status;
}
