// Trains a small network on Fisher's irises and asks it about three flowers.
//   cc iris.c $(pkg-config --cflags --libs hadal) -o iris && ./iris
// Expected: a validation accuracy of about 97 %, then setosa, versicolor, virginica.
#include <stdio.h>
#include <hadal/hadal.h>

static int fail(const hd_error *err) { return fprintf(stderr, "iris: %s\n", err->text), 1; }

int main(void) {
  hd_error err;
  hd_data iris, train, valid;
  if (hd_data_open(NULL, "iris", "train", &iris, &err)) return fail(&err);
  if (hd_data_split(NULL, &iris, 0.2, 1, &train, &valid, &err)) return fail(&err);

  hd_graph *g = hd_graph_new(NULL);
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, 4));          // (N, 4) centimetres
  hd_val t = hd_input(g, "label", HD_I32, HD_SHAPE(HD_BATCH));         // (N)
  hd_val y = hd_dense(hd_tanh(hd_dense(x, .units = 10)), .units = 3);  // (N, 3)

  hd_store *p = hd_store_new(NULL);
  hd_fit_result r;
  if (hd_fit(p, hd_cross_entropy(y, t), &train, &err, .optimizer = hd_adam(.lr = 0.02f),
             .batch = 20, .epochs = 100, .accuracy = hd_accuracy(y, t), .valid = &valid,
             .result = &r))
    return fail(&err);
  printf("validation accuracy %.1f %%, in %.2f s\n", 100 * r.valid.accuracy, r.seconds);

  float flower[3][4] = {{5, 3.4f, 1.5f, 0.2f}, {5.9f, 2.8f, 4.3f, 1.3f}, {6.6f, 3, 5.6f, 2}};
  hd_tensor flowers = {.dtype = HD_F32, .shape = HD_SHAPE(3, 4), .data = flower};
  hd_tensor species = hd_predict(p, hd_argmax(y, -1), flowers, &err);
  if (!species.data) return fail(&err);
  for (int i = 0; i < 3; i++) puts(iris.class_names[((int *)species.data)[i]]);

  hd_tensor_free(&species);
  hd_store_free(p);
  hd_graph_free(g);
  hd_data_free(&train), hd_data_free(&valid), hd_data_free(&iris);
  return 0;
}
