// Drawing a figure with axes: the frame, ticks, marks and legend.
#include "figure.h"

#include <math.h>

#define SMALL 11.0  // size of the words

static hd_words words(int color, hd_align align) {
  return (hd_words){.size = SMALL, .ink = hd_ink_of(color, 1), .align = align};
}

// ---- The ranges of the data ---------------------------------------------------------------------

typedef struct range {
  double low, high;
} range;

static void see(range *r, double v, bool log) {
  if (!isfinite(v) || (log && v <= 0)) return;
  r->low = fmin(r->low, v), r->high = fmax(r->high, v);
}

static const hd_mark *of_kind(const hd_figure *f, hd_mark_kind kind) {
  for (const hd_mark *m = f->first; m; m = m->next)
    if (m->kind == kind) return m;
  return NULL;
}

static bool points(const hd_mark *m) {
  return m->kind == HD_MARK_LINE || m->kind == HD_MARK_SCATTER;
}

static void ranges(const hd_figure *f, range *x, range *y) {
  *x = *y = (range){INFINITY, -INFINITY};
  for (const hd_mark *m = f->first; m; m = m->next) {
    for (int64_t i = 0; i < m->count && points(m); i++) {
      bool shown = isfinite(m->y[i]) && !(f->o.log_y && m->y[i] <= 0);
      if (shown) see(x, m->x[i], f->o.log_x), see(y, m->y[i], f->o.log_y);
    }
    if (m->kind == HD_MARK_RULE) see(x, m->x[0], f->o.log_x);
    if (m->kind != HD_MARK_BARS && m->kind != HD_MARK_STEPS) continue;
    for (int64_t i = 0; i < m->count; i++) see(y, m->y[i], f->o.log_y);
    if (!f->o.log_y && m->count) see(y, 0, false);
    for (int64_t i = 0; i <= m->count && m->kind == HD_MARK_STEPS && m->count; i++)
      see(x, m->x[i], f->o.log_x);
    if (m->kind == HD_MARK_BARS && m->count)
      see(x, -0.5, false), see(x, (double)m->count - 0.5, false);
  }
  if (f->o.y_from_zero && !f->o.log_y && y->low <= y->high) see(y, 0, false);
}

// *given: by the options, not from the data.
static hd_axis axis_of(range r, double low, double high, bool log, bool *given) {
  hd_axis a = {.low = r.low, .high = r.high, .log = log};
  *given = low < high && !(log && low <= 0);
  if (*given) a.low = low, a.high = high;
  else if (!(r.low <= r.high)) a.low = log ? 0.1 : 0, a.high = 1;
  else if (r.low == r.high && log) a.low /= 2, a.high *= 2;
  else if (r.high - r.low <= 1e-12 * fmax(fabs(r.low), fabs(r.high))) {
    double half = r.low == 0 ? 1 : fabs(r.low) / 2;
    a.low -= half, a.high += half;
  }
  return a;
}

// ---- The frame ----------------------------------------------------------------------------------

static double legend_step(hd_canvas *c, const char *name) {
  return 22 + hd_canvas_width(c, name, words(HD_INK, HD_LEFT)) + 16;
}

static int legend_rows(const hd_figure *f, hd_canvas *c, double left, double right) {
  int rows = 0;
  double x = right;
  for (const hd_mark *m = f->first; m; m = m->next) {
    if (!m->name || m->kind == HD_MARK_RULE) continue;
    double step = legend_step(c, m->name);
    if (rows == 0 || x + step > right + 16) rows++, x = left;
    x += step;
  }
  return rows;
}

typedef struct layout {
  hd_ticks x, y;
} layout;

// The width of the longest name under the bars if they must stand upright, else 0.
static double turned_names(const hd_mark *m, hd_canvas *c, double room) {
  double widest = 0;
  for (int64_t i = 0; m->names && i < m->count; i++)
    widest = fmax(widest, hd_canvas_width(c, m->names[i], words(HD_MUTED, HD_CENTRE)));
  return widest + 6 > room / (double)m->count ? widest : 0;
}

