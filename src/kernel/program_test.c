// The program runner against a plain interpreter over the domain, element by element with the same
// tiles: equal to the bit, for any operands, for parts in any order, for any range, in place or
// not.
#include "vector_test.h"

enum { MOST = 90000 };

typedef struct {
  const void *in[HD_PROGRAM_OPERANDS];
  void *out[HD_PROGRAM_OPERANDS];
} pointers;

static int64_t count_of(const hd_program *p) {
  int64_t n = 1;
  for (int i = 0; i < p->rank; i++) n *= p->d[i];
  return n;
}

static const int inputs_of[] = {
#define X(name, inputs) inputs,
    HD_TILES(X)
#undef X
};

static void interpret(const hd_kernels *k, const hd_program *p, const pointers *at) {
  int64_t n = count_of(p);
  for (int64_t e = 0; e < n; e++) {
    float r[HD_PROGRAM_OPERANDS + HD_PROGRAM_STEPS];
    for (int i = 0; i < p->inputs; i++) {
      int64_t rest = e, offset = 0;
      for (int d = p->rank - 1; d >= 0; d--)
        offset += rest % p->d[d] * p->in[i].stride[d], rest /= p->d[d];
      if (p->in[i].constant) r[i] = p->in[i].value;
      else if (p->in[i].dtype == HD_F32) r[i] = ((const float *)at->in[i])[offset];
      else if (p->in[i].dtype == HD_I32) r[i] = (float)((const int32_t *)at->in[i])[offset];
      else r[i] = ((const uint8_t *)at->in[i])[offset];
    }
    for (int s = 0; s < p->steps; s++) {
      int many = inputs_of[p->step[s].tile];
      k->tile[p->step[s].tile](&r[p->inputs + s], &r[p->step[s].a],
                               many > 1 ? &r[p->step[s].b] : NULL,
                               many > 2 ? &r[p->step[s].c] : NULL, 1);
    }
    for (int o = 0; o < p->outputs; o++)
      if (p->out[o].dtype == HD_BOOL) ((uint8_t *)at->out[o])[e] = r[p->out[o].reg] != 0;
      else ((float *)at->out[o])[e] = r[p->out[o].reg];
  }
}

static float memory[HD_PROGRAM_OPERANDS][MOST + 64], wanted[4][MOST + 64], got[4][MOST + 64];

static size_t size_of(const hd_program *p, int o) { return p->out[o].dtype == HD_BOOL ? 1 : 4; }

// way 0: parts backwards; otherwise ranges of odd lengths.
static void execute(const hd_kernels *k, const hd_program *p, const pointers *at, int way) {
  hd_program_plan plan;
  k->program_plan(p, &plan);
  int64_t n = count_of(p);
  assert_int_equal(plan.run.phases, 1);
  if (n <= 32768) assert_int_equal(plan.run.parts[0], 1);
  if (way == 0)
    for (int64_t i = plan.run.parts[0]; i-- > 0;) k->program_run(&plan, i, at->in, at->out);
  else
    for (int64_t first = 0, step = way; first < n; first += step, step = step * 5 % 3001 + 1)
      k->program_range(&plan, first, n - first < step ? n - first : step, at->in, at->out);
}

static void check(const hd_program *p, const pointers *at) {
  const hd_kernels *k[HD_ISAS];
  int sets = tables(k);
  int64_t n = count_of(p);
  assert_in_range(n, 0, MOST);
  for (int s = 0; s < sets; s++) {
    pointers to = *at;
    for (int o = 0; o < p->outputs; o++) to.out[o] = wanted[o];
    if (s != 2) interpret(k[s], p, &to);  // AVX-512 must give what AVX2 gave
    for (int way = 0; way < 3; way++) {
      for (int o = 0; o < p->outputs; o++) {
        to.out[o] = got[o];
        memset(got[o], 0x55, sizeof got[o]);
      }
      execute(k[s], p, &to, way * 7);
      for (int o = 0; o < p->outputs; o++) {
        size_t size = size_of(p, o);
        assert_memory_equal(got[o], wanted[o], (size_t)n * size);
        assert_int_equal(((uint8_t *)got[o])[(size_t)n * size], 0x55);
      }
    }
  }
}

