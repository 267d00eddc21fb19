// Pictures and the run page, of libhadal-extra: data to figures, figures to SVG and PNG, a run
// directory to report.html and to TensorBoard's event files.
//
//   hd_figure *f = hd_figure_new(NULL, .x = "epoch", .y = "loss");
//   hd_figure_line(f, NULL, train, epochs, .name = "training");
//   hd_figure_line(f, NULL, valid, epochs, .name = "validation");
//   if (hd_figure_save(f, "loss.svg", &err)) puts(err.text);
//   hd_figure_free(f);
#ifndef HADAL_REPORT_H
#define HADAL_REPORT_H

#include "recipe.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- Figures ------------------------------------------------------------------------------------
// Everything given is copied. Building is sticky: what goes wrong is told when the figure is drawn.
// Values that are not finite are gaps. A figure without data says so.
typedef struct hd_figure hd_figure;

typedef struct hd_figure_options {
  HD_OPTIONS;
  double width HD_Z, height HD_Z;  // in CSS pixels; default 560 and 320, or what the contents need
  const char *title HD_Z;
  const char *x HD_Z, *y HD_Z;    // names of the axes
  bool log_x HD_Z, log_y HD_Z;    // values that are not positive are gaps
  double x_min HD_Z, x_max HD_Z;  // both 0: from the data
  double y_min HD_Z, y_max HD_Z;
  bool y_from_zero HD_Z;  // the y axis begins at 0, unless the data goes below
} hd_figure_options;
HD_API hd_figure *hd_figure_new(const hd_env *env, hd_figure_options options);  // NULL: no memory
#define hd_figure_new(...) \
  hd_figure_new(HD_HEAD_(__VA_ARGS__, ), \
                HD_LIT(hd_figure_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )})
HD_API void hd_figure_free(hd_figure *figure);

// The eight colours of Okabe & Ito, which the colour-blind tell apart, less black and yellow.
typedef enum hd_figure_color {
  HD_COLOR_NEXT = 0,  // the first that no earlier mark has
  HD_COLOR_BLUE,
  HD_COLOR_VERMILION,
  HD_COLOR_GREEN,
  HD_COLOR_ORANGE,
  HD_COLOR_PURPLE,
  HD_COLOR_SKY,
  HD_COLOR_GREY
} hd_figure_color;

typedef struct hd_mark_options {
  HD_OPTIONS;
  const char *name HD_Z;  // in the legend; NULL: not there
  hd_figure_color color HD_Z;
  bool dashed HD_Z;
  bool dots HD_Z;     // lines: also a dot at each point
  double width HD_Z;  // of a line, default 1.75; of a dot, default 5
  int bins HD_Z;      // histograms: default by the square root of the count, at most 50
} hd_mark_options;
// x NULL: 1, 2, 3 ...
HD_API void hd_figure_line(hd_figure *f, const double *x, const double *y, int64_t count,
                           hd_mark_options options);
HD_API void hd_figure_scatter(hd_figure *f, const double *x, const double *y, int64_t count,
                              hd_mark_options options);
// One bar for each name.
HD_API void hd_figure_bars(hd_figure *f, const char *const *names, const double *values,
                           int64_t count, hd_mark_options options);
HD_API void hd_figure_histogram(hd_figure *f, const double *values, int64_t count,
                                hd_mark_options options);
#define hd_figure_line(...) \
  hd_figure_line(HD_HEAD4_(__VA_ARGS__, ), \
                 HD_LIT(hd_mark_options){.hd_z = 0, HD_TAIL4_(__VA_ARGS__, )})
#define hd_figure_scatter(...) \
  hd_figure_scatter(HD_HEAD4_(__VA_ARGS__, ), \
                    HD_LIT(hd_mark_options){.hd_z = 0, HD_TAIL4_(__VA_ARGS__, )})
#define hd_figure_bars(...) \
  hd_figure_bars(HD_HEAD4_(__VA_ARGS__, ), \
                 HD_LIT(hd_mark_options){.hd_z = 0, HD_TAIL4_(__VA_ARGS__, )})
#define hd_figure_histogram(...) \
  hd_figure_histogram(HD_HEAD3_(__VA_ARGS__, ), \
                      HD_LIT(hd_mark_options){.hd_z = 0, HD_TAIL3_(__VA_ARGS__, )})
// Behind the other marks: rows x columns x classes probabilities over the whole of the axes, the
// first row on top; each point in the colour of its class, the stronger the surer. Give the axes
// their ranges. Marks made afterwards take the colours of the classes in turn.
HD_API void hd_figure_regions(hd_figure *f, const float *probabilities, int64_t rows,
                              int64_t columns, int64_t classes);
// A dashed vertical line at x with a word beside it: "best".
HD_API void hd_figure_rule(hd_figure *f, double x, const char *text);

