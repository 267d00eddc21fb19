// A recipe as a graph: input, preprocessing, layers, loss, accuracy.
#include "recipe.h"

static hd_status failed(const hd_reader *r, const hd_recipe_layer *l, int number,
                        const hd_graph *g) {
  hd_status status = g->error.status;
  hd_error *err = r->err;
  if (!l) return hd_fail(err, status, "%s: %s", r->name, hd_graph_error(g));
  hd_reader_fail(r, l->at, "layer %d, %s: %s", number, l->layer->name, hd_graph_error(g));
  if (err) err->status = status;
  return status;
}

// What the loss is given: numbers of the data, the class, or one output for two classes.
typedef enum { TO_TARGET, TO_CLASS, TO_ONE } compared;

static compared how(const hd_signature *s, const hd_loss *loss, int64_t width) {
  if (!s->has_label || !s->classes) return TO_TARGET;
  if (loss->target == HD_TARGET_CLASS) return TO_CLASS;
  if (loss->target == HD_TARGET_SIGNS && width != 1) return TO_CLASS;
  if (s->has_target) return TO_TARGET;
  return loss->target != HD_TARGET_NUMBERS && s->classes == 2 && width == 1 ? TO_ONE : TO_CLASS;
}

static bool mixes(const hd_recipe *r) {
  return r->augment && (r->augment->mixup > 0 || r->augment->cutmix > 0);
}

// Whether a loss compares with shares of the classes as well as with one of them.
static bool takes_shares(const hd_loss *loss) {
  return loss == &hd_loss_cross_entropy || loss == &hd_loss_focal ||
         loss->target == HD_TARGET_NUMBERS || loss->target == HD_TARGET_TRUTHS;
}

// Shapes and ends of the network that would only show as a riddle in the loss.
static hd_status check_end(const hd_recipe *r, const hd_reader *reader, const hd_signature *s,
                           const hd_loss *loss, hd_val y) {
  const hd_recipe_layer *last = &r->inside->layer[r->layers - 1];
  const char *applies = loss->applies ? loss->applies(r->loss_options) : NULL;
  hd_shape shape = hd_type_of(y)->shape;
  char text[96], want[96];
  compared with = how(s, loss, shape.rank == 2 ? shape.d[1] : 0);
  bool classes = with == TO_CLASS;
  if (mixes(r) && !(classes && takes_shares(loss)))
    return hd_reader_fail(reader, hd_doc_get(r->inside->doc, "augment"),
                          "augment: mixup and cutmix give shares of the classes, which %s does not "
                          "compare with here: use cross_entropy, with an output for each class",
                          loss->name);
  if (applies && !strcmp(last->layer->name, applies))
    return hd_reader_fail(reader, last->at,
                          "the last layer is %s, and %s applies it too: leave the layer out",
                          applies, loss->name);
  int64_t wanted = with == TO_ONE         ? 1
                   : classes              ? s->classes
                   : s->target.shape.rank ? s->target.shape.d[s->target.shape.rank - 1]
                                          : 1;
  if (shape.rank == 2 && shape.d[1] == wanted) return HD_OK;
  if (!classes && shape.rank != 2 && hd_shape_count(s->target.shape) > 1)
    return HD_OK;  // the loss compares them
  hd_shape_text((hd_shape){2, {HD_BATCH, wanted}}, want, sizeof want);
  hd_shape_text(shape, text, sizeof text);
  if (shape.rank > 2)
    return hd_reader_fail(
        reader, last->at,
        "the network ends in %s, must end in %s: put `- flatten` before the first dense layer",
        text, want);
  return hd_reader_fail(reader, last->at,
                        "the network ends in %s, must end in %s%s: end with `- dense: %lld`", text,
                        want, classes ? ", one for each class" : "", (long long)wanted);
}

// One output says class 1 above the threshold.
static hd_val threshold_accuracy(hd_val y, hd_val label, double threshold) {
  hd_val guess = hd_cast(hd_greater(y, hd_scalar_like(y, threshold)), HD_I32);
  return hd_mean(hd_cast(hd_equal(hd_reshape_like(guess, label), label), HD_F32));
}

