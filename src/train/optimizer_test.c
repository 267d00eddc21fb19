// Optimisers against the loops of their papers, in double; schedules against their formulas.
#include "../../test/net.h"

enum { SIZE = 7, STEPS = 25 };
typedef struct {
  double w[SIZE], m[SIZE], v[SIZE], u[SIZE];
} hand;
typedef void step(hand *h, const double *g, int t, double lr);

// loss = sum c (w - x)^2 + sum sin w: gradient 2 c (w - x) + cos w
static void gradient(const double *w, const double *x, double *g) {
  for (int i = 0; i < SIZE; i++) g[i] = 2 * (0.2 + i) * (w[i] - x[i]) + cos(w[i]);
}

static void sgd(hand *h, const double *g, int t, double lr) {
  for (int i = 0; i < SIZE; i++) h->w[i] -= lr * g[i], (void)t;
}
static void momentum(hand *h, const double *g, int t, double lr) {
  (void)t;
  for (int i = 0; i < SIZE; i++) {
    h->v[i] = (double)0.9f * h->v[i] + g[i];
    h->w[i] -= lr * h->v[i];
  }
}
static void nesterov(hand *h, const double *g, int t, double lr) {
  (void)t;
  for (int i = 0; i < SIZE; i++) {
    h->v[i] = (double)0.9f * h->v[i] + g[i];
    h->w[i] -= lr * (g[i] + (double)0.9f * h->v[i]);
  }
}
static void decay(hand *h, const double *g, int t, double lr) {
  (void)t;
  for (int i = 0; i < SIZE; i++) h->w[i] -= lr * (g[i] + (double)0.01f * h->w[i]);
}
static void rmsprop(hand *h, const double *g, int t, double lr) {
  (void)t;
  for (int i = 0; i < SIZE; i++) {
    h->v[i] = (double)0.8f * h->v[i] + (1 - (double)0.8f) * g[i] * g[i];
    h->w[i] -= lr * g[i] / (sqrt(h->v[i]) + (double)1e-8f);
  }
}
static void rmsprop_momentum(hand *h, const double *g, int t, double lr) {
  (void)t;
  for (int i = 0; i < SIZE; i++) {
    h->v[i] = (double)0.9f * h->v[i] + (1 - (double)0.9f) * g[i] * g[i];
    h->m[i] = (double)0.5f * h->m[i] + g[i] / (sqrt(h->v[i]) + (double)1e-8f);
    h->w[i] -= lr * h->m[i];
  }
}
static void adam(hand *h, const double *g, int t, double lr) {
  const double b1 = 0.9f, b2 = 0.999f, eps = 1e-8f;
  for (int i = 0; i < SIZE; i++) {
    h->m[i] = b1 * h->m[i] + (1 - b1) * g[i];
    h->v[i] = b2 * h->v[i] + (1 - b2) * g[i] * g[i];
    h->w[i] -= lr * (h->m[i] / (1 - pow(b1, t))) / (sqrt(h->v[i] / (1 - pow(b2, t))) + eps);
  }
}
static void adam_decay(hand *h, const double *g, int t, double lr) {
  double with[SIZE];
  for (int i = 0; i < SIZE; i++) with[i] = g[i] + (double)0.1f * h->w[i];
  adam(h, with, t, lr);
}
static void adamw(hand *h, const double *g, int t, double lr) {
  double before[SIZE];
  memcpy(before, h->w, sizeof before);
  adam(h, g, t, lr);
  for (int i = 0; i < SIZE; i++) h->w[i] -= lr * (double)0.1f * before[i];
}

