// Figures to SVG and PNG: files, blocks of memory, and SVG that lies within a page.
#include "figure.h"

#include <math.h>

#include "../base/file.h"

// What stands alone in a figure: a heat map, a sheet or a table.
static const hd_mark *alone(const hd_figure *f) {
  const hd_mark *m = f->first;
  return m && m->kind >= HD_MARK_HEAT ? m : NULL;
}

// The size of the whole figure; contents that stand alone say what they need.
static void measure(const hd_figure *f, hd_canvas *c, hd_frame *r) {
  const hd_mark *m = alone(f);
  double w = 0, h = 0, above = (f->o.title ? 26 : 0) + (m && f->o.x ? 18 : 0);
  double left = m && f->o.y ? 18 : 0;
  if (!m) {
    hd_frame_of(f, c, r);
    return;
  }
  *r = (hd_frame){.width = f->o.width > 0 ? f->o.width : 560, .top = above, .left = left};
  if (m->kind == HD_MARK_HEAT) hd_heat_size(c, m, &w, &h);
  if (m->kind == HD_MARK_SHEET) hd_sheet_size(m, r->width, &w, &h);
  if (m->kind == HD_MARK_TABLE) hd_table_size(c, m, &w, &h);
  r->width = fmax(ceil(w + left), 40);
  r->height = fmax(ceil(h + above), 40);
}

static void draw(const hd_figure *f, hd_canvas *c, hd_frame *r, bool paper) {
  const hd_mark *m = alone(f);
  hd_words title = {.size = 13, .ink = hd_ink_of(HD_INK, 1), .align = HD_LEFT, .bold = true};
  hd_words name = {.size = 11, .ink = hd_ink_of(HD_MUTED, 1), .align = HD_CENTRE};
  if (paper) hd_canvas_rectangle(c, 0, 0, r->width, r->height, hd_ink_of(HD_PAPER, 1));
  if (f->o.title) hd_canvas_text(c, 10, 18, f->o.title, title);
  if (!m) {
    hd_draw_axes(f, c, r);
    return;
  }
  if (f->o.x) hd_canvas_text(c, r->width / 2, r->top - 5, f->o.x, name);
  name.upwards = true;
  if (f->o.y) hd_canvas_text(c, 12, (r->top + r->height) / 2, f->o.y, name);
  if (m->kind == HD_MARK_HEAT) hd_draw_heat(f, c, m, r);
  if (m->kind == HD_MARK_SHEET) hd_draw_sheet(c, m, r->top, r->width);
  if (m->kind == HD_MARK_TABLE) hd_draw_table(c, m, r->top);
}

static hd_status render(hd_figure *f, bool svg, double scale, bool paper, hd_text *to, hd_frame *r,
                        hd_error *err) {
  if (!f) return hd_fail(err, HD_E_ARGUMENT, "figure: none");
  if (f->error.status) return hd_fail(err, f->error.status, "%s", f->error.text);
  hd_error why = {0};
  hd_canvas *c = hd_canvas_open(&f->arena.env, true, 100, 100, 1, &why);  // to measure words by
  if (!c) return hd_fail(err, why.status, "%s", why.text);
  measure(f, c, r);
  hd_status status = hd_canvas_close(c, NULL, err);
  if (status) return status;
  c = hd_canvas_open(&f->arena.env, svg, r->width, r->height, scale, &why);
  if (!c) return hd_fail(err, why.status, "%s", why.text);
  draw(f, c, r, paper);
  return hd_canvas_close(c, to, err);
}

static hd_status give(hd_figure *f, bool svg, double scale, hd_error *err) {
  hd_frame r;
  if (!f) return hd_fail(err, HD_E_ARGUMENT, "figure: none");
  hd_text_free(&f->drawn);
  f->drawn.env = f->arena.env;
  return render(f, svg, scale, true, &f->drawn, &r, err);
}

hd_status hd_figure_svg(hd_figure *f, const char **to, size_t *bytes, hd_error *err) {
  hd_status status = give(f, true, 1, err);
  *to = status ? NULL : f->drawn.at;
  if (bytes) *bytes = status ? 0 : f->drawn.size;
  return status;
}

