// Figures: marks kept in an arena until they are drawn.
#include "figure.h"

#include <math.h>

const hd_palette_color hd_palette[HD_COLORS] = {
    {"ink", 0x1f2328, 0xe6e9ed},    {"muted", 0x656d76, 0x9aa4ae},
    {"grid", 0xe4e7eb, 0x2c333b},   {"paper", 0xffffff, 0x15191e},
    {"blue", 0x0072b2, 0x4aa8e0},   {"vermilion", 0xd55e00, 0xf08038},
    {"green", 0x009e73, 0x2fc298},  {"orange", 0xe69f00, 0xf0b429},
    {"purple", 0xb8558d, 0xdc94bd}, {"sky", 0x56b4e9, 0x84ccf5},
    {"grey", 0x7a828b, 0xa3abb3}};

hd_figure *(hd_figure_new)(const hd_env *env, hd_figure_options o) {
  hd_figure *f = hd_alloc(env, sizeof *f);
  if (!f) return NULL;
  f->arena.env = env ? *env : (hd_env){0};
  f->o = o;
  const char **text[] = {&f->o.title, &f->o.x, &f->o.y};
  for (size_t i = 0; i < HD_COUNT(text); i++)
    if (*text[i] && !(*text[i] = hd_arena_text(&f->arena, *text[i])))
      hd_fail(&f->error, HD_E_MEMORY, "figure: memory is out");
  return f;
}

void hd_figure_free(hd_figure *f) {
  if (!f) return;
  hd_env env = f->arena.env;
  hd_arena_free(&f->arena);
  hd_text_free(&f->drawn);
  hd_release(&env, f);
}

// ---- Copies -------------------------------------------------------------------------------------

static void *out_of_memory(hd_figure *f) {
  hd_fail(&f->error, HD_E_MEMORY, "figure: memory is out");
  return NULL;
}

static void *room(hd_figure *f, int64_t count, size_t size) {
  int64_t bytes;
  if (f->error.status) return NULL;
  void *to = hd_mul_size(count, (int64_t)size, &bytes)
                 ? hd_arena_alloc(&f->arena, (size_t)HD_MAX(bytes, 1))
                 : NULL;
  return to ? to : out_of_memory(f);
}

static double *copy(hd_figure *f, const double *from, int64_t count) {
  double *to = room(f, count, sizeof *to);
  for (int64_t i = 0; to && i < count; i++) to[i] = from ? from[i] : (double)(i + 1);
  return to;
}

static const char **copy_names(hd_figure *f, const char *const *names, int64_t count) {
  if (!names) return NULL;
  const char **to = room(f, count, sizeof *to);
  for (int64_t i = 0; to && i < count; i++)
    if (!(to[i] = hd_arena_text(&f->arena, names[i] ? names[i] : ""))) return out_of_memory(f);
  return to;
}

static hd_mark *add(hd_figure *f, hd_mark_kind kind, int64_t count, const hd_mark_options *o) {
  if (!f || f->error.status) return NULL;
  if (count < 0) {
    hd_fail(&f->error, HD_E_ARGUMENT, "figure: a count of %lld", (long long)count);
    return NULL;
  }
  hd_mark *m = room(f, 1, sizeof *m);
  if (!m) return NULL;
  m->kind = kind;
  m->count = count;
  if (o) {
    m->o = *o;
    if (o->name && !(m->name = hd_arena_text(&f->arena, o->name))) return out_of_memory(f);
    int color = o->color ? (int)o->color - 1 : f->colors++;
    m->color = HD_FIRST_COLOR + (color < 0 ? 0 : color % (HD_COLORS - HD_FIRST_COLOR));
  }
  if (f->last) f->last->next = m;
  else f->first = m;
  f->last = m;
  return m;
}

// ---- Marks on axes ------------------------------------------------------------------------------

void(hd_figure_line)(hd_figure *f, const double *x, const double *y, int64_t count,
                     hd_mark_options o) {
  hd_mark *m = add(f, HD_MARK_LINE, count, &o);
  if (m) m->x = copy(f, x, count), m->y = copy(f, y, count);
}