static void dampened(hand *h, const double *g, int t, double lr) {
  (void)t;
  for (int i = 0; i < SIZE; i++) {
    h->v[i] = (double)0.9f * h->v[i] + (1 - (double)0.25f) * g[i];
    h->w[i] -= lr * h->v[i];
  }
}
// The classical form keeps the learning rate of its day in v.
static void classical(hand *h, const double *g, int t, double lr) {
  (void)t;
  for (int i = 0; i < SIZE; i++) {
    h->v[i] = (double)0.9f * h->v[i] - lr * g[i];
    h->w[i] += h->v[i];
  }
}
static void classical_nesterov(hand *h, const double *g, int t, double lr) {
  (void)t;
  for (int i = 0; i < SIZE; i++) {
    h->v[i] = (double)0.9f * h->v[i] - lr * g[i];
    h->w[i] += (double)0.9f * h->v[i] - lr * g[i];
  }
}
static void centered(hand *h, const double *g, int t, double lr) {
  const double rho = 0.9f;
  (void)t;
  for (int i = 0; i < SIZE; i++) {
    h->v[i] = rho * h->v[i] + (1 - rho) * g[i] * g[i];
    h->m[i] = rho * h->m[i] + (1 - rho) * g[i];
    h->w[i] -= lr * g[i] / (sqrt(h->v[i] - h->m[i] * h->m[i]) + (double)0.01f);
  }
}
static void adagrad(hand *h, const double *g, int t, double lr) {
  for (int i = 0; i < SIZE; i++) {
    if (t == 1) h->v[i] = 0.125;
    h->v[i] += g[i] * g[i];
    h->w[i] -= lr * g[i] / (sqrt(h->v[i]) + (double)1e-10f);
  }
}
static void adadelta(hand *h, const double *g, int t, double lr) {
  const double rho = 0.95f, eps = 1e-6f;
  (void)t;
  for (int i = 0; i < SIZE; i++) {
    h->v[i] = rho * h->v[i] + (1 - rho) * g[i] * g[i];
    double d = -sqrt(h->u[i] + eps) / sqrt(h->v[i] + eps) * g[i];
    h->u[i] = rho * h->u[i] + (1 - rho) * d * d;
    h->w[i] += lr * d;
  }
}
static void amsgrad(hand *h, const double *g, int t, double lr) {
  const double b1 = 0.9f, b2 = 0.9f, eps = 1e-8f;
  for (int i = 0; i < SIZE; i++) {
    h->m[i] = b1 * h->m[i] + (1 - b1) * g[i];
    h->v[i] = b2 * h->v[i] + (1 - b2) * g[i] * g[i];
    h->u[i] = fmax(h->u[i], h->v[i]);
    h->w[i] -= lr * (h->m[i] / (1 - pow(b1, t))) / (sqrt(h->u[i] / (1 - pow(b2, t))) + eps);
  }
}
static void adamax(hand *h, const double *g, int t, double lr) {
  const double b1 = 0.9f, b2 = 0.999f, eps = 1e-8f;
  for (int i = 0; i < SIZE; i++) {
    h->m[i] = b1 * h->m[i] + (1 - b1) * g[i];
    h->u[i] = fmax(b2 * h->u[i], fabs(g[i]));
    h->w[i] -= lr / (1 - pow(b1, t)) * h->m[i] / (h->u[i] + eps);
  }
}
static void nadam(hand *h, const double *g, int t, double lr) {
  const double b1 = 0.9f, b2 = 0.999f, eps = 1e-8f;
  for (int i = 0; i < SIZE; i++) {
    h->m[i] = b1 * h->m[i] + (1 - b1) * g[i];
    h->v[i] = b2 * h->v[i] + (1 - b2) * g[i] * g[i];
    double m = b1 * h->m[i] / (1 - pow(b1, t + 1)) + (1 - b1) * g[i] / (1 - pow(b1, t));
    h->w[i] -= lr * m / (sqrt(h->v[i] / (1 - pow(b2, t))) + eps);
  }
}
static void radam(hand *h, const double *g, int t, double lr) {
  const double b1 = 0.9f, b2 = 0.999f, eps = 1e-8f, most = 2 / (1 - b2) - 1;
  double rho = most - 2 * t * pow(b2, t) / (1 - pow(b2, t));
  if ((rho > 4) != (t >= 5)) fail_msg("rho %g at step %d", rho, t);
  for (int i = 0; i < SIZE; i++) {
    h->m[i] = b1 * h->m[i] + (1 - b1) * g[i];
    h->v[i] = b2 * h->v[i] + (1 - b2) * g[i] * g[i];
    double m = h->m[i] / (1 - pow(b1, t)), root = sqrt(h->v[i] / (1 - pow(b2, t))) + eps;
    double r = sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho));
    h->w[i] -= rho > 4 ? lr * r * m / root : lr * m;
  }
}
static void lion(hand *h, const double *g, int t, double lr) {
  const double b1 = 0.9f, b2 = 0.99f;
  (void)t;
  for (int i = 0; i < SIZE; i++) {
    double c = b1 * h->m[i] + (1 - b1) * g[i];
    h->w[i] -= lr * ((c > 0) - (c < 0) + (double)0.1f * h->w[i]);
    h->m[i] = b2 * h->m[i] + (1 - b2) * g[i];
  }
}
static void lamb(hand *h, const double *g, int t, double lr) {
  const double b1 = 0.9f, b2 = 0.999f, eps = 1e-6f;
  double u[SIZE], of_u = 0, of_w = 0;
  for (int i = 0; i < SIZE; i++) {
    h->m[i] = b1 * h->m[i] + (1 - b1) * g[i];
    h->v[i] = b2 * h->v[i] + (1 - b2) * g[i] * g[i];
    u[i] = h->m[i] / (1 - pow(b1, t)) / (sqrt(h->v[i] / (1 - pow(b2, t))) + eps) +
           (double)0.1f * h->w[i];
    of_u += u[i] * u[i];
    of_w += h->w[i] * h->w[i];
  }
  for (int i = 0; i < SIZE; i++) h->w[i] -= lr * sqrt(of_w) / sqrt(of_u) * u[i];
}
// u: sizes; m: the gradient before. The schedule acts on the step, not on the size.
static void rprop(hand *h, const double *g, int t, double lr) {
  const double first = 0.01f, most = 0.05f, least = 0.004f;
  for (int i = 0; i < SIZE; i++) {
    if (t == 1) h->u[i] = first;
    double turn = g[i] * h->m[i];
    if (turn > 0) h->u[i] = fmin(h->u[i] * (double)1.2f, most);
    if (turn < 0) h->u[i] = fmax(h->u[i] * 0.5, least);
    h->m[i] = turn < 0 ? 0 : g[i];
    h->w[i] -= lr / first * ((h->m[i] > 0) - (h->m[i] < 0)) * h->u[i];
  }
}

