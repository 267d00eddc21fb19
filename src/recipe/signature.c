// What a network is fed with: from data, from a set's name, or from a document.
#include "recipe.h"

hd_status hd_signature_of(const hd_data *data, hd_signature *to, hd_error *err) {
  *to = (hd_signature){
      .classes = data->classes, .class_names = data->class_names, .words = data->words};
  int input = -1;
  for (int i = 0; i < data->columns; i++) {
    const hd_column *c = &data->column[i];
    if (!strcmp(c->name, "label")) to->has_label = true;
    else if (!strcmp(c->name, "target")) to->has_target = true, to->target = c->type;
    else if (input < 0) input = i;
  }
  if (input < 0 || !(to->has_label || to->has_target))
    return hd_fail(err, HD_E_ARGUMENT,
                   "data: needs a column to learn from, and \"label\" or \"target\" to learn");
  to->input = data->column[input];
  return HD_OK;
}

hd_status hd_recipe_signature(const hd_recipe *r, hd_signature *to, hd_error *err) {
  static const struct {
    const char *name, *input;
    hd_dtype dtype;
    hd_shape shape;
    int classes;
    bool target;
  } known[] = {{"xor", "x", HD_F32, {1, {2}}, 2, true},
               {"iris", "x", HD_F32, {1, {4}}, 3, false},
               {"digits", "image", HD_U8, {3, {8, 8, 1}}, 10, false},
               {"mnist", "image", HD_U8, {3, {28, 28, 1}}, 10, false},
               {"fashion-mnist", "image", HD_U8, {3, {28, 28, 1}}, 10, false}};
  *to = r->inside->input;
  if (r->inside->has_input) return HD_OK;
  for (size_t i = 0; i < HD_COUNT(known) && r->data.name; i++)
    if (!strcmp(known[i].name, r->data.name)) {
      *to = (hd_signature){.input = {.type = {known[i].dtype, known[i].shape}},
                           .classes = known[i].classes,
                           .has_label = true,
                           .has_target = known[i].target,
                           .target = {HD_F32, {1, {1}}}};
      memcpy(to->input.name, known[i].input, strlen(known[i].input) + 1);
      return HD_OK;
    }
  return hd_fail(err, HD_E_NOT_FOUND,
                 "%s: what the network is fed with is not known without its data; give `input: "
                 "{shape: [28, 28, 1]}`",
                 r->file);
}

// ---- As a document ------------------------------------------------------------------------------

// [[F, I, M], [], []]: of a column of words and two of numbers
static bool add_words(hd_arena *arena, const hd_word_list *words, hd_doc *to) {
  hd_doc *columns = hd_doc_new(arena, to, "words", HD_DOC_LIST);
  bool ok = columns;
  for (; ok && *words; words++) {
    hd_doc *list = hd_doc_new(arena, columns, NULL, HD_DOC_LIST);
    ok = list;
    for (int i = 0; ok && (*words)[i]; i++) ok = hd_doc_text(arena, list, NULL, (*words)[i]);
  }
  return ok;
}

bool hd_signature_doc(hd_arena *arena, const hd_signature *s, hd_doc *to) {
  hd_doc *input = hd_doc_new(arena, to, "input", HD_DOC_MAP);
  bool ok = input && hd_doc_text(arena, input, "name", s->input.name) &&
            hd_doc_text(arena, input, "dtype", hd_dtype_name(s->input.type.dtype));
  hd_doc *shape = ok ? hd_doc_new(arena, input, "shape", HD_DOC_LIST) : NULL;
  ok = shape;
  for (int i = 0; ok && i < s->input.type.shape.rank; i++)
    ok = hd_doc_int(arena, shape, NULL, s->input.type.shape.d[i]);
  if (ok && s->has_target) {
    hd_doc *target = hd_doc_new(arena, input, "target", HD_DOC_LIST);
    ok = target;
    for (int i = 0; ok && i < s->target.shape.rank; i++)
      ok = hd_doc_int(arena, target, NULL, s->target.shape.d[i]);
  }
  if (ok && s->words) ok = add_words(arena, s->words, input);
  if (!ok || !s->has_label) return ok;
  if (!s->class_names) return hd_doc_int(arena, to, "classes", s->classes);
  hd_doc *classes = hd_doc_new(arena, to, "classes", HD_DOC_LIST);
  ok = classes;
  for (int i = 0; ok && i < s->classes; i++)
    ok = hd_doc_text(arena, classes, NULL, s->class_names[i]);
  return ok;
}

static hd_status read_shape(const hd_reader *r, const hd_doc *doc, hd_shape *to) {
  int64_t count = 1;
  if (doc->kind != HD_DOC_LIST || doc->count > HD_MAX_RANK - 1)
    return hd_reader_fail(r, doc, "input: a shape is a list of at most %d sizes", HD_MAX_RANK - 1);
  *to = (hd_shape){0};
  for (const hd_doc *child = doc->first; child; child = child->next) {
    if (child->kind != HD_DOC_INT || child->integer < 1 ||
        !hd_mul_size(count, child->integer, &count) || count > (int64_t)1 << 40)
      return hd_reader_fail(r, child,
                            "input: a shape is made of sizes from 1 that multiply to at most 2^40");
    to->d[to->rank++] = child->integer;
  }
  return HD_OK;
}

