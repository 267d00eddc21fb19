// Data: samples by number, in named columns that feed a graph's inputs of the same names.
#ifndef HADAL_DATA_H
#define HADAL_DATA_H

#include "image.h"
#include "tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hd_column {
  char name[32];  // "image", "label": the graph's input of that name reads it
  hd_type type;   // of one sample: (28, 28, 1) u8, () i32
} hd_column;

typedef const char *const *hd_word_list;  // NULL-terminated

// One making of a sample: what is drawn by chance depends on these three alone.
typedef struct hd_draw {
  uint64_t seed;
  int64_t epoch, sample;  // both from 0
} hd_draw;

// A source of samples. Fill it yourself to train on data of your own; the built-in ones are made by
// the functions below and freed with hd_data_free.
typedef struct hd_data {
  void *user;
  int64_t samples;
  int columns;
  hd_column column[8];
  // Writes samples index[0 .. count-1] of a column one after the other to `to`. Called from one
  // thread at a time.
  hd_status (*read)(void *user, int column, const int64_t *index, int64_t count, void *to,
                    hd_error *err);
  void (*free)(void *user);        // may be NULL
  int classes;                     // 0: the label is not a class
  const char *const *class_names;  // `classes` of them, or NULL
  // What the inputs of a table are (hd_csv_options.one_hot): a list for each feature column, then
  // NULL. Each word of a list is an input, 1 where the row has it; an empty list is a number. NULL:
  // all are numbers.
  const hd_word_list *words;
  // Where training sees other samples than evaluation (hd_data_augment): writes one sample of each
  // column c whose to[c] is not NULL. Called from several threads at once, each with draw_bytes of
  // scratch, 64-byte aligned. NULL: training reads too.
  hd_status (*draw)(void *user, const hd_draw *at, void *const *to, void *scratch, hd_error *err);
  int64_t draw_bytes;
} hd_data;

HD_API void hd_data_free(hd_data *data);  // calls data->free and zeroes; NULL is a no-op
HD_API int hd_data_column(const hd_data *data, const char *name);  // -1: none

// Columns from tensors whose first axis counts samples. The tensors are taken over (owned ones are
// freed with the data; the given structs become views); after a failure they stay the caller's. Set
// `classes` afterwards where the label is a class.
HD_API HD_NODISCARD hd_status hd_data_from_tensors(const hd_env *env, const char *const *names,
                                                   hd_tensor *tensors, int count, hd_data *to,
                                                   hd_error *err);
// Samples index[0 .. count-1] of another source, which must outlive the view. The list is copied.
HD_API HD_NODISCARD hd_status hd_data_view(const hd_env *env, const hd_data *of,
                                           const int64_t *index, int64_t count, hd_data *to,
                                           hd_error *err);
// Shuffles by seed and gives the last `fraction`, between 0 and 1, to `valid`. Both are views of
// `of`, and neither may be empty.
HD_API HD_NODISCARD hd_status hd_data_split(const hd_env *env, const hd_data *of, double fraction,
                                            uint64_t seed, hd_data *train, hd_data *valid,
                                            hd_error *err);
// The same with the share of each class kept in both parts, to within one sample: the label must be
// a class.
HD_API HD_NODISCARD hd_status hd_data_split_stratified(const hd_env *env, const hd_data *of,
                                                       double fraction, uint64_t seed,
                                                       hd_data *train, hd_data *valid,
                                                       hd_error *err);
// Fold number `fold`, from 0, of `folds`, stratified by the label's class when there is one.
HD_API HD_NODISCARD hd_status hd_data_fold(const hd_env *env, const hd_data *of, int fold,
                                           int folds, uint64_t seed, hd_data *train, hd_data *test,
                                           hd_error *err);

// Inflates gzip bytes into a new block of env; refuses more than `limit` bytes. hd_gunzip of
// libhadal-extra is one.
typedef hd_status hd_inflate(const hd_env *env, const void *bytes, size_t count, int64_t limit,
                             void **to, size_t *size, hd_error *err);

// ---- Readers. Each validates before it allocates, and names file, line or offset, and field. ----

// IDX (MNIST's format), .gz when inflate is not NULL: u8, i8, i16 (as i32), i32, f32, f64. At most
// 1 GiB.
HD_API HD_NODISCARD hd_status hd_idx_read(const hd_env *env, const char *path, hd_inflate *inflate,
                                          hd_tensor *to, hd_error *err);
HD_API HD_NODISCARD hd_status hd_idx_parse(const hd_env *env, const char *name, const void *bytes,
                                           size_t count, hd_tensor *to, hd_error *err);

// PGM (P5) and PPM (P6) images of bytes -> (H, W, 1 or 3) u8, 0 to 255 whatever the file's maximum.
// Files of them: hd_read_pnm in image.h.
HD_API HD_NODISCARD hd_status hd_pnm_parse(const hd_env *env, const char *name, const void *bytes,
                                           size_t count, hd_tensor *to, hd_error *err);

