// The fit loop: what it learns, when it stops, what it leaves, and what it says.
#include "../../test/net.h"

// Columns "x", and "t" = sin of its sum; sample `bad` holds a NaN.
static hd_data table(int64_t samples, int64_t width, uint64_t seed, int64_t bad) {
  hd_tensor t[2] = {hd_tensor_new(NULL, HD_F32, HD_SHAPE(samples, width), NULL),
                    hd_tensor_new(NULL, HD_F32, HD_SHAPE(samples, 1), NULL)};
  net_fill_at(t[0].data, (hd_type){HD_F32, t[0].shape}, seed);
  for (int64_t i = 0; i < samples; i++) {
    float sum = 0;
    for (int64_t k = 0; k < width; k++) sum += ((float *)t[0].data)[i * width + k];
    ((float *)t[1].data)[i] = sinf(sum);
  }
  if (bad >= 0) ((float *)t[0].data)[bad * width] = NAN;
  hd_data d;
  assert_int_equal(hd_data_from_tensors(NULL, (const char *const[]){"x", "t"}, t, 2, &d, NULL),
                   HD_OK);
  return d;
}

static hd_val mlp(hd_graph *g, int width) {
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, width));
  hd_val t = hd_input(g, "t", HD_F32, HD_SHAPE(HD_BATCH, 1));
  return hd_mse(hd_dense(hd_tanh(hd_dense(x, .units = 16)), .units = 1), t);
}

static void xor_is_learned(void **state) {
  (void)state;
  net n = net_new(NULL);
  hd_data d;
  hd_error err = {0};
  if (hd_data_open(NULL, "xor", "train", &d, &err)) fail_msg("%s", err.text);
  hd_val x = hd_input(n.g, "x", HD_F32, HD_SHAPE(HD_BATCH, 2));
  hd_val t = hd_input(n.g, "label", HD_I32, HD_SHAPE(HD_BATCH));
  hd_val y = hd_dense(hd_tanh(hd_dense(x, .units = 8)), .units = 2), loss = hd_cross_entropy(y, t);
  hd_fit_result r;
  if (hd_fit(n.store, loss, &d, &err, .optimizer = hd_adam(.lr = 0.05f), .batch = 4, .epochs = 150,
             .accuracy = hd_accuracy(y, t), .result = &r))
    fail_msg("%s", err.text);
  assert_true(r.train.accuracy == 1 && r.train.loss < 0.05);
  assert_true(r.epochs == 150 && r.steps == 150 && r.best_epoch > 100 && !r.stopped_early);
  hd_metrics m;
  assert_int_equal(hd_evaluate(n.store, loss, hd_accuracy(y, t), &d, 3, &m, &err), HD_OK);
  assert_true(m.accuracy == 1 && m.loss < 0.05);
  hd_tensor p = hd_predict_data(n.store, hd_argmax(y, -1), &d, 3, &err);
  int32_t label[4];
  assert_int_equal(
      d.read(d.user, hd_data_column(&d, "label"), (int64_t[]){0, 1, 2, 3}, 4, label, &err), HD_OK);
  assert_memory_equal(p.data, label, sizeof label);
  hd_tensor_free(&p);
  hd_data_free(&d);
  net_free(&n);
}

// ---- Steps: data of the user's own, the rest of an epoch, learning rates ------------------------
typedef struct {
  int count[10], reads, longest;
  double lr[64];
  int64_t seen;
} record;
static record now;

static hd_status own_read(void *user, int column, const int64_t *index, int64_t count, void *to,
                          hd_error *err) {
  record *l = user;
  (void)err;
  if (column == 0) l->reads++, l->longest = count > l->longest ? (int)count : l->longest;
  for (int64_t i = 0; i < count; i++) {
    if (column == 0) l->count[index[i]]++;
    ((float *)to)[i] = (float)index[i] / 10;
  }
  return HD_OK;
}
static hd_status bad_read(void *user, int column, const int64_t *index, int64_t count, void *to,
                          hd_error *err) {
  (void)user, (void)column, (void)index, (void)count, (void)to;
  if (err) *err = (hd_error){.status = HD_E_IO, .text = "disk is gone"};
  return HD_E_IO;
}

static bool note_step(void *user, const hd_progress *p) {
  (void)user;
  now.lr[now.seen++] = p->lr;
  return true;
}

static hd_val line(hd_graph *g) {  // one weight
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH)),
         t = hd_input(g, "t", HD_F32, HD_SHAPE(HD_BATCH));
  hd_val w = hd_variable(g, HD_F32, (hd_shape){0}, .name = "w", .init = {HD_ONES, 0, 0});
  return hd_mean(hd_square(hd_sub(hd_mul(x, w), hd_scale(t, 3))));
}