static void lay_out(const hd_figure *f, hd_canvas *c, hd_frame *to, layout *l) {
  range x, y;
  bool x_given, y_given, bars = of_kind(f, HD_MARK_BARS) != NULL;
  ranges(f, &x, &y);
  *to = (hd_frame){.width = f->o.width > 0 ? f->o.width : 560,
                   .height = f->o.height > 0 ? f->o.height : 320};
  to->x = axis_of(x, f->o.x_min, f->o.x_max, f->o.log_x, &x_given);
  to->y = axis_of(y, f->o.y_min, f->o.y_max, f->o.log_y, &y_given);
  bool steps = of_kind(f, HD_MARK_STEPS) != NULL;
  double room = to->height - 60;
  hd_axis_ticks(&to->y, (int)(room / 38), !y_given, &l->y);
  double widest = 0;
  for (int i = 0; i < l->y.count; i++)
    widest = fmax(widest, hd_canvas_width(c, l->y.text[i], words(HD_MUTED, HD_RIGHT)));
  to->left = 12 + widest + (f->o.y ? 18 : 0);
  to->right = to->width - 14;
  hd_axis_ticks(&to->x, (int)((to->right - to->left) / 62),
                !x_given && !bars && !steps && to->x.log, &l->x);
  if (bars) l->x.count = 0;
  to->top = 10 + (f->o.title ? 22 : 0) + 18 * legend_rows(f, c, to->left, to->right);
  if (of_kind(f, HD_MARK_RULE)) to->top += 14;
  else if (legend_rows(f, c, to->left, to->right)) to->top += 4;
  double tall = bars ? turned_names(of_kind(f, HD_MARK_BARS), c, to->right - to->left) : 0;
  to->bottom = to->height - (f->o.x ? 42 : 26) - fmin(fmax(tall - 12, 0), to->height / 3);
  // Marks at the ends of the data keep off the frame.
  double off = x_given || to->x.log || bars || steps ? 0 : 6;
  to->x.from = to->left + off, to->x.to = to->right - off;
  to->y.from = to->bottom, to->y.to = to->top;
}

void hd_frame_of(const hd_figure *f, hd_canvas *c, hd_frame *to) {
  layout l;
  lay_out(f, c, to, &l);
}

static void line(hd_canvas *c, double x0, double y0, double x1, double y1, double width,
                 double dash, hd_ink ink) {
  double xy[] = {x0, y0, x1, y1};
  hd_canvas_line(c, xy, 2, width, dash, ink);
}

static double sharp(double v) { return floor(v) + 0.5; }

static void draw_grid(const hd_figure *f, hd_canvas *c, const hd_frame *r, const layout *l) {
  for (int i = 0; i < l->y.count; i++) {
    double y = hd_axis_at(&r->y, l->y.at[i]);
    if (!of_kind(f, HD_MARK_REGIONS))
      line(c, r->left, sharp(y), r->right, sharp(y), 1, 0, hd_ink_of(HD_GRID, 1));
    hd_canvas_text(c, r->left - 7, y + 4, l->y.text[i], words(HD_MUTED, HD_RIGHT));
  }
  for (int i = 0; i < l->x.count; i++) {
    double x = hd_axis_at(&r->x, l->x.at[i]);
    line(c, sharp(x), r->bottom, sharp(x), r->bottom + 4, 1, 0, hd_ink_of(HD_MUTED, 1));
    hd_canvas_text(c, x, r->bottom + 17, l->x.text[i], words(HD_MUTED, HD_CENTRE));
  }
  hd_words name = words(HD_MUTED, HD_CENTRE);
  if (f->o.x) hd_canvas_text(c, (r->left + r->right) / 2, r->height - 8, f->o.x, name);
  name.upwards = true;
  if (f->o.y) hd_canvas_text(c, 14, (r->top + r->bottom) / 2, f->o.y, name);
}

static void draw_base(hd_canvas *c, const hd_frame *r) {
  line(c, r->left, sharp(r->bottom), r->right, sharp(r->bottom), 1, 0, hd_ink_of(HD_MUTED, 1));
}

static void draw_legend(const hd_figure *f, hd_canvas *c, const hd_frame *r) {
  double x = r->left, y = 10 + (f->o.title ? 22 : 0) + 10;
  for (const hd_mark *m = f->first; m; m = m->next) {
    if (!m->name || m->kind == HD_MARK_RULE) continue;
    double step = legend_step(c, m->name);
    if (x > r->left && x + step > r->right + 16) x = r->left, y += 18;
    if (m->kind == HD_MARK_LINE)
      line(c, x, y - 4, x + 16, y - 4, 2, m->o.dashed ? 4 : 0, hd_ink_of(m->color, 1));
    else if (m->kind == HD_MARK_SCATTER)
      hd_canvas_disc(c, x + 8, y - 4, 3.5, hd_ink_of(m->color, 1));
    else hd_canvas_rectangle(c, x + 2, y - 9, 12, 10, hd_ink_of(m->color, 0.85));
    hd_canvas_text(c, x + 22, y, m->name, words(HD_INK, HD_LEFT));
    x += step;
  }
}

// ---- Marks --------------------------------------------------------------------------------------

enum { PIECE = 512 };

// In pieces, each beginning where the last one ended.
static void draw_line(hd_canvas *c, const hd_mark *m, const hd_frame *r) {
  double xy[2 * PIECE], width = m->o.width > 0 ? m->o.width : 1.75;
  int used = 0;
  for (int64_t i = 0; i < m->count; i++) {
    xy[2 * used] = hd_axis_at(&r->x, m->x[i]);
    xy[2 * used + 1] = hd_axis_at(&r->y, m->y[i]);
    if (++used < PIECE && i + 1 < m->count) continue;
    hd_canvas_line(c, xy, used, width, m->o.dashed ? 4 : 0, hd_ink_of(m->color, 1));
    xy[0] = xy[2 * used - 2], xy[1] = xy[2 * used - 1];
    used = 1;
  }
}