static hd_val loss_of(hd_graph *g, hd_val *w) {
  double c[SIZE];
  for (int i = 0; i < SIZE; i++) c[i] = 0.2 + i;
  hd_val x = hd_input(g, "x", HD_F64, HD_SHAPE(SIZE));
  *w = hd_variable(g, HD_F64, HD_SHAPE(SIZE), .name = "w", .init = {HD_NORMAL, 0, 1});
  hd_val far = hd_mul(hd_constant(g, HD_F64, HD_SHAPE(SIZE), c), hd_square(hd_sub(*w, x)));
  return hd_add(hd_sum(far), hd_sum(hd_sin(*w)));
}

static void they_take_the_steps_of_the_papers(void **state) {
  (void)state;
  const struct {
    const char *name;
    hd_optimizer o;
    step *step;
    double lr;
  } table[] = {
      {"sgd", hd_sgd(), sgd, 0.01f},
      {"momentum", hd_sgd(.lr = 0.02f, .momentum = 0.9f), momentum, 0.02f},
      {"nesterov", hd_sgd(.lr = 0.02f, .momentum = 0.9f, .nesterov = true), nesterov, 0.02f},
      {"weight decay", hd_sgd(.lr = 0.02f, .weight_decay = 0.01f), decay, 0.02f},
      {"rmsprop", hd_rmsprop(.rho = 0.8f), rmsprop, 0.001f},
      {"rmsprop, momentum", hd_rmsprop(.lr = 0.05f, .momentum = 0.5f), rmsprop_momentum, 0.05f},
      {"adam", hd_adam(), adam, 0.001f},
      {"adam, L2", hd_adam(.lr = 0.1f, .weight_decay = 0.1f), adam_decay, 0.1f},
      {"adamw", hd_adam(.lr = 0.1f, .weight_decay = 0.1f, .decoupled = true), adamw, 0.1f},
      {"dampening", hd_sgd(.lr = 0.02f, .momentum = 0.9f, .dampening = 0.25f), dampened, 0.02f},
      {"classical", hd_sgd(.lr = 0.02f, .momentum = 0.9f, .form = HD_SGD_CLASSICAL), classical,
       0.02f},
      {"classical, nesterov",
       hd_sgd(.lr = 0.02f, .momentum = 0.9f, .nesterov = true, .form = HD_SGD_CLASSICAL),
       classical_nesterov, 0.02f},
      {"rmsprop, centered", hd_rmsprop(.epsilon = 0.01f, .centered = true), centered, 0.001f},
      {"adagrad", hd_adagrad(.lr = 0.1f, .initial = 0.125f), adagrad, 0.1f},
      {"adadelta", hd_adadelta(), adadelta, 1},
      {"amsgrad", hd_adam(.lr = 0.1f, .beta2 = 0.9f, .amsgrad = true), amsgrad, 0.1f},
      {"adamax", hd_adamax(), adamax, 0.002f},
      {"nadam", hd_nadam(), nadam, 0.002f},
      {"radam", hd_radam(.lr = 0.1f), radam, 0.1f},
      {"lion", hd_lion(.weight_decay = 0.1f), lion, 0.0001f},
      {"lamb", hd_lamb(.lr = 0.1f, .weight_decay = 0.1f), lamb, 0.1f},
      {"rprop", hd_rprop(.largest = 0.05f, .smallest = 0.004f), rprop, 0.01f}};
  for (size_t k = 0; k < sizeof table / sizeof *table; k++) {
    net n = net_new(NULL);
    hd_val w, loss = loss_of(n.g, &w);
    hd_schedule half = {.kind = HD_SCHEDULE_STEP, .every = 10, .factor = 0.5f};
    hd_update u = hd_minimize(loss, table[k].o, .schedule = half);
    net_compile(&n, (hd_compile_options){.fetch = {loss}, .update = {u}, .mode = HD_TRAIN});
    hand h = {0};
    double g[SIZE], *x = hd_workspace_input(n.w, "x", NULL);
    const double *at = hd_store_find(n.store, "w")->data;
    memcpy(h.w, at, sizeof h.w);
    for (int t = 1; t <= STEPS; t++) {
      net_fill(&n, "x", (uint64_t)t);
      gradient(h.w, x, g);
      table[k].step(&h, g, t, table[k].lr * (t > 20 ? 0.25 : t > 10 ? 0.5 : 1));
      net_run(&n);
      for (int i = 0; i < SIZE; i++)
        if (!(fabs(at[i] - h.w[i]) < 1e-11))
          fail_msg("%s: step %d gives %.15g, by hand %.15g", table[k].name, t, at[i], h.w[i]);
    }
    net_free(&n);
  }
}

