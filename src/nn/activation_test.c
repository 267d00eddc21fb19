// Activations against their textbook formulas, at their kinks and far out, and those with weights.
#include "network_test.h"

// ---- Formulas -----------------------------------------------------------------------------------
#define F(name, formula) \
  static double name(double x) { return formula; }
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double density(double x) { return exp(-x * x / 2) / sqrt(2 * acos(-1)); }
static double normal(double x) { return erfc(-x / sqrt(2)) / 2; }
static double bent(double x) { return sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x); }
static const double alpha = 1.6732632423543772, lambda = 1.0507009873554805;
F(linear, x)
F(linear1, 1 + 0 * x) F(step, x >= 0) F(bipolar, x >= 0 ? 1 : -1) F(flat, 0 * x)
    F(relu, x > 0 ? x : 0) F(relu1, x > 0) F(leaky, x > 0 ? x : 0.01f * x) F(leaky1,
                                                                             x > 0 ? 1 : 0.01f)
        F(relu6, x<0 ? 0 : x> 6 ? 6 : x) F(relu61, x > 0 && x < 6) F(elu, x > 0 ? x : expm1(x))
            F(elu1, x > 0 ? 1 : exp(x)) F(selu, lambda *(x > 0 ? x : alpha * expm1(x)))
                F(selu1, lambda *(x > 0 ? 1 : alpha * exp(x))) F(gelu, x *normal(x))
                    F(gelu1, normal(x) + x * density(x)) F(silu, x *sigmoid(x))
                        F(silu1, sigmoid(x) * (1 + x * (1 - sigmoid(x)))) F(softplus, log1p(exp(x)))
                            F(tanh1, 1 - tanh(x) * tanh(x)) F(sigmoid1, sigmoid(x) * sigmoid(-x))
                                F(mish, x *tanh(softplus(x)))
                                    F(mish1,
                                      tanh(softplus(x)) + x * tanh1(softplus(x)) * sigmoid(x))
                                        F(softsign, x / (1 + fabs(x)))
                                            F(softsign1, 1 / ((1 + fabs(x)) * (1 + fabs(x))))
                                                F(hard_sigmoid, x<-3 ? 0 : x> 3 ? 1 : (x + 3) / 6)
                                                    F(hard_sigmoid1, fabs(x) < 3 ? 1.0 / 6 : 0)
                                                        F(hard_tanh, x<-1 ? -1 : x> 1 ? 1 : x)
                                                            F(hard_tanh1, fabs(x) < 1)
                                                                F(hard_swish, x *hard_sigmoid(x))
                                                                    F(hard_swish1,
                                                                      x <= -3  ? 0
                                                                      : x >= 3 ? 1
                                                                               : x / 3 + 0.5)

                                                                        static const struct {
  const char *name;
  double (*f)(double), (*slope)(double);
} books[] = {{"linear", linear, linear1},
             {"step", step, flat},
             {"bipolar_step", bipolar, flat},
             {"relu", relu, relu1},
             {"leaky_relu", leaky, leaky1},
             {"relu6", relu6, relu61},
             {"elu", elu, elu1},
             {"selu", selu, selu1},
             {"gelu", gelu, gelu1},
             {"silu", silu, silu1},
             {"mish", mish, mish1},
             {"softplus", softplus, sigmoid},
             {"tanh", tanh, tanh1},
             {"sigmoid", sigmoid, sigmoid1},
             {"softsign", softsign, softsign1},
             {"hard_sigmoid", hard_sigmoid, hard_sigmoid1},
             {"hard_tanh", hard_tanh, hard_tanh1},
             {"hard_swish", hard_swish, hard_swish1}};

