// Problem strings, for benches, checks and bug reports: matmul:m64n128k784.ta.tb and
// conv2d:n8h56w56c64,k3s1p1f64d1g1.dw.bf16. Sizes are letters with numbers; suffixes follow points.
#include "cli.h"

typedef struct key {
  char letter;
  int64_t *to, standard;  // standard -1: required
} key;

static bool read_keys(const char *text, size_t length, const key *keys, int count, char *why,
                      size_t size) {
  for (int i = 0; i < count; i++) *keys[i].to = keys[i].standard;
  for (size_t at = 0; at < length;) {
    int i = 0;
    if (text[at] == ',') {
      at++;
      continue;
    }
    while (i < count && keys[i].letter != text[at]) i++;
    size_t digits = strspn(text + at + 1, "0123456789");
    if (i == count) return snprintf(why, size, "no size is called \"%c\"", text[at]), false;
    if (digits < 1 || digits > 9 ||
        !hd_parse_int(text + at + 1, text + at + 1 + digits, keys[i].to))
      return snprintf(why, size, "\"%c\" needs a number", text[at]), false;
    at += 1 + digits;
  }
  for (int i = 0; i < count; i++)
    if (*keys[i].to < 0) return snprintf(why, size, "%c is missing", keys[i].letter), false;
    else if (*keys[i].to == 0 && keys[i].letter != 'p')
      return snprintf(why, size, "%c is 0", keys[i].letter), false;
  return true;
}

static bool read_suffix(const char *word, size_t length, cli_problem *p, char *why, size_t size) {
  static const char *const names[] = {"ta", "tb", "dw", "dx", "bf16", "bf16x3"};
  for (int i = 0; i < (int)HD_COUNT(names); i++) {
    if (strlen(names[i]) != length || strncmp(names[i], word, length)) continue;
    if (i < 4 && p->conv != (i >= 2)) continue;
    if (i == 0) p->ta = true;
    else if (i == 1) p->tb = true;
    else if (i < 4) p->direction = i == 2 ? CLI_DW : CLI_DX;
    else p->precision = i == 4 ? HD_PRECISION_BF16 : HD_PRECISION_BF16X3;
    return true;
  }
  return snprintf(why, size, "unknown suffix \".%.*s\"; known are %s, .bf16 and .bf16x3",
                  (int)length, word, p->conv ? ".dw, .dx" : ".ta, .tb"),
         false;
}

bool cli_problem_parse(const char *text, cli_problem *p, char *why, size_t size) {
  *p = (cli_problem){0};
  if (snprintf(p->text, sizeof p->text, "%s", text) >= (int)sizeof p->text)
    return snprintf(why, size, "too long"), false;
  const char *colon = strchr(text, ':');
  size_t name = colon ? (size_t)(colon - text) : 0;
  p->conv = name == 6 && !strncmp(text, "conv2d", 6);
  if (!p->conv && !(name == 6 && !strncmp(text, "matmul", 6)))
    return snprintf(why, size,
                    "begins with neither matmul: nor conv2d:, such as matmul:m64n128k784 and "
                    "conv2d:n8h56w56c64,k3s1p1f64"),
           false;
  const char *sizes = colon + 1, *point = strchr(sizes, '.');
  size_t length = point ? (size_t)(point - sizes) : strlen(sizes);
  const key matmul[] = {{'m', &p->m, -1}, {'n', &p->n, -1}, {'k', &p->k, -1}};
  const key conv[] = {{'n', &p->n, -1},     {'h', &p->h, -1},         {'w', &p->w, -1},
                      {'c', &p->c, -1},     {'k', &p->kernel[0], -1}, {'f', &p->f, -1},
                      {'s', &p->stride, 1}, {'p', &p->pad, 0},        {'d', &p->dilation, 1},
                      {'g', &p->groups, 1}};
  if (!read_keys(sizes, length, p->conv ? conv : matmul, p->conv ? (int)HD_COUNT(conv) : 3, why,
                 size))
    return false;
  p->kernel[1] = p->kernel[0];
  while (point) {
    const char *word = point + 1;
    point = strchr(word, '.');
    if (!read_suffix(word, point ? (size_t)(point - word) : strlen(word), p, why, size))
      return false;
  }
  return true;
}