// a * b + c over a box, each operand with its strides.
static hd_program chain(int rank, const int64_t *d) {
  hd_program p = {.rank = rank, .inputs = 3, .outputs = 1, .steps = 2};
  memcpy(p.d, d, (size_t)rank * sizeof *d);
  p.step[0].tile = HD_TILE_mul, p.step[0].a = 0, p.step[0].b = 1;
  p.step[1].tile = HD_TILE_add, p.step[1].a = 3, p.step[1].b = 2;
  p.out[0].reg = 4, p.out[0].dtype = HD_F32;
  for (int i = 0; i < 3; i++) p.in[i].dtype = HD_F32;
  return p;
}
// Strides of an operand that has dimension i where bit i of `has` is set, and broadcasts elsewhere.
static void lay(hd_program *p, int in, unsigned has) {
  int64_t stride = 1;
  for (int i = p->rank - 1; i >= 0; i--) {
    p->in[in].stride[i] = has >> i & 1 ? stride : 0;
    if (has >> i & 1) stride *= p->d[i];
  }
}

static void fill_memory(void) {
  for (int i = 0; i < HD_PROGRAM_OPERANDS; i++) fill(memory[i], MOST, (uint32_t)i + 1);
}

static void test_broadcast(void **state) {
  (void)state;
  fill_memory();
  const int64_t boxes[][4] = {{1, 1, 1, 1},     {1, 1, 1, 10},   {2, 3, 4, 5},    {4, 5, 3, 700},
                              {1, 3, 1300, 9},  {64, 1, 1, 10},  {1, 1, 64, 300}, {3, 1, 513, 6},
                              {1, 1, 2500, 16}, {1, 2, 7, 3000}, {0, 3, 2, 2},    {5, 1, 1, 33}};
  for (size_t b = 0; b < sizeof boxes / sizeof *boxes; b++)
    for (unsigned has = 0; has < 16; has++) {
      hd_program p = chain(4, boxes[b]);
      lay(&p, 0, 15), lay(&p, 1, has), lay(&p, 2, 15 - has / 2);
      pointers at = {.in = {memory[0], memory[1] + 1, memory[2]}};
      check(&p, &at);
    }
}

static void test_strides(void **state) {
  (void)state;
  fill_memory();
  const int64_t box[] = {7, 11, 13};
  hd_program p = chain(3, box);
  lay(&p, 0, 7);
  p.in[1].stride[0] = 1, p.in[1].stride[1] = 7, p.in[1].stride[2] = 77;  // transposed
  p.in[2].stride[0] = -200, p.in[2].stride[1] = 13, p.in[2].stride[2] = -1;
  pointers at = {.in = {memory[0], memory[1], memory[2] + 2000}};
  check(&p, &at);
  const int64_t wide[] = {3, 900};
  p = chain(2, wide);
  lay(&p, 0, 3), lay(&p, 2, 3);
  p.in[1].stride[0] = 5, p.in[1].stride[1] = 2;
  check(&p, &at);
}

static void test_types(void **state) {
  (void)state;
  fill_memory();
  const int64_t boxes[][2] = {{3, 5}, {40, 300}, {30, 1000}};
  for (int b = 0; b < 3; b++)
    for (unsigned has = 0; has < 4; has++)
      for (int dtype = 0; dtype < 3; dtype++) {
        hd_program p = chain(2, boxes[b]);
        p.in[0].dtype = (hd_dtype[]){HD_I32, HD_U8, HD_BOOL}[dtype];
        p.in[2].constant = true, p.in[2].value = 0.25f;
        lay(&p, 0, has), lay(&p, 1, 3);
        p.outputs = 3;
        p.step[p.steps].tile = HD_TILE_gt, p.step[p.steps].a = 4, p.step[p.steps].b = 2, p.steps++;
        p.out[1].reg = 5, p.out[1].dtype = HD_BOOL;
        p.out[2].reg = (int16_t)(has % 3), p.out[2].dtype = HD_F32;  // an input as it is
        pointers at = {.in = {memory[0], memory[1], NULL}};
        check(&p, &at);
        p.out[0].dtype = HD_BOOL, p.out[1].reg = 4, p.out[1].dtype = HD_F32;
        check(&p, &at);
      }
}

