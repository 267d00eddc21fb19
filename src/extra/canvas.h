// A sheet to draw on: lines, shapes, words and pixels, as SVG or PNG. One backend: cairo.
#ifndef EXTRA_CANVAS_H
#define EXTRA_CANVAS_H

#include "../../include/hadal/base.h"
#include "../base/json.h"

// Coordinates are CSS pixels from the top left. The first failure sticks, and hd_canvas_close
// reports it; drawing after it does nothing.
typedef struct hd_canvas hd_canvas;

typedef struct hd_ink {
  uint32_t color;  // 0xRRGGBB
  double alpha;    // 0 to 1
} hd_ink;

typedef enum hd_align { HD_LEFT = -1, HD_CENTRE = 0, HD_RIGHT = 1 } hd_align;
typedef struct hd_words {
  double size;  // of the font
  hd_ink ink;
  hd_align align;
  bool bold;
  bool upwards;  // turned to the left, read from below
} hd_words;

// scale: of a PNG, pixels per unit. HD_E_UNSUPPORTED in a build without cairo.
hd_canvas *hd_canvas_open(const hd_env *env, bool svg, double width, double height, double scale,
                          hd_error *err);
// Appends the finished picture to `to` (NULL: throws it away) and frees the canvas, in any case.
HD_NODISCARD hd_status hd_canvas_close(hd_canvas *c, hd_text *to, hd_error *err);

// Through `count` points x, y, x, y ...; NaN is a gap, and a lone point between gaps a dot. dash:
// length of dashes and gaps, 0: none.
void hd_canvas_line(hd_canvas *c, const double *xy, int64_t count, double width, double dash,
                    hd_ink ink);
void hd_canvas_shape(hd_canvas *c, const double *xy, int64_t count, hd_ink ink);  // filled
void hd_canvas_rectangle(hd_canvas *c, double x, double y, double w, double h, hd_ink ink);
void hd_canvas_disc(hd_canvas *c, double x, double y, double radius, hd_ink ink);
void hd_canvas_ring(hd_canvas *c, double x, double y, double radius, double width, hd_ink ink);
void hd_canvas_clip(hd_canvas *c, double x, double y, double w, double h);
void hd_canvas_unclip(hd_canvas *c);
// At the baseline. Bad UTF-8 shows as U+FFFD, control characters as nothing; at most 500 bytes.
void hd_canvas_text(hd_canvas *c, double x, double y, const char *text, hd_words words);
double hd_canvas_width(hd_canvas *c, const char *text, hd_words words);
// rows x columns pixels of three bytes, each a sharp rectangle of the picture at x, y, w, h.
void hd_canvas_pixels(hd_canvas *c, const unsigned char *rgb, int columns, int rows, double x,
                      double y, double w, double h);

#endif
