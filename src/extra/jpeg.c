// JPEG, by libjpeg-turbo.
#include "image.h"

hd_status(hd_read_jpeg)(const hd_env *env, const char *path, hd_tensor *to, hd_error *err,
                        hd_image_options o) {
  return hd_image_read_by(hd_parse_jpeg, env, path, to, err, &o);
}

hd_status(hd_write_jpeg)(const hd_env *env, const char *path, const hd_tensor *image, hd_error *err,
                         hd_image_write_options o) {
  void *bytes;
  size_t count;
  hd_status status = hd_encode_jpeg(env, image, &bytes, &count, err, o);
  if (status) return hd_fail_in(err, status, "%s", path);
  status = hd_file_write(env, path, bytes, count, err);
  hd_release(env, bytes);
  return status;
}

#ifndef HD_WITH_JPEG

static hd_status without(const char *name, hd_error *err) {
  return hd_fail(err, HD_E_UNSUPPORTED,
                 "%s: this build has no libjpeg: install libjpeg62-turbo-dev and build again, or "
                 "use PGM and PPM",
                 name);
}

hd_status hd_parse_jpeg(const hd_env *env, const char *name, const void *bytes, size_t count,
                        hd_tensor *to, hd_error *err, hd_image_options o) {
  (void)env, (void)bytes, (void)count, (void)o;
  *to = (hd_tensor){0};
  return without(name, err);
}

hd_status hd_encode_jpeg(const hd_env *env, const hd_tensor *image, void **to, size_t *size,
                         hd_error *err, hd_image_write_options o) {
  (void)env, (void)image, (void)o;
  *to = NULL, *size = 0;
  return without("JPEG", err);
}

#else

#include "jpeg.h"

#include <jerror.h>

// ---- Errors -------------------------------------------------------------------------------------

// libjpeg's errors jump to where it was called from, over its own frames only; jpeg_destroy then
// frees what it held. Nothing is ever printed.
static void on_error(j_common_ptr j) {
  hd_jpeg_errors *e = (hd_jpeg_errors *)(void *)j->err;
  if (!*e->why) j->err->format_message(j, e->why);
  longjmp(e->back, 1);
}

// What decoders forgive: a picture that is whole. The rest of what libjpeg only warns of is a
// damaged picture, with grey where the data ended.
static void on_message(j_common_ptr j, int level) {
  static const int harmless[] = {JWRN_EXTRANEOUS_DATA, JWRN_JFIF_MAJOR, JWRN_ADOBE_XFORM,
                                 JWRN_NOT_SEQUENTIAL};
  if (level >= 0) return;
  for (size_t i = 0; i < HD_COUNT(harmless); i++)
    if (j->err->msg_code == harmless[i]) return;
  hd_jpeg_errors *e = (hd_jpeg_errors *)(void *)j->err;
  e->truncated = j->err->msg_code == JWRN_JPEG_EOF;
  on_error(j);
}

static void print_nothing(j_common_ptr j) { (void)j; }

static struct jpeg_error_mgr *errors_start(hd_jpeg_errors *e) {
  struct jpeg_error_mgr *base = jpeg_std_error(&e->base);
  base->error_exit = on_error;
  base->emit_message = on_message;
  base->output_message = print_nothing;
  return base;
}

static hd_status failed(const hd_jpeg_errors *e, const hd_jpeg_memory *m, const char *name,
                        hd_error *err) {
  if (m->failed || e->base.msg_code == JERR_OUT_OF_MEMORY)
    return hd_fail(err, HD_E_MEMORY, "%s: memory is out", name);
  switch (e->base.msg_code) {
    case JERR_IMAGE_TOO_BIG: return hd_fail(err, HD_E_LIMIT, "%s: %s", name, e->why);
    case JERR_BAD_PRECISION:  // 12 bits
    case JERR_SOF_UNSUPPORTED:
    case JERR_ARITH_NOTIMPL:
      return hd_fail(err, HD_E_UNSUPPORTED, "%s: this kind of JPEG is not read: %s", name, e->why);
    default: break;
  }
  return hd_fail(err, HD_E_FORMAT, "%s: %s: %s", name, e->truncated ? "truncated" : "damaged JPEG",
                 e->why);
}

// ---- Reading ------------------------------------------------------------------------------------

enum {
  SCANS = 200,       // of a progressive image: more are an attack on the reader's time
  LEAST_BLOCK = 512  // pixels that a byte of Huffman codes can stand for: a bit for a block of 64
};