// Random programs over random operands: register reuse, every kind of source, many outputs.
static void test_random(void **state) {
  (void)state;
  fill_memory();
  uint32_t seed = 99;
  for (int trial = 0; trial < 80; trial++) {
    hd_program p = {.rank = 1 + below(&seed, 4)};
    p.inputs = 1 + below(&seed, HD_PROGRAM_OPERANDS), p.outputs = 1 + below(&seed, 4);
    p.steps = 1 + below(&seed, trial % 10 ? 12 : HD_PROGRAM_STEPS);
    int64_t room = trial % 5 ? 3000 : 40000;
    for (int i = 0; i < p.rank; i++)
      p.d[i] = 1 + below(&seed, room > 700 ? 700 : (int)room), room /= p.d[i];
    pointers at = {{0}, {0}};
    for (int i = 0; i < p.inputs; i++) {
      p.in[i].dtype = below(&seed, 4) ? HD_F32 : HD_U8;
      p.in[i].constant = !below(&seed, 5), p.in[i].value = (float)i;
      lay(&p, i, below(&seed, 3) ? 15 : (unsigned)below(&seed, 16));
      at.in[i] = memory[i] + below(&seed, 3);
    }
    for (int s = 0; s < p.steps; s++) {
      p.step[s].tile = (hd_tile)(HD_TILE_add + below(&seed, 3));
      if (!below(&seed, 4))
        p.step[s].tile =
            (hd_tile[]){HD_TILE_tanh, HD_TILE_select, HD_TILE_relu, HD_TILE_max}[below(&seed, 4)];
      p.step[s].a = (int16_t)below(&seed, p.inputs + s),
      p.step[s].b = (int16_t)below(&seed, p.inputs + s);
      p.step[s].c = (int16_t)below(&seed, p.inputs + s);
      if (s && below(&seed, 2)) p.step[s].a = (int16_t)(p.inputs + s - 1);
      if (inputs_of[p.step[s].tile] < 2) p.step[s].b = p.step[s].c = -1;
    }
    for (int o = 0; o < p.outputs; o++) {
      p.out[o].reg =
          (int16_t)(below(&seed, 8) ? p.inputs + below(&seed, p.steps) : below(&seed, p.inputs));
      p.out[o].dtype = below(&seed, 4) ? HD_F32 : HD_BOOL;
    }
    p.out[0].reg = (int16_t)(p.inputs + p.steps - 1);
    check(&p, &at);
  }
}

// Momentum: v = m v + g, w = w - r v, both in place; then outputs that swap their inputs.
static void test_in_place(void **state) {
  (void)state;
  const hd_kernels *k[HD_ISAS];
  int sets = tables(k);
  const int64_t sizes[] = {1, 17, 300, 5000, 80000};
  for (int s = 0; s < sets; s++)
    for (int i = 0; i < 5; i++)
      for (int swap = 0; swap < 2; swap++) {
        int64_t n = sizes[i];
        hd_program p = {.rank = 1, .inputs = 5, .outputs = 2, .steps = 4, .d = {n}};
        for (int j = 0; j < 3; j++) p.in[j].dtype = HD_F32, p.in[j].stride[0] = 1;
        for (int j = 3; j < 5; j++) p.in[j].constant = true, p.in[j].value = 0.9f - (float)j / 8;
        p.step[0].tile = HD_TILE_mul, p.step[0].a = 3, p.step[0].b = 1;
        p.step[1].tile = HD_TILE_add, p.step[1].a = 5, p.step[1].b = 2;
        p.step[2].tile = HD_TILE_mul, p.step[2].a = 4, p.step[2].b = 6;
        p.step[3].tile = HD_TILE_sub, p.step[3].a = 0, p.step[3].b = 7;
        p.out[0].reg = 6, p.out[1].reg = 8, p.out[0].dtype = p.out[1].dtype = HD_F32;
        fill_memory();
        pointers at = {.in = {memory[0], memory[1], memory[2]}, .out = {wanted[0], wanted[1]}};
        interpret(k[s], &p, &at);
        at.out[0] = memory[!swap], at.out[1] = memory[swap];
        execute(k[s], &p, &at, i % 2 * 100);
        assert_memory_equal(at.out[0], wanted[0], (size_t)n * 4);
        assert_memory_equal(at.out[1], wanted[1], (size_t)n * 4);
      }
}