void(hd_figure_scatter)(hd_figure *f, const double *x, const double *y, int64_t count,
                        hd_mark_options o) {
  hd_mark *m = add(f, HD_MARK_SCATTER, count, &o);
  if (m) m->x = copy(f, x, count), m->y = copy(f, y, count);
}

void(hd_figure_bars)(hd_figure *f, const char *const *names, const double *values, int64_t count,
                     hd_mark_options o) {
  hd_mark *m = add(f, HD_MARK_BARS, count, &o);
  if (m) m->names = copy_names(f, names, count), m->y = copy(f, values, count);
}

void(hd_figure_histogram)(hd_figure *f, const double *values, int64_t count, hd_mark_options o) {
  double low = INFINITY, high = -INFINITY;
  int64_t good = 0;
  for (int64_t i = 0; i < count; i++)
    if (isfinite(values[i])) low = fmin(low, values[i]), high = fmax(high, values[i]), good++;
  int bins = o.bins > 0 ? HD_MIN(o.bins, 1000) : (int)HD_MIN(HD_MAX(sqrt((double)good), 1), 50);
  hd_mark *m = add(f, HD_MARK_STEPS, good ? bins : 0, &o);
  if (!m || !good) return;
  if (low == high) low -= 0.5, high += 0.5;
  m->x = room(f, bins + 1, sizeof *m->x);
  m->y = room(f, bins, sizeof *m->y);
  if (!m->x || !m->y) return;
  for (int i = 0; i <= bins; i++) m->x[i] = low + (high - low) * i / bins;
  for (int64_t i = 0; i < count; i++) {
    if (!isfinite(values[i])) continue;
    int bin = (int)((values[i] / (high - low) - low / (high - low)) * bins);
    m->y[HD_MAX(0, HD_MIN(bin, bins - 1))]++;
  }
}

void hd_figure_rule(hd_figure *f, double x, const char *text) {
  hd_mark *m = add(f, HD_MARK_RULE, 1, NULL);
  if (!m) return;
  m->x = copy(f, &x, 1);
  if (text && !(m->name = hd_arena_text(&f->arena, text))) out_of_memory(f);
}

// ---- Heat maps, sheets, tables ------------------------------------------------------------------

static bool counts_fit(hd_figure *f, int64_t rows, int64_t columns) {
  int64_t cells;
  if (!f || f->error.status) return false;
  if (rows >= 0 && columns >= 0 && hd_mul_size(rows, columns, &cells) && cells <= 1 << 22)
    return true;
  hd_fail(&f->error, HD_E_LIMIT, "figure: %lld x %lld cells; 4,194,304 are the most",
          (long long)rows, (long long)columns);
  return false;
}

void(hd_figure_heat)(hd_figure *f, const double *values, int64_t rows, int64_t columns,
                     hd_heat_options o) {
  hd_mark *m = counts_fit(f, rows, columns) ? add(f, HD_MARK_HEAT, rows * columns, NULL) : NULL;
  if (!m) return;
  m->rows = rows, m->columns = columns;
  m->heat = o;
  m->y = copy(f, values, rows * columns);
  m->names = copy_names(f, o.row_names, rows);
  m->column_names = copy_names(f, o.column_names, columns);
}

void hd_figure_table(hd_figure *f, const char *const *cells, int64_t rows, int64_t columns) {
  hd_mark *m = counts_fit(f, rows, columns) ? add(f, HD_MARK_TABLE, rows * columns, NULL) : NULL;
  if (!m) return;
  m->rows = rows, m->columns = columns;
  m->names = copy_names(f, cells, rows * columns);
}

static unsigned char shade(double v) {
  return v != v ? 128 : (unsigned char)(255 * fmax(0, fmin(v, 1)) + 0.5);
}