// A step whose loss is not finite changes nothing, whatever state there is.
static void a_bad_step_changes_nothing(void **state) {
  (void)state;
  const hd_optimizer all[] = {hd_sgd(.momentum = 0.9f),
                              hd_rmsprop(.momentum = 0.9f, .centered = true),
                              hd_adagrad(),
                              hd_adadelta(),
                              hd_adam(.amsgrad = true),
                              hd_adamax(),
                              hd_nadam(),
                              hd_radam(),
                              hd_lion(),
                              hd_lamb(),
                              hd_rprop()};
  for (size_t k = 0; k < 2 * sizeof all / sizeof *all; k++) {
    net n = net_new(NULL);
    hd_val w, loss = loss_of(n.g, &w);
    bool more = k % 2;
    hd_update u = hd_minimize(loss, all[k / 2], .accumulate = more ? 2 : 0,
                              .clip_norm = more ? 1 : 0, .ema = more ? 0.5f : 0);
    net_compile(&n, (hd_compile_options){.fetch = {loss}, .update = {u}, .mode = HD_TRAIN});
    void *copy[16];
    net_fill(&n, "x", 1);
    net_run(&n);
    for (int i = 0; i < hd_store_count(n.store); i++) {
      const hd_parameter *p = hd_store_at(n.store, i);
      memcpy(copy[i] = malloc(net_bytes(p)), p->data, net_bytes(p));
    }
    for (int bad = 0; bad < 2; bad++) {
      ((double *)hd_workspace_input(n.w, "x", NULL))[3] = bad ? NAN : INFINITY;
      net_run(&n);
      for (int i = 0; i < hd_store_count(n.store); i++) {
        const hd_parameter *p = hd_store_at(n.store, i);
        if (memcmp(copy[i], p->data, net_bytes(p))) fail_msg("a bad step changed \"%s\"", p->name);
      }
    }
    for (int i = 0; i < hd_store_count(n.store); i++) free(copy[i]);
    net_free(&n);
  }
}