// -10 .. 10 in quarters, so that every kink is met exactly, and far out.
static void formulas(void **state) {
  (void)state;
  enum { COUNT = 84 };
  double x[COUNT] = {-100, 100, 1e-6};
  for (int i = 3; i < COUNT; i++) x[i] = (i - 43) * 0.25;
  for (int wide = 0; wide < 2; wide++)
    for (size_t i = 0; i < HD_COUNT(books); i++) {
      network n = begin();
      hd_val in = hd_input(n.g, "x", wide ? HD_F64 : HD_F32, HD_SHAPE(COUNT));
      hd_val y = hd_layer_find(books[i].name)->build(in, NULL);
      hd_val zero = hd_scale(in, 0);  // a step has no gradient; this one is 0
      hd_val fetch[] = {y, hd_gradient(hd_sum(hd_add(y, zero)), in)};
      compile(&n, fetch, 2);
      for (int k = 0; k < COUNT; k++) give(&n, "x", k, x[k]);
      run(&n);
      for (int k = 0; k < COUNT; k++) {
        double at = wide ? x[k] : (double)(float)x[k];
        near(books[i].name, out(&n, 0, k), books[i].f(at), wide ? 2e-12 : 3e-6);
        near(books[i].name, out(&n, 1, k), books[i].slope(at), wide ? 2e-12 : 3e-6);
      }
      end(&n);
    }
}

// Options, and numbers that are printed elsewhere.
static void known_values(void **state) {
  (void)state;
  network n = begin();
  hd_val x = hd_input(n.g, "x", HD_F64, HD_SHAPE(3));
  hd_val fetch[] = {hd_elu(x, .alpha = 2),
                    hd_gelu(x),
                    hd_gelu(x, .tanh = true),
                    hd_silu(x),
                    hd_silu(x, .beta = 2),
                    hd_mish(x),
                    hd_selu(x)};
  static const double want[][3] = {{-1.2642411176571153, 1, 2},
                                   {-0.15865525393145705, 0.8413447460685429, 1.9544997361036416},
                                   {-0.15880800939172324, 0.8411919906082768, 1.9545976940877752},
                                   {-0.2689414213699951, 0.7310585786300049, 1.7615941559557649},
                                   {-0.11920292202211755, 0.8807970779778823, 1.9640275800758169},
                                   {-0.303401461374109, 0.8650983882673103, 1.9439589595339946},
                                   {-1.1113307378125625, 1.0507009873554805, 2.101401974710961}};
  compile(&n, fetch, HD_COUNT(fetch));
  for (int k = 0; k < 3; k++) give(&n, "x", k, k < 1 ? -1 : k);
  run(&n);
  for (size_t i = 0; i < HD_COUNT(fetch); i++)
    for (int k = 0; k < 3; k++) near("known value", out(&n, (int)i, k), want[i][k], 1e-15);
  end(&n);
  for (int k = -40; k <= 40; k++)  // the formula by tanh as it is printed
    near("bent", 0.1 * k / (1 + exp(-2 * bent(0.1 * k))), 0.05 * k * (1 + tanh(bent(0.1 * k))),
         1e-14);
}

static void softmax_with_a_temperature(void **state) {
  (void)state;
  network n = begin();
  const hd_layer *softmax = hd_layer_find("softmax");
  char options[64] = {0};
  assert_true(softmax->fields->size <= sizeof options);
  memcpy(options + softmax->fields->field[0].offset, &(float){2}, sizeof(float));
  hd_val x = hd_input(n.g, "x", HD_F32, HD_SHAPE(2, 3));
  hd_val fetch[] = {softmax->build(x, NULL), softmax->build(x, options)};
  compile(&n, fetch, 2);
  for (int k = 0; k < 6; k++) give(&n, "x", k, (k < 3 ? 0 : 1e4) + k % 3);  // shifted by 1e4
  run(&n);
  for (int k = 0; k < 6; k++) {
    near("softmax", out(&n, 0, k), exp(k % 3) / (1 + exp(1) + exp(2)), 1e-6);
    near("at 2", out(&n, 1, k), exp(k % 3 / 2.) / (1 + exp(0.5) + exp(1)), 1e-6);
  }
  end(&n);
  n = begin();
  memcpy(options + softmax->fields->field[0].offset, &(float){-1}, sizeof(float));
  x = hd_input(n.g, "x", HD_F32, HD_SHAPE(2, 3));
  refused(&n, softmax->build(x, options), "temperature is -1, must be above 0");
}

