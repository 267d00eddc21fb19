// Training steps of Hadal, "step NET OPTIMIZER BATCH [bf16]", and outputs, "infer NET BATCH
// [bf16]", the copy of the batch included; and "epoch NET OPTIMIZER BATCH", hd_fit over 60,000
// shuffled samples with everything it does. Public interface only.
#include "bench.h"
#include "nets.h"

static hd_env env;
static hd_error err;
static bool failed(void) { return fprintf(stderr, "step: %s\n", err.text), false; }

// One case that has been asked for. Kept: later rounds find it compiled.
typedef struct {
  char line[256];
  hd_store *store;
  hd_workspace *workspace;
  float *images;
  int32_t *labels;      // zeros, whatever their type, where a number is to be met
  float *image;         // the input of the workspace
  int32_t *label;       // NULL: inference
  int64_t batch, size;  // size: of one image
  int64_t next, batches;
} stepper;
enum { STEPPERS = 64, SAMPLES = 1024, EPOCH = 60000 };
static stepper kept[STEPPERS];

static void data(const net_info *net, int64_t samples, int64_t *size, float **images,
                 int32_t **labels) {
  hd_shape one = net->input;
  one.d[0] = 1;
  *size = hd_shape_count(one);
  *images = bench_floats(samples * *size);
  *labels = bench_memory((size_t)samples * sizeof **labels);
  for (int64_t i = 0; i < samples; i++) (*labels)[i] = (int32_t)(i * 7919 % net->classes);
}

// optimizer NULL: outputs alone are wanted.
static bool prepare(stepper *s, const net_info *net, const char *optimizer, bool bf16) {
  hd_precision precision = bf16 ? HD_PRECISION_BF16 : HD_PRECISION_F32;
  hd_graph *g = hd_graph_new(&env);
  hd_plan *plan;
  s->store = hd_store_new(&env);
  if (optimizer) {
    hd_val loss = net_loss(g, net);
    plan = hd_compile(s->store, &err, .fetch = {loss},
                      .update = {hd_minimize(loss, net_optimizer(optimizer))}, .mode = HD_TRAIN,
                      .batch = s->batch, .precision = precision);
  } else {
    hd_val y = net_build(net, hd_input(g, "image", HD_F32, net->input));
    plan = hd_compile(s->store, &err, .fetch = {y}, .batch = s->batch, .frozen = true,
                      .precision = precision);
  }
  if (!plan || !(s->workspace = hd_workspace_new(plan, NULL, &err))) return failed();
  if (net_count(net, s->store) < 0) exit(1);
  s->image = hd_workspace_input(s->workspace, "image", NULL);
  s->label = hd_workspace_input(s->workspace, "label", NULL);
  int64_t samples = net->input.rank == 4 && net->input.d[3] == 3 ? SAMPLES / 4 : SAMPLES;
  s->batches = samples / s->batch;
  data(net, samples, &s->size, &s->images, &s->labels);
  hd_graph_free(g);
  return true;
}

static void step(void *what) {
  stepper *s = what;
  int64_t first = s->next * s->batch;
  memcpy(s->image, s->images + first * s->size, (size_t)(s->batch * s->size) * sizeof *s->image);
  if (s->label) memcpy(s->label, s->labels + first, (size_t)s->batch * sizeof *s->label);
  s->next = (s->next + 1) % s->batches;
  if (hd_run(s->workspace, &err)) exit(failed() + 1);
}

static bool epoch(const net_info *net, const char *optimizer, int batch) {
  int64_t size;
  float *images;
  int32_t *labels;
  data(net, EPOCH, &size, &images, &labels);
  hd_tensor tensors[] = {{.dtype = HD_F32, .shape = net->input, .data = images},
                         {.dtype = HD_I32, .shape = HD_SHAPE(EPOCH), .data = labels}};
  tensors[0].shape.d[0] = EPOCH;
  hd_data set;
  if (hd_data_from_tensors(&env, (const char *[]){"image", "label"}, tensors, 2, &set, &err))
    return failed();
  hd_graph *g = hd_graph_new(&env);
  hd_store *store = hd_store_new(&env);
  bench_time a = bench_now();
  bool bad = hd_fit(store, net_loss(g, net), &set, &err, .optimizer = net_optimizer(optimizer),
                    .batch = batch, .epochs = 1);
  bench_time b = bench_now();
  hd_store_free(store);
  hd_graph_free(g);
  hd_data_free(&set);
  free(images);
  free(labels);
  if (bad) return failed();
  printf("fit %.6g %.6g ", b.wall - a.wall, b.cpu - a.cpu);
  return true;
}

static bool answer(const char *line) {
  char name[32], optimizer[16] = "";
  int batch;
  bool infer = sscanf(line, "infer %31s %d", name, &batch) == 2;
  if (!infer && sscanf(line, "%*s %31s %15s %d", name, optimizer, &batch) != 3) return false;
  const net_info *net = net_find(name);
  if (!net || batch < 1 || batch > SAMPLES / 4) return false;
  if (!strncmp(line, "epoch", 5)) return epoch(net, optimizer, batch);
  stepper *s = kept;
  while (s < kept + STEPPERS - 1 && s->line[0] && strcmp(s->line, line)) s++;
  if (!s->workspace) {
    s->batch = batch;
    if (!prepare(s, net, infer ? NULL : optimizer, bench_bf16(line))) return false;
    snprintf(s->line, sizeof s->line, "%s", line);
  }
  bench_measure("plan", step, s);
  return true;
}

int main(int argc, char **argv) {
  env.threads = argc > 1 ? atoi(argv[1]) : 1;
  bench_serve(answer);
  return 0;
}