static void add_loss(const hd_recipe *r, const hd_signature *s, const hd_loss *loss, hd_graph *g,
                     hd_network *to) {
  hd_val y = to->output, none = {0}, target;
  hd_val label = s->has_label ? hd_input(g, "label", HD_I32, HD_SHAPE(HD_BATCH)) : none;
  const char *applies = loss->applies ? loss->applies(r->loss_options) : NULL;
  hd_shape shape = hd_type_of(y)->shape;
  bool one = shape.rank == 2 && shape.d[1] == 1, signs = loss->target == HD_TARGET_SIGNS;
  to->answer = !applies ? y : !strcmp(applies, "softmax") ? hd_softmax(y) : hd_sigmoid(y);
  compared with = how(s, loss, one);
  if (with == TO_CLASS) {
    bool index = signs || loss->target == HD_TARGET_CLASS;
    target = index && !mixes(r) ? label : hd_one_hot(label, s->classes);
    if (mixes(r))  // training sees the shares of the classes
      target = hd_by_mode(hd_input(g, "mix", HD_F32, HD_SHAPE(HD_BATCH, s->classes)), target);
    to->accuracy = hd_accuracy(y, label);
  } else {
    if (with == TO_ONE) {
      target = hd_reshape(hd_cast(label, HD_F32), HD_SHAPE(HD_BATCH, 1));
    } else {
      hd_shape all = {.rank = s->target.shape.rank + 1, .d = {HD_BATCH}};
      for (int i = 1; i < all.rank; i++) all.d[i] = s->target.shape.d[i - 1];
      target = hd_input(g, "target", HD_F32, all);
      if (all.rank == 1) target = hd_reshape(target, HD_SHAPE(HD_BATCH, 1));
    }
    bool two = s->has_label && s->classes == 2 && one;
    if (two) to->accuracy = threshold_accuracy(to->answer, label, signs ? 0 : 0.5);
    if (two && signs) target = hd_add_scalar(hd_scale(target, 2), -1);
  }
  to->loss = loss->build(y, target, r->loss_options);
  if (r->train.kl > 0) to->loss = hd_add(to->loss, hd_scale(hd_bayes_kl(y), r->train.kl));
  if (r->inside->no_accuracy) to->accuracy = none;
}

static double parameters(const hd_graph *g) {
  double count = 0;
  for (int i = 1; i < g->count; i++)
    if (g->node[i]->leaf == HD_LEAF_VARIABLE) {
      double n = 1;
      const hd_shape *s = &g->node[i]->out[0].shape;
      for (int k = 0; k < s->rank; k++) n *= (double)s->d[k];
      count += n;
    }
  return count;
}

hd_status hd_recipe_build(const hd_recipe *r, const hd_signature *s, hd_graph *g, hd_network *to,
                          hd_error *err) {
  *to = (hd_network){0};
  if (!g) return hd_fail(err, HD_E_MEMORY, "%s: memory is out", r->file);
  hd_reader reader = r->inside->reader;
  reader.err = err;
  const hd_loss *loss = r->loss                      ? r->loss
                        : s->has_label && s->classes ? &hd_loss_cross_entropy
                                                     : &hd_loss_mse;
  if (loss->target == HD_TARGET_CLASS && !(s->has_label && s->classes))
    return hd_reader_fail(&reader, NULL, "loss: %s needs classes; the data has numbers: use mse",
                          loss->name);
  hd_shape shape = {.rank = s->input.type.shape.rank + 1, .d = {HD_BATCH}};
  for (int i = 1; i < shape.rank && i < HD_MAX_RANK; i++) shape.d[i] = s->input.type.shape.d[i - 1];
  hd_val y = to->input = hd_input(g, s->input.name, s->input.type.dtype, shape);
  if (s->input.type.dtype != HD_F32) y = hd_cast(y, HD_F32);
  if (r->data.scale) y = hd_scale_layer(y, r->data.scale != HD_SCALE_UNIT);
  if (g->error.status) return failed(&reader, NULL, 0, g);
  for (int i = 0; i < r->layers; i++) {
    hd_recipe_layer *l = &r->inside->layer[i];
    l->first = g->count;
    y = l->layer->build(y, l->options);
    l->last = g->count;
    if (g->error.status) return failed(&reader, l, i + 1, g);
  }
  to->output = y;
  double count = parameters(g);
  if (count > HD_RECIPE_PARAMETERS)
    return hd_reader_fail(&reader, NULL, "the network has %.3g parameters; the limit is %.3g",
                          count, HD_RECIPE_PARAMETERS);
  hd_status status = check_end(r, &reader, s, loss, y);
  if (status) return status;
  add_loss(r, s, loss, g, to);
  return g->error.status ? failed(&reader, &r->inside->layer[r->layers - 1], r->layers, g) : HD_OK;
}

void hd_recipe_fit_options(const hd_recipe *r, hd_fit_options *to) {
  *to = (hd_fit_options){.optimizer = r->optimizer,
                         .schedule = r->schedule,
                         .batch = r->train.batch,
                         .epochs = r->train.epochs,
                         .seed = (uint64_t)r->train.seed,
                         .no_shuffle = r->train.no_shuffle,
                         .patience = r->train.patience,
                         .min_delta = r->train.min_delta,
                         .restore_best = r->train.restore_best,
                         .shards = r->train.shards,
                         .keep = r->train.keep,
                         .checkpoint_steps = r->train.checkpoint_steps,
                         .accumulate = r->train.accumulate,
                         .clip_value = r->train.clip_value,
                         .clip_norm = r->train.clip_norm,
                         .l1 = r->train.l1,
                         .max_norm = r->train.max_norm,
                         .ema = r->train.ema,
                         .swa = r->train.swa,
                         .precision = r->train.precision};
}
