// The canvas, by cairo: SVG and PNG written to memory.
#include "canvas.h"

#ifndef HD_WITH_CAIRO

hd_canvas *hd_canvas_open(const hd_env *env, bool svg, double width, double height, double scale,
                          hd_error *err) {
  (void)env, (void)svg, (void)width, (void)height, (void)scale;
  hd_fail(err, HD_E_UNSUPPORTED,
          "pictures: this build has no cairo: install libcairo2-dev and build again");
  return NULL;
}
hd_status hd_canvas_close(hd_canvas *c, hd_text *to, hd_error *err) {
  (void)c, (void)to;
  return hd_fail(err, HD_E_UNSUPPORTED, "pictures: this build has no cairo");
}
void hd_canvas_line(hd_canvas *c, const double *xy, int64_t count, double width, double dash,
                    hd_ink ink) {
  (void)c, (void)xy, (void)count, (void)width, (void)dash, (void)ink;
}
void hd_canvas_shape(hd_canvas *c, const double *xy, int64_t count, hd_ink ink) {
  (void)c, (void)xy, (void)count, (void)ink;
}
void hd_canvas_rectangle(hd_canvas *c, double x, double y, double w, double h, hd_ink ink) {
  (void)c, (void)x, (void)y, (void)w, (void)h, (void)ink;
}
void hd_canvas_disc(hd_canvas *c, double x, double y, double radius, hd_ink ink) {
  (void)c, (void)x, (void)y, (void)radius, (void)ink;
}
void hd_canvas_ring(hd_canvas *c, double x, double y, double radius, double width, hd_ink ink) {
  (void)c, (void)x, (void)y, (void)radius, (void)width, (void)ink;
}
void hd_canvas_clip(hd_canvas *c, double x, double y, double w, double h) {
  (void)c, (void)x, (void)y, (void)w, (void)h;
}
void hd_canvas_unclip(hd_canvas *c) { (void)c; }
void hd_canvas_text(hd_canvas *c, double x, double y, const char *text, hd_words words) {
  (void)c, (void)x, (void)y, (void)text, (void)words;
}
double hd_canvas_width(hd_canvas *c, const char *text, hd_words words) {
  (void)c, (void)words;
  return 6 * (double)strlen(text);
}
void hd_canvas_pixels(hd_canvas *c, const unsigned char *rgb, int columns, int rows, double x,
                      double y, double w, double h) {
  (void)c, (void)rgb, (void)columns, (void)rows, (void)x, (void)y, (void)w, (void)h;
}

#else

#include <cairo-svg.h>
#include <math.h>

enum { MOST_PIXELS = 32767 };  // a side of cairo's images

struct hd_canvas {
  hd_env env;
  cairo_surface_t *surface;
  cairo_t *cairo;
  bool svg;
  hd_text bytes;
};

static cairo_status_t take(void *user, const unsigned char *bytes, unsigned count) {
  hd_text *to = user;
  hd_text_raw(to, (const char *)bytes, count);
  return to->failed ? CAIRO_STATUS_NO_MEMORY : CAIRO_STATUS_SUCCESS;
}

static void release(hd_canvas *c) {
  cairo_destroy(c->cairo);
  cairo_surface_destroy(c->surface);
  hd_text_free(&c->bytes);
  hd_release(&c->env, c);
}

hd_canvas *hd_canvas_open(const hd_env *env, bool svg, double width, double height, double scale,
                          hd_error *err) {
  if (!(width >= 1 && height >= 1 && scale > 0 && width * scale <= MOST_PIXELS &&
        height * scale <= MOST_PIXELS)) {
    hd_fail(err, HD_E_ARGUMENT, "picture: %g x %g at scale %g; a side is 1 to %d pixels", width,
            height, scale, MOST_PIXELS);
    return NULL;
  }
  hd_canvas *c = hd_alloc(env, sizeof *c);
  if (!c) return hd_fail(err, HD_E_MEMORY, "picture: memory is out"), NULL;
  c->env = env ? *env : (hd_env){0};
  c->bytes.env = c->env;
  c->svg = svg;
  if (svg) {
    c->surface = cairo_svg_surface_create_for_stream(take, &c->bytes, width, height);
    cairo_svg_surface_set_document_unit(c->surface, CAIRO_SVG_UNIT_PX);
  } else {
    c->surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, (int)ceil(width * scale),
                                            (int)ceil(height * scale));
  }
  c->cairo = cairo_create(c->surface);
  if (cairo_status(c->cairo)) {
    hd_fail(err, HD_E_MEMORY, "picture: %s", cairo_status_to_string(cairo_status(c->cairo)));
    release(c);
    return NULL;
  }
  if (!svg) cairo_scale(c->cairo, scale, scale);
  cairo_set_line_join(c->cairo, CAIRO_LINE_JOIN_ROUND);
  return c;
}

