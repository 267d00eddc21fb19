// What hd_minimize does around an optimiser, in double, against loops by hand: accumulation,
// clipping, penalties, constraints, averages.
#include "../../test/net.h"

enum { ROWS = 3, UNITS = 2, STEPS = 24 };
typedef struct {
  double w[ROWS][UNITS], b[UNITS];
} set;  // a matrix and a vector

// loss = sum a (W - x)^2 / 2 + sum (b - y)^2 / 2, so that g = a (W - x), b - y
typedef struct {
  hd_val loss, w, b;
} model;
static model build(hd_graph *g) {
  model m;
  double a[ROWS * UNITS] = {1, -2, 3, 0.5, 4, 1};
  hd_val x = hd_input(g, "x", HD_F64, HD_SHAPE(ROWS, UNITS)),
         y = hd_input(g, "y", HD_F64, HD_SHAPE(UNITS));
  m.w = hd_variable(g, HD_F64, HD_SHAPE(ROWS, UNITS), .name = "w", .init = {HD_NORMAL, 0, 1});
  m.b = hd_variable(g, HD_F64, HD_SHAPE(UNITS), .name = "b", .init = {HD_NORMAL, 0, 1});
  hd_val far = hd_mul(hd_constant(g, HD_F64, HD_SHAPE(ROWS, UNITS), a), hd_square(hd_sub(m.w, x)));
  m.loss = hd_scale(hd_add(hd_sum(far), hd_sum(hd_square(hd_sub(m.b, y)))), 0.5);
  return m;
}
static void gradient(const net *n, const set *at, set *g) {
  const double a[ROWS][UNITS] = {{1, -2}, {3, 0.5}, {4, 1}};
  const double *x = hd_workspace_input(n->w, "x", NULL), *y = hd_workspace_input(n->w, "y", NULL);
  for (int i = 0; i < ROWS; i++)
    for (int k = 0; k < UNITS; k++) g->w[i][k] = a[i][k] * (at->w[i][k] - x[i * UNITS + k]);
  for (int k = 0; k < UNITS; k++) g->b[k] = at->b[k] - y[k];
}

typedef struct {
  set at, sum, mean;
  int updates, averaged;
} hand;
typedef void step(hand *h, set *g, int t);
static double *flat(set *s) { return &s->w[0][0]; }
enum { ALL = ROWS * UNITS + UNITS };
_Static_assert(sizeof(set) == ALL * sizeof(double), "flat");
#define EACH(i) for (int i = 0; i < ALL; i++)
static const double LR = 0.125;
static void move(hand *h, set *g) { EACH(i) flat(&h->at)[i] -= LR * flat(g)[i]; }

static void plain(hand *h, set *g, int t) { move(h, g), (void)t; }
static void accumulated(hand *h, set *g, int t) {
  EACH(i) flat(&h->sum)[i] += flat(g)[i];
  if (t % 3) return;
  EACH(i) flat(&h->sum)[i] /= 3;
  move(h, &h->sum);
  h->sum = (set){{{0}}, {0}};
}
static void clipped_values(hand *h, set *g, int t) {
  (void)t;
  EACH(i) flat(g)[i] = fmin(fmax(flat(g)[i], -0.25), 0.25);
  move(h, g);
}
static void clipped_norm(hand *h, set *g, int t) {
  double sum = 0;
  (void)t;
  EACH(i) sum += flat(g)[i] * flat(g)[i];
  EACH(i) flat(g)[i] *= sqrt(sum) > 2 ? 2 / sqrt(sum) : 1;
  move(h, g);
}
static void clipped_by_both(hand *h, set *g, int t) {  // values first
  EACH(i) flat(g)[i] = fmin(fmax(flat(g)[i], -1.5), 1.5);
  clipped_norm(h, g, t);
}
static void lasso(hand *h, set *g, int t) {  // after clipping
  double sum = 0;
  (void)t;
  EACH(i) sum += flat(g)[i] * flat(g)[i];
  EACH(i) {
    double w = flat(&h->at)[i];
    flat(g)[i] = flat(g)[i] * fmin(2 / sqrt(sum), 1) + 0.5 * ((w > 0) - (w < 0));
  }
  move(h, g);
}
static void within(hand *h, set *g, int t) {  // columns, not the vector
  (void)t;
  move(h, g);
  for (int k = 0; k < UNITS; k++) {
    double sum = 0;
    for (int i = 0; i < ROWS; i++) sum += h->at.w[i][k] * h->at.w[i][k];
    for (int i = 0; i < ROWS; i++) h->at.w[i][k] *= sqrt(sum) > 1 ? 1 / sqrt(sum) : 1;
  }
}
// Kingma & Ba 2015, 7.2: m = d m + (1 - d) w from zeros, corrected by 1 / (1 - d^t)
static void exponential(hand *h, set *g, int t) {
  move(h, g);
  EACH(i) flat(&h->sum)[i] = 0.75 * flat(&h->sum)[i] + 0.25 * flat(&h->at)[i];
  EACH(i) flat(&h->mean)[i] = flat(&h->sum)[i] / (1 - pow(0.75, t));
}
// Epochs of 4 steps; the weights after epochs 3, 4, ... are averaged.
static void stochastic(hand *h, set *g, int t) {
  move(h, g);
  if (t < 12) h->mean = h->at;
  if (t < 12 || t % 4) return;
  EACH(i) flat(&h->sum)[i] += flat(&h->at)[i];
  h->averaged++;
  EACH(i) flat(&h->mean)[i] = flat(&h->sum)[i] / h->averaged;
}

