// Lecture: learning without gradients, where descent may be trapped: genetic algorithms, simulated
// annealing and CMA-ES against SGD and L-BFGS, by how often the loss is looked at.
#include <stdio.h>
#include <string.h>

#include "lesson.h"

enum { GENETIC, ANNEAL, CMA_ES, LBFGS, SGD, METHODS, POINTS = 4096 };
static const char *const names[METHODS] = {"genetic algorithm", "simulated annealing", "CMA-ES",
                                           "L-BFGS", "SGD"};

// Best loss so far by evaluations of the loss over all samples; a gradient counts for two more.
typedef struct curve {
  int count;
  double evaluations[POINTS], best[POINTS], each;
} curve;
static void note(curve *c, double evaluations, double loss) {
  if (c->count == POINTS) return;
  double best = c->count ? c->best[c->count - 1] : loss;
  c->evaluations[c->count] = evaluations;
  c->best[c->count++] = loss < best ? loss : best;
}
static bool on_generation(void *user, const hd_search_progress *p) {
  curve *c = user;
  note(c, c->each * (double)p->evaluations, p->best);
  return true;
}
static bool on_epoch(void *user, const hd_progress *p) {
  curve *c = user;
  note(c, c->each * p->epoch, p->train.loss);
  return true;
}

// Evaluations until the loss was at most 0.1: "1121", "never".
typedef struct looks {
  char text[24];
} looks;
static looks reached(const curve *c) {
  looks at = {"never"};
  for (int i = 0; i < c->count; i++)
    if (c->best[i] <= 0.1) {
      snprintf(at.text, sizeof at.text, "%.0f", c->evaluations[i]);
      break;
    }
  return at;
}

static hd_status search(int method, const hd_objective *f, curve *c, int budget, uint64_t seed,
                        hd_error *err) {
  switch (method) {
    case GENETIC:
      return hd_genetic(f, NULL, err, .seed = seed, .generations = budget / 50, .user = c,
                        .on_generation = on_generation);
    case ANNEAL:
      return hd_anneal(f, NULL, err, .seed = seed, .generations = 200, .moves = budget / 200,
                       .user = c, .on_generation = on_generation);
    case CMA_ES:
      return hd_cma_es(f, NULL, err, .seed = seed, .generations = budget / 20, .population = 20,
                       .user = c, .on_generation = on_generation);
    default:
      return hd_lbfgs(f, NULL, err, .generations = budget / 6, .user = c,
                      .on_generation = on_generation);
  }
}

// One net, inputs-4-classes, by one method. Samples that are wrong at the end.
static hd_status learn(lesson *l, const hd_data *data, int method, int budget, curve *c, int *wrong,
                       hd_error *err) {
  hd_graph *g = lesson_graph(l);
  hd_store *p = lesson_store(l, l->seed);
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, data->column[0].type.shape.d[0]));
  hd_val t = lesson_labels(g);
  hd_val y = hd_dense(hd_tanh(hd_dense(x, .units = 4)), .units = data->classes);
  hd_val loss = hd_cross_entropy(y, t);
  hd_status status;
  *c = (curve){.each = method >= LBFGS ? 3 : 1};
  if (method == SGD) {
    int batch = data->samples < 15 ? (int)data->samples : 15;
    status = hd_fit(p, loss, data, err, .optimizer = hd_sgd(.lr = 0.02f, .momentum = 0.9f),
                    .batch = batch, .epochs = budget / 3, .user = c, .on_epoch = on_epoch);
  } else {
    hd_objective f;
    status = hd_objective_of_loss(p, loss, data, &f, err, .gradient = method == LBFGS);
    if (!status) status = search(method, &f, c, budget, l->seed, err);
    hd_objective_free(&f);
  }
  hd_metrics m = {0};
  if (!status) status = hd_evaluate(p, loss, hd_accuracy(y, t), data, 64, &m, err);
  *wrong = (int)((double)data->samples * (1 - m.accuracy) + 0.5);
  lesson_clear(l);
  return status;
}

static hd_status run(lesson *l, hd_error *err) {
  static const char *const sets[] = {"xor", "iris"};
  static curve c[METHODS];
  const int budget = l->brief ? 4000 : 20000;
  int wrong[2][METHODS];
  looks at[METHODS];
  for (int s = 0; s < 2; s++) {
    const hd_data *data = lesson_set(l, sets[s], "train", err);
    if (!data) return err->status;
    hd_figure *f = hd_figure_new(l->env, .x = "evaluations of the loss", .y = "best loss so far",
                                 .log_x = true, .log_y = true, .y_min = 1e-4, .y_max = 3);
    for (int k = 0; k < METHODS; k++) {
      if (learn(l, data, k, budget, &c[k], &wrong[s][k], err)) {
        hd_figure_free(f);
        return err->status;
      }
      hd_figure_line(f, c[k].evaluations, c[k].best, c[k].count, .name = names[k]);
      at[k] = reached(&c[k]);
      char what[64];
      snprintf(what, sizeof what, "%s, %s", sets[s], names[k]);
      bool must = k < LBFGS && !(s && k == ANNEAL) && !l->brief;
      lesson_must(l, !must || wrong[s][k] <= (s ? 7 : 0), what,
                  k < LBFGS ? "an alternative to descent" : "descent",
                  "%d of %d wrong; loss 0.1 after %s", wrong[s][k], (int)data->samples, at[k].text);
    }
    char name[32];
    snprintf(name, sizeof name, "%s.svg", sets[s]);
    if (lesson_figure(l, f, name, err)) return err->status;
  }
  bool trapped = wrong[1][LBFGS] > 40 || wrong[1][SGD] > 40;
  lesson_finding(
      l,
      "On irises the three get %d, %d and %d of 150 wrong; L-BFGS %d and SGD %d%s. To "
      "bring the loss to 0.1 takes them %s, %s and %s looks at it, L-BFGS %s and SGD %s.",
      wrong[1][0], wrong[1][1], wrong[1][2], wrong[1][LBFGS], wrong[1][SGD],
      trapped ? ": descent is trapped" : "", at[0].text, at[1].text, at[2].text, at[LBFGS].text,
      at[SGD].text);
  return HD_OK;
}

const lecture lecture_gradient_free = {
    "gradient-free", "ai", "optimisation", "Learning without gradients", 4, run};
