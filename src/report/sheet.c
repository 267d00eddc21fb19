// Contact sheets and tables.
#include "figure.h"

#include <math.h>

static const double small = 11, gap = 10, caption = 15;

static hd_words words(int color, hd_align align) {
  return (hd_words){.size = small, .ink = hd_ink_of(color, 1), .align = align};
}

// ---- Contact sheets -----------------------------------------------------------------------------

typedef struct grid {
  double w, h, step_x, step_y;  // of an image; from one to the next
  int64_t columns, rows;
} grid;

static grid grid_of(const hd_mark *m, double width) {
  grid g = {0};
  double size = m->sheet.size > 0 ? m->sheet.size : 72;
  double times = size / (double)HD_MAX(HD_MAX(m->rows, m->columns), 1);
  if (times > 1) times = floor(times);  // whole pixels
  g.w = times * (double)m->columns, g.h = times * (double)m->rows;
  g.step_x = fmax(g.w, m->names ? size : 0) + gap, g.step_y = g.h + gap + (m->names ? caption : 0);
  int64_t fit = (int64_t)HD_MAX(1, (width - gap) / g.step_x);
  g.columns = m->sheet.columns > 0 ? m->sheet.columns : fit;
  g.columns = HD_MAX(1, HD_MIN(g.columns, HD_MAX(m->count, 1)));
  g.rows = (m->count + g.columns - 1) / g.columns;
  return g;
}

void hd_sheet_size(const hd_mark *m, double width, double *w, double *h) {
  grid g = grid_of(m, width);
  *w = gap + g.step_x * (double)g.columns;
  *h = gap + g.step_y * (double)HD_MAX(g.rows, 1);
}

void hd_draw_sheet(hd_canvas *c, const hd_mark *m, double top, double width) {
  grid g = grid_of(m, width);
  for (int64_t i = 0; i < m->count; i++) {
    double x = gap + g.step_x * (double)(i % g.columns);
    double y = top + gap + g.step_y * (double)(i / g.columns);
    hd_canvas_pixels(c, m->rgb + 3 * i * m->rows * m->columns, (int)m->columns, (int)m->rows, x, y,
                     g.w, g.h);
    double edge[] = {x - 0.5,       y - 0.5, x + g.w + 0.5, y - 0.5, x + g.w + 0.5,
                     y + g.h + 0.5, x - 0.5, y + g.h + 0.5, x - 0.5, y - 0.5};
    hd_canvas_line(c, edge, 5, 1, 0, hd_ink_of(HD_GRID, 1));
    if (m->names)
      hd_canvas_text(c, x + g.w / 2, y + g.h + 12, m->names[i], words(HD_INK, HD_CENTRE));
  }
}

// ---- Tables -------------------------------------------------------------------------------------

static const double row_height = 22, column_gap = 24;

static bool number(const char *text) {
  double v;
  char plain[64];
  int used = 0;
  for (const char *p = text; *p && used < 60; p++)
    if (*p != ',' && *p != '%' && *p != ' ') plain[used++] = *p;
  return used == 0 || hd_parse_real(plain, plain + used, &v);
}

static double column_width(hd_canvas *c, const hd_mark *m, int64_t column, bool *numbers) {
  double most = 0;
  *numbers = m->rows > 1;
  for (int64_t i = 0; i < m->rows; i++) {
    hd_words w = words(HD_INK, HD_LEFT);
    w.bold = i == 0;
    const char *text = m->names[i * m->columns + column];
    most = fmax(most, hd_canvas_width(c, text, w));
    if (i > 0) *numbers &= number(text);
  }
  return most;
}

void hd_table_size(hd_canvas *c, const hd_mark *m, double *w, double *h) {
  bool numbers;
  *w = gap;
  for (int64_t k = 0; k < m->columns; k++) *w += column_width(c, m, k, &numbers) + column_gap;
  *h = 2 * gap + row_height * (double)m->rows;
}

void hd_draw_table(hd_canvas *c, const hd_mark *m, double top) {
  double x = gap, w, h;
  hd_table_size(c, m, &w, &h);
  for (int64_t k = 0; k < m->columns; k++) {
    bool numbers;
    double wide = column_width(c, m, k, &numbers);
    for (int64_t i = 0; i < m->rows; i++) {
      hd_words look = words(i ? HD_INK : HD_MUTED, numbers ? HD_RIGHT : HD_LEFT);
      look.bold = i == 0;
      hd_canvas_text(c, numbers ? x + wide : x, top + gap + row_height * (double)i + 15,
                     m->names[i * m->columns + k], look);
    }
    x += wide + column_gap;
  }
  for (int64_t i = 1; i < m->rows; i++) {
    double y = floor(top + gap + row_height * (double)i) + 0.5, xy[] = {gap, y, w - gap, y};
    hd_canvas_line(c, xy, 2, 1, 0, hd_ink_of(HD_GRID, 1));
  }
}