static void they_do_what_the_formulas_say(void **state) {
  (void)state;
  const struct {
    const char *name;
    hd_minimize_options o;
    step *step;
    bool averages;
  } table[] = {{"plain", {.accumulate = 1}, plain, false},
               {"accumulate", {.accumulate = 3}, accumulated, false},
               {"clip_value", {.clip_value = 0.25f}, clipped_values, false},
               {"clip_norm", {.clip_norm = 2}, clipped_norm, false},
               {"both", {.clip_value = 1.5f, .clip_norm = 2}, clipped_by_both, false},
               {"l1", {.clip_norm = 2, .l1 = 0.5f}, lasso, false},
               {"max_norm", {.max_norm = 1}, within, false},
               {"ema", {.ema = 0.75f}, exponential, true},
               {"swa", {.swa = 3, .steps_per_epoch = 4}, stochastic, true}};
  for (size_t k = 0; k < sizeof table / sizeof *table; k++) {
    net n = net_new(NULL);
    model m = build(n.g);
    hd_update u = (hd_minimize)(m.loss, hd_sgd(.lr = 0.125f), table[k].o);
    net_compile(&n, (hd_compile_options){.fetch = {m.loss}, .update = {u}, .mode = HD_TRAIN});
    hand h = {0};
    const double *w = hd_store_find(n.store, "w")->data, *b = hd_store_find(n.store, "b")->data;
    memcpy(h.at.w, w, sizeof h.at.w);
    memcpy(h.at.b, b, sizeof h.at.b);
    for (int t = 1; t <= STEPS; t++) {
      set g;
      net_fill(&n, "x", (uint64_t)t);
      net_fill(&n, "y", (uint64_t)t + 100);
      gradient(&n, &h.at, &g);
      table[k].step(&h, &g, t);
      net_run(&n);
      EACH(i) {
        double is = i < ROWS * UNITS ? w[i] : b[i - ROWS * UNITS], must = flat(&h.at)[i];
        if (!(fabs(is - must) < 1e-12))
          fail_msg("%s: step %d gives %.15g, by hand %.15g", table[k].name, t, is, must);
      }
      const hd_parameter *mean = hd_store_find(n.store, "sgd_1/w/average");
      assert_int_equal(mean != NULL, table[k].averages);
      for (int i = 0; mean && i < ROWS * UNITS; i++) {
        double is = ((const double *)mean->data)[i], must = flat(&h.mean)[i];
        if (!(fabs(is - must) < 1e-12))
          fail_msg("%s: after %d steps the average is %.15g, by hand %.15g", table[k].name, t, is,
                   must);
      }
    }
    net_free(&n);
  }
}

// Steps that are not finite are left out of a sum as if they had never been.
static void a_bad_batch_is_left_out_of_a_sum(void **state) {
  (void)state;
  double at[2];
  for (int bad = 0; bad < 2; bad++) {
    net n = net_new(NULL);
    model m = build(n.g);
    hd_update u = hd_minimize(m.loss, hd_sgd(.lr = 0.1f, .momentum = 0.9f), .accumulate = 2,
                              .swa = 1, .steps_per_epoch = 2);
    net_compile(&n, (hd_compile_options){.fetch = {m.loss}, .update = {u}, .mode = HD_TRAIN});
    for (uint64_t t = 0; t < 9; t++) {
      net_fill(&n, "x", t);
      net_fill(&n, "y", t);
      net_run(&n);
      if (!bad || t % 3 == 0) continue;
      ((double *)hd_workspace_input(n.w, "y", NULL))[1] = NAN;
      net_run(&n);
    }
    at[bad] = *(const double *)hd_store_find(n.store, "w")->data;
    assert_int_equal(*(const int32_t *)hd_store_find(n.store, "sgd_1/step")->data, 4);
    net_free(&n);
  }
  assert_true(at[0] == at[1]);
}

static void what_makes_no_sense_is_refused(void **state) {
  (void)state;
  const struct {
    hd_minimize_options o;
    const char *why;
  } table[] = {
      {{.clip_norm = -1}, "must not be negative"},
      {{.accumulate = -1}, "must not be negative"},
      {{.ema = 1}, "ema is 1, must be from 0 up to 1"},
      {{.ema = NAN}, "ema is"},
      {{.ema = 0.5f, .swa = 1}, "give one"},
      {{.schedule = {.kind = HD_SCHEDULE_STEP, .every = -1}}, "must be positive"},
      {{.schedule = {.kind = HD_SCHEDULE_RESTARTS, .growth = 0.5f}}, "growth must be at least 1"},
      {{.schedule = {.kind = HD_SCHEDULE_ONE_CYCLE, .peak = 1}}, "peak between 0 and 1"}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    net n = net_new(NULL);
    assert_null((hd_minimize)(build(n.g).loss, hd_sgd(), table[i].o).graph);
    if (!strstr(hd_graph_error(n.g), table[i].why)) fail_msg("%s", hd_graph_error(n.g));
    net_free(&n);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(they_do_what_the_formulas_say),
                                     cmocka_unit_test(a_bad_batch_is_left_out_of_a_sum),
                                     cmocka_unit_test(what_makes_no_sense_is_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