static void every_sample_once_an_epoch(void **state) {
  (void)state;
  hd_data d = {.user = &now,
               .samples = 10,
               .columns = 2,
               .read = own_read,
               .column = {{"x", {HD_F32, {0}}}, {"t", {HD_F32, {0}}}}};
  for (int plain = 0; plain < 2; plain++) {
    net n = net_new(NULL);
    hd_error err = {0};
    hd_fit_result r;
    hd_schedule cosine = {.kind = HD_SCHEDULE_COSINE};
    now = (record){0};
    if (hd_fit(n.store, line(n.g), &d, &err, .optimizer = hd_sgd(.lr = 0.2f), .batch = 4,
               .epochs = 5, .schedule = cosine, .no_shuffle = plain, .on_step = note_step,
               .result = &r))
      fail_msg("%s", err.text);
    for (int i = 0; i < 10; i++) assert_int_equal(now.count[i], 5);
    assert_true(now.reads == 15 && now.longest == 4 && r.steps == 15 && r.epochs == 5);
    // The same steps by hand: samples in order, the rest of two at the end of an epoch, 3 steps
    // each.
    double w = 1, sum = 0;
    for (int s = 0; s < 15; s++) {
      double lr = (double)0.2f * hd_schedule_factor(&cosine, 3, 5, s), g = 0;
      assert_float_equal(now.lr[s], lr, 1e-9);
      int first = s % 3 * 4, count = s % 3 == 2 ? 2 : 4;
      if (s == 12) sum = 0;
      for (int i = first; i < first + count; i++) {
        double x = (float)i / 10;
        g += 2 * x * (w - 3) * x / count;
        sum += (w - 3) * x * (w - 3) * x / 10;
      }
      w -= lr * g;
    }
    if (!plain) assert_true(fabs(w - (double)*net_parameter(&n, "w")) < 0.2);  // shuffled
    else assert_float_equal(w, *net_parameter(&n, "w"), 1e-5);
    if (plain) assert_float_equal(r.train.loss, sum, 1e-5);
    net_free(&n);
  }
}

static void a_source_that_fails_stops_the_run(void **state) {
  (void)state;
  net n = net_new(NULL);
  hd_error err = {0};
  hd_data d = {.samples = 10,
               .columns = 2,
               .read = bad_read,
               .column = {{"x", {HD_F32, {0}}}, {"t", {HD_F32, {0}}}}};
  hd_val loss = line(n.g);
  assert_int_equal(hd_fit(n.store, loss, &d, &err, .batch = 4), HD_E_IO);
  assert_string_equal(err.text, "disk is gone");
  assert_int_equal(hd_fit(n.store, loss, &d, NULL, .batch = 4), HD_E_IO);
  assert_int_equal(hd_fit(n.store, loss, &d, &err, .batch = 11), HD_E_ARGUMENT);
  assert_non_null(strstr(err.text, "10 samples"));
  strcpy(d.column[1].name, "other");
  assert_int_equal(hd_fit(n.store, loss, &d, &err, .batch = 4), HD_E_NOT_FOUND);
  assert_non_null(strstr(err.text, "\"t\""));
  assert_non_null(strstr(err.text, "\"other\""));
  net_free(&n);
}

// ---- Stopping -----------------------------------------------------------------------------------
typedef struct {
  int epochs, until_epoch;
  int64_t until_step;
  double best;
  int best_epoch;
  float w;
  const hd_store *s;
} watch;
static bool on_epoch(void *user, const hd_progress *p) {
  watch *w = user;
  w->epochs++;
  assert_true(p->has_valid && p->epoch == w->epochs);
  if (p->best != (w->best_epoch == 0 || p->valid.loss < w->best))
    fail_msg("epoch %d: best", p->epoch);
  if (p->best) {
    w->best = p->valid.loss, w->best_epoch = p->epoch;
    w->w = *(const float *)hd_store_find(w->s, "dense_1/weight")->data;
  }
  return w->epochs != w->until_epoch;
}
static bool on_step(void *user, const hd_progress *p) {
  return p->global_step != ((watch *)user)->until_step;
}

static void early_stopping_restores_the_best(void **state) {
  (void)state;
  for (int restore = 0; restore < 2; restore++) {
    net n = net_new(NULL);
    hd_data d = table(24, 8, 1, -1), v = table(50, 8, 2, -1);  // so few that it overfits
    hd_error err = {0};
    hd_fit_result r;
    watch w = {.s = n.store};
    hd_val loss = mlp(n.g, 8);
    if (hd_fit(n.store, loss, &d, &err, .optimizer = hd_adam(.lr = 0.03f), .batch = 12,
               .epochs = 500, .valid = &v, .patience = 5, .restore_best = restore, .user = &w,
               .on_epoch = on_epoch, .result = &r))
      fail_msg("%s", err.text);
    assert_true(r.stopped_early && r.epochs < 500 && r.epochs == w.epochs);
    assert_int_equal(r.epochs, w.best_epoch + 5);
    assert_int_equal(r.best_epoch, w.best_epoch);
    assert_true(r.best.loss == w.best && r.valid.loss > w.best);
    float at = *net_parameter(&n, "dense_1/weight");
    assert_int_equal(at == w.w, restore);
    hd_metrics m;
    assert_int_equal(hd_evaluate(n.store, loss, (hd_val){0}, &v, 12, &m, &err), HD_OK);
    assert_true(m.loss == (restore ? w.best : r.valid.loss) && isnan(m.accuracy));
    hd_data_free(&d);
    hd_data_free(&v);
    net_free(&n);
  }
}