// ---- With weights, and gates --------------------------------------------------------------------
static void prelu_learns_its_slopes(void **state) {
  (void)state;
  network n = begin();
  hd_val x = hd_input(n.g, "x", HD_F64, HD_SHAPE(2, 3)), slope;
  hd_val y = hd_prelu(x, .name = "p"), one = hd_prelu(x, .shared = true, .name = "one");
  assert_int_equal(hd_weights(y, &slope, 1), 1);
  hd_val fetch[] = {y, hd_gradient(hd_sum(y), x), hd_gradient(hd_sum(y), slope), one};
  compile(&n, fetch, 4);
  static const double v[] = {-2, 3, 0, -4, -5, 1};
  double *p = hd_store_find(n.store, "p/slope")->data;
  for (int k = 0; k < 3; k++) near("first", p[k], 0.25, 0), p[k] = 0.1 * (k + 1);
  for (int k = 0; k < 6; k++) give(&n, "x", k, v[k]);
  run(&n);
  for (int k = 0; k < 6; k++) {
    near("y", out(&n, 0, k), v[k] > 0 ? v[k] : p[k % 3] * v[k], 1e-15);
    near("dx", out(&n, 1, k), v[k] > 0 ? 1 : p[k % 3], 1e-15);
    near("shared", out(&n, 3, k), v[k] > 0 ? v[k] : 0.25 * v[k], 1e-15);
  }
  static const double slopes[] = {-6, -5, 0};
  for (int k = 0; k < 3; k++) near("dslope", out(&n, 2, k), slopes[k], 1e-15);
  end(&n);
  n = begin();
  refused(&n, hd_prelu(hd_input(n.g, "x", HD_F32, HD_SHAPE(HD_BATCH))), "needs a last axis");
}

static void gates(void **state) {
  (void)state;
  static double (*const by[])(double) = {sigmoid, linear, relu, gelu, silu, tanh};
  network n = begin();
  hd_val x = hd_input(n.g, "x", HD_F64, HD_SHAPE(2, 4)), fetch[6];
  for (int i = 0; i < 6; i++) fetch[i] = hd_glu(x, .gate = (hd_gate)i);
  compile(&n, fetch, 6);
  for (int k = 0; k < 8; k++) give(&n, "x", k, k - 3.5);
  run(&n);
  for (int i = 0; i < 6; i++)
    for (int k = 0; k < 4; k++) {
      double a = k / 2 * 4 + k % 2 - 3.5;
      near("glu", out(&n, i, k), a * by[i](a + 2), 1e-14);
    }
  end(&n);
  n = begin();
  refused(&n, hd_glu(hd_input(n.g, "x", HD_F32, HD_SHAPE(2, 3))), "glu: x is (2, 3)");
}

static void maxout_takes_the_largest_piece(void **state) {
  (void)state;
  network n = begin();
  hd_val x = hd_input(n.g, "x", HD_F64, HD_SHAPE(2, 3, 2));
  hd_val y = hd_maxout(x, .units = 2, .pieces = 3, .name = "m");
  hd_val fetch[] = {y, hd_gradient(hd_sum(y), x)};
  compile(&n, fetch, 2);
  double *w = hd_store_find(n.store, "m/weight")->data, *b = hd_store_find(n.store, "m/bias")->data;
  for (int k = 0; k < 12; k++) w[k] = sin(2.3 * k + 1);
  for (int k = 0; k < 6; k++) b[k] = cos(1.7 * k);
  for (int k = 0; k < 12; k++) give(&n, "x", k, sin(k + 0.5));
  run(&n);
  for (int row = 0; row < 6; row++) {
    double dx[2] = {0, 0};
    for (int unit = 0; unit < 2; unit++) {
      double most = -INFINITY;
      int best = 0;
      for (int piece = 0; piece < 3; piece++) {
        int c = unit * 3 + piece;
        double v = sin(2 * row + 0.5) * w[c] + sin(2 * row + 1.5) * w[6 + c] + b[c];
        if (v > most) most = v, best = c;
      }
      near("maxout", out(&n, 0, row * 2 + unit), most, 1e-14);
      dx[0] += w[best], dx[1] += w[6 + best];
    }
    for (int k = 0; k < 2; k++) near("dx", out(&n, 1, row * 2 + k), dx[k], 1e-14);
  }
  end(&n);
  n = begin();
  refused(&n, hd_maxout(hd_input(n.g, "x", HD_F32, HD_SHAPE(HD_BATCH, 3))), "units is 0");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(formulas),
                                     cmocka_unit_test(known_values),
                                     cmocka_unit_test(softmax_with_a_temperature),
                                     cmocka_unit_test(prelu_learns_its_slopes),
                                     cmocka_unit_test(gates),
                                     cmocka_unit_test(maxout_takes_the_largest_piece)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