hd_status hd_canvas_close(hd_canvas *c, hd_text *to, hd_error *err) {
  hd_status status = HD_OK;
  cairo_status_t code = cairo_status(c->cairo);
  if (!code && c->svg) cairo_surface_finish(c->surface);
  else if (!code && to) code = cairo_surface_write_to_png_stream(c->surface, take, &c->bytes);
  if (!code && c->svg) code = cairo_surface_status(c->surface);
  if (c->bytes.failed || code == CAIRO_STATUS_NO_MEMORY)
    status = hd_fail(err, HD_E_MEMORY, "picture: memory is out");
  else if (code) status = hd_fail(err, HD_E_INTERNAL, "picture: %s", cairo_status_to_string(code));
  if (!status && to) {
    hd_text_raw(to, c->bytes.at, c->bytes.size);
    if (to->failed) status = hd_fail(err, HD_E_MEMORY, "picture: memory is out");
  }
  release(c);
  return status;
}

// ---- Lines and shapes ---------------------------------------------------------------------------

static void use(hd_canvas *c, hd_ink ink) {
  cairo_set_source_rgba(c->cairo, (ink.color >> 16 & 255) / 255.0, (ink.color >> 8 & 255) / 255.0,
                        (ink.color & 255) / 255.0, ink.alpha);
}

static bool shown(const double *xy, int64_t count, int64_t i) {
  return i >= 0 && i < count && isfinite(xy[2 * i]) && isfinite(xy[2 * i + 1]);
}

void hd_canvas_line(hd_canvas *c, const double *xy, int64_t count, double width, double dash,
                    hd_ink ink) {
  bool drawn = false;
  for (int64_t i = 0; i < count; i++) {
    bool before = shown(xy, count, i - 1), after = shown(xy, count, i + 1);
    if (!shown(xy, count, i)) continue;
    if (before) cairo_line_to(c->cairo, xy[2 * i], xy[2 * i + 1]), drawn = true;
    else if (after) cairo_move_to(c->cairo, xy[2 * i], xy[2 * i + 1]);
  }
  use(c, ink);
  cairo_set_line_width(c->cairo, width);
  cairo_set_dash(c->cairo, &dash, dash > 0, 0);
  if (drawn) cairo_stroke(c->cairo);
  for (int64_t i = 0; i < count; i++)
    if (shown(xy, count, i) && !shown(xy, count, i - 1) && !shown(xy, count, i + 1))
      hd_canvas_disc(c, xy[2 * i], xy[2 * i + 1], 1.2 * width, ink);
}

void hd_canvas_shape(hd_canvas *c, const double *xy, int64_t count, hd_ink ink) {
  for (int64_t i = 0; i < count; i++) cairo_line_to(c->cairo, xy[2 * i], xy[2 * i + 1]);
  use(c, ink);
  cairo_fill(c->cairo);
}

void hd_canvas_rectangle(hd_canvas *c, double x, double y, double w, double h, hd_ink ink) {
  cairo_rectangle(c->cairo, x, y, w, h);
  use(c, ink);
  cairo_fill(c->cairo);
}

void hd_canvas_disc(hd_canvas *c, double x, double y, double radius, hd_ink ink) {
  cairo_new_sub_path(c->cairo);
  cairo_arc(c->cairo, x, y, radius, 0, 6.283185307179586);
  use(c, ink);
  cairo_fill(c->cairo);
}

void hd_canvas_ring(hd_canvas *c, double x, double y, double radius, double width, hd_ink ink) {
  cairo_new_sub_path(c->cairo);
  cairo_arc(c->cairo, x, y, radius, 0, 6.283185307179586);
  use(c, ink);
  cairo_set_line_width(c->cairo, width);
  cairo_set_dash(c->cairo, NULL, 0, 0);
  cairo_stroke(c->cairo);
}