static void callbacks_stop(void **state) {
  (void)state;
  net n = net_new(NULL);
  hd_data d = table(24, 3, 1, -1);
  hd_error err = {0};
  hd_fit_result r;
  hd_val loss = mlp(n.g, 3);
  watch w = {.s = n.store, .until_step = 5};
  assert_int_equal(
      hd_fit(n.store, loss, &d, &err, .batch = 12, .user = &w, .on_step = on_step, .result = &r),
      HD_E_STOPPED);
  assert_true(r.steps == 5 && r.epochs == 2);
  assert_non_null(strstr(err.text, "epoch 3, step 1"));
  w = (watch){.s = n.store, .until_epoch = 4};
  assert_int_equal(hd_fit(n.store, loss, &d, &err, .batch = 12, .valid = &d, .user = &w,
                          .on_epoch = on_epoch, .result = &r),
                   HD_E_STOPPED);
  assert_true(r.steps == 8 && r.epochs == 4);
  hd_data_free(&d);
  net_free(&n);
}

// ---- Divergence ---------------------------------------------------------------------------------
static void a_nan_is_explained(void **state) {
  (void)state;
  for (int c = 0; c < 6; c++) {  // an op, a weight, a sample; whole batches and shards
    net n = net_new(NULL);
    hd_data d = table(24, 3, 1, c % 3 == 2 ? 20 : -1);
    hd_val x = hd_input(n.g, "x", HD_F32, HD_SHAPE(HD_BATCH, 3)),
           t = hd_input(n.g, "t", HD_F32, HD_SHAPE(HD_BATCH, 1));
    hd_val h = hd_tanh(hd_batch_norm(hd_dense(x, .units = 4, .name = "first"), .name = "norm"));
    if (c % 3 == 0) h = hd_dense(hd_log(h), .units = 4, .name = "after");  // negative numbers
    if (c % 3 == 1)
      h = hd_dense(hd_add_scalar(h, 3), .units = 4, .name = "huge",
                   .init = {HD_CONSTANT, 3e38f, 0});
    hd_val loss = hd_mse(hd_dense(h, .units = 1, .name = "last"), t);
    hd_error err = {0};
    hd_fit_result r;
    assert_int_equal(hd_fit(n.store, loss, &d, &err, .batch = 12, .no_shuffle = true, .result = &r,
                            .shards = c < 3 ? 1 : 4),
                     HD_E_DIVERGED);
    const char *text[] = {"log", "layer huge", "input \"x\""};
    if (!strstr(err.text, text[c % 3])) fail_msg("case %d: %s", c, err.text);
    assert_non_null(strstr(err.text, c % 3 == 2 ? "epoch 1, step 2" : "epoch 1, step 1"));
    for (int i = 0; i < hd_store_count(n.store); i++) {  // everything is as before that step
      const hd_parameter *p = hd_store_at(n.store, i);
      for (int64_t k = 0; k < hd_shape_count(p->type.shape); k++)
        if (p->type.dtype == HD_F32 && !isfinite(((float *)p->data)[k]))
          fail_msg("case %d: %s is not finite", c, p->name);
    }
    hd_data_free(&d);
    net_free(&n);
  }
}

static void labels_outside_the_classes_are_told(void **state) {
  (void)state;
  net n = net_new(NULL);
  float x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  int32_t label[4] = {0, 1, 7, 2};
  hd_tensor of[] = {{.dtype = HD_F32, .shape = HD_SHAPE(4, 2), .data = x},
                    {.dtype = HD_I32, .shape = HD_SHAPE(4), .data = label}};
  const char *names[] = {"x", "label"};
  hd_error err = {0};
  hd_data d;
  assert_int_equal(hd_data_from_tensors(NULL, names, of, 2, &d, &err), HD_OK);
  hd_val in = hd_input(n.g, "x", HD_F32, HD_SHAPE(HD_BATCH, 2)),
         t = hd_input(n.g, "label", HD_I32, HD_SHAPE(HD_BATCH));
  hd_val loss = hd_cross_entropy(hd_dense(in, .units = 3), t);
  assert_int_equal(hd_fit(n.store, loss, &d, &err, .batch = 4), HD_E_DIVERGED);
  if (!strstr(err.text, "labels that are none of the classes")) fail_msg("%s", err.text);
  hd_data_free(&d);
  net_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(xor_is_learned),
                                     cmocka_unit_test(every_sample_once_an_epoch),
                                     cmocka_unit_test(a_source_that_fails_stops_the_run),
                                     cmocka_unit_test(early_stopping_restores_the_best),
                                     cmocka_unit_test(callbacks_stop),
                                     cmocka_unit_test(a_nan_is_explained),
                                     cmocka_unit_test(labels_outside_the_classes_are_told)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
