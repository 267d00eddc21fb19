// Figures: points where they belong, gaps, single points, nothing at all; names of any kind; SVG
// that lies within a page; clean errors when memory is out.
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "figure.h"
#include "../../test/faults.h"
#include "../../test/temp.h"

static bool no_cairo(void) {
  hd_error err = {0};
  hd_canvas *c = hd_canvas_open(NULL, true, 10, 10, 1, &err);
  if (c) assert_int_equal(hd_canvas_close(c, NULL, &err), HD_OK);
  else assert_int_equal(err.status, HD_E_UNSUPPORTED);
  return !c;
}

static int setup(void **state) {
  (void)state;
  if (!no_cairo()) return 0;
  printf("skip: this build has no cairo (apt install libcairo2-dev)\n");
  exit(77);
}

static const char *svg_of(hd_figure *f) {
  hd_error err = {0};
  const char *svg;
  size_t bytes;
  if (hd_figure_svg(f, &svg, &bytes, &err)) print_error("%s\n", err.text);
  assert_non_null(svg);
  assert_int_equal(strlen(svg), bytes);
  assert_null(strstr(svg, "nan"));
  assert_null(strstr(svg, "inf"));
  return svg;
}

// The numbers of the n-th path that is stroked in blue: pairs, in *count; *moves: its pieces.
static int path(const char *svg, int n, double *to, int room, int *moves) {
  static const char blue[] = "stroke:rgb(0%,44.705882%,69.803922%)";
  const char *at = svg;
  for (; (at = strstr(at, "<path")); at++) {
    const char *end = strchr(at, '>'), *color = strstr(at, blue), *d = strstr(at, " d=\"");
    if (!color || color > end || !d || n-- > 0) continue;
    int count = 0;
    *moves = 0;
    for (d += 4; *d != '"';) {
      char *next;
      double v = strtod(d, &next);
      if (next == d) *moves += *d++ == 'M';
      else if (count < room) to[count++] = v, d = next;
    }
    return count;
  }
  return 0;
}

static hd_frame frame_of(const hd_figure *f) {
  hd_frame r;
  hd_canvas *c = hd_canvas_open(NULL, true, 100, 100, 1, NULL);
  hd_frame_of(f, c, &r);
  assert_int_equal(hd_canvas_close(c, NULL, NULL), HD_OK);
  return r;
}

static void points_lie_where_they_belong(void **state) {
  (void)state;
  const double x[] = {0, 2.5, 5, 10}, y[] = {0, 1, 0.5, 0.25};
  hd_figure *f = hd_figure_new(NULL, .width = 300, .height = 200, .x_max = 10, .y_max = 1);
  hd_figure_line(f, x, y, 4, .color = HD_COLOR_BLUE);
  hd_frame r = frame_of(f);
  assert_true(r.left > 0 && r.right < 300 && r.top >= 0 && r.bottom < 200 && r.left < 100);
  const char *svg = svg_of(f);
  double at[32];
  int moves, n = path(svg, 0, at, 32, &moves);
  assert_int_equal(n, 8);
  assert_int_equal(moves, 1);
  for (int i = 0; i < 4; i++) {
    assert_true(fabs(at[2 * i] - (r.left + (r.right - r.left) * x[i] / 10)) < 0.01);
    assert_true(fabs(at[2 * i + 1] - (r.bottom - (r.bottom - r.top) * y[i])) < 0.01);
  }
  hd_figure_free(f);
}

static void decades_are_even(void **state) {
  (void)state;
  const double y[] = {1, 10, 100, 0, -3, 1000};
  hd_figure *f = hd_figure_new(NULL, .log_y = true, .y_min = 1, .y_max = 1000);
  hd_figure_line(f, NULL, y, 6, .color = HD_COLOR_BLUE);
  hd_frame r = frame_of(f);
  const char *svg = svg_of(f);
  double at[32];
  int moves, n = path(svg, 0, at, 32, &moves);
  assert_int_equal(n, 6);  // what is not positive is a gap, the lone point behind it a dot
  for (int i = 0; i < 3; i++)
    assert_true(fabs(at[2 * i + 1] - (r.bottom - (r.bottom - r.top) * i / 3)) < 0.01);
  hd_figure_free(f);
}