hd_status hd_figure_png(hd_figure *f, double scale, const void **to, size_t *bytes, hd_error *err) {
  hd_status status = give(f, false, scale, err);
  *to = status ? NULL : f->drawn.at;
  if (bytes) *bytes = status ? 0 : f->drawn.size;
  return status;
}

hd_status hd_figure_save(hd_figure *f, const char *path, hd_error *err) {
  size_t length = strlen(path);
  bool svg = length > 4 && !strcmp(path + length - 4, ".svg");
  if (!svg && !(length > 4 && !strcmp(path + length - 4, ".png")))
    return hd_fail(err, HD_E_ARGUMENT, "%s: a picture's name ends in .svg or .png", path);
  hd_status status = give(f, svg, 2, err);
  if (status) return hd_fail_in(err, status, "%s", path);
  return hd_file_write(&f->arena.env, path, f->drawn.at, f->drawn.size, err);
}

// ---- Within a page ------------------------------------------------------------------------------

// "rgb(0%,44.705882%,69.803922%)" or with spaces; the length of it, 0 if it is not one.
static size_t read_rgb(const char *at, const char *end, uint32_t *color) {
  const char *p = at + 4;
  *color = 0;
  for (int k = 0; k < 3; k++) {
    while (p < end && *p == ' ') p++;
    const char *stop = p;
    while (stop < end && ((*stop >= '0' && *stop <= '9') || *stop == '.')) stop++;
    double v;
    if (stop == p || stop >= end || *stop != '%' || !hd_parse_real(p, stop, &v)) return 0;
    *color = *color << 8 | (uint32_t)(v * 2.55 + 0.5);
    p = stop + 1;
    if (p >= end || *p++ != (k < 2 ? ',' : ')')) return 0;
  }
  return (size_t)(p - at);
}

static void add_color(hd_text *to, uint32_t color) {
  for (int i = 0; i < HD_COLORS; i++)
    if (hd_palette[i].light == color) {
      hd_text_add(to, "var(--%s,#%06x)", hd_palette[i].name, color);
      return;
    }
  hd_text_add(to, "#%06x", color);
}

static bool starts(const char *at, const char *end, const char *with) {
  size_t n = strlen(with);
  return (size_t)(end - at) >= n && !memcmp(at, with, n);
}

// cairo numbers its ids from 0 in every file: a page needs them told apart. The few places where an
// id stands are id="X", href="#X" and url(#X).
static void rewrite(const char *at, const char *end, const char *id, hd_text *to) {
  const char *from = at;
  while (at < end) {
    uint32_t color;
    size_t length = 0, skip = 0;
    if (*at == 'r' && starts(at, end, "rgb(")) length = read_rgb(at, end, &color);
    else if (*at == ' ' && starts(at, end, " id=\"")) skip = 5;
    else if (*at == 'h' && starts(at, end, "href=\"#")) skip = 7;
    else if (*at == 'u' && starts(at, end, "url(#")) skip = 5;
    if (!length && !skip) {
      at++;
      continue;
    }
    hd_text_raw(to, from, (size_t)(at - from) + skip);
    if (length) add_color(to, color);
    else hd_text_add(to, "%s-", id);
    at += length + skip;
    from = at;
  }
  hd_text_raw(to, from, (size_t)(end - from));
}

hd_status hd_figure_inline(hd_figure *f, const char *id, const char *about, hd_text *to,
                           hd_error *err) {
  hd_frame r;
  hd_text text = {.env = to->env};
  hd_status status = render(f, true, 1, false, &text, &r, err);
  if (!status) {
    const char *svg = strstr(text.at, "<svg"), *end = text.at + text.size;
    const char *body = svg ? strchr(svg, '>') : NULL;
    if (!body) status = hd_fail(err, HD_E_INTERNAL, "picture: cairo wrote no <svg>");
    else {
      hd_text_add(to,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" "
                  "xmlns:xlink=\"http://www.w3.org/1999/xlink\" viewBox=\"0 0 %g %g\" "
                  "style=\"max-width:%gpx\" role=\"img\" aria-label=\"%s\">",
                  r.width, r.height, r.width, about);
      rewrite(body + 1, end, id, to);
      if (to->failed) status = hd_fail(err, HD_E_MEMORY, "picture: memory is out");
    }
  }
  hd_text_free(&text);
  return status;
}
