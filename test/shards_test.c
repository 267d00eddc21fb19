// Training split over processes gives the bits of one process: the same slices, the same tree of
// sums, with dropout and batch normalisation in the net.
#define _GNU_SOURCE
#include "net.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAMPLES = 42, BATCH = 8, EPOCHS = 3 };

static hd_val convnet(hd_graph *g, hd_val *accuracy) {
  hd_val x = hd_input(g, "x", HD_F32, HD_SHAPE(HD_BATCH, 6, 6, 2));
  hd_val t = hd_input(g, "label", HD_I32, HD_SHAPE(HD_BATCH));
  x = hd_relu(hd_batch_norm(hd_conv2d(x, .filters = 4, .kernel = {3})));
  x = hd_dropout(hd_dense(hd_dropout(hd_flatten(x), .rate = 0.2f), .units = 9));
  hd_val y = hd_dense(hd_batch_norm(x), .units = 2);
  *accuracy = hd_accuracy(y, t);
  return hd_cross_entropy(y, t);
}

static hd_data data(void) {
  hd_tensor t[2] = {hd_tensor_new(NULL, HD_F32, HD_SHAPE(SAMPLES, 6, 6, 2), NULL),
                    hd_tensor_new(NULL, HD_I32, HD_SHAPE(SAMPLES), NULL)};
  for (uint64_t i = 0; i < 2; i++) net_fill_at(t[i].data, (hd_type){t[i].dtype, t[i].shape}, i + 5);
  hd_data d;
  hd_error err = {0};
  if (hd_data_from_tensors(NULL, (const char *const[]){"x", "label"}, t, 2, &d, &err))
    fail_msg("%s", err.text);
  return d;
}

// Trains; returns the store and the graph's freed.
static hd_status train(const hd_comm *comm, int shards, hd_store **to, hd_error *err) {
  hd_env env = {.threads = 1, .comm = comm};
  hd_graph *g = hd_graph_new(&env);
  hd_store *s = *to = hd_store_new(&env);
  hd_data d = data();
  hd_fit_result result = {0};
  // A second net in the same graph, with statistics of its own, is none of fit's business.
  hd_batch_norm(hd_dense(hd_input(g, "other", HD_F32, HD_SHAPE(HD_BATCH, 3)), .units = 2));
  hd_val accuracy, loss = convnet(g, &accuracy);
  hd_status status =
      hd_fit(s, loss, &d, err, .optimizer = hd_adam(.lr = 0.01f), .batch = BATCH, .epochs = EPOCHS,
             .shards = shards, .accuracy = accuracy, .result = &result);
  if (!status && !(result.train.accuracy >= 0 && result.train.accuracy <= 1))
    status = HD_E_INTERNAL;
  hd_data_free(&d);
  hd_graph_free(g);
  return status;
}

// ---- Two processes and a socket -----------------------------------------------------------------
static bool send_all(int fd, const char *p, size_t bytes) {
  for (ssize_t n; bytes; p += n, bytes -= (size_t)n)
    if ((n = send(fd, p, bytes, MSG_NOSIGNAL)) <= 0) return false;
  return true;
}
static bool receive_all(int fd, char *p, size_t bytes) {
  for (ssize_t n; bytes; p += n, bytes -= (size_t)n)
    if ((n = recv(fd, p, bytes, 0)) <= 0) return false;
  return true;
}

typedef struct {
  int fd, rank, calls, fail_at;
} line;
static int exchange(void *user, const void *from, void *to, size_t bytes) {
  line *l = user;
  char *mine = (char *)to + (size_t)l->rank * bytes, *other = (char *)to + (size_t)!l->rank * bytes;
  if (++l->calls == l->fail_at) return 1;
  memcpy(mine, from, bytes);
  bool ok = l->rank ? receive_all(l->fd, other, bytes) && send_all(l->fd, mine, bytes)
                    : send_all(l->fd, mine, bytes) && receive_all(l->fd, other, bytes);
  return !ok;
}