static void values_that_are_not_finite_are_gaps(void **state) {
  (void)state;
  const double y[] = {1, 2, NAN, 3, 4, INFINITY, 5, NAN};
  hd_figure *f = hd_figure_new(NULL);
  hd_figure_line(f, NULL, y, 8, .color = HD_COLOR_BLUE);
  const char *svg = svg_of(f);
  double at[32];
  int moves;
  assert_int_equal(path(svg, 0, at, 32, &moves), 8);
  assert_int_equal(moves, 2);
  assert_non_null(strstr(svg, "fill:rgb(0%,44.705882%,69.803922%)"));  // 5, alone, is a dot
  hd_figure_free(f);
}

static void long_lines_stay_whole(void **state) {
  (void)state;
  enum { MANY = 1500 };
  static double y[MANY];
  for (int i = 0; i < MANY; i++) y[i] = i % 2;  // nothing that could be left out
  hd_figure *f = hd_figure_new(NULL);
  hd_figure_line(f, NULL, y, MANY, .color = HD_COLOR_BLUE);
  const char *svg = svg_of(f);
  static double at[4 * MANY];
  double last[2] = {0, 0};
  int moves, total = 0;
  for (int piece = 0, n; (n = path(svg, piece, at, 4 * MANY, &moves)); piece++) {
    assert_int_equal(moves, 1);
    if (piece) assert_true(fabs(at[0] - last[0]) < 1e-3 && fabs(at[1] - last[1]) < 1e-3);
    last[0] = at[n - 2], last[1] = at[n - 1];
    total += n / 2 - (piece > 0);
  }
  assert_int_equal(total, MANY);
  hd_figure_free(f);
}

static void little_or_nothing_can_be_drawn(void **state) {
  (void)state;
  const double one = 7, bad[] = {NAN, NAN};
  for (int kind = 0; kind < 12; kind++) {
    hd_figure *f = hd_figure_new(NULL, .x = "x", .y = "y", .title = "t", .log_y = kind & 1);
    if (kind / 2 == 1) hd_figure_line(f, NULL, NULL, 0, .name = "none");
    if (kind / 2 == 2) hd_figure_line(f, NULL, bad, 2);
    if (kind / 2 == 3) hd_figure_line(f, &one, &one, 1, .dots = true);
    if (kind / 2 == 4) hd_figure_histogram(f, bad, 2), hd_figure_histogram(f, &one, 1);
    if (kind / 2 == 5) hd_figure_heat(f, bad, 0, 0), hd_figure_rule(f, NAN, "x");
    svg_of(f);
    hd_figure_free(f);
  }
}

static void ticks_are_round(void **state) {
  (void)state;
  static const struct {
    double low, high;
    bool log;
    int count;
    const char *first, *last;
  } cases[] = {{0, 10, false, 6, "0", "10"},
               {0, 1, false, 6, "0", "1.0"},
               {-3, 3, false, 7, "-3", "3"},
               {0.001, 0.0015, false, 6, "0.0010", "0.0015"},
               {0, 60000, false, 7, "0", "60,000"},
               {5e5, 3e6, false, 6, "0.5M", "3M"},
               {1e-6, 5e-6, false, 5, "1e-6", "5e-6"},
               {0.01, 100, true, 5, "0.01", "100"},
               {1, 8, true, 3, "1", "5"},
               {1e-8, 1e8, true, 6, "1e-8", "10M"}};
  for (size_t i = 0; i < HD_COUNT(cases); i++) {
    hd_axis a = {.low = cases[i].low, .high = cases[i].high, .log = cases[i].log};
    hd_ticks t;
    hd_axis_ticks(&a, 6, false, &t);
    assert_int_equal(t.count, cases[i].count);
    assert_string_equal(t.text[0], cases[i].first);
    assert_string_equal(t.text[t.count - 1], cases[i].last);
  }
}

