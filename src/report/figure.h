// The inside of a figure: its marks, and the rectangle that data is mapped to.
#ifndef REPORT_FIGURE_H
#define REPORT_FIGURE_H

#include "../../include/hadal/report.h"
#include "../base/arena.h"
#include "../extra/canvas.h"

typedef enum hd_mark_kind {
  HD_MARK_LINE,
  HD_MARK_SCATTER,
  HD_MARK_BARS,   // y: values, names
  HD_MARK_STEPS,  // histogram: x: edges (count + 1), y: heights
  HD_MARK_RULE,
  HD_MARK_REGIONS,  // rgb: rows x columns
  HD_MARK_HEAT,
  HD_MARK_SHEET,
  HD_MARK_TABLE
} hd_mark_kind;

typedef struct hd_mark {
  hd_mark_kind kind;
  int64_t count, rows, columns;
  double *x, *y;
  const char **names, **column_names;
  const char *name;
  int color;  // of the palette
  hd_mark_options o;
  hd_heat_options heat;
  hd_sheet_options sheet;
  unsigned char *rgb;  // of a sheet's images, one after the other
  struct hd_mark *next;
} hd_mark;

struct hd_figure {
  hd_arena arena;
  hd_figure_options o;
  hd_mark *first, *last;
  int colors;     // given so far
  hd_text drawn;  // last
  hd_error error;
};

// A range of data on the page, linear or logarithmic.
typedef struct hd_axis {
  double low, high, from, to;  // [low, high] lies at [from, to]
  bool log;
} hd_axis;
double hd_axis_at(const hd_axis *a, double value);  // NaN where it cannot be shown
enum { HD_TICKS = 24 };
typedef struct hd_ticks {
  double at[HD_TICKS];
  char text[HD_TICKS][24];
  int count;
} hd_ticks;
// Steps of 1, 2 or 5 times a power of ten, at most `most` of them (2 to 12); decades when
// logarithmic. Widens the axis to whole steps if `round`.
void hd_axis_ticks(hd_axis *a, int most, bool round, hd_ticks *to);

// The palette. Figures on the run page follow its colours, light or dark.
enum { HD_INK, HD_MUTED, HD_GRID, HD_PAPER, HD_FIRST_COLOR, HD_COLORS = HD_FIRST_COLOR + 7 };
typedef struct hd_palette_color {
  const char *name;  // of the CSS variable
  uint32_t light, dark;
} hd_palette_color;
extern const hd_palette_color hd_palette[HD_COLORS];
static inline hd_ink hd_ink_of(int color, double alpha) {
  return (hd_ink){hd_palette[color].light, alpha};
}

// Where the axes of a figure lie once it is drawn.
typedef struct hd_frame {
  double width, height;  // of the whole
  double left, top, right, bottom;
  hd_axis x, y;
} hd_frame;
void hd_frame_of(const hd_figure *f, hd_canvas *c, hd_frame *to);

// The parts of drawing: c is open, in the size of the frame.
void hd_draw_axes(const hd_figure *f, hd_canvas *c, hd_frame *frame);
void hd_draw_heat(const hd_figure *f, hd_canvas *c, const hd_mark *m, const hd_frame *frame);
void hd_draw_sheet(hd_canvas *c, const hd_mark *m, double top, double width);
void hd_draw_table(hd_canvas *c, const hd_mark *m, double top);
void hd_sheet_size(const hd_mark *m, double width, double *w, double *h);
void hd_table_size(hd_canvas *c, const hd_mark *m, double *w, double *h);
void hd_heat_size(hd_canvas *c, const hd_mark *m, double *w, double *h);

// SVG for a page: no prolog, ids that begin with `id`, palette colours as variables.
hd_status hd_figure_inline(hd_figure *f, const char *id, const char *about, hd_text *to,
                           hd_error *err);

#endif
