// Heat maps: a coloured cell for each value, with the value in it where there is room.
#include "figure.h"

#include <math.h>

static const double small = 11;

static const char *name_of(const char *const *names, int64_t i, char *to) {
  if (names) return names[i];
  hd_print(to, 24, "%lld", (long long)i);
  return to;
}

static hd_words words(int color, hd_align align, double size) {
  return (hd_words){.size = size, .ink = hd_ink_of(color, 1), .align = align};
}

static double widest(hd_canvas *c, const char *const *names, int64_t count) {
  double most = 0;
  char text[24];
  for (int64_t i = 0; i < count; i++)
    most = fmax(most, hd_canvas_width(c, name_of(names, i, text), words(HD_MUTED, HD_LEFT, small)));
  return fmin(most, 140);
}

// Cells are squares as long as there are few; the side of one.
static double side_of(const hd_mark *m) {
  int64_t most = HD_MAX(m->rows, m->columns);
  return most <= 12 ? 40 : most <= 24 ? 26 : fmax(2, 560.0 / (double)most);
}

typedef struct place {
  double left, top, cell, row;  // row: height of one
  bool names, upright;
} place;

static place place_of(hd_canvas *c, const hd_mark *m) {
  place p = {.cell = side_of(m)};
  p.row = fmax(p.cell, m->rows <= 40 ? 16 : 0);
  if (m->heat.confusion) p.row = p.cell;
  p.names = p.row >= 11;
  double above = widest(c, m->column_names, m->columns);
  p.upright = above > p.cell - 4;
  p.left = p.names ? 12 + widest(c, m->names, m->rows) : 8;
  p.top = p.cell < 11 ? 8 : p.upright ? 12 + above : 22;
  return p;
}

void hd_heat_size(hd_canvas *c, const hd_mark *m, double *w, double *h) {
  place p = place_of(c, m);
  *w = p.left + p.cell * (double)m->columns + 8;
  *h = p.top + p.row * (double)m->rows + 8;
}

// How strong the colour of a value is, 0 to 1.
static double strength(const hd_mark *m, int64_t row, double v, double low, double high) {
  if (!isfinite(v)) return 0;
  if (m->heat.confusion) {
    double sum = 0;
    for (int64_t k = 0; k < m->columns; k++) sum += m->y[row * m->columns + k];
    return sum > 0 ? sqrt(fmax(v, 0) / sum) : 0;
  }
  if (m->heat.signs) return fmin(1, fabs(v) / fmax(fmax(fabs(low), fabs(high)), 1e-300));
  if (m->heat.log) return v > 0 && high > low ? log(v / low) / log(high / low) : 0;
  return high > low ? (v - low) / (high - low) : 0.5;
}

static void extremes(const hd_mark *m, double *low, double *high) {
  *low = INFINITY, *high = -INFINITY;
  for (int64_t i = 0; i < m->count; i++)
    if (isfinite(m->y[i]) && !(m->heat.log && m->y[i] <= 0))
      *low = fmin(*low, m->y[i]), *high = fmax(*high, m->y[i]);
}

static const char *value_text(double v, char *to) {
  if (v == floor(v) && fabs(v) < 1e6) hd_print(to, 24, "%.0f", v);
  else hd_print(to, 24, "%.2g", v);
  return to;
}

static void draw_names(const hd_figure *f, hd_canvas *c, const hd_mark *m, const place *p) {
  char text[24];
  for (int64_t i = 0; i < m->rows && p->names; i++)
    hd_canvas_text(c, p->left - 6, p->top + p->row * ((double)i + 0.5) + 4,
                   name_of((const char *const *)m->names, i, text),
                   words(HD_MUTED, HD_RIGHT, small));
  hd_words w = words(HD_MUTED, p->upright ? HD_LEFT : HD_CENTRE, small);
  w.upwards = p->upright;
  for (int64_t j = 0; j < m->columns && p->cell >= 11; j++)
    hd_canvas_text(c, p->left + p->cell * ((double)j + 0.5) + (p->upright ? 4 : 0), p->top - 6,
                   name_of((const char *const *)m->column_names, j, text), w);
  (void)f;
}

void hd_draw_heat(const hd_figure *f, hd_canvas *c, const hd_mark *m, const hd_frame *frame) {
  place p = place_of(c, m);
  double low, high, gap = p.cell >= 11 ? 1 : 0;
  char text[24];
  p.top += frame->top, p.left += frame->left;
  extremes(m, &low, &high);
  draw_names(f, c, m, &p);
  for (int64_t i = 0; i < m->rows; i++)
    for (int64_t j = 0; j < m->columns; j++) {
      double v = m->y[i * m->columns + j], a = strength(m, i, v, low, high);
      double x = p.left + p.cell * (double)j, y = p.top + p.row * (double)i;
      bool other = m->heat.confusion ? i != j : m->heat.signs && v < 0;
      hd_canvas_rectangle(c, x, y, p.cell - gap, p.row - gap, hd_ink_of(HD_GRID, 0.45));
      if (a > 0)
        hd_canvas_rectangle(c, x, y, p.cell - gap, p.row - gap,
                            hd_ink_of(HD_FIRST_COLOR + other, fmin(a, 1)));
      if (m->heat.no_values || p.cell < 22 || !isfinite(v) || (m->heat.confusion && v == 0))
        continue;
      double size = p.cell >= 36 ? small : 9;
      hd_canvas_text(c, x + (p.cell - gap) / 2, y + p.row / 2 + size / 3, value_text(v, text),
                     words(a > 0.62 ? HD_PAPER : HD_INK, HD_CENTRE, size));
    }
}