static void schedules_follow_their_formulas(void **state) {
  (void)state;
  const double pi = 3.14159265358979323846;
  hd_schedule flat = {0}, drop = {.kind = HD_SCHEDULE_STEP, .every = 2, .factor = 0.25f};
  hd_schedule cosine = {.kind = HD_SCHEDULE_COSINE, .floor = 0.125f};
  hd_schedule warm = {.kind = HD_SCHEDULE_STEP, .every = 100, .warmup = 2};
  for (int64_t s = 0; s < 60; s++) {  // 5 steps an epoch, 10 epochs
    double epoch = (double)s / 5, x = fmin(epoch / 10, 1);
    assert_true(hd_schedule_factor(&flat, 5, 10, s) == 1);
    assert_float_equal(hd_schedule_factor(&drop, 5, 10, s), pow(0.25, floor(epoch / 2)), 1e-15);
    assert_float_equal(hd_schedule_factor(&cosine, 5, 10, s), 0.125 + 0.875 * (1 + cos(pi * x)) / 2,
                       1e-12);
    assert_float_equal(hd_schedule_factor(&warm, 5, 10, s), fmin(epoch / 2, 1), 1e-15);
  }
  hd_schedule at = {.kind = HD_SCHEDULE_MULTI_STEP, .at = {1, 4, 6}, .factor = 0.5f};
  hd_schedule exponential = {.kind = HD_SCHEDULE_EXPONENTIAL, .every = 2, .factor = 0.3f};
  hd_schedule linear = {.kind = HD_SCHEDULE_LINEAR, .floor = 0.25f};
  hd_schedule polynomial = {
      .kind = HD_SCHEDULE_POLYNOMIAL, .power = 0.9f, .total = 8, .floor = 0.01f};
  hd_schedule restarts = {.kind = HD_SCHEDULE_RESTARTS, .every = 2, .growth = 2};
  hd_schedule cycle = {.kind = HD_SCHEDULE_ONE_CYCLE};
  hd_schedule transformer = {.kind = HD_SCHEDULE_INVERSE_SQRT, .warmup = 2};
  for (int64_t s = 0; s < 60; s++) {
    double e = (double)s / 5, x = fmin(e / 10, 1), y = fmin(e / 8, 1),
           t = e < 2   ? e / 2
               : e < 6 ? (e - 2) / 4
                       : (e - 6) / 8;
    double low = 0.04f, top = 0.3f, rise = low + (1 - low) * (1 - cos(pi * x / top)) / 2;
    assert_float_equal(hd_schedule_factor(&at, 5, 10, s),
                       e < 1   ? 1
                       : e < 4 ? 0.5
                       : e < 6 ? 0.25
                               : 0.125,
                       1e-15);
    assert_float_equal(hd_schedule_factor(&exponential, 5, 10, s), pow((double)0.3f, e / 2), 1e-15);
    assert_float_equal(hd_schedule_factor(&linear, 5, 10, s), 0.25 + 0.75 * (1 - x), 1e-15);
    assert_float_equal(hd_schedule_factor(&polynomial, 5, 10, s),
                       (double)0.01f + (1 - (double)0.01f) * pow(1 - y, (double)0.9f), 1e-15);
    assert_float_equal(hd_schedule_factor(&restarts, 5, 10, s), (1 + cos(pi * t)) / 2, 1e-12);
    assert_float_equal(hd_schedule_factor(&cycle, 5, 10, s),
                       x < top ? rise : (1 + cos(pi * (x - top) / (1 - top))) / 2, 1e-12);
    // Vaswani et al. 2017 over its largest value, which is at step 10 of warm-up
    assert_float_equal(hd_schedule_factor(&transformer, 5, 10, s),
                       s ? fmin(1 / sqrt((double)s), (double)s * pow(10, -1.5)) * sqrt(10) : 0,
                       1e-12);
  }
  // A character CNN's (Zhang et al. 2015): halved every 3 epochs
  hd_schedule halved = {.kind = HD_SCHEDULE_STEP, .every = 3, .factor = 0.5f};
  for (int e = 0; e < 33; e++)
    assert_true(0.01 * hd_schedule_factor(&halved, 1, 33, e) == ldexp(0.01, -(e / 3)));
  restarts.growth = 0;  // the default: all alike
  assert_float_equal(hd_schedule_factor(&restarts, 5, 10, 45), 0.5, 1e-12);
  cosine.total = 4;
  assert_float_equal(hd_schedule_factor(&cosine, 5, 10, 10), 0.125 + 0.875 / 2, 1e-12);
  assert_float_equal(hd_schedule_factor(&cosine, 5, 10, 20), 0.125, 1e-12);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(they_take_the_steps_of_the_papers),
                                     cmocka_unit_test(a_bad_step_changes_nothing),
                                     cmocka_unit_test(schedules_follow_their_formulas)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