// Momentum as the optimisers have it: each new value only where the step counts, which two scalars
// say for all elements alike; in place.
static void test_chosen_as_a_whole(void **state) {
  (void)state;
  const hd_kernels *k[HD_ISAS];
  int sets = tables(k);
  const int64_t sizes[] = {1, 300, 5000};
  static float choice[2];
  for (int run = 0; run < 3 * 4 * sets; run++) {
    const hd_kernels *set = k[run / 12];
    int64_t n = sizes[run % 3];
    choice[0] = (float)(run / 3 % 2), choice[1] = (float)(run / 6 % 2);
    hd_program p = {.rank = 1, .inputs = 6, .outputs = 2, .steps = 7, .d = {n}};
    for (int j = 0; j < 6; j++) p.in[j].dtype = HD_F32, p.in[j].stride[0] = j < 3;
    p.in[3].constant = true, p.in[3].value = 0.9f;
    p.step[0].tile = HD_TILE_mul, p.step[0].a = 1, p.step[0].b = 3;
    p.step[1].tile = HD_TILE_add, p.step[1].a = 6, p.step[1].b = 2;
    p.step[2].tile = HD_TILE_select, p.step[2].a = 4, p.step[2].b = 7, p.step[2].c = 1;
    p.step[3].tile = HD_TILE_select, p.step[3].a = 5, p.step[3].b = 8, p.step[3].c = 2;
    p.step[4].tile = HD_TILE_mul, p.step[4].a = 9, p.step[4].b = 3;
    p.step[5].tile = HD_TILE_sub, p.step[5].a = 0, p.step[5].b = 10;
    p.step[6].tile = HD_TILE_select, p.step[6].a = 4, p.step[6].b = 11, p.step[6].c = 0;
    p.out[0].reg = 9, p.out[1].reg = 12, p.out[0].dtype = p.out[1].dtype = HD_F32;
    fill_memory();
    pointers at = {.in = {memory[0], memory[1], memory[2], NULL, &choice[0], &choice[1]},
                   .out = {wanted[0], wanted[1]}};
    interpret(set, &p, &at);
    at.out[0] = memory[1], at.out[1] = memory[0];
    execute(set, &p, &at, run % 2 * 100);
    assert_memory_equal(at.out[0], wanted[0], (size_t)n * 4);
    assert_memory_equal(at.out[1], wanted[1], (size_t)n * 4);
  }
}