typedef struct hd_csv_options {
  HD_OPTIONS;
  const char *label HD_Z;  // label column by header name or by number from 1; default the last
  bool no_label HD_Z;      // every column is an input
  bool regression HD_Z;    // the label is a number, column "target" f32 (1); else a class, "label"
                           // i32
  const char *const *classes HD_Z;  // NULL-terminated: class labels in order; an unknown one is an
                                    // error. Default: those found, numbers in order, else sorted
  const char *header HD_Z;  // "yes", "no" or default: yes if no field of line 1 is a number (but
                            // for the label's), and if the label is given by a name
  char separator HD_Z;      // default ','
  bool one_hot HD_Z;  // a feature column in which a field is no number becomes an input for each of
                      // its words, in the order of their bytes: 1 where the row has it, else 0
  const hd_word_list *words
      HD_Z;  // those of another table (hd_data.words): the same inputs as there;
             // an unknown word is an error. Default: those found, with one_hot
} hd_csv_options;
// Columns "x" f32 (features) and "label" or "target". Quotes, CRLF and blank last lines are fine; a
// short row, an empty field, a word, NaN or infinity in a numeric column, an unknown class, over
// 65,536 classes or no rows are errors. At most 4 GiB. With one_hot also at most 65,536 inputs,
// 128 KiB of words in UTF-8 and 4 GiB of inputs.
HD_API HD_NODISCARD hd_status hd_csv_read(const hd_env *env, const char *path,
                                          hd_csv_options options, hd_data *to, hd_error *err);
HD_API HD_NODISCARD hd_status hd_csv_parse(const hd_env *env, const char *name, const char *text,
                                           size_t count, hd_csv_options options, hd_data *to,
                                           hd_error *err);
#define hd_csv_options_of(...) \
  HD_LIT(hd_csv_options) { .hd_z = 0, __VA_ARGS__ }

typedef struct hd_image_folder_options {
  HD_OPTIONS;
  hd_image_reader *read HD_Z;   // default hd_read_pnm; hd_read_image of libhadal-extra reads more
  int height HD_Z, width HD_Z;  // every image is brought to this size. Default: they must be of one
  int channels HD_Z;  // 1 or 3. Default: as the first image has it; one of another kind is
                      // then an error
  const char *const *classes HD_Z;  // NULL-terminated: the subfolders in the order of their labels;
                                    // another one is an error. Default: those found, by name
  int64_t most_bytes HD_Z;          // of all pixels; more is HD_E_LIMIT. Default 4 GiB
  int64_t most_pixels HD_Z;         // of one file, as in hd_image_options
} hd_image_folder_options;
// One subfolder for each class, images in it: columns "image" u8 (H, W, C) and "label" i32, in the
// order of the classes and of the file names. All pixels are read now and kept in memory of env.
// Entries whose name begins with a dot are passed over; any other file must be an image. Errors
// name the file: none there (HD_E_NOT_FOUND), unreadable, of another size (HD_E_SHAPE).
HD_API HD_NODISCARD hd_status hd_data_image_folder(const hd_env *env, const char *folder,
                                                   hd_data *to, hd_error *err,
                                                   hd_image_folder_options options);
#define hd_data_image_folder(...) \
  hd_data_image_folder(HD_HEAD4_(__VA_ARGS__, ), \
                       HD_LIT(hd_image_folder_options){.hd_z = 0, HD_TAIL4_(__VA_ARGS__, )})

// ---- Sets by name -------------------------------------------------------------------------------
typedef struct hd_data_options {
  HD_OPTIONS;
  const char *root HD_Z;    // where sets are looked up first: root/mnist/...
  const char *cache HD_Z;   // the user's cache, looked up last; NULL: none
  const char *shared HD_Z;  // the data/ of the repository or installation; default "data"
  hd_inflate *inflate HD_Z;
  hd_csv_options csv HD_Z;              // when the name is a path that ends in .csv
  hd_image_folder_options images HD_Z;  // when it is another path: one that holds a /
} hd_data_options;

typedef struct hd_data_info {
  const char *id, *title, *columns, *licence;
  int64_t train, test;  // samples
} hd_data_info;
HD_API const hd_data_info *hd_data_list(int *count);

// "xor", "iris", "digits", "mnist", "fashion-mnist", a path to a .csv, or a folder of images: a
// path that holds a /, of hd_data_image_folder's form or with two such folders in it, train and
// test (which has the classes of train). part: "train" or "test"; a set without a test part gives
// HD_E_NOT_FOUND for it. Images are column "image" u8 (H, W, 1);
// tables are column "x" f32 (features); classes are column "label" i32.
HD_API HD_NODISCARD hd_status hd_data_open(const hd_env *env, const char *name, const char *part,
                                           hd_data_options options, hd_data *to, hd_error *err);
#define hd_data_open(env, name, part, to, ...) \
  hd_data_open(env, name, part, HD_LIT(hd_data_options){.hd_z = 0, HD_TAIL_(__VA_ARGS__, )}, to, \
               HD_HEAD_(__VA_ARGS__, ))

#ifdef __cplusplus
}
#endif
#endif