typedef struct reading {
  hd_jpeg_errors errors;
  hd_jpeg_memory memory;
  struct jpeg_source_mgr source;
  struct jpeg_progress_mgr progress;
  struct jpeg_decompress_struct j;
  hd_tensor pixels;
  unsigned char *row;  // of four inks
} reading;

static void begin_source(j_decompress_ptr j) { (void)j; }

static boolean no_more(j_decompress_ptr j) {
  static const JOCTET end[] = {0xFF, JPEG_EOI};
  WARNMS(j, JWRN_JPEG_EOF);  // an error here; never returns
  j->src->next_input_byte = end, j->src->bytes_in_buffer = sizeof end;
  return TRUE;
}

static void skip(j_decompress_ptr j, long count) {
  if (count <= 0) return;
  if ((size_t)count > j->src->bytes_in_buffer) no_more(j);
  j->src->next_input_byte += count, j->src->bytes_in_buffer -= (size_t)count;
}

static void count_scans(j_common_ptr common) {
  j_decompress_ptr j = (j_decompress_ptr)(void *)common;
  if (common->is_decompressor && j->input_scan_number > SCANS) {
    hd_jpeg_errors *e = (hd_jpeg_errors *)(void *)common->err;
    hd_print(e->why, sizeof e->why, "more than %d scans", (int)SCANS);
    ERREXIT(common, JERR_BAD_PROGRESSION);
  }
}

static hd_status check(const reading *r, const char *name, size_t count, const hd_image_options *o,
                       hd_error *err) {
  int64_t width = r->j.image_width, height = r->j.image_height, most;
  hd_status status = hd_image_fits(name, width, height, o, err);
  if (status || r->j.arith_code) return status;
  if (hd_mul_size((int64_t)count, LEAST_BLOCK, &most) && width * height <= most + 64) return HD_OK;
  return hd_fail(err, HD_E_FORMAT, "%s: truncated: %zu bytes cannot hold %lld x %lld pixels", name,
                 count, (long long)width, (long long)height);
}

// Adobe writes the light that an ink leaves, others the ink.
static void inks_to_rgb(const unsigned char *cmyk, int64_t pixels, bool light, unsigned char *rgb) {
  int flip = light ? 0 : 255;
  for (int64_t i = 0; i < pixels; i++, cmyk += 4, rgb += 3)
    for (int c = 0; c < 3; c++)
      rgb[c] = (unsigned char)(((cmyk[c] ^ flip) * (cmyk[3] ^ flip) + 127) / 255);
}

static hd_status read_all(reading *r, const char *name, size_t count, const hd_image_options *o,
                          hd_error *err) {
  j_decompress_ptr j = &r->j;
  if (setjmp(r->errors.back)) return failed(&r->errors, &r->memory, name, err);
  jpeg_create_decompress(j);
  hd_jpeg_memory_start(&r->memory, (j_common_ptr)(void *)j);
  j->src = &r->source;
  j->progress = &r->progress;
  jpeg_read_header(j, TRUE);
  hd_status status = check(r, name, count, o, err);
  if (status) return status;
  bool inks = j->num_components == 4;
  if (j->num_components != 1 && j->num_components != 3 && !inks)
    return hd_fail(err, HD_E_UNSUPPORTED, "%s: a JPEG of %d components; 1, 3 and 4 are known", name,
                   j->num_components);
  j->out_color_space = inks ? JCS_CMYK : j->num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
  j->dct_method = JDCT_ISLOW;
  jpeg_start_decompress(j);
  int64_t width = j->output_width, height = j->output_height, channels = j->num_components;
  if (inks) r->row = hd_alloc(r->memory.env, (size_t)(4 * width)), channels = 3;
  r->pixels = hd_tensor_new(r->memory.env, HD_U8, HD_SHAPE(height, width, channels), err);
  if (!r->pixels.data || (inks && !r->row))
    return hd_fail(err, HD_E_MEMORY, "%s: memory is out", name);
  while (j->output_scanline < j->output_height) {
    unsigned char *at = (unsigned char *)r->pixels.data + j->output_scanline * width * channels;
    JSAMPROW row = inks ? r->row : at;
    jpeg_read_scanlines(j, &row, 1);
    if (inks) inks_to_rgb(r->row, width, j->saw_Adobe_marker, at);
  }
  jpeg_finish_decompress(j);
  return HD_OK;
}