static int child(int fd, int shards) {  // trains, then sends every parameter in order
  line l = {.fd = fd, .rank = 1};
  hd_store *s;
  if (train(&(hd_comm){&l, 1, 2, exchange}, shards, &s, NULL)) return 1;
  bool ok = true;
  for (int i = 0; i < hd_store_count(s) && ok; i++)
    ok = send_all(fd, hd_store_at(s, i)->data, net_bytes(hd_store_at(s, i)));
  hd_store_free(s);
  return ok ? 0 : 2;
}

static void two_processes_give_the_bits_of_one(void **state) {
  (void)state;
  for (int shards = 2; shards <= 4; shards *= 2) {
    int fd[2], code;
    hd_error err = {0};
    hd_store *alone, *s;
    if (train(NULL, shards, &alone, &err)) fail_msg("%s", err.text);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
      close(fd[0]);
      code = child(fd[1], shards);
      _exit(code);
    }
    close(fd[1]);
    line l = {.fd = fd[0]};
    if (train(&(hd_comm){&l, 0, 2, exchange}, shards, &s, &err)) fail_msg("%s", err.text);
    assert_int_equal(l.calls, EPOCHS * (SAMPLES / BATCH));
    net_same_bits(alone, s);
    for (int i = 0; i < hd_store_count(s); i++) {  // and the other process has them, too
      const hd_parameter *p = hd_store_at(s, i);
      char *got = malloc(net_bytes(p));
      assert_true(receive_all(fd[0], got, net_bytes(p)));
      assert_memory_equal(got, p->data, net_bytes(p));
      free(got);
    }
    assert_int_equal(waitpid(pid, &code, 0), pid);
    assert_true(WIFEXITED(code) && WEXITSTATUS(code) == 0);
    close(fd[0]);
    hd_store_free(alone);
    hd_store_free(s);
  }
}

// Slices change the sums, but not what is learned: without batch statistics and dropout, shards are
// the same mean in another order.
static void shards_are_the_same_mean(void **state) {
  (void)state;
  float w[2][3];
  for (int k = 0; k < 2; k++) {
    net n = net_new(NULL);
    hd_val x = hd_input(n.g, "x", HD_F32, HD_SHAPE(HD_BATCH, 6, 6, 2));
    hd_val t = hd_input(n.g, "label", HD_I32, HD_SHAPE(HD_BATCH));
    hd_val stuck = hd_variable(n.g, HD_F32, HD_SHAPE(2));  // on no path that is differentiated
    hd_val y = hd_dense(hd_flatten(x), .units = 2);
    hd_val loss = hd_cross_entropy(hd_add(y, hd_stop_gradient(stuck)), t);
    hd_data d = data();
    hd_error err = {0};
    if (hd_fit(n.store, loss, &d, &err, .optimizer = hd_sgd(.lr = 0.1f), .batch = 14, .epochs = 2,
               .shards = k ? 7 : 1))
      fail_msg("%s", err.text);
    memcpy(w[k], net_parameter(&n, "dense_1/weight"), sizeof w[k]);
    hd_data_free(&d);
    net_free(&n);
  }
  for (int i = 0; i < 3; i++) assert_float_equal(w[0][i], w[1][i], 1e-5f);
}

static void what_goes_wrong_is_said(void **state) {
  (void)state;
  hd_store *s;
  hd_error err = {0};
  line l = {.fail_at = 1};
  assert_int_equal(train(&(hd_comm){&l, 0, 2, exchange}, 2, &s, &err), HD_E_IO);
  assert_non_null(strstr(err.text, "exchange"));
  hd_store_free(s);
  assert_int_equal(train(&(hd_comm){&l, 0, 3, exchange}, 2, &s, &err), HD_E_ARGUMENT);
  assert_non_null(strstr(err.text, "2 slices"));
  hd_store_free(s);
  assert_int_equal(train(NULL, 3, &s, &err), HD_E_ARGUMENT);
  hd_store_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(two_processes_give_the_bits_of_one),
                                     cmocka_unit_test(shards_are_the_same_mean),
                                     cmocka_unit_test(what_goes_wrong_is_said)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