typedef struct hd_heat_options {
  HD_OPTIONS;
  const char *const *row_names HD_Z;  // or NULL: numbers from 0
  const char *const *column_names HD_Z;
  bool no_values HD_Z;  // do not print them into the cells, where there is room
  bool signs HD_Z;      // blue above zero, vermilion below
  bool confusion HD_Z;  // shares of the row's sum; vermilion off the diagonal
  bool log HD_Z;        // colours by the logarithm
} hd_heat_options;
// values: rows x columns, the first row on top.
HD_API void hd_figure_heat(hd_figure *f, const double *values, int64_t rows, int64_t columns,
                           hd_heat_options options);
#define hd_figure_heat(...) \
  hd_figure_heat(HD_HEAD4_(__VA_ARGS__, ), \
                 HD_LIT(hd_heat_options){.hd_z = 0, HD_TAIL4_(__VA_ARGS__, )})

typedef struct hd_sheet_options {
  HD_OPTIONS;
  const char *const *captions HD_Z;  // one for each image, or NULL
  int columns HD_Z;                  // default: what fits the width
  double size HD_Z;                  // of an image's longer side; default 72
  double low HD_Z, high HD_Z;        // values shown black and white; both 0: 0 and 255 for u8, else
                                     // the least and the largest of each image
  bool signs HD_Z;                   // one channel: blue above zero, vermilion below, white at zero
} hd_sheet_options;
// A contact sheet: images (N, H, W, C) of u8 or f32, C = 1 or 3.
HD_API void hd_figure_images(hd_figure *f, hd_tensor images, hd_sheet_options options);
#define hd_figure_images(...) \
  hd_figure_images(HD_HEAD2_(__VA_ARGS__, ), \
                   HD_LIT(hd_sheet_options){.hd_z = 0, HD_TAIL2_(__VA_ARGS__, )})

// Cells row by row, the first row being the heads; columns of numbers stand to the right.
HD_API void hd_figure_table(hd_figure *f, const char *const *cells, int64_t rows, int64_t columns);

// By the ending: .svg, or .png with two pixels per unit. Replaces the file as a whole.
HD_API HD_NODISCARD hd_status hd_figure_save(hd_figure *f, const char *path, hd_error *err);
// The same in memory of the figure, until it is drawn again or freed. bytes may be NULL.
HD_API HD_NODISCARD hd_status hd_figure_svg(hd_figure *f, const char **to, size_t *bytes,
                                            hd_error *err);
HD_API HD_NODISCARD hd_status hd_figure_png(hd_figure *f, double scale, const void **to,
                                            size_t *bytes, hd_error *err);

// The filters of a model's first convolution, or the weights of a first dense layer as images,
// where these see the image itself; NULL without an error where there are none.
HD_API hd_figure *hd_figure_filters(const hd_env *env, const hd_model *model, hd_error *err);
// What they make of one image of the model's input type (H, W, C): their maps, and below these the
// maps after the next layer where that changes no size (ReLU). Grey is zero, white positive, black
// negative, one scale for all; at most 16 maps. NULL without an error where no convolution is
// first.
HD_API hd_figure *hd_figure_feature_maps(const hd_env *env, const hd_model *model, hd_tensor image,
                                         hd_error *err);

// ---- The run page -------------------------------------------------------------------------------
typedef struct hd_report_options {
  HD_OPTIONS;
  const hd_model *model HD_Z;  // for its layers, filters and what it says of `test`; NULL: left out
  const hd_data *test HD_Z;    // samples to test the model on; NULL: none
  const char *test_name HD_Z;  // what they are called; default "test"
  const char *about HD_Z;      // a sentence for what could not be shown, and why
} hd_report_options;
// Writes report.html into the run directory from its recipe.yaml, manifest.json and metrics.jsonl
// (each may be missing): one page that needs no other file, no network and no script.
HD_API HD_NODISCARD hd_status hd_report(const hd_env *env, const char *run, hd_error *err,
                                        hd_report_options options);
#define hd_report(...) \
  hd_report(HD_HEAD3_(__VA_ARGS__, ), \
            HD_LIT(hd_report_options){.hd_z = 0, HD_TAIL3_(__VA_ARGS__, )})

// ---- TensorBoard --------------------------------------------------------------------------------
// Event files: records with a masked CRC-32C, each a protobuf message, in a file whose name holds
// ".tfevents". Every call appends whole records; the first call for a file begins it.
typedef struct hd_events {
  const hd_env *env;
  const char *path;
  int64_t step;
  double time;  // seconds since 1970
} hd_events;
HD_API HD_NODISCARD hd_status hd_events_begin(const hd_events *to, hd_error *err);  // empties it
HD_API HD_NODISCARD hd_status hd_events_scalars(const hd_events *to, const char *const *tags,
                                                const double *values, int count, hd_error *err);
HD_API HD_NODISCARD hd_status hd_events_histogram(const hd_events *to, const char *tag,
                                                  const float *values, int64_t count,
                                                  hd_error *err);
HD_API HD_NODISCARD hd_status hd_events_png(const hd_events *to, const char *tag, const void *png,
                                            size_t bytes, hd_error *err);

#ifdef __cplusplus
}
#endif
#endif