// Gradient descent in its forms: the gradient an operand or the product of two vectors, decay of
// the weights, momentum and its look ahead, factors in any order; in place, whether or not it
// counts.
static int add_step(hd_program *p, hd_tile tile, int a, int b, int c) {
  p->step[p->steps].tile = tile, p->step[p->steps].c = (int16_t)c;
  p->step[p->steps].a = (int16_t)a, p->step[p->steps].b = (int16_t)b;
  return p->inputs + p->steps++;
}
static int either(hd_program *p, hd_tile tile, int a, int b, uint32_t *seed) {
  return below(seed, 2) ? add_step(p, tile, a, b, 0) : add_step(p, tile, b, a, 0);
}
enum {
  WEIGHT,
  VELOCITY,
  SQUARES,
  GRADIENT,
  ROWS,
  COLUMNS,
  RATE,
  COUNTS,
  MOMENTUM,
  DECAY,
  KEEP,
  ROOT,
  EPSILON,
  OPERANDS
};
static void gives(hd_program *p, int r, int old) {
  p->out[p->outputs].dtype = HD_F32;
  p->out[p->outputs++].reg = (int16_t)add_step(p, HD_TILE_select, COUNTS, r, old);
}
static int mean(hd_program *p, int keep, int old, int fresh, int g, uint32_t *seed) {
  int a = either(p, HD_TILE_mul, keep, old, seed), b = either(p, HD_TILE_mul, fresh, g, seed);
  return either(p, HD_TILE_add, a, b, seed);
}
static int adam(hd_program *p, int kind, int g, uint32_t *seed) {
  int v = mean(p, MOMENTUM, VELOCITY, DECAY, g, seed),
      s = mean(p, KEEP, SQUARES, ROOT, add_step(p, HD_TILE_mul, g, g, 0), seed);
  gives(p, v, VELOCITY), gives(p, s, SQUARES);
  int under = either(p, HD_TILE_mul, add_step(p, HD_TILE_sqrt, s, 0, 0), ROOT, seed);
  under = either(p, HD_TILE_add, under, EPSILON, seed);
  int step = add_step(p, HD_TILE_div, either(p, HD_TILE_mul, v, RATE, seed), under, 0);
  return kind & 4 ? either(p, HD_TILE_add, step, either(p, HD_TILE_mul, WEIGHT, KEEP, seed), seed)
                  : step;
}
static hd_program update(int kind, int64_t rows, int64_t columns, uint32_t *seed) {
  hd_program p = {.rank = 2, .inputs = OPERANDS, .d = {rows, columns}};
  for (int k = 0; k < OPERANDS; k++) p.in[k].dtype = k == COUNTS ? HD_U8 : HD_F32;
  for (int k = 0; k < ROWS; k++) lay(&p, k, 3);
  lay(&p, ROWS, 1), lay(&p, COLUMNS, 2);
  for (int k = MOMENTUM; k < OPERANDS; k++)
    p.in[k].constant = true, p.in[k].value = 0.3f * (float)(k - COUNTS);
  int g = GRADIENT, velocity = 0;
  bool first = below(seed, 2) && (kind & 20) == 4;  // before the gradient
  if (first) velocity = either(&p, HD_TILE_mul, MOMENTUM, VELOCITY, seed);
  if (kind & 1) g = either(&p, HD_TILE_mul, ROWS, COLUMNS, seed);
  if (kind & 2) g = either(&p, HD_TILE_add, g, either(&p, HD_TILE_mul, DECAY, WEIGHT, seed), seed);
  int t = g;
  if (kind & 16) {
    gives(&p, add_step(&p, HD_TILE_sub, WEIGHT, adam(&p, kind, g, seed), 0), WEIGHT);
    return p;
  }
  if (kind & 4) {
    if (!first) velocity = either(&p, HD_TILE_mul, MOMENTUM, VELOCITY, seed);
    t = velocity = either(&p, HD_TILE_add, velocity, g, seed);
    if (kind & 8)
      t = either(&p, HD_TILE_add, g, either(&p, HD_TILE_mul, MOMENTUM, velocity, seed), seed);
    gives(&p, velocity, VELOCITY);
  }
  gives(&p, add_step(&p, HD_TILE_sub, WEIGHT, either(&p, HD_TILE_mul, RATE, t, seed), 0), WEIGHT);
  return p;
}
static void test_updates(void **state) {
  (void)state;
  const hd_kernels *k[HD_ISAS];
  int sets = tables(k);
  uint32_t seed = 5;
  const int64_t sizes[][2] = {{1, 1}, {9, 1}, {1, 40}, {3, 15}, {784, 30}, {50, 300}, {7, 1025}};
  for (int run = 0; run < 32 * 7 * 4; run++) {
    int kind = run % 32, offset = run / 32 % 7;
    if ((kind & 12) == 8) continue;
    const int64_t *d = sizes[run / 32 % 7], n = d[0] * d[1];
    hd_program p = update(kind, d[0], d[1], &seed);
    uint8_t counts = run % 5 != 0;
    for (int s = 0; s < sets; s++) {
      fill_memory();
      pointers at = {.out = {wanted[0], wanted[1], wanted[2]}};
      for (int i = 0; i < MOMENTUM; i++) at.in[i] = memory[i] + (i < ROWS ? offset : i);
      for (int i = 0; i < n; i++) memory[SQUARES][offset + i] *= memory[SQUARES][offset + i];
      at.in[COUNTS] = &counts;
      interpret(k[s], &p, &at);
      const int over[][3] = {{WEIGHT}, {VELOCITY, WEIGHT}, {VELOCITY, SQUARES, WEIGHT}};
      for (int o = 0; o < p.outputs; o++) at.out[o] = memory[over[p.outputs - 1][o]] + offset;
      execute(k[s], &p, &at, run / 3 % 2 * 100);
      for (int o = 0; o < p.outputs; o++) assert_memory_equal(at.out[o], wanted[o], (size_t)n * 4);
    }
  }
}