void hd_canvas_clip(hd_canvas *c, double x, double y, double w, double h) {
  cairo_save(c->cairo);
  cairo_rectangle(c->cairo, x, y, w, h);
  cairo_clip(c->cairo);
}

void hd_canvas_unclip(hd_canvas *c) { cairo_restore(c->cairo); }

// ---- Words --------------------------------------------------------------------------------------

enum { WORDS = 512 };

// cairo refuses what is not UTF-8.
static const char *clean(const char *text, char *to) {
  const char *end = text + strlen(text);
  int used = 0;
  while (text < end && used < WORDS - 8) {
    int length = hd_utf8_length(text, end);
    if (length == 0) memcpy(to + used, "\xEF\xBF\xBD", 3), used += 3, text++;
    else if ((unsigned char)*text < 0x20) text++;
    else memcpy(to + used, text, (size_t)length), used += length, text += length;
  }
  to[used] = 0;
  return to;
}

static void choose(hd_canvas *c, hd_words words) {
  // fontconfig knows what stands for Helvetica here: Liberation Sans, Nimbus Sans or DejaVu Sans.
  cairo_select_font_face(c->cairo, "Helvetica", CAIRO_FONT_SLANT_NORMAL,
                         words.bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(c->cairo, words.size);
}

static double width_of(hd_canvas *c, const char *text) {
  cairo_text_extents_t e;
  cairo_text_extents(c->cairo, text, &e);
  return e.x_advance;
}

double hd_canvas_width(hd_canvas *c, const char *text, hd_words words) {
  char plain[WORDS];
  choose(c, words);
  return width_of(c, clean(text, plain));
}

void hd_canvas_text(hd_canvas *c, double x, double y, const char *text, hd_words words) {
  char plain[WORDS];
  choose(c, words);
  clean(text, plain);
  if (!*plain) return;
  double back = width_of(c, plain) * (1 + words.align) / 2;
  cairo_save(c->cairo);
  cairo_translate(c->cairo, x, y);
  if (words.upwards) cairo_rotate(c->cairo, -1.5707963267948966);
  cairo_move_to(c->cairo, -back, 0);
  use(c, words.ink);
  cairo_show_text(c->cairo, plain);
  cairo_restore(c->cairo);
}

// ---- Pixels -------------------------------------------------------------------------------------

// Viewers of SVG smooth what they enlarge, so that each pixel is made a block of pixels first.
void hd_canvas_pixels(hd_canvas *c, const unsigned char *rgb, int columns, int rows, double x,
                      double y, double w, double h) {
  if (columns < 1 || rows < 1) return;
  int times = c->svg ? (int)HD_MAX(1, HD_MIN(2 * w / columns, 512.0 / HD_MAX(columns, rows))) : 1;
  cairo_surface_t *s =
      cairo_image_surface_create(CAIRO_FORMAT_RGB24, columns * times, rows * times);
  unsigned char *to = cairo_image_surface_get_data(s);
  int stride = cairo_image_surface_get_stride(s);
  if (cairo_surface_status(s) || !to) {
    cairo_surface_destroy(s);
    return;
  }
  cairo_surface_flush(s);
  for (int i = 0; i < rows * times; i++)
    for (int j = 0; j < columns * times; j++) {
      const unsigned char *p = rgb + 3 * ((size_t)(i / times) * (size_t)columns + j / times);
      uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
      memcpy(to + (size_t)i * (size_t)stride + 4 * (size_t)j, &v, 4);
    }
  cairo_surface_mark_dirty(s);
  cairo_save(c->cairo);
  cairo_translate(c->cairo, x, y);
  cairo_scale(c->cairo, w / (columns * times), h / (rows * times));
  cairo_set_source_surface(c->cairo, s, 0, 0);
  cairo_pattern_set_filter(cairo_get_source(c->cairo), CAIRO_FILTER_NEAREST);
  cairo_rectangle(c->cairo, 0, 0, columns * times, rows * times);
  cairo_fill(c->cairo);
  cairo_restore(c->cairo);
  cairo_surface_destroy(s);
}

#endif