static void names_are_never_markup(void **state) {
  (void)state;
  static const char nasty[] = "</svg><script>\"'&\xff\xc3 \x01";
  const char *names[] = {nasty, "", NULL};
  const double v[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  hd_figure *f = hd_figure_new(NULL, .title = nasty, .x = nasty, .y = nasty);
  hd_figure_line(f, NULL, v, 3, .name = nasty);
  hd_figure_bars(f, names, v, 3, .name = nasty);
  hd_figure_rule(f, 1, nasty);
  const char *svg = svg_of(f);
  assert_null(strstr(svg, "script"));
  hd_figure_free(f);
  f = hd_figure_new(NULL);
  hd_figure_heat(f, v, 3, 3, .row_names = names, .column_names = names);
  svg = svg_of(f);
  assert_null(strstr(svg, "script"));
  hd_figure_free(f);
}

static void svg_fits_into_a_page(void **state) {
  (void)state;
  const double y[] = {1, 2, 3};
  hd_text text = {0};
  hd_error err = {0};
  for (int i = 0; i < 2; i++) {
    hd_figure *f = hd_figure_new(NULL, .x = "epoch");
    hd_figure_line(f, NULL, y, 3, .name = "train");
    assert_int_equal(hd_figure_inline(f, i ? "b" : "a", "loss", &text, &err), HD_OK);
    hd_figure_free(f);
  }
  assert_null(strstr(text.at, "<?xml"));
  assert_null(strstr(text.at, "rgb("));
  assert_non_null(strstr(text.at, "var(--blue,#0072b2)"));
  assert_null(strstr(text.at, " id=\"glyph"));
  assert_non_null(strstr(text.at, " id=\"a-glyph"));
  assert_non_null(strstr(text.at, "\"#b-glyph"));
  assert_null(strstr(text.at, "\"#glyph"));
  assert_null(strstr(text.at, "url(#clip"));
  hd_text_free(&text);
}

static void pictures_become_files(void **state) {
  (void)state;
  char path_text[TEMP_PATH], file[TEMP_PATH + 16];
  assert_non_null(mkdtemp(temp_template(path_text, "figure", "")));
  unsigned char pixels[2 * 4 * 4 * 3];
  for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (unsigned char)i;
  hd_tensor t = {.dtype = HD_U8, .shape = HD_SHAPE(2, 4, 4, 3), .data = pixels};
  const char *captions[] = {"one", "two"};
  hd_error err = {0};
  hd_figure *f = hd_figure_new(NULL);
  hd_figure_images(f, t, .captions = captions, .size = 40);
  for (int i = 0; i < 2; i++) {
    unsigned char head[24] = {0};
    snprintf(file, sizeof file, "%s/f.%s", path_text, i ? "png" : "svg");
    assert_int_equal(hd_figure_save(f, file, &err), HD_OK);
    FILE *in = fopen(file, "rb");
    assert_int_equal(fread(head, 1, sizeof head, in), sizeof head);
    fclose(in);
    assert_memory_equal(head, i ? "\x89PNG\r\n\x1a\n" : "<?xml", i ? 8 : 5);
    if (i) assert_int_equal(head[18] << 8 | head[19], 2 * (10 + 2 * 50));
    remove(file);
  }
  assert_int_equal(hd_figure_save(f, "picture.jpg", &err), HD_E_ARGUMENT);
  assert_int_equal(hd_figure_save(f, "/nowhere/at/all.png", &err), HD_E_NOT_FOUND);
  hd_figure_free(f);
  rmdir(path_text);
  f = hd_figure_new(NULL);
  t.shape = HD_SHAPE(2, 4, 12);
  hd_figure_images(f, t);
  assert_int_equal(hd_figure_save(f, "x.png", &err), HD_E_SHAPE);
  hd_figure_free(f);
}

static void heat_and_sheet_show_their_values(void **state) {
  (void)state;
  hd_figure *f = hd_figure_new(NULL);
  const float w[] = {-2, 0, 1, NAN};
  hd_tensor t = {.dtype = HD_F32, .shape = HD_SHAPE(1, 2, 2, 1), .data = (void *)(uintptr_t)w};
  hd_figure_images(f, t, .signs = true);
  const unsigned char *p = f->first->rgb;
  assert_memory_equal(p, "\xd5\x5e\x00", 3);      // the largest, negative
  assert_memory_equal(p + 3, "\xff\xff\xff", 3);  // zero
  assert_memory_equal(p + 6, "\x80\xb9\xd9", 3);  // half as large, positive
  hd_figure_free(f);
  const unsigned char u[] = {0, 16, 8, 4};
  t = (hd_tensor){.dtype = HD_U8, .shape = HD_SHAPE(1, 2, 2, 1), .data = (void *)(uintptr_t)u};
  f = hd_figure_new(NULL);
  hd_figure_images(f, t, .high = 16);
  assert_memory_equal(f->first->rgb, "\0\0\0\xff\xff\xff\x80\x80\x80\x40\x40\x40", 12);
  hd_figure_free(f);
  f = hd_figure_new(NULL);
  const double counts[] = {3, 1, 0, 4};
  hd_figure_heat(f, counts, 2, 2, .confusion = true);
  const char *svg = svg_of(f);
  assert_non_null(strstr(svg, "fill:rgb(83.529412%,36.862745%,0%);fill-opacity:0.5"));  // 1 of 4
  assert_non_null(strstr(svg, "fill:rgb(0%,44.705882%,69.803922%);fill-opacity:0.866025"));
  hd_figure_free(f);
}

static const char *draw_all(const hd_env *env, void *arg) {
  (void)arg;
  const double y[] = {1, 2, 3, 4};
  const char *cells[] = {"a", "b", "c", "1"};
  for (int kind = 0; kind < 4; kind++) {
    hd_figure *f = hd_figure_new(env, .title = "t");
    if (!f) continue;
    if (kind == 0) hd_figure_line(f, NULL, y, 4, .name = "l"), hd_figure_histogram(f, y, 4);
    if (kind == 1) hd_figure_heat(f, y, 2, 2, .row_names = cells);
    if (kind == 2) hd_figure_table(f, cells, 2, 2);
    if (kind == 3) hd_figure_bars(f, cells, y, 4);
    hd_error err = {0};
    const char *svg;
    hd_status status = hd_figure_svg(f, &svg, NULL, &err);
    if (status && status != HD_E_MEMORY) return "another error than memory";
    if (status && !*err.text) return "no message";
    hd_figure_free(f);
  }
  return NULL;
}

static void memory_may_run_out(void **state) {
  (void)state;
  int64_t runs = 0;
  const char *wrong = faults_each(draw_all, NULL, EIO, &runs);
  if (wrong) print_error("%s\n", wrong);
  assert_null(wrong);
  assert_true(runs > 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(points_lie_where_they_belong),
                                     cmocka_unit_test(decades_are_even),
                                     cmocka_unit_test(values_that_are_not_finite_are_gaps),
                                     cmocka_unit_test(long_lines_stay_whole),
                                     cmocka_unit_test(little_or_nothing_can_be_drawn),
                                     cmocka_unit_test(ticks_are_round),
                                     cmocka_unit_test(names_are_never_markup),
                                     cmocka_unit_test(svg_fits_into_a_page),
                                     cmocka_unit_test(pictures_become_files),
                                     cmocka_unit_test(heat_and_sheet_show_their_values),
                                     cmocka_unit_test(memory_may_run_out)};
  return cmocka_run_group_tests(tests, setup, NULL);
}