double cli_problem_flop(const cli_problem *p) {
  if (!p->conv) return 2.0 * (double)p->m * (double)p->n * (double)p->k;
  double reach = (double)(p->dilation * (p->kernel[0] - 1) + 1);
  double h = (double)(int64_t)(((double)(p->h + 2 * p->pad) - reach) / (double)p->stride) + 1;
  double w = (double)(int64_t)(((double)(p->w + 2 * p->pad) - reach) / (double)p->stride) + 1;
  return 2.0 * (double)p->n * h * w * (double)p->f * (double)(p->kernel[0] * p->kernel[1]) *
         (double)p->c / (double)p->groups;
}

static hd_val make(hd_graph *g, const cli_problem *p, hd_dtype dtype) {
  if (!p->conv) {
    hd_val a = hd_input(g, "a", dtype, p->ta ? HD_SHAPE(p->k, p->m) : HD_SHAPE(p->m, p->k));
    hd_val b = hd_input(g, "b", dtype, p->tb ? HD_SHAPE(p->n, p->k) : HD_SHAPE(p->k, p->n));
    return hd_matmul(a, b, .ta = p->ta, .tb = p->tb);
  }
  int pad = (int)p->pad, stride = (int)p->stride, dilation = (int)p->dilation;
  hd_val x = hd_input(g, "x", dtype, HD_SHAPE(p->n, p->h, p->w, p->c));
  hd_val w = hd_input(g, "w", dtype, HD_SHAPE(p->kernel[0], p->kernel[1], p->c / p->groups, p->f));
  hd_val y = hd_op_conv2d(x, w, .stride = {stride, stride}, .dilation = {dilation, dilation},
                          .groups = (int)p->groups, .pad = HD_EXPLICIT,
                          .padding = {pad, pad, pad, pad}),
         to = y;
  if (p->direction == CLI_FORWARD || !y.graph) return y;
  hd_val dy = hd_input(g, "dy", dtype, hd_val_type(y).shape);
  hd_gradients(y, dy, p->direction == CLI_DW ? &w : &x, 1, &to);
  return to;
}

// The same numbers for both types, in (-1, 1) and exact in float.
void cli_fill(hd_workspace *w, const char *name) {
  hd_type t;
  void *at = hd_workspace_input(w, name, &t);
  int64_t count = at ? hd_shape_count(t.shape) : 0;
  uint64_t state = hd_hash(name, strlen(name), 88172645463325252u);
  for (int64_t i = 0; i < count; i++) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    float v = (float)((double)(int64_t)(state >> 40) / (1 << 23) - 1);
    if (t.dtype == HD_F64) ((double *)at)[i] = (double)v;
    else ((float *)at)[i] = v;
  }
}

hd_status cli_trial_open(const hd_env *env, const cli_problem *p, hd_dtype dtype, cli_trial *to,
                         hd_error *err) {
  static const char *const names[] = {"a", "b", "x", "w", "dy"};
  *to = (cli_trial){.graph = hd_graph_new(env), .store = hd_store_new(env)};
  hd_val y = to->graph ? make(to->graph, p, dtype) : (hd_val){0};
  if (to->graph && *hd_graph_error(to->graph))
    hd_fail(err, HD_E_SHAPE, "%s: %s", p->text, hd_graph_error(to->graph));
  else
    to->plan = hd_compile(to->store, err, .fetch = {y}, .batch = 1,
                          .precision = dtype == HD_F64 ? HD_PRECISION_F32 : p->precision);
  if (to->plan) to->workspace = hd_workspace_new(to->plan, NULL, err);
  for (size_t i = 0; to->workspace && i < HD_COUNT(names); i++) cli_fill(to->workspace, names[i]);
  if (to->workspace) return HD_OK;
  cli_trial_close(to);
  return err && err->status ? err->status : HD_E_MEMORY;
}

void cli_trial_close(cli_trial *t) {
  hd_workspace_free(t->workspace);
  hd_plan_free(t->plan);
  hd_graph_free(t->graph);
  hd_store_free(t->store);
  *t = (cli_trial){0};
}
