// hadal filter: a man-made kernel on an image file, or all of them on a sheet.
#include "../../include/hadal/report.h"
#include "../lecture/photo.h"
#include "cli.h"

static const cli_option options[] = {
    {"--list", NULL, NULL, "the kernels that have names"},
    {"--gallery", "OUT", NULL, "all of them on one sheet, .png or .svg"},
    {"--edge", "HOW", "nearest", "what lies beyond the image: zero, nearest or reflect"},
    {"--convolve", NULL, NULL, "turn the kernel, as convolution in mathematics does"},
    {"--scale", "X", "1", "times the sum"},
    {"--offset", "X", "0", "then added: 128 shows negative values"},
    {"--threads", "N", "one per core", ""},
    {NULL, NULL, NULL, NULL}};

static int list(void) {
  int count;
  const hd_image_kernel *k = hd_image_kernels(&count);
  for (int i = 0; i < count; i++) {
    printf("%-14s %s\n", k[i].name, k[i].about);
    for (int r = 0; r < k[i].height; r++) {
      printf("%*s", 18, "");
      for (int c = 0; c < k[i].width; c++) printf(" %4g", k[i].weight[r * k[i].width + c]);
      if (k[i].divisor != 1 && r == k[i].height / 2) printf("   / %g", k[i].divisor);
      printf("\n");
    }
  }
  return CLI_DONE;
}

static bool real(const cli_args *args, const char *option, double standard, double *to) {
  const char *text = cli_value(args, option);
  *to = standard;
  if (!text) return true;
  if (hd_parse_real(text, text + strlen(text), to) && *to - *to == 0) return true;
  cli_fail(CLI_WRONG, "%s %s: must be a number", option, text);
  return false;
}

static bool read_options(const cli_args *args, hd_filter_options *to) {
  static const char *const edges[] = {"zero", "nearest", "reflect"};
  const char *edge = cli_value(args, "--edge");
  to->convolve = cli_has(args, "--convolve");
  to->edge = HD_EDGE_NEAREST;
  for (int i = 0; edge && i < 3; i++)
    if (!strcmp(edge, edges[i])) to->edge = (hd_edge)i, edge = NULL;
  if (edge) {
    cli_fail(CLI_WRONG, "--edge %s: must be zero, nearest or reflect", edge);
    return false;
  }
  if (!real(args, "--scale", 1, &to->scale) || !real(args, "--offset", 0, &to->offset))
    return false;
  if (to->scale == 0) {
    cli_fail(CLI_WRONG, "--scale 0: nothing would be left");
    return false;
  }
  return true;
}

// A name, or numbers: whatever holds a blank, a comma or a slash, or begins like one.
static bool find_kernel(const char *word, float *weight, hd_image_kernel *to) {
  const hd_image_kernel *named = hd_image_kernel_find(word), *all;
  hd_error err = {0};
  const char *known[64];
  int count;
  if (named) return *to = *named, true;
  if (strpbrk(word, " ,/\t\n") || strchr("+-.0123456789", *word)) {
    if (!hd_image_kernel_parse(word, weight, to, &err)) return true;
    cli_fail(CLI_WRONG, "%s", err.text);
    return false;
  }
  all = hd_image_kernels(&count);
  for (int i = 0; i < count && i < 64; i++) known[i] = all[i].name;
  int nearest = hd_nearest(word, known, HD_MIN(count, 64));
  if (nearest >= 0)
    cli_fail(CLI_WRONG, "unknown kernel \"%s\"; did you mean \"%s\"?", word, known[nearest]);
  else
    cli_fail(CLI_WRONG,
             "unknown kernel \"%s\"; see hadal filter --list, or give numbers: "
             "\"0 -1 0 / -1 5 -1 / 0 -1 0\"",
             word);
  return false;
}

// path NULL: a photograph that is installed, or the test card.
static hd_status open_image(const cli_process *p, const char *path, int size, hd_tensor *to,
                            hd_error *err) {
  char about[300];
  hd_status status = path ? hd_read_image(&p->data, path, to, err)
                          : lecture_photo(&p->data, p->sets.root, size, to, about, err);
  if (!path && !status) printf("%s\n", about);
  if (status || !path || !size) return status;
  hd_tensor whole = *to;
  int64_t h = whole.shape.d[0], w = whole.shape.d[1], longer = HD_MAX(h, w);
  if (longer <= size) return HD_OK;
  status = hd_image_resize(&p->data, &whole, HD_MAX(h * size / longer, 1),
                           HD_MAX(w * size / longer, 1), to, err);
  hd_tensor_free(&whole);
  return status;
}