// Half as strong as the colours of the marks that lie on it.
void hd_figure_regions(hd_figure *f, const float *p, int64_t rows, int64_t columns,
                       int64_t classes) {
  hd_mark *m = counts_fit(f, rows, columns) ? add(f, HD_MARK_REGIONS, 1, NULL) : NULL;
  if (!m) return;
  m->rows = rows, m->columns = columns;
  m->rgb = room(f, rows * columns, 3);
  for (int64_t i = 0; m->rgb && i < rows * columns; i++, p += classes)
    for (int k = 0; k < 3; k++) {
      double mixed = 0;
      for (int64_t c = 0; c < classes; c++) {
        uint32_t color = hd_palette[HD_FIRST_COLOR + c % (HD_COLORS - HD_FIRST_COLOR)].light;
        mixed += (double)p[c] * (color >> (16 - 8 * k) & 255);
      }
      m->rgb[3 * i + k] = shade((0.45 * mixed + 0.55 * 255) / 255);
    }
}

static double element(const hd_tensor *t, int64_t i) {
  return t->dtype == HD_U8    ? ((const uint8_t *)t->data)[i]
         : t->dtype == HD_F64 ? ((const double *)t->data)[i]
                              : (double)((const float *)t->data)[i];
}

// v in [-1, 1]: from a colour of the palette over white to another.
static void signed_shade(double v, unsigned char *to) {
  uint32_t color = hd_palette[v < 0 ? HD_FIRST_COLOR + 1 : HD_FIRST_COLOR].light;
  double a = v != v ? 0 : fmin(fabs(v), 1);
  for (int k = 0; k < 3; k++)
    to[k] = (unsigned char)(255 + a * ((double)(color >> (16 - 8 * k) & 255) - 255) + 0.5);
}

// One image of `count` values, C of them a pixel, to RGB.
static void to_rgb(const hd_tensor *t, int64_t at, int64_t count, int channels,
                   const hd_sheet_options *o, unsigned char *to) {
  double low = o->low, high = o->high;
  if (low == high && t->dtype == HD_U8) low = 0, high = 255;
  else if (low == high) {
    low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
      double v = element(t, at + i);
      if (isfinite(v)) low = fmin(low, v), high = fmax(high, v);
    }
  }
  double most = fmax(fabs(low), fabs(high));
  for (int64_t i = 0; i < count / channels; i++, to += 3) {
    double v = element(t, at + i * channels);
    if (o->signs && channels == 1) signed_shade(most > 0 ? v / most : 0, to);
    else
      for (int k = 0; k < 3; k++) {
        double c = channels == 3 ? element(t, at + i * 3 + k) : v;
        to[k] = shade(high > low ? (c - low) / (high - low) : 0.5);
      }
  }
}

void(hd_figure_images)(hd_figure *f, hd_tensor t, hd_sheet_options o) {
  char shape[96];
  if (!f || f->error.status) return;
  const int64_t *d = t.shape.d;
  bool known = t.dtype == HD_U8 || t.dtype == HD_F32 || t.dtype == HD_F64;
  if (!known || t.shape.rank != 4 || (d[3] != 1 && d[3] != 3) || hd_shape_count(t.shape) < 0 ||
      d[1] > 4096 || d[2] > 4096 || d[0] > 100000) {
    hd_fail(&f->error, HD_E_SHAPE,
            "figure: images %s %s; wanted is u8 or f32 (N, H, W, 1 or 3), at most 4,096 wide",
            hd_dtype_name(t.dtype), hd_shape_text(t.shape, shape, sizeof shape));
    return;
  }
  hd_mark *m = add(f, HD_MARK_SHEET, d[0], NULL);
  if (!m) return;
  int64_t one = d[1] * d[2];
  m->rows = d[1], m->columns = d[2];
  m->sheet = o;
  m->names = copy_names(f, o.captions, d[0]);
  m->rgb = room(f, d[0] * one, 3);
  for (int64_t i = 0; m->rgb && i < d[0]; i++)
    to_rgb(&t, i * one * d[3], one * d[3], (int)d[3], &o, m->rgb + 3 * i * one);
}