static void draw_dots(hd_canvas *c, const hd_mark *m, const hd_frame *r, double size,
                      double alpha) {
  for (int64_t i = 0; i < m->count; i++) {
    double x = hd_axis_at(&r->x, m->x[i]), y = hd_axis_at(&r->y, m->y[i]);
    if (isfinite(x) && isfinite(y)) hd_canvas_disc(c, x, y, size / 2, hd_ink_of(m->color, alpha));
  }
}

// Bars of one figure stand side by side.
static void draw_bars(const hd_figure *f, hd_canvas *c, const hd_mark *m, const hd_frame *r) {
  int all = 0, mine = 0;
  for (const hd_mark *k = f->first; k; k = k->next) {
    if (k == m) mine = all;
    all += k->kind == HD_MARK_BARS;
  }
  bool narrow = turned_names(m, c, r->x.to - r->x.from) > 0;
  double zero = hd_axis_at(&r->y, r->y.log ? r->y.low : fmax(fmin(0, r->y.high), r->y.low));
  for (int64_t i = 0; i < m->count; i++) {
    double wide = 0.8 / all, left = (double)i - 0.4 + wide * mine;
    double x0 = hd_axis_at(&r->x, left), x1 = hd_axis_at(&r->x, left + wide);
    double y = hd_axis_at(&r->y, m->y[i]), centre = hd_axis_at(&r->x, (double)i);
    if (isfinite(y))
      hd_canvas_rectangle(c, x0, fmin(y, zero), x1 - x0, fabs(y - zero), hd_ink_of(m->color, 0.85));
    if (mine == 0 && m->names && x1 - x0 > 4) {
      hd_words w = words(HD_MUTED, narrow ? HD_RIGHT : HD_CENTRE);
      w.upwards = narrow;
      hd_canvas_text(c, centre + (narrow ? 4 : 0), r->bottom + (narrow ? 6 : 17), m->names[i], w);
    }
  }
}

static void draw_steps(hd_canvas *c, const hd_mark *m, const hd_frame *r) {
  for (int64_t i = 0; i < m->count; i++) {
    double x0 = hd_axis_at(&r->x, m->x[i]), x1 = hd_axis_at(&r->x, m->x[i + 1]);
    double y = hd_axis_at(&r->y, m->y[i]);
    if (isfinite(y) && isfinite(x0) && isfinite(x1) && m->y[i] > 0)
      hd_canvas_rectangle(c, x0 + 0.5, y, x1 - x0 - 1, r->bottom - y, hd_ink_of(m->color, 0.75));
  }
}

static void draw_rule(hd_canvas *c, const hd_mark *m, const hd_frame *r) {
  double x = hd_axis_at(&r->x, m->x[0]);
  if (!isfinite(x)) return;
  line(c, sharp(x), r->top, sharp(x), r->bottom, 1, 3, hd_ink_of(HD_MUTED, 1));
  if (!m->name) return;
  double half = hd_canvas_width(c, m->name, words(HD_INK, HD_CENTRE)) / 2;
  double at = fmax(r->left + half, fmin(x, r->right - half));
  hd_canvas_text(c, at, r->top - 5, m->name, words(HD_MUTED, HD_CENTRE));
}

static bool empty(const hd_figure *f) {
  range x, y;
  ranges(f, &x, &y);
  return !(y.low <= y.high);
}

void hd_draw_axes(const hd_figure *f, hd_canvas *c, hd_frame *r) {
  layout l;
  lay_out(f, c, r, &l);
  if (empty(f)) {
    hd_canvas_text(c, r->width / 2, r->height / 2, "no data", words(HD_MUTED, HD_CENTRE));
    return;
  }
  for (const hd_mark *m = f->first; m; m = m->next)
    if (m->kind == HD_MARK_REGIONS && m->rgb)
      hd_canvas_pixels(c, m->rgb, (int)m->columns, (int)m->rows, r->left, r->top,
                       r->right - r->left, r->bottom - r->top);
  draw_grid(f, c, r, &l);
  for (const hd_mark *m = f->first; m; m = m->next)
    if (m->kind == HD_MARK_RULE) draw_rule(c, m, r);
  hd_canvas_clip(c, r->left - 3, r->top - 3, r->right - r->left + 6, r->bottom - r->top + 6);
  for (const hd_mark *m = f->first; m; m = m->next) {
    if (m->kind == HD_MARK_STEPS) draw_steps(c, m, r);
    if (m->kind == HD_MARK_LINE) draw_line(c, m, r);
    if (m->kind == HD_MARK_LINE && m->o.dots) draw_dots(c, m, r, 5, 1);
    if (m->kind == HD_MARK_SCATTER)
      draw_dots(c, m, r, m->o.width > 0 ? m->o.width : 5, m->count > 200 ? 0.5 : 0.85);
  }
  hd_canvas_unclip(c);
  for (const hd_mark *m = f->first; m; m = m->next)
    if (m->kind == HD_MARK_BARS) draw_bars(f, c, m, r);
  draw_base(c, r);
  draw_legend(f, c, r);
}
