// A lecture: one example of a course as a small program over the public API, in a file of its own
// with a line in lectures.c. What it prints, compares and draws goes through its lesson.
#ifndef LECTURE_LESSON_H
#define LECTURE_LESSON_H

#include "../../include/hadal/extra.h"
#include "../../include/hadal/hadal.h"
#include "../../include/hadal/report.h"

typedef struct lesson lesson;

typedef struct lecture {
  const char *id;       // "learning-rate": the file is learning_rate.c
  const char *courses;  // those that teach it, of lecture_courses: "trondheim ai"
  const char *topic;    // one of lecture_topics
  const char *title;    // "What the learning rate does"
  int seconds;          // expected in full on two cores; at most 120
  // err is never NULL. HD_OK also where a claim did not hold: the lesson knows.
  hd_status (*run)(lesson *l, hd_error *err);
} lecture;

extern const lecture *const lectures[];  // by topic; ends with NULL
const lecture *lecture_find(const char *id);

typedef struct lecture_course {
  const char *id, *name;
} lecture_course;
extern const lecture_course lecture_courses[];  // ends with {0}
extern const char *const lecture_topics[];      // in the order of teaching; ends with NULL

// What a lecture compares with its slide.
typedef struct lesson_row {
  char what[80], slide[80], here[80];
  int verdict;  // 0: only told; 1: holds; -1: does not
} lesson_row;

enum { LESSON_ROWS = 64, LESSON_PICTURES = 16, LESSON_OWNED = 64 };
struct lesson {
  const lecture *of;
  const hd_env *env;     // for graphs, stores, data and figures
  hd_data_options sets;  // where data sets lie
  bool brief;            // the short form: the same program on fewer samples and epochs
  bool quiet;            // lesson_say says nothing
  uint64_t seed;         // default 1
  const char *out;       // folder of the pictures
  // What it told, for the table at the end.
  lesson_row row[LESSON_ROWS];
  int rows;
  char finding[300], data[120];
  char picture[LESSON_PICTURES][160];  // paths
  int pictures;
  bool failed;  // a claim did not hold, or the tables above were too small
  // What it made, freed at its end or by lesson_clear.
  hd_graph *graph[LESSON_OWNED];
  hd_store *store[LESSON_OWNED];
  hd_data *set[LESSON_OWNED];
  int graphs, stores, sets_open;
};

// ---- Telling ------------------------------------------------------------------------------------
// A line on the terminal, now.
void lesson_say(lesson *l, const char *format, ...) HD_PRINTF(2, 3);
// A row of the table at the end: what is compared, what the slide says ("80 errors", or its claim
// in a few words), what came out here.
void lesson_number(lesson *l, const char *what, const char *slide, const char *here, ...)
    HD_PRINTF(4, 5);
// The same for what must hold, or the command fails: goldens, and claims that hold for every seed.
// What needs the full number of samples or epochs is told by lesson_number, or asked only if
// !l->brief.
void lesson_must(lesson *l, bool holds, const char *what, const char *slide, const char *here, ...)
    HD_PRINTF(5, 6);
// What came out, in one sentence, also where it contradicts the slide. Once, at the end.
void lesson_finding(lesson *l, const char *format, ...) HD_PRINTF(2, 3);
// Saves and frees the figure: OUT/ID-name, where name ends in .svg (curves) or .png (photographs
// and contact sheets). Without cairo it says so and goes on. figure NULL: memory was out.
hd_status lesson_figure(lesson *l, hd_figure *figure, const char *name, hd_error *err);
// A matrix of whole or short numbers on the terminal, as on a slide.
void lesson_matrix(lesson *l, const char *title, const float *at, int64_t rows, int64_t columns);

// ---- Making: NULL when memory is out ------------------------------------------------------------
hd_graph *lesson_graph(lesson *l);
hd_store *lesson_store(lesson *l, uint64_t seed);
void lesson_clear(lesson *l);  // frees the graphs and stores made so far; data stay

// ---- Data ---------------------------------------------------------------------------------------
// A set by name, "iris", part "train" or "test"; NULL on failure.
const hd_data *lesson_set(lesson *l, const char *name, const char *part, hd_error *err);
// `count` samples of data from number `first` on; all that there are if there are fewer.
const hd_data *lesson_some(lesson *l, const hd_data *data, int64_t first, int64_t count,
                           hd_error *err);
// Ten classes of images: MNIST where it is at hand, else Fashion-MNIST, else the repository's
// digits of 8x8 pixels; said plainly. At most so many samples (0: all); in the short form a tenth
// of it, but at most 2,000 and 1,000.
hd_status lesson_images(lesson *l, int64_t trains, int64_t tests, const hd_data **train,
                        const hd_data **test, hd_error *err);
bool lesson_has_mnist(const lesson *l);  // after lesson_images: it is MNIST
// The inputs of such data: images (N, H, W, 1) in 0..1, labels (N).
hd_val lesson_pixels(lesson *l, hd_graph *g, const hd_data *data);
hd_val lesson_labels(hd_graph *g);

// ---- Curves -------------------------------------------------------------------------------------
// A point an epoch of a training: hd_fit(..., .user = &curve, .on_epoch = lesson_on_epoch).
enum { LESSON_POINTS = 512 };
typedef struct lesson_curve {
  int count;
  double loss[LESSON_POINTS], accuracy[LESSON_POINTS];
  double valid_loss[LESSON_POINTS], valid_accuracy[LESSON_POINTS];  // NaN without validation data
} lesson_curve;
bool lesson_on_epoch(void *user, const hd_progress *at);
// A point every so many steps, of the mean loss since the last: .on_step = lesson_on_step.
typedef struct lesson_steps {
  int every;  // default 1
  int count;
  int64_t steps;  // since the start
  double sum;
  double step[4 * LESSON_POINTS], loss[4 * LESSON_POINTS];
} lesson_steps;
bool lesson_on_step(void *user, const hd_progress *at);

#endif