static int apply(cli_process *p, cli_args *args, const hd_filter_options *o) {
  static float weight[HD_KERNEL_WEIGHTS];
  hd_image_kernel kernel;
  hd_tensor image = {0}, made = {0};
  hd_error err = {0};
  if (args->words < 2)
    return cli_fail(CLI_WRONG, "filter: something is missing; usage: hadal filter %s",
                    args->command->usage);
  if (!find_kernel(args->word[0], weight, &kernel)) return CLI_WRONG;
  if (kernel.height % 2 == 0 || kernel.width % 2 == 0)
    return cli_fail(CLI_WRONG,
                    "a kernel of %d x %d has no middle to lie on a pixel: both sides must be odd; "
                    "add a row or column of zeros on the side you choose",
                    kernel.height, kernel.width);
  const char *in = args->words > 2 ? args->word[1] : NULL, *out = args->word[args->words - 1];
  hd_status status = open_image(p, in, 0, &image, &err);
  if (!status) status = (hd_image_filter)(&p->env, &image, &kernel, &made, &err, *o);
  if (!status) status = hd_write_image(&p->env, out, &made, &err);
  if (!status)
    printf("%s: %lld x %lld pixels, %s%s\n", out, (long long)made.shape.d[1],
           (long long)made.shape.d[0], kernel.name ? kernel.name : "your kernel",
           o->convolve ? ", turned" : "");
  hd_tensor_free(&made);
  hd_tensor_free(&image);
  return status ? cli_fail(CLI_FAILED, "%s", err.text) : CLI_DONE;
}

static int gallery(cli_process *p, cli_args *args, const hd_filter_options *o) {
  enum { SIDE = 300 };
  int count;
  const hd_image_kernel *k = hd_image_kernels(&count);
  const char *captions[64], *out = cli_value(args, "--gallery");
  hd_tensor image = {0}, sheet = {0};
  hd_error err = {0};
  if (args->words > 1) return cli_fail(CLI_WRONG, "filter --gallery OUT [IN]: too many words");
  hd_status status = open_image(p, args->words ? args->word[0] : NULL, SIDE, &image, &err);
  size_t each = status ? 0 : (size_t)hd_shape_count(image.shape);
  if (!status) {
    hd_shape s = image.shape;
    sheet = hd_tensor_new(&p->data, HD_U8, HD_SHAPE(count, s.d[0], s.d[1], s.d[2]), &err);
    if (!sheet.data) status = err.status;
  }
  for (int i = 0; !status && i < count; i++) {
    hd_tensor one;
    captions[i] = k[i].name;
    status = (hd_image_filter)(&p->env, &image, &k[i], &one, &err, *o);
    if (!status) memcpy((char *)sheet.data + (size_t)i * each, one.data, each);
    hd_tensor_free(&one);
  }
  hd_figure *f = status ? NULL : hd_figure_new(&p->data, .width = 4 * (SIDE + 10) + 10);
  if (f) {
    hd_figure_images(f, sheet, .captions = captions, .size = SIDE, .columns = 4);
    status = hd_figure_save(f, out, &err);
  } else if (!status) {
    status = hd_fail(&err, HD_E_MEMORY, "memory is out");
  }
  hd_figure_free(f);
  hd_tensor_free(&sheet);
  hd_tensor_free(&image);
  if (status) return cli_fail(CLI_FAILED, "%s", err.text);
  printf("%s: %d kernels\n", out, count);
  return CLI_DONE;
}

static int run(cli_args *args) {
  static cli_process p;
  hd_filter_options o = {0};
  int64_t threads;
  if (cli_has(args, "--list")) return list();
  if (!read_options(args, &o) || !cli_number(args, "--threads", 1, 1024, 0, &threads))
    return CLI_WRONG;
  cli_process_start(&p, (int)threads);
  return cli_has(args, "--gallery") ? gallery(&p, args, &o) : apply(&p, args, &o);
}

const cli_command cli_filter = {
    "filter",
    "NAME|KERNEL [IN] OUT [options], or --gallery OUT [IN], or --list",
    "applies a man-made kernel to an image",
    options,
    0,
    3,
    run,
    "KERNEL is rows of numbers: \"0 -1 0 / -1 5 -1 / 0 -1 0\". IN is a PNG, JPEG, PGM or PPM; "
    "without it\n"
    "a photograph that Debian has installed (python3-sklearn's china.jpg), or else a drawn test "
    "card.\n"
    "OUT's ending gives its format. Results are held in 0..255, each channel by itself."};