static hd_status read_classes(const hd_reader *r, const hd_doc *doc, hd_signature *to) {
  to->has_label = true;
  if (doc->kind == HD_DOC_INT && doc->integer >= 1 && doc->integer <= HD_RECIPE_CLASSES)
    return to->classes = (int)doc->integer, HD_OK;
  if (doc->kind != HD_DOC_LIST || doc->count < 1)
    return hd_reader_fail(r, doc, "classes: give how many, or a list of their names");
  const char **names = hd_arena_alloc(r->arena, sizeof *names * ((size_t)doc->count + 1));
  if (!names) return hd_fail(r->err, HD_E_MEMORY, "%s: memory is out", r->name);
  for (const hd_doc *child = doc->first; child; child = child->next) {
    if (child->kind != HD_DOC_TEXT && !child->text)
      return hd_reader_fail(r, child, "classes: a name is a word");
    names[to->classes++] = child->text;
  }
  names[to->classes] = NULL;  // as the readers of files want them
  to->class_names = names;
  return HD_OK;
}

// The words of each column, which must make as many inputs as the shape says.
static hd_status read_words(const hd_reader *r, const hd_doc *doc, hd_signature *to) {
  const hd_type *type = &to->input.type;
  int64_t inputs = 0;
  if (doc->kind != HD_DOC_LIST || doc->count < 1 || doc->count > HD_RECIPE_INPUTS)
    return hd_reader_fail(r, doc,
                          "input: words is a list with the list of words of each column, at most "
                          "%d",
                          HD_RECIPE_INPUTS);
  hd_word_list *words = hd_arena_alloc(r->arena, sizeof *words * ((size_t)doc->count + 1));
  if (!words) return hd_fail(r->err, HD_E_MEMORY, "%s: memory is out", r->name);
  to->words = words;
  for (const hd_doc *column = doc->first; column; column = column->next) {
    if (column->kind != HD_DOC_LIST)
      return hd_reader_fail(r, column, "input: the words of a column are a list, not %s",
                            hd_doc_what(column));
    const char **list = hd_arena_alloc(r->arena, sizeof *list * ((size_t)column->count + 1));
    if (!list) return hd_fail(r->err, HD_E_MEMORY, "%s: memory is out", r->name);
    *words++ = list;
    for (const hd_doc *word = column->first; word; word = word->next) {
      if (!word->text || !*word->text)
        return hd_reader_fail(r, word, "input: words must be made of words, not %s",
                              hd_doc_what(word));
      if (word != column->first && strcmp(list[-1], word->text) >= 0)
        return hd_reader_fail(r, word, "input: the words of a column must be in order, each once");
      *list++ = word->text;
    }
    inputs += HD_MAX(column->count, 1);
  }
  if (inputs > HD_RECIPE_INPUTS || type->shape.rank != 1 || type->shape.d[0] != inputs ||
      type->dtype != HD_F32)
    return hd_reader_fail(r, doc, "input: words of %lld inputs, at most %d, need shape [%lld], f32",
                          (long long)inputs, HD_RECIPE_INPUTS, (long long)inputs);
  return HD_OK;
}

hd_status hd_signature_read(const hd_reader *r, const hd_doc *input, const hd_doc *classes,
                            hd_signature *to) {
  *to = (hd_signature){.input = {.name = "x", .type = {HD_F32, {0}}}};
  const hd_doc *name = hd_doc_get(input, "name"), *dtype = hd_doc_get(input, "dtype"),
               *shape = hd_doc_get(input, "shape"), *target = hd_doc_get(input, "target"),
               *words = hd_doc_get(input, "words");
  if (input->kind != HD_DOC_MAP || !shape ||
      input->count != 1 + !!name + !!dtype + !!target + !!words)
    return hd_reader_fail(r, input,
                          "input: takes name, dtype, shape, target and words; shape is required, "
                          "such as {shape: [28, 28, 1]}");
  hd_status status = read_shape(r, shape, &to->input.type.shape);
  if (!status && !to->input.type.shape.rank)
    status = hd_reader_fail(r, shape, "input: the shape of one sample needs at least one size");
  if (!status && target) status = read_shape(r, target, &to->target.shape);
  if (status) return status;
  to->has_target = target || !classes;
  to->target.dtype = HD_F32;
  if (!target) to->target.shape = (hd_shape){1, {1}};
  if (name &&
      (name->kind != HD_DOC_TEXT || !*name->text || strlen(name->text) >= sizeof to->input.name ||
       !strcmp(name->text, "label") || !strcmp(name->text, "target")))
    return hd_reader_fail(
        r, name, "input: name must be a word of at most %zu letters, and neither label nor target",
        sizeof to->input.name - 1);
  if (name) memcpy(to->input.name, name->text, strlen(name->text) + 1);
  if (dtype)
    to->input.type.dtype = dtype->kind == HD_DOC_TEXT ? hd_dtype_of_name(dtype->text) : HD_NO_DTYPE;
  if (to->input.type.dtype != HD_F32 && to->input.type.dtype != HD_U8 &&
      to->input.type.dtype != HD_I32)
    return hd_reader_fail(r, dtype, "input: dtype must be f32, u8 or i32");
  if (words) status = read_words(r, words, to);
  if (status) return status;
  return classes ? read_classes(r, classes, to) : HD_OK;
}