// The momentum's new value lies over the old weights, and is chosen when they have been read.
static void test_update_over_weights(void **state) {
  (void)state;
  const hd_kernels *k[HD_ISAS];
  int sets = tables(k);
  static const uint8_t counts = 1;
  const int64_t n = 7001;
  hd_program p = {
      .rank = 1, .inputs = 6, .outputs = 2, .d = {n}};  // w, v, g; rate, momentum; counts
  for (int i = 0; i < 5; i++) p.in[i].dtype = HD_F32, p.in[i].stride[0] = i < 3;
  p.in[3].constant = p.in[4].constant = true, p.in[3].value = 0.1f, p.in[4].value = 0.9f;
  p.in[5].dtype = HD_U8;
  int v = add_step(&p, HD_TILE_add, add_step(&p, HD_TILE_mul, 4, 1, 0), 2, 0);
  int w = add_step(&p, HD_TILE_sub, 0, add_step(&p, HD_TILE_mul, 3, v, 0), 0);
  p.out[0].reg = (int16_t)add_step(&p, HD_TILE_select, 5, v, 1), p.out[1].reg = (int16_t)w;
  p.out[0].dtype = p.out[1].dtype = HD_F32;
  for (int s = 0; s < sets; s++) {
    fill_memory();
    pointers at = {.in = {memory[0], memory[1], memory[2], NULL, NULL, &counts},
                   .out = {wanted[0], wanted[1]}};
    interpret(k[s], &p, &at);
    at.out[0] = memory[0], at.out[1] = memory[3];
    execute(k[s], &p, &at, 0);
    assert_memory_equal(at.out[0], wanted[0], (size_t)n * 4);
    assert_memory_equal(at.out[1], wanted[1], (size_t)n * 4);
  }
}

// An output over an integer input that a later step reads.
static void test_over_integers(void **state) {
  (void)state;
  const hd_kernels *k[HD_ISAS];
  int sets = tables(k);
  const int64_t n = 40000;
  hd_program p = {.rank = 1, .inputs = 2, .outputs = 2, .steps = 2, .d = {n}};
  p.in[0].dtype = HD_F32, p.in[1].dtype = HD_I32, p.in[0].stride[0] = p.in[1].stride[0] = 1;
  p.step[0].tile = HD_TILE_neg, p.step[0].a = 0;
  p.step[1].tile = HD_TILE_add, p.step[1].a = 0, p.step[1].b = 1;
  p.out[0].reg = 2, p.out[1].reg = 3, p.out[0].dtype = p.out[1].dtype = HD_F32;
  for (int s = 0; s < sets; s++) {
    fill_memory();
    pointers at = {.in = {memory[0], memory[1]}, .out = {wanted[0], wanted[1]}};
    interpret(k[s], &p, &at);
    at.out[0] = memory[1], at.out[1] = memory[0];
    execute(k[s], &p, &at, 0);
    assert_memory_equal(at.out[0], wanted[0], (size_t)n * 4);
    assert_memory_equal(at.out[1], wanted[1], (size_t)n * 4);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_broadcast),     cmocka_unit_test(test_strides),
      cmocka_unit_test(test_types),         cmocka_unit_test(test_random),
      cmocka_unit_test(test_in_place),      cmocka_unit_test(test_chosen_as_a_whole),
      cmocka_unit_test(test_updates),       cmocka_unit_test(test_update_over_weights),
      cmocka_unit_test(test_over_integers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