hd_status hd_parse_jpeg(const hd_env *env, const char *name, const void *bytes, size_t count,
                        hd_tensor *to, hd_error *err, hd_image_options o) {
  *to = (hd_tensor){0};
  hd_status status = hd_image_check(name, &o, err);
  if (status) return status;
  reading r = {.memory = {.env = env},
               .source = {.next_input_byte = bytes,
                          .bytes_in_buffer = count,
                          .init_source = begin_source,
                          .fill_input_buffer = no_more,
                          .skip_input_data = skip,
                          .resync_to_restart = jpeg_resync_to_restart,
                          .term_source = begin_source},
               .progress = {.progress_monitor = count_scans}};
  r.j.err = errors_start(&r.errors);
  status = read_all(&r, name, count, &o, err);
  jpeg_destroy_decompress(&r.j);
  hd_release(env, r.row);
  if (status) {
    hd_tensor_free(&r.pixels);
    return status;
  }
  *to = r.pixels;
  return hd_image_finish(env, name, &o, to, err);
}

// ---- Writing ------------------------------------------------------------------------------------

typedef struct writing {
  hd_jpeg_errors errors;
  hd_jpeg_memory memory;
  struct jpeg_destination_mgr to;
  struct jpeg_compress_struct j;
  hd_bytes out;
  JOCTET chunk[4096];
} writing;

static void begin_chunk(j_compress_ptr j) {
  writing *w = j->client_data;
  w->to.next_output_byte = w->chunk, w->to.free_in_buffer = sizeof w->chunk;
}

static void add(j_compress_ptr j, size_t count) {
  writing *w = j->client_data;
  hd_bytes_add(&w->out, w->chunk, count);
  if (w->out.failed) ERREXIT1(j, JERR_OUT_OF_MEMORY, 0);
}

static boolean full_chunk(j_compress_ptr j) {
  add(j, sizeof((writing *)j->client_data)->chunk);
  begin_chunk(j);
  return TRUE;
}

static void last_chunk(j_compress_ptr j) {
  writing *w = j->client_data;
  add(j, sizeof w->chunk - w->to.free_in_buffer);
}

static hd_status write_all(writing *w, const hd_tensor *image, const hd_image_write_options *o,
                           hd_error *err) {
  j_compress_ptr j = &w->j;
  const int64_t *d = image->shape.d;
  if (setjmp(w->errors.back)) return failed(&w->errors, &w->memory, "JPEG", err);
  jpeg_create_compress(j);
  hd_jpeg_memory_start(&w->memory, (j_common_ptr)(void *)j);
  j->client_data = w;
  j->dest = &w->to;
  j->image_width = (JDIMENSION)d[1], j->image_height = (JDIMENSION)d[0];
  j->input_components = (int)d[2];
  j->in_color_space = d[2] == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(j);
  jpeg_set_quality(j, o->quality ? o->quality : 90, TRUE);
  if (o->full_chroma) j->comp_info[0].h_samp_factor = j->comp_info[0].v_samp_factor = 1;
  j->optimize_coding = TRUE;
  j->dct_method = JDCT_ISLOW;
  jpeg_start_compress(j, TRUE);
  while (j->next_scanline < j->image_height) {
    JSAMPROW row = (JSAMPROW)image->data + j->next_scanline * d[1] * d[2];
    jpeg_write_scanlines(j, &row, 1);
  }
  jpeg_finish_compress(j);
  return HD_OK;
}

hd_status hd_encode_jpeg(const hd_env *env, const hd_tensor *image, void **to, size_t *size,
                         hd_error *err, hd_image_write_options o) {
  *to = NULL, *size = 0;
  hd_status status = hd_image_writable("JPEG", image, "13", err);
  if (status) return status;
  if (o.quality < 0 || o.quality > 100)
    return hd_fail(err, HD_E_ARGUMENT, "JPEG: quality is %d, must be 1 to 100; default 90",
                   o.quality);
  writing w = {.memory = {.env = env},
               .out = {.env = env},
               .to = {.init_destination = begin_chunk,
                      .empty_output_buffer = full_chunk,
                      .term_destination = last_chunk}};
  w.j.err = errors_start(&w.errors);
  status = write_all(&w, image, &o, err);
  jpeg_destroy_compress(&w.j);
  if (status) {
    hd_release(env, w.out.at);
    return status;
  }
  *to = w.out.at, *size = w.out.size;
  return HD_OK;
}

#endif
